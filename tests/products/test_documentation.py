"""What a user reads after ``ml.retrieve.<key>?``."""

import pytest

import musyq_lab as ml
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.core.variables import quantity
from musyq_lab.products._documentation import documentation

SPEC = Product(
    "own",
    "Own quantity",
    (Variable("first", "first layer", "1"), Variable("second", "second layer", "K")),
    (Input("ndvi"), Input("air_temperature", optional=True), Input("albedo", source="product:albedo")),
    methods=(Method("short", "a short way", ("ndvi",)), Method("long", "all the way")),
    default=("first",),
)


def body(*, ndvi):
    """Double it."""
    return 2 * ndvi


def section(text, title):
    """The lines below a title, up to the next empty line."""
    return text.split(f"{title}\n{'-' * len(title)}\n", 1)[1].split("\n\n", 1)[0].splitlines()


def test_inputs_have_units_meaning_and_the_methods_that_use_them():
    assert section(documentation(SPEC, body), "Inputs") == [
        "ndvi : 1",
        f"    {quantity('ndvi').meaning}",
        "air_temperature : K, optional, for long",
        f"    {quantity('air_temperature').meaning}",
        "albedo : 1, for long, made by albedo where absent",
        f"    {quantity('albedo').meaning}",
    ]


def test_variables_and_methods_are_told():
    text = documentation(SPEC, body)
    assert section(text, "Variables") == [
        "first : 1", "    first layer", "second : K, if asked for", "    second layer",
    ]  # fmt: skip
    assert section(text, "Methods") == ["short", "    a short way", "long", "    all the way"]
    assert "Quality bits" not in text  # it has none


def test_own_text_comes_first_and_that_of_the_file_last():
    text = documentation(SPEC, body)
    assert text.startswith("Double it.\n\nInputs\n")
    assert text.endswith(f"Definition and sources\n----------------------\n{__doc__}\n")


def test_a_function_typed_in_a_session_has_no_file_to_show(monkeypatch):
    monkeypatch.setattr(body, "__module__", "__main__")
    assert "Definition and sources" not in documentation(SPEC, body)


def test_a_function_without_text_shows_the_title():
    assert documentation(SPEC, lambda *, ndvi: ndvi).startswith("Own quantity\n")


@pytest.mark.parametrize("key", list(ml.PRODUCTS))
def test_every_product_shows_all_it_has(key):
    spec, text = ml.PRODUCTS[key], getattr(ml.retrieve, key).__doc__
    for name in (i.name for i in spec.inputs):
        assert f"\n{name} : " in text
    for name in (*(v.name for v in spec.variables), *spec.method_names, *(f.name for f in spec.flags)):
        assert f"\n{name}" in text
    assert "\nDefinition and sources\n" in text
    assert max(map(len, text.splitlines())) <= 120
