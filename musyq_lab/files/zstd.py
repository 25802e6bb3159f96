"""Layers packed with zstd, which HDF5 reads by a plug-in: whether it is there, and what their chunks unpack to.

The plug-in allocates what the header of a chunk says, so a small file could ask for any amount of memory. The headers
are therefore read before the data (RFC 8878, section 3.1.1): each must announce the size that the dataset declares.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from musyq_lab.files.remote import is_remote

if TYPE_CHECKING:
    import h5py

FILTER = 32015
"""Its number in the registry of HDF5 filters."""
_MAGIC = b"\x28\xb5\x2f\xfd"
_HEADER = 18  # bytes of the longest frame header


def fault(dataset: h5py.Dataset, path: str) -> str:
    """Return why a dataset packed with zstd cannot be read, nothing where it can.

    Parameters
    ----------
    dataset : h5py.Dataset
        Chunked, with the filter :data:`FILTER`.
    path : str
        Its file.
    """
    try:
        import hdf5plugin  # noqa: F401  # registers the filter
    except ImportError:
        return "is packed with zstd, for which a plug-in is needed: pip install 'musyq-lab[zstd]'"
    creation = dataset.id.get_create_plist()
    if creation.get_filter(creation.get_nfilters() - 1)[0] != FILTER:
        return "packs chunks that are packed with zstd once more"
    if is_remote(path):
        return "is packed with zstd, which cannot be checked from afar: fetch the file first"
    return "" if _announced(dataset, path) else "has a chunk that unpacks to another size than it declares"


def content_size(header: bytes) -> int | None:
    """Return the size that the header of a frame announces, None if it is no header or announces none."""
    if len(header) < 6 or not header.startswith(_MAGIC):
        return None
    descriptor = header[4]
    single = descriptor >> 5 & 1
    length = (0, 2, 4, 8)[descriptor >> 6] or single
    start = 5 + (1 - single) + (0, 1, 2, 4)[descriptor & 3]
    field = header[start : start + length]
    if not length or len(field) < length:
        return None
    return int.from_bytes(field, "little") + (256 if length == 2 else 0)


def _announced(dataset: h5py.Dataset, path: str) -> bool:
    expected = math.prod(dataset.chunks) * dataset.dtype.itemsize
    last = 1 << dataset.id.get_create_plist().get_nfilters() - 1
    places: list[tuple[int, int]] = []

    def note(info: h5py.h5d.StoreInfo) -> None:
        if not info.filter_mask & last:  # a set bit means that the filter was not used
            places.append((info.byte_offset, info.size))

    dataset.id.chunk_iter(note)
    with Path(path).open("rb") as file:
        for offset, size in sorted(places):
            file.seek(offset)
            if content_size(file.read(min(size, _HEADER))) != expected:
                return False
    return True
