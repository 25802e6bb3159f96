"""Checked descriptions of catalogs and their entries: plain, frozen, picklable."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from musyq_lab.core.errors import CatalogError, closest

TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "folder": (str,),
    "word": (str,),
}
FREE = ("folder", "word")
"""Types whose values the catalog does not list; only the user gives them, and each is a whole argument of a driver."""

_HOME = re.compile(r"\{\{\s*CATALOG_DIR\s*\}\}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+\-.]{0,199}")


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """A choice the user of an entry may make."""

    name: str
    """Name in templates and in the call."""
    type: str
    """``bool``, ``int``, ``float``, ``str``, ``folder`` (of this machine) or ``word`` (letters, digits, ``._+-``)."""
    default: Any
    """Value where the user chooses none."""
    description: str = ""
    """What it selects."""
    allowed: tuple[Any, ...] = ()
    """The only values, empty for any of the type."""
    min: float | None = None
    """Smallest value."""
    max: float | None = None
    """Largest value."""

    def check(self, value: Any) -> Any:
        """Return the value if it may be used.

        Raises
        ------
        CatalogError
            If it has another type, is not among the allowed ones or is out of range.
        """
        wanted = TYPES[self.type]
        # bool is an int to Python; a year of True must not pass as 1.
        if not isinstance(value, wanted) or (isinstance(value, bool) and self.type != "bool"):
            raise CatalogError(f"{self.name}={value!r} must be of type {self.type}.{self._choices()}")
        if self.allowed and value not in self.allowed:
            raise CatalogError(f"{self.name}={value!r} is not one of the allowed values.{self._choices()}")
        low, high = self.min, self.max
        number: Any = _free(self.name, str(value)) if self.type in FREE and value else value
        if (low is not None and number < low) or (high is not None and number > high):
            raise CatalogError(f"{self.name}={value!r} is outside {low} to {high}.")
        return number

    def _choices(self) -> str:
        return f" Allowed: {', '.join(map(str, self.allowed))}." if self.allowed else ""


def _free(name: str, value: str) -> str:
    """Return a folder or word the user gave, if it is one."""
    if _WORD.fullmatch(value):
        return value
    if not value.isprintable() or any(mark in value for mark in ("{", "}", "://", "::")):
        raise CatalogError(f"{name}={value!r} is neither a folder of this machine nor a plain word.")
    return value


@dataclass(frozen=True, slots=True)
class EntrySpec:
    """One entry of a checked catalog."""

    name: str
    """Key in the catalog."""
    driver: str
    """Name of an allowed driver."""
    args: dict[str, Any]
    """Arguments of the driver, with templates."""
    folder: str
    """Folder that ``{{ CATALOG_DIR }}`` stands for."""
    description: str = ""
    """One line."""
    parameters: tuple[ParameterSpec, ...] = ()
    """Choices of the user."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Title, licence, citation and so on."""

    def path(self, argument: str) -> str:
        """Return an argument that is a path, with the folder of the catalog in place of its template."""
        return _HOME.sub(lambda _: self.folder, self.args[argument])

    def choose(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the checked values of a call.

        Raises
        ------
        CatalogError
            If a name or a value is not allowed.
        """
        known = {p.name: p for p in self.parameters}
        if unknown := sorted(set(values) - set(known)):
            has = closest(unknown[0], known) if known else " It takes none."
            raise CatalogError(f"Entry {self.name!r} has no parameter {unknown[0]!r}.{has}")
        return {name: known[name].check(value) for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class CatalogSpec:
    """A checked catalog."""

    path: str
    """File or folder it was read from."""
    entries: tuple[EntrySpec, ...]
    """In the order of the file."""
    title: str = ""
    """Plain words."""
    description: str = ""
    """One line."""
