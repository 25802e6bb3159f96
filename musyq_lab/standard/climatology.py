r"""What the air holds at a place and a time of the year, where nobody measured it: value and one sigma, offline.

Aerosol
    The monthly Linke turbidity that ships with pvlib (Remund et al. 2003, https://hal.science/hal-00465791), turned
    into the optical depth at 550 nm with the relation of Ineichen 2008 (doi:10.1016/j.solener.2008.04.010),

    .. math:: T_L = 3.91\, e^{0.689\, p_0/p}\, \tau + 0.376 \ln w + 2 + 0.54 \frac{p_0}{p}
              - 0.5 \left(\frac{p_0}{p}\right)^2 + 0.16 \left(\frac{p_0}{p}\right)^3

    with the vapour :math:`w` (cm) of this module and the pressure of the map's own altitude, then taken to the altitude
    asked for with the scale height of 2 km that 6S has. An error of 0.73 in :math:`T_L` is one of 0.09 in :math:`\tau`,
    which puts clean places below zero: the value is what is to be expected given that it is above.
Water vapour
    The columns of the AFGL atmospheres (Anderson et al. 1986, AFGL-TR-86-0110): tropical at 15 degrees, mid-latitude at
    45 and subarctic at 60, linear in latitude between, and a cosine over the year between their winter (15 January)
    and summer (15 July, half a year later in the south). Columns above 1 to 3 km of the tropical and the mid-latitude
    summer profile fall with a scale height of 1.9 km.
Ozone
    Van Heuklon 1979 (doi:10.1016/0038-092X(79)90060-4).
Pressure
    The US standard atmosphere 1976 below 11 km.

One sigma of aerosol joins the error of the map (0.73 in Linke turbidity, Remund et al. 2003) and that of one day about
the month. AOD is distributed log-normally (O'Neill et al. 2000, doi:10.1029/2000GL011581); the geometric standard
deviation of 2 is assumed, as are the 40 % of vapour, 25 DU of ozone and 10 hPa of pressure: they were not
checked against a paper. The relation of 2008 was read in programs that cite it, not in the paper.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError

Floats = NDArray[np.float64]

AEROSOL_HEIGHT, VAPOUR_HEIGHT = 2000.0, 1900.0
"""Scale heights (m): a column above an altitude is that above the sea times exp(-altitude / height)."""
SEA_LEVEL = 1013.25
"""Pressure (hPa)."""

_MAP_ERROR = 0.73  # Linke turbidity, Remund et al. 2003
_DAYS_OF_AOD = float(np.sqrt(np.exp(np.log(2.0) ** 2) - 1.0))  # of the mean, for a geometric standard deviation of 2
_DAYS_OF_VAPOUR = 0.4
_DAYS_OF_OZONE = 25.0  # DU
_DAYS_OF_PRESSURE = 10.0  # hPa

_LATITUDES = (15.0, 45.0, 60.0)
_WINTER, _SUMMER = (41.2, 8.5, 4.2), (41.2, 29.3, 21.0)  # kg m-2
_MID_SUMMER, _YEAR = 196.0, 365.25  # days


class Estimate(NamedTuple):
    """A value and its uncertainty, in the shape of the inputs together."""

    value: Any
    """In the units of the function that gave it."""
    sigma: Any
    """Standard uncertainty, in the same units."""


def aod(latitude: Any, longitude: Any, time: Any, *, elevation: Any = 0.0) -> Estimate:
    """Return the aerosol optical depth at 550 nm (1) of a place and day of the year.

    Parameters
    ----------
    latitude, longitude : array_like or DataArray
        Degrees north and east.
    time : str or datetime
        Anything that ``numpy.datetime64`` reads.
    elevation : array_like or DataArray
        Altitude of the surface (m). At the sea's level it is what the column would be if it reached down there.

    Returns
    -------
    Estimate
        Lazy when an input is; NaN where a coordinate is.
    """
    return _evaluate(_aod, (latitude, longitude, elevation), "1", "aerosol optical depth at 550 nm", time)


def water_vapour(latitude: Any, longitude: Any, time: Any, *, elevation: Any = 0.0) -> Estimate:
    """Return the column of water vapour (kg m-2); parameters as for :func:`aod`."""
    return _evaluate(_vapour, (latitude, longitude, elevation), "kg m-2", "column of water vapour", time)


def ozone(latitude: Any, longitude: Any, time: Any) -> Estimate:
    """Return the column of ozone (DU); parameters as for :func:`aod`.

    Notes
    -----
    The model of 1979 steps by up to 20 DU at the meridian of Greenwich, where its phase in longitude changes.
    """
    return _evaluate(_ozone, (latitude, longitude), "DU", "column of ozone", time)


def pressure(elevation: Any) -> Estimate:
    """Return the pressure (hPa) at an altitude (m), -500 to 11,000."""
    return _evaluate(_pressure, (elevation,), "hPa", "surface pressure")


def elevation(latitude: Any, longitude: Any) -> xr.DataArray | Any:
    """Return the altitude (m) of the map that ships with pvlib (Mapzen tiles), bilinear between its cells of 5 minutes.

    It is stored in steps of 28 m; the relief within a cell is not in it. Zero at sea.
    """
    return _evaluate(_altitude, (latitude, longitude), "m", "altitude of the surface").value


def day_of_year(time: Any) -> float:
    """Return the day of the year with its fraction: 0 at the start of 1 January (UTC)."""
    moment: np.datetime64[Any]
    try:
        moment = np.datetime64(str(time).removesuffix("Z"), "s")
    except ValueError:
        moment = np.datetime64("NaT")
    if np.isnat(moment):
        raise InputError(f"time must be a date, such as '2019-06-30T02:00', got {time!r}.")
    return float((moment - moment.astype("datetime64[Y]")) / np.timedelta64(1, "D"))


def _evaluate(
    function: Callable[..., tuple[Any, Any]], places: tuple[Any, ...], units: str, long_name: str, *times: Any
) -> Estimate:
    """Run a function of float64 arrays (and a day) over numbers, arrays or DataArrays."""
    days = [day_of_year(time) for time in times]

    def run(*arrays: Any) -> tuple[Any, ...]:
        full = np.broadcast_arrays(*(np.asarray(array, np.float64) for array in arrays))
        return tuple(np.asarray(result) for result in function(*full, *days))

    if not any(isinstance(place, xr.DataArray) for place in places):
        return Estimate(*(result[()] for result in run(*places)))
    found = xr.apply_ufunc(
        run,
        *places,
        output_core_dims=[[], []],
        dask="parallelized",
        output_dtypes=[np.float64] * 2,
        keep_attrs="drop",
    )
    names = (long_name, f"standard uncertainty of the {long_name}")
    return Estimate(*(one.assign_attrs(units=units, long_name=name) for one, name in zip(found, names, strict=True)))


def _aod(latitude: Floats, longitude: Floats, height: Floats, day: float) -> tuple[Floats, Floats]:
    cell, _ = _altitude(latitude, longitude)
    ratio = SEA_LEVEL / _pressure(cell)[0]
    vapour = _vapour(latitude, longitude, cell, day)[0] / 10.0  # cm
    slope = 3.91 * np.exp(0.689 * ratio)
    clean = 0.376 * np.log(vapour) + 2.0 + 0.54 * ratio - 0.5 * ratio**2 + 0.16 * ratio**3
    here, error = _positive((_turbidity(latitude, longitude, day) - clean) / slope, _MAP_ERROR / slope)
    scale = np.exp((cell - height) / AEROSOL_HEIGHT)
    return here * scale, np.hypot(error, _DAYS_OF_AOD * here) * scale


def _positive(mean: Floats, sigma: Floats) -> tuple[Floats, Floats]:
    """Return mean and deviation of the part above zero of a normal distribution."""
    from scipy.special import erfcx

    t = mean / sigma
    hazard = np.sqrt(2.0 / np.pi) / erfcx(-t / np.sqrt(2.0))
    return mean + sigma * hazard, sigma * np.sqrt(np.maximum(1.0 - t * hazard - hazard**2, 0.0))


def _vapour(latitude: Floats, longitude: Floats, height: Floats, day: float) -> tuple[Floats, Floats]:
    north = np.where(latitude >= 0, 0.0, _YEAR / 2)
    summer = 0.5 + 0.5 * np.cos(2 * np.pi * (day - _MID_SUMMER - north) / _YEAR)
    low, high = (np.interp(np.abs(latitude), _LATITUDES, season) for season in (_WINTER, _SUMMER))
    column = (low + summer * (high - low)) * np.exp(-height / VAPOUR_HEIGHT) + 0.0 * longitude
    return column, _DAYS_OF_VAPOUR * column


def _ozone(latitude: Floats, longitude: Floats, day: float) -> tuple[Floats, Floats]:
    """Return equation 4 of van Heuklon with the constants of his table 1: A, beta, C, D, F, G, H, I by hemisphere."""
    north = latitude >= 0
    day = day + 1.0  # his first is 1 January
    a, c, f = (np.where(north, *pair) for pair in ((150.0, 100.0), (40.0, 30.0), (-30.0, 152.625)))
    beta, h = np.where(north, 1.28, 1.5), np.where(north, 3.0, 2.0)
    shift = np.where(north, np.where(longitude > 0, 20.0, 0.0), -75.0)
    seasons = c * np.sin(np.radians(0.9865 * (day + f))) + 20.0 * np.sin(np.radians(h * (longitude + shift)))
    column = 235.0 + (a + seasons) * np.sin(np.radians(beta * latitude)) ** 2
    return column, np.full_like(column, _DAYS_OF_OZONE) + 0.0 * column


def _pressure(height: Floats) -> tuple[Floats, Floats]:
    """Return p0 (1 - L h / T0)^(g M / R L) with L = 6.5 K/km, T0 = 288.15 K (exponent 5.25588)."""
    base = np.maximum(1.0 - 0.0065 / 288.15 * height, 0.0)
    value = SEA_LEVEL * base**5.25588
    return value, _DAYS_OF_PRESSURE * value / SEA_LEVEL


def _altitude(latitude: Floats, longitude: Floats) -> tuple[Floats, Floats]:
    metres = _bilinear(_levels(), latitude, longitude)
    return metres, np.full_like(metres, np.nan)


def _turbidity(latitude: Floats, longitude: Floats, day: float) -> Floats:
    """Return the Linke turbidity, linear between the middles of months."""
    place = day / _YEAR * 12.0 - 0.5
    month, share = int(np.floor(place)), place - np.floor(place)
    low, high = (_bilinear(_month(m % 12), latitude, longitude) for m in (month, month + 1))
    return np.asarray((low + share * (high - low)) / 20.0)  # the file holds 20 times the turbidity


def _bilinear(cells: NDArray[Any], latitude: Floats, longitude: Floats) -> Floats:
    """Interpolate between the centres of cells that run from 90 N and 180 W; round the world in longitude."""
    rows, columns = cells.shape
    known = np.isfinite(latitude) & np.isfinite(longitude)
    y = (90.0 - np.where(known, latitude, 0.0)) * rows / 180.0 - 0.5
    x = (np.where(known, longitude, 0.0) + 180.0) * columns / 360.0 - 0.5
    j, i = np.floor(y).astype(int), np.floor(x).astype(int)
    upper, lower = (np.clip(j + k, 0, rows - 1) for k in (0, 1))
    left, right = i % columns, (i + 1) % columns
    over, under = (cells[row, left] + (x - i) * (cells[row, right] - cells[row, left]) for row in (upper, lower))
    return np.where(known, over + (y - j) * (under - over), np.nan)


@lru_cache(maxsize=1)
def _levels() -> NDArray[np.float32]:
    stored = _stored("Altitude.h5", "Altitude")
    return np.where(stored == 255, np.float32(0.0), np.float32(28.0) * stored - np.float32(450.0)).astype(np.float32)


@lru_cache(maxsize=3)
def _month(month: int) -> NDArray[np.float32]:
    return _stored("LinkeTurbidities.h5", "LinkeTurbidity", month)


def _stored(file: str, name: str, *month: int) -> NDArray[np.float32]:
    import pvlib

    path = Path(pvlib.__file__).parent / "data" / file
    with xr.open_dataset(path, engine="h5netcdf", phony_dims="sort") as opened:
        data = opened[name]
        return np.asarray(data[(slice(None), slice(None), *month)].values, np.float32)
