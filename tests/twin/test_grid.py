"""The fine grid of a world."""

import numpy as np
import pyproj
import pytest

from musyq_lab.core.errors import InputError
from musyq_lab.twin.grid import WorldGrid, local_grid


def test_a_station_lies_in_the_middle_of_its_grid():
    grid = local_grid(115.785, 40.349, 15.36, 20)
    row, column = grid.cells(np.array(115.785), np.array(40.349))
    assert grid.shape == (768, 768)
    assert grid.crs == "EPSG:32650"
    # The corner moves by at most 30 m to reach the mission's grid.
    assert abs(row - 383.5) <= 1.51
    assert abs(column - 383.5) <= 1.51


def test_corners_lie_on_multiples_of_60_m():
    grid = local_grid(100.37, 38.86, 3, 30)
    assert grid.west % 60 == 0
    assert grid.north % 60 == 0


def test_cells_invert_places():
    grid = local_grid(-60.2, -3.1, 4, 100)
    rows, columns = np.meshgrid(np.arange(grid.rows), np.arange(grid.columns), indexing="ij")
    row, column = grid.cells(grid.longitude, grid.latitude)
    np.testing.assert_allclose(row, rows, atol=1e-6)
    np.testing.assert_allclose(column, columns, atol=1e-6)
    assert grid.crs == "EPSG:32720"


def test_a_cell_is_as_wide_on_the_ellipsoid_as_it_says():
    grid = local_grid(115.785, 40.349, 3, 30)
    geod = pyproj.Geod(ellps="WGS84")
    _, _, east = geod.inv(grid.longitude[50, 0], grid.latitude[50, 0], grid.longitude[50, -1], grid.latitude[50, -1])
    assert east == pytest.approx(30 * (grid.columns - 1), rel=1e-3)  # UTM's scale factor


@pytest.mark.parametrize(
    ("longitude", "latitude", "crs"),
    [(0.0, 89.9, "EPSG:5041"), (0.0, -90.0, "EPSG:5042"), (180.0, 10.0, "EPSG:32660"), (-180.0, -10.0, "EPSG:32701")],
)
def test_poles_and_antimeridian(longitude, latitude, crs):
    grid = local_grid(longitude, latitude, 6, 100)
    assert grid.crs == crs
    assert np.isfinite(grid.longitude).all()
    assert np.abs(grid.longitude).max() <= 180
    assert np.abs(grid.latitude).max() <= 90
    geod = pyproj.Geod(ellps="WGS84")
    _, _, away = geod.inv(grid.longitude, grid.latitude, np.full(grid.shape, longitude), np.full(grid.shape, latitude))
    assert away.max() < 5000


def test_geographic_cells():
    grid = WorldGrid("EPSG:4326", 0.5, 70.0, 45.0, 40, 10)
    assert grid.geographic
    assert grid.longitude[0, 0] == 70.25
    assert grid.latitude[0, 0] == 44.75
    row, column = grid.cells(np.array(70.25), np.array(44.25))
    assert (row, column) == (1, 0)
    assert grid.metres == pytest.approx(55_600, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((200.0, 0.0, 10, 20), "-180 to 180"), ((0.0, 91.0, 10, 20), "-90 to 90"), ((0.0, 0.0, 0.1, 20), "at least 8")],
)
def test_what_is_no_world_is_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        local_grid(*arguments)
