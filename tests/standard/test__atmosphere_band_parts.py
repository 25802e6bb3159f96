"""Interpolation and quadrature behind the tables of a band, beside numpy's and scipy's own."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from musyq_lab.standard import _atmosphere_band as band


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_even_weights_have_the_nodes_of_legendre(count):
    places = (np.arange(4000) + 0.5) / 4000
    nodes, shares = band.gaussian(places, np.ones(4000), count)
    expected, weights = np.polynomial.legendre.leggauss(count)
    np.testing.assert_allclose(nodes, (expected + 1) / 2, atol=1e-6)
    np.testing.assert_allclose(shares, weights / 2, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_any_weight_averages_polynomials_of_the_fifth_degree(seed):
    draw = np.random.Generator(np.random.Philox(seed))
    places, weights = np.sort(draw.uniform(0.4, 0.9, 60)), draw.uniform(0, 1, 60)
    nodes, shares = band.gaussian(places, weights)
    assert shares.sum() == pytest.approx(1.0)
    assert ((nodes > places[0]) & (nodes < places[-1])).all()
    for power in range(6):
        assert shares @ nodes**power == pytest.approx((weights * places**power).sum() / weights.sum(), rel=1e-10)
    assert shares @ nodes**6 != pytest.approx((weights * places**6).sum() / weights.sum(), rel=1e-12)


def test_fewer_places_than_nodes_are_their_own():
    nodes, shares = band.gaussian(np.array([0.55]), np.array([3.0]))
    assert (nodes.tolist(), shares.tolist()) == ([0.55], [1.0])


@pytest.mark.parametrize("exponent", [-4.05, -1.2, 0.0, 2.0])
@pytest.mark.parametrize("wavelength", [0.39, 0.4025, 0.5, 0.8625, 2.0, 2.6])
def test_power_laws_are_interpolated_and_continued_exactly(exponent, wavelength):
    nodes = np.array([0.4025, 0.5525, 0.8625, 2.2525])
    values = 0.3 * nodes**exponent
    low, share = band._between(nodes, wavelength)
    assert band._power(values, low, share) == pytest.approx(0.3 * wavelength**exponent, rel=1e-10)


def test_a_parabola_goes_through_its_nodes_and_beyond():
    nodes, places = np.array([1013.0, 747.0, 505.0]), np.array([1060.0, 1013.0, 800.0, 500.0])
    matrix = band._quadratic(nodes, places)
    for polynomial in ([1.0], [2.0, -300.0], [1e-4, -0.2, 7.0]):
        np.testing.assert_allclose(matrix @ np.polyval(polynomial, nodes), np.polyval(polynomial, places), rtol=1e-9)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0)


@pytest.mark.parametrize("ends", ["not-a-knot", "clamped", "natural", "even"])
def test_spline_matrices_are_the_splines(ends):
    nodes, places = np.array([0.0, 15.0, 30.0, 45.0, 60.0, 75.0]), np.linspace(0, 75, 31)
    values = np.cos(np.radians(nodes)) ** 0.7
    conditions = ((1, 0.0), "not-a-knot") if ends == "even" else ends
    expected = CubicSpline(nodes, values, bc_type=conditions)(places)
    np.testing.assert_allclose(band.spline_matrix(nodes, places, ends) @ values, expected, atol=1e-12)


@pytest.mark.parametrize("mass", [2.0, 6.0])
def test_once_scattered_light_adds_up_to_what_is_not_passed(mass):
    """Of two constituents together: (1 - exp(-m (t1 + t2))) / m, whatever their heights."""
    molecules, aerosol = band.single_scattering(mass, 0.3, 0.5)
    assert molecules + aerosol == pytest.approx(-np.expm1(-mass * 0.8) / mass, rel=1e-9)
    assert molecules > 0.3 * np.exp(-mass * 0.8)
    low, _ = band.single_scattering(mass, 0.3, 1.5)
    assert low < molecules
    many, _ = band.single_scattering(np.full((2, 1), mass), np.zeros(3), 0.1)
    np.testing.assert_array_equal(many, np.zeros((2, 3)))
