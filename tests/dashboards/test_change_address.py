"""Addresses and lines of Python of the Change page: there and back again, hostile words, code that runs."""

from dataclasses import fields, replace
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlencode

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.dashboards._change_address import asked, code_of, options_of, query_of
from musyq_lab.dashboards._change_kinds import KINDS, MEASURES, Ask
from musyq_lab.dashboards._data import cube

ASKS = [
    Ask("trend"),
    Ask("anomaly"),
    Ask("anomaly", baseline=(2010, 2011)),
    *(Ask("anomaly", measure=measure) for measure in MEASURES),
    Ask("anomaly", (2009, 2009), "relative"),
    Ask("breaks"),
    Ask("breaks", model="level"),
    Ask("periods"),
    Ask("periods", before=(2009, 2010), after=(2012, 2013)),
    Ask("periods", after=(2012, 2013)),
    Ask("phenology"),
]


def series(name="lai", dims=("time", "lat", "lon"), count=60) -> xr.DataArray:
    coords = {"time": pd.date_range("2009-01-01", periods=count, freq="MS"), "lat": [1.0, 0.0], "lon": [0.0, 1.0]}
    sizes = [len(coords[d]) if d in coords else 2 for d in dims]
    draw = np.random.Generator(np.random.Philox(4))
    return xr.DataArray(draw.random(sizes) + 1, {d: coords[d] for d in dims if d in coords}, dims, name=name)


def page(ask=None, data=None, **state) -> SimpleNamespace:
    """What the functions look at of a page."""
    data = series() if data is None else data
    ask = ask or Ask()
    start = {
        "source": "My data", "variable": data.name, "ask": ask, "layer": next(iter(KINDS[ask.kind].maps)),
        "step_labels": [], "step": 0, "point": None, "region": None, "outlines": True, "cube": cube(data), "chosen": {},
    }  # fmt: skip
    return SimpleNamespace(**{**start, **state})


def again(query: dict[str, str]) -> dict:
    """The options that a browser's address gives, percent signs and all."""
    return options_of(dict(parse_qsl(urlencode(query))))


@pytest.mark.parametrize("ask", ASKS)
def test_what_is_asked_comes_back_from_the_address(ask):
    found = again(query_of(page(ask)))
    kind = found.pop("analysis")
    assert found.pop("variable") == "lai"
    assert asked(kind, found) == ask


@pytest.mark.parametrize("ask", ASKS)
def test_the_address_says_no_more_than_it_must(ask):
    query = query_of(page(ask))
    start = Ask(ask.kind)
    changed = {f.name for f in fields(Ask) if getattr(ask, f.name) != getattr(start, f.name)}
    assert set(query) == {"data", "variable", "analysis"} | changed
    assert all(isinstance(value, str) for value in query.values())


@pytest.mark.parametrize(
    "point", [(0.0, 0.0), (-179.99999, -89.5), (103.123456, 36.654321), (500_015.04, 4_123_985.06), (-2e7, 9.4e6)]
)
def test_places_come_back_within_a_cell(point):
    x, y = again(query_of(page(point=point)))["point"]
    # A metre in degrees of a map of the globe, a decimetre in metres.
    allowed = 0.06 if max(map(abs, point)) >= 1000 else 1e-3
    assert abs(x - point[0]) <= allowed
    assert abs(y - point[1]) <= allowed


def test_regions_titles_and_outlines_come_back():
    text = "POLYGON ((1 1, 2 1, 2 2, 1 1))"
    title = "Größe & 大小 = 100 % + ?"
    query = dict(parse_qsl(urlencode(query_of(page(region=SimpleNamespace(text=text), outlines=False, source=title)))))
    assert query["data"] == title
    found = options_of(query)
    assert found["region"] == text
    assert found["outlines"] is False
    assert "outlines" not in options_of({"outlines": "yes"})


@pytest.mark.parametrize("kind", list(KINDS))
def test_only_another_layer_than_the_first_is_named(kind):
    maps = list(KINDS[kind].maps)
    assert "layer" not in query_of(page(Ask(kind)))
    if len(maps) > 1:
        assert again(query_of(page(Ask(kind), layer=maps[-1])))["layer"] == maps[-1]
    assert "layer" not in query_of(page(Ask(kind), layer=None))


def test_a_step_is_named_by_its_label():
    labels = ["2009", "2010", "2011"]
    assert again(query_of(page(Ask("anomaly"), step_labels=labels, step=2)))["step"] == "2011"
    assert "step" not in query_of(page(Ask("anomaly"), step_labels=["2009"], step=0))


@pytest.mark.parametrize(
    "query",
    [
        {"baseline": ""},
        {"baseline": "-"},
        {"baseline": "2001"},
        {"baseline": "2001-2002-2003"},
        {"before": "2001.5-2003"},
        {"before": "2003-2001"},
        {"after": "two-three"},
        {"after": "2001-"},
        {"x": "1e999", "y": "0"},
        {"x": "0", "y": "nan"},
        {"x": "", "y": "0"},
        {"x": "<script>", "y": "0"},
    ],
)
def test_bad_numbers_of_an_address_are_told_with_what_was_given(query):
    with pytest.raises(InputError) as told:
        options_of(query)
    assert str(told.value).endswith(".")
    assert any(name in str(told.value) for name in query)


def test_what_an_address_may_not_say_is_left_out():
    found = options_of({"outcome": "x", "__class__": "y", "job": "z", "chosen": "1", "data": "d", "x": "3"})
    assert found == {}


@pytest.mark.parametrize("name", ["baseline", "before", "after"])
@pytest.mark.parametrize("value", [2010, "2010", (2010,), (2010, 2011, 2012), ("a", "b"), (2012, 2010), (None, 2010)])
def test_periods_that_are_none_are_told_by_name(name, value):
    with pytest.raises(InputError, match=name):
        asked("anomaly", {name: value})


@pytest.mark.parametrize("value", [(2010, 2010), ["2010", "2012"], np.array([2010, 2012]), (2010.0, 2012.0)])
def test_periods_of_any_kind_of_pair_are_years(value):
    found = asked("anomaly", {"baseline": value}).baseline
    assert found[0] == 2010
    assert all(type(year) is int for year in found)


def test_no_period_is_all_years():
    assert asked("anomaly", {"baseline": None, "before": None}) == Ask("anomaly")


def test_the_option_that_was_meant_is_named():
    with pytest.raises(InputError, match="baseline"):
        asked("anomaly", {"basline": (2001, 2002)})
    with pytest.raises(InputError, match="no option 'kind'"):
        asked("anomaly", {"kind": "trend"})
    with pytest.raises(InputError, match="difference, standard deviations, relative"):
        asked("anomaly", {"measure": "absolute"})
    with pytest.raises(NotFoundError, match="periods"):
        asked("period", {})


@pytest.mark.parametrize("ask", ASKS)
def test_the_code_says_what_the_address_says(ask):
    code = code_of(page(ask, point=(0.5, 1.0), region=SimpleNamespace(text='it\'s a "box"')))
    compile(code, "view", "exec")
    calls = []

    class View:
        def select(self, x, y):
            calls.append(("select", x, y))

        def choose_region(self, text):
            calls.append(("region", text))

    def change(data, **options):
        calls.append(options)
        return View()

    lines = code.splitlines()
    upto = lines.index("view") if "view" in lines else len(lines)
    ran = "\n".join(line for line in lines[:upto] if not line.startswith("import"))
    names = {"ml": SimpleNamespace(change=change, open_product=lambda *_a, **_k: None), "data": None}
    exec(ran, names)
    options, *rest = calls
    kind = options.pop("analysis")
    assert options.pop("variable") == "lai"
    assert asked(kind, options) == ask
    assert rest == [("select", 0.5, 1.0), ("region", 'it\'s a "box"')]


@pytest.mark.parametrize("ask", [ask for ask in ASKS if ask.kind in ("anomaly", "periods")])
def test_the_lines_without_the_page_make_the_result(ask):
    data = series()
    view = page(ask, data)
    result = _result(code_of(view), data)
    made = KINDS[ask.kind].make(_subject(view), ask)
    if ask.kind == "anomaly":
        xr.testing.assert_allclose(result, made["anomaly"])
    else:
        xr.testing.assert_allclose(result, made)


def test_further_dimensions_are_cut_where_the_page_cuts_them():
    data = series(dims=("band", "time", "lat", "lon"))
    view = page(Ask("anomaly"), data)
    assert ".isel(band=0)" in code_of(view)
    result = _result(code_of(view), data)
    assert "band" not in result.dims
    xr.testing.assert_allclose(result, KINDS["anomaly"].make(_subject(view), view.ask)["anomaly"])


def test_what_cannot_be_analysed_has_no_lines_for_it():
    code = code_of(page(Ask("trend"), series(count=1)))
    assert code.splitlines()[-1] == "view"
    assert "trend(layer" not in code
    compile(code, "view", "exec")


def test_layer_and_step_are_in_the_code():
    code = code_of(page(Ask("trend"), layer="tau"))
    assert "layer='tau'" in code
    code = code_of(page(Ask("anomaly"), step_labels=["2009", "2010"], step=1))
    assert "step='2010'" in code


def _subject(view):
    from musyq_lab.dashboards._change_work import series_of

    return series_of(view.cube.dataset[view.variable], view.cube, {})


def _result(code: str, data: xr.DataArray) -> xr.DataArray | xr.Dataset:
    """Run the lines below the view."""
    lines = code.splitlines()
    names = {"data": data.to_dataset()}
    exec("\n".join(lines[lines.index("view") + 1 :]), names)
    return names["result"]


def test_asks_are_equal_by_what_they_hold():
    assert replace(Ask("anomaly"), baseline=(1, 2)) == Ask("anomaly", (1, 2))
    assert len({Ask("anomaly"), Ask("anomaly"), Ask("trend")}) == 2, "results are shared by them"
