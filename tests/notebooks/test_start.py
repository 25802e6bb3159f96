"""The first notebook: its exercise, and a whole run without a network."""

import nbformat
import numpy as np
import pytest
from notebooks.frame import ROOT, code, execute, feedback, read, run, said, tagged

from musyq_lab.training.truth.start import regional_mean


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


def test_the_solution_passes_the_check(notebook, annual):
    run(notebook, ["exercise"], annual)
    assert feedback(notebook, annual)


WEIGHTS = {"plain mean": lambda degrees: np.ones_like(degrees), "degrees as if": np.cos}


@pytest.mark.parametrize("hint", WEIGHTS)
def test_wrong_weights_do_not_pass_and_are_recognised(notebook, annual, hint):
    run(notebook, ["exercise"], annual)
    box = annual["box"]
    annual["my_mean"] = float(box.weighted(box.latitude.copy(data=WEIGHTS[hint](box.latitude.values))).mean())
    heard = feedback(notebook, annual)
    assert not heard
    assert hint in heard.hint


def test_the_truth_of_the_check_is_that_of_the_package(notebook, annual):
    """Archimedes' zones on the sphere against cell areas on the ellipsoid: equal to a part in a thousand."""
    from musyq_lab.analysis.area import cell_area

    run(notebook, ["exercise"], annual)
    box = annual["box"]
    area = cell_area(box.latitude.values, box.longitude.values).values
    mean = float((box.fillna(0).values * area).sum() / (box.notnull().values * area).sum())
    assert mean == pytest.approx(regional_mean(annual["annual"], annual["BOX"]).value, rel=1e-3)


@pytest.mark.slow
def test_it_runs_from_first_to_last_cell(notebook, tmp_path, monkeypatch):
    """As a user runs it: a fresh kernel, an empty folder; every cell but markdown is executed."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = execute(notebook, tmp_path)
    assert said(tagged(done, "check")).startswith("right: ")
    assert all(c.execution_count for c in code(done))
    assert list(tmp_path.glob("musyq-output/west_asia/**/*.h5"))
