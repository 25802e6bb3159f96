"""HDF4: attributes, and datasets as lazy layers, without trusting a byte of the file.

The list of contents is checked here first (:mod:`musyq_lab.files._hdf4_layout`); the HDF4 C library, which crashes on
some damaged files, runs in processes of its own (:mod:`musyq_lab.files._hdf4_process`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import NotFoundError, SceneError, closest
from musyq_lab.files import eos
from musyq_lab.files._hdf4_layout import Storage, layout
from musyq_lab.files._hdf4_process import Request, ask
from musyq_lab.files.lazy import BLOCK, blocks, dask_array

__all__ = ["Hdf4Dataset", "core_metadata", "datasets", "eos_grid", "global_attributes", "open_dataset"]

MAX_BLOCK = 256 * 2**20
"""Bytes of one stored block: what reading a single value may cost."""

_MAX_EDGE = 400_000  # pixels: ten times the largest layer of the programme


@dataclass(frozen=True, slots=True)
class Hdf4Dataset:
    """One dataset of a file, as its headers describe it."""

    name: str
    """Name."""
    shape: tuple[int, ...]
    """Length of each axis."""
    dtype: np.dtype[Any]
    """Stored type."""
    dims: tuple[str, ...]
    """Names of the axes in the file."""
    attributes: Mapping[str, Any]
    """Attributes as stored."""
    storage: Storage
    """How its data are cut and packed."""
    index: int
    """Position in the file."""


@dataclass(frozen=True, slots=True)
class _Contents:
    attributes: Mapping[str, Any]
    datasets: Mapping[str, Hdf4Dataset]


def global_attributes(path: str | Path) -> dict[str, Any]:
    """Return the attributes of a file.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Raises
    ------
    NotFoundError
        If there is no such file.
    SceneError
        If it is not HDF4, is cut off or damaged.
    """
    return dict(_contents(path).attributes)


def datasets(path: str | Path) -> dict[str, Hdf4Dataset]:
    """Return the datasets of a file by name, in the file's order (of two alike, the first).

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Raises
    ------
    NotFoundError, SceneError
        As for :func:`global_attributes`.
    """
    return dict(_contents(path).datasets)


def core_metadata(path: str | Path) -> dict[str, Any]:
    """Return the inventory metadata of an HDF-EOS file: ``SHORTNAME``, ``VERSIONID``, ``RANGEBEGINNINGDATE`` ...

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    dict
        Name in capitals -> text, number, or tuple of them; additional attributes under their own names. Empty where the
        file has none.
    """
    attributes = global_attributes(path)
    return eos.inventory(eos.joined(attributes, "CoreMetadata") or eos.joined(attributes, "OldCoreMetadata"))


def eos_grid(path: str | Path, name: str | None = None) -> eos.EosGrid:
    """Return a grid of an HDF-EOS file: coordinates, CRS and the names of its fields.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    name : str, optional
        Name of the grid, needed where the file has several.

    Raises
    ------
    NotFoundError
        If the file has no grid of that name.
    SceneError
        If the file describes no grid, or one that makes no sense.
    """
    grids = eos.grids(eos.joined(global_attributes(path), "StructMetadata"), str(path))
    return eos.chosen(grids, name, str(path))


def open_dataset(path: str | Path, name: str, chunks: Sequence[int] | None = None) -> xr.DataArray:
    """Return a dataset as a lazy DataArray of the numbers as stored, in dask chunks.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    name : str
        Dataset in it.
    chunks : sequence of int, optional
        Blocks to read, one length an axis; by default about 2048 squared, in whole chunks of the file.

    Returns
    -------
    xarray.DataArray
        Named and with attributes as in the file, nothing decoded; dims are the last parts of the file's names
        (``YDim`` of ``YDim:MOD_Grid``), numbered where two are alike.

    Raises
    ------
    NotFoundError
        If there is no such file or dataset.
    SceneError
        If the file is damaged or declares more than this package reads.
    """
    known = _contents(path).datasets
    if name not in known:
        raise NotFoundError(f"{path} has no dataset {name!r}.{closest(name, known)}")
    dataset = known[name]
    if dataset.dtype.kind == "V":
        raise SceneError(f"{path}: the dataset {dataset.name!r} is of a type that this package does not read.")
    own = tuple(chunks) if chunks else chunks_of(dataset, path)
    _check(dataset, own, path)
    layer = Hdf4Layer(str(Path(path).expanduser().absolute()), name, dataset.index, dataset.shape, dataset.dtype)
    # A short word: dask cuts the names of joined tasks at 115 letters, and tells longer ones apart by 16 bits only.
    data = dask_array(layer, own, [layer.path], "hdf4")
    return xr.DataArray(data, dims=_distinct(dataset.dims), name=name, attrs=dict(dataset.attributes))


def chunks_of(dataset: Hdf4Dataset, path: str | Path) -> tuple[int, ...]:
    """Return the blocks to read a dataset in: one of each outer axis, and about 2048 squared of the last two.

    Raises
    ------
    SceneError
        If the dataset is larger than this package reads: its header is damaged.
    """
    own: tuple[int, ...]
    if dataset.storage.compressed:
        own = tuple(max(1, size) for size in dataset.shape)  # every part is unpacked from the beginning
    else:
        outer = max(0, len(dataset.shape) - 2)
        stored = dataset.storage.chunks or (*(1 for _ in range(outer)), *(BLOCK for _ in dataset.shape[outer:]))
        own = blocks(dataset.shape, stored, least=BLOCK)
    _check(dataset, own, path)
    return own


def _distinct(dims: tuple[str, ...]) -> tuple[str, ...]:
    short = [dim.split(":")[0] for dim in dims]
    return tuple(dim if short.count(dim) == 1 else f"{dim}_{axis}" for axis, dim in enumerate(short))


def _check(dataset: Hdf4Dataset, chunks: tuple[int, ...], path: str | Path) -> None:
    block = math.prod(map(min, chunks, dataset.shape)) * dataset.dtype.itemsize
    if max(dataset.shape, default=0) > _MAX_EDGE or block > MAX_BLOCK:
        raise SceneError(
            f"{path} declares {dataset.name!r} with {' x '.join(map(str, dataset.shape))} values in one piece, more "
            "than this package reads. The header is damaged, or rewrite the file in chunks."
        )


def _contents(path: str | Path) -> _Contents:
    place = str(Path(path).expanduser().absolute())
    return _describe(place, file_state(place))


def file_state(path: str) -> tuple[int, ...]:
    """Return what changes when a file does.

    Raises
    ------
    NotFoundError
        If there is no such file.
    SceneError
        If it is a folder or cannot be reached.
    """
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}.") from None
    except OSError as error:
        raise SceneError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not Path(path).is_file():
        raise SceneError(f"{path} is not a file.")
    return status.st_mtime_ns, status.st_size, status.st_ino


@lru_cache(maxsize=64)
def _describe(path: str, state: tuple[int, ...]) -> _Contents:
    """Read the headers once for each state of a file."""
    descriptors = layout(path, state)
    reply, _ = ask(Request(path, state))
    found: dict[str, Hdf4Dataset] = {}
    for row in reply["datasets"]:
        if min(row["shape"], default=0) < 0 or row["name"] in found:
            continue
        found[row["name"]] = Hdf4Dataset(
            row["name"],
            tuple(row["shape"]),
            np.dtype(row["dtype"] or "V1"),
            tuple(row["dims"]),
            MappingProxyType(row["attributes"]),
            _storage(descriptors.storage(row["ref"]), len(row["shape"])),
            row["index"],
        )
    return _Contents(MappingProxyType(reply["attributes"]), MappingProxyType(found))


def _storage(storage: Storage, rank: int) -> Storage:
    """Return the storage as far as it fits the dataset: chunks of another rank are of a damaged header."""
    return storage if storage.chunks is None or len(storage.chunks) == rank else Storage()


@dataclass(frozen=True, slots=True)
class Hdf4Layer:
    """One dataset of one file, read by another process (see :class:`musyq_lab.files.lazy.Layer`)."""

    path: str
    """File."""
    name: str
    """Dataset in it."""
    index: int
    """Its position."""
    shape: tuple[int, ...]
    """Length of each axis."""
    dtype: np.dtype[Any]
    """Stored type."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part; ``key`` holds slices and whole numbers."""
        key = key if isinstance(key, tuple) else (key,)
        key = (*key, *(slice(None) for _ in range(self.ndim - len(key))))
        spans = [_span(part, size) for part, size in zip(key, self.shape, strict=True)]
        inner = tuple(span.inner for span in spans)
        if not all(span.count for span in spans):
            return np.empty([span.count for span in spans], self.dtype)[inner]
        whole = self._read([span.start for span in spans], [span.count for span in spans])
        return whole[inner]

    def _read(self, start: list[int], count: list[int]) -> NDArray[Any]:
        state = file_state(self.path)
        layout(self.path, state)
        part = {"name": self.name, "index": self.index, "start": start, "count": count}
        reply, data = ask(Request(self.path, state, part, math.prod(count) * self.dtype.itemsize))
        if data is None or np.dtype(reply["dtype"]) != self.dtype:
            raise SceneError(f"{self.path}: the dataset {self.name!r} is not what it was. Open the file again.")
        return data.reshape(count)


@dataclass(frozen=True, slots=True)
class _Span:
    """A contiguous part of an axis, and what of it was asked for."""

    start: int
    count: int
    inner: int | slice


def _span(part: Any, size: int) -> _Span:
    if not isinstance(part, slice):
        return _Span(int(part) % size, 1, 0)
    wanted = range(*part.indices(size))
    if not wanted:
        return _Span(0, 0, slice(None))
    low, high = min(wanted[0], wanted[-1]), max(wanted[0], wanted[-1])
    return _Span(low, high - low + 1, slice(None, None, wanted.step))
