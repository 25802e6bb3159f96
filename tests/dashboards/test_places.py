"""What is typed or drawn, as a place or a region in the coordinates of the map."""

import numpy as np
import pytest
import shapely
from dashboards.laid import layered, projected
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from musyq_lab.analysis.regions import resolve_region
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.resources import read_table
from musyq_lab.dashboards._data import cube
from musyq_lab.dashboards._places import Area, box, coordinate, degrees_of, names, polygon, stations, understood

GLOBE = cube("ghi_merra2_monthly")


@settings(max_examples=60, deadline=None)
@given(st.floats(-180, 180), st.floats(-90, 90), st.sampled_from([", ", " ", ";", ",  "]))
def test_two_numbers_are_across_and_up(x, y, between):
    assert understood(f"{x:.4f}{between}{y:.4f}", GLOBE) == (float(f"{x:.4f}"), float(f"{y:.4f}"))


@pytest.mark.parametrize("words", ["36 N 103.5 E", "36°N, 103.5°E", "103.5E 36n"])
def test_letters_tell_which_is_which(words):
    assert understood(words, GLOBE) == (103.5, 36.0)
    assert understood("36.5 S 103.5 W", GLOBE) == (-103.5, -36.5)


def test_four_numbers_are_a_box_and_its_text_gives_it_again():
    area = understood("70,15,140,55", GLOBE)
    assert area.geometry.bounds == (70, 15, 140, 55)
    assert understood(area.text, GLOBE) == area


@pytest.mark.parametrize("words", ["China", "CHN", "156", "中国"])
def test_a_country_is_its_outline(words):
    expected = shapely.union_all([c.geometry for c in resolve_region("China").countries])
    if words == "156":
        pytest.skip("a number alone is no place")
    assert shapely.equals(understood(words, GLOBE).geometry, expected)


def test_a_station_is_known_by_code_and_by_name():
    row = read_table("catalogs/samples/towers.csv")[0]
    expected = (float(row["longitude"]), float(row["latitude"]))
    full = f"{row['name']} ({row['site']})"
    assert stations()[full] == expected
    for words in (full, row["site"], row["site"].lower(), row["name"]):
        assert understood(words, GLOBE) == expected
    assert {full, "China", "belt_and_road"} <= set(names())


def test_a_drawn_polygon_comes_back_from_its_text():
    corners = np.array([[100.0, 30.0], [110.0, 30.0], [110.0, 40.0], [100.0, 40.0]])
    area = polygon(corners)
    assert area.geometry.area == 100
    again = understood(area.text, GLOBE)
    assert shapely.equals(again.geometry, area.geometry)
    assert area.rings[0].shape == (5, 2)
    assert shapely.equals(shapely.from_wkt(area.wkt), area.geometry)


def test_an_outline_that_crosses_itself_is_mended():
    bow = polygon(np.array([[0.0, 0.0], [10.0, 10.0], [10.0, 0.0], [0.0, 10.0]]))
    assert bow.geometry.is_valid
    assert bow.geometry.area == pytest.approx(50)


def test_a_thousand_points_of_a_mouse_become_a_short_text():
    angle = np.linspace(0, 2 * np.pi, 2000)
    area = polygon(np.column_stack([np.cos(angle), np.sin(angle)]) * 10)
    assert len(area.text) < 6000
    assert area.geometry.area == pytest.approx(np.pi * 100, rel=1e-3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "Type a place"),
        ("1 2 3", "3 numbers"),
        ("1", "1 numbers"),
        ("5,5,4,9", "empty"),
        ("5,9,9,9", "empty"),
        ("POLYGON ((0 0", "no WKT"),
        ("POLYGON ((0 0, 1 1, 2 2, 0 0))", "no area"),
    ],
)
def test_what_is_no_place_is_told(words, said):
    with pytest.raises(InputError, match=said):
        understood(words, GLOBE)


def test_an_unknown_name_is_told_with_a_near_one():
    with pytest.raises(NotFoundError, match="China"):
        understood("Chna", GLOBE)


@pytest.mark.parametrize("points", [np.zeros((2, 2)), np.zeros((4, 2)), np.array([[0.0, 0], [1, 1], [2, 2]])])
def test_a_line_is_no_region(points):
    with pytest.raises(InputError):
        polygon(points)


def test_places_of_a_projected_map_are_brought_into_its_coordinates():
    raster = cube(projected())
    x, y = understood("40.38 N 117.0 E", raster)
    assert x == pytest.approx(500_000, abs=1)
    assert y == pytest.approx(Transformer.from_crs(4326, 32650, always_xy=True).transform(117.0, 40.38)[1], abs=0.1)
    assert degrees_of(raster, (x, y)) == pytest.approx((117.0, 40.38), abs=1e-6)
    area = understood("China", raster)
    frame = shapely.box(500_000, 4_468_830, 500_870, 4_470_000)
    assert shapely.covers(area.geometry, frame)
    assert understood("500100, 4469000", raster) == (500_100, 4_469_000)


def test_a_map_without_a_coordinate_system_says_so():
    bare = cube(projected().drop_vars("spatial_ref"))
    assert degrees_of(bare, (500_000.0, 4_470_000.0)) is None
    with pytest.raises(InputError, match="CRS"):
        understood("China", bare)


def test_a_country_beyond_the_antimeridian_follows_the_map():
    across = layered(6, 8).assign_coords(longitude=np.arange(170.0, 186.0, 2.0), latitude=np.arange(-15.0, -21.0, -1))
    fiji = understood("Fiji", cube(across))
    west, _, east, _ = fiji.geometry.bounds
    assert 174 < west < 178
    assert 180 < east < 183


def test_longitudes_are_told_between_minus_180_and_180():
    assert degrees_of(GLOBE, (190.0, 5.0)) == (-170.0, 5.0)
    assert isinstance(box(0, 0, 1, 1), Area)


@settings(max_examples=100, deadline=None)
@given(st.floats(-1e8, 1e8) | st.floats(-1e-3, 1e-3))
def test_a_coordinate_is_written_as_it_is_read(value):
    text = coordinate(value)
    assert "e" not in text
    assert abs(float(text) - value) <= (0.0501 if abs(value) >= 1000 else 1e-5 * abs(value))
    assert understood(f"{text},{text}", GLOBE) == (float(text), float(text))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (103.5, "103.5"), (-36.0, "-36"), (1e-5, "0.00001"), (4_469_123.44, "4469123.4"), (999.99999, "1000")],
)
def test_coordinates_are_short(value, text):
    assert coordinate(value) == text


@settings(max_examples=40, deadline=None)
@given(st.floats(-9e6, 9e6), st.floats(-9e6, 9e6), st.floats(60, 1e6), st.floats(60, 1e6))
def test_a_box_of_metres_comes_back_to_the_decimetre(west, south, wide, high):
    area = box(west, south, west + wide, south + high)
    again = understood(area.text, cube(layered()))
    np.testing.assert_allclose(again.geometry.bounds, area.geometry.bounds, atol=0.051)


def test_a_box_of_millidegrees_has_a_text_without_powers():
    area = box(-1e-5, 2e-5, 3e-5, 4e-5)
    assert understood(area.text, GLOBE).geometry.bounds == (-1e-5, 2e-5, 3e-5, 4e-5)


@pytest.mark.parametrize("edges", [(np.nan, 0, 1, 1), (0, 0, np.nan, 1), (1, 0, 1, 1), (0, 1, 1, 1), (2, 0, 1, 1)])
def test_a_box_without_area_is_refused(edges):
    with pytest.raises(InputError, match="is empty"):
        box(*edges)


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("0 N 0 E", (0.0, 0.0)),
        ("10w 5s", (-10.0, -5.0)),
        ("+5N +6E", (6.0, 5.0)),
        ("  1 ,  2  ", (1.0, 2.0)),
        ("1;2", (1.0, 2.0)),
    ],
)
def test_places_as_people_write_them(words, place):
    assert understood(words, GLOBE) == place


def test_a_polygon_with_a_hole_keeps_it():
    words = "POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (3 3, 6 3, 6 6, 3 6, 3 3))"
    area = understood(words, GLOBE)
    assert area.geometry.area == 72
    assert [ring.shape for ring in area.rings] == [(5, 2), (5, 2)]
    assert understood(area.text, GLOBE).geometry.equals(area.geometry)


def test_several_polygons_are_one_region_and_lines_among_them_are_left_out():
    words = "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 1, 0 0)), ((5 5, 6 5, 6 6, 5 6, 5 5)))"
    assert understood(words, GLOBE).geometry.area == 2
    spike = polygon(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0], [-5.0, 0.0], [0.0, 0.0]]))
    assert spike.geometry.area == pytest.approx(1)


def test_east_of_the_antimeridian_a_map_counts_on():
    beyond = cube(layered(3, 4).assign_coords(longitude=[175.0, 180.0, 185.0, 190.0]))
    assert understood("40 N 172 W", beyond) == (188.0, 40.0)
    assert understood("40 N 176 E", beyond) == (176.0, 40.0)
    assert degrees_of(beyond, (188.0, 40.0)) == (-172.0, 40.0)


@settings(max_examples=30, deadline=None)
@given(st.floats(116.0, 118.0), st.floats(39.0, 41.0))
def test_degrees_to_metres_and_back(longitude, latitude):
    raster = cube(projected(3, 3))
    place = understood(f"{latitude:.5f} N {longitude:.5f} E", raster)
    assert degrees_of(raster, place) == pytest.approx((longitude, latitude), abs=1e-5)
