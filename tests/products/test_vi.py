"""Vegetation indices as users get them: against spyndex on a real chip, and what the spec derives from the table."""

import numpy as np
import pytest
import xarray as xr

import musyq_lab as ml
from musyq_lab.core.quality import NOT_DEFINED, OUTPUT_OUT_OF_RANGE
from musyq_lab.core.resources import resource
from musyq_lab.kernels.spectral_index import FORMULAS
from musyq_lab.products.vi import SPEC

spyndex = pytest.importorskip("spyndex", reason="spyndex is part of the test extra")

# Name in spyndex, where it is not ours in capitals; our bands in its letters.
BANDS = {"blue": "B", "green": "G", "red": "R", "nir": "N"}
ON_THE_CHIP = {
    "ndvi": ("NDVI", {}),
    "evi": ("EVI", {"g": 2.5, "C1": 6.0, "C2": 7.5, "L": 1.0}),
    "evi2": ("EVI2", {"g": 2.5, "L": 1.0}),
    "savi": ("SAVI", {"L": 0.5}),
    "osavi": ("OSAVI", {}),
    "msavi": ("MSAVI", {}),
    "nirv": ("NIRv", {}),
    "ndwi": ("NDWI", {}),
    "gndvi": ("GNDVI", {}),
}


@pytest.fixture(scope="module")
def chip():
    with xr.open_dataset(resource("catalogs/samples/sentinel2_chip.nc"), engine="h5netcdf") as opened:
        return opened.load()


def test_the_chip_is_reflectance(chip):
    assert dict(chip.reflectance.sizes) == {"band": 4, "y": 300, "x": 300}
    assert 0.0 < float(chip.reflectance.sel(band="nir").mean()) < 0.6


@pytest.mark.parametrize("name", ON_THE_CHIP)
def test_equals_spyndex_on_its_own_chip(chip, name):
    theirs_name, constants = ON_THE_CHIP[name]
    letters = {letter: chip.reflectance.sel(band=role).values for role, letter in BANDS.items()}
    theirs = spyndex.computeIndex(theirs_name, letters | constants)
    ours = ml.retrieve("vi", chip, variables=[name], uncertainty=False)[name].values
    inside = (theirs >= SPEC.variable(name).valid_range[0]) & (theirs <= SPEC.variable(name).valid_range[1])
    assert inside.mean() > 0.95
    np.testing.assert_allclose(ours[inside], theirs[inside], atol=1e-6, rtol=0)
    assert np.isnan(ours[~inside]).all()


def test_ndvi_and_evi_by_default(chip):
    made = ml.retrieve("vi", chip, uncertainty=False)
    assert list(made.data_vars) == ["ndvi", "evi", "vi_qa", "vi_inputs_qa"]
    assert made.ndvi.attrs["standard_name"] == "normalized_difference_vegetation_index"


def test_only_the_bands_of_the_wanted_index_are_needed(chip):
    two = chip.sel(band=["nir", "red"])
    xr.testing.assert_equal(
        ml.retrieve("vi", two, variables="ndvi").ndvi, ml.retrieve("vi", chip, variables=["evi", "ndvi"]).ndvi
    )


def test_many_at_once_equal_one_at_a_time(chip):
    together = ml.retrieve("vi", chip, variables=list(ON_THE_CHIP), uncertainty=False)
    for name in ON_THE_CHIP:
        xr.testing.assert_equal(together[name], ml.retrieve("vi", chip, variables=[name], uncertainty=False)[name])


def test_uncertainty_of_ndvi_is_the_textbook_one():
    red, nir = 0.05, 0.40
    scene = xr.Dataset({f"reflectance_{b}": ("x", [v], {"units": "1"}) for b, v in (("red", red), ("nir", nir))})
    sigma = ml.retrieve("vi", scene, variables=["ndvi"]).ndvi_uncertainty.item()
    spread = [np.hypot(0.005, 0.05 * value) for value in (red, nir)]
    expected = 2 / (nir + red) ** 2 * np.hypot(nir * spread[0], red * spread[1])
    assert sigma == pytest.approx(expected, rel=0.02)


def test_zero_denominator_has_no_value_and_says_so():
    dark = xr.Dataset({f"reflectance_{b}": ("x", [0.0, 0.02], {"units": "1"}) for b in ("red", "nir")})
    made = ml.retrieve("vi", dark, variables=["ndvi"])
    assert np.isnan(made.ndvi.values[0])
    assert made.vi_qa.values[0] == NOT_DEFINED.mask
    assert made.ndvi.values[1] == 0.0


def test_impossible_index_is_removed_and_says_so():
    # A negative red from over-correction pushes NDVI over 1.
    scene = xr.Dataset({f"reflectance_{b}": ("x", [v], {"units": "1"}) for b, v in (("red", -0.02), ("nir", 0.3))})
    made = ml.retrieve("vi", scene, variables=["ndvi"])
    assert np.isnan(made.ndvi.values[0])
    assert made.vi_qa.values[0] == OUTPUT_OUT_OF_RANGE.mask


def test_spec_follows_the_table():
    assert [v.name for v in SPEC.variables] == list(FORMULAS)
    assert {i.name for i in SPEC.inputs} == {f"reflectance_{b}" for f in FORMULAS.values() for b in f.bands}
    assert all(v.references for v in SPEC.variables)


@pytest.mark.parametrize("variable", SPEC.variables, ids=lambda v: v.name)
def test_packing_is_as_fine_as_sixteen_bits_allow(variable):
    span = max(abs(bound) for bound in variable.valid_range)
    assert span / variable.scale <= 32767
    assert variable.scale <= max(1e-4, 2.5 * span / 32767)
