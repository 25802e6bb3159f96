"""Stages: what a failed run had finished is used by the next one, and the result is that of an unbroken run."""

import json
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError, RecipeError
from musyq_lab.production import _stage_folder, code_state, run, stages
from musyq_lab.production.recipes import Recipe, load_recipe
from musyq_lab.production.run import run_recipe
from musyq_lab.production.stages import FOLDER, Stages, account, stage, workspace

PARAMETERS = {"year": 2013, "language": "en"}


@pytest.fixture(autouse=True)
def still_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold the state of the code still: an edit made while the tests run is none of their business."""
    monkeypatch.setattr(stages, "code_state", lambda: "1" * 64)


class Desk:
    """A run's folder and what its notebook has executed, without a kernel."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.out, self.cells, self.worked = folder / "out", [], []
        self._patch = monkeypatch
        monkeypatch.setattr(stages, "executed_code", lambda: self.cells)

    def begin(self, *cells: str, inputs: tuple[str, ...] = ("a",), **parameters: object) -> None:
        """Begin a run whose notebook has executed these cells."""
        partial = self.out / f".partial{len(list(self.out.glob('.partial*')))}"
        partial.mkdir(parents=True)
        stages.prepare(self.out, partial, {**PARAMETERS, **parameters}, inputs)
        self._patch.chdir(partial)
        self.cells = list(cells)
        self.partial = partial

    def stage(self, function):
        """Return the function as a stage that notes when it works."""

        def noted(*args):
            self.worked.append(function.__name__)
            return function(*args)

        noted.__name__ = function.__name__
        return stage(noted)

    def states(self) -> list[str]:
        return [entry["state"] for entry in account(self.partial)]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def field(offset: float = 0.0) -> xr.Dataset:
    return xr.Dataset({"a": (("y", "x"), np.arange(6.0).reshape(2, 3) + offset)}, {"x": [1, 2, 3]})


def test_by_hand_a_stage_is_its_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    @stage
    def add(a: int, b: int = 2) -> int:
        """Add."""
        return a + b

    assert (add(1), add(1, b=5), add.__name__, add.__doc__) == (3, 6, "add", "Add.")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="cannot keep"):
        stage(lambda: object())()


def test_a_second_run_takes_what_the_first_had_finished(desk: Desk) -> None:
    for _ in range(2):
        desk.begin("x = 1")
        found = desk.stage(field)(1.5)
        assert found.identical(field(1.5))
        assert Stages.of_this_run() is not None
    assert desk.worked == ["field"]
    assert desk.states() == ["reused"]


@pytest.mark.parametrize(
    ("cells", "changes", "again"),
    [
        (["x = 1  # a remark"], {}, False),
        (["x = 2"], {}, True),
        (["x = 1", "y = 1"], {}, True),
        (["x = 1"], {"language": "zh"}, False),
        (["x = 1"], {"year": 2014}, False),
        (["x = 1"], {"inputs": ("b",)}, True),
    ],
)
def test_a_change_above_makes_it_anew_and_others_do_not(desk: Desk, cells: list, changes: dict, again: bool) -> None:
    desk.begin("x = 1")
    desk.stage(field)()
    desk.begin(*cells, **changes)
    desk.stage(field)()
    assert desk.worked == ["field"] * (2 if again else 1)


def test_a_mentioned_parameter_counts_and_its_old_value_is_still_there(desk: Desk) -> None:
    for year in (2013, 2014, 2013):
        desk.begin("x = f(year)", year=year)
        assert desk.stage(field)(year)["a"].values[0, 0] == year
    assert desk.worked == ["field", "field"]


def test_new_code_makes_it_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.begin("x = 1")
    desk.stage(field)()
    monkeypatch.setattr(stages, "code_state", lambda: "2" * 64)
    desk.begin("x = 1")
    desk.stage(field)()
    assert desk.worked == ["field", "field"]


def test_calls_in_a_loop_are_told_apart_by_their_order(desk: Desk) -> None:
    for length in (2, 4):
        desk.begin("loop")
        one = desk.stage(field)
        assert [float(one(offset)["a"][0, 0]) for offset in range(length)] == list(range(length))
    assert desk.worked == ["field"] * 4
    assert desk.states() == ["reused"] * 2 + ["kept"] * 2


def test_a_damaged_value_is_made_anew_and_the_others_are_used(desk: Desk) -> None:
    desk.begin("x")
    one = desk.stage(field)
    one(0), one(1)
    path = sorted(desk.out.joinpath(FOLDER).glob("field-*/0.npy"))[0]
    content = bytearray(path.read_bytes())
    content[-3] ^= 4
    path.write_bytes(content)
    desk.begin("x")
    one = desk.stage(field)
    assert [float(one(offset)["a"].sum()) for offset in (0, 1)] == [15.0, 21.0]
    assert sorted(desk.states()) == ["kept", "reused"]


def test_what_was_printed_is_repeated(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    def talking() -> int:
        sys.stdout.write("one\nRows: 50 %\n")
        sys.stderr.write("two\n")
        sys.stdout.write("three\n")
        return 1

    seen = []
    for _ in range(2):
        desk.begin("x")
        assert desk.stage(talking)() == 1
        seen.append(capsys.readouterr())
    assert seen[0].out == "one\nRows: 50 %\nthree\n"
    assert seen[1].out == "one\nthree\ntalking, from the last run: 100 %\n"
    assert seen[0].err == seen[1].err == "two\n"


def test_a_warning_shown_in_a_stage_shows_up_again_below_it_either_way(desk: Desk) -> None:
    def warn() -> None:
        warnings.warn("low", UserWarning, stacklevel=1)

    counts = []
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            desk.begin("x")
            desk.stage(lambda: warn())()
            inside = len(caught)
            warn()
            counts.append(len(caught) - inside)
    assert counts == [1, 1]


def test_a_stage_that_sets_a_global_name_is_refused() -> None:
    def setting() -> None:
        global written
        written = 1

    with pytest.raises(InputError, match="sets the global name 'written'"):
        stage(setting)


def test_a_stage_that_writes_into_the_result_is_refused(desk: Desk) -> None:
    def writing() -> int:
        Path("a.csv").write_text("1")
        return 1

    desk.begin("x")
    with pytest.raises(InputError, match=r"changed 'a\.csv'.*workspace"):
        desk.stage(writing)()
    assert desk.states() == []
    assert not desk.out.joinpath(FOLDER).exists()


def test_its_own_error_passes_and_nothing_is_kept(desk: Desk) -> None:
    desk.begin("x")
    with pytest.raises(ZeroDivisionError):
        desk.stage(lambda: 1 // 0)()
    assert desk.states() == []


def test_a_workspace_is_found_again(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for cells in (["x"], ["x"], ["y"]):
        desk.begin(*cells)
        folder = workspace("Simulated Earth")
        (folder / str(len(list(folder.iterdir())))).write_text("x")
    found = sorted(len(list(path.iterdir())) for path in desk.out.joinpath(FOLDER).glob("work-simulated-earth-*"))
    assert found == [1, 2]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert workspace("by hand").parent == tmp_path


def test_without_room_the_run_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "LIMIT", 10)
    desk.begin("x")
    assert desk.stage(field)().identical(field())
    (entry,) = account(desk.partial)
    assert entry["state"] == "not kept"
    assert entry["reason"] == "it needs 72 bytes, of 10 bytes 10 bytes are left"
    assert stages.left(desk.out, desk.partial) == ""


def test_a_disk_that_fills_up_costs_the_run_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_stage_folder, "flush", full)
    desk.begin("x")
    assert desk.stage(lambda: field().chunk(x=2))()["a"].chunks == ((2,), (2, 1))
    assert account(desk.partial)[0]["reason"] == "it could not be written (No space left on device)"


def test_a_lazy_result_is_computed_once(desk: Desk) -> None:
    calls = []

    def slow(block: np.ndarray) -> np.ndarray:
        calls.append(1)
        return block + 1

    def lazy() -> xr.DataArray:
        return xr.apply_ufunc(slow, field()["a"].chunk(x=3), dask="parallelized", output_dtypes=[float])

    desk.begin("x")
    found = desk.stage(lazy)()
    counted = len(calls)
    for _ in range(3):
        np.testing.assert_array_equal(found, field(1.0)["a"])
    assert found.chunks is not None
    assert len(calls) == counted


@pytest.mark.parametrize("change", ["source", "data", "package", "name"])
def test_every_change_of_the_code_changes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    package, catalogs = tmp_path / "package", tmp_path / "catalogs"
    for folder in (package, catalogs):
        folder.mkdir()
        (folder / "a.py").write_text("x = 1")
    (package / "a.pyc").write_text("compiled")
    monkeypatch.setattr(code_state, "_PACKAGE", package)
    monkeypatch.setattr(code_state, "resource", lambda _: catalogs)
    uncached = code_state.code_state.__wrapped__
    before = uncached()
    (package / "a.pyc").write_text("compiled again")
    assert uncached() == before
    if change == "source":
        (package / "a.py").write_text("x = 2")
    elif change == "data":
        (catalogs / "a.py").write_text("x = 2")
    elif change == "name":
        (package / "a.py").rename(package / "b.py")
    else:
        monkeypatch.setattr(code_state, "distributions", list)
    assert uncached() != before


@pytest.fixture(scope="module")
def staged() -> Recipe:
    return load_recipe(Path(__file__).parent / "staged" / "staged.yml")


def outputs(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name != "run.json"
    }


def test_a_run_that_failed_goes_on_and_ends_as_an_unbroken_one(
    staged: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("STAGED_RECIPE_LOG", str(log))

    def worked() -> list[str]:
        names = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return names

    unbroken = run_recipe(staged, out=tmp_path / "unbroken", progress=False)
    assert worked() == ["first", "second", "third"]
    assert not (unbroken.folder / FOLDER).exists()
    side = json.loads((unbroken.folder / "run.json").read_text(encoding="utf-8"))
    assert [(entry["stage"], entry["state"]) for entry in side["stages"]] == [
        ("first", "kept"), ("second", "kept"), ("third", "kept")
    ]  # fmt: skip

    out = tmp_path / "broken"
    for fault, expected, kept in (
        ("second", ["first", "second"], "stage 'first' is"),
        ("dead", ["second", "third"], "3 finished stages are"),
    ):
        monkeypatch.setenv("STAGED_RECIPE_FAULT", fault)
        with pytest.raises(RecipeError, match=rf"{kept} kept in .*\.stages' \(.* kB\): the same command goes on"):
            run_recipe(staged, out=out, progress=False)
        assert worked() == expected
        assert [p.name for p in out.iterdir()] == [FOLDER], "nothing under a final name"
    monkeypatch.setenv("STAGED_RECIPE_FAULT", "none")
    capfd.readouterr()
    again = run_recipe(staged, out=out, keep_stages=True)
    assert worked() == []
    assert "third, from the last run: 100 %" in capfd.readouterr().err
    assert {entry["state"] for entry in json.loads((out / "run.json").read_text(encoding="utf-8"))["stages"]} == {
        "reused"
    }
    found = {name: content for name, content in outputs(again.folder).items() if not name.startswith(FOLDER)}
    assert found == outputs(unbroken.folder)
    assert again.files == unbroken.files
    assert len(list((out / FOLDER).iterdir())) == 4, "three values and a workspace are left on request"


def test_fresh_drops_what_was_kept(desk: Desk) -> None:
    desk.begin("x")
    desk.stage(field)()
    stages.prepare(desk.out, desk.partial, PARAMETERS, ("a",), fresh=True)
    assert desk.stage(field)().identical(field())
    assert desk.states() == ["kept", "kept"]


def test_a_stage_that_displays_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    hooks: list = []
    publisher = SimpleNamespace(register_hook=hooks.append, unregister_hook=hooks.remove)
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(display_pub=publisher))
    desk.begin("x")
    with pytest.raises(InputError, match="displays something"):
        desk.stage(lambda: hooks[0]({"msg_type": "display_data"}) and 1)()
    assert hooks == []
    assert desk.stage(lambda: 1)() == 1


def test_names_of_the_runner_are_no_parameters() -> None:
    import inspect

    from musyq_lab.production.parameters import RESERVED

    own = {p.name for p in inspect.signature(run.run_recipe).parameters.values()} - {"parameters"}
    assert own == RESERVED
