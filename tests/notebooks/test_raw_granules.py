"""The notebook of raw granules: its exercise, and a whole run without a network."""

import nbformat
import pytest
from notebooks.frame import ROOT, code, execute, feedback, read, run, said, tagged


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


def test_the_solution_passes_the_check(notebook, begun):
    run(notebook, ["exercise"], begun)
    heard = feedback(notebook, begun)
    assert heard
    assert heard.text.startswith("0.09")


GUESSES = {
    "height of the Sun": "2e-5 * count - 0.1",
    "radians": "(2e-5 * count - 0.1) / math.sin(float(mtl['SUN_ELEVATION']))",
    "offset is missing": "2e-5 * count / math.sin(math.radians(float(mtl['SUN_ELEVATION'])))",
    "take the sine": "(2e-5 * count - 0.1) / math.cos(math.radians(float(mtl['SUN_ELEVATION'])))",
    "factor of 100": "100 * (2e-5 * count - 0.1) / math.sin(math.radians(float(mtl['SUN_ELEVATION'])))",
}


def test_answers_that_miss_a_step_do_not_pass_and_are_recognised(notebook, begun):
    run(notebook, ["exercise"], begun)
    for hint, guess in GUESSES.items():
        begun["my_reflectance"] = eval(guess, begun)
        heard = feedback(notebook, begun)
        assert not heard
        assert hint in heard.hint, hint


@pytest.mark.slow
def test_it_runs_from_first_to_last_cell(notebook, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = execute(notebook, tmp_path)
    cells = code(done)
    assert said(tagged(done, "check")).startswith("right: ")
    assert all(c.execution_count for c in cells)
    text = "\n".join(o.get("text", "") + str(o.get("data", {}).get("text/html", "")) for c in cells for o in c.outputs)
    assert "1 of 3 granules opened" in text
    assert "top of atmosphere" in text
    assert "retrieve:vi" in text
    assert list(tmp_path.glob("musyq-output/raw_granules/*.h5"))
