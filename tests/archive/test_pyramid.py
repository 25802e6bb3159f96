"""Coarser maps of stored numbers beside a loop over the cells, for every type of number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.archive._pyramid import FACTORS, SHARES, Coarse, reduced

WHOLE = ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64"]


def squares(block, factor):
    for i in range(0, block.shape[-2], factor):
        for j in range(0, block.shape[-1], factor):
            yield (..., i // factor, j // factor), block[..., i : i + factor, j : j + factor]


def half_even(total, count):
    """The nearest whole number of a fraction of whole numbers, exactly."""
    twice, rest = divmod(2 * total + count, 2 * count)
    return twice - 1 if rest == 0 and twice % 2 else twice


def loop(block, rule, fill, factor):
    rows, columns = (-(-size // factor) for size in block.shape)
    out, count = np.zeros((rows, columns), object), np.zeros((rows, columns), int)
    for (_, i, j), square in squares(block, factor):
        good = [int(v) for v in square.ravel() if fill is None or v != fill]
        count[i, j] = len(good)
        if not good:
            out[i, j] = fill
        elif rule == "mean":
            out[i, j] = half_even(sum(good), len(good))
        elif rule == "root_mean_square":
            out[i, j] = round((sum(v * v for v in good) / len(good)) ** 0.5)
        else:
            numbers = sorted(set(good))
            out[i, j] = max(numbers, key=lambda v: (good.count(v), -v))
    return out.astype(block.dtype), count


@pytest.mark.parametrize("dtype", WHOLE)
@pytest.mark.parametrize("rule", ["mean", "root_mean_square", "mode"])
def test_small_numbers_of_every_type(dtype, rule):
    random = np.random.default_rng(3)
    block = random.integers(0, 6, (19, 37)).astype(dtype)
    for made in reduced(block, rule, 5, (2, 8, 32)):
        values, count = loop(block, rule, 5, made.factor)
        np.testing.assert_array_equal(made.count, count)
        np.testing.assert_array_equal(made.values, values)
        assert made.values.dtype == block.dtype


@pytest.mark.parametrize("dtype", [t for t in WHOLE if t != "int64"])
@pytest.mark.parametrize("end", ["min", "max"])
@pytest.mark.parametrize("rule", ["mean", "mode"])
def test_the_ends_of_each_type_come_back(dtype, end, rule):
    number = getattr(np.iinfo(dtype), end)
    block = np.full((64, 64), number, dtype)
    for made in reduced(block, rule, None, FACTORS):
        assert (made.values == number).all()
        assert (made.count == made.factor**2).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32"])
def test_squares_of_the_largest_numbers_do_not_wrap(dtype):
    number = np.iinfo(dtype).max
    for made in reduced(np.full((32, 32), number, dtype), "root_mean_square", None, FACTORS):
        assert (made.values == number).all()


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 70),
    columns=st.integers(1, 70),
    factors=st.sets(st.sampled_from(FACTORS), min_size=1).map(sorted),
    seed=st.integers(0, 9),
)
def test_any_choice_of_factors_gives_the_maps_of_all(rows, columns, factors, seed):
    block = np.random.default_rng(seed).integers(-3, 3, (2, rows, columns)).astype("int16")
    for rule in ("mean", "root_mean_square", "mode", "or"):
        every = {m.factor: m for m in reduced(block, rule, -3, FACTORS)}
        some = list(reduced(block, rule, -3, factors))
        assert [m.factor for m in some] == factors
        for made in some:
            np.testing.assert_array_equal(made.values, every[made.factor].values)
            np.testing.assert_array_equal(made.count, every[made.factor].count)
            np.testing.assert_array_equal(made.covered, every[made.factor].covered)


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 100), columns=st.integers(1, 100), factor=st.sampled_from(FACTORS))
def test_what_is_covered_adds_up_to_the_map(rows, columns, factor):
    (made,) = reduced(np.ones((rows, columns), "u1"), "mean", None, (factor,))
    assert made.covered.sum() == rows * columns
    assert made.covered.max() <= factor**2
    assert made.covered.shape == made.values.shape == (-(-rows // factor), -(-columns // factor))
    np.testing.assert_array_equal(made.count, made.covered)
    assert (made.share == SHARES).all()


@pytest.mark.parametrize("factor", FACTORS)
def test_shares_are_none_and_all_only_where_it_is_so(factor):
    """Of 1024 cells one is less than half a step, and must not look like none; 1023 not like all."""
    cells = factor**2
    count = np.arange(cells + 1)[None]
    covered = np.full_like(count, cells)
    share = Coarse(factor, count, count, covered).share[0]
    assert share.dtype == np.uint8
    assert (share == 0).tolist() == [n == 0 for n in range(cells + 1)]
    assert (share == SHARES).tolist() == [n == cells for n in range(cells + 1)]
    assert (np.diff(share.astype(int)) >= 0).all()
    inner = np.abs(share / SHARES - count[0] / cells)
    assert inner.max() <= 1 / SHARES


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_means_of_floats_are_those_of_exact_sums(dtype):
    from math import fsum

    block = np.random.default_rng(5).uniform(-1e6, 1e6, (40, 33)).astype(dtype)
    block[np.random.default_rng(6).random(block.shape) < 0.3] = np.nan
    block[:8, :8] = np.nan
    for made in reduced(block, "mean", np.nan, (8, 16)):
        for place, square in squares(block, made.factor):
            good = square[~np.isnan(square)]
            expected = fsum(good) / good.size if good.size else np.nan
            # A sum that nearly cancels is exact to the size of its parts, not to its own.
            slack = np.finfo(dtype).eps * 1e6
            np.testing.assert_allclose(made.values[place], expected, rtol=0, atol=slack)


def test_the_fill_value_of_floats_may_be_a_number():
    block = np.array([[1, -9], [-9, 3]], "f4")
    (made,) = reduced(block, "mean", -9.0, (2,))
    assert made.values.tolist() == [[2.0]]
    (made,) = reduced(np.full((2, 2), -9, "f4"), "mean", -9.0, (2,))
    assert made.values.tolist() == [[-9.0]]
    assert made.share.tolist() == [[0]]


def test_of_equally_frequent_classes_the_smallest_is_taken_wherever_they_lie():
    for order in ([7, 7, 2, 2], [2, 7, 7, 2], [2, 2, 7, 7]):
        (made,) = reduced(np.array(order, "u1").reshape(2, 2), "mode", 255, (2,))
        assert made.values.tolist() == [[2]]


def test_a_mode_is_of_all_cells_and_not_of_modes():
    """Of 4 x 4 cells the 1 has most squares, the 2 most cells."""
    block = np.array([[1, 1, 2, 2], [1, 3, 2, 2], [1, 1, 2, 2], [4, 5, 2, 2]], "u1")
    block[2:, :2] = [[1, 1], [2, 2]]
    found = {m.factor: m.values.tolist() for m in reduced(block, "mode", 255, (2, 4))}
    assert found == {2: [[1, 2], [1, 2]], 4: [[2]]}


def test_bits_are_joined_and_missing_ones_count_as_none():
    block = np.array([[1, 2, 4], [8, 16, 32], [64, 128, 256]], "u2")
    found = {m.factor: m for m in reduced(block, "or", None, (2, 4))}
    assert found[2].values.tolist() == [[1 | 2 | 8 | 16, 4 | 32], [64 | 128, 256]]
    assert found[4].values.tolist() == [[511]]
    assert found[2].covered.tolist() == [[4, 2], [2, 1]]
    assert (found[2].share == SHARES).all()


def test_leading_axes_are_maps_of_their_own():
    block = np.random.default_rng(1).integers(0, 9, (3, 2, 12, 10)).astype("i4")
    for rule in ("mean", "mode", "or"):
        for made in reduced(block, rule, 0, (4,)):
            for index in np.ndindex(3, 2):
                (alone,) = reduced(block[index], rule, 0, (4,))
                np.testing.assert_array_equal(made.values[index], alone.values)


def test_the_block_itself_stays_as_it_is():
    block = np.random.default_rng(1).integers(0, 9, (13, 10)).astype("u1")
    kept = block.copy()
    for rule in ("mean", "root_mean_square", "mode", "or"):
        assert len(list(reduced(block, rule, 3, FACTORS))) == len(FACTORS)
    np.testing.assert_array_equal(block, kept)


def test_a_view_that_is_not_contiguous_gives_the_same():
    block = np.random.default_rng(1).integers(0, 9, (20, 30)).astype("i2")
    for rule in ("mean", "mode", "or"):
        (turned,) = reduced(block.T, rule, 0, (4,))
        (straight,) = reduced(np.ascontiguousarray(block.T), rule, 0, (4,))
        np.testing.assert_array_equal(turned.values, straight.values)
