"""Elementary functions in float64, as sequences without branches that the vectoriser can inline.

Methods: argument reduction after Cody & Waite (1980, Software Manual for the Elementary Functions) with fused
multiply-adds, then a polynomial. The polynomials are our own Remez fits (``benchmarks/fit_math.py`` prints them with
their errors); constants of the reductions are ln 2 and pi / 2 cut into float64 parts.
"""

import math
from typing import Any

import numpy as np

from musyq_lab.kernels._inline import as_bits, fma, from_bits, inline, polynomial, select, sqrt

LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.6931471805599453, 2.3190468138462996e-17
HALF_PI_HIGH, HALF_PI_MIDDLE, HALF_PI_LOW = 1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33
TWO_OVER_PI = 0.6366197723675814
ROUND, ROUND_BITS = 6755399441055744.0, 0x4338000000000000  # 1.5 * 2^52: leaves the nearest integer in the low bits
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
SMALLEST_NORMAL = 2.2250738585072014e-308
SINCOS_LIMIT = 1.0e9
INFINITY, NAN, PI = math.inf, math.nan, math.pi

# fmt: off
# Remez, relative error of the function that uses it: 3.5e-18 on |r| <= 0.3476
_exp_tail = polynomial(0.5000000000000013, 0.166666666666667, 0.041666666666511955, 0.008333333333306546,
                       0.0013888888948011822, 0.0001984126991883778, 2.480148883249841e-05, 2.7557214980941413e-06,
                       2.763170105314442e-07, 2.511828473456454e-08)
# 3.1e-16 of the tail, hence below 1e-17 of the logarithm, on s^2 <= 0.0295 (form of Ng's fdlibm: s = f / (2 + f))
_log_tail = polynomial(0.666666666666667, 0.3999999999989718, 0.2857142862697053, 0.2222221097985203,
                       0.18182899976198086, 0.15331372875613813, 0.1462063638935313)
# 4.0e-18 and 5.5e-20 on r^2 <= 0.63
_sin_tail = polynomial(-0.16666666666666627, 0.008333333333321213, -0.00019841269828810016, 2.755731333474616e-06,
                       -2.5050700656320105e-08, 1.589338529204436e-10)
_cos_tail = polynomial(0.04166666666666659, -0.00138888888888725, 2.480158728842918e-05, -2.755731403797691e-07,
                       2.0875679303475434e-09, -1.1357313237455126e-11)
# 1.5e-17 on s^2 <= 0.25
_asin_tail = polynomial(0.1666666666666538, 0.07500000000343186, 0.04464285682338983, 0.0303819593343892,
                        0.02237175346015098, 0.0173597719210605, 0.013884591480393758, 0.012173319842605296,
                        0.006510696464145084, 0.019574294393605148, -0.016294629211743402, 0.0319593154457108)
# 2.5e-17 on t^2 <= 1
_atan_tail = polynomial(-0.33333333333331994, 0.19999999999774584, -0.14285714272344893, 0.11111110705316016,
                        -0.09090901654784146, 0.07692217289416123, -0.06665891982041518, 0.05877474187615759,
                        -0.05239885426376798, 0.046758881515491096, -0.040970488244170725, 0.034144967417758625,
                        -0.02593035612736674, 0.017083710852346817, -0.00926504550334604, 0.0039002696908404582,
                        -0.0011807058728318393, 0.00022683553536239156, -2.0660999067100203e-05)
# 3.6e-19 on x^2 <= 0.391
_tanh_tail = polynomial(-0.33333333333333315, 0.13333333333329855, -0.053968253966115265, 0.021869488470131322,
                        -0.008863234333227554, 0.003592114189096733, -0.001455727083274654, 0.0005894563252636253,
                        -0.00023702361767004494, 9.157816757218625e-05, -3.0206047234956782e-05,
                        6.050305392281401e-06)
# fmt: on


@inline
def _power_of_two(k: Any) -> Any:
    return from_bits(np.int64((k + 1023) << 52))


@inline
def exp(x: Any) -> Any:
    """Return e^x = 2^k e^r, |r| <= ln(2)/2; 2^k in two factors, so that denormal results are right."""
    x = select(x > 710.0, np.float64(710.0), select(x < -746.0, np.float64(-746.0), x))
    shifted = fma(x, LOG2_E, ROUND)
    k = np.int64(as_bits(shifted) - ROUND_BITS)
    n = shifted - ROUND
    r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x))
    value = fma(r * r, _exp_tail(r), r) + 1.0
    half = np.int64(k >> 1)
    return value * _power_of_two(half) * _power_of_two(np.int64(k - half))


@inline
def log(x: Any) -> Any:
    """Return ln x, x = 2^e m, m in [sqrt(1/2), sqrt(2)); -inf at 0, NaN below."""
    tiny = x < SMALLEST_NORMAL
    bits = np.int64(as_bits(select(tiny, x * 18014398509481984.0, x)) - SQRT_HALF_BITS)
    e = np.float64(np.int64(bits >> 52)) - select(tiny, np.float64(54.0), np.float64(0.0))
    f = from_bits(np.int64((bits & 0xFFFFFFFFFFFFF) + SQRT_HALF_BITS)) - 1.0
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f * f
    # ln(1 + f) = f - (f^2/2 - s (f^2/2 + z R(z))): the large parts are exact, so little is lost
    low = fma(s, fma(z, _log_tail(z), half), e * LN2_LOW) - half
    value = fma(e, LN2_HIGH, f + low)
    return select(x > 0.0, select(x < INFINITY, value, x), select(x == 0.0, -INFINITY, NAN))


@inline
def sincos(x: Any) -> Any:
    """Return sine and cosine of an angle in radians, |x| <= 1e9 (NaN beyond: pi/2 has three parts)."""
    shifted = fma(x, TWO_OVER_PI, ROUND)
    k = as_bits(shifted)
    n = shifted - ROUND
    r = fma(n, -HALF_PI_LOW, fma(n, -HALF_PI_MIDDLE, fma(n, -HALF_PI_HIGH, x)))
    z = r * r
    s = fma(r * z, _sin_tail(z), r)
    c = fma(z * z, _cos_tail(z), fma(-0.5, z, np.float64(1.0)))
    odd = (k & 1) != 0
    sine = from_bits(np.int64(as_bits(select(odd, c, s)) ^ ((k & 2) << 62)))
    cosine = from_bits(np.int64(as_bits(select(odd, s, c)) ^ (((k + 1) & 2) << 62)))
    inside = abs(x) <= SINCOS_LIMIT
    return select(inside, sine, NAN), select(inside, cosine, NAN)


@inline
def _asin_parts(x: Any) -> Any:
    """Tell whether |x| > 1/2, and asin of |x| or of sqrt((1 - |x|) / 2)."""
    a = abs(x)
    large = a > 0.5
    z = select(large, fma(-0.5, a, np.float64(0.5)), a * a)
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
    t = shortest / select(longest == 0.0, np.float64(1.0), longest)
    z = t * t
    angle = fma(t * z, _atan_tail(z), t)
    angle = select(steep, HALF_PI_HIGH - (angle - HALF_PI_MIDDLE), angle)
    angle = select(x < 0.0, 2.0 * HALF_PI_HIGH - (angle - 2.0 * HALF_PI_MIDDLE), angle)
    return select(y < 0.0, -angle, angle)


@inline
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent: a polynomial below 0.625, 1 - 2 / (e^2|x| + 1) above."""
    a = abs(x)
    z = x * x
    large = 1.0 - 2.0 / (exp(2.0 * a) + 1.0)
    return select(a < 0.625, fma(x * z, _tanh_tail(z), x), select(x < 0.0, -large, large))


@inline
def pow(x: Any, y: Any) -> Any:
    """Return x^y for x >= 0 as e^(y ln x): relative error up to 2.3e-16 (2 + |y ln x|); NaN for x < 0."""
    return select((y == 0.0) & (x >= 0.0), np.float64(1.0), exp(y * log(x)))
