"""Scenarios side by side: a dot with its 95 % interval for each, by region, none of them the one truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from musyq_lab.core.errors import InputError
from musyq_lab.figures._sheet import box, sheet
from musyq_lab.figures.charts import LINES
from musyq_lab.figures.style import FAINT, GREY, INK, families, figure_of, size_of, text_width
from musyq_lab.figures.style import language as style
from musyq_lab.figures.tables import need_columns, sensible
from musyq_lab.figures.words import pretty_units, say

_LINE = 3.4  # mm a scenario
_GAP = 2.6  # mm between regions
_KEY = 4.2
_POINTS = 7.0
_COLUMNS = ("region", "scenario", "title", "value", "low", "high")


def draw_ranges(
    data: pd.DataFrame, *, units: str, title: str, subtitle: str = "", caption: str = "", language: str = "en",
    size: str = "two-column",
) -> Figure:  # fmt: skip
    """Draw the value of every scenario for every region as a dot with whiskers, regions in the order of the table.

    Parameters
    ----------
    data : DataFrame
        ``region`` (name), ``scenario`` (key), ``title`` (its words), ``value``, ``low`` and ``high``; with a column
        ``truth`` a line marks it.
    units : str
        UDUNITS spelling, written on the axis.
    title, subtitle, caption : str
        Words around the dots; that whiskers are 95 % intervals is added to the caption.
    language, size : str
        As in :func:`~musyq_lab.figures.maps.draw_map`.

    Raises
    ------
    InputError
        If a column is missing or nothing is finite.
    """
    need_columns(data, _COLUMNS)
    if data.empty or not np.isfinite(data[["value", "low", "high"]].to_numpy(float)).all():
        raise InputError("Every scenario needs a value and the ends of its interval, all of them numbers.")
    regions, scenarios = list(dict.fromkeys(data["region"])), list(dict.fromkeys(data["scenario"]))
    form = size_of(size)
    with style(language, form.scale) as chosen:
        truth = "truth" in data and bool(data["truth"].notna().any())
        told = [caption, say("interval_95", chosen), say("bar_truth", chosen) if truth else ""]
        notes = (" " if chosen == "en" else "").join(text for text in told if text)
        page = sheet(form, chosen, title, subtitle, notes)
        points = _POINTS * form.scale
        left = max(text_width(str(name), points, families(chosen)) for name in regions) + 2.5 * form.scale
        keys = _KEY * form.scale * len(scenarios)
        below = 9.0 * form.scale
        height = (len(regions) * (len(scenarios) * _LINE + _GAP)) * form.scale
        if form.height:
            height = form.height - page.top - page.bottom - below - keys
        figure = figure_of(form.width, form.height or page.top + keys + height + below + page.bottom)
        _key(figure, data, scenarios, page.margin + left, page.top, page.inner - left, form.scale)
        axes = figure.add_axes(box(figure, page.margin + left, page.top + keys, page.inner - left, height))
        _dots(axes, data, regions, scenarios, form.scale)
        axes.set_xlabel(pretty_units(units))
        page.write(figure)
    return figure


def _key(
    figure: Figure, data: pd.DataFrame, scenarios: list[str], left: float, top: float, width: float, scale: float
) -> None:
    """Write the scenarios with their colours, one a line."""
    words = data.drop_duplicates("scenario").set_index("scenario")["title"]
    for row, name in enumerate(scenarios):
        axes = figure.add_axes(box(figure, left, top + row * _KEY * scale, width, _KEY * scale))
        axes.set_xlim(0, width)
        axes.set_ylim(1, 0)
        axes.set_axis_off()
        axes.plot([0.8 * scale], [0.45], "o", color=LINES[row % len(LINES)], markersize=3.2 * scale)
        axes.text(2.6 * scale, 0.45, str(words[name]), va="center", ha="left", fontsize=_POINTS * scale)


def _dots(axes: Axes, data: pd.DataFrame, regions: list[str], scenarios: list[str], scale: float) -> None:
    each = len(scenarios) * _LINE + _GAP
    for block, region in enumerate(regions):
        rows = data[data["region"] == region].set_index("scenario")
        top = block * each + _GAP / 2
        if block % 2 == 0:
            axes.axhspan(block * each, (block + 1) * each, color=FAINT, alpha=0.16, linewidth=0, zorder=0)
        for number, name in enumerate(scenarios):
            if name not in rows.index:
                continue
            value, low, high = (float(rows[column].to_dict()[name]) for column in ("value", "low", "high"))
            at, colour = top + (number + 0.5) * _LINE, LINES[number % len(LINES)]
            axes.plot([low, high], [at, at], color=colour, linewidth=0.8 * scale, zorder=3)
            axes.plot([value], [at], "o", color=colour, markersize=3.2 * scale, zorder=4)
        if "truth" in rows and np.isfinite(rows["truth"].to_numpy(float)).any():
            real = float(rows["truth"].dropna().iloc[0])
            ends = [block * each + 0.15 * _GAP, (block + 1) * each - 0.15 * _GAP]
            axes.plot([real, real], ends, color=INK, linewidth=1.1 * scale, zorder=5)
    axes.axvline(0.0, color=GREY, linewidth=0.5 * scale, zorder=2)
    axes.set_yticks([(block + 0.5) * each for block in range(len(regions))], regions, fontsize=_POINTS * scale)
    axes.set_ylim(len(regions) * each, 0)
    axes.margins(x=0.03)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=FAINT, linewidth=0.4 * scale, alpha=0.5, zorder=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.10g}"))


def describe_ranges(data: pd.DataFrame, *, units: str, title: str, language: str = "en") -> str:
    """Return what the dots show: the lowest and the highest scenario of each region.

    Parameters
    ----------
    data, units, title, language
        As given to :func:`draw_ranges`.
    """
    sentences = [say("alt_ranges_title", language, title=title, count=data["scenario"].nunique())]
    for region, rows in data.groupby("region", sort=False):
        least, most = (rows.sort_values("value").iloc[end] for end in (0, -1))
        sentences.append(
            say("alt_ranges", language, region=region, low=sensible(float(least["value"])), least=least["title"],
                high=sensible(float(most["value"])), most=most["title"], unit=pretty_units(units))
        )  # fmt: skip
    return (" " if language == "en" else "").join(sentences)
