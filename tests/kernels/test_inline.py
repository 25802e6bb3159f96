"""Helpers of kernels: their Python meaning against exact arithmetic, and the identity that travels with them."""

import math
import pickle
import types
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musyq_lab.kernels import _inline, _math
from musyq_lab.kernels._inline import (
    ByWidth,
    Helper,
    Inline,
    Instruction,
    as_bits,
    by_name,
    by_width,
    fma,
    from_bits,
    inline,
    lookup,
    polynomial,
    select,
    sqrt,
)

DOUBLES = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e150, max_value=1e150)
SINGLES = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**60), max_value=2.0**60)


@inline
def twice(x):
    return 2.0 * x


@inline
def thrice(x):
    return 3.0 * x


@by_width(twice, thrice)
def either(x):
    """Twice in float32, thrice in float64, so that the choice shows."""


# ---- fused multiply-add ----------------------------------------------------------------------------------------------
@given(DOUBLES, DOUBLES, DOUBLES)
def test_fma_rounds_the_exact_value_once(a, b, c):
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    found = Fraction(float(fma(a, b, c)))
    # No neighbouring float is nearer to the exact value.
    for neighbour in (math.nextafter(float(found), math.inf), math.nextafter(float(found), -math.inf)):
        if math.isfinite(neighbour):
            assert abs(found - exact) <= abs(Fraction(neighbour) - exact)


def test_fma_keeps_what_two_roundings_lose():
    eps = 2.0**-52
    a = 1.0 + eps
    assert a * a - (1.0 + 2.0 * eps) == 0.0
    assert fma(a, a, -(1.0 + 2.0 * eps)) == eps**2


@given(SINGLES, SINGLES, SINGLES)
def test_fma_of_float32_is_within_one_unit_of_the_exact_value(a, b, c):
    found = fma(np.float32(a), np.float32(b), np.float32(c))
    assert isinstance(found, np.float32)
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    assert abs(Fraction(float(found)) - exact) <= Fraction(float(np.spacing(np.abs(found))))


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        ((np.float32(1), np.float32(2), np.float32(3)), np.float32),
        ((np.float32(1), 2.0, 3.0), np.float32),
        ((1.0, 2.0, np.float32(3)), np.float32),
        ((np.float32(1), np.float64(2), np.float32(3)), np.float64),
        ((1.0, 2.0, 3.0), np.float64),
        ((1, 2, 3), np.float64),
    ],
)
def test_fma_is_single_only_without_a_double(numbers, kind):
    found = fma(*numbers)
    assert type(found) is kind
    assert found == 5


@pytest.mark.parametrize(
    ("a", "b", "c", "expected"),
    [
        (math.inf, 1.0, 0.0, math.inf),
        (math.inf, 1.0, -math.inf, math.nan),
        (math.inf, 0.0, 1.0, math.nan),
        (math.nan, 1.0, 1.0, math.nan),
        (1.0, 1.0, -math.inf, -math.inf),
        (1e308, 10.0, 0.0, math.inf),
    ],
)
def test_fma_of_special_numbers_follows_ieee(a, b, c, expected):
    with np.errstate(all="ignore"):
        np.testing.assert_equal(float(fma(a, b, c)), expected)


@pytest.mark.parametrize(("a", "b", "c"), [(-0.0, 1.0, -0.0), (0.0, -1.0, -0.0), (1.0, -1.0, 1.0), (0.0, 1.0, -0.0)])
def test_fma_gives_zero_the_sign_of_the_sum(a, b, c):
    assert math.copysign(1.0, fma(a, b, c)) == math.copysign(1.0, a * b + c)


# ---- bits, selection, roots ------------------------------------------------------------------------------------------
@given(st.integers(-(2**63), 2**63 - 1))
def test_bits_of_double_return_unchanged(bits):
    assert as_bits(from_bits(np.int64(bits))) == bits


@given(st.integers(-(2**31), 2**31 - 1))
def test_bits_of_single_return_unchanged(bits):
    back = from_bits(np.int32(bits))
    assert isinstance(back, np.float32)
    assert as_bits(back) == bits


@pytest.mark.parametrize(
    ("value", "bits"),
    [
        (np.float64(1.0), 0x3FF0000000000000),
        (np.float64(2.0), 0x4000000000000000),
        (np.float64(math.inf), 0x7FF0000000000000),
        (np.float64(-0.0), -(2**63)),
        (np.float32(1.0), 0x3F800000),
        (np.float32(-2.0), 0xC0000000 - 2**32),
        (np.float32(0.0), 0),
    ],
)
def test_bits_are_those_of_ieee_754(value, bits):
    assert as_bits(value) == bits


def test_select_gives_the_object_it_was_given():
    yes, no = np.float32(1.0), np.float32(2.0)
    assert select(True, yes, no) is yes
    assert select(np.bool_(False), yes, no) is no
    assert select(math.nan > 0.0, yes, no) is no


@given(st.floats(0.0, 1e300))
def test_sqrt_is_correctly_rounded(x):
    with localcontext() as context:
        context.prec = 60
        assert float(sqrt(x)) == float(Decimal(x).sqrt())


# ---- polynomials -----------------------------------------------------------------------------------------------------
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=6), st.floats(-2, 2))
def test_polynomial_is_the_exact_one_to_rounding(coefficients, x):
    exact = sum(Fraction(c) * Fraction(x) ** power for power, c in enumerate(coefficients))
    scale = sum(abs(c) * abs(x) ** power for power, c in enumerate(coefficients))
    assert abs(float(polynomial(*coefficients)(x)) - float(exact)) <= 4e-16 * len(coefficients) * scale + 1e-300


def test_polynomial_keeps_float32():
    assert type(polynomial(1.0, 2.0, 3.0)(np.float32(0.5))) is np.float32


def test_coefficients_rise():
    line = polynomial(7.0, 2.0)
    assert line(0.0) == 7.0
    assert line(10.0) == 27.0


# ---- helpers ---------------------------------------------------------------------------------------------------------
def test_inline_is_the_function_itself_in_python():
    assert twice(4.0) == 8.0
    assert twice.__name__ == "twice"
    assert twice.__module__ == __name__


def test_base_helper_has_no_compiled_form():
    with pytest.raises(TypeError, match="compiled"):
        Helper(math.sin)


@pytest.mark.parametrize(
    ("number", "expected", "kind"),
    [
        (np.float32(1.5), 3.0, np.float32),
        (np.float64(1.5), 4.5, np.float64),
        (1.5, 4.5, np.float64),
        (2, 6.0, np.float64),
        (np.int16(2), 6.0, np.float64),
    ],
)
def test_width_of_a_number_chooses_the_form(number, expected, kind):
    found = either(number)
    assert found == expected
    assert type(found) is kind


def test_one_double_among_the_numbers_widens_all():
    pair = ByWidth(lambda x, y: None, inline(lambda x, y: ("narrow", x, y)), inline(lambda x, y: ("wide", x, y)))
    assert pair(np.float32(1), np.float32(2))[0] == "narrow"
    assert pair(np.float32(1), 2.0)[0] == "narrow"
    form, x, y = pair(np.float32(1), np.float64(2))
    assert form == "wide"
    assert isinstance(x, np.float64)
    assert isinstance(y, np.float64)


def test_documentation_of_the_stub_stays():
    assert either.__doc__.startswith("Twice in float32")
    assert either.__name__ == "either"


# ---- identity --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("helper", [fma, sqrt, select, as_bits, from_bits, _math.exp, _math.sin])
def test_helpers_of_the_package_pickle_to_themselves(helper):
    assert pickle.loads(pickle.dumps(helper)) is helper


def test_name_of_a_helper_is_found_again():
    assert by_name(fma) == (lookup, ("musyq_lab.kernels._inline", "fma"))
    assert lookup("musyq_lab.kernels._inline", "fma") is fma
    assert lookup("musyq_lab.kernels._inline", "Inline.compiled") is Inline.compiled


def test_local_and_interactive_helpers_have_no_name_to_find():
    def local(x):
        return x

    assert by_name(local) is None
    free = types.FunctionType((lambda x: x).__code__, {}, "free")
    free.__module__, free.__qualname__ = "__main__", "free"
    assert by_name(free) is None


def test_local_helper_is_reduced_to_its_parts():
    def local(x):
        return x + 1.0

    for kind in (Inline, Instruction):
        made, arguments = kind(local).__reduce__()
        assert made is kind
        assert arguments == (local,)
    pair = ByWidth(local, inline(local), inline(local))
    made, arguments = pair.__reduce__()
    assert made is ByWidth
    assert made(*arguments)(2.0) == 3.0


def test_instruction_compiles_to_the_intrinsic_of_its_name():
    native = _inline.numba_side()
    assert fma.compiled() is native.fma
    assert select.compiled() is native.select


def test_compiled_form_is_made_once():
    assert twice.compiled() is twice.compiled()
    assert either.compiled() is either.compiled()
