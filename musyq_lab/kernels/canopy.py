r"""Reflectance and transmittance of a canopy: 4SAIL, layer by layer and coupled with the soil.

A horizontal layer of leaves is lit by a beam from the Sun (s) and by diffuse light (d) and seen in a direction (o). Its
nine coefficients say what becomes of each: ``rsd`` is the share of the beam that leaves upwards as diffuse light,
``tdo`` the share of diffuse light from below that leaves towards the view, and so on. They do not depend on what lies
below, so that

.. math:: r_{so}^* = r_{so} + \tau_{ssoo} r + \frac{r}{1 - r\,r_{dd}}
   \left[(\tau_{ss} + \tau_{sd}) \tau_{do} + (\tau_{sd} + \tau_{ss} r\,r_{dd}) \tau_{oo}\right]

gives the reflectance over any soil r (Lambertian) without running the model again.

Angles are in degrees. A relative azimuth of 0 has Sun and view on one side: the hot spot lies at equal zenith angles.
Zenith angles lie in [0, 90), leaf area is not negative: NaN otherwise.

References
----------
Verhoef, Jia, Xiao & Su (2007), Unified optical-thermal four-stream radiative transfer theory for homogeneous
vegetation canopies, IEEE Trans. Geosci. Remote Sens. 45, 1808-1822, doi:10.1109/TGRS.2007.895844. The hot spot is that
of Kuusk (1991) with the leaf size scaled by 2 / (k + K), integrated in 20 steps of equal change of the correlation.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from musyq_lab.kernels import _sail
from musyq_lab.kernels._leaf_angles import EDGES, VERHOEF_EDGES, campbell, verhoef
from musyq_lab.kernels._sun_and_view import geometry
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

_LEAF = ("n", "cab", "car", "ant", "cbrown", "cw", "cm")
_STAND = ("lai", "hotspot", "sun_zenith", "view_zenith", "relative_azimuth")
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
    found = geometry(lai, leaf_angles, hotspot, sun_zenith, view_zenith, relative_azimuth, edges)
    per_case: list[Floats] = [x[..., None].astype(dtype) for x in found]
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
    Coupling band averages with a band average of the soil is not the average of the coupled spectrum. Both differ by
    at most 2e-4 in the bands of OLI, 6e-4 in those of MSI and MODIS, 0.001 from 0.4 to 0.7 um and 0.018 from 0.4 to
    2.5 um, for which :func:`musyq_lab.standard.spectra.intervals` helps (0.001).
    """
    dtype = working_type(*(getattr(parameters, name) for name in _LEAF))
    leaf = [np.asarray(getattr(parameters, name), dtype) for name in _LEAF]
    stand = [np.asarray(getattr(parameters, name)) for name in _STAND]
    angles = np.asarray(parameters.leaf_angles, np.float64)
    shape = np.broadcast_shapes(*(x.shape for x in (*leaf, *stand)), angles.shape[:-1])
    flat = [np.broadcast_to(x, shape).reshape(-1) for x in (*leaf, *stand)]
    distribution = np.broadcast_to(angles, (*shape, angles.shape[-1])).reshape(-1, angles.shape[-1])
    mixing = np.ascontiguousarray(np.asarray(weights).T, dtype)
    size, cases = max(1, _BLOCK // mixing.shape[0]), flat[0].size
    spectral, per_case = np.empty((8, cases, mixing.shape[1]), dtype), np.empty((10, cases, 1), dtype)
    scratch = np.empty((8, min(size, cases), mixing.shape[0]), dtype)
    for start in range(0, cases, size):
        part = slice(start, min(start + size, cases))
        *seven, lai, hotspot, sun, view, azimuth = (x[part] for x in flat)
        rho, tau = prospect_d(*seven, constants=constants)
        per_case[:, part, 0] = geometry(lai, distribution[part], hotspot, sun, view, azimuth, EDGES)
        rows = scratch[:, : lai.size]
        _sail.layer(rho, tau, *per_case[:8, part], out=tuple(rows))
        np.matmul(rows, mixing, out=spectral[:, part])
    *coefficients, w = (x.reshape(*shape, mixing.shape[1]) for x in spectral)
    return _assembled(coefficients, w, [x.reshape(*shape, 1) for x in per_case])


def _assembled(spectral: list[Floats], w: Floats, per_case: list[Floats]) -> Layer:
    """Put the coefficients of the kernel, and those that have no wavelength, in their places."""
    rdd, tdd, rsd, tsd, rdo, tdo, rsod = spectral
    lai, half_s, half_o, both, tsstoo = (per_case[k] for k in (0, 3, 4, 8, 9))
    return Layer(rdd, tdd, rsd, tsd, rdo, tdo, w * lai * both, rsod, half_s**2, half_o**2, tsstoo)
