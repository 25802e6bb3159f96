"""Before a computation runs: how much memory, disk and time it takes, and what to do where that is too much."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from musyq_lab.archive.write import BAND_BYTES
from musyq_lab.core.errors import InputError
from musyq_lab.dashboards._jobs import JOBS
from musyq_lab.dashboards._jobs_dask import active_client
from musyq_lab.production.chain._room import disk_free, resident, room, said
from musyq_lab.production.chain.forecast import lasts

_SMALLER = "Choose a smaller region, fewer data, or a coarser edition"


@dataclass(frozen=True)
class Verdict:
    """What a computation takes."""

    memory: int
    """Bytes of memory at once, in this process or in a worker."""
    disk: int
    """Bytes of the files at most."""
    seconds: float | None
    """Time; None where no preview was made."""
    where: str
    """Who computes."""
    problems: tuple[str, ...]
    """Why it does not fit, and what to do."""

    @property
    def fits(self) -> bool:
        """Whether there is room."""
        return not self.problems

    def require(self) -> Verdict:
        """Return itself.

        Raises
        ------
        InputError
            If there is no room.
        """
        if self.problems:
            raise InputError(str(self))
        return self

    def __str__(self) -> str:
        """Say it in sentences."""
        time = "the time is known after a preview" if self.seconds is None else f"about {lasts(self.seconds)}"
        needs = f"{said(self.memory)} of memory and up to {said(self.disk)} of disk; {time}; computed {self.where}."
        if self.problems:
            return f"It does not fit: it takes about {needs} {' '.join(self.problems)}"
        return f"It fits: the whole takes about {needs}"


def verdict(made: xr.Dataset, parts: int, results: Path, per_cell: float | None = None) -> Verdict:
    """Return what computing and writing a result takes; nothing is computed.

    Parameters
    ----------
    made : xarray.Dataset
        The lazy result.
    parts : int
        Arrays that are held at once on the way to one chunk.
    results : pathlib.Path
        Where it is to be written.
    per_cell : float, optional
        Seconds for a cell of the map with all that lies behind it, from a preview.
    """
    chunk = largest_chunk(made)
    threads, free, where, waits = _hosts()
    memory = int(chunk * parts * threads)
    if not waits:
        memory += 2 * BAND_BYTES
    disk = sum(array.size * min(array.dtype.itemsize, 4) for array in made.data_vars.values()) * 4 // 3
    seconds = None if per_cell is None else per_cell * _cells(made)
    problems = []
    if free is not None and memory > free:
        problems.append(f"Of memory {said(free)} can be had. {_SMALLER}, or data in smaller chunks than {said(chunk)}.")
    left = disk_free(results)
    if left is not None and disk > left:
        problems.append(f"Of disk {said(left)} is free. {_SMALLER}.")
    if seconds is not None and seconds > JOBS.limits.seconds:
        problems.append(f"A job may take {lasts(JOBS.limits.seconds)}. {_SMALLER}.")
    return Verdict(memory, disk, seconds, where, tuple(problems))


def _cells(made: xr.Dataset) -> int:
    spatial = [n for dim, n in made.sizes.items() if dim in ("latitude", "longitude", "y", "x")]
    return math.prod(spatial)


def largest_chunk(made: xr.Dataset) -> int:
    """Return the bytes of the largest chunk of a result or of what it is made from, in double precision."""
    return 8 * max((_cells_of_chunk(array.data) for array in made.data_vars.values()), default=0)


def _cells_of_chunk(data: Any) -> int:
    """Return the cells of the largest block among the layers behind an array, as far as they tell."""
    if not hasattr(data, "dask"):
        return int(data.size)
    most = math.prod(max(sizes, default=0) for sizes in data.chunks)
    for layer in data.dask.layers.values():
        cells = math.prod((layer.collection_annotations or {}).get("chunksize") or (0,))
        most = max(most, 0 if math.isnan(cells) else cells)
    return int(most)


def _hosts() -> tuple[int, int | None, str, bool]:
    """Return threads of a process that computes, its free memory, who it is, and whether it is another one."""
    client = active_client()
    if client is None:
        limit = JOBS.limits.memory
        found = room().memory
        free = limit if limit is not None else None if found is None else max(found - resident(), 0)
        return os.cpu_count() or 1, free, "in this process", False
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    threads = max((worker["nthreads"] for worker in workers), default=1)
    limits = [worker["memory_limit"] for worker in workers if worker.get("memory_limit")]
    return threads, min(limits, default=None), f"on the dask cluster ({len(workers)} workers)", True
