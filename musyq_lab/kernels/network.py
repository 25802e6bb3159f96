r"""Small neural networks over reflectances and angles, one fused kernel for each.

A network takes the reflectances :math:`\rho_1 \dots \rho_n` and, of the zenith angles of Sun and view and the azimuth
between them, :math:`\cos\theta_s, \cos\theta_v, \sin\theta_v \cos\varphi`, together :math:`x`, and returns

.. math:: u = c + \sum_j v_j \tanh\Big(b_j + \sum_i w_{ji} x_i\Big), \qquad
          y = u \ \text{ or } \ y = a (e^u - 1).

The second form has relative errors for :math:`y \gg a` and absolute ones for :math:`y \ll a`: :math:`dy/du = y + a`.
A second network of the same inputs gives the standard error of u, and the gradient of the first

.. math:: \frac{\partial u}{\partial \rho_i} = \sum_j v_j (1 - h_j^2) w_{ji}, \qquad h_j = \tanh(\dots)

what an error of a reflectance makes of it. Weights are written into the source of a kernel as numbers: it compiles in
about a second, and the loop over pixels holds nothing but multiply-adds and our own tanh.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from musyq_lab.kernels._compile import Kernel, fma, select
from musyq_lab.kernels._math import cos, exp, sin, sqrt, tanh

__all__ = ["ANGLES", "Domain", "Net", "Noise", "distance", "estimate", "with_uncertainty"]

ANGLES = ("sun_zenith", "view_zenith", "relative_azimuth")
"""Arguments of every network after its reflectances (degrees)."""

_RADIANS = 0.017453292519943295


class Net(NamedTuple):
    """Weights of a network with one hidden layer."""

    weights: tuple[tuple[float, ...], ...]
    """w, shape (hidden, input); the inputs are the reflectances, then three of :data:`ANGLES` as in the module."""
    biases: tuple[float, ...]
    """b, shape (hidden,)."""
    outputs: tuple[float, ...]
    """v, shape (hidden,)."""
    constant: float
    """c."""
    scale: float = 0.0
    """a of the module, in units of y; 0 for the linear form."""

    @property
    def bands(self) -> int:
        """Number of reflectances."""
        return len(self.weights[0]) - len(ANGLES)


class Noise(NamedTuple):
    """Error of each reflectance that the standard error already holds: absolute and relative part in quadrature."""

    absolute: float
    """In reflectance."""
    relative: float
    """Of the reflectance."""


class Domain(NamedTuple):
    """Where reflectances are like those of a training base."""

    low: tuple[float, ...]
    """Smallest of each band."""
    high: tuple[float, ...]
    """Largest of each band."""
    mean: tuple[float, ...]
    """Mean of each band."""
    whitening: tuple[tuple[float, ...], ...]
    """Rows of the lower triangle that turns differences from the mean into uncorrelated ones of variance 1."""
    limit: float
    """Largest sum of their squares (squared Mahalanobis distance)."""


@functools.lru_cache(maxsize=256)
def estimate(net: Net) -> Kernel:
    """Return the kernel ``(reflectance, ..., sun_zenith, view_zenith, relative_azimuth) -> y`` of a network.

    Reflectances (1) in the order of its weights, angles in degrees; NaN in gives NaN out.
    """
    lines = [*_directions(), *_forward(net, "h"), f"out[0] = {_value(net)}"]
    return _kernel("estimate", [*_bands(net.bands), *ANGLES], ["out"], lines, (estimate, (net,)))


@functools.lru_cache(maxsize=256)
def with_uncertainty(net: Net, error: Net, noise: Noise, floor: float) -> Kernel:
    r"""Return the kernel ``(reflectance, ..., sigma, ..., angles) -> y, sigma_y`` of a network and that of its error.

    .. math:: \sigma_y^2 = \Big(\frac{dy}{du}\Big)^2 \Big[\max(e(x), f)^2 + \sum_i
              \max\big(\sigma_i^2 - n_a^2 - (n_r \rho_i)^2,\, 0\big) \Big(\frac{\partial u}{\partial \rho_i}\Big)^2\Big]

    Parameters
    ----------
    net : Net
        Gives the value.
    error : Net
        Its standard error e, in units of u, at inputs with the noise n; linear.
    noise : Noise
        Part of the error :math:`\sigma_i` of a reflectance that e already covers; errors below it change nothing.
    floor : float
        Smallest standard error f, in units of u.
    """
    bands = range(net.bands)
    lines = [*_directions(), *_forward(error, "k"), f"own = max(u, {floor!r} + 0.0 * u)", *_forward(net, "h")]
    lines += [f"d_{j} = {v!r} * (1.0 - h_{j} * h_{j})" for j, v in enumerate(net.outputs)]
    lines += ["total = own * own"]
    for i in bands:
        slope = " + ".join(f"d_{j} * {row[i]!r}" for j, row in enumerate(net.weights))
        part = f"{noise.absolute!r} * {noise.absolute!r} + {noise.relative!r} * x_{i} * ({noise.relative!r} * x_{i})"
        lines += [f"g = {slope}", f"more = s_{i} * s_{i} - ({part})"]
        lines += ["total = total + select(more > 0.0, more, 0.0 * more) * g * g"]
    lines += [f"y = {_value(net)}", "y_out[0] = y"]
    lines += [f"sigma_out[0] = {'sqrt(total)' if net.scale == 0.0 else f'(y + {net.scale!r}) * sqrt(total)'}"]
    inputs = [*_bands(net.bands), *(f"s_{i}" for i in bands), *ANGLES]
    return _kernel(
        "with_uncertainty", inputs, ["y_out", "sigma_out"], lines, (with_uncertainty, (net, error, noise, floor))
    )


@functools.lru_cache(maxsize=256)
def distance(domain: Domain) -> Kernel:
    """Return the kernel ``(reflectance, ...) -> d`` that is at most 1 within a domain and above 1 outside.

    d is the larger of two: how far the bands lie from the middle of their ranges, in half ranges, and the squared
    Mahalanobis distance over its limit. NaN in gives NaN out.
    """
    count = len(domain.mean)
    lines = ["far = 0.0 * x_0", "total = 0.0 * x_0"]
    for i in range(count):
        half = 0.5 * (domain.high[i] - domain.low[i])
        middle = domain.low[i] + half
        lines += [f"r = abs(x_{i} - {middle!r}) * {1.0 / half!r}", "far = select(r <= far, far, r)"]
        lines += [f"z_{i} = x_{i} - {domain.mean[i]!r}"]
    for i, row in enumerate(domain.whitening):
        lines += [f"w = {' + '.join(f'{row[j]!r} * z_{j}' for j in range(i + 1))}", "total = total + w * w"]
    lines += [f"total = total * {1.0 / domain.limit!r}", "out[0] = select(total <= far, far, total) + 0.0 * total"]
    return _kernel("distance", _bands(count), ["out"], lines, (distance, (domain,)))


def _bands(count: int) -> list[str]:
    return [f"x_{i}" for i in range(count)]


def _directions() -> list[str]:
    sun, view, azimuth = (f"{_RADIANS!r} * {angle}" for angle in ANGLES)
    # At nadir the azimuth has no meaning, and no weight.
    return [f"c_0 = cos({sun})", f"c_1 = cos({view})", f"c_2 = sin({view}) * cos({azimuth})"]


def _forward(net: Net, letter: str) -> list[str]:
    """Write the hidden values ``<letter>_j`` and the sum ``u``."""
    inputs = [*_bands(net.bands), *(f"c_{k}" for k in range(len(ANGLES)))]
    lines, total = [], repr(net.constant)
    for j, (row, bias, output) in enumerate(zip(net.weights, net.biases, net.outputs, strict=True)):
        text = repr(bias)
        for x, weight in zip(inputs, row, strict=True):
            text = f"fma({x}, {weight!r}, {text})"
        total = f"fma({letter}_{j}, {output!r}, {total})"
        lines.append(f"{letter}_{j} = tanh({text})")
    return [*lines, f"u = {total}"]


def _value(net: Net) -> str:
    return "u" if net.scale == 0.0 else f"{net.scale!r} * (exp(u) - 1.0)"


def _kernel(
    name: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    lines: Sequence[str],
    origin: tuple[Callable[..., Any], tuple[Any, ...]],
) -> Kernel:
    """Compile the body; its text is made of our own words and of numbers only."""
    source = "\n    ".join([f"def {name}({', '.join((*inputs, *outputs))}):", *lines])
    words = {
        "fma": fma,
        "select": select,
        "cos": cos,
        "sin": sin,
        "exp": exp,
        "sqrt": sqrt,
        "tanh": tanh,
        "__name__": __name__,
    }
    namespace: dict[str, Any] = dict(words)
    exec(compile(source, f"<musyq {name} of a network>", "exec"), namespace)
    signature = f"{','.join(['()'] * len(inputs))}->{','.join(['()'] * len(outputs))}"
    return Kernel(namespace[name], signature, origin=origin)
