"""Expressions over gridded variables: ``(lai - mean(lai, 'time')) / std(lai, 'time')``, with units and uncertainty.

The text is Python's syntax, of which numbers, names, ``a.nir``, operators, comparisons and the functions of
:data:`FUNCTIONS` are taken; it is read as a tree and never run as Python.

*Units* are carried. Quantities are added, subtracted and compared where one unit can stand for the other (g and kg;
then in that of the first); all may be multiplied and divided, and the result has the unit that follows; logarithms and
powers take pure numbers. A plain number is a pure number: 273.15 beside kelvin is refused, ``unit(273.15, 'K')`` is
not. Where the result is to become a variable with a unit of its own, it is converted, or refused if it is of another
kind: a division of unlike units gives a unit, but not that of a leaf area index.

*Missing values* stay missing: a comparison with one is neither true nor false, and ``where`` of it is missing.

*Uncertainty* follows to first order from inputs that bring ``<name>_uncertainty``: errors of different variables, and
of different steps of one along a dimension that is reduced or moved along, count as independent; a variable that
occurs twice counts once. Other inputs are taken as exact.

*Grids and periods* must be the same; nothing is aligned or interpolated silently.
"""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.analysis import _expression_values as values
from musyq_lab.analysis._expression_data import SUFFIX, bare, hollow, looked_up, one_crs, unified
from musyq_lab.analysis._expression_functions import FUNCTIONS, Function
from musyq_lab.analysis._expression_syntax import clipped, names, number, parse
from musyq_lab.analysis._expression_units import ONE, Unit, unit, unscaled
from musyq_lab.analysis._expression_values import Value
from musyq_lab.core.attributes import CONVENTIONS, extend_history, history_line
from musyq_lab.core.errors import InputError, NotFoundError, closest

__all__ = ["CONSTANTS", "FUNCTIONS", "Checked", "Expression", "Function", "evaluate"]

CONSTANTS = {"nan": float("nan"), "pi": float(np.pi)}
"""Names that stand for numbers."""

Data = Mapping[str, "xr.DataArray | xr.Dataset"]


@dataclass(frozen=True)
class Checked:
    """What an expression would give, before anything is computed."""

    units: str
    """Of the result."""
    sizes: Mapping[str, int]
    """Dimension -> length."""
    truth: bool
    """Whether it is 1 and 0 for true and false."""
    uncertain: bool
    """Whether it comes with an uncertainty."""
    notes: tuple[str, ...]
    """What to know of the uncertainty."""


class Expression:
    """A checked expression.

    Parameters
    ----------
    text : str
        At most 2000 characters and 200 parts.

    Raises
    ------
    InputError
        If it cannot be read, holds what is not allowed, or names no data.
    """

    def __init__(self, text: str) -> None:
        self._tree = parse(text)
        self.text = " ".join(text.split())
        self.names = tuple(name for name in names(self._tree) if name not in CONSTANTS)
        _check_calls(self._tree)
        if not self.names:
            _Work({}, ()).value(self._tree)  # what is wrong with the numbers is told first
            raise InputError("The expression names no data. Write one such as lai - mean(lai, 'time').")

    def check(self, data: Data) -> Checked:
        """Return unit and shape of the result; nothing of the data is read or computed.

        Raises
        ------
        InputError, NotFoundError
            As :meth:`evaluate`.
        """
        found, work = self._run({name: hollow(item) for name, item in data.items()})
        return Checked(
            str(found.unit) if found.unit.text is not None else "",
            {str(dim): size for dim, size in found.data.sizes.items()},
            found.truth,
            bool(found.partials) and not found.lost,
            work.notes(found),
        )

    def evaluate(self, data: Data, *, name: str = "result", units: str | None = None, title: str = "") -> xr.Dataset:
        """Return the result, lazily where the data are.

        Parameters
        ----------
        data : mapping of str to DataArray or Dataset
            Name -> what it stands for; variables of a Dataset ``a`` are ``a.nir``. The variables of a lone Dataset can
            be given as they are: ``expression.evaluate(ds)``.
        name : str
            Name of the variable made.
        units : str, optional
            Unit it is to have; that which follows if not given.
        title : str
            Title of the Dataset; the expression if not given.

        Returns
        -------
        Dataset
            The variable, and ``<name>_uncertainty`` (one sigma) where any input has one.

        Raises
        ------
        NotFoundError
            If a name is unknown.
        InputError
            If units are unlike, or grids and periods are not the same.
        """
        found, work = self._run(data)
        if found.unit.text is None:
            found = replace(found, unit=ONE) if units is None else replace(found, unit=unit(units))
        if units is not None:
            found = _assigned(found, units, name)
        return _dressed(self, found, work, name, title)

    def _run(self, data: Data) -> tuple[Value, _Work]:
        work = _Work(unified(data), self.names)
        found = work.value(self._tree)
        if found.constant:
            raise InputError("The expression gives a number, not a map.")
        return found, work

    def __repr__(self) -> str:
        """Show the text."""
        return f"Expression({self.text!r})"


def evaluate(text: str, data: Data, **options: Any) -> xr.Dataset:
    """Return the result of an expression; see :meth:`Expression.evaluate`.

    Parameters
    ----------
    text : str
        The expression.
    data : mapping of str to DataArray or Dataset
        Name -> what it stands for.
    **options
        ``name=``, ``units=``, ``title=``.

    Examples
    --------
    >>> red = xr.DataArray([0.1], dims="x", attrs={"units": "1"})
    >>> nir = xr.DataArray([0.3], dims="x", attrs={"units": "1"})
    >>> float(evaluate("(nir - red) / (nir + red)", {"nir": nir, "red": red}).result[0])
    0.5
    """
    return Expression(text).evaluate(data, **options)


class _Work:
    """One evaluation: the data, and the independent sources of error found so far."""

    def __init__(self, data: Mapping[str, Any], wanted: tuple[str, ...]) -> None:
        self._data = data
        self._sigmas: dict[str, Any] = {}
        self._inputs = {name: self._input(name) for name in wanted}
        self._call = ""
        one_crs(data, wanted)

    def sigmas(self) -> Mapping[str, Any]:
        """Return one sigma of each source."""
        return self._sigmas

    def source(self, sigma: Any) -> dict[str, Any]:
        """Make the function at hand a source of its own: written twice, it is the same one."""
        self._sigmas[self._call] = sigma
        return {self._call: 1.0}

    def sigma(self, found: Value) -> xr.DataArray | None:
        """Return one sigma of a value, None where it is not known."""
        if not found.partials or found.lost:
            return None
        squares = [(part * self._sigmas[name]) ** 2 for name, part in found.partials.items()]
        total = functools.reduce(operator.add, squares)
        sigma: xr.DataArray = (total**0.5).where(found.data.notnull())
        return sigma

    def notes(self, found: Value) -> tuple[str, ...]:
        """Return what to know of the uncertainty."""
        if found.lost:
            return (f"no uncertainty: it does not pass through {', '.join(found.lost)}",)
        if not found.partials:
            return ()
        exact = [name for name, value in self._inputs.items() if not value.partials]
        told = "first order; errors of different variables and steps taken as independent"
        return (told, *([f"taken as exact: {', '.join(exact)}"] if exact else []))

    def value(self, node: ast.AST) -> Value:
        """Return the value of a part of the tree, which has been checked."""
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                raise InputError(f"The text {clipped(node.value)!r} stands where a number or data are needed.")
            return Value(number(node.value))  # type: ignore[arg-type]  # only numbers pass the check
        if isinstance(node, ast.Name) and node.id in CONSTANTS:
            return Value(CONSTANTS[node.id])
        if isinstance(node, ast.Name | ast.Attribute):
            return self._inputs[names(node)[0]]
        if isinstance(node, ast.Call):
            return self._called(node)
        if isinstance(node, ast.Compare):
            return self._compared(node)
        return self._operated(node)

    def _operated(self, node: Any) -> Value:
        if isinstance(node, ast.UnaryOp):
            return _UNARY[type(node.op)](self.value(node.operand))
        if isinstance(node, ast.BoolOp):
            parts = [self.value(part) for part in node.values]
            return functools.reduce(_BINARY[type(node.op)], parts)
        return _BINARY[type(node.op)](self.value(node.left), self.value(node.right))

    def _compared(self, node: ast.Compare) -> Value:
        sides = [self.value(node.left), *(self.value(part) for part in node.comparators)]
        found = [
            values.compare(left, right, type(op).__name__)
            for op, left, right in zip(node.ops, sides, sides[1:], strict=False)
        ]
        return functools.reduce(values.both, found)

    def _called(self, node: ast.Call) -> Value:
        assert isinstance(node.func, ast.Name)
        arguments = [_text(part) if _is_text(part) else self.value(part) for part in node.args]
        function = FUNCTIONS[node.func.id]
        _check_arguments(function, arguments)
        self._call = ast.dump(node)
        return function.call(self, *arguments)

    def _input(self, name: str) -> Value:
        array, sigma = looked_up(self._data, name)
        if array.dtype.kind not in "fiub":
            raise InputError(f"{name} holds no numbers ({array.dtype}), so that nothing can be computed from it.")
        told = array.attrs.get("units")
        codes = {"flag_values", "flag_masks"} & set(array.attrs) or array.dtype.kind == "b"
        given = Unit("1") if told is None and codes else unit(None if told is None else str(told))
        value = Value(bare(array), given, label=name)
        if sigma is not None:
            self._sigmas[name] = bare(sigma)
            value = replace(value, partials={name: 1.0})
        return values.converted(value, unscaled(given)) if given.text is not None else value


_UNARY: dict[type[ast.AST], Callable[[Value], Value]] = {
    ast.USub: lambda value: values.multiply(value, Value(-1.0)),
    ast.UAdd: lambda value: value,
    ast.Not: values.negated,
    ast.Invert: values.negated,
}
_BINARY: dict[type[ast.AST], Callable[[Value, Value], Value]] = {
    ast.Add: values.add,
    ast.Sub: lambda first, second: values.add(first, second, -1),
    ast.Mult: values.multiply,
    ast.Div: values.divide,
    ast.Pow: values.raised,
    ast.BitAnd: values.both,
    ast.BitOr: values.either,
    ast.And: values.both,
    ast.Or: values.either,
}


def _check_calls(tree: ast.expr) -> None:
    """Refuse functions that there are not, and wrong numbers of arguments, before data are asked for."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        if name not in FUNCTIONS:
            raise NotFoundError(f"There is no function {clipped(name)!r}.{closest(clipped(name), FUNCTIONS)}")
        function = FUNCTIONS[name]
        if not function.least <= len(node.args) <= function.most:
            raise InputError(f"{name} is written {function.signature}, got {len(node.args)} arguments.")


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _text(node: Any) -> str:
    return str(node.value)


_TEXTS = {"unit": (1,), "value": (1,), "to": (1,), "at": (1, 2), "shift": (2,), "quantile": (2,)}
_FREE = ("mean", "sum", "std", "var", "min", "max", "count", "median", "anomaly")


def _check_arguments(function: Function, arguments: list[Any]) -> None:
    """Refuse a text where a value is needed, and the other way round (a label may be either)."""
    name = function.signature.partition("(")[0]
    for place, given in enumerate(arguments):
        text = place > 0 if name in _FREE else place in _TEXTS.get(name, ())
        if isinstance(given, str) != text and (name, place) != ("at", 2):
            raise InputError(f"{name} is written {function.signature}: argument {place + 1} is to be {_kind(text)}.")


def _kind(text: bool) -> str:
    return "a text in quotes" if text else "a number or data"


def _assigned(found: Value, units: str, name: str) -> Value:
    wanted = unit(units)
    try:
        return values.converted(found, wanted)
    except InputError:
        raise InputError(
            f"The expression gives {found.unit}, but {name} is in {units}, which is of another kind. Change the "
            f"expression, or leave out the unit of {name}."
        ) from None


def _dressed(expression: Expression, found: Value, work: _Work, name: str, title: str) -> xr.Dataset:
    """Return the Dataset with CF attributes and history."""
    attributes: dict[str, Any] = {"long_name": expression.text, "units": found.unit.text}
    if found.truth:
        attributes |= {"flag_values": np.array([0, 1], np.float32), "flag_meanings": "false true"}
    else:
        attributes["coverage_content_type"] = "physicalMeasurement"
    made = {name: found.data.rename(name).assign_attrs(attributes)}
    sigma = work.sigma(found)
    if sigma is not None:
        sigma_attributes = {
            "long_name": f"one standard uncertainty of {expression.text}",
            "units": found.unit.text,
            "coverage_content_type": "qualityInformation",
        }
        made[f"{name}{SUFFIX}"] = sigma.rename(f"{name}{SUFFIX}").assign_attrs(sigma_attributes)
        made[name].attrs["ancillary_variables"] = f"{name}{SUFFIX}"
    if notes := work.notes(found):
        made[name].attrs["uncertainty_comment"] = "; ".join(notes)
    line = history_line("expression", {"text": expression.text, "name": name})
    return xr.Dataset(
        made,
        attrs={
            "Conventions": CONVENTIONS,
            "title": title or expression.text,
            "summary": f"Computed as {expression.text}.",
            "history": extend_history("", line),
        },
    )
