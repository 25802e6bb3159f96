"""The notebook of leaf area, run once on a small square: its exercise, its figures and what it claims."""

import nbformat
import numpy as np
import pytest
from notebooks.frame import ROOT, code, execute_here, folders_of, numbers_of, printed, read, resized, said, tagged

pytestmark = pytest.mark.slow  # it makes a simulation

NUMBERS = """
import json
print("NUMBERS", json.dumps({
    "found": score(found),
    "ways": {name: score(made) for name, made in ways.items()},
    "hidden": [float(np.median(e)) for e in errors],
    "bits": {name: float(where.mean()) for name, where in bits.items()},
    "sigma": [float(sigma.where((true > low) & (true < high)).mean()) for low, high in ((0.5, 2.0), (3.0, 6.0))],
    "borders": {name: float(np.sqrt(np.mean(difference[side] ** 2))) for name, side in sides.items()},
    "airs": {f"{aod:.1f}": score(made)["bias"] for aod, made in airs.items()},
    "kilometre": [float((of_mean / mean_of - 1).median()), float((of_mean / mean_of - 1).min())],
    "pairs": {", ".join(key): score(value) for key, value in made.items()},
    "methods": methods,
    "planted": planted,
    "candidates": candidates,
}, default=float))
"""
GUESSES = """
for guess in [number for number in candidates if number != planted]:
    print(ml.check("lai-1", guess))
"""
MAPS = """
for guess in (lai, ways["leaves at random"]["lai"], careless["lai"], lai[::-1].values, 1e4 * lai):
    print(ml.check("lai-2", guess))
"""


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return read(ROOT / "notebooks" / "40_vegetation.ipynb")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return folders_of(tmp_path_factory, "vegetation")


@pytest.fixture(scope="module")
def done(notebook, folders) -> nbformat.NotebookNode:
    """Run all cells as a user does, then the check with every wrong answer, then print what was found."""
    small = resized(notebook, "SIZE = 6.0", "SIZE = 5.0")
    small.cells += [nbformat.v4.new_code_cell(source) for source in (GUESSES, MAPS, NUMBERS)]
    return execute_here(small, *folders)


@pytest.fixture(scope="module")
def numbers(done) -> dict:
    return numbers_of(done)


def it_runs_from_first_to_last_cell(done, folders):
    cells = code(done)
    assert all(c.execution_count for c in cells)
    assert not [o.text for c in cells for o in c.outputs if o.get("name") == "stderr"]
    assert sum("image/png" in o.get("data", {}) for c in cells for o in c.outputs) == 8
    work, scratch = folders
    assert list(scratch.glob("musyq-*/granules/*"))
    assert not list(work.iterdir())


def the_solution_passes_the_check_and_no_other_answer_does(done, numbers):
    assert "right: " in said(tagged(done, "check"))
    assert "the rms error falls" in said(tagged(done, "check"))
    heard = printed(code(done)[-3])
    assert heard.count("not yet: ") == len(numbers["candidates"]) - 1 > 2
    assert "right: " not in heard


def the_check_of_a_map_tells_what_is_wrong_with_it(done):
    heard = printed(code(done)[-2]).splitlines()
    assert sum(line.startswith("right: ") for line in heard) == 1
    hints = [line for line in heard if line.startswith("Hint: ")]
    for hint, words in zip(hints, ("effective", "under clouds", "on its head", "power of ten"), strict=True):
        assert words in hint


def most_pixels_are_within_the_threshold_of_gcos(numbers):
    """The house asks for 60 % of the pixels."""
    found = numbers["found"]
    assert found["pixels"] > 10_000
    assert found["within GCOS threshold"] > 0.6
    assert abs(found["bias"]) < 0.2
    assert found["within one sigma"] > 0.6


def without_clumping_leaf_area_is_too_low(numbers):
    ways = numbers["ways"]
    assert ways["leaves at random"]["bias"] < -0.4
    for name in ("clumping by class", "true clumping"):
        assert ways[name]["rms error"] < ways["leaves at random"]["rms error"]


def clouds_cost_leaves_and_the_network_marks_only_their_brightest_parts(numbers):
    clear, unmarked, marked = numbers["hidden"]
    assert abs(clear) < 0.3
    assert marked < unmarked < clear
    assert 0 < numbers["bits"]["outside_training"] < 0.5 * numbers["bits"]["scene_cloud"]


def the_stated_uncertainty_grows_with_leaf_area(numbers):
    few, many = numbers["sigma"]
    assert many > 1.5 * few


def borders_are_worse_than_the_insides_of_fields(numbers):
    assert numbers["borders"]["at a border"] > numbers["borders"]["within a field"]


def more_aerosol_taken_out_shows_more_leaves(numbers):
    bias = list(numbers["airs"].values())
    assert bias == sorted(bias)
    assert bias[-1] - bias[0] > 0.3


def a_kilometre_shows_fewer_leaves_than_its_parts(numbers):
    middle, least = numbers["kilometre"]
    assert -0.2 < least < middle < 0


def every_method_works_on_both_sensors(numbers):
    assert len(numbers["pairs"]) == 2 * len(numbers["methods"])
    shares = [row["within GCOS threshold"] for row in numbers["pairs"].values()]
    assert np.min(shares) > 0.4


def test_the_notebook_shows_what_it_tells(done, folders, numbers):
    """One test for all: processes that share the suite share no fixture, and each would run the notebook anew."""
    it_runs_from_first_to_last_cell(done, folders)
    the_solution_passes_the_check_and_no_other_answer_does(done, numbers)
    the_check_of_a_map_tells_what_is_wrong_with_it(done)
    most_pixels_are_within_the_threshold_of_gcos(numbers)
    without_clumping_leaf_area_is_too_low(numbers)
    clouds_cost_leaves_and_the_network_marks_only_their_brightest_parts(numbers)
    the_stated_uncertainty_grows_with_leaf_area(numbers)
    borders_are_worse_than_the_insides_of_fields(numbers)
    more_aerosol_taken_out_shows_more_leaves(numbers)
    a_kilometre_shows_fewer_leaves_than_its_parts(numbers)
    every_method_works_on_both_sensors(numbers)
