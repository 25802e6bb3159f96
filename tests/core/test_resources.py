"""Shipped files: found beside the package and in the wheel, and nothing else is."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from musyq_lab.core.errors import NotFoundError
from musyq_lab.core.resources import read_table, resource

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("catalogs", "recipes", "notebooks")


def shipped():
    return sorted(
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)
    )


def test_every_shipped_file_is_found():
    names = shipped()
    assert "catalogs/regions.yml" in names
    for name in names:
        assert resource(name).read_bytes() == (ROOT / name).read_bytes()


def test_folders_are_found():
    assert (resource("catalogs") / "regions.yml").is_file()
    assert resource("catalogs/samples/").is_dir()


@pytest.mark.parametrize("name", ["catalogs/nothing.yml", "recipes/none.ipynb"])
def test_a_missing_file_says_what_to_do(name):
    with pytest.raises(NotFoundError, match=f"lacks '{name}'.*Reinstall"):
        resource(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "/",
        "/etc/passwd",
        "../pyproject.toml",
        "catalogs/../pyproject.toml",
        "recipes/../../etc/passwd",
        "pyproject.toml",
        "musyq_lab/__init__.py",
        "numpy",
        "catalogs\x00/regions.yml",
        "~/catalogs",
        "Catalogs/regions.yml",
        "\\catalogs\\regions.yml",
        "file:///etc/passwd",
    ],
)
def test_nothing_else_is_found(name):
    with pytest.raises(NotFoundError, match="does not ship with musyq-lab"):
        resource(name)


def test_the_installed_copy_comes_first(tmp_path, monkeypatch):
    for folder in ("first", "second"):
        (tmp_path / folder / "catalogs").mkdir(parents=True)
        (tmp_path / folder / "catalogs" / "x.yml").write_text(folder)
    monkeypatch.setattr("musyq_lab.core.resources._ROOTS", (tmp_path / "first", tmp_path / "second"))
    assert resource("catalogs/x.yml").read_text() == "first"


@pytest.mark.slow
def test_the_wheel_holds_and_finds_every_shipped_file(tmp_path):
    pytest.importorskip("build", reason="the `build` package makes the wheel")
    pytest.importorskip("hatchling", reason="builds without isolation")
    tree = tmp_path / "tree"
    ignore = shutil.ignore_patterns("__pycache__", ".*", "tests", "benchmarks")
    shutil.copytree(ROOT, tree, ignore=ignore)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist"), str(tree)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
        names = archive.namelist()
    names_of_data = {f"musyq_lab/_data/{name}" for name in shipped()}
    assert names_of_data <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "catalogs/")) or "__pycache__" in name]
    code = (
        "import sys; from musyq_lab.core.resources import resource\n"
        "import musyq_lab\n"
        f"assert musyq_lab.__file__.startswith({str(tmp_path)!r}), musyq_lab.__file__\n"
        "print(*(resource(name) for name in sys.argv[1:]), sep='\\n')"
    )
    found = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n{code}", *shipped()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert all(line.startswith(str(tmp_path / "site" / "musyq_lab" / "_data")) for line in found.stdout.splitlines())


def test_a_table_is_rows_by_name_without_its_comments():
    name = "catalogs/albedo/narrow_to_broad.csv"
    lines = [line for line in resource(name).read_text("utf-8").splitlines() if not line.startswith("#")]
    rows = read_table(name)
    assert resource(name).read_text("utf-8").startswith("#")
    assert len(rows) == len(lines) - 1
    assert [",".join(row) for row in rows] == [lines[0]] * len(rows)
    assert list(rows[0].values()) == lines[1].split(",")


def test_a_table_that_does_not_ship_is_told():
    with pytest.raises(NotFoundError, match=r"catalogs/none\.csv"):
        read_table("catalogs/none.csv")
