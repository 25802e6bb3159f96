r"""Means over stretches of time from instants, along the shape that a clear sky gives the day.

Between two instants the ratio :math:`K = G / S` of the irradiance to a shape :math:`S(t)` is taken as linear, beyond
the first and the last as constant, so that the mean over a step of length T is a weighted sum of the instants,

.. math:: \bar G = \frac{1}{T} \int K(t)\,S(t)\,dt = \sum_i W_i K_i

and its error, with one sigma :math:`s_i` of each :math:`K_i`, a common share c of their variance and a correlation
:math:`e^{-|t_i - t_j| / \tau}` of the rest,

.. math:: u^2 = c \Big(\sum_i W_i s_i\Big)^2 + (1 - c) \sum_{ij} W_i W_j s_i s_j e^{-|t_i - t_j| / \tau}
          + \sum_{gaps} \frac{(E_g \Delta K)^2}{12} + (h E_h)^2

The third term is the variance of a sudden change at any moment between two instants whose ratios differ by
:math:`\Delta K`, over the energy :math:`E_g` that the shape has between them; the last that of the energy :math:`E_h`
beyond the first and last instants, where K may be off by h.
"""

from typing import Any

import numpy as np

from musyq_lab.kernels._compile import inline, kernel
from musyq_lab.kernels._math import exp, sqrt

__all__ = ["combine", "weights"]


@inline
def _following(known: Any, i: int) -> int:
    """Return the next instant after one that has a value, their number where there is none."""
    k = i + 1
    while k < known.size and np.isnan(known[k]):
        k += 1
    return k


@inline
def _deposit(weight: Any, gap: Any, light: Any, low: int, high: int, x: Any) -> Any:
    """Share light between two instants; return how much of it lies beyond all of them."""
    weight[low] += light * (1.0 - x)
    weight[high] += light * x
    if low == high:
        return light
    gap[high] += light
    return 0.0 * light


@inline
def _place(t: Any, early: Any, late: Any) -> Any:
    """Return how far a moment lies on the way from one instant to the next, 0 where they are one."""
    return (t - early) / (late - early) if late > early else 0.0 * t


@inline
def _distance(t: Any, early: Any, late: Any) -> Any:
    """Return how far a moment is from the nearer of two."""
    return min(abs(t - early), abs(late - t))


@kernel("(t),(t),(f),(s),(),(r)->(s,t),(s,t),(s),(s),(s)")
def weights(
    ratio: Any,  # t K at the instants; NaN where unknown
    time: Any,  # t of the instants, rising (days since the start of the shape)
    shape: Any,  # f S at the middles of equal pieces of time
    first: Any,  # s number of the first piece of each step, rising
    shift: float,  # pieces by which the steps of this place begin later
    rules: Any,  # r pieces in a step, length of a piece (days), reach (days)
    weights_out: Any,  # s,t weight of each instant in the mean of a step
    gaps_out: Any,  # s,t mean of the shape that lies between an instant and the one before
    outside_out: Any,  # s mean of the shape beyond the first and last instants
    covered_out: Any,  # s share of the shape within reach of an instant; 1 where the shape is zero
    count_out: Any,  # s instants within the step
) -> None:
    """Weights of the instants in the mean over each step; all zero where no instant is known."""
    pieces, length = int(rules[0]), rules[1]
    none = ratio.size
    for s in range(first.size):
        start = int(first[s]) + int(shift)
        weights_out[s, :], gaps_out[s, :] = 0.0, 0.0
        outside, near, whole, count = 0.0 * length, 0.0 * length, 0.0 * length, 0.0 * length
        before, after = none, _following(ratio, -1)
        for j in range(max(start, 0), min(start + pieces, shape.size)):
            t, light = (j + 0.5) * length, shape[j] / rules[0]
            while after < none and time[after] <= t:
                before = after
                after = _following(ratio, after)
            whole += light
            low, high = min(before, after), max(before, after)
            if low == none:
                continue
            low, high = (before, after) if high < none else (low, low)
            outside += _deposit(weights_out[s], gaps_out[s], light, low, high, _place(t, time[low], time[high]))
            near += light * (_distance(t, time[low], time[high]) <= rules[2])
        for i in range(none):
            inside = (time[i] >= start * length) & (time[i] < (start + pieces) * length)
            count += inside & (not np.isnan(ratio[i]))
        outside_out[s], count_out[s] = outside, count
        covered_out[s] = near / whole if whole > 0.0 else 1.0


@kernel("(t),(t),(t),(t),(t),(),(r)->(),()")
def combine(
    weight: Any,  # t of each instant in the mean of a step
    gap: Any,  # t mean of the shape between an instant and the one before
    ratio: Any,  # t K; NaN where unknown
    sigma: Any,  # t one sigma of K
    time: Any,  # t days
    outside: float,  # mean of the shape beyond the first and last instants
    rules: Any,  # r time within which errors fade (days), their common share, error of K beyond the instants
    mean_out: Any,
    sigma_out: Any,
) -> None:
    """Mean over a step and one sigma of it."""
    total, linear, squares, memory, loose = 0.0 * outside, 0.0 * outside, 0.0 * outside, 0.0 * outside, 0.0 * outside
    last = -1
    for i in range(weight.size):
        if np.isnan(ratio[i]):
            continue
        total += weight[i] * ratio[i]
        part = weight[i] * sigma[i]
        if last >= 0:
            memory *= exp((time[last] - time[i]) / rules[0])
            loose += (gap[i] * (ratio[i] - ratio[last])) ** 2
        squares += part * (part + 2.0 * memory)
        memory += part
        linear += part
        last = i
    mean_out[0] = total
    share = rules[1]
    variance = share * linear * linear + (1.0 - share) * squares + loose / 12.0 + (rules[2] * outside) ** 2
    sigma_out[0] = sqrt(variance)
