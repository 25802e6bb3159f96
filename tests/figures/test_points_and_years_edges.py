"""Points and years at their limits: signs, gaps, infinite numbers, groups without names, lone years."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from musyq_lab.core.errors import InputError
from musyq_lab.figures import style
from musyq_lab.figures.charts import LINES
from musyq_lab.figures.ranges import describe_ranges, draw_ranges
from musyq_lab.figures.scatter import describe_scatter, draw_scatter, scores
from musyq_lab.figures.timeline import YearLine, describe_years, draw_years

LABELS = ("Ours", "Tower")


def points(ours, tower, **columns):
    return pd.DataFrame({"ours": ours, "tower": tower, **columns})


def scatter(data, **options):
    return draw_scatter(data, "ours", "tower", units="g m-2 d-1", labels=LABELS, title="T", **options).axes[0]


def words_of(axes):
    return " ".join(text.get_text() for text in style.texts(axes.figure))


def dots(axes):
    return [line for line in axes.lines if line.get_marker() == "o"]


# ---- points ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("ours", "tower"),
    [([1.0, 4.0], [2.0, 3.0]), ([-5.0, -1.0], [-4.0, -2.0]), ([-5.0, 3.0], [-1.0, 9.0]), ([0.0, 0.0], [0.0, 0.0])],
    ids=["positive", "negative", "both", "zero"],
)
def test_axes_hold_zero_and_every_point(ours, tower):
    axes = scatter(points(ours, tower))
    low, high = axes.get_xlim()
    assert low < high
    assert axes.get_ylim() == (low, high)
    assert low <= 0.0 <= high
    values = np.array([ours, tower])
    assert low <= values.min()
    assert values.max() <= high
    if values.min() < 0:
        assert low < values.min()  # half a dot would be cut off
    equal = next(line for line in axes.lines if line.get_marker() != "o")
    assert list(equal.get_xdata()) == list(equal.get_ydata()) == [low, high]


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_pairs_without_two_finite_numbers_are_left_out(hole):
    whole = points([1.0, 2.0, 4.0], [1.5, 2.0, 3.0])
    pierced = points([1.0, hole, 2.0, 4.0, 7.0], [1.5, 50.0, 2.0, 3.0, hole])
    assert scores(pierced, "ours", "tower") == scores(whole, "ours", "tower")
    axes = scatter(pierced)
    assert axes.get_xlim()[1] < 5.0  # the partner of what is missing takes no room
    assert list(dots(axes)[0].get_xdata()) == [1.5, 2.0, 3.0]
    assert "3 pairs" in describe_scatter(pierced, "ours", "tower", units="1", title="T")


def test_every_pair_of_the_scores_is_drawn_that_of_no_group_too():
    data = points([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.5, 3.0], kind=["wood", None, "grass", np.nan])
    axes = scatter(data, group="kind")
    drawn = sorted(float(x) for line in dots(axes) for x in line.get_xdata())
    assert drawn == sorted(data["tower"])
    assert len({line.get_color() for line in dots(axes)}) == 3


def test_rows_with_one_label_are_not_multiplied():
    data = points([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], kind=["a", "b", "a"]).set_index(pd.Index([7, 7, 7]))
    drawn = sorted(float(x) for line in dots(scatter(data, group="kind")) for x in line.get_xdata())
    assert drawn == [1.0, 2.0, 3.0]


def test_groups_keep_the_colours_of_their_order_and_seven_are_enough():
    kinds = [f"k{number}" for number in range(7)]
    data = points(np.arange(7.0), np.arange(7.0) + 0.5, kind=kinds)
    axes = scatter(data, group="kind")
    assert [line.get_color() for line in dots(axes)] == list(LINES[:7])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == kinds
    with pytest.raises(InputError, match="lacks the columns sort"):
        scatter(data, group="sort")


@pytest.mark.parametrize("units", ["g m-2 d-1", "K"])
def test_both_axes_say_what_and_in_which_units(units):
    axes = draw_scatter(points([1, 2], [2, 3]), "ours", "tower", units=units, labels=LABELS, title="T").axes[0]
    assert axes.get_xlabel().startswith("Tower (")
    assert axes.get_ylabel().startswith("Ours (")
    assert axes.get_xlabel()[5:] == axes.get_ylabel()[4:]


def test_scores_are_numpys_and_of_integers_too():
    rng = np.random.default_rng(4)
    ours, tower = rng.integers(0, 50, 200), rng.integers(0, 50, 200)
    found = scores(points(ours, tower), "ours", "tower")
    assert found["r"] == pytest.approx(np.corrcoef(ours, tower)[0, 1])
    assert found["rmse"] == pytest.approx(np.linalg.norm(ours - tower) / np.sqrt(200))
    assert found["bias"] == pytest.approx(ours.mean() - tower.mean())
    # Mean square error = bias squared + variance of the difference.
    assert found["rmse"] ** 2 == pytest.approx(found["bias"] ** 2 + np.var(ours - tower))
    with pytest.raises(InputError, match="1 pairs of ours and tower"):
        scores(points([1.0, np.inf], [1.0, 2.0]), "ours", "tower")


# ---- years -----------------------------------------------------------------------------------------------------------
def years(values, first=2010, **columns):
    return pd.DataFrame({"year": np.arange(first, first + len(values)), "v": values, **columns})


def panel(data, *lines, **options):
    return draw_years(data, lines or (YearLine("N", "v"),), units="Tg C a-1", title="T", **options).axes[0]


@pytest.mark.parametrize(("low", "high"), [(2.0, 4.0), (3.5, 4.0), (np.nan, 4.0)], ids=["around", "beside", "open"])
def test_one_year_has_a_whisker_from_end_to_end(low, high):
    axes = panel(years([3.0], low=[low], high=[high]), YearLine("N", "v", "low", "high"))
    whiskers = [c for c in axes.collections if isinstance(c, LineCollection)]
    ends = [segment[:, 1].tolist() for whisker in whiskers for segment in whisker.get_segments() if len(segment)]
    assert ends == ([[low, high]] if np.isfinite(low) else [])
    assert axes.get_xlim() == (2009.5, 2010.5)


def test_a_gap_in_the_years_leaves_the_trend_through_the_middle_of_the_rest():
    values = np.array([1.0, 1.2, np.nan, 1.6, 1.8])
    axes = panel(years(values), YearLine("N", "v", slope=0.2, chance=0.01))
    trend = next(line for line in axes.lines if line.get_linestyle() == "--" or line.is_dashed())
    np.testing.assert_allclose(trend.get_ydata(), [1.0, 1.2, 1.4, 1.6, 1.8])


def test_years_that_are_no_numbers_are_refused():
    with pytest.raises(InputError, match="no year with a number"):
        panel(years([1.0, 2.0]).assign(year=[2010.0, np.nan]))


@pytest.mark.parametrize(
    ("values", "low", "bottom"),
    [([0.0, 0.1], None, 0.0), ([5.0, 9.0], None, None), ([0.0, 0.1], [-1.0, -1.0], None), ([-1.0, 2.0], None, None)],
)
def test_axes_go_below_zero_only_where_something_is(values, low, bottom):
    data = years(values) if low is None else years(values, low=low, high=[1.0, 1.0])
    line = YearLine("N", "v") if low is None else YearLine("N", "v", "low", "high")
    axes = panel(data, line)
    if bottom is not None:
        assert axes.get_ylim()[0] == bottom
    elif low is not None or min(values) < 0:
        assert axes.get_ylim()[0] < min(values)
        assert any(set(np.asarray(drawn.get_ydata())) == {0.0} for drawn in axes.lines)
    else:
        assert axes.get_ylim()[0] > 0


@pytest.mark.parametrize("count", [1, 2, 3, 5, 40])
def test_ticks_of_years_are_whole_years(count):
    axes = panel(years(np.linspace(1, 2, count)))
    shown = [text.get_text() for text in axes.get_xticklabels()]
    assert all(text == f"{int(text)}" for text in shown if text)
    assert len(shown) <= 9


def test_panels_stand_side_by_side_or_in_a_column():
    lines = (YearLine("A", "v"), YearLine("B", "v"))
    data = years([1.0, 2.0])
    for size, axis in (("two-column", 0), ("column", 1)):
        figure = draw_years(data, lines, units="1", title="T", size=size)
        places = [axes.get_position().get_points()[0] for axes in figure.axes if axes.lines]
        assert abs(places[0][axis] - places[1][axis]) > 0.2
        assert places[0][1 - axis] == pytest.approx(places[1][1 - axis])


def test_years_in_words_leave_out_what_has_no_number():
    lines = (YearLine("Full", "v"), YearLine("Empty", "w"))
    text = describe_years(years([1.0, np.nan, 3.0], w=[np.nan] * 3), lines, units="Tg", title="T")
    assert "Empty" not in text
    assert "highest in 2012" in text
    assert "lowest in 2010" in text


# ---- scenarios -------------------------------------------------------------------------------------------------------
def ranges(regions, scenarios, seed=0):
    rng = np.random.default_rng(seed)
    rows = [(r, s, f"title {s}", v, v - 1, v + 1) for r in regions for s in scenarios for v in [rng.normal()]]
    return pd.DataFrame(rows, columns=["region", "scenario", "title", "value", "low", "high"])


def test_a_scenario_that_a_region_lacks_leaves_its_place_empty():
    data = ranges(["A", "B"], ["x", "y", "z"])
    few = data.drop(index=4)  # y of B
    axes = draw_ranges(few, units="1", title="T").axes[-1]
    heights = sorted({round(float(line.get_ydata()[0]), 3) for line in dots(axes)})
    whole = draw_ranges(data, units="1", title="T").axes[-1]
    every = sorted({round(float(line.get_ydata()[0]), 3) for line in dots(whole)})
    assert len(every) - len(heights) == 1
    assert set(heights) < set(every)


def test_regions_stand_in_the_order_of_the_table_and_scenarios_keep_their_colours():
    data = ranges(["Zeta", "Alpha", "Mid"], ["x", "y"])
    axes = draw_ranges(data, units="1", title="T").axes[-1]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["Zeta", "Alpha", "Mid"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1] == 0
    by_height = sorted(dots(axes), key=lambda line: line.get_ydata()[0])
    assert [line.get_color() for line in by_height] == [LINES[0], LINES[1]] * 3
    np.testing.assert_allclose([line.get_xdata()[0] for line in by_height], data["value"])


def test_the_truth_is_one_line_a_region_and_is_told():
    data = ranges(["A", "B"], ["x", "y"]).assign(truth=[0.3, 0.3, np.nan, np.nan])
    axes = draw_ranges(data, units="1", title="T").axes[-1]
    upright = [x for x in axes.lines if len(set(map(float, x.get_xdata()))) == 1 and len(x.get_xdata()) == 2]
    assert [float(line.get_xdata()[0]) for line in upright if float(line.get_xdata()[0]) != 0.0] == [0.3]
    without = draw_ranges(data.assign(truth=np.nan), units="1", title="T").axes[-1]
    assert len(words_of(without)) < len(words_of(axes))


@pytest.mark.parametrize("hole", ["value", "low", "high"])
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_one_number_that_is_none_is_refused(hole, number):
    data = ranges(["A"], ["x", "y"])
    data.loc[1, hole] = number
    with pytest.raises(InputError, match="all of them numbers"):
        draw_ranges(data, units="1", title="T")


def test_ranges_in_words_name_both_ends_of_each_region_in_order():
    data = ranges(["乙", "甲"], ["x", "y", "z"])
    for language in ("en", "zh"):
        text = describe_ranges(data, units="1", title="T", language=language)
        assert text.index("乙") < text.index("甲")
        for _, rows in data.groupby("region"):
            for end in (rows["value"].idxmin(), rows["value"].idxmax()):
                assert data.loc[end, "title"] in text
