"""Tests of cloud beside the same arithmetic in numpy, in one process; then a whole scene through ``classify``."""

import numpy as np
import xarray as xr
from _bench import alternate, table, verdict
from scipy import ndimage

from musyq_lab.kernels import cloud as kernels
from musyq_lab.standard import cloud, layout

PIXELS = 1 << 20
EDGE = 1024
BANDS = {"blue": 0.48, "green": 0.56, "red": 0.65, "nir": 0.86, "swir1": 1.61, "cirrus": 1.37}
CLEAR = (0.025, 0.0, 0.02, 0.7, 0.05, 0.003, 0.002, 295.0, 5.0, 290.0, 4.0, 265.0, 4.0, 0.0)


def planes(count: int) -> list[np.ndarray]:
    """Reflectance, temperature and angles of random pixels, float32, in the order of the kernel."""
    draw = np.random.Generator(np.random.Philox(0))
    reflectance = [draw.uniform(0.02, 0.7, count) for _ in range(5)]
    angles = [draw.uniform(low, high, count) for low, high in ((20, 60), (0, 40), (0, 180))]
    temperature = draw.uniform(250, 310, count)
    missing = np.full(count, np.nan)
    made = [*reflectance, temperature, *angles, 0.1 * reflectance[0], temperature - 1, missing, missing]
    return [values.astype(np.float32) for values in made]


def peer(given: list[np.ndarray], depths: tuple[np.float32, ...]) -> np.ndarray:
    """Decide with numpy, pass by pass, as clearly as one would write it."""
    blue, green, red, nir, swir1, temperature, sun, view, turn, cirrus, second, *_ = given
    haze0, _, soil0, index0, unit0, cirrus0, spread, *heat, _ = map(np.float32, CLEAR)
    mu_s, mu_v = np.cos(np.radians(sun)), np.cos(np.radians(view))
    scattered = -mu_s * mu_v - np.sqrt((1 - mu_s**2) * (1 - mu_v**2)) * np.cos(np.radians(turn))
    phase = 0.75 * (1 + scattered**2) / (4 * (mu_s + mu_v))
    clear = [
        band - phase * (1 - np.exp(-depth * (1 / mu_s + 1 / mu_v)))
        for band, depth in zip((blue, green, red), depths, strict=True)
    ]
    slant = np.sqrt(mu_s * mu_v)
    h = np.minimum(
        (slant * (clear[0] - 0.5 * clear[2]) - haze0) / 0.009375,
        (slant * (clear[0] - 0.65 * clear[2]) - soil0) / 0.0065625,
    )
    ndvi, ndsi = (nir - red) / (nir + red), (clear[1] - swir1) / (clear[1] + swir1)
    water = ((ndvi < 0.01) & (nir < 0.11)) | ((ndvi < 0.1) & (nir < 0.05))
    snow = ~water & (ndsi > 0.15) & (nir > 0.11) & (clear[1] > 0.1) & (temperature < 276.95)
    s = np.minimum((index0 - ndsi) / unit0, (swir1 - 0.08 - 0.25 * np.maximum(0.65 - clear[1], 0)) / 0.04)
    above = cirrus - cirrus0
    c = np.clip(above / np.maximum(0.011 / slant, spread), -1, 6)
    kelvin = np.select([water, snow], [heat[2], heat[4]], heat[0]) - temperature
    t = np.clip(kelvin / np.select([water, snow], [heat[3], heat[5]], heat[1]), -2, 4)
    mean = (blue + green + red) / 3
    white = (np.abs(blue - mean) + np.abs(green - mean) + np.abs(red - mean)) / mean < 0.7
    allowed = snow | (white & (ndvi < 0.8)) | (h > 2) | (c > 1)
    total = np.where(snow, np.clip(s, -2, 6), np.clip(h, -2, 6)) + 0.7 * c + np.where(snow, 0.3, 0.7) * t
    total = np.where(allowed, total, 0)
    cloudy, possible = total > 1.3, total > 0.78
    thin = (above > 0.01) | ((temperature - second > 1.5) & (kelvin > 10) & possible)
    bits = cloudy * 1 + (possible & ~cloudy) * 2 + thin * 4 + (snow & ~cloudy) * 8 + (water & ~cloudy) * 16
    return np.asarray(bits, np.uint16)


def scene() -> xr.Dataset:
    """Return a standard scene of grass with clouds of some hundred metres over a third of it."""
    draw = np.random.Generator(np.random.Philox(1))
    dims, shape = ("y", "x"), (EDGE, EDGE)
    cover = ndimage.gaussian_filter(draw.normal(size=shape), 8.0)
    cloudy = np.clip((cover - np.quantile(cover, 0.67)) / cover.std(), 0, 1)
    grass = np.array([0.095, 0.085, 0.065, 0.32, 0.18, 0.002])[:, np.newaxis, np.newaxis]
    reflectance = grass + 0.5 * cloudy + draw.normal(0, 0.003, (6, *shape))
    temperature = 296.0 - 15.0 * cloudy + draw.normal(0, 0.3, (1, *shape))
    made = xr.Dataset(
        {
            "reflectance": (("band", *dims), reflectance.astype(np.float32)),
            "brightness_temperature": (("thermal_band", *dims), temperature.astype(np.float32)),
        },
        {"band": list(BANDS), "thermal_band": ["tir1"], "y": -30.0 * np.arange(EDGE), "x": 30.0 * np.arange(EDGE)},
        {"sensor": "landsat_oli", "reflectance_level": layout.TOP},
    )
    for name, angle in {"sun_zenith": 40.0, "sun_azimuth": 140.0}.items():
        made[name] = (dims, np.full(shape, angle, np.float32))
    return made


def main() -> None:
    """Measure and print."""
    given, whole = planes(PIXELS), scene()
    depths = tuple(np.float32(kernels.rayleigh_depth(BANDS[name])) for name in ("blue", "green", "red"))
    numbers = [np.float32(value) for value in (*CLEAR, kernels.THRESHOLD["fine"])]
    ours = kernels.decide(*given[:9], *depths, *given[9:], *numbers)
    same = float(np.mean(ours == peer(given, depths)))
    jobs = {
        "musyq, one kernel": lambda: kernels.decide(*given[:9], *depths, *given[9:], *numbers),
        "numpy": lambda: peer(given, depths),
        "musyq, what is counted": lambda: kernels.measures(*given[:9], *depths),
        "musyq, classify with shadows": lambda: cloud.classify(whole, source="tests"),
    }
    pixels = dict(zip(jobs, (PIXELS, PIXELS, PIXELS, EDGE * EDGE), strict=True))
    times = alternate(jobs, rounds=5)
    rates = {name: pixels[name] / timing.seconds()[1] / 1e6 for name, timing in times.items()}
    first = rates["musyq, one kernel"]
    rows = [[name, rate, first / rate] for name, rate in rates.items()]
    table("tests of cloud", ["what", "Mpx/s/core", "kernel / this"], rows)
    print(f"  same bits as numpy: {same:.6f} of the pixels")
    print(f"  kernel beside numpy: {verdict(first / rates['numpy'], 1)}")


if __name__ == "__main__":
    main()
