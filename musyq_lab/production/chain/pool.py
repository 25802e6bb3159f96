"""Running the tasks of a plan in their order: in threads of this process, or on a dask client.

A task starts when all it needs are done. Nothing of a result depends on how many run at once or where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from musyq_lab.production.chain.task import Task
from musyq_lab.production.chain.work import Outcome

Run = Callable[[Task], Outcome]
DEATHS = 3
"""Workers that a task may take with it before it is given up."""


def outcomes(tasks: Sequence[Task], run: Any, *, client: Any = None, jobs: int = 1) -> Iterator[Outcome]:
    """Yield what became of each task as it ends.

    Parameters
    ----------
    tasks : sequence of Task
        In an order in which each comes after those it needs.
    run : callable
        Takes a task; must be picklable for a client.
    client : distributed.Client, optional
        Where to run; else in ``jobs`` threads of this process.
    jobs : int
        Tasks at once.
    """
    starter = _Cluster(client) if client is not None else _Threads(jobs)
    with starter:
        yield from _in_order(tasks, run, starter)


def _in_order(tasks: Sequence[Task], run: Run, starter: Any) -> Iterator[Outcome]:
    waiting = {task.key: task for task in tasks}
    ended: dict[str, Outcome] = {}
    while waiting or starter.running:
        for task in _ready(waiting, ended):
            if starter.full:
                break
            del waiting[task.key]
            if broken := next((key for key in task.needs if not ended[key].good), ""):
                ended[task.key] = Outcome(task.key, "skipped", reason=f"it needs {broken}, which was not made")
                yield ended[task.key]
            else:
                starter.start(task, run)
        for outcome in starter.finished() if starter.running else ():
            ended[outcome.key] = outcome
            yield outcome


def _ready(waiting: Mapping[str, Task], ended: Mapping[str, Outcome]) -> list[Task]:
    return [task for task in waiting.values() if all(key in ended for key in task.needs)]


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
        self.running: dict[Any, str] = {}

    def __enter__(self) -> _Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.cancel(list(self.running))

    @property
    def full(self) -> bool:
        threads: int = sum(self.client.nthreads().values())
        return len(self.running) >= 4 * max(1, threads)

    def start(self, task: Task, run: Run) -> None:
        # Not pure: a task looks at the disk. Its name is what a person sees on the dashboard.
        future = self.client.submit(run, task, key=f"{task.key}-{id(self)}", pure=False, retries=0)
        self.running[future] = task.key

    def finished(self) -> list[Outcome]:
        from distributed import wait as wait_for

        done = wait_for(list(self.running), return_when="FIRST_COMPLETED").done
        return [self._outcome(future, self.running.pop(future)) for future in sorted(done, key=lambda f: str(f.key))]

    @staticmethod
    def _outcome(future: Any, key: str) -> Outcome:
        if future.status == "finished":
            result: Outcome = future.result()
            return result
        error = future.exception()
        if type(error).__name__ == "KilledWorker":
            return Outcome(
                key, "failed", reason="every worker that ran it died; it may need more memory than they have"
            )
        return Outcome(key, "failed", reason=f"{type(error).__name__}: {error}")
