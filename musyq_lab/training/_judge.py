"""How an answer is held against the truth, one function a kind of answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.training._answers import Array, Unfit, choice, layers, number, several, split
from musyq_lab.training._exercise import Exercise
from musyq_lab.training._mistakes import mistakes
from musyq_lab.training._truth import Truth
from musyq_lab.training._words import say

_CLEARLY = 0.5
"""An array follows a mistake of its exercise if it is at most half as far from it as from the truth."""

_ROUNDING = 1e-12
"""Of the truth (1), by which a difference may exceed the tolerance."""
_MOST_DIGITS = 9
"""Of a number that is shown."""
_STRAY = 0.05
"""Share of the hidden cells that may have a value (1): masks differ at their borders."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of an answer."""

    passed: bool
    """Whether it is right."""
    text: str
    """How near it is."""
    mistake: str = ""
    """Name of the hint that fits."""
    hint: str = ""
    """Words of a hint that names what was found; by default those of the mistake."""


def judge(exercise: Exercise, answer: Any, truth: Truth, language: str) -> Verdict:
    """Hold an answer against the truth.

    Raises
    ------
    Unfit
        If the answer cannot be judged.
    """
    return _JUDGES[exercise.answer](exercise, answer, truth, language)


def shown(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits and no exponent, such as 12300, 0.0123 or -4.56."""
    if not np.isfinite(value):
        return str(value)
    return np.format_float_positional(float(f"{value:.{digits}g}"), trim="-")


def _number(exercise: Exercise, answer: Any, truth: Truth, language: str) -> Verdict:
    given, known = number(answer, exercise.units), float(truth.value)
    if not np.isfinite(known):
        raise InputError(f"The truth of {exercise.key!r} is not known here ({known}): there may be no cell to ask.")
    allowed = exercise.allowed(known) if truth.allowed is None else truth.allowed
    units = exercise.shown_units
    off = given - known
    said = {"units": units, "allowed": shown(allowed)}
    if abs(off) <= allowed + _ROUNDING * abs(known):
        digits = max(3, _digits(known, allowed))
        text = say("number_right", language, answer=shown(given, digits), truth=shown(known, digits), **said)
        return Verdict(True, _tidy(text))
    text = say(
        "too_high" if off > 0 else "too_low",
        language,
        distance=shown(abs(off), 2 if abs(off) < 3 * allowed else 1),
        **said,
    )
    return Verdict(False, _tidy(text), _of_number(given, known, allowed, exercise.units, truth.mistakes))


def _digits(value: float, step: float) -> int:
    """Return how many significant digits tell values a tenth of a step apart."""
    if not value or not step:
        return _MOST_DIGITS
    return int(min(_MOST_DIGITS, np.floor(np.log10(abs(value))) - np.floor(np.log10(step)) + 2))


def _of_number(given: float, known: float, allowed: float, units: str, own: Mapping[str, Any]) -> str:
    """Return the name of the mistake whose answer is the nearest, of those that are near; an own one comes first."""
    near: list[tuple[float, str]] = []
    for name, wrong in own.items():
        distance = float(np.min(np.abs(given - np.asarray(wrong, float))))
        if distance <= min(max(allowed, 1e-3 * abs(given)), _CLEARLY * abs(given - known)):
            near.append((distance, name))
    for mistake in mistakes(units):
        distance = abs(given - (mistake.factor * known + mistake.offset))
        if distance <= abs(mistake.factor) * min(allowed, 0.1 * abs(known)):
            near.append((distance, mistake.name))
    return min(near, key=lambda pair: pair[0], default=(0.0, ""))[1]


def _array(exercise: Exercise, answer: Any, truth: Truth, language: str) -> Verdict:
    value = truth.value
    known = {str(k): v for k, v in value.data_vars.items()} if isinstance(value, xr.Dataset) else split(value)
    pairs = layers(answer, known, exercise.units)
    verdicts = {name: _layer(exercise, *pair, truth, language) for name, pair in pairs.items()}
    worst = next((name for name, verdict in verdicts.items() if not verdict.passed), next(iter(verdicts)))
    verdict = verdicts[worst]
    text = say("in_layer", language, name=worst, text=verdict.text) if len(verdicts) > 1 else verdict.text
    if verdict.passed:
        return Verdict(True, text)
    return _explained(exercise, pairs, worst, truth, Verdict(False, text), language)


def _layer(exercise: Exercise, given: Array, known: Array, truth: Truth, language: str) -> Verdict:
    has, wanted = np.isfinite(given) & np.isfinite(known), exercise.share
    if not has.any():
        raise Unfit("no_cells")
    allowed = _allowed(exercise, known, truth)
    within = float(np.mean(np.abs(given - known)[has] <= allowed[has]))
    error = (given - known)[has]
    covered = float(has.sum() / max(1, (np.isfinite(known) & ~_hidden(truth, known)).sum()))
    numbers = {"rms": shown(float(np.sqrt(np.mean(error**2))), 2), "bias": shown(float(error.mean()), 2)}
    said = {"share": f"{within:.0%}", "cells": int(has.sum()), "wanted": f"{wanted:.0%}"}
    said |= {"allowed": _spoken(exercise, truth), "units": exercise.shown_units, **numbers}
    if within < wanted or _stray(truth, given) > _STRAY:
        return Verdict(False, _tidy(say("array_wrong", language, **said)))
    if covered < wanted:
        return Verdict(False, say("few_cells", language, **(said | {"share": f"{covered:.0%}"})))
    return Verdict(True, _tidy(say("array_right", language, **said)))


def _explained(
    exercise: Exercise, pairs: dict[str, tuple[Array, Array]], name: str, truth: Truth, verdict: Verdict, language: str
) -> Verdict:
    """Return the verdict with the mistake that explains it, if one does."""
    given, known = pairs[name]

    def fits(values: Array, against: Array = known) -> bool:
        has = np.isfinite(values) & np.isfinite(against)
        allowed = _allowed(exercise, against, truth)
        return bool(has.any()) and float(np.mean(np.abs(values - against)[has] <= allowed[has])) >= exercise.share

    for other, (_, theirs) in pairs.items():
        if other != name and theirs.shape == given.shape and fits(given, theirs):
            hint = say("swapped", language, name=name, other=other)
            return Verdict(False, verdict.text, "swapped", hint)
    return Verdict(False, verdict.text, next(_of_array(exercise, given, known, truth, fits), ""))


def _of_array(
    exercise: Exercise, given: Array, known: Array, truth: Truth, fits: Callable[[Array], bool]
) -> Iterator[str]:
    """Yield the names of mistakes that explain an array, the surest first."""
    if _stray(truth, given) > _STRAY and fits(np.where(_hidden(truth, known), np.nan, given)):
        yield "hidden"
    for name, wrong in truth.mistakes.items():
        if _rms(given - np.asarray(wrong, dtype=np.float64)) <= _CLEARLY * _rms(given - known):
            yield name
    for mistake in mistakes(exercise.units):
        if fits((given - mistake.offset) / mistake.factor):
            yield mistake.name
    if any(fits(np.flip(given, axis)) for axis in (*range(given.ndim), tuple(range(given.ndim)))):
        yield "flipped"
    error = (given - known)[np.isfinite(given - known)]
    if abs(np.median(error)) > 3 * np.median(np.abs(error - np.median(error))):
        yield "offset"


def _allowed(exercise: Exercise, known: Array, truth: Truth) -> Array:
    return np.broadcast_to(exercise.allowed(known) if truth.allowed is None else truth.allowed, known.shape)


def _spoken(exercise: Exercise, truth: Truth) -> str:
    """Return the tolerance in words, such as ``0.05 + 15 %``."""
    absolute = exercise.tolerance.get("absolute", 0.0) if truth.allowed is None else truth.allowed
    relative = exercise.tolerance.get("relative", 0.0) if truth.allowed is None else 0.0
    units = f" {exercise.shown_units}" if exercise.shown_units else ""
    parts = [f"{shown(absolute)}{units}"] if absolute or not relative else []
    return " + ".join(parts + ([f"{shown(100 * relative)} %"] if relative else []))


def _hidden(truth: Truth, known: Array) -> NDArray[np.bool_]:
    if truth.hidden is None:
        return np.zeros(known.shape, dtype=bool)
    return np.broadcast_to(np.asarray(truth.hidden, dtype=bool), known.shape)


def _stray(truth: Truth, given: Array) -> float:
    """Return the share of the hidden cells that have a value."""
    hidden = _hidden(truth, given)
    return float(np.isfinite(given)[hidden].mean()) if hidden.any() else 0.0


def _rms(values: Array) -> float:
    return float(np.sqrt(np.nanmean(values**2))) if np.isfinite(values).any() else np.inf


def _choice(exercise: Exercise, answer: Any, truth: Truth, language: str) -> Verdict:
    given = choice(answer, truth.options)
    passed = choice(truth.value, truth.options) == given
    text = say("choice_right" if passed else "choice_wrong", language, answer=given)
    return Verdict(passed, text, "" if passed else _of_choice(given, truth.mistakes))


def _of_choice(given: Any, own: Mapping[str, Any]) -> str:
    return next((name for name, wrong in own.items() if _matches(given, wrong)), "")


def _matches(given: Any, wrong: Any) -> bool:
    several_wrong = isinstance(wrong, Collection) and not isinstance(wrong, str)
    return any(str(given) == str(one) for one in (wrong if several_wrong else [wrong]))


def _set(exercise: Exercise, answer: Any, truth: Truth, language: str) -> Verdict:
    given, known = several(answer, truth.options), several(truth.value, truth.options)
    right, extra = len(given.keys() & known.keys()), len(given.keys() - known.keys())
    if right == len(known) and not extra:
        return Verdict(True, say("set_right", language, count=right))
    said = {"right": right, "count": len(known), "extra": extra}
    own = {name: several(wrong, truth.options).keys() for name, wrong in truth.mistakes.items()}
    mistake = next((name for name, wrong in own.items() if wrong == given.keys()), "")
    return Verdict(False, say("set_wrong", language, **said), mistake)


def _tidy(text: str) -> str:
    """Return a sentence without the gap that a number without a unit leaves."""
    for gap, mended in (
        ("  ", " "),
        (" ;", ";"),
        (" ,", ","),
        (" .", "."),
        (" ，", "，"),
        (" 。", "。"),
        (" )", ")"),
        (" ）", "）"),
    ):
        text = text.replace(gap, mended)
    return text


_JUDGES: Mapping[str, Callable[[Exercise, Any, Truth, str], Verdict]] = {
    "number": _number,
    "array": _array,
    "choice": _choice,
    "set": _set,
}
