"""Choices of an entry: types are exact, ranges closed, nothing unknown passes in silence."""

import dataclasses
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.catalog._spec import CatalogSpec, EntrySpec, ParameterSpec
from musyq_lab.core.errors import CatalogError

YEAR = ParameterSpec("year", "int", 2014, "year", (2014, 2015))
SHARE = ParameterSpec("share", "float", 0.5, min=0.0, max=1.0)


def entry(*parameters: ParameterSpec) -> EntrySpec:
    return EntrySpec("rain", "musyq_raster", {"urlpath": "x"}, "/", parameters=parameters)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("bool", True), ("bool", False), ("int", 0), ("int", -3), ("float", 1), ("float", 0.5), ("str", ""), ("str", "a")],
)
def test_a_value_of_the_type_comes_back_as_it_is(kind, value):
    found = ParameterSpec("p", kind, value).check(value)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", True),
        ("float", False),
        ("int", 1.0),
        ("int", "1"),
        ("float", "0.5"),
        ("str", 5),
        ("str", b"a"),
        ("bool", 1),
        ("bool", "true"),
        ("bool", 0),
        ("int", None),
        ("str", ["a"]),
    ],
)
def test_another_type_is_refused_by_name(kind, value):
    with pytest.raises(CatalogError, match=f"p={value!r}".replace("[", r"\[")) as told:
        ParameterSpec("p", kind, None).check(value)
    assert f"type {kind}" in str(told.value)


@settings(max_examples=60, deadline=None)
@given(st.floats(allow_nan=False))
def test_a_range_is_closed_at_both_ends(value):
    if 0.0 <= value <= 1.0:
        assert SHARE.check(value) == value
    else:
        with pytest.raises(CatalogError, match=r"outside 0.0 to 1.0"):
            SHARE.check(value)


@pytest.mark.parametrize(("low", "high", "bad"), [(3, None, 2), (None, 3, 4)])
def test_a_range_may_be_open_at_one_side(low, high, bad):
    spec = ParameterSpec("n", "int", 3, min=low, max=high)
    assert spec.check(3) == 3
    assert spec.check(10**9 if high is None else -(10**9))
    with pytest.raises(CatalogError, match="outside"):
        spec.check(bad)


def test_a_limit_of_zero_is_a_limit():
    with pytest.raises(CatalogError, match="outside"):
        ParameterSpec("n", "int", 1, min=0).check(-1)
    with pytest.raises(CatalogError, match="outside"):
        ParameterSpec("n", "int", -1, max=0).check(1)


@pytest.mark.parametrize("value", [2016, "2015", True])
def test_every_refusal_lists_the_allowed_values(value):
    with pytest.raises(CatalogError, match=r"Allowed: 2014, 2015\."):
        YEAR.check(value)


def test_choose_checks_every_value_and_keeps_only_those_given():
    both = entry(YEAR, SHARE)
    assert both.choose({}) == {}
    assert both.choose({"share": 1}) == {"share": 1}
    assert both.choose({"year": 2015, "share": 0.25}) == {"year": 2015, "share": 0.25}
    with pytest.raises(CatalogError, match="share"):
        both.choose({"year": 2015, "share": 2})


def test_an_unknown_choice_is_told_with_the_nearest_name():
    with pytest.raises(CatalogError, match="Did you mean 'year'"):
        entry(YEAR).choose({"yaer": 2014})
    with pytest.raises(CatalogError, match=r"'rain' has no parameter 'year'. It takes none"):
        entry().choose({"year": 2014})


def test_the_first_of_several_unknown_choices_is_told_whatever_their_order():
    for names in (["b", "a"], ["a", "b"]):
        with pytest.raises(CatalogError, match="no parameter 'a'"):
            entry(YEAR).choose(dict.fromkeys(names, 1))


def test_specs_are_frozen_and_travel_by_pickle():
    catalog = CatalogSpec("/x.yml", (entry(YEAR),), "T", "D")
    assert pickle.loads(pickle.dumps(catalog)) == catalog
    with pytest.raises(dataclasses.FrozenInstanceError):
        YEAR.default = 2015
    with pytest.raises(dataclasses.FrozenInstanceError):
        catalog.title = "other"


def test_entries_share_no_metadata():
    first, second = entry(), entry()
    first.metadata["title"] = "x"
    assert second.metadata == {}
