"""The map: a picture of no more cells than a screen can show, outlines of our own, marks of places and regions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import holoviews as hv
import holoviews.plotting.bokeh
import numpy as np
import xarray as xr
from bokeh.models import AdaptiveTicker, CustomJSTickFormatter, FixedTicker
from numpy.typing import NDArray

from musyq_lab.core.resources import resource
from musyq_lab.dashboards._data import Cube, even_axis, limits
from musyq_lab.dashboards._hover import DEGREES, NOTHING, hover
from musyq_lab.dashboards._legend import Legend
from musyq_lab.dashboards._window import Window
from musyq_lab.figures.words import pretty_units

PLACES = ("#d0006f", "#0072b2")
"""Colours of the first and the second place, on the map and in the series."""
_REGION = "#111111"
_STEPS = 256


def image(
    window: Window,
    variable: str,
    chosen: Mapping[str, int],
    legend: Legend,
    *,
    classed: bool = True,
    hidden: NDArray[np.bool_] | None = None,
) -> Any:
    """Return the picture of one step, with value, sigma and quality for the pointer.

    Parameters
    ----------
    window : Window
        What is read.
    variable : str
        What is mapped.
    chosen : mapping of str to int
        Position along each further dimension.
    legend : Legend
        Its classes.
    classed : bool
        Whether the first layer is the class (255 for none) or the value.
    hidden : numpy.ndarray of bool, optional
        Cells that get no colour; the pointer still tells them.
    """
    cube, values = window.cube, window.layer(variable, chosen)
    colours = legend.numbers(values) if classed else values
    if hidden is not None:
        colours = np.where(hidden, colours.dtype.type(NOTHING if classed else np.nan), colours)
    layers, names = [colours], ["class" if classed else "value"]
    if classed and not legend.codes:
        layers.append(values)
        names.append("value")
    spread, _ = cube.spread(variable)
    for name, layer in (("sigma", spread), ("quality", cube.quality(variable))):
        if layer is not None:
            layers.append(window.layer(str(layer.name), chosen))
            names.append(name)
    return drawn(window, layers, names)


def drawn(window: Window, layers: Sequence[NDArray[Any]], names: Sequence[str]) -> Any:
    """Return layers of a window as a picture; cell by cell where the axes are uneven."""
    across, down = window.across, window.down
    # By the whole axes: a DynamicMap takes one kind of picture only, whatever part is in view.
    even = all(even_axis(window.cube.dataset[axis].values) for axis in (window.cube.x, window.cube.y))
    kind = hv.Image if even else hv.QuadMesh
    return kind((across, down, *layers), kdims=["x", "y"], vdims=list(names))


def style(cube: Cube, variable: str, legend: Legend, *, classed: bool = True) -> dict[str, Any]:
    """Return the options of the picture: colours, legend, the pointer's text.

    Parameters
    ----------
    cube, variable, legend
        What the map shows.
    classed : bool
        Whether colours are those of classes; else they run evenly between the ends of the legend.
    """
    bar = {
        "major_tick_line_color": None,
        "bar_line_color": None,
        "background_fill_alpha": 0,
        "major_label_text_font_size": "11px",
        "title_text_font_size": "12px",
        "title_text_font_style": "normal",
    }
    options = {
        "colorbar": True,
        "colorbar_position": "right" if legend.codes else "bottom",
        "clabel": "" if legend.codes else label_of(cube.dataset[variable]),
        "tools": [hover(cube, variable, legend, classed=classed), "tap", "box_select", "lasso_select"],
    }
    if classed:
        return options | _classed(legend, bar)
    colours = legend.ramp(_STEPS)
    return options | {"cmap": colours, "clim": legend.ends, "colorbar_opts": bar | {"height": 12, "padding": 6}}


def _classed(legend: Legend, bar: Mapping[str, Any]) -> dict[str, Any]:
    count, named = len(legend.colours), bool(legend.codes)
    ticks = list(range(count)) if named else [k + 0.5 for k in range(count - 1)]
    texts = legend.labels if named else [f"{b:,.10g}" for b in legend.breaks]
    words = {"ticker": FixedTicker(ticks=ticks), "major_label_overrides": dict(zip(ticks, texts, strict=True))}
    return {
        "cmap": list(legend.colours),
        "clim": (-0.5, count - 0.5),
        "clipping_colors": {"max": "rgba(0, 0, 0, 0)", "NaN": "rgba(0, 0, 0, 0)"},
        "colorbar_opts": {**bar, **words, **({} if named else {"height": 12, "padding": 6})},
    }


def frame(cube: Cube, height: int) -> dict[str, Any]:
    """Return the options of the plot around the picture."""
    options: dict[str, Any] = {
        "responsive": True,
        "height": height,
        "toolbar": "above",
        "active_tools": ["pan"],
        "default_tools": ["pan", "box_zoom", "wheel_zoom", "reset", "save"],
        "fontscale": 0.9,
        "show_grid": cube.geographic,
        "gridstyle": {"grid_line_color": "#999999", "grid_line_alpha": 0.25},
        "xlabel": "" if cube.geographic else cube.x,
        "ylabel": "" if cube.geographic else cube.y,
    }
    if cube.geographic:
        options |= {"xformatter": _ticks("W", "E"), "yformatter": _ticks("S", "N")}
        options |= {"xticks": _degrees(9), "yticks": _degrees(5)}
        options |= {"xlim": limits(cube, cube.x), "ylim": limits(cube, cube.y)}
    elif not cube.dataset[cube.y].attrs:  # rows counted from the top
        options["invert_yaxis"] = True
    return options


def _ticks(negative: str, positive: str) -> CustomJSTickFormatter:
    """Return words for the ticks of an axis of degrees, with as many digits as tell neighbours apart."""
    text = DEGREES.format(digits="digits", negative=negative, positive=positive)
    step = "const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : 1"
    digits = "const digits = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)))"
    return CustomJSTickFormatter(code=f"{step}; {digits}; const v = tick; return v == 0 ? '0°' : {text}")


def _degrees(count: int) -> AdaptiveTicker:
    """Return ticks at whole parts of a circle: 30 and 60 degrees rather than 25 and 50."""
    return AdaptiveTicker(desired_num_ticks=count, mantissas=[1, 2, 3, 6], num_minor_ticks=0)


def label_of(layer: xr.DataArray) -> str:
    """Return the name of a variable with its unit."""
    units = str(layer.attrs.get("units", ""))
    return f"{layer.name} ({pretty_units(units)})" if units not in ("", "1") else str(layer.name)


@cache
def _coast() -> tuple[NDArray[np.float64], ...]:
    """Return the rings of the shipped land outlines (110 m), longitude and latitude in columns."""
    collection = json.loads(resource("catalogs/samples/land_110m.geojson").read_text("utf-8"))
    rings = []
    for feature in collection["features"]:
        shape = feature["geometry"]
        polygons = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
        rings += [np.asarray(ring, dtype=np.float64) for polygon in polygons for ring in polygon]
    return tuple(rings)


def outlines(cube: Cube, shown: bool) -> Any:
    """Return the land outlines; shifted by 360 degrees as well where the data run beyond 180."""
    rings = list(_coast()) if shown and cube.geographic else []
    if rings and float(cube.dataset[cube.x].max()) > 180.5:
        rings += [ring + np.array([360.0, 0.0]) for ring in rings]
    gap = np.full((1, 2), np.nan)
    line = np.concatenate([part for ring in rings for part in (ring, gap)] or [np.empty((0, 2))])
    # One line with gaps: HoloViews takes seconds to split a path of hundreds of rings.
    return hv.Curve(line, "x", "y").opts(color="#444444", line_width=0.6, tools=[])


def marks(places: Sequence[tuple[float, float]]) -> Any:
    """Return the marks of the chosen places, in their colours; nothing where none is chosen."""
    rows = [(x, y, PLACES[k % len(PLACES)]) for k, (x, y) in enumerate(places)]
    return hv.Points(rows, kdims=["x", "y"], vdims=["colour"]).opts(
        marker="circle_cross", size=13, fill_alpha=0, line_color="colour", line_width=2, tools=[]
    )


def border(rings: Sequence[NDArray[np.float64]]) -> Any:
    """Return the outline of the chosen region; nothing where none is chosen."""
    return hv.Path(list(rings), kdims=["x", "y"]).opts(color=_REGION, line_width=2, line_dash="dashed", tools=[])
