import io

import pytest

from musyq_lab.production.progress import Bar, Plain, Silent, shown


def test_plain_lines_name_each_heading_once() -> None:
    stream = io.StringIO()
    plain = Plain(stream)
    plain.cell(1, 3, "Read")
    plain.line("some print")
    plain.line("Cells: 50 %")
    plain.cell(2, 3, "Read")
    plain.cell(3, 3, "Draw")
    assert stream.getvalue() == "[1/3] Read\n        Cells: 50 %\n[3/3] Draw\n"


def test_the_bar_moves_and_shows_text_as_it_is() -> None:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=io.StringIO())) as progress:
        bar = Bar(progress)
        bar.cell(2, 5, "Maps [bold]")
        bar.line("Regions: 40 %")
        bar.line("not a share")
        (task,) = progress.tasks
        assert (task.completed, task.total) == (1, 5)
        assert task.description == r"Maps \[bold] · Regions: 40 %"


def test_nothing_is_shown_when_nobody_wants_it(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(visible=False) as told:
        told.cell(1, 2, "x")
        told.line("x: 50 %")
    assert type(told) is Silent
    assert capsys.readouterr() == ("", "")


def test_a_log_gets_lines() -> None:
    with shown(visible=True) as told:
        assert type(told) is Plain
