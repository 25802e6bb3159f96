"""Leaf angles by independent means: densities in other coordinates, roots by brackets, moments."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from musyq_lab.kernels import _leaf_angles as angles

FINE = np.linspace(0, 90, 901)


def mean(share, edges=FINE):
    return np.degrees((share * angles.centres(edges)).sum(axis=-1))


@pytest.mark.parametrize("wanted", [15.0, 30.0, 45.0, 57.3, 70.0, 80.0])
def test_the_axis_ratio_gives_the_mean_angle_that_was_asked_for(wanted):
    """Campbell 1990 fits the ratio to the mean to about a degree."""
    assert mean(angles.campbell(wanted, FINE)) == pytest.approx(wanted, abs=2.0)


def test_a_sphere_has_the_areas_of_its_zones():
    """Axis ratio 1 lies near 58.4 degrees by the polynomial: shares are the differences of the cosines."""

    def ratio(angle):
        return ((-1.6184e-5 * angle + 2.1145e-3) * angle - 0.1239) * angle + 3.2491

    sphere = brentq(ratio, 40, 80)
    np.testing.assert_allclose(angles.campbell(sphere), -np.diff(np.cos(np.radians(angles.EDGES))), atol=1e-9)
    assert sphere == pytest.approx(57.3, abs=1.5)


@pytest.mark.parametrize("asked", [5.0, 40.0, 75.0, 89.0])
def test_an_ellipsoid_is_the_surface_of_revolution(asked):
    """Area of a spheroid by the angle of its normal, integrated along the ellipse itself."""
    x = np.exp(((-1.6184e-5 * asked + 2.1145e-3) * asked - 0.1239) * asked + 3.2491)

    def area(low, high):
        """Ellipse (x cos p, sin p): the normal's zenith has tan = tan(p') of the axes; area element r ds."""

        def element(p):
            return x * np.cos(p) * np.hypot(x * np.sin(p), np.cos(p))

        def parameter(zenith):  # normal (cos p / x, sin p): tan zenith = cos p / (x sin p)
            return np.pi / 2 if zenith == 0 else np.arctan2(1, x * np.tan(np.radians(zenith)))

        return quad(element, parameter(high) if high < 90 else 0.0, parameter(low), epsabs=1e-12)[0]

    whole = area(0, 90)
    edges = [0, 10, 30, 50, 70, 90]
    found = angles.campbell(asked, edges)
    expected = [area(low, high) / whole for low, high in pairwise(edges)]
    np.testing.assert_allclose(found, expected, atol=1e-8)


@pytest.mark.parametrize(("a", "b"), [(0, 0), (1, 0), (-1, 0), (0, -1), (0, 1), (-0.35, -0.15), (0.4, -0.6)])
def test_the_implicit_distribution_is_the_root_that_brackets_find(a, b):
    edges = np.array([0, 12.5, 40, 77, 90.0])

    def below(angle):
        twice = 2 * np.radians(angle)
        root = brentq(lambda x: x - twice - a * np.sin(x) - b / 2 * np.sin(2 * x), twice - 2, twice + 2, xtol=1e-14)
        return (2 * (root - twice) + twice) / np.pi

    expected = np.diff([0.0, *(below(e) for e in edges[1:-1]), 1.0])
    np.testing.assert_allclose(angles.verhoef(a, b, edges), expected, atol=1e-6)


@pytest.mark.parametrize(("a", "b"), [(0.8, 0.0), (-0.6, 0.3), (0.0, 0.9)])
def test_mean_angle_is_that_of_the_slope_parameter(a, b):
    assert mean(angles.verhoef(a, b, FINE)) == pytest.approx(45 - 360 * a / np.pi**2, abs=0.05)


def test_names_of_verhoef_are_what_they_say():
    flat, upright, middle, ends = (angles.verhoef(*p) for p in ((1, 0), (-1, 0), (0, -1), (0, 1)))
    assert flat.argmax() == 0
    assert upright.argmax() == 17
    assert middle.argmax() in (8, 9)
    assert ends.argmin() in (8, 9)
    np.testing.assert_allclose(flat, upright[::-1], atol=1e-9)
    np.testing.assert_allclose(ends, ends[::-1], atol=1e-9)


def test_shapes_and_missing_angles():
    many = angles.campbell(np.array([[20.0, 50.0, np.nan]]))
    assert many.shape == (1, 3, 18)
    assert np.isnan(many[0, 2]).all()
    np.testing.assert_allclose(many[0, :2].sum(axis=-1), 1.0)
    assert angles.verhoef(np.zeros((2, 1)), np.zeros(3)).shape == (2, 3, 18)
    assert angles.campbell(np.zeros((0,))).shape == (0, 18)
    np.testing.assert_allclose(np.degrees(angles.centres([0, 30, 90])), [15, 60])
