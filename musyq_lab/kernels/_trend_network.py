"""Slopes of all pairs of values, sorted by a network of exchanges: no branches, so 64 series at once.

The network is merge exchange (Knuth, The Art of Computer Programming 3, algorithm 5.2.2M). Missing values give infinite
slopes, which go to the end.
"""

from typing import Any

import numpy as np

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._smooth_whittaker import LANES


@inline
def limit(pairs: int, deviation: float, high: bool) -> int:
    """Return the index of a limit among sorted slopes: Sen's ranks rounded as SciPy does, kept within the ends."""
    if high:
        return min(int(np.rint(0.5 * (pairs + deviation))), pairs - 1)
    return max(int(np.rint(0.5 * (pairs - deviation))) - 1, 0)


@inline
def _pair(a: Any, b: Any, gap: float, slope: Any, score: Any, first: Any, second: Any) -> None:
    """Write the slopes between two times; count signs, and ties for both values."""
    for k in range(LANES):
        d = b[k] - a[k]
        slope[k] = select(abs(d) < np.inf, d / gap, np.inf * gap)
        score[k] += select(d > 0.0, 1.0, 0.0) - select(d < 0.0, 1.0, 0.0)
        tie = select(d == 0.0, 1.0, 0.0)
        first[k] += tie
        second[k] += tie


@inline
def _exchange(a: Any, b: Any) -> None:
    for k in range(LANES):
        x, y = a[k], b[k]
        swap = y < x
        a[k] = select(swap, y, x)
        b[k] = select(swap, x, y)


@inline
def sort_rows(rows: Any, count: int) -> None:
    """Sort ``count`` rows of lanes, lane by lane, upwards."""
    top = 1
    while 2 * top < count:
        top *= 2
    p = top
    while p > 0 and count > 1:
        q, r, d = top, 0, p
        while True:
            for i in range(count - d):
                if i & p == r:
                    at, to = i * LANES, (i + d) * LANES
                    _exchange(rows[at : at + LANES], rows[to : to + LANES])
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2


@inline
def _count(y: Any, same: Any, number: Any, ties: Any, groups: Any) -> None:
    """Count values, tied pairs (each seen from both ends), and t(t - 1)(2t + 5) of the groups by their members."""
    for k in range(LANES):
        number[k] += select(y[k] == y[k], 1.0, 0.0)
        ties[k] += 0.5 * same[k]
        groups[k] += same[k] * (2.0 * same[k] + 7.0)


@inline
def _remove(y: Any, slope: Any, time: float, out: Any) -> None:
    """Write what the line through the origin leaves of the values, infinite where missing."""
    for k in range(LANES):
        rest = y[k] - slope[k] * time
        out[k] = select(abs(rest) < np.inf, rest, np.inf * (1.0 + time))


@inline
def _spread(number: Any, groups: Any, variance: Any) -> None:
    for k in range(LANES):
        variance[k] = (number[k] * (number[k] - 1.0) * (2.0 * number[k] + 5.0) - groups[k]) / 18.0


@inline
def _middle(rows: Any, lane: int, number: int) -> Any:
    """Return the median of the first rows of a lane, at least one."""
    return 0.5 * (rows[(number - 1) // 2 * LANES + lane] + rows[number // 2 * LANES + lane])


@inline
def _slopes(rows: Any, number: Any, variance: Any, z: float, slope: Any, low: Any, high: Any) -> None:
    """Read median and limits from the sorted slopes."""
    for k in range(LANES):
        pairs = int(number[k] * (number[k] - 1.0) / 2.0)
        deviation = z * np.sqrt(variance[k])
        if pairs > 0:
            slope[k] = _middle(rows, k, pairs)
            low[k] = rows[limit(pairs, deviation, False) * LANES + k]
            high[k] = rows[limit(pairs, deviation, True) * LANES + k]


@inline
def _medians(rows: Any, number: Any, rest: Any) -> None:
    """Read the median of what the slope leaves from the sorted rows."""
    for k in range(LANES):
        if number[k] > 1.0:
            rest[k] = _middle(rows, k, int(number[k]))


@inline
def _compare(times: Any, y: Any, at: int, series: int, rows: Any, same: Any, sums: Any) -> None:
    """Write the slopes of all pairs of a block; count signs, values, ties and groups."""
    row, count = 0, times.size
    for i in range(count):
        p, r = at + i * series, i * LANES
        for j in range(i + 1, count):
            q, s = at + j * series, j * LANES
            _pair(
                y[p : p + LANES], y[q : q + LANES], times[j] - times[i], rows[row : row + LANES], sums[:LANES],
                same[r : r + LANES], same[s : s + LANES],
            )  # fmt: skip
            row += LANES
        _count(
            y[p : p + LANES], same[r : r + LANES], sums[LANES : 2 * LANES], sums[2 * LANES : 3 * LANES],
            sums[3 * LANES : 4 * LANES],
        )  # fmt: skip


@kernel("(n),(n,p),()->(p),(p),(p),(p),(p),(p),(p),(p)")
def network(
    times: Any,  # n
    y: Any,  # n, p NaN for a gap
    z: float,  # standard normal deviate of the limits
    slope: Any,  # p
    rest: Any,  # p median of y - slope t
    low: Any,  # p
    high: Any,  # p
    score: Any,  # p S
    variance: Any,  # p of S
    number: Any,  # p of values
    ties: Any,  # p pairs of equal values
) -> None:
    """Trend of every series; p is at least :data:`LANES`."""
    count, series = y.shape
    flat, pairs = y.reshape(-1), count * (count - 1) // 2
    rows, same = np.zeros(max(pairs, count) * LANES), np.zeros(count * LANES)
    sums, spread = np.zeros(4 * LANES), np.zeros(LANES)
    values = sums[LANES : 2 * LANES]
    for block in range((series + LANES - 1) // LANES):
        at = min(block * LANES, series - LANES)
        sums[:] = 0.0
        same[:] = 0.0
        slope[at : at + LANES] = np.nan
        low[at : at + LANES] = np.nan
        high[at : at + LANES] = np.nan
        rest[at : at + LANES] = np.nan
        # First the slopes are sorted, then what they leave: one call, since each is compiled anew.
        for stage in range(2):
            if stage == 0:
                _compare(times, flat, at, series, rows, same, sums)
                _spread(values, sums[3 * LANES :], spread)
            else:
                for i in range(count):
                    p, r = at + i * series, i * LANES
                    _remove(flat[p : p + LANES], slope[at : at + LANES], times[i], rows[r : r + LANES])
            sort_rows(rows, pairs if stage == 0 else count)
            if stage == 0:
                _slopes(rows, values, spread, z, slope[at : at + LANES], low[at : at + LANES], high[at : at + LANES])
            else:
                _medians(rows, values, rest[at : at + LANES])
        score[at : at + LANES] = sums[:LANES]
        variance[at : at + LANES] = spread
        number[at : at + LANES] = values
        ties[at : at + LANES] = sums[2 * LANES : 3 * LANES]
