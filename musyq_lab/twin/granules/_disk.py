"""What the writers of images from over the equator share: the grid of the full disk and the part that sees a world.

Pixels are counted from 0 at the north-west corner of the full disk; on every grid the corner is the same, so that one
coarse pixel holds whole fine ones. Pixels lie on the ellipsoid: these sensors' files know no terrain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyproj
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.instrument import Image, Pixels
from musyq_lab.twin.orbit import EQUATOR, GEOSTATIONARY_RADIUS, Overpass

Floats = NDArray[np.float64]

HEIGHT = GEOSTATIONARY_RADIUS - EQUATOR
"""Of the satellite above the ellipsoid (m)."""

POLAR = 6_356_752.3
"""Polar half axis (m) as the headers of HSD have it; WGS 84's is 1 cm longer."""

LARGEST = 20_000_000
"""Values (pixels times bands) an image may have: some 500 MB while it is made."""

_SAMPLES = 33  # places along an edge of the world that find its outline; within, a disk bends little


@dataclass(frozen=True)
class Disk:
    """The pixel grids of a sensor."""

    title: str
    """Name for messages."""
    longitude: float
    """Of the point below the satellite (deg)."""
    factors: Mapping[int, int]
    """Resolution (m), coarsest first -> CFAC = LFAC, pixels per degree times 2^16 (CGMS 03, section 4.4.4)."""
    edge: int
    """Pixels along an edge of the coarsest grid."""

    @property
    def coarsest(self) -> int:
        """Its resolution (m)."""
        return next(iter(self.factors))

    def offset(self, resolution: int) -> float:
        """Return the column, and line, of the centre of the disk (COFF counted from 0)."""
        return (self.edge * self.coarsest // resolution - 1) / 2

    def window(self, grid: WorldGrid) -> Window:
        """Return the pixels of the coarsest grid that see a world.

        Raises
        ------
        InputError
            If none does.
        """
        columns, lines = self._outline(grid)
        if columns.size == 0:
            raise InputError(
                f"{self.title} does not see the world: all of it lies beyond the limb from {self.longitude:g} degrees "
                "east. Choose another sensor or place."
            )
        left, top = math.floor(columns.min()), math.floor(lines.min())
        return Window(top, left, math.ceil(lines.max()) - top + 1, math.ceil(columns.max()) - left + 1)

    def _outline(self, grid: WorldGrid) -> tuple[Floats, Floats]:
        rows, columns = (np.linspace(0, n - 1, min(n, _SAMPLES)).round().astype(int) for n in grid.shape)
        at = np.ix_(rows, columns)
        x, y = self._projection()(grid.longitude[at], grid.latitude[at])
        seen = np.isfinite(x) & np.isfinite(y)
        step = self._step(self.coarsest)
        middle = self.offset(self.coarsest)
        return middle + x[seen] / step, middle - y[seen] / step

    def places(self, window: Window, resolution: int) -> tuple[Floats, Floats]:
        """Return longitude and geodetic latitude (deg) of the pixels of a window on a grid, NaN beside the Earth."""
        fine = window.on(self.coarsest // resolution)
        step, middle = self._step(resolution), self.offset(resolution)
        x = (np.arange(fine.left, fine.left + fine.columns) - middle) * step
        y = (middle - np.arange(fine.top, fine.top + fine.lines)) * step
        x, y = np.meshgrid(x, y)
        longitude, latitude = self._projection()(x, y, inverse=True)
        space = ~np.isfinite(longitude)
        return np.where(space, np.nan, longitude), np.where(space, np.nan, latitude)

    def pixels(self, overpass: Overpass, grid: WorldGrid, bands: Mapping[int, tuple[str, ...]]) -> tuple[Pixels, ...]:
        """Return the pixels of some grids that see a world.

        The point spread is taken as wide as a pixel, which grows with the distance and leans with the surface: the mean
        of both directions.

        Parameters
        ----------
        overpass, grid
            Who looks, and at what.
        bands
            Resolution (m) -> names of bands.

        Raises
        ------
        InputError
            If the world lies beyond the limb, or is too large for images of these resolutions.
        """
        window = self.window(grid)
        size = window.lines * window.columns
        values = sum(size * (self.coarsest // r) ** 2 * len(names) for r, names in bands.items())
        if values > LARGEST:
            raise InputError(
                f"The world spans {window.lines} x {window.columns} pixels of {self.coarsest} m of {self.title}: "
                f"{values / 1e6:.0f} million values an image, of which {LARGEST / 1e6:.0f} can be made. Full disks are "
                "not simulated: choose a smaller world."
            )
        stretch = _stretch(overpass, grid)
        return tuple(
            Pixels(names, float(r), *self.places(window, r), footprint=r * stretch, extra={"window": window})
            for r, names in bands.items()
        )

    def _step(self, resolution: int) -> float:
        """Return the projected width of a pixel (m)."""
        return math.radians(2.0**16 / self.factors[resolution]) * HEIGHT

    def _projection(self) -> pyproj.Proj:
        return pyproj.Proj(proj="geos", lon_0=self.longitude, h=HEIGHT, a=EQUATOR, b=POLAR, sweep="y", units="m")


@dataclass(frozen=True)
class Window:
    """A part of a grid."""

    top: int
    """First line."""
    left: int
    """First column."""
    lines: int
    """Number of lines."""
    columns: int
    """Number of columns."""

    def on(self, factor: int) -> Window:
        """Return the same part of a grid with ``factor`` times as many lines and columns."""
        return Window(self.top * factor, self.left * factor, self.lines * factor, self.columns * factor)


def _stretch(overpass: Overpass, grid: WorldGrid) -> float:
    """Return the size of a pixel at the centre of a world over that at nadir, mean of both directions."""
    at = grid.rows // 2, grid.columns // 2
    longitude, latitude = grid.longitude[at], grid.latitude[at]
    zenith = math.radians(min(float(overpass.look(longitude, latitude)[0]), 85.0))
    # The triangle of satellite, centre of the Earth and place.
    sine = EQUATOR / overpass.radius * math.sin(zenith)
    distance = overpass.radius * math.cos(math.asin(sine)) - EQUATOR * math.cos(zenith)
    return distance / HEIGHT / math.sqrt(math.cos(zenith))


def albedo(image: Image, band: str) -> Floats:
    """Return reflectance times the cosine of the Sun's zenith angle: 0 at night, NaN where the world does not reach."""
    lit = np.cos(np.radians(image.sun_zenith, dtype=np.float64))
    found = image.values[band] * np.maximum(lit, 0)
    return np.where((lit <= 0) & np.isfinite(image.elevation), 0.0, found)
