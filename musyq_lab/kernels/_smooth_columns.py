"""Series along any axis as columns for the kernels of smoothing, and the results back in the shape of the series."""

from typing import Any

import numpy as np
import numpy.typing as npt

from musyq_lab.kernels._smooth_whittaker import LANES

Array = npt.NDArray[Any]


class Columns:
    """Series as columns, at least as many as there are lanes, and the way back."""

    def __init__(
        self, series: npt.ArrayLike, times: npt.ArrayLike | None, weights: npt.ArrayLike | None, axis: int, least: int
    ) -> None:
        moved = np.moveaxis(floats(series), axis, 0)
        self.shape, self.axis = moved.shape, axis
        self.size = int(np.prod(moved.shape[1:]))
        if moved.shape[0] < least:
            raise ValueError(f"The series has {moved.shape[0]} times; this needs {least} or more.")
        self.times = _rising(times, moved.shape[0])
        self.y = self._columns(moved)
        self.offsets = (self.times - self.times[0]).astype(self.y.dtype)
        """Times from the first one."""
        step = float(np.median(np.diff(self.times))) if self.times.size > 1 else 1.0
        self.steps = ((self.times - self.times[0]) / step).astype(self.y.dtype)
        """The same in units of the median step."""
        given = np.broadcast_to(1.0 if weights is None else np.moveaxis(np.asarray(weights), axis, 0), moved.shape)
        self.w = self._columns(given.astype(self.y.dtype, copy=False))

    def _columns(self, moved: Array) -> Array:
        flat = moved.reshape(moved.shape[0], self.size)
        short = LANES - self.size
        return np.pad(flat, ((0, 0), (0, short)), constant_values=np.nan) if short > 0 else flat

    def spread(self, value: npt.ArrayLike, name: str) -> Array:
        """Return one number for each column."""
        numbers = np.broadcast_to(np.asarray(value, self.y.dtype), self.shape[1:]).reshape(-1)
        return np.pad(numbers, (0, self.y.shape[1] - self.size), constant_values=1.0)

    def back(self, columns: Array) -> Array:
        """Return columns in the shape of the series."""
        return np.moveaxis(columns[:, : self.size].reshape(self.shape), 0, self.axis)

    def flat(self, *rows: Array) -> list[Array]:
        """Return numbers of the columns in the shape of the series without time."""
        return [row[: self.size].reshape(self.shape[1:]) for row in rows]

    def stacked(self, sums: Array) -> list[Array]:
        """Return numbers by lambda and column in the shape of the series without time."""
        return [part[:, : self.size].reshape(part.shape[0], *self.shape[1:]) for part in sums]


def floats(series: npt.ArrayLike) -> Array:
    """Return floats as they are, all else as float64."""
    array = np.asarray(series)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _rising(times: npt.ArrayLike | None, size: int) -> npt.NDArray[np.float64]:
    given = np.arange(size, dtype=np.float64) if times is None else np.asarray(times, np.float64)
    if given.shape != (size,) or not np.isfinite(given).all() or not (np.diff(given) > 0).all():
        raise ValueError(f"times must be {size} finite numbers that rise strictly, got shape {given.shape}.")
    return given
