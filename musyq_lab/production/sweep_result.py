"""What a sweep leaves: its runs, how each ended, and their tables side by side."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from musyq_lab.core.errors import MusyqError, NotFoundError, closest
from musyq_lab.core.registry import html_table
from musyq_lab.production.run import SUMMARY

if TYPE_CHECKING:
    import pandas as pd

State = Literal["made", "kept", "failed"]
_STATES = {"made": "made", "kept": "kept", "failed": "FAILED"}


@dataclass(frozen=True, slots=True)
class SweepRun:
    """One run of a sweep."""

    chosen: Mapping[str, Any]
    """Its values of the parameters that are swept."""
    folder: Path
    """Its result folder."""
    state: State
    """made, kept (an earlier run had made it) or failed."""
    seconds: float = 0.0
    """Wall time, of a run that was made."""
    peak_memory: int | None = None
    """Peak resident memory of its notebook in bytes."""
    error: MusyqError | None = None
    """What it failed of."""

    @property
    def name(self) -> str:
        """Its values in words."""
        return ", ".join(f"{name}={text_of_value(value)}" for name, value in self.chosen.items())

    @property
    def words(self) -> str:
        """How it ended, in words."""
        if self.state == "made":
            return f"made ({self.seconds:.0f} s)"
        return f"failed: {self._first_line}" if self.error else "kept: it was there and nothing has changed"

    @property
    def summary(self) -> str:
        """The recipe's own short account, empty if it left none."""
        path = self.folder / SUMMARY
        return path.read_text(encoding="utf-8") if self.state != "failed" and path.is_file() else ""

    @property
    def account(self) -> str:
        """The first line of its summary, or of its error."""
        return self._first_line if self.error else next(iter(self.summary.splitlines()), "")

    @property
    def _first_line(self) -> str:
        return next(iter(str(self.error).splitlines()), "")


@dataclass(frozen=True)
class SweepResult:
    """What a sweep left."""

    recipe: str
    """Name of the recipe."""
    folder: Path
    """Folder of all its runs."""
    runs: tuple[SweepRun, ...]
    """In the order of the values."""
    seconds: float
    """Wall time of the whole."""

    @property
    def failed(self) -> tuple[SweepRun, ...]:
        """The runs that failed."""
        return tuple(run for run in self.runs if run.state == "failed")

    def table(self) -> list[list[str]]:
        """Return one row of text for each run under a header."""
        names = list(self.runs[0].chosen)
        rows = [
            [*(text_of_value(value) for value in run.chosen.values()), _STATES[run.state], *_measured(run), run.account]
            for run in self.runs
        ]
        return [[*names, "state", "time", "memory", "result"], *rows]

    def frame(self, name: str) -> pd.DataFrame:
        """Return a CSV table of every run that succeeded as one, with the swept values in the first columns.

        Parameters
        ----------
        name : str
            Its path in a run's folder, such as ``"tables/countries.csv"``.

        Raises
        ------
        NotFoundError
            If no run left such a table.
        """
        import pandas as pd

        parts = []
        good = [run for run in self.runs if run.state != "failed"]
        for run in good:
            if name.endswith(".csv") and (run.folder / name).is_file():
                part = pd.read_csv(run.folder / name)
                values = {key: [value] * len(part) for key, value in run.chosen.items() if key not in part}
                parts.append(pd.concat([pd.DataFrame(values, index=part.index), part], axis=1))
        if not parts:
            tables = sorted({p.relative_to(run.folder).as_posix() for run in good for p in run.folder.rglob("*.csv")})
            raise NotFoundError(f"No run of the sweep left a table {name!r}.{closest(name, tables)}")
        return pd.concat(parts, ignore_index=True)

    def __str__(self) -> str:
        """Show the table and what failed, as the command line prints them."""
        rows = self.table()
        widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
        lines = ["  ".join([*(_padded(t, w) for t, w in zip(row, widths, strict=False)), row[-1]]) for row in rows]
        failures = [f"{run.name}: {run.error}" for run in self.failed]
        done = f"{len(self.runs) - len(self.failed)} of {len(self.runs)} runs"
        where = f"{self.recipe}: {done} in {self.folder} ({self.seconds:.0f} s)"
        return "\n".join([*(line.rstrip() for line in lines), "", *failures, where])

    def _repr_html_(self) -> str:
        done = f"{len(self.runs) - len(self.failed)} of {len(self.runs)} runs in {self.folder}"
        return html_table(self.table(), f"{self.recipe}: {done}")


def text_of_value(value: Any) -> str:
    """Return a parameter's value as a person would write it; of a path only its last part."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name
    return str(value)


def _measured(run: SweepRun) -> list[str]:
    memory = f"{run.peak_memory / 1e9:.2f} GB" if run.peak_memory else ""
    return [f"{run.seconds:.0f} s" if run.state == "made" else "", memory]


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
