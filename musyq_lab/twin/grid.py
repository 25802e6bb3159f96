"""The fine grid a world is made on: square cells of one coordinate reference system."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pyproj
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WorldGrid:
    """Square cells, rows from north to south."""

    crs: str
    """Coordinate reference system, such as ``"EPSG:32650"``; longitude-latitude where cells are in degrees."""
    resolution: float
    """Edge of a cell in units of the CRS."""
    west: float
    """Outer edge of the first column."""
    north: float
    """Outer edge of the first row."""
    columns: int
    """Number of columns."""
    rows: int
    """Number of rows."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def geographic(self) -> bool:
        """Whether cells are in degrees."""
        return bool(pyproj.CRS(self.crs).is_geographic)

    @property
    def x(self) -> Floats:
        """Centres of the columns."""
        return np.asarray(self.west + (np.arange(self.columns) + 0.5) * self.resolution)

    @property
    def y(self) -> Floats:
        """Centres of the rows."""
        return np.asarray(self.north - (np.arange(self.rows) + 0.5) * self.resolution)

    @property
    def metres(self) -> float:
        """Edge of a cell in metres (north to south where cells are in degrees)."""
        return self.resolution * 111_195.0 if self.geographic else self.resolution

    @cached_property
    def _places(self) -> tuple[Floats, Floats]:
        x, y = np.meshgrid(self.x, self.y)
        if self.geographic:
            return x, y
        longitude, latitude = _transformer(self.crs).transform(x, y, direction="INVERSE")
        return np.asarray(longitude), np.asarray(latitude)

    @property
    def longitude(self) -> Floats:
        """Longitude of the cell centres (deg, -180 to 180), shape (rows, columns)."""
        return self._places[0]

    @property
    def latitude(self) -> Floats:
        """Geodetic latitude of the cell centres (deg), shape (rows, columns)."""
        return self._places[1]

    def cells(self, longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
        """Return fractional row and column of places, 0 at the centre of the first cell."""
        if self.geographic:
            x, y = np.asarray(longitude), np.asarray(latitude)
        else:
            x, y = _transformer(self.crs).transform(longitude, latitude)
        return (self.north - y) / self.resolution - 0.5, (x - self.west) / self.resolution - 0.5


@lru_cache(maxsize=16)
def _transformer(crs: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def local_grid(longitude: float, latitude: float, size: float, resolution: float) -> WorldGrid:
    """Return a grid of UTM cells (UPS beyond 84 N and 80 S) around a place.

    Its corner lies on whole multiples of 60 m, as the pixel corners of Sentinel-2 do.

    Parameters
    ----------
    longitude, latitude
        Centre (deg).
    size
        Edge of the square (km).
    resolution
        Edge of a cell (m).

    Raises
    ------
    InputError
        If the place or the numbers are none.
    """
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise InputError(f"Place {longitude}, {latitude}: expected -180 to 180 degrees east and -90 to 90 north.")
    if not (0 < resolution < math.inf and 0 < size < math.inf):
        raise InputError(f"A world of {size} km at {resolution} m: expected a size and a resolution above 0.")
    cells = round(size * 1000 / resolution)
    if cells < 8:
        raise InputError(f"A world of {size:g} km at {resolution:g} m is {cells} cells across; it needs at least 8.")
    crs = _local_crs(longitude, latitude)
    x, y = _transformer(crs).transform(longitude, latitude)
    half = cells * resolution / 2
    west, north = (60.0 * round(value / 60) for value in (x - half, y + half))
    return WorldGrid(crs, float(resolution), west, north, cells, cells)


def _local_crs(longitude: float, latitude: float) -> str:
    if latitude > 84:
        return "EPSG:5041"
    if latitude < -80:
        return "EPSG:5042"
    zone = min(int((longitude + 180) // 6) + 1, 60)
    return f"EPSG:{(32600 if latitude >= 0 else 32700) + zone}"
