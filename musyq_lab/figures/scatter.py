"""Ours against a reference, point by point, with the one-to-one line and the scores written in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from musyq_lab.core.errors import InputError
from musyq_lab.figures._sheet import box, sheet
from musyq_lab.figures.charts import LINES
from musyq_lab.figures.style import FAINT, GREY, figure_of, size_of
from musyq_lab.figures.style import language as style
from musyq_lab.figures.tables import need_columns, sensible
from musyq_lab.figures.words import pretty_units, say

_SIDE = 74.0  # mm


def scores(data: pd.DataFrame, ours: str, reference: str) -> dict[str, float]:
    """Return number, correlation, root mean square error and bias of the pairs that are whole.

    Raises
    ------
    InputError
        If a column is missing or fewer than two pairs are whole.
    """
    need_columns(data, (ours, reference))
    pairs = _pairs(data, ours, reference)
    if len(pairs) < 2:
        raise InputError(f"{len(pairs)} pairs of {ours} and {reference} have numbers; at least two are needed.")
    apart = pairs[ours] - pairs[reference]
    varies = pairs.std().min() > 0
    return {
        "count": float(len(pairs)),
        "r": float(pairs[ours].corr(pairs[reference])) if varies else float("nan"),
        "rmse": float(np.sqrt((apart**2).mean())),
        "bias": float(apart.mean()),
    }


def _pairs(data: pd.DataFrame, ours: str, reference: str) -> pd.DataFrame:
    """Return the pairs of two finite numbers."""
    return data[[ours, reference]].astype(float).replace([np.inf, -np.inf], np.nan).dropna()


def _limits(pairs: pd.DataFrame) -> tuple[float, float]:
    """Return ends of both axes, which hold zero and leave room beyond the points."""
    values = pairs.to_numpy(float)
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    room = 0.06 * (high - low)
    return (low - room if low < 0 else 0.0), (high + room or 1.0 if high > 0 or low == 0 else 0.0)


def draw_scatter(
    data: pd.DataFrame, ours: str, reference: str, *, units: str, labels: tuple[str, str], title: str,
    subtitle: str = "", caption: str = "", group: str = "", language: str = "en", size: str = "two-column",
) -> Figure:  # fmt: skip
    """Draw pairs as points on equal axes from zero, with the line of equality.

    Parameters
    ----------
    data : DataFrame
        One row a pair.
    ours, reference : str
        Columns of the numbers.
    units : str
        UDUNITS spelling, written on both axes.
    labels : tuple of str
        Words of the axes: ours (upright), reference (across).
    title, subtitle, caption : str
        Words around.
    group : str
        Column whose values (at most seven) have a colour each; by default all points have one.
    language, size : str
        As in :func:`~musyq_lab.figures.maps.draw_map`.

    Raises
    ------
    InputError
        If columns are missing, pairs are too few, or there are more groups than colours.
    """
    data = data.reset_index(drop=True)
    numbers = scores(data, ours, reference)
    if group:
        need_columns(data, (group,))
    whole = _pairs(data, ours, reference)
    # Pairs of no group are in the scores, so they are shown, as a group without a name.
    shown = data.loc[whole.index, group].astype(object).fillna("") if group else pd.Series("", index=whole.index)
    kinds = list(dict.fromkeys(shown))
    if len(kinds) > len(LINES):
        raise InputError(f"{len(kinds)} groups have no colours of their own; at most {len(LINES)} do.")
    form = size_of(size)
    with style(language, form.scale) as chosen:
        page = sheet(form, chosen, title, subtitle, caption)
        left, below = 12.0 * form.scale, 10.0 * form.scale
        side = form.height - page.top - page.bottom - below if form.height else min(_SIDE, page.inner - left)
        figure = figure_of(form.width, form.height or page.top + side + below + page.bottom)
        axes = figure.add_axes(box(figure, page.margin + left, page.top, side, side))
        for kind, colour in zip(kinds, LINES, strict=False):
            rows = whole[shown == kind]
            axes.plot(rows[reference], rows[ours], "o", color=colour, markersize=2.6 * form.scale, alpha=0.75,
                      markeredgewidth=0, label=str(kind), zorder=3)  # fmt: skip
        low, high = _limits(whole)
        axes.plot([low, high], [low, high], color=GREY, linewidth=0.7 * form.scale, zorder=2)
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        axes.set_xlabel(f"{labels[1]} ({pretty_units(units)})")
        axes.set_ylabel(f"{labels[0]} ({pretty_units(units)})")
        axes.grid(color=FAINT, linewidth=0.4 * form.scale, alpha=0.5)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(nbins=6))
            axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.10g}"))
        words = _words(numbers, units, chosen)
        if group:
            words += "\n\n" + say("groups", chosen)
        axes.text(1.05, 1.0, words, transform=axes.transAxes, va="top", ha="left", linespacing=1.5)
        if group:
            axes.legend(loc="upper left", bbox_to_anchor=(1.03, 0.66), frameon=False, handletextpad=0.3)
        page.write(figure)
    return figure


def _words(numbers: dict[str, float], units: str, language: str) -> str:
    unit = pretty_units(units)
    return "\n".join(
        say(f"score_{name}", language, value=text, unit=unit)
        for name, text in (
            ("count", f"{numbers['count']:,.0f}"),
            ("r", f"{numbers['r']:.2f}"),
            ("rmse", sensible(numbers["rmse"])),
            ("bias", f"{numbers['bias']:+.2g}"),
        )
    )


def describe_scatter(
    data: pd.DataFrame, ours: str, reference: str, *, units: str, title: str, language: str = "en"
) -> str:
    """Return what the points show: their number and the scores.

    Parameters
    ----------
    data, ours, reference, units, title, language
        As given to :func:`draw_scatter`.
    """
    numbers = scores(data, ours, reference)
    return say("alt_scatter", language, title=title, count=f"{numbers['count']:,.0f}", r=f"{numbers['r']:.2f}",
               rmse=sensible(numbers["rmse"]), bias=f"{numbers['bias']:+.2g}", unit=pretty_units(units))  # fmt: skip
