"""What a simulation is made from, and what is refused before anything is made."""

import json
from dataclasses import asdict
from datetime import datetime

import numpy as np
import pytest

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.twin.settings import SIMULATED, moment_of, settings, stored_settings

DEFAULTS = {
    "place": "huailai",
    "start": "2019-06-30",
    "days": 2,
    "sensors": None,
    "size": 3.0,
    "resolution": 60.0,
    "cloudiness": 1.0,
    "seed": 0,
    "members": "training",
    "stationary_hours": (3, 0),
}


def made(**changes):
    return settings(**{**DEFAULTS, **changes})


def test_every_simulated_sensor_is_one_that_is_read():
    assert set(SIMULATED) <= set(SENSORS)


def test_a_station_is_seen_by_all():
    assert made().sensors == SIMULATED


def test_order_and_repeats_of_sensors_do_not_matter_for_what_is_made():
    assert made(sensors=["modis", "landsat_oli", "modis"]) == made(sensors=["landsat_oli", "modis"])
    assert made(sensors="modis").sensors == ("modis",)


def test_hours_are_sorted():
    assert made().stationary_hours == (0.0, 3.0)


def test_settings_survive_json():
    for changes in ({}, {"place": (115.5, 40.5)}, {"sensors": []}):
        chosen = made(**changes)
        assert stored_settings(json.loads(json.dumps(asdict(chosen)))) == chosen


def test_the_world_is_that_of_the_settings():
    world = made(seed=5, cloudiness=0.5).world()
    assert (world.seed, world.cloudiness, world.grid.shape) == (5, 0.5, (50, 50))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"days": 0}, "1 to 400"),
        ({"days": -3}, "1 to 400"),
        ({"days": 1.5}, "whole number"),
        ({"days": True}, "whole number"),
        ({"days": 10_000}, "1 to 400"),
        ({"start": "yesterday"}, "no time"),
        ({"start": "1800-01-01"}, "outside"),
        ({"cloudiness": -0.1}, "cloudiness"),
        ({"cloudiness": float("nan")}, "cloudiness"),
        ({"members": "secret"}, "training, scored"),
        ({"size": 0.1}, "at least 8"),
        ({"place": (200.0, 0.0)}, "-180"),
        ({"place": (0.0, 95.0)}, "-90"),
        ({"stationary_hours": (24,)}, "below 24"),
        ({"resolution": -20.0}, "above 0"),
        ({"resolution": 0}, "above 0"),
        ({"resolution": float("nan")}, "resolution=nan: expected a number"),
        ({"size": float("inf")}, "size=inf: expected a number"),
        ({"size": "wide"}, "size='wide': expected a number"),
        ({"size": 500.0}, "does not fit into memory"),
        ({"cloudiness": None}, "cloudiness=None"),
        ({"seed": 1.5}, "seed=1.5: expected a whole number"),
        ({"days": float("nan")}, "whole number"),
        ({"days": "3"}, "whole number"),
        ({"place": (1.0, 2.0, 3.0)}, "longitude, latitude"),
        ({"place": ("east", "north")}, "longitude, latitude"),
        ({"place": (float("nan"), 0.0)}, "-180"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(changes, words):
    with pytest.raises(InputError, match=words):
        made(**changes)


def test_an_unknown_sensor_is_named_with_the_closest():
    with pytest.raises(NotFoundError, match="landsat_oli"):
        made(sensors=["landsat_ali"])


def test_a_sensor_that_is_read_but_not_simulated_is_told_apart():
    with pytest.raises(NotFoundError, match="cannot write its files"):
        made(sensors=["s3_olci"])


def test_an_unknown_place_is_named_with_the_closest():
    with pytest.raises(NotFoundError, match="huailai"):
        made(place="huilai")


def test_a_full_disk_is_refused_with_its_size():
    with pytest.raises(InputError, match="pixels"):
        made(place="globe", size=None, resolution=None, sensors=["himawari_ahi"])


def test_a_globe_is_truth_alone_and_a_strip_is_seen_by_wide_sensors():
    assert made(place="globe", size=None, resolution=None).sensors == ()
    strip = made(place="belt_and_road", size=None, resolution=None).sensors
    assert strip == ("modis", "fy3d_mersi2", "fy4a_agri")


def test_what_to_do_instead_can_be_done():
    with pytest.raises(InputError, match="Choose a station or a point; without sensors"):
        made(place="globe", size=None, resolution=None, sensors=["himawari_ahi"])
    with pytest.raises(InputError, match="Give a smaller size, or take modis"):
        made(size=150.0, resolution=100.0, sensors=["landsat_oli"])


def test_numbers_of_any_kind_are_the_same_simulation():
    given = made(size=np.float32(3), seed=np.int64(4), days=np.int8(2), place=np.array([115.5, 40.5]))
    plain = made(size=3, seed=4, days=2, place=(115.5, 40.5))
    assert given == plain
    assert json.dumps(asdict(given)) == json.dumps(asdict(plain))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2019-07-01", datetime(2019, 7, 1)),
        ("2019-07-01T03:30", datetime(2019, 7, 1, 3, 30)),
        (datetime(2020, 2, 29, 23, 59), datetime(2020, 2, 29, 23, 59)),
        (np.datetime64("2019-07-01T00:00:01"), datetime(2019, 7, 1, 0, 0, 1)),
    ],
)
def test_moments(given, expected):
    assert moment_of(given) == expected


@pytest.mark.parametrize("given", [None, "NaT", np.datetime64("NaT"), 3.5])
def test_no_moments(given):
    with pytest.raises(InputError):
        moment_of(given)
