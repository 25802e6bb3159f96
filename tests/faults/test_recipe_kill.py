"""kill -9 at random moments of a recipe run: no wrong file under a final name, and the rerun completes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def kill_runs(folder: Path, kills: int, seed: int) -> dict:
    script = Path(__file__).with_name("kill_recipe.py")
    root = str(Path(__file__).parents[2])
    command = [sys.executable, str(script), str(folder), str(kills), str(seed)]
    environment = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def check(seen: dict, kills: int) -> None:
    assert seen["faults"] == []
    assert seen["failed"] == 0, "a run after a kill must be able to start"
    assert seen["killed"] + seen["ended"] == kills
    assert seen["killed"] >= kills // 2, "too few kills hit a living run"
    assert seen["files"] == seen["unbroken"], "the rerun leaves the same files and nothing hidden"
    assert seen["different"] == ["run.json"]


def test_a_few_kills(tmp_path: Path) -> None:
    check(kill_runs(tmp_path, kills=6, seed=1), kills=6)


@pytest.mark.slow
def test_many_kills(tmp_path: Path) -> None:
    seen = kill_runs(tmp_path, kills=24, seed=20)
    check(seen, kills=24)
    assert seen["moving"] >= 1, "some kills must fall among the final moves"
