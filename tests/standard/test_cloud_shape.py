import dask.array as da
import numpy as np
import pytest
import xarray as xr

from musyq_lab.standard._cloud_shape import coarse, fine, grown


def plane(rows=37, columns=53, seed=0):
    return np.random.Generator(np.random.Philox(seed)).uniform(0, 1, (rows, columns)).astype(np.float32)


def naive_growth(mask, pixels):
    out = np.zeros_like(mask)
    for r, c in zip(*np.nonzero(mask), strict=True):
        out[max(r - pixels, 0) : r + pixels + 1, max(c - pixels, 0) : c + pixels + 1] = True
    return out


@pytest.mark.parametrize("pixels", [0, 1, 4])
def test_growth_equals_the_naive_loop_in_any_chunks(pixels):
    mask = xr.DataArray(plane() > 0.98, dims=("y", "x"))
    expected = naive_growth(mask.values, pixels)
    assert np.array_equal(grown(mask, pixels), expected)
    for chunks in ((10, 11), (3, 53), (37, 2)):
        lazy = grown(mask.chunk({"y": chunks[0], "x": chunks[1]}), pixels)
        assert isinstance(lazy.data, da.Array)
        assert lazy.data.chunks[0][0] == min(chunks[0], 37)
        assert np.array_equal(lazy, expected)


def test_growth_does_not_wrap_around_the_edges():
    mask = np.zeros((6, 8), bool)
    mask[0, 0] = True
    found = grown(xr.DataArray(mask, dims=("y", "x")).chunk({"y": 3, "x": 3}), 2).values
    assert found[:3, :3].all()
    assert found.sum() == 9


@pytest.mark.parametrize("factor", [1, 4, 10, 60])
def test_coarse_planes_equal_the_naive_loop_in_any_chunks(factor):
    values = plane()
    rows, columns = (-(-size // factor) for size in values.shape)
    expected = np.array(
        [
            [values[r * factor : (r + 1) * factor, c * factor : (c + 1) * factor].max() for c in range(columns)]
            for r in range(rows)
        ]
    )
    assert np.array_equal(coarse(values, factor, np.nanmax), expected)
    for chunks in ((10, 11), (3, 53), (37, 2)):
        lazy = coarse(da.from_array(values, chunks), factor, np.nanmax)
        assert np.array_equal(lazy.compute(scheduler="synchronous"), expected)
    marked = values > 0.99
    blocks = coarse(da.from_array(marked, (9, 9)), factor, np.any).compute(scheduler="synchronous")
    assert np.array_equal(blocks, coarse(marked, factor, np.any))
    assert blocks.dtype == bool


@pytest.mark.parametrize("factor", [1, 4, 10])
def test_fine_gives_each_pixel_its_block(factor):
    values = plane()
    blocks = coarse(values, factor, np.nanmax)
    rows, columns = np.indices(values.shape) // factor
    assert np.array_equal(fine(blocks, factor, values), blocks[rows, columns])
    like = da.from_array(values, (10, 11))
    lazy = fine(da.from_array(blocks), factor, like)
    assert lazy.chunks == like.chunks
    assert np.array_equal(lazy.compute(scheduler="synchronous"), blocks[rows, columns])
