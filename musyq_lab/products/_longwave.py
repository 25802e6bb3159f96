"""Clear skies by method and clouds by option, shared by what needs the longwave radiation of the sky."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from musyq_lab.kernels import longwave, weather

Array = Any

_COLUMN = 4.65
"""Column of vapour (kg m-2) of 1 Pa at 1 K: w = 46.5 e / T cm with e in hPa (Prata 1996)."""

_BRUNT = (0.52, 0.065)
"""Of Brunt 1932, with e in hPa."""
_LI = (0.618, 0.056)
"""Brunt's, fitted by Li, Jiang and Coimbra 2017 (doi:10.1016/j.solener.2017.01.006) to day and night of seven SURFRAD
stations, with e in hPa; read in lysham/dlw ``main.py``, not in the paper."""

_THIN = 71000.0
"""Air pressure (Pa) at which Prata's emissivity is lower by 0.05."""


def column_of(temperature: Array, vapour_pressure: Array) -> Array:
    """Return the column of water vapour (kg m-2) that Prata 1996 gives to air of this temperature (K) and vapour (Pa).

    It is that of an ordinary profile: too large under dry air aloft, too small under an inversion.
    """
    return _COLUMN * vapour_pressure / temperature


def thinness(surface_pressure: Array) -> Array:
    """Return what Prata's emissivity is lower by where the air pressure (Pa) is low.

    0.05 (p0 - p) / (p0 - 710 hPa) with p0 of the sea level; recalled, not re-read.
    """
    return 0.05 * (weather.SEA_LEVEL - surface_pressure) / (weather.SEA_LEVEL - _THIN)


def clear_and_cloudy(
    method: str,
    air_temperature: Array,
    vapour_pressure: Array | None,
    water_vapour: Array | None,
    surface_pressure: Array | None,
    clouds: tuple[Array, Array],
) -> Array:
    """Return the downward longwave irradiance (W m-2).

    Parameters
    ----------
    method : str
        Of the product ``dlr``.
    air_temperature : array
        K.
    vapour_pressure, water_vapour, surface_pressure : array, optional
        Pa, kg m-2 and Pa; those that the method takes.
    clouds : tuple of array
        Numbers a and b of :mod:`musyq_lab.kernels.longwave`.
    """
    if method == "swinbank":
        return longwave.swinbank(air_temperature, *clouds)
    if method in _FROM_VAPOUR:
        return _FROM_VAPOUR[method](air_temperature, vapour_pressure, *clouds)
    column = column_of(air_temperature, vapour_pressure) if water_vapour is None else water_vapour
    if method == "dilley_obrien":
        return longwave.dilley(air_temperature, column, *clouds)
    thin = 0.0 if surface_pressure is None else thinness(surface_pressure)
    return longwave.prata(air_temperature, column, thin, *clouds)


def _brunt(coefficients: tuple[float, float]) -> Callable[..., Array]:
    return lambda temperature, vapour, a, b: longwave.brunt(temperature, vapour, *coefficients, a, b)


_FROM_VAPOUR: dict[str, Callable[..., Array]] = {
    "brutsaert": longwave.brutsaert,
    "idso": longwave.idso,
    "brunt": _brunt(_BRUNT),
    "li": _brunt(_LI),
}


def cloud_share(cloud_fraction: Array | None, clear_sky_index: Array | None) -> Array | None:
    """Return the cloud fraction as given, or 1 less the clear-sky index, within 0 and 1; None if neither is known."""
    if cloud_fraction is not None:
        return cloud_fraction
    return None if clear_sky_index is None else np.clip(1.0 - clear_sky_index, 0.0, 1.0)


def cloud_terms(clouds: str, share: Array | None, humidity: Array | None) -> tuple[Array, Array]:
    """Return what clouds hide of the clear sky and what they add to its emissivity.

    Parameters
    ----------
    clouds : str
        A key of :data:`CLOUDS`.
    share : array, optional
        Cloud fraction (1); without it the sky is clear.
    humidity : array, optional
        Relative humidity (1), which ``li`` takes.
    """
    return (0.0, 0.0) if share is None else CLOUDS[clouds](share, humidity)


def _crawford_duchon(share: Array, _: Array) -> tuple[Array, Array]:
    return share, share


def _unsworth_monteith(share: Array, _: Array) -> tuple[Array, Array]:
    part = 0.84 * share
    return part, part


def _li(share: Array, humidity: Array) -> tuple[Array, Array]:
    # Table 8 of Li et al. 2017, form 26b for day and night, humidity in per cent; read in lysham/dlw main.py.
    return 0.78 * share, 0.38 * share**0.95 * (100.0 * np.minimum(humidity, 1.0)) ** 0.17


CLOUDS: dict[str, Callable[[Array, Array], tuple[Array, Array]]] = {
    "crawford_duchon": _crawford_duchon,
    "unsworth_monteith": _unsworth_monteith,
    "li": _li,
}
"""By name: Crawford and Duchon 1999, doi:10.1175/1520-0450(1999)038<0474:AIPFEE>2.0.CO;2; Unsworth and Monteith 1975,
doi:10.1002/qj.49710142703; Li et al. 2017."""


def humidity_of(air_temperature: Array, vapour_pressure: Array) -> Array:
    """Return the relative humidity (1) of air of this temperature (K) and vapour pressure (Pa)."""
    return vapour_pressure / weather.saturation_pressure(air_temperature)
