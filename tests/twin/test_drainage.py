"""Drainage: agreement with a priority flood, mass balance, no water uphill, rivers that cut."""

import heapq

import numpy as np
import pytest

from musyq_lab.twin._drainage import drainage, eroded
from musyq_lab.twin._fields import fractal
from musyq_lab.twin.random import stream


def surface(rows=40, columns=52, beta=3.0):
    return fractal((rows, columns), beta, stream(5, "surface", rows, beta)).astype(float) * 100


def neighbours(shape, y, x):
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            if (dy or dx) and 0 <= y + dy < shape[0] and 0 <= x + dx < shape[1]:
                yield y + dy, x + dx


def priority_flood(height):
    """Filled surface by Barnes et al. (2014), one cell after the other."""
    filled = np.full(height.shape, np.inf)
    heap = []
    for y, x in np.ndindex(height.shape):
        if y in (0, height.shape[0] - 1) or x in (0, height.shape[1] - 1):
            filled[y, x] = height[y, x]
            heapq.heappush(heap, (height[y, x], y, x))
    while heap:
        level, y, x = heapq.heappop(heap)
        if level > filled[y, x]:
            continue
        for v, u in neighbours(height.shape, y, x):
            if np.isinf(filled[v, u]):
                filled[v, u] = max(level, height[v, u])
                heapq.heappush(heap, (filled[v, u], v, u))
    return filled


@pytest.mark.parametrize("beta", [2.0, 3.0, 4.0])
def test_filled_equals_a_priority_flood(beta):
    height = surface(beta=beta)
    # the bonus for steepness may move a spill point by a thousandth of a step of height
    assert drainage(height).filled(height) == pytest.approx(priority_flood(height), abs=0.1)


def test_every_cell_reaches_the_edge():
    ways = drainage(surface())
    count = ways.receiver.size
    at = np.arange(count)
    for _ in range(count):
        at = np.where(at < count, np.append(ways.receiver, count)[at], at)
        if np.all(at == count):
            break
    assert np.all(at == count)


def test_water_moves_to_a_neighbour():
    ways = drainage(surface())
    rows, columns = ways.shape
    number = np.arange(rows * columns)
    inside = ways.receiver < number.size
    y, x = np.divmod(number[inside], columns)
    v, u = np.divmod(ways.receiver[inside], columns)
    assert np.maximum(np.abs(y - v), np.abs(x - u)).max() == 1
    y, x = np.divmod(number[~inside], columns)
    assert np.all((y == 0) | (x == 0) | (y == rows - 1) | (x == columns - 1))


def test_filled_water_never_runs_uphill():
    height = surface()
    ways = drainage(height)
    level = np.append(ways.filled(height).ravel(), -np.inf)
    assert np.all(level[:-1] >= level[ways.receiver])


def test_a_slope_drains_along_its_steepest_descent():
    y, x = np.mgrid[:30, :40].astype(float)
    ways = drainage(3 * y + 0.1 * x)  # straight to the north edge
    assert np.all(ways.receiver.reshape(ways.shape)[2:-1, 1:-1] == np.arange(1200).reshape(30, 40)[1:-2, 1:-1])


def test_accumulation_keeps_what_falls():
    ways = drainage(surface())
    rain = stream(1, "rain").uniform(0, 2, ways.shape)
    total = ways.accumulate(rain)
    outlets = (ways.receiver == rain.size).reshape(ways.shape)
    assert total[outlets].sum() == pytest.approx(rain.sum())
    assert np.all(total >= rain - 1e-12)


def test_accumulation_equals_walking_every_drop():
    ways = drainage(surface(14, 17))
    count = np.zeros(14 * 17)
    for cell in range(count.size):
        at = cell
        while at < count.size:
            count[at] += 1
            at = ways.receiver[at]
    assert np.array_equal(ways.accumulate(np.ones(ways.shape)).ravel(), count)


def test_upstream_is_what_accumulates():
    ways = drainage(surface())
    count = ways.accumulate(np.ones(ways.shape))
    for cell in np.argsort(count, axis=None)[[-1, -40, 100]]:
        assert ways.upstream_of(int(cell)).sum() == count.ravel()[cell]


def test_downstream_value_is_that_of_the_first_known_cell():
    ways = drainage(surface(20, 20))
    count = ways.accumulate(np.ones(ways.shape))
    known = count > 30
    value = np.arange(400.0).reshape(20, 20)
    found = ways.downstream(value, known)
    for cell in range(0, 400, 7):
        at = cell
        while at < 400 and not known.ravel()[at]:
            at = ways.receiver[at]
        expected = value.ravel()[at] if at < 400 else np.nan
        assert found.ravel()[cell] == pytest.approx(expected, nan_ok=True)


def test_levels_visit_every_cell_once_after_its_receiver():
    ways = drainage(surface())
    seen = np.zeros(ways.receiver.size + 1, bool)
    seen[-1] = True
    for cells in ways.levels(upstream=True):
        assert not seen[cells].any()
        assert seen[ways.receiver[cells]].all()
        seen[cells] = True
    assert seen.all()
    down = np.concatenate(list(ways.levels(upstream=False)))
    assert np.array_equal(np.sort(down), np.arange(ways.receiver.size))


def test_flat_land_drains_too():
    ways = drainage(np.zeros((9, 9)))
    assert ways.accumulate(np.ones((9, 9)))[(ways.receiver == 81).reshape(9, 9)].sum() == 81


def test_negative_heights_are_heights():
    height = surface() - 5000
    assert drainage(height).filled(height) == pytest.approx(priority_flood(height), abs=0.1)


def test_rivers_cut_most_where_most_water_runs():
    start = surface(60, 60, beta=3.0) / 100
    flat = np.zeros(start.shape)
    cut = eroded(start, flat, steps=1, strength=0.0) - eroded(start, flat, steps=1, strength=0.05)
    count = drainage(start).accumulate(np.ones(start.shape))
    assert cut[count > 40].mean() > 2 * cut[count == 1].mean()
    assert cut.min() > -1e-9


def test_without_rain_power_and_uplift_only_slopes_creep():
    flat = np.full((20, 20), 3.0)
    assert eroded(flat, np.zeros((20, 20)), steps=3, strength=0.0) == pytest.approx(3.0)


def test_erosion_leaves_few_sinks():
    start = surface(60, 60, beta=2.5) / 100

    def sunk(height):
        return (drainage(height).filled(height) - height > 1e-6).mean()

    after = eroded(start, np.full(start.shape, 0.02), steps=8, strength=0.3)
    assert sunk(after) < 0.3 * sunk(start)


def test_same_surface_same_ways():
    assert drainage(surface()).receiver.tobytes() == drainage(surface()).receiver.tobytes()
