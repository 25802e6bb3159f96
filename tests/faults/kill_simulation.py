"""Simulates a small Earth again and again in processes that are killed; started by test_simulation_kill.py.

The unbroken run comes first and in this process, so that its children have everything imported and compiled.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import musyq_lab.twin.simulate as twin
from musyq_lab.files.digest import sha256

SETTINGS = {
    "place": (100.4, 38.9),
    "start": "2019-06-30",
    "days": 2,
    "sensors": ["gf1_wfv", "modis", "fy4a_agri"],
    "size": 1.8,
    "resolution": 60,
}
FINAL = ("simulation.json", "catalog.yml")


def start(out: Path) -> int:
    """Start a run in a child and return its process number."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        twin.simulate(out, **SETTINGS)
    except BaseException:
        os._exit(1)
    os._exit(0)


def content(folder: Path) -> dict[str, str]:
    """Return file -> digest; of run records, which tell when and where, what does not depend on that."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        found[name] = sha256(path)
        if name.endswith(".run.json"):
            record = json.loads(path.read_text(encoding="utf-8"))
            found[name] = json.dumps([record[key] for key in ("file", "sha256", "bytes")])
    return found


def faults(out: Path, whole: dict[str, str]) -> list[str]:
    """Return the files under their final names that differ from those of the unbroken run."""
    if not out.exists():
        return []
    seen = {name: digest for name, digest in content(out).items() if not any(p[0] == "." for p in name.split("/"))}
    found = [n for n, digest in seen.items() if n not in FINAL and digest != whole.get(n)]
    if "simulation.json" in seen:
        record = json.loads((out / "simulation.json").read_text(encoding="utf-8"))
        found += [row["path"] for row in record["granules"] if not (out / row["path"]).exists()]
        found += [name for name in record["truth"] if whole[name] != seen.get(name)]
    return found


def main(folder: Path, kills: int, seed: int) -> dict[str, object]:
    """Kill runs at random moments of what is left to do; return what was seen."""
    twin.simulate(folder / "unbroken", **SETTINGS)
    whole, dice = content(folder / "unbroken"), random.Random(seed)
    began = time.perf_counter()
    assert os.waitstatus_to_exitcode(os.waitpid(start(folder / "timing"), 0)[1]) == 0
    length = time.perf_counter() - began
    seen: dict[str, list[object]] = {"faults": [], "codes": [], "different": [], "left": []}
    for trial in range(kills):
        out = folder / f"trial{trial // 3}"  # three kills in a row in one folder, then the run to its end
        pid = start(out)
        time.sleep(length * dice.uniform(0.0, 0.6 if trial % 3 else 0.9))
        os.kill(pid, signal.SIGKILL)
        seen["codes"].append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        seen["faults"] += [f"kill {trial}: {fault}" for fault in faults(out, whole)]
        if trial % 3 == 2 or trial == kills - 1:
            seen["codes"].append(os.waitstatus_to_exitcode(os.waitpid(start(out), 0)[1]))
            made = content(out)
            seen["different"] += sorted(n for n in {*made, *whole} if made.get(n) != whole.get(n))
            seen["left"] += [str(path) for path in out.rglob("*") if path.name.startswith(".")]
    return {**seen, "files": len(whole), "again": content(folder / "timing") == whole}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201
