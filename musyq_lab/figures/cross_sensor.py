"""One target seen by several sensors, before and after their bands were adjusted to those of a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from musyq_lab.core.errors import InputError
from musyq_lab.figures._sheet import Sheet, box, sheet
from musyq_lab.figures.style import FAINT, GREY, INK, families, figure_of, size_of, text_width
from musyq_lab.figures.style import language as style
from musyq_lab.figures.tables import need_columns
from musyq_lab.figures.words import Language, check_language

COLUMNS = ("target", "sensor", "reference", "before", "after")
_ROW, _ABOVE, _BELOW = 5.2, 5.0, 9.0  # mm: a sensor, the title of a panel, its axis
_POINTS = 7.0
_BEFORE, _AFTER = "#d55e00", "#0072b2"  # Okabe and Ito (2008), safe for colour-blind readers
# English first, Chinese second.
_WORDS = {
    "reference": ("Reference", "参考"),
    "goal": ("± {value}", "± {value}"),
    "before": ("Own bands", "原波段"),
    "after": ("Adjusted", "校正后"),
    "alt": (
        "{title}. {target}: reference {reference}; own bands from {low} to {high}, adjusted from {low_after} to "
        "{high_after}. Farthest before is {worst}, {off} away, and {left} after.",
        "{title}。{target}：参考值{reference}；原波段{low}至{high}，校正后{low_after}至{high_after}。"
        "校正前偏离最大的是{worst}，相差{off}，校正后{left}。",
    ),
}


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the panels lie, in mm."""

    label: float
    """Width of the names of sensors."""
    panel: float
    """Width of a panel."""
    gap: float
    """Between panels side by side."""
    height: float
    """Height of a panel."""
    pitch: float
    """Height of a panel with its title and axis."""
    stacked: bool
    """Whether panels lie one below the other."""


def _say(key: str, language: Language, **values: object) -> str:
    return _WORDS[key][language == "zh"].format(**values)


def paired(data: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each target, sensors in one order for all.

    Parameters
    ----------
    data : DataFrame
        One row a target and sensor: ``target``, ``sensor``, ``reference`` (the same for all sensors of a target),
        ``before`` and ``after``, in one unit.

    Raises
    ------
    InputError
        If a column is missing, there are no rows, a target lacks a sensor, its references differ, or a number
        is missing.
    """
    need_columns(data, COLUMNS)
    if data.empty:
        raise InputError("The table has no rows, so there is nothing to compare.")
    sensors = list(dict.fromkeys(data["sensor"]))
    found = {}
    for target, rows in data.groupby("target", sort=False):
        if sorted(rows["sensor"]) != sorted(sensors):
            raise InputError(f"{target} needs one row for each of {', '.join(map(str, sensors))}.")
        if not np.isfinite(rows[["reference", "before", "after"]].to_numpy(float)).all():
            raise InputError(f"{target} has no number for one of its sensors: leave that sensor out.")
        if np.ptp(rows["reference"].to_numpy(float)) > 1e-9:
            raise InputError(f"{target} has more than one reference: {sorted(set(rows['reference']))}.")
        found[str(target)] = rows.set_index("sensor").loc[sensors].reset_index()
    return found


def draw_cross_sensor(
    data: pd.DataFrame, *, quantity: str, title: str, subtitle: str = "", caption: str = "", goal: float = 0.015,
    language: str = "en", size: str = "two-column",
) -> Figure:  # fmt: skip
    """Draw pairs of dots, before and after, beside the reference: a panel a target, a line a sensor.

    Parameters
    ----------
    data : DataFrame
        See :func:`paired`; names are in the figure's language.
    quantity : str
        Words for the axis, such as ``"NDVI"``.
    title, subtitle, caption : str
        Words around the panels.
    goal : float, optional
        Half width of the shaded band about the reference, in the unit of the quantity.
    language, size : str
        As in :func:`~musyq_lab.figures.maps.draw_map`.

    Raises
    ------
    InputError
        If the table does not fit.
    """
    targets = paired(data)
    form = size_of(size)
    with style(language, form.scale) as chosen:
        page = sheet(form, chosen, title, subtitle, caption)
        frame = _frame(page, targets, chosen)
        key = 6.0 * form.scale
        rows_of_panels = len(targets) if frame.stacked else 1
        figure = figure_of(form.width, form.height or page.top + key + rows_of_panels * frame.pitch + page.bottom)
        for index, (target, rows) in enumerate(targets.items()):
            down, across = (index, 0) if frame.stacked else (0, index)
            left = page.margin + frame.label + across * (frame.panel + frame.gap)
            top = page.top + key + down * frame.pitch + _ABOVE * form.scale
            axes = figure.add_axes(box(figure, left, top, frame.panel, frame.height))
            _panel(axes, rows, goal, form.scale)
            low, high = axes.get_xlim()
            ticks = MaxNLocator(max(2, int(frame.panel / (13.0 * form.scale)))).tick_values(low, high)
            axes.set_xticks([tick for tick in ticks if low <= tick <= high])
            axes.set_title(target, loc="left", fontsize=7.5 * form.scale, pad=3.0)
            axes.set_xlabel(quantity)
            names = [""] * len(rows) if across else [str(name) for name in rows["sensor"]]
            axes.set_yticks(range(len(rows)), names, fontsize=_POINTS * form.scale)
        _key(figure, page, goal, chosen)
        page.write(figure)
    return figure


def _frame(page: Sheet, targets: dict[str, pd.DataFrame], language: Language) -> _Frame:
    scale = page.size.scale
    names = next(iter(targets.values()))["sensor"]
    label = max(text_width(str(name), _POINTS * scale, families(language)) for name in names) + 2.5 * scale
    stacked = page.size.width < 120 * scale
    columns, gap, around = 1 if stacked else len(targets), 5.0 * scale, (_ABOVE + _BELOW) * scale
    panel = (page.inner - label - gap * (columns - 1)) / columns
    room = page.size.height - page.top - page.bottom - 6.0 * scale - around if page.size.height else _ROW * len(names)
    return _Frame(label, panel, gap, room, room + around, stacked)


def _panel(axes: Axes, rows: pd.DataFrame, goal: float, scale: float) -> None:
    """Draw one target: the band of the goal, the reference, and a dot before and after for each sensor."""
    reference = float(rows["reference"].iloc[0])
    at = np.arange(len(rows))
    before, after = rows["before"].to_numpy(float), rows["after"].to_numpy(float)
    axes.axvspan(reference - goal, reference + goal, color=FAINT, alpha=0.35, linewidth=0, zorder=0)
    axes.axvline(reference, color=INK, linewidth=0.6 * scale, zorder=1)
    axes.hlines(at, before, after, color=GREY, linewidth=0.5 * scale, zorder=2)
    axes.scatter(before, at, s=14 * scale**2, facecolor="white", edgecolor=_BEFORE, linewidth=0.9 * scale, zorder=3)
    axes.scatter(after, at, s=14 * scale**2, color=_AFTER, linewidth=0, zorder=4)
    numbers = np.concatenate([before, after, [reference - goal, reference + goal]])
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    axes.set_xlim(low - 0.06 * (high - low), high + 0.06 * (high - low))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="y", color=FAINT, linewidth=0.4 * scale, alpha=0.5, zorder=0)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _key(figure: Figure, page: Sheet, goal: float, language: Language) -> None:
    scale = page.size.scale
    dot: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": 3.8 * scale}
    handles = [
        Line2D([], [], markerfacecolor="white", markeredgecolor=_BEFORE, markeredgewidth=0.9 * scale, **dot),
        Line2D([], [], color=_AFTER, markeredgewidth=0, **dot),
        Line2D([], [], color=INK, linewidth=0.6 * scale),
        Patch(facecolor=FAINT, alpha=0.35, linewidth=0),
    ]
    words = [_say(key, language, value=f"{goal:g}") for key in ("before", "after", "reference", "goal")]
    left, bottom, _, height = box(figure, page.margin, page.top, page.inner, 4.5 * scale)
    figure.legend(
        handles, words, loc="center left", bbox_to_anchor=(left, bottom + height / 2), ncols=4, frameon=False,
        fontsize=_POINTS * scale, borderaxespad=0.0, borderpad=0.0, handletextpad=0.4, columnspacing=1.2,
        handlelength=1.4,
    )  # fmt: skip


def describe_cross_sensor(data: pd.DataFrame, *, title: str, language: str = "en") -> str:
    """Return an alternative text made from the numbers, a sentence or two for each target.

    Parameters
    ----------
    data : DataFrame
        As in :func:`draw_cross_sensor`.
    title : str
        Of the figure.
    language : {"en", "zh"}, optional
        Language.
    """
    chosen = check_language(language)
    parts = []
    for target, rows in paired(data).items():
        reference = float(rows["reference"].iloc[0])
        off = (rows["before"] - reference).abs()
        worst = rows.iloc[int(off.to_numpy().argmax())]
        ends = {
            name: f"{float(value):.3f}"
            for name, value in (
                ("reference", reference),
                ("low", rows["before"].min()),
                ("high", rows["before"].max()),
                ("low_after", rows["after"].min()),
                ("high_after", rows["after"].max()),
                ("off", off.max()),
                ("left", abs(worst["after"] - reference)),
            )
        }
        parts.append(_say("alt", chosen, title=title, target=target, worst=worst["sensor"], **ends))
    return " ".join(parts)
