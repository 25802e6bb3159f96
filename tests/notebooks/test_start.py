"""The first notebook: its frame, and a whole run without a network."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "00_start.ipynb"


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook: nbformat.NotebookNode, tag: str) -> nbformat.NotebookNode:
    (cell,) = [c for c in notebook.cells if tag in c.metadata.get("tags", [])]
    return cell


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


def run(notebook: nbformat.NotebookNode, cells: list[str], space: dict) -> None:
    for tag in cells:
        exec(tagged(notebook, tag).source, space)


@pytest.fixture
def annual(notebook) -> dict:
    """What the notebook knows when the exercise begins."""
    space: dict = {}
    for cell in code(notebook):
        if "exercise" in cell.metadata.get("tags", []):
            break
        if "explore" not in cell.source and "view" not in cell.source:
            exec(cell.source, space)
    days = next(c.source for c in code(notebook) if c.source.startswith("days"))
    exec(days.replace('ml.explore(annual, classes="dsr_annual")', ""), space)
    return space


def test_the_solution_passes_the_check(notebook, annual, capsys):
    run(notebook, ["exercise", "solution", "check"], annual)
    assert "right: " in capsys.readouterr().out


def test_a_plain_mean_does_not_pass_the_check(notebook, annual, capsys):
    run(notebook, ["exercise"], annual)
    annual["my_mean"] = float(annual["box"].mean())
    run(notebook, ["solution", "check"], annual)
    assert "not yet" in capsys.readouterr().out


def test_the_truth_of_the_check_is_that_of_the_package(notebook, annual):
    """Archimedes' zones on the sphere against cell areas on the ellipsoid: equal to a part in a thousand."""
    from musyq_lab.analysis.area import cell_area

    run(notebook, ["exercise", "solution", "check"], annual)
    box = annual["box"]
    area = cell_area(box.latitude.values, box.longitude.values).values
    mean = float((box.fillna(0).values * area).sum() / (box.notnull().values * area).sum())
    assert mean == pytest.approx(annual["truth"], rel=1e-3)


@pytest.mark.slow
def test_it_runs_from_first_to_last_cell(notebook, tmp_path, monkeypatch):
    """As a user runs it: a fresh kernel, an empty folder; every cell but markdown is executed."""
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    client = NotebookClient(
        nbformat.from_dict(notebook),
        timeout=400,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    done = client.execute()
    text = "\n".join(o.get("text", "") for c in code(done) for o in c.outputs)
    assert "right: " in text
    assert all(c.execution_count for c in code(done))
    assert list(tmp_path.glob("musyq-output/west_asia/**/*.h5"))
