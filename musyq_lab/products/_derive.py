"""Inputs that follow from others by definition, so that a user need not compute them first.

Each rule is a few lines of physics or the extreme of a series; what a *product* must make first is a matter of
:mod:`musyq_lab.products._resolve`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from musyq_lab.core.units import convert
from musyq_lab.core.variables import QUANTITIES, quantity
from musyq_lab.kernels import weather
from musyq_lab.kernels._photosynthesis import PHOTONS
from musyq_lab.standard.layout import between_azimuths

Find = Callable[[str], "xr.DataArray | None"]

PAR_OF_SHORTWAVE = 0.45
"""Share of photosynthetically active in shortwave irradiance of MOD17 (user's guide, section 2)."""

_EXTREMES = {"_maximum": "max", "_minimum": "min"}
_ANGLES = ("sun_azimuth", "view_azimuth")


class Rule(NamedTuple):
    """How one quantity follows from others."""

    needs: tuple[str, ...]
    """Quantities, in the order of the function's arguments and in canonical units."""
    function: Callable[..., Any]
    """Arrays in, array out."""


def _humidity(temperature: Any, vapour: Any) -> Any:
    return vapour / weather.saturation_pressure(temperature)


def _vapour_of_humidity(temperature: Any, humidity: Any) -> Any:
    return humidity * weather.saturation_pressure(temperature)


def _vapour_of_mass(specific: Any, pressure: Any) -> Any:
    return specific * pressure / (weather.VAPOUR_RATIO + (1.0 - weather.VAPOUR_RATIO) * specific)


_RULES = {
    "vapour_pressure": (
        Rule(("air_temperature", "relative_humidity"), _vapour_of_humidity),
        Rule(("specific_humidity", "surface_pressure"), _vapour_of_mass),
    ),
    "surface_pressure": (Rule(("altitude",), weather.standard_pressure),),
    "relative_humidity": (Rule(("air_temperature", "vapour_pressure"), _humidity),),
    "relative_azimuth": (Rule(_ANGLES, between_azimuths),),
    "air_temperature": (Rule(("air_temperature_min", "air_temperature_max"), lambda low, high: 0.5 * (low + high)),),
    "downward_par": (
        Rule(("downward_shortwave",), lambda shortwave: PAR_OF_SHORTWAVE * shortwave),
        Rule(("photon_flux",), lambda photons: photons / PHOTONS),
    ),
    # The deficit is that by day. The water in the air hardly changes in a day, relative humidity does: it goes with the
    # temperature of which it is the mean.
    "vapour_pressure_deficit": (
        Rule(("air_temperature_day", "vapour_pressure"), weather.deficit_from_vapour_pressure),
        Rule(("air_temperature", "vapour_pressure"), weather.deficit_from_vapour_pressure),
        Rule(("air_temperature", "relative_humidity"), weather.deficit_from_relative_humidity),
        Rule(("air_temperature_day", "specific_humidity", "surface_pressure"), weather.deficit_from_specific_humidity),
        Rule(("air_temperature", "specific_humidity", "surface_pressure"), weather.deficit_from_specific_humidity),
    ),
}


def derived(name: str, find: Find, wanted: frozenset[str] = frozenset()) -> xr.DataArray | None:
    """Return a quantity made of others, None where no rule applies.

    Parameters
    ----------
    name : str
        In the nomenclature.
    find : callable
        Returns a quantity by name if it is there.
    wanted : frozenset of str
        Quantities that wait for this one, of which it cannot be made.
    """
    wanted = wanted | {name}
    for rule in _RULES.get(name, ()):
        if wanted & {*rule.needs}:
            continue
        found = [_canonical(needed, find, wanted) for needed in rule.needs]
        given = [array for array in found if array is not None]
        if len(given) == len(found):
            return _applied(rule, given).rename(name).assign_attrs(units=quantity(name).units)
    return _extreme(name, find)


def _canonical(name: str, find: Find, wanted: frozenset[str]) -> xr.DataArray | None:
    array = find(name)
    if array is None:
        array = derived(name, find, wanted)
    if array is None:
        return None
    return convert(array, QUANTITIES[name].units if name in QUANTITIES else "degree")


def _applied(rule: Rule, arrays: list[xr.DataArray]) -> xr.DataArray:
    bare = [array.drop_attrs(deep=False) for array in arrays]
    dtype = np.result_type(*(array.dtype for array in bare), np.float32)
    made: xr.DataArray = xr.apply_ufunc(
        rule.function, *bare, dask="parallelized", output_dtypes=[dtype], join="exact", keep_attrs=False
    )
    return made


def _extreme(name: str, find: Find) -> xr.DataArray | None:
    """Return the highest or lowest value of a series along ``time``."""
    for ending, function in _EXTREMES.items():
        series = find(name.removesuffix(ending)) if name.endswith(ending) else None
        if series is not None and "time" in series.dims:
            found: xr.DataArray = getattr(series, function)("time")
            return found.assign_attrs(units=series.attrs.get("units"))
    return None
