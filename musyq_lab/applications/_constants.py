"""Tables of constants of the applications: one file in ``catalogs`` each, every row with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import yaml

from musyq_lab.core.errors import NotFoundError, closest
from musyq_lab.core.resources import resource

if TYPE_CHECKING:
    import pandas as pd


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


@dataclass(frozen=True, eq=False)
class ConstantTable:
    """The constants of an application and its further sections."""

    key: str
    """Name of the application, which the file bears: ``catalogs/<key>.yml``."""
    sections: Mapping[str, str] = field(default_factory=dict)
    """Section -> what one of its rows is, in words."""

    @cached_property
    def content(self) -> dict[str, Any]:
        """The whole table as read from its file."""
        text = resource(f"catalogs/{self.key}.yml").read_text(encoding="utf-8")
        loaded: dict[str, Any] = yaml.safe_load(text)
        return loaded

    @cached_property
    def _constants(self) -> dict[str, Constant]:
        return {name: Constant(name=name, **row) for name, row in self.content["constants"].items()}

    def constant(self, name: str) -> Constant:
        """Return a constant by name.

        Raises
        ------
        NotFoundError
            If the table has no such row.
        """
        if name not in self._constants:
            raise NotFoundError(f"The {self.key} table has no constant {name!r}.{closest(name, self._constants)}")
        return self._constants[name]

    def entry(self, section: str, name: str) -> dict[str, Any]:
        """Return a row of a section, or say which there are.

        Raises
        ------
        NotFoundError
            If the section has no such row.
        """
        rows = self.content[section]
        if name not in rows:
            kind, known = self.sections.get(section, section), ", ".join(map(str, rows))
            raise NotFoundError(f"There is no {kind} {name!r}.{closest(name, rows)} Known: {known}.")
        row: dict[str, Any] = rows[name]
        return row

    def constants_table(self) -> pd.DataFrame:
        """Return every constant with value, units, source and whether it was read in the source."""
        import pandas as pd

        names = [part.name for part in fields(Constant)]
        rows = [[getattr(row, name) for name in names] for row in self._constants.values()]
        return pd.DataFrame(rows, columns=names)
