"""Kills every writer of the package at random moments, two hundred times in all, and prints what was found.

    python tests/faults/kill_everything.py            # some minutes
    python tests/faults/kill_everything.py --few      # a few kills of two of them

Each writer has its own script beside this one, which says what a fault is; every one of them ends by itself. The last
line is "nothing lost" and the exit code 0, or the number of faults and 1.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
LONGEST = 900
"""Seconds after which a script is stopped and counts as a fault."""


@dataclass(frozen=True)
class Row:
    """What the kills of one writer found."""

    writer: str
    """What was killed."""
    kills: int
    """Lives that ended by the signal."""
    wrong: int
    """Files under a final name that were not what an unbroken run writes."""
    different: int
    """Files that differed, or were left over, after the run to the end."""
    note: str = ""
    """What else the script counts."""
    seconds: float = 0.0
    """Wall time."""


def script(name: str, *arguments: str) -> Callable[[Path], dict[str, Any]]:
    """Return what runs a script beside this one in a folder and reads its last line."""
    return lambda folder: _run([sys.executable, str(TESTS / "faults" / f"{name}.py"), *_placed(arguments, folder)])


def helper(name: str, *arguments: str) -> Callable[[Path], dict[str, Any]]:
    """Return what runs the helper that a test holds as a text."""

    def run(folder: Path) -> dict[str, Any]:
        from importlib.util import module_from_spec, spec_from_file_location

        found = spec_from_file_location(name, TESTS / "faults" / f"{name}.py")
        assert found is not None
        assert found.loader is not None
        module = module_from_spec(found)
        found.loader.exec_module(module)
        text = module.HELPER
        return _run([sys.executable, "-c", text, *_placed(arguments, folder)])

    return run


def _placed(arguments: tuple[str, ...], folder: Path) -> list[str]:
    return [argument.replace("FOLDER", str(folder)) for argument in arguments]


def _run(command: list[str]) -> dict[str, Any]:
    paths = os.pathsep.join((str(TESTS), str(TESTS.parent), *filter(None, sys.path)))
    environment = {**os.environ, "PYTHONPATH": paths, "MUSYQ_DISABLE_JIT": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _written(seen: Mapping[str, Any]) -> tuple[int, int, int, str]:
    return seen["killed"], seen["wrong"], seen["unfinished"] + seen["drafts_left"], f"seen {seen['seen']}"


def _downloaded(seen: Mapping[str, Any]) -> tuple[int, int, int, str]:
    wrong = seen["wrong"] + seen["part_torn"] + seen["receipts_doubled"]
    return seen["killed"], wrong, seen["different"] + seen["left"], f"parts done twice: {seen['redone']}"


def _ran(seen: Mapping[str, Any]) -> tuple[int, int, int, str]:
    different = [name for name in seen["different"] if name != "run.json"]  # it holds the wall time
    same = seen.get("same", seen.get("files") == seen.get("unbroken"))
    return seen["killed"], len(seen["faults"]) + seen["failed"], len(different) + (not same), ""


def _staged(seen: Mapping[str, Any]) -> tuple[int, int, int, str]:
    killed, wrong, different, _ = _ran(seen)
    too_much = seen["worked"] > seen["allowed"]
    return killed, wrong, different + too_much, f"stages run {seen['worked']} of {seen['allowed']} allowed"


def _valued(seen: Mapping[str, Any]) -> tuple[int, int, int, str]:
    return seen["killed"], len(seen["faults"]), 0, f"drafts left to the next run: {seen['drafts']}"


def _simulated(seen: Mapping[str, Any]) -> tuple[int, int, int, str]:
    return seen["codes"].count(-9), len(seen["faults"]), len(seen["different"]) + len(seen["left"]), ""


def _produced(seen: Mapping[str, Any]) -> tuple[int, int, int, str]:
    different = len(seen["different"]) + (seen["redone"] > 1)
    return (
        seen["killed"],
        len(seen["faults"]) + seen["failed"],
        different,
        f"tasks done twice a kill: {seen['redone']:.2f}",
    )


Told = Callable[[Mapping[str, Any]], tuple[int, int, int, str]]
ALL: Mapping[str, tuple[Callable[[Path], dict[str, Any]], Told]] = {
    "product, checksum and record, any moment": (helper("test_write_kill", "random", "FOLDER"), _written),
    "product, checksum and record, each step": (helper("test_write_kill", "steps", "FOLDER"), _written),
    "download of five formats, any moment": (
        helper("test_download_kill", "random", "FOLDER", "NetCDF", "HDF5", "COG", "Zarr", "CSV"), _downloaded,
    ),
    "recipe": (script("kill_recipe", "FOLDER", "25", "20"), _ran),
    "stages of a recipe": (script("kill_stages", "staged", "FOLDER", "12", "6"), _staged),
    "values kept between stages": (script("kill_stages", "keeping", "FOLDER/kept", "30", "3"), _valued),
    "sweep": (script("kill_stages", "sweeps", "FOLDER", "4", "7"), _ran),
    "simulated Earth": (script("kill_simulation", "FOLDER", "6", "4"), _simulated),
    "production": (script("kill_production", "FOLDER", "40", "8"), _produced),
}  # fmt: skip
"""Writer -> how it is killed, and how its report is read."""
FEW: Mapping[str, tuple[Callable[[Path], dict[str, Any]], Told]] = {
    "values kept between stages": (script("kill_stages", "keeping", "FOLDER/kept", "8", "3"), _valued),
    "production": (script("kill_production", "FOLDER", "3", "8"), _produced),
}
"""Those of a short run."""


def rows(chosen: Mapping[str, tuple[Callable[[Path], dict[str, Any]], Told]]) -> Iterator[Row]:
    """Yield a row for each writer."""
    for writer, (run, told) in chosen.items():
        started = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="musyq-kill-") as folder:
            try:
                found = told(run(Path(folder)))
            except (RuntimeError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
                found = (0, 1, 0, f"{type(error).__name__}: {error}"[:200])
        yield Row(writer, *found, seconds=time.perf_counter() - started)


def main(arguments: list[str]) -> int:
    """Print the table; return the exit code."""
    chosen = FEW if "--few" in arguments else ALL
    sys.stdout.write(f"{'writer':42} {'kills':>5} {'wrong':>5} {'differ':>6} {'s':>6}  \n")
    kills = lost = 0
    for row in rows(chosen):
        sys.stdout.write(
            f"{row.writer:42} {row.kills:5d} {row.wrong:5d} {row.different:6d} {row.seconds:6.0f}  {row.note}\n"
        )
        sys.stdout.flush()
        kills += row.kills
        lost += row.wrong + row.different
    sys.stdout.write(f"{kills} kills: {'nothing lost' if not lost else f'{lost} faults'}\n")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
