"""What surrounds the map: each tab says what is chosen, when it is seen, and turns an error into a message."""

import re

import numpy as np
import pytest
import xarray as xr
from dashboards.laid import layered, projected

from musyq_lab.core.errors import ArchiveError
from musyq_lab.dashboards import _bars, _lineage, _panes
from musyq_lab.dashboards._panes import _HISTOGRAM, _LINEAGE, _QUALITY, _REGION, _SERIES
from musyq_lab.dashboards._series import COLOURS
from musyq_lab.dashboards.explorer import Explorer, explore

REGION = "100.25,38.25,102.25,39.75"
CLASSES = {"flag_values": np.array([0, 1, 9], "int8"), "flag_meanings": "dry_land open_water no_data"}


@pytest.fixture(scope="module")
def shared() -> Explorer:
    return explore(layered())


@pytest.fixture
def page(shared) -> Explorer:
    shared.panes.tabs.active = _SERIES
    shared.clear().step_to(time="2019-01-01")
    shared.alert.visible = False
    return shared


def named(still: bool = True) -> xr.Dataset:
    data = layered()[["a"]]
    codes = np.zeros((3, 6, 8), "int8")
    codes[:, :, 1], codes[:, :, 2] = 1, 9
    data["a"] = (data["a"].dims, codes, CLASSES)
    return data.isel(time=0, drop=True) if still else data


@pytest.mark.parametrize(("tab", "pane"), [(_QUALITY, "quality"), (_LINEAGE, "lineage")])
def test_tabs_of_places_say_how_to_choose_one(page, tab, pane):
    page.panes.tabs.active = tab
    assert "Click the map" in getattr(page.panes, pane).value
    assert "Click the map" in page.panes.line.value
    page.select(101.0, 39.0)
    assert "Click the map" not in getattr(page.panes, pane).value


def test_the_tab_of_the_region_says_how_to_draw_one(page):
    page.panes.tabs.active = _REGION
    assert "Draw a box" in page.panes.region_line.value
    page.choose_region(REGION)
    assert "Draw a box" not in page.panes.region_line.value
    page.clear()
    assert "Draw a box" in page.panes.region_line.value
    assert page.panes.region_bars.value == ""


def test_only_the_tab_that_is_seen_is_written(page, monkeypatch):
    asked = []
    monkeypatch.setattr(_lineage, "lineage_html", lambda *where: asked.append("lineage") or "x")
    monkeypatch.setattr(_bars, "view_html", lambda view: asked.append("bars") or "y")
    monkeypatch.setattr(_bars, "region_html", lambda *what: asked.append("region") or "z")
    page.select(101.0, 39.0)
    page.step_to(time="2019-01-06")
    page._image()
    assert asked == []
    page.panes.tabs.active = _HISTOGRAM
    page.panes.tabs.active = _LINEAGE
    assert asked == ["bars", "lineage"]
    assert (page.panes.histogram.value, page.panes.lineage.value) == ("y", "x")
    page.panes.tabs.active = _SERIES


@pytest.mark.parametrize("active", [_SERIES, _REGION, _HISTOGRAM, _QUALITY, _LINEAGE])
def test_a_click_leaves_the_tab_that_one_looks_at_unless_it_is_of_the_region(page, active):
    page.panes.tabs.active = active
    page.select(101.0, 39.0)
    assert page.panes.tabs.active == (_SERIES if active == _REGION else active)


@pytest.mark.parametrize("active", [_SERIES, _HISTOGRAM, _LINEAGE])
def test_a_drawn_region_is_shown_at_once_and_clearing_shows_nothing_else(page, active):
    page.panes.tabs.active = active
    page.choose_region(REGION)
    assert page.panes.tabs.active == _REGION
    page.panes.tabs.active = active
    page.clear()
    assert page.panes.tabs.active == active


def test_the_line_has_a_dot_in_the_colour_of_each_mark(page):
    page.select(101.0, 39.0)
    assert "●" not in page.panes.line.value
    page.select(102.0, 38.0)
    assert re.findall(r"color:(#\w+)", page.panes.line.value) == list(COLOURS)
    places = re.findall(r"[\d.]+° N, [\d.]+° E", page.panes.line.value)
    assert places == [series.place for series in page.all_series]


def test_the_line_says_what_the_ribbon_is_where_there_is_one(page):
    page.select(101.0, 39.0)
    assert "ribbon: uncertainty, one sigma" in page.panes.line.value
    bare = explore(layered()[["a"]]).select(101.0, 39.0)
    assert "ribbon" not in bare.panes.line.value
    still = explore(layered().isel(time=0, drop=True)).select(101.0, 39.0)
    assert "ribbon" not in still.panes.line.value
    assert "±" in still.panes.line.value


@pytest.mark.parametrize(("x", "word"), [(100.0, "dry land"), (100.5, "open water"), (101.0, "no data")])
def test_a_class_is_told_by_its_name(x, word):
    page = explore(named()).select(x, 39.0)
    assert page.panes.line.value.endswith(f": {word}</p>")


def test_named_classes_have_bars_and_no_curve_of_a_region():
    page = explore(named(still=False))
    assert page.panes._curve.visible
    assert not page.panes._region_curve.visible
    page.choose_region(REGION)
    assert "open water" in page.panes.region_bars.value
    assert page.panes.region_line.value == f"<p>box {REGION}</p>"
    assert page.panes.region_series() is None
    assert not page.alert.visible


def test_the_region_says_cells_mean_and_ribbon(page):
    page.choose_region(REGION)
    said = page.panes.region_line.value
    assert "12 cells" in said
    assert "ribbon: spread within the region" in said
    assert f"mean {np.mean(page.region_series.values):.4g}" in said


@pytest.mark.parametrize("error", [ArchiveError("the file is damaged"), OSError("gone"), MemoryError("too large")])
@pytest.mark.parametrize(("tab", "where"), [(_HISTOGRAM, "view_html"), (_REGION, "region_html")])
def test_a_tab_that_cannot_be_written_is_told_and_the_page_lives_on(page, monkeypatch, error, tab, where):
    def broken(*what):
        raise error

    page.choose_region(REGION)
    page.panes.tabs.active = _SERIES
    with monkeypatch.context() as patch:
        patch.setattr(_bars, where, broken)
        page.panes.tabs.active = tab
        assert page.alert.visible
        assert str(error) in page.alert.object
    page.panes.tabs.active = _SERIES
    page.panes.tabs.active = tab
    shown = page.panes.histogram if tab == _HISTOGRAM else page.panes.region_bars
    assert "Share of the area" in shown.value


def test_the_histogram_is_that_of_the_step(page):
    page.panes.tabs.active = _HISTOGRAM
    first = page.panes.histogram.value
    page.step_to(time="2019-01-11")
    assert page.panes.histogram.value == _bars.view_html(page.view)
    page.view.picture()
    assert _bars.view_html(page.view) != first


def test_the_footer_says_where_the_data_are_from_and_what_the_layers_mean(page):
    page._image()
    assert re.search(r"in memory · drawn in \d+\.\d\d s · memory at most [\d,]+ MB · outlines", page.footer.value)
    assert "hatched" not in page.footer.value
    page.layers = ["Hatch flagged"]
    page._image()
    assert "Flagged cells are hatched." in page.footer.value
    page.layers = []


def test_what_files_say_of_themselves_is_shown_as_text():
    bad = "<script>alert(1)</script>"
    data = layered().assign_attrs(title=bad, validation_stage=bad)
    data["a"].attrs.update(long_name=bad, units=bad)
    page = explore(data).select(101.0, 39.0).choose_region(REGION)
    page._image()
    for pane in (page.header, page.footer, page.panes.line, page.panes.region_line, page.panes.region_bars):
        assert "<script" not in pane.value
    assert "&lt;script&gt;" in page.header.value
    assert "<script" not in page._repr_html_()


def test_the_line_through_the_curves_stands_at_the_step_of_the_map(page):
    for step, day in enumerate(("2019-01-01", "2019-01-06", "2019-01-11")):
        page.step_to(time=day)
        assert page.panes._cursor.at == step == page.current


def test_the_curves_are_empty_and_not_missing_before_a_click(page):
    layers = list(page.panes._curve.object[()])
    assert [type(part).__name__ for part in layers] == ["Area", "Curve", "Points", "Points"] * 2
    assert np.isnan(layers[1].dimension_values("value")).all()
    page.select(101.0, 39.0)
    again = list(page.panes._curve.object[()])
    np.testing.assert_array_equal(again[1].dimension_values("value"), page.series.values)


def test_a_projected_page_has_all_its_tabs():
    page = explore(projected(6, 5)).select(500_030.0, 4_469_970.0).choose_region("500000,4469880,500060,4469970")
    for tab in range(7):
        page.panes.tabs.active = tab
        assert not page.alert.visible, page.alert.object
    assert "x 500030, y 4469970:" in page.panes.line.value, "to the metre, not in six digits"


def test_a_map_of_one_step_hides_its_curve():
    assert not explore(layered().isel(time=0, drop=True)).panes._curve.visible


def test_every_tab_of_the_page_is_named_once(page):
    names = page.panes.tabs._names
    assert names == ["Series", "Region", "Histogram", "Quality", "Lineage", "Save", "Code"]
    assert names[_SERIES] == "Series"
    assert [names[k] for k in (_REGION, _HISTOGRAM, _QUALITY, _LINEAGE)] == names[1:5]
    assert _panes.HEIGHT > _panes._CURVE
