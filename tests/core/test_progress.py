"""Progress: every item passes once, whatever is shown; a log gets few plain lines."""

import io
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musyq_lab.core.progress import PLAIN_VARIABLE, _plain, quiet, track


@pytest.fixture
def recipe(monkeypatch):
    monkeypatch.setenv(PLAIN_VARIABLE, "1")


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


def sit_at_a_terminal(monkeypatch):
    """Called inside a test: pytest puts its own stderr in place after the fixtures."""
    monkeypatch.delenv(PLAIN_VARIABLE, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    return screen


@pytest.mark.parametrize(("count", "lines"), [(1, 1), (3, 3), (10, 10), (11, 10), (1000, 10)])
def test_plain_lines_end_with_all(recipe, capsys, count, lines):
    assert list(track(range(count), "Reading")) == list(range(count))
    said = capsys.readouterr()
    shown = said.out.splitlines()
    assert len(shown) == lines
    assert shown[-1] == "Reading: 100 %"
    assert said.err == ""


@given(st.integers(0, 300), st.one_of(st.none(), st.integers(0, 300)))
def test_never_more_than_ten_lines_nor_100_percent(count, total):
    with pytest.MonkeyPatch.context() as patch:
        screen = io.StringIO()
        patch.setattr(sys, "stderr", screen)
        patch.delenv(PLAIN_VARIABLE, raising=False)
        assert list(_plain(iter(range(count)), "x", total)) == list(range(count))
    shares = [int(line.split()[1]) for line in screen.getvalue().splitlines()]
    assert len(shares) <= 10
    assert shares == sorted(set(shares))
    assert all(share <= 100 for share in shares)
    assert (100 in shares) == bool(total and count >= total)


def test_lines_of_a_log_leave_stdout_to_the_results(monkeypatch, capsys):
    monkeypatch.delenv(PLAIN_VARIABLE, raising=False)
    list(track([1, 2], "Reading"))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "Reading: 50 %\nReading: 100 %\n"


def test_empty_and_unknown_length(recipe, capsys):
    assert list(track([], "x")) == []
    assert list(track((i for i in range(3)), "x")) == [0, 1, 2]
    assert capsys.readouterr().out == ""


def test_total_helps_a_generator(recipe, capsys):
    assert list(track((i for i in range(2)), "x", total=2)) == [0, 1]
    assert capsys.readouterr().out == "x: 50 %\nx: 100 %\n"


def test_a_line_is_written_after_its_work(recipe, capsys):
    work = track(range(2), "x")
    next(work)
    assert capsys.readouterr().out == ""
    next(work)
    assert capsys.readouterr().out == "x: 50 %\n"


@pytest.mark.parametrize("plain", [True, False])
def test_closing_early_closes_the_source_and_says_no_more(plain, monkeypatch, capsys):
    closed = []
    sit_at_a_terminal(monkeypatch)

    def source():
        try:
            yield from range(100)
        finally:
            closed.append(True)

    if plain:
        monkeypatch.setenv(PLAIN_VARIABLE, "1")
    items = source()
    work = track(items, "x", total=100)
    assert next(work) == 0
    work.close()
    items.close()
    assert closed == [True]
    assert "100" not in capsys.readouterr().out


@pytest.mark.parametrize("plain", [True, False])
def test_faults_of_the_source_and_of_the_work_pass_through(plain, monkeypatch):
    sit_at_a_terminal(monkeypatch)
    if plain:
        monkeypatch.setenv(PLAIN_VARIABLE, "1")

    def source():
        yield 1
        raise OSError("disk")

    seen = []
    with pytest.raises(OSError, match="disk"):
        seen.extend(track(source(), "x"))
    assert seen == [1]
    with pytest.raises(KeyError, match="work"):
        list(map({}.__getitem__, track(["work"], "x")))


def test_terminal_shows_the_bar_on_stderr_only(monkeypatch, capsys):
    terminal = sit_at_a_terminal(monkeypatch)
    assert list(track(range(3), "Reading")) == [0, 1, 2]
    assert "Reading" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_no_bar_inside_a_bar(monkeypatch):
    terminal = sit_at_a_terminal(monkeypatch)
    for _ in track(range(2), "Outer"):
        assert list(track(range(3), "Inner")) == [0, 1, 2]
    assert "Outer" in terminal.getvalue()
    assert "Inner" not in terminal.getvalue()
    assert list(track(range(1), "Next")) == [0]
    assert "Next" in terminal.getvalue()


@pytest.mark.parametrize("description", ["Reading [/nothing]", "[red]tile[/red]", "tiles [1, 2]", "读取"])
def test_descriptions_are_text_not_markup(monkeypatch, description):
    terminal = sit_at_a_terminal(monkeypatch)
    assert list(track([1], description)) == [1]
    assert description in terminal.getvalue()


def test_nothing_runs_before_it_is_asked_for(recipe):
    def source():
        pytest.fail("started too early")
        yield

    track(source(), "x")


def test_plain_needs_no_rich(recipe, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    assert list(track([1], "x")) == [1]


def test_a_part_of_other_work_is_quiet_in_its_thread_alone(recipe, capsys):
    with quiet():
        with quiet():
            assert list(track(range(3), "Inner")) == [0, 1, 2]
        assert list(track(range(2), "Still")) == [0, 1]
        other = threading.Thread(target=lambda: list(track(range(1), "Elsewhere")))
        other.start()
        other.join()
    assert list(track(range(1), "After")) == [0]
    said = capsys.readouterr().out
    assert "Elsewhere: 100 %" in said
    assert "After: 100 %" in said
    assert not {"Inner", "Still"} & set(said.replace(":", " ").split())
