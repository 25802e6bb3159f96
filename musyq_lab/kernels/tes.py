r"""Separation of temperature and emissivity (TES) in three or four thermal bands.

What leaves the surface in a band is :math:`L = \varepsilon B(T) + (1 - \varepsilon) S` with the radiance of the sky
:math:`S`: one unknown more than bands. TES (Gillespie et al. 1998) closes the system with what laboratory spectra have
in common: the larger the contrast of the emissivities, the lower is the lowest of them. Three steps:

1. *NEM* takes :math:`\varepsilon_m` = 0.985 for the band that is then the warmest,
   :math:`T_0 = \max_k B_k^{-1}\{[L_k - (1 - \varepsilon_m) S_k] / \varepsilon_m\}`, and corrects the reflected light of
   the sky until nothing changes. That iteration has its end point in closed form, which is taken here:
   :math:`\varepsilon_k = (L_k - S_k) / (B_k(T_0) - S_k)`.
2. *Ratio*: :math:`\beta_k = \varepsilon_k / \bar\varepsilon` hardly depends on :math:`T_0`.
3. *MMD*: :math:`\varepsilon_{\min} = a - b\,(\max\beta - \min\beta)^c`, hence
   :math:`\varepsilon_k = \beta_k\,\varepsilon_{\min} / \min\beta`; the temperature is that of the band with the highest
   emissivity, in which the sky counts least.

What leaves the surface is had from the top of the atmosphere through functions of the column of vapour :math:`w`
(g cm-2), of :math:`s = 1/\cos\theta - 1`, and of the air temperature near the ground, :math:`u = T_a / 300 - 1`, with
:math:`x = w (1 + s)` and coefficients :math:`t_k, p_k, d_k` of the band (``catalogs/emissivity/derive.py``):

.. math:: -\ln\tau = t \cdot (1, s, x, x^2, xu, x^2 u, \sqrt x), \qquad
          L_\uparrow = (1 - \tau)\,B(T_a)\;p \cdot (1, s, x, x^2, xu, x^2 u, \sqrt x),

(neither exponent below 0)

.. math:: S = B(T_a)\,[1 - e^{-d \cdot (1, w, w^2, wu, w^2 u, \sqrt w)}], \qquad
          L = (L_\mathrm{top} - L_\uparrow) / \tau .

References
----------
Gillespie et al. 1998, doi:10.1109/36.700995 (its abstract and the public codes of ECOSTRESS read).
"""

import math
from typing import Any

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._math import exp, log, pow, sqrt

__all__ = ["HIGHEST", "from_top", "separate"]

HIGHEST = 0.985
"""Emissivity of the band that is then the warmest (EmaxBare and EmaxVeg of ECOSTRESS collection 3)."""

_NAN = math.nan


@inline
def planck(k1: Any, k2: Any, temperature: Any) -> Any:
    """Radiance of a black body, in the units of ``k1``, from K."""
    return k1 / (exp(k2 / temperature) - 1.0)


@inline
def inverse(k1: Any, k2: Any, radiance: Any) -> Any:
    """Temperature (K) of a black body of that radiance, NaN where it is not positive."""
    return k2 / log(k1 / select(radiance > 0.0, radiance, _NAN) + 1.0)


@inline
def warmest(k1: Any, k2: Any, radiance: Any, sky: Any, highest: Any) -> Any:
    """Temperature (K) that a band has with the highest emissivity."""
    return inverse(k1, k2, (radiance - (1.0 - highest) * sky) / highest)


@inline
def larger(x: Any, y: Any) -> Any:
    """Return the larger of two numbers, NaN if the second is."""
    return select(x > y, x, y)


@inline
def smaller(x: Any, y: Any) -> Any:
    """Return the smaller of two numbers, NaN if the second is."""
    return select(x < y, x, y)


# four radiances and skies, K1 and K2 of four bands, a, b, c of the curve, highest emissivity, whether the fourth counts
@kernel(
    "(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),()->(),(),(),(),(),()"
)  # -> T, 4 emissivities, MMD
def separate(
    l1: float, l2: float, l3: float, l4: float,
    s1: float, s2: float, s3: float, s4: float,
    p1: float, p2: float, p3: float, p4: float,
    q1: float, q2: float, q3: float, q4: float,
    a: float, b: float, c: float, highest: float, fourth: float,
    temperature: Any, e1: Any, e2: Any, e3: Any, e4: Any, contrast: Any,
) -> None:  # fmt: skip
    """Temperature (K), emissivities and contrast of what leaves the surface.

    Parameters
    ----------
    l1, l2, l3, l4 : array_like
        Radiance that leaves the surface, in the units of ``p1`` ... ``p4``; of three bands, the third twice.
    s1, s2, s3, s4 : array_like
        Radiance of the sky, mean of the hemisphere.
    p1, p2, p3, p4, q1, q2, q3, q4 : array_like
        Planck constants K1 and K2 (K) of the bands.
    a, b, c : array_like
        Curve of the lowest emissivity over the contrast.
    highest : array_like
        Emissivity assumed first.
    fourth : array_like
        1 where there are four bands, 0 where there are three.
    temperature, e1, e2, e3, e4, contrast : numpy.ndarray
        Temperature (K), emissivities and their contrast (1).
    """
    t1, t2 = warmest(p1, q1, l1, s1, highest), warmest(p2, q2, l2, s2, highest)
    t3, t4 = warmest(p3, q3, l3, s3, highest), warmest(p4, q4, l4, s4, highest)
    first = larger(larger(t1, t2), larger(t3, t4))
    b1 = (l1 - s1) / (planck(p1, q1, first) - s1)
    b2 = (l2 - s2) / (planck(p2, q2, first) - s2)
    b3 = (l3 - s3) / (planck(p3, q3, first) - s3)
    b4 = (l4 - s4) / (planck(p4, q4, first) - s4)
    mean = (b1 + b2 + b3 + fourth * b4) / (3.0 + fourth)
    least = smaller(smaller(b1, b2), smaller(b3, b4))
    most = larger(larger(b1, b2), larger(b3, b4))
    spread = (most - least) / mean
    scale = (a - b * pow(spread, c)) / least
    e1[0], e2[0], e3[0], e4[0] = b1 * scale, b2 * scale, b3 * scale, b4 * scale
    contrast[0] = spread
    k1 = select(b1 >= most, p1, select(b2 >= most, p2, select(b3 >= most, p3, p4)))
    k2 = select(b1 >= most, q1, select(b2 >= most, q2, select(b3 >= most, q3, q4)))
    light = select(b1 >= most, l1, select(b2 >= most, l2, select(b3 >= most, l3, l4)))
    sky = select(b1 >= most, s1, select(b2 >= most, s2, select(b3 >= most, s3, s4)))
    top = most * scale
    temperature[0] = inverse(k1, k2, (light - (1.0 - top) * sky) / top)


# brightness temperature (K), vapour (g cm-2), air temperature (K), s, K1, K2 (K), 7 + 7 + 6 coefficients -> L, S
@kernel("(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),()->(),()")
def from_top(
    brightness: float, vapour: float, air: float, slant: float, k1: float, k2: float,
    t0: float, t1: float, t2: float, t3: float, t4: float, t5: float, t6: float,
    p0: float, p1: float, p2: float, p3: float, p4: float, p5: float, p6: float,
    d0: float, d1: float, d2: float, d3: float, d4: float, d5: float,
    light: Any, sky: Any,
) -> None:  # fmt: skip
    """Radiance that leaves the surface and radiance of the sky, in the units of ``k1``.

    Parameters
    ----------
    brightness : array_like
        Brightness temperature at the top of the atmosphere (K).
    vapour, air : array_like
        Column of water vapour (g cm-2) and air temperature near the ground (K).
    slant : array_like
        1 / cos(view zenith) - 1.
    k1, k2 : array_like
        Planck constants of the band.
    t0, t1, t2, t3, t4, t5, t6, p0, p1, p2, p3, p4, p5, p6, d0, d1, d2, d3, d4, d5 : array_like
        Coefficients of the band; see the module.
    light, sky : numpy.ndarray
        What leaves the surface, and radiance of the sky.
    """
    u = air / 300.0 - 1.0
    x = vapour * (1.0 + slant)
    root, square = sqrt(x), x * x
    thick = t0 + t1 * slant + t2 * x + t3 * square + t4 * x * u + t5 * square * u + t6 * root
    tau = exp(-larger(0.0, thick))
    near = planck(k1, k2, air)
    warmth = p0 + p1 * slant + p2 * x + p3 * square + p4 * x * u + p5 * square * u + p6 * root
    light[0] = (planck(k1, k2, brightness) - (1.0 - tau) * near * warmth) / tau
    w2 = vapour * vapour
    depth = d0 + d1 * vapour + d2 * w2 + d3 * vapour * u + d4 * w2 * u + d5 * sqrt(vapour)
    sky[0] = near * (1.0 - exp(-larger(0.0, depth)))
