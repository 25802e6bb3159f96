"""Folders that a recipe reads: one digest over the product files in them, by which a record tells a change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from musyq_lab.archive.manifest import listed, side_file
from musyq_lab.archive.naming import parse
from musyq_lab.core.errors import ArchiveError
from musyq_lab.files.digest import sha256


def product_files(folder: Path) -> Iterator[Path]:
    """Iterate over the product files of a folder and of those in it, by path; hidden folders hold drafts only.

    Parameters
    ----------
    folder : Path
        Where to look.
    """
    for path in sorted(folder.rglob("MuSyQ.*.h5")):
        inside = path.relative_to(folder).parts
        if parse(path.name) is not None and not any(part.startswith(".") for part in inside):
            yield path


def recorded_digest(path: Path) -> str:
    """Return the sha256 of a product file: that recorded beside it, computed where there is none or an older one.

    Parameters
    ----------
    path : Path
        Product file.
    """
    known = listed(path)
    # A list older than the file is of other bytes. Years of global products would take hours to hash.
    if known and side_file(path).stat().st_mtime_ns >= path.stat().st_mtime_ns:
        return known
    return sha256(path)


def folder_digest(folder: Path) -> str:
    """Return the sha256 over names and digests of the product files in a folder, in the form that ``sha256sum`` prints.

    Parameters
    ----------
    folder : Path
        Where they lie.

    Raises
    ------
    ArchiveError
        If one of them cannot be read.
    """
    try:
        lines = [f"{recorded_digest(path)}  {path.relative_to(folder).as_posix()}\n" for path in product_files(folder)]
    except OSError as reason:
        raise ArchiveError(f"The products of {str(folder)!r} cannot be read: {reason.strerror or reason}") from reason
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def folder_stamp(folder: Path) -> tuple[int, int]:
    """Return the bytes of all product files in a folder and the latest time of change, nanoseconds.

    Parameters
    ----------
    folder : Path
        Where they lie.
    """
    found = [path.stat() for path in product_files(folder)]
    return sum(status.st_size for status in found), max((status.st_mtime_ns for status in found), default=0)
