"""The graph of a composite: which arrays of which looks make a chunk of the result."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize

from musyq_lab.composite import weight
from musyq_lab.composite._block import block
from musyq_lab.composite._plan import Plan
from musyq_lab.composite._sun import target
from musyq_lab.composite.select import Look
from musyq_lab.standard import layout

CHUNK_BYTES = 1 << 28
"""Bytes of all looks of a chunk: larger chunks of the scenes are split."""


def own_bands(look: Look, bands: Sequence[str]) -> list[str]:
    """Return those of the bands that a look has."""
    there = {str(name) for name in look.scene["band"].values}
    return [name for name in bands if name in there]


def _arrays(look: Look, plan: Plan) -> list[Any]:
    """Return the arrays of :class:`musyq_lab.composite._strip.Pixels` of a look, as they are in the scene."""
    scene, own = look.scene, own_bands(look, plan.names)
    near = weight.NEAR_CLOUD.name in (*plan.dropped, *dict(plan.lowered))
    plane = layout.plane_of(scene)
    stacks = [scene.get(name) for name in ("reflectance", *layout.UNCERTAINTIES)]
    whole = own == [str(name) for name in scene["band"].values]  # then nothing is cut, and tasks can be fused
    stacks = [s if s is None or whole else s.sel(band=own) for s in stacks]
    arrays = [s if s is None else s.transpose("band", *plane).astype(np.float32, copy=False) for s in stacks]
    arrays.append(weight.quality(scene, near_cloud=near))
    angles = (scene["sun_zenith"], scene["view_zenith"], layout.relative_azimuth(scene))
    arrays += [angle.transpose(*plane).astype(np.float32, copy=False) for angle in angles]
    return [array if array is None else array.data for array in arrays]


def layers(looks: Sequence[Look], plan: Plan, moment: datetime, sun_zenith: float | xr.DataArray | None) -> Any:
    """Return the layers of the composite, lazily where a scene is lazy.

    Parameters
    ----------
    looks : sequence of Look
        In their order.
    plan : Plan
        What to make of them.
    moment : datetime
        Middle of the period (UTC).
    sun_zenith : float, DataArray or None
        See :func:`musyq_lab.composite._sun.target`.
    """
    arrays = [array for look in looks for array in _arrays(look, plan)]
    lazy = [array for array in arrays if isinstance(array, da.Array)]
    needed = plan.normalize or plan.method != "mean"
    scene = looks[0].scene
    if not lazy:
        return block(target(scene, moment, sun_zenith, None) if needed else None, *arrays, plan=plan)
    chunks = _chunks(lazy[0].chunks[-2:], sum(array.dtype.itemsize * _depth(array) for array in lazy))
    sun = target(scene, moment, sun_zenith, chunks) if needed else None
    pairs: list[Any] = [sun, None if sun is None else ("y", "x")]
    for number, array in enumerate(arrays):
        if array is None:
            pairs += [None, None]
            continue
        whole = array if isinstance(array, da.Array) else da.from_array(array, chunks=-1)
        # Bands of a look have a label of their own: looks may have different numbers of them.
        labels = (f"b{number}", "y", "x") if array.ndim == 3 else ("y", "x")
        pairs += [whole.rechunk((*array.shape[:-2], *chunks)), labels]
    return da.blockwise(
        block,
        ("layer", "y", "x"),
        *pairs,
        plan=plan,
        new_axes={"layer": plan.layers},
        dtype=np.uint32,
        concatenate=True,
        align_arrays=False,
        name=f"composite-{tokenize(pairs, plan)}",
        meta=np.empty((0, 0, 0), np.uint32),
    )


def _depth(array: Any) -> int:
    return int(array.shape[0]) if array.ndim == 3 else 1


def _chunks(chunks: tuple[tuple[int, ...], ...], bytes_per_pixel: int) -> tuple[tuple[int, ...], ...]:
    """Return the chunks of the first look, halved along rows until all looks of one fit in memory."""
    rows, columns = chunks
    while max(rows) > 1 and max(rows) * max(columns) * bytes_per_pixel > CHUNK_BYTES:
        rows = tuple(part for size in rows for part in (size - size // 2, size // 2) if part)
    return rows, columns
