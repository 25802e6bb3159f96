"""Layers of peers' files as array-likes that open their file inside the task (see :mod:`musyq_lab.files.lazy`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.archive.peers._containers import READERS, Stored
from musyq_lab.archive.peers._decode import decode, packing
from musyq_lab.archive.peers.layout import Layer
from musyq_lab.core.errors import ArchiveError
from musyq_lab.files.lazy import dask_array
from musyq_lab.files.safety import damage


@dataclass(frozen=True)
class PeerLayer:
    """One layer of one file, or of many files alike along a new first axis."""

    container: str
    """Kind of file."""
    paths: tuple[str, ...]
    """Files in the order of the first axis."""
    name: str
    """Whole name in them."""
    file_shape: tuple[int, ...]
    """Shape in one file."""
    stored: np.dtype[Any]
    """Stored type of the first file."""
    row: Layer | None
    """How values are decoded; None for integers that stay as they are."""
    constants: tuple[tuple[str, float], ...] = ()
    """What the metadata text beside the file says of scale and offset."""
    scaled_floats: bool = False
    """See :class:`musyq_lab.archive.peers.layout.Layout`."""
    stacked: bool = False
    """Whether the files form a first axis of their own."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole."""
        return (len(self.paths), *self.file_shape) if self.stacked else self.file_shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return np.dtype(np.float32) if self.row else self.stored.newbyteorder("=")

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read and decode a part; ``key`` holds slices and whole numbers."""
        key = key if isinstance(key, tuple) else (key,)
        key = (*key, *(slice(None) for _ in range(self.ndim - len(key))))
        if not self.stacked:
            return self._part(self.paths[0], key)
        first, rest = key[0], key[1:]
        if not isinstance(first, slice):
            return self._part(self.paths[int(first)], rest)
        parts = [self._part(path, rest) for path in self.paths[first]]
        return np.stack(parts) if parts else np.empty((0, *self.file_shape), self.dtype)[(slice(None), *rest)]

    def _part(self, path: str, key: Sequence[Any]) -> NDArray[Any]:
        """Read what the key spans, then pick from it: no format reads backwards."""
        spans, inner = [], []
        for part, size in zip(key, self.file_shape, strict=True):
            chosen = range(*part.indices(size)) if isinstance(part, slice) else range(int(part), int(part) + 1)
            low, high = (min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1]) + 1) if chosen else (0, 0)
            spans.append(slice(low, high))
            inner.append(slice(None, None, chosen.step) if isinstance(part, slice) else 0)
        if any(span.start == span.stop for span in spans):
            return np.empty([span.stop - span.start for span in spans], self.dtype)[tuple(inner)]
        return self._read(path, tuple(spans))[tuple(inner)]

    def _read(self, path: str, spans: tuple[slice, ...]) -> NDArray[Any]:
        with damage(path):
            raw, attributes = READERS[self.container].read(path, self.name, spans)
        where = f"{path}: {self.name!r}" if self.name != "*" else path
        if raw.shape != tuple(span.stop - span.start for span in spans):
            raise ArchiveError(f"{where} is smaller than in the first file of its series. Open the file on its own.")
        if self.row is None:
            if raw.dtype != self.stored:
                raise ArchiveError(f"{where} is of type {raw.dtype}, {self.stored} was expected: the series is mixed.")
            return raw.astype(self.dtype, copy=False)
        how = packing(self.row, {**attributes, **dict(self.constants)}, raw.dtype, where, scaled=self.scaled_floats)
        return decode(raw, how)


def lazy(layer: PeerLayer, stored: Stored) -> Any:
    """Return the dask array of a layer, checked once against the file's first attributes.

    Raises
    ------
    ArchiveError
        If the file contradicts the row.
    """
    if layer.row is not None:
        where = f"{layer.paths[0]}: {layer.name!r}"
        said = {**stored.attributes, **dict(layer.constants)}
        packing(layer.row, said, stored.dtype, where, scaled=layer.scaled_floats)
    chunks = (1, *stored.chunks) if layer.stacked else stored.chunks
    label = (layer.row.name if layer.row else stored.short).replace(" ", "_").replace("*", "band")
    return dask_array(layer, chunks, layer.paths, f"peer-{label}")


@dataclass(frozen=True)
class TieLayer:
    """A tie-point grid, interpolated bilinearly to the pixels asked for (and extrapolated at the rims).

    An angle that wraps around is interpolated by its sine and cosine.
    """

    container: str
    """Kind of file."""
    path: str
    """File."""
    name: str
    """Tie-point grid in it."""
    shape: tuple[int, int]
    """Rows and columns of the image."""
    geometry: tuple[float, float, float, float]
    """Offset and step of columns, then of rows; the centre of the first pixel is at 0.5."""
    wraps: float = 0.0
    """Lowest value of an angle that wraps around after 360 degrees: 0 for azimuths, -180 for longitudes; NaN else."""
    elevation: bool = False
    """Whether 90 degrees minus the value is wanted."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return 2

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return np.dtype(np.float32)

    def __getitem__(self, key: Any) -> NDArray[np.float32]:
        """Interpolate a part; ``key`` holds two slices."""
        rows, columns = (np.atleast_1d(np.arange(n)[part]) for part, n in zip(key, self.shape, strict=True))
        with damage(self.path):
            return self._interpolated(rows, columns)[
                tuple(slice(None) if isinstance(part, slice) else 0 for part in key)
            ]

    def _interpolated(self, rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[np.float32]:
        grid, _ = READERS[self.container].read(self.path, self.name, (slice(0, None), slice(0, None)))
        ties = grid.astype(np.float64)
        ties[~(np.abs(ties) <= _FULL_TURN)] = np.nan  # the fills of degrees, such as -999
        x0, dx, y0, dy = self.geometry
        y, x = (rows + 0.5 - y0) / dy, (columns + 0.5 - x0) / dx
        if np.isnan(self.wraps):
            values = _bilinear(ties, y, x)
        else:
            sine, cosine = (_bilinear(part(np.radians(ties)), y, x) for part in (np.sin, np.cos))
            values = (np.degrees(np.arctan2(sine, cosine)) - self.wraps) % _FULL_TURN + self.wraps
        return np.asarray(90.0 - values if self.elevation else values, np.float32)


_FULL_TURN = 360.0


def _bilinear(ties: NDArray[np.float64], y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values at fractional rows and columns."""
    i = np.clip(np.floor(y).astype(int), 0, max(ties.shape[0] - 2, 0))
    j = np.clip(np.floor(x).astype(int), 0, max(ties.shape[1] - 2, 0))
    down, right = min(1, ties.shape[0] - 1), min(1, ties.shape[1] - 1)
    fy, fx = (y - i)[:, None] * down, (x - j)[None, :] * right
    upper = ties[np.ix_(i, j)] * (1 - fx) + ties[np.ix_(i, j + right)] * fx
    lower = ties[np.ix_(i + down, j)] * (1 - fx) + ties[np.ix_(i + down, j + right)] * fx
    made: NDArray[np.float64] = upper * (1 - fy) + lower * fy
    return made
