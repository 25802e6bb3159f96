import json
import os
from pathlib import Path

import pytest

from musyq_lab.core.errors import InputError, RecipeError
from musyq_lab.production._kernel import headings, peak_memory
from musyq_lab.production.execute import CellError, execute
from musyq_lab.production.progress import Silent


class Heard(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.cells: list[tuple[int, int, str]] = []
        self.lines: list[str] = []

    def cell(self, step: int, total: int, title: str) -> None:
        self.cells.append((step, total, title))

    def line(self, text: str) -> None:
        self.lines.append(text)


def notebook(folder: Path, *sources: str) -> Path:
    """Write a notebook of a parameters cell and these: Markdown if it begins with #, else code."""
    cells = [{"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": 'out: str = ""\nn: int = 0'}]
    for text in sources:
        kind = "markdown" if text.startswith("#") else "code"
        cells.append({"cell_type": kind, "metadata": {}, "source": text})
    for index, cell in enumerate(cells):
        cell |= {"id": f"x{index}"} | ({"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else {})
    path = folder / "source.ipynb"
    foreign = {"kernelspec": {"name": "julia-1.9", "language": "julia", "display_name": "Julia"}}
    path.write_text(json.dumps({"cells": cells, "metadata": foreign, "nbformat": 4, "nbformat_minor": 5}), "utf-8")
    return path


def texts(path: Path) -> list[str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(o.get("text", "")) for c in cells for o in c.get("outputs", [])]


def test_steps_lines_and_outputs(tmp_path: Path) -> None:
    heard = Heard()
    source = notebook(
        tmp_path,
        "# Head\n\n## One",
        "import os\nprint('Cells: 50 %')\nprint(n, os.getcwd())\nprint('Cells: 100 %')",
        "# Two #",
        "print('Cells: 7 %')",
    )
    execution = execute(source, tmp_path / "done.ipynb", {"n": 5, "out": "."}, heard)
    # the parameters cell and the one that sets them come before the first heading
    assert heard.cells == [(1, 4, ""), (2, 4, ""), (3, 4, "One"), (4, 4, "Two")]
    assert heard.lines == ["Cells: 50 %", f"5 {tmp_path}", "Cells: 100 %", "Cells: 7 %"]
    assert texts(tmp_path / "done.ipynb") == [f"5 {tmp_path}\n"]
    assert len(execution.cell_seconds) == 4
    assert execution.peak_bytes is None or execution.peak_bytes > 10e6


def test_equal_runs_give_equal_bytes(tmp_path: Path) -> None:
    source = notebook(tmp_path, "# A", "n + 1")
    for name in ("a.ipynb", "b.ipynb"):
        execute(source, tmp_path / name, {"n": 1, "out": "."}, Silent())
    assert (tmp_path / "a.ipynb").read_bytes() == (tmp_path / "b.ipynb").read_bytes()


def test_an_error_of_ours_keeps_class_and_text(tmp_path: Path) -> None:
    source = notebook(
        tmp_path, "from musyq_lab.core.errors import InputError\nraise InputError('Give\\ntwo lines: %s')"
    )
    with pytest.raises(InputError, match=r"^Give\ntwo lines: %s$"):
        execute(source, tmp_path / "done.ipynb", {"out": "."}, Silent())


def test_a_foreign_error_of_the_same_name_as_a_helper_is_none_of_ours(tmp_path: Path) -> None:
    source = notebook(tmp_path, "class Iterable(Exception): pass\nraise Iterable('x')")
    with pytest.raises(CellError, match="in cell 3: Iterable: x"):
        execute(source, tmp_path / "done.ipynb", {"out": "."}, Silent())


def test_a_syntax_error_is_told(tmp_path: Path) -> None:
    with pytest.raises(CellError, match="under 'Broken': SyntaxError"):
        execute(notebook(tmp_path, "# Broken", "a b"), tmp_path / "done.ipynb", {"out": "."}, Silent())


def test_the_last_words_of_a_dead_kernel_are_told(tmp_path: Path) -> None:
    source = notebook(tmp_path, "import os\nos.write(2, b'malloc: out of memory\\n')\nos._exit(1)")
    with pytest.raises(RecipeError, match=r"ended without a word.*malloc: out of memory"):
        execute(source, tmp_path / "done.ipynb", {"out": "."}, Silent())


def test_headings_hold_until_the_next() -> None:
    cells = [
        {"cell_type": "code", "source": "# a comment is no heading"},
        {"cell_type": "markdown", "source": ["# One\n", "text\n", "## Two ##\n"]},
        {"cell_type": "code", "source": ""},
        {"cell_type": "markdown", "source": "no heading, #hashtag"},
        {"cell_type": "markdown", "source": "### Three"},
    ]
    assert headings(cells) == ["", "Two", "Two", "Two", "Three"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system has no /proc")
def test_peak_memory_is_at_least_what_is_held_now() -> None:
    block = bytearray(64 << 20)
    block[:: 1 << 12] = b"x" * len(block[:: 1 << 12])  # touch every page
    peak = peak_memory(os.getpid())
    assert peak is not None
    assert peak > len(block)


def test_peak_memory_of_nobody_is_unknown() -> None:
    assert peak_memory(None) is None
    assert peak_memory(2**30) is None
