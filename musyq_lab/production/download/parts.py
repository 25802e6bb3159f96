"""The reading half of a download, in parts that outlive a kill.

Every part is a file that carries its own SHA-256. A part that is cut off, damaged or absent is read again; the others
are not. The file that the person gets is then made from the parts alone, so that its bytes are the same whether the
download was stopped or not.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.archive.draft import plain
from musyq_lab.core.errors import ArchiveError, MusyqError
from musyq_lab.core.progress import track

PART_BYTES = 16 * 2**20
"""Most bytes of the arrays of one part, all its layers together, unless a chunk of the data is larger."""

_MAGIC = b"MuSyQ part 1\n"
_DIGEST = 32
_KEPT = " What was read so far is kept: the same call goes on from there."

Blocks = tuple[tuple[int, ...], ...]


def stage(ds: xr.Dataset, folder: Path) -> xr.Dataset:
    """Read a Dataset into parts and return it backed by them, lazily.

    Parameters
    ----------
    ds : xarray.Dataset
        What to read, with the names and dimensions it shall have.
    folder : pathlib.Path
        Of the parts; those there that are whole are not read again.

    Raises
    ------
    ArchiveError
        If reading fails or the disk is full; the message says so, and the parts stay.
    """
    groups: dict[tuple[Any, ...], list[str]] = {}
    for name, array in ds.data_vars.items():
        groups.setdefault(array.dims, []).append(str(name))
    plans = [(names, _blocks(ds[names])) for names in groups.values()]
    number = {str(name): index for index, name in enumerate(ds.data_vars)}
    work = [(names, at, index) for names, blocks in plans for at, index in enumerate(_slices(blocks))]
    for names, at, index in track(work, "Reading", len(work)):
        paths = {name: folder / f"{number[name]:04d}-{at:08d}.part" for name in names}
        missing = [name for name in names if not whole(paths[name])]
        if missing:
            _read(ds, missing, index, paths)
    found = {}
    for names, blocks in plans:
        for name in names:
            layer = PartLayer(str(folder), number[name], blocks, np.dtype(ds[name].dtype))
            found[name] = xr.Variable(ds[name].dims, layer.dask(), ds[name].attrs, ds[name].encoding)
    return ds.assign(found)


def _read(ds: xr.Dataset, names: list[str], index: tuple[slice, ...], paths: dict[str, Path]) -> None:
    """Compute one block of several layers together, since they may share their graph, and write the parts."""
    from dask.base import compute

    try:
        arrays = compute(*(ds[name].variable[index].data for name in names))
    except MusyqError as error:
        error.args = (f"{error}{_KEPT}",)
        raise
    except Exception as error:
        where = ", ".join(f"{d} {s.start} to {s.stop - 1}" for d, s in zip(ds[names[0]].dims, index, strict=True))
        raise ArchiveError(
            f"Reading {', '.join(names)} ({where}) failed: {type(error).__name__}: {error}.{_KEPT}"
        ) from error
    for name, array in zip(names, arrays, strict=True):
        try:
            write(paths[name], np.ascontiguousarray(array))
        except OSError as error:
            # The hidden folder of parts lies beside what is downloaded.
            raise ArchiveError(f"{plain(error, paths[name].parents[2] / 'The download')}{_KEPT}") from error


def write(path: Path, array: NDArray[Any]) -> None:
    """Write a part. No draft and no flush: the checksum tells a part that is not whole."""
    body = zlib.compress(array.tobytes(), 1)
    with path.open("wb") as file:
        file.write(_MAGIC + hashlib.sha256(body).digest())
        file.write(body)


def whole(path: Path) -> bool:
    """Return whether a part is there and what was written."""
    try:
        return _body(path) is not None
    except OSError:
        return False


def _body(path: Path) -> bytes | None:
    data = path.read_bytes()
    body = data[len(_MAGIC) + _DIGEST :]
    good = data[: len(_MAGIC)] == _MAGIC and data[len(_MAGIC) :][:_DIGEST] == hashlib.sha256(body).digest()
    return body if good else None


@lru_cache(maxsize=4)
def _load(path: str, state: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the array of a part, read-only; the last few are kept, since neighbouring reads meet in them."""
    body = _body(Path(path))
    if body is None:
        raise ArchiveError(f"{path} was damaged after it was read. Call the download again: it reads that part anew.")
    return np.frombuffer(zlib.decompress(body), dtype).reshape(shape)


@dataclass(frozen=True)
class PartLayer:
    """A layer as its parts hold it, array-like enough for dask."""

    folder: str
    """Of the parts."""
    number: int
    """Of the layer among those of the download."""
    blocks: Blocks
    """Lengths of the parts along each axis."""
    dtype: np.dtype[Any]
    """Type of the values."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole."""
        return tuple(sum(lengths) for lengths in self.blocks)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.blocks)

    def dask(self) -> Any:
        """Return it as a dask array, one block a part."""
        import dask.array as da

        return da.from_array(self, chunks=self.blocks, name=False, meta=np.empty((0,) * self.ndim, self.dtype))

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part of it; ``key`` holds slices and whole numbers."""
        key = key if isinstance(key, tuple) else (key,)
        key = (*key, *(slice(None),) * (self.ndim - len(key)))
        wanted = [np.arange(size)[item] for size, item in zip(self.shape, key, strict=True)]
        rows = [np.atleast_1d(index) for index in wanted]
        found = np.empty([index.size for index in rows], self.dtype)
        starts = [np.concatenate([[0], np.cumsum(lengths)]) for lengths in self.blocks]
        owner = [np.searchsorted(start, index, side="right") - 1 for start, index in zip(starts, rows, strict=True)]
        for block in itertools.product(*(np.unique(own).tolist() for own in owner)):
            hits = [np.flatnonzero(own == b) for own, b in zip(owner, block, strict=True)]
            inner = [i[h] - s[b] for i, h, s, b in zip(rows, hits, starts, block, strict=True)]
            found[np.ix_(*hits)] = self._block(block)[np.ix_(*inner)]
        return found.reshape([index.size for index in wanted if index.ndim])

    def _block(self, block: tuple[int, ...]) -> NDArray[Any]:
        counts = [len(lengths) for lengths in self.blocks]
        at = int(np.ravel_multi_index(block, counts)) if block else 0
        path = Path(self.folder) / f"{self.number:04d}-{at:08d}.part"
        shape = tuple(lengths[b] for lengths, b in zip(self.blocks, block, strict=True))
        return _load(str(path), path.stat().st_mtime_ns, self.dtype, shape)


def _blocks(ds: xr.Dataset) -> Blocks:
    """Return the lengths of the parts of layers that share their dimensions: whole chunks, merged up to the budget."""
    first = next(iter(ds.data_vars.values()))
    chunks = first.chunks or tuple((size,) for size in first.shape)
    room = PART_BYTES // max(1, sum(layer.dtype.itemsize for layer in ds.data_vars.values()))
    found: list[tuple[int, ...]] = []
    inner = 1
    for axis, lengths in reversed(list(enumerate(chunks))):
        outer = 1 if first.chunks is None else math.prod(max(other) for other in chunks[:axis])
        most = max(1, room // max(1, inner * outer))
        merged = _merge(_split(lengths, most) if first.chunks is None else lengths, most)
        found.insert(0, merged)
        inner *= max(merged, default=1)
    return tuple(found)


def _split(lengths: tuple[int, ...], most: int) -> tuple[int, ...]:
    """Return pieces no longer than allowed of an array in memory."""
    (size,) = lengths
    count = max(1, math.ceil(size / max(1, most)))
    return tuple(size * (i + 1) // count - size * i // count for i in range(count))


def _merge(lengths: tuple[int, ...], most: int) -> tuple[int, ...]:
    found: list[int] = []
    for length in lengths:
        if found and found[-1] + length <= most:
            found[-1] += length
        else:
            found.append(length)
    return tuple(found)


def _slices(blocks: Blocks) -> Iterator[tuple[slice, ...]]:
    starts = [np.concatenate([[0], np.cumsum(lengths)]).astype(int) for lengths in blocks]
    for index in np.ndindex(*(len(lengths) for lengths in blocks)):
        yield tuple(slice(int(s[i]), int(s[i + 1])) for s, i in zip(starts, index, strict=True))
