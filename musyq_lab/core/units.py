"""Units: comparing, converting and refusing them, in one place (pint does the arithmetic).

Spellings are those of UDUNITS and what real files write beside it. Two units are of one kind only if a number of one
can stand for the other: angles, solid angles, counts and bits are kinds of their own, so radiance never passes for
irradiance or a digital number for reflectance; a month is one too, because it has no fixed length.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from musyq_lab.core.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

# "m-2" is UDUNITS for m**-2; pint would read a subtraction. A digit that follows a letter or bracket is an exponent.
_EXPONENT = re.compile(r"(?<=[^\W\d_]|\))(?<!\d[eE])(?=[+-]?\d)")
# A scale before the unit ("1e-3 kg m-2", "0.01"), as UDUNITS allows.
_SCALE = re.compile(r"((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\d.])\s*(.*)", re.DOTALL)
_ALLOWED = re.compile(r"[\w\s.*/^()+\-°℃%·⁻]*")
# A file may say anything: pint would work on 10**10**10, or on m999999999, until the memory is full. No unit has a
# power of three digits, a power of a power, or two brackets raised to one.
_TOO_MUCH = re.compile(
    r"(?:\*\*|\^|[^\W\d_]|\))\s*\(?[+-]?\d{3}"
    r"|(?:\*\*|\^|[^\W\d_])\s*\(?[+-]?[\d.]+\)?\s*(?:\*\*|\^)"
    r"|\)\s*(?:\*\*|\^|[+-]?\d).*\)\s*(?:\*\*|\^|[+-]?\d)",
    re.DOTALL,
)
_LONGEST = 200  # characters
_PURE_NUMBERS = frozenset(
    ("", "1", "-", "~", "none", "unitless", "dimensionless", "fraction", "ratio", "reflectance", "0-1", "(0 - 1)")
)
_NOT_GIVEN = frozenset(("n/a", "na", "nan", "null", "unknown", "undefined"))
# Spellings that pint lacks or reads otherwise: mb as millibarn, a lone C as coulomb (no product here is a charge).
_WORDS = (
    (re.compile(r"(?<!\w)(?:deg(?:ree)?s?[ _]?|° ?)C(?:elsius)?(?![^\W\d_])|℃|^C$", re.IGNORECASE), "degC"),
    (re.compile(r"\bdegrees?_?(?:north|south|east|west|N|S|E|W)\b"), "degree"),
    (re.compile(r"\bmonths?(?![^\W\d])"), "calendar_month"),
    (re.compile(r"(?<!\w)mb(?!\w)"), "mbar"),
    (re.compile(r"\batm[- ]cm\b"), "atm_cm"),
)
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_DEFINITIONS = (
    "calendar_month = [calendar_month]",
    # 10 um of gas at 273.15 K and 101325 Pa: p h / (R T), with R of CODATA 2018.
    "dobson = 4.461502e-4 * mole / meter ** 2 = DU",
    "atm_cm = 1000 * dobson",
)
_STALE = ("valid_range", "valid_min", "valid_max", "actual_range")
"""Attributes that hold values in the old units, or packed ones; no reader could tell which."""


class _Unit(NamedTuple):
    """What a spelling means: value in root units = factor x value + offset."""

    kind: str
    factor: float
    offset: float


@cache
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry(
        preprocessors=[lambda text: _EXPONENT.sub("**", text)], autoconvert_offset_to_baseunit=True
    )
    for definition in _DEFINITIONS:
        registry.define(definition)
    return registry


@cache
def _parse(units: str) -> _Unit:
    text = units.strip()
    if text.casefold() in _PURE_NUMBERS:
        return _Unit("", 1.0, 0.0)
    scale, rest = 1.0, text
    if match := _SCALE.fullmatch(text):
        scale, rest = float(match[1]), match[2]
        rest = f"1 {rest}" if rest.startswith(("/", "*")) else rest
    try:
        if not scale or rest.startswith(("+", "-")) or not _ALLOWED.fullmatch(text) or text.casefold() in _NOT_GIVEN:
            raise ValueError(units)
        if len(text) > _LONGEST or _TOO_MUCH.search(text):
            raise ValueError(units)
        meaning = _meaning(_pint_unit(rest))
        if scale != 1.0 and meaning.offset:
            raise ValueError(units)
    except Exception as error:  # pint raises half a dozen unrelated types on a bad string
        raise InputError(f"{units!r} is not a unit. Write it as UDUNITS does, such as 'W m-2', 'K' or '1'.") from error
    return meaning._replace(factor=meaning.factor * scale)


def _pint_unit(text: str) -> Any:
    """Read a unit; if it is none, once more with long words in lower case ("Watts", "Kelvin")."""
    for pattern, replacement in _WORDS:
        text = pattern.sub(replacement, text)
    try:
        return _registry().Unit(text or "dimensionless")
    except Exception:  # as above
        return _registry().Unit(_LONG_WORD.sub(lambda word: word[0].lower(), text))


def _meaning(unit: Any) -> _Unit:
    """Measure the straight line to root units; a unit without one (decibel) is a kind of its own."""
    zero, one, far = (_registry().Quantity(x, unit).to_root_units() for x in (0.0, 1.0, 256.0))
    factor = (far.magnitude - zero.magnitude) / 256.0
    if not math.isclose(one.magnitude - zero.magnitude, factor, rel_tol=1e-9):
        return _Unit(str(unit), 1.0, 0.0)
    kind = "" if zero.unitless else str(zero.units)
    return _Unit(kind, factor, zero.magnitude)


def same_units(given: str, expected: str) -> bool:
    """Whether two spellings mean the same unit (``"W/m2"`` and ``"W m-2"``)."""
    if given == expected:
        return True
    return convertible(given, expected) and _line(given, expected) == (1.0, 0.0)


@cache
def _line(given: str, expected: str) -> tuple[float, float]:
    """Return factor and offset of the straight line from one unit to another.

    Rounded to 15 digits, which brings products of powers of ten back to the decimal they stand for (3.6, not
    3.5999999999999996).
    """
    source, target = _parse(given), _parse(expected)
    factor, offset = source.factor / target.factor, (source.offset - target.offset) / target.factor
    return float(f"{factor:.15g}"), float(f"{offset:.15g}")


def convertible(given: str, expected: str) -> bool:
    """Whether one unit can be turned into the other."""
    return _parse(given).kind == _parse(expected).kind


def convert(data: xr.DataArray, units: str, *, difference: bool | None = None) -> xr.DataArray:
    """Return the data in other units, lazily.

    Parameters
    ----------
    data : xarray.DataArray
        Its ``units`` attribute says what it holds.
    units : str
        The units wanted.
    difference : bool, optional
        Whether the values are differences, such as uncertainties: 0.5 degC is then 0.5 K. By default the data tell
        by a name that ends in ``_uncertainty``, the modifier ``standard_error`` of a standard name, or CF-1.11's
        ``units_metadata`` ``"temperature: difference"``.

    Raises
    ------
    InputError
        If the data say no units, or the two are not of one dimension.
    """
    name = "The data" if data.name is None else repr(data.name)
    given = _text(data.attrs.get("units"))
    if given is None:
        raise InputError(f"{name} says no units, so it cannot be turned into {units}. Set data.attrs['units'] first.")
    if not convertible(given, units):
        raise InputError(f"{name} is in {given}, which cannot be turned into {units}: {_why_not(given, units)}.")
    factor, offset = _line(given, units)
    if _is_difference(data) if difference is None else difference:
        offset = 0.0
    if (factor, offset) == (1.0, 0.0):
        return data.assign_attrs(units=units)
    converted = data * factor + offset if offset else data * factor
    kept = {key: value for key, value in data.attrs.items() if key not in _STALE}
    converted.attrs = {**kept, "units": units}
    return converted


def _text(units: Any) -> str | None:
    """Return an attribute as text: files also hold bytes, and the number 1."""
    if units is None:
        return None
    return units.decode("utf-8", "replace") if isinstance(units, bytes) else str(units)


def _why_not(given: str, expected: str) -> str:
    kinds = _parse(given).kind, _parse(expected).kind
    if any("calendar_month" in kind for kind in kinds):
        return "a month has no fixed length, so use the days of each month"
    if any("count" in kind for kind in kinds):
        return "counts have no physical unit before calibration"
    return "the dimensions differ"


def _is_difference(data: xr.DataArray) -> bool:
    return (
        str(data.name).endswith("_uncertainty")
        or str(data.attrs.get("standard_name", "")).endswith(" standard_error")
        or str(data.attrs.get("units_metadata", "")) == "temperature: difference"
    )
