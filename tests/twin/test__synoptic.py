"""Weather systems: the correlation that their spectrum has, the sphere without seams, lattices of any size."""

from datetime import datetime

import numpy as np
import pytest

from musyq_lab.twin import _synoptic
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.random import stream

SEEDS = range(60)


def processes(day, latitude, longitude, memory=3.0):
    """One value for each of many worlds."""
    return np.array([_synoptic.wander(seed, "any", day, latitude, longitude, memory=memory) for seed in SEEDS])


# ---- time ------------------------------------------------------------------------------------------------------------
def test_days_count_from_2000():
    assert _synoptic.days(datetime(2000, 1, 1)) == 0
    assert _synoptic.days(datetime(2001, 1, 1, 12)) == 366.5
    assert _synoptic.days(datetime(1999, 12, 31)) == -1


@pytest.mark.parametrize(
    ("time", "day"),
    [
        (datetime(2019, 1, 1), 1.0),
        (datetime(2019, 12, 31, 18), 365.75),
        (datetime(2020, 3, 1), 61.0),
        (datetime(2019, 3, 1), 60.0),
    ],
)
def test_day_of_the_year(time, day):
    assert _synoptic.day_of_year(time) == day
    assert int(day) == time.timetuple().tm_yday


# ---- the process -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kilometres", [0.0, 200.0, 600.0, 1500.0])
def test_correlation_over_distance_is_that_of_its_waves(kilometres):
    """Mean of cos(k . d), k = scale N(0, 1) / 900 km: E exp(-(scale d / L)^2 / 2), scale lognormal of spread 0.5."""
    latitude = np.arange(-75, 76, 2.5)[:, None]
    longitude = np.arange(-180, 180, 30.0)
    moved = latitude + np.degrees(kilometres / 6371.0)
    here, there = (processes(np.array(10.0), lat, longitude) for lat in (latitude, moved))
    draws = np.exp(0.5 * np.random.Generator(np.random.Philox(5)).standard_normal(200_000))
    chord = 2 * 6371.0 * np.sin(kilometres / 6371.0 / 2)
    expected = np.exp(-((draws * chord / 900.0) ** 2) / 2).mean()
    assert (here * there).mean() == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("lag", [1.0, 3.0, 9.0])
def test_air_that_is_followed_forgets_in_its_memory(lag):
    """8 degrees east a day keeps one with the system."""
    latitude, longitude = np.arange(-60, 61, 15.0)[:, None], np.arange(-180, 180, 30.0)
    before, after = processes(50.0, latitude, longitude), processes(50.0 + lag, latitude, longitude + 8.0 * lag)
    draws = np.exp(0.5 * np.random.Generator(np.random.Philox(6)).standard_normal(200_000))
    expected = np.exp(-((draws * lag / 3.0) ** 2) / 2).mean()
    assert (before * after).mean() == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("pole", [-90.0, 90.0])
def test_a_pole_is_one_place(pole):
    values = _synoptic.wander(3, "any", 17.3, pole, np.array([-180.0, -90.0, 0.0, 33.0, 180.0]))
    np.testing.assert_allclose(values, values[0], atol=1e-4)


def test_the_antimeridian_is_no_seam():
    day = np.linspace(0, 8000, 50)
    west, east = (_synoptic.wander(3, "any", day, 40.0, longitude) for longitude in (-180.0, 180.0))
    np.testing.assert_allclose(west, east, atol=2e-4)
    near = _synoptic.wander(3, "any", day, 40.0, 179.99)
    assert np.abs(near - east).max() < 0.01


def test_shapes_broadcast_and_names_part_processes():
    day, latitude, longitude = np.zeros(5)[:, None, None], np.zeros(3)[:, None], np.linspace(0, 90, 4)
    assert _synoptic.wander(1, "a", day, latitude, longitude).shape == (5, 3, 4)
    assert _synoptic.wander(1, "a", np.zeros((0,)), 0.0, 0.0).shape == (0,)
    assert np.isnan(_synoptic.wander(1, "a", 0.0, np.nan, 0.0))
    many = np.linspace(0, 1000, 400)
    pair = [_synoptic.wander(1, name, many, 10.0, 10.0) for name in ("a", "b")]
    assert abs(np.corrcoef(pair)[0, 1]) < 0.3


# ---- lattices --------------------------------------------------------------------------------------------------------
def degrees(rows, columns, resolution=1.0):
    return WorldGrid("EPSG:4326", resolution, 100.0, 50.0, columns, rows)


@pytest.mark.parametrize("shape", [(2, 2), (3, 7), (40, 2), (60, 90)])
def test_a_plane_is_filled_exactly(shape):
    grid = degrees(*shape)
    points = _synoptic.lattice(grid)
    plane = 2.0 * grid.latitude - 0.5 * grid.longitude
    np.testing.assert_allclose(points.fill(points.at(plane)), plane, atol=2e-5 * np.abs(plane).max())


def test_corners_are_points_and_no_mesh_is_wider_than_it_says():
    grid = degrees(60, 90)
    points = _synoptic.lattice(grid)
    assert (points.rows[0], points.rows[-1], points.columns[0], points.columns[-1]) == (0, 59, 0, 89)
    assert np.diff(points.rows).max() * grid.metres <= 150_000 + grid.metres
    assert points.fill(np.ones(points.latitude.shape)).dtype == np.float32


def test_the_whole_globe_has_a_bounded_lattice():
    grid = WorldGrid("EPSG:4326", 1.0, -180.0, 90.0, 360, 180)
    points = _synoptic.lattice(grid)
    assert max(points.latitude.shape) <= 64
    filled = points.fill(points.wander(1, "any", 3.0))
    assert filled.shape == (180, 360)
    exact = _synoptic.wander(1, "any", 3.0, grid.latitude[::30, ::30], grid.longitude[::30, ::30])
    assert np.sqrt(((filled[::30, ::30] - exact) ** 2).mean()) < 0.25


# ---- wind ------------------------------------------------------------------------------------------------------------
def test_way_is_the_integral_of_the_speed():
    day = np.linspace(100.0, 130.0, 3001)
    speed, way = (np.array(each) for each in zip(*(_synoptic.wind(4, 45.0, d) for d in day), strict=True))
    carried = np.concatenate([[[0, 0]], np.cumsum((speed[1:] + speed[:-1]) / 2 * 0.01 * 86_400, axis=0)])
    np.testing.assert_allclose(way - way[0], carried, atol=2000.0)


def test_hemispheres_have_trades_that_mirror_one_another():
    north, south = (np.mean([_synoptic.wind(s, lat, 5.0)[0] for s in range(400)], axis=0) for lat in (15.0, -15.0))
    assert north == pytest.approx([-5.0, -1.0], abs=0.7)
    assert south == pytest.approx([-5.0, 1.0], abs=0.7)
    equator, _ = _synoptic.wind(1, 0.0, 5.0)
    assert np.isfinite(equator).all()


def test_streams_of_the_wind_and_of_waves_are_apart():
    assert stream(1, "weather", "wind").random() != stream(1, "weather", "any").random()
