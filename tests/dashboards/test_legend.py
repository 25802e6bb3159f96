"""Classes of the legend: round breaks, right-open intervals, named codes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musyq_lab.dashboards._data import cube
from musyq_lab.dashboards._hover import decimals
from musyq_lab.dashboards._legend import Legend, legend_for, nice_breaks
from musyq_lab.dashboards._map import outlines
from musyq_lab.dashboards._window import window
from musyq_lab.figures.classes import class_table


@given(st.floats(-1e6, 1e6), st.floats(1e-5, 1e3))
def test_breaks_are_four_to_seven_ascending_and_inside(low, relative):
    width = relative * max(abs(low), 1.0)
    values = np.linspace(low, low + width, 101)
    breaks = nice_breaks(values)
    assert 4 <= len(breaks) <= 7
    assert list(breaks) == sorted(set(breaks))
    assert low - width / 100 <= breaks[0] < breaks[-1] <= low + width + width / 100


def test_breaks_are_round():
    assert nice_breaks(np.linspace(0, 330, 1001)) == (50, 100, 150, 200, 250, 300)


@pytest.mark.parametrize("values", [np.array([]), np.zeros(5), np.full(3, 1e9), np.full(3, -7.0)])
def test_constant_and_empty_data_still_have_breaks(values):
    breaks = nice_breaks(values)
    assert len(breaks) == 4
    assert list(breaks) == sorted(set(breaks))


def test_intervals_are_right_open():
    legend = Legend(("a", "b", "c"), ("", "", ""), (1.0, 2.0))
    np.testing.assert_array_equal(legend.classify([0.9, 1.0, 1.9, 2.0, np.nan]), [0, 1, 1, 2, np.nan])


def test_named_classes_keep_codes_and_leave_out_no_data():
    legend = legend_for(cube("climate_classes"), "climate")
    assert "no data" not in legend.labels
    assert len(legend.colours) == len(legend.labels) == len(legend.codes)
    assert np.isnan(legend.classify([0])[0])
    cover = legend_for(cube("land_cover_mcd12c1_2019"), "land_cover")
    assert cover.labels[12] == "cropland"
    assert cover.colours[0] == "#1c0dff"


def test_one_legend_for_all_months():
    data = cube("ghi_merra2_monthly")
    assert legend_for(data, "ghi") == legend_for(data, "ghi")
    assert decimals(legend_for(data, "ghi")) == 0


def test_named_table_gives_its_breaks_and_colours():
    data = cube("ghi_merra2_monthly")
    annual = (data.dataset["ghi"].mean("month") * 8.766).rename("x").assign_attrs(units="kWh m-2 a-1")
    legend = legend_for(cube(annual), "x", "dsr_annual")
    table = class_table("dsr_annual")
    assert (legend.breaks, legend.colours) == (table.breaks, table.colours)


def test_window_covers_the_view_with_a_margin():
    data = cube("ghi_merra2_monthly")
    part = window(data, "ghi", (-10.0, 10.0), (0.0, 20.0))
    assert part.stride == 1
    assert part.across.min() <= -10 <= 10 <= part.across.max()
    assert part.across.size < 12
    assert window(data, "ghi", (500.0, 600.0), None).pieces["longitude"] == slice(0, 120, 1)


def test_outlines_can_be_left_out():
    data = cube("ghi_merra2_monthly")
    assert len(outlines(data, True)) > 1000
    assert len(outlines(data, False)) == 0
