"""``ml.reproduce``: make a product file again from what its own record names, and say where the two differ.

The record inside the file names every file it was made from with its checksum, the maker, its options, the grid and
the period, but no path. Inputs are looked for in the catalog; one that is not there, or is not the one of the record,
is named. Everything is made again, the files on the way too, in a folder that is thrown away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from musyq_lab.archive import manifest
from musyq_lab.catalog.stock import Stock
from musyq_lab.core.errors import ArchiveError, RecipeError
from musyq_lab.core.registry import html_table
from musyq_lab.files.digest import sha256
from musyq_lab.production.chain.compare import differences
from musyq_lab.production.chain.own_code import own_code
from musyq_lab.production.chain.plan import Plan
from musyq_lab.production.chain.produce import carry_out
from musyq_lab.production.chain.record import code_of, code_version, origins_of
from musyq_lab.production.chain.redraw import Archived, archived, redraw
from musyq_lab.production.chain.runner import own_products, versions
from musyq_lab.production.chain.task import Task
from musyq_lab.production.chain.work import content

_UNTOUCHED = "was changed after it was written: its checksum differs"


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
        A file that :func:`musyq_lab.production.chain.produce.produce` made, one made on the way too.
    inputs, root : optional
        Catalog of its inputs and folder of the data; by default those that ``production.json`` in its folder names.

    Returns
    -------
    Reproduction
        Inputs that are others now than in the record are named, and nothing is made then. Where the code is another one
        it is named, and so are the values that differ.

    Raises
    ------
    NotFoundError
        If the file is not there, holds no record, or nothing that is known makes it.
    InputError
        If its record is not one of a production, or it is not said where its inputs are.
    ArchiveError
        If the file is damaged so that its record cannot be read, or it cannot be made again.
    """
    file = archived(Path(path))
    plan = redraw(file, inputs, root)
    rows = [*_touched(file), *_other_code(file, plan)]
    if changed := list(_other_inputs(file, plan)):
        return Reproduction(file.path, False, (*rows, *changed))
    with tempfile.TemporaryDirectory(prefix="musyq-again-") as scratch:
        again = _again(file, plan, Path(scratch))
        same = sha256(again) == sha256(file.path)
        return Reproduction(file.path, same, () if same else (*rows, *differences(file.path, again)))


def _again(file: Archived, plan: Plan, folder: Path) -> Path:
    """Make the file in another folder."""
    try:
        made = carry_out(plan, folder)
    except RecipeError as error:
        raise ArchiveError(f"{file.path.name} could not be made again. {error}") from error
    path = folder / plan.tasks[-1].target
    if not path.is_file():
        why = "; ".join(f"{o.key}: {o.reason}" for o in made.failed)
        raise ArchiveError(f"{file.path.name} could not be made again. {why}")
    return path


def _touched(file: Archived) -> Iterator[tuple[str, str]]:
    if manifest.check(file.path).state == "changed":
        yield file.path.name, _UNTOUCHED


def _other_code(file: Archived, plan: Plan) -> Iterator[tuple[str, str]]:
    """Name the code where it is not the one of the record: of the package, or of an own algorithm."""
    own = {key: own_code(key) for key in own_products(plan.tasks)}
    now, then = versions(plan.tasks[-1].product, code_version(), own), code_of(file.record)
    if now == then:
        return
    before, after = (dict(_named(text)) for text in (then, now))
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            yield name, f"it was made by {before.get(name, 'none')}; this is {after.get(name, 'none')}"


def _named(version: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a version: the package's, and those of own algorithms by name."""
    package = []
    for part in version.split("+"):
        name, _, digest = part.rpartition(".")
        if name.isidentifier() and len(digest) == 16:
            yield f"algorithm {name}", digest
        else:
            package.append(part)
    yield "code", "+".join(package)


def _other_inputs(file: Archived, plan: Plan) -> Iterator[tuple[str, str]]:
    """Name what came from outside and is another thing now, is gone, or is new."""
    tasks = {Path(task.target).name: task for task in plan.tasks}
    by_key = {task.key: task for task in plan.tasks}
    for one in file.chain():
        if (task := tasks.get(one.path.name)) is not None:
            yield from _other(one, task, by_key)


def _other(file: Archived, task: Task, by_key: dict[str, Task]) -> Iterator[tuple[str, str]]:
    outside = [*task.reads, *(r for key in task.needs for r in by_key[key].reads if by_key[key].kind == "scene")]
    then = {o.granule.get("file", o.name): o.granule.get("sha256", o.sha256) for o in origins_of(file.record)
            if o.granule or o.role != "upstream"}  # fmt: skip
    for read in outside:
        if read.name not in then:
            yield read.name, "the record does not name it; the catalog has it now"
            continue
        try:
            now = content(read)
        except ArchiveError as error:
            yield read.name, str(error)
            continue
        if then[read.name] and now != then[read.name]:
            yield read.name, f"sha256 {then[read.name][:16]} then, {now[:16]} now"
    names = {read.name for read in outside}
    for name in sorted(set(then) - names):
        yield name, "the record names it; the catalog does not have it any more"
