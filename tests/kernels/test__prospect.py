"""Plates of a leaf beside scipy's exponential integrals and the sum of all reflections between them."""

import numpy as np
import pytest
from scipy.special import exp1, expn

from musyq_lab.kernels import _prospect

PLATES = _prospect.plates.python
THROUGH = _prospect.transmissivity.python
T_ALPHA, T12, T21 = 0.965, 0.92, 0.44


def leaf(n, k, alpha=T_ALPHA, t12=T12, t21=T21):
    """One leaf whose plates have the optical thickness k in all, from dry matter alone."""
    contents = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, k]
    values = (np.atleast_1d(np.float64(v)) for v in (n, *contents, alpha, t12, t21))
    return [float(v[0]) for v in PLATES(*values)]


def one_plate(k, enter, t12=T12, t21=T21):
    """Reflectance and transmittance of one plate: light to and fro between its faces, summed up."""
    tau = 2 * expn(3, k) if k > 0 else 1.0
    back, through, reflected, light = 1 - t21, 0.0, 1 - enter, enter * tau
    for bounce in range(4000):
        through, reflected = (
            (through + light * t21, reflected) if bounce % 2 == 0 else (through, reflected + light * t21)
        )
        light *= back * tau
    return reflected, through


@pytest.mark.parametrize("k", [1e-12, 1e-6, 0.01, 0.5, 1.999999, 2.0, 2.000001, 7.0, 20.0, 39.9])
def test_transmissivity_is_twice_the_third_exponential_integral(k):
    found = float(THROUGH(np.float64([k]))[0])
    assert found == pytest.approx(2 * expn(3, k), rel=1e-12, abs=2e-16)
    assert found == pytest.approx((1 - k) * np.exp(-k) + k * k * exp1(k), rel=1e-9, abs=1e-15)


def test_transmissivity_falls_from_one_to_nothing():
    k = np.concatenate([[-0.1, 0.0], np.geomspace(1e-9, 60, 500)])
    found = THROUGH(k)
    assert (found[:2] == 1.0).all()
    assert (np.diff(found[1:]) <= 0).all()
    assert found[-1] == 0.0
    assert np.isnan(THROUGH(np.array([np.nan]))[0])


@pytest.mark.parametrize("k", [0.0, 0.001, 0.1, 1.0, 3.0])
def test_a_leaf_of_one_plate_is_that_plate(k):
    assert leaf(1.0, k) == pytest.approx(one_plate(k, T_ALPHA), abs=1e-10)


@pytest.mark.parametrize("k", [0.0, 0.01, 0.4])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_whole_numbers_of_plates_are_added_one_by_one(count, k):
    """Light between a pile and the next plate is a geometric series."""
    r, t = one_plate(k, T12)
    below_r, below_t = r, t
    for _ in range(count - 2):
        below_r, below_t = r + t * t * below_r / (1 - r * below_r), t * below_t / (1 - r * below_r)
    top_r, top_t = one_plate(k, T_ALPHA)
    between = 1 - r * below_r
    expected = top_r + top_t * below_r * t / between, top_t * below_t / between
    assert leaf(float(count), k) == pytest.approx(expected, abs=2e-9)


def test_fractions_of_a_plate_lie_between():
    found = np.array([leaf(n, 0.05) for n in np.linspace(1.0, 3.0, 41)])
    assert (np.diff(found[:, 0]) > 0).all()
    assert (np.diff(found[:, 1]) < 0).all()


@pytest.mark.parametrize("n", [1.0, 1.5, 2.7])
def test_without_absorption_all_light_leaves(n):
    assert sum(leaf(n, 0.0)) == pytest.approx(1.0, abs=1e-10)
    assert sum(leaf(n, 1e-9)) == pytest.approx(1.0, abs=1e-6)


def test_absorptance_is_continuous_at_the_limit_of_none():
    """Across the switch to the closed limit, which lies near an absorptance of 1e-11."""
    k = np.geomspace(1e-14, 1e-6, 60)
    lost = np.array([1 - sum(leaf(1.8, v)) for v in k])
    assert (lost > -1e-10).all()
    assert np.abs(lost[:20]).max() < 1e-9
    assert lost[-1] == pytest.approx(lost[-2] * k[-1] / k[-2], rel=1e-2)


def test_less_than_a_plate_is_no_leaf():
    assert np.isnan(leaf(0.99, 0.1)).all()
    assert np.isnan(leaf(1.5, np.nan)).all()
