r"""Kernels of the directional reflectance of land: RossThick and LiSparse-Reciprocal.

The reflectance of a surface lit from zenith angle i and seen from v, with azimuths :math:`\varphi` apart, is

.. math:: R = f_{iso} + f_{vol} K_{vol}(i, v, \varphi) + f_{geo} K_{geo}(i, v, \varphi)

with the volume scattering of a dense layer of leaves and the shadows of sparse crowns (b/r = 1, h/b = 2),

.. math::
   K_{vol} &= \frac{(\pi/2 - \xi)\cos\xi + \sin\xi}{\cos i + \cos v} - \frac{\pi}{4}, \\
   K_{geo} &= O - \sec i - \sec v + \tfrac{1}{2} (1 + \cos\xi) \sec i \sec v, \\
   O &= \frac{1}{\pi} (t - \sin t \cos t)(\sec i + \sec v), \quad
   \cos t = \min\left(1, 2\,\frac{\sqrt{D^2 + (\tan i \tan v \sin\varphi)^2}}{\sec i + \sec v}\right), \\
   D^2 &= \tan^2 i + \tan^2 v - 2 \tan i \tan v \cos\varphi, \quad
   \cos\xi = \cos i \cos v + \sin i \sin v \cos\varphi .

Both are 0 for Sun and sensor at the zenith and do not change when the two are exchanged. Angles are in degrees; a
relative azimuth of 0 has Sun and sensor on one side (the hot spot). Zenith angles lie in [0, 90), NaN otherwise.

References
----------
Lucht, Schaaf & Strahler (2000), An algorithm for the retrieval of albedo from space using semiempirical BRDF models,
IEEE Trans. Geosci. Remote Sens. 38, 977-998, doi:10.1109/36.841980, equations 38 to 44. Hot spot: Maignan, Breon &
Lacaze (2004), Remote Sens. Environ. 90, 210-220, doi:10.1016/j.rse.2003.12.006.
"""

import math
from typing import Any

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._inline import polynomial
from musyq_lab.kernels._math import acos, cos, log, sincos, sqrt

__all__ = [
    "BLACK_SKY",
    "WHITE_SKY",
    "WHITE_SKY_EXACT",
    "black_sky",
    "black_sky_exact",
    "exact_integrals",
    "hot_spot",
    "polynomial_integrals",
    "values",
]

_DEGREE = math.pi / 180.0
_HALF_PI, _QUARTER_PI, _ONE_OVER_PI = math.pi / 2.0, math.pi / 4.0, 1.0 / math.pi
_NAN = math.nan
_HORIZON = 90.0

WHITE_SKY = (1.0, 0.189184, -1.377622)
"""Integrals of the kernels (1, vol, geo) over both hemispheres: white-sky albedo is their product with the weights.

Lucht et al. (2000), table 1; quadrature of the kernels here gives 0.189186 and -1.377658.
"""

BLACK_SKY = ((-0.007574, -0.070987, 0.307588), (-1.284909, -0.166314, 0.041840))
"""Coefficients of 1, s^2 and s^3 (s the solar zenith angle, radians) of the integrals of vol and geo over the views.

Lucht et al. (2000), table 1. Beside quadrature they are off by at most 0.017 (vol) and 0.006 (geo) to 60 degrees.
"""

WHITE_SKY_EXACT = (1.0, 0.189186, -1.377658)
"""The same by quadrature of the kernels, to the last digit written."""

# Fits to quadrature (Gauss-Legendre, 500 x 500 directions, split at the Sun's zenith angle and graded towards the hot
# spot) at 119 zenith angles of 0 to 89.5 degrees: P(mu) + mu log(mu) Q(mu), mu the cosine, since the integral over a
# layer of leaves has such a logarithm at the horizon. Largest differences there 8.3e-8 (vol) and 1.4e-6 (geo).
_VOL = polynomial(1.57080196, 0.29698229, -2.89603763, 0.879869166, 0.137292671, -0.0106175932, 0.000629972221)
_VOL_LOG = polynomial(2.5478821, 0.0816271338, -0.624733601)
_GEO = polynomial(-1.50005255, -0.0503881361, -0.574953106, -0.0971040935, 1.11194391, -0.189521304, 0.0112204739)
_GEO_LOG = polynomial(-0.0101463817, -0.381268729, -1.41359272)

# What widens the peak of the hot spot (Maignan et al. 2004: 1.5 degrees for all surfaces).
_HOT_SPOT_WIDTH = 1.5 * _DEGREE


@inline
def _valid(sun: Any, view: Any) -> Any:
    """Whether both lie above the horizon; False for NaN."""
    return (sun >= 0.0) & (sun < _HORIZON) & (view >= 0.0) & (view < _HORIZON)


@inline
def _geometry(sun: Any, view: Any, azimuth: Any) -> Any:
    """Return sine and cosine of both zenith angles, 1 - cos and sin^2 of the azimuth, and cos of the phase angle.

    The half of the azimuth keeps the digits of 1 - cos near the hot spot.
    """
    sin_s, cos_s = sincos(sun * _DEGREE)
    sin_v, cos_v = sincos(view * _DEGREE)
    sine, cosine = sincos(azimuth * (0.5 * _DEGREE))
    turned = 2.0 * sine * sine
    across = 2.0 * sine * cosine
    phase = cos_s * cos_v + sin_s * sin_v * (1.0 - turned)
    phase = select(phase > 1.0, 1.0 + 0.0 * phase, select(phase < -1.0, -1.0 + 0.0 * phase, phase))
    return sin_s, cos_s, sin_v, cos_v, turned, across * across, phase


@inline
def _volume(cos_s: Any, cos_v: Any, phase: Any) -> Any:
    """Return the phase angle and the scattering of a dense layer of leaves, not yet normalised."""
    xi = acos(phase)
    return xi, ((_HALF_PI - xi) * phase + sqrt(1.0 - phase * phase)) / (cos_s + cos_v)


@inline
def _shadows(sin_s: Any, cos_s: Any, sin_v: Any, cos_v: Any, turned: Any, across: Any, phase: Any) -> Any:
    """Return the LiSparse-R kernel."""
    sec_s, sec_v = 1.0 / cos_s, 1.0 / cos_v
    tan_s, tan_v = sin_s * sec_s, sin_v * sec_v
    both, secants = tan_s * tan_v, sec_s + sec_v
    apart = (tan_s - tan_v) * (tan_s - tan_v) + 2.0 * both * turned
    cosine = 2.0 * sqrt(apart + both * both * across) / secants
    cosine = select(cosine > 1.0, 1.0 + 0.0 * cosine, cosine)
    overlap = _ONE_OVER_PI * (acos(cosine) - sqrt(1.0 - cosine * cosine) * cosine) * secants
    return overlap - secants + 0.5 * (1.0 + phase) * sec_s * sec_v


@kernel("(),(),()->(),()")
def values(
    sun: float,  # zenith (deg)
    view: float,  # zenith (deg)
    azimuth: float,  # relative (deg), 0 on the side of the Sun
    vol_out: Any,  # RossThick
    geo_out: Any,  # LiSparse-Reciprocal
) -> None:
    """RossThick and LiSparse-R for a direction of the Sun and one of view; NaN outside [0, 90) degrees."""
    valid = _valid(sun, view)
    sin_s, cos_s, sin_v, cos_v, turned, across, phase = _geometry(sun, view, azimuth)
    _, layer = _volume(cos_s, cos_v, phase)
    vol_out[0] = select(valid, layer - _QUARTER_PI, _NAN + 0.0 * layer)
    geo = _shadows(sin_s, cos_s, sin_v, cos_v, turned, across, phase)
    geo_out[0] = select(valid, geo, _NAN + 0.0 * geo)


@kernel("(),(),()->(),()")
def hot_spot(
    sun: float,  # zenith (deg)
    view: float,  # zenith (deg)
    azimuth: float,  # relative (deg), 0 on the side of the Sun
    vol_out: Any,  # Ross with the hot spot of Maignan et al. (2004), equation 12
    geo_out: Any,  # LiSparse-Reciprocal
) -> None:
    r"""Return the same with a narrow peak of the volume scattering around the hot spot.

    .. math:: K_{vol} = \frac{4}{3\pi} \frac{(\pi/2 - \xi)\cos\xi + \sin\xi}{\cos i + \cos v}
              \left(1 + \frac{1}{1 + \xi / \xi_0}\right) - \frac{1}{3}, \qquad \xi_0 = 1.5^\circ

    It is not normalised as RossThick is (their ratio without the peak is :math:`4 / 3\pi`): weights found with one do
    not serve the other, nor do the integrals of this module. As in the code of 6S V1.1 (``rlmaignanbrdf``).
    """
    valid = _valid(sun, view)
    sin_s, cos_s, sin_v, cos_v, turned, across, phase = _geometry(sun, view, azimuth)
    xi, layer = _volume(cos_s, cos_v, phase)
    vol = (4.0 / 3.0) * _ONE_OVER_PI * layer * (1.0 + 1.0 / (1.0 + xi / _HOT_SPOT_WIDTH)) - 1.0 / 3.0
    vol_out[0] = select(valid, vol, _NAN + 0.0 * vol)
    geo = _shadows(sin_s, cos_s, sin_v, cos_v, turned, across, phase)
    geo_out[0] = select(valid, geo, _NAN + 0.0 * geo)


@inline
def polynomial_integrals(sun: Any) -> Any:
    """Return the integrals of vol and geo over all directions of view as :func:`black_sky` does."""
    valid = _valid(sun, 0.0 * sun)
    s = sun * _DEGREE
    square = s * s
    vol = BLACK_SKY[0][0] + square * (BLACK_SKY[0][1] + s * BLACK_SKY[0][2])
    geo = BLACK_SKY[1][0] + square * (BLACK_SKY[1][1] + s * BLACK_SKY[1][2])
    return select(valid, vol, _NAN + 0.0 * vol), select(valid, geo, _NAN + 0.0 * geo)


@inline
def exact_integrals(sun: Any) -> Any:
    """Return the integrals of vol and geo over all directions of view as :func:`black_sky_exact` does."""
    valid = _valid(sun, 0.0 * sun)
    mu = cos(sun * _DEGREE)
    slope = mu * log(mu)
    vol = _VOL(mu) + slope * _VOL_LOG(mu)
    geo = _GEO(mu) + slope * _GEO_LOG(mu)
    return select(valid, vol, _NAN + 0.0 * vol), select(valid, geo, _NAN + 0.0 * geo)


@kernel("()->(),()")
def black_sky(
    sun: float,  # zenith (deg)
    vol_out: Any,
    geo_out: Any,
) -> None:
    """Integrals of both kernels over all directions of view (polynomials of Lucht et al. 2000); NaN below the horizon.

    With the weights they give black-sky albedo: f_iso + f_vol vol + f_geo geo.
    """
    vol_out[0], geo_out[0] = polynomial_integrals(sun)


@kernel("()->(),()")
def black_sky_exact(
    sun: float,  # zenith (deg)
    vol_out: Any,
    geo_out: Any,
) -> None:
    """Integrals of both kernels over all directions of view as quadrature gives them; NaN below the horizon.

    Closed forms within 1.4e-6 of quadrature (2e-6 in float32), from 0 to 89.5 degrees. The polynomials of
    :func:`black_sky`, fitted to fewer angles, differ by up to 0.017 (vol) below 60 degrees and by 0.075 at 80.
    """
    vol_out[0], geo_out[0] = exact_integrals(sun)
