"""The explorer as a person meets it: the first view of a field of 36000 x 18000 cells, another step, a click.

    python benchmarks/explorer.py [--folder FOLDER]

Makes in FOLDER (or a temporary one) a product file of 36000 x 18000 cells with overviews and 876 files of 600 x 600
cells (as archive_open.py does), unless they are there. Measured in the process, with the page rendered as for a
browser: opening the page, each step of the slider, each click. What a browser adds is measured by tests/browser.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import xarray as xr
from _bench import table
from archive_open import make

from musyq_lab.archive.write import write_product
from musyq_lab.core.spec import Product, Variable
from musyq_lab.dashboards._shared import OPENED, PIECES
from musyq_lab.dashboards.explorer import Explorer, explore

ROWS, COLUMNS, TRIES = 18_000, 36_000, 40
WIDE = Product("vi", "A wide field", (Variable("ndvi", "index", "1", "", (-0.2, 1.0), "int16", 1e-4),), ())


def wide(folder: Path) -> Path:
    """Write the wide field, in pieces that dask makes one after the other."""
    import dask.array as da

    folder.mkdir(parents=True, exist_ok=True)
    if found := list(folder.glob("*.h5")):
        return found[0]
    latitude = 90 - (np.arange(ROWS) + 0.5) * 180 / ROWS
    longitude = -180 + (np.arange(COLUMNS) + 0.5) * 360 / COLUMNS

    def piece(block_info: dict | None = None) -> np.ndarray:
        (top, bottom), (left, right) = block_info[None]["array-location"]
        waves = np.sin(latitude[top:bottom, None] / 5) * np.cos(longitude[None, left:right] / 9)
        return (0.4 + 0.5 * waves).astype("f4")

    chunks = (tuple([600] * (ROWS // 600)), tuple([600] * (COLUMNS // 600)))
    field = da.map_blocks(piece, chunks=chunks, dtype="f4")
    data = xr.Dataset(
        {"ndvi": (("latitude", "longitude"), field, {"units": "1"})}, {"latitude": latitude, "longitude": longitude}
    )
    return write_product(data, folder, spec=WIDE, edition="1km", tile="global", period="2019001", overviews=True)


def forgotten() -> None:
    """Forget what other sessions read."""
    PIECES.clear()
    OPENED.clear()


def opened(path: Path) -> tuple[Explorer, float]:
    """Open a page as a first visitor does, and render it."""
    forgotten()
    start = time.perf_counter()
    page = explore(path)
    page.__panel__().get_root()
    return page, time.perf_counter() - start


def timed(jobs: list) -> list[float]:
    """Return the seconds of each."""
    seconds = []
    for job in jobs:
        start = time.perf_counter()
        job()
        seconds.append(time.perf_counter() - start)
    return seconds


def spread(name: str, seconds: list[float], goal: float) -> list[object]:
    """Return a row of median and 95th percentile."""
    p95 = float(np.percentile(seconds, 95))
    return [name, statistics.median(seconds), p95, goal, "met" if p95 <= goal else "NOT met"]


def main(folder: Path) -> None:
    """Measure and print."""
    field, cube = wide(folder / "wide"), folder / "cube"
    cube.mkdir(exist_ok=True)
    if not list(cube.glob("*.h5")):
        make(cube)
    explore(field).__panel__().get_root()  # what a server has imported once its first visitor came
    rows = [spread("first view of 36000 x 18000", [opened(field)[1] for _ in range(3)], 3.0)]
    page, seconds = opened(field)
    stream = page.figure.ranges
    zooms = [(x, y) for x in range(-150, 150, 50) for y in range(-60, 60, 40)]
    jobs = [lambda x=x, y=y: stream.event(x_range=(x, x + 20.0), y_range=(y, y + 10.0)) for x, y in zooms]
    rows.append(spread("zoom into it", timed(jobs), 0.3))
    page, seconds = opened(cube)
    rows.append(spread("first view of 876 files", [seconds], 3.0))
    steps = np.random.default_rng(0).integers(0, 876, TRIES)
    rows.append(spread("slider to a new map", timed([lambda k=k: page.show("time", int(k)) for k in steps]), 0.3))
    places = [(100.5 + 0.1 * k, 39.0 - 0.05 * k) for k in range(TRIES)]
    rows.append(spread("click to 876 steps", timed([lambda p=p: page.select(*p) for p in places]), 0.3))
    table("explorer, rendered in the process", ["what", "median s", "p95 s", "goal s", ""], rows)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--folder", type=Path, help="where the files are, or are to be made and kept")
    given = asked.parse_args()
    if given.folder:
        given.folder.mkdir(parents=True, exist_ok=True)
        main(given.folder)
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
