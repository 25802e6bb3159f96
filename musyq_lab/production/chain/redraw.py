"""Drawing again the plan that a product file was a task of: from what was asked of its folder, or from its own record.

The report of the folder holds the requests; where it is lost, the record inside the file names the products it was made
from, the grid, the period and the options, which suffices beside a catalog.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from musyq_lab.archive.lineage import provenance
from musyq_lab.archive.naming import FileName, parse
from musyq_lab.catalog.stock import Stock, period_of_label, take_stock
from musyq_lab.core.errors import InputError, MusyqError, NotFoundError
from musyq_lab.production.chain.drawing import BETWEEN, COMPOSITE
from musyq_lab.production.chain.plan import STEPS, Plan, make_plan, sensors_of
from musyq_lab.production.chain.record import ACTIVITY, options_of, origins_of, output_of
from musyq_lab.production.chain.report import REPORT, requests
from musyq_lab.production.chain.task import Task

_ARGUMENTS = frozenset({"keys", "period", "edition", "step", "region", "method", "options"})
"""What a report holds of a request."""
_SIDE = re.compile(r"\d+(?:\.\d+)?(?:e-\d+)?[EWNS]", re.ASCII)


@dataclass(frozen=True)
class Archived:
    """A product file of a production and where it lies."""

    path: Path
    """The file."""
    name: FileName
    """Fields of its name."""
    record: Mapping[str, Any]
    """PROV-JSON of its making."""
    folder: Path
    """Of the production."""

    @property
    def maker(self) -> str:
        """Name of the maker."""
        return str(self.record["activity"][ACTIVITY].get("musyq:maker", ""))

    def beside(self, name: str) -> Archived | None:
        """Return another product file of the same production, None where it is not there or cannot be read."""
        for path in (self.folder / name, self.folder / BETWEEN / name):
            if path.is_file():
                try:
                    return archived(path)
                except MusyqError:
                    return None
        return None

    def chain(self) -> Iterator[Archived]:
        """Yield the file and those that it was made from, as far as they are there."""
        seen, waiting = {self.path.name}, [self]
        while waiting:
            yield (one := waiting.pop(0))
            for origin in origins_of(one.record):
                if origin.name not in seen and parse(origin.name) and origin.role == "upstream":
                    seen.add(origin.name)
                    waiting += filter(None, [one.beside(origin.name)])


def archived(path: Path) -> Archived:
    """Read the record of a product file.

    Raises
    ------
    NotFoundError
        If there is no such file, or it holds no record.
    InputError
        If it is not one of a production.
    """
    name = parse(path.name)
    if not path.is_file() or name is None:
        raise NotFoundError(f"{path} is no product file. Give the path of one that `musyq produce` made.")
    record = provenance(path)
    if record.get("activity", {}).get(ACTIVITY) is None:
        raise InputError(f"{path.name} holds a record, but not of a production; it cannot be made again from it.")
    where = path.resolve().parent
    return Archived(path, name, record, where.parent if where.name == BETWEEN else where)


def redraw(file: Archived, inputs: str | Path | Stock | None, root: str | Path | None) -> Plan:
    """Draw the tasks that make a file, itself last.

    Parameters
    ----------
    file : Archived
        The file.
    inputs, root
        Catalog and folder of the data; by default those that the report of its folder names.

    Raises
    ------
    InputError
        If it is not said where its inputs are.
    NotFoundError
        If nothing that was asked of its folder makes it.
    """
    errors: list[MusyqError] = []
    for attempt in _attempts(file, inputs, root):
        try:
            found = _cut(attempt(), file)
        except MusyqError as error:
            errors.append(error)
        else:
            if found is not None:
                return found
    if errors:
        raise errors[0]
    raise NotFoundError(f"No production asked of {file.folder} has a task that makes {file.path.name}.")


def _attempts(file: Archived, inputs: Any, root: Any) -> Iterator[Any]:
    """Yield functions that draw plans the file may belong to, the likeliest first."""
    try:
        asked = requests(file.folder)
    except NotFoundError:
        asked = []
    named = [row for row in asked if inputs is not None or row["source"].get("inputs")]
    if inputs is None and not named:
        why = "does not say from which catalog" if asked else f"has no readable {REPORT} that says from what"
        raise InputError(f"{file.folder} {why} {file.path.name} was made. Give inputs= (--inputs).")
    for row in named:
        place = inputs if inputs is not None else row["source"]["inputs"]
        below = root if root is not None else row["source"].get("root") or None
        yield partial(_asked, row["request"], place, below)
    if inputs is not None:
        for step in STEPS:
            yield partial(_recorded, file, step, inputs, root)


def _stock(inputs: Any, root: Any, step: str) -> Stock:
    if isinstance(inputs, Stock):
        return inputs
    try:
        return take_stock(inputs, root=root, sensors=sensors_of(step))
    except NotFoundError as error:
        raise NotFoundError(f"{error} If the inputs were moved, say where they are by inputs= (--inputs).") from None


def _asked(request: Mapping[str, Any], inputs: Any, root: Any) -> Plan:
    if odd := set(request) ^ _ARGUMENTS:
        raise InputError(
            f"{REPORT} asks with {', '.join(sorted(odd))} otherwise than this version does. Give inputs= (--inputs), "
            "so that the record inside the file is used."
        )
    return make_plan(stock=_stock(inputs, root, str(request["step"])), **request)


def _recorded(file: Archived, step: str, inputs: Any, root: Any) -> Plan | None:
    """Draw a plan from the records of the file and of those it was made from."""
    files = list(file.chain())
    keys = dict.fromkeys(name.product for name in _upstream(files) if name.product != COMPOSITE)
    told = {one.name.product: options_of(one.record) for one in files if one.name.product != COMPOSITE}
    method = {key: made["method"] for key, made in told.items() if "method" in made}
    options = {n: _value(v) for made in told.values() for n, v in made.items() if n != "method"}
    stock, grid = _stock(inputs, root, step), output_of(file.record).get("grid", "")
    for region in (None, file.name.tile, _box(file.name.tile)):
        try:
            plan = make_plan(
                list(dict.fromkeys((*keys, file.name.product))), period_of_label(file.name), stock,
                edition=file.name.edition, step=step, region=region, method=method, options=options,
            )  # fmt: skip
        except MusyqError as error:
            trouble = error
        else:
            if str(plan.tile.grid) == grid:
                return plan
            trouble = NotFoundError(f"No region of {file.name.edition} has the grid that the record names: {grid}.")
    raise trouble


def _upstream(files: list[Archived]) -> Iterator[FileName]:
    for one in files:
        for origin in origins_of(one.record):
            name = parse(origin.name)
            if name is not None and origin.role == "upstream":
                yield name


def _value(text: str) -> Any:
    """Return an option as it was given: records hold texts."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _box(tile: str) -> str | None:
    """Return the box that the name of a tile was made from."""
    sides = tile.replace("p", ".").split("_")
    if len(sides) != 4 or not all(_SIDE.fullmatch(side) for side in sides):
        return None
    return ",".join(f"{'-' if side[-1] in 'WS' else ''}{side[:-1]}" for side in sides)


def _cut(plan: Plan | None, file: Archived) -> Plan | None:
    """Return the tasks that lead to a file, None where the plan does not make it."""
    if plan is None:
        return None
    by_key = {task.key: task for task in plan.tasks}
    last = next((t for t in plan.tasks if Path(t.target).name == file.path.name and t.maker == file.maker), None)
    if last is None or str(last.tile.grid) != output_of(file.record).get("grid"):
        return None
    if {n: str(v) for n, v in last.options} != options_of(file.record):
        return None
    wanted: dict[str, Task] = {}
    waiting = [last]
    while waiting:
        task = waiting.pop()
        if task.key not in wanted:
            wanted[task.key] = task
            waiting += [by_key[key] for key in task.needs]
    before = (task for task in plan.tasks if task.key in wanted and task is not last)
    return replace(plan, keys=(last.product,), tasks=(*before, last))
