"""Planck's law against published constants and identities; the compiled kernels against double precision."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.kernels.radiometry import brightness_temperature, linear, planck_constants, planck_radiance


@pytest.mark.parametrize(
    ("wavelength", "k1", "k2"),
    [
        # Chander et al. 2009, table 5, and MTL files of Landsat 8: of whole bands, near their centres
        (11.4573, 607.76, 1260.56),
        (11.2701, 666.09, 1282.71),
        (10.9036, 774.8853, 1321.0789),
        (12.0030, 480.8883, 1201.1442),
    ],
)
def test_constants_are_near_those_of_landsat(wavelength, k1, k2):
    found = planck_constants(wavelength)
    assert found[0] == pytest.approx(k1, rel=0.02)
    assert found[1] == pytest.approx(k2, rel=0.005)


def test_radiation_constants_of_codata():
    """K1 and K2 at 1 um are c1L and c2 (CODATA 2018)."""
    k1, k2 = planck_constants(1.0)
    assert k1 == pytest.approx(1.191042972e-16 * 1e30 * 1e-6, rel=1e-9)
    assert k2 == pytest.approx(1.438776877e-2 * 1e6, rel=1e-9)


def test_all_wavelengths_together_give_stefan_and_boltzmann():
    """The integral over wavelength and hemisphere is sigma T^4."""
    for temperature in (250.0, 300.0, 5772.0):
        wavelengths = np.geomspace(0.05, 2000.0, 20001)
        values = [planck_radiance(temperature, w) if 14387.8 / (w * temperature) < 700 else 0.0 for w in wavelengths]
        total = math.pi * float(np.trapezoid(values, wavelengths))
        assert total == pytest.approx(5.670374419e-8 * temperature**4, rel=1e-4)


def test_the_peak_lies_where_wien_says():
    wavelengths = np.linspace(8.0, 12.0, 40001)
    values = [planck_radiance(300.0, w) for w in wavelengths]
    assert wavelengths[int(np.argmax(values))] == pytest.approx(2897.771955 / 300.0, rel=1e-4)


@settings(deadline=None)
@given(st.floats(180.0, 350.0), st.floats(3.5, 14.0), st.floats(0.98, 1.02), st.floats(-1.0, 1.0))
def test_temperature_is_the_inverse(temperature, wavelength, alpha, beta):
    radiance = np.array([planck_radiance(alpha * temperature + beta, wavelength)], np.float32)
    found = brightness_temperature(radiance, *planck_constants(wavelength), alpha, beta)
    np.testing.assert_allclose(found, temperature, rtol=0, atol=1e-3)
    assert found.dtype == np.float32


def test_no_temperature_without_radiance():
    radiance = np.array([[0.0, -1.0, np.nan, 9.0]], np.float32)
    assert np.isnan(brightness_temperature(radiance, 774.9, 1321.1)).tolist() == [[True, True, True, False]]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "float32"])
def test_the_line_of_every_stored_number(dtype):
    kind = np.dtype(dtype)
    every = np.arange(-300, 300, dtype=dtype) if kind.kind == "f" else np.arange(*_range(kind)).astype(dtype)
    found = linear(every, 2.75e-5, -0.2, -1e9, 1e9, math.nan)
    expected = 2.75e-5 * every.astype(float) - 0.2
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert found.dtype == np.float32


def _range(kind):
    info = np.iinfo(kind)
    return info.min, int(info.max) + 1


def test_fill_and_limits_are_no_data():
    raw = np.array([[0, 1, 2, 3, 9, 10]], np.uint16)
    np.testing.assert_array_equal(linear(raw, 2.0, 1.0, 1.0, 9.0, 2.0), [[np.nan, 3, np.nan, 7, 19, np.nan]])
    nan = np.array([np.nan, 1.0], np.float32)
    np.testing.assert_array_equal(linear(nan, 2.0, 1.0, -1e9, 1e9, 7.0), [np.nan, 3.0])


@pytest.mark.parametrize("shape", [(0,), (1,), (3, 0), (2, 3), (2, 3, 4)])
def test_shapes_are_kept(shape):
    assert linear(np.ones(shape, np.uint8), 2.0, 0.0, -1e9, 1e9, 0.0).shape == shape
    assert brightness_temperature(np.ones(shape, np.float32), 700.0, 1300.0).shape == shape
