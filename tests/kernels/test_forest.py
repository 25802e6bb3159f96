"""Votes of trees by hand, and the likeliest sequence of classes beside a search over all."""

import itertools

import numpy as np
import pytest

from musyq_lab.kernels.forest import LEAF, sequence, vote

# Tree one asks feature 0 <= 1, then in the other branch feature 1 <= 5; tree two is a single leaf.
ROOTS = np.array([0.0, 5.0])
FEATURE = np.array([0.0, LEAF, 1.0, LEAF, LEAF, LEAF])
THRESHOLD = np.array([1.0, 0.0, 5.0, 0.0, 0.0, 0.0])
OTHER = np.array([2.0, 0.0, 4.0, 1.0, 2.0, 3.0])
SHARES = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.2, 0.8]])
NODES = (ROOTS, np.stack([FEATURE, THRESHOLD, OTHER], axis=1), SHARES)


@pytest.mark.parametrize(("x", "leaf"), [((0.0, 9.0), 0), ((1.0, 9.0), 0), ((2.0, 5.0), 1), ((2.0, 6.0), 2)])
def test_a_point_walks_down_each_tree(x, leaf):
    mean, square = vote.python(np.array([x, x]), *NODES)
    np.testing.assert_allclose(mean[1], (SHARES[leaf] + SHARES[3]) / 2)
    np.testing.assert_allclose(square[0], (SHARES[leaf] ** 2 + SHARES[3] ** 2) / 2)


def test_a_missing_feature_gives_no_vote():
    mean, square = vote.python(np.array([[0.0, np.nan], [0.0, 1.0]]), *NODES)
    assert np.isnan(mean[0]).all()
    assert np.isnan(square[0]).all()
    assert np.isfinite(mean[1]).all()


def test_compiled_votes_are_the_same():
    x = np.random.Generator(np.random.Philox(1)).uniform(0, 10, (20, 2)).astype(np.float32)
    nodes = [a.astype(np.float32) for a in NODES]
    for a, b in zip(vote(x, *nodes), vote.python(x, *nodes), strict=True):
        np.testing.assert_array_equal(a, b)


def search(shares, stay):
    """Best of all sequences."""
    years, classes = shares.shape
    seen = np.isfinite(shares[:, 0])

    def score(path):
        total = sum(np.log(max(shares[i, k], 1e-6)) for i, k in enumerate(path) if seen[i])
        kept = sum(a == b for a, b in itertools.pairwise(path))
        return total + kept * np.log(stay) + (years - 1 - kept) * np.log((1 - stay) / (classes - 1))

    best = max(itertools.product(range(classes), repeat=years), key=score)
    return score(best), score


@pytest.mark.parametrize("stay", [0.4, 0.8, 0.97])
def test_sequence_is_the_best_of_all(stay):
    draw = np.random.Generator(np.random.Philox(6))
    for _ in range(5):
        shares = draw.dirichlet(np.ones(3), 5)
        path = sequence.python(shares, stay).astype(int)
        best, score = search(shares, stay)
        assert score(path) == pytest.approx(best)


def test_one_odd_year_is_overruled_and_a_lasting_change_is_not():
    odd = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.9, 0.1]])
    assert sequence.python(odd, 0.9).tolist() == [0, 0, 0, 0]
    lasting = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])
    assert sequence.python(lasting, 0.9).tolist() == [0, 0, 1, 1]


def test_a_year_without_observations_has_no_class_and_breaks_nothing():
    shares = np.array([[0.9, 0.1], [np.nan, np.nan], [0.45, 0.55]])
    path = sequence.python(shares, 0.9)
    assert path[0] == path[2] == 0
    assert np.isnan(path[1])
