"""Kills staged runs, values being kept, and sweeps at random moments; started by test_stage_kill.py.

By hand, many more: ``python tests/faults/kill_stages.py sweeps FOLDER 20 SEED``, of an empty folder.

As for kill_recipe.py, a process imports everything once and forks a child for each life.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import papermill  # noqa: F401  (imported before the forks, to save each child the time)

from musyq_lab.files.digest import sha256
from musyq_lab.production import _kernel, _stage_folder, finished, report, run, stages, sweep  # noqa: F401
from musyq_lab.production._stage_folder import Kept, clear_drafts, find, keep
from musyq_lab.production.progress import Silent
from musyq_lab.production.recipes import load_recipe

dask.config.set(scheduler="synchronous")  # threads of this process would not live on in its forks
TESTS = Path(__file__).parents[1] / "production"
STAGED = load_recipe(TESTS / "staged" / "staged.yml")
TINY = load_recipe(TESTS / "recipes" / "tiny.yml")


def fork(work: Callable[[int], object]) -> tuple[int, int]:
    """Do work in a child that gets the writing end of a pipe; return its process number and the reading end."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    try:
        still = "0" * 40  # commits and edits made while the test runs are none of its business
        run.provenance.git_commit = lambda: still
        for module in (stages, run, finished):
            module.code_state = lambda: still
        work(writer)
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        os._exit(1)
    os._exit(0)


def end(pid: int, reader: int) -> int:
    """Wait for the child and return its exit code."""
    os.close(reader)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill(pid: int, reader: int, events: int, delay: float, *, alone: bool = False) -> int:
    """Kill a child some time after its nth event, with its children or alone; return its exit code."""
    for _ in range(events):
        if not os.read(reader, 1):
            break
    time.sleep(delay)
    others = descendants(pid)
    for one in [pid, *([] if alone else others)]:
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue
    code = end(pid, reader)
    deadline = time.monotonic() + 40.0
    while alone and any(map(lives, others)):
        assert time.monotonic() < deadline, "the processes of a dead sweep must end by themselves"
        time.sleep(0.1)
    return code


def lives(pid: int) -> bool:
    """Return whether a process exists and is more than an entry in the table."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def descendants(pid: int) -> list[int]:
    """Return the processes that descend from one."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == pid:
            found += [int(status.parent.name), *descendants(int(status.parent.name))]
    return found


def staged_run(out: Path) -> Callable[[int], object]:
    """Return a life that runs the staged recipe and tells of each cell."""

    def work(writer: int) -> None:
        before = Silent.cell
        Silent.cell = lambda *arguments: (os.write(writer, b"."), before(*arguments))[1]
        run.run_recipe(STAGED, out=out, progress=False)

    return work


def kill_staged(folder: Path, kills: int, dice: random.Random) -> dict[str, object]:
    """Kill runs of the staged recipe; return what was seen."""
    out, log = folder / "out", folder / "log"
    assert end(*fork(staged_run(folder / "unbroken"))) == 0
    os.environ["STAGED_RECIPE_LOG"] = str(log)
    seen = {"killed": 0, "ended": 0, "failed": 0, "faults": []}
    for _ in range(kills):
        code = kill(*fork(staged_run(out)), dice.randrange(3, 9), dice.uniform(0.0, 0.5))
        seen["killed"] += code == -signal.SIGKILL
        seen["ended"] += code == 0
        seen["failed"] += code == 1
        names = [name for name in names_in(out) if not name.startswith(".")]
        wrong = [n for n in names if n != "run.json" and sha256(out / n) != sha256(folder / "unbroken" / n)]
        seen["faults"] += [f"{name} is not whole" for name in wrong]
    assert end(*fork(staged_run(out))) == 0
    different = [n for n in names_in(out) if sha256(out / n) != sha256(folder / "unbroken" / n)]
    same = names_in(out) == names_in(folder / "unbroken")
    # One life needs three stages; each kill may cost one of them, each life that ended begins anew.
    worked = len(log.read_text().split())
    return {**seen, "different": different, "same": same, "worked": worked, "allowed": 3 + 3 * seen["ended"] + kills}


def keeping(root: Path) -> Callable[[int], object]:
    """Return a life that keeps one value after another."""

    def work(writer: int) -> None:
        for number in range(100):
            array = np.full((200, 300), float(number))
            keep(root, f"v-{number}", Kept(number, [array, da.from_array(array + 1, chunks=100)], []))
            os.write(writer, b".")

    return work


def kill_keeping(root: Path, kills: int, dice: random.Random) -> dict[str, object]:
    """Kill processes that keep values; return what was seen."""
    root.mkdir()
    seen = {"killed": 0, "drafts": 0, "whole": 0, "faults": []}
    for trial in range(kills):
        seen["killed"] += kill(*fork(keeping(root)), dice.randrange(1, 4), dice.uniform(0.0, 0.03)) == -signal.SIGKILL
        drafts = len(list(root.glob(".new-*")))
        folders = [path.name for path in root.glob("v-*")]
        seen["drafts"] += drafts > 0
        for name in folders:
            found = find(root, name)
            number = float(name.removeprefix("v-"))
            if found is None or not (found.arrays[0] == number).all() or not (found.arrays[1] == number + 1).all():
                seen["faults"].append(f"kill {trial}: {name} is not whole")
            seen["whole"] += 1
        clear_drafts(root)
        for path in [*root.iterdir()]:
            for file in path.iterdir():
                file.unlink()
            path.rmdir()
    return seen


def swept_run(out: Path) -> Callable[[int], object]:
    """Return a life that sweeps the tiny recipe over two values and tells when one of them begins or ends."""

    def work(writer: int) -> None:
        for name in ("begin", "end"):
            before = getattr(sweep.View, name)
            told = lambda *arguments, before=before: (os.write(writer, b"."), before(*arguments))[1]  # noqa: E731
            setattr(sweep.View, name, told)
        result = run.run_recipe(TINY, out=out, progress=False, factor=[1.0, 2.0], jobs=2)
        assert not result.failed, result.failed[0].error

    return work


def kill_sweeps(folder: Path, kills: int, dice: random.Random) -> dict[str, object]:
    """Kill sweeps of the tiny recipe, the sweep alone or all its processes; return what was seen."""
    out = folder / "out"
    assert end(*fork(swept_run(folder / "unbroken"))) == 0
    seen = {"killed": 0, "ended": 0, "failed": 0, "faults": []}
    for trial in range(kills):
        life = fork(swept_run(out))
        code = kill(*life, dice.randrange(1, 4), dice.uniform(0.0, 4.0), alone=trial % 2 == 0)
        seen["killed"] += code == -signal.SIGKILL
        seen["ended"] += code == 0
        seen["failed"] += code == 1
        seen["faults"] += unlike(out, folder / "unbroken")
    assert end(*fork(swept_run(out))) == 0
    same = names_in(out) == names_in(folder / "unbroken")
    return {**seen, "different": unlike(out, folder / "unbroken"), "same": same}


def unlike(out: Path, unbroken: Path) -> list[str]:
    """Return the visible data files that differ from those of an unbroken sweep (a record may name another commit)."""
    names = [n for n in names_in(out) if n.endswith((".csv", ".svg", ".txt")) and "/." not in f"/{n}"]
    return [name for name in names if sha256(out / name) != sha256(unbroken / name)]


def names_in(folder: Path) -> list[str]:
    """Return every file below a folder, hidden ones too."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


KINDS = {"staged": kill_staged, "keeping": kill_keeping, "sweeps": kill_sweeps}

if __name__ == "__main__":
    kind, place, count, seed = sys.argv[1:]
    print(json.dumps(KINDS[kind](Path(place), int(count), random.Random(int(seed)))))  # noqa: T201
