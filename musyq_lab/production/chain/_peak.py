"""The peak of the memory of a process that runs tasks of a plan, and what the processes of a client offer."""

from __future__ import annotations

import heapq
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from musyq_lab.production.chain._costs import COMPILED, IMPORTED, Size, cost_of
from musyq_lab.production.chain._room import Room, resident, room, size_of
from musyq_lab.production.chain.task import Task

_LOOKED_AT = 256
"""Largest tasks among which those that may run at once are sought."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """The workers of a client."""

    processes: int
    """How many."""
    threads: int
    """Most threads of one, each of which runs a task."""
    memory: int | None
    """Least limit of one (bytes); None where they have none."""


def processors() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def hosts(client: Any) -> Hosts | None:
    """Return what the workers of a client offer; None without a client or without workers yet."""
    if client is None:
        return None
    rows = list(client.scheduler_info(n_workers=-1)["workers"].values())
    if not rows:
        return None
    limits = [int(row["memory_limit"]) for row in rows if row.get("memory_limit")]
    return Hosts(len(rows), max(int(row.get("nthreads", 1)) for row in rows), min(limits) if limits else None)


def room_of(workers: Hosts, memory: str | int | None) -> Room:
    """Return the memory that a worker may take: what was said, else its own limit, else that of this machine."""
    known = [(size_of(memory), "memory= (--memory)"), (workers.memory, "the limit of a worker")]
    rows = [(size, source) for size, source in known if size is not None]
    return Room(*min(rows)) if rows else room()


def kept(makers: Iterable[str], *, own: bool) -> int:
    """Return the bytes that a process keeps: imports, compiled code and tables.

    Parameters
    ----------
    makers : iterable of str
        Kinds of tasks that it runs.
    own : bool
        Whether it is this process, which may have loaded other things before.
    """
    compiled = COMPILED + sum(cost_of(maker).compiled for maker in set(makers))
    now = resident() if own else 0
    if compiler_loaded():  # what it takes now holds some or all of it already
        return round(max(now, IMPORTED + compiled))
    return round(max(now, IMPORTED) + compiled)


def compiler_loaded() -> bool:
    """Whether this process has compiled kernels."""
    return "musyq_lab.kernels._native" in sys.modules


def peak(tasks: Sequence[Task], sizes: Mapping[str, Size], jobs: int, *, own: bool) -> int:
    """Return the peak of the memory of a process (bytes) that runs some tasks at once.

    Parameters
    ----------
    tasks : sequence of Task
        Of a plan.
    sizes : mapping of str to Size
        Key of a task -> what it handles.
    jobs : int
        Tasks at once.
    own : bool
        As for :func:`kept`.
    """
    work = {task.key: cost_of(task.maker).memory(sizes[task.key]) for task in tasks}
    largest = heapq.nlargest(_LOOKED_AT, tasks, key=lambda task: work[task.key])
    by_key = {task.key: task for task in tasks}
    chosen: list[str] = []
    for task in largest:
        if len(chosen) < jobs and not any(_waits(task.key, other, by_key) for other in chosen):
            chosen.append(task.key)
    return kept((task.maker for task in tasks), own=own) + round(sum(work[key] for key in chosen))


def _waits(one: str, other: str, tasks: Mapping[str, Task]) -> bool:
    """Whether one of two tasks has to wait for the other."""
    return one in _before(other, tasks) or other in _before(one, tasks)


def _before(key: str, tasks: Mapping[str, Task]) -> set[str]:
    """Return the keys of all tasks that one has to wait for."""
    found: set[str] = set()
    waiting = [key]
    while waiting:
        for need in tasks[waiting.pop()].needs:
            if need not in found and need in tasks:
                found.add(need)
                waiting.append(need)
    return found
