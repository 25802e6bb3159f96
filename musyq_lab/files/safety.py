"""The check of an HDF5 file before any of its data are read.

A file from elsewhere may point at other files of this machine (external links, external storage, virtual datasets), or
hold a small stream that unpacks into more memory than there is (a 1 MB file with one 1-GiB chunk takes 2 GB to read
one value). All of it shows in the headers.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musyq_lab.core.errors import ArchiveError, MusyqError, NotFoundError
from musyq_lab.files import zstd
from musyq_lab.files.remote import RemotePath, is_remote, place

if TYPE_CHECKING:
    import h5py

MAX_CHUNK = 64 * 2**20
"""Bytes of one chunk, unpacked: what reading a single value may cost."""
MAX_DECLARED = 64 * 2**30
"""Bytes of all datasets of a file, unpacked (a global 1 km layer of float64 has 5.2 GB)."""
MAX_OBJECTS = 10_000
"""Groups and datasets of a file."""

MAX_LINE = 256 * 2**20
"""Bytes of a dataset with one axis: coordinates are read in full."""
MAX_ATTRIBUTES = 1_000
"""Attributes of one object."""
MAX_ATTRIBUTE_BYTES = 64 * 2**20
"""Bytes of all of them."""
MAX_OTHER_CHUNK = 8 * 2**20
"""Bytes of a chunk that other filters than deflate and zstd pack: how far those unpack is not looked at."""

# Built into HDF5: deflate, shuffle, fletcher32, szip, n-bit, scale-offset; and h5py's own LZF.
_FILTERS = frozenset({1, 2, 3, 4, 5, 6, 32000})
_DEFLATE, _SHUFFLE, _FLETCHER32 = 1, 2, 3
_SHORTENING = (5, 6)  # n-bit and scale-offset, which deflate may follow
_MAGIC = b"\x89HDF\r\n\x1a\n"


def check_hdf5(path: str | Path, *, budget: int = MAX_DECLARED) -> None:
    """Refuse an HDF5 file that is broken, leads out of itself or asks for too much memory.

    Parameters
    ----------
    path : str or pathlib.Path
        The file, or its address (:mod:`musyq_lab.files.remote`); none of its data are read.
    budget : int
        Most bytes its datasets may declare.

    Raises
    ------
    NotFoundError
        If there is no such file.
    ArchiveError
        If it is not HDF5, is cut off, or is refused; the message says why.
    """
    if is_remote(path):
        _check_remote(RemotePath(str(path)), budget)
        return
    path = Path(path)
    try:
        status = path.stat()
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}.") from None
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not path.is_file():
        raise ArchiveError(f"{path} is not a file.")
    _check(os.fspath(path), status.st_mtime_ns, status.st_size, status.st_ino, budget)


def _check_remote(path: RemotePath, budget: int) -> None:
    """Check a remote file, anew where nothing would tell that it changed."""
    info = path.info()
    check = _check if info.tag else _check.__wrapped__
    check(path.url, info.tag, info.size, 0, budget)


@lru_cache(maxsize=4096)
def _check(path: str, modified: int | str, size: int, inode: int, budget: int) -> None:
    """Check once for each state of a file: a cube reads the same file many times."""
    with opened(path) as file, damage(path):
        declared = 0
        for dataset in _datasets(file, path):
            _check_dataset(dataset, path)
            declared += dataset.size * dataset.dtype.itemsize if dataset.shape is not None else 0
            if declared > budget:
                raise _refused(path, f"its datasets declare more than {budget / 2**30:g} GiB")


def opened(path: str | Path) -> h5py.File:
    """Open an HDF5 file, here or at an address, for reading; a broken one gives a plain error.

    Raises
    ------
    NotFoundError
        If there is no such file at an address.
    ArchiveError
        If it is not HDF5 or is cut off.
    """
    try:
        return _open_remote(path) if is_remote(path) else _open_unlocked(path)
    except MusyqError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        raise ArchiveError(_broken(place(path), str(error))) from error


def _open_remote(path: str | Path) -> h5py.File:
    import h5py

    return h5py.File(place(path).open("rb"), "r")


def _open_unlocked(path: str | Path) -> h5py.File:
    """Open without a lock; the way another reader of this process holds the file open, where there is one."""
    import h5py

    for locking in (False, None, True, "best-effort"):
        try:
            return h5py.File(path, "r", locking=locking)
        except OSError as error:
            if "file locking" not in str(error) or locking == "best-effort":
                raise
    raise AssertionError


@contextmanager
def damage(path: str | Path) -> Iterator[None]:
    """Turn whatever the headers of a damaged file lead to (a dozen unrelated types) into one plain error.

    Raises
    ------
    ArchiveError
        In place of any error that is not one of ours.
    """
    try:
        yield
    except MusyqError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error)[:200]}"
        raise ArchiveError(f"{path} is damaged or not as it says ({reason}). Fetch or write it again.") from error


def _broken(path: Path, text: str) -> str:
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        return f"{path} cannot be read: {error.strerror or error}."
    if not start:
        return f"{path} is empty (0 bytes). Fetch or write it again."
    if start != _MAGIC:
        return f"{path} is not an HDF5 file. Give an HDF5 or netCDF-4 file."
    if "truncated" in text:
        return f"{path} is cut off: it is shorter than it says it is. Fetch or write it again."
    return f"{path} is a damaged HDF5 file ({text}). Fetch or write it again."


def _refused(path: str, reason: str) -> ArchiveError:
    return ArchiveError(f"{path} is refused because {reason}. Rewrite it as plain HDF5 if you trust it.")


def _datasets(file: h5py.File, path: str) -> Iterator[h5py.Dataset]:
    """Walk over hard links only, each object once; anything that leads out of the file is refused."""
    import h5py

    _check_attributes(file, path)
    groups, seen = [file], {h5py.h5o.get_info(file.id).addr}
    while groups:
        group = groups.pop()
        for name in group:
            child = _child(group, name, path)
            if child is None or (address := h5py.h5o.get_info(child.id).addr) in seen:
                continue
            seen.add(address)
            if len(seen) > MAX_OBJECTS:
                raise _refused(path, f"it holds more than {MAX_OBJECTS} objects")
            _check_attributes(child, path)
            if isinstance(child, h5py.Group):
                groups.append(child)
            elif isinstance(child, h5py.Dataset):
                yield child


def _child(group: h5py.Group, name: str, path: str) -> Any:
    """Return what a hard link leads to, None for a soft link (its target is met by its own name)."""
    import h5py

    link = group.get(name, getlink=True)
    if isinstance(link, h5py.HardLink):
        return group[name]
    if isinstance(link, h5py.SoftLink):
        return None
    raise _refused(path, f"{name!r} is a link to another file")


def _check_dataset(dataset: h5py.Dataset, path: str) -> None:
    name = dataset.name
    if dataset.external:
        raise _refused(path, f"the data of {name!r} lie in another file")
    if dataset.is_virtual:
        raise _refused(path, f"{name!r} is a virtual dataset made of other files")
    _check_filters(dataset, path)
    if len(dataset.shape or ()) == 1 and dataset.size * dataset.dtype.itemsize > MAX_LINE:
        raise _refused(path, f"{name!r} has one axis and more than {MAX_LINE // 2**20} MiB")


def _check_filters(dataset: h5py.Dataset, path: str) -> None:
    """Refuse filters that are not known, in an order that no writer has, or with too large a chunk."""
    creation, name = dataset.id.get_create_plist(), dataset.name
    filters = [creation.get_filter(i)[0] for i in range(creation.get_nfilters())]
    if zstd.FILTER in filters and (reason := zstd.fault(dataset, path)):
        raise ArchiveError(f"{path} is refused: {name!r} {reason}.")
    if unknown := set(filters) - _FILTERS - {zstd.FILTER}:
        raise _refused(path, f"{name!r} uses the unknown filter {min(unknown)}")
    packing = [number for number in filters if number not in (_SHUFFLE, _FLETCHER32)]
    nested = len(packing) > 1 and not (packing[0] in _SHORTENING and packing[1:] == [_DEFLATE])
    if nested or len(set(filters)) < len(filters) or (packing and _SHUFFLE in filters[filters.index(packing[-1]) :]):
        raise _refused(path, f"{name!r} uses the filters {filters}, one over another")
    # Of a chunk without filters HDF5 reads no more than is asked for.
    limit = MAX_CHUNK if set(packing) <= {_DEFLATE, zstd.FILTER} else MAX_OTHER_CHUNK
    if filters and math.prod(dataset.chunks) * dataset.dtype.itemsize > limit:
        raise _refused(path, f"a chunk of {name!r} unpacks to more than {limit // 2**20} MiB")


def _check_attributes(item: Any, path: str) -> None:
    """Refuse attributes that would fill the memory: they are read with the headers."""
    from h5py import h5a

    if (count := h5a.get_num_attrs(item.id)) > MAX_ATTRIBUTES:
        raise _refused(path, f"{item.name!r} has more than {MAX_ATTRIBUTES} attributes")
    if sum(h5a.get_info(item.id, index=number).data_size for number in range(count)) > MAX_ATTRIBUTE_BYTES:
        raise _refused(path, f"the attributes of {item.name!r} have more than {MAX_ATTRIBUTE_BYTES // 2**20} MiB")
