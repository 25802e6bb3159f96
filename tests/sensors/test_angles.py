"""Angles of the Sun and of geostationary satellites against published numbers and geometry."""

import math
from datetime import datetime

import dask
import numpy as np
import pytest
import xarray as xr

from musyq_lab.sensors._angles import line_times, sun_angles, view_angles

HEIGHT, RADIUS = 35_786_023.0, 6_378_137.0


def points(longitude, latitude):
    return tuple(xr.DataArray(np.array([v], float), dims=("y", "x")) for v in (longitude, latitude))


def test_nothing_is_computed_before_it_is_asked_for():
    def refuse(*args, **kwargs):
        raise AssertionError("computed")

    with dask.config.set(scheduler=refuse):
        longitude, latitude = (layer.chunk(x=1) for layer in points([104.0, 105.0], [0.0, 10.0]))
        sun_angles(datetime(2020, 1, 1), longitude, latitude)
        view_angles(longitude, latitude, satellite_longitude=104.7, satellite_height=HEIGHT)


def test_sun_of_the_example_of_the_solar_position_algorithm():
    # Reda and Andreas 2008, NREL/TP-560-34302, appendix A.5: zenith 50.1116 with refraction (0.0163), azimuth 194.3402.
    zenith, azimuth = sun_angles(datetime(2003, 10, 17, 19, 30, 30), *points([-105.1786], [39.742476]))
    assert float(zenith[0, 0]) == pytest.approx(50.1116 + 0.0163, abs=0.02)
    assert float(azimuth[0, 0]) == pytest.approx(194.3402, abs=0.05)


def test_each_line_has_its_own_time():
    longitude = xr.DataArray(np.zeros((2, 3)), dims=("y", "x"))
    times = xr.DataArray(np.array(["2020-03-20T12:00", "2020-03-20T13:00"], "datetime64[ns]"), dims="y")
    zenith, _ = sun_angles(times, longitude, longitude)
    # An hour is 15 degrees on the equator at an equinox.
    np.testing.assert_allclose(zenith[1] - zenith[0], 15.0, atol=0.3 + 2 * 1.9)
    assert zenith.dims == ("y", "x")
    assert float(zenith[1, 0]) == pytest.approx(15.0 - 1.86, abs=0.1)  # equation of time: -7.5 min


@pytest.mark.parametrize("away", [-60.0, -10.0, 25.0, 70.0])
def test_view_on_the_equator(away):
    zenith, azimuth = view_angles(*points([104.7 + away], [0.0]), satellite_longitude=104.7, satellite_height=HEIGHT)
    d = math.radians(abs(away))
    expected = math.degrees(math.atan2(math.sin(d), math.cos(d) - RADIUS / (RADIUS + HEIGHT)))
    assert float(zenith[0, 0]) == pytest.approx(expected, abs=1e-3)
    assert float(azimuth[0, 0]) == pytest.approx(270.0 if away > 0 else 90.0, abs=1e-3)


@pytest.mark.parametrize(("latitude", "azimuth"), [(40.0, 180.0), (-40.0, 0.0)])
def test_view_along_the_meridian(latitude, azimuth):
    _, found = view_angles(*points([104.7], [latitude]), satellite_longitude=104.7, satellite_height=HEIGHT)
    assert math.cos(math.radians(float(found[0, 0]) - azimuth)) == pytest.approx(1.0)


def test_satellite_off_the_equator_is_straight_above_its_own_point():
    zenith, _ = view_angles(
        *points([10.0], [1.7]), satellite_longitude=10.0, satellite_latitude=1.7, satellite_height=HEIGHT
    )
    assert float(zenith[0, 0]) == pytest.approx(0.0, abs=1e-4)


def test_views_of_pyorbital():
    pyorbital = pytest.importorskip("pyorbital.orbital")
    longitude, latitude = points([80.0, 120.0, 104.7], [30.0, -50.0, 10.0])
    zenith, azimuth = view_angles(longitude, latitude, satellite_longitude=104.7, satellite_height=HEIGHT)
    theirs = pyorbital.get_observer_look(
        104.7, 0.0, HEIGHT / 1000, datetime(2020, 1, 1), longitude.values, latitude.values, 0.0
    )
    np.testing.assert_allclose(azimuth, theirs[0], atol=0.02)
    np.testing.assert_allclose(90.0 - zenith, theirs[1], atol=0.02)


def test_lines_are_timed_at_their_middles():
    times = line_times(datetime(2020, 1, 1, 0, 0, 0), datetime(2020, 1, 1, 0, 0, 10), 5)
    seconds = (times.values - np.datetime64("2020-01-01")) / np.timedelta64(1, "s")
    np.testing.assert_allclose(seconds, [1, 3, 5, 7, 9])
    back = line_times(datetime(2020, 1, 1, 0, 0, 10), datetime(2020, 1, 1, 0, 0, 0), 5)
    np.testing.assert_array_equal(back, times[::-1])
