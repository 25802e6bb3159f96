"""What is known of one place: values with their spread, quality in sentences, and the same as CSV."""

from __future__ import annotations

import calendar
import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import holoviews as hv
import holoviews.plotting.bokeh
import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.registry import html_table
from musyq_lab.dashboards._data import Cube, quality_sentences
from musyq_lab.figures.words import pretty_units

_FIRST = ("time", "month", "season", "year")
_LINE, _FLAGGED = "#b3501b", "#ffffff"


@dataclass(frozen=True)
class Series:
    """One variable at one place along one dimension (or a single value, where there is none)."""

    variable: str
    """Its name."""
    long_name: str
    """Its name in plain words."""
    units: str
    """Its unit."""
    dim: str
    """Dimension along which it runs, empty for a single value."""
    labels: list[Any]
    """Labels along it."""
    values: NDArray[np.float64]
    """Values, NaN where there is none."""
    sigma: NDArray[np.float64] | None
    """One sigma."""
    sigma_is: str
    """What sigma means."""
    quality: list[str]
    """What the quality layer says of each value, empty if all is well."""
    x: float
    """Centre of the cell across."""
    y: float
    """Centre of the cell up or down."""
    place: str
    """The place in words."""

    @property
    def empty(self) -> bool:
        """Whether there is no value at all."""
        return not np.isfinite(self.values).any()


def series_dimension(cube: Cube, variable: str) -> str:
    """Return the dimension a series runs along: time or month before others; empty if there is none."""
    dims = list(cube.steps(variable))
    return next((name for name in _FIRST if name in dims), dims[0] if dims else "")


def series_at(cube: Cube, variable: str, chosen: Mapping[str, int], point: tuple[float, float]) -> Series:
    """Return what is known at the cell nearest to a point.

    Parameters
    ----------
    cube : Cube
        The data.
    variable : str
        What to read.
    chosen : mapping of str to int
        Position along the dimensions the series does not run along.
    point : tuple of float
        Across, and up or down.
    """
    dim = series_dimension(cube, variable)
    spread, sigma_is = cube.spread(variable)
    flags = cube.quality(variable)
    layer = cube.dataset[variable]

    def read(field: Any) -> NDArray[np.float64]:
        position = {d: at for d, at in chosen.items() if d in field.dims and d != dim}
        cell = field.isel(position).sel({cube.x: point[0], cube.y: point[1]}, method="nearest")
        line = np.atleast_1d(np.asarray(cell.values, dtype=np.float64))
        return np.broadcast_to(line, (layer.sizes[dim] if dim else 1,))

    codes = read(flags) if flags is not None else None
    values = read(layer)
    said = ["; ".join(quality_sentences(flags, q)) for q in codes] if flags is not None and codes is not None else []
    centre = layer.sel({cube.x: point[0], cube.y: point[1]}, method="nearest")
    x, y = float(centre[cube.x]), float(centre[cube.y])
    return Series(
        variable,
        str(layer.attrs.get("long_name", variable)),
        str(layer.attrs.get("units", "")),
        dim,
        cube.steps(variable)[dim] if dim else [""],
        values,
        read(spread) if spread is not None else None,
        sigma_is,
        said or [""] * values.size,
        x,
        y,
        place(cube, x, y),
    )


def place(cube: Cube, x: float, y: float) -> str:
    """Return a place in words: ``36.00° N, 103.50° E``, or column and row."""
    if not cube.geographic:
        return f"{cube.x} {x:g}, {cube.y} {y:g}"
    x = (x + 180) % 360 - 180
    return f"{abs(y):.2f}° {'S' if y < 0 else 'N'}, {abs(x):.2f}° {'W' if x < 0 else 'E'}"


def label(dim: str, value: Any) -> str:
    """Return a step in words: a month's name, a date, or the label itself."""
    if dim == "month" and isinstance(value, int | np.integer) and 1 <= value <= 12:
        return calendar.month_name[int(value)]
    if isinstance(value, int) and dim == "time":  # .tolist() of nanosecond times gives integers
        return str(np.datetime64(value, "ns"))[:10]
    return str(value)[:19]


def draw(series: Series, current: int, height: int) -> Any:
    """Return the curve with its ribbon; filled points are good, hollow ones flagged, the line marks the map's step.

    The layers are always the same, empty where there is nothing, so that a page can change them in place.
    """
    at = np.arange(series.values.size)
    units = f" ({pretty_units(series.units)})" if series.units not in ("", "1") else ""
    value = hv.Dimension("value", label=f"{series.variable}{units}")
    step = hv.Dimension("step", label=series.dim or "step")
    sigma = series.sigma if series.sigma is not None else np.zeros(at.size)
    ribbon = hv.Area((at, series.values - sigma, series.values + sigma), step, [value, "upper"])
    curve = hv.Curve((at, series.values), step, value).opts(color=_LINE, line_width=1.6, framewise=True)
    parts = [ribbon.opts(color=_LINE, alpha=0.18, line_alpha=0, framewise=True), curve]
    flagged = np.array([bool(text) for text in series.quality])
    for chosen, fill in ((~flagged, _LINE), (flagged, _FLAGGED)):
        points = hv.Points((at[chosen], series.values[chosen]), [step, value])
        parts.append(points.opts(size=6, fill_color=fill, line_color=_LINE, framewise=True))
    parts.append(hv.VLine(current).opts(color="#d0006f", line_width=1, line_dash="dashed"))
    frame = {"responsive": True, "height": height, "toolbar": None, "show_legend": False, "show_grid": True}
    axes = {"xticks": _ticks(series), "xlim": (-0.4, at.size - 0.6), "fontscale": 0.9}
    return hv.Overlay(parts).opts(hv.opts.Overlay(**frame, **axes))


def blank(cube: Cube, variable: str) -> Series:
    """Return the series of no place: the right axes and no value."""
    dim = series_dimension(cube, variable)
    labels = cube.steps(variable)[dim] if dim else [""]
    units = str(cube.dataset[variable].attrs.get("units", ""))
    values = np.full(len(labels), np.nan)
    return Series(variable, variable, units, dim, labels, values, None, "", [""] * len(labels), np.nan, np.nan, "")


def _ticks(series: Series) -> list[tuple[int, str]]:
    """Return at most twelve marks along the axis."""
    every = max(1, int(np.ceil(len(series.labels) / 12)))
    texts = [label(series.dim, value) for value in series.labels]
    short = [text[:3] if series.dim == "month" else text for text in texts]
    return [(k, short[k]) for k in range(0, len(short), every)]


def summary(series: Series) -> str:
    """Return one line: place, mean (or value) and spread."""
    if series.empty:
        return f"No data at {series.place}: sea, or outside the product. Click a coloured cell."
    units = pretty_units(series.units) if series.units not in ("", "1") else ""
    if series.values.size == 1:
        sigma = "" if series.sigma is None else f" ± {series.sigma[0]:.4g}"
        return f"{series.place}: {series.values[0]:.4g}{sigma} {units}".rstrip()
    low, high = int(np.nanargmin(series.values)), int(np.nanargmax(series.values))
    return (
        f"{series.place}: mean {np.nanmean(series.values):.4g} {units}, "
        f"lowest {series.values[low]:.4g} ({label(series.dim, series.labels[low])}), "
        f"highest {series.values[high]:.4g} ({label(series.dim, series.labels[high])})"
    )


def quality_html(series: Series) -> str:
    """Return a table of the flagged steps, or one line if there is none."""
    rows = [
        [label(series.dim, step), f"{value:.4g}", text]
        for step, value, text in zip(series.labels, series.values, series.quality, strict=True)
        if text
    ]
    if not rows:
        return f"<p>{escape(series.place)}: no quality bit is set; the values are as good as their inputs.</p>"
    return html_table([[series.dim or "step", "value", "what the quality layer says"], *rows], series.place)


def to_csv(series: Series) -> io.StringIO:
    """Return the series as CSV: place, step, value, sigma and quality in every row, units in the header."""
    out = io.StringIO()
    units = series.units or "1"
    writer = csv.writer(out, lineterminator="\n")
    header = ["latitude (degrees_north)", "longitude (degrees_east)"] if "°" in series.place else ["y", "x"]
    spread_is = series.sigma_is or "uncertainty"
    header += [series.dim or "step", f"{series.variable} ({units})", f"{spread_is} ({units})", "quality"]
    writer.writerow(header)
    sigmas = series.sigma if series.sigma is not None else np.full(series.values.size, np.nan)
    for step, value, sigma, text in zip(series.labels, series.values, sigmas, series.quality, strict=True):
        number, spread = ("" if np.isnan(v) else f"{v:.7g}" for v in (value, sigma))
        when = label(series.dim, step) if series.dim == "time" else step
        writer.writerow([series.y, series.x, when, number, spread, text])
    out.seek(0)
    return out
