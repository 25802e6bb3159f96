"""What tasks of a production take, one by one, and the forecast of whole productions beside what they then took.

    python benchmarks/forecast.py [FOLDER]

Each case is a simulated Earth and a grid, in a process of its own whose peak of the resident memory is read from the
kernel (VmHWM) and set back before each task. Cases marked "fit" gave the coefficients of
``musyq_lab/production/chain/_costs.py``; the others did not, and the forecast of their peak should be within 20 %.
Processor seconds are those of the process: they hardly depend on who else uses the machine. Linux only.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from _bench import table

CASES = {
    # name: (edge in km, days, sensors, edition, tasks at once, fit)
    "1 km, small": (6, 5, ("landsat_oli", "gf1_wfv", "modis"), "1km", 1, True),
    "30 m, small": (6, 5, ("landsat_oli", "gf1_wfv"), "30m", 1, False),
    "30 m, middle": (12, 5, ("landsat_oli", "gf1_wfv", "sentinel2_msi"), "30m", 1, True),
    "30 m, large": (30, 1, ("landsat_oli",), "30m", 1, True),
    "1 km, two at once": (12, 5, ("landsat_oli", "modis", "fy3d_mersi2"), "1km", 2, False),
}
PRODUCTS = ("lai", "fpar", "gpp", "npp")
CHILD = """
import json, sys, time
from pathlib import Path
earth, out, edition, jobs, products, sensors = json.loads(sys.argv[1])
from musyq_lab.catalog.stock import take_stock
from musyq_lab.production.chain import pool, produce, work
from musyq_lab.production.chain.forecast import forecast
from musyq_lab.production.chain.plan import make_plan
from musyq_lab.production.chain.report import Report
from musyq_lab.production.chain.runner import runner

def status(name):
    row = next(line for line in open("/proc/self/status") if line.startswith(name))
    return int(row.split()[1]) * 1024

stock = take_stock(earth, sensors=sensors)
plan = make_plan(products, "2019-06-30", stock, edition=edition)
told = forecast(plan, out, jobs=jobs)
rows, peak = [], status("VmHWM")
folder = Path(out)
folder.mkdir(parents=True, exist_ok=True)
run = runner(folder, plan.tasks)
Report(folder, plan, {}).begin()

def measured(task):
    if jobs > 1:
        return run(task)
    open("/proc/self/clear_refs", "w").write("5")
    before, start = status("VmRSS"), time.process_time()
    outcome = run(task)
    written = (folder / task.target).stat().st_size if (folder / task.target).is_file() else 0
    rows.append((task.key, task.maker, outcome.state, before, status("VmHWM"), time.process_time() - start, written))
    return outcome

measured.only = lambda task: measured
start = time.process_time()
states = [outcome.state for outcome in pool.outcomes(plan.tasks, measured, jobs=jobs)]
peak = max([status("VmHWM"), *(row[4] for row in rows)])
taken, seconds = time.process_time() - start, sum(row.seconds for row in told.rows)
written = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
print("RESULT" + json.dumps(
    [plan.tile.cells, states, told.memory, peak, seconds, taken, told.write_bytes, written, rows]
))
"""


def earth(folder: Path, edge: int, days: int, sensors: tuple[str, ...]) -> Path:
    """Return a simulated Earth, made where it is not there yet."""
    target = folder / f"earth-{edge}-{days}-{'-'.join(sensors)}"
    chosen = [word for sensor in sensors for word in ("--sensor", sensor)]
    size = ["--size", str(edge), "--days", str(days)]
    subprocess.run([sys.executable, "-m", "musyq_lab.cli", "simulate", str(target), *size, *chosen], check=True)
    return target


def measure(folder: Path, name: str) -> list:
    """Run a case in a process of its own."""
    edge, days, sensors, edition, jobs, _ = CASES[name]
    place = earth(folder, edge, days, sensors)
    with tempfile.TemporaryDirectory(dir=folder) as out:
        asked = json.dumps([str(place), f"{out}/made", edition, jobs, PRODUCTS, sensors])
        environment = {**os.environ, "MUSYQ_CODE_VERSION": "benchmark"}
        done = subprocess.run(
            [sys.executable, "-c", CHILD, asked], capture_output=True, text=True, check=True, env=environment
        )
    return json.loads(done.stdout.rpartition("RESULT")[2])


def main() -> None:
    """Print what tasks take, and the forecasts."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    whole = []
    for name, case in CASES.items():
        cells, states, memory, peak, seconds, cpu, promised, written, rows = measure(folder, name)
        head = ["task", "state", "MB before", "MB peak", "CPU s", "kB written"]
        table(f"{name}: {cells:,} cells, one task after another", head, [
            [key[:44], state, round(before / 1e6), round(top / 1e6), taken, round(size / 1e3)]
            for key, _, state, before, top, taken, size in rows
        ])  # fmt: skip
        bad = sum(state not in ("made", "kept") for state in states)
        error = f"{100 * (memory / peak - 1):+.0f} %"
        used = "fit" if case[-1] else "not for the fit"
        whole.append([name, used, len(states), bad, round(memory / 1e6), round(peak / 1e6), error, seconds, cpu,
                      round(promised / 1e6, 1), round(written / 1e6, 1)])  # fmt: skip
    head = ["case", "", "tasks", "not made", "MB told", "MB peak", "error", "s told", "CPU s", "MB told", "MB written"]
    table("Forecast and truth (goal: the peak within 20 % where not used for the fit)", head, whole)


if __name__ == "__main__":
    main()
