"""Angles between tie points."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from sensors import make_sentinel3 as make

from musyq_lab.sensors._sentinel3_ties import TiePoints, bilinear, directions, extended


def angle(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    east, north, up = vectors
    return np.degrees(np.arctan2(np.hypot(east, north), up)), np.degrees(np.arctan2(east, north)) % 360.0


def test_directions_and_back() -> None:
    zenith, azimuth = np.meshgrid([1.0, 30.0, 89.0, 120.0], [0.5, 90.0, 180.0, 359.5])
    made = directions(zenith, azimuth)
    np.testing.assert_allclose(np.linalg.norm(made, axis=0), 1.0)
    np.testing.assert_allclose(angle(made), [zenith, azimuth], atol=1e-10)


def test_between_tie_points_is_linear_in_space() -> None:
    rng = np.random.default_rng(1)
    plane = rng.normal(size=(3, 3))  # a x + b row + c column, of each component
    row, column = np.mgrid[:5, :6].astype(float)
    ties = plane[:, :1, None] + plane[:, 1:2, None] * row + plane[:, 2:, None] * column
    r, c = rng.uniform(0, 4, (7, 8)), rng.uniform(0, 5, (7, 8))
    expected = plane[:, :1, None] + plane[:, 1:2, None] * r + plane[:, 2:, None] * c
    np.testing.assert_allclose(bilinear(ties, r, c), expected, atol=1e-12)


def test_rows_and_columns_apart_give_the_same() -> None:
    rng = np.random.default_rng(2)
    ties = rng.normal(size=(3, 5, 6))
    ties[:, 2, 3] = np.nan
    row, column = np.array([[0.0], [1.25], [2.0], [4.4]]), np.array([[-0.3, 1.0, 2.5, 5.0]])
    both = np.broadcast_arrays(row, column)
    np.testing.assert_allclose(bilinear(ties, row, column), bilinear(ties, *both), atol=1e-12)


def test_tie_points_themselves_are_kept_beside_missing_ones() -> None:
    ties = np.ones((3, 3, 3))
    ties[:, 2, :] = np.nan
    ties[:, :, 2] = np.nan
    row, column = np.array([[0.0, 1.0, 1.0]]), np.array([[0.0, 1.0, 1.5]])
    made = bilinear(ties, row, column)
    assert np.isfinite(made[:, 0, :2]).all()
    assert np.isnan(made[:, 0, 2]).all()


def test_one_tie_point_serves_all() -> None:
    made = bilinear(np.full((3, 1, 1), 0.5), np.zeros((2, 2)), np.zeros((2, 2)))
    np.testing.assert_array_equal(made, 0.5)


def test_a_missing_place_stays_missing() -> None:
    made = bilinear(np.ones((3, 2, 2)), np.array([[np.nan]]), np.array([[0.5]]))
    assert np.isnan(made).all()


def test_rows_are_extended_by_one_tie_point_at_each_end() -> None:
    line = np.array([np.nan, np.nan, 2.0, 3.0, 5.0, np.nan, np.nan])
    made = extended(np.broadcast_to(line, (3, 2, 7)))
    np.testing.assert_array_equal(made[0, 0], [np.nan, 1.0, 2.0, 3.0, 5.0, 7.0, np.nan])


def test_a_full_row_is_not_wrapped_around() -> None:
    line = np.array([1.0, 2.0, 4.0, np.nan])
    made = extended(np.broadcast_to(line, (3, 1, 4)))
    np.testing.assert_array_equal(made[0, 0], [1.0, 2.0, 4.0, 6.0])


class Every:
    """Tie points at every n-th pixel."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __call__(self, top: int, bottom: int, left: int, right: int):
        rows, columns = np.arange(top, bottom) / self.step, np.arange(left, right) / self.step
        return rows[:, None], columns[None, :]


@pytest.fixture
def ties(tmp_path: Path) -> TiePoints:
    y, x = np.mgrid[:5, :6].astype(float)
    own = {"z": make.degrees(30.0 + y + 0.5 * x), "a": make.degrees(355.0 + 2.0 * x - 360.0 * (x > 2))}
    make.member(tmp_path / "ties.nc", "S3", own, ("tie_rows", "tie_columns"))
    return TiePoints(str(tmp_path / "ties.nc"), "z", "a", "zenith", (17, 21), Every(4))


def test_any_part_equals_the_part_of_the_whole(ties: TiePoints) -> None:
    whole = ties[:, :]
    assert whole.shape == (17, 21)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole[::4, ::4], 30.0 + np.arange(5)[:, None] + 0.5 * np.arange(6), atol=1e-4)
    for key in ((slice(3, 9), slice(5, 21)), (slice(None, None, 5), slice(2, 20, 7)), (16, slice(None)), (0, 0)):
        np.testing.assert_array_equal(ties[key], whole[key])


def test_tie_points_hold_no_open_file(ties: TiePoints) -> None:
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ties))[:, :], ties[:, :])
