r"""Where a scanner with several detectors looks: scans of a mirror, with the bow-tie they make away from nadir.

A mirror turns about the direction of flight; one turn sweeps a row of detectors, laid along the track, across it. With
:math:`s` the angle of the mirror from nadir (positive to the right of the flight), :math:`a` that of a detector from
the middle one, and axes down, forward and right, the line of sight is

.. math:: (\cos a \cos s, \; \sin a, \; \cos a \sin s)

so that a scan of ten lines of 1 km is ten km long below the satellite and twenty at the edge of the swath (Wolfe et al.
2002, Remote Sens. Environ. 83, 31-49, doi 10.1016/S0034-4257(02)00085-8). Places are those where the line of sight
meets the ellipsoid: a pixel over high terrain lies where its longitude and latitude say, without parallax.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels.solar import zenith_azimuth
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.instrument import Image
from musyq_lab.twin.orbit import SPHERE, Geostationary, Overpass, ecef

Floats = NDArray[np.float64]

MOST_SCANS = 60
"""Longest piece of a swath that is made (some 600 km): what a large world costs in memory."""


@dataclass(frozen=True)
class Scanner:
    """How an instrument samples the ground; angles in radian, of its coarse grid."""

    lines: int
    """Detectors, which see as many lines at once."""
    columns: int
    """Samples of a scan."""
    step: float
    """Angle of the mirror between two samples."""
    field: float
    """Angle between two detectors."""
    period: float
    """Seconds between the scans."""
    dwell: float
    """Seconds between two samples."""
    centred: bool
    """Whether finer samples lie around the centre of the coarse one along the scan, or begin at it."""

    @property
    def middle(self) -> float:
        """Column of nadir."""
        return (self.columns - 1) / 2


@dataclass(frozen=True)
class Window:
    """Scans of an overpass, and the columns of them that see the world (on the coarse grid)."""

    scanner: Scanner
    """What scans."""
    overpass: Overpass
    """When and from where."""
    first: int
    """Number of the first scan, counted from the epoch of the orbit."""
    scans: int
    """How many."""
    column: int
    """First column in view."""
    columns: int
    """How many."""

    @cached_property
    def _seconds(self) -> Floats:
        """Seconds from the overpass to the middle of each scan."""
        return _scan_seconds(self.overpass, self.scanner, np.arange(self.first, self.first + self.scans))

    def starts(self, columns: float | None = None) -> list[datetime]:
        """Return when each scan begins, or when it has come to a column (UTC)."""
        lead = ((columns or 0) - self.scanner.middle) * self.scanner.dwell
        return [self.overpass.time + timedelta(seconds=float(s) + lead) for s in self._seconds]

    @property
    def end(self) -> datetime:
        """When the last scan ends (UTC)."""
        return self.starts(self.scanner.columns)[-1]

    def positions(self, factor: int = 1, *, full: bool = False) -> tuple[Floats, Floats]:
        """Return longitude and latitude (deg), shape (scans x lines, columns), of a grid ``factor`` times as fine.

        ``full`` gives all columns of the swath, not those in view alone.
        """
        first, count = (0, self.scanner.columns) if full else (self.column, self.columns)
        return _positions(self.overpass, self.scanner, self._seconds, (first, count), factor)

    def pasted(self, values: NDArray[Any], fill: float, factor: int = 1) -> NDArray[Any]:
        """Return the part in view with ``fill`` around it, as wide as the swath."""
        full = np.full((values.shape[0], self.scanner.columns * factor), fill, values.dtype)
        full[:, self.column * factor : (self.column + self.columns) * factor] = values
        return full


@dataclass(frozen=True)
class Geolocation:
    """Places and angles (deg) of all columns of the coarse grid, shape (scans x lines, columns)."""

    longitude: Floats
    """Degrees east."""
    latitude: Floats
    """Geodetic latitude."""
    sun_zenith: Floats
    """From the vertical."""
    sun_azimuth: Floats
    """Clockwise from north, -180 to 180."""
    view_zenith: Floats
    """From the vertical."""
    view_azimuth: Floats
    """Clockwise from north, -180 to 180, from the pixel to the satellite."""
    range: Floats
    """Distance to the satellite (m)."""


def geolocation(window: Window, image: Image) -> Geolocation:
    """Return places and angles of the whole width of a swath: those of the image where it has any."""
    longitude, latitude = window.positions(full=True)
    shape = (window.scans, window.scanner.lines, window.scanner.columns)
    times = np.array(window.starts(window.scanner.middle), "datetime64[ms]")[:, np.newaxis, np.newaxis]
    sun = zenith_azimuth(times, latitude.reshape(shape), longitude.reshape(shape))
    view = window.overpass.look(longitude, latitude)
    distance = np.linalg.norm(window.overpass.satellite(longitude, latitude) - ecef(longitude, latitude), axis=-1)
    angles = [np.array(layer, np.float64).reshape(longitude.shape) for layer in (*sun, *view)]
    part = slice(window.column, window.column + window.columns)
    names = ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")
    for layer, name in zip(angles, names, strict=True):
        given = np.asarray(getattr(image, name))
        layer[:, part] = np.where(np.isnan(given), layer[:, part], given)
    sun_zenith, sun_azimuth, view_zenith, view_azimuth = angles
    return Geolocation(
        longitude, latitude, sun_zenith, _signed(sun_azimuth), view_zenith, _signed(view_azimuth), distance
    )


def _signed(azimuth: Floats) -> Floats:
    return np.asarray((azimuth + 180.0) % 360.0 - 180.0)


def window_of(images: Sequence[Image]) -> Window:
    """Return the window that the pixels of images were made of."""
    window = images[0].pixels.extra["window"]
    assert isinstance(window, Window)  # by the module's own pixels
    return window


def covering(overpass: Overpass, scanner: Scanner, grid: WorldGrid) -> Window | None:
    """Return the scans and columns that see a world, or None where the swath misses it.

    Of a long world :data:`MOST_SCANS` scans around the place of the overpass are kept.
    """
    low, high = _reach(overpass, grid)
    offset = _elapsed(overpass, scanner)
    seconds = _orbit_period(overpass) / (2 * math.pi)
    # A scan at the edge of the swath is twice as long as those are apart.
    first = math.floor(offset + low * seconds / scanner.period) - 1
    last = math.ceil(offset + high * seconds / scanner.period) + 1
    middle = round(offset)
    first, last = max(first, middle - MOST_SCANS // 2), min(last, middle + MOST_SCANS // 2 - 1)
    numbers = np.arange(first, last + 1)
    longitude, latitude = _positions(
        overpass, scanner, _scan_seconds(overpass, scanner, numbers), (0, scanner.columns), 1
    )
    row, column = grid.cells(longitude, latitude)
    margin = 1.5 * footprint(overpass, scanner, grid, 1000.0) / grid.metres + 0.5
    inside = (
        (row > -margin) & (row < grid.rows - 1 + margin) & (column > -margin) & (column < grid.columns - 1 + margin)
    )
    if not inside.any():
        return None
    scans = np.flatnonzero(inside.reshape(len(numbers), -1).any(axis=1))
    columns = np.flatnonzero(inside.any(axis=0))
    return Window(
        scanner,
        overpass,
        int(numbers[scans[0]]),
        int(scans[-1] - scans[0] + 1),
        int(columns[0]),
        int(columns[-1] - columns[0] + 1),
    )


def footprint(overpass: Overpass, scanner: Scanner, grid: WorldGrid, resolution: float) -> float:
    """Return the width of the point spread (m) at the middle of the world.

    It is ``resolution`` at nadir (detector and triangular response along the scan have that width: Wolfe et al. 2002)
    and the geometric mean of both directions elsewhere: along the track it grows with the distance, along the scan by
    the slope of the line of sight as well.
    """
    rows, columns = grid.rows // 2, grid.columns // 2
    place = grid.longitude[rows, columns], grid.latitude[rows, columns]
    view, _ = overpass.look(np.float64(place[0]), np.float64(place[1]))
    distance = float(np.linalg.norm(overpass.satellite(np.float64(place[0]), np.float64(place[1])) - ecef(*place)))
    growth = distance / (overpass.radius - SPHERE)
    return resolution * growth / math.sqrt(max(math.cos(math.radians(float(view))), 0.1))


def _reach(overpass: Overpass, grid: WorldGrid) -> tuple[float, float]:
    """Return the angles along the track (rad) between which the world lies."""
    rows, columns = (np.unique(np.linspace(0, n - 1, 33).astype(int)) for n in grid.shape)
    longitude, latitude = (places[np.ix_(rows, columns)] for places in (grid.longitude, grid.latitude))
    along = overpass.along(longitude, latitude)
    return float(along.min()), float(along.max())


def _orbit_period(overpass: Overpass) -> float:
    assert not isinstance(overpass.orbit, Geostationary)  # a scanner of lines flies low
    return overpass.orbit.period


def _elapsed(overpass: Overpass, scanner: Scanner) -> float:
    """Return the number of scans, in fractions of one, from the epoch of the orbit to the overpass."""
    assert not isinstance(overpass.orbit, Geostationary)  # as above
    return (overpass.time - overpass.orbit.epoch).total_seconds() / scanner.period


def _scan_seconds(overpass: Overpass, scanner: Scanner, numbers: NDArray[Any]) -> Floats:
    return np.asarray((numbers - _elapsed(overpass, scanner)) * scanner.period)


def _positions(
    overpass: Overpass, scanner: Scanner, seconds: Floats, columns: tuple[int, int], factor: int
) -> tuple[Floats, Floats]:
    forward, across, late = _sight(overpass, scanner, columns, factor)
    turn = 2 * math.pi / _orbit_period(overpass)
    along = forward + (seconds[:, np.newaxis, np.newaxis] + late) * turn
    longitude, latitude = overpass.ground(along, np.broadcast_to(across, along.shape))
    shape = (-1, columns[1] * factor)
    return longitude.reshape(shape), latitude.reshape(shape)


def _sight(
    overpass: Overpass, scanner: Scanner, columns: tuple[int, int], factor: int
) -> tuple[Floats, Floats, Floats]:
    """Return angles along and across the track (rad, shape (line, column)) and how late each column is seen (s)."""
    shift = (factor - 1) / 2 / factor
    column = columns[0] + np.arange(columns[1] * factor) / factor - (shift if scanner.centred else 0.0) - scanner.middle
    line = np.arange(scanner.lines * factor) / factor - shift - (scanner.lines - 1) / 2
    # The mirror of MODIS sweeps from right to left of the flight, as its granules show.
    scan = -column * scanner.step
    detector = (line * scanner.field)[:, np.newaxis]
    down, ahead, right = np.cos(detector) * np.cos(scan), np.sin(detector), np.cos(detector) * np.sin(scan)
    reach = overpass.radius * down - np.sqrt((overpass.radius * down) ** 2 - overpass.radius**2 + SPHERE**2)
    forward = np.arctan2(reach * ahead, overpass.radius - reach * down)
    return forward, np.arcsin(reach * right / SPHERE), column * scanner.dwell
