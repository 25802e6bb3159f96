"""What tasks cost: memory and processor time as linear functions of the pixels, cells and looks they handle.

The coefficients follow from the peak of the resident memory and the processor time of single tasks, as
``benchmarks/forecast.py`` measures them: standardized scenes of five sensors on 48, 160,000 and 1,000,000 cells, and
a composite of nine looks and four products on 48 cells. Those of composites and products on many cells are what their
arrays take, counted and not measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MB = 1e6

IMPORTED = 150 * MB
"""Resident memory of a process that has imported what a production needs."""
COMPILED = 60 * MB
"""Memory of the compiler itself, once anything is compiled."""
MOST_SOURCE = 60 * MB
"""Decoded bytes of a source that are at work at once at most: a larger one is read in blocks. MODIS of 220 MB took no
more than OLI of 58 MB; granules of gigabytes were not measured."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a task handles."""

    cells: int = 0
    """Cells of its grid."""
    source: float = 0.0
    """Decoded bytes of the granule, or of the layers in stock, that it reads."""
    looks: int = 0
    """Scenes."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Coefficients of one kind of task."""

    compiled: float
    """Bytes that a process keeps of it: compiled code and tables, once a process."""
    compiling: float
    """Processor seconds for that, once a process."""
    base: float
    """Bytes at work, whatever the size."""
    source: float
    """Bytes a decoded byte of the source."""
    cell: float
    """Bytes a cell."""
    look: float
    """Bytes a cell and look."""
    seconds: float
    """Processor seconds, whatever the size."""
    seconds_source: float
    """Processor seconds a decoded megabyte of the source."""
    seconds_cell: float
    """Processor seconds a million cells."""
    seconds_look: float
    """Processor seconds a look, and a million cells of it."""

    def memory(self, size: Size) -> float:
        """Return the bytes that a task takes while it runs, beyond what its process keeps."""
        source = self.source * min(size.source, MOST_SOURCE)
        return self.base + source + self.cell * size.cells + self.look * size.cells * size.looks

    def time(self, size: Size) -> float:
        """Return the processor seconds of a task in a process that has compiled what it needs."""
        million = size.cells / 1e6
        looks = self.seconds_look * size.looks * (1.0 + million)
        return self.seconds + self.seconds_source * size.source / MB + self.seconds_cell * million + looks


COSTS: Mapping[str, Cost] = {
    "standardize": Cost(430 * MB, 28.0, 20 * MB, 6.0, 250.0, 0.0, 2.0, 0.2, 10.0, 0.0),
    "composite": Cost(20 * MB, 9.0, 20 * MB, 0.0, 400.0, 130.0, 1.5, 0.0, 5.0, 0.15),
    "retrieve": Cost(15 * MB, 2.0, 10 * MB, 2.0, 100.0, 0.0, 2.3, 0.02, 2.0, 0.0),
}
"""Maker -> what it costs."""
OTHER = COSTS["retrieve"]
"""Of makers that are not listed: something is better than nothing, and the forecast says that it is a guess."""


def cost_of(maker: str) -> Cost:
    """Return the coefficients of a maker."""
    return COSTS.get(maker, OTHER)
