"""Execution of one recipe's notebook, with its failures told in plain words."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musyq_lab.core import errors
from musyq_lab.core.errors import MusyqError, RecipeError
from musyq_lab.production._settled import settle

if TYPE_CHECKING:
    from musyq_lab.production._kernel import Progress

KERNEL_LOG = ".kernel.log"


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
    return Execution(settle(target), max(peak, default=None))


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
