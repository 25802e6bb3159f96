"""Tiles where grids meet: the limits of zones and bands, the ends of the globe, names that nearly are some."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from musyq_lab.archive import tiles
from musyq_lab.archive.tiles import tile_grid, tile_of, tiles_touching
from musyq_lab.core.errors import InputError, NotFoundError


def test_stretches_of_zones_cover_the_globe_once():
    """Every half degree between 80 S and 84 N lies in one stretch, that of the zone the place has."""
    boxes = [(zone, *box) for zone in range(1, 61) for box in tiles._stretches(zone)]
    for latitude in np.arange(-79.75, 84, 1.5):
        for longitude in np.arange(-179.75, 180, 1.5):
            zones = [
                z for z, west, south, east, north in boxes if west <= longitude < east and south <= latitude < north
            ]
            assert zones == [tiles._zone(longitude, latitude)]


@pytest.mark.parametrize(
    ("longitude", "latitude", "zone"),
    [
        (2.999, 60.0, 31),
        (3.0, 60.0, 32),  # south-west Norway
        (3.0, 55.999, 31),
        (3.0, 64.0, 31),
        (8.999, 75.0, 31),  # Svalbard
        (9.0, 75.0, 33),
        (20.999, 75.0, 33),
        (21.0, 75.0, 35),
        (33.0, 75.0, 37),
        (41.999, 75.0, 37),
        (42.0, 75.0, 38),
        (9.0, 71.999, 32),
        (-0.001, 75.0, 30),
        (179.999, 0.0, 60),
        (-180.0, 0.0, 1),
    ],
)
def test_exceptions_of_utm(longitude, latitude, zone):
    assert tile_of(longitude, latitude, "30m")[:2] == f"{zone:02d}"


@settings(max_examples=120, deadline=None)
@given(st.floats(-180, 360), st.floats(-90, 90))
def test_a_place_lies_in_its_square_of_ten_degrees(longitude, latitude):
    grid = tile_grid(tile_of(longitude, latitude, "1km"), "1km")
    east = (longitude + 180) % 360 - 180
    west, north = grid.longitude[0] - 0.005, grid.latitude[0] + 0.005
    assert -1e-9 <= east - west <= 10 + 1e-9
    assert -1e-9 <= north - latitude <= 10 + 1e-9
    assert (grid.rows, grid.columns) == (1000, 1000)


def test_all_squares_of_ten_degrees_make_up_the_globe():
    names = tiles_touching(-180, -90, 180, 90, "1km")
    assert len(names) == len(set(names)) == 36 * 18
    corners = {(tile_grid(name, "1km").row, tile_grid(name, "1km").column) for name in names}
    assert corners == {(1000 * row, 1000 * column) for row in range(18) for column in range(36)}


@settings(max_examples=80, deadline=None)
@given(
    west=st.integers(-1800, 1799),
    south=st.integers(-900, 899),
    width=st.integers(1, 3600),
    height=st.integers(1, 600),
)
def test_boxes_of_tenths_of_degrees_touch_what_integers_say(west, south, width, height):
    """In tenths of degrees the squares follow by whole numbers alone."""
    north = min(south + height, 900)
    east = west + width
    columns = {(k // 100) % 36 for k in range(west + 1800, east + 1800)}
    rows = {(900 - k - 1) // 100 for k in range(south, north)}
    expected = {f"h{c:02d}v{r:02d}" for c in columns for r in rows}
    folded = east if east <= 3600 else east - 3600
    if width == 3600:
        west, folded = -1800, 1800
    elif folded > 1800 and west < 0:
        folded -= 3600  # across the antimeridian
    assert set(tiles_touching(west / 10, south / 10, folded / 10, north / 10, "1km")) == expected


@pytest.mark.parametrize("edition", ["5km", "0p25deg"])
def test_coarse_editions_have_one_tile_for_any_box(edition):
    assert tiles_touching(170, -5, -170, 5, edition) == ["global"]
    assert tile_of(12.3, -45.6, edition) == "global"
    with pytest.raises(InputError):
        tiles_touching(10, 5, 10, 6, edition)


def test_every_row_of_a_zone_has_a_name_of_its_own():
    """Row letters repeat each 2000 km; with their band the names of a column from pole to pole still differ."""
    seen = {}
    for latitude in np.arange(-79.9, 84, 0.4):
        name = tile_of(117.0, float(latitude), "30m")
        centre = tile_grid(name, "30m")
        place = (centre.crs, centre.north)
        assert seen.setdefault(name, place) == place
    assert len(seen) > 170  # 18,000 km of meridian in squares of 100 km, sampled each 45 km


@pytest.mark.parametrize("zone", [1, 2, 3, 31, 60])
def test_names_give_back_their_squares_in_each_set_of_letters(zone):
    longitude = 6 * zone - 183
    for latitude in (-71.3, -12.4, 3.3, 47.9, 71.0):
        name = tile_of(longitude, latitude, "30m")
        grid = tile_grid(name, "30m")
        x, y = Transformer.from_crs(4326, grid.crs, always_xy=True).transform(longitude, latitude)
        assert grid.west - 15 <= x <= grid.west + 30 * grid.columns + 15
        assert grid.north - 30 * grid.rows - 15 <= y <= grid.north + 15


@pytest.mark.parametrize(
    "name",
    [
        "",
        "50TMK ",
        "50tmk",
        "00TMK",
        "99TMK",
        "50IMK",
        "50OMK",
        "50TIK",
        "50TMW",
        "5TMK",
        "50TMKK",
        "50TM",
        "５０TMK",
        "global",
    ],
)
def test_names_that_nearly_are_squares(name):
    with pytest.raises(NotFoundError, match="has no tile"):
        tile_grid(name, "30m")


@pytest.mark.parametrize("name", ["h36v00", "h00v18", "h0v0", "h000v00", "H00V00", "h-1v00", "h00v00\n", "h０0v00"])
def test_names_that_nearly_are_squares_of_degrees(name):
    with pytest.raises(NotFoundError, match="h00v00 to h35v17"):
        tile_grid(name, "1km")


@pytest.mark.parametrize("place", [(361, 0), (-181, 0), (0, 90.1), (0, -90.1), (np.nan, 0), (0, np.nan), (np.inf, 0)])
@pytest.mark.parametrize("edition", ["1km", "30m", "5km"])
def test_places_beyond_the_globe(place, edition):
    with pytest.raises(InputError, match="not on the globe"):
        tile_of(*place, edition)


def test_the_poles_have_no_squares_of_100_km():
    assert tiles_touching(0, 84.5, 10, 90, "30m") == []
    assert tiles_touching(0, -90, 10, -80.5, "30m") == []
    for latitude in (-80.001, 84.001, 90, -90):
        with pytest.raises(InputError, match="from -80 to 84"):
            tile_of(0, latitude, "30m")
    assert tile_of(0, 84, "30m")[2] == "X"
    assert tile_of(0, -80, "30m")[2] == "C"


def test_a_box_in_longitudes_beyond_180_is_the_same_box():
    assert tiles_touching(190, 5, 191, 6, "30m") == tiles_touching(-170, 5, -169, 6, "30m")
    assert tiles_touching(190, 5, 205, 6, "1km") == tiles_touching(-170, 5, -155, 6, "1km")
