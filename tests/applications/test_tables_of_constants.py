"""One class holds the tables of all applications: what it reads, what it refuses, and that the files keep to it."""

from dataclasses import fields

import pytest
import yaml

from musyq_lab.applications import _constants
from musyq_lab.applications._constants import Constant, ConstantTable
from musyq_lab.applications.carbon import constants as carbon
from musyq_lab.applications.solar import constants as solar
from musyq_lab.core.errors import NotFoundError
from musyq_lab.core.resources import resource

MODULES = {"carbon": carbon, "solar": solar}
ROW = {"value": 2.0, "units": "m", "source": "a book", "verified": True}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A table of a made-up application."""

    def write(**content):
        path = tmp_path / "own.yml"
        path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        asked = []
        monkeypatch.setattr(_constants, "resource", lambda name: asked.append(name) or path)
        return ConstantTable("own", {"kinds": "kind of thing"}), asked

    return write


def test_rows_are_read_from_the_file_of_the_key_and_once_only(made):
    table, asked = made(constants={"length": ROW, "width": {**ROW, "sigma": 0.1, "note": "宽"}}, kinds={})
    assert table.constant("length") == Constant("length", 2.0, "m", "a book", True)
    assert table.constant("width").sigma == 0.1
    assert table.constant("width").note == "宽"
    assert table.constants_table()["name"].tolist() == ["length", "width"]
    assert asked == ["catalogs/own.yml"]


def test_a_row_that_lacks_something_or_has_too_much_is_an_error_at_once(made):
    lacking = {key: value for key, value in ROW.items() if key != "source"}
    for row in (lacking, {**ROW, "colour": "red"}):
        table, _ = made(constants={"right": ROW, "wrong": row})
        with pytest.raises(TypeError, match=r"source|colour"):
            table.constant("right")


def test_sections_say_what_their_rows_are_and_which_there_are(made):
    table, _ = made(constants={}, kinds={"round": {"a": 1}, "square": {"a": 2}}, others={"one": {}})
    assert table.entry("kinds", "square") == {"a": 2}
    with pytest.raises(NotFoundError, match=r"no kind of thing 'squar'.*square.*Known: round, square\."):
        table.entry("kinds", "squar")
    with pytest.raises(NotFoundError, match="no others 'two'"):
        table.entry("others", "two")


def test_a_table_without_constants_shows_its_columns(made):
    table, _ = made(constants={})
    shown = table.constants_table()
    assert shown.empty
    assert shown.columns.tolist() == [field.name for field in fields(Constant)]
    with pytest.raises(NotFoundError, match="own table has no constant 'any'"):
        table.constant("any")


@pytest.mark.parametrize("key", MODULES)
def test_the_files_of_the_applications_are_theirs(key):
    module = MODULES[key]
    content = yaml.safe_load(resource(f"catalogs/{key}.yml").read_text(encoding="utf-8"))
    assert module.table() == content
    shown = module.constants_table().set_index("name")
    assert list(shown.index) == list(content["constants"])
    for name, row in content["constants"].items():
        assert module.constant(name).value == row["value"] == shown.loc[name, "value"]
        assert type(module.constant(name).value) in (int, float)
        assert module.constant(name).sigma == row.get("sigma", 0.0)
    with pytest.raises(NotFoundError, match=f"The {key} table"):
        module.constant("none")


@pytest.mark.parametrize("key", MODULES)
def test_words_of_sections_are_of_sections_that_are_there(key):
    module = MODULES[key]
    for section, word in module.TABLE.sections.items():
        with pytest.raises(NotFoundError, match=f"There is no {word} 'none'"):
            module.entry(section, "none")
        for name in module.table()[section]:
            assert module.entry(section, name) is module.table()[section][name]


def test_the_tables_of_two_applications_are_apart():
    assert carbon.TABLE.content is not solar.TABLE.content
    with pytest.raises(NotFoundError, match="solar table"):
        solar.constant("sink_ratio")
    with pytest.raises(NotFoundError, match="carbon table"):
        carbon.constant("faiman_u0")
