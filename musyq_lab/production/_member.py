"""One run of a sweep in a process of its own: ``python -m musyq_lab.production._member``.

The request comes as one line of JSON on stdin; what happens goes out as lines of JSON on stdout. When stdin ends, the
sweep is gone, killed perhaps, and so is this run, its notebook with it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

from musyq_lab.core.errors import MusyqError
from musyq_lab.production.progress import Silent
from musyq_lab.production.recipes import load_recipe
from musyq_lab.production.run import Options, run_once

_PATIENCE = 10.0
"""Seconds an interrupted run may take to clear up behind it."""


class _Lines(Silent):
    """Passes on what a run tells as lines of JSON."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def cell(self, step: int, total: int, title: str) -> None:
        """Tell that a cell starts."""
        self.tell(cell=[step, total, title])

    def line(self, text: str) -> None:
        """Tell how far along a long cell is."""
        if text.endswith(" %"):
            self.tell(line=text)

    def tell(self, **content: Any) -> None:
        """Write one line."""
        try:
            self._stream.write(json.dumps(content) + "\n")
            self._stream.flush()
        except OSError:  # nobody listens any more; the watcher ends this process
            return


def main() -> int:
    """Do the run that stdin asks for; return the exit code."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed must not stand among the lines
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_sweep, daemon=True).start()
    lines = _Lines(stream)
    try:
        recipe = load_recipe(Path(request["recipe"]))
        result = run_once(recipe, request["values"], Path(request["folder"]), lines, Options(**request["options"]))
    except MusyqError as error:
        lines.tell(failed=[type(error).__name__, str(error)])
        return 1
    except KeyboardInterrupt:
        return 130
    lines.tell(made={"seconds": result.seconds, "peak_memory": result.peak_memory})
    return 0


def _end_with_the_sweep() -> None:
    while os.read(0, 1024):
        pass
    threading.Timer(_PATIENCE, os._exit, [130]).start()
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main())
