"""Time of ``import musyq_lab`` in fresh processes, beyond a bare python (goal: 50 ms)."""

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 15
CASES = {
    "python": "pass",
    "import musyq_lab": "import musyq_lab",
    "import numpy": "import numpy",
    "numpy + kernels": "import musyq_lab.kernels.solar, musyq_lab.kernels.spectral_index",
}


def run(code: str) -> tuple[float, float]:
    """Elapsed and processor milliseconds of one fresh process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall * 1e3, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def main() -> None:
    """Measure and print."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in CASES}
    for _ in range(ROUNDS):
        for name, code in CASES.items():
            times[name].append(run(code))
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in times.items()}
    for name, (wall, cpu) in medians.items():
        extra = cpu - medians["python"][1]
        print(f"{name:18s} wall {wall:6.1f} ms   CPU {cpu:6.1f} ms   beyond python {extra:6.1f} ms CPU")
    extra = medians["import musyq_lab"][1] - medians["python"][1]
    print(f"import musyq_lab beyond python: {extra:.1f} ms (goal 50: {'met' if extra < 50 else 'NOT met'})")


if __name__ == "__main__":
    main()
