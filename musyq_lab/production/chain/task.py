"""One node of a production: what it reads, what it makes, and the digest that says whether it was made already.

A task is plain data: it can be pickled to any worker, written as JSON and compared. Its digest covers whatever
determines its bytes: the maker and its options, the place and time, the content of everything it reads, and the code.
Paths are not in it, so an archive may be moved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from musyq_lab.core.period import Period
from musyq_lab.production.chain.region import Tile

Kind = Literal["scene", "product"]


@dataclass(frozen=True, slots=True)
class Read:
    """Something from outside the production that a task reads."""

    role: str
    """What for: ``granule``, or the layers taken, separated by blanks."""
    name: str
    """Name without folder."""
    path: str
    """Where it is."""


@dataclass(frozen=True, slots=True)
class Task:
    """A file to be made."""

    key: str
    """Its identity in the plan."""
    kind: Kind
    """A standard scene that is kept for the run, or a product file."""
    maker: str
    """Key of :data:`musyq_lab.production.chain.makers.MAKERS`."""
    product: str
    """Product key; empty for a scene."""
    edition: str
    """Grid."""
    tile: Tile
    """Part of it."""
    period: Period
    """Time it holds for."""
    target: str
    """Path relative to the folder of the production."""
    reads: tuple[Read, ...] = ()
    """What it reads from outside."""
    needs: tuple[str, ...] = ()
    """Keys of the tasks whose files it reads."""
    options: tuple[tuple[str, Any], ...] = ()
    """Further arguments of the maker."""

    def option(self, name: str, default: Any = None) -> Any:
        """Return one of the options."""
        return dict(self.options).get(name, default)


def digest(task: Task, contents: Mapping[str, str], code: str) -> str:
    """Return the digest of what determines a task's bytes.

    Parameters
    ----------
    task : Task
        The task.
    contents : mapping of str to str
        Name of everything it reads -> SHA-256.
    code : str
        Version of the code.
    """
    grid = task.tile.grid
    facts = {
        "maker": task.maker,
        "product": task.product,
        "edition": task.edition,
        "tile": [task.tile.name, *(str(getattr(grid, name)) for name in grid.__dataclass_fields__)],
        "period": [task.period.label, str(task.period.start), str(task.period.end)],
        "options": sorted((name, str(value)) for name, value in task.options),
        "contents": dict(sorted(contents.items())),
        "code": code,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def path_of(out: Path, task: Task) -> Path:
    """Return where a task's file lies."""
    return out / task.target
