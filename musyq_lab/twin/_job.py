"""A folder being filled with granules and truth: resumable, and each granule complete or absent."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from musyq_lab.archive.draft import publish, write_text
from musyq_lab.core.attributes import package_version
from musyq_lab.core.errors import InputError
from musyq_lab.core.progress import track
from musyq_lab.twin import forward, listing, truth
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
    """A folder being filled: what is done stands in its record."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self.world = settings.world()
        self.rows: list[dict[str, Any]] = []

    def _begin(self) -> None:
        """Take up an earlier run of the same settings, or begin; refuse a folder of something else."""
        record = self.folder / RECORD
        if not record.exists():
            if self.folder.exists() and any(self.folder.iterdir()):
                raise InputError(f"{self.folder} is not empty and holds no simulation. Choose a new folder.")
            self.folder.mkdir(parents=True, exist_ok=True)
            self._record()
            return
        content = json.loads(record.read_text(encoding="utf-8"))
        if content["settings"] != self._stored() or content["version"] != package_version():
            raise InputError(
                f"{self.folder} holds another simulation (or one of another version of MuSyQ Lab). "
                "Choose another folder, or delete it."
            )
        self.rows = [row for row in content["granules"] if (self.folder / row["path"]).exists()]

    def run(self) -> list[dict[str, Any]]:
        """Make what is missing, in the order of time, and return one row a granule."""
        self._begin()
        done = {row["name"] for row in self.rows}
        missing = [look for look in _looks(self.world, self.settings) if _name(look) not in done]
        _ = self.world.static  # before the threads, which would each make it
        first, days = self.settings.first, self.settings.days
        # Threads of our own: those of the linear algebra would get in their way.
        with threadpool_limits(1, "blas"), _workers() as pool:
            for row in track(
                _each(pool, self._granule, missing), f"Simulating {len(missing)} overpasses", len(missing)
            ):
                self._keep(row)
            files = truth.write(self.world, first, days, self.folder / "truth", tile=self.world.place.key, pool=pool)
            for _ in track(files, "Writing the truth", total=truth.count(first, days)):
                pass
        listing.write(self.folder, self.settings.sensors)
        return self.rows

    def _keep(self, row: dict[str, Any] | None) -> None:
        if row is None:
            return
        self.rows = sorted([*self.rows, row], key=lambda one: (one["time"], one["sensor"], one["platform"]))
        self._record()

    def _granule(self, look: Overpass) -> dict[str, Any] | None:
        """Make one granule and return its row, None where the overpass sees nothing."""
        granule = _granule(look.sensor)
        target = self.folder / "granules" / look.sensor / _name(look)
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
        row = {"name": _name(look), "sensor": look.sensor, "platform": look.platform, "time": look.time.isoformat()}
        return {**row, "path": str((target / path.relative_to(draft)).relative_to(self.folder))}

    def _stored(self) -> dict[str, Any]:
        stored: dict[str, Any] = json.loads(json.dumps(asdict(self.settings)))
        return stored

    def _record(self) -> None:
        content = {"settings": self._stored(), "version": package_version(), "granules": self.rows}
        target = self.folder / RECORD
        publish({write_text(target, json.dumps(content, indent=1) + "\n"): target})


def _workers() -> ThreadPoolExecutor:
    """Two threads at most: kernels, codecs and array arithmetic leave the interpreter free for each other."""
    return ThreadPoolExecutor(max(1, min(2, len(os.sched_getaffinity(0)))))


def _each(pool: ThreadPoolExecutor, work: Callable[[Any], T], items: Iterable[Any]) -> Iterator[T]:
    """Yield results as they come; after an error nothing new is begun."""
    futures = [pool.submit(work, item) for item in items]
    try:
        for future in as_completed(futures):
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


def _granule(sensor: str) -> Granule:
    module: Any = import_module(f"musyq_lab.twin.granules.{sensor}")
    return module  # type: ignore[no-any-return]


def _name(look: Overpass) -> str:
    return f"{look.time:%Y%m%dT%H%M%S}_{look.platform.replace(' ', '')}"


def _looks(world: World, settings: Settings) -> Iterator[Overpass]:
    found: dict[tuple[str, str], Overpass] = {}
    for sensor in settings.sensors:
        instrument = _granule(sensor).INSTRUMENT
        for target in _targets(world.grid):
            for look in overpasses(
                sensor, instrument.platform, instrument.orbit, target, settings.first, settings.days
            ):
                hour = look.time.hour + look.time.minute / 60
                if not isinstance(look.orbit, Geostationary) or hour in settings.stationary_hours:
                    found.setdefault((sensor, _pass(look)), look)
    yield from sorted(found.values(), key=lambda look: (look.time, look.sensor, look.platform))


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
