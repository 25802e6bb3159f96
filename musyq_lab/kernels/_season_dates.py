"""Dates of a season from its curve, by five definitions.

======================  ================================================================================================
``DOUBLE_LOGISTIC``     the dates of the fitted logistic terms (Beck et al. 2006, doi:10.1016/j.rse.2005.10.021)
``THRESHOLD``           a share of the amplitude above the low of that side (White et al. 1997, doi:10.1029/97GB00330;
                        Jonsson & Eklundh 2002, doi:10.1109/TGRS.2002.802519)
``DERIVATIVE``          the steepest rise and fall (Tateishi & Ebata 2004, doi:10.1080/01431160310001618455)
``GU``                  where the tangents at the steepest points meet the lows and the peak (Gu et al. 2009,
                        doi:10.1007/978-1-4419-0026-5_2)
``CURVATURE``           extremes of the rate of change of the curvature (Zhang et al. 2003,
                        doi:10.1016/S0034-4257(02)00135-9)
======================  ================================================================================================

The curve is sampled day by day between the two lows; dates between days follow from straight lines or parabolas.
"""

from typing import Any

import numpy as np

from musyq_lab.kernels._compile import inline, kernel
from musyq_lab.kernels._math import exp
from musyq_lab.kernels._season_fit import logistic_pair

DOUBLE_LOGISTIC, THRESHOLD, DERIVATIVE, GU, CURVATURE = 0, 1, 2, 3, 4
FULL_SHARE = 0.9
"""Share of the amplitude at which a season is full, for thresholds (MCD12Q2: maturity and senescence)."""


@inline
def _highest(f: Any, start: int, stop: int, sign: float) -> int:
    """Return the index of the largest value of sign x f."""
    best = start
    for i in range(start, stop):
        if sign * f[i] > sign * f[best]:
            best = i
    return best


@inline
def _between(f: Any, i: int) -> Any:
    """Return by how much the extreme lies off a sample: the top of the parabola through it and its neighbours."""
    if i <= 0 or i >= f.size - 1:
        return 0.0
    bend = f[i - 1] - 2.0 * f[i] + f[i + 1]
    return 0.5 * (f[i - 1] - f[i + 1]) / bend if bend != 0.0 else 0.0


@inline
def _level(f: Any, peak: int, stop: int, level: float) -> Any:
    """Return where the curve falls below a level, going from the peak to ``stop``."""
    step, i = 1 if stop > peak else -1, peak
    while i != stop and f[i] > level:
        i += step
    if i == peak or f[i] > level:
        return float(i)
    j = i - step
    return i + (level - f[i]) / (f[j] - f[i]) * (j - i)


@inline
def _at(f: Any, x: float) -> Any:
    """Return a sampled curve between its samples."""
    i = min(max(int(x), 0), f.size - 2)
    return f[i] + (x - i) * (f[i + 1] - f[i])


@inline
def _thresholds(f: Any, top: int, share: float, out: Any) -> None:
    """Write where the curve passes the share, and nine tenths, of its amplitude on either side."""
    for k in range(4):
        rising = k < 2
        low = out[2] if rising else out[3]
        part = share if k in (0, 3) else FULL_SHARE
        out[4 + k] = _level(f, top, 0 if rising else f.size - 1, low + part * (out[1] - low))


@inline
def _tangents(f: Any, d1: Any, out: Any) -> None:
    """Replace the steepest points by where their tangents meet the low and the peak."""
    for k in range(2):
        x, low = (out[4], out[2]) if k == 0 else (out[7], out[3])
        i = min(int(x), f.size - 2)
        value, slope = f[i] + (x - i) * (f[i + 1] - f[i]), d1[i] + (x - i) * (d1[i + 1] - d1[i])
        outer, inner = x - (value - low) / slope, x + (out[1] - value) / slope
        if k == 0:
            out[4], out[5] = outer, inner
        else:
            out[6], out[7] = inner, outer


@inline
def _extremes(f: Any, start: Any, stop: Any, sign: Any, place: Any) -> None:
    """Write where a sampled curve is highest (sign 1) or lowest (-1) within stretches, between samples."""
    for k in range(start.size):
        i = _highest(f, int(start[k]), int(stop[k]), sign[k])
        place[k] = i + _between(f, i)


@inline
def _integral(f: Any, start: float, stop: float) -> Any:
    """Return the area under a sampled curve (trapezia), the curve held beyond its ends."""
    last = f.size - 1
    a, b = min(max(start, 0.0), float(last)), min(max(stop, 0.0), float(last))
    i, j = int(np.ceil(a)), int(np.floor(b))
    total = f[0] * max(-start, 0.0) + f[last] * max(stop - last, 0.0)
    if i > j:
        return total + 0.5 * (_at(f, a) + _at(f, b)) * (b - a)
    total += 0.5 * ((_at(f, a) + f[i]) * (i - a) + (f[j] + _at(f, b)) * (b - j))
    for k in range(i, j):
        total += 0.5 * (f[k] + f[k + 1])
    return total


@inline
def _describe(f: Any, d1: Any, k: Any, kind: int, share: float, out: Any) -> None:
    """Write peak (sample, value), lows and dates (samples: start, full, decline, end) from curve and derivatives."""
    size = f.size
    top = _highest(f, 0, size, 1.0)
    out[0], out[1], out[2], out[3] = top + _between(f, top), f[top], f[0], f[size - 1]
    for i in range(size):
        side = 2 if i <= top else 3
        out[side] = min(out[side], f[i])
    if kind == THRESHOLD:
        _thresholds(f, top, share, out)
    if kind > THRESHOLD:
        start, stop, sign, place = np.zeros(4), np.zeros(4), np.ones(4), np.zeros(4)
        start[2:], stop[:2], stop[2:], sign[2:] = top, top + 1, size, -1.0
        for step in range(2 if kind == CURVATURE else 1):
            _extremes(d1 if step == 0 else k, start, stop, sign, place)
            # Bends lie before and after the steepest point of either side.
            stop[0], start[1], stop[2], start[3] = place[0] + 1.0, place[0], place[2] + 1.0, place[2]
        out[4], out[7] = place[0], place[2]
        if kind == CURVATURE:
            out[4:] = place
        if kind == GU:
            _tangents(f, d1, out)


@inline
def _derivatives(p: Any, rising: Any, falling: Any, d1: Any, k: Any) -> None:
    """Write the slope of a double logistic and the rate of change of its curvature."""
    r, q = exp(p[3]), exp(p[5])
    for i in range(rising.size):
        u, v = rising[i] * (1.0 - rising[i]), falling[i] * (1.0 - falling[i])
        d1[i] = p[1] * (r * u - q * v)
        d2 = p[1] * (r * r * u * (1.0 - 2.0 * rising[i]) + q * q * v * (1.0 - 2.0 * falling[i]))
        d3 = p[1] * (r * r * r * u * (1.0 - 6.0 * u) - q * q * q * v * (1.0 - 6.0 * v))
        wide = 1.0 + d1[i] * d1[i]
        k[i] = (d3 * wide - 3.0 * d1[i] * d2 * d2) / (wide * wide * np.sqrt(wide))


@inline
def _write(f: Any, out: Any, left: float, step: float, result: Any) -> None:
    """Turn samples into days and add the area between start and end."""
    for i in range(8):
        result[i] = out[i]
    for i in (0, 4, 5, 6, 7):
        result[i] = left + step * out[i]
    if out[7] > out[4]:
        result[8] = step * _integral(f, out[4], out[7])


@inline
def _days(left: float, right: float) -> int:
    """Return how many samples a day or less apart a window takes."""
    return max(int(np.ceil(right - left)), 2) + 1


@kernel("(k),(),(),(),(),(r)->(r)")
def of_fit(
    p: Any,  # 6 parameters of the double logistic
    left: float,  # d
    right: float,  # d
    kind: float,  # definition
    share: float,  # of the amplitude, for thresholds
    layout: Any,  # 9
    result: Any,  # 9 peak (d), its value, lows left and right, start, full, decline, end (d), area (d)
) -> None:
    """Read the dates off a fitted double logistic."""
    if p[0] == p[0] and left < right:
        size = _days(left, right)
        step = (right - left) / (size - 1)
        t, rising, falling = np.zeros(size), np.zeros(size), np.zeros(size)
        f, d1, k, out = np.zeros(size), np.zeros(size), np.zeros(size), np.full(8, np.nan)
        for i in range(size):
            t[i] = left + i * step
        logistic_pair(t, p, rising, falling)
        for i in range(size):
            f[i] = p[0] + p[1] * (rising[i] + falling[i] - 1.0)
        if kind > THRESHOLD:
            _derivatives(p, rising, falling, d1, k)
        _describe(f, d1, k, int(kind), share, out)
        if kind == DOUBLE_LOGISTIC:
            out[4], out[7] = (p[2] - left) / step, (p[4] - left) / step
        _write(f, out, left, step, result)


@kernel("(n),(n),(),(),(),(),(r)->(r)")
def of_curve(
    times: Any,  # n d
    z: Any,  # n smooth curve
    left: float,  # d
    right: float,  # d
    kind: float,  # definition, THRESHOLD to GU
    share: float,  # of the amplitude, for thresholds
    layout: Any,  # 9
    result: Any,  # 9 as for a fit
) -> None:
    """Read the dates off any smooth curve, straight between its times."""
    if left < right:
        size = _days(left, right)
        step, j = (right - left) / (size - 1), 0
        f, d1, out = np.zeros(size), np.zeros(size), np.full(8, np.nan)
        for i in range(size):
            t = left + i * step
            while j < times.size - 2 and times[j + 1] < t:
                j += 1
            slope = (z[j + 1] - z[j]) / (times[j + 1] - times[j])
            f[i] = z[j] + slope * (t - times[j])
        for i in range(size):
            a, b = max(i - 1, 0), min(i + 1, size - 1)
            d1[i] = (f[b] - f[a]) / ((b - a) * step)
        _describe(f, d1, d1, int(kind), share, out)
        _write(f, out, left, step, result)
