"""Ranked bars with their 95 % intervals, and seasonal curves with ribbons."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.figures._sheet import box, sheet
from musyq_lab.figures.style import FAINT, GREY, MM_PER_INCH, families, figure_of, size_of, text_width
from musyq_lab.figures.style import language as style
from musyq_lab.figures.tables import need_columns, sensible
from musyq_lab.figures.words import MONTHS, Language, pretty_units, say

_BAR_ROW = 4.4
_LABEL_POINTS, _SMALL_POINTS = 7.5, 7.0
# Okabe and Ito (2008), "Color universal design": safe for colour-blind readers; yellow, too pale for a line, is out.
LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
BAR_COLOUR = "#bd4218"
HEMISPHERES = ("north", "south", "both")


def ranked(
    data: pd.DataFrame, value: str, low: str, high: str, label: str, *, top: int = 20
) -> tuple[pd.DataFrame, int]:
    """Return the rows that bars show, largest first, and how many others there are.

    Parameters
    ----------
    data : DataFrame
        One row a country or region.
    value, low, high, label : str
        Columns: number, ends of its 95 % interval, name.
    top : int
        Rows to show by name; the rest are summed in a last row ``other`` without interval, since errors of
        countries are correlated and their ends may not be added.

    Raises
    ------
    InputError
        If a column is missing, nothing is finite, or an interval does not hold its value.
    """
    need_columns(data, (value, low, high, label))
    if top < 1:
        raise InputError(f"top must be at least 1, got {top}.")
    rows = data[[label, value, low, high]].dropna(subset=[value]).sort_values([value, label], ascending=[False, True])
    if rows.empty:
        raise InputError(f"No row has a number in {value!r}, so there is nothing to rank.")
    outside = rows[(rows[low] > rows[value]) | (rows[high] < rows[value])]
    if len(outside):
        first = outside.iloc[0]
        raise InputError(
            f"The interval of {first[label]} ({first[low]} to {first[high]}) does not hold its value {first[value]}."
        )
    rest = rows.iloc[top:]
    shown = rows.iloc[:top].reset_index(drop=True)
    if len(rest):
        shown.loc[len(shown)] = [None, rest[value].sum(), np.nan, np.nan]
    return shown, len(rest)


def draw_ranked_bars(
    data: pd.DataFrame, value: str, low: str, high: str, label: str, *, units: str, title: str, subtitle: str = "",
    caption: str = "", top: int = 20, other: bool = True, colour: str = BAR_COLOUR, language: str = "en",
    size: str = "two-column",
) -> Figure:  # fmt: skip
    """Draw bars from largest to smallest with the value at the end and a whisker for the 95 % interval.

    Parameters
    ----------
    data : DataFrame
        One row a country or region.
    value, low, high, label : str
        Columns: number, ends of its 95 % interval, name.
    units : str
        UDUNITS spelling, written on the axis.
    title, subtitle, caption : str
        Words around the bars; that whiskers are 95 % intervals is added to the caption.
    top : int
        Bars with a name.
    other : bool
        Whether a last bar sums the rest (false for a mean, which does not add up).
    colour : str
        Of the bars.
    language, size : str
        As in :func:`~musyq_lab.figures.maps.draw_map`.

    Raises
    ------
    InputError
        If the table does not fit (see :func:`ranked`).
    """
    rows, others = ranked(data, value, low, high, label, top=top)
    if others and not other:
        rows, others = rows.iloc[:-1], 0
    form = size_of(size)
    with style(language, form.scale) as chosen:
        names = [str(name) for name in rows[label]]
        if others:
            names[-1] = say("other", chosen, count=others)
        whiskers = rows[low].notna().any()
        notes = " ".join(text for text in (caption, say("interval_95", chosen) if whiskers else "") if text)
        page = sheet(form, chosen, title, subtitle, notes)
        below = 8.0 * form.scale
        height = form.height - page.top - page.bottom - below if form.height else _BAR_ROW * len(rows)
        figure = figure_of(form.width, form.height or page.top + height + below + page.bottom)
        points = min(_LABEL_POINTS * form.scale, height / len(rows) * 2.83 * 0.72)
        left = max(text_width(name, points, families(chosen)) for name in names) + 2.0 * form.scale
        axes = figure.add_axes(box(figure, page.margin + left, page.top, page.inner - left, height))
        _bars(axes, rows[[value, low, high]].to_numpy(float), colour, bool(others), form.scale, points)
        axes.set_yticks(range(len(rows)), names, fontsize=points)
        axes.set_xlabel(pretty_units(units))
        page.write(figure)
    return figure


def _bars(axes: Axes, numbers: NDArray[np.float64], colour: str, other: bool, scale: float, points: float) -> None:
    value, low, high = numbers.T
    at = np.arange(len(value))
    colours = [colour] * len(value)
    if other:
        colours[-1] = FAINT
    axes.barh(at, value, height=0.68, color=colours, zorder=2)
    reach = np.fmax(value, np.nan_to_num(high, nan=-np.inf))
    known = np.isfinite(low) & np.isfinite(high)
    error = np.abs(np.vstack([value - low, high - value]))[:, known]
    axes.errorbar(value[known], at[known], xerr=error, fmt="none", ecolor=GREY, elinewidth=0.7 * scale,
                  capsize=1.5 * scale, capthick=0.7 * scale, zorder=3)  # fmt: skip
    for row, x, number, ends in zip(at, reach, value, zip(low, high, strict=True), strict=True):
        axes.annotate(sensible(number, *ends), (max(x, 0.0), row), xytext=(3 * scale, 0), textcoords="offset points",
                      va="center", ha="left", fontsize=points)  # fmt: skip
    # The longest value must end inside the frame.
    family = tuple(mpl.rcParams["font.family"])
    longest = max(text_width(sensible(*row), points, family) for row in numbers) + 3.0 * scale
    share = 1 - longest / (_width(axes))
    axes.set_xlim(min(0.0, float(np.nanmin(numbers)) * 1.05), float(max(reach.max(), 0.0)) / max(share, 0.3) or 1.0)
    axes.set_ylim(len(value) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=FAINT, linewidth=0.4 * scale, alpha=0.5, zorder=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.10g}"))


def seasonal(data: pd.DataFrame) -> dict[str, list[tuple[str, pd.DataFrame]]]:
    """Return the curves by hemisphere, in the order of :data:`HEMISPHERES` and of the table.

    Parameters
    ----------
    data : DataFrame
        Columns ``region``, ``hemisphere`` ("north", "south" or "both"), ``month`` (1 to 12), ``value``, and
        ``low`` and ``high`` for a ribbon.

    Raises
    ------
    InputError
        If a column is missing, a hemisphere is unknown or a region has not twelve months.
    """
    need_columns(data, ("region", "hemisphere", "month", "value"))
    if unknown := sorted(set(data["hemisphere"]) - set(HEMISPHERES)):
        raise InputError(f"The hemisphere must be one of {', '.join(HEMISPHERES)}, got {', '.join(map(str, unknown))}.")
    curves: dict[str, list[tuple[str, pd.DataFrame]]] = {name: [] for name in HEMISPHERES}
    for (hemisphere, region), rows in data.groupby(["hemisphere", "region"], sort=False):
        if sorted(rows["month"]) != list(range(1, 13)):
            raise InputError(f"{region} needs one row for each of the months 1 to 12, got {sorted(rows['month'])}.")
        curves[str(hemisphere)].append((str(region), rows.sort_values("month")))
    if not any(curves.values()):
        raise InputError("The table has no rows, so there is no seasonal curve to draw.")
    return {name: found for name, found in curves.items() if found}


def draw_seasonal_cycle(
    data: pd.DataFrame, *, units: str, title: str, subtitle: str = "", caption: str = "", language: str = "en",
    size: str = "two-column",
) -> Figure:  # fmt: skip
    """Draw twelve months as one line per region with its 95 % ribbon, hemispheres in panels of their own.

    Parameters
    ----------
    data : DataFrame
        See :func:`seasonal`; ``region`` holds names in the figure's language.
    units : str
        UDUNITS spelling, written on the axis.
    title, subtitle, caption : str
        Words around the curves; that ribbons are 95 % intervals is added to the caption.
    language, size : str
        As in :func:`~musyq_lab.figures.maps.draw_map`.

    Raises
    ------
    InputError
        If the table does not fit.
    """
    curves = seasonal(data)
    form = size_of(size)
    ribbon = {"low", "high"} <= set(data.columns) and bool(data[["low", "high"]].notna().any(axis=None))
    with style(language, form.scale) as chosen:
        notes = " ".join(text for text in (caption, say("ribbon_95", chosen) if ribbon else "") if text)
        page = sheet(form, chosen, title, subtitle, notes)
        stacked = form.width < 120 * form.scale
        rows, columns = (len(curves), 1) if stacked else (1, len(curves))
        gap, left, below, above = (mm * form.scale for mm in (5.0, 11.0, 6.0, 5.0))
        panel_width = (page.inner - left - gap * (columns - 1)) / columns
        room = form.height - page.top - page.bottom if form.height else rows * (48.0 if stacked else 66.0)
        figure = figure_of(form.width, form.height or page.top + room + page.bottom)
        panel_height = room / rows - below - above
        limits = _limits(data, ribbon)
        for index, (hemisphere, found) in enumerate(curves.items()):
            row, column = divmod(index, columns)
            x = page.margin + left + column * (panel_width + gap)
            y = page.top + row * (room / rows) + above
            axes = figure.add_axes(box(figure, x, y, panel_width, panel_height))
            month = _curves(axes, found, ribbon, chosen, form.scale, panel_height / (limits[1] - limits[0]))
            axes.set_ylim(*limits)
            _months(axes, hemisphere, chosen, month)
            if column == 0:
                axes.set_ylabel(pretty_units(units))
            else:
                axes.tick_params(labelleft=False)
        page.write(figure)
    return figure


def _limits(data: pd.DataFrame, ribbon: bool) -> tuple[float, float]:
    numbers = data[["value", "low", "high"] if ribbon else ["value"]].to_numpy(float)
    if not np.isfinite(numbers).any():
        raise InputError("No month has a number, so there is no seasonal curve to draw.")
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    return (0.0 if low >= 0 else low * 1.05), (high * 1.05 if high > 0 else 1.0)


def _months(axes: Axes, hemisphere: str, language: Language, millimetres: float) -> None:
    """Write hemisphere and months, as many as fit at so many mm a month."""
    words = {"north": "northern_hemisphere", "south": "southern_hemisphere", "both": "both_hemispheres"}
    axes.set_title(say(words[hemisphere], language), loc="left", fontsize=axes.xaxis.label.get_fontsize(), pad=3.0)
    names = MONTHS[language]
    widest = max(text_width(name, axes.xaxis.label.get_fontsize(), families(language)) for name in names)
    step = next((step for step in (1, 2, 3) if 1.2 * widest < step * millimetres), 6)
    axes.set_xticks(range(1, 13, step), names[::step])
    axes.grid(axis="y", color=FAINT, linewidth=0.4, alpha=0.5)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.10g}"))


def _curves(
    axes: Axes, curves: Sequence[tuple[str, pd.DataFrame]], ribbon: bool, language: Language, scale: float, mm: float
) -> float:
    """Draw lines and ribbons and write each name at the end of its line, given mm per unit of y; return mm a month."""
    points = _SMALL_POINTS * scale
    ends = np.array([float(rows["value"].iloc[-1]) for _, rows in curves])
    heights = spread(ends, points * 0.3528 * 1.15 / mm)
    widest = max(text_width(name, points, families(language)) for name, _ in curves)
    panel = _width(axes)
    # Months take what the names leave; at least half the panel.
    share = max(0.5, 1 - (widest + 4.5 * scale) / panel)
    axes.set_xlim(0.7, 0.7 + 11.5 / share)
    axes.spines["bottom"].set_bounds(0.7, 12.2)
    for (name, rows), height, end, colour in zip(curves, heights, ends, _cycle(len(curves)), strict=True):
        month = rows["month"].to_numpy(float)
        axes.plot(month, rows["value"], color=colour, linewidth=0.8 * scale, zorder=3)
        if ribbon:
            axes.fill_between(month, rows["low"].astype(float), rows["high"].astype(float), color=colour, alpha=0.13,
                              linewidth=0, zorder=2)  # fmt: skip
        unit = 11.5 / (share * panel)
        axes.plot([12.0, 12.0 + 2.5 * scale * unit], [end, height], color=colour, linewidth=0.4 * scale, zorder=3)
        axes.text(12.0 + 3.0 * scale * unit, height, name, color=colour, fontsize=points, va="center", ha="left")
    return share * panel / 11.5


def _width(axes: Axes) -> float:
    """Return the width of axes in mm."""
    figure = axes.get_figure(root=True)
    return axes.get_position().width * figure.get_figwidth() * MM_PER_INCH if figure is not None else 0.0


def _cycle(count: int) -> list[str]:
    return [LINES[index % len(LINES)] for index in range(count)]


def spread(heights: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Return heights moved as little as needed to lie at least ``gap`` apart, in the same order.

    Least squares under the order constraint: isotonic regression of the heights less their place in the stack, by
    pooling neighbours that are out of order (Ayer et al. 1955, doi 10.1214/aoms/1177728423).
    """
    order = np.argsort(heights, kind="stable")
    wanted = np.nan_to_num(heights[order]) - gap * np.arange(len(heights))
    blocks: list[tuple[float, int]] = []
    for height in wanted:
        mean, count = float(height), 1
        while blocks and blocks[-1][0] > mean:
            before, size = blocks.pop()
            mean, count = (before * size + mean * count) / (size + count), size + count
        blocks.append((mean, count))
    pooled = np.concatenate([np.full(count, mean) for mean, count in blocks]) + gap * np.arange(len(heights))
    result: NDArray[np.float64] = np.empty_like(pooled)
    result[order] = pooled
    return result
