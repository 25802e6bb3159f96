r"""Local polynomials through series with gaps (Savitzky-Golay), many series side by side, in one pass.

At each time a polynomial in :math:`u = (t - t_i) / h` is fitted with weights to the values there are within the window,
and its value and the variance of it at u = 0 are kept:

.. math:: z_i = e_0' M^{-1} X'Wy, \qquad M = X'WX, \qquad v_i = e_0' M^{-1} e_0

On equal steps without gaps these are the constants of Savitzky & Golay (1964, doi:10.1021/ac60214a047). At the ends the
window is cut, not mirrored. Moments up to the sixth are summed in float64.
"""

from typing import Any

import numpy as np

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._smooth_whittaker import LANES

_SUMS = 11  # moments 0 to 6 of the weights, 0 to 3 of the weighted values


@inline
def _add(y: Any, w: Any, u: float, sums: Any) -> None:
    """Add one time to the moments of the window."""
    u2 = u * u
    for k in range(LANES):
        known = (y[k] == y[k]) & (w[k] > 0.0)
        weight = select(known, np.float64(w[k]), 0.0 * u)
        value = weight * select(known, np.float64(y[k]), 0.0 * u)
        sums[k] += weight
        sums[LANES + k] += weight * u
        sums[2 * LANES + k] += weight * u2
        sums[3 * LANES + k] += weight * (u2 * u)
        sums[4 * LANES + k] += weight * (u2 * u2)
        sums[5 * LANES + k] += weight * (u2 * u2 * u)
        sums[6 * LANES + k] += weight * (u2 * u2 * u2)
        sums[7 * LANES + k] += value
        sums[8 * LANES + k] += value * u
        sums[9 * LANES + k] += value * u2
        sums[10 * LANES + k] += value * (u2 * u)


@inline
def _count(y: Any, w: Any, number: Any) -> None:
    """Count the values of one time."""
    for k in range(LANES):
        number[k] += select((y[k] == y[k]) & (w[k] > 0.0), 1.0, 0.0)


@inline
def _solve(s: Any, number: Any, degree: int, has1: float, has2: float, has3: float, z: Any, v: Any) -> None:
    """Solve the normal equations by LDL', from the highest power down: the constant is then the last to be known.

    A power that the degree lacks is cut off: no coupling, and a pivot of 1.
    """
    for k in range(LANES):
        s1, s2, s3 = s[LANES + k], s[2 * LANES + k], s[3 * LANES + k]
        d3 = select(has3 > 0.0, s[6 * LANES + k], 1.0 + 0.0 * s1)
        l23, l13, l03 = has3 * s[5 * LANES + k] / d3, has3 * s[4 * LANES + k] / d3, has3 * s3 / d3
        d2 = select(has2 > 0.0, s[4 * LANES + k] - l23 * l23 * d3, 1.0 + 0.0 * s1)
        l12, l02 = has2 * (s3 - l13 * l23 * d3) / d2, has2 * (s2 - l03 * l23 * d3) / d2
        d1 = select(has1 > 0.0, s2 - l13 * l13 * d3 - l12 * l12 * d2, 1.0 + 0.0 * s1)
        l01 = has1 * (s1 - l03 * l13 * d3 - l02 * l12 * d2) / d1
        d0 = s[k] - l03 * l03 * d3 - l02 * l02 * d2 - l01 * l01 * d1
        r3 = has3 * s[10 * LANES + k]
        r2 = has2 * s[9 * LANES + k] - l23 * r3
        r1 = has1 * s[8 * LANES + k] - l13 * r3 - l12 * r2
        r0 = s[7 * LANES + k] - l03 * r3 - l02 * r2 - l01 * r1
        enough = number[k] > degree
        z[k] = select(enough, r0 / d0, np.nan)
        v[k] = select(enough, 1.0 / d0, np.nan)


@inline
def residuals(y: Any, w: Any, z: Any, v: Any, sums: Any) -> None:
    """Add one time to the weighted squares of the residuals, the number of values and the trace of the hat matrix."""
    for k in range(LANES):
        known = (y[k] == y[k]) & (w[k] > 0.0) & (z[k] == z[k])
        weight = select(known, np.float64(w[k]), 0.0 * sums[k])
        rest = select(known, np.float64(y[k]) - np.float64(z[k]), 0.0 * sums[k])
        sums[k] += weight * rest * rest
        sums[LANES + k] += select(known, 1.0, 0.0)
        sums[2 * LANES + k] += weight * select(known, np.float64(v[k]), 0.0 * sums[k])


@kernel("(n),(n),(n),(n,p),(n,p),(),()->(n,p),(n,p),(p),(p),(p)")
def local_polynomial(
    times: Any,  # n
    first: Any,  # n index of the first time in the window of each time
    last: Any,  # n and of the last
    y: Any,  # n, p NaN for a gap
    w: Any,  # n, p weights, 0 for a gap
    half: float,  # half width of the window, in units of the times
    degree: float,  # 0 to 3
    z: Any,  # n, p NaN where the window holds no more values than the degree
    diagonal: Any,  # n, p variance of z for weights that are inverse variances
    fit: Any,  # p weighted sum of squared residuals
    number: Any,  # p of values
    trace: Any,  # p of the hat matrix
) -> None:
    """Fit a local polynomial at every time; p is at least :data:`LANES`."""
    count, series = y.shape
    flat, weights, out, variance = y.reshape(-1), w.reshape(-1), z.reshape(-1), diagonal.reshape(-1)
    sums, total, enough = np.zeros(_SUMS * LANES), np.zeros(3 * LANES), np.zeros(LANES)
    has1, has2, has3 = np.float64(degree >= 1.0), np.float64(degree >= 2.0), np.float64(degree >= 3.0)
    for block in range((series + LANES - 1) // LANES):
        at = min(block * LANES, series - LANES)
        total[:] = 0.0
        for i in range(count):
            sums[:] = 0.0
            enough[:] = 0.0
            for j in range(int(first[i]), int(last[i]) + 1):
                p = at + j * series
                u = (np.float64(times[j]) - np.float64(times[i])) / np.float64(half)
                _add(flat[p : p + LANES], weights[p : p + LANES], u, sums)
                _count(flat[p : p + LANES], weights[p : p + LANES], enough)
            p, q = at + i * series, at + i * series + LANES
            _solve(sums, enough, int(degree), has1, has2, has3, out[p:q], variance[p:q])
            residuals(flat[p:q], weights[p:q], out[p:q], variance[p:q], total)
        fit[at : at + LANES] = total[:LANES]
        number[at : at + LANES] = total[LANES : 2 * LANES]
        trace[at : at + LANES] = total[2 * LANES :]
