"""Run notebooks as shipped, as Binder would (2 GB of address space, 1 CPU, no network), and print what each takes.

``python benchmarks/notebooks.py [NAME ...]``; a name may be a part, such as ``40_``. Run it on an idle machine: the
wall time counts, the goal is 3 minutes each.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from notebooks.frame import NOTEBOOKS, code, execute_here, printed, read

GOAL = 180
"""Seconds of wall time, as shipped."""
TAKEN = """
import json, resource
own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print("NUMBERS", json.dumps({
    "CPU (s)": own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime,
    "resident (GB)": int(status["VmHWM"].split()[0]) / 1e6,
    "address space (GB)": int(status["VmPeak"].split()[0]) / 1e6,
    "children, resident (GB)": children.ru_maxrss / 1e6,
}))
"""


def measured(path: Path) -> dict[str, float]:
    """Run one notebook in empty folders and return what it took."""
    notebook = read(path)
    notebook.cells.append(nbformat.v4.new_code_cell(TAKEN))
    with tempfile.TemporaryDirectory() as folder:
        work, scratch = Path(folder) / "work", Path(folder) / "scratch"
        work.mkdir()
        scratch.mkdir()
        started = time.perf_counter()
        done = execute_here(notebook, work, scratch)
        wall = time.perf_counter() - started
    taken: dict[str, float] = json.loads(printed(code(done)[-1]).removeprefix("NUMBERS "))
    return {"wall (s)": wall, **taken}


def main(names: list[str]) -> None:
    """Print a row a notebook."""
    for path in NOTEBOOKS:
        if names and not any(name in path.stem for name in names):
            continue
        row = measured(path)
        numbers = ", ".join(f"{name} {value:.3g}" for name, value in row.items())
        print(f"{path.stem}: {numbers}{'' if row['wall (s)'] <= GOAL else '  ABOVE THE GOAL'}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
