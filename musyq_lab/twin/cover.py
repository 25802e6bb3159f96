"""What covers the land: fields, woods, grass, villages and water, in the shares of the place.

Classes are those of the International Geosphere-Biosphere Programme, 1 to 17, with 17 for water (MCD12Q1; MCD12C1
writes 0). Around a station each class takes the cells that suit it best, in an order in which the choosy come first,
until its share is met: ice and wetland, settlements, farmland field by field on level wet land, woods on slopes, shrub,
bare ground and grass in what is left. On a strip or the globe the classes
are those of MCD12C1.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

from musyq_lab.twin import _earth
from musyq_lab.twin._fields import (
    blurred,
    fractal,
    highest,
    noise,
    parcels,
    patches,
    ranks,
    region_mean,
    regions,
    turned,
)
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.place import Place
from musyq_lab.twin.random import stream

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

IGBP = MappingProxyType(
    {
        1: "evergreen needleleaf forest", 2: "evergreen broadleaf forest", 3: "deciduous needleleaf forest",
        4: "deciduous broadleaf forest", 5: "mixed forest", 6: "closed shrubland", 7: "open shrubland",
        8: "woody savanna", 9: "savanna", 10: "grassland", 11: "permanent wetland", 12: "cropland", 13: "built-up",
        14: "cropland and natural vegetation", 15: "snow and ice", 16: "barren", 17: "water",
    }
)  # fmt: skip
"""Number -> name of the land cover classes."""
WATER = _earth.WATER
CROPS = (12, 14)
_TOWN_CLASS = 13
_FIRST = (15, 11)  # where no one settles
_ORDER = (1, 3, 5, 2, 4, 8, 9, 6, 7, 16, 10)
# What a class likes: weights of cold, slope, wetness and northness (each about -1 to 1), and of its own patches.
_LIKES = MappingProxyType(
    {
        15: (3.0, 0.0, 0.0, 0.5, 0.3), 11: (-0.5, -0.8, 2.0, 0.0, 0.5), 1: (1.0, 0.5, 0.2, 0.9, 0.7),
        3: (0.9, 0.3, 0.3, 0.7, 0.7), 5: (0.6, 0.6, 0.2, 0.5, 0.7), 2: (0.2, 0.5, 0.4, 0.2, 0.7),
        4: (0.2, 0.7, 0.4, 0.3, 0.7), 8: (0.2, 0.3, 0.2, 0.2, 0.8), 9: (0.0, 0.0, -0.2, 0.0, 0.8),
        6: (0.3, 0.5, -0.1, -0.2, 0.8), 7: (0.4, 0.4, -0.5, -0.4, 0.8), 16: (0.2, 0.0, -0.9, -0.2, 0.9),
        10: (0.0, 0.0, 0.0, 0.0, 1.0),
    }
)  # fmt: skip
_LINE_SHARE = 0.25
"""Largest part of the built-up and of the woods that roads and tree lines may take."""
_TOWN = 1300.0
"""Radius (m) of the largest town, before its share is dealt out."""
_STAND = 320.0
"""Size (m) of a stand of natural vegetation."""
_ATTRIBUTES = MappingProxyType(
    {
        "land_cover": ("1", "IGBP land cover class, 17 = water"),
        "parcel": ("1", "number of the field or patch"),
        "vigour": ("1", "how well plants grow: 1 best"),
    }
)


def cover(place: Place, grid: WorldGrid, terrain: xr.Dataset, climate: xr.Dataset, seed: int) -> xr.Dataset:
    """Return land cover and parcels of a world.

    Parameters
    ----------
    place
        Where: gives the share of each class and the size of the fields.
    grid
        Cells.
    terrain
        Relief, from :func:`musyq_lab.twin.terrain.terrain`.
    climate
        Climate, from :func:`musyq_lab.twin.climate.climate`: plants feel the temperature, not the height.
    seed
        Seed of the world.

    Returns
    -------
    Dataset, dims (y, x)
        ``land_cover`` (uint8, IGBP 1-17), ``parcel`` (int32, from 1; every parcel is one connected patch of one class),
        ``vigour`` (float32, 0-1).
    """
    rng = stream(seed, "cover", place.key)
    if grid.geographic:
        classes, patch = _mapped(grid), patches(grid.shape, 5.0, rng)
    else:
        classes, patch = _made(place, grid, _site(terrain, climate), rng)
    parcel = regions(patch * 32 + classes)
    vigour = _vigour(parcel, classes, grid, stream(seed, "vigour"))
    named = zip(_ATTRIBUTES.items(), (classes, parcel, vigour), strict=True)
    out = xr.Dataset({n: (("y", "x"), f, {"units": u, "long_name": t}) for (n, (u, t)), f in named})
    numbers = np.array(list(IGBP), np.uint8)
    out["land_cover"].attrs |= {
        "flag_values": numbers,
        "flag_meanings": " ".join(name.replace("-", "_").replace(" ", "_") for name in IGBP.values()),
    }
    return out


def _mapped(grid: WorldGrid) -> NDArray[np.uint8]:
    points = _earth.subcells(grid, 0.05)
    count = np.zeros((18, *grid.shape), np.uint8)
    for longitude, latitude in points:
        classes = _earth.land_cover(longitude, latitude)
        np.put_along_axis(count, classes[np.newaxis], np.take_along_axis(count, classes[np.newaxis], 0) + 1, 0)
    return np.asarray(np.argmax(count, axis=0), np.uint8)


def _made(
    place: Place, grid: WorldGrid, site: dict[str, Floats], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Integers]:
    classes = np.where(site["water"] > 0, WATER, 0).astype(np.uint8)
    shape, cell = grid.shape, grid.metres
    fields, blocks = parcels(shape, max(place.field_size / cell, 2.0), rng)
    stands = patches(shape, max(_STAND / cell, 2.0), rng, warp=0.35)
    texture = fractal(shape, 3.0, rng, outer=4000 / cell, periodic=True)
    grain = noise(shape, 1.5, rng, periodic=True)
    wanted = {number: round(place.cover.get(number, 0.0) * classes.size) for number in IGBP}
    for number in (n for n in _FIRST if wanted[n]):
        _take(classes, _suits(number, site, stands, texture, grain), number, wanted[number])
    _people(classes, wanted, (fields, blocks), _settlements(site, blocks, rng, cell), _farm(site, rng, cell), rng)
    for number in (n for n in _ORDER if wanted[n]):
        already = int((classes == number).sum())
        _take(classes, _suits(number, site, stands, texture, grain), number, wanted[number] - already)
    classes[classes == 0] = _commonest(place)
    farmland = np.isin(classes, CROPS)
    return classes, np.where(farmland, fields, int(fields.max()) + 1 + stands)


def _people(
    classes: NDArray[np.uint8],
    wanted: dict[int, int],
    farmland: tuple[Integers, Integers],
    settle: Floats,
    farm: Floats,
    rng: np.random.Generator,
) -> None:
    """Lay out towns, fields, roads and tree lines, and last the mosaic of small fields and woods around them."""
    fields, blocks = farmland
    lines = round(wanted[_TOWN_CLASS] * _LINE_SHARE)
    _take(classes, settle, _TOWN_CLASS, wanted[_TOWN_CLASS] - lines)
    _take(classes, _whole_parcels(farm, fields, classes), 12, wanted[12])
    _lines(classes, blocks, wanted, rng)
    lacking = wanted[_TOWN_CLASS] - int((classes == _TOWN_CLASS).sum())
    edge = highest(np.where((classes == 0) | (classes == 12), settle, -np.inf), lacking)
    classes[edge & ((classes == 0) | (classes == 12))] = _TOWN_CLASS
    _take(classes, _whole_parcels(farm, fields, classes), 12, wanted[12] - int((classes == 12).sum()))
    if wanted[14]:
        near = -0.02 * ndimage.distance_transform_edt(classes != 12).astype(np.float32)
        _take(classes, _whole_parcels(farm + near, fields, classes), 14, wanted[14])


def _commonest(place: Place) -> int:
    natural = {n: s for n, s in place.cover.items() if n not in (WATER, 13, *CROPS)}
    return max(natural or place.cover, key=lambda n: (natural or place.cover)[n])


def _site(terrain: xr.Dataset, climate: xr.Dataset) -> dict[str, Floats]:
    """Return what plants and people look for, each about -1 to 1."""
    slope = blurred(terrain["slope"], 1.5)
    north = np.cos(np.radians(terrain["aspect"].values)) * np.minimum(slope / 15, 1)
    return {
        "cold": 2 * ranks(-blurred(climate["temperature_mean"], 2)) - 1,
        "slope": 2 * ranks(slope) - 1,
        "wetness": 2 * terrain["wetness"].values - 1,
        "north": blurred(north, 1.0),
        "steepness": np.minimum(slope / 8, 3).astype(np.float32),
        "water": terrain["water"].values.astype(np.float32),
    }


def _take(classes: NDArray[np.uint8], score: Floats, number: int, cells: int) -> None:
    """Give a class the free cells of the highest scores."""
    free = classes == 0
    cells = min(cells, int(free.sum()))
    classes[highest(np.where(free, score, -np.inf), cells)] = number


def _suits(number: int, site: dict[str, Floats], stands: Integers, texture: Floats, grain: Floats) -> Floats:
    """Return how well a class of natural vegetation suits every cell: mostly alike within a stand."""
    height, slope, wetness, north, own = _LIKES[number]
    liking = height * site["cold"] + slope * site["slope"] + wetness * site["wetness"] + north * site["north"]
    liking = liking + own * turned(texture, number)
    stand = region_mean(liking, stands).astype(np.float32)[stands]
    return np.asarray(0.6 * liking + 0.4 * stand + np.float32(0.12) * turned(grain, number), np.float32)


def _farm(site: dict[str, Floats], rng: np.random.Generator, cell: float) -> Floats:
    """Return how well land suits the plough: level, not too high, wet enough, near other fields."""
    region = fractal(site["slope"].shape, 3.4, rng, outer=6000 / cell, periodic=True)
    return np.asarray(0.5 * site["wetness"] - 0.5 * site["cold"] - 2.0 * site["steepness"] + 0.45 * region, np.float32)


def _settlements(site: dict[str, Floats], blocks: Integers, rng: np.random.Generator, cell: float) -> Floats:
    """Return how built-up land looks: towns and villages of Zipf-like sizes on level land amid the fields."""
    row, column = _centres(blocks)
    good = -site["steepness"][row, column] - 0.4 * site["cold"][row, column] - 5.0 * site["water"][row, column]
    good = good + rng.normal(0, 0.35, good.size)
    kept = np.argsort(-good, kind="stable")[: max(int(0.45 * good.size), 1)]
    radius = _TOWN / cell / (1 + np.arange(kept.size)) ** 0.45
    ragged = 0.22 * fractal(blocks.shape, 2.6, rng, outer=1200 / cell, periodic=True)
    inside = np.full(blocks.shape, -1.5, np.float32)
    for y, x, r in zip(row[kept], column[kept], radius, strict=True):
        top, left, reach = max(y - int(2.5 * r), 0), max(x - int(2.5 * r), 0), int(2.5 * r) + 1
        part = inside[top : y + reach, left : x + reach]
        away = np.hypot(np.arange(part.shape[0])[:, np.newaxis] + top - y, np.arange(part.shape[1]) + left - x)
        np.maximum(part, 1 - away / r, out=part, casting="same_kind")
    return np.asarray(inside + ragged - 0.5 * site["steepness"], np.float32)


def _centres(blocks: Integers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return row and column of the middle of each block."""
    number = blocks.ravel()
    count = np.bincount(number)
    row, column = np.divmod(np.arange(number.size), blocks.shape[1])
    there = count > 0
    middle = [np.bincount(number, weights=v)[there] / count[there] for v in (row, column)]
    return middle[0].round().astype(np.int64), middle[1].round().astype(np.int64)


def _whole_parcels(score: Floats, fields: Integers, classes: NDArray[np.uint8]) -> Floats:
    """Return the score of the field in place of that of the cell, so that fields are taken whole."""
    free = classes == 0
    number = np.where(free, fields + 1, 0)
    mean = region_mean(np.where(free, score, 0.0), number)
    return np.asarray(mean[number], np.float32)


def _lines(classes: NDArray[np.uint8], blocks: Integers, wanted: dict[int, int], rng: np.random.Generator) -> None:
    """Turn borders of blocks amid the fields into roads and tree lines, within the shares of their classes."""
    pair = np.zeros(classes.shape, np.int64)  # number of the border between two blocks, 0 inside them
    count = int(blocks.max()) + 1
    for here, there in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        a, b = blocks[here], blocks[there]
        border = a != b
        pair[here][border] = (np.minimum(a, b) * count + np.maximum(a, b))[border] + 1
    cells = np.flatnonzero((pair.ravel() > 0) & (classes.ravel() == 12))
    _, segment = np.unique(pair.ravel()[cells], return_inverse=True)
    length = np.bincount(segment)
    trees = max((n for n in (4, 5, 1) if wanted[n]), key=lambda n: wanted[n], default=0)
    turn = rng.permutation(length.size)
    start = 0
    for line in (_TOWN_CLASS, trees):
        limit = wanted[line] * _LINE_SHARE if line else 0.0
        many = int(np.searchsorted(np.cumsum(length[turn[start:]]), limit))
        classes.ravel()[cells[np.isin(segment, turn[start : start + many])]] = line or 12
        start += many


def _vigour(parcel: NDArray[np.int32], classes: NDArray[np.uint8], grid: WorldGrid, rng: np.random.Generator) -> Floats:
    """Return the growth of parcels, 0.55 to 1 (fields differ more than woods), with gentle differences inside them."""
    each = rng.beta(4.0, 2.0, int(parcel.max()) + 1).astype(np.float32)[parcel]
    if grid.geographic:  # a cell holds thousands of fields: what is left are the differences between regions
        region = 0.80 + 0.08 * fractal(grid.shape, 3.0, rng) + 0.05 * (each - 0.67)
        return np.asarray(np.clip(region, 0.3, 1.0), np.float32)
    wild = 0.36 + 0.10 * (each - 0.67) + 0.05 * fractal(grid.shape, 3.0, rng, outer=3000 / grid.metres, periodic=True)
    between = np.where(np.isin(classes, CROPS), 0.45 * each, wild)
    within = noise(grid.shape, max(120 / grid.metres, 1.0), rng, periodic=True)
    fine = noise(grid.shape, 1.0, rng, periodic=True)
    return np.asarray(np.clip(0.55 + between + 0.035 * within + 0.012 * fine, 0.05, 1.0), np.float32)
