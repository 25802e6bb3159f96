"""The notebook of catalogs and products, run once: its cube, its words, its downloads and its exercise."""

import nbformat
import pytest
from notebooks.frame import ROOT, code, execute_here, folders_of, numbers_of, printed, read, said, smaller, tagged

pytestmark = pytest.mark.slow  # it makes a year of products

GUESSES = """
for guess in (float(daily.sum("time", skipna=False).mean()), float(daily.mean()), float(annual.mean()), 1e6):
    print(ml.check("catalog-1", guess))
"""
NUMBERS = """
import json
print("NUMBERS", json.dumps({
    "files": len(list(folder.glob("*.h5"))),
    "months": cube.sizes["time"],
    "same": same,
    "lines": len(pd.read_csv(table.path)),
    "cells": int(kept.notnull().any("time").sum()),
    "estimates": takes["files"].to_dict(),
    "receipts": len(ml.receipts()),
    "published": rows["status"].value_counts().to_dict(),
}))
"""


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return read(ROOT / "notebooks" / "10_catalog_and_products.ipynb")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return folders_of(tmp_path_factory, "catalog")


@pytest.fixture(scope="module")
def done(notebook, folders) -> nbformat.NotebookNode:
    return execute_here(smaller(notebook, {}, GUESSES, NUMBERS), *folders)


def it_runs_from_first_to_last_cell(done, folders):
    cells = code(done)
    assert all(c.execution_count for c in cells)
    assert not [o.text for c in cells for o in c.outputs if o.get("name") == "stderr"]
    assert sum("image/png" in o.get("data", {}) for c in cells for o in c.outputs) == 4
    work, _ = folders
    assert [path.name for path in work.iterdir()] == ["musyq-output"]  # the account of the machine is left alone
    assert (work / "musyq-output" / "catalog_and_products" / "account" / "downloads.sqlite").is_file()


def what_is_not_there_is_told_in_words(done):
    told = "".join(printed(cell) for cell in code(done))
    assert "not on this machine" in told
    assert "No quality bit is set" in told
    assert "no parameters for this class of land cover" in told
    assert "retrieve:gpp(" in told


def downloads_equal_the_archive_and_the_table_has_every_cell(done):
    numbers = numbers_of(done)
    assert numbers["files"] == numbers["months"] == 12
    assert numbers["same"] < 1e-6
    assert numbers["lines"] >= 12 * numbers["cells"] > 0
    assert numbers["estimates"] == {"NetCDF": 1, "HDF5": 12, "COG": 48, "Zarr": 4, "CSV": 2}
    assert numbers["receipts"] == 2
    assert numbers["published"] == {"published": 8, "described": 23}


def the_solution_passes_the_check_and_no_other_answer_does(done):
    assert said(tagged(done, "check")).startswith("right: ")
    heard = printed(code(done)[-2])
    assert heard.count("not yet: ") == 4
    for hint in ("number of days before", "the mean of a day", "cosine of the latitude"):
        assert hint in heard


def test_the_notebook_shows_what_it_tells(done, folders):
    """One test for all: processes that share the suite share no fixture, and each would run the notebook anew."""
    it_runs_from_first_to_last_cell(done, folders)
    what_is_not_there_is_told_in_words(done)
    downloads_equal_the_archive_and_the_table_has_every_cell(done)
    the_solution_passes_the_check_and_no_other_answer_does(done)
