"""Fixity: every checksum and record of a folder, files that are missing or unlisted, and what killed runs left.

Any change of any bit of a product, of its checksum file or of the record of its run is found: the first two contradict
each other, and a record ends with its own SHA-256.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from musyq_lab.archive import manifest
from musyq_lab.archive._side import RUN_SUFFIX, SUFFIX, WITHDRAWN_SUFFIX, listed, record, sealed, side_file
from musyq_lab.archive.check.report import Finding, Level
from musyq_lab.archive.draft import leftovers
from musyq_lab.archive.naming import parse
from musyq_lab.archive.versions import SUMS, withdrawn

GROUP = "Checksums"
_RECORDS = "Records"
_ADVICE = {
    "changed": "Write it again or fetch a good copy.",
    "missing": "Write or fetch it again; if it was taken away on purpose, say so by manifest.withdraw(path, reason).",
    "unlisted": "Write it again, or make the .sha256 file from a source that you trust (sha256sum FILE > FILE.sha256).",
}
_MESSAGES = {
    "changed": "The file is not what was written: its SHA-256 differs from the one beside it.",
    "missing": "The file is listed and not there.",
    "unlisted": "No readable .sha256 file lies beside it, so nothing says whether it is whole.",
}


def products(root: Path) -> list[Path]:
    """Return the product files below a path, be it that only their checksum is left, in order of their names.

    Parameters
    ----------
    root : pathlib.Path
        A file, or a folder that is searched with its subfolders; hidden ones and links to folders are left out.
    """
    if not root.is_dir():
        return [root]
    found: set[Path] = set()
    for folder in folders(root):
        names = {item.name for item in folder.iterdir() if not item.name.startswith(".")}
        found |= {folder / name for name in names if name.endswith(".h5")}
        found |= {folder / name.removesuffix(SUFFIX) for name in names if name.endswith(f".h5{SUFFIX}")}
    return sorted(path for path in found if not path.is_dir() and not withdrawn(path))


def folders(root: Path) -> Iterator[Path]:
    """Yield a folder and those below it, in order; hidden ones and links are left out."""
    yield root
    for item in sorted(root.iterdir()):
        if item.is_dir() and not item.is_symlink() and not item.name.startswith("."):
            yield from folders(item)


def check_fixity(root: Path, files: list[Path]) -> Iterator[Finding]:
    """Yield what is wrong with checksums and records.

    Parameters
    ----------
    root : pathlib.Path
        What is checked; names are given relative to it.
    files : list of pathlib.Path
        From :func:`products`.
    """
    # Hashing releases the interpreter's lock; more than a few threads only wait for the disk.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for finding in pool.map(_state, files):
            if finding.state != "ok":
                level = _level(finding)
                advice, message = _ADVICE[finding.state], _MESSAGES[finding.state]
                yield Finding(GROUP, level, message, advice, (label(finding.path, root),))
    for path in files:
        yield from _check_record(path, root)
    if root.is_dir():
        for folder in folders(root):
            yield from _check_folder(folder, root)


def label(path: Path, root: Path) -> str:
    """Return a file's name relative to the folder that is checked."""
    return path.relative_to(root).as_posix() if path != root and path.is_relative_to(root) else path.name


def _state(path: Path) -> manifest.Finding:
    """Compare one file; one that cannot be read is not what was written."""
    try:
        return manifest.check(path)
    except OSError:
        return manifest.Finding(path, "changed")


def _level(finding: manifest.Finding) -> Level:
    """Return how bad it is; a file of another producer need not have our checksum."""
    return "error" if finding.state != "unlisted" or parse(finding.path.name) else "warning"


def _check_record(path: Path, root: Path) -> Iterator[Finding]:
    where = (label(path, root),)
    if (whole := sealed(path)) is None:
        if path.is_file() and parse(path.name) and not record(path):
            yield Finding(
                _RECORDS, "warning", "No record of the run lies beside it (.run.json).", "Write it again.", where
            )
        return
    if not whole:
        message = "The record of the run (.run.json) is not what was written."
        yield Finding(_RECORDS, "error", message, "Write the product again, or fetch its record.", where)
    elif (said := record(path).get("sha256")) != listed(path) and listed(path):
        message = f"The record of the run is of another content of the file ({str(said)[:12]})."
        advice = "A run was killed between its files: write the product again."
        yield Finding(_RECORDS, "error", message, advice, where)


def _check_folder(folder: Path, root: Path) -> Iterator[Finding]:
    for path, alive in leftovers(folder):
        where = (label(path, root),)
        if alive:
            yield Finding("Drafts", "note", "A run is writing this file now.", "", where)
        else:
            message = "A killed run left this draft."
            yield Finding("Drafts", "warning", message, "Delete it, or run again: the next run removes it.", where)
    for path in _without_product(folder):
        message = "A record without its file: it was deleted, and nothing says why."
        advice = "Next time use manifest.withdraw(path, reason); the record may stay, as what is known of the file."
        yield Finding(_RECORDS, "note", message, advice, (label(path, root),))
    for side in sorted(folder.glob(f"*.h5{WITHDRAWN_SUFFIX}")):
        path = side.with_name(side.name.removesuffix(WITHDRAWN_SUFFIX))
        if sealed(path, WITHDRAWN_SUFFIX) is False:
            message = "The record of a withdrawal is not what was written."
            yield Finding(_RECORDS, "error", message, "Fetch it from a good copy.", (label(side, root),))
    yield from _check_listing(folder, root)


def _without_product(folder: Path) -> list[Path]:
    records = folder.glob(f"*.h5{RUN_SUFFIX}")
    paths = (path.with_name(path.name.removesuffix(RUN_SUFFIX)) for path in records)
    return sorted(p for p in paths if not p.exists() and not side_file(p, SUFFIX).exists() and not withdrawn(p))


def _check_listing(folder: Path, root: Path) -> Iterator[Finding]:
    """Compare the derived listing, where somebody made one, with the checksum files it was derived from."""
    path = folder / SUMS
    if not path.is_file():
        return
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    said = {line[66:]: line[:64] for line in lines if len(line) > 66}
    truth = {
        item.name: total
        for item in folder.glob("*.h5")
        if not item.name.startswith(".") and (total := listed(item)) is not None
    }
    if said != truth:
        message = "The listing of the folder is not that of its files."
        yield Finding(GROUP, "warning", message, "Make it again by manifest.collect(folder).", (label(path, root),))
