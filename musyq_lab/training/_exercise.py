"""Exercises as data: the rows of ``catalogs/exercises``."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from html import escape
from inspect import signature
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import yaml

from musyq_lab.core.errors import CatalogError, NotFoundError, closest
from musyq_lab.core.registry import html_table
from musyq_lab.core.resources import resource
from musyq_lab.figures.words import pretty_units
from musyq_lab.training._words import Text, word

Kind = Literal["number", "array", "choice", "set"]
_TRUTHS = "musyq_lab.training.truth"


@dataclass(frozen=True)
class Exercise:
    """A question of a notebook."""

    key: str
    """What ``ml.check`` knows it by."""
    notebook: str
    """Stem of the notebook's name."""
    question: Text
    """What is asked, in a sentence."""
    answer: Kind
    """What kind of answer it wants."""
    truth: str
    """Module and function of :mod:`musyq_lab.training.truth` that know the answer."""
    units: str = ""
    """Of numbers and arrays, in the spelling of UDUNITS."""
    tolerance: Mapping[str, float] = field(default_factory=dict)
    """Largest difference that passes: ``absolute`` in the unit plus ``relative`` as a share of the truth."""
    share: float = 0.95
    """Of arrays: share of the cells that must lie within the tolerance (1)."""
    hints: Mapping[str, Text] = field(default_factory=dict)
    """Name of a mistake -> what to tell whoever makes it."""
    next: Text = ""
    """What to do after it, a sentence."""

    def __post_init__(self) -> None:
        """Refuse a row that could not be checked."""
        measured = self.answer in ("number", "array")
        if self.answer not in get_args(Kind):
            raise _fault(self, f"the answer must be {', '.join(get_args(Kind))}, not {self.answer!r}")
        if measured and not self.units:
            raise _fault(self, "an answer that is a number or an array needs `units`, such as 'K' or '1'")
        if set(self.tolerance) - {"absolute", "relative"}:
            raise _fault(self, f"the tolerance has absolute and relative, not {', '.join(self.tolerance)}")
        if not measured and self.tolerance:
            raise _fault(self, "a choice has no tolerance")
        if any(not value >= 0 for value in self.tolerance.values()) or not 0 < self.share <= 1:
            raise _fault(self, "tolerances are 0 or more, the share lies above 0 and at most at 1")
        if self.truth.count(".") != 1:
            raise _fault(self, f"truth is 'module.function', not {self.truth!r}")

    @property
    def known_by(self) -> Callable[..., Any]:
        """The function that knows the truth."""
        module, name = self.truth.split(".")
        found: Callable[..., Any] = getattr(importlib.import_module(f"{_TRUTHS}.{module}"), name)
        return found

    @property
    def shown_units(self) -> str:
        """The unit as it is printed, such as ``W m⁻²``; none for plain numbers."""
        return pretty_units(self.units)

    @property
    def needs(self) -> dict[str, bool]:
        """Names that its check takes from the notebook -> whether it can do without."""
        return {name: p.default is not p.empty for name, p in signature(self.known_by).parameters.items()}

    def allowed(self, truth: Any) -> Any:
        """Return the largest difference that passes, in the unit, for one or many true values."""
        return self.tolerance.get("absolute", 0.0) + self.tolerance.get("relative", 0.0) * abs(truth)

    def __repr__(self) -> str:
        """Show the question."""
        return f"{self.key} ({self.notebook}): {word(self.question)}\nAnswer with {self._call()}."

    def _repr_html_(self) -> str:
        where = f"<b>{escape(self.key)}</b>, of the notebook <i>{escape(self.notebook)}</i>"
        return f"<div>{where}</div><p>{_code(word(self.question))}</p><p>Next: <code>{escape(self._call())}</code></p>"

    def _call(self) -> str:
        unit = f" in {self.shown_units}" if self.shown_units else ""
        return f'ml.check("{self.key}", your {self.answer}{unit})'


class Exercises(Mapping[str, Exercise]):
    """All exercises, in the order of the notebooks."""

    def __getitem__(self, key: str) -> Exercise:
        """Return one by name."""
        try:
            return _rows()[key]
        except KeyError:
            raise NotFoundError(
                f"There is no exercise {key!r}.{closest(key, _rows())} `ml.check()` lists them all."
            ) from None

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(_rows())

    def __len__(self) -> int:
        """Count them."""
        return len(_rows())

    def table(self) -> list[list[str]]:
        """Return a table: one row an exercise, after the headings."""
        rows = [[e.key, e.notebook, word(e.question), e.shown_units or e.answer] for e in self.values()]
        return [["exercise", "notebook", "question", "answer in"], *rows]

    def __repr__(self) -> str:
        """List them."""
        return "\n".join(f"{e.key:18} {e.notebook:26} {word(e.question)}" for e in self.values())

    def _repr_html_(self) -> str:
        hint = '<p>Next: <code>ml.check("NAME", answer)</code></p>'
        return html_table(self.table(), f"{len(self)} exercises") + hint


def _code(text: str) -> str:
    """Return words as HTML, with what stands between backticks as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


EXERCISES = Exercises()
"""All exercises that ship."""


@cache
def _rows() -> Mapping[str, Exercise]:
    rows: dict[str, Exercise] = {}
    for path in sorted(resource("catalogs/exercises").glob("*.yml")):
        for exercise in read(path):
            if exercise.key in rows:
                raise CatalogError(
                    f"Two notebooks have an exercise {exercise.key!r}: {rows[exercise.key].notebook} and {path.stem}."
                )
            rows[exercise.key] = exercise
    return MappingProxyType(rows)


def read(path: Path) -> list[Exercise]:
    """Return the exercises of one file, whose name is that of the notebook.

    Raises
    ------
    CatalogError
        If a row cannot be checked; with the name of the file and of the exercise.
    """
    content = yaml.safe_load(path.read_text("utf-8"))
    if not isinstance(content, dict) or not all(isinstance(row, dict) for row in content.values()):
        raise CatalogError(f"{path.name} must map the name of each exercise to its fields.")
    made = []
    for key, row in content.items():
        try:
            made.append(Exercise(key=key, notebook=path.stem, **row))
        except TypeError as error:
            raise CatalogError(f"{path.name}, exercise {key!r}: {str(error).split('__init__() ')[-1]}.") from None
    return made


def _fault(exercise: Exercise, what: str) -> CatalogError:
    return CatalogError(f"{exercise.notebook}.yml, exercise {exercise.key!r}: {what}.")
