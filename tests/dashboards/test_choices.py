"""The column of choices: what is offered, and that page and widgets say the same whichever is moved."""

from pathlib import Path

import numpy as np
import param
import pytest
import xarray as xr
from dashboards.laid import layered

from musyq_lab.dashboards import _choices
from musyq_lab.dashboards._choices import _named
from musyq_lab.dashboards._compare import BESIDE, ONE
from musyq_lab.dashboards._data import cube
from musyq_lab.dashboards._shelf import Archive
from musyq_lab.dashboards._veil import FADE, HATCH, HIDE
from musyq_lab.dashboards.explorer import Explorer, explore
from musyq_lab.products._registry import PRODUCTS


@pytest.fixture(scope="module")
def shared() -> Explorer:
    data = layered()
    return explore(data.assign(b=data["a"].isel(time=0, drop=True)))


@pytest.fixture
def page(shared) -> Explorer:
    shared.param.update(compared=ONE, layers=[])
    shared.variable = "a"
    shared.clear().step_to(time="2019-01-01")
    return shared


def test_the_slider_moves_the_page_and_the_page_the_slider(page):
    (slider,) = page.panes.choices.sliders
    assert list(slider.options) == ["2019-01-01", "2019-01-06", "2019-01-11"]
    slider.value = 2
    assert page.chosen == {"time": 2}
    page.step_to(time="2019-01-06")
    assert slider.value == 1
    page.move(-1)
    assert slider.value == 0
    page.move(-1)
    assert slider.value == 2, "round at the ends"


def test_the_page_is_drawn_once_a_step_whoever_asks(page):
    (slider,) = page.panes.choices.sliders
    before = page.frame
    slider.value = 1
    assert page.frame == before + 1
    page.show("time", 1)
    page.show("height", 1)
    page.panes.choices.go("time", None)
    assert page.frame == before + 1, "nothing new, nothing drawn"


def test_a_variable_without_steps_has_no_slider_no_player_and_no_layers(page):
    choices = page.panes.choices
    assert choices.play.row.visible
    assert choices.layers.options == [HIDE, HATCH, FADE]
    page.variable = "b"
    assert list(choices.sliders) == []
    assert not choices.play.row.visible
    assert not choices.layers.visible
    assert page.move(1).chosen == {}
    page.variable = "a"
    assert len(choices.sliders) == 1
    assert choices.layers.visible


def test_one_step_alone_needs_no_slider():
    choices = explore(layered()[["a"]].isel(time=[0])).panes.choices
    assert list(choices.sliders) == []
    assert not choices.play.row.visible
    assert not choices.variable.visible


@pytest.mark.parametrize(("count", "throttled"), [(_choices._LONG, False), (_choices._LONG + 1, True)])
def test_a_long_slider_moves_the_map_when_it_is_let_go(count, throttled):
    data = xr.Dataset({"a": (("n", "y", "x"), np.zeros((count, 2, 2)))})
    page = explore(data)
    (slider,) = page.panes.choices.sliders
    slider.value = 5
    assert page.chosen == {"n": 0 if throttled else 5}
    with param.edit_constant(slider):
        slider.value_throttled = 7  # as a browser says when the handle is let go
    assert page.chosen == {"n": 7 if throttled else 5}


def test_labels_that_read_alike_have_a_place_each():
    times = np.array(["2020-01-01T00:00:01", "2020-01-01T00:00:02"], "datetime64[ns]")
    page = explore(xr.Dataset({"a": (("time", "y", "x"), np.zeros((2, 2, 2)))}, {"time": times}))
    (slider,) = page.panes.choices.sliders
    assert list(slider.options.values()) == [0, 1]
    slider.value = 1
    assert page.chosen == {"time": 1}


def test_places_of_every_kind_are_offered(page):
    options = page.panes.choices.where.options
    assert {"China", "belt_and_road"} <= set(options)
    assert len(options) == len(set(options)) > 200


def test_clearing_is_offered_where_there_is_something(page):
    clear = page.panes.choices.clear
    assert clear.disabled
    page.select(101.0, 39.0)
    assert not clear.disabled
    clear.clicks += 1
    assert clear.disabled
    page.choose_region("100.25,38.25,102.25,39.75")
    assert not clear.disabled


def test_an_empty_word_does_nothing_and_a_wrong_one_is_told(page):
    page.alert.visible = False
    where = page.panes.choices.where
    where.value = "101, 39"
    where.value = ""
    assert page.point == (101.0, 39.0)
    assert not page.alert.visible
    where.value = "5, 5"
    assert "outside" in page.alert.object
    assert page.point == (101.0, 39.0)


def test_what_is_typed_is_shown_as_text_and_never_as_a_page(page):
    page.panes.choices.where.value = "<img src=x onerror=alert(1)>"
    assert page.alert.visible
    assert "<img" not in page.alert.object


def test_boxes_and_buttons_are_bound_to_the_page(page):
    choices = page.panes.choices
    choices.layers.value = [HATCH]
    assert page.layers == [HATCH]
    choices.outlines.value = False
    assert page.outlines is False
    choices.outlines.value = True
    choices.legend.value = "Continuous"
    assert page.view.continuous
    page.legend_is = "Classes"
    assert choices.legend.value == "Classes"


def test_the_second_maps_choices_come_and_go(page):
    second = page.panes.choices.second
    assert len(second) == 0
    page.compared = BESIDE
    assert len(second) == 1
    kept = second[0]
    page.panes.choices.second_map()
    assert second[0] is kept, "not built anew while it stands"
    page.compared = ONE
    assert len(second) == 0


def test_named_classes_offer_no_other_legend():
    attrs = {"flag_values": np.array([0, 1], "int8"), "flag_meanings": "land water"}
    data = xr.Dataset({"a": (("y", "x"), np.zeros((2, 2), "int8"), attrs)})
    assert not explore(data).panes.choices.legend.visible


# ------------------------------------------------------------------------------------- product and edition


def archive(product: str, edition: str) -> Archive:
    return Archive(Path("here"), product, edition, "global", ("2019001",))


def test_an_archive_is_told_by_product_and_edition():
    known = archive("lai", "1km")
    product, edition = _named(known.title, known)
    assert product == PRODUCTS["lai"].title
    assert f"{product}, {edition}" == known.title
    strange = archive("unheard", "1km")
    assert _named(strange.title, strange) == ("unheard", "1km, 2019001 (here)")
    assert _named("A file", 3) == ("A file", "")


@pytest.fixture(scope="module")
def editions() -> Explorer:
    """Two editions of one product, and another product; the data are in memory, their names those of archives."""
    data = {name: cube(layered().assign_attrs(title=name)) for name in ("x, 1km", "x, 5km", "y")}
    groups = {"x, 1km": ("x", "1km"), "x, 5km": ("x", "5km"), "y": ("y", "")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_choices, "_named", lambda title, data: groups[title])
        return Explorer(data)


def test_products_and_editions_together_name_the_data(editions):
    product, edition = editions.panes.choices.product, editions.panes.choices.edition
    editions.source = "x, 1km"
    assert (product.value, edition.value) == ("x", "x, 1km")
    assert list(edition.options) == ["1km", "5km"]
    assert product.visible
    assert edition.visible
    edition.value = "x, 5km"
    assert editions.source == editions.cube.title == "x, 5km"
    product.value = "y"
    assert editions.source == editions.cube.title == "y"
    assert not edition.visible
    product.value = "x"
    assert editions.source == "x, 1km", "the first edition of a product"


def test_the_choices_follow_an_address(editions):
    product, edition = editions.panes.choices.product, editions.panes.choices.edition
    for source, group in (("y", "y"), ("x, 5km", "x"), ("x, 1km", "x")):
        editions.source = source
        assert (product.value, edition.value) == (group, source)
        assert editions.cube.title == source


def test_other_data_keep_the_places_that_they_have(editions):
    editions.source = "x, 1km"
    editions.clear().select(101.0, 39.0)
    editions.source = "y"
    assert editions.places == ((101.0, 39.0),)
    assert editions.point == (101.0, 39.0)
    np.testing.assert_array_equal(editions.series.values, layered()["a"].sel(longitude=101, latitude=39).values)
