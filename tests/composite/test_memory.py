"""Memory of a composite follows the chunk, not the tile."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "composite.py"
LOOKS, CHUNK = 30, 300


def peak(size: int) -> float:
    """Peak memory (GB) of a process that makes a composite of a generated tile on two threads."""
    words = [sys.executable, str(BENCHMARK), "tile", str(size), str(LOOKS), str(CHUNK)]
    text = subprocess.run(words, capture_output=True, text=True, check=True, cwd=BENCHMARK.parent).stdout
    return float(re.search(r"peak memory ([\d.]+) GB", text)[1])


@pytest.mark.slow
def test_a_tile_of_nine_chunks_takes_little_more_than_one_of_two():
    """Two threads hold two chunks of 300 x 300 pixels x 30 looks of some 30 bytes, and what is made of them."""
    whole = peak(3 * CHUNK)
    assert whole < 1.2
    assert whole < peak(2 * CHUNK) + 0.15
