"""Running one task: is it done, make it, publish it; in any process, and never half.

"Done" means that the file is what its checksum says and that its record names this very task; a file that merely
exists, or was made from other inputs or by other code, is made again.
"""

from __future__ import annotations

import errno
import time as clock
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from musyq_lab.archive import manifest
from musyq_lab.archive.draft import plain
from musyq_lab.archive.lineage import provenance
from musyq_lab.archive.naming import parse
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import ArchiveError, MusyqError
from musyq_lab.files.digest import digest as digest_files
from musyq_lab.production.chain import _kept
from musyq_lab.production.chain.makers import MAKERS
from musyq_lab.production.chain.record import Origin, digest_of, record
from musyq_lab.production.chain.task import Read, Task, digest, path_of
from musyq_lab.sensors._granule import find

State = Literal["made", "kept", "aside", "failed", "skipped"]

_OURS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EFBIG, errno.EROFS})
"""Errors of the machine, for which no granule is to blame."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task."""

    key: str
    """Of the task."""
    state: State
    """made, kept (it was done already), aside (a granule that cannot be used), failed, skipped (its needs failed)."""
    seconds: float = 0.0
    """Wall time."""
    reason: str = ""
    """Why it was not made."""

    @property
    def good(self) -> bool:
        """Whether tasks that need it can go on."""
        return self.state in ("made", "kept", "aside")


def run(task: Task, out: str, needs: Mapping[str, Task], code: str) -> Outcome:
    """Make the file of a task unless it is done.

    Parameters
    ----------
    task : Task
        What to make.
    out : str
        Folder of the production.
    needs : mapping of str to Task
        The tasks whose files it reads, all done.
    code : str
        Version of the code that the production started with.

    Returns
    -------
    Outcome
        Any error of the task is told there; none is raised, so that a bad granule does not cost the run.
    """
    folder, started = Path(out), clock.monotonic()
    try:
        state, reason = _run(task, folder, needs, code)
    except Exception as error:
        state, reason = "failed", str(plain(error, path_of(folder, task)))
    return Outcome(task.key, state, round(clock.monotonic() - started, 3), reason)


def _run(task: Task, out: Path, needs: Mapping[str, Task], code: str) -> tuple[State, str]:
    try:
        origins = [Origin(read.name, read.role, content(read)) for read in task.reads]
    except ArchiveError as error:
        if task.kind != "scene" or not isinstance(error, UnreadableError):
            raise
        return _set_aside(task, path_of(out, task), "", "", error)
    origins += [_made(other, out) for other in needs.values()]
    wanted = digest(task, {origin.name: origin.sha256 for origin in origins}, code)
    if done(task, out, wanted):
        return "kept", ""
    if task.kind == "scene":
        return _scene(task, path_of(out, task), wanted, origins[0].sha256)
    _write(task, out, needs, record(task, origins, wanted, code))
    return "made", ""


def _write(task: Task, out: Path, needs: Mapping[str, Task], provenance: Mapping[str, object]) -> None:
    target = path_of(out, task)
    name = parse(target.name)
    if name is None:
        raise ArchiveError(f"{target.name} is no name of a product file.")
    made, spec = MAKERS[task.maker](task, {key: path_of(out, other) for key, other in needs.items()})
    # The file's period, not that of the looks it was made from; a year's or a climatology's name tells its own.
    coverage = task.period.coverage if name.period == task.period.label else {}
    write_product(
        made.assign_attrs(coverage),
        target.parent,
        spec=spec,
        edition=name.edition,
        tile=name.tile,
        period=name.period,
        version=name.version,
        provenance=provenance,
    )


def _scene(task: Task, target: Path, wanted: str, sha: str) -> tuple[State, str]:
    """Standardize and keep a scene; one that fails is set aside with its reason."""
    try:
        made = MAKERS[task.maker](task, {})[0].compute()
    except MemoryError:
        raise
    except Exception as error:  # whatever a damaged file makes a reader raise, the others go on
        if isinstance(error, OSError) and error.errno in _OURS:
            raise
        return _set_aside(task, target, wanted, sha, error)
    granule = str(made.attrs.get("granule") or task.reads[0].name)
    _kept.keep(made, target, _kept.Record(wanted, sha, **{**_row(task), "granule": granule}))
    return "made", ""


def _set_aside(task: Task, target: Path, wanted: str, sha: str, error: Exception) -> tuple[State, str]:
    reason = str(error) if isinstance(error, MusyqError) else f"{type(error).__name__}: {error}"
    reason = _without_folders(reason, task.reads[0])
    _kept.note(target, _kept.Record(wanted, sha, reason=reason, **_row(task)))
    return "aside", reason


def _without_folders(reason: str, read: Read) -> str:
    """Return a reason that says the same wherever the granule lies: it goes into the composite's load report."""
    return reason.replace(read.path, read.name).replace(f"{Path(read.path).parent}/", "")


def _row(task: Task) -> dict[str, str]:
    time = f"{task.period.start.isoformat()}Z"
    return {"granule": task.reads[0].name, "sensor": str(task.option("sensor")), "time": time}


def done(task: Task, out: Path, wanted: str) -> bool:
    """Whether the file of a task is there, whole, and made by a task of this digest."""
    target = path_of(out, task)
    if task.kind == "scene":
        return _kept.done(target, wanted)
    if not target.is_file() or manifest.check(target).state != "ok":
        return False
    try:
        return digest_of(provenance(target)) == wanted
    except MusyqError:
        return False


class UnreadableError(ArchiveError):
    """Something from outside that was there when the plan was drawn and cannot be read now."""


def content(read: Read) -> str:
    """Return the SHA-256 of what a task reads from outside.

    Raises
    ------
    UnreadableError
        If it cannot be read.
    """
    try:
        files = find(read.path).files if read.role == "granule" else (Path(read.path),)
        return _content(files, _states(files))
    except (MusyqError, OSError) as error:
        said = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        where = _without_folders(said, read)
        raise UnreadableError(f"{read.name} cannot be read any more: {where}") from error


@lru_cache(maxsize=4096)
def _content(files: Sequence[Path], _: object) -> str:
    return digest_files(files)


def _states(files: Sequence[Path]) -> tuple[tuple[int, int, int], ...]:
    """Return what tells that files are as they were a moment ago, so that weather is not summed for each task."""
    inside = (path for file in files for path in ((file, *sorted(file.rglob("*"))) if file.is_dir() else (file,)))
    return tuple((s.st_ino, s.st_size, s.st_mtime_ns) for s in (path.stat() for path in inside))


def _made(task: Task, out: Path) -> Origin:
    """Return what a task that was run before left: of a scene what determines it, not its bytes."""
    target = path_of(out, task)
    if task.kind == "scene":
        kept = _kept.read(target)
        if kept is None:
            raise ArchiveError(f"The scene {task.reads[0].name} has no record. Start the production again.")
        facts = {"file": task.reads[0].name, "sensor": kept.sensor, "time": kept.time, "sha256": kept.granule_sha256}
        facts |= {"aside": kept.reason} if kept.reason else {}
        return Origin(target.name, "upstream", kept.digest + (f" aside: {kept.reason}" if kept.reason else ""), facts)
    listed = manifest.listed(target)
    if listed is None:
        raise ArchiveError(f"{target.name} has no checksum. Start the production again.")
    return Origin(target.name, "upstream", listed)
