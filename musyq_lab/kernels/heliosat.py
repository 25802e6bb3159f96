r"""From the reflectance of clouds to the irradiance under them: cloud index, clear-sky index, diffuse light.

The cloud index tells how far the apparent reflectance :math:`\rho` of a pixel lies on the way from that of its ground
to that of a thick cloud (Cano et al. 1986), and the clear-sky index follows from it (Hammer et al. 2003, as Heliosat-2
has it):

.. math::
   n = \frac{\rho - \rho_g}{\rho_c - \rho_g}, \qquad
   k = \begin{cases} 1.2 & n < -0.2 \\ 1 - n & -0.2 \le n < 0.8 \\
       2.0667 - 3.6667\,n + 1.6667\,n^2 & 0.8 \le n < 1.1 \\ 0.05 & n \ge 1.1 \end{cases}

The papers were not read again; the parabola is the only one that meets the line at 0.8 in value and slope and the floor
at 1.1 in both, which fixes its digits: :math:`(5 n^2 - 11 n) / 3 + 6.2 / 3`.

The depth of a cloud follows from the same reflectances by a two-stream cloud (:data:`cloud_depth`).

Without a reflectance of clouds from the series itself that of Rigollier et al. (2004) stands in,
:math:`\rho_c = 0.78 - 0.13\,(1 - e^{-4 \mu^5})` (recalled, not re-read).

Diffuse light by the clearness index :math:`k_t = G / (E_0 \max(\mu, 0.065))`: Erbs et al. (1982), its smooth form
(Driesse et al. 2024), Orgill & Hollands (1977), Boland et al. (2008), DISC (Maxwell 1987). Regressions of hourly means;
beyond 87 degrees all light counts as diffuse. Coefficients are as in pvlib 0.16 (BSD-3), against which the tests hold
them.

References
----------
Cano et al. 1986, doi:10.1016/0038-092X(86)90104-0. Hammer et al. 2003, doi:10.1016/S0034-4257(02)00176-7 (not re-read).
Rigollier, Lefevre & Wald 2004, doi:10.1016/j.solener.2004.04.017. Erbs et al. 1982, doi:10.1016/0038-092X(82)90302-4.
Boland et al. 2008, doi:10.1016/j.renene.2007.07.016. Orgill & Hollands 1977, doi:10.1016/0038-092X(77)90006-8. Maxwell
1987, SERI/TR-215-3087.
"""

import math
from typing import Any

from musyq_lab.kernels._clear_sky_cloud import conservative
from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._math import cos, exp
from musyq_lab.kernels.clear_sky import mass_kasten
from musyq_lab.kernels.weather import SEA_LEVEL

__all__ = [
    "ABOVE", "DEEPEST", "boland", "clear_sky_index", "cloud_depth", "cloud_index", "cloud_reflectance", "disc", "erbs",
    "erbs_driesse", "orgill_hollands",
]  # fmt: skip

_DEGREE = math.pi / 180.0
_LOWEST = 0.065  # cosine of the zenith angle in the clearness index, pvlib's default (86.3 degrees)
_LAST = 87.0  # degrees, pvlib's max_zenith
ABOVE = 0.95
"""Transmittance of what absorbs above clouds, down and up, in a channel at 0.6 to 0.67 um: 300 DU of ozone at air
masses of 2 to 3 (Chappuis band, 6S)."""
DEEPEST = 150.0
"""Largest optical depth that is told from a reflectance; beyond, clouds look alike."""
_MOST_MASS = 12.0  # air mass to which DISC was made


@inline
def _held(x: Any, low: float, high: float) -> Any:
    """Return a number held between two limits; NaN stays NaN."""
    return select(x < low, low + 0.0 * x, select(x > high, high + 0.0 * x, x))


@kernel("(),(),()->()")  # apparent reflectances of the pixel, of its ground and of a thick cloud -> n
def cloud_index(reflectance: float, ground: float, cloud: float, out: Any) -> None:
    """Cloud index; NaN where clouds are not brighter than the ground by 0.1 at least."""
    span = cloud - ground
    out[0] = select(span > 0.1, (reflectance - ground) / span, span * math.nan)


@kernel("()->()")  # zenith angle of the Sun (deg) -> reflectance of a thick cloud
def cloud_reflectance(sun_zenith: float, out: Any) -> None:
    """Apparent reflectance of a thick cloud, where the series itself does not tell it."""
    mu = _held(cos(sun_zenith * _DEGREE), 0.0, 1.0)
    out[0] = 0.78 - 0.13 * (1.0 - exp(-4.0 * mu * mu * mu * mu * mu))


@kernel("()->()")  # cloud index -> clear-sky index
def clear_sky_index(index: float, out: Any) -> None:
    """Clear-sky index of Heliosat-2 from the cloud index."""
    n = _held(index, -0.2, 1.1)
    out[0] = select(n < 0.8, 1.0 - n, (6.2 - 11.0 * n + 5.0 * n * n) / 3.0)


# ---- diffuse light ---------------------------------------------------------------------------------------------------
@inline
def _clearness(total: Any, mu: Any, beyond: Any) -> Any:
    """Return the clearness index, 0 to 1."""
    return _held(total / (beyond * select(mu < _LOWEST, _LOWEST + 0.0 * mu, mu)), 0.0, 1.0)


@inline
def _diffuse(share: Any, total: Any, zenith: Any) -> Any:
    """Return the diffuse light of a share, all of the light beyond 87 degrees."""
    return select(zenith > _LAST, total + 0.0 * share, share * total)


@kernel("(),(),()->()")  # global (W m-2), zenith (deg), extraterrestrial facing the Sun (W m-2) -> diffuse (W m-2)
def erbs(total: float, sun_zenith: float, extraterrestrial: float, out: Any) -> None:
    """Diffuse light of Erbs et al. (1982)."""
    k = _clearness(total, cos(sun_zenith * _DEGREE), extraterrestrial)
    middle = 0.9511 + k * (-0.1604 + k * (4.388 + k * (-16.638 + 12.336 * k)))
    share = select(k > 0.22, select(k > 0.8, 0.165 + 0.0 * k, middle), 1.0 - 0.09 * k)
    out[0] = _diffuse(share, total, sun_zenith)


@kernel("(),(),()->()")
def erbs_driesse(total: float, sun_zenith: float, extraterrestrial: float, out: Any) -> None:
    """Diffuse light of Erbs et al. in the continuous form of Driesse et al. (2024)."""
    k = _clearness(total, cos(sun_zenith * _DEGREE), extraterrestrial)
    middle = 12.26911439571261 * k - 16.4705084246973
    middle = 0.946296633571001 + k * (-0.11390583806313881 + k * (4.246926715218317 + k * middle))
    share = select(k > 0.216, select(k > 0.792, 0.165 + 0.0 * k, middle), 1.0 - 0.09 * k)
    out[0] = _diffuse(share, total, sun_zenith)


@kernel("(),(),()->()")
def orgill_hollands(total: float, sun_zenith: float, extraterrestrial: float, out: Any) -> None:
    """Diffuse light of Orgill & Hollands (1977)."""
    k = _clearness(total, cos(sun_zenith * _DEGREE), extraterrestrial)
    share = select(k < 0.35, 1.0 - 0.249 * k, select(k > 0.75, 0.177 + 0.0 * k, 1.557 - 1.84 * k))
    out[0] = _diffuse(share, total, sun_zenith)


@kernel("(),(),()->()")
def boland(total: float, sun_zenith: float, extraterrestrial: float, out: Any) -> None:
    """Diffuse light of Boland et al. (2008), coefficients of 15 minutes."""
    k = _clearness(total, cos(sun_zenith * _DEGREE), extraterrestrial)
    out[0] = _diffuse(1.0 / (1.0 + exp(8.645 * (k - 0.613))), total, sun_zenith)


@kernel("(),(),(),()->()")  # as above, and pressure (Pa)
def disc(total: float, sun_zenith: float, extraterrestrial: float, pressure: float, out: Any) -> None:
    """Diffuse light as what the beam of DISC (Maxwell 1987) leaves; it was made with a solar constant of 1370 W m-2."""
    mu = cos(sun_zenith * _DEGREE)
    k = _clearness(total, mu, extraterrestrial)
    m = _held(mass_kasten(sun_zenith, mu) * pressure / SEA_LEVEL, 0.0, _MOST_MASS)
    cloudy = k <= 0.6
    a = select(cloudy, 0.512 + k * (-1.56 + k * (2.286 - 2.222 * k)), -5.743 + k * (21.77 + k * (-27.49 + 11.56 * k)))
    b = select(cloudy, 0.37 + 0.962 * k, 41.4 + k * (-118.5 + k * (66.05 + 31.9 * k)))
    c = select(cloudy, -0.28 + k * (0.932 - 2.048 * k), -47.01 + k * (184.2 + k * (-222.0 + 73.81 * k)))
    clear = 0.866 + m * (-0.122 + m * (0.0121 + m * (-0.000653 + 1.4e-05 * m)))
    beam = (clear - a - b * exp(c * m)) * extraterrestrial * mu
    most = select(beam > total, total, select(beam < 0.0, 0.0 * beam, beam))
    out[0] = select(sun_zenith > _LAST, total, total - most)


# ---- cloud of a reflectance ------------------------------------------------------------------------------------------
@inline
def _seen(depth: Any, sun: Any, view: Any, ground: Any) -> Any:
    """Return the reflectance of a cloud that does not absorb over a ground, towards a sensor."""
    down, passed = conservative(depth, sun)
    up, _ = conservative(depth, view)
    back = 1.0 - passed
    return (1.0 - down) * (1.0 - up) / back + down * up * ground / (1.0 - ground * back)


@kernel("(),(),(),()->()")
def cloud_depth(
    reflectance: float,  # apparent, of the pixel
    ground: float,  # apparent, of the same place without clouds
    sun_zenith: float,  # deg
    view_zenith: float,  # deg
    out: Any,  # optical depth at 550 nm
) -> None:
    r"""Optical depth of the cloud that brightens the ground to the reflectance; 0 below it, at most 150.

    The two-stream cloud of :mod:`musyq_lab.kernels._clear_sky_cloud` in the visible, seen through what absorbs above it
    (:data:`ABOVE`), over a ground of the clear apparent reflectance (all but right where the light from between cloud
    and ground is small). Towards the sensor it has the reciprocal form
    :math:`R(\mu_0) R(\mu) / \bar R + T(\mu_0) T(\mu) \rho_g / (1 - \rho_g \bar R)`. Solved by bisection in
    log(1 + depth), to 1e-4 of it.
    """
    mu, towards = _held(cos(sun_zenith * _DEGREE), 0.05, 1.0), _held(cos(view_zenith * _DEGREE), 0.05, 1.0)
    wanted, dark = reflectance / ABOVE, ground / ABOVE
    low, high = 0.0 * wanted, math.log(1.0 + DEEPEST) + 0.0 * wanted
    for _ in range(16):
        middle = 0.5 * (low + high)
        bright = _seen(exp(middle) - 1.0, mu, towards, dark) > wanted
        low, high = select(bright, low, middle), select(bright, middle, high)
    depth = exp(0.5 * (low + high)) - 1.0
    depth = select(wanted <= dark, 0.0 * depth, depth)
    out[0] = depth + 0.0 * (wanted + dark + mu + towards)
