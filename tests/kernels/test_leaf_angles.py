"""Leaf angle distributions against published classes, numerical integrals of their densities, and an old code."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from musyq_lab.kernels.canopy import EDGES, VERHOEF_EDGES, campbell, verhoef

# prosail 2.0.5: campbell(57, 18), campbell(60, 18) and verhoef_bimodal(-0.35, -0.15, 18), ten digits
FIFTY_SEVEN = [0.004454225, 0.013277982, 0.021853166, 0.030031703, 0.037689669, 0.044732778, 0.051098661, 0.056756091]
FIFTY_SEVEN += [0.061701703, 0.065955007, 0.069552508, 0.07254167, 0.074975284, 0.076906559, 0.078385112, 0.079453864]
FIFTY_SEVEN += [0.080146768, 0.08048725]
SIXTY = [0.003170938, 0.009525473, 0.015916424, 0.022362824, 0.028875752, 0.035455017, 0.042085841, 0.048735709]
SIXTY += [0.055351685, 0.061858606, 0.068158684, 0.074133039, 0.079645649, 0.084549935, 0.088697854, 0.091950837]
SIXTY += [0.094191456, 0.095334276]
SPHERICAL = [0.018624621, 0.019267212, 0.020582746, 0.0226342, 0.025521564, 0.029387207, 0.034418936, 0.040840707]
SPHERICAL += [0.048865385, 0.058553205, 0.06949362, 0.080341363, 0.088747893, 0.092617362, 0.091967057, 0.088858056]
SPHERICAL += [0.085605464, 0.083673403]


def test_published_classes():
    np.testing.assert_allclose(campbell([57.0, 60.0]), [FIFTY_SEVEN, SIXTY], rtol=0, atol=1e-9)
    np.testing.assert_allclose(verhoef(-0.35, -0.15), SPHERICAL, rtol=0, atol=1e-8)


@pytest.mark.parametrize("mean_angle", [10.0, 40.0, 57.3, 57.9, 75.0])
def test_campbell_is_the_integral_of_its_density(mean_angle):
    chi = np.exp(-1.6184e-5 * mean_angle**3 + 2.1145e-3 * mean_angle**2 - 0.1239 * mean_angle + 3.2491)

    def density(x):
        return np.sin(x) / (np.cos(x) ** 2 + chi**2 * np.sin(x) ** 2) ** 2

    edges = np.radians(EDGES)
    parts = np.array([quad(density, a, b, epsabs=1e-13)[0] for a, b in pairwise(edges)])
    np.testing.assert_allclose(campbell(mean_angle), parts / parts.sum(), rtol=0, atol=1e-10)


def test_campbell_is_smooth_where_the_axes_are_equal():
    """The classes of a sphere are differences of cosines; on both sides of it nothing jumps."""
    low, high = 50.0, 65.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        chi = np.exp(-1.6184e-5 * middle**3 + 2.1145e-3 * middle**2 - 0.1239 * middle + 3.2491)
        low, high = (middle, high) if chi > 1.0 else (low, middle)
    sphere = -np.diff(np.cos(np.radians(EDGES)))
    for angle in (low, high, low - 1e-9, high + 1e-9):
        np.testing.assert_allclose(campbell(angle), sphere, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (-1.0, 0.0), (0.0, -1.0), (0.0, 1.0), (-0.35, -0.15), (0.4, 0.5)])
def test_mean_angle_follows_from_the_slope(a, b):
    """Integrating F over the angle by parts leaves 45 - 360 a / pi^2 degrees, whatever b is."""
    edges = np.linspace(0.0, 90.0, 901)
    mean = verhoef(a, b, edges) @ (0.5 * (edges[1:] + edges[:-1]))
    assert mean == pytest.approx(45.0 - 360.0 * a / np.pi**2, abs=0.02)


def test_uniform_leaves_fill_classes_by_width():
    np.testing.assert_allclose(verhoef(0.0, 0.0, VERHOEF_EDGES), np.diff(VERHOEF_EDGES) / 90.0, atol=1e-12)


def test_classes_sum_to_one_and_are_never_negative():
    for share in (campbell(np.linspace(1.0, 89.0, 60)), verhoef(np.linspace(-0.7, 0.7, 60), 0.25)):
        assert share.shape == (60, 18)
        assert (share >= 0.0).all()
        np.testing.assert_allclose(share.sum(axis=-1), 1.0, atol=1e-12)


def test_coarse_classes_are_sums_of_fine_ones():
    fine = np.linspace(0.0, 90.0, 46)
    for make in (lambda e: campbell(33.0, e), lambda e: verhoef(0.3, -0.5, e)):
        sums = [make(fine)[(fine[:-1] >= a) & (fine[:-1] < b)].sum() for a, b in pairwise(EDGES[::2])]
        np.testing.assert_allclose(make(EDGES[::2]), sums, atol=1e-9)


def test_steeper_means_steeper():
    middle = 0.5 * (EDGES[1:] + EDGES[:-1])
    means = campbell(np.array([20.0, 35.0, 50.0, 65.0, 80.0])) @ middle
    assert (np.diff(means) > 0.0).all()
    np.testing.assert_allclose(means, [20.0, 35.0, 50.0, 65.0, 80.0], atol=3.0)  # the cubic is a fit


def test_what_is_not_a_distribution_is_nan():
    assert np.isnan(campbell(np.nan)).all()
    assert np.isnan(verhoef(0.8, 0.5)).all()
    assert np.isnan(verhoef(np.nan, 0.0)).all()
    assert np.isfinite(verhoef([0.8, 0.2], [0.5, 0.1])[1]).all()
