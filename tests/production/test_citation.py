"""How to cite: the software, the recipe, each input with its terms, the papers; found from any file of a result."""

import dataclasses
from pathlib import Path

import pytest

from musyq_lab.core.attributes import package_version
from musyq_lab.core.errors import NotFoundError
from musyq_lab.production.citation import CITATION, citation, cite_folder
from musyq_lab.production.inputs import input_entity, used_file
from musyq_lab.production.recipes import RECIPES, Recipe, RecipeInput


def test_software_recipe_data_and_methods_in_this_order(tiny: Recipe) -> None:
    text = citation(tiny)
    lines = text.splitlines()
    assert lines[0] == "How to cite"
    assert f"MuSyQ Lab {package_version()}" in lines[1]
    assert "Recipe 'tiny': A tiny recipe." in lines[1]
    assert lines.index("Data") < lines.index("Methods")
    assert lines[-1] == "- A paper, doi:10.1000/182"
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_the_inputs_by_default_are_those_of_a_run_without_choices(tiny: Recipe) -> None:
    shipped = [input_entity(used_file(item, None)) for item in tiny.inputs]
    assert citation(tiny) == citation(tiny, shipped)


@pytest.mark.parametrize(
    ("entity", "line"),
    [
        ({"musyq:name": "x"}, "- x."),
        ({"musyq:name": "x", "musyq:title": "Rain"}, "- Rain."),
        ({"musyq:name": "x", "musyq:title": "Rain.", "musyq:citation": "Li (2020)."}, "- Rain. Li (2020)."),
        (
            {"musyq:name": "x", "musyq:title": "Rain", "musyq:citation": "Li", "musyq:licence": "CC0"},
            "- Rain. Li. CC0.",
        ),
        ({"musyq:name": "x", "musyq:title": "", "musyq:licence": "CC0"}, "- x. CC0."),
    ],
)
def test_an_input_has_a_line_without_gaps_or_double_stops(tiny: Recipe, entity: dict[str, str], line: str) -> None:
    lines = citation(tiny, [entity]).splitlines()
    assert lines[lines.index("Data") + 1] == line


def test_every_input_has_its_line(tiny: Recipe) -> None:
    text = citation(tiny, [{"musyq:name": name} for name in "abc"])
    assert [line for line in text.splitlines() if line in {"- a.", "- b.", "- c."}] == ["- a.", "- b.", "- c."]
    assert "Regions" not in text


def test_a_recipe_without_papers_has_no_heading_for_them(tiny: Recipe) -> None:
    assert "Methods" not in citation(dataclasses.replace(tiny, references=()))


def test_a_recipe_that_reads_nothing_shipped_can_be_cited(tiny: Recipe) -> None:
    bare = dataclasses.replace(tiny, inputs=(RecipeInput("own", parameter="data"),))
    lines = citation(bare).splitlines()
    assert lines[lines.index("Data") + 1] == ""


@pytest.mark.parametrize("key", sorted(RECIPES))
def test_every_shipped_recipe_names_its_papers_and_terms(key: str) -> None:
    recipe = RECIPES[key]
    text = citation(recipe)
    for reference in recipe.references:
        assert f"- {reference}" in text
    assert ".." not in text.replace("...", "")
    assert "None" not in text


@pytest.fixture
def result(tmp_path: Path) -> Path:
    (tmp_path / "run" / "figures" / "maps").mkdir(parents=True)
    (tmp_path / "run" / CITATION).write_text("How to cite 雨\n", encoding="utf-8")
    (tmp_path / "run" / "figures" / "a.svg").touch()
    return tmp_path / "run"


@pytest.mark.parametrize("inside", [".", "figures", "figures/a.svg", "figures/maps", "figures/none.svg", CITATION])
def test_any_place_in_a_result_finds_its_citation(result: Path, inside: str) -> None:
    assert cite_folder(result / inside) == "How to cite 雨\n"


def test_a_place_may_be_given_as_one_types_it(result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(result / "figures")
    assert cite_folder(Path()) == cite_folder(Path("a.svg")) == cite_folder(result)
    monkeypatch.setenv("HOME", str(result.parent))
    assert cite_folder(Path("~/run")) == cite_folder(result)


def test_the_nearest_citation_counts(result: Path) -> None:
    (result / "figures" / CITATION).write_text("nearer\n", encoding="utf-8")
    assert cite_folder(result / "figures" / "a.svg") == "nearer\n"
    assert cite_folder(result) == "How to cite 雨\n"


def test_a_citation_far_above_is_not_that_of_the_file(result: Path) -> None:
    deep = result / "1" / "2" / "3" / "4" / "5"
    with pytest.raises(NotFoundError, match=f"holds no {CITATION}".replace(".", r"\.")):
        cite_folder(deep)


def test_a_folder_of_that_name_is_no_citation(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c" / "d" / CITATION).mkdir(parents=True)
    with pytest.raises(NotFoundError, match="musyq run"):
        cite_folder(tmp_path / "a" / "b" / "c" / "d")
