"""Asking the processes that read HDF4 files (:mod:`musyq_lab.files._hdf4_child`).

Each thread that reads has a process of its own, so reading runs in parallel though the C library is not thread-safe.
They are started when first needed, kept for the next request, and end by themselves when nobody asks or this process
is gone.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError

SECONDS = 3.0
"""Processor time for the headers of a file, and for a part of its data on top of what unpacking it takes."""

MEMORY = 256 * 2**20
"""Bytes a request may use beyond the data it asks for."""

CLOCK = 60.0
"""Seconds on the clock for one request: what a slow disk may take."""

_RATE = 30e6  # bytes a second that even a slow processor unpacks
_MAX_LINE = 17 * 2**20
_MAX_IDLE = 4
_CHILD = str(Path(__file__).with_name("_hdf4_child.py"))


class _DeadError(Exception):
    """The process ended without an answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask of a file."""

    path: str
    """Absolute path."""
    state: tuple[int, ...]
    """What changes when the file does: a process may hold it open."""
    part: dict[str, Any] | None = None
    """Which data to read: index and name of the dataset, start and count along each axis; None for the headers."""
    size: int = 0
    """Bytes of the data asked for."""

    def line(self) -> bytes:
        """Return the request as the process reads it."""
        fields = {"do": "read" if self.part else "describe", "path": self.path, "state": list(self.state)}
        limits = {"seconds": SECONDS + self.size / _RATE, "memory": MEMORY + 2 * self.size}
        return json.dumps({**fields, **(self.part or {}), **limits}).encode() + b"\n"


class _Process:
    """One process."""

    def __init__(self) -> None:
        # -P: this folder must not come before the installed packages; one thread, for there is no algebra to do.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self._child = subprocess.Popen(
            [sys.executable, "-P", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._expired = False
        self.owner = os.getpid()

    def ask(self, request: Request) -> tuple[dict[str, Any], NDArray[Any] | None]:
        """Return the reply to a request and its data."""
        watch = threading.Timer(CLOCK, self._expire)
        watch.daemon = True
        watch.start()
        try:
            return self._ask(request)
        except SceneError:
            raise  # an OSError, but none of the pipes'
        except (OSError, ValueError) as error:
            raise _DeadError from error
        finally:
            watch.cancel()

    def _expire(self) -> None:
        self._expired = True
        self._child.kill()

    def _ask(self, request: Request) -> tuple[dict[str, Any], NDArray[Any] | None]:
        assert self._child.stdin is not None  # a pipe
        assert self._child.stdout is not None  # a pipe
        self._child.stdin.write(request.line())
        self._child.stdin.flush()
        line = self._child.stdout.readline(_MAX_LINE)
        if not line.endswith(b"\n"):
            raise _DeadError
        reply: dict[str, Any] = json.loads(line)
        if "bytes" not in reply:
            return reply, None
        if reply["bytes"] != request.size:
            raise SceneError(f"{request.path}: {reply['bytes']} bytes were read where {request.size} were expected.")
        data = np.empty(reply["bytes"], np.uint8)
        view, done = data.data, 0
        while done < len(view):
            got = self._child.stdout.readinto(view[done:])  # type: ignore[attr-defined]
            if not got:
                raise _DeadError
            done += got
        return reply, data.view(reply["dtype"])

    def fate(self) -> tuple[str, bool]:
        """Return how the process ended, in words, and whether another one may fare better."""
        if self._expired:
            return f"the HDF4 library gave no answer within {CLOCK:g} s", False
        try:
            code = self._child.wait(1.0)
        except subprocess.TimeoutExpired:
            return "the HDF4 library gives no answer that makes sense", True
        if code < 0 and code == -getattr(signal, "SIGXCPU", 0):
            return f"the HDF4 library did not come to an end within {SECONDS:g} s", False
        return f"the HDF4 library crashed on it ({'signal' if code < 0 else 'exit code'} {abs(code)})", True

    def close(self) -> None:
        """End the process."""
        if self.owner != os.getpid():
            return  # a fork has the pipes of its parent's process
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was not written yet finds nobody
                    pipe.close()


class _Pool:
    """The processes at rest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Process] = []

    def take(self) -> _Process | None:
        """Return one that rests, if any does."""
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.owner == os.getpid():
                    return process
                _strangers.append(process)
        return None

    def give(self, process: _Process) -> None:
        """Put one to rest."""
        with self._lock:
            if len(self._idle) < _MAX_IDLE:
                self._idle.append(process)
                return
        process.close()

    def forget(self) -> None:
        """Start anew in a fork: the processes, and the lock if a thread held it, are the parent's."""
        _strangers.extend(self._idle)
        self.__init__()  # type: ignore[misc]

    def clear(self) -> None:
        """End all that rest."""
        while process := self.take():
            process.close()


_strangers: list[_Process] = []  # of the parent of this fork: not ours to end
_pool = _Pool()
atexit.register(_pool.clear)


def _after_fork() -> None:
    _pool.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def ask(request: Request) -> tuple[dict[str, Any], NDArray[Any] | None]:
    """Return the reply of a process to a request.

    Raises
    ------
    SceneError
        If the file cannot be read, or the library crashes or hangs on it.
    """
    # A process that has read other files may be full, or hurt by one of them, or about to end: try a new one then.
    if (rested := _pool.take()) and (answer := _try(rested, request, last=False)):
        return answer
    answer = _try(_Process(), request, last=True)
    assert answer is not None  # the last try answers or raises
    return answer


def _try(process: _Process, request: Request, *, last: bool) -> tuple[dict[str, Any], NDArray[Any] | None] | None:
    try:
        reply, data = process.ask(request)
    except _DeadError:
        fate, again = process.fate()
        process.close()
        if last or not again:
            raise SceneError(f"{request.path} is damaged: {fate}. Fetch it again.") from None
        return None
    except BaseException:
        process.close()
        raise
    if "error" not in reply:
        _pool.give(process)
        return reply, data
    process.close()  # whatever state the error left behind
    if not last and "Memory" in reply["error"]:
        return None
    if reply["error"].startswith(("ImportError", "ModuleNotFoundError")):
        raise SceneError(f"{request.path} is HDF4, which needs pyhdf. Install it: python -m pip install pyhdf")
    raise SceneError(f"{request.path} cannot be read as HDF4 ({reply['error']}). It is damaged: fetch it again.")
