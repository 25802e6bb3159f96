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

from musyq_lab.kernels._compile import kernel
from musyq_lab.kernels._math import exp, sqrt

__all__ = ["means"]


@kernel("(t),(t),(t),(f),(s),(),(r)->(s),(s),(s),(s)")
def means(
    ratio: Any,  # t K at the instants; NaN where unknown
    sigma: Any,  # t one sigma of K
    time: Any,  # t of the instants, rising (days since the start of the shape)
    shape: Any,  # f S at the middles of equal pieces of time
    first: Any,  # s number of the first piece of each step, rising
    shift: float,  # pieces by which the steps of this place begin later
    rules: Any,  # r pieces in a step, length of a piece (days), reach (days), tau (days), common share c, h
    mean_out: Any,  # s mean of K S over each step; NaN where nothing is known
    sigma_out: Any,  # s one sigma of it
    covered_out: Any,  # s share of the shape that lies within reach of an instant; 1 where the shape is zero
    count_out: Any,  # s instants within the step
) -> None:
    """Mean over each step with its error; a step whose shape is zero is zero whatever the instants say."""
    pieces, length, reach, tau, common, beyond = int(rules[0]), rules[1], rules[2], rules[3], rules[4], rules[5]
    for s in range(first.size):
        start = int(first[s]) + int(shift)
        opening, closing = start * length, (start + pieces) * length
        count, before, after = 0.0 * length, -1, -1
        for i in range(time.size):
            if not np.isnan(ratio[i]):
                if time[i] <= opening:
                    before = i
                elif after < 0:
                    after = i
                if opening <= time[i] < closing:
                    count += 1.0
        total, whole, near = 0.0 * length, 0.0 * length, 0.0 * length
        w_before, w_after, energy = 0.0 * length, 0.0 * length, 0.0 * length
        linear, squares, memory, loose, outside = (
            0.0 * length,
            0.0 * length,
            0.0 * length,
            0.0 * length,
            0.0 * length,
        )
        last = 0.0 * length
        seen = False
        for j in range(start, start + pieces):
            if j < 0 or j >= shape.size:
                continue
            t = (j + 0.5) * length
            while after >= 0 and time[after] <= t:
                # The weight of the instant before is complete: it enters the sums over pairs.
                if before >= 0:
                    a = w_before * sigma[before]
                    fade = exp(-(time[before] - last) / tau) if seen else 0.0 * length
                    memory = memory * fade
                    squares += a * a + 2.0 * a * memory
                    memory += a
                    linear += a
                    last, seen = time[before], True
                    loose += (energy * (ratio[after] - ratio[before])) ** 2
                w_before, w_after, energy = w_after, 0.0 * length, 0.0 * length
                before = after
                after = -1
                for i in range(before + 1, time.size):
                    if not np.isnan(ratio[i]):
                        after = i
                        break
            light = shape[j]
            whole += light
            if before < 0 and after < 0:
                continue
            if before < 0 or after < 0:
                only = after if before < 0 else before
                total += light * ratio[only]
                outside += light
                if before < 0:
                    w_after += light
                else:
                    w_before += light
                near += light if abs(t - time[only]) <= reach else 0.0 * length
                continue
            x = (t - time[before]) / (time[after] - time[before])
            total += light * (ratio[before] + x * (ratio[after] - ratio[before]))
            w_before += light * (1.0 - x)
            w_after += light * x
            energy += light
            near += light if min(t - time[before], time[after] - t) <= reach else 0.0 * length
        for k in range(2):
            one = before if k == 0 else after
            weight = w_before if k == 0 else w_after
            if one >= 0 and weight > 0.0:
                a = weight * sigma[one]
                fade = exp(-(time[one] - last) / tau) if seen else 0.0 * length
                memory = memory * fade
                squares += a * a + 2.0 * a * memory
                memory += a
                linear += a
                last, seen = time[one], True
        if before >= 0 and after >= 0:
            loose += (energy * (ratio[after] - ratio[before])) ** 2
        count_out[s] = count
        if whole == 0.0:
            mean_out[s], sigma_out[s], covered_out[s] = 0.0 * length, 0.0 * length, 1.0 + 0.0 * length
            continue
        covered_out[s] = near / whole
        if before < 0 and after < 0:
            continue
        mean_out[s] = total / pieces
        variance = common * linear * linear + (1.0 - common) * squares + loose / 12.0 + (beyond * outside) ** 2
        sigma_out[s] = sqrt(variance) / pieces
