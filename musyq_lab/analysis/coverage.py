r"""Exact coverage of grid cells by polygons, by line integrals along the outlines.

In the cylindrical equal-area plane (longitude x, authalic measure y) plane area is area on the WGS 84 ellipsoid. The
area of a polygon in a cell with edges :math:`x_k, x_{k+1}` is, by Green's theorem,

.. math:: A = \oint (\min(\max(x, x_k), x_{k+1}) - x_k)\,dy

over the parts of the outline in the cell's row. Each edge is cut at the lines of the grid; a piece in column i adds
:math:`(\bar x - x_i)\Delta y` to its own cell and the full width times :math:`\Delta y` to every cell west of it, which
one running sum along the row does. No polygon is ever clipped, so nothing can go wrong at touching rings.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.standard.cells import authalic_measure

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_SEGMENT = 0.5  # degrees: longer edges get vertices, so that they stay straight in longitude and latitude
_NOTHING = 1e-9  # shares below this are rounding


def polygon_coverage(geometry: Any, x: Floats, y: Floats) -> tuple[Integers, Integers, Floats]:
    """Return the cells a polygon touches and which share of each it covers.

    Parameters
    ----------
    geometry : shapely geometry
        Polygon or multipolygon, longitude and latitude in degrees; it may lie 360 degrees off the grid.
    x : ndarray, shape (columns + 1,)
        Longitudes of the grid lines, ascending.
    y : ndarray, shape (rows + 1,)
        Authalic measures of the grid lines, ascending.

    Returns
    -------
    row, column, share : ndarray
        Counted upward and eastward; share of the cell's area, 0 to 1.
    """
    import shapely

    rings, owner = shapely.get_rings(shapely.get_parts(shapely.segmentize(geometry, _SEGMENT)), return_index=True)
    outer = np.diff(owner, prepend=-1) != 0  # the first ring of each polygon is its outline, the others are holes
    points, ring = shapely.get_coordinates(rings, return_index=True)
    points[:, 1] = authalic_measure(points[:, 1])
    start, stop, sign = _edges(points, ring, outer)
    parts = []
    for shift in (-360.0, 0.0, 360.0):
        first, second = start + np.array([shift, 0.0]), stop + np.array([shift, 0.0])
        if first[:, 0].max(initial=-np.inf) <= x[0] or first[:, 0].min(initial=np.inf) >= x[-1]:
            continue
        pieces, weight = _pieces(first, second, sign, x, y)
        window = _accumulate(pieces, weight, x, y)
        if window is not None:
            parts.append(_cells(*window))
    row, column, share = (np.concatenate([p[i] for p in parts] or [np.empty(0)]) for i in range(3))
    return row.astype(np.int64), column.astype(np.int64), np.minimum(share, 1.0)


def _edges(points: Floats, ring: Integers, outer: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Return start, end and sign of each edge; the signs make outlines count up and holes down."""
    same = ring[1:] == ring[:-1]
    start, stop, number = points[:-1][same], points[1:][same], ring[:-1][same]
    doubled = np.bincount(number, start[:, 0] * stop[:, 1] - stop[:, 0] * start[:, 1], minlength=outer.size)
    sign = np.where(outer, 1.0, -1.0) * np.sign(doubled)
    return start, stop, sign[number]


def _pieces(start: Floats, stop: Floats, sign: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Cut the edges at all grid lines; return the pieces (x0, y0, x1, y1) and their signs."""
    edge = [np.arange(len(start)), np.arange(len(start))]
    place = [np.zeros(len(start)), np.ones(len(start))]
    for axis, lines in ((0, x), (1, y)):
        low, high = np.minimum(start[:, axis], stop[:, axis]), np.maximum(start[:, axis], stop[:, axis])
        first = np.searchsorted(lines, low, side="right")
        count = np.maximum(np.searchsorted(lines, high, side="left") - first, 0)
        number = np.repeat(np.arange(len(start)), count)
        line = lines[np.repeat(first, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)]
        edge.append(number)
        place.append((line - start[number, axis]) / (stop[number, axis] - start[number, axis]))
    number, t = np.concatenate(edge), np.concatenate(place)
    order = np.lexsort((t, number))
    number, t = number[order], t[order]
    points = start[number] + t[:, None] * (stop[number] - start[number])
    points[t == 1.0] = stop[number[t == 1.0]]
    inside = number[1:] == number[:-1]
    return np.hstack([points[:-1], points[1:]])[inside], sign[number[:-1]][inside]


def _accumulate(pieces: Floats, weight: Floats, x: Floats, y: Floats) -> tuple[Floats, int, int] | None:
    """Return the signed cover of a window of cells with its first row and column."""
    rise = weight * (pieces[:, 3] - pieces[:, 1])
    middle = (pieces[:, :2] + pieces[:, 2:]) / 2
    row = np.searchsorted(y, middle[:, 1], side="right") - 1
    column = np.searchsorted(x, middle[:, 0], side="right") - 1
    within = (row >= 0) & (row < y.size - 1)
    # Where the outline goes on west of the grid, cells from the western border on are covered.
    open_west = bool((within & (column < 0)).any())
    keep = within & (column >= 0)
    if not keep.any():
        return None
    row, column, rise, at = row[keep], column[keep], rise[keep], middle[keep, 0]
    j0, j1, i0, i1 = row.min(), row.max() + 1, column.min(), min(int(column.max()), x.size - 2) + 1
    i0 = 0 if open_west else min(int(i0), x.size - 2)
    cover = np.zeros((j1 - j0, i1 - i0 + 1))  # one column more takes what lies east of the grid
    own = np.minimum(column, i1)
    height = np.diff(y)[row]
    width = np.append(np.diff(x), np.inf)[np.minimum(column, x.size - 1)]
    np.add.at(cover, (row - j0, own - i0), rise / height)
    share = np.cumsum(cover[:, ::-1], axis=1)[:, ::-1][:, 1:]  # every cell west of a piece takes its full width
    inside = column < i1
    partial = (at - x[np.minimum(column, x.size - 1)]) / width * rise / height
    np.add.at(share, (row[inside] - j0, column[inside] - i0), partial[inside])
    return share, int(j0), int(i0)


def _cells(share: Floats, first_row: int, first_column: int) -> tuple[Integers, Integers, Floats]:
    row, column = np.nonzero(share > _NOTHING)
    return row + first_row, column + first_column, share[row, column]
