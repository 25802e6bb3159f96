"""Features of series for classification: what each input looks like within each year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.kernels._season_features import LEAST, NAMES, features

Array = NDArray[np.float64]

__all__ = ["LEAST", "NAMES", "names_of", "series_features", "year_bounds"]


def names_of(inputs: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the features of some inputs, in their order."""
    return tuple(f"{name}_{feature}" for name in inputs for feature in NAMES)


def year_bounds(years: Sequence[int], first_month: int = 1) -> tuple[Array, Array]:
    """Return the first day of each year and the first after it, days since 1970-01-01.

    Parameters
    ----------
    years : sequence of int
        Labels: the calendar year in which each begins.
    first_month : int
        Month with which a year begins: 1, or 9 for the crop year of the south.

    Raises
    ------
    InputError
        If there is no such month.
    """
    if first_month not in range(1, 13):
        raise InputError(f"first_month must be 1 to 12, got {first_month!r}.")
    starts = [
        [np.datetime64(f"{y + more:04d}-{first_month:02d}-01", "D").astype(int) for y in years] for more in (0, 1)
    ]
    return np.array(starts[0], np.float64), np.array(starts[1], np.float64)


def series_features(series: Mapping[str, Any], time: Any, begin: Any, end: Any) -> tuple[Array, Array]:
    """Return the features of series within stretches of time.

    Parameters
    ----------
    series : mapping of str to array, shape (..., time)
        Values by input, NaN for gaps; shapes broadcast.
    time : array, shape (time,)
        Days since 1970-01-01.
    begin, end : array, shape (year,)
        First day of each stretch, and the first day after it.

    Returns
    -------
    features : array, shape (..., year, feature)
        In the order of :func:`names_of`; NaN where any input has fewer than :data:`LEAST` values.
    number : array, shape (..., year)
        Values of the input that has fewest.
    """
    t = np.ascontiguousarray(time, np.float64)
    arrays = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in series.values()))
    aside = (slice(None), *(None,) * (arrays[0].ndim - 1))
    first, last = np.asarray(begin, np.float64)[aside], np.asarray(end, np.float64)[aside]
    parts, numbers = [], []
    for array in arrays:
        found, number = features(t, np.ascontiguousarray(array), first, last, np.zeros(len(NAMES)))
        parts.append(np.moveaxis(found, 0, -2))
        numbers.append(np.moveaxis(number, 0, -1))
    return np.concatenate(parts, axis=-1), np.minimum.reduce(numbers)
