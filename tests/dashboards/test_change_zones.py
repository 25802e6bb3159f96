"""The table of zones and its plot: digits, units, notes, the largest first, the rest in the CSV file."""

import csv

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from scipy import stats

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import _change_zones as module
from musyq_lab.dashboards._change_kinds import Ask
from musyq_lab.dashboards._change_map import _whole_years, about_zero
from musyq_lab.dashboards._change_place import Story, _date, _with_gaps, draw, to_csv
from musyq_lab.dashboards._change_work import part_of
from musyq_lab.dashboards._change_zones import BY, TOP, ZoneTable, plot, table_csv, table_html, table_of, zones_of
from musyq_lab.dashboards._data import cube
from musyq_lab.dashboards._extension import ready
from musyq_lab.dashboards._jobs import Job, StoppedError
from musyq_lab.dashboards._places import polygon


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


YEARS = np.arange(2001, 2011)


def part(rows=4, columns=4, dims=("year", "lat", "lon"), units="g m-2 a-1"):
    """Ten years of 4 x 4 degrees in China: the west grows by 1 a year, the east stays; noise."""
    draw_ = np.random.Generator(np.random.Philox(14))
    values = 100 + 0.01 * draw_.standard_normal((10, rows, columns))
    values[:, :, : columns // 2] += np.arange(10)[:, None, None]
    coords = {"year": YEARS, "lat": 38.0 - np.arange(rows), "lon": 104.0 + np.arange(columns)}
    field = xr.DataArray(values, {d: coords[d] for d in dims if d in coords}, dims, name="npp", attrs={"units": units})
    return part_of(cube(field), "npp", {}, "trend", whole=True)


@pytest.fixture
def job(monkeypatch) -> Job:
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    return Job("a table", lambda _job: None, "a test", 0)


def box(west, south, east, north):
    return polygon(np.array([(west, south), (east, south), (east, north), (west, north)], float))


def test_the_row_of_a_polygon_is_that_of_its_cells(job):
    whole = part()
    made = table_of(whole, "drawn polygon", Ask(), box(103.5, 34.5, 105.5, 38.5), job)
    (row,) = made.frame.to_dict("records")
    layer = whole.subject().layer.isel(lon=slice(0, 2))
    series = layer.weighted(np.cos(np.radians(layer.lat))).mean(("lat", "lon"))
    assert row["mean"] == pytest.approx(float(series.mean()), rel=1e-6)
    expected = stats.theilslopes(series, YEARS)
    assert row["trend"] == pytest.approx(expected.slope, rel=1e-4)
    assert row["trend_low"] < row["trend"] < row["trend_high"]
    # Grams by area and year, summed over the area in km2, are teragrams a year.
    assert row["total"] == pytest.approx(row["mean"] * row["area_with_data"] * 1e6 / 1e12)
    assert row["area"] == pytest.approx(row["area_with_data"])


@pytest.mark.parametrize("west", [100.0, 104.5])
def test_half_a_cell_counts_by_half(job, west):
    full = table_of(part(), "drawn polygon", Ask(), box(103.5, 34.5, 107.5, 38.5), job).frame["area"].iloc[0]
    half = table_of(part(), "drawn polygon", Ask(), box(west, 34.5, 107.5, 38.5), job).frame["area"].iloc[0]
    assert half / full == pytest.approx(min(1.0, (107.5 - west) / 4))


def test_periods_of_zones_are_means_of_their_years(job):
    ask = Ask("periods", before=(2001, 2003), after=(2008, 2010))
    frame = table_of(part(), "countries", ask, None, job).frame
    row = frame.loc["China"]
    layer = part().subject().layer
    series = layer.weighted(np.cos(np.radians(layer.lat))).mean(("lat", "lon"))
    assert row["before"] == pytest.approx(float(series[:3].mean()), rel=1e-6)
    assert row["after"] == pytest.approx(float(series[7:].mean()), rel=1e-6)
    assert row["difference"] == pytest.approx(row["after"] - row["before"])
    peer = stats.ttest_ind(series[7:], series[:3], equal_var=False)
    assert row["difference_p_value"] == pytest.approx(peer.pvalue, rel=1e-2)
    assert frame.attrs["units"] == "g m-2 a-1"


def test_the_largest_zone_is_first_and_units_stay(job):
    made = table_of(part(12, 40), "countries", Ask(), None, job)
    assert len(made.frame) > 1
    assert (np.diff(made.frame["area"]) <= 0).all()
    assert made.units["total"] == "Tg a-1"
    assert made.units["trend"] == "g m-2 a-1 year-1"
    assert "UN M49" in made.notes[-1]


def test_a_single_map_has_no_trend_and_no_total_without_an_amount(job):
    one = part(dims=("year", "lat", "lon"), units="K")
    single = part_of(cube(one.cube.dataset["npp"].isel(year=0, drop=True)), "npp", {}, "trend", whole=True)
    frame = table_of(single, "countries", Ask(), None, job).frame
    assert set(frame.columns) == {"area", "area_with_data", "mean"}
    assert "trend" not in table_html(ZoneTable(frame, "countries", ()))


def test_the_job_is_told_and_can_end_the_table(job):
    table_of(part(), "countries", Ask(), None, job)
    assert any("country" in line for line in job.seen().lines)
    job.cancel("A test.")
    with pytest.raises(StoppedError):
        table_of(part(), "countries", Ask(), None, job)


@pytest.mark.parametrize(
    ("by", "area", "words"),
    [
        ("drawn polygon", None, "No polygon is drawn"),
        ("drawn polygon", box(0, 0, 1, 1), "No cell of the map lies in any polygon"),
        ("continents", None, "Use one of countries, regions"),
    ],
)
def test_zones_that_there_are_not_are_told(by, area, words):
    with pytest.raises(InputError, match=words):
        zones_of(part(), by, area)


def test_classes_are_those_of_the_cover(monkeypatch):
    axes = {"latitude": 40.0 - 0.5 * np.arange(20), "longitude": 100.0 + 0.5 * np.arange(30)}
    codes = np.where(axes["longitude"] < 105.6, 1, 2) * np.ones((20, 1), int)
    attrs = {"flag_values": [1, 2], "flag_meanings": "deep_forest bare"}
    cover = xr.DataArray(codes, axes, ("latitude", "longitude"), attrs=attrs)
    monkeypatch.setattr(module, "_cover", lambda: cover)
    found = zones_of(part(), "land cover")
    assert found.names == ("deep forest", "bare")
    assert found.areas.sum() == pytest.approx(found.area.sum())


@pytest.mark.parametrize("by", list(BY))
def test_what_one_zone_is_heads_the_table_and_the_file(by):
    made = ZoneTable(table().frame, by, ())
    assert BY[by] in table_html(made)
    assert next(csv.reader(table_csv(made)))[0] == BY[by]


def test_zones_without_any_value_are_not_drawn_but_listed():
    made = table(3, mean=[1.0, np.nan, 3.0])
    assert len(plot(made).Points.I) == 2
    assert table_html(made).count("<tr>") == 4
    assert len(list(csv.DictReader(table_csv(made)))) == 3
    empty = table(2, mean=[np.nan, np.nan])
    assert len(plot(empty).Points.I) == 0


def test_a_polygon_of_several_parts_is_one_zone():
    parts = shapely.union_all([shapely.box(103.5, 34.5, 104.5, 35.5), shapely.box(106.5, 37.5, 107.5, 38.5)])
    both = zones_of(part(), "drawn polygon", type("Area", (), {"name": "two parts", "geometry": parts}))
    assert both.names == ("two parts",)
    assert both.shares.toarray().sum() == pytest.approx(2.0)
