"""Soil moisture for the production models where none is measured: a bucket run from rain and potential evaporation."""

from __future__ import annotations

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.units import convert, convertible
from musyq_lab.kernels import bucket

_RATE = "mm d-1"
_FLUX = "kg m-2 d-1"
_DAY = np.timedelta64(1, "D")
_ATTRIBUTES = {
    "soil_moisture": {"units": "1", "long_name": "water of the root zone as share of what it holds"},
    "evaporation": {"units": _RATE, "long_name": "actual evaporation"},
    "runoff": {"units": _RATE, "long_name": "water beyond the capacity"},
    "evaporation_ratio_mean": {"units": "1", "long_name": "actual over potential evapotranspiration of all days"},
}


def soil_water(
    precipitation: xr.DataArray,
    potential_evapotranspiration: xr.DataArray,
    *,
    capacity: xr.DataArray | float = 150.0,
    hours: xr.DataArray | float = 12.0,
    start: xr.DataArray | float = 0.5,
    spin_up: int = 365,
) -> xr.Dataset:
    """Run the water balance of the root zone day by day (equations in :mod:`musyq_lab.kernels.bucket`).

    Parameters
    ----------
    precipitation, potential_evapotranspiration : xarray.DataArray
        Daily means with a dimension ``time`` in steps of one day, in units that convert to mm d-1 or kg m-2 d-1;
        ``potential_evapotranspiration`` as :func:`musyq_lab.retrieve` makes it.
    capacity : xarray.DataArray or float, optional
        Water that the root zone holds (mm); 150 is the capacity of SPLASH (Davis et al. 2017).
    hours : xarray.DataArray or float, optional
        Hours of light of each day.
    start : xarray.DataArray or float, optional
        Share of the capacity that is filled before the first day.
    spin_up : int, optional
        As many days of the beginning are run through once before, so that the start hardly counts.

    Returns
    -------
    xarray.Dataset
        ``soil_moisture`` (share of the capacity, 1), ``evaporation`` and ``runoff`` (mm d-1), each with ``time``, and
        ``evaporation_ratio_mean``, the actual over the potential evaporation of all days. NaN from the first day
        without data on.

    Raises
    ------
    InputError
        If an input has no ``time`` of daily steps, or other units.
    """
    rain = _daily("precipitation", precipitation)
    demand = _daily("potential_evapotranspiration", potential_evapotranspiration)
    given = [rain, demand, xr.zeros_like(demand) + hours, capacity, start, float(spin_up)]
    found = xr.apply_ufunc(
        bucket.water_balance,
        *given,
        input_core_dims=[["time"]] * 3 + [[]] * 3,
        output_core_dims=[["time"]] * 3 + [[]],
        dask="parallelized",
        output_dtypes=[np.float64] * 4,
        dask_gufunc_kwargs={"allow_rechunk": True},
    )
    named = zip(_ATTRIBUTES.items(), found, strict=True)
    return xr.Dataset({name: array.assign_attrs(attributes) for (name, attributes), array in named})


def _daily(name: str, array: xr.DataArray) -> xr.DataArray:
    if "time" not in array.dims:
        raise InputError(f"{name} needs a dimension 'time' of days, has {list(array.dims)}.")
    steps = np.diff(array["time"].values) if "time" in array.coords else np.array([])
    # Calendars without 29 February have one step of two days every fourth year.
    if steps.dtype.kind == "m" and not ((steps >= _DAY) & (steps <= 2 * _DAY)).all():
        raise InputError(f"{name} must be in steps of one day. Resample it, for example .resample(time='1D').mean().")
    units = str(array.attrs.get("units", ""))
    if units and convertible(units, _FLUX):  # as CF writes precipitation: 1 kg m-2 of water is 1 mm
        array = convert(array, _FLUX).assign_attrs(units=_RATE)
    daily: xr.DataArray = convert(array, _RATE).astype(np.float64)
    return daily
