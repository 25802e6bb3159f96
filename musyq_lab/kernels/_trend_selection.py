"""Slopes of all pairs of values of long series, by selection, series by series."""

from typing import Any

import numpy as np

from musyq_lab.kernels._compile import inline, kernel
from musyq_lab.kernels._trend_network import limit


@inline
def _median(values: Any, number: int) -> float:
    """Return the median of the first values."""
    upper = np.partition(values[:number], number // 2)
    high = upper[number // 2]
    low = high if number % 2 == 1 else upper[: number // 2].max()
    return 0.5 * (low + high)


@inline
def _gather(times: Any, y: Any, at: Any, known: Any) -> int:
    """Pack what is not missing; return how many."""
    number = 0
    for i in range(y.size):
        if y[i] == y[i]:
            at[number], known[number] = times[i], y[i]
            number += 1
    return number


@inline
def _pairs(at: Any, known: Any, number: int, slopes: Any, sums: Any) -> None:
    """Write the slopes of all pairs; sum S, tied pairs and t(t - 1)(2t + 5) of the groups."""
    row = 0
    same = np.zeros(number)
    for i in range(number):
        for j in range(i + 1, number):
            d = known[j] - known[i]
            slopes[row] = d / (at[j] - at[i])
            row += 1
            if d > 0.0:
                sums[0] += 1.0
            elif d < 0.0:
                sums[0] -= 1.0
            elif d == 0.0:
                same[i] += 1.0
                same[j] += 1.0
        sums[1] += 0.5 * same[i]
        sums[2] += same[i] * (2.0 * same[i] + 7.0)


@kernel("(n),(n),()->(),(),(),(),(),(),(),()")
def selection(
    times: Any,  # n
    y: Any,  # n NaN for a gap
    z: float,  # standard normal deviate of the limits
    slope: Any,
    rest: Any,  # median of y - slope t
    low: Any,
    high: Any,
    score: Any,  # S
    variance: Any,  # of S
    number: Any,  # of values
    ties: Any,  # pairs of equal values
) -> None:
    """Trend of one series."""
    at, known, sums = np.zeros(y.size), np.zeros(y.size), np.zeros(3)
    values = _gather(times, y, at, known)
    pairs = values * (values - 1) // 2
    slopes = np.zeros(pairs)
    _pairs(at, known, values, slopes, sums)
    spread = (values * (values - 1.0) * (2.0 * values + 5.0) - sums[2]) / 18.0
    number[0], score[0], ties[0], variance[0] = values, sums[0], sums[1], spread
    if pairs > 0:
        middle, deviation = _median(slopes, pairs), np.float64(z) * np.sqrt(spread)
        slope[0] = middle
        lower, upper = limit(pairs, deviation, False), limit(pairs, deviation, True)
        low[0] = np.partition(slopes, lower)[lower]
        high[0] = np.partition(slopes, upper)[upper]
        for i in range(values):
            known[i] -= middle * at[i]
        rest[0] = _median(known, values)
