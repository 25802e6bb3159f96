"""Values of an expression: data with a unit, and with how they follow from each uncertain input.

A value knows its derivative by each independent source of error, so that ``a - a`` is certain and the normalised
difference of two bands is not taken for the quotient of two unrelated numbers. Truth is 1, 0, or NaN where it is not
known: a comparison with a missing value is no "false".
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.analysis._expression_units import ONE, Unit, line, power, product
from musyq_lab.core.errors import InputError


@dataclass(frozen=True)
class Value:
    """A number or a field within an expression."""

    data: Any
    """DataArray without attributes, or a float."""
    unit: Unit = ONE
    """Of the data; that of truth is 1."""
    partials: Mapping[str, Any] = field(default_factory=dict)
    """Source of error -> derivative of the data by it (DataArray or float)."""
    truth: bool = False
    """Whether it is 1, 0 or NaN for true, false and unknown."""
    label: str = ""
    """How messages call it."""
    lost: tuple[str, ...] = ()
    """Functions through which uncertainty was not carried."""

    @property
    def constant(self) -> bool:
        """Whether it is a plain number."""
        return not isinstance(self.data, xr.DataArray)

    @property
    def said(self) -> str:
        """What it is and in which unit, for messages."""
        what = f"{self.data:g}" if self.constant and not self.label else self.label or "a part"
        return f"{what} ({self.unit})" if self.unit.text != "1" else f"{what} (a pure number)"


def number_of(value: Value) -> Value:
    """Return a value as a number without dimension: per cent become fractions.

    Raises
    ------
    InputError
        If it has a unit.
    """
    if not value.unit.pure:
        raise InputError(
            f"{value.said} is no pure number. Divide it by a quantity of its unit, or write "
            f"value(x, '{value.unit}') for the number in that unit."
        )
    return converted(value, ONE)


def converted(value: Value, unit: Unit) -> Value:
    """Return a value in another unit of its kind."""
    found = line(value.unit, unit)
    if found is None:
        raise InputError(f"{value.said} cannot be turned into {unit}: the dimensions differ.")
    factor, offset = found
    if found == (1.0, 0.0):
        return replace(value, unit=unit)
    data = value.data * factor + offset if offset else value.data * factor
    return replace(value, data=data, unit=unit, partials=scaled(value.partials, factor))


def scaled(partials: Mapping[str, Any], factor: Any) -> dict[str, Any]:
    """Return the derivatives times something."""
    return {name: part * factor for name, part in partials.items()}


def summed(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sum of derivatives."""
    found: dict[str, Any] = {}
    for partials in parts:
        for name, part in partials.items():
            found[name] = found[name] + part if name in found else part
    return found


def kept(*values: Value) -> tuple[str, ...]:
    """Return the functions through which any of the values lost its uncertainty."""
    return tuple(dict.fromkeys(name for value in values for name in value.lost))


def like_units(first: Value, second: Value, verb: str) -> tuple[Value, Value]:
    """Return two values in the unit of the first that is a quantity.

    Raises
    ------
    InputError
        If neither unit can stand for the other; a bare 0 or nan goes with any unit whose zero is nothing.
    """
    for free, other in ((first, second), (second, first)):
        if _free(free, other):
            return (replace(first, unit=other.unit), replace(second, unit=other.unit))
    if line(second.unit, first.unit) is None:
        hint = _hint(first, second) or _hint(second, first) or "Bring both to one unit first."
        raise InputError(f"{first.said} and {second.said} cannot be {verb}: the units are unlike. {hint}")
    return first, converted(second, first.unit)


def _free(value: Value, other: Value) -> bool:
    if not value.constant or value.unit != ONE:
        return False
    return bool(np.isnan(value.data)) or (value.data == 0 and other.unit.text is not None and not other.unit.shifted)


def _hint(value: Value, other: Value) -> str:
    if value.constant and value.unit == ONE and other.unit.text is not None:
        return f"Write unit({value.data:g}, '{other.unit}') if that is meant."
    return ""


def same_axes(*values: Value) -> None:
    """Refuse fields whose shared dimensions have other labels: nothing is aligned silently."""
    fields = [value for value in values if not value.constant]
    for first, second in itertools.pairwise(fields):
        for dim in set(first.data.dims) & set(second.data.dims):
            _same_axis(str(dim), first, second)


def _same_axis(dim: str, first: Value, second: Value) -> None:
    sizes = first.data.sizes[dim], second.data.sizes[dim]
    indexes = first.data.indexes.get(dim), second.data.indexes.get(dim)
    same = sizes[0] == sizes[1] and _equal(*indexes)
    if not same:
        what = "periods" if dim in ("time", "month", "year", "period") else "grids"
        advice = (
            f"Choose the same periods of both, or reduce one first: mean(x, '{dim}'), at(x, '{dim}', label)"
            if what == "periods"
            else "Bring both to one grid first, such as b.interp_like(a) in a notebook, or choose the same edition"
        )
        raise InputError(
            f"{first.label or 'One part'} and {second.label or 'another part'} lie on different {what}: along {dim} "
            f"{_span(first.data, dim)} and {_span(second.data, dim)}. {advice}."
        )


def _equal(first: Any, second: Any) -> bool:
    return first is None or second is None or bool(first.equals(second))


def _span(data: xr.DataArray, dim: str) -> str:
    count = data.sizes[dim]
    index = data.indexes.get(dim)
    if index is None or not count:
        return f"{count} steps"
    ends = [str(end)[:10] if dim == "time" else f"{end:.6g}" if np.isreal(end) else str(end) for end in index[[0, -1]]]
    return f"{ends[0]} to {ends[1]} in {count} steps"


def add(first: Value, second: Value, sign: int = 1) -> Value:
    """Return a sum or difference; that of two temperatures in degC is one in K."""
    if first.unit.shifted or second.unit.shifted:
        first, second = _temperatures(first, second, sign)
    first, second = like_units(first, second, "added" if sign > 0 else "subtracted")
    same_axes(first, second)
    data = first.data + second.data if sign > 0 else first.data - second.data
    partials = summed(first.partials, scaled(second.partials, sign))
    return Value(data, first.unit, partials, lost=kept(first, second))


def _temperatures(first: Value, second: Value, sign: int) -> tuple[Value, Value]:
    kelvin = Unit("K")
    both = all(line(value.unit, kelvin) for value in (first, second) if value.unit.text is not None)
    if both and sign < 0:
        return converted(first, kelvin), converted(second, kelvin)
    if both:
        raise InputError(
            f"{first.said} and {second.said} cannot be added: the sum of two temperatures is none. Write to(x, 'K')."
        )
    return first, second


def multiply(first: Value, second: Value) -> Value:
    """Return a product with the product of the units."""
    unit, factor = product(_stated(first).unit, _stated(second).unit)
    same_axes(first, second)
    data = first.data * second.data
    partials = summed(scaled(first.partials, second.data), scaled(second.partials, first.data))
    return _rescaled(Value(data, unit, partials, lost=kept(first, second)), factor)


def divide(first: Value, second: Value) -> Value:
    """Return a quotient with the quotient of the units; by zero it is NaN."""
    unit, factor = product(_stated(first).unit, _stated(second).unit, over=True)
    same_axes(first, second)
    if second.constant and second.data == 0:
        raise InputError("The expression divides by 0.")
    below = second.data if second.constant else second.data.where(second.data != 0)
    data = first.data / below
    partials = summed(scaled(first.partials, 1 / below), scaled(second.partials, -data / below))
    return _rescaled(Value(data, unit, partials, lost=kept(first, second)), factor)


def _rescaled(value: Value, factor: float) -> Value:
    if factor == 1.0:
        return value
    return replace(value, data=value.data * factor, partials=scaled(value.partials, factor))


def _stated(value: Value) -> Value:
    if value.unit.text is None:
        raise InputError(f"{value.label or 'A variable'} says no units. Say them: unit({value.label or 'x'}, 'W m-2').")
    return value


MOST_EXPONENT = 100.0


def raised(base: Value, exponent: Value) -> Value:
    """Return a power; a quantity with a unit may only be raised to a plain number."""
    exponent = number_of(exponent)
    if exponent.constant and not abs(exponent.data) <= MOST_EXPONENT:
        raise InputError(f"The exponent {exponent.data:g} is beyond {MOST_EXPONENT:g}.")
    if base.constant and exponent.constant:
        return _constant_power(base, exponent)
    if not exponent.constant:
        return _field_power(number_of(base), exponent)
    unit, factor = power(_stated(base).unit, exponent.data)
    data = base.data**exponent.data
    slope = exponent.data * base.data ** (exponent.data - 1)
    return _rescaled(Value(data, unit, scaled(base.partials, slope), lost=base.lost), factor)


def _constant_power(base: Value, exponent: Value) -> Value:
    unit, factor = power(base.unit, exponent.data)
    try:
        found = base.data**exponent.data * factor
    except (OverflowError, ZeroDivisionError):
        raise InputError(f"{base.data:g} ** {exponent.data:g} is no number that can be used.") from None
    if isinstance(found, complex):
        raise InputError(f"{base.data:g} ** {exponent.data:g} is no real number.")
    return Value(found, unit)


def _field_power(base: Value, exponent: Value) -> Value:
    same_axes(base, exponent)
    data = base.data**exponent.data
    slope = exponent.data * base.data ** (exponent.data - 1)
    partials = scaled(base.partials, slope)
    if exponent.partials:
        rise = data * np.log(base.data)
        partials = summed(partials, scaled(exponent.partials, rise))
    return Value(data, ONE, partials, lost=kept(base, exponent))


def _where(condition: Any, first: Any, second: Any) -> Any:
    return xr.where(condition, first, second)  # type: ignore[no-untyped-call]


COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "Lt": operator.lt, "LtE": operator.le, "Gt": operator.gt, "GtE": operator.ge, "Eq": operator.eq,
    "NotEq": operator.ne,
}  # fmt: skip


def compare(first: Value, second: Value, name: str) -> Value:
    """Return 1, 0, or NaN where one of the two is missing."""
    first, second = like_units(first, second, "compared")
    same_axes(first, second)
    found = COMPARISONS[name](first.data, second.data)
    return Value(_known(found, first.data, second.data), truth=True)


def _known(found: Any, *data: Any) -> Any:
    """Turn truth into 1 and 0, and into NaN where the data are missing."""
    made = found.astype(np.float32) if isinstance(found, xr.DataArray) else float(found)
    for part in data:
        if isinstance(part, xr.DataArray) and part.dtype.kind == "f":
            made = made.where(part.notnull()) if isinstance(made, xr.DataArray) else made
        elif not isinstance(part, xr.DataArray) and np.isnan(part):
            made = made * np.nan
    return made


def truths(*values: Value) -> None:
    """Refuse numbers where truth is needed."""
    for value in values:
        if not value.truth:
            raise InputError(f"{value.said} is a number where a condition is needed, such as {value.label or 'x'} > 0.")


def both(first: Value, second: Value) -> Value:
    """Return whether both hold: false where one does not, unknown only where it depends on what is missing."""
    truths(first, second)
    same_axes(first, second)
    least = first.data * second.data
    return Value(_where((first.data == 0) | (second.data == 0), 0.0, least), truth=True)


def negated(value: Value) -> Value:
    """Return whether it does not hold."""
    truths(value)
    return Value(1.0 - value.data, truth=True)


def either(first: Value, second: Value) -> Value:
    """Return whether one of the two holds."""
    return negated(both(negated(first), negated(second)))


def chosen(condition: Value, first: Value, second: Value) -> Value:
    """Return the first where the condition holds, the second where it does not, NaN where that is not known."""
    truths(condition)
    first, second = like_units(first, second, "alternatives")
    same_axes(condition, first, second)
    same_axes(condition, second)
    if condition.constant:
        raise InputError("The condition of where(condition, a, b) names no data.")
    holds, known = condition.data == 1, condition.data.notnull()
    data = _where(holds, first.data, second.data).where(known)
    names = {**first.partials, **second.partials}
    partials = {n: _where(holds, first.partials.get(n, 0.0), second.partials.get(n, 0.0)) for n in names}
    return Value(data, first.unit, partials, truth=first.truth and second.truth, lost=kept(first, second))
