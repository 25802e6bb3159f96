"""What a kernel computes as a digest: nothing that matters is missed, and what cannot be described is said to be so."""

import functools
import math
import operator
import os
import subprocess
import sys
import types

import numpy as np
import pytest

from musyq_lab.kernels import _inline, solar
from musyq_lab.kernels._compile import Kernel
from musyq_lab.kernels._fingerprint import fingerprint
from musyq_lab.kernels._inline import ByWidth, Pass, fma, inline, select


@inline
def twice(x):
    return 2.0 * x


@inline
def thrice(x):
    return 3.0 * x


def digest(function):
    return fingerprint(function).digest


def made(source, **names):
    namespace = dict(names)
    exec(source, namespace)
    return namespace["f"]


PLAIN = "def f(x):\n    return x * 2.0 + y"


def test_equal_source_has_an_equal_digest():
    assert digest(made(PLAIN, y=1.0)) == digest(made(PLAIN, y=1.0))


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    'Twice.'\n    return x * 2.0 + y",
        "# a remark\n\n\ndef f(x):\n    return x * 2.0 + y  # another",
    ],
)
def test_words_around_the_code_do_not_count(source):
    bare = "def f(x):\n    'Other.'\n    return x * 2.0 + y" if "Twice" in source else PLAIN
    assert digest(made(source, y=1.0)) == digest(made(bare, y=1.0))


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(x):\n    return x * 3.0 + y", {"y": 1.0}),
        ("def f(x):\n    return x + 2.0 * y", {"y": 1.0}),
        ("def f(z):\n    return z * 2.0 + y", {"y": 1.0}),
        (PLAIN, {"y": 2.0}),
        (PLAIN, {"y": np.float32(1.0)}),
        (PLAIN, {"y": (1.0, 2.0)}),
        (PLAIN, {"y": np.array([1.0])}),
        (PLAIN, {"y": "1.0"}),
    ],
)
def test_whatever_changes_the_result_changes_the_digest(source, names):
    assert digest(made(source, **names)) != digest(made(PLAIN, y=1.0))


def test_arrays_count_by_content_shape_and_type():
    one = np.arange(6.0)
    prints = {digest(made(PLAIN, y=y)) for y in (one, one.reshape(2, 3), one.astype("f4"), one[::-1], one.copy())}
    assert len(prints) == 4


def test_helpers_count_by_what_they_compute():
    source = "def f(x):\n    return h(x)"
    first, second = inline(lambda x: x + 1.0), inline(lambda x: x + 2.0)
    again = inline(lambda x: x + 1.0)
    assert digest(made(source, h=first)) == digest(made(source, h=again))
    assert digest(made(source, h=first)) != digest(made(source, h=second))


def test_both_widths_of_a_helper_count():
    source = "def f(x):\n    return h(x)"
    stub = lambda x: None  # noqa: E731
    prints = {
        digest(made(source, h=ByWidth(stub, narrow, wide)))
        for narrow, wide in ((twice, twice), (twice, thrice), (thrice, twice))
    }
    assert len(prints) == 3


def test_values_of_closures_count():
    def scaled(factor):
        return lambda x: factor * x

    assert digest(scaled(2.0)) == digest(scaled(2.0))
    assert digest(scaled(2.0)) != digest(scaled(3.0))


def test_nested_code_counts():
    source = "def f(x):\n    return [{} for i in range(3)]"
    assert digest(made(source.format("i * x"))) != digest(made(source.format("i - x")))


def test_helper_that_calls_itself_ends():
    source = "def f(x):\n    return h(x)"
    first = inline(made("def f(x):\n    return h(x - 1.0)"))
    first.function.__globals__["h"] = first
    assert len(digest(made(source, h=first))) == 64


def test_order_of_names_counts():
    """The byte code of both is the same: it tells names by their number."""
    first, second = made("def f(x):\n    return a - b", a=1.0, b=2.0), made("def f(x):\n    return b - a", a=1.0, b=2.0)
    assert first.__code__.co_code == second.__code__.co_code
    assert digest(first) != digest(second)


def test_names_of_nested_code_count():
    source = "def f(x):\n    return [x * y for i in range(3)]"
    assert digest(made(source, y=1.0)) != digest(made(source, y=2.0))


def test_defaults_count():
    assert digest(made("def f(x, n=2.0):\n    return x * n")) != digest(made("def f(x, n=3.0):\n    return x * n"))
    assert digest(made("def f(x, *, n=2.0):\n    return x")) != digest(made("def f(x, *, n=3.0):\n    return x"))


def test_arguments_and_locals_are_told_apart():
    assert digest(made("def f(x, y):\n    pass")) != digest(made("def f(x):\n    y = None"))


def test_attributes_of_modules_count():
    source = "def f(x):\n    return x * m.factor"
    first, second, third = (types.ModuleType("m") for _ in range(3))
    first.factor, second.factor, third.factor = 2.0, 3.0, 2.0
    third.other = 4.0
    assert digest(made(source, m=first)) != digest(made(source, m=second))
    assert digest(made(source, m=first)) == digest(made(source, m=third))
    inner = types.ModuleType("package")
    inner.m = first
    deep = "def f(x):\n    return x * package.m.factor"
    before = digest(made(deep, package=inner))
    first.factor = 5.0
    assert digest(made(deep, package=inner)) != before


def test_modules_that_name_each_other_end():
    first, second = types.ModuleType("first"), types.ModuleType("second")
    first.second, second.first, second.value = second, first, 1.0
    found = made("def f(x):\n    return first.second.first.second.value", first=first)
    assert fingerprint(found).complete


def test_values_inside_tuples_count():
    """The text of a long array does not tell all of it."""
    one, other = np.zeros(2000), np.zeros(2000)
    other[1000] = 1.0
    assert digest(made(PLAIN, y=(1, one))) != digest(made(PLAIN, y=(1, other)))
    assert digest(made(PLAIN, y=(1, 2.0))) != digest(made(PLAIN, y=(1, 2)))
    assert digest(made(PLAIN, y=0.0)) != digest(made(PLAIN, y=-0.0))


def test_bounds_between_parts_count():
    assert digest(made("def f():\n    return g", g=("ab", "c"))) != digest(
        made("def f():\n    return g", g=("a", "bc"))
    )


def test_plain_functions_count_by_their_code():
    source = "def f(x):\n    return h(x)"
    assert digest(made(source, h=lambda x: x + 1.0)) != digest(made(source, h=lambda x: x + 2.0))


def test_kernels_count_with_signature_and_parts():
    def body(x, out):
        out[0] = x

    def other(x, out):
        out[0] = x + 1.0

    kernels = [
        Kernel(body, "()->()"),
        Kernel(body, "(n)->(n)"),
        Kernel(other, "()->()"),
        Kernel(body, "()->()", parts=((body, (0, 1)),)),
        Kernel(body, "()->()", parts=((other, (0, 1)),)),
        Kernel(body, "()->()", parts=((body, (1, 0)),)),
    ]
    assert len(set(map(digest, kernels))) == len(kernels)
    assert all(fingerprint(kernel).complete for kernel in kernels)


# ---- what is not known is not said to be -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    "value",
    [
        *(1, 2.5, True, None, "a", b"a", 1j, (1, (2.0,)), np.float32(1), np.arange(3), np.dtype("f4"), np.float32),
        *(np.sum, np.exp, np.linalg.norm, float, abs, math, math.sin, np, operator.add),
        *(fma, select, twice, Pass(lambda x: x), _inline),
    ],
)
def test_known_things(value):
    assert fingerprint(made(PLAIN, y=value)).complete


def test_things_that_cannot_be_described():
    def wrapped():
        pass

    wrapped.__module__, wrapped.__qualname__ = "numpy", "sum"  # it only says so
    for value in (
        object(),
        [1],
        {"a": 1},
        functools.partial(min),
        np.array([None]),
        [].append,
        np.frompyfunc(abs, 1, 1),
    ):
        assert not fingerprint(made(PLAIN, y=value)).complete
        assert not fingerprint(made(PLAIN, y=(1, value))).complete
    assert digest(made(PLAIN, y=wrapped)) != digest(made(PLAIN, y=np.sum))


def test_own_classes_are_not_described():
    class Own:
        value = 1.0

    assert not fingerprint(made("def f(x):\n    return Own.value", Own=Own)).complete


def test_a_name_without_value_is_not_described():
    def outer():
        def f(x):
            return x * later

        if not f:
            later = 1.0
        return f

    assert not fingerprint(outer()).complete


# ---- a constant that changes after compilation -----------------------------------------------------------------------
def test_a_helper_that_was_compiled_with_another_constant_is_noticed():
    helper = inline(made("def f(x):\n    return x * K", K=2.0))
    caller = made("def f(x):\n    return h(x)", h=helper)
    helper.compiled()
    assert fingerprint(caller).complete
    helper.function.__globals__["K"] = 3.0
    assert not fingerprint(caller).complete
    helper.function.__globals__["K"] = 2.0
    assert fingerprint(caller).complete


def test_helpers_of_both_widths_are_watched():
    narrow, wide = (inline(made("def f(x):\n    return x * K", K=2.0)) for _ in range(2))
    caller = made("def f(x):\n    return h(x)", h=ByWidth(lambda x: None, narrow, wide))
    wide.compiled()
    wide.function.__globals__["K"] = 3.0
    assert not fingerprint(caller).complete


def test_all_kernels_of_the_package_are_described_alike_in_every_process():
    code = (
        "from musyq_lab.kernels import solar, lookup\n"
        "from musyq_lab.kernels._fingerprint import fingerprint\n"
        "print(fingerprint(solar._angles), fingerprint(lookup.best))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True
        ).stdout
        for seed in "12"
    }
    assert len(found) == 1
    assert found.pop().count("complete=True") == 2
    assert digest(solar._angles) == digest(solar._angles)
