r"""Leaf area by a look-up table with land cover, the way of the programme.

The programme inverts a canopy reflectance model with tables by land cover (Heihe, 1 km; Li et al., IGARSS 2013); its
tables are not public. Here the model is PROSPECT-D with 4SAIL. For each structural type (needles, broad leaves, shrubs
and savannas, grass, crops: ``catalogs/biomes/canopies.csv``) and each bin of angles, a table holds the reflectance of
canopies on a grid of leaf area, chlorophyll, leaf angle and soil. An observation :math:`\rho` is compared with all of
them,

.. math:: J_e = \sum_b \left(\frac{\rho_{be} - \rho_b}{\sigma_b}\right)^2, \qquad
          \sigma_b^2 = 0.01^2 + (s_b\,\rho_b)^2, \quad s_b = 0.1\ (0.2 \text{ beyond } 1.3\ \mu m) ,

and leaf area and FPAR are the means over the best 4 % of the entries; their spread there gives the uncertainty. Tables
are made on first need, some milliseconds each, and kept.

Leaf area is effective, as if leaves were at random: divide by the clumping index
(:func:`musyq_lab.products._clumping.clumping_of`). FPAR is that of green leaves at the time of the observation under a
clear sky with the diffuse share of Spitters et al. (1986), which François et al. (2002) take for PAR.

Bands are averaged for the leaves and then put into 4SAIL, within 0.001 of averaging the canopy's spectrum. Angles are
rounded to 2.5 (Sun), 5 (view) and 15 degrees (azimuth).

References
----------
Verhoef et al. (2007), doi:10.1109/TGRS.2007.895844. Féret et al. (2017), doi:10.1016/j.rse.2017.03.004. Combal et al.
(2003), Retrieval of canopy biophysical variables from bidirectional reflectance using prior information to solve the
ill-posed inverse problem, Remote Sens. Environ. 84, 1-15, doi:10.1016/S0034-4257(02)00035-4, for look-up tables.
Spitters, Toussaint & Goudriaan (1986), doi:10.1016/0168-1923(86)90060-2, for the diffuse share (met in the code of
several models).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.kernels import canopy, ground, lookup
from musyq_lab.kernels.leaf import prospect_d
from musyq_lab.products._class_table import by_class, parameters
from musyq_lab.standard.spectra import Bands, band_weights, intervals

Floats = NDArray[np.floating]

LEAF_AREA = 8.0 * (np.arange(25) / 24) ** 1.6
"""Effective leaf area indices of the tables; denser where there are few leaves, since the mean over the best entries
weighs them all alike and dense canopies are rarer."""
CHLOROPHYLLS, LEAF_ANGLES = 4, 4
SOILS = (
    (0.18, 0.60, 0.02),
    (0.26, 0.75, 0.02),
    (0.34, 0.45, 0.02),
    (0.44, 0.60, 0.02),
    (0.22, 0.72, 0.25),
    (0.36, 0.50, 0.25),
)
"""Brightness (reflectance near 1.6 um when dry), redness (share that is missing at 0.4 um) and moisture (m3 m-3) of the
soils below, see :func:`musyq_lab.kernels.ground.soil`."""

BEST = 0.04
"""Share of the entries whose mean is taken."""
NOISE = (0.01, 0.1, 0.2)
"""One sigma of observation and model together: absolute, and relative to the reflectance below and above 1.3 um, where
it depends on leaf water, of which a table holds one content only."""
MODEL = (0.1, 0.15)
"""One sigma of effective leaf area that the spread among the best entries does not hold: absolute, relative (ours)."""

_STEP = (2.5, 5.0, 15.0)  # deg, of Sun, view and azimuth
_LAST = (80.0, 70.0)  # deg, beyond which Sun and view take the last bin
_WATER = 1.3  # um, beyond which leaf water shows
_PARTS = 5000.0  # of a unit of leaf area or FPAR, in the sums of the kernel
_PAR = (0.4, 0.5, 0.6, 0.7)  # um, intervals that share the light that leaves absorb


class LeafArea(NamedTuple):
    """What the table says of each pixel, in the broadcast shape and float type of the reflectances."""

    lai_effective: Floats
    """Effective leaf area index (m2 m-2)."""
    fpar: Floats
    """Share of photosynthetically active radiation absorbed by the leaves (1)."""
    sigma_lai: Floats
    """One sigma of the effective leaf area index."""
    sigma_fpar: Floats
    """One sigma of the share."""


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """Canopies of one type in one bin of angles, float32."""

    reflectance: NDArray[np.float32]
    """Shape (band, entry)."""
    values: NDArray[np.float32]
    """Effective leaf area index and FPAR, shape (2, entry)."""


def leaf_area(
    bands: Sequence[str],
    reflectances: Sequence[Any],
    sun_zenith: Any,
    view_zenith: Any,
    relative_azimuth: Any,
    land_cover: Any,
    sensor: str,
) -> LeafArea:
    """Return effective leaf area, FPAR and their one-sigma errors.

    Parameters
    ----------
    bands : sequence of str
        Roles, such as ``("red", "nir")``; two at least, within 0.4 to 2.5 um.
    reflectances : sequence of array_like
        Surface reflectance in each of them.
    sun_zenith, view_zenith, relative_azimuth : array_like
        Degrees, azimuth 0 with Sun and view on one side.
    land_cover : array_like
        IGBP classes, 1 to 17.
    sensor : str
        ``"<key>"`` or ``"<key>/<variant>"``, whose bands they are.

    Returns
    -------
    LeafArea
        NaN where an input is, and for snow and ice, water and unknown classes.

    Raises
    ------
    InputError
        If there is no sensor, or there are fewer than two bands or not as many as reflectances.
    """
    names = tuple(bands)
    if len(names) < 2 or len(names) != len(reflectances):
        raise InputError(f"Give at least two bands and one reflectance for each, got {names} and {len(reflectances)}.")
    if not sensor:
        raise InputError('The look-up table is made for a sensor\'s bands: give sensor="modis/Terra", or such.')
    dtype = np.result_type(*(np.asarray(r).dtype for r in reflectances), np.float32)
    given = [*reflectances, sun_zenith, view_zenith, relative_azimuth, by_class("canopies", "type", land_cover)]
    *seen, sun, view, azimuth, kind = np.broadcast_arrays(*(np.asarray(x, np.float32) for x in given))
    observed = np.stack([s.ravel() for s in seen], axis=1)
    weight = 1.0 / np.hypot(np.float32(NOISE[0]), _relative_noise(names, sensor) * observed)
    keys = _keys(kind.ravel(), sun.ravel(), view.ravel(), azimuth.ravel())
    found = np.full((4, observed.shape[0]), np.nan, np.float32)
    for key, places in _groups(keys):
        table = _table(names, sensor, *key)
        rules = np.array([max(2.0, BEST * table.values.shape[1]), _PARTS], np.float32)
        mean, spread, _ = lookup.best(observed[places], weight[places], table.reflectance, table.values, rules)
        found[:2, places], found[2:, places] = mean.T, spread.T
    found[2] = np.sqrt(found[2] ** 2 + np.float32(MODEL[0]) ** 2 + (np.float32(MODEL[1]) * found[0]) ** 2)
    return LeafArea(*(row.reshape(sun.shape).astype(dtype) for row in found))


def _relative_noise(names: tuple[str, ...], sensor: str) -> NDArray[np.float32]:
    bands = _bands(names, sensor)
    far = bands.weights @ bands.wavelength > _WATER
    return np.where(far, NOISE[2], NOISE[1]).astype(np.float32)


def _keys(kind: Floats, sun: Floats, view: Floats, azimuth: Floats) -> NDArray[np.int64]:
    """Return type and bins of angles of each pixel, shape (4, pixel); type 0 where there is none."""
    turned = np.abs((azimuth + 180.0) % 360.0 - 180.0)
    angles = np.stack([np.minimum(sun, _LAST[0]), np.minimum(view, _LAST[1]), turned])
    valid = np.isfinite(kind) & np.isfinite(angles).all(axis=0) & (sun >= 0) & (view >= 0) & (sun < 90) & (view < 90)
    bins = np.rint(angles / np.array(_STEP, np.float32)[:, None])
    bins[2] = np.where(bins[1] == 0, 0, bins[2])  # seen from above there is no azimuth
    return np.where(valid, np.concatenate([kind[None], bins]), 0).astype(np.int64)


def _groups(keys: NDArray[np.int64]) -> list[tuple[tuple[int, ...], NDArray[np.intp]]]:
    """Return each combination of type and bins, and which pixels have it."""
    if not keys.shape[1]:
        return []
    one = np.ravel_multi_index(tuple(keys), (8, 64, 32, 16))
    order = np.argsort(one, kind="stable")
    starts = np.flatnonzero(np.diff(one[order], prepend=-1))
    parts = np.split(order, starts[1:])
    return [(tuple(keys[:, part[0]].tolist()), part) for part in parts if keys[0, part[0]] > 0]


@lru_cache(maxsize=512)
def _table(names: tuple[str, ...], sensor: str, kind: int, sun: int, view: int, azimuth: int) -> Table:
    """Make the table of a type in a bin: 35 to 90 kB."""
    leaves, soils = _leaves(names, sensor, kind), _soils(names, sensor)
    angles = [float(k * step) for k, step in zip((sun, view, azimuth), _STEP, strict=True)]
    row = _first_class(kind)
    low, high, hotspot = (float(parameters("canopies", name)[row]) for name in ("low", "high", "hotspot"))
    layer = canopy.four_sail(
        leaves[0][:, None, None],
        leaves[1][:, None, None],
        lai=LEAF_AREA,
        leaf_angles=_leaf_angles(low, high)[:, None],
        hotspot=hotspot,
        sun_zenith=angles[0],
        view_zenith=angles[1],
        relative_azimuth=angles[2],
    )
    count = len(names)
    seen = canopy.over_soil(_over(layer, slice(count)), soils[:, :count]).rsot
    light = canopy.absorbed(_over(layer, slice(count, None)), soils[:, count:])
    diffuse = _diffuse_share(angles[0])
    par = np.einsum("...b,b->...", (1 - diffuse) * light.direct + diffuse * light.diffuse, _par()[1])
    lai = np.broadcast_to(LEAF_AREA[:, None], par.shape)
    values = np.stack([lai.ravel(), np.clip(par, 0, 1).ravel()]).astype(np.float32)
    return Table(np.ascontiguousarray(seen.reshape(-1, count).T, np.float32), values)


def _over(layer: canopy.Layer, bands: slice) -> canopy.Layer:
    """Return some bands of a layer with an axis for soils: chlorophyll, angle, leaf area, soil, band."""
    parts = (x[..., None, bands if x.shape[-1] > 1 else slice(None)] for x in layer)
    return canopy.Layer(*(x.astype(np.float32) for x in parts))


def _diffuse_share(sun_zenith: float) -> float:
    """Return the share of diffuse light in PAR under a clear sky (Spitters et al. 1986)."""
    height = np.sin(np.radians(90.0 - sun_zenith))
    return float(np.clip(0.847 - 1.61 * height + 1.04 * height**2, 0.0, 1.0))


def _first_class(kind: int) -> int:
    return int(np.flatnonzero(parameters("canopies", "type") == kind)[0])


@lru_cache(maxsize=16)
def _leaf_angles(low: float, high: float) -> Floats:
    return canopy.campbell(np.linspace(low, high, LEAF_ANGLES))


@lru_cache(maxsize=64)
def _leaves(names: tuple[str, ...], sensor: str, kind: int) -> tuple[Floats, Floats]:
    """Return reflectance and transmittance of the leaves of a type by chlorophyll, in the bands and in parts of PAR."""
    row = _first_class(kind)
    n, dry, share, low, high = (
        float(parameters("canopies", name)[row]) for name in ("n", "dry", "water", "cab_low", "cab_high")
    )
    cab = np.linspace(low, high, CHLOROPHYLLS)
    parts = []
    for bands in (_bands(names, sensor), _par()[0]):
        leaf = prospect_d(n, cab, cab / 4, 0.0, 0.0, dry / (1 - share) - dry, dry, constants=bands.leaf)
        parts.append([_averaged(spectrum, bands) for spectrum in leaf])
    rho, tau = (np.concatenate(pair, axis=-1) for pair in zip(*parts, strict=True))
    return rho, tau


@lru_cache(maxsize=64)
def _soils(names: tuple[str, ...], sensor: str) -> Floats:
    """Return the reflectance of the soils in the bands and in parts of PAR, shape (soil, band)."""
    bright, red, moist = np.array(SOILS).T
    parts = []
    for bands in (_bands(names, sensor), _par()[0]):
        spectra = ground.soil(bands.wavelength, bands.leaf.water, bright, redness=red, moisture=moist)
        parts.append(_averaged(spectra, bands))
    return np.concatenate(parts, axis=-1).astype(np.float32)


def _averaged(spectrum: Floats, bands: Bands) -> Floats:
    """Average over the bands; einsum adds in one order, a product of matrices does not for every number of threads."""
    found: Floats = np.einsum("...w,bw->...b", spectrum, bands.weights)
    return found


@lru_cache(maxsize=16)
def _bands(names: tuple[str, ...], sensor: str) -> Bands:
    key, _, variant = sensor.partition("/")
    return band_weights(key, names, variant, step=2)


@lru_cache(maxsize=1)
def _par() -> tuple[Bands, Floats]:
    """Return the intervals of PAR and the share of its photons in each."""
    bands, energy = intervals(_PAR, step=5)
    photons = energy * [0.5 * (low + high) for low, high in pairwise(_PAR)]
    return bands, photons / photons.sum()
