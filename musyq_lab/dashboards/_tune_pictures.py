"""Small pictures of one map in a notebook: PNG and SVG as text, made from the numbers alone."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.dashboards._compute_preview import label, limits
from musyq_lab.figures.colours import class_colours
from musyq_lab.products._registry import PRODUCTS

_SIZE = 260
"""Pixels along the longer side of a picture."""
_BINS = 40
_MISSING = (225, 225, 225)
_BAR = "border:1px solid #8888;image-rendering:pixelated"


def map_of(layer: xr.DataArray) -> str:
    """Return a map with the ends of its colours, as HTML."""
    values = np.asarray(layer.values, float)
    low, high = limits(values)
    return _picture(values, low, high, _ramp(layer), f"Now: {label(layer)}", _rising(layer))


def difference_of(layer: xr.DataArray, first: xr.DataArray) -> str:
    """Return the map of what has changed since the start, about zero, as HTML."""
    gone = np.asarray(layer.values, float) - np.asarray(first.values, float)
    good = gone[np.isfinite(gone)]
    most = float(np.percentile(abs(good), 98)) if good.size else 0.0
    title = f"Now - start: mean {good.mean():+.3g}, largest {abs(good).max():.3g}" if good.size else "Now - start"
    return _picture(gone, -(most or 1.0), most or 1.0, "RdBu_r", title, _rising(layer))


def _rising(layer: xr.DataArray) -> bool:
    """Whether rows go upward, so that the picture is to be turned over."""
    rows = layer.dims[-2]
    return rows in layer.coords and layer.sizes[rows] > 1 and bool(layer[rows][0] < layer[rows][-1])


def _ramp(layer: xr.DataArray) -> str:
    for spec in PRODUCTS.values():
        for variable in spec.variables:
            if variable.name == layer.name:
                return variable.colour_map
    return "viridis"


def _picture(values: NDArray[Any], low: float, high: float, ramp: str, title: str, turned: bool) -> str:
    colours = np.array([_rgb(text) for text in class_colours(ramp, 128)], np.uint8)
    share = (values - low) / (high - low)
    known = np.isfinite(share)
    at = np.clip(np.where(known, share, 0) * 127, 0, 127).astype(int)
    pixels = np.where(known[..., None], colours[at], np.array(_MISSING, np.uint8))
    alt = escape(f"{title}, colours from {low:.4g} to {high:.4g}", quote=True)
    height, width = values.shape
    scale = _SIZE / max(height, width, 1)
    png = _png(pixels[::-1] if turned else pixels)
    shape = f"width:{max(1, round(width * scale))}px;height:{max(1, round(height * scale))}px"
    steps = ", ".join(f"rgb({r},{g},{b})" for r, g, b in colours[::16])
    return (
        f"<div style='margin:4px 10px'><div>{escape(title)}</div>"
        f"<img alt='{alt}' style='{_BAR};{shape}' src='data:image/png;base64,{png}'/>"
        f"<div style='height:8px;width:{_SIZE}px;background:linear-gradient(to right, {steps})'></div>"
        f"<div style='width:{_SIZE}px;display:flex;justify-content:space-between'><span>{low:.4g}</span>"
        f"<span>{high:.4g}</span></div></div>"
    )


def _png(pixels: NDArray[np.uint8]) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _rgb(text: str) -> tuple[int, ...]:
    return tuple(int(text[at : at + 2], 16) for at in (1, 3, 5))


def histogram_of(layer: xr.DataArray, first: xr.DataArray) -> str:
    """Return how often values occur now (filled) and at the start (line), as SVG."""
    now, then = (np.asarray(data.values, float) for data in (layer, first))
    good = np.concatenate([values[np.isfinite(values)] for values in (now, then)])
    if not good.size:
        return "<p>No value in this part: the inputs are missing or outside what the retrieval takes.</p>"
    low, high = limits(good)
    edges = np.linspace(low, high, _BINS + 1)
    counts = [np.histogram(values[np.isfinite(values)], edges)[0] for values in (now, then)]
    most, width, height = max(int(max(c.max() for c in counts)), 1), 2 * _SIZE, 110
    step = width / _BINS
    bars = "".join(
        f"<rect x='{k * step:.1f}' width='{step - 1:.1f}' y='{height - height * n / most:.1f}' "
        f"height='{height * n / most:.1f}' fill='#4a7aa7'/>"
        for k, n in enumerate(counts[0])
    )
    line = " ".join(
        f"{x:.1f},{height - height * n / most:.1f}" for k, n in enumerate(counts[1]) for x in (k * step, (k + 1) * step)
    )
    words = f"{label(layer)}: now (bars) and at the start (line)"
    return (
        f"<div style='margin:4px 10px'><div>{escape(words)}</div>"
        f"<svg role='img' aria-label='{escape(words, quote=True)}' width='{width}' height='{height}'>{bars}"
        f"<polyline points='{line}' fill='none' stroke='#d0006f' stroke-width='1.5'/></svg>"
        f"<div style='width:{width}px;display:flex;justify-content:space-between'><span>{low:.4g}</span>"
        f"<span>{high:.4g}</span></div></div>"
    )
