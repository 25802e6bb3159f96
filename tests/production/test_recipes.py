import json
import shutil
from pathlib import Path

import pytest

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.production.notebook import parameters_cell
from musyq_lab.production.recipes import RECIPES, Recipe, Recipes, find_recipe, load_recipe

MINIMAL = "title: T\nsummary: S\n"


def write(folder: Path, description: str, cell: str = 'out: str = "."', name: str = "mine") -> Path:
    """Write a recipe of one cell and return its description."""
    code = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": cell.splitlines(keepends=True)}
    (folder / f"{name}.ipynb").write_text(json.dumps({"cells": [code], "metadata": {}}), encoding="utf-8")
    path = folder / f"{name}.yml"
    path.write_text(description, encoding="utf-8")
    return path


def test_every_shipped_recipe_agrees_with_its_notebook() -> None:
    assert {key: RECIPES[key].problems() for key in RECIPES} == {key: [] for key in RECIPES}


def test_every_shipped_input_is_there() -> None:
    from musyq_lab.production.sources import locate

    for recipe in RECIPES.values():
        assert all(locate(item.resource).is_file() for item in recipe.inputs if item.resource)


def test_a_folder_is_a_mapping_that_shows_itself(tiny: Recipe) -> None:
    recipes = Recipes(tiny.description.parent)
    assert list(recipes) == ["tiny"]
    assert len(recipes) == 1
    assert recipes["tiny"] == tiny
    assert "小配方" in recipes._repr_html_()
    assert repr(recipes) == "<1 recipes: tiny>"
    assert recipes.table()[1] == ["tiny", "A tiny recipe", "小配方", "0.1 min, 0.2 GB"]


def test_a_recipe_shows_its_parameters(tiny: Recipe) -> None:
    page = tiny._repr_html_()
    assert "How many squares" in page
    assert "a whole number from 1 to 9" in page
    assert "count" in repr(tiny)


@pytest.mark.parametrize("name", ["tyni", "../tiny", "/etc/passwd", "tiny\0", "", "%2e%2e/tiny", "．．/tiny"])
def test_an_unknown_name_never_leaves_the_folder(tiny: Recipe, name: str) -> None:
    with pytest.raises(NotFoundError, match="There is no recipe"):
        Recipes(tiny.description.parent)[name]


def test_a_near_miss_is_suggested(tiny: Recipe) -> None:
    with pytest.raises(NotFoundError, match="Did you mean 'tiny'"):
        Recipes(tiny.description.parent)["tinny"]


def test_an_own_recipe_is_found_by_either_file(tiny: Recipe) -> None:
    assert find_recipe(str(tiny.notebook)) == find_recipe(str(tiny.description)) == find_recipe(tiny) == tiny
    with pytest.raises(InputError, match="named by a text"):
        find_recipe(3)  # type: ignore[arg-type]


def test_both_files_are_needed(tiny: Recipe, tmp_path: Path) -> None:
    shutil.copy(tiny.description, tmp_path)
    with pytest.raises(NotFoundError, match=r"tiny\.ipynb"):
        load_recipe(tmp_path / "tiny.yml")
    assert list(Recipes(tmp_path)) == []


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("[", "not readable YAML"),
        ("- a", "must be a mapping"),
        ("summary: S", "title"),
        ("title: {zh: 题}\nsummary: S", "'en'"),
        (MINIMAL + "colour: red", "unknown fields.*colour"),
        (MINIMAL + "parameters: [{name: a}]", "kind"),
        (MINIMAL + "parameters: [{name: a, type: date, default: 1}]", "unknown type 'date'"),
        (MINIMAL + "parameters: [{name: a, type: int, default: x}]", "'a' needs a whole number"),
        (MINIMAL + "parameters: [{name: a, type: int, default: 9, max: 3}]", "out of range"),
        (MINIMAL + "parameters: [{name: a, type: int}]", "got nothing"),
        (MINIMAL + "parameters: [{name: a, type: choice, default: x}]", "allowed"),
        (MINIMAL + "parameters: [{name: a, type: str, default: x, check: magic}]", "unknown check"),
        (MINIMAL + "parameters: [{name: out, type: str, default: x}]", "cannot be the name"),
        (MINIMAL + "parameters: [{name: a b, type: str, default: x}]", "cannot be the name"),
        (MINIMAL + "parameters: [{name: a, type: int, default: 1}, {name: a, type: int, default: 1}]", "twice"),
        (MINIMAL + "parameters: [{name: a, type: int, default: 1, description: HDF5, TIFF}]", "'a' has unknown.*comma"),
        (MINIMAL + "inputs: [{name: a, resource: x, colour: red}]", "input 'a' has unknown fields"),
        (MINIMAL + "outputs: [../x.csv]", "relative"),
        (MINIMAL + "outputs: [/etc/passwd]", "relative"),
        (MINIMAL + "outputs: [.hidden]", "relative"),
        (MINIMAL + "inputs: [{name: a, resource: ../../secret}]", "relative"),
        (MINIMAL + "inputs: [{name: a}]", "needs `resource`"),
        (MINIMAL + "inputs: [{name: a, parameter: b}]", "not declared"),
        ("title: !!python/object/apply:os.system ['true']\nsummary: S", "not readable YAML"),
    ],
)
def test_a_malformed_description_is_refused_in_words(tmp_path: Path, description: str, message: str) -> None:
    path = write(tmp_path, description)
    with pytest.raises(InputError, match=message):
        load_recipe(path)


def test_a_name_must_be_plain(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lower-case"):
        load_recipe(write(tmp_path, MINIMAL, name="My recipe"))


def test_one_language_is_enough(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, MINIMAL))
    assert recipe.title == {"en": "T"}
    assert recipe.problems() == []


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ('out: str = "."', "the parameters cell lacks 'year'"),
        ("year: int = 2010", "the parameters cell lacks 'out'"),
        ('year: int = 2011\nout: str = "."', "'year' = 2011 in the notebook, 2010 in the description"),
        ('year: int = 2010.0\nout: str = "."', "'year' = 2010.0 in the notebook, 2010 in the description"),
        ('year: str = 2010\nout: str = "."', "'year' is str in the notebook and int in the description"),
        ('year: int | None = 2010\nout: str = "."', "'year' may be None in only one"),
        ('year: int = 2010\nmore: int = 1\nout: str = "."', "the description lacks 'more'"),
        ('year = 2010\nout: str = "."', "may only hold lines of `name: type = value`"),
        ('import os\nout: str = "."', "may only hold lines"),
        ('year: int = int("2010")\nout: str = "."', "must be a plain value"),
    ],
)
def test_disagreement_is_told(tmp_path: Path, cell: str, problem: str) -> None:
    recipe = load_recipe(write(tmp_path, MINIMAL + "parameters: [{name: year, type: int, default: 2010}]", cell))
    assert any(problem in text for text in recipe.problems())


def test_agreement_of_every_type(tiny: Recipe) -> None:
    assert tiny.problems() == []
    assert parameters_cell(tiny.notebook)["label"] == ("str | None", None)


def test_exactly_one_parameters_cell(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, MINIMAL))
    content = json.loads(recipe.notebook.read_text(encoding="utf-8"))
    recipe.notebook.write_text(json.dumps({**content, "cells": content["cells"] * 2}), encoding="utf-8")
    assert recipe.problems() == ["mine.ipynb needs exactly one cell tagged 'parameters', it has 2"]
