"""Pieces of kernels: what is inlined has no machine code of its own, what is separate is compiled once."""

import gc
import math

import numpy as np
import pytest
from llvmlite.binding import Linkage

from musyq_lab.kernels import _compile, _linking, _loops, _native
from musyq_lab.kernels._inline import inline

F4, F8 = np.dtype("f4"), np.dtype("f8")


def square(x):
    return x * x + 0.1


def code_of(dispatcher):
    """Library of the only list of types that a dispatcher was compiled for."""
    (result,) = dispatcher.overloads.values()
    return result.library


def has_machine_code(library):
    try:
        return bool(library._get_compiled_object())
    except RuntimeError:
        return False


@pytest.fixture
def inlined():
    helper = _native.inlined(square)

    def body(x, out):
        out[0] = helper(x) - x

    row = _loops.pixel_row(body, "cc", (F8,), F8, 1)
    return helper, row, _loops.flat_loop(row, "cc", (F8,), F8, 1)


def test_inlined_code_is_part_of_its_caller_only(inlined):
    helper, row, run = inlined
    assert isinstance(code_of(helper), _linking.Fragment)
    assert not has_machine_code(code_of(helper))
    assert not has_machine_code(code_of(row))
    assert has_machine_code(code_of(run))
    x, out = np.array([0.0, 2.0, -1.5, math.inf, math.nan]), np.empty(5)
    assert run(x, out)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(out, x * x + 0.1 - x)


def test_inlined_code_cannot_be_called_from_python():
    """It has no entry, and says so; ``called`` is the form for that."""
    with pytest.raises((TypeError, IndexError)):
        inline(square).compiled()(1.0)
    assert inline(square).called(2.0) == 4.1


def test_a_row_is_not_optimised_again_in_its_loops(inlined):
    _, row, flat = inlined
    loop = _loops.pixel_loop(row, "cc", (F8,), F8, 1)
    assert isinstance(code_of(row), _linking.Separate)
    assert not list(code_of(row)._get_module_for_linking().functions)  # nothing for the callers' optimiser
    (name,) = (f.name for f in code_of(row).get_defined_functions() if not f.name.startswith("NRT"))
    for caller in (flat, loop):
        assert code_of(caller).get_function(name).linkage == Linkage.internal
    x, first, second = np.linspace(-2.0, 2.0, 9), np.empty(9), np.empty(9)
    assert flat(x, first)
    loop(1, 9, x.ctypes.data, 0, 1, second.ctypes.data, 0, 1)
    np.testing.assert_array_equal(first, second)


def test_each_list_of_types_is_another_function():
    """Both are known to numba under names of their own, else one of them would stand for the other."""
    helper, other = _native.inlined(square), _native.inlined(lambda x: x - 0.1)

    def body(x, out):
        out[0] = helper(x) + other(x)

    for dtype in (F4, F8):
        run = _loops.flat_loop(_loops.pixel_row(body, "cc", (dtype,), dtype, 1), "cc", (dtype,), dtype, 1)
        x, out = np.array([0.3, -7.0, 1e-3], dtype), np.empty(3, dtype)
        assert run(x, out)
        tenth = dtype.type(0.1)
        np.testing.assert_array_equal(out, (x * x + tenth) + (x - tenth))
    assert len(helper.overloads) == len(other.overloads) == 2


def test_separate_code_is_called_by_inlined_code():
    total = _native.separate(_sum)

    @inline
    def mean(series):
        return total(series) / series.size

    def body(series, out):
        out[0] = mean(series)

    run = _loops.series_loop(body, (1, 0), F8, 1)
    series, out = np.arange(12.0).reshape(3, 4), np.empty(3)
    run(3, series.ctypes.data, 32, 4, out.ctypes.data, 8)
    np.testing.assert_array_equal(out, series.mean(axis=1))
    assert isinstance(code_of(total), _linking.Separate)


def _sum(series):
    total = 0.0
    for i in range(series.size):
        total += series[i]
    return total


def test_the_collector_rests_while_a_kernel_compiles():
    """It runs again afterwards, also after an error, and stays off for those who switched it off."""

    @_compile._collector_paused()
    def divide(number):
        assert not gc.isenabled()
        return 1 / number

    assert gc.isenabled()
    assert divide(2) == 0.5
    with pytest.raises(ZeroDivisionError):
        divide(0)
    assert gc.isenabled()
    gc.disable()
    try:
        with _compile._collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
