"""Footprints of swaths and boxes of tiles, beside vector geometry and brute force."""

import numpy as np
import pytest

from musyq_lab.core.grid import GRIDS
from musyq_lab.standard._footprints import Raster, Swath, Tiles, swath_box
from musyq_lab.standard._warp_frames import Frame, exact, frame_of

GLOBE = frame_of(GRIDS["1km"])


def regular(rows, columns, west=100.0, north=1.0, step=0.01):
    longitude = west + step * np.arange(columns) + np.zeros((rows, 1))
    return longitude, north - step * np.arange(rows)[:, None] + np.zeros((rows, columns))


# ---- corners ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scan", [5, 10, 20])
def test_corners_lie_half_a_step_from_the_centres(scan):
    longitude, latitude = regular(20, 8)
    geometry = Swath(20, 8, scan)
    top, bottom = geometry._corners((0, 20, 0, 8), longitude, latitude)
    east = 100.0 + 0.01 * (np.arange(9) - 0.5)
    np.testing.assert_allclose(top[..., 0], np.broadcast_to(east, (20, 9)), atol=1e-6)
    np.testing.assert_allclose(top[..., 1], latitude[:, :1] + 0.005 + np.zeros(9), atol=1e-6)
    np.testing.assert_allclose(bottom[..., 1], latitude[:, :1] - 0.005 + np.zeros(9), atol=1e-6)


def test_scans_that_overlap_keep_their_own_corners():
    longitude, latitude = regular(20, 8)
    latitude[10:] += 0.03  # the second scan begins within the first
    top, bottom = Swath(20, 8, 10)._corners((0, 20, 0, 8), longitude, latitude)
    np.testing.assert_allclose(bottom[9, :, 1], latitude[9, 0] - 0.005, atol=1e-6)
    np.testing.assert_allclose(top[10, :, 1], latitude[10, 0] + 0.005, atol=1e-6)
    np.testing.assert_array_equal(bottom[:9], top[1:10])


def test_a_window_has_the_corners_of_the_whole():
    longitude, latitude = regular(40, 30)
    geometry = Swath(40, 30, 10, 3)
    whole = geometry._corners((0, 40, 0, 30), longitude, latitude)
    for window in ((0, 40, 0, 30), (5, 29, 3, 11), (6, 7, 29, 30), (36, 40, 0, 1)):
        a, b, c, d = geometry.reach(window)
        part = geometry._corners(window, longitude[a:b, c:d], latitude[a:b, c:d])
        for one, other in zip(part, whole, strict=True):
            np.testing.assert_array_equal(one, other[window[0] : window[1], window[2] : window[3] + 1])


def test_a_scan_of_one_line_has_no_footprint():
    longitude, latitude = regular(21, 8)
    top, bottom = Swath(21, 8, 10)._corners((0, 21, 0, 8), longitude, latitude)
    assert np.isnan(top[20]).all()
    assert np.isnan(bottom[20]).all()
    assert np.isfinite(top[:20]).all()


def test_corners_know_no_pole_and_no_antimeridian():
    """The same pixels turned to another place on the sphere have turned corners."""
    longitude, latitude = regular(6, 6, west=179.97, north=0.025)
    top, _ = Swath(6, 6, 6)._corners((0, 6, 0, 6), (longitude + 180.0) % 360.0 - 180.0, latitude)
    np.testing.assert_allclose(top[..., 0] % 360.0, np.broadcast_to(179.965 + 0.01 * np.arange(7), (6, 7)), atol=1e-6)
    # A quarter turn about the y axis brings (0, 0) to the north pole: x -> z.
    lon, lat = np.radians(longitude - 179.995), np.radians(latitude)
    x, y, z = np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)
    polar = Swath(6, 6, 6)._corners((0, 6, 0, 6), np.degrees(np.arctan2(y, -z)), np.degrees(np.arcsin(x)))[0]
    pole, place = np.radians(polar), np.radians(top - [179.995, 0.0])
    np.testing.assert_allclose(np.sin(pole[..., 1]), np.cos(place[..., 1]) * np.cos(place[..., 0]), atol=1e-12)


# ---- strips and boxes ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("geometry", "rows"),
    [
        (Swath(2030, 1354, 10), [100] * 19 + [130]),
        (Swath(2030, 1354, 10, 4), [96] + [100] * 19 + [34]),
        (Swath(97, 20, 97), [97]),
        (Swath(200, 20, 200), [96, 104]),
        (Swath(120, 20, 20, 5), [120]),
    ],
)
def test_strips_begin_with_scans_and_none_is_short(geometry, rows):
    found, columns = geometry.strips()
    starts = np.cumsum([0, *found[:-1]])[1:]
    assert sum(found) == geometry.rows == sum(rows)
    assert sum(columns) == geometry.columns
    assert min(found) >= min(48, geometry.rows)
    if geometry.scan < geometry.rows:
        assert ((starts + geometry.phase) % geometry.scan == 0).all()
    assert min(columns) >= min(96, geometry.columns)


@pytest.mark.parametrize("west", [100.0, 179.5, -180.5])
def test_a_box_holds_the_footprints(west):
    longitude, latitude = regular(30, 70, west)
    low, high, left, right = swath_box(longitude, latitude, GLOBE)
    v, u = GLOBE.index(longitude[0, 0], latitude[0, 0])
    assert (low, high) == pytest.approx((v - 1.0, v + 30.0), abs=0.51)
    assert (left - u) % 36000 == pytest.approx(35999.0, abs=0.51)
    assert right - left == pytest.approx(71.0, abs=1.01)


def test_a_box_round_the_pole_reaches_it_on_every_longitude():
    angle = np.radians(np.arange(0, 360, 10.0))
    longitude, latitude = np.degrees(angle)[None] + np.zeros((5, 1)), 89.0 + 0.2 * np.arange(5)[:, None] + 0 * angle
    low, high, left, right = swath_box(longitude, latitude, GLOBE)
    assert np.isinf([left, right]).all()
    assert low <= 0.0
    assert high >= 100.0
    south = swath_box(longitude, -latitude, GLOBE)
    assert south[1] >= 18000.0


def test_a_box_of_nothing_is_nan():
    assert np.isnan(swath_box(np.full((4, 5), np.nan), np.full((4, 5), np.nan), GLOBE)).all()


@pytest.mark.parametrize("crs", ["EPSG:32650", "+proj=sinu +R=6371007.181", "EPSG:3413"])
def test_boxes_of_rasters_hold_every_corner(crs):
    source = Raster(Frame(crs, 1e5, 900.0, 4.4e6 if crs != "EPSG:3413" else 1e5, -900.0, 200, 230))
    tiles = source.tiles(GLOBE)
    v, u = np.meshgrid(np.arange(201.0), np.arange(231.0), indexing="ij")
    rows, columns = exact(source.frame, GLOBE, v, u)
    for (r0, r1, c0, c1), (low, high, left, right) in zip(tiles.windows, tiles.boxes, strict=True):
        part = slice(r0, r1 + 1), slice(c0, c1 + 1)
        pad = 0.05 * (high - low) + 1.0
        assert (rows[part] >= low - pad).all()
        assert (rows[part] <= high + pad).all()
        if np.isfinite(left):
            wide = 0.05 * (right - left) + 1.0
            assert ((columns[part] - left + wide) % 36000.0 <= right - left + 2 * wide).all()


# ---- windows ---------------------------------------------------------------------------------------------------------
def test_a_window_joins_the_tiles_a_block_touches():
    windows = np.array([[0, 96, 0, 96], [0, 96, 96, 150], [96, 130, 0, 96], [96, 130, 96, 150]])
    boxes = np.array([[0, 10, 0, 10], [0, 10, 10, 16], [10, 14, 0, 10], [10, 14, 10, 16]], float)
    tiles = Tiles(windows, boxes, 0.0)
    assert tiles.window((2, 4), (2, 4)) == (0, 96, 0, 96)
    assert tiles.window((2, 4), (9, 12)) == (0, 96, 0, 150)
    assert tiles.window((0, 20), (0, 20)) == (0, 130, 0, 150)
    assert tiles.window((30, 40), (0, 20)) is None
    turned = Tiles(windows, boxes + np.array([0, 0, 50, 50]), 60.0)  # columns 50 to 66 of 60: across the seam
    assert turned.window((2, 4), (2, 4)) == (0, 96, 96, 150)
    assert turned.window((2, 4), (20, 30)) is None
    assert turned.window((2, 4), (52, 54)) == turned.window((2, 4), (112, 114)) == (0, 96, 0, 96)
    assert tiles.cells_per_pixel == pytest.approx(np.median([100 / 96**2, 60 / 96 / 54, 40 / 34 / 96, 24 / 34 / 54]))
