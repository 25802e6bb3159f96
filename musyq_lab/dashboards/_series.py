"""What is known of one place: values with their spread, quality in sentences, and the same as CSV."""

from __future__ import annotations

import calendar
import csv
import io
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import holoviews as hv
import holoviews.plotting.bokeh
import numpy as np
from bokeh.models import Span  # type: ignore[attr-defined]  # made when bokeh starts
from numpy.typing import NDArray

from musyq_lab.core.registry import html_table
from musyq_lab.dashboards._data import Cube, quality_sentences
from musyq_lab.figures.words import pretty_units

_FIRST = ("time", "month", "season", "year")
COLOURS = ("#d0006f", "#0072b2")
"""Of the first and the second series, as their marks on the map."""
_FLAGGED = "#ffffff"
_MANY = 200  # steps beyond which points are drawn small


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
    count: NDArray[np.float64] | None = None
    """Cells with a value behind each value of a region."""
    mean_sigma: NDArray[np.float64] | None = None
    """One sigma of the mean of a region, if the errors of its cells go together."""
    geometry: str = ""
    """The place as WKT, in longitude and latitude where the map has these."""
    degrees: bool = False
    """Whether x and y are longitude and latitude."""

    @property
    def geographic(self) -> bool:
        """Whether the place is in degrees."""
        return self.degrees or "°" in self.place

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
        geometry=f"POINT ({x:.10g} {y:.10g})",
        degrees=cube.geographic,
    )


def place(cube: Cube, x: float, y: float) -> str:
    """Return a place in words: ``36.00° N, 103.50° E``, or column and row."""
    if not cube.geographic:
        return f"{cube.x} {x:.10g}, {cube.y} {y:.10g}"
    x = (x + 180) % 360 - 180
    return f"{abs(y):.2f}° {'S' if y < 0 else 'N'}, {abs(x):.2f}° {'W' if x < 0 else 'E'}"


def label(dim: str, value: Any) -> str:
    """Return a step in words: a month's name, a date, or the label itself."""
    if dim == "month" and isinstance(value, int | np.integer) and 1 <= value <= 12:
        return calendar.month_name[int(value)]
    if dim == "time":  # .tolist() of nanosecond times gives integers, of others datetimes
        text = str(np.datetime64(value, "ns") if isinstance(value, int) else value)[:16].replace("T", " ")
        return text.removesuffix(" 00:00")
    return str(value)[:19]


def texts(dim: str, labels: Sequence[Any]) -> list[str]:
    """Return all steps in words; those that read alike are told apart by their number."""
    found = [label(dim, value) for value in labels]
    if len(set(found)) == len(found):
        return found
    return [f"{text} ({at + 1})" for at, text in enumerate(found)]


def words(dim: str, value: Any) -> str:
    """Return a step as one says it: ``5 January 2011``, a month's name, or the label with its dimension."""
    text = label(dim, value)
    if dim == "time" and len(text) >= 10:
        year, month, day = text[:10].split("-")
        clock = text[11:16]
        return f"{int(day)} {calendar.month_name[int(month)]} {year}{f' {clock} UTC' if clock else ''}"
    return text if dim in _FIRST else f"{dim} {text}"


def draw(shown: Sequence[Series], height: int, hook: Any = None) -> Any:
    """Return the curves with their ribbons; filled points are good, hollow ones flagged.

    The layers are always the same, those of two series, empty where there is nothing, so that a page can change them
    in place.

    Parameters
    ----------
    shown : sequence of Series
        One or two along the same steps; the first in the colour of the first place.
    height : int
        Of the figure (px).
    hook : callable, optional
        Of HoloViews, such as that of :class:`Cursor`.
    """
    first = shown[0]
    units = f" ({pretty_units(first.units)})" if first.units not in ("", "1") else ""
    value = hv.Dimension("value", label=f"{first.variable}{units}")
    step = hv.Dimension("step", label=first.dim or "step")
    parts: list[Any] = []
    for number, colour in enumerate(COLOURS):
        parts += _layers(shown[number] if number < len(shown) else None, step, value, colour)
    size = first.values.size
    frame = {"responsive": True, "height": height, "toolbar": None, "show_legend": False, "show_grid": True}
    axes = {"xticks": _ticks(first), "xlim": (-0.4, size - 0.6), "fontscale": 0.9, "hooks": [hook] if hook else []}
    return hv.Overlay(parts).opts(hv.opts.Overlay(**frame, **axes))


class Cursor:
    """The line that marks the map's step in curves. It moves without the curves being drawn anew."""

    def __init__(self) -> None:
        self.at = 0
        self._lines: weakref.WeakSet[Span] = weakref.WeakSet()

    def hook(self, plot: Any, element: Any) -> None:
        """Add the line to a figure; called by HoloViews at each draw."""
        if not plot.state.select_one({"type": Span}):
            line = Span(location=self.at, dimension="height", line_color="#808080", line_dash="dashed", line_width=1)
            plot.state.add_layout(line)
            self._lines.add(line)

    def move(self, at: int) -> None:
        """Mark another step."""
        self.at = at
        for line in self._lines:
            line.location = at


def _layers(series: Series | None, step: Any, value: Any, colour: str) -> list[Any]:
    """Return ribbon, curve, good and flagged points of one series."""
    values = series.values if series is not None else np.empty(0)
    at = np.arange(values.size)
    sigma = series.sigma if series is not None and series.sigma is not None else np.zeros(at.size)
    ribbon = hv.Area((at, values - sigma, values + sigma), step, [value, "upper"])
    curve = hv.Curve((at, values), step, value).opts(color=colour, line_width=1.6, framewise=True)
    parts = [ribbon.opts(color=colour, alpha=0.18, line_alpha=0, framewise=True), curve]
    flagged = np.array([bool(text) for text in series.quality] if series is not None else [], dtype=bool)
    small = at.size > _MANY
    for chosen, fill in ((~flagged, colour), (flagged, _FLAGGED)):
        kept = chosen & np.isfinite(values)
        if small and fill == colour:
            kept &= _alone(values)  # the line itself shows the others
        points = hv.Points((at[kept], values[kept]), [step, value])
        parts.append(points.opts(size=3 if small else 6, fill_color=fill, line_color=colour, framewise=True))
    return parts


def _alone(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which values have no neighbour, so that no line leads to them."""
    there = np.pad(np.isfinite(values), 1)
    return np.asarray(~there[:-2] & ~there[2:])


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


def to_csv(*shown: Series) -> io.StringIO:
    """Return series as CSV, units in the header.

    Every row holds the place (in numbers, in words and as WKT), step, value, sigma and quality; rows of regions also
    the cells with a value and the sigma of the mean.
    """
    first = shown[0]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    regional = any(series.count is not None for series in shown)
    writer.writerow(_head(first, regional=regional))
    for series in shown:
        writer.writerows(_rows(series, regional=regional))
    out.seek(0)
    return out


def _head(series: Series, *, regional: bool) -> list[str]:
    units = series.units or "1"
    axes = ["latitude (degrees_north)", "longitude (degrees_east)"] if series.geographic else ["y", "x"]
    spread_is = series.sigma_is or "uncertainty"
    head = [*axes, series.dim or "step", f"{series.variable} ({units})", f"{spread_is} ({units})", "quality"]
    more = ["cells with a value", f"uncertainty of the mean if errors go together ({units})"] if regional else []
    return [*head, *more, "place", "geometry (WKT)"]


def _rows(series: Series, *, regional: bool) -> list[list[Any]]:
    nothing = np.full(series.values.size, np.nan)
    sigmas, counts, means = (
        nothing if column is None else column for column in (series.sigma, series.count, series.mean_sigma)
    )
    rows = []
    for k, step in enumerate(series.labels):
        number, spread, count, mean = (_text(column[k]) for column in (series.values, sigmas, counts, means))
        when = label(series.dim, step) if series.dim == "time" else step
        more = [count, mean] if regional else []
        rows.append([series.y, series.x, when, number, spread, series.quality[k], *more, series.place, series.geometry])
    return rows


def _text(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.7g}"
