"""Make ``training.npz``: series of vegetation indices of every land cover class, from the simulated Earth.

    python catalogs/land_cover/derive_training.py

The places are spread over the climates in which the classes grow; the cover of each is that of MCD12C1 around it (or of
the preset). Reflectance is that of the surface in the bands of MODIS seen from nadir at the local forenoon, every 16
days of a year: no cloud, no noise (training adds both), -32768 in the polar night. At most :data:`MOST` cells of a
class are kept of a place. The confusion of the shipped classifiers at places left out of the training is added in the
end. Takes some five minutes on one core; the same numbers come out each time.
"""

import datetime as dt
import sys
from pathlib import Path
from typing import Any

import numpy as np

from musyq_lab.products._classifier import shipped_classifier
from musyq_lab.twin import beneath
from musyq_lab.twin.world import make_world

OUT = Path(__file__).with_name("training.npz")
YEAR, STEP, MOST, SEED, SCALE = 2018, 16, 24, 7, 1e-4
PRESETS = ("huailai", "hulunber", "heihe", "jingyuetan")
PLACES = (
    (25.0, 62.0), (-120.0, 55.0), (-60.0, -5.0), (22.0, 0.0), (113.0, 0.5), (110.0, 60.0), (125.0, 62.0), (-75.0, 42.0),
    (-85.0, 35.0), (15.0, 48.0), (-80.0, 46.0), (128.0, 43.5), (-117.0, 33.2), (20.0, -33.0), (134.0, -25.0),
    (20.0, -20.0), (-112.0, 33.0), (-62.0, 55.0), (-50.0, -15.0), (20.0, 10.0), (30.0, -12.0), (36.0, 2.0),
    (-110.0, 40.0), (100.0, 50.0), (90.0, 32.0), (74.0, 61.0), (31.0, 7.5), (-57.0, -18.0), (78.0, 20.0), (102.0, 15.0),
    (-95.0, 42.0), (115.0, 35.0), (31.0, 48.0), (116.4, 39.9), (-87.8, 41.9), (2.35, 48.85), (-46.6, -23.5),
    (108.0, 31.0), (10.0, 48.3), (-45.0, 70.0), (10.0, 25.0), (85.0, 40.0), (145.0, -37.0), (-100.0, 40.0),
)  # fmt: skip


def dates() -> list[dt.datetime]:
    """Return the days of the year that are simulated."""
    first = dt.datetime(YEAR, 1, 1)
    return [first + dt.timedelta(days=k) for k in range(0, 365, STEP)]


def series(where: str | tuple[float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return class, NDVI and EVI of some cells of each class of a place; (cell,), (cell, time), (cell, time)."""
    world = make_world(where, size=2, resolution=60, seed=SEED)
    classes = world.static["land_cover"].values.ravel()
    draw = np.random.Generator(np.random.Philox(SEED))
    chosen = np.concatenate([draw.permutation(np.flatnonzero(classes == k))[:MOST] for k in np.unique(classes)])
    longitude = float(np.mean(world.grid.longitude))
    planes = []
    for day in dates():
        noon = day + dt.timedelta(hours=(10.5 - longitude / 15.0) % 24.0)
        made = beneath.surface_reflectance(world, "modis", noon, ("blue", "red", "nir"))
        planes.append(made.values.reshape(3, -1)[:, chosen])
    blue, red, nir = np.moveaxis(np.array(planes, np.float64), 1, 0)
    ndvi = (nir - red) / (nir + red)
    evi = 2.5 * (nir - red) / (nir + 6.0 * red - 7.5 * blue + 1.0)
    return classes[chosen], ndvi.T, evi.T


def main() -> None:
    """Write the table."""
    rows = []
    everywhere: tuple[str | tuple[float, float], ...] = (*PRESETS, *PLACES)
    for number, where in enumerate(everywhere):
        classes, ndvi, evi = series(where)
        rows.append((classes, np.full(classes.size, number), ndvi, evi))
        print(where, dict(zip(*(x.tolist() for x in np.unique(classes, return_counts=True)), strict=True)))
        sys.stdout.flush()
    classes, place, ndvi, evi = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    scaled = [np.round(np.clip(x, -1, 2) / SCALE) for x in (ndvi, evi)]
    packed = [np.where(np.isfinite(x), x, -32768).astype(np.int16) for x in scaled]
    day = np.array([d.timetuple().tm_yday for d in dates()], np.int16)
    table: dict[str, Any] = {
        "land_cover": classes.astype(np.uint8),
        "place": place.astype(np.uint8),
        "day": day,
        "ndvi": packed[0],
        "evi": packed[1],
        "scale": np.float64(SCALE),
    }
    for inputs in (("ndvi",), ("ndvi", "evi")):
        made = shipped_classifier(table, inputs, validate=True)
        print(made)
        table["confusion_" + "_".join(inputs)] = made.confusion.astype(np.int16)
    np.savez_compressed(OUT, **table)


if __name__ == "__main__":
    main()
