"""What the pointer says: place, value with its sigma, quality in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from bokeh.models import CustomJSHover, HoverTool

from musyq_lab.dashboards._data import Cube, quality_sentences
from musyq_lab.dashboards._legend import Legend
from musyq_lab.figures.words import pretty_units

DEGREES = "Math.abs(v).toFixed({digits}) + '° ' + (v < 0 ? '{negative}' : '{positive}')"
"""A place on an axis of degrees, as JavaScript."""
NOTHING = 255
"""Class of a cell without data."""


def decimals(legend: Legend) -> int:
    """Return the digits after the point that a value deserves: one more than the breaks have steps."""
    if legend.codes or len(legend.breaks) < 2:
        return 0
    step = float(np.min(np.diff(legend.breaks)))
    return int(np.clip(np.ceil(-np.log10(step)) + 1, 0, 6))


def hover(cube: Cube, variable: str, legend: Legend, *, classed: bool = True) -> HoverTool:
    """Return the pointer's text.

    Parameters
    ----------
    cube, variable, legend
        What the map shows.
    classed : bool
        Whether the picture's first layer is the class; else it is the value.
    """
    units = str(cube.dataset[variable].attrs.get("units", "")).removeprefix("1")
    spread, _ = cube.spread(variable)
    field = "@value" if classed else "@image"
    value = f"{field}{{custom}}" + ("@sigma{custom}" if spread is not None else "")
    tips = [("place", "$y{custom}, $x{custom}"), (variable, "@image{custom}" if legend.codes else value)]
    formatters: dict[str, Any] = {"$x": _place(cube, "W", "E"), "$y": _place(cube, "S", "N")}
    if legend.codes:
        formatters["@image"] = _words(list(legend.labels))
    else:
        unit, digits = pretty_units(units), decimals(legend)
        formatters[field] = _number("", digits, "" if spread is not None else unit, "no data")
        formatters["@sigma"] = _number(" ± ", digits, unit, "")
    layer = cube.quality(variable)
    if layer is not None:
        tips.append(("quality", "@quality{custom}"))
        formatters["@quality"] = _quality_words(layer)
    return HoverTool(tooltips=tips, formatters=formatters)


def _place(cube: Cube, negative: str, positive: str) -> CustomJSHover:
    if not cube.geographic:
        return CustomJSHover(code="return value.toFixed(0)")
    text = DEGREES.format(digits=2, negative=negative, positive=positive)
    return CustomJSHover(code=f"const v = value; return {text}")


def _number(before: str, digits: int, units: str, missing: str) -> CustomJSHover:
    code = "return isNaN(value) ? missing : before + value.toFixed(digits) + (units ? ' ' + units : '')"
    return CustomJSHover(args={"before": before, "digits": digits, "units": units, "missing": missing}, code=code)


def _words(words: list[str]) -> CustomJSHover:
    return CustomJSHover(args={"words": words}, code="return words[value] || 'no data'")


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
