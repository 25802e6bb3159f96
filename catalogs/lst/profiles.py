"""Clear atmospheres of all climates, drawn at random within physical bounds, for the regressions of ``derive.py``.

Not a copy of a sounding archive: surface air of 245 to 318 K, lapse rates of 4 to 9 K km-1 up to a tropopause at 8 to
17 km, an inversion of up to 12 K in the lowest 150 to 1500 m in one of three, relative humidity of 10 to 95 % at the
ground that falls off with a scale of 1.5 to 6 km and is disturbed in layers, ground from 0 to 4000 m above the sea. As
many atmospheres are kept in each interval of 5 kg m-2 of water vapour, up to 65; the
dew point at the ground stays below 27.5 deg C, which is hardly passed anywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from transfer import Profiles

Floats = NDArray[np.float64]

_EDGES = np.concatenate(
    [np.arange(0, 1000, 100), np.arange(1000, 4000, 300), np.arange(4000, 12000, 1000), np.arange(12000, 60001, 6000)]
).astype(float)  # m above the ground
_STEP, _MOST = 5.0, 65.0  # kg m-2
_LEAST_VAPOUR = 5e-6  # of the pressure: dry stratosphere
_WETTEST = 36.7  # hPa


def draw(each: int, seed: int) -> Profiles:
    """Return as many atmospheres in every interval of the column of vapour.

    Parameters
    ----------
    each : int
        Number per interval of 5 kg m-2.
    seed : int
        Key of the generator.
    """
    random = np.random.Generator(np.random.Philox(seed))
    bins = int(_MOST / _STEP)
    kept: list[list[Profiles]] = [[] for _ in range(bins)]
    while min(map(len, kept)) < each:
        made = _some(random, 4096)
        for one, place in enumerate((made.column / _STEP).astype(int)):
            if place < bins and len(kept[place]) < each:
                kept[place].append(_pick(made, one))
    chosen = [profile for row in kept for profile in row]
    return Profiles(*(np.concatenate([getattr(p, name) for p in chosen]) for name in Profiles.__annotations__))


def _pick(made: Profiles, one: int) -> Profiles:
    return Profiles(*(getattr(made, name)[one : one + 1] for name in Profiles.__annotations__))


def _some(random: np.random.Generator, count: int) -> Profiles:
    def uniform(low: float, high: float) -> Floats:
        return random.uniform(low, high, (count, 1))

    moist = uniform(0, 1) < 0.5  # warm and moist, as in the tropics and in monsoons; else any climate
    ground = np.where(moist | (uniform(0, 1) < 0.7), uniform(0, 800), uniform(0, 4000))
    air = np.where(moist, uniform(291, 306), uniform(245, 318)) - 0.004 * ground
    lapse = np.where(moist, uniform(4.5e-3, 7e-3), uniform(4e-3, 9e-3))
    tropopause = uniform(8e3, 17e3)
    middle, thick = 0.5 * (_EDGES[1:] + _EDGES[:-1])[None], np.diff(_EDGES)[None] + np.zeros((count, 1))
    height = middle + np.zeros((count, 1))
    temperature = air - lapse * np.minimum(height, tropopause)
    depth, strength = uniform(150, 1500), np.where(uniform(0, 1) < 0.35, uniform(0, 12), 0) * np.where(moist, 0.3, 1)
    # An inversion: the ground's air is colder than the profile above it would have it.
    temperature = temperature - strength * np.maximum(1 - height / depth, 0)
    temperature = np.maximum(temperature, 190.0) + 0.0025 * np.maximum(height - 20e3, 0)
    pressure = _hydrostatic(temperature, thick, 1013.25 * np.exp(-ground / 8000.0) * uniform(0.98, 1.02))
    scale = np.where(moist, uniform(3000, 12000), uniform(1500, 6000))
    dryness = np.exp(-height / scale) * np.exp(uniform(0, 0.5) * _layers(random, count, height.shape[1]))
    humidity = np.clip(np.where(moist, uniform(0.5, 0.95), uniform(0.1, 0.95)) * dryness, 0.005, 1.0)
    saturation = 6.112 * np.exp(17.67 * (temperature - 273.15) / (temperature - 29.65))  # Bolton 1980
    humidity = humidity * np.minimum(1.0, _WETTEST / (humidity * saturation)[:, :1])
    vapour = np.where(height < tropopause, humidity * saturation, 0.0)
    vapour = np.minimum(np.maximum(vapour, _LEAST_VAPOUR * pressure), 0.05 * pressure)
    return Profiles(pressure, temperature, vapour, thick, height + ground)


def _layers(random: np.random.Generator, count: int, size: int) -> Floats:
    """Return smooth noise over the layers, standard deviation about 1."""
    rough = random.standard_normal((count, size + 4))
    smooth: Floats = sum(rough[:, k : k + size] for k in range(5)) / np.sqrt(5.0)
    return smooth


def _hydrostatic(temperature: Floats, thick: Floats, ground: Floats) -> Floats:
    """Return the pressure in the middle of the layers (hPa)."""
    step = 9.80665 * thick / (287.05 * temperature)
    below = np.cumsum(step, 1) - 0.5 * step
    pressure: Floats = ground * np.exp(-below)
    return pressure
