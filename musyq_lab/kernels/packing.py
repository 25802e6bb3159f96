r"""Packed numbers to values: the bytes of a shuffled chunk become floats in one pass.

HDF5's shuffle filter stores the low bytes of all numbers before their high bytes, so that they can be read side by
side without putting them back first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels._compile import fma, inline, kernel, select

__all__ = ["signed", "split", "unsigned"]


def split(number: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a number as the sum of two float32, to about 48 bits.

    They are arrays of one number, shape (1,), because arrays set the type that a kernel computes in.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        first = np.float32(number)
        return np.full(1, first), np.full(1, np.float32(number - np.float64(first)))


@inline
def _value(n: Any, scale: Any, rest: Any, offset: Any, fill: Any, low: Any, high: Any) -> Any:
    value = fma(n, scale, fma(n, rest, offset))
    good = (n != fill) & (n >= low) & (n <= high)
    return select(good, value, np.nan * value)


@kernel("(),(),(),(),(),(),(),()->()")
# low byte, high byte (uint8), scale in two parts, offset, fill, lowest and highest stored number that count -> value
def signed(
    low_byte: Any, high_byte: Any, scale: Any, rest: Any, offset: Any, fill: Any, low: Any, high: Any, out: Any
) -> None:
    """Value of a signed number of two bytes, NaN where it is the fill value or outside the limits."""
    n = low_byte + 256.0 * select(high_byte >= 128.0, high_byte - 256.0, high_byte)
    out[0] = _value(n, scale, rest, offset, fill, low, high)


@kernel("(),(),(),(),(),(),(),()->()")
# as above
def unsigned(
    low_byte: Any, high_byte: Any, scale: Any, rest: Any, offset: Any, fill: Any, low: Any, high: Any, out: Any
) -> None:
    """Value of an unsigned number of two bytes, or of one byte with a high byte of 0."""
    out[0] = _value(low_byte + 256.0 * high_byte, scale, rest, offset, fill, low, high)
