"""The work behind the download page: the part of the data that is wanted, the job that makes it, where it lies."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards._jobs import Job
from musyq_lab.dashboards._jobs_dask import watched
from musyq_lab.dashboards._stream import Offer, offer, offer_file
from musyq_lab.production.download.download import download
from musyq_lab.production.download.outcome import Download
from musyq_lab.production.download.region import Area, area
from musyq_lab.production.download.select import select

OUT = "musyq-downloads"
"""Folder of downloads in a notebook."""
MEMORY = 400 * 10**6
"""Bytes that making a download takes at most: it works in parts of some megabytes."""

_PREFIX = "musyq-download-"
_LONGEST = 200_000  # letters of a region: more is no outline that somebody drew or pasted


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """What a served platform lets each visitor have."""

    most: str = "2 GB"
    """Size of one download before compression."""
    folder: Path | None = None
    """Where downloads lie until they are fetched; the system's folder for temporary files if not given."""


class Place:
    """The folders of sessions, each for itself and gone with it; those of a server that was killed go with the next."""

    def __init__(self) -> None:
        self.limits = DownloadLimits()
        """A server may set others."""
        self._lock = threading.Lock()
        self._folders: set[Path] = set()

    @property
    def root(self) -> Path:
        """Folder in which they lie."""
        return self.limits.folder or Path(tempfile.gettempdir())

    def folder(self) -> Path:
        """Make a folder that only this account can look into."""
        with self._lock:
            if not self._folders:
                self._sweep()
            made = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=self.root))
            self._folders.add(made)
        return made

    def drop(self, folder: Path) -> None:
        """Remove a folder and all in it."""
        with self._lock:
            self._folders.discard(folder)
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove all of them."""
        for folder in list(self._folders):
            self.drop(folder)

    def _sweep(self) -> None:
        """Remove what servers left that no longer run."""
        for folder in self.root.glob(f"{_PREFIX}*-*"):
            process = folder.name.removeprefix(_PREFIX).partition("-")[0]
            try:
                mine = folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid()
                if mine and process.isdigit() and not Path(f"/proc/{process}").exists():
                    shutil.rmtree(folder, ignore_errors=True)
            except OSError:
                continue  # another process was faster


PLACE = Place()
"""The folders of this process."""

atexit.register(PLACE.close)


@dataclass(frozen=True)
class Request:
    """What is to be made."""

    data: Any
    """Dataset or catalog entry."""
    region: Area | None
    """Region, None for all."""
    period: str | None
    """Period, None for all."""
    variables: tuple[str, ...]
    """Variables."""
    format: str
    """Format."""
    out: Path
    """Folder it goes to."""
    purpose: str = ""
    """What the data are for."""
    limit: str | None = None
    """Most bytes of it."""

    def options(self) -> dict[str, Any]:
        """Return it as the arguments of an estimate or a download, the data apart."""
        options = {"region": self.region, "period": self.period, "variables": list(self.variables) or None}
        return {**options, "format": self.format, "out": self.out, "limit": self.limit}


@dataclass(frozen=True)
class Made:
    """A finished download."""

    outcome: Download
    """Files and checksums."""
    offers: Mapping[str, Offer]
    """What a browser can fetch: words -> offer; nothing where no server hands it out."""
    attribution: str
    """How to cite."""
    receipt: Mapping[str, Any]
    """Receipt."""


def region_of(text: str) -> Any:
    """Return what somebody typed or drew as a region, without ever reading a file of that name.

    Parameters
    ----------
    text : str
        Empty for all; a box, a point, a name; or GeoJSON.

    Raises
    ------
    InputError
        If it is too long or no GeoJSON.
    """
    word = text.strip()
    if not word:
        return None
    if len(word) > _LONGEST:
        raise InputError(f"The region has {len(word):,} letters, more than {_LONGEST:,}. Simplify its outline.")
    if word[0] in "{[":
        try:
            given = json.loads(word)
        except (ValueError, RecursionError) as error:
            raise InputError(f"The region looks like GeoJSON, but it is none: {error}.") from None
        if not isinstance(given, dict):
            raise InputError("The region looks like GeoJSON, but it is no object {...}.")
        return given
    if word.lower().endswith((".json", ".geojson")):
        raise InputError("The page reads no files of the server. Paste the GeoJSON itself, or draw the region.")
    return word


@lru_cache(maxsize=32)
def area_of(text: str) -> Area | None:
    """Return the region that a text means, None for all; found once, since unions of countries take a while.

    Raises
    ------
    InputError, NotFoundError
        If it is no region.
    """
    return area(region_of(text))


def make(request: Request, *, served: bool) -> Callable[[Job], Made]:
    """Return the work of a job that makes a download."""

    def work(job: Job) -> Made:
        job.say(f"Reading for {request.format}")
        with _watched(job, request) as data:
            outcome = download(data, **request.options(), purpose=request.purpose)
        job.check()
        job.say(f"Wrote {outcome.path.name}")
        attribution = outcome.attribution.read_text(encoding="utf-8")
        receipt = json.loads(outcome.receipt.read_text(encoding="utf-8"))
        return Made(outcome, _offers(outcome) if served else {}, attribution, receipt)

    return work


def _watched(job: Job, request: Request) -> Any:
    """Return the data with a look at the job in each chunk that the download will read."""
    if not isinstance(request.data, xr.Dataset):
        return contextlib.nullcontext(request.data)  # a sample, which is small
    options = {key: request.options()[key] for key in ("region", "period", "variables")}
    return watched(job, narrowed(request.data, select(request.data, **options).ds))


def narrowed(ds: xr.Dataset, part: xr.Dataset) -> xr.Dataset:
    """Return the stretch of a Dataset along each dimension that a selection takes, and its variables.

    Parameters
    ----------
    ds : xarray.Dataset
        All of it.
    part : xarray.Dataset
        A selection of it, from which only names and coordinates are used. A dimension that it takes in pieces, as a
        region across the antimeridian does, stays whole; so does one of which it takes one step, since the size of a
        cell follows from its neighbours.
    """
    pieces = {}
    for name, size in ds.sizes.items():
        if name in ds.indexes and name in part.indexes and 1 < part.sizes[name] < size:
            at = np.flatnonzero(ds.indexes[name].isin(part.indexes[name]))
            if at.size == part.sizes[name] and np.all(np.diff(at) == 1):
                pieces[name] = slice(int(at[0]), int(at[-1]) + 1)
    kept = [name for name in ds.data_vars if name in part.data_vars]
    return ds[kept].isel(pieces)


def _offers(outcome: Download) -> dict[str, Offer]:
    text = "text/plain; charset=utf-8"
    return {
        "the data": offer(outcome),
        "how to cite": offer_file(outcome.attribution, media_type=text),
        "the checksums": offer_file(outcome.checksums, media_type=text),
        "the receipt": offer_file(outcome.receipt, media_type="application/json"),
    }
