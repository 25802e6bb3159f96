"""Drainage at its edges: one cell, one row, plains, pits within pits; mass and order whatever the surface."""

import numpy as np
import pytest

from musyq_lab.twin import _drainage
from musyq_lab.twin._drainage import drainage, eroded


def rough(rows, columns, seed=1, steps=None):
    draw = np.random.Generator(np.random.Philox(seed)).uniform(0, 100, (rows, columns))
    return draw if steps is None else np.floor(draw / 100 * steps)


SURFACES = {
    "one cell": np.array([[7.0]]),
    "one row": rough(1, 9),
    "one column": rough(9, 1),
    "two by two": rough(2, 2),
    "plain": np.zeros((6, 7)),
    "steps": rough(12, 15, steps=3),
    "below the sea": rough(8, 8) - 5000.0,
    "high": rough(10, 9) + 8000.0,
}


@pytest.mark.parametrize("name", SURFACES)
def test_all_water_leaves_and_none_is_lost(name):
    height = SURFACES[name]
    ways = drainage(height)
    count = height.size
    assert sorted(ways.order) == list(range(count))
    rain = rough(*height.shape, seed=9)
    total = ways.accumulate(rain)
    outlets = ways.receiver == count
    assert total.ravel()[outlets].sum() == pytest.approx(rain.sum())
    rim = np.ones(height.shape, bool)
    rim[1:-1, 1:-1] = False
    assert rim.ravel()[outlets].all()


@pytest.mark.parametrize("name", SURFACES)
def test_levels_are_the_steps_to_the_outside(name):
    ways = drainage(SURFACES[name])
    count = ways.receiver.size
    steps = np.empty(count + 1, int)
    steps[count] = 0
    for cell in ways.order:
        steps[cell] = steps[ways.receiver[cell]] + 1
    for number, cells in enumerate(ways.levels(upstream=True), start=1):
        assert (steps[cells] == number).all()
    downward = np.concatenate(list(ways.levels(upstream=False)))
    assert sorted(downward) == list(range(count))


@pytest.mark.parametrize("name", SURFACES)
def test_no_cell_is_lowered_by_filling_and_none_stays_in_a_pit(name):
    height = SURFACES[name]
    filled = drainage(height).filled(height)
    assert (filled >= height).all()
    padded = np.pad(filled, 1, constant_values=-np.inf)
    rows, columns = height.shape
    lowest = np.min(
        [
            padded[1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + columns]
            for dy in (-1, 0, 1)
            for dx in (-1, 0, 1)
            if dy or dx
        ],
        axis=0,
    )
    assert (lowest <= filled).all()


def test_a_pit_within_a_pit_fills_to_the_outer_rim():
    height = np.full((9, 9), 10.0)
    height[2:7, 2:7] = 5.0
    height[4, 4] = 1.0
    height[3, 3:6] = height[5, 3:6] = height[4, 3] = height[4, 5] = 7.0
    height[0, 4] = height[1, 4] = 8.0
    filled = drainage(height).filled(height)
    np.testing.assert_allclose(filled[2:7, 2:7], 8.0)
    assert filled[4, 4] == 8.0


def test_the_gate_decides_where_a_basin_drains():
    height = np.full((7, 7), 9.0)
    height[2:5, 2:5] = 1.0
    height[3, 5] = height[3, 6] = 4.0
    ways = drainage(height)
    through = ways.upstream_of(3 * 7 + 6)
    assert through[2:5, 2:5].all()
    assert through[3, 5]
    height[3, 5] = 9.0
    height[1, 2] = height[0, 2] = 4.0
    ways = drainage(height)
    assert ways.upstream_of(2)[2:5, 2:5].all()
    assert not ways.upstream_of(3 * 7 + 6)[2:5, 2:5].any()


def test_surfaces_that_are_moved_or_scaled_have_the_same_ways():
    height = rough(14, 17)
    ways = drainage(height)
    for other in (height + 3000.0, height * 8.0):
        np.testing.assert_array_equal(drainage(other).receiver, ways.receiver)


def test_turning_the_land_turns_the_water():
    height = rough(13, 16, seed=4)
    area = drainage(height).accumulate(np.ones(height.shape))
    turned = drainage(height[::-1, ::-1]).accumulate(np.ones(height.shape))
    np.testing.assert_array_equal(turned[::-1, ::-1], area)


def test_first_known_value_downstream():
    height = np.tile(np.arange(6.0), (3, 1)) + np.array([[5.0], [0.0], [5.0]])
    ways, known = drainage(height), np.zeros((3, 6), bool)
    known[1, 2] = True
    found = ways.downstream(np.full((3, 6), 42.0), known)
    assert (found[1, 2:5] == 42.0).all()
    assert np.isnan(found[1, :2]).all()
    assert np.isnan(ways.downstream(height, np.zeros((3, 6), bool))).all()


def test_rivers_reach_the_slope_of_stream_power(monkeypatch):
    """Without creep, land in balance with its uplift falls U / (K A^0.45) to the next cell (Braun & Willett 2013)."""
    monkeypatch.setattr(_drainage, "_diffused", lambda height: height)
    uplift = np.zeros((12, 12))
    uplift[1:-1, 1:-1] = 1.0
    done = eroded(rough(12, 12), uplift, steps=300, strength=0.4)
    ways = drainage(done + uplift)
    area = ways.accumulate(np.ones(done.shape))
    below = np.append(done.ravel(), np.nan)[ways.receiver].reshape(done.shape)
    inside = uplift > 0
    np.testing.assert_allclose((done - below)[inside], 1.0 / (0.4 * area[inside] ** 0.45), rtol=1e-3)


@pytest.mark.parametrize("share", [0.05, 0.14, 0.25])
def test_creep_keeps_the_soil_and_levels_it(share):
    height = rough(9, 11)
    after = _drainage._diffused(height, share)
    assert after.sum() == pytest.approx(height.sum())
    assert after.std() < height.std()
    np.testing.assert_allclose(_drainage._diffused(np.full((4, 5), 3.0), share), 3.0)


def test_no_steps_change_nothing():
    height = rough(5, 6)
    np.testing.assert_array_equal(eroded(height, np.ones((5, 6)), steps=0, strength=1.0), height)
