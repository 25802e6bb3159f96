r"""Harmonic analysis of series with outliers (HANTS), many series side by side.

A mean and the harmonics :math:`\cos k\omega t, \sin k\omega t` (k = 1 to f) are fitted by least squares; values too far
on one side of the curve are dropped and the fit repeated, until the farthest is within the tolerance (Roerink, Menenti
& Verhoef 2000, doi:10.1080/014311600209814; Zhou, Jia & Menenti 2015, doi:10.1016/j.rse.2015.03.018). A turn drops all
values farther than half of the farthest; a turn that would leave fewer than the required number is not made (the
original drops them one by one up to that number).

The normal matrix is built from :math:`4f + 1` sums, since products of harmonics are sums of harmonics.
"""

from typing import Any

import numpy as np

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._math import sincos, sqrt
from musyq_lab.kernels._smooth_polynomial import residuals
from musyq_lab.kernels._smooth_whittaker import LANES


@inline
def _weigh(y: Any, w: Any, weight: Any, number: Any) -> None:
    """Write the weights in use at one time."""
    for k in range(LANES):
        known = (y[k] == y[k]) & (w[k] > 0.0)
        weight[k] = select(known, np.float64(w[k]), 0.0 * number[k])
        number[k] += select(known, 1.0, 0.0)


@inline
def _add(weight: Any, factor: float, target: Any) -> None:
    for k in range(LANES):
        target[k] += weight[k] * factor


@inline
def _add_value(weight: Any, y: Any, factor: float, target: Any) -> None:
    for k in range(LANES):
        target[k] += select(weight[k] > 0.0, weight[k] * np.float64(y[k]), 0.0 * factor) * factor


@inline
def _combine(a: Any, b: Any, x: float, y: float, more: float, target: Any) -> None:
    for k in range(LANES):
        target[k] = x * a[k] + y * b[k] + more


@inline
def _subtract(a: Any, b: Any, target: Any) -> None:
    for k in range(LANES):
        target[k] -= a[k] * b[k]


@inline
def _divide(root: Any, target: Any) -> None:
    for k in range(LANES):
        target[k] /= root[k]


@inline
def _root(target: Any) -> None:
    for k in range(LANES):
        target[k] = sqrt(target[k])


@inline
def _square(a: Any, target: Any) -> None:
    for k in range(LANES):
        target[k] += a[k] * a[k]


@inline
def _row(index: int) -> Any:
    """Return where a row of lanes begins."""
    return index * LANES


@inline
def _sums(y: Any, weight: Any, at: int, pace: int, waves: Any, harmonics: int, sums: Any, right: Any) -> None:
    """Sum weights over harmonics to twice the highest, cosines then sines, and weighted values over the basis."""
    width = 4 * harmonics + 2
    sums[:] = 0.0
    right[:] = 0.0
    for i in range(waves.size // width):
        now = weight[i * LANES : (i + 1) * LANES]
        values = y[at + i * pace : at + i * pace + LANES]
        for j in range(width):
            _add(now, waves[i * width + j], sums[_row(j) : _row(j) + LANES])
        for j in range(2 * harmonics + 1):
            # Basis: 1, cos 1, sin 1, cos 2, ...; waves: cos 0, cos 1, ..., sin 0, sin 1, ...
            wave = (j + 1) // 2 if j % 2 or j == 0 else width // 2 + j // 2
            _add_value(now, values, waves[i * width + wave], right[_row(j) : _row(j) + LANES])


@inline
def _matrix(sums: Any, harmonics: int, damping: float, matrix: Any) -> None:
    """Write the lower triangle, row by row, from products of harmonics as sums of harmonics."""
    sines = 2 * harmonics + 1
    for i in range(2 * harmonics + 1):
        for j in range(i + 1):
            a, b = (i + 1) // 2, (j + 1) // 2
            high, low = a + b, abs(a - b)
            place = _row(i * (i + 1) // 2 + j)
            more = damping if i == j and i > 0 else 0.0 * damping
            cosine_i, cosine_j = i % 2 == 1 or i == 0, j % 2 == 1 or j == 0
            x, y = 0.5, 0.5
            if cosine_i != cosine_j:
                # cos p sin q = (sin(p + q) - sin(p - q)) / 2, with the sine's index first where it is i
                high, low = high + sines, low + sines
                sine_minus_cosine = a - b if not cosine_i else b - a
                y = 0.5 if sine_minus_cosine >= 0 else -0.5
            elif not cosine_i:
                x = -0.5
            _combine(
                sums[_row(high) : _row(high) + LANES], sums[_row(low) : _row(low) + LANES], x, y, more,
                matrix[place : place + LANES],
            )  # fmt: skip


@inline
def _factor(matrix: Any, size: int) -> None:
    """Turn the lower triangle into its Cholesky factor."""
    for j in range(size):
        diagonal = _row(j * (j + 1) // 2 + j)
        for i in range(j, size):
            target = _row(i * (i + 1) // 2 + j)
            for m in range(j):
                a, b = _row(i * (i + 1) // 2 + m), _row(j * (j + 1) // 2 + m)
                _subtract(matrix[a : a + LANES], matrix[b : b + LANES], matrix[target : target + LANES])
            if i == j:
                _root(matrix[target : target + LANES])
            else:
                _divide(matrix[diagonal : diagonal + LANES], matrix[target : target + LANES])


@inline
def _down(matrix: Any, size: int, right: Any) -> None:
    """Solve with the factor, in place."""
    for i in range(size):
        target = right[_row(i) : _row(i) + LANES]
        for j in range(i):
            place = _row(i * (i + 1) // 2 + j)
            _subtract(matrix[place : place + LANES], right[_row(j) : _row(j) + LANES], target)
        place = _row(i * (i + 1) // 2 + i)
        _divide(matrix[place : place + LANES], target)


@inline
def _up(matrix: Any, size: int, right: Any) -> None:
    """Solve with the factor transposed, in place."""
    for i in range(size - 1, -1, -1):
        target = right[_row(i) : _row(i) + LANES]
        for j in range(i + 1, size):
            place = _row(j * (j + 1) // 2 + i)
            _subtract(matrix[place : place + LANES], right[_row(j) : _row(j) + LANES], target)
        place = _row(i * (i + 1) // 2 + i)
        _divide(matrix[place : place + LANES], target)


@inline
def _curve(waves: Any, harmonics: int, i: int, coefficients: Any, target: Any) -> None:
    """Write the curve at one time."""
    width = 4 * harmonics + 2
    target[:] = 0.0
    for j in range(2 * harmonics + 1):
        wave = (j + 1) // 2 if j % 2 or j == 0 else width // 2 + j // 2
        _add(coefficients[_row(j) : _row(j) + LANES], waves[i * width + wave], target)


@inline
def _farthest(y: Any, weight: Any, curve: Any, low: float, high: float, far: Any) -> None:
    """Keep the largest distance on the sides that are looked at."""
    for k in range(LANES):
        rest = np.float64(y[k]) - curve[k]
        rest = select(rest > 0.0, rest * high, -rest * low)
        far[k] = select((weight[k] > 0.0) & (rest > far[k]), rest, far[k])


@inline
def _drop(y: Any, curve: Any, low: float, high: float, limit: Any, weight: Any, dropped: Any, really: Any) -> None:
    """Count values beyond the limit, and remove them in the series that can spare them."""
    for k in range(LANES):
        rest = np.float64(y[k]) - curve[k]
        rest = select(rest > 0.0, rest * high, -rest * low)
        beyond = (weight[k] > 0.0) & (rest > limit[k])
        dropped[k] += select(beyond, 1.0, 0.0)
        weight[k] = select(beyond & (really[k] > 0.0), 0.0 * limit[k], weight[k])


@inline
def _decide(far: Any, number: Any, dropped: Any, least: float, tolerance: float, really: Any, limit: Any) -> Any:
    """Set the limit of the next turn, and which series it touches; return how many."""
    touched = 0.0
    for k in range(LANES):
        limit[k] = 0.5 * far[k]
        spare = (far[k] > tolerance) & (number[k] - dropped[k] >= least) & (dropped[k] > 0.0)
        really[k] = select(spare, 1.0, 0.0)
        touched += really[k]
    return touched


@inline
def _waves(times: Any, period: float, harmonics: int, waves: Any) -> None:
    """Write cosines, then sines, of 0 to twice the highest harmonic at each time."""
    half = 2 * harmonics + 1
    for i in range(times.size):
        for j in range(half):
            turn = np.float64(times[i]) * j / np.float64(period)
            sine, cosine = sincos((turn - np.floor(turn)) * (2.0 * np.float64(np.pi)))
            waves[2 * half * i + j] = cosine
            waves[2 * half * i + half + j] = sine


@inline
def _fit(y: Any, weight: Any, at: int, pace: int, waves: Any, harmonics: int, damping: float, state: Any) -> None:
    """Leave the Cholesky factor and the coefficients of a block of series in its state."""
    size = 2 * harmonics + 1
    sums, right, matrix = (
        state[: 2 * size * LANES],
        state[2 * size * LANES : 3 * size * LANES],
        state[3 * size * LANES :],
    )
    _sums(y, weight, at, pace, waves, harmonics, sums, right)
    _matrix(sums, harmonics, damping, matrix)
    _factor(matrix, size)
    _down(matrix, size, right)
    _up(matrix, size, right)


@inline
def _reject(
    y: Any, at: int, pace: int, waves: Any, harmonics: int, right: Any, low: float, high: float, tolerance: float,
    least: float, weight: Any, number: Any,
) -> Any:  # fmt: skip
    """Drop what is farther than half of the farthest; return how many series were touched."""
    count = waves.size // (4 * harmonics + 2)
    curve, far, limit = np.zeros(count * LANES), np.zeros(LANES), np.zeros(LANES)
    really, dropped = np.zeros(LANES), np.zeros(LANES)
    for i in range(count):
        p, r = at + i * pace, i * LANES
        _curve(waves, harmonics, i, right, curve[r : r + LANES])
        _farthest(y[p : p + LANES], weight[r : r + LANES], curve[r : r + LANES], low, high, far)
    limit[:] = 0.5 * far
    touched = 0.0
    for again in range(2):
        dropped[:] = 0.0
        for i in range(count):
            p, r = at + i * pace, i * LANES
            _drop(y[p : p + LANES], curve[r : r + LANES], low, high, limit, weight[r : r + LANES], dropped, really)
        if again == 0:
            touched = _decide(far, number, dropped, least, tolerance, really, limit)
    number -= dropped * really
    return touched


@inline
def _error(waves: Any, harmonics: int, i: int, matrix: Any, basis: Any) -> None:
    """Solve the factor for the basis at one time: the squares of the result sum to the variance of the curve."""
    width = 4 * harmonics + 2
    for j in range(2 * harmonics + 1):
        wave = (j + 1) // 2 if j % 2 or j == 0 else width // 2 + j // 2
        basis[_row(j) : _row(j) + LANES] = waves[i * width + wave]
    _down(matrix, 2 * harmonics + 1, basis)


@inline
def _keep(curve: Any, basis: Any, enough: Any, least: float, size: int, z: Any, v: Any) -> None:
    """Write the curve and its variance where there were values enough."""
    v[:] = 0.0
    for j in range(size):
        _square(basis[_row(j) : _row(j) + LANES], v)
    for k in range(LANES):
        z[k] = select(enough[k] >= least, curve[k], np.nan)
        v[k] = select(enough[k] >= least, np.float64(v[k]), np.nan)


@kernel("(n),(n,p),(n,p),(),(),(),(),(),(),(),()->(n,p),(n,p),(p),(p),(p)")
def hants(
    times: Any,  # n
    y: Any,  # n, p NaN for a gap
    w: Any,  # n, p weights, 0 for a gap
    period: float,  # of the first harmonic, in units of the times
    harmonics: float,  # how many
    low: float,  # 1 to reject values below the curve, else 0
    high: float,  # 1 to reject values above it, else 0
    tolerance: float,  # distance that no value is rejected for, in units of y
    least: float,  # values that must remain
    damping: float,  # added to the diagonal but for the mean
    turns: float,  # of rejection, at most
    z: Any,  # n, p NaN where fewer values than needed are there from the start
    diagonal: Any,  # n, p variance of z for weights that are inverse variances
    fit: Any,  # p weighted sum of squared residuals of the values that remain
    number: Any,  # p of values that remain
    trace: Any,  # p of the hat matrix
) -> None:
    """Fit harmonics to every series; p is at least :data:`LANES`."""
    count, series = y.shape
    waves_of, size = int(harmonics), 2 * int(harmonics) + 1
    flat, weights, out, variance = y.reshape(-1), w.reshape(-1), z.reshape(-1), diagonal.reshape(-1)
    waves, weight = np.zeros(2 * size * count), np.zeros(count * LANES)
    state, basis = np.zeros((3 * size + size * (size + 1) // 2) * LANES), np.zeros(size * LANES)
    enough, total, curve = np.zeros(LANES), np.zeros(3 * LANES), np.zeros(LANES)
    right, matrix = state[2 * size * LANES : 3 * size * LANES], state[3 * size * LANES :]
    _waves(times, period, waves_of, waves)
    for block in range((series + LANES - 1) // LANES):
        at = min(block * LANES, series - LANES)
        enough[:] = 0.0
        total[:] = 0.0
        for i in range(count):
            p, r = at + i * series, i * LANES
            _weigh(flat[p : p + LANES], weights[p : p + LANES], weight[r : r + LANES], enough)
        _fit(flat, weight, at, series, waves, waves_of, damping, state)
        for _ in range(int(turns)):
            touched = _reject(flat, at, series, waves, waves_of, right, low, high, tolerance, least, weight, enough)
            if touched == 0.0:
                break
            _fit(flat, weight, at, series, waves, waves_of, damping, state)
        for i in range(count):
            p, r = at + i * series, i * LANES
            _curve(waves, waves_of, i, right, curve)
            _error(waves, waves_of, i, matrix, basis)
            _keep(curve, basis, enough, least, size, out[p : p + LANES], variance[p : p + LANES])
            residuals(flat[p : p + LANES], weight[r : r + LANES], out[p : p + LANES], variance[p : p + LANES], total)
        fit[at : at + LANES] = total[:LANES]
        number[at : at + LANES] = total[LANES : 2 * LANES]
        trace[at : at + LANES] = total[2 * LANES :]
