"""Derive the atmosphere tables that ship with MuSyQ Lab from runs of 6S.

Usage: ``python catalogs/atmosphere/derive.py [--work FOLDER] [--workers 2]``
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import runs  # noqa: E402


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("atmosphere-runs"))
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    runs.run_all(chosen.work, chosen.workers)


if __name__ == "__main__":
    main()
