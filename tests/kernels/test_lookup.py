"""Search of look-up tables: a naive loop and scipy's tree beside the kernel, ties, gaps, limits."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from musyq_lab.kernels.lookup import best

ENTRIES, PARTS = 600, 5000.0


def tables(seed=0, bands=5, entries=ENTRIES, observations=40):
    random = np.random.default_rng(seed)
    table = random.uniform(0, 0.5, (bands, entries)).astype("f4")
    values = np.stack([random.uniform(0, 8, entries), random.uniform(0, 1, entries)]).astype("f4")
    observed = random.uniform(0, 0.5, (observations, bands)).astype("f4")
    weight = (1 / random.uniform(0.01, 0.05, observed.shape)).astype("f4")
    return observed, weight, table, values


def rules(count):
    return np.array([count, PARTS], "f4")


def naive(observed, weight, table, values, count):
    """Sort the costs of every observation and take the first ones, with numpy alone."""
    mean, spread, least = [], [], []
    for o, w in zip(observed.astype("f8"), weight.astype("f8"), strict=True):
        cost = ((w[:, None] * (table.astype("f8") - o[:, None])) ** 2).sum(0)
        chosen = values.astype("f8")[:, np.argsort(cost)[:count]]
        mean.append(chosen.mean(1))
        spread.append(chosen.std(1))
        least.append(cost.min())
    return np.array(mean), np.array(spread), np.array(least)


@pytest.mark.parametrize("bands", [2, 3, 4, 7])
def test_best_entries_are_those_of_a_sort(bands):
    """Few are wanted, so that the slack of a tenth is less than one entry."""
    given = tables(bands=bands)
    mean, spread, least = best(*given, rules(9))
    theirs = naive(*given, 9)
    np.testing.assert_allclose(mean, theirs[0], atol=3e-4)
    np.testing.assert_allclose(spread, theirs[1], atol=0.01)
    np.testing.assert_allclose(least, theirs[2], rtol=1e-4, atol=1e-4)


def test_neighbours_are_those_of_a_tree():
    observed, _, table, values = tables(1)
    weight = np.full_like(observed, 50.0)
    _, near = cKDTree(table.T * 50.0).query(observed * 50.0, k=9)
    mean, _, _ = best(observed, weight, table, values, rules(9))
    np.testing.assert_allclose(mean, values[:, near].mean(-1).T, atol=3e-4)


def test_compiled_equals_python():
    given = tables(2, entries=60, observations=4)
    for ours, twin in zip(best(*given, rules(5)), best.python(*given, rules(5)), strict=True):
        np.testing.assert_allclose(ours, twin, rtol=1e-6, atol=1e-6)


def test_double_precision_agrees():
    given = tables(3)
    single, double = best(*given, rules(9)), best(*(a.astype("f8") for a in given), rules(9).astype("f8"))
    assert double[0].dtype == np.float64
    np.testing.assert_allclose(single[0], double[0], atol=1e-3)


def test_at_least_those_wanted_and_a_tenth_more_at_most():
    """With all values 1 but one marked entry at each rank, the mean tells how many were taken."""
    observed, weight, table, _ = tables(4, observations=1)
    cost = ((weight[0][:, None] * (table - observed[0][:, None])) ** 2).sum(0)
    rank = np.argsort(np.argsort(cost))
    for wanted in (5, 20, 60, 200):
        values = np.stack([rank / 100.0, np.zeros(ENTRIES)]).astype("f4")
        mean = best(observed, weight, table, values, rules(wanted))[0][0, 0]
        taken = 200 * mean + 1  # the mean of 0, 1, ... n - 1 is (n - 1) / 2
        assert wanted - 0.1 <= taken <= 1.1 * wanted + 0.1


def test_an_entry_itself_is_found():
    _, _, table, values = tables(5)
    weight = np.full((ENTRIES, table.shape[0]), 1e3, "f4")
    mean, spread, least = best(np.ascontiguousarray(table.T), weight, table, values, rules(1))
    np.testing.assert_allclose(mean.T, values, atol=2e-4)
    assert (spread == 0).all()
    assert (least == 0).all()


def test_equal_entries_are_taken_together():
    table, values = np.full((2, 50), 0.3, "f4"), np.stack([np.arange(50.0), np.ones(50)]).astype("f4") / 10
    mean, spread, _ = best(np.full((1, 2), 0.1, "f4"), np.ones((1, 2), "f4"), table, values, rules(5))
    assert mean[0] == pytest.approx([2.45, 0.1], abs=1e-4)
    assert spread[0, 0] == pytest.approx(np.arange(50).std() / 10, abs=0.01)


def test_more_entries_wanted_than_there_are():
    observed, weight, table, values = tables(6, observations=3)
    mean, _, _ = best(observed, weight, table, values, rules(10 * ENTRIES))
    np.testing.assert_allclose(mean, np.tile(values.mean(1), (3, 1)), atol=2e-4)


def test_a_band_of_weight_nothing_does_not_count():
    observed, weight, table, values = tables(7)
    weight[:, 2] = 0.0
    without = [np.ascontiguousarray(np.delete(a, 2, axis)) for a, axis in ((observed, 1), (weight, 1), (table, 0))]
    with_it, alone = best(observed, weight, table, values, rules(9)), best(*without, values, rules(9))
    np.testing.assert_allclose(with_it[0], alone[0], atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_observation_that_lacks_something_has_no_result(bad):
    observed, weight, table, values = tables(8)
    fine = best(observed, weight, table, values, rules(9))
    observed[3, 1] = bad
    weight[5, 0] = np.nan
    weight[7, 0] = -1.0
    for result, before in zip(best(observed, weight, table, values, rules(9)), fine, strict=True):
        assert np.isnan(result[[3, 5, 7]]).all()
        kept = np.setdiff1d(np.arange(len(result)), [3, 5, 7])
        np.testing.assert_array_equal(result[kept], before[kept])


def test_rows_do_not_depend_on_their_neighbours():
    given = tables(9)
    whole = best(*given, rules(9))
    for part in (slice(0, 1), slice(7, 20)):
        some = best(given[0][part], given[1][part], *given[2:], rules(9))
        for a, b in zip(some, whole, strict=True):
            np.testing.assert_array_equal(a, b[part])


def test_no_observations():
    observed, weight, table, values = tables(10, observations=0)
    assert [a.shape for a in best(observed, weight, table, values, rules(9))] == [(0, 2), (0, 2), (0,)]
