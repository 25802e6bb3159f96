"""The truth as products: what lies in our archive beside the granules.

``truth_land`` does not change; ``truth_canopy``, ``truth_energy`` and ``truth_carbon`` are means over five days, as the
programme's products are. Each layer is exact: its uncertainty is half a step of its storage and is not stored. Truth of
any other instant comes from :meth:`musyq_lab.twin.simulate.Simulation.truth`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rioxarray  # noqa: F401  (the accessor .rio)
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.archive.write import write_product
from musyq_lab.core.attributes import history_line
from musyq_lab.core.period import Period, pentad, three_hourly
from musyq_lab.core.quality import QA_DTYPE
from musyq_lab.core.spec import Product, Variable
from musyq_lab.twin.world import World


def _layer(name: str, units: str, meaning: str, limits: tuple[float, float], scale: float, **more: str) -> Variable:
    return Variable(name, meaning, units, valid_range=limits, scale=scale, **more)  # type: ignore[arg-type]


Means = tuple[Period, xr.Dataset]
"""A period and the mean of its days or hours."""

_FLUX = "W m-2"

LAND = Product(
    "truth_land",
    "Simulated Earth: terrain, cover and soil",
    (
        _layer("elevation", "m", "height above mean sea level", (-500.0, 9000.0), 0.5, colour_map="cividis"),
        _layer("slope", "degree", "slope of the terrain", (0.0, 90.0), 0.01),
        _layer("aspect", "degree", "direction the slope faces, clockwise from north", (0.0, 360.0), 0.02),
        Variable(
            "land_cover", "IGBP land cover class, 17 for water", "1", valid_range=(1, 17), dtype="uint8", fill=255
        ),
        _layer("clumping_index", "1", "clumping index of the leaves", (0.0, 1.0), 1e-4),
        _layer("soil_brightness", "1", "brightness of the dry soil", (0.0, 3.0), 1e-4),
    ),
    (),
    stage="scene",
)
CANOPY = Product(
    "truth_canopy",
    "Simulated Earth: vegetation, mean of five days",
    (
        _layer("lai", "m2 m-2", "leaf area index", (0.0, 15.0), 1e-3, colour_map="YlGn"),
        _layer("fraction_vegetation_cover", "1", "share covered by green leaves, seen from above", (0.0, 1.0), 1e-4),
        _layer("greenness", "1", "seasonal state of the leaves", (0.0, 1.0), 1e-4),
        _layer("canopy_height", "m", "height of the canopy", (0.0, 80.0), 0.01),
    ),
    (),
)
ENERGY = Product(
    "truth_energy",
    "Simulated Earth: radiation and energy at the surface, mean of five days",
    (
        _layer("albedo", "1", "blue-sky albedo, weighted by the light", (0.0, 1.0), 1e-4),
        _layer("downward_shortwave", _FLUX, "downward shortwave irradiance", (0.0, 600.0), 0.02),
        _layer("downward_par", _FLUX, "downward photosynthetically active radiation", (0.0, 300.0), 0.01),
        _layer("downward_longwave", _FLUX, "downward longwave irradiance", (0.0, 600.0), 0.02),
        _layer("upward_longwave", _FLUX, "upward longwave irradiance", (0.0, 900.0), 0.03),
        _layer("net_radiation", _FLUX, "net radiation", (-300.0, 700.0), 0.03),
        _layer("latent_heat", _FLUX, "latent heat flux", (-200.0, 700.0), 0.03),
        _layer("surface_temperature", "K", "land surface temperature", (180.0, 360.0), 0.02, colour_map="inferno"),
    ),
    (),
)
CARBON = Product(
    "truth_carbon",
    "Simulated Earth: carbon and water fluxes, mean of five days",
    (
        _layer("fpar", "1", "fraction of photosynthetically active radiation absorbed", (0.0, 1.0), 1e-4),
        _layer("gpp", "g m-2 d-1", "gross primary production (carbon)", (0.0, 60.0), 2e-3, colour_map="YlGn"),
        _layer("npp", "g m-2 d-1", "net primary production (carbon)", (-30.0, 30.0), 2e-3, colour_map="YlGn"),
        _layer("evapotranspiration", "mm d-1", "evapotranspiration", (-5.0, 30.0), 1e-3, colour_map="YlGnBu"),
    ),
    (),
)
PRODUCTS = (LAND, CANOPY, ENERGY, CARBON)
"""Truth products, in the order they are written."""

ENERGY_3H = replace(
    ENERGY,
    key="truth_energy_3h",
    title="Simulated Earth: radiation and energy at the surface, mean of three hours",
    # at noon the sun gives more than a mean of five days ever does
    variables=tuple(
        replace(v, valid_range=(v.valid_range[0], 2 * v.valid_range[1]), scale=2 * v.scale) if v.units == _FLUX else v
        for v in ENERGY.variables
    ),
)
"""What is written beside where products of three hours are to be made."""


def georeferenced(world: World, fields: xr.Dataset) -> xr.Dataset:
    """Return fields with the coordinates and the reference system of the world's grid."""
    grid = world.grid
    rows, columns = ("latitude", "longitude") if grid.geographic else ("y", "x")
    named = fields.rename({"y": rows, "x": columns}) if grid.geographic else fields
    named = named.assign_coords({rows: grid.y, columns: grid.x})
    placed: xr.Dataset = named.rio.write_crs(pyproj.CRS(grid.crs).to_wkt())
    return placed


def periods(start: datetime, days: int) -> Iterator[tuple[Period, list[datetime]]]:
    """Yield the five-day periods that a stretch of days touches, each with its days in the stretch."""
    stretch = [start + timedelta(days=k) for k in range(days)]
    for period in dict.fromkeys(pentad(day) for day in stretch):
        yield period, [day for day in stretch if day in period]


def means(world: World, start: datetime, days: int, pool: ThreadPoolExecutor) -> Iterator[Means]:
    """Yield the five-day periods of a stretch of days, each with the mean of its days in the stretch, dims (y, x).

    Parameters
    ----------
    world
        Whose truth.
    start, days
        First day and number of days.
    pool
        Threads that work through the days.
    """
    for period, members in periods(start, days):
        yield period, _mean(pool.map(world.day, members))


def three_hours(world: World, start: datetime, days: int, pool: ThreadPoolExecutor) -> Iterator[Means]:
    """Yield the periods of three hours of a stretch of days with their means, each of an instant an hour.

    Parameters
    ----------
    world
        Whose truth.
    start, days
        First day and number of days.
    pool
        Threads that work through the periods of a day.
    """
    for day in range(days):
        moments = [start + timedelta(days=day, hours=3 * k) for k in range(8)]
        whole = [three_hourly(moment) for moment in moments]
        yield from zip(whole, pool.map(lambda p: world.mean(p.start, p.end, 3), whole), strict=True)


def write_static(world: World, folder: Path, tile: str) -> Path:
    """Write what does not change into an archive folder and return its path."""
    return _written(world, LAND, world.static, folder, tile, "static")


def write_period(world: World, period: Period, mean: xr.Dataset, folder: Path, tile: str) -> Iterator[Path]:
    """Write the truth of a period into an archive folder and yield its paths as they appear.

    Parameters
    ----------
    world
        Whose truth.
    period
        Which; one that is only partly covered holds the mean of its covered days.
    mean
        Mean of its days.
    folder
        Archive folder, made if it does not exist.
    tile
        Field of the file names: the place.
    """
    for product in PRODUCTS[1:]:
        yield _written(world, product, mean, folder, tile, period)


def write_three_hours(world: World, period: Period, mean: xr.Dataset, folder: Path, tile: str) -> Path:
    """Write the truth of three hours into an archive folder and return its path; see :func:`write_period`."""
    return _written(world, ENERGY_3H, mean, folder, tile, period)


def _edition(world: World) -> str:
    step = world.grid.resolution
    text = f"{step:g}deg" if world.grid.geographic else f"{step:g}m"
    return text.replace(".", "p")


def _mean(days: Iterable[xr.Dataset]) -> xr.Dataset:
    total: xr.Dataset | None = None
    count = 0
    for day in days:
        total = day if total is None else total + day
        count += 1
    if total is None:
        raise ValueError("a mean of no days")
    return total / count


def _written(world: World, product: Product, fields: xr.Dataset, folder: Path, tile: str, period: Period | str) -> Path:
    layers = {}
    for variable in product.variables:
        layers[variable.name] = np.clip(fields[variable.name].values, *variable.valid_range).astype(np.float32)
    return write_layers(world, product, layers, folder, tile, period)


def write_layers(
    world: World, product: Product, layers: Mapping[str, NDArray[Any]], folder: Path, tile: str, period: Period | str
) -> Path:
    """Write a product of a world into an archive folder and return its path.

    Parameters
    ----------
    world
        Whose.
    product
        Which.
    layers
        Name of a variable or of its one-sigma companion -> values, shape (y, x), in the units of the product.
    folder
        Archive folder, made if it does not exist.
    tile
        Field of the file name.
    period
        What the layers are a mean of, or a word for it in the file name.
    """
    label, coverage = (period, {}) if isinstance(period, str) else (period.label, period.coverage)
    units = {name: v.units for v in product.variables for name in (v.name, v.uncertainty_name)}
    made: dict[str, Any] = {name: (("y", "x"), values, {"units": units[name]}) for name, values in layers.items()}
    made[product.qa_name] = ("y", "x"), np.zeros(world.grid.shape, dtype=QA_DTYPE)
    ds = georeferenced(world, xr.Dataset(made)).assign_attrs(history=_history(world), **coverage)
    return write_product(ds, folder, spec=product, edition=_edition(world), tile=tile, period=label)


def _history(world: World) -> str:
    facts = {"cloudiness": world.cloudiness, "members": world.members, "place": world.place.key, "seed": world.seed}
    return history_line("simulate", {**facts, "cells": world.grid.shape, "resolution": world.grid.resolution})
