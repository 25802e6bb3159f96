r"""Weather systems: Gaussian processes on the sphere and in time, evaluated where and when one asks.

A process is a sum of random waves,

.. math:: g(\mathbf{u}, t) = \sqrt{2/N} \sum_j \cos(R \mathbf{k}_j \cdot \mathbf{u} + \omega_j t + \varphi_j)

with wavenumbers and frequencies drawn from Gaussians (random Fourier features, Rahimi & Recht 2007), so that it has
zero mean, unit variance and a smooth correlation, drifts eastward, needs no memory, and is the same in whatever order
times are asked for. On a grid it is evaluated on a coarse lattice and interpolated, since it is smooth over hundreds of
kilometres.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.random import stream

Floats = NDArray[np.float64]
Field = NDArray[np.float32]

EPOCH = datetime(2000, 1, 1)
_WAVES = 64
_RADIUS = 6371.0  # km
# Extratropical systems are of the order of 1000 km and move east at about 10 m s-1, some 8 deg a day at 40 deg
# (Holton & Hakim 2013, An Introduction to Dynamic Meteorology, ch. 6).
_LENGTH = 900.0  # km
_DRIFT = 8.0  # deg a day
_LATTICE = 150.0  # km
_CELLS = 64
_AT_ONCE = 256


def days(time: datetime) -> float:
    """Return the days since 2000-01-01 (UTC)."""
    return (time - EPOCH).total_seconds() / 86_400.0


def day_of_year(time: datetime) -> float:
    """Return the day of the year with its fraction, 1 at the start of 1 January."""
    return 1.0 + (time - datetime(time.year, 1, 1)).total_seconds() / 86_400.0


@lru_cache(maxsize=64)
def _waves(seed: int, name: str) -> tuple[Floats, Floats, Floats]:
    random = stream(seed, "weather", name)
    # a spread of scales: fronts are sharper than the systems they belong to
    scale = np.exp(0.5 * random.standard_normal(_WAVES))
    numbers = random.standard_normal((_WAVES, 3)) * scale[:, np.newaxis]
    return numbers, random.standard_normal(_WAVES) * scale, random.uniform(0, 2 * np.pi, _WAVES)


def wander(
    seed: int, name: str, day: ArrayLike, latitude: ArrayLike, longitude: ArrayLike, *, memory: float = 3.0
) -> Floats:
    """Return a process of zero mean and unit variance.

    Parameters
    ----------
    seed, name
        Which process.
    day
        Days since 2000-01-01; broadcasts with the coordinates.
    latitude, longitude
        Degrees.
    memory
        Days after which a system, followed on its way, has changed by about a standard deviation.

    Returns
    -------
    ndarray
        Of the broadcast shape.
    """
    when, lat, lon = np.broadcast_arrays(day, np.radians(latitude), np.radians(longitude))
    numbers, rates, phases = _waves(seed, name)
    lon = lon - np.radians(_DRIFT) * when
    unit = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    angle = unit @ (numbers.T * (_RADIUS / _LENGTH)) + when[..., np.newaxis] * (rates / memory) + phases
    # whole turns go first, so that single precision is enough for the cosine
    turns = angle / (2 * np.pi)
    turns -= np.rint(turns)
    waves = np.cos(turns.astype(np.float32) * np.float32(2 * np.pi))
    return np.asarray(np.sqrt(2.0 / _WAVES) * waves.sum(axis=-1, dtype=np.float64))


@dataclass(frozen=True, eq=False)
class Lattice:
    """Points spread over a grid on which smooth fields are evaluated."""

    rows: NDArray[np.intp]
    """Rows of the grid the points lie in."""
    columns: NDArray[np.intp]
    """Columns."""
    latitude: Floats
    """Degrees north, shape (points down, points across)."""
    longitude: Floats
    """Degrees east."""
    down: tuple[NDArray[np.intp], Field]
    """For every row of the grid the point above it, and the way from there to the next (0 to 1)."""
    across: tuple[NDArray[np.intp], Field]
    """For every column the point to its left, and the way to the next."""

    def wander(self, seed: int, name: str, day: ArrayLike, *, memory: float = 3.0) -> Floats:
        """Return a process at the points; times, if many, come along the first axis."""
        when = np.asarray(day, dtype=np.float64)
        if when.ndim and self.latitude.size > _AT_ONCE:  # a few megabytes at a time
            return np.stack([self.wander(seed, name, one, memory=memory) for one in when])
        if when.ndim:
            when = when[:, np.newaxis, np.newaxis]
        return wander(seed, name, when, self.latitude, self.longitude, memory=memory)

    def at(self, field: NDArray[np.generic]) -> Floats:
        """Return a field of the grid at the points."""
        return np.asarray(field[np.ix_(self.rows, self.columns)], dtype=np.float64)

    def fill(self, values: ArrayLike) -> Field:
        """Return values at the points, interpolated linearly to the grid."""
        at = np.asarray(values, dtype=np.float32)
        (row, below), (column, beyond) = self.down, self.across
        strips = at[row] + (at[row + 1] - at[row]) * below[:, np.newaxis]
        if strips.shape[1] == 2:  # a world within one mesh: no lookup
            return np.asarray(strips[:, :1] + (strips[:, 1:] - strips[:, :1]) * beyond)
        left = strips[:, column]
        return np.asarray(left + (strips[:, column + 1] - left) * beyond)


@lru_cache(maxsize=4)
def lattice(grid: WorldGrid) -> Lattice:
    """Return the lattice of a grid, every 150 km and at least its four corners."""
    rows, down = _spread(grid.rows, grid.metres)
    columns, across = _spread(grid.columns, grid.metres)
    points = np.ix_(rows, columns)
    return Lattice(rows, columns, grid.latitude[points], grid.longitude[points], down, across)


def _spread(count: int, metres: float) -> tuple[NDArray[np.intp], tuple[NDArray[np.intp], Field]]:
    points = int(np.clip(np.ceil(count * metres / 1000 / _LATTICE) + 1, 2, min(_CELLS, count)))
    where = np.linspace(0, count - 1, points).round().astype(np.intp)
    cells = np.arange(count)
    first = np.clip(np.searchsorted(where, cells, side="right") - 1, 0, points - 2)
    return where, (first, ((cells - where[first]) / np.diff(where)[first]).astype(np.float32))


# ---- wind ------------------------------------------------------------------------------------------------------------
_WIND_WAVES = 12


def wind(seed: int, latitude: float, day: float) -> tuple[Floats, Floats]:
    """Return the wind at the height of low clouds over a world, and how far it has carried air since 2000.

    Westerlies poleward of 30 degrees, trade winds between, and a random part of 4 m s-1 with periods of 2 to 20 days.

    Parameters
    ----------
    seed
        Of the world.
    latitude
        Of its centre (deg).
    day
        Days since 2000-01-01.

    Returns
    -------
    speed, way : ndarray
        Eastward and northward (m s-1, m); ``way`` is the integral of ``speed``.
    """
    random = stream(seed, "weather", "wind")
    rate = 2 * np.pi / np.exp(random.uniform(np.log(2.0), np.log(20.0), (2, _WIND_WAVES)))
    phase = random.uniform(0, 2 * np.pi, (2, _WIND_WAVES))
    west = 0.5 * (1 + np.tanh((abs(latitude) - 30.0) / 5.0))
    mean = np.array([-5.0 + 11.0 * west, 1.0 * (1 - 2 * west) * -np.sign(latitude)])
    size = 4.0 * np.sqrt(2.0 / _WIND_WAVES)
    speed = mean + size * np.cos(rate * day + phase).sum(axis=1)
    way = (mean * day + size * (np.sin(rate * day + phase) / rate).sum(axis=1)) * 86_400.0
    return speed, way
