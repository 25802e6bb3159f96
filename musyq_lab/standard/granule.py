"""A granule whose bands lie on several native grids, on one of them.

Bands that the sensor measures on finer pixels are averaged over whole blocks, those on coarser pixels are repeated, so
that no number is made that was not measured. A grid that does not nest in the chosen one is left out and named.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.sensors._open import open_scene, scene_grids

BROAD = ("pan",)
"""Bands left where they are: they hold no role in a retrieval."""

_TOLERANCE = 0.02
"""Of a coarse pixel: how far corners of nested grids may lie apart."""


def open_granule(path: str | Path, *, resolution: float | None = None, sensor: str | None = None) -> xr.Dataset:
    """Open a granule with all its bands on one of its native grids.

    Parameters
    ----------
    path : str or Path
        As for ``ml.open_scene``.
    resolution : float, optional
        Size (m) of the pixels wanted: the coarsest native grid that is no coarser is taken, the finest where there is
        none. By default the sensor's nominal grid.
    sensor : str, optional
        Key, where the files do not tell.

    Returns
    -------
    xarray.Dataset
        As from ``ml.open_scene``; ``attrs["bands_missing"]`` names those of grids that do not nest.
    """
    grids = scene_grids(path, sensor)
    own = None if resolution is None else _native(grids, resolution)
    scene = open_scene(path, sensor, resolution=own)
    have = {str(name) for name, data in scene.data_vars.items() if "wavelength" in data.attrs}
    missing: list[str] = []
    # Nearest in size first: a band measured on two other grids comes from the one that changes least.
    size = _edge(scene, grids, own)
    for other in sorted(grids, key=lambda r: abs(np.log(r / size))):
        wanted = [name for name in grids[other] if name not in have and name not in BROAD]
        if not wanted:
            continue
        try:
            layers = _onto(open_scene(path, sensor, resolution=other)[wanted], scene)
        except InputError:
            missing += wanted
            continue
        scene = scene.assign(layers)
        have |= set(wanted)
    if missing:
        scene.attrs["bands_missing"] = ", ".join(missing)
    return scene


def _native(grids: dict[float, list[str]], resolution: float) -> float:
    fitting = [r for r, names in grids.items() if r <= resolution * (1 + 1e-6) and set(names) - set(BROAD)]
    return max(fitting) if fitting else min(r for r, names in grids.items() if set(names) - set(BROAD))


def _edge(scene: xr.Dataset, grids: dict[float, list[str]], own: float | None) -> float:
    """Return the size of the pixels of the grid that was opened."""
    if own is not None:
        return own
    names = {str(name) for name in scene.data_vars}
    return min((r for r, bands in grids.items() if set(bands) <= names), default=min(grids))


def _onto(layers: xr.Dataset, scene: xr.Dataset) -> dict[str, xr.DataArray]:
    """Bring layers to the pixels of a scene whose grid nests in theirs, or theirs in its."""
    rows, columns = ((layers.sizes[dim], scene.sizes[dim]) for dim in ("y", "x"))
    if rows[0] == rows[1] and columns[0] == columns[1]:
        made = layers
    elif rows[0] * columns[1] == rows[1] * columns[0] and _whole(*rows) and _whole(*columns):
        made = _averaged(layers, rows[0] // rows[1]) if rows[0] > rows[1] else _repeated(layers, rows[1] // rows[0])
    else:
        raise InputError(f"{rows[0]} x {columns[0]} pixels do not nest with {rows[1]} x {columns[1]}.")
    for dim in ("y", "x"):
        _check_axis(layers, scene, dim)
    bare = made.drop_vars(list(made.coords))
    here = {name: scene[name] for name in scene.coords}
    first = next(iter(scene.data_vars.values()))
    chunks = {dim: sizes for dim, sizes in first.chunksizes.items() if dim in ("y", "x")}
    return {
        str(name): data.chunk(chunks).assign_coords(here).assign_attrs(layers[name].attrs)
        for name, data in bare.items()
    }


def _whole(one: int, other: int) -> bool:
    return max(one, other) % min(one, other) == 0


def _check_axis(layers: xr.Dataset, scene: xr.Dataset, dim: str) -> None:
    """Refuse axes whose outer edges differ; pixels without coordinates are taken as they are counted."""
    if dim not in layers.coords or dim not in scene.coords:
        return
    ends = []
    for axis in (layers[dim].values, scene[dim].values):
        step = (axis[-1] - axis[0]) / max(axis.size - 1, 1)
        ends.append((axis[0] - step / 2, axis[-1] + step / 2, abs(step)))
    size = max(ends[0][2], ends[1][2])
    if max(abs(ends[0][i] - ends[1][i]) for i in (0, 1)) > _TOLERANCE * size:
        raise InputError(f"The grids begin or end at other places along {dim}.")


def _averaged(layers: xr.Dataset, factor: int) -> xr.Dataset:
    # A block with a missing pixel is missing: the mean of the rest would lie elsewhere.
    blocks: Any = layers.drop_vars(list(layers.coords)).coarsen(y=factor, x=factor)
    averaged: xr.Dataset = blocks.reduce(np.mean)
    return averaged.astype(np.float32)


def _repeated(layers: xr.Dataset, factor: int) -> xr.Dataset:
    def larger(data: xr.DataArray) -> xr.DataArray:
        stretched = da.repeat(da.repeat(da.asarray(data.data), factor, axis=0), factor, axis=1)
        return xr.DataArray(stretched, dims=data.dims, attrs=data.attrs)

    return layers.drop_vars(list(layers.coords)).map(larger)
