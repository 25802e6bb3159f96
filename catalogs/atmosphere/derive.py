"""Derive the atmosphere tables that ship with MuSyQ Lab from runs of 6S, and measure their error.

Usage: ``python catalogs/atmosphere/derive.py [runs] [table] [accuracy] [--work FOLDER] [--workers N]``

With no step named, all three follow one another:

- ``runs``: the runs of 6S 1.1 that are not yet in the work folder (``--work``, by default ``atmosphere-runs`` in the
  folder for temporary files); it can be stopped and started again at any time. About 15 minutes on two free cores.
- ``table``: ``atmosphere.nc`` from the answers, the same bytes from the same answers. About a minute.
- ``accuracy``: ``accuracy.csv``, tables beside direct runs of 6S over the bands of seven sensors.

It needs the executable of 6S: ``pip install 'musyq-lab[lut]'``. What the table holds and how it is used is told in
``musyq_lab/standard/_atmosphere_band.py`` and ``musyq_lab/kernels/atmosphere.py``; the choice of nodes in ``runs.py``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # so that the script also runs when imported by a test

import accuracy
import runs
import tables

HERE = Path(__file__).resolve().parent
STEPS = ("runs", "table", "accuracy")


def main() -> None:
    """Do the steps that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="*", help=", ".join(STEPS))
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "atmosphere-runs")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE)
    chosen = parser.parse_args()
    steps = chosen.steps or STEPS
    if not set(steps) <= set(STEPS):
        parser.error(f"the steps are {', '.join(STEPS)}")
    if "runs" in steps:
        runs.run_all(chosen.work, chosen.workers)
    if "table" in steps:
        path = chosen.out / "atmosphere.nc"
        tables.write(tables.assemble(chosen.work), path)
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")
    if "accuracy" in steps:
        accuracy.compare(chosen.work, chosen.workers, chosen.out / "accuracy.csv")


if __name__ == "__main__":
    main()
