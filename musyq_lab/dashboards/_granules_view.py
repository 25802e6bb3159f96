"""Pictures of a scene for the granule page: true colour or one band, thinned to a screen; histograms; responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import holoviews as hv
import numpy as np
import xarray as xr

from musyq_lab.core.errors import MusyqError
from musyq_lab.core.sensor import Sensor
from musyq_lab.dashboards._granules_tables import bands, stretch
from musyq_lab.dashboards._granules_thin import every, part
from musyq_lab.figures.quicklook import true_colour
from musyq_lab.figures.words import pretty_units
from musyq_lab.sensors._response import response

SIZE = 600
"""Most rows and columns that are read for a picture."""
COLOURS = "true colour"
"""Stands for a picture of three bands."""

# Okabe and Ito: told apart by colour-blind readers.
_LINES = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#000000", "#f0e442")
_DASHES = ("solid", "dashed", "dotted", "dashdot")
_BINS = 100
_EDGE, _LEAST, _CURVES = 390, 40, 320
_TOOLS = ["pan", "box_zoom", "wheel_zoom", "reset", "save"]


def window(scene: xr.Dataset, x_range: Any = None, y_range: Any = None) -> tuple[range, range]:
    """Return the rows and columns to read for what a picture shows.

    Parameters
    ----------
    scene : xarray.Dataset
        All of it.
    x_range, y_range : tuple of float or None
        Columns and rows in view; None for all.
    """
    spans = []
    for name, seen in (("y", y_range), ("x", x_range)):
        size = scene.sizes[name]
        first, last = (0, size) if seen is None else (int(np.floor(min(seen))), int(np.ceil(max(seen))))
        first, last = max(0, min(first, size - 1)), max(1, min(last, size))
        spans.append((first, last) if last > first else (0, size))
    step = max(1, -(-max(last - first for first, last in spans) // SIZE))
    rows, columns = (every(scene.sizes[name], step, *span) for name, span in zip(("y", "x"), spans, strict=True))
    return rows, columns


def picture(scene: xr.Dataset, what: str, rows: range, columns: range, limits: tuple[float, float]) -> tuple[Any, str]:
    """Return the picture of a part of a scene, in rows and columns, and what it shows.

    Parameters
    ----------
    scene : xarray.Dataset
        All of it.
    what : str
        A band, or ``true colour``.
    rows, columns : range
        From :func:`window`.
    limits : tuple of float
        Percentiles that are black and white, for a band.
    """
    bounds = _bounds(rows, columns)
    if what == COLOURS:
        cut = part(scene[bands(scene)], rows, columns)
        found = true_colour(cut, size=max(len(rows), len(columns)))
        image = found.image[::-1].astype(np.float32) / 255
        rgb = hv.RGB(image, bounds=bounds, kdims=["column", "row"], vdims=[*_channels()])
        return rgb, found.title.rpartition("; ")[2]
    layer = scene[what]
    values = np.asarray(part(scene[[what]], rows, columns)[what].values, np.float32)
    values = np.where(np.isinf(values), np.float32(np.nan), values)
    units = pretty_units(str(layer.attrs.get("units", ""))).removeprefix("1")
    name = str(layer.attrs.get("long_name", what))
    image = hv.Image(
        values[::-1], bounds=bounds, kdims=["column", "row"], vdims=[hv.Dimension("value", unit=units or None)]
    )
    return image.redim.range(value=stretch(values, *limits)), name


def _channels() -> list[Any]:
    return [hv.Dimension(name, range=(0, 1)) for name in ("R", "G", "B", "A")]


def _bounds(rows: range, columns: range) -> tuple[float, float, float, float]:
    """Return left, lowest row, right and highest row; rows count from the top, and the axis is turned over."""
    edges = [(k[0] - k.step // 2, k[0] - k.step // 2 + len(k) * k.step) for k in (columns, rows)]
    return edges[0][0], edges[1][0], edges[0][1], edges[1][1]


def style(what: str) -> dict[str, Any]:
    """Return the options of a picture."""
    if what == COLOURS:
        return {"tools": ["tap"], "default_tools": _TOOLS}
    return {
        "tools": ["tap", "hover"],
        "default_tools": _TOOLS,
        "cmap": "gray",
        "colorbar": True,
        "clipping_colors": {"NaN": "#d9cfe8"},
    }


def frame(scene: xr.Dataset) -> dict[str, Any]:
    """Return the options of the plot around a picture: square pixels, rows from the top."""
    rows, columns = scene.sizes["y"], scene.sizes["x"]
    scale = _EDGE / max(rows, columns)
    return {
        "frame_height": max(_LEAST, round(rows * scale)),
        "frame_width": max(_LEAST, round(columns * scale)),
        "invert_yaxis": True,
        "xlim": (0, columns),
        "ylim": (0, rows),
        "xlabel": "column",
        "ylabel": "row",
        "toolbar": "above",
        "default_tools": _TOOLS,
        "active_tools": ["pan", "tap"],
    }


def histograms(values: Mapping[str, xr.DataArray]) -> Any:
    """Return the histogram of each band, of those in one unit together.

    Parameters
    ----------
    values : mapping of str to xarray.DataArray
        Computed bands in one unit.
    """
    good = {name: layer.values[np.isfinite(layer.values)] for name, layer in values.items()}
    filled = [v for v in good.values() if v.size]
    if not filled:
        return hv.Overlay([hv.Curve([], "value", "share").opts(height=_CURVES, responsive=True, title="no data")])
    low, high = min(v.min() for v in filled), max(np.percentile(v, 99.9) for v in filled)
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    units = pretty_units(str(next(iter(values.values())).attrs.get("units", ""))).removeprefix("1")
    across = hv.Dimension("value", unit=units or None)
    curves = []
    for number, (name, found) in enumerate(good.items()):
        counts = np.histogram(found, edges)[0] / max(found.size, 1)
        curve = hv.Curve((0.5 * (edges[1:] + edges[:-1]), counts), across, "share", label=name)
        curves.append(curve.opts(interpolation="steps-mid", tools=["hover"], **_line(number)))
    return hv.Overlay(curves).opts(height=_CURVES, responsive=True, legend_position="bottom", legend_cols=5)


def _line(number: int) -> dict[str, Any]:
    return {"color": _LINES[number % len(_LINES)], "line_dash": _DASHES[number // len(_LINES) % len(_DASHES)]}


def responses(sensor: Sensor, scene: xr.Dataset) -> tuple[Any, str]:
    """Return the spectral responses of the bands of a scene, and where they come from."""
    curves: list[Any] = []
    sources: dict[str, None] = {}
    for number, name in enumerate(bands(scene)):
        try:
            found = _response(sensor, name, str(scene.attrs.get("platform", "")))
        except MusyqError:
            continue  # a band that the sensor's list does not have
        sources[f"{found.attrs['response']}: {found.attrs['source']} ({found.attrs['licence']})"] = None
        curve = hv.Curve(
            (found["wavelength"].values, found.values), hv.Dimension("wavelength", unit="um"), "response", label=name
        )
        curves.append(curve.opts(tools=["hover"], **_line(number)))
    empty = hv.Curve([], "wavelength", "response")
    drawn = hv.Overlay(curves or [empty]).opts(height=_CURVES, responsive=True, legend_position="bottom", legend_cols=5)
    drawn = drawn.opts(logx=True, xticks=[0.4, 0.5, 0.7, 1, 1.5, 2, 3, 5, 8, 12])
    return drawn, "; ".join(sources) or "The responses of these bands are not known."


def _response(sensor: Sensor, band: str, platform: str) -> xr.DataArray:
    try:
        return response(sensor.key, band, platform)
    except MusyqError:
        return response(sensor.key, band)
