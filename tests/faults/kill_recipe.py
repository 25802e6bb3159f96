"""Runs the tiny recipe again and again in processes that are killed; started by test_recipe_kill.py.

A process of its own imports everything once and forks a child for each run, so that fifty runs take a minute.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import papermill  # noqa: F401  (imported before the forks, to save each child the time)

from musyq_lab.files.digest import sha256
from musyq_lab.production import _kernel, report, run, staging  # noqa: F401
from musyq_lab.production.progress import Silent
from musyq_lab.production.recipes import load_recipe

RECIPE = load_recipe(Path(__file__).parents[1] / "production" / "recipes" / "tiny.yml")
EVENTS = 30
"""About as many moments as a life tells of: six cells, three records, eleven files away and eleven in."""


def start(out: Path, generation: float) -> tuple[int, int]:
    """Start a run in a child; return its process number and a pipe with one byte for each thing it is about to do."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    try:
        run.provenance.git_commit = lambda: "0" * 40  # a commit made while the test runs is none of its business
        for owner, name in ((staging, "_rename"), (run.provenance, "write_record"), (Silent, "cell")):
            setattr(owner, name, telling(getattr(owner, name), writer))
        run.run_recipe(RECIPE, out=out, progress=False, factor=generation)
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        os._exit(1)
    os._exit(0)


def telling(work: Callable[..., None], writer: int) -> Callable[..., None]:
    """Return the function, which now writes a byte and waits a little, so that a kill can fall there."""

    def wrapped(*arguments: object) -> None:
        os.write(writer, b".")
        time.sleep(0.02)
        work(*arguments)

    return wrapped


def end(pid: int, reader: int) -> int:
    """Wait for the child and return its exit code."""
    os.close(reader)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill(pid: int, reader: int, event: int, delay: float) -> int:
    """Kill a child some time after its nth event; return its exit code."""
    for _ in range(event):
        if not os.read(reader, 1):
            break  # it has ended
    time.sleep(delay)
    os.kill(pid, signal.SIGKILL)
    return end(pid, reader)


def faults(out: Path) -> list[str]:
    """Return what is wrong with the files under their final names."""
    names = [name for name in names_in(out) if not name.startswith(".")]
    found = [f"{name} is not whole" for name in names if not whole(out / name)]
    generations = {(out / name).read_text(encoding="utf-8").splitlines()[0] for name in names if name.endswith(".csv")}
    if len(generations) > 1:
        found.append(f"mixed runs {generations}")
    return found + [f"{name} is not as recorded" for name in unlike_record(out)]


def whole(path: Path) -> bool:
    """Return whether a file of the tiny recipe is complete."""
    text = path.read_text(encoding="utf-8")
    if path.name == "total.csv":
        return text.count("\n") == 2
    if path.suffix == ".csv":
        return text.count("\n") == 2000 and len(set(text.splitlines())) == 1
    if path.suffix in {".json", ".ipynb"}:
        return bool(json.loads(text))
    return text.rstrip().endswith("</html>") if path.suffix == ".html" else bool(text)


def unlike_record(out: Path) -> list[str]:
    """Return the outputs that differ from the record, if there is one."""
    if not (out / staging.RECORD).is_file():
        return []
    entities = json.loads((out / staging.RECORD).read_text(encoding="utf-8"))["entity"].values()
    expected = {e["musyq:file"]: e.get("musyq:sha256") for e in entities if e["musyq:role"] == "output"}
    return [n for n, digest in expected.items() if not (out / n).is_file() or digest not in {None, sha256(out / n)}]


def main(folder: Path, kills: int, seed: int) -> dict[str, object]:
    """Kill runs at random moments; return what was seen."""
    out, dice = folder / "out", random.Random(seed)
    assert end(*start(folder / "unbroken", 99.0)) == 0
    seen = {"faults": [], "killed": 0, "ended": 0, "moving": 0, "failed": 0}
    for trial in range(kills):
        # A third of the kills fall among the moves, which are the end of a life and the dangerous part of it.
        event = dice.randrange(9, EVENTS) if trial % 3 == 2 else dice.randrange(9)
        # Between the first events lie tenths of a second, between the moves at the end hundredths.
        code = kill(*start(out, float(trial + 1)), event, dice.uniform(0.0, 0.3 if event < 7 else 0.025))
        seen["killed"] += code == -signal.SIGKILL
        seen["ended"] += code == 0
        seen["failed"] += code == 1
        seen["moving"] += any(out.glob(f"{staging._PARTIAL}*/{staging._MOVES}"))
        seen["faults"] += [f"kill {trial} at event {event}: {fault}" for fault in faults(out)]
    assert end(*start(out, 99.0)) == 0
    files, unbroken = names_in(out), names_in(folder / "unbroken")
    different = [n for n in files if n in unbroken and sha256(out / n) != sha256(folder / "unbroken" / n)]
    return {**seen, "files": files, "unbroken": unbroken, "different": different}


def names_in(folder: Path) -> list[str]:
    """Return every file below a folder, hidden ones too."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201
