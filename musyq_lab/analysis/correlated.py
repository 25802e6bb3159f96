r"""Totals over zones with a stated model of how the errors of cells go together.

The error of a cell is a sum of independent parts (:class:`ErrorPart`). The errors :math:`e_i` of one part have the
covariance :math:`s_i s_j\,\rho_{ij}` with one of three correlations:

common
    :math:`\rho = 1`: calibration, or the method itself. Within ``groups`` only, if those are given: parameters of a
    land-cover class err for the whole class.
regional
    :math:`\rho = e^{-d/L}` with the distance :math:`d` along the great circle: weather, and what a retrieval mistakes
    about soils or aerosol. The exponential is a valid covariance on the sphere (Gneiting 2013, doi:10.3150/12-BEJSP06).
own
    :math:`\rho = 0`: noise.

A zone's variance is :math:`\sum_{ij} w_i s_i\,\rho_{ij}\,w_j s_j`. On a grid with even longitudes the correlation of
two rows depends on the difference of the columns alone, so that the double sum over columns is one product of Fourier
coefficients: the sum is exact and costs rows squared times columns, not cells squared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from musyq_lab.analysis.zonal import ZoneFractions
from musyq_lab.core.errors import InputError

Floats = NDArray[np.float64]
EARTH_RADIUS = 6371.0072
"""Radius of the sphere with the area of the WGS 84 ellipsoid, km."""
_MOST_ROWS, _MOST_COLUMNS = 180, 360
"""Zones of more rows or columns are summed over blocks of cells first."""


@dataclass(frozen=True, eq=False)
class ErrorPart:
    """One independent part of the errors of all cells."""

    name: str
    """Short name; the column of its sigma is ``sigma_<name>``."""
    sigma: ArrayLike
    """One sigma of each cell in the units of the amounts, broadcastable to (rows, columns); NaN counts as nothing."""
    length: float = math.inf
    """Correlation length L (km); infinite for errors that all cells share, 0 for errors of their own."""
    groups: ArrayLike | None = None
    """Label of each cell: shared errors are then shared within a label only."""


def correlated_total(values: ArrayLike, fractions: ZoneFractions, parts: Sequence[ErrorPart]) -> pd.DataFrame:
    """Return the sum of extensive values over each zone with its standard uncertainty, part by part.

    Parameters
    ----------
    values : array_like, shape (rows, columns)
        Amount in each cell, not a density; NaN counts as nothing, and so do the errors there.
    fractions : ZoneFractions
        Which share of the cell's amount belongs to which zone.
    parts : sequence of ErrorPart
        The errors.

    Returns
    -------
    DataFrame, one row a zone
        ``total``, ``sigma_<name>`` for each part, ``sigma``.

    Raises
    ------
    InputError
        If an amount or a sigma is infinite, a sigma or a length is negative, groups have a length too, two parts have
        one name, or the columns of the grid are uneven.

    Notes
    -----
    Zones of more than 180 rows or 360 columns are summed over blocks of cells before; a block counts as one cell, which
    overstates its part by no more than the correlation within 1/180 of the zone lacks.
    """
    amounts = np.broadcast_to(np.asarray(values, float), fractions.shape)
    _no_infinity(amounts, "The amounts")
    known = np.isfinite(amounts)
    table = pd.DataFrame({"total": fractions.sums(amounts)})
    _check(parts)
    for part in parts:
        sigma = np.where(known, np.nan_to_num(np.broadcast_to(np.asarray(part.sigma, float), fractions.shape)), 0.0)
        _no_infinity(part.sigma, f"The standard uncertainties {part.name!r}")
        if (sigma < 0).any():
            raise InputError(
                f"The standard uncertainty {part.name!r} is negative. Give one sigma, units of the values."
            )
        table[f"sigma_{part.name}"] = np.sqrt(_variance(sigma, part, fractions))
    squares = table[[f"sigma_{part.name}" for part in parts]].to_numpy(float) ** 2
    table["sigma"] = np.sqrt(squares.sum(axis=1))
    table.index = pd.Index(fractions.zones, dtype=object)
    return table


def _no_infinity(values: ArrayLike, what: str) -> None:
    if np.isinf(np.asarray(values, float)).any():
        raise InputError(f"{what} hold infinite numbers, which have no total. Set them to NaN to leave them out.")


def _check(parts: Sequence[ErrorPart]) -> None:
    names = [part.name for part in parts]
    if len(set(names)) < len(names):
        raise InputError(f"Parts of the error need names of their own, got {', '.join(names)}.")
    for part in parts:
        if not part.length >= 0:
            raise InputError(f"The correlation length of {part.name!r} is {part.length} km; it must be 0 or more.")
        if part.groups is not None and math.isfinite(part.length):
            raise InputError(
                f"The errors {part.name!r} have groups and a length of {part.length} km. Give one of them."
            )


def _variance(sigma: Floats, part: ErrorPart, fractions: ZoneFractions) -> Floats:
    """Return the variance of each zone by one part."""
    count = len(fractions.zones)
    share = fractions.fraction * sigma.ravel()[fractions.cell]
    if part.length == 0:
        return np.bincount(fractions.zone, share**2, minlength=count).astype(float)
    if math.isinf(part.length):
        return _shared(share, part, fractions)
    out = np.zeros(count)
    for zone, weights, latitude, longitude in _windows(share, fractions):
        out[zone] = _regional(weights, latitude, longitude, part.length)
    return out


def _shared(share: Floats, part: ErrorPart, fractions: ZoneFractions) -> Floats:
    count = len(fractions.zones)
    label = np.zeros(fractions.cell.size, np.int64)
    if part.groups is not None:
        labels = np.broadcast_to(np.asarray(part.groups), fractions.shape).ravel()
        label = np.unique(labels, return_inverse=True)[1][fractions.cell]
    width = int(label.max(initial=0)) + 1
    sums = np.bincount(fractions.zone * width + label, share, minlength=count * width).reshape(count, width)
    return np.asarray((sums**2).sum(axis=1), float)


def _windows(share: Floats, fractions: ZoneFractions) -> Iterator[tuple[int, Floats, Floats, Floats]]:
    """Yield the zones with errors: number, weights of the cells in their window, its latitudes and longitudes."""
    columns = fractions.longitude.size
    order = np.argsort(fractions.zone, kind="stable")
    bounds = np.searchsorted(fractions.zone[order], np.arange(len(fractions.zones) + 1))
    for zone in range(len(fractions.zones)):
        mine = order[bounds[zone] : bounds[zone + 1]]
        mine = mine[share[mine] > 0]
        if not mine.size:
            continue
        row, column = np.divmod(fractions.cell[mine], columns)
        top, left = row.min(), column.min()
        weights = np.zeros((row.max() - top + 1, column.max() - left + 1))
        np.add.at(weights, (row - top, column - left), share[mine])
        rows, across = slice(top, top + weights.shape[0]), slice(left, left + weights.shape[1])
        yield zone, weights, fractions.latitude[rows], fractions.longitude[across]


def _regional(weights: Floats, latitude: Floats, longitude: Floats, length: float) -> float:
    """Return the double sum of weights times exp(-distance / length)."""
    weights, latitude, longitude = _blocks(weights, latitude, longitude)
    rows, columns = weights.shape
    step = _step(longitude)
    around = columns > 1 and abs(columns * step - 360.0) < 1e-6
    size = columns if around else fft.next_fast_len(2 * columns - 1, real=True)
    lag = np.arange(size)
    turn = np.radians(np.minimum(lag, size - lag) * step)
    spectrum = fft.rfft(weights, size, axis=1)
    times = np.full(
        spectrum.shape[1], 2.0
    )  # each coefficient but the first, and the last of an even size, stands for two
    times[0] = 1.0
    if size % 2 == 0:
        times[-1] = 1.0
    phi = np.radians(latitude)
    total = 0.0
    for i in range(rows):
        alike = np.exp(-_distance(phi[i], phi[i:, None], turn[None, :]) / length)
        both = (spectrum[i] * np.conj(spectrum[i:])).real * fft.rfft(alike, axis=1).real * times
        sums = both.sum(axis=1) / size
        total += float(sums[0] + 2.0 * sums[1:].sum())
    return max(total, 0.0)


def _distance(phi: Floats, others: Floats, turn: Floats) -> Floats:
    """Return the distance (km) along the great circle (haversine formula), angles in radians."""
    half = np.sin((others - phi) / 2) ** 2 + np.cos(phi) * np.cos(others) * np.sin(turn / 2) ** 2
    return np.asarray(2.0 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))))


def _step(longitude: Floats) -> float:
    if longitude.size < 2:
        return 0.0
    steps = np.diff(longitude)
    if not np.allclose(steps, steps[0], rtol=1e-6, atol=1e-9):
        raise InputError("Regional errors need evenly spaced longitudes. Regrid the fields to a regular grid first.")
    return abs(float(longitude[-1] - longitude[0]) / (longitude.size - 1))


def _blocks(weights: Floats, latitude: Floats, longitude: Floats) -> tuple[Floats, Floats, Floats]:
    """Sum cells to blocks where there are too many, blocks of one size so that longitudes stay even."""
    tall = _size(weights.shape[0], _MOST_ROWS, weights.shape[0])
    around = longitude.size > 1 and abs(longitude.size * _step(longitude) - 360.0) < 1e-6
    wide = _size(weights.shape[1], _MOST_COLUMNS, weights.shape[1] if around else 0)
    if tall == wide == 1:
        return weights, latitude, longitude
    padded = np.pad(weights, [(0, -edge % size) for edge, size in zip(weights.shape, (tall, wide), strict=True)])
    rows, columns = padded.shape[0] // tall, padded.shape[1] // wide
    summed = padded.reshape(rows, tall, columns, wide).sum(axis=(1, 3))
    south_north = np.array([latitude[i * tall : (i + 1) * tall].mean() for i in range(rows)])
    middle = longitude[0] + ((wide - 1) / 2 + wide * np.arange(columns)) * (
        longitude[1] - longitude[0] if wide > 1 else 1
    )
    return summed, south_north, middle if wide > 1 else longitude


def _size(cells: int, most: int, whole: int) -> int:
    """Return how many cells make a block; a divisor of ``whole`` where a row closes around the globe."""
    least = -(-cells // most)
    if whole and cells == whole:
        return next((size for size in range(least, cells + 1) if cells % size == 0 and cells // size > 1), least)
    return least
