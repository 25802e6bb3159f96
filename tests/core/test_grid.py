"""Grids: coordinates to the last bit, windows over the antimeridian and the poles, boxes that are none."""

import dataclasses
import pickle
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.grid import CRS_ATTRIBUTES, GRIDS, LATITUDE, LONGITUDE, GeoGrid, grid

NAMES = ["1km", "5km", "0p25deg"]
names = st.sampled_from(NAMES)


def degrees(low, high):
    return st.one_of(st.floats(low, high), st.integers(low * 100, high * 100).map(lambda x: x / 100))


@pytest.mark.parametrize(("name", "size"), [("1km", (18000, 36000)), ("5km", (3600, 7200)), ("0p25deg", (720, 1440))])
def test_published_sizes(name, size):
    whole = grid(name)
    assert whole.shape == size
    assert whole.resolution == 180 / size[0]
    assert len(whole.latitude), len(whole.longitude) == size


@pytest.mark.parametrize("name", NAMES)
def test_centres_are_the_doubles_nearest_to_their_decimals(name):
    whole = grid(name)
    n = whole.cells_per_degree
    rows, columns = range(0, 180 * n, 7), range(0, 360 * n, 7)
    assert [float(90 - Fraction(2 * i + 1, 2 * n)) for i in rows] == whole.latitude[::7].tolist()
    assert [float(Fraction(2 * j + 1, 2 * n) - 180) for j in columns] == whole.longitude[::7].tolist()


@pytest.mark.parametrize("name", NAMES)
def test_orientation_and_symmetry(name):
    whole = grid(name)
    assert np.all(np.diff(whole.latitude) < 0)
    assert np.all(np.diff(whole.longitude) > 0)
    np.testing.assert_array_equal(whole.latitude, -whole.latitude[::-1])
    np.testing.assert_array_equal(whole.longitude, -whole.longitude[::-1])
    assert whole.latitude[0] + whole.resolution / 2 == pytest.approx(90, abs=1e-12)
    assert whole.longitude[0] - whole.resolution / 2 == pytest.approx(-180, abs=1e-12)


def test_sizes_need_no_memory():
    tracemalloc.start()
    window = grid("1km").window(-180, -90, 180, 90)
    assert window.shape == (18000, 36000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


@given(names, degrees(-180, 180), degrees(-90, 90), degrees(0, 360), degrees(0, 180))
def test_a_window_holds_the_box_and_no_cell_more(name, west, south, width, height):
    east, north = west + width, south + height
    assume(north <= 90 and width <= 360 and south < north and west < east <= 360)
    whole, window = grid(name), grid(name).window(west, south, east, north)
    n, slack = whole.cells_per_degree, 2e-9
    top, left = 90 - Fraction(window.row, n), Fraction(window.column, n) - 180
    bottom, right = top - Fraction(window.rows, n), left + Fraction(window.columns, n)
    shift = 360 if west >= 180 else 0
    assert bottom <= south + slack
    assert north - slack <= top
    assert left <= west - shift + slack
    assert window.columns == 360 * n or east - shift - slack <= right
    if window.rows > 1:
        assert top - north < Fraction(1, n)
        assert south - bottom < Fraction(1, n)
    if 1 < window.columns < 360 * n:
        assert west - shift - left < Fraction(1, n)
        assert right - (east - shift) < Fraction(1, n)
    np.testing.assert_array_equal(window.latitude, whole.latitude[window.row : window.row + window.rows])
    inside = whole.longitude[window.column : window.column + window.columns]
    np.testing.assert_array_equal(window.longitude[: inside.size], inside)


def test_box_on_cell_edges_takes_exactly_its_cells():
    window = grid("1km").window(0.1 + 0.2, 0.3 - 1e-12, 0.7, 0.6 + 1e-12)
    assert window.shape == (30, 40)
    assert window.longitude[[0, -1]].tolist() == [0.305, 0.695]
    assert window.latitude[[0, -1]].tolist() == [0.595, 0.305]


def test_antimeridian():
    window = grid("0p25deg").window(170, -50, -160, -30)
    assert window.shape == (80, 120)
    assert window.longitude[[0, -1]].tolist() == [170.125, 199.875]
    folded = np.where(window.longitude > 180, window.longitude - 360, window.longitude)
    assert set(folded) <= set(grid("0p25deg").longitude)
    assert window == grid("0p25deg").window(170, -50, 200, -30)


@pytest.mark.parametrize(
    ("box", "same"),
    [
        ((190, 0, 200, 10), (-170, 0, -160, 10)),  # 0 to 360
        ((180, 0, 190, 10), (-180, 0, -170, 10)),
        ((180, 0, -170, 10), (-180, 0, -170, 10)),
        ((350, 0, 10, 10), (-10, 0, 10, 10)),
        ((350, 0, 360, 10), (-10, 0, 0, 10)),
    ],
)
def test_both_countings_of_longitude_name_the_same_cells(box, same):
    for name in NAMES:
        assert grid(name).window(*box) == grid(name).window(*same)


def test_the_whole_globe():
    for name in NAMES:
        assert grid(name).window(-180, -90, 180, 90) == grid(name)
    turned = grid("0p25deg").window(0, -90, 360, 90)
    assert turned.shape == grid("0p25deg").shape
    assert turned.longitude[[0, -1]].tolist() == [0.125, 359.875]
    shifted = grid("0p25deg").window(-179.9, -90, 180.1, 90)  # 1441 cells touch, the globe has 1440
    assert shifted.shape == grid("0p25deg").shape


def test_poles():
    north, south = grid("5km").window(0, 89.9, 1, 90), grid("5km").window(0, -90, 1, -89.9)
    assert north.latitude.tolist() == [89.975, 89.925]
    assert south.latitude.tolist() == [-89.925, -89.975]


@pytest.mark.parametrize("south", [-90, -89.99, 0, 10.0, 89.9])
def test_a_box_smaller_than_a_cell_is_one_cell(south):
    for width in (1e-3, 1e-12):
        for west in (-180, 10.0, 179.9):
            window = grid("0p25deg").window(west, south, west + width, south + max(width, 1e-13))
            assert window.shape == (1, 1)
            assert abs(window.latitude[0] - south) <= 0.125 + 1e-6


def test_area_of_a_window_on_the_sphere():
    """Cells' areas add up to the closed form: R^2 (sin north - sin south) (east - west)."""
    window = grid("0p25deg").window(170, -60, -170, 60)
    edges = np.radians(np.append(window.latitude + 0.125, window.latitude[-1] - 0.125))
    strips = -np.diff(np.sin(edges)) * np.radians(window.resolution)
    assert strips.sum() * window.columns == pytest.approx(2 * np.sin(np.radians(60)) * np.radians(20), rel=1e-12)


@pytest.mark.parametrize(
    "box",
    [
        (10, 0, 10, 10),
        (180, 0, -180, 10),
        (0, 10, 10, 10),
        (0, 20, 10, 10),
        (0, -91, 10, 10),
        (0, 0, 10, 90.1),
        (-181, 0, 10, 10),
        (0, 0, 361, 10),
        (361, 0, 10, 10),
        (-180, 0, 200, 10),
        (float("nan"), 0, 10, 10),
        (0, 0, 10, float("nan")),
        (float("-inf"), 0, 10, 10),
    ],
)
def test_boxes_that_are_none(box):
    with pytest.raises(InputError, match=r"empty or not on the globe. Give degrees with south < north"):
        grid("1km").window(*box)


@pytest.mark.parametrize(
    "window",
    [
        {"row": -1},
        {"row": 720},
        {"row": 800},
        {"column": -1},
        {"column": 1440},
        {"rows": 0},
        {"rows": -2},
        {"rows": 721},
        {"row": 700, "rows": 21},
        {"columns": 0},
        {"columns": -5},
        {"columns": 1441},
    ],
)
def test_windows_that_leave_the_globe(window):
    with pytest.raises(InputError, match="leaves the globe of 720 x 1440"):
        GeoGrid("0p25deg", 4, **window)


def test_frozen_hashable_pickles():
    window = grid("1km").window(170, -1, -170, 1)
    assert pickle.loads(pickle.dumps(window)) == window
    assert len({window, grid("1km").window(170, -1, -170, 1)}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        window.row = 0


def test_unknown_grid_suggests():
    with pytest.raises(NotFoundError, match=r"no grid '1 km'. Did you mean '1km'"):
        grid("1 km")


def test_tables_are_read_only_and_cf():
    for table in (GRIDS, LATITUDE, LONGITUDE, CRS_ATTRIBUTES):
        with pytest.raises(TypeError):
            table["x"] = 1
    assert (LATITUDE["units"], LONGITUDE["units"]) == ("degrees_north", "degrees_east")


def test_the_ellipsoid_is_wgs84():
    from pyproj import CRS

    ellipsoid = CRS.from_epsg(4326).ellipsoid
    assert CRS_ATTRIBUTES["semi_major_axis"] == ellipsoid.semi_major_metre
    assert CRS_ATTRIBUTES["inverse_flattening"] == pytest.approx(ellipsoid.inverse_flattening, rel=1e-12)
    assert CRS.from_cf(dict(CRS_ATTRIBUTES)).is_geographic
