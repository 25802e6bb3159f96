"""Damages granules of every sensor, and products of other producers, at random and opens them.

Started by test_granule_mutants.py, or by hand:

``python tests/faults/mutate_granules.py --count 1000``

Each mutant is opened and computed by a process that lives on from one to the next, as a user's does. If that process
dies, if an error is not one of ours or does not name the granule, or if time or memory go beyond the limits, the mutant
has won.
"""

import argparse
import json
import multiprocessing
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults import granules, products

MAKERS = {**granules.MAKERS, **products.MAKERS}
SECONDS = 5.0
MEGABYTES = 512.0
_PATIENCE = 60.0  # seconds until a process counts as hanging


def truncate(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data))]


def empty(data: bytes, dice: random.Random) -> bytes:
    return b""


def flip_head(data: bytes, dice: random.Random) -> bytes:
    return _flip(data, dice, min(len(data), 4096))


def flip_anywhere(data: bytes, dice: random.Random) -> bytes:
    return _flip(data, dice, len(data))


def _flip(data: bytes, dice: random.Random, limit: int) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice((1, 2, 8))):
        changed[dice.randrange(limit)] ^= 1 << dice.randrange(8)
    return bytes(changed)


def overwrite(data: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(data))
    return data[:start] + dice.randbytes(min(32, len(data) - start)) + data[start + 32 :]


def extremes(data: bytes, dice: random.Random) -> bytes:
    """Put the numbers that counts and lengths fear most somewhere into the header."""
    start = dice.randrange(min(len(data), 4096))
    return data[:start] + dice.choice((b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\0" * 8)) + data[start + 8 :]


def duplicate(data: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(data))
    return data[:start] + data[: dice.randrange(1, 512)] + data[start:]


DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    truncate, empty, flip_head, flip_head, flip_anywhere, overwrite, extremes, duplicate,
)  # fmt: skip


def damage(folder: Path, dice: random.Random) -> str:
    """Damage, or take away, one file of a granule; return what was done."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    file = dice.choice(files)
    if len(files) > 1 and dice.random() < 0.05:
        file.unlink()
        return f"{file.name} removed"
    how = dice.choice(DAMAGES)
    data = file.read_bytes()
    if data:
        file.write_bytes(how(data, dice))
    return f"{file.name} {how.__name__}"


def examine(path: Path, folder: Path) -> dict[str, Any]:
    """Open and compute a granule; return what became of it."""
    import musyq_lab as ml
    from musyq_lab.core.errors import MusyqError

    _reset_peak()
    before, start = _memory("VmRSS"), time.perf_counter()
    try:
        opener = ml.open_product if folder.name.startswith("product") else ml.open_scene
        _part(opener(path)).load()
        verdict = "read"
    except MusyqError as error:
        verdict = "refused" if str(folder) in str(error) else f"nameless: {error}"
    except Exception as error:  # a finding: it should have been one of ours
        verdict = f"foreign: {type(error).__name__}: {str(error)[:300]}"
    return {
        "verdict": verdict,
        "seconds": time.perf_counter() - start,
        "megabytes": _memory("VmHWM") - before,
    }


def _part(scene: Any) -> Any:
    """Return the scene, or some lines of its middle where it is a whole disk."""
    lines = scene.sizes.get("y", 0)
    return scene if lines * scene.sizes.get("x", 0) < 1e6 else scene.isel(y=slice(lines // 2 - 32, lines // 2 + 32))


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _memory(row: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(row))
    return int(line.split()[1]) / 1024


def serve(pipe: Any) -> None:
    """Examine what comes until nothing comes."""
    import warnings

    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            path, folder = pipe.recv()
        except EOFError:
            return
        pipe.send(examine(Path(path), Path(folder)))


class Caller:
    """The process that opens the mutants; started anew if one kills it."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, end = context.Pipe()
        self._process = context.Process(target=serve, args=(end,), daemon=True)
        self._process.start()
        end.close()

    def examine(self, path: Path, folder: Path) -> dict[str, Any]:
        self._pipe.send((str(path), str(folder)))
        try:
            if self._pipe.poll(_PATIENCE):
                return dict(self._pipe.recv())
            verdict = "hangs"
        except EOFError:
            self._process.join()
            verdict = f"crash: exit code {self._process.exitcode}"
        self.stop()
        self._start()
        return {"verdict": verdict, "seconds": _PATIENCE, "megabytes": 0.0}

    def stop(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.join()


def run(count: int, seed: int, sensors: list[str]) -> dict[str, Any]:
    """Examine mutants of the sensors in turn; return the counts, the extremes and every mutant that won."""
    caller = Caller()
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        whole = {key: _make(key, Path(scratch) / "whole") for key in sensors}
        for key, (folder, path) in whole.items():
            first = caller.examine(path, folder)
            assert first["verdict"] == "read", f"{key} is not even read whole: {first['verdict']}"
        for number in range(count):
            key = sensors[number % len(sensors)]
            dice = random.Random(f"{seed}-{number}")
            folder, path = whole[key]
            mutant = Path(scratch) / "mutant" / folder.name
            shutil.copytree(folder, mutant)
            done = damage(mutant, dice)
            target = mutant / path.relative_to(folder)
            results.append({"number": number, "sensor": key, "damage": done, **_judged(caller, target, mutant)})
            shutil.rmtree(mutant)
    caller.stop()
    return _summary(results)


def _judged(caller: Caller, target: Path, mutant: Path) -> dict[str, Any]:
    if not target.exists():
        return {"verdict": "refused", "seconds": 0.0, "megabytes": 0.0}
    return caller.examine(target, mutant)


def _make(key: str, root: Path) -> tuple[Path, Path]:
    folder = root / key.replace("/", "_")
    folder.mkdir(parents=True)
    return folder, Path(MAKERS[key](folder))


def _summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    won = [
        r
        for r in results
        if r["verdict"] not in ("read", "refused") or r["seconds"] > SECONDS or r["megabytes"] > MEGABYTES
    ]
    return {
        "mutants": len(results),
        "verdicts": Counter(r["verdict"].partition(":")[0] for r in results),
        "slowest": max(results, key=lambda r: r["seconds"]),
        "largest": max(results, key=lambda r: r["megabytes"]),
        "won": won,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20261127)
    parser.add_argument("--sensor", action="append", choices=sorted(MAKERS))
    options = parser.parse_args()
    json.dump(run(options.count, options.seed, options.sensor or sorted(MAKERS)), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
