r"""The atmosphere between a surface and a sensor, band by band, as 6S computes it.

The reflectance at the top of the atmosphere over a uniform Lambertian surface :math:`\rho_s` is

.. math:: \rho_t = \rho_a + \frac{T \rho_s}{1 - S \rho_s}, \qquad
   \rho_s = \frac{y}{1 + S y}, \quad y = \frac{\rho_t - \rho_a}{T}

(Vermote et al. 1997, doi:10.1109/36.581987) with the path reflectance :math:`\rho_a` and the transmittance :math:`T`
down and up, both with absorption by gases, and the spherical albedo :math:`S`. In the terms of 6S,
:math:`T = T_g T_\downarrow T_\uparrow` and :math:`\rho_a = T_g \rho_0'`: light scattered by molecules has passed no
water vapour, that scattered by aerosol half of it.

The coefficients come from tables of 6S 1.1 (vector code; Kotchenova et al. 2006, doi:10.1364/AO.45.006762) with its
continental aerosol and the profile of the US standard atmosphere 1962. Beside direct runs of 6S over 79 bands of seven
sensors, at random states (Sun to 75 deg, view to 65, optical depth 0.02 to 1.2, surface to 4 km), the reflectance at
the top of the atmosphere has a root mean square error of 0.0002 at the median band and 0.0016 at the worst (a band
within water vapour), 0.003 at most: ``catalogs/atmosphere/accuracy.csv``. Near the forward direction with both zenith
angles beyond 70 deg it is up to 1 % of the path. Adjacency and polarization of the sensor are not in them.

>>> from musyq_lab.standard import atmosphere
>>> air = atmosphere.coefficients(  # doctest: +SKIP
...     "landsat_oli", "red", sun_zenith=30.0, view_zenith=0.0, relative_azimuth=0.0, aod=0.1, water_vapour=20.0
... )
>>> atmosphere.surface_reflectance(0.15, air)  # doctest: +SKIP
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.units import same_units
from musyq_lab.kernels import atmosphere as kernels
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.sensors._response import response
from musyq_lab.standard import _sixs
from musyq_lab.standard._atmosphere_band import BandTables, _weights, table, tables_of

OZONE = 300.0
"""Column of ozone (Dobson unit) where none is given: about the mean of the globe."""
PRESSURE = 1013.25
"""Surface pressure (hPa) where none is given."""

_FEW = 4


class Coefficients(NamedTuple):
    """What :func:`toa_reflectance` and :func:`surface_reflectance` take, in the shape of the inputs together."""

    path: Any
    """Reflectance at the top of the atmosphere over a black surface (1)."""
    transmittance: Any
    """From the Sun to the surface and up to the sensor, direct and diffuse, with gases (1)."""
    spherical_albedo: Any
    """Reflectance of the atmosphere for diffuse light from below (1)."""
    gas: Any
    """Transmittance of all gases, down and up (1); part of ``path`` and ``transmittance`` already."""


class Irradiance(NamedTuple):
    """Shares of the irradiance on a horizontal plane outside the atmosphere that reach a black surface."""

    direct: Any
    """In the beam of the Sun (1)."""
    diffuse: Any
    """Scattered downward (1)."""


class _Quantity(NamedTuple):
    """What an input is, and between which values it is possible at all."""

    units: str
    low: float
    high: float


_QUANTITIES = {
    "sun_zenith": _Quantity("degree", 0.0, 180.0),
    "view_zenith": _Quantity("degree", 0.0, 90.0),
    "relative_azimuth": _Quantity("degree", -720.0, 720.0),
    "aod": _Quantity("1", 0.0, 10.0),
    "water_vapour": _Quantity("kg m-2", 0.0, 150.0),
    "ozone": _Quantity("DU", 50.0, 1000.0),
    "pressure": _Quantity("hPa", 300.0, 1100.0),
}


def coefficients(
    sensor: str,
    band: str,
    variant: str = "",
    *,
    sun_zenith: Any,
    view_zenith: Any,
    relative_azimuth: Any,
    aod: Any,
    water_vapour: Any,
    ozone: Any = OZONE,
    pressure: Any = PRESSURE,
) -> Coefficients:
    """Return the coefficients of the atmosphere in one band, for any sensor that is registered.

    Parameters
    ----------
    sensor, band, variant : str
        Key (``ml.SENSORS``), role or native name, platform or camera (the first by default).
    sun_zenith, view_zenith : array_like or DataArray
        deg; the tables reach to 80 and 70.
    relative_azimuth : array_like or DataArray
        Azimuth of the sensor less that of the Sun, both as seen from the ground (deg): 0 with both on the same side
        (backscatter), as in 6S. Any turn and either sign.
    aod : array_like or DataArray
        Aerosol optical depth at 550 nm above the surface (1), to 2.
    water_vapour : array_like or DataArray
        Column above the surface (kg m-2, of which 10 are 1 g cm-2), to 80.
    ozone : array_like or DataArray, optional
        Column above the surface (Dobson unit, of which 1000 are 1 cm-atm), to 600.
    pressure : array_like or DataArray, optional
        At the surface (hPa), from 500 to 1060; those above 1013 continue the lower ones.

    Returns
    -------
    Coefficients
        Arrays of the broadcast shape, lazy when an input is; float32 when every array is float32. NaN outside the
        tables.

    Raises
    ------
    NotFoundError
        If there is no such sensor, band or variant.
    InputError
        If the band is thermal or the units or values of an input are impossible.

    Notes
    -----
    Where the geometry, ozone and pressure are single numbers, the result is interpolated in a table over aerosol and
    water vapour that is made once for them: ten times as fast, within 4e-4 of the other (in bands where vapour absorbs
    nearly all, 2e-3 above 1 kg m-2).
    """
    state = {
        "sun_zenith": sun_zenith,
        "view_zenith": view_zenith,
        "relative_azimuth": relative_azimuth,
        "aod": aod,
        "water_vapour": water_vapour,
        "ozone": ozone,
        "pressure": pressure,
    }
    key = key_of(sensor, band, variant)
    return Coefficients(*_apply(_coefficients, key, state, outputs=4))


def direct_coefficients(
    sensor: str,
    band: str,
    variant: str = "",
    *,
    sun_zenith: float,
    view_zenith: float,
    relative_azimuth: float,
    aod: float,
    water_vapour: float,
    ozone: float = OZONE,
    pressure: float = PRESSURE,
) -> Coefficients:
    """Return the coefficients by a run of 6S itself over the band, for one state: a second or so (extra ``lut``).

    Parameters
    ----------
    sensor, band, variant, sun_zenith, view_zenith, relative_azimuth, aod, water_vapour, ozone, pressure
        As for :func:`coefficients`, single numbers. 6S takes the altitude that has the pressure in the US standard
        atmosphere 1962, sea level for more than 1013 hPa.

    Raises
    ------
    InputError
        If 6S is missing, or has no answer for the state.
    """
    key = key_of(sensor, band, variant)
    altitude = max(0.0, 44.3308 * (1.0 - (pressure / PRESSURE) ** (1.0 / 5.25588)))  # km, troposphere
    ran = _sixs.run(
        sun_zenith=sun_zenith,
        view_zenith=view_zenith,
        relative_azimuth=relative_azimuth,
        aod=aod,
        water_vapour=water_vapour,
        ozone=ozone,
        altitude=altitude,
        response=response(*key),
        reflectance=0.0,
    )
    return Coefficients(ran.apparent, ran.gas[2] * ran.down * ran.up, ran.spherical_albedo, ran.gas[2])


def irradiance(
    sensor: str,
    band: str,
    variant: str = "",
    *,
    sun_zenith: Any,
    aod: Any,
    water_vapour: Any,
    ozone: Any = OZONE,
    pressure: Any = PRESSURE,
) -> Irradiance:
    r"""Return the direct and diffuse transmittance of the atmosphere downward, in one band.

    Parameters
    ----------
    sensor, band, variant : str
        As for :func:`coefficients`.
    sun_zenith, aod, water_vapour, ozone, pressure : array_like or DataArray
        As for :func:`coefficients`.

    Notes
    -----
    The direct beam is :math:`T_g e^{-\tau/\mu_s}` with the whole optical depth, the diffuse light the rest of the
    total that 6S computes. Over a surface of albedo :math:`\rho` the total grows by :math:`1 / (1 - S \rho)`.
    """
    state = {
        "sun_zenith": sun_zenith,
        "aod": aod,
        "water_vapour": water_vapour,
        "ozone": ozone,
        "pressure": pressure,
    }
    key = key_of(sensor, band, variant)
    return Irradiance(*_apply(_irradiance, key, state, outputs=2))


def toa_reflectance(surface: Any, air: Coefficients) -> Any:
    """Return the reflectance at the top of the atmosphere over a uniform Lambertian surface.

    Parameters
    ----------
    surface : array_like or DataArray
        Reflectance (1).
    air : Coefficients
        Of the band.
    """
    return air.path + air.transmittance * surface / (1.0 - air.spherical_albedo * surface)


def surface_reflectance(toa: Any, air: Coefficients) -> Any:
    """Return the reflectance of the surface: :func:`toa_reflectance` solved for it.

    Parameters
    ----------
    toa : array_like or DataArray
        Reflectance at the top of the atmosphere (1).
    air : Coefficients
        Of the band.

    Notes
    -----
    It may fall a little below zero over dark surfaces under too much assumed aerosol; such values are kept.
    """
    above = (toa - air.path) / air.transmittance
    return above / (1.0 + air.spherical_albedo * above)


@lru_cache(maxsize=512)
def key_of(sensor: str, band: str, variant: str = "") -> tuple[str, str, str]:
    """Return sensor, native band and variant, which name the tables of a band; a thermal band is refused."""
    row = SENSORS[sensor].band(band, variant)
    if row.thermal:
        raise InputError(
            f"{band!r} of {sensor} is a thermal band ({row.centre:g} um); the atmosphere tables serve bands that see "
            "reflected sunlight."
        )
    return sensor, row.native, variant


@lru_cache(maxsize=160)
def band_tables(key: tuple[str, str, str], dtype: str) -> BandTables:
    """Return the tables of a band (see :func:`key_of`), which take half a second to make."""
    return tables_of(response(*key), np.dtype(dtype))


@lru_cache(maxsize=512)
def gap(key: tuple[str, str, str]) -> str:
    """Return why a band has no tables, or nothing where it has."""
    try:
        _weights(table(), response(*key))
    except InputError as error:
        return str(error)
    return ""


def _apply(function: Any, key: tuple[str, str, str], state: dict[str, Any], outputs: int) -> Any:
    """Run a block function over arrays, DataArrays or lazy ones."""
    for name, values in state.items():
        check(name, values)
    inputs = list(state.values())
    if not any(isinstance(values, xr.DataArray) for values in inputs):
        return function(*inputs, key=key)
    dtype = _dtype(inputs)
    return xr.apply_ufunc(
        function,
        *inputs,
        kwargs={"key": key},
        output_core_dims=[[]] * outputs,
        dask="parallelized",
        output_dtypes=[dtype] * outputs,
        keep_attrs="drop",
    )


def check(name: str, values: Any) -> None:
    """Check an input of :func:`coefficients`: its units, and that some value is possible; lazy values are not read."""
    quantity = _QUANTITIES[name]
    units = getattr(values, "attrs", {}).get("units")
    if units is not None and not _same(str(units), quantity.units):
        raise InputError(f"{name} must be in {quantity.units!r}, got {units!r}. Convert it first.")
    data = getattr(values, "data", values)
    if hasattr(data, "dask"):
        return
    array = np.asarray(data)
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} must be numbers ({quantity.units}), got {array.dtype}.")
    low, high = (reduce(array, axis=None, initial=np.nan) for reduce in (np.fmin.reduce, np.fmax.reduce))  # but for NaN
    if low > quantity.high or high < quantity.low:
        raise InputError(
            f"{name} must be in {quantity.units}, between {quantity.low:g} and {quantity.high:g}; none of the values "
            f"given is ({low:g} to {high:g})."
        )


def _same(given: str, expected: str) -> bool:
    if expected == "DU":  # not every library of units knows it
        return given.casefold() in ("du", "dobson", "dobson unit", "dobson units")
    return same_units(given, expected)


def _dtype(inputs: list[Any]) -> np.dtype[Any]:
    """Return float32 when every array is narrow, as the kernels do."""
    shaped = [np.dtype(v.dtype) for v in inputs if getattr(v, "ndim", 0)]
    narrow = all(d.itemsize <= (4 if d.kind == "f" else 2) for d in shaped)
    return np.dtype(np.float32 if narrow and any(d.kind == "f" for d in shaped) else np.float64)


def _coefficients(*state: Any, key: tuple[str, str, str]) -> tuple[NDArray[Any], ...]:
    arrays = [np.asarray(values) for values in state]
    dtype = _dtype(arrays)
    sun, view, azimuth, aod, vapour, ozone, pressure = arrays
    fixed = (sun, view, azimuth, ozone, pressure)
    if all(values.ndim == 0 for values in fixed) and (aod.ndim or vapour.ndim):
        table = _scene(key, dtype.name, *(float(values) for values in fixed))
        found = kernels.in_scene(aod, vapour, table)
    else:
        found = kernels.coefficients(*arrays, *band_tables(key, dtype.name).scattering())
    return tuple(found)


@lru_cache(maxsize=256)
def _scene(
    key: tuple[str, str, str], dtype: str, sun: float, view: float, azimuth: float, ozone: float, pressure: float
) -> NDArray[Any]:
    """Return the four results over aerosol and water vapour for one geometry, flat from dims (result, aod, vapour)."""
    aod, vapour = kernels.SCENE["aod"][:, None], kernels.SCENE["vapour"][None, :]
    tables = band_tables(key, "float64").scattering()
    found = kernels.coefficients(sun, view, azimuth, aod, vapour, ozone, pressure, *tables)
    return np.array(found).astype(dtype).ravel()


def _irradiance(*state: Any, key: tuple[str, str, str]) -> tuple[NDArray[Any], ...]:
    arrays = [np.asarray(values) for values in state]
    # A few numbers take the Python twin: compiling would cost two seconds.
    run = kernels.downward.python if np.broadcast(*arrays).size <= _FEW else kernels.downward
    return tuple(run(*arrays, *band_tables(key, _dtype(arrays).name).downward()))
