"""Units of an expression: products, quotients and powers, and why two cannot be added.

Everything that compares or converts is :mod:`musyq_lab.core.units`; here is what makes a new unit from two others, and
how it is spelled (UDUNITS: ``W m-2``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from musyq_lab.core import units as known
from musyq_lab.core.errors import InputError

_MOST_POWER = 24
"""Highest power of a unit; beyond it something is wrong."""
_LONGEST = 80
_TOWERS = re.compile(r"(?:\*\*|\^)[^*^/ ]*(?:\*\*|\^)|(?:\*\*|\^|[^\W\d])\s*[+-]?\d{3}")
"""Powers of powers and powers beyond two digits: whoever works them out may never come back."""
_SYMBOLS = {"degree": "degree", "calendar_month": "month", "year": "year", "percent": "percent"}
"""Units whose symbols cannot be read with a power behind them, or mean something else."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit, or the absence of one."""

    text: str | None
    """As UDUNITS spells it; None for data that say none."""

    @property
    def pure(self) -> bool:
        """Whether it is that of a number without dimension (``1``, ``%``)."""
        return self.text is not None and known.convertible(self.text, "1")

    @property
    def shifted(self) -> bool:
        """Whether its zero is not nothing: degrees Celsius and Fahrenheit."""
        return self.text is not None and known._parse(self.text).offset != 0.0

    @property
    def factor(self) -> float:
        """What one of it is in base units; that of a pure number is 1 or, for per cent, 0.01."""
        return known._parse(self.stated).factor

    @property
    def stated(self) -> str:
        """The text of a unit that must be there."""
        if self.text is None:
            raise InputError("A variable says no units; say them with unit(x, 'W m-2').")
        return self.text

    def __str__(self) -> str:
        """Return the text."""
        return "no units" if self.text is None else self.text


ONE = Unit("1")
"""Of pure numbers."""
RADIAN = Unit("radian")


def unit(text: str | None) -> Unit:
    """Return a unit from its text.

    Raises
    ------
    InputError
        If it is none.
    """
    if text is not None:
        if len(text) > _LONGEST or _TOWERS.search(text):
            raise InputError(f"{text[:_LONGEST]!r} is not a unit. Write it as UDUNITS does, such as 'W m-2' or 'K'.")
        known._parse(text)
        text = text.strip() or "1"
    return Unit(text)


def unscaled(given: Unit) -> Unit:
    """Return the unit without a number before it: kg m-2 of ``1e-3 kg m-2``."""
    scale = known._SCALE.fullmatch(given.stated.strip())
    return Unit(scale[2] or "1") if scale and float(scale[1]) != 1.0 else given


def product(first: Unit, second: Unit, *, over: bool = False) -> tuple[Unit, float]:
    """Return the unit of a product (or quotient), and by what the numbers are to be multiplied.

    The factor differs from 1 where units cancel unevenly: kg over g is a pure number times 1000.

    Raises
    ------
    InputError
        If one has a zero of its own: 20 degC times 2 is no temperature.
    """
    for side in (first, second):
        _no_offset(side)
    if first.pure and second.pure and first.factor == second.factor == 1.0:
        return ONE, 1.0
    if second.pure and second.factor == 1.0:
        return first, 1.0
    if first.pure and first.factor == 1.0 and not over:
        return second, 1.0
    left, right = _pint(first), _pint(second)
    return _spelled(left / right if over else left * right)


def line(given: Unit, wanted: Unit) -> tuple[float, float] | None:
    """Return factor and offset from one unit to another; None where neither can stand for the other."""
    if given == wanted:
        return 1.0, 0.0
    if not known.convertible(given.stated, wanted.stated):
        return None
    return known._line(given.stated, wanted.stated)


def power(base: Unit, exponent: float) -> tuple[Unit, float]:
    """Return the unit of a power, and by what the numbers are to be multiplied.

    Raises
    ------
    InputError
        If the unit would get a broken or an absurd power.
    """
    if base.pure:
        return ONE, base.factor**exponent
    _no_offset(base)
    return _spelled(_pint(base) ** exponent)


def _no_offset(side: Unit) -> None:
    if side.shifted:
        raise InputError(
            f"A temperature in {side} cannot be multiplied or divided: its zero is not nothing. "
            "Write to(x, 'K') for absolute temperatures."
        )


def _pint(side: Unit) -> Any:
    return known._pint_unit("" if side.pure and side.factor == 1.0 else unscaled(side).stated)


def _spelled(made: Any) -> tuple[Unit, float]:
    if made.dimensionless and known._meaning(made).kind == "":
        return ONE, float(f"{known._meaning(made).factor:.15g}")
    parts = []
    for name, exponent in made._units.items():
        whole = round(exponent)
        if abs(exponent - whole) > 1e-9 or abs(whole) > _MOST_POWER:
            raise InputError(f"The unit would be {made:~}, which cannot be written. Take value(x, 'unit') first.")
        parts.append((whole < 0, _symbol(name), whole))
    text = " ".join(s if power == 1 else f"{s}{power}" for _, s, power in sorted(parts, key=lambda part: part[0]))
    return Unit(text), 1.0


def _symbol(name: str) -> str:
    symbol = _SYMBOLS.get(name) or known._registry().get_symbol(name).replace("µ", "u")
    try:
        fits = known.same_units(symbol, name)
    except InputError:
        fits = False
    return symbol if fits else name
