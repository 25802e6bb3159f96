"""How fast this machine is: by a short trial, or by what an earlier run of the same folder took."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from musyq_lab.production.chain._costs import Size, cost_of
from musyq_lab.production.chain.report import logged

REFERENCE = 0.045
"""Processor seconds of the trial on the machine where the costs were measured."""
FEWEST = 3
"""Tasks of a kind in an earlier run that say more than the trial."""
GAIN = 0.6
"""What a further task at once adds: parts of a task wait for one another, and one alone compiles."""


@dataclass(frozen=True, slots=True)
class Speed:
    """How long tasks take here."""

    factor: float = 1.0
    """Seconds here for one second there."""
    earlier: Mapping[str, float] = field(default_factory=dict)
    """Maker -> median of the seconds that its tasks took in an earlier run."""
    tasks: int = 0
    """Tasks of that run."""

    @property
    def basis(self) -> str:
        """Where the estimate is from, as the end of a sentence."""
        trial = f"from seconds measured elsewhere, times {self.factor:.2g} by a short trial"
        return f"from {self.tasks} tasks in production.log" if self.earlier else trial

    def task(self, maker: str, size: Size) -> float:
        """Return the seconds of a task in a process that has compiled what it needs."""
        return self.earlier.get(maker) or cost_of(maker).time(size) * self.factor

    def start(self, maker: str) -> float:
        """Return the seconds that the first task of a kind takes longer than the others."""
        return cost_of(maker).compiling * self.factor

    def elapsed(self, seconds: float, jobs: int) -> float:
        """Return time on the clock (s) for seconds of tasks one after another, with some of them at once."""
        return seconds / (1.0 + GAIN * (max(jobs, 1) - 1))


def speed(folder: Path | None, makers: Mapping[str, str]) -> Speed:
    """Return how long tasks take here.

    Parameters
    ----------
    folder : Path, optional
        Of a production, whose log tells of an earlier run.
    makers : mapping of str to str
        Key of each task -> its maker.
    """
    taken: dict[str, list[float]] = {}
    for row in logged(folder) if folder else ():
        key, seconds = str(row.get("key")), row.get("seconds")
        if row.get("state") == "made" and key in makers and isinstance(seconds, int | float) and math.isfinite(seconds):
            taken.setdefault(makers[key], []).append(float(seconds))
    told = {maker: statistics.median(seconds) for maker, seconds in taken.items() if len(seconds) >= FEWEST}
    return Speed(trial() / REFERENCE, told, sum(len(taken[maker]) for maker in told))


@lru_cache(maxsize=1)
def trial() -> float:
    """Return the processor seconds of a fixed piece of work, the least of three: others may use the machine too."""
    values = np.linspace(0.1, 1.0, 200_000)
    times = []
    for _ in range(3):
        start = time.process_time()
        for _ in range(5):
            np.sqrt(np.exp(-values) + np.sin(values) ** 2).sum()
        sum(number * number for number in range(200_000))  # most of a task is Python, not arrays
        times.append(time.process_time() - start)
    return max(min(times), 1e-4)
