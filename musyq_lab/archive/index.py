"""What a cube has to know of every file of a folder before it is read, kept beside the files.

The granules of a composite differ from period to period, and with them the sizes of ``lineage``: to know the size of
the whole, each file has to be asked. The answers lie in ``.musyq-index.json``, each with the state of its file (size,
time, number), so that a changed file is asked again. The index is never needed: where it is missing, unreadable or
cannot be written the files are asked, as they are for products without these layers, which have no use for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import h5py

from musyq_lab.archive.draft import write_text
from musyq_lab.archive.encode import GRANULE
from musyq_lab.files import bounded
from musyq_lab.files.remote import is_remote
from musyq_lab.files.safety import check_hdf5, damage, opened

NAME = ".musyq-index.json"
_FORMAT = 1
_MOST = 2**16


@dataclass(frozen=True, slots=True)
class Head:
    """Sizes and names of a file's layers that may differ in the others."""

    words: int
    """Words of ``lineage``, 0 where there is none."""
    granules: int
    """Granules they stand for."""
    sensors: tuple[str, ...]
    """Sensors of ``sensor_share``."""


def heads(files: Sequence[str]) -> list[Head]:
    """Return the heads of the files of one folder, from the index as far as it knows them.

    Parameters
    ----------
    files : sequence of str
        Absolute paths or addresses.

    Raises
    ------
    ArchiveError
        If a file is damaged or refused.
    """
    if any(map(is_remote, files)):
        return [_ask(path) for path in files]
    folder = Path(files[0]).parent
    known = _load(folder)
    found, new = [], False
    for path in files:
        name, state = path.rpartition(os.sep)[2], _state(path)
        entry = known.get(name)
        if entry is None or entry[0] != state:
            entry, new = (state, _ask(path)), True
            known[name] = entry
        found.append(entry[1])
    if new:
        _save(folder, known)
    return found


def _state(path: str) -> tuple[int, int, int]:
    status = os.stat(path)  # noqa: PTH116  (a thousand Path objects cost as much as the rest of opening)
    return status.st_size, status.st_mtime_ns, status.st_ino


_Entry = tuple[tuple[int, int, int], Head]


def _load(folder: Path) -> dict[str, _Entry]:
    """Read the index; one that is not what it should be counts as none."""
    try:
        data = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if data["format"] != _FORMAT:
            return {}
        return {str(name): _entry(*row) for name, row in data["files"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _entry(size: Any, modified: Any, inode: Any, words: Any, granules: Any, sensors: Any) -> _Entry:
    numbers = [size, modified, inode, words, granules]
    if not all(type(number) is int and number >= 0 for number in numbers) or max(words, granules) > _MOST:
        raise ValueError(numbers)
    if not isinstance(sensors, list) or not all(isinstance(name, str) for name in sensors):
        raise ValueError(sensors)
    return (size, modified, inode), Head(words, granules, tuple(sensors))


def _save(folder: Path, known: dict[str, _Entry]) -> None:
    """Replace the index; of two writers the later one wins, and what it does not know is asked again."""
    with suppress(OSError):
        there = {item.name for item in folder.iterdir()}
        files = {name: [*state, *astuple(head)] for name, (state, head) in sorted(known.items()) if name in there}
        text = json.dumps({"format": _FORMAT, "files": files}, ensure_ascii=False, separators=(",", ":"))
        draft = write_text(folder / NAME.removeprefix("."), text + "\n")
        try:
            draft.replace(folder / NAME)
        finally:
            draft.unlink(missing_ok=True)


def _ask(path: str) -> Head:
    check_hdf5(path)
    with opened(path) as file, damage(path):
        words, granules = (_length(file, name) for name in ("lineage", GRANULE))
        sensors = bounded.read(file["sensor"]) if _length(file, "sensor") else ()
        return Head(words, granules, tuple(str(name) for name in sensors))


def _length(file: h5py.File, name: str) -> int:
    item = file.get(name)
    return int(item.shape[0]) if isinstance(item, h5py.Dataset) and item.shape else 0
