"""From an array-like that opens its file inside the task to a dask array in bounded chunks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from musyq_lab.files.remote import states

MAX_BLOCKS = 100_000
"""Most dask chunks of one layer of one file; a file with tinier chunks is read in larger blocks."""

BLOCK = 2048
"""Rows and columns of a block of a file that is not stored in tiles worth keeping (16 MB as float32)."""


_LABEL = 12
"""Letters of a label: dask cuts the names of fused tasks at 115 characters, and with them what makes them unique."""


class Layer(Protocol):
    """What dask needs to know of a stored layer; it must be picklable and hold no open file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole."""

    @property
    def ndim(self) -> int:
        """Number of axes."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""

    def __getitem__(self, key: Any) -> np.ndarray[Any, Any]:
        """Read a part; ``key`` holds slices and whole numbers."""


def dask_array(layer: Layer, chunks: Sequence[int], paths: Sequence[str], label: str) -> Any:
    """Return the dask array of a layer; its name is determined by the files' state and the layer.

    Parameters
    ----------
    layer : Layer
        What to read.
    chunks : sequence of int
        Chunk along each axis.
    paths : sequence of str
        Files it reads.
    label : str
        Word in the names of the tasks, of which the first letters are used.
    """
    import dask.array as da
    from dask.base import tokenize

    name = f"open-{label[:_LABEL]}-{tokenize(states(paths), layer, tuple(chunks))}"
    return da.from_array(layer, chunks=tuple(chunks), name=name, meta=np.empty((0,) * layer.ndim, layer.dtype))


def blocks(shape: Sequence[int], chunks: Sequence[int], *, least: int = 1) -> tuple[int, ...]:
    """Return whole multiples of the file's chunks, no more than :data:`MAX_BLOCKS` of them.

    Parameters
    ----------
    shape, chunks : sequence of int
        Of the layer as stored.
    least : int
        Edge that the last two axes should reach where the layer is that large, or the same area.
    """
    sizes = [max(1, min(chunk, size)) for chunk, size in zip(chunks, shape, strict=True)]
    # Columns first: a file in strips has chunks as wide as the image, and then needs the fewer rows.
    for axis in range(len(sizes) - 1, max(-1, len(sizes) - 3), -1):
        across = sizes[-1] if axis == len(sizes) - 2 else least
        wanted = min(least, shape[axis], least * least // max(1, across))
        sizes[axis] *= max(1, math.ceil(wanted / sizes[axis]))
    while math.prod(math.ceil(size / block) for size, block in zip(shape, sizes, strict=True)) > MAX_BLOCKS:
        sizes = [min(2 * block, max(size, 1)) for block, size in zip(sizes, shape, strict=True)]
    return tuple(max(1, min(block, size)) for block, size in zip(sizes, shape, strict=True))
