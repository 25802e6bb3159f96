"""Help while an expression is typed: how its last word may go on, and what there is to name and to call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from musyq_lab.analysis.expression import CONSTANTS, FUNCTIONS

MOST = 8
"""Suggestions shown at once."""
_LAST = re.compile(r"[A-Za-z_][\w.]*$")
_CELL = "style='padding:2px 12px 2px 0;vertical-align:top;text-align:left'"


def suggestions(text: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """Return how the last word of a text may go on: the whole word, and what is shown of it.

    Parameters
    ----------
    text : str
        What is written so far.
    names : sequence of str
        Names of the data.
    """
    match = _LAST.search(text)
    if match is None:
        return []
    begun = match[0].lower()
    words = [(name, name) for name in names] + [(f"{f}(", FUNCTIONS[f].signature) for f in FUNCTIONS]
    words += [(name, name) for name in CONSTANTS]
    first = [word for word in words if word[0].lower().startswith(begun)]
    later = [word for word in words if begun in word[0].lower() and word not in first]
    return [word for word in (first + later) if word[0] != match[0]][:MOST]


def completed(text: str, word: str) -> str:
    """Return the text with its last word replaced."""
    match = _LAST.search(text)
    return (text[: match.start()] if match else text) + word


def table(rows: Sequence[tuple[str, str, str]]) -> str:
    """Return the names that an expression may use, with unit and meaning, as HTML."""
    if not rows:
        return "<p>Choose data; their variables are listed here.</p>"
    body = "".join(
        f"<tr><td {_CELL}><code>{escape(name)}</code></td><td {_CELL}>{escape(unit) or 'no unit'}</td>"
        f"<td {_CELL}>{escape(meaning)}</td></tr>"
        for name, unit, meaning in rows
    )
    return f"<table><tr><th {_CELL}>name</th><th {_CELL}>unit</th><th {_CELL}>meaning</th></tr>{body}</table>"


def functions() -> str:
    """Return what can be called, as HTML."""
    body = "".join(
        f"<tr><td {_CELL}><code>{escape(f.signature)}</code></td><td {_CELL}>{escape(f.summary)}</td></tr>"
        for f in FUNCTIONS.values()
    )
    return f"<table>{body}</table>"
