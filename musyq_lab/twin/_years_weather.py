r"""Weather of months and years: the climate of :mod:`musyq_lab.twin.climate`, anomalies that last, and days about them.

Anomalies of temperature and moisture are standard normal fields some 2000 km wide: moving averages of independent
months, and a part of the year as a whole, so that any step can be made without the others. Within a step the days have
the spread of :mod:`musyq_lab.twin.weather`, taken at a few points of its distribution (:data:`NODES`): production is
not that of the mean weather.

Light is that of FAO-56 (equations 21 and 35), which gives back the irradiance the climate's clouds were made from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from musyq_lab.kernels import solar
from musyq_lab.twin._sky import PAR_FRACTION
from musyq_lab.twin._synoptic import Floats, Lattice, day_of_year, lattice
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.random import stream
from musyq_lab.twin.weather import WARMEST, saturation_pressure

Field = NDArray[np.float32]

NODES = (5, 3)
"""Days of a step: moisture at so many points of equal probability, temperature at so many of Gauss and Hermite."""

MEMORY = 0.7
"""Correlation of an anomaly with that of the next month, but for the year's part; chosen."""
YEARLY = 0.35
"""Share of the variance that lasts about a year; chosen."""
_MONTHS = 6
_LENGTH = 2000.0  # km, over which anomalies are alike: the order of teleconnection patterns, chosen
_WAVES = 48
_RADIUS = 6371.0
_U_SHAPE = 1.5  # as in the weather of days
_HUMIDITY = 0.10
_WETTER = 0.35  # shift of the days' moisture for one standard deviation of the month's, chosen
_RAIN = 0.30  # of the logarithm of rain, chosen
_AGAINST = -0.3  # correlation of temperature with moisture, chosen: dry months are warm


@lru_cache(maxsize=256)
def wide(seed: int, points: Lattice, length: float, *names: object) -> Floats:
    r"""Return a standard normal field at the points of a lattice, with the correlation :math:`e^{-d^2 / (2 L^2)}`.

    Parameters
    ----------
    seed
        Of the world.
    points
        Where.
    length
        L (km).
    *names
        Which field.
    """
    rng = stream(seed, "wide", *names)
    numbers = rng.standard_normal((_WAVES, 3)) * (_RADIUS / length)
    phases = rng.uniform(0, 2 * np.pi, _WAVES)
    lat, lon = np.radians(points.latitude), np.radians(points.longitude)
    unit = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    waves = np.cos((unit @ numbers.T + phases).astype(np.float32))
    made = np.sqrt(2.0 / _WAVES) * waves.sum(axis=-1, dtype=np.float64)
    made.setflags(write=False)  # shared by whoever asks again
    return np.asarray(made)


@dataclass(frozen=True, eq=False)
class Anomalies:
    """Anomalies of months, at the points of a lattice."""

    seed: int
    """Of the world."""
    points: Lattice
    """Where."""
    size: float = 1.0
    """Factor on all of them; 0 for the mean climate."""

    def __call__(self, name: str, time: datetime) -> Floats:
        """Return the anomaly of a quantity, in standard deviations."""
        if self.size == 0:
            return np.zeros_like(self.points.latitude)
        month = 12 * time.year + time.month - 1 + (time.day - 15.5) / 31
        year = time.year + (day_of_year(time) - 183) / 365.25
        slow, fast = self._between(f"year of {name}", year, 1, 0.0), self._between(name, month, _MONTHS, MEMORY)
        return self.size * np.asarray(np.sqrt(YEARLY) * slow + np.sqrt(1 - YEARLY) * fast)

    def _between(self, name: str, moment: float, count: int, memory: float) -> Floats:
        first = int(np.floor(moment))
        share = moment - first
        both = [self._averaged(name, number, count, memory) for number in (first, first + 1)]
        # two fields in between vary less than either: scaled back for independent ones
        return np.asarray((both[0] * (1 - share) + both[1] * share) / np.hypot(1 - share, share) ** (1 - memory))

    def _averaged(self, name: str, number: int, count: int, memory: float) -> Floats:
        weights = memory ** np.arange(count) if count > 1 else np.ones(1)
        weights /= np.sqrt((weights**2).sum())
        parts = [w * wide(self.seed, self.points, _LENGTH, name, number - k) for k, w in enumerate(weights)]
        return np.asarray(np.sum(parts, axis=0))


@dataclass(frozen=True, eq=False)
class Step:
    """Weather of a step: what its days share."""

    static: xr.Dataset
    """Terrain and climate of the world, dims (y, x)."""
    grid: WorldGrid
    """Its cells."""
    time: datetime
    """Middle of the step (UTC)."""
    anomalies: Anomalies
    """Of the months."""

    def moisture(self, late: float = 0.0) -> Field:
        """Return the anomaly of moisture (standard deviations), or that of some days before."""
        return lattice(self.grid).fill(self.anomalies("moisture", self.time - timedelta(days=late)))

    def warmth(self) -> Field:
        """Return the anomaly of temperature (standard deviations)."""
        own, wet = (self.anomalies(name, self.time) for name in ("warmth", "moisture"))
        return lattice(self.grid).fill(np.sqrt(1 - _AGAINST**2) * own + _AGAINST * wet)

    def rain(self) -> Field:
        """Return precipitation (mm d-1)."""
        season = 1 + np.float32(0.5) * self._season()
        daily = self.static["precipitation"].values / np.float32(365.25) * season
        unbiased = np.float32((_RAIN * self.anomalies.size) ** 2 / 2)
        return np.asarray(daily * np.exp(np.float32(_RAIN) * self.moisture() - unbiased))

    def _season(self) -> Field:
        wave = np.cos(2 * np.pi * (day_of_year(self.time) - WARMEST) / 365.25)
        return np.asarray(wave * np.tanh(self.grid.latitude / 3.0), np.float32)

    def days(self) -> Iterator[tuple[float, dict[str, Field]]]:
        """Yield the weight and the weather of the days of a step, shape (y, x).

        ``air_temperature``, ``air_temperature_min``, ``air_temperature_day`` (K), ``vapour_pressure_deficit`` (Pa, by
        day), ``downward_shortwave``, ``downward_par`` (W m-2).
        """
        amplitude = self.static["temperature_amplitude"].values
        # Of a month's mean: 0.5 K in the tropics, 2 K in continental climates; chosen.
        apart = np.minimum(np.float32(0.4) + np.float32(0.1) * amplitude, np.float32(2.0))
        mean = self.static["temperature_mean"].values + amplitude * self._season() + apart * self.warmth()
        spread = np.minimum(np.float32(1.0) + np.float32(0.25) * amplitude, np.float32(5.0))
        shift = np.float32(_WETTER) * self.moisture()
        probit = ndtri(np.clip(self.static["cloud_fraction_mean"].values, 0.01, 0.99)) * np.sqrt(1 + _U_SHAPE**2)
        beyond = self._beyond()
        steps, weights = np.polynomial.hermite_e.hermegauss(NODES[1])
        for level in ndtri((np.arange(NODES[0]) + 0.5) / NODES[0]):
            clouded = np.asarray(ndtr(_U_SHAPE * (level + shift) + probit), np.float32)
            light = _light(beyond, clouded)
            humid = np.clip(self.static["humidity_mean"].values + np.float32(_HUMIDITY) * (level + shift), 0.05, 0.98)
            swing = self._swing(clouded)
            for step, weight in zip(steps, weights / weights.sum() / NODES[0], strict=True):
                air = _air(mean + spread * np.float32(step), swing, humid)
                yield float(weight), {**light, **air}

    def _beyond(self) -> Field:
        """Return the mean irradiance of the day outside the atmosphere (W m-2), FAO-56 equation 21."""
        phi = np.radians(np.clip(self.grid.latitude, -89.9, 89.9))
        declination = float(solar.sun_position(np.datetime64(self.time)).declination)
        sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(declination), -1, 1))
        both = sunset * np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.sin(sunset)
        normal = float(solar.extraterrestrial(np.datetime64(self.time)))
        return np.asarray(np.maximum(normal / np.pi * both, 0), np.float32)

    def _swing(self, clouded: Field) -> Field:
        """Return half the daily range of temperature (K), as :mod:`musyq_lab.twin.weather` has it."""
        declination = float(solar.sun_position(np.datetime64(self.time)).declination)
        noon = np.cos(np.radians(self.grid.latitude) - declination)
        strength = np.clip(1.4 * noon, 0.0, 1.0) * (1.25 - 0.65 * clouded)
        return np.asarray(strength * self.static["diurnal_amplitude"].values, np.float32)


def _light(beyond: Field, clouded: Field) -> dict[str, Field]:
    shortwave = beyond * (np.float32(0.25) + np.float32(0.5) * (1 - clouded))
    fraction, gain = PAR_FRACTION
    return {"downward_shortwave": shortwave, "downward_par": shortwave * np.float32(fraction + gain / 2 * clouded)}


def _air(daily: Field, swing: Field, humid: Field) -> dict[str, Field]:
    whole, lit = _COURSE
    by_day = daily + np.float32(lit) * swing
    vapour = humid * saturation_pressure(daily)
    deficit = 100 * np.maximum(saturation_pressure(by_day) - vapour, 0)
    return {
        "air_temperature": daily + np.float32(whole) * swing,
        "air_temperature_min": daily - swing,
        "air_temperature_day": by_day,
        "vapour_pressure_deficit": np.asarray(deficit, np.float32),
    }


def _course() -> tuple[float, float]:
    """Return the means of the daily course of temperature over the day and from 6 to 18 h, in half ranges."""
    hour = np.arange(0.25, 24, 0.5)
    turn = np.pi / 12 * hour
    course = 2 * (0.44 - 0.46 * np.sin(turn + 0.9) + 0.11 * np.sin(2 * turn + 0.9)) - 1
    return float(course.mean()), float(course[(hour > 6) & (hour < 18)].mean())


_COURSE = _course()
