r"""Where clouds cast their shadows: geometry says where they may lie, darkness where they do.

A cloud at height h is seen :math:`h \tan\theta_v` beyond its foot, away from the sensor, and shades the ground
:math:`h \tan\theta_s` beyond it, away from the Sun. From where the cloud is seen to its shadow it is

.. math:: \mathbf{d} = h\,(\tan\theta_v\,\hat{\mathbf v} - \tan\theta_s\,\hat{\mathbf s})

with the horizontal directions towards the sensor and the Sun. For each connected cloud all heights between limits are
tried, and the one kept at which its shadow covers most dark ground and least bright, much as Fmask matches its objects
(Zhu & Woodcock 2012, section 3.2). The limits come from temperature (6.5 K per km below clear land), with a margin that
thin cloud, which looks warmer than it is, needs; else they are 0.2 and 8 km. Ground is dark where the near infrared is
well below that of clear ground around; of the shadow so placed, the pixels that are dark are shadow.

The geometry is computed on blocks of pixels (at most 1024 along an edge of the scene), all of the scene at once: a
shadow may lie any number of chunks away from its cloud. Darkness is decided pixel by pixel.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from scipy import ndimage

from musyq_lab.standard._cloud_planes import Planes
from musyq_lab.standard._cloud_shape import coarse, fine

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

HEIGHTS = (200.0, 8000.0)
"""Heights above ground (m) that are tried for cloud of unknown height."""

_MOST = 1024  # blocks along an edge
_FINEST = 50.0  # m, step of height at least
_SIMILAR = 0.3  # least share of a cloud's shadow on dark ground (the similarity Fmask asks): what a miss costs in hits
_LAPSE = 6.5e-3  # K m-1, ICAO standard atmosphere
_MARGIN = (0.7, -800.0, 1.5, 1500.0)  # lowest and highest height from that of the temperature: factor and m; chosen
_TOP = 15_000.0  # m
_ENOUGH = 1000  # blocks of a cloud that are tried at every height
_STEEPEST = 80.0  # deg
_DARKER = 0.8  # share of the clear near infrared below which it is shadow; chosen
_REACH = 12  # blocks over which clear ground is averaged, Gaussian
_LEAST = 0.08  # near infrared of ground too dark for its shadow to be seen
_EARTH = 111_195.0  # m per degree
_FIXED = 65536.0
_NEEDED = ("sun_zenith", "sun_azimuth")
_ANGLES = ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")


def shadow(planes: Planes, cloud: Any, water: Any) -> tuple[Any, str]:
    """Return where clouds cast shadows, and how that was found (or why it was not).

    Parameters
    ----------
    planes : Planes
        Of the scene.
    cloud, water : array of bool, shape (y, x)
        Water, which is dark, is never shadow.
    """
    scene, like = planes.scene, planes.values["nir"]
    nowhere = (like > 0.0) & False
    if missing := [name for name in _NEEDED if name not in scene]:
        return nowhere, f"none, for want of {missing[0]}"
    if min(like.shape) < 2:
        return nowhere, "none, for want of pixels"
    if not (_is_swath(scene) or set(planes.dims) <= set(scene.coords)):
        return nowhere, "none, for want of coordinates"
    factor = max(1, math.ceil(max(like.shape) / _MOST))
    nir = planes.values["nir"]
    ground = _where(~(cloud | water), nir)
    inputs = (
        coarse(cloud, factor, np.any),
        coarse(ground, factor, _mean),
        coarse(_where(cloud, planes.values["temperature"]), factor, _mean),
        coarse(_where(~cloud, planes.values["temperature"]), factor, _mean),
        *(_middle(_angle(planes, name), factor) for name in _ANGLES),
        *_places(planes, factor),
    )
    made = partial(_reached, crs=_crs(scene, planes.dims), factor=factor)
    dark = _whole(made, inputs)
    limit = fine(dark, factor, like)
    found = (nir < limit) & ~cloud & ~water
    return found, "geometry and darkness" + ("" if "view_zenith" in scene else ", seen from above")


def _where(condition: Any, values: Any) -> Any:
    return (da if isinstance(values, da.Array) else np).where(condition, values, np.float32(np.nan))


def _mean(values: Floats, axis: tuple[int, ...]) -> Floats:
    """Return the mean of the known values; summed as whole numbers, which no order of summation changes."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.rint(np.where(known, values, 0).astype(np.float64) * _FIXED).astype(np.int64).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / (_FIXED * np.maximum(count, 1)), np.nan), np.float32)


def _angle(planes: Planes, name: str) -> Any:
    if name in planes.scene:
        angle = planes.scene[name].transpose(*planes.dims).data
        return angle.astype(np.float32)
    return planes.values["nir"] * np.float32(0.0)


def _middle(plane: Any, factor: int) -> Any:
    """Return the pixel in the middle of each block, the last one there is in cut blocks."""
    rows, columns = (np.minimum(np.arange(0, size, factor) + factor // 2, size - 1) for size in plane.shape)
    return plane[rows][:, columns]


def _places(planes: Planes, factor: int) -> tuple[Any, Any]:
    """Return east- and northward coordinates of the blocks: two-dimensional, in the units of the scene."""
    scene, (rows, columns) = planes.scene, planes.dims
    if _is_swath(scene):
        return tuple(_middle(scene[name].transpose(rows, columns).data, factor) for name in ("longitude", "latitude"))
    y, x = (np.asarray(scene[dim].values, np.float64) for dim in (rows, columns))
    east, north = np.meshgrid(x, y)
    return _middle(east, factor), _middle(north, factor)


def _is_swath(scene: xr.Dataset) -> bool:
    return "longitude" in scene.coords and scene["longitude"].ndim == 2


def _crs(scene: xr.Dataset, dims: tuple[str, str]) -> str:
    """Return the CRS of coordinates in metres that are none on the ground, ``"degree"``, or ``"metre"``."""
    if dims == ("latitude", "longitude") or _is_swath(scene):
        return "degree"
    attrs = scene["spatial_ref"].attrs if "spatial_ref" in scene.coords else {}
    words = str(attrs.get("crs_wkt", ""))
    if words and "eostationary" in words:
        return words
    return "degree" if words and CRS.from_wkt(words).is_geographic else "metre"


def _whole(make: Any, inputs: tuple[Any, ...]) -> Any:
    """Return what is made of whole planes, lazily where any is lazy."""
    if not any(isinstance(plane, da.Array) for plane in inputs):
        return make(*inputs)
    whole = [da.asarray(plane).rechunk(-1) for plane in inputs]
    return da.map_blocks(make, *whole, dtype=np.float32, meta=np.empty((0, 0), np.float32))


def _reached(
    cloud: Bools,
    ground: Floats,
    top: Floats,
    clear: Floats,
    sun: Floats,
    sun_azimuth: Floats,
    view: Floats,
    view_azimuth: Floats,
    east: NDArray[np.float64],
    north: NDArray[np.float64],
    *,
    crs: str,
    factor: int,
) -> Floats:
    """Return the near infrared below which a pixel is in shadow: NaN where no cloud's shadow reaches."""
    if not cloud.any() or min(cloud.shape) < 2:
        return np.full(cloud.shape, np.nan, np.float32)
    per_metre = _per_metre(east, north, crs)
    away = _away(sun, sun_azimuth, view, view_azimuth)
    shift = np.stack([per_metre[0] * away[0] + per_metre[1] * away[1], per_metre[2] * away[0] + per_metre[3] * away[1]])
    around = _around(ground)
    limit = np.float32(_DARKER) * around
    usable = np.where(np.isfinite(ground) & (around > _LEAST), np.where(ground < limit, 1.0, 0.0), np.nan)
    reached = _cast(cloud, shift, *_heights(top, clear), usable)
    return np.where(reached & (around > _LEAST), limit, np.float32(np.nan)).astype(np.float32)


def _per_metre(east: NDArray[np.float64], north: NDArray[np.float64], crs: str) -> NDArray[np.float64]:
    """Return rows per metre east and north, then columns per metre east and north."""
    latitude: Any = 0.0
    if crs not in ("degree", "metre"):
        east, north = Transformer.from_crs(CRS.from_wkt(crs), "EPSG:4326", always_xy=True).transform(east, north)
        east, north = (np.where(np.isfinite(place), place, np.nan) for place in (east, north))
    if crs != "metre":
        latitude = north
        known = east[np.isfinite(east)]
        first = known[0] if known.size else 0.0
        east = (east - first + 180.0) % 360.0  # no jump at the antimeridian
    steps = [np.gradient(place, axis=axis) for place in (east, north) for axis in (0, 1)]
    if crs != "metre":
        wide = _EARTH * np.cos(np.radians(latitude))
        steps = [step * wide for step in steps[:2]] + [step * _EARTH for step in steps[2:]]
    east_row, east_column, north_row, north_column = steps
    area = east_row * north_column - east_column * north_row
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.stack([north_column / area, -east_column / area, -north_row / area, east_row / area])


def _away(sun: Floats, sun_azimuth: Floats, view: Floats, view_azimuth: Floats) -> NDArray[np.float64]:
    """Return how far east and north of its cloud a shadow lies, for a metre of height."""
    s, v = (np.tan(np.radians(np.minimum(angle, _STEEPEST), dtype=np.float64)) for angle in (sun, view))
    a, b = (np.radians(angle, dtype=np.float64) for angle in (sun_azimuth, view_azimuth))
    return np.stack([v * np.sin(b) - s * np.sin(a), v * np.cos(b) - s * np.cos(a)])


def _heights(top: Floats, clear: Floats) -> tuple[Floats, Floats]:
    """Return the lowest and highest height of cloud above ground (m)."""
    low, high = (np.full(top.shape, height, np.float32) for height in HEIGHTS)
    known = np.isfinite(clear)
    if not known.any():
        return low, high
    height = (np.float32(np.median(clear[known])) - top) / np.float32(_LAPSE)
    a, b, c, d = _MARGIN
    usable = np.isfinite(height)
    low = np.where(usable, np.clip(a * height + b, HEIGHTS[0], _TOP), low)
    high = np.where(usable, np.clip(c * height + d, HEIGHTS[0] + d, _TOP), high)
    return low.astype(np.float32), high.astype(np.float32)


def _cast(cloud: Bools, shift: NDArray[np.float64], low: Floats, high: Floats, dark: NDArray[np.float64]) -> Bools:
    """Return the blocks that shadows reach, each cloud from the height at which most of its shadow is dark."""
    reached = np.zeros(cloud.shape, bool)
    label = ndimage.label(cloud, np.ones((3, 3)))[0]
    row, column = np.nonzero(cloud & np.isfinite(shift).all(axis=0))
    if not row.size:
        return reached
    own = label[row, column]
    down, right = shift[0][row, column], shift[1][row, column]
    step = max(1.0 / max(float(np.hypot(down, right).max()), 1e-9), _FINEST)
    few = _some(own)
    cells = tuple(values[few] for values in (row, column, down, right, own))
    place = _heights_of(cells, int(own.max()) + 1, (low[row, column], high[row, column]), own, dark, step)
    for near in (-1, 0, 1):
        height = place[own] + near * step
        kept = np.isfinite(height)
        r, c, inside = _inside(cloud.shape, (row + height * down)[kept], (column + height * right)[kept])
        reached[r[inside], c[inside]] = True
    return np.asarray(ndimage.maximum_filter(reached, 3, mode="constant", cval=False))


def _some(own: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which cells stand for their clouds: all of small ones, one in so many of large ones."""
    order = np.argsort(own, kind="stable")
    sizes = np.bincount(own)
    rank = np.arange(own.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    every = np.repeat(-(-sizes // _ENOUGH), sizes)
    return np.asarray(order[rank % np.maximum(every, 1) == 0])


def _heights_of(
    cells: tuple[NDArray[Any], ...],
    count: int,
    limits: tuple[Floats, Floats],
    owners: NDArray[np.int64],
    dark: NDArray[np.float64],
    step: float,
) -> NDArray[np.float64]:
    """Return the height of each cloud at which its shadow covers most dark ground and least bright; NaN for none."""
    row, column, down, right, own = cells
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, owners, limits[0])
    np.maximum.at(high, owners, limits[1])
    best, place = np.zeros(count), np.full(count, np.nan)
    for height in np.arange(HEIGHTS[0], float(high.max()) + step, step):
        open_to = (height >= low - step) & (height <= high + step)
        used = open_to[own]
        value, inside = _at(dark, (row + height * down)[used], (column + height * right)[used])
        known = inside & np.isfinite(value)
        owner = own[used][known]
        seen = np.bincount(owner, minlength=count)
        hits = np.bincount(owner, weights=value[known], minlength=count)
        gain = hits - _SIMILAR * seen
        better = (gain > best) & open_to
        best, place = np.where(better, gain, best), np.where(better, height, place)
    return place


def _inside(
    shape: tuple[int, ...], row: NDArray[np.float64], column: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Bools]:
    r, c = (np.rint(np.clip(place, -2, max(shape) + 1)).astype(np.int64) for place in (row, column))
    return r, c, (r >= 0) & (r < shape[0]) & (c >= 0) & (c < shape[1])


def _at(values: NDArray[np.float64], row: NDArray[np.float64], column: NDArray[np.float64]) -> Any:
    """Return values at places, and which of them lie inside."""
    r, c, inside = _inside(values.shape, row, column)
    return values[np.where(inside, r, 0), np.where(inside, c, 0)], inside


def _around(values: Floats) -> Floats:
    """Return the mean of the known values around each block, weighted by a Gaussian; NaN far from any."""
    known = np.isfinite(values)
    weight = ndimage.gaussian_filter(known.astype(np.float64), _REACH, mode="constant")
    total = ndimage.gaussian_filter(np.where(known, values, 0).astype(np.float64), _REACH, mode="constant")
    return np.asarray(np.where(weight > 1e-3, total / np.maximum(weight, 1e-3), np.nan), np.float32)
