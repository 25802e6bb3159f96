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
    share: NDArray[np.uint8]
    """Valid cells among those covered, in steps of 1/200; 0 for none and 200 for all, exactly."""


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
    valid = np.ones(block.shape, bool) if fill is None else ~_is(block, fill)
    counts = dict(_halvings(valid.astype(np.uint16), factors, np.add))
    make = {"mean": _means, "root_mean_square": _means, "mode": _modes, "or": _bits}[rule]
    for factor, values in make(block, valid, counts, factors, rule):
        made = values if fill is None else np.where(counts[factor] > 0, values, fill)
        yield Coarse(factor, made.astype(block.dtype), _share(counts[factor], block.shape, factor))


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


def _halved(block: Array, axis: int, join: Callable[[Array, Array], Array]) -> Array:
    whole = block.shape[axis] // 2 * 2
    first, second = (_along(block, axis, slice(start, whole, 2)) for start in (0, 1))
    joined = join(first, second)
    if whole == block.shape[axis]:
        return joined
    return np.concatenate([joined, _along(block, axis, slice(whole, None))], axis)


def _along(block: Array, axis: int, part: slice) -> Array:
    return block[..., part, :] if axis == -2 else block[..., part]


def _means(
    block: Array, valid: NDArray[np.bool_], counts: dict[int, Array], factors: Sequence[int], rule: Rule
) -> Iterator[tuple[int, Array]]:
    squared = rule == "root_mean_square"
    wide = _wide(block.dtype, squared)
    numbers = np.where(valid, block, block.dtype.type(0)).astype(wide)
    total = numbers * numbers if squared else numbers
    for factor, sums in _halvings(total, factors, np.add):
        mean = sums / np.maximum(counts[factor], 1)
        mean = np.sqrt(mean) if squared else mean
        yield factor, mean if block.dtype.kind == "f" else np.rint(mean)


def _wide(dtype: np.dtype[Any], squared: bool) -> type[np.generic]:
    """Return a type that holds the sum of 32 x 32 numbers, or of their squares."""
    bits = 8 * dtype.itemsize * (2 if squared else 1)
    if dtype.kind == "f" or bits > 32:
        return np.float64
    return np.int32 if bits <= 16 else np.int64


def _modes(
    block: Array, valid: NDArray[np.bool_], counts: dict[int, Array], factors: Sequence[int], rule: Rule
) -> Iterator[tuple[int, Array]]:
    best = {factor: np.zeros(count.shape, block.dtype) for factor, count in counts.items()}
    most = {factor: np.zeros(count.shape, np.uint16) for factor, count in counts.items()}
    for number in np.unique(block[valid]):
        for factor, count in _halvings((block == number).astype(np.uint16), factors, np.add):
            more = count > most[factor]
            best[factor][more] = number
            most[factor][more] = count[more]
    yield from best.items()


def _bits(
    block: Array, valid: NDArray[np.bool_], counts: dict[int, Array], factors: Sequence[int], rule: Rule
) -> Iterator[tuple[int, Array]]:
    yield from _halvings(block, factors, np.bitwise_or)


def _share(count: Array, shape: tuple[int, ...], factor: int) -> NDArray[np.uint8]:
    rows, columns = (np.minimum(factor, size - np.arange(0, size, factor)) for size in shape[-2:])
    covered = np.outer(rows, columns)
    share = np.rint(count.astype(np.float64) * SHARES / covered)
    # Rounding must not make some of none, or all of nearly all.
    share = np.clip(share, count > 0, SHARES - (count < covered))
    return np.asarray(share, np.uint8)
