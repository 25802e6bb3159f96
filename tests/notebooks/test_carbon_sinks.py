"""The notebook of carbon sinks, run once with two years and without the recipe, which has tests of its own."""

import nbformat
import pytest
from notebooks.frame import ROOT, code, execute_here, folders_of, numbers_of, printed, read, said, smaller, tagged

pytestmark = pytest.mark.slow  # it makes years of a globe

SMALL = {"YEARS = (2011, 2012, 2013, 2014, 2015)": "YEARS = (2014, 2015)", "RECIPE = True": "RECIPE = False"}
GUESSES = """
for guess in (1 / answer, 0.9, 100 * answer):
    print(ml.check("carbon-1", guess))
"""
NUMBERS = """
import json
print("NUMBERS", json.dumps({
    "inside": [bool(value) for value in gpp["inside"]],
    "sigmas": [alone, wide, joint],
    "error": 1000 * error,
    "sum": [float(annual["gpp"].mean("year").fillna(0).values.ravel() @ area.ravel()) / 1e12, float(gpp["ours_tg"]["Globe"])],
    "scenarios": len(scenarios),
    "kept": answer,
}))
"""  # noqa: E501


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return read(ROOT / "notebooks" / "80_carbon_sinks.ipynb")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return folders_of(tmp_path_factory, "carbon")


@pytest.fixture(scope="module")
def done(notebook, folders) -> nbformat.NotebookNode:
    return execute_here(smaller(notebook, SMALL, GUESSES, NUMBERS), *folders)


def it_runs_from_first_to_last_cell(done, folders):
    cells = code(done)
    assert all(c.execution_count for c in cells)
    assert not [o.text for c in cells for o in c.outputs if o.get("name") == "stderr"]
    assert sum("image/png" in o.get("data", {}) for c in cells for o in c.outputs) == 5
    assert not list(folders[0].iterdir())


def intervals_hold_the_truth_and_those_of_cells_for_themselves_do_not(numbers):
    assert sum(numbers["inside"]) >= 0.9 * len(numbers["inside"])
    alone, wide, joint = numbers["sigmas"]
    assert alone < wide < joint
    assert numbers["error"] > 3 * alone


def the_total_is_the_sum_of_what_the_map_shows(numbers):
    by_hand, given = numbers["sum"]
    assert given == pytest.approx(by_hand, rel=1e-3)
    assert numbers["scenarios"] == 4


def the_solution_passes_the_check_and_no_other_answer_does(done, numbers):
    assert said(tagged(done, "check")).startswith("right: ")
    assert 0.4 < numbers["kept"] < 0.7
    heard = printed(code(done)[-2])
    assert heard.count("not yet: ") == 3
    assert "other way round" in heard


def test_the_notebook_shows_what_it_tells(done, folders):
    """One test for all: processes that share the suite share no fixture, and each would run the notebook anew."""
    numbers = numbers_of(done)
    it_runs_from_first_to_last_cell(done, folders)
    intervals_hold_the_truth_and_those_of_cells_for_themselves_do_not(numbers)
    the_total_is_the_sum_of_what_the_map_shows(numbers)
    the_solution_passes_the_check_and_no_other_answer_does(done, numbers)
