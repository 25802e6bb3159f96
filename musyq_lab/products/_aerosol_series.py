r"""Aerosol of each date of a series, by the darkest surface that the place has shown at the same hour.

The surface changes slowly, and at one hour of the day it is seen from a geostationary satellite (or on one orbit's
track) under nearly the same angles. Its blue reflectance is the second-lowest of the series (the lowest of fewer than
five dates) after correction for a background aerosol, for the darkest date is not free of it; each date's optical depth
is then the one under which that surface gives its light (:func:`musyq_lab.kernels.dark_target.meeting`), the median
over the pixels of a cell. Such minima serve over GMS, GOES and MTSAT (Knapp et al. 2002, doi:10.1029/2001JD002117; Kim et al. 2008, doi:10.1016/j.atmosenv.2007.10.049; not
re-read).

The background is what the climatology expects of the least of so many days: the quantile
:math:`(k - 3/8) / (n + 1/4)` (Blom 1958) of its lognormal distribution for the k-th smallest of n dates.
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
"""Clear dates of an hour below which the lowest, not the second-lowest, value is the surface."""

_SURFACE = 0.05  # relative error of the surface's blue: growth, and angles that are not quite the same (assumed)
_SPREAD = 0.5  # relative error of the background: the k-th smallest of a few lognormal days (assumed)
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
    clear_dates = np.isfinite(light).sum(0)
    seen = clear_dates.max(-1)  # of the pixels of a cell
    level = background(before[:, 0].mean(0), before[:, 1].mean(0), seen)
    surface = np.stack([_surface(one, sky, level, keys) for one, sky in zip(light, skies, strict=True)])
    ground = _low(surface, clear_dates)
    made = []
    for one, sky in zip(light, skies, strict=True):
        tables = [part[:, :, None] for part in nodes(keys, sky, aod=NODES)]
        own = np.ascontiguousarray(one[..., None])
        depth, response = kernels.meeting(
            own, *tables, np.ones(1, np.float32), ground.astype(np.float32), NODES.astype(np.float32)
        )
        known = np.isfinite(depth)
        number = known.sum(-1)
        value, lever = median(depth, number), median(np.where(known, response * ground, np.nan), number)
        scatter = 1.4826 * median(np.abs(depth - value[..., None]), number)  # of a normal distribution
        sigma = np.sqrt((_SURFACE * lever) ** 2 + (_SPREAD * level) ** 2 + scatter**2 / np.maximum(number, 1))
        made.append(np.stack([value, sigma, seen]))
    return np.stack(made).astype(np.float32)


def background(mean: Floats, sigma: Floats, dates: NDArray[np.intp]) -> Floats:
    """Return what is expected of the darkest of some dates, of a lognormal optical depth.

    Parameters
    ----------
    mean, sigma : array
        Of one date.
    dates : array of int
        How many there are; the second-darkest counts where there are :data:`FEW` or more.
    """
    from scipy.special import ndtri

    width = np.sqrt(np.log1p((sigma / mean) ** 2))
    rank = np.where(dates >= FEW, 2, 1)
    quantile = ndtri((rank - 0.375) / (np.maximum(dates, 1) + 0.25))
    level: Floats = np.exp(np.log(mean) - width**2 / 2 + width * quantile)
    return level


def _surface(light: Floats, sky: Floats, level: Floats, keys: Any) -> Floats:
    """Return the reflectance of the surface of a date under the background."""
    fixed = np.concatenate([sky[:3], level[None], sky[3:]])
    path, through, albedo = (part[..., 0, :] for part in nodes(keys, fixed))
    y = (light - path) / through
    surface: Floats = y / (1.0 + albedo * y)
    return surface


def _low(surface: Floats, dates: NDArray[np.intp]) -> Floats:
    """Return the second-lowest value along the first dimension, the lowest of few, NaN where there is none."""
    ordered = np.sort(surface, axis=0)
    rank = np.where(dates >= FEW, 1, 0)[None]
    return np.take_along_axis(ordered, rank, 0)[0]
