"""Shapes of masks: how they grow, and how planes are made coarse, the same for any chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

Bools = NDArray[np.bool_]

_BLOCK = 1024
"""Pixels along an edge of the chunks that are made coarse, about."""


def grown(mask: xr.DataArray, pixels: int) -> xr.DataArray:
    """Return a mask widened by a number of pixels in every direction (a square), lazily for a lazy mask.

    Parameters
    ----------
    mask : DataArray of bool, two-dimensional
        Of numpy or dask; chunks see ``pixels`` rows and columns of their neighbours.
    pixels : int
        0 for none.
    """
    if not pixels:
        return mask
    if not isinstance(mask.data, da.Array):
        return mask.copy(data=_grow(mask.values, pixels))
    wide = mask.data.map_overlap(
        _grow, depth=pixels, boundary=False, dtype=bool, meta=np.empty((0, 0), bool), pixels=pixels
    )
    return mask.copy(data=wide.rechunk(mask.data.chunks))


def _grow(mask: Bools, pixels: int) -> Bools:
    return np.asarray(ndimage.maximum_filter(mask, 2 * pixels + 1, mode="constant", cval=False))


def coarse(plane: Any, factor: int, reduce: Callable[..., Any]) -> Any:
    """Return squares of ``factor`` pixels made one, counted from the first pixel; those at the edge are cut.

    Parameters
    ----------
    plane : array, shape (y, x)
        Of numpy or dask.
    factor : int
        Pixels along a block.
    reduce : callable
        Such as ``np.nanmean``, with an argument ``axis``.
    """
    if factor == 1:
        return plane
    rows, columns = (-size % factor for size in plane.shape)
    fill = False if plane.dtype == bool else np.nan
    if not isinstance(plane, da.Array):
        return _blocks(np.pad(plane, ((0, rows), (0, columns)), constant_values=fill), factor, reduce)
    padded = da.pad(plane, ((0, rows), (0, columns)), constant_values=fill)
    edge = factor * max(1, _BLOCK // factor)
    chunked = padded.rechunk((edge, edge))
    small = tuple(tuple(size // factor for size in sizes) for sizes in chunked.chunks)
    return chunked.map_blocks(
        _blocks, factor, reduce, dtype=plane.dtype, chunks=small, meta=np.empty((0, 0), plane.dtype)
    )


def _blocks(plane: Any, factor: int, reduce: Callable[..., Any]) -> Any:
    rows, columns = (size // factor for size in plane.shape)
    return reduce(plane.reshape(rows, factor, columns, factor), axis=(1, 3)).astype(plane.dtype)


def fine(plane: Any, factor: int, like: Any) -> Any:
    """Return each block's value on its pixels, in the shape (and the chunks) of another plane."""
    if factor > 1:
        repeat = da.repeat if isinstance(plane, da.Array) else np.repeat
        plane = repeat(repeat(plane, factor, axis=0), factor, axis=1)
    plane = plane[: like.shape[0], : like.shape[1]]
    return plane.rechunk(like.chunks) if isinstance(plane, da.Array) else plane
