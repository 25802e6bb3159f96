"""The kernel class: same result as its Python twin, on any layout, in any pieces, in any process."""

import itertools
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from musyq_lab.kernels import _compile
from musyq_lab.kernels._compile import Kernel, fma, inline, kernel, select

STEFAN_BOLTZMANN = 5.670374419e-8


@inline
def square(x):
    return x * x


@kernel("(),(),()->()")  # temperature (K), emissivity (1), downward (W m-2) -> upward (W m-2)
def upward(temperature, emissivity, downward, out):
    out[0] = emissivity * STEFAN_BOLTZMANN * square(square(temperature)) + (1.0 - emissivity) * downward


@kernel("(),()->(),()")  # a, b -> sum, quotient
def two(a, b, total, quotient):
    total[0] = a + b
    quotient[0] = a / b


@kernel("(n),()->(n),()")  # series, factor -> scaled series, its mean
def scale(series, factor, scaled, mean):
    total = 0.0
    for i in range(series.size):
        scaled[i] = series[i] * factor
        total += scaled[i]
    mean[0] = total / series.size


@kernel("()->()")  # writes nothing for a negative number
def positive(x, out):
    if x >= 0.0:
        out[0] = x


@kernel("(m,n),(n)->(m)")  # matrix, vector -> product
def matvec(matrix, vector, out):
    for i in range(matrix.shape[0]):
        total = 0.0
        for j in range(vector.size):
            total += matrix[i, j] * vector[j]
        out[i] = total


def arrays(count, shape=(7, 11), dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.1, 1.0, shape).astype(dtype) for _ in range(count)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_equals_python_twin_and_numpy(dtype):
    t, e, d = arrays(3, dtype=dtype)
    result = upward(300.0 * t, e, 300.0 * d)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, upward.python(300.0 * t, e, 300.0 * d))
    wide = e.astype(float) * STEFAN_BOLTZMANN * (300.0 * t.astype(float)) ** 4 + (1 - e.astype(float)) * 300.0 * d
    np.testing.assert_allclose(result, wide, rtol=1e-6 if dtype == np.float32 else 1e-13)


def test_dtype_rule():
    single, double = np.ones(3, np.float32), np.ones(3)
    assert two(single, single)[0].dtype == np.float32
    assert two(single, 2.0)[0].dtype == np.float32  # a number follows the arrays
    assert two(single, np.float64(2.0))[0].dtype == np.float32
    assert two(single, np.ones(3, np.uint8))[0].dtype == np.float32  # 16 bits fit exactly
    assert two(single, np.ones(3, np.int32))[0].dtype == np.float64
    assert two(single, double)[0].dtype == np.float64
    assert two(np.ones(3, np.int16), 1)[0].dtype == np.float64
    assert two(np.ones(3, np.float16), single)[0].dtype == np.float32
    assert isinstance(two(np.float32(1), np.float32(2))[0], np.float64)  # numbers alone


def test_float32_kernel_computes_in_float32():
    @kernel("()->()")
    def shifted(x, out):
        out[0] = (x + 16777216.0) - 16777216.0  # float32 loses the 1, float64 keeps it

    assert shifted(np.ones(40, np.float32))[0] == 0.0
    assert shifted(np.ones(40))[0] == 1.0
    assert shifted.python(np.ones(2, np.float32))[0] == 0.0


def test_integer_inputs_do_not_wrap():
    counts = np.array([250, 10], np.uint8)
    np.testing.assert_array_equal(two(counts, counts)[0], [500.0, 20.0])


@pytest.mark.parametrize("function", [two, two.python])
def test_division_by_zero_and_nan_follow_ieee(function):
    total, quotient = function(np.array([1.0, 0.0, np.nan, np.inf]), np.array([0.0, 0.0, 1.0, 1.0]))
    np.testing.assert_array_equal(quotient, [np.inf, np.nan, np.nan, np.inf])
    np.testing.assert_array_equal(total, [1.0, 0.0, np.nan, np.inf])


@pytest.mark.parametrize("function", [positive, positive.python])
def test_output_left_unwritten_is_nan(function):
    np.testing.assert_array_equal(function(np.array([2.0, -1.0] * 40)), [2.0, np.nan] * 40)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4))
def test_broadcasting_as_in_numpy(data, shapes):
    a, b = (np.asarray(np.random.default_rng(k).uniform(1, 2, shape)) for k, shape in enumerate(shapes.input_shapes))
    axes = data.draw(st.permutations(range(a.ndim)))
    a = (
        np.transpose(a, axes).copy(order="C").transpose(np.argsort(axes).astype(int).tolist())
    )  # same values, other memory order
    total, quotient = two(a, b)
    np.testing.assert_array_equal(total, a + b)
    np.testing.assert_array_equal(quotient, a / b)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::2, 1:-3],
        lambda a: a[::-1],
        lambda a: a[:, ::-2],
        lambda a: a.T,
        lambda a: np.broadcast_to(a[:1], a.shape),
        lambda a: a.astype(">f8"),
        lambda a: np.lib.stride_tricks.as_strided(a, (5, 5), (8, 8)),
    ],
)
def test_any_memory_layout(view):
    a, b = (view(array) for array in arrays(2, (12, 10)))
    np.testing.assert_array_equal(two(a, b)[1], a / b)


def test_record_fields_and_read_only_arrays():
    records = np.zeros(9, [("flag", "u1"), ("value", "f8")])
    records["value"] = np.arange(9)
    fixed = np.ones(9)
    fixed.flags.writeable = False
    np.testing.assert_array_equal(two(records["value"], fixed)[0], np.arange(9) + 1.0)


def test_fortran_order_is_kept():
    a = np.asfortranarray(arrays(1)[0])
    assert two(a, a)[0].flags.f_contiguous


def test_out_is_filled_and_returned():
    a, b = arrays(2)
    out = (np.empty_like(a), np.empty_like(a))
    result = two(a, b, out=out)
    assert all(r is o for r, o in zip(result, out, strict=True))
    np.testing.assert_array_equal(out[0], a + b)
    strided = np.zeros((14, 22))[::2, ::2]
    assert upward(a, b, a, out=strided) is strided
    np.testing.assert_array_equal(strided, upward(a, b, a))


def test_out_may_overlap_an_input():
    a = np.arange(20.0)
    expected = np.arange(19.0) + np.arange(1.0, 20.0)
    two(a[:-1], a[1:].copy(), out=(a[1:], np.empty(19)))
    np.testing.assert_array_equal(a[1:], expected)
    b = np.arange(8.0)
    positive(b, out=b)
    np.testing.assert_array_equal(b, np.arange(8.0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_series_kernel(dtype):
    series, factor = arrays(1, (3, 4, 9), dtype)[0], arrays(1, (4,), dtype)[0]
    scaled, mean = scale(series, factor)
    assert (scaled.shape, mean.shape) == ((3, 4, 9), (3, 4))
    assert scaled.dtype == mean.dtype == dtype
    np.testing.assert_array_equal(scaled, series * factor[:, None])
    for compiled, plain in zip((scaled, mean), scale.python(series, factor), strict=True):
        np.testing.assert_array_equal(compiled, plain)


@pytest.mark.parametrize("shape", [(5, 3, 700), (1, 1, 1), (40, 1, 3)])
def test_series_along_the_first_axis_is_packed_in_blocks(shape, monkeypatch):
    monkeypatch.setattr(_compile, "_BLOCK_BYTES", 256)
    cube = np.moveaxis(arrays(1, shape)[0], 0, -1)
    out = np.moveaxis(np.zeros(shape), 0, -1)
    mean = np.empty(shape[1:])
    scale(cube, 2.0, out=(out, mean))
    np.testing.assert_array_equal(out, cube * 2.0)
    np.testing.assert_allclose(mean, 2.0 * cube.mean(-1), rtol=1e-13)


def test_several_core_dimensions():
    matrix, vector = arrays(2, (2, 6, 4))[0], arrays(1, (4,))[0]
    np.testing.assert_allclose(matvec(matrix, vector), matrix @ vector, rtol=1e-14)
    np.testing.assert_array_equal(matvec(matrix, vector), matvec.python(matrix, vector))


def test_numbers_give_numbers_and_empty_gives_empty():
    assert upward(300.0, 1.0, 0.0) == pytest.approx(STEFAN_BOLTZMANN * 300.0**4)
    assert np.ndim(upward(300.0, 1.0, 0.0)) == 0
    assert two(np.empty((0, 3)), 1.0)[0].shape == (0, 3)
    assert scale(np.empty((0, 3)), 1.0)[1].shape == (0,)


@settings(max_examples=40, deadline=None)
@given(size=st.integers(1, 200), cuts=st.lists(st.integers(0, 200), max_size=5), single=st.booleans())
def test_chunks_do_not_change_a_bit(size, cuts, single):
    t, e, d = arrays(3, (size,), np.float32 if single else np.float64)
    whole = upward(t, e, d)
    edges = sorted({0, size, *(cut % (size + 1) for cut in cuts)})
    parts = [upward(t[i:j], e[i:j], d[i:j]) for i, j in itertools.pairwise(edges)]
    assert whole.tobytes() == np.concatenate(parts).tobytes()


def test_threads_do_not_change_a_bit():
    t, e, d = arrays(3, (64, 1000), np.float32)
    whole = upward(t, e, d)
    for workers in (1, 2, 4):
        with ThreadPoolExecutor(workers) as pool:
            rows = list(pool.map(lambda k: upward(t[k], e[k], d[k]), range(64)))
        assert whole.tobytes() == np.stack(rows).tobytes()


def test_first_call_from_many_threads_compiles_once():
    fresh = Kernel(upward.function, "(),(),()->()")
    results, start = [], threading.Barrier(6)

    def call():
        start.wait()
        results.append(fresh(np.full(8, 300.0), np.ones(8), np.zeros(8)))

    workers = [threading.Thread(target=call) for _ in range(6)]
    [w.start() for w in workers]
    [w.join() for w in workers]
    assert len(results) == 6
    assert len({r.tobytes() for r in results}) == 1
    assert sum(key[0] == "flat_loop" for key in fresh._compiled) == 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: upward(1.0, 2.0), "takes 3 arrays"),
        (lambda: two(np.ones(3), np.ones(4)), "do not broadcast"),
        (lambda: two(np.ones(3), 1.0, out=np.ones(3)), "out needs 2"),
        (lambda: upward(np.ones(3), 1.0, 1.0, out=np.ones(4)), r"shape \(3,\)"),
        (lambda: upward(np.ones(3), 1.0, 1.0, out=np.ones(3, np.float32)), "float64 array"),
        (lambda: upward(np.ones(3), 1.0, 1.0, out=np.broadcast_to(1.0, 3)), "read-only"),
        (lambda: matvec(np.ones((2, 3)), np.ones(4)), "dimension 'n' is 3"),
        (lambda: matvec(np.ones(3), np.ones(3)), "trailing dimensions"),
        (lambda: upward("warm", 1.0, 1.0), "real numbers"),
        (lambda: upward(np.ones(3, complex), 1.0, 1.0), "real numbers"),
        (lambda: kernel("()->(n)")(lambda a, out: None), "length of n"),
        (lambda: kernel("()()->()")(lambda a, out: None), "not of the form"),
        (lambda: kernel("(),()->()")(lambda a, out: None), "2 parameters"),
    ],
)
def test_errors_in_plain_words(call, words):
    with pytest.raises((ValueError, TypeError), match=words):
        call()


def test_helpers_have_one_meaning():
    @kernel("(),(),()->(),()")
    def both(a, b, c, product, choice):
        product[0] = fma(a, b, c)
        choice[0] = select(a > b, a, c)

    for dtype in (np.float32, np.float64):
        a, b, c = arrays(3, (400,), dtype)
        compiled, plain = both(a, b, -a * b), both.python(a, b, -a * b)
        np.testing.assert_array_equal(compiled[0], plain[0])
        assert np.any(compiled[0] != 0)  # the rounding error of the product: not seen without a fused multiply-add
        np.testing.assert_array_equal(both(a, b, c)[1], np.where(a > b, a, c))


def test_pickle_by_name_and_tokens():
    cloudpickle = pytest.importorskip("cloudpickle")
    tokenize = pytest.importorskip("dask.base").tokenize
    assert pickle.loads(pickle.dumps(upward)) is upward
    local = kernel("()->()")(lambda x, out: out.__setitem__(0, x))
    assert isinstance(cloudpickle.loads(cloudpickle.dumps(local)), Kernel)
    assert tokenize(upward) == tokenize(Kernel(upward.function, "(),(),()->()")) != tokenize(two)


NOTEBOOK = """
import sys, cloudpickle, numpy as np
from dask.base import tokenize
from musyq_lab.kernels._compile import inline, kernel
OFFSET = {offset}
@inline
def twice(x):
    return 2.0 * x
@kernel("()->()")
def mine(x, out):
    out[0] = twice(x) + OFFSET
print(tokenize(mine))
sys.stdout.flush()
sys.stdout.buffer.write(cloudpickle.dumps(mine).hex().encode())
"""


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | environment
    )
    return done.stdout.split("\n")


def test_kernel_of_a_notebook_travels_to_another_process():
    token, data = run(NOTEBOOK.format(offset=3.0))
    assert token == run(NOTEBOOK.format(offset=3.0))[0]  # deterministic
    assert token != run(NOTEBOOK.format(offset=4.0))[0]  # a constant it uses has changed
    code = f"import pickle, numpy as np; print(pickle.loads(bytes.fromhex('{data}'))(np.arange(3.0)).tolist())"
    assert run(code)[0] == "[3.0, 5.0, 7.0]"


def test_import_is_cheap_and_jit_can_be_switched_off():
    code = (
        "import sys, numpy as np; from musyq_lab.kernels import _compile, spectral_index, solar\n"
        "assert 'numba' not in sys.modules\n"
        "print(spectral_index.index_kernel(('ndvi',))(np.array([.1]), np.array([.3])).tolist())\n"
        "print('numba' in sys.modules)"
    )
    assert run(code, MUSYQ_DISABLE_JIT="1")[:2] == ["[0.49999999999999994]", "False"]
    assert run(code, MUSYQ_DISABLE_JIT="0")[1] == "True"


@kernel("(n),()->(n),()")
def later(series, stop, out, done):
    """Copies what comes after the first two, unless told to stop."""
    if stop > 0.0:
        return
    for i in range(series.shape[0]):
        if i > 1:
            out[i] = series[i]
    done[0] = 1.0


@pytest.mark.parametrize("run", [later, later.python], ids=["compiled", "python"])
def test_series_that_the_body_does_not_write_are_nan(run):
    given = np.full((4, 5), 7.0), np.array([0.0, 1.0, 0.0, 1.0])
    out, done = run(*given, out=(np.full((4, 5), 3.0), np.full(4, 3.0)))
    np.testing.assert_array_equal(np.isnan(done), [False, True, False, True])
    assert np.isnan(out[1::2]).all()
    np.testing.assert_array_equal(out[::2], [[np.nan, np.nan, 7.0, 7.0, 7.0]] * 2)
