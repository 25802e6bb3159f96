"""Looks at a part of a result: where it lies, what is said of it, colours and counts."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import _compute_preview as preview
from musyq_lab.dashboards._extension import ready


def grid(rows=4, columns=5, **layers) -> xr.Dataset:
    coords = {"latitude": 10.0 - np.arange(rows), "longitude": 100.0 + np.arange(columns)}
    dims = ("latitude", "longitude")
    values = np.arange(float(rows * columns)).reshape(rows, columns)
    made = {name: (dims, values + k) for k, name in enumerate(layers or {"a1": 0})}
    return xr.Dataset(made, coords)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 1000])
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_a_preview_is_as_large_as_it_may_be_and_holds_its_place(size, place):
    axis = 50.0 - 0.01 * np.arange(size)
    made = xr.Dataset(coords={"latitude": axis, "longitude": np.arange(3.0)})
    at = float(axis[round(place * (size - 1))])
    stretch = preview._stretch(made, "latitude", at)
    assert stretch.stop - stretch.start == min(size, preview.SIDE)
    assert at in axis[stretch]


@pytest.mark.parametrize("at", [50.006, -1.0, np.inf])
def test_a_place_beyond_half_a_cell_is_outside(at):
    made = xr.Dataset(coords={"latitude": 50.0 - 0.01 * np.arange(100), "longitude": np.arange(3.0)})
    with pytest.raises(InputError, match=r"which go from 49\.01 to 50"):
        preview._stretch(made, "latitude", at)
    assert preview._stretch(made, "latitude", 50.004).start == 0


def test_further_dimensions_are_taken_in_their_middle():
    made = grid()["a1"].expand_dims(time=pd.date_range("2020-01-01", periods=5), band=["r", "g"]).to_dataset()
    part = preview.tile(made)
    assert part["a1"].dims == ("latitude", "longitude")
    assert str(part.time.values)[:10] == "2020-01-03"
    assert part.band.item() == "g"


def test_what_a_preview_says_is_what_it_holds():
    values = np.array([[1.0, 2.0, np.nan], [4.0, np.inf, 5.0]])
    layer = xr.DataArray(values, {"time": np.datetime64("2020-06-01", "ns")}, ("y", "x"), "a", {"units": "K"})
    said = preview._said(layer)
    assert said == "2 × 3 cells of time 2020-06-01: 1 to 5, mean 3 K; 66.7 % hold a value."
    assert "No value" in preview._said(layer * np.nan)


@pytest.mark.parametrize("values", [[], [np.nan], [np.inf, -np.inf], [3.0], [0.0, 0.0], [1e-300, 1e300]])
def test_ends_of_colours_are_finite_and_apart(values):
    low, high = preview.limits(np.array(values))
    assert np.isfinite([low, high]).all()
    assert low < high


def test_colours_leave_out_two_percent_at_each_end():
    assert preview.limits(np.arange(101.0)) == (2.0, 98.0)


@pytest.mark.parametrize(("units", "text"), [("", "a"), ("1", "a"), ("W m-2", "a (W m⁻²)")])
def test_axes_are_called_by_name_and_unit(units, text):
    assert preview.label(xr.DataArray([0.0], name="a", attrs={"units": units})) == text


@pytest.mark.parametrize(("axis", "kind"), [([0.0, 1.0, 2.0], "Image"), ([0.0, 1.0, 4.0], "QuadMesh")])
def test_uneven_axes_are_drawn_where_they_are(axis, kind):
    ready()
    layer = xr.DataArray(np.arange(6.0).reshape(2, 3), {"y": [1.0, 0.0], "x": axis}, ("y", "x"), "a")
    drawn = preview.map_of(layer)
    assert type(drawn).__name__ == kind
    assert sorted(drawn.dimension_values("a")) == list(range(6))
    assert drawn.range("x")[0] <= 0.0 < max(axis) <= drawn.range("x")[1]


def test_a_histogram_counts_every_finite_value():
    ready()
    values = np.array([[1.0, 2.0, 2.0], [np.nan, np.inf, 9.0]])
    bars = preview.histogram_of(xr.DataArray(values, dims=("y", "x"), name="a"))
    assert bars.dimension_values("cells").sum() == 4
    assert preview.histogram_of(xr.DataArray(values * np.nan, dims=("y", "x"), name="a")).dimension_values(1).sum() == 0
