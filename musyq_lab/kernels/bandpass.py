r"""Reflectance of one band from those of other bands, with slopes that follow the shape of the spectrum.

With the reflectances :math:`x_1 \dots x_n` in the order of wavelength and their normalised differences

.. math:: s_j = \frac{p_{j+1} - p_j}{p_{j+1} + p_j}, \qquad p_j = \max(x_j, 0.001),

each held between limits, the wanted reflectance is

.. math:: y = \sum_i x_i \Big(a_i + \sum_j b_{ij} s_j + \sum_j c_{ij} s_j^2\Big),

and lies within limits of its ratio to that of the nearest band. It is homogeneous: a spectrum twice as bright gives
twice the value, so shade and slopes change nothing. It is smooth, and linear in the reflectances where the limits hold.

The kernels are written for a number of bands, each with its coefficients as numbers that are the same for all pixels:
the order of their arguments is that of :func:`arguments`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from musyq_lab.kernels._compile import Kernel, select
from musyq_lab.kernels._math import sqrt

__all__ = ["DARKEST", "SLACK", "arguments", "outside", "with_uncertainty", "without_uncertainty"]

DARKEST = 0.001
"""Reflectance that stands for darker ones in normalised differences."""
SLACK = 0.0005
"""Reflectance by which the limits of the ratio are passed at most: near zero a ratio means little."""


def arguments(count: int) -> tuple[str, ...]:
    """Return the names of the coefficients of a number of bands, in their order.

    ``low_j`` and ``high_j``: limits of the normalised differences; ``a_i``, ``b_i_j`` and ``c_i_j``: as in the module;
    ``least`` and ``most``: limits of the ratio to the reflectance of the nearest band.
    """
    bands, pairs = range(count), range(count - 1)
    names = [f"{name}_{j}" for name in ("low", "high") for j in pairs]
    names += [f"a_{i}" for i in bands]
    names += [f"{name}_{i}_{j}" for name in ("b", "c") for i in bands for j in pairs]
    return (*names, "least", "most")


@functools.cache
def without_uncertainty(count: int) -> Kernel:
    """Return the kernel ``(nearest, x_0 ... , coefficients) -> y`` for a number of bands.

    ``nearest`` is the band that the result is compared with, one of the others once more.
    """
    inputs = ["nearest", *(f"x_{i}" for i in range(count)), *arguments(count)]
    return _kernel("adjusted", inputs, ["y_out"], [*_value(count), "y_out[0] = y"], (without_uncertainty, (count,)))


@functools.cache
def with_uncertainty(count: int) -> Kernel:
    r"""Return the kernel that also propagates uncertainties.

    ``(nearest, x_0 ..., random_0 ..., systematic_0 ..., coefficients, floor, share, growth) -> y, random, systematic``.

    Notes
    -----
    Random parts are independent between bands; systematic parts add up as they do at worst, since what they share is
    not known; the error :math:`\sigma_m` of the relation, with the reflectance x of the nearest band, is systematic,
    since it is the same in every look of a sensor at a surface:

    .. math:: \sigma_r^2 = \sum_i J_i^2 \sigma_{r,i}^2, \qquad
       \sigma_s^2 = \Big(\sum_i |J_i|\,\sigma_{s,i}\Big)^2 + \sigma_m^2, \qquad J_i = \partial y / \partial x_i, \\
       \sigma_m^2 = floor^2 + (share\,x)^2 + (growth\,(y - x))^2
    """
    bands = range(count)
    inputs = ["nearest", *(f"x_{i}" for i in bands), *(f"random_{i}" for i in bands)]
    inputs += [*(f"systematic_{i}" for i in bands), *arguments(count), "floor", "share", "growth"]
    lines = [*_value(count), *_slopes(count)]
    squares = _sum(f"(t_{i} * random_{i}) * (t_{i} * random_{i})" for i in bands)
    lines += [
        "own, more = share * nearest, growth * (y - nearest)",
        f"shared = {_sum(f'abs(t_{i}) * systematic_{i}' for i in bands)}",
        "y_out[0] = y",
        f"random_out[0] = sqrt({squares})",
        "systematic_out[0] = sqrt(shared * shared + floor * floor + own * own + more * more)",
    ]
    outputs = ["y_out", "random_out", "systematic_out"]
    return _kernel("propagated", inputs, outputs, lines, (with_uncertainty, (count,)))


@functools.cache
def outside(count: int) -> Kernel:
    """Return the kernel that tells spectra unlike those of a library: 1 outside, 0 inside or NaN.

    ``(x_0 ..., low_j, high_j, v_k_j, least_k, most_k) -> out``: inside are the spectra whose normalised differences lie
    between their limits, and so do their sums with the weights ``v_k_j`` (principal components).
    """
    pairs = range(count - 1)
    inputs = [*(f"x_{i}" for i in range(count)), *(f"{name}_{j}" for name in ("low", "high") for j in pairs)]
    inputs += [f"v_{k}_{j}" for k in pairs for j in pairs] + [
        f"{name}_{k}" for name in ("least", "most") for k in pairs
    ]
    lines = _differences(count)
    lines += [f"z_{k} = {_sum(f'v_{k}_{j} * d_{j}' for j in pairs)}" for k in pairs]
    tests = [f"(d_{j} < low_{j}) | (d_{j} > high_{j}) | (z_{j} < least_{j}) | (z_{j} > most_{j})" for j in pairs]
    lines += [f"far = {' | '.join(tests) or 'x_0 != x_0'}", "out[0] = select(far, 1.0 + 0.0 * x_0, 0.0 * x_0)"]
    return _kernel("outside", inputs, ["out"], lines, (outside, (count,)))


def _differences(count: int) -> list[str]:
    lines = [f"p_{i} = max(x_{i}, {DARKEST} + 0.0 * x_{i})" for i in range(count)]
    for j in range(count - 1):
        lines += [f"m_{j} = 1.0 / (p_{j + 1} + p_{j})", f"d_{j} = (p_{j + 1} - p_{j}) * m_{j}"]
    return lines


def _value(count: int) -> list[str]:
    """Write the result ``y``; ``s_j`` are the limited differences, ``f_j`` and ``g_j`` their factors."""
    bands, pairs = range(count), range(count - 1)
    lines = _differences(count)
    for j in pairs:
        lines += [f"s_{j} = min(max(d_{j}, low_{j}), high_{j})"]
        lines += [f"{f}_{j} = {_sum(f'{name}_{i}_{j} * x_{i}' for i in bands)}" for f, name in (("f", "b"), ("g", "c"))]
    terms = [*(f"a_{i} * x_{i}" for i in bands), *(f"s_{j} * (f_{j} + s_{j} * g_{j})" for j in pairs)]
    return [
        *lines,
        f"y = {_sum(terms)}",
        "one, other = least * nearest, most * nearest",
        f"y = min(max(y, min(one, other) - {SLACK}), max(one, other) + {SLACK})",
    ]


def _slopes(count: int) -> list[str]:
    """Write the slopes ``t_i`` of the result over each band."""
    bands, pairs = range(count), range(count - 1)
    lines = []
    for j in pairs:
        # No slope where a difference is held at its limit.
        lines += [f"w_{j} = select((d_{j} > low_{j}) & (d_{j} < high_{j}), f_{j} + 2.0 * s_{j} * g_{j}, 0.0 * y)"]
        lines += [f"w_{j} = 2.0 * w_{j} * m_{j} * m_{j}"]
    for i in bands:
        terms = [f"a_{i}", *(f"s_{j} * (b_{i}_{j} + s_{j} * c_{i}_{j})" for j in pairs)]
        lines += [f"t_{i} = {_sum(terms)}"]
        turns = [f"w_{i - 1} * p_{i - 1}"] * (i > 0) + [f"-(w_{i} * p_{i + 1})"] * (i < count - 1)
        if turns:
            lines += [f"t_{i} = t_{i} + select(x_{i} > {DARKEST}, {_sum(turns)}, 0.0 * y)"]
    return lines


def _sum(terms: Any) -> str:
    return " + ".join(terms) or "0.0 * x_0"


def _kernel(
    name: str, inputs: list[str], outputs: list[str], lines: list[str], origin: tuple[Callable[..., Any], tuple[int]]
) -> Kernel:
    """Compile the body; its text is made of our own words and of numbers of bands only."""
    source = "\n    ".join([f"def {name}({', '.join((*inputs, *outputs))}):", *lines])
    namespace: dict[str, Any] = {"select": select, "sqrt": sqrt, "__name__": __name__}
    exec(compile(source, f"<musyq bandpass of {origin[1][0]} bands>", "exec"), namespace)
    signature = f"{','.join(['()'] * len(inputs))}->{','.join(['()'] * len(outputs))}"
    return Kernel(namespace[name], signature, origin=origin)
