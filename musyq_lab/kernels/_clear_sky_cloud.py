r"""Shortwave irradiance under a layer of cloud: two-stream transmittance in four bands, with ground, cloud and sky.

The light that REST2 brings through the gases and the aerosol meets a plane layer of droplets. Of the beam the layer
passes :math:`T(\mu)`, of diffuse light :math:`\bar T`, and it throws back :math:`\bar R` of what comes from below:

.. math:: G = \frac{B\,T(\mu) + D\,\bar T}{1 - A\,r}, \qquad r = \bar R + \frac{\bar T^2 r_s}{1 - \bar R\,r_s}

summed over the visible band (to 0.7 um) and three near-infrared ones that share its second band as sunlight on the
ground does (ASTM G173, Sun at 48 degrees: 0.678, 0.301, 0.021). The beam that goes on unscattered is
:math:`B\,e^{-\tau/\mu}`; all the rest counts as diffuse. Clouds cover a share :math:`c` of the sky, each part for
itself.

Transmittances are the Eddington solution of Meador & Weaver (1980, doi
10.1175/1520-0469(1980)037<0630:TSATRT>2.0.CO;2, eq. 14 and 15, table 1) after delta scaling (Joseph et al. 1976, doi
10.1175/1520-0469(1976)033<2452:TDEAFR>2.0.CO;2). Optical properties are those of water clouds with droplets of 10 um:
Slingo (1989, doi 10.1175/1520-0469(1989)046<1419:AGPFTS>2.0.CO;2), table 1 as in the radiation code of CAM3; optical
depth is that of his first band. Clouds of ice, of broken shape or above much vapour are not described; the co-albedo of
the visible band (2e-6) counts as zero.
"""

import math
from typing import Any, NamedTuple

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._math import cos, exp

__all__ = ["RADIUS", "below_cloud", "conservative", "layer"]

RADIUS = 10.0
"""Effective radius of the droplets (um); MODIS finds 8 to 15 over land (King et al. 2013, not re-read)."""

# Slingo 1989, table 1 (0.25-0.69, 0.69-1.19, 1.19-2.38, 2.38-4.00 um): depth = path (a + b / r), co-albedo c + d r,
# asymmetry e + f r.
_SLINGO = (
    (2.817e-2, 1.305, -5.62e-8, 1.63e-7, 0.829, 2.482e-3),
    (2.682e-2, 1.346, -6.94e-6, 2.35e-5, 0.794, 4.226e-3),
    (2.264e-2, 1.454, 4.64e-4, 1.24e-3, 0.754, 6.560e-3),
    (1.281e-2, 1.641, 0.201, 7.56e-3, 0.826, 4.353e-3),
)
_SHARES = (0.678, 0.301, 0.021)  # of the second band of REST2, ASTM G173-03 global on the ground
_LOWEST = 0.05  # cosine of the zenith angle below which a plane layer counts as this
_DEGREE = math.pi / 180.0


class Optics(NamedTuple):
    """Constants of one band after delta scaling."""

    scale: float
    """Scaled depth over that of the first band."""
    albedo: float
    """Single-scattering albedo."""
    asymmetry: float
    """Asymmetry parameter."""
    damping: float
    """k of the solution."""
    gamma_1: float
    """Meador & Weaver's first coefficient."""
    gamma_2: float
    """Their second."""


def optics(band: int, radius: float = RADIUS) -> Optics:
    """Return the scaled constants of one of the four bands."""
    (a, b, *_), (a1, b1, *_) = _SLINGO[band], _SLINGO[0]
    _, _, c, d, e, f = _SLINGO[band]
    lost = max(c + d * radius, 0.0) if band else 0.0
    omega, g = 1.0 - lost, e + f * radius
    forward = g * g
    scaled = omega * (1.0 - forward) / (1.0 - omega * forward)
    g = g / (1.0 + g)
    damping = math.sqrt(3.0 * (1.0 - scaled) * (1.0 - scaled * g))
    gammas = (7.0 - scaled * (4.0 + 3.0 * g)) / 4.0, -(1.0 - scaled * (4.0 - 3.0 * g)) / 4.0
    ratio = (a + b / radius) / (a1 + b1 / radius)
    return Optics((1.0 - omega * forward) * ratio, scaled, g, damping, *gammas)


_VISIBLE, _NEAR, _MIDDLE, _FAR = (optics(band) for band in range(4))
_REDUCED = 0.75 * (1.0 - _VISIBLE.asymmetry) * _VISIBLE.scale  # 3/4 (1 - g) of the unscaled layer, per unit of depth
_V_SCALE = _VISIBLE.scale


@inline
def conservative(depth: Any, mu: Any) -> Any:
    """Return the transmittance of a layer that does not absorb, for the beam and for diffuse light."""
    third = 2.0 / 3.0
    thick = 1.0 + _REDUCED * depth
    beam = (third + mu + (third - mu) * exp(-_V_SCALE * depth / mu)) / (2.0 * third * thick)
    return beam, 1.0 / thick


@inline
def _absorbing(depth: Any, mu: Any, s: float, w: float, g: float, k: float, g1: float, g2: float) -> Any:
    """Return the transmittance for the beam, and transmittance and reflectance for diffuse light, of other bands."""
    t = s * depth
    # The solution is regular where k mu = 1, its terms are not.
    near = 1.0 - k * mu
    mu = select(near * near < 1e-6, mu * 0.998, mu)
    g3 = (2.0 - 3.0 * g * mu) / 4.0
    g4 = 1.0 - g3
    a1 = g1 * g4 + g2 * g3
    fading, straight = exp(-k * t), exp(-t / mu)
    twice = fading * fading
    scale = w / ((1.0 - k * k * mu * mu) * ((k + g1) + (k - g1) * twice))
    rise = straight * ((1.0 + k * mu) * (a1 + k * g4) - (1.0 - k * mu) * (a1 - k * g4) * twice)
    beam = straight - scale * (rise - 2.0 * k * (g4 + a1 * mu) * fading)
    ratio = g2 / (g1 + k)
    below = 1.0 - ratio * ratio * twice
    return beam, (1.0 - ratio * ratio) * fading / below, ratio * (1.0 - twice) / below


@inline
def _closed(direct: Any, diffuse: Any, through: Any, passed: Any, back: Any, sky: Any, albedo: Any) -> Any:
    """Return the global irradiance below the cloud, with what ground, cloud and sky throw at one another."""
    under = back + passed * passed * sky / (1.0 - back * sky)
    return (direct * through + diffuse * passed) / (1.0 - albedo * under)


@inline
def _share(direct: Any, diffuse: Any, depth: Any, mu: Any, sky: Any, albedo: Any, band: Any) -> Any:
    """Return the global irradiance below the cloud of all light, were it of one absorbing band."""
    through, passed, back = _absorbing(depth, mu, band[0], band[1], band[2], band[3], band[4], band[5])
    return _closed(direct, diffuse, through, passed, back, sky, albedo)


@kernel("(),(),(),(),(),(),(),(),(),()->(),(),(),()")
def below_cloud(
    sun_zenith: float,  # deg
    direct_1: float,  # from here on the results of `rest2_bands` (W m-2)
    diffuse_1: float,
    sky_1: float,
    direct_2: float,
    diffuse_2: float,
    sky_2: float,
    depth: float,  # of the cloud at 550 nm
    fraction: float,  # of the sky under cloud
    albedo: float,  # of the ground
    direct_out: Any,  # beam on the horizontal (W m-2)
    diffuse_out: Any,
    visible_direct_out: Any,  # 0.29 to 0.70 um
    visible_diffuse_out: Any,
) -> None:
    """Irradiance under clouds of a depth and a share of the sky; NaN where an input is."""
    mu = cos(sun_zenith * _DEGREE)
    slant = select(mu < _LOWEST, _LOWEST + 0.0 * mu, mu)
    beam = 1.0 - fraction + fraction * exp(-depth / slant)
    through, passed = conservative(depth, slant)
    visible = fraction * _closed(direct_1, diffuse_1, through, passed, 1.0 - passed, sky_1, albedo)
    visible = visible + (1.0 - fraction) * (direct_1 + diffuse_1) / (1.0 - albedo * sky_1)
    infrared = 0.678 * _share(direct_2, diffuse_2, depth, slant, sky_2, albedo, _NEAR)
    infrared = infrared + 0.301 * _share(direct_2, diffuse_2, depth, slant, sky_2, albedo, _MIDDLE)
    infrared = infrared + 0.021 * _share(direct_2, diffuse_2, depth, slant, sky_2, albedo, _FAR)
    infrared = fraction * infrared + (1.0 - fraction) * (direct_2 + diffuse_2) / (1.0 - albedo * sky_2)
    direct = (direct_1 + direct_2) * beam
    direct_out[0] = direct
    diffuse_out[0] = visible + infrared - direct
    visible_direct_out[0] = direct_1 * beam
    visible_diffuse_out[0] = visible - direct_1 * beam


def layer(depth: float, mu: float, band: int) -> tuple[float, float, float]:
    """Return what a layer passes of the beam and of diffuse light, and what it throws back of the latter.

    Parameters
    ----------
    depth : float
        Of the first band.
    mu : float
        Cosine of the zenith angle of the beam.
    band : int
        0 (visible) to 3.
    """
    if band == 0:
        through, passed = conservative(depth, mu)
        return float(through), float(passed), float(1.0 - passed)
    through, passed, back = _absorbing(depth, mu, *optics(band))
    return float(through), float(passed), float(back)
