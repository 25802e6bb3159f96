r"""When a satellite sees a place, and from where.

Sun-synchronous orbits are circles of a repeating ground track: the node passes at one local solar time, and the
longitudes of the nodes lie on a fixed comb,

.. math:: t_k = t_0 + k D/N, \qquad \lambda_k = \lambda_0 - 360 k D/N

for N orbits in D days (Capderou 2014, Handbook of Satellite Orbits, ch. 5 and 8, doi 10.1007/978-3-319-03416-4). Near
a place the track is a great circle of the turning Earth; a pixel is seen when it lies abeam. Errors against real
ephemerides: tens of seconds and a few km along the track, none of which a retrieval notices.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# WGS 84.
EQUATOR = 6_378_137.0
FLATTENING = 1 / 298.257223563
_E2 = FLATTENING * (2 - FLATTENING)
SPHERE = 6_371_007.181
GEOSTATIONARY_RADIUS = 42_164_000.0
_GRAVITY = 3.986004418e14  # m3 s-2, WGS 84
_SIDEREAL = 86_164.0905  # s


@dataclass(frozen=True)
class SunSynchronous:
    """A repeating sun-synchronous orbit."""

    altitude: float
    """Mean height (m)."""
    inclination: float
    """Degrees."""
    node_time: float
    """Mean local solar time of the node on the sunlit side (h)."""
    descending: bool
    """Whether the sunlit pass goes south."""
    orbits: int
    """Orbits in a cycle."""
    days: int
    """Days in a cycle."""
    swath: float
    """Half the width of the image (km): places farther from the track are not seen."""
    epoch: datetime = datetime(2019, 1, 1)
    """A day on which ``node`` holds."""
    node: float = 0.0
    """Longitude of a sunlit node on that day (deg)."""
    satellites: tuple[tuple[str, float], ...] = ()
    """Platforms that share it, each with the shift of its track (days); empty for one satellite."""

    @property
    def period(self) -> float:
        """Time between nodes (s)."""
        return 86_400.0 * self.days / self.orbits


@dataclass(frozen=True)
class Geostationary:
    """A satellite that stays over a longitude of the equator."""

    longitude: float
    """Degrees east."""
    cadence: float
    """Minutes between images."""
    limit: float = 70.0
    """Largest view zenith angle (deg) at which a place counts as seen."""


@dataclass(frozen=True)
class Overpass:
    """One look of one satellite at a place."""

    sensor: str
    """Key of the sensor."""
    platform: str
    """Satellite."""
    time: datetime
    """When the centre of the place is seen (UTC, whole milliseconds)."""
    orbit: SunSynchronous | Geostationary
    """Where it flies."""
    axes: NDArray[np.float64] = field(repr=False, compare=False)
    """Rows: unit vectors (Earth-fixed) to the point of the track abeam of the place, along the track, and across it (to
    the right of the flight); for a geostationary satellite the first row alone counts."""
    details: Mapping[str, object] = field(default_factory=dict)
    """Numbers for names and metadata, such as ``orbit_number``."""

    @property
    def radius(self) -> float:
        """Distance of the satellite from the centre of the Earth (m)."""
        if isinstance(self.orbit, Geostationary):
            return GEOSTATIONARY_RADIUS
        return SPHERE + self.orbit.altitude

    def along(self, longitude: ArrayLike, latitude: ArrayLike) -> Floats:
        """Return the angle along the track (rad) from the point abeam of the place to that abeam of other places."""
        point = ecef(longitude, latitude)
        return np.asarray(np.arctan2(point @ self.axes[1], point @ self.axes[0]))

    def seen_at(self, longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.datetime64]:
        """Return when places lie abeam (UTC, milliseconds); one time for a geostationary satellite."""
        start = np.datetime64(self.time, "ms")
        if isinstance(self.orbit, Geostationary):
            return np.full(np.shape(longitude), start)
        seconds = self.along(longitude, latitude) * self.orbit.period / (2 * math.pi)
        return np.asarray(start + np.round(np.nan_to_num(seconds) * 1000).astype("timedelta64[ms]"))

    def satellite(self, longitude: ArrayLike, latitude: ArrayLike) -> Floats:
        """Return the satellite's place (Earth-fixed, m; last axis 3) when it sees places."""
        if isinstance(self.orbit, Geostationary):
            return np.broadcast_to(self.radius * self.axes[0], (*np.shape(longitude), 3))
        angle = self.along(longitude, latitude)[..., np.newaxis]
        return np.asarray(self.radius * (np.cos(angle) * self.axes[0] + np.sin(angle) * self.axes[1]))

    def look(self, longitude: ArrayLike, latitude: ArrayLike, height: ArrayLike = 0.0) -> tuple[Floats, Floats]:
        """Return zenith and azimuth (deg, clockwise from north) of the satellite as places see it."""
        ray = self.satellite(longitude, latitude) - ecef(longitude, latitude, height)
        east, north, up = _local(longitude, latitude)
        e, n, u = (np.sum(ray * axis, axis=-1) for axis in (east, north, up))
        return np.degrees(np.arctan2(np.hypot(e, n), u)), np.degrees(np.arctan2(e, n)) % 360

    def ground(self, along: Floats, across: Floats) -> tuple[Floats, Floats]:
        """Return longitude and geodetic latitude of places given by angles (rad) at the centre of the Earth.

        ``along`` counts along the flight from the point abeam of the place, ``across`` to the right of it.
        """
        a, c = np.asarray(along)[..., np.newaxis], np.asarray(across)[..., np.newaxis]
        unit = np.cos(c) * (np.cos(a) * self.axes[0] + np.sin(a) * self.axes[1]) + np.sin(c) * self.axes[2]
        longitude = np.degrees(np.arctan2(unit[..., 1], unit[..., 0]))
        flat = np.hypot(unit[..., 0], unit[..., 1])
        return longitude, np.degrees(np.arctan2(unit[..., 2], (1 - _E2) * flat))

    def across_of(self, scan: Floats) -> Floats:
        """Return the angle at the centre of the Earth (rad) for an angle of the scan from nadir (rad), NaN off limb."""
        sine = self.radius / SPHERE * np.sin(scan)
        return np.asarray(np.where(np.abs(sine) <= 1, np.arcsin(np.clip(sine, -1, 1)), np.nan) - scan)


def ecef(longitude: ArrayLike, latitude: ArrayLike, height: ArrayLike = 0.0) -> Floats:
    """Return Earth-fixed coordinates (m; last axis 3) of geodetic places."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    normal = EQUATOR / np.sqrt(1 - _E2 * np.sin(lat) ** 2)
    above = np.asarray(height, dtype=np.float64)
    flat = (normal + above) * np.cos(lat)
    return np.stack([flat * np.cos(lon), flat * np.sin(lon), (normal * (1 - _E2) + above) * np.sin(lat)], axis=-1)


def _local(longitude: ArrayLike, latitude: ArrayLike) -> tuple[Floats, Floats, Floats]:
    lon, lat = np.radians(longitude), np.radians(latitude)
    zero = np.zeros_like(lon)
    east = np.stack([-np.sin(lon), np.cos(lon), zero], axis=-1)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=-1)
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    return east, north, up


def overpasses(
    sensor: str,
    platform: str,
    orbit: SunSynchronous | Geostationary,
    place: tuple[float, float],
    start: datetime,
    days: int,
) -> list[Overpass]:
    """Return the looks of a satellite at a place.

    Parameters
    ----------
    sensor, platform
        Whose.
    orbit
        Where it flies; with several satellites, all are followed.
    place
        Longitude and latitude (deg).
    start, days
        First day (UTC) and number of days.

    Returns
    -------
    list of Overpass
        In the order of time. Geostationary: every ``cadence`` minutes, day and night, none where the place lies beyond
        ``limit``.
    """
    if isinstance(orbit, Geostationary):
        return list(_stationary(sensor, platform, orbit, place, start, days))
    satellites = orbit.satellites or ((platform, 0.0),)
    found = [o for name, shift in satellites for o in _passes(sensor, name, orbit, place, start, days, shift)]
    return sorted(found, key=lambda o: (o.time, o.platform))


def _stationary(
    sensor: str, platform: str, orbit: Geostationary, place: tuple[float, float], start: datetime, days: int
) -> Iterator[Overpass]:
    lon = math.radians(orbit.longitude)
    axes = np.array([[math.cos(lon), math.sin(lon), 0.0], [-math.sin(lon), math.cos(lon), 0.0], [0.0, 0.0, -1.0]])
    for count in range(int(days * 1440 / orbit.cadence)):
        time = start + timedelta(minutes=count * orbit.cadence)
        overpass = Overpass(sensor, platform, time, orbit, axes)
        if overpass.look(np.asarray(place[0]), np.asarray(place[1]))[0] > orbit.limit:
            return
        yield overpass


def _passes(
    sensor: str,
    platform: str,
    orbit: SunSynchronous,
    place: tuple[float, float],
    start: datetime,
    days: int,
    shift: float,
) -> Iterator[Overpass]:
    step = timedelta(seconds=orbit.period)
    # Mean solar time at the node: UTC + longitude / 15 h.
    first = orbit.epoch + timedelta(days=shift, hours=(orbit.node_time - orbit.node / 15) % 24)
    number = math.floor((start - timedelta(days=1) - first) / step)
    while (time := first + number * step) < start + timedelta(days=days, hours=3):
        longitude = orbit.node - 360 * number * orbit.days / orbit.orbits
        seen = _abeam(orbit, longitude, place)
        if seen is not None:
            offset, axes = seen
            when = _milliseconds(time + timedelta(seconds=offset))
            if start <= when < start + timedelta(days=days):
                yield Overpass(sensor, platform, when, orbit, axes, {"orbit_number": number % 100_000})
        number += 1


def _milliseconds(time: datetime) -> datetime:
    return time.replace(microsecond=0) + timedelta(milliseconds=round(time.microsecond / 1000))


def _abeam(orbit: SunSynchronous, node: float, place: tuple[float, float]) -> tuple[float, Floats] | None:
    """Return seconds from the node and axes of the track where the place lies abeam; None where it is out of view."""
    target = ecef(*place)
    target = target / np.linalg.norm(target)
    angles = np.linspace(-0.55 * math.pi, 0.55 * math.pi, 441)
    nearest = float(angles[np.argmax(_track(orbit, node, angles) @ target)])
    for _ in range(4):  # the along-track distance is a straight line near the place: Newton ends at once
        axes = _axes(orbit, node, nearest)
        nearest += math.atan2(target @ axes[1], target @ axes[0])
    axes = _axes(orbit, node, nearest)
    across = math.asin(float(np.clip(target @ axes[2], -1, 1)))
    if abs(across) * SPHERE > orbit.swath * 1000 or abs(nearest) > 0.55 * math.pi:
        return None
    return nearest * orbit.period / (2 * math.pi), axes


def _track(orbit: SunSynchronous, node: float, angle: Floats | float) -> Floats:
    """Return unit vectors to the sub-satellite point at angles (rad) from the node, on the turning Earth."""
    u = np.asarray(angle, dtype=np.float64)
    tilt = math.radians(orbit.inclination)
    sign = -1.0 if orbit.descending else 1.0
    turn = orbit.days / orbit.orbits * u  # of the Earth below the orbital plane
    lon = math.radians(node) + np.arctan2(math.cos(tilt) * np.sin(u), np.cos(u)) - turn
    z = sign * math.sin(tilt) * np.sin(u)
    flat = np.sqrt(1 - z**2)
    return np.stack([flat * np.cos(lon), flat * np.sin(lon), z], axis=-1)


def _axes(orbit: SunSynchronous, node: float, angle: float) -> Floats:
    here = _track(orbit, node, angle)
    ahead = _track(orbit, node, angle + 1e-5) - _track(orbit, node, angle - 1e-5)
    along = ahead - here * float(ahead @ here)
    along /= np.linalg.norm(along)
    return np.stack([here, along, np.cross(along, here)])
