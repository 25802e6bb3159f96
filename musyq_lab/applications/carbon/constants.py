"""Constants of the carbon job: one table (``catalogs/carbon.yml``), every row with its source."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from musyq_lab.core.errors import NotFoundError, closest
from musyq_lab.core.resources import resource

if TYPE_CHECKING:
    import pandas as pd

_SECTIONS = {"scenarios": "scenario of heterotrophic respiration", "sites": "site"}


@dataclass(frozen=True, slots=True)
class Constant:
    """One number, where it comes from, and whether it was read there."""

    name: str
    """Name in the table."""
    value: float
    """The number, in ``units``."""
    units: str
    """UDUNITS spelling."""
    source: str
    """Publication or data it rests on."""
    verified: bool
    """Whether the number was read in the source."""
    sigma: float = 0.0
    """One standard uncertainty, in ``units``."""
    note: str = ""
    """What else to know."""


@cache
def table() -> dict[str, Any]:
    """Return the whole table as read from ``catalogs/carbon.yml``."""
    loaded: dict[str, Any] = yaml.safe_load(resource("catalogs/carbon.yml").read_text(encoding="utf-8"))
    return loaded


@cache
def constant(name: str) -> Constant:
    """Return a constant by name.

    Raises
    ------
    NotFoundError
        If the table has no such row.
    """
    rows = table()["constants"]
    if name not in rows:
        raise NotFoundError(f"The carbon table has no constant {name!r}.{closest(name, rows)}")
    return Constant(name=name, **rows[name])


def entry(section: str, name: str) -> dict[str, Any]:
    """Return a row of ``scenarios`` or ``sites``, or say which there are.

    Raises
    ------
    NotFoundError
        If the section has no such row.
    """
    rows = table()[section]
    if name not in rows:
        known = ", ".join(rows)
        raise NotFoundError(f"There is no {_SECTIONS[section]} {name!r}.{closest(name, rows)} Known: {known}.")
    row: dict[str, Any] = rows[name]
    return row


def constants_table() -> pd.DataFrame:
    """Return every constant with value, units, source and whether it was read in the source."""
    import pandas as pd

    names = [f.name for f in fields(Constant)]
    return pd.DataFrame([[getattr(constant(n), f) for f in names] for n in table()["constants"]], columns=names)
