"""The frame of every notebook: short, stripped, imports apart, parameters explained, an exercise with a solution."""

import ast
import re

import nbformat
import pytest
from notebooks.frame import NOTEBOOKS, code, read, tagged


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request) -> nbformat.NotebookNode:
    return read(request.param)


def test_it_is_valid_short_and_stripped(notebook):
    nbformat.validate(notebook)
    cells = code(notebook)
    assert len(cells) <= 25
    for cell in cells:
        assert len(cell.source.splitlines()) <= 15
        assert (cell.outputs, cell.execution_count) == ([], None)


def test_imports_stand_alone_in_one_cell(notebook):
    with_imports = [c for c in code(notebook) if re.search(r"^(import|from) ", c.source, re.MULTILINE)]
    assert len(with_imports) == 1
    assert all(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(with_imports[0].source).body)


def test_every_parameter_says_what_it_is(notebook):
    for line in tagged(notebook, "parameters").source.splitlines():
        assert "  # " in line, line


def test_the_frame_is_there(notebook):
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    for part in ("You need", "Measured", "Exercise", "Summary", "Next", "References", "GB"):
        assert part in text
    assert "to be measured" not in text
    assert tagged(notebook, "solution").metadata["jupyter"]["source_hidden"] is True
