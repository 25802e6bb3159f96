"""Outlines: names in both languages, and nothing cut at the antimeridian."""

import numpy as np
import pytest
import shapely

from musyq_lab.core.errors import NotFoundError
from musyq_lab.figures import outlines


@pytest.mark.parametrize("scale", ["110m", "50m"])
def test_land_is_there_and_valid(scale):
    land = outlines.land(scale)
    assert land.is_valid
    assert land.contains(shapely.points(100.0, 60.0))
    assert not land.intersects(shapely.points(-150.0, 0.0))


@pytest.mark.parametrize("code", [643, "RUS", "Russia"])
def test_a_country_by_code_or_name(code):
    outline = outlines.country_outline(code)
    assert outline.m49 == 643
    assert outline.name("zh") == "俄罗斯"


def test_an_unknown_country_names_the_near_one():
    with pytest.raises(NotFoundError, match="Fiji"):
        outlines.country_outline("Fidji")


@pytest.mark.parametrize("scale", ["110m", "50m"])
def test_coast_lines_leave_the_cut_out(scale):
    lines = outlines.coast_lines(scale)
    points = [shapely.get_coordinates(line) for line in shapely.get_parts(lines)]
    for line in points:
        seam = np.abs(np.abs(line[:, 0]) - 180) < 1e-6
        assert not (seam[:-1] & seam[1:]).any()
    whole = shapely.boundary(outlines.land(scale)).length
    # All but the two sides of the cut through Russia, Fiji and Antarctica remains.
    assert 0.8 * whole < lines.length < whole


def test_a_ring_is_split_at_the_seam():
    square = shapely.box(170.0, 0.0, 180.0, 10.0)
    lines = outlines.border_lines([square])
    assert lines.length == pytest.approx(30.0)
    assert not lines.intersects(shapely.points(180.0, 5.0))


@pytest.mark.parametrize(
    ("place", "english", "chinese"),
    [((15.0, 18.0), "Chad", "乍得"), ((0.0, -150.0), "", ""), ((67.0, 182.0), "Russia", "俄罗斯")],
)
def test_place_names(place, english, chinese):
    assert outlines.place_name(*place, "en") == english
    assert outlines.place_name(*place, "zh") == chinese


def test_an_outline_without_a_chinese_name_gives_its_english_one():
    nameless = [outline for outline in outlines.countries() if not outline.names["zh"]]
    assert all(outline.name("zh") == outline.names["en"] for outline in nameless)
    assert outlines.Outline(None, "", {"en": "X", "zh": ""}, shapely.points(0, 0)).name("zh") == "X"
