"""Weather and a land-cover map as a user gets them: the truth with errors of stated size, as products beside it.

``sim_weather`` holds means over five days as a reanalysis gives them, ``sim_cover`` a land-cover map, the terrain and
the clumping of leaves. Layers are named as the inputs of the products, so that retrievals find them, and each has its
one-sigma companion. Sizes of the errors are about those that the products assume of their inputs; their structure is
that of :mod:`musyq_lab.twin._errors`. They are chosen, not measured, and clipped to what is possible, which makes
errors near such a limit smaller than stated.

By day means while the sun gives more than 1 W m-2; ``air_temperature_min`` is the mean of the days' lowest, as MOD17
wants it. Means of a day are made of six instants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.period import Period
from musyq_lab.core.spec import Product, Variable
from musyq_lab.core.variables import quantity
from musyq_lab.twin import truth
from musyq_lab.twin._errors import Noise, Sigma
from musyq_lab.twin._fields import highest, noise
from musyq_lab.twin.cover import IGBP
from musyq_lab.twin.random import stream
from musyq_lab.twin.terrain import slope_aspect
from musyq_lab.twin.world import World

Floats = NDArray[np.float32]

CONFUSED = 0.04
"""Share of the land whose class on the map is another one, in patches; chosen, less than global maps have."""

ALTITUDE = Sigma(4.0)
"""Error of the terrain model (m): about that of SRTM over land (Rodriguez et al. 2006, doi 10.14358/PERS.72.3.249,
recalled), here smooth over some cells."""

CLUMPING = Sigma(0.05)
"""Error of the clumping index, chosen."""

_LIKE = MappingProxyType(
    {
        1: (5, 8), 2: (5, 9), 3: (1, 8), 4: (5, 8), 5: (4, 1), 6: (7, 8), 7: (10, 6), 8: (9, 5), 9: (8, 10),
        10: (12, 7), 11: (10, 12), 12: (10, 14), 13: (12, 10), 14: (12, 10), 15: (16,), 16: (7, 10),
    }
)  # fmt: skip
"""Classes that a class is taken for: its neighbours in cover and height; water is seen right."""

_PLANT_WATER = (0.1, 0.6)
"""Share of saturation at which the twin's plants close, and from which more water is of no use to them: they suffer
below 0.4 (:mod:`musyq_lab.twin.energy`), which is 0.6 of what they can use, the threshold of Stocker et al. 2020."""

_WIND = 4.87 / np.log(67.8 * 10 - 5.42)  # from 10 m to 2 m, FAO-56 eq. 47


class _Row(NamedTuple):
    variable: Variable
    sigma: Sigma
    group: str


def _row(name: str, group: str, sigma: tuple[float, float], limits: tuple[float, float], *packing: float) -> _Row:
    scale, offset = (*packing, 0.0)[:2]
    known = quantity(name)
    variable = Variable(
        name, known.meaning, known.units, known.standard_name, valid_range=limits, scale=scale, offset=offset
    )
    return _Row(variable, Sigma(*sigma), group)


_KELVIN = ((180.0, 335.0), 0.01, 250.0)
_RADIATION = ((0.0, 600.0), 0.02)
_NET = ((-300.0, 1000.0), 0.05)
_SHARE = ((0.0, 1.0), 1e-4)
_TEMPERATURE = "temperature"
_LIGHT = "light"
_HUMID = "humidity"

_ROWS = (
    _row("air_temperature", _TEMPERATURE, (1.0, 0.0), *_KELVIN),
    _row("air_temperature_min", _TEMPERATURE, (1.2, 0.0), *_KELVIN),
    _row("air_temperature_max", _TEMPERATURE, (1.2, 0.0), *_KELVIN),
    _row("air_temperature_day", _TEMPERATURE, (1.0, 0.0), *_KELVIN),
    _row("air_temperature_night", _TEMPERATURE, (1.2, 0.0), *_KELVIN),
    _row("air_temperature_annual", _TEMPERATURE, (0.5, 0.0), *_KELVIN),
    _row("optimum_temperature", _TEMPERATURE, (1.5, 0.0), (250.0, 320.0), 0.01, 250.0),
    _row("vapour_pressure", _HUMID, (40.0, 0.03), (0.0, 8000.0), 0.25),
    _row("relative_humidity", _HUMID, (0.04, 0.0), (0.0, 1.05), 1e-4),
    _row("vapour_pressure_deficit", _HUMID, (40.0, 0.08), (0.0, 12000.0), 0.4),
    _row("vapour_pressure_deficit_night", _HUMID, (40.0, 0.08), (0.0, 12000.0), 0.4),
    _row("water_vapour", _HUMID, (0.5, 0.04), (0.0, 100.0), 0.004),
    _row("wind_speed", "", (0.3, 0.1), (0.0, 75.0), 0.005),
    _row("surface_pressure", "", (150.0, 0.0), (3e4, 1.1e5), 2.0, 70_000.0),
    _row("precipitation", _HUMID, (0.2, 0.2), (0.0, 300.0), 0.01),
    _row("soil_moisture", _HUMID, (0.06, 0.0), *_SHARE),
    _row("snow_fraction", "", (0.0, 0.2), *_SHARE),
    _row("carbon_dioxide", "", (1.0, 0.0), (100.0, 2000.0), 0.1),
    _row("ozone", "", (6.0, 0.0), (50.0, 700.0), 0.05),
    _row("aod", "", (0.03, 0.15), (0.0, 5.0), 2e-4),
    _row("cloud_fraction", _LIGHT, (0.06, 0.0), *_SHARE),
    _row("clear_sky_index", _LIGHT, (0.04, 0.0), (0.0, 1.5), 1e-4),
    _row("diffuse_fraction", _LIGHT, (0.05, 0.0), *_SHARE),
    _row("downward_shortwave", _LIGHT, (4.0, 0.05), *_RADIATION),
    _row("downward_par", _LIGHT, (2.0, 0.05), *_RADIATION),
    _row("downward_longwave", "", (6.0, 0.015), (30.0, 650.0), 0.02),
    _row("net_radiation", _LIGHT, (6.0, 0.05), *_NET),
    _row("net_radiation_day", _LIGHT, (8.0, 0.05), *_NET),
    _row("net_radiation_night", "", (8.0, 0.05), (-300.0, 300.0), 0.01),
    _row("ground_heat", "", (5.0, 0.15), (-300.0, 600.0), 0.02),
)

WEATHER = Product(
    "sim_weather",
    "Simulated Earth: weather with the errors of a reanalysis, mean of five days",
    tuple(row.variable for row in _ROWS),
    (),
)

_OF_DAYS = ("_min", "_max", "_day", "_night", "_deficit", "_annual", "optimum_temperature")
_ROWS_3H = tuple(row for row in _ROWS if not row.variable.name.endswith(_OF_DAYS))

WEATHER_3H = Product(
    "sim_weather_3h",
    "Simulated Earth: weather with the errors of a reanalysis, mean of three hours",
    tuple(
        replace(v, valid_range=(0.0, 2 * v.valid_range[1]), scale=2 * v.scale)
        if v.name in ("downward_shortwave", "downward_par")
        else v
        for v in (row.variable for row in _ROWS_3H)
    ),
    (),
)
"""What does not speak of days, of three hours: written only where products of three hours are to be made."""

COVER = Product(
    "sim_cover",
    "Simulated Earth: land-cover map, terrain and clumping with errors",
    (
        Variable(
            "land_cover",
            quantity("land_cover").meaning,
            "1",
            valid_range=(1, 17),
            dtype="uint8",
            fill=255,
            classes=tuple(IGBP.items()),
        ),
        Variable("altitude", quantity("altitude").meaning, "m", "surface_altitude", (-500.0, 9000.0), scale=0.5),
        Variable("slope", "slope of the terrain", "degree", valid_range=(0.0, 90.0), scale=0.01, uncertain=False),
        Variable(
            "aspect",
            "direction the slope faces, clockwise from north",
            "degree",
            valid_range=(0.0, 360.0),
            scale=0.02,
            uncertain=False,
        ),
        Variable("clumping_index", quantity("clumping_index").meaning, "1", valid_range=(0.1, 1.0), scale=1e-4),
    ),
    (),
    stage="scene",
)

PRODUCTS = (COVER, WEATHER)
"""What :func:`static` and :func:`period` make."""

SIGMAS = MappingProxyType({row.variable.name: row.sigma for row in _ROWS} | {"altitude": ALTITUDE})
"""Stated error of each layer."""


def carbon_dioxide(time: datetime) -> float:
    """Return the mole fraction of carbon dioxide (1e-6): 410 in the middle of 2019 and 2.4 more a year.

    About the global means of NOAA's marine surface stations from 2010 to 2023 (recalled); without seasons.
    """
    return 410.0 + 2.4 * ((time - datetime(2019, 7, 1)).days / 365.25)


def weather(world: World, mean: xr.Dataset, time: datetime) -> dict[str, tuple[Floats, Floats]]:
    """Return the layers of ``sim_weather`` and their one-sigma companions.

    Parameters
    ----------
    world
        Whose.
    mean
        Mean of the days of a period, of :meth:`musyq_lab.twin.world.World.day`.
    time
        Middle of the period (UTC).

    Returns
    -------
    dict
        Name -> (value, one standard deviation), shape (y, x), in the units of the nomenclature.
    """
    drawn = Noise(world.grid, world.seed, time, [row.variable.name for row in _ROWS])
    true = _true(world, mean, time)
    made = _with_errors(_ROWS, WEATHER, true, drawn)
    for name, bound in (("min", np.minimum), ("max", np.maximum)):
        value, spread = made[f"air_temperature_{name}"]
        made[f"air_temperature_{name}"] = (bound(value, made["air_temperature"][0]), spread)
    return made


def _with_errors(
    rows: Sequence[_Row], product: Product, true: Mapping[str, Floats], drawn: Noise
) -> dict[str, tuple[Floats, Floats]]:
    made = {}
    for (_, sigma, group), variable in zip(rows, product.variables, strict=True):
        spread = sigma.of(true[variable.name])
        value = np.clip(true[variable.name] + spread * drawn(variable.name, group), *variable.valid_range)
        made[variable.name] = (value.astype(np.float32), spread)
    return made


def weather_3h(world: World, mean: xr.Dataset, time: datetime) -> dict[str, tuple[Floats, Floats]]:
    """Return the layers of ``sim_weather_3h`` and their one-sigma companions; see :func:`weather`."""
    drawn = Noise(world.grid, world.seed, time, [row.variable.name for row in _ROWS])
    return _with_errors(_ROWS_3H, WEATHER_3H, _true(world, mean, time), drawn)


def _true(world: World, mean: xr.Dataset, time: datetime) -> dict[str, Floats]:
    """Return what the weather would be without errors, in the names and units of the nomenclature."""
    at = {str(name): field.values for name, field in mean.data_vars.items()}
    still = world.static
    clear, shone = at["clear_sky_downward_shortwave"], at["downward_shortwave"]
    annual = still["temperature_mean"].values
    dry, full = _PLANT_WATER
    changed = {
        "air_temperature_annual": annual,
        # of the month in which plants grow most, here the warmest
        "optimum_temperature": annual + still["temperature_amplitude"].values,
        "vapour_pressure": 100 * at["vapour_pressure"],
        "surface_pressure": 100 * at["surface_pressure"],
        "wind_speed": np.float32(_WIND) * at["wind_speed"],
        "soil_moisture": np.clip((at["soil_moisture"] - dry) / (full - dry), 0, 1),
        "carbon_dioxide": np.full(world.grid.shape, carbon_dioxide(time)),
        # of no meaning without light
        "clear_sky_index": np.where(clear > 0, shone / np.maximum(clear, 1e-6), np.nan),
    }
    return {row.variable.name: np.asarray((at | changed)[row.variable.name], np.float32) for row in _ROWS}


def cover(world: World) -> dict[str, tuple[NDArray[np.generic], Floats | None]]:
    """Return the layers of ``sim_cover`` and their one-sigma companions, None where there is none.

    Returns
    -------
    dict
        Name -> (value, one standard deviation), shape (y, x).
    """
    still, grid = world.static, world.grid
    classes = confused(still["land_cover"].values, world.seed)
    rng = stream(world.seed, "errors", "terrain")
    bumps = noise(grid.shape, max(min(grid.shape) / 64, 2.0), rng)
    true = still["elevation"].values
    altitude = np.clip(true + ALTITUDE.of(true) * bumps, -500, 9000).astype(np.float32)
    slope, aspect = slope_aspect(altitude, grid)
    clumped = still["clumping_index"].values
    wrong = CLUMPING.of(clumped) * noise(grid.shape, 2.0, stream(world.seed, "errors", "clumping"))
    return {
        "land_cover": (classes, None),
        "altitude": (altitude, ALTITUDE.of(true)),
        "slope": (slope, None),
        "aspect": (aspect, None),
        "clumping_index": (np.clip(clumped + wrong, 0.1, 1.0).astype(np.float32), CLUMPING.of(clumped)),
    }


def confused(classes: NDArray[np.uint8], seed: int, share: float = CONFUSED) -> NDArray[np.uint8]:
    """Return land cover in which a share of the land has the class of another cover, in patches of some cells.

    Parameters
    ----------
    classes
        IGBP 1 to 17, shape (y, x).
    seed
        Of the world.
    share
        Of the land, 0 to 1.
    """
    land = np.isin(classes, list(_LIKE))
    rng = stream(seed, "errors", "land cover")
    score = np.where(land, noise(classes.shape, 2.0, rng), -np.inf).astype(np.float32)
    wrong = highest(score, round(share * np.count_nonzero(land))) & land
    second = noise(classes.shape, 3.0, rng) > 0.5
    table = np.arange(256, dtype=np.uint8)
    other = table.copy()
    for number, likes in _LIKE.items():
        table[number], other[number] = likes[0], likes[-1]
    return np.where(wrong, np.where(second, other[classes], table[classes]), classes).astype(np.uint8)


def write_static(world: World, folder: Path, tile: str) -> Path:
    """Write ``sim_cover`` into an archive folder and return its path."""
    return truth.write_layers(world, COVER, _companions(COVER, cover(world)), folder, tile, "static")


def write_period(world: World, period: Period, mean: xr.Dataset, folder: Path, tile: str) -> Path:
    """Write ``sim_weather`` of a period into an archive folder and return its path.

    Parameters
    ----------
    world
        Whose.
    period
        Which.
    mean
        Mean of its days.
    folder
        Archive folder, made if it does not exist.
    tile
        Field of the file names: the place.
    """
    made = weather(world, mean, period.middle)
    return truth.write_layers(world, WEATHER, _companions(WEATHER, made), folder, tile, period)


def write_three_hours(world: World, period: Period, mean: xr.Dataset, folder: Path, tile: str) -> Path:
    """Write ``sim_weather_3h`` of three hours into an archive folder and return its path; see :func:`write_period`."""
    made = weather_3h(world, mean, period.middle)
    return truth.write_layers(world, WEATHER_3H, _companions(WEATHER_3H, made), folder, tile, period)


def _companions(
    product: Product, made: Mapping[str, tuple[NDArray[np.generic], Floats | None]]
) -> dict[str, NDArray[np.generic]]:
    return dict(_named(product, made))


def _named(
    product: Product, made: Mapping[str, tuple[NDArray[np.generic], Floats | None]]
) -> Iterator[tuple[str, NDArray[np.generic]]]:
    for variable in product.variables:
        value, spread = made[variable.name]
        yield variable.name, value
        if spread is not None:
            yield variable.uncertainty_name, spread
