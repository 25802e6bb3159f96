"""What a learner may hand in, and what is said of what cannot be judged."""

import math
from decimal import Decimal

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from musyq_lab.training._answers import LARGEST, Unfit, choice, layers, number, several

GRID = xr.DataArray(
    np.arange(12.0).reshape(3, 4), dims=("y", "x"), coords={"y": [30.0, 20.0, 10.0], "x": [0.0, 10.0, 20.0, 30.0]}
)


def told(function, *arguments) -> str:
    with pytest.raises(Unfit) as caught:
        function(*arguments)
    assert caught.value.told("zh") != caught.value.told("en")
    return caught.value.told("en")


@pytest.mark.parametrize(
    "answer",
    [12.5, np.float32(12.5), np.array(12.5), np.array([[12.5]]), xr.DataArray([12.5]), da.from_array([12.5]).sum()],
)
def test_a_number_comes_in_many_forms(answer):
    assert number(answer, "K") == 12.5


@pytest.mark.parametrize(("value", "units"), [(12.5, "K"), (-260.65, "degC"), (12500.0, "mK")])
def test_a_number_that_says_its_unit_is_turned_into_that_of_the_exercise(value, units):
    assert number(xr.DataArray(value, attrs={"units": units}), "K") == pytest.approx(12.5, abs=1e-9)


def test_words_that_are_no_unit_do_not_stop_it():
    assert number(xr.DataArray(3.0, attrs={"units": "IGBP class"}), "K") == 3.0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "no answer yet"),
        ("12.5", "a text"),
        (True, "True or False"),
        (np.bool_(True), "True or False"),
        (1j, "a complex number"),
        ([1.0, 2.0], "a list"),
        (np.arange(3.0), "an array of shape 3"),
        (np.array(["a", "b"]), "an array without numbers"),
        (xr.Dataset({"lai": GRID}), "a Dataset with lai"),
        (math.sin, "call it"),
        (Decimal("1.5"), "a Decimal"),
        ({}, "a dict"),
        (math.nan, "NaN"),
        (math.inf, "infinite"),
        (xr.DataArray(1.0, attrs={"units": "kg"}), "cannot be turned into K"),
    ],
)
def test_what_is_no_number_is_told_in_plain_words(answer, words):
    assert words in told(number, answer, "K")


def test_a_lazy_answer_that_fails_says_why():
    def fail(block):
        raise RuntimeError("a file went away")

    lazy = da.ones(4, chunks=2).map_blocks(fail, dtype=float, meta=np.ones(0)).sum()
    assert "a file went away" in told(number, lazy, "K")


def test_what_takes_too_much_memory_is_not_computed():
    def fail(block):
        raise AssertionError("it was computed")

    lazy = da.ones(LARGEST // 8 + 1, chunks=1 << 24).map_blocks(fail, dtype=float, meta=np.ones(0))
    assert "1.1 GB" in told(layers, lazy, {"lai": GRID}, "1")


@pytest.mark.parametrize("answer", [12, 12.0, np.int64(12), np.array([12]), " 12 ", xr.DataArray(12)])
def test_a_choice_may_be_spelled_in_many_ways(answer):
    assert choice(answer, (4, 12)) == 12


def test_a_choice_of_words_does_not_see_capitals():
    assert choice(" MODIS", ("modis", "viirs")) == "modis"
    assert choice("anything", ()) == "anything"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (13, "none of the candidates: 4, 12"),
        (math.nan, "NaN"),
        ([4, 12], "a list"),
        ({4}, "a set"),
        (None, "no answer yet"),
    ],
)
def test_what_is_no_choice_is_told(answer, words):
    assert words in told(choice, answer, (4, 12))


@pytest.mark.parametrize("answer", [{"a", "b"}, ["b", "A"], ("a", "b", "b"), np.array(["a", "b"]), {"a": 1, "b": 2}])
def test_a_set_comes_in_many_forms(answer):
    assert set(several(answer, ("a", "b", "c")).values()) == {"a", "b"}


@pytest.mark.parametrize(("answer", "words"), [("ab", "a text"), (3, "a int"), (["a", "d"], "d is none of")])
def test_what_is_no_set_is_told(answer, words):
    assert words in told(several, answer, ("a", "b", "c"))


@pytest.mark.parametrize(
    "answer",
    [
        GRID,
        GRID.values,
        GRID.chunk(2),
        GRID.T,
        GRID.expand_dims("time"),
        GRID.isel(y=slice(None, None, -1)),
        GRID.drop_vars(["x", "y"]),
        GRID.astype("float32"),
        GRID.to_dataset(name="anything"),
        GRID.assign_coords(x=GRID["x"] + 0.01),
    ],
)
def test_an_array_is_laid_on_the_truth_by_name_and_coordinate(answer):
    given, known = layers(answer, {"lai": GRID}, "1")["lai"]
    np.testing.assert_array_equal(given, known)


def test_an_array_in_another_unit_is_turned():
    given, known = layers((GRID - 273.15).assign_attrs(units="degC"), {"lst": GRID}, "K")["lst"]
    np.testing.assert_allclose(given, known, atol=1e-9)


def test_bands_are_layers_of_their_own_and_go_by_name():
    bands = xr.concat([GRID, GRID + 100], xr.DataArray(["red", "nir"], dims="band", name="band"))
    truth = {"nir": GRID + 100, "red": GRID}
    for answer in (bands, bands.to_dataset("band"), bands.isel(band=[1, 0])):
        pairs = layers(answer, truth, "1")
        assert all(np.array_equal(*pair) for pair in pairs.values())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (3.0, "a float"),
        ("map", "a text"),
        (GRID.values[:2], "2 x 4, the truth has 3 x 4"),
        (GRID[:2], "2 y, 4 x, the truth has 3 y, 4 x"),
        (GRID.rename(x="longitude"), "3 y, 4 longitude"),
        (GRID.assign_coords(x=GRID["x"] + 5), "its x runs from 5.0 to 35.0"),
        (GRID.astype(str), "an array without numbers"),
        (GRID.assign_attrs(units="m"), "cannot be turned into K"),
        (GRID.isel(x=0, y=0), "1, the truth has 3 y"),
    ],
)
def test_an_array_that_does_not_fit_is_told(answer, words):
    assert words in told(layers, answer, {"lst": GRID}, "K")


def test_a_layer_that_lacks_is_named():
    assert "lacks nir. It must hold red, nir" in told(
        layers, GRID.to_dataset(name="red"), {"red": GRID, "nir": GRID}, "1"
    )
