"""Specs: frozen, hashable, picklable, and refused when they could not work."""

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.quality import COMMON_FLAGS, FIRST_OWN_BIT, Flag
from musyq_lab.core.spec import Input, Method, Product, Variable, Window
from musyq_lab.core.variables import QUANTITIES


def variable(name="ndvi", **changes):
    return Variable(name, long_name=name, units="1", **{"valid_range": (-1.0, 1.0), "scale": 1e-4, **changes})


def product(**changes):
    given = {
        "key": "vi",
        "title": "Vegetation indices",
        "variables": (variable(),),
        "inputs": (Input("reflectance_red"),),
    }
    return Product(**{**given, **changes})


def test_frozen_hashable_picklable():
    spec = product(flags=(Flag(8, "own", "own"),), support=Window(3))
    back = pickle.loads(pickle.dumps(spec))
    assert back == spec
    assert hash(back) == hash(spec)
    for part, name in [(spec, "key"), (spec.variables[0], "scale"), (spec.inputs[0], "source"), (spec.support, "size")]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, name, "x")


def test_lists_become_tuples():
    spec = product(
        variables=[variable(inputs=["reflectance_red"])], inputs=[Input("reflectance_red")], default=["ndvi"], flags=[]
    )
    assert spec == product(variables=(variable(inputs=("reflectance_red",)),), default=("ndvi",))
    assert isinstance(hash(spec), int)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"key": "VI"}, "'VI' must be lower-case"),
        ({"key": ""}, "must be lower-case"),
        ({"key": "1vi"}, "must be lower-case"),
        ({"key": "../vi"}, "must be lower-case"),
        ({"key": "vi\n"}, "must be lower-case"),
        ({"variables": ()}, "makes no variables"),
        ({"variables": (variable(), variable())}, r"names a variable twice: \['ndvi', 'ndvi_uncertainty'\]"),
        ({"variables": (variable(), variable("ndvi_uncertainty"))}, r"twice: \['ndvi_uncertainty'\]"),
        ({"variables": (variable("vi_qa"),)}, r"twice: \['vi_qa'\]"),
        ({"variables": (variable(inputs=("altitude",)),)}, r"needs undeclared inputs \['altitude'\]"),
        ({"inputs": (Input("reflectance_red"), Input("reflectance_red"))}, "names an input twice"),
        ({"default": ("evi",)}, r"unknown variables \['evi'\]"),
        ({"default": "ndvi"}, r"default must be a tuple, got the text 'ndvi'. Write \('ndvi',\)"),
        ({"methods": "fast"}, "methods must be a tuple"),
        ({"flags": (Flag(0, "own", ""),)}, r"cannot use quality \['bit 0'\]. Its own bits are 8 to 15"),
        ({"flags": (Flag(16, "own", ""),)}, "'bit 16'"),
        ({"methods": ("a", Method("a"))}, r"names a method twice: \['a'\]"),
        ({"methods": (Method("a", inputs=("altitude",)),)}, r"names what the product has not: \['altitude'\]"),
        ({"methods": (Method("a", model_uncertainty=(("lai", 1.0, 0.0),)),)}, r"has not: \['lai'\]"),
        ({"inputs": tuple(Input(n) for n in list(QUANTITIES)[:25])}, "has 25 inputs; the most is 24"),
        ({"flags": (Flag(8, "a", ""), Flag(8, "b", ""))}, "'bit 8'"),
        ({"flags": (Flag(8, "gap_filled", ""),)}, "'gap_filled'"),
    ],
)
def test_products_that_could_not_work(changes, said):
    with pytest.raises(InputError, match=said):
        product(**changes)


def test_an_input_outside_the_nomenclature():
    with pytest.raises(NotFoundError, match="Did you mean 'reflectance_red'"):
        product(inputs=(Input("reflectance_redd"),))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"valid_range": (1.0, -1.0)}, "valid range 1.0 to -1.0"),
        ({"valid_range": (float("nan"), 1.0)}, "valid range nan"),
        ({"scale": 0.0}, "scale above 0"),
        ({"scale": -1.0}, "scale above 0"),
        ({"scale": float("nan")}, "scale above 0"),
        ({"offset": float("inf")}, "finite offset"),
        ({"dtype": "int17"}, "type 'int17'"),
        ({"dtype": "uint8", "fill": 255}, "does not fit into uint8"),
        ({"dtype": "uint8", "fill": -1, "scale": 0.1}, "fill -1 does not fit"),
        ({"scale": 1e-5}, "does not fit into int16 with scale 1e-05"),
        ({"fill": 0}, "fill 0 is also the stored form of a valid value"),
        ({"inputs": "reflectance_red"}, "inputs must be a tuple"),
    ],
)
def test_variables_that_could_not_be_stored(changes, said):
    with pytest.raises(InputError, match=said):
        variable(**changes)


@given(
    st.sampled_from(["int8", "uint8", "int16", "uint16", "int32"]),
    st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)),
    st.floats(1e-4, 10.0),
    st.floats(-100.0, 100.0),
    st.integers(-(2**31), 2**31),
)
def test_an_accepted_variable_never_wraps_around(dtype, valid_range, scale, offset, fill):
    try:
        made = variable(dtype=dtype, valid_range=valid_range, scale=scale, offset=offset, fill=fill)
    except InputError:
        return
    values = np.linspace(*made.valid_range, 11)
    stored = np.round((values - offset) / scale)
    assert np.array_equal(stored.astype(dtype), stored)
    assert not np.any(stored == made.fill)
    assert np.allclose(stored * scale + offset, values, atol=scale * 0.51)


def test_floats_are_stored_as_they_are():
    made = variable(dtype="float32", valid_range=(-1e30, 1e30))
    assert not made.packed
    assert variable().packed


def test_open_ranges_are_allowed():
    assert Variable("x", "x", "1").valid_range == (float("-inf"), float("inf"))


def test_derived_names_and_flags():
    spec = product(flags=(Flag(FIRST_OWN_BIT, "own", "own"),))
    assert spec.qa_name == "vi_qa"
    assert spec.variables[0].uncertainty_name == "ndvi_uncertainty"
    assert spec.inputs[0].uncertainty_name == "reflectance_red_uncertainty"
    assert spec.all_flags == (*COMMON_FLAGS, *spec.flags)
    assert spec.variable("ndvi") is spec.variables[0]
    with pytest.raises(KeyError):
        spec.variable("evi")


def test_inputs_take_units_and_range_from_the_nomenclature():
    assert Input("air_temperature").units == "K"
    assert Input("air_temperature").valid_range[0] > 0


@pytest.mark.parametrize(("size", "margin"), [(1, 0), (3, 1), (11, 5)])
def test_window_margin(size, margin):
    assert Window(size).margin == margin


@pytest.mark.parametrize("size", [0, -1, 2, 10])
def test_window_needs_a_centre(size):
    with pytest.raises(InputError, match="odd number of pixels"):
        Window(size)


def test_methods_are_named_by_text_or_described():
    spec = product(methods=("fast", Method("slow", "Slow but sure", references=("10.1/x",))))
    assert spec.method_names == ("fast", "slow")
    assert spec.method("slow").title == "Slow but sure"
    assert spec.method("fast") == Method("fast")
    assert product().method("") == Method("")
    assert isinstance(hash(spec), int)


@pytest.mark.parametrize("choice", [{"classes": [(1, "forest")], "valid_range": (1, 17)}, {"uncertain": False}])
def test_classes_and_probabilities_have_no_uncertainty(choice):
    assert not Variable("x", "x", "1", **choice).uncertain
    assert Variable("x", "x", "1").uncertain
