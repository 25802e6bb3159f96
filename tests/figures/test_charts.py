"""Bars and curves: order, sums, intervals and labels that keep apart."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from musyq_lab.core.errors import InputError
from musyq_lab.figures import style
from musyq_lab.figures.charts import draw_ranked_bars, draw_seasonal_cycle, ranked, seasonal, spread
from musyq_lab.figures.describe import describe_bars, describe_seasonal_cycle

COLUMNS = ("twh", "low", "high", "name")


def words_of(figure):
    return [text.get_text() for text in style.texts(figure)]


def bars(data, **how):
    return draw_ranked_bars(data, *COLUMNS, **{"units": "TWh a-1", "title": "Potential", **how})


def test_ranked_is_sorted_and_sums_the_rest(countries_table):
    rows, others = ranked(countries_table.sample(frac=1, random_state=1), *COLUMNS)
    assert others == 10
    assert rows["twh"][:20].tolist() == sorted(countries_table["twh"], reverse=True)[:20]
    assert rows["twh"].sum() == pytest.approx(countries_table["twh"].sum())
    assert np.isnan(rows["low"].iloc[-1])


def test_rows_without_a_number_are_left_out(countries_table):
    countries_table.loc[3, "twh"] = np.nan
    rows, others = ranked(countries_table, *COLUMNS, top=40)
    assert len(rows) == 29
    assert others == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.drop(columns="low"), "lacks the columns low"),
        (lambda d: d.assign(twh=np.nan), "nothing to rank"),
        (lambda d: d.iloc[:0], "nothing to rank"),
        (lambda d: d.assign(low=d["high"]), "does not hold its value"),
    ],
)
def test_a_table_that_cannot_be_ranked_is_refused(countries_table, change, message):
    with pytest.raises(InputError, match=message):
        bars(change(countries_table))


def test_top_must_be_positive(countries_table):
    with pytest.raises(InputError, match="at least 1"):
        bars(countries_table, top=0)


def test_bars_have_the_lengths_and_whiskers_of_the_table(countries_table):
    axes = bars(countries_table, top=5).axes[0]
    widths = [patch.get_width() for patch in axes.patches]
    assert widths[:5] == pytest.approx([900, 841, 784, 729, 676])
    assert widths[5] == pytest.approx(countries_table["twh"].iloc[5:].sum())
    segments = axes.collections[0].get_segments()
    assert len(segments) == 5
    assert segments[0][:, 0] == pytest.approx([720, 1170])
    assert axes.get_xlabel() == "TWh a⁻¹"


def test_a_mean_has_no_other(countries_table):
    words = words_of(bars(countries_table, top=5, other=False))
    assert not any("Other" in word for word in words)
    assert "Other (25)" in words_of(bars(countries_table, top=5))
    assert "其他（25个）" in words_of(bars(countries_table, top=5, language="zh"))


@pytest.mark.parametrize("size", ["column", "two-column", "slide"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_text_of_bars_is_cut_off(countries_table, size, language):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph")
        figure = bars(countries_table, size=size, language=language, title="光伏" if language == "zh" else "T")
        figure.draw_without_rendering()
    beyond = {
        label for label in figure.axes[0].get_xticklabels() if label.get_position()[0] > figure.axes[0].get_xlim()[1]
    }
    for text in set(style.texts(figure)) - beyond:  # matplotlib keeps labels beyond the axis but does not draw them
        box = text.get_window_extent()
        assert box.x0 >= -1, text.get_text()
        assert box.x1 <= figure.bbox.width + 1, text.get_text()


def test_bars_without_intervals_say_nothing_of_whiskers(countries_table):
    words = words_of(bars(countries_table.assign(low=np.nan, high=np.nan)))
    assert not any("Whisker" in word for word in words)
    assert any("Whisker" in word for word in words_of(bars(countries_table)))


def test_negative_values_fit(countries_table):
    countries_table.loc[29, ["twh", "low", "high"]] = [-500.0, -600.0, -400.0]
    low, high = bars(countries_table, top=30).axes[0].get_xlim()
    assert low <= -600
    assert high > 1170


def test_bars_in_words_agree_with_the_table(countries_table):
    text = describe_bars(countries_table, *COLUMNS, units="TWh a-1", title="Potential")
    assert "First is Country A with 900 TWh a⁻¹ (95 % interval 720 to 1,170)" in text
    assert "last of the 20 shown by name is Country T with 121" in text
    assert "20个" in describe_bars(countries_table, *COLUMNS, units="TWh a-1", title="甲", language="zh")


def curves(data, **how):
    return draw_seasonal_cycle(data, **{"units": "W m-2", "title": "Season", **how})


def test_hemispheres_have_panels_of_their_own(seasons):
    figure = curves(seasons)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["Northern Hemisphere", "Southern Hemisphere"]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert figure.axes[0].get_ylabel() == "W m⁻²"


def test_lines_are_the_table(seasons):
    line = curves(seasons.sample(frac=1, random_state=2)).axes[0].lines
    drawn = [entry for entry in line if len(entry.get_xdata()) == 12]
    europe = seasons[seasons["region"] == "Europe"]
    assert len(drawn) == 1
    assert drawn[0].get_ydata() == pytest.approx(europe["value"].to_numpy())


def test_ribbons_only_with_an_interval(seasons):
    assert len(curves(seasons).axes[0].collections) == 1
    plain = curves(seasons.drop(columns=["low", "high"]))
    assert len(plain.axes[0].collections) == 0
    assert not any("Ribbon" in word for word in words_of(plain))


@pytest.mark.parametrize("size", ["column", "two-column", "slide"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_text_of_curves_is_cut_off(seasons, size, language):
    figure = curves(seasons, size=size, language=language)
    figure.draw_without_rendering()
    for text in style.texts(figure):
        box = text.get_window_extent()
        assert box.x0 >= -1, text.get_text()
        assert box.x1 <= figure.bbox.width + 1, text.get_text()
    assert {"Europe", "Oceania"} <= set(words_of(figure))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.drop(columns="month"), "lacks the columns month"),
        (lambda d: d.assign(hemisphere="east"), "must be one of north, south, both"),
        (lambda d: d[d["month"] != 5], "months 1 to 12"),
        (lambda d: d.iloc[:0], "no rows"),
        (lambda d: d.assign(value=np.nan, low=np.nan, high=np.nan), "No month has a number"),
    ],
)
def test_a_table_without_a_year_is_refused(seasons, change, message):
    with pytest.raises(InputError, match=message):
        curves(change(seasons))


def test_seasonal_keeps_months_in_order(seasons):
    found = seasonal(seasons.sample(frac=1, random_state=3))
    assert list(found) == ["north", "south"]
    assert found["north"][0][1]["month"].tolist() == list(range(1, 13))


def test_curves_in_words_agree_with_the_table(seasons):
    text = describe_seasonal_cycle(seasons, units="W m-2", title="Season")
    assert "Europe: highest in Jul with 240, lowest in Jan with 60.0 W m⁻²." in text
    assert "Oceania: highest in Jan with 240, lowest in Jul with 60.0 W m⁻²." in text
    assert "7月" in describe_seasonal_cycle(seasons, units="W m-2", title="甲", language="zh")


def test_labels_that_have_room_stay():
    heights = np.array([30.0, 10.0, 20.0])
    assert spread(heights, 5.0) == pytest.approx(heights)


@pytest.mark.parametrize("seed", range(5))
def test_labels_move_as_little_as_possible(seed):
    heights = np.random.default_rng(seed).uniform(0, 10, 7)
    moved = spread(heights, 2.0)
    order = np.argsort(heights)
    assert (np.diff(moved[order]) >= 2.0 - 1e-9).all()
    limits = [{"type": "ineq", "fun": lambda x, a=a, b=b: x[b] - x[a] - 2.0} for a, b in itertools.pairwise(order)]
    best = minimize(lambda x: ((x - heights) ** 2).sum(), moved + 0.1, constraints=limits, method="SLSQP")
    assert ((moved - heights) ** 2).sum() <= best.fun + 1e-4


def test_inputs_are_left_alone(countries_table, seasons):
    before = countries_table.copy(), seasons.copy()
    bars(countries_table)
    curves(seasons)
    pd.testing.assert_frame_equal(countries_table, before[0])
    pd.testing.assert_frame_equal(seasons, before[1])
