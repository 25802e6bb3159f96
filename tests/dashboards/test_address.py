"""The address and the code of a view: they restore it, and refuse by name what is not there."""

import contextlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import param
import pytest
import xarray as xr
from dashboards.laid import layered, projected
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError, MusyqError
from musyq_lab.dashboards import _address
from musyq_lab.dashboards._compare import BESIDE, ONE, SWIPE, WAYS
from musyq_lab.dashboards._data import cube
from musyq_lab.dashboards._veil import FADE, HATCH, HIDE
from musyq_lab.dashboards.explorer import CLASSES, CONTINUOUS, Explorer, explore


class Told(param.Parameterized):
    """A page that notes what it is asked for."""

    legend_is: Any = param.Selector(default=CLASSES, objects=[CLASSES, CONTINUOUS])
    compared: Any = param.Selector(default=ONE, objects=list(WAYS))
    layers: Any = param.List([])
    outlines: Any = param.Boolean(True)

    def __init__(self, sources, *, variable=None, point=None, classes=None, outlines=True, **steps) -> None:
        super().__init__(outlines=outlines)
        self.sources, self.asked, self.steps, self.words = sources, variable, steps, []
        self.second = SimpleNamespace(choose=lambda *names, **steps: self.words.append((names, steps)))

    def choose_region(self, words: str) -> None:
        self.words.append(words)


GRID = cube(layered())
SOURCES = {"one": 1, "two": 2, "three": 3}


def told(**query: str) -> Told:
    return _address.restored(Told, SOURCES, {key.replace("__", "."): text for key, text in query.items()})


@pytest.mark.parametrize("key", ["data", "run", "sample"])
def test_what_is_asked_for_is_shown_first_and_the_rest_may_still_be_chosen(key):
    page = told(**{key: "two"})
    assert next(iter(page.sources)) == "two"
    assert page.sources == SOURCES


def test_without_a_name_the_first_is_shown():
    assert list(told().sources) == ["one", "two", "three"]


def test_data_come_before_run_and_run_before_sample():
    assert next(iter(told(data="two", run="three", sample="one").sources)) == "two"
    assert next(iter(told(run="three", sample="one").sources)) == "three"


def test_a_sample_may_be_named_by_its_key_or_by_its_title():
    title = cube("ghi_merra2_monthly").title
    sources = {"one": 1, title: 2}
    for name in ("ghi_merra2_monthly", title):
        assert next(iter(_address.restored(Told, sources, {"sample": name}).sources)) == title


def test_nothing_to_show_says_what_makes_a_first_product():
    with pytest.raises(InputError, match="musyq run"):
        _address.restored(Told, {}, {})


def test_a_near_miss_is_told_with_the_right_name():
    with pytest.raises(InputError, match=r"nothing named 'thre' here\. Did you mean 'three'\?"):
        told(data="thre")


@pytest.mark.parametrize("name", ["variable", "point", "classes", "outlines", "sources"])
def test_an_address_cannot_reach_the_arguments_of_the_page(name):
    with pytest.raises(InputError, match=f"step along '{name}', which is no dimension"):
        told(**{f"step__{name}": "x"})


def test_steps_reach_the_page_under_their_dimensions():
    page = told(step__month="July", step__tilt="30", variable="ghi", second__step__month="May")
    assert page.steps == {"month": "July", "tilt": "30"}
    assert page.asked == "ghi"


def test_places_come_in_their_order_and_the_region_last():
    assert told(places="1,2;3,4", region="China").words == ["1,2", "3,4", "China"]
    assert told(places=";;1,2;").words == ["1,2"]
    assert told(places="", region="").words == []


@pytest.mark.parametrize("legend", [CLASSES, CONTINUOUS])
def test_the_legend_is_restored(legend):
    assert told(legend=legend).legend_is == legend


@pytest.mark.parametrize("layers", [[HIDE], [HATCH, FADE], [HIDE, HATCH, FADE]])
def test_layers_are_restored_in_their_order(layers):
    assert told(layers=",".join(layers)).layers == layers


def test_one_wrong_layer_among_good_ones_is_told_with_those_there_are():
    with pytest.raises(InputError, match=f"layers='{HIDE} ' in the address is none of {HIDE}, {HATCH}, {FADE}"):
        told(layers=f"{HATCH},{HIDE} ")


@pytest.mark.parametrize(("text", "shown"), [("no", False), ("yes", True), ("0", True), ("", True)])
def test_outlines_are_off_only_where_an_address_says_no(text, shown):
    assert told(outlines=text).outlines is shown


def test_the_second_map_is_chosen_only_where_maps_are_compared():
    query = {"second__data": "two", "second__variable": "b", "second__step__month": "May", "second__step__tilt": "3"}
    assert told(**query).words == []
    for way in (BESIDE, SWIPE):
        assert told(compared=way, **query).words == [(("two", "b"), {"month": "May", "tilt": "3"})]
    assert told(compared=SWIPE).words == [((None, None), {})]


@pytest.mark.parametrize(
    ("query", "key"),
    [({"legend": "x"}, "legend"), ({"compared": ""}, "compared"), ({"compared": SWIPE, "second__data": "x"}, "second")],
)
def test_a_setting_that_is_none_is_told_by_its_key(query, key):
    with pytest.raises(InputError, match=rf"^{key}.* in the address is none of "):
        told(**query)


# ------------------------------------------------------------------------------------------------ of real pages


@pytest.fixture(scope="module")
def page() -> Explorer:
    return explore(layered())


@pytest.fixture
def bare(page) -> Explorer:
    """The page of the module, with nothing chosen."""
    page.param.update(legend_is=CLASSES, layers=[], outlines=True, compared=ONE)
    page.clear().step_to(time="2019-01-01")
    return page


def again(page: Explorer) -> Explorer:
    """The view that the code of a page makes."""
    code = page.code()
    first = next(line for line in code.splitlines() if line.startswith("data = ..."))
    space: dict[str, Any] = {"data": layered()}
    exec(code.replace(first, ""), space)
    return space["view"]


def test_a_plain_view_has_a_plain_address(bare):
    assert bare.query() == {"data": "Layered", "variable": "a", "step.time": "2019-01-01"}
    assert len(bare.code().splitlines()) == 5


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.floats(99.75, 103.74), st.floats(37.26, 40.24)), min_size=1, max_size=3))
def test_places_come_back_in_their_order_to_the_cell(page, places):
    page.clear()
    for place in places:
        page.select(*place)
    words = page.query()["places"].split(";")
    found = [tuple(map(float, text.split(","))) for text in words]
    assert len(found) == len(page.places)
    np.testing.assert_allclose(found[-1], page.point, rtol=1e-5)
    assert {tuple(round(v, 2) for v in place) for place in found} == {
        tuple(round(float(f"{v:.6g}"), 2) for v in place) for place in page.places
    }


@settings(max_examples=40, deadline=None)
@given(st.floats(-900, 900), st.floats(-9e6, 9e6))
def test_places_of_any_size_are_read_back_by_what_reads_them(x, y):
    from musyq_lab.dashboards._places import understood

    held = SimpleNamespace(point=(x, y), places=((x, y),))
    state = SimpleNamespace(
        source="s", variable="a", region=None, layers=[], outlines=True, compared=ONE, legend_is=CLASSES, **vars(held)
    )
    state.view = SimpleNamespace(labels=dict, continuous=False)
    state.second = SimpleNamespace(view=None)
    back = understood(_address.query_of(state)["places"], GRID)
    assert back[0] == pytest.approx(x, abs=max(abs(x), 1e-3) * 1e-5)
    assert back[1] == pytest.approx(y, abs=0.051 if abs(y) >= 1000 else max(abs(y), 1e-3) * 1e-5)


def test_only_what_was_changed_is_in_the_address(bare):
    bare.param.update(legend_is=CONTINUOUS, layers=[FADE, HIDE], outlines=False)
    assert bare.query() == {
        "data": "Layered",
        "variable": "a",
        "step.time": "2019-01-01",
        "legend": CONTINUOUS,
        "layers": f"{FADE},{HIDE}",
        "outlines": "no",
    }


def test_the_second_map_stands_in_address_and_code(bare):
    bare.compared = SWIPE
    bare.second.choose(time="2019-01-11")
    query = bare.query()
    assert {k: v for k, v in query.items() if k.startswith("second") or k == "compared"} == {
        "compared": SWIPE,
        "second.data": "Layered",
        "second.variable": "a",
        "second.step.time": "2019-01-11",
    }
    other = again(bare)
    assert (other.compared, other.second.view.chosen) == (SWIPE, {"time": 2})
    bare.compared = ONE
    assert not any(key.startswith("second") for key in bare.query())
    assert "second" not in bare.code()


def test_the_code_makes_the_view_with_all_that_is_chosen(bare):
    bare.step_to(time="2019-01-06").select(101.0, 39.0).select(102.0, 38.0).choose_region("100.25,38.25,102.25,39.75")
    bare.param.update(legend_is=CONTINUOUS, layers=[HATCH])
    other = again(bare)
    assert other.query() == bare.query()
    assert other.point == (102.0, 38.0)
    np.testing.assert_array_equal(other.region_series.values, bare.region_series.values)


def test_given_breaks_stand_in_the_code(bare):
    other = again(explore(layered(), classes=[10, 20.5, 30]))
    assert other.legend.breaks == (10, 20.5, 30)
    assert "classes" not in bare.code()


@pytest.mark.parametrize("text", ['he"ad \\s', "it's 新しい", "a\nb"])
def test_names_with_quotes_do_not_break_out_of_the_code(text):
    data = layered()[["a"]].rename(a=text)
    shown = explore(data)
    space: dict[str, Any] = {}
    code = shown.code()
    exec(code.replace(next(line for line in code.splitlines() if line.startswith("data =")), "data = {}.get('x')")
         .replace("ml.explore", "(lambda data, **more: more)").replace("\nview", "\nview", 1), space)  # fmt: skip
    assert space["view"]["variable"] == text


def test_labels_that_read_alike_are_told_apart():
    """Two labels with one beginning, and two instants of one minute, must not restore each other's map."""
    stem = "scenario of emissions "
    data = xr.Dataset(
        {"a": (("kind", "time", "y", "x"), np.arange(16.0).reshape(2, 2, 2, 2))},
        {
            "kind": [f"{stem}low", f"{stem}high"],
            "time": np.array(["2020-01-01T00:00:10", "2020-01-01T00:00:40"], "datetime64[ns]"),
        },
    )
    shown = explore(data)
    shown.show("kind", 1)
    shown.show("time", 1)
    other = _address.restored(Explorer, {"s": data}, {k: v for k, v in shown.query().items() if k != "data"})
    assert other.chosen == shown.chosen == {"kind": 1, "time": 1}
    space: dict[str, Any] = {"data": data}
    code = shown.code()
    exec(code.replace(code.splitlines()[2], ""), space)
    assert space["view"].chosen == {"kind": 1, "time": 1}


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=4))
def test_any_address_gives_a_page_or_an_error_of_ours(query):
    with contextlib.suppress(MusyqError):
        assert _address.restored(Told, SOURCES, query).sources == SOURCES


def test_a_projected_view_is_restored_to_the_cell():
    data = projected()
    shown = explore(data).select(500_431.3, 4_469_217.8).choose_region("500100,4469000,500400,4469300")
    other = _address.restored(Explorer, {"s": data}, {k: v for k, v in shown.query().items() if k != "data"})
    assert (other.series.x, other.series.y) == (shown.series.x, shown.series.y)
    assert other.region.geometry.equals(shown.region.geometry)
    assert other.series.values.tolist() == shown.series.values.tolist()
