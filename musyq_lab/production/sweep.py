"""Sweeps: a recipe run once for each value of a parameter, or for each combination of several, side by side.

``run_recipe("carbon_sinks", year=[2013, 2014])`` leaves ``out/year=2013`` and ``out/year=2014``, each a whole result of
its own, and ``sweep.json``, which lists them. Every run is a process. One that fails costs the others nothing. A run
whose result is there already, made by the same code from the same inputs and unchanged since, is not done again, so a
sweep that was stopped goes on.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from musyq_lab.archive.draft import publish, write_text
from musyq_lab.core.errors import InputError, RecipeError
from musyq_lab.files.digest import sha256
from musyq_lab.production._sweep_process import Member, Outcome, usable_jobs
from musyq_lab.production._sweep_view import View, view
from musyq_lab.production.finished import is_finished
from musyq_lab.production.parameters import PATHS, SWEEP_LIMIT, validate_all
from musyq_lab.production.recipes import Recipe
from musyq_lab.production.run import Options
from musyq_lab.production.staging import RECORD, locked_folder
from musyq_lab.production.sweep_result import State, SweepResult, SweepRun, text_of_value

SWEEP = "sweep.json"
"""List of a sweep's runs, written when all have ended; the same bytes for the same results."""

_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|%]|^\.")
_LONGEST = 120
"""Bytes of a folder's name."""


def swept(recipe: Recipe, given: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Return the parameters that got several values, with these; empty for a single run.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    given : mapping
        What the person chose.

    Raises
    ------
    InputError
        If a value cannot be used, a parameter allows no sweep, or the combinations are too many.
    """
    known = {parameter.name: parameter for parameter in recipe.parameters}
    found = {name: known[name].validate_values(value) for name, value in given.items() if name in known}
    values = {name: several for name, several in found.items() if several is not None}
    if (runs := math.prod(map(len, values.values()))) > SWEEP_LIMIT:
        counts = " x ".join(f"{len(several)} of {name}" for name, several in values.items())
        raise InputError(f"A sweep of {counts} is {runs} runs; {SWEEP_LIMIT} are allowed. Split it into several sweeps")
    return values


def run_sweep(
    recipe: Recipe,
    given: Mapping[str, Any],
    folder: Path,
    options: Options,
    *,
    progress: bool = True,
    jobs: int | None = None,
) -> SweepResult:
    """Run a recipe for each combination of the values that are swept.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    given : mapping
        What the person chose, lists for the parameters that are swept.
    folder : Path
        Folder of all runs, absolute.
    options : Options
        How each is run; ``fresh`` also does those again that are finished.
    progress : bool
        Whether to show how far along the sweep is.
    jobs : int, optional
        Number of runs at once; as many as processors and free memory allow by default.

    Raises
    ------
    MusyqError
        If a value, the folder or the recipe cannot be used; nothing has been run then.
    """
    plan = _plan(recipe, given, folder)
    jobs = usable_jobs(recipe, len(plan), jobs)
    clock = time.monotonic()
    with locked_folder(folder):
        _refuse_foreign(folder)
        (folder / SWEEP).unlink(missing_ok=True)  # it would list runs that are about to be replaced
        with view(len(plan), visible=progress) as shown:
            runs = _run_all(recipe, plan, options, shown, jobs)
        if any(run.state != "failed" for run in runs):
            _write(folder, recipe, plan, runs)
    return SweepResult(recipe.key, folder, runs, time.monotonic() - clock)


@dataclass(frozen=True, slots=True)
class _Planned:
    chosen: Mapping[str, Any]
    values: Mapping[str, Any]
    folder: Path


def _plan(recipe: Recipe, given: Mapping[str, Any], folder: Path) -> list[_Planned]:
    """Return the runs; every combination is checked before anything runs."""
    values = swept(recipe, given)
    names = {name: _folder_names(name, several) for name, several in values.items()}
    plan = []
    for numbers in itertools.product(*(range(len(several)) for several in values.values())):
        chosen = {name: values[name][number] for name, number in zip(values, numbers, strict=True)}
        place = folder.joinpath(*(names[name][number] for name, number in zip(values, numbers, strict=True)))
        plan.append(_Planned(chosen, validate_all(recipe.parameters, {**given, **chosen}, recipe.key), place))
    return plan


def _run_all(
    recipe: Recipe, plan: Sequence[_Planned], options: Options, shown: View, jobs: int
) -> tuple[SweepRun, ...]:
    members = [Member(recipe, item.values, item.folder, options, jobs) for item in plan]
    stopped = threading.Event()

    def work(item: _Planned, member: Member) -> SweepRun:
        if stopped.is_set():
            return SweepRun(item.chosen, item.folder, "failed", error=RecipeError("The sweep was stopped"))
        return _run_one(recipe, item, member, shown, fresh=options.fresh)

    with ThreadPoolExecutor(jobs) as pool:
        try:
            return tuple(pool.map(work, plan, members))
        except BaseException:  # Ctrl-C: those at work clear up and end, those that wait do not begin
            stopped.set()
            for member in members:
                member.stop()
            raise


def _run_one(recipe: Recipe, item: _Planned, member: Member, shown: View, *, fresh: bool) -> SweepRun:
    run = SweepRun(item.chosen, item.folder, "kept")
    part = shown.begin(run.name)
    if fresh or not is_finished(recipe, item.values, item.folder):
        outcome: Outcome = member.run(part)
        state: State = "failed" if outcome.error else "made"
        run = replace(run, state=state, **{f.name: getattr(outcome, f.name) for f in fields(outcome)})
    shown.end(run.name, part, run.words)
    return run


def _write(folder: Path, recipe: Recipe, plan: Sequence[_Planned], runs: Sequence[SweepRun]) -> None:
    """Write what the sweep consists of: nothing in it depends on the clock, the machine or which runs were kept."""
    first = plan[0]
    content = {
        "recipe": recipe.key,
        "recipe_sha256": sha256(recipe.notebook),
        "description_sha256": sha256(recipe.description),
        "parameters": _nameless(recipe, {n: v for n, v in first.values.items() if n not in first.chosen}),
        "runs": [_entry(folder, recipe, run) for run in runs],
    }
    target = folder / SWEEP
    publish({write_text(target, json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"): target})


def _entry(folder: Path, recipe: Recipe, run: SweepRun) -> dict[str, Any]:
    entry = {
        "folder": run.folder.relative_to(folder).as_posix(),
        "parameters": _nameless(recipe, run.chosen),
        "finished": run.state != "failed",
    }
    return {**entry, "provenance_sha256": sha256(run.folder / RECORD)} if entry["finished"] else entry


def _nameless(recipe: Recipe, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values without None, and of each path its last part only."""
    paths = {p.name for p in recipe.parameters if p.kind in PATHS}
    return {n: Path(v).name if n in paths else v for n, v in values.items() if v is not None}


def _refuse_foreign(folder: Path) -> None:
    path = folder / SWEEP
    try:
        own = "recipe_sha256" in json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError, TypeError):
        own = False
    if not own:
        raise InputError(f"{str(path)!r} is there and no sweep made it. Choose another folder or move it away")


def _folder_names(name: str, values: Sequence[Any]) -> list[str]:
    """Return a folder's name for each value, ``year=2013``: legible, legal everywhere, and different."""
    names = [_folder_name(name, value) for value in values]
    folded = [text.casefold() for text in names]
    return [
        f"{text}-{_short(value)}" if folded.count(text.casefold()) > 1 else text
        for text, value in zip(names, values, strict=True)
    ]


def _folder_name(name: str, value: Any) -> str:
    text = f"{name}={_UNSAFE.sub(_escaped, text_of_value(value))}".rstrip(". ")
    if len(text.encode()) <= _LONGEST:
        return text
    return f"{text.encode()[: _LONGEST - 10].decode(errors='ignore')}-{_short(value)}"


def _escaped(found: re.Match[str]) -> str:
    return f"%{ord(found.group()):02X}"


def _short(value: Any) -> str:
    return hashlib.sha256(str(value).encode()).hexdigest()[:8]
