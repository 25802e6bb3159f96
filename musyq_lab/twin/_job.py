"""A folder being filled with granules, truth and ancillary data: resumable, and each granule complete or absent."""

from __future__ import annotations

import fcntl
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from musyq_lab.archive.draft import plain, publish, write_text
from musyq_lab.core.attributes import package_version
from musyq_lab.core.errors import ArchiveError, InputError, MusyqError
from musyq_lab.core.progress import track
from musyq_lab.twin import ancillary, forward, listing, truth
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.instrument import Granule
from musyq_lab.twin.orbit import Geostationary, Overpass, overpasses
from musyq_lab.twin.settings import Settings
from musyq_lab.twin.world import World

T = TypeVar("T")

RECORD = "simulation.json"
"""File that says what a folder was made from: enough to make any of its truth again."""

_TARGET_KM = 1200


class Job:
    """A folder being filled: what is done stands in its record.

    Parameters
    ----------
    folder
        Made if it does not exist.
    settings
        What to fill it with.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self.world = settings.world()
        self.rows: list[dict[str, Any]] = []
        self.truth: list[str] = []
        self.ancillary: list[str] = []

    def _begin(self) -> None:
        """Take up an earlier run of the same settings, or begin; refuse a folder of something else."""
        if not (self.folder / RECORD).exists():
            if self.folder.exists() and any(not _is_draft(item) for item in self.folder.iterdir()):
                raise InputError(f"{self.folder} is not empty and holds no simulation. Choose a new folder.")
            self.folder.mkdir(parents=True, exist_ok=True)
            self._record()
            return
        content = read_record(self.folder)
        if {"three_hourly": False} | content["settings"] != self._stored() or content["version"] != package_version():
            raise InputError(
                f"{self.folder} holds another simulation (or one of another version of MuSyQ Lab). "
                "Choose another folder, or delete it."
            )
        self.rows = [row for row in content["granules"] if (self.folder / row["path"]).exists()]
        self.truth, self.ancillary = (
            [name for name in content[kind] if (self.folder / name).exists()] for kind in ("truth", "ancillary")
        )

    def run(self) -> list[dict[str, Any]]:
        """Make what is missing, in the order of time, and return one row a granule.

        Raises
        ------
        InputError
            If the folder holds something else, or another process is filling it.
        ArchiveError
            If it cannot be written to, or the disk is full; what is complete stays.
        """
        try:
            self._begin()
            with _alone(self.folder):
                self._fill()
        except OSError as error:
            if isinstance(error, MusyqError):
                raise
            raise plain(error, self.folder) from error
        return self.rows

    def _fill(self) -> None:
        for draft in filter(_is_draft, list(self.folder.iterdir())):
            draft.unlink()
        done = {(row["sensor"], row["name"]) for row in self.rows}
        missing = [o for o in looks(self.world, self.settings) if (o.sensor, name_of(o)) not in done]
        # Threads of our own: those of the linear algebra would get in their way.
        with threadpool_limits(1, "blas"), _workers() as pool:
            if missing:
                _ = self.world.static  # before the threads, which would each make it
            what = f"Simulating {len(missing)} overpass{'' if len(missing) == 1 else 'es'}"
            for row in track(_each(pool, self._granule, missing), what, len(missing)):
                self._keep(row)
            self._write_truth(pool)
        listing.write(self.folder, self.settings.sensors, three_hourly=self.settings.three_hourly)

    def _write_truth(self, pool: ThreadPoolExecutor) -> None:
        """Write the truth and what is ancillary, all of it again where a file is missing."""
        total = product_count(self.settings)
        if len(self.truth) + len(self.ancillary) == total:
            return
        files = track(self._products(pool), "Writing the truth", total)
        names = [str(path.relative_to(self.folder)) for path in files]
        self.truth, self.ancillary = (
            [name for name in names if name.startswith(f"{kind}/")] for kind in ("truth", "ancillary")
        )
        self._record()

    def _products(self, pool: ThreadPoolExecutor) -> Iterator[Path]:
        tile, known, given = _file_name(self.world.place.key), self.folder / "truth", self.folder / "ancillary"
        yield truth.write_static(self.world, known, tile)
        yield ancillary.write_static(self.world, given, tile)
        for period, mean in truth.means(self.world, self.settings.first, self.settings.days, pool):
            yield from truth.write_period(self.world, period, mean, known, tile)
            yield ancillary.write_period(self.world, period, mean, given, tile)
        if self.settings.three_hourly:
            for period, mean in truth.three_hours(self.world, self.settings.first, self.settings.days, pool):
                yield truth.write_three_hours(self.world, period, mean, known, tile)
                yield ancillary.write_three_hours(self.world, period, mean, given, tile)

    def _keep(self, row: dict[str, Any] | None) -> None:
        if row is None:
            return
        self.rows = sorted([*self.rows, row], key=lambda one: (one["time"], one["sensor"], one["platform"]))
        self._record()

    def _granule(self, look: Overpass) -> dict[str, Any] | None:
        """Make one granule and return its row, None where the overpass sees nothing."""
        granule = granule_of(look.sensor)
        target = self.folder / "granules" / look.sensor / name_of(look)
        draft = target.with_name(f".{target.name}.part")
        for leftover in (draft, target):
            shutil.rmtree(leftover, ignore_errors=True)
        seen = forward.images(self.world, look, granule)
        if not any(np.isfinite(values).any() for image in seen for values in image.values.values()):
            return None
        draft.mkdir(parents=True)
        try:
            path = granule.write(look, seen, draft)
            draft.rename(target)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        row = {"name": name_of(look), "sensor": look.sensor, "platform": look.platform, "time": look.time.isoformat()}
        return {**row, "path": str((target / path.relative_to(draft)).relative_to(self.folder))}

    def _stored(self) -> dict[str, Any]:
        stored: dict[str, Any] = json.loads(json.dumps(asdict(self.settings)))
        return stored

    def _record(self) -> None:
        content = {
            "settings": self._stored(),
            "version": package_version(),
            "granules": self.rows,
            "truth": self.truth,
            "ancillary": self.ancillary,
        }
        target = self.folder / RECORD
        publish({write_text(target, json.dumps(content, indent=1) + "\n"): target})


def read_record(folder: Path) -> dict[str, Any]:
    """Return what the record of a folder says.

    Raises
    ------
    ArchiveError
        If it is damaged.
    """
    try:
        content: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        complete = {"settings", "version", "granules", "truth"} <= set(content)
    except (ValueError, TypeError):
        complete = False
    if not complete:
        raise ArchiveError(f"{folder / RECORD} is damaged. Delete {folder} and simulate again.")
    return {"ancillary": []} | content  # folders of before there was any


def _is_draft(path: Path) -> bool:
    """Whether it is what a killed run left of its record or its catalog."""
    return path.name.startswith((f".{RECORD}.", ".catalog.yml.")) and path.suffix == ".partial"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from filling a folder; the lock of a killed one is gone."""
    granules = folder / "granules"
    granules.mkdir(exist_ok=True)
    descriptor = os.open(granules, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks does without
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(f"Another process is filling {folder}. Wait for it, or choose a new folder.") from None
        yield
    finally:
        os.close(descriptor)


def _file_name(place: str) -> str:
    """Return the name of a place as it may stand in names of product files."""
    return place.replace(".", "p").replace("-", "m")


def _workers() -> ThreadPoolExecutor:
    """Two threads at most: kernels, codecs and array arithmetic leave the interpreter free for each other."""
    return ThreadPoolExecutor(max(1, min(2, len(os.sched_getaffinity(0)))))


def _each(pool: ThreadPoolExecutor, work: Callable[[Any], T], items: Iterable[Any]) -> Iterator[T]:
    """Yield results as they come; after an error nothing new is begun, and what was under way is yielded first."""
    futures = [pool.submit(work, item) for item in items]
    failure: BaseException | None = None
    try:
        for future in as_completed(futures):
            if future.cancelled():
                continue
            error = future.exception()
            if error is None:
                yield future.result()
                continue
            failure = failure or error
            for waiting in futures:
                waiting.cancel()
    finally:
        for waiting in futures:
            waiting.cancel()
    if failure is not None:
        raise failure


def product_count(settings: Settings) -> int:
    """Return how many files of truth and ancillary data a simulation has."""
    periods = len(list(truth.periods(settings.first, settings.days)))
    hourly = 2 * 8 * settings.days if settings.three_hourly else 0
    return 2 + periods * len(truth.PRODUCTS[1:] + ancillary.PRODUCTS[1:]) + hourly


def granule_of(sensor: str) -> Granule:
    """Return the module that writes the granules of a sensor."""
    module: Any = import_module(f"musyq_lab.twin.granules.{sensor}")
    return module  # type: ignore[no-any-return]


def name_of(look: Overpass) -> str:
    """Return the name of an overpass: its time and platform."""
    return f"{look.time:%Y%m%dT%H%M%S}_{look.platform.replace(' ', '')}"


def looks(world: World, settings: Settings) -> list[Overpass]:
    """Return the overpasses of a simulation, in the order of time."""
    found: dict[tuple[str, str], Overpass] = {}
    for sensor in settings.sensors:
        instrument = granule_of(sensor).INSTRUMENT
        name, orbit = instrument.platform, instrument.orbit
        for target in _targets(world.grid):
            for look in overpasses(sensor, name, orbit, target, settings.first, settings.days):
                if not isinstance(orbit, Geostationary) or _minute(look) in _slots(orbit, settings.stationary_hours):
                    found.setdefault((sensor, _pass(look)), look)
    return sorted(found.values(), key=lambda look: (look.time, look.sensor, look.platform))


def _minute(look: Overpass) -> int:
    return look.time.hour * 60 + look.time.minute


def _slots(orbit: Geostationary, hours: Sequence[float]) -> set[float]:
    """Return when the images that are under way at some hours begin (minutes of the day)."""
    return {math.floor(hour * 60 / orbit.cadence + 1e-6) * orbit.cadence for hour in hours}


def _pass(look: Overpass) -> str:
    """Return what is one pass, whatever point of a long world it was found for."""
    return f"{look.platform} {look.details.get('orbit_number', look.time)}"


def _targets(grid: WorldGrid) -> list[tuple[float, float]]:
    """Return places no farther apart than a swath is wide: the centre alone for a small world."""
    step = max(1, round(_TARGET_KM * 1000 / grid.metres))
    rows, columns = (range(min(step, n) // 2, n, step) for n in grid.shape)
    return [
        (float(grid.longitude[row, column]), float(grid.latitude[row, column])) for row in rows for column in columns
    ]
