r"""Weights of the BRDF kernels from many looks at a pixel, for all bands and for rows of pixels at once.

With the kernels of look j in the row :math:`a_j = (1, K_{vol}, K_{geo})`, its reflectance r and weight w,

.. math:: f = (A^T W A)^{-1} A^T W r, \qquad
          \mathrm{WoD}(u) = \frac{\sum w}{n}\, u^T (A^T W A)^{-1} u

in which WoD, the weight of determination (Lucht & Lewis 2000, Theoretical noise sensitivity of BRDF and albedo
retrieval, Int. J. Remote Sens. 21, 81-98), is the variance of what is predicted for the kernels u in units of that of a
look of mean weight. The kernels are taken from their mean over the looks and f_iso is eliminated first: what is left is
a matrix of two rows without the large common part, so that float32 is enough. Each band has sums of its own, since a
look may lack some of the bands. The sum of squares follows from the same sums,

.. math:: \sum w (r - a f)^2 = \sum w r^2 - 2 f \cdot A^T W r + f^T A^T W A f ,

so that in float32 the root mean square of the residuals is good to some 4e-4 of the reflectance.

Pixels go through in tiles: each pass is a loop over the pixels of a tile, which the vectoriser takes as a whole.
"""

import math
from typing import Any

import numpy as np

from musyq_lab.kernels._compile import fma, inline, kernel, select
from musyq_lab.kernels._inline import Pass
from musyq_lab.kernels._math import sqrt

__all__ = ["FULL", "MAGNITUDE", "NONE", "invert", "invert_with_spread"]

NONE, MAGNITUDE, FULL = 0.0, 1.0, 2.0
"""How the weights were found: not at all, by scaling the archetype, or all three by least squares."""

TILE = 256  # pixels: the looks and sums of a tile stay in the second-level cache
_CELL = 3 * TILE  # weight and two kernels of a look
_GROUP = 4  # looks between two visits of the sums
_SUMS = 11
_FOUND = 15 * TILE  # layers of the results, the last six only where the covariances are asked for
_HUGE = 1.0e30
_NAN = math.nan
_WHITE_VOL, _WHITE_GEO = 0.189184, -1.377622  # Lucht et al. (2000), table 1: brdf.WHITE_SKY


@Pass
def _copy(vol: Any, geo: Any, weight: Any, start: int, count: int, look: Any) -> None:
    """Copy the looks of a tile next to each other, weight 0 where there are none."""
    if start < 0:
        return  # never: it tells the vectoriser that no index counts from the end
    for k in range(look.size):
        look[k] = 0.0
    for j in range(vol.shape[0]):
        k = j * _CELL
        for i in range(count):
            look[k + i] = weight[j, start + i]
        for i in range(count):
            look[k + TILE + i] = vol[j, start + i]
        for i in range(count):
            look[k + 2 * TILE + i] = geo[j, start + i]


@Pass
def _centre(look: Any, looks: int, mean: Any) -> None:
    """Give weight 0 to looks that miss something, and take the kernels from their mean."""
    for k in range(_CELL):
        mean[k] = 0.0
    for j in range(looks):
        k = j * _CELL
        for i in range(TILE):
            w, kv, kg = look[k + i], look[k + TILE + i], look[k + 2 * TILE + i]
            valid = (w > 0.0) & (w < _HUGE) & (abs(kv) < _HUGE) & (abs(kg) < _HUGE)
            w, kv, kg = select(valid, w, 0.0), select(valid, kv, 0.0), select(valid, kg, 0.0)
            look[k + i], look[k + TILE + i], look[k + 2 * TILE + i] = w, kv, kg
            mean[i] += w
            mean[TILE + i] = fma(w, kv, mean[TILE + i])
            mean[2 * TILE + i] = fma(w, kg, mean[2 * TILE + i])
    for i in range(TILE):
        share = 1.0 / select(mean[i] > 0.0, mean[i], 1.0)
        mean[TILE + i] *= share
        mean[2 * TILE + i] *= share
    for j in range(looks):
        k = j * _CELL
        for i in range(TILE):
            look[k + TILE + i] -= mean[TILE + i]
            look[k + 2 * TILE + i] -= mean[2 * TILE + i]


@inline
def _add(s: Any, w: Any, kv: Any, kg: Any, r: Any, zero: Any) -> Any:
    """Add a look to the sums: 1 (not weighted); 1, vol, geo and their products; r, its products and its square."""
    valid = abs(r) < _HUGE
    w, r = select(valid, w, zero), select(valid, r, zero)
    wv, wg, wr = w * kv, w * kg, w * r
    return (
        s[0] + select(w > 0.0, 1.0, zero),
        s[1] + w,
        s[2] + wv,
        s[3] + wg,
        fma(wv, kv, s[4]),
        fma(wv, kg, s[5]),
        fma(wg, kg, s[6]),
        s[7] + wr,
        fma(wr, kv, s[8]),
        fma(wr, kg, s[9]),
        fma(wr, r, s[10]),
    )


@Pass
def _gather(reflectance: Any, band: int, start: int, count: int, look: Any, sums: Any) -> None:
    """Form the sums of a band, four looks at a time."""
    if (start < 0) | (band < 0):
        return
    for k in range(_SUMS * TILE):
        sums[k] = 0.0
    last = reflectance.shape[0] - 1
    for g in range((last + _GROUP) // _GROUP):
        a = g * _GROUP * _CELL
        j0, j1, j2, j3 = g * _GROUP, min(g * _GROUP + 1, last), min(g * _GROUP + 2, last), min(g * _GROUP + 3, last)
        for i in range(count):
            s = (
                sums[i],
                sums[TILE + i],
                sums[2 * TILE + i],
                sums[3 * TILE + i],
                sums[4 * TILE + i],
                sums[5 * TILE + i],
                sums[6 * TILE + i],
                sums[7 * TILE + i],
                sums[8 * TILE + i],
                sums[9 * TILE + i],
                sums[10 * TILE + i],
            )
            zero = 0.0 * s[0]
            r0, r1 = reflectance[j0, band, start + i], reflectance[j1, band, start + i]
            r2, r3 = reflectance[j2, band, start + i], reflectance[j3, band, start + i]
            k = a + i
            w0, w1, w2, w3 = look[k], look[k + _CELL], look[k + 2 * _CELL], look[k + 3 * _CELL]
            s = _add(s, w0, look[k + TILE], look[k + 2 * TILE], r0, zero)
            k += _CELL
            s = _add(s, w1, look[k + TILE], look[k + 2 * TILE], r1, zero)
            k += _CELL
            s = _add(s, w2, look[k + TILE], look[k + 2 * TILE], r2, zero)
            k += _CELL
            s = _add(s, w3, look[k + TILE], look[k + 2 * TILE], r3, zero)
            sums[i], sums[TILE + i], sums[2 * TILE + i], sums[3 * TILE + i] = s[0], s[1], s[2], s[3]
            sums[4 * TILE + i], sums[5 * TILE + i], sums[6 * TILE + i] = s[4], s[5], s[6]
            sums[7 * TILE + i], sums[8 * TILE + i], sums[9 * TILE + i] = s[7], s[8], s[9]
            sums[10 * TILE + i] = s[10]


@inline
def _edge(c: Any, d: Any) -> Any:
    """Return the weight of one kernel alone, not negative, and by how much it lowers the sum of squares."""
    alone = select((c > 0.0) & (d > 0.0), d / c, 0.0 * d)
    return alone, alone * d


@inline
def _shape(c: Any, d: Any) -> Any:
    """Return the weights of vol and geo, not negative: the exact minimum over that quadrant, and 1 / determinant.

    ``c`` holds the centred sums of vol vol, vol geo and geo geo, ``d`` those of vol r and geo r. Where the free minimum
    leaves the quadrant, the constrained one lies on the edge that lowers the sum of squares more.
    """
    share = 1.0 / (c[0] * c[2] - c[1] * c[1])
    vol = (c[2] * d[0] - c[1] * d[1]) * share
    geo = (c[0] * d[1] - c[1] * d[0]) * share
    vol_alone, vol_gain = _edge(c[0], d[0])
    geo_alone, geo_gain = _edge(c[2], d[1])
    free, first = (vol >= 0.0) & (geo >= 0.0), vol_gain >= geo_gain
    vol = select(free, vol, select(first, vol_alone, 0.0 * vol_alone))
    geo = select(free, geo, select(first, 0.0 * geo_alone, geo_alone))
    return vol, geo, share


@inline
def _spread(c: Any, share: Any, x: Any, y: Any) -> Any:
    """Return the variance of a prediction x, y away from the mean kernels, but for the part of the mean."""
    return (c[2] * x * x - 2.0 * c[1] * x * y + c[0] * y * y) * share


@inline
def _squares(c: Any, d: Any, total: Any, vol: Any, geo: Any) -> Any:
    """Return the sum of squares that is left, from centred sums, around the means, not below 0."""
    left = total - 2.0 * (vol * d[0] + geo * d[1]) + vol * (vol * c[0] + 2.0 * geo * c[1]) + geo * geo * c[2]
    return select(left < 0.0, 0.0 * left, left)


@Pass
def _solve(sums: Any, mean: Any, to: Any, archetype: Any, band: int, rules: Any, found: Any) -> None:
    """Find the weights of a band from its sums, and how well the looks determine what is asked."""
    if band < 0:
        return
    ai, av, ag = archetype[band, 0], archetype[band, 1], archetype[band, 2]
    fewest, most, most_white = rules[0], rules[1], rules[2]
    for i in range(TILE):
        n, s = sums[i], sums[TILE + i]
        each = 1.0 / s
        mv, mg, mr = sums[2 * TILE + i] * each, sums[3 * TILE + i] * each, sums[7 * TILE + i] * each
        # Sums around the mean of the looks that this band has.
        c = (
            fma(-sums[2 * TILE + i], mv, sums[4 * TILE + i]),
            fma(-sums[2 * TILE + i], mg, sums[5 * TILE + i]),
            fma(-sums[3 * TILE + i], mg, sums[6 * TILE + i]),
        )
        d = fma(-mv, sums[7 * TILE + i], sums[8 * TILE + i]), fma(-mg, sums[7 * TILE + i], sums[9 * TILE + i])
        total = fma(-mr, sums[7 * TILE + i], sums[10 * TILE + i])
        kv, kg, r = mean[TILE + i] + mv, mean[2 * TILE + i] + mg, mr  # mean kernels and reflectance
        vol, geo, share = _shape(c, d)
        iso = r - kv * vol - kg * geo
        scale = s / n
        x, y = to[i], to[TILE + i]
        wod = scale * (each + _spread(c, share, x - kv, y - kg))
        white = scale * (each + _spread(c, share, _WHITE_VOL - kv, _WHITE_GEO - kg))
        full = (n >= fewest) & (wod >= 0.0) & (wod <= most) & (white >= 0.0) & (white <= most_white) & (iso >= 0.0)

        # The archetype: what it gives for the mean kernels, its product with the looks and with itself.
        a = ai + kv * av + kg * ag
        seen = s * a * r + av * d[0] + ag * d[1]
        expected = s * a * a + av * (av * c[0] + 2.0 * ag * c[1]) + ag * ag * c[2]
        inverse = 1.0 / expected
        factor = seen * inverse
        some = (n > 0.0) & (expected > 0.0) & (factor > 0.0)
        factor = select(some, factor, _NAN)
        one, two = ai + av * x + ag * y, ai + av * _WHITE_VOL + ag * _WHITE_GEO

        vol, geo = select(full, vol, factor * av), select(full, geo, factor * ag)
        iso = select(full, iso, factor * ai)
        base = select(full, 0.0 * s, r - factor * a)
        k = band * _FOUND + i
        found[k], found[k + TILE], found[k + 2 * TILE] = iso, vol, geo
        found[k + 3 * TILE] = n
        found[k + 4 * TILE] = select(full, wod, scale * one * one * inverse + 0.0 * factor)
        found[k + 5 * TILE] = select(full, white, scale * two * two * inverse + 0.0 * factor)
        found[k + 6 * TILE] = iso + vol * x + geo * y
        found[k + 7 * TILE] = sqrt(_squares(c, d, total, vol, geo) * each + base * base)
        found[k + 8 * TILE] = select(full, FULL, select(some, MAGNITUDE, NONE))


@Pass
def _covary(sums: Any, mean: Any, archetype: Any, band: int, found: Any) -> None:
    """Find the covariances of the weights of a band, in units of the variance of a look of mean weight.

    Those of a full inversion are (A' W A)^-1; in a scaled archetype all errors are one, and the matrix has rank one.
    """
    if band < 0:
        return
    ai, av, ag = archetype[band, 0], archetype[band, 1], archetype[band, 2]
    for i in range(TILE):
        s = sums[TILE + i]
        each = 1.0 / s
        scale = s / sums[i]
        mv, mg = sums[2 * TILE + i] * each, sums[3 * TILE + i] * each
        c = (
            fma(-sums[2 * TILE + i], mv, sums[4 * TILE + i]),
            fma(-sums[2 * TILE + i], mg, sums[5 * TILE + i]),
            fma(-sums[3 * TILE + i], mg, sums[6 * TILE + i]),
        )
        share = scale / (c[0] * c[2] - c[1] * c[1])
        kv, kg = mean[TILE + i] + mv, mean[2 * TILE + i] + mg
        vv, vg, gg = c[2] * share, -c[1] * share, c[0] * share
        iv, ig = -kv * vv - kg * vg, -kv * vg - kg * gg

        a = ai + kv * av + kg * ag
        expected = s * a * a + av * (av * c[0] + 2.0 * ag * c[1]) + ag * ag * c[2]
        one = scale / expected
        k = band * _FOUND + i
        full = found[k + 8 * TILE] == FULL
        found[k + 9 * TILE] = select(full, scale * each - kv * iv - kg * ig, one * ai * ai)
        found[k + 10 * TILE] = select(full, vv, one * av * av)
        found[k + 11 * TILE] = select(full, gg, one * ag * ag)
        found[k + 12 * TILE] = select(full, iv, one * ai * av)
        found[k + 13 * TILE] = select(full, ig, one * ai * ag)
        found[k + 14 * TILE] = select(full, vg, one * av * ag)


@Pass
def _store(found: Any, first: int, target: Any, start: int, count: int) -> None:
    """Copy layers of the scratch to all bands of a result."""
    if (start < 0) | (first < 0):
        return
    for layer in range(target.shape[0]):
        for band in range(target.shape[1]):
            k = band * _FOUND + (first + layer) * TILE
            for i in range(count):
                target[layer, band, start + i] = found[k + i]


@kernel("(n,p),(n,p),(n,p),(n,b,p),(b,k),(t,p),(k)->(k,b,p),(k,b,p),(k,b,p)")
def invert(
    vol: Any,  # n looks, p pixels: RossThick
    geo: Any,  # LiSparse-R
    weight: Any,  # of the look, 1 for a good one; 0 or NaN leaves it out
    reflectance: Any,  # n looks, b bands, p pixels; NaN where missing
    archetype: Any,  # b bands, k = 3 weights (iso, vol, geo) whose proportions hold where looks are few
    to: Any,  # t = 2 kernels (vol, geo) of the direction that is asked
    rules: Any,  # k = 3: fewest looks, largest WoD of the direction and of white-sky albedo for a full inversion
    weights_out: Any,  # k: iso, vol, geo
    support_out: Any,  # k: looks used, WoD of the direction, WoD of white-sky albedo
    fit_out: Any,  # k: reflectance in the direction, root of the weighted mean square of the residuals, kind
) -> None:
    """Least squares with vol and geo not negative, else a scaled archetype; each band and pixel on its own.

    The full inversion stands when the rules hold and f_iso is not negative. Weights of determination are those of the
    model used; in a full inversion they do not count on a weight being held at 0. The kind is NONE, MAGNITUDE or FULL.
    """
    looks, bands, pixels = reflectance.shape
    look = np.empty((looks + _GROUP - 1) // _GROUP * _GROUP * _CELL, vol.dtype)
    mean, sums = np.empty(_CELL, vol.dtype), np.empty(_SUMS * TILE, vol.dtype)
    asked, found = np.zeros(2 * TILE, vol.dtype), np.empty(bands * _FOUND, vol.dtype)
    for start in range(0, pixels, TILE):
        count = min(TILE, pixels - start)
        _copy(vol, geo, weight, start, count, look)
        _centre(look, looks, mean)
        for i in range(count):
            asked[i], asked[TILE + i] = to[0, start + i], to[1, start + i]
        for b in range(bands):
            _gather(reflectance, b, start, count, look, sums)
            _solve(sums, mean, asked, archetype, b, rules, found)
        _store(found, 0, weights_out, start, count)
        _store(found, 3, support_out, start, count)
        _store(found, 6, fit_out, start, count)


@kernel("(n,p),(n,p),(n,p),(n,b,p),(b,k),(t,p),(k),(c)->(k,b,p),(k,b,p),(k,b,p),(c,b,p)")
def invert_with_spread(
    vol: Any,  # as of `invert`
    geo: Any,
    weight: Any,
    reflectance: Any,
    archetype: Any,
    to: Any,
    rules: Any,
    six: Any,  # c = 6 numbers that are not used: they tell the size of the last output
    weights_out: Any,
    support_out: Any,
    fit_out: Any,
    spread_out: Any,  # c: variances of iso, vol, geo; covariances iso vol, iso geo, vol geo
) -> None:
    """Return what :func:`invert` returns, and the covariances of the weights for looks of a mean variance of 1."""
    looks, bands, pixels = reflectance.shape
    look = np.empty((looks + _GROUP - 1) // _GROUP * _GROUP * _CELL, vol.dtype)
    mean, sums = np.empty(_CELL, vol.dtype), np.empty(_SUMS * TILE, vol.dtype)
    asked, found = np.zeros(2 * TILE, vol.dtype), np.empty(bands * _FOUND, vol.dtype)
    for start in range(0, pixels, TILE):
        count = min(TILE, pixels - start)
        _copy(vol, geo, weight, start, count, look)
        _centre(look, looks, mean)
        for i in range(count):
            asked[i], asked[TILE + i] = to[0, start + i], to[1, start + i]
        for b in range(bands):
            _gather(reflectance, b, start, count, look, sums)
            _solve(sums, mean, asked, archetype, b, rules, found)
            _covary(sums, mean, archetype, b, found)
        _store(found, 0, weights_out, start, count)
        _store(found, 3, support_out, start, count)
        _store(found, 6, fit_out, start, count)
        _store(found, 9, spread_out, start, count)
