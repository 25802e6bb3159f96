"""Weather at the edges of the Earth and the year: poles, the antimeridian, new year, dry and wet limits."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from twin import static as made

from musyq_lab.twin import _synoptic, soil, weather
from musyq_lab.twin.climate import season_phase
from musyq_lab.twin.grid import WorldGrid

TIME = datetime(2019, 7, 3, 6)


def world(west, north, rows=6, columns=8, resolution=1.0):
    return WorldGrid("EPSG:4326", resolution, west, north, columns, rows)


def at(grid, time=TIME, seed=1, cloudiness=1.0, **changes):
    return weather.weather(made.static(grid, **changes), grid, time, seed, cloudiness)


LIMITS = {
    "air_temperature": (180, 340), "vapour_pressure": (0, 120), "relative_humidity": (0, 1), "wind_speed": (0.3, 40),
    "surface_pressure": (250, 1100), "aod": (0, 10), "water_vapour": (0, 150), "ozone": (150, 550),
    "soil_moisture": (0.02, 1), "snow_fraction": (0, 1), "snow_grain": (100, 500),
}  # fmt: skip


@pytest.mark.parametrize(("west", "north"), [(-180, 90), (-180, -84), (172, 30), (-4, 3), (60, 50)])
def test_all_is_possible_everywhere(west, north):
    for time in (TIME, datetime(2020, 2, 29, 23, 59), datetime(2019, 12, 31, 18)):
        found = at(world(west, north), time)
        assert set(found.data_vars) == set(LIMITS)
        for name, (low, high) in LIMITS.items():
            values = found[name].values
            assert np.isfinite(values).all(), name
            assert low <= values.min() <= values.max() <= high, name


DRASTIC = [
    {"temperature_mean": 215.0}, {"temperature_mean": 312.0}, {"elevation": 8000.0}, {"humidity_mean": 0.0},
    {"humidity_mean": 1.0}, {"precipitation": 0.0}, {"precipitation": 12_000.0}, {"cloud_fraction_mean": 0.0},
    {"aod_mean": 0.0},
]  # fmt: skip


@pytest.mark.parametrize("changes", DRASTIC)
def test_climates_at_their_limits_are_possible(changes):
    found = at(world(100, 40), **changes)
    for name, (low, high) in LIMITS.items():
        values = found[name].values
        assert np.isfinite(values).all(), name
        assert low <= values.min() <= values.max() <= high, name


def test_new_year_is_no_step():
    before, after = (at(world(100, 40), datetime(2019, 12, 31, 23, 59, 30) + timedelta(minutes=m)) for m in (0, 1))
    for name in LIMITS:
        change = np.abs(after[name].values - before[name].values).max()
        spread = {"ozone": 1.0, "snow_grain": 3.0, "surface_pressure": 0.5}.get(name, 0.1)
        assert change < spread, name


def test_cells_on_both_sides_of_the_antimeridian_are_neighbours():
    west, east = at(world(170, 40, columns=10)), at(world(-180, 40, columns=10))
    for name in ("air_temperature", "surface_pressure", "soil_moisture"):
        seam = np.abs(west[name].values[:, -1] - east[name].values[:, 0]).max()
        inside = np.abs(np.diff(west[name].values, axis=1)).max()
        assert seam < 3 * inside + 0.05, name


@pytest.mark.parametrize("celsius", [-40.0, -20.0, 0.0, 20.0, 40.0])
def test_saturation_is_near_that_of_another_formula(celsius):
    """Over water: Bolton 1980, 6.112 exp(17.67 T / (T + 243.5))."""
    other = 6.112 * np.exp(17.67 * celsius / (celsius + 243.5))
    assert float(weather.saturation_pressure(np.array(celsius + 273.15))) == pytest.approx(other, rel=0.01)


def test_standard_pressure_by_height():
    """ICAO Doc 7488: 898.75, 701.09, 540.20 and 356.00 hPa at 1, 3, 5 and 8 km."""
    grid = world(100, 40)
    sea = at(grid, elevation=0.0).surface_pressure.values
    for height, expected in ((1000, 898.75), (3000, 701.09), (5000, 540.20), (8000, 356.00)):
        found = at(grid, elevation=float(height)).surface_pressure.values
        np.testing.assert_allclose(found / sea, expected / 1013.25, rtol=1e-3)


def test_the_course_of_a_day_is_that_of_campbell_and_norman():
    """Lowest before sunrise, highest at about 15 h of solar time, from nearly -1 to 1 and of nearly no mean."""
    points = _synoptic.lattice(world(-0.5, 0.5, rows=1 + 1, columns=2, resolution=0.5))
    hours = np.arange(0, 24, 0.25)
    course = np.array([weather._course(points, TIME.replace(hour=0) + timedelta(hours=h))[0, 0] for h in hours])
    assert 13.5 <= hours[course.argmax()] <= 15.5
    assert 3.0 <= hours[course.argmin()] <= 6.0
    assert course.max() == pytest.approx(1.0, abs=0.1)
    assert course.min() == pytest.approx(-1.0, abs=0.1)


@pytest.mark.parametrize("latitude", [0.0, 20.0, 45.0, 70.0, 90.0])
def test_ozone_is_symmetric_where_its_formula_is(latitude):
    """Van Heuklon: 235 DU at the equator; at 45 N day 30 and 0 E the slow wave is 0 and the other 20 sin(0)."""
    day = 30.0
    found = float(weather.ozone(latitude, 0.0, day))
    assert found == pytest.approx(235 + 150 * np.sin(np.radians(1.28 * latitude)) ** 2)


def test_rain_of_a_standard_normal_is_the_partial_moment():
    """E max(m - a, 0) = phi(a) - a (1 - Phi(a))."""
    from scipy.stats import norm

    a = weather._RAIN_LIMIT
    assert pytest.approx(norm.pdf(a) - a * norm.sf(a), rel=1e-4) == weather._RAIN_NORM


@pytest.mark.parametrize("year", [2000, 2019, 2020])
def test_phase_of_the_season_counts_days(year):
    start = season_phase(30.0, datetime(year, 5, 1))
    for days in (1, 30, 75):
        assert float(season_phase(30.0, datetime(year, 5, 1) + timedelta(days=days)) - start) == pytest.approx(days)
    both = season_phase(np.array([-30.0, 30.0]), datetime(year, 1, 17))
    assert abs(both[0]) < 3
    assert abs(abs(both[1]) - 182.6) < 3


# ---- soil ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", [(1, 1), (1, 12), (9, 5)])
def test_soil_of_the_smallest_worlds(shape):
    grid = WorldGrid("EPSG:32650", 30.0, 4e5, 4.4e6, shape[1], shape[0])
    static = made.static(grid).assign(parcel=(("y", "x"), np.zeros(shape, np.int64)))
    for members in ("training", "scored"):
        found = soil.soil(grid, static, 1, members).soil_brightness
        assert found.shape == shape
        assert ((found >= 0.5) & (found <= 1.5)).all()


def test_wetness_darkens_by_what_is_said():
    """0.16 for the whole range of the index, where nothing reaches the limits."""
    grid = WorldGrid("EPSG:32650", 30.0, 4e5, 4.4e6, 20, 20)
    fields = [made.static(grid, wetness=w).assign(parcel=(("y", "x"), np.zeros((20, 20), int))) for w in (0.3, 0.8)]
    dry, wet = (soil.soil(grid, static, 1).soil_brightness.values for static in fields)
    free = (dry > 0.5) & (dry < 1.5) & (wet > 0.5) & (wet < 1.5)
    assert free.sum() > 300
    np.testing.assert_allclose((dry - wet)[free], 0.08, atol=1e-5)
