"""The parameters cell: one, plain, and agreeing with the description in name, type, None and default."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError
from musyq_lab.production.notebook import _differences, disagreements, parameters_cell
from musyq_lab.production.parameters import Parameter
from musyq_lab.production.recipes import Recipe

OUT = 'out: str = "."'


def notebook(folder: Path, *cells: str, tag: str = "parameters") -> Path:
    """Write a notebook in which each of the cells has the tag."""
    tagged = [{"cell_type": "code", "metadata": {"tags": ["x", tag]}, "source": text} for text in cells]
    plain: list[dict[str, Any]] = [{"cell_type": "markdown", "metadata": {}, "source": ["# T"]}, {"source": "1/0"}]
    path = folder / "n.ipynb"
    path.write_text(json.dumps({"cells": [*plain, *tagged]}), encoding="utf-8")
    return path


def test_names_annotations_and_values_are_read(tmp_path: Path) -> None:
    text = '# why\na: int = -3\nb: str | None = None\nc: list[float] = [1.5, 2]  # note\nd: dict = {"x": (1, True)}\n'
    assert parameters_cell(notebook(tmp_path, text)) == {
        "a": ("int", -3),
        "b": ("str | None", None),
        "c": ("list[float]", [1.5, 2]),
        "d": ("dict", {"x": (1, True)}),
    }


def test_the_source_may_be_lines_or_one_text(tmp_path: Path) -> None:
    path = notebook(tmp_path, "")
    content = json.loads(path.read_text(encoding="utf-8"))
    content["cells"][-1]["source"] = ["a: int = 1\n", "b: int = 2"]
    path.write_text(json.dumps(content), encoding="utf-8")
    assert parameters_cell(path) == parameters_cell(notebook(tmp_path, "a: int = 1\nb: int = 2"))


@pytest.mark.parametrize("count", [0, 2, 3])
def test_there_is_exactly_one_cell(tmp_path: Path, count: int) -> None:
    path = notebook(tmp_path, *["a: int = 1"] * count)
    with pytest.raises(InputError, match=f"exactly one cell tagged 'parameters', it has {count}"):
        parameters_cell(path)
    assert disagreements(path, []) == [f"n.ipynb needs exactly one cell tagged 'parameters', it has {count}"]


def test_another_tag_is_no_parameters_cell(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it has 0"):
        parameters_cell(notebook(tmp_path, "a: int = 1", tag="Parameters"))


@pytest.mark.parametrize(
    "line",
    [
        "a = 1",
        "a: int",
        "import os",
        "print(1)",
        "a.b: int = 1",
        "a['x']: int = 1",
        "if True:\n    a: int = 1",
        "'text'",
        "del a",
        "def f(): ...",
    ],
)
def test_nothing_but_annotated_values_may_stand_there(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match="may only hold lines of"):
        parameters_cell(notebook(tmp_path, f"ok: int = 1\n{line}"))


@pytest.mark.parametrize(
    "value", ["other", "f(1)", "[x]", "1 if True else 2", "f'{1}'", "__import__('os').sep", "2 ** 3"]
)
def test_a_default_is_a_plain_value_and_never_run(tmp_path: Path, value: str) -> None:
    with pytest.raises(InputError, match="the default of 'a' must be a plain value"):
        parameters_cell(notebook(tmp_path, f"a: int = {value}"))


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    )
)
def test_a_plain_value_agrees_with_itself_and_with_no_other_type(value: object) -> None:
    same = Parameter("a", "choice", value, nullable=False)
    assert _differences(same, "str", value) == []
    assert _differences(same, "str", [value]) != []


def test_an_agreeing_notebook_has_nothing_to_tell(tiny: Recipe, tmp_path: Path) -> None:
    assert tiny.problems() == []
    path = notebook(tmp_path, f"n: int = 3\n{OUT}")
    assert disagreements(path, [Parameter("n", "int", 3)]) == []
    assert disagreements(notebook(tmp_path, OUT), []) == []


@pytest.mark.parametrize(
    ("line", "parameter", "said"),
    [
        ("n: int = 3", Parameter("n", "int", 4), "'n' = 3 in the notebook, 4 in the description"),
        ("n: float = 3", Parameter("n", "float", 3.0), "'n' = 3 in the notebook, 3.0 in the description"),
        ("n: int = True", Parameter("n", "int", 1), "'n' = True in the notebook, 1 in the description"),
        ("n: str = 'a'", Parameter("n", "int", "a"), "'n' is str in the notebook and int in the description"),
        ("n: int = None", Parameter("n", "int", None, nullable=True), "'n' may be None in only one"),
        ("n: int | None = 3", Parameter("n", "int", 3), "'n' may be None in only one"),
        ("m: int = 3", Parameter("n", "int", 3), "the parameters cell lacks 'n'"),
        ("m: int = 3", Parameter("n", "int", 3), "the description lacks 'm'"),
    ],
)
def test_each_disagreement_is_told(tmp_path: Path, line: str, parameter: Parameter, said: str) -> None:
    found = disagreements(notebook(tmp_path, f"{line}\n{OUT}"), [parameter])
    assert any(said in text for text in found)
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("annotation", "kind", "agrees"),
    [
        ("str", "path", True),
        ("Path", "path", False),
        ("int", "float", True),
        ("float", "int", False),
        ("bool", "choice", True),
        ("list", "choice", False),
        ("list[str]", "list", True),
        ("list[int] | None", "list", True),
    ],
)
def test_annotations_that_fit_a_kind(annotation: str, kind: Any, agrees: bool) -> None:
    parameter = Parameter("a", kind, 1, nullable="None" in annotation)
    assert (_differences(parameter, annotation, 1) == []) is agrees


def test_the_folder_of_the_result_must_be_in_the_cell(tmp_path: Path) -> None:
    assert disagreements(notebook(tmp_path, "n: int = 3"), [Parameter("n", "int", 3)]) == [
        "the parameters cell lacks 'out'"
    ]
