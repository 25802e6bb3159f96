"""One block of a retrieval: masks, quality bits and uncertainties, against loops, closed forms and a Monte Carlo."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from musyq_lab.core.errors import MusyqError
from musyq_lab.core.quality import (
    FIRST_OWN_BIT,
    INPUT_MISSING,
    INPUT_OUT_OF_RANGE,
    NOT_DEFINED,
    OUTPUT_OUT_OF_RANGE,
    Flag,
)
from musyq_lab.core.spec import Input, Method, Product, Variable, Window
from musyq_lab.products._block import Block, float_type

RED, NIR = Input("reflectance_red"), Input("reflectance_nir")
LOW, HIGH = RED.valid_range
RATIO = Variable("ratio", "ratio", "1", valid_range=(0.0, 10.0), scale=0.001)
SPEC = Product("probe", "Probe", (RATIO,), (RED, NIR))


def divide(*, reflectance_red, reflectance_nir, gain=1.0):
    return gain * reflectance_nir / reflectance_red


def block(body=divide, spec=SPEC, **changes):
    return Block(spec, body, changes.pop("inputs", spec.inputs), changes.pop("variables", spec.variables), **changes)


def line(a, b, c, **uncertainties):
    """A linear retrieval of two inputs, with the default uncertainties given."""
    variable = Variable("line", "line", "1", dtype="float32", model_uncertainty=uncertainties.get("model", (0.0, 0.0)))
    red = replace(RED, uncertainty=uncertainties.get("red", (0.0, 0.0)))
    nir = replace(NIR, uncertainty=uncertainties.get("nir", (0.0, 0.0)))
    spec = Product("line", "Line", (variable,), (red, nir))
    return block(lambda *, reflectance_red, reflectance_nir: a * reflectance_red + b * reflectance_nir + c, spec)


# ---- values and bits -------------------------------------------------------------------------------------------------
def naive(red, nir):
    """Value and bits of one pixel, in words of Python."""
    bits = 0
    for x in (red, nir):
        if np.isnan(x):
            bits |= INPUT_MISSING.mask
        elif not LOW <= x <= HIGH:
            bits |= INPUT_OUT_OF_RANGE.mask
    if bits:
        return np.nan, bits
    if red == 0.0:
        return np.nan, (NOT_DEFINED if nir == 0.0 else OUTPUT_OUT_OF_RANGE).mask
    value = float(nir) / float(red)
    return (value, 0) if 0.0 <= value <= 10.0 else (np.nan, OUTPUT_OUT_OF_RANGE.mask)


SPECIAL = st.sampled_from([0.0, LOW, HIGH, np.nan, np.inf, -np.inf, -9999.0, 0.1, 0.5, np.nextafter(HIGH, 9.0)])
PIXELS = arrays(float, 12, elements=st.one_of(SPECIAL, st.floats(-0.2, 2.0)))


@settings(deadline=None, max_examples=25)
@given(PIXELS, PIXELS)
def test_each_pixel_has_the_value_and_bits_of_the_definition(red, nir):
    values, bits, _ = block().values(red, nir)
    expected = [naive(r, n) for r, n in zip(red, nir, strict=True)]
    np.testing.assert_array_equal(values, [v for v, _ in expected])
    np.testing.assert_array_equal(bits, [b for _, b in expected])
    assert bits.dtype == np.uint16


@settings(deadline=None, max_examples=25)
@given(PIXELS, PIXELS)
def test_no_pixel_lacks_both_a_value_and_a_reason(red, nir):
    values, bits, _ = block().values(red, nir)
    np.testing.assert_array_equal(np.isnan(values), bits != 0)


def test_both_faults_of_two_inputs_are_told():
    _, bits, _ = block().values(np.array([np.nan]), np.array([5.0]))
    assert bits[0] == INPUT_MISSING.mask | INPUT_OUT_OF_RANGE.mask


def test_given_arrays_are_not_changed():
    red, nir = np.array([np.nan, -9999.0, 0.1]), np.array([0.5, 0.5, np.inf])
    before = red.copy(), nir.copy()
    block().values(red, nir)
    np.testing.assert_array_equal(red, before[0])
    np.testing.assert_array_equal(nir, before[1])


def test_body_that_returns_its_input_does_not_get_it_masked_in_place():
    red = np.array([0.1, 1.5])
    narrow = replace(RATIO, valid_range=(0.0, 1.0))
    spec = Product("same", "Same", (narrow,), (RED,))
    values, bits, _ = block(lambda *, reflectance_red: reflectance_red, spec).values(red)
    np.testing.assert_array_equal(values, [0.1, np.nan])
    np.testing.assert_array_equal(red, [0.1, 1.5])
    assert bits.tolist() == [0, OUTPUT_OUT_OF_RANGE.mask]


@pytest.mark.parametrize("shapes", [((3, 4), (4,)), ((3, 1), (1, 4)), ((), (3, 4)), ((3, 4), ())])
def test_inputs_broadcast_and_so_do_the_bits(shapes):
    red, nir = np.full(shapes[0], 0.2), np.full(shapes[1], 0.4)
    values, bits, _ = block().values(red, nir)
    assert values.shape == bits.shape == (3, 4)
    np.testing.assert_allclose(values, 2.0)
    missing = np.full(shapes[1], np.nan)
    assert (block().values(red, missing)[1] == INPUT_MISSING.mask).all()


@pytest.mark.parametrize(
    ("dtypes", "expected"), [(("f4", "f4"), "f4"), (("f4", "f8"), "f8"), (("f8", "f8"), "f8"), (("f4", "i2"), "f4")]
)
def test_single_precision_only_if_all_floats_have_it(dtypes, expected):
    values, _, _ = block().values(*(np.ones(2, d) for d in dtypes))
    assert values.dtype == np.dtype(expected)


def test_empty_block():
    values, bits, _ = block().values(np.empty((0, 3)), np.empty((0, 3)))
    assert values.shape == bits.shape == (0, 3)


def test_options_reach_the_body():
    values, _, _ = block(options={"gain": 3.0}).values(np.array([0.2]), np.array([0.4]))
    np.testing.assert_allclose(values, 6.0)


def test_floating_point_warnings_of_the_body_are_no_news():
    with np.errstate(all="raise"):
        _, bits, _ = block().values(np.array([0.0, 0.0]), np.array([0.0, 0.1]))
    assert bits.tolist() == [NOT_DEFINED.mask, OUTPUT_OUT_OF_RANGE.mask]


def test_a_variable_that_does_not_need_the_bad_input_is_judged_by_its_own():
    own = Variable("own", "own", "1", inputs=("reflectance_nir",))
    spec = Product("pair", "Pair", (own,), (RED, NIR))
    body = lambda *, reflectance_red, reflectance_nir: reflectance_nir * np.nan  # noqa: E731
    _, bits, _ = block(body, spec).values(np.array([np.nan, 0.1]), np.array([0.1, np.nan]))
    assert bits.tolist() == [INPUT_MISSING.mask | NOT_DEFINED.mask, INPUT_MISSING.mask]


@pytest.mark.parametrize("support", ["series", Window(3)])
def test_beyond_a_pixel_an_undefined_value_does_not_accuse_the_equation(support):
    spec = replace(SPEC, support=support)
    _, bits, _ = block(spec=spec).values(np.array([0.0]), np.array([0.0]))
    assert bits.tolist() == [0]


@pytest.mark.parametrize("count", [0, 2])
def test_wrong_number_of_arrays_is_told(count):
    body = lambda **given: [given["reflectance_red"]] * count  # noqa: E731
    with pytest.raises(MusyqError, match=rf"'probe' returned {count} arrays where \['ratio'\] were wanted"):
        block(body).values(np.ones(2), np.ones(2))


def test_block_travels_between_processes():
    again = pickle.loads(pickle.dumps(block(options={"gain": 2.0})))
    np.testing.assert_allclose(again.values(np.array([0.2]), np.array([0.4]))[0], 4.0)


# ---- uncertainties ---------------------------------------------------------------------------------------------------
def test_linear_retrieval_has_the_textbook_uncertainty():
    made = line(2.0, -3.0, 0.7, red=(0.01, 0.0), nir=(0.0, 0.05), model=(0.02, 0.1))
    red, nir = np.array([0.1, 0.5, 1.0]), np.array([0.2, 0.3, 1.5])
    y = 2.0 * red - 3.0 * nir + 0.7
    expected = np.sqrt((2.0 * 0.01) ** 2 + (3.0 * 0.05 * nir) ** 2 + 0.02**2 + (0.1 * y) ** 2)
    np.testing.assert_allclose(made.uncertainties(red, nir)[0], expected, rtol=1e-12)


def test_absolute_and_relative_parts_of_an_input_add_in_quadrature():
    made = line(1.0, 0.0, 0.0, red=(0.03, 0.1))
    np.testing.assert_allclose(made.uncertainties(np.array([0.4]), np.array([0.0]))[0], 0.05, rtol=1e-12)


def test_given_sigmas_replace_the_defaults():
    made = replace(line(1.0, 1.0, 0.0, red=(9.0, 0.0), nir=(0.04, 0.0)), sigmas=("reflectance_red",))
    red, nir, sigma = np.array([0.1, 0.2]), np.array([0.3, 0.3]), np.array([0.03, 0.0])
    np.testing.assert_allclose(made.uncertainties(red, nir, sigma)[0], [0.05, 0.04], rtol=1e-12)


def test_sigmas_follow_in_the_order_of_their_names():
    made = replace(line(1.0, 10.0, 0.0), sigmas=("reflectance_nir", "reflectance_red"))
    one = np.array([0.5])
    found = made.uncertainties(one, one, np.array([0.02]), np.array([0.1]))[0]
    np.testing.assert_allclose(found, np.hypot(0.2, 0.1), rtol=1e-12)


def test_without_any_uncertainty_it_is_zero():
    np.testing.assert_array_equal(line(1.0, 2.0, 3.0).uncertainties(np.ones(3), np.ones(3))[0], 0.0)


def test_ratio_agrees_with_a_monte_carlo():
    made = replace(block(), sigmas=("reflectance_red", "reflectance_nir"))
    red, nir, sigmas = 0.4, 0.6, (0.006, 0.012)
    [found] = made.uncertainties(*(np.array([x]) for x in (red, nir, *sigmas)))
    rng = np.random.default_rng(11)
    draws = (nir + sigmas[1] * rng.standard_normal(200_000)) / (red + sigmas[0] * rng.standard_normal(200_000))
    assert found[0] == pytest.approx(draws.std(), rel=0.01)
    analytic = nir / red * np.hypot(sigmas[0] / red, sigmas[1] / nir)
    assert found[0] == pytest.approx(analytic, rel=1e-3)


def test_no_value_means_no_uncertainty():
    made = replace(block(), sigmas=("reflectance_red",))
    red, nir = np.array([np.nan, 0.0, -9999.0, 0.01, 0.5]), np.array([0.1, 0.0, 0.1, 0.9, 0.5])
    values, _, _ = made.values(red, nir)
    [found] = made.uncertainties(red, nir, np.full(5, 0.001))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(values))
    assert np.isnan(found).tolist() == [True, True, True, True, False]


def test_unknown_sigma_means_unknown_uncertainty():
    made = replace(line(1.0, 1.0, 0.0), sigmas=("reflectance_red",))
    [found] = made.uncertainties(np.array([0.1, 0.1]), np.array([0.2, 0.2]), np.array([np.nan, 0.01]))
    np.testing.assert_allclose(found, [np.nan, 0.01])


def test_uncertainty_has_the_precision_of_the_value():
    made = line(1.0, 1.0, 0.0, red=(0.01, 0.0), model=(0.01, 0.0))
    assert made.uncertainties(np.ones(2, "f4"), np.ones(2, "f4"))[0].dtype == np.float32


@settings(deadline=None, max_examples=25)
@given(st.floats(0.0, 0.1), st.floats(0.0, 0.1), st.floats(1.0, 5.0))
def test_uncertainty_grows_with_its_sources_and_scales_with_them(first, second, factor):
    made = replace(line(2.0, -1.0, 0.0), sigmas=("reflectance_red", "reflectance_nir"))
    at = [np.array([0.5]), np.array([0.5])]
    small = made.uncertainties(*at, np.array([first]), np.array([second]))[0][0]
    large = made.uncertainties(*at, np.array([factor * first]), np.array([factor * second]))[0][0]
    assert large >= small * (1 - 1e-9)
    assert large == pytest.approx(factor * small, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (["float32", "float32"], "float32"),
        (["float32", "uint8"], "float32"),
        (["float32", "int16"], "float32"),
        (["float32", "int32"], "float64"),  # 2^24 + 1 is no float32
        (["float32", "float64"], "float64"),
        (["uint8"], "float64"),
    ],
)
def test_small_integers_follow_the_floats(dtypes, expected):
    assert float_type([np.dtype(d) for d in dtypes]) == expected
    value, *_ = block().values(*(np.ones(2, d) for d in (dtypes * 2)[:2]))
    assert value.dtype == expected


# ---- causes, own bits, own uncertainty, methods, years ---------------------------------------------------------------
def test_each_faulty_input_has_a_bit_of_its_own():
    red, nir = np.array([0.1, np.nan, 0.1, 9.0]), np.array([0.4, 0.4, -9.0, np.nan])
    *_, cause = block().values(red, nir)
    assert cause.tolist() == [0, 1, 2, 3]
    assert cause.dtype == np.uint32


def test_the_position_in_the_spec_counts_not_that_among_the_inputs_used():
    *_, cause = block(lambda *, reflectance_nir: reflectance_nir, inputs=(NIR,)).values(np.array([np.nan]))
    assert cause.tolist() == [2]


BRIGHT = Flag(FIRST_OWN_BIT, "bright", "it is bright")


def test_own_bits_are_set_from_inputs_options_and_values():
    spec = replace(SPEC, flags=(BRIGHT,))

    def quality(*, reflectance_red, values, gain):
        return {"bright": (reflectance_red > 0.3) & (values["ratio"] > gain)}

    made = block(spec=spec, quality=quality, options={"gain": 1.0})
    _, bits, _ = made.values(np.array([0.4, 0.4, 0.1]), np.array([0.8, 0.2, 0.8]))
    assert bits.tolist() == [BRIGHT.mask, 0, 0]


def test_a_bit_that_the_spec_does_not_list_is_refused():
    with pytest.raises(MusyqError, match="sets a bit 'bright'"):
        block(quality=lambda **_: {"bright": True}).values(np.ones(1), np.ones(1))


def test_own_uncertainty_gets_given_and_default_sigmas_and_masked_inputs():
    spec = replace(SPEC, inputs=(replace(RED, uncertainty=(0.0, 0.1)), NIR))
    seen = {}

    def uncertainty(*, reflectance_red, reflectance_red_uncertainty, reflectance_nir_uncertainty):
        seen["red"] = reflectance_red
        return np.hypot(reflectance_red_uncertainty, reflectance_nir_uncertainty)

    made = block(spec=spec, inputs=spec.inputs, uncertainty=uncertainty, sigmas=("reflectance_nir",))
    (sigma,) = made.uncertainties(np.array([0.3, 9.0]), np.array([0.4, 0.4]), np.array([0.04, 0.04]))
    np.testing.assert_allclose(sigma, [0.05, np.nan])  # 3-4-5
    assert np.isnan(seen["red"][1])


def test_own_uncertainty_of_too_few_variables_is_refused():
    with pytest.raises(MusyqError, match="returned 0 arrays"):
        block(uncertainty=lambda **_: []).uncertainties(np.ones(1), np.ones(1))


def test_steps_end_where_the_range_of_an_input_does():
    """One sigma of 0.2 around 0.05 would reach -0.15: the slope of a line is the same from the shorter step."""
    red = replace(RED, uncertainty=(0.2, 0.0))
    spec = replace(SPEC, inputs=(red, NIR))
    made = block(lambda *, reflectance_red, reflectance_nir: 3 * reflectance_red + reflectance_nir, spec)
    sigma, = made.uncertainties(np.array([0.05, 0.5, HIGH]), np.full(3, 0.4))  # fmt: skip
    np.testing.assert_allclose(sigma, 0.6)


def test_a_root_near_zero_keeps_a_finite_error():
    red = replace(RED, uncertainty=(0.3, 0.0))
    made = block(lambda *, reflectance_red, reflectance_nir: np.sqrt(reflectance_red + 0.05) + 0 * reflectance_nir,
                 replace(SPEC, inputs=(red, NIR)))  # fmt: skip
    (sigma,) = made.uncertainties(np.array([0.0]), np.array([0.4]))
    assert sigma[0] == pytest.approx(0.3 / 0.35 * np.sqrt(0.35))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_side_without_a_value_leaves_the_slope_of_the_other(sign):
    """One sigma of 0.2 around 0.4 of a function that ends at 0.3: the slope away from there is the slope."""
    spec = replace(SPEC, inputs=(replace(RED, uncertainty=(0.2, 0.0)), NIR))

    def body(*, reflectance_red, reflectance_nir):
        defined = sign * (reflectance_red - 0.3) > 0
        return np.where(defined, 5 - 3 * reflectance_red, np.nan) + 0 * reflectance_nir

    red = 0.3 + sign * np.array([0.02, 0.25, -0.02])
    (sigma,) = block(body, spec).uncertainties(red, np.full(3, 0.4))
    np.testing.assert_allclose(sigma, [0.6, 0.6, np.nan])


@pytest.mark.parametrize("support", ["period", "yearly"])
def test_steps_of_a_look_near_the_end_of_the_range_do_not_weigh_more(support):
    """Of ten looks one lies at the end: the mean moves by 9.5 tenths of a sigma, not by the mean of ten slopes."""
    spec = replace(SPEC, inputs=(replace(RED, uncertainty=(0.1, 0.0)), NIR), support=support)

    def mean(*, reflectance_red, reflectance_nir):
        found = np.nanmean(reflectance_red + 0 * reflectance_nir, axis=-1)
        return found if support == "period" else found[..., None]

    years = {"years": (2018,), "in_year": np.ones((10, 1), bool)} if support == "yearly" else {}
    looks = np.array([[LOW, *np.full(9, 0.5)]])
    (sigma,) = block(mean, spec, **years).uncertainties(looks, np.full((1, 10), 0.4))
    np.testing.assert_allclose(sigma.ravel(), [0.1 * 9.5 / 10])


@pytest.mark.parametrize("fill", [-9999.0, np.inf, np.nan, 65535.0])
def test_a_fill_value_among_the_looks_has_no_error_to_give(fill):
    spec = replace(SPEC, inputs=(replace(RED, uncertainty=(0.1, 0.0)), NIR), support="period")

    def steepest(*, reflectance_red, reflectance_nir):
        return np.nanmax(reflectance_red, axis=-1) ** 2 + 0 * np.nanmax(reflectance_nir, axis=-1)

    look = np.array([[0.3, fill, 0.5]])
    with_fill = block(steepest, spec).uncertainties(look, np.full((1, 3), 0.4))
    without = block(steepest, spec).uncertainties(look[:, ::2], np.full((1, 2), 0.4))
    np.testing.assert_array_equal(with_fill, without)
    np.testing.assert_allclose(without[0], [2 * 0.5 * 0.1])
    np.testing.assert_array_equal(look, [[0.3, fill, 0.5]])


def test_a_method_has_an_error_of_its_own():
    method = Method("rough", model_uncertainty=(("ratio", 3.0, 0.0),))
    (sigma,) = block(method=method).uncertainties(np.array([0.1]), np.array([0.4]))
    np.testing.assert_allclose(sigma, 3.0)


YEARLY = replace(SPEC, support="yearly")
MEMBERS = np.array([[True, False], [True, False], [False, True]])


def yearly(body=None, **changes):
    def mean(*, reflectance_red, reflectance_nir):
        ratio = np.where(np.isnan(reflectance_red), 0.0, reflectance_nir / reflectance_red)
        good = (~np.isnan(reflectance_red)).astype(float)
        return (ratio @ MEMBERS) / (good @ MEMBERS)

    return block(body or mean, YEARLY, years=(2018, 2019), in_year=MEMBERS, **changes)


def test_yearly_results_have_a_value_a_year():
    values, bits, cause = yearly().values(np.array([[0.1, 0.2, 0.4]]), np.full((1, 3), 0.4))
    np.testing.assert_allclose(values, [[3.0, 1.0]])
    assert bits.shape == cause.shape == (1, 2)
    assert not bits.any()


def test_a_year_lacks_an_input_only_if_all_its_samples_do():
    nan = np.nan
    _, bits, cause = yearly().values(np.array([[nan, 0.2, nan], [nan, 9.0, 0.4]]), np.full((2, 3), 0.4))
    assert bits[0].tolist() == [0, INPUT_MISSING.mask]
    assert bits[1].tolist() == [INPUT_MISSING.mask | INPUT_OUT_OF_RANGE.mask, 0]
    assert cause.tolist() == [[0, 1], [1, 0]]


# ---- inputs that the retrieval does without --------------------------------------------------------------------------
def test_an_optional_input_is_to_blame_only_where_a_value_is_lost():
    inputs = (Input("reflectance_red"), Input("aod", optional=True))
    variables = (Variable("v", "v", "1", valid_range=(0.0, 1.0), dtype="float32", fill=0),)
    spec = Product("probe", "Probe", variables, inputs)

    def body(*, reflectance_red, aod):
        """Do without aerosol over dark ground alone."""
        return np.where(np.isnan(aod) & (reflectance_red < 0.2), reflectance_red, reflectance_red - aod)

    block = Block(spec, body, inputs, spec.variables)
    value, qa, cause = block.values(np.array([0.1, 0.4, 0.5, np.nan]), np.array([np.nan, np.nan, 0.1, 9.0]))
    np.testing.assert_allclose(value, [0.1, np.nan, 0.4, np.nan])
    missing, outside = INPUT_MISSING.mask, INPUT_OUT_OF_RANGE.mask
    assert qa.tolist() == [0, missing, 0, missing | outside]
    assert cause.tolist() == [2, 2, 0, 3]
