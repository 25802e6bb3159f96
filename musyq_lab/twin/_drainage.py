r"""Where water runs on a surface, and how it carves it.

A lake spills over the lowest point of its rim: the path from any cell to the edge of the world whose highest point is
lowest lies on the minimum spanning tree of the cells, when the link of two neighbours weighs as much as the higher of
them (Hu 1961, doi 10.1287/opre.9.6.898, on minimax paths). So one spanning tree fills every sink and gives each cell
the one it drains to, as a priority flood does (Barnes et al. 2014, doi 10.1016/j.cageo.2013.04.024); a small bonus for
steepness makes a slope drain along its steepest descent (D8).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

Floats = NDArray[np.float64]

_STEEP = 1e-3  # weight of steepness beside height: decides between lower neighbours, never against the height
_ALL, _UP, _DOWN = slice(None), slice(1, None), slice(None, -1)
_LINKS = (((_ALL, _UP), (_ALL, _DOWN), 1.0), ((_UP, _ALL), (_DOWN, _ALL), 1.0),
          ((_UP, _UP), (_DOWN, _DOWN), 2**0.5), ((_UP, _DOWN), (_DOWN, _UP), 2**0.5))  # fmt: skip


@dataclass(frozen=True)
class Drainage:
    """The way of the water from every cell to the edge; cells are numbered row by row, the outside comes last."""

    shape: tuple[int, int]
    """Rows and columns."""
    order: NDArray[np.int64]
    """Cells from the edge upstream: each comes after the one it drains to."""
    receiver: NDArray[np.int64]
    """Cell a cell drains to, by number; the number of cells stands for the outside."""
    starts: tuple[int, ...]
    """Where in ``order`` the cells at each count of steps from the outside begin, and the end."""

    def levels(self, upstream: bool) -> Iterator[NDArray[np.int64]]:
        """Yield cells that may be worked on at once, from the edge upstream or from the sources down."""
        spans = list(zip(self.starts[:-1], self.starts[1:], strict=True))
        for start, end in spans if upstream else reversed(spans):
            yield self.order[start:end]

    def accumulate(self, values: Floats) -> Floats:
        """Return the sum of a value over each cell and all cells upstream of it."""
        total = np.append(values.ravel().astype(np.float64), 0.0)
        for cells in self.levels(upstream=False):
            np.add.at(total, self.receiver[cells], total[cells])
        return total[:-1].reshape(self.shape)

    def filled(self, elevation: Floats) -> Floats:
        """Return the elevation with every sink filled to its outlet."""
        level = np.append(elevation.ravel(), -np.inf)
        for cells in self.levels(upstream=True):
            level[cells] = np.maximum(level[cells], level[self.receiver[cells]])
        return np.asarray(level[:-1].reshape(self.shape))

    def downstream(self, values: Floats, known: NDArray[np.bool_]) -> Floats:
        """Return the value of the first known cell on the way of the water, NaN where there is none."""
        found = np.append(np.where(known, values, np.nan).ravel(), np.nan)
        inside = np.append(known.ravel(), True)
        for cells in self.levels(upstream=True):
            missing = cells[~inside[cells]]
            found[missing] = found[self.receiver[missing]]
        return np.asarray(found[:-1].reshape(self.shape))

    def upstream_of(self, cell: int) -> NDArray[np.bool_]:
        """Return which cells drain through a cell, itself included."""
        through = np.zeros(self.order.size + 1, bool)
        through[cell] = True
        for cells in self.levels(upstream=True):
            through[cells] |= through[self.receiver[cells]]
        return through[:-1].reshape(self.shape)


def drainage(elevation: Floats) -> Drainage:
    """Return the way of the water on a surface whose whole edge is open.

    Parameters
    ----------
    elevation
        Metres, shape (rows, columns).
    """
    count = elevation.size
    number = np.arange(count, dtype=np.int32).reshape(elevation.shape)
    rim = np.unique(np.concatenate([number[0], number[-1], number[:, 0], number[:, -1]]))
    a, b, weight = [np.full(rim.size, count, np.int32)], [rim], [elevation.ravel()[rim]]
    for one, other, distance in _LINKS:
        high, low = elevation[one], elevation[other]
        a.append(number[one].ravel())
        b.append(number[other].ravel())
        weight.append((np.maximum(high, low) - _STEEP / distance * np.abs(high - low)).ravel())
    weights = np.concatenate(weight).astype(np.float64)
    weights += 1.0 - weights.min()  # a sparse graph has no link of weight 0
    links = (np.concatenate(a), np.concatenate(b))
    graph = coo_array((weights, links), shape=(count + 1, count + 1)).tocsr()
    order, receiver = breadth_first_order(minimum_spanning_tree(graph), count, directed=False)
    order, receiver = order[1:].astype(np.int64), receiver[:-1].astype(np.int64)
    return Drainage(elevation.shape, order, receiver, _starts(order, receiver))


def _starts(order: NDArray[np.int64], receiver: NDArray[np.int64]) -> tuple[int, ...]:
    place = np.empty(order.size + 1, np.int64)
    place[order], place[order.size] = np.arange(order.size), -1
    before = place[receiver[order]]  # ascending: a breadth-first order visits the children of earlier cells earlier
    starts = [0]
    while starts[-1] < order.size:
        starts.append(int(np.searchsorted(before, starts[-1], side="left")))
    return tuple(starts)


def eroded(elevation: Floats, uplift: Floats, *, steps: int, strength: float) -> Floats:
    r"""Return a surface after rivers have cut into it while it rose.

    .. math:: \partial_t z = U - K A^{m} |\nabla z|, \qquad m = 0.45

    stepped implicitly from the edge upstream (Braun & Willett 2013, doi 10.1016/j.geomorph.2012.10.008), then the hill
    slopes diffuse a little.

    Parameters
    ----------
    elevation
        Start, any unit of height.
    uplift
        Rise a step, same unit.
    steps
        Number of steps.
    strength
        K times the step, in cells to the power 1 - 2 m.
    """
    height = elevation.astype(np.float64)
    for _ in range(steps):
        height = height + uplift
        ways = drainage(height)
        area = ways.accumulate(np.ones(ways.shape))
        bed = np.append(height.ravel(), height.min())
        factor = np.append(strength * area.ravel() ** 0.45, 0.0)
        for cells in ways.levels(upstream=True):
            below = np.minimum(bed[ways.receiver[cells]], bed[cells])
            bed[cells] = (bed[cells] + factor[cells] * below) / (1 + factor[cells])
        height = _diffused(bed[:-1].reshape(ways.shape))
    return height


def _diffused(height: Floats, share: float = 0.14) -> Floats:
    padded = np.pad(height, 1, mode="edge")
    around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return np.asarray(height + share * (around - 4 * height))
