r"""Straight lines across gaps, how long the gaps are, and how far from a line a random walk strays in them.

Between the neighbours at :math:`t_l` and :math:`t_r` the line has the variance of a Brownian bridge,
:math:`q\,(t - t_l)(t_r - t)/(t_r - t_l)` with the mean :math:`q` of squared steps by their length; beyond the first and
the last value that nearest one is held, with the variance :math:`q\,|t - t_0|`.
"""

from typing import Any

import numpy as np

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._smooth_whittaker import LANES


@inline
def _onward(y: Any, t: float, last: Any, when: Any, steps: Any, value: Any, before: Any) -> None:
    """Go one time on: keep the newest value and its time, and the squares of steps."""
    for k in range(LANES):
        known = y[k] == y[k]
        step = np.float64(y[k]) - last[k]
        usable = known & (abs(step) >= 0.0)
        steps[k] += select(usable, step * step / (t - when[k]), 0.0 * t)
        steps[LANES + k] += select(usable, 1.0, 0.0)
        last[k] = select(known, np.float64(y[k]), last[k])
        when[k] = select(known, t, when[k])
        value[k] = last[k]
        before[k] = when[k]


@inline
def _back(
    y: Any, t: float, first: float, final: float, last: Any, when: Any, value: Any, length: Any, spread: Any
) -> None:
    """Go one time back: join what is before and what is after."""
    for k in range(LANES):
        known = y[k] == y[k]
        last[k] = select(known, np.float64(y[k]), last[k])
        when[k] = select(known, t, when[k])
        left, right = np.float64(value[k]), last[k]
        since, until = t - np.float64(length[k]), when[k] - t
        span = since + until
        opened, closed = abs(left) >= 0.0, abs(right) >= 0.0
        between = left + (right - left) * (since / span)
        joined = select(opened & closed, between, select(opened, left, right))
        gap = select(opened & closed, span, select(opened, final - np.float64(length[k]), when[k] - first))
        stray = select(opened & closed, since * until / span, select(opened, since, until))
        value[k] = select(known, y[k], joined)
        length[k] = select(known, 0.0 * t, select(opened | closed, gap, np.inf))
        spread[k] = select(known, 0.0 * t, stray)


@kernel("(n),(n,p)->(n,p),(n,p),(n,p),(p)")
def bridge(
    times: Any,  # n
    y: Any,  # n, p NaN for a gap
    value: Any,  # n, p y, and lines where it is missing; NaN for a series without any value
    length: Any,  # n, p of the gap, from value to value or to the end of the series; 0 at values, inf without any
    spread: Any,  # n, p variance of the line for a random walk of 1 by unit of time
    rate: Any,  # p mean of squared steps by their length
) -> None:
    """Draw lines across gaps; p is at least :data:`LANES`."""
    count, series = y.shape
    flat, values, lengths, spreads = y.reshape(-1), value.reshape(-1), length.reshape(-1), spread.reshape(-1)
    last, when, steps = np.zeros(LANES), np.zeros(LANES), np.zeros(2 * LANES)
    first, final = np.float64(times[0]), np.float64(times[count - 1])
    for block in range((series + LANES - 1) // LANES):
        at = min(block * LANES, series - LANES)
        last[:] = np.nan
        when[:] = 0.0
        steps[:] = 0.0
        for i in range(count):
            p, q = at + i * series, at + i * series + LANES
            _onward(flat[p:q], np.float64(times[i]), last, when, steps, values[p:q], lengths[p:q])
        last[:] = np.nan
        for i in range(count - 1, -1, -1):
            p, q = at + i * series, at + i * series + LANES
            t = np.float64(times[i])
            _back(flat[p:q], t, first, final, last, when, values[p:q], lengths[p:q], spreads[p:q])
        rate[at : at + LANES] = steps[:LANES] / steps[LANES:]
