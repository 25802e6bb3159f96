r"""Reflectance of what lies below or beside a canopy: soil, snow and open water, by small physical models.

All are Lambertian here. Each function takes the spectra it needs on its own wavelengths and any number of cases, and
returns shape (..., wavelength); :func:`musyq_lab.standard.spectra.band_weights` holds the spectra and the bands.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from musyq_lab.kernels._compile import kernel, select
from musyq_lab.kernels._math import exp
from musyq_lab.kernels.leaf import Floats, interface_transmissivity

__all__ = ["snow", "soil", "water"]

# ---- soil ------------------------------------------------------------------------------------------------------------
# Own fit of two curves to the dry soil of PROSAIL (Jacquemoud's), rms 0.005, largest difference 0.022; only these
# numbers are taken from it. Rise from 0.4 um: 1 - redness exp(-((w - 0.4) / 0.442)^1.64), redness 0.577; fall beyond
# 1.7 um: 1 - 0.157 (w - 1.7)^2; brightness 0.509.
_RISE, _POWER, _FALL, _FROM = 0.442, 1.64, 0.157, 1.7
# Yang et al. (2020): thickness of one film (cm), soil moisture capacity and the moisture (both %) that leaves soil dry
_FILM, _CAPACITY, _DRY = 0.015, 25.0, 5.0
_SOIL_INDEX = 2.0  # refractive index of soil material, same source
_FILMS = 6
# Refractive index of water, Hale & Querry (1973), doi:10.1364/AO.12.000555, table 1 (from memory, not seen again)
_WATER_UM = (0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6)
_WATER_INDEX = (1.339, 1.335, 1.332, 1.329, 1.327, 1.324, 1.321, 1.317, 1.312, 1.306, 1.296, 1.279, 1.242)


# brightness, redness, mean number of films; rise and fall of dry soil, transmittance of a film, reflectance of water
# from above and from below, contrast of soil under water -> reflectance
@kernel("(),(),(),(),(),(),(),(),()->()")
def _films(
    brightness: float,
    redness: float,
    films: float,
    rise: float,
    fall: float,
    film: float,
    above: float,
    below: float,
    contrast: float,
    out: Any,
) -> None:
    dry = brightness * (1.0 - redness * rise) * fall
    soaked = 1.0 - (1.0 - dry) * (1.0 - dry + dry * contrast)
    share = exp(-films)
    total = dry * share
    light = soaked
    for count in range(1, _FILMS + 1):
        share = share * films / count
        light = light * film
        total = total + share * (above + (1.0 - above) * (1.0 - below) * light / (1.0 - below * light))
    out[0] = select(films <= 0.0, dry, total)


def soil(
    wavelength: npt.ArrayLike,
    water_absorption: npt.ArrayLike,
    brightness: npt.ArrayLike,
    *,
    redness: npt.ArrayLike = 0.577,
    moisture: npt.ArrayLike = 0.0,
) -> Floats:
    r"""Return the reflectance of bare soil by brightness, shape and moisture.

    Moist soil is covered with 0, 1, 2 ... films of water in shares of a Poisson distribution of mean
    :math:`\mu = (100 w - 5) / 25`. A film reflects at its upper side, absorbs on the way in and out, and darkens the
    soil, since its contrast of refractive index is smaller under water.

    Parameters
    ----------
    wavelength : array_like, shape (wavelength,)
        um.
    water_absorption : array_like, shape (wavelength,)
        cm-1.
    brightness : array_like
        Reflectance of the dry soil near 1.6 um, about 0.1 to 0.6.
    redness : array_like, optional
        Share of it that is missing at 0.4 um, 0 for grey soil, 0.9 for one rich in iron.
    moisture : array_like, optional
        Water by volume (m3 m-3), 0.05 and less for dry soil, to 0.55.

    Notes
    -----
    The effect of moisture is that of Yang, van der Tol, Yin & Verhoef (2020), doi:10.1016/j.rse.2020.111870, truncated
    at six films as there; its dry soil (three vectors under the GPL) is replaced by a curve of two parameters that has
    no absorption by clay or carbonate.
    """
    w, k = np.asarray(wavelength, np.float64), np.asarray(water_absorption, np.float64)
    index = np.interp(w, _WATER_UM, _WATER_INDEX)
    mean = (100.0 * np.asarray(moisture, np.float64) - _DRY) / _CAPACITY
    contrast = interface_transmissivity(90.0, _SOIL_INDEX / index) / interface_transmissivity(90.0, _SOIL_INDEX)
    reflectance: Floats = _films(
        *(np.asarray(x, np.float64)[..., None] for x in (brightness, redness, mean)),
        np.exp(-(((w - 0.4) / _RISE) ** _POWER)),
        1.0 - _FALL * np.maximum(w - _FROM, 0.0) ** 2,
        np.exp(-2.0 * k * _FILM),
        1.0 - interface_transmissivity(40.0, index),
        1.0 - interface_transmissivity(90.0, index) / index**2,
        contrast,
    )
    return reflectance


# ---- snow ------------------------------------------------------------------------------------------------------------
_ICE_DENSITY = 917.0  # kg m-3
# Enhancement of absorption and asymmetry of grains: Libois et al. (2014), doi:10.5194/tc-8-139-2014, as in snowoptics
_ENHANCEMENT, _ASYMMETRY = 1.6, 0.845
_SOOT = 6.9e3 * 0.55  # m2 kg-1 um: Bond & Bergstrom (2006), doi:10.1080/02786820500421521, 6.9 m2 g-1 at 0.55 um


def snow(
    wavelength: npt.ArrayLike,
    ice_index: npt.ArrayLike,
    surface_area: npt.ArrayLike,
    *,
    soot: npt.ArrayLike = 0.0,
    sun_zenith: npt.ArrayLike | None = None,
) -> Floats:
    r"""Return the albedo of deep snow by asymptotic radiative transfer.

    .. math:: R_d = \exp\left(-4 \sqrt{\frac{1 - \omega}{3 (1 - g)}}\right), \qquad R_s = R_d^{\,3 (1 + 2\mu) / 7},
       \qquad 1 - \omega = \frac{2}{S} \left(\frac{B \gamma}{\rho} + c\,K\right)

    with :math:`\gamma = 4 \pi \kappa / \lambda` the absorption of ice and :math:`K` that of soot by mass, which falls
    with the wavelength. Valid where absorption is weak: beyond 1.4 um values are small and approximate.

    Parameters
    ----------
    wavelength : array_like, shape (wavelength,)
        um.
    ice_index : array_like, shape (wavelength,)
        Imaginary part of the refractive index of ice (1).
    surface_area : array_like
        Specific surface area S (m2 kg-1): 60 for fresh snow, 5 for coarse snow; 6 / (917 S) is the grain's diameter.
    soot : array_like, optional
        Black carbon by mass (kg kg-1), such as 1e-7.
    sun_zenith : array_like, optional
        Degrees, for the black-sky albedo; white-sky by default.

    References
    ----------
    Kokhanovsky & Zege (2004), doi:10.1364/AO.43.001589; Picard, Libois & Arnaud (2016), doi:10.5194/tc-10-2655-2016.
    """
    w, kappa = np.asarray(wavelength, np.float64), np.asarray(ice_index, np.float64)
    area, carbon = (np.asarray(x, np.float64)[..., None] for x in (surface_area, soot))
    gamma = 4.0 * math.pi * kappa / (w * 1e-6)
    absorption = 2.0 / area * (_ENHANCEMENT * gamma / _ICE_DENSITY + carbon * _SOOT / w)
    exponent = 4.0 * np.sqrt(absorption / (3.0 * (1.0 - _ASYMMETRY)))
    if sun_zenith is None:
        return np.exp(-exponent)
    cosine = np.cos(np.radians(np.asarray(sun_zenith, np.float64)))[..., None]
    return np.exp(-exponent * 3.0 / 7.0 * (1.0 + 2.0 * cosine))


# ---- water -----------------------------------------------------------------------------------------------------------
# Lee, Carder & Arnone (2002), doi:10.1364/AO.41.005755: below the surface, and through it
_G0, _G1, _T0, _T1 = 0.0895, 0.1247, 0.52, 1.7
_SEA = 0.00144, 0.5, 4.32  # backscatter of sea water (m-1) at 0.5 um and its power: Morel (1974), half of scattering
_ALGAE = 0.0403, 0.668  # absorption at 0.44 um (m-1): Bricaud et al. (1998), doi:10.1029/98JC02712
_ALGAE_SCATTER = 0.416, 0.766  # scattering at 0.55 um (m-1): Loisel & Morel (1998), doi:10.4319/lo.1998.43.5.0847
# Mineral particles: absorption at 0.443 um (m2 g-1), slope (um-1), scattering (m2 g-1), share backwards: Babin et al.
# (2003), doi:10.1029/2001JC000882 and doi:10.4319/lo.2003.48.2.0843
_MINERAL = 0.041, 12.3, 0.51, 0.018
_DISSOLVED = 17.6  # slope (um-1), Babin et al. (2003)


def water(
    wavelength: npt.ArrayLike,
    water_absorption: npt.ArrayLike,
    chlorophyll: npt.ArrayLike,
    *,
    sediment: npt.ArrayLike = 0.0,
    dissolved: npt.ArrayLike = 0.0,
) -> Floats:
    r"""Return the water-leaving reflectance :math:`\pi R_{rs}` of deep water, without the glitter of its surface.

    .. math:: r = g_0 u + g_1 u^2, \quad u = \frac{b_b}{a + b_b}, \quad R_{rs} = \frac{0.52\,r}{1 - 1.7\,r}

    Parameters
    ----------
    wavelength : array_like, shape (wavelength,)
        um.
    water_absorption : array_like, shape (wavelength,)
        cm-1. That of leaves differs from Pope & Fry (1997) by up to 0.004 m-1 below 0.6 um and by 8 % at 0.7 um.
    chlorophyll : array_like
        mg m-3, above 0.
    sediment : array_like, optional
        Mineral particles (g m-3).
    dissolved : array_like, optional
        Absorption by coloured dissolved matter at 0.44 um (m-1).

    Notes
    -----
    The coefficients are published means, taken from memory and not compared with their papers again. The shape of
    absorption by algae is ours: bell curves at 0.44 um and, half as high, at 0.675 um, over a plateau of a fifth.
    """
    w, pure = np.asarray(wavelength, np.float64), 100.0 * np.asarray(water_absorption, np.float64)
    chl, mass, cdom = (np.asarray(x, np.float64)[..., None] for x in (chlorophyll, sediment, dissolved))
    bells = 0.8 * np.exp(-(((w - 0.44) / 0.045) ** 2)) + 0.4 * np.exp(-(((w - 0.675) / 0.015) ** 2))
    shape = bells + 0.2 / (1.0 + np.exp((w - 0.69) / 0.005))
    absorption = pure + _ALGAE[0] * chl ** _ALGAE[1] * shape + cdom * np.exp(-_DISSOLVED * (w - 0.44))
    absorption = absorption + mass * _MINERAL[0] * np.exp(-_MINERAL[1] * (w - 0.443))
    # Share of backscatter by algae: Morel & Maritorena (2001), doi:10.1029/2000JC000319
    share = 0.002 + 0.01 * np.maximum(0.5 - 0.25 * np.log10(chl), 0.0)
    slope = np.clip(0.5 * (np.log10(chl) - 0.3), -1.0, 0.0)
    back = (
        _SEA[0] * (w / _SEA[1]) ** -_SEA[2] + _ALGAE_SCATTER[0] * chl ** _ALGAE_SCATTER[1] * share * (w / 0.55) ** slope
    )
    back = back + mass * _MINERAL[2] * _MINERAL[3] * 0.55 / w
    u = back / (absorption + back)
    below = u * (_G0 + _G1 * u)
    reflectance: Floats = math.pi * _T0 * below / (1.0 - _T1 * below)
    return reflectance
