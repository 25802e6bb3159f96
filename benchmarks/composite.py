"""Composites: kernels of many looks beside numpy and xarray in one process, and the memory of a whole tile.

``python benchmarks/composite.py`` measures the kernels; ``python benchmarks/composite.py tile [SIZE] [LOOKS] [CHUNK]``
makes a composite of generated scenes and prints the peak memory of the process.
"""

import re
import sys
import time
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import xarray as xr
from _bench import alternate, table, verdict

from musyq_lab.composite.composite import composite
from musyq_lab.core.grid import ProjectedGrid
from musyq_lab.kernels import looks as kernels

LOOKS, SIDE = 30, 512
GAPS = 0.4


def stack() -> tuple[np.ndarray, np.ndarray]:
    """Return values and weights (look, y, x), float32."""
    random = np.random.Generator(np.random.Philox(1))
    value = random.normal(0.1, 0.02, (LOOKS, SIDE, SIDE)).astype(np.float32)
    weight = random.uniform(0.1, 1, value.shape).astype(np.float32)
    gap = random.uniform(size=value.shape) < GAPS
    value[gap], weight[gap] = np.nan, 0
    return value, weight


def numpy_mean(value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted mean over the looks."""
    there = np.isfinite(value)
    return np.where(there, value * weight, 0).sum(0) / np.where(there, weight, 0).sum(0)


def numpy_median(value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted median over the looks by sorting."""
    order = np.argsort(value, axis=0)
    total = np.cumsum(np.take_along_axis(weight, order, 0), axis=0)
    at = (total < 0.5 * total[-1]).sum(0)
    return np.take_along_axis(np.take_along_axis(value, order, 0), at[np.newaxis], 0)[0]


def numpy_bisquare(value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weights after Tukey's bisquare."""
    filled = np.where(weight > 0, value, np.float32(9))
    centre = numpy_median(filled, weight)
    away = np.abs(filled - centre)
    sigma = 0.005 + 0.05 * np.maximum(centre, 0)
    scale = np.clip(1.4826 * numpy_median(away, weight), sigma, 2 * sigma)
    return weight * np.maximum(1 - (away / (4.685 * scale)) ** 2, 0) ** 2


def measure() -> None:
    """Print rates and ratios of the kernels."""
    value, weight = stack()
    flat = [a.reshape(LOOKS, -1) for a in (value, weight)]
    packed = [np.ascontiguousarray(kernels.lanes(a)) for a in flat]
    wide, heavy = (xr.DataArray(a, dims=("look", "y", "x")) for a in (value, weight))
    jobs = {
        "weighted mean, musyq": lambda: kernels.weighted_mean(value, weight),
        "weighted mean, numpy": lambda: numpy_mean(value, weight),
        "weighted mean, xarray": lambda: wide.weighted(heavy).mean("look"),
        "bisquare weights, musyq": lambda: kernels.bisquare(*packed),
        "bisquare weights with packing, musyq": lambda: kernels.bisquare(*map(kernels.lanes, flat)),
        "bisquare weights, numpy": lambda: numpy_bisquare(value, weight),
    }
    seconds = {name: timing.seconds()[1] for name, timing in alternate(jobs, rounds=7).items()}
    rows = [[name, SIDE * SIDE / s / 1e6, SIDE * SIDE * LOOKS / s / 1e6] for name, s in seconds.items()]
    table(f"{LOOKS} looks, {SIDE} x {SIDE} pixels", ["what", "Mpx/s/core", "Mlooks/s/core"], rows)
    own, rival = seconds["weighted mean, musyq"], seconds["weighted mean, xarray"]
    print(f"  weighted mean beside xarray: {verdict(rival / own, 5)}")
    print(f"  weighted mean beside numpy: {verdict(seconds['weighted mean, numpy'] / own, 1)}")
    robust = seconds["bisquare weights with packing, musyq"]
    print(f"  bisquare beside numpy: {verdict(seconds['bisquare weights, numpy'] / robust, 1)}")


def layer(block_info: dict | None = None, *, low: float, high: float, kind: str, key: int) -> np.ndarray:
    """Return one chunk of random numbers."""
    shape, place = block_info[None]["chunk-shape"], block_info[None]["chunk-location"]
    random = np.random.Generator(np.random.Philox(key=[key, sum(k * 1000**i for i, k in enumerate(place))]))
    values = random.random(shape, dtype=np.float32)
    values *= high - low
    values += low
    return values.astype(kind, copy=False)


def generated(number: int, size: int, chunk: int) -> xr.Dataset:
    """Return a lazy scene of four bands."""
    grid = ProjectedGrid("30m", "EPSG:32650", 500_000, 4_500_000, 30, size, size)
    plane = da.core.normalize_chunks((chunk, chunk), (size, size))

    def made(what: int, chunks: tuple, low: float, high: float, dtype: str = "float32") -> da.Array:
        choice = {"low": low, "high": high, "kind": dtype, "key": 100 * number + what}
        return da.map_blocks(layer, chunks=chunks, dtype=dtype, meta=np.empty((0,) * len(chunks), dtype), **choice)

    bands = {"blue": 0.47, "green": 0.55, "red": 0.65, "nir": 0.86}
    variables = {"reflectance": (("band", "y", "x"), made(0, ((len(bands),), *plane), 0.05, 0.1))}
    variables["qa"] = (("y", "x"), made(1, plane, 0, 6, "uint16"))
    for k, name in enumerate(("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")):
        variables[name] = (("y", "x"), made(2 + k, plane, 0, 60))
    coords = {"y": grid.y, "x": grid.x, "band": list(bands), "wavelength": ("band", list(bands.values()))}
    spatial = ((), 0, {"crs_wkt": grid.crs})
    time_ = f"2019-07-0{1 + number % 4}T{number % 24:02d}:{number // 24:02d}:00Z"
    attrs = {"sensor": f"s{number % 3}", "granule": f"g{number}", "time_coverage_start": time_}
    return xr.Dataset(variables, {**coords, "spatial_ref": spatial}, {**attrs, "reflectance_level": "surface"})


def peak_memory() -> float:
    """Return the peak memory (GB) of this program: VmHWM begins with it, ru_maxrss at its parent's (man 5 proc)."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1e6


def tile(size: int = 3600, looks: int = LOOKS, chunk: int = 400, method: str = "auto") -> None:
    """Make a composite of a tile, reduced to sums so that nothing but the work is in memory."""
    made = composite([generated(k, size, chunk) for k in range(looks)], period="2019-07-02", method=method)
    sums = {name: layer_.sum() for name, layer_ in made.data_vars.items() if name != "lineage"}
    wall, cpu = time.perf_counter(), time.process_time()
    with dask.config.set(scheduler="threads", num_workers=2):
        dask.compute(sums)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = peak_memory()
    print(f"{size} x {size} x {looks} looks, chunks of {chunk}, {method}: {wall:.0f} s, {cpu:.0f} s of processor")
    print(f"  peak memory {peak:.2f} GB (goal below 1.5: {'met' if peak < 1.5 else 'NOT met'})")


if __name__ == "__main__":
    if sys.argv[1:2] == ["tile"]:
        numbers = [int(word) for word in sys.argv[2:5]]
        tile(*numbers, **({"method": sys.argv[5]} if len(sys.argv) > 5 else {}))
    else:
        measure()
