"""A result folder that is never half made: work in a hidden folder, then move the finished set in place.

The moves are renames within one file system. An old result is set aside file by file, its ``provenance.json`` first;
then the new files come in, ``provenance.json`` last. So at any moment a file under its final name is complete, old and
new are never mixed, and a folder with ``provenance.json`` holds one whole result. A kill between two renames leaves
the hidden folder with its list of moves; the next run into the same folder makes the remaining ones first.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from musyq_lab.core.errors import ArchiveError, InputError, RecipeError
from musyq_lab.files.paths import stays

RECORD = "provenance.json"
"""Its presence under the final name means that the whole result is there."""

_PARTIAL = ".musyq-partial-"
_LOCK = ".musyq-lock"
_MOVES = ".moves.json"
_ASIDE = ".previous"


@contextlib.contextmanager
def result_folder(out: Path) -> Iterator[Path]:
    """Make and lock a result folder, clear what dead runs left in it, and yield a hidden folder to work in.

    Parameters
    ----------
    out : Path
        Where the result shall be; made if need be, and removed again if nothing came of it.

    Raises
    ------
    InputError
        If it cannot be a result folder.
    ArchiveError
        If it cannot be written to.
    RecipeError
        If another run works in it.
    """
    with locked_folder(out):
        partial = _fresh(out)
        try:
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@contextlib.contextmanager
def locked_folder(out: Path) -> Iterator[None]:
    """Make a folder, hold its lock, and remove it again if nothing came of it.

    Parameters
    ----------
    out : Path
        The folder.

    Raises
    ------
    InputError, ArchiveError, RecipeError
        As :func:`result_folder`.
    """
    made = _make(out)
    try:
        with _locked(out):
            yield
    finally:
        for folder in made:  # only those that this run made and that stayed empty
            with contextlib.suppress(OSError):
                folder.rmdir()


def foreign_files(out: Path, names: Sequence[str]) -> list[str]:
    """Return those of the names that exist in the folder and that no earlier run made."""
    own = set(_recorded(out))
    return sorted(name for name in names if (out / name).exists() and name not in own)


def publish(out: Path, partial: Path, files: Sequence[str]) -> None:
    """Put finished files in place of the former result.

    Parameters
    ----------
    out : Path
        Result folder.
    partial : Path
        Hidden folder that holds the finished files, :data:`RECORD` among them.
    files : sequence of str
        Their paths relative to ``partial``.

    Raises
    ------
    InputError
        If a file of the person's own stands in the way; nothing is changed then.
    """
    if taken := foreign_files(out, files):
        raise InputError(
            f"{str(out)!r} holds {', '.join(taken[:3])}, made by no recipe run. Choose another folder or move it away"
        )
    for name in files:
        _sync(partial / name)
    old = [name for name in _recorded(out) if (out / name).is_file()]
    moves = partial / _MOVES
    draft = partial / f"{_MOVES}.new"
    draft.write_text(json.dumps({"old": _record_first(old), "new": _record_first(files)[::-1]}), encoding="utf-8")
    _sync(draft)
    draft.rename(moves)
    _sync(partial)
    _move(out, partial)


def _move(out: Path, partial: Path) -> None:
    """Make the listed moves that have not been made; may be called again after a kill at any point."""
    moves = json.loads((partial / _MOVES).read_text(encoding="utf-8"))
    # A folder from elsewhere may come with a list of its own making.
    moves = {key: [name for name in moves[key] if stays(out, name)] for key in ("old", "new")}
    new = set(moves["new"])
    for name in moves["old"]:
        # A file of the same name that is no longer in the hidden folder is the new one already.
        if (out / name).is_file() and (name not in new or (partial / name).is_file()):
            _rename(out / name, partial / _ASIDE / name)
            _drop_empty(out, name)
    for name in moves["new"]:
        if (partial / name).is_file():
            _rename(partial / name, out / name)
    _sync(out)
    shutil.rmtree(partial, ignore_errors=True)


def _rename(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)


def _drop_empty(out: Path, name: str) -> None:
    """Remove the folders of a file that was moved away, where they are empty."""
    with contextlib.suppress(OSError):
        for folder in (out / name).parents:
            if folder == out:
                return
            folder.rmdir()


def _fresh(out: Path) -> Path:
    """Clear what dead runs left and make a hidden folder to work in."""
    try:
        _recover(out)
        return Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=out))
    except OSError as reason:
        raise _unwritable(out, reason) from None


def _recover(out: Path) -> None:
    """Finish the moves of a run that was killed while it made them, and drop what other dead runs left."""
    for partial in sorted(out.glob(f"{_PARTIAL}*")):
        if (partial / _MOVES).is_file():
            _move(out, partial)
        shutil.rmtree(partial, ignore_errors=True)


def _recorded(out: Path) -> list[str]:
    """Return the files of the result that is in the folder now, as its record lists them."""
    try:
        entities = json.loads((out / RECORD).read_text(encoding="utf-8"))["entity"]
        names = (e["musyq:file"] for e in entities.values() if e.get("musyq:role") == "output")
        return [RECORD, *(name for name in names if stays(out, name))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def _record_first(names: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: (name != RECORD, name))


def _make(out: Path) -> list[Path]:
    """Make the folder and its parents; return those made, innermost first."""
    missing = []
    folder = out
    try:
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        if not folder.is_dir():
            raise InputError(f"{str(folder)!r} is a file, so {str(out)!r} cannot be a result folder. Choose another")
        out.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        for made in missing:
            with contextlib.suppress(OSError):
                made.rmdir()
        raise _unwritable(out, reason) from None
    return missing


def _unwritable(out: Path, reason: OSError) -> ArchiveError:
    return ArchiveError(
        f"Nothing can be written to {str(out)!r} ({reason.strerror}). Choose another folder with out= (--out)"
    )


@contextlib.contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system itself drops when the process dies."""
    path = out / _LOCK
    try:
        handle = path.open("a")
    except OSError as reason:
        raise _unwritable(out, reason) from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it before may have removed the file between our open and our lock.
            held = path.exists() and os.fstat(handle.fileno()).st_ino == path.stat().st_ino
        except OSError:
            held = False
        if not held:
            raise RecipeError(f"Another run works in {str(out)!r}. Wait until it ends or choose another folder")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Bring a file or a folder's list of names to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
