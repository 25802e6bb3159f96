"""The methods of evapotranspiration on arrays: each returns the latent heat of its parts in W m-2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from musyq_lab.core.errors import InputError, closest
from musyq_lab.kernels import evaporation, weather
from musyq_lab.products._class_table import by_class

STANDARD_OPTIMUM = 25.0
"""Optimum temperature of plants where it is not known (degrees Celsius).

Ours: by the definition of Fisher et al. (2008) the mean over the matchups at 63 towers of the shipped table is 26.
"""
STANDARD_PRESSURE = 1e5
"""Surface pressure where it is not known (Pa): that of the psychrometric constant of PT-JPL, 66.2 Pa K-1."""
EDITIONS = {"c7": (250.0, 1.0), "c6": (200.0, 0.0), "c5.1": (250.0, 0.0)}
"""Sets of parameters of MOD16; for each the deficit of the soil's limit (Pa) and 1 for Collection 7's conductance."""
NIGHT = ("net_radiation_night", "air_temperature_night", "vapour_pressure_deficit_night")
"""Inputs without which MOD16 leaves the night out."""
BARE = 0.05
"""NDVI at and below which PT-JPL sees no plants."""

_DAY = 86400.0  # s
_COLUMNS = ("tmin_closed", "tmin_open", "gl_sh", "gl_wv", "vpd_open", "vpd_closed", "rbl_min", "rbl_max", "cl")
_ENDINGS = {
    "c7": {"tmin_open": "_c7", "vpd_closed": "_c7"},
    "c6": dict.fromkeys(("gl_sh", "gl_wv", "cl", "rbl_min", "rbl_max"), "_c6"),
    "c5.1": {},
}


class Parts(NamedTuple):
    """Latent heat of an evaporating surface (W m-2), and the air that goes with it."""

    total: Any
    """Sum of the next three."""
    transpiration: Any
    soil: Any
    interception: Any
    """Evaporation from wet leaves."""
    potential: Any
    """Rate of Priestley and Taylor for a wet surface."""
    temperature: Any
    """Air temperature at which water evaporates (K)."""


def parts_of(method: str, inputs: Mapping[str, Any], options: Mapping[str, Any], *, whole: bool = False) -> Parts:
    """Return the parts by a method.

    Parameters
    ----------
    method : str
        ``ptjpl``, ``mod16``, ``priestley_taylor`` or ``fao56``.
    inputs, options : mapping
        Arrays and options by name, as the product gets them; those not known are absent or None.
    whole : bool, default False
        Whether the sum will do: the parts may then be missing (NaN).
    """
    given = {name: array for name, array in inputs.items() if array is not None}
    if method == "ptjpl":
        return _ptjpl(given, options, whole=whole)
    make = {"mod16": _mod16, "priestley_taylor": _priestley_taylor, "fao56": _fao56}
    return make[method](given, options)


def millimetres(latent: Any, temperature: Any) -> Any:
    """Return the water (mm d-1) that a latent heat (W m-2) vaporises at an air temperature (K)."""
    return _DAY * latent / weather.vaporisation_heat(temperature)


def _ground(inputs: Mapping[str, Any]) -> Any:
    ground = inputs.get("ground_heat")
    return 0.0 if ground is None else ground


def _pressure(inputs: Mapping[str, Any]) -> Any:
    pressure = inputs.get("surface_pressure")
    return STANDARD_PRESSURE if pressure is None else pressure


def _ptjpl(inputs: Mapping[str, Any], options: Mapping[str, Any], *, whole: bool) -> Parts:
    temperature, optimum = inputs["air_temperature"], inputs.get("optimum_temperature")
    arguments = (
        inputs["net_radiation"],
        _ground(inputs),
        temperature,
        inputs["relative_humidity"],
        inputs["ndvi"],
        inputs.get("ndvi_maximum", -1.0),
        STANDARD_OPTIMUM if optimum is None else optimum - weather.FREEZING,
        _pressure(inputs),
        options["alpha"],
        options["wet_from"],
        0.0 if "ground_heat" in inputs else options["ground_share"],
    )
    if whole:
        return _undivided(evaporation.ptjpl(*arguments), np.nan, temperature)
    soil, canopy, rain, potential = evaporation.ptjpl_parts(*arguments)
    return Parts(soil + canopy + rain, canopy, soil, rain, potential, temperature)


def _priestley_taylor(inputs: Mapping[str, Any], options: Mapping[str, Any]) -> Parts:
    temperature = inputs["air_temperature"]
    total = evaporation.priestley_taylor(
        inputs["net_radiation"], _ground(inputs), temperature, _pressure(inputs), options["alpha"]
    )
    return _undivided(total, total, temperature)


def _fao56(inputs: Mapping[str, Any], options: Mapping[str, Any]) -> Parts:
    lowest, highest = inputs["air_temperature_min"], inputs["air_temperature_max"]
    water = evaporation.penman_monteith_reference(
        inputs["net_radiation"],
        _ground(inputs),
        lowest,
        highest,
        inputs["vapour_pressure"],
        inputs["wind_speed"],
        _pressure(inputs),
    )
    temperature = 0.5 * (lowest + highest)
    grass = water * weather.vaporisation_heat(temperature) / _DAY
    return _undivided(options["crop_coefficient"] * grass, grass, temperature)


def _undivided(total: Any, potential: Any, temperature: Any) -> Parts:
    """Return the parts of a method that knows only the sum."""
    unknown = np.full_like(total, np.nan)
    return Parts(total, unknown, unknown, unknown, potential, temperature)


def _mod16(inputs: Mapping[str, Any], options: Mapping[str, Any]) -> Parts:
    table = _parameters(inputs["land_cover"], options["parameters"])
    by_day, by_night = _mod16_ground(inputs, table["tmin_closed"])
    lowest = inputs["air_temperature_min"] - weather.FREEZING
    with np.errstate(invalid="ignore"):
        warm = np.clip((lowest - table["tmin_closed"]) / (table["tmin_open"] - table["tmin_closed"]), 0, 1)
    day, deficit = inputs["air_temperature_day"], inputs["vapour_pressure_deficit"]
    given = (inputs["net_radiation_day"], by_day, day, deficit, table["cl"] * warm)
    lit = options["daylight"] / 24.0
    weighted = [lit * part for part in _mod16_half(inputs, options, table, given)]
    if set(NIGHT) <= set(inputs):
        radiation, night, deficit = (inputs[name] for name in NIGHT)
        dark = _mod16_half(inputs, options, table, (radiation, by_night, night, deficit, 0.0))
        weighted = [part + (1 - lit) * other for part, other in zip(weighted, dark, strict=True)]
    canopy, soil, rain, potential = (np.where(part < 0, 0 * part, part) for part in weighted)
    return Parts(canopy + soil + rain, canopy, soil, rain, potential, day)


def _mod16_half(
    inputs: Mapping[str, Any], options: Mapping[str, Any], table: Mapping[str, Any], given: tuple[Any, ...]
) -> list[Any]:
    """Return transpiration, soil evaporation, interception and potential rate of the day or of the night (W m-2)."""
    radiation, ground, temperature, deficit, stomata = given
    pressure = _pressure(inputs)
    found = evaporation.mod16(
        radiation,
        ground,
        temperature,
        deficit,
        pressure,
        inputs["fpar"],
        inputs["lai"],
        stomata,
        *(table[name] for name in ("gl_sh", "gl_wv", "vpd_open", "vpd_closed", "rbl_min", "rbl_max")),
        *EDITIONS[options["parameters"]],
    )
    return [*found, evaporation.priestley_taylor(radiation, ground, temperature, pressure, options["alpha"])]


def _mod16_ground(inputs: Mapping[str, Any], closed: Any) -> tuple[Any, Any]:
    """Return the heat flux into the ground by day and by night; what is given stands for the day."""
    names = ("net_radiation_night", "air_temperature_night", "air_temperature_annual")
    by_day: Any = 0.0
    by_night: Any = 0.0
    if all(name in inputs for name in names):
        radiation, night, year = (inputs[name] for name in names)
        by_day, by_night = evaporation.mod16_ground_heat(
            inputs["net_radiation_day"], radiation, inputs["air_temperature_day"], night, year, closed
        )
    return inputs.get("ground_heat", by_day), by_night


def without_parameters(land_cover: Any) -> Any:
    """Return where MOD16 has no parameters for a class."""
    return np.isnan(by_class("mod16", "cl", land_cover)) & ~np.isnan(land_cover)


def edition_of(name: str) -> str:
    """Return the name of a set of parameters of MOD16 if there is one.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in EDITIONS:
        raise InputError(
            f"MOD16 has no set of parameters {name!r}.{closest(name, EDITIONS)} "
            f"Give parameters= one of {', '.join(EDITIONS)}."
        )
    return name


def _parameters(land_cover: Any, edition: str) -> dict[str, Any]:
    ending = _ENDINGS[edition_of(edition)]
    return {name: by_class("mod16", name + ending.get(name, ""), land_cover) for name in _COLUMNS}
