import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band
from musyq_lab.kernels.radiometry import planck_constants, planck_radiance
from musyq_lab.sensors import _polar as polar
from musyq_lab.sensors._calibrate import LOWEST_SUN, Planck

ALL = (-np.inf, np.inf)


def lazy(values, rows=4):
    return xr.DataArray(values, dims=("y", "x")).chunk(y=rows)


def test_polynomial_against_a_loop():
    rng = np.random.default_rng(2)
    raw = rng.integers(0, 70000, (9, 5)).astype("u4")
    gain, over = rng.random(9), rng.random((9, 5)) + 0.1
    over[3, 3] = np.nan
    got = polar.polynomial(lazy(raw), [0.5, xr.DataArray(gain, dims="y"), 1e-6], (10.0, 65527.0), over=lazy(over))
    assert got.dtype == np.float32
    assert got.chunks == ((4, 4, 1), (5,))
    values = got.values
    for y in range(9):
        for x in range(5):
            number = float(raw[y, x])
            expected = (0.5 + gain[y] * number + 1e-6 * number**2) / over[y, x]
            expected = expected if 10.0 <= number <= 65527.0 else np.nan
            np.testing.assert_allclose(values[y, x], expected, rtol=1e-6)


def test_polynomial_keeps_six_digits_of_16_bit_numbers():
    raw = np.arange(65528, dtype="u2").reshape(8, -1)
    got = polar.polynomial(lazy(raw), [-0.1, 1.9991758e-05], ALL).values
    np.testing.assert_allclose(got, (raw * 1.9991758e-05 - 0.1), atol=1e-7)


def test_polynomial_of_floats_leaves_fills_out():
    raw = np.array([[1.5, -999.3, np.nan, -999.0]], "f4")
    got = polar.polynomial(lazy(raw), [0.0, 2.0], (-999.0, np.inf)).values
    np.testing.assert_array_equal(np.isnan(got), [[False, True, True, False]])


def test_gains_by_line_only():
    raw = np.full((6, 3), 2, "u2")
    lines = xr.DataArray(np.arange(6.0), dims="y")
    np.testing.assert_array_equal(
        polar.polynomial(lazy(raw), [lines, lines], ALL).values, np.repeat(3.0 * np.arange(6.0)[:, None], 3, 1)
    )


def test_blocks_do_not_matter():
    raw = np.random.default_rng(3).integers(0, 4096, (40, 6)).astype("u2")
    lines = xr.DataArray(np.linspace(1, 2, 40), dims="y")
    parts = [polar.polynomial(lazy(raw, rows), [0.1, lines], ALL).values for rows in (1, 7, 40)]
    np.testing.assert_array_equal(parts[0], parts[1])
    np.testing.assert_array_equal(parts[0], parts[2])


def test_temperature_inverts_planck():
    kelvin = np.linspace(200.0, 340.0, 12).reshape(3, 4)
    for wavelength in (3.75, 10.8, 12.0):
        radiance = np.vectorize(planck_radiance)(kelvin, wavelength)
        planck = Planck(*planck_constants(wavelength))
        np.testing.assert_allclose(polar.temperature(lazy(radiance), planck).values, kelvin, atol=2e-5)
        shifted = Planck(planck.k1, planck.k2, 0.98, 2.0)
        got = polar.temperature(lazy(radiance), shifted).values
        np.testing.assert_allclose(got, (kelvin - 2.0) / 0.98, atol=5e-5)


def test_no_temperature_of_no_radiance():
    radiance = np.array([[0.0, -1.0, np.nan, 5.0]], "f4")
    got = polar.temperature(lazy(radiance), Planck(*planck_constants(10.8))).values
    np.testing.assert_array_equal(np.isnan(got), [[True, True, True, False]])


@pytest.mark.parametrize(
    ("quantity", "raw", "expected"),
    [
        ("longitude", [-180.0, 0.0, 180.0, 190.0, 359.0, -999.9], [-180.0, 0.0, 180.0, -170.0, -1.0, np.nan]),
        ("latitude", [-90.0, 90.0, 90.1, -999.3], [-90.0, 90.0, np.nan, np.nan]),
        ("sun_zenith", [0.0, 120.0, 180.5, -327.68], [0.0, 120.0, np.nan, np.nan]),
        ("view_zenith", [0.0, 70.0, 91.0], [0.0, 70.0, np.nan]),
        ("sun_azimuth", [-150.0, 0.0, 150.0, 360.0, -999.9], [210.0, 0.0, 150.0, 0.0, np.nan]),
    ],
)
def test_decoded(quantity, raw, expected):
    got = polar.decoded(lazy(np.array([raw])), quantity).values
    np.testing.assert_allclose(got, [expected], atol=1e-4)


def test_decoded_scales():
    got = polar.decoded(lazy(np.array([[1234, -32768]], "i2")), "view_zenith", scale=0.01, offset=1.0).values
    np.testing.assert_allclose(got, [[13.34, np.nan]], rtol=1e-6)


def _geo(zenith):
    ones = lazy(np.ones_like(zenith))
    return polar.geolocation({"longitude": ones, "latitude": ones, "sun_zenith": lazy(zenith), "view_zenith": ones})


def test_cosine_ends_where_reflectance_does():
    zenith = np.array([[0.0, 60.0, LOWEST_SUN - 0.01, LOWEST_SUN, 120.0, np.nan]])
    geo = _geo(zenith)
    expected = [[1.0, 0.5, np.cos(np.radians(LOWEST_SUN - 0.01)), np.nan, np.nan, np.nan]]
    np.testing.assert_allclose(geo.cosine.values, expected)
    assert list(geo.angles) == ["sun_zenith", "view_zenith"]


def test_shapes_must_agree(tmp_path):
    from musyq_lab.sensors._granule import Granule
    from musyq_lab.sensors.fy3_virr import SPEC

    granule = Granule(SPEC, "name", tmp_path, ())
    geo = _geo(np.zeros((4, 5)))
    polar.same_shape(geo, lazy(np.zeros((4, 5))), granule, "its geolocation")
    with pytest.raises(SceneError, match="4 x 6 pixels, its geolocation 4 x 5"):
        polar.same_shape(geo, lazy(np.zeros((4, 6))), granule, "its geolocation")


def test_missing_bands():
    red, nir = Band("red", "1", 0.65, 0.05, 1000), Band("nir", "2", 0.86, 0.05, 1000)
    raw = lazy(np.zeros((2, 2)))
    layer = polar.Layer(red, raw, raw, (0.0, 1.0))
    assert polar.missing_bands([red, nir], [layer]) == {"bands_missing": "nir"}
    assert polar.missing_bands([red], [layer]) == {}
