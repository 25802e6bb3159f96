"""Which lines of an image a key asks for: dask hands over slices and whole numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Window(NamedTuple):
    """Whole lines that hold what a key asks for, and where in them it lies."""

    first: int
    """First line to read."""
    number: int
    """Number of lines to read."""
    rows: Any
    """Index into the lines that are read."""
    columns: Any
    """Index of the columns."""

    def cut(self, lines: NDArray[Any]) -> NDArray[Any]:
        """Return what was asked for of the lines that were read."""
        return np.asarray(lines[self.rows, self.columns])


def window(key: Any, height: int) -> Window:
    """Return the lines that a key asks for.

    Parameters
    ----------
    key : tuple of slice or int
        Rows and columns.
    height : int
        Lines of the image.
    """
    rows, columns = (*key, slice(None))[:2] if isinstance(key, tuple) else (key, slice(None))
    if isinstance(rows, (int, np.integer)):
        line = range(height)[int(rows)]
        return Window(line, 1, 0, columns)
    chosen = range(height)[rows]
    if not chosen:
        return Window(0, 0, slice(0), columns)
    first = min(chosen)
    return Window(first, max(chosen) + 1 - first, slice(None, None, chosen.step), columns)
