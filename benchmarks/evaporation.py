"""PT-JPL and MOD16 beside numpy and xarray: the same equations, the same results, one core."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from _bench import alternate, table, verdict

from musyq_lab.kernels import evaporation, weather

SHAPE = (1024, 1024)
PIXELS = SHAPE[0] * SHAPE[1]
LEAF, SOIL, WHOLE = (0.02, 0.02, 650.0, 4200.0), (60.0, 95.0, 250.0), 0.0
Array = Any


def field() -> dict[str, np.ndarray]:
    """Make radiation, air and plants of ordinary land, float32."""
    draw = np.random.Generator(np.random.Philox(0))
    ndvi = draw.uniform(0.06, 0.9, SHAPE)
    made = {
        "radiation": draw.uniform(20, 700, SHAPE),
        "ground": draw.uniform(0, 80, SHAPE),
        "temperature": draw.uniform(275, 312, SHAPE),
        "humidity": draw.uniform(0.1, 0.99, SHAPE),
        "ndvi": ndvi,
        "highest": ndvi + draw.uniform(0, 0.1, SHAPE),
        "optimum": draw.uniform(10, 30, SHAPE),
    }
    return {name: values.astype(np.float32) for name, values in made.items()}


def ptjpl_arrays(given: dict[str, Array]) -> Array:
    """Latent heat of PT-JPL in array expressions, each term once: of numpy, or of xarray if given DataArrays."""
    celsius, humidity, ndvi = given["temperature"] - 273.15, given["humidity"], given["ndvi"]
    growth = np.exp(17.27 * celsius / (celsius + 237.7))
    slope = 4098 * 610.8 * growth / (celsius + 237.3) ** 2
    rate = 1.26 * slope / (slope + 66.2)
    square = humidity * humidity
    wet = (square * square).clip(1e-4, None)
    wet = xr.where(humidity < 0.7, 1e-4, wet) if isinstance(wet, xr.DataArray) else np.where(humidity < 0.7, 1e-4, wet)
    moist = humidity ** (611 * growth * (1 - humidity) / 1000)
    fapar = (1.3632 * (0.45 * ndvi + 0.132) - 0.048).clip(0, 1)
    most = (1.3632 * (0.45 * given["highest"] + 0.132) - 0.048).clip(0, 1)
    fipar = (ndvi.clip(0, 1) - 0.05).clip(0, 1)
    best = np.maximum(np.maximum(given["optimum"], celsius), 0.1)
    off = (celsius - best) / best
    growing = (fapar / fipar).clip(0, 1) * (fapar / most).clip(0, 1) * np.exp(-off * off)
    below = given["radiation"] * (1 - fipar) ** 1.2
    soil = ((wet + moist * (1 - wet)) * rate * (below - given["ground"])).clip(0, None)
    energy = rate * (given["radiation"] - below)
    canopy = ((1 - wet) * growing * energy).clip(0, None)
    total = soil + canopy + (wet * energy).clip(0, None)
    return np.minimum(total, (rate * (given["radiation"] - given["ground"])).clip(0, None))


def mod16_arrays(rn: Array, ground: Array, temp: Array, vpd: Array, p: Array, fpar: Array, lai: Array) -> Array:
    """Transpiration, soil and wet leaves of MOD16 by day in numpy, each term once."""
    to_heat, to_water, opened, closed = LEAF
    low, high, beta = SOIL
    t = temp - 273.15
    esat = 610.8 * np.exp(17.27 * t / (t + 237.3))
    rh = np.maximum((esat - vpd) / esat, 0)
    square = rh * rh
    wet = np.where(rh < 0.7, 0, square * square)
    s = 17.38 * 239 * esat / (239 + t) ** 2
    gamma = 1013 * p / (0.622 * (2.501e6 - 2361 * t))
    heat = 1013 * (0.00348444 * p - rh * (0.252 * t - 2.0582)) / temp
    radiating = 4 * 5.67e-8 * temp * temp * temp / heat
    thin = 101300 / p * (temp / 293.15) ** 1.75
    shut = np.clip((vpd - opened) / (closed - opened), 0, 1)
    canopy, moist = fpar * rn, lai * wet
    leaving = to_heat * moist + radiating
    e_wet = wet * (s * canopy + heat * fpar * vpd * leaving) / (s + gamma * leaving / (to_water * moist))
    inside = (0.0055 * (1 - shut) + 1e-5) / thin
    whole = to_heat * inside / (to_heat + inside) * lai * (1 - wet)
    leaving = to_heat + radiating
    e_dry = (1 - wet) * (s * canopy + heat * fpar * vpd * leaving) / (s + gamma * (1 + leaving / whole))
    resistance = (low + (high - low) * shut) / thin
    leaving = 1 / resistance + radiating
    bare = 1 - fpar
    e_soil = (s * bare * (rn - ground) + heat * bare * vpd * leaving) / (s + gamma * resistance * leaving)
    return e_dry, e_soil * (wet + (1 - wet) * rh ** (vpd / beta)), np.where(moist <= 1e-7, 0, e_wet)


def compare(title: str, jobs: dict[str, Callable[[], object]], goals: dict[str, float]) -> None:
    """Print rates in turn and the ratios with their goals."""
    rates = {name: PIXELS / t.seconds()[1] / 1e6 for name, t in alternate(jobs, rounds=7).items()}
    rows: list[list[object]] = [[name, rate, rates["musyq"] / rate] for name, rate in rates.items()]
    table(title, ["what", "Mpx/s/core", "musyq / this"], rows)
    for name, goal in goals.items():
        print(f"  beside {name}: {verdict(rates['musyq'] / rates[name], goal)}")


def ptjpl() -> None:
    """PT-JPL, latent heat only."""
    given = field()
    layers = {name: xr.DataArray(values, dims=("y", "x")) for name, values in given.items()}
    numbers = (1e5, 1.26, 0.7, 0.0)
    out = np.empty_like(given["radiation"])
    jobs: dict[str, Callable[[], object]] = {
        "musyq": lambda: evaporation.ptjpl(*given.values(), *numbers, out=out),
        "numpy": lambda: ptjpl_arrays(given),
        "xarray": lambda: ptjpl_arrays(layers),
    }
    compare("PT-JPL, float32", jobs, {"numpy": 4, "xarray": 4})
    print(f"  largest difference from numpy: {np.abs(out - ptjpl_arrays(given)).max():.1e} W m-2")


def mod16() -> None:
    """MOD16 by day, three parts."""
    given = field()
    deficit = weather.deficit_from_relative_humidity(given["temperature"], given["humidity"])
    cover, leaves = given["ndvi"], 4 * given["ndvi"]
    pressure = np.full_like(cover, 9.5e4)
    arrays = (given["radiation"], given["ground"], given["temperature"], deficit, pressure, cover, leaves)
    out = tuple(np.empty_like(cover) for _ in range(3))

    def by_numpy() -> Array:
        with np.errstate(all="ignore"):
            return mod16_arrays(*arrays)

    jobs: dict[str, Callable[[], object]] = {
        "musyq": lambda: evaporation.mod16(*arrays, 0.0055, *LEAF, *SOIL, WHOLE, out=out),
        "numpy": by_numpy,
    }
    compare("MOD16 by day, float32", jobs, {"numpy": 1})
    worst = max(float(np.abs(ours - theirs).max()) for ours, theirs in zip(out, by_numpy(), strict=True))
    print(f"  largest difference from numpy: {worst:.1e} W m-2")


if __name__ == "__main__":
    ptjpl()
    mod16()
