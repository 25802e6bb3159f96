r"""Reflectance and transmittance of a canopy: 4SAIL, layer by layer and coupled with the soil.

A horizontal layer of leaves is lit by a beam from the Sun (s) and by diffuse light (d) and seen in a direction (o). Its
nine coefficients say what becomes of each: ``rsd`` is the share of the beam that leaves upwards as diffuse light,
``tdo`` the share of diffuse light from below that leaves towards the view, and so on. They do not depend on what lies
below, so that

.. math:: r_{so}^* = r_{so} + \tau_{ssoo} r + \frac{r}{1 - r\,r_{dd}}
   \left[(\tau_{ss} + \tau_{sd}) \tau_{do} + (\tau_{sd} + \tau_{ss} r\,r_{dd}) \tau_{oo}\right]

gives the reflectance over any soil r (Lambertian) without running the model again.

Angles are in degrees. A relative azimuth of 0 has Sun and view on one side: the hot spot lies at equal zenith angles.
Zenith angles are below 90 (NaN from there on).

References
----------
Verhoef, Jia, Xiao & Su (2007), Unified optical-thermal four-stream radiative transfer theory for homogeneous
vegetation canopies, IEEE Trans. Geosci. Remote Sens. 45, 1808-1822, doi:10.1109/TGRS.2007.895844. The hot spot is that
of Kuusk (1991) with the leaf size scaled by 2 / (k + K), integrated in 20 steps of equal change of the correlation.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musyq_lab.kernels import _sail
from musyq_lab.kernels._leaf_angles import EDGES, VERHOEF_EDGES, campbell, centres, verhoef
from musyq_lab.kernels.leaf import Floats, LeafConstants, prospect_d, working_type

__all__ = [
    "EDGES",
    "VERHOEF_EDGES",
    "Absorbed",
    "CanopyParameters",
    "Layer",
    "Reflectances",
    "absorbed",
    "campbell",
    "canopy_bands",
    "four_sail",
    "over_soil",
    "verhoef",
]

_STEPS = 20
_CORRELATION = (1e-9, 1e12)
"""Limits of the rate at which Sun and view decorrelate: at them the hot spot is complete, or absent, to 1e-9."""

_BLOCK = 48_000  # cases x wavelengths: about 4 MB of coefficients


class Layer(NamedTuple):
    """Coefficients of a layer of leaves, shape (..., wavelength) or (..., band), the last three (..., 1)."""

    rdd: Floats
    """Reflectance to diffuse light, diffuse."""
    tdd: Floats
    """Transmittance to diffuse light, diffuse."""
    rsd: Floats
    """Reflectance to the beam, diffuse."""
    tsd: Floats
    """Transmittance to the beam, diffuse."""
    rdo: Floats
    """Reflectance to diffuse light, in the direction of view."""
    tdo: Floats
    """Transmittance to diffuse light from below, in the direction of view."""
    rsos: Floats
    """Bidirectional reflectance, single scattering."""
    rsod: Floats
    """Bidirectional reflectance, multiple scattering."""
    tss: Floats
    """Beam that passes without meeting a leaf."""
    too: Floats
    """Gap fraction in the direction of view; at nadir 1 - too is the fractional cover of vegetation."""
    tsstoo: Floats
    """Ground both lit by the beam and seen."""

    @property
    def rso(self) -> Floats:
        """Bidirectional reflectance, all scattering."""
        return self.rsos + self.rsod


class Reflectances(NamedTuple):
    """Reflectance factors of canopy and soil together, shape (..., band)."""

    rsot: Floats
    """Bidirectional: beam to view, what an atmospherically corrected image holds under a clear sky."""
    rdot: Floats
    """Hemispherical-directional: diffuse light to view."""
    rsdt: Floats
    """Directional-hemispherical: black-sky albedo."""
    rddt: Floats
    """Bihemispherical: white-sky albedo."""


class Absorbed(NamedTuple):
    """Shares of the light from above that the leaves absorb, shape (..., band)."""

    direct: Floats
    """Of the beam."""
    diffuse: Floats
    """Of diffuse light."""


@dataclass(frozen=True, slots=True)
class CanopyParameters:
    """Leaves, canopy and geometry of any number of cases; the fields broadcast together."""

    n: npt.ArrayLike
    """Plates in a leaf."""
    cab: npt.ArrayLike
    """Chlorophyll a + b (ug cm-2)."""
    car: npt.ArrayLike
    """Carotenoids (ug cm-2)."""
    ant: npt.ArrayLike
    """Anthocyanins (ug cm-2)."""
    cbrown: npt.ArrayLike
    """Brown pigments (arbitrary units)."""
    cw: npt.ArrayLike
    """Water (g cm-2)."""
    cm: npt.ArrayLike
    """Dry matter (g cm-2)."""
    lai: npt.ArrayLike
    """Leaf area index (1)."""
    leaf_angles: npt.ArrayLike
    """Shares of the leaf area in 18 classes of inclination, shape (..., 18): see :func:`campbell`, :func:`verhoef`."""
    hotspot: npt.ArrayLike
    """Leaf size over canopy height (1)."""
    sun_zenith: npt.ArrayLike
    """Degrees."""
    view_zenith: npt.ArrayLike
    """Degrees."""
    relative_azimuth: npt.ArrayLike
    """Degrees, 0 on the side of the Sun."""


def four_sail(
    leaf_reflectance: npt.ArrayLike,
    leaf_transmittance: npt.ArrayLike,
    *,
    lai: npt.ArrayLike,
    leaf_angles: npt.ArrayLike,
    hotspot: npt.ArrayLike,
    sun_zenith: npt.ArrayLike,
    view_zenith: npt.ArrayLike,
    relative_azimuth: npt.ArrayLike,
    edges: npt.ArrayLike = EDGES,
) -> Layer:
    """Return the coefficients of a layer of leaves.

    Parameters
    ----------
    leaf_reflectance, leaf_transmittance : array_like, shape (..., wavelength)
        Of single leaves; sum at most 1.
    lai : array_like
        Leaf area index, from 0.
    leaf_angles : array_like, shape (..., class)
        Shares of the leaf area by inclination, see :func:`campbell` and :func:`verhoef`.
    hotspot : array_like
        Leaf size over canopy height; 0 for none.
    sun_zenith, view_zenith, relative_azimuth : array_like
        Degrees.
    edges : array_like, optional
        Limits of the classes of inclination (degrees).

    Returns
    -------
    Layer
        Shape (..., wavelength), the leading dims of all parameters broadcast together. float32 when both leaf spectra
        are (then within 1e-5 of float64), else float64.
    """
    rho, tau = np.asarray(leaf_reflectance), np.asarray(leaf_transmittance)
    dtype = working_type(rho, tau)
    geometry = _geometry(lai, leaf_angles, hotspot, sun_zenith, view_zenith, relative_azimuth, edges)
    per_case: list[Floats] = [x[..., None].astype(dtype) for x in geometry]
    *spectral, w = _sail.layer(rho.astype(dtype, copy=False), tau.astype(dtype, copy=False), *per_case[:8])
    return _assembled(spectral, w, per_case)


def over_soil(layer: Layer, soil: npt.ArrayLike) -> Reflectances:
    """Return the reflectance factors of a layer of leaves over a Lambertian soil.

    Parameters
    ----------
    layer : Layer
        Coefficients of the leaves.
    soil : array_like, shape (..., band)
        Reflectance of what lies below: soil, snow, water, or another canopy's ``rddt``.
    """
    r = np.asarray(soil)
    bounce = r / (1.0 - r * layer.rdd)
    rddt = layer.rdd + layer.tdd * layer.tdd * bounce
    rsdt = layer.rsd + (layer.tsd + layer.tss) * layer.tdd * bounce
    rdot = layer.rdo + layer.tdd * (layer.tdo + layer.too) * bounce
    many = (layer.tss + layer.tsd) * layer.tdo + (layer.tsd + layer.tss * r * layer.rdd) * layer.too
    return Reflectances(layer.rso + layer.tsstoo * r + many * bounce, rdot, rsdt, rddt)


def absorbed(layer: Layer, soil: npt.ArrayLike) -> Absorbed:
    """Return the share of the light from above that the leaves absorb, light from the soil included.

    In the band of photosynthetically active radiation this is FAPAR: that of the beam (black-sky), that of diffuse
    light (white-sky), or a mean of both weighted with the diffuse share.

    Parameters
    ----------
    layer : Layer
        Coefficients of the leaves.
    soil : array_like, shape (..., band)
        Reflectance of what lies below.
    """
    r = np.asarray(soil)
    factors = over_soil(layer, r)
    into_soil = (1.0 - r) / (1.0 - r * layer.rdd)
    direct = 1.0 - factors.rsdt - (layer.tss + layer.tsd) * into_soil
    return Absorbed(direct, 1.0 - factors.rddt - layer.tdd * into_soil)


def canopy_bands(parameters: CanopyParameters, constants: LeafConstants, weights: npt.ArrayLike) -> Layer:
    """Return band averages of the coefficients of canopies: PROSPECT-D, 4SAIL and the bands' weights in one go.

    Parameters
    ----------
    parameters : CanopyParameters
        Any number of cases.
    constants : LeafConstants
        Spectra of the leaves on the wavelengths of the weights.
    weights : array_like, shape (band, wavelength)
        Rows of sum 1, such as those of :func:`musyq_lab.standard.spectra.band_weights`.

    Returns
    -------
    Layer
        Shape (..., band). float32 when every array among the parameters of the leaf is, else float64.

    Notes
    -----
    Coupling band averages with a band average of the soil is not the band average of the coupled spectrum: the two
    differ by what ``tests/kernels/test_canopy_bands.py`` states.
    """
    leaf = [np.asarray(getattr(parameters, name)) for name in ("n", "cab", "car", "ant", "cbrown", "cw", "cm")]
    stand = [np.asarray(getattr(parameters, name)) for name in ("lai", "hotspot", *_ANGLES)]
    angles = np.asarray(parameters.leaf_angles, np.float64)
    dtype = working_type(*leaf)
    shape = np.broadcast_shapes(*(x.shape for x in (*leaf, *stand)), angles.shape[:-1])
    flat = [np.broadcast_to(x, shape).reshape(-1) for x in (*leaf, *stand)]
    distribution = np.broadcast_to(angles, (*shape, angles.shape[-1])).reshape(-1, angles.shape[-1])
    mixing = np.ascontiguousarray(np.asarray(weights).T, dtype)
    size = max(1, _BLOCK // mixing.shape[0])
    cases = flat[0].size
    spectral, per_case = np.empty((8, cases, mixing.shape[1]), dtype), np.empty((10, cases, 1), dtype)
    scratch = np.empty((8, min(size, cases), mixing.shape[0]), dtype)
    for start in range(0, cases, size):
        part = slice(start, min(start + size, cases))
        *seven, lai, hotspot, sun, view, azimuth = (x[part] for x in flat)
        rho, tau = prospect_d(*seven, constants=constants)
        geometry = _geometry(lai, distribution[part], hotspot, sun, view, azimuth, EDGES)
        per_case[:, part, 0] = geometry
        rows = scratch[:, : lai.size]
        _sail.layer(rho, tau, *per_case[:8, part], out=tuple(rows))
        np.matmul(rows, mixing, out=spectral[:, part])
    *coefficients, w = (x.reshape(*shape, mixing.shape[1]) for x in spectral)
    return _assembled(coefficients, w, [x.reshape(*shape, 1) for x in per_case])


_ANGLES = ("sun_zenith", "view_zenith", "relative_azimuth")


def _assembled(spectral: list[Floats], w: Floats, per_case: list[Floats]) -> Layer:
    """Put the coefficients of the kernel, and those that have no wavelength, in their places."""
    rdd, tdd, rsd, tsd, rdo, tdo, rsod = spectral
    lai, half_s, half_o, both, tsstoo = (per_case[k] for k in (0, 3, 4, 8, 9))
    return Layer(rdd, tdd, rsd, tsd, rdo, tdo, w * lai * both, rsod, half_s**2, half_o**2, tsstoo)


def _geometry(
    lai: npt.ArrayLike,
    leaf_angles: npt.ArrayLike,
    hotspot: npt.ArrayLike,
    sun_zenith: npt.ArrayLike,
    view_zenith: npt.ArrayLike,
    relative_azimuth: npt.ArrayLike,
    edges: npt.ArrayLike,
) -> tuple[npt.NDArray[np.float64], ...]:
    """Return what depends on no wavelength, in the order of the kernel's arguments, then the hot spot's two terms."""
    share = np.asarray(leaf_angles, np.float64)
    numbers = (np.asarray(x, np.float64) for x in (lai, hotspot, sun_zenith, view_zenith, relative_azimuth))
    area, size, sun, view, azimuth, _ = np.broadcast_arrays(*numbers, share[..., 0])
    with np.errstate(invalid="ignore"):
        turn = np.radians(np.abs((azimuth + 180.0) % 360.0 - 180.0))
    s, o = (np.radians(np.where(zenith < 90.0, zenith, np.nan)) for zenith in (sun, view))
    leaf = centres(edges)
    beams = (np.cos(s), np.sin(s), np.cos(o), np.sin(o), turn)
    classes = _sail.leaf_class(*(x[..., None] for x in beams), np.cos(leaf), np.sin(leaf))
    chi_s, chi_o, reflected, transmitted = ((x * share).sum(axis=-1) for x in classes)
    ks, ko = chi_s / np.cos(s), chi_o / np.cos(o)
    bf = (np.cos(leaf) ** 2 * share).sum(axis=-1)
    sob, sof = (np.pi * x / (np.cos(s) * np.cos(o)) for x in (reflected, transmitted))
    apart = np.sqrt(np.maximum(np.tan(s) ** 2 + np.tan(o) ** 2 - 2.0 * np.tan(s) * np.tan(o) * np.cos(turn), 0.0))
    both, tsstoo = _hot_spot(area, size, ks, ko, apart)
    bf = np.broadcast_to(bf, area.shape)
    return area, ks, ko, np.exp(-0.5 * ks * area), np.exp(-0.5 * ko * area), bf, sob, sof, both, tsstoo


def _hot_spot(area: Any, size: Any, ks: Any, ko: Any, apart: Any) -> tuple[Any, Any]:
    r"""Return the mean over depth of the chance to be lit and seen, and that chance at the ground.

    .. math:: P(x) = \exp\left[-(k_s + k_o) L x + \sqrt{k_s k_o} L \frac{1 - e^{-\alpha x}}{\alpha}\right]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(size > 0.0, apart / size * 2.0 / (ks + ko), np.inf)
    rate = np.clip(np.where(np.isnan(size + apart), np.nan, rate), *_CORRELATION)[..., None]
    fall = -np.expm1(-rate) / _STEPS
    step = np.arange(_STEPS + 1)
    depth = -np.log1p(-step[:-1] * fall) / rate
    depth = np.concatenate([depth, np.ones_like(rate)], axis=-1)
    extinction, joint = ((ks + ko) * area)[..., None], (np.sqrt(ks * ko) * area)[..., None]
    exponent = step * fall / rate * joint - extinction * depth
    chance = np.exp(exponent)
    change = np.diff(exponent, axis=-1)
    slope = np.where(change == 0.0, 1.0, np.expm1(change) / np.where(change == 0.0, 1.0, change))
    return (chance[..., :-1] * slope * np.diff(depth, axis=-1)).sum(axis=-1), chance[..., -1]
