"""Boxes and outlines drawn on the map of the download page, and what it shows of them."""

import json

import numpy as np
import pytest
import shapely

from musyq_lab.dashboards._download_map import RegionMap, _frame, _region
from musyq_lab.dashboards._download_work import region_of
from musyq_lab.dashboards._extension import ready
from musyq_lab.production.download.region import area


class Drawn(list):
    """What a map told of drawn regions."""


@pytest.fixture(scope="module")
def drawing():
    ready()
    told = Drawn()
    shown = RegionMap(told.append)
    return shown, told


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ((1.23456, 2.0, 3.0, 4.99999), "1.2346,2.0,3.0,5.0"),
        ((-200.0, -95.0, 400.0, 95.0), "-180,-90,180,90"),
        ((0.0, -95.0, 400.0, 0.0), "0.0,-90,360,0.0"),
        ((170.0, 0.0, 190.0, 1.0), "170.0,0.0,190.0,1.0"),
    ],
)
def test_a_box_is_written_as_one_would_type_it(drawing, bounds, text):
    shown, told = drawing
    told.clear()
    shown._boxed(bounds)
    assert told == [text]
    assert area(region_of(text)).south == pytest.approx(max(bounds[1], -90), abs=1e-3)
    shown._boxed(None)
    assert len(told) == 1


def test_an_outline_by_hand_is_simplified_and_keeps_its_area(drawing):
    shown, told = drawing
    told.clear()
    angle = np.linspace(0, 2 * np.pi, 2000)[:-1]
    ring = np.column_stack([100 + 5 * np.cos(angle), 30 + 5 * np.sin(angle)])
    shown._lassoed(ring)
    given = json.loads(told[0])
    assert len(given["coordinates"][0]) < 200
    assert shapely.geometry.shape(given).area == pytest.approx(np.pi * 25, rel=0.01)
    assert area(region_of(told[0])).outline


def test_of_an_outline_that_crosses_itself_the_largest_part_is_meant(drawing):
    shown, told = drawing
    told.clear()
    shown._lassoed([(0, 0), (10, 10), (10, 0), (-1, 1.1)])
    made = shapely.geometry.shape(json.loads(told[0]))
    assert made.geom_type == "Polygon"
    assert made.is_valid
    assert made.area > 20


@pytest.mark.parametrize("points", [None, [], [(0, 0), (1, 1)], [(0, 0), (1, 1), (2, 2)]])
def test_an_outline_without_an_area_is_not_one(drawing, points):
    shown, told = drawing
    told.clear()
    shown._lassoed(points)
    assert told == []


def test_a_region_beyond_180_degrees_is_drawn_on_both_sides():
    ready()
    rings, points = _region(area("170,-5,190,5"))
    longitudes = np.concatenate([ring["x"] for ring in rings.split(datatype="dictionary")])
    assert longitudes.max() == pytest.approx(190.0)
    assert longitudes.min() == pytest.approx(-190.0)
    assert len(points) == 0
    rings, points = _region(area("10,20"))
    assert len(rings.split()) == 0 or not len(rings)
    assert (points["x"].item(), points["y"].item()) == (10.0, 20.0)
    rings, points = _region(None)
    assert len(points) == 0


@pytest.mark.parametrize("bounds", [(0.0, 0.0, 0.0, 0.0), (-180.0, -90.0, 180.0, 90.0), (10.0, 89.9, 10.1, 90.0)])
def test_the_map_shows_the_data_with_a_margin_and_no_latitude_beyond_the_poles(bounds):
    made = _frame(bounds)
    assert made["xlim"][0] < bounds[0] <= bounds[2] < made["xlim"][1]
    assert -90 <= made["ylim"][0] < made["ylim"][1] <= 90
