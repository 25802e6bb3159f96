"""Random fields with the structure of land: fractal surfaces, smooth noise, and patchworks of fields."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

_MARGIN = 1.3  # a field made by Fourier synthesis is periodic: it is made larger and cut, so that no edge meets another


def _synthesis(
    shape: tuple[int, int], spectrum: Callable[[Floats], Floats], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return noise of zero mean and unit standard deviation whose amplitude at a wavenumber (cycles a cell) is given."""
    rows, columns = (fft.next_fast_len(int(n * _MARGIN) + 4, real=True) for n in shape)
    waves = fft.rfft2(rng.standard_normal((rows, columns), dtype=np.float32))
    k = np.hypot(fft.fftfreq(rows)[:, np.newaxis], fft.rfftfreq(columns)).astype(np.float32)
    k[0, 0] = 1.0
    waves *= spectrum(k)
    waves[0, 0] = 0.0
    out = fft.irfft2(waves, s=(rows, columns))[: shape[0], : shape[1]].astype(np.float32)
    out -= out.mean()
    spread = float(out.std())
    return np.asarray(out / spread if spread > 0 else out)


def fractal(shape: tuple[int, int], beta: float, rng: np.random.Generator, outer: float = np.inf) -> Floats:
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

    Returns
    -------
    ndarray, shape (rows, columns)
        Mean 0, standard deviation 1.
    """
    k0 = np.float32(0.0 if np.isinf(outer) else 1.0 / outer)
    return _synthesis(shape, lambda k: (k * k + k0 * k0) ** np.float32(-beta / 4), rng)


def smooth_noise(shape: tuple[int, int], length: float, rng: np.random.Generator) -> Floats:
    """Return noise with a Gaussian spectrum: mean 0, standard deviation 1, correlated over ``length`` cells."""
    return _synthesis(shape, lambda k: np.exp(-np.float32(0.5) * (2 * np.pi * np.float32(length) * k) ** 2), rng)


def ranks(values: Floats) -> Floats:
    """Return the rank of every cell among all, 0 to 1; equal values keep the order of the cells."""
    order = np.argsort(values, axis=None, kind="stable")
    out = np.empty(values.size, np.float32)
    out[order] = np.linspace(0, 1, values.size, dtype=np.float32)
    return out.reshape(values.shape)


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
    rows, columns = (max(int(np.ceil(n / size)) + 2, 3) for n in shape)
    seeds = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1).reshape(-1, 2)
    centres = (seeds - 0.5 + rng.uniform(-0.45, 0.45, seeds.shape)) * size
    waves = [smooth_noise(shape, max(size / 4, 0.7), rng) * np.float32(warp * size) for _ in range(2)]
    places = np.indices(shape, dtype=np.float32).reshape(2, -1) + np.stack(waves).reshape(2, -1)
    _, nearest = cKDTree(centres).query(places.T, workers=1)
    return np.asarray(nearest, np.int64).reshape(shape)


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
