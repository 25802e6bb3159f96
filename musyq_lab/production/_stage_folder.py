"""Values kept on disk between a failed run and the next: complete, or absent, or found out as damaged.

A kept value is a folder named by its key: ``value.json`` (its tree and what the stage printed), one ``.npy`` file for
each array, and ``SHA256SUMS`` over all of them. It is made under a hidden name and renamed when the disk has it.
Reading compares every checksum first; what does not agree is removed, so that it is made again.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from musyq_lab.archive.draft import flush
from musyq_lab.core.errors import ArchiveError
from musyq_lab.files.digest import sha256
from musyq_lab.production._values import Tree, is_lazy

WORK = "work-"
"""Prefix of the folders in which a stage's own writers work."""

_DRAFT = ".new-"
_SUMS = "SHA256SUMS"
_VALUE = "value.json"
_RESERVE = 500_000_000
"""Bytes of the disk that are left free."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is on disk of one stage."""

    tree: Tree
    """Structure of its value."""
    arrays: list[Any]
    """Its arrays; lazy ones read from the disk."""
    printed: list[tuple[str, str]]
    """Stream and text, in order."""


def size(folder: Path) -> int:
    """Return the bytes of all files below a folder; 0 where there is none."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # somebody else's draft may go at any time
            total += path.lstat().st_size if path.is_file() else 0
    return total


def in_words(length: float) -> str:
    """Return a number of bytes in words."""
    for unit in ("bytes", "kB", "MB"):
        if length < 999.5:
            return f"{length:.3g} {unit}"
        length /= 1000
    return f"{length:.3g} GB"


def no_room(root: Path, needed: int, limit: int, used: Collection[str]) -> str:
    """Make room for a value by dropping those of other runs, the oldest first; return why there is none, or nothing.

    Parameters
    ----------
    root : Path
        Folder of all values.
    needed : int
        Bytes of the new one.
    limit : int
        Bytes that all may take.
    used : collection of str
        Names in the folder that this run needs.
    """
    root.mkdir(exist_ok=True)
    others = sorted((p for p in root.iterdir() if p.name not in used), key=lambda p: (p.stat().st_mtime, p.name))
    held = size(root)
    for path in others:
        if held + needed <= limit:
            break
        held -= size(path)
        shutil.rmtree(path, ignore_errors=True)
    if held + needed > limit:
        return f"it needs {in_words(needed)}, of {in_words(limit)} {in_words(max(limit - held, 0))} are left"
    free = shutil.disk_usage(root).free
    return f"it needs {in_words(needed)}, the disk has {in_words(free)} free" if needed + _RESERVE > free else ""


def keep(root: Path, key: str, value: Kept) -> list[Any]:
    """Write a value and return its arrays, the lazy ones now read from the disk.

    Parameters
    ----------
    root : Path
        Folder of all values.
    key : str
        Name of this one.
    value : Kept
        The value; lazy arrays are computed block by block into their files.

    Raises
    ------
    OSError
        If the disk is full or cannot be written to; nothing is left behind then.
    """
    draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=root))
    try:
        _write(draft, value)
        try:
            draft.rename(root / key)
        except OSError:
            if not (root / key).is_dir():  # else a dying run of the same recipe has just put the same value there
                raise
        flush(root)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return _placed(root / key, value.arrays)


def find(root: Path, key: str) -> Kept | None:
    """Return a kept value, None where there is none; a damaged one is removed.

    Parameters
    ----------
    root : Path
        Folder of all values.
    key : str
        Name of this one.
    """
    folder = root / key
    if not folder.is_dir():
        return None
    try:
        return _read(folder)
    except (OSError, ValueError, KeyError, TypeError, ArchiveError):
        shutil.rmtree(folder, ignore_errors=True)
        return None


def clear_drafts(root: Path) -> None:
    """Remove what killed runs were about to write."""
    for path in root.glob(f"{_DRAFT}*"):
        shutil.rmtree(path, ignore_errors=True)


def _write(draft: Path, value: Kept) -> None:
    lazy = [(i, array) for i, array in enumerate(value.arrays) if is_lazy(array)]
    for number, array in enumerate(value.arrays):
        if is_lazy(array):
            _reserve(draft / f"{number}.npy", array.shape, array.dtype)
        else:
            np.save(draft / f"{number}.npy", array, allow_pickle=False)
    if lazy:
        import dask.array as da

        targets: list[Any] = [_Target(draft / f"{number}.npy") for number, _ in lazy]
        da.store([array for _, array in lazy], targets, lock=False)
    chunks = [array.chunks if is_lazy(array) else None for array in value.arrays]
    content = {"value": value.tree, "chunks": chunks, "printed": value.printed}
    (draft / _VALUE).write_text(json.dumps(content), encoding="utf-8")
    names = sorted(path.name for path in draft.iterdir())
    (draft / _SUMS).write_text("".join(f"{sha256(draft / n)}  {n}\n" for n in names), encoding="utf-8")
    for name in [*names, _SUMS]:
        flush(draft / name)
    flush(draft)


def _reserve(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Make the file of an array and its bytes on the disk: writing to a hole of a mapped file can kill the process."""
    with path.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_2_0(file, header)
        file.flush()
        if length := math.prod(shape) * dtype.itemsize:
            os.posix_fallocate(file.fileno(), file.tell(), length)


def _read(folder: Path) -> Kept:
    lines = (folder / _SUMS).read_text(encoding="utf-8").splitlines()
    sums = {name: total for total, name in (line.split("  ", 1) for line in lines)}
    if set(sums) != {path.name for path in folder.iterdir()} - {_SUMS}:
        raise ValueError("files are missing or too many")
    if damaged := [name for name, total in sums.items() if sha256(folder / name) != total]:
        raise ValueError(f"checksums differ: {damaged}")
    content = json.loads((folder / _VALUE).read_text(encoding="utf-8"))
    arrays = [
        _lazy(folder / f"{number}.npy", chunks) if chunks is not None else _loaded(folder / f"{number}.npy")
        for number, chunks in enumerate(content["chunks"])
    ]
    return Kept(content["value"], arrays, [(stream, text) for stream, text in content["printed"]])


def _placed(folder: Path, arrays: Sequence[Any]) -> list[Any]:
    """Return the arrays just written as a later run would read them; those in memory are the same without reading."""
    return [_lazy(folder / f"{i}.npy", a.chunks) if is_lazy(a) else a for i, a in enumerate(arrays)]


def _loaded(path: Path) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = np.load(path, allow_pickle=False)
    return found


def _lazy(path: Path, chunks: Sequence[Sequence[int]]) -> Any:
    import dask.array as da

    stored = _Target(path)
    name = hashlib.sha256(f"{path.parent.name}/{path.name}".encode()).hexdigest()[:32]
    blocks = tuple(tuple(lengths) for lengths in chunks)
    meta = np.empty((0,) * stored.ndim, stored.dtype)
    return da.from_array(stored, chunks=blocks, name=f"stage-{name}", asarray=False, meta=meta)


class _Target:
    """An array in a file that any process can open: a mapped array itself would travel to a worker as its data."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            self.shape, _, self.dtype = read(file)
        self.ndim = len(self.shape)

    def _open(self, mode: Any) -> np.ndarray[Any, Any]:
        if 0 in self.shape:  # nothing can be mapped
            return np.empty(self.shape, self.dtype)
        return np.lib.format.open_memmap(self._path, mode=mode)

    def __getitem__(self, index: Any) -> np.ndarray[Any, Any]:
        return np.array(self._open("r")[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        mapped = self._open("r+")
        mapped[index] = value
        if isinstance(mapped, np.memmap):
            mapped.flush()
