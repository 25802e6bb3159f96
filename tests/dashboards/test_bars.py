"""Shares of classes as bars: areas against plain sums, and a page that holds what anyone may write in a file."""

import re

import numpy as np
import pytest
import xarray as xr
from dashboards.laid import layered, projected
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import _bars
from musyq_lab.dashboards._legend import Legend
from musyq_lab.dashboards._places import box
from musyq_lab.dashboards._view import View

LEGEND = Legend(("#000000", "#777777", "#ffffff"), ("low", "middle", "high"), (10.0, 20.0), source="here")


def percents(page: str) -> list[float]:
    return [float(text) for text in re.findall(r">([\d.]+)%<", page)]


def widths(page: str) -> list[int]:
    return [int(text) for text in re.findall(r"width:(\d+)px;border", page)]


def shown(data: xr.Dataset, legend: Legend = LEGEND, **steps) -> View:
    view = View(data)
    view.legend = legend
    view.choose(steps)
    view.picture()
    return view


def test_a_view_that_was_never_drawn_has_no_bars():
    assert _bars.view_html(View(layered())) == ""


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2, 255]), min_size=12, max_size=12), st.lists(st.floats(0.1, 9), min_size=12))
def test_shares_are_those_of_a_plain_loop(classes, weight):
    table = np.array(classes, np.uint8).reshape(3, 4)
    area = np.array(weight[:12]).reshape(3, 4)
    found = _bars.shares(table, area, 3)
    total = sum(w for c, w in zip(classes, weight[:12], strict=True) if c != 255)
    for k in range(3):
        part = sum(w for c, w in zip(classes, weight[:12], strict=True) if c == k)
        assert found[k] == pytest.approx(part / total if total else 0)
    assert found.sum() == pytest.approx(1 if total else 0)


def test_shares_do_not_depend_on_unit_or_memory_layout():
    table = np.array([[0, 1, 1], [2, 255, 0]], np.uint8)
    area = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    first = _bars.shares(table, area, 3)
    np.testing.assert_allclose(_bars.shares(table, area * 1e6, 3), first)
    np.testing.assert_allclose(_bars.shares(np.asfortranarray(table), np.asfortranarray(area), 3), first)
    np.testing.assert_allclose(_bars.shares(table[:, ::-1], area[:, ::-1], 3), first)


def test_no_area_at_all_gives_zeros_and_no_warning():
    with np.errstate(all="raise"):
        assert _bars.shares(np.zeros((2, 2), np.uint8), np.zeros((2, 2)), 3).tolist() == [0, 0, 0]


@pytest.mark.parametrize("count", [1, 3, 255])
def test_as_many_shares_as_classes(count):
    assert _bars.shares(np.zeros((2, 2), np.uint8), np.ones((2, 2)), count).size == count


def test_the_bars_of_a_step_are_those_of_its_values():
    data = layered()[["a"]]
    weight = np.cos(np.radians(data["latitude"].values))[:, None] * np.ones((6, 8))
    for step, day in enumerate(("2019-01-01", "2019-01-06")):
        page = _bars.view_html(shown(data, time=day))
        classes = np.digitize(data["a"].values[step], LEGEND.breaks)
        expected = [100 * weight[classes == k].sum() / weight.sum() for k in range(3)]
        np.testing.assert_allclose(percents(page), expected, atol=0.051)


def test_a_bar_is_as_long_as_its_share():
    page = _bars.view_html(shown(layered()[["a"]]))
    np.testing.assert_allclose(widths(page), [4 * share for share in percents(page)], atol=0.71)
    assert sum(widths(page)) == pytest.approx(400, abs=2)


def test_cells_of_a_projected_map_count_alike():
    values = np.repeat([[5.0], [15.0], [25.0], [25.0]], 3, axis=1)
    assert percents(_bars.view_html(shown(projected(4, 3, a=values)))) == [25, 25, 50]


def test_only_what_is_in_view_counts():
    view = shown(layered()[["a"]].isel(time=0))
    view.picture((99.75, 101.25), (39.75, 40.25))
    part = view.window
    assert part.layer("a", {}).size < 48
    np.testing.assert_allclose(percents(_bars.view_html(view)), percents(_bars.view_html(shown(
        part.cube.dataset.isel(part.pieces).drop_vars("time")
    ))))  # fmt: skip


def test_a_view_of_gaps_says_so():
    empty = layered()[["a"]].isel(time=0)
    assert "no data in this view" in _bars.view_html(shown(xr.full_like(empty, np.nan)))


def test_the_bars_of_a_region_are_those_of_its_cells():
    data = layered()[["a"]].isel(time=0)
    page = _bars.region_html(shown(data), box(100.25, 38.75, 101.25, 39.75))  # columns 1 and 2, rows 1 and 2
    values = data["a"].values[1:3, 1:3]
    assert np.digitize(values, LEGEND.breaks).tolist() == [[1, 1], [2, 2]]
    assert percents(page) == pytest.approx([0, 50, 50], abs=0.6)
    assert "Share of the area with data in box" in page


def test_a_region_outside_is_told():
    with pytest.raises(InputError, match="outside the map"):
        _bars.region_html(shown(layered()), box(0, 0, 1, 1))


def test_whatever_a_file_calls_its_classes_stays_a_text():
    bad = "<script>alert(1)</script>"
    legend = Legend(("#000000", "#ffffff"), (bad, "& so on"), codes=(1, 2), source=bad)
    data = layered()[["a"]].isel(time=0)
    data["a"] = data["a"] % 2 + 1
    page = _bars.view_html(shown(data, legend))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 2
    assert "&amp; so on" in page


def test_each_class_has_a_line_with_its_colour_in_the_order_of_the_legend():
    page = _bars.view_html(shown(layered()[["a"]]))
    assert re.findall(r"background:(#\w+)", page) == list(LEGEND.colours)
    assert [page.index(label) for label in LEGEND.labels] == sorted(page.index(label) for label in LEGEND.labels)
    assert "Classes: here." in page
