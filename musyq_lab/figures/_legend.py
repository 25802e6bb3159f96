"""The legend of a map, which is the histogram of its area: a bar per class on a classed scale."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from musyq_lab.figures._sheet import box
from musyq_lab.figures.classes import ClassTable, number
from musyq_lab.figures.style import FAINT, GREY, INK, LAND, Size, families, wrap
from musyq_lab.figures.words import Language, pretty_units, say

NO_DATA_HATCH = "......"
_STRIP, _BARS, _LABELS, _HEAD = 3.0, 9.0, 3.6, 3.2
HEIGHT = _HEAD + _BARS + _STRIP + _LABELS
"""Height of scale and histogram in mm on paper."""
_KEY_ROW = 4.2
_SWATCH = (5.0, 2.8)


def keys_height(width: float, entries: int, scale: float) -> float:
    """Return the extra height in mm that the keys need where they do not fit beside the scale."""
    return 0.0 if width > 120 * scale else entries * _KEY_ROW * scale + 1.0 * scale


def share_words(share: float) -> str:
    """Return a share as a legend writes it: ``0``, ``< 1``, ``12`` (percent, without the sign)."""
    percent = 100 * share
    if percent == 0:
        return "0"
    return "< 1" if percent < 0.95 else f"{percent:.0f}"


def draw_legend(
    figure: Figure, table: ClassTable, shares: NDArray[np.float64], keys: tuple[str, ...], *,
    left: float, top: float, width: float, size: Size, language: Language,
) -> None:  # fmt: skip
    """Draw the scale with its histogram and the keys of what is not on it.

    Parameters
    ----------
    figure : Figure
        Where to draw.
    table : ClassTable
        The classes.
    shares : ndarray, shape (classes,)
        Share of the area in each, 0 to 1.
    keys : tuple of str
        Further entries: ``"no_data"``, ``"uncertain"``, ``"not_significant"``, ``"outside"``.
    left, top, width : float
        Room in mm from the top left corner.
    size : Size
        Format.
    language : {"en", "zh"}
        Language.
    """
    scale = size.scale
    beside = keys_height(width, len(keys), scale) == 0.0
    scale_width = 0.64 * width if beside else width
    axes = figure.add_axes(box(figure, left, top, scale_width, HEIGHT * scale))
    _scale(axes, table, shares, scale_width, scale, language)
    key_left = left + scale_width + 0.04 * width if beside else left
    key_top = top + _HEAD * scale if beside else top + (HEIGHT + 1.0) * scale
    _keys(figure, keys, key_left, key_top, left + width - key_left, scale, language)


def _scale(
    axes: Axes, table: ClassTable, shares: NDArray[np.float64], width: float, scale: float, language: Language
) -> None:
    """Draw unit, bars, colour strip and breaks; the axes' units are mm on paper."""
    axes.set_xlim(0, width)
    axes.set_ylim(HEIGHT * scale, 0)
    axes.set_axis_off()
    step, small = width / len(table), 7.0 * scale
    base = (_HEAD + _BARS) * scale
    tallest = max(float(shares.max()), 1e-9)
    for index, (colour, share) in enumerate(zip(table.colours, shares, strict=True)):
        # Room for the figure above the tallest bar.
        bar = (_BARS - 3.2) * scale * float(share) / tallest
        axes.add_patch(Rectangle((index * step, base), step, _STRIP * scale, facecolor=colour, edgecolor="none"))
        if share > 0:
            axes.add_patch(Rectangle((index * step + 0.15 * step, base - bar), 0.7 * step, bar, facecolor=colour,
                                     edgecolor=FAINT, linewidth=0.4 * scale))  # fmt: skip
        axes.text((index + 0.5) * step, base - bar - 0.5 * scale, f"{share_words(float(share))} %", ha="center",
                  va="bottom", fontsize=small, color=INK if share > 0 else FAINT)  # fmt: skip
    axes.add_patch(Rectangle((0, base), width, _STRIP * scale, facecolor="none", edgecolor=GREY, linewidth=0.4 * scale))
    for index, limit in enumerate(table.breaks, start=1):
        axes.plot([index * step] * 2, [base, base + (_STRIP + 0.8) * scale], color=GREY, linewidth=0.4 * scale)
        axes.text(index * step, base + (_STRIP + 1.0) * scale, number(limit), ha="center", va="top", fontsize=small)
    head = say("share_of_area", language, unit=pretty_units(table.units))
    axes.text(0, 0, head, ha="left", va="top", fontsize=small, color=GREY)


def _keys(
    figure: Figure, keys: tuple[str, ...], left: float, top: float, width: float, scale: float, language: Language
) -> None:
    for key in keys:
        axes = figure.add_axes(box(figure, left, top, width, _KEY_ROW * scale))
        axes.set_xlim(0, width)
        axes.set_ylim(_KEY_ROW * scale, 0)
        axes.set_axis_off()
        swatch_width, swatch_height = (edge * scale for edge in _SWATCH)
        axes.add_patch(_swatch(key, swatch_width, swatch_height, scale))
        lines = wrap(say(key, language), width - swatch_width - 1.5 * scale, 7.0 * scale, families(language))
        for row, line in enumerate(lines):
            axes.text(swatch_width + 1.5 * scale, swatch_height / 2 + row * 3.2 * scale, line, va="center", ha="left",
                      fontsize=7.0 * scale)  # fmt: skip
        top += (_KEY_ROW + 3.2 * (len(lines) - 1)) * scale


def _swatch(key: str, width: float, height: float, scale: float) -> Rectangle:
    hatch = {"no_data": NO_DATA_HATCH, "uncertain": "/////", "not_significant": "/////"}.get(key)
    face = {"no_data": "white", "uncertain": "#d9a05b", "not_significant": "#f5f5f5", "outside": LAND}[key]
    edge = FAINT if key == "no_data" else GREY
    return Rectangle((0, 0), width, height, facecolor=face, edgecolor=edge, linewidth=0.4 * scale, hatch=hatch)
