"""The map as a figure of a report: which cells are printed, how, and what its text says."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
import xarray as xr
from dashboards.laid import layered, projected

from musyq_lab.dashboards import _print
from musyq_lab.dashboards._places import Area, box
from musyq_lab.dashboards._view import View

NAMED = {"flag_values": np.array([0, 1], "int8"), "flag_meanings": "dry_land open_water"}


def page(data, *, region: Area | None = None, seen=None, classes=None, **steps) -> SimpleNamespace:
    """What a page has for its printer."""
    view = View(data, classes=classes)
    view.choose(steps)
    ranges = None if seen is None else SimpleNamespace(x_range=seen[0], y_range=seen[1])
    return SimpleNamespace(view=view, cube=view.cube, region=region, figure=SimpleNamespace(ranges=ranges))


@pytest.fixture
def seen(monkeypatch) -> dict:
    """What the two printers are given, in place of a drawing."""
    asked: dict = {}
    for name in ("draw_map", "draw_plain"):
        monkeypatch.setattr(_print, name, lambda field, name=name, **o: asked.update(by=name, field=field, **o))
    return asked


def test_all_is_printed_where_all_is_in_view(seen):
    _, _, field = _print.drawn(page(layered(), time="2019-01-06"))
    truth = layered()["a"].isel(time=1)
    np.testing.assert_array_equal(field.values, truth.values)
    for axis in ("latitude", "longitude"):
        np.testing.assert_array_equal(field[axis], truth[axis])
    assert field.dims == ("latitude", "longitude")
    assert (field.name, field.attrs) == ("a", {"units": "W m-2", "long_name": "a field"})
    assert seen["by"] == "draw_map"
    np.testing.assert_array_equal(seen["field"].values, truth.values)


def test_what_is_in_view_is_printed_with_its_margin_and_framed():
    shown = page(layered(), seen=((101.0, 102.0), (38.5, 39.0)))
    field = _print._field(shown.view, _print._printed(shown))
    assert field["longitude"].values.tolist() == [100.5, 101.0, 101.5, 102.0, 102.5]
    assert field["latitude"].values.tolist() == [39.5, 39.0, 38.5, 38.0]
    frame = _print._region(shown, field)
    assert frame.geometry.bounds == (100.5, 38.0, 102.5, 39.5)


def test_a_region_comes_before_what_is_in_view():
    area = box(100.75, 38.75, 101.75, 39.25)
    shown = page(layered(), region=area, seen=((103.0, 103.5), (37.5, 38.0)))
    field = _print._field(shown.view, _print._printed(shown))
    assert field["longitude"].values.min() <= 101.0
    assert field["longitude"].values.max() < 103.0
    frame = _print._region(shown, field)
    assert frame.geometry.equals(area.geometry)
    assert frame.name() == area.name


def test_the_globe_has_no_frame():
    whole = xr.Dataset(
        {"a": (("latitude", "longitude"), np.ones((18, 36)))},
        {"latitude": 85.0 - 10 * np.arange(18), "longitude": -175.0 + 10 * np.arange(36)},
    )
    shown = page(whole)
    assert _print._region(shown, _print._field(shown.view, _print._printed(shown))) is None
    half = page(whole.isel(longitude=slice(0, 18)))
    assert _print._region(half, _print._field(half.view, _print._printed(half))) is not None


def test_no_more_cells_are_printed_than_a_page_has_points(monkeypatch):
    monkeypatch.setattr(_print, "_CELLS", 12)
    shown = page(layered())
    field = _print._field(shown.view, _print._printed(shown))
    assert field.size <= 16
    cells = layered()["a"].isel(time=0)
    assert set(field.values.ravel()) <= set(cells.values.ravel())
    np.testing.assert_array_equal(field.values, cells.sel(latitude=field.latitude, longitude=field.longitude))


def test_named_classes_are_printed_on_their_own_grid(seen):
    data = layered()[["a"]].isel(time=0)
    codes = (np.arange(48).reshape(6, 8) % 3).astype("int8")  # code 2 has no name
    data["a"] = (data["a"].dims, codes, {**NAMED, "long_name": "cover"})
    _, words, _ = _print.drawn(page(data))
    assert seen["by"] == "draw_plain"
    np.testing.assert_array_equal(seen["classes"], np.where(codes == 2, 255, codes.astype(int)))
    assert seen["labels"] == ("dry land", "open water")
    assert "dry land 50 %" in words
    assert "Layered" in words


def test_projected_maps_are_printed_in_their_own_coordinates(seen):
    raster = projected()
    _, words, field = _print.drawn(page(raster))
    assert seen["by"] == "draw_plain"
    assert field.dims == ("y", "x")
    np.testing.assert_array_equal(field.values, raster["a"].values)
    assert seen["classes"].max() < len(seen["labels"]) == len(seen["colours"])
    assert re.search(r"Values from 0 to 1,?200\.", words)


def test_a_single_row_is_left_to_the_plain_printer_which_says_that_it_is_no_map():
    from musyq_lab.core.errors import InputError

    with pytest.raises(InputError, match="at least two cells"):
        _print.drawn(page(layered(1, 8).isel(time=[0])))


def test_the_figure_has_the_breaks_of_the_page(seen):
    breaks = [10.0, 20.0, 30.0, 40.0]
    _print.drawn(page(layered(), classes=breaks))
    assert (list(seen["classes"].breaks), seen["classes"].units) == (breaks, "W m-2")


def test_too_few_classes_for_a_report_are_drawn_plainly(seen):
    _print.drawn(page(layered(), classes=[25.0]))
    assert seen["by"] == "draw_plain"
    np.testing.assert_array_equal(seen["classes"], layered()["a"].values[0] >= 25)
    assert seen["labels"] == ("< 25", "≥ 25")


def test_values_without_a_unit_are_printed_as_numbers(seen):
    data = layered()[["a"]]
    del data["a"].attrs["units"]
    _print.drawn(page(data))
    assert seen["classes"].units == "1"
    assert seen["field"].attrs["units"] == "1"


def test_title_step_and_attribution_are_those_of_the_page(seen):
    data = layered().assign_attrs(attribution="Data: somebody.")
    _print.drawn(page(data, time="2019-01-11"))
    assert seen["title"] == "Layered"
    assert "11 January 2019" in seen["subtitle"]
    assert seen["attribution"] == "Data: somebody"


def test_gaps_everywhere_are_told(seen):
    empty = page(xr.full_like(layered()[["a"]], np.nan), classes=[1.0, 2.0, 3.0, 4.0, 5.0])
    _, words, field = _print.drawn(empty)
    assert np.isnan(field.values).all()
    assert "No cell has data" in words


def test_the_figure_holds_the_words_the_numbers_and_the_code_of_the_page(monkeypatch, tmp_path):
    kept: dict = {}

    class Bundle:
        def image(self, suffix):
            path = tmp_path / f"x.{suffix}"
            path.write_bytes(b"drawn")
            return path

    def save(figure, folder, name, **more):
        kept.update(more)
        return Bundle()

    monkeypatch.setattr(_print, "save_figure", save)
    monkeypatch.setattr(_print, "draw_map", lambda field, **options: None)
    shown = page(layered().assign_attrs(citation="Cite (2020)"), time="2019-01-06")
    shown.code, shown.query = (lambda: "the code"), (lambda: {"data": "x"})
    assert _print.figure_bytes(shown, "svg") == b"drawn"
    assert (kept["code"], kept["citation"], kept["formats"]) == ("the code", "Cite (2020)", ["svg"])
    assert kept["provenance"] == {"view": {"data": "x"}}
    np.testing.assert_array_equal(kept["data"]["a"].values, layered()["a"].values[1])
    assert kept["caption"] == f"Layered. {shown.view.said()}"
    assert "Layered" in kept["alt_text"]


def test_a_region_across_the_whole_map_is_still_its_own_frame():
    area = Area("all", shapely.box(-180, -90, 180, 90), "all")
    shown = page(layered(), region=area)
    field = _print._field(shown.view, _print._printed(shown))
    assert field.shape == (6, 8)
    assert _print._region(shown, field).geometry.equals(area.geometry)
