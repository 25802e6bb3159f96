r"""Shortwave irradiance at the ground under a cloudless sky, by six published models.

All take the true or apparent zenith angle of the Sun :math:`\theta` (deg), the irradiance :math:`E_0` that faces it
above the atmosphere, and what the air holds, and return the beam on the horizontal and the diffuse light, both with
what ground and sky throw at each other. With :math:`\mu = \cos\theta` and the sky's albedo :math:`r_s`,

.. math:: G = \frac{B + D}{1 - A\,r_s}

``bird``
    Bird & Hulstrom (1981): product of transmittances of molecules, ozone, mixed gases, vapour and aerosol, with the air
    mass of Kasten (1966). Aerosol enters as :math:`\tau = 0.27583\,\tau_{380} + 0.35\,\tau_{500}`.
``rest2``
    Gueymard (2008), version 5, of two bands that meet at 0.7 um: :mod:`musyq_lab.kernels._clear_sky_rest2`.
``ineichen``
    Ineichen & Perez (2002) from the Linke turbidity and the altitude, which follows from the pressure. Above some
    3,000 m it lets through more than the models that follow the pressure (see ``applications/solar``).
``solis``
    The simplified Solis model of Ineichen (2008); below 2 kg m-2 the vapour counts as that much.
``esra``
    Rigollier, Bauer & Wald (2000), the model of Heliosat-2, from the Linke turbidity at air mass 2.
``haurwitz``
    Haurwitz (1945): global irradiance from the zenith angle alone.

Solar constants: ``bird`` was written for 1353 W m-2, ``rest2`` for 1366.1, ``esra`` for 1367, ``ineichen`` and
``solis`` for 1367; each is proportional to :math:`E_0`, so that here all take the one of
:mod:`musyq_lab.kernels.solar` (1361). The transmittances, not the constants, are what these models are.

References
----------
Bird & Hulstrom 1981, doi:10.2172/6510849. Gueymard 2008, doi:10.1016/j.solener.2007.04.008. Ineichen & Perez 2002,
doi:10.1016/S0038-092X(02)00045-2. Ineichen 2008, doi:10.1016/j.solener.2008.02.009. Rigollier et al. 2000,
doi:10.1016/S0038-092X(99)00055-9. Haurwitz 1945, doi:10.1175/1520-0469(1945)002<0154:IIRTCA>2.0.CO;2. Kasten 1966;
Kasten & Young 1989, doi:10.1364/AO.28.004735. The coefficients are as in pvlib 0.16 (BSD-3) and irradpy2 1.0.10 (MIT),
against both of which the tests hold them; the papers themselves were not read again.
"""

import math
from typing import Any

from musyq_lab.kernels._clear_sky_rest2 import HORIZON, rest2, rest2_bands
from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._math import cos, exp, log, sin, sqrt
from musyq_lab.kernels.weather import SEA_LEVEL

__all__ = [
    "ANGSTROM", "bird", "bird_at_mass", "esra", "haurwitz", "ineichen", "kasten_young", "linke_turbidity", "rest2",
    "rest2_bands", "solis", "vapour_from_humidity",
]  # fmt: skip

ANGSTROM = 1.3
"""Exponent that carries optical depth between wavelengths where none is known: continental aerosol (Angstrom 1929)."""

_DEGREE = math.pi / 180.0
_FORWARD = 0.85  # share of what aerosol scatters that goes on downward, Bird & Hulstrom's rural aerosol
_SKY = 0.0685  # albedo of the sky without aerosol, ibid.
# Optical depth at 550 nm to that of Bird & Hulstrom: ln of the ratios of wavelengths 550 / 380, 550 / 500, 550 / 700.
_TO_380, _TO_500, _TO_700 = math.log(550.0 / 380.0), math.log(550.0 / 500.0), math.log(550.0 / 700.0)


@inline
def power(logarithm: Any, exponent: float) -> Any:
    """Return x^a from the logarithm of x, which several powers share."""
    return exp(exponent * logarithm)


@inline
def by_day(mu: Any, value: Any) -> Any:
    """Return the value where the Sun is up, else 0; NaN where the cosine is."""
    return select(mu > HORIZON, value, 0.0 * mu * mu)


@inline
def mass_kasten_young(zenith: Any, mu: Any) -> Any:
    """Return the relative air mass of Kasten & Young (1989); at least that of 90 degrees beyond."""
    up = 90.0 - zenith
    return 1.0 / (mu + 0.50572 * power(log(6.07995 + select(up < 0.0, 0.0 * up, up)), -1.6364))


@inline
def mass_kasten(zenith: Any, mu: Any) -> Any:
    """Return the relative air mass of Kasten (1966), which Bird & Hulstrom take."""
    return 1.0 / (mu + 0.15 * power(log(93.885 - select(zenith > 90.0, 90.0 + 0.0 * zenith, zenith)), -1.253))


@inline
def altitude_of(pressure: Any) -> Any:
    """Return the height (m) at which the standard atmosphere (ISO 2533) has a pressure (Pa)."""
    return 288.15 / 0.0065 * (1.0 - power(log(pressure / SEA_LEVEL), 1.0 / 5.255880))


# ---- Bird & Hulstrom -------------------------------------------------------------------------------------------------
@inline
def _bird_gases(mass: Any, log_pressed: Any, vapour: Any, ozone: Any) -> Any:
    """Return the transmittance of ozone, mixed gases and water vapour."""
    o3 = ozone * 1e-3 * mass
    through = 1.0 - 0.1611 * o3 * power(log(1.0 + 139.48 * o3), -0.3034)
    through = through - 0.002715 * o3 / (1.0 + 0.044 * o3 + 0.0003 * o3 * o3)
    mixed = exp(-0.0127 * power(log_pressed, 0.26))
    w = vapour * 0.1 * mass
    return through * mixed * (1.0 - 2.4959 * w / (power(log(1.0 + 79.034 * w), 0.6828) + 6.385 * w))


@inline
def bird_parts(mu: Any, mass: Any, beyond: Any, aod: Any, alpha: Any, vapour: Any, ozone: Any, pressure: Any) -> Any:
    """Return beam and diffuse light on a black horizontal plane (W m-2), and the albedo of the sky."""
    log_mass, pressed = log(mass), mass * (pressure / SEA_LEVEL)
    log_pressed = log(pressed)
    rayleigh = exp(-0.0903 * power(log_pressed, 0.84) * (1.0 + pressed - power(log_pressed, 1.01)))
    absorbing = _bird_gases(mass, log_pressed, vapour, ozone)
    broad = aod * (0.27583 * exp(alpha * _TO_380) + 0.35 * exp(alpha * _TO_500))
    log_broad = log(select(broad < 1e-9, 1e-9 + 0.0 * broad, broad))
    hazy = power(log_broad, 0.873) * (1.0 + broad - power(log_broad, 0.7088))
    aerosol = exp(-hazy * power(log_mass, 0.9108))
    kept = 1.0 - 0.1 * (1.0 - mass + power(log_mass, 1.06)) * (1.0 - aerosol)
    scattered = 1.0 - aerosol / kept
    direct = 0.9662 * mu * beyond * aerosol * absorbing * rayleigh
    diffuse = 0.79 * mu * beyond * absorbing * kept * (0.5 * (1.0 - rayleigh) + _FORWARD * scattered)
    return direct, diffuse / (1.0 - mass + power(log_mass, 1.02)), _SKY + (1.0 - _FORWARD) * scattered


@inline
def _between(direct: Any, diffuse: Any, sky: Any, albedo: Any) -> Any:
    """Return the diffuse light with what ground and sky throw at each other."""
    return (direct + diffuse) / (1.0 - albedo * sky) - direct


@kernel("(),(),(),(),(),(),(),()->(),()")
def bird(
    sun_zenith: float,  # deg
    extraterrestrial: float,  # W m-2, facing the Sun
    aod: float,  # at 550 nm
    angstrom_exponent: float,
    water_vapour: float,  # kg m-2
    ozone: float,  # DU
    pressure: float,  # Pa
    albedo: float,  # of the ground
    direct_out: Any,  # beam on the horizontal (W m-2)
    diffuse_out: Any,  # W m-2
) -> None:
    """Bird & Hulstrom (1981): beam and diffuse irradiance on the horizontal (W m-2)."""
    mu = cos(sun_zenith * _DEGREE)
    mass = mass_kasten(sun_zenith, mu)
    direct, diffuse, sky = bird_parts(mu, mass, extraterrestrial, aod, angstrom_exponent, water_vapour, ozone, pressure)
    direct_out[0] = by_day(mu, direct)
    diffuse_out[0] = by_day(mu, _between(direct, diffuse, sky, albedo))


@kernel("(),(),(),(),(),(),(),(),()->(),()")
def bird_at_mass(
    sun_zenith: float,
    air_mass: float,  # relative
    extraterrestrial: float,
    aod: float,
    angstrom_exponent: float,
    water_vapour: float,
    ozone: float,
    pressure: float,
    albedo: float,
    direct_out: Any,
    diffuse_out: Any,
) -> None:
    """Do as :data:`bird`, with an air mass of another formula."""
    mu = cos(sun_zenith * _DEGREE)
    direct, diffuse, sky = bird_parts(
        mu, air_mass, extraterrestrial, aod, angstrom_exponent, water_vapour, ozone, pressure
    )
    direct_out[0] = by_day(mu, direct)
    diffuse_out[0] = by_day(mu, _between(direct, diffuse, sky, albedo))


# ---- Linke turbidity -------------------------------------------------------------------------------------------------
@kernel("(),(),(),()->(),()")
def ineichen(
    sun_zenith: float,  # deg, apparent as in the paper
    extraterrestrial: float,  # W m-2
    linke: float,  # turbidity at air mass 2
    pressure: float,  # Pa
    direct_out: Any,
    diffuse_out: Any,
) -> None:
    """Ineichen & Perez (2002), without the enhancement that pvlib offers: beam and diffuse on the horizontal."""
    mu = cos(sun_zenith * _DEGREE)
    mass = mass_kasten_young(sun_zenith, mu) * (pressure / SEA_LEVEL)
    height = altitude_of(pressure)
    # exp(-h / 8000) and exp(-h / 1250), powers of one exponential.
    root = exp(height * (-1.0 / 20000.0))
    fourth = root * root * root * root
    low, high = root * root * sqrt(root), fourth * fourth * fourth * fourth
    weaker = (3.92e-5 * height + 0.0387) * mass * (low + high * (linke - 1.0))
    total = (5.09e-5 * height + 0.868) * extraterrestrial * mu * exp(-weaker)
    beam = extraterrestrial * mu * (0.664 + 0.163 / low) * exp(-0.09 * mass * (linke - 1.0))
    most = total * (1.0 - (0.1 - 0.2 * exp(-linke)) / (0.1 + 0.882 / low))
    beam = select(most < beam, select(most < 0.0, 0.0 * most, most), beam)
    direct_out[0] = by_day(mu, beam)
    diffuse_out[0] = by_day(mu, total - beam)


@inline
def _thickness(mass: Any) -> Any:
    """Return the optical depth of a clean dry atmosphere: Kasten (1996), in the form of ESRA."""
    near = 6.6296 + mass * (1.7513 + mass * (-0.1202 + mass * (0.0065 - 0.00013 * mass)))
    return 1.0 / select(mass > 20.0, 10.4 + 0.718 * mass, near)


@kernel("(),(),(),()->(),()")
def esra(
    sun_zenith: float,  # deg, true: the model bends the ray itself
    extraterrestrial: float,  # W m-2
    linke: float,  # turbidity at air mass 2
    pressure: float,  # Pa
    direct_out: Any,
    diffuse_out: Any,
) -> None:
    """Rigollier, Bauer & Wald (2000): beam and diffuse irradiance on the horizontal (W m-2)."""
    mu = cos(sun_zenith * _DEGREE)
    up = (90.0 - sun_zenith) * _DEGREE
    bent = up + 0.061359 * (0.1594 + 1.123 * up + 0.065656 * up * up) / (1.0 + 28.9344 * up + 277.3971 * up * up)
    mass = pressure / SEA_LEVEL / (sin(bent) + 0.50572 * power(log(bent / _DEGREE + 6.07995), -1.6364))
    beam = mu * extraterrestrial * exp(-0.8662 * linke * mass * _thickness(mass))
    zenith = -1.5843e-2 + linke * (3.0543e-2 + 3.797e-4 * linke)
    first = 2.6463e-1 + linke * (-6.1581e-2 + 3.1408e-3 * linke)
    first = select(first * zenith < 2e-3, 2e-3 / zenith, first)
    slope = 2.0402 + linke * (1.8945e-2 - 1.1161e-2 * linke)
    curve = -1.3025 + linke * (3.9231e-2 + 8.5079e-3 * linke)
    diffuse = extraterrestrial * zenith * (first + mu * (slope + curve * mu))
    direct_out[0] = by_day(mu, beam)
    diffuse_out[0] = by_day(mu, select(diffuse < 0.0, 0.0 * diffuse, diffuse))


# ---- others ----------------------------------------------------------------------------------------------------------
@inline
def _solis_depth(aod: Any, w: Any, log_p: Any) -> Any:
    """Return the depth of the diffuse light: other coefficients below an optical depth of 0.05 at 700 nm."""
    clean = aod < 0.05
    t4 = select(clean, 86.0 * w - 13800.0, -0.21 * w + 11.6)
    t3 = select(clean, -3.11 * w + 79.4, 0.27 * w - 20.7)
    t2 = select(clean, -0.23 * w + 74.8, -0.134 * w + 15.5)
    t1 = select(clean, 0.092 * w - 8.86, 0.0554 * w - 5.71)
    t0 = select(clean, 0.0042 * w + 3.12, 0.0057 * w + 2.94)
    thinner = log(1.0 + aod)
    tp = select(clean, -0.83 * exp(-17.2 * thinner), -0.71 * exp(-15.0 * thinner))
    return t0 + aod * (t1 + aod * (t2 + aod * (t3 + aod * t4))) + tp * log_p


@kernel("(),(),(),(),(),()->(),()")
def solis(
    sun_zenith: float,  # deg, apparent
    extraterrestrial: float,  # W m-2
    aod: float,  # at 550 nm
    angstrom_exponent: float,
    water_vapour: float,  # kg m-2
    pressure: float,  # Pa
    direct_out: Any,
    diffuse_out: Any,  # the global of its own less the beam
) -> None:
    """Solis in the simplified form of Ineichen (2008): beam and, as global less beam, diffuse on the horizontal."""
    mu = cos(sun_zenith * _DEGREE)
    a = aod * exp(angstrom_exponent * _TO_700)
    w = 0.1 * select(water_vapour < 2.0, 2.0 + 0.0 * water_vapour, water_vapour)
    log_w, log_p = log(w), log(pressure / SEA_LEVEL)
    raised = 0.12 * power(log_w, 0.56) * a * a + 0.97 * power(log_w, 0.032) * a + 1.08 * power(log_w, 0.0051)
    top = extraterrestrial * (raised + 0.071 * log_p)
    log_mu = log(select(mu < 1e-6, 1e-6 + 0.0 * mu, mu))
    depth = a * (1.82 + log_w * (0.056 + 0.0071 * log_w)) + 0.33 + log_w * (0.045 + 0.0096 * log_w)
    depth = depth + (0.0089 * w + 0.13) * log_p
    b = (0.00925 * a * a + 0.0148 * a - 0.0172) * log_w - 0.7565 * a * a + 0.5057 * a + 0.4557
    direct = mu * top * exp(-depth * exp(-b * log_mu))
    whole = a * (1.24 + log_w * (0.047 + 0.0061 * log_w)) + 0.27 + log_w * (0.043 + 0.0090 * log_w)
    whole = whole + (0.0079 * w + 0.1) * log_p
    g = -0.0147 * log_w - 0.3079 * a * a + 0.2846 * a + 0.3798
    direct_out[0] = by_day(mu, direct)
    diffuse_out[0] = by_day(mu, mu * top * exp(-whole * exp(-g * log_mu)) - direct)


@kernel("(),(),(),(),(),()->()")
def solis_diffuse(
    sun_zenith: float,
    extraterrestrial: float,
    aod: float,
    angstrom_exponent: float,
    water_vapour: float,
    pressure: float,
    out: Any,
) -> None:
    """Diffuse light of Solis's own formula (W m-2), which does not close with its beam and its global."""
    mu = cos(sun_zenith * _DEGREE)
    a = aod * exp(angstrom_exponent * _TO_700)
    w = 0.1 * select(water_vapour < 2.0, 2.0 + 0.0 * water_vapour, water_vapour)
    log_w, log_p = log(w), log(pressure / SEA_LEVEL)
    raised = 0.12 * power(log_w, 0.56) * a * a + 0.97 * power(log_w, 0.032) * a + 1.08 * power(log_w, 0.0051)
    log_mu = log(select(mu < 1e-6, 1e-6 + 0.0 * mu, mu))
    d = -0.337 * a * a + 0.63 * a + 0.116 + log_p / (18.0 + 152.0 * a)
    top = extraterrestrial * (raised + 0.071 * log_p)
    out[0] = by_day(mu, top * exp(-_solis_depth(a, w, log_p) * exp(-d * log_mu)))


@kernel("()->()")  # apparent zenith (deg) -> global irradiance (W m-2)
def haurwitz(sun_zenith: float, out: Any) -> None:
    """Haurwitz (1945): global irradiance from the zenith angle alone (W m-2)."""
    mu = cos(sun_zenith * _DEGREE)
    out[0] = by_day(mu, 1098.0 * mu * exp(-0.059 / mu))


@kernel("()->()")  # apparent zenith (deg) -> relative air mass
def kasten_young(sun_zenith: float, out: Any) -> None:
    """Relative air mass of Kasten & Young (1989)."""
    out[0] = mass_kasten_young(sun_zenith, cos(sun_zenith * _DEGREE))


@kernel("(),(),()->()")
def linke_turbidity(
    air_mass: float,  # absolute
    water_vapour: float,  # kg m-2
    aod: float,  # broadband, 0.27583 of that at 380 nm and 0.35 of that at 500 (Bird & Hulstrom 1980)
    out: Any,
) -> None:
    """Linke turbidity by Kasten's pyrheliometric formula, as Ineichen (2008) writes it."""
    log_mass = log(air_mass)
    clean = -0.101 + 0.235 * power(log_mass, -0.16)
    vapour = 0.112 * power(log_mass, -0.55) * power(log(0.1 * water_vapour), 0.34)
    out[0] = (9.4 + 0.9 * air_mass) * (clean + vapour + aod)


@kernel("(),()->()")
def vapour_from_humidity(
    air_temperature: float,  # K, at 2 m
    relative_humidity: float,  # 1
    out: Any,  # kg m-2
) -> None:
    """Column of water vapour from the air at the ground: Gueymard (1994), doi:10.1016/0038-092X(94)90094-9."""
    warm, hundreds = air_temperature / 273.15, air_temperature * 0.01
    scale = 0.4976 + 1.5265 * warm + exp(13.6897 * warm - 14.9188 * warm * warm * warm)
    density = 216.7 * relative_humidity / air_temperature
    pressure = exp(22.330 - 49.140 / hundreds - 10.922 / (hundreds * hundreds) - 0.39015 * hundreds)
    column = scale * density * pressure
    out[0] = select(column < 1.0, 1.0 + 0.0 * column, column)
