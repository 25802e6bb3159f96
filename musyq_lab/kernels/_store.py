"""Machine code of kernels, kept in files for the next process.

A file holds one compiled loop. It is written under another name and moved into place, so that no process ever sees a
part of it, and it is used only if its checksum holds and nobody else can have written it. Whatever is wrong (a damaged
file, a full or read-only disk, a folder that others may write) means that the loop is compiled.

The folder is ``musyq-lab/kernels`` in ``MUSYQ_CACHE_DIR`` or in the user's folder for caches;
``MUSYQ_KERNEL_STORE=0`` keeps nothing and reads nothing.
"""

import contextlib
import hashlib
import json
import logging
import os
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

__all__ = ["Code", "enabled", "files", "folder", "load", "save", "trusted"]

LIMIT = 512 << 20
"""Bytes of all files; the ones unused for longest are removed."""

_SUFFIX, _PART = ".kernel", ".part"
_LARGEST = 64 << 20  # bytes of one file; the largest kernel takes 0.5 MB
_DAY, _HOUR = 86400.0, 3600.0
_WRITTEN_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH

_log = logging.getLogger(__name__)


class Code(NamedTuple):
    """A compiled loop with everything that it calls inside this package."""

    entry: str
    """Symbol of the function that Python calls."""
    environment: str
    """Symbol of the pointer to its constants, which is set when it is loaded."""
    needs: tuple[str, ...]
    """Symbols that the process has to offer."""
    machine: bytes
    """Object code."""


def enabled() -> bool:
    """Whether machine code is kept at all."""
    return os.environ.get("MUSYQ_KERNEL_STORE", "1") != "0"


def folder() -> Path:
    """Return where the files are; it need not exist."""
    given = os.environ.get("MUSYQ_CACHE_DIR")
    return (Path(given).expanduser() if given else _users_folder()) / "musyq-lab" / "kernels"


def _users_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return given if given.is_absolute() else Path.home() / ".cache"


def trusted(found: os.stat_result) -> bool:
    """Whether only this user can have written a file or folder."""
    if not hasattr(os, "geteuid"):
        return True
    return found.st_uid == os.geteuid() and not found.st_mode & _WRITTEN_BY_OTHERS


def load(label: str) -> Code | None:
    """Return the code kept under a label, None if there is none or if it cannot be trusted."""
    if not enabled():
        return None
    try:
        path = _safe_folder() / (label + _SUFFIX)
        code = _unpacked(label, _read(path))
        _mark_as_used(path)
        return code
    except FileNotFoundError:
        return None
    except Exception as fault:  # whatever is wrong with a file, the kernel can be compiled
        _log.debug("kernel %s is compiled again: %s", label, fault)
        return None


def save(label: str, code: Code) -> None:
    """Keep code under a label, if that is possible; the oldest files make room."""
    if not enabled():
        return
    try:
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(_safe_folder() / (label + _SUFFIX), _packed(label, code))
        _make_room()
    except Exception as fault:  # the kernel works without its file
        _log.debug("kernel %s is not kept: %s", label, fault)


def files() -> list[tuple[Path, os.stat_result]]:
    """List all kept files, those unused for longest first."""
    found = []
    for path in folder().glob("*" + _SUFFIX):
        with contextlib.suppress(FileNotFoundError):  # another process has made room
            found.append((path, path.lstat()))
    return sorted(found, key=lambda file: file[1].st_mtime)


def _safe_folder() -> Path:
    path = folder()
    if not trusted(path.stat()):
        raise PermissionError(f"{path} belongs to another user or may be written by others")
    return path


def _read(path: Path) -> bytes:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or not trusted(found) or found.st_size > _LARGEST:
            raise PermissionError(f"{path} is not a file of this user alone")
        return file.read()


def _write(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(_PART, "", path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _mark_as_used(path: Path) -> None:
    with contextlib.suppress(OSError):  # a read-only disk
        if path.stat().st_mtime < time.time() - _DAY:
            os.utime(path)


def _make_room() -> None:
    """Remove what was unused for longest, and what killed processes have left."""
    kept = files()
    excess = sum(found.st_size for _, found in kept) - LIMIT
    for path, found in kept:
        if excess <= 0:
            break
        path.unlink(missing_ok=True)
        excess -= found.st_size
    for path in folder().glob("*" + _PART):
        with contextlib.suppress(FileNotFoundError):
            if path.lstat().st_mtime < time.time() - _HOUR:
                path.unlink()


# ---- one file: checksum, length of the head, head, object code ------------------------------------------------------
def _packed(label: str, code: Code) -> bytes:
    head = json.dumps({"entry": code.entry, "environment": code.environment, "needs": code.needs}).encode()
    body = len(head).to_bytes(8, "little") + head + code.machine
    return _checksum(label, body) + body


def _unpacked(label: str, data: bytes) -> Code:
    checksum, body = data[:32], data[32:]
    if checksum != _checksum(label, body):
        raise ValueError("the file is damaged")
    end = 8 + int.from_bytes(body[:8], "little")
    head = json.loads(body[8:end])
    return Code(head["entry"], head["environment"], tuple(head["needs"]), body[end:])


def _checksum(label: str, body: bytes) -> bytes:
    return hashlib.sha256(label.encode() + body).digest()
