r"""Many looks at one place made into one value: choice of looks, weights that resist outliers, means.

Every array has the looks along its last dimension but one and a block of neighbouring pixels ("lanes") along its last:
:func:`lanes` brings an image stack ``(look, pixel)`` to that form. All inner loops run over lanes, so the processor
works on many pixels at once; sums run over the looks in their given order.

Let :math:`b_i` be the weights given. A look far from the weighted median :math:`m` counts less by Tukey's bisquare,
one step from the median (a W-estimator; Beaton & Tukey 1974, doi 10.1080/00401706.1974.10489171):

.. math::
   h_i = \left(1 - \left(\frac{x_i - m}{4.685\, s}\right)^2\right)_+^2, \qquad
   s = \min\left(\max(1.4826\ \mathrm{med}|x_i - m|,\ \sigma),\ 2 \sigma\right), \qquad \sigma = 0.005 + 0.05 m

where :math:`\sigma` is what MOD09 promises of one look. What a mask misses of clouds and haze only brightens the
visible bands, and may be in most looks; there looks are judged on one side, from the quantile :math:`d` below which a
tenth of the weight lies, by what a clear look may differ:

.. math:: h_i = \left(1 - \left(\frac{(x_i - d)_+}{2 \sigma(d)}\right)^2\right)_+^2

The looks that remain weigh as in the best linear unbiased
estimate for a random part :math:`r_i`, independent between looks, and a systematic part :math:`s_i` that the
:math:`n` looks of a sensor share, so that a thousand looks of one sensor do not outvote another sensor:

.. math:: w_i = \frac{b_i h_i}{r_i^2 + n s_i^2}, \qquad n = \frac{(\sum b_i h_i)^2}{\sum (b_i h_i)^2}

with Kish's effective number :math:`n` (Kish 1965, Survey Sampling) over the sensor's looks.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._math import sqrt

__all__ = ["LANES", "agree", "balance", "bisquare", "choose", "combine", "darker", "lanes", "relative", "weighted_mean"]

LANES = 256
"""Pixels in a block: the few arrays of one stay in the second-level cache."""

CUT = 4.685
"""Residual, in units of the scale, from which a look is left out (95 % efficiency for normal errors)."""
CONSISTENT = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
OFFSET, SLOPE = 0.005, 0.05
"""One sigma of a surface reflectance: offset (1) and share of it, as MOD09 states (Vermote & Vermeulen 1999, ATBD)."""
WIDEST = 2.0
"""Largest scale in units of that sigma: where half of the looks are cloudy, their own spread says nothing."""
DARKEST = 0.1
"""Share of the weight below the look from which brighter ones are judged (a choice: the minimum would follow noise)."""
BRIGHTER = 2.0
"""Sigmas above it from which a look is left out (a choice: 3 left a tenth more error on the simulated Earth)."""

_HALVINGS = 12  # of the range of the looks: a median is exact unless two looks differ by less than 2^-12 of it
_SAME = 1e-5  # relative: sums of weights in float32 that differ by less are one
_STEP = 1e-6  # reflectance that makes no difference
_LEAST = 1e-4  # variance, in units of what MOD09 states: a look that states less is believed so far
_FAR = math.inf
_RUN = 1 << 17  # pixels of one call: its fixed cost is a few microseconds


def lanes(stack: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a view ``(block, look, LANES)`` of a stack ``(look, pixel)`` whose pixels are a multiple of LANES."""
    looks, pixels = stack.shape
    return np.moveaxis(stack.reshape(looks, pixels // LANES, LANES), 0, 1)


@inline
def _clear(array: Any) -> None:
    for k in range(array.shape[0]):
        for j in range(array.shape[1]):
            array[k, j] = 0.0


@inline
def _bounds(x: Any, w: Any, low: Any, high: Any, whole: Any) -> None:
    """Fill the range of the looks that weigh something, a little wider below, and their weight."""
    for j in range(x.shape[1]):
        low[j], high[j], whole[j] = _FAR, -_FAR, 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            taken = w[i, j] > 0.0
            low[j] = select(taken & (x[i, j] < low[j]), x[i, j], low[j])
            high[j] = select(taken & (x[i, j] > high[j]), x[i, j], high[j])
            whole[j] += select(taken, w[i, j], 0.0)
    for j in range(x.shape[1]):
        low[j] -= _STEP


@inline
def _halve(x: Any, w: Any, share: Any, low: Any, high: Any, whole: Any, total: Any) -> None:
    """Narrow a range that holds the look at a share of the weight to a half."""
    for j in range(x.shape[1]):
        total[j] = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            total[j] += select(x[i, j] <= 0.5 * (low[j] + high[j]), w[i, j], 0.0)
    for j in range(x.shape[1]):
        middle = 0.5 * (low[j] + high[j])
        enough = total[j] >= (share - _SAME) * whole[j]
        high[j] = select(enough, middle, high[j])
        low[j] = select(enough, low[j], middle)


@inline
def _settle(x: Any, w: Any, share: Any, low: Any, high: Any, whole: Any, total: Any, out: Any) -> None:
    """Fill the look just above ``low``, or the middle to the next one where the weight is cut between the two."""
    for j in range(x.shape[1]):
        out[j], high[j], total[j] = _FAR, _FAR, 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[j] = select((w[i, j] > 0.0) & (x[i, j] > low[j]) & (x[i, j] < out[j]), x[i, j], out[j])
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            total[j] += select(x[i, j] <= out[j], w[i, j], 0.0)
            high[j] = select((w[i, j] > 0.0) & (x[i, j] > out[j]) & (x[i, j] < high[j]), x[i, j], high[j])
    for j in range(x.shape[1]):
        tie = (total[j] <= (share + _SAME) * whole[j]) & (high[j] < _FAR)
        out[j] = select(tie, 0.5 * (out[j] + high[j]), out[j])


@kernel("(n,p),(n,p)->(n,p)")
def bisquare(
    value: Any,  # n p reflectance (1), finite where the look weighs something
    weight: Any,  # n p, 0 for a look that is not to be used
    out: Any,  # n p
) -> None:
    """Lower the weight of looks that lie apart from the median on either side; see the module."""
    pixels = value.shape[1]
    away, room = np.empty_like(value), np.empty((6, pixels), value.dtype)
    low, high, whole, total, found, centre = room[0], room[1], room[2], room[3], room[4], room[5]
    for j in range(pixels):
        centre[j] = 0.0
    for turn in range(2):  # the median, then that of the distances from it
        for i in range(value.shape[0]):
            for j in range(pixels):
                away[i, j] = select(turn == 0, value[i, j], abs(value[i, j] - centre[j]))
        _bounds(away, weight, low, high, whole)
        for _ in range(_HALVINGS):
            _halve(away, weight, 0.5, low, high, whole, total)
        _settle(away, weight, 0.5, low, high, whole, total, found)
        for j in range(pixels):
            centre[j] = select(turn == 0, found[j], centre[j])
    for j in range(pixels):
        sigma = OFFSET + SLOPE * max(centre[j], 0.0)
        found[j] = 1.0 / (CUT * min(max(CONSISTENT * found[j], sigma), WIDEST * sigma))
    for i in range(value.shape[0]):
        for j in range(pixels):
            u = away[i, j] * found[j]
            h = 1.0 - u * u
            out[i, j] = select((h > 0.0) & (weight[i, j] > 0.0), weight[i, j] * h * h, 0.0)


@kernel("(n,p),(n,p)->(n,p)")
def darker(
    value: Any,  # n p reflectance (1) where clouds and haze brighten, finite where the look weighs something
    weight: Any,  # n p
    out: Any,  # n p
) -> None:
    """Lower the weight of looks that are brighter than the darkest tenth; see the module."""
    pixels = value.shape[1]
    room = np.empty((5, pixels), value.dtype)
    low, high, whole, total, dark = room[0], room[1], room[2], room[3], room[4]
    _bounds(value, weight, low, high, whole)
    for _ in range(_HALVINGS):
        _halve(value, weight, DARKEST, low, high, whole, total)
    _settle(value, weight, DARKEST, low, high, whole, total, dark)
    for i in range(value.shape[0]):
        for j in range(pixels):
            u = max(value[i, j] - dark[j], 0.0) / (BRIGHTER * (OFFSET + SLOPE * max(dark[j], 0.0)))
            h = 1.0 - u * u
            out[i, j] = select((h > 0.0) & (weight[i, j] > 0.0), weight[i, j] * h * h, 0.0)


@inline
def _count(weight: Any, rank: Any, last: Any, count: Any) -> None:
    """Fill the number of clear looks up to a window."""
    for j in range(weight.shape[1]):
        count[j] = 0.0
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            count[j] += select((weight[i, j] > 0.0) & (rank[i] <= last), 1.0, 0.0)


@kernel("(n,p),(n),(r),()->(n,p),(p)")
def choose(
    weight: Any,  # n p, 0 for a look that is not clear
    rank: Any,  # n number of the shortest window that holds a look, from 0
    ranks: Any,  # r 0, 1, 2 ...
    enough: float,  # looks
    out: Any,  # n p weight in the window chosen, else 0
    window: Any,  # p its number, 0 where no look is clear
) -> None:
    """Take the shortest window with enough looks, or with all there are."""
    every, count = np.empty_like(window), np.empty_like(window)
    _count(weight, rank, ranks[-1], every)
    for j in range(weight.shape[1]):
        window[j] = -1.0
    for r in range(ranks.shape[0]):
        _count(weight, rank, ranks[r], count)
        for j in range(weight.shape[1]):
            found = (window[j] < 0.0) & (count[j] >= min(every[j], enough))
            window[j] = select(found, ranks[r], window[j])
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            out[i, j] = select(rank[i] <= window[j], weight[i, j], 0.0)


@kernel("(n,p),(n,p)->(n,p),(p)")
def agree(
    weight: Any,  # n p
    snow: Any,  # n p, 1 where a look shows snow, else 0
    out: Any,  # n p weight of the looks with snow, or of those without, whichever weigh more
    snowy: Any,  # p 1 where those with snow do
) -> None:
    """Keep looks at snow and looks at bare ground apart."""
    white = np.empty_like(snowy)
    for j in range(weight.shape[1]):
        white[j] = 0.0
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            white[j] += select(snow[i, j] > 0.5, weight[i, j], -weight[i, j])
    for j in range(weight.shape[1]):
        snowy[j] = select(white[j] > 0.0, 1.0, 0.0)
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            out[i, j] = select((snow[i, j] > 0.5) == (snowy[j] > 0.5), weight[i, j], 0.0)


@kernel("(),(),(),()->()")
def relative(
    first: float,  # reflectance (1)
    second: float,  # reflectance of another band (1)
    sigma_first: float,  # its one sigma (1)
    sigma_second: float,  # the same of the other band (1)
    out: Any,  # variance in units of what MOD09 states, mean of both bands
) -> None:
    """Stated variance in a unit that is fair to dark and bright looks."""
    a = sigma_first / (OFFSET + SLOPE * max(first, 0.0 * first))
    b = sigma_second / (OFFSET + SLOPE * max(second, 0.0 * second))
    out[0] = 0.5 * (a * a + b * b)


@kernel("(n,p),(n,p),(n,p),(n),(s)->(n,p)")
def balance(
    weight: Any,  # n p
    random: Any,  # n p variance that is independent between looks
    systematic: Any,  # n p variance that the looks of a sensor share
    sensor: Any,  # n number of the sensor of a look, from 0
    sensors: Any,  # s 0, 1, 2 ...
    out: Any,  # n p weight over variance
) -> None:
    """Weigh looks by their variance; see the module."""
    pixels = weight.shape[1]
    room = np.empty((2 * sensors.shape[0], pixels), weight.dtype)
    _clear(room)
    for i in range(weight.shape[0]):
        k = 2 * int(sensor[i])
        for j in range(pixels):
            room[k, j] += weight[i, j]
            room[k + 1, j] += weight[i, j] * weight[i, j]
    for i in range(weight.shape[0]):
        k = 2 * int(sensor[i])
        for j in range(pixels):
            looks = room[k, j] * room[k, j] / room[k + 1, j]
            w = weight[i, j] / max(random[i, j] + looks * systematic[i, j], _LEAST)
            out[i, j] = select(weight[i, j] > 0.0, w, 0.0)


@kernel("(n,p),(n,p),(n,p),(n,p),(n),(s)->(p),(p),(p),(s,p)")
def combine(
    value: Any,  # n p
    weight: Any,  # n p
    random: Any,  # n p one sigma, independent between looks
    systematic: Any,  # n p one sigma, common to the looks of a sensor
    sensor: Any,  # n number of the sensor of a look, from 0
    sensors: Any,  # s 0, 1, 2 ...
    average: Any,  # p weighted mean
    noise: Any,  # p its one sigma, random part
    shift: Any,  # p its one sigma, systematic part
    apart: Any,  # s p weighted mean of each sensor
) -> None:
    """Weighted mean and its uncertainty; looks without a value do not count.

    The random part is what the looks state, or their own scatter about the mean where that is larger.
    """
    heft, bias = np.empty_like(apart), np.empty_like(apart)
    room = np.empty((3, value.shape[1]), value.dtype)
    squares, scatter, whole = room[0], room[1], room[2]
    _clear(apart)
    _clear(heft)
    _clear(bias)
    _clear(room)
    for j in range(value.shape[1]):
        average[j], noise[j], shift[j] = 0.0, 0.0, 0.0
    for i in range(value.shape[0]):
        k = int(sensor[i])
        for j in range(value.shape[1]):
            used = (weight[i, j] > 0.0) & (value[i, j] > -_FAR)
            w = select(used, weight[i, j], 0.0)
            apart[k, j] += select(used, w * value[i, j], w)
            heft[k, j] += w
            bias[k, j] += select(used, w * systematic[i, j], w)
            noise[j] += select(used, (w * random[i, j]) * (w * random[i, j]), w)
            squares[j] += w * w
    for k in range(sensors.shape[0]):
        for j in range(value.shape[1]):
            average[j] += apart[k, j]
            whole[j] += heft[k, j]
            shift[j] += bias[k, j] * bias[k, j]
            apart[k, j] /= heft[k, j]
    for j in range(value.shape[1]):
        average[j] /= whole[j]
    for i in range(value.shape[0]):
        for j in range(value.shape[1]):
            d = weight[i, j] * (value[i, j] - average[j])
            scatter[j] += select(d > -_FAR, d * d, 0.0)
    for j in range(value.shape[1]):
        share = squares[j] / (whole[j] * whole[j])  # one over the effective number of looks
        spread = select(share < 1.0 - _SAME, scatter[j] / (1.0 - share), 0.0)
        noise[j], shift[j] = sqrt(max(noise[j], spread)) / whole[j], sqrt(shift[j]) / whole[j]


@kernel("(),(),(),()->(),()")
def _add(
    value: float,
    weight: float,
    above: float,  # sum of weight times value
    below: float,  # sum of weights
    above_out: Any,
    below_out: Any,
) -> None:
    """Add a look to the sums of a weighted mean."""
    used = value > -_FAR
    above_out[0] = above + select(used, weight * value, 0.0 * below)
    below_out[0] = below + select(used, weight, 0.0 * below)


def weighted_mean(values: npt.NDArray[Any], weights: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the weighted mean of a stack over its looks, look by look: nothing is transposed or copied.

    Parameters
    ----------
    values : array (look, ...)
        NaN where a look has no value.
    weights : array (look, ...)
        Finite, not negative, of the same float type and shape.

    Returns
    -------
    array (...)
        NaN where no look with a value weighs anything.
    """
    looks, plane = values.shape[0], values.shape[1:]
    value, weight = np.reshape(values, (looks, -1)), np.reshape(weights, (looks, -1))
    out = np.empty(value.shape[1], value.dtype)
    for start in range(0, out.size, _RUN):
        run = slice(start, start + _RUN)
        sums = [np.zeros_like(out[run]) for _ in range(4)]
        for i in range(looks):
            _add(value[i, run], weight[i, run], sums[0], sums[1], out=(sums[2], sums[3]))
            sums = [*sums[2:], *sums[:2]]
        with np.errstate(invalid="ignore"):
            np.divide(sums[0], sums[1], out=out[run])
    return out.reshape(plane)
