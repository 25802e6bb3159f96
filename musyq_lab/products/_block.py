"""The arithmetic of a retrieval on one block of numpy arrays: masking, values, quality bits, uncertainty.

Everything here is pure and picklable, so that it runs the same in this process, in a thread and on a dask worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import MusyqError
from musyq_lab.core.quality import (
    INPUT_MISSING,
    INPUT_OUT_OF_RANGE,
    NOT_DEFINED,
    OUTPUT_OUT_OF_RANGE,
    QA_DTYPE,
    add_flag,
)
from musyq_lab.core.spec import Input, Product, Variable

Array = NDArray[Any]
Body = Callable[..., Any]


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

    def values(self, *arrays: Array) -> tuple[Array, ...]:
        """Return the wanted variables and the quality bits (uint16), all of the broadcast shape."""
        floats = _as_floats(arrays)
        shape = np.broadcast_shapes(*(a.shape for a in floats))
        qa = np.zeros(shape, QA_DTYPE)
        valid = self._mask_inputs(floats, qa)
        outputs = [np.array(np.broadcast_to(o, shape)) for o in self._evaluate(floats)]
        for variable, output in zip(self.variables, outputs, strict=True):
            self._mask_output(variable, output, valid, qa)
        return (*outputs, qa)

    def uncertainties(self, *arrays: Array) -> tuple[Array, ...]:
        r"""Return one standard uncertainty of each wanted variable.

        .. math:: u^2(y) = \sum_i \left[\frac{f(x_i + u_i) - f(x_i - u_i)}{2}\right]^2 + u_m^2

        The inputs' errors are taken as independent (JCGM 100:2008, equation 10, with the sensitivity from a central
        difference as in its section 5.1.3, note 2); :math:`u_m` is the method's own error from the spec.
        """
        floats = _as_floats(arrays)
        values, given = floats[: len(self.inputs)], dict(zip(self.sigmas, floats[len(self.inputs) :], strict=True))
        *central, _ = self.values(*values)
        variances = [_model_variance(v, y) for v, y in zip(self.variables, central, strict=True)]
        for index, item in enumerate(self.inputs):
            sigma = given.get(item.name, _default_sigma(item, values[index]))
            if sigma is None:
                continue
            steps = self._central_difference(values, index, sigma)
            variances = [variance + step**2 for variance, step in zip(variances, steps, strict=True)]
        return tuple(
            np.where(np.isnan(y), y.dtype.type("nan"), np.sqrt(u2)).astype(y.dtype)
            for y, u2 in zip(central, variances, strict=True)
        )

    def _central_difference(self, values: list[Array], index: int, sigma: Array) -> list[Array]:
        above, below = list(values), list(values)
        with np.errstate(all="ignore"):  # fill values such as inf are NaN in the end
            above[index], below[index] = values[index] + sigma, values[index] - sigma
            return [(a - b) / 2 for a, b in zip(self._evaluate(above), self._evaluate(below), strict=True)]

    def _evaluate(self, arrays: list[Array]) -> list[Array]:
        named = dict(zip((i.name for i in self.inputs), arrays, strict=True))
        with np.errstate(all="ignore"):
            result = self.body(**named, **self.options)
        outputs = list(result) if isinstance(result, tuple | list) else [result]
        if len(outputs) != len(self.variables):
            wanted = [v.name for v in self.variables]
            raise MusyqError(
                f"The retrieval {self.spec.key!r} returned {len(outputs)} arrays where {wanted} were wanted. "
                "Return one array per variable, in that order."
            )
        return [np.asarray(o) for o in outputs]

    def _mask_inputs(self, arrays: list[Array], qa: Array) -> dict[str, Array]:
        """Make bad values NaN (in copies), set their bits, and tell where each input is good."""
        valid = {}
        for index, (item, array) in enumerate(zip(self.inputs, arrays, strict=True)):
            low, high = item.valid_range
            good = (array >= low) & (array <= high)
            valid[item.name] = good
            if good.all():
                continue
            missing = np.isnan(array)
            add_flag(qa, missing, INPUT_MISSING)
            add_flag(qa, ~(good | missing), INPUT_OUT_OF_RANGE)
            arrays[index] = np.where(good, array, array.dtype.type("nan"))
        return valid

    def _mask_output(self, variable: Variable, output: Array, valid: Mapping[str, Array], qa: Array) -> None:
        """Remove what lies outside the valid range, in place, and set the bits."""
        low, high = variable.valid_range
        outside = (output < low) | (output > high)
        add_flag(qa, outside, OUTPUT_OUT_OF_RANGE)
        undefined = np.isnan(output)
        if undefined.any() and self.spec.support == "pixel":
            # Only for pixel support does the goodness of the inputs at a place say what to expect there.
            for name in variable.inputs or valid:
                undefined = undefined & valid.get(name, np.True_)
            add_flag(qa, undefined, NOT_DEFINED)
        if outside.any():
            output[outside] = np.nan


def _as_floats(arrays: tuple[Array, ...]) -> list[Array]:
    """Return float32 arrays if all are float32, else float64 ones."""
    single = all(a.dtype == np.float32 for a in arrays)
    return [np.asarray(a, np.float32 if single else np.float64) for a in arrays]


def _default_sigma(item: Input, array: Array) -> Array | None:
    absolute, relative = item.uncertainty
    if absolute == 0 and relative == 0:
        return None
    return np.asarray(np.hypot(absolute, relative * array), array.dtype)


def _model_variance(variable: Variable, value: Array) -> Array:
    absolute, relative = variable.model_uncertainty
    return np.asarray(absolute**2 + (relative * value) ** 2, value.dtype)
