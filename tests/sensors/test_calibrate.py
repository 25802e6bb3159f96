"""Counts to physical numbers: against the formulas in double precision and against identities of physics."""

import math
import pickle

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from dask.base import tokenize
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band
from musyq_lab.kernels.radiometry import planck_radiance
from musyq_lab.sensors._calibrate import LOWEST_SUN, Counts, Illumination, Linear, Planck, cosine, physical

RED = Band("red", "3", 0.65, 0.05, 30, e0=1550.0)
TIR = Band("tir1", "10", 10.9, 0.6, 30)
SUN = Illumination(35.0, 1.0127)
RAW = np.array([[0, 1, 500], [30000, 65534, 65535]], np.uint16)


def counts(band=RED, raw=RAW, **how):
    return Counts(band, xr.DataArray(da.from_array(raw, chunks=(1, 2)), dims=("y", "x"), attrs={"nodata": 0}), **how)


def test_radiance_is_the_line_without_fill():
    found = physical(counts(radiance=Linear(0.0125, -62.5), fills=(0.0,)), "radiance", None)
    expected = np.where(RAW == 0, np.nan, 0.0125 * RAW.astype(float) - 62.5)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-5)
    assert found.dtype == np.float32
    assert found.attrs["units"] == "W m-2 sr-1 um-1"


def test_reflectance_by_its_own_line_is_divided_by_the_cosine():
    found = physical(counts(reflectance=Linear(2e-5, -0.1)), "reflectance", SUN)
    np.testing.assert_allclose(
        found, (2e-5 * RAW.astype(float) - 0.1) / math.cos(math.radians(35)), rtol=1e-6, atol=1e-7
    )
    assert found.attrs == {"units": "1", "standard_name": "toa_bidirectional_reflectance"}


def test_a_normalised_reflectance_is_left_alone():
    found = physical(counts(reflectance=Linear(1e-4), normalised=True), "reflectance", None, level="surface")
    np.testing.assert_allclose(found, RAW * 1e-4, rtol=1e-6)
    assert found.attrs["standard_name"] == "surface_bidirectional_reflectance"


def test_reflectance_of_radiance_with_the_solar_irradiance():
    found = physical(counts(radiance=Linear(0.0125, -2.0)), "reflectance", SUN)
    radiance = 0.0125 * RAW.astype(float) - 2.0
    expected = math.pi * radiance * SUN.distance**2 / (1550.0 * math.cos(math.radians(35)))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_a_white_lambertian_ground_reflects_one():
    """Radiance E0 cos(zenith) / (pi d2) is that of a perfect diffuser without atmosphere: reflectance 1."""
    white = 1550.0 * math.cos(math.radians(35)) / (math.pi * SUN.distance**2)
    found = physical(counts(raw=np.ones((1, 1), np.uint16), radiance=Linear(white)), "reflectance", SUN)
    np.testing.assert_allclose(found, 1.0, rtol=1e-6)


@pytest.mark.parametrize("normalised", [True, False])
def test_radiance_of_reflectance_and_back(normalised):
    """Both ways round give the same reflectance, whichever a file holds."""
    line = Linear(2e-5, 0.01)
    first = counts(reflectance=line, normalised=normalised)
    radiance = physical(first, "radiance", SUN).values.astype(float)
    reflectance = physical(first, "reflectance", SUN).values
    again = math.pi * radiance * SUN.distance**2 / (1550.0 * math.cos(math.radians(35)))
    np.testing.assert_allclose(again, reflectance, rtol=2e-6)


def test_the_zenith_of_each_pixel():
    zenith = xr.DataArray(
        da.from_array(np.array([[0.0, 60.0, 87.9], [88.0, 120.0, np.nan]]), chunks=1), dims=("y", "x")
    )
    raw = np.full((2, 3), 100, np.uint16)
    found = physical(counts(raw=raw, reflectance=Linear(1e-3)), "reflectance", Illumination(zenith, 1.0))
    assert found.dtype == np.float32
    expected = 0.1 / np.cos(np.radians([0.0, 60.0, 87.9]))
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)
    assert np.isnan(found[1]).all()


def test_there_is_no_reflectance_by_night():
    assert cosine(60.0) == pytest.approx(0.5)
    for zenith in (LOWEST_SUN, 100.0, math.nan):
        assert math.isnan(cosine(zenith))
    assert np.isnan(physical(counts(reflectance=Linear(1e-3)), "reflectance", Illumination(95.0, 1.0))).all()


@settings(deadline=None)
@given(temperature=st.floats(180.0, 340.0), wavelength=st.floats(3.5, 14.0))
def test_temperature_inverts_planck(temperature, wavelength):
    band = Band("b1", "1", wavelength, 0.1, 30)
    line = Linear(planck_radiance(temperature, wavelength))
    found = physical(counts(band, np.ones((1, 1), np.uint16), radiance=line), "reflectance", None)
    np.testing.assert_allclose(found, temperature, rtol=0, atol=1e-3)
    assert found.attrs == {"units": "K", "standard_name": "toa_brightness_temperature"}


def test_temperature_with_constants_of_the_file():
    planck = Planck(774.8853, 1321.0789, 0.99, 0.5)
    found = physical(counts(TIR, radiance=Linear(3.342e-4, 0.1), planck=planck, fills=(0.0,)), "reflectance", None)
    radiance = 3.342e-4 * RAW.astype(float) + 0.1
    expected = (1321.0789 / np.log(774.8853 / radiance + 1.0) - 0.5) / 0.99
    np.testing.assert_allclose(found, np.where(RAW == 0, np.nan, expected), rtol=0, atol=1e-4)


def test_a_radiance_that_is_not_positive_has_no_temperature():
    found = physical(counts(TIR, radiance=Linear(1.0, -500.0)), "reflectance", None)
    np.testing.assert_array_equal(np.isnan(found), RAW <= 500)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_missing_is_fill_or_out_of_range_or_nan(dtype):
    raw = np.array([[0, 3, 7, 9, 100]], dtype)
    made = counts(raw=raw, fills=(7.0, 100.0), valid=(1, 50), radiance=Linear(2.0, 1.0))
    np.testing.assert_array_equal(made.missing(), [[True, False, True, False, True]])
    np.testing.assert_array_equal(physical(made, "radiance", None), [[np.nan, 7, np.nan, 19, np.nan]])
    one = counts(raw=raw, fills=(7.0,), radiance=Linear(2.0, 1.0))
    np.testing.assert_array_equal(physical(one, "radiance", None), [[1, 7, np.nan, 19, 201]])
    none = counts(raw=raw, radiance=Linear(2.0))
    assert not none.missing().any()
    if dtype.startswith("float"):
        assert counts(raw=np.array([[np.nan, 1]], dtype)).missing().values.tolist() == [[True, False]]


def test_saturated_is_no_fill():
    made = counts(saturation=65534, fills=(65535.0,))
    np.testing.assert_array_equal(made.saturated(), RAW == 65534)
    assert not counts().saturated().any()


def test_counts_stay_what_is_stored():
    found = physical(counts(radiance=Linear(1.0), fills=(0.0,)), "counts", None)
    np.testing.assert_array_equal(found, RAW)
    assert found.dtype == np.uint16
    assert found.attrs == {"fill_values": [0.0], "units": "count"}
    assert "_FillValue" not in found.attrs


@pytest.mark.parametrize(
    ("made", "calibration", "sun", "reason"),
    [
        (counts(), "radiance", SUN, "has no radiance: its file gives counts"),
        (counts(reflectance=Linear(1.0)), "radiance", None, "has no radiance: its file gives reflectance"),
        (counts(reflectance=Linear(1.0)), "reflectance", None, "needs the Sun's zenith angle"),
        (counts(), "reflectance", SUN, 'has no reflectance.*calibration="radiance" or "counts"'),
        (counts(TIR), "reflectance", SUN, "no brightness temperature"),
        (counts(Band("red", "3", 0.65, 0.05, 30), radiance=Linear(1.0)), "reflectance", SUN, "has no reflectance"),
    ],
)
def test_what_is_missing_is_told(made, calibration, sun, reason):
    with pytest.raises(SceneError, match=reason):
        physical(made, calibration, sun)


def test_everything_is_lazy_picklable_and_named_by_value():
    made = physical(counts(radiance=Linear(0.5), fills=(0.0,)), "radiance", None)
    again = physical(counts(radiance=Linear(0.5), fills=(0.0,)), "radiance", None)
    other = physical(counts(radiance=Linear(0.6), fills=(0.0,)), "radiance", None)
    assert made.chunks == ((1, 1), (2, 1))
    assert tokenize(made.data) == tokenize(again.data) != tokenize(other.data)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(made)), made)


@pytest.mark.parametrize("shape", [(1, 1), (0, 3)])
def test_one_pixel_and_none(shape):
    raw = np.full(shape, 5, np.uint16)
    array = xr.DataArray(da.from_array(raw, chunks=-1), dims=("y", "x"))
    assert physical(Counts(RED, array, radiance=Linear(2.0)), "radiance", None).compute().shape == shape
