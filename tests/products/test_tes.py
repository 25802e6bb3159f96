"""Separation of temperature and emissivity over real spectra and the bands of sensors; constants of bands; refusals."""

import numpy as np
import pytest

from musyq_lab.core.errors import InputError
from musyq_lab.kernels.radiometry import planck_radiance
from musyq_lab.products import _tes
from musyq_lab.products._emissivity import band_emissivity, band_response

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
