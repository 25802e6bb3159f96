"""What the Change page says of one place: numbers against scipy and numpy, sentences, drawings, CSV and NetCDF."""

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from musyq_lab.dashboards import _change_place as module
from musyq_lab.dashboards._change_kinds import KINDS, Ask
from musyq_lab.dashboards._change_place import Story, draw, story_at, to_csv, to_netcdf
from musyq_lab.dashboards._data import cube
from musyq_lab.dashboards._extension import ready

YEARS = np.arange(2001, 2013)
MINUS = "−"


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    """One series at a time: compiling the kernels would take longer than running them as Python."""
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    ready()


def mapped(series, dim="year", labels=YEARS, name="npp", units="g m-2 a-1"):
    """A map of 2 x 2 cells; the series lies in the north-west, the others hold a thousand."""
    series = np.asarray(series, float)
    values = np.full((series.size, 2, 2), 1000.0)
    values[:, 0, 0] = series
    coords = {dim: labels, "lat": [30.0, 29.0], "lon": [-5.0, -4.0]}
    return cube(xr.DataArray(values, coords, (dim, "lat", "lon"), name=name, attrs={"units": units}))


def told(series, ask=None, point=(-5.0, 30.0), **how) -> Story:
    data = mapped(series, **how)
    return story_at(data, data.variables[0], {}, ask or Ask("trend"), point)


def noisy(count=12, slope=0.4, seed=5):
    draw_ = np.random.Generator(np.random.Philox(seed))
    return 20 + slope * np.arange(count) + draw_.standard_normal(count)


def number(text: str) -> float:
    return float(text.replace(MINUS, "-").replace("+", ""))


def months(count, start="2010-01-01"):
    return pd.date_range(start, periods=count, freq="MS")


def test_the_slope_and_its_limits_are_those_of_scipy():
    series = noisy()
    story = told(series)
    expected = stats.theilslopes(series, YEARS, 0.95)
    found = dict(story.rows[1:])
    assert found["slope"] == pytest.approx(expected.slope)
    words = story.sentences[0].split()
    assert number(words[1]) == pytest.approx(expected.slope, rel=6e-3)
    assert words[2:6] == ["g", "m⁻²", "a⁻¹", "a"]
    assert found["slope_low"] < expected.slope < found["slope_high"]
    assert found["tau"] == pytest.approx(stats.kendalltau(YEARS, series).statistic)
    assert f"tau {found['tau']:.2f}" in story.sentences[1]


def test_the_drawn_line_has_the_slope_and_goes_through_the_middle_of_the_data():
    series = noisy()
    story = told(series)
    steps = np.diff(story.fitted)
    np.testing.assert_allclose(steps, dict(story.rows[1:])["slope"])
    residual = series - story.fitted
    assert np.median(residual) == pytest.approx(0.0, abs=1e-12)
    assert (story.low <= story.fitted + 1e-12).all()
    assert (story.high >= story.fitted - 1e-12).all()
    # The band closes in the middle and opens to both ends.
    width = story.high - story.low
    assert width.argmin() in (5, 6)
    assert width[0] > width[6] < width[-1]
    np.testing.assert_array_equal(story.fit_times, YEARS)


def test_a_falling_series_has_a_minus_sign_that_is_one():
    story = told(noisy(slope=-3.0))
    assert f"Slope {MINUS}" in story.sentences[0]
    assert "-" not in story.sentences[0].replace("Mann-Kendall", "").replace("a⁻¹", "")
    assert "below 0.001, significant at 5 %" in story.sentences[1]


def test_a_series_without_a_trend_is_not_significant():
    story = told([1.0, -1.0] * 6)
    assert "not significant at 5 %" in story.sentences[1]
    flat = told(np.full(12, 7.0))
    assert "Slope +0 " in flat.sentences[0]
    assert "not significant" in flat.sentences[1]
    np.testing.assert_allclose(flat.fitted, 7.0)


def test_gaps_are_left_out_of_the_trend():
    series = noisy()
    series[[0, 5]] = np.nan
    story = told(series)
    known = np.isfinite(series)
    assert dict(story.rows[1:])["slope"] == pytest.approx(stats.theilslopes(series[known], YEARS[known]).slope)
    assert dict(story.rows[1:])["count"] == 10
    assert np.isfinite(story.fitted).all()
    assert np.median((series - story.fitted)[known]) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("count", [1, 3])
def test_too_few_values_for_a_trend_are_counted(count):
    series = np.full(12, np.nan)
    series[:count] = 1.0
    story = told(series)
    assert story.sentences == (f"Only {count} values: a trend needs at least 4.",)
    assert story.rows == ()
    assert not story.empty


def test_a_trend_of_months_is_that_of_yearly_means():
    count = 72
    season = 5 * np.sin(np.arange(count) * np.pi / 6)
    series = season + 0.5 * (np.arange(count) // 12)
    story = told(series, dim="time", labels=months(count), name="lai", units="1")
    assert "of yearly means" in story.sentences[0]
    assert "a year" in story.sentences[0]
    assert dict(story.rows[1:])["slope"] == pytest.approx(0.5)
    assert len(story.marks) == 6
    assert [str(when)[:10] for when, _, _ in story.marks] == [f"{year}-07-01" for year in range(2010, 2016)]
    np.testing.assert_allclose([value for _, value, _ in story.marks], 0.5 * np.arange(6), atol=1e-12)
    assert "(1)" not in story.sentences[0]


def test_too_few_years_of_dates_have_a_trend_of_steps():
    series = np.arange(24.0)
    story = told(series, dim="time", labels=months(24), name="lai", units="1")
    assert "of the steps, their season included" in story.sentences[0]
    assert story.marks == ()
    days = (months(24)[-1] - months(24)[0]).days
    assert dict(story.rows[1:])["slope"] == pytest.approx(23 / (days / 365.2425), rel=0.02)
    assert story.fit_times.dtype.kind == "M"


@pytest.mark.parametrize(("point", "where"), [((-5.2, 30.3), "30.00° N, 5.00° W"), ((-4.4, 29.4), "29.00° N, 4.00° W")])
def test_the_cell_nearest_to_the_click_is_told(point, where):
    story = told(np.arange(12.0), point=point)
    assert story.place == where
    assert story.values[0] == (0.0 if "30" in where else 1000.0)


def test_nothing_at_all_is_told_as_sea():
    story = told(np.full(12, np.nan))
    assert story.empty
    assert story.sentences == ("No data here: sea, or outside the product. Click a coloured cell.",)
    assert story.fitted.size == 0


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_the_data_lack_is_told_of_the_place_too(kind):
    one = told([3.0], Ask(kind), dim="time", labels=months(1))
    assert len(one.sentences) == 1
    assert one.sentences[0].endswith(".")
    assert one.rows == ()
    np.testing.assert_array_equal(one.values, [3.0])


def test_a_single_map_is_a_story_of_one_value():
    field = xr.DataArray(
        np.array([[4.0, 5.0], [6.0, 7.0]]), {"lat": [1.0, 0.0], "lon": [0.0, 1.0]}, ("lat", "lon"), name="a"
    )
    story = story_at(cube(field), "a", {}, Ask("trend"), (1.0, 0.0))
    np.testing.assert_array_equal(story.values, [7.0])
    assert story.dim == ""
    assert "no dates" in story.sentences[0]
    rows = list(csv.reader(to_csv(story)))
    assert rows[-1] == ["0.0", "7"]
    assert rows[-2] == ["step", "a (1)"]


def test_further_dimensions_are_taken_at_what_is_chosen():
    values = np.arange(2 * 5 * 2 * 2, dtype=float).reshape(2, 5, 2, 2)
    coords = {"level": ["low", "high"], "year": np.arange(2001, 2006), "lat": [1.0, 0.0], "lon": [0.0, 1.0]}
    data = cube(xr.DataArray(values, coords, ("level", "year", "lat", "lon"), name="a"))
    for level in (0, 1):
        story = story_at(data, "a", {"level": level}, Ask("trend"), (1.0, 1.0))
        np.testing.assert_array_equal(story.values, values[level, :, 0, 1])


@pytest.mark.parametrize("baseline", [None, (2001, 2004)])
@pytest.mark.parametrize("measure", ["difference", "relative", "standard deviations"])
def test_anomalies_of_a_place_are_those_of_numpy(baseline, measure):
    series = noisy()
    story = told(series, Ask("anomaly", baseline=baseline, measure=measure))
    past = series if baseline is None else series[:4]
    expected = series - past.mean()
    if measure != "difference":
        expected = expected / (past.mean() if measure == "relative" else past.std(ddof=1))
    np.testing.assert_allclose(story.values, expected)
    assert story.rows[0] == ("year", "anomaly")
    assert [row[0] for row in story.rows[1:]] == [str(year) for year in YEARS]
    np.testing.assert_allclose([row[1] for row in story.rows[1:]], expected)
    said = story.sentences[0]
    assert f"({YEARS[expected.argmin()]})" in said
    assert f"({YEARS[expected.argmax()]})" in said
    assert ("all years" if baseline is None else "2001 to 2004") in said
    assert ("standard deviations" in said) == (measure == "standard deviations")
    assert ("g m⁻² a⁻¹" in said) == (measure == "difference")
    assert story.units == ("g m-2 a-1" if measure == "difference" else "1")
    np.testing.assert_array_equal(story.fitted, [0.0, 0.0])  # the line that anomalies are about
    np.testing.assert_array_equal(story.fit_times, YEARS[[0, -1]])


def test_reference_years_without_values_here_are_told():
    series = noisy()
    series[:4] = np.nan
    story = told(series, Ask("anomaly", baseline=(2001, 2004)))
    assert story.sentences == ("The reference years hold too few values here for an anomaly.",)
    gaps = noisy()
    gaps[3] = np.nan
    story = told(gaps, Ask("anomaly"))
    assert np.isnan(story.values[3])
    assert np.isfinite(np.delete(story.values, 3)).all()


def test_anomalies_of_many_months_are_those_of_years():
    series = np.repeat([1.0, 2.0, 3.0, 6.0], 12)
    story = told(series, Ask("anomaly"), dim="time", labels=months(48), name="lai", units="1")
    np.testing.assert_allclose(story.values, [-2.0, -1.0, 0.0, 3.0])
    assert [str(when)[:10] for when in story.times] == [f"{year}-07-01" for year in range(2010, 2014)]
    assert "(2010)" in story.sentences[0]
    assert "(2013)" in story.sentences[0]


@pytest.mark.parametrize("dated", [False, True])
def test_two_periods_are_those_of_welch(dated):
    series = noisy()
    how = {} if not dated else {"dim": "time", "labels": pd.to_datetime([f"{year}-07-01" for year in YEARS])}
    story = told(series, Ask("periods", before=(2001, 2005), after=(2007, 2012)), **how)
    one, two = series[:5], series[6:]
    found = dict(story.rows[1:])
    assert found["difference"] == pytest.approx(two.mean() - one.mean())
    peer = stats.ttest_ind(two, one, equal_var=False)
    assert found["p_value"] == pytest.approx(peer.pvalue)
    assert found["standard_error"] == pytest.approx(found["difference"] / peer.statistic)
    assert "Welch" in story.sentences[1]
    assert f"{one.mean():.4g} before, {two.mean():.4g} after" in story.sentences[0]
    # Two level lines that nothing joins.
    np.testing.assert_allclose(story.fitted, [one.mean()] * 2 + [np.nan] + [two.mean()] * 2 + [np.nan])
    ends = [str(when)[:4] for when in story.fit_times]
    assert ends[:2] == ["2001", "2006" if dated else "2005"]
    assert ends[3:5] == ["2007", "2013" if dated else "2012"]


def test_without_periods_the_halves_are_compared():
    series = noisy()
    story = told(series, Ask("periods"))
    assert dict(story.rows[1:])["difference"] == pytest.approx(series[6:].mean() - series[:6].mean())


def test_periods_of_a_single_year_have_no_test():
    story = told(noisy(), Ask("periods", before=(2001, 2001), after=(2012, 2012)))
    assert story.sentences[1] == "With fewer than two years in either period there is no test."
    assert "nan" not in " ".join(story.sentences)


def test_a_step_is_found_where_it_was_planted():
    draw_ = np.random.Generator(np.random.Philox(9))
    count, at = 48, 24
    series = 10 + 0.05 * draw_.standard_normal(count)
    series[at:] -= 4.0
    story = told(series, Ask("breaks", model="level"), dim="time", labels=months(count), name="lai", units="K")
    assert len(story.rows) == 2
    number_, when, first, last, shift, chance = story.rows[1]
    assert number_ == 1
    assert shift == pytest.approx(-4.0, abs=0.1)
    assert chance < 0.05
    assert abs(np.datetime64(when) - months(count)[at].to_datetime64()) <= np.timedelta64(32, "D")
    assert np.datetime64(first) <= np.datetime64(when) <= np.datetime64(last)
    assert f"A step of {MINUS}" in story.sentences[0]
    assert " K at " in story.sentences[0]
    assert len(story.spans) == 1
    # The fit has one empty step more than the series, at the break.
    assert story.fitted.size == count + 1
    gap = int(np.flatnonzero(np.isnan(story.fitted))[0])
    assert str(story.fit_times[gap])[:10] == when
    assert np.nanmean(story.fitted[:gap]) - np.nanmean(story.fitted[gap + 1 :]) == pytest.approx(4.0, abs=0.1)


def test_noise_has_no_break():
    draw_ = np.random.Generator(np.random.Philox(10))
    story = told(draw_.standard_normal(36), Ask("breaks", model="level"), dim="time", labels=months(36))
    assert story.sentences == (
        "No break: none is stronger than what noise of the same kind shows in 5 % of all cases.",
    )
    assert story.rows == (("break", "date", "from", "to", "step", "chance"),)
    assert story.spans == ()
    assert np.isfinite(story.fitted).all()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123456, "+0.0123"), (-1.5, f"{MINUS}1.5"), (0.0, "+0"), (-1e-7, f"{MINUS}1e{MINUS}07"), (4e4, "+4e+04")],
)
def test_changes_have_a_sign_and_three_digits(value, text):
    assert module._signed(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "below 0.001"), (0.00099, "below 0.001"), (0.001, "0.001"), (0.049, "0.049"), (1.0, "1")]
)
def test_chances_are_never_zero(value, text):
    assert module._chance(value) == text


@pytest.mark.parametrize(
    ("units", "more", "text"),
    [("", "", ""), ("1", "", ""), ("K", "", " K"), ("1", "a year", " a year"), ("W m-2", "", " W m⁻²")],
)
def test_units_in_a_sentence_leave_no_stray_blank_at_the_end(units, more, text):
    story = Story("here", "a", units, "time", np.empty(0), np.empty(0))
    assert module._unit(story, more) == text


def test_dates_as_numbers_are_years():
    dates = np.array(["2000-01-01", "2001-01-01", "2004-01-01"], "datetime64[ns]")
    np.testing.assert_allclose(module._numbers(dates), [0, 1.0, 4.0], atol=3e-3)
    np.testing.assert_array_equal(module._numbers(np.array([2001, 2005])), [2001.0, 2005.0])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_of_any_precision_are_the_same_seconds(unit):
    dates = np.array(["1970-01-02", "2010-07-01"], f"datetime64[{unit}]")
    np.testing.assert_array_equal(module._numbers_since(dates), [86400.0, 1277942400.0])


@pytest.mark.parametrize("year", [1999, 2000, 2019])
@pytest.mark.parametrize("day", [-45.0, 0.0, 1.0, 1.5, 200.25, 365.0, 400.0])
def test_days_of_a_year_are_counted_as_pandas_does(year, day):
    expected = pd.Timestamp(year=year, month=1, day=1) + pd.Timedelta(days=day - 1)
    assert pd.Timestamp(module._date(year, day)) == expected


def empty() -> np.ndarray:
    return np.empty(0)


@pytest.mark.parametrize("marks", [0, 2])
@pytest.mark.parametrize("spans", [0, 1])
@pytest.mark.parametrize("dated", [False, True])
def test_all_parts_of_a_drawing_lie_on_one_axis(dated, spans, marks):
    times = np.array(["2010-01-01", "2011-01-01", "2012-01-01"], "datetime64[ns]") if dated else np.arange(2010, 2013)
    story = Story(
        "here", "lai", "m2 m-2", "time", times, np.array([1.0, np.nan, 3.0]), times, np.array([1.0, 2.0, 3.0]),
        spans=((times[0], times[1]),) * spans, marks=((times[0], 1.0, "#009e73"), (times[2], 3.0, "#e69f00"))[:marks],
    )  # fmt: skip
    drawn = draw(story)
    parts = [part for part in drawn if "step" in [dimension.name for dimension in part.dimensions()]]
    assert len(parts) == 5
    assert {part.dimension_values("step").dtype.kind for part in parts} <= ({"M"} if dated else {"i", "f"})
    assert len(drawn.Points.I) == 2
    assert len(drawn.Points.II) == marks
    assert sum("Spans" in type(part).__name__ for part in drawn) == spans
    np.testing.assert_array_equal(drawn.Curve.II.dimension_values("value"), [1.0, 2.0, 3.0])
    # Without limits of their own the band is as thin as the line.
    np.testing.assert_array_equal(drawn.Area.I.dimension_values("value"), drawn.Area.I.dimension_values("upper"))
    assert "lai (m² m⁻²)" in drawn.Curve.I.vdims[0].label


@pytest.mark.parametrize(("count", "size"), [(5, 4), (200, 4), (201, 2)])
def test_points_of_long_series_are_small(count, size):
    story = Story("here", "a", "1", "year", np.arange(count), np.ones(count))
    assert draw(story).Points.I.opts.get("style").kwargs["size"] == size


def test_limits_are_drawn_where_there_are_some():
    times = np.arange(4)
    story = Story("here", "a", "1", "year", times, np.ones(4), times, np.ones(4), np.zeros(4), np.full(4, 2.0))
    band = draw(story).Area.I
    np.testing.assert_array_equal(band.dimension_values("value"), np.zeros(4))
    np.testing.assert_array_equal(band.dimension_values("upper"), np.full(4, 2.0))


def test_the_csv_holds_the_series_and_what_was_found():
    series = noisy()
    series[2] = np.nan
    story = told(series)
    rows = list(csv.reader(to_csv(story)))
    assert rows[0] == ["place", "30.00° N, 5.00° W"]
    assert [row[1] for row in rows[1:3]] == list(story.sentences)
    blank = rows.index([])
    assert rows[3:blank] == [[str(cell) for cell in row] for row in story.rows]
    assert rows[blank + 1] == ["year", "npp (g m-2 a-1)"]
    values = [float(text) if text else np.nan for _, text in rows[blank + 2 :]]
    np.testing.assert_allclose(values, series, rtol=1e-6)
    assert [int(when) for when, _ in rows[blank + 2 :]] == YEARS.tolist()


def test_text_with_commas_quotes_and_other_scripts_survives_the_csv():
    story = Story(
        '北京, "west"', "名, 2", "", "time", np.array(["2010-01-01T06:30:00"], "datetime64[ns]"), np.array([1e-9]),
        sentences=("One, two\nthree.",), rows=(("a", "b,c"), ("ü", 2.5)),
    )  # fmt: skip
    text = to_csv(story).getvalue()
    assert "\r" not in text
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["place", '北京, "west"']
    assert rows[1] == ["found", "One, two\nthree."]
    assert rows[2:4] == [["a", "b,c"], ["ü", "2.5"]]
    assert rows[-2:] == [["time", "名, 2 (1)"], ["2010-01-01T06:30:00", "1e-09"]]


def test_a_story_is_empty_only_without_any_finite_value():
    story = Story("here", "a", "1", "", np.zeros(2), np.array([np.nan, np.inf]))
    assert story.empty
    assert not replace(story, values=np.array([np.nan, 0.0])).empty
    assert Story("here", "a", "1", "", empty(), empty()).empty


def test_netcdf_is_read_back_as_it_was():
    made = xr.Dataset(
        {"slope": (("lat", "lon"), np.array([[1.5, np.nan]]), {"units": "K year-1"})},
        {"lat": [1.0], "lon": [5.0, 6.0]},
        {"title": "Größe 大", "history": "a\nb"},
    )
    with xr.open_dataset(to_netcdf(made), engine="h5netcdf") as again:
        xr.testing.assert_identical(again.load(), made)


def test_days_of_seasons_that_are_missing_have_no_mark(monkeypatch):
    labels = pd.date_range("2010-01-01", "2011-12-31", freq="16D")

    def made(subject, _ask):
        assert subject.layer.dims == ("time", "y", "x")
        nan = np.nan
        days = {"start_of_season": [100.0, nan], "peak_of_season": [200.0, nan], "end_of_season": [nan, nan]}
        layers = {name: (("year", "y", "x"), np.reshape(v, (2, 1, 1))) for name, v in days.items()}
        layers["length_of_season"] = (("year", "y", "x"), np.array([150.04, nan]).reshape(2, 1, 1))
        return xr.Dataset(layers, {"year": [2010, 2011]})

    monkeypatch.setitem(KINDS, "phenology", replace(KINDS["phenology"], make=made))
    course = np.linspace(0.2, 0.8, labels.size)
    story = told(course, Ask("phenology"), dim="time", labels=labels, name="ndvi", units="1")
    assert story.rows[1:] == ((2010, "2010-04-10", "2010-07-19", "", 150.0),)
    assert [colour for _, _, colour in story.marks] == ["#009e73", "#e69f00"]
    assert story.sentences == ("1 season of 150 days on average: green start, orange peak, blue end.",)
    # Marks lie on the series: here a line of dates.
    slope = 0.6 / (labels[-1] - labels[0]).days
    expected = [0.2 + slope * day for day in (99.0, 199.0)]
    np.testing.assert_allclose([value for _, value, _ in story.marks], expected, rtol=1e-6)


def test_no_season_is_a_sentence(monkeypatch):
    labels = pd.date_range("2010-01-01", "2011-12-31", freq="16D")

    def made(_subject, _ask):
        names = ("start_of_season", "peak_of_season", "end_of_season", "length_of_season")
        return xr.Dataset({name: (("year", "y", "x"), np.full((1, 1, 1), np.nan)) for name in names}, {"year": [2010]})

    monkeypatch.setitem(KINDS, "phenology", replace(KINDS["phenology"], make=made))
    story = told(np.ones(labels.size), Ask("phenology"), dim="time", labels=labels, name="ndvi", units="1")
    assert story.sentences[0].startswith("No season")
    assert len(story.rows) == 1
    assert story.marks == ()
