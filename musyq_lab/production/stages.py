"""Stages of a recipe: a run that failed or was killed goes on after the last one that was finished.

In the notebook of a recipe a slow step is a function with ``@stage`` above it, called at once::

    from musyq_lab.production.stages import stage

    @stage
    def radiation(years):
        return ml.retrieve("dsr", ...)  # Datasets, DataArrays, arrays, tables, numbers, texts; tuples, lists, dicts

    daily = radiation(years)

While ``musyq run`` executes the notebook, what the function returns is kept in ``<out>/.stages``. If the run ends
early, the next one into the same folder takes it from there; a run that succeeds removes the folder. In a notebook that
is opened by hand, ``@stage`` only calls the function.

When is a kept value still right? When everything it can depend on is the same: all code that the notebook has executed
so far (comments apart), the parameters that this code mentions, the content of the recipe's inputs, the source of MuSyQ
Lab and the versions of all installed packages. So a change below a stage, or of a parameter that is used only below it
(the language of the figures), costs nothing; a change above it makes it anew. What a notebook reads beyond its declared
inputs is not seen: declare it in the description.

A stage computes; it does not write into the result folder, display, or set global names, none of which could be
repeated without running it. What it prints is repeated. A lazy (dask) result is computed into the file block by block
and stays lazy. Files of its own, such as a simulated archive, a stage writes into a :func:`workspace`.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import re
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import FunctionType
from typing import Any, ParamSpec, TextIO, TypeVar

from musyq_lab.core.errors import InputError
from musyq_lab.production._notebook_state import dependence, displayed, executed_code, sets_global, visible_files
from musyq_lab.production._settled import PROGRESS_LINE
from musyq_lab.production._stage_folder import WORK, Kept, clear_drafts, find, in_words, keep, no_room, size
from musyq_lab.production._values import join, split
from musyq_lab.production.code_state import code_state

P = ParamSpec("P")
T = TypeVar("T")

FOLDER = ".stages"
"""Name of the folder in the result folder."""
ORDER = ".stages.json"
"""What the runner tells the notebook: where to keep, what the values depend on."""
LOG = ".stages.jsonl"
"""What the notebook tells the runner: one line for each stage."""
LIMIT = 20_000_000_000
"""Bytes that all kept values of a result folder may take."""


def stage(function: Callable[P, T]) -> Callable[P, T]:
    """Make a function of a recipe's notebook a stage, whose result a failed run leaves to the next one.

    Parameters
    ----------
    function : callable
        Returns Datasets, DataArrays, arrays, tables, numbers and texts, or tuples, lists and dicts of them.

    Raises
    ------
    InputError
        If it sets a global name; when called, if it returns something else, displays, or writes into the result folder.
    """
    name = function.__name__
    if isinstance(function, FunctionType) and (found := sets_global(function)):
        raise InputError(f"The stage {name!r} sets the global name {found!r}, which a kept result could not: return it")

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        run = Stages.of_this_run()
        if run is None:
            return join(*split(function(*args, **kwargs)))  # type: ignore[no-any-return]
        return run.call(name, lambda: function(*args, **kwargs))  # type: ignore[no-any-return]

    return called


def workspace(name: str) -> Path:
    """Return a folder for files that a later run shall find again, such as a simulated archive.

    It is there, empty, when nothing above it changed since the last run that failed, and holds what that run had
    written otherwise; so write into it only by what finishes its own work (``ml.simulate``, ``produce``). Its path
    differs from run to run and belongs into no output.

    Parameters
    ----------
    name : str
        What it is for.
    """
    run = Stages.of_this_run()
    return Path(tempfile.mkdtemp(prefix=f"musyq-{_safe(name)}-")) if run is None else run.workspace(name)


class Stages:
    """The stages of the run whose notebook this process executes.

    Parameters
    ----------
    order : mapping
        From the runner: ``root``, ``context``, ``parameters``, ``limit``.
    log : Path
        File that gets a line for each stage.
    """

    def __init__(self, order: Mapping[str, Any], log: Path) -> None:
        self._root = Path(order["root"])
        self._context: str = order["context"]
        self._parameters: Mapping[str, Any] = order["parameters"]
        self._limit: int = order["limit"]
        self._log = log
        self._used: list[str] = []
        self._calls = 0

    @classmethod
    def of_this_run(cls) -> Stages | None:
        """Return the stages of the run that works in the present folder, None where a person works."""
        try:
            return _stages(Path.cwd())
        except FileNotFoundError:
            return None

    def call(self, name: str, work: Callable[[], Any]) -> Any:
        """Return what was kept of a stage, or do its work and keep it."""
        key = self._key(name)
        started = time.monotonic()
        # Which warnings have been shown already is state of the process: both ways leave it alike.
        with warnings.catch_warnings():
            found = find(self._root, key)
            kept = found or self._worked(name, work)
        if found:
            (self._root / key).touch()
            _repeat(found.printed, name)
            self._tell(name, "reused", started, size(self._root / key))
            return join(found.tree, found.arrays)
        needed = sum(array.nbytes for array in kept.arrays)
        arrays, reason = self._kept(key, kept, needed)
        self._tell(name, "not kept" if reason else "kept", started, needed, reason)
        return join(kept.tree, arrays)

    def workspace(self, name: str) -> Path:
        """Return the folder of this name, made if need be."""
        folder = self._root / f"{WORK}{self._key(name)}"
        folder.mkdir(parents=True, exist_ok=True)
        folder.touch()
        return folder

    def _key(self, name: str) -> str:
        """Return the name of a kept value: of all that can have led to it."""
        self._calls += 1
        code, mentioned = dependence(executed_code(), self._parameters)
        chosen = {parameter: self._parameters[parameter] for parameter in mentioned}
        whole = json.dumps([self._context, code, chosen, self._calls, name], sort_keys=True)
        key = f"{_safe(name)}-{hashlib.sha256(whole.encode()).hexdigest()[:32]}"
        self._used += [key, f"{WORK}{key}"]
        return key

    def _worked(self, name: str, work: Callable[[], Any]) -> Kept:
        before, printed = visible_files(Path.cwd()), _Printed()
        with displayed() as shown, printed.captured():
            tree, arrays = split(work())
        if shown:
            raise InputError(f"The stage {name!r} displays something, which a kept result could not: return it instead")
        after = visible_files(Path.cwd())
        if changed := sorted(n for n in after.keys() | before.keys() if after.get(n) != before.get(n)):
            raise InputError(
                f"The stage {name!r} changed {changed[0]!r} in the result folder, which a kept result could not: "
                "return the data and write them below it, or write into workspace(...)"
            )
        return Kept(tree, arrays, printed.parts)

    def _kept(self, key: str, value: Kept, needed: int) -> tuple[list[Any], str]:
        """Keep a value; return its arrays and why it could not be kept, which costs the run nothing."""
        try:
            if reason := no_room(self._root, needed, self._limit, self._used):
                return value.arrays, reason
            return keep(self._root, key, value), ""
        except OSError as error:
            return value.arrays, f"it could not be written ({error.strerror or error})"

    def _tell(self, name: str, state: str, started: float, length: int, reason: str = "") -> None:
        entry = {"stage": name, "state": state, "seconds": round(time.monotonic() - started, 3), "bytes": length}
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry | ({"reason": reason} if reason else {})) + "\n")


@functools.lru_cache(maxsize=1)
def _stages(folder: Path) -> Stages:
    return Stages(json.loads((folder / ORDER).read_text(encoding="utf-8")), folder / LOG)


class _Printed:
    """Passes on what is printed and remembers it."""

    def __init__(self) -> None:
        self._parts: list[tuple[str, str]] = []

    @property
    def parts(self) -> list[tuple[str, str]]:
        """Stream and text, in order, without progress lines."""
        joined: list[tuple[str, str]] = []
        for stream, text in self._parts:
            if joined and joined[-1][0] == stream:
                joined[-1] = (stream, joined[-1][1] + text)
            else:
                joined.append((stream, text))
        kept = [(stream, _without_progress(text) if stream == "stdout" else text) for stream, text in joined]
        return [(stream, text) for stream, text in kept if text]

    @contextmanager
    def captured(self) -> Iterator[None]:
        """Remember what is printed inside."""
        out, err = (
            _Tee(stream, name, self._parts) for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr))
        )
        with redirect_stdout(out), redirect_stderr(err):
            yield


class _Tee(io.TextIOBase):
    def __init__(self, stream: TextIO, name: str, parts: list[tuple[str, str]]) -> None:
        self._stream, self._name, self._parts = stream, name, parts

    def write(self, text: str) -> int:
        self._parts.append((self._name, text))
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()


def _repeat(printed: list[tuple[str, str]], name: str) -> None:
    for stream, text in printed:
        getattr(sys, stream).write(text)
        getattr(sys, stream).flush()
    sys.stdout.write(f"{name.replace('_', ' ')}, from the last run: 100 %\n")  # a progress line: shown, not recorded


def _without_progress(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not PROGRESS_LINE.match(line))


def _safe(name: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", name.lower())[:40] or "stage"


def prepare(
    folder: Path, partial: Path, parameters: Mapping[str, Any], inputs: Sequence[str], *, fresh: bool = False
) -> None:
    """Tell the notebook of a run that is about to start where its stages are kept and what they depend on.

    Parameters
    ----------
    folder : Path
        Result folder.
    partial : Path
        Folder in which the notebook will run.
    parameters : mapping
        Every parameter's checked value.
    inputs : sequence of str
        Checksums of what the recipe reads.
    fresh : bool
        Whether to drop what an earlier run kept.
    """
    root = folder / FOLDER
    if fresh:
        drop(folder)
    clear_drafts(root)
    context = hashlib.sha256("\n".join([code_state(), *inputs]).encode()).hexdigest()
    order = {"root": str(root), "context": context, "parameters": dict(parameters), "limit": LIMIT}
    (partial / ORDER).write_text(json.dumps(order), encoding="utf-8")


def account(partial: Path) -> list[dict[str, Any]]:
    """Return what the notebook told of its stages: name, state, seconds, bytes.

    Parameters
    ----------
    partial : Path
        Folder in which the notebook ran.
    """
    try:
        lines = (partial / LOG).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    told = []
    for line in lines:
        with suppress(ValueError):  # the last one, if the notebook was killed while it wrote it
            told.append(json.loads(line))
    return told


def left(folder: Path, partial: Path) -> str:
    """Return in words what a failed run leaves to the next one, empty if nothing.

    Parameters
    ----------
    folder : Path
        Result folder.
    partial : Path
        Folder in which the notebook ran.
    """
    names = [entry["stage"] for entry in account(partial) if entry["state"] != "not kept"]
    if not names:
        return ""
    what = f"The stage {names[0]!r} is" if len(names) == 1 else f"{len(names)} finished stages are"
    kept = f"{what} kept in {str(folder / FOLDER)!r} ({in_words(size(folder / FOLDER))})"
    return f"{kept}: the same command goes on from there"


def drop(folder: Path) -> None:
    """Remove everything that is kept in a result folder."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
