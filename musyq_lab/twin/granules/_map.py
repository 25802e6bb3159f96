"""Rectangles of map pixels: which part of a UTM grid covers a world, and where its pixels are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
import pyproj
from numpy.typing import NDArray

from musyq_lab.kernels.solar import zenith_azimuth
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.orbit import SPHERE, Overpass, SunSynchronous, ecef

Floats = NDArray[np.float64]

_NODE = 480.0
"""Metres between the points at which longitude and latitude are computed; straight lines between them err by
_NODE^2 tan(latitude) / (8 x 6371 km), 5 mm at 45 degrees."""
_SOUTH = 1e7
"""False northing of the southern zones (m)."""
HORIZON = 90.0
"""Sun zenith angle (degree) from which on a satellite that images by day alone does not."""


@dataclass(frozen=True)
class Frame:
    """A rectangle of a UTM grid, by its outer edges (m)."""

    epsg: int
    """Code of the projection."""
    left: float
    """Of the first column."""
    top: float
    """Of the first row."""
    width: float
    """West to east."""
    height: float
    """North to south."""

    @property
    def zone(self) -> int:
        """Number of the UTM zone."""
        return self.epsg % 100

    def shape(self, resolution: float) -> tuple[int, int]:
        """Return rows and columns of pixels of a size."""
        return round(self.height / resolution), round(self.width / resolution)

    def places(self, resolution: float, inset: float = 0.0) -> tuple[Floats, Floats]:
        """Return longitude and latitude (deg) of the pixel centres.

        Parameters
        ----------
        resolution
            Edge of a pixel (m).
        inset
            How much farther in than the frame's edges the pixels begin and end (m).
        """
        size = self.width - 2 * inset, self.height - 2 * inset
        columns, rows = round(size[0] / resolution), round(size[1] / resolution)
        x: Floats = self.left + inset + (np.arange(columns, dtype=np.float64) + 0.5) * resolution
        y: Floats = self.top - inset - (np.arange(rows, dtype=np.float64) + 0.5) * resolution
        across, down = (_nodes(axis) for axis in (x, y))
        longitude, latitude = self.geographic(*np.meshgrid(across, down))
        turn = longitude - longitude[0, 0]
        longitude = longitude[0, 0] + (turn + 180) % 360 - 180
        to_x, to_y = _weights(x, across), _weights(y, down)
        made = [to_y @ part @ to_x.T for part in (longitude, latitude)]
        return (made[0] + 180) % 360 - 180, made[1]

    def geographic(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return longitude and latitude (deg) of map coordinates (m)."""
        longitude, latitude = transformer(self.epsg).transform(x, y, direction="INVERSE")
        return np.asarray(longitude), np.asarray(latitude)

    @property
    def centre(self) -> tuple[float, float]:
        """Longitude and latitude (deg) of the middle."""
        x, y = np.array(self.left + self.width / 2), np.array(self.top - self.height / 2)
        longitude, latitude = self.geographic(x, y)
        return float(longitude), float(latitude)


def _nodes(axis: Floats) -> Floats:
    return np.linspace(axis[0], axis[-1], max(2, math.ceil(abs(axis[-1] - axis[0]) / _NODE) + 1))


def _weights(axis: Floats, nodes: Floats) -> Floats:
    """Return the share (pixel, node) of each node in each pixel of a row or column."""
    position = (axis - nodes[0]) / (nodes[1] - nodes[0]) if nodes[1] != nodes[0] else np.zeros_like(axis)
    return np.maximum(0.0, 1.0 - np.abs(position[:, np.newaxis] - np.arange(len(nodes))))


@lru_cache(maxsize=16)
def transformer(epsg: int) -> pyproj.Transformer:
    """Return the transformer from longitude and latitude to a projection."""
    return pyproj.Transformer.from_crs(4326, epsg, always_xy=True)


def middle(grid: WorldGrid) -> tuple[float, float]:
    """Return longitude and latitude (deg) of the middle of a world."""
    x = np.array(grid.west + grid.columns * grid.resolution / 2)
    y = np.array(grid.north - grid.rows * grid.resolution / 2)
    if grid.geographic:
        return float(x), float(y)
    longitude, latitude = pyproj.Transformer.from_crs(grid.crs, 4326, always_xy=True).transform(x, y)
    return float(longitude), float(latitude)


def outline(grid: WorldGrid) -> tuple[Floats, Floats]:
    """Return longitude and latitude (deg) of points over a world and along its outer edges, shape (21, 21)."""
    east, south = grid.west + grid.columns * grid.resolution, grid.north - grid.rows * grid.resolution
    x, y = np.meshgrid(np.linspace(grid.west, east, 21), np.linspace(grid.north, south, 21))
    return (x, y) if grid.geographic else _to_geographic(grid.crs, x, y)


def frame_of(
    grid: WorldGrid, step: float, *, limit: float, offset: float = 0.0, north_only: bool = False, zone: int = 0
) -> Frame:
    """Return the smallest rectangle of a UTM grid that covers a world, or the middle of a world that is larger.

    Parameters
    ----------
    grid
        The world.
    step, offset
        The edges lie on ``offset`` plus whole multiples of ``step`` (m) from the central meridian's false origin and
        from the equator.
    limit
        Longest edge (m), a multiple of ``step``.
    north_only
        Whether the south has the northern zones with negative northings (Landsat).
    zone
        UTM zone, that of the middle of the world by default.
    """
    longitude, latitude = middle(grid)
    number = zone or min(int((longitude + 180) // 6) + 1, 60)
    south = latitude < 0
    epsg = (32700 if south and not north_only else 32600) + number
    low, high = _bounds(grid, epsg)
    base = np.array([offset, offset + (_SOUTH if epsg > 32700 else 0.0)])
    first = base + np.floor((low - base) / step + 1e-6) * step
    last = base + np.ceil((high - base) / step - 1e-6) * step
    spare = np.maximum(last - first - limit, 0.0)
    first, last = first + np.floor(spare / 2 / step) * step, last - np.ceil(spare / 2 / step) * step
    return Frame(epsg, float(first[0]), float(last[1]), float(last[0] - first[0]), float(last[1] - first[1]))


def _bounds(grid: WorldGrid, epsg: int) -> tuple[Floats, Floats]:
    """Return least and largest x and y (m) of the outer edges of a world in a UTM zone."""
    east, south = grid.west + grid.columns * grid.resolution, grid.north - grid.rows * grid.resolution
    own = pyproj.CRS(grid.crs).to_epsg() or 0
    if own % 100 == epsg % 100 and own // 100 in (326, 327):
        shift = _SOUTH * ((epsg // 100 == 327) - (own // 100 == 327))
        return np.array([grid.west, south + shift]), np.array([east, grid.north + shift])
    made = np.array(transformer(epsg).transform(*outline(grid))).reshape(2, -1)
    made = made[:, np.isfinite(made).all(axis=0)]
    return made.min(axis=1), made.max(axis=1)


def _to_geographic(crs: str, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    longitude, latitude = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)
    return np.asarray(longitude), np.asarray(latitude)


def inside_swath(overpass: Overpass, longitude: Floats, latitude: Floats) -> NDArray[np.bool_]:
    """Return whether places lie within the image across the track."""
    assert isinstance(overpass.orbit, SunSynchronous)
    return np.abs(across(overpass, longitude, latitude)) * SPHERE <= overpass.orbit.swath * 1000


def across(overpass: Overpass, longitude: Floats, latitude: Floats) -> Floats:
    """Return the angle (rad) at the centre of the Earth between places and the track, positive to the right of it."""
    point = ecef(longitude, latitude)
    return np.asarray(np.arcsin(point @ overpass.axes[2] / np.linalg.norm(point, axis=-1)))


def seen(overpass: Overpass, longitude: Floats, latitude: Floats) -> tuple[Floats, Floats] | None:
    """Return places with NaN outside the swath, None where the overpass sees none of them."""
    rim = [np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]]) for part in (longitude, latitude)]
    if inside_swath(overpass, *rim).all():  # so is what they enclose
        return longitude, latitude
    kept = inside_swath(overpass, longitude, latitude)
    if not kept.any():
        return None
    return np.where(kept, longitude, np.nan), np.where(kept, latitude, np.nan)


def sunlit(time: datetime, longitude: float, latitude: float) -> bool:
    """Return whether the Sun is above the horizon."""
    return float(zenith_azimuth(np.datetime64(time), latitude, longitude)[0]) < HORIZON


def track(overpass: Overpass) -> tuple[float, float]:
    """Return the longitude (deg) of the sunlit node of the pass, and the angle (rad) flown since."""
    orbit = overpass.orbit
    assert isinstance(orbit, SunSynchronous)
    here, ahead = overpass.axes[0], overpass.axes[1]
    tilt = math.radians(orbit.inclination)
    sine = (-1 if orbit.descending else 1) * float(here[2]) / math.sin(tilt)
    angle = math.asin(min(1.0, max(-1.0, sine)))
    if (float(ahead[2]) > 0) == orbit.descending:  # beyond the turning point of the track
        angle = math.copysign(math.pi, angle) - angle
    flown = math.atan2(math.cos(tilt) * math.sin(angle), math.cos(angle)) - orbit.days / orbit.orbits * angle
    node = math.degrees(math.atan2(float(here[1]), float(here[0])) - flown)
    return (node + 180) % 360 - 180, angle
