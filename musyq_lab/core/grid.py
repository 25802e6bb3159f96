"""The programme's grids, on longitude and latitude and on a map: cell centres, edges and sub-regions.

Latitude runs from north to south and longitude from -180 to 180, as in the published products.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError, NotFoundError, closest

LATITUDE = MappingProxyType(
    {"standard_name": "latitude", "long_name": "latitude of the cell centre", "units": "degrees_north", "axis": "Y"}
)
LONGITUDE = MappingProxyType(
    {"standard_name": "longitude", "long_name": "longitude of the cell centre", "units": "degrees_east", "axis": "X"}
)
# Units are those of the projection, which the data say.
PROJECTED_Y = MappingProxyType(
    {"standard_name": "projection_y_coordinate", "long_name": "y coordinate of the cell centre", "axis": "Y"}
)
PROJECTED_X = MappingProxyType(
    {"standard_name": "projection_x_coordinate", "long_name": "x coordinate of the cell centre", "axis": "X"}
)
METRES_PER_DEGREE = 111_320.0
"""Metres along one degree, about, where a size in degrees is compared with one in metres."""
# WGS 84 as CF names it (CF-1.11, appendix F).
CRS_ATTRIBUTES = MappingProxyType(
    {
        "grid_mapping_name": "latitude_longitude",
        "semi_major_axis": 6378137.0,
        "inverse_flattening": 298.257223563,
        "longitude_of_prime_meridian": 0.0,
    }
)


@dataclass(frozen=True, slots=True)
class GeoGrid:
    """A regular longitude-latitude grid, whole or a window of it.

    Cells are counted from the north-west corner; a coordinate is one quotient of whole numbers, so that it is the
    double nearest to its decimal, and windows of one grid share their coordinates to the last bit.
    """

    name: str
    """Edition it carries."""
    cells_per_degree: int
    """Cells along one degree."""
    row: int = 0
    """First row of the window."""
    column: int = 0
    """First column of the window."""
    rows: int = -1
    """Height in cells, -1 for the whole globe."""
    columns: int = -1
    """Width in cells, -1 for the whole globe."""

    def __post_init__(self) -> None:
        """Fill in the size of the globe and refuse a window that leaves it."""
        height, width = 180 * self.cells_per_degree, 360 * self.cells_per_degree
        if self.rows == -1:
            object.__setattr__(self, "rows", height - self.row)
        if self.columns == -1:
            object.__setattr__(self, "columns", width - self.column)
        inside = 0 <= self.row < self.row + self.rows <= height and 0 <= self.column < width
        if not (inside and 0 < self.columns <= width):
            raise InputError(f"Window {self} leaves the globe of {height} x {width} cells.")

    @property
    def resolution(self) -> float:
        """Edge of a cell in degrees."""
        return 1.0 / self.cells_per_degree

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def latitude(self) -> NDArray[np.float64]:
        """Cell centres in degrees north, descending."""
        halves = 180 * self.cells_per_degree - 2 * (self.row + np.arange(self.rows)) - 1
        return halves / (2 * self.cells_per_degree)

    @property
    def longitude(self) -> NDArray[np.float64]:
        """Cell centres in degrees east; a window across the antimeridian goes on beyond 180."""
        halves = 2 * (self.column + np.arange(self.columns)) + 1 - 360 * self.cells_per_degree
        return halves / (2 * self.cells_per_degree)

    def window(self, west: float, south: float, east: float, north: float) -> GeoGrid:
        """Return the cells that touch a box.

        Parameters
        ----------
        west, south, east, north : float
            Degrees, longitudes from -180 to 360; ``west > east`` means a box across the antimeridian.

        Raises
        ------
        InputError
            If the box is empty or not on the globe.
        """
        width = east - west + (360 if east < west else 0)
        if not (-90 <= south < north <= 90 and -180 <= west <= 360 and -180 <= east <= 360 and 0 < width <= 360):
            raise InputError(
                f"Box (west {west}, south {south}, east {east}, north {north}) is empty or not on the globe. "
                "Give degrees with south < north; west > east crosses the antimeridian."
            )
        n = self.cells_per_degree
        row, rows = _span(90 - north, 90 - south, n)
        row = min(row, 180 * n - 1)
        column, columns = _span(west + 180, west + 180 + width, n)
        return GeoGrid(self.name, n, row, column % (360 * n), rows, min(columns, 360 * n))


@dataclass(frozen=True, slots=True)
class ProjectedGrid:
    """A regular grid of square cells on a map projection, rows from north to south."""

    name: str
    """Edition it carries."""
    crs: str
    """Coordinate reference system as pyproj reads it, such as ``"EPSG:32650"``."""
    west: float
    """Western edge (m)."""
    north: float
    """Northern edge (m)."""
    resolution: float
    """Edge of a cell (m)."""
    rows: int
    """Height in cells."""
    columns: int
    """Width in cells."""

    def __post_init__(self) -> None:
        """Refuse a grid without cells."""
        if not (self.resolution > 0 and self.rows > 0 and self.columns > 0):
            raise InputError(f"{self} has no cells. Give a positive resolution (m), rows and columns.")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def x(self) -> NDArray[np.float64]:
        """Cell centres (m), ascending."""
        return np.asarray(self.west + self.resolution * (np.arange(self.columns) + 0.5), np.float64)

    @property
    def y(self) -> NDArray[np.float64]:
        """Cell centres (m), descending."""
        return np.asarray(self.north - self.resolution * (np.arange(self.rows) + 0.5), np.float64)

    @classmethod
    def around(
        cls, name: str, crs: str, west: float, south: float, east: float, north: float, resolution: float
    ) -> ProjectedGrid:
        """Return the cells that touch a box (m), their edges on whole multiples of the resolution.

        Raises
        ------
        InputError
            If the box is empty.
        """
        if not (south < north and west < east):
            raise InputError(f"Box (west {west}, south {south}, east {east}, north {north}) is empty.")
        left, right = math.floor(west / resolution + 1e-9), math.ceil(east / resolution - 1e-9)
        bottom, top = math.floor(south / resolution + 1e-9), math.ceil(north / resolution - 1e-9)
        size = max(top - bottom, 1), max(right - left, 1)
        return cls(name, crs, left * resolution, top * resolution, resolution, *size)


def _span(start: float, end: float, cells_per_degree: int) -> tuple[int, int]:
    """Return the first cell that touches a stretch of degrees and how many do, at least one.

    A billionth of a cell is forgiven, so that an edge like 0.1 + 0.2 does not take in a neighbour.
    """
    first = math.floor(start * cells_per_degree + 1e-9)
    return first, max(math.ceil(end * cells_per_degree - 1e-9) - first, 1)


GRIDS = MappingProxyType({g.name: g for g in (GeoGrid("1km", 100), GeoGrid("5km", 20), GeoGrid("0p25deg", 4))})


def grid(name: str) -> GeoGrid:
    """Return the whole grid of an edition.

    Raises
    ------
    NotFoundError
        If no longitude-latitude edition has that name.
    """
    try:
        return GRIDS[name]
    except KeyError:
        raise NotFoundError(f"There is no grid {name!r}.{closest(name, GRIDS)}") from None
