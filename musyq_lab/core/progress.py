"""One progress bar for long work: rich in a terminal, a widget in a notebook, plain lines in a log."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

PLAIN_VARIABLE = "MUSYQ_PLAIN_PROGRESS"
"""Set by the recipe runner, whose notebook has no screen to draw a widget on."""

_STEPS = 10
_here = threading.local()  # whether this thread shows a bar


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield the items and show how far along the work is; work inside such work shows no bar of its own.

    Parameters
    ----------
    items : iterable
        What to work through.
    description : str
        What is being done, in plain words.
    total : int, optional
        Number of items where ``len(items)`` does not tell.
    """
    if getattr(_here, "quiet", False):
        yield from items
        return
    count = len(items) if total is None and isinstance(items, Sized) else total
    if os.environ.get(PLAIN_VARIABLE) or not (sys.stderr.isatty() or _in_notebook()):
        yield from _plain(items, description, count)
        return
    if getattr(_here, "shown", False):  # a bar inside a bar would tear both
        yield from items
        return
    yield from _bar(items, description, count)


@contextmanager
def quiet() -> Iterator[None]:
    """Show no progress of the work of this thread: it is a part of work that shows its own elsewhere."""
    before = getattr(_here, "quiet", False)
    _here.quiet = True
    try:
        yield
    finally:
        _here.quiet = before


def _bar(items: Iterable[T], description: str, count: int | None) -> Iterator[T]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import track as rich_track

    console = Console(stderr=not _in_notebook())
    _here.shown = True
    try:
        yield from rich_track(items, description=escape(description), total=count, console=console, transient=True)
    finally:
        _here.shown = False


def _plain(items: Iterable[T], description: str, total: int | None) -> Iterator[T]:
    """Write a line for each tenth of the work, where lines are all that can be shown.

    A recipe's lines go to stdout, because a notebook paints stderr red; all others to stderr, so that what a command
    prints can be piped.
    """
    stream = sys.stdout if os.environ.get(PLAIN_VARIABLE) else sys.stderr
    shown = 0
    for done, item in enumerate(items, start=1):
        yield item
        step = min(done * _STEPS // total, _STEPS) if total else 0
        if step > shown:
            shown = step
            stream.write(f"{description}: {min(100 * done // (total or done), 100)} %\n")
            stream.flush()


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs this (rich then draws an ipywidget)."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module else None
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"
