"""The notebook of the simulated Earth: its exercise against the truth, and a whole run without a network."""

from typing import Any

import nbformat
import numpy as np
import pytest
from notebooks.frame import ROOT, code, execute, feedback, read, resized, run, said, tagged

pytestmark = pytest.mark.slow  # it makes a simulation


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return read(ROOT / "notebooks" / "30_simulated_earth.ipynb")


@pytest.fixture(scope="module")
def begun(notebook, tmp_path_factory) -> dict:
    """What the exercise needs, of a Landsat granule alone: no other sensor, no figure."""
    space: dict = {}
    needed = ("import ", "PLACE =", "noon =", "GRIDS =", "def on_ground", "row = next", "def surface")
    for cell in code(notebook):
        if cell.source.startswith("folder ="):
            space["folder"] = tmp_path_factory.mktemp("earth") / "made"
            space["sim"] = space["ml"].simulate(
                space["folder"], start=space["START"], days=1, size=3.0, sensors=["landsat_oli"]
            )
            space["DAYS"] = 1
        elif cell.source.startswith(needed):
            exec(cell.source, space)
        elif cell.source.startswith("day ="):
            exec(cell.source.splitlines()[0], space)  # the rest draws
    return space


def attempt(notebook: nbformat.NotebookNode, begun: dict, answer: float | None) -> Any:
    space = dict(begun)
    run(notebook, ["exercise"], space)
    space["my_aod"] = answer
    return feedback(notebook, space)


def test_the_solution_passes_the_check(notebook, begun):
    assert attempt(notebook, begun, None)


@pytest.mark.parametrize("climate", [0.05, 0.3])
def test_a_guess_does_not_pass_the_check(notebook, begun, climate):
    assert not attempt(notebook, begun, climate)


def test_a_table_that_falls_is_recognised(notebook, begun):
    """np.interp wants it to rise, and else gives one of its ends."""
    heard = attempt(notebook, begun, float(np.interp(0.04, [0.05, 0.04, 0.03], [0.0, 0.5, 1.0])))
    assert not heard
    assert "np.interp" in heard.hint


def test_clear_pixels_are_corrected_without_bias(begun):
    for band in ("blue", "red", "nir"):
        error = (begun["corrected"](band) - begun["ground"][band])[begun["clear"]]
        assert begun["clear"].sum() > 500
        assert abs(np.median(error)) < 0.002


def test_it_runs_from_first_to_last_cell(notebook, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    work, scratch = tmp_path / "work", tmp_path / "scratch"
    for folder in (work, scratch):
        folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    done = execute(resized(notebook, "SIZE = 6.0", "SIZE = 3.0"), work)  # a quarter of the cells
    cells = code(done)
    assert all(c.execution_count for c in cells)
    assert not [o.text for c in cells for o in c.outputs if o.get("name") == "stderr"]
    assert sum("image/png" in o.get("data", {}) for c in cells for o in c.outputs) == 6
    text = "\n".join(o.get("text", "") + str(o.get("data", {}).get("text/html", "")) for c in cells for o in c.outputs)
    assert said(tagged(done, "check")).startswith("right: ")
    for part in ("TRUTH_CANOPY", "fy4a_agri", "corrected, true air"):
        assert part in text
    assert list(scratch.glob("musyq-*/granules/*"))
    assert not list(work.iterdir())
