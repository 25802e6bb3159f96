"""Cells of pixels between whose corners the atmosphere is interpolated, the same for every chunking of a scene.

Corners lie at every sixteenth pixel of the whole scene and at its last one. A chunk gets the corners of the cells that
it touches, so it needs no more of its neighbours than one pixel on a side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

SIZE = 16
"""Pixels on a side."""


@dataclass(frozen=True)
class Line:
    """Cells along one dimension, for a chunk of it."""

    first: int
    """First corner of the chunk, among all."""
    last: int
    """One beyond its last."""
    cell: NDArray[np.float32]
    """Corner before each pixel, among those of the chunk."""
    share: NDArray[np.float32]
    """Place of each pixel in its cell, 0 to 1."""
    edges: NDArray[np.float32]
    """First pixel of each cell within the chunk, and where the last cell ends."""


def corners(size: int) -> NDArray[np.intp]:
    """Return the pixels of a dimension that are corners, at least two (of which a single pixel is both)."""
    inside = np.arange(0, size, SIZE)
    return inside if inside[-1] == size - 1 and size > 1 else np.append(inside, size - 1)


def line(size: int, start: int, stop: int) -> Line:
    """Return the cells that the pixels from ``start`` to ``stop`` of a dimension touch."""
    at = corners(size)
    pixels = np.arange(start, stop)
    cell = np.clip(np.searchsorted(at, pixels, side="right") - 1, 0, at.size - 2)
    first, last = int(cell[0]), int(cell[-1]) + 2
    share = (pixels - at[cell]) / np.maximum(at[cell + 1] - at[cell], 1)
    edges = np.clip(at[first:last], start, stop) - start
    edges[-1] = stop - start
    return Line(first, last, *(part.astype(np.float32) for part in (cell - first, share, edges)))


def sample(plane: Any) -> Any:
    """Return the corners of an array whose last two dimensions are those of the scene, each from its own chunk."""
    for axis in (-2, -1):
        inside, end = ([slice(None)] * plane.ndim for _ in range(2))
        inside[axis], end[axis] = slice(None, None, SIZE), slice(-1, None)
        count = corners(plane.shape[axis]).size
        parts = plane[tuple(inside)], plane[tuple(end)]
        joined = da.concatenate if isinstance(plane, da.Array) else np.concatenate
        plane = parts[0] if parts[0].shape[axis] == count else joined(parts, axis)
    return plane


def spread(values: NDArray[Any], rows: Line, columns: Line) -> NDArray[Any]:
    """Interpolate a field at the corners of a chunk, dims (rows, columns), to its pixels."""
    i, k = rows.cell.astype(np.intp), columns.cell.astype(np.intp)
    down = values[i] + rows.share[:, None] * (values[i + 1] - values[i])
    left = down[:, k]
    return np.asarray(left + columns.share * (down[:, k + 1] - left), np.float32)


def over_chunks(
    function: Callable[..., NDArray[Any]],
    like: Any,
    nodes: Any,
    *arrays: Any,
    dtype: Any = np.float32,
    **constants: Any,
) -> Any:
    """Run a function over a scene, chunk by chunk where it is lazy.

    Parameters
    ----------
    function : callable
        ``function(nodes, *arrays, bands=..., rows=..., columns=..., **constants)`` gets the corners of the chunk, the
        chunks of the arrays, the place of the chunk among the bands and its :class:`Line` of either dimension.
    like : ndarray or dask array, shape (bands, y, x)
        Gives the result its shape and chunks.
    nodes : ndarray or dask array, shape (n, rows, columns)
        Fields at the corners.
    *arrays : ndarray or dask array, shape (bands or 1, y, x)
        Layers of the scene; one band serves all.
    dtype : dtype
        Of the result.
    **constants
        For the function.
    """
    shape = like.shape
    if not any(isinstance(array, da.Array) for array in (like, nodes, *arrays)):
        whole = [[0, length] for length in shape]
        return _run(nodes, *arrays, function=function, shape=shape, constants=constants, place=whole)
    chunks = like.chunks if isinstance(like, da.Array) else da.core.normalize_chunks("auto", shape, dtype=dtype)
    parts = [_plane(array, chunks) for array in arrays]
    return da.map_blocks(
        _located,
        da.zeros(shape, chunks=chunks, dtype=bool),
        _overlapping(nodes, shape, chunks),
        *parts,
        dtype=dtype,
        chunks=chunks,
        meta=np.empty((0, 0, 0), dtype),
        name=None,
        function=function,
        shape=shape,
        constants=constants,
    )


def _located(where: Any, nodes: Any, *arrays: Any, block_info: Any = None, **rest: Any) -> NDArray[Any]:
    return _run(nodes, *arrays, place=block_info[0]["array-location"], **rest)


def _run(nodes: Any, *arrays: Any, function: Any, shape: Any, constants: Any, place: Any) -> NDArray[Any]:
    bands, rows, columns = place
    along = {"rows": line(shape[1], *rows), "columns": line(shape[2], *columns)}
    return np.asarray(function(nodes, *arrays, bands=slice(*bands), **along, **constants))


def _plane(array: Any, chunks: Any) -> da.Array:
    """Bring an array to the chunks of the scene; one layer serves all bands."""
    own = chunks[0] if array.shape[0] > 1 or sum(chunks[0]) == 1 else (1,)
    wanted = (own, *chunks[1:])
    laid: da.Array = array.rechunk(wanted) if isinstance(array, da.Array) else da.from_array(array, chunks=wanted)
    return laid


def _overlapping(nodes: Any, shape: tuple[int, ...], chunks: Any) -> da.Array:
    """Return the corners cut for each chunk, those on the border between two in both."""
    lazy = nodes if isinstance(nodes, da.Array) else da.from_array(nodes, chunks=nodes.shape)
    cuts = []
    for size, lengths in zip(shape[1:], chunks[1:], strict=True):
        ends = map(int, np.cumsum([0, *lengths]))
        pieces = [line(size, start, stop) for start, stop in pairwise(ends)]
        cuts.append([slice(piece.first, piece.last) for piece in pieces])
    rows = [[lazy[:, row, column].rechunk(-1) for column in cuts[1]] for row in cuts[0]]
    joined: da.Array = da.block(rows)
    return joined
