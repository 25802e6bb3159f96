"""Coarser maps of the same field, opened when a view first needs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

Opener = Callable[[int], xr.Dataset]


class Levels:
    """Overviews of a product by their factors.

    Parameters
    ----------
    factors : sequence of int
        Factors there are besides 1.
    opener : callable, optional
        Factor -> lazy Dataset with the variables of the map itself.
    """

    def __init__(self, factors: Sequence[int] = (), opener: Opener | None = None) -> None:
        self.factors = tuple(sorted(factors))
        self._opener = opener
        self._opened: dict[int, xr.Dataset] = {}

    def dataset(self, factor: int) -> xr.Dataset:
        """Return the Dataset of a factor; opened once, whoever asks."""
        if factor not in self._opened:
            assert self._opener is not None
            self._opened[factor] = self._opener(factor)
        return self._opened[factor]

    def best(self, cells: float, limit: float) -> int:
        """Return the finest factor that leaves at most ``limit`` of so many cells; the coarsest where none does.

        Parameters
        ----------
        cells : float
            Cells in view of the map itself.
        limit : float
            Most cells wanted.
        """
        good = [factor for factor in (1, *self.factors) if cells / factor**2 <= limit]
        return good[0] if good else max(1, *self.factors, 1)


def chunk_shape(layer: xr.DataArray, dims: tuple[str, str]) -> tuple[int, int] | None:
    """Return the chunk of a lazy layer along two dimensions; None where its values are in memory.

    Parameters
    ----------
    layer : xarray.DataArray
        Backed by dask, by a file that xarray reads lazily, or in memory.
    dims : tuple of str
        Rows and columns.
    """
    if layer.chunks is not None:
        sizes = layer.chunksizes
        return max(sizes[dims[0]]), max(sizes[dims[1]])
    if isinstance(layer.variable._data, np.ndarray):
        return None
    known: Any = layer.encoding.get("preferred_chunks") or {}
    # A file without chunks is stored row by row: rows can be skipped, columns not.
    return int(known.get(dims[0], 1)), int(known.get(dims[1], layer.sizes[dims[1]]))


def least_stride(shape: tuple[int, int], chunk: tuple[int, int] | None, itemsize: int, budget: float) -> int:
    """Return the least stride with which a plane is looked at without reading more than a budget.

    A chunk is read whole for any cell of it, so only strides beyond the chunk save anything.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns in view.
    chunk : tuple of int or None
        From :func:`chunk_shape`; None is in memory and costs nothing.
    itemsize : int
        Bytes of a cell.
    budget : float
        Most bytes to read.
    """
    if chunk is None:
        return 1
    stride = 1
    while _touched(shape, chunk, stride) * chunk[0] * chunk[1] * itemsize > budget and stride < max(shape):
        stride *= 2
    return stride


def _touched(shape: tuple[int, int], chunk: tuple[int, int], stride: int) -> int:
    """Return how many chunks a strided look touches at most."""
    return int(np.prod([-(-size // max(stride, edge)) for size, edge in zip(shape, chunk, strict=True)]))
