"""An executed notebook without what differs from run to run, so that equal runs give equal bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

PROGRESS_LINE = re.compile(r"^.{1,200}: \d{1,3} %\n?$")
"""A line of :func:`musyq_lab.core.progress.track`, which is shown while a run works and not recorded."""

_OWN_METADATA = ("kernelspec", "language_info", "title", "authors")
# xarray numbers the parts of its HTML at random, pandas those of a styled table.
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")
_STYLER = re.compile(r"\bT_[0-9a-f]{5}(?=_|\b)")
_CELL_FILE = re.compile(r"[^\s\"'<>(]*/ipykernel_\d+/(\d+\.py)")


def settle(notebook: Path) -> tuple[float, ...]:
    """Take times, machine paths, random numbers and progress lines out of an executed notebook.

    Parameters
    ----------
    notebook : Path
        The notebook; rewritten in one fixed form.

    Returns
    -------
    tuple of float
        Wall time of each code cell in seconds.
    """
    content = json.loads(notebook.read_text(encoding="utf-8"))
    content["metadata"] = {k: v for k, v in content["metadata"].items() if k in _OWN_METADATA}
    seconds, numbers = [], _Numbers()
    for index, cell in enumerate(content["cells"]):
        times = cell["metadata"].pop("papermill", {})
        cell["metadata"].pop("execution", None)
        cell["id"] = f"cell-{index}"
        if cell["cell_type"] == "code":
            seconds.append(round(times.get("duration") or 0.0, 3))
            cell["outputs"] = _settled(_coalesced(cell["outputs"]), numbers)
    notebook.write_text(json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return tuple(seconds)


class _Numbers:
    """Numbers in the order of appearance for names made at random."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def instead(self, form: str) -> Callable[[re.Match[str]], str]:
        """Return what ``re.sub`` shall put in place of a random name."""
        return lambda found: form.format(self._known.setdefault(found.group(), len(self._known) + 1))


def _settled(outputs: list[dict[str, Any]], numbers: _Numbers) -> list[dict[str, Any]]:
    text = json.dumps(outputs)
    text = _UUID.sub(numbers.instead("00000000-0000-4000-8000-{:012x}"), text)
    text = _STYLER.sub(numbers.instead("T_{:05x}"), text)
    found: list[dict[str, Any]] = json.loads(_CELL_FILE.sub(r"ipykernel/\1", text))
    return found


def _coalesced(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join printed outputs that stand together: where the kernel cut them depends on the time that cells take."""
    found: list[dict[str, Any]] = []
    for is_printed, group in groupby(outputs, key=lambda output: output.get("output_type") == "stream"):
        if not is_printed:
            found += group
            continue
        texts: dict[str, str] = {}
        for output in group:
            texts[output["name"]] = texts.get(output["name"], "") + "".join(output["text"])
        found += (_printed(name, texts[name]) for name in sorted(texts, reverse=True))
    return [output for output in found if output.get("text") != []]


def _printed(name: str, text: str) -> dict[str, Any]:
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if name != "stdout" or not PROGRESS_LINE.match(line)]
    return {"output_type": "stream", "name": name, "text": kept}
