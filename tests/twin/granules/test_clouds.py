"""Marks of clouds and snow: every test of Fmask at its threshold, one pixel at a time."""

import numpy as np
import pytest

from musyq_lab.twin.granules._clouds import marks

ROLES = ("blue", "green", "red", "nir", "swir1", "swir2", "cirrus")
CLOUD = {"blue": 0.5, "green": 0.5, "red": 0.5, "nir": 0.5, "swir1": 0.4, "swir2": 0.3, "cirrus": 0.001}
SNOW = {"blue": 0.8, "green": 0.8, "red": 0.8, "nir": 0.7, "swir1": 0.1, "swir2": 0.08, "cirrus": 0.001}
STEP = 1e-4


def found(pixel, temperature=None, dtype=np.float32):
    """Cloud, cirrus, snow of one pixel."""
    bands = {name: np.array([[pixel[name]]], dtype) for name in ROLES}
    made = marks(bands, None if temperature is None else np.array([[temperature]], dtype))
    return tuple(bool(flag[0, 0]) for flag in (made.cloud, made.cirrus, made.snow))


def naive(pixel, temperature):
    """Zhu and Woodcock (2012), eqs. 1 to 4 and 20, in plain numbers; NaN fails every test."""
    blue, green, red, nir, swir1, swir2, cirrus = (float(pixel[name]) for name in ROLES)
    ndsi, ndvi = (green - swir1) / (green + swir1), (nir - red) / (nir + red)
    mean = (blue + green + red) / 3
    basic = swir2 > 0.03 and ndsi < 0.8 and ndvi < 0.8 and (temperature is None or temperature < 300.15)
    white = sum(abs(v - mean) for v in (blue, green, red)) / mean < 0.7
    hot = blue - 0.5 * red - 0.08 > 0
    rock = nir / swir1 > 0.75
    snow = ndsi > 0.15 and nir > 0.11 and green > 0.1 and (temperature is None or temperature < 276.95)
    return basic and white and hot and rock and not snow, cirrus > 0.01, snow


@pytest.mark.parametrize(
    ("band", "threshold"),
    [
        ("swir2", 0.03),  # basic test
        ("blue", 0.5 * 0.5 + 0.08),  # haze: 0.33
        ("nir", 0.75 * 0.4),  # ratio: 0.30
    ],
)
def test_a_cloud_ends_where_one_band_fails_its_test(band, threshold):
    assert found(CLOUD | {band: threshold + STEP})[0]
    assert not found(CLOUD | {band: threshold - STEP})[0]


def test_a_bluish_haze_is_no_white_cloud():
    # Whiteness of (b, g, r) with mean m: 0.7 lies at b = 1.35 m, g = r = 0.825 m.
    for factor, white in ((1.35 - 1e-3, True), (1.35 + 1e-3, False)):
        rest = (3 - factor) / 2
        pixel = CLOUD | {"blue": 0.4 * factor, "green": 0.4 * rest, "red": 0.4 * rest}
        assert found(pixel)[0] is white


def test_vegetation_is_no_cloud_however_white_the_visible_is():
    # NDVI 0.8: nir = 9 red.
    pixel = CLOUD | dict.fromkeys(("blue", "green", "red"), 0.1) | {"blue": 0.14, "swir1": 0.3}
    assert found(pixel | {"nir": 0.9 - 1e-3})[0]
    assert not found(pixel | {"nir": 0.9 + 1e-3})[0]


@pytest.mark.parametrize(
    ("band", "threshold"),
    [
        ("nir", 0.11),
        ("green", 0.1),
        ("swir1", 0.8 * 0.85 / 1.15),  # NDSI 0.15, from below
    ],
)
def test_snow_ends_where_one_band_fails_its_test(band, threshold):
    pixel = SNOW | ({"swir1": 0.01} if band == "green" else {})
    sides = [found(pixel | {band: threshold + sign * STEP})[2] for sign in (1, -1)]
    assert sides == ([True, False] if band != "swir1" else [False, True])


def test_thresholds_of_temperature():
    assert found(CLOUD, 300.14)[0]
    assert not found(CLOUD, 300.16)[0]
    assert found(SNOW, 276.94)[2]
    assert not found(SNOW, 276.96)[2]
    assert found(CLOUD)[0]
    assert found(SNOW)[2]


def test_cirrus_is_marked_whatever_lies_below():
    for pixel in (CLOUD, SNOW, dict.fromkeys(ROLES, 0.001)):
        assert found(pixel | {"cirrus": 0.0101})[1]
        assert not found(pixel | {"cirrus": 0.0099})[1]


def test_snow_goes_before_cloud():
    pixel = SNOW | {"swir1": 0.5, "swir2": 0.3}  # passes all tests of clouds and of snow
    assert found(pixel) == (False, False, True)
    # Too warm for snow: then it is a cloud.
    assert found(pixel, 285.0) == (True, False, False)


@pytest.mark.parametrize("thermal", [False, True])
def test_random_pixels_as_plain_numbers_have_them(thermal):
    random = np.random.default_rng(7)
    shape = (40, 25)
    grey = random.uniform(0, 1, shape)
    bands = {name: np.clip(grey * random.uniform(0.5, 1.5, shape), 1e-3, 1.2) for name in ROLES[:6]}
    bands["cirrus"] = random.uniform(0, 0.02, shape)
    kelvin = random.uniform(250, 320, shape)
    made = marks(bands, kelvin if thermal else None)
    counts = np.zeros(3, int)
    for at in np.ndindex(shape):
        expected = naive({name: values[at] for name, values in bands.items()}, kelvin[at] if thermal else None)
        assert (made.cloud[at], made.cirrus[at], made.snow[at]) == expected, at
        counts += expected
    assert (counts > 40).all()  # each kind is among them
    assert not (made.cloud & made.snow).any()


@pytest.mark.parametrize("band", ROLES)
def test_a_missing_band_takes_the_marks_that_need_it(band):
    cloud, cirrus, snow = found(CLOUD | {"cirrus": 0.02, band: np.nan})
    assert cloud == (band == "cirrus")
    assert cirrus == (band != "cirrus")
    assert not snow
    assert found(SNOW | {band: np.nan})[2] == (band not in ("green", "nir", "swir1"))


@pytest.mark.parametrize("value", [0.0, -0.01, np.inf])
def test_odd_values_make_no_warning(value):
    with np.errstate(all="raise"):
        assert found(dict.fromkeys(ROLES, value) | {"cirrus": 0.0}) == (False, False, False)


@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (3, 2)])
def test_shapes_are_kept(shape):
    made = marks({name: np.full(shape, CLOUD[name], np.float32) for name in ROLES})
    for flag in (made.cloud, made.cirrus, made.snow):
        assert flag.shape == shape
        assert flag.dtype == np.bool_
