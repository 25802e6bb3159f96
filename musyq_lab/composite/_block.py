"""The looks of one chunk made into one value, strip by strip.

Memory follows the chunk: its looks are read once, and only strips of :data:`STRIP` pixels are copied into the form that
:mod:`musyq_lab.kernels.looks` works on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.composite import _plan
from musyq_lab.composite._invert import invert
from musyq_lab.composite._plan import Plan
from musyq_lab.composite._strip import LEAST, Pixels, Strip, line, pixels, relative, strip
from musyq_lab.composite.lineage import packed
from musyq_lab.composite.weight import table
from musyq_lab.core.quality import INPUT_MISSING
from musyq_lab.kernels import looks as kernels

Array = NDArray[Any]

STRIP = 64 * kernels.LANES
"""Pixels that are worked on at a time."""

APART = 3.0
"""Sigmas (0.005 + 0.05 of the reflectance) between the means of two sensors from which they are said to disagree."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Looks of a strip that make its values; arrays are ``(block, LANES)`` unless said."""

    weight: Array
    """(block, look, LANES), final."""
    inverted: Array
    """(block, look, LANES), what looks weigh in an inversion: those far from nadir as much as the others."""
    window: Array
    """Number of the window."""
    snowy: Array
    """1 where the looks show snow."""
    clear: Array
    """Looks before outliers were left out."""
    count: Array
    """Looks that remain."""


def block(sun: Array | None, *arrays: Array | None, plan: Plan) -> Array:
    """Return the composite of one chunk as uint32 ``(layer, y, x)``; floats are there by their bits.

    Parameters
    ----------
    sun : array (y, x), optional
        Zenith angle of the Sun (deg) that looks are brought to, needed for an inversion.
    arrays
        The arrays of :class:`Pixels` of the first look, then those of the next.
    plan : Plan
        What to make.
    """
    every = len(Pixels.__slots__)
    given = [pixels(arrays[k : k + every]) for k in range(0, len(arrays), every)]
    rows, columns = given[0].qa.shape
    looks = [look.flat() for look in given]
    target = None if sun is None else sun.reshape(-1)
    out = np.empty((plan.layers, rows * columns), np.uint32)
    factors = table(plan.dropped, dict(plan.lowered))
    for start in range(0, out.shape[1], STRIP):
        piece = slice(start, min(start + STRIP, out.shape[1]))
        cut = [look.cut(piece) for look in looks]
        there = None if target is None else target[piece]
        made = strip(cut, there if plan.normalize else None, plan, factors)
        chosen = choose(made, plan)
        _fill(out[:, piece], made, chosen, plan)
        if there is not None and plan.method != "mean":
            invert(out[:, piece], cut, made.shared, chosen.inverted, there, plan)
    return out.reshape(plan.layers, rows, columns)


def choose(made: Strip, plan: Plan) -> Chosen:
    """Choose the looks of a strip and weigh them."""
    ranks, sensors = (np.arange(n, dtype=np.float32) for n in (len(plan.windows), plan.sensors))
    weight, window = kernels.choose(made.weight, plan.rank_of, ranks, np.float32(plan.enough))
    weight, snowy = kernels.agree(weight, made.snow)
    red, nir = (made.values[b] for b in plan.judged)
    # Shadows first: the darkest red must not be theirs.
    judged = kernels.darker(red, kernels.bisquare(nir, weight))
    variances = [relative(made.values, sigma, plan) for sigma in (made.random, made.systematic)]
    final = kernels.balance(judged, *variances, plan.sensor_of, sensors)
    with np.errstate(invalid="ignore"):
        inverted = np.where(judged > 0, judged / np.maximum(made.stated, LEAST), np.float32(0))
    return Chosen(final, inverted, window, snowy, _count(weight), _count(final))


def _count(weight: Array) -> Array:
    return np.asarray(np.count_nonzero(weight > 0, axis=1))


def _fill(out: Array, made: Strip, chosen: Chosen, plan: Plan) -> None:
    """Write the layers of a strip."""
    size = out.shape[1]
    sensors = np.arange(plan.sensors, dtype=np.float32)
    floats = out[: plan.floats].view(np.float32)
    apart = []
    for b in range(plan.bands):
        mean, noise, shift, by_sensor = kernels.combine(
            made.values[b], chosen.weight, made.random[b], made.systematic[b], plan.sensor_of, sensors
        )
        floats[b], floats[plan.bands + b] = line(mean, size), line(np.hypot(noise, shift), size)
        if b in plan.judged:
            apart.append(_disagree(mean, by_sensor))
    for s, share in enumerate(_shares(chosen.weight, plan)):
        floats[2 * plan.bands + s] = line(share, size)
    floats[-2] = line(_length(chosen, plan), size)
    floats[-1] = line(_days(chosen.weight, plan), size)
    out[plan.floats] = line(chosen.count, size)
    out[plan.floats + 1] = line(_quality(made, chosen, apart), size)
    out[plan.floats + 2 :] = packed(np.moveaxis(chosen.weight > 0, 1, 0).reshape(len(plan.columns), -1)[:, :size])


def _shares(weight: Array, plan: Plan) -> list[Array]:
    """Return the share of each sensor in the weight, NaN without looks."""
    with np.errstate(invalid="ignore"):
        whole = weight.sum(1)
        return [weight[:, plan.sensor_of == s].sum(1) / whole for s in range(plan.sensors)]


def _length(chosen: Chosen, plan: Plan) -> Array:
    lengths = np.array(plan.windows, np.float32)[chosen.window.astype(np.intp)]
    return np.where(chosen.count > 0, lengths, np.float32(np.nan))


def _days(weight: Array, plan: Plan) -> Array:
    """Return the mean time of the looks in days from the middle of the period."""
    days = np.array([column.days for column in plan.columns], np.float32)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.einsum("blp,l->bp", weight, days) / weight.sum(1))


def _disagree(mean: Array, by_sensor: Array) -> Array:
    """Tell where the means of two sensors are far apart."""
    limit = APART * (kernels.OFFSET + kernels.SLOPE * np.maximum(mean, 0))
    low, high = np.fmin.reduce(by_sensor, axis=1), np.fmax.reduce(by_sensor, axis=1)
    return np.asarray(high - low > limit)


def _quality(made: Strip, chosen: Chosen, apart: Sequence[Array]) -> Array:
    there = chosen.count > 0
    best = np.where(chosen.weight > 0, made.grade, np.float32(0)).max(1)
    flags = {
        INPUT_MISSING: ~there,
        _plan.LONGER_WINDOW: there & (chosen.window > 0),
        _plan.SINGLE_LOOK: chosen.count == 1,
        _plan.SNOW: there & (chosen.snowy > 0),
        _plan.DISAGREE: np.logical_or.reduce(apart),
        _plan.REMOVED: chosen.clear > chosen.count,
        _plan.DOUBTFUL: there & (best < 1),
    }
    bits = np.zeros(there.shape, np.uint32)
    for flag, where in flags.items():
        bits |= where.astype(np.uint32) * np.uint32(flag.mask)
    return bits
