r"""Trends that outliers do not bend: Theil-Sen slopes and the Mann-Kendall test, many series at once.

The slope is the median of the slopes of all pairs of values, the intercept the median of what the slope leaves of the
values. Whether there is a trend at all is told by

.. math:: S = \sum_{i<j} \mathrm{sgn}(y_j - y_i), \qquad
          \mathrm{var}\,S = \frac{n(n-1)(2n+5) - \sum_g t_g(t_g-1)(2t_g+5)}{18}

with :math:`t_g` equal values in group g. The limits of the slope are the slopes of rank
:math:`(N \mp z \sqrt{\mathrm{var}\,S})/2` among the N pairs. Missing values are left out.

References
----------
Theil (1950), A rank-invariant method of linear and polynomial regression analysis, Proc. KNAW 53.
Sen (1968), doi:10.1080/01621459.1968.10480934. Mann (1945), doi:10.2307/1907187. Kendall (1975), Rank correlation
methods.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musyq_lab.kernels._smooth_columns import Array, Columns
from musyq_lab.kernels._trend_network import network
from musyq_lab.kernels._trend_selection import selection

__all__ = ["NETWORK_TIMES", "TheilSen", "theil_sen"]

NETWORK_TIMES = 48
"""Times up to which the slopes are sorted by a network; beyond, selecting series by series is faster."""


class TheilSen(NamedTuple):
    """By series, in the shape of the series without time."""

    slope: Array
    """Per unit of time; NaN for fewer than two values."""
    intercept: Array
    """Value of the line at time 0."""
    low: Array
    """Lower limit of the slope."""
    high: Array
    """Upper limit of the slope."""
    score: Array
    """Mann-Kendall S."""
    variance: Array
    """Of S where there is no trend, with ties."""
    number: Array
    """Values that are not missing."""
    ties: Array
    """Pairs of equal values."""


def theil_sen(series: npt.ArrayLike, times: npt.ArrayLike | None = None, *, z: float = 1.96, axis: int = 0) -> TheilSen:
    """Return slope, intercept and limits of the slope, and what the Mann-Kendall test needs.

    Parameters
    ----------
    series : array_like
        NaN for gaps. Computed in float64.
    times : array_like, shape (time,), optional
        Rising; steps of 1 from 0 by default.
    z : float
        Standard normal deviate of the limits: 1.96 for 95 %.
    axis : int
        Of time.

    Raises
    ------
    ValueError
        If there are fewer than two times or they do not rise.
    """
    block = Columns(np.asarray(series, np.float64), times, None, axis, least=2)
    if block.times.size <= NETWORK_TIMES:
        found = network(block.offsets, block.y, float(z))
    else:
        found = selection(block.offsets, np.ascontiguousarray(block.y.T), float(z))
    slope, rest, *others = block.flat(*found)
    return TheilSen(slope, rest - slope * block.times[0], *others)
