"""Leaf area beside another network, an independent canopy model, and what clumping and land cover make of it."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import explain
from musyq_lab.products._clumping import clumping_of, clumping_uncertainty
from musyq_lab.products.lai import SPEC
from musyq_lab.standard.spectra import band_weights

REFERENCE = Path(__file__).parents[1] / "reference"
FINE = ("green", "red", "red_edge_1", "red_edge_2", "red_edge_3", "nir_narrow", "swir1", "swir2")
SENSOR = "sentinel2_msi/Sentinel-2A"
CROP = dict(zip(FINE, (0.07, 0.04, 0.1, 0.25, 0.32, 0.4, 0.2, 0.1), strict=True))


def scene(bands=CROP, **more):
    """Return one row of pixels: reflectances by role, and angles or other inputs."""
    named = {f"reflectance_{role}": (values, "1") for role, values in bands.items()}
    named |= {"sun_zenith": (35.0, "degree"), "view_zenith": (8.0, "degree"), "relative_azimuth": (100.0, "degree")}
    named |= {
        name: (values, "1" if name in ("land_cover", "clumping_index") else "degree") for name, values in more.items()
    }
    size = max(np.size(values) for values, _ in named.values())
    return xr.Dataset(
        {
            name: ("x", np.broadcast_to(np.asarray(v, float), size).copy(), {"units": u})
            for name, (v, u) in named.items()
        }
    )


def retrieve(bands=CROP, *, drop=(), sensor=SENSOR, **more):
    return by_network(scene(bands, **more).drop_vars(drop), sensor)


def by_network(ds, sensor=SENSOR):
    """Retrieve without compiling, which takes longer than a few pixels (kernels equal their twins: see theirs)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSYQ_DISABLE_JIT", "1")
        return ml.retrieve("lai", ds, sensor=sensor)


def flags(made, place=0):
    known = {flag.bit: flag.name for flag in SPEC.all_flags}
    return {name for bit, name in known.items() if int(made.lai_qa[place]) >> bit & 1}


def published():
    with (REFERENCE / "lai.csv").open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def test_agrees_with_sl2p_on_its_own_cases():
    cases = published()
    angles = {
        name: np.degrees(np.arccos(cases[f"cos_{short}"]))
        for name, short in (("sun_zenith", "sun"), ("view_zenith", "view"), ("relative_azimuth", "azimuth"))
    }
    made = retrieve({role: cases[role] for role in FINE}, **angles)
    difference = made.lai.values - cases["value"]
    assert np.sqrt(np.mean(difference**2)) < 0.6
    assert np.mean(np.abs(difference) < 2 * made.lai_uncertainty.values) >= 0.9  # SL2P has an error of its own


def prosail_cases(count=40):
    """Spectra of the package prosail (its own leaves, canopy and soil), seen by MSI; leaf area."""
    prosail = pytest.importorskip("prosail", reason="prosail is not installed: no independent canopy model")
    draw = np.random.default_rng(8)
    lai = draw.uniform(0.2, 4.5, count)
    rows = []
    for one in lai:
        traits = (
            draw.uniform(1.3, 1.7),
            draw.uniform(30, 70),
            10.0,
            0.0,
            draw.uniform(0.01, 0.02),
            draw.uniform(0.004, 0.008),
        )
        spectrum = prosail.run_prosail(
            *traits, one, draw.uniform(45, 65), 0.2, 35.0, 8.0, 100.0, rsoil=draw.uniform(0.7, 1.3), psoil=0.7,
            prospect_version="D", typelidf=2, factor="SDR", ant=0.0,
        )  # fmt: skip
        rows.append(spectrum)
    bands = band_weights("sentinel2_msi", FINE, "Sentinel-2A")
    at = np.round(bands.wavelength * 1e3).astype(int) - 400
    return lai, bands.average(np.array(rows)[:, at])


def test_finds_the_leaf_area_of_an_independent_model():
    lai, seen = prosail_cases()
    made = retrieve(dict(zip(FINE, seen.T, strict=True)))
    error = made.lai.values - lai
    assert np.sqrt(np.mean(error**2)) < 0.6
    assert abs(np.mean(error)) < 0.3
    assert np.corrcoef(made.lai.values, lai)[0, 1] > 0.92
    assert np.mean(np.abs(error) < made.lai_uncertainty.values) > 0.6


def test_more_near_infrared_and_less_red_is_more_leaf():
    red = retrieve(CROP | {"red": np.linspace(0.15, 0.03, 9)})
    assert (np.diff(red.lai.values) > 0).all()
    nir = retrieve({"red": 0.04, "nir": np.linspace(0.1, 0.5, 9)}, sensor="modis/Terra")
    assert (np.diff(nir.lai.values) > 0).all()


def test_effective_leaf_area_over_clumping_is_leaf_area():
    effective = retrieve()
    assert flags(effective) == {"effective"}
    given = retrieve(clumping_index=np.array([0.5, 0.8, 1.0]))
    np.testing.assert_allclose(given.lai.values * [0.5, 0.8, 1.0], effective.lai.values[0], rtol=1e-12)
    by_class = retrieve(land_cover=np.array([1.0, 4.0, 12.0]))
    table = clumping_of(np.array([1.0, 4.0, 12.0]))
    np.testing.assert_allclose(by_class.lai.values * table, effective.lai.values[0], rtol=1e-12)
    assert flags(by_class) == flags(given) == set()


def test_the_clumping_given_counts_more_than_that_of_the_class():
    both = retrieve(land_cover=np.full(3, 1.0), clumping_index=np.full(3, 0.9))
    np.testing.assert_array_equal(both.lai, retrieve(clumping_index=np.full(3, 0.9)).lai)


def test_error_of_the_clumping_is_part_of_the_error():
    classes = np.array([1.0, 4.0, 6.0])
    bare, known = retrieve(), retrieve(land_cover=classes)
    omega, sigma = clumping_of(classes), clumping_uncertainty(classes)
    expected = np.hypot(float(bare.lai_uncertainty[0]), float(bare.lai[0]) * sigma / omega) / omega
    np.testing.assert_allclose(known.lai_uncertainty, expected, rtol=1e-6)
    stated = scene(clumping_index=np.full(3, 0.7)).assign(
        clumping_index_uncertainty=("x", np.full(3, 0.1), {"units": "1"})
    )
    made = by_network(stated)
    expected = np.hypot(bare.lai_uncertainty[0], bare.lai[0] * 0.1 / 0.7) / 0.7
    np.testing.assert_allclose(made.lai_uncertainty, np.full(3, float(expected)), rtol=1e-6)


@pytest.mark.parametrize("land_cover", [15.0, 17.0])
def test_snow_and_water_have_no_leaves(land_cover):
    made = retrieve(land_cover=np.array([land_cover]))
    assert made.lai == 0
    assert made.lai_uncertainty == 0
    assert flags(made) == {"no_leaves"}


def test_a_class_without_a_clumping_index_gives_effective_leaf_area():
    made = retrieve(land_cover=np.array([200.0]))
    np.testing.assert_array_equal(made.lai, retrieve().lai)
    assert flags(made) == {"effective"}


def test_nothing_known_of_the_cover_is_no_value():
    made = retrieve(land_cover=np.array([12.0, np.nan]))
    np.testing.assert_array_equal(np.isnan(made.lai), [False, True])
    assert "input_missing" in flags(made, 1)


@pytest.mark.parametrize("land_cover", [12.0, 17.0])
def test_a_band_that_is_missing_at_a_pixel_is_no_value_there(land_cover):
    made = retrieve(CROP | {"swir1": np.array([0.2, np.nan])}, land_cover=np.full(2, land_cover))
    np.testing.assert_array_equal(np.isnan(made.lai), [False, True])


def test_unlike_spectra_are_marked_and_explained():
    made = retrieve({role: 0.8 for role in FINE})
    assert "outside_training" in flags(made)
    sentences = explain(int(made.lai_qa[0]), SPEC.all_flags)
    assert any("training canopies" in sentence for sentence in sentences)


def test_without_view_angles_nadir_is_assumed_and_said():
    made = retrieve(drop=["view_zenith", "relative_azimuth"])
    assert "nadir_assumed" in flags(made)
    level = retrieve(view_zenith=0.0)
    np.testing.assert_allclose(made.lai, level.lai, atol=1e-12)


@pytest.mark.slow
def test_tables_by_land_cover_agree_with_the_networks_within_their_errors():
    five = {role: CROP[role] for role in ("green", "red", "swir1", "swir2")} | {"nir": 0.4}
    ds = scene(five, land_cover=np.array([4.0, 10.0, 12.0]))
    tables = ml.retrieve("lai", ds, sensor="landsat_oli/Landsat-8", method="lut")
    nets = by_network(ds, "landsat_oli/Landsat-8")
    both = np.hypot(tables.lai_uncertainty, nets.lai_uncertainty)
    assert (np.abs(tables.lai - nets.lai) < 1.5 * both).all()
    assert "not public" in tables.attrs["method_title"]
    assert "outside_training" not in flags(tables)


def test_tables_need_land_cover_and_know_what_has_no_leaves():
    with pytest.raises(InputError, match="needs land_cover"):
        ml.retrieve("lai", scene().chunk(), sensor=SENSOR, method="lut")  # before anything is computed
    made = ml.retrieve("lai", scene(land_cover=np.array([17.0])), sensor=SENSOR, method="lut")
    assert made.lai == 0
    assert flags(made) == {"no_leaves"}


def test_method_and_sensor_are_in_the_history():
    made = retrieve()
    assert SENSOR in made.attrs["history"]
    assert made.attrs["method"] == "network"
    assert "not re-read" in made.attrs["method_title"]


def test_errors_grow_where_reflectance_saturates():
    sparse = retrieve(CROP | {"red": 0.1, "nir_narrow": 0.25, "red_edge_3": 0.22, "red_edge_2": 0.2})
    dense = retrieve(CROP | {"red": 0.02, "nir_narrow": 0.5, "red_edge_3": 0.46, "red_edge_2": 0.4, "swir1": 0.2})
    assert dense.lai > 2 * sparse.lai
    assert dense.lai_uncertainty > 2 * sparse.lai_uncertainty


def test_tables_mark_what_is_no_canopy():
    """Cloud has a nearest entry, too: the value must not look like any other."""
    given = scene(dict.fromkeys(FINE, np.array([0.9])), land_cover=4.0)
    made = ml.retrieve("lai", given, sensor=SENSOR, method="lut")
    assert "outside_training" in flags(made)
    green = ml.retrieve("lai", scene(land_cover=4.0), sensor=SENSOR, method="lut")
    assert "outside_training" not in flags(green)
