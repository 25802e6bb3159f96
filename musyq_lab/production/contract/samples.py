"""Ordinary input for any product, made from the ranges of the nomenclature."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.spec import Input, Product

SHAPE = (9, 11)
"""Rows and columns: few, unequal and odd, so that chunks of them differ in size."""

CHUNKS: list[dict[str, int]] = [
    {"latitude": 4, "longitude": 5},
    {"latitude": 1, "longitude": -1},
    {"latitude": -1, "longitude": 3},
]
"""Blocks of unequal size, of whole rows, and of columns."""

SCENE = {
    "sensor": "modis",
    "platform": "Terra",
    "time_coverage_start": "2019-07-01T03:00:00Z",
    "reflectance_level": "top of atmosphere",
}
"""Attributes of the scene that the inputs are said to be of."""

DATES: NDArray[np.datetime64] = (np.datetime64("2018-01-03") + 15 * np.arange(49)).astype("datetime64[ns]")
"""Of series: two years, every fifteen days."""

# Extremes of a year lie beyond the value of the day.
_SHARES = {"_minimum": (0.01, 0.05), "_maximum": (0.5, 0.9)}
# Where the middle of what is possible is far from what is ordinary.
_ORDINARY = {
    "sun_zenith": (5.0, 40.0),
    "emissivity_": (0.95, 0.99),
    "aster_emissivity_": (0.93, 0.98),
    "broadband_emissivity": (0.93, 0.99),
    "transmittance_": (0.7, 0.95),
    "radiance_": (7.0, 10.0),
    "path_radiance_": (0.5, 1.5),
    "sky_radiance_": (0.8, 2.0),
    "surface_pressure": (8e4, 1.01e5),
    "brdf_iso_": (0.05, 0.4),
    "brdf_vol_": (0.01, 0.1),
    "brdf_geo_": (0.0, 0.03),
    "cloud_reflectance": (0.7, 0.9),
    "downward_longwave": (250.0, 380.0),
    "upward_longwave": (350.0, 450.0),
}
_TEMPERATURES = {"_min": (272.0, 280.0), "_max": (295.0, 305.0)}
_CLASSES = [1.0, 2.0, 4.0, 5.0, 7.0, 10.0, 12.0]  # of IGBP, with leaves


def example(spec: Product, seed: int = 20151, shape: tuple[int, int] = SHAPE) -> xr.Dataset:
    """Return a Dataset with every input of a spec, in the middle of its physical range, as a scene of MODIS.

    Parameters
    ----------
    spec : Product
        Whose inputs.
    seed : int
        Other values for another number.
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    xarray.Dataset
        Dims (latitude, longitude), with ``time`` before them for an algorithm of series; float64, with units.
    """
    random = np.random.default_rng(seed)
    coordinates: dict[str, Any] = {
        "latitude": np.linspace(50, 42, shape[0]),
        "longitude": np.linspace(70, 80, shape[1]),
    }
    variables = {}
    dims: tuple[str, ...] = ("latitude", "longitude")
    sizes: tuple[int, ...] = shape
    if spec.support in ("series", "yearly", "period"):
        dims, sizes = ("time", *dims), (len(DATES), *shape)
        coordinates["time"] = DATES
    for item in spec.inputs:
        seasonal = spec.support in ("series", "yearly")
        variables[item.name] = (dims, values_of(item, random, sizes, seasonal=seasonal), {"units": item.units})
    return xr.Dataset(variables, coordinates, SCENE)


def values_of(
    item: Input, random: np.random.Generator, shape: tuple[int, ...], *, seasonal: bool = False
) -> NDArray[np.float64]:
    """Return values of an input: positive, and away from the ends where products are refused for good reason.

    Parameters
    ----------
    item : Input
        Which.
    random : numpy.random.Generator
        Where they come from.
    shape : tuple of int
        Of the array; the first axis is that of :data:`DATES` where ``seasonal``.
    seasonal : bool
        Whether they follow the seasons.
    """
    if item.name == "land_cover":
        return random.choice(_CLASSES, shape)
    low, high = item.valid_range
    low = max(low, 0.0)
    first, last = next((v for ending, v in _SHARES.items() if item.name.endswith(ending)), (0.05, 0.45))
    least, most = low + first * (high - low), low + last * (high - low)
    least, most = next((limits for name, limits in _ORDINARY.items() if item.name.startswith(name)), (least, most))
    if item.units == "K":
        least, most = next((v for ending, v in _TEMPERATURES.items() if item.name.endswith(ending)), (280.0, 295.0))
    if not seasonal:
        return random.uniform(least, most, shape)
    # A season that peaks in the middle of each calendar year, and a little noise.
    season = np.sin(np.pi * ((DATES - DATES.astype("datetime64[Y]")) / np.timedelta64(365, "D"))) ** 2
    share = 0.1 + 0.8 * season[:, None, None] + random.uniform(-0.02, 0.02, shape)
    made: NDArray[np.float64] = least + share * (most - least)
    return made


def never(*_args: Any, **_kwargs: Any) -> None:
    """Stand in for a dask scheduler and raise: whoever computes is found out.

    Raises
    ------
    AssertionError
        Always.
    """
    raise AssertionError("something was computed while the graph was being built")
