"""Kernels of surface temperature beside numpy, and beside a copy of the same bytes."""

from collections.abc import Callable

import numpy as np
from _bench import alternate, copy_job, table, verdict

from musyq_lab.kernels import temperature
from musyq_lab.products import _lst

PIXELS = 1 << 22
FEW = 1 << 20
Arrays = list[np.ndarray]
SPLIT = tuple(map(np.float32, _lst.published_split_window("modis/Terra").numbers))
SINGLE = tuple(map(np.float32, _lst.single_channel("landsat_oli/Landsat-8").numbers))


def scene(pixels: int) -> Arrays:
    """Brightness temperatures, emissivities, vapour and view angle, float32."""
    draw = np.random.default_rng(0)
    limits = ((280, 310), (278, 308), (0.94, 0.99), (0.94, 0.99), (2, 50), (0, 60))
    return [draw.uniform(*pair, pixels).astype(np.float32) for pair in limits]


def numpy_split(t1: np.ndarray, t2: np.ndarray, e1: np.ndarray, e2: np.ndarray, vapour: np.ndarray) -> np.ndarray:
    """Compute the split window of Sobrino's form in numpy."""
    c0, c1, c2, c3, c4, c5, c6 = SPLIT
    d, w = t1 - t2, vapour * np.float32(0.1)
    e = np.float32(0.5) * (e1 + e2)
    return t1 + c0 + c1 * d + c2 * d**2 + (c3 + c4 * w) * (1 - e) + (c5 + c6 * w) * (e1 - e2)


def numpy_single(t: np.ndarray, e: np.ndarray, vapour: np.ndarray, zenith: np.ndarray) -> np.ndarray:
    """Compute the single channel method in numpy."""
    k1, k2, b, *psi = SINGLE
    radiance = k1 / np.expm1(k2 / t)
    gamma = t**2 / (b * radiance)
    w = vapour * np.float32(0.1)
    x = w / np.cos(np.radians(zenith))
    first, second, sky = (np.polyval(psi[k : k + 3], y) for k, y in ((0, x), (3, x), (6, w)))
    second = second + np.polyval(psi[6:9], x) - sky
    return gamma * ((first * radiance + second) / e + sky) + t - gamma * radiance


def numpy_general(numbers: tuple[float, ...], given: Arrays) -> np.ndarray:
    """Compute the generalised split window in numpy, powers computed once."""
    t1, t2, e1, e2, vapour, zenith = given
    w, s = vapour * np.float32(0.1), 1 / np.cos(np.radians(zenith)) - 1
    terms = (np.float32(1), w, w * w, w**3, s, w * s, w * w * s, s * s, w * s * s)
    rows = np.reshape(numbers, (8, 9)).astype(np.float32)
    c, a1, a2, a3, b1, b2, b3, d = (sum(x * t for x, t in zip(row, terms, strict=True)) for row in rows)
    e = (e1 + e2) / 2
    y, z = (1 - e) / e, (e1 - e2) / e**2
    return c + (a1 + a2 * y + a3 * z) * (t1 + t2) / 2 + (b1 + b2 * y + b3 * z) * (t1 - t2) / 2 + d * (t1 - t2) ** 2


def pylandtemp_split(given: Arrays) -> Callable[[], object] | None:
    """Return the split window of pylandtemp (one vapour for all pixels), None where it is not installed."""
    try:
        from pylandtemp.temperature.algorithms.split_window.algorithms import SplitWindowJiminezMunozLST
    except ImportError:
        print("pylandtemp is not installed: its row is left out (pip install pylandtemp)")
        return None
    t1, t2, e1, e2, _, _ = given
    names = ("brightness_temperature_10", "brightness_temperature_11", "emissivity_10", "emissivity_11")
    shaped = {name: x.reshape(1024, -1) for name, x in zip(names, (t1, t2, e1, e2), strict=True)}
    other = {"mask": np.zeros((1024, t1.size // 1024), bool), "ndvi": np.full((1024, t1.size // 1024), 0.4, np.float32)}
    return lambda: SplitWindowJiminezMunozLST()(**shaped, **other)


def main() -> None:
    """Print throughputs as shares of the copy bandwidth, and ratios to numpy."""
    large, small = scene(PIXELS), scene(FEW)
    numbers = _lst.gsw("modis/Terra", vapour=True).numbers
    general = temperature.generalised_split_window(numbers)
    out, few = np.empty(PIXELS, np.float32), np.empty(FEW, np.float32)
    one = [small[0], small[2], small[4], small[5]]
    copy, moved = copy_job()
    jobs: dict[str, Callable[[], object]] = {
        "copy": copy,
        "split_window": lambda: temperature.split_window(*large[:5], *SPLIT, out=out),
        "gsw": lambda: general(*large, out=out),
        "numpy split": lambda: numpy_split(*small[:5]),
        "split": lambda: temperature.split_window(*small[:5], *SPLIT, out=few),
        "numpy gsw": lambda: numpy_general(numbers, small),
        "gsw few": lambda: general(*small, out=few),
        "numpy single": lambda: numpy_single(*one),
        "single": lambda: temperature.single_channel(*one, *SINGLE, out=few),
    }
    peer = pylandtemp_split(small)
    if peer is not None:
        jobs["pylandtemp"] = peer
    seconds = {name: timing.seconds()[0] for name, timing in alternate(jobs, rounds=15).items()}
    rate = moved / seconds["copy"]
    rows: list[list[object]] = []
    for name, arrays, goal in (("split_window", 6, 0.8), ("gsw", 7, None)):
        share = arrays * 4 * PIXELS / seconds[name] / rate
        words = verdict(share, goal) if goal else f"{share:.2f}"
        rows.append([name, f"{1e9 * seconds[name] / PIXELS:.2f}", words])
    table(f"Share of the bandwidth of a copy ({rate / 1e9:.1f} GB/s)", ["kernel", "ns a pixel", "share"], rows)
    ratios: list[list[object]] = [
        ["split window", verdict(seconds["numpy split"] / seconds["split"], 1.0)],
        ["generalised split window", verdict(seconds["numpy gsw"] / seconds["gsw few"], 1.0)],
        ["single channel", verdict(seconds["numpy single"] / seconds["single"], 4.0)],
    ]
    if peer is not None:
        ratios.append(["pylandtemp's split window", verdict(seconds["pylandtemp"] / seconds["split"], 1.0)])
    table("Time of numpy (or of the peer) over ours", ["method", "ratio"], ratios)


if __name__ == "__main__":
    main()
