import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from musyq_lab.cli import app
from musyq_lab.core.attributes import package_version

TINY = str(Path(__file__).parent / "production" / "recipes" / "tiny.yml")
HEAVY = ("numba", "dask", "xarray", "pandas", "panel", "intake", "satpy", "papermill", "matplotlib", "pvlib", "scipy")


def musyq(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "COLUMNS": "200"}
    command = [sys.executable, "-m", "musyq_lab.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=300, check=False)


def invoke(*words: str):
    return CliRunner().invoke(app, list(words))


def test_help_names_every_command() -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    assert all(f"  {name} " in result.output for name in ("list", "run", "serve", "cite", "doctor"))
    assert "solar_potential" in result.output


def test_help_is_quick_and_light() -> None:
    code = (
        "import sys, musyq_lab.cli as c\n"
        "sys.argv = ['musyq', '--help']\n"
        "try:\n    c.main()\nexcept SystemExit:\n    pass\n"
        f"sys.stderr.write(','.join(sorted(set({HEAVY!r}) & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        assert musyq("--help").returncode == 0
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1.0


def test_version() -> None:
    assert invoke("--version").output == f"musyq-lab {package_version()}\n"


def test_regions_are_listed_in_both_languages() -> None:
    lines = [line.split("\t") for line in invoke("list", "regions").output.splitlines()]
    keys = {"west_asia", "south_asia", "east_asia", "southeast_asia", "central_asia", "russia", "oceania", "europe"}
    assert keys | {"north_africa", "south_africa", "belt_and_road"} == {line[0] for line in lines[1:]}
    assert ["east_asia", "East Asia", "东亚"] in [line[:3] for line in lines]


@pytest.mark.parametrize(
    ("what", "entry"),
    [
        ("products", "vi\t"),
        ("sensors", "landsat_oli\tLandsat OLI/TIRS\tLandsat-8, Landsat-9\t"),
        ("catalog", "ghi_merra2_monthly\t"),
        ("recipes", "recipe\t"),
    ],
)
def test_lists(what: str, entry: str) -> None:
    result = invoke("list", what)
    assert result.exit_code == 0
    assert entry in result.output


def test_an_unknown_list_is_wrong_use() -> None:
    assert invoke("list", "wishes").exit_code == 2
    assert invoke("dance").exit_code == 2


def test_a_run_prints_the_summary_and_where_things_are(tmp_path: Path) -> None:
    done = musyq("run", TINY, "-p", "count=2", "--parameter", "tags=c,a", "-p", "label=none", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("sum of squares 5, factor 1.5\n")
    assert str(tmp_path / "musyq-output" / "tiny") in done.stdout
    assert "[4/6] Compute" in done.stderr
    assert (tmp_path / "musyq-output" / "tiny" / "tables" / "total.csv").is_file()
    cited = musyq("cite", "musyq-output/tiny/figures", cwd=tmp_path)
    assert cited.stdout.startswith("How to cite\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "solar_potental_"], "There is no recipe 'solar_potental_'."),
        (["run", TINY, "-p", "count=many"], "Parameter 'count' needs a whole number from 1 to 9, got 'many' (str)"),
        (["run", TINY, "-p", "cuont=2"], "Recipe 'tiny' has no parameter 'cuont'. Did you mean 'count'?"),
        (["run", TINY, "-p", "count"], "Parameter 'count' needs the form name=value"),
        (["run", TINY, "-p", "data=absent.nc"], "there is no file 'absent.nc'"),
        (["run", TINY, "-p", "region=atlantis"], "atlantis"),
        (["run", TINY, "--out", "/proc/x"], "Choose another folder"),
        (["run", "absent/mine.yml"], "there is no file"),
        (["cite", "nothing_of_that_name"], "There is no recipe 'nothing_of_that_name'."),
        (["cite", "."], "holds no citation.txt"),
    ],
)
def test_an_error_is_one_plain_message(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke(*words)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["run", TINY, "-p", "count=many"], ["cite", "."]], ids=["run", "cite"])
def test_a_process_says_no_more_than_the_command(words: list[str], tmp_path: Path) -> None:
    done = musyq(*words, cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_failing_cell_is_told_without_its_traceback(tmp_path: Path) -> None:
    done = musyq("run", TINY, "-p", "fault=ours", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "The irradiance is in MJ, W m-2 was expected. Convert it first"
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback_and_keeps_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = musyq("run", TINY, "-p", "fault=bug", "--debug", "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    (kept,) = tmp_path.glob("musyq-tiny-failed-*")
    assert f"kept in {kept}" in done.stderr
    assert not (tmp_path / "out").exists()


def test_parameters_are_shown() -> None:
    result = invoke("run", TINY, "--parameters")
    assert result.exit_code == 0
    assert "count\ta whole number from 1 to 9\t3\tHow many squares" in result.output


def test_what_should_not_happen_says_how_to_see_more(monkeypatch: pytest.MonkeyPatch) -> None:
    from musyq_lab.production import recipes

    def broken(name: str) -> None:
        raise KeyError("inner")

    monkeypatch.setattr(recipes, "find_recipe", broken)
    result = invoke("run", "x")
    assert result.exit_code == 1
    assert "KeyError: 'inner'" in result.output
    assert "`musyq --debug ...` shows where" in result.output
    assert "Traceback" in invoke("--debug", "run", "x").output


def test_an_interruption_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from musyq_lab.production import run

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "run_recipe", stopped)
    result = invoke("run", TINY)
    assert result.exit_code == 130
    assert "Stopped." in result.output


def test_doctor_counts_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    from musyq_lab.production import doctor

    sound = doctor.Check("a", True, "fine", "nothing")
    monkeypatch.setattr(doctor, "examine", lambda: iter([sound]))
    assert invoke("doctor").exit_code == 0
    monkeypatch.setattr(doctor, "examine", lambda: iter([sound, doctor.Check("b", False, "torn", "mend it")]))
    result = invoke("doctor")
    assert result.exit_code == 1
    assert "b\tFAULT\ttorn\tmend it" in result.output
    assert "1 of 2 checks failed" in result.output


def test_help_of_simulate_names_its_choices() -> None:
    result = invoke("simulate", "--help")
    assert result.exit_code == 0
    assert all(f"--{name}" in result.output for name in ("place", "start", "days", "sensor", "size", "seed", "members"))
    assert "LONGITUDE,LATITUDE" in result.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--days", "0"], "days=0: expected a whole number from 1 to 400"),
        (["--sensor", "landsat_ol"], "'landsat_ol' cannot be simulated. Choose among landsat_oli,"),
        (["--sensor", "s3_olci"], "reads 's3_olci', but cannot write its files"),
        (["--size", "0.1"], "3 cells across; it needs at least 8"),
        (["--size", "nan"], "size=nan: expected a number"),
        (["--place", "globe", "--sensor", "himawari_ahi"], "Choose a station or a point"),
        (["--place", "10,99"], "-90 to 90 north"),
        (["--place", "huailei"], "Did you mean 'huailai'?"),
        (["--place", "1,2,3"], "Any place on Earth works as (longitude, latitude)"),
        (["--start", "soon"], "'soon' is no time"),
        (["--members", "mine"], "expected one of training, scored"),
    ],
)
def test_a_simulation_that_makes_no_sense_is_refused_in_one_line(
    words: list[str], message: str, tmp_path: Path
) -> None:
    result = invoke("simulate", str(tmp_path / "s"), *words)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "s").exists()


def test_a_simulation_spares_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    result = invoke("simulate", str(tmp_path), "--size", "1")
    assert result.exit_code == 1
    assert "is not empty and holds no simulation" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_simulation_prints_its_table_and_shows_progress(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    words = ["simulate", str(folder), "--size", "0.6", "--days", "1", "--sensor", "landsat_oli", "--place", "0,51.5"]
    result = invoke(*words)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "sensor\tgranules\tfirst\tlast"
    assert lines[1].startswith("landsat_oli\t")
    assert lines[-1] == str(folder)
    assert "Writing the truth: 100 %" in result.stderr
    assert (folder / "catalog.yml").is_file()


def test_serve_passes_choices_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import types

    calls = []
    module = types.ModuleType("serve")
    module.serve = lambda *given, **options: calls.append((given, options))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "musyq_lab.dashboards.serve", module)
    told = ("--port", "5099", "--no-open", "--origin", "a.example:443", "--sessions", "9", "--upload", "1 MB")
    assert invoke("serve", str(tmp_path), *told).exit_code == 0
    ((port, show, folders, address), options) = calls[0]
    assert (port, show, folders, address) == (5099, False, [tmp_path], "127.0.0.1")
    safety = options["safety"]
    assert (safety.origins, safety.sessions, safety.upload) == (("a.example:443",), 9, "1 MB")
    assert invoke("serve", "--port", "70000").exit_code == 2


def test_serve_refuses_settings_that_contradict_each_other(tmp_path: Path) -> None:
    result = invoke("serve", "--basic-auth", str(tmp_path / "names.json"), "--oauth", "github", "--no-open")
    assert result.exit_code == 1
    assert "not both" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_leaves_no_file_and_no_process(number: signal.Signals, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-m", "musyq_lab.cli", "run", TINY, "-p", "fault=slow", "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stderr is not None
        while "Compute" not in running.stderr.readline():
            pass
        time.sleep(0.3)
        running.send_signal(number)
        said = running.stderr.read()
        code = running.wait(timeout=60)
    if number == signal.SIGINT:
        assert code == 130
        assert said.strip().splitlines()[-1] == "Stopped. Nothing half-made is left."
        assert list(tmp_path.iterdir()) == []
    else:
        assert code == -signal.SIGKILL
        assert all(path.name.startswith(".musyq-") for path in (tmp_path / "out").iterdir())
    deadline = time.monotonic() + 20  # the notebook's process looks once a second whether its parent lives
    while (left := kernels_in(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == []


def kernels_in(folder: Path) -> list[str]:
    """Return the processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            place = (process / "cwd").readlink()
        except OSError:
            continue
        if place.is_relative_to(folder):
            found.append(process.name)
    return found


def test_exercises_are_listed() -> None:
    lines = invoke("workshop", "exercises").stdout.splitlines()
    assert lines[0] == "exercise\tnotebook\tquestion\tanswer in"
    assert any(line.startswith("lai-1\t40_vegetation\t") for line in lines)


def test_a_workshop_says_what_it_would_fetch(tmp_path: Path) -> None:
    result = invoke("workshop", "pack", str(tmp_path / "new"), "--dry-run")
    assert result.exit_code == 0
    assert "wheels to fetch" in result.stdout
    assert not (tmp_path / "new").exists()


def test_a_workshop_does_not_fill_a_folder_of_others(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    result = invoke("workshop", "pack", str(tmp_path), "--dry-run")
    assert result.exit_code == 1
    assert "no workshop folder" in result.stderr
