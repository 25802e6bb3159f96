"""What a production will take before anything is read: files, bytes, memory, time; and whether there is room for it.

The memory is the peak of one process: what it keeps (imports, compiled code, tables) and what the tasks at work at once
take, as linear functions of pixels, cells and looks (:mod:`musyq_lab.production.chain._costs`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from musyq_lab.archive import manifest
from musyq_lab.core.errors import InputError
from musyq_lab.core.registry import html_table
from musyq_lab.production.chain import _kept, _peak
from musyq_lab.production.chain._costs import COSTS, Size
from musyq_lab.production.chain._room import Room, disk_free, room, said
from musyq_lab.production.chain._sources import Source, sources
from musyq_lab.production.chain._speed import Speed, speed
from musyq_lab.production.chain.plan import Plan
from musyq_lab.production.chain.task import Task, path_of
from musyq_lab.products._registry import RETRIEVALS

FILE = 18_000
"""Bytes of a product file besides its layers: provenance, attributes, side files."""
LAYER = 6_000
"""Bytes of a layer besides its values: the tables of HDF5, attributes."""
OVERVIEWS = 4 / 3
"""What the coarser maps in a file add: 1/4 + 1/16 + ..."""
SCENE, SCENE_BYTES = 50_000, 120
"""Bytes of a kept scene, and of each of its cells: bands with two uncertainties, angles and bits, not compressed."""
BANDS, COMPOSITE_LAYERS, COMPOSITE_BYTES = 7, 6, 40
"""What a composite holds: bands of the reference sensor, and counts, windows, times, shares of sensors, lineage."""
SPARE = 16 * 2**20
"""Bytes of disk that reports and drafts take."""


@dataclass(frozen=True, slots=True)
class Row:
    """What the files of one product take."""

    name: str
    """Product, or ``scene``."""
    tasks: int
    """Files to be made."""
    there: int
    """Of them those that lie in the folder already; they are kept if inputs and code are the same."""
    reads: int
    """Files from outside that the others read."""
    read_bytes: int
    """Their bytes on disk."""
    write_bytes: int
    """Bytes that are written at most."""
    seconds: float
    """Seconds, one task after another."""


@dataclass(frozen=True)
class Forecast:
    """What a production will take."""

    plan: Plan = field(repr=False)
    """Of what."""
    rows: tuple[Row, ...]
    """One a product."""
    peaks: tuple[int, ...]
    """Peak of the memory of a process (bytes) with 1, 2, ... tasks at once."""
    jobs: int
    """Tasks at once that it will run with in a process."""
    asked: int | None
    """Tasks at once that were asked for; None for as many as fit."""
    processes: int
    """Processes that run tasks."""
    room: Room
    """Memory that a process may take."""
    disk: int | None
    """Free bytes where the products go."""
    speed: Speed
    """How fast this machine is beside the one where times were measured."""
    least: int
    """Bytes of memory that one task at once takes however small the grid is."""
    guessed: tuple[str, ...] = ()
    """Makers of tasks whose costs were not measured."""

    @property
    def memory(self) -> int:
        """Peak of the memory of a process (bytes)."""
        return self.peaks[min(self.jobs, len(self.peaks)) - 1]

    @property
    def seconds(self) -> float:
        """Time that it will take (s), an estimate."""
        return self.speed.elapsed(sum(row.seconds for row in self.rows), self.jobs * self.processes)

    @property
    def read_bytes(self) -> int:
        """Bytes on disk that are read."""
        return sum(row.read_bytes for row in self.rows)

    @property
    def write_bytes(self) -> int:
        """Bytes that are written at most."""
        return sum(row.write_bytes for row in self.rows)

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it does not fit and how to make it fit; empty if it does."""
        return tuple(filter(None, (_short_of_memory(self), _short_of_disk(self))))

    def require(self) -> Forecast:
        """Return itself if there is room.

        Raises
        ------
        InputError
            If memory or disk do not suffice, with what would.
        """
        if self.problems:
            raise InputError(" ".join(self.problems))
        return self

    def table(self) -> list[list[str]]:
        """Return header and rows as text: one row a product."""
        rows = [["makes", "files", "there already", "reads", "", "writes up to", "time"]]
        for row in self.rows:
            sizes = (f"{row.reads} files", said(row.read_bytes), said(row.write_bytes))
            rows.append([row.name, str(row.tasks), str(row.there), *sizes, lasts(row.seconds)])
        return rows

    def lines(self) -> list[str]:
        """Return the sentences below the table."""
        there = sum(row.there for row in self.rows)
        where = "a worker" if self.processes > 1 else "the process"
        free = f"{said(self.room.memory)} ({self.room.source})" if self.room.memory is not None else "not known here"
        found = [
            f"memory: peak of {where} about {said(self.memory)} with {_at_once(self.jobs)}; to be had: {free}",
            f"disk: up to {said(self.write_bytes)}" + (f" of {said(self.disk)} free" if self.disk is not None else ""),
            f"time: about {lasts(self.seconds)}, an estimate {self.speed.basis}",
        ]
        wished = len(self.peaks)
        if self.asked is None and self.jobs < wished and not self.problems:
            found.append(f"{_at_once(self.jobs)} instead of {wished}, which would take {said(self.peaks[-1])}")
        if there:
            found.append(f"{there} files are there already and are kept if their inputs and the code are the same")
        if self.guessed:
            found.append(f"not measured, only guessed: memory and time of {', '.join(self.guessed)}")
        return found + [f"DOES NOT FIT: {text}" for text in self.problems]

    def __str__(self) -> str:
        """Say what is read, made and written, and what it takes."""
        rows = self.table()
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        lines = ["  ".join(t.ljust(w) for t, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        head, *rest = str(self.plan).splitlines()
        return "\n".join([head, *lines, *self.lines(), *(t for t in rest if t.startswith(("left out", "set aside")))])

    def _repr_html_(self) -> str:
        notes = html_table([["it takes"], *([line] for line in self.lines())])
        return html_table(self.table(), str(self.plan).splitlines()[0]) + notes


def forecast(
    plan: Plan,
    out: str | Path | None = None,
    *,
    jobs: int | None = None,
    memory: str | int | None = None,
    client: Any = None,
    quick: bool = False,
) -> Forecast:
    """Say what a production will take; headers are read, nothing is computed.

    Parameters
    ----------
    plan : Plan
        What is to be made (:func:`musyq_lab.production.chain.produce.plan`).
    out : str or Path, optional
        Folder of the products: what lies there already and the disk count.
    jobs : int, optional
        Tasks at once in this process; by default as many as there are processors and as fit the memory.
    memory : str or int, optional
        Memory that a process may take, such as ``"2GB"``; by default what the machine, its container and the limits of
        this process leave.
    client : distributed.Client, optional
        Where it will run: the memory and the threads of a worker count.
    quick : bool
        Whether nothing is opened: sizes of decoded granules and layers are then upper limits.

    Returns
    -------
    Forecast
        A table, sentences, ``problems`` (empty if it fits) and ``require()``.

    Raises
    ------
    InputError
        If ``jobs`` or ``memory`` make no sense.
    """
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
        raise InputError(f"jobs={jobs!r} is no number of tasks. Give 1 or more, or leave it out.")
    folder = None if out is None else Path(out).expanduser().resolve()
    found = sources(plan.tasks, quick=quick)
    sized = {task.key: _size(task, found) for task in plan.tasks}
    hosts = _peak.hosts(client)
    limit = room(memory) if hosts is None else _peak.room_of(hosts, memory)
    most = hosts.threads if hosts else (jobs or _peak.processors())
    peaks = tuple(_peak.peak(plan.tasks, sized, n, own=hosts is None) for n in range(1, most + 1))
    fitting = sum(limit.memory is None or peak <= limit.memory for peak in peaks)
    chosen = most if hosts or jobs else max(fitting, 1)
    makers = {task.maker for task in plan.tasks}
    without = {key: replace(size, cells=0) for key, size in sized.items()}
    pace = speed(folder, {t.key: t.maker for t in plan.tasks})
    return Forecast(
        plan, _rows(plan.tasks, sized, found, folder, pace), peaks, chosen, jobs, hosts.processes if hosts else 1,
        limit, disk_free(folder) if folder else None, pace, _peak.peak(plan.tasks, without, 1, own=hosts is None),
        tuple(sorted(makers - set(COSTS))),
    )  # fmt: skip


def fitting(
    plan: Plan, out: Path, *, jobs: int | None = None, memory: str | int | None = None, client: Any = None
) -> int:
    """Return the tasks at once with which a production fits; what fits by upper limits is not looked at closely.

    Parameters are those of :func:`forecast`.

    Raises
    ------
    InputError
        If it does not fit, with what would.
    """
    rough = forecast(plan, out, jobs=jobs, memory=memory, client=client, quick=True)
    if not rough.problems and rough.jobs == len(rough.peaks):
        return rough.jobs
    return forecast(plan, out, jobs=jobs, memory=memory, client=client).require().jobs


def _size(task: Task, found: Mapping[Any, Source]) -> Size:
    return Size(
        cells=task.tile.cells,
        source=sum(found[read].decoded for read in task.reads),
        looks=len(task.needs),
    )


def _rows(
    tasks: Sequence[Task], sized: Mapping[str, Size], found: Mapping[Any, Source], folder: Path | None,
    pace: Speed,
) -> tuple[Row, ...]:  # fmt: skip
    groups: dict[str, list[Task]] = {}
    for task in tasks:
        groups.setdefault(task.product or "scene", []).append(task)
    compiled: set[str] = set()
    rows = []
    for name, group in groups.items():
        new = [task for task in group if not _there(task, folder)]
        reads = {read for task in new for read in task.reads}
        seconds = sum(pace.task(task.maker, sized[task.key]) for task in new)
        seconds += sum(pace.start(maker) for maker in {t.maker for t in new} - compiled)
        compiled |= {task.maker for task in new}
        rows.append(Row(
            name, len(group), len(group) - len(new), sum(found[r].files for r in reads),
            sum(found[r].disk for r in reads), sum(written(task) for task in new), seconds,
        ))  # fmt: skip
    return tuple(rows)


def _there(task: Task, folder: Path | None) -> bool:
    """Whether a file of a task lies in the folder with its checksum; whether that is right is seen when it runs."""
    if folder is None:
        return False
    target = path_of(folder, task)
    if task.kind == "scene":
        record = _kept.read(target)
        return bool(record and record.sha256 and target.is_file())
    return target.is_file() and manifest.listed(target) is not None


def written(task: Task) -> int:
    """Return the bytes of a task's file at most: as if nothing were saved by compression."""
    if task.kind == "scene":
        return SCENE + SCENE_BYTES * task.tile.cells
    variables = RETRIEVALS[task.product].spec.variables if task.product in RETRIEVALS else ()
    layers, each = 0, 0
    if task.maker == "composite":
        variables, layers, each = variables[:BANDS], COMPOSITE_LAYERS, COMPOSITE_BYTES
    for variable in variables:
        copies = 2 if variable.uncertain else 1
        layers, each = layers + copies, each + copies * _width(variable.dtype)
    return FILE + LAYER * (layers + 1) + math.ceil((each + 2) * task.tile.cells * OVERVIEWS)


def _width(dtype: str) -> int:
    return int(np.dtype(dtype).itemsize)


def _short_of_memory(found: Forecast) -> str:
    free = found.room.memory
    if free is None or found.memory <= free:
        return ""
    what = (
        f"It needs about {said(found.memory)} of memory with {_at_once(found.jobs)}, and {found.room.source} is "
        f"{said(free)}."
    )
    fitting = [n for n, peak in enumerate(found.peaks, 1) if peak <= free]
    if fitting:
        how = "threads a worker" if found.processes > 1 else "jobs"
        return f"{what} With {how}={fitting[-1]} it takes {said(found.peaks[fitting[-1] - 1])}."
    if found.least >= free:
        return f"{what} Even one cell takes {said(found.least)}: close other programs, or allow more by memory=."
    cells = found.plan.tile.cells
    share = (free - found.least) / (found.peaks[0] - found.least)
    more = f"with one task at once {said(found.peaks[0])}"
    return (
        f"{what} {more[0].upper()}{more[1:]} are needed. Give a smaller region (up to {max(int(cells * share), 1):,} "
        f"cells, now {cells:,}), or a coarser edition."
    )


def _short_of_disk(found: Forecast) -> str:
    needed = found.write_bytes + SPARE
    if found.disk is None or needed <= found.disk:
        return ""
    periods = len(found.plan.periods)
    share = max(found.disk - SPARE, 0) / max(found.write_bytes, 1)
    fits = f"a shorter period ({int(periods * share)} of {periods} fit)" if periods * share >= 1 else "a smaller region"
    return (
        f"It writes up to {said(needed)}, and the folder's disk has {said(found.disk)} free. Give {fits}, or a folder "
        "on another disk by out=."
    )


def _at_once(jobs: int) -> str:
    return f"{jobs} tasks at once" if jobs > 1 else "one task at once"


def lasts(seconds: float) -> str:
    """Return a time as text: ``"40 s"``, ``"3.5 min"``, ``"12 h"``."""
    for unit, step in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * step:
            return f"{seconds / step:.2g} {unit}" if seconds < 10 * step else f"{seconds / step:.0f} {unit}"
    return f"{seconds:.0f} s"
