"""A whole tile, file to file: packed reflectance in, packed leaf area out, beside a chain of h5py and numpy.

``python benchmarks/tile.py [SIZE]``. Both chains read the same HDF5 file (int16, gzip and shuffle), evaluate the same
network and write int16 with gzip. Ours also checks domain and ranges and writes two layers of quality bits, which the
chain beside it does not. Both are given the two cores; numpy and h5py make use of one.
"""

import sys
import tempfile
import time
from pathlib import Path

import dask
import h5py
import numpy as np
import xarray as xr
from _bench import alternate, table, verdict

import musyq_lab as ml
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.products import _networks

BANDS = ("green", "red", "nir", "swir1", "swir2")
SENSOR = "landsat_oli/LANDSAT_8"
ANGLES = {"sun_zenith": 35.0, "view_zenith": 5.0, "relative_azimuth": 90.0}
LAND_PIXELS = 188e6  # of the global 1 km grid
TILE = Product(
    "reflectance",
    "Surface reflectance",
    tuple(Variable(f"reflectance_{b}", f"{b} reflectance", "1", valid_range=(-0.05, 1.6), scale=1e-4) for b in BANDS),
    (Input("altitude"),),
    stage="scene",
)
NAME = {"edition": "1km", "tile": "h00v00", "period": "2019186"}


def reflectance(size: int) -> xr.Dataset:
    """Return a tile of vegetation and soil with the texture of a landscape."""
    random = np.random.Generator(np.random.Philox(2))
    y, x = np.mgrid[0:size, 0:size] / 40.0
    cover = 0.5 + 0.35 * np.sin(x) * np.cos(0.7 * y) + random.normal(0, 0.03, (size, size))
    bare, leaves = (0.12, 0.16, 0.24, 0.32, 0.28), (0.05, 0.03, 0.45, 0.2, 0.09)
    layers = {}
    for band, soil, leaf in zip(BANDS, bare, leaves, strict=True):
        values = (soil + (leaf - soil) * cover + random.normal(0, 0.003, cover.shape)).clip(0.005)
        layers[f"reflectance_{band}"] = (("y", "x"), values.astype(np.float32), {"units": "1"})
    ds = xr.Dataset(layers, {"y": -np.arange(size, dtype=float), "x": np.arange(size, dtype=float)})
    return ds.assign_attrs(sensor="landsat_oli", platform="LANDSAT_8")


def ours(folder: Path) -> xr.Dataset:
    """Make the product from the archive and write it."""
    ds = ml.open_product(folder, product="reflectance").assign_attrs(sensor="landsat_oli", platform="LANDSAT_8")
    angles = {name: xr.DataArray(np.float32(value), attrs={"units": "degree"}) for name, value in ANGLES.items()}
    made = ml.retrieve("lai", ds, uncertainty=False, sensor=SENSOR, **angles)
    with dask.config.set(scheduler="threads", num_workers=2):
        ml.write_product(made, folder / "out", **NAME)
    return made


def numpy_network(reflectances: list[np.ndarray]) -> np.ndarray:
    """Evaluate the network of ours by matrix products."""
    given = frozenset(BANDS)
    chosen = _networks._choose(SENSOR, given)
    net = chosen.nets["lai"]
    by_role = dict(zip(BANDS, reflectances, strict=True))
    cosines = [np.full_like(reflectances[0], np.cos(np.deg2rad(angle))) for angle in ANGLES.values()]
    x = np.stack([*(by_role[b] for b in chosen.bands), *cosines], axis=-1)
    hidden = np.tanh(x @ np.array(net.weights, np.float32).T + np.array(net.biases, np.float32))
    u = hidden @ np.array(net.outputs, np.float32) + np.float32(net.constant)
    return u if net.scale == 0 else np.float32(net.scale) * np.expm1(u)


def chain(path: Path, out: Path) -> np.ndarray:
    """Read, scale, evaluate and write by h5py and numpy, in blocks of rows of chunks as one would."""
    with h5py.File(path) as file, h5py.File(out, "w") as target:
        stored = [file[f"reflectance_{band}"] for band in BANDS]
        rows, columns = stored[0].chunks
        lai = target.create_dataset("lai", stored[0].shape, "i2", chunks=(rows, columns), shuffle=True,
                                    compression="gzip", compression_opts=4)  # fmt: skip
        for start in range(0, stored[0].shape[0], rows):
            raw = [d[start : start + rows] for d in stored]
            bands = [np.where(r == -32768, np.nan, r * np.float32(1e-4)).astype(np.float32) for r in raw]
            value = np.clip(numpy_network(bands), 0, 8)
            lai[start : start + rows] = np.where(np.isnan(value), -32768, np.rint(value / 0.001)).astype("i2")
        return lai[...]


def measure(size: int) -> None:
    """Print throughput, ratio and what it means for the globe."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = ml.write_product(reflectance(size), folder, spec=TILE, **NAME)
        jobs = {"ours": lambda: ours(folder), "h5py + numpy": lambda: chain(path, folder / "peer.h5")}
        times = alternate(jobs, rounds=3)
        theirs = chain(path, folder / "peer.h5")
        mine = next((folder / "out").glob("*.h5"))
        with h5py.File(mine) as file:
            apart = np.abs(file["lai"][...].astype(int) - theirs)
        megapixels = size * size / 1e6
        rows = [[n, *t.seconds(), megapixels / t.seconds()[0], megapixels / t.seconds()[1]] for n, t in times.items()]
        table(f"{size} x {size}, {len(BANDS)} bands to leaf area, file to file",
              ["chain", "wall s", "processor s", "Mpx/s wall", "Mpx/s processor"], rows)  # fmt: skip
        wall, cpu = (times["h5py + numpy"].seconds()[k] / times["ours"].seconds()[k] for k in (0, 1))
        print(
            f"  wall {verdict(wall, 2)}, processor {cpu:.2f}x; counts apart by more than one: {np.mean(apart > 1):.1e}"
        )
        print(f"  a global composite of {LAND_PIXELS / 1e6:.0f} Mpx of land: {LAND_PIXELS / 1e6 / rows[0][3]:.0f} s")


if __name__ == "__main__":
    began = time.perf_counter()
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 3600)
    print(f"  measured in {time.perf_counter() - began:.0f} s")
