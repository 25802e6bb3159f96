"""Bytes of packed numbers to values, against numpy's own view of the bytes."""

import numpy as np
import pytest

from musyq_lab.kernels import packing

LIMITS = (-np.inf, np.inf)


def call(kernel, numbers, scale=1.0, offset=0.0, fill=np.inf, limits=LIMITS, run=lambda kernel: kernel):
    low, high = np.ascontiguousarray(numbers.view(np.uint8).reshape(-1, 2).T)
    rules = [np.float32(x) for x in (offset, fill, *limits)]
    return run(kernel)(low, high, *packing.split(scale), *rules)


@pytest.mark.parametrize(("kernel", "dtype"), [(packing.signed, "<i2"), (packing.unsigned, "<u2")])
def test_every_number_of_two_bytes(kernel, dtype):
    numbers = np.arange(65536).astype("<u2").view(dtype)
    found = call(kernel, numbers)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, numbers.astype(np.float32))


@pytest.mark.parametrize("scale", [1e-4, 0.02, 1 / 3, 1e-12, 0.5])
def test_scaled_to_the_nearest_float32_but_for_ties(scale):
    numbers = np.arange(-32768, 32768).astype("<i2")
    nearest = (numbers.astype(float) * scale).astype(np.float32)
    found = call(packing.signed, numbers, scale)
    assert (found == nearest).mean() > 0.999
    np.testing.assert_allclose(found, nearest, rtol=1.2e-7)


def test_fill_and_limits_are_no_data():
    numbers = np.array([-32768, -5, 0, 7, 8, 32767], "<i2")
    found = call(packing.signed, numbers, fill=7, limits=(-5, 100))
    np.testing.assert_array_equal(found, [np.nan, -5, 0, np.nan, 8, np.nan])


def test_python_twin_is_the_same():
    numbers = np.array([-32768, -1, 0, 1, 255, 256, 32767], "<i2")
    twin = call(packing.signed, numbers, 1e-4, 0.1, run=lambda kernel: kernel.python)
    np.testing.assert_allclose(twin, call(packing.signed, numbers, 1e-4, 0.1), rtol=1e-6)


@pytest.mark.parametrize("number", [1e-4, 0.1, 1 / 3, -2.5, 1e30])
def test_two_parts_hold_a_number_to_48_bits(number):
    first, rest = (float(part[0]) for part in packing.split(number))
    assert first + rest == pytest.approx(number, rel=2**-47)
    assert abs(rest) <= abs(first) * 2**-23


def test_infinite_scale_does_not_warn():
    assert np.isinf(packing.split(1e300)[0])
