"""The second map: its own data, variable and steps, in the style of the first, which it never changes."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from dashboards.laid import layered

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.dashboards._compare import BESIDE, ONE, SWIPE, Second
from musyq_lab.dashboards._curtain import Curtain
from musyq_lab.dashboards._data import cube
from musyq_lab.dashboards._veil import HATCH
from musyq_lab.dashboards.explorer import CLASSES, CONTINUOUS, Explorer, explore


def several() -> xr.Dataset:
    data = layered()
    more = data["a"] * 2
    return data.assign(b=more.assign_attrs(units="K"), still=data["a"].isel(time=0, drop=True))


@pytest.fixture(scope="module")
def sources() -> dict:
    other = layered().assign_attrs(title="Other")
    return {"First": cube(several()), "Other": cube(other.assign(a=other["a"] + 1000))}


@pytest.fixture(scope="module")
def shared(sources) -> Explorer:
    return Explorer(sources)


@pytest.fixture
def page(shared) -> Explorer:
    """The page of the module, whose second map was never started."""
    shared.param.update(compared=ONE, legend_is=CLASSES, layers=[])
    shared.step_to(time="2019-01-01")
    shared.second.view = None
    return shared


def values(view) -> np.ndarray:
    return view.picture().dimension_values("value", flat=False)[::-1]


def test_nothing_is_opened_before_it_is_asked_for(page):
    assert page.second.view is None
    changes = page.second.changes
    page.second.source = "Other"
    page.second.variable = None
    assert page.second.view is None
    assert page.second.changes == changes


def test_it_starts_as_a_copy_of_the_first_and_goes_its_own_way(page):
    page.step_to(time="2019-01-06")
    second = page.second.start()
    assert (second.cube, second.variable, second.chosen) == (page.cube, "a", {"time": 1})
    page.second.choose(time="2019-01-11")
    assert (page.chosen, page.second.view.chosen) == ({"time": 1}, {"time": 2})
    page.step_to(time="2019-01-01")
    assert page.second.view.chosen == {"time": 2}
    np.testing.assert_array_equal(values(page.second.view), layered()["a"].values[2])
    np.testing.assert_array_equal(values(page.view), layered()["a"].values[0])


def test_starting_twice_keeps_what_was_chosen(page):
    page.second.choose(variable="b", time="2019-01-11")
    before = page.second.view
    assert page.second.start() is before
    assert (before.variable, before.chosen) == ("b", {"time": 2})


def test_legend_and_layers_follow_the_first(page):
    page.second.start()
    page.param.update(legend_is=CONTINUOUS, layers=[HATCH])
    second = page.second.start()
    assert second.continuous
    assert second.layers == [HATCH]


def test_other_data_are_shown_with_their_own_numbers(page):
    page.second.choose("Other", time="2019-01-06")
    np.testing.assert_array_equal(values(page.second.view), layered()["a"].values[1] + 1000)
    assert page.cube.title == "Layered"
    assert page.second.view.cube.title == "Other"
    assert (page.second.source, page.source) == ("Other", "First")


@pytest.mark.parametrize(
    ("choice", "error", "said"),
    [
        ({"variable": "nothing"}, NotFoundError, "no map 'nothing'"),
        ({"source": "Other", "variable": "b"}, NotFoundError, "no map 'b'"),
        ({"time": "1999-01-01"}, InputError, "is not there"),
        ({"source": "Other", "month": 3}, InputError, "no dimension 'month'"),
    ],
)
def test_a_choice_that_is_not_there_is_told_and_the_map_stays(page, choice, error, said):
    page.second.choose(time="2019-01-06")
    changes = page.second.changes
    with pytest.raises(error, match=said):
        page.second.choose(**choice)
    assert page.second.view.cube.title == "Layered"
    assert page.second.view.chosen == {"time": 1}
    assert (page.second.source, page.second.changes) == ("First", changes)


def test_each_choice_draws_the_maps_anew_once(page):
    page.compared = BESIDE
    drawn = []
    page.second.param.watch(lambda event: drawn.append(event.new), "changes")
    page.second.choose(variable="b")
    assert len(drawn) == 1
    page.second.source = "Other"
    assert len(drawn) == 2
    page.second.source = "First"
    page.second.variable = "still"
    assert len(drawn) == 4


def sliders(page: Explorer) -> list:
    return list(page.second.panel()[2])


def test_sliders_are_those_of_the_variable_and_move_the_second_map_alone(page):
    page.compared = BESIDE
    found = sliders(page)
    assert [slider.name for slider in found] == ["Second map: time"]
    frame = page.second.frame
    found[0].value = 2
    assert page.second.view.chosen == {"time": 2}
    assert page.second.frame == frame + 1
    assert page.chosen == {"time": 0}
    page.second.choose(variable="still")
    assert sliders(page) == []


def test_steps_that_read_alike_keep_a_place_each_on_the_slider():
    data = xr.Dataset(
        {"a": (("time", "y", "x"), np.arange(12.0).reshape(3, 2, 2))},
        {"time": np.array(["2020-01-01T00:00:01", "2020-01-01T00:00:02", "2020-01-02"], "datetime64[ns]")},
    )
    page = explore(data)
    page.compared = BESIDE
    options = sliders(page)[0].options
    assert list(options.values()) == [0, 1, 2]
    assert len(options) == 3


def test_a_choice_of_variable_stands_where_there_are_several(page):
    page.compared = BESIDE
    data, variable, _, curtain = page.second.panel()
    assert data.visible
    assert variable.visible
    assert list(variable.options) == ["a", "b", "still"]
    assert not curtain.visible
    variable.value = "b"
    assert page.second.view.variable == "b"
    alone = explore(layered())
    alone.compared = BESIDE
    assert [part.visible for part in alone.second.panel()[:2]] == [False, False]


def test_the_curtain_is_drawn_by_a_slider_where_there_is_one(page):
    page.compared = SWIPE
    curtain = page.second.panel()[3]
    assert curtain.visible
    curtain.value = 20
    assert page.second.curtain == 20
    page.compared = BESIDE
    assert not curtain.visible


def test_the_header_names_both_maps(page):
    page.compared = BESIDE
    page.second.choose("Other", time="2019-01-11")
    header = page.header.value
    assert "Second map: Other" in header
    assert "11 January 2019" in header
    assert "1 January 2019" in header
    page.compared = ONE
    assert "Other" not in page.header.value


def test_header_address_and_code_follow_the_slider_of_the_second_map(page):
    page.compared = BESIDE
    sliders(page)[0].value = 1
    assert "6 January 2019" in page.header.value
    assert page.query()["second.step.time"] == "2019-01-06"
    assert page.code_box.value == page.code()
    assert "2019-01-06" in page.code_box.value


def test_data_that_cannot_be_opened_are_told_and_the_second_map_stays(sources):
    page = Explorer({**sources, "Bad": xr.Dataset({"a": ("time", [1.0])})})
    page.compared = BESIDE
    before = page.second.view
    page.second.source = "Bad"
    assert page.alert.visible
    assert "no map" in page.alert.object
    assert page.second.view is before


@pytest.mark.parametrize(("percent", "edge"), [(0, 100.0), (50, 105.0), (100, 110.0), (25, 102.5)])
def test_the_edge_is_a_share_of_what_is_in_view(percent, edge):
    page = SimpleNamespace(cube=cube(layered()))
    curtain = Curtain(page, None)
    assert curtain.edge(percent, (100.0, 110.0)) == (edge, 110.0)
    west, east = 99.75, 103.75  # edges of the outermost cells
    assert curtain.edge(percent, None) == pytest.approx((west + (east - west) * percent / 100, east))


def test_a_second_map_knows_the_page_it_belongs_to_alone(page, sources):
    two = Explorer(sources)
    page.second.choose("Other")
    assert two.second.view is None
    assert isinstance(two.second, Second)
    assert two.second.start().cube.title == "Layered"
