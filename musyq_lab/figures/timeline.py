"""Totals year by year with their 95 % ribbon, the trend, and a truth or another record beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from musyq_lab.core.errors import InputError
from musyq_lab.figures._sheet import box, sheet
from musyq_lab.figures.charts import LINES
from musyq_lab.figures.style import FAINT, GREY, INK, figure_of, size_of
from musyq_lab.figures.style import language as style
from musyq_lab.figures.tables import need_columns, sensible
from musyq_lab.figures.words import Language, pretty_units, say

_PANEL = 52.0  # mm


@dataclass(frozen=True, slots=True)
class YearLine:
    """One panel of years."""

    name: str
    """Words above the panel."""
    value: str
    """Column with the totals."""
    low: str = ""
    """Column with the lower end of the 95 % interval, if any."""
    high: str = ""
    """Column with its upper end."""
    truth: str = ""
    """Column with the truth, if it is known."""
    slope: float = float("nan")
    """Trend a year, units of the values; NaN draws none."""
    chance: float = float("nan")
    """Chance of so strong a trend in values without one."""


def draw_years(
    data: pd.DataFrame, lines: Sequence[YearLine], *, units: str, title: str, subtitle: str = "", caption: str = "",
    language: str = "en", size: str = "two-column",
) -> Figure:  # fmt: skip
    """Draw one panel for each flux: years as a line with ribbon, trend and truth.

    Parameters
    ----------
    data : DataFrame
        ``year`` and the columns that the lines name.
    lines : sequence of YearLine
        Panels, from left to right.
    units : str
        UDUNITS spelling, written on the axis.
    title, subtitle, caption : str
        Words around; what ribbon and rings mean is added to the caption.
    language, size : str
        As in :func:`~musyq_lab.figures.maps.draw_map`.

    Raises
    ------
    InputError
        If a column is missing, there is no line, or nothing is finite.
    """
    shown = tuple(lines)
    need_columns(data, ["year", *(c for line in shown for c in (line.value, line.low, line.high, line.truth) if c)])
    if not shown or not _years_known(data) or not np.isfinite(data[[x.value for x in shown]].to_numpy(float)).any():
        raise InputError("There is no year with a number, so there is no line to draw.")
    form = size_of(size)
    with style(language, form.scale) as chosen:
        page = sheet(form, chosen, title, subtitle, _notes(shown, caption, chosen))
        stacked = form.width < 120 * form.scale
        rows, columns = (len(shown), 1) if stacked else (1, len(shown))
        left, gap, below, above = (mm * form.scale for mm in (16.0, 15.0, 6.0, 5.0))
        width = (page.inner - left - gap * (columns - 1)) / columns
        room = form.height - page.top - page.bottom if form.height else rows * _PANEL
        figure = figure_of(form.width, form.height or page.top + room + page.bottom)
        for index, line in enumerate(shown):
            row, column = divmod(index, columns)
            x = page.margin + left + column * (width + gap)
            top = page.top + row * room / rows + above
            axes = figure.add_axes(box(figure, x, top, width, room / rows - above - below))
            _panel(axes, data, line, LINES[index % len(LINES)], form.scale)
            if column == 0:
                axes.set_ylabel(pretty_units(units))
        page.write(figure)
    return figure


def _years_known(data: pd.DataFrame) -> bool:
    return not data.empty and bool(np.isfinite(data["year"].to_numpy(float)).all())


def _notes(lines: Sequence[YearLine], caption: str, language: Language) -> str:
    notes = [caption]
    if any(line.low and line.high for line in lines):
        notes.append(say("ribbon_95", language))
    if any(line.truth for line in lines):
        notes.append(say("rings_truth", language))
    if any(np.isfinite(line.slope) for line in lines):
        notes.append(say("dashes_trend", language))
    return (" " if language == "en" else "").join(note for note in notes if note)


def _panel(axes: Axes, data: pd.DataFrame, line: YearLine, colour: str, scale: float) -> None:
    year = data["year"].to_numpy(float)
    value = data[line.value].to_numpy(float)
    if line.low and line.high:
        low, high = (data[end].to_numpy(float) for end in (line.low, line.high))
        if year.size == 1:
            axes.vlines(year, low, high, color=colour, linewidth=scale)
        axes.fill_between(year, low, high, color=colour, alpha=0.13, linewidth=0, zorder=2)
    axes.plot(year, value, color=colour, linewidth=0.9 * scale, marker="o", markersize=2.6 * scale, zorder=4)
    if line.truth:
        axes.plot(year, data[line.truth].to_numpy(float), color=INK, linewidth=0.5 * scale, marker="o",
                  markersize=3.2 * scale, markerfacecolor="none", markeredgewidth=0.6 * scale, zorder=3)  # fmt: skip
    words = line.name
    if np.isfinite(line.slope):
        middle = np.nanmedian(value - line.slope * year)
        axes.plot(year, middle + line.slope * year, color=GREY, linewidth=0.7 * scale, linestyle=(0, (4, 3)), zorder=5)
        words += f"   {line.slope:+.3g} a⁻¹, p = {line.chance:.2g}"
    axes.set_title(words, loc="left", fontsize=axes.xaxis.label.get_fontsize(), pad=3.0)
    axes.set_xlim(year.min() - 0.5, year.max() + 0.5)
    axes.margins(y=0.12)
    if (value >= 0).all() and axes.get_ylim()[0] < 0 and not (line.low and (data[line.low] < 0).any()):
        axes.set_ylim(bottom=0.0)
    if axes.get_ylim()[0] < 0 < axes.get_ylim()[1]:
        axes.axhline(0.0, color=GREY, linewidth=0.5 * scale, zorder=1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.0f}"))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.10g}"))
    axes.grid(axis="y", color=FAINT, linewidth=0.4 * scale, alpha=0.5)


def describe_years(
    data: pd.DataFrame, lines: Sequence[YearLine], *, units: str, title: str, language: str = "en"
) -> str:
    """Return what the panels show: mean, highest and lowest year, trend.

    Parameters
    ----------
    data, lines, units, title, language
        As given to :func:`draw_years`.
    """
    sentences = [say("alt_years_title", language, title=title)]
    for line in lines:
        rows = data.dropna(subset=[line.value])
        if rows.empty:
            continue
        least, most = (rows.sort_values(line.value).iloc[end] for end in (0, -1))
        sentences.append(
            say("alt_years", language, name=line.name, mean=sensible(float(rows[line.value].mean())),
                unit=pretty_units(units), peak=int(most["year"]), high=sensible(float(most[line.value])),
                trough=int(least["year"]), low=sensible(float(least[line.value])))
        )  # fmt: skip
    return (" " if language == "en" else "").join(sentences)
