"""The temperature at which the plants of a place produce most, from a series: an input of PT-JPL."""

from __future__ import annotations

import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.units import convert
from musyq_lab.core.variables import quantity
from musyq_lab.kernels import evaporation

_NAMES = ("net_radiation", "air_temperature", "ndvi", "vapour_pressure_deficit")


def optimum_temperature(ds: xr.Dataset) -> xr.DataArray:
    r"""Return the air temperature of the best growing weather of a series, ``optimum_temperature`` of PT-JPL.

    It is the temperature at the highest :math:`R_n f_A T / D` (Fisher et al. 2008, doi:10.1016/j.rse.2007.06.025; see
    :func:`musyq_lab.kernels.evaporation.optimum_temperature`). A year or more of samples around noon or of daily means
    is needed for it to mean something.

    Parameters
    ----------
    ds : xarray.Dataset
        ``net_radiation`` (W m-2), ``air_temperature`` (K), ``ndvi`` (1) and ``vapour_pressure_deficit`` (Pa) with a
        dimension ``time``; missing samples are left out.

    Returns
    -------
    xarray.DataArray
        Temperature (K) without the dimension ``time``, NaN where nothing grew; lazy where the inputs are.

    Raises
    ------
    InputError
        If one of the four, its units or the dimension ``time`` is missing.
    """
    series = []
    for name in _NAMES:
        if name not in ds or "time" not in ds[name].dims:
            raise InputError(f"optimum_temperature needs {name} with a dimension time. Add it to the dataset.")
        if "units" not in ds[name].attrs:
            raise InputError(f'optimum_temperature needs the units of {name}. Set ds["{name}"].attrs["units"].')
        series.append(convert(ds[name], quantity(name).units).chunk({"time": -1} if ds[name].chunks else {}))
    found: xr.DataArray = xr.apply_ufunc(
        evaporation.optimum_temperature,
        *(array.drop_attrs(deep=False) for array in series),
        input_core_dims=[["time"]] * len(series),
        dask="parallelized",
        output_dtypes=[series[1].dtype],
        join="exact",
        keep_attrs=False,
    )
    row = quantity("optimum_temperature")
    return found.rename("optimum_temperature").assign_attrs(units=row.units, long_name=row.meaning)
