"""Slopes of all pairs of values of long series, by selection, series by series."""

from typing import Any

import numpy as np

from musyq_lab.kernels._compile import inline, kernel
from musyq_lab.kernels._trend_network import limit


@inline
def _select(values: Any, number: int, rank: int) -> Any:
    """Return the value of a rank among the first ``number``, which are reordered (Hoare's selection)."""
    left, right = 0, number - 1
    while left < right:
        pivot, i, j = values[(left + right) // 2], left, right
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            right = j
        elif rank >= i:
            left = i
        else:
            break
    return values[rank]


@inline
def _ranked(values: Any, number: int, ranks: Any) -> None:
    """Replace ranks by the values that have them."""
    for k in range(ranks.size):
        ranks[k] = _select(values, number, int(ranks[k]))


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
    slopes = np.zeros(max(pairs, values))
    _pairs(at, known, values, slopes, sums)
    spread = (values * (values - 1.0) * (2.0 * values + 5.0) - sums[2]) / 18.0
    number[0], score[0], ties[0], variance[0] = values, sums[0], sums[1], spread
    if pairs > 0:
        deviation, ranks = z * np.sqrt(spread), np.zeros(4)
        ranks[0], ranks[1] = (pairs - 1) // 2, pairs // 2
        ranks[2], ranks[3] = limit(pairs, deviation, False), limit(pairs, deviation, True)
        # First the slopes are ranked, then what they leave: one call, since each is compiled anew.
        for stage in range(2):
            _ranked(slopes, pairs if stage == 0 else values, ranks)
            middle = 0.5 * (ranks[0] + ranks[1])
            if stage == 0:
                slope[0], low[0], high[0] = middle, ranks[2], ranks[3]
                for i in range(values):
                    slopes[i] = known[i] - middle * at[i]
                ranks[0], ranks[1], ranks[2], ranks[3] = (values - 1) // 2, values // 2, 0.0, 0.0
            else:
                rest[0] = middle
