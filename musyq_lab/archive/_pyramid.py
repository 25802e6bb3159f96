"""Coarser maps from stored numbers: sums of whole numbers, so that no order of work can change a result.

Each map is made from the full resolution, not from the next finer map: a mean of means would weigh the cells beside a
gap more than others, and a mode of modes can be a class that is rare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Rule = Literal["mean", "root_mean_square", "mode", "or"]
Array = NDArray[Any]

FACTORS = (2, 4, 8, 16, 32)
"""Cells along the edge of one cell of each overview."""
SHARES = 200
"""Stored number of a cell all of whose parts are valid."""


@dataclass(frozen=True, slots=True)
class Coarse:
    """One layer of one overview, as stored numbers."""

    factor: int
    """Cells along the edge of a cell."""
    values: Array
    """Shape (..., rows, columns), of the layer's type."""
    count: Array
    """Valid cells; of bits, which all count, those covered."""
    covered: NDArray[np.int64]
    """Cells of the map that each covers, fewer at the edges; shape (rows, columns)."""

    @property
    def share(self) -> NDArray[np.uint8]:
        """Valid cells among those covered, in steps of 1/200; 0 for none and 200 for all, exactly."""
        share = np.rint(self.count.astype(np.float64) * SHARES / self.covered)
        # Rounding must not make some of none, or all of nearly all.
        share = np.clip(share, self.count > 0, SHARES - (self.count < self.covered))
        return np.asarray(share, np.uint8)


def reduced(block: Array, rule: Rule, fill: float | None, factors: Sequence[int]) -> Iterator[Coarse]:
    """Yield the coarser maps of a block of whole rows.

    Parameters
    ----------
    block : numpy.ndarray
        Stored numbers (..., rows, columns), beginning at a row that the largest factor divides. Cells at the lower and
        right edge may be cut; they then are of the cells that are there.
    rule : str
        ``"mean"`` and ``"root_mean_square"`` of the valid cells, ``"mode"`` (of equally frequent ones the smallest),
        ``"or"`` of the bits of all cells.
    fill : float or None
        Stored number of no data, NaN for floats; None where every number counts.
    factors : sequence of int
        Ascending, out of :data:`FACTORS`.
    """
    covered = {factor: _covered(block.shape, factor) for factor in factors}
    if rule == "or":
        for factor, bits in _halvings(block, factors, np.bitwise_or):
            yield Coarse(factor, bits, covered[factor], covered[factor])
        return
    valid = np.ones(block.shape, bool) if fill is None else ~_is(block, fill)
    counts = dict(_counted(valid, factors))
    made = _modes(block, valid, counts) if rule == "mode" else _means(block, valid, counts, rule)
    for factor, values in made:
        whole = values if fill is None else np.where(counts[factor] > 0, values, fill)
        yield Coarse(factor, whole.astype(block.dtype), counts[factor], covered[factor])


def _is(block: Array, fill: float) -> NDArray[np.bool_]:
    return np.isnan(block) if np.isnan(fill) else block == fill


def _halvings(
    block: Array, factors: Sequence[int], join: Callable[[Array, Array], Array]
) -> Iterator[tuple[int, Array]]:
    """Yield what joins each square of cells, for each factor; zeros stand beyond the edge."""
    factor = 1
    for wanted in factors:
        while factor < wanted:
            block = _halved(_halved(block, -2, join), -1, join)
            factor *= 2
        yield factor, block


def _counted(mask: NDArray[np.bool_], factors: Sequence[int]) -> Iterator[tuple[int, Array]]:
    """Yield how many cells are set, in bytes as long as these can hold it."""
    small = [factor for factor in factors if factor * factor < 256]
    block = mask.view(np.uint8)
    for factor, block in _halvings(mask.view(np.uint8), small, np.add):
        yield factor, block
    done = small[-1] if small else 1
    wide = [factor // done for factor in factors if factor not in small]
    for factor, count in _halvings(block.astype(np.uint16), wide, np.add):
        yield factor * done, count


def _halved(block: Array, axis: int, join: Callable[[Array, Array], Array]) -> Array:
    whole = block.shape[axis] // 2 * 2
    first, second = (_along(block, axis, slice(start, whole, 2)) for start in (0, 1))
    joined = join(first, second)
    if whole == block.shape[axis]:
        return joined
    return np.concatenate([joined, _along(block, axis, slice(whole, None))], axis)


def _along(block: Array, axis: int, part: slice) -> Array:
    return block[..., part, :] if axis == -2 else block[..., part]


def _means(block: Array, valid: NDArray[np.bool_], counts: dict[int, Array], rule: Rule) -> Iterator[tuple[int, Array]]:
    squared = rule == "root_mean_square"
    numbers = np.where(valid, block, block.dtype.type(0)).astype(_wide(block.dtype, squared))
    total = numbers * numbers if squared else numbers
    for factor, sums in _halvings(total, list(counts), np.add):
        mean = sums / np.maximum(counts[factor], 1)
        mean = np.sqrt(mean) if squared else mean
        yield factor, mean if block.dtype.kind == "f" else np.rint(mean)


def _wide(dtype: np.dtype[Any], squared: bool) -> type[np.generic]:
    """Return a type that holds the sum of 32 x 32 numbers, or of their squares."""
    bits = 8 * dtype.itemsize * (2 if squared else 1)
    if dtype.kind == "f" or bits > 32:
        return np.float64
    return np.int32 if bits <= 16 else np.int64


def _modes(block: Array, valid: NDArray[np.bool_], counts: dict[int, Array]) -> Iterator[tuple[int, Array]]:
    best = {factor: np.zeros(count.shape, block.dtype) for factor, count in counts.items()}
    most = {factor: np.zeros(count.shape, np.uint16) for factor, count in counts.items()}
    for number in np.unique(block[valid]):
        for factor, count in _counted(block == number, list(counts)):
            more = count > most[factor]
            np.copyto(best[factor], number, where=more)
            np.copyto(most[factor], count, where=more)
    yield from best.items()


def _covered(shape: tuple[int, ...], factor: int) -> NDArray[np.int64]:
    rows, columns = (np.minimum(factor, size - np.arange(0, size, factor)) for size in shape[-2:])
    covered: NDArray[np.int64] = np.outer(rows, columns)
    return covered
