r"""Totals over zones whose errors are correlated, and their 95 % intervals.

The error of a cell has a part that all cells share (calibration, method) and a part of its own that is correlated over
some distance. The first adds up linearly, the second in quadrature between blocks of the size of the correlation
length and linearly inside a block:

.. math:: \sigma^2 = \Big(\sum_i f_i c_i\Big)^2 + \sum_b \Big(\sum_{i \in b} f_i s_i\Big)^2

The usual quadrature over all cells would shrink the error of a country with its number of cells, which is wrong
whenever a method errs.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from musyq_lab.analysis.zonal import ZoneFractions
from musyq_lab.core.errors import InputError

Floats = NDArray[np.float64]
Z95 = 1.959963984540054
"""Standard normal quantile at 97.5 %."""


def total(
    values: ArrayLike,
    fractions: ZoneFractions,
    *,
    common: ArrayLike = 0.0,
    local: ArrayLike = 0.0,
    correlation_length: float = 3.0,
) -> pd.DataFrame:
    """Return the sum of extensive values over each zone with its standard uncertainty.

    Parameters
    ----------
    values : array_like, shape (rows, columns)
        Amount in each cell (such as GWh), not a density; NaN counts as nothing.
    fractions : ZoneFractions
        Which share of the cell's amount belongs to which zone.
    common, local : array_like
        One sigma of each cell: the part all cells share, and the cell's own; units of the values.
    correlation_length : float
        Size (degrees) of the blocks within which the local errors go together.

    Returns
    -------
    DataFrame, one row a zone
        ``total``, ``sigma_common``, ``sigma_local``, ``sigma``.

    Raises
    ------
    InputError
        If the correlation length is not positive or a sigma is negative.
    """
    if correlation_length <= 0:
        raise InputError(f"The correlation length is {correlation_length} degrees; it must be positive.")
    amounts, shared, own = (np.broadcast_to(np.asarray(a, float), fractions.shape) for a in (values, common, local))
    if np.nanmin(shared) < 0 or np.nanmin(own) < 0:
        raise InputError("A standard uncertainty is negative. Give one sigma, in the units of the values.")
    table = pd.DataFrame({"total": fractions.sums(amounts), "sigma_common": fractions.sums(shared)})
    table["sigma_local"] = _local_sigma(own, fractions, correlation_length)
    table["sigma"] = np.hypot(table["sigma_common"], table["sigma_local"])
    table.index = pd.Index(fractions.zones, dtype=object)
    return table


def _local_sigma(own: Floats, fractions: ZoneFractions, length: float) -> Floats:
    """Return the quadrature over blocks of the linear sum inside each block."""
    rows = np.floor((90.0 - fractions.latitude) / length).astype(np.int64)
    columns = np.floor((fractions.longitude % 360.0) / length).astype(np.int64)
    width = int(np.ceil(360.0 / length)) + 1
    block = (rows[:, None] * width + columns[None, :]).ravel()[fractions.cell]
    key = fractions.zone * (block.max(initial=0) + 1) + block
    part = fractions.fraction * np.nan_to_num(own).ravel()[fractions.cell]
    pair, number = np.unique(key, return_inverse=True)
    sums = np.bincount(number, part, minlength=pair.size)
    zone = pair // (block.max(initial=0) + 1)
    return np.sqrt(np.bincount(zone, sums**2, minlength=len(fractions.zones)))


def interval(
    best: ArrayLike, sigma: ArrayLike, low: ArrayLike | None = None, high: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Return the 95 % interval of a positive total.

    The part from ``sigma`` is lognormal (median ``best``). A range of scenarios is read as a 95 % interval of its own;
    its half-widths, which need not be alike, are added in quadrature side by side. The interval never falls below 0.

    Parameters
    ----------
    best, sigma : array_like
        Totals and their standard uncertainty.
    low, high : array_like, optional
        Totals of the lowest and the highest scenario.

    Returns
    -------
    lower, upper : ndarray
        Units of ``best``.
    """
    centre, spread = np.asarray(best, float), np.asarray(sigma, float)
    ratio = np.divide(spread, centre, out=np.zeros_like(centre + spread), where=centre > 0)
    factor = np.exp(Z95 * np.sqrt(np.log1p(ratio**2)))
    below, above = centre - centre / factor, centre * factor - centre
    if low is not None:
        below = np.hypot(below, np.maximum(centre - np.asarray(low, float), 0.0))
    if high is not None:
        above = np.hypot(above, np.maximum(np.asarray(high, float) - centre, 0.0))
    return np.maximum(centre - below, 0.0), centre + above
