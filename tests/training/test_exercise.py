"""The rows of the exercises: all that ship can be checked, and a row that cannot is refused with its name."""

import inspect

import pytest
import yaml

from musyq_lab.core.errors import CatalogError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.core.units import convertible
from musyq_lab.figures.words import LANGUAGES
from musyq_lab.training._exercise import EXERCISES, read
from musyq_lab.training._words import WORDS, word

ROW = {"question": "How warm?", "answer": "number", "units": "K", "truth": "temperature.below_mast"}
BILINGUAL = ("00_start", "10_catalog_and_products", "20_raw_granules")


def written(tmp_path, **changes):
    path = tmp_path / "50_temperature.yml"
    path.write_text(yaml.safe_dump({"temperature-9": {k: v for k, v in (ROW | changes).items() if v is not None}}))
    return path


@pytest.mark.parametrize("key", list(EXERCISES))
def test_every_exercise_that_ships_can_be_checked(key):
    exercise = EXERCISES[key]
    assert exercise.key == key
    assert list(resource("notebooks").glob(f"{exercise.notebook}.ipynb"))
    assert inspect.getdoc(exercise.known_by)
    assert exercise.needs.keys() == inspect.signature(exercise.known_by).parameters.keys()
    assert convertible(exercise.units or "1", exercise.units or "1")
    if exercise.answer in ("number", "array"):
        assert exercise.allowed(1.0) > 0 or exercise.tolerance
    assert word(exercise.next).endswith((".", "?"))
    for text in (exercise.question, *exercise.hints.values(), exercise.next):
        assert word(text)


@pytest.mark.parametrize("key", list(EXERCISES))
def test_every_hint_names_a_mistake(key):
    """Of its own truth, which names it in its source, or one that all exercises know."""
    exercise = EXERCISES[key]
    source = inspect.getsource(exercise.known_by)
    for name in exercise.hints:
        assert f'"{name}"' in source or name in WORDS, name


@pytest.mark.parametrize("key", [key for key, e in EXERCISES.items() if e.notebook in BILINGUAL])
def test_notebooks_with_a_chinese_edition_have_chinese_hints(key):
    exercise = EXERCISES[key]
    for text in (exercise.question, *exercise.hints.values(), exercise.next):
        assert set(text) == set(LANGUAGES)
        assert word(text, "zh") != word(text, "en")


def test_a_row_is_read_under_the_name_of_its_notebook(tmp_path):
    (exercise,) = read(written(tmp_path, tolerance={"absolute": 0.5, "relative": 0.01}))
    assert (exercise.key, exercise.notebook) == ("temperature-9", "50_temperature")
    assert exercise.allowed(-200.0) == 2.5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"answer": "guess"}, "must be number, array, choice, set, not 'guess'"),
        ({"units": ""}, "needs `units`"),
        ({"tolerance": {"abs": 1}}, "absolute and relative, not abs"),
        ({"tolerance": {"absolute": -1}}, "0 or more"),
        ({"tolerance": {"absolute": float("nan")}}, "0 or more"),
        ({"share": 0}, "above 0"),
        ({"share": 1.2}, "above 0"),
        ({"answer": "choice", "tolerance": {"absolute": 1}}, "a choice has no tolerance"),
        ({"truth": "below_mast"}, "'module.function', not 'below_mast'"),
        ({"solution": 3}, "unexpected keyword argument 'solution'"),
        ({"question": None}, "missing 1 required positional argument: 'question'"),
    ],
)
def test_a_row_that_cannot_be_checked_is_refused(tmp_path, changes, words):
    with pytest.raises(CatalogError, match="temperature-9") as caught:
        read(written(tmp_path, **changes))
    assert words in str(caught.value)
    assert "50_temperature.yml" in str(caught.value)


@pytest.mark.parametrize("text", ["- a list", "temperature-1: 3", ""])
def test_a_file_of_another_shape_is_refused(tmp_path, text):
    path = tmp_path / "x.yml"
    path.write_text(text)
    with pytest.raises(CatalogError, match=r"x\.yml must map"):
        read(path)


def test_the_list_shows_every_exercise():
    rows = EXERCISES.table()
    assert len(rows) == len(EXERCISES) + 1
    assert all(len(row) == 4 for row in rows)
    html = EXERCISES._repr_html_()
    for key in EXERCISES:
        assert key in html
        assert key in repr(EXERCISES)
    assert "temperature-1" in EXERCISES
    assert "temperature-0" not in EXERCISES
    with pytest.raises(NotFoundError, match="lists them all"):
        EXERCISES["temperature-0"]


def test_a_question_shows_how_it_is_answered():
    assert 'ml.check("temperature-1", your number in K)' in repr(EXERCISES["temperature-1"])
    assert "<b>lai-2</b>" in EXERCISES["lai-2"]._repr_html_()
    assert "your array in m² m⁻²" in repr(EXERCISES["lai-2"])
