"""Images and tables of HDF5 files of sensors: checked first, opened inside the tasks, never kept open.

satpy reads the formats of the polar imagers too. Its file handlers keep open HDF5 files inside the arrays they return,
so these cannot be pickled or sent to a worker, and nothing checks a file before it is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.files import bounded
from musyq_lab.files.lazy import dask_array

ROWS = 640
"""Lines of a block: whole scans of 10, 16, 32 and 40 lines (21 MB as float32 at 8192 columns)."""

MAX_TABLE = 4_000_000
"""Most values of a table that is read when a granule is opened (gains by line, coefficients)."""


@dataclass(frozen=True)
class Plane:
    """One image of a dataset of an HDF5 file, as dask wants it: picklable, no open file."""

    path: str
    """File."""
    name: str
    """Dataset."""
    index: int | None
    """Which image along the first axis of a three-dimensional dataset."""
    shape: tuple[int, int]
    """Lines, columns."""
    dtype: np.dtype[Any]
    """Stored type, in the byte order of the machine."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return 2

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part; a damaged block is an error that names the file."""
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        with reading(self.path) as file:
            dataset = file[self.name]
            if dataset.shape[-2:] != self.shape:
                raise SceneError(f"{self.path} was changed after it was opened: {self.name} has shape {dataset.shape}.")
            part = bounded.read(dataset, (rows, columns) if self.index is None else (self.index, rows, columns))
        return np.asarray(part, self.dtype)


@contextmanager
def reading(path: str | Path) -> Iterator[Any]:
    """Open a file that is checked first; whatever its damage raises becomes one plain error.

    Raises
    ------
    ArchiveError
        If the file is damaged or hostile.
    """
    # Here, so that importing a sensor's spec does not load h5py.
    from musyq_lab.files.safety import check_hdf5, damage, opened

    check_hdf5(path)
    with opened(path) as file, damage(path):
        yield file


def _attributes(target: Any) -> dict[str, Any]:
    from musyq_lab.files.stored import attributes

    return attributes(target)


def plane(path: Path, name: str, index: int | None = None) -> xr.DataArray:
    """Return an image as it is stored, lazily, dims (y, x), with the attributes of its dataset.

    Parameters
    ----------
    path : pathlib.Path
        HDF5 file; it is checked first.
    name : str
        Dataset.
    index : int, optional
        Which image of a three-dimensional dataset.

    Raises
    ------
    ArchiveError
        If the file is damaged or hostile.
    SceneError
        If it has no such image.
    """
    with reading(path) as file:
        dataset = file.get(name)
        wanted = 2 if index is None else 3
        if dataset is None or getattr(dataset, "ndim", 0) != wanted or (index or 0) >= dataset.shape[0]:
            raise SceneError(f"{path} holds no image {name!r}{'' if index is None else f' number {index}'}.")
        shape, dtype, attrs = dataset.shape[-2:], dataset.dtype.newbyteorder("="), _attributes(dataset)
    if dtype.kind not in "uif" or 0 in shape:
        raise SceneError(f"{path}: {name!r} is no image of numbers (shape {shape}, type {dtype}). The file is damaged.")
    layer = Plane(str(path), name, index, shape, dtype)
    # A short word: dask cuts long names of joined tasks, and with them what tells two bands apart.
    data = dask_array(layer, (min(ROWS, shape[0]), shape[1]), (str(path),), "plane")
    return xr.DataArray(data, dims=("y", "x"), attrs=attrs)


def table(path: Path, name: str) -> NDArray[np.float64]:
    """Return a small dataset in full, such as gains by line.

    Raises
    ------
    SceneError
        If the file has none of that name, or it is no small table of numbers.
    """
    with reading(path) as file:
        dataset = file.get(name)
        if dataset is None or getattr(dataset, "shape", None) is None:
            raise SceneError(f"{path} lacks the table {name!r}, which calibrates its bands. The file is damaged.")
        if dataset.size > MAX_TABLE or dataset.dtype.kind not in "uif":
            raise SceneError(f"{path}: {name!r} is no table of numbers ({dataset.size} values, {dataset.dtype}).")
        return np.asarray(bounded.read(dataset), np.float64)


def metadata(path: Path, name: str = "/") -> dict[str, Any]:
    """Return the attributes of a file, group or dataset; nothing where it does not exist."""
    with reading(path) as file:
        target = file.get(name)
        return {} if target is None else _attributes(target)


def members(path: Path, name: str = "/") -> tuple[str, ...]:
    """Return the names inside a group; nothing where it does not exist."""
    with reading(path) as file:
        target = file.get(name)
        return tuple(target) if hasattr(target, "keys") else ()
