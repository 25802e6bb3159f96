"""Shared by all benchmarks: peers alternate in one process, medians, ratios against stated goals.

Absolute numbers move with the load of the machine; ratios of things that alternate in one process hardly do. The copy
bandwidth is measured in the same rounds as the kernels that are compared with it. A benchmark never fails: it prints.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

Job = Callable[[], object]


@dataclass
class Timing:
    """Seconds of each round of one job."""

    wall: list[float] = field(default_factory=list)
    """Elapsed time."""
    cpu: list[float] = field(default_factory=list)
    """Processor time of the whole process."""

    def seconds(self) -> tuple[float, float]:
        """Median elapsed and processor seconds."""
        return statistics.median(self.wall), statistics.median(self.cpu)


def alternate(jobs: dict[str, Job], rounds: int = 9, repeat: dict[str, int] | None = None) -> dict[str, Timing]:
    """Run every job once to warm up, then ``rounds`` times in turn; ``repeat`` loops over short jobs."""
    times = {name: Timing() for name in jobs}
    for job in jobs.values():
        job()
    for _ in range(rounds):
        for name, job in jobs.items():
            count = (repeat or {}).get(name, 1)
            cpu, wall = time.process_time(), time.perf_counter()
            for _ in range(count):
                job()
            times[name].wall.append((time.perf_counter() - wall) / count)
            times[name].cpu.append((time.process_time() - cpu) / count)
    return times


def copy_job(size_bytes: int = 1 << 28) -> tuple[Job, int]:
    """Copy between two touched buffers, and the bytes that it moves (read plus written)."""
    source = np.ones(size_bytes // 8)
    target = np.zeros_like(source)
    return lambda: np.copyto(target, source), 2 * source.nbytes


def table(title: str, head: list[str], rows: list[list[object]]) -> None:
    """Print aligned columns."""
    texts = [head, *[[f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[k]) for row in texts) for k in range(len(head))]
    print(f"\n{title}")
    for row in texts:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def verdict(value: float, goal: float) -> str:
    """Ratio and goal in words."""
    return f"{value:.2f} (goal {goal:g}: {'met' if value >= goal else 'NOT met'})"
