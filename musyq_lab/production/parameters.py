"""Typed parameters of a recipe, checked before anything runs.

papermill itself passes ``"2010"`` to an ``int`` and only logs an unknown name, so every value is checked here: from
Python it must have the declared type, from the command line its text is read by that type.
"""

from __future__ import annotations

import math
import numbers
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from musyq_lab.core.errors import InputError, NotFoundError, closest

Kind = Literal["int", "float", "bool", "str", "choice", "path", "folder", "list"]

PATHS = frozenset({"path", "folder"})
"""Kinds whose value lies on this machine: made absolute, and only its last part goes into a record."""

RESERVED = frozenset({"name", "out", "progress", "debug", "fresh", "keep_stages", "jobs"})
"""Names that :func:`musyq_lab.production.run.run_recipe` uses itself."""

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_NOTHING = frozenset({"", "none", "null"})
_SWEPT = frozenset({"int", "float", "bool", "choice"})
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")

SWEEP_LIMIT = 100
"""Number of runs in one sweep."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing a person may choose."""

    name: str
    """Name in the notebook's parameters cell."""
    kind: Kind
    """Type of the value; ``items`` has that of a list's elements."""
    default: Any = None
    """Value when nothing is given."""
    description: str = ""
    """Plain words."""
    unit: str = ""
    """UDUNITS spelling."""
    allowed: tuple[Any, ...] = ()
    """Values of a choice, or of a list's elements."""
    minimum: float | None = None
    """Smallest value of a number."""
    maximum: float | None = None
    """Largest value of a number."""
    nullable: bool = False
    """Whether None is a value."""
    items: Kind = "str"
    """Type of a list's elements."""
    check: str = ""
    """Name of a further check, see :data:`CHECKS`."""
    sweep: bool | None = None
    """Whether several values may be given, each for a run of its own; by default numbers, switches and choices may."""

    def validate(self, value: Any) -> Any:
        """Return the value as the notebook gets it (JSON types only).

        Raises
        ------
        InputError
            If it has the wrong type, is not allowed or out of range.
        NotFoundError
            If it names a file or a region that does not exist.
        """
        if value is None:
            if self.nullable:
                return None
            raise InputError(f"Parameter {self.name!r} needs {self.expects}, got nothing (None)")
        if self.kind == "list":
            return self._validate_list(value)
        return self._validate_one(value, self.kind)

    def parse(self, text: str) -> Any:
        """Read a value from the command line and check it.

        Parameters
        ----------
        text : str
            What stands behind ``name=``; a list is separated by commas, ``none`` stands for None.
        """
        if self.nullable and text.strip().lower() in _NOTHING:
            return None
        if self.kind == "list":
            return self.validate([self._read(part.strip(), self.items) for part in text.split(",") if part.strip()])
        return self.validate(self._read(text, self.kind))

    def parse_values(self, text: str) -> Any:
        """Read one value from the command line, or several for a sweep as a list, and check them.

        Parameters
        ----------
        text : str
            Values are separated by commas, those of texts and paths by semicolons; ``2001..2012`` are whole numbers.
        """
        if not self.sweepable or text in map(str, self.allowed):
            return self.parse(text)
        separator = "," if self.kind in _SWEPT else ";"
        parts = [part.strip() for part in text.split(separator)] if separator in text else [text]
        if self.kind == "int":
            parts = [number for part in parts for number in _range(self.name, part)]
        if len(parts) == 1 and parts[0] == text:
            return self.parse(text)
        if "" in parts:
            raise InputError(
                f"Parameter {self.name!r} has an empty value in {text!r}. Give values between {separator!r}"
            )
        return [self.parse(part) for part in parts]

    def validate_values(self, value: Any) -> tuple[Any, ...] | None:
        """Return the checked values of a sweep, None for a value that is a single one.

        Parameters
        ----------
        value : Any
            What a person chose; a list, tuple, range or array of values makes a sweep.
        """
        if self.kind == "list" or not _is_several(value):
            return None
        if not self.sweepable:
            raise InputError(f"Parameter {self.name!r} needs {self.expects}, got {value!r}; it cannot be swept")
        values = tuple(self.validate(item) for item in value)
        if not values:
            raise InputError(f"Parameter {self.name!r} got an empty list. Give at least one value: {self.expects}")
        if twice := [item for number, item in enumerate(values) if item in values[:number]]:
            raise InputError(f"Parameter {self.name!r} gets {twice[0]!r} twice in a sweep. Give each value once")
        return values

    @property
    def sweepable(self) -> bool:
        """Whether several values may be given, each for a run of its own."""
        return self.kind != "list" and (self.kind in _SWEPT if self.sweep is None else self.sweep)

    @property
    def expects(self) -> str:
        """What is expected, in words."""
        if self.kind == "choice":
            return "one of " + ", ".join(map(str, self.allowed))
        words = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}
        words |= {
            "path": "the path of a file",
            "folder": "the path of a folder",
            "list": f"a list of {self.items} values",
        }
        bounds = _bounds(self.minimum, self.maximum, self.unit)
        choices = f" out of {', '.join(map(str, self.allowed))}" if self.allowed else ""
        return words[self.kind] + bounds + choices

    def _validate_list(self, value: Any) -> list[Any]:
        if isinstance(value, (str, bytes, bytearray)) or not isinstance(value, Sequence):
            raise self._wrong(value)
        return [self._validate_one(item, self.items) for item in value]

    def _validate_one(self, value: Any, kind: Kind) -> Any:
        try:
            checked = _CONVERT[kind](value)
        except (TypeError, ValueError, OverflowError):  # the last: a whole number beyond any float
            raise self._wrong(value) from None
        if self.allowed and not any(type(checked) is type(a) and checked == a for a in self.allowed):
            hint = closest(str(checked), map(str, self.allowed)) if isinstance(checked, str) else ""
            raise InputError(f"Parameter {self.name!r} cannot be {value!r}: it needs {self.expects}.{hint}")
        if kind in {"int", "float"} and not _inside(checked, self.minimum, self.maximum):
            raise InputError(f"Parameter {self.name!r} = {value!r} is out of range: it needs {self.expects}")
        if kind == "path":
            checked = _existing_file(self.name, checked)
        if kind == "folder":
            checked = _existing_folder(self.name, checked)
        if self.check and checked != self.default:
            CHECKS[self.check](checked)
        return checked

    def _read(self, text: str, kind: Kind) -> Any:
        if kind == "bool":
            if text.strip().lower() in _WORDS:
                return _WORDS[text.strip().lower()]
            raise self._wrong(text)
        try:
            if kind == "choice":
                return next((a for a in self.allowed if str(a) == text), text)
            return int(text) if kind == "int" else float(text) if kind == "float" else text
        except ValueError:
            raise self._wrong(text) from None

    def _wrong(self, value: Any) -> InputError:
        return InputError(f"Parameter {self.name!r} needs {self.expects}, got {value!r} ({type(value).__name__})")


def validate_all(parameters: Sequence[Parameter], given: Mapping[str, Any], recipe: str) -> dict[str, Any]:
    """Return every parameter's checked value, defaults included, in the order of the recipe.

    Parameters
    ----------
    parameters : sequence of Parameter
        What the recipe declares.
    given : mapping
        What the person chose.
    recipe : str
        Its name, for messages.
    """
    known = {p.name: p for p in parameters}
    for name in given:
        if name not in known:
            raise InputError(f"Recipe {recipe!r} has no parameter {name!r}.{closest(name, known)}")
    return {name: p.validate(given[name]) if name in given else p.default for name, p in known.items()}


def parse_all(parameters: Sequence[Parameter], texts: Sequence[str], recipe: str) -> dict[str, Any]:
    """Read ``name=value`` texts of the command line.

    Parameters
    ----------
    parameters : sequence of Parameter
        What the recipe declares.
    texts : sequence of str
        One ``name=value`` each; several values of a parameter that is no list are returned as a list.
    recipe : str
        Its name, for messages.
    """
    known = {p.name: p for p in parameters}
    values: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        name = name.strip()
        if not sign:
            raise InputError(
                f"Parameter {text!r} needs the form name=value, such as -p {next(iter(known), 'year')}=..."
            )
        if name not in known:
            raise InputError(f"Recipe {recipe!r} has no parameter {name!r}.{closest(name, known)}")
        if name in values:
            raise InputError(f"Parameter {name!r} is given twice. Give it once")
        values[name] = known[name].parse_values(value)
    return values


def _is_several(value: Any) -> bool:
    """Whether a value is a row of values: not a text, a mapping or a single number."""
    if isinstance(value, (list, tuple, range)):
        return True
    return hasattr(value, "tolist") and getattr(value, "ndim", 0) == 1


def _range(name: str, text: str) -> list[str]:
    if not (found := _RANGE.fullmatch(text)):
        return [text]
    first, last = int(found[1]), int(found[2])
    if not 0 <= last - first < SWEEP_LIMIT:
        raise InputError(
            f"Parameter {name!r}: {text!r} needs the smaller number first and at most {SWEEP_LIMIT} numbers"
        )
    return [str(number) for number in range(first, last + 1)]


def _region(value: Any) -> None:
    from musyq_lab.analysis.regions import resolve_region

    resolve_region(value)


CHECKS: dict[str, Callable[[Any], None]] = {"region": _region}
"""Named checks a recipe may ask for by ``check:``; each raises a plain error for a value that cannot be used."""


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    return operator.index(value)


def _number(value: Any) -> float:
    # numpy's bool is no Real, python's is an Integral
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError
    if not math.isfinite(value):
        raise ValueError
    return float(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool) or type(value).__name__ == "bool":  # numpy's own bool
        return bool(value)
    raise TypeError


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    if "\0" in value:
        raise ValueError
    return str(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, (str, bool, int, float)):
        return value
    if not hasattr(value, "item"):  # numpy scalars have it
        raise TypeError
    return value.item()


def _path_text(value: Any) -> str:
    return _text(str(value) if isinstance(value, Path) else value)


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "int": _integer,
    "float": _number,
    "bool": _boolean,
    "str": _text,
    "choice": _scalar,
    "path": _path_text,
    "folder": _path_text,
}


def _existing_file(name: str, text: str) -> str:
    """Return the absolute path of a file that exists and holds something."""
    path = Path(text).expanduser().absolute()
    try:
        size = path.stat().st_size if path.exists() else -1
    except OSError as reason:
        raise NotFoundError(f"Parameter {name!r}: {text!r} cannot be looked at ({reason.strerror})") from None
    if size < 0:
        raise NotFoundError(f"Parameter {name!r}: there is no file {text!r}. Give the path of a file that exists")
    if path.is_dir():
        raise InputError(f"Parameter {name!r}: {text!r} is a folder. Give the path of one file in it")
    if size == 0:
        raise InputError(f"Parameter {name!r}: {text!r} is empty (zero bytes). Fetch or write it again")
    return str(path)


def _existing_folder(name: str, text: str) -> str:
    """Return the absolute path of a folder that exists and can be listed."""
    path = Path(text).expanduser().absolute()
    try:
        next(path.iterdir(), None)
    except FileNotFoundError:
        raise NotFoundError(
            f"Parameter {name!r}: there is no folder {text!r}. Give the path of a folder that exists"
        ) from None
    except NotADirectoryError:
        raise InputError(f"Parameter {name!r}: {text!r} is a file. Give the path of the folder it lies in") from None
    except OSError as reason:
        raise NotFoundError(f"Parameter {name!r}: {text!r} cannot be looked at ({reason.strerror})") from None
    return str(path)


def _inside(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _bounds(low: float | None, high: float | None, unit: str) -> str:
    unit = f" {unit}" if unit else ""
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}{unit}"
    if low is not None:
        return f" of at least {low:g}{unit}"
    return f" of at most {high:g}{unit}" if high is not None else f" in{unit}" if unit else ""
