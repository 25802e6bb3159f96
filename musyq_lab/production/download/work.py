"""The hidden folder in which a download grows, and the moment at which it appears under its name.

``.<name>.download`` lies beside the result, on the same disk, so that the end is a rename. It holds the parts that were
read, the result while it is written, and what identifies the request: parts of another request, or of a source that
changed since, are never mixed in. The receipt beside the result says the SHA-256 of every file; "done" means that they
match.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musyq_lab.archive.draft import flush, plain
from musyq_lab.core.errors import ArchiveError, InputError
from musyq_lab.files.digest import sha256

_PLAN = "plan.json"
_LONGEST = 200  # bytes of a name, so that those of the side files stay below 255


@dataclass(frozen=True, slots=True)
class Target:
    """Names of a download and of what belongs to it."""

    path: Path
    """File or folder."""

    @property
    def work(self) -> Path:
        """Hidden folder in which it grows."""
        return self.path.with_name(f".{self.path.name}.download")

    @property
    def checksums(self) -> Path:
        """List of checksums."""
        return self.path.with_name(f"{self.path.name}.sha256")

    @property
    def attribution(self) -> Path:
        """How to cite."""
        return self.path.with_name(f"{self.path.name}.attribution.txt")

    @property
    def receipt(self) -> Path:
        """Receipt."""
        return self.path.with_name(f"{self.path.name}.receipt.json")

    def recorded(self) -> dict[str, Any]:
        """Return what the receipt says, nothing where there is none that can be read."""
        try:
            found = json.loads(self.receipt.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def done(self, fingerprint: str) -> bool:
        """Return whether the result of this very request is there, every file of it whole, with all side files."""
        record = self.recorded()
        sums = record.get("files")
        if record.get("fingerprint") != fingerprint or not isinstance(sums, dict) or not sums:
            return False
        folder = self.path.parent
        found = {name: folder / name for name in sums}
        if not all(p.is_file() and p.absolute().is_relative_to(folder.absolute()) for p in found.values()):
            return False
        if self.path.is_dir() and set(found.values()) != set(_files(self.path)):
            return False
        return self._complete(sums) and all(sha256(path) == sums[name] for name, path in found.items())

    def _complete(self, sums: Mapping[str, str]) -> bool:
        """Return whether the side files are there: a run killed just before its end has not written the last one."""
        try:
            return self.attribution.is_file() and self.checksums.read_text(encoding="utf-8") == _listed(sums)
        except (OSError, UnicodeDecodeError):
            return False


def target(out: str | Path, name: str) -> Target:
    """Return the names of a download in a folder.

    Parameters
    ----------
    out : str or pathlib.Path
        Folder.
    name : str
        One part of a path.

    Raises
    ------
    InputError
        If the name could lead out of the folder, or is none.
    """
    good = isinstance(name, str) and name.isprintable() and name.strip() == name and len(name.encode()) <= _LONGEST
    if not good or not name or name.startswith(".") or "/" in name or "\\" in name:
        raise InputError(
            f"{str(name)[:80]!r} cannot be the name of a download. Give one name without folders, of at most "
            f"{_LONGEST} bytes, that does not begin with a dot; the folder is out=."
        )
    folder = Path(out).expanduser()
    return Target(folder / name)


@contextmanager
def working(place: Target, fingerprint: str) -> Iterator[Path]:
    """Make and lock the hidden folder; clear it if it is of another request. It stays until :func:`publish`.

    Raises
    ------
    InputError
        If something that is no download has the name.
    ArchiveError
        If the folder cannot be written to, or the same download runs elsewhere.
    """
    if place.path.exists() and not place.recorded():
        raise InputError(
            f"{place.path} exists and is no download of MuSyQ Lab, so it is left alone. Move it away or give another "
            "filename= (or out=)."
        )
    work = place.work
    try:
        work.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise plain(error, place.path) from error
    try:
        _lock(descriptor, work, place)
        try:
            _prepare(work, fingerprint)
        except OSError as error:
            raise plain(error, place.path) from error
        yield work
    finally:
        os.close(descriptor)


def tidy(place: Target) -> None:
    """Remove the hidden folder that a run killed after its publication left, unless somebody works in it."""
    if not place.work.is_dir():
        return
    with suppress(OSError, ArchiveError):
        descriptor = os.open(place.work, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _lock(descriptor, place.work, place)
            shutil.rmtree(place.work)
        finally:
            os.close(descriptor)


def _lock(descriptor: int, work: Path, place: Target) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ArchiveError(
            f"Another download of {place.path.name} runs in {place.path.parent}. Wait until it ends, or give another "
            "filename=."
        ) from None
    except OSError:
        pass  # a file system without locks does without
    # Whoever held it before may have finished and removed the folder between our open and our lock.
    if not work.exists() or os.fstat(descriptor).st_ino != work.stat().st_ino:
        raise ArchiveError(f"Another download of {place.path.name} has just ended. Call this one again.")


def _prepare(work: Path, fingerprint: str) -> None:
    plan = work / _PLAN
    try:
        same = json.loads(plan.read_text(encoding="utf-8")) == {"fingerprint": fingerprint}
    except (OSError, ValueError):
        same = False
    if not same:
        for name in ("parts", "result"):
            shutil.rmtree(work / name, ignore_errors=True)
        plan.write_text(json.dumps({"fingerprint": fingerprint}), encoding="utf-8")
    (work / "parts").mkdir(exist_ok=True)
    shutil.rmtree(work / "result", ignore_errors=True)  # what a killed run half wrote; made again from the parts
    (work / "result").mkdir()


def publish(place: Target, work: Path, record: Mapping[str, Any], attribution: str, *, folder: bool) -> dict[str, str]:
    """Give a finished result its name and return the SHA-256 of its files.

    The receipt comes first: with a file that does not match it yet, a kill in between counts as not done. Every file
    is read back from its final place.

    Parameters
    ----------
    place : Target
        Names.
    work : pathlib.Path
        Hidden folder, with the result in ``result``.
    record : mapping
        Receipt without the checksums.
    attribution : str
        Text.
    folder : bool
        Whether the result is the folder itself.

    Raises
    ------
    ArchiveError
        If what came back from the disk is not what was written.
    """
    result = work / "result"
    prefix = f"{place.path.name}/" if folder else ""
    sums = {prefix + path.relative_to(result).as_posix(): sha256(path) for path in _files(result)}
    for path in (*_files(result), *(p for p in result.rglob("*") if p.is_dir()), result):
        flush(path)
    _text(work, place.receipt, json.dumps({**record, "files": sums}, indent=1, ensure_ascii=False) + "\n")
    _text(work, place.attribution, attribution)
    if folder:
        if place.path.exists():
            shutil.rmtree(work / "previous", ignore_errors=True)
            place.path.rename(work / "previous")
        result.rename(place.path)
    else:
        for path in sorted(_files(result), key=lambda p: p.name == place.path.name):
            path.replace(place.path.with_name(path.name))
    _text(work, place.checksums, _listed(sums))
    flush(place.path.parent)
    wrong = [name for name, digest in sums.items() if sha256(place.path.parent / name) != digest]
    if wrong:
        raise ArchiveError(
            f"{wrong[0]} came back different from the disk. Check the disk, then call the download again."
        )
    shutil.rmtree(work, ignore_errors=True)
    return sums


def _text(work: Path, path: Path, text: str) -> None:
    draft = work / path.name
    draft.write_text(text, encoding="utf-8", newline="\n")
    flush(draft)
    draft.replace(path)


def _listed(sums: Mapping[str, str]) -> str:
    """Return the text of a list of checksums, as ``sha256sum`` writes it."""
    return "".join(f"{digest}  {name}\n" for name, digest in sums.items())


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def fingerprint(parts: Mapping[str, Any]) -> str:
    """Return one SHA-256 for everything that decides the bytes of a result."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
