r"""Where the pixels of a scene lie on a grid: footprints of rasters and of swaths, and which of them a block needs.

The footprint of a pixel of a raster has the corners of its cell. That of a pixel of a swath has the midpoints between
the centres of neighbouring pixels of its scan, taken on the ellipsoid's unit normals, which know neither poles nor the
antimeridian; at the edges of a scan they are extrapolated by half a pixel. Scans of whiskbroom sensors (10 lines of
1 km of MODIS and MERSI) overlap towards the sides (the bow-tie), so no footprint reaches across two of them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels import warp
from musyq_lab.standard._warp_frames import GEOGRAPHIC, STEP, TILE, Doubles, Frame, across, exact, lattice

Window = tuple[int, int, int, int]
"""First row, last + 1, first column, last + 1."""

_PAD = 0.05  # of a tile: how far its outline may bulge beyond its nodes


@dataclass(frozen=True, slots=True)
class Tiles:
    """Boxes on the target that parts of a source lie in."""

    windows: NDArray[np.int64]
    """First row, last + 1, first column, last + 1 of each part in the source, shape (n, 4)."""
    boxes: Doubles
    """Lowest and highest row and column of each in the target, shape (n, 4); infinite columns round a pole."""
    period: float
    """Columns round the globe, 0 for none."""

    def window(self, rows: tuple[int, int], columns: tuple[int, int]) -> Window | None:
        """Return the smallest window of the source that holds all parts that may touch a block, None for none."""
        tall, wide = self.boxes[:, 1] - self.boxes[:, 0], self.boxes[:, 3] - self.boxes[:, 2]
        v_pad, u_pad = _PAD * tall + 1.0, np.where(np.isfinite(wide), _PAD * wide, 0.0) + 1.0
        hit = (self.boxes[:, 1] + v_pad > rows[0]) & (self.boxes[:, 0] - v_pad < rows[1])
        low, high = self.boxes[:, 2] - u_pad, self.boxes[:, 3] + u_pad
        if self.period:
            with np.errstate(invalid="ignore"):  # infinite boxes meet every block
                turn = np.ceil((columns[0] - high) / self.period) * self.period
                low, high = low + turn, high + turn
            low, high = np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
        hit &= (high > columns[0]) & (low < columns[1])
        if not hit.any():
            return None
        chosen = self.windows[hit]
        a, b, c, d = chosen[:, 0].min(), chosen[:, 1].max(), chosen[:, 2].min(), chosen[:, 3].max()
        return int(a), int(b), int(c), int(d)

    def placed(self) -> Tiles:
        """Return those that have a place on the target."""
        good = ~np.isnan(self.boxes).any(axis=1)
        return Tiles(self.windows[good], self.boxes[good], self.period)

    @property
    def cells_per_pixel(self) -> float:
        """Typical number of cells of the target that a pixel covers."""
        tall, wide = self.boxes[:, 1] - self.boxes[:, 0], self.boxes[:, 3] - self.boxes[:, 2]
        pixels = (self.windows[:, 1] - self.windows[:, 0]) * (self.windows[:, 3] - self.windows[:, 2])
        ratio = tall * wide / pixels
        return float(np.median(ratio[np.isfinite(ratio)])) if np.isfinite(ratio).any() else 1.0


class Geometry(Protocol):
    """What a block of a target needs to know of a source."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the source."""

    def reach(self, window: Window) -> Window:
        """Return the window of longitude and latitude that the footprints of a window need."""

    def overlap(self, target: Frame, block: Window, window: Window, *place: Doubles) -> warp.Weights:
        """Return the areas that the pixels of a window share with the cells of a block."""

    def points(
        self, target: Frame, block: Window, window: Window, nearest: bool, *place: Doubles
    ) -> tuple[Doubles, Doubles]:
        """Return where the centres of the cells of a block lie among the pixels of the source."""


@dataclass(frozen=True, slots=True)
class Raster:
    """A source on a regular raster."""

    frame: Frame
    """Its cells."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.frame.shape

    def reach(self, window: Window) -> Window:
        """Return the window itself: a raster needs no coordinates of its pixels."""
        return window

    def tiles(self, target: Frame) -> Tiles:
        """Return where the tiles of the source lie on a target."""
        edges = [np.minimum(np.arange(0, -(-n // TILE) * TILE + 1, STEP), n) for n in self.shape]
        table = exact(self.frame, target, *np.meshgrid(*edges, indexing="ij"))
        height, width = (len(e) // 3 for e in edges)
        ends = [slice(k, k + 3 * n, 3) for n in (height, width) for k in range(4)]
        corners = np.stack([table[:, v, u].reshape(2, -1) for v in ends[:4] for u in ends[4:]], axis=1)
        v, u = (e[::3] for e in edges)
        windows = [np.repeat(v[:-1], width), np.repeat(v[1:], width), np.tile(u[:-1], height), np.tile(u[1:], height)]
        return Tiles(np.stack(windows, axis=1), _boxes(corners, target), target.period).placed()

    def overlap(self, target: Frame, block: Window, window: Window, *place: Doubles) -> warp.Weights:
        """Return the areas that the pixels of a window share with the cells of a block."""
        r0, r1, c0, c1 = window
        found = lattice(self.frame, target, 0.0, (r0, r1 + 1), (c0, c1 + 1))
        corner = np.empty((*found.shape[1:], 2))
        for k, first in enumerate((block[0], block[2])):
            np.subtract(found[k], first, out=corner[..., k])
        return warp.overlap(corner[:-1], corner[1:], _size(block), target.period, target.poles - block[0])

    def points(
        self, target: Frame, block: Window, window: Window, nearest: bool, *place: Doubles
    ) -> tuple[Doubles, Doubles]:
        """Return where the centres of the cells of a block lie among the pixels of the source."""
        found = lattice(target, self.frame, 0.5, block[:2], block[2:], origin=0.5)
        return found[0], found[1]


def _boxes(points: Doubles, target: Frame) -> Doubles:
    """Return lowest and highest row and column of points of each tile, NaN where none has a place.

    Parameters
    ----------
    points : ndarray, shape (2, points, tiles)
        Rows and columns on the target.
    target : Frame
        The target.
    """
    seen: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(axis=0))
    v, u = np.where(seen, points, np.nan)
    if period := target.period:
        first = np.take_along_axis(u, np.argmax(seen, axis=0)[None], axis=0)
        u = u - period * np.floor((u - first) / period + 0.5)
    low, high = _range(v, seen)
    left, right = _range(u, seen)
    # The edge of the disk of a geostationary satellite lies somewhere between the nodes.
    tall, wide = (np.where(seen.all(axis=0), 0.0, b - a) for a, b in ((low, high), (left, right)))
    low, high, left, right = low - tall, high + tall, left - wide, right + wide
    if period:
        north, south = sorted(target.poles)
        around = right - left > 0.5 * period
        left, right = np.where(around, -np.inf, left), np.where(around, np.inf, right)
        upper = low < 0.5 * (north + south)
        low, high = np.where(around & upper, north, low), np.where(around & ~upper, south, high)
    return np.stack([low, high, left, right], axis=1)


def _range(a: Doubles, seen: NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
    low, high = np.where(seen, a, np.inf).min(axis=0), np.where(seen, a, -np.inf).max(axis=0)
    nowhere = ~seen.any(axis=0)
    return np.where(nowhere, np.nan, low), np.where(nowhere, np.nan, high)


def _size(block: Window) -> tuple[int, int]:
    return block[1] - block[0], block[3] - block[2]


@dataclass(frozen=True, slots=True)
class Swath:
    """A source with longitude and latitude of each pixel."""

    rows: int
    """Lines."""
    columns: int
    """Pixels of a line."""
    scan: int
    """Lines of a scan; as many as there are where the sensor does not scan across the track."""
    phase: int = 0
    """Lines of the first scan that are not there."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    def reach(self, window: Window) -> Window:
        """Return the window with the neighbours that corners need."""
        r0, r1, c0, c1 = window
        return max(r0 - 2, 0), min(r1 + 2, self.rows), max(c0 - 2, 0), min(c1 + 2, self.columns)

    def strips(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return chunk sizes of rows (whole scans where that is possible) and columns for the index of tiles."""
        lines = self.scan * -(-TILE // self.scan) if self.scan < self.rows else TILE
        first = (lines - self.phase) if self.scan < self.rows else lines
        return _cut(self.rows, first, lines), _cut(self.columns, 2 * TILE, 2 * TILE)

    def overlap(self, target: Frame, block: Window, window: Window, *place: Doubles) -> warp.Weights:
        """Return the areas that the pixels of a window share with the cells of a block."""
        top, bottom = (_on_block(c, target, block) for c in self._corners(window, *place))
        return warp.overlap(top, bottom, _size(block), target.period, target.poles - block[0])

    def points(
        self, target: Frame, block: Window, window: Window, nearest: bool, *place: Doubles
    ) -> tuple[Doubles, Doubles]:
        """Return where the centres of the cells of a block lie among the pixels of the source."""
        inside = _inside(window, self.reach(window))
        centre = _on_block(np.stack([c[inside] for c in place], -1), target, block)
        if nearest:
            top, bottom = (_on_block(c, target, block) for c in self._corners(window, *place))
            scale = _scale(target, block)
            row, column = warp.nearest_pixel(centre, top, bottom, _size(block), scale, target.period)
            return row + window[0], column + window[2]
        order = np.argsort(self._starts(window)[1:], kind="stable")  # strips between scans come last
        rows = order.astype(float)
        row, column = warp.mesh(centre[:-1][order], centre[1:][order], rows, _size(block), target.period)
        return row + window[0], column + window[2]

    def _starts(self, window: Window) -> NDArray[np.bool_]:
        """Tell which rows of a window begin a scan."""
        starts: NDArray[np.bool_] = (np.arange(window[0], window[1]) + self.phase) % self.scan == 0
        return starts

    def _corners(self, window: Window, longitude: Doubles, latitude: Doubles) -> tuple[Doubles, Doubles]:
        """Return longitude and latitude of the upper and lower corners of the pixels, shape (rows, columns + 1, 2)."""
        outer = self.reach(window)
        normal = _normals(longitude, latitude)
        middle = np.empty((normal.shape[0], normal.shape[1] + 1, 3))
        middle[:, 1:-1] = 0.5 * (normal[:, 1:] + normal[:, :-1])
        middle[:, 0], middle[:, -1] = 1.5 * normal[:, 0] - 0.5 * normal[:, 1], 1.5 * normal[:, -1] - 0.5 * normal[:, -2]
        first = self._starts(outer)
        first[0] = True
        last = np.append(first[1:], True)
        above, below = np.roll(middle, 1, axis=0), np.roll(middle, -1, axis=0)
        beyond = last & first  # a line whose neighbours are not there
        top = np.where(first[:, None, None], 1.5 * middle - 0.5 * below, 0.5 * (middle + above))
        bottom = np.where(last[:, None, None], 1.5 * middle - 0.5 * above, 0.5 * (middle + below))
        top[beyond] = bottom[beyond] = np.nan
        rows, columns = _inside(window, outer)
        chosen = rows, slice(columns.start, columns.stop + 1)
        return _geographic(top[chosen]), _geographic(bottom[chosen])


def _cut(size: int, first: int, step: int) -> tuple[int, ...]:
    """Cut a side into a first part and equal ones; a short rest, which knows no step of its own, goes to the last."""
    edges = [0, *range(min(first, size), size - step // 2, step), size]
    return tuple(b - a for a, b in itertools.pairwise(edges) if b > a)


def _inside(window: Window, outer: Window) -> tuple[slice, slice]:
    return (
        slice(window[0] - outer[0], window[1] - outer[0]),
        slice(window[2] - outer[2], window[3] - outer[2]),
    )


def _normals(longitude: Any, latitude: Any) -> Doubles:
    """Return the unit normals of the ellipsoid, shape (..., 3)."""
    lon, lat = np.radians(np.asarray(longitude, float)), np.radians(np.asarray(latitude, float))
    level = np.cos(lat)
    return np.stack([level * np.cos(lon), level * np.sin(lon), np.sin(lat)], axis=-1)


def _geographic(normal: Doubles) -> Doubles:
    """Return longitude and latitude (degree) of directions of any length, shape (..., 2)."""
    x, y, z = normal[..., 0], normal[..., 1], normal[..., 2]
    place: Doubles = np.degrees(np.stack([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))], axis=-1))
    return place


def _on_block(place: Doubles, target: Frame, block: Window) -> Doubles:
    """Return longitude and latitude as rows and columns of a block."""
    v, u = target.index(*across(GEOGRAPHIC, target, place[..., 0], place[..., 1]))
    return np.stack([v - block[0], u - block[2]], axis=-1)


def _scale(target: Frame, block: Window) -> Doubles:
    """Return the length of a column beside that of a row along a block."""
    ratio = np.full(block[1] - block[0], abs(target.dx / target.dy))
    if target.geographic:
        _, latitude = target.place(np.arange(block[0], block[1]) + 0.5, 0.0)
        ratio = ratio * np.cos(np.radians(latitude))
    return ratio


def swath_box(longitude: Any, latitude: Any, target: Frame) -> Doubles:
    """Return the box of a part of a swath on a target (see :class:`Tiles`), NaN where it has no place.

    The outermost pixels and every eighth within are looked at; the box is wider by half a pixel.
    """
    rows, columns = (np.arange(n) for n in longitude.shape)
    inner = (rows[:, None] % 8 == 0) & (columns % 8 == 0)
    inner[[0, 1, -2, -1], :] = inner[:, [0, 1, -2, -1]] = True
    lon, lat = np.asarray(longitude, float), np.asarray(latitude, float)
    v, u = np.full(inner.shape, np.nan), np.full(inner.shape, np.nan)
    v[inner], u[inner] = target.index(*across(GEOGRAPHIC, target, lon[inner], lat[inner]))
    box: Doubles = _boxes(np.stack([v[inner], u[inner]])[:, :, None], target)[0]
    tall, wide = (0.5 * _steps(a, target.period * k) for k, a in enumerate((v, u)))
    wider: Doubles = box + np.array([-tall, tall, -wide, wide])
    return wider


def _steps(a: Doubles, period: float) -> float:
    """Return the largest steps down and to the right along the edges, the short way round the globe, together."""
    total = 0.0
    for axis in (0, 1):
        steps = np.diff(a, axis=axis)
        if period:
            steps = steps - period * np.floor(steps / period + 0.5)
        total += float(np.nanmax(np.abs(steps), initial=0.0)) if np.isfinite(steps).any() else 0.0
    return total
