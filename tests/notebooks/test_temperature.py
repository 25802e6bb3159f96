"""The notebook of surface temperature, run once on a small square: its exercise, its figures and what it claims."""

import nbformat
import numpy as np
import pytest
from notebooks.frame import ROOT, code, execute_here, folders_of, numbers_of, read, resized, said, tagged

pytestmark = pytest.mark.slow  # it makes a simulation

GUESSES = {  # what the hint says: the answer
    "a black body": "(up / 5.670374419e-8) ** 0.25",
    "also reflects": "(up / (e * 5.670374419e-8)) ** 0.25",
    "do not add it": "((up + (1 - e) * down) / (e * 5.670374419e-8)) ** 0.25",
    "degrees Celsius": "solution - 273.15",
    "": "0.0",
}
NUMBERS = """
import json
land_mean = lambda field: float(field.where(land).mean())
print("NUMBERS", json.dumps({
    "raw": score(raw),
    "scores": {method: score(product) for method, product in made.items()},
    "emissivity": {role: land_mean(abs(eps[f"emissivity_{role}"] - actual[role])) for role in actual},
    "curves": {f"{what} {method}": curve for (what, method), curve in curves.items()},
    "tes": float(max(abs(tes[f"emissivity_{role}"] - known[role]).max() for role in ROLES)),
    "desert": [float(known["tir_8_6"][names.index("desert")]), float(tes["emissivity_tir_8_6"][names.index("desert")])],
    "upward": {name: land_mean(field - truth["upward_longwave"]) for name, field in ways.items()},
    "at 0.96": [float(sums[name].sel(e=24)) for name in ("ulr", "ulr_emitted")],
    "units": {name: product.attrs["units"] for name, product in (("lst", lst), ("ulr", ulr["ulr"]))},
}, default=float))
"""


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    return read(ROOT / "notebooks" / "50_temperature.ipynb")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return folders_of(tmp_path_factory, "temperature")


@pytest.fixture(scope="module")
def done(notebook, folders) -> nbformat.NotebookNode:
    """Run all cells as a user does, then the check with answers that miss a step, then print what was found."""
    small = resized(notebook, "SIZE = 6.0", "SIZE = 4.2")
    attempt = "\n".join(tagged(small, tag).source for tag in ("solution", "check"))
    small.cells += [nbformat.v4.new_code_cell(f"my_temperature = {guess}\n{attempt}") for guess in GUESSES.values()]
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
    work, scratch = folders
    assert list(scratch.glob("musyq-*/granules/*"))
    assert not list(work.iterdir())


def the_solution_passes_the_check_and_half_answers_do_not(done):
    assert "right: " in said(tagged(done, "check"))
    for hint, cell in zip(GUESSES, code(done)[-1 - len(GUESSES) : -1], strict=True):
        assert said(cell).startswith("not yet: "), hint
        assert hint in said(cell)


def the_split_window_mends_what_air_and_emissivity_did(numbers):
    """Specks at borders and shadows make most of its error."""
    split = numbers["scores"]["gsw"]
    assert numbers["raw"]["bias (K)"] < -4
    assert abs(split["bias (K)"]) < 0.8
    assert split["rms error (K)"] < 2.2
    assert split["within one sigma"] > 0.6
    assert split["pixels"] > 600


def one_band_is_less_certain_than_two_and_says_so(numbers):
    scores = numbers["scores"]
    for method in ("smw", "single_channel"):
        assert scores[method]["bias (K)"] > 0.5
        assert scores[method]["stated sigma (K)"] > 1.2 * scores["gsw"]["stated sigma (K)"]
    assert abs(scores["split_window"]["bias (K)"]) < 2.5


def emissivity_by_cover_is_near_the_truth(numbers):
    assert max(numbers["emissivity"].values()) < 0.006


def errors_of_emissivity_and_vapour_are_as_told(numbers):
    curves = numbers["curves"]
    for method in numbers["scores"]:
        by_emissivity = np.diff(curves[f"emissivity {method}"])
        assert (by_emissivity < 0).all()
        assert 0.3 < -by_emissivity[0] / 1.5 < 0.9  # K for a hundredth
        by_vapour = np.ptp(curves[f"vapour {method}"])
        assert by_vapour > 5 if method in ("smw", "single_channel") else by_vapour < 2


def separation_finds_the_emissivity_of_desert(numbers):
    known, found = numbers["desert"]
    assert known < 0.8
    assert abs(found - known) < 0.015
    assert numbers["tes"] < 0.02


def forgetting_what_is_reflected_costs(numbers):
    """Science of the issue: 14 W m-2 at 300 K and 0.96."""
    upward = numbers["upward"]
    assert 5 < upward["emitted and reflected"] - upward["emitted alone"] < 20
    assert upward["as a black body"] > upward["emitted and reflected"]
    whole, emitted = numbers["at 0.96"]
    assert whole - emitted == pytest.approx(14.0, abs=0.01)
    assert numbers["units"] == {"lst": "K", "ulr": "W m-2"}


def test_the_notebook_shows_what_it_tells(done, folders, numbers):
    """One test for all: processes that share the suite share no fixture, and each would run the notebook anew."""
    it_runs_from_first_to_last_cell(done, folders)
    the_solution_passes_the_check_and_half_answers_do_not(done)
    the_split_window_mends_what_air_and_emissivity_did(numbers)
    one_band_is_less_certain_than_two_and_says_so(numbers)
    emissivity_by_cover_is_near_the_truth(numbers)
    errors_of_emissivity_and_vapour_are_as_told(numbers)
    separation_finds_the_emissivity_of_desert(numbers)
    forgetting_what_is_reflected_costs(numbers)
