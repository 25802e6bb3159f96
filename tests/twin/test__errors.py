"""Errors of declared size: their variance, what they share, and that they are the same each time."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from musyq_lab.twin import _errors
from musyq_lab.twin._errors import SHARES, Noise, Sigma
from musyq_lab.twin.grid import WorldGrid, local_grid

GRID = local_grid(100.4, 38.9, 6.4, 100.0)
NAMES = ("a", "b", "c")
TIME = datetime(2019, 7, 2, 12)


def drawn(seed=0, time=TIME, grid=GRID):
    return Noise(grid, seed, time, NAMES)


def test_shares_are_the_whole_variance():
    assert sum(SHARES.values()) == pytest.approx(1)


def test_sigma_adds_its_parts_in_quadrature():
    value = np.array([0.0, 10.0, -10.0])
    np.testing.assert_allclose(Sigma(3.0, 0.4).of(value), [3.0, 5.0, 5.0], rtol=1e-6)
    np.testing.assert_allclose(Sigma(relative=0.1).of(value), [0.0, 1.0, 1.0], rtol=1e-6)


@pytest.fixture(scope="module")
def worlds():
    """Fields of many worlds: (world, name, y, x); b shares the group of a."""
    fields = []
    for seed in range(150):
        noise = drawn(seed)
        fields.append([noise("a", "group"), noise("b", "group"), noise("c")])
    return np.array(fields)


def test_mean_0_and_variance_1_over_worlds(worlds):
    # 150 worlds with one independent number each at least: the mean is known to 0.08, the variance to 0.12
    assert np.abs(worlds.mean(axis=(0, 2, 3))).max() < 4 * 0.082
    np.testing.assert_allclose((worlds**2).mean(axis=(0, 2, 3)), 1, atol=4 * 0.12)


def test_the_wide_part_is_nearly_constant_and_has_its_share(worlds):
    means = worlds.mean(axis=(2, 3))
    share = SHARES["group"] + SHARES["own"]
    np.testing.assert_allclose(means.var(axis=0), share, atol=4 * share * np.sqrt(2 / 150))
    within = worlds.var(axis=(2, 3)).mean(axis=0)
    np.testing.assert_allclose(within, 1 - share, atol=0.02)


def test_a_group_shares_its_part(worlds):
    a, b, c = worlds.mean(axis=(2, 3)).T
    assert np.mean(a * b) == pytest.approx(SHARES["group"], abs=4 * 0.6 * np.sqrt(1 / 150))
    assert abs(np.mean(a * c)) < 4 * 0.6 * np.sqrt(1 / 150)


def test_part_of_the_error_lasts():
    stays = []
    for seed in range(12):
        first, second = (drawn(seed, TIME + timedelta(days=d))("a") for d in (0, 40))
        stays.append(np.corrcoef(first.ravel(), second.ravel())[0, 1])
    # of what varies within a world half lasts
    lasting = SHARES["lasting"] / (SHARES["lasting"] + SHARES["local"])
    assert np.mean(stays) == pytest.approx(lasting, abs=0.15)


def test_the_same_each_time_and_another_for_another_name_time_and_world():
    once = drawn()("a", "group")
    np.testing.assert_array_equal(once, drawn()("a", "group"))
    others = [drawn()("b", "group"), drawn(1)("a", "group"), drawn(time=TIME + timedelta(days=5))("a", "group")]
    assert all(np.abs(other - once).max() > 0.1 for other in others)


def test_it_does_not_depend_on_what_else_was_asked_for():
    noise = drawn()
    noise("c")
    np.testing.assert_array_equal(noise("b"), drawn()("b"))


def test_local_parts_are_as_long_as_said():
    wide = local_grid(100.4, 38.9, 102.4, 400.0)
    local = drawn(grid=wide)._local
    lag = round(_errors.LENGTH / wide.metres)
    near = np.corrcoef(local[:, :-lag].ravel(), local[:, lag:].ravel())[0, 1]
    # A Gaussian spectrum exp(-(2 pi L k)^2 / 2) of amplitudes has the correlation exp(-d^2 / (4 L^2)).
    assert near == pytest.approx(np.exp(-0.25), abs=0.08)


def test_coarse_cells_are_correlated_over_two():
    globe = WorldGrid("EPSG:4326", 5.0, -180.0, 90.0, 72, 36)
    local = drawn(grid=globe)._local
    assert np.corrcoef(local[:, :-1].ravel(), local[:, 1:].ravel())[0, 1] > 0.8
    assert local.std() == pytest.approx(1, abs=1e-3)
