"""Named class tables: the breaks, the unit and the source behind a map's legend (``catalogs/classes.yml``).

A table with breaks b1 < b2 < ... < bn makes n + 1 classes,

    (-inf, b1), [b1, b2), ..., [bn, inf),

so a value equal to a break belongs to the class above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import yaml
from numpy.typing import ArrayLike, NDArray

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.core.resources import resource
from musyq_lab.figures.colours import class_colours
from musyq_lab.figures.words import LANGUAGES, check_language, say

FEWEST, MOST = 5, 8
_FIELDS = ("title", "units", "breaks", "colour_map", "source")


@dataclass(frozen=True, slots=True)
class ClassTable:
    """A legend's classes. ``title`` and ``source`` map a language to its words."""

    key: str
    """Name of the table."""
    title: Mapping[str, str]
    """What is mapped."""
    units: str
    """UDUNITS spelling of the breaks."""
    breaks: tuple[float, ...]
    """Inner limits, ascending; see the module."""
    colour_map: str
    """Ramp of :mod:`musyq_lab.figures.colours` or a map of matplotlib."""
    source: Mapping[str, str]
    """Where the breaks come from."""
    note: str = ""
    """What the legend has no room to say."""

    def __post_init__(self) -> None:
        """Refuse a table that would draw a wrong legend."""
        if not all(np.isfinite(self.breaks)) or any(low >= high for low, high in pairwise(self.breaks)):
            raise InputError(f"Class table {self.key!r}: breaks must be finite and ascending, got {self.breaks}.")
        if not FEWEST <= len(self) <= MOST:
            raise InputError(
                f"Class table {self.key!r} has {len(self)} classes; a legend is read with {FEWEST} to {MOST}. "
                f"Give {FEWEST - 1} to {MOST - 1} breaks."
            )
        for name, words in (("title", self.title), ("source", self.source)):
            if missing := [language for language in LANGUAGES if not words.get(language)]:
                raise InputError(f"Class table {self.key!r} has no {name} in {', '.join(missing)}.")
        class_colours(self.colour_map, len(self))

    def __len__(self) -> int:
        """Count the classes."""
        return len(self.breaks) + 1

    @property
    def colours(self) -> tuple[str, ...]:
        """One ``#rrggbb`` per class, lowest first."""
        return class_colours(self.colour_map, len(self))

    @property
    def widths(self) -> tuple[float, ...]:
        """Width of each class in ``units``; an open class counts as wide as its neighbour."""
        inner = [high - low for low, high in pairwise(self.breaks)]
        return (inner[0], *inner, inner[-1])

    def classify(self, values: ArrayLike) -> NDArray[np.int8]:
        """Return the class of each value, 0 for the lowest and -1 for NaN.

        Parameters
        ----------
        values : array_like
            Any shape, in ``units``.
        """
        array = np.asarray(values)
        return np.where(np.isnan(array), -1, np.digitize(array, self.breaks)).astype(np.int8)

    def labels(self, language: str = "en") -> tuple[str, ...]:
        """Return each class in words: ``< 875``, ``875–1,050``, ..., ``≥ 2,100``."""
        check_language(language)
        limits = [number(limit) for limit in self.breaks]
        middle = [say("between", language, low=low, high=high) for low, high in pairwise(limits)]
        return (say("below", language, value=limits[0]), *middle, say("above", language, value=limits[-1]))


def number(value: float) -> str:
    """Return a break as a legend writes it: ``2,100``, ``0.1``."""
    return f"{value:,.10g}"


def _table(key: str, row: Any) -> ClassTable:
    if not isinstance(row, dict):
        raise InputError(f"Class table {key!r} is not a mapping of {', '.join(_FIELDS)}.")
    if missing := [name for name in _FIELDS if name not in row]:
        raise InputError(f"Class table {key!r} lacks {', '.join(missing)}.")
    if unknown := sorted(set(row) - {*_FIELDS, "note"}):
        raise InputError(f"Class table {key!r} has unknown fields {', '.join(unknown)}.")
    try:
        breaks = tuple(float(limit) for limit in row["breaks"])
    except (TypeError, ValueError):
        raise InputError(f"Class table {key!r}: breaks must be a list of numbers, got {row['breaks']!r}.") from None
    for name in ("title", "source"):
        if not isinstance(row[name], dict):
            raise InputError(f"Class table {key!r}: {name} must give {' and '.join(LANGUAGES)}, got {row[name]!r}.")
    return ClassTable(
        key, row["title"], str(row["units"]), breaks, str(row["colour_map"]), row["source"], row.get("note", "")
    )


@cache
def class_tables(path: Path | None = None) -> Mapping[str, ClassTable]:
    """Return all class tables by name.

    Parameters
    ----------
    path : Path, optional
        A YAML file laid out like ``catalogs/classes.yml``, which is the default.

    Raises
    ------
    InputError
        If a table is wrong, whichever is asked for later.
    """
    text = (path or resource("catalogs/classes.yml")).read_text(encoding="utf-8")
    try:
        rows = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"The file of class tables is not YAML: {error}") from error
    if not isinstance(rows, dict):
        raise InputError("The file of class tables must map names to tables.")
    return MappingProxyType({str(key): _table(str(key), row) for key, row in rows.items()})


def class_table(key: str) -> ClassTable:
    """Return one class table by name.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    """
    tables = class_tables()
    if key not in tables:
        raise NotFoundError(f"There is no class table {key!r}.{closest(key, tables)}")
    return tables[key]
