"""What ``ml.check`` hands back."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from musyq_lab.training._words import say

_GREEN, _AMBER = "#009e73", "#e69f00"  # of the colour-blind-safe palette; the words tell the same


@dataclass(frozen=True, slots=True)
class Feedback:
    """Whether an answer is right, in plain words; true in a condition if it is."""

    exercise: str
    """Key of the exercise."""
    passed: bool
    """Whether the answer is right."""
    text: str
    """How near it is, in the unit of the answer; never the solution of an answer that is not right."""
    hint: str = ""
    """What typically leads to such an answer, if a mistake was recognised."""
    next: str = ""
    """What to do next."""
    language: str = "en"
    """Of the words."""

    def __bool__(self) -> bool:
        """Whether the answer is right."""
        return self.passed

    @property
    def verdict(self) -> str:
        """Right or not yet, in a word."""
        return say("right" if self.passed else "not_yet", self.language)

    def __repr__(self) -> str:
        """Show the words as text."""
        return "\n".join([f"{self.verdict}: {self.text}", *(f"{name}: {text}" for name, text in self._more())])

    def _repr_html_(self) -> str:
        colour, mark = (_GREEN, "✓") if self.passed else (_AMBER, "○")
        more = "".join(f"<div><i>{escape(name)}</i>: {escape(text)}</div>" for name, text in self._more())
        style = f"border-left:4px solid {colour};padding:2px 0 2px 10px;max-width:60em"
        head = f"<div>{mark} <b>{escape(self.verdict)}</b>: {escape(self.text)}</div>"
        return f'<div style="{style}" role="status">{head}{more}</div>'

    def _more(self) -> list[tuple[str, str]]:
        rows = [(say("hint", self.language), self.hint), (say("next", self.language), self.next)]
        return [(name, text) for name, text in rows if text]
