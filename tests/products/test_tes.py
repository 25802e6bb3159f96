"""Separation of temperature and emissivity over real spectra and the bands of sensors; constants of bands; refusals."""

import importlib.util
import sys

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.resources import resource
from musyq_lab.kernels.radiometry import planck_radiance
from musyq_lab.products import _tes
from musyq_lab.products._emissivity import band_emissivity, band_response
from musyq_lab.products.lst import SPEC, lst

THREE = ("tir_8_6", "tir1", "tir2")
FOUR = ("tir_8_6", "tir_10_4", "tir1", "tir2")
SENSORS = (
    ("", THREE),
    ("modis/Terra", THREE),
    ("npp_viirs/", THREE),
    ("fy3d_mersi2/", THREE),
    ("fy4a_agri/", THREE),
    ("msg_seviri/", THREE),
    ("himawari_ahi/", FOUR),
    ("goes_abi/", FOUR),
)


def leaving(temperature, roles, sensor, sky_share):
    """Return what leaves each material and the sky above it, from band means of black bodies."""
    light, sky, truth = [], [], []
    for role in roles:
        fine, seen = band_response(role, sensor)
        black = float(seen @ [planck_radiance(temperature, x) for x in fine])
        e = np.array(list(band_emissivity(role, sensor).values()))
        truth.append(e)
        sky.append(np.full(e.size, sky_share * black))
        light.append(e * black + (1 - e) * sky[-1])
    return light, sky, np.array(truth)


@pytest.mark.parametrize(("sensor", "roles"), SENSORS, ids=[s or "nominal" for s, _ in SENSORS])
@pytest.mark.parametrize("temperature", [275.0, 300.0, 325.0])
def test_materials_are_found_within_the_stated_error(sensor, roles, temperature):
    """The curve is of ECOSTRESS and its libraries, the materials are not: an independent check of both."""
    light, sky, truth = leaving(temperature, roles, sensor, 0.3)
    made = _tes.separate(light, sky, roles, sensor)
    error = np.array(made.emissivity) - truth
    assert np.sqrt(np.mean(error**2)) < 0.0085
    assert np.abs(error).max() < 0.022
    warmth = made.temperature - temperature
    assert np.sqrt(np.mean(warmth**2)) < 0.5
    assert np.abs(warmth).max() < 0.95


@pytest.mark.parametrize(("sensor", "roles"), SENSORS, ids=[s or "nominal" for s, _ in SENSORS])
def test_materials_lie_on_the_curve(sensor, roles):
    truth = np.array([list(band_emissivity(role, sensor).values()) for role in roles])
    a, b, c = _tes.CURVE
    lowest = a - b * (np.ptp(truth, axis=0) / truth.mean(axis=0)) ** c
    assert np.abs(lowest - truth.min(axis=0)).max() < 0.02


def test_curve_of_three_bands_is_near_that_of_five():
    contrast = np.linspace(0.02, 0.25, 24)
    three, five = (a - b * contrast**c for a, b, c in (_tes.CURVE, _tes.CURVE_FIVE))
    assert np.abs(three - five).max() < 0.02


@pytest.mark.parametrize(
    ("role", "sensor"), [("tir1", "landsat_tm/"), ("tir_8_6", "fy4a_agri/"), ("tir1", "msg_seviri/"), ("tir2", "")]
)
def test_constants_invert_band_means(role, sensor):
    fine, seen = band_response(role, sensor)
    k1, k2 = _tes.band_constants(role, sensor)
    for temperature in (255.0, 270.0, 290.0, 310.0, 325.0):
        light = float(seen @ [planck_radiance(temperature, x) for x in fine])
        assert k2 / np.log(k1 / light + 1) == pytest.approx(temperature, abs=0.03)


def test_radiance_of_a_black_body_keeps_its_type():
    made = _tes.black_body(np.array([280.0, 300.0], "f4"), "tir1", "modis/Terra")
    assert made.dtype == np.float32
    assert (np.diff(made) > 0).all()


@pytest.mark.parametrize("roles", [("tir1", "tir2"), ("tir_10_4", "tir1", "tir2"), (), ("tir_8_6", "tir1", "mir")])
def test_other_bands_are_refused(roles):
    with pytest.raises(InputError, match="tir_8_6"):
        _tes.separate([np.ones(2)] * len(roles), [np.zeros(2)] * len(roles), roles)


def test_arrays_are_broadcast():
    light, sky, _ = leaving(300.0, THREE, "", 0.2)
    made = _tes.separate(light, [np.float64(s[0]) for s in sky], THREE)
    np.testing.assert_array_equal(made.temperature, _tes.separate(light, sky, THREE).temperature)
    assert made.contrast.shape == light[0].shape


def test_a_wrong_atmosphere_shows_as_emissivity():
    """One K too low at 8.6 um costs about 0.015 of emissivity there."""
    grass = list(band_emissivity("tir1")).index("loam")
    light, sky, truth = leaving(300.0, THREE, "", 0.3)
    shifted = [_tes.black_body(np.array(300.0) - 1.0, "tir_8_6") / _tes.black_body(np.array(300.0), "tir_8_6"), 1, 1]
    made = _tes.separate([x * k for x, k in zip(light, shifted, strict=True)], sky, THREE)
    known = _tes.separate(light, sky, THREE)
    assert 0.01 < known.emissivity[0][grass] - made.emissivity[0][grass] < 0.03
    assert truth.shape == (3, made.temperature.size)


def test_air_is_taken_off_by_the_table():
    """The more vapour along the view, the more of a warm surface the air hides."""
    role, sensor = "tir1", "modis/Terra"
    dry, humid = (
        _tes.at_surface([np.full(1, 295.0)], [role], sensor, np.full(1, w), np.full(1, 292.0), 0.0)[0][0][0]
        for w in (2.0, 30.0)
    )
    straight = _tes.black_body(np.array(295.0), role, sensor)
    assert straight < dry < humid
    slanted = _tes.at_surface([np.full(1, 295.0)], [role], sensor, np.full(1, 15.0), np.full(1, 292.0), 60.0)[0][0][0]
    assert slanted > _tes.at_surface([np.full(1, 295.0)], [role], sensor, np.full(1, 15.0), np.full(1, 292.0))[0][0][0]


def test_nothing_is_seen_through_too_much_vapour():
    vapour = np.array([44.0, 46.0, 23.0])
    zenith = np.array([0.0, 0.0, 60.0])
    light, sky = _tes.at_surface([np.full(3, 290.0)], ["tir2"], "", vapour, np.full(3, 295.0), zenith)
    assert np.isfinite(light[0]).tolist() == [True, False, False]
    assert np.isfinite(sky[0]).tolist() == [True, False, False]


@pytest.mark.parametrize(("sensor", "roles"), SENSORS, ids=[s or "nominal" for s, _ in SENSORS])
def test_air_makes_sense_in_every_band(sensor, roles):
    """Transmittance and sky by hand from the table: within bounds, falling and rising with vapour."""
    w = np.linspace(0.1, 4.0, 40)
    for role in roles:
        t, d = np.split(np.array(_tes.atmosphere(role, sensor)), [7, 14])[::2]
        for air in (270.0, 285.0, 300.0):
            u = air / 300 - 1
            v = w[w < 2.0] if air < 285.0 else w  # colder air does not hold more
            terms = np.stack([np.ones_like(v), 0 * v, v, v**2, v * u, v**2 * u, np.sqrt(v)])
            tau = np.exp(-t @ terms)
            assert ((tau > 0.2) & (tau < 1.03)).all(), (role, air)
            assert (np.diff(tau) < 0).all(), (role, air)
            sky = -np.expm1(-d @ terms[[0, 2, 3, 4, 5, 6]])
            assert ((sky > -0.03) & (sky < 1)).all(), (role, air)
            assert (np.diff(sky) > 0).all(), (role, air)


@pytest.mark.parametrize("role", FOUR)
def test_dry_air_neither_glows_nor_amplifies(role):
    """At the edge of the table the functions are kept within what is possible."""
    light, sky = _tes.at_surface([np.full(4, 270.0)], [role], "", np.array([0.0, 0.3, 1.0, 2.0]), np.full(4, 262.0))
    assert (sky[0] >= 0).all()
    assert (light[0] > 0.85 * _tes.black_body(np.array(270.0), role)).all()


def test_tables_fall_back_to_nominal_bands_and_to_the_first_platform():
    assert _tes.atmosphere("tir1", "landsat_oli/Landsat-8") == _tes.atmosphere("tir1", "")
    assert _tes.atmosphere("tir1", "modis/Aqua") == _tes.atmosphere("tir1", "modis/Terra")
    assert _tes.atmosphere("tir1", "modis/Terra") != _tes.atmosphere("tir1", "")


def test_stated_errors_grow_with_vapour():
    for what in (*THREE, "temperature"):
        vapour, sigma = _tes.errors(what, "modis/Terra")
        assert (np.diff(vapour) > 0).all()
        assert (np.diff(sigma[1:]) > 0).all()
        assert 0.005 < sigma[0] < (0.02 if what != "temperature" else 1.0)


@pytest.fixture(scope="module")
def derive():
    """Return the script that makes the tables, as a module."""
    path = resource("catalogs/emissivity/derive.py")
    spec = importlib.util.spec_from_file_location("derive_emissivity", path)
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = before


@pytest.mark.slow
def test_table_is_made_again_by_its_script(derive):
    """A band's numbers and errors, from the same atmospheres."""
    roles, sensor = THREE, "modis/Terra"
    sets = {kind: derive.simulate(kind) for kind in ("fit", "test")}
    found = {role: derive.coefficients(sets["fit"], role, sensor) for role in roles}
    for role in roles:
        np.testing.assert_allclose(found[role], _tes.atmosphere(role, sensor), rtol=1e-5, atol=1e-6)
    for what, classes in derive.accuracy(sets["test"], roles, sensor, found).items():
        np.testing.assert_allclose([real for _, real in classes], _tes.errors(what, sensor)[1], atol=2e-4)


@pytest.mark.parametrize(("method", "sensor"), [("single_channel", "landsat_oli/Landsat-8"), ("tes", "modis/Terra")])
def test_what_one_band_sees_through_is_the_vapour_along_the_view(method, sensor):
    """20 kg m-2 straight down is 20 along the view, at 60 degrees 40: more than the 30 that the bit is for."""
    bands = {f"brightness_temperature_{role}": ("K", 300.0) for role in THREE}
    others = {"water_vapour": ("kg m-2", 20.0), "air_temperature": ("K", 295.0), "emissivity_tir1": ("1", 0.97)}
    numbers = {name: ("x", np.full(2, value), {"units": unit}) for name, (unit, value) in (bands | others).items()}
    given = xr.Dataset(numbers).assign(view_zenith=("x", np.array([0.0, 60.0]), {"units": "degree"}))
    made = lst(given, method=method, sensor=sensor)
    beyond = next(flag.mask for flag in SPEC.flags if flag.name == "vapour_beyond")
    np.testing.assert_array_equal((made.lst_qa & beyond) != 0, [False, True])
    assert made.lst_uncertainty[1] > 1.5 * made.lst_uncertainty[0]
