"""Where the seasons of a year lie in a smooth curve: peaks that rise and fall enough, and the lows between them."""

from typing import Any

import numpy as np

from musyq_lab.kernels._compile import inline, kernel

MOST = 12
"""Peaks that are kept of the stretch around a year."""
FLAT = 1e-5
"""Range of a curve, relative to its values, up to which it is flat."""


@inline
def _lowest(z: Any, start: int, stop: int, last: bool) -> int:
    """Return the index of the lowest value, the last or the first of equals."""
    low = start
    for i in range(start, stop):
        if z[i] < z[low] or (last and z[i] == z[low]):
            low = i
    return low


@inline
def _peaks(z: Any, first: int, final: int, least: float, found: Any) -> int:
    """Write the peaks of a stretch (both ends included) that rise and fall by ``least``; return how many.

    At the ends of the stretch a peak counts that only falls, or only rises, by so much, if it is not the end itself.
    """
    count, top, low = 0, first, first
    rising = True  # until proved otherwise the stretch begins on its way up
    for i in range(first, final + 1):
        if rising:
            if z[i] > z[top]:
                top = i
            elif z[i] <= z[top] - least:
                if top > first and count < MOST:
                    found[count] = top
                    count += 1
                rising, low = False, i
        elif z[i] < z[low]:
            low = i
        elif z[i] >= z[low] + least:
            rising, top = True, i
    if rising and first < top < final and z[top] > z[final] and count < MOST:
        found[count] = top
        count += 1
    return count


@inline
def _crossing(times: Any, z: Any, peak: int, low: int, out: Any) -> None:
    """Write date and slope where the curve passes half of its way from the low to the peak, seen from the peak."""
    level, step = 0.5 * (z[peak] + z[low]), 1 if low > peak else -1
    i = peak
    while i != low and z[i] > level:
        i += step
    j = i - step
    out[0], out[1] = times[i], 0.0
    if i != peak and z[j] != z[i]:
        out[1] = (z[j] - z[i]) / (times[j] - times[i])
        out[0] = times[i] + (level - z[i]) / out[1]


@inline
def _limits(times: Any, begin: float, end: float, at: Any) -> None:
    """Write the first and the last index within a stretch of time; last < first if there is none."""
    at[0] = np.searchsorted(times, begin)
    at[1] = np.searchsorted(times, end, "right") - 1


@kernel("(n),(n),(),(),(),(),(),()->(),(),(),(),(),(),(),(),(),(),()")
def window(
    times: Any,  # n d
    z: Any,  # n smooth curve
    first: float,  # d of the first observation
    last: float,  # d of the last observation
    begin: float,  # d, first day of the year
    end: float,  # d, last day of the year
    reach: float,  # d that are looked at before and after the year
    prominence: float,  # least rise and fall of a peak, share of the range of the curve in that stretch
    left: Any,  # d of the low before the main peak
    peak: Any,  # d of the highest peak of the year
    right: Any,  # d of the low after it
    count: Any,  # peaks of the year
    low_left: Any,  # value of the curve at left
    top: Any,  # at the peak
    low_right: Any,  # at right
    start: Any,  # d, half-way up
    rise: Any,  # slope there (d-1)
    finish: Any,  # d, half-way down
    fall: Any,  # slope there (d-1)
) -> None:
    """Find the main season whose peak lies in a year; NaN where there is none, with a count of 0."""
    at, tops, point = np.zeros(2, np.int64), np.zeros(MOST, np.int64), np.zeros(2)
    count[0] = 0.0
    _limits(times, max(begin - reach, first), min(end + reach, last), at)
    a, b = at[0], at[1]
    if b - a >= 2:
        high, low = z[a], z[a]
        for i in range(a, b + 1):
            high, low = max(high, z[i]), min(low, z[i])
        # What is below the resolution of float32 input is no course.
        flat = high - low <= FLAT * max(abs(high), abs(low))
        number = 0 if flat else _peaks(z, a, b, prominence * (high - low), tops)
        best, seasons = -1, 0
        for k in range(number):
            if begin <= times[tops[k]] < end + 1.0:
                seasons += 1
                if best < 0 or z[tops[k]] > z[tops[best]]:
                    best = k
        count[0] = seasons
        if best >= 0:
            main = tops[best]
            i = _lowest(z, tops[best - 1] if best > 0 else a, main, True)
            j = _lowest(z, main + 1, (tops[best + 1] if best + 1 < number else b) + 1, False)
            left[0], peak[0], right[0] = times[i], times[main], times[j]
            low_left[0], top[0], low_right[0] = z[i], z[main], z[j]
            _crossing(times, z, main, i, point)
            start[0], rise[0] = point[0], point[1]
            _crossing(times, z, main, j, point)
            finish[0], fall[0] = point[0], point[1]
