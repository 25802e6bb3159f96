"""The relief of a world and where water gathers on it.

Around a station the relief is made: a fractal surface rises while rivers cut into it, until valleys and ridges drain
as real ones do; it is then given the place's plains, mean and spread. On a strip or the globe it is the altitude map
that ships with pvlib.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from musyq_lab.twin import _earth
from musyq_lab.twin._drainage import Drainage, drainage, eroded
from musyq_lab.twin._fields import blurred, fractal, highest, ranks
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.place import Place
from musyq_lab.twin.random import stream

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

_COARSE = 176  # cells across on which rivers cut: valleys of about 90 m and wider on the default world
_RIM = 20  # cells around the world that are cut away: its edge is not the foot of the hills
_FLAT = (11, 12, 13, 14, 17)  # classes that want level land
_RIVER_SHARE = 0.3  # of the water; the rest is one lake
_SEA_SHARE = 0.2  # a place with more water lies at a coast
_COAST_HEIGHT = 100.0  # m; a higher place with that much water lies at a lake
_ATTRIBUTES = MappingProxyType(
    {
        "elevation": ("m", "surface height above sea level"),
        "slope": ("degree", "slope"),
        "aspect": ("degree", "direction a slope faces, clockwise from north"),
        "wetness": ("1", "topographic wetness: 0 ridge, 1 valley bottom"),
        "drainage_area": ("m2", "area that drains through the cell, inside the world"),
        "water": ("1", "open water"),
    }
)


@dataclass
class _Relief:
    elevation: Floats
    wetness: Floats
    area: Floats
    water: Flags


def terrain(place: Place, grid: WorldGrid, seed: int) -> xr.Dataset:
    """Return relief and water of a world.

    Parameters
    ----------
    place
        Where: gives mean and spread of the elevation, the share of water and of level land.
    grid
        Cells.
    seed
        Seed of the world.

    Returns
    -------
    Dataset, dims (y, x)
        ``elevation`` (m), ``slope`` (deg), ``aspect`` (deg clockwise from north, 0 where flat), ``wetness`` (0-1),
        ``drainage_area`` (m2), float32; ``water`` (bool).
    """
    relief = _mapped(grid) if grid.geographic else _made(place, grid, seed)
    slope, aspect = slope_aspect(relief.elevation, grid)
    fields = (relief.elevation, slope, aspect, relief.wetness, relief.area, relief.water)
    named = zip(_ATTRIBUTES.items(), fields, strict=True)
    return xr.Dataset({n: (("y", "x"), f, {"units": u, "long_name": t}) for (n, (u, t)), f in named})


def slope_aspect(elevation: Floats, grid: WorldGrid) -> tuple[Floats, Floats]:
    """Return slope and aspect (deg; aspect clockwise from north, 0 where flat) by central differences."""
    down, right = np.gradient(elevation.astype(np.float32))
    width = np.float32(grid.metres)
    east = width * np.cos(np.radians(grid.latitude)).astype(np.float32) if grid.geographic else width
    dx, dy = right / np.maximum(east, 1.0), -down / width
    aspect = np.where((dx == 0) & (dy == 0), 0.0, np.degrees(np.arctan2(-dx, -dy)) % 360)
    return np.degrees(np.arctan(np.hypot(dx, dy))).astype(np.float32), (aspect % 360).astype(np.float32)


def _mapped(grid: WorldGrid) -> _Relief:
    points = _earth.subcells(grid, 1 / 12)
    elevation = np.mean([_earth.altitude(*p) for p in points], axis=0).astype(np.float32)
    classes = np.stack([_earth.land_cover(*p) for p in points])
    water = (classes == _earth.WATER).mean(axis=0) > 0.5
    around = blurred(elevation, 3)
    wetness = ranks(-(elevation - around) / (30 + 0.1 * np.abs(around)) + 0.5 * water)
    cell = (grid.metres**2 * np.cos(np.radians(grid.latitude))).astype(np.float32)
    return _Relief(elevation, wetness, cell, water)


def _made(place: Place, grid: WorldGrid, seed: int) -> _Relief:
    share = place.cover.get(_earth.WATER, 0.0)
    shape = grid.shape
    if share >= 1.0:
        level = np.full(shape, place.elevation, np.float32)
        return _Relief(
            level, np.ones(shape, np.float32), np.full(shape, grid.metres**2, np.float32), np.ones(shape, bool)
        )
    rng = stream(seed, "terrain", place.key)
    height = _shaped(_carved(shape, rng), _level_share(place), rng)
    spread = place.spread * (grid.rows * grid.metres / 1000 / place.size) ** 0.5
    if share > _SEA_SHARE:
        height, sea = _coast(height, share)
        return _scaled(_wet(height, sea, grid), place, spread, sea)
    return _scaled(_watered(height, share, grid), place, spread, None)


def _level_share(place: Place) -> float:
    return float(np.clip(sum(place.cover.get(number, 0.0) for number in _FLAT), 0.1, 0.85))


def _carved(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return a surface cut by rivers, mean 0 and standard deviation 1."""
    factor = max(max(shape) / _COARSE, 1.0)
    coarse = max(round(shape[0] / factor), 8) + 2 * _RIM, max(round(shape[1] / factor), 8) + 2 * _RIM
    base = fractal(coarse, 3.6, rng, outer=0.8 * max(coarse)).astype(np.float64)
    rise = ranks(base + 0.7 * fractal(coarse, 4.0, rng, outer=0.5 * max(coarse))).astype(np.float64)
    cut = eroded(0.8 * base, 0.3 * rise**2, steps=12, strength=0.25)
    # The rim is cut off after the interpolation, which would flatten the outer rows without it.
    axes = [(np.arange(n) + 0.5) * (c - 2 * _RIM) / n - 0.5 + _RIM for n, c in zip(shape, coarse, strict=True)]
    fine = ndimage.map_coordinates(cut.astype(np.float32), np.meshgrid(*axes, indexing="ij"), order=3, mode="nearest")
    return np.asarray((fine - fine.mean()) / fine.std(), np.float32)


def _shaped(height: Floats, level: float, rng: np.random.Generator) -> Floats:
    """Return a surface with a plain over the lowest part, mountains above it and small forms on both.

    The plain keeps the order of the heights, so that its rivers stay; it falls gently to them.
    """
    rank = ranks(blurred(height, 2))
    hills = np.clip((rank - level) / (1 - level), 0, 1) ** 0.7
    foot = np.float32(np.quantile(height, level))
    shaped = hills * np.maximum(height - foot, 0) + 0.06 * rank + 0.02 * height
    rough = 0.03 + 0.97 * blurred(hills, 4)
    detail = fractal(height.shape, 3.1, rng, outer=40, periodic=True) * rough
    return np.asarray(shaped + np.float32(0.045) * detail, np.float32)


def _coast(height: Floats, share: float) -> tuple[Floats, Flags]:
    level = np.quantile(height, share)
    return np.asarray(np.maximum(height, level), np.float32), np.asarray(height <= level)


def _half(height: Floats) -> NDArray[np.float64]:
    rows, columns = (n // 2 * 2 for n in height.shape)
    pairs = height[:rows, :columns].astype(np.float64).reshape(rows // 2, 2, columns // 2, 2)
    return np.asarray(pairs.mean(axis=(1, 3)))


def _whole(values: ArrayLike, shape: tuple[int, int]) -> Floats:
    factor = [n / m for n, m in zip(shape, np.shape(values), strict=True)]
    return np.asarray(
        ndimage.zoom(np.asarray(values, np.float32), factor, order=1, mode="nearest", grid_mode=True), np.float32
    )


def _wet(height: Floats, water: Flags, grid: WorldGrid) -> _Relief:
    half = _half(height)
    ways = drainage(half)
    return _Relief(height, *_wetness(half, ways, height.shape, grid), water)


def _wetness(
    half: NDArray[np.float64], ways: Drainage, shape: tuple[int, int], grid: WorldGrid
) -> tuple[Floats, Floats]:
    r"""Return wetness and drainage area (m2).

    The rank of ln(a / tan b) (Beven & Kirkby 1979, doi 10.1080/02626667909491834), smoothed, less the height above the
    channel that the cell drains to.
    """
    count = ways.accumulate(np.ones(half.shape))
    filled = ways.filled(half)
    tangent = np.hypot(*np.gradient(filled)) / half.std()
    index = blurred(np.log(count / (tangent + 2e-3)), 1.5)
    channel = count > 0.001 * half.size
    above = half - ways.downstream(half, channel)
    above = np.where(np.isnan(above), half - half.min(), above)
    above = np.sqrt(np.clip(above, 0, None) / half.std())
    score = (index - index.mean()) / index.std() - 3.0 * above
    return ranks(_whole(blurred(score, 1.0), shape)), _whole(count * (2 * grid.metres) ** 2, shape)


def _watered(height: Floats, share: float, grid: WorldGrid) -> _Relief:
    """Return a relief with the river that drains most of it and a lake on that river."""
    half = _half(height)
    ways = drainage(half)
    wetness, area = _wetness(half, ways, height.shape, grid)
    relief = _Relief(height, wetness, area, np.zeros(height.shape, bool))
    cells = round(share * height.size)
    if cells:
        river = round(_RIVER_SHARE * cells)
        _add_lake(relief, half, ways, cells - river)
        _add_river(relief, half, ways, cells - int(relief.water.sum()))
    return relief


def _add_lake(relief: _Relief, half: NDArray[np.float64], ways: Drainage, cells: int) -> None:
    """Flood the valley above a point of the main river until the lake has its size."""
    count = ways.accumulate(np.ones(half.shape))
    margin = max(half.shape[0] // 12, 1)
    inner = count.copy()
    inner[:margin] = inner[-margin:] = inner[:, :margin] = inner[:, -margin:] = 0
    dam = int(np.argmax(inner))
    above = ways.upstream_of(dam)
    filled = ways.filled(half)
    wanted = min(max(cells // 4, 1), int(above.sum()))
    level = np.partition(filled[above], wanted - 1)[wanted - 1]
    lake = above & (filled <= level)
    score = blurred(_whole(lake.astype(np.float64), relief.water.shape), 1.0)
    mask = highest(score, cells)
    relief.water |= mask
    relief.elevation[mask] = level


def _add_river(relief: _Relief, half: NDArray[np.float64], ways: Drainage, cells: int) -> None:
    """Draw the channels, wider where more land drains through them (width ~ area^0.5; Leopold & Maddock 1953)."""
    count = ways.accumulate(np.ones(half.shape))
    channel = count > 0.05 * count.max()
    big = np.kron(channel, np.ones((2, 2), bool))
    pad = [(0, n - m) for n, m in zip(relief.water.shape, big.shape, strict=True)]
    big = np.pad(big, pad)
    distance, nearest = ndimage.distance_transform_edt(~big, return_indices=True)
    half_index = tuple(np.minimum(i // 2, n - 1) for i, n in zip(nearest, half.shape, strict=True))
    width = np.sqrt(count[half_index] / count.max())
    score = np.where(relief.water, -np.inf, 4 * width - distance)
    mask = highest(score.astype(np.float32), cells)
    bed = ways.filled(half)[half_index]
    relief.elevation[mask] = bed[mask]
    relief.water |= mask


def _scaled(relief: _Relief, place: Place, spread: float, sea: Flags | None) -> _Relief:
    """Give the relief the place's mean and spread; near sea level a coast has its water at 0."""
    height = relief.elevation.astype(np.float64)
    height = (height - height.mean()) * spread / max(float(height.std()), 1e-9) + place.elevation
    if sea is not None and abs(place.elevation) < _COAST_HEIGHT:
        height = height - height[sea].min()
    relief.elevation = height.astype(np.float32)
    return relief
