r"""Light in clouds: two-stream solutions for a plane layer of droplets or ice.

Flux reflectance and transmittance are those of Meador & Weaver (1980, doi
10.1175/1520-0469(1980)037<0630:TSATRT>2.0.CO;2, eq. 14 and 15) with the Eddington coefficients of their table 1 after
delta scaling (Joseph et al. 1976, doi 10.1175/1520-0469(1976)033<2452:TDEAFR>2.0.CO;2). Without absorption they become

.. math:: T = \frac{(2/3 + \mu_0) + (2/3 - \mu_0) e^{-\tau'/\mu_0}}{4/3 + (1 - g) \tau}, \qquad R = 1 - T

A droplet of effective radius r absorbs the share 0.85 r kappa of what it meets (Twomey & Bohren 1980, doi
10.1175/1520-0469(1980)037<2086:SAFCOA>2.0.CO;2), kappa being the absorption coefficient of the bulk.

The tables of water and ice were taken from copies of the published data; the papers on clouds (asymmetry, radii, the
factor 0.85) are cited without having been opened. The two-stream formulas are tested against their own equations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

ASYMMETRY = (0.85, 0.75)
"""Asymmetry parameter of droplets of 10 um (Slingo 1989, doi 10.1175/1520-0469(1989)046<1419:AGPFTS>2.0.CO;2: 0.83 to
0.87 from the visible to 2.4 um) and of ice crystals (Fu 1996, doi 10.1175/1520-0442(1996)009<2058:AAPOTS>2.0.CO;2: 0.75
to 0.80 in the visible)."""

RADIUS = (10.0, 30.0)
"""Effective radius of droplets and crystals (um): means of MODIS retrievals (King et al. 2013, doi
10.1109/TGRS.2012.2227333: 8 to 15 um over land, 25 to 30 um for ice)."""

LOWEST = 0.05
"""Cosine of the zenith angle below which it counts as this, since a plane layer ends where the Earth is round."""

# Wavelength (um) and absorption coefficient (cm-1) of water: Hale & Querry 1973, doi 10.1364/AO.12.000555.
_WATER = np.array([
    [0.40, 5.8e-4], [0.50, 2.5e-4], [0.60, 2.3e-3], [0.70, 6.0e-3], [0.80, 0.0200], [0.90, 0.0680], [0.94, 0.26737],
    [0.97, 0.4500], [1.00, 0.3600], [1.06, 0.1200], [1.12, 0.5200], [1.20, 1.0400], [1.24, 0.8800], [1.30, 1.1100],
    [1.36, 2.7700], [1.38, 6.1000], [1.40, 12.390], [1.44, 28.800], [1.50, 17.590], [1.56, 9.6700], [1.60, 6.7200],
    [1.64, 4.9800], [1.70, 4.4400], [1.80, 8.0300], [1.86, 14.190], [1.94, 119.83], [2.00, 69.120], [2.06, 39.040],
    [2.12, 24.010], [2.16, 18.620], [2.22, 16.130], [2.26, 17.240], [2.34, 31.950], [2.40, 50.060], [2.50, 90.480],
])  # fmt: skip
# Wavelength (um) and imaginary refractive index of ice: Warren & Brandt 2008, doi 10.1029/2007JD009744.
_ICE = np.array([
    [0.40, 2.365e-11], [0.50, 5.889e-10], [0.60, 5.730e-9], [0.70, 2.900e-8], [0.80, 1.340e-7], [0.90, 4.200e-7],
    [0.94, 5.530e-7], [1.00, 1.620e-6], [1.04, 2.330e-6], [1.10, 1.700e-6], [1.16, 3.040e-6], [1.20, 6.710e-6],
    [1.24, 1.220e-5], [1.30, 1.320e-5], [1.36, 1.420e-5], [1.38, 1.580e-5], [1.40, 1.980e-5], [1.44, 1.516e-4],
    [1.493, 5.532e-4], [1.563, 3.858e-4], [1.587, 3.105e-4], [1.613, 2.659e-4], [1.65, 2.361e-4], [1.70, 1.875e-4],
    [1.80, 1.411e-4], [1.87, 1.632e-4], [1.942, 1.108e-3], [2.00, 1.640e-3], [2.062, 1.267e-3], [2.105, 7.586e-4],
    [2.13, 5.255e-4], [2.15, 4.025e-4], [2.19, 2.707e-4], [2.245, 2.026e-4], [2.31, 3.138e-4], [2.37, 5.187e-4],
    [2.43, 6.259e-4], [2.50, 7.530e-4],
])  # fmt: skip


def absorbed(wavelength: float, ice: bool) -> float:
    """Return the share of what a cloud particle meets that it absorbs: its single-scattering co-albedo.

    Parameters
    ----------
    wavelength
        Micrometres, 0.4 to 2.5; taken at the ends beyond.
    ice
        Whether crystals of ice, else droplets.
    """
    table = _ICE if ice else _WATER
    value = float(np.exp(np.interp(wavelength, table[:, 0], np.log(table[:, 1]))))
    per_um = 4 * np.pi * value / wavelength if ice else value * 1e-4
    return min(0.85 * RADIUS[ice] * per_um, 0.5)


def conservative(
    optical_depth: ArrayLike, cosine: ArrayLike, asymmetry: ArrayLike = ASYMMETRY[0]
) -> NDArray[np.floating]:
    """Return the flux transmittance (direct and diffuse) of a layer that does not absorb.

    Parameters
    ----------
    optical_depth
        Of the layer, before delta scaling.
    cosine
        Of the zenith angle of the light, at least ``LOWEST``.
    asymmetry
        Asymmetry parameter.
    """
    depth, mu, g = np.asarray(optical_depth), np.asarray(cosine), np.asarray(asymmetry)
    third = 2 / 3
    unscattered = np.exp(-(1 - g * g) * depth / mu)
    return np.asarray((third + mu + (third - mu) * unscattered) / (2 * third + (1 - g) * depth))


def two_stream(optical_depth: ArrayLike, cosine: ArrayLike, albedo: float, asymmetry: float) -> tuple[Floats, Floats]:
    """Return flux reflectance and transmittance of a layer for light from one direction.

    Parameters
    ----------
    optical_depth, cosine
        As in :func:`conservative`.
    albedo
        Single-scattering albedo.
    asymmetry
        Asymmetry parameter.

    Returns
    -------
    reflectance, transmittance : ndarray
        Their sum falls short of one by what is absorbed.
    """
    depth, mu = np.broadcast_arrays(np.asarray(optical_depth, float), np.asarray(cosine, float))
    if 1 - albedo < 1e-7:
        through = conservative(depth, mu, asymmetry)
        return np.asarray(1 - through, float), np.asarray(through, float)
    forward = asymmetry**2
    depth = (1 - albedo * forward) * depth
    w, g = albedo * (1 - forward) / (1 - albedo * forward), asymmetry / (1 + asymmetry)
    g1, g2 = (7 - w * (4 + 3 * g)) / 4, -(1 - w * (4 - 3 * g)) / 4
    g3 = (2 - 3 * g * mu) / 4
    g4 = 1 - g3
    k = np.sqrt(g1 * g1 - g2 * g2)
    # the solution is regular where k mu = 1, its terms are not
    mu = np.where(np.abs(1 - k * mu) < 1e-4, mu * (1 - 2e-4), mu)
    a1, a2 = g1 * g4 + g2 * g3, g1 * g3 + g2 * g4
    fading, straight = np.exp(-k * depth), np.exp(-depth / mu)
    twice = fading * fading
    scale = w / ((1 - (k * mu) ** 2) * ((k + g1) + (k - g1) * twice))
    reflected = scale * (
        (1 - k * mu) * (a2 + k * g3) - (1 + k * mu) * (a2 - k * g3) * twice - 2 * k * (g3 - a2 * mu) * fading * straight
    )
    through = straight - scale * (
        straight * ((1 + k * mu) * (a1 + k * g4) - (1 - k * mu) * (a1 - k * g4) * twice)
        - 2 * k * (g4 + a1 * mu) * fading
    )
    return np.asarray(reflected), np.asarray(through)


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(6)


def spherical_albedo(optical_depth: ArrayLike, albedo: float, asymmetry: float) -> Floats:
    """Return the reflectance of a layer under light from all sides: twice the integral of R mu over mu."""
    mu = (_NODES + 1) / 2
    reflected, _ = two_stream(
        np.asarray(optical_depth, float)[..., np.newaxis], np.maximum(mu, LOWEST), albedo, asymmetry
    )
    return np.asarray((reflected * mu * _WEIGHTS).sum(axis=-1))
