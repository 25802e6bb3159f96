"""``ml.open_scenes``: all granules of a folder; one that cannot be opened is reported and costs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import xarray as xr

from musyq_lab.core.errors import MusyqError, NotFoundError, closest
from musyq_lab.core.progress import track
from musyq_lab.core.registry import html_table
from musyq_lab.core.sensor import Calibration
from musyq_lab.sensors._granule import Granule, find, find_all, only
from musyq_lab.sensors._open import check_calibration, open_granule

_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of one granule."""

    granule: str
    """Its name."""
    sensor: str
    """Key of its sensor."""
    time: str
    """When it was taken (UTC), empty if it was rejected."""
    reason: str
    """Why it was rejected, empty if it was opened."""


class Scenes(Mapping[str, xr.Dataset]):
    """Granule -> lazy scene, with a report of what was opened and what was not, and why.

    Parameters
    ----------
    scenes : dict of str to xarray.Dataset
        Those that opened.
    report : tuple of Opened
        One row a granule, opened or rejected.
    folder : str
        Where they lie.
    """

    def __init__(self, scenes: dict[str, xr.Dataset], report: tuple[Opened, ...], folder: str) -> None:
        self._scenes = scenes
        self.report = report
        self.folder = folder

    @property
    def rejected(self) -> dict[str, str]:
        """Granule -> why it could not be opened."""
        return {row.granule: row.reason for row in self.report if row.reason}

    def __getitem__(self, granule: str) -> xr.Dataset:
        """Return a scene.

        Raises
        ------
        NotFoundError
            If there is none of that name, or it was rejected; the message says why.
        """
        if granule in self._scenes:
            return self._scenes[granule]
        if granule in self.rejected:
            raise NotFoundError(f"The granule {granule!r} was rejected: {self.rejected[granule]}")
        raise NotFoundError(f"{self.folder} holds no granule {granule!r}.{closest(granule, self._scenes)}")

    def __iter__(self) -> Iterator[str]:
        """Iterate over the granules that opened."""
        return iter(self._scenes)

    def __len__(self) -> int:
        """Count the granules that opened."""
        return len(self._scenes)

    def table(self) -> list[list[str]]:
        """Return the report as header and rows of text."""
        return [
            ["granule", "sensor", "time (UTC)", "rejected because"],
            *([row.granule, row.sensor, row.time, row.reason.replace(f"{self.folder}/", "")] for row in self.report),
        ]

    def _said(self) -> str:
        return f"{len(self)} of {len(self.report)} granules opened"

    def __repr__(self) -> str:
        """Show how many opened and which did not."""
        first = next(iter(self.rejected.items()), None)
        why = "" if first is None else f"; {first[0]} rejected: {first[1]} (.report tells all)"
        return f"<{self._said()}{why}>"

    def _repr_html_(self) -> str:
        header, *rows = self.table()
        rows.sort(key=lambda row: not row[3])  # the rejected first, since they are what needs a look
        return html_table([header, *rows[:_SHOWN]], f"{self._said()} from {self.folder}")


def open_scenes(
    folder: str | Path,
    sensor: str | None = None,
    resolution: float | None = None,
    calibration: Calibration | None = None,
) -> Scenes:
    """Open every granule of a folder lazily; those that cannot be opened are set aside with the reason.

    Parameters
    ----------
    folder : str or pathlib.Path
        Holds granules side by side, or a folder for each.
    sensor, resolution, calibration : optional
        As for :func:`musyq_lab.open_scene`.

    Returns
    -------
    Scenes
        A mapping from granule to scene; ``.report`` has one row a granule, ``.rejected`` the reasons.

    Raises
    ------
    NotFoundError
        If there is no such folder, or no granule in it.
    InputError
        If the calibration does not exist.
    """
    chosen = check_calibration(calibration)
    granules = find_all(folder, sensor)
    if not granules:
        raise NotFoundError(
            f"{folder} holds no granule of a known sensor. ml.SENSORS lists what their files are called."
        )
    scenes: dict[str, xr.Dataset] = {}
    report = []
    for granule in track(granules, "opening granules"):
        opened = _try(granule, resolution, chosen)
        name = next(name for name in _names(granule) if name not in scenes)
        if isinstance(opened, xr.Dataset):
            scenes[name] = opened
            report.append(Opened(name, granule.sensor.key, opened.attrs.get("time_coverage_start", ""), ""))
        else:
            report.append(Opened(name, granule.sensor.key, "", opened))
    return Scenes(scenes, tuple(report), str(folder))


def _names(granule: Granule) -> Iterator[str]:
    """Yield names for a granule until one is free: two folders may hold granules of one name."""
    yield granule.name
    yield f"{granule.name} ({granule.sensor.key})"
    yield from (f"{granule.name} ({number})" for number in count(2))


def _try(granule: Granule, resolution: float | None, calibration: Calibration) -> xr.Dataset | str:
    try:
        return open_granule(granule, resolution=resolution, calibration=calibration)
    except MusyqError as error:
        return str(error)


def open_granule_in(
    root: str | Path,
    sensor: str,
    *,
    granule: str | None = None,
    resolution: float | None = None,
    calibration: str | None = None,
) -> xr.Dataset:
    """Open one granule of a sensor in a folder.

    Parameters
    ----------
    root : str or pathlib.Path
        Folder of granules, or a granule.
    sensor : str
        Key of the sensor.
    granule : str, optional
        Which one, by name; needed where there are several.
    resolution, calibration : optional
        As for :func:`musyq_lab.open_scene`.

    Raises
    ------
    NotFoundError
        If the folder or the granule is not there.
    InputError
        If there are several granules and none is named.
    """
    chosen = check_calibration(calibration)
    place = Path(root).expanduser()
    found = find_all(place, sensor) if place.is_dir() else []
    if granule is not None:
        named = [g for g in found if g.name == granule]
        if not named:
            raise NotFoundError(
                f"{root} holds no granule {granule!r} of {sensor}.{closest(granule, [g.name for g in found])}"
            )
        return open_granule(named[0], resolution=resolution, calibration=chosen)
    single = only(found, place) if place.is_dir() and found else find(root, sensor)
    return open_granule(single, resolution=resolution, calibration=chosen)
