"""Maps looked up beside their files, read by h5py alone; poles, seams and cells of every size."""

from pathlib import Path

import h5py
import numpy as np
import pvlib
import pytest

from musyq_lab.core.resources import resource
from musyq_lab.twin import _earth
from musyq_lab.twin.grid import WorldGrid

DRAW = np.random.Generator(np.random.Philox(8))
LONGITUDE, LATITUDE = DRAW.uniform(-180, 180, 400), np.degrees(np.arcsin(DRAW.uniform(-1, 1, 400)))


def cell(rows, columns, longitude, latitude):
    return int((90 - latitude) / 180 * rows), int((longitude + 180) / 360 * columns)


def test_land_cover_is_that_of_the_file():
    with h5py.File(resource("catalogs/samples/land_cover_mcd12c1_2019.nc")) as file:
        data = file["land_cover"][()]
    found = _earth.land_cover(LONGITUDE, LATITUDE)
    for x, y, value in zip(LONGITUDE, LATITUDE, found, strict=True):
        stored = data[cell(3600, 7200, x, y)]
        assert value == (stored or 17) or (y < -78 and value == 15)
    assert found.dtype == np.uint8
    assert (found == 17).mean() == pytest.approx(0.71, abs=0.08)  # of the sphere


def test_altitude_is_that_of_pvlib():
    """Its own function, but for the ice sheets and the sea."""
    found = _earth.altitude(LONGITUDE, LATITUDE)
    for x, y, value in zip(LONGITUDE, LATITUDE, found, strict=True):
        if abs(y) < 60:
            assert value == pytest.approx(float(pvlib.location.lookup_altitude(y, x)), abs=28.0)


@pytest.mark.parametrize(("longitude", "latitude"), [(116.4, 39.9), (2.35, 48.85), (-58.4, -34.6), (0.0, 0.0)])
def test_turbidity_is_the_mean_of_the_months_of_pvlib(longitude, latitude):
    path = Path(pvlib.__file__).parent / "data" / "LinkeTurbidities.h5"
    with h5py.File(path) as file:
        months = file["LinkeTurbidity"][cell(2160, 4320, longitude, latitude)]
    assert float(_earth.turbidity(longitude, latitude)) == pytest.approx(months.mean() / 20)
    near = _earth.turbidity(np.full(2, longitude), np.full(2, latitude))
    assert near[0] == pytest.approx(months.mean() / 20, abs=1.5)


LOOKUPS = [_earth.land_cover, _earth.zone, _earth.altitude, _earth.turbidity, _earth.irradiance, _earth.continental]


@pytest.mark.parametrize("look", LOOKUPS)
def test_a_place_has_one_value_however_it_is_asked_for(look):
    alone = np.asarray(look(100.3, 31.7))
    assert alone.shape == ()
    assert np.asarray(look(np.array([100.3]), np.array([31.7]))).shape == (1,)
    grid = np.asarray(look(np.full((2, 3), 100.3), np.full((2, 3), 31.7)))
    assert grid.shape == (2, 3)
    assert (grid == grid[0, 0]).all()
    around = np.asarray(look(np.full(2, 100.3) - [0, 360], np.full(2, 31.7)))
    assert around[0] == around[1]


@pytest.mark.parametrize("look", LOOKUPS)
@pytest.mark.parametrize("latitude", [-90.0, 90.0])
def test_poles_and_the_antimeridian_have_values(look, latitude):
    values = np.asarray(look(np.array([-180.0, -0.001, 0.0, 179.999, 180.0]), np.full(5, latitude)), float)
    assert np.isfinite(values).all()
    assert values[0] == values[4]


def test_irradiance_at_a_node_is_the_mean_of_its_months():
    with h5py.File(resource("catalogs/samples/ghi_merra2_monthly.nc")) as file:
        months, quality = file["ghi"][()] * file["ghi"].attrs["scale_factor"], file["quality"][()]
        north, east = file["latitude"][()], file["longitude"][()]
    good = np.argwhere((quality != 2).all(axis=0))
    for row, column in good[:: len(good) // 25]:
        found = float(_earth.irradiance(east[column], north[row]))
        assert found == pytest.approx(months[:, row, column].mean(), rel=1e-5)


def test_continentality_wraps_and_lies_between_sea_and_steppe():
    assert float(_earth.continental(-180.0, 65.0)) == pytest.approx(float(_earth.continental(180.0, 65.0)))
    assert float(_earth.continental(179.99, 65.0)) == pytest.approx(float(_earth.continental(-179.99, 65.0)), abs=0.01)
    table = _earth.continentality()
    assert table.shape == (180, 360)
    assert table.min() >= 0
    assert table.max() <= 1
    sea, coast, inland = (float(_earth.continental(x, y)) for x, y in ((-150.0, -40.0), (0.0, 47.0), (95.0, 48.0)))
    assert sea < 0.02 < coast < inland


@pytest.mark.parametrize(("resolution", "count"), [(0.02, 1), (0.05, 1), (0.1, 4), (0.3, 36), (2.0, 36)])
def test_points_within_cells_fill_them_evenly(resolution, count):
    grid = WorldGrid("EPSG:4326", resolution, 179.0, 10.0, int(2 / resolution), 1)
    points = _earth.subcells(grid, 0.05)
    assert len(points) == count
    longitude, latitude = (np.array([p[k] for p in points]) for k in (0, 1))
    assert (longitude >= -180).all()
    assert (longitude < 180).all()
    np.testing.assert_allclose(latitude.mean(axis=0), grid.latitude)
    assert np.abs(latitude - grid.latitude).max() < resolution / 2
    away = (longitude - grid.longitude + 180) % 360 - 180
    np.testing.assert_allclose(away.mean(axis=0), 0.0, atol=1e-9)
