"""What a person sees while a recipe runs: the step, how far along it is, and what long cells print."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.markup import escape

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


class Silent:
    """Shows nothing."""

    def cell(self, step: int, total: int, title: str) -> None:
        """Take no notice of a cell."""

    def line(self, text: str) -> None:
        """Take no notice of a line."""


class Plain(Silent):
    """Lines of text, for a log.

    Parameters
    ----------
    stream : text stream
        Where the lines go.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._title = ""

    def cell(self, step: int, total: int, title: str) -> None:
        """Write a line when a new heading begins."""
        if title != self._title:
            self._title = title
            self._write(f"[{step}/{total}] {title}")

    def line(self, text: str) -> None:
        """Write how far along a long cell is."""
        if text.endswith(" %"):
            self._write(f"        {text}")

    def _write(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


class Bar(Silent):
    """A rich bar: drawn in a terminal, a widget in a notebook.

    Parameters
    ----------
    bar : rich.progress.Progress
        What draws.
    """

    def __init__(self, bar: RichProgress) -> None:
        self._bar = bar
        self._task = bar.add_task("Starting", total=None)
        self._title = ""

    def cell(self, step: int, total: int, title: str) -> None:
        """Move the bar on."""
        self._title = escape(title)
        self._bar.update(self._task, completed=step - 1, total=total, description=self._title)

    def line(self, text: str) -> None:
        """Show how far along a long cell is."""
        if text.endswith(" %"):
            self._bar.update(self._task, description=f"{self._title} · {escape(text)}")


@contextmanager
def shown(*, visible: bool) -> Iterator[Silent]:
    """Yield what a run reports to: a bar where one can be drawn, else lines of text.

    Parameters
    ----------
    visible : bool
        Whether to show anything.
    """
    if not visible:
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console()
    if not console.is_jupyter:
        console = Console(stderr=True)
    if not (console.is_jupyter or console.is_terminal):
        yield Plain(sys.stderr)
        return
    columns = (BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        yield Bar(bar)
