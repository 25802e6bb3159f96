import json
import math
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.core.errors import InputError, MusyqError, NotFoundError
from musyq_lab.production.parameters import CHECKS, Parameter, parse_all, validate_all

YEAR = Parameter("year", "int", default=2015, minimum=2009, maximum=2020)
SHARE = Parameter("share", "float", default=0.5, minimum=0, unit="m2")
SWITCH = Parameter("switch", "bool", default=True)
NAME = Parameter("name_", "str", default="x")
LANGUAGE = Parameter("language", "choice", default="en", allowed=("en", "zh"))
LEVEL = Parameter("level", "choice", default=1, allowed=(1, 2, 5))
FILE = Parameter("file", "path", nullable=True)
BANDS = Parameter("bands", "list", default=[], items="choice", allowed=("red", "nir"))
NUMBERS = Parameter("numbers", "list", default=[], items="float")
ALL = (YEAR, SHARE, SWITCH, NAME, LANGUAGE, LEVEL, FILE, BANDS, NUMBERS)


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        (YEAR, 2010, 2010),
        (YEAR, np.int64(2010), 2010),
        (SHARE, 1, 1.0),
        (SHARE, np.float32(0.25), 0.25),
        (SWITCH, np.bool_(False), False),
        (NAME, "光", "光"),
        (LANGUAGE, "zh", "zh"),
        (LEVEL, 5, 5),
        (FILE, None, None),
        (BANDS, ("nir", "red"), ["nir", "red"]),
        (NUMBERS, [1, 2.5], [1.0, 2.5]),
    ],
)
def test_good_values_become_json_types(parameter: Parameter, value: object, expected: object) -> None:
    checked = parameter.validate(value)
    assert checked == expected
    assert type(checked) is type(expected)
    assert json.loads(json.dumps(checked)) == expected


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (YEAR, "2010"),
        (YEAR, 2010.0),
        (YEAR, True),
        (YEAR, None),
        (YEAR, 2008),
        (YEAR, 2021),
        (YEAR, np.datetime64("2010")),
        (SHARE, "0.5"),
        (SHARE, math.nan),
        (SHARE, math.inf),
        (SHARE, -0.1),
        (SHARE, True),
        (SHARE, 1 + 0j),
        (SWITCH, 1),
        (SWITCH, "true"),
        (NAME, 3),
        (NAME, b"x"),
        (NAME, "a\0b"),
        (LANGUAGE, "de"),
        (LANGUAGE, ["en"]),
        (LEVEL, "1"),
        (LEVEL, True),
        (LEVEL, 3),
        (BANDS, "red"),
        (BANDS, ["red", "blue"]),
        (BANDS, {"red"}),
        (NUMBERS, [1, "2"]),
        (FILE, 3),
        (FILE, "a\0b"),
    ],
)
def test_wrong_values_are_refused_by_name(parameter: Parameter, value: object) -> None:
    with pytest.raises(InputError, match=parameter.name):
        parameter.validate(value)


def test_messages_say_what_is_expected() -> None:
    with pytest.raises(InputError, match=r"'year' needs a whole number from 2009 to 2020, got '2010' \(str\)"):
        YEAR.validate("2010")
    with pytest.raises(InputError, match=r"out of range.*of at least 0 m2"):
        SHARE.validate(-1)
    with pytest.raises(InputError, match=r"one of en, zh\. Did you mean 'zh'\?"):
        LANGUAGE.validate("zhh")


def test_path_must_name_a_file_that_holds_something(tmp_path: Path) -> None:
    good, empty = tmp_path / "good.nc", tmp_path / "empty.nc"
    good.write_bytes(b"x")
    empty.touch()
    assert FILE.validate(good) == FILE.validate(str(good)) == str(good)
    with pytest.raises(NotFoundError, match="no file"):
        FILE.validate(tmp_path / "absent.nc")
    with pytest.raises(InputError, match="folder"):
        FILE.validate(tmp_path)
    with pytest.raises(InputError, match="zero bytes"):
        FILE.validate(empty)
    with pytest.raises(NotFoundError):
        FILE.validate("x" * 5000)
    with pytest.raises(NotFoundError):
        FILE.validate(good / "below.nc")


def test_relative_and_home_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.nc").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert FILE.validate("a.nc") == FILE.validate("~/a.nc") == str(tmp_path / "a.nc")


@pytest.mark.parametrize(
    ("parameter", "text", "expected"),
    [
        (YEAR, "2010", 2010),
        (SHARE, "1e-3", 0.001),
        (SWITCH, "No", False),
        (SWITCH, "1", True),
        (NAME, "a=b", "a=b"),
        (LEVEL, "2", 2),
        (FILE, "none", None),
        (BANDS, "red, nir", ["red", "nir"]),
        (BANDS, "", []),
        (NUMBERS, "1,2.5", [1.0, 2.5]),
    ],
)
def test_text_of_the_command_line_is_read_by_type(parameter: Parameter, text: str, expected: object) -> None:
    assert parse_all(ALL, [f"{parameter.name}={text}"], "r") == {parameter.name: expected}


@pytest.mark.parametrize(
    "text",
    [
        "year=2010.5",
        "year=",
        "year=none",
        "share=nan",
        "share=much",
        "switch=maybe",
        "language=fr",
        "level=7",
        "bands=blue",
    ],
)
def test_text_that_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=text.partition("=")[0]):
        parse_all(ALL, [text], "r")


def test_form_and_repetition_on_the_command_line() -> None:
    with pytest.raises(InputError, match="name=value"):
        parse_all(ALL, ["year"], "r")
    with pytest.raises(InputError, match="twice"):
        parse_all(ALL, ["year=2010", "year=2011"], "r")
    with pytest.raises(InputError, match=r"no parameter 'yaer'\. Did you mean 'year'"):
        parse_all(ALL, ["yaer=2010"], "r")


def test_unknown_name_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(InputError, match=r"Recipe 'r' has no parameter 'Year'\. Did you mean 'year'"):
        validate_all(ALL, {"Year": 2010}, "r")


def test_defaults_are_filled_in_the_order_of_the_recipe() -> None:
    values = validate_all(ALL, {"level": 5}, "r")
    assert list(values) == [p.name for p in ALL]
    assert values["level"] == 5
    assert values["year"] == 2015


def test_a_named_check_refuses_and_the_default_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(value: object) -> None:
        raise NotFoundError(f"no {value}")

    monkeypatch.setitem(CHECKS, "never", refuse)
    parameter = Parameter("zone", "str", default="all", check="never")
    assert parameter.validate("all") == "all"
    with pytest.raises(NotFoundError, match="no atlantis"):
        parameter.validate("atlantis")


def test_region_check_knows_the_regions() -> None:
    region = Parameter("region", "str", default="belt_and_road", check="region")
    assert region.validate("central_asia") == "central_asia"
    with pytest.raises(MusyqError, match="atlantis"):
        region.validate("atlantis")
