"""Light under clouds: the equations of the two-stream solution, limits, energy, ground and sky."""

import math

import numpy as np
import pytest

from musyq_lab.kernels import clear_sky
from musyq_lab.kernels._clear_sky_cloud import _SLINGO, RADIUS, below_cloud, layer, optics

DEPTHS = (0.05, 0.5, 3.0, 15.0, 60.0)
COSINES = (0.1, 0.3, 0.6, 0.95)
AIR = (0.15, 1.3, 20.0, 300.0, 98000.0)


def properties(band):
    """Depth ratio, single-scattering albedo and asymmetry before scaling, from Slingo's formulas."""
    a, b, c, d, e, f = _SLINGO[band]
    ratio = (a + b / RADIUS) / (_SLINGO[0][0] + _SLINGO[0][1] / RADIUS)
    return ratio, 1.0 - (max(c + d * RADIUS, 0.0) if band else 0.0), e + f * RADIUS


def integrated(depth, mu, band, steps=4000):
    """Solve the delta-Eddington equations as a boundary-value problem by finite differences."""
    ratio, w, g = properties(band)
    f = g * g
    tau = (1 - w * f) * ratio * depth
    w, g = w * (1 - f) / (1 - w * f), g / (1 + g)
    g1, g2, g3 = (7 - w * (4 + 3 * g)) / 4, -(1 - w * (4 - 3 * g)) / 4, (2 - 3 * g * mu) / 4
    g4, step = 1 - g3, tau / steps
    t = (np.arange(steps) + 0.5) * step
    beam = np.exp(-t / mu)  # with pi F0 = 1 / mu: fluxes are shares of the incident one
    # Unknowns alternate up and down at the levels; trapezoidal rule in each piece.
    size = 2 * (steps + 1)
    from scipy.sparse import lil_matrix
    from scipy.sparse.linalg import spsolve

    matrix, right = lil_matrix((size, size)), np.zeros(size)
    matrix[0, 1] = 1.0  # no diffuse light from above
    matrix[size - 1, size - 2] = 1.0  # nothing from below
    for k in range(steps):
        up, down, up2, down2 = 2 * k, 2 * k + 1, 2 * k + 2, 2 * k + 3
        row = 2 * k + 1
        for column, sign in ((up, -1), (up2, 1)):
            matrix[row, column] += sign / step - g1 / 2
        for column in (down, down2):
            matrix[row, column] += g2 / 2
        right[row] = -w * g3 * beam[k] / mu
        row = 2 * k + 2
        for column, sign in ((down, -1), (down2, 1)):
            matrix[row, column] += sign / step + g1 / 2
        for column in (up, up2):
            matrix[row, column] += -g2 / 2
        right[row] = w * g4 * beam[k] / mu
    found = spsolve(matrix.tocsr(), right)
    return found[0], found[-1] + math.exp(-tau / mu)


@pytest.mark.parametrize("band", range(4))
@pytest.mark.parametrize(("depth", "mu"), [(0.5, 0.3), (5.0, 0.8)])
def test_transmittance_solves_the_equations_of_the_two_streams(band, depth, mu):
    _, through = integrated(depth, mu, band, steps=800)
    assert layer(depth, mu, band)[0] == pytest.approx(through, abs=2e-5)


@pytest.mark.parametrize("band", range(1, 4))
def test_diffuse_light_is_conserved_or_absorbed(band):
    for depth in DEPTHS:
        _, passed, back = layer(depth, 0.5, band)
        assert 0 <= passed + back < 1
    assert layer(1e-9, 0.5, band)[:2] == pytest.approx((1.0, 1.0), abs=1e-6)


def test_visible_light_is_never_lost():
    for depth in DEPTHS:
        _, passed, back = layer(depth, 0.5, 0)
        assert passed + back == pytest.approx(1.0, abs=1e-14)


@pytest.mark.parametrize("band", range(4))
def test_thicker_clouds_pass_less(band):
    for mu in COSINES:
        values = [layer(depth, mu, band)[0] for depth in DEPTHS]
        assert values == sorted(values, reverse=True)
        assert values[-1] >= -1e-9


def test_the_near_infrared_loses_more_the_longer_the_wave():
    through = [layer(10.0, 0.6, band)[0] for band in range(4)]
    assert through == sorted(through, reverse=True)


def test_conservative_formula_is_the_limit_of_the_other():
    """Band 1 absorbs 2e-4 only: without that it would be the closed form of the visible band."""
    ratio, _, g = properties(1)
    depth, mu = 4.0, 0.7
    tau = (1 - g * g) * ratio * depth
    closed = (2 / 3 + mu + (2 / 3 - mu) * math.exp(-tau / mu)) / (4 / 3 + (1 - g) * ratio * depth)
    assert layer(depth, mu, 1)[0] == pytest.approx(closed, rel=5e-3)
    assert layer(depth, mu, 1)[0] < closed


def test_where_k_mu_is_one_the_solution_is_regular():
    band = 3
    mu = 1.0 / optics(band).damping
    assert 0 < mu < 1
    around = [layer(1.0, mu + s, band)[0] for s in (-5e-3, 0.0, 5e-3)]
    assert around[1] == pytest.approx(0.5 * (around[0] + around[2]), rel=1e-3)


def light(depth, fraction=1.0, zenith=40.0, albedo=0.2):
    bands = clear_sky.rest2_bands.python(zenith, 1361.0, *AIR)
    return below_cloud.python(zenith, *bands, depth, fraction, albedo)


@pytest.mark.parametrize(("depth", "fraction"), [(0.0, 1.0), (20.0, 0.0)])
def test_no_cloud_is_the_clear_sky(depth, fraction):
    direct, diffuse, *_ = light(depth, fraction)
    expected = clear_sky.rest2.python(40.0, 1361.0, *AIR, 0.2)
    assert direct == pytest.approx(expected[0], rel=1e-12)
    assert diffuse == pytest.approx(expected[1], rel=1e-9)


def test_half_a_cloud_is_half_of_both():
    for k in range(4):
        half, full, none = (light(8.0, c)[k] for c in (0.5, 1.0, 0.0))
        assert half == pytest.approx(0.5 * (full + none), rel=1e-12)


def test_the_beam_fades_by_the_law_of_beer():
    clear, cloudy = light(0.0)[0], light(2.0)[0]
    assert cloudy / clear == pytest.approx(math.exp(-2.0 / math.cos(math.radians(40.0))), rel=1e-12)


def test_bright_ground_lights_the_cloud_from_below():
    """Between snow and a thick cloud light goes to and fro, more than between snow and the clear sky."""
    black, snow = (sum(light(30.0, albedo=a)[:2]) for a in (0.0, 0.8))
    clear_black, clear_snow = (sum(light(0.0, albedo=a)[:2]) for a in (0.0, 0.8))
    assert snow / black > 1.5
    assert snow / black > clear_snow / clear_black
    assert snow < clear_snow


def test_clouds_raise_the_visible_share():
    shares = [sum(light(d)[2:]) / sum(light(d)[:2]) for d in (0.0, 5.0, 20.0, 60.0)]
    assert shares == sorted(shares)


def test_night_and_missing_values():
    assert light(10.0, zenith=95.0) == (0.0, 0.0, 0.0, 0.0)
    assert np.isnan(light(math.nan)).all()


def test_compiled_is_the_python_twin():
    zenith = np.array([10.0, 50.0, 80.0, 92.0])
    bands = clear_sky.rest2_bands.python(zenith, 1361.0, *AIR)
    given = [zenith, *bands, np.array([0.0, 3.0, 30.0, 5.0]), np.full(4, 0.7), np.full(4, 0.3)]
    given = [np.ascontiguousarray(np.broadcast_to(a, 4)) for a in given]
    for one, two in zip(below_cloud(*given), below_cloud.python(*given), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-12)
