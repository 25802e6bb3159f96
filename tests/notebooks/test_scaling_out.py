"""The notebook of scaling out, run once with two years and ten days: the same bits and bytes wherever it runs."""

import nbformat
import pytest
from notebooks.frame import ROOT, code, execute_here, folders_of, numbers_of, printed, read, said, tagged

pytestmark = pytest.mark.slow  # it starts workers and makes a simulation

SMALL = {
    "YEARS = [2012, 2013, 2014, 2015]": "YEARS = [2014, 2015]",
    "CELL = 2.0": "CELL = 4.0",
    "DAYS = 15": "DAYS = 10",
}
GUESSES = """
for guess in (answer**2, float(error.mean()), 2 * answer):
    print(ml.check("scaling-1", guess))
"""
NUMBERS = """
import json
print("NUMBERS", json.dumps({
    "identical": here.identical(there),
    "workers": len(workers),
    "table": table.to_dict("index"),
    "problems": [len(ml.forecast(plan, folder / "x", jobs=1, memory=m).problems) for m in ("1GB", "200MB")],
    "digests": [[digest(a), digest(b)] for a, b in zip(on_threads.files, on_workers.files, strict=True)],
    "again": [o.state for o in again.outcomes],
}))
"""


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return read(ROOT / "notebooks" / "85_scaling_out.ipynb")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return folders_of(tmp_path_factory, "scaling")


@pytest.fixture(scope="module")
def done(notebook, folders) -> nbformat.NotebookNode:
    small = nbformat.from_dict(notebook)
    parameters = tagged(small, "parameters")
    for given, less in SMALL.items():
        assert given in parameters.source
        parameters.source = parameters.source.replace(given, less)
    small.cells += [nbformat.v4.new_code_cell(source) for source in (GUESSES, NUMBERS)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSYQ_CODE_VERSION", "test")  # a tree that is edited meanwhile is no other version
        return execute_here(small, *folders)


def it_runs_from_first_to_last_cell(done, folders):
    cells = code(done)
    assert all(c.execution_count for c in cells)
    assert not [o.text for c in cells for o in c.outputs if o.get("name") == "stderr"]
    assert sum("image/png" in o.get("data", {}) for c in cells for o in c.outputs) == 4
    assert not list(folders[0].iterdir())


def workers_give_the_same_bits_and_files(numbers):
    assert numbers["identical"]
    assert numbers["workers"] == 2
    assert len(numbers["digests"]) >= 2
    assert all(threads == workers for threads, workers in numbers["digests"])
    assert set(numbers["again"]) == {"kept"}


def what_does_not_fit_is_told_before(numbers):
    assert numbers["problems"] == [0, 1]


def smaller_blocks_are_more(numbers):
    rows = sorted(numbers["table"].values(), key=lambda row: row["kB in a block"])
    assert [row["blocks"] for row in rows] == sorted((row["blocks"] for row in rows), reverse=True)


def the_solution_passes_the_check_and_no_other_answer_does(done):
    assert said(tagged(done, "check")).startswith("right: ")
    heard = printed(code(done)[-2])
    assert heard.count("not yet: ") == 3
    assert "Take its root" in heard
    assert "Square them first" in heard


def test_the_notebook_shows_what_it_tells(done, folders):
    """One test for all: processes that share the suite share no fixture, and each would run the notebook anew."""
    numbers = numbers_of(done)
    it_runs_from_first_to_last_cell(done, folders)
    workers_give_the_same_bits_and_files(numbers)
    what_does_not_fit_is_told_before(numbers)
    smaller_blocks_are_more(numbers)
    the_solution_passes_the_check_and_no_other_answer_does(done)
