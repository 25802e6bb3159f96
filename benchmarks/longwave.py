"""Longwave irradiance of the sky and of the ground beside numpy: the same equations, one core, float32."""

from collections.abc import Callable
from typing import Any

import numpy as np
from _bench import alternate, copy_job, table, verdict

from musyq_lab.kernels import longwave

SHAPE = (1024, 1024)
PIXELS = SHAPE[0] * SHAPE[1]
SIGMA = np.float32(5.670374419e-8)
Array = Any


def field() -> dict[str, np.ndarray]:
    """Make air, clouds and ground of ordinary land."""
    draw = np.random.Generator(np.random.Philox(0))
    ranges: dict[str, tuple[float, float]] = {
        "air": (255, 312),
        "vapour": (100, 3000),
        "cloud": (0, 1),
        "ground": (255, 325),
    }
    ranges |= {"emissivity": (0.9, 0.99), "down": (180, 430), "albedo": (0.05, 0.6), "light": (0, 1000)}
    made = {name: draw.uniform(*limits, SHAPE).astype(np.float32) for name, limits in ranges.items()}
    return made | {"column": (4.65 * made["vapour"] / made["air"]).astype(np.float32)}


def grey(air: Array, emissivity: Array, cloud: Array) -> Array:
    """Return what a grey sky with black clouds sends."""
    square = air * air
    return SIGMA * square * square * ((1 - cloud) * emissivity + cloud)


def clear(name: str, air: Array, vapour: Array, column: Array) -> Array:
    """Return the emissivity of a clear sky in array expressions."""
    if name == "prata":
        w = 0.1 * column
        return 1 - (1 + w) * np.exp(-np.sqrt(1.2 + 3 * w))
    if name == "brutsaert":
        return 1.24 * (0.01 * vapour / air) ** np.float32(1 / 7)
    if name == "idso":
        return 0.70 + 5.95e-7 * vapour * np.exp(1500 / air)
    return 0.618 + 0.056 * np.sqrt(0.01 * vapour)


def skies() -> None:
    """Four skies with clouds."""
    f = field()
    out = np.empty(SHAPE, np.float32)
    ours: dict[str, Callable[[], Array]] = {
        "prata": lambda: longwave.prata(f["air"], f["column"], 0.0, f["cloud"], f["cloud"], out=out),
        "brutsaert": lambda: longwave.brutsaert(f["air"], f["vapour"], f["cloud"], f["cloud"], out=out),
        "idso": lambda: longwave.idso(f["air"], f["vapour"], f["cloud"], f["cloud"], out=out),
        "brunt": lambda: longwave.brunt(f["air"], f["vapour"], 0.618, 0.056, f["cloud"], f["cloud"], out=out),
    }
    rows: list[list[object]] = []
    for name, job in ours.items():

        def by_numpy(name: str = name) -> Array:
            return grey(f["air"], clear(name, f["air"], f["vapour"], f["column"]), f["cloud"])

        rows.append(compare(name, job, by_numpy))
    show("Clear skies with clouds", rows)


def balances() -> None:
    """Emission and reflection, and the balance of the surface."""
    f = field()
    out, three = np.empty(SHAPE, np.float32), tuple(np.empty(SHAPE, np.float32) for _ in range(3))

    def upward() -> Array:
        square = f["ground"] * f["ground"]
        return f["emissivity"] * SIGMA * square * square + (1 - f["emissivity"]) * f["down"]

    def net() -> Array:
        square = f["ground"] * f["ground"]
        short, long = (1 - f["albedo"]) * f["light"], f["emissivity"] * (f["down"] - SIGMA * square * square)
        return short + long, short, long

    given = (f["albedo"], f["light"], f["down"], f["ground"], f["emissivity"])
    rows = [
        compare("upward", lambda: longwave.upward(f["ground"], f["emissivity"], f["down"], out=out), upward),
        compare("net radiation and parts", lambda: longwave.net_of_emitted(*given, out=three), net),
    ]
    show("Surface", rows)


def compare(name: str, ours: Callable[[], Array], theirs: Callable[[], Array]) -> list[object]:
    """Return a row of rates, their ratio and the largest relative difference."""
    copy, moved = copy_job(1 << 26)
    times = alternate({"ours": ours, "numpy": theirs, "copy": copy}, rounds=7)
    seconds = {key: timing.seconds()[1] for key, timing in times.items()}
    first, second = np.broadcast_arrays(np.asarray(ours()), np.asarray(theirs()))
    difference = float(np.max(np.abs(first - second)) / np.max(np.abs(second)))
    rate = PIXELS / seconds["ours"] / 1e6
    return [name, rate, seconds["numpy"] / seconds["ours"], moved / seconds["copy"] / 1e9, difference]


def show(title: str, rows: list[list[object]]) -> None:
    """Print a table and whether none is slower than numpy."""
    table(title, ["what", "Mpx/s/core", "numpy / ours, time", "copy, GB/s", "largest difference"], rows)
    slowest = min(float(str(row[2])) for row in rows)
    print(f"  least gain over numpy: {verdict(slowest, 1)}")


if __name__ == "__main__":
    skies()
    balances()
