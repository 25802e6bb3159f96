"""Parts of the sky's longwave radiation by method and clouds: limits, and what is what in which unit."""

import numpy as np
import pytest

from musyq_lab.kernels import weather
from musyq_lab.products import _longwave as sky


def test_column_is_a_scale_height_of_vapour():
    # 10 hPa at 288 K are 7.5 g m-3; 46.5 e / T cm of it are a scale height of 2.15 km, as in ordinary profiles.
    column = sky.column_of(288.0, 1000.0)
    density = 1000.0 / (461.5 * 288.0)
    assert column == pytest.approx(46.5 * 10.0 / 288.0 * 10.0)
    assert column / density == pytest.approx(2150.0, rel=0.01)


def test_thin_air_counts_from_sea_level_and_rises_with_height():
    assert sky.thinness(101325.0) == 0.0
    assert (np.diff(sky.thinness(np.array([9e4, 8e4, 7e4]))) > 0).all()


def test_share_of_clouds_stays_within_0_and_1():
    index = np.array([-0.1, 0.0, 0.4, 1.0, 1.3, np.nan])
    np.testing.assert_allclose(sky.cloud_share(None, index), [1.0, 1.0, 0.6, 0.0, 0.0, np.nan])
    given = np.array([0.25])
    assert sky.cloud_share(given, index) is given
    assert sky.cloud_share(None, None) is None


@pytest.mark.parametrize("clouds", sky.CLOUDS)
def test_no_cloud_changes_nothing_and_nothing_known_is_no_cloud(clouds):
    assert sky.cloud_terms(clouds, None, None) == (0.0, 0.0)
    hidden, added = sky.cloud_terms(clouds, np.array([0.0]), np.array([0.5]))
    assert hidden.item() == added.item() == 0.0


def test_clouds_of_li_depend_on_the_humidity_but_not_beyond_saturation():
    share = np.full(3, 0.5)
    _, added = sky.cloud_terms("li", share, np.array([0.3, 1.0, 1.1]))
    assert added[0] < added[1] == added[2]
    assert added[1] == pytest.approx(0.38 * 0.5**0.95 * 100.0**0.17)


def test_humidity_is_that_of_the_weather_module():
    kelvin = np.array([270.0, 290.0, 310.0])
    saturated = weather.saturation_pressure.python(kelvin)
    np.testing.assert_allclose(sky.humidity_of(kelvin, 0.4 * saturated), 0.4, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("clouds", sky.CLOUDS)
def test_the_float_type_stays(dtype, clouds, monkeypatch):
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    air, vapour, share = (np.full(3, value, dtype) for value in (290.0, 900.0, 0.5))
    terms = sky.cloud_terms(clouds, share, sky.humidity_of(air, vapour))
    for method in ("prata", "prata_pressure", "brutsaert", "dilley_obrien", "idso", "brunt", "li", "swinbank"):
        pressure = np.full(3, 9e4, dtype) if method == "prata_pressure" else None
        assert sky.clear_and_cloudy(method, air, vapour, None, pressure, terms).dtype == dtype
