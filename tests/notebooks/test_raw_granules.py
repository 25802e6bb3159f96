"""The notebook of raw granules: its exercise, and a whole run without a network."""

import nbformat
import pytest
from notebooks.frame import ROOT, code, execute, read, run


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return read(ROOT / "notebooks" / "20_raw_granules.ipynb")


@pytest.fixture
def begun(notebook) -> dict:
    """What the notebook knows when the exercise begins."""
    space: dict = {}
    for cell in code(notebook):
        if "exercise" in cell.metadata.get("tags", []):
            return space
        exec(cell.source, space)
    raise AssertionError("there is no exercise")


def test_the_solution_passes_the_check(notebook, begun, capsys):
    run(notebook, ["exercise", "solution", "check"], begun)
    assert "right: 0.09" in capsys.readouterr().out


def test_forgetting_the_sun_does_not_pass_the_check(notebook, begun, capsys):
    run(notebook, ["exercise"], begun)
    begun["my_reflectance"] = 2e-5 * begun["count"] - 0.1
    run(notebook, ["solution", "check"], begun)
    assert "not yet" in capsys.readouterr().out


@pytest.mark.slow
def test_it_runs_from_first_to_last_cell(notebook, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = execute(notebook, tmp_path)
    cells = code(done)
    assert all(c.execution_count for c in cells)
    text = "\n".join(o.get("text", "") + str(o.get("data", {}).get("text/html", "")) for c in cells for o in c.outputs)
    assert "1 of 3 granules opened" in text
    assert "top of atmosphere" in text
    assert "retrieve:vi" in text
    assert list(tmp_path.glob("musyq-output/raw_granules/*.h5"))
