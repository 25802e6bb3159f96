"""The table of zones and its plot: digits, units, notes, the largest first, the rest in the CSV file."""

import csv

import numpy as np
import pandas as pd
import pytest

from musyq_lab.dashboards._change_map import _whole_years, about_zero
from musyq_lab.dashboards._change_place import Story, _date, _with_gaps, draw, to_csv
from musyq_lab.dashboards._change_zones import TOP, ZoneTable, plot, table_csv, table_html
from musyq_lab.dashboards._extension import ready


@pytest.fixture(autouse=True)
def bokeh():
    ready()


def table(count=3, **columns) -> ZoneTable:
    start = {
        "area": np.arange(count, 0, -1) * 1234.5678, "area_with_data": np.arange(count, 0, -1) * 1000.0,
        "mean": np.linspace(1, 2, count),
    }  # fmt: skip
    frame = pd.DataFrame({**start, **columns}, index=pd.Index([f"<zone {k}>" for k in range(count)], name="zone"))
    frame.attrs = {"units": "g m-2 a-1", "trend_units": "g m-2 a-1 year-1", "total_units": "Tg a-1"}
    return ZoneTable(frame, "countries", ("A rule.",))


def test_text_is_escaped_and_digits_are_sensible():
    said = table_html(table())
    assert "&lt;zone 0&gt;" in said
    assert "<zone" not in said
    assert "3,700" in said or "3700" in said
    assert "A rule." in said
    assert "g m⁻² a⁻¹" in said


def test_trends_are_written_as_finely_as_their_interval():
    trends = {"trend": [0.123456, np.nan, 1.0], "trend_low": [0.1, np.nan, 0.5], "trend_high": [0.15, np.nan, 1.5]}
    chances = {"p_value": [0.0001, np.nan, 0.04], "significant": [True, False, False]}
    said = table_html(table(3, **trends, **chances))
    assert "0.123456" not in said
    assert "&lt; 0.001" in said
    assert "–" in said
    assert "1 of 3 trends are significant together" in said


def test_only_the_largest_are_shown_and_all_saved():
    made = table(TOP + 5)
    said = table_html(made)
    assert "5 smaller ones are in the CSV file" in said
    assert said.count("<tr>") == TOP + 1
    rows = list(csv.DictReader(table_csv(made)))
    assert len(rows) == TOP + 5
    assert float(rows[0]["area (km2)"]) == pytest.approx(made.frame["area"].iloc[0])
    assert rows[0]["country"] == "<zone 0>"


def test_plots_are_means_trends_or_pairs():
    means = plot(table())
    assert len(means.Points.I) == 3
    assert len(means.Segments.I) == 0
    trends = plot(table(3, trend=[1.0, 2, 3], trend_low=[0.0, 1, 2], trend_high=[2.0, 3, 4]))
    assert len(trends.Segments.I) == 3
    assert trends.Segments.I.range("zone_value")[0] <= 0.0
    pairs = plot(table(3, before=[1.0, 2, 3], after=[2.0, 3, 4]))
    assert len(pairs.Points.I) == len(pairs.Points.II) == 3
    assert len(plot(None).Points.I) == 0
    # The largest is on top.
    assert means.Points.I.dimension_values("zone_value")[-1] == 1.0


def test_days_before_and_after_a_year_have_dates():
    assert str(_date(2010, 1.0))[:10] == "2010-01-01"
    assert str(_date(2010, -10.0))[:10] == "2009-12-21"
    assert str(_date(2012, 366.0))[:10] == "2012-12-31"
    assert _date(2010, np.nan) is None


def test_lines_are_broken_at_breaks():
    times = np.array(["2010-01", "2010-02", "2010-03", "2010-04"], "datetime64[s]")
    more, pieces = _with_gaps(times, np.array([1.0, 1, 5, 5]), times[[2]])
    np.testing.assert_array_equal(pieces, [1, 1, np.nan, 5, 5])
    assert (np.diff(more) >= np.timedelta64(0)).all()
    same, whole = _with_gaps(times, np.ones(4), times[:0])
    assert len(same) == len(whole) == 4


def test_a_story_is_drawn_and_saved_with_and_without_anything():
    times = np.array(["2010-01-01", "2011-01-01", "2012-01-01"], "datetime64[s]")
    story = Story(
        "here", "lai", "1", "time", times, np.array([1.0, np.nan, 3.0]), times[:2], np.array([1.0, 2.0]),
        spans=((times[0], times[1]),), marks=((times[2], 3.0, "#009e73"),), sentences=("A sentence.",),
        rows=(("a", "b"), (1, 2)),
    )  # fmt: skip
    shown = draw(story)
    assert len(shown.Points.I) == 2  # gaps have no point
    assert len(shown.Points.II) == 1
    assert len(shown.VSpans.I) == 1
    numbers = draw(Story("here", "npp", "1", "year", np.array([2001, 2002]), np.array([1.0, 2.0])))
    assert len(numbers.Curve.I) == 2
    assert "VSpans" not in [type(part).__name__ for part in numbers]
    rows = list(csv.reader(to_csv(story)))
    assert rows[:4] == [["place", "here"], ["found", "A sentence."], ["a", "b"], ["1", "2"]]
    assert rows[-2] == ["2011-01-01T00:00:00", ""]


@pytest.mark.parametrize("size", [1e-9, 0.013, 0.7, 1.0, 36.0, 2.4e8])
def test_classes_about_zero_are_round_and_reach_the_data(size):
    limits = about_zero(np.linspace(-size, size, 501))
    step = limits[1] - limits[0]
    np.testing.assert_allclose(np.diff(limits), step, rtol=1e-6)
    assert float(f"{step:.2g}") == pytest.approx(step)
    assert 0.5 * size < limits[-1] < 1.6 * size


def test_classes_of_dates_are_whole_years():
    limits = _whole_years(np.array([2009.4, 2019.8]))
    assert all(limit == int(limit) for limit in limits)
    assert len(limits) <= 7
    assert _whole_years(np.array([2010.2])) == (2011.0,)
