"""Which looks take part in a composite: opening, checks, order, and the window of time that holds each.

A scene that cannot take part is set aside with the reason and never stops the others. Looks are put in the order of
time, sensor and granule, so that the order in which scenes arrive changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from dask.base import tokenize

from musyq_lab.composite.weight import of_footprint
from musyq_lab.core.errors import InputError, MusyqError
from musyq_lab.core.grid import GeoGrid, ProjectedGrid
from musyq_lab.core.grid import grid as grid_named
from musyq_lab.core.period import Convention, Period, pentad
from musyq_lab.sensors._time import instant
from musyq_lab.standard import layout

Scene = xr.Dataset | str | Path
Opener = Callable[[str | Path], xr.Dataset]
Grid = GeoGrid | ProjectedGrid | str

JUDGED = ("red", "nir")
"""Bands that tell a clear look from residual cloud or shadow; every look must have them."""


@dataclass(frozen=True, slots=True)
class Look:
    """A scene that takes part."""

    scene: xr.Dataset
    """Standard scene of surface reflectance."""
    time: datetime
    """Start of its acquisition (UTC)."""
    sensor: str
    """Key of the sensor."""
    granule: str
    """Name of the granule, the file's where it has none."""
    rank: int = 0
    """Number of the shortest window that holds it."""

    @property
    def order(self) -> tuple[datetime, str, str]:
        """Place among the looks."""
        return self.time, self.sensor, self.granule


@dataclass(frozen=True, slots=True)
class Aside:
    """A scene that does not take part."""

    granule: str
    """Name of the granule or file."""
    sensor: str
    """Key of the sensor, empty if not known."""
    time: str
    """Start of its acquisition in ISO 8601, empty if not known."""
    reason: str
    """Why, in words."""


def period_of(period: Period | datetime | str, convention: Convention) -> Period:
    """Return the period itself, or the five days that an instant (or its ISO 8601 text) belongs to."""
    if isinstance(period, Period):
        return period
    if isinstance(period, str):
        try:
            period = datetime.fromisoformat(period)
        except ValueError:
            raise InputError(f"{period!r} is no date. Give a day of the period such as '2019-07-01'.") from None
    return pentad(period, convention)


def spans(period: Period, windows: Sequence[float]) -> list[Period]:
    """Return the period and the same one made longer, evenly on both sides.

    Parameters
    ----------
    period : Period
        Of any length: a pentad has 3 to 6 days.
    windows : sequence of float
        Nominal lengths (days), ascending. The first stands for the period itself; each other one adds its difference
        from the first, half before and half after. All are half-open like the period.

    Raises
    ------
    InputError
        If the lengths do not rise.
    """
    lengths = list(windows)
    if not lengths or lengths[0] <= 0 or any(b <= a for a, b in pairwise(lengths)):
        raise InputError(f"windows={tuple(windows)} must be rising lengths in days, such as (5, 10, 15).")
    margins = [timedelta(days=(length - lengths[0]) / 2) for length in lengths]
    return [Period(period.start - m, period.end + m, period.label) for m in margins]


def gather(
    scenes: Iterable[Scene], windows: Sequence[Period], grid: Grid | None, opener: Opener | None
) -> tuple[list[Look], list[Aside]]:
    """Open and check scenes; return those that take part in order, and the others.

    Parameters
    ----------
    scenes : iterable of Dataset or path
        Standard scenes, or granules for ``opener``.
    windows : sequence of Period
        Shortest first.
    grid : GeoGrid, ProjectedGrid, str, optional
        Grid they must be on; by default the one that most of them are on.
    opener : callable, optional
        Makes a standard scene on the grid from the path of a granule.
    """
    looks: list[Look] = []
    aside: list[Aside] = []
    for scene in scenes:
        try:
            looks.append(_look(scene, windows, opener))
        except Exception as error:  # whatever a damaged file makes a reader raise, the others go on
            aside.append(_aside(scene, error))
    looks, doubled = _once(looks)
    looks, strangers = _on_one_grid(looks, grid)
    looks, coarse = _fine_enough(looks)
    return sorted(looks, key=lambda look: look.order), sorted(
        aside + doubled + strangers + coarse, key=lambda a: (a.time, a.sensor, a.granule, a.reason)
    )


def _look(scene: Scene, windows: Sequence[Period], opener: Opener | None) -> Look:
    if not isinstance(scene, xr.Dataset):
        if opener is None:
            raise InputError("A path needs grid=..., the grid to bring it to.")
        path, scene = scene, opener(scene)
        _probe(scene)
        scene = scene.assign_attrs(granule=scene.attrs.get("granule") or Path(path).name)
    layout.require(scene, "composite()", bands=JUDGED, variables=layout.ANGLES, level=layout.SURFACE)
    sensor, granule = str(scene.attrs.get("sensor", "")), str(scene.attrs.get("granule", ""))
    if not sensor or not granule:
        raise InputError("composite() needs attrs['sensor'] and attrs['granule'] of every scene.")
    time = instant(str(scene.attrs.get("time_coverage_start", "")))
    rank = next((k for k, window in enumerate(windows) if time in window), None)
    if rank is None:
        last = windows[-1]
        raise InputError(f"It was taken at {time} UTC, outside {last.start} to {last.end}.")
    return Look(scene, time, sensor, granule, rank)


def _probe(scene: xr.Dataset) -> None:
    """Read one pixel of each layer, so that a file that cannot be read is found before it takes part."""
    rows, columns = layout.plane_of(scene)
    scene.isel({rows: scene.sizes[rows] // 2, columns: scene.sizes[columns] // 2}).compute()


def _aside(scene: Scene, error: Exception) -> Aside:
    reason = str(error) if isinstance(error, MusyqError) else f"{type(error).__name__}: {error}"
    if not isinstance(scene, xr.Dataset):
        return Aside(Path(scene).name, "", "", reason)
    attrs = scene.attrs
    names = ("granule", "sensor", "time_coverage_start")
    granule, sensor, time = (str(attrs.get(name, "")) for name in names)
    return Aside(granule or "unnamed", sensor, time, reason)


def _once(looks: list[Look]) -> tuple[list[Look], list[Aside]]:
    """Take every granule once: the same observation twice would count double."""
    count = Counter(look.order for look in looks)
    kept: dict[Any, Look] = {}
    doubled = []
    for look in sorted(looks, key=lambda k: (k.order, tokenize(k.scene) if count[k.order] > 1 else "")):
        if look.order in kept:
            doubled.append(_set_aside(look, "The granule was given twice."))
        else:
            kept[look.order] = look
    return list(kept.values()), doubled


def _set_aside(look: Look, reason: str) -> Aside:
    return Aside(look.granule, look.sensor, f"{look.time.isoformat()}Z", reason)


def _on_one_grid(looks: list[Look], grid: Grid | None) -> tuple[list[Look], list[Aside]]:
    places = [place(look.scene) for look in looks]
    if grid is None and looks:
        count = Counter(places)
        wanted = min(count, key=lambda p: (-count[p], p))
    elif grid is not None:
        wanted = _place_of_grid(grid)
    kept = [look for look, there in zip(looks, places, strict=True) if there == wanted]
    reason = "Its pixels are not those of the composite's grid ({}): {}. Bring it there with standard.warp.to_grid."
    others = [
        _set_aside(look, reason.format(wanted.words, there.words))
        for look, there in zip(looks, places, strict=True)
        if there != wanted
    ]
    return kept, others


def _fine_enough(looks: list[Look]) -> tuple[list[Look], list[Aside]]:
    kept, coarse = [], []
    for look in looks:
        try:
            of_footprint(look.scene, look.sensor)
            kept.append(look)
        except InputError as error:
            coarse.append(_set_aside(look, str(error)))
    return kept, coarse


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """What two scenes on one grid have in common."""

    crs: str
    """Coordinate reference system, empty for longitude and latitude."""
    axes: tuple[tuple[str, str], ...]
    """Name and digest of the cell centres of both axes, rows first."""
    words: str
    """The same for people."""


def place(scene: xr.Dataset) -> Place:
    """Return the grid that a scene is on; a swath without axes of its own is on none."""
    plane = layout.plane_of(scene)
    if any(dim not in scene.coords or scene[dim].ndim != 1 for dim in plane):
        return Place("", (), "a swath without a grid")
    wkt = scene["spatial_ref"].attrs.get("crs_wkt", "") if "spatial_ref" in scene.coords else ""
    return _place({dim: scene[dim].values for dim in plane}, "" if plane[0] == "latitude" else str(wkt))


def _place_of_grid(grid: Grid) -> Place:
    grid = grid_named(grid) if isinstance(grid, str) else grid
    if isinstance(grid, GeoGrid):
        return _place({"latitude": grid.latitude, "longitude": grid.longitude}, "")
    return _place({"y": grid.y, "x": grid.x}, grid.crs)


def _place(axes: dict[Any, Any], crs: str) -> Place:
    name = _crs_name(crs)
    digests = tuple((str(dim), tokenize(np.asarray(values, np.float64))) for dim, values in axes.items())
    ranges = [f"{len(v)} cells of {dim} from {float(v[0]):g} to {float(v[-1]):g}" for dim, v in axes.items()]
    return Place(name, digests, ", ".join([*ranges, name] if name else ranges))


def _crs_name(crs: str) -> str:
    from pyproj import CRS

    return str(CRS.from_user_input(crs).to_string()) if crs else ""
