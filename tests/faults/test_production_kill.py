"""kill -9 of a whole production: nothing incomplete under a final name, at most one task a kill is made twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__)


def killed(folder, kills, seed):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE.parents[1]), *filter(None, sys.path)))}
    command = [sys.executable, str(HERE.with_name("kill_production.py")), str(folder), str(kills), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def check(seen, kills):
    assert seen["killed"] == kills, seen
    assert seen["failed"] == 0, "a run after a kill must be able to start"
    assert seen["faults"] == []
    assert seen["different"] == [], "the rerun ends with the bytes of an unbroken run and nothing hidden"
    assert seen["redone"] <= 1, "a kill costs one task at most"
    assert seen["log"]
    assert seen["untold"] <= kills, "a task that was made is in the log unless a kill came between"


@pytest.mark.slow
def test_a_few_kills(tmp_path):
    check(killed(tmp_path, 5, seed=3), 5)


@pytest.mark.slow
def test_many_kills(tmp_path):
    check(killed(tmp_path, 20, seed=8), 20)
