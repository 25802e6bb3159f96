"""A look at a small part of a result before all of it is computed: a map, a histogram, and how long it took."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import holoviews as hv
import numpy as np
import xarray as xr

from musyq_lab.archive import encode
from musyq_lab.core.errors import InputError
from musyq_lab.dashboards._jobs import Job
from musyq_lab.dashboards._jobs_dask import watched
from musyq_lab.figures.words import pretty_units

SIDE = 256
"""Cells along each side of the part that is computed."""
_BINS = 40
_QUICK = 1.0
"""Seconds beyond which a first run may have been compiling: a second one then tells the time."""


@dataclass(frozen=True)
class Preview:
    """A part of a result, computed."""

    layer: xr.DataArray
    """One map of it."""
    per_cell: float
    """Seconds for a cell with all that lies behind it."""
    said: str
    """Where it is and what it holds."""


def tile(made: xr.Dataset, where: tuple[float, float] | None = None) -> xr.Dataset:
    """Return the part of a result that is looked at, with one step of each further dimension.

    Parameters
    ----------
    made : xarray.Dataset
        The lazy result.
    where : tuple of float, optional
        Its middle, across and up, in the map's units; the middle of the map if not given.

    Raises
    ------
    InputError
        If the result is no map, or the place lies outside.
    """
    pair = encode.spatial(made)
    if pair is None:
        dims = ", ".join(map(str, made.dims)) or "none"
        raise InputError(
            f"The result is no map: it has the dimensions {dims}. Keep latitude and longitude, or y and x."
        )
    if 0 in made.sizes.values():
        raise InputError("The result is empty. Choose other data or a larger region.")
    slices: dict[Any, Any] = {dim: made.sizes[dim] // 2 for dim in made.dims if dim not in pair}
    for dim, at in zip(pair, reversed(where) if where else (None, None), strict=True):
        slices[dim] = _stretch(made, str(dim), at)
    return made.isel(slices)


def _stretch(made: xr.Dataset, dim: str, at: float | None) -> slice:
    size = made.sizes[dim]
    middle = size // 2
    if at is not None:
        axis = np.asarray(made[dim].values, float)
        half = abs(axis[-1] - axis[0]) / max(size - 1, 1) / 2 or np.inf
        middle = int(np.argmin(abs(axis - at)))
        if abs(axis[middle] - at) > half * 1.01:
            raise InputError(f"{dim} {at:g} lies outside the data, which go from {axis.min():g} to {axis.max():g}.")
    start = int(np.clip(middle - SIDE // 2, 0, max(size - SIDE, 0)))
    return slice(start, min(start + SIDE, size))


def computed(job: Job, part: xr.Dataset, name: str) -> Preview:
    """Compute the part and return what is shown of it; the work of a job.

    Parameters
    ----------
    job : Job
        Is told of the progress.
    part : xarray.Dataset
        From :func:`tile`.
    name : str
        Variable that is shown.
    """
    seconds = np.inf
    for _ in range(2):
        started = time.perf_counter()
        with watched(job, part) as looked:
            values = looked.compute()
        seconds = min(seconds, time.perf_counter() - started)
        if seconds < _QUICK:
            break
        job.say("Once more, now that all is compiled, for the time that it takes.")
    layer = values[name]
    return Preview(layer, seconds / max(layer.size, 1), _said(layer))


def _said(layer: xr.DataArray) -> str:
    values = np.asarray(layer.values, float)
    good = values[np.isfinite(values)]
    if not good.size:
        return "No value in this part: choose another place for the preview, or look at the inputs."
    unit = pretty_units(str(layer.attrs.get("units", ""))).removeprefix("1")
    share = 100 * good.size / values.size
    numbers = f"{good.min():.4g} to {good.max():.4g}, mean {good.mean():.4g} {unit}".strip()
    steps = ", ".join(f"{n} {str(c.values)[:10]}" for n, c in layer.coords.items() if c.ndim == 0 and n in _STEPS)
    where = f"{layer.shape[0]} × {layer.shape[1]} cells{f' of {steps}' if steps else ''}"
    return f"{where}: {numbers}; {share:.3g} % hold a value."


_STEPS = ("time", "month", "year", "period", "band")


def map_of(layer: xr.DataArray, colour_map: str = "viridis", height: int = 300) -> Any:
    """Return a picture of one map; colours go from the 2nd to the 98th percentile."""
    y, x = layer.dims
    values = np.asarray(layer.values, np.float32)
    down, across = (_axis(layer, dim) for dim in (y, x))
    kind = hv.Image if _even(down) and _even(across) else hv.QuadMesh
    name = str(layer.name)
    picture = kind((across, down, values), kdims=[str(x), str(y)], vdims=[name])
    return picture.opts(
        cmap=colour_map, clim=limits(values), colorbar=True, responsive=True, height=height, tools=["hover"],
        clabel=label(layer), fontscale=0.9, default_tools=["pan", "wheel_zoom", "reset"], title="",
    )  # fmt: skip


def _axis(layer: xr.DataArray, dim: Any) -> Any:
    return np.asarray(layer[dim].values, float) if dim in layer.coords else np.arange(layer.sizes[dim], dtype=float)


def _even(axis: Any) -> bool:
    steps = np.diff(axis)
    return axis.size > 1 and bool(np.allclose(steps, steps[0], rtol=1e-3))


def limits(values: Any) -> tuple[float, float]:
    """Return the ends of the colours."""
    good = values[np.isfinite(values)]
    if not good.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(good, (2, 98)))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def label(layer: xr.DataArray) -> str:
    """Return name and unit for an axis."""
    unit = str(layer.attrs.get("units", ""))
    return f"{layer.name} ({pretty_units(unit)})" if unit not in ("", "1") else str(layer.name)


def histogram_of(layer: xr.DataArray, height: int = 220) -> Any:
    """Return how often each value occurs."""
    values = np.asarray(layer.values, float)
    good = values[np.isfinite(values)]
    counts, edges = np.histogram(good, _BINS) if good.size else (np.zeros(1), np.array([0.0, 1.0]))
    bars = hv.Histogram((edges, counts), kdims=[hv.Dimension("value", label=label(layer))], vdims=["cells"])
    return bars.opts(
        responsive=True, height=height, color="#4a7aa7", line_color="white", tools=["hover"], fontscale=0.9
    )
