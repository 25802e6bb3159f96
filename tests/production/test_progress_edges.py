"""What a run shows, line by line, and what the doctor says of memory, packages, glyphs and recipes."""

import importlib.metadata
import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.progress import Progress

from musyq_lab.production import doctor
from musyq_lab.production.doctor import available_memory, examine
from musyq_lab.production.progress import Bar, Plain, Silent, shown


class Counted(io.StringIO):
    """A stream that counts how often it is flushed."""

    flushed = 0

    def flush(self) -> None:
        self.flushed += 1
        super().flush()


def test_every_line_reaches_the_log_at_once() -> None:
    stream = Counted()
    plain = Plain(stream)
    plain.cell(1, 2, "Read")
    assert stream.flushed == 1
    plain.line("Cells: 10 %")
    assert stream.flushed == 2


def test_a_heading_that_comes_again_later_is_written_again() -> None:
    stream = io.StringIO()
    plain = Plain(stream)
    for step, title in enumerate(["A", "B", "A"], 1):
        plain.cell(step, 3, title)
    assert stream.getvalue() == "[1/3] A\n[2/3] B\n[3/3] A\n"


@pytest.mark.parametrize("text", ["", "%", "50%", "50 % of all", " 50 %\n", "input: x"])
def test_what_is_no_share_is_not_shown(text: str) -> None:
    stream = io.StringIO()
    Plain(stream).line(text)
    assert stream.getvalue() == ""


def bar() -> tuple[Bar, Progress]:
    progress = Progress(console=Console(file=io.StringIO()), disable=True)
    return Bar(progress), progress


def test_the_bar_starts_without_a_length_and_counts_finished_cells() -> None:
    shown_bar, progress = bar()
    (task,) = progress.tasks
    assert (task.description, task.total, task.completed) == ("Starting", None, 0)
    shown_bar.cell(1, 4, "Read")
    assert (task.description, task.total, task.completed) == ("Read", 4, 0)
    shown_bar.cell(4, 4, "Draw")
    assert (task.description, task.completed, task.finished) == ("Draw", 3, False)


def test_a_share_belongs_to_the_cell_that_runs() -> None:
    shown_bar, progress = bar()
    shown_bar.cell(1, 2, "Read")
    shown_bar.line("Files: 10 %")
    shown_bar.line("Files: 20 %")
    assert progress.tasks[0].description == "Read · Files: 20 %"
    shown_bar.cell(2, 2, "Draw")
    assert progress.tasks[0].description == "Draw"


def test_text_of_a_notebook_is_never_markup() -> None:
    from rich.text import Text

    shown_bar, progress = bar()
    shown_bar.cell(1, 1, "[red]Title[/red] [link=http://x]")
    shown_bar.line("[/] 5 %")
    said = Text.from_markup(progress.tasks[0].description).plain
    assert said == "[red]Title[/red] [link=http://x] · [/] 5 %"


def test_an_error_passes_through_whatever_is_shown() -> None:
    for visible in (True, False):
        with pytest.raises(ZeroDivisionError), shown(visible=visible):
            raise ZeroDivisionError


def test_lines_go_to_the_stream_of_errors(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(visible=True) as told:
        told.cell(1, 2, "Read")
    assert capsys.readouterr() == ("", "[1/2] Read\n")


def test_all_that_shows_takes_the_same_calls() -> None:
    for told in (Silent(), Plain(io.StringIO()), bar()[0]):
        told.cell(1, 1, "x")
        told.line("x: 1 %")
        assert isinstance(told, Silent)


def memory(folder: Path, info: str | None, limit: str | None = None, used: str | None = None) -> int | None:
    for name, text in (("meminfo", info), ("memory.max", limit), ("memory.current", used)):
        if text is not None:
            (folder / name).write_text(text, encoding="ascii")
    return available_memory(folder, folder)


@pytest.mark.parametrize(
    "info", [None, "", "MemTotal: 8 kB\n", "MemAvailable: many kB\n", "MemAvailable:\n8\n", "no colon\n"]
)
def test_memory_that_is_not_told_is_unknown(tmp_path: Path, info: str | None) -> None:
    assert memory(tmp_path, info) is None


@pytest.mark.parametrize(
    ("limit", "used", "expected"),
    [
        ("4096", "1024", 3072),
        ("max", "1024", 10240),
        ("99999999", "0", 10240),
        ("what", "1024", 10240),
        ("4096", "what", 10240),
        ("4096", None, 10240),
        (None, "1", 10240),
        ("1024", "4096", -3072),
    ],
)
def test_the_limit_of_a_container_counts_where_it_is_told(
    tmp_path: Path, limit: str | None, used: str | None, expected: int
) -> None:
    assert memory(tmp_path, "MemAvailable: 10 kB\n", limit, used) == expected


@pytest.mark.parametrize(("free", "fault"), [(None, False), (-1, True), (1_999_999_999, True), (2_000_000_000, False)])
def test_the_least_memory_is_exact(monkeypatch: pytest.MonkeyPatch, free: int | None, fault: bool) -> None:
    monkeypatch.setattr(doctor, "available_memory", lambda: free)
    assert doctor._memory()[0] is fault


@pytest.mark.parametrize(("free", "fault"), [(999_999_999, True), (1_000_000_000, False)])
def test_the_least_disk_is_exact(monkeypatch: pytest.MonkeyPatch, free: int, fault: bool) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    assert doctor._disk()[0] is fault


@pytest.mark.parametrize(
    ("version", "fault"), [("3.10.14", True), ("3.11.0", False), ("3.12.1", False), ("3.9.0", True)]
)
def test_versions_of_python_are_compared_as_numbers(monkeypatch: pytest.MonkeyPatch, version: str, fault: bool) -> None:
    monkeypatch.setattr(doctor.platform, "python_version", lambda: version)
    assert doctor._python() == (fault, version)


def needs(monkeypatch: pytest.MonkeyPatch, *texts: str) -> tuple[bool, str]:
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: list(texts) or None)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.0rc1")
    return doctor._packages()


@pytest.mark.parametrize(
    ("texts", "fault", "said"),
    [
        ((), False, "0 packages"),
        (("a>=1", "b"), False, "2 packages"),
        (("a>=2.0",), True, "a 2.0rc1, needs >=2.0"),
        (("a>=9; extra == 'dev'",), False, "0 packages"),
        (("a>=9; python_version < '3'", "b<3"), False, "1 packages"),
        (("a>=9", "b>=9"), True, "; b 2.0rc1"),
    ],
)
def test_packages_that_are_needed_here_are_compared(
    monkeypatch: pytest.MonkeyPatch, texts: tuple[str, ...], fault: bool, said: str
) -> None:
    found = needs(monkeypatch, *texts)
    assert found[0] is fault
    assert said in found[1]


def test_a_package_that_is_not_there_has_no_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert doctor._holes()[0] is False


def test_recipes_that_disagree_or_are_missing_are_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    faulty = SimpleNamespace(key="r", problems=lambda: [f"p{k}" for k in range(9)])
    monkeypatch.setattr(doctor, "RECIPES", {"r": faulty})
    assert doctor._recipes() == (True, "r: p0; r: p1; r: p2; r: p3; r: p4")
    monkeypatch.setattr(doctor, "RECIPES", {})
    assert doctor._recipes()[0] is True


def test_a_folder_of_fonts_without_the_glyphs_is_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert doctor._fonts()[0] is False
    (tmp_path / "readme.txt").touch()
    monkeypatch.setattr(doctor, "resource", lambda name: tmp_path)
    assert doctor._fonts() == (True, f"none of the 0 shipped fonts shows {doctor.GLYPHS}")


def test_one_broken_check_does_not_hide_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    from musyq_lab.core.errors import NotFoundError

    def ours() -> tuple[bool, str]:
        raise NotFoundError("plain words")

    checks = (("a", "x", ours), ("b", "y", lambda: (False, "fine")), ("c", "z", lambda: (True, "bad")))
    monkeypatch.setattr(doctor, "_CHECKS", checks)
    found = [(check.title, check.passed, check.found) for check in examine()]
    assert found == [("a", False, "plain words"), ("b", True, "fine"), ("c", False, "bad")]
