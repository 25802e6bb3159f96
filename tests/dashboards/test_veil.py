"""Quality and uncertainty on the map, cell by cell."""

import holoviews as hv
import numpy as np
import pytest
import xarray as xr
from dashboards.laid import layered

from musyq_lab.dashboards import _veil
from musyq_lab.dashboards._data import cube
from musyq_lab.dashboards._extension import ready
from musyq_lab.dashboards._veil import FADE, HATCH, HIDE, flagged, offered, said, uncertainty_steps
from musyq_lab.dashboards._view import View
from musyq_lab.dashboards._window import window


@pytest.fixture(autouse=True)
def _bokeh():
    ready()


@pytest.fixture
def view() -> View:
    return View(layered())


def test_layers_are_offered_where_their_companions_are():
    full, bare = cube(layered()), cube(layered()[["a"]])
    assert offered(full, "a") == [HIDE, HATCH, FADE]
    assert offered(bare, "a") == []
    assert offered(cube(layered()[["a", "a_qa"]]), "a") == [HIDE, HATCH]


def test_flagged_cells_are_those_with_a_bit(view):
    found = flagged(window(view.cube, "a"), "a", view.chosen)
    assert np.argwhere(found).tolist() == [[1, 2]]


def test_of_codes_the_first_means_that_all_is_well():
    attrs = {"flag_values": np.array([3, 0], "uint8"), "flag_meanings": "good bad"}
    data = layered().isel(time=0, drop=True)[["a"]]
    data["a_qa"] = (data["a"].dims, np.where(np.arange(8) < 2, 0, 3).astype("uint8") * np.ones((6, 1), "uint8"), attrs)
    found = flagged(window(cube(data), "a"), "a", {})
    assert found.sum() == 12
    assert found[:, :2].all()


def test_hidden_cells_have_no_colour_and_keep_their_value(view):
    view.layers = [HIDE]
    picture = view.picture()
    classes = picture.dimension_values("class", flat=False)[::-1]
    assert np.argwhere(classes == 255).tolist() == [[1, 2]]
    assert picture.dimension_values("value", flat=False)[::-1][1, 2] == 13
    view.classed = False
    assert np.argwhere(np.isnan(view.picture().dimension_values("value", flat=False)[::-1])).tolist() == [[1, 2]]


def test_the_steps_of_uncertainty_count_the_limits_that_sigma_reaches(view):
    found = uncertainty_steps(window(view.cube, "a"), "a", view.chosen, view.legend)
    relative = np.linspace(0, 1.2, 8)
    expected = [sum(r >= limit for limit in _veil.LIMITS) for r in relative]
    assert found[0].tolist() == expected
    assert (found == found[0]).all()


def test_a_temperature_is_compared_with_the_legend_and_not_with_its_zero():
    data = layered().isel(time=0, drop=True)
    data["a"] = (data["a"].dims, 280 + np.zeros((6, 8)) + np.arange(8), {"units": "K"})
    data["a_uncertainty"] = (data["a"].dims, np.full((6, 8), 4.0), {"units": "K"})
    view = View(data, classes=[282.0, 284.0, 286.0])
    assert view.legend.ends == (280.0, 288.0)
    assert (uncertainty_steps(window(view.cube, "a"), "a", {}, view.legend) == 3).all()  # a half


def test_zero_with_a_sigma_is_all_uncertainty_and_missing_is_none():
    data = layered().isel(time=0, drop=True)
    data["a"].values[0, :2] = 0, np.nan
    data["a_uncertainty"].values[0, :2] = 1, np.nan
    view = View(data)
    assert uncertainty_steps(window(view.cube, "a"), "a", {}, view.legend)[0, :2].tolist() == [4, 0]


@pytest.mark.parametrize("layers", [[], [HIDE], [FADE], [HATCH], [HATCH, FADE]])
def test_the_veil_covers_the_cells_it_is_about(view, layers):
    view.layers = layers
    over = view.veil()
    if layers in ([], [HIDE]):
        assert not over.dimension_values("veil").any()
        return
    picture = view.picture()
    np.testing.assert_allclose(over.bounds.lbrt(), picture.bounds.lbrt())
    rows = over.dimension_values("veil", flat=False)[::-1]
    fine = rows.shape[0] // 6
    cell = rows[fine : 2 * fine, 2 * fine : 3 * fine]
    assert (HATCH in layers) == bool((cell == 5).any())
    assert (rows[:fine, :fine] == 0).all()
    assert (FADE in layers) == bool((rows[:, -fine:] == 4).all())
    if HATCH in layers:
        assert 0.1 < (cell == 5).mean() < 0.6, "lines, not a block"


def test_uneven_axes_have_a_veil_too():
    data = layered().isel(time=0, drop=True).assign_coords(longitude=[100, 101, 103, 107, 110, 111, 112, 113])
    view = View(data, layers=[HATCH])
    assert isinstance(view.veil(), hv.QuadMesh)
    assert (view.veil().dimension_values("veil") == 5).sum() == 1


def test_what_the_layers_mean_is_said():
    assert said([], "1") == ""
    assert said([HATCH], "1") == "Flagged cells are hatched."
    assert "10, 20, 50, 100 % of the value" in said([FADE], "W m-2")
    assert "width of the legend" in said([FADE], "K")


def test_data_without_any_value_have_a_view():
    empty = xr.full_like(layered(), np.nan)
    empty["a_qa"] = layered()["a_qa"]
    view = View(empty, layers=[HIDE, HATCH, FADE])
    assert (view.picture().dimension_values("class") == 255).all()
    view.veil()
