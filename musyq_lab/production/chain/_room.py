"""How much memory and disk a production may take: the machine's, its container's, this process's, or what was said."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from musyq_lab.core.errors import InputError
from musyq_lab.production.doctor import available_memory

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*(?:([kMGT]?)(i?)B?)\s*", re.IGNORECASE | re.ASCII)
_STEPS = " kmgt"
LEAST = 2**20
"""Fewest bytes that a limit may be: less is a slip of the pen, such as '2' for '2GB'."""


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of memory that a process may take, and who says so."""

    memory: int | None
    """Bytes; None where the system does not tell."""
    source: str
    """Whose limit it is."""


def size_of(text: str | int | float | None) -> int | None:
    """Return bytes from a number or a text such as ``"2GB"`` (10^9), ``"512 MiB"`` (2^20) or ``"1.5g"``.

    Raises
    ------
    InputError
        If it is no size, or less than a megabyte.
    """
    if text is None:
        return None
    match = _SIZE.fullmatch(str(text)) if not isinstance(text, bool) else None
    if match is None:
        raise InputError(f"memory={text!r} is no size. Give bytes, or a text such as '2GB'.")
    base = 1024 if match[3] else 1000
    found = float(match[1]) * base ** _STEPS.index((match[2] or " ").lower())
    if not LEAST <= found < math.inf:
        raise InputError(f"memory={text!r} is {found:,.0f} bytes, with which nothing runs. Give it as '2GB'.")
    return int(found)


def room(memory: str | int | float | None = None) -> Room:
    """Return the least of what was said, what this process may still map, and what the machine or container has.

    Parameters
    ----------
    memory : str or number, optional
        What the user allows (:func:`size_of`).
    """
    rows = [(size_of(memory), "memory= (--memory)"), *_of_process()]
    if (free := available_memory()) is not None:
        rows.append((free + resident(), "what this machine or container has free"))
    known = [(size, source) for size, source in rows if size is not None]
    return Room(*min(known)) if known else Room(None, "unknown")


def _of_process() -> list[tuple[int | None, str]]:
    """Return the limits of this process; memory that is mapped already and not resident counts as taken."""
    try:
        import resource
    except ImportError:  # no such limits on this system
        return []
    status = _status()
    found: list[tuple[int | None, str]] = []
    # RLIMIT_AS counts all that is mapped, RLIMIT_DATA what is private and writable.
    for name, limit in (("VmSize", resource.RLIMIT_AS), ("VmData", resource.RLIMIT_DATA)):
        soft = resource.getrlimit(limit)[0]
        if soft != resource.RLIM_INFINITY:
            left = max(soft - status.get(name, 0), 0) + resident()
            found.append((left, "the limit of this process (ulimit)"))
    return found


def resident() -> int:
    """Return the bytes of memory that this process takes now; 0 where the system does not tell."""
    return _status().get("VmRSS", 0)


def _status(file: Path = Path("/proc/self/status")) -> dict[str, int]:
    try:
        rows = [line.split() for line in file.read_text(encoding="ascii", errors="replace").splitlines()]
    except OSError:
        return {}
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows if len(row) == 3 and row[2] == "kB"}


def disk_free(folder: Path) -> int | None:
    """Return the free bytes of the file system where a folder lies or will lie; None where it cannot be told."""
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return None


def said(size: float) -> str:
    """Return bytes as text: ``"1.23 GB"``."""
    for unit, step in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= step:
            return f"{size / step:.3g} {unit}" if size < 999.5 * step else f"{size / step:.0f} {unit}"
    return f"{size:.0f} bytes"
