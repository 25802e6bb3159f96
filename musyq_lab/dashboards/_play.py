"""Playing through time: buttons with names, and the same by the keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from musyq_lab.dashboards._extension import pn
from musyq_lab.dashboards._keys import Keys

_SECONDS = 0.7
"""Between two steps. The next one waits for the draw of the last, so that a slow map does not fall behind."""
_TIGHT = ".bk-btn {padding: 6px 2px}"


class Play:
    """Buttons that step and play, and the keys that do the same.

    Parameters
    ----------
    move : callable
        Told by how many steps the map is to go on.
    width : int
        Of the row of buttons (px).
    """

    def __init__(self, move: Callable[[int], Any], width: int) -> None:
        self._move = move
        self._clock: Any = None
        third = width // 3
        narrow, wide = ({"width": part, "margin": (5, 1), "stylesheets": [_TIGHT]} for part in (third - 6, third + 4))
        self.back = pn.widgets.Button(name="◀ Back", **narrow)
        self.button = pn.widgets.Button(name="▶ Play", **wide)
        self.next = pn.widgets.Button(name="Next ▶", **narrow)
        self.back.on_click(lambda event: self._step(-1))
        self.next.on_click(lambda event: self._step(1))
        self.button.on_click(lambda event: self.toggle())
        self.keys = Keys(width=0, height=0, margin=0)
        self.keys.param.watch(lambda event: self._step(int(event.new.get("by", 0))), "step")
        self.keys.param.watch(lambda event: self.toggle(), "toggles")
        hint = "Arrow keys step, space plays and pauses."
        self.row = pn.Row(self.back, self.button, self.next, self.keys, margin=(0, 8))
        for button in (self.back, self.button, self.next):
            button.description = hint

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return self._clock is not None

    def toggle(self) -> None:
        """Play, or pause."""
        if self.playing:
            self.stop()
        elif self.row.visible:
            self._clock = pn.state.add_periodic_callback(lambda: self._move(1), period=int(1000 * _SECONDS))
            self.button.name = "❚❚ Pause"

    def stop(self) -> None:
        """Pause."""
        if self._clock is not None:
            self._clock.stop()
            self._clock = None
            self.button.name = "▶ Play"

    def _step(self, by: int) -> None:
        self.stop()
        if by and self.row.visible:
            self._move(by)
