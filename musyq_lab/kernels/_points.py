"""Values between the pixels of a scene: bilinear, nearest, and cubic polynomials for maps that are smooth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from musyq_lab.kernels._footprints import Array, Doubles, Weights, native, plain_floats
from musyq_lab.kernels._inline import inline, select

ENOUGH = 1e-6
"""A share that lacks less than this of what is asked for has it, whatever the rounding of its sum."""
_HALF = 0.5 - 1e-9  # a point half-way between two pixels is the first one's, whatever its rounding


@inline
def _places(row: Any, column: Any, height: int, width: int, start: Any, pixel: Any, share: Any) -> None:
    n = 0
    for k in range(row.size):
        y, x = row[k], column[k]
        if -0.5 <= y <= height - 0.5 and -0.5 <= x <= width - 0.5:
            y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
            i, j = int(y), int(x)
            for di in range(2):
                for dj in range(2):
                    part = (y - i if di else 1.0 - (y - i)) * (x - j if dj else 1.0 - (x - j))
                    if part > 1e-9:
                        pixel[n], share[n] = (i + di) * width + j + dj, part
                        n += 1
        start[k + 1] = n


def places(row: Doubles, column: Doubles, shape: tuple[int, int]) -> Weights:
    """Return the weights of bilinear interpolation at fractional rows and columns of an array of a shape."""
    start = np.zeros(row.size + 1, np.int64)
    pixel, share = np.empty(4 * row.size, np.int32), np.empty(4 * row.size)
    native(_places)(row.ravel(), column.ravel(), *shape, start, pixel, share)
    return Weights(start, pixel[: start[-1]], share[: start[-1]])


@inline
def _between(
    values: Any, row: Any, column: Any, top: int, left: int, height: int, width: int, out: Any, down: int, right: int,
    least: float,
) -> None:  # fmt: skip
    stride, one, origin = np.uint64(values.shape[1]), np.uint64(1), top * values.shape[1] + left
    flat = values.reshape(-1)
    last_y, last_x = top + values.shape[0] - 1.0, left + values.shape[1] - 1.0
    for r in range(row.shape[0]):
        for c in range(row.shape[1]):
            y, x = row[r, c], column[r, c]
            value = math.nan
            if (y >= top) & (y < last_y) & (x >= left) & (x < last_x):
                i, j = int(y), int(x)
                s, t = y - i, x - j
                at = np.uint64(i * values.shape[1] + j - origin)
                a, b = float(flat[at]), float(flat[at + one])
                at = at + stride
                p, q = float(flat[at]), float(flat[at + one])
                upper, lower = a + t * (b - a), p + t * (q - p)
                value = upper + s * (lower - upper)
            out[down + r, right + c] = value
    # What is not finite then has a gap beside it, or lies in the outermost pixels.
    for r in range(row.shape[0]):
        for c in range(row.shape[1]):
            if not abs(out[down + r, right + c]) < math.inf:
                out[down + r, right + c] = _slowly(values, row[r, c], column[r, c], top, left, height, width, least)


@inline
def _slowly(values: Any, y: float, x: float, top: int, left: int, height: int, width: int, least: float) -> Any:
    """Interpolate at one point in the outermost pixels, or beyond."""
    if not (-0.5 <= y <= height - 0.5 and -0.5 <= x <= width - 0.5):
        return math.nan
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    i, j = int(y), int(x)
    below, right = min(i + 1, height - 1) - top, min(j + 1, width - 1) - left
    if i < top or j < left or below >= values.shape[0] or right >= values.shape[1]:
        return math.nan
    a, b = float(values[i - top, j - left]), float(values[i - top, right])
    p, q = float(values[below, j - left]), float(values[below, right])
    return _partial(a, b, p, q, y - i, x - j, least)


@inline
def _partial(a: float, b: float, p: float, q: float, s: float, t: float, least: float) -> float:
    """Interpolate between those of four numbers that are valid."""
    wa = (1.0 - s) * (1.0 - t) if abs(a) < math.inf else 0.0
    wb = (1.0 - s) * t if abs(b) < math.inf else 0.0
    wp = s * (1.0 - t) if abs(p) < math.inf else 0.0
    wq = s * t if abs(q) < math.inf else 0.0
    whole = wa + wb + wp + wq
    if whole < 1e-9 or whole < least:
        return math.nan
    total = 0.0
    total += wa * a if wa > 0.0 else 0.0
    total += wb * b if wb > 0.0 else 0.0
    total += wp * p if wp > 0.0 else 0.0
    total += wq * q if wq > 0.0 else 0.0
    return total / whole


def between(
    values: Array, row: Doubles, column: Doubles, *, origin: tuple[int, int] = (0, 0),
    size: tuple[int, int] | None = None, min_valid: float = 0.0, out: Array | None = None, at: tuple[int, int] = (0, 0),
) -> Array:  # fmt: skip
    """Interpolate bilinearly between pixel centres; half a pixel beyond the outer centres the outer pixels hold.

    Parameters
    ----------
    values : ndarray, shape (bands, rows, columns)
        A window of the source; what is not finite drops out. It must hold the pixels around each point: beyond it
        there is nothing.
    row, column : ndarray, shape (n, m)
        Where, in pixels of the source, 0 at the centre of its first pixel; NaN for nowhere.
    origin, size : tuple of int
        First row and column of the window, and the size of the source (the window's by default).
    min_valid : float
        Weight that valid pixels must have, else NaN.
    out, at : ndarray and tuple of int, optional
        A contiguous array (bands, ...) in the type of the values to write to, and the row and column to begin at.
    """
    plain = plain_floats(values)
    height, width = size or plain.shape[1:]
    out = np.empty((plain.shape[0], *row.shape), plain.dtype) if out is None else out
    for layer, made in zip(plain, out, strict=True):
        native(_between)(layer, row, column, *origin, height, width, made, *at, min_valid - ENOUGH)
    return out


@inline
def _pick(
    values: Any, row: Any, column: Any, top: int, left: int, missing: Any, out: Any, down: int, right: int
) -> None:  # fmt: skip
    stride = values.shape[2]
    # The last row and column of the window; where it is not at the edge of the source, half of the next is not its own.
    last_y, last_x = top + values.shape[1] - 1.0, left + values.shape[2] - 1.0
    low_y, high_y = (-0.5 if top == 0 else top - _HALF), last_y + 0.5
    low_x, high_x = (-0.5 if left == 0 else left - _HALF), last_x + 0.5
    for band in range(values.shape[0]):
        flat = values[band].reshape(-1)
        for r in range(row.shape[0]):
            y_of, x_of, line = row[r], column[r], out[band, down + r, right : right + row.shape[1]]
            for c in range(y_of.size):
                y, x = y_of[c], x_of[c]
                seen = (y >= low_y) & (y <= high_y) & (x >= low_x) & (x <= high_x)
                i = int(select(seen, max(min(y + _HALF, last_y), 1.0 * top), 1.0 * top))
                j = int(select(seen, max(min(x + _HALF, last_x), 1.0 * left), 1.0 * left))
                line[c] = select(seen, flat[np.uint64((i - top) * stride + j - left)], missing[0])


def pick(
    values: Array, row: Doubles, column: Doubles, *, origin: tuple[int, int] = (0, 0), missing: float = math.nan,
    out: Array | None = None, at: tuple[int, int] = (0, 0),
) -> Array:  # fmt: skip
    """Return the nearest pixel, or ``missing`` where none of the window is; parameters as for :func:`between`.

    Values may be of any type and are copied as they are, infinite ones too.
    """
    plain = np.require(values, None, ["C", "W"])
    out = np.empty((plain.shape[0], *row.shape), plain.dtype) if out is None else out
    native(_pick)(plain, row, column, *origin, np.array([missing], plain.dtype), out, *at)
    return out


@inline
def _cubic(nodes: Any, step: int, first_row: int, first_column: int, out: Any) -> None:
    tile, columns = 3 * step, out.shape[2]
    places = np.arange(tile) / step
    for k in range(out.shape[0]):
        for r in range(out.shape[1]):
            i, y = (first_row + r) // tile, ((first_row + r) % tile) / step
            w0 = (1.0 - y) * (2.0 - y) * (3.0 - y) / 6.0
            w1 = y * (2.0 - y) * (3.0 - y) / 2.0
            w2 = y * (y - 1.0) * (3.0 - y) / 2.0
            w3 = y * (y - 1.0) * (y - 2.0) / 6.0
            for j in range(first_column // tile, (first_column + columns - 1) // tile + 1):
                a, b = 3 * i, 3 * j
                q0 = w0 * nodes[k, a, b] + w1 * nodes[k, a + 1, b] + w2 * nodes[k, a + 2, b] + w3 * nodes[k, a + 3, b]
                b += 1
                q1 = w0 * nodes[k, a, b] + w1 * nodes[k, a + 1, b] + w2 * nodes[k, a + 2, b] + w3 * nodes[k, a + 3, b]
                b += 1
                q2 = w0 * nodes[k, a, b] + w1 * nodes[k, a + 1, b] + w2 * nodes[k, a + 2, b] + w3 * nodes[k, a + 3, b]
                b += 1
                q3 = w0 * nodes[k, a, b] + w1 * nodes[k, a + 1, b] + w2 * nodes[k, a + 2, b] + w3 * nodes[k, a + 3, b]
                d1, d2, d3 = q1 - q0, q2 - 2.0 * q1 + q0, q3 - 3.0 * (q2 - q1) - q0
                c1, c2, c3 = d1 - d2 / 2.0 + d3 / 3.0, (d2 - d3) / 2.0, d3 / 6.0
                low, high = max(j * tile - first_column, 0), min((j + 1) * tile - first_column, columns)
                offset = j * tile - first_column
                line, along = out[k, r, low:high], places[low - offset : high - offset]
                for c in range(line.size):
                    x = along[c]
                    line[c] = q0 + x * (c1 + x * (c2 + x * c3))


def cubic(nodes: Doubles, step: int, first: tuple[int, int], shape: tuple[int, int]) -> Doubles:
    """Interpolate tabulated functions at whole numbers, by cubic polynomials through 4 x 4 nodes in each tile.

    Parameters
    ----------
    nodes : ndarray, shape (functions, 3 n + 1, 3 m + 1)
        Values at every ``step``-th point; a tile is three steps.
    step : int
        Points from node to node.
    first, shape : tuple of int
        First row and column wanted, counted from the first node, and how many.
    """
    out = np.empty((nodes.shape[0], *shape))
    native(_cubic)(nodes, step, *first, out)
    return out
