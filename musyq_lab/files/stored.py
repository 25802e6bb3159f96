"""Lazy reading of stored layers: an array-like that knows paths and opens them inside the task.

No handle is ever kept, so a layer can be pickled, sent to a worker and outlive the file's folder being busy. Files of
a time series are not opened until a value of theirs is asked for.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import ArchiveError
from musyq_lab.files import bounded, direct, quick
from musyq_lab.files.axes import Axis
from musyq_lab.files.lazy import blocks, dask_array
from musyq_lab.files.remote import is_remote, states
from musyq_lab.files.safety import check_hdf5, damage, opened

if TYPE_CHECKING:
    import h5py


@dataclass(frozen=True, slots=True)
class Packing:
    """How stored numbers become values."""

    scale: float = 1.0
    """value = stored x scale + offset."""
    offset: float = 0.0
    """See ``scale``."""
    fills: tuple[float, ...] = ()
    """Stored numbers that mean no data (NaN always does)."""
    limits: tuple[float, float] = (-math.inf, math.inf)
    """Stored numbers outside are no data either."""

    def dtype(self, stored: np.dtype[Any]) -> np.dtype[Any]:
        """Return the type of the values: float32 holds 16-bit integers exactly, integers without packing stay."""
        if stored.kind == "f":
            return np.dtype(stored.newbyteorder("="))
        if self == Packing():
            return np.dtype(stored.newbyteorder("="))
        return np.dtype("float32" if stored.itemsize <= 2 else "float64")

    def unpack(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Return the values, NaN where there are none."""
        dtype = self.dtype(raw.dtype)
        if self == Packing():
            return raw.astype(dtype, copy=False)
        values = np.asarray(raw.astype(np.float64) * self.scale + self.offset, dtype)
        missing = (raw < self.limits[0]) | (raw > self.limits[1])
        for fill in self.fills:
            missing |= raw == raw.dtype.type(fill) if raw.dtype.kind == "f" else raw == fill
        values[missing] = np.nan
        return values


@dataclass(frozen=True)
class StoredLayer:
    """One dataset of one file, or of many files alike along a new first axis, as dask's ``from_array`` wants it."""

    paths: tuple[str, ...]
    """Files in the order of the first axis."""
    name: str
    """Dataset inside them."""
    file_shape: tuple[int, ...]
    """Shape in one file."""
    stored: np.dtype[Any]
    """Stored type."""
    packing: Packing
    """How to decode."""
    stacked: bool = False
    """Whether the files form a first axis of their own."""
    axes: tuple[Axis, ...] = ()
    """Coordinates that all the files must share."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole."""
        return (len(self.paths), *self.file_shape) if self.stacked else self.file_shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.packing.dtype(self.stored)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read and decode a part; ``key`` holds slices and whole numbers."""
        key = key if isinstance(key, tuple) else (key,)
        if not self.stacked:
            return self._read(self.paths[0], key)
        first, rest = (key[0], key[1:]) if key else (slice(None), ())
        if isinstance(first, slice):
            paths = self.paths[first]
            if paths and not any(map(is_remote, paths)) and (found := quick.series(paths, self, rest)) is not None:
                return found
            parts = [self._read(path, rest) for path in paths]
            return np.stack(parts) if parts else np.empty((0, *self.file_shape), self.dtype)
        return self._read(self.paths[int(first)], rest)

    def _read(self, path: str, key: tuple[Any, ...]) -> NDArray[Any]:
        if not is_remote(path) and (found := quick.values(path, self, key)) is not None:
            return found
        check_hdf5(path)
        with opened(path) as file, damage(path):
            dataset = file.get(self.name)
            if dataset is None:
                raise self._absent(path)
            self._compare(dataset, path)
            values = direct.values(dataset, key, self.packing)
            return self.packing.unpack(np.asarray(bounded.read(dataset, key))) if values is None else values

    def _compare(self, dataset: h5py.Dataset, path: str) -> None:
        """Refuse a file of a series that is not laid out and packed like the first."""
        same = dataset.shape == self.file_shape and dataset.dtype == self.stored
        if not same or (self.stacked and packing(with_fill(attributes(dataset))) != self.packing):
            raise ArchiveError(
                f"{self.name!r} of {path} has shape {dataset.shape}, type {dataset.dtype}, "
                f"{packing(with_fill(attributes(dataset)))}; "
                f"{self.file_shape}, {self.stored} and {self.packing} were expected. It was changed after it was "
                "opened, or its series mixes layouts: open it on its own with period=."
            )
        for axis in self.axes:
            values = bounded.read(dataset.file[axis.name]) if axis.name in dataset.file else np.empty(0)
            if not axis.fits(values):
                raise ArchiveError(
                    f"{axis.name!r} of {path} goes {_ends(values)}; {_ends(axis.some)} was expected. Files of one tile "
                    "lie on one grid: give those of another place a tile of their own, or open one with period=."
                )

    def compare(self, path: str) -> None:
        """Refuse a file of a series that is not laid out, packed and placed like the first; no values are read.

        Parameters
        ----------
        path : str
            One of the files.

        Raises
        ------
        ArchiveError
            If it is not.
        """
        check_hdf5(path)
        with opened(path) as file, damage(path):
            if file.get(self.name) is None:
                raise self._absent(path)
            self._compare(file[self.name], path)

    def _absent(self, path: str) -> ArchiveError:
        return ArchiveError(f"{path} has no layer {self.name!r}, as the other files of its series have.")


def _ends(values: Sequence[float] | NDArray[Any]) -> str:
    return f"from {values[0]:.10g} to {values[-1]:.10g}" if len(values) else "nowhere"


_VALUES = 2**20
_LABEL = 12  # see files.lazy
_FILES = 16


def lazy(layer: StoredLayer, chunks: Sequence[int] | None, state: str = "") -> Any:
    """Return the dask array of a layer, in whole chunks of the file.

    A block holds about a million values: the overhead of a task then is small beside its work, and a single pixel still
    costs no more than its own chunk, since dask hands slices down to the layer.

    Parameters
    ----------
    layer : StoredLayer
        What to read.
    chunks : sequence of int or None
        Chunk of one file; None for a layer stored in one piece.
    state : str
        From :func:`state_of`, where several layers are of the same many files; it is asked for otherwise.
    """
    stored = tuple(chunks) if chunks else layer.file_shape
    leading = math.prod(min(pair) for pair in zip(stored[:-2], layer.file_shape[:-2], strict=True))
    own = blocks(layer.file_shape, stored, least=math.isqrt(_VALUES // max(1, leading)))
    # Small files share a block: a task for each would cost more than reading it. A slice reads its own files only.
    files = min(_FILES, max(1, 4 * _VALUES // max(1, math.prod(own))))
    whole = (files, *own) if layer.stacked else own
    label = layer.name.rpartition("/")[2]
    if not state:
        return dask_array(layer, whole, layer.paths, label)
    import dask.array as da
    from dask.base import tokenize

    facts = (state, layer.name, layer.file_shape, layer.stored.str, layer.packing, layer.stacked, whole)
    name = f"open-{label[:_LABEL]}-{tokenize(facts)}"
    return da.from_array(layer, chunks=whole, name=name, meta=np.empty((0,) * layer.ndim, layer.dtype))


def state_of(paths: Sequence[str]) -> str:
    """Return a word that changes when one of the files does.

    Parameters
    ----------
    paths : sequence of str
        Files or addresses.

    Raises
    ------
    OSError
        If a file is not there.
    """
    if any(map(is_remote, paths)):
        return hashlib.sha256(repr(states(paths)).encode()).hexdigest()
    digest = hashlib.sha256()
    for path in paths:
        status = os.stat(path)  # noqa: PTH116  (a thousand Path objects cost as much as the rest of opening)
        digest.update(
            f"{path}\n{status.st_mtime_ns} {status.st_size} {status.st_ino}\n".encode(errors="surrogateescape")
        )
    return digest.hexdigest()


def attributes(target: Any) -> dict[str, Any]:
    """Return the numbers and texts among the attributes, without those that only serve the format."""
    names = [name for name in sorted(target.attrs) if name not in _FORMAT and _simple(target, name)]
    return {name: _plain(target.attrs[name]) for name in names}


def _simple(target: Any, name: str) -> bool:
    """Whether an attribute holds numbers or texts; on others, of a damaged type, the HDF5 library can crash."""
    from h5py import h5t

    return target.attrs.get_id(name).get_type().get_class() in (h5t.INTEGER, h5t.FLOAT, h5t.STRING, h5t.ENUM)


_FORMAT = frozenset(
    (
        *("CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "DIMENSION_LABELS"),
        *("_Netcdf4Dimid", "_Netcdf4Coordinates", "_NCProperties", "_nc3_strict"),
    )
)


def _plain(value: Any) -> Any:
    import h5py

    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, h5py.Empty):
        return ""
    if isinstance(value, np.ndarray) and value.dtype.kind in "SO":
        texts = [item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item) for item in value.flat]
        return texts[0] if len(texts) == 1 else texts
    if isinstance(value, np.ndarray) and value.size == 1:
        return value.flat[0]
    return value


def packing(attrs: Mapping[str, Any]) -> Packing:
    """Return the CF packing that attributes describe.

    Parameters
    ----------
    attrs : mapping
        Attributes of the stored dataset.
    """
    fills = [float(attrs["_FillValue"])] if "_FillValue" in attrs else []
    return Packing(
        float(attrs.get("scale_factor", 1.0)),
        float(attrs.get("add_offset", 0.0)),
        tuple(fill for fill in fills if not math.isnan(fill)),
    )


OTHER_FILLS = (
    "missing_value",
    "FillValue",
    "fillvalue",
    "Fill",
    "fill",
    "fill_value",
    "_fillvalue",
    "nodata",
    "NoData",
)
"""How other programs spell ``_FillValue``; xarray decodes only the first of them."""


def with_fill(attrs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return attributes with a fill value under its CF name, where they hold one under another.

    Parameters
    ----------
    attrs : mapping
        Attributes of a layer.
    """
    other = next((name for name in OTHER_FILLS if name in attrs), None)
    if "_FillValue" in attrs or other is None:
        return attrs
    return {**attrs, "_FillValue": attrs[other]}
