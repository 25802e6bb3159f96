"""Optical depth where a band sees the surface expected: known roots, a search by scipy, a naive loop, limits."""

import numpy as np
import pytest
from scipy.optimize import brentq

from musyq_lab.kernels.dark_target import meeting

DEPTH = np.linspace(0.0, np.sqrt(2.0), 21) ** 2
BANDS = 3


def air(depth):
    """Return path, transmittance, spherical albedo of three bands in a plain single-scattering sky."""
    depth = np.asarray(depth)[..., None]
    colour = np.array([1.3, 0.9, 0.25])
    tau = depth * colour
    return 0.05 * colour + 0.10 * tau * np.exp(-0.2 * tau), 0.95 * np.exp(-0.35 * tau), 0.08 + 0.05 * tau


def light(surface, depth):
    path, through, albedo = air(depth)
    return path + through * surface / (1.0 - albedo * surface)


def surface_of(toa, depth):
    path, through, albedo = air(depth)
    y = (toa - path) / through
    return y / (1.0 + albedo * y)


def relation(red=0.08, far=0.12, weights=(1.0, 0.3, 0.1), constant=0.004):
    return np.array([constant + weights[1] * red + weights[2] * far, red, far]), np.array(weights), constant


@pytest.mark.parametrize("depth", [0.02, 0.1, 0.3, 0.7, 1.2, 1.9])
def test_the_optical_depth_comes_back(depth):
    surface, weights, constant = relation()
    found, _ = meeting(light(surface, depth), *air(DEPTH), weights, constant, DEPTH)
    assert found == pytest.approx(depth, abs=2e-3)  # the nodes are joined by lines


def test_the_root_is_that_of_scipy_on_the_same_curve():
    surface, weights, constant = relation(red=0.05)
    toa = light(surface, 0.44)

    def gap(depth):
        rho = surface_of(toa, depth)
        return rho[0] - weights[1] * rho[1] - weights[2] * rho[2] - constant

    found, response = meeting(toa, *air(DEPTH), weights, constant, DEPTH)
    assert found == pytest.approx(brentq(gap, 0.0, 2.0), abs=2e-3)
    assert response == pytest.approx(-0.02 / (gap(0.45) - gap(0.43)), rel=0.05)


def test_response_is_the_change_for_an_error_of_the_relation():
    surface, weights, constant = relation()
    toa = light(surface, 0.5)
    low, high = (meeting(toa, *air(DEPTH), weights, constant + step, DEPTH)[0] for step in (1e-4, -1e-4))
    _, response = meeting(toa, *air(DEPTH), weights, constant, DEPTH)
    assert (high - low) / 2e-4 == pytest.approx(response, rel=0.02)


def test_compiled_as_a_naive_loop():
    random = np.random.Generator(np.random.Philox(2))
    toa = random.uniform(0.05, 0.3, (50, BANDS))
    weights, constant = np.array([1.0, 0.4, 0.1]), random.uniform(-0.02, 0.02, 50)
    found, response = meeting(toa, *air(DEPTH), weights, constant, DEPTH)
    for k in range(50):
        curve = []
        for depth in DEPTH:
            rho = surface_of(toa[k], depth)
            curve.append(rho[0] - 0.4 * rho[1] - 0.1 * rho[2] - constant[k])
        expected, slope = DEPTH[-1], np.nan
        for i in range(1, DEPTH.size):
            falls = curve[i] < curve[i - 1]
            if falls and (curve[i] <= 0 or i == DEPTH.size - 1):
                slope = (DEPTH[i] - DEPTH[i - 1]) / (curve[i - 1] - curve[i])
                expected = DEPTH[i - 1] + curve[i - 1] * slope
                break
        np.testing.assert_allclose((found[k], response[k]), (expected, slope), rtol=1e-10)


def test_python_twin_is_the_compiled_kernel():
    surface, weights, constant = relation()
    arguments = (light(surface, 0.3), *air(DEPTH), weights, constant, DEPTH)
    np.testing.assert_allclose(meeting.python(*arguments), meeting(*arguments), rtol=1e-12)


def test_less_light_than_without_aerosol_gives_a_negative_depth():
    """As the code of NASA does; who asks decides what to make of it."""
    surface, weights, constant = relation()
    found, _ = meeting(light(surface, 0.0) - np.array([0.004, 0.0, 0.0]), *air(DEPTH), weights, constant, DEPTH)
    assert -0.1 < found < 0.0


def test_more_light_than_any_aerosol_makes():
    _, weights, constant = relation()
    found, response = meeting(np.array([0.9, 0.1, 0.1]), *air(DEPTH), weights, constant, DEPTH)
    assert found >= DEPTH[-1]
    assert np.isnan(response) or response > 0


def test_one_band_and_a_known_surface():
    toa = light(np.array([0.04, 0.0, 0.0]), 0.25)[:1]
    tables = [part[:, :1] for part in air(DEPTH)]
    found, _ = meeting(toa, *tables, np.ones(1), 0.04, DEPTH)
    assert found == pytest.approx(0.25, abs=2e-3)


def test_missing_light_gives_no_response():
    _, weights, constant = relation()
    _, response = meeting(np.array([np.nan, 0.1, 0.1]), *air(DEPTH), weights, constant, DEPTH)
    assert np.isnan(response)
