"""The notebook of standardization, run once on a small square: its exercise, its figures and what it claims."""

import nbformat
import numpy as np
import pytest
from notebooks.frame import ROOT, code, execute_here, folders_of, numbers_of, printed, read, resized, said, tagged

pytestmark = pytest.mark.slow  # it makes two simulations

GUESSES = (0.0, 0.6)
NUMBERS = """
import json
print("NUMBERS", json.dumps({
    "right": float(agreed),
    "within": {air: dict(zip(bands, map(float, shares))) for air, shares in within.items()},
    "stated": {part: [float(v) for v in values] for part, values in parts.items()},
    "aod": [float(estimate["aod"].where(known).mean()), float(truth["aod"].mean()), float(usual.value)],
    "bands": table.to_dict("list"),
    "differences": {step: list(map(float, d.mean(("y", "x")))) for step, d in differences.items()},
}))
"""


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return read(ROOT / "notebooks" / "40_standardization.ipynb")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return folders_of(tmp_path_factory, "standardization")


@pytest.fixture(scope="module")
def done(notebook, folders) -> nbformat.NotebookNode:
    """Run all cells as a user does, then the check with answers that are guessed, then print what was found."""
    small = resized(notebook, "SIZE = 9.0", "SIZE = 6.0")
    attempt = "\n".join(tagged(small, tag).source for tag in ("solution", "check"))
    small.cells += [nbformat.v4.new_code_cell(f"my_aod = {guess}\n{attempt}") for guess in GUESSES]
    small.cells.append(nbformat.v4.new_code_cell(NUMBERS))
    return execute_here(small, *folders)


@pytest.fixture(scope="module")
def numbers(done) -> dict:
    return numbers_of(done)


def it_runs_from_first_to_last_cell(done, folders):
    cells = code(done)
    assert all(c.execution_count for c in cells)
    assert not [o.text for c in cells for o in c.outputs if o.get("name") == "stderr"]
    assert sum("image/png" in o.get("data", {}) for c in cells for o in c.outputs) == 7
    text = "".join(map(printed, cells))
    for step in ("open_scene(", "stack(", "recalibrate(", "classify(", "correct(", "standardize("):
        assert step in text
    work, scratch = folders
    assert list(scratch.glob("musyq-*/cloudy/granules/*"))
    assert not list(work.iterdir())


def the_solution_passes_the_check(done):
    assert "right: " in said(tagged(done, "check"))


def a_guess_does_not_pass_the_check(done):
    for cell in code(done)[-1 - len(GUESSES) : -1]:
        assert said(cell).startswith("not yet: ")


def most_pixels_are_right_and_within_the_goal(numbers):
    """The programme's goals: 92 % of the cloud mask, 99 % and 68 % of the pixels, less what a small square may miss."""
    assert numbers["right"] > 0.85
    for air, least in (("true air", 0.95), ("aerosol of the scene", 0.68)):
        assert min(numbers["within"][air].values()) > least, air
    assert numbers["within"]["climatology"]["blue"] < numbers["within"]["true air"]["blue"]


def the_scene_tells_more_of_the_aerosol_than_the_climatology(numbers):
    found, true, usual = numbers["aod"]
    assert abs(found - true) < min(abs(usual - true), 0.05 + 0.15 * true)


def both_parts_of_the_uncertainty_are_stated(numbers):
    random, systematic = (np.array(numbers["stated"][part]) for part in ("random", "systematic"))
    assert (random > 0).all()
    assert (systematic > random).all()  # of one scene; aerosol and calibration dominate


def adjusted_bands_give_the_index_of_the_reference(numbers):
    before, after, reference = (np.array(numbers["bands"][name]) for name in ("before", "after", "reference"))
    assert np.abs(after - reference).max() < 0.015
    assert np.abs(before - reference).max() > 0.1  # else there would be nothing to show


def standard_scenes_of_two_sensors_agree_better_than_the_top_of_the_atmosphere(numbers):
    mean = {step: np.abs(values) for step, values in numbers["differences"].items()}
    assert (mean["direction"] < 0.012).all()
    assert mean["air"][0] < 0.5 * mean["grid"][0]  # blue: the path of light of either
    assert mean["direction"][2] < 0.5 * mean["bands"][2]  # near infrared: 7 and 35 degrees, morning and afternoon


def test_the_notebook_shows_what_it_tells(done, folders, numbers):
    """One test for all: processes that share the suite share no fixture, and each would run the notebook anew."""
    it_runs_from_first_to_last_cell(done, folders)
    the_solution_passes_the_check(done)
    a_guess_does_not_pass_the_check(done)
    most_pixels_are_right_and_within_the_goal(numbers)
    the_scene_tells_more_of_the_aerosol_than_the_climatology(numbers)
    both_parts_of_the_uncertainty_are_stated(numbers)
    adjusted_bands_give_the_index_of_the_reference(numbers)
    standard_scenes_of_two_sensors_agree_better_than_the_top_of_the_atmosphere(numbers)
