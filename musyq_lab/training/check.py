"""``ml.check``: an answer to an exercise held against the simulated truth."""

from __future__ import annotations

import sys
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, overload

from musyq_lab.core.errors import InputError, MusyqError
from musyq_lab.figures.words import LANGUAGES, Language, check_language
from musyq_lab.training._answers import Unfit
from musyq_lab.training._exercise import EXERCISES, Exercise, Exercises
from musyq_lab.training._feedback import Feedback
from musyq_lab.training._judge import Verdict, judge
from musyq_lab.training._truth import Truth
from musyq_lab.training._words import WORDS, say, word
from musyq_lab.twin.simulate import Simulation, open_simulation


class _Nothing:
    """Told apart from an answer that is None."""


_NOTHING: Final = _Nothing()


@overload
def check() -> Exercises: ...
@overload
def check(exercise: str) -> Exercise: ...
@overload
def check(exercise: str, answer: Any, *, language: Language | None = None, **given: Any) -> Feedback: ...
def check(
    exercise: str | None = None, answer: Any = _NOTHING, *, language: Language | None = None, **given: Any
) -> Feedback | Exercise | Exercises:
    """Say whether an answer to an exercise is right, how far off it is, and what may have led there.

    The truth comes from the simulated Earth of the notebook: what the check needs of it, it takes from the notebook's
    own variables. Feedback on an answer that is not right never holds the solution.

    Parameters
    ----------
    exercise
        Name of an exercise, such as ``"lai-1"``; without one, all are listed.
    answer
        A number, an array, one of the candidates or a set of them, as the exercise asks; lazy arrays are computed.
        Without one, the question is shown.
    language
        Of the words: ``"en"`` or ``"zh"``; by default the notebook's variable ``LANGUAGE``, else English.
    **given
        What the check shall take in place of the notebook's variable of the same name, such as ``sim=``, a simulation
        or its folder.

    Returns
    -------
    Feedback
        True in a condition if the answer is right.

    Raises
    ------
    NotFoundError
        If there is no such exercise.
    InputError
        If a variable that the check needs is not there; cells of the notebook were left out, then.
    """
    if exercise is None:
        return EXERCISES
    asked = EXERCISES[exercise]
    if answer is _NOTHING:
        return asked
    caller = sys._getframe(1)
    held = ChainMap(dict(given), caller.f_locals, caller.f_globals)
    own = held.get("LANGUAGE")
    words = check_language(language or (own if own in LANGUAGES else "en"))
    if unknown := sorted(set(given) - set(asked.needs)):
        takes = ", ".join(asked.needs) or "nothing"
        raise InputError(f"The check of {asked.key!r} takes {takes} of the notebook, not {unknown[0]!r}.")
    truth = _truth_of(asked, held)
    try:
        verdict = judge(asked, answer, truth, words)
    except Unfit as unfit:
        verdict = Verdict(False, unfit.told(words))
    return _feedback(asked, verdict, truth, words)


def _feedback(exercise: Exercise, verdict: Verdict, truth: Truth, language: str) -> Feedback:
    own = exercise.hints.get(verdict.mistake)
    hint = verdict.hint or (word(own, language) if own else "")
    if not hint and verdict.mistake in WORDS:
        hint = say(verdict.mistake, language)
    text = " ".join(filter(None, (verdict.text, truth.note if verdict.passed else "")))
    after = word(exercise.next, language) if verdict.passed else ""
    return Feedback(exercise.key, verdict.passed, text, hint, after, language)


def _truth_of(exercise: Exercise, held: Mapping[str, Any]) -> Truth:
    """Ask the function of an exercise for the truth, with what is given and what the notebook holds."""
    needs = exercise.needs
    if missing := [name for name, optional in needs.items() if name not in held and not optional]:
        raise InputError(
            f"The check of {exercise.key!r} needs {', '.join(map(repr, missing))}, which the notebook "
            f"{exercise.notebook} makes. Run its cells above the exercise first, or give {missing[0]}=... here."
        )
    taken = {name: _opened(name, held[name]) for name in needs if name in held}
    try:
        made = exercise.known_by(**taken)
    except MusyqError:
        raise
    except Exception as error:
        raise InputError(
            f"The check of {exercise.key!r} could not work out the truth from {', '.join(needs)}: "
            f"{type(error).__name__}: {error}. Run the notebook's cells again from the top; the exercise changes none "
            "of these."
        ) from error
    return made if isinstance(made, Truth) else Truth(made)


def _opened(name: str, value: Any) -> Any:
    """Return a variable; a simulation may be given by its folder."""
    if name == "sim" and isinstance(value, str | Path) and not isinstance(value, Simulation):
        return open_simulation(value)
    return value
