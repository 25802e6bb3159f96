"""Errors of the fields of carbon accounts: the shares that go together, and that the stated size is the true one."""

import numpy as np
import pytest

from musyq_lab.twin._synoptic import lattice
from musyq_lab.twin._years_errors import AIR, ERRORS, LEAVES, LENGTH, Drawn
from musyq_lab.twin.grid import WorldGrid

GRID = WorldGrid("EPSG:4326", 5.0, -180.0, 90.0, 72, 36)
POINTS = lattice(GRID)
COVER = np.full(GRID.shape, 4, np.uint8)
COVER[:, 1::2] = 10
ROW, FAR = 18, 36  # at the equator, half round the Earth
WORLDS = 250


def draws(name, label="2015-01-01", worlds=WORLDS):
    return np.array([Drawn(seed, POINTS, COVER)(name, label)[ROW, [0, 1, FAR, FAR + 1]] for seed in range(worlds)])


@pytest.fixture(scope="module")
def drawn():
    return {
        (name, label): draws(name, label)
        for name, label in [("lai", "a"), ("lai", "b"), ("fpar", "a"), ("air_temperature", "a"), ("precipitation", "a")]
    }


def together(one, two):
    return float(np.mean(one * two))


NOISE = 4 / np.sqrt(WORLDS)


@pytest.mark.parametrize("shares", [LEAVES, AIR])
def test_shares_are_the_whole(shares):
    assert sum(shares.values()) == pytest.approx(1)


def test_variance_1_over_worlds(drawn):
    for found in drawn.values():
        np.testing.assert_allclose((found**2).mean(axis=0), 1, atol=1.5 * NOISE)


def test_cells_far_apart_share_what_is_common_and_their_class(drawn):
    found = drawn["lai", "a"]
    assert together(found[:, 0], found[:, 2]) == pytest.approx(LEAVES["all"] + LEAVES["class"], abs=NOISE)
    assert together(found[:, 0], found[:, 3]) == pytest.approx(LEAVES["all"], abs=NOISE)
    air = drawn["air_temperature", "a"]
    assert together(air[:, 0], air[:, 2]) == pytest.approx(AIR["all"], abs=NOISE)


def test_neighbours_share_what_goes_with_the_distance(drawn):
    found = drawn["lai", "a"]
    near = np.exp(-((5 * 111.19) ** 2) / (2 * LENGTH**2))
    wanted = LEAVES["all"] + near * (LEAVES["distance"] + LEAVES["step"])
    assert together(found[:, 0], found[:, 1]) == pytest.approx(wanted, abs=NOISE)


def test_steps_share_what_lasts(drawn):
    one, two = drawn["lai", "a"][:, 0], drawn["lai", "b"][:, 0]
    lasting = LEAVES["all"] + LEAVES["class"] + LEAVES["distance"]
    assert together(one, two) == pytest.approx(lasting, abs=NOISE)


def test_groups_have_the_same_errors_but_for_cells(drawn):
    one, two = drawn["lai", "a"][:, 0], drawn["fpar", "a"][:, 0]
    assert together(one, two) == pytest.approx(1 - LEAVES["cell"], abs=NOISE)
    assert abs(together(one, drawn["precipitation", "a"][:, 0])) < NOISE


@pytest.mark.parametrize("name", list(ERRORS))
def test_observed_is_unbiased_with_the_stated_size(name):
    true = np.full(GRID.shape, {"air": 290.0, "dow": 150.0, "vap": 900.0}.get(name[:3], 0.5), np.float32)
    pairs = [Drawn(seed, POINTS, COVER).observed(name, true, "a") for seed in range(200)]
    seen, told = (np.array(part)[:, ROW, [0, FAR]] for part in zip(*pairs, strict=True))
    wrong = seen - 1.0 * true[ROW, 0]
    spread = ERRORS[name].sigma * (true[ROW, 0] if ERRORS[name].relative else 1)
    assert abs(wrong.mean()) < 0.3 * spread
    assert wrong.std() == pytest.approx(spread, rel=0.2)
    assert np.mean(told) == pytest.approx(spread, rel=0.06)
    assert np.mean(np.abs(wrong / told) < 2) > 0.9


def test_no_size_no_error():
    true = np.linspace(0, 5, GRID.rows * GRID.columns, dtype=np.float32).reshape(GRID.shape)
    seen, told = Drawn(1, POINTS, COVER).observed("lai", true, "a", 0.0)
    np.testing.assert_array_equal(seen, true)
    assert not told.any()


def test_what_is_missing_stays_missing():
    true = np.full(GRID.shape, np.nan, np.float32)
    for name in ("lai", "air_temperature"):
        seen, told = Drawn(1, POINTS, COVER).observed(name, true, "a")
        assert np.isnan(seen).all()
        assert np.isnan(told).all()


def test_values_stay_possible():
    true = np.full(GRID.shape, 0.97, np.float32)
    seen, _ = Drawn(3, POINTS, COVER).observed("fpar", true, "a", 5.0)
    assert 0 <= seen.min() <= seen.max() <= 0.99


def test_same_seed_same_errors():
    true = np.full(GRID.shape, 2.0, np.float32)
    one, two, other = (Drawn(seed, POINTS, COVER).observed("lai", true, "a")[0] for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).max() > 0.01
