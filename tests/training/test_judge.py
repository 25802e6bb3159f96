"""How answers are held against the truth: who passes, by how much the others fail, and which mistake is seen."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError
from musyq_lab.training._answers import Unfit
from musyq_lab.training._exercise import Exercise
from musyq_lab.training._judge import judge, shown
from musyq_lab.training._truth import Truth

RNG = np.random.Generator(np.random.Philox(3))


def asked(kind="number", units="K", share=0.95, **tolerance) -> Exercise:
    measured = kind in ("number", "array")
    return Exercise("x-1", "nb", "?", kind, "m.f", units if measured else "", tolerance, share)


def field(scale=1.0, offset=0.0, shape=(20, 30), units="K") -> xr.DataArray:
    return xr.DataArray(offset + scale * RNG.random(shape), dims=("y", "x"), attrs={"units": units})


@given(
    truth=st.floats(-1e6, 1e6),
    off=st.floats(-1e3, 1e3),
    absolute=st.floats(0, 100),
    relative=st.floats(0, 0.5),
)
@settings(max_examples=200, deadline=None)
def test_a_number_passes_if_and_only_if_it_lies_within_the_tolerance(truth, off, absolute, relative):
    allowed = absolute + relative * abs(truth)
    answer = truth + off
    assume(abs(abs(answer - truth) - allowed) > 1e-9 * (1 + abs(truth)))
    verdict = judge(asked(absolute=absolute, relative=relative), answer, Truth(truth), "en")
    assert verdict.passed == (abs(answer - truth) <= allowed)
    if not verdict.passed:
        assert ("too high" in verdict.text) == (answer > truth)


def test_a_number_that_is_wrong_is_not_told_the_solution():
    """Half of a step of what is shown is all that is known of it."""
    for answer in (0.0, 200.0, 299.0, 3012.0, -5.5):
        text = judge(asked(absolute=0.3), answer, Truth(301.234), "en").text
        assert "301" not in text
        distance = float(text.split("about ")[1].split()[0])
        assert distance == pytest.approx(abs(answer - 301.234), rel=0.4)


def test_a_number_that_is_right_is_told_the_truth():
    assert judge(asked(absolute=0.3), 301.3, Truth(301.234), "en").text.startswith("301.3 K; the truth is 301.23 K")
    assert judge(asked(units="1", absolute=1e-6), 0.0912345, Truth(0.0912345), "en").text.startswith("0.0912345; the")


def test_the_truth_may_bring_its_own_tolerance():
    assert judge(asked(absolute=0.1), 5.0, Truth(4.0, allowed=2.0), "en").passed
    assert not judge(asked(absolute=10), 5.0, Truth(4.0, allowed=0.5), "en").passed


@pytest.mark.parametrize("truth", [np.nan, np.inf])
def test_an_unknown_truth_is_no_fault_of_the_answer(truth):
    with pytest.raises(InputError, match="not known here"):
        judge(asked(absolute=1), 3.0, Truth(truth), "en")


@pytest.mark.parametrize(
    ("truth", "answer", "units", "mistake"),
    [
        (301.2, 28.05, "K", "celsius"),
        (28.05, 301.2, "degC", "celsius"),
        (0.23, 2300.0, "1", "stored"),
        (0.23, 23.0, "1", "per_cent"),
        (23.0, 0.23, "%", "per_cent"),
        (0.23, -0.23, "1", "sign"),
        (0.23, 0.77, "1", "complement"),
        (0.23, 2.3e-5, "1", "scaled_twice"),
        (4.5, 4500.0, "g m-2 d-1", "thousand"),
        (57.0, 57 * np.pi / 180, "degree", "radians"),
        (301.2, 310.0, "K", ""),
        (0.23, 0.3, "1", ""),
        (0.5, 0.62, "1", ""),
        (0.0, 0.4, "1", ""),
    ],
)
def test_common_mistakes_are_seen_in_a_number(truth, answer, units, mistake):
    assert judge(asked(units=units, relative=0.01), answer, Truth(truth), "en").mistake == mistake


def test_own_mistakes_come_before_the_common_ones_and_the_nearest_first():
    truth = Truth(0.23, mistakes={"far": 2301.0, "near": (5.0, 2300.0), "unknown": np.nan, "same": 0.23})
    assert judge(asked(units="1", relative=0.01), 2300.0, truth, "en").mistake == "near"
    assert judge(asked(units="1", relative=0.01), 5.0, truth, "en").mistake == "near"
    assert judge(asked(units="1", relative=0.01), 0.26, truth, "en").mistake == ""


def test_an_array_passes_by_the_share_of_its_cells():
    truth = field()
    for count, passed in ((30, True), (31, False)):  # of 600
        answer = truth.copy(deep=True)
        answer.values.ravel()[:count] += 5
        assert judge(asked("array", absolute=0.1), answer, Truth(truth), "en").passed == passed


def test_the_numbers_of_an_array_are_those_of_numpy():
    truth = field()
    answer = truth + RNG.normal(2, 3, truth.shape)
    text = judge(asked("array", absolute=1.0), answer, Truth(truth), "en").text
    error = (answer - truth).values
    assert f"{np.mean(abs(error) <= 1):.0%} of 600 cells lie within 1 K" in text
    assert f"rms error is {shown(np.sqrt(np.mean(error**2)), 2)} K" in text
    assert f"bias {shown(error.mean(), 2)} K" in text


def test_cells_that_either_lacks_are_left_out_and_counted():
    truth, answer = field(), None
    truth[:2] = np.nan
    answer = truth.copy(deep=True)
    answer[2:4] = np.nan  # a ninth of what is known
    verdict = judge(asked("array", absolute=0.1), answer, Truth(truth), "en")
    assert not verdict.passed
    assert "in 89%" in verdict.text
    assert judge(asked("array", absolute=0.1, share=0.85), answer, Truth(truth), "en").passed


def test_an_array_without_a_value_is_told():
    with pytest.raises(Unfit) as caught:
        judge(asked("array", absolute=0.1), field() * np.nan, Truth(field()), "en")
    assert "NaN everywhere" in caught.value.told("en")


TRUTH = field(20, 290)
CLOUDS = xr.DataArray(RNG.random(TRUTH.shape) < 0.4, dims=TRUTH.dims)
WRONG = {
    "celsius": TRUTH - 273.15,
    "stored": 1e4 * TRUTH,
    "per_cent": 100 * TRUTH,
    "sign": -TRUTH,
    "flipped": TRUTH.copy(data=TRUTH.values[::-1]),
    "offset": TRUTH + 7 + 0.05 * RNG.normal(size=TRUTH.shape),
    "hidden": TRUTH.where(~CLOUDS, TRUTH - 15),
    "own": 0.5 * TRUTH + 40,
    "": TRUTH + RNG.normal(0, 20, TRUTH.shape),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_common_mistakes_are_seen_in_an_array(mistake):
    truth = Truth(TRUTH.where(~CLOUDS), mistakes={"own": 0.5 * TRUTH + 40}, hidden=CLOUDS)
    answer = WRONG[mistake] if mistake in ("hidden", "flipped") else WRONG[mistake].where(~CLOUDS)
    if mistake == "flipped":  # without its gaps in the wrong places
        truth = Truth(TRUTH)
    answer = answer.drop_attrs()
    verdict = judge(asked("array", absolute=0.3), answer, truth, "en")
    assert (verdict.passed, verdict.mistake) == (False, mistake)


def test_values_under_clouds_fail_even_where_the_truth_has_none():
    truth = Truth(TRUTH.where(~CLOUDS), hidden=CLOUDS)
    assert judge(asked("array", absolute=0.3), TRUTH.where(~CLOUDS), truth, "en").passed
    verdict = judge(asked("array", absolute=0.3), TRUTH, truth, "en")
    assert (verdict.passed, verdict.mistake) == (False, "hidden")


def test_two_layers_that_were_swapped_are_named():
    truth = xr.Dataset({"red": field(0.1, units="1"), "nir": field(0.1, 0.3, units="1")})
    swapped = truth.rename(red="nir", nir="red")
    verdict = judge(asked("array", "1", absolute=0.001), swapped, Truth(truth), "en")
    assert not verdict.passed
    assert verdict.text.startswith("in red, ")
    assert verdict.hint == "red looks like the truth of nir: were two layers swapped?"
    assert judge(asked("array", "1", absolute=0.001), truth, Truth(truth), "en").passed


def test_a_choice_is_right_or_not_and_never_says_which_is():
    truth = Truth("modis", options=("modis", "viirs", "abi"), mistakes={"near": ["viirs"]})
    assert judge(asked("choice"), "MODIS", truth, "en").passed
    verdict = judge(asked("choice"), "viirs", truth, "en")
    assert (verdict.passed, verdict.mistake) == (False, "near")
    assert "modis" not in verdict.text
    assert judge(asked("choice"), "abi", truth, "en").mistake == ""


def test_a_set_is_counted():
    truth = Truth({"a", "b", "c"}, options="abcdef", mistakes={"first": {"a"}})
    assert judge(asked("set"), ["c", "b", "a"], truth, "en").passed
    verdict = judge(asked("set"), {"a", "b", "e"}, truth, "en")
    assert verdict.text == "2 of 3 are there, 1 in your answer do not belong."
    assert judge(asked("set"), {"a"}, truth, "en").mistake == "first"
    assert not judge(asked("set"), set("abcd"), truth, "en").passed
    assert not judge(asked("set"), [], truth, "en").passed


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(12345.6, 3, "12300"), (0.0123456, 3, "0.0123"), (-4.567, 2, "-4.6"), (0.0, 3, "0"), (3e6, 1, "3000000")],
)
def test_numbers_are_shown_without_exponent(value, digits, text):
    assert shown(value, digits) == text
