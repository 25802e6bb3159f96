"""Execution of one recipe's notebook, with its failures told in plain words."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musyq_lab.core import errors
from musyq_lab.core.errors import MusyqError, RecipeError

if TYPE_CHECKING:
    from musyq_lab.production._kernel import Progress

KERNEL_LOG = ".kernel.log"

_PROGRESS_LINE = re.compile(r"^.{1,200}: \d{1,3} %\n?$")
_OWN_METADATA = ("kernelspec", "language_info", "title", "authors")


@dataclass(frozen=True, slots=True)
class Execution:
    """What is known of an execution beyond its files."""

    cell_seconds: tuple[float, ...]
    """Wall time of each code cell."""
    peak_bytes: int | None
    """Peak resident memory of the kernel, None where the system does not tell."""


class CellError(RecipeError):
    """A cell failed with an error that is none of ours."""


def execute(source: Path, target: Path, parameters: Mapping[str, Any], progress: Progress) -> Execution:
    """Run a notebook in the folder of its target.

    Parameters
    ----------
    source : Path
        The recipe's notebook.
    target : Path
        Where the executed notebook goes; its folder is the kernel's working directory.
    parameters : mapping
        Checked values, JSON types only.
    progress : Progress
        Is told of each cell and printed line.

    Raises
    ------
    MusyqError
        Of the class and with the text that the failing cell raised, if it was one of ours.
    CellError
        If a cell failed otherwise.
    RecipeError
        If the kernel could not start or died.
    """
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from musyq_lab.production._kernel import ENGINE

    peak: list[int] = []
    with _quiet():
        try:
            papermill.execute_notebook(
                # papermill fills {names} in paths; these are meant as they are
                str(source).replace("{", "{{").replace("}", "}}"),
                str(target).replace("{", "{{").replace("}", "}}"),
                parameters=dict(parameters),
                engine_name=ENGINE,
                kernel_name="python3",  # named in full: a notebook's own kernel may not exist here
                language="python",
                progress_bar=False,
                musyq_folder=target.parent,
                musyq_log=target.parent / KERNEL_LOG,
                musyq_progress=progress,
                musyq_peak=peak,
            )
        except PapermillExecutionError as failure:
            raise _plain(failure, target) from failure
        except DeadKernelError as failure:
            raise RecipeError(
                f"The recipe's Python process ended without a word; {_last_words(target.parent)}"
            ) from failure
        except RuntimeError as failure:
            raise RecipeError(
                f"The recipe's Python process did not start ({failure}). `musyq doctor` tells more"
            ) from failure
    return _cleaned(target, peak)


def _plain(failure: Any, target: Path) -> MusyqError:
    """Turn a failed cell into the error that it raised, or into one that says where it failed."""
    kind = getattr(errors, failure.ename, None)
    if isinstance(kind, type) and issubclass(kind, MusyqError):
        return kind(failure.evalue)
    from musyq_lab.production._kernel import headings

    titles = headings(json.loads(target.read_text(encoding="utf-8"))["cells"])
    # papermill has put two cells of its own before the failing one, without headings.
    title = titles[min(failure.cell_index + 2, len(titles) - 1)]
    where = f"under {title!r}" if title else f"in cell {failure.cell_index + 1}"
    return CellError(f"The recipe stopped {where}: {failure.ename}: {str(failure.evalue)[:500]}")


def _last_words(folder: Path) -> str:
    log = folder / KERNEL_LOG
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    hint = "the system may have stopped it for want of memory (`musyq doctor` shows what is free)"
    return f"{hint}. Its last words: {lines[-1][:300]}" if lines else hint


def _cleaned(target: Path, peak: list[int]) -> Execution:
    """Take times, machine paths and progress lines out of the notebook, so that equal runs give equal bytes."""
    notebook = json.loads(target.read_text(encoding="utf-8"))
    notebook["metadata"] = {k: v for k, v in notebook["metadata"].items() if k in _OWN_METADATA}
    seconds = []
    for index, cell in enumerate(notebook["cells"]):
        times = cell["metadata"].pop("papermill", {})
        cell["metadata"].pop("execution", None)
        cell["id"] = f"cell-{index}"
        if cell["cell_type"] == "code":
            seconds.append(round(times.get("duration") or 0.0, 3))
            cell["outputs"] = [kept for output in cell["outputs"] if (kept := _without_progress(output))]
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True)
    target.write_text(text + "\n", encoding="utf-8")
    return Execution(tuple(seconds), max(peak, default=None))


def _without_progress(output: dict[str, Any]) -> dict[str, Any] | None:
    """Drop the lines of :func:`musyq_lab.core.progress.track` from a printed output."""
    if output.get("output_type") != "stream" or output.get("name") != "stdout":
        return output
    lines = "".join(output["text"]).splitlines(keepends=True)
    kept = [line for line in lines if not _PROGRESS_LINE.match(line)]
    return {**output, "text": kept} if kept else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what papermill and the Jupyter machinery log about themselves."""
    loggers = [logging.getLogger(name) for name in ("papermill", "papermill.translators", "traitlets", "asyncio")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
