import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from musyq_lab.archive.naming import FileName
from musyq_lab.archive.tiles import tile_grid, tile_of, tiles_touching
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.grid import GRIDS

LINES = (Path(__file__).parents[1] / "reference" / "mgrs.csv").read_text().splitlines()[1:]
PUBLISHED = [(float(r["longitude"]), float(r["latitude"]), r["square"]) for r in csv.DictReader(LINES)]
LONGITUDES = st.floats(-180, 179.9999)


def centre(tile):
    grid = tile_grid(tile, "30m")
    x, y = grid.west + grid.columns * 15, grid.north - grid.rows * 15
    return Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)


@pytest.mark.parametrize(
    ("place", "tile"),
    [
        ((-180, 90), "h00v00"),
        ((179.99, -90), "h35v17"),
        ((180, 0), "h00v09"),
        ((116.4, 39.9), "h29v05"),
        ((0, 0), "h18v09"),
        ((-0.001, 0.001), "h17v08"),
        ((359.5, 10), "h17v08"),
        ((10, 80), "h19v01"),
    ],
)
def test_squares_of_ten_degrees_count_from_the_north_west(place, tile):
    assert tile_of(*place, "1km") == tile


def test_the_squares_of_ten_degrees_fill_the_globe_once():
    count = np.zeros(GRIDS["1km"].shape, np.uint8)
    for column in range(36):
        for row in range(18):
            grid = tile_grid(f"h{column:02d}v{row:02d}", "1km")
            assert grid.shape == (1000, 1000)
            count[grid.row : grid.row + 1000, grid.column : grid.column + 1000] += 1
    assert count.min() == count.max() == 1


@settings(deadline=None)
@given(LONGITUDES, st.floats(-90, 90))
def test_a_place_lies_in_its_tile(longitude, latitude):
    grid = tile_grid(tile_of(longitude, latitude, "1km"), "1km")
    half = grid.resolution / 2 + 1e-9
    assert grid.longitude[0] - half <= longitude <= grid.longitude[-1] + half
    assert grid.latitude[-1] - half <= latitude <= grid.latitude[0] + half


@pytest.mark.parametrize("edition", ["5km", "0p25deg"])
def test_coarse_editions_have_one_tile(edition):
    assert tile_of(100, 30, edition) == "global"
    assert tile_grid("global", edition) == GRIDS[edition]
    assert tiles_touching(170, -10, -170, 10, edition) == ["global"]
    with pytest.raises(NotFoundError, match=r"has one tile, 'global'"):
        tile_grid("h00v00", edition)
    assert tile_grid("global", "1km") == GRIDS["1km"]


@pytest.mark.parametrize(("longitude", "latitude", "square"), PUBLISHED)
def test_squares_of_the_military_grid_are_those_of_geotrans(longitude, latitude, square):
    """Zone and letters always; the band where no limit of bands runs between the place and the square's centre."""
    found = tile_of(longitude, latitude, "30m")
    assert (found[:2], found[3:]) == (square[:2], square[3:])
    bands = "CDEFGHJKLMNPQRSTUVWX"
    own, theirs = (min(int((lat + 80) // 8), 19) for lat in (centre(found)[1], latitude))
    assert found[2] == bands[own]
    assert square[2] == bands[theirs]


def test_most_published_names_are_ours_to_the_letter():
    same = [tile_of(lon, lat, "30m") == square for lon, lat, square in PUBLISHED]
    assert np.mean(same) > 0.85


@pytest.mark.parametrize("latitude", [-79.9, -33.0, -0.1, 0.1, 55.9, 70.0])
def test_zones_are_those_of_the_epsg_database(latitude):
    for longitude in np.arange(-179.5, 180, 3.7):
        area = CRS(tile_grid(tile_of(longitude, latitude, "30m"), "30m").crs).area_of_use
        assert area.west <= longitude <= area.east
        assert area.south <= latitude <= area.north


@settings(deadline=None, max_examples=100)
@given(LONGITUDES, st.floats(-80, 84))
def test_a_place_lies_in_its_square(longitude, latitude):
    tile = tile_of(longitude, latitude, "30m")
    grid = tile_grid(tile, "30m")
    x, y = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True).transform(longitude, latitude)
    assert grid.west - 15 <= x <= grid.west + 30 * grid.columns + 15
    assert grid.north + 15 >= y >= grid.north - 30 * grid.rows - 15
    assert {grid.rows, grid.columns} <= {3333, 3334}
    assert FileName("lai", "30m", tile, "2015001", "v1").tile == tile


def test_neighbours_neither_overlap_nor_leave_a_gap():
    """Three squares in a row and three in a column: 300 km hold exactly 10,000 cells of 30 m."""
    row = [tile_grid(tile, "30m") for tile in ("50TLK", "50TMK", "50TNK")]
    assert row[0].west + 30 * row[0].columns == row[1].west
    assert row[1].west + 30 * row[1].columns == row[2].west
    assert sum(grid.columns for grid in row) == 10_000
    column = [tile_grid(tile, "30m") for tile in ("50TMM", "50TML", "50TMK")]
    assert column[0].north - 30 * column[0].rows == column[1].north
    assert column[1].north - 30 * column[1].rows == column[2].north
    assert all(grid.west % 30 == 0 and grid.north % 30 == 0 for grid in (*row, *column))


def test_a_square_that_bands_cut_has_one_name():
    """48 N runs through row U of zone 50: the military grid names it 50T and 50U."""
    tiles = {tile_of(117.0, latitude, "30m") for latitude in (47.95, 48.05)}
    assert len(tiles) == 1
    tile = tiles.pop()
    other = tile[:2] + ("U" if tile[2] == "T" else "T") + tile[3:]
    with pytest.raises(NotFoundError, match=r"named after the latitude band of its centre"):
        tile_grid(other, "30m")


def test_the_equator_parts_the_hemispheres():
    north, south = tile_of(117, 0, "30m"), tile_of(117, -0.001, "30m")
    assert (north[2], south[2]) == ("N", "M")
    upper, lower = tile_grid(north, "30m"), tile_grid(south, "30m")
    assert (upper.crs, lower.crs) == ("EPSG:32650", "EPSG:32750")
    assert upper.north - 30 * upper.rows == 0
    assert abs(lower.north - 10_000_000) <= 15


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((100, 30, 120, 40), {"h28v05", "h29v05"}),
        ((99.995, 29.995, 120.001, 40.001), {f"h{h}v0{v}" for h in (27, 28, 29, 30) for v in (4, 5, 6)}),
        ((175, -5, -175, 5), {"h35v08", "h35v09", "h00v08", "h00v09"}),
        ((350, 1, 360, 2), {"h17v08"}),
        ((-180, 85, 180, 90), {f"h{h:02d}v00" for h in range(36)}),
        ((5, -90, 6, -85), {"h18v17"}),
        ((3.001, 3.001, 3.002, 3.002), {"h18v08"}),
    ],
)
def test_boxes_touch_squares_of_ten_degrees(box, expected):
    assert set(tiles_touching(*box, "1km")) == expected


@pytest.mark.parametrize(
    "box",
    [
        (116.2, 39.6, 117.9, 41.2),
        (119.5, 30.2, 120.6, 31.1),  # two zones
        (179.2, -17.5, -179.3, -16.2),  # across the antimeridian
        (99.0, -0.6, 100.1, 0.7),  # across the equator
        (1.5, 58.9, 4.4, 60.3),  # south-west Norway
        (7.5, 77.3, 11.5, 78.9),  # Svalbard
        (100.0, 38.8, 100.001, 38.801),  # inside one square
        (10.0, 82.0, 12.0, 90.0),  # beyond the zones
    ],
)
def test_the_squares_of_a_box_are_those_of_its_places(box):
    """Beside a scan of the box every few kilometres; what is found beyond it must lie at the rim."""
    west, south, east, north = box
    width = (east - west) % 360
    scanned = {
        tile_of((west + a + 180) % 360 - 180, float(b), "30m")
        for a in np.linspace(0, width, 40)
        for b in np.linspace(south, min(north, 84), 40)
    }
    found = set(tiles_touching(*box, "30m"))
    assert scanned <= found
    for tile in found - scanned:
        grid = tile_grid(tile, "30m")
        turn = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
        x, y = np.meshgrid(grid.x[::20], grid.y[::20])
        longitude, latitude = turn.transform(x, y)
        near = (
            ((longitude - west + 0.01) % 360 <= width + 0.02) & (latitude >= south - 0.01) & (latitude <= north + 0.01)
        )
        assert near.any(), tile


def test_a_country_has_its_squares_once():
    tiles = tiles_touching(73, 18, 135, 54, "30m")
    assert len(tiles) == len(set(tiles)) == len([*map(lambda tile: tile_grid(tile, "30m"), tiles)])
    assert 2100 < len(tiles) < 2800  # about 5300 km x 4000 km, and squares cut by the limits of zones twice


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tile_of(0, 91, "1km"), InputError, "not on the globe"),
        (lambda: tile_of(float("nan"), 0, "1km"), InputError, "not on the globe"),
        (lambda: tile_of(0, 84.1, "30m"), InputError, "from -80 to 84"),
        (lambda: tile_of(0, 0, "2km"), NotFoundError, "no grid '2km'"),
        (lambda: tile_grid("h36v00", "1km"), NotFoundError, "h00v00 to h35v17"),
        (lambda: tile_grid("h١٢v00", "1km"), NotFoundError, "h00v00 to h35v17"),
        (lambda: tile_grid("50TAK", "30m"), NotFoundError, "no tile '50TAK'"),
        (lambda: tile_grid("61SMK", "30m"), NotFoundError, "no tile '61SMK'"),
        (lambda: tile_grid("../x", "30m"), NotFoundError, "no tile"),
        (lambda: tiles_touching(10, 5, 20, 5, "30m"), InputError, "empty or not on the globe"),
    ],
)
def test_what_is_no_tile_is_told(call, error, message):
    with pytest.raises(error, match=message):
        call()
