"""The table of verification: every row met, every category there, and the committed page no other than the table."""

import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
try:
    import verification
    from _verification import Case, column, one, rows, scene, where
finally:
    sys.path.remove(str(BENCHMARKS))

CATEGORIES = [
    "vi", "fvc", "lai", "fpar", "gpp", "npp", "evapotranspiration", "land_cover", "phenology", "roughness", "biomass",
    "lsr", "brdf", "albedo", "aod", "water_vapour", "lst", "emissivity", "ulr", "dsr", "dlr", "par", "net_radiation",
    "solar", "bandpass", "nadir",
]  # fmt: skip
VECTORS = [
    "VI-1", "VI-3", "SL2P-3_0/S2A-LAI", "SL2P-3_0/S2A-FAPAR", "SL2P-3_0/S2A-FCOVER", "PROSPECT-D", "PROSPECT-5",
    "PROSAIL-5B", "PROSAIL-D-LAI0.5", "PROSAIL-D-LAI2.0", "LIDF-1", "4SAIL-2.0-30.0-0.0", "4SAIL-4.0-45.0-30.0",
    "MOD17-GPP", "MOD17-Rm", "MOD17-NPP", "MOD17-VPD", "MOD17-TRAP", "MOD16-ET", "FAO56-ex17", "FAO56-ex18",
    "PMODEL-temperature", "PTJPL-0", "CARLSON", "FVC-DPM", "FVC-GAP", "CASA-1", "ECLUE-1", "NEP-1", "CO2eq",
    "RAUPACH", "ROUGH-conifer", "ROUGH-broadleaf", "ROUGH-crop", "WHIT-1", "SG-1", "HANTS-1", "PHENO-1",
    "sixs_lambertian", "sixsV21_reflectance_coefs", "brdf_kernels", "bsa_kernel_integrals", "wsa_kernel_integrals",
    "nbar_c_factor", "brdf_inversion_roundtrip", "spa_nrel_reference", "solpos", "ineichen", "bird", "simplified_solis",
    "haurwitz", "diffuse_fraction", "poa_pv_isotropic", "poa_pv_klucher", "poa_pv_haydavies", "poa_pv_reindl",
    "poa_pv_king", "poa_pv_perez", "pvwatts_losses", "gueymard94_pw", "kasten_pyrheliometric",
    "bird_hulstrom80_aod_bb", "sparta", "rest2v5", "irradpy2_rest2v5", "irradpy2_mac2", "irradpy2_esra_TL2",
    "dlr_clear", "planck", "lst_smw", "lst_sc_jm2014", "lst_sw_jm2014", "ulr", "bbe_aster", "nir_wv", "huld_pvgis",
    "band_reflectance_prosail",
]  # fmt: skip
"""Of the test plans, but for SL2P-3_0/S2A-LAI_Cab (no product gives canopy chlorophyll) and dlr_zhou2007 (unknown)."""
REPORTS = {
    "SL2P-3_0/S2A-LAI": 0.6, "SL2P-3_0/S2A-FAPAR": 0.05, "SL2P-3_0/S2A-FCOVER": 0.05,
    # W m-2, what published models of one thing differ by; shares of reflectance that bands differ by.
    "irradpy2_mac2": 5.0, "sparta": 15.0, "poa_pv_klucher": 20.0, "poa_pv_reindl": 5.0, "poa_pv_king": 5.0,
    "band_reflectance_prosail": 0.004,
}  # fmt: skip
"""Bounds of the root mean square difference from other models."""


@pytest.fixture(autouse=True)
def python_twins(monkeypatch):
    """Run the kernels as plain Python: a few pixels take no time, a compilation seconds."""
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")


def vector_of(case):
    return case.reference.split(":")[0].split(";")[0]


def name(case):
    return f"{case.category}-{case.reference.split(':')[0]}-{case.method}".replace(" ", "_")


@pytest.mark.parametrize("case", verification.CASES, ids=name)
def test_row_is_met(case):
    reached = case.reached()
    assert np.isfinite(reached)
    assert reached <= (REPORTS[vector_of(case)] if np.isinf(case.tolerance) else case.tolerance)


def test_every_category_has_a_row():
    assert set(CATEGORIES) <= {case.category for case in verification.CASES}


def test_every_vector_has_a_row():
    assert set(VECTORS) <= {vector_of(case) for case in verification.CASES}
    assert "LAI_Cab" in verification.NOT_REPRODUCED
    assert "dlr_zhou2007" in verification.NOT_REPRODUCED


def test_rows_can_be_told_apart():
    cells = [tuple(verification.fixed_cells(case)) for case in verification.CASES]
    assert len(set(cells)) == len(cells)
    assert not any("|" in cell for row in cells for cell in row)


def test_only_other_models_are_reported_and_not_met():
    reports = {vector_of(case) for case in verification.CASES if np.isinf(case.tolerance)}
    assert reports == set(REPORTS)


def page():
    """Return the rows of the table of the committed page."""
    text = verification.DOCUMENT.read_text(encoding="utf-8")
    table = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return text, [[cell.strip() for cell in row] for row in table]


def test_page_lists_the_same_cases():
    text, (head, _, *listed) = page()
    assert head == verification.HEAD
    assert [row[:4] for row in listed] == [verification.fixed_cells(case) for case in verification.CASES]
    assert text == verification.document(listed)


def test_page_claims_what_its_numbers_say():
    _, (_, _, *listed) = page()
    for case, (*_, reached, verdict) in zip(verification.CASES, listed, strict=True):
        assert verdict == ("compared" if np.isinf(case.tolerance) else "met")
        assert float(reached) <= case.tolerance


# ---- a wrong number does not pass ------------------------------------------------------------------------------------


def test_difference_is_the_largest_and_may_be_relative():
    found, expected = [[1.0, 2.2]], np.array([1.0, 2.0])
    assert Case("a", "b", "c", 0.1, lambda: (found, expected)).reached() == pytest.approx(0.2)
    assert Case("a", "b", "c", 0.1, lambda: (found, expected), relative=True).reached() == pytest.approx(0.1)
    assert Case("a", "b", "c", np.inf, lambda: (found, expected)).reached() == pytest.approx(0.2 / np.sqrt(2))


def test_missing_numbers_are_not_met(monkeypatch):
    monkeypatch.setattr(verification, "CASES", [Case("a", "b", "c", 1.0, lambda: ([np.nan, 1.0], [1.0, 1.0]))])
    assert verification.lines()[0][-1] == "NOT met"
    with pytest.raises(ValueError, match="1 numbers computed, 2 expected"):
        Case("a", "b", "c", 1.0, lambda: (1.0, [1.0, 1.0])).reached()


@pytest.mark.parametrize("reference", ["MOD17-GPP", "ROUGH-crop", "WHIT-1"])
def test_a_shift_beyond_the_tolerance_is_found(reference):
    case = next(c for c in verification.CASES if c.reference.startswith(reference))
    found, expected = (np.asarray(values, float) for values in case.run())
    moved = Case(case.category, case.method, reference, case.tolerance, lambda: (found + 2 * case.tolerance, expected))
    assert moved.reached() > case.tolerance


def test_reference_numbers_are_read_by_name():
    assert len(rows("vi")) == 32
    assert one("VI-3", "evi_wrong") - one("VI-3", "evi") == pytest.approx(0.3472, abs=1e-4)
    gap = where("fvc", case="gap")
    assert np.isnan(column(gap, "ndvi")).all()
    assert column(gap, "lai").tolist() == [0.5, 1, 2, 3, 5]
    assert scene(lai=[1.0, 2.0], land_cover=1).land_cover.values.tolist() == [1, 1]
