"""What a simulation is made from, checked before anything is made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from musyq_lab.core.errors import InputError, NotFoundError
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

MOST_CELLS = 9_000_000
"""Cells of a world beyond which it is refused."""

MOST_PIXELS = 40_000_000
"""Pixels of the finest band beyond which a sensor is refused for a place: a full disk does not fit into memory."""

_LEAVE_OUT = ("modis", "fy3d_mersi2", "fy4a_agri")  # their writers make no image much finer than the cells


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
    three_hourly: bool = False

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
    three_hourly: bool = False,
) -> Settings:
    """Return checked settings; the arguments are those of :func:`musyq_lab.twin.simulate.simulate`."""
    _check_days(days)
    draft = Settings(
        _spot(place),
        f"{moment_of(start):%Y-%m-%d}",
        int(days),
        (),
        None if size is None else _number("size", size),
        None if resolution is None else _number("resolution", resolution),
        _number("cloudiness", cloudiness),
        _seed(seed),
        members,
        tuple(sorted(_hour(hour) for hour in stationary_hours)),
        bool(three_hourly),
    )
    world = draft.world()
    if members == "scored" and world.place.kind != "local":
        raise InputError(
            f"members='scored' runs 6S for the mean state of a scene, which {world.place.key} is too wide for. "
            "Choose a station, or longitude and latitude."
        )
    _check_cells(world)
    if sensors is None:
        return replace(draft, sensors=_suitable(world))
    named = {_known(sensor, world) for sensor in ([sensors] if isinstance(sensors, str) else sensors)}
    return replace(draft, sensors=tuple(sensor for sensor in SIMULATED if sensor in named))


def stored_settings(stored: dict[str, Any]) -> Settings:
    """Return settings from their JSON form."""
    fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in stored.items()}
    return Settings(**fields)


def _pixels(world: World, sensor: str) -> float:
    """Return the pixels of the finest image that is made of a band."""
    sizes = {band.resolution for band in SENSORS[sensor].bands}
    if sensor in _LEAVE_OUT:
        sizes = {size for size in sizes if size >= world.grid.metres / 2} or {max(sizes)}
    return math.prod(world.grid.shape) * (world.grid.metres / min(sizes)) ** 2


def _suitable(world: World) -> tuple[str, ...]:
    return tuple(sensor for sensor in SIMULATED if _pixels(world, sensor) <= MOST_PIXELS)


def _known(sensor: str, world: World) -> str:
    if sensor not in SIMULATED:
        known = f" MuSyQ Lab reads {sensor!r}, but cannot write its files." if sensor in SENSORS else ""
        raise NotFoundError(f"Sensor {sensor!r} cannot be simulated.{known} Choose among {', '.join(SIMULATED)}.")
    if (pixels := _pixels(world, sensor)) > MOST_PIXELS:
        raise InputError(
            f"{sensor} over {world.place.key} would make {pixels:.2g} pixels a band, more than {MOST_PIXELS:.2g}. "
            f"{_instead(world)}"
        )
    return sensor


def _instead(world: World) -> str:
    smaller = "Give a smaller size" if world.place.bounds is None else "Choose a station or a point"
    suitable = ", ".join(_suitable(world))
    return f"{smaller}, or take {suitable}." if suitable else f"{smaller}; without sensors, the truth alone is made."


def _check_cells(world: World) -> None:
    cells = math.prod(world.grid.shape)
    if cells > MOST_CELLS:
        raise InputError(
            f"A world of {' x '.join(map(str, world.grid.shape))} cells does not fit into memory; "
            f"{MOST_CELLS:.2g} cells do. Give a smaller size, or a coarser resolution."
        )


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
    if not _whole(days) or not 1 <= days <= MOST_DAYS:
        raise InputError(f"days={days!r}: expected a whole number from 1 to {MOST_DAYS}.")


def _spot(where: str | tuple[float, float]) -> str | tuple[float, float]:
    if isinstance(where, str):
        return where
    try:
        longitude, latitude = (float(value) for value in where)
    except (TypeError, ValueError):
        raise InputError(f"Place {where!r}: expected a name such as 'huailai', or (longitude, latitude).") from None
    return longitude, latitude


def _whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _seed(seed: int) -> int:
    if not _whole(seed):
        raise InputError(f"seed={seed!r}: expected a whole number.")
    return int(seed)


def _number(name: str, value: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{name}={value!r}: expected a number.")
    return number


def _hour(hour: float) -> float:
    if not 0 <= hour < 24:
        raise InputError(f"stationary_hours holds {hour!r}: expected hours from 0 to below 24.")
    return float(hour)
