"""Elementary functions: the largest error over the whole domain, the edges, and the Python twin.

The reference is numpy in the next wider type (float64 for float32, extended precision for float64).
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.kernels import _math
from musyq_lab.kernels._compile import kernel

NUMPY = {"acos": np.arccos, "asin": np.arcsin, "atan2": np.arctan2, "pow": np.power}
WIDER = {np.float32: np.float64, np.float64: np.longdouble}
EXTENDED = np.finfo(np.longdouble).nmant > 60

# name: largest error in ulp (float32, float64), domain (float32, float64); the table that ``_math`` states
LIMITS = {
    "exp": ((1.1, 1.1), ((-87.3, 88.7), (-708.0, 709.7))),
    "log": ((1.0, 1.0), ((1.2e-38, 3.4e38), (2.3e-308, 1.7e308))),
    "sin": ((1.7, 1.7), ((-1e5, 1e5), (-1e9, 1e9))),
    "cos": ((1.7, 1.7), ((-1e5, 1e5), (-1e9, 1e9))),
    "acos": ((1.5, 1.5), ((-1.0, 1.0), (-1.0, 1.0))),
    "asin": ((2.6, 2.6), ((-1.0, 1.0), (-1.0, 1.0))),
    "tanh": ((6.0, 1.6), ((-10.0, 10.0), (-25.0, 25.0))),
}
EDGES = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, np.inf, -np.inf, np.nan, 2.0, -2.0, 1e-45, -1e-45, 700.0, 80.0, -80.0]
)


def one(function):
    def body(x, out):
        out[0] = function(x)

    return kernel("()->()")(body)


def pair(function):
    def body(x, y, out):
        out[0] = function(x, y)

    return kernel("(),()->()")(body)


KERNELS = {name: one(getattr(_math, name)) for name in LIMITS}
PAIRS = {name: pair(getattr(_math, name)) for name in ("atan2", "pow")}


def reference(name, *arguments):
    return NUMPY.get(name, getattr(np, name, None))(*(x.astype(WIDER[x.dtype.type]) for x in arguments))


def ulps(result, exact):
    """Error in units in the last place of the exact result."""
    rounded = exact.astype(result.dtype)
    return np.abs(result.astype(exact.dtype) - exact) / np.spacing(np.abs(rounded)).astype(exact.dtype)


def sample(name, dtype, count=400_000):
    """Points over the domain: even, close to zero and to one, and at every order of magnitude."""
    low, high = LIMITS[name][1][dtype is np.float64]
    rng = np.random.default_rng(5)
    tiny = np.finfo(dtype).tiny
    sign = 1.0 if low > 0 else rng.choice([-1.0, 1.0], count)
    magnitude = sign * np.exp(rng.uniform(np.log(max(low, tiny)), np.log(high), count))
    near_one = (1.0 if low > 0 else rng.choice([-1.0, 1.0], count)) * (1.0 + rng.normal(0.0, 1e-3, count))
    return np.concatenate([rng.uniform(low, high, count), magnitude, np.clip(near_one, low, high)]).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LIMITS)
def test_largest_error(name, dtype):
    if dtype is np.float64 and not EXTENDED:
        pytest.skip("no extended precision on this processor")
    x = sample(name, dtype)
    result = KERNELS[name](x)
    assert result.dtype == dtype
    error = ulps(result, reference(name, x))
    assert np.all(error <= LIMITS[name][0][dtype is np.float64]), f"{error.max()} ulp at {x[error.argmax()]!r}"


@pytest.mark.parametrize("name", LIMITS)
def test_every_float32_of_one_binade(name):
    """All 2^23 numbers between 0.5 and 1: no sampling gap can hide a bad reduction."""
    x = np.arange(0x3F000000, 0x3F800000, dtype=np.int32).view(np.float32)
    assert ulps(KERNELS[name](x), reference(name, x)).max() <= LIMITS[name][0][0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LIMITS)
def test_edges(name, dtype):
    x = EDGES.astype(dtype)
    with np.errstate(all="ignore"):
        expected = reference(name, x).astype(dtype)
    tolerance = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(KERNELS[name](x), expected, rtol=tolerance, atol=0)


@pytest.mark.parametrize(("dtype", "low"), [(np.float32, -104.5), (np.float64, -746.0)])
def test_exp_underflows_gradually_and_overflows_to_inf(dtype, low):
    x = np.linspace(low, np.log(np.finfo(dtype).tiny), 5000).astype(dtype)
    exact = np.exp(x.astype(WIDER[dtype]))
    smallest = np.nextafter(dtype(0), dtype(1))
    assert np.all(np.abs(KERNELS["exp"](x) - exact) <= 1.01 * smallest)
    above = np.array([np.nextafter(dtype(np.log(np.finfo(dtype).max)), dtype(np.inf)) + dtype(0.1), 1e6], dtype)
    np.testing.assert_array_equal(KERNELS["exp"](above), np.inf)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_of_denormals(dtype):
    x = np.nextafter(dtype(0), dtype(1)) * np.array([1, 2, 3, 1000, 123456], dtype)
    np.testing.assert_allclose(
        KERNELS["log"](x), np.log(x.astype(WIDER[dtype])).astype(dtype), rtol=np.finfo(dtype).eps
    )


@pytest.mark.parametrize(("dtype", "limit"), [(np.float32, 1e5), (np.float64, 1e9)])
def test_sine_refuses_angles_it_cannot_reduce(dtype, limit):
    x = np.array([limit, 1.01 * limit, -1.01 * limit, 1e30], dtype)
    np.testing.assert_array_equal(np.isnan(KERNELS["sin"](x)), [False, True, True, True])


def test_tanh_never_leaves_its_bounds():
    x = np.arange(np.float32(1.0).view(np.int32), np.float32(40.0).view(np.int32), dtype=np.int32).view(np.float32)
    y = KERNELS["tanh"](x)
    assert y.max() <= 1.0
    assert y[-1] >= 0.9999999
    np.testing.assert_array_equal(KERNELS["tanh"](-x), -y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_atan2(dtype):
    rng = np.random.default_rng(1)
    y, x = (rng.normal(size=300_000) * 10.0 ** rng.uniform(-5, 5, 300_000) for _ in range(2))
    y, x = y.astype(dtype), x.astype(dtype)
    assert ulps(PAIRS["atan2"](y, x), reference("atan2", y, x)).max() <= 3.0
    axes = np.array([[0, 1], [1, 0], [0, -1], [-1, 0], [0, 0], [np.nan, 1], [1, np.nan]], dtype)
    np.testing.assert_allclose(
        PAIRS["atan2"](axes[:, 0].copy(), axes[:, 1].copy()),
        np.array([0, np.pi / 2, np.pi, -np.pi / 2, 0, np.nan, np.nan], dtype), rtol=np.finfo(dtype).eps
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pow(dtype):
    rng = np.random.default_rng(2)
    x, y = np.exp(rng.uniform(-20, 20, 200_000)).astype(dtype), rng.uniform(-4, 4, 200_000).astype(dtype)
    exact = reference("pow", x, y)
    size = np.abs(y.astype(float) * np.log(x.astype(float)))
    allowed = 0.51 if dtype is np.float32 else 2.3e-16 * (2.0 + size) / np.finfo(float).eps * 2.0
    assert np.all(ulps(PAIRS["pow"](x, y), exact) <= allowed)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pow_edges(dtype):
    x = np.array([0.0, 0.0, 0.0, -1.0, np.nan, 1.0, np.inf, np.inf, np.inf, 2.0, 2.0], dtype)
    y = np.array([2.0, 0.0, -1.0, 2.0, 0.0, np.nan, 1.0, -1.0, 0.0, np.inf, -np.inf], dtype)
    expected = [0.0, 1.0, np.inf, np.nan, np.nan, np.nan, np.inf, 0.0, 1.0, np.inf, 0.0]
    np.testing.assert_array_equal(PAIRS["pow"](x, y), expected)


@settings(max_examples=150, deadline=None)
@given(x=st.floats(width=32), name=st.sampled_from(sorted(LIMITS)))
def test_twin_is_the_same_to_the_last_bit(x, name):
    for dtype in (np.float32, np.float64):
        value = np.array([x], dtype)
        np.testing.assert_array_equal(KERNELS[name](value), KERNELS[name].python(value))


@settings(max_examples=100, deadline=None)
@given(x=st.floats(-1e5, 1e5))
def test_sine_and_cosine_share_a_circle(x):
    value = np.array([x])
    assert KERNELS["sin"](value)[0] ** 2 + KERNELS["cos"](value)[0] ** 2 == pytest.approx(1.0, abs=4e-16)


def test_sqrt_of_a_negative_number_is_nan():
    root = one(_math.sqrt)
    for function in (root, root.python):
        np.testing.assert_array_equal(function(np.array([4.0, -1.0])), [2.0, np.nan])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LIMITS)
def test_place_in_the_vector_does_not_change_a_bit(name, dtype):
    x = sample(name, dtype, 40)
    alone = np.array([KERNELS[name](x[k : k + 1])[0] for k in range(x.size)])
    assert KERNELS[name](x).tobytes() == alone.tobytes()
