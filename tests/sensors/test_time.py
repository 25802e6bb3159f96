"""Instants as producers write them; the Sun's distance."""

from datetime import datetime

import pytest

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors._time import instant, sun_distance

MOMENT = datetime(2014, 8, 15, 13, 0, 47, 375019)


@pytest.mark.parametrize(
    "text",
    [
        "2014-08-15T13:00:47.3750190Z",
        "2014-08-15T13:00:47.375019",
        '"2014-08-15 13:00:47.3750199Z"',
        " 2014-08-15T13:00:47.375019z ",
    ],
)
def test_instants_of_any_number_of_decimals(text):
    assert instant(text) == MOMENT


def test_fewer_decimals_and_none():
    assert instant("2014-08-15T13:00:47.3Z") == datetime(2014, 8, 15, 13, 0, 47, 300000)
    assert instant("2014-08-15T13:00:47Z") == datetime(2014, 8, 15, 13, 0, 47)
    assert instant("2014-08-15") == datetime(2014, 8, 15)


def test_a_zone_is_turned_to_utc_and_dropped():
    assert instant("2014-08-15T15:00:47+02:00") == datetime(2014, 8, 15, 13, 0, 47)


@pytest.mark.parametrize("text", ["", "soon", "2014-13-01", "2014-08-15T25:00:00Z", "15/08/2014", "nan"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(SceneError, match="is not a time"):
        instant(text)


@pytest.mark.parametrize(
    ("moment", "distance"),
    [
        (datetime(2013, 7, 7, 10, 17, 42), 1.0166988),  # EARTH_SUN_DISTANCE of MTL files
        (datetime(2001, 7, 30, 10, 4, 52), 1.0151738),  # this one as of the beginning of the day
        (datetime(2017, 8, 13, 15, 54, 15), 1.0130510),
        (datetime(2016, 2, 9, 14, 27, 29), 0.9866014),
        (datetime(2020, 10, 31, 14, 26, 30), 0.9925901),
    ],
)
def test_distance_of_the_sun_is_that_of_landsat_metadata(moment, distance):
    assert sun_distance(moment) == pytest.approx(distance, abs=6e-5)
