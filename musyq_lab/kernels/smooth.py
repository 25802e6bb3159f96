r"""Smoothing of series with gaps: Whittaker, Savitzky-Golay, harmonics, and lines across gaps.

All functions take one array with the series along one axis, NaN for what is missing, and one array of times for all of
them, which need not be evenly spaced. Each returns the curve and its standard error

.. math:: s_i = \hat\sigma \sqrt{v_i}, \qquad \hat\sigma^2 = \frac{\sum_i w_i (y_i - z_i)^2}{m - \mathrm{tr} H}

with the variance :math:`v_i` of the curve for weights that are inverse variances up to a factor, the number m of values
and the trace of the hat matrix. For Whittaker :math:`v = \mathrm{diag}\,(W + \lambda D'D)^{-1}` is the Bayesian form:
it grows inside gaps, where the hat matrix itself has a diagonal of zero.

>>> import numpy as np
>>> from musyq_lab.kernels import smooth
>>> series = np.array([0.2, 0.3, np.nan, np.nan, 0.6, 0.7])
>>> smooth.whittaker(series, lam=10.0).value.round(3).tolist()
[0.2, 0.3, 0.4, 0.5, 0.6, 0.7]

References
----------
Eilers (2003), A perfect smoother, Anal. Chem. 75, 3631-3636, doi:10.1021/ac034173t.
Frasso & Eilers (2015), L- and V-curves for optimal smoothing, Stat. Model. 15, 91-111, doi:10.1177/1471082X14549288.
Craven & Wahba (1979), Smoothing noisy data with spline functions, Numer. Math. 31, 377-403, doi:10.1007/BF01404567.
Eilers, Pesendorfer & Bonifacio (2017), Automatic smoothing of remote sensing data, doi:10.1109/Multi-Temp.2017.8076705:
V-curve and asymmetric weights (expectiles) for vegetation indices.
Savitzky & Golay (1964), doi:10.1021/ac60214a047. Roerink, Menenti & Verhoef (2000), doi:10.1080/014311600209814.
"""

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from musyq_lab.kernels._smooth_columns import Array, Columns, floats
from musyq_lab.kernels._smooth_gaps import bridge
from musyq_lab.kernels._smooth_harmonic import hants as _hants
from musyq_lab.kernels._smooth_polynomial import local_polynomial
from musyq_lab.kernels._smooth_whittaker import LANES, whittaker_kernel

__all__ = ["Bridged", "Scores", "Smoothed", "choose", "hants", "lines", "savitzky_golay", "scores", "whittaker"]

Rule = Literal["v_curve", "gcv"]

LOG_LAMBDAS = np.arange(-2.0, 6.26, 0.25)
"""Decimal logarithms of lambda that are tried: the steps of a quarter within which the V-curve is flat."""

_BLOCK = 4096  # series that are tried at once: their curves stay in the last-level cache
_QUIET = 1e-9  # relative to the values: below, differences are rounding errors of the solution


class Smoothed(NamedTuple):
    """Curves in the shape of the series; by series what they cost."""

    value: Array
    """The curve, NaN where it is not defined."""
    error: Array
    """Its standard error (one sigma), NaN where residuals tell nothing: no more values than parameters."""
    number: Array
    """Values that were used."""
    freedom: Array
    """Effective number of parameters: the trace of the hat matrix."""


class Scores(NamedTuple):
    """What each lambda would give, shape (lambda, *series)."""

    fit: Array
    """Weighted sum of squared residuals."""
    rough: Array
    """Sum of squared differences."""
    freedom: Array
    """Trace of the hat matrix."""
    number: Array
    """Values used, shape (*series,)."""
    power: Array
    """Weighted sum of squared values, shape (*series,): what rounding errors are relative to."""


class Bridged(NamedTuple):
    """Lines across gaps, in the shape of the series."""

    value: Array
    """The values, and lines where they are missing; the nearest value before the first and after the last."""
    error: Array
    """Standard error of a random walk with the steps of the series; 0 at the values."""
    length: Array
    """Length of the gap, in units of the times; 0 at values, inf for a series without any."""


def whittaker(
    series: npt.ArrayLike,
    times: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    *,
    lam: npt.ArrayLike | Rule = "v_curve",
    lambdas: npt.ArrayLike | None = None,
    order: int = 2,
    envelope: float = 0.5,
    iterations: int = 20,
    errors: bool = True,
    axis: int = 0,
) -> Smoothed:
    r"""Smooth with a penalty on differences: :math:`z = (W + \lambda D'D)^{-1} W y`.

    Parameters
    ----------
    series : array_like
        NaN for gaps.
    times : array_like, shape (time,), optional
        Rising; steps of 1 by default. Lambda belongs to times in units of the median step, and means the same whatever
        the sampling: D holds divided differences, weighted with the step.
    weights : array_like, optional
        Like the series; 0 for a gap.
    lam : array_like or {"v_curve", "gcv"}
        Strength of the penalty, one for all or one for each series; or the rule that chooses it for each.
    lambdas : array_like, optional
        Values that the rule tries, as for :func:`choose`.
    order : {1, 2, 3}
        Of the differences: 2 keeps straight lines as they are, 3 parabolas.
    envelope : float
        Weight of values above the curve, within (0, 1), those below having the rest: 0.9 follows the upper envelope of
        vegetation indices, which clouds only lower (expectiles; Eilers et al. 2017). 0.5 treats both alike.
    iterations : int
        Largest number of turns in which these weights settle.
    errors : bool
        Whether standard errors are wanted; without them it is a third faster.
    axis : int
        Of time.

    Returns
    -------
    Smoothed
        NaN for series of fewer values than the order.

    Raises
    ------
    ValueError
        If the series is not longer than the order, the times do not rise, or a parameter is out of range.
    """
    if order not in (1, 2, 3) or not 0.0 < envelope < 1.0 or iterations < 1:
        raise ValueError(f"order must be 1, 2 or 3 (got {order}), envelope within (0, 1) (got {envelope}).")
    block = Columns(series, times, weights, axis, least=order + 1)
    strength = lam
    if isinstance(lam, str):
        strength = choose(series, times, weights, rule=lam, lambdas=lambdas, order=order, axis=axis)
    strengths = block.spread(strength, "lam")
    if not (strengths[np.isfinite(strengths)] > 0.0).all():
        raise ValueError("lam must be above 0.")
    turns = iterations if envelope != 0.5 else 1
    found = whittaker_kernel(order, errors)(block.steps, block.y, block.w, strengths, envelope, turns)
    if not errors:
        value, _, _, number = found
        return Smoothed(
            block.back(value), block.back(np.full_like(value, np.nan)), *block.flat(number, number * np.nan)
        )
    value, fit, _, number, trace, diagonal = found
    return _smoothed(block, value, diagonal, fit, number, trace)


def scores(
    series: npt.ArrayLike,
    times: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    *,
    lambdas: npt.ArrayLike,
    order: int = 2,
    freedom: bool = True,
    axis: int = 0,
) -> Scores:
    """Return fit, roughness and freedom of the Whittaker smoother for each lambda; parameters as there.

    Without ``freedom`` it is NaN, and the rest takes two thirds of the time.
    """
    block = Columns(series, times, weights, axis, least=order + 1)
    strengths, kernel = np.atleast_1d(np.asarray(lambdas, np.float64)), whittaker_kernel(order, freedom)
    sums = np.full((3, strengths.size, block.y.shape[1]), np.nan)
    number, power = np.empty((2, block.y.shape[1]))
    for start in range(0, block.y.shape[1], _BLOCK):
        # The last block begins earlier, so that it fills the lanes.
        first = max(0, min(start, block.y.shape[1] - LANES))
        part = slice(first, start + _BLOCK)
        y, w = np.ascontiguousarray(block.y[:, part]), np.ascontiguousarray(block.w[:, part])
        power[part] = np.nansum(np.where(w > 0, w, 0) * np.square(y, dtype=np.float64), axis=0)
        for row, value in enumerate(strengths):
            found = kernel(block.steps, y, w, np.full(y.shape[1], value, y.dtype), 0.5, 1)
            number[part] = found[3]
            sums[: 3 if freedom else 2, row, part] = (*found[1:3], *found[4 : 4 + freedom])
    return Scores(*block.stacked(sums), *block.flat(number, power))


def choose(
    series: npt.ArrayLike,
    times: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    *,
    rule: str = "v_curve",
    lambdas: npt.ArrayLike | None = None,
    order: int = 2,
    together: bool = False,
    axis: int = 0,
) -> Array:
    r"""Choose lambda by a rule, for each series or one for all.

    Parameters
    ----------
    series, times, weights, order, axis
        As for :func:`whittaker`.
    rule : {"v_curve", "gcv"}
        ``"v_curve"``: where the curve of log fit against log roughness moves least from one lambda to the next,

        .. math:: V = \sqrt{(\Delta \ln \sum w r^2)^2 + (\Delta \ln \sum (Dz)^2)^2} / \Delta \log_{10} \lambda

        which is robust against noise that is correlated in time (Frasso & Eilers 2015). ``"gcv"``: the least
        generalised cross-validation :math:`m \sum w r^2 / (m - \mathrm{tr} H)^2`, for independent noise.
    lambdas : array_like, optional
        Values to try, rising; :data:`LOG_LAMBDAS` by default. The V-curve has a second bottom where the curve loses the
        season itself: end below it (:mod:`musyq_lab.composite.gapfill` does for calendar dates).
    together : bool
        Whether one lambda is chosen for all series: their sums are added up, so that a few rough ones decide.

    Returns
    -------
    array, shape (*series,) or ()
        NaN for series of too few values. Where the fit is perfect at every lambda (a straight line with order 2) the
        largest.
    """
    tried = np.asarray(10.0**LOG_LAMBDAS if lambdas is None else lambdas, np.float64)
    if rule not in ("v_curve", "gcv") or tried.ndim != 1 or tried.size < 3 or not (np.diff(tried) > 0).all():
        raise ValueError(f"rule must be 'v_curve' or 'gcv' (got {rule!r}), lambdas three or more that rise.")
    fit, rough, freedom, number, power = scores(
        series, times, weights, lambdas=tried, order=order, freedom=rule == "gcv", axis=axis
    )
    enough = number > order
    floor = max(4.0 * float(np.finfo(floats(series).dtype).eps), _QUIET) ** 2 * power
    if together:
        kept = enough.reshape(-1)
        fit, rough, freedom = (x.reshape(tried.size, -1)[:, kept].sum(axis=1) for x in (fit, rough, freedom))
        number, floor, enough = number[enough].sum(), floor[enough].sum(), np.asarray(kept.any())
    logs = np.log10(tried).reshape(-1, *(1,) * (fit.ndim - 1))
    with np.errstate(all="ignore"):
        if rule == "gcv":
            found = tried[np.argmin(np.where(number > freedom, fit / (number - freedom) ** 2, np.inf), axis=0)]
        else:
            steps = np.log(np.maximum([fit, rough], np.maximum(floor, np.finfo(float).tiny)))
            moved = np.hypot(*np.diff(steps, axis=1)) / np.diff(logs, axis=0)
            # Of equal moves the last: a series without noise takes the strongest penalty.
            best = moved.shape[0] - 1 - np.argmin(moved[::-1], axis=0)
            found = np.sqrt(tried[best] * tried[best + 1])
    return np.where(enough, found, np.nan)


def savitzky_golay(
    series: npt.ArrayLike,
    times: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    *,
    half_width: float = 4.0,
    degree: int = 2,
    axis: int = 0,
) -> Smoothed:
    """Smooth with local polynomials: at each time one is fitted to the values within the window.

    Parameters
    ----------
    series, times, weights, axis
        As for :func:`whittaker`.
    half_width : float
        Half width of the window, in units of the times: without times 4 is a window of 9 values.
    degree : {0, 1, 2, 3}
        Of the polynomial.

    Returns
    -------
    Smoothed
        NaN where the window holds no more values than the degree.
    """
    if degree not in (0, 1, 2, 3) or not half_width > 0.0:
        raise ValueError(f"degree must be 0 to 3 (got {degree}), half_width above 0 (got {half_width}).")
    block = Columns(series, times, weights, axis, least=1)
    reach = half_width * (1.0 + 1e-6)  # a value at the very edge is inside, whatever the rounding of the times
    first = np.searchsorted(block.times, block.times - reach)
    last = np.searchsorted(block.times, block.times + reach, side="right") - 1
    dtype = block.y.dtype
    found = local_polynomial(
        block.offsets, first.astype(dtype), last.astype(dtype), block.y, block.w, half_width, degree
    )
    return _smoothed(block, *found)


def hants(
    series: npt.ArrayLike,
    times: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    *,
    period: float,
    harmonics: int = 3,
    reject: Literal["low", "high", "both", "none"] = "low",
    tolerance: float = 0.05,
    spare: int = 5,
    damping: float = 0.1,
    turns: int = 20,
    axis: int = 0,
) -> Smoothed:
    """Fit a mean and harmonics, and drop outliers on one side turn by turn (HANTS).

    Parameters
    ----------
    series, times, weights, axis
        As for :func:`whittaker`.
    period : float
        Of the first harmonic, in units of the times: 365.25 for days.
    harmonics : int
        Number of harmonics, 1 to 6.
    reject : {"low", "high", "both", "none"}
        Side on which outliers lie; clouds lower vegetation indices.
    tolerance : float
        Distance from the curve, in units of the series, that is no outlier.
    spare : int
        Values beyond the number of parameters that must remain (degree of overdeterminedness).
    damping : float
        Added to the diagonal of the normal matrix, but for the mean; it keeps harmonics small inside long gaps.
    turns : int
        Largest number of turns of rejection.

    Returns
    -------
    Smoothed
        NaN for series of fewer than ``2 harmonics + 1 + spare`` values.
    """
    if not 1 <= harmonics <= 6 or not period > 0.0 or spare < 0 or tolerance < 0.0 or damping < 0.0:
        raise ValueError(f"harmonics must be 1 to 6 (got {harmonics}), period above 0, the others not negative.")
    sides = {"low": (1.0, 0.0), "high": (0.0, 1.0), "both": (1.0, 1.0), "none": (0.0, 0.0)}
    if reject not in sides:
        raise ValueError(f"reject must be one of {', '.join(sides)}, got {reject!r}.")
    block = Columns(series, times, weights, axis, least=1)
    least = 2 * harmonics + 1 + spare
    low, high = sides[reject]
    return _smoothed(
        block, *_hants(block.offsets, block.y, block.w, period, harmonics, low, high, tolerance, least, damping, turns)
    )


def lines(series: npt.ArrayLike, times: npt.ArrayLike | None = None, *, axis: int = 0) -> Bridged:
    """Draw straight lines across gaps; parameters as for :func:`whittaker`."""
    value, length, spread, rate = bridge((block := Columns(series, times, None, axis, least=1)).offsets, block.y)
    return Bridged(block.back(value), block.back(np.sqrt(rate * spread)), block.back(length))


def _smoothed(block: Columns, value: Array, diagonal: Array, fit: Array, number: Array, trace: Array) -> Smoothed:
    """Turn the variances of unit weight into standard errors."""
    with np.errstate(all="ignore"):
        rest = number - trace
        variance = np.where(rest > 1e-6 * number, fit / rest, np.nan).astype(value.dtype)
        error = np.sqrt(variance * diagonal)
    return Smoothed(block.back(value), block.back(error), *block.flat(number, trace))
