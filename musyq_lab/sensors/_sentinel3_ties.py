"""Angles of a swath given at tie points, as Sentinel-3 does: interpolated as directions in space, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.files.stored import StoredLayer
from musyq_lab.sensors._block import part
from musyq_lab.sensors._sentinel3 import Floats, look

_STRIP = 64  # rows that are interpolated at a time


@dataclass(frozen=True)
class TiePoints:
    """Zenith angle and azimuth given at tie points, interpolated as directions in space when a block is read.

    Interpolated as numbers an azimuth would pass through south where it jumps from 360 to 0, and a view zenith angle
    would miss zero below the satellite.
    """

    path: str
    """Member with the angles."""
    zenith: str
    """Dataset of the zenith angle (degree)."""
    azimuth: str
    """Dataset of the azimuth (degree)."""
    wanted: str
    """``"zenith"`` or ``"azimuth"``."""
    shape: tuple[int, int]
    """Of the image."""
    place: Any
    """Callable: (first row, end, first column, end) -> fractional row and column among the tie points, (y, x) each, or
    (y, 1) and (1, x)."""

    ndim = 2
    dtype = np.dtype("float32")

    def __getitem__(self, key: Any) -> Floats:
        """Read and interpolate a part."""
        wanted = part(key, self.shape)
        rows, columns = wanted.rows, wanted.columns
        row, column = self.place(rows.start, rows.stop, columns.start, columns.stop)
        known = row[np.isfinite(row)]
        if not known.size:
            return wanted.take(np.full((len(rows), len(columns)), np.nan, np.float32))
        top, vectors = self._directions(float(known.min()), float(known.max()))
        made = np.empty((len(rows), len(columns)), np.float32)
        for first in range(0, len(rows), _STRIP):  # the directions of a whole block would take a dozen times its bytes
            strip = slice(first, first + _STRIP)
            made[strip] = self._angle(
                bilinear(vectors, row[strip] - top, column if column.shape[0] == 1 else column[strip])
            )
        return wanted.take(made)

    def _directions(self, lowest: float, highest: float) -> tuple[int, Floats]:
        zenith, azimuth = look(Path(self.path), [self.zenith, self.azimuth])
        total = zenith.shape[0]
        top = int(np.clip(np.floor(lowest), 0, max(total - 2, 0)))
        bottom = int(np.clip(np.ceil(highest) + 1, top + 2, max(total, top + 2)))
        lines = (slice(top, bottom), slice(None))
        pair = [StoredLayer((self.path,), s.name, s.shape, s.dtype, s.packing)[lines] for s in (zenith, azimuth)]
        return top, extended(directions(pair[0], pair[1]))

    def _angle(self, vectors: Floats) -> Floats:
        east, north, up = vectors
        if self.wanted == "zenith":
            return np.asarray(np.degrees(np.arctan2(np.hypot(east, north), up)), np.float32)
        return np.asarray(np.degrees(np.arctan2(east, north)) % 360.0, np.float32)


def directions(zenith: Floats, azimuth: Floats) -> Floats:
    """Return unit vectors (east, north, up) along a first axis from zenith angle and azimuth (degree)."""
    theta, phi = np.radians(zenith), np.radians(azimuth)
    return np.stack([np.sin(theta) * np.sin(phi), np.sin(theta) * np.cos(phi), np.cos(theta)])


def extended(vectors: Floats) -> Floats:
    """Return tie points with the first missing one beyond each end of a row extrapolated along it.

    The last pixels of a swath lie beyond the last tie point that has angles.
    """
    made = vectors.copy()
    for near, far in ((1, 2), (-1, -2)):
        first, second = np.roll(vectors, near, axis=2), np.roll(vectors, far, axis=2)
        for rolled, steps in ((first, near), (second, far)):  # what wraps around is no neighbour
            edge = slice(0, steps) if steps > 0 else slice(steps, None)
            rolled[:, :, edge] = np.nan
        guess = 2.0 * first - second
        made = np.where(np.isnan(made), guess, made)
    return made


def bilinear(vectors: Floats, row: Floats, column: Floats) -> Floats:
    """Return vectors between tie points.

    Parameters
    ----------
    vectors : array, shape (3, tie rows, tie columns)
        At the tie points.
    row, column : array, shape (y, x), or (y, 1) and (1, x)
        Fractional places among them.
    """
    r0, fr = _corner(row, vectors.shape[1])
    c0, fc = _corner(column, vectors.shape[2])
    r1, c1 = np.minimum(r0 + 1, vectors.shape[1] - 1), np.minimum(c0 + 1, vectors.shape[2] - 1)
    if row.shape[1] == 1 and column.shape[0] == 1:
        lines = _between(vectors[:, r0[:, 0]], vectors[:, r1[:, 0]], fr)
        return _between(lines[:, :, c0[0]], lines[:, :, c1[0]], fc)
    upper = _between(vectors[:, r0, c0], vectors[:, r0, c1], fc)
    lower = _between(vectors[:, r1, c0], vectors[:, r1, c1], fc)
    return _between(upper, lower, fr)


def _between(first: Floats, second: Floats, share: Floats) -> Floats:
    made = first + (second - first) * share
    if np.isnan(made).any():  # a missing tie point of weight zero must not count
        made = np.where(share == 0.0, first, np.where(share == 1.0, second, made))
    return np.asarray(made)


def _corner(place: Floats, count: int) -> tuple[NDArray[np.intp], Floats]:
    known = np.nan_to_num(place, nan=0.0)
    base = np.clip(np.floor(known), 0, max(count - 2, 0)).astype(np.intp)
    # Half a tie point beyond the last is extrapolated, no more.
    return base, np.where(np.isnan(place), np.nan, np.clip(known - base, -0.5, 1.5))
