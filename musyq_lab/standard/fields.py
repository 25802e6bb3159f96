"""Layers of any map on another grid: means of quantities, and the class that covers most of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GeoGrid, ProjectedGrid
from musyq_lab.standard._warp_blocks import Job, Plan
from musyq_lab.standard._warp_frames import coordinates, frame_of
from musyq_lab.standard._warp_source import Source

PLANES = (("latitude", "longitude"), ("y", "x"))
"""Pairs of dimensions of a map, rows first."""


def on_grid(layers: xr.Dataset, grid: GeoGrid | ProjectedGrid, *, classes: Sequence[str] = ()) -> xr.Dataset:
    """Bring layers of a map to a grid, lazily.

    Parameters
    ----------
    layers : xarray.Dataset
        On (latitude, longitude) or (y, x) with ``spatial_ref``; other dimensions may come before.
    grid : GeoGrid or ProjectedGrid
        Where to.
    classes : sequence of str
        Layers that hold classes: a cell gets the class that covers most of it, the smaller number where two cover the
        same. The others get the mean of their valid pixels, weighted by area. NaN where less than half of a cell is
        covered.

    Returns
    -------
    xarray.Dataset
        Float layers on the grid, with their attributes.

    Raises
    ------
    InputError
        If the layers are no map, or do not overlap the grid.
    """
    plane = next((pair for pair in PLANES if set(pair) <= set(layers.dims)), None)
    if plane is None:
        raise InputError(
            f"Layers with the dimensions {tuple(layers.dims)} are no map: latitude and longitude, or y and x."
        )
    numbers = {name: _numbers(layers[name]) for name in classes}
    fields = {
        f"{name}={n}": (layers[name] == n).where(layers[name].notnull()) for name in classes for n in numbers[name]
    }
    fields |= {str(name): data for name, data in layers.data_vars.items() if name not in classes}
    fields = {name: data.transpose(..., *plane).astype(np.float32) for name, data in fields.items()}
    source, frame = Source(layers, plane, None), frame_of(grid)
    tiles = source.tiles(frame)
    if tiles.window((0, frame.rows), (0, frame.columns)) is None:
        raise InputError("The layers and the grid do not overlap.")
    plan = Plan(source.geometry, frame, tiles, "area", 0.5, source.place)
    made = plan.run([Job(data.data, "mean", ()) for data in fields.values()])
    coords = coordinates(grid)
    dims = ("latitude", "longitude") if "latitude" in coords else ("y", "x")
    warped = {
        name: xr.Variable((*data.dims[:-2], *dims), values)
        for (name, data), values in zip(fields.items(), made, strict=True)
    }
    kept = {k: v for k, v in layers.coords.items() if not set(plane) & set(v.dims) and k not in ("spatial_ref", "crs")}
    out = xr.Dataset({n: v for n, v in warped.items() if "=" not in n}, coords=coords, attrs=layers.attrs)
    for name in classes:
        out[name] = _most(name, numbers[name], warped, out)
    out = out.assign_coords(kept)
    for key, data in out.data_vars.items():
        data.attrs = {k: v for k, v in layers[key].attrs.items() if k != "grid_mapping"}
    return out


def _numbers(classes: xr.DataArray) -> list[int]:
    """Return the classes that occur; their legend, where the layer has one, else its values, which are read."""
    if "flag_values" in classes.attrs:
        return sorted(int(n) for n in np.atleast_1d(classes.attrs["flag_values"]))
    values = np.unique(np.asarray(classes.values))
    return [int(n) for n in values[np.isfinite(values)]] or [0]  # of a map without any, every cell is empty


def _most(name: str, numbers: Sequence[int], warped: dict[str, xr.Variable], out: xr.Dataset) -> xr.DataArray:
    """Return the class with the largest share; the first of equal ones, so that ties do not depend on the order."""
    first = warped[f"{name}={numbers[0]}"]
    best: Any = xr.DataArray(first.copy(data=first.data * 0.0 + numbers[0]))
    share: Any = xr.DataArray(first)
    for number in numbers[1:]:
        other = xr.DataArray(warped[f"{name}={number}"])
        best = best.where(~(other > share), float(number))
        share = share.where(~(other > share), other)
    return best.assign_coords({d: out[d] for d in best.dims if d in out.coords})  # type: ignore[no-any-return]
