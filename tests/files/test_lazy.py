"""Chunks of stored layers, and the names of their tasks."""

import math
import os

import dask
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musyq_lab.files.lazy import MAX_BLOCKS, blocks, dask_array


class Ramp:
    """A layer that counts how often it is read."""

    def __init__(self, shape=(6, 7)):
        self.shape, self.ndim, self.dtype = shape, len(shape), np.dtype("int32")
        self.values = np.arange(math.prod(shape), dtype=np.int32).reshape(shape)
        self.reads = 0

    def __getitem__(self, key):
        self.reads += 1
        return self.values[key]

    def __dask_tokenize__(self):
        return ("Ramp", self.shape)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "x").write_text("x")
    return str(tmp_path / "x")


def test_each_chunk_is_read_once_and_only_when_asked_for(path):
    layer = Ramp()
    array = dask_array(layer, (4, 7), [path], "word")
    assert layer.reads == 0
    assert array.chunks == ((4, 2), (7,))
    assert array.dtype == np.int32
    np.testing.assert_array_equal(array.compute(), layer.values)
    assert layer.reads == 2
    np.testing.assert_array_equal(array[5:, 1].compute(), layer.values[5:, 1])
    assert layer.reads == 3


def test_names_follow_layer_chunks_and_state_of_the_file(path):
    name = dask_array(Ramp(), (4, 7), [path], "word").name
    assert name.startswith("open-word-")
    assert dask_array(Ramp(), (4, 7), [path], "word").name == name
    assert dask_array(Ramp(), (2, 7), [path], "word").name != name
    assert dask_array(Ramp((7, 7)), (4, 7), [path], "word").name != name
    os.utime(path, ns=(10**9, 10**9))
    assert dask_array(Ramp(), (4, 7), [path], "word").name != name


def test_a_file_that_is_gone_is_told_when_the_array_is_made(path):
    with pytest.raises(FileNotFoundError):
        dask_array(Ramp(), (4, 7), [path + "gone"], "word")


def test_schedulers_agree(path):
    array = dask_array(Ramp((40, 30)), (7, 11), [path], "word")
    for scheduler in ("synchronous", "threads"):
        with dask.config.set(scheduler=scheduler):
            np.testing.assert_array_equal(array.compute(), Ramp((40, 30)).values)


sizes = st.integers(1, 5000)


@given(shape=st.tuples(sizes, sizes), chunks=st.tuples(sizes, sizes), least=st.integers(1, 3000))
def test_blocks_are_whole_chunks_within_the_layer(shape, chunks, least):
    found = blocks(shape, chunks, least=least)
    for block, chunk, size in zip(found, chunks, shape, strict=True):
        assert 1 <= block <= size
        assert block == size or block % min(chunk, size) == 0
    area = max(least * least, min(chunks[0], shape[0]) * min(chunks[1], shape[1]))
    few = math.prod(math.ceil(s / min(c, s)) for s, c in zip(shape, chunks, strict=True)) <= MAX_BLOCKS
    assert math.prod(found) <= 4 * area or not few
    assert math.prod(math.ceil(s / b) for s, b in zip(shape, found, strict=True)) <= MAX_BLOCKS


def test_tiny_chunks_are_joined():
    assert blocks((10_000, 10_000), (1, 10_000), least=2048) == (2048 * 2048 // 10_000, 10_000)
    assert blocks((10_000, 1000), (1, 1000), least=2048) == (2048, 1000)
    assert blocks((10_000, 10_000), (256, 256), least=2048) == (2048, 2048)
    found = blocks((10**6, 10**6), (1, 1))
    assert math.prod(math.ceil(10**6 / block) for block in found) <= MAX_BLOCKS
    assert blocks((0, 5), (3, 3)) == (1, 3)
    assert blocks((3, 8, 8), (1, 4, 4), least=8) == (1, 8, 8)
