"""The first notebook: its exercise, and a whole run without a network."""

import nbformat
import pytest
from notebooks.frame import ROOT, code, execute, read, run


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return read(ROOT / "notebooks" / "00_start.ipynb")


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
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = execute(notebook, tmp_path)
    text = "\n".join(o.get("text", "") for c in code(done) for o in c.outputs)
    assert "right: " in text
    assert all(c.execution_count for c in code(done))
    assert list(tmp_path.glob("musyq-output/west_asia/**/*.h5"))
