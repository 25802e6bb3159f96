"""The notebook of time series and change, run once with fewer years: what was imposed is found back."""

import nbformat
import pytest
from notebooks.frame import ROOT, code, execute_here, folders_of, numbers_of, printed, read, said, smaller, tagged

pytestmark = pytest.mark.slow  # it makes years of a globe

SMALL = {"FIRST, LAST = 2003, 2014": "FIRST, LAST = 2005, 2012", "SIZE = 6.0": "SIZE = 1.5"}
GUESSES = """
absolute = float(found["slope"].where(leafy & crops).weighted(weight).mean())
for guess in (absolute, float(growth.weighted(weight).mean()), 100 * answer, -answer):
    print(ml.check("change-1", guess))
"""
NUMBERS = """
import json
print("NUMBERS", json.dumps({
    "hit": float(near.where(known & land).mean()),
    "other": float((events["count"] > 0).where(~known & land).mean()),
    "down": float((step < 0).where(known & land & step.notnull()).mean()),
    "means": means,
    "truths": truths,
    "off": float(np.nanmedian(abs(off))),
    "stated": float(spread.mean()),
    "anomaly": abs(float(odd.sel(time=slice(*past)).mean())),
}))
"""


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return read(ROOT / "notebooks" / "75_time_series_and_change.ipynb")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return folders_of(tmp_path_factory, "change")


@pytest.fixture(scope="module")
def done(notebook, folders) -> nbformat.NotebookNode:
    return execute_here(smaller(notebook, SMALL, GUESSES, NUMBERS), *folders)


def it_runs_from_first_to_last_cell(done, folders):
    cells = code(done)
    assert all(c.execution_count for c in cells)
    assert not [o.text for c in cells for o in c.outputs if o.get("name") == "stderr"]
    assert sum("image/png" in o.get("data", {}) for c in cells for o in c.outputs) == 5
    assert not list(folders[0].iterdir())


def what_was_imposed_is_found_back(numbers):
    assert numbers["hit"] > 0.85
    assert numbers["hit"] > numbers["other"] + 0.2
    assert numbers["down"] > 0.95
    assert numbers["anomaly"] < 1e-3  # of the baseline beside itself
    for name in ("cropland", "wet tropical forest"):
        assert numbers["means"][name] == pytest.approx(numbers["truths"][name], abs=0.01)
    assert numbers["means"]["cropland"] > 2 * numbers["means"]["wet tropical forest"]
    assert numbers["off"] < 2 * numbers["stated"] < 10  # days


def the_solution_passes_the_check_and_no_other_answer_does(done):
    assert said(tagged(done, "check")).startswith("right: ")
    heard = printed(code(done)[-2])
    assert heard.count("not yet: ") == 4
    assert "right: " not in heard
    assert "Divide each cell's slope" in heard
    assert "Keep the croplands" in heard


def test_the_notebook_shows_what_it_tells(done, folders):
    """One test for all: processes that share the suite share no fixture, and each would run the notebook anew."""
    it_runs_from_first_to_last_cell(done, folders)
    what_was_imposed_is_found_back(numbers_of(done))
    the_solution_passes_the_check_and_no_other_answer_does(done)
