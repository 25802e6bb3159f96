"""A map on its own grid: named classes, and projected rasters, which no equal-area projection is chosen for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.figures._sheet import box, sheet
from musyq_lab.figures.style import FAINT, GREY, figure_of, size_of
from musyq_lab.figures.style import language as style
from musyq_lab.figures.tables import sensible
from musyq_lab.figures.words import pretty_units, say

_PAIRS = (("latitude", "longitude"), ("y", "x"))
_FLATTEST, _TALLEST = 0.3, 0.9
_KEYS = 46.0  # mm for the legend beside the map
_AXIS = (12.0, 5.0)  # mm for the figures left of the map and under it


def draw_plain(
    field: xr.DataArray, *, classes: NDArray[np.integer], colours: Sequence[str], labels: Sequence[str], title: str,
    subtitle: str = "", source: str = "", size: str = "two-column",
) -> Figure:  # fmt: skip
    """Draw classes on the grid they come on, with their shares of the cells in the legend.

    Parameters
    ----------
    field : DataArray, dims (latitude, longitude) or (y, x)
        Evenly spaced; gives axes and unit.
    classes : ndarray of int, shape of the field
        Number of the class of each cell; what is no number of a class is no data.
    colours, labels : sequence of str
        One ``#rrggbb`` and one text a class, lowest first.
    title, subtitle : str
        What is shown; unit and date.
    source : str
        Where the classes come from.
    size : {"column", "two-column", "slide"}
        89 mm, 183 mm, or 16:9.

    Raises
    ------
    InputError
        If the field is no map of at least two rows and columns.
    """
    down, across = _axes(field)
    edges = (*_ends(across), *_ends(down))
    form = size_of(size)
    with style("en", form.scale) as chosen:
        page = sheet(form, chosen, title, subtitle, f"Classes: {source}." if source else "")
        left, below = (length * form.scale for length in _AXIS)
        width = page.inner - left - _KEYS * form.scale
        ratio = abs((edges[3] - edges[2]) / (edges[1] - edges[0]))
        height = width * float(np.clip(ratio, _FLATTEST, _TALLEST))
        tall = max(height, (len(labels) + 2) * 4.2 * form.scale)
        figure = figure_of(form.width, form.height or page.top + tall + below + page.bottom + 3 * form.scale)
        axes = figure.add_axes(box(figure, page.margin + left, page.top, width, height))
        shown = np.where((classes >= 0) & (classes < len(labels)), classes.astype(np.int64), -1)
        rows = shown if down[0] > down[-1] else shown[::-1]
        rows = rows if across[0] < across[-1] else rows[:, ::-1]
        norm = BoundaryNorm(np.arange(-0.5, len(labels)), len(labels))
        picture = np.ma.masked_equal(rows, -1)
        axes.imshow(picture, cmap=ListedColormap(list(colours)), norm=norm, extent=edges, aspect="auto",
                    interpolation="nearest")  # fmt: skip
        axes.tick_params(labelsize=7 * form.scale, colors=GREY, width=0.4 * form.scale)
        axes.ticklabel_format(style="plain", useOffset=False)
        for spine in axes.spines.values():
            spine.set(linewidth=0.4 * form.scale, edgecolor=FAINT)
        share = _shares(shown, len(labels))
        keys = [
            Patch(facecolor=colour, edgecolor=FAINT, linewidth=0.4, label=f"{label}  {100 * part:.0f} %")
            for colour, label, part in zip(colours, labels, share, strict=True)
            if part > 0
        ]
        figure.legend(
            handles=keys, loc="upper left", frameon=False, fontsize=7 * form.scale,
            bbox_to_anchor=((page.margin + left + width + 2) / form.width, 1 - page.top * _per_mm(figure)),
            title=pretty_units(str(field.attrs.get("units", ""))), title_fontsize=7 * form.scale,
        )  # fmt: skip
        page.write(figure)
    return figure


def describe_plain(field: xr.DataArray, *, classes: NDArray[np.integer], labels: Sequence[str], title: str) -> str:
    """Return what such a map shows, for readers who cannot see it: range of numbers, and the largest classes.

    Parameters
    ----------
    field, classes, labels, title
        As given to :func:`draw_plain`; a field without ``units`` has no range worth telling.
    """
    share = _shares(classes, len(labels))
    if not share.any():
        return say("alt_empty", "en", title=title)
    order = np.argsort(share)[::-1][:3]
    largest = ", ".join(f"{labels[k]} {100 * share[k]:.0f} %" for k in order if share[k] > 0)
    units = str(field.attrs.get("units", ""))
    values = np.asarray(field, float)
    told = ""
    if units and np.isfinite(values).any():
        low, high = sensible(float(np.nanmin(values))), sensible(float(np.nanmax(values)))
        told = f" Values from {low} to {high} {pretty_units(units)}".rstrip() + "."
    return f"Map of {title}.{told} Largest classes by number of cells: {largest}."


def _axes(field: xr.DataArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    for pair in _PAIRS:
        if field.dims == pair and min(field.shape) > 1:
            down, across = (np.asarray(field[name], float) for name in pair)
            return down, across
    raise InputError(
        f"A plain map needs the dims (latitude, longitude) or (y, x) with at least two cells each, got {field.dims} "
        f"of the shape {field.shape}."
    )


def _ends(axis: NDArray[np.float64]) -> tuple[float, float]:
    """Return the outer edges of an axis, ascending."""
    half = abs(axis[-1] - axis[0]) / (axis.size - 1) / 2
    return float(axis.min() - half), float(axis.max() + half)


def _shares(classes: NDArray[np.integer], count: int) -> NDArray[np.float64]:
    known = classes[(classes >= 0) & (classes < count)].ravel()
    sums = np.bincount(known.astype(np.int64), minlength=count).astype(np.float64)
    return sums / sums.sum() if known.size else sums


def _per_mm(figure: Figure) -> float:
    return 1 / (figure.get_figheight() * 25.4)
