"""The map's parts: thinned windows, pictures of any orientation, words for the pointer, outlines, page helpers."""

import builtins
from types import SimpleNamespace

import holoviews as hv
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import COMMON_FLAGS, flag_attributes
from musyq_lab.dashboards import _bars, _extension, _view, _window
from musyq_lab.dashboards._data import cube, even_axis, limits
from musyq_lab.dashboards._extension import inline_styles, ready, stylesheet
from musyq_lab.dashboards._hover import _quality_words, decimals
from musyq_lab.dashboards._legend import Legend, legend_for
from musyq_lab.dashboards._map import _coast, image, label_of, marks, outlines, style
from musyq_lab.dashboards._window import window

THREE = Legend(("#000000", "#888888", "#ffffff"), ("< 1", "1 – 2", "≥ 2"), (1.0, 2.0))
NAMED = Legend(("#000000", "#ffffff"), ("water", "land & <ice>"), codes=(0, 7))


def field(down=(2.0, 1.0, 0.0), across=(10.0, 11.0, 12.0, 13.0), dims=("latitude", "longitude"), **attrs):
    values = np.arange(float(len(down) * len(across))).reshape(len(down), len(across))
    return xr.Dataset({"a": (dims, values, attrs)}, coords={dims[0]: list(down), dims[1]: list(across)})


@settings(max_examples=60, deadline=None)
@given(st.floats(9, 14), st.floats(9, 14), st.floats(-1, 3), st.floats(-1, 3))
def test_a_window_holds_every_cell_in_view_in_whatever_order_it_is_given(x0, x1, y0, y1):
    found = cube(field())
    part = window(found, "a", (x0, x1), (y0, y1))
    assert part.stride == 1
    pieces = part.pieces
    shown = found.dataset.isel(pieces)
    for name, ends in (("longitude", (x0, x1)), ("latitude", (y0, y1))):
        axis = found.dataset[name].values
        inside = axis[(axis >= min(ends)) & (axis <= max(ends))]
        assert set(inside) <= set(shown[name].values)
        assert shown.sizes[name] <= max(inside.size, 1) + 2 or not inside.size
    assert pieces == window(found, "a", (x1, x0), (y1, y0)).pieces


@pytest.mark.parametrize("limit", [5, 11, 12, 100])
def test_never_more_cells_than_the_limit(monkeypatch, limit):
    monkeypatch.setattr(_window, "CELLS", limit)
    big = cube(field(down=np.arange(30.0)[::-1], across=np.arange(40.0)))
    part = window(big, "a")
    stride = part.stride
    # Each side is rounded up, so a picture may hold one row and one column more than its share.
    assert (30 // stride) * (40 // stride) <= limit
    assert stride == int(np.ceil(np.sqrt(1200 / limit)))
    # Each cell is from the middle of those it stands for.
    middle = min(stride - 1, 29) // 2, min(stride - 1, 39) // 2
    assert (float(part.down[0]), float(part.across[0])) == (29.0 - middle[0], float(middle[1]))


@pytest.mark.parametrize("limit", [1, 2])
def test_two_cells_along_each_side_are_always_left_since_one_has_no_width(monkeypatch, limit):
    monkeypatch.setattr(_window, "CELLS", limit)
    part = window(cube(field(down=np.arange(30.0)[::-1], across=np.arange(40.0))), "a")
    assert (part.down.size, part.across.size) == (2, 2)


def test_a_view_outside_the_data_shows_all_of_them():
    pieces = window(cube(field()), "a", (100.0, 120.0), None).pieces
    assert cube(field()).dataset.isel(pieces).sizes == {"latitude": 3, "longitude": 4}


@pytest.mark.parametrize("down", [(2.0, 1.0, 0.0), (0.0, 1.0, 2.0)])
@pytest.mark.parametrize("dims", [("latitude", "longitude"), ("longitude", "latitude")])
def test_every_value_lands_at_its_place_whatever_the_order(down, dims):
    data = field(down=down).transpose(*dims)
    found = cube(data)
    picture = image(window(found, "a"), "a", {}, THREE)
    for y in down:
        for x in (10.0, 13.0):
            truth = float(data["a"].sel(latitude=y, longitude=x))
            shown = picture.select(x=(x - 0.1, x + 0.1), y=(y - 0.1, y + 0.1))
            assert shown.dimension_values("value").tolist() == [truth]
            assert shown.dimension_values("class").tolist() == THREE.classify([truth]).tolist()


def test_uneven_axes_are_drawn_cell_by_cell():
    uneven = cube(field(across=(10.0, 11.0, 13.0, 20.0)))
    assert type(image(window(uneven, "a"), "a", {}, THREE)) is hv.QuadMesh
    even = cube(field())
    assert type(image(window(even, "a"), "a", {}, THREE)) is hv.Image


@pytest.mark.parametrize(
    ("axis", "even"),
    [([1.0], False), ([1.0, 2.0], True), ([3, 2, 1], True), ([0.0, 1.0, 2.00001], True), ([0.0, 1.0, 2.1], False)],
)
def test_even_axes(axis, even):
    assert even_axis(np.array(axis)) is even


def test_sigma_and_quality_go_with_the_picture():
    bits = xr.DataArray(
        np.full((3, 4), 16, "uint16"), dims=("latitude", "longitude"), attrs=flag_attributes(COMMON_FLAGS)
    )
    data = field().assign(a_uncertainty=field()["a"] * 0 + 0.5, a_qa=bits)
    found = cube(data)
    picture = image(window(found, "a"), "a", {}, THREE)
    assert [d.name for d in picture.vdims] == ["class", "value", "sigma", "quality"]
    assert set(picture.dimension_values("sigma")) == {0.5}
    assert set(picture.dimension_values("quality")) == {16}


@pytest.mark.parametrize(
    ("breaks", "digits"), [((), 0), ((5.0,), 0), ((0, 100), 0), ((0, 1), 1), ((0, 0.1, 0.3), 2), ((0, 1e-9), 6)]
)
def test_digits_follow_the_steps_of_the_breaks(breaks, digits):
    assert decimals(Legend((), (), tuple(map(float, breaks)))) == digits
    assert decimals(NAMED) == 0


def test_the_bar_marks_breaks_between_colours_and_names_at_them():
    numbers = style(cube(field(units="W m-2")), "a", THREE)
    assert numbers["cmap"] == list(THREE.colours)
    assert numbers["clim"] == (-0.5, 2.5)
    assert numbers["colorbar_opts"]["major_label_overrides"] == {0.5: "1", 1.5: "2"}
    assert numbers["clabel"] == "a (W m⁻²)"
    names = style(cube(field()), "a", NAMED)
    assert names["colorbar_opts"]["major_label_overrides"] == {0: "water", 1: "land & <ice>"}
    assert names["clabel"] == ""


@pytest.mark.parametrize(("units", "text"), [("1", "a"), ("", "a"), ("K", "a (K)")])
def test_the_label_has_a_unit_where_there_is_one(units, text):
    assert label_of(field(units=units)["a"]) == text


def test_the_pointer_says_each_bit_and_each_code():
    bits = xr.DataArray([0], attrs=flag_attributes(COMMON_FLAGS), name="a_qa")
    said = _quality_words(bits).args
    assert said["masks"] == [flag.mask for flag in COMMON_FLAGS]
    assert said["words"] == [flag.sentence for flag in COMMON_FLAGS]
    codes = xr.DataArray([0], attrs={"flag_values": [0, 3], "flag_meanings": "fine bad_input"})
    assert _quality_words(codes).args == {"codes": [0, 3], "words": ["good", "bad input"]}


def test_the_limits_are_the_edges_of_the_outermost_cells():
    assert limits(cube(field()), "longitude") == (9.5, 13.5)
    assert limits(cube(field()), "latitude") == (-0.5, 2.5)
    one = cube(field(down=(5.0,), across=(7.0,)))
    assert limits(one, "latitude") == (5.0, 5.0)


def test_the_coast_is_closed_rings_on_the_globe():
    rings = _coast()
    assert len(rings) > 100
    assert all(ring.shape[1] == 2 and np.array_equal(ring[0], ring[-1]) for ring in rings)
    points = np.concatenate(rings)
    assert (np.abs(points) <= (180.0001, 90.0001)).all()


def rings(curve) -> int:
    return int(np.isnan(curve.dimension_values("x")).sum())


def test_outlines_follow_data_beyond_the_antimeridian_and_no_projected_map():
    count = len(_coast())
    assert rings(outlines(cube(field()), True)) == count
    beyond = cube(field(across=(170.0, 180.0, 190.0, 200.0)))
    assert rings(outlines(beyond, True)) == 2 * count
    assert outlines(beyond, True).range("x")[1] > 500
    metres = cube(field(dims=("y", "x")))
    assert len(outlines(metres, True)) == len(outlines(cube(field()), False)) == 0


def test_marks_are_there_only_for_chosen_places_each_in_its_colour():
    ready()
    assert len(marks([])) == 0
    two = marks([(3.0, 4.0), (0.0, 0.0)])
    assert two.dimension_values("x").tolist() == [3.0, 0.0]
    assert len(set(two.dimension_values("colour"))) == 2


@pytest.mark.parametrize("classes", [[], [2.0, 1.0], [1.0, 1.0], [0.0, np.nan], [0.0, np.inf], [np.nan]])
def test_breaks_that_do_not_ascend_are_refused(classes):
    with pytest.raises(InputError, match="ascending order"):
        legend_for(cube(field()), "a", classes)


def test_one_break_makes_two_classes():
    legend = legend_for(cube(field()), "a", [5])
    assert legend.labels == ("< 5", "≥ 5")
    assert len(legend.colours) == 2
    assert legend.classify([4.999, 5.0]).tolist() == [0, 1]


def test_flags_become_classes_without_those_that_mean_nothing():
    attrs = {"flag_values": np.array([0, 1, 2], "int8"), "flag_meanings": "no_data dry_land water"}
    legend = legend_for(cube(field(**attrs)), "a")
    assert legend.codes == (1, 2)
    assert legend.labels == ("dry land", "water")
    np.testing.assert_array_equal(legend.classify([0, 1, 2, 3, np.nan]), [np.nan, 0, 1, np.nan, np.nan])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=6, unique=True), st.floats(-1e9, 1e9))
def test_a_value_lies_between_the_breaks_of_its_class(limits, value):
    breaks = tuple(sorted(limits))
    at = int(Legend((), (), breaks).classify(value))
    edges = (-np.inf, *breaks, np.inf)
    assert edges[at] <= value < edges[at + 1]


@pytest.mark.parametrize(("number", "word"), [(2, "second"), (3, "third"), (4, "4th"), (11, "11th")])
def test_ordinals(number, word):
    assert _view._ordinal(number) == word


def shares(values, down, *, dims=("latitude", "longitude"), legend=THREE) -> str:
    array = np.array(values, float)
    data = xr.Dataset({"a": (dims, array)}, {dims[0]: down, dims[1]: np.arange(array.shape[1])})
    shown = _view.View(data)
    shown.legend = legend
    shown.picture()
    return _bars.view_html(shown)


def test_the_histogram_counts_area_and_not_cells():
    page = shares([[0, 0], [1, 1]], [0.0, 60.0])
    assert "66.7%" in page
    assert "33.3%" in page
    flat = shares([[0, 0], [1, 1]], [0.0, 60.0], dims=("y", "x"))
    assert flat.count("50.0%") == 2


def test_the_histogram_leaves_out_what_is_missing_and_says_if_all_is():
    assert "100.0%" in shares([[np.nan, 2], [np.nan, np.nan]], [0.0, 1.0])
    assert "no data" in shares([[np.nan] * 2] * 2, [0.0, 1.0])
    assert "land &amp; &lt;ice&gt;" in shares([[0, 7], [0, 7]], [0.0, 1.0], legend=NAMED)


def test_the_style_rules_fetch_nothing():
    rules = stylesheet()
    assert rules.count("{") == rules.count("}") > 0
    assert not {"http", "@import", "url("} & set(rules.lower().split())
    assert "url(" not in rules


@pytest.mark.parametrize(
    ("served", "inline", "patched"), [(False, True, 2), (True, True, 0), (False, False, 0), (True, False, 0)]
)
def test_styles_are_put_in_only_where_a_notebook_has_no_server(monkeypatch, served, inline, patched):
    seen = []
    monkeypatch.setattr(_extension.notebook, "patch_inline_stylesheets", seen.append, raising=False)
    monkeypatch.setattr(_extension.pn, "config", SimpleNamespace(inline=inline))
    document = SimpleNamespace(session_context=object() if served else None)
    inline_styles(None, SimpleNamespace(document=document, select=lambda what: ["a", "b"]))
    assert len(seen) == patched


def test_a_panel_without_the_hook_is_no_fault(monkeypatch):
    monkeypatch.delattr(_extension.notebook, "patch_inline_stylesheets", raising=False)
    root = SimpleNamespace(document=None, select=lambda what: pytest.fail("nothing is to be done"))
    assert inline_styles(None, root) is None


@pytest.mark.parametrize("notebook", [True, False])
def test_javascript_is_put_into_a_notebook_and_nowhere_else(monkeypatch, notebook):
    calls = []
    fake = SimpleNamespace(
        state=SimpleNamespace(curdoc=None),
        config=SimpleNamespace(inline=False),
        extension=lambda **options: calls.append(options),
    )
    monkeypatch.setattr(_extension, "pn", fake)
    monkeypatch.delattr(builtins, "__IPYTHON__", raising=False)
    if notebook:
        monkeypatch.setattr(builtins, "__IPYTHON__", True, raising=False)
    _extension.ready.__wrapped__()
    assert calls == ([{"inline": True}] if notebook else [])
    assert fake.config.inline is notebook
    assert hv.Store.current_backend == "bokeh"
