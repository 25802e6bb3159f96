"""Applying functions to blocks: the same numbers with and without dask, and support respected at every rim."""

import dask
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.spec import Window
from musyq_lab.products import _apply
from musyq_lab.products._apply import apply_block

F8, U2 = np.dtype("f8"), np.dtype("u2")


def field(shape, dims, seed=3):
    values = np.random.default_rng(seed).random(shape)
    return xr.DataArray(values, {d: np.arange(n, dtype=float) for d, n in zip(dims, shape, strict=True)}, dims)


def total_and_count(*blocks):
    return sum(blocks[1:], blocks[0]), np.full(np.broadcast_shapes(*(b.shape for b in blocks)), len(blocks), U2)


def box_mean(size):
    """Mean of the window around each pixel of a padded block, by plain shifts; NaN spreads."""
    margin = size // 2

    def function(block):
        out = np.full(block.shape, np.nan)
        rows, columns = block.shape[-2:]
        shifts = [
            block[..., i : rows - size + 1 + i, j : columns - size + 1 + j] for i in range(size) for j in range(size)
        ]
        out[..., margin : rows - margin, margin : columns - margin] = sum(shifts) / size**2
        return (out,)

    return function


def naive_mean(values, size):
    """Loop over pixels; NaN where the window leaves the array."""
    margin, out = size // 2, np.full(values.shape, np.nan)
    for y in range(margin, values.shape[-2] - margin):
        for x in range(margin, values.shape[-1] - margin):
            window = values[..., y - margin : y + margin + 1, x - margin : x + margin + 1]
            out[..., y, x] = window.mean(axis=(-2, -1))
    return out


# ---- pixel -----------------------------------------------------------------------------------------------------------
def test_outputs_come_in_order_with_their_types():
    a = field((3, 4), ("y", "x"))
    total, count = apply_block(total_and_count, [a, a], "pixel", [F8, U2])
    np.testing.assert_array_equal(total, 2 * a)
    assert count.dtype == U2
    assert int(count.max()) == int(count.min()) == 2


def test_a_lone_output_is_still_a_tuple():
    a = field((3,), ("x",))
    (made,) = apply_block(lambda block: (block + 1.0,), [a], "pixel", [F8])
    xr.testing.assert_identical(made, a + 1.0)


@pytest.mark.parametrize("chunks", [{"y": 2}, {"y": 1, "x": 3}, {"y": (1, 3)}])
def test_pixels_do_not_depend_on_chunks(chunks):
    a, b = field((4, 5), ("y", "x")), field((4, 5), ("y", "x"), seed=4)
    whole = apply_block(total_and_count, [a, b], "pixel", [F8, U2])
    lazy = apply_block(total_and_count, [a.chunk(chunks), b.chunk(chunks)], "pixel", [F8, U2])
    for eager, later in zip(whole, lazy, strict=True):
        assert later.chunks is not None
        assert later.dtype == eager.dtype
        xr.testing.assert_identical(later.compute(), eager)


def test_nothing_is_computed_before_it_is_asked_for():
    calls = []

    def watched(block):
        calls.append(block.shape)
        return (block * 2.0,)

    a = field((4, 6), ("y", "x")).chunk({"y": 2})
    (made,) = apply_block(watched, [a], "pixel", [F8])
    assert (4, 6) not in calls
    assert (2, 6) not in calls
    with dask.config.set(scheduler="synchronous"):
        made.compute()
    assert calls.count((2, 6)) == 2


@pytest.mark.parametrize("flip", [False, True])
def test_dimensions_follow_the_widest_input(flip):
    cube, plane = field((2, 3, 4), ("month", "y", "x")), field((4, 3), ("x", "y"))
    given = [plane, cube] if flip else [cube, plane]
    (total, _) = apply_block(total_and_count, given, "pixel", [F8, U2])
    assert total.dims == ("month", "y", "x")
    np.testing.assert_allclose(total, cube.values + plane.values.T, rtol=1e-15)


def test_new_dimensions_of_narrower_inputs_come_last():
    image, months = field((3, 4), ("y", "x")), field((2,), ("month",))
    (total, _) = apply_block(total_and_count, [months, image], "pixel", [F8, U2])
    assert total.dims == ("y", "x", "month")
    np.testing.assert_array_equal(total.isel(month=1), image + months[1])


def test_attributes_of_an_input_are_not_inherited():
    a = field((3,), ("x",)).assign_attrs(units="K", long_name="temperature")
    (made,) = apply_block(lambda block: (block,), [a], "pixel", [F8])
    assert made.attrs == {}


# ---- series ----------------------------------------------------------------------------------------------------------
def running_sum(*blocks):
    return (np.cumsum(sum(blocks), axis=-1),)


@pytest.mark.parametrize("dims", [("time", "y", "x"), ("y", "time", "x"), ("y", "x", "time")])
@pytest.mark.parametrize("chunked", [False, True])
def test_series_reach_the_function_whole_and_last(dims, chunked):
    a = field((3, 4, 5), dims)
    given = a.chunk(dict.fromkeys(dims, 2)) if chunked else a
    (made,) = apply_block(running_sum, [given], "series", [F8])
    assert made.dims == dims
    np.testing.assert_allclose(made, a.cumsum("time"), rtol=1e-14)


def test_series_broadcast_over_space():
    cube, drift = field((6, 2, 3), ("time", "y", "x")), field((6,), ("time",))
    (made,) = apply_block(running_sum, [cube, drift], "series", [F8])
    np.testing.assert_allclose(made, (cube + drift).cumsum("time"), rtol=1e-14)


def test_series_algorithm_needs_time_in_every_input():
    with pytest.raises(InputError, match="every input to have a 'time' dimension"):
        apply_block(running_sum, [field((3, 2), ("time", "x")), field((2,), ("x",))], "series", [F8])


# ---- windows ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [1, 3, 5])
def test_window_equals_the_naive_loop_and_the_rim_sees_nothing(size):
    a = field((7, 8), ("y", "x"))
    (made,) = apply_block(box_mean(size), [a], Window(size), [F8])
    np.testing.assert_allclose(made, naive_mean(a.values, size), rtol=1e-13)
    assert int(made.isnull().sum()) == 56 - (8 - size) * (9 - size)


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("chunks", [{"y": 4, "x": 4}, {"y": (3, 5, 2)}, {"y": 2, "x": 9}, {"y": 10, "x": 9}])
def test_window_does_not_depend_on_chunks(size, chunks):
    a = field((10, 9), ("y", "x"))
    (eager,) = apply_block(box_mean(size), [a], Window(size), [F8])
    (lazy,) = apply_block(box_mean(size), [a.chunk(chunks)], Window(size), [F8])
    assert lazy.chunks is not None
    np.testing.assert_allclose(lazy.compute(), eager, rtol=1e-13)


@pytest.mark.parametrize("chunked", [False, True])
def test_window_slides_over_the_two_trailing_dimensions_only(chunked):
    a = field((3, 6, 5), ("time", "y", "x"))
    given = a.chunk({"time": 1, "y": 3}) if chunked else a
    (made,) = apply_block(box_mean(3), [given], Window(3), [F8])
    assert made.dims == a.dims
    np.testing.assert_allclose(made, naive_mean(a.values, 3), rtol=1e-13)


@pytest.mark.parametrize("chunked", [False, True])
def test_quality_bits_survive_the_way_through_a_window(chunked):
    def flagged(block):
        return block, np.where(np.isnan(block), 65535, 257).astype(U2)

    a = field((6, 5), ("y", "x"))
    a[2, 3] = np.nan
    given = a.chunk({"y": 3}) if chunked else a
    values, bits = apply_block(flagged, [given], Window(3), [F8, U2])
    np.testing.assert_array_equal(values, a)
    assert bits.dtype == U2
    assert int(bits[2, 3]) == 65535
    assert sorted(np.unique(bits).tolist()) == [257, 65535]


@pytest.mark.parametrize("chunked", [False, True])
def test_window_broadcasts_and_aligns_its_inputs(chunked):
    image, line = field((5, 6), ("y", "x")), field((6,), ("x",))
    given = [image.chunk({"y": 2}), line] if chunked else [image, line]
    (total, _) = apply_block(total_and_count, given, Window(3), [F8, U2])
    np.testing.assert_allclose(total, image + line, rtol=1e-15)
    (turned, _) = apply_block(total_and_count, [image, image.transpose("x", "y")], Window(3), [F8, U2])
    np.testing.assert_allclose(turned, 2 * image, rtol=1e-15)


def test_integers_in_a_window_see_missing_and_not_zero_beyond_the_rim():
    a = xr.DataArray(np.ones((4, 4), "i2"), dims=("y", "x"))
    (made,) = apply_block(box_mean(3), [a], Window(3), [F8])
    assert np.isnan(made[0]).all()
    assert float(made[1, 1]) == 1.0


def test_window_needs_two_dimensions():
    with pytest.raises(InputError, match=r"window of 3 pixels needs two dimensions, got \('x',\)"):
        apply_block(box_mean(3), [field((5,), ("x",))], Window(3), [F8])


def test_cutting_the_rim_undoes_padding():
    block = np.arange(24.0).reshape(2, 3, 4)
    for margin in (0, 1, 3):
        padded = np.pad(block, [(0, 0), (margin, margin), (margin, margin)])
        np.testing.assert_array_equal(_apply._inner(padded, margin), block)


def test_window_inputs_keep_their_precision_under_dask():
    data = xr.DataArray(np.full((6, 6), 1.0000000123), dims=("latitude", "longitude"))

    def small_part(block):
        return ((block - 1.0) * 1e8,)

    (lazy,) = apply_block(small_part, [data.chunk(latitude=3)], Window(3), ["float32"])
    np.testing.assert_allclose(lazy.compute(), 1.23, rtol=1e-6)


def test_window_outputs_may_be_integers_only():
    data = xr.DataArray(np.arange(36.0).reshape(6, 6), dims=("latitude", "longitude"))
    (lazy,) = apply_block(lambda block: (block * 2,), [data.chunk(longitude=2)], Window(3), ["uint16"])
    np.testing.assert_array_equal(lazy.compute(), data * 2)
    assert lazy.dtype == "uint16"
