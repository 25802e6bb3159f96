"""Errors: plain texts, the builtin families they belong to, pickling, and suggestions."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musyq_lab.core import errors
from musyq_lab.core.errors import MusyqError, NotFoundError, closest

FAMILIES = {
    "InputError": ValueError,
    "NotFoundError": KeyError,
    "ArchiveError": OSError,
    "CatalogError": ValueError,
    "RecipeError": RuntimeError,
}


@pytest.mark.parametrize(("name", "family"), FAMILIES.items())
def test_each_is_ours_and_of_a_builtin_family(name, family):
    kind = getattr(errors, name)
    with pytest.raises(family) as caught:
        raise kind("Give degrees, not 'radian'.")
    assert isinstance(caught.value, MusyqError)
    assert str(caught.value) == "Give degrees, not 'radian'."


@pytest.mark.parametrize("name", FAMILIES)
def test_pickles_with_its_text(name):
    error = getattr(errors, name)("said\nplainly")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == "said\nplainly"


def test_not_found_without_a_text_is_empty():
    assert str(NotFoundError()) == ""


def test_not_found_serves_the_mapping_protocol():
    class Table(dict):
        def __missing__(self, key):
            raise NotFoundError(f"no {key}")

    with pytest.raises(LookupError, match=r"^no x$"):
        Table()["x"]


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("ndvo", ["ndvi", "evi"], " Did you mean 'ndvi'?"),
        ("NDVI", ["ndvi", "evi"], " Did you mean 'ndvi'?"),
        ("europa", ["Europe", "Oceania"], " Did you mean 'Europe'?"),
        ("zzz", ["b", "a"], " Known: a, b."),
        ("zzz", [], ""),
        ("zzz", [f"name{i}" for i in range(40)], " Known: "),
        ("zzz", [f"name{i}" for i in range(41)], ""),
        ("", ["a"], " Known: a."),
        (7, ["a"], " Known: a."),
    ],
)
def test_closest(name, known, said):
    answer = closest(name, known)
    assert answer == said if said != " Known: " else answer.startswith(said)


def test_closest_reads_a_generator_once_and_a_mapping():
    assert closest("dsr1", (n for n in ["dsr", "vi"])) == " Did you mean 'dsr'?"
    assert closest("dsr1", {"dsr": 1}) == " Did you mean 'dsr'?"


@given(st.text(max_size=20), st.lists(st.text(max_size=10), max_size=60))
def test_closest_names_only_what_is_known(name, known):
    said = closest(name, known)
    if said.startswith(" Did you mean "):
        assert any(said == f" Did you mean {n!r}?" for n in known)
    else:
        assert said in ("", f" Known: {', '.join(sorted(known))}.")
