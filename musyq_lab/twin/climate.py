"""Long-term climate of every cell of a world: what the weather of a day varies about."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.twin._fields import blurred
from musyq_lab.twin._zonal import LAPSE_RATE, SCALE_AEROSOL, climate_at
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.place import Climate, Place

Floats = NDArray[np.float32]

YEAR = 365.25
WARMEST_DAY = 200.0
"""Day of the year on which the air is warmest in the north (19 July: 4 weeks after the solstice, as inland)."""
_ATTRIBUTES = MappingProxyType(
    {
        "temperature_mean": ("K", "annual mean air temperature"),
        "temperature_amplitude": ("K", "half the annual range of the monthly mean air temperature"),
        "diurnal_amplitude": ("K", "half the mean daily range of the air temperature"),
        "humidity_mean": ("1", "annual mean relative humidity"),
        "cloud_fraction_mean": ("1", "annual mean cloud fraction"),
        "precipitation": ("mm", "mean annual precipitation"),
        "aod_mean": ("1", "mean aerosol optical depth at 550 nm"),
    }
)
_LIMITS = MappingProxyType({"humidity_mean": (0.1, 0.95), "cloud_fraction_mean": (0.02, 0.95), "aod_mean": (0.01, 1.5)})
_RAIN_HEIGHT = 2500.0
"""Height (m) over which the rain of a slope grows by e, about 4 % in 100 m; our choice within what mountains show."""
_BLUR = 0.8
"""Smoothing of the borders of climate zones and of coarse maps (deg): zones are classes, rain and humidity are not."""


def season_phase(latitude: ArrayLike, time: datetime) -> NDArray[np.float64]:
    """Return days since the warmest day of the nearest summer, -182.6 to 182.6; half a year apart across the equator.

    Parameters
    ----------
    latitude
        Degrees.
    time
        UTC. Counted from 1 January in years of 365.25 days, so that 31 December of a leap year and 1 January meet.
    """
    day = (time - datetime(2000, 1, 1)).total_seconds() / 86_400 % YEAR
    warmest = np.where(np.asarray(latitude) >= 0, WARMEST_DAY - 1, WARMEST_DAY - 1 + YEAR / 2)
    return np.asarray((day - warmest + YEAR / 2) % YEAR - YEAR / 2)


def climate(place: Place, grid: WorldGrid, elevation: ArrayLike) -> xr.Dataset:
    r"""Return the climate of every cell.

    Around a station the place's own numbers hold at its mean elevation, and the air cools with height,

    .. math:: T = T_0 - 0.0065 (z - z_0);

    rain grows and aerosol falls with height. On a strip or the globe every cell has the climate of its latitude,
    elevation, distance to the sea and Koeppen zone.

    Parameters
    ----------
    place
        Where.
    grid
        Cells.
    elevation
        Metres, shape (rows, columns).

    Returns
    -------
    Dataset, dims (y, x), float32
        ``temperature_mean``, ``temperature_amplitude``, ``diurnal_amplitude`` (K), ``humidity_mean``,
        ``cloud_fraction_mean``, ``aod_mean`` (1), ``precipitation`` (mm).
    """
    height = np.asarray(elevation, np.float64)
    if height.shape != grid.shape:
        raise InputError(f"The elevation has shape {height.shape}, the grid {grid.shape}.")
    known = place.climate
    fields = _of_cells(grid, height) if known is None else _of_station(known, height - place.elevation)
    fields = {name: np.clip(value, *_LIMITS.get(name, (None, None))) for name, value in fields.items()}
    return xr.Dataset(
        {
            name: (
                ("y", "x"),
                np.broadcast_to(fields[name], grid.shape).astype(np.float32),
                {"units": u, "long_name": t},
            )
            for name, (u, t) in _ATTRIBUTES.items()
        }
    )


def _of_station(known: Climate, above: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the climate of cells by their height (m) above the place."""
    return {
        "temperature_mean": known.temperature_mean - LAPSE_RATE * above,
        "temperature_amplitude": np.asarray(known.temperature_amplitude),
        # hollows fill with cold air at night; slopes do not
        "diurnal_amplitude": known.diurnal_amplitude * np.clip(1 - above / 3000, 0.6, 1.3),
        "humidity_mean": known.humidity_mean + above / 10_000,
        "cloud_fraction_mean": known.cloud_fraction_mean + above / 10_000,
        "precipitation": known.precipitation * np.exp(np.clip(above / _RAIN_HEIGHT, -0.5, 0.7)),
        "aod_mean": known.aod_mean * np.exp(-above / SCALE_AEROSOL),
    }


def _of_cells(grid: WorldGrid, height: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    fields = climate_at(grid.longitude, grid.latitude, height)
    sigma = _BLUR / grid.resolution
    for name in ("humidity_mean", "precipitation", "diurnal_amplitude", "aod_mean"):
        fields[name] = blurred(fields[name], sigma).astype(np.float64)
    return fields
