"""A recipe works with an algorithm of the reader's own: taken if it keeps the contract, and named in the record."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from musyq_lab.core.errors import InputError, NotFoundError, RecipeError
from musyq_lab.core.registry import Registry
from musyq_lab.files.digest import sha256
from musyq_lab.production.contract import own, session
from musyq_lab.production.contract.own import use_algorithm
from musyq_lab.production.contract.samples import example
from musyq_lab.production.provenance import show
from musyq_lab.production.recipes import load_recipe
from musyq_lab.production.run import run_recipe
from musyq_lab.products._registry import PRODUCTS, RETRIEVALS

RECIPE = load_recipe(Path(__file__).parent / "own" / "own.yml")

OWN = """
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.products._retrieval import algorithm

SPEC = Product("own", "Own", (Variable("own", "own", "1", valid_range=(0, 60), scale=2e-3),),
               (Input("reflectance_red", uncertainty=(0.01, 0.0)), Input("reflectance_nir")))

@algorithm(SPEC)
def own(*, reflectance_red, reflectance_nir):
    return reflectance_nir / reflectance_red
"""
OF_THE_BLOCK = OWN.replace("return reflectance_nir", "return reflectance_nir.mean() + 0 * reflectance_nir")


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    monkeypatch.setattr(PRODUCTS, "_added", {})
    monkeypatch.setattr(RETRIEVALS, "_added", {})
    monkeypatch.setattr(session, "_passed", {})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "日射 own.py"
    path.write_text(OWN, encoding="utf-8")
    return path


def test_the_recipe_runs_the_readers_file_and_its_record_names_the_bytes(file: Path, tmp_path: Path) -> None:
    result = run_recipe(RECIPE, out=tmp_path / "out", progress=False, algorithm=file)
    made = use_algorithm(file)
    ds = example(made.spec)
    table = pd.read_csv(result.folder / "values.csv")
    expected = (ds.reflectance_nir / ds.reflectance_red).values.ravel()
    np.testing.assert_allclose(table["own"], expected, rtol=1e-8)
    (entity,) = show(result.folder).entities("input")  # type: ignore[union-attr]
    assert entity["musyq:sha256"] == sha256(file)
    assert entity["musyq:file"] == file.name
    assert str(tmp_path) not in (result.folder / "provenance.json").read_text(encoding="utf-8")


def test_a_file_that_breaks_the_contract_stops_the_recipe_in_words(file: Path, tmp_path: Path) -> None:
    file.write_text(OF_THE_BLOCK, encoding="utf-8")
    with pytest.raises(RecipeError, match=r"does not keep the contract(.|\n)*- chunks: ") as caught:
        run_recipe(RECIPE, out=tmp_path / "out", progress=False, algorithm=file)
    assert "stopped under" not in str(caught.value), "it is told as an error of ours"
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


def test_the_recipe_declares_what_its_notebook_takes() -> None:
    assert RECIPE.problems() == []


def test_a_file_that_is_not_there_stops_the_recipe_before_it_runs(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no file"):
        run_recipe(RECIPE, out=tmp_path / "out", progress=False, algorithm="absent.py")
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_shipped_needs_no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    from musyq_lab.production.contract import check

    monkeypatch.setattr(check, "check_algorithm", None)
    assert use_algorithm("ulr") is RETRIEVALS["ulr"]


def test_one_is_checked_once_and_anew_when_it_is_loaded_anew(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(own, "require", asked.append)
    assert use_algorithm(file) is RETRIEVALS["own"]
    assert use_algorithm(str(file)) is use_algorithm("own")
    assert asked == ["own"] * 3


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("ulrr", NotFoundError, "ulr"),
        ("absent.py", NotFoundError, "no file"),
        ("", NotFoundError, "no product|no algorithm|There is no"),
    ],
)
def test_what_there_is_not_is_told(name: str, kind: type, words: str) -> None:
    assert isinstance(RETRIEVALS, Registry)
    with pytest.raises(kind, match=words):
        use_algorithm(name)


def test_a_file_without_an_algorithm_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("x = 1")
    with pytest.raises(InputError, match="no SPEC"):
        use_algorithm(tmp_path / "mine.py")
