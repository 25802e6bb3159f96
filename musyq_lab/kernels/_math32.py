"""Elementary functions in float32, as sequences without branches that the vectoriser can inline.

Methods: argument reduction after Cody & Waite (1980, Software Manual for the Elementary Functions) with fused
multiply-adds, then a polynomial. The polynomials are our own Remez fits (``benchmarks/fit_math.py`` prints them with
their errors); constants of the reductions are ln 2 and pi / 2 cut into float32 parts.
"""

import math
from typing import Any

import numpy as np

from musyq_lab.kernels._inline import as_bits, fma, from_bits, inline, polynomial, select, sqrt
from musyq_lab.kernels._math64 import exp as exp_wide
from musyq_lab.kernels._math64 import log as log_wide

LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.6931471824645996, -1.9046542121259336e-09
HALF_PI_HIGH, HALF_PI_MIDDLE, HALF_PI_LOW = 1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15
TWO_OVER_PI = 0.6366197723675814
ROUND, ROUND_BITS = 12582912.0, 0x4B400000  # 1.5 * 2^23: adding it leaves the nearest integer in the low bits
SQRT_HALF_BITS = 0x3F3504F3
SMALLEST_NORMAL = 1.1754943508222875e-38
SINCOS_LIMIT = 1.0e5
INFINITY, NAN, PI = math.inf, math.nan, math.pi

# fmt: off
# Remez, relative error of the function that uses it: 3.2e-9 on |r| <= 0.3476
_exp_tail = polynomial(0.5000000096660023, 0.16666517141899193, 0.04166620107811116, 0.008369093271406365,
                       0.0013950808679877914)
# 7.3e-10 on [sqrt(1/2) - 1, sqrt(2) - 1]
_log_tail = polynomial(0.3333331044651739, -0.24999986591253046, 0.20002226236261497, -0.16669250904047872,
                       0.14218664753054264, -0.12384353037576827, 0.11872938529035672, -0.11789757953607502,
                       0.06915376237364405)
# 3.9e-9 and 1.1e-10 on r^2 <= 0.63
_sin_tail = polynomial(-0.16666654181628338, 0.008332128666700817, -0.00019510450476384396)
_cos_tail = polynomial(0.0416666455780676, -0.0013887302295479895, 2.4430767693112627e-05)
# 5.0e-9 on s^2 <= 0.25
_asin_tail = polynomial(0.16666753921439476, 0.0749524200114541, 0.04547707035890063, 0.024147742109154182,
                        0.042218327901332196)
# 1.5e-8 on t^2 <= 1
_atan_tail = polynomial(-0.33333166924474045, 0.19994136333493354, -0.1421420270788699, 0.10678917340925936,
                        -0.075805337246309, 0.04355306243116749, -0.01658091666913633, 0.0029745293801701133)
# tanh(x) / x as a quotient in x^2 <= 81.5, 2.1e-8: all coefficients positive, so nothing cancels
_tanh_above = polynomial(0.9999999789398684, 0.13379224008017973, 0.003493447457396319, 2.0573796607423022e-05,
                         1.3305595057622895e-08)
_tanh_below = polynomial(1.0, 0.4671253913650631, 0.025868840908194076, 0.00032821317558467803, 7.756516533297336e-07)
# fmt: on


@inline
def _power_of_two(k: Any) -> Any:
    return from_bits(np.int32((k + 127) << 23))


@inline
def exp(x: Any) -> Any:
    """Return e^x = 2^k e^r, |r| <= ln(2)/2; 2^k in two factors, so that denormal results are right."""
    x = select(x > 89.0, np.float32(89.0), select(x < -104.0, np.float32(-104.0), x))
    shifted = fma(x, LOG2_E, ROUND)
    k = np.int32(as_bits(shifted) - ROUND_BITS)
    n = shifted - ROUND
    r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x))
    value = fma(r * r, _exp_tail(r), r) + 1.0
    half = np.int32(k >> 1)
    return value * _power_of_two(half) * _power_of_two(np.int32(k - half))


@inline
def log(x: Any) -> Any:
    """Return ln x, x = 2^e m, m in [sqrt(1/2), sqrt(2)); -inf at 0, NaN below."""
    tiny = x < SMALLEST_NORMAL
    bits = np.int32(as_bits(select(tiny, x * 8388608.0, x)) - SQRT_HALF_BITS)
    e = np.float32(np.int32(bits >> 23)) - select(tiny, np.float32(23.0), np.float32(0.0))
    f = from_bits(np.int32((bits & 0x7FFFFF) + SQRT_HALF_BITS)) - 1.0
    z = f * f
    low = fma(e, LN2_LOW, fma(f * z, _log_tail(f), -0.5 * z))
    value = fma(e, LN2_HIGH, f + low)
    return select(x > 0.0, select(x < INFINITY, value, x), select(x == 0.0, -INFINITY, NAN))


@inline
def sincos(x: Any) -> Any:
    """Return sine and cosine of an angle in radians, |x| <= 1e5 (NaN beyond: pi/2 has three parts)."""
    shifted = fma(x, TWO_OVER_PI, ROUND)
    k = as_bits(shifted)
    n = shifted - ROUND
    r = fma(n, -HALF_PI_LOW, fma(n, -HALF_PI_MIDDLE, fma(n, -HALF_PI_HIGH, x)))
    z = r * r
    s = fma(r * z, _sin_tail(z), r)
    c = fma(z * z, _cos_tail(z), fma(-0.5, z, np.float32(1.0)))
    odd = (k & 1) != 0
    sine = from_bits(np.int32(as_bits(select(odd, c, s)) ^ ((k & 2) << 30)))
    cosine = from_bits(np.int32(as_bits(select(odd, s, c)) ^ (((k + 1) & 2) << 30)))
    inside = abs(x) <= SINCOS_LIMIT
    return select(inside, sine, NAN), select(inside, cosine, NAN)


@inline
def _asin_parts(x: Any) -> Any:
    """Tell whether |x| > 1/2, and asin of |x| or of sqrt((1 - |x|) / 2)."""
    a = abs(x)
    large = a > 0.5
    z = select(large, fma(-0.5, a, np.float32(0.5)), a * a)
    s = select(large, sqrt(z), a)
    return large, fma(s * z, _asin_tail(z), s)


@inline
def asin(x: Any) -> Any:
    """Return the inverse sine in radians; NaN outside [-1, 1]."""
    large, p = _asin_parts(x)
    value = select(large, HALF_PI_HIGH - (2.0 * p - HALF_PI_MIDDLE), p)
    return select(x < 0.0, -value, value)


@inline
def acos(x: Any) -> Any:
    """Return the inverse cosine in radians; NaN outside [-1, 1]."""
    large, p = _asin_parts(x)
    left = select(x < 0.0, 2.0 * (HALF_PI_HIGH - (p - HALF_PI_MIDDLE)), 2.0 * p)
    return select(large, left, HALF_PI_HIGH - (select(x < 0.0, -p, p) - HALF_PI_MIDDLE))


@inline
def atan2(y: Any, x: Any) -> Any:
    """Return the angle of the point (x, y) in (-pi, pi]; 0 at the origin, NaN when both are infinite."""
    ax, ay = abs(x), abs(y)
    steep = ay > ax
    longest, shortest = select(steep, ay, ax), select(steep, ax, ay)
    t = shortest / select(longest == 0.0, np.float32(1.0), longest)
    z = t * t
    angle = fma(t * z, _atan_tail(z), t)
    angle = select(steep, HALF_PI_HIGH - (angle - HALF_PI_MIDDLE), angle)
    angle = select(x < 0.0, 2.0 * HALF_PI_HIGH - (angle - 2.0 * HALF_PI_MIDDLE), angle)
    return select(y < 0.0, -angle, angle)


@inline
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent as one quotient; beyond 9.02 float32 cannot tell it from 1."""
    bounded = select(x > 9.02, np.float32(9.02), select(x < -9.02, np.float32(-9.02), x))
    z = bounded * bounded
    value = bounded * _tanh_above(z) / _tanh_below(z)
    return select(value > 1.0, np.float32(1.0), select(value < -1.0, np.float32(-1.0), value))


@inline
def pow(x: Any, y: Any) -> Any:
    """Return x^y for x >= 0 through float64, hence within half a unit in the last place and a little; NaN for x < 0."""
    value = np.float32(exp_wide(np.float64(y) * log_wide(np.float64(x))))
    return select((y == 0.0) & (x >= 0.0), np.float32(1.0), value)
