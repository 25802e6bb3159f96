"""What a person sees of a job: its title and state, a bar, the log, and a button that stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from html import escape
from typing import Any

from musyq_lab.dashboards._extension import pn
from musyq_lab.dashboards._jobs import Job, Seen, State
from musyq_lab.dashboards._page import WIDE, text

_PERIOD = 300
"""Milliseconds between two looks at a job."""
_WORDS = {
    State.WAITING: "waits for its turn",
    State.RUNNING: "runs",
    State.STOPPING: "is being stopped",
    State.DONE: "is done",
    State.FAILED: "failed",
    State.CANCELLED: "was cancelled",
}


class JobView(pn.viewable.Viewer):  # type: ignore[misc]  # see pn
    """Shows a job until it has ended; the job goes on where the page is closed.

    Parameters
    ----------
    job : Job, optional
        What is shown; nothing at first if not given.
    on_end : callable, optional
        Called once with the :class:`Seen` of the job when it has ended, in the session's own thread.
    """

    def __init__(self, job: Job | None = None, on_end: Callable[[Seen], None] | None = None) -> None:
        self._line = text(**WIDE, margin=(2, 10))
        self._bar = pn.indicators.Progress(value=0, max=100, **WIDE, margin=(2, 10))
        self.cancel = pn.widgets.Button(name="Cancel the job", button_type="warning", width=130)
        self._log = pn.widgets.TextAreaInput(disabled=True, rows=2, **WIDE, name="Log")
        self.cancel.on_click(self._cancel)
        self._callback: Any = None
        self._on_end = on_end
        self.job: Job | None = None
        super().__init__()
        self._all = pn.Column(
            pn.Row(self._line, self.cancel, **WIDE, margin=0), self._bar, self._log, visible=False, **WIDE, margin=0
        )
        if job is not None:
            self.show(job)

    def __panel__(self) -> Any:
        """Return the panes."""
        return self._all

    def show(self, job: Job) -> None:
        """Show another job, and look at it from time to time until it has ended."""
        self._stop_looking()
        self.job, self._all.visible = job, True
        self._told = False
        self.refresh()
        if not self._told and _loop_runs():
            self._callback = pn.state.add_periodic_callback(self.refresh, period=_PERIOD)

    def refresh(self) -> None:
        """Bring the panes in line with the job; called by itself while a page is open."""
        if self.job is None:
            return
        seen = self.job.seen()
        self._line.value = _sentence(seen)
        self._log.value, self._log.visible = "\n".join(seen.lines), bool(seen.lines)
        self._bar.visible = self.cancel.visible = not seen.state.ended
        self._bar.active = not seen.state.ended
        self._bar.value = -1 if seen.fraction is None and not seen.state.ended else round(100 * (seen.fraction or 0))
        self._bar.bar_color = "danger" if seen.state is State.FAILED else "success"
        self.cancel.disabled = seen.state.ended or seen.state is State.STOPPING
        if seen.state.ended and not self._told:
            self._told = True
            self._stop_looking()
            if self._on_end is not None:
                self._on_end(seen)

    def _cancel(self, _event: Any) -> None:
        if self.job is not None:
            self.job.cancel()
            self.refresh()

    def _stop_looking(self) -> None:
        if self._callback is not None:
            self._callback.stop()
            self._callback = None


def _loop_runs() -> bool:
    """Whether there is something to look from time to time: a server's page or a notebook, not a plain script."""
    if pn.state.curdoc is not None:
        return True
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _sentence(seen: Seen) -> str:
    part = "" if seen.fraction is None or seen.state.ended else f", {100 * seen.fraction:.0f} %"
    lasted = f", {seen.seconds:.0f} s" if seen.seconds else ""
    why = f": {escape(seen.message)}" if seen.message else ""
    return f"<b>{escape(seen.title)}</b> {_WORDS[seen.state]}{part}{lasted}{why}"
