"""A sinusoidal scene onto a longitude-latitude grid beside odc-geo (GDAL inside), coordinates included on both sides.

odc-geo is not a dependency: ``python -m pip install odc-geo``.
"""

import numpy as np
import xarray as xr
from _bench import alternate, table, verdict

from musyq_lab.kernels import warp as kernels
from musyq_lab.standard import warp
from musyq_lab.standard._warp_frames import Frame, exact, frame_of_data, lattice
from musyq_lab.standard._warp_source import Source

try:
    from odc.geo.geobox import GeoBox
    from odc.geo.xr import wrap_xr, xr_reproject
except ImportError:
    raise SystemExit("This benchmark needs odc-geo: python -m pip install odc-geo") from None

SINUSOIDAL = "+proj=sinu +R=6371007.181 +units=m"
SIZE = 1500
GOAL = 5.0
PEER = {"bilinear": "bilinear", "nearest": "nearest", "area": "average"}


def scene(bands: int, west: float = 7.3e6) -> tuple[xr.Dataset, "GeoBox", np.ndarray]:
    """Make a scene that covers the target: pixels of 926.625 m, as of MODIS."""
    box = GeoBox.from_bbox((west, 3.6e6, west + 3.5e6, 5.4e6), crs=SINUSOIDAL, resolution=926.625433)
    values = np.random.default_rng(0).normal(0.3, 0.1, (bands, *box.shape)).astype(np.float32)
    y, x = (np.asarray(box.coordinates[name].values) for name in ("y", "x"))
    reflectance = xr.DataArray(values, dims=("band", "y", "x"), coords={"y": y, "x": x})
    made = xr.Dataset({"reflectance": reflectance}).assign_coords(
        band=[f"b{k}" for k in range(bands)], spatial_ref=((), 0, {"crs_wkt": SINUSOIDAL})
    )
    return made.assign_attrs(sensor="modis"), box, values


def grid(step: float) -> tuple[xr.Dataset, "GeoBox"]:
    """Make the target: 15 x 15 degrees inside the scene."""
    count = round(0.01 * SIZE / step)
    west, north = 100.0, 48.0
    box = GeoBox.from_bbox((west, north - count * step, west + count * step, north), "EPSG:4326", shape=(count, count))
    latitude, longitude = north - step * (np.arange(count) + 0.5), west + step * (np.arange(count) + 0.5)
    return xr.Dataset(coords={"latitude": latitude, "longitude": longitude}), box


def against_odc(step: float, bands: int) -> None:
    """Print seconds of processor time, and the ratio, for each method."""
    ours, source_box, values = scene(bands)
    like, target_box = grid(step)
    layers = [wrap_xr(v, source_box, nodata=np.nan) for v in values]
    rows: list[list[object]] = []
    for method, peer in PEER.items():
        times = alternate(
            {
                "ours": lambda method=method: warp.to_grid(ours, like, method=method),
                "odc-geo": lambda peer=peer: [xr_reproject(v, target_box, resampling=peer) for v in layers],
            },
            rounds=7,
        )
        a, b = times["ours"].seconds()[1], times["odc-geo"].seconds()[1]
        rows.append([method, a * 1e3, b * 1e3, verdict(b / a, GOAL)])
    cells = target_box.shape
    table(
        f"{cells[0]} x {cells[1]} cells, {bands} band(s), ms of processor time",
        ["method", "ours", "odc-geo", "ratio"],
        rows,
    )


def reused() -> None:
    """Print what a further band costs once the weights of a block are there."""
    ours, source_box, values = scene(1)
    like, target_box = grid(0.01)
    frame = frame_of_data(like, "target")
    source = Source(ours, ("y", "x"))
    weights = _whole(source, frame)
    layer = wrap_xr(values[0], source_box, nodata=np.nan)
    times = alternate(
        {
            "ours": lambda: kernels.mean(weights, values, frame.shape),
            "odc-geo": lambda: xr_reproject(layer, target_box, resampling="average"),
        }
    )
    a, b = times["ours"].seconds()[1], times["odc-geo"].seconds()[1]
    table(
        "area, weights reused, ms of processor time",
        ["ours", "odc-geo", "ratio"],
        [[a * 1e3, b * 1e3, verdict(b / a, GOAL)]],
    )


def _whole(source: Source, frame: Frame) -> kernels.Weights:
    block = 0, frame.rows, 0, frame.columns
    return source.geometry.overlap(frame, block, (0, source.geometry.shape[0], 0, source.geometry.shape[1]))


def against_numpy() -> None:
    """Print each kernel beside the same in numpy."""
    ours, _, values = scene(1)
    like, _ = grid(0.01)
    frame, source = frame_of_data(like, "target"), frame_of_data(ours, "scene")
    row, column = lattice(frame, source, 0.5, (0, SIZE), (0, SIZE)) - 0.5
    weights = _whole(Source(ours, ("y", "x")), frame)
    v, u = np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5, indexing="ij")
    cell = np.repeat(np.arange(weights.start.size - 1), np.diff(weights.start))
    count = weights.start.size - 1
    flags = (values[0] > 0.4).astype(np.uint16) * 4

    def numpy_between() -> np.ndarray:
        i = np.clip(row, 0, values.shape[1] - 2).astype(np.int64)
        j = np.clip(column, 0, values.shape[2] - 2).astype(np.int64)
        s, t = row - i, column - j
        a, b, c, d = values[0][i, j], values[0][i, j + 1], values[0][i + 1, j], values[0][i + 1, j + 1]
        return (1 - s) * ((1 - t) * a + t * b) + s * ((1 - t) * c + t * d)

    def numpy_mean() -> np.ndarray:
        x = values[0].ravel()[weights.pixel]
        return np.bincount(cell, weights.share * x, count) / np.bincount(cell, weights.share, count)

    def numpy_noise() -> np.ndarray:
        x = values[0].ravel()[weights.pixel] * weights.share
        return np.sqrt(np.bincount(cell, x * x, count)) / np.bincount(cell, weights.share, count)

    def numpy_bits() -> np.ndarray:
        return np.bincount(cell, weights.share * (flags.ravel()[weights.pixel] >> 2 & 1), count) >= 0.1

    jobs = {
        "positions": (lambda: lattice(frame, source, 0.5, (0, SIZE), (0, SIZE)), lambda: exact(frame, source, v, u)),
        "between": (lambda: kernels.between(values, row, column), numpy_between),
        "pick": (
            lambda: kernels.pick(values, row, column),
            lambda: values[0][np.rint(row).astype(np.int64), np.rint(column).astype(np.int64)],
        ),
        "mean": (lambda: kernels.mean(weights, values, frame.shape), numpy_mean),
        "noise": (lambda: kernels.noise(weights, values, frame.shape), numpy_noise),
        "bits (one)": (lambda: kernels.bits(weights, flags, frame.shape, np.full(16, 0.1)), numpy_bits),
    }
    rows: list[list[object]] = []
    for name, (kernel, peer) in jobs.items():
        times = alternate({"ours": kernel, "numpy": peer}, rounds=5)
        a, b = times["ours"].seconds()[1], times["numpy"].seconds()[1]
        rows.append([name, a * 1e3, b * 1e3, verdict(b / a, 1.0)])
    table(f"Kernels, {SIZE} x {SIZE} cells, ms of processor time", ["kernel", "ours", "numpy", "ratio"], rows)


if __name__ == "__main__":
    against_odc(0.01, 1)
    against_odc(0.01, 7)
    against_odc(0.05, 7)
    reused()
    against_numpy()
