"""Years, scenarios and points: what is drawn, what is said, what is refused."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg

from musyq_lab.analysis.regions import resolve_region
from musyq_lab.core.errors import InputError
from musyq_lab.figures import style
from musyq_lab.figures.classes import class_table
from musyq_lab.figures.maps import draw_map
from musyq_lab.figures.ranges import describe_ranges, draw_ranges
from musyq_lab.figures.report import Report
from musyq_lab.figures.scatter import describe_scatter, draw_scatter, scores
from musyq_lab.figures.timeline import YearLine, describe_years, draw_years

YEARS = pd.DataFrame(
    {"year": range(2009, 2015), "npp": [3.1, 3.4, 3.2, 3.6, 3.5, 3.9], "truth": [3.0, 3.3, 3.1, 3.4, 3.4, 3.7]}
).assign(low=lambda d: d["npp"] - 1, high=lambda d: d["npp"] + 1)
LINE = YearLine("Net production", "npp", "low", "high", "truth", 0.14, 0.02)
RANGES = pd.DataFrame(
    {
        "region": ["Asia"] * 2 + ["Europe"] * 2,
        "scenario": ["a", "b"] * 2,
        "title": ["first", "second"] * 2,
        "value": [1.0, 2.0, -0.5, 0.5],
        "low": [0.5, 1.0, -1.0, 0.0],
        "high": [1.5, 3.0, 0.0, 1.0],
    }
)
POINTS = pd.DataFrame({"ours": [1.0, 2.0, 3.5, np.nan], "tower": [1.2, 1.8, 3.0, 2.0], "kind": ["f", "g", "f", "g"]})


def words_of(figure):
    return [text.get_text() for text in style.texts(figure)]


def inside(figure):
    """Return whether all that is drawn lies on the page."""
    canvas = FigureCanvasAgg(figure)
    drawn = figure.get_tightbbox(canvas.get_renderer())
    width, height = figure.get_size_inches()
    return min(drawn.x0, drawn.y0) >= -0.01 and drawn.x1 <= width + 0.01 and drawn.y1 <= height + 0.01


# ---- years -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("size", ["two-column", "column", "slide"])
def test_years_are_drawn_within_the_page(language, size):
    figure = draw_years(YEARS, (LINE, LINE), units="Tg C a-1", title="Carbon", language=language, size=size)
    assert inside(figure)
    assert len([axes for axes in figure.axes if axes.lines]) == 2


def test_years_show_values_truth_trend_and_ribbon():
    figure = draw_years(YEARS, (LINE,), units="Tg C a-1", title="Carbon")
    lines = figure.axes[0].lines
    np.testing.assert_array_equal(lines[0].get_ydata(), YEARS["npp"])
    np.testing.assert_array_equal(lines[1].get_ydata(), YEARS["truth"])
    slope = np.polyfit(lines[2].get_xdata(), lines[2].get_ydata(), 1)[0]
    assert slope == pytest.approx(0.14)
    assert any("+0.14 a⁻¹, p = 0.02" in text for text in words_of(figure))
    assert len(figure.axes[0].collections) == 1
    told = " ".join(words_of(figure))
    assert "Ribbon" in told
    assert "Rings" in told
    assert "Dashes" in told


def test_one_year_without_anything_else_is_a_point():
    figure = draw_years(YEARS.iloc[:1], (YearLine("N", "npp", "low", "high"),), units="1", title="T")
    assert len(figure.axes[0].lines) >= 1
    told = " ".join(words_of(figure))
    assert "Rings" not in told
    assert "Dashes" not in told


@pytest.mark.parametrize(
    ("data", "lines", "message"),
    [
        (YEARS.drop(columns="low"), (LINE,), "lacks the columns low"),
        (YEARS.iloc[:0], (LINE,), "no year with a number"),
        (YEARS.assign(npp=np.nan), (LINE,), "no year with a number"),
        (YEARS, (), "no year with a number"),
    ],
)
def test_years_that_cannot_be_drawn_are_refused(data, lines, message):
    with pytest.raises(InputError, match=message):
        draw_years(data, lines, units="1", title="T")


def test_years_in_words():
    text = describe_years(YEARS, (LINE,), units="Tg C a-1", title="Carbon")
    assert "mean 3.45 Tg C a⁻¹" in text
    assert "highest in 2014 with 3.9" in text
    assert "lowest in 2009 with 3.1" in text
    assert "2014年" in describe_years(YEARS, (LINE,), units="Tg C a-1", title="碳", language="zh")


# ---- scenarios -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("size", ["two-column", "column", "slide"])
def test_ranges_are_drawn_within_the_page(language, size):
    figure = draw_ranges(RANGES, units="Tg C a-1", title="Scenarios", language=language, size=size)
    assert inside(figure)
    assert {"first", "second", "Asia", "Europe"} <= set(words_of(figure))


def test_ranges_have_a_dot_and_a_whisker_each():
    axes = draw_ranges(RANGES.assign(truth=[1.2, 1.2, np.nan, np.nan]), units="1", title="T").axes[-1]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert sorted(float(line.get_xdata()[0]) for line in dots) == [-0.5, 0.5, 1.0, 2.0]
    spans = {tuple(map(float, line.get_xdata())) for line in axes.lines if len(line.get_xdata()) == 2}
    assert {(0.5, 1.5), (1.0, 3.0), (-1.0, 0.0), (0.0, 1.0), (1.2, 1.2)} <= spans


def test_ranges_need_numbers():
    with pytest.raises(InputError, match="lacks the columns title"):
        draw_ranges(RANGES.drop(columns="title"), units="1", title="T")
    with pytest.raises(InputError, match="all of them numbers"):
        draw_ranges(RANGES.assign(low=np.nan), units="1", title="T")
    with pytest.raises(InputError, match="all of them numbers"):
        draw_ranges(RANGES.iloc[:0], units="1", title="T")


def test_ranges_in_words():
    text = describe_ranges(RANGES, units="Tg C a-1", title="Scenarios")
    assert "2 scenarios" in text
    assert "Europe: from -0.500 (first) to 0.500 Tg C a⁻¹ (second)" in text


# ---- points ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", ["two-column", "column", "slide"])
def test_points_are_drawn_within_the_page(size):
    labels = ("Ours", "Tower")
    group = "" if size == "column" else "kind"
    figure = draw_scatter(
        POINTS, "ours", "tower", units="g m-2 d-1", labels=labels, title="T", size=size, group=group
    )  # fmt: skip
    axes = figure.axes[0]
    assert axes.get_xlim() == axes.get_ylim()
    place = axes.get_position()
    width, height = place.width * figure.get_figwidth(), place.height * figure.get_figheight()
    assert width == pytest.approx(height, rel=1e-6)
    if size != "column":
        assert inside(figure)


def test_scores_by_hand():
    found = scores(POINTS, "ours", "tower")
    apart = np.array([-0.2, 0.2, 0.5])
    assert found["count"] == 3
    assert found["rmse"] == pytest.approx(np.sqrt((apart**2).mean()))
    assert found["bias"] == pytest.approx(apart.mean())
    assert found["r"] == pytest.approx(np.corrcoef([1, 2, 3.5], [1.2, 1.8, 3.0])[0, 1])
    assert np.isnan(scores(POINTS.assign(ours=1.0), "ours", "tower")["r"])
    text = describe_scatter(POINTS, "ours", "tower", units="g m-2 d-1", title="T")
    assert "3 pairs" in text
    assert f"r {found['r']:.2f}" in text


def test_points_that_cannot_be_drawn_are_refused():
    with pytest.raises(InputError, match="at least two"):
        draw_scatter(POINTS.iloc[3:], "ours", "tower", units="1", labels=("a", "b"), title="T")
    many = pd.DataFrame({"ours": range(9), "tower": range(9), "kind": list("abcdefghi")})
    with pytest.raises(InputError, match="no colours"):
        draw_scatter(many, "ours", "tower", units="1", labels=("a", "b"), title="T", group="kind")


# ---- maps of trends --------------------------------------------------------------------------------------------------
def field():
    axes = {"latitude": np.arange(60.0, 20, -4), "longitude": np.arange(-10.0, 50, 4)}
    values = np.linspace(-8, 8, 150).reshape(10, 15)
    return xr.DataArray(values, coords=axes, dims=("latitude", "longitude"), attrs={"units": "g m-2 a-2"})


def test_what_is_not_significant_is_hatched_and_told():
    values = field()
    table = class_table("npp_trend")
    figure = draw_map(values, classes=table, title="T", significant=values > 2)
    assert "Trend not significant" in words_of(figure)
    with pytest.raises(InputError, match="not by both"):
        draw_map(values, classes=table, title="T", significant=values > 2, uncertainty=abs(values))
    with pytest.raises(InputError, match="has the shape"):
        draw_map(values, classes=table, title="T", significant=(values > 2)[:3])


@pytest.mark.slow
def test_a_report_keeps_them_with_code_that_draws_them_again(tmp_path, monkeypatch):
    report = Report(tmp_path, resolve_region("globe"), "2009-2014", citation="c")
    values = field()
    report.map("npp_trend", values, classes="npp_trend", method="m", significant=values > 2, name="trend")
    report.years("years", "carbon_years", YEARS, (LINE,), units="Tg C a-1")
    report.ranges("scenarios", "nep_scenarios", RANGES, units="Tg C a-1")
    report.scatter("towers", "carbon_towers", POINTS, ("ours", "tower"), units="g m-2 d-1", labels=("a", "b"))
    for name in ("trend", "years", "scenarios", "towers"):
        folder = tmp_path / name
        monkeypatch.chdir(folder)
        exec(compile((folder / f"{name}.py").read_text(encoding="utf-8"), name, "exec"), {})
        assert (folder / f"{name}_again.png").read_bytes()[:4] == b"\x89PNG"
