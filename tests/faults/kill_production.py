"""Kills productions at random moments, or before a step towards the disk; started by test_production_kill.py.

As for kill_recipe.py, a process imports everything once and forks a child for each life. The production is one of two
algorithms over layers: two tasks a period, each a file with its checksum and its run record.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ |= {"MUSYQ_CODE_VERSION": "test", "MUSYQ_DISABLE_JIT": "1", "MUSYQ_PLAIN_PROGRESS": "1"}

import dask
from production.chain import own_world

from musyq_lab.archive import draft as drafts
from musyq_lab.archive import manifest
from musyq_lab.archive.naming import parse
from musyq_lab.files.digest import sha256
from musyq_lab.production.chain import plan as planned
from musyq_lab.production.chain import work
from musyq_lab.production.chain.produce import carry_out
from musyq_lab.production.chain.report import LOG, REPORT, logged
from musyq_lab.production.contract import session

dask.config.set(scheduler="synchronous")  # threads of this process would not live on in its forks
PERIODS = "2019-07-01/2019-07-24"


def prepare(folder: Path) -> planned.Plan:
    """Write the layers and draw the plan."""
    own_world.register()
    for key, made in own_world.OWN.items():
        session.remember(key, made)
    stock = own_world.layers(folder / "layers", PERIODS, size=30)
    return planned.make_plan(own_world.KEYS, PERIODS, stock)


def fork(action: Callable[[int], object]) -> tuple[int, int]:
    """Do something in a child that gets the writing end of a pipe."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        action(writer)
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        os._exit(1)
    os._exit(0)


def end(pid: int, reader: int) -> int:
    """Wait for a child."""
    os.close(reader)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def life(plan: planned.Plan, out: Path, log: Path, *, step: int = 0) -> Callable[[int], object]:
    """Return a run that notes each task it starts to make, and that may kill itself before a step towards the disk."""

    def action(writer: int) -> None:
        write = work.write_product

        def noted(*arguments: object, **options: object) -> object:
            with log.open("a") as file:
                file.write(f"{options['spec'].key}.{options['period']}\n")
            os.write(writer, b".")
            return write(*arguments, **options)

        work.write_product = noted
        if step:
            suicide(step)
        made = carry_out(plan, out, jobs=1)
        assert not made.failed, made.failed[0].reason

    return action


def suicide(number: int) -> None:
    """Kill this process before its n-th step towards the disk."""
    left = [number]

    def at(function: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*arguments: object, **options: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return wrapped

    for name in ("replace", "fsync", "write"):
        setattr(os, name, at(getattr(os, name)))
    drafts._create = at(drafts._create)


def faults(out: Path, whole: dict[str, str]) -> list[str]:
    """Return what is wrong under final names: a file that counts as done and is not, or cannot be what it should."""
    found = []
    for path in sorted(out.glob("*.h5")):
        if not path.name.startswith(".") and sha256(path) != whole[path.name]:
            found.append(f"{path.name} is not whole")
    found += [f"{path.name} is no name" for path in out.glob("MuSyQ*.h5") if parse(path.name) is None]
    report = out / REPORT
    if report.exists():
        json.loads(report.read_text(encoding="utf-8"))
    return found


def products(folder: Path) -> dict[str, str]:
    """Return name -> digest of products and their checksum files."""
    return {p.name: sha256(p) for p in sorted(folder.iterdir()) if p.name.endswith((".h5", ".sha256"))}


def settled(out: Path, whole: dict[str, str]) -> list[str]:
    """Return what is wrong with a folder after the last run."""
    wrong = [name for name in {*whole, *products(out)} if products(out).get(name) != whole.get(name)]
    wrong += [f"{f.path.name} {f.state}" for f in manifest.verify(out) if f.state != "ok"]
    return wrong + [f"{path.name} is left" for path in out.iterdir() if path.name.startswith(".")]


def kill_productions(folder: Path, kills: int, dice: random.Random) -> dict[str, object]:
    """Kill runs, half of them at a random moment and half before a step towards the disk; return what was seen."""
    plan = prepare(folder)
    started = time.perf_counter()
    assert end(*fork(life(plan, folder / "unbroken", folder / "first"))) == 0
    length = time.perf_counter() - started
    whole = products(folder / "unbroken")
    tasks = len(plan.tasks)
    seen: dict[str, object] = {"killed": 0, "ended": 0, "failed": 0, "faults": [], "different": [], "redone": 0}
    trial, round_ = 0, 0
    while seen["killed"] < kills and trial < 3 * kills:
        out, log = folder / f"round{round_}", folder / f"log{round_}"
        here = 0
        for _ in range(5):  # kills in a row, then the run to its end
            by_step = trial % 2 == 0
            pid, reader = fork(life(plan, out, log, step=dice.randrange(1, 40) if by_step else 0))
            if not by_step:
                for _ in range(dice.randrange(0, 4)):
                    os.read(reader, 1)
                time.sleep(dice.uniform(0.0, length / tasks))
                os.kill(pid, signal.SIGKILL)
            code = end(pid, reader)
            trial += 1
            here += code == -signal.SIGKILL
            seen["ended"] += code == 0
            seen["failed"] += code == 1
            seen["faults"] += [f"kill {trial}: {fault}" for fault in faults(out, whole)] if out.exists() else []
            if seen["killed"] + here == kills:
                break
        assert end(*fork(life(plan, out, log))) == 0
        begun = len(log.read_text().split())
        seen["redone"] = max(seen["redone"], (begun - tasks) / max(here, 1))
        seen["different"] += settled(out, whole)
        told = {row["key"] for row in logged(out)}
        seen["killed"] += here
        seen["untold"] = seen.get("untold", 0) + tasks - len(told)
        round_ += 1
    return {**seen, "tasks": tasks, "rounds": round_, "log": (folder / "round0" / LOG).is_file()}


if __name__ == "__main__":
    place, count, seed = sys.argv[1:]
    sys.stdout.write(json.dumps(kill_productions(Path(place), int(count), random.Random(int(seed)))) + "\n")
