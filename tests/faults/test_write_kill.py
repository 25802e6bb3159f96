"""kill -9 while a product is written: nothing wrong ever sits under a final name, and the rerun completes.

One helper process imports everything once; each trial is a fork of it, so that 50 kills cost seconds.
"""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

HELPER = r'''
import hashlib, json, os, random, signal, sys, time
from pathlib import Path
import dask, h5py
import dask.array, xarray, musyq_lab.archive.write, musyq_lab.archive.draft as draft
from archive.samples import NAME, SPEC, dataset
from musyq_lab.archive import manifest
from musyq_lab.archive.write import write_product

mode, root = sys.argv[1], Path(sys.argv[2])
old, new = dataset(60, 90, seed=1), dataset(60, 90, seed=2)
dask.config.set(scheduler="synchronous")

def write(ds, folder):
    write_product(ds.chunk(latitude=20), folder, spec=SPEC, **NAME)

def child(action):
    pid = os.fork()
    if pid:
        return pid
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1); os.dup2(1, 2)
        action()
    except BaseException:
        os._exit(1)
    os._exit(0)

def finish(action):
    assert os.waitpid(child(action), 0)[1] == 0

def suicide(number):
    """Kill this process before its n-th step towards the disk."""
    left = [number]
    def at(function):
        def wrapped(*arguments, **options):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)
        return wrapped
    draft.os.replace = at(os.replace); draft.os.fsync = at(os.fsync); draft.os.open = at(os.open)
    draft.os.close = at(os.close); h5py.Dataset.__setitem__ = at(h5py.Dataset.__setitem__)
    h5py.File.close = at(h5py.File.close)

def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None

write(new, root / "warm")  # what is imported late is imported before the forks
for name, ds in (("old", old), ("new", new)):
    finish(lambda: write(ds, root / name))
product = next((root / "new").glob("*.h5")).name
whole = {name: digest(root / name / product) for name in ("old", "new")}
started = time.perf_counter()
finish(lambda: write(new, root / "timing"))
length = time.perf_counter() - started

random.seed(7)
report = dict(killed=0, wrong=0, unfinished=0, drafts_left=0, seen=dict(none=0, old=0, new=0), length=length)
trials = range(150)
for trial in trials:
    folder = root / f"trial{trial}"
    folder.mkdir()
    replacing = trial % 2
    if replacing:
        for item in (root / "old").iterdir():
            (folder / item.name).write_bytes(item.read_bytes())
    def action():
        if mode == "steps":
            suicide(trial + 1)
        write(new, folder)
    pid = child(action)
    if mode == "random":
        time.sleep(random.uniform(0, length))
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    report["killed"] += os.WIFSIGNALED(status)
    found = digest(folder / product)
    allowed = {whole["new"]: "new", (whole["old"] if replacing else None): "old" if replacing else "none"}
    report["wrong"] += found not in allowed
    report["seen"][allowed.get(found, "none")] += 1
    state = manifest.check(folder / product).state
    report["wrong"] += state == "ok" and found not in allowed
    finish(lambda: write(new, folder))
    names = {item.name for item in folder.iterdir()}
    report["drafts_left"] += len(names) - 3
    good = digest(folder / product) == whole["new"] and manifest.check(folder / product).state == "ok"
    report["unfinished"] += not good
    if report["killed"] == 50 or (mode == "steps" and not os.WIFSIGNALED(status)):
        break
print(json.dumps(report))
'''


def run(mode, folder):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-c", HELPER, mode, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_fifty_kills_at_random_moments(tmp_path):
    report = run("random", tmp_path)
    assert report["killed"] == 50, report  # writes that had finished before the signal came do not count
    assert (report["wrong"], report["unfinished"], report["drafts_left"]) == (0, 0, 0), report


def test_a_kill_before_every_step_towards_the_disk(tmp_path):
    report = run("steps", tmp_path)
    assert report["killed"] >= 12, report
    assert report["seen"]["new"] >= 2, report  # killed after the product had its name, before its checksum had
    assert (report["wrong"], report["unfinished"], report["drafts_left"]) == (0, 0, 0), report
