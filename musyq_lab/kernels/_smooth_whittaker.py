r"""Whittaker smoother of many series side by side: one banded factorisation in lanes.

With the weights :math:`W` and the differences :math:`D` of order d, the smooth series is

.. math:: z = (W + \lambda D'D)^{-1} W y

(Eilers 2003, doi:10.1021/ac034173t). The matrix has d bands beside its diagonal and is factored as :math:`L \Delta L'`
in one sweep forward; the sweep back gives z and, where asked for, the diagonal of the inverse by the recurrence of
Hutchinson & de Hoog (1985, doi:10.1007/BF01389878), from which follow standard errors and the trace of the hat matrix.

The arithmetic is float64 whatever the type of the series: in float32 a :math:`\lambda` of 1e5 leaves no digit. Many
series go through the recurrence together, so that its divisions and its waiting for the step before are shared.
"""

import functools
from typing import Any

import numpy as np

from musyq_lab.kernels._compile import Kernel, inline, select
from musyq_lab.kernels._inline import Inline

LANES = 64
"""Series that run side by side: with 16 local polynomials and harmonics take 1.5 and 2.5 times as long."""

_WIDTH = 4  # numbers of the penalty for a time: the diagonal and three bands


@inline
def differences(times: Any, order: int, rows: Any) -> None:
    r"""Write the coefficients of divided differences on unequal times, ``order + 1`` numbers in each row of four.

    Row r estimates the derivative :math:`z^{(d)}` between :math:`t_r` and :math:`t_{r+d}` times the square root of the
    mean step there, so that :math:`\sum (Dz)^2` tends to :math:`\int (z^{(d)})^2 dt`: a value of lambda means the same
    whatever the sampling. With steps of 1 these are the ordinary differences.
    """
    for r in range(times.size - order):
        root = np.sqrt((np.float64(times[r + order]) - np.float64(times[r])) / order)
        for a in range(order + 1):
            coefficient = root
            for m in range(order + 1):
                if m:
                    coefficient *= m
                if m != a:
                    coefficient /= np.float64(times[r + a]) - np.float64(times[r + m])
            rows[_WIDTH * r + a] = coefficient


@inline
def bands(rows: Any, count: int, order: int, penalty: Any) -> None:
    """Write the bands of D'D: for time i, at 4 i, the diagonal and the numbers below it."""
    for r in range(count - order):
        for a in range(order + 1):
            for b in range(a, order + 1):
                penalty[_WIDTH * (r + a) + b - a] += rows[_WIDTH * r + a] * rows[_WIDTH * r + b]


def _forward(order: int) -> Inline:
    """Make the elimination of a time. A row of the state holds ``order`` bands of L times pivot, z, and 1 / pivot.

    The window has the rows of the three times before and of this one.
    """
    second, third, size, at_z, at_r = order > 1, order > 2, (order + 2) * LANES, order * LANES, (order + 1) * LANES
    a, b, d, c = 2 * size, size, 0, 3 * size

    def forward(
        y: Any, w: Any, old: Any, above: float, below: float, lam: Any, penalty: Any, window: Any, enough: Any
    ) -> None:
        for k in range(LANES):
            known = (y[k] == y[k]) & (w[k] > 0.0)
            weight = select(known, np.float64(w[k]) * select(y[k] > old[k], above, below), 0.0 * above)
            enough[k] += select(known, 1.0, 0.0)
            l1 = window[a + k] * window[a + at_r + k]
            pivot = weight + lam[k] * penalty[0] - l1 * window[a + k]
            e1 = lam[k] * penalty[1]
            z = weight * select(known, np.float64(y[k]), 0.0 * above) - l1 * window[a + at_z + k]
            if second:
                l2 = window[b + LANES + k] * window[b + at_r + k]
                pivot -= l2 * window[b + LANES + k]
                e1 -= l1 * window[a + LANES + k]
                e2 = lam[k] * penalty[2]
                z -= l2 * window[b + at_z + k]
            if third:
                l3 = window[d + 2 * LANES + k] * window[d + at_r + k]
                pivot -= l3 * window[d + 2 * LANES + k]
                e1 -= l2 * window[b + 2 * LANES + k]
                e2 -= l1 * window[a + 2 * LANES + k]
                z -= l3 * window[d + at_z + k]
                window[c + 2 * LANES + k] = lam[k] * penalty[3]
            if second:
                window[c + LANES + k] = e2
            window[c + k] = e1
            window[c + at_z + k] = z
            window[c + at_r + k] = 1.0 / pivot

    return Inline(forward)


def _backward(order: int) -> Inline:
    """Make the substitution of a time; it returns whether a value changed its side of the curve.

    The window has the rows of this time and of the three after it.
    """
    second, third, size, at_z, at_r = order > 1, order > 2, (order + 2) * LANES, order * LANES, (order + 1) * LANES
    za, zb, zd = size + at_z, 2 * size + at_z, 3 * size + at_z

    def backward(y: Any, w: Any, enough: Any, row: Any, window: Any, sums: Any, out: Any) -> int:
        changed = 0
        for k in range(LANES):
            x = window[at_z + k] - window[k] * window[za + k]
            rough = row[1] * window[za + k]
            if second:
                x -= window[LANES + k] * window[zb + k]
                rough += row[2] * window[zb + k]
            if third:
                x -= window[2 * LANES + k] * window[zd + k]
                rough += row[3] * window[zd + k]
            x *= window[at_r + k]
            rough += row[0] * x
            window[at_z + k] = x
            sums[LANES + k] += rough * rough
            known = (y[k] == y[k]) & (w[k] > 0.0)
            rest = select(known, np.float64(y[k]) - x, 0.0 * x)
            sums[k] += select(known, np.float64(w[k]), 0.0 * x) * rest * rest
            before = y[k] > out[k]
            out[k] = select(enough[k] >= order, x, np.nan)
            changed |= int(before != (y[k] > out[k]))
        return changed

    return Inline(backward)


def _inverse(order: int) -> Inline:
    """Make the recurrence for the diagonal of the inverse; what lies below it takes the place of the bands."""
    second, third, size, at_z, at_r = order > 1, order > 2, (order + 2) * LANES, order * LANES, (order + 1) * LANES
    a, b, d = size, 2 * size, 3 * size

    def inverse(y: Any, w: Any, enough: Any, window: Any, trace: Any, out: Any) -> None:
        for k in range(LANES):
            diagonal = window[at_r + k]
            l1 = window[k] * diagonal
            s1 = -l1 * window[a + at_z + k]
            if second:
                l2 = window[LANES + k] * window[at_r + k]
                s1 -= l2 * window[a + k]
                s2 = -l1 * window[a + k] - l2 * window[b + at_z + k]
            if third:
                l3 = window[2 * LANES + k] * window[at_r + k]
                s1 -= l3 * window[a + LANES + k]
                s2 -= l3 * window[b + k]
                s3 = -l1 * window[a + LANES + k] - l2 * window[b + k] - l3 * window[d + at_z + k]
                diagonal -= l3 * s3
            if second:
                diagonal -= l2 * s2
                window[LANES + k] = s2
            diagonal -= l1 * s1
            window[k] = s1
            window[at_z + k] = diagonal
            known = (y[k] == y[k]) & (w[k] > 0.0)
            trace[k] += select(known, np.float64(w[k]), 0.0 * diagonal) * diagonal
            out[k] = select(enough[k] >= order, diagonal, np.nan)

    return Inline(inverse)


@functools.cache
def whittaker_kernel(order: int, spread: bool) -> Kernel:
    """Return the kernel of an order of differences.

    Parameters
    ----------
    order : {1, 2, 3}
        Of the differences.
    spread : bool
        Whether it also gives the diagonal of the inverse and the trace of the hat matrix.

    Returns
    -------
    Kernel
        ``kernel(times (n), y (n, p), w (n, p), lam (p), above, iterations)`` with p of at least :data:`LANES`, NaN or
        weight 0 for a gap, ``above`` the weight of values above the curve (0.5: like those below) and the largest
        number of ``iterations`` in which these weights settle. It returns z (n, p), NaN for series of fewer than
        ``order`` values; by series (p) the weighted sum of squared residuals, that of squared differences and the
        number of values; with ``spread`` also the trace (p) and the diagonal (n, p).
    """
    forward, backward, inverse = _forward(order), _backward(order), _inverse(order)
    size = (order + 2) * LANES

    def whittaker(times, y, w, lam, above, iterations, z, fit, rough, number, trace, diagonal):  # type: ignore[no-untyped-def]
        count, series = y.shape
        flat, weights, out, variance = y.reshape(-1), w.reshape(-1), z.reshape(-1), diagonal.reshape(-1)
        rows, penalty = np.zeros(_WIDTH * count), np.zeros(_WIDTH * count)
        differences(times, order, rows)
        bands(rows, count, order, penalty)
        state, strength = np.zeros((count + 6) * size), np.zeros(LANES)
        enough, sums, traces = np.zeros(LANES), np.zeros(2 * LANES), np.zeros(LANES)
        for block in range((series + LANES - 1) // LANES):
            at = min(block * LANES, series - LANES)  # the last block repeats some series of the one before
            strength[:] = lam[at : at + LANES]
            for turn in range(int(iterations)):
                state[(count + 3) * size :] = 0.0
                enough[:] = 0.0
                sums[:] = 0.0
                side = np.float64(above) if turn else 0.5  # no curve yet, so no value lies above it
                changed = 0
                for i in range(count):
                    p, q, c = at + i * series, at + i * series + LANES, i * size
                    step = penalty[_WIDTH * i : _WIDTH * (i + 1)]
                    window = state[c : c + 4 * size]
                    forward(
                        flat[p:q], weights[p:q], out[p:q], 2.0 * side, 2.0 - 2.0 * side, strength, step, window, enough
                    )
                for i in range(count - 1, -1, -1):
                    p, q, c = at + i * series, at + i * series + LANES, (i + 3) * size
                    row = rows[_WIDTH * i : _WIDTH * (i + 1)]
                    changed |= backward(flat[p:q], weights[p:q], enough, row, state[c : c + 4 * size], sums, out[p:q])
                if turn > 0 and changed == 0:
                    break
            fit[at : at + LANES] = sums[:LANES]
            rough[at : at + LANES] = sums[LANES:]
            number[at : at + LANES] = enough
            if spread:
                traces[:] = 0.0
                for i in range(count - 1, -1, -1):
                    p, q, c = at + i * series, at + i * series + LANES, (i + 3) * size
                    inverse(flat[p:q], weights[p:q], enough, state[c : c + 4 * size], traces, variance[p:q])
                trace[at : at + LANES] = traces

    whole = Inline(whittaker)

    def without(times, y, w, lam, above, iterations, z, fit, rough, number):  # type: ignore[no-untyped-def]
        whole(times, y, w, lam, above, iterations, z, fit, rough, number, fit, z)

    outputs, body = ("(n,p),(p),(p),(p),(p),(n,p)", whittaker) if spread else ("(n,p),(p),(p),(p)", without)
    return Kernel(body, f"(n),(n,p),(n,p),(p),(),()->{outputs}", origin=(whittaker_kernel, (order, spread)))
