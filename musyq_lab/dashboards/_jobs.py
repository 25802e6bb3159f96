"""Long work of the pages: a few jobs at once, the others in a queue, each with progress, a log and a way to stop it.

A page hands in a function of one argument, its :class:`Job`, and asks it how far it is; the function runs in a thread::

    def work(job):
        for number, part in enumerate(parts, start=1):
            job.step(number, len(parts))  # raises StoppedError once the job is to end
            job.say(f"{part} is done")
        return path

    job = JOBS.start("Trend of LAI", work, owner=owner(), memory=2 * 10**9)
    job.seen().fraction

A thread cannot be ended from outside: work has to call ``job.check()`` or ``job.step()`` often, or compute what
:func:`musyq_lab.dashboards._jobs_dask.watched` returns, which asks at each chunk.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from musyq_lab.core.errors import InputError, MusyqError, NotFoundError
from musyq_lab.core.progress import quiet
from musyq_lab.production.chain._room import resident, room, said

_LOG = logging.getLogger(__name__)
_LINES = 200
"""Lines of a log that are kept, the last ones."""
_ENDED = 20
"""Ended jobs of one owner that are remembered."""


class State(StrEnum):
    """Where a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in (State.DONE, State.FAILED, State.CANCELLED)


class StoppedError(MusyqError):
    """Raised inside the work of a job that is to end."""


@dataclass(frozen=True, slots=True)
class JobLimits:
    """How much may run at once."""

    running: int = 2
    """Jobs at once on the server."""
    running_each: int = 1
    """Jobs at once of one owner."""
    waiting_each: int = 5
    """Jobs of one owner in the queue."""
    waiting: int = 100
    """Jobs in the queue of the server."""
    seconds: float = 3600.0
    """Time on the clock after which a job is stopped."""
    memory: int | None = None
    """Bytes that jobs may take together; by default what the machine, its container and this process have free."""

    def __post_init__(self) -> None:
        """Refuse what is no limit."""
        for name in ("running", "running_each", "waiting_each", "waiting", "seconds"):
            if not getattr(self, name) > 0:
                raise InputError(f"JobLimits({name}={getattr(self, name)!r}) is no limit. Give a number above 0.")


@dataclass(frozen=True, slots=True)
class Seen:
    """A job at one moment."""

    id: str
    """Its name in addresses; of no use without the owner."""
    title: str
    """What it makes."""
    state: State
    """Where it is."""
    fraction: float | None
    """How far it is, 0 to 1; None where that is not known."""
    lines: tuple[str, ...]
    """What it said."""
    seconds: float
    """Time that it has run."""
    message: str
    """Why it failed or was stopped, in plain words."""
    result: Any
    """What the work returned."""


class Job:
    """One piece of work; the work itself calls :meth:`step`, :meth:`say` and :meth:`check`.

    Made by :meth:`Jobs.start`. All methods may be called from any thread.
    """

    def __init__(self, title: str, work: Callable[[Job], Any], owner: str, memory: int) -> None:
        self.id = secrets.token_urlsafe(9)
        self.title, self.memory = title, memory
        self._work: Callable[[Job], Any] | None = work
        self.owner = owner
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._end = threading.Event()
        self._on_stop: list[Callable[[], None]] = []
        self._state, self._why, self._message = State.WAITING, "", ""
        self._fraction: float | None = None
        self._lines: list[str] = []
        self._started = self._stopped = 0.0
        self._result: Any = None

    @property
    def stopping(self) -> bool:
        """Whether the work is to end."""
        return self._stop.is_set()

    def check(self) -> None:
        """Do nothing, or raise :class:`StoppedError` where the job is to end."""
        if self._stop.is_set():
            raise StoppedError(self._why)

    def step(self, done: float, total: float) -> None:
        """Say how far the work is, and check whether it is to go on."""
        self.check()
        with self._lock:
            self._fraction = min(max(done / total, 0.0), 1.0) if total else None

    def say(self, line: str) -> None:
        """Add a line to the log."""
        with self._lock:
            self._lines = [*self._lines, str(line)][-_LINES:]

    @contextmanager
    def stopped_by(self, stop: Callable[[], None]) -> Iterator[None]:
        """Have a function called, from another thread, if the job is to end inside: to close or cancel what it awaits.

        Parameters
        ----------
        stop : callable
            Without arguments; called at once where the job is to end already.
        """
        with self._lock:
            self._on_stop.append(stop)
            late = self._stop.is_set()
        if late:
            stop()
        try:
            yield
        finally:
            with self._lock:
                self._on_stop.remove(stop)

    def cancel(self, why: str = "It was cancelled.") -> None:
        """Ask the job to end; one that waits ends at once."""
        with self._lock:
            if self._state.ended or self._stop.is_set():
                return
            self._why = why
            self._stop.set()
            calls = list(self._on_stop)
            if self._state is State.WAITING:
                self._finish(State.CANCELLED, why)
            else:
                self._state = State.STOPPING
        for call in calls:
            try:
                call()
            except Exception:
                _LOG.exception("What stops the job %r failed", self.title)

    def wait(self, seconds: float | None = None) -> Seen:
        """Wait until the job has ended, or for some seconds at most, and return where it is."""
        self._end.wait(seconds)
        return self.seen()

    def seen(self) -> Seen:
        """Return where the job is now."""
        with self._lock:
            last = self._stopped or time.monotonic()
            seconds = last - self._started if self._started else 0.0
            told = (tuple(self._lines), seconds, self._message, self._result)
            return Seen(self.id, self.title, self._state, self._fraction, *told)

    def run(self, seconds: float) -> None:
        """Do the work in this thread; never raises. Called by :class:`Jobs`."""
        clock = threading.Timer(seconds, self.cancel, [f"It took longer than the {seconds:g} s that a job may take."])
        clock.daemon = True
        with self._lock:
            if self._state is not State.WAITING:
                return
            self._state, self._started = State.RUNNING, time.monotonic()
            work = self._work
        clock.start()
        try:
            with quiet():
                made = work(self) if work is not None else None
        except BaseException as error:
            self._failed(error)
        else:
            with self._lock:
                self._result, self._fraction = made, 1.0
                self._finish(State.DONE, "")
        finally:
            clock.cancel()

    def _failed(self, error: BaseException) -> None:
        if self._stop.is_set():  # whatever was raised then, the stop is the cause
            return self._finish(State.CANCELLED, self._why)
        if isinstance(error, MusyqError | OSError):
            return self._finish(State.FAILED, str(error) or type(error).__name__)
        if isinstance(error, MemoryError):
            return self._finish(State.FAILED, "The memory did not suffice. Choose a smaller region or smaller chunks.")
        _LOG.error("The job %r failed", self.title, exc_info=error)
        return self._finish(State.FAILED, f"It failed: {type(error).__name__}: {error}")

    def _finish(self, state: State, message: str) -> None:
        with self._lock:
            self._state, self._message, self._stopped = state, message, time.monotonic()
            self._work = None  # and with it the data that it holds
            if message:
                self.say(message)
        self._end.set()


class Jobs:
    """Runs jobs within limits; one that fails costs no other.

    Parameters
    ----------
    limits : JobLimits, optional
        How much may run at once.
    """

    def __init__(self, limits: JobLimits | None = None) -> None:
        self.limits = limits or JobLimits()
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._closed = False

    def start(self, title: str, work: Callable[[Job], Any], *, owner: str, memory: int = 0) -> Job:
        """Take on a job; it runs when its turn comes.

        Parameters
        ----------
        title : str
            What it makes, in plain words.
        work : callable
            Takes the :class:`Job` and returns the result, best a path: what is returned stays in memory.
        owner : str
            Secret of the session (:func:`musyq_lab.dashboards._jobs_owner.owner`).
        memory : int
            Bytes that it is expected to take.

        Raises
        ------
        InputError
            If it would never fit, the queue is full, or the server ends.
        """
        key = _hidden(owner)
        with self._lock:
            if self._closed:
                raise InputError("The server is about to stop and takes no more jobs.")
            self._refuse_too_large(title, memory)
            waiting = [job for job in self._jobs.values() if job.seen().state is State.WAITING]
            if sum(job.owner == key for job in waiting) >= self.limits.waiting_each:
                most = self.limits.waiting_each
                raise InputError(f"You have {most} jobs in the queue, which is the most. Wait for one or cancel it.")
            if len(waiting) >= self.limits.waiting:
                raise InputError("The queue of the server is full. Try again later.")
            job = Job(title, work, key, memory)
            self._forget(key)
            self._jobs[job.id] = job
        self._next()
        return job

    def get(self, identity: str, owner: str) -> Job:
        """Return a job of an owner.

        Raises
        ------
        NotFoundError
            If the owner has none of that name, whether or not another has.
        """
        with self._lock:
            job = self._jobs.get(identity)
        if job is None or not secrets.compare_digest(job.owner, _hidden(owner)):
            raise NotFoundError(f"You have no job {identity!r}. It was forgotten, or the server was restarted.")
        return job

    def of(self, owner: str) -> list[Job]:
        """Return the jobs of an owner, the last first."""
        key = _hidden(owner)
        with self._lock:
            return [job for job in reversed(self._jobs.values()) if job.owner == key]

    def close(self, seconds: float = 10.0) -> None:
        """Cancel all jobs and wait for them, so that no draft is left; to be called when a server stops."""
        with self._lock:
            self._closed = True
            jobs, threads = list(self._jobs.values()), list(self._threads.values())
        for job in jobs:
            job.cancel("The server was stopped.")
        until = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _refuse_too_large(self, title: str, memory: int) -> None:
        most = self._room()
        if most is not None and memory > most:
            raise InputError(
                f"{title} does not fit: it takes about {said(memory)} of memory, and {said(most)} can be had. "
                "Choose a smaller region, a coarser overview or smaller chunks."
            )

    def _room(self) -> int | None:
        if self.limits.memory is not None:
            return self.limits.memory
        found = room().memory
        return None if found is None else max(found - resident(), 0)

    def _next(self) -> None:
        """Start what may start: the first in the queue whose owner has room, while the memory suffices."""
        with self._lock:
            while (job := self._startable()) is not None:
                thread = threading.Thread(target=self._run, args=[job], name=f"musyq-job-{job.id}", daemon=True)
                self._threads[job.id] = thread
                thread.start()

    def _startable(self) -> Job | None:
        running = [self._jobs[name] for name in self._threads]
        if len(running) >= self.limits.running:
            return None
        taken = sum(job.memory for job in running)
        for job in self._jobs.values():
            if job.id in self._threads or job.seen().state is not State.WAITING:
                continue
            own = sum(other.owner == job.owner for other in running)
            fits = not running or self.limits.memory is None or taken + job.memory <= self.limits.memory
            if own < self.limits.running_each and fits:
                return job
        return None

    def _run(self, job: Job) -> None:
        try:
            job.run(self.limits.seconds)
        finally:
            with self._lock:
                del self._threads[job.id]
            self._next()

    def _forget(self, key: str) -> None:
        """Drop the oldest ended jobs of an owner; their results go with them."""
        ended = [job for job in self._jobs.values() if job.owner == key and job.seen().state.ended]
        for job in ended[: max(0, len(ended) - _ENDED + 1)]:
            del self._jobs[job.id]


def _hidden(owner: str) -> str:
    """Return what is kept of a secret: enough to know it again."""
    return hashlib.sha256(owner.encode()).hexdigest()


JOBS = Jobs()
"""The jobs of this process; a server may set ``JOBS.limits``."""

atexit.register(JOBS.close, 3.0)
