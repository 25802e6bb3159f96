"""The report of a production beside its files: what was asked, what became of every task, from where and how long.

``production.json`` is there before the first task, so that files of a run that was killed can be made again too. Each
task that ends adds a line to ``production.log``, so that what a killed run did is known; the last line may be cut.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from musyq_lab.archive.draft import draft, plain, publish
from musyq_lab.core.errors import NotFoundError
from musyq_lab.production.chain.plan import Plan
from musyq_lab.production.chain.work import Outcome

REPORT = "production.json"
"""What was asked and what became of it."""
LOG = "production.log"
"""One line of JSON for each task that a run ended, except those that were done before."""
_ASKED = ("request", "source")


class Report:
    """The report while a production runs.

    Parameters
    ----------
    folder : Path
        Of the production; it exists.
    plan : Plan
        What is to be made.
    source : mapping of str to str
        Where the inputs lie.
    """

    def __init__(self, folder: Path, plan: Plan, source: Mapping[str, str]) -> None:
        self.folder, self.plan = folder, plan
        self.asked: dict[str, Any] = {"request": dict(plan.request), "source": dict(source)}
        before = _loaded(folder)
        rows = [{name: row.get(name, {}) for name in _ASKED} for row in (before, *before.get("earlier", ())) if row]
        self.earlier = [row for row in rows if row != json.loads(json.dumps(self.asked))]

    def begin(self) -> None:
        """Write what was asked, before anything is made.

        Raises
        ------
        ArchiveError
            If the folder cannot be written to.
        """
        self._write((), ended=False)

    def add(self, outcome: Outcome) -> None:
        """Add the line of a task that has ended; a full disk costs the line, not the run."""
        if outcome.state == "kept":
            return
        row = {"ended": datetime.now(UTC).isoformat(timespec="seconds"), **_row(outcome)}
        # Begun on a line of its own: what a kill has cut off does not cost the next one.
        line = f"\n{json.dumps(row, ensure_ascii=False)}\n".encode()
        with suppress(OSError):
            # One write to a file that is only added to: two productions of one folder do not mix their lines.
            descriptor = os.open(self.folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)

    def end(self, outcomes: Sequence[Outcome], aside: Sequence[tuple[str, str]]) -> None:
        """Write the whole report."""
        self._write(outcomes, aside, ended=True)

    def _write(self, outcomes: Sequence[Outcome], aside: Sequence[tuple[str, str]] = (), *, ended: bool) -> None:
        content = {
            **self.asked,
            "ended": ended,
            "set_aside": [list(row) for row in (aside or self.plan.stock.aside)],
            "left_out": [list(row) for row in self.plan.skipped],
            "tasks": [_row(outcome) for outcome in outcomes],
            "earlier": self.earlier,
        }
        target = self.folder / REPORT
        try:
            with draft(target) as path:
                path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
                publish({path: target})
        except OSError as error:
            raise plain(error, target) from error


def requests(folder: Path) -> list[dict[str, Any]]:
    """Return what was asked of a folder, the last first: rows with ``request`` and ``source``.

    Raises
    ------
    NotFoundError
        If the folder has no readable report.
    """
    found = _loaded(folder)
    if not found:
        raise NotFoundError(f"{folder} has no readable {REPORT}, which says how its files were made.")
    return [{name: row.get(name, {}) for name in _ASKED} for row in (found, *found.get("earlier", ()))]


def logged(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a folder's log; one that a kill has cut is left out."""
    rows = []
    with suppress(OSError):
        for line in (folder / LOG).read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):
                rows.append(json.loads(line))
    return [row for row in rows if isinstance(row, dict)]


def _loaded(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not _is_row(found):
        return {}
    earlier = found.get("earlier")
    return {**found, "earlier": [row for row in earlier if _is_row(row)] if isinstance(earlier, list) else []}


def _is_row(row: Any) -> bool:
    """Whether something read says what was asked; anybody may have edited the file."""
    return isinstance(row, dict) and isinstance(row.get("request"), dict) and isinstance(row.get("source", {}), dict)


def _row(outcome: Outcome) -> dict[str, Any]:
    row = {"key": outcome.key, "state": outcome.state, "seconds": outcome.seconds}
    return {**row, **({"reason": outcome.reason} if outcome.reason else {})}
