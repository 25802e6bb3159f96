import csv
import json
import logging
import shutil
from pathlib import Path

import pytest

from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError, RecipeError
from musyq_lab.production import run as run_module
from musyq_lab.production.recipes import Recipe, load_recipe
from musyq_lab.production.run import RecipeResult, run_recipe
from musyq_lab.production.staging import result_folder


def refuse_to_run(*_: object, **__: object) -> None:
    pytest.fail("nothing may run")


@pytest.fixture
def edited(tiny: Recipe, tmp_path: Path):
    """Return a function that makes a copy of the tiny recipe with one text replaced in its notebook."""

    def edit(old: str, new: str) -> Recipe:
        shutil.copy(tiny.description, tmp_path)
        text = tiny.notebook.read_text(encoding="utf-8")
        assert old in text
        (tmp_path / "tiny.ipynb").write_text(text.replace(old, new), encoding="utf-8")
        return load_recipe(tmp_path / "tiny.yml")

    return edit


def test_a_run_leaves_what_it_promises(finished: RecipeResult) -> None:
    on_disk = {p.relative_to(finished.folder).as_posix() for p in finished.folder.rglob("*") if p.is_file()}
    assert on_disk == set(finished.files)
    assert {"tiny.ipynb", "tiny.html", "summary.txt", "citation.txt", "provenance.json", "run.json"} < on_disk
    assert finished.figures == ("figures/square.svg",)
    assert [p.name for p in finished.tables] == ["part1.csv", "part2.csv", "part3.csv", "total.csv"]
    with (finished.folder / "tables" / "total.csv").open(encoding="utf-8") as handle:
        assert list(csv.reader(handle)) == [["run", "1.5"], ["total", "14"]]


def test_the_result_shows_itself(finished: RecipeResult) -> None:
    assert str(finished).startswith("sum of squares 14, factor 1.5\n")
    assert str(finished.folder) in str(finished)
    assert "tables/total.csv" in finished._repr_html_()
    assert finished.notebook.is_file()
    assert finished.html.is_file()
    assert "How to cite" in finished.citation
    assert finished.provenance.content["activity"]["musyq:run"]["musyq:recipe"] == "tiny"


def test_time_and_memory_are_measured(finished: RecipeResult) -> None:
    run_part = json.loads((finished.folder / "run.json").read_text(encoding="utf-8"))
    assert run_part["wall_seconds"] > sum(run_part["cell_seconds"]) >= 0
    assert len(run_part["cell_seconds"]) == 6
    assert 20e6 < run_part["peak_memory_bytes"] < 2e9
    assert run_part["libraries"]["papermill"]


def test_the_notebook_is_clean(finished: RecipeResult) -> None:
    text = finished.notebook.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert "papermill" not in notebook["metadata"]
    assert str(finished.folder) not in text
    assert "Squares: 33 %" not in text
    assert "input: shipped" in text
    injected = [c for c in notebook["cells"] if "injected-parameters" in c["metadata"].get("tags", [])]
    assert 'out = "."' in "".join(injected[0]["source"])


@pytest.mark.parametrize(
    ("parameters", "kind", "message"),
    [
        ({"cuont": 2}, InputError, "Did you mean 'count'"),
        ({"count": "2"}, InputError, "whole number"),
        ({"count": 10}, InputError, "out of range"),
        ({"language": "de"}, InputError, "one of en, zh"),
        ({"data": "absent.nc"}, NotFoundError, "no file"),
        ({"data": "."}, InputError, "folder"),
        ({"region": "atlantis"}, NotFoundError, "atlantis"),
        ({"tags": ["z"]}, InputError, "tags"),
        ({"strict": "yes"}, InputError, "true or false"),
    ],
)
def test_bad_parameters_stop_before_anything_runs(
    tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parameters: dict, kind: type, message: str
) -> None:
    monkeypatch.setattr(run_module, "execute", refuse_to_run)
    with pytest.raises(kind, match=message):
        run_recipe(tiny, out=tmp_path / "out", progress=False, **parameters)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", ["", "a\0b", 3])
def test_an_impossible_folder_is_refused(tiny: Recipe, monkeypatch: pytest.MonkeyPatch, out: object) -> None:
    monkeypatch.setattr(run_module, "execute", refuse_to_run)
    with pytest.raises(InputError, match="out needs"):
        run_recipe(tiny, out=out, progress=False)  # type: ignore[arg-type]


def test_a_folder_with_own_files_is_refused_before_the_work(
    tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "execute", refuse_to_run)
    (tmp_path / "summary.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"summary\.txt"):
        run_recipe(tiny, out=tmp_path, progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["summary.txt"]


def test_an_unwritable_folder_is_refused_before_the_work(tiny: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "execute", refuse_to_run)
    with pytest.raises(ArchiveError, match="Choose another folder"):
        run_recipe(tiny, out="/proc/musyq", progress=False)


def test_a_second_run_into_the_folder_is_refused(tiny: Recipe, tmp_path: Path) -> None:
    with result_folder(tmp_path), pytest.raises(RecipeError, match="Another run"):
        run_recipe(tiny, out=tmp_path, progress=False)


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("ours", InputError, r"^The irradiance is in MJ, W m-2 was expected\. Convert it first$"),
        ("bug", RecipeError, r"^The recipe stopped under 'Compute': ZeroDivisionError: division by zero$"),
        ("dead", RecipeError, "ended without a word"),
        ("broken promise", RecipeError, r"did not make 'tables/total\.csv'"),
        ("link", RecipeError, "link"),
    ],
)
def test_a_failing_recipe_is_told_in_words_and_leaves_nothing(
    tiny: Recipe, tmp_path: Path, fault: str, kind: type, message: str
) -> None:
    with pytest.raises(kind, match=message):
        run_recipe(tiny, out=tmp_path / "out", progress=False, fault=fault)
    assert list(tmp_path.iterdir()) == []


def test_a_failing_rerun_keeps_the_former_result(tiny: Recipe, finished: RecipeResult, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    shutil.copytree(finished.folder, out)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    with pytest.raises(RecipeError):
        run_recipe(tiny, out=out, progress=False, fault="bug")
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before


def test_debug_keeps_the_failed_notebook_and_says_where(
    tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(RecipeError, match="kept in") as caught:
        run_recipe(tiny, out=tmp_path / "out", progress=False, debug=True, fault="bug")
    kept = Path(str(caught.value).rpartition("kept in ")[2])
    assert kept.parent == tmp_path
    assert "ZeroDivisionError" in (kept / "tiny.ipynb").read_text(encoding="utf-8")
    assert "ZeroDivisionError" in (kept / "traceback.txt").read_text(encoding="utf-8")
    assert not (tmp_path / "out").exists()


def test_an_input_that_changes_during_the_run_is_refused(edited, tmp_path: Path) -> None:
    data = tmp_path / "data.nc"
    data.write_bytes(b"before")
    recipe = edited("total = 0\\n", "total = 0\\nPath(data).write_bytes(b'afterwards')\\n")
    with pytest.raises(RecipeError, match="regions changed while the recipe ran"):
        run_recipe(recipe, out=tmp_path / "out", progress=False, data=data)
    assert not (tmp_path / "out").exists()


def test_braces_in_paths_mean_themselves(tiny: Recipe, tmp_path: Path) -> None:
    result = run_recipe(tiny, out=tmp_path / "{count} {}", progress=False, count=1)
    assert result.folder.name == "{count} {}"
    assert result.summary == "sum of squares 1, factor 1.5\n"


def test_progress_lines_name_the_steps_and_the_share_of_long_cells(
    tiny: Recipe, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        run_recipe(tiny, out=tmp_path / "out", count=2)
    seen = capfd.readouterr()
    assert "[4/6] Compute\n        Squares: 50 %\n        Squares: 100 %\n[5/6] Write\n" in seen.err
    assert seen.out == ""
    assert "encryption" not in seen.err
    assert "debugger" not in seen.err.lower()


def test_the_kernel_is_this_python_whatever_is_registered(
    edited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    spec = tmp_path / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = ["/bin/false", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "x", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    recipe = edited("total = 0\\n", "total = 0\\nimport sys; print(sys.executable)\\n")
    result = run_recipe(recipe, out=tmp_path / "out", progress=False)
    assert sys.executable in result.notebook.read_text(encoding="utf-8")


def test_the_callers_working_directory_is_left_alone(
    tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run_recipe(tiny, progress=False)
    assert Path.cwd() == tmp_path
    assert result.folder == tmp_path / "musyq-output" / "tiny"


def test_run_records_of_products_are_listed_without_a_checksum(edited, tmp_path: Path) -> None:
    recipe = edited("total = 0\\n", "total = 0\\n(folder / 'a.h5.run.json').write_text('{}')\\n")
    result = run_recipe(recipe, out=tmp_path / "out", progress=False)
    outputs = {e["musyq:file"]: e.get("musyq:sha256") for e in result.provenance.entities("output")}
    assert outputs["a.h5.run.json"] is None, "it holds wall times, which would make every record different"
    assert outputs["run.json"] is None
    assert len(outputs["summary.txt"]) == 64
