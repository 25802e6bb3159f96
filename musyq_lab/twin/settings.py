"""What a simulation is made from, checked before anything is made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.twin.world import Members, World, make_world

SIMULATED = (
    "landsat_oli",
    "sentinel2_msi",
    "gf1_wfv",
    "modis",
    "fy3d_mersi2",
    "fy4a_agri",
    "himawari_ahi",
)
"""Sensors whose files can be written."""

MOST_DAYS = 400

MOST_PIXELS = 60_000_000
"""Pixels of the finest band beyond which a sensor is refused for a place: a full disk does not fit into memory."""


@dataclass(frozen=True)
class Settings:
    """What a simulation is made from."""

    place: str | tuple[float, float]
    start: str
    days: int
    sensors: tuple[str, ...]
    size: float | None
    resolution: float | None
    cloudiness: float
    seed: int
    members: Members
    stationary_hours: tuple[float, ...]

    @property
    def first(self) -> datetime:
        """First day."""
        return datetime.fromisoformat(self.start)

    def world(self) -> World:
        """Return the world it speaks of."""
        return make_world(
            self.place,
            size=self.size,
            resolution=self.resolution,
            seed=self.seed,
            cloudiness=self.cloudiness,
            members=self.members,
        )


def settings(
    *,
    place: str | tuple[float, float],
    start: str | datetime,
    days: int,
    sensors: Sequence[str] | None,
    size: float | None,
    resolution: float | None,
    cloudiness: float,
    seed: int,
    members: Members,
    stationary_hours: Sequence[float],
) -> Settings:
    """Return checked settings; the arguments are those of :func:`musyq_lab.twin.simulate.simulate`."""
    _check_days(days)
    draft = Settings(
        place if isinstance(place, str) else (float(place[0]), float(place[1])),
        f"{moment_of(start):%Y-%m-%d}",
        int(days),
        (),
        size,
        resolution,
        float(cloudiness),
        int(seed),
        members,
        tuple(sorted(_hour(hour) for hour in stationary_hours)),
    )
    world = draft.world()
    if members == "scored" and world.place.kind != "local":
        raise InputError(
            f"members='scored' runs 6S for the mean state of a scene, which {world.place.key} is too wide for. "
            "Choose a station, or longitude and latitude."
        )
    named = None if sensors is None else dict.fromkeys(sensors)
    chosen = _suitable(world) if named is None else tuple(_known(sensor, world) for sensor in named)
    return replace(draft, sensors=chosen)


def stored_settings(stored: dict[str, Any]) -> Settings:
    """Return settings from their JSON form."""
    fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in stored.items()}
    return Settings(**fields)


def _pixels(world: World, sensor: str) -> float:
    finest = min(band.resolution for band in SENSORS[sensor].bands)
    return math.prod(world.grid.shape) * (world.grid.metres / finest) ** 2


def _suitable(world: World) -> tuple[str, ...]:
    return tuple(sensor for sensor in SIMULATED if _pixels(world, sensor) <= MOST_PIXELS)


def _known(sensor: str, world: World) -> str:
    if sensor not in SIMULATED:
        known = f" MuSyQ Lab reads {sensor!r}, but cannot write its files." if sensor in SENSORS else ""
        raise NotFoundError(
            f"Sensor {sensor!r} cannot be simulated.{known}{closest(sensor, SIMULATED)} "
            f"Choose among {', '.join(SIMULATED)}."
        )
    if (pixels := _pixels(world, sensor)) > MOST_PIXELS:
        raise InputError(
            f"{sensor} over {world.place.key} would make {pixels:.2g} pixels a band, more than {MOST_PIXELS:.2g}. "
            f"Give a smaller size, or choose among {', '.join(_suitable(world)) or 'no sensors: the truth alone'}."
        )
    return sensor


def moment_of(time: str | datetime | np.datetime64) -> datetime:
    """Return an instant (UTC); refuse what is none."""
    try:
        stamp: np.datetime64 = np.datetime64(time, "ms")  # type: ignore[call-overload]
    except (TypeError, ValueError):
        raise InputError(f"{time!r} is no time. Give one such as '2019-07-01' or '2019-07-01T03:00'.") from None
    moment = stamp.astype(datetime)
    if not isinstance(moment, datetime) or not 1970 < moment.year < 2100:
        raise InputError(f"{time!r} lies outside 1971 to 2099.")
    return moment


def _check_days(days: int) -> None:
    if isinstance(days, bool) or days != int(days) or not 1 <= days <= MOST_DAYS:
        raise InputError(f"days={days!r}: expected a whole number from 1 to {MOST_DAYS}.")


def _hour(hour: float) -> float:
    if not 0 <= hour < 24:
        raise InputError(f"stationary_hours holds {hour!r}: expected hours from 0 to below 24.")
    return float(hour)
