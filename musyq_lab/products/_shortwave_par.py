"""Photosynthetically active radiation on the ground: tables of 6S from 0.4 to 0.7 um, and what clouds add."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.kernels import atmosphere as kernels
from musyq_lab.products import _shortwave as shortwave
from musyq_lab.standard._atmosphere_band import tables_of
from musyq_lab.standard.spectra import sunlight

Array = NDArray[Any]

EDGES = (0.4, 0.5, 0.6, 0.7)
"""Limits (um) of the intervals that are integrated."""
REFERENCE = 1366.1
"""Total irradiance (W m-2) of the spectrum of ASTM E490, which is that of ``catalogs/spectra`` (G173-03)."""
ENRICHMENT = 0.119
"""What clouds add to the share of PAR: r = 1 + 0.119 (1 - k), with k the clear-sky index.

Hourly shares in Cyprus rise from 0.460 under clear to 0.501 under overcast skies (Jacovides et al. 2003, doi
10.1007/s00704-002-0685-5, abstract), 8.9 %; overcast is taken as k = 0.25, which is ours. The two-stream cloud of
:mod:`musyq_lab.kernels._clear_sky_cloud`, whose droplets absorb in the near infrared, gives 8 % at k = 0.5 and 18 % at
0.25: measured skies are broken.
"""


@lru_cache(maxsize=2)
def _tables(dtype: str) -> tuple[tuple[float, tuple[Array, ...]], ...]:
    """Return the share of the extraterrestrial irradiance in each interval, and its tables."""
    wavelength, power = sunlight("outside")
    found = []
    for low, high in pairwise(EDGES):
        inside = (wavelength >= low - 1e-9) & (wavelength <= high + 1e-9)
        share = np.trapezoid(power[inside], wavelength[inside]) / REFERENCE
        axis = np.arange(round((high - low) * 400) + 1) / 400 + low
        box = xr.DataArray(np.ones(axis.size), {"wavelength": axis}, ("wavelength",))
        found.append((float(share), tables_of(box, np.dtype(dtype)).downward()))
    return tuple(found)


def outside() -> float:
    """Return the share of PAR in the irradiance above the atmosphere (1)."""
    return sum(share for share, _ in _tables("float64"))


def clear_par(sun_zenith: Any, extraterrestrial: Any, air: Mapping[str, Any]) -> tuple[Array, Array]:
    """Return beam and diffuse PAR on a black horizontal plane under a clear sky (W m-2).

    Parameters
    ----------
    sun_zenith, extraterrestrial : array
        deg, at most 80; W m-2 facing the Sun.
    air : mapping
        As from :func:`musyq_lab.products._shortwave.filled`; aerosol is the continental one of 6S.
    """
    dtype = np.asarray(sun_zenith).dtype
    state = (
        np.minimum(air["aod"], dtype.type(kernels.MAX_AOD)),
        np.minimum(air["water_vapour"], dtype.type(kernels.MAX_VAPOUR)),
        np.minimum(air["ozone"], dtype.type(kernels.MAX_OZONE)),
        np.clip(air["surface_pressure"] * dtype.type(0.01), kernels.MIN_PRESSURE, kernels.MAX_PRESSURE),
    )
    given = shortwave.contiguous(sun_zenith, *(np.asarray(x, dtype) for x in state))
    flat = extraterrestrial * np.cos(np.radians(sun_zenith)).astype(dtype)
    direct = diffuse = np.zeros((), dtype)
    for share, tables in _tables(dtype.name):
        beam, scattered = kernels.downward(*given, *tables)
        direct = direct + dtype.type(share) * beam * flat
        diffuse = diffuse + dtype.type(share) * scattered * flat
    return direct, diffuse


def enrichment(index: Any) -> Any:
    """Return by how much clouds raise the share of PAR, from the clear-sky index (1)."""
    return 1.0 + ENRICHMENT * np.maximum(1.0 - index, 0.0)
