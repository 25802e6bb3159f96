"""The Binder folder: pins that follow pyproject.toml, and what repo2docker makes of it (no docker needed)."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import musyq_lab as ml

ROOT = Path(__file__).resolve().parents[1]
BINDER = ROOT / "binder"


def pins() -> set[str]:
    lines = (BINDER / "requirements.txt").read_text("utf-8").splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def exported() -> dict[str, str]:
    """Return the variables of a session of Binder, as its own script sets them."""
    shown = subprocess.run([str(BINDER / "start"), "env", "-0"], check=True, capture_output=True, text=True).stdout
    return dict(line.partition("=")[::2] for line in shown.split("\0") if line)


def test_requirements_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert pins() == {*project["dependencies"], *extras["lab"], *extras["lut"]}


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


def test_start_hands_over_and_fits_a_session_to_its_limits():
    """The command that Binder gives must run: pages work without a network, and one CPU and 2 GB are enough."""
    assert {"PANEL_INLINE": "true", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}.items() <= exported().items()


def test_notebooks_are_tested_with_the_variables_of_a_session():
    from notebooks.frame import binder_environment

    assert binder_environment().items() <= exported().items()
    assert len(binder_environment()) == (BINDER / "start").read_text("utf-8").count("export ")


def test_the_package_is_installed_without_its_dependencies():
    assert "pip install --no-cache-dir --no-deps ." in (BINDER / "postBuild").read_text("utf-8")


def test_the_data_that_are_made_ahead_are_small_and_of_known_sensors():
    """The command is one that the package knows, with few cells and one day."""
    (line,) = [row for row in (BINDER / "postBuild").read_text("utf-8").splitlines() if row.startswith("musyq ")]
    words = line.split()
    assert words[1] == "simulate"
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert float(options["--size"]) <= 6
    assert int(options["--days"]) == 1
    sensors = [value for name, value in zip(words[3::2], words[4::2], strict=True) if name == "--sensor"]
    assert set(sensors) <= set(ml.SENSORS)


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
