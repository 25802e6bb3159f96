"""The arithmetic of a retrieval on one block of numpy arrays: masking, values, quality bits, uncertainty.

Everything here is pure and picklable, so that it runs the same in this process, in a thread and on a dask worker.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import MusyqError
from musyq_lab.core.quality import (
    CAUSE_DTYPE,
    INPUT_MISSING,
    INPUT_OUT_OF_RANGE,
    NOT_DEFINED,
    OUTPUT_OUT_OF_RANGE,
    QA_DTYPE,
    add_flag,
)
from musyq_lab.core.spec import Input, Method, Product, Variable

Array = NDArray[Any]
Body = Callable[..., Any]

_ANY = Method("")


class Fault(NamedTuple):
    """Where an input cannot be used."""

    missing: Any
    """It is not there."""
    outside: Any
    """It is not within the values that are used."""


@dataclass(frozen=True)
class Block:
    """One retrieval, ready to be applied to blocks of its inputs."""

    spec: Product
    """The product."""
    body: Body
    """Its function: arrays by name in, values out."""
    inputs: tuple[Input, ...]
    """Inputs in the order in which their arrays arrive."""
    variables: tuple[Variable, ...]
    """Variables wanted, in order."""
    sigmas: tuple[str, ...] = ()
    """Names of the inputs whose one-sigma arrays follow the inputs."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further keyword arguments of the body."""
    method: Method = _ANY
    """The method chosen."""
    quality: Callable[..., Mapping[str, Array]] | None = None
    """Sets the product's own bits: inputs, options and ``values`` in, where each flag holds out."""
    uncertainty: Callable[..., Any] | None = None
    """One sigma of each wanted variable, in place of the central differences."""
    years: tuple[int, ...] = ()
    """For yearly support: the calendar year of each value along the last axis of the results ..."""
    in_year: Any = None
    """... and which samples of the series lie in it, shape (time, year)."""

    def values(self, *arrays: Array) -> tuple[Array, ...]:
        """Return the wanted variables, the quality bits (uint16) and the bits of faulty inputs (uint32).

        All have the broadcast shape of the inputs, with years in place of times for yearly support, without times for
        that of a period.
        """
        floats = _as_floats(arrays)
        shape = np.broadcast_shapes(*(a.shape for a in floats))
        shape = (*shape[:-1], len(self.years)) if self.years else shape[:-1] if self._joined else shape
        qa, cause = np.zeros(shape, QA_DTYPE), np.zeros(shape, CAUSE_DTYPE)
        bad = self._mask_inputs(floats)
        outputs = [np.array(np.broadcast_to(o, shape)) for o in self._evaluate(floats)]
        self._input_bits(bad, outputs, qa, cause)
        self._own_bits(floats, outputs, qa)
        valid = {name: ~(fault.missing | fault.outside) for name, fault in bad.items()}
        for variable, output in zip(self.variables, outputs, strict=True):
            self._mask_output(variable, output, valid, qa)
        return (*outputs, qa, cause)

    def _own_bits(self, floats: list[Array], outputs: list[Array], qa: Array) -> None:
        if self.quality is None:
            return
        known = {flag.name: flag for flag in self.spec.flags}
        values = {v.name: o for v, o in zip(self.variables, outputs, strict=True)}
        with np.errstate(all="ignore"):
            found = call_with(self.quality, {**self._named(floats), **self.options, "values": values})
        for name, where in found.items():
            if name not in known:
                raise MusyqError(f"The retrieval {self.spec.key!r} sets a bit {name!r} that its spec does not list.")
            add_flag(qa, np.broadcast_to(where, qa.shape), known[name])

    def uncertainties(self, *arrays: Array) -> tuple[Array, ...]:
        r"""Return one standard uncertainty of each wanted variable.

        .. math:: u^2(y) = \sum_i \left[\frac{f(x_i + u_i) - f(x_i - u_i)}{2}\right]^2 + u_m^2

        The inputs' errors are taken as independent (JCGM 100:2008, equation 10, with the sensitivity from a central
        difference as in its section 5.1.3, note 2); :math:`u_m` is the method's own error from the spec.
        """
        floats = _as_floats(arrays)
        values, given = floats[: len(self.inputs)], dict(zip(self.sigmas, floats[len(self.inputs) :], strict=True))
        self._mask_inputs(values)  # else a fill value would be moved into the range and taken for a look of its own
        *central, _, _ = self.values(*values)
        if self.uncertainty is not None:
            return self._own_uncertainties(self.uncertainty, values, given, central)
        variances = [self._model_variance(v, y) for v, y in zip(self.variables, central, strict=True)]
        for index, item in enumerate(self.inputs):
            sigma = given.get(item.name, _default_sigma(item, values[index]))
            if sigma is None:
                continue
            steps = self._central_difference(values, index, sigma, central)
            variances = [variance + step**2 for variance, step in zip(variances, steps, strict=True)]
        return tuple(
            np.where(np.isnan(y), y.dtype.type("nan"), np.sqrt(u2)).astype(y.dtype)
            for y, u2 in zip(central, variances, strict=True)
        )

    def _own_uncertainties(
        self, function: Callable[..., Any], values: list[Array], given: Mapping[str, Array], central: list[Array]
    ) -> tuple[Array, ...]:
        known = ((i, given.get(i.name, _default_sigma(i, x))) for i, x in zip(self.inputs, values, strict=True))
        sigmas = {item.uncertainty_name: sigma for item, sigma in known if sigma is not None}
        with np.errstate(all="ignore"):
            made = call_with(function, {**self._named(values), **sigmas, **self.options})
        found = made if isinstance(made, tuple | list) else [made]
        if len(found) != len(central):
            raise MusyqError(f"The uncertainty of {self.spec.key!r} returned {len(found)} arrays for {len(central)}.")
        return tuple(
            np.where(np.isnan(y), y.dtype.type("nan"), sigma).astype(y.dtype)
            for y, sigma in zip(central, found, strict=True)
        )

    def _central_difference(
        self, values: list[Array], index: int, sigma: Array, central: Sequence[Array]
    ) -> list[Array]:
        """Return what one sigma of an input makes of each variable; steps end where the input's range does."""
        low, high = self.inputs[index].valid_range
        above, below = list(values), list(values)
        with np.errstate(all="ignore"):  # fill values such as inf are NaN in the end
            above[index], below[index] = values[index] + sigma, values[index] - sigma
            cut = (above[index] > high) | (below[index] < low)
            share = above[index].dtype.type(0.5)
            if cut.any():
                # A height that may be 0.3 m off cannot lie 0.3 m below 0.1 m: the slope is that of the shorter step.
                above[index], below[index] = np.minimum(above[index], high), np.maximum(below[index], low)
                if not self._joined and not self.years:  # else one value comes of many steps, of which few are cut
                    share = np.where(cut, sigma / (above[index] - below[index]), share).astype(above[index].dtype)
            sides = zip(self._evaluate(above), self._evaluate(below), central, strict=True)
            return [_between(a, b, y) * share for a, b, y in sides]

    def _evaluate(self, arrays: list[Array]) -> list[Array]:
        with np.errstate(all="ignore"):
            result = self.body(**self._named(arrays), **self.options)
        outputs = list(result) if isinstance(result, tuple | list) else [result]
        if len(outputs) != len(self.variables):
            wanted = [v.name for v in self.variables]
            raise MusyqError(
                f"The retrieval {self.spec.key!r} returned {len(outputs)} arrays where {wanted} were wanted. "
                "Return one array per variable, in that order."
            )
        return [np.asarray(o) for o in outputs]

    def _named(self, arrays: list[Array]) -> dict[str, Array]:
        return dict(zip((i.name for i in self.inputs), arrays, strict=True))

    def _mask_inputs(self, arrays: list[Array]) -> dict[str, Fault]:
        """Make bad values NaN (in copies), and tell where inputs are bad: of those that are not good everywhere."""
        bad = {}
        for index, (item, array) in enumerate(zip(self.inputs, arrays, strict=True)):
            low, high = item.valid_range
            good = (array >= low) & (array <= high)
            if good.all():
                continue
            missing = np.isnan(array)
            arrays[index] = np.where(good, array, array.dtype.type("nan"))
            unusable = ~self._any_in_time(good)
            outside = unusable & self._any_in_time(~(good | missing))
            bad[item.name] = Fault(unusable & self._any_in_time(missing), outside)
        return bad

    def _input_bits(self, bad: Mapping[str, Fault], outputs: list[Array], qa: Array, cause: Array) -> None:
        """Set the bits of faulty inputs; those it does without are to blame only where a value is lost."""
        for bit, item in enumerate(self.spec.inputs):
            if (fault := bad.get(item.name)) is None:
                continue
            lost = self._lost(item, outputs) if item.optional else np.True_
            add_flag(qa, fault.missing & lost, INPUT_MISSING)
            add_flag(qa, fault.outside & lost, INPUT_OUT_OF_RANGE)
            np.bitwise_or(cause, CAUSE_DTYPE.type(1 << bit), out=cause, where=fault.missing | fault.outside)

    def _lost(self, item: Input, outputs: list[Array]) -> Any:
        """Return where a variable that may rest on an input has no value."""
        resting = [o for v, o in zip(self.variables, outputs, strict=True) if not v.inputs or item.name in v.inputs]
        return np.any([np.isnan(o) for o in resting], axis=0)

    @property
    def _joined(self) -> bool:
        """Whether all samples along the last axis make one value."""
        return self.spec.support == "period"

    def _any_in_time(self, where: Array) -> Array:
        """Return where it holds; where samples make one value, where it holds for any sample of it."""
        if self._joined:
            return np.asarray(where.any(axis=-1))
        if not self.years:
            return where
        found: Array = where.astype(np.float32) @ self.in_year.astype(np.float32) > 0
        return found

    def _mask_output(self, variable: Variable, output: Array, valid: Mapping[str, Array], qa: Array) -> None:
        """Remove what lies outside the valid range, in place, and set the bits."""
        low, high = variable.valid_range
        outside = (output < low) | (output > high)
        add_flag(qa, outside, OUTPUT_OUT_OF_RANGE)
        undefined = np.isnan(output)
        if undefined.any() and self.spec.support in ("pixel", "yearly", "period"):
            # Only there does the goodness of the inputs at a place say what to expect.
            for name in variable.inputs or valid:
                undefined = undefined & valid.get(name, np.True_)
            add_flag(qa, undefined, NOT_DEFINED)
        if outside.any():
            output[outside] = np.nan

    def _model_variance(self, variable: Variable, value: Array) -> Array:
        own = {name: (absolute, relative) for name, absolute, relative in self.method.model_uncertainty}
        absolute, relative = own.get(variable.name, variable.model_uncertainty)
        with np.errstate(invalid="ignore"):  # nothing of an infinite value
            return np.asarray(absolute**2 + (relative * value) ** 2, value.dtype)


def call_with(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call a function with those arguments that it takes.

    Parameters
    ----------
    function : callable
        What to call.
    arguments : mapping of str to object
        More than it may take.
    """
    parameters = inspect.signature(function).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return function(**arguments)
    return function(**{name: value for name, value in arguments.items() if name in parameters})


def float_type(dtypes: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    """Return float32 if every float among the types is that and the integers have 16 bits at most, else float64.

    Parameters
    ----------
    dtypes : sequence of numpy.dtype
        Of the inputs; classes are often small integers.
    """
    floats = [d for d in dtypes if d.kind == "f"]
    small = all(d == np.float32 if d.kind == "f" else d.itemsize <= 2 for d in dtypes)
    return np.dtype(np.float32 if floats and small else np.float64)


def _as_floats(arrays: tuple[Array, ...]) -> list[Array]:
    dtype = float_type([a.dtype for a in arrays])
    return [np.asarray(a, dtype) for a in arrays]


def _between(above: Array, below: Array, central: Array) -> Array:
    """Return the difference of both sides; twice that to the middle where one side is undefined, as below a limit."""
    apart = above - below
    if not np.isnan(apart).any():
        return apart
    whole = np.where(np.isnan(below), 2 * (above - central), np.where(np.isnan(above), 2 * (central - below), apart))
    return np.asarray(whole, apart.dtype)


def _default_sigma(item: Input, array: Array) -> Array | None:
    absolute, relative = item.uncertainty
    if absolute == 0 and relative == 0:
        return None
    with np.errstate(invalid="ignore"):  # nothing of an infinite fill value
        return np.asarray(np.hypot(absolute, relative * array), array.dtype)
