"""``ml.check`` as a learner meets it."""

import nbformat
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.training._exercise import EXERCISES
from musyq_lab.training.check import check

SIGMA = 5.670374419e-8


@pytest.fixture
def mast() -> dict:
    """What the notebook of temperature knows: a ground of 310 K below a sky of 350 W m-2."""
    true = xr.DataArray(np.full((3, 3), 310.0), dims=("y", "x"))
    up = 0.96 * SIGMA * 310.0**4 + 0.04 * 350.0
    return {"true": true, "at": 4, "up": up, "down": 350.0, "e": 0.96, "lst": true + 1, "sigma": true * 0 + 1.5}


def notebook(held: dict, source: str):
    """Run a cell in the notebook's name space and return its last value."""
    space = {"check": check, **held}
    return eval(source, space)


def test_what_is_needed_is_taken_from_the_notebook(mast):
    heard = notebook(mast, 'check("temperature-1", 310.1)')
    assert heard
    assert heard.text.endswith("The satellite found 311.00 K there, with a sigma of 1.50 K.")
    assert heard.next.startswith("Take another cell")


def test_what_is_given_comes_before_the_notebook(mast):
    warmer = mast["true"] + 20
    assert not notebook(mast | {"other": warmer}, 'check("temperature-1", 310.1, true=other)')
    assert notebook(mast | {"other": warmer}, 'check("temperature-1", 330.1, true=other)')


def test_a_function_of_the_notebook_may_ask_too(mast):
    def ask(true, at, up, down, e, lst, sigma):
        return check("temperature-1", float(true[at % 3, 0]))

    assert ask(**mast)


def test_what_is_missing_is_named_with_the_notebook_that_makes_it(mast):
    del mast["at"]
    with pytest.raises(InputError, match="needs 'at', which the notebook 50_temperature makes"):
        notebook(mast, 'check("temperature-1", 310.0)')


def test_a_wrong_answer_hears_its_hint_and_not_what_comes_next(mast):
    heard = notebook(mast, 'check("temperature-1", (up / 5.670374419e-8) ** 0.25)')
    assert not heard
    assert "black body" in heard.hint
    assert heard.next == ""
    assert "310" not in repr(heard)


@pytest.mark.parametrize("answer", ["None", "'warm'", "float('nan')", "true", "check", "[1, 2]", "true.chunk()"])
def test_what_cannot_be_judged_is_feedback_and_no_error(mast, answer):
    heard = notebook(mast, f'check("temperature-1", {answer})')
    assert not heard
    assert heard.text
    assert "Traceback" not in repr(heard)


def test_the_words_may_be_chinese(mast):
    assert notebook(mast, 'check("temperature-1", 36.85, language="zh")').text.startswith("答案约偏低")
    assert repr(notebook(mast | {"LANGUAGE": "zh"}, 'check("temperature-1", 310.0)')).startswith(
        "正确: 你的答案是 310 K"
    )
    assert notebook(mast | {"LANGUAGE": "Python"}, 'check("temperature-1", 310.0)').language == "en"
    with pytest.raises(InputError, match="'fr'"):
        notebook(mast, 'check("temperature-1", 310.0, language="fr")')


def test_an_unknown_exercise_names_the_closest():
    with pytest.raises(NotFoundError, match=r"no exercise 'temprature-1'. Did you mean 'temperature-1'\?"):
        check("temprature-1", 3)


def test_what_the_check_does_not_take_is_refused(mast):
    with pytest.raises(InputError, match="takes true, at, up, down, e, lst, sigma of the notebook, not 'sim'"):
        notebook(mast, 'check("temperature-1", 310.0, sim=3)')


def test_a_variable_that_was_written_over_is_told(mast):
    with pytest.raises(InputError, match=r"could not work out the truth from true, at, .*from the top"):
        notebook(mast | {"true": "warm"}, 'check("temperature-1", 310.0)')


def test_a_simulation_may_be_given_by_its_folder(tmp_path):
    """That there is none is told as everywhere."""
    with pytest.raises(NotFoundError, match="holds no simulation"):
        check("aerosol-1", 0.2, sim=tmp_path, row={}, clear=np.ones((1, 1), bool))


def test_without_an_answer_the_question_is_shown_and_without_a_name_all():
    assert check() is EXERCISES
    assert check("lai-1") is EXERCISES["lai-1"]


@pytest.mark.parametrize("path", sorted(resource("notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_notebook_has_an_exercise_and_every_exercise_a_notebook(path):
    cells = [c.source for c in nbformat.read(path, as_version=4).cells if "check" in c.metadata.get("tags", [])]
    own = [key for key, exercise in EXERCISES.items() if exercise.notebook == path.stem]
    assert len(cells) == 1
    assert any(f'ml.check("{key}", answer' in cells[0] for key in own), own
