r"""What the measures of cloud are in the clear parts of a scene.

One pass over a scene counts its pixels in two joint histograms: measure by temperature and measure by reflectance at
1.38 um, for land, water and snow. The measure is haze, over snow the snow index. Counts of parts of a scene add up
exactly, so that the result does not depend on chunks or their order. Percentiles are taken from the counts.

Clear land and water are the pixels near the lowest haze of the scene; clear snow those of a high snow index.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels import cloud as kernels

Counts = NDArray[np.int64]
Floats = NDArray[np.float32]

ROWS = 4
"""Land, water and snow, then haze with the slope of soils over land and water."""

# First edge, width and number of the bins of each axis; what lies beyond counts in the outermost bin.
HAZE = (-0.06, 0.002, 256)
INDEX = (0.0, 0.004, 256)
TEMPERATURE = (170.0, 1.0, 176)
CIRRUS = (0.0, 0.001, 128)

_KINDS, _MEASURES = 3, HAZE[2]
_SPLIT = TEMPERATURE[2] + 1
COLUMNS = _SPLIT + CIRRUS[2] + 2
"""Bins of temperature, those without one, bins of 1.38 um, those without it, and how many see a low Sun."""

LOW_SUN = 60.0
"""Solar zenith angle (deg) beyond which ground that is white all over may be snow; chosen."""

HIGHEST_HAZE = 0.05
"""Haze beyond which ground is not taken for clear: aerosol of optical depth 0.8 over dark land gives 0.04 to 0.05 in
the simulated scenes."""

_LOW, _WINDOW = 3.0, 0.017  # percentile and width of the haze of clear ground; fitted to the tuning scenes
_NARROWER = (1.0 - kernels.SOIL) / (1.0 - kernels.SLOPE)  # what cloud adds with the slope of soils, relative
_HIGHEST_SOIL = 0.0375  # as the highest haze, over ground of 0.1 in the red
_CLEAR = 0.0065  # above the clear haze: 0.7 of what cloud of optical depth 0.5 adds in the zenith
_RED_WINDOW = 0.1  # the same where haze is half the red reflectance, which varies more over land
_SNOW_INDEX, _SNOW_UNIT = 0.55, 0.05  # least NDSI of clear snow, and what cloud of optical depth 0.5 takes: simulated
_SURELY_SNOW = 0.4  # Hall et al. 1995, doi 10.1016/0034-4257(95)00137-P
_LOW_TEMPERATURE, _HIGH_TEMPERATURE = 17.5, 82.5  # percentiles of Fmask (Zhu & Woodcock 2012, eq. 8 and 13)
_LEAST_SPREAD = 4.0  # K, the margin of Fmask (eq. 9 and 14)
_MOST_CIRRUS = (0.02, 0.08)  # clear ground at 1.38 um: below moist air, and snow below dry cold air
_MOST_CIRRUS_UNIT = 0.015
_FREEZING = 273.15  # K: air above colder ground is dry
_FEWEST = 10
_HAZIER = 0.012  # how much hazier than the clearest of other days a clear day may be; chosen


class Background(NamedTuple):
    """Measures of clear ground, in the order :func:`musyq_lab.kernels.cloud.decide` takes them."""

    haze: float
    haze_unit: float
    soil: float
    snow_index: float
    snow_index_unit: float
    cirrus: float
    cirrus_unit: float
    land: float
    land_unit: float
    water: float
    water_unit: float
    snow: float
    snow_unit: float
    white: float


def count(
    haze: Floats, soil: Floats, index: Floats, kind: Floats, temperature: Floats, cirrus: Floats, sun: Floats
) -> Counts:
    """Return how often each measure occurs with each temperature and each reflectance at 1.38 um.

    Parameters
    ----------
    haze, soil, index, kind : ndarray of float32
        From :func:`musyq_lab.kernels.cloud.measures`; pixels of NaN do not count.
    temperature : ndarray of float32
        At 11 um (K), NaN where there is none.
    cirrus : ndarray of float32
        Reflectance at 1.38 um (1), NaN where there is none.
    sun : ndarray of float32
        Zenith (deg), NaN where it is not known.

    Returns
    -------
    ndarray of int64, shape (4, 256, COLUMNS)
        By kind, measure and what :data:`COLUMNS` lists.
    """
    known = np.isfinite(haze)
    surface = kind[known].astype(np.int64)
    measure = np.where(surface == int(kernels.SNOW), _bin(index[known], INDEX), _bin(haze[known], HAZE))
    rows = surface * _MEASURES + measure
    size = ROWS * _MEASURES
    parts = []
    for values, axis in ((temperature[known], TEMPERATURE), (cirrus[known], CIRRUS)):
        width = axis[2] + 1
        column = np.where(np.isnan(values), axis[2], _bin(values, axis))
        counted = np.bincount(rows * width + column, minlength=size * width)
        parts.append(counted.reshape(ROWS, _MEASURES, width))
    low = np.bincount(rows[sun[known] > LOW_SUN], minlength=size).reshape(ROWS, _MEASURES, 1)
    counts = np.asarray(np.concatenate([*parts, low], axis=-1), np.int64)
    bare = np.isfinite(soil) & (kind != np.float32(kernels.SNOW))
    counts[_KINDS, :, 0] = np.bincount(_bin(soil[bare], HAZE), minlength=_MEASURES)
    return counts


def _bin(values: Floats, axis: tuple[float, float, int]) -> NDArray[np.int64]:
    first, width, number = axis
    with np.errstate(invalid="ignore"):
        place = np.nan_to_num((values - np.float32(first)) / np.float32(width), nan=0.0)
    return np.asarray(np.clip(place, 0, number - 1), np.int64)


def total(blocks: Callable[..., Counts], *planes: Any) -> Any:
    """Return the counts of a whole plane: at once for arrays of numpy, lazily for those of dask.

    Parameters
    ----------
    blocks : callable
        Counts of a block of the planes.
    *planes : array, shape (y, x)
        All of numpy, or all of dask and of the same chunks.
    """
    if not isinstance(planes[0], da.Array):
        return blocks(*planes)
    rows, columns = planes[0].numblocks
    counts = da.map_blocks(
        _one_block,
        *planes,
        blocks=blocks,
        dtype=np.int64,
        new_axis=[2, 3, 4],
        chunks=((1,) * rows, (1,) * columns, (ROWS,), (_MEASURES,), (COLUMNS,)),
        meta=np.empty((0,) * 5, np.int64),
    )
    return counts.sum(axis=(0, 1))


def _one_block(*planes: Floats, blocks: Callable[..., Counts]) -> Counts:
    return np.asarray(blocks(*planes)[np.newaxis, np.newaxis], np.int64)


def background(counts: Counts, *, blue: bool, swir: bool, days: bool = False) -> Floats:
    """Return the measures of clear ground, those of :class:`Background`.

    Parameters
    ----------
    counts : ndarray of int64, shape (4, 256, COLUMNS)
        From :func:`count`.
    blue, swir : bool
        Whether the scene has a blue band, and one at 1.6 um.
    days : bool
        Whether haze is the excess over that of other days.

    Notes
    -----
    Without a band at 1.6 um, a scene that is white in its greater part below a low Sun is taken for snow, and cloud for
    what is whiter than most of it.
    """
    soils, counts = counts[_KINDS, :, 0], counts[:_KINDS]
    by_temperature, by_cirrus = counts[..., : TEMPERATURE[2]], counts[..., _SPLIT : _SPLIT + CIRRUS[2]]
    measured = counts[..., :_SPLIT].sum(axis=-1)
    bare = measured[:2].sum(axis=0)
    low = bool(counts[..., -1].sum() > 0.5 * measured.sum())
    white = blue and not days and not swir and low and _percentile(bare, HAZE, 50.0)[0] > HIGHEST_HAZE
    haze, haze_unit, clear_haze = _whitest(bare) if white else _haze(bare, blue=blue or days, days=days)
    soil = float("nan") if white or days or not blue else _clear_haze(soils, _WINDOW * _NARROWER, _HIGHEST_SOIL)[0]
    index, index_unit = _index(measured[int(kernels.SNOW)])
    clear = np.zeros((_KINDS, _MEASURES), bool)
    clear[:2] = _centres(HAZE) < clear_haze
    clear[2] = _centres(INDEX) > index - index_unit
    land, water, snow = _temperatures(by_temperature, clear)
    ground = np.where(clear[..., np.newaxis], by_cirrus, 0).sum(axis=(0, 1))
    wintry = measured[2].sum() > 0.5 * max(measured.sum(), 1) or min(land[0], snow[0]) < _FREEZING
    cirrus, cirrus_unit = _cirrus(ground, by_cirrus.sum(axis=(0, 1)), _MOST_CIRRUS[bool(wintry)])
    found = Background(
        haze, haze_unit, soil, index, index_unit, cirrus, cirrus_unit, *land, *water, *snow, float(white)
    )
    return np.array(found, np.float32)


def _centres(axis: tuple[float, float, int]) -> NDArray[np.float64]:
    first, width, number = axis
    return np.asarray(first + width * (np.arange(number) + 0.5), np.float64)


def _percentile(counts: Counts, axis: tuple[float, float, int], *percent: float) -> list[float]:
    """Return percentiles of a histogram, linear within a bin; NaN of an empty one."""
    summed = np.concatenate([[0], np.cumsum(counts)])
    if not summed[-1]:
        return [float("nan")] * len(percent)
    edges = axis[0] + axis[1] * np.arange(axis[2] + 1)
    wanted = [0.01 * p * summed[-1] for p in percent]
    last = np.clip(np.searchsorted(summed, wanted, side="left"), 1, axis[2])
    below, above = summed[last - 1], summed[last]
    share = (wanted - below) / np.maximum(above - below, 1)
    return [float(value) for value in edges[last - 1] + share * axis[1]]


def _whitest(counts: Counts) -> tuple[float, float, float]:
    """Return the same as :func:`_haze` for a scene that is white in its greater part."""
    middle, high = _percentile(counts, HAZE, 50.0, _HIGH_TEMPERATURE)
    unit = 0.7 * (high - middle)
    return middle, unit, middle + unit


def _haze(counts: Counts, *, blue: bool, days: bool) -> tuple[float, float, float]:
    """Return haze of clear ground, its unit, and the haze below which ground is clear."""
    if blue:
        clear, _ = _clear_haze(counts, _WINDOW, kernels.SAME_HAZE + _HAZIER if days else HIGHEST_HAZE)
        return clear, 0.0, clear + _CLEAR
    clear, spread = _clear_haze(counts, _RED_WINDOW, 2 * HIGHEST_HAZE)
    return clear, spread, clear + 2 * spread


def _clear_haze(counts: Counts, window: float, highest: float) -> tuple[float, float]:
    """Return the median of what lies within a window above the lowest haze, and how far it spreads above."""
    if not counts.sum():
        return highest, 0.0
    (low,) = _percentile(counts, HAZE, _LOW)
    centres = _centres(HAZE)
    near = np.where((centres > low - HAZE[1]) & (centres < low + window), counts, 0)
    clear, upper = _percentile(near, HAZE, 50.0, _HIGH_TEMPERATURE)
    clear = min(clear, highest)
    return clear, max(upper - clear, 0.0)


def _index(counts: Counts) -> tuple[float, float]:
    """Return NDSI of clear snow and its unit."""
    sure = np.where(_centres(INDEX) > _SURELY_SNOW, counts, 0)
    if sure.sum() < _FEWEST:
        return _SNOW_INDEX, _SNOW_UNIT
    low, middle, high = _percentile(sure, INDEX, _LOW_TEMPERATURE, 50.0, _HIGH_TEMPERATURE)
    return max(middle, _SNOW_INDEX), max(_SNOW_UNIT, 0.5 * (high - low))


def _temperatures(counts: Counts, clear: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Return temperature and unit of clear land, water and snow; that of all clear ground for a kind that is rare."""
    chosen = np.where(clear[..., np.newaxis], counts, 0).sum(axis=1)
    everything, pixels = chosen.sum(axis=0), counts.sum()
    found = []
    for own in chosen:
        enough = own.sum() >= max(_FEWEST, 0.001 * pixels)
        used = own if enough else everything
        if used.sum() < _FEWEST:
            found.append((float("nan"), _LEAST_SPREAD))
            continue
        low, middle, high = _percentile(used, TEMPERATURE, _LOW_TEMPERATURE, 50.0, _HIGH_TEMPERATURE)
        found.append((middle, max(high - low, _LEAST_SPREAD)))
    return found


def _cirrus(ground: Counts, everything: Counts, most: float) -> tuple[float, float]:
    """Return the reflectance of clear ground at 1.38 um and its unit."""
    if not everything.sum():
        return float("nan"), 0.0
    middle, high = _percentile(ground if ground.sum() >= _FEWEST else everything, CIRRUS, 50.0, _HIGH_TEMPERATURE)
    (low,) = _percentile(everything, CIRRUS, 25.0)
    return min(max(middle, low), most), min(high - middle, _MOST_CIRRUS_UNIT)
