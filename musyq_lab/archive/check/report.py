"""What the check of an archive found: findings by file and ten scored principles, as text, table, HTML and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Literal

from musyq_lab.archive.draft import plain, publish, write_text
from musyq_lab.core.errors import ArchiveError
from musyq_lab.core.registry import html_table

Level = Literal["error", "warning", "note"]
Score = Literal["none", "partial", "full"]

LEVELS: tuple[Level, ...] = ("error", "warning", "note")
_POINTS: dict[Score, int] = {"none": 0, "partial": 1, "full": 2}
_SHOWN_FILES = 3  # names in a line; the JSON has all of them
_SHOWN_FINDINGS = 60  # in text and table, likewise


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, and the files it was found in."""

    group: str
    """What was checked: ``"Checksums"``, ``"CF 3.1 Units"``."""
    level: Level
    """error (it must not stay so), warning (it should not) or note."""
    message: str
    """What is so, in a sentence."""
    advice: str = ""
    """What to do."""
    files: tuple[str, ...] = ()
    """Names of the files, relative to the folder."""

    @property
    def where(self) -> str:
        """The files in few words."""
        shown = ", ".join(self.files[:_SHOWN_FILES])
        more = len(self.files) - _SHOWN_FILES
        return f"{shown} and {more} more" if more > 0 else shown


@dataclass(frozen=True, slots=True)
class Principle:
    """One of the ten GEO Data Management Principles and how far the archive follows it."""

    number: int
    """1 to 10."""
    group: str
    """Discoverability, accessibility, usability, preservation or curation."""
    title: str
    """Its name."""
    wording: str
    """What it asks for."""
    score: Score
    """none, partial or full."""
    evidence: str
    """What the score was computed from."""
    missing: str = ""
    """What is missing and how to get it; empty where nothing is."""


@dataclass(frozen=True)
class Report:
    """The result of a check."""

    root: Path
    """What was checked."""
    files: int
    """Product files."""
    findings: tuple[Finding, ...]
    """What was found, errors first."""
    principles: tuple[Principle, ...]
    """The ten principles."""
    checked: tuple[str, ...] = field(default=())
    """What was done, in sentences."""

    def of(self, level: Level) -> tuple[Finding, ...]:
        """Return the findings of one level."""
        return tuple(item for item in self.findings if item.level == level)

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.of("error")

    @property
    def exit_code(self) -> int:
        """0 without errors, else 1."""
        return 0 if self.ok else 1

    @property
    def points(self) -> int:
        """Points of the principles, two for each that is followed in full: 20 at most."""
        return sum(_POINTS[item.score] for item in self.principles)

    def raise_failed(self) -> None:
        """Raise an error if the check found one.

        Raises
        ------
        ArchiveError
            With the first error and how many there are.
        """
        if errors := self.of("error"):
            first = errors[0]
            more = f" ({len(errors)} errors in all.)" if len(errors) > 1 else ""
            raise ArchiveError(f"{first.where or self.root}: {first.message} {first.advice}{more}".strip())

    @property
    def summary(self) -> str:
        """One line."""
        counts = [f"{len(self.of(level))} {level}{'' if len(self.of(level)) == 1 else 's'}" for level in LEVELS]
        scored = f"; {self.points} of 20 points of the data management principles" if self.principles else ""
        files = f"{self.files} product file{'' if self.files == 1 else 's'}"
        return f"{self.root.name or self.root}: {files}, {', '.join(counts)}{scored}"

    def tables(self) -> tuple[list[list[str]], list[list[str]]]:
        """Return the findings and the principles as header and rows of text."""
        findings = [[f.level, f.group, f.message, f.advice, f.where] for f in self.findings[:_SHOWN_FINDINGS]]
        if more := self._more(len(self.findings)):
            findings.append(["", "", more, "", ""])
        principles = [
            [f"DMP-{p.number}", p.title, p.score, p.evidence, p.missing or "nothing"] for p in self.principles
        ]
        return (
            [["level", "check", "what was found", "what to do", "files"], *findings],
            [["principle", "title", "score", "evidence", "missing"], *principles],
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        return {
            "checked": self.root.name,
            "files": self.files,
            "ok": self.ok,
            "how": list(self.checked),
            "findings": [_plain(item) for item in self.findings],
            "principles": [_plain(item) for item in self.principles],
            "points": self.points,
        }

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the report as JSON text, and write it where a path is given.

        Raises
        ------
        ArchiveError
            If it cannot be written.
        """
        text = json.dumps(self.as_dict(), indent=1, ensure_ascii=False) + "\n"
        if path is not None:
            target = Path(path)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                publish({write_text(target, text): target})
            except OSError as error:
                raise plain(error, target) from error
        return text

    def text(self, *, notes: bool = True) -> str:
        """Return the report for a terminal.

        Parameters
        ----------
        notes : bool
            Whether to list what is neither error nor warning.
        """
        lines = [self.summary, *self.checked]
        shown = [item for item in self.findings if item.level != "note" or notes]
        for item in shown[:_SHOWN_FINDINGS]:
            lines += ["", f"{item.level.upper()} {item.group}: {item.message}"]
            lines += [f"  {part}" for part in (item.advice, item.where) if part]
        lines += ["", more] if (more := self._more(len(shown))) else []
        if self.principles:
            lines += ["", "GEO Data Management Principles"]
        for principle in self.principles:
            lines.append(f"  {principle.score:8}DMP-{principle.number} {principle.title}: {principle.evidence}")
            if principle.missing:
                lines.append(f"{'':10}Missing: {principle.missing}")
        return "\n".join(lines)

    @staticmethod
    def _more(count: int) -> str:
        hidden = count - _SHOWN_FINDINGS
        return f"... and {hidden} more; the JSON has all of them." if hidden > 0 else ""

    def __repr__(self) -> str:
        """Show the report."""
        return self.text(notes=False)

    def _repr_html_(self) -> str:
        findings, principles = self.tables()
        how = "".join(f"<div>{escape(line)}</div>" for line in self.checked)
        parts = [f"<div><b>{escape(self.summary)}</b></div>{how}"]
        parts += [html_table(findings, "Findings")] if len(findings) > 1 else []
        parts += [html_table(principles, "GEO Data Management Principles")] if self.principles else []
        return "".join(parts)


def gather(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Join equal findings of several files, errors first, in an order that depends on nothing else.

    Parameters
    ----------
    findings : iterable of Finding
        In any order.
    """
    joined: dict[tuple[str, Level, str, str], set[str]] = {}
    for item in findings:
        joined.setdefault((item.group, item.level, item.message, item.advice), set()).update(item.files)
    merged = [Finding(*key, tuple(sorted(files))) for key, files in joined.items()]
    return tuple(sorted(merged, key=lambda f: (LEVELS.index(f.level), f.group, f.message, f.advice)))


def _plain(item: Finding | Principle) -> dict[str, Any]:
    values: Sequence[str] = item.__slots__
    return {name: list(v) if isinstance(v := getattr(item, name), tuple) else v for name in values}
