"""What a person sees while a sweep runs: how many of its runs have ended, and how far along the others are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from musyq_lab.production.progress import Bar, Plain, Silent, shown


class View:
    """Shows a sweep of some runs; may be told by several threads.

    Parameters
    ----------
    whole : Silent
        Shows the sweep as a whole; the runs are shown in its manner.
    total : int
        Number of runs.
    """

    def __init__(self, whole: Silent, total: int) -> None:
        self._whole, self._total, self._ended = whole, total, 0
        self._lock = threading.Lock()

    def begin(self, name: str) -> Silent:
        """Return what shows one run that begins."""
        with self._lock:
            self._count()
            return _Part(self._whole, name) if isinstance(self._whole, Bar) else Silent()

    def end(self, name: str, part: Silent, words: str) -> None:
        """Tell how one run ended."""
        with self._lock:
            self._ended += 1
            if isinstance(part, _Part):
                part.close()
            if isinstance(self._whole, Plain):
                self._whole.cell(self._ended, self._total, f"{name} {words}")
            self._count()

    def _count(self) -> None:
        if isinstance(self._whole, Bar):
            self._whole.cell(self._ended + 1, self._total, "runs of the sweep")


class _Part(Bar):
    """A further bar below another one, for one run."""

    def __init__(self, whole: Bar, name: str) -> None:
        super().__init__(whole._bar)
        self._name = name

    def cell(self, step: int, total: int, title: str) -> None:
        """Move the bar on."""
        super().cell(step, total, f"{self._name}: {title}")

    def close(self) -> None:
        """Take the bar away."""
        self._bar.remove_task(self._task)


@contextmanager
def view(total: int, *, visible: bool) -> Iterator[View]:
    """Yield the view of a sweep.

    Parameters
    ----------
    total : int
        Number of runs.
    visible : bool
        Whether to show anything.
    """
    with shown(visible=visible) as whole:
        yield View(whole, total)
