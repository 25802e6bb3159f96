"""One run of a sweep in a process of its own: what goes in, what comes out, how it ends."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from musyq_lab.core.errors import ArchiveError, InputError, RecipeError
from musyq_lab.production import _member, _sweep_process
from musyq_lab.production._sweep_process import Member, Outcome
from musyq_lab.production.progress import Silent
from musyq_lab.production.recipes import Recipe
from musyq_lab.production.run import Options, RecipeResult


class Heard(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple] = []

    def cell(self, step: int, total: int, title: str) -> None:
        self.told.append((step, total, title))

    def line(self, text: str) -> None:
        self.told.append((text,))


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch):
    """Return a function that puts a small program in place of the one a member runs."""
    start = subprocess.Popen

    def put(source: str) -> None:
        def started(command: list[str], **options: object) -> subprocess.Popen:
            assert command[1:] == ["-m", "musyq_lab.production._member"]
            return start([sys.executable, "-S", "-c", source], **options)

        monkeypatch.setattr(_sweep_process.subprocess, "Popen", started)

    return put


def member(recipe: Recipe, folder: Path) -> Member:
    return Member(recipe, {"count": 3, "label": "中"}, folder, Options(fresh=True), 2)


def test_a_member_gets_its_request_and_is_heard(tiny: Recipe, tmp_path: Path, program) -> None:
    program(
        "import sys, json\n"
        "request = json.loads(sys.stdin.readline())\n"
        "print(json.dumps({'cell': [1, 2, request['values']['label']]}))\n"
        "print(json.dumps({'line': request['folder'].rsplit('/', 1)[1] + ': 50 %'}))\n"
        "print(json.dumps({'made': {'seconds': request['values']['count'], 'peak_memory': None}}))\n"
    )
    heard = Heard()
    assert member(tiny, tmp_path / "out").run(heard) == Outcome(seconds=3, peak_memory=None)
    assert heard.told == [(1, 2, "中"), ("out: 50 %",)]


def test_a_member_that_fails_tells_its_error(tiny: Recipe, tmp_path: Path, program) -> None:
    program("import json\ninput()\nprint(json.dumps({'failed': ['ArchiveError', 'disk full']}))")
    outcome = member(tiny, tmp_path).run(Silent())
    assert type(outcome.error) is ArchiveError
    assert str(outcome.error) == "disk full"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import os, signal\ninput()\nos.kill(os.getpid(), signal.SIGKILL)", r"exit code -9\)\.$"),
        ("import os\ninput()\nos.write(2, b'Killed\\nout of memory\\n')\nos._exit(1)", "last words: out of memory"),
        ("import os\nos._exit(3)", "exit code 3"),
        ("import os\nos.write(2, b'\\xff\\xfe')\nos._exit(3)", "exit code 3"),
    ],
)
def test_a_member_that_dies_is_told(tiny: Recipe, tmp_path: Path, program, source: str, message: str) -> None:
    program(source)
    outcome = member(tiny, tmp_path).run(Silent())
    assert isinstance(outcome.error, RecipeError)
    with pytest.raises(RecipeError, match=message):
        raise outcome.error


def test_a_member_whose_sweep_stops_is_told_so_by_the_end_of_its_input(tiny: Recipe, tmp_path: Path, program) -> None:
    program(
        'import sys\nsys.stdin.readline()\nprint(\'{"line": "a: 1 %"}\', flush=True)\nsys.stdin.read()\nsys.exit(5)'
    )
    one = member(tiny, tmp_path)

    class Stopping(Silent):
        def line(self, text: str) -> None:
            one.stop()
            one.stop()  # a second time changes nothing

    assert "exit code 5" in str(one.run(Stopping()).error)


def test_a_member_that_never_began_can_be_stopped(tiny: Recipe, tmp_path: Path) -> None:
    member(tiny, tmp_path).stop()


def test_threads_that_a_person_set_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setattr(_sweep_process, "_processors", lambda: 2)
    environment = _sweep_process._environment(5)
    assert environment["OMP_NUM_THREADS"] == "7"
    assert environment["OPENBLAS_NUM_THREADS"] == "1"
    assert Path(environment["PYTHONPATH"].split(os.pathsep)[0], "musyq_lab", "production", "_member.py").is_file()


@pytest.fixture
def inside(tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that does what a member's process does, with some work in place of a run."""

    def work(run) -> tuple[int, list[dict]]:
        lines = io.StringIO()
        request = {
            "recipe": str(tiny.description),
            "values": {"count": 3},
            "folder": str(tmp_path / "out"),
            "options": {"debug": False, "fresh": True, "keep_stages": False},
        }
        monkeypatch.setattr(_member, "run_once", run)
        monkeypatch.setattr(_member.os, "dup", lambda number: number)
        monkeypatch.setattr(_member.os, "dup2", lambda *_: None)
        monkeypatch.setattr(_member.os, "fdopen", lambda *_, **__: lines)
        monkeypatch.setattr(_member, "_end_with_the_sweep", lambda: None)
        monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(request) + "\n"))
        code = _member.main()
        return code, [json.loads(line) for line in lines.getvalue().splitlines()]

    return work


def test_inside_a_member(inside, tmp_path: Path) -> None:
    def run(recipe: Recipe, values: dict, folder: Path, told: Silent, options: Options) -> RecipeResult:
        assert (recipe.key, values, folder) == ("tiny", {"count": 3}, tmp_path / "out")
        assert options == Options(fresh=True)
        told.cell(1, 2, "A\nB")
        told.line("Rows: 50 %")
        told.line("a line that is no progress")
        return RecipeResult("tiny", folder, (), (), 1.5, 10)

    assert inside(run) == (
        0,
        [{"cell": [1, 2, "A\nB"]}, {"line": "Rows: 50 %"}, {"made": {"seconds": 1.5, "peak_memory": 10}}],
    )


def test_inside_a_member_that_fails(inside) -> None:
    def run(*_: object) -> RecipeResult:
        raise InputError("two\nlines")

    assert inside(run) == (1, [{"failed": ["InputError", "two\nlines"]}])


def test_inside_a_member_that_is_interrupted(inside) -> None:
    def run(*_: object) -> RecipeResult:
        raise KeyboardInterrupt

    assert inside(run) == (130, [])


def test_nobody_listens_any_more() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    _member._Lines(Closed()).cell(1, 2, "A")  # its watcher ends the process, not this
