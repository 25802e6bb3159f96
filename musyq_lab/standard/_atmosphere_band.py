r"""From the shipped atmosphere table (6S at some wavelengths) to the small tables of one band that the kernels use.

``catalogs/atmosphere/atmosphere.nc`` (made by ``derive.py`` beside it) holds what 6S printed, but for the light
that aerosol adds by multiple scattering: that is computed by adding and doubling with the optical properties of 6S and
brought to 6S by its difference from about 700 of its runs. Here the table is brought to the axes of
:mod:`musyq_lab.kernels.atmosphere` by cubic splines, and to a band by its response times the solar irradiance:
scattering at the three Gaussian nodes of that weight, gas absorption at each step of 2.5 nm.

Absorption follows the band models of 6S, to which its transmittances are fitted at each step (errors below 1e-5 for
water vapour and ozone): Goody for water vapour, Beer for ozone, Malkmus and a linear term for the others together,

.. math:: -\ln T_w = \frac{a x}{\sqrt{1 + b x}}, \qquad -\ln T_o = k x, \qquad
   -\ln T_d = B(\sqrt{1 + C m} - 1) + D m

with :math:`x` the column times the air mass :math:`m`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.resources import resource
from musyq_lab.kernels import atmosphere as kernels
from musyq_lab.standard import _sixs

TABLE = "catalogs/atmosphere/atmosphere.nc"

Floats = NDArray[np.float64]

_SCALE_RATIO = 4  # scale heights of molecules (8 km) and aerosol (2 km) in 6S
_REFERENCE_MASS = 2.5
_REFERENCE_OZONE = 300.0  # Dobson unit; state in which the gases of a band weigh one another
AOD_SHIFT = 0.3
"""Splines over optical depth run in the logarithm of it and this."""
_SMOOTH = 0.8625  # um; beyond, aerosol has the kinks of 6S at its nodes, all of which are in the table
_NODES = 3  # wavelengths of scattering in a band
_OUTSIDE = 0.02  # share of a band's weight that may lie beyond the table
_VIOLET = 0.385  # um; from here to 0.4 um scattering follows the power law of the first two nodes, and no gas absorbs

_U, _WEIGHT = np.polynomial.legendre.leggauss(24)
_U, _WEIGHT = (_U + 1) / 2, _WEIGHT / 2


@dataclass(frozen=True)
class BandTables:
    """Tables of one band, in the order in which the kernels take them."""

    once: NDArray[Any]
    phase: NDArray[Any]
    rayleigh: NDArray[Any]
    aerosol: NDArray[Any]
    beam: NDArray[Any]
    albedo: NDArray[Any]
    water: NDArray[Any]
    dry: NDArray[Any]
    absorption: NDArray[Any]
    direct: NDArray[Any]

    def scattering(self) -> tuple[NDArray[Any], ...]:
        """Return the tables of ``coefficients``, flat."""
        fields = (self.once, self.phase, self.rayleigh, self.aerosol, self.beam, self.albedo)
        return tuple(field.ravel() for field in (*fields, self.water, self.dry, self.absorption))

    def downward(self) -> tuple[NDArray[Any], ...]:
        """Return the tables of ``downward``, flat."""
        fields = (self.direct, self.beam, self.water, self.dry, self.absorption)
        return tuple(field.ravel() for field in fields)


def single_scattering(mass: Any, molecules: Any, aerosol: Any) -> tuple[Floats, Floats]:
    """Return A and B / albedo of :mod:`musyq_lab.kernels.atmosphere` for an air mass and two optical depths."""
    mass, molecules, aerosol = (np.asarray(value, np.float64)[..., None] for value in (mass, molecules, aerosol))
    passed = np.exp(-mass * (molecules * _U + aerosol * _U**_SCALE_RATIO)) * _WEIGHT
    profile = _SCALE_RATIO * _U ** (_SCALE_RATIO - 1)
    return (passed * molecules).sum(-1), (passed * profile * aerosol).sum(-1)


@lru_cache(maxsize=1)
def table() -> dict[str, Floats]:
    """Return the shipped table, variables and coordinates by name."""
    with xr.open_dataset(resource(TABLE), engine="h5netcdf") as stored:
        return {str(name): np.asarray(stored[name].values, np.float64) for name in stored.variables}


def tables_of(response: xr.DataArray, dtype: np.dtype[Any]) -> BandTables:
    """Return the tables of a band.

    Parameters
    ----------
    response : DataArray
        Over ``wavelength`` (um).
    dtype : numpy dtype
        float32 or float64.

    Raises
    ------
    InputError
        If the band lies beyond 0.4 to 2.5 um.
    """
    source = table()
    places, weights = _weights(source, response)
    nodes, shares = gaussian(places, weights)
    parts = [_scattering(source, wavelength) for wavelength in nodes]
    means = [sum(share * part[k] for share, part in zip(shares, parts, strict=True)) for k in range(len(parts[0]))]
    once, phase, rayleigh, aerosol, beam, albedo, direct = means
    phase = phase / once[1, 1, -1, 0]  # weighted with the light that aerosol scatters
    water, dry, absorption = _gases(source, places, weights)
    fields = (once, phase, rayleigh, aerosol, beam, albedo, water, dry, absorption, direct)
    return BandTables(*(np.ascontiguousarray(field, dtype) for field in fields))


def _weights(source: dict[str, Floats], response: xr.DataArray) -> tuple[Floats, Floats]:
    """Return the wavelengths of 6S within a band, and response times irradiance there (sum 1)."""
    places, weights = _sixs.on_grid(response)
    grid = source["gas_wavelength"]
    inside = (places > _VIOLET) & (places < grid[-1] + 1e-6)
    if weights[~inside].sum() > _OUTSIDE * weights.sum():
        raise InputError(
            f"The {response.attrs.get('long_name', 'band')} reaches from {places[0]:.4g} to {places[-1]:.4g} um; the "
            f"atmosphere tables from {_VIOLET:g} to {grid[-1]:g} um. They serve the reflective bands."
        )
    places, weights = places[inside], weights[inside]
    weights = weights * np.interp(places, grid, source["solar_irradiance"])
    return places, weights / weights.sum()


def gaussian(places: Floats, weights: Floats, count: int = _NODES) -> tuple[Floats, Floats]:
    """Return the nodes and shares of the Gaussian quadrature of a discrete weight (Golub & Welsch 1969).

    They give the mean of any polynomial of degree 2 ``count`` - 1 exactly.
    """
    count = min(count, places.size)
    basis = np.sqrt(weights / weights.sum())
    vectors = [basis]
    diagonal, beside = [], []
    for k in range(count):
        product = places * vectors[k]
        diagonal.append(float(product @ vectors[k]))
        for _ in range(2):  # twice: the first pass loses orthogonality to rounding
            for vector in vectors:
                product = product - (product @ vector) * vector
        beside.append(float(np.sqrt(product @ product)))
        vectors.append(product / beside[-1] if beside[-1] > 0 else product)
    matrix = np.diag(diagonal) + np.diag(beside[: count - 1], 1) + np.diag(beside[: count - 1], -1)
    nodes, parts = np.linalg.eigh(matrix)
    return nodes, parts[0] ** 2


def _scattering(source: dict[str, Floats], wavelength: float) -> tuple[Floats, ...]:
    """Return the tables of scattering at one wavelength, the phase function times what it weighs."""
    axes = kernels.AXES
    optics = _Optics.at(source, wavelength)
    molecules = optics.molecules * axes["pressure"] / source["pressure"][0]
    aerosol = optics.aerosol * axes["aod"]
    depths = (molecules[None, :, None], aerosol[:, None, None])
    a, b = single_scattering(axes["mass"], *depths)
    clear, _ = single_scattering(axes["mass"], depths[0], 0.0 * depths[1])
    once = np.stack([a, b * optics.albedo, clear])
    cosines = np.cos(np.radians(source["scattering_angle"]))[::-1]
    visible = np.clip(axes["cosine"], None, cosines[-1])
    phase = spline_matrix(cosines, visible) @ optics.phase[::-1] * once[1, 1, -1, 0]
    beam, albedo = _beams(source, wavelength)
    total = molecules[None, :, None] + aerosol[:, None, None]
    direct = np.exp(-total / np.cos(np.radians(axes["beam_zenith"])))
    rayleigh = _rayleigh(source, molecules)
    return once, phase, rayleigh, _aerosol(source, wavelength, optics), beam, albedo, direct


@dataclass(frozen=True)
class _Optics:
    """Optical properties at one wavelength."""

    molecules: float
    aerosol: float
    albedo: float
    phase: Floats

    @classmethod
    def at(cls, source: dict[str, Floats], wavelength: float) -> _Optics:
        low, share = _between(source["wavelength"], wavelength)
        names = ("rayleigh_depth", "aerosol_depth", "aerosol_albedo", "phase")
        return cls(*(_power(source[name], low, share) for name in names))


def _between(nodes: Floats, wavelength: float) -> tuple[int, float]:
    """Return the node below, and the place between it and the next in the logarithm (beyond the ends too)."""
    low = int(np.clip(np.searchsorted(nodes, wavelength, side="right") - 1, 0, nodes.size - 2))
    return low, float(np.log(wavelength / nodes[low]) / np.log(nodes[low + 1] / nodes[low]))


def _power(values: Floats, low: int, share: float) -> Any:
    """Interpolate by a power law of the wavelength, as 6S does."""
    return values[low] ** (1 - share) * values[low + 1] ** share


def spline_matrix(nodes: Floats, places: Floats, ends: str = "not-a-knot") -> Floats:
    """Return the matrix of the cubic spline from values at nodes to those at places.

    ``ends`` is as for scipy's CubicSpline, or ``"even"``: level at the first node.
    """
    from scipy.interpolate import CubicSpline

    conditions = ((1, np.zeros(nodes.size)), "not-a-knot") if ends == "even" else ends
    return np.asarray(CubicSpline(nodes, np.eye(nodes.size), bc_type=conditions)(places), np.float64)


def _quadratic(nodes: Floats, places: Floats) -> Floats:
    """Return the matrix of the polynomial through all nodes."""
    powers = np.vander((nodes - nodes[0]) / (nodes[-1] - nodes[0]), increasing=True)
    at = np.vander((places - nodes[0]) / (nodes[-1] - nodes[0]), nodes.size, increasing=True)
    return np.asarray(at @ np.linalg.inv(powers), np.float64)


def _cosines(sun: Floats, view: Floats) -> Floats:
    """Return mu_s + mu_v, dims (sun, view, 1)."""
    return (np.cos(np.radians(sun))[:, None] + np.cos(np.radians(view)))[..., None]


def _rayleigh(source: dict[str, Floats], depths: Floats) -> Floats:
    """Return M (mu_s + mu_v) of molecules, dims (pressure, sun, view, azimuth)."""
    axes = kernels.AXES
    zenith, nodes = source["rayleigh_zenith"], source["rayleigh_depths"]
    scaled = source["rayleigh_multiple"] / nodes[:, None, None, None] ** 2
    scaled = np.einsum("pt,tsvf->psvf", spline_matrix(np.log(nodes), np.log(depths)), scaled)
    scaled = scaled * _cosines(zenith, zenith)
    harmonics = np.linalg.inv(_harmonics(source["rayleigh_azimuth"]))
    angles = _harmonics(axes["relative_azimuth"]) @ harmonics
    suns, views = spline_matrix(zenith, axes["sun_zenith"]), spline_matrix(zenith, axes["view_zenith"])
    dense = np.einsum("xs,yv,af,psvf->pxya", suns, views, angles, scaled, optimize=True)
    return np.asarray(dense * depths[:, None, None, None] ** 2)


def _harmonics(azimuth: Floats) -> Floats:
    return np.cos(np.radians(azimuth)[:, None] * np.arange(3))


def _aerosol(source: dict[str, Floats], wavelength: float, optics: _Optics) -> Floats:
    """Return what aerosol adds to M (mu_s + mu_v), dims (aod, pressure, sun, view, azimuth)."""
    axes = kernels.AXES
    nodes = source["path_wavelength"]
    at_nodes = [_Optics.at(source, w) for w in nodes]
    scale = np.array([o.aerosol * o.albedo for o in at_nodes])
    place = np.log(np.atleast_1d(wavelength))
    bent = np.array([np.interp(place, np.log(nodes), row) for row in np.eye(nodes.size)]).T
    spectral = (spline_matrix(np.log(nodes), place) if wavelength < _SMOOTH else bent)[0] / scale
    spectral = spectral * optics.aerosol * optics.albedo
    stored = np.einsum("w,wpasvf->apsvf", spectral, source["aerosol_multiple"])
    stored = stored * _cosines(source["sun_zenith"], source["view_zenith"])
    known = np.concatenate([[0.0], source["aod"]])
    matrices = (
        spline_matrix(np.log(known + AOD_SHIFT), np.log(axes["aod"] + AOD_SHIFT))[:, 1:],  # nothing without aerosol
        _quadratic(source["pressure"], axes["pressure"]),
        spline_matrix(source["sun_zenith"], axes["sun_zenith"]),
        spline_matrix(source["view_zenith"], axes["view_zenith"]),
        spline_matrix(source["relative_azimuth"], axes["relative_azimuth"], "clamped"),
    )
    return np.asarray(np.einsum("Aa,Pp,Ss,Vv,Ff,apsvf->APSVF", *matrices, stored, optimize=True))


def _beams(source: dict[str, Floats], wavelength: float) -> tuple[Floats, Floats]:
    """Return transmittance (aod, pressure, zenith) and spherical albedo (aod, pressure)."""
    axes = kernels.AXES
    low, share = _between(source["wavelength"], wavelength)
    known = source["haze"]
    aods = spline_matrix(np.log(known + AOD_SHIFT), np.log(axes["aod"] + AOD_SHIFT))
    pressures = _quadratic(source["pressure"], axes["pressure"])
    zeniths = spline_matrix(source["beam_zenith"], axes["beam_zenith"], "even")
    loss = -np.log(_power(source["transmittance"], low, share))
    loss = loss * np.cos(np.radians(source["beam_zenith"]))
    dense = np.einsum("Aa,Pp,Zz,paz->APZ", aods, pressures, zeniths, loss, optimize=True)
    albedo = _power(source["spherical_albedo"], low, share)
    beam = np.exp(-dense / np.cos(np.radians(axes["beam_zenith"])))
    return beam, np.asarray(np.einsum("Aa,Pp,pa->AP", aods, pressures, albedo, optimize=True))


def _gases(source: dict[str, Floats], places: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the transmittances of water vapour (pressure, amount), the dry gases (pressure, mass) and ozone's two."""
    axes = kernels.AXES
    index = np.searchsorted(source["gas_wavelength"], places - 1e-6)  # the first, without absorption, below 0.4 um
    names = ("water_a", "water_b", "ozone_k", "dry_b", "dry_c", "dry_d")
    a, b, k, big_b, c, d = (source[name][:, None, index] for name in names)  # (pressure, 1, wavelength)

    def dry(mass: Any) -> Floats:
        return np.asarray(np.exp(-big_b * (np.sqrt(1 + c * mass) - 1) - d * mass))

    def mean(values: Floats, weight: Floats) -> Floats:
        return np.asarray((values * weight).sum(-1) / weight.sum(-1))

    vapour = axes["vapour"][:, None]
    others = weights * dry(_REFERENCE_MASS)
    ozone = np.exp(-k * _REFERENCE_MASS * _REFERENCE_OZONE)
    water = mean(np.exp(-a * vapour / np.sqrt(1 + b * vapour)), others * ozone)
    dried = mean(dry(axes["mass"][:, None]), weights * ozone)
    first = mean(k, others)
    second = mean((k - first[..., None]) ** 2, others) / 2
    # -ln <exp(-k x)> = <k> x - <(k - <k>)^2> x^2 / 2 + ...
    heights = _quadratic(np.log(source["pressure"]), np.log(axes["pressure"]))
    logs = (np.log(np.maximum(values, 1e-30)) for values in (water, dried))
    water, dried = (np.minimum(np.exp(heights @ values), 1.0) for values in logs)
    return water, dried, np.stack([heights @ first[:, 0], np.maximum(heights @ second[:, 0], 0.0)])
