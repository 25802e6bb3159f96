"""One layer of a local HDF5 file, opened for as little as it takes: a series of a pixel opens a thousand files.

What :func:`musyq_lab.files.safety.check_hdf5` says of a whole file is asked here of the one dataset that is read: it
lies in this file, its filters are known and its chunks small. It is asked once for each state of the file. Whatever is
unusual gives None, and the careful way, which has words for every fault, is taken instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.files import direct
from musyq_lab.files.axes import Axis, plain
from musyq_lab.files.direct import Stored

if TYPE_CHECKING:
    from h5py import h5d

    from musyq_lab.files.stored import Packing, StoredLayer

_SCALE = ("scale_factor", "add_offset", "_FillValue")


class _State(NamedTuple):
    """What tells two contents of a file apart."""

    modified: int
    size: int
    inode: int


def values(path: str, layer: StoredLayer, key: tuple[Any, ...]) -> NDArray[Any] | None:
    """Return a part of a layer, None where it has to be read with care.

    Parameters
    ----------
    path : str
        A local file.
    layer : StoredLayer
        What to read; the file must be laid out and packed as it says.
    key : tuple
        Slices of step 1 and whole numbers.
    """
    found = _read(path, layer, lambda dataset, facts: direct.part(dataset, facts, key, layer.packing))
    return None if found is None else found[1]


def series(paths: Sequence[str], layer: StoredLayer, key: tuple[Any, ...]) -> NDArray[Any] | None:
    """Return a small part of each of several files, decoded at once; None where they have to be read one by one.

    Parameters
    ----------
    paths : sequence of str
        Local files.
    layer : StoredLayer
        See :func:`values`.
    key : tuple
        Slices of step 1 and whole numbers, of a part that lies in one chunk.
    """
    parts = []
    for path in paths:
        found = _read(path, layer, lambda dataset, facts: direct.planes(dataset, facts, key))
        if found is None or found[1].size > _SMALL:
            return None
        parts.append(found)
    facts = parts[0][0]
    if any(part[0] != facts for part in parts):
        return None
    return direct.decoded(np.stack([part[1] for part in parts], 1), facts, layer.packing)


_SMALL = 2**12


def _read(
    path: str, layer: StoredLayer, take: Callable[[h5d.DatasetID, Stored], NDArray[Any] | None]
) -> tuple[Stored, NDArray[Any]] | None:
    try:
        before = _state(path)
        found = _open(path, before, layer, take)
        # A file replaced in between has another state: what was known of the old one says nothing of the new.
        return found if _state(path) == before else None
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        return None


def _state(path: str) -> _State:
    status = os.stat(path)  # noqa: PTH116  (a thousand Path objects cost as much as their files)
    return _State(status.st_mtime_ns, status.st_size, status.st_ino)


def _open(
    path: str, state: _State, layer: StoredLayer, take: Callable[[h5d.DatasetID, Stored], NDArray[Any] | None]
) -> tuple[Stored, NDArray[Any]] | None:
    from h5py import h5d, h5f

    file = h5f.open(os.fsencode(path), h5f.ACC_RDONLY, _access())
    try:
        name = layer.name.encode()
        dataset = h5d.open(file, name)
        known = _KNOWN.get((path, layer.name, layer.axes))
        if known is None or known[0] != state:
            if not _is_inside(file, name) or not all(_fits(file, axis) for axis in layer.axes):
                return None
            known = (state, direct.stored(dataset), _packing(dataset))
            _remember((path, layer.name, layer.axes), known)
        facts = known[1]
        if facts is None or facts.shape != layer.file_shape or facts.dtype != layer.stored:
            return None
        # A layer that is alone may be decoded by rules of its reader; those of a series must all be packed alike.
        if layer.stacked and known[2] != layer.packing:
            return None
        found = take(dataset, facts)
        return None if found is None else (facts, found)
    finally:
        file.close()


_Key = tuple[str, str, tuple[Axis, ...]]
_KNOWN: dict[_Key, tuple[_State, Stored | None, Packing]] = {}
_MOST = 100_000


def _remember(key: _Key, known: tuple[_State, Stored | None, Packing]) -> None:
    if len(_KNOWN) >= _MOST:
        _KNOWN.clear()
    _KNOWN[key] = known


@lru_cache(maxsize=1)
def _access() -> Any:
    """Return how to open: without a lock.

    How strongly a file closes stays at the default: files open twice in one process must agree on it, and h5py.File
    says nothing either.
    """
    from h5py import h5p

    access = h5p.create(h5p.FILE_ACCESS)
    access.set_file_locking(False, True)
    return access


def _is_inside(file: Any, name: bytes) -> bool:
    """Whether every step to a dataset is a hard link."""
    from h5py import h5l

    parts = name.split(b"/")
    steps = (b"/".join(parts[: count + 1]) for count in range(len(parts)))
    return all(file.links.get_info(step).type == h5l.TYPE_HARD for step in steps)


def _fits(file: Any, axis: Axis) -> bool:
    """Whether a file lies where the others of its series do; what is no plain coordinate is compared with care."""
    from h5py import h5d

    name = axis.name.encode()
    if not _is_inside(file, name):
        return False
    values = plain(h5d.open(file, name), axis.size)
    return values is not None and axis.fits(values)


def _packing(dataset: h5d.DatasetID) -> Packing:
    from musyq_lab.files.stored import OTHER_FILLS, packing, with_fill

    found = {name: number for name in _SCALE if (number := _number(dataset, name)) is not None}
    if "_FillValue" not in found:
        found |= {name: number for name in OTHER_FILLS if (number := _number(dataset, name)) is not None}
    return packing(with_fill(found))


def _number(dataset: h5d.DatasetID, name: str) -> Any:
    from h5py import h5a, h5t

    if not h5a.exists(dataset, name.encode()):
        return None
    attribute = h5a.open(dataset, name.encode())
    if attribute.get_type().get_class() not in (h5t.INTEGER, h5t.FLOAT) or attribute.shape not in ((), (1,)):
        raise ValueError(name)
    number = np.empty(attribute.shape, attribute.dtype)
    attribute.read(number)
    return number.flat[0]
