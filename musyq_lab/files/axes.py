"""Whether the files of a series lie on one grid: each says where its rows and columns are, and that is compared.

A file of another place under the name of this tile would otherwise be read as if it lay here. Some values of each
axis are compared, its ends among them, so that a layer stays small enough to be sent to workers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from h5py import h5d

_SOME = 33
_NEAR = 1e-3  # of a cell: what rounding to float32 moves the cells of a global map of 1 km by


class Axis(NamedTuple):
    """A coordinate as all files of a series have it."""

    name: str
    """Dataset in the file."""
    size: int
    """Values."""
    some: tuple[float, ...]
    """Values at equal distances, the first and the last among them."""

    def fits(self, values: NDArray[Any]) -> bool:
        """Return whether the values of another file are these, within a thousandth of a cell.

        Parameters
        ----------
        values : numpy.ndarray
            All values of its axis.
        """
        if values.shape != (self.size,):
            return False
        cell = abs(self.some[-1] - self.some[0]) / max(1, self.size - 1)
        found = np.asarray(values[_places(self.size)], np.float64)
        return bool(np.all(np.abs(found - self.some) <= max(_NEAR * cell, math.ulp(abs(self.some[0])))))


def axis_of(name: str, values: NDArray[Any]) -> Axis | None:
    """Return what is compared of an axis, None where it holds no numbers.

    Parameters
    ----------
    name : str
        Dataset in the file.
    values : numpy.ndarray
        Its values.
    """
    if values.ndim != 1 or values.dtype.kind not in "iuf" or not values.size:
        return None
    return Axis(name, values.size, tuple(float(value) for value in values[_places(values.size)]))


def _places(size: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, size - 1, _SOME).round().astype(np.intp))


def plain(dataset: h5d.DatasetID, size: int) -> NDArray[Any] | None:
    """Return the values of a coordinate that is stored in one piece in its file, None where that is not so simple.

    Parameters
    ----------
    dataset : h5py.h5d.DatasetID
        Open.
    size : int
        Values it should have.
    """
    from h5py import h5d, h5s

    creation = dataset.get_create_plist()
    if creation.get_layout() != h5d.CONTIGUOUS or creation.get_external_count():
        return None
    if dataset.shape != (size,) or dataset.dtype.kind not in "iuf":
        return None
    values = np.empty(size, dataset.dtype)
    dataset.read(h5s.ALL, h5s.ALL, values)
    return values
