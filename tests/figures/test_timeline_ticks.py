"""Years under a chart are whole and stand once, however few there are."""

import pandas as pd
import pytest

from musyq_lab.figures.timeline import YearLine, draw_years


@pytest.mark.parametrize("years", [[2019], [2013, 2014], list(range(2001, 2013))])
def test_each_year_is_named_at_most_once(years: list[int]) -> None:
    data = pd.DataFrame({"year": years, "total": 2.0, "low": 1.0, "high": 3.0})
    figure = draw_years(data, [YearLine("GPP", "total", "low", "high")], title="x", language="en", units="Tg C a-1")
    (axes,) = (axes for axes in figure.axes if axes.lines)
    figure.canvas.draw()
    low, high = axes.get_xlim()
    shown = [axes.xaxis.get_major_formatter()(x) for x in axes.get_xticks() if low <= x <= high]
    assert shown
    assert len(set(shown)) == len(shown)
    assert {int(text) for text in shown} <= set(years)
