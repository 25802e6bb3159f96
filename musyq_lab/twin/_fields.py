"""Random fields with the structure of land: fractal surfaces, smooth noise, and patchworks of fields."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

_MARGIN = 1.3  # a field made by Fourier synthesis is periodic: it is made larger and cut, so that no edge meets another


def _synthesis(
    shape: tuple[int, int], spectrum: Callable[[Floats], Floats], rng: np.random.Generator, periodic: bool
) -> Floats:
    """Return noise, mean 0 and standard deviation 1, of a given amplitude at each wavenumber (cycles a cell)."""
    rows, columns = shape if periodic else (fft.next_fast_len(int(n * _MARGIN) + 4, real=True) for n in shape)
    waves = fft.rfft2(rng.standard_normal((rows, columns), dtype=np.float32))
    k = np.hypot(fft.fftfreq(rows)[:, np.newaxis], fft.rfftfreq(columns)).astype(np.float32)
    k[0, 0] = 1.0
    waves *= spectrum(k)
    waves[0, 0] = 0.0
    out = fft.irfft2(waves, s=(rows, columns))[: shape[0], : shape[1]].astype(np.float32)
    out -= out.mean()
    spread = float(out.std())
    return np.asarray(out / spread if spread > 0 else out)


def fractal(
    shape: tuple[int, int], beta: float, rng: np.random.Generator, outer: float = np.inf, periodic: bool = False
) -> Floats:
    r"""Return a self-affine surface by spectral synthesis (Saupe 1988, doi 10.1007/978-1-4612-3784-6_2).

    The power spectrum falls as

    .. math:: P(k) \propto (k^2 + k_0^2)^{-\beta/2}

    Parameters
    ----------
    shape
        Rows and columns.
    beta
        Exponent of the two-dimensional spectrum: 2 rough, 4 smooth. Land lies near 3 to 4, which is 2 to 3 along a
        profile (Huang & Turcotte 1989, doi 10.1029/JB094iB06p07491).
    rng
        Source of the numbers.
    outer
        Wavelength (cells) beyond which it is no rougher: 1 / k0.
    periodic
        Whether opposite edges may meet, which is faster.

    Returns
    -------
    ndarray, shape (rows, columns)
        Mean 0, standard deviation 1.
    """
    k0 = np.float32(0.0 if np.isinf(outer) else 1.0 / outer)
    return _synthesis(shape, lambda k: (k * k + k0 * k0) ** np.float32(-beta / 4), rng, periodic)


def noise(shape: tuple[int, int], length: float, rng: np.random.Generator, periodic: bool = False) -> Floats:
    """Return noise with a Gaussian spectrum: mean 0, standard deviation 1, correlated over ``length`` cells."""
    factor = np.float32(-0.5 * (2 * np.pi * length) ** 2)
    return _synthesis(shape, lambda k: np.exp(factor * k * k), rng, periodic)


def turned(field: Floats, number: int) -> Floats:
    """Return another field of the same kind: a periodic one shifted and mirrored, the ``number``-th way of doing so."""
    rows, columns = field.shape
    shifts = (int(rows * (0.382 * number % 1)), int(columns * (0.618 * number % 1)))
    return np.roll(field, shifts, axis=(0, 1))[:: -1 if number & 1 else 1, :: -1 if number & 2 else 1]


def ranks(values: ArrayLike, steps: int = 4096) -> Floats:
    """Return the rank of every cell among all, 0 to 1, between ``steps`` quantiles."""
    flat = np.asarray(values, np.float32)
    ordered = np.sort(flat, axis=None)
    at = np.unique(np.linspace(0, flat.size - 1, min(steps, flat.size)).round().astype(np.int64))
    return np.interp(flat.ravel(), ordered[at], at / max(flat.size - 1, 1)).astype(np.float32).reshape(flat.shape)


def highest(score: Floats, cells: int) -> NDArray[np.bool_]:
    """Return the cells of the highest scores, exactly as many as wanted; of equal ones the first."""
    flat = np.asarray(score).ravel()
    cells = min(max(cells, 0), flat.size)
    if cells == 0:
        return np.zeros(score.shape, bool)
    limit = np.partition(flat, flat.size - cells)[flat.size - cells]
    chosen = flat > limit
    ties = np.flatnonzero(flat == limit)
    chosen[ties[: cells - np.count_nonzero(chosen)]] = True
    return np.asarray(chosen.reshape(score.shape))


def patches(shape: tuple[int, int], size: float, rng: np.random.Generator, warp: float = 0.25) -> Integers:
    """Return Voronoi cells about ``size`` cells wide with wavy borders.

    Parameters
    ----------
    shape
        Rows and columns.
    size
        Mean distance of the centres (cells).
    rng
        Source of the numbers.
    warp
        Amplitude of the waves of the borders as a share of ``size``.
    """
    wave = noise(shape, max(size / 4, 0.7), rng, periodic=True) * np.float32(warp)
    row, column = np.meshgrid(*(np.arange(n, dtype=np.float32) / np.float32(size) + 3 for n in shape), indexing="ij")
    row, column = row + wave, column + turned(wave, 3)
    width = int(shape[1] / size) + 8
    count = (int(shape[0] / size) + 8) * width
    jitter = rng.uniform(0.15, 0.85, (2, count)).astype(
        np.float32
    )  # so narrow that the nearest centre is a neighbour's
    first, second = (np.clip(np.floor(v), 1, None).astype(np.int32) for v in (row, column))
    best, nearest = np.full(shape, np.inf, np.float32), np.zeros(shape, np.int32)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            number = np.clip((first + dy) * width + second + dx, 0, count - 1)
            away = (first + dy + jitter[0][number] - row) ** 2 + (second + dx + jitter[1][number] - column) ** 2
            closer = away < best
            best[closer], nearest[closer] = away[closer], number[closer]
    return nearest.astype(np.int64)


def parcels(shape: tuple[int, int], width: float, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Return farm fields: blocks with an own direction, cut into strips and the strips into fields.

    Parameters
    ----------
    shape
        Rows and columns.
    width
        Typical short side of a field (cells); the long side is about two and a half times that.
    rng
        Source of the numbers.

    Returns
    -------
    fields, blocks : ndarray of int64, shape (rows, columns)
        Numbers of the fields and of the blocks they lie in (about 12 widths across). A block border may cut a field.
    """
    blocks = patches(shape, max(12 * width, 4.0), rng, warp=0.06)
    count = int(blocks.max()) + 1
    # neighbouring farmland shares a direction more often than not: two families a right angle apart, and few others
    angle = rng.uniform(0, np.pi) + rng.normal(0, 0.16, count) + np.pi / 2 * rng.integers(0, 2, count)
    stretch = rng.uniform(0.7, 1.5, count)
    y, x = np.indices(shape, dtype=np.float32)
    cos, sin = np.cos(angle).astype(np.float32)[blocks], np.sin(angle).astype(np.float32)[blocks]
    scale = np.float32(1 / width) / stretch.astype(np.float32)[blocks]
    strip = _intervals((cos * x + sin * y) * scale, 0.35, rng)
    along = (cos * y - sin * x) * scale * np.float32(0.4)
    # each strip starts its fields elsewhere, as bricks do
    field = _intervals(along + rng.uniform(0, 50, 4096).astype(np.float32)[(strip * 7 + blocks * 131) % 4096], 0.5, rng)
    key = (blocks * 65_536 + strip % 65_536) * 65_536 + field % 65_536
    return np.unique(key, return_inverse=True)[1].reshape(shape).astype(np.int64), blocks


def _intervals(position: Floats, jitter: float, rng: np.random.Generator) -> Integers:
    """Return the number of the interval (about 1 long, unequal) in which a position lies."""
    low, high = int(np.floor(position.min())) - 1, int(np.ceil(position.max())) + 2
    edges = np.arange(low, high) + rng.uniform(-jitter, jitter, high - low)
    return np.asarray(np.searchsorted(edges, position), np.int64)


def regions(labels: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return numbers from 1 of the connected regions (4 neighbours) of equal labels, in the order of the cells."""
    number = np.arange(labels.size).reshape(labels.shape)
    across, down = labels[:, 1:] == labels[:, :-1], labels[1:] == labels[:-1]
    a = np.concatenate([number[:, 1:][across], number[1:][down]])
    b = np.concatenate([number[:, :-1][across], number[:-1][down]])
    graph = coo_array((np.ones(a.size, np.int8), (a, b)), shape=(labels.size, labels.size))
    _, region = connected_components(graph.tocsr(), directed=False)
    _, first, inverse = np.unique(region, return_index=True, return_inverse=True)
    order = np.empty(first.size, np.int32)
    order[np.argsort(first)] = np.arange(1, first.size + 1, dtype=np.int32)
    return order[inverse].reshape(labels.shape)


def region_mean(values: ArrayLike, number: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the mean over the cells of each region, index = number of the region."""
    flat = number.ravel()
    total = np.bincount(flat, weights=np.asarray(values, np.float64).ravel())
    return np.asarray(total / np.maximum(np.bincount(flat), 1))


def blurred(values: ArrayLike, sigma: float) -> Floats:
    """Return values smoothed by a Gaussian of ``sigma`` cells, edges mirrored."""
    return np.asarray(ndimage.gaussian_filter(np.asarray(values, np.float32), sigma, mode="nearest"))
