"""Absorption beside another network, our models of the canopy in closed form, and its limits."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import musyq_lab as ml
from musyq_lab.core.errors import NotFoundError
from musyq_lab.kernels import canopy, ground
from musyq_lab.products.fpar import SPEC
from musyq_lab.standard.spectra import band_weights, leaf_constants, sunlight

REFERENCE = Path(__file__).parents[1] / "reference"
FINE = ("green", "red", "red_edge_1", "red_edge_2", "red_edge_3", "nir_narrow", "swir1", "swir2")
SENSOR = "sentinel2_msi/Sentinel-2A"
ANGLES = {"sun_zenith": 35.0, "view_zenith": 8.0, "relative_azimuth": 100.0}


def retrieve(bands, *, sensor=SENSOR, land_cover=None, **angles):
    named = {f"reflectance_{role}": (values, "1") for role, values in bands.items()}
    named |= {name: (values, "degree") for name, values in (ANGLES | angles).items()}
    named |= {} if land_cover is None else {"land_cover": (land_cover, "1")}
    size = max(np.size(values) for values, _ in named.values())
    layers = {n: ("x", np.broadcast_to(np.asarray(v, float), size).copy(), {"units": u}) for n, (v, u) in named.items()}
    with pytest.MonkeyPatch.context() as patch:  # to compile takes longer than a few pixels
        patch.setenv("MUSYQ_DISABLE_JIT", "1")
        return ml.retrieve("fpar", xr.Dataset(layers), sensor=sensor)


def flags(made, place=0):
    known = {flag.bit: flag.name for flag in SPEC.all_flags}
    return {name for bit, name in known.items() if int(made.fpar_qa[place]) >> bit & 1}


def test_agrees_with_sl2p_on_its_own_cases():
    with (REFERENCE / "fpar.csv").open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    cases = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    angles = {
        name: np.degrees(np.arccos(cases[f"cos_{short}"]))
        for name, short in (("sun_zenith", "sun"), ("view_zenith", "view"), ("relative_azimuth", "azimuth"))
    }
    made = retrieve({role: cases[role] for role in FINE}, **angles)
    difference = made.fpar.values - cases["value"]
    assert np.sqrt(np.mean(difference**2)) < 0.05
    assert np.abs(difference).max() < 0.1


def stands(lai, *, sun=35.0, sensor="sentinel2_msi", variant="Sentinel-2A", bands=FINE):
    """Return what the bands see of a spherical canopy of green leaves, and its absorption of PAR by 1 nm."""
    seen, whole = band_weights(sensor, bands, variant), leaf_constants()
    soil = ground.soil(whole.wavelength, whole.water, 0.33, moisture=0.1)
    parameters = canopy.CanopyParameters(
        n=1.5, cab=45.0, car=11.0, ant=0.0, cbrown=0.0, cw=0.015, cm=0.005, lai=np.asarray(lai), hotspot=0.2,
        leaf_angles=canopy.campbell(57.3), sun_zenith=sun, view_zenith=8.0, relative_azimuth=100.0,
    )  # fmt: skip
    layer = canopy.canopy_bands(parameters, whole, np.eye(whole.wavelength.size))
    reflectance = canopy.over_soil(layer, soil).rsot
    parts = canopy.absorbed(layer, soil)
    photons = np.where(whole.wavelength < 0.7001, whole.wavelength * sunlight("ground")[1], 0.0)
    cosine = np.cos(np.radians(sun))
    sky = 0.847 - 1.61 * cosine + 1.04 * cosine**2
    at = np.round(seen.wavelength * 1e3).astype(int) - 400
    mixed = (1 - sky) * parts.direct + sky * parts.diffuse
    return dict(zip(bands, seen.average(reflectance[:, at]).T, strict=True)), mixed @ photons / photons.sum()


@pytest.mark.parametrize("sun", [20.0, 45.0, 65.0])
def test_finds_the_absorption_of_a_canopy(sun):
    seen, truth = stands([0.3, 0.7, 1.5, 3.0, 5.0], sun=sun)
    made = retrieve(seen, sun_zenith=sun)
    assert np.abs(made.fpar.values - truth).max() < 0.1
    assert (np.diff(made.fpar.values) > 0).all()


def test_few_bands_know_less():
    seen, truth = stands([0.3, 0.7, 1.5, 3.0, 5.0])
    bands = {"red": seen["red"], "nir": seen["nir_narrow"]}
    few = retrieve(bands)
    assert np.abs(few.fpar.values - truth).max() < 0.15
    assert few.fpar_uncertainty.mean() > 1.1 * retrieve(seen).fpar_uncertainty.mean()


def test_bare_soil_absorbs_nearly_nothing():
    seen, _ = stands([0.0])
    made = retrieve(seen)
    assert made.fpar < 0.08
    assert made.fpar <= 3 * made.fpar_uncertainty


def test_a_low_sun_is_absorbed_more():
    seen, truth = zip(*(stands([1.5], sun=sun) for sun in (20.0, 70.0)), strict=True)
    high, low = (retrieve(bands, sun_zenith=sun) for bands, sun in zip(seen, (20.0, 70.0), strict=True))
    assert truth[1] > truth[0]
    assert low.fpar > high.fpar + 0.3 * float(truth[1][0] - truth[0][0])


@pytest.mark.parametrize("land_cover", [15.0, 17.0])
def test_snow_and_water_have_no_leaves(land_cover):
    seen, _ = stands([2.0])
    made = retrieve(seen, land_cover=land_cover)
    assert made.fpar == 0
    assert made.fpar_uncertainty == 0
    assert flags(made) == {"no_leaves"}


def test_land_cover_changes_nothing_else():
    seen, _ = stands([2.0])
    np.testing.assert_array_equal(retrieve(seen, land_cover=12.0).fpar, retrieve(seen).fpar)
    assert flags(retrieve(seen, land_cover=12.0)) == flags(retrieve(seen)) == set()


@pytest.mark.slow
def test_tables_by_land_cover_find_the_absorption_too():
    seen, truth = stands([0.7, 1.5, 3.0])
    layers = {f"reflectance_{role}": ("x", values, {"units": "1"}) for role, values in seen.items()}
    layers |= {name: ("x", np.full(3, value), {"units": "degree"}) for name, value in ANGLES.items()}
    ds = xr.Dataset({**layers, "land_cover": ("x", np.full(3, 12.0), {"units": "1"})})
    made = ml.retrieve("fpar", ds, sensor=SENSOR, method="lut")
    assert np.abs(made.fpar.values - truth).max() < 0.12
    assert (made.fpar_uncertainty >= 0.03).all()


def test_sky_light_that_the_stated_formula_gives_is_a_share():
    cosine = np.cos(np.radians(np.linspace(0, 75, 40)))
    share = 0.847 - 1.61 * cosine + 1.04 * cosine**2
    assert ((share > 0.2) & (share < 0.55)).all()


def test_dense_canopies_stay_below_the_limit():
    seen, truth = stands([4.0, 6.0, 8.0], sun=70.0)
    made = retrieve(seen, sun_zenith=70.0)
    assert (made.fpar.values <= 0.98).all()
    assert np.abs(made.fpar.values - truth).max() < 0.06


def test_a_sensor_without_near_infrared_is_refused():
    with pytest.raises(NotFoundError, match="no red and near-infrared"):
        retrieve({"red": 0.1, "nir": 0.3}, sensor="goes_imager/GOES-13")
