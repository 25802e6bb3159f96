"""The limits that notebooks are tested under hold: memory, processor, network; notebooks run under them elsewhere."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from notebooks.frame import binder_environment, code, execute, printed

from notebooks import limited_kernel

SCRIPT = Path(limited_kernel.__file__)
ASK = """
import json, os, resource, socket, threading
found = {"memory": resource.getrlimit(resource.RLIMIT_AS)[0], "cpus": len(os.sched_getaffinity(0))}
found["network"] = os.environ["MUSYQ_NETWORK"]
def reached(*address):
    try:
        with socket.create_connection(address, timeout=3):
            return "reached"
    except OSError as error:
        return str(error)
found["other"] = reached("192.0.2.1", 80)  # an address that is nobody's (RFC 5737)
found["name"] = reached("example.org", 80)
server = socket.create_server(("127.0.0.1", 0))
found["own"] = reached(*server.getsockname())
try:
    bytearray(2 << 30)
    found["large"] = "given"
except MemoryError:
    found["large"] = "refused"
print("NUMBERS", json.dumps(found))
"""


def limited(*arguments: str) -> dict:
    run = subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=True)
    return json.loads(run.stdout.removeprefix("NUMBERS "))


def holds(found: dict) -> None:
    assert found["memory"] == 2 << 30
    assert found["cpus"] == 1
    assert found["large"] == "refused"
    assert found["network"] in ("none", "refused")
    assert found["own"] == "reached"  # dask's workers talk so
    for other in (found["other"], found["name"]):
        assert other not in ("reached", "timed out"), other


def test_a_script_runs_within_the_limits(tmp_path):
    (tmp_path / "ask.py").write_text(ASK)
    holds(limited(str(tmp_path / "ask.py")))


def test_where_the_network_cannot_be_left_the_interpreter_refuses_others(tmp_path):
    (tmp_path / "ask.py").write_text(ASK)
    start = "import limited_kernel as k, sys; k.leave_network = lambda: False; sys.argv[0] = 'x'; k.main()"
    run = subprocess.run(
        [sys.executable, "-c", start, str(tmp_path / "ask.py")], cwd=SCRIPT.parent, capture_output=True, text=True
    )
    found = json.loads(run.stdout.removeprefix("NUMBERS "))
    holds(found)
    assert found["network"] == "refused"
    assert "no network" in found["other"]


def test_a_module_runs_too():
    run = subprocess.run([sys.executable, str(SCRIPT), "-m", "json.tool", "--help"], capture_output=True, text=True)
    assert run.returncode == 0
    assert "json" in run.stdout


@pytest.mark.slow
def test_a_notebook_runs_within_the_limits_and_with_the_variables_of_binder(tmp_path):
    variables = f"import os\nassert all(os.environ[k] == v for k, v in {binder_environment()!r}.items())"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in (variables, ASK)])
    done = execute(notebook, tmp_path)
    holds(json.loads(printed(code(done)[-1]).removeprefix("NUMBERS ")))
    assert not list(tmp_path.iterdir())
