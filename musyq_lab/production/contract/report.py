"""What the checks of an algorithm found, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from musyq_lab.core.errors import RecipeError
from musyq_lab.core.registry import html_table

Status = Literal["passed", "failed", "noted", "not applicable", "not run"]

FORMAT = 1
"""Of the JSON."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    """Its name."""
    status: Status
    """``noted`` is for the reader alone; ``not run`` where a check that it rests on failed."""
    text: str
    """What was seen, in a sentence."""
    advice: str = ""
    """What to do, where something is to be done."""


@dataclass(frozen=True)
class ContractReport:
    """What the contract says of one algorithm."""

    key: str
    """Of the algorithm."""
    title: str
    """Of the algorithm."""
    findings: tuple[Finding, ...]
    """One a check, in the order in which they were made."""
    quick: bool = False
    """Whether the lasting checks were left out."""

    @property
    def failed(self) -> tuple[Finding, ...]:
        """Those that failed."""
        return tuple(f for f in self.findings if f.status == "failed")

    @property
    def passed(self) -> bool:
        """Whether none failed."""
        return not self.failed

    def __getitem__(self, check: str) -> Finding:
        """Return what one check found, by name."""
        return {finding.check: finding for finding in self.findings}[check]

    def raise_failed(self) -> None:
        """Refuse the algorithm if a check failed.

        Raises
        ------
        RecipeError
            With what failed and what to do.
        """
        if self.passed:
            return
        lines = [f"- {f.check}: {f.text} {f.advice}".rstrip() for f in self.failed]
        raise RecipeError(
            f"The algorithm {self.key!r} does not keep the contract ({_summary(self.findings)}):\n"
            + "\n".join(lines)
            + f'\nml.check_algorithm("{self.key}") shows the whole report.'
        )

    def to_json(self) -> str:
        """Return the report as JSON text."""
        found = [asdict(finding) for finding in self.findings]
        head = {"format": FORMAT, "key": self.key, "title": self.title, "quick": self.quick, "passed": self.passed}
        return json.dumps({**head, "findings": found}, ensure_ascii=False, indent=1)

    def table(self) -> list[list[str]]:
        """Return header and rows as text."""
        rows = [[f.check, f.status, f"{f.text} {f.advice}".rstrip()] for f in self.findings]
        return [["check", "result", "what was seen, and what to do"], *rows]

    def __repr__(self) -> str:
        """Show the report as text."""
        width = max((len(f.check) for f in self.findings), default=0)
        lines = [f"{f.check:{width}}  {f.status:14}  {f.text} {f.advice}".rstrip() for f in self.findings]
        return "\n".join([self._head(), *lines, *_SAID])

    def _repr_html_(self) -> str:
        return html_table(self.table(), self._head()) + "".join(f"<div>{line}</div>" for line in _SAID)

    def _head(self) -> str:
        verdict = "keeps" if self.passed else "does NOT keep"
        extent = ", the quick part" if self.quick else ""
        return f"{self.key} ({self.title}) {verdict} the contract{extent}: {_summary(self.findings)}"


_SAID = (
    "Simulated samples find the faults that show on them; whether the numbers are right is for validation to say.",
    "The checks run the code in this session, and once in a process of its own; see isolation.limits.NOT_ISOLATED.",
    "Files and connections are seen as far as the interpreter sees them: compiled code may do both unseen.",
)


def _summary(findings: Sequence[Finding]) -> str:
    counts = {status: sum(f.status == status for f in findings) for status in ("passed", "failed", "noted", "not run")}
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count)
