"""Twelve years of five-day maps as one cube: opening, a pixel's series, a map and a mean, beside xarray's own way.

    python benchmarks/archive_open.py [--folder FOLDER] [--compared FILES]

Writes 876 files of 600 x 600 cells (int16 and uint8, with overviews; about 700 MB) to FOLDER, or to a temporary one,
unless they are there: 73 are made and copied to the other years. All of them are opened by our reader; xarray, which
takes a minute to open 876, gets the first 73 (or FILES), and our reader the same ones beside it. Everything runs once
before it is timed; the first opening is measured in processes that have imported the packages and opened nothing, and a
series also with all forgotten that is known of the files.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from shutil import copyfile
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr
from _bench import alternate, table, verdict

from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.core.spec import Product, Variable
from musyq_lab.files import quick

Pair = tuple[float, float]
SIZE, STEPS, YEARS, ROUNDS = 600, 73, range(2001, 2013), 2
SPEC = Product(
    "vi",
    "A series",
    (
        Variable("ndvi", "index", "1", "", (-0.2, 1.0), "int16", 1e-4),
        Variable("kind", "class", "1", "", (0, 16), "uint8", fill=255),
    ),
    (),
)
COLD = """
import time
import dask.array as da
import xarray as xr
from musyq_lab.archive.open import open_product
xr.Dataset({{"a": ("x", da.zeros(1))}}, {{"x": [0.0]}})  # what xarray imports with its first Dataset
start, work = time.perf_counter(), time.process_time()
open_product({folder!r})
print(time.perf_counter() - start, time.process_time() - work)
"""


def make(folder: Path) -> None:
    """Write the files of the first year and copy them to the others."""
    random = np.random.default_rng(0)
    base = random.integers(0, 9000, (SIZE // 10, SIZE // 10)).repeat(10, 0).repeat(10, 1)
    coords = {"latitude": 40 - 0.01 * np.arange(SIZE), "longitude": 100 + 0.01 * np.arange(SIZE)}
    for step in range(STEPS):
        level = 0.6 + 0.4 * np.sin(2 * np.pi * step / STEPS)
        ndvi = (base * level + random.integers(-40, 40, base.shape)) / 1e4
        ndvi[random.random(base.shape) < 0.05] = np.nan
        layers = {
            "ndvi": (("latitude", "longitude"), ndvi.clip(-0.2, 1), {"units": "1"}),
            "kind": (("latitude", "longitude"), (base % 17).astype("f4"), {"units": "1"}),
        }
        period = f"{{}}{1 + 5 * step:03d}"
        made = write_product(
            xr.Dataset(layers, coords), folder, spec=SPEC, edition="1km", period=period.format(YEARS[0])
        )
        for year in YEARS[1:]:
            copyfile(made, made.with_name(made.name.replace(f".{YEARS[0]}", f".{year}")))


def first(folder: Path, count: int) -> Path:
    """Return a folder with the first files alone, under the same names."""
    part = folder / f"first{count}"
    part.mkdir(exist_ok=True)
    for path in sorted(folder.glob("*.h5"))[:count]:
        if not (part / path.name).exists():
            os.link(path, part / path.name)
    return part


def peers(folder: Path) -> xr.Dataset:
    """Open the files as a user of xarray does."""
    return xr.open_mfdataset(sorted(folder.glob("*.h5")), combine="nested", concat_dim="time", engine="h5netcdf")


def cold(folder: Path) -> tuple[float, float]:
    """Return wall and processor seconds of the first opening of a process, the least of three."""
    command = [sys.executable, "-c", COLD.format(folder=str(folder))]
    texts = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(3)]
    wall, cpu = (min(float(text.split()[k]) for text in texts) for k in range(2))
    return wall, cpu


def alone(folder: Path) -> None:
    """Measure our reader over all files."""
    print("  first opening of a process: {:.3f} s, {:.3f} of the processor (goal 0.3)".format(*cold(folder)))
    ours = open_product(folder)

    def forgetful() -> np.ndarray:
        quick._KNOWN.clear()
        return ours.ndvi[:, SIZE // 2, SIZE // 2 + 10].values

    jobs = {
        "open": lambda: open_product(folder),
        "series": lambda: ours.ndvi[:, SIZE // 2, SIZE // 2].values,
        "series, nothing known": forgetful,
        "map": lambda: ours.ndvi[5].values,
        "map, overview of 8": lambda: open_product(folder, overview=8).ndvi[5].values,
    }
    shown(f"{len(ours.time)} files of {SIZE} x {SIZE}, ours", alternate(jobs, ROUNDS))


def compared(folder: Path) -> None:
    """Measure both over some files."""
    start, work = time.perf_counter(), time.process_time()
    theirs = peers(folder)
    opened = (time.perf_counter() - start, time.process_time() - work)
    ours = open_product(folder)
    jobs = {
        "open, ours": lambda: open_product(folder),
        "series, ours": lambda: ours.ndvi[:, SIZE // 2, SIZE // 2].values,
        "series, xarray": lambda: theirs.ndvi[:, SIZE // 2, SIZE // 2].values,
        "map, ours": lambda: ours.ndvi[5].values,
        "map, xarray": lambda: theirs.ndvi[5].values,
        "mean of 73, ours": lambda: ours.ndvi[:73].mean("time").values,
        "mean of 73, xarray": lambda: theirs.ndvi[:73].mean("time").values,
    }
    np.testing.assert_allclose(jobs["series, ours"](), jobs["series, xarray"](), atol=1e-6)
    seconds = shown(f"{len(ours.time)} files beside xarray", alternate(jobs, ROUNDS), {"open, xarray": opened})
    for what, goal in (("open", 30.0), ("series", 1.0), ("map", 1.0), ("mean of 73", 1.0)):
        pairs = zip(seconds[f"{what}, xarray"], seconds[f"{what}, ours"], strict=True)
        elapsed, busy = (theirs_ / ours_ for theirs_, ours_ in pairs)
        print(f"  {what}: {verdict(elapsed, goal)}; by processor time {busy:.1f}")


def shown(title: str, timing: Mapping[str, Any], more: Mapping[str, Pair] = MappingProxyType({})) -> dict[str, Pair]:
    """Print and return wall and processor seconds."""
    seconds: dict[str, Pair] = {name: taken.seconds() for name, taken in timing.items()} | dict(more)
    rows = [[name, *(f"{number:.4f}" for number in pair)] for name, pair in seconds.items()]
    table(title, ["what", "seconds", "of the processor"], rows)
    return seconds


def main(folder: Path, count: int) -> None:
    """Measure and print."""
    if not list(folder.glob("*.h5")):
        make(folder)
    alone(folder)
    compared(first(folder, count))
    print(f"  bytes of a file: {next(folder.glob('*.h5')).stat().st_size}")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--folder", type=Path, help="where the files are, or are to be made and kept")
    asked.add_argument("--compared", type=int, default=73, help="files that xarray opens as well, at least 73")
    given = asked.parse_args()
    if given.folder:
        main(given.folder, given.compared)
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made), given.compared)
