"""A world: one place, its surface and its weather, all of it a function of the seed and of time.

Nothing is stored: a field of any moment is made when it is asked for, and twice the same. Instants share what changes
slowly (terrain, cover, the canopy of a day), which is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Literal, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.kernels import solar
from musyq_lab.twin import canopy, carbon, climate, clouds, cover, energy, soil, terrain, weather
from musyq_lab.twin._kept import Kept
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.light import Light, LightTables
from musyq_lab.twin.place import Place, place, world_grid

Members = Literal["training", "scored"]
MEMBERS: tuple[Members, ...] = ("training", "scored")
"""``scored``: another canopy, soil and clumping set and direct 6S runs, which no training may use."""

_KEPT = 8  # canopies and lights of days, states of instants
_DAILY_TIMES = 6
"""States a day that its means are made of."""


@dataclass(frozen=True, eq=False)
class World:
    """The truth of a place at any time.

    Raises
    ------
    InputError
        If cloudiness or the member set is none.
    """

    place: Place
    """Where."""
    grid: WorldGrid
    """On which cells."""
    seed: int = 0
    """Same seed, same world."""
    cloudiness: float = 1.0
    """Cloud cover over that of the climate: 0 for none, 2 for twice as much."""
    members: Members = "training"
    """Which set of canopies, soils and clumping it is built of."""
    _kept: Kept = field(default_factory=lambda: Kept(_KEPT), repr=False)

    def __post_init__(self) -> None:
        """Refuse what would give no world."""
        if not 0 <= self.cloudiness <= 5:
            raise InputError(f"cloudiness={self.cloudiness!r}: expected 0 (no clouds) to 5, 1 for the climate's own.")
        if self.members not in MEMBERS:
            raise InputError(f"members={self.members!r}: expected one of {', '.join(MEMBERS)}.")

    @cached_property
    def static(self) -> xr.Dataset:
        """Terrain, climate, cover and soil: what does not change, dims (y, x)."""
        ground = terrain.terrain(self.place, self.grid, self.seed)
        air = climate.climate(self.place, self.grid, ground["elevation"])
        land = cover.cover(self.place, self.grid, ground, air, self.seed)
        texture = soil.soil(self.grid, xr.merge([ground, land]), self.seed, members=self.members)
        fixed = xr.merge([ground, air, land, texture])
        return xr.merge([fixed, canopy.structure(fixed, self.seed, members=self.members)])

    @cached_property
    def _light_tables(self) -> LightTables:
        return LightTables(self.static, self.members)

    def canopy(self, time: datetime) -> xr.Dataset:
        """Return leaf area, greenness and structure of the day, dims (y, x)."""
        day = _midnight(time)
        make = partial(canopy.canopy, self.static, self.grid, day, self.seed, members=self.members)
        return cast("xr.Dataset", self._kept(("canopy", day), make))

    def _light(self, time: datetime) -> Light:
        day = _midnight(time)

        def make() -> Light:
            noon = self.weather(day + timedelta(hours=12))
            return Light(self._light_tables, xr.merge([self.canopy(day), noon], compat="override"))

        return cast("Light", self._kept(("light", day), make))

    def weather(self, time: datetime) -> xr.Dataset:
        """Return air, aerosol, vapour, ozone, soil moisture and snow, dims (y, x)."""
        return weather.weather(self.static, self.grid, time, self.seed, cloudiness=self.cloudiness)

    def clouds(self, time: datetime) -> xr.Dataset:
        """Return optical depth and top of the clouds above each cell, dims (y, x)."""
        return clouds.clouds(self.static, self.grid, time, self.seed, cloudiness=self.cloudiness)

    def sun(self, time: datetime) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return zenith and azimuth of the sun (deg), shape (y, x)."""
        zenith, azimuth = solar.zenith_azimuth(np.datetime64(time), self.grid.latitude, self.grid.longitude)
        return zenith.astype(np.float32), azimuth.astype(np.float32)

    def state(self, time: datetime) -> xr.Dataset:
        """Return canopy, weather, clouds, sun and the surface's energy at an instant, dims (y, x).

        Parameters
        ----------
        time
            UTC.
        """
        return cast("xr.Dataset", self._kept(("state", time), partial(self._state, time)))

    def _state(self, time: datetime) -> xr.Dataset:
        parts = xr.merge([self.canopy(time), self.weather(time), self.clouds(time)], compat="override")
        zenith, azimuth = self.sun(time)
        parts["sun_zenith"] = ("y", "x"), zenith, {"units": "degree", "long_name": "solar zenith angle"}
        parts["sun_azimuth"] = ("y", "x"), azimuth, {"units": "degree", "long_name": "solar azimuth angle"}
        shade = clouds.shadow(parts, self.static, self.grid, zenith, azimuth)
        parts["cloud_transmittance"] = ("y", "x"), np.asarray(shade, dtype=np.float32), {"units": "1"}
        light = self._light(time)(zenith, shade)
        fluxes = energy.energy(
            self.static, self.grid, time, canopy=parts, weather=parts, cloud_transmittance=shade, albedo=light["albedo"]
        )
        return xr.merge([parts, light[["fpar"]], fluxes], compat="override")

    def day(self, day: datetime) -> xr.Dataset:
        """Return means of a day (UTC): weather, canopy, energy, and the carbon and water it drives, dims (y, x).

        ``fpar`` is the share absorbed of all the PAR of the day, the mean over instants where there is none.
        """
        start = _midnight(day)
        daily = self.mean(start, start + timedelta(days=1), _DAILY_TIMES)
        fluxes = carbon.carbon(self.static, start, canopy=self.canopy(start), daily=daily)
        return xr.merge([daily, fluxes], compat="override")

    def mean(self, start: datetime, end: datetime, count: int) -> xr.Dataset:
        """Return means of a stretch of time of at most a day: weather, energy and the day's canopy, dims (y, x).

        Parameters
        ----------
        start, end
            UTC, both of one day.
        count
            Evenly spaced instants that they are made of.
        """
        absorbed: list[NDArray[np.float32]] = []

        def instant(time: datetime) -> xr.Dataset:
            now = self._state(time)
            absorbed.append(now["fpar"].values * now["downward_par"].values / np.float32(count))
            return now

        times = [start + (end - start) / count * (k + 0.5) for k in range(count)]
        made = xr.merge([energy.daily(instant, times), self.canopy(start)], compat="override")
        light = made["downward_par"].values
        np.divide(sum(absorbed), light, out=made["fpar"].values, where=light > 0)
        rain = weather.rain(self.static, self.grid, times, self.seed)
        return xr.merge([made, rain], compat="override")


def make_world(
    where: str | tuple[float, float] = "huailai",
    *,
    size: float | None = None,
    resolution: float | None = None,
    seed: int = 0,
    cloudiness: float = 1.0,
    members: Members = "training",
) -> World:
    """Return the world of a place.

    Parameters
    ----------
    where
        Name of a preset (``musyq_lab.twin.place.PLACES``), or longitude and latitude (deg).
    size
        Edge of the square (km), by default the place's own.
    resolution
        Edge of a cell (m; degrees for presets on longitude and latitude), by default the place's own.
    seed, cloudiness, members
        See :class:`World`.
    """
    spot = place(where)
    return World(spot, world_grid(spot, size, resolution), int(seed), float(cloudiness), members)


def _midnight(time: datetime) -> datetime:
    return datetime(time.year, time.month, time.day)
