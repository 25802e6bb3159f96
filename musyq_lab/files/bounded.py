"""Reading parts of an HDF5 dataset whose packed bytes may lie: no chunk unpacks to more than it says.

The HDF5 library inflates a chunk as far as it goes: 300 kB that say they are a chunk of 256 kB become 300 MB in memory
(measured), 64 MB become 66 GB. And one long text may be named by every element of a dataset of texts. Neither shows in
the headers, so it is looked at when a part is read.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from musyq_lab.core.errors import ArchiveError

if TYPE_CHECKING:
    import h5py

MAX_WHOLE = 256 * 2**20
"""Bytes of a dataset that is read in full (a coordinate, a table)."""
MAX_TEXTS = 10_000
"""Texts of a dataset that is read in full."""
MAX_TEXT = 64 * 2**20
"""Bytes of all of them."""

_SUSPECT = 2**17  # packed bytes that deflate, at its most 1032 to 1, makes 128 MB of
_SLACK = 4096
_DEFLATE = 1


def read(dataset: h5py.Dataset, key: Any = ()) -> Any:
    """Return a part of a dataset, as ``dataset[key]`` does, or texts as ``dataset.asstr()[key]``.

    Parameters
    ----------
    dataset : h5py.Dataset
        Open; its file has passed :func:`musyq_lab.files.safety.check_hdf5`.
    key : optional
        Slices and whole numbers; all of it if not given.

    Raises
    ------
    ArchiveError
        If a chunk unpacks to more than it may, or all of a dataset is asked for that is too large for that.
    """
    if dataset.dtype.kind == "O":
        return _texts(dataset, key)
    if key == () and dataset.shape and dataset.size * dataset.dtype.itemsize > MAX_WHOLE:
        raise _refused(dataset, f"has more than {MAX_WHOLE // 2**20} MiB, too much to be read in full")
    check_chunks(dataset, key)
    return dataset[key]


def check_chunks(dataset: h5py.Dataset, key: Any = ()) -> None:
    """Refuse a part of which a chunk would unpack to more than a chunk holds.

    Parameters
    ----------
    dataset, key
        As for :func:`read`.

    Raises
    ------
    ArchiveError
        If one would.
    """
    if dataset.chunks is None or 0 in dataset.shape:
        return
    creation = dataset.id.get_create_plist()
    filters = [creation.get_filter(i)[0] for i in range(creation.get_nfilters())]
    if not filters:
        return
    size = math.prod(dataset.chunks) * dataset.dtype.itemsize
    for origin in _origins(dataset, key):
        stored = dataset.id.get_chunk_info_by_coord(origin).size
        if stored > size + size // 8 + _SLACK:
            raise _refused(dataset, f"has a chunk of {stored} packed bytes for {size}")
        if stored > _SUSPECT and _DEFLATE in filters:
            _check_inflation(dataset, origin, size, filters.index(_DEFLATE))


def _check_inflation(dataset: h5py.Dataset, origin: tuple[int, ...], size: int, place: int) -> None:
    import deflate

    mask, raw = dataset.id.read_direct_chunk(origin)
    if mask & (1 << place):  # this chunk was stored without it
        return
    try:
        deflate.zlib_decompress(raw, size + _SLACK)
    except deflate.DeflateError as error:
        raise _refused(dataset, f"has a chunk that does not unpack to its {size} bytes ({error})") from error


def _origins(dataset: h5py.Dataset, key: Any) -> Iterator[tuple[int, ...]]:
    """Yield the first element of every chunk that a part touches."""
    parts = key if isinstance(key, tuple) else (key,)
    if len(parts) > dataset.ndim or any(part is Ellipsis for part in parts):
        parts = ()
    padded = [*parts, *[slice(None)] * (dataset.ndim - len(parts))]
    axes = [_span(part, size) for part, size in zip(padded, dataset.shape, strict=True)]
    firsts = [range(start // step * step, stop, step) for (start, stop), step in zip(axes, dataset.chunks, strict=True)]
    return itertools.product(*firsts)


def _span(part: Any, size: int) -> tuple[int, int]:
    if isinstance(part, slice) and (part.step is None or part.step > 0):
        start, stop, _ = part.indices(size)
        return start, max(start, stop)
    if isinstance(part, int | np.integer):
        at = int(part) % size if -size <= part < size else 0
        return at, at + 1
    return 0, size


def _texts(dataset: h5py.Dataset, key: Any) -> Any:
    """Return texts, one after the other: each may be as long as the file."""
    import h5py

    if h5py.check_string_dtype(dataset.dtype) is None:
        raise _refused(dataset, "holds neither numbers nor texts")
    if dataset.size > MAX_TEXTS:
        raise _refused(dataset, f"holds more than {MAX_TEXTS} texts")
    check_chunks(dataset)
    made, total = np.empty(dataset.shape, object), 0
    for index in np.ndindex(dataset.shape):
        value = dataset[index]
        total += len(value)
        if total > MAX_TEXT:
            raise _refused(dataset, f"holds texts of more than {MAX_TEXT // 2**20} MiB")
        made[index] = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return made[key]


def _refused(dataset: h5py.Dataset, reason: str) -> ArchiveError:
    return ArchiveError(f"{dataset.name!r} of {dataset.file.filename} {reason}. The file is damaged or hostile.")
