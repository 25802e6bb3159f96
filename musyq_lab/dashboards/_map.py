"""The map: a classed image that is thinned to what a screen can show, outlines of our own, and a marker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import holoviews as hv
import holoviews.plotting.bokeh
import numpy as np
import xarray as xr
from bokeh.models import AdaptiveTicker, CustomJSHover, CustomJSTickFormatter, FixedTicker, HoverTool
from numpy.typing import NDArray

from musyq_lab.core.resources import resource
from musyq_lab.dashboards._data import Cube, quality_sentences
from musyq_lab.dashboards._legend import Legend
from musyq_lab.figures.words import pretty_units

CELLS = 500_000
"""Most cells sent to a browser at once; beyond it every second, third ... cell is shown until one zooms in."""

Range = tuple[float, float] | None
_DEGREES = "Math.abs(v).toFixed({digits}) + '° ' + (v < 0 ? '{negative}' : '{positive}')"


def window(cube: Cube, x_range: Range, y_range: Range) -> tuple[dict[str, slice], int]:
    """Return the cells to draw as slices, and the stride among them.

    Parameters
    ----------
    cube : Cube
        The data.
    x_range, y_range : tuple of float or None
        What the map shows now; None for all.
    """
    pieces = {}
    for name, seen in ((cube.x, x_range), (cube.y, y_range)):
        axis = cube.dataset[name].values
        inside = np.ones(axis.size, bool) if seen is None else (axis >= min(seen)) & (axis <= max(seen))
        at = np.flatnonzero(inside)
        # One cell of margin, so that the picture has no empty rim; all of it where the view lies outside.
        pieces[name] = (max(at[0] - 1, 0), min(at[-1] + 2, axis.size)) if at.size else (0, axis.size)
    count = np.prod([stop - start for start, stop in pieces.values()])
    stride = max(1, int(np.ceil(np.sqrt(count / CELLS))))
    return {name: slice(start, stop, stride) for name, (start, stop) in pieces.items()}, stride


def image(cube: Cube, variable: str, chosen: Mapping[str, int], pieces: Mapping[str, slice], legend: Legend) -> Any:
    """Return the classed picture of one step, with value, sigma and quality for the pointer.

    Parameters
    ----------
    cube : Cube
        The data.
    variable : str
        What is mapped.
    chosen : mapping of str to int
        Position along each further dimension.
    pieces : mapping of str to slice
        From :func:`window`.
    legend : Legend
        Its classes.
    """
    values = _field(cube, cube.dataset[variable], chosen, pieces)
    layers = [legend.classify(values.values), np.asarray(values.values, np.float32)]
    names = ["class", "value"]
    spread, _ = cube.spread(variable)
    for name, layer in (("sigma", spread), ("quality", cube.quality(variable))):
        if layer is not None:
            layers.append(np.asarray(_field(cube, layer, chosen, pieces).values, np.float32))
            names.append(name)
    across, down = values[cube.x].values, values[cube.y].values
    even = _even(across) and _even(down)
    kind = hv.Image if even else hv.QuadMesh
    return kind((across, down, *layers), kdims=["x", "y"], vdims=names)


def _field(cube: Cube, layer: xr.DataArray, chosen: Mapping[str, int], pieces: Mapping[str, slice]) -> xr.DataArray:
    """Return one step of a layer as (y, x)."""
    position = {dim: at for dim, at in chosen.items() if dim in layer.dims}
    return layer.isel({**position, **pieces}).transpose(cube.y, cube.x)


def _even(axis: NDArray[Any]) -> bool:
    steps = np.diff(axis.astype(np.float64))
    return axis.size > 1 and bool(np.allclose(steps, steps[0], rtol=1e-4))


def style(cube: Cube, variable: str, legend: Legend) -> dict[str, Any]:
    """Return the options of the picture: classes as colours, a classed legend, the pointer's text."""
    count = len(legend.colours)
    named = bool(legend.codes)
    ticks = list(range(count)) if named else [k + 0.5 for k in range(count - 1)]
    texts = legend.labels if named else [f"{b:,.10g}" for b in legend.breaks]
    bar = {
        "ticker": FixedTicker(ticks=ticks),
        "major_label_overrides": dict(zip(ticks, texts, strict=True)),
        "major_tick_line_color": None,
        "bar_line_color": None,
        "major_label_text_font_size": "11px",
        "title_text_font_size": "12px",
        "title_text_font_style": "normal",
        **({} if named else {"height": 12, "padding": 6}),
    }
    options = {
        "cmap": list(legend.colours),
        "clim": (-0.5, count - 0.5),
        "colorbar": True,
        "colorbar_position": "right" if named else "bottom",
        "colorbar_opts": bar,
        "clabel": "" if named else _label(cube.dataset[variable]),
        "tools": [_hover(cube, variable, legend), "tap"],
    }
    return options


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
        options |= {"xlim": _limits(cube, cube.x), "ylim": _limits(cube, cube.y)}
    elif not cube.dataset[cube.y].attrs:  # rows counted from the top
        options["invert_yaxis"] = True
    return options


def _ticks(negative: str, positive: str) -> CustomJSTickFormatter:
    text = _DEGREES.format(digits=0, negative=negative, positive=positive)
    return CustomJSTickFormatter(code=f"const v = tick; return v == 0 ? '0°' : {text}")


def _degrees(count: int) -> AdaptiveTicker:
    """Return ticks at whole parts of a circle: 30 and 60 degrees rather than 25 and 50."""
    return AdaptiveTicker(desired_num_ticks=count, mantissas=[1, 2, 3, 6], num_minor_ticks=0)


def _limits(cube: Cube, name: str) -> tuple[float, float]:
    """Return what the data cover, so that outlines beyond them do not shrink the map."""
    axis = cube.dataset[name].values
    half = abs(float(axis[-1] - axis[0])) / max(axis.size - 1, 1) / 2
    return float(axis.min()) - half, float(axis.max()) + half


def _label(layer: xr.DataArray) -> str:
    units = str(layer.attrs.get("units", ""))
    return f"{layer.name} ({pretty_units(units)})" if units not in ("", "1") else str(layer.name)


def decimals(legend: Legend) -> int:
    """Return the digits after the point that a value deserves: one more than the breaks have steps."""
    if legend.codes or len(legend.breaks) < 2:
        return 0
    step = float(np.min(np.diff(legend.breaks)))
    return int(np.clip(np.ceil(-np.log10(step)) + 1, 0, 6))


def _hover(cube: Cube, variable: str, legend: Legend) -> HoverTool:
    """Return the pointer's text: place, value and sigma, quality in words."""
    units = str(cube.dataset[variable].attrs.get("units", "")).removeprefix("1")
    spread, _ = cube.spread(variable)
    value = "@value{custom}" + ("@sigma{custom}" if spread is not None else "")
    tips = [("place", "$y{custom}, $x{custom}"), (variable, "@image{custom}" if legend.codes else value)]
    formatters: dict[str, Any] = {"$x": _place(cube, "W", "E"), "$y": _place(cube, "S", "N")}
    if legend.codes:
        formatters["@image"] = _words(list(legend.labels))
    else:
        unit, digits = pretty_units(units), decimals(legend)
        formatters["@value"] = _number("", digits, "" if spread is not None else unit, "no data")
        formatters["@sigma"] = _number(" ± ", digits, unit, "")
    layer = cube.quality(variable)
    if layer is not None:
        tips.append(("quality", "@quality{custom}"))
        formatters["@quality"] = _quality_words(layer)
    return HoverTool(tooltips=tips, formatters=formatters)


def _place(cube: Cube, negative: str, positive: str) -> CustomJSHover:
    if not cube.geographic:
        return CustomJSHover(code="return value.toFixed(0)")
    text = _DEGREES.format(digits=2, negative=negative, positive=positive)
    return CustomJSHover(code=f"const v = value; return {text}")


def _number(before: str, digits: int, units: str, missing: str) -> CustomJSHover:
    code = "return isNaN(value) ? missing : before + value.toFixed(digits) + (units ? ' ' + units : '')"
    return CustomJSHover(args={"before": before, "digits": digits, "units": units, "missing": missing}, code=code)


def _words(words: list[str]) -> CustomJSHover:
    return CustomJSHover(args={"words": words}, code="return isNaN(value) ? 'no data' : words[Math.round(value)]")


def _quality_words(layer: xr.DataArray) -> CustomJSHover:
    """Return a formatter that says each set bit, or the code, in words."""
    if "flag_masks" in layer.attrs:
        masks = [int(mask) for mask in np.atleast_1d(layer.attrs["flag_masks"])]
        words = ["; ".join(quality_sentences(layer, mask)) for mask in masks]
        code = "const said = words.filter((w, k) => value & masks[k]); return said.length ? said.join('; ') : 'good'"
        return CustomJSHover(args={"masks": masks, "words": words}, code=f"if (isNaN(value)) return 'no data'; {code}")
    codes = [int(code) for code in np.atleast_1d(layer.attrs["flag_values"])]
    words = ["; ".join(quality_sentences(layer, code)) or "good" for code in codes]
    code = "const k = codes.indexOf(Math.round(value)); return k < 0 ? 'no data' : words[k]"
    return CustomJSHover(args={"codes": codes, "words": words}, code=code)


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
    return hv.Path(rings, kdims=["x", "y"]).opts(color="#444444", line_width=0.6, tools=[])


def marker(point: tuple[float, float] | None) -> Any:
    """Return the mark of the chosen place; nothing where none is chosen."""
    return hv.Points([point] if point else [], kdims=["x", "y"]).opts(
        marker="circle_cross", size=13, fill_alpha=0, line_color="#d0006f", line_width=2, tools=[]
    )
