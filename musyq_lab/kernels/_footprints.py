r"""Overlap of quadrilateral footprints with the cells of a grid, and which pixel of a mesh holds a point.

Everything is in grid units: :math:`v` counts rows and :math:`u` columns from the outer edge of the first cell, so that
cell (r, c) is the square :math:`r \le v < r+1,\ c \le u < c+1`. The area that a polygon shares with a cell follows
from Green's theorem, :math:`A = \oint u\,dv`, taken piece by piece where its edges cross the lines of the grid: exact,
also for footprints that are not convex, and in proportion to the length of the outline.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musyq_lab.kernels._compile import jit_disabled
from musyq_lab.kernels._inline import Inline, inline

Array = npt.NDArray[Any]
Doubles = npt.NDArray[np.float64]

_SLIVER = 1e-10  # of a pixel or cell: overlaps below are rounding of edges that only touch
_EDGE = 1e-9  # a point on the common side of two meshes belongs to both, so that none falls between
_GAP = 0.6  # of a pixel from its centre that still counts as seen: lines of neighbouring scans barely meet


class Weights(NamedTuple):
    """Sparse weights of a block of cells: those of cell c are ``share[start[c]:start[c + 1]]``."""

    start: npt.NDArray[np.int64]
    """First entry of each cell, and the end, shape (cells + 1,)."""
    pixel: npt.NDArray[np.int32]
    """Pixels in the window of the source, row by row."""
    share: Doubles
    """Area that cell and pixel share, in cells (or the weight of an interpolation)."""


def native(function: Inline) -> Callable[..., Any]:
    """Return the compiled form of a loop, or the loop itself with ``MUSYQ_DISABLE_JIT``."""
    return function if jit_disabled() else function.called


def plain_floats(array: Array) -> Array:
    """Return an array of the one layout that the loops are compiled for."""
    kind = array.dtype if array.dtype in (np.float32, np.float64) else np.dtype(np.float64)
    return np.require(array, kind.newbyteorder("="), ["C", "W", "A"])


@inline
def add_piece(cover: Any, start: int, width: int, left: float, right: float, height: float) -> None:
    """Add a piece of an edge within one row of cells: what lies to its right, as differences along the row."""
    first, last = math.floor(left), math.ceil(right) - 1
    if last <= first:
        column = min(max(first, 0), width)
        inside = min(max(0.5 * (left + right), 0.0), float(width)) - column
        cover[start + column] += height * (1.0 - inside)
        cover[start + column + 1] += height * inside
        return
    rate = height / (right - left)
    if first < 0:
        cover[start] += rate * (min(right, 0.0) - left)
        first = 0
    for column in range(first, min(last, width - 1) + 1):
        low, high = max(left, float(column)), min(right, column + 1.0)
        part = rate * (high - low)
        inside = 0.5 * (low + high) - column
        cover[start + column] += part * (1.0 - inside)
        cover[start + column + 1] += part * inside


@inline
def add_edge(cover: Any, height: int, width: int, va: float, ua: float, vb: float, ub: float) -> None:
    """Add one edge of a polygon to the differences of all rows of a box of cells."""
    if va == vb:
        return
    sign = 1.0
    if va > vb:
        va, ua, vb, ub = vb, ub, va, ua
        sign = -1.0
    first = math.floor(va)
    if vb <= first + 1.0:
        if 0 <= first < height:
            add_piece(cover, first * (width + 2), width, min(ua, ub), max(ua, ub), sign * (vb - va))
        return
    slope = (ub - ua) / (vb - va)
    low, high = min(ua, ub), max(ua, ub)
    for row in range(max(first, 0), min(math.ceil(vb), height)):
        top, bottom = max(va, float(row)), min(vb, row + 1.0)
        a = min(max(ua + (top - va) * slope, low), high)
        b = min(max(ua + (bottom - va) * slope, low), high)
        add_piece(cover, row * (width + 2), width, min(a, b), max(a, b), sign * (bottom - top))


@inline
def near(u: float, anchor: float, period: float) -> float:
    """Return a column on the same side of the seam as another, on a grid that goes round the globe."""
    if period > 0.0 and abs(u - anchor) > 0.5 * period:
        u -= period * math.floor((u - anchor) / period + 0.5)
    return u


@inline
def outline(top: Any, bottom: Any, i: int, j: int, period: float, pole: Any, v: Any, u: Any) -> int:
    """Read the corners of a footprint in order, closed at the end; return how many it has.

    Along a footprint that holds a pole, longitude goes once round. It is opened at its first corner and led along the
    edge of the grid.
    """
    v[0], u[0] = top[i, j, 0], top[i, j, 1]
    v[1], u[1] = top[i, j + 1, 0], near(top[i, j + 1, 1], u[0], period)
    v[2], u[2] = bottom[i, j + 1, 0], near(bottom[i, j + 1, 1], u[1], period)
    v[3], u[3] = bottom[i, j, 0], near(bottom[i, j, 1], u[2], period)
    v[4], u[4] = v[0], near(u[0], u[3], period)
    if u[4] == u[0]:
        return 4
    v[5] = pole[0] if abs(v[0] - pole[0]) < abs(v[0] - pole[1]) else pole[1]
    v[6], v[7] = v[5], v[0]
    u[5], u[6], u[7] = u[4], u[0], u[0]
    return 7


@inline
def extent(v: Any, u: Any, corners: int, bounds: Any) -> Any:
    """Write lowest and highest row and column of an outline; return its signed area (NaN where a corner is)."""
    bounds[0], bounds[1] = min(v[0], v[1], v[2], v[3]), max(v[0], v[1], v[2], v[3])
    bounds[2], bounds[3] = min(u[0], u[1], u[2], u[3]), max(u[0], u[1], u[2], u[3])
    if corners == 4:
        return 0.5 * ((u[3] - u[1]) * (v[2] - v[0]) - (u[2] - u[0]) * (v[3] - v[1]))
    area = 0.0
    for k in range(corners):
        area += (u[k + 1] - u[0]) * (v[k] - v[0]) - (u[k] - u[0]) * (v[k + 1] - v[0])
        bounds[0], bounds[1] = min(bounds[0], v[k]), max(bounds[1], v[k])
        bounds[2], bounds[3] = min(bounds[2], u[k]), max(bounds[3], u[k])
    return 0.5 * area


@inline
def away(top: Any, bottom: Any, i: int, j: int, rows: int, columns: int, period: float) -> Any:
    """Tell quickly that a footprint does not touch the block; footprints at the seam of the globe are not told."""
    a, b, c, d = top[i, j, 0], top[i, j + 1, 0], bottom[i, j + 1, 0], bottom[i, j, 0]
    if max(a, b, c, d) <= 0.0 or min(a, b, c, d) >= rows:
        return True
    a, b, c, d = top[i, j, 1], top[i, j + 1, 1], bottom[i, j + 1, 1], bottom[i, j, 1]
    low, high = min(a, b, c, d), max(a, b, c, d)
    if period > 0.0 and not (high - low < 0.25 * period and high < period and low > columns - period):
        return False
    return high <= 0.0 or low >= columns


@inline
def overlaps(
    top: Any, bottom: Any, rows: int, columns: int, period: float, pole: Any, cell: Any, pixel: Any, weight: Any,
    count: Any,
) -> Any:  # fmt: skip
    """List the cells that each footprint covers and the area of overlap; return how many, -1 if the lists are full.

    Corners of pixel (i, j) are top[i, j], top[i, j + 1], bottom[i, j + 1], bottom[i, j]: (v, u) on the block's cells;
    count[cell] counts what was listed.
    """
    v, u, bounds = np.empty(8), np.empty(8), np.empty(4)
    cover = np.zeros((rows + 1) * (columns + 2))
    width = top.shape[1] - 1
    n = 0
    for i in range(top.shape[0]):
        for j in range(width):
            if away(top, bottom, i, j, rows, columns, period):
                continue
            corners = outline(top, bottom, i, j, period, pole, v, u)
            area = extent(v, u, corners, bounds)
            if not 0.0 < abs(area) < math.inf or bounds[1] <= 0.0 or bounds[0] >= rows:
                continue
            first, last = turns(bounds, period, columns)
            for turn in range(first, last):
                n = overlap(
                    cover, v, u, corners, area, bounds, turn * period, rows, columns, i * width + j, n, cell, pixel,
                    weight, count,
                )  # fmt: skip
                if n < 0:
                    return n
    return n


@inline
def overlap(
    cover: Any, v: Any, u: Any, corners: int, area: float, bounds: Any, shift: float, rows: int, columns: int,
    source: int, n: int, cell: Any, pixel: Any, weight: Any, count: Any,
) -> Any:  # fmt: skip
    """Add the overlaps of one outline, moved by some columns, with the cells of a block to the lists."""
    r0, r1 = max(math.floor(bounds[0]), 0), min(math.ceil(bounds[1]), rows)
    c0, c1 = max(math.floor(bounds[2] + shift), 0), min(math.ceil(bounds[3] + shift), columns)
    height, width = r1 - r0, c1 - c0
    if height <= 0 or width <= 0:
        return n
    if n + height * width > weight.size:
        return -1
    if (
        height * width == 1
        and bounds[0] >= r0
        and bounds[1] <= r1
        and bounds[2] + shift >= c0
        and bounds[3] + shift <= c1
    ):
        cell[n], pixel[n], weight[n] = r0 * columns + c0, source, abs(area)
        count[r0 * columns + c0] += 1
        return n + 1
    for k in range(corners):
        add_edge(cover, height, width, v[k] - r0, u[k] + shift - c0, v[k + 1] - r0, u[k + 1] + shift - c0)
    least = _SLIVER * min(1.0, abs(area))
    sign = 1.0 if area > 0.0 else -1.0
    for row in range(height):
        total = 0.0
        for column in range(width):
            place = row * (width + 2) + column
            total += cover[place]
            cover[place] = 0.0
            if total * sign > least:
                target = (r0 + row) * columns + c0 + column
                cell[n], pixel[n], weight[n] = target, source, total * sign
                count[target] += 1
                n += 1
        cover[row * (width + 2) + width] = cover[row * (width + 2) + width + 1] = 0.0
    return n


@inline
def by_cell(cell: Any, pixel: Any, weight: Any, n: int, start: Any, where: Any, share: Any) -> None:
    """Sort the list by cell, pixels in order within each; start[cell] is where its pixels begin."""
    place = start[:-1].copy()
    for k in range(n):
        at = place[cell[k]]
        where[at], share[at] = pixel[k], weight[k]
        place[cell[k]] = at + 1


@inline
def solve(v: Any, u: Any, y: float, x: float, found: Any) -> bool:
    """Find where in a cell of a mesh a point lies: found = (down, right), 0 to 1; False where it is outside.

    Newton's method on the bilinear map of the four corners, from the middle; quadratic, and exact after one step for
    a parallelogram.
    """
    s, t = 0.5, 0.5
    for _ in range(8):
        top_v, top_u = v[0] + t * (v[1] - v[0]), u[0] + t * (u[1] - u[0])
        low_v, low_u = v[3] + t * (v[2] - v[3]), u[3] + t * (u[2] - u[3])
        vs, us = low_v - top_v, low_u - top_u
        vt, ut = (1.0 - s) * (v[1] - v[0]) + s * (v[2] - v[3]), (1.0 - s) * (u[1] - u[0]) + s * (u[2] - u[3])
        dv, du = y - top_v - s * vs, x - top_u - s * us
        determinant = vs * ut - us * vt
        step_s, step_t = (dv * ut - du * vt) / determinant, (vs * du - us * dv) / determinant
        s, t = s + step_s, t + step_t
        if not abs(s - 0.5) + abs(t - 0.5) < 4.0:
            return False
        if abs(step_s) + abs(step_t) < 1e-13:
            break
    found[0], found[1] = min(max(s, 0.0), 1.0), min(max(t, 0.0), 1.0)
    return -_EDGE <= s <= 1.0 + _EDGE and -_EDGE <= t <= 1.0 + _EDGE


@inline
def turns(bounds: Any, period: float, columns: int) -> Any:
    """Return how often round the globe an outline must move to meet the block: first, last + 1."""
    if period <= 0.0:
        return 0, 1
    return math.ceil(-bounds[3] / period), math.floor((columns - bounds[2]) / period) + 1


@inline
def locate(
    top: Any, bottom: Any, places: Any, rows: int, columns: int, period: float, row: Any, column: Any
) -> None:  # fmt: skip
    """Find the centres of cells in a mesh of pixel centres: row and column (NaN where none holds them), in pixels.

    Cell (i, j) of the mesh has the corners top[i, j], top[i, j + 1], bottom[i, j + 1], bottom[i, j], and top[i] is row
    places[i] of the pixels. Where cells of the mesh overlap, the first holds the point.
    """
    v, u, bounds, found, pole = np.empty(8), np.empty(8), np.empty(4), np.empty(2), np.zeros(2)
    for i in range(top.shape[0]):
        for j in range(top.shape[1] - 1):
            corners = outline(top, bottom, i, j, period, pole, v, u)
            area = extent(v, u, corners, bounds)
            if corners > 4 or not 0.0 < abs(area) < math.inf or bounds[1] < 0.0 or bounds[0] > rows:
                continue
            first, last = turns(bounds, period, columns)
            for turn in range(first, last):
                hold(v, u, bounds, turn * period, rows, columns, places[i], float(j), found, row, column)


@inline
def hold(
    v: Any, u: Any, bounds: Any, shift: float, rows: int, columns: int, i: float, j: float, found: Any, row: Any,
    column: Any,
) -> None:  # fmt: skip
    """Place the centres that one cell of a mesh holds and no earlier one did."""
    r0, r1 = max(math.ceil(bounds[0] - 0.5 - _EDGE), 0), min(math.floor(bounds[1] + 0.5), rows)
    c0 = max(math.ceil(bounds[2] + shift - 0.5 - _EDGE), 0)
    c1 = min(math.floor(bounds[3] + shift + 0.5 + _EDGE), columns)
    for r in range(r0, r1):
        for c in range(c0, c1):
            if math.isnan(row[r, c]) and solve(v, u, r + 0.5, c + 0.5 - shift, found):
                row[r, c], column[r, c] = i + found[0], j + found[1]


@inline
def claim(
    centre: Any, top: Any, bottom: Any, rows: int, columns: int, period: float, scale: Any, best: Any, row: Any,
    column: Any,
) -> None:  # fmt: skip
    """Find the pixel whose centre is nearest to that of each cell, among pixels that see it (NaN where none does).

    scale[r] is the length of a column beside that of a row there; best holds the square of the distance, inf at first.
    Of pixels as near as one another the first counts.
    """
    v, u, axes, pole = np.empty(8), np.empty(8), np.empty(7), np.zeros(2)
    bounds = np.empty(4)
    for i in range(centre.shape[0]):
        for j in range(centre.shape[1]):
            corners = outline(top, bottom, i, j, period, pole, v, u)
            axes[0], axes[1] = centre[i, j, 0], near(centre[i, j, 1], u[0], period)
            axes[2], axes[3] = 0.5 * (v[2] + v[3] - v[0] - v[1]), 0.5 * (u[2] + u[3] - u[0] - u[1])
            axes[4], axes[5] = 0.5 * (v[1] + v[2] - v[0] - v[3]), 0.5 * (u[1] + u[2] - u[0] - u[3])
            axes[6] = axes[2] * axes[5] - axes[3] * axes[4]
            tall, wide = abs(axes[2]) + abs(axes[4]), abs(axes[3]) + abs(axes[5])
            bounds[0], bounds[1], bounds[2], bounds[3] = axes[0] - tall, axes[0] + tall, axes[1] - wide, axes[1] + wide
            if corners > 4 or not abs(axes[6]) > 0.0 or not (bounds[1] > 0.0 and bounds[0] < rows):
                continue
            first, last = turns(bounds, period, columns)
            for turn in range(first, last):
                reach(axes, bounds, turn * period, rows, columns, float(i), float(j), scale, best, row, column)


@inline
def reach(
    axes: Any, bounds: Any, shift: float, rows: int, columns: int, i: float, j: float, scale: Any, best: Any, row: Any,
    column: Any,
) -> None:  # fmt: skip
    """Give a pixel the centres of cells that are nearer to it than to those before."""
    for r in range(max(math.floor(bounds[0]), 0), min(math.ceil(bounds[1]), rows)):
        for c in range(max(math.floor(bounds[2] + shift), 0), min(math.ceil(bounds[3] + shift), columns)):
            dy, dx = r + 0.5 - axes[0], c + 0.5 - shift - axes[1]
            a, b = abs(dy * axes[5] - dx * axes[4]), abs(axes[2] * dx - axes[3] * dy)
            distance = dy * dy + (dx * scale[r]) ** 2
            if max(a, b) <= abs(axes[6]) and distance < best[r, c]:
                best[r, c] = distance
                row[r, c], column[r, c] = i if max(a, b) <= _GAP * abs(axes[6]) else math.nan, j
