"""Units: comparing, converting and refusing them, in one place (pint does the arithmetic)."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from musyq_lab.core.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

# "m-2" is UDUNITS for m**-2; pint would read a subtraction. A digit that follows a letter is an exponent.
_EXPONENT = re.compile(r"(?<=[A-Za-z])(?<!\d[eE])(?=[+-]?\d)")
_SPELLINGS = {"degrees_north": "degree", "degrees_east": "degree", "%": "percent", "": "1"}


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(preprocessors=[lambda text: _EXPONENT.sub("**", text)], autoconvert_offset_to_baseunit=True)


@cache
def _parse(units: str) -> Any:
    text = _SPELLINGS.get(units.strip(), units.strip())
    try:
        return _registry().Quantity(1, _registry().Unit("dimensionless" if text == "1" else text))
    except Exception as error:  # pint raises half a dozen unrelated types on a bad string
        raise InputError(f"{units!r} is not a unit. Write it as UDUNITS does, such as 'W m-2', 'K' or '1'.") from error


def same_units(given: str, expected: str) -> bool:
    """Whether two spellings mean the same unit (``"W/m2"`` and ``"W m-2"``)."""
    if given == expected:
        return True
    left, right = _parse(given).units, _parse(expected).units
    if left == right:
        return True
    return bool(left.dimensionality == right.dimensionality and _line(given, expected) == (1.0, 0.0))


@cache
def _line(given: str, expected: str) -> tuple[float, float]:
    """Return factor and offset of the straight line from one unit to another."""
    registry = _registry()
    source, target = _parse(given).units, _parse(expected).units
    zero, one = (registry.Quantity(x, source).to(target).magnitude for x in (0.0, 1.0))
    return one - zero, zero


def convertible(given: str, expected: str) -> bool:
    """Whether one unit can be turned into the other."""
    return bool(_parse(given).units.dimensionality == _parse(expected).units.dimensionality)


def convert(data: xr.DataArray, units: str) -> xr.DataArray:
    """Return the data in other units, lazily.

    Parameters
    ----------
    data : xarray.DataArray
        Its ``units`` attribute says what it holds.
    units : str
        The units wanted.

    Raises
    ------
    InputError
        If the data say no units, or the two are not of one dimension.
    """
    given = data.attrs.get("units")
    if given is None:
        raise InputError(
            f"{data.name!r} says no units, so it cannot be turned into {units}. Set data.attrs['units'] first."
        )
    if not convertible(given, units):
        raise InputError(f"{data.name!r} is in {given}, which cannot be turned into {units}: the dimensions differ.")
    if same_units(given, units):
        return data.assign_attrs(units=units)
    factor, offset = _line(given, units)
    converted = data * factor + offset if offset else data * factor
    return converted.assign_attrs({**data.attrs, "units": units})
