"""The Binder folder: pins that follow pyproject.toml, and what repo2docker makes of it (no docker needed)."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BINDER = ROOT / "binder"


def pins() -> set[str]:
    lines = (BINDER / "requirements.txt").read_text("utf-8").splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def test_requirements_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert pins() == {*project["dependencies"], *project["optional-dependencies"]["lab"]}


def test_only_lower_bounds_and_no_local_line():
    """A local line would copy the sources before pip runs, and every commit would install everything again."""
    for pin in pins():
        assert ">=" in pin, pin
        bounded = pin.startswith("numba")  # kernels use the inside of its compiler
        assert not any(mark in pin for mark in ("==", "~=", " @ ", "-e", "./")), pin
        assert ("<" in pin) == bounded, pin


def test_python_is_named():
    """Without runtime.txt repo2docker takes 3.10, which this package does not support."""
    assert (BINDER / "runtime.txt").read_text("utf-8").strip() == "python-3.11"


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_scripts_are_executable_and_parse(name):
    script = BINDER / name
    assert os.access(script, os.X_OK)
    assert script.read_text("utf-8").startswith("#!/bin/bash\n")
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_start_hands_over_and_inlines(tmp_path):
    """The command that Binder gives must run, with the variable set that lets a page work without a network."""
    shown = subprocess.run(
        [str(BINDER / "start"), "printenv", "PANEL_INLINE"], check=True, capture_output=True, text=True
    )
    assert shown.stdout.strip() == "true"


def test_the_package_is_installed_without_its_dependencies():
    assert "pip install --no-cache-dir --no-deps ." in (BINDER / "postBuild").read_text("utf-8")


def test_repo2docker_takes_it(tmp_path):
    tool = shutil.which("jupyter-repo2docker") or str(Path(sys.executable).parent / "jupyter-repo2docker")
    if not Path(tool).exists():
        pytest.skip("jupyter-repo2docker is not installed")
    shutil.copytree(BINDER, tmp_path / "binder")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    run = subprocess.run(
        [tool, "--no-build", "--debug", "."], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    text = run.stdout + run.stderr
    assert run.returncode == 0, text[-2000:]
    for expected in ("requirements.txt", "postBuild", "/start", "3.11"):
        assert expected in text
