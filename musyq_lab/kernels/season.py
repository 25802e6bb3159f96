r"""Seasons of vegetation in series: where they lie, a curve through them, and their dates.

Many series at once, each with gaps; the work is done in float64. A year's season is the one whose peak lies in it: in
the south it begins in the year before and ends in the year after, where the series reaches that far.

1. :func:`curve`: a Whittaker smoother on times at most :data:`FINE` days apart passes half of what swings with the
   period ``cutoff``: its penalty is :math:`\lambda = (P / 2\pi h)^4` for a step h and order 2.
2. :func:`windows`: the highest peak of the year that rises and falls enough, and the lows before and after it.
3. :func:`fit`: a double logistic through the observations between the lows (:mod:`musyq_lab.kernels._season_fit`).
4. :func:`dates` and :func:`curve_dates`: start, end, peak and area by a definition
   (:mod:`musyq_lab.kernels._season_dates`).
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musyq_lab.kernels import smooth
from musyq_lab.kernels._season_dates import (
    CURVATURE,
    DERIVATIVE,
    DOUBLE_LOGISTIC,
    GU,
    THRESHOLD,
    of_curve,
    of_fit,
)
from musyq_lab.kernels._season_fit import fit as _fit
from musyq_lab.kernels._season_window import window

__all__ = [
    "DEFINITIONS",
    "Curve",
    "Dates",
    "Fit",
    "Windows",
    "curve",
    "curve_dates",
    "dates",
    "errors",
    "fit",
    "windows",
]

Array = npt.NDArray[np.float64]

DEFINITIONS = {
    "double_logistic": DOUBLE_LOGISTIC,
    "threshold": THRESHOLD,
    "derivative": DERIVATIVE,
    "gu": GU,
    "curvature": CURVATURE,
}
"""Name -> number of a definition of dates."""
FINE = 8.0
"""Longest step (d) of the smooth curve."""
REACH = 240.0
"""Days before and after a year in which its season may begin and end."""


class Curve(NamedTuple):
    """Smooth curves."""

    times: Array
    """(fine,) days."""
    value: Array
    """(..., fine)."""
    first: Array
    """(...) days, first observation."""
    last: Array
    """(...) days, last observation."""
    noise: Array
    """(...) spread of the observations about the curve."""


class Windows(NamedTuple):
    """Where the main season of each year lies, each (..., year); days, NaN where there is none."""

    left: Array
    """Low before the peak."""
    peak: Array
    """Peak of the smooth curve."""
    right: Array
    """Low after the peak."""
    peaks: Array
    """Peaks of the year."""
    low_left: Array
    """Value of the curve at left."""
    top: Array
    """At the peak."""
    low_right: Array
    """At right."""
    start: Array
    """Half-way up."""
    rise: Array
    """Slope there, per day."""
    finish: Array
    """Half-way down."""
    fall: Array
    """Slope there, per day."""


class Fit(NamedTuple):
    """Double logistics."""

    parameters: Array
    """(..., year, 6): base, amplitude, day of rise, ln rate, day of fall, ln rate."""
    covariance: Array
    """(..., year, 6, 6)."""
    error: Array
    """(..., year) spread of the residuals."""
    number: Array
    """(..., year) observations in the window."""


class Dates(NamedTuple):
    """What a curve says of a season, each (..., year); days."""

    peak: Array
    """Day of the highest value."""
    top: Array
    """Highest value."""
    low_left: Array
    """Lowest value before the peak."""
    low_right: Array
    """Lowest value after it."""
    start: Array
    """Start of the season."""
    full: Array
    """End of its rise (thresholds: 90 % of the amplitude), NaN where the definition has none."""
    decline: Array
    """Begin of its fall."""
    end: Array
    """End of the season."""
    area: Array
    """Integral of the curve from start to end."""


def curve(series: npt.ArrayLike, times: npt.ArrayLike, *, cutoff: float = 90.0, envelope: float = 0.5) -> Curve:
    """Smooth series.

    Parameters
    ----------
    series : array_like, shape (..., time)
        NaN for gaps.
    times : array_like, shape (time,)
        Days, rising.
    cutoff : float
        Period (d) of which half passes; shorter ones are smoothed away.
    envelope : float
        Weight of values above the curve, as for :func:`musyq_lab.kernels.smooth.whittaker`.
    """
    # Contiguous, since numpy's sums round differently from one layout to another.
    y, t = np.ascontiguousarray(series, np.float64), np.asarray(times, np.float64)
    fine, place = _fine(t)
    spread = np.full((*y.shape[:-1], fine.size), np.nan)
    spread[..., place] = y
    step = float(np.median(np.diff(fine)))
    lam = (cutoff / (2.0 * math.pi * step)) ** 4
    value = smooth.whittaker(spread, fine, lam=lam, envelope=envelope, errors=False, axis=-1).value
    known = np.isfinite(y)
    some = known.any(axis=-1)
    first = np.where(some, t[np.argmax(known, axis=-1)], np.nan)
    last = np.where(some, t[t.size - 1 - np.argmax(known[..., ::-1], axis=-1)], np.nan)
    rest = np.ascontiguousarray(np.where(known, y - value[..., place], 0.0))
    with np.errstate(all="ignore"):
        noise = np.sqrt(np.sum(rest**2, axis=-1) / known.sum(axis=-1))
    return Curve(fine, np.ascontiguousarray(value), first, last, noise)


def _fine(times: Array) -> tuple[Array, npt.NDArray[np.int64]]:
    """Return the times with as many more between them as :data:`FINE` asks for, and where the given ones are."""
    parts = np.maximum(np.ceil(np.diff(times) / FINE - 1e-9), 1.0).astype(np.int64)
    place = np.concatenate([[0], np.cumsum(parts)])
    return np.interp(np.arange(place[-1] + 1), place, times), place


def windows(smoothed: Curve, begins: npt.ArrayLike, ends: npt.ArrayLike, *, prominence: float = 0.35) -> Windows:
    """Find the main season of each year.

    Parameters
    ----------
    smoothed : Curve
        From :func:`curve`.
    begins, ends : array_like, shape (year,)
        First and last day of each year.
    prominence : float
        Least rise and fall of a peak as a share of the range of the curve around the year. 0.35 as in MCD12Q2.
    """
    aside = (slice(None), *(None,) * smoothed.first.ndim)
    begin, end = np.asarray(begins, np.float64)[aside], np.asarray(ends, np.float64)[aside]
    found = window(smoothed.times, smoothed.value, smoothed.first, smoothed.last, begin, end, REACH, float(prominence))
    return Windows(*(np.moveaxis(x, 0, -1) for x in found))


def fit(
    series: npt.ArrayLike, times: npt.ArrayLike, found: Windows, noise: npt.ArrayLike, *, envelope: float = 0.5
) -> Fit:
    """Fit a double logistic to the observations of each season.

    Parameters
    ----------
    series, times, envelope
        As for :func:`curve`.
    found : Windows
        From :func:`windows`.
    noise : array_like, shape (...)
        Spread of the observations.
    """
    y, t = np.ascontiguousarray(series, np.float64), np.asarray(times, np.float64)
    base = 0.5 * (found.low_left + found.low_right)
    height = np.maximum(found.top - base, 1e-6)
    with np.errstate(all="ignore"):
        # A logistic of amplitude a and rate r is steepest half-way: a r / 4.
        rates = [np.log(np.clip(4.0 * np.abs(s) / height, 0.01, 0.3)) for s in (found.rise, found.fall)]
    guess = np.stack([base, height, found.start, rates[0], found.finish, rates[1]], axis=-1)
    left, peak, right = (_years_first(x) for x in (found.left, found.peak, found.right))
    made = _fit(t, y, _years_first(guess, -2), left, peak, right, np.asarray(noise, np.float64), float(envelope))
    return Fit(*(np.moveaxis(x, 0, axis) for x, axis in zip(made, (-2, -3, -1, -1), strict=True)))


def _years_first(array: Array, axis: int = -1) -> Array:
    """Return an array with its years in front: kernels then run through all series of a year at once."""
    return np.ascontiguousarray(np.moveaxis(array, axis, 0))


def dates(parameters: Array, left: Array, right: Array, *, definition: str = "threshold", share: float = 0.5) -> Dates:
    """Read dates off fitted curves.

    Parameters
    ----------
    parameters : array, shape (..., 6)
        Of a :class:`Fit`.
    left, right : array, shape (...)
        First and last day of the season's window: lows are looked for within.
    definition : str
        One of :data:`DEFINITIONS`.
    share : float
        Of the amplitude at which the season begins and ends, for thresholds.
    """
    kind = float(DEFINITIONS[definition])
    return _dates(of_fit(parameters, left, right, kind, float(share), np.zeros(9)))


def curve_dates(smoothed: Curve, found: Windows, *, definition: str = "threshold", share: float = 0.5) -> Dates:
    """Read dates off smooth curves; parameters as for :func:`dates`, definitions threshold, derivative and gu."""
    kind = float(DEFINITIONS[definition])
    if kind not in (THRESHOLD, DERIVATIVE, GU):
        raise ValueError(f"A smooth curve has no dates by {definition!r}: use threshold, derivative or gu.")
    left, right = _years_first(found.left), _years_first(found.right)
    rows = of_curve(smoothed.times, smoothed.value, left, right, kind, float(share), np.zeros(9))
    return _dates(np.moveaxis(rows, 0, -2))


def _dates(rows: Array) -> Dates:
    return Dates(*np.moveaxis(rows, -1, 0))


def errors(made: Fit, found: Windows, *, definition: str = "threshold", share: float = 0.5) -> Dates:
    r"""Return the standard errors of the dates, :math:`\sqrt{g^T C g}` with the gradient g by central differences."""
    p = made.parameters
    deviation = np.sqrt(np.maximum(np.diagonal(made.covariance, axis1=-2, axis2=-1), 0.0))
    steps = np.minimum(0.1 * deviation, (1e-2, 1e-2, 1.0, 0.05, 1.0, 0.05)) + 1e-9
    slopes = []
    for k in range(p.shape[-1]):
        step = np.zeros_like(p)
        step[..., k] = steps[..., k]
        up, down = (
            np.stack(dates(p + sign * step, found.left, found.right, definition=definition, share=share), axis=-1)
            for sign in (1.0, -1.0)
        )
        slopes.append((up - down) / (2.0 * steps[..., k, None]))
    g = np.stack(slopes, axis=-1)  # ..., year, quantity, parameter
    return _dates(np.sqrt(np.maximum(np.einsum("...qi,...ij,...qj->...q", g, made.covariance, g), 0.0)))
