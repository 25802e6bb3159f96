"""What the shortwave products share: clear skies by name, the air where none is given, errors by differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError, closest
from musyq_lab.core.spec import Input
from musyq_lab.core.variables import quantity
from musyq_lab.kernels import clear_sky, heliosat
from musyq_lab.kernels._clear_sky_cloud import below_cloud
from musyq_lab.kernels.weather import SEA_LEVEL

Array = NDArray[Any]


class Assumed(NamedTuple):
    """What stands in for a property of the air or the ground that nobody gave, and one sigma of it."""

    value: float
    """In the units of the nomenclature."""
    sigma: float
    """Spread over land and seasons."""


AIR = {
    # Medians over land of the climatology of `standard.climatology`; one sigma is the spread of places and days.
    "aod": Assumed(0.15, 0.15),
    "angstrom_exponent": Assumed(clear_sky.ANGSTROM, 0.4),
    "water_vapour": Assumed(15.0, 10.0),
    "ozone": Assumed(300.0, 40.0),
    "surface_pressure": Assumed(SEA_LEVEL, 5000.0),
    "albedo": Assumed(0.2, 0.1),
}
"""Air and ground that are assumed where they are not given, which a quality bit says."""

SIGMAS = {
    # AOD of satellites over land (Levy et al. 2013, doi 10.5194/amt-6-2989-2013), vapour of MOD05 (5 to 10 %).
    "aod": (0.05, 0.15),
    "angstrom_exponent": (0.3, 0.0),
    "water_vapour": (1.0, 0.1),
    "ozone": (15.0, 0.0),
    "surface_pressure": (500.0, 0.0),
    "albedo": (0.02, 0.1),
    "linke_turbidity": (0.5, 0.0),
}
"""One sigma of what is given without one: (absolute, relative)."""

CLEAR_SKIES = ("rest2", "bird", "esra", "ineichen", "solis", "haurwitz")
"""Models of the clear sky by name, the default first."""
SPLITS = ("erbs_driesse", "erbs", "orgill_hollands", "boland", "disc")
"""Regressions for diffuse light by name, the default first."""


def air_inputs(*more: str) -> tuple[Input, ...]:
    """Return the optional inputs that describe air and ground, and others by name."""
    return tuple(Input(name, optional=True, uncertainty=SIGMAS.get(name, (0.0, 0.0))) for name in (*AIR, *more))


def filled(given: Mapping[str, Any], like: Any) -> dict[str, Any]:
    """Return air and ground with what is assumed in place of what is not there, in the type of another array."""
    dtype = np.asarray(like).dtype
    return {
        name: np.asarray(assumed.value, dtype) if given.get(name) is None else given[name]
        for name, assumed in AIR.items()
    }


def choose(kind: str, name: str, known: Sequence[str]) -> None:
    """Refuse an unknown option in words.

    Raises
    ------
    InputError
        If the name is not one of those known.
    """
    if name not in known:
        raise InputError(f"{kind}={name!r} is not known.{closest(name, known)} There are {', '.join(known)}.")


def irradiance(model: str, sun_zenith: Any, extraterrestrial: Any, air: Mapping[str, Any], linke: Any = None) -> Any:
    """Return beam and diffuse irradiance on the horizontal under a clear sky (W m-2).

    Parameters
    ----------
    model : str
        One of :data:`CLEAR_SKIES`.
    sun_zenith, extraterrestrial : array
        deg; W m-2 facing the Sun.
    air : mapping
        As from :func:`filled`.
    linke : array, optional
        Turbidity, for the models that take it; else it follows from aerosol and vapour at an air mass of 2.

    Notes
    -----
    ``haurwitz`` knows only the global irradiance: its diffuse light is that of Erbs et al.
    """
    aod, alpha, vapour, ozone, pressure, albedo = (air[name] for name in AIR)
    arrays = contiguous(sun_zenith, extraterrestrial, aod, alpha, vapour, ozone, pressure, albedo)
    zenith, beyond, aod, alpha, vapour, ozone, pressure, albedo = arrays
    if model in ("rest2", "bird"):
        return getattr(clear_sky, model)(zenith, beyond, aod, alpha, vapour, ozone, pressure, albedo)
    if model == "solis":
        return clear_sky.solis(zenith, beyond, aod, alpha, vapour, pressure)
    if model == "haurwitz":
        total = clear_sky.haurwitz(zenith)
        diffuse = heliosat.erbs_driesse(total, zenith, beyond)
        return total - diffuse, diffuse
    turbidity = turbidity_of(aod, alpha, vapour) if linke is None else contiguous(linke)[0]
    return getattr(clear_sky, model)(zenith, beyond, turbidity, pressure)


def turbidity_of(aod: Any, alpha: Any, vapour: Any) -> Any:
    """Return the Linke turbidity that aerosol and vapour make at an air mass of 2 (Ineichen 2008)."""
    broad = aod * (0.27583 * np.exp(alpha * math.log(550 / 380)) + 0.35 * np.exp(alpha * math.log(550 / 500)))
    two = np.asarray(2.0, np.asarray(aod).dtype)
    wet = np.maximum(vapour, np.asarray(vapour).dtype.type(0.1))
    return clear_sky.linke_turbidity(*contiguous(two, wet, broad))


def under_cloud(sun_zenith: Any, extraterrestrial: Any, air: Mapping[str, Any], depth: Any, fraction: Any) -> Any:
    """Return beam and diffuse irradiance under clouds, then those of the band from 0.29 to 0.70 um (W m-2).

    Parameters
    ----------
    sun_zenith, extraterrestrial, air
        As for :func:`irradiance`.
    depth, fraction : array
        Of the clouds: optical depth at 550 nm, share of the sky.
    """
    aod, alpha, vapour, ozone, pressure, albedo = (air[name] for name in AIR)
    arrays = contiguous(sun_zenith, extraterrestrial, aod, alpha, vapour, ozone, pressure, albedo, depth, fraction)
    bands = clear_sky.rest2_bands(*arrays[:7])
    return below_cloud(arrays[0], *bands, arrays[8], arrays[9], arrays[7])


def split(name: str, total: Any, sun_zenith: Any, extraterrestrial: Any, pressure: Any) -> Any:
    """Return the diffuse part of an irradiance by one of :data:`SPLITS`, never more than the whole."""
    given = contiguous(total, sun_zenith, extraterrestrial, pressure)
    found = getattr(heliosat, name)(*given[: 4 if name == "disc" else 3])
    return np.minimum(found, total)


def contiguous(*arrays: Any) -> list[Array]:
    """Return arrays as kernels like them: numbers stay numbers, views of larger arrays become arrays."""
    return [a if a.ndim == 0 else np.ascontiguousarray(a) for a in map(np.asarray, arrays)]


def spread(
    function: Callable[..., Sequence[Any]],
    values: Mapping[str, Any],
    sigmas: Mapping[str, Any],
) -> list[Array]:
    """Return the variance that the errors of the inputs give each result: central differences, inputs independent.

    Parameters
    ----------
    function : callable
        Inputs by name in, results out.
    values : mapping
        The inputs, those assumed included.
    sigmas : mapping
        One sigma by name of input.

    Notes
    -----
    Steps end where the range of an input does; the slope is then that of the shorter step.
    """
    found: list[Array] | None = None
    for name, sigma in sigmas.items():
        low, high = quantity(name).valid_range
        value = np.asarray(values[name])
        above, below = np.minimum(value + sigma, high), np.maximum(value - sigma, low)
        with np.errstate(all="ignore"):
            share = np.where(above > below, sigma / (above - below), 0.5).astype(value.dtype)
            pair = zip(function(**{**values, name: above}), function(**{**values, name: below}), strict=True)
            squares = [((a - b) * share) ** 2 for a, b in pair]
        found = squares if found is None else [x + y for x, y in zip(found, squares, strict=True)]
    return found or [np.asarray(0.0)]


def sigmas_of(names: Sequence[str], given: Mapping[str, Any], sigmas: Mapping[str, Any], like: Any) -> dict[str, Any]:
    """Return one sigma of each of the named inputs: as told, else of what is given, else of what is assumed."""
    dtype, found = np.asarray(like).dtype, {}
    for name in names:
        told = sigmas.get(f"{name}_uncertainty")
        if told is not None:
            found[name] = told
        elif given.get(name) is None and name in AIR:
            found[name] = np.asarray(AIR[name].sigma, dtype)
    return found
