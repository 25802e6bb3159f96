"""The processes of a sweep: one for each run, and how many of them this machine can hold at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from musyq_lab.core import errors
from musyq_lab.core.errors import InputError, MusyqError, RecipeError
from musyq_lab.production.progress import Silent
from musyq_lab.production.recipes import Recipe
from musyq_lab.production.run import Options

_OWN_MEMORY = 0.2
"""GB that the process beside the notebook takes."""
_THREADS = ("DASK_NUM_WORKERS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run ended."""

    seconds: float = 0.0
    """Wall time of a run that succeeded."""
    peak_memory: int | None = None
    """Of its notebook, bytes."""
    error: MusyqError | None = None
    """What it failed of."""


def usable_jobs(recipe: Recipe, runs: int, jobs: int | None) -> int:
    """Return how many runs may work at once.

    Parameters
    ----------
    recipe : Recipe
        Its estimate says how much memory one run takes.
    runs : int
        Number of runs.
    jobs : int or None
        What the person wants; None for as many as processors and free memory allow.

    Raises
    ------
    InputError
        If it is no whole number of at least 1.
    """
    if jobs is not None:
        if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
            raise InputError(f"jobs needs a whole number of at least 1, got {jobs!r}")
        return min(jobs, runs)
    from musyq_lab.production.doctor import available_memory

    free, one = available_memory(), (recipe.estimate.get("memory_gb", 1.0) + _OWN_MEMORY) * 1e9
    fitting = runs if free is None else int(free / one)
    return max(1, min(_processors(), fitting, runs))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Member:
    """The process of one run.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    values : mapping
        Every parameter's checked value.
    folder : Path
        Result folder.
    options : Options
        How.
    jobs : int
        Number of runs that share the processors.
    """

    def __init__(self, recipe: Recipe, values: Mapping[str, Any], folder: Path, options: Options, jobs: int) -> None:
        self._request = {
            "recipe": str(recipe.description),
            "values": dict(values),
            "folder": str(folder),
            "options": asdict(options),
        }
        self._jobs = jobs
        self._process: subprocess.Popen[str] | None = None

    def run(self, told: Silent) -> Outcome:
        """Run it to its end.

        Parameters
        ----------
        told : Silent
            Is told of each step.
        """
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as noise:
            command = [sys.executable, "-m", "musyq_lab.production._member"]
            pipe, environment = subprocess.PIPE, _environment(self._jobs)
            with subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=noise, text=True, encoding="utf-8", env=environment
            ) as self._process:
                try:
                    outcome = self._listen(told)
                finally:
                    self.stop()
            return outcome or Outcome(error=_wordless(self._process.returncode, noise))

    def stop(self) -> None:
        """Tell the process that nobody waits for it any more; it clears up and ends."""
        if self._process and self._process.stdin and not self._process.stdin.closed:
            try:
                self._process.stdin.close()
            except OSError:  # it has ended, with the request still in the pipe
                return

    def _listen(self, told: Silent) -> Outcome | None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(self._request) + "\n")
            process.stdin.flush()
        except OSError:
            return None
        outcome = None
        for text in process.stdout:
            outcome = _heard(json.loads(text), told) or outcome
        return outcome


def _heard(content: Mapping[str, Any], told: Silent) -> Outcome | None:
    if "cell" in content:
        told.cell(*content["cell"])
    if "line" in content:
        told.line(content["line"])
    if "failed" in content:
        kind, text = content["failed"]
        found = getattr(errors, kind, RecipeError)
        return Outcome(error=found(text))
    return Outcome(**content["made"]) if "made" in content else None


def _wordless(code: int, noise: IO[str]) -> RecipeError:
    noise.seek(0)
    lines = noise.read().strip().splitlines()
    last = f" Its last words: {lines[-1][:300]}" if lines else ""
    return RecipeError(f"The run's process ended without a word (exit code {code}).{last}")


def _environment(jobs: int) -> dict[str, str]:
    """Return the environment of a run: this very code, and its share of the processors."""
    environment = {**os.environ}
    paths = [str(Path(__file__).resolve().parents[2]), *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    for name in _THREADS:
        environment.setdefault(name, str(max(1, _processors() // jobs)))
    return environment
