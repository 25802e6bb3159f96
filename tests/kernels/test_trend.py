"""Theil-Sen and Mann-Kendall beside SciPy, and what they promise."""

import numpy as np
import pytest
from scipy import stats

from musyq_lab.kernels import trend
from musyq_lab.kernels._trend_network import LANES, limit, network, sort_rows
from musyq_lab.kernels._trend_selection import selection

FIELDS = trend.TheilSen._fields


@pytest.fixture
def in_python(monkeypatch):
    """Trends that run as Python: each kernel would take seconds to compile."""
    monkeypatch.setattr(trend, "network", network.python)
    monkeypatch.setattr(trend, "selection", selection.python)


def series(size: int, count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Noisy lines with ties and gaps at uneven times."""
    draw = np.random.Generator(np.random.Philox(seed))
    times = 2000.0 + np.cumsum(draw.uniform(0.5, 2.0, size))
    y = np.round(draw.normal(size=(size, count)) + 0.1 * np.arange(size)[:, None], 1)
    y[draw.random(y.shape) < 0.2] = np.nan
    return times, y


def naive(times, y):
    """S, its variance and the number of tied pairs by loops over pairs and groups."""
    known = np.isfinite(y)
    values = y[known]
    score = ties = 0
    for i in range(values.size):
        for j in range(i + 1, values.size):
            score += np.sign(values[j] - values[i])
            ties += values[j] == values[i]
    n = values.size
    groups = sum(t * (t - 1) * (2 * t + 5) for t in np.unique(values, return_counts=True)[1])
    return score, (n * (n - 1) * (2 * n + 5) - groups) / 18, ties


@pytest.mark.usefixtures("in_python")
@pytest.mark.parametrize("longest", [48, 2], ids=["network", "selection"])
def test_equals_scipy_with_ties_and_gaps(monkeypatch, longest):
    monkeypatch.setattr(trend, "NETWORK_TIMES", longest)
    times, y = series(9, 4)
    found = trend.theil_sen(y, times, z=-stats.norm.ppf(0.025))
    for k in range(y.shape[1]):
        known = np.isfinite(y[:, k])
        peer = stats.theilslopes(y[known, k], times[known], alpha=0.95, method="joint")
        np.testing.assert_allclose(
            [found.slope[k], found.low[k], found.high[k]], [peer.slope, peer.low_slope, peer.high_slope], rtol=1e-12
        )
        assert found.intercept[k] == pytest.approx(peer.intercept, abs=1e-9)
        score, variance, ties = naive(times, y[:, k])
        assert (found.score[k], found.variance[k], found.ties[k]) == (score, pytest.approx(variance), ties)
        tau = stats.kendalltau(times[known], y[known, k], method="asymptotic")
        assert 2 * stats.norm.sf(abs(score) / np.sqrt(variance)) == pytest.approx(tau.pvalue)


@pytest.mark.usefixtures("in_python")
def test_both_ways_give_the_same(monkeypatch):
    times, y = series(7, 3, seed=5)
    short = trend.theil_sen(y, times)
    monkeypatch.setattr(trend, "NETWORK_TIMES", 2)
    for name, a, b in zip(FIELDS, short, trend.theil_sen(y, times), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, err_msg=name)


@pytest.mark.usefixtures("in_python")
@pytest.mark.parametrize("longest", [48, 2])
def test_too_few_values_have_no_slope(monkeypatch, longest):
    monkeypatch.setattr(trend, "NETWORK_TIMES", longest)
    y = np.array([[np.nan, 1.0, 1.0], [np.nan, np.nan, 2.0], [np.nan, np.nan, np.nan]])
    found = trend.theil_sen(y)
    assert np.isnan(found.slope[:2]).all()
    assert np.isnan(found.intercept[:2]).all()
    assert found.slope[2] == 1.0
    assert found.number.tolist() == [0, 1, 2]


@pytest.mark.usefixtures("in_python")
def test_one_wild_value_moves_the_slope_little():
    y = 0.5 * np.arange(9.0)[:, None]
    y[4] += 1000.0
    assert trend.theil_sen(y).slope[0] == pytest.approx(0.5, abs=1e-12)


@pytest.mark.usefixtures("in_python")
def test_scale_shift_and_direction():
    times, y = series(8, 2, seed=9)
    found, turned = trend.theil_sen(y, times), trend.theil_sen(3.0 - 2.0 * y, times)
    np.testing.assert_allclose(turned.slope, -2.0 * found.slope, rtol=1e-12)
    np.testing.assert_array_equal(turned.score, -found.score)
    np.testing.assert_array_equal(turned.variance, found.variance)


@pytest.mark.usefixtures("in_python")
def test_time_may_be_any_axis():
    times, y = series(6, 4, seed=3)
    cube = y.reshape(6, 2, 2)
    last = trend.theil_sen(np.moveaxis(cube, 0, -1), times, axis=-1)
    np.testing.assert_array_equal(last.slope, trend.theil_sen(y, times).slope.reshape(2, 2))


def test_the_network_sorts():
    draw = np.random.Generator(np.random.Philox(2))
    for count in (1, 2, 5, 8, 13):
        rows = draw.normal(size=(count, LANES))
        flat = rows.copy().reshape(-1)
        sort_rows(flat, count)
        np.testing.assert_array_equal(flat.reshape(count, LANES), np.sort(rows, axis=0))


def test_limits_stay_within_the_ends():
    assert limit(10, 100.0, False) == 0
    assert limit(10, 100.0, True) == 9


def test_times_must_rise():
    with pytest.raises(ValueError, match="rise"):
        trend.theil_sen(np.ones((3, 1)), [0.0, 2.0, 1.0])
    with pytest.raises(ValueError, match="needs 2"):
        trend.theil_sen(np.ones((1, 1)))


@pytest.mark.slow
def test_compiled_equals_python():
    times, y = series(6, 70, seed=8)
    offsets = times - times[0]
    compiled, twin = network(offsets, y, 1.96), network.python(offsets, y, 1.96)
    for name, a, b in zip(FIELDS, compiled, twin, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, err_msg=name)
