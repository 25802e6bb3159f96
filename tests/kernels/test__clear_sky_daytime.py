"""Weights and errors of means over time: naive loops, sums, limits."""

import math
from itertools import pairwise

import numpy as np
import pytest

from musyq_lab.kernels._clear_sky_daytime import combine, weights

PIECES, LENGTH, REACH = 12, 10 / 1440, 2 / 24
RULES = np.array([PIECES, LENGTH, REACH])
TIME = np.array([0.5, 1.4, 2.0, 3.9, 5.0]) / 24
SHAPE = np.random.Generator(np.random.Philox(5)).uniform(0.5, 1.5, 36)
FIRST = np.array([0.0, 12.0, 24.0])


def run(ratio, shape=SHAPE, shift=0.0):
    return weights.python(np.asarray(ratio, float), TIME, shape, FIRST, shift, RULES)


def naive(ratio):
    """Mean of each step by interpolation with numpy, held at the ends."""
    known = np.isfinite(ratio)
    middles = (np.arange(36) + 0.5) * LENGTH
    return (np.interp(middles, TIME[known], np.asarray(ratio)[known]) * SHAPE).reshape(3, PIECES).mean(1)


@pytest.mark.parametrize(
    "ratio", [[1.0, 0.5, 0.8, 0.3, 0.9], [np.nan, 0.5, np.nan, 0.3, 0.9], [np.nan, np.nan, 0.7, np.nan, np.nan]]
)
def test_weights_are_those_of_interpolation(ratio):
    made = run(ratio)[0] @ np.nan_to_num(ratio)
    np.testing.assert_allclose(made, naive(ratio), rtol=1e-13)


def test_weights_of_a_step_sum_to_its_light():
    made, gaps, outside, *_ = run([1.0, 0.5, 0.8, 0.3, 0.9])
    light = SHAPE.reshape(3, PIECES).mean(1)
    np.testing.assert_allclose(made.sum(1), light, rtol=1e-13)
    np.testing.assert_allclose(gaps.sum(1) + outside, light, rtol=1e-13)


def test_nothing_known_gives_no_weight():
    made, _, outside, covered, count = run([np.nan] * 5)
    assert not made.any()
    assert not outside.any()
    assert not covered.any()
    assert not count.any()


def test_coverage_and_count():
    *_, covered, count = run([1.0, np.nan, np.nan, np.nan, np.nan])
    near = np.abs((np.arange(36) + 0.5) * LENGTH - TIME[0]) <= REACH
    expected = (near * SHAPE).reshape(3, PIECES).sum(1) / SHAPE.reshape(3, PIECES).sum(1)
    np.testing.assert_allclose(covered, expected, rtol=1e-12)
    np.testing.assert_array_equal(count, [1, 0, 0])


def test_a_dark_step_is_covered():
    dark = SHAPE.copy()
    dark[:12] = 0
    _, _, _, covered, _ = run([np.nan] * 5, dark)
    np.testing.assert_array_equal(covered, [1.0, 0.0, 0.0])


def test_shift_moves_the_steps():
    moved = run([1.0, 0.5, 0.8, 0.3, 0.9], shift=12.0)[0]
    still = run([1.0, 0.5, 0.8, 0.3, 0.9])[0]
    np.testing.assert_array_equal(moved[:2], still[1:])
    assert not moved[2].any()  # beyond the shape


def error(weight, ratio, sigma, gap=None, outside=0.0, rules=(0.1, 0.3, 0.2)):
    gap = np.zeros(5) if gap is None else gap
    return combine.python(weight, gap, np.asarray(ratio, float), sigma, TIME, outside, np.asarray(rules))


def test_error_is_the_double_sum():
    draw = np.random.Generator(np.random.Philox(8))
    weight, sigma, gap = draw.uniform(0, 1, (3, 5))
    ratio = np.array([1.0, 0.6, np.nan, 0.9, 0.4])
    tau, common, beyond = 0.1, 0.3, 0.2
    known = np.flatnonzero(np.isfinite(ratio))
    variance = common * sum(weight[i] * sigma[i] for i in known) ** 2 + (beyond * 0.15) ** 2
    for i in known:
        for j in known:
            fade = math.exp(-abs(TIME[i] - TIME[j]) / tau)
            variance += (1 - common) * weight[i] * weight[j] * sigma[i] * sigma[j] * fade
    for before, after in pairwise(known):
        variance += (gap[after] * (ratio[after] - ratio[before])) ** 2 / 12
    mean, made = error(weight, ratio, sigma, gap, 0.15)
    assert made == pytest.approx(math.sqrt(variance), rel=1e-13)
    assert mean == pytest.approx(sum(weight[i] * ratio[i] for i in known), rel=1e-13)


def test_fully_common_errors_add_up_and_independent_ones_in_quadrature():
    weight, sigma, ratio = np.full(5, 0.2), np.full(5, 0.1), np.ones(5)
    assert error(weight, ratio, sigma, rules=(0.1, 1.0, 0.0))[1] == pytest.approx(0.1)
    assert error(weight, ratio, sigma, rules=(1e-9, 0.0, 0.0))[1] == pytest.approx(0.1 / math.sqrt(5))


def test_a_sudden_change_at_any_moment_has_a_twelfth_of_its_square():
    """Monte Carlo: a jump at a uniform moment, against the straight line between the instants."""
    draw = np.random.Generator(np.random.Philox(2)).uniform(0, 1, 200_000)
    spread = np.std(1.0 - draw)  # mean of a step from 0 to 1 that happens at the moment drawn
    ratio = np.array([0.0, 1.0, np.nan, np.nan, np.nan])
    gap = np.array([0.0, 1.0, 0.0, 0.0, 0.0])
    assert error(gap, ratio, np.zeros(5), gap)[1] == pytest.approx(spread, rel=5e-3)


def test_compiled_is_the_python_twin():
    ratio = np.array([[1.0, np.nan, 0.8, 0.3, 0.9], [np.nan, 0.4, 0.2, np.nan, np.nan]])
    given = (ratio, TIME, np.stack([SHAPE, SHAPE[::-1]]), FIRST, np.array([0.0, 6.0]), RULES)
    compiled, twin = weights(*given), weights.python(*given)
    for one, two in zip(compiled, twin, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-13, atol=1e-15)
    more = (
        compiled[0],
        compiled[1],
        ratio[:, None],
        np.full((2, 1, 5), 0.1),
        TIME,
        compiled[2],
        np.array([0.1, 0.3, 0.2]),
    )
    for one, two in zip(combine(*more), combine.python(*more), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-13, atol=1e-15)
