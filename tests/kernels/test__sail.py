"""The layer of SAIL beside its four differential equations, and a leaf class beside leaves of every azimuth."""

import numpy as np
import pytest
from scipy.integrate import quad, solve_bvp

from musyq_lab.kernels import _sail

LAYER = _sail.layer.python
LEAF = _sail.leaf_class.python


def layer(rho, tau, lai, ks, ko, bf, sob=0.3, sof=0.1):
    arrays = (np.atleast_1d(np.float64(v)) for v in (rho, tau, lai, ks, ko))
    rho, tau, lai, ks, ko = arrays
    halves = np.exp(-0.5 * ks * lai), np.exp(-0.5 * ko * lai)
    found = LAYER(rho, tau, lai, ks, ko, *halves, *(np.float64([v]) for v in (bf, sob, sof)))
    return dict(zip(("rdd", "tdd", "rsd", "tsd", "rdo", "tdo", "rsod", "w"), (float(v[0]) for v in found), strict=True))


def streams(rho, tau, lai, k, bf, beam):
    """Diffuse light of a layer lit by a beam or by the sky: dE-/dx = -a E- + sigma E+ + s' Es, x from above."""
    att = 1 - 0.5 * ((1 - bf) * rho + (1 + bf) * tau)
    sigb = 0.5 * ((1 + bf) * rho + (1 - bf) * tau)
    forward = 0.5 * (k * (rho + tau) - bf * (rho - tau))
    backward = 0.5 * (k * (rho + tau) + bf * (rho - tau))

    def rates(x, y):  # downward, upward
        sun = beam * np.exp(-k * x)
        return np.stack([-att * y[0] + sigb * y[1] + forward * sun, att * y[1] - sigb * y[0] - backward * sun])

    x = np.linspace(0, lai, 60)
    above = 0.0 if beam else 1.0
    done = solve_bvp(
        rates, lambda a, b: np.array([a[0] - above, b[1]]), x, np.zeros((2, 60)), tol=1e-9, max_nodes=20_000
    )
    assert done.success
    return done.sol


STATES = [
    (0.05, 0.02, 2.0, 0.6, 0.5, 0.33), (0.45, 0.48, 3.0, 0.6, 0.5, 0.33), (0.45, 0.48, 0.4, 1.4, 0.5, 0.1),
    (0.5, 0.5, 2.0, 0.7, 0.5, 0.33), (0.3, 0.1, 6.0, 0.5, 1.1, 0.6), (0.1, 0.6, 1.5, 0.9, 0.9, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("rho", "tau", "lai", "ks", "ko", "bf"), STATES)
def test_diffuse_light_solves_its_equations(rho, tau, lai, ks, ko, bf):
    found = layer(rho, tau, lai, ks, ko, bf)
    for k, up, down in ((ks, "rsd", "tsd"), (ko, "rdo", "tdo")):
        light = streams(rho, tau, lai, k, bf, 1.0)
        assert found[up] == pytest.approx(float(light(0.0)[1]), abs=2e-7)
        assert found[down] == pytest.approx(float(light(lai)[0]), abs=2e-7)
    light = streams(rho, tau, lai, ks, bf, 0.0)
    assert found["rdd"] == pytest.approx(float(light(0.0)[1]), abs=2e-7)
    assert found["tdd"] == pytest.approx(float(light(lai)[0]), abs=2e-7)


@pytest.mark.parametrize(("rho", "tau", "lai", "ks", "ko", "bf"), STATES)
def test_multiple_scattering_towards_the_view_is_the_integral_of_the_diffuse_light(rho, tau, lai, ks, ko, bf):
    """rso of light scattered twice and more: v E- + v' E+ on every leaf, seen through exp(-K x)."""
    light = streams(rho, tau, lai, ks, bf, 1.0)
    back = 0.5 * (ko * (rho + tau) + bf * (rho - tau))
    forward = 0.5 * (ko * (rho + tau) - bf * (rho - tau))

    def inside(x):
        down, up = light(x)
        return (back * down + forward * up) * np.exp(-ko * x)

    expected = quad(inside, 0, lai, epsabs=1e-11)[0]
    assert layer(rho, tau, lai, ks, ko, bf)["rsod"] == pytest.approx(expected, abs=3e-7)


def test_no_leaves_are_no_layer():
    found = layer(0.4, 0.4, 0.0, 0.6, 0.5, 0.3)
    assert found["tdd"] == pytest.approx(1.0, abs=1e-15)
    for name in ("rdd", "rsd", "tsd", "rdo", "tdo", "rsod"):
        assert found[name] == pytest.approx(0.0, abs=1e-15), name
    assert found["w"] == pytest.approx(0.3 * 0.4 + 0.1 * 0.4)


@pytest.mark.parametrize("k", [0.2, 0.35, 0.5, 0.8])
def test_nothing_happens_where_beam_and_diffuse_light_fade_alike(k):
    """Both forms of the solution are singular somewhere; near there results must go on smoothly."""
    absorption = np.linspace(0.0, 0.4, 161)
    values = np.array([list(layer(0.5 - a, 0.5 - a, 3.0, k, 0.6, 0.33).values()) for a in absorption / 2])
    assert np.isfinite(values).all()
    bends = np.abs(np.diff(values[1:], n=3, axis=0))  # the square root of absorption bends at none
    assert bends[20:].max() < 1e-4


# ---- one leaf angle --------------------------------------------------------------------------------------------------
def leaf_class(sun, view, azimuth, leaf):
    s, v, a, t = np.radians([sun, view, azimuth, leaf])
    numbers = (np.cos(s), np.sin(s), np.cos(v), np.sin(v), a, np.cos(t), np.sin(t))
    return [float(x[0]) for x in LEAF(*(np.atleast_1d(n) for n in numbers))]


def leaves(sun, view, azimuth, leaf, count=20_000):
    """Means over leaf azimuth of |cos| towards Sun and view, and of the product, by the side that is lit and seen."""
    s, v, a, t = np.radians([sun, view, azimuth, leaf])
    turn = 2 * np.pi * (np.arange(count) + 0.5) / count
    to_sun = np.cos(t) * np.cos(s) + np.sin(t) * np.sin(s) * np.cos(turn)
    to_view = np.cos(t) * np.cos(v) + np.sin(t) * np.sin(v) * np.cos(turn - a)
    product = to_sun * to_view
    same, other = np.where(product > 0, product, 0).mean(), np.where(product < 0, -product, 0).mean()
    return np.abs(to_sun).mean(), np.abs(to_view).mean(), same, other


@pytest.mark.parametrize("leaf", [2.5, 42.5, 57.5, 87.5])
@pytest.mark.parametrize(
    ("sun", "view", "azimuth"), [(30, 0, 0), (30, 40, 0), (30, 40, 90), (60, 50, 180), (75, 70, 130), (0, 0, 0)]
)
def test_a_leaf_class_is_the_mean_over_azimuth(sun, view, azimuth, leaf):
    """Lambertian leaves: rho / pi from the side that is lit, tau / pi from the other."""
    found, expected = leaf_class(sun, view, azimuth, leaf), leaves(sun, view, azimuth, leaf)
    np.testing.assert_allclose(found[:2], expected[:2], atol=1e-6)
    np.testing.assert_allclose(found[2:], np.array(expected[2:]) / np.pi, atol=1e-6)


def test_sun_and_view_change_places():
    one, other = leaf_class(25, 60, 70, 50), leaf_class(60, 25, 70, 50)
    assert one[:2] == other[1::-1]
    assert one[2:] == pytest.approx(other[2:], abs=1e-15)


def test_upright_leaves_hide_from_a_sun_overhead():
    found = leaf_class(0, 40, 0, 90)
    assert found[0] == pytest.approx(0.0, abs=1e-12)
    assert found[1] == pytest.approx(2 / np.pi * np.sin(np.radians(40)))
    assert found[2] == pytest.approx(0.0, abs=1e-12)
