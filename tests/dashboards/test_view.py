"""One map: which variable, step, layers and picture; what it says of itself."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from dashboards.laid import layered, projected
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.dashboards import _window
from musyq_lab.dashboards._data import made
from musyq_lab.dashboards._levels import Levels
from musyq_lab.dashboards._veil import FADE, HATCH, HIDE
from musyq_lab.dashboards._view import View

ATTRS = {"flag_values": np.array([1, 2], "int8"), "flag_meanings": "land water"}


def two() -> xr.Dataset:
    """Two maps, the second with fewer steps and another dimension."""
    data = layered()
    later = data["a"].isel(time=slice(0, 2)).rename(time="short").drop_vars("short").rename("b")
    return data.assign(b=later.expand_dims(kind=["x", "y", "z"]), c=data["a"].isel(time=0, drop=True))


@pytest.fixture(scope="module")
def pair() -> xr.Dataset:
    return two()


def test_the_first_map_and_the_first_step_are_shown(pair):
    view = View(pair)
    assert (view.variable, view.chosen) == ("a", {"time": 0})
    assert View(pair, "b").chosen == {"kind": 0, "short": 0}
    assert View(pair, "c").chosen == {}


def test_another_variable_keeps_the_step_where_it_has_it(pair):
    view = View(pair)
    view.choose({"time": "2019-01-11"})
    view.map_variable("c")
    assert view.chosen == {}
    few = xr.Dataset({"a": (("n", "y", "x"), np.ones((5, 2, 2))), "b": (("n", "y", "x"), np.ones((5, 2, 2)))})
    view = View(few)
    view.chosen = {"n": 4}
    view.map_variable("b")
    assert view.chosen == {"n": 4}


def test_an_unknown_variable_is_told_and_the_view_stays(pair):
    view = View(pair)
    before = (view.variable, view.legend, view.chosen)
    with pytest.raises(NotFoundError, match=r"no map 'aa'\. Did you mean 'a'\?"):
        view.map_variable("aa")
    assert (view.variable, view.legend, view.chosen) == before
    with pytest.raises(NotFoundError):
        view.map_variable("a_qa")


def test_a_legend_that_cannot_be_made_leaves_the_view_as_it_was(pair):
    view = View(pair, classes=[1.0, 2.0])
    view.classes = [2.0, 1.0]
    with pytest.raises(InputError):
        view.map_variable("c")
    assert view.variable == "a"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2))
def test_each_step_is_chosen_by_what_restores_it(step):
    view = View(layered())
    view.chosen = {"time": step}
    again = View(layered())
    again.choose(view.labels())
    assert again.chosen == view.chosen
    again.choose({dim: eval(text) for dim, text in view.literals().items()})
    assert again.chosen == view.chosen


@pytest.mark.parametrize(
    ("labels", "words", "literals"),
    [
        ([3, 7], ["March", "July"], ["3", "7"]),
        (["DJF", "JJA"], ["DJF", "JJA"], ["'DJF'", "'JJA'"]),
        ([0.5, 2.5], ["0.5", "2.5"], ["'0.5'", "'2.5'"]),
        (["it's", 'a "b"'], ["it's", 'a "b"'], ['"it\'s"', "'a \"b\"'"]),
    ],
)
def test_labels_of_any_kind_restore_their_step(labels, words, literals):
    data = xr.Dataset({"a": (("month", "y", "x"), np.ones((2, 2, 2)))}, {"month": labels})
    view = View(data)
    for at in (0, 1):
        view.chosen = {"month": at}
        assert view.labels() == {"month": words[at]}
        assert view.literals() == {"month": literals[at]}
        for given_label in (labels[at], words[at], eval(literals[at])):
            view.choose({"month": given_label})
            assert view.chosen == {"month": at}


def test_a_wrong_step_among_right_ones_changes_nothing(pair):
    view = View(pair, "b")
    with pytest.raises(InputError, match=r"kind='w' is not there\. It runs from x to z"):
        view.choose({"short": 1, "kind": "w"})
    assert view.chosen == {"kind": 0, "short": 0}
    with pytest.raises(InputError, match="'b' has no dimension 'time'"):
        view.choose({"kind": "y", "time": "2019-01-01"})
    assert view.chosen == {"kind": 0, "short": 0}


@pytest.mark.parametrize("label", [None, "", "2019", 1, 2.0, "2019-01-01T00"])
def test_what_is_no_step_is_told_with_those_there_are(label):
    with pytest.raises(InputError, match="It runs from 2019-01-01 to 2019-01-11"):
        View(layered()).choose({"time": label})


def test_layers_that_a_variable_lacks_are_kept_but_not_shown(pair):
    view = View(pair, "a", layers=[FADE, HATCH, HIDE])
    assert view.shown_layers == [FADE, HATCH, HIDE]
    view.map_variable("c")
    assert view.shown_layers == []
    view.map_variable("a")
    assert view.shown_layers == [FADE, HATCH, HIDE]


def test_named_classes_are_never_continuous(pair):
    assert View(pair, classed=False).continuous
    assert not View(pair).continuous
    named = xr.Dataset({"a": (("y", "x"), np.ones((2, 2), "int8"), ATTRS)})
    assert not View(named, classed=False).continuous


def test_a_continuous_picture_holds_values_and_a_classed_one_their_classes():
    data = layered()[["a"]]
    plain, classed = (View(data, classed=kind).picture() for kind in (False, True))
    assert [d.name for d in plain.vdims] == ["value"]
    assert [d.name for d in classed.vdims] == ["class", "value"]
    np.testing.assert_array_equal(plain.dimension_values("value"), classed.dimension_values("value"))


def test_the_picture_is_that_of_the_step_and_of_the_part_in_view():
    view = View(layered())
    view.choose({"time": "2019-01-11"})
    part = view.picture((101.0, 102.0), (38.5, 39.0))
    truth = layered()["a"].isel(time=2).sel(longitude=slice(100.5, 102.5), latitude=slice(39.5, 38.0))
    np.testing.assert_array_equal(part.dimension_values("value", flat=False)[::-1], truth.values)
    assert view.window.stride == 1


def many(**more) -> View:
    data = layered()[["a"]]
    return View(made(data, "T", "o", "c", **more))


def test_the_file_is_that_of_the_step():
    files = tuple(Path(f"{k}.h5") for k in range(3))
    view = many(files=files)
    for step, file in enumerate(files):
        view.chosen = {"time": step}
        assert view.file == file
    assert many(files=files[:1]).file == files[0]
    assert many().file is None


def test_a_map_is_large_where_it_has_more_cells_than_are_sent(monkeypatch):
    from musyq_lab.dashboards import _view

    for cells, large in ((47, True), (48, False)):
        monkeypatch.setattr(_view, "CELLS", cells)
        assert many().large is large
        assert many().unaided is large
        assert not many(levels=Levels([2])).unaided


def test_the_map_says_what_is_shown_with_unit_step_period_and_stage():
    data = layered()[["a"]].assign_attrs(period="2011-2015", validation_stage="2", processing_level="L4")
    view = View(data)
    view.choose({"time": "2019-01-06"})
    assert view.said() == "A field · W m⁻² · 6 January 2019 · validation stage 2"
    still = View(data.isel(time=0, drop=True))
    assert still.said() == "A field · W m⁻² · 2011-2015 · validation stage 2"
    level = View(layered()[["a"]].isel(time=0, drop=True).assign_attrs(processing_level="L4"))
    assert level.said() == "A field · W m⁻² · level L4"


@pytest.mark.parametrize("units", ["1", ""])
def test_without_unit_or_name_only_the_variable_is_said(units):
    data = xr.Dataset({"x_y": (("y", "x"), np.ones((2, 2)), {"units": units})})
    assert View(data).said() == "X_y"


def test_further_dimensions_are_said_by_name():
    view = View(two(), "b")
    view.choose({"kind": "y", "short": 1})
    assert "kind y, short 1" in view.said()


@pytest.mark.parametrize(
    ("cells", "said"),
    [(48, ""), (24, "Every second cell is shown"), (8, "Every third cell is shown"), (3, "Every 4th cell is shown")],
)
def test_a_thinned_picture_says_how_coarse_it_is(monkeypatch, cells, said):
    monkeypatch.setattr(_window, "CELLS", cells)
    view = View(layered())
    assert view.scale_said() == "", "nothing was drawn yet"
    view.picture()
    assert view.scale_said().startswith(said)
    assert bool(view.scale_said()) == bool(said)


def test_an_overview_says_its_factor(monkeypatch):
    data = layered()[["a"]]
    levels = Levels([2], lambda factor: data.coarsen(latitude=2, longitude=2).mean())
    view = many(levels=levels)
    for cells, said in (
        (12, "The overview of 2 × 2 cells is shown; zoom in for all."),
        (4, "Every second cell of the overview of 2 × 2 cells is shown; zoom in for all."),
    ):
        monkeypatch.setattr(_window, "CELLS", cells)
        view.picture()
        assert view.scale_said().lower() == said.lower()
        assert view.scale_said()[0].isupper()


def test_a_projected_raster_has_a_style_and_a_picture():
    view = View(projected())
    picture = view.picture()
    assert picture.dimension_values("value").size == 1200
    assert view.style()["clabel"] == "a"
    assert view.labels() == view.literals() == {}
