r"""Radiation and energy at the surface of the simulated Earth.

Shortwave is that of Bird & Hulstrom under clouds, longwave that of Prata with Crawford & Duchon's clouds
(:mod:`musyq_lab.twin._sky`); surface temperature closes the balance (:mod:`musyq_lab.twin._balance`). What is returned
obeys

.. math:: R_n = (1 - \alpha) G + \varepsilon (L_d - \sigma T_s^4) = H + LE + G_0

to rounding. Water keeps the temperature of its season and snow does not get warmer than melting: there ground heat
takes what is left.

Constants of Su, Wilber, Verhoef, Garratt & Hicks and FAO-56 are cited without the papers having been opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from musyq_lab.core.errors import InputError
from musyq_lab.kernels import solar
from musyq_lab.kernels.longwave import STEFAN_BOLTZMANN
from musyq_lab.twin import _sky as sky
from musyq_lab.twin._balance import Exchange, Field, exchange, solve
from musyq_lab.twin._synoptic import day_of_year, lattice
from musyq_lab.twin._variables import dataset
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.weather import WARMEST, saturation_pressure

WATER = 17
"""IGBP class of water (0 in MCD12C1)."""

EMISSIVITY = {"soil": 0.955, "leaves": 0.985, "snow": 0.99, "water": 0.985}
"""Broadband emissivity: within the ranges of Wilber et al. 1999 (NASA/TP-1999-209362, table 2), bare soil of the drier
kind."""

PRIESTLEY_TAYLOR = 1.26
"""Priestley & Taylor 1972."""

GROUND_SHARE = (0.315, 0.05)
"""Ground heat over net radiation by day, bare soil and full cover (Su 2002, doi 10.5194/hess-6-85-2002, eq. 4)."""

NIGHT_SHARE = 0.5
"""Ground heat over net radiation by night (Allen et al. 1998, FAO-56, eq. 46)."""

_BLOCK = 16_384  # cells worked on at once, so that they stay in the cache
_LAG = 30.0  # days that water temperature lags behind the season, chosen
_MELTING = np.float32(273.15)
_PSYCHROMETRIC = 0.665e-3  # K-1, times pressure: FAO-56 eq. 8


def energy(
    static: xr.Dataset,
    grid: WorldGrid,
    time: datetime,
    *,
    canopy: xr.Dataset,
    weather: xr.Dataset,
    cloud_transmittance: ArrayLike,
    albedo: ArrayLike,
    terrain: bool = False,
) -> xr.Dataset:
    """Return the radiation and energy budget of an instant.

    Parameters
    ----------
    static
        Terrain, climate and cover of the world, dims (y, x).
    grid
        Its cells.
    time
        UTC.
    canopy
        ``fraction_vegetation_cover``, ``canopy_height``, ``greenness``.
    weather
        Of the instant: see :func:`musyq_lab.twin.weather.weather`.
    cloud_transmittance
        Transmittance of the clouds towards the sun (:func:`musyq_lab.twin.clouds.shadow`).
    albedo
        Blue-sky albedo.
    terrain
        Whether slopes turn to the sun and see less of the sky; without, fluxes are those of a horizontal plane.

    Returns
    -------
    Dataset
        Fluxes in W m-2, ``surface_temperature`` in K, ``direct_fraction``, ``albedo`` and ``broadband_emissivity`` (1),
        dims (y, x).
    """
    inputs = _inputs(static, grid, time, canopy, weather, cloud_transmittance, albedo)
    inputs["slope"], inputs["aspect"] = (
        np.radians(_flat(static[name].values if terrain else 0.0, grid)) for name in ("slope", "aspect")
    )
    beyond = float(solar.extraterrestrial(np.datetime64(time)))
    size = inputs["albedo"].size
    made: dict[str, Field] = {}
    for start in range(0, size, _BLOCK):
        part = slice(start, start + _BLOCK)
        for name, field in _budget({name: field[part] for name, field in inputs.items()}, beyond).items():
            made.setdefault(name, np.empty(size, np.float32))[part] = field
    return dataset({name: field.reshape(grid.shape) for name, field in made.items()}, static)


def daily(state: Callable[[datetime], xr.Dataset], times: Iterable[datetime]) -> xr.Dataset:
    """Return the means of a day from its states.

    Parameters
    ----------
    state
        Gives canopy, weather and energy of an instant.
    times
        Evenly spaced over the day.

    Returns
    -------
    Dataset
        Means of every flux (W m-2), temperature (K) and fraction and of the weather; ``albedo`` and
        ``diffuse_fraction`` are weighted by the light; ``air_temperature_min`` and ``air_temperature_max`` (K); of
        daylight and of the dark ``air_temperature_day``, ``air_temperature_night`` (K), ``vapour_pressure_deficit``,
        ``vapour_pressure_deficit_night`` (Pa), ``net_radiation_day``, ``net_radiation_night`` (W m-2): those of the
        whole day where it has no light, or no dark.
    """
    total: dict[str, Field] = {}
    coldest: list[Field] = []
    warmest: list[Field] = []
    count = 0
    like: xr.Dataset | None = None
    for time in times:
        like = now = state(time)
        count += 1
        air = now["air_temperature"].values
        coldest = [np.minimum(air, *coldest)] if coldest else [air]
        warmest = [np.maximum(air, *warmest)] if warmest else [air]
        for name, field in _terms(now).items():
            total[name] = total[name] + field if name in total else field
    if like is None:
        raise InputError("The mean of a day needs at least one time; none was given.")
    values: dict[str, Field] = {name: np.asarray(field / count) for name, field in total.items()}
    shone, reflected, beam = values["downward_shortwave"], values.pop("reflected"), values.pop("beam")
    values["albedo"] = np.where(shone > 0, reflected / np.maximum(shone, 1e-6), values["albedo"])
    values["diffuse_fraction"] = 1 - np.where(shone > 0, beam / np.maximum(shone, 1e-6), 0)
    values["air_temperature_min"], values["air_temperature_max"] = coldest[0], warmest[0]
    return dataset(_day_and_night(values), like)


_PARTED = (
    ("air_temperature", "air_temperature_day", "air_temperature_night"),
    ("thirst", "vapour_pressure_deficit", "vapour_pressure_deficit_night"),
    ("net_radiation", "net_radiation_day", "net_radiation_night"),
)
"""What is summed, and the names of its means over light and over dark."""


def _day_and_night(values: dict[str, Field]) -> dict[str, Field]:
    """Return the means of a day with those of its light and its dark in place of their sums."""
    bright = values.pop("bright")
    for name, by_day, by_night in _PARTED:
        whole, lit = values[name], values.pop(f"{name} by day")
        values[by_day] = np.where(bright > 0, lit / np.maximum(bright, 1e-6), whole)
        # differences of sums: less than 1e-6 of a day is rounding
        values[by_night] = np.where(bright < 1 - 1e-6, (whole - lit) / np.maximum(1 - bright, 1e-6), whole)
    del values["thirst"]
    return values


def _terms(now: xr.Dataset) -> dict[str, Field]:
    """Return what is summed over a day."""
    shining = now["downward_shortwave"].values
    bright = (shining > 1).astype(np.float32)
    sums = {name: now[name].values for name in _MEANS if name in now}
    sums["thirst"] = 100 * (saturation_pressure(now["air_temperature"].values) - now["vapour_pressure"].values)
    lit = {f"{name} by day": sums[name] * bright for name, *_ in _PARTED}
    if "cloud_optical_depth" in now:
        sums["cloud_fraction"] = (now["cloud_optical_depth"].values > 0).astype(np.float32)
    return (
        sums
        | lit
        | {
            "bright": bright,
            "reflected": shining * now["albedo"].values,
            "beam": shining * now["direct_fraction"].values,
        }
    )


_MEANS = (
    "clear_sky_downward_shortwave",
    "downward_shortwave",
    "direct_fraction",
    "downward_par",
    "downward_longwave",
    "upward_longwave",
    "net_radiation",
    "sensible_heat",
    "latent_heat",
    "ground_heat",
    "surface_temperature",
    "broadband_emissivity",
    "albedo",
    "fpar",
    "air_temperature",
    "vapour_pressure",
    "relative_humidity",
    "wind_speed",
    "surface_pressure",
    "aod",
    "water_vapour",
    "ozone",
    "soil_moisture",
    "snow_fraction",
)


# ---- one block of cells ----------------------------------------------------------------------------------------------
def _flat(field: ArrayLike, grid: WorldGrid) -> Field:
    return np.broadcast_to(np.asarray(field, np.float32), grid.shape).ravel()


def _inputs(
    static: xr.Dataset,
    grid: WorldGrid,
    time: datetime,
    canopy: xr.Dataset,
    weather: xr.Dataset,
    cloud_transmittance: ArrayLike,
    albedo: ArrayLike,
) -> dict[str, Field]:
    zenith, azimuth = solar.zenith_azimuth(np.datetime64(time), grid.latitude, grid.longitude)
    points = lattice(grid)
    late = np.cos(2 * np.pi * (day_of_year(time) - WARMEST - _LAG) / 365.25) * np.tanh(points.latitude / 3.0)
    lake = static["temperature_mean"].values + 0.85 * points.fill(late) * static["temperature_amplitude"].values
    fields = {
        "zenith": np.radians(zenith),
        "azimuth": np.radians(azimuth),
        "transmittance": np.asarray(cloud_transmittance),
        "albedo": np.asarray(albedo),
        "water": static["land_cover"].values == WATER,
        "lake": np.maximum(lake, _MELTING),
        **{name: weather[name].values for name in _WEATHER},
        **{name: canopy[name].values for name in ("fraction_vegetation_cover", "canopy_height", "greenness")},
    }
    return {name: _flat(field, grid) for name, field in fields.items()}


_WEATHER = (
    "air_temperature",
    "vapour_pressure",
    "wind_speed",
    "surface_pressure",
    "aod",
    "water_vapour",
    "ozone",
    "soil_moisture",
    "snow_fraction",
)


def _budget(at: dict[str, Field], beyond: float) -> dict[str, Field]:
    shortwave = _shortwave(at, beyond)
    clouded = np.clip(1 - at["transmittance"], 0, 1)
    longwave = sky.downward_longwave(at["air_temperature"], at["vapour_pressure"], clouded)
    emissivity = _emissivity(at)
    absorbed = (1 - at["albedo"]) * shortwave["downward_shortwave"] + emissivity * longwave
    used = _evaporative_share(at)
    cover = at["fraction_vegetation_cover"]
    ground = GROUND_SHARE[0] + (GROUND_SHARE[1] - GROUND_SHARE[0]) * cover
    traded = _exchange(at)
    by_night = np.full_like(cover, 1 - NIGHT_SHARE)
    free = solve(at["air_temperature"], absorbed, emissivity, (1 - ground) * (1 - used), by_night, traded)
    surface = np.where(at["snow_fraction"] > 0.5, np.minimum(free, _MELTING), free)
    surface = np.where(at["water"] > 0, at["lake"], surface)
    squared = surface * surface
    emitted = emissivity * np.float32(STEFAN_BOLTZMANN) * squared * squared
    net = absorbed - emitted
    sensible = traded.heat(surface - at["air_temperature"])[0]
    latent = used * (1 - ground) * np.maximum(net, 0)
    latent = np.where(at["water"] > 0, _lake_latent(at, surface, traded), latent)
    return {
        **shortwave,
        "downward_longwave": longwave,
        "upward_longwave": emitted + (1 - emissivity) * longwave,
        "net_radiation": net,
        "sensible_heat": sensible,
        "latent_heat": latent,
        "ground_heat": net - sensible - latent,
        "surface_temperature": surface,
        "albedo": at["albedo"],
        "broadband_emissivity": emissivity,
    }


def _shortwave(at: dict[str, Field], beyond: float) -> dict[str, Field]:
    cosine = np.cos(at["zenith"])
    clear = sky.clear_sky(cosine, beyond, at["surface_pressure"], at["aod"], at["water_vapour"], at["ozone"])
    if at["slope"].any():
        clear = _on_slopes(clear, at, cosine)
    total, beam = sky.below_clouds(clear, at["transmittance"], at["albedo"], cosine)
    fraction, gain = sky.PAR_FRACTION
    return {
        "clear_sky_downward_shortwave": (clear.direct + clear.diffuse) / (1 - at["albedo"] * clear.albedo),
        "downward_shortwave": total,
        "direct_fraction": np.where(total > 0, beam / np.maximum(total, 1e-6), 0),
        "downward_par": total * (fraction + gain * (1 - at["transmittance"])),
    }


def _on_slopes(clear: sky.ClearSky, at: dict[str, Field], cosine: Field) -> sky.ClearSky:
    slope = at["slope"]
    sine = np.sqrt(np.maximum(1 - cosine * cosine, 0))
    incidence = cosine * np.cos(slope) + sine * np.sin(slope) * np.cos(at["azimuth"] - at["aspect"])
    # at sunrise a slope may face a beam that the horizontal hardly gets
    turned = np.clip(incidence, 0, None) / np.maximum(cosine, 0.05)
    return clear._replace(direct=clear.direct * turned, diffuse=clear.diffuse * (1 + np.cos(slope)) / 2)


def _emissivity(at: dict[str, Field]) -> Field:
    cover, snow = at["fraction_vegetation_cover"], at["snow_fraction"]
    land = EMISSIVITY["soil"] + (EMISSIVITY["leaves"] - EMISSIVITY["soil"]) * cover
    land = land + (EMISSIVITY["snow"] - land) * snow
    return np.where(at["water"] > 0, np.float32(EMISSIVITY["water"]), land)


def _evaporative_share(at: dict[str, Field]) -> Field:
    """Return latent heat over available energy: Priestley & Taylor, limited by what soil and roots have."""
    air = at["air_temperature"]
    # Slope of saturation pressure (hPa K-1), FAO-56 eq. 13.
    dry = air - np.float32(35.85)
    slope = 4098 * saturation_pressure(air) / (dry * dry)
    psychrometric = _PSYCHROMETRIC * at["surface_pressure"]
    moisture, cover = at["soil_moisture"], at["fraction_vegetation_cover"]
    # Leaves close between 40 % and 10 % of saturation, bare soil dries with the square of its moisture; chosen within
    # the ranges of Fisher et al. 2008 (doi 10.1016/j.rse.2007.06.025) for the same purpose.
    leaves = np.clip((moisture - np.float32(0.1)) / np.float32(0.3), 0, 1) * at["greenness"]
    stress = cover * leaves + (1 - cover) * moisture * moisture
    return np.asarray(np.clip(PRIESTLEY_TAYLOR * slope / (slope + psychrometric) * stress, 0, np.float32(0.95)))


def _exchange(at: dict[str, Field]) -> Exchange:
    # z0 = 0.123 h (FAO-56 eq. 3); bare soil 5 mm, water 0.2 mm.
    cover = at["fraction_vegetation_cover"]
    rough = np.maximum(np.float32(0.123) * at["canopy_height"], np.float32(0.005))
    rough = np.where(at["water"] > 0, np.float32(2e-4), np.minimum(rough, np.float32(2.5)))
    # kB^-1: 2.3 over closed canopies (Garratt & Hicks 1973), 4 to 8 over sparse ones (Verhoef et al. 1997, doi
    # 10.1175/1520-0450(1997)036<0560:SPNOTP>2.0.CO;2).
    excess = np.where(at["water"] > 0, np.float32(0.0), np.float32(2.3) + np.float32(2.7) * (1 - cover))
    return exchange(at["air_temperature"], at["surface_pressure"], at["wind_speed"], rough, excess)


def _lake_latent(at: dict[str, Field], surface: Field, traded: Exchange) -> Field:
    """Return latent heat of open water: vapour is carried as heat is, over the psychrometric constant."""
    deficit = saturation_pressure(surface) - at["vapour_pressure"]
    carried = traded.coefficient(surface - at["air_temperature"])
    return np.asarray(carried * deficit / (_PSYCHROMETRIC * at["surface_pressure"]))
