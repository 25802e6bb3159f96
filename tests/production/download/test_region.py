"""What a person's words, numbers and shapes for a place mean, against shapely and a loop over points."""

import json

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.analysis.regions import countries, resolve_region
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.production.download.region import Area, area

SQUARE = shapely.box(10, 20, 12, 24)


@pytest.mark.parametrize(
    ("given_", "west", "east", "south", "north"),
    [
        ("70,15,140,55", 70, 140, 15, 55),
        (" 70 , 15 , 140 , 55 ", 70, 140, 15, 55),
        ((70, 15, 140, 55), 70, 140, 15, 55),
        (np.array([170, -20, -170, 10]), 170, 190, -20, 10),
        ((170, -20, 190, 10), 170, 190, -20, 10),
        ((350, -10, 10, 10), -10, 10, -10, 10),
        ((0, -90, 360, 90), 0, 360, -90, 90),
        ("100.25,40.5", 100.25, 100.25, 40.5, 40.5),
        ((260, 40), -100, -100, 40, 40),
        (shapely.Point(5, 6), 5, 5, 6, 6),
        (SQUARE, 10, 12, 20, 24),
    ],
)
def test_limits_of_boxes_points_and_polygons(given_, west, east, south, north):
    found = area(given_)
    assert (found.west, found.east, found.south, found.north) == (west, east, south, north)
    assert found.is_point == (west == east)


def test_the_whole_globe_is_no_restriction():
    assert area(None) is None
    assert area("globe") is None
    assert area("World") is None
    same = area(SQUARE)
    assert area(same) is same


@pytest.mark.parametrize("word", ["china", "CHN", "156", 156, "中国", resolve_region("China"), "belt_and_road"])
def test_a_country_or_region_by_any_of_its_names(word):
    found = area(word)
    assert found.contains(116.4, 39.9)  # Beijing
    assert not found.contains(-77.0, 38.9)  # Washington
    assert found.key.isascii()
    assert found.key == ("chn" if word != "belt_and_road" else word)


def test_countries_across_the_antimeridian_do_not_span_the_globe():
    fiji = area(next(c for c in countries() if c.name == "Fiji"))
    assert fiji.width < 10
    assert fiji.east > 180
    assert fiji.contains(178.0, -17.8)  # Viti Levu
    assert fiji.contains(-180 + 0.1, -16.5) == fiji.contains(180.1, -16.5)
    russia = area("Russia")
    assert 165 < russia.width < 180
    assert russia.contains(-175.0, 66.8)  # Chukotka, beyond the antimeridian
    assert russia.contains(185.0, 66.8)


def test_geojson_in_its_three_forms_and_from_a_file(tmp_path):
    geometry = shapely.geometry.mapping(SQUARE)
    feature = {"type": "Feature", "properties": {}, "geometry": geometry}
    other = {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(shapely.box(30, 0, 31, 1))}
    collection = {"type": "FeatureCollection", "features": [feature, other]}
    path = tmp_path / "一个区域.geojson"
    path.write_text(json.dumps(collection), encoding="utf-8")
    for given_ in (geometry, feature):
        assert area(given_) == area(SQUARE)
    for given_ in (collection, path, str(path)):
        found = area(given_)
        assert found.contains(11, 22)
        assert found.contains(30.5, 0.5)
        assert not found.contains(20, 10)  # between the two


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ("10,20,30", "two numbers are a point, four a box"),
        ("10,60,20,50", "south < north"),
        ("10,20,10,30", "empty"),
        ("10,20,12,95", "not on the globe"),
        ("1,2,3,x", "is not a region"),
        ((1, 2, float("nan"), 3), "is not a region"),
        ((1, 2, 3, 4, 5), "is not a region"),
        ((500, 0), "not on the globe"),
        ((100, 95), "not on the globe"),
        (3.5, "is not a region"),
        (["a", "b"], "is not a region"),
        (shapely.LineString([(0, 0), (1, 1)]), "polygon or a point"),
        (shapely.Polygon(), "no area"),
        (shapely.Point(), "no area"),
        (shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), "not valid: Self-intersection"),
        (shapely.box(480000, 4400000, 490000, 4500000), "EPSG:4326"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1]]]}, "cannot be understood"),
        ({"type": "Polygon"}, "cannot be understood"),
        ({"type": "FeatureCollection", "features": []}, "holds no geometry"),
        ({"type": "Feature", "geometry": None}, "holds no geometry"),
        ({"nothing": 1}, "cannot be understood"),
        ({**shapely.geometry.mapping(SQUARE), "crs": {"properties": {"name": "EPSG:32650"}}}, "Reproject"),
    ],
)
def test_what_is_no_region_is_refused_in_words(given_, words):
    with pytest.raises(InputError, match=words):
        area(given_)


def test_files_that_are_no_geojson(tmp_path):
    with pytest.raises(NotFoundError, match="There is no file"):
        area("absent.geojson")
    path = tmp_path / "x.json"
    for text, words in (("{", "not GeoJSON"), ("[1, 2]", "holds no object"), ("[" * 100_000, "not GeoJSON")):
        path.write_text(text)
        with pytest.raises(InputError, match=words):
            area(path)
    with path.open("wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(InputError, match="Simplify"):
        area(path)
    with pytest.raises(NotFoundError, match="Did you mean"):
        area("Chinna")


def test_names_for_files_are_short_plain_and_different():
    given_ = ["70,15,140,55", "-10.5,-20.25,3,4", "1,2", "China", "belt_and_road", SQUARE, shapely.box(10, 20, 12, 25)]
    keys = [area(item).key for item in given_]
    assert len(set(keys)) == len(keys)
    assert all(key.replace("_", "").replace("-", "").isalnum() and key.isascii() and len(key) <= 64 for key in keys)
    assert keys[:3] == ["box_70_15_140_55", "box_m10p5_m20p25_3_4", "point_1_2"]


def test_a_border_belongs_to_the_region_whatever_the_rounding():
    box = area((0.1 + 0.2, -0.3, 0.7, 0.1 + 0.2))
    assert box.contains(0.3, 0.3)
    assert box.contains(np.array([0.3, 0.7, 360.3, -359.3]), np.array([-0.3, 0.3, 0.0, 0.0])).all()
    assert not box.contains(0.3 - 1e-6, 0.0)
    polygon = area(SQUARE)
    assert polygon.contains(np.array([10.0, 12.0, 11.0]), np.array([20.0, 24.0, 20.0])).all()


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-180, 180), st.floats(0.5, 359), st.floats(-90, 89), st.floats(0.5, 100), st.lists(st.floats(-360, 720))
)
def test_a_box_holds_what_a_walk_eastward_from_its_west_meets(west, width, south, height, places):
    north = min(90.0, south + height)
    east = west + width
    box = area((west, south, east if east <= 180 else east - 360, north))
    for longitude in places:
        ahead = (longitude - west) % 360
        if min(abs(ahead), abs(ahead - 360), abs(ahead - width)) > 1e-6:  # not on the border itself
            assert bool(box.contains(longitude, (south + north) / 2)) == (ahead < width)


def test_a_polygon_holds_what_shapely_says_at_any_turn():
    random = np.random.default_rng(0)
    star = shapely.Point(170, 0).buffer(20).difference(shapely.Point(175, 0).buffer(5))  # runs to 190, with a hole
    found = area(star)
    longitude, latitude = random.uniform(140, 200, 4000), random.uniform(-25, 25, 4000)
    expected = np.array([star.intersects(shapely.Point(p)) for p in zip(longitude, latitude, strict=True)])
    assert 500 < expected.sum() < 3500
    for turn in (-360, 0, 360):
        np.testing.assert_array_equal(found.contains(longitude + turn, latitude), expected)
    again = area(shapely.transform(star, lambda p: p - [360, 0]))
    np.testing.assert_array_equal(again.contains(longitude, latitude), expected)


def test_what_records_say_tells_regions_apart():
    told = [
        json.dumps(area(g).described(), sort_keys=True) for g in (SQUARE, shapely.box(10, 20, 12, 25), "10,20,12,24")
    ]
    assert len(set(told)) == 3
    assert isinstance(area(SQUARE), Area)
    assert shapely.equals(area(SQUARE).polygon(), SQUARE)
    assert area("170,0,-170,5").polygon().bounds == (170, 0, 190, 5)
