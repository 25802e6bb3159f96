r"""Weather of the simulated Earth: air, aerosol, vapour, ozone, soil water and snow at any instant.

Air temperature is the climate's annual wave, weather systems of a few days (:mod:`musyq_lab.twin._synoptic`), and the
daily course

.. math:: T = T_n + (T_x - T_n) [0.44 - 0.46 \sin(\omega h + 0.9) + 0.11 \sin(2 \omega h + 0.9)]

(Campbell & Norman 1998, An Introduction to Environmental Biophysics, eq. 2.2), smaller under clouds and where the noon
sun is low, with cold air in the hollows of clear nights. Vapour pressure follows from the day's temperature and
humidity and is capped by saturation (Alduchov & Eskridge 1996, doi
10.1175/1520-0450(1996)035<0601:IMFAOS>2.0.CO;2); its column is that of Prata (1996, doi 10.1002/qj.49712253306),
46.5 e / T in g cm-2 for e in hPa. Aerosol optical depth is lognormal in time (O'Neill et al. 2000, doi
10.1029/2000GL011581). Ozone is the climatology of van Heuklon (1979, doi 10.1016/0038-092X(79)90060-4).

The sizes of the random parts are chosen, not measured; each is said beside its constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from musyq_lab.kernels import solar
from musyq_lab.twin._synoptic import Field, Floats, Lattice, day_of_year, days, lattice, wander, wind
from musyq_lab.twin._variables import dataset
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.random import stream

WARMEST = 200.0
"""Day of the year on which land north of the tropics is warmest (19 July); half a year later south of the equator."""

_U_SHAPE = 1.5  # spread of the probit of cover: above 1 the days are mostly clear or mostly overcast
_HUMIDITY = 0.10  # standard deviation of the day's relative humidity, chosen
_PRESSURE = 7.0  # hPa, standard deviation of surface pressure, chosen
_AOD_SIGMA = np.log(1.9)  # geometric standard deviation, chosen
_OZONE = 12.0  # DU, day-to-day standard deviation, chosen
_RAIN_MEMORY = 12.0  # days in which the upper soil loses 1 - 1/e of a rain, chosen
_RAIN_DAYS = 30
_RAIN_STEP = 0.5
_RAIN_LIMIT = 0.6  # standard deviations of moisture above which it rains: about one day in four
_SATURATING = 35.0  # mm of recent rain at which the soil is 1 - 1/e full, chosen


def saturation_pressure(temperature: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the saturation vapour pressure over water (hPa) at a temperature (K), Alduchov & Eskridge 1996 eq. 21."""
    celsius = temperature - 273.15
    return np.asarray(6.1094 * np.exp(17.625 * celsius / (243.04 + celsius)))


def ozone(latitude: ArrayLike, longitude: ArrayLike, day: float) -> Floats:
    """Return the mean ozone column (DU) of van Heuklon 1979, which jumps by up to 20 DU at the meridian of Greenwich.

    Parameters
    ----------
    latitude, longitude
        Degrees.
    day
        Day of the year.
    """
    lat, lon = np.broadcast_arrays(np.asarray(latitude, float), np.asarray(longitude, float))
    east = np.where(lon > 0, 20.0, 0.0)
    north = (150 + 40 * np.sin(np.radians(0.9865 * (day - 30))) + 20 * np.sin(np.radians(3 * (lon + east)))) * np.sin(
        np.radians(1.28 * lat)
    ) ** 2
    south = (
        100 + 30 * np.sin(np.radians(0.9865 * (day + 152.625))) + 20 * np.sin(np.radians(2 * (lon - 75)))
    ) * np.sin(np.radians(1.5 * lat)) ** 2
    return np.asarray(235.0 + np.where(lat >= 0, north, south))


def cover(seed: int, points: Lattice, day: ArrayLike, mean: Floats, cloudiness: float = 1.0) -> Floats:
    r"""Return the cloud cover of a weather situation at the points of a lattice.

    With the process :math:`g` and :math:`a = 1.5`,

    .. math:: c = \Phi(a g + \sqrt{1 + a^2} \, \Phi^{-1}(m))

    has the mean m and, since a > 1, the U-shaped distribution of observed cover (Falls 1974, J. Geophys. Res. 79,
    1261, fits beta distributions of that shape).

    Parameters
    ----------
    seed
        Of the world.
    points
        Where.
    day
        Days since 2000-01-01.
    mean
        Mean cover of the climate at the points (1).
    cloudiness
        Factor on the cover, which stays within 1.
    """
    probit = ndtri(np.clip(mean, 0.01, 0.99)) * np.sqrt(1 + _U_SHAPE**2)
    return np.asarray(np.clip(cloudiness * ndtr(_U_SHAPE * moisture(seed, points, day) + probit), 0.0, 1.0))


def moisture(seed: int, points: Lattice, day: ArrayLike) -> Floats:
    """Return the process that clouds, rain and humidity share."""
    return points.wander(seed, "moisture", day, memory=2.5)


def weather(static: xr.Dataset, grid: WorldGrid, time: datetime, seed: int, cloudiness: float = 1.0) -> xr.Dataset:
    """Return the weather of an instant.

    Parameters
    ----------
    static
        Terrain and climate of the world, dims (y, x).
    grid
        Its cells.
    time
        UTC.
    seed
        Of the world.
    cloudiness
        Factor on the cloud cover; fewer clouds give a larger daily range.

    Returns
    -------
    Dataset
        ``air_temperature`` (K), ``vapour_pressure`` (hPa), ``relative_humidity`` (1), ``wind_speed`` (m s-1),
        ``surface_pressure`` (hPa), ``aod`` (1), ``water_vapour`` (kg m-2), ``ozone`` (DU), ``soil_moisture`` (1),
        ``snow_fraction`` (1), ``snow_grain`` (um), dims (y, x).
    """
    points, day = lattice(grid), days(time)
    still = {name: np.asarray(static[name].values, np.float32) for name in _STATIC}
    daily = _daily_temperature(points, time, still, points.wander(seed, "temperature", day))
    clouded = cover(seed, points, day, points.at(still["cloud_fraction_mean"]), cloudiness)
    course = _course(points, time)
    air = daily + _diurnal(points, time, course, clouded) * still["diurnal_amplitude"]
    air -= points.fill(1.5 * np.maximum(-course, 0) * (1 - clouded)) * still["wetness"]
    humid = np.clip(still["humidity_mean"] + points.fill(_HUMIDITY * moisture(seed, points, day)), 0.05, 0.98)
    saturated = saturation_pressure(air)
    vapour = np.minimum(humid * saturation_pressure(daily), np.float32(0.999) * saturated)
    wet = _recent_rain(points, seed, day, time, still)
    values = {
        "air_temperature": air,
        "vapour_pressure": vapour,
        "relative_humidity": vapour / saturated,
        "wind_speed": _wind_speed(points, seed, day, course, still),
        "surface_pressure": _pressure(points, seed, day, still),
        "aod": _aod(points, grid, seed, day, time, still),
        "water_vapour": np.float32(465.0) * vapour / air,
        "ozone": points.fill(
            ozone(points.latitude, points.longitude, day_of_year(time)) + _OZONE * points.wander(seed, "ozone", day)
        ),
        **_ground_water(points, seed, day, time, still, wet),
    }
    return dataset(values, static)


_STATIC = (
    "elevation",
    "wetness",
    "temperature_mean",
    "temperature_amplitude",
    "diurnal_amplitude",
    "humidity_mean",
    "cloud_fraction_mean",
    "precipitation",
    "aod_mean",
)
_Still = dict[str, Field]


def season(points: Lattice, time: datetime) -> Floats:
    """Return 1 on the warmest day of the year and -1 on the coldest at the points; it changes sign at the equator."""
    wave = np.cos(2 * np.pi * (day_of_year(time) - WARMEST) / 365.25)
    return np.asarray(wave * np.tanh(points.latitude / 3.0))


def _daily_temperature(points: Lattice, time: datetime, still: _Still, anomaly: Floats) -> Field:
    amplitude = still["temperature_amplitude"]
    # Day-to-day standard deviation: 1 K in the tropics, 4 to 5 K in continental climates; chosen.
    spread = np.minimum(np.float32(1.0) + np.float32(0.25) * amplitude, np.float32(5.0))
    return np.asarray(
        still["temperature_mean"] + amplitude * points.fill(season(points, time)) + spread * points.fill(anomaly)
    )


def _course(points: Lattice, time: datetime) -> Floats:
    """Return the daily course of temperature, -1 at its lowest and 1 at its highest, by mean solar time."""
    hour = (time.hour + time.minute / 60 + time.second / 3600) + points.longitude / 15
    turn = np.pi / 12 * hour
    return np.asarray(2 * (0.44 - 0.46 * np.sin(turn + 0.9) + 0.11 * np.sin(2 * turn + 0.9)) - 1)


def _diurnal(points: Lattice, time: datetime, course: Floats, clouded: Floats) -> Field:
    declination = float(solar.sun_position(np.datetime64(time)).declination)
    noon = np.cos(np.radians(points.latitude) - declination)
    strength = np.clip(1.4 * noon, 0.0, 1.0) * (1.25 - 0.65 * clouded)
    return points.fill(strength * course)


def _wind_speed(points: Lattice, seed: int, day: float, course: Floats, still: _Still) -> Field:
    # Lognormal about 3 m s-1, stronger by day and on ridges; chosen.
    speed = 3.0 * np.exp(0.45 * points.wander(seed, "wind_speed", day, memory=1.5)) * (1 + 0.3 * course)
    return np.maximum(points.fill(speed) * (np.float32(1.15) - np.float32(0.3) * still["wetness"]), np.float32(0.3))


def _pressure(points: Lattice, seed: int, day: float, still: _Still) -> Field:
    # ICAO standard atmosphere (Doc 7488): p = p0 (1 - 2.25577e-5 z)^5.25588.
    standard = (1 - np.float32(2.25577e-5) * still["elevation"]) ** np.float32(5.25588)
    return np.asarray(standard * points.fill(1013.25 + _PRESSURE * points.wander(seed, "pressure", day)))


def _aod(points: Lattice, grid: WorldGrid, seed: int, day: float, time: datetime, still: _Still) -> Field:
    process = points.wander(seed, "aerosol", day, memory=2.0)
    daily = np.exp(_AOD_SIGMA * process - _AOD_SIGMA**2 / 2) * (1 + 0.25 * season(points, time))
    aod = still["aod_mean"] * points.fill(daily)
    if grid.geographic:
        return np.asarray(aod)
    # Aerosol gathers below, with a scale height of 2 km; chosen.
    height = still["elevation"] - still["elevation"].mean(dtype=np.float64).astype(np.float32)
    return np.asarray(aod * np.exp(height / np.float32(-2000.0)) + _plume(grid, seed, day))


def _plume(grid: WorldGrid, seed: int, day: float) -> Field | float:
    """Return the optical depth of smoke from one fire or works that is active about one day in eight."""
    latitude, longitude = grid.latitude[grid.rows // 2, grid.columns // 2], grid.longitude[0, 0]
    active = float(wander(seed, "plume", day, latitude, longitude, memory=1.0)) - 1.15
    if active <= 0:
        return 0.0
    source = stream(seed, "weather", "plume source").uniform(0.2, 0.8, 2)
    (east, north), _ = wind(seed, float(latitude), day)
    bearing = np.arctan2(north, east)
    x = np.linspace(0, 1, grid.columns, dtype=np.float32) - np.float32(source[0])
    y = np.float32(source[1]) - np.linspace(0, 1, grid.rows, dtype=np.float32)[:, np.newaxis]
    along = x * np.float32(np.cos(bearing)) + y * np.float32(np.sin(bearing))
    across = y * np.float32(np.cos(bearing)) - x * np.float32(np.sin(bearing))
    width = np.float32(0.02) + np.float32(0.15) * np.maximum(along, 0)
    shape = np.exp(-((across / width) ** 2) / 2) * np.float32(0.02) / width
    upwind = np.exp(-((np.minimum(along, 0) / np.float32(0.02)) ** 2))
    return np.asarray(np.float32(min(2.0 * active, 1.5)) * shape * upwind)


# ---- water in and on the ground --------------------------------------------------------------------------------------
def _rain_norm() -> float:
    """Return the mean of the rain of a standard normal moisture, so that the climate's sum is met."""
    moist = np.linspace(-6, 6, 2401)
    density = np.exp(-(moist**2) / 2) / np.sqrt(2 * np.pi)
    return float((np.maximum(moist - _RAIN_LIMIT, 0) * density).sum() * (moist[1] - moist[0]))


_RAIN_NORM = _rain_norm()


def rain(static: xr.Dataset, grid: WorldGrid, times: Sequence[datetime], seed: int) -> xr.DataArray:
    """Return the mean precipitation (mm d-1) of some times, dims (y, x): snow counts as the water it holds.

    Parameters
    ----------
    static
        Climate of the world, dims (y, x).
    grid
        Its cells.
    times
        UTC.
    seed
        Of the world.
    """
    points = lattice(grid)
    falls = [_fall(points, seed, days(time)) * _wet_season(points, time) for time in times]
    daily = points.fill(np.mean(falls, axis=0)) * static["precipitation"].values / np.float32(365.25)
    return dataset({"precipitation": daily}, static)["precipitation"]


def _fall(points: Lattice, seed: int, day: ArrayLike) -> Floats:
    """Return the rain of some days (since 2000-01-01) over that of the climate's mean day, before the season."""
    return np.asarray(np.maximum(moisture(seed, points, day) - _RAIN_LIMIT, 0) / _RAIN_NORM)


def _wet_season(points: Lattice, time: datetime) -> Floats:
    return np.asarray(1 + 0.5 * season(points, time))  # most land gets more rain in its summer half; chosen


def _recent_rain(points: Lattice, seed: int, day: float, time: datetime, still: _Still) -> Field:
    """Return recent rain (mm), older rain counting less."""
    lag = np.arange(0.0, _RAIN_DAYS, _RAIN_STEP)
    weight = np.exp(-lag / _RAIN_MEMORY) * _RAIN_STEP
    recent = np.tensordot(weight, _fall(points, seed, day - lag), axes=1) * _wet_season(points, time)
    return np.asarray(points.fill(recent) * still["precipitation"] / np.float32(365.25))


def _ground_water(
    points: Lattice, seed: int, day: float, time: datetime, still: _Still, recent: Field
) -> dict[str, Field]:
    lately = np.array([0.5, 2.0, 4.0, 6.0, 8.0])
    mean = _daily_temperature(points, time, still, points.wander(seed, "temperature", day - lately).mean(axis=0))
    # Share of what fell lately that is snow and has not melted: half at -0.5 C of the last ten days.
    frozen = 1 / (1 + np.exp((mean - np.float32(272.65)) / np.float32(1.2)))
    fraction = np.tanh(recent * frozen / np.float32(6.0))
    fraction[fraction < 0.01] = 0.0
    full = 1 - np.exp(-recent / np.float32(_SATURATING))
    drained = full + (still["wetness"] - np.float32(0.4)) * full * (1 - full)
    # 100 um where it is cold and new, 400 um and more where it melts (Wiscombe & Warren 1980, doi
    # 10.1175/1520-0469(1980)037<2712:AMFTSA>2.0.CO;2, use 50 to 1000 um).
    grain = 100 + 400 / (1 + np.exp((np.float32(270.0) - mean) / np.float32(2.0)))
    return {"soil_moisture": np.clip(drained, 0.02, 1.0), "snow_fraction": fraction, "snow_grain": grain}
