"""Memory of a composite follows the chunk, not the tile."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
CHUNK, LOOKS = 200, 30


def peaks(*sizes: int) -> list[float]:
    """Peak memory (GB) of one process after composites of generated tiles, one after the other, on two threads."""
    calls = "; ".join(f"composite.tile({size}, {LOOKS}, {CHUNK}, 'mean')" for size in sizes)
    words = [sys.executable, "-c", f"import composite; {calls}"]
    text = subprocess.run(words, capture_output=True, text=True, check=True, cwd=FOLDER).stdout
    return [float(number) for number in re.findall(r"peak memory ([\d.]+) GB", text)]


@pytest.mark.slow
def test_a_tile_of_nine_chunks_takes_little_more_than_one_of_four():
    """Two threads hold two chunks of 200 x 200 pixels x 30 looks x 34 bytes (0.08 GB) and what is made of them."""
    four, nine = peaks(2 * CHUNK, 3 * CHUNK)
    assert nine < 1.5  # what a tile of 3600 x 3600 may take
    assert nine < four + 0.3
