"""Real granules for tests, where they are at hand: a folder beside the project, never part of it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3] / "shared" / "data"


def shared(name: str) -> Path:
    """Return the path of a file or folder of the shared test data, or skip the test with the reason."""
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"needs the real data {name}, which are not beside this checkout")
    return path
