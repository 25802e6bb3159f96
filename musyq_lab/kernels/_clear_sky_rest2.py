r"""REST2 version 5 (Gueymard 2008): clear-sky irradiance in two bands, 0.29 to 0.70 and 0.70 to 4.0 um.

In each band the beam is the product of the transmittances of molecules, mixed gases, ozone, nitrogen dioxide, vapour
and aerosol, :math:`E_{bn} = E_{0n} T_R T_g T_o T_n T_w T_a`, and the diffuse light on a black ground

.. math:: E_{dp} = \mu E_{0n} T_o T_g T_n' T_w' \left[B_R (1 - T_R) T_a^{1/4} + B_a F T_R (1 - T_{as}^{1/4})\right]

with the transmittances of the vapour and of nitrogen dioxide at an air mass of 1.66. Aerosol enters by Angstrom's law
:math:`\beta = \tau_{550}\, 0.55^{\alpha}` at an effective wavelength of each band.

The bands hold 0.46512 and 0.51951 of the irradiance above the atmosphere; the rest lies outside 0.29 to 4 um. The
coefficients are those of the public programs of Bright (github.com/JamieMBright/clear-sky-models) and of irradpy2
1.0.10, which agree; the paper was not read again. As in the former, the exponent is held to 0 - 2.5, :math:`\beta` to
1.1, ozone to 600 DU, vapour to 100 kg m-2. Ours: the effective wavelengths stay within their bands, where the
published quotients have poles at small exponents and great depths.
"""

import math
from typing import Any

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._math import cos, exp, log, sqrt
from musyq_lab.kernels.weather import SEA_LEVEL

__all__ = ["BAND_1", "BAND_2", "NITROGEN_DIOXIDE", "rest2", "rest2_bands"]

BAND_1 = 0.46512
"""Share of the extraterrestrial irradiance between 0.29 and 0.70 um."""
BAND_2 = 0.51951
"""Share between 0.70 and 4.0 um."""
NITROGEN_DIOXIDE = 2e-4
"""Column of nitrogen dioxide (atm cm) where none is known: the rural mean of Gueymard (2008)."""

HORIZON = 1e-6
"""Cosine of the zenith angle at which the Sun counts as down: 90 degrees in float32 and in float64."""

_DEGREE = math.pi / 180.0
_LOG_055 = math.log(0.55)
_DIFFUSE = 1.66  # air mass of diffuse light
_SCATTERING_1, _SCATTERING_2 = 0.92, 0.84  # single-scattering albedo of the aerosol, recommended values
_QUARTER = 0.25


@inline
def _held(x: Any, low: float, high: float) -> Any:
    """Return a number held between two limits; NaN stays NaN."""
    return select(x < low, low + 0.0 * x, select(x > high, high + 0.0 * x, x))


@inline
def _mass(zenith: Any, log_zenith: Any, mu: Any, a: float, b: float, c: float, d: float) -> Any:
    """Return the optical mass 1 / (mu + a z^b / (c - z)^d) of a constituent, z in degrees."""
    return 1.0 / (mu + a * exp(b * log_zenith - d * log(c - zenith)))


@inline
def _ozone(u: Any, mass: Any) -> Any:
    """Return the transmittance of ozone in the first band, from atm cm."""
    f1 = u * (10.979 - 8.5421 * u) / (1.0 + 2.0115 * u + 40.189 * u * u)
    f2 = u * (-0.027589 - 0.005138 * u) / (1.0 - 2.4857 * u + 13.942 * u * u)
    f3 = u * (10.995 - 5.5001 * u) / (1.0 + 1.6784 * u + 42.406 * u * u)
    return (1.0 + mass * (f1 + f2 * mass)) / (1.0 + f3 * mass)


@inline
def _nitrogen(mass: Any) -> Any:
    """Return the transmittance of nitrogen dioxide in the first band."""
    u = NITROGEN_DIOXIDE
    g1 = (0.17499 + 41.654 * u - 2146.4 * u * u) / (1.0 + 22295.0 * u * u)
    g2 = u * (-1.2134 + 59.324 * u) / (1.0 + 8847.8 * u * u)
    g3 = (0.17499 + 61.658 * u + 9196.4 * u * u) / (1.0 + 74109.0 * u * u)
    through = (1.0 + mass * (g1 + g2 * mass)) / (1.0 + g3 * mass)
    return select(through > 1.0, 1.0 + 0.0 * through, through)


@inline
def _vapour_1(w: Any, mass: Any) -> Any:
    """Return the transmittance of water vapour in the first band, from cm."""
    h1 = w * (0.065445 + 0.00029901 * w) / (1.0 + 1.2728 * w)
    h2 = w * (0.065687 + 0.0013218 * w) / (1.0 + 1.2008 * w)
    return (1.0 + h1 * mass) / (1.0 + h2 * mass)


@inline
def _vapour_2(w: Any, mass: Any, diffuse: float) -> Any:
    """Return the transmittance of water vapour in the second band at two air masses, from cm."""
    c1 = w * (19.566 + w * (-1.6506 + 1.0672 * w)) / (1.0 + w * (5.4248 + 1.6005 * w))
    c2 = w * (0.50158 + w * (-0.14732 + 0.047584 * w)) / (1.0 + w * (1.1811 + 1.0699 * w))
    c3 = w * (21.286 + w * (-0.39232 + 1.2692 * w)) / (1.0 + w * (4.8318 + 1.412 * w))
    c4 = w * (0.70992 + w * (-0.23155 + 0.096514 * w)) / (1.0 + w * (0.44907 + 0.75425 * w))
    beam = (1.0 + mass * (c1 + c2 * mass)) / (1.0 + mass * (c3 + c4 * mass))
    return beam, (1.0 + diffuse * (c1 + c2 * diffuse)) / (1.0 + diffuse * (c3 + c4 * diffuse))


@inline
def _depth_1(beta: Any, a: Any, u: Any) -> Any:
    """Return the optical depth of aerosol in the first band, at its effective wavelength."""
    d0 = 0.57664 - 0.024743 * a
    d1 = (0.093942 + a * (-0.2269 + 0.12848 * a)) / (1.0 + 0.6418 * a)
    d2 = (-0.093819 + a * (0.36668 - 0.12775 * a)) / (1.0 - 0.11651 * a)
    d3 = a * (0.15232 + a * (-0.087214 + 0.012664 * a)) / (1.0 + a * (-0.90454 + 0.26167 * a))
    effective = (d0 + u * (d1 + d2 * u)) / (1.0 + d3 * u * u)
    return beta * exp(-a * log(_held(effective, 0.29, 0.70)))


@inline
def _depth_2(beta: Any, a: Any, u: Any) -> Any:
    """Return the optical depth of aerosol in the second band, at its effective wavelength."""
    e0 = (1.183 + a * (-0.022989 + 0.020829 * a)) / (1.0 + 0.11133 * a)
    e1 = (-0.50003 + a * (-0.18329 + 0.23835 * a)) / (1.0 + 1.6756 * a)
    e2 = (-0.50001 + a * (1.1414 + 0.0083589 * a)) / (1.0 + 11.168 * a)
    e3 = (-0.70003 + a * (-0.73587 + 0.51509 * a)) / (1.0 + 4.7665 * a)
    effective = (e0 + u * (e1 + e2 * u)) / (1.0 + e3 * u)
    return beta * exp(-a * log(_held(effective, 0.70, 4.0)))


@inline
def _forward_1(m: Any, depth: Any) -> Any:
    """Return the correction of aerosol scattering in the first band."""
    g0 = (3.715 + m * (0.368 + 0.036294 * m)) / (1.0 + 0.0009391 * m * m)
    g1 = (-0.164 + m * (-0.72567 + 0.20701 * m)) / (1.0 + 0.0019012 * m * m)
    g2 = (-0.052288 + m * (0.31902 + 0.17871 * m)) / (1.0 + 0.0069592 * m * m)
    return (g0 + g1 * depth) / (1.0 + g2 * depth)


@inline
def _forward_2(m: Any, depth: Any) -> Any:
    """Return the correction of aerosol scattering in the second band."""
    long = m * sqrt(m)
    h0 = (3.4352 + m * (0.65267 + 0.00034328 * m)) / (1.0 + 0.034388 * long)
    h1 = (1.231 + m * (-1.63853 + 0.20667 * m)) / (1.0 + 0.1451 * long)
    h2 = (0.8889 + m * (-0.55063 + 0.50152 * m)) / (1.0 + 0.14865 * long)
    return (h0 + h1 * depth) / (1.0 + h2 * depth)


@inline
def _sky_1(beta: Any, a: Any) -> Any:
    """Return the albedo of the sky in the first band."""
    clean = 0.13363 + 0.00077358 * a + beta * (0.37567 + 0.22946 * a) / (1.0 - 0.10832 * a)
    return clean / (1.0 + beta * (0.84057 + 0.68683 * a) / (1.0 - 0.08158 * a))


@inline
def _sky_2(beta: Any, a: Any) -> Any:
    """Return the albedo of the sky in the second band."""
    clean = 0.010191 + 0.00085547 * a + beta * (0.14618 + 0.062758 * a) / (1.0 - 0.19402 * a)
    return clean / (1.0 + beta * (0.58101 + 0.17426 * a) / (1.0 - 0.17586 * a))


@inline
def _band_1(beyond: Any, mu: Any, m_r: Any, m_o: Any, m_w: Any, m_a: Any, u: Any, w: Any, p: Any, depth: Any) -> Any:
    """Return beam and diffuse light of the first band on a black horizontal plane."""
    m = m_r * p
    rayleigh = (1.0 + m * (1.8169 - 0.033454 * m)) / (1.0 + m * (2.063 + 0.31978 * m))
    gases = (1.0 + m * (0.95885 + 0.012871 * m)) / (1.0 + m * (0.96321 + 0.015455 * m)) * _ozone(u, m_o)
    aerosol = exp(-m_a * depth)
    direct = beyond * mu * rayleigh * gases * _nitrogen(m_w) * _vapour_1(w, m_w) * aerosol
    share = 0.5 * (0.89013 + m_r * (-0.0049558 + 0.000045721 * m_r))
    onward = 1.0 - exp(-0.6931 - 1.8326 * mu)
    scattered = 1.0 - exp(-m_a * (_QUARTER * _SCATTERING_1) * depth)
    light = share * (1.0 - rayleigh) * sqrt(sqrt(aerosol)) + onward * _forward_1(m_a, depth) * rayleigh * scattered
    return direct, beyond * mu * gases * _nitrogen(_DIFFUSE + 0.0 * w) * _vapour_1(w, _DIFFUSE) * light


@inline
def _band_2(beyond: Any, mu: Any, m_r: Any, m_w: Any, m_a: Any, w: Any, p: Any, depth: Any) -> Any:
    """Return beam and diffuse light of the second band on a black horizontal plane."""
    m = m_r * p
    rayleigh = (1.0 - 0.010394 * m) / (1.0 - 0.00011042 * m * m)
    gases = (1.0 + m * (0.27284 - 0.00063699 * m)) / (1.0 + 0.30306 * m)
    aerosol = exp(-m_a * depth)
    beam, diffuse = _vapour_2(w, m_w, _DIFFUSE)
    onward = 1.0 - exp(-0.6931 - 1.8326 * mu)
    scattered = 1.0 - exp(-m_a * (_QUARTER * _SCATTERING_2) * depth)
    light = 0.5 * (1.0 - rayleigh) * sqrt(sqrt(aerosol)) + onward * _forward_2(m_a, depth) * rayleigh * scattered
    return beyond * mu * rayleigh * gases * beam * aerosol, beyond * mu * gases * diffuse * light


@inline
def _both(zenith: Any, mu: Any, beyond: Any, a: Any, beta: Any, vapour: Any, ozone: Any, pressure: Any) -> Any:
    """Return beam and diffuse light of both bands on a black ground."""
    z = select(zenith > 90.0, 90.0 + 0.0 * zenith, zenith)
    log_z = log(z)
    m_r = _mass(z, log_z, mu, 0.48353, 0.095846, 96.741, 1.754)
    m_a = _mass(z, log_z, mu, 0.16851, 0.18198, 95.318, 1.9542)
    m_w = _mass(z, log_z, mu, 0.10648, 0.11423, 93.781, 1.9203)
    m_o = _mass(z, log_z, mu, 1.0651, 0.6379, 101.8, 2.2694)
    u = log(1.0 + m_a * beta)
    w, o, p = _held(0.1 * vapour, 0.0, 10.0), _held(1e-3 * ozone, 0.0, 0.6), pressure / SEA_LEVEL
    direct_1, diffuse_1 = _band_1(BAND_1 * beyond, mu, m_r, m_o, m_w, m_a, o, w, p, _depth_1(beta, a, u))
    direct_2, diffuse_2 = _band_2(BAND_2 * beyond, mu, m_r, m_w, m_a, w, p, _depth_2(beta, a, u))
    return direct_1, diffuse_1, direct_2, diffuse_2


@inline
def _turbidity(aod: Any, a: Any) -> Any:
    """Return Angstrom's beta, held as the public program does."""
    return _held(aod * exp(a * _LOG_055), 0.0, 1.1)


@kernel("(),(),(),(),(),(),(),()->(),()")
def rest2(
    sun_zenith: float,  # deg, true
    extraterrestrial: float,  # W m-2, facing the Sun
    aod: float,  # at 550 nm
    angstrom_exponent: float,
    water_vapour: float,  # kg m-2
    ozone: float,  # DU
    pressure: float,  # Pa
    albedo: float,  # of the ground, both bands
    direct_out: Any,  # beam on the horizontal (W m-2)
    diffuse_out: Any,  # W m-2
) -> None:
    """REST2 version 5: beam and diffuse irradiance on the horizontal (W m-2)."""
    mu = cos(sun_zenith * _DEGREE)
    a = _held(angstrom_exponent, 0.0, 2.5)
    beta = _turbidity(aod, a)
    direct_1, diffuse_1, direct_2, diffuse_2 = _both(
        sun_zenith, mu, extraterrestrial, a, beta, water_vapour, ozone, pressure
    )
    whole = (direct_1 + diffuse_1) / (1.0 - albedo * _sky_1(beta, a))
    whole = whole + (direct_2 + diffuse_2) / (1.0 - albedo * _sky_2(beta, a))
    night = 0.0 * mu * mu
    direct_out[0] = select(mu > HORIZON, direct_1 + direct_2, night)
    diffuse_out[0] = select(mu > HORIZON, whole - direct_1 - direct_2, night)


@kernel("(),(),(),(),(),(),()->(),(),(),(),(),()")
def rest2_bands(
    sun_zenith: float,
    extraterrestrial: float,
    aod: float,
    angstrom_exponent: float,
    water_vapour: float,
    ozone: float,
    pressure: float,
    direct_1_out: Any,  # beam on the horizontal, 0.29 to 0.70 um (W m-2)
    diffuse_1_out: Any,  # over a black ground
    sky_1_out: Any,  # albedo of the sky for light from below
    direct_2_out: Any,  # 0.70 to 4.0 um
    diffuse_2_out: Any,
    sky_2_out: Any,
) -> None:
    """REST2 by band over a black ground; the caller adds what ground, clouds and sky throw at one another."""
    mu = cos(sun_zenith * _DEGREE)
    a = _held(angstrom_exponent, 0.0, 2.5)
    beta = _turbidity(aod, a)
    direct_1, diffuse_1, direct_2, diffuse_2 = _both(
        sun_zenith, mu, extraterrestrial, a, beta, water_vapour, ozone, pressure
    )
    night = 0.0 * mu * mu
    direct_1_out[0] = select(mu > HORIZON, direct_1, night)
    diffuse_1_out[0] = select(mu > HORIZON, diffuse_1, night)
    sky_1_out[0] = _sky_1(beta, a)
    direct_2_out[0] = select(mu > HORIZON, direct_2, night)
    diffuse_2_out[0] = select(mu > HORIZON, diffuse_2, night)
    sky_2_out[0] = _sky_2(beta, a)
