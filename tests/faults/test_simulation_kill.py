"""kill -9 at random moments of a simulation: what has its name is whole, and the rerun ends as an unbroken run does."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_six_kills(tmp_path: Path) -> None:
    script = Path(__file__).with_name("kill_simulation.py")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(script), str(tmp_path), "6", "4"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["faults"] == []
    assert seen["codes"].count(-signal.SIGKILL) >= 4, "too few kills hit a living run"
    assert set(seen["codes"]) <= {0, -signal.SIGKILL}, "a run after a kill must be able to start"
    assert seen["codes"][3] == seen["codes"][-1] == 0
    assert seen["different"] == []
    assert seen["left"] == []
    assert seen["again"], "the same settings give the same bytes"
    assert seen["files"] > 20
