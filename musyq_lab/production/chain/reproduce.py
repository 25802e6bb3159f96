"""``ml.reproduce``: make a product file again from what its own record names, and say where the two differ.

The record inside the file names every file it was made from with its checksum, the maker, its options, the grid and
the period, but no path. Inputs are looked for in the folder of the production (files made on the way) and in the
catalog; one that is not there, or is not the one of the record, is named.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.archive.lineage import provenance
from musyq_lab.archive.naming import FileName, parse
from musyq_lab.archive.open import open_product
from musyq_lab.catalog.stock import Stock, take_stock
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.core.registry import html_table
from musyq_lab.files.digest import sha256
from musyq_lab.production.chain.drawing import BETWEEN
from musyq_lab.production.chain.plan import Plan, make_plan, sensors_of
from musyq_lab.production.chain.produce import REPORT, carry_out
from musyq_lab.production.chain.record import ACTIVITY, code_version
from musyq_lab.production.chain.task import Task
from musyq_lab.production.chain.work import content


@dataclass(frozen=True)
class Reproduction:
    """What came of making a file again."""

    path: Path
    """The file."""
    identical: bool
    """Whether every byte is the same."""
    differences: tuple[tuple[str, str], ...] = ()
    """Layer, attribute or input, and how it differs."""

    def __str__(self) -> str:
        """Say it in a sentence, and where not."""
        if self.identical:
            return f"{self.path.name}: identical, made again from its own record."
        lines = [f"  {name}: {how}" for name, how in self.differences]
        return "\n".join([f"{self.path.name}: NOT identical.", *lines])

    def _repr_html_(self) -> str:
        head = f"{self.path.name}: {'identical' if self.identical else 'not identical'}"
        return html_table([["what", "how it differs"], *([*row] for row in self.differences)], head)


def reproduce(
    path: str | Path, *, inputs: str | Path | Stock | None = None, root: str | Path | None = None
) -> Reproduction:
    """Make a product file again and compare it byte by byte.

    Parameters
    ----------
    path : str or Path
        A file that :func:`musyq_lab.production.chain.produce.produce` made.
    inputs, root : optional
        Catalog of its inputs and folder of the data; by default those that ``production.json`` in its folder names.

    Raises
    ------
    NotFoundError
        If the file is not there, or an input that its record names is nowhere.
    InputError
        If it holds no record of a production, or it is not said where its inputs are.
    """
    file = Path(path)
    name = parse(file.name)
    if not file.is_file() or name is None:
        raise NotFoundError(f"{file} is no product file. Give the path of one that `musyq produce` made.")
    found = provenance(file)
    activity = found.get("activity", {}).get(ACTIVITY)
    if activity is None:
        raise InputError(f"{file.name} holds a record, but not of a production; it cannot be made again from it.")
    folder = _folder(file)
    plan, given = _plan(file, name, folder, inputs, root)
    if changed := _changed(found, plan, folder):
        return Reproduction(file, False, tuple(changed))
    with tempfile.TemporaryDirectory(prefix="musyq-again-") as scratch:
        carry_out(plan, Path(scratch), client=None, source=given)
        again = Path(scratch) / plan.tasks[-1].target
        if not again.is_file():
            raise ArchiveError(f"{file.name} could not be made again.")
        same = sha256(again) == sha256(file)
        return Reproduction(file, same, () if same else tuple(differences(file, again)))


def _folder(file: Path) -> Path:
    """Return the folder of the production that a file belongs to."""
    return file.parent.parent if file.parent.name == BETWEEN else file.parent


def _plan(
    file: Path, name: FileName, folder: Path, inputs: str | Path | Stock | None, root: str | Path | None
) -> tuple[Plan, dict[str, str]]:
    """Draw the plan again that the file was a task of, and keep what leads to it."""
    report = _report(folder)
    source = dict(report.get("source", {}))
    if inputs is None and not source.get("inputs"):
        raise InputError(f"{folder} does not say which catalog {file.name} was made from. Give inputs= (--inputs).")
    place, below = inputs or source["inputs"], root or source.get("root") or None
    sensors = sensors_of(report["request"]["step"])
    stock = place if isinstance(place, Stock) else take_stock(place, root=below, sensors=sensors)
    whole = make_plan(stock=stock, **report["request"])
    by_key = {task.key: task for task in whole.tasks}
    last = next((task for task in whole.tasks if Path(task.target).name == name.text), None)
    if last is None:
        raise NotFoundError(
            f"The production in {folder} has no task that makes {name.text}. It has: {', '.join(whole.keys)}."
        )
    wanted: dict[str, Task] = {}
    waiting = [last]
    while waiting:
        task = waiting.pop()
        wanted.setdefault(task.key, task)
        waiting += [by_key[key] for key in task.needs]
    return replace(whole, tasks=tuple(task for task in whole.tasks if task.key in wanted)), source


def _report(folder: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise NotFoundError(f"{folder} has no readable {REPORT}, which says how its files were made.") from None
    return loaded


def _changed(found: Mapping[str, Any], plan: Plan, folder: Path) -> list[tuple[str, str]]:
    """Return what differs before anything is made: the code, and files from outside."""
    rows = []
    code = str(next(iter(found["agent"].values())).get("musyq:version", ""))
    if code != code_version():
        rows.append(("code", f"it was made by {code}; this is {code_version()}"))
    recorded = {e["musyq:file"]: e["musyq:sha256"] for e in found["entity"].values() if "musyq:role" in e}
    for read in plan.tasks[-1].reads:
        now = content(read)
        if recorded.get(read.name, now) != now:
            rows.append((read.name, f"sha256 {recorded[read.name][:16]} then, {now[:16]} now"))
    return rows


def differences(first: Path, second: Path) -> list[tuple[str, str]]:
    """Return where two product files differ: layers with the number of cells and the largest difference, attributes.

    Parameters
    ----------
    first, second : Path
        The files.
    """
    rows: list[tuple[str, str]] = []
    a, b = open_product(first), open_product(second)
    for name in sorted({*map(str, a.variables), *map(str, b.variables)}):
        if name not in a.variables or name not in b.variables:
            rows.append((name, "is in one of them only"))
        else:
            rows += _values(name, a[name], b[name])
    for key in sorted({*a.attrs, *b.attrs}):
        if str(a.attrs.get(key)) != str(b.attrs.get(key)):
            rows.append((f"attribute {key}", f"{a.attrs.get(key)!r:.80} and {b.attrs.get(key)!r:.80}"))
    if not rows and provenance(first) != provenance(second):
        rows.append(("record", "the records of their making differ"))
    return rows or [("bytes", "all values and attributes are the same; the files differ in how they are stored")]


def _values(name: str, a: xr.DataArray, b: xr.DataArray) -> list[tuple[str, str]]:
    if a.shape != b.shape:
        return [(name, f"shapes {a.shape} and {b.shape}")]
    x, y = np.asarray(a.values), np.asarray(b.values)
    if x.dtype.kind not in "fiub":
        return [] if np.array_equal(x, y) else [(name, "values differ")]
    unlike = ~((x == y) | (np.isnan(x.astype(float)) & np.isnan(y.astype(float))))
    if not unlike.any():
        return []
    most = np.nanmax(np.abs(x.astype(float) - y.astype(float)), initial=0.0)
    return [(name, f"{int(unlike.sum())} of {x.size} values differ, by up to {most:.3g}")]
