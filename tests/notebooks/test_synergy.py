"""The notebook of the synergy, run once with few sensors and days: its exercise, its figures and what it claims."""

import nbformat
import numpy as np
import pytest
from notebooks.frame import ROOT, code, execute_here, folders_of, numbers_of, printed, read, said, smaller, tagged

pytestmark = pytest.mark.slow  # it makes a simulation

SMALL = {
    "DAYS = 5 ": "DAYS = 3 ",
    "SIZE = 9.0": "SIZE = 6.0",
    '"sentinel2_msi", "gf1_wfv", "modis", "fy3d_mersi2"]': '"sentinel2_msi", "modis"]',
}
NUMBERS = """
import json
print("NUMBERS", json.dumps({
    "granules": len(sim.granules),
    "looks": int(made["n_obs"].max()),
    "shares": float(np.ptp(made["sensor_share"].sum("sensor").values[made["n_obs"].values > 0])),
    "empty": float((made["n_obs"] == 0).mean()),
    "result": result.to_dict("index"),
    "said": said.to_dict("list"),
    "named": lineage.granules_of(made, x, y),
    "series": [float(index.isnull().mean()), float(filled["value"].isnull().mean())],
    "kept": sorted(map(str, made["granule"].values)),
    "planted": planted,
}, default=str))
"""
GUESSES = """
for guess in [key for key in keys if key != planted]:
    print(ml.check("synergy-1", guess))
"""


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return read(ROOT / "notebooks" / "70_synergy.ipynb")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return folders_of(tmp_path_factory, "synergy")


@pytest.fixture(scope="module")
def done(notebook, folders) -> nbformat.NotebookNode:
    """Run all cells as a user does, then the check with every wrong answer, then print what was found."""
    return execute_here(smaller(notebook, SMALL, GUESSES, NUMBERS), *folders)


@pytest.fixture(scope="module")
def numbers(done) -> dict:
    return numbers_of(done)


def it_runs_from_first_to_last_cell(done, folders):
    cells = code(done)
    assert all(c.execution_count for c in cells)
    assert not [o.text for c in cells for o in c.outputs if o.get("name") == "stderr"]
    assert sum("image/png" in o.get("data", {}) for c in cells for o in c.outputs) == 5
    work, scratch = folders
    assert list(scratch.glob("musyq-*/granules/*"))
    assert not list(work.iterdir())


def the_solution_passes_the_check_and_no_other_answer_does(done):
    assert "right: " in said(tagged(done, "check"))
    heard = printed(code(done)[-2])
    assert heard.count("not yet: ") == 2
    assert "right: " not in heard


def a_broken_granule_is_named_and_the_others_go_on(numbers):
    said = numbers["said"]
    assert said["read"].count(False) == 1
    assert "cut off" in said["reason"][said["read"].index(False)]
    assert said["read"].count(True) == numbers["granules"] - 1


def the_lineage_of_a_pixel_names_as_many_granules_as_it_has_looks(numbers):
    assert len(numbers["named"]) == numbers["looks"] > 1
    assert set(numbers["named"]) <= set(numbers["kept"])


def shares_of_the_sensors_add_up(numbers):
    assert numbers["shares"] < 1e-5


def all_together_leave_fewer_gaps_and_err_less(numbers):
    gaps = {name: row["gaps"] for name, row in numbers["result"].items()}
    assert numbers["empty"] <= min(gaps.values())
    error = {name: row["all, fine first"] - row["alone"] for name, row in numbers["result"].items()}
    assert np.nanmean(list(error.values())) < 0  # on the same cells
    assert error["modis"] < 0


def the_series_has_fewer_gaps_after_filling(numbers):
    """Cells that were seen on one day of three, or on none, are given no curve."""
    before, after = numbers["series"]
    assert before > 0.1
    assert after < 0.75 * before


def test_the_notebook_shows_what_it_tells(done, folders, numbers):
    """One test for all: processes that share the suite share no fixture, and each would run the notebook anew."""
    it_runs_from_first_to_last_cell(done, folders)
    the_solution_passes_the_check_and_no_other_answer_does(done)
    a_broken_granule_is_named_and_the_others_go_on(numbers)
    the_lineage_of_a_pixel_names_as_many_granules_as_it_has_looks(numbers)
    shares_of_the_sensors_add_up(numbers)
    all_together_leave_fewer_gaps_and_err_less(numbers)
    the_series_has_fewer_gaps_after_filling(numbers)
