r"""Relations between the bands of two sensors, fitted to the library of spectra.

The form is that of :mod:`musyq_lab.kernels.bandpass`. It was chosen among several by the root mean square error over
spectra that the fit had not seen: those of the library and, as independent ones, 5261 measured spectra of soils, litter
and building materials and 2000 simulated canopies of the package earthlib 1.1.0. One factor for a band, and one line,
gain next to nothing; linear in all bands, it halves the error; with slopes linear in the normalised differences, and
better with their squares, it falls to between a half and a ninth, while products of two differences gained on the
library only. ``benchmarks/bandpass.py`` prints the table. What it cannot tell: how steep a soil is near 0.85 um from
one broad band there (GF-1, HJ-1, SEVIRI, AGRI: an error of 0.007 to 0.013 in near infrared), and the depth of clay and
cellulose between 2.1 and 2.26 um from a band beside it (0.007 to 0.011; over soil without clay it may be larger than
before, and over plant litter it is twice that from OLI and MSI: 0.008 before, 0.019 after). Over the measured spectra
the errors are 0.6 to 2 of the stated uncertainty wherever they exceed 0.002 (swir2 over soil 1.2 to 1.8, litter 0.7 to
1), up to 3.3 where they are smaller or the surface is a building.

The coefficients minimise the weighted square error of the *change* :math:`y - x`, x the nearest band, with weights
:math:`(0.3 + y)^{-2}`, over each spectrum and its two noisy copies, with noise of 0.002 + 2 % in every band: what noise
does to a change counts as error, so that no large coefficients of opposite sign arise between bands that see nearly the
same. A relation that predicts no better than no change at all, in fivefold cross-validation, is replaced by that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels.bandpass import DARKEST
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard._library import Floats, band_reflectance

MOST = 6
"""Bands that a relation uses at most."""

# Their narrow band at 0.865 um serves the ocean (MODIS 8 to 16: Meister & Franz 2011, doi:10.1117/12.892022) and
# saturates over bright land; at which reflectance was not looked up.
_OCEAN = ("modis", "fy3_mersi1", "fy3d_mersi2")
_NOISE = 0.002, 0.02
_SOFT = 0.3  # reflectance added in the weights
_RIDGE = 1e-5  # per spectrum
_FOLDS = 5
_KEY = 11  # of the noise
_MARGIN = 0.02  # of the range of the library by which its limits are passed
_WORLD = 1.5  # error over measured spectra by that over the library: median of 172 bands and kinds of surface
_CLEAR = 0.01  # reflectance above which a ratio tells something


@dataclass(frozen=True, slots=True)
class Relation:
    """How one reference band follows from bands of another sensor."""

    sources: tuple[int, ...]
    """Positions of the bands used, by wavelength."""
    nearest: int
    """Position of the band it is compared with."""
    coefficients: tuple[float, ...]
    """In the order of :func:`musyq_lab.kernels.bandpass.arguments`."""
    uncertainty: tuple[float, float, float]
    """One sigma: a floor, a share of the nearest reflectance, and a share of the change (1)."""
    error: float
    """Root mean square error over spectra of the library left out of the fit (1)."""
    error_before: float
    """The same of the nearest band as it is."""


@dataclass(frozen=True, slots=True)
class Hull:
    """Limits of the spectra of the library, as :func:`musyq_lab.kernels.bandpass.outside` takes them."""

    sources: tuple[int, ...]
    """Positions of the bands used, by wavelength."""
    limits: tuple[float, ...]
    """Numbers of the kernel."""


@dataclass(frozen=True, slots=True)
class Bands:
    """Some bands of a sensor."""

    sensor: str
    """Key."""
    variant: str
    """Platform or camera."""
    names: tuple[str, ...]
    """Native names, by wavelength."""

    @property
    def reflectance(self) -> Floats:
        """Reflectance of the library, shape (spectrum, band)."""
        return band_reflectance(self.sensor, self.names, self.variant)

    @property
    def roles(self) -> tuple[str, ...]:
        """Names of the same bands by role."""
        return tuple(SENSORS[self.sensor].band(name, self.variant).name for name in self.names)

    @property
    def centres(self) -> tuple[float, ...]:
        """Centres (um)."""
        return tuple(SENSORS[self.sensor].band(name, self.variant).centre for name in self.names)


@lru_cache(maxsize=512)
def chain(bands: Bands, reference: Bands, nearest: int, wanted: int) -> tuple[Relation, ...]:
    """Return the relations for a reference band: from up to six bands, from red and near infrared too, from one alone.

    The second and third serve pixels that lack a band of those before.

    Parameters
    ----------
    bands : Bands
        What the scene has.
    reference : Bands
        What is wanted.
    nearest, wanted : int
        Positions of two bands of one role.
    """
    x, y = bands.reflectance, reference.reflectance[:, wanted]
    core = {nearest} | {k for k, name in enumerate(bands.roles) if name in ("red", "nir")}
    centre = reference.centres[wanted]
    usable = [k for k in range(len(bands.names)) if k == nearest or not _oceanic(bands, k)]
    order = sorted(usable, key=lambda k: (k not in core, abs(np.log(bands.centres[k] / centre))))
    distinct = dict.fromkeys(tuple(sorted(chosen)) for chosen in (order[:MOST], core, {nearest}))
    return tuple(fit(x, y, sources, nearest) for sources in distinct)


def line_error(band: Bands, reference: Bands, slope: float, offset: float) -> tuple[float, float]:
    """Return the root mean square error of a line over the library, relative to the band and as it is."""
    x, y = band.reflectance[:, 0], reference.reflectance[:, 0]
    error = _rms(slope * x + offset - y)
    return error / _rms(x), error


def fit(x: Floats, y: Floats, sources: tuple[int, ...], nearest: int) -> Relation:
    """Fit a relation.

    Parameters
    ----------
    x : array, shape (spectrum, band)
        Reflectance in the bands of a sensor.
    y : array, shape (spectrum,)
        Reflectance in the wanted band.
    sources : tuple of int
        Bands to use, by wavelength.
    nearest : int
        Band that the change is counted from, one of ``sources``.
    """
    own = np.ascontiguousarray(x[:, sources].T)
    home = own[sources.index(nearest)]
    limits = _limits(_shapes(own))
    clean = _features(own, limits)
    fold = np.arange(y.size) % _FOLDS
    grams, sides = _normal_equations(own, y - home, y, limits, fold)
    whole = _solved(grams.sum(axis=0), sides.sum(axis=0), y.size)
    change = np.empty_like(y)
    for k in range(_FOLDS):
        part = _solved(grams.sum(axis=0) - grams[k], sides.sum(axis=0) - sides[k], y.size)
        change[fold == k] = np.einsum("f,fs->s", part, clean[:, fold == k])
    before, after = _rms(y - home), _rms(y - home - change)
    better = after < before
    if not better:
        whole, change = np.zeros_like(whole), np.zeros_like(change)
    numbers = whole.copy()
    numbers[sources.index(nearest)] += 1.0
    ratio = _limits((y / home)[home > _CLEAR][None])[:, 0] if better else np.ones(2)
    uncertainty = _uncertainty(y - home - change, home, change)
    coefficients = (*limits.ravel(), *numbers, *ratio)
    return Relation(sources, nearest, tuple(float(v) for v in coefficients), uncertainty, min(before, after), before)


@lru_cache(maxsize=128)
def hull(bands: Bands) -> Hull:
    """Return the limits of the library in the bands of a sensor: of normalised differences and of their components."""
    usable = [k for k in range(len(bands.names)) if not _oceanic(bands, k)] or [0]
    order = sorted(usable, key=lambda k: (_rank(bands.roles[k]), k))
    sources = tuple(sorted(order[:MOST]))
    shapes = _shapes(np.ascontiguousarray(bands.reflectance[:, sources].T))
    if not len(shapes):
        return Hull(sources, ())
    centred = shapes - shapes.mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(np.einsum("is,js->ij", centred, centred))
    components = np.einsum("ik,is->ks", vectors, shapes)
    limits = (*_limits(shapes).ravel(), *vectors.T.ravel(), *_limits(components).ravel())
    return Hull(sources, tuple(float(v) for v in limits))


def _oceanic(bands: Bands, k: int) -> bool:
    """Tell whether a band has no value over much of the land, or a poor one, so that no other may depend on it."""
    role = bands.roles[k]
    return role == "coastal" or (role == "nir_narrow" and bands.sensor in _OCEAN)


def _rank(role: str) -> int:
    usual = ("red", "nir", "green", "swir1", "blue", "swir2")
    return usual.index(role) if role in usual else len(usual)


def _shapes(x: Floats) -> Floats:
    """Return the normalised differences of neighbouring bands, shape (band - 1, spectrum)."""
    p = np.maximum(x, DARKEST)
    found: Floats = (p[1:] - p[:-1]) / (p[1:] + p[:-1])
    return found


def _limits(values: Floats) -> Floats:
    """Return the smallest and the largest of each row, a little widened, shape (2, row)."""
    low, high = values.min(axis=1), values.max(axis=1)
    return np.stack([low - _MARGIN * (high - low), high + _MARGIN * (high - low)])


def _features(x: Floats, limits: Floats) -> Floats:
    """Return what the coefficients multiply, in their order, shape (feature, spectrum)."""
    s = np.clip(_shapes(x), limits[0][:, None], limits[1][:, None])
    terms = (x, (x[:, None] * s).reshape(-1, x.shape[1]), (x[:, None] * s**2).reshape(-1, x.shape[1]))
    return np.concatenate(terms)


def _normal_equations(
    x: Floats, change: Floats, y: Floats, limits: Floats, fold: NDArray[np.int_]
) -> tuple[Floats, Floats]:
    """Return the matrix and the right side of each fold."""
    noise = np.hypot(_NOISE[0], _NOISE[1] * x) * np.random.Generator(np.random.Philox(_KEY)).standard_normal(x.shape)
    weight = 1.0 / (_SOFT + np.maximum(y, 0.0))
    grams, sides = [], []
    for k in range(_FOLDS):
        here = fold == k
        copies = [_features(np.ascontiguousarray((x + sign * noise)[:, here]), limits) for sign in (1.0, -1.0)]
        rows = np.concatenate([copy * weight[here] for copy in copies], axis=1)
        target = np.tile((change * weight)[here], 2)
        # einsum adds in one order, whatever the number of threads.
        grams.append(np.einsum("is,js->ij", rows, rows))
        sides.append(np.einsum("is,s->i", rows, target))
    return np.array(grams), np.array(sides)


def _solved(gram: Floats, side: Floats, count: int) -> Floats:
    """Solve the normal equations with a ridge by Cholesky's method, in one order of operations."""
    a = gram + 2.0 * _RIDGE * count * np.eye(len(side))
    b = side.copy()
    for i in range(len(b)):
        pivot = np.sqrt(a[i, i])
        a[i:, i] /= pivot
        b[i] /= pivot
        b[i + 1 :] -= a[i + 1 :, i] * b[i]
        a[i + 1 :, i + 1 :] -= a[i + 1 :, i, None] * a[None, i + 1 :, i]
    for i in reversed(range(len(b))):
        b[i] = (b[i] - (a[i + 1 :, i] * b[i + 1 :]).sum()) / a[i, i]
    return b


def _uncertainty(residual: Floats, home: Floats, change: Floats) -> tuple[float, float, float]:
    """Return the three parts of the error: its root mean square is that of the residuals, times that of the world.

    A quarter of the mean square is laid on the floor; shares of the nearest reflectance and of the change follow by
    least squares of the squares.
    """
    total = (residual**2).mean()
    own, more, square = home**2, change**2, np.maximum(residual**2 - total / 4.0, 0.0)
    weight = 1.0 / (own + more + 1e-4) ** 2
    aa, ab, bb = (weight * own * own).sum(), (weight * own * more).sum(), (weight * more * more).sum()
    ay, by = (weight * own * square).sum(), (weight * more * square).sum()
    determinant = aa * bb - ab * ab
    share = max((ay * bb - by * ab) / determinant if determinant > 1e-9 * aa * bb else ay / aa, 0.0)
    growth = max(by - share * ab, 0.0) / bb if bb > 0.0 else 0.0
    model = (share * own + growth * more).mean()
    scale = 0.75 * total / model if model > 0.0 else 0.0
    parts = _WORLD * np.sqrt([total / 4.0, scale * share, scale * growth])
    return float(parts[0]), float(parts[1]), float(parts[2])


def _rms(values: Floats) -> float:
    return float(np.sqrt((values**2).mean()))
