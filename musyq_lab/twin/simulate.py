"""``ml.simulate``: a world, what each sensor sees of it in its own files, and the truth beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core import accessor as _accessor  # noqa: F401  # registers `.musyq`
from musyq_lab.core.errors import NotFoundError, closest
from musyq_lab.core.registry import html_table
from musyq_lab.sensors._open import open_scene
from musyq_lab.twin import beneath, truth
from musyq_lab.twin._job import RECORD, Job, granule_of, looks, name_of, read_record
from musyq_lab.twin.orbit import Overpass
from musyq_lab.twin.settings import Settings, moment_of, settings, stored_settings
from musyq_lab.twin.world import Members, World

STATIONARY_HOURS = (2.0, 6.0)
"""Hours of the day (UTC) of geostationary images by default: in China before and after noon."""
START = "2019-06-30"
"""First day by default: the height of summer at the northern stations, and the first of a five-day period."""


@dataclass(frozen=True, eq=False)
class Simulation:
    """A simulated folder: granules, truth files, and the world to ask for more truth."""

    folder: Path
    """Where it lies."""
    settings: Settings
    """What it was made from."""
    granules: tuple[dict[str, Any], ...]
    """One row a granule: sensor, platform, time, path (relative to the folder)."""

    @cached_property
    def world(self) -> World:
        """The world itself."""
        return self.settings.world()

    def truth(self, time: str | datetime | np.datetime64) -> xr.Dataset:
        """Return every field of the truth at an instant (UTC), dims (y, x): canopy, weather, clouds, energy."""
        # A copy: the world keeps its states, and what a user does to this one must not change them.
        return truth.georeferenced(self.world, self.world.state(moment_of(time)).copy(deep=True))

    def paths(self, sensor: str = "") -> list[Path]:
        """Return what ``ml.open_scene`` takes, in the order of time, of one sensor or of all."""
        known = {row["sensor"] for row in self.granules}
        if sensor and sensor not in known:
            raise NotFoundError(f"{self.folder} holds no granule of {sensor!r}.{closest(sensor, known)}")
        return [self.folder / row["path"] for row in self.granules if sensor in ("", row["sensor"])]

    def scene_truth(self, path: str | Path, resolution: float | None = None, *, bands: bool = True) -> xr.Dataset:
        """Return the truth on the pixels of a granule, those of the scene it opens as.

        See :func:`musyq_lab.twin.beneath.beneath` for the layers.

        Parameters
        ----------
        path
            Of the granule, as :meth:`paths` gives it.
        resolution
            Sampling distance (m) of the native grid, the sensor's nominal one by default.
        bands
            Whether to compute the surface reflectance too, which takes most of the time.
        """
        chosen = [row for row in self.granules if self.folder / row["path"] == Path(path)]
        if not chosen:
            raise NotFoundError(f"{path} is no granule of {self.folder}. Take one of .paths().")
        over = self._overpasses[chosen[0]["sensor"], chosen[0]["name"]]
        made = beneath.beneath(self.world, over, granule_of(over.sensor), resolution, bands=bands)
        return beneath.placed(made, open_scene(path, resolution=resolution))

    @cached_property
    def _overpasses(self) -> dict[tuple[str, str], Overpass]:
        return {(over.sensor, name_of(over)): over for over in looks(self.world, self.settings)}

    def surface_reflectance(
        self,
        sensor: str,
        time: str | datetime | np.datetime64,
        bands: Sequence[str] = (),
        variant: str = "",
        *,
        view_zenith: float = 0.0,
        relative_azimuth: float = 0.0,
    ) -> xr.DataArray:
        """Return the true reflectance of the surface in a sensor's bands for one direction, dims (band, y, x).

        See :func:`musyq_lab.twin.beneath.surface_reflectance`; with coordinates.
        """
        angles = {"view_zenith": view_zenith, "relative_azimuth": relative_azimuth}
        made = beneath.surface_reflectance(self.world, sensor, moment_of(time), bands, variant, **angles)
        return truth.georeferenced(self.world, made.to_dataset())["surface_reflectance"]

    @property
    def catalog(self) -> Path:
        """Catalog of granules and truth, for ``ml.open_catalog``."""
        return self.folder / "catalog.yml"

    def table(self) -> list[list[str]]:
        """Return a table: one row a sensor, after the headings; times are UTC."""
        rows = [["sensor", "granules", "first", "last"]]
        for sensor in self.settings.sensors:
            times = [row["time"][:16] for row in self.granules if row["sensor"] == sensor]
            rows.append([sensor, str(len(times)), min(times, default="-"), max(times, default="-")])
        return rows

    def __repr__(self) -> str:
        """Name the place, the days and the number of granules."""
        s = self.settings
        return (
            f"<Simulation of {s.place}, {s.days} days from {s.start}, {len(self.granules)} granules in {self.folder}>"
        )

    def _repr_html_(self) -> str:
        """Show one row a sensor, and the next command."""
        s = self.settings
        title = f"Simulated Earth: {s.place}, {s.days} days from {s.start}, seed {s.seed}, {s.members} set"
        hint = f"<p>Next: <code>ml.open_catalog({str(self.catalog)!r})</code>, <code>.truth(time)</code></p>"
        return html_table(self.table(), title) + hint


def simulate(
    out: str | Path = "musyq-simulation",
    *,
    place: str | tuple[float, float] = "huailai",
    start: str | datetime = START,
    days: int = 10,
    sensors: Sequence[str] | None = None,
    size: float | None = None,
    resolution: float | None = None,
    cloudiness: float = 1.0,
    seed: int = 0,
    members: Members = "training",
    stationary_hours: Sequence[float] = STATIONARY_HOURS,
    three_hourly: bool = False,
) -> Simulation:
    """Make a simulated Earth: granules in the sensors' own files, and the truth as products.

    The same arguments give the same bytes. A run that was stopped goes on where it was; a granule appears only when it
    is complete.

    Parameters
    ----------
    out
        Folder, made if it does not exist.
    place
        Name of a preset (:data:`musyq_lab.twin.place.PLACES`), or longitude and latitude (deg).
    start
        First day (UTC).
    days
        Number of days, 1 to 400.
    sensors
        Keys of ``ml.SENSORS``; by default all of :data:`SIMULATED` that suit the size of the place.
    size
        Edge of the square (km), by default the place's own.
    resolution
        Edge of a cell of the truth (m; degrees for presets on longitude and latitude), by default the place's own.
    cloudiness
        Cloud cover over that of the climate: 0 for none.
    seed
        Same seed, same Earth.
    members
        ``"training"``, or ``"scored"`` for canopies, soils and direct 6S runs that no training may use (needs the extra
        ``lut``).
    stationary_hours
        Hours of the day (UTC) whose geostationary images are made, each the one under way then; in China before and
        after noon by default.
    three_hourly
        Whether weather and true radiation of every three hours are written too, for products of that step; with
        ``stationary_hours=range(24)`` there is an image an hour to make them of.

    Returns
    -------
    Simulation
        With ``paths(sensor)``, ``truth(time)``, ``catalog`` and the table of what was made.

    Raises
    ------
    InputError
        If an argument makes no sense, a sensor does not suit the place, or the folder holds something else.
    NotFoundError
        If there is no such place, or no such sensor to simulate.
    ArchiveError
        If the folder cannot be written to, or the disk is full; what is complete stays.
    """
    chosen = settings(
        place=place,
        start=start,
        days=days,
        sensors=sensors,
        size=size,
        resolution=resolution,
        cloudiness=cloudiness,
        seed=seed,
        members=members,
        stationary_hours=stationary_hours,
        three_hourly=three_hourly,
    )
    folder = Path(out)
    return Simulation(folder, chosen, tuple(Job(folder, chosen).run()))


def open_simulation(folder: str | Path) -> Simulation:
    """Open a folder that :func:`simulate` left.

    Raises
    ------
    NotFoundError
        If the folder holds no simulation.
    ArchiveError
        If its record is damaged.
    """
    root = Path(folder)
    if not (root / RECORD).is_file():
        raise NotFoundError(f"{root} holds no simulation: there is no {RECORD}. Make one with `musyq simulate`.")
    content = read_record(root)
    return Simulation(root, stored_settings(content["settings"]), tuple(content["granules"]))
