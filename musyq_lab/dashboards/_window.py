"""What of a map is read for a view: an overview, a stretch of rows and columns, and a stride among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.dashboards._data import Cube
from musyq_lab.dashboards._levels import chunk_shape, least_stride
from musyq_lab.dashboards._shared import read

CELLS = 650_000
"""Most cells sent to a browser at once; beyond it an overview or every second, third ... cell is shown."""
BUDGET = 2**28
"""Most bytes of a field without overviews that are read for one view."""

Range = tuple[float, float] | None


@dataclass(frozen=True)
class Window:
    """A part of a level of a cube."""

    cube: Cube
    """The cube, or its overview."""
    pieces: dict[str, slice]
    """Rows and columns of it."""
    stride: int
    """Every which of them; 1 is all."""

    @property
    def across(self) -> NDArray[Any]:
        """Centres of the columns."""
        axis: NDArray[Any] = self.cube.dataset[self.cube.x].values[self.pieces[self.cube.x]]
        return axis

    @property
    def down(self) -> NDArray[Any]:
        """Centres of the rows."""
        axis: NDArray[Any] = self.cube.dataset[self.cube.y].values[self.pieces[self.cube.y]]
        return axis

    def layer(self, name: str, chosen: Mapping[str, int]) -> NDArray[Any]:
        """Return one step of a layer.

        Parameters
        ----------
        name : str
            Layer of the cube.
        chosen : mapping of str to int
            Position along each further dimension.

        Returns
        -------
        numpy.ndarray, shape (rows, columns)
            Read-only where it is shared with other sessions.
        """
        layer = self.cube.dataset[name]
        position = {str(dim): at for dim, at in sorted(chosen.items()) if dim in layer.dims}
        spans = tuple((piece.start, piece.stop, piece.step) for piece in self.pieces.values())
        key = None
        if self.cube.key is not None:
            key = (self.cube.key, self.cube.factor, name, tuple(position.items()), spans)

        def make() -> NDArray[Any]:
            part = layer.isel({**position, **self.pieces}).transpose(self.cube.y, self.cube.x)
            return _small(np.asarray(part.values))

        return read(key, make)


def _small(values: NDArray[Any]) -> NDArray[Any]:
    """Return values as few bytes as a picture needs; small whole numbers stay as they are."""
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2:
        return np.ascontiguousarray(values)
    if values.dtype == bool:
        return values.astype(np.uint8)
    return np.ascontiguousarray(values, dtype=np.float32)


def window(
    cube: Cube,
    variable: str,
    x_range: Range = None,
    y_range: Range = None,
    *,
    cells: int | None = None,
    budget: float | None = None,
) -> Window:
    """Return what is to be read for a view.

    Parameters
    ----------
    cube : Cube
        The data.
    variable : str
        What is mapped.
    x_range, y_range : tuple of float or None
        What the map shows now; None for all.
    cells : int, optional
        Most cells wanted; :data:`CELLS` if not given.
    budget : float, optional
        Most bytes to read of a field without overviews; :data:`BUDGET` if not given.
    """
    limit = CELLS if cells is None else cells
    whole = _pieces(cube, x_range, y_range)
    seen = cube.level(cube.levels.best(_count(whole), limit))
    spans = _pieces(seen, x_range, y_range) if seen.factor > 1 else whole
    stride = max(1, int(np.ceil(np.sqrt(_count(spans) / limit))))
    stride = max(stride, _affordable(seen.dataset[variable], (seen.y, seen.x), spans, budget or BUDGET))
    pieces = {name: _thinned(start, stop, stride) for name, (start, stop) in spans.items()}
    return Window(seen, pieces, stride)


def _thinned(start: int, stop: int, stride: int) -> slice:
    """Return every so many cells, each from the middle of those it stands for."""
    stride = min(stride, max(1, (stop - start) // 2))  # two cells at least: one alone has no width
    return slice(start + min(stride - 1, stop - start - 1) // 2, stop, stride)


def _affordable(layer: xr.DataArray, dims: tuple[str, str], spans: Mapping[str, tuple[int, int]], budget: float) -> int:
    shape = (spans[dims[0]][1] - spans[dims[0]][0], spans[dims[1]][1] - spans[dims[1]][0])
    return least_stride(shape, chunk_shape(layer, dims), layer.dtype.itemsize, budget)


def _count(spans: Mapping[str, tuple[int, int]]) -> int:
    return int(np.prod([stop - start for start, stop in spans.values()]))


def _pieces(cube: Cube, x_range: Range, y_range: Range) -> dict[str, tuple[int, int]]:
    """Return first and last cell in view along both axes, with one cell of margin so that no rim stays empty."""
    pieces = {}
    for name, seen in ((cube.y, y_range), (cube.x, x_range)):
        axis = cube.dataset[name].values
        inside = np.ones(axis.size, bool) if seen is None else (axis >= min(seen)) & (axis <= max(seen))
        at = np.flatnonzero(inside)
        if not at.size and seen is not None:  # between two centres, or outside: all is shown there
            middle = int(np.abs(axis - np.mean(seen)).argmin())
            half = abs(float(axis[-1] - axis[0])) / max(axis.size - 1, 1)
            at = np.array([middle] if abs(float(axis[middle]) - float(np.mean(seen))) <= half else [])
        low, high = (int(at[0]) - 1, int(at[-1]) + 2) if at.size else (0, axis.size)
        pieces[name] = (max(low, 0), min(high, axis.size))
    return pieces
