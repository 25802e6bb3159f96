r"""Radiation from the sky: clear-sky shortwave of Bird & Hulstrom, its change by clouds, longwave of Prata.

Bird, R. E. & Hulstrom, R. L. 1981, A simplified clear sky model for direct and diffuse insolation on horizontal
surfaces, SERI/TR-642-761, doi 10.2172/6510849; airmass of Kasten 1966 as in the report.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels.longwave import STEFAN_BOLTZMANN

Field = NDArray[np.floating]

ANGSTROM = 1.3
"""Angstrom exponent that carries optical depth from 550 nm to the 380 and 500 nm of Bird's model: continental aerosol
(Angstrom 1929; AERONET means over land are 1.1 to 1.6, Dubovik et al. 2002)."""

FORWARD = 0.85
"""Share of what aerosol scatters that goes on downward, the value of Bird & Hulstrom."""

PAR_FRACTION = (0.45, 0.05)
"""Photosynthetically active share of shortwave under a clear sky, and what a thick cloud adds: 0.45 is that of MOD17
(Running & Zhao 2015, user's guide); clouds absorb the near infrared and raise it to about 0.50."""


class ClearSky(NamedTuple):
    """Irradiance on the horizontal without clouds and without light that the ground throws back."""

    direct: Field
    """Beam (W m-2)."""
    diffuse: Field
    """From the sky (W m-2)."""
    albedo: Field
    """Of the clear sky for light from below (1)."""


def clear_sky(
    cosine: Field, extraterrestrial: float, pressure: Field, aod: Field, water_vapour: Field, ozone: Field
) -> ClearSky:
    """Return clear-sky irradiance of Bird & Hulstrom 1981.

    Parameters
    ----------
    cosine
        Of the solar zenith angle; 0 and less give darkness.
    extraterrestrial
        Irradiance facing the sun above the atmosphere (W m-2).
    pressure
        At the surface (hPa).
    aod
        Aerosol optical depth at 550 nm (1).
    water_vapour
        Column (kg m-2).
    ozone
        Column (DU).
    """
    if not (cosine > 0).any():
        dark = np.zeros_like(cosine)
        return ClearSky(dark, dark, np.full_like(cosine, 0.0685))
    mu = np.maximum(cosine, 1e-6)
    zenith = np.degrees(np.arccos(np.minimum(mu, 1.0)))
    mass = 1 / (mu + 0.15 * _power(np.log(93.885 - zenith), -1.253))
    pressed = mass * (pressure * (1 / 1013.25))
    log_mass, log_pressed = np.log(mass), np.log(pressed)
    rayleigh = np.exp(-0.0903 * _power(log_pressed, 0.84) * (1 + pressed - _power(log_pressed, 1.01)))
    absorbing = _gases(mass, log_pressed, water_vapour, ozone)
    broad = aod * (0.27583 * (550 / 380) ** ANGSTROM + 0.35 * (550 / 500) ** ANGSTROM)
    log_broad = np.log(np.maximum(broad, 1e-9))
    hazy = _power(log_broad, 0.873) * (1 + broad - _power(log_broad, 0.7088))
    aerosol = np.exp(-hazy * _power(log_mass, 0.9108))
    not_absorbed = 1 - 0.1 * (1 - mass + _power(log_mass, 1.06)) * (1 - aerosol)
    scattered = 1 - aerosol / not_absorbed
    up = np.where(cosine > 0, mu * extraterrestrial, 0.0).astype(mu.dtype)
    direct = 0.9662 * up * aerosol * absorbing * rayleigh
    diffuse = (
        0.79
        * up
        * absorbing
        * not_absorbed
        * (0.5 * (1 - rayleigh) + FORWARD * scattered)
        / (1 - mass + _power(log_mass, 1.02))
    )
    return ClearSky(direct, diffuse, 0.0685 + (1 - FORWARD) * scattered)


def _gases(mass: Field, log_pressed: Field, water_vapour: Field, ozone: Field) -> Field:
    """Return the transmittance of ozone, mixed gases and water vapour."""
    o3 = ozone * 1e-3 * mass
    through_ozone = (
        1 - 0.1611 * o3 * _power(np.log(1 + 139.48 * o3), -0.3034) - 0.002715 * o3 / (1 + 0.044 * o3 + 0.0003 * o3 * o3)
    )
    gases = np.exp(-0.0127 * _power(log_pressed, 0.26))
    vapour = water_vapour * 0.1 * mass
    through_vapour = 1 - 2.4959 * vapour / (_power(np.log(1 + 79.034 * vapour), 0.6828) + 6.385 * vapour)
    return np.asarray(through_ozone * gases * through_vapour)


def _power(logarithm: Field, exponent: float) -> Field:
    """Return x^a from log x, several times as fast as ``x**a`` where the logarithm is shared."""
    return np.asarray(np.exp(exponent * logarithm))


def below_clouds(clear: ClearSky, transmittance: Field, albedo: Field, cosine: Field) -> tuple[Field, Field]:
    r"""Return global and direct irradiance (W m-2) under clouds, light between ground and sky included.

    .. math:: G = \frac{T_c (B + D)}{1 - A [T_c r_s + (1 - T_c)]}

    with the reflectance 1 - T_c of a cloud that does not absorb. The beam is what the cloud does not scatter: its
    optical depth is that which has the transmittance T_c for light from about 48 degrees, where the two-stream solution
    is T = 1 / (1 + 0.75 (1 - g) tau).

    Parameters
    ----------
    clear
        Without clouds.
    transmittance
        Of the clouds (1).
    albedo
        Of the ground (1).
    cosine
        Of the solar zenith angle.
    """
    glow = transmittance * clear.albedo + (1 - transmittance)
    total = transmittance * (clear.direct + clear.diffuse) / (1 - albedo * glow)
    # delta-scaled depth (1 - g^2) tau = (1 + g) (1 - g) tau of droplets, g = 0.85
    depth = 1.85 * (1 / np.maximum(transmittance, 0.01) - 1) / 0.75
    beam = clear.direct * np.exp(-depth / np.maximum(cosine, 0.05))
    return total, np.minimum(beam, total)


def downward_longwave(temperature: Field, vapour_pressure: Field, cloud: Field) -> Field:
    r"""Return the downward longwave irradiance (W m-2).

    Clear sky: :math:`\varepsilon = 1 - (1 + w) e^{-\sqrt{1.2 + 3 w}}`, w = 46.5 e / T (Prata 1996, doi
    10.1002/qj.49712253306); clouds close it, :math:`\varepsilon (1 - c) + c` (Crawford & Duchon 1999, doi
    10.1175/1520-0450(1999)038<0474:AIPFEE>2.0.CO;2).

    Parameters
    ----------
    temperature
        Of the air at 2 m (K).
    vapour_pressure
        At 2 m (hPa).
    cloud
        Cloud fraction c: 1 - G / G of the clear sky.
    """
    w = 46.5 * vapour_pressure / temperature
    clear = 1 - (1 + w) * np.exp(-np.sqrt(1.2 + 3 * w))
    squared = temperature * temperature
    return np.asarray((clear * (1 - cloud) + cloud) * STEFAN_BOLTZMANN * squared * squared)
