"""The notebook of own algorithms, run once on a small square: contract, truth, isolation, production, exercise."""

import nbformat
import pytest
from notebooks.frame import ROOT, code, execute_here, folders_of, numbers_of, printed, read, said, smaller, tagged

pytestmark = pytest.mark.slow  # it makes a simulation and a production

SMALL = {"SIZE = 6.0": "SIZE = 2.0"}
GUESSES = """
greenest = float(ndvi_of(*(scene["reflectance"].sel(band=band) for band in ("red", "nir"))).max())
for guess in (greenest + 1e-9, answer + 0.1, -answer):
    print(ml.check("own-1", guess))
"""
NUMBERS = """
import json
report_of_first = ml.check_algorithm("cover_first", quick=True)
error = (mine["fvc"] - true).values
kept = ml.retrieve("cover", scene, leaves=answer)["fvc"]
print("NUMBERS", json.dumps({
    "failed": [f.check for f in report_of_first.failed],
    "passed": report.passed,
    "same": bool(np.array_equal(apart["fvc"], mine["fvc"], equal_nan=True)),
    "errors": [float(abs(errors[name]).mean()) for name in errors],
    "made": [len(made.files), len(made.failed)],
    "bias": [float((mine["fvc"] - true).mean()), float((kept - true).mean())],
}))
"""


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return read(ROOT / "notebooks" / "87_own_algorithm.ipynb")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return folders_of(tmp_path_factory, "own")


@pytest.fixture(scope="module")
def done(notebook, folders) -> nbformat.NotebookNode:
    return execute_here(smaller(notebook, SMALL, GUESSES, NUMBERS), *folders)


def it_runs_from_first_to_last_cell(done, folders):
    cells = code(done)
    assert all(c.execution_count for c in cells)
    assert not [o.text for c in cells for o in c.outputs if o.get("name") == "stderr"]
    assert sum("image/png" in o.get("data", {}) for c in cells for o in c.outputs) == 4
    assert not list(folders[0].iterdir())


def the_contract_refuses_the_first_version_and_takes_the_second(done, numbers):
    assert numbers["failed"] == ["any size"]
    assert numbers["passed"]
    told = "".join(printed(cell) for cell in code(done))
    assert "Production says: The algorithm 'cover_first' does not keep the contract" in told
    assert numbers["made"] == [1, 0]


def isolation_gives_the_same_and_stops_what_is_greedy(done, numbers):
    assert numbers["same"]
    told = "".join(printed(cell) for cell in code(done))
    assert "'greedy' failed in its own process" in told


def the_solution_passes_the_check_and_takes_the_bias_away(done, numbers):
    assert said(tagged(done, "check")).startswith("right: ")
    before, after = numbers["bias"]
    assert abs(after) < 0.01 < before
    heard = printed(code(done)[-2])
    assert heard.count("not yet: ") == 3
    assert "highest NDVI of the scene" in heard


def test_the_notebook_shows_what_it_tells(done, folders):
    """One test for all: processes that share the suite share no fixture, and each would run the notebook anew."""
    numbers = numbers_of(done)
    it_runs_from_first_to_last_cell(done, folders)
    the_contract_refuses_the_first_version_and_takes_the_second(done, numbers)
    isolation_gives_the_same_and_stops_what_is_greedy(done, numbers)
    the_solution_passes_the_check_and_takes_the_bias_away(done, numbers)
