"""Accuracy and areas: the published example, limits and identities."""

import csv
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.analysis.accuracy import accuracy, confusion
from musyq_lab.core.errors import InputError

NAMES = ("deforestation", "forest gain", "stable forest", "stable non-forest")
MATRIX = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
AREAS = np.array([200_000, 150_000, 3_200_000, 6_450_000])


def reference():
    path = Path(__file__).parents[1] / "reference" / "land_cover.csv"
    with path.open() as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.mark.parametrize("row", reference(), ids=lambda r: f"{r['quantity']} {r['class']}")
def test_worked_example_of_olofsson(row):
    made = accuracy(MATRIX, AREAS, NAMES)
    if row["quantity"] == "overall":
        value, error = made.overall
    else:
        value, error = getattr(made, row["quantity"])[NAMES.index(row["class"])]
    scale = AREAS.sum() if row["quantity"] == "area" else 1.0
    assert value * scale == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))
    assert 1.96 * error * scale == pytest.approx(float(row["half_width"]), abs=float(row["tolerance"]))


def test_areas_sum_to_the_whole_and_share_is_of_the_map():
    made = accuracy(MATRIX, AREAS)
    assert made.area[:, 0].sum() == pytest.approx(1.0)
    np.testing.assert_allclose(made.share, AREAS / AREAS.sum())


def test_a_perfect_map_has_no_error():
    made = accuracy(np.diag([10, 20, 30]), [1.0, 1.0, 2.0])
    assert made.overall == (1.0, 0.0)
    np.testing.assert_array_equal(made.users, [[1, 0]] * 3)
    np.testing.assert_array_equal(made.producers, [[1, 0]] * 3)
    np.testing.assert_allclose(made.area[:, 0], [0.25, 0.25, 0.5])


def test_without_areas_the_sites_stand_for_the_map():
    made = accuracy(MATRIX)
    assert made.overall[0] == pytest.approx(np.trace(MATRIX) / MATRIX.sum())
    np.testing.assert_allclose(made.area[:, 0], MATRIX.sum(axis=0) / MATRIX.sum())


def test_standard_errors_are_those_of_repeated_sampling():
    # A population with known shares, sampled again and again by strata.
    draw = np.random.Generator(np.random.Philox(11))
    truth = np.array([[0.8, 0.15, 0.05], [0.1, 0.8, 0.1], [0.02, 0.08, 0.9]])
    areas, sites = np.array([0.2, 0.3, 0.5]), 60
    made = [accuracy([draw.multinomial(sites, row) for row in truth], areas) for _ in range(600)]
    for name in ("producers", "area", "users"):
        drawn = np.array([getattr(m, name)[:, 0] for m in made])
        said = np.array([getattr(m, name)[:, 1] for m in made]).mean(axis=0)
        np.testing.assert_allclose(drawn.std(axis=0), said, rtol=0.12)
    overall = np.array([m.overall for m in made])
    assert overall[:, 0].std() == pytest.approx(overall[:, 1].mean(), rel=0.12)
    true_area = areas @ truth
    np.testing.assert_allclose(np.mean([m.area[:, 0] for m in made], axis=0), true_area, atol=0.005)


def test_a_class_without_sites_is_nan_not_a_failure():
    matrix = [[5, 0, 0], [0, 0, 0], [1, 0, 4]]
    for made in (accuracy(matrix), accuracy(matrix, [1, 0, 1])):
        assert np.isnan(made.users[1, 0])
        assert np.isfinite(made.overall[0])


def test_an_area_without_sites_leaves_the_whole_unknown():
    """A third of the map was never looked at: no number may count it as wrong."""
    made = accuracy([[5, 0, 0], [0, 0, 0], [1, 0, 4]], [1, 1, 1])
    assert np.isnan(made.overall[0])
    assert np.isnan(made.area[:, 0]).all()
    np.testing.assert_allclose(made.users[[0, 2], 0], [1.0, 0.8])


@pytest.mark.parametrize(
    ("matrix", "classes"), [([[0.5, 0.5], [0, 1]], None), ([[np.nan, 1], [0, 1]], None), ([[1, 0], [0, 1]], ["a"])]
)
def test_shares_gaps_and_missing_names_are_refused(matrix, classes):
    with pytest.raises(InputError):
        accuracy(matrix, classes=classes)


def test_confusion_counts_map_in_rows():
    matrix = confusion(["a", "a", "b", "b"], ["a", "b", "b", "b"], ["a", "b"])
    assert matrix.tolist() == [[1, 1], [0, 2]]


def test_table_and_words():
    made = accuracy(MATRIX, AREAS, NAMES)
    table = made.table()
    assert list(table.index) == list(NAMES)
    assert table.loc["deforestation", "users"] == pytest.approx(0.88)
    assert "overall 0.947 +- 0.009" in repr(made)


def test_what_is_wrong_is_said():
    with pytest.raises(InputError, match="square"):
        accuracy(np.ones((2, 3)))
    with pytest.raises(InputError, match="one area for each"):
        accuracy(MATRIX, [1, 2])
    with pytest.raises(InputError, match="none of the classes"):
        confusion(["a"], ["c"], ["a", "b"])
    with pytest.raises(InputError, match="as many"):
        confusion(["a"], ["a", "b"], ["a", "b"])
