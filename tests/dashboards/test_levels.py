"""Overviews and strides: which level answers a view, and what looking at a plane costs."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.dashboards._levels import Levels, chunk_shape, least_stride

DIMS = ("y", "x")


@pytest.mark.parametrize(
    ("factors", "cells", "limit", "best"),
    [
        ((), 10, 1, 1),
        ((), 1, 10, 1),
        ((2, 4), 16, 16, 1),
        ((2, 4), 17, 16, 2),
        ((2, 4), 64, 16, 2),
        ((2, 4), 65, 16, 4),
        ((2, 4), 1e9, 16, 4),
        ((8, 2), 40, 16, 2),
    ],
)
def test_the_finest_level_within_the_limit(factors, cells, limit, best):
    assert Levels(factors).best(cells, limit) == best


@given(st.lists(st.integers(2, 64), unique=True, max_size=5), st.floats(1, 1e8), st.floats(1, 1e6))
def test_a_coarser_limit_never_gives_a_finer_level(factors, cells, limit):
    levels = Levels(factors)
    assert levels.best(cells, limit) >= levels.best(cells, 2 * limit)
    assert levels.best(cells, limit) <= levels.best(2 * cells, limit)


def test_factors_are_in_order_whatever_a_file_says():
    assert Levels([16, 2, 8]).factors == (2, 8, 16)
    assert Levels().factors == ()


def test_each_level_is_opened_when_it_is_first_asked_for():
    asked: list[int] = []

    def opener(factor: int) -> xr.Dataset:
        asked.append(factor)
        return xr.Dataset(attrs={"factor": factor})

    levels = Levels([2, 4], opener)
    assert asked == []
    assert levels.dataset(4).attrs["factor"] == 4
    assert levels.dataset(2).attrs["factor"] == 2
    assert levels.dataset(4) is levels.dataset(4)
    assert asked == [4, 2]


def test_a_level_that_could_not_be_opened_is_tried_again():
    calls: list[int] = []

    def opener(factor: int) -> xr.Dataset:
        calls.append(factor)
        if len(calls) == 1:
            raise OSError("the disk was away")
        return xr.Dataset()

    levels = Levels([2], opener)
    with pytest.raises(OSError, match="away"):
        levels.dataset(2)
    assert isinstance(levels.dataset(2), xr.Dataset)


def test_the_largest_chunk_counts_where_the_last_ones_are_cut():
    layer = xr.DataArray(da.zeros((10, 7), chunks=((4, 4, 2), (3, 3, 1))), dims=DIMS)
    assert chunk_shape(layer, DIMS) == (4, 3)
    assert chunk_shape(layer.T, DIMS) == (4, 3), "by name, not by order"
    assert chunk_shape(layer, ("x", "y")) == (3, 4)


def test_chunks_along_time_do_not_count():
    layer = xr.DataArray(da.zeros((9, 10, 7), chunks=(2, 5, 7)), dims=("time", *DIMS))
    assert chunk_shape(layer, DIMS) == (5, 7)


def test_a_view_of_memory_is_still_memory():
    layer = xr.DataArray(np.zeros((8, 6)), dims=DIMS)
    for part in (layer, layer[::2], layer.T, layer.isel(y=slice(2, 5))):
        assert chunk_shape(part, DIMS) is None


class Counted(xr.backends.BackendArray):
    """An array of a file without chunks that must not be read to be asked about."""

    def __init__(self) -> None:
        self.shape, self.dtype = (50, 70), np.dtype("f4")

    def __getitem__(self, key):
        pytest.fail("the values were read")


@pytest.mark.parametrize(
    ("known", "found"), [({}, (1, 70)), ({"y": 10}, (10, 70)), ({"x": 7}, (1, 7)), ({"y": 5, "x": 35}, (5, 35))]
)
def test_a_lazy_layer_is_asked_for_its_chunks_without_being_read(known, found):
    lazy = xr.core.indexing.LazilyIndexedArray(Counted())
    variable = xr.Variable(DIMS, lazy, encoding={"preferred_chunks": known} if known else {})
    assert chunk_shape(xr.Dataset({"a": variable})["a"], DIMS) == found


@pytest.mark.parametrize(
    ("shape", "chunk", "budget", "stride"),
    [
        ((100, 100), (10, 10), 100 * 100 * 4, 1),
        ((100, 100), (10, 10), 100 * 100 * 4 - 1, 16),
        ((100, 100), (100, 100), 1, 128),
        ((1, 1), (1, 1), 0.5, 1),
        ((8, 8), (1, 1), 16 * 4, 2),
        ((8, 8), (1, 1), 4 * 4, 4),
        ((100, 1), (1, 1), 50 * 4, 2),
    ],
)
def test_the_least_stride_within_a_budget(shape, chunk, budget, stride):
    assert least_stride(shape, chunk, 4, budget) == stride


@settings(max_examples=80, deadline=None)
@given(
    st.tuples(st.integers(1, 500), st.integers(1, 500)),
    st.tuples(st.integers(1, 100), st.integers(1, 100)),
    st.sampled_from([1, 2, 4, 8]),
    st.floats(1, 1e6),
)
def test_half_the_stride_would_not_have_been_enough(shape, chunk, size, budget):
    def bytes_of(stride: int) -> int:
        rows, columns = (-(-n // max(stride, edge)) for n, edge in zip(shape, chunk, strict=True))
        return rows * columns * chunk[0] * chunk[1] * size

    stride = least_stride(shape, chunk, size, budget)
    assert bytes_of(stride) <= budget or stride >= max(shape)
    assert stride == 1 or bytes_of(stride // 2) > budget
