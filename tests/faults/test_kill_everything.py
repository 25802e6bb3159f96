"""The script that kills every writer: a short run of it, and that it counts what it is told."""

from pathlib import Path

import pytest
from faults import kill_everything
from faults.kill_everything import ALL, FEW, main


@pytest.mark.slow
def test_a_short_run(capsys):
    assert main(["--few"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(FEW)
    assert lines[-1] == "11 kills: nothing lost"


def chosen(monkeypatch, **reports):
    table = {name: ((lambda folder, seen=seen: seen), ALL[name][1]) for name, seen in reports.items()}
    monkeypatch.setattr(kill_everything, "ALL", table)


PRODUCED = {"killed": 40, "faults": [], "failed": 0, "different": [], "redone": 0.5}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({}, 0), ({"faults": ["a"]}, 1), ({"different": ["a"]}, 1), ({"redone": 1.2}, 1), ({"failed": 1}, 1)],
)
def test_a_fault_is_one_of_the_whole(wrong, code, monkeypatch, capsys):
    chosen(monkeypatch, production={**PRODUCED, **wrong})
    assert main([]) == code
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == ("40 kills: nothing lost" if not code else "40 kills: 1 faults")


def test_a_script_that_breaks_is_a_fault(monkeypatch, capsys):
    def broken(folder: Path):
        raise RuntimeError("no such module")

    monkeypatch.setattr(kill_everything, "ALL", {"recipe": (broken, ALL["recipe"][1])})
    assert main([]) == 1
    assert "RuntimeError: no such module" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("writer", "seen", "row"),
    [
        ("recipe",
         {"killed": 3, "faults": [], "failed": 0, "files": ["a"], "unbroken": ["a"], "different": ["run.json"]},
         (3, 0, 0)),
        ("recipe", {"killed": 3, "faults": ["x"], "failed": 1, "files": ["a"], "unbroken": [], "different": ["b"]},
         (3, 2, 2)),
        ("sweep", {"killed": 1, "faults": [], "failed": 0, "different": [], "same": False}, (1, 0, 1)),
        ("stages of a recipe",
         {"killed": 2, "faults": [], "failed": 0, "different": [], "same": True, "worked": 9, "allowed": 5}, (2, 0, 1)),
        ("simulated Earth", {"codes": [-9, 0, -9], "faults": ["a"], "different": ["b"], "left": []}, (2, 1, 1)),
        ("values kept between stages", {"killed": 5, "faults": ["a"], "drafts": 2}, (5, 1, 0)),
    ],
)  # fmt: skip
def test_reports_are_read(writer, seen, row):
    assert ALL[writer][1](seen)[:3] == row
