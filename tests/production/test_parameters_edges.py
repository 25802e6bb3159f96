"""Parameters of recipes: what is read, refused and told at the ends of every kind."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.production.parameters import (
    CHECKS,
    RESERVED,
    SWEEP_LIMIT,
    Kind,
    Parameter,
    parse_all,
    validate_all,
)

YEAR = Parameter("year", "int", default=2015, minimum=2009, maximum=2020)
SHARE = Parameter("share", "float", default=0.5, minimum=0.0, maximum=1.0)
SWITCH = Parameter("switch", "bool", default=True)
TEXT = Parameter("text", "str", default="x")
LANGUAGE = Parameter("language", "choice", default="en", allowed=("en", "zh"))
LEVEL = Parameter("level", "choice", default=1, allowed=(1, 2, 5))
FILE = Parameter("file", "path", nullable=True)
FOLDER = Parameter("folder", "folder")
BANDS = Parameter("bands", "list", default=[], items="choice", allowed=("red", "nir"))
COUNTS = Parameter("counts", "list", default=[], items="int", minimum=1, maximum=9)
FILES = Parameter("files", "list", default=[], items="path")


# --- words that say what is expected
@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (Parameter("a", "int"), "a whole number"),
        (Parameter("a", "int", minimum=3), "a whole number of at least 3"),
        (Parameter("a", "int", maximum=3), "a whole number of at most 3"),
        (Parameter("a", "float", minimum=0, maximum=1.5, unit="m"), "a number from 0 to 1.5 m"),
        (Parameter("a", "float", unit="W m-2"), "a number in W m-2"),
        (Parameter("a", "float", maximum=2, unit="K"), "a number of at most 2 K"),
        (Parameter("a", "bool"), "true or false"),
        (Parameter("a", "str"), "a text"),
        (Parameter("a", "str", allowed=("p", "q")), "a text out of p, q"),
        (Parameter("a", "path"), "the path of a file"),
        (Parameter("a", "folder"), "the path of a folder"),
        (Parameter("a", "choice", allowed=(1, 2)), "one of 1, 2"),
        (Parameter("a", "list", items="float"), "a list of float values"),
        (Parameter("a", "list", items="choice", allowed=("p",)), "a list of choice values out of p"),
    ],
)
def test_what_is_expected_in_words(parameter: Parameter, expected: str) -> None:
    assert parameter.expects == expected


# --- both ends of a range belong to it
@pytest.mark.parametrize(
    ("parameter", "value", "good"),
    [
        (YEAR, 2009, True),
        (YEAR, 2020, True),
        (YEAR, 2021, False),
        (YEAR, 2008, False),
        (SHARE, 0, True),
        (SHARE, 1, True),
        (SHARE, np.nextafter(1.0, 2.0), False),
        (SHARE, -5e-324, False),
        (COUNTS, [1, 9], True),
        (COUNTS, [1, 10], False),
        (COUNTS, [0], False),
        (COUNTS, [], True),
    ],
)
def test_ends_of_a_range_are_in_it(parameter: Parameter, value: object, good: bool) -> None:
    if good:
        assert parameter.validate(value) == value
    else:
        with pytest.raises(InputError, match=rf"'{parameter.name}' = .* is out of range"):
            parameter.validate(value)


@pytest.mark.parametrize("value", [10**400, -(10**400)], ids=["above", "below"])
def test_whole_numbers_too_large_for_a_float_are_refused_in_words(value: int) -> None:
    with pytest.raises(InputError, match="share"):
        SHARE.validate(value)


@given(st.integers())
def test_any_whole_number_is_itself_or_out_of_range(value: int) -> None:
    if 2009 <= value <= 2020:
        assert YEAR.validate(value) == value
    else:
        with pytest.raises(InputError, match="out of range"):
            YEAR.validate(value)


@given(st.floats())
def test_any_number_is_itself_or_told(value: float) -> None:
    if 0 <= value <= 1:
        assert SHARE.validate(value) == value
    else:
        with pytest.raises(InputError, match="share"):
            SHARE.validate(value)


@given(st.text())
def test_any_text_is_itself_unless_it_cannot_be_passed_on(value: str) -> None:
    if "\0" in value:
        with pytest.raises(InputError, match="text"):
            TEXT.validate(value)
    else:
        assert TEXT.validate(value) == value


@given(st.floats(0, 1))
def test_the_text_of_a_number_is_that_number(value: float) -> None:
    assert SHARE.parse(repr(value)) == value


@given(st.integers(2009, 2020))
def test_the_text_of_a_whole_number_is_that_number(value: int) -> None:
    assert YEAR.parse(str(value)) == value


# --- types
@pytest.mark.parametrize("dtype", ["i1", "i2", "u2", "i4", "i8", "u8"])
def test_whole_numbers_of_numpy_become_those_of_python(dtype: str) -> None:
    checked = Parameter("n", "int").validate(np.array(7, dtype)[()])
    assert type(checked) is int
    assert checked == 7


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_numbers_of_numpy_become_those_of_python(dtype: str) -> None:
    checked = SHARE.validate(np.array(0.25, dtype)[()])
    assert type(checked) is float
    assert checked == 0.25


@pytest.mark.parametrize("value", ["1", "5", 1.0, True, np.bool_(True), None])
def test_a_choice_of_numbers_is_told_from_what_equals_it(value: object) -> None:
    with pytest.raises(InputError, match="level"):
        LEVEL.validate(value)


@pytest.mark.parametrize("value", [np.int64(5), np.int8(5)])
def test_a_choice_of_numbers_takes_those_of_numpy(value: object) -> None:
    assert LEVEL.validate(value) == 5
    assert json.dumps(LEVEL.validate(value)) == "5"


@pytest.mark.parametrize("value", [object(), [], {}, b"en", np.array(["en", "zh"]), np.array([])])
def test_a_choice_that_is_none_is_refused_by_name(value: object) -> None:
    with pytest.raises(InputError, match="language"):
        LANGUAGE.validate(value)


@pytest.mark.parametrize("value", ["red,nir", b"red", {"red": 1}, {"red"}, 3, np.array(["red"]), iter(["red"])])
def test_a_list_must_be_a_list(value: object) -> None:
    with pytest.raises(InputError, match=r"'bands' needs a list of choice values"):
        BANDS.validate(value)


def test_bytes_are_no_list_of_numbers() -> None:
    for value in (b"\x01\x02", bytearray(b"\x03")):
        with pytest.raises(InputError, match=r"'counts' needs a list of int values"):
            COUNTS.validate(value)


@pytest.mark.parametrize("value", [[None], ["red", None], [["red"]]])
def test_nothing_is_no_element(value: object) -> None:
    with pytest.raises(InputError, match="bands"):
        BANDS.validate(value)


def test_elements_keep_order_and_may_repeat() -> None:
    assert BANDS.validate(["nir", "red", "nir"]) == ["nir", "red", "nir"]
    assert BANDS.parse("nir,red,,nir,") == ["nir", "red", "nir"]


def test_each_file_of_a_list_must_be_there(tmp_path: Path) -> None:
    good = tmp_path / "a b.nc"
    good.write_bytes(b"x")
    assert FILES.validate([good, str(good)]) == [str(good)] * 2
    with pytest.raises(NotFoundError, match=r"absent\.nc"):
        FILES.validate([good, tmp_path / "absent.nc"])


# --- switches
@pytest.mark.parametrize("text", ["true", "TRUE", " True ", "yes", "YES", "1"])
def test_words_for_yes(text: str) -> None:
    assert SWITCH.parse(text) is True


@pytest.mark.parametrize("text", ["false", "False", "no", " NO", "0"])
def test_words_for_no(text: str) -> None:
    assert SWITCH.parse(text) is False


@pytest.mark.parametrize("text", ["", "t", "2", "on", "ja", "truefalse", "none"])
def test_words_for_neither(text: str) -> None:
    with pytest.raises(InputError, match=r"'switch' needs true or false"):
        SWITCH.parse(text)


# --- nothing
@pytest.mark.parametrize("text", ["", "none", "None", "NULL", "  none "])
def test_nothing_is_a_value_only_where_it_may_be(text: str) -> None:
    assert FILE.parse(text) is None
    for parameter in (YEAR, SHARE, SWITCH, LANGUAGE):
        with pytest.raises(InputError, match=parameter.name):
            parameter.parse(text)


def test_a_text_may_be_the_word_none() -> None:
    assert TEXT.parse("none") == "none"
    assert Parameter("t", "str", nullable=True).parse("none") is None


# --- files and folders
def test_a_folder_must_be_there_and_be_one(tmp_path: Path) -> None:
    file = tmp_path / "文件.nc"
    file.write_bytes(b"x")
    assert FOLDER.validate(tmp_path) == FOLDER.validate(str(tmp_path)) == str(tmp_path)
    with pytest.raises(NotFoundError, match=r"'folder': there is no folder .*Give the path of a folder that exists"):
        FOLDER.validate(tmp_path / "absent")
    with pytest.raises(InputError, match=r"文件\.nc' is a file\. Give the path of the folder it lies in"):
        FOLDER.validate(file)
    with pytest.raises(NotFoundError, match="cannot be looked at"):
        FOLDER.validate("x" * 5000)
    with pytest.raises(InputError, match="folder"):
        FOLDER.validate("a\0b")


def test_an_empty_folder_is_one(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert FOLDER.validate(tmp_path / "empty") == str(tmp_path / "empty")


def test_a_link_to_nowhere_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "link.nc").symlink_to(tmp_path / "gone.nc")
    with pytest.raises(NotFoundError, match="no file"):
        FILE.validate(tmp_path / "link.nc")
    with pytest.raises(NotFoundError, match="no folder"):
        FOLDER.validate(tmp_path / "link.nc")


@pytest.mark.parametrize("parameter", [FILE, FOLDER])
def test_links_in_a_circle_are_told(tmp_path: Path, parameter: Parameter) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises((NotFoundError, InputError), match=parameter.name):
        parameter.validate(tmp_path / "a")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
@pytest.mark.parametrize("parameter", [FILE, FOLDER])
def test_what_may_not_be_looked_at_is_told(tmp_path: Path, parameter: Parameter) -> None:
    closed = tmp_path / "closed"
    (closed / "in").mkdir(parents=True)
    closed.chmod(0)
    try:
        with pytest.raises((NotFoundError, InputError), match="in"):
            parameter.validate(closed / "in")
    finally:
        closed.chmod(0o700)


def test_relative_folders_are_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert FOLDER.parse("d") == FOLDER.parse("./d") == FOLDER.parse("~/d") == str(tmp_path / "d")


# --- sweeps from the command line
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2013", 2013),
        ("2013,2014", [2013, 2014]),
        ("2013..2015", [2013, 2014, 2015]),
        ("2013..2013", [2013]),
        ("2009,2013..2015,2020", [2009, 2013, 2014, 2015, 2020]),
        (" 2013 , 2014 ", [2013, 2014]),
    ],
)
def test_years_of_a_sweep(text: str, expected: object) -> None:
    assert YEAR.parse_values(text) == expected


@pytest.mark.parametrize("text", ["2015..2013", "0..100", "1..1000000000000", f"0..{SWEEP_LIMIT}"])
def test_a_stretch_that_is_none_or_too_long_is_told(text: str) -> None:
    with pytest.raises(InputError, match=rf"smaller number first and at most {SWEEP_LIMIT} numbers"):
        Parameter("n", "int").parse_values(text)


def test_the_longest_stretch_there_may_be() -> None:
    assert Parameter("n", "int").parse_values(f"1..{SWEEP_LIMIT}") == list(range(1, SWEEP_LIMIT + 1))
    assert Parameter("n", "int").parse_values("-3..-1") == [-3, -2, -1]


@pytest.mark.parametrize("text", ["2013,", ",2013", "2013,,2014", ","])
def test_an_empty_value_in_a_sweep_is_told(text: str) -> None:
    with pytest.raises(InputError, match=r"'year' has an empty value in .*between ','"):
        YEAR.parse_values(text)


@pytest.mark.parametrize("text", ["2013..", "..2015", "2013...2015", "a..b", "2013-2015"])
def test_what_is_no_stretch_is_no_number_either(text: str) -> None:
    with pytest.raises(InputError, match=r"'year' needs a whole number from 2009 to 2020"):
        YEAR.parse_values(text)


def test_texts_are_swept_only_where_a_recipe_says_so_and_by_semicolons() -> None:
    assert TEXT.parse_values("a;b,c") == "a;b,c"
    swept = Parameter("text", "str", sweep=True)
    assert swept.parse_values("a,b") == "a,b"
    assert swept.parse_values("a ; b,c") == ["a", "b,c"]
    with pytest.raises(InputError, match=r"between ';'"):
        swept.parse_values("a;;b")


def test_a_choice_with_a_comma_in_it_is_one_value() -> None:
    pair = Parameter("pair", "choice", allowed=("a,b", "c"))
    assert pair.parse_values("a,b") == "a,b"
    assert pair.parse_values("c") == "c"


def test_a_number_whose_sweep_is_forbidden_stays_one() -> None:
    single = Parameter("year", "int", sweep=False)
    assert not single.sweepable
    with pytest.raises(InputError, match=r"'2013,2014'"):
        single.parse_values("2013,2014")
    with pytest.raises(InputError, match="it cannot be swept"):
        single.validate_values([2013, 2014])


# --- sweeps from Python
@pytest.mark.parametrize(
    "several",
    [[2013, 2014], (2013, 2014), range(2013, 2015), np.array([2013, 2014]), pd.Index([2013, 2014])],
    ids=lambda v: type(v).__name__,
)
def test_a_row_of_any_kind_is_several_values(several: object) -> None:
    found = YEAR.validate_values(several)
    assert found == (2013, 2014)
    assert [type(item) for item in found] == [int, int]


@pytest.mark.parametrize("one", [2013, np.int64(2013), np.array(2013), "2013", None, {2013: 1}])
def test_what_is_no_row_is_one_value(one: object) -> None:
    assert YEAR.validate_values(one) is None


def test_a_table_of_values_is_no_row() -> None:
    assert YEAR.validate_values(np.array([[2013, 2014]])) is None
    with pytest.raises(InputError, match="year"):
        YEAR.validate(np.array([[2013, 2014]]))


@pytest.mark.parametrize(
    ("parameter", "values", "message"),
    [
        (YEAR, [], "empty list. Give at least one value: a whole number from 2009 to 2020"),
        (YEAR, [2013, 2013], "2013 twice in a sweep"),
        (YEAR, [2013, 2030], "2030 is out of range"),
        (SHARE, [1, 1.0], "twice"),
        (SWITCH, [True, False, True], "True twice"),
        (LANGUAGE, ["en", "fr"], "cannot be 'fr'"),
        (TEXT, ["a", "b"], "it cannot be swept"),
        (FOLDER, ["a"], "it cannot be swept"),
    ],
)
def test_rows_that_cannot_be_swept(parameter: Parameter, values: list, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parameter.validate_values(values)


def test_a_list_is_the_one_value_of_a_list() -> None:
    assert BANDS.validate_values(["red", "nir"]) is None
    assert not BANDS.sweepable


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("int", True),
        ("float", True),
        ("bool", True),
        ("choice", True),
        ("str", False),
        ("path", False),
        ("list", False),
    ],
)
def test_what_may_be_swept_unless_said_otherwise(kind: Kind, expected: bool) -> None:
    assert Parameter("a", kind).sweepable is expected
    assert Parameter("a", kind, sweep=True).sweepable is (kind != "list")
    assert Parameter("a", kind, sweep=False).sweepable is False


# --- checks of a recipe's own
def test_a_check_is_made_of_each_element_and_of_each_value_of_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setitem(CHECKS, "noted", seen.append)
    Parameter("a", "list", items="str", check="noted").validate(["p", "q"])
    Parameter("b", "int", check="noted", default=3).validate_values([3, 4])
    assert seen == ["p", "q", 4]


def test_a_check_comes_after_the_type(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(value: object) -> None:
        raise AssertionError(value)

    monkeypatch.setitem(CHECKS, "never", never)
    with pytest.raises(InputError, match="needs a text"):
        Parameter("a", "str", check="never").validate(3)


# --- all of a recipe
def test_nothing_given_is_all_defaults_untouched() -> None:
    odd = object()
    assert validate_all([YEAR, Parameter("p", "path", default=odd)], {}, "r") == {"year": 2015, "p": odd}
    assert validate_all([], {}, "r") == {}


def test_a_recipe_without_parameters_takes_none() -> None:
    with pytest.raises(InputError, match="Recipe 'r' has no parameter 'year'"):
        validate_all([], {"year": 1}, "r")
    with pytest.raises(InputError, match=r"-p year=\.\.\."):
        parse_all([], ["2013"], "r")


def test_the_first_wrong_value_is_told_and_nothing_is_returned() -> None:
    with pytest.raises(InputError, match="share"):
        validate_all([YEAR, SHARE], {"year": 2013, "share": 7}, "r")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text=", ""),
        ("text==", "="),
        ("text=a=b=c", "a=b=c"),
        (" text =a", "a"),
        ("text= a ", " a "),
        ("text=光\n", "光\n"),
    ],
)
def test_all_behind_the_first_sign_is_the_value(text: str, expected: str) -> None:
    assert parse_all([TEXT], [text], "r") == {"text": expected}


@pytest.mark.parametrize("text", ["", "text", "--text", "text:3"])
def test_what_has_no_sign_is_told_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match=r"needs the form name=value, such as -p text=\.\.\."):
        parse_all([TEXT], [text], "r")


def test_the_order_given_is_kept_and_single_values_are_no_lists() -> None:
    found = parse_all([YEAR, SHARE, LANGUAGE], ["language=zh", "share=0,1", "year=2013"], "r")
    assert list(found) == ["language", "share", "year"]
    assert found == {"language": "zh", "share": [0.0, 1.0], "year": 2013}


def test_what_the_runner_takes_itself_is_reserved() -> None:
    import inspect

    from musyq_lab.production.run import run_recipe

    taken = {name for name, p in inspect.signature(run_recipe).parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert taken <= RESERVED
