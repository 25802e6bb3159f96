r"""A double logistic through the observations of one season, by damped least squares.

.. math:: f(t) = b + a \left[\frac{1}{1 + e^{-r (t - s)}} + \frac{1}{1 + e^{q (t - e)}} - 1\right]

(Beck et al. 2006, doi:10.1016/j.rse.2005.10.021, equation 3). Parameters are b, a, s, ln r, e, ln q; s and e stay
within the season's window, the rates within :data:`RATES`. The logarithms of the rates have a weak prior
(:data:`PRIOR_RATE`, a factor :math:`e^{0.7}` either way) that counts as much as the noise says: where few observations
fall into the rise its steepness cannot be known, and the fit stays regular.
"""

from typing import Any

import numpy as np

from musyq_lab.kernels._compile import inline, kernel
from musyq_lab.kernels._math import exp

SIZE = 6
"""Parameters."""
RATES = (0.008, 0.5)
"""Slowest and fastest rate (d-1): 10 % to 90 % in 550 and in 9 days."""
PRIOR_RATE = 0.06
"""Centre of the prior of both rates (d-1): 10 % to 90 % in 73 days."""
_PRIOR_WEIGHT = 1.0 / 0.7**2
_ITERATIONS = 80
_GAIN = 1e-12  # relative: dates then move by less than 1e-4 d
_LOWEST, _HIGHEST, _CENTRE = float(np.log(RATES[0])), float(np.log(RATES[1])), float(np.log(PRIOR_RATE))


@inline
def _logistic(t: Any, rate: float, centre: float, out: Any) -> None:
    for i in range(t.size):
        out[i] = 1.0 / (1.0 + exp(rate * (centre - t[i])))


@inline
def logistic_pair(t: Any, p: Any, rising: Any, falling: Any) -> None:
    """Write both logistic terms at the times; numbers, not array elements, let the loops be vectorised."""
    _logistic(t, exp(p[3]), p[2], rising)
    _logistic(t, -exp(p[5]), p[4], falling)


@inline
def _cost(y: Any, p: Any, rising: Any, falling: Any, envelope: float, prior: float, rest: Any) -> Any:
    """Write the residuals; return the weighted sum of squares with the prior."""
    total = prior * ((p[3] - _CENTRE) * (p[3] - _CENTRE) + (p[5] - _CENTRE) * (p[5] - _CENTRE))
    for i in range(y.size):
        r = y[i] - p[0] - p[1] * (rising[i] + falling[i] - 1.0)
        rest[i] = r
        total += 2.0 * (envelope if r > 0.0 else 1.0 - envelope) * r * r
    return total


@inline
def _jacobian(t: Any, p: Any, rising: Any, falling: Any, rest: Any, envelope: float, columns: Any) -> None:
    """Write, time by time in rows of 8, the derivatives of the curve by the parameters, residual and weight."""
    rise, fall = p[1] * exp(p[3]), p[1] * exp(p[5])
    for i in range(t.size):
        up, down = rise * rising[i] * (1.0 - rising[i]), fall * falling[i] * (1.0 - falling[i])
        columns[i, 0] = 1.0
        columns[i, 1] = rising[i] + falling[i] - 1.0
        columns[i, 2] = -up
        columns[i, 3] = up * (t[i] - p[2])
        columns[i, 4] = down
        columns[i, 5] = -down * (t[i] - p[4])
        columns[i, 6] = rest[i]
        columns[i, 7] = 2.0 * (envelope if rest[i] > 0.0 else 1.0 - envelope)


@inline
def _products(columns: Any, a: int, sums: Any) -> None:
    """Write the weighted sums of one column times each of the eight: side by side, in one vector register."""
    sums[:] = 0.0
    for i in range(columns.shape[0]):
        w = columns[i, a] * columns[i, 7]
        for b in range(8):
            sums[b] += w * columns[i, b]


@inline
def _normal(columns: Any, p: Any, prior: float, sums: Any, matrix: Any, right: Any) -> None:
    """Write the normal matrix (rows of the lower triangle at 6 i + j) and the right side."""
    for a in range(SIZE):
        _products(columns, a, sums)
        for b in range(a + 1):
            matrix[a * SIZE + b] = sums[b]
        right[a] = sums[6]
    for a in (3, 5):
        matrix[a * SIZE + a] += prior
        right[a] -= prior * (p[a] - _CENTRE)


@inline
def _factor(matrix: Any, damping: float, root: Any) -> bool:
    """Write the Cholesky factor of the matrix with a larger diagonal; False if it has none."""
    for a in range(SIZE):
        for b in range(a + 1):
            value = matrix[a * SIZE + b]
            if a == b:
                value += damping * value + 1e-30
            for c in range(b):
                value -= root[a * SIZE + c] * root[b * SIZE + c]
            if a == b:
                if not value > 0.0:
                    return False
                root[a * SIZE + a] = np.sqrt(value)
            else:
                root[a * SIZE + b] = value / root[b * SIZE + b]
    return True


@inline
def _solve(root: Any, x: Any) -> None:
    """Solve with the factor in place."""
    for a in range(SIZE):
        for c in range(a):
            x[a] -= root[a * SIZE + c] * x[c]
        x[a] /= root[a * SIZE + a]
    for k in range(SIZE):
        a = SIZE - 1 - k
        for c in range(a + 1, SIZE):
            x[a] -= root[c * SIZE + a] * x[c]
        x[a] /= root[a * SIZE + a]


@inline
def _bounded(p: Any, left: float, peak: float, right: float) -> None:
    """Keep dates on their side of the peak and rates possible."""
    p[1] = max(p[1], 1e-6)
    p[2] = min(max(p[2], left), peak)
    p[3] = min(max(p[3], _LOWEST), _HIGHEST)
    p[4] = min(max(p[4], peak), right)
    p[5] = min(max(p[5], _LOWEST), _HIGHEST)


@inline
def _spread(rest: Any, sums: Any) -> None:
    """Write the sum of squared residuals, and of products of successive ones."""
    sums[0], sums[1] = rest[0] * rest[0], 0.0
    for i in range(1, rest.size):
        sums[0] += rest[i] * rest[i]
        sums[1] += rest[i] * rest[i - 1]


@inline
def _descend(
    t: Any,
    y: Any,
    p: Any,
    left: float,
    peak: float,
    right: float,
    envelope: float,
    prior: float,
    sums: Any,
    matrix: Any,
) -> None:
    """Improve the parameters until nothing is gained; leave the normal matrix and sums of residuals there."""
    work = np.zeros(3 * t.size)
    rising, falling, rest = work[: t.size], work[t.size : 2 * t.size], work[2 * t.size :]
    columns, products = np.zeros((t.size, 8)), np.zeros(8)
    side, step, trial = np.zeros(SIZE), np.zeros(SIZE), np.zeros(SIZE)
    root, cost, damping, moving = np.zeros(SIZE * SIZE), np.inf, 1e-2, True
    trial[:] = p
    for _ in range(_ITERATIONS):
        # Every function is called at one place only, since each call is compiled anew.
        logistic_pair(t, trial, rising, falling)
        found = _cost(y, trial, rising, falling, envelope, prior, rest)
        if found < cost:
            moving = cost - found > _GAIN * found
            cost, damping = found, max(0.1 * damping, 1e-12)
            p[:] = trial
            _jacobian(t, p, rising, falling, rest, envelope, columns)
            _normal(columns, p, prior, products, matrix, side)
            _spread(rest, sums)
        else:
            damping *= 10.0
        if not moving or damping > 1e8:
            break
        if _factor(matrix, damping, root):
            step[:] = side
            _solve(root, step)
            for a in range(SIZE):
                trial[a] = p[a] + step[a]
            _bounded(trial, left, peak, right)


@inline
def _widened(sums: Any) -> Any:
    """Return by how much the correlation of successive residuals widens the errors: (1 + rho) / (1 - rho)."""
    rho = min(max(sums[1] / sums[0], 0.0), 0.9) if sums[0] > 0.0 else 0.0
    return (1.0 + rho) / (1.0 - rho)


@inline
def _covariance(matrix: Any, variance: float, covariance: Any) -> None:
    """Write the inverse of the normal matrix times a variance."""
    root, column = np.zeros(SIZE * SIZE), np.zeros(SIZE)
    if _factor(matrix, 1e-12, root):
        for a in range(SIZE):
            column[:] = 0.0
            column[a] = 1.0
            _solve(root, column)
            for b in range(SIZE):
                covariance[b, a] = variance * column[b]


@kernel("(n),(n),(k),(),(),(),(),()->(k),(k,k),(),()")
def fit(
    times: Any,  # n d
    y: Any,  # n NaN for a gap
    start: Any,  # 6 first guess: base, amplitude, date of rise, ln rate, date of fall, ln rate
    left: float,  # d, first day of the season's window
    peak: float,  # d, of the peak
    right: float,  # d, last day of the window
    noise: float,  # sigma of the observations, for the weight of the prior
    envelope: float,  # weight of observations above the curve, within (0, 1); 0.5 treats both sides alike
    p: Any,  # 6 parameters
    covariance: Any,  # 6, 6
    error: Any,  # spread of the residuals
    number: Any,  # observations in the window
) -> None:
    """Fit the season between two lows; NaN for fewer observations than parameters."""
    t, value, count = np.zeros(times.size), np.zeros(times.size), 0
    for i in range(times.size):
        if left <= times[i] <= right and y[i] == y[i]:
            t[count], value[count] = times[i], y[i]
            count += 1
    number[0] = count
    if count > SIZE and left < peak < right and start[1] == start[1]:
        guess, sums, matrix = np.zeros(SIZE), np.zeros(2), np.zeros(SIZE * SIZE)
        guess[:] = start
        _bounded(guess, left, peak, right)
        prior = noise * noise * _PRIOR_WEIGHT
        _descend(t[:count], value[:count], guess, left, peak, right, envelope, prior, sums, matrix)
        variance = sums[0] / max(count - SIZE, 1)
        _covariance(matrix, variance * _widened(sums), covariance)
        error[0] = np.sqrt(variance)
        p[:] = guess
