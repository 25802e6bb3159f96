"""The generated loops, as text that Python itself can run and as compiled code that addresses real memory."""

import math

import numpy as np
import pytest

from musyq_lab.kernels import _loops, _native
from musyq_lab.kernels._inline import fma, inline, select, sqrt

F4, F8, I2 = np.dtype("f4"), np.dtype("f8"), np.dtype("i2")


def address(array):
    return array.__array_interface__["data"][0]


# ---- the text, run by Python with lists for pointers -----------------------------------------------------------------
class Pointer:
    """A list with an origin, as a C pointer would see it."""

    def __init__(self, values, origin=0):
        self.values, self.origin = values, origin

    def __getitem__(self, index):
        return self.values[self.origin + index]

    def __setitem__(self, index, value):
        self.values[self.origin + index] = value


def cell():
    return Pointer([math.nan])


def run_text(text, name, **namespace):
    exec(text, namespace)
    return namespace[name]


def add(a, b, out):
    out[0] = a + 10.0 * b


@pytest.mark.parametrize(
    ("kinds", "steps", "expected"),
    [
        ("ccc", (), [100.0, 111.0, 122.0]),
        ("csc", (), [100.0, 101.0, 102.0]),
        ("ssc", (), [100.0, 100.0, 100.0]),
        ("gcc", (2,), [100.0, 112.0, 124.0]),
        ("cgc", (2,), [100.0, 121.0, 142.0]),
        ("ggc", (3, 2), [100.0, 123.0, 146.0]),
    ],
)
def test_row_reads_each_array_by_its_kind(kinds, steps, expected):
    row = run_text(_loops._row_source(kinds, 1), "row", body=add, cell=cell, number=float)
    first, second, out = (
        Pointer([float(i) for i in range(9)]),
        Pointer([10.0 + i for i in range(9)]),
        Pointer([0.0] * 9),
    )
    row(3, first, second, out, *steps)
    assert out.values == [*expected, *[0.0] * 6]


def test_row_writes_with_a_stride():
    row = run_text(_loops._row_source("cg", 1), "row", body=lambda x, o: o.__setitem__(0, -x), cell=cell, number=float)
    out = Pointer([0.0] * 6)
    row(3, Pointer([1.0, 2.0, 3.0]), out, 2)
    assert out.values == [-1.0, 0.0, -2.0, 0.0, -3.0, 0.0]


def test_row_of_no_elements_writes_nothing():
    row = run_text(_loops._row_source("cc", 1), "row", body=add, cell=cell, number=float)
    out = Pointer([5.0])
    row(0, Pointer([1.0]), out)
    assert out.values == [5.0]


def test_every_output_starts_as_nan_at_every_pixel():
    def positive(x, out, unused):
        if x > 0:
            out[0] = x

    row = run_text(_loops._row_source("ccc", 2), "row", body=positive, cell=cell, number=float)
    first, second = Pointer([0.0] * 3), Pointer([0.0] * 3)
    row(3, Pointer([1.0, -1.0, 2.0]), first, second)
    np.testing.assert_array_equal(first.values, [1.0, math.nan, 2.0])
    np.testing.assert_array_equal(second.values, [math.nan] * 3)


def test_rows_advance_by_bytes_and_pass_the_stride_of_strided_arrays_only():
    calls = []
    names = {f"at{k}": lambda place, k=k: (k, place) for k in range(3)}
    run = run_text(_loops._rows_source("cgs"), "run", row=lambda *given: calls.append(given), **names)
    run(2, 7, 1000, 80, 1, 2000, 160, 4, 3000, 0, 0)
    assert calls == [
        (7, (0, 1000), (1, 2000), (2, 3000), 4),
        (7, (0, 1080), (1, 2160), (2, 3000), 4),
    ]


def test_series_text_hands_arrays_numbers_and_cells_to_the_body():
    memory = {0: 1.0, 8: 2.0, 100: 0.0, 108: 0.0}
    seen = []

    class At:
        def __init__(self, place):
            self.place = place

        def __getitem__(self, index):
            return memory[self.place + 8 * index]

        def __setitem__(self, index, value):
            memory[self.place + 8 * index] = value

    def body(number, series, out):
        seen.append(series)
        out[0] = number * 3.0

    text = _loops._series_source((0, 2, 0), 1)
    run = run_text(text, "run", body=body, at=At, cell=cell, carray=lambda at, shape: (at.place, shape))
    run(2, 0, 8, 500, 96, 3, 4, 100, 8)
    assert seen == [(500, (3, 4)), (596, (3, 4))]
    assert memory == {0: 1.0, 8: 2.0, 100: 3.0, 108: 6.0}


# ---- compiled pixel loops --------------------------------------------------------------------------------------------
def mixed(a, b, out):
    out[0] = a / b


@pytest.fixture(scope="module")
def division():
    row = _loops.pixel_row(mixed, "gcc", (F4, I2), F4, 1)
    return _loops.pixel_loop(row, "gcc", (F4, I2), F4, 1)


def test_compiled_rows_read_two_types_through_strides(division):
    image = np.arange(48, dtype="f4").reshape(4, 12)
    counts = np.array([[1, 2, -4, 8], [0, 3, 300, 5]], "i2")
    out = np.full((2, 6), -99.0, "f4")
    columns = image[1:3, 2::3]
    strides = (columns.strides[0], columns.strides[1] // 4)
    division(2, 4, address(columns), *strides, address(counts), counts.strides[0], 1, address(out), out.strides[0], 1)
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(out[:, :4], columns / counts.astype("f4"))
    np.testing.assert_array_equal(out[:, 4:], -99.0)
    assert np.isposinf(out[1, 0])


def test_compiled_rows_run_backwards(division):
    values, ones, out = np.arange(5, dtype="f4"), np.ones(5, "i2"), np.empty(5, "f4")
    division(1, 5, address(values[::-1]), 0, -1, address(ones), 0, 1, address(out), 0, 1)
    np.testing.assert_array_equal(out, values[::-1])


def test_zero_rows_touch_nothing(division):
    out = np.full(3, 7.0, "f4")
    ones = np.ones(3, "i2")
    division(0, 3, address(out), 0, 1, address(ones), 0, 1, address(out), 0, 1)
    np.testing.assert_array_equal(out, 7.0)


def test_parts_run_in_turn_on_blocks_with_a_rest():
    def first(x, out):
        out[0] = x + 1.0

    def second(x, step, out):
        out[0] = x * step

    rows = (
        (_loops.pixel_row(first, "gc", (F8,), F8, 1), (0, 2)),
        (_loops.pixel_row(second, "gsc", (F8, F8), F8, 1), (0, 1, 3)),
    )
    row = _loops.blocked_row(rows, "gscc", (F8, F8), F8, 2)
    run = _loops.pixel_loop(row, "gscc", (F8, F8), F8, 2)
    size = 2 * _loops._BLOCK + 3
    x, step = np.arange(3 * size, dtype=float)[::3], np.array(0.5)
    sums, products = np.zeros(size + 1), np.zeros(size + 1)
    run(1, size, address(x), 0, 3, address(step), 0, 0, address(sums), 0, 1, address(products), 0, 1)
    np.testing.assert_array_equal(sums[:-1], x + 1.0)
    np.testing.assert_array_equal(products[:-1], x * 0.5)
    assert sums[-1] == products[-1] == 0.0


@pytest.fixture(scope="module")
def flat_sum():
    row = _loops.pixel_row(add, "csc", (F8, F8), F8, 1)
    return _loops.flat_loop(row, "csc", (F8, F8), F8, 1)


def test_flat_loop_takes_arrays_and_numbers(flat_sum):
    values, out = np.array([1.0, math.nan, -math.inf]), np.zeros(3)
    assert flat_sum(values, 2.0, out) is True
    np.testing.assert_array_equal(out, values + 20.0)


@pytest.mark.parametrize(("start", "overlaps"), [(0, True), (1, True), (3, True), (4, False), (5, False)])
def test_flat_loop_refuses_an_output_that_overlaps(flat_sum, start, overlaps):
    line = np.arange(9.0)
    before = line.copy()
    done = flat_sum(line[:4], 1.0, line[start : start + 4])
    assert done is not overlaps
    expected = before.copy()
    if done:
        expected[start : start + 4] = before[:4] + 10.0
    np.testing.assert_array_equal(line, expected)


def test_flat_loop_refuses_outputs_that_overlap_each_other():
    def both(x, low, high):
        low[0] = x - 1.0
        high[0] = x + 1.0

    run = _loops.flat_loop(_loops.pixel_row(both, "ccc", (F8,), F8, 2), "ccc", (F8,), F8, 2)
    x, out = np.arange(3.0), np.full(5, 9.0)
    assert run(x, out[:3], out[2:]) is False
    np.testing.assert_array_equal(out, 9.0)
    low, high = np.empty(3), np.empty(3)
    assert run(x, low, high) is True
    np.testing.assert_array_equal(high - low, 2.0)


# ---- compiled series loops -------------------------------------------------------------------------------------------
def test_series_loop_passes_contiguous_cores_and_advances_by_stride():
    def moments(series, weights, scale, mean, scaled):
        total = 0.0
        for i in range(series.size):
            total += series[i] * weights[i]
            scaled[i] = series[i] * scale
        mean[0] = total

    run = _loops.series_loop(moments, (1, 1, 0, 0, 1), F8, 2)
    rng = np.random.default_rng(7)
    series, weights, scale = rng.random((6, 5))[::2], rng.random(5), np.array([1.0, -2.0, math.nan])
    mean, scaled = np.zeros(3), np.zeros((3, 5))
    run(
        3,
        *(address(series), series.strides[0], 5),
        *(address(weights), 0, 5),
        *(address(scale), 8),
        *(address(mean), 8),
        *(address(scaled), 40, 5),
    )
    np.testing.assert_allclose(mean, series @ weights, rtol=1e-15)
    np.testing.assert_array_equal(scaled, series * scale[:, None])


# ---- what the compiler is told ---------------------------------------------------------------------------------------
def test_literals_are_narrow_in_float32_and_wide_in_float64():
    def third(x, out):
        out[0] = x + 0.1

    for dtype in (F4, F8):
        run = _loops.flat_loop(_loops.pixel_row(third, "cc", (dtype,), dtype, 1), "cc", (dtype,), dtype, 1)
        x, out = np.array([1.0, 1e-8, 3.0], dtype), np.empty(3, dtype)
        assert run(x, out)
        np.testing.assert_array_equal(out, x + dtype.type(0.1))


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (1.0, True),
        (1, False),
        (True, False),
        ((1.0, 2.0), True),
        ((1.0, 2), False),
        ((), False),
        (((1.0,), (2.0,)), True),
    ],
)
def test_only_floats_and_tuples_of_floats_are_narrowed(value, answer):
    assert _native._is_floats(value) is answer


def test_narrowing_keeps_the_shape_of_a_tuple():
    found = _native._narrow((0.1, (0.2, 0.3)))
    assert found == (np.float32(0.1), (np.float32(0.2), np.float32(0.3)))
    assert type(found[1][0]) is np.float32


@pytest.mark.parametrize("dtype", [F4, F8])
def test_inlined_instructions_equal_their_python_meaning(dtype):
    @inline
    def formula(x):
        return select(x > 1.0, fma(x, x, -1.0), sqrt(x))

    def body(x, out):
        out[0] = formula(x)

    run = _loops.flat_loop(_loops.pixel_row(body, "cc", (dtype,), dtype, 1), "cc", (dtype,), dtype, 1)
    x = np.array([0.0, 0.25, 1.0, 1.5, 100.0, -1.0, math.nan, math.inf], dtype)
    out = np.empty_like(x)
    assert run(x, out)
    with np.errstate(all="ignore"):
        expected = np.where(x > 1.0, x.astype("f8") ** 2 - 1.0, np.sqrt(x)).astype(dtype)
    np.testing.assert_array_equal(out, expected)
