"""Clear-sky models beside pvlib and plain numpy, float32, one thread: goal 5 times pvlib, never below numpy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from _bench import alternate, table, verdict

from musyq_lab.kernels import clear_sky

PIXELS = 500_000


def inputs() -> dict[str, Any]:
    """Return the Sun and the air of random pixels."""
    draw = np.random.Generator(np.random.Philox(7))
    limits = {
        "zenith": (0.0, 85.0),
        "beyond": (1320.0, 1410.0),
        "aod": (0.02, 0.6),
        "alpha": (0.5, 1.8),
        "vapour": (3.0, 50.0),
        "ozone": (250.0, 400.0),
        "pressure": (7e4, 1.02e5),
        "albedo": (0.1, 0.4),
        "linke": (2.0, 6.0),
    }
    return {name: draw.uniform(*pair, PIXELS).astype(np.float32) for name, pair in limits.items()}


def numpy_bird(x: dict[str, Any]) -> Any:
    """Bird & Hulstrom written with whole arrays."""
    mu = np.cos(np.radians(x["zenith"]))
    m = 1 / (mu + 0.15 * (93.885 - x["zenith"]) ** -1.253)
    p = m * x["pressure"] / 101325
    rayleigh = np.exp(-0.0903 * p**0.84 * (1 + p - p**1.01))
    o3, w = x["ozone"] * 1e-3 * m, x["vapour"] * 0.1 * m
    ozone = 1 - 0.1611 * o3 * (1 + 139.48 * o3) ** -0.3034 - 0.002715 * o3 / (1 + 0.044 * o3 + 0.0003 * o3**2)
    gases = ozone * np.exp(-0.0127 * p**0.26) * (1 - 2.4959 * w / ((1 + 79.034 * w) ** 0.6828 + 6.385 * w))
    broad = x["aod"] * (0.27583 * (550 / 380) ** x["alpha"] + 0.35 * (550 / 500) ** x["alpha"])
    aerosol = np.exp(-(broad**0.873) * (1 + broad - broad**0.7088) * m**0.9108)
    kept = 1 - 0.1 * (1 - m + m**1.06) * (1 - aerosol)
    direct = 0.9662 * mu * x["beyond"] * aerosol * gases * rayleigh
    scattered = 0.5 * (1 - rayleigh) + 0.85 * (1 - aerosol / kept)
    diffuse = 0.79 * mu * x["beyond"] * gases * kept * scattered / (1 - m + m**1.02)
    whole = (direct + diffuse) / (1 - x["albedo"] * (0.0685 + 0.15 * (1 - aerosol / kept)))
    return direct, whole - direct


def peers(x: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """Return pvlib's models on the same pixels, air masses and all."""
    try:
        from pvlib import atmosphere
        from pvlib import clearsky as pv
    except ImportError:
        print("pvlib is not installed: no peer")
        return {}

    def mass(model: str) -> Any:
        return atmosphere.get_relative_airmass(x["zenith"], model)

    def ineichen() -> Any:
        absolute = atmosphere.get_absolute_airmass(mass("kastenyoung1989"), x["pressure"])
        height = atmosphere.pres2alt(x["pressure"])
        return pv.ineichen(x["zenith"], absolute, x["linke"], altitude=height, dni_extra=x["beyond"])

    def bird() -> Any:
        to_380, to_500 = ((550 / w) ** x["alpha"] * x["aod"] for w in (380, 500))
        return pv.bird(
            x["zenith"], mass("kasten1966"), to_380, to_500, x["vapour"] * 0.1, x["ozone"] * 1e-3, x["pressure"],
            x["beyond"], 0.85, x["albedo"],
        )  # fmt: skip

    def solis() -> Any:
        at_700 = x["aod"] * (550 / 700) ** x["alpha"]
        return pv.simplified_solis(90 - x["zenith"], at_700, x["vapour"] * 0.1, x["pressure"], x["beyond"])

    series = pd.Series(x["zenith"])  # its Haurwitz takes nothing else
    return {"bird": bird, "ineichen": ineichen, "solis": solis, "haurwitz": lambda: pv.haurwitz(series)}


def ours(x: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """Return our models."""
    air = [x[n] for n in ("aod", "alpha", "vapour", "ozone", "pressure", "albedo")]
    sun, dry = (x["zenith"], x["beyond"]), (x["aod"], x["alpha"], x["vapour"], x["pressure"])
    return {
        "bird": lambda: clear_sky.bird(*sun, *air),
        "rest2": lambda: clear_sky.rest2(*sun, *air),
        "ineichen": lambda: clear_sky.ineichen(*sun, x["linke"], x["pressure"]),
        "esra": lambda: clear_sky.esra(*sun, x["linke"], x["pressure"]),
        "solis": lambda: clear_sky.solis(*sun, *dry),
        "haurwitz": lambda: clear_sky.haurwitz(x["zenith"]),
    }


def main() -> None:
    """Print rates and ratios."""
    x = inputs()
    jobs: dict[str, Callable[[], object]] = {f"musyq {name}": job for name, job in ours(x).items()}
    jobs |= {f"pvlib {name}": job for name, job in peers(x).items()} | {"numpy bird": lambda: numpy_bird(x)}
    rates = {name: PIXELS / timing.seconds()[1] / 1e6 for name, timing in alternate(jobs, rounds=5).items()}
    rows: list[list[object]] = []
    for name, rate in rates.items():
        kind, model = name.split()
        mine = rates.get(f"musyq {model}")
        rows.append([name, rate, "" if kind == "musyq" or mine is None else mine / rate])
    table(f"clear sky, {PIXELS / 1e6:g} Mpx float32", ["what", "Mpx/s/core", "musyq / this"], rows)
    for name in ("bird", "ineichen", "solis", "haurwitz"):
        if f"pvlib {name}" in rates:
            print(f"  {name} beside pvlib: {verdict(rates[f'musyq {name}'] / rates[f'pvlib {name}'], 5)}")
    print(f"  bird beside numpy: {verdict(rates['musyq bird'] / rates['numpy bird'], 1)}")


if __name__ == "__main__":
    main()
