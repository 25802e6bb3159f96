"""The work behind the Change page: which cells are analysed, at what cost, and the result."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards._change_kinds import KINDS, Ask, Subject, kind_of, subject_of, summed_up
from musyq_lab.dashboards._data import Cube, made
from musyq_lab.dashboards._jobs import Job
from musyq_lab.dashboards._jobs_dask import watched
from musyq_lab.dashboards._levels import chunk_shape
from musyq_lab.dashboards._window import BUDGET, window
from musyq_lab.production.chain._room import resident, room, said

VALUES = 4_000_000
"""Values (cells times steps) of the first look."""
_COSTLY = {"phenology": 8, "breaks": 4}
"""Analyses whose first look takes so many times fewer values."""
_FEWEST = 400
_PIECE = 1_000_000  # values of one piece of work, so that progress shows and a stop comes soon
_RATE = {"trend": 4e6, "anomaly": 2e7, "breaks": 2e5, "phenology": 1e5, "periods": 2e7}
"""Values a second before any was timed here: what two busy cores did for months of twelve years."""
_OVERHEAD = 6
"""Arrays as large as a piece that an analysis holds beside it."""

_SHARED = 24
"""Results of first looks that sessions share."""
_shared: OrderedDict[Hashable, Outcome] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True)
class Part:
    """The cells that are analysed."""

    cube: Cube
    """The cube, or the overview of it."""
    pieces: Mapping[str, slice]
    """Rows and columns of it."""
    stride: int
    """Every which of them."""
    variable: str
    """What is analysed."""
    chosen: Mapping[str, int]
    """Position along dimensions that are not the series'."""

    @property
    def whole(self) -> bool:
        """Whether these are all cells of the map itself."""
        return self.stride == 1 and self.cube.factor == 1

    def subject(self) -> Subject:
        """Return the series of maps of these cells."""
        layer = self.cube.dataset[self.variable].isel(dict(self.pieces))
        return series_of(layer, self.cube, self.chosen)

    def said(self) -> str:
        """Return how coarse it is, as a sentence; nothing where it is whole."""
        if self.whole:
            return ""
        which = "" if self.stride == 1 else f"every {_ordinal(self.stride)} cell along each side of "
        what = "the map" if self.cube.factor == 1 else f"the overview of {self.cube.factor} × {self.cube.factor} cells"
        return f"First look: {which}{what} was analysed."


@dataclass(frozen=True)
class Outcome:
    """What an analysis found."""

    ask: Ask
    """What was asked."""
    part: Part
    """Of which cells."""
    dataset: xr.Dataset
    """The layers, in memory."""
    cube: Cube
    """The layers as a map."""
    seconds: float
    """How long it took."""

    @property
    def steps(self) -> list[Any]:
        """Years or dates along which the result has maps, empty for one map."""
        dim = self.step_dim
        return self.dataset[dim].values.tolist() if dim else []

    @property
    def step_dim(self) -> str:
        """Dimension of :attr:`steps`."""
        first = self.dataset[next(iter(KINDS[self.ask.kind].maps))]
        return next((str(d) for d in first.dims if d not in (self.cube.x, self.cube.y)), "")


def series_of(layer: xr.DataArray, cube: Cube, chosen: Mapping[str, int]) -> Subject:
    """Return a layer as a series, at the chosen place of dimensions that are neither the map's nor of time."""
    others = [str(d) for d in layer.dims if d not in (cube.x, cube.y)]
    keep = next((name for name in ("time", "year") if name in others), "")
    layer = layer.isel({d: chosen.get(d, 0) for d in others if d != keep}, drop=True)
    if layer.dtype.kind in "iub":
        layer = layer.astype(np.float32)
    return subject_of(layer, (cube.y, cube.x))


def part_of(cube: Cube, variable: str, chosen: Mapping[str, int], kind: str, *, whole: bool) -> Part:
    """Return the cells to analyse: all, or as many as make a quick first look.

    Parameters
    ----------
    cube : Cube
        The data.
    variable : str
        What is analysed.
    chosen : mapping of str to int
        Position along further dimensions.
    kind : str
        Key of the analysis.
    whole : bool
        Whether all cells are meant.
    """
    layer = cube.dataset[variable]
    steps = max(1, layer.size // cube.cells)
    if whole:
        return Part(cube, {cube.y: slice(None), cube.x: slice(None)}, 1, variable, dict(chosen))
    cells = max(VALUES // _COSTLY.get(kind, 1) // steps, _FEWEST)
    seen = window(cube, variable, cells=cells, budget=4 * BUDGET / steps)
    return Part(seen.cube, dict(seen.pieces), seen.stride, variable, dict(chosen))


def refuse(cube: Cube, variable: str, chosen: Mapping[str, int], ask: Ask) -> str:
    """Return why an analysis cannot be made of a variable, as a sentence; empty where it can."""
    layer = cube.dataset[variable]
    if "flag_values" in layer.attrs or layer.dtype.kind not in "iufb":
        return f"{variable} has named classes, of which there is no mean and no trend. Choose another variable."
    try:
        return KINDS[ask.kind].lacks(series_of(layer, cube, chosen))
    except InputError as error:
        return str(error)


def lazily(part: Part, ask: Ask) -> xr.Dataset:
    """Return the result as dask arrays in pieces of a bounded size, the whole series in each."""
    subject = part.subject()
    layer = subject.layer
    y, x = part.cube.y, part.cube.x
    rows, columns = _piece(part, layer, subject.steps * _COSTLY.get(ask.kind, 1))
    chunks = {y: rows, x: columns} | ({subject.dim: -1} if subject.dim else {})
    return kind_of(ask.kind).make(Subject(layer.chunk(chunks), subject.dim), ask)


def _piece(part: Part, layer: xr.DataArray, steps: int) -> tuple[int, int]:
    """Return rows and columns of a piece; those of the files' own chunks where they are smaller.

    Analyses that take long count each step several times, so that their pieces are smaller and a stop comes soon.
    """
    y, x = part.cube.y, part.cube.x
    height, width = layer.sizes[y], layer.sizes[x]
    own = chunk_shape(layer, (y, x)) or (height, width)
    cells = max(_PIECE // steps, 64)
    columns = min(width, own[1], max(cells, 1))
    return max(1, min(height, cells // columns)), columns


def cost(part: Part, ask: Ask, rate: float | None = None) -> tuple[float, int]:
    """Return seconds and bytes that an analysis is expected to take.

    Parameters
    ----------
    part : Part
        Which cells.
    ask : Ask
        What is asked.
    rate : float, optional
        Values a second, as timed in a first look.
    """
    layer = part.subject().layer
    own = chunk_shape(layer, (part.cube.y, part.cube.x))
    steps = max(1, layer.size // max(layer.sizes[part.cube.y] * layer.sizes[part.cube.x], 1))
    # Chunks of files are read whole: a piece of work needs those of all steps that it touches.
    held = 0 if own is None else own[0] * own[1] * steps * layer.dtype.itemsize * 2
    piece = min(_PIECE, layer.size) * 8 * _OVERHEAD * 2
    maps = 8 * 10 * layer.sizes[part.cube.y] * layer.sizes[part.cube.x]
    if ask.kind in ("anomaly", "phenology"):
        maps += 8 * layer.size
    return layer.size / (rate or _RATE[ask.kind]), int(held + piece + maps)


def verdict(part: Part, ask: Ask, rate: float | None, limit: int | None) -> tuple[str, bool]:
    """Return in words what an analysis would cost, and whether it fits.

    Parameters
    ----------
    part : Part
        Which cells.
    ask : Ask
        What is asked.
    rate : float or None
        Values a second, as timed in a first look.
    limit : int or None
        Bytes that it may take; what this machine has free if None.
    """
    known = limit or room().memory
    free = None if known is None else max(known - resident(), 0)
    seconds, size = cost(part, ask, rate)
    lasts = f"{max(seconds, 1):.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"
    if seconds > 5400:
        lasts = f"{seconds / 3600:.1f} hours"
    fits = free is None or size <= free
    had = "" if free is None else f" of {said(free)} that are free"
    end = "" if fits else " It does not fit: choose a smaller region, or keep the first look."
    return f"All {part.cube.cells:,} cells: about {lasts} and {said(size)} of memory{had}.{end}", fits


def inside(cube: Cube, x: float, y: float) -> bool:
    """Return whether a point lies in a cell of the map."""
    found = []
    for name, at in ((cube.x, x), (cube.y, y)):
        axis = cube.dataset[name].values
        half = abs(float(axis[-1] - axis[0])) / max(axis.size - 1, 1) / 2 or 0.5
        found.append(bool(axis.min() - half <= at <= axis.max() + half))
    return all(found)


def extent(cube: Cube) -> str:
    """Return what the map covers, in words."""
    ends = ((name, cube.dataset[name].values) for name in (cube.x, cube.y))
    return ", ".join(f"{name} {axis.min():g} to {axis.max():g}" for name, axis in ends)


def analysed(part: Part, ask: Ask, job: Job) -> Outcome:
    """Return what an analysis finds; runs in the thread of a job, on the active dask client where there is one."""
    started = time.perf_counter()
    lazy = lazily(part, ask)
    job.say(f"{kind_of(ask.kind).title} of {part.variable}: {_sizes(part)}")
    with watched(job, lazy) as seen:
        found = seen.compute()
    return outcome(part, ask, found, time.perf_counter() - started)


def shared(key: Hashable | None) -> Outcome | None:
    """Return a first look that any session has made, None where there is none."""
    with _lock:
        found = _shared.get(key)
        if found is not None:
            _shared.move_to_end(key)
        return found


def share(key: Hashable | None, made: Outcome) -> None:
    """Keep a first look for other sessions; with the key None it is not kept."""
    if key is None:
        return
    with _lock:
        _shared[key] = made
        while len(_shared) > _SHARED:
            _shared.popitem(last=False)


def _sizes(part: Part) -> str:
    layer = part.subject().layer
    return f"{' × '.join(f'{size} {dim}' for dim, size in layer.sizes.items())} values"


def outcome(part: Part, ask: Ask, found: xr.Dataset, seconds: float) -> Outcome:
    """Return layers in memory as a result, with what is known of the map as a whole."""
    found = summed_up(ask.kind, found)
    for name in found.data_vars:
        found[name].attrs.pop("ancillary_variables", None)
    if "spatial_ref" in part.cube.dataset.coords and "spatial_ref" not in found.coords:
        found = found.assign_coords(spatial_ref=part.cube.dataset.coords["spatial_ref"])
    found = found.reset_coords([c for c in found.coords if c not in found.dims and c != "spatial_ref"], drop=True)
    for axis in (part.cube.x, part.cube.y):
        found[axis].attrs = dict(part.cube.dataset[axis].attrs)
    cube = made(found, part.cube.title, part.cube.origin, "", factor=part.cube.factor)
    return Outcome(ask, part, found, cube, seconds)


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
