"""Files that appear under their name only when they are complete.

A draft has a hidden name in the folder of its target, is written, flushed to the disk and then renamed, which POSIX
does in one step. A killed run leaves at most a draft; the next writer of the same name removes it. A living writer
holds a lock on its draft, so that two writers of one name do not remove each other's; the kernel drops the lock of a
killed one.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from musyq_lab.core.errors import ArchiveError, MusyqError

_ENDING = ".partial"
_ADVICE = (
    ((errno.ENOSPC, errno.EDQUOT), "The disk or the quota is full: free some space or choose another folder"),
    ((errno.EFBIG,), "The file would be larger than this system allows: raise the limit (ulimit -f)"),
    ((errno.EACCES, errno.EPERM, errno.EROFS), "The folder cannot be written to: choose another one"),
    ((errno.ENOTDIR, errno.EEXIST), "A file is in the place of the folder: choose another folder"),
)


def plain(error: BaseException, target: Path) -> MusyqError:
    """Return an error of ours that says what happened to a file and what to do.

    Parameters
    ----------
    error : BaseException
        What was caught; one of ours is returned as it is.
    target : pathlib.Path
        File that was to be written.
    """
    if isinstance(error, MusyqError):
        return error
    text = str(error).strip() or type(error).__name__
    number = error.errno if isinstance(error, OSError) else None
    for numbers, advice in _ADVICE:
        # HDF5 hides the number of the system's error in its text.
        if number in numbers or any(os.strerror(n) in text for n in numbers):
            return ArchiveError(f"{target.name} could not be written to {target.parent}. {advice}. ({text})")
    if number is not None or isinstance(error, OSError):
        return ArchiveError(f"{target.name} could not be written to {target.parent}: {text}. Nothing was left behind.")
    kind = type(error).__name__
    return ArchiveError(
        f"{target.name} was not written because computing its data failed: {kind}: {text}. Nothing was left behind; "
        "try ds.isel(...).compute() on a part to find the cause."
    )


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder for a moment (a file system without locks does without)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def draft(target: Path) -> Iterator[Path]:
    """Give the path of a draft of a file; flush it at the end, remove it on any error.

    The caller renames it by :func:`publish`. Drafts of killed runs of the same name are removed first.

    Parameters
    ----------
    target : pathlib.Path
        Final name, in a folder that exists.
    """
    with folder_lock(target.parent):
        _remove_stale(target)
        path, descriptor = _create(target)
    try:
        yield path
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def publish(drafts: dict[Path, Path]) -> None:
    """Rename drafts to their final names in the order given, and make the folder remember it.

    Parameters
    ----------
    drafts : dict of Path to Path
        Draft -> final name, all in one folder.
    """
    folder = next(iter(drafts.values())).parent
    for path in drafts:
        flush(path)
    with folder_lock(folder):
        for path, target in drafts.items():
            os.replace(path, target)  # noqa: PTH105  (kill and disk-full tests replace this very call)
        flush(folder)


def write_text(target: Path, text: str) -> Path:
    """Write the draft of a small text file and return it; :func:`publish` gives it its name."""
    path, descriptor = _create(target, lock=False)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def leftovers(folder: Path) -> list[tuple[Path, bool]]:
    """Return the drafts that lie in a folder, each with whether a living writer holds it.

    Parameters
    ----------
    folder : pathlib.Path
        A folder; nothing in it is changed.
    """
    return [(path, _held(path)) for path in sorted(folder.glob(f".*{_ENDING}")) if path.is_file()]


def _held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def flush(path: Path) -> None:
    """Wait until the disk has a file or folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _create(target: Path, *, lock: bool = True) -> tuple[Path, int]:
    path = target.with_name(f".{target.name}.{secrets.token_hex(8)}{_ENDING}")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    if lock:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return path, descriptor


def _remove_stale(target: Path) -> None:
    """Remove drafts of this name, and of its side files, that no living writer holds.

    A writer holds its draft alone, until all of its files have their names: while one is held, the drafts of side files
    may be the living writer's and stay.
    """
    found = list(target.parent.glob(f".{target.name}.*{_ENDING}"))
    own = [path for path in found if path.name.count(".") == target.name.count(".") + 3]
    held = [path for path in own if not _removed(path)]
    if not held:
        for path in set(found) - set(own):
            path.unlink(missing_ok=True)


def _removed(path: Path) -> bool:
    """Remove a draft unless a living writer holds it; say whether it is gone."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return not path.exists()
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except OSError:
        return not path.exists()
    finally:
        os.close(descriptor)
    return True
