r"""Aerosol of each date of a series, by the surface that the place has shown at the same hour on all of them.

The surface changes slowly, and at one hour of the day it is seen from a geostationary satellite (or on one orbit's
track) under nearly the same angles. Each date is first corrected with the aerosol that its spectra tell. Of the
surfaces so found the weighted median, in which dates of little aerosol count most, is that of the place, and each
date's optical depth is the one under which that surface gives its blue light
(:func:`musyq_lab.kernels.dark_target.meeting`), the median over the pixels of a cell. So errors of single dates cancel,
and what is left is common to all.

The darkest date instead, as over GOES (Knapp, Vonder Haar & Kaufman 2002, J. Geophys. Res. 107, 4055; not re-read),
needs a background that nobody knows: with that of the climatology, simulated series came out 0.13 too low.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels import dark_target as kernels
from musyq_lab.products._aerosol_look import Floats, Look
from musyq_lab.standard._aerosol_cells import by_cell, nodes
from musyq_lab.standard._aerosol_marks import clear, median
from musyq_lab.standard.aerosol import NODES

FEW = 5
"""Clear dates of an hour below which the surface is not known much better than on one of them."""

_SURFACE = 0.05  # relative error of the surface's blue: growth, and angles that are not quite the same (assumed)
_COMMON = 0.5  # share of the variance of the first estimates that is the same on all dates (assumed)
_SKY, _PRIOR = 6, 2


def series(looks: Sequence[Look], hours: Sequence[int]) -> list[Any]:
    """Return optical depth, sigma and number of clear dates for each date, each of shape (3, rows, columns).

    Parameters
    ----------
    looks : sequence of Look
        Of one band, the dates in rising order.
    hours : sequence of int
        Which dates belong together: the hour of the day of each.
    """
    first = looks[0]
    toa, marked, sky, prior = (_joined([getattr(one, part) for one in looks]) for part in _PARTS)
    told = {"keys": first.keys, "halo": first.halo, "hours": np.asarray(hours)}
    found = first.cells.apply(_series_cells, toa, marked, sky, prior, leading=3 * len(looks), **told)
    return [found[3 * k : 3 * k + 3] for k in range(len(looks))]


_PARTS = ("toa", "marked", "sky", "prior")


def _joined(parts: list[Any]) -> Any:
    lazy = any(isinstance(part, da.Array) for part in parts)
    return da.concatenate(parts) if lazy else np.concatenate(parts)


def _series_cells(
    toa: Floats,
    marked: Floats,
    sky: Floats,
    prior: Floats,
    *,
    rows: int,
    columns: int,
    keys: Any,
    halo: bool,
    hours: NDArray[np.intp],
) -> Floats:
    count = hours.size
    usable = np.stack([clear(mark, rows, columns, halo=halo) for mark in marked])
    light = by_cell(np.where(usable, toa, np.nan).astype(np.float32), rows, columns)  # date, rows, columns, pixel
    skies = sky.reshape(count, _SKY, *sky.shape[1:])
    before = prior.reshape(count, _PRIOR, *prior.shape[1:])
    made = np.full((count, 3, *light.shape[1:3]), np.nan, np.float32)
    for hour in np.unique(hours):
        at = np.nonzero(hours == hour)[0]
        made[at] = _one_hour(light[at], skies[at], before[at], keys)
    return made.reshape(3 * count, *light.shape[1:3])


def _one_hour(light: Floats, skies: Floats, before: Floats, keys: Any) -> Floats:
    """Return optical depth, sigma, number of clear dates, shape (date, 3, rows, columns)."""
    first, error = before[:, 0], before[:, 1]
    weights = np.where(np.isfinite(light), error[..., None] ** -2.0, 0.0)
    surface = np.stack([_surface(*parts, keys) for parts in zip(light, skies, first, strict=True)])
    ground = weighted_median(surface, weights)
    dates = (weights > 0).sum(0).max(-1)  # of the pixels of a cell
    level = _level_error(error, np.asarray((weights > 0).any(-1)))
    made = []
    for one, sky in zip(light, skies, strict=True):
        tables = [part[:, :, None] for part in nodes(keys, sky, aod=NODES)]
        own, constant = np.ascontiguousarray(one[..., None]), ground.astype(np.float32)
        depth, response = kernels.meeting(own, *tables, np.ones(1, np.float32), constant, NODES.astype(np.float32))
        known = np.isfinite(one) & np.isfinite(response) & np.isfinite(ground)
        number = known.sum(-1)
        value, lever = (median(np.where(known, part, np.nan), number) for part in (depth, response * ground))
        away = np.where(known, np.abs(depth - value[..., None]), np.nan)
        scatter = 1.4826 * median(away, number)  # of a normal distribution
        sigma = np.sqrt((_SURFACE * lever) ** 2 + level**2 + scatter**2 / np.maximum(number, 1))
        made.append(np.stack([value, sigma, dates]))
    return np.stack(made).astype(np.float32)


def _level_error(error: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Return the error of what the dates that are seen say together, in optical depth."""
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.where(seen, error**-2.0, 0.0)
        alone = 1.0 / weights.sum(0)  # variance of independent estimates
        typical = seen.sum(0) * alone  # of one of them
    level: Floats = np.sqrt(_COMMON * typical + (1.0 - _COMMON) * alone)
    return level


def _surface(light: Floats, sky: Floats, aerosol: Floats, keys: Any) -> Floats:
    """Return the reflectance of the surface of a date under an aerosol."""
    fixed = np.concatenate([sky[:3], aerosol[None], sky[3:]])
    path, through, albedo = (part[..., 0, :] for part in nodes(keys, fixed))
    y = (light - path) / through
    surface: Floats = y / (1.0 + albedo * y)
    return surface


def weighted_median(values: Floats, weights: Floats) -> Floats:
    """Return the value along the first dimension at which half of the weight is reached, NaN where there is none.

    Parameters
    ----------
    values, weights : array, shape (date, ...)
        Weights of 0 where a value does not count.
    """
    kept = np.where(weights > 0, values, np.inf)
    order = np.argsort(kept, axis=0, kind="stable")
    ordered, heavy = (np.take_along_axis(part, order, 0) for part in (kept, weights))
    rank = (np.cumsum(heavy, axis=0) < 0.5 * heavy.sum(0)).sum(0)[None]
    found: Floats = np.take_along_axis(ordered, np.minimum(rank, values.shape[0] - 1), 0)[0]
    return np.where(np.isfinite(found), found, np.nan)
