"""Sun position: against pvlib's SPA, NREL's example, and what astronomy says whatever the numbers."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.kernels import solar

REFERENCE = Path(__file__).parents[1] / "reference" / "solar.csv"
EXAMPLE = np.datetime64("2003-10-17T19:30:30", "ns")
PLACES = [(0.0, 0.0), (40.0, 116.0), (-33.0, -70.0), (89.9, 10.0), (-80.0, 179.0), (65.0, -150.0)]


def times(count=1500, seed=1):
    """Random instants of 1980 to 2050."""
    seconds = np.random.default_rng(seed).integers(0, int(71 * 365.25 * 86400), count)
    return np.datetime64("1980-01-01", "ns") + seconds.astype("timedelta64[s]")


def spa(when, latitude, longitude):
    pvlib = pytest.importorskip("pvlib")
    import pandas as pd

    return pvlib.solarposition.spa_python(pd.DatetimeIndex(when, tz="UTC"), latitude, longitude, delta_t=None)


@pytest.mark.parametrize(("latitude", "longitude"), PLACES)
def test_equals_spa_from_1980_to_2050(latitude, longitude):
    when = times()
    expected = spa(when, latitude, longitude)
    true_zenith = np.radians(expected["zenith"].to_numpy())
    assert np.abs(solar.cos_zenith(when, latitude, longitude) - np.cos(true_zenith)).max() < 1e-6
    zenith, azimuth = solar.zenith_azimuth(when, latitude, longitude)
    assert np.abs(zenith - expected["zenith"]).max() < 6e-5
    turn = (azimuth - expected["azimuth"] + 180.0) % 360.0 - 180.0
    assert np.abs(turn * np.sin(true_zenith)).max() < 6e-5  # on the sky; azimuth itself is undefined overhead


@pytest.mark.parametrize("kind", ["int64", "int16", "uint8"])
def test_whole_degrees_are_coordinates_as_well(kind):
    when = np.datetime64("2019-07-10T04:00", "ns")
    latitude, longitude = np.array([40, 41], kind), np.array([115, 116], kind)
    exact = [latitude.astype(float), longitude.astype(float)]
    np.testing.assert_array_equal(solar.cos_zenith(when, latitude, longitude), solar.cos_zenith(when, *exact))
    np.testing.assert_array_equal(solar.zenith_azimuth(when, latitude, longitude), solar.zenith_azimuth(when, *exact))
    many = np.arange(-60, 60, dtype="int16")
    field = solar.cos_zenith(when, many[:, None], many)
    np.testing.assert_array_equal(field, solar.cos_zenith(when, many[:, None].astype(float), many.astype(float)))
    assert np.ptp(field) > 1.0


def test_equation_of_time_and_delta_t_equal_spa():
    when = times(400)
    expected = spa(when, 0.0, 0.0)["equation_of_time"].to_numpy()
    # SPA takes the mean sun at terrestrial time, 65 s x 0.99 degree a day = 4e-3 minutes apart from universal time.
    assert np.abs(solar.equation_of_time(when) - expected).max() < 6e-3
    import pvlib

    years = np.array([1945, 1960, 1961, 1985, 1986, 2004, 2005, 2049, 2051, 2100])
    np.testing.assert_allclose(solar.delta_t(years + 0.5 / 12), pvlib.spa.calculate_deltat(years, 1), rtol=1e-6)


def test_published_example():
    rows = [line for line in REFERENCE.read_text().splitlines() if not line.startswith("#")]
    table = {row["quantity"]: (float(row["value"]), float(row["tolerance"])) for row in csv.DictReader(rows)}
    sun = solar.sun_position(EXAMPLE)
    zenith, azimuth = solar.zenith_azimuth(EXAMPLE, 39.742476, -105.1786)
    found = {
        "declination": np.degrees(sun.declination), "right_ascension": np.degrees(sun.right_ascension),
        "distance": sun.distance, "zenith": zenith, "azimuth": azimuth,
    }  # fmt: skip
    assert set(found) == set(table)
    for quantity, (value, tolerance) in table.items():
        assert found[quantity] == pytest.approx(value, abs=tolerance), quantity


def test_grid_equals_pixels():
    lat, lon = np.linspace(-90, 90, 37)[:, None], np.linspace(-180, 180, 73)[None, :]
    grid = solar.cos_zenith(EXAMPLE, lat, lon)
    swath = solar.cos_zenith(EXAMPLE, *(array.copy() for array in np.broadcast_arrays(lat, lon)))
    np.testing.assert_allclose(grid, swath, atol=1e-14)
    np.testing.assert_allclose(grid, np.cos(np.radians(solar.zenith_azimuth(EXAMPLE, lat, lon)[0])), atol=2e-9)


def test_times_broadcast_and_out_is_reused():
    when = times(5)
    lat, lon = np.linspace(-60, 60, 20)[:, None], np.linspace(0, 90, 30)
    cube = solar.cos_zenith(when[:, None, None], lat, lon)
    assert cube.shape == (5, 20, 30)
    for k in range(5):
        np.testing.assert_allclose(cube[k], solar.cos_zenith(when[k], lat, lon), atol=1e-15)
    out = np.empty((20, 30))
    assert solar.cos_zenith(when[0], lat, lon, out=out) is out


def test_float32_coordinates_give_float32_within_one_part_in_a_million():
    lat, lon = np.linspace(-90, 90, 181)[:, None], np.linspace(-180, 180, 361)[None, :]
    exact = solar.cos_zenith(EXAMPLE, lat, lon)
    for shape in ((181, 361), None):
        coordinates = [lat, lon] if shape is None else [a.copy() for a in np.broadcast_arrays(lat, lon)]
        single = solar.cos_zenith(EXAMPLE, *(a.astype(np.float32) for a in coordinates))
        assert single.dtype == np.float32
        assert np.abs(single - exact).max() < 1e-6


@settings(max_examples=50, deadline=None)
@given(seconds=st.integers(0, 71 * 365 * 86400), latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
def test_bounds_and_antipodes(seconds, latitude, longitude):
    when = np.datetime64("1980-01-01", "s") + seconds
    here = solar.cos_zenith(when, latitude, longitude)
    there = solar.cos_zenith(when, -latitude, longitude + 180.0)
    parallax = solar.SOLAR_PARALLAX / solar.sun_position(when).distance
    assert -1.0 <= here <= 1.0
    assert here + there == pytest.approx(-2.0 * parallax * (1.0 - here**2), abs=2e-8)
    zenith, azimuth = solar.zenith_azimuth(when, latitude, longitude)
    assert 0.0 <= azimuth <= 360.0
    assert np.cos(np.radians(zenith)) == pytest.approx(float(here), abs=1e-8)


def test_sun_crosses_the_meridian_at_hour_angle_zero():
    when = times(200)
    sun = solar.sun_position(when)
    meridian = -np.degrees(sun.hour_angle)
    noon = np.cos(np.radians(30.0) - sun.declination)
    parallax = solar.SOLAR_PARALLAX / sun.distance
    np.testing.assert_allclose(solar.cos_zenith(when, 30.0, meridian), noon - parallax * (1 - noon**2), atol=1e-12)


def test_equinox_and_solstices_of_2024():
    """Instants of the Astronomical Almanac, to the minute: right ascension 0, 6, 12, 18 h, declination 0 or extreme."""
    instants = np.array(
        ["2024-03-20T03:06", "2024-06-20T20:51", "2024-09-22T12:44", "2024-12-21T09:20"], "datetime64[m]"
    )
    sun = solar.sun_position(instants)
    angle = (np.degrees(sun.right_ascension) - [0, 90, 180, 270] + 180.0) % 360.0 - 180.0
    assert np.abs(angle).max() < 1e-3  # the Sun moves 7e-4 degree a minute
    np.testing.assert_allclose(np.degrees(sun.declination), [0, 23.4365, 0, -23.4365], atol=2e-3)


def test_day_length():
    solstice = np.datetime64("2020-06-20")
    geometric = solar.day_length(solstice, np.array([90.0, 70.0, 0.0, -70.0, -90.0]), altitude=0.0)
    np.testing.assert_allclose(geometric, [24.0, 24.0, 12.0, 0.0, 0.0], atol=1e-9)
    assert solar.day_length(solstice, 0.0) == pytest.approx(12.12, abs=0.01)  # refraction and radius add 7 minutes
    dec = solar.sun_position(np.datetime64("2020-06-20T12")).declination
    angle = solar.sunrise_hour_angle(40.0, dec)
    assert np.sin(np.radians(40)) * np.sin(dec) + np.cos(np.radians(40)) * np.cos(dec) * np.cos(angle) == pytest.approx(
        0
    )


@pytest.mark.parametrize("latitude", [-90.0, -66.0, -35.0, 0.0, 23.0, 51.0, 80.0, 90.0])
@pytest.mark.parametrize("day", ["2021-01-03", "2021-03-20", "2021-06-21", "2021-10-01"])
def test_daily_extraterrestrial_equals_integration_over_the_day(day, latitude):
    sun = solar.sun_position(np.datetime64(day) + np.timedelta64(12, "h"))
    hours = (np.arange(86400) + 0.5) * (2 * np.pi / 86400)
    cosine = np.sin(np.radians(latitude)) * np.sin(sun.declination)
    cosine = cosine + np.cos(np.radians(latitude)) * np.cos(sun.declination) * np.cos(hours)
    expected = solar.SOLAR_CONSTANT / sun.distance**2 * np.maximum(cosine, 0.0).mean()
    assert solar.extraterrestrial_daily(np.datetime64(day), latitude) == pytest.approx(expected, abs=1e-5)


def test_yearly_mean_of_the_globe_is_a_quarter_of_the_solar_constant():
    days = np.arange("2021-01-01", "2022-01-01", dtype="datetime64[D]")[:, None]
    latitude = np.arange(-89.5, 90, 1.0)
    weight = np.cos(np.radians(latitude))
    mean = (solar.extraterrestrial_daily(days, latitude) * weight).sum() / weight.sum() / days.size
    # eccentricity e raises the mean over time by 1 / sqrt(1 - e^2), 0.014 %
    assert mean == pytest.approx(solar.SOLAR_CONSTANT / 4 / np.sqrt(1 - 0.016705**2), rel=1e-4)
    assert solar.extraterrestrial(np.datetime64("2021-01-03")) == pytest.approx(1361.0 / 0.98326**2, rel=2e-4)


def test_nan_and_nat_give_nan():
    assert np.isnan(solar.cos_zenith(EXAMPLE, np.nan, 0.0))
    assert np.isnan(solar.cos_zenith(np.datetime64("NaT"), 10.0, 0.0))
    assert np.isnan(solar.extraterrestrial_daily(np.datetime64("2020-01-01"), np.nan))


def test_a_single_place_is_not_compiled_and_equals_that_among_others():
    times = np.array(["2020-03-20T06:00", "2021-06-21T12:00"], "datetime64[ns]")
    both = solar.zenith_azimuth(times, 40.0, 116.0)
    for number, time in enumerate(times):
        alone = solar.zenith_azimuth(time, 40.0, 116.0)
        np.testing.assert_allclose([float(part) for part in alone], [part[number] for part in both], rtol=1e-14)
