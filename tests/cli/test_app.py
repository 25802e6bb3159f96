"""What every command shares: plain errors, tables for pipes and eyes, options, and how words become arguments."""

import sys
import types
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from musyq_lab.cli import app
from musyq_lab.cli.app import _message, _PlainErrors, complain, options_of, print_table
from musyq_lab.cli.looking import Listing, _members
from musyq_lab.cli.making import _place
from musyq_lab.core.errors import InputError, MusyqError, NotFoundError


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def failing():
    """An application whose only commands fail in every way."""
    own = typer.Typer(cls=_PlainErrors, pretty_exceptions_enable=False)

    @own.callback()
    def common(ctx: typer.Context, debug: bool = False) -> None:
        options_of(ctx)["debug"] = debug

    @own.command()
    def fail(kind: str) -> None:
        raise {
            "input": InputError("The number is 3. Give 4."),
            "file": FileNotFoundError(2, "No such file", "没有.h5"),
            "stop": KeyboardInterrupt(),
            "exit": typer.Exit(7),
            "usage": typer.BadParameter("no such word"),
        }[kind]

    return lambda *words: CliRunner().invoke(own, list(words))


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("input", 1, "The number is 3. Give 4."),
        ("file", 1, "Something went wrong that should not: FileNotFoundError"),
        ("stop", 130, "Stopped. Nothing half-made is left."),
        ("exit", 7, ""),
        ("usage", 2, "no such word"),
    ],
)
def test_ways_to_end(failing, kind, code, said):
    done = failing("fail", kind)
    assert done.exit_code == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(("kind", "name"), [("input", "InputError"), ("file", "FileNotFoundError")])
def test_debug_adds_the_traceback_and_keeps_the_sentence(failing, kind, name):
    done = failing("--debug", "fail", kind)
    assert done.exit_code == 1
    assert "Traceback" in done.stderr
    assert name in done.stderr
    assert "musyq --debug" not in done.stderr  # it is on


def test_names_in_any_script_are_told_as_they_are(failing):
    assert "没有.h5" in failing("fail", "file").stderr


@pytest.mark.parametrize("kind", [MusyqError, InputError, NotFoundError])
def test_our_own_errors_are_their_sentence_alone(kind):
    assert _message(kind("One. Two."), debug=False) == _message(kind("One. Two."), debug=True) == "One. Two."


def test_other_errors_say_their_kind_and_how_to_see_more():
    plain, debug = (_message(ZeroDivisionError("by zero"), debug=on) for on in (False, True))
    assert plain.startswith("Something went wrong that should not: ZeroDivisionError: by zero.")
    assert "--debug" in plain
    assert "--debug" not in debug


@pytest.mark.parametrize("text", ["[red]none[/red]", "[/]", "a[1]", ":smile:", "x" * 500])
def test_messages_are_no_markup_and_are_not_broken(text, capsys):
    complain(text)
    assert capsys.readouterr().err.strip() == text


# ---- tables ----------------------------------------------------------------------------------------------------------
ROWS = [["name", "what"], ["a", "two\nlines"], ["[bold]", "FAULT"], ["名称", ""]]


def test_a_pipe_gets_one_line_a_row(capsys):
    print_table(ROWS)
    lines = capsys.readouterr().out.split("\n")[:-1]
    assert [line.split("\t") for line in lines] == [[cell.replace("\n", " ") for cell in row] for row in ROWS]


def test_a_terminal_gets_every_cell_as_it_is(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_table(ROWS)
    shown = capsys.readouterr().out
    assert all(part in shown for row in ROWS for cell in row for part in cell.split("\n"))
    assert "\t" not in shown


def test_a_table_of_its_head_alone(capsys):
    print_table([["one", "two"]])
    assert capsys.readouterr().out == "one\ttwo\n"


@pytest.mark.parametrize("what", list(Listing))
def test_lists_have_a_name_for_each_column_and_no_row_twice(what):
    done = invoke("list", what.value)
    assert done.exit_code == 0, done.output
    rows = [line.split("\t") for line in done.output.splitlines()]
    assert len(rows) > 1
    assert {len(row) for row in rows} == {len(rows[0])}
    assert all(rows[0])
    keys = [row[0] for row in rows[1:]]
    assert len(set(keys)) == len(keys)


def test_what_is_listed_without_a_word_is_the_recipes():
    assert invoke("list").output == invoke("list", "recipes").output


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"members": ["a", "b"]}, "2 countries and areas"),
        ({"members": []}, "0 countries and areas"),
        ({"union": ["x", "y", "z"]}, "union of 3 regions"),
    ],
)
def test_members_of_regions(entry, words):
    assert _members(entry) == words


# ---- words that become arguments -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("huailai", "huailai"),
        ("116.5,40", (116.5, 40.0)),
        (" -60 , -3.1 ", (-60.0, -3.1)),
        ("1e2,4e1", (100.0, 40.0)),
        ("1,2,3", "1,2,3"),
        ("116.5", "116.5"),
        ("east,40", "east,40"),
        ("", ""),
    ],
)
def test_a_place_is_a_name_or_two_numbers(text, place):
    assert _place(text) == place


@pytest.fixture
def stand_in(monkeypatch):
    """Replace a module by one that notes the arguments of its functions."""

    def put(name, **answers):
        calls = []
        module = types.ModuleType(name)
        for function, answer in answers.items():

            def called(*args, _name=function, _answer=answer, **options):
                calls.append((_name, args, options))
                return _answer

            setattr(module, function, called)
        monkeypatch.setitem(sys.modules, name, module)
        return calls

    return put


TABLE = SimpleNamespace(table=lambda: [["a"], ["b"]])


def test_a_download_hands_on_what_was_asked(stand_in):
    calls = stand_in("musyq_lab.production.download.download", download=TABLE, estimate=TABLE)
    done = invoke("download", "lai", "--root", "r", "--region", "CHN", "--period", "2015", "--variable", "lai",
                  "--variable", "lai_qa", "--format", "COG", "--no-geometry",
                  "--limit", "5 MB", "--name", "N")  # fmt: skip
    assert done.output == "a\nb\n"
    ((name, args, options),) = calls
    assert (name, args) == ("download", ("lai", "CHN", "2015"))
    assert options == {
        "variables": ["lai", "lai_qa"], "root": Path("r"), "catalog": None, "edition": None, "format": "COG",
        "out": Path(), "filename": None, "limit": "5 MB", "geometry": False, "name": "N", "organisation": "",
        "email": "", "purpose": "",
    }  # fmt: skip


def test_an_estimate_asks_for_no_person_and_all_variables(stand_in):
    calls = stand_in("musyq_lab.production.download.download", download=TABLE, estimate=TABLE)
    assert invoke("download", "lai", "--dry-run", "--name", "N").exit_code == 0
    ((name, _, options),) = calls
    assert name == "estimate"
    assert options["variables"] is None
    assert "name" not in options


@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_check_ends_with_the_code_of_its_report(stand_in, code):
    report = SimpleNamespace(text=lambda notes: f"notes {notes}", exit_code=code, to_json=None)
    calls = stand_in("musyq_lab.archive.check.run", check_archive=report)
    done = invoke("check", "folder", "--no-fixity", "--notes", "--record")
    assert done.exit_code == code
    assert done.output.strip() == "notes True"
    assert calls == [("check_archive", (Path("folder"),), {"fixity": False, "cf": True, "record": True})]


def test_what_was_not_described_is_told_after_what_was(stand_in):
    records = SimpleNamespace(text="all of it\n", texts={"a.json": "1"}, failed={"b.h5": "cut off"})
    calls = stand_in("musyq_lab.archive.metadata.describe", describe=records)
    done = invoke("describe", "folder", "--as", "datacite", "--out", "place")
    assert done.exit_code == 1
    assert done.stdout == f"{Path('place') / 'a.json'}\n"
    assert "b.h5 was not described: cut off" in done.stderr
    assert calls[0][1:] == ((Path("folder"), "datacite"), {"out": Path("place")})
    assert invoke("describe", "folder").stdout == "all of it\n"
    assert invoke("describe", "folder", "--as", "word").exit_code == 2


def test_overviews_are_added_to_one_file_after_the_other(stand_in):
    calls = stand_in("musyq_lab.archive.overviews", add="done")
    assert invoke("overviews", "a.h5", "b.h5").output == "done\ndone\n"
    assert [args for _, args, _ in calls] == [(Path("a.h5"),), (Path("b.h5"),)]
    assert invoke("overviews").exit_code == 2


@pytest.mark.parametrize(("identical", "code"), [(True, 0), (False, 1)])
def test_a_file_that_comes_out_otherwise_ends_with_one(stand_in, identical, code):
    class Found(SimpleNamespace):
        def __str__(self):
            return "words"

    calls = stand_in("musyq_lab.production.chain.reproduce", reproduce=Found(identical=identical))
    done = invoke("reproduce", "x.h5", "--inputs", "c.yml")
    assert (done.exit_code, done.output) == (code, "words\n")
    assert calls == [("reproduce", (Path("x.h5"),), {"inputs": Path("c.yml"), "root": None})]


@pytest.mark.parametrize(
    ("words", "hours"), [((), (2, 6)), (("--stationary-hour", "3", "--stationary-hour", "5.5"), (3.0, 5.5))]
)
def test_a_simulation_gets_its_hours_and_place(monkeypatch, words, hours):
    from musyq_lab.twin import simulate

    asked = {}
    made = SimpleNamespace(table=lambda: [["t"]], folder="here")
    monkeypatch.setattr(simulate, "simulate", lambda out, **options: asked.update(options, out=out) or made)
    done = invoke("simulate", "there", "--place", "10,50", "--cloudiness", "0", *words)
    assert done.output == "t\nhere\n"
    assert tuple(asked["stationary_hours"]) == hours
    assert asked["place"] == (10.0, 50.0)
    assert asked["cloudiness"] == 0.0
    assert asked["sensors"] is None


@pytest.mark.parametrize(
    "words",
    [
        ("produce",),
        ("produce", "lai", "--workers", "-1"),
        ("produce", "lai", "--jobs", "0"),
        ("serve", "--port", "-1"),
        ("simulate", "--days", "two"),
        ("reproduce",),
        ("check",),
        ("register",),
    ],
)
def test_wrong_use_ends_with_two_and_shows_the_use(words):
    done = invoke(*words)
    assert done.exit_code == 2
    assert "Usage:" in done.stderr
