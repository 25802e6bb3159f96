"""kill -9 at random moments of staged runs, of values being kept and of sweeps: nothing wrong, little done twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def kill(kind: str, folder: Path, kills: int, seed: int) -> dict:
    script = Path(__file__).with_name("kill_stages.py")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(script), kind, str(folder), str(kills), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=580, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def check(seen: dict, kills: int) -> None:
    assert seen["faults"] == []
    assert seen["failed"] == 0, "a run after a kill must be able to start"
    assert seen["killed"] + seen["ended"] == kills
    assert seen["killed"] >= kills / 2, "too few kills hit a living run"
    assert seen["same"], "the rerun leaves the same files and nothing hidden"


def check_staged(seen: dict, kills: int) -> None:
    check(seen, kills)
    assert seen["different"] == ["run.json"]
    assert 3 <= seen["worked"] <= seen["allowed"], "a kill costs at most one stage"


def test_forty_kills_while_values_are_kept(tmp_path: Path) -> None:
    seen = kill("keeping", tmp_path / "kept", 40, 3)
    assert seen["faults"] == []
    assert seen["killed"] == 40
    assert seen["whole"] >= 40
    assert seen["drafts"] >= 5, "some kills must fall into the writing"


def test_a_few_kills_of_staged_runs(tmp_path: Path) -> None:
    check_staged(kill("staged", tmp_path, 2, 4), 2)


@pytest.mark.slow
def test_many_kills_of_staged_runs(tmp_path: Path) -> None:
    check_staged(kill("staged", tmp_path, 12, 6), 12)


def check_sweeps(seen: dict, kills: int) -> None:
    check(seen, kills)
    assert seen["different"] == []


@pytest.mark.slow
def test_two_kills_of_sweeps(tmp_path: Path) -> None:
    """The sweep alone, whose processes must end by themselves, then all of them at once."""
    check_sweeps(kill("sweeps", tmp_path, 2, 7), 2)
