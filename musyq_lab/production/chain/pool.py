"""Running the tasks of a plan in their order: in threads of this process, or on a dask client.

A task starts when all it needs are done. Nothing of a result depends on how many run at once or where.
"""

from __future__ import annotations

import heapq
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Protocol

from musyq_lab.core.errors import RecipeError
from musyq_lab.production.chain.task import Task
from musyq_lab.production.chain.work import Outcome

TRIALS = 2
"""Times that a task under suspicion runs alone before it is given up.

dask gives a task up when several workers died while they held it, be it the cause or a neighbour of the cause; one that
kills its workers when nothing else runs is the cause.
"""
PATIENCE = 120
"""Seconds to wait for a first worker."""
_AHEAD = 4
"""Tasks handed to a cluster for each thread it has: enough that no worker waits for this process."""


class Run(Protocol):
    """What runs a task; picklable for a client."""

    def __call__(self, task: Task) -> Outcome:
        """Run a task."""

    def only(self, task: Task) -> Run:
        """Return what suffices to run one task, small enough to be sent to a worker."""


def outcomes(tasks: Sequence[Task], run: Run, *, client: Any = None, jobs: int = 1) -> Iterator[Outcome]:
    """Yield what became of each task as it ends.

    Parameters
    ----------
    tasks : sequence of Task
        In an order in which each comes after those it needs.
    run : Run
        Takes a task and never raises.
    client : distributed.Client, optional
        Where to run; else in ``jobs`` threads of this process.
    jobs : int
        Tasks at once.

    Raises
    ------
    RecipeError
        If the cluster has no workers, or its scheduler goes away.
    """
    starter: _Cluster | _Threads = _Cluster(client) if client is not None else _Threads(jobs)
    with starter:
        yield from _in_order(tasks, run, starter)


class _Order:
    """Which tasks may start: the first in the plan of those whose needs have ended."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tasks
        self.ended: dict[str, Outcome] = {}
        self.missing = {index: len(set(task.needs)) for index, task in enumerate(tasks)}
        self.dependents: dict[str, list[int]] = {}
        for index, task in enumerate(tasks):
            for key in set(task.needs):
                self.dependents.setdefault(key, []).append(index)
        self.ready = [index for index, count in self.missing.items() if not count]

    def next(self) -> Task:
        return self.tasks[heapq.heappop(self.ready)]

    def end(self, outcome: Outcome) -> Outcome:
        self.ended[outcome.key] = outcome
        for index in self.dependents.get(outcome.key, ()):
            self.missing[index] -= 1
            if not self.missing[index]:
                heapq.heappush(self.ready, index)
        return outcome

    def broken(self, task: Task) -> str:
        return next((key for key in task.needs if not self.ended[key].good), "")


def _in_order(tasks: Sequence[Task], run: Run, starter: Any) -> Iterator[Outcome]:
    order = _Order(tasks)
    while order.ready or starter.running:
        while order.ready and not starter.full:
            task = order.next()
            if broken := order.broken(task):
                yield order.end(Outcome(task.key, "skipped", reason=f"it needs {broken}, which was not made"))
            else:
                starter.start(task, run)
        for outcome in starter.finished() if starter.running else ():
            yield order.end(outcome)


class _Threads:
    """A few threads; dask inside a task uses the threads of its own scheduler."""

    def __init__(self, jobs: int) -> None:
        self.jobs = max(1, jobs)
        self.running: dict[Future[Outcome], str] = {}

    def __enter__(self) -> _Threads:
        self.pool = ThreadPoolExecutor(self.jobs, thread_name_prefix="musyq-task")
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(wait=True, cancel_futures=True)

    @property
    def full(self) -> bool:
        return len(self.running) >= self.jobs

    def start(self, task: Task, run: Run) -> None:
        self.running[self.pool.submit(run, task)] = task.key

    def finished(self) -> list[Outcome]:
        done, _ = wait(self.running, return_when=FIRST_COMPLETED)
        return [future.result() for future in sorted(done, key=self.running.pop)]


class _Cluster:
    """The workers of a dask client."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.token = uuid.uuid4().hex[:12]
        self.submitted: dict[Any, tuple[Task, Run]] = {}
        self.suspects: deque[tuple[Task, Run]] = deque()
        self.trials: dict[str, int] = {}
        self.threads = 1

    def __enter__(self) -> _Cluster:
        try:
            self.client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise RecipeError(
                f"No worker joined the dask scheduler within {PATIENCE} s. Start some, or scale the cluster up."
            ) from None
        self._count()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):  # of a scheduler that is gone there is nothing to cancel
            self.client.cancel(list(self.submitted))

    def _count(self) -> None:
        self.threads = max(1, sum(self.client.nthreads().values()))

    @property
    def running(self) -> bool:
        return bool(self.submitted or self.suspects)

    @property
    def full(self) -> bool:
        return bool(self.suspects) or bool(self._on_trial()) or len(self.submitted) >= _AHEAD * self.threads

    def _on_trial(self) -> list[str]:
        return [task.key for task, _ in self.submitted.values() if task.key in self.trials]

    def start(self, task: Task, run: Run) -> None:
        # Not pure: a task looks at the disk. Its name is what a person sees on the dashboard.
        key = f"{task.key}-{self.token}-{self.trials.get(task.key, 0)}"
        self.submitted[self.client.submit(run.only(task), task, key=key, pure=False, retries=0)] = (task, run)

    def finished(self) -> list[Outcome]:
        from distributed import wait as wait_for

        if not self.submitted:  # the others have ended: the next suspect runs alone
            self.start(*self.suspects.popleft())
        try:
            with self.client.as_current():  # it waits by the current client, which ours need not be
                done = wait_for(list(self.submitted), return_when="FIRST_COMPLETED").done
            self._count()
        except (OSError, RuntimeError, CancelledError) as error:  # a closed connection has many names
            raise _gone(error) from error
        ended = sorted(done, key=lambda future: str(future.key))
        return [outcome for future in ended if (outcome := self._outcome(future)) is not None]

    def _outcome(self, future: Any) -> Outcome | None:
        """Return what a future says, None if its task is to run once more."""
        task, run = self.submitted.pop(future)
        if future.status == "finished":
            result: Outcome = future.result()
            return result
        if future.status in ("cancelled", "lost"):
            raise _gone(future.status)
        error = future.exception()
        if type(error).__name__ != "KilledWorker":
            return Outcome(task.key, "failed", reason=f"{type(error).__name__}: {error}")
        self.trials[task.key] = self.trials.get(task.key, 0) + 1
        if self.trials[task.key] <= TRIALS:
            self.suspects.append((task, run))
            return None
        return Outcome(task.key, "failed", reason=_KILLER)


_KILLER = (
    "every worker that ran it died, alone too: its code ends the process, or it needs more memory than a worker has"
)


def _gone(why: object) -> RecipeError:
    return RecipeError(
        f"The dask scheduler is gone ({why}). The files that were made are whole: start the same production again and "
        "it goes on from them."
    )
