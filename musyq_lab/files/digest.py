"""sha256 of files: of one, and of all files of a granule."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from musyq_lab.core.errors import ArchiveError
from musyq_lab.files.remote import place


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits.

    Raises
    ------
    ArchiveError
        If the file cannot be read.
    """
    try:
        with place(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read: {error.strerror or error}.") from error


def digest(paths: Iterable[str | Path]) -> str:
    """Return one sha256 for a set of files: of their names and contents, in order of their names.

    Parameters
    ----------
    paths : iterable of str or pathlib.Path
        Files; a folder stands for all files below it, named from the folder on. A single file has its own sha256.

    Raises
    ------
    ArchiveError
        If a file cannot be read.
    """
    sums = [(name, sha256(path)) for name, path in sorted(_files(paths))]
    if len(sums) == 1:
        return sums[0][1]
    return hashlib.sha256("".join(f"{total}  {name}\n" for name, total in sums).encode()).hexdigest()


def _files(paths: Iterable[str | Path]) -> Iterable[tuple[str, Path]]:
    for given in paths:
        path = Path(given)
        if path.is_dir():
            yield from ((file.relative_to(path.parent).as_posix(), file) for file in path.rglob("*") if file.is_file())
        else:
            yield path.name, path
