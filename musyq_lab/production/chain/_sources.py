"""What the tasks of a plan read from outside: files, bytes on disk, and how large they are once decoded.

A granule of each sensor is opened, the largest; its fellows are taken to decode alike. Headers only are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from musyq_lab.archive.open import open_product
from musyq_lab.core.errors import MusyqError
from musyq_lab.core.grid import METRES_PER_DEGREE, GeoGrid
from musyq_lab.production.chain.region import Grid
from musyq_lab.production.chain.task import Read, Task
from musyq_lab.sensors._granule import find
from musyq_lab.standard.granule import open_granule

GRANULE = "granule"
"""Role of what is a granule."""
UNKNOWN_RATIO = 4.0
"""Decoded bytes of a byte on disk, where a granule cannot be opened: it will be set aside anyway."""
MOST_RATIO = 32.0
"""Decoded bytes of a byte on disk that hardly any granule exceeds."""


@dataclass(frozen=True, slots=True)
class Source:
    """What one read takes."""

    files: int = 0
    """Files."""
    disk: int = 0
    """Bytes on disk."""
    decoded: float = 0.0
    """Bytes in memory, were all of it there at once."""


def sources(tasks: Iterable[Task], *, quick: bool = False) -> dict[Read, Source]:
    """Return what each read of some tasks takes; what is not there any more takes nothing.

    Parameters
    ----------
    tasks : iterable of Task
        Of one plan.
    quick : bool
        Whether nothing is opened: decoded sizes are then more than they can well be (:data:`MOST_RATIO`).
    """
    tasks = list(tasks)
    sensors = {read: str(task.option("sensor")) for task in tasks for read in task.reads if read.role == GRANULE}
    found = {read: on_disk(read) for task in tasks for read in task.reads}
    ratios = _ratios(sensors, found, tasks[0].tile.grid) if sensors and not quick else {}
    unknown = MOST_RATIO if quick else UNKNOWN_RATIO
    alike: dict[tuple[str, str], float] = {}
    made: dict[Read, Source] = {}
    for read, (files, disk) in found.items():
        if read in sensors:
            size = disk * ratios.get(sensors[read], unknown)
        elif quick:
            size = disk * MOST_RATIO
        else:
            key = read.role, ".".join(read.name.split(".")[:4])  # files of one product, edition and tile are alike
            if key not in alike:
                alike[key] = _layers(read)
            size = alike[key] if files else 0.0
        made[read] = Source(files, disk, size)
    return made


def on_disk(read: Read) -> tuple[int, int]:
    """Return the files of a read and their bytes."""
    try:
        tops = find(read.path).files if read.role == GRANULE else (Path(read.path),)
        inside = [path for top in tops for path in (top.rglob("*") if top.is_dir() else (top,)) if path.is_file()]
        return len(inside), sum(path.stat().st_size for path in inside)
    except (MusyqError, OSError):
        return 0, 0


def _ratios(sensors: Mapping[Read, str], found: Mapping[Read, tuple[int, int]], grid: Grid) -> dict[str, float]:
    """Return the decoded bytes of a byte on disk for each sensor, from its largest granule that opens."""
    size = grid.resolution * METRES_PER_DEGREE if isinstance(grid, GeoGrid) else grid.resolution
    ratios: dict[str, float] = {}
    for read in sorted(sensors, key=lambda each: -found[each][1]):
        if sensors[read] in ratios or not found[read][1]:
            continue
        try:
            ratios[sensors[read]] = open_granule(read.path, resolution=size).nbytes / found[read][1]
        except MusyqError:
            continue
    return ratios


def _layers(read: Read) -> float:
    """Return the decoded bytes of the layers that are taken of a file."""
    try:
        ds: xr.Dataset = open_product(read.path)
    except (MusyqError, OSError):
        return 0.0
    names = [n for name in read.role.split() for n in (name, f"{name}_uncertainty") if n in ds]
    return float(sum(ds[name].nbytes for name in names))
