"""Where a production works: the grid of an edition over a region, and the name of that part in files."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import pyproj

from musyq_lab.analysis.regions import resolve_region
from musyq_lab.archive.open import open_product
from musyq_lab.catalog.stock import LayerFile, Stock
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GRIDS, GeoGrid, ProjectedGrid
from musyq_lab.core.grid import grid as whole_grid

Grid = GeoGrid | ProjectedGrid
Box = tuple[float, float, float, float]

_METRES = re.compile(r"(\d+)m", re.ASCII)
MOST_CELLS = 4_000_000
"""Cells of one tile: a wider region is refused, so that a slip of the pen does not ask for the globe at 30 m."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a grid that one file holds."""

    name: str
    """Field of the file names."""
    grid: Grid
    """Its cells."""

    @property
    def cells(self) -> int:
        """Number of cells."""
        return math.prod(self.grid.shape)


def tile_of(edition: str, region: str | None, stock: Stock) -> Tile:
    """Return the part of an edition's grid that a production makes.

    Parameters
    ----------
    edition : str
        ``"1km"``, ``"5km"``, ``"0p25deg"``, or metres such as ``"30m"`` (UTM zone of the region's middle).
    region : str, optional
        As for :func:`musyq_lab.analysis.regions.resolve_region`; by default the place that the catalog's local layers
        cover.
    stock : Stock
        What the catalog has.

    Raises
    ------
    InputError
        If the edition does not exist, or the region is too large or not known.
    """
    name, box = _box_of(region, stock)
    grid = _window(edition, box)
    tile = Tile(name, grid)
    if tile.cells > MOST_CELLS:
        raise InputError(
            f"{name} has {tile.cells:,} cells on the grid {edition}; one tile holds up to {MOST_CELLS:,}. "
            "Give a smaller region (region='west,south,east,north') or a coarser edition."
        )
    return tile


def _window(edition: str, box: Box) -> Grid:
    if edition in GRIDS:
        return whole_grid(edition).window(*box)
    match = _METRES.fullmatch(edition)
    if match is None:
        known = ", ".join((*GRIDS, "30m"))
        raise InputError(f"There is no edition {edition!r} to produce. Use one of {known}, or metres such as '250m'.")
    west, south, east, north = box
    zone = min(int(((west + east) / 2 + 180.0) // 6.0) + 1, 60)
    crs = f"EPSG:{(32600 if south + north >= 0 else 32700) + zone}"
    to_map = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    edges = to_map.transform_bounds(west, south, east, north)
    return ProjectedGrid.around(edition, crs, *edges, float(match[1]))


def _box_of(region: str | None, stock: Stock) -> tuple[str, Box]:
    if region is not None:
        found = resolve_region(region)
        if found.box is not None:
            return _named(found.key, found.box), found.box
        shapes = [country.geometry.bounds for country in found.countries]
        west, south, east, north = np.array(shapes).T
        return found.key, (west.min(), south.min(), east.max(), north.max())
    local = next((file for file in stock.layers if file.name.tile != "global"), None)
    if local is None:
        raise InputError(
            "The catalog has no local layers that would say where to work. Give region='west,south,east,north' "
            "(degrees), a country or a region."
        )
    return local.name.tile, extent(local)


def _named(key: str, box: Box) -> str:
    if key == "globe":
        return "global"
    west, south, east, north = box
    text = "_".join(f"{_digits(abs(value))}{sign}" for value, sign in (
        (west, "E" if west >= 0 else "W"), (south, "N" if south >= 0 else "S"),
        (east, "E" if east >= 0 else "W"), (north, "N" if north >= 0 else "S"),
    ))  # fmt: skip
    return text.replace(".", "p")


def _digits(value: float) -> str:
    """Return degrees to a tenth of a metre, so that neighbouring boxes of a fine grid do not share a name."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def extent(file: LayerFile) -> Box:
    """Return the box (degrees) within the outer edges of the cells of a product file, so that no cell is empty."""
    ds = open_product(file.path)
    pair = ("latitude", "longitude") if "latitude" in ds.dims else ("y", "x")
    y, x = (np.asarray(ds[name].values, dtype=float) for name in pair)
    edges = (*_edges(x), *_edges(y))
    west, east, south, north = edges
    if pair == ("y", "x"):
        return _inner(str(_crs(ds)), west, south, east, north)
    return west, south, east, north


def _edges(centres: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    half = abs(centres[-1] - centres[0]) / max(centres.size - 1, 1) / 2
    return float(centres.min() - half), float(centres.max() + half)


def _crs(ds: object) -> object:
    coords = ds.coords  # type: ignore[attr-defined]
    mapping = next(c for c in coords.values() if c.ndim == 0 and {"crs_wkt", "spatial_ref"} & set(c.attrs))
    return mapping.attrs.get("crs_wkt") or mapping.attrs["spatial_ref"]


def _inner(crs: str, west: float, south: float, east: float, north: float) -> Box:
    """Return the largest box of longitude and latitude that lies within a rectangle of a map."""
    back = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    along = np.linspace(0.0, 1.0, 33)
    x, y = west + (east - west) * along, south + (north - south) * along
    left = back.transform(np.full(33, west), y)[0].max()
    right = back.transform(np.full(33, east), y)[0].min()
    low = back.transform(x, np.full(33, south))[1].max()
    high = back.transform(x, np.full(33, north))[1].min()
    return float(left), float(low), float(right), float(high)
