r"""Turbulent fields that drift and change: Gaussian noise with a -5/3 spectrum, made in Fourier space at any instant.

Each wave of the field is carried by the wind and turns over in its own time,

.. math:: \hat f(\mathbf{k}, t) = k^{-4/3} [a_k \cos(\omega_k t) + b_k \sin(\omega_k t)]
          e^{-2 \pi i \mathbf{k} \cdot \mathbf{X}(t)}, \qquad \omega_k \propto k^{2/3}

which gives the -5/3 spectrum along a line that clouds have between hundreds of metres and hundreds of kilometres
(Davis et al. 1996, doi 10.1175/1520-0469(1996)053<1538:SIOLWD>2.0.CO;2) and the lifetimes of eddies in it. The field is
periodic: what leaves at one edge comes in at the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.random import stream

Field = NDArray[np.float32]
Complex = NDArray[np.complex64]


@dataclass(frozen=True)
class Texture:
    """What a kind of cloud looks like."""

    name: str
    """Stream of its random numbers."""
    outer: float
    """Wavelength (m) beyond which the spectrum is flat."""
    inner: float
    """Wavelength (m) below which it ends."""
    lifetime: float
    """Hours in which an eddy of 5 km turns over."""
    stretch: float = 1.0
    """Length over width of its streaks."""


@dataclass(frozen=True, eq=False)
class _Waves:
    first: Complex
    second: Complex
    rate: NDArray[np.float64]  # turns an hour
    north: NDArray[np.float64]
    east: NDArray[np.float64]


@lru_cache(maxsize=6)
def _waves(seed: int, texture: Texture, rows: int, columns: int, metres: float) -> _Waves:
    random = stream(seed, "clouds", texture.name)
    north, east = -fft.fftfreq(rows, metres), fft.rfftfreq(columns, metres)
    k = np.hypot(north[:, np.newaxis], east)
    bearing = random.uniform(0, np.pi)
    along = north[:, np.newaxis] * np.sin(bearing) + east * np.cos(bearing)
    shaped = np.hypot(k, np.sqrt(texture.stretch**2 - 1) * along)
    # amplitude k^(-4/3): power k^(-8/3) in the plane, k^(-5/3) along a line
    amplitude = (shaped**2 + texture.outer**-2.0) ** (-2 / 3) * np.exp(-((k * texture.inner) ** 2))
    amplitude[0, 0] = 0.0
    weight = np.full(k.shape, 2.0)
    weight[:, 0] = 1.0
    if columns % 2 == 0:
        weight[:, -1] = 1.0
    power = float((weight * amplitude**2).sum() / (rows * columns))
    amplitude /= np.sqrt(power) if power > 0 else 1.0
    white = [fft.rfft2(random.standard_normal((rows, columns), dtype=np.float32)) for _ in range(2)]
    first, second = ((w * amplitude.astype(np.float32)).astype(np.complex64) for w in white)
    turn = random.uniform(-1, 1, k.shape)
    for column in {0, k.shape[1] - 1}:
        # a real field needs the same rate for a wave and its mirror image
        row = np.arange(rows)
        turn[:, column] = turn[np.minimum(row, rows - row), column]
    rate = turn / texture.lifetime * (5000.0 * k) ** (2 / 3)
    return _Waves(first, second, rate, north, east)


def field(texture: Texture, grid: WorldGrid, seed: int, hours: float, way: NDArray[np.float64]) -> Field:
    """Return a field of zero mean and, over many worlds, unit variance.

    Parameters
    ----------
    texture
        Of the clouds.
    grid
        Cells of the world; of a longitude-latitude grid, cells are taken as square.
    seed
        Of the world.
    hours
        Time since any fixed moment.
    way
        Distance (m) that the wind has carried the field eastward and northward since then.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        Periodic in both directions where the size is a product of small primes.
    """
    rows, columns = (fft.next_fast_len(n, real=True) for n in grid.shape)
    waves = _waves(seed, texture, rows, columns, grid.metres)
    turns = waves.rate * hours
    turns -= np.rint(turns)
    angle = turns.astype(np.float32) * np.float32(2 * np.pi)
    spectrum = waves.first * np.cos(angle) + waves.second * np.sin(angle)
    spectrum *= np.exp(-2j * np.pi * ((waves.north * way[1]) % 1.0)).astype(np.complex64)[:, np.newaxis]
    spectrum *= np.exp(-2j * np.pi * ((waves.east * way[0]) % 1.0)).astype(np.complex64)
    return np.asarray(fft.irfft2(spectrum, s=(rows, columns))[: grid.rows, : grid.columns], dtype=np.float32)
