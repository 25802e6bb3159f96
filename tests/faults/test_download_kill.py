"""kill -9 while a download runs: nothing wrong ever sits under its name, and the same call ends with the same bytes.

One helper process imports everything once; each trial is a fork of it. A disk that is full is tried likewise.
"""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

HELPER = r'''
import hashlib, json, os, random, resource, signal, sys, time, warnings
from pathlib import Path
root = Path(sys.argv[2])
os.environ["MUSYQ_HOME"] = str(root / "home")
import dask, netCDF4, rasterio, rasterio.shutil, zarr, distributed
import dask.array, xarray, pyproj, shapely, pandas
from archive.samples import NAME, SPEC, dataset
from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import ArchiveError
from musyq_lab.production.download import parts, registration, work
from musyq_lab.production.download.download import download
from musyq_lab.production.download.formats import cog, csv, hdf5, netcdf
from musyq_lab.production.download.formats import zarr as zarr_format

mode = sys.argv[1]
dask.config.set(scheduler="synchronous")
parts.PART_BYTES = 4000
os.environ["MUSYQ_PLAIN_PROGRESS"] = "1"
registration.register("A")
for number, period in enumerate(("2015181", "2015186")):
    ds = dataset(60, 90, months=1, seed=number).isel(month=0, drop=True)
    write_product(ds, root / "archive", spec=SPEC, edition="0p25deg", period=period)
REGION = shapely.Point(110, 40).buffer(7)
CUBE = open_product(root / "archive").chunk(latitude=10)  # opening starts no thread, so that forks are safe

def fetch(form, folder):
    return download(CUBE, REGION, spec=SPEC, format=form, out=folder, filename="x")

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
    status = os.waitpid(child(action), 0)[1]
    assert status == 0, status

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
    parts.write = at(parts.write); work.flush = at(work.flush); os.replace = at(os.replace); os.rename = at(os.rename)
    Path.replace = at(Path.replace); Path.rename = at(Path.rename); work.shutil.rmtree = at(work.shutil.rmtree)
    registration.add = at(registration.add)

def tree(folder):
    """Everything but receipts, which hold the time."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(".") and not name.endswith(".receipt.json"):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found

def visible(folder):
    return {p.name for p in Path(folder).iterdir() if not p.name.startswith(".")} if Path(folder).exists() else set()

def trial(form, folder, whole, report, kill):
    kill(folder)
    found = tree(folder)
    # Whatever has its final name is complete; a list of checksums comes last.
    report["wrong"] += any(whole.get(name) != digest for name, digest in found.items())
    before = {p.name: p.stat().st_mtime_ns for p in (folder / WORK[form] / "parts").glob("*.part")}
    done = [name for name in before if parts.whole(folder / WORK[form] / "parts" / name)]
    report["part_torn"] += len(before) - len(done) > 1
    log = folder.with_suffix(".log")
    def again():
        real = parts.write
        def counted(path, array):
            with log.open("a") as file:
                file.write(path.name + "\n")
            real(path, array)
        parts.write = counted
        fetch(form, folder)
    finish(again)
    redone = log.read_text().split() if log.exists() else []
    report["redone"] += len(set(redone) & set(done))
    report["resumed"] += bool(done)
    report["different"] += tree(folder) != whole
    report["left"] += any(p.name.startswith(".") for p in folder.iterdir())

ENDINGS = {"NetCDF": ".nc", "HDF5": "_hdf5", "COG": "_cog", "Zarr": ".zarr", "CSV": ".csv"}
WORK = {form: f".x{ending}.download" for form, ending in ENDINGS.items()}
report = dict(killed=0, wrong=0, different=0, left=0, redone=0, resumed=0, part_torn=0, published=0)
random.seed(11)
finish(lambda: fetch("NetCDF", root / "warm"))
for form in sys.argv[3:]:
    finish(lambda: fetch(form, root / form))
    whole = tree(root / form)
    started = time.perf_counter()
    finish(lambda: fetch(form, root / (form + "-timing")))
    length = time.perf_counter() - started
    if mode == "full":
        limits = {"NetCDF": 9000, "HDF5": 9000, "COG": 5000, "Zarr": 1200, "CSV": 9000}
        folder = root / f"{form}-full"
        reason = root / f"{form}.txt"
        def full():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limits[form], resource.RLIM_INFINITY))
            try:
                fetch(form, folder)
            except ArchiveError as error:
                reason.write_text(str(error))
        finish(full)
        said = reason.read_text()
        report["killed"] += "would be larger than this system allows" in said and "goes on from there" in said
        report["published"] += bool(visible(folder))
        finish(lambda: fetch(form, folder))
        report["different"] += tree(folder) != whole
        continue
    for number in range(400):
        folder = root / f"{form}-{number}"
        hits = [0]
        def kill(folder):
            def action():
                if mode == "steps":
                    suicide(number + 1)
                fetch(form, folder)
            pid = child(action)
            if mode == "random":
                time.sleep(random.uniform(0.02, 0.95) * length)
                os.kill(pid, signal.SIGKILL)
            status = os.waitpid(pid, 0)[1]
            hits[0] = os.WIFSIGNALED(status)
            report["published"] += bool(visible(folder))
        if mode == "steps" and 4 < number < 90 and number % 6:
            continue  # one part is written like another
        trial(form, folder, whole, report, kill)
        report["killed"] += hits[0]
        if mode == "random" and number + 1 == 6:
            break
        if mode == "steps" and not hits[0]:
            break
receipts = registration.receipts()
report["receipts_doubled"] = len(receipts) - len({row["id"] for row in receipts})
print(json.dumps(report))
'''


def run(mode, folder, *formats):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "MUSYQ_DISABLE_JIT": "1"}
    command = [sys.executable, "-c", HELPER, mode, str(folder), *formats]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def nothing_lost(report):
    return {report[key] for key in ("wrong", "different", "left", "redone", "part_torn", "receipts_doubled")} == {0}


def test_thirty_kills_at_random_moments_over_all_formats(tmp_path):
    report = run("random", tmp_path, "NetCDF", "HDF5", "COG", "Zarr", "CSV")
    assert report["killed"] >= 25, report  # a download that had ended before the signal came does not count
    assert report["resumed"] >= 15, report
    assert nothing_lost(report), report


def test_a_kill_before_every_step_towards_the_disk(tmp_path):
    report = run("steps", tmp_path, "NetCDF", "COG")
    assert report["killed"] >= 20, report
    assert report["published"] >= 4, report  # killed after some file had its name
    assert nothing_lost(report), report


def test_a_disk_that_fills_up(tmp_path):
    report = run("full", tmp_path, "NetCDF", "HDF5", "COG", "Zarr", "CSV")
    assert report["killed"] == 5, report  # each was told in a sentence
    assert report["published"] == 0, report
    assert nothing_lost(report), report
