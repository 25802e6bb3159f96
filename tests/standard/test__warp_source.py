"""Geometry of scenes and windows of grids, beside brute force over pixels and beside pyproj."""

import dask
import dask.array as da
import numpy as np
import pyproj
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.grid import GRIDS, GeoGrid, ProjectedGrid
from musyq_lab.standard._warp_frames import Frame, frame_of
from musyq_lab.standard._warp_source import Source, metres, window_of

PLANE = ("y", "x")
UTM = "EPSG:32650"


def whiskbroom(scans=6, pixels=80, lines=10, centre=(115.0, 40.0), step=0.009):
    """Longitude and latitude of scans that grow towards the sides."""
    side = np.linspace(-1.0, 1.0, pixels)
    line = (np.arange(lines) - (lines - 1) / 2)[:, None] * (1.0 + side**2)
    along = np.concatenate([k * lines + line for k in range(scans)])
    longitude = centre[0] + 0.012 * pixels / 2 * np.broadcast_to(side, along.shape)
    return longitude, centre[1] - step * (along - along.mean())


def swath(longitude, latitude, sensor="modis"):
    place = {"longitude": (PLANE, longitude), "latitude": (PLANE, latitude)}
    values = xr.DataArray(np.zeros((1, *np.shape(longitude))), dims=("band", *PLANE))
    return xr.Dataset({"reflectance": values}, place, {"sensor": sensor})


def raster(rows, columns, step, west, north, crs=UTM):
    x, y = west + step * (np.arange(columns) + 0.5), north - step * (np.arange(rows) + 0.5)
    mapping = ((), 0, {"crs_wkt": pyproj.CRS(crs).to_wkt()})
    return xr.Dataset(
        {"reflectance": (("band", "y", "x"), np.zeros((1, rows, columns)))}, {"x": x, "y": y, "spatial_ref": mapping}
    )


# ---- scans -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sensor", "lines", "step", "scan"),
    [("modis", 10, 0.009, 10), ("modis", 20, 0.0045, 20), ("npp_viirs", 16, 0.00675, 16), ("gf1_wfv", 10, 0.009, 60)],
)
def test_lines_of_a_scan_follow_the_spacing(sensor, lines, step, scan):
    geometry = Source(swath(*whiskbroom(60 // lines, lines=lines, step=step), sensor), PLANE).geometry
    assert geometry.scan == (scan if scan < geometry.rows else geometry.rows)


@pytest.mark.parametrize("first", [0, 1, 4, 9])
@pytest.mark.parametrize("gap", [(), (13,), (11, 12, 27)])
def test_scans_are_found_beside_missing_lines(first, gap):
    """Lines without a place shift no count of those that follow."""
    longitude, latitude = whiskbroom()
    longitude[list(gap)] = np.nan
    geometry = Source(swath(longitude[first:], latitude[first:]), PLANE).geometry
    assert (geometry.scan, geometry.phase) == (10, first)


def test_a_swath_without_places_is_one_scan_and_has_no_window():
    longitude, latitude = whiskbroom()
    for nothing in (np.nan, -999.0, 1e20):
        source = Source(swath(np.full_like(longitude, nothing), np.full_like(latitude, nothing)), PLANE)
        assert source.geometry.scan == 60
        with pytest.raises(InputError, match="No pixel of the scene has a place"):
            window_of(source, "1km")
        with pytest.raises(InputError, match="middle of the scene has no place"):
            window_of(source, "30m")


def test_fill_values_are_no_places():
    longitude, latitude = whiskbroom()
    clean = window_of(Source(swath(longitude, latitude), PLANE), "1km")
    longitude[3, 5], latitude[3, 5] = -999.0, -999.0
    latitude[30, 40] = 32767.0
    for chunks in (None, 20):
        place = [a if chunks is None else da.from_array(a, chunks=chunks) for a in (longitude, latitude)]
        source = Source(swath(*place), PLANE)
        assert window_of(source, "1km") == clean
        assert np.isnan(np.asarray(source.place[0])[[3, 30], [5, 40]]).all()
        assert np.isfinite(np.asarray(source.place[1])).sum() == longitude.size - 2


def test_a_swath_needs_two_lines_and_a_scan_too():
    longitude, latitude = whiskbroom()
    with pytest.raises(InputError, match=r"two lines of two pixels.* 1 x 80"):
        Source(swath(longitude[:1], latitude[:1]), PLANE)
    with pytest.raises(InputError, match=r"scan_lines=1: a scan has two lines"):
        Source(swath(longitude, latitude), PLANE, 1)


# ---- tiles -----------------------------------------------------------------------------------------------------------
def inside(tiles, v, u):
    """Tell for each pixel whether the box of its tile holds it."""
    held = np.zeros(v.shape, bool)
    for (r0, r1, c0, c1), (low, high, left, right) in zip(tiles.windows, tiles.boxes, strict=True):
        part = slice(r0, r1), slice(c0, c1)
        turned = u[part] if not tiles.period else left + (u[part] - left) % tiles.period
        held[part] = (v[part] >= low) & (v[part] <= high) & (turned >= left) & (turned <= right)
    return held


@pytest.mark.parametrize("shape", [(2, 2), (97, 193), (95, 60), (193, 20), (300, 250)])
def test_boxes_of_swaths_of_any_size_hold_their_pixels(shape):
    """A last strip of one line has no step of its own."""
    longitude = 100.0 + 0.01 * np.arange(shape[1]) + np.zeros((shape[0], 1))
    latitude = 30.0 - 0.01 * np.arange(shape[0])[:, None] + np.zeros(shape)
    source = Source(swath(longitude, latitude, "gf1_wfv"), PLANE)
    target = frame_of(GRIDS["1km"])
    tiles = source.tiles(target)
    v, u = target.index(longitude, latitude)
    for shift in (-0.49, 0.49):  # of a pixel: the footprint, not only its centre
        assert inside(tiles, v + shift, u + shift).all()
    assert tiles.windows[:, 1].max() == shape[0]
    assert ((tiles.windows[:, 1::2] - tiles.windows[:, ::2]) >= min(2, *shape)).all()


def test_places_are_read_once_for_each_size_of_cell():
    read = []

    def look(block):
        read.append(block.shape)
        return block

    longitude, latitude = (da.from_array(a, chunks=a.shape) for a in whiskbroom())
    lazy = da.map_blocks(look, longitude, dtype=float, meta=np.empty((0, 0)))
    source = Source(swath(lazy, latitude, "gf1_wfv"), PLANE)
    with dask.config.set(scheduler="synchronous"):
        grid = window_of(source, "1km")
        read_once = len(read)
        part = source.tiles(frame_of(grid))
    assert read_once == len(read) == 1
    alone = Source(swath(*whiskbroom(), "gf1_wfv"), PLANE).tiles(frame_of(grid))
    np.testing.assert_array_equal(part.windows, alone.windows)
    np.testing.assert_allclose(part.boxes, alone.boxes, atol=1e-7)


# ---- windows ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("centre", [(115.0, 40.0), (179.99, 10.0), (-180.0, -33.0), (0.0, 0.0)])
def test_the_window_holds_every_centre_and_little_more(centre):
    longitude, latitude = whiskbroom(centre=centre)
    longitude = (longitude + 180.0) % 360.0 - 180.0
    grid = window_of(Source(swath(longitude, latitude), PLANE), "1km")
    assert isinstance(grid, GeoGrid)
    column = np.floor((longitude + 180.0) * 100 + 1e-9).astype(int)
    row = np.floor((90.0 - latitude) * 100).astype(int)
    assert ((row >= grid.row) & (row < grid.row + grid.rows)).all()
    assert ((column - grid.column) % 36000 < grid.columns).all()
    assert grid.columns <= np.ptp((column - grid.column) % 36000) + 12
    assert grid.rows <= np.ptp(row) + 12


def test_utm_window_lies_on_multiples_in_the_zone_of_the_middle():
    for west, zone in ((400000.0, 32650), (-3e5, 32648)):
        grid = window_of(Source(raster(40, 50, 30.0, west, 4470007.0), PLANE), "20m")
        assert isinstance(grid, ProjectedGrid)
        assert grid.crs == f"EPSG:{zone}"
        assert grid.west % 20 == grid.north % 20 == 0
    same = window_of(Source(raster(40, 50, 30.0, 400000.0, 4470007.0), PLANE), "20m")
    assert (same.west, same.columns) == (400000.0, 75)
    assert (same.north, same.rows) == (4470020.0, 61)
    south = window_of(Source(raster(40, 50, 30.0, 400000.0, 6470000.0, "EPSG:32750"), PLANE), "30m")
    assert (south.crs, south.shape) == ("EPSG:32750", (41, 51))


def test_names_of_grids():
    assert [metres(n) for n in ("30m", " 12.5 m ", "1km", "m", "-3m", "1.2.3m", "30")] == [30.0, 12.5, *[None] * 5]
    source = Source(raster(40, 50, 30.0, 400000.0, 4470000.0), PLANE)
    for wrong in ("2km", "1.2.3m", ""):
        with pytest.raises(NotFoundError, match="There is no grid"):
            window_of(source, wrong)
    with pytest.raises(InputError, match="has no cells"):
        window_of(source, "0m")
    polar = Source(raster(40, 50, 30.0, 0.0, 0.0, "EPSG:3413"), PLANE)
    with pytest.raises(InputError, match=r"UTM does not reach latitude 8\d\.\d|UTM does not reach latitude 90\.0"):
        window_of(polar, "30m")


def test_the_middle_is_that_of_pyproj():
    found = Source(raster(40, 50, 30.0, 400000.0, 4470000.0), PLANE).middle()
    expected = pyproj.Transformer.from_crs(UTM, 4326, always_xy=True).transform(400750.0, 4469400.0)
    assert found == pytest.approx(expected)
    longitude, latitude = whiskbroom()
    assert Source(swath(longitude, latitude), PLANE).middle() == (longitude[30, 40], latitude[30, 40])


def test_a_frame_on_the_globe_knows_its_period():
    whole = Frame("EPSG:4326", -180.0, 5.0, 90.0, -5.0, 36, 72)
    tiles = Source(raster(40, 50, 30.0, 400000.0, 4470000.0), PLANE).tiles(whole)
    assert tiles.period == 72.0
    assert tiles.window((9, 10), (59, 60)) == (0, 40, 0, 50)
    assert tiles.window((9, 10), (59 - 72, 60 - 72)) == (0, 40, 0, 50)
    assert tiles.window((25, 30), (59, 60)) is None
