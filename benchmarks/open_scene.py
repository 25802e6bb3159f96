"""A Landsat-8 granule of 3000 x 3000 pixels: opening it, and counts to reflectance and temperature, beside peers.

Peers: the same formula in plain numpy, and rioxarray with numpy (what people write) on the same files. Equality is
checked before anything is timed.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import rioxarray
from _bench import alternate, copy_job, table, verdict

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from sensors import make_landsat

import musyq_lab as ml
from musyq_lab.kernels.radiometry import brightness_temperature, linear

SIDE = 3000
K1, K2 = 774.8853, 1321.0789


def kernels() -> None:
    """Arithmetic alone, in memory."""
    counts = np.random.default_rng(0).integers(1, 65535, (SIDE, SIDE)).astype(np.uint16)
    radiance = (counts * np.float32(3.342e-4) + np.float32(0.1)).astype(np.float32)
    copy, copied = copy_job()

    def numpy_line() -> np.ndarray:
        values = counts * np.float32(2e-5) + np.float32(-0.1)
        values[counts == 0] = np.nan
        return values

    def numpy_planck() -> np.ndarray:
        return np.float32(K2) / np.log(np.float32(K1) / radiance + np.float32(1))

    def line() -> np.ndarray:
        return linear(counts, 2e-5, -0.1, -1e9, 1e9, 0.0)

    def planck() -> np.ndarray:
        return brightness_temperature(radiance, K1, K2)

    assert np.nanmax(np.abs(line() - numpy_line())) < 1e-6
    assert np.nanmax(np.abs(planck() - numpy_planck())) < 1e-3
    times = alternate(
        {"line": line, "numpy line": numpy_line, "planck": planck, "numpy planck": numpy_planck, "copy": copy}
    )
    seconds = {name: timing.seconds()[0] for name, timing in times.items()}
    bandwidth = copied / seconds["copy"]

    def row(title: str, name: str, moved: int, goal: float) -> list[object]:
        pixels = SIDE * SIDE / seconds[name]
        ratio = verdict(seconds[f"numpy {name}"] / seconds[name], goal)
        return [title, pixels / 1e6, ratio, f"{moved * pixels / bandwidth:.0%}"]

    rows = [row("counts to reflectance", "line", 6, 1.5), row("radiance to temperature", "planck", 8, 1.0)]
    table("Kernels, new arrays", ["job", "Mpx/s", "times numpy", "of copy bandwidth"], rows)


def files(folder: Path) -> None:
    """From files to values."""
    made = make_landsat.make(folder, shape=(SIDE, SIDE), bands=("4", "10"))
    gain, offset = make_landsat.gain(made.number("4"), "OLI_TIRS"), make_landsat.offset(made.number("4"))

    def ours() -> np.ndarray:
        return ml.open_scene(folder)["red"].values

    def people() -> np.ndarray:
        data = rioxarray.open_rasterio(made.file("4"), chunks={"x": 2048, "y": 2048}).squeeze(drop=True)
        return data.where(data != 0).values * gain + offset

    assert np.isfinite(ours()).mean() > 0.99
    jobs = {"open_scene": lambda: ml.open_scene(folder), "open_scene, red": ours, "rioxarray, red": people}
    times = alternate(jobs, rounds=5)
    base = times["open_scene, red"].seconds()[0]
    rows = [[name, *timing.seconds(), timing.seconds()[0] / base] for name, timing in times.items()]
    table("From files", ["job", "wall s", "cpu s", "times ours"], rows)


def main() -> None:
    """Measure and print."""
    kernels()
    with tempfile.TemporaryDirectory() as folder:
        files(Path(folder))


if __name__ == "__main__":
    main()
