"""What a stage's kept value depends on: the code above it and the parameters that this code mentions."""

import sys
import types
from pathlib import Path

import pytest

from musyq_lab.production._notebook_state import dependence, displayed, executed_code, sets_global, visible_files

NAMES = {"year": 1, "language": 2, "region": 3}


def test_comments_and_layout_do_not_matter_and_code_does() -> None:
    code = dependence(["x = f(1)  # one"], NAMES)
    assert code == dependence(["# two\n\nx = f( 1 )"], NAMES)
    assert code != dependence(["x = f(2)"], NAMES)
    assert code != dependence(["x = f(1)", "y = 1"], NAMES)


def test_cells_that_only_set_parameters_count_for_nothing() -> None:
    cells = [
        'year: int = 2013  # of the data\nlanguage: str = "en"\nout: str = "."',
        '# Parameters\nyear = 2014\nout = "."',
    ]
    assert dependence(cells, NAMES) == ([], [])
    assert len(dependence(["year = 2013\nother = 1"], NAMES)[0]) == 1
    assert len(dependence(["year = f(3)"], NAMES)[0]) == 1
    assert len(dependence(["year, region = 3, 4"], NAMES)[0]) == 1
    assert len(dependence(["year += 1"], NAMES)[0]) == 1
    assert dependence([""], NAMES) == ([], [])


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("x = place(region)", ["region"]),
        ("x = table.year", []),
        ("f(year=3)", []),
        ("print(f'{language} {year + 1}')", ["language", "year"]),
        ("def f():\n    return [y for y in region]", ["region"]),
        ("x = lambda: year", ["year"]),
        ("'year'", []),
        ("globals()['year']", ["language", "region", "year"]),
        ("eval('ye' + 'ar')", ["language", "region", "year"]),
    ],
)
def test_mentioned_parameters(cell: str, expected: list[str]) -> None:
    assert dependence([cell], NAMES)[1] == expected


def test_global_names_that_a_function_sets_are_found() -> None:
    space: dict = {}
    exec(
        "def quiet():\n    x = 1\n    def inner():\n        nonlocal x\n        x = 2\n"
        "def loud():\n    def inner():\n        global y\n        y = 1\n"
        "def gone():\n    global z\n    del z\n",
        space,
    )
    assert sets_global(space["quiet"]) == ""
    assert sets_global(space["loud"]) == "y"
    assert sets_global(space["gone"]) == "z"


def test_visible_files(tmp_path: Path) -> None:
    for name in ("a.csv", ".hidden", "run.ipynb", "sub/b.csv", ".stages/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert sorted(visible_files(tmp_path)) == ["a.csv", "sub/b.csv"]
    before = visible_files(tmp_path)
    (tmp_path / "a.csv").write_text("xy")
    assert visible_files(tmp_path) != before


def test_outside_of_a_kernel_there_is_no_code_and_nothing_is_displayed() -> None:
    assert executed_code() == []
    with displayed() as seen:
        pass
    assert seen == []


def test_the_code_of_a_kernel_is_read_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = types.SimpleNamespace(user_ns={"In": ["", "a = 1", "b = 2"]})
    monkeypatch.setattr(
        sys.modules["IPython"] if "IPython" in sys.modules else __import__("IPython"), "get_ipython", lambda: shell
    )
    assert executed_code() == ["a = 1", "b = 2"]
