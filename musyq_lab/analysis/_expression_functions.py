"""The functions of expressions: a table, in which each has a signature, a sentence and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import xarray as xr

from musyq_lab.analysis import _expression_values as values
from musyq_lab.analysis._expression_units import ONE, RADIAN, Unit, power, unit
from musyq_lab.analysis._expression_values import Value, kept, number_of, scaled
from musyq_lab.analysis.anomaly import anomaly
from musyq_lab.core.errors import InputError, closest


class Errors(Protocol):
    """The independent sources of error of an expression."""

    def sigmas(self) -> Mapping[str, Any]:
        """Return one sigma of each source."""

    def source(self, sigma: Any) -> dict[str, Any]:
        """Make the function at hand a source of its own, and return the derivative by it."""


@dataclass(frozen=True)
class Function:
    """What can be called in an expression."""

    signature: str
    """As it is written."""
    summary: str
    """What it gives, in a sentence."""
    call: Callable[..., Value]
    """Takes the sources of error and the arguments (values and texts)."""
    least: int
    """Fewest arguments."""
    most: int
    """Most arguments."""


FUNCTIONS: dict[str, Function] = {}
"""Name -> function."""
_Call = Callable[..., Value]


def _named(signature: str, summary: str, least: int, most: int | None = None) -> Callable[[_Call], _Call]:
    def add(call: _Call) -> _Call:
        name = signature.partition("(")[0]
        FUNCTIONS[name] = Function(signature, summary, call, least, least if most is None else most)
        return call

    return add


def _smooth(name: str, summary: str, function: Any, slope: Callable[[Any, Any], Any], *, angle: str = "") -> None:
    """Enter a function of a pure number or an angle by its derivative, of x and of its own value."""

    def call(_: Errors, value: Value) -> Value:
        given = _angle(value) if angle == "in" else number_of(value)
        if given.constant:
            with np.errstate(all="ignore"):
                return Value(float(function(given.data)), RADIAN if angle == "out" else ONE)
        made = function(given.data)
        partials = scaled(given.partials, slope(given.data, made)) if given.partials else {}
        return Value(made, RADIAN if angle == "out" else ONE, partials, lost=given.lost)

    _named(f"{name}(x)", summary, 1)(call)


def _angle(value: Value) -> Value:
    if value.unit.pure:
        return number_of(value)
    try:
        return values.converted(value, RADIAN)
    except InputError:
        raise InputError(f"{value.said} is no angle.") from None


_smooth("exp", "e to the x.", np.exp, lambda x, y: y)
_smooth("log", "Natural logarithm of a pure number.", np.log, lambda x, y: 1 / x)
_smooth("log10", "Decimal logarithm of a pure number.", np.log10, lambda x, y: 1 / (x * np.log(10)))
_smooth("tanh", "Hyperbolic tangent.", np.tanh, lambda x, y: 1 - y**2)
_smooth("sin", "Sine of an angle.", np.sin, lambda x, y: np.cos(x), angle="in")
_smooth("cos", "Cosine of an angle.", np.cos, lambda x, y: -np.sin(x), angle="in")
_smooth("tan", "Tangent of an angle.", np.tan, lambda x, y: 1 + y**2, angle="in")
_smooth("arcsin", "Angle (radian) of a sine.", np.arcsin, lambda x, y: 1 / np.sqrt(1 - x**2), angle="out")
_smooth("arccos", "Angle (radian) of a cosine.", np.arccos, lambda x, y: -1 / np.sqrt(1 - x**2), angle="out")
_smooth("arctan", "Angle (radian) of a tangent.", np.arctan, lambda x, y: 1 / (1 + x**2), angle="out")


@_named("sqrt(x)", "Square root; of m2 it is in m.", 1)
def _sqrt(_: Errors, value: Value) -> Value:
    return values.raised(value, Value(0.5))


@_named("abs(x)", "Magnitude.", 1)
def _abs(_: Errors, value: Value) -> Value:
    if value.constant:
        return replace(value, data=abs(value.data), label="")
    return replace(value, data=abs(value.data), partials=scaled(value.partials, np.sign(value.data)), label="")


@_named("where(condition, a, b)", "a where the condition holds, else b; NaN where it is not known.", 3)
def _where(_: Errors, condition: Value, first: Value, second: Value) -> Value:
    return values.chosen(condition, first, second)


@_named("minimum(a, b)", "The smaller of two, pixel by pixel.", 2)
def _minimum(errors: Errors, first: Value, second: Value) -> Value:
    return _extreme(errors, first, second, "LtE")


@_named("maximum(a, b)", "The larger of two, pixel by pixel.", 2)
def _maximum(errors: Errors, first: Value, second: Value) -> Value:
    return _extreme(errors, first, second, "GtE")


def _extreme(_: Errors, first: Value, second: Value, name: str) -> Value:
    if first.constant and second.constant:
        raise InputError("minimum and maximum need data in one of their arguments.")
    return values.chosen(values.compare(first, second, name), first, second)


@_named("clip(x, low, high)", "x kept between two limits.", 3)
def _clip(errors: Errors, value: Value, low: Value, high: Value) -> Value:
    return _minimum(errors, _maximum(errors, value, low), high)


@_named("isnan(x)", "Whether a value is missing.", 1)
def _isnan(_: Errors, value: Value) -> Value:
    if value.constant:
        return Value(float(np.isnan(value.data)), truth=True)
    return Value(value.data.isnull().astype(np.float32), truth=True)


@_named("bit(qa, number)", "Whether a bit of a quality layer is set; bits count from 0.", 2)
def _bit(_: Errors, value: Value, number: Value) -> Value:
    at = _whole(number, "bit", 0, 31)
    if value.constant or value.unit.text not in ("1", None):
        raise InputError(f"bit(qa, {at}) needs a layer of quality bits, got {value.said}.")
    data = value.data
    known = data.notnull()
    whole = data.where(known, 0).astype(np.int64) if data.dtype.kind == "f" else data.astype(np.int64)
    found = ((whole >> at) & 1).astype(np.float32)
    return Value(found.where(known) if data.dtype.kind == "f" else found, truth=True)


@_named("unit(x, 'W m-2')", "A plain number, or data that say no units, as a quantity in a unit.", 2)
def _unit(_: Errors, value: Value, text: str) -> Value:
    wanted = unit(text)
    if value.unit.text is not None and not (value.unit == ONE):
        raise InputError(f"{value.said} has a unit already. Write to(x, '{text}') to convert it.")
    return replace(value, unit=wanted, label="")


@_named("value(x, 'W m-2')", "The pure number of a quantity in a unit.", 2)
def _value(_: Errors, value: Value, text: str) -> Value:
    return replace(values.converted(value, unit(text)), unit=ONE, label="")


@_named("to(x, 'K')", "A quantity in another unit.", 2)
def _to(_: Errors, value: Value, text: str) -> Value:
    return replace(values.converted(value, unit(text)), label=value.label)


def _field(value: Value, name: str) -> xr.DataArray:
    if value.constant:
        raise InputError(f"{name}(x, ...) needs data, got the number {value.data:g}.")
    found: xr.DataArray = value.data
    return found


def _dims(value: Value, name: str, dims: tuple[str, ...]) -> list[str]:
    data = _field(value, name)
    for dim in dims:
        if not isinstance(dim, str) or dim not in data.dims:
            hint = closest(str(dim), map(str, data.dims)) if isinstance(dim, str) else ""
            raise InputError(
                f"{name}(...) takes the name of a dimension in quotes; {value.label or 'x'} has "
                f"{', '.join(map(str, data.dims)) or 'none'}, not {dim if isinstance(dim, str) else 'a number'}.{hint}"
            )
    if "latitude" in dims and name in _WEIGHTED:
        raise InputError(
            f"{name}(x, 'latitude') would weigh cells of unequal area alike. Use zonal statistics for regions."
        )
    return list(dict.fromkeys(dims))


_WEIGHTED = ("mean", "sum", "std", "var", "median", "quantile")


def _linear(errors: Errors, value: Value, weights: Any, dims: list[str]) -> dict[str, Any]:
    """Return the derivatives of a sum along dimensions with given weights.

    An error that all steps share is summed as it is; errors of single steps are independent and add in squares, which
    makes the sum a source of its own.
    """
    shared: dict[str, Any] = {}
    squares: Any = None
    for name, part in value.partials.items():
        sigma = errors.sigmas()[name]
        own = [d for d in dims if d in sigma.dims]
        term = weights * part
        total = term.sum([d for d in dims if d not in own]) if set(dims) - set(own) else term
        if not own:
            shared[name] = total
            continue
        square = ((total * sigma) ** 2).sum(own)
        squares = square if squares is None else squares + square
    return shared if squares is None else {**shared, **errors.source(np.sqrt(squares))}


@_named("mean(x, 'time', ...)", "Mean along dimensions; missing values are left out.", 2, 6)
def _mean(errors: Errors, value: Value, *dims: str) -> Value:
    along = _dims(value, "mean", dims)
    present = value.data.notnull()
    weights = present / present.sum(along)
    return Value(value.data.mean(along), value.unit, _linear(errors, value, weights, along), lost=value.lost)


@_named("sum(x, 'time', ...)", "Sum along dimensions; missing values are left out.", 2, 6)
def _sum(errors: Errors, value: Value, *dims: str) -> Value:
    along = _dims(value, "sum", dims)
    if value.unit.shifted:
        raise InputError(f"{value.said}: temperatures of this scale cannot be summed. Write to(x, 'K').")
    partials = _linear(errors, value, value.data.notnull().astype(np.float32), along)
    return Value(value.data.sum(along, min_count=1), value.unit, partials, lost=value.lost)


@_named("std(x, 'time', ...)", "Standard deviation along dimensions (n - 1).", 2, 6)
def _std(errors: Errors, value: Value, *dims: str) -> Value:
    along = _dims(value, "std", dims)
    value = _differences(value)
    spread = value.data.std(along, ddof=1)
    slopes = _deviations(value, along) / spread.where(spread > 0)
    return Value(spread, value.unit, _linear(errors, value, slopes, along), lost=value.lost)


@_named("var(x, 'time', ...)", "Variance along dimensions (n - 1).", 2, 6)
def _var(errors: Errors, value: Value, *dims: str) -> Value:
    along = _dims(value, "var", dims)
    value = _differences(value)
    squared, factor = power(value.unit, 2)
    partials = _linear(errors, value, 2 * factor * _deviations(value, along), along)
    return Value(factor * value.data.var(along, ddof=1), squared, partials, lost=value.lost)


def _deviations(value: Value, dims: list[str]) -> Any:
    count = value.data.notnull().sum(dims)
    return (value.data - value.data.mean(dims)) / (count - 1).where(count > 1)


def _differences(value: Value) -> Value:
    """Return temperatures in K: their spread has no zero of its own."""
    return values.converted(value, Unit("K")) if value.unit.shifted else value


def _lossy(value: Value, data: Any, name: str, made: Unit | None = None) -> Value:
    """Return a value whose uncertainty is not known any more."""
    return Value(data, made or value.unit, lost=(*value.lost, name) if value.partials else value.lost)


@_named("min(x, 'time', ...)", "Smallest value along dimensions.", 2, 6)
def _min(_: Errors, value: Value, *dims: str) -> Value:
    return _lossy(value, _field(value, "min").min(_dims(value, "min", dims)), "min")


@_named("max(x, 'time', ...)", "Largest value along dimensions.", 2, 6)
def _max(_: Errors, value: Value, *dims: str) -> Value:
    return _lossy(value, _field(value, "max").max(_dims(value, "max", dims)), "max")


@_named("count(x, 'time', ...)", "Number of values that are there along dimensions.", 2, 6)
def _count(_: Errors, value: Value, *dims: str) -> Value:
    counted = _field(value, "count").notnull().sum(_dims(value, "count", dims)).astype(np.float32)
    return Value(counted, ONE)


@_named("median(x, 'time')", "Median along a dimension.", 2)
def _median(errors: Errors, value: Value, dim: str) -> Value:
    return _quantile(errors, value, Value(0.5), dim, name="median")


@_named("quantile(x, 0.9, 'time')", "Quantile along a dimension.", 3)
def _quantile(_: Errors, value: Value, share: Value, dim: str, name: str = "quantile") -> Value:
    along = _dims(value, name, (dim,))
    at = number_of(share)
    if not (at.constant and 0 <= at.data <= 1):
        raise InputError("quantile(x, share, 'time') needs a share between 0 and 1, such as 0.9.")
    whole = value.data.chunk({along[0]: -1}) if value.data.chunks else value.data
    return _lossy(value, whole.quantile(at.data, along, skipna=True).drop_vars("quantile"), name)


@_named("anomaly(x, 'time')", "Difference from the mean of all years of the same calendar month.", 2)
def _anomaly(_: Errors, value: Value, dim: str) -> Value:
    value = _differences(value)
    found = anomaly(value.data, _dims(value, "anomaly", (dim,))[0]).drop_vars("month", errors="ignore")
    found.attrs = {}
    return _lossy(value, found, "anomaly")


@_named("at(x, 'month', 7)", "One step of a dimension, by its label.", 3)
def _at(errors: Errors, value: Value, dim: str, label: Any) -> Value:
    along = _dims(value, "at", (dim,))[0]
    wanted = label.data if isinstance(label, Value) and label.constant else label
    if isinstance(wanted, Value):
        raise InputError(f"at(x, '{along}', label) needs a label, not data.")

    def pick(data: Any) -> Any:
        return data.sel({along: wanted}, drop=True) if along in getattr(data, "dims", ()) else data

    try:
        found = pick(value.data)
    except (KeyError, ValueError, TypeError):
        steps = f"It goes {values._span(value.data, along)}."
        raise InputError(f"There is no {along} {wanted!s} in {value.label or 'x'}. {steps}") from None
    if along in found.dims:
        raise InputError(f"at(x, '{along}', '{wanted}') fits {found.sizes[along]} steps. Give the whole date.")
    return _moved(errors, value, found, pick, along)


@_named("shift(x, 1, 'time')", "The value some steps before, along a dimension.", 3)
def _shift(errors: Errors, value: Value, steps: Value, dim: str) -> Value:
    along = _dims(value, "shift", (dim,))[0]
    by = _whole(steps, "shift", -100_000, 100_000)

    def move(data: Any) -> Any:
        return data.shift({along: by}) if along in getattr(data, "dims", ()) else data

    return _moved(errors, value, move(value.data), move, along)


def _moved(errors: Errors, value: Value, data: Any, move: Callable[[Any], Any], dim: str) -> Value:
    """Return moved data: the errors of another step are independent of those of this one."""
    shared: dict[str, Any] = {}
    squares: Any = None
    for name, part in value.partials.items():
        sigma = errors.sigmas()[name]
        if dim not in sigma.dims:
            shared[name] = move(part)
            continue
        square = move((part * sigma) ** 2)
        squares = square if squares is None else squares + square
    partials = shared if squares is None else {**shared, **errors.source(np.sqrt(squares))}
    return Value(data, value.unit, partials, truth=value.truth, lost=kept(value))


def _whole(value: Any, name: str, low: int, high: int) -> int:
    data = value.data if isinstance(value, Value) and value.constant else None
    if data is None or not float(data).is_integer() or not low <= data <= high:
        raise InputError(f"{name}(...) needs a whole number from {low} to {high}.")
    return int(data)
