"""The kernels behind ``canopy``: one leaf angle, or one wavelength, of one canopy at a time.

The layer follows Verhoef et al. (2007, doi:10.1109/TGRS.2007.895844). With a = 1 - rho - tau and A = att + sigb, the
attenuation is m = sqrt(a A), free of cancellation. Solutions are written with sinh(mL) / m, which stays finite for
leaves that do not absorb, and the diffuse field of a beam k in two forms: by its particular solution, which is singular
at m = k, for m < k / 2, and by its eigenvectors, which are singular at m = 0, elsewhere.
"""

from typing import Any

from musyq_lab.kernels._compile import fma, inline, kernel, select
from musyq_lab.kernels._inline import polynomial
from musyq_lab.kernels._math import acos, cos, exp, sin, sqrt

PI = 3.141592653589793

# Taylor series of sinh(x) / x in x^2: the next term is 6e-17 on x^2 <= 0.25
_sinhc = polynomial(1.0, 1 / 6, 1 / 120, 1 / 5040, 1 / 362880, 1 / 39916800, 1 / 6227020800)


@inline
def _path(cosine: Any, sine: Any, leaf_cosine: Any, leaf_sine: Any) -> Any:
    """Return the azimuth at which a leaf turns its edge to a beam, its projection, and the larger of two products."""
    c, s = leaf_cosine * cosine, leaf_sine * sine
    edge = select(c < s, -c / select(s == 0.0, 1.0, s), -1.0)
    angle = acos(edge)
    projection = 2.0 / PI * fma(angle - 0.5 * PI, c, sqrt(1.0 - edge * edge) * s)
    return angle, projection, select(c < s, s, c)


# cosine and sine of the zenith angles of Sun and view, relative azimuth (radians), cosine and sine of the leaf angle ->
# projections of a leaf towards Sun and view, shares of reflection and transmission in bidirectional scattering
@kernel("(),(),(),(),(),(),()->(),(),(),()")
def leaf_class(
    cos_s: float,
    sin_s: float,
    cos_o: float,
    sin_o: float,
    azimuth: float,
    leaf_cosine: float,
    leaf_sine: float,
    towards_sun: Any,
    towards_view: Any,
    reflected: Any,
    transmitted: Any,
) -> None:
    beta_s, chi_s, d_s = _path(cos_s, sin_s, leaf_cosine, leaf_sine)
    beta_o, chi_o, d_o = _path(cos_o, sin_o, leaf_cosine, leaf_sine)
    low = abs(beta_s - beta_o)
    high = PI - abs(beta_s + beta_o - PI)
    first = select(azimuth < low, azimuth, low)
    last = select(azimuth > high, azimuth, high)
    middle = select(azimuth < low, low, select(azimuth > high, high, azimuth))
    cc, ss = leaf_cosine * leaf_cosine * cos_s * cos_o, leaf_sine * leaf_sine * sin_s * sin_o
    one = 2.0 * cc + ss * cos(azimuth)
    two = sin(middle) * (2.0 * d_s * d_o + ss * cos(first) * cos(last))
    rho = ((PI - middle) * one + two) / (2.0 * PI * PI)
    tau = (two - middle * one) / (2.0 * PI * PI)
    towards_sun[0] = chi_s
    towards_view[0] = chi_o
    reflected[0] = select(rho < 0.0, 0.0, rho)
    transmitted[0] = select(tau < 0.0, 0.0, tau)


@inline
def _diffuse(k: Any, half: Any, forward: Any, backward: Any, layer: Any) -> Any:
    """Return what a beam with extinction ``k`` sends down and up, and the terms of its two solutions."""
    lai, m, half_m, att, sigb, rinf, re, scale, rdd, tdd = layer
    beam, e1 = half * half, half_m * half_m
    apart, together = 1.0 / (k - m), 1.0 / (k + m)
    product = -apart * together
    alpha = (forward * (att + k) + sigb * backward) * product
    beta = (backward * (att - k) + sigb * forward) * product
    x = 0.5 * (k - m) * lai
    j1 = select(abs(x) < 0.5, lai * half * half_m * _sinhc(x * x), (e1 - beam) * apart)
    j2 = (1.0 - beam * e1) * together
    p = fma(backward, rinf, forward) * j1
    q = fma(forward, rinf, backward) * j2
    clear = m < 0.5 * k
    down = select(clear, alpha * (beam - tdd) - beta * beam * rdd, (p - re * q) * scale)
    up = select(clear, beta * (1.0 - beam * tdd) - alpha * rdd, (q - re * p) * scale)
    return down, up, alpha, beta, j1, together, p, q


# leaf reflectance, transmittance; LAI; extinction of Sun and view, their exp(-k L / 2); mean cos2 of the leaf angle;
# shares of reflection and transmission -> rdd tdd rsd tsd rdo tdo, multiple scattering rso, scattering coefficient w
@kernel("(),(),(),(),(),(),(),(),(),()->(),(),(),(),(),(),(),()")
def layer(
    rho: float,
    tau: float,
    lai: float,
    ks: float,
    ko: float,
    half_s: float,
    half_o: float,
    bf: float,
    sob: float,
    sof: float,
    rdd: Any,
    tdd: Any,
    rsd: Any,
    tsd: Any,
    rdo: Any,
    tdo: Any,
    rsod: Any,
    w: Any,
) -> None:
    a = 1.0 - rho - tau
    a = select((a < 0.0) & (a > -1e-5), 0.0, a)
    m = sqrt(a * fma(bf, rho - tau, 1.0))
    att = 1.0 - 0.5 * ((1.0 - bf) * rho + (1.0 + bf) * tau)
    sigb = 0.5 * ((1.0 + bf) * rho + (1.0 - bf) * tau)
    half_m = exp(-0.5 * m * lai)
    e1, x = half_m * half_m, m * lai
    s = select(x < 0.5, lai * e1 * _sinhc(x * x), 0.5 * (1.0 - e1 * e1) / m)
    norm = 1.0 / fma(att, s, 0.5 * (1.0 + e1 * e1))
    dd_r, dd_t = sigb * s * norm, e1 * norm
    rinf = sigb / (att + m)
    re = rinf * e1
    common = (lai, m, half_m, att, sigb, rinf, re, 1.0 / (1.0 - re * re), dd_r, dd_t)
    sf, sb = 0.5 * fma(ks, rho + tau, -bf * (rho - tau)), 0.5 * fma(ks, rho + tau, bf * (rho - tau))
    vf, vb = 0.5 * fma(ko, rho + tau, -bf * (rho - tau)), 0.5 * fma(ko, rho + tau, bf * (rho - tau))
    sd_t, sd_r, alpha, beta, j1s, by_s, p, q = _diffuse(ks, half_s, sf, sb, common)
    do_t, do_r, _, _, j1o, by_o, _, _ = _diffuse(ko, half_o, vf, vb, common)
    tss, too = half_s * half_s, half_o * half_o
    both = (1.0 - tss * too) / (ks + ko)
    clear = fma(vb, alpha, vf * beta) * both - alpha * do_r - beta * tss * do_t
    up = fma(vf, rinf, vb) * fma(sb, rinf, sf) * (both - j1s * too) * by_o
    down = fma(vb, rinf, vf) * fma(sf, rinf, sb) * (both - j1o * tss) * by_s
    full = (up + down - (do_r * q + do_t * p) * rinf) / (1.0 - rinf * rinf)
    rdd[0] = dd_r
    tdd[0] = dd_t
    rsd[0] = sd_r
    tsd[0] = sd_t
    rdo[0] = do_r
    tdo[0] = do_t
    rsod[0] = select(m < 0.5 * ks, clear, full)
    w[0] = fma(sob, rho, sof * tau)
