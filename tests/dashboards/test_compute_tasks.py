"""What the Compute page computes: lines that make the same, names that are refused, sentences before any work."""

import dask
import numpy as np
import pytest
import xarray as xr

import musyq_lab as ml
from musyq_lab.core.errors import MusyqError
from musyq_lab.dashboards import _compute_tasks as module
from musyq_lab.dashboards._compute_inputs import Inputs
from musyq_lab.dashboards._compute_tasks import AUTOMATIC, AlgorithmTask, ExpressionTask, checked_name, finite
from musyq_lab.products._registry import PRODUCTS

DIMS = ("time", "latitude", "longitude")


def data(seed=0, **layers) -> xr.Dataset:
    draw = np.random.Generator(np.random.Philox(seed))
    times = np.array(["2020-01-01", "2020-02-01", "2020-03-01"], "M8[ns]")
    coords = {"time": times, "latitude": [2.0, 1.0], "longitude": [10.0, 11.0, 12.0]}
    made = {name: (DIMS, draw.random((3, 2, 3)) + 1, {"units": units}) for name, units in layers.items()}
    return xr.Dataset(made, coords)


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    sigma = {"nir": "1", "nir_uncertainty": "1", "heat": "K"}
    made = Inputs({"one": data(1, **sigma), "two": data(2, nir="1", nir_uncertainty="1", lai="m2 m-2")})
    made.choose(["one", "two"])
    return made


def run(inputs: Inputs, task) -> xr.Dataset:
    """Run the lines as a reader would, with the data under their short names."""
    names = {"ml": ml, **{source.alias: source.dataset for source in inputs.sources}}
    exec("\n".join(task.code()), names)
    return names["made"]


TEXTS = ["a.nir - b.nir", "lai * 2", "mean(heat, 'time')", "heat > unit(1.5, 'K')", "where(a.nir > 1.5, lai, nan)"]


@pytest.mark.parametrize("text", TEXTS)
def test_the_lines_make_the_result_of_the_page(inputs, text):
    task = ExpressionTask(inputs, text, "made_here")
    made, again = task.dataset(), run(inputs, task)
    xr.testing.assert_allclose(again, made)
    assert ("made_here_uncertainty" in again) == ("made_here_uncertainty" in made)


@pytest.mark.parametrize("text", TEXTS)
def test_a_sentence_says_the_shape_and_unit_without_any_work(inputs, text):
    def refuse(*_args, **_options):
        raise AssertionError("computed")

    task = ExpressionTask(inputs, text, "made_here")
    with dask.config.set(scheduler=refuse):
        said = task.sentence()
        made = task.dataset()["made_here"]
    for dim, size in made.sizes.items():
        assert f"{size:,} {dim}" in said
    assert said.endswith(".")
    assert ("true or false" in said) == (">" in text and "where" not in text)


def test_numbers_are_those_of_numpy_and_go_to_the_unit_that_is_asked(inputs):
    one, two = data(1, nir="1", nir_uncertainty="1", heat="K"), data(2, nir="1", nir_uncertainty="1", lai="m2 m-2")
    made = ExpressionTask(inputs, "a.nir - b.nir", "gap", units="%").dataset()["gap"]
    np.testing.assert_allclose(made, 100 * (one.nir - two.nir))
    assert made.attrs["units"] == "%"
    task = ExpressionTask(inputs, "heat", "warm", units=" degC ")
    np.testing.assert_allclose(task.dataset()["warm"], one.heat - 273.15)
    xr.testing.assert_allclose(run(inputs, task), task.dataset())


def test_a_result_is_stored_as_what_it_is(inputs):
    plain = ExpressionTask(inputs, "a.nir", "plain")
    (variable,) = plain.spec(plain.dataset()).variables
    assert (variable.name, variable.units, variable.dtype, variable.uncertain) == ("plain", "1", "float32", True)
    truth = ExpressionTask(inputs, "lai > 1.5", "dense")
    (variable,) = truth.spec(truth.dataset()).variables
    assert [code for code, _ in variable.classes] == [0, 1]
    assert truth.dataset().attrs["product"] == "dense"


BAD = ["", "A", "1a", "a-b", "a b", "../x", "a" * 31, "_a", "ä", "a\n", "a.b", *sorted(PRODUCTS)[:3]]


@pytest.mark.parametrize("name", BAD)
def test_names_that_cannot_be_folders_and_variables_are_refused(inputs, name):
    for attempt in (lambda: checked_name(name), ExpressionTask(inputs, "lai", name).dataset):
        with pytest.raises(MusyqError) as told:
            attempt()
        assert len(str(told.value)) < 250


@pytest.mark.parametrize("name", ["a", "x9_", "a" * 30])
def test_plain_names_are_taken(name):
    assert checked_name(name) == name


@pytest.mark.parametrize("text", ["", "lai +", "nir", "a.red", "lai + heat", "__import__('os')", "lai.values"])
def test_bad_expressions_are_told_before_anything_is_done(inputs, text):
    task = ExpressionTask(inputs, text, "made_here")
    for attempt in (task.sentence, task.dataset):
        with pytest.raises(MusyqError):
            attempt()


def test_longer_expressions_are_expected_to_hold_more():
    sizes = [ExpressionTask(None, text, "a").parts for text in ("lai", "lai + 1", "(lai + 1) / (lai - 1)")]
    assert sizes == sorted(set(sizes))
    assert sizes[0] >= 2


def test_an_algorithm_without_data_asks_for_them():
    task = AlgorithmTask(Inputs({}), sorted(PRODUCTS)[0], "made_here")
    with pytest.raises(MusyqError, match="Choose the data"):
        task.dataset()


@pytest.mark.parametrize(
    ("mapped", "method", "line"),
    [
        ({}, "", 'made = ml.retrieve("lai", a)'),
        ({"red": AUTOMATIC}, "", 'made = ml.retrieve("lai", a)'),
        ({"red": "a.nir"}, "", 'made = ml.retrieve("lai", a, red=a["nir"])'),
        ({"red": "lai", "nir": AUTOMATIC}, "x", 'made = ml.retrieve("lai", a, red=b["lai"], method="x")'),
        ({"red": "b"}, "", 'made = ml.retrieve("lai", a, red=b)'),
    ],
)
def test_inputs_of_an_algorithm_are_written_as_their_owners_hold_them(inputs, mapped, method, line):
    assert AlgorithmTask(inputs, "lai", "made_here", method, mapped).code() == [line]


def test_an_algorithm_is_given_what_is_mapped(inputs, monkeypatch):
    seen = {}

    def body(first, **given):
        seen.update(given, first=first)
        return xr.Dataset()

    monkeypatch.setattr(module, "_retrieval", lambda _key: body)
    AlgorithmTask(inputs, "lai", "made_here", "quick", {"red": "b.nir", "nir": "lai", "sun": AUTOMATIC}).dataset()
    assert seen["method"] == "quick"
    assert "sun" not in seen
    xr.testing.assert_identical(seen["first"], inputs.sources[0].dataset)
    xr.testing.assert_identical(seen["red"], inputs.sources[1].dataset["nir"])
    xr.testing.assert_identical(seen["nir"], inputs.sources[1].dataset["lai"])


def test_infinite_values_are_missing_and_all_else_is_as_it_was():
    attrs = {"units": "K", "long_name": "heat"}
    wild = ("x", [1.0, np.inf, -np.inf, np.nan], attrs)
    others = {"n": ("x", np.arange(4, dtype="uint8")), "t": ("x", [True] * 4)}
    given = xr.Dataset({"a": wild, **others}, attrs={"title": "x"})
    made = finite(given)
    np.testing.assert_array_equal(made["a"], [1.0, np.nan, np.nan, np.nan])
    assert made["a"].attrs == attrs
    assert made.attrs == given.attrs
    xr.testing.assert_identical(made[["n", "t"]], given[["n", "t"]])
