r"""What a series looks like within a stretch of time, in a few numbers that gaps hardly change.

Percentiles, mean and standard deviation, and the harmonics of the calendar year

.. math:: y(t) = a_0 + \sum_{k=1}^{3} \left(c_k \cos\frac{2\pi k t}{T} + s_k \sin\frac{2\pi k t}{T}\right),
          \quad T = 365.25\ \mathrm{d}

by least squares with a damping :data:`DAMPING` on the harmonics (as HANTS: Roerink et al. 2000,
doi:10.1080/014311600209814). Time counts from 1970, so phases are those of the calendar.
"""

from typing import Any

import numpy as np

from musyq_lab.kernels._compile import inline, kernel
from musyq_lab.kernels._math import sincos

NAMES = (
    "p10", "p25", "p50", "p75", "p90", "mean", "deviation", "cos1", "sin1", "cos2", "sin2", "cos3", "sin3",
    "amplitude1", "amplitude2", "residual",
)  # fmt: skip
"""Names of the features of one series, in order."""
LEAST = 8
"""Values that a stretch must hold: one more than the coefficients."""
DAMPING = 0.1
"""Added to the diagonal of the normal matrix but for the mean."""
_SIZE = 7
_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
_TURN = 2.0 * np.pi / 365.25


@inline
def _sorted(values: Any) -> None:
    for i in range(1, values.size):
        x, j = values[i], i - 1
        while j >= 0 and values[j] > x:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = x


@inline
def _basis(t: float, g: Any) -> None:
    sine, cosine = sincos(t * _TURN - np.floor(t / 365.25) * (2.0 * np.pi))
    g[0], g[1], g[2] = 1.0, cosine, sine
    g[3], g[4] = cosine * cosine - sine * sine, 2.0 * sine * cosine
    g[5], g[6] = g[3] * cosine - g[4] * sine, g[4] * cosine + g[3] * sine


@inline
def _solve(matrix: Any, right: Any) -> None:
    """Solve by Cholesky in place."""
    for a in range(_SIZE):
        for b in range(a + 1):
            value = matrix[a, b]
            for c in range(b):
                value -= matrix[a, c] * matrix[b, c]
            matrix[a, b] = np.sqrt(value) if a == b else value / matrix[b, b]
    for a in range(_SIZE):
        for c in range(a):
            right[a] -= matrix[a, c] * right[c]
        right[a] /= matrix[a, a]
    for k in range(_SIZE):
        a = _SIZE - 1 - k
        for c in range(a + 1, _SIZE):
            right[a] -= matrix[c, a] * right[c]
        right[a] /= matrix[a, a]


@inline
def _harmonics(t: Any, y: Any, right: Any) -> Any:
    """Write mean and harmonics; return the root mean square of what they leave."""
    g, matrix, count = np.zeros(_SIZE), np.zeros((_SIZE, _SIZE)), t.size
    right[:] = 0.0
    for i in range(count):
        _basis(t[i], g)
        for a in range(_SIZE):
            right[a] += g[a] * y[i]
            for b in range(a + 1):
                matrix[a, b] += g[a] * g[b]
    for a in range(1, _SIZE):
        matrix[a, a] += DAMPING
    _solve(matrix, right)
    total = 0.0
    for i in range(count):
        _basis(t[i], g)
        rest = y[i]
        for a in range(_SIZE):
            rest -= g[a] * right[a]
        total += rest * rest
    return np.sqrt(total / count)


@kernel("(n),(n),(),(),(q)->(q),()")
def features(
    times: Any,  # n d since 1970
    y: Any,  # n NaN for a gap
    begin: float,  # d, first day of the stretch
    end: float,  # d, first day after it
    layout: Any,  # 16
    out: Any,  # 16 NaN where the stretch holds fewer than LEAST values
    number: Any,  # of values
) -> None:
    """Describe one stretch of a series."""
    t, value, count = np.zeros(times.size), np.zeros(times.size), 0
    for i in range(times.size):
        if begin <= times[i] < end and y[i] == y[i]:
            t[count], value[count] = times[i], y[i]
            count += 1
    number[0] = count
    if count >= LEAST:
        right = np.zeros(_SIZE)
        rest = _harmonics(t[:count], value[:count], right)
        mean, square = 0.0, 0.0
        for i in range(count):
            mean += value[i] / count
        for i in range(count):
            square += (value[i] - mean) * (value[i] - mean)
        _sorted(value[:count])
        for k in range(5):
            place = _SHARES[k] * (count - 1)
            i = min(int(place), count - 2)
            out[k] = value[i] + (place - i) * (value[i + 1] - value[i])
        out[5], out[6] = mean, np.sqrt(square / count)
        for k in range(6):
            out[7 + k] = right[1 + k]
        out[13] = np.sqrt(right[1] * right[1] + right[2] * right[2])
        out[14] = np.sqrt(right[3] * right[3] + right[4] * right[4])
        out[15] = rest
