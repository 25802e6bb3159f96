"""Blocks of a target grid, each from the window of the source that it needs: at once for numpy, lazily for dask."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from musyq_lab.kernels import warp
from musyq_lab.standard._footprints import Geometry, Tiles, Window
from musyq_lab.standard._warp_frames import Doubles, Frame

Array = NDArray[Any]
Method = Literal["area", "bilinear", "nearest"]
Kind = Literal["mean", "noise", "bits", "cover"]

BLOCK = 768  # cells along a side: a few megabytes for each band
_PIXELS = 2_000_000  # of the source that a block may need: weights of some 100 MB
_MISSING = 1  # bit no_data


class Job(NamedTuple):
    """One variable to bring to the target."""

    data: Any
    """numpy or dask array, shape (..., rows, columns)."""
    kind: Kind
    """What becomes of its pixels."""
    least: tuple[float, ...] = ()
    """Share of the area for each quality bit."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the result."""
        if self.kind == "bits":
            return np.dtype(np.uint16)
        kind = np.dtype(self.data.dtype).newbyteorder("=")
        return kind if self.kind != "cover" and kind in (np.float32, np.float64) else np.dtype(np.float32)


@dataclass(frozen=True)
class Plan:
    """How a source comes to a target."""

    geometry: Geometry
    """Where its pixels are."""
    target: Frame
    """The grid."""
    tiles: Tiles
    """Where parts of the source lie."""
    method: Method
    """How."""
    min_valid: float
    """Share of a cell that must be valid."""
    place: tuple[Any, ...] = ()
    """Longitude and latitude of a swath, numpy or dask."""
    side: int = field(init=False)
    """Cells along a block."""

    def __post_init__(self) -> None:
        """Choose blocks that need no more of the source than memory holds."""
        side = BLOCK
        while side > 1 and side * side > _PIXELS * max(self.tiles.cells_per_pixel, 1e-12):
            side //= 2
        object.__setattr__(self, "side", side)

    @property
    def chunks(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Sizes of the blocks."""
        rows, columns = (
            tuple(min(self.side, size - at) for at in range(0, size, self.side)) for size in self.target.shape
        )
        return rows, columns

    def block(self, i: int, j: int) -> Window:
        """Return rows and columns of one block."""
        r, c = i * self.side, j * self.side
        return r, min(r + self.side, self.target.rows), c, min(c + self.side, self.target.columns)

    def window(self, block: Window) -> Window | None:
        """Return the part of the source that a block needs, None for none."""
        found = self.tiles.window(block[:2], block[2:])
        if found is None or self.method == "area":
            return found
        r0, r1, c0, c1 = found  # interpolation reaches over to the next pixel, which may begin another tile
        return max(r0 - 1, 0), min(r1 + 1, self.geometry.shape[0]), max(c0 - 1, 0), min(c1 + 1, self.geometry.shape[1])

    def run(self, jobs: Sequence[Job]) -> list[Any]:
        """Bring variables to the target, lazily where anything is lazy."""
        if any(isinstance(a, da.Array) for a in (*(job.data for job in jobs), *self.place)):
            return _Graph(self).run(jobs)
        outs = [np.empty((*job.data.shape[:-2], *self.target.shape), job.dtype) for job in jobs]
        rows, columns = self.chunks
        for i, j in itertools.product(range(len(rows)), range(len(columns))):
            block = self.block(i, j)
            window = self.window(block)
            ready = None
            if window is not None:
                outer = self.geometry.reach(window)
                ready = prepare(
                    self.geometry, self.target, self.method, block, window, *(_cut(a, outer) for a in self.place)
                )
            for job, out in zip(jobs, outs, strict=True):
                if _straight(ready, job, out, block, self.min_valid):
                    continue
                values = None if window is None else _seen(job.data, window, self.method)
                shape = (*job.data.shape[:-2], *_size(block))
                out[..., block[0] : block[1], block[2] : block[3]] = apply(
                    ready, values, job.kind, job.least, self.min_valid, shape, job.dtype
                )
        return outs


class Ready(NamedTuple):
    """Weights or places of one block, for every variable."""

    weights: warp.Weights | None
    """Areas, for means."""
    points: tuple[Doubles, Doubles] | None
    """Rows and columns in the source, for interpolation."""
    origin: tuple[int, int]
    """First row and column of the window."""
    size: tuple[int, int]
    """Rows and columns of the source."""
    nearest: bool
    """Whether the nearest pixel is wanted."""


def prepare(geometry: Geometry, target: Frame, method: Method, block: Window, window: Window, *place: Any) -> Ready:
    """Return what the pixels of a window have to do with the cells of a block."""
    origin = window[0], window[2]
    if method == "area":
        return Ready(geometry.overlap(target, block, window, *place), None, origin, geometry.shape, False)
    points = geometry.points(target, block, window, method == "nearest", *place)
    return Ready(None, points, origin, geometry.shape, method == "nearest")


def apply(
    ready: Ready | None, values: Any, kind: Kind, least: tuple[float, ...], min_valid: float, shape: tuple[int, ...],
    dtype: np.dtype[Any],
) -> Array:  # fmt: skip
    """Bring the window of one variable to a block, shape (..., rows, columns)."""
    if ready is None:
        return np.full(shape, {"bits": _MISSING, "cover": 0}.get(kind, math.nan), dtype)
    layers = np.asarray(values).reshape(-1, *values.shape[-2:])
    if layers.dtype.kind not in "fiub":
        layers = layers.astype(float)
    one = {"mean": _mean, "noise": _noise, "cover": _cover}
    if kind == "bits":
        return _bits(ready, layers, least, min_valid, shape).reshape(shape)
    return one[kind](ready, layers, min_valid, shape[-2:]).astype(dtype, copy=False).reshape(shape)


def _straight(ready: Ready | None, job: Job, out: Array, block: Window, min_valid: float) -> bool:
    """Interpolate the whole source straight into its place in the result, where that is possible."""
    whole = job.kind == "mean" and job.data.dtype == out.dtype and job.data.flags.c_contiguous
    if ready is None or ready.points is None or not whole:
        return False
    layers, into = (a.reshape(-1, *a.shape[-2:]) for a in (job.data, out))
    at = block[0], block[2]
    if ready.nearest:
        warp.pick(layers, *ready.points, out=into, at=at)
    else:
        warp.between(layers, *ready.points, min_valid=min_valid, out=into, at=at)
    return True


def _mean(ready: Ready, values: Array, min_valid: float, shape: tuple[int, ...]) -> Array:
    if ready.points is None:
        return warp.mean(_weights(ready), values, (shape[0], shape[1]), min_valid)
    if ready.nearest:
        return warp.pick(_floats(values), *ready.points, origin=_origin(ready, values))
    return warp.between(values, *ready.points, origin=_origin(ready, values), size=ready.size, min_valid=min_valid)


def _noise(ready: Ready, values: Array, min_valid: float, shape: tuple[int, ...]) -> Array:
    if ready.nearest:
        return _mean(ready, values, min_valid, shape)
    return warp.noise(_weights(ready, values), values, (shape[0], shape[1]), min_valid)


def _cover(ready: Ready, values: Array, min_valid: float, shape: tuple[int, ...]) -> Array:
    valid = np.isfinite(values).astype(np.float64)
    if ready.nearest:
        return np.nan_to_num(_mean(ready, valid, 0.0, shape))
    weights = _weights(ready, values)
    flat = valid.reshape(len(valid), -1)
    running = np.zeros((len(flat), weights.share.size + 1))
    np.cumsum(flat[:, weights.pixel] * weights.share, axis=1, out=running[:, 1:])
    return np.clip(np.diff(running[:, weights.start], axis=1), 0.0, 1.0)


def _bits(ready: Ready, flags: Array, least: tuple[float, ...], min_valid: float, shape: tuple[int, ...]) -> Array:
    if ready.nearest and ready.points is not None:
        words = flags.astype(np.uint16, copy=False)
        return warp.pick(words, *ready.points, origin=_origin(ready, flags), missing=_MISSING)
    weights = _weights(ready, flags)
    return np.stack([warp.bits(weights, f, (shape[-2], shape[-1]), np.array(least), min_valid) for f in flags])


def _weights(ready: Ready, values: Array | None = None) -> warp.Weights:
    if ready.weights is not None:
        return ready.weights
    assert ready.points is not None
    assert values is not None
    row, column = ready.points
    top, left = _origin(ready, values)
    return warp.places(row - top, column - left, (values.shape[-2], values.shape[-1]))


def _origin(ready: Ready, values: Array) -> tuple[int, int]:
    """Return where a window begins; the whole source is its own window."""
    return (0, 0) if values.shape[-2:] == ready.size else ready.origin


def _floats(values: Array) -> Array:
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def _seen(data: Array, window: Window, method: Method) -> Array:
    """Return the window, or all of the source where places count from its origin and no copy is needed."""
    return data if method != "area" and data.flags.c_contiguous else _cut(data, window)


def _cut(data: Array, window: Window) -> Array:
    return data[..., window[0] : window[1], window[2] : window[3]]


def _size(block: Window) -> tuple[int, int]:
    return block[1] - block[0], block[3] - block[2]


# ---- dask ------------------------------------------------------------------------------------------------------------
class _Graph:
    """Tasks of a plan: weights once for each block, then one task for each block and chunk of bands."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.place = tuple(_lazy(a) for a in plan.place)
        token = tokenize(plan.geometry, plan.target, plan.method, plan.side, *self.place)
        self.name = f"warp-place-{token}"
        self.windows: dict[tuple[int, int], Window] = {}
        self.rows, self.columns = plan.chunks
        self.graph = self._weights()

    def _weights(self) -> HighLevelGraph:
        plan = self.plan
        tasks: dict[Any, Any] = {}
        for i, j in itertools.product(range(len(self.rows)), range(len(self.columns))):
            block = plan.block(i, j)
            window = plan.window(block)
            if window is None:
                continue
            self.windows[i, j] = window
            outer = plan.geometry.reach(window)
            place = [_gather(a, (), outer) for a in self.place]
            tasks[self.name, i, j] = (
                _prepared, plan.geometry, plan.target, plan.method, block, window, place,
            )  # fmt: skip
        return HighLevelGraph.from_collections(self.name, tasks, dependencies=self.place)

    def run(self, jobs: Sequence[Job]) -> list[Any]:
        return [self._array(job._replace(data=_lazy(job.data))) for job in jobs]

    def _array(self, job: Job) -> Any:
        data = job.data
        name = f"warp-{tokenize(self.name, data.name, job.kind, job.least, self.plan.min_valid)}"
        lead = data.chunks[:-2]
        tasks: dict[Any, Any] = {}
        for place in itertools.product(*(range(len(c)) for c in lead), range(len(self.rows)), range(len(self.columns))):
            *before, i, j = place
            shape = (*(c[k] for c, k in zip(lead, before, strict=True)), self.rows[i], self.columns[j])
            window = self.windows.get((i, j))
            fixed = (job.kind, job.least, self.plan.min_valid, shape, job.dtype)
            if window is None:
                tasks[name, *place] = (apply, None, None, *fixed)
            else:
                tasks[name, *place] = (_applied, (self.name, i, j), _gather(data, tuple(before), window), *fixed)
        graph = HighLevelGraph(
            {**self.graph.layers, **data.dask.layers, name: tasks},
            {**self.graph.dependencies, **data.dask.dependencies, name: {self.name, *data.__dask_layers__()}},
        )
        return da.Array(graph, name, (*lead, self.rows, self.columns), dtype=job.dtype)


def _prepared(
    geometry: Geometry, target: Frame, method: Method, block: Window, window: Window, place: list[Any]
) -> Ready:
    return prepare(geometry, target, method, block, window, *(_joined(*a) for a in place))


def _applied(
    ready: Ready, parts: tuple[list[Any], Window], kind: Kind, least: tuple[float, ...], min_valid: float,
    shape: tuple[int, ...], dtype: np.dtype[Any],
) -> Array:  # fmt: skip
    return apply(ready, _joined(*parts), kind, least, min_valid, shape, dtype)


def _lazy(array: Any) -> Any:
    return array if isinstance(array, da.Array) else da.from_array(array, chunks=(*array.shape[:-2], "auto", "auto"))


def _gather(array: Any, before: tuple[int, ...], window: Window) -> list[Any]:
    """Return the chunks that hold a window, and where it lies in them, for :func:`_joined`."""
    (i0, i1, top), (j0, j1, left) = (
        _span(sizes, low, high) for sizes, low, high in zip(array.chunks[-2:], window[::2], window[1::2], strict=True)
    )
    keys = [[(array.name, *before, i, j) for j in range(j0, j1)] for i in range(i0, i1)]
    return [keys, (window[0] - top, window[1] - top, window[2] - left, window[3] - left)]


def _span(sizes: tuple[int, ...], low: int, high: int) -> tuple[int, int, int]:
    """Return first chunk, last + 1, and where the first begins."""
    edges = np.concatenate([[0], np.cumsum(sizes)])
    first = int(np.searchsorted(edges, low, side="right")) - 1
    return first, int(np.searchsorted(edges, high, side="left")), int(edges[first])


def _joined(chunks: list[list[Any]], window: Window) -> Array:
    """Return a window of neighbouring chunks, copying only what lies in it."""
    if len(chunks) == 1 and len(chunks[0]) == 1:
        return _cut(np.asarray(chunks[0][0]), window)
    rows, at = [], 0
    for row in chunks:
        height, parts, left = row[0].shape[-2], [], 0
        for chunk in row:
            inside = (max(window[0] - at, 0), min(window[1] - at, height), max(window[2] - left, 0), window[3] - left)
            parts.append(_cut(np.asarray(chunk), inside))
            left += chunk.shape[-1]
        rows.append(np.concatenate(parts, axis=-1))
        at += height
    return np.concatenate(rows, axis=-2)
