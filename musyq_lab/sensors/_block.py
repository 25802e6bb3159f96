"""Whatever part of a layer dask asks for, as the rectangle that holds it and what to take of that.

dask passes the slices of later steps (``isel(x=slice(None, None, 64))``) down to the reading of a block, so a layer
must answer slices with steps, whole numbers and lists, not whole blocks alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a two-dimensional layer."""

    rows: range
    """Rows of the rectangle that holds it."""
    columns: range
    """Columns of the rectangle."""
    inside: tuple[Any, Any]
    """Index into rows and columns of the rectangle."""

    def take(self, rectangle: NDArray[Any]) -> NDArray[Any]:
        """Return the part of the rectangle's values."""
        row, column = self.inside
        return np.asarray(rectangle[:, column][row])

    def take_of_lines(self, lines: NDArray[Any]) -> NDArray[Any]:
        """Return the part of its rows when they were read whole."""
        return self.take(lines[:, self.columns.start : self.columns.stop])


def part(key: Any, shape: Sequence[int]) -> Part:
    """Return the part that a key (slices, whole numbers, lists) means.

    Parameters
    ----------
    key : tuple or one of its elements
        As ``__getitem__`` gets it.
    shape : sequence of int
        Rows, columns.
    """
    keys = (*(key if isinstance(key, tuple) else (key,)), slice(None))[:2]
    (rows, row), (columns, column) = (_axis(k, n) for k, n in zip(keys, shape, strict=True))
    return Part(rows, columns, (row, column))


def _axis(key: Any, size: int) -> tuple[range, Any]:
    chosen = np.arange(size)[key]
    if not chosen.size:
        return range(0), chosen
    low, high = int(chosen.min()), int(chosen.max())
    return range(low, high + 1), chosen - low
