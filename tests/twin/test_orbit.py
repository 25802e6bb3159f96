"""Overpasses: when, and from where."""

import itertools
from datetime import datetime, timedelta

import numpy as np
import pyproj
import pytest

from musyq_lab.twin.orbit import Geostationary, Overpass, SunSynchronous, ecef, overpasses

HUAILAI = (115.785, 40.349)
START = datetime(2019, 6, 30)
LANDSAT = SunSynchronous(705e3, 98.2, 10.2, True, 233, 16, 92.5)
AQUA = SunSynchronous(705e3, 98.2, 13.6, False, 233, 16, 1165)
HIMAWARI = Geostationary(140.7, 10)


def passes(orbit, place=HUAILAI, days=16, platform="X") -> list[Overpass]:
    return overpasses("sensor", platform, orbit, place, START, days)


def zenith(look: Overpass, place=HUAILAI) -> float:
    return float(look.look(np.asarray(place[0]), np.asarray(place[1]))[0])


def solar_time(look: Overpass, longitude: float) -> float:
    return (look.time.hour + look.time.minute / 60 + look.time.second / 3600 + longitude / 15) % 24


def test_ecef_is_that_of_proj():
    lon, lat, height = np.array([0.0, 115.8, -70.0]), np.array([0.0, 40.3, -89.0]), np.array([0.0, 500.0, 9000.0])
    to_earth = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    np.testing.assert_allclose(ecef(lon, lat, height), np.stack(to_earth.transform(lon, lat, height), -1), atol=1e-6)


def test_a_narrow_swath_sees_a_place_once_or_twice_a_cycle():
    # 185 km swaths overlap: 233 tracks at 40 N lie 131 km apart.
    assert len(passes(LANDSAT)) in (1, 2)


def test_a_wide_swath_sees_it_every_day():
    days = {look.time.date() for look in passes(AQUA)}
    assert len(days) == 16


def test_the_track_repeats_after_a_cycle():
    first, second = passes(LANDSAT)[0], passes(LANDSAT, days=32)
    again = [look for look in second if abs(look.time - first.time - timedelta(days=16)) < timedelta(seconds=2)]
    assert len(again) == 1
    np.testing.assert_allclose(again[0].axes, first.axes, atol=1e-6)


@pytest.mark.parametrize(("orbit", "hour"), [(LANDSAT, 10.2), (AQUA, 13.6)])
def test_local_time_at_the_equator_is_that_of_the_node(orbit, hour):
    for place in ((100.0, 0.0), (-20.0, 0.0)):
        for look in passes(orbit, place, days=16):
            track = look.ground(np.array(0.0), np.array(0.0))[0]
            assert solar_time(look, float(track)) == pytest.approx(hour, abs=0.03)


def test_descending_goes_south_and_ascending_north():
    down, up = passes(LANDSAT)[0], passes(AQUA)[0]
    for look, sign in ((down, -1), (up, 1)):
        ahead = look.ground(np.array([0.0, 0.01]), np.array([0.0, 0.0]))[1]
        assert np.sign(ahead[1] - ahead[0]) == sign


def test_retrograde_orbits_head_west_of_their_meridian():
    for look in (passes(LANDSAT)[0], passes(AQUA)[0]):
        lon = look.ground(np.array([0.0, 0.01]), np.array([0.0, 0.0]))[0]
        assert lon[1] < lon[0]


def test_no_place_beyond_the_swath():
    for look in passes(AQUA):
        assert zenith(look) < 66  # 55 degrees of scan from 705 km


def test_right_of_the_flight_is_right():
    look = passes(LANDSAT)[0]  # flying south, so the right is west
    lon, _ = look.ground(np.array([0.0, 0.0]), np.array([0.0, 0.01]))
    assert lon[1] < lon[0]


def test_ground_and_along_are_inverse():
    look = passes(AQUA)[3]
    lon, lat = look.ground(np.array([0.02, -0.03]), np.array([0.1, 0.0]))
    # Geodetic verticals do not pass through the centre of the Earth: up to 0.0034 rad between the two latitudes.
    np.testing.assert_allclose(look.along(lon, lat), [0.02, -0.03], atol=2e-5)


def test_below_the_satellite_it_stands_overhead():
    look = passes(AQUA)[0]
    lon, lat = look.ground(np.array(0.0), np.array(0.0))
    # The radius vector and the vertical differ by at most 0.19 degrees.
    assert float(look.look(lon, lat)[0]) < 0.25


def test_scan_angle_and_view_zenith_obey_the_sphere():
    look = passes(AQUA)[0]
    scan = np.radians([0.0, 20.0, 55.0])
    across = look.across_of(scan)
    lon, lat = look.ground(np.zeros(3), across)
    # Law of sines: sin(zenith) = (R + h) / R sin(scan); the ellipsoid and its vertical cost up to 0.4 degrees.
    expected = np.degrees(np.arcsin((6371.007 + 705) / 6371.007 * np.sin(scan)))
    np.testing.assert_allclose(look.look(lon, lat)[0], expected, atol=0.5)
    assert np.isnan(look.across_of(np.radians([70.0]))).all()


def test_looks_agree_with_pyorbital():
    orbital = pytest.importorskip("pyorbital.orbital")
    look = passes(AQUA)[2]
    lon = np.array([112.0, 116.0, 119.0])
    lat = np.array([38.0, 40.0, 42.0])
    satellite = look.satellite(lon, lat)
    to_geodetic = pyproj.Transformer.from_crs("EPSG:4978", "EPSG:4979", always_xy=True)
    where = to_geodetic.transform(*np.moveaxis(satellite, -1, 0))
    azimuth, elevation = orbital.get_observer_look(
        where[0], where[1], where[2] / 1000, np.datetime64(look.time), lon, lat, np.zeros(3)
    )
    mine = look.look(lon, lat)
    np.testing.assert_allclose(mine[0], 90 - elevation, atol=0.05)
    np.testing.assert_allclose(mine[1], azimuth, atol=0.1)


def test_a_geostationary_satellite_stands_where_it_should():
    look = passes(HIMAWARI, days=1)[0]
    assert zenith(look, (140.7, 0.0)) == pytest.approx(0, abs=1e-6)
    # Soler & Eisemann (1994): cos(central angle) = cos(lat) cos(dlon) on the sphere; ellipsoid within 0.2 degrees.
    central = np.arccos(np.cos(np.radians(40.349)) * np.cos(np.radians(140.7 - 115.785)))
    expected = np.degrees(np.arctan2(np.sin(central), np.cos(central) - 6378.137 / 42164))
    assert zenith(look) == pytest.approx(float(expected), abs=0.2)


def test_geostationary_images_come_at_their_cadence():
    looks = passes(HIMAWARI, days=1)
    assert len(looks) == 144
    assert {b.time - a.time for a, b in itertools.pairwise(looks)} == {timedelta(minutes=10)}


def test_a_geostationary_satellite_does_not_see_the_other_side():
    assert passes(HIMAWARI, (-60.0, 0.0), days=1) == []


def test_times_along_the_track_follow_the_ground_speed():
    look = passes(AQUA)[0]
    step = 0.01
    lon, lat = look.ground(np.array([0.0, step]), np.array([0.0, 0.0]))
    times = look.seen_at(lon, lat)
    seconds = (times[1] - times[0]) / np.timedelta64(1, "ms") / 1000
    assert seconds == pytest.approx(step / (2 * np.pi) * 16 * 86400 / 233, abs=0.1)
    assert (passes(HIMAWARI, days=1)[0].seen_at(lon, lat) == np.datetime64(START)).all()


def test_two_satellites_share_a_track_days_apart():
    pair = SunSynchronous(786e3, 98.62, 10.5, True, 143, 10, 145, satellites=(("A", 0.0), ("B", 5.0)))
    looks = passes(pair, days=20)
    first = next(look for look in looks if look.platform == "A")
    twin = [x for x in looks if x.platform == "B" and abs(x.time - first.time) % timedelta(days=10)]
    gaps = {round((x.time - first.time) / timedelta(days=1), 2) % 10 for x in twin}
    assert 5.0 in gaps


def test_whole_milliseconds_and_days():
    for look in passes(AQUA, days=3):
        assert look.time.microsecond % 1000 == 0
        assert START <= look.time < START + timedelta(days=3)


@pytest.mark.parametrize("place", [(180.0, 0.0), (-180.0, 20.0), (0.0, 80.0), (30.0, -70.0)])
def test_antimeridian_and_high_latitudes_are_seen(place):
    looks = passes(AQUA, place, days=16)
    assert looks
    assert all(zenith(look, place) < 66 for look in looks)


def test_the_pole_lies_within_the_widest_swaths_only():
    # The track reaches 81.8 degrees: 910 km from the pole.
    assert passes(LANDSAT, (0.0, 90.0)) == []
    assert passes(AQUA, (0.0, 90.0), days=1)
