"""What the content of a file says of its sensor."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from musyq_lab.core.errors import MusyqError
from musyq_lab.core.sensor import Mark, Sensor

HEAD = 256 * 1024
"""Bytes at the beginning of a file that are searched."""

_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF4 = b"\x0e\x03\x13\x01"


def marked(path: Path, specs: Sequence[Sensor]) -> list[Sensor]:
    """Return the sensors whose marks a file carries (none for a folder or a file that cannot be read)."""
    if not path.is_file():
        return []
    kind, head = _head(path)
    return [spec for spec in specs if any(_carries(path, kind, head, mark) for mark in spec.marks)]


def _head(path: Path) -> tuple[str, bytes]:
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith(_HDF5):
        return "hdf5", head
    return ("hdf4" if head.startswith(_HDF4) else "text"), head


def _carries(path: Path, kind: str, head: bytes, mark: Mark) -> bool:
    if mark.kind in ("text", "bytes"):
        return kind == "text" and re.search(mark.pattern.encode(), head, re.IGNORECASE) is not None
    if mark.kind != kind:
        return False
    value = _attributes(str(path), path.stat().st_mtime_ns, kind).get(mark.attribute)
    return value is not None and re.search(mark.pattern, str(value), re.IGNORECASE) is not None


@lru_cache(maxsize=256)
def _attributes(path: str, modified: int, kind: str) -> dict[str, Any]:
    """Return the global attributes of an HDF file, nothing where it cannot be read (opening it will say why)."""
    try:
        if kind == "hdf4":
            from musyq_lab.files.hdf4 import global_attributes

            return dict(global_attributes(Path(path)))
        from musyq_lab.files.safety import check_hdf5, damage, opened
        from musyq_lab.files.stored import attributes

        check_hdf5(path)
        with opened(path) as file, damage(path):
            return attributes(file)
    except MusyqError:
        return {}
