"""The user's own inputs in place of the shipped ones: checked in words before anything is worked out."""

from __future__ import annotations

import numpy as np
import xarray as xr

from musyq_lab.applications.solar.constants import constant
from musyq_lab.applications.solar.potential import month_lengths
from musyq_lab.core.attributes import (
    global_attributes,
    history_line,
    quality_attributes,
    uncertainty_attributes,
    variable_attributes,
)
from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import INPUT_MISSING, QA_DTYPE
from musyq_lab.core.units import convert
from musyq_lab.products.dsr import SPEC as DSR_SPEC
from musyq_lab.standard.regrid import regrid

_POSSIBLE_INDEX = (0.15, 1.20)
"""Median of irradiance over clear sky that any land region can have; outside, the units are wrong."""


def check_year(year: int | None, own_dsr: bool) -> None:
    """Refuse a year that the shipped climatology cannot give.

    Raises
    ------
    InputError
        If a year is asked for without irradiance of the user's own.
    """
    if year is not None and not own_dsr:
        raise InputError(
            f"year={year} cannot be had from the shipped climatology, which is the mean of 2011-2015 and holds no "
            "single years. Leave year= out, or give dsr= a file that covers that year."
        )


def own_dsr(data: xr.DataArray, clear_sky: xr.DataArray, *, year: int | None = None) -> xr.Dataset:
    """Return the user's irradiance as the product ``dsr`` on the grid of the clear-sky irradiance.

    Parameters
    ----------
    data : DataArray, dims (latitude, longitude) and none, ``month`` (1 to 12) or ``time``
        Irradiance in any unit of power, or of energy a time, per area (``W m-2``, ``MJ m-2 d-1``, ``kWh m-2 a-1``).
        Without month and time it is an annual mean, which is spread over the months as the clear sky is.
    clear_sky : DataArray, dims (month, latitude, longitude)
        Clear-sky irradiance, W m-2.
    year : int, optional
        Year to pick of data with ``time``; by default the mean of all.

    Returns
    -------
    Dataset
        ``dsr`` (month, latitude, longitude; W m-2), ``dsr_uncertainty`` (the common error of the shipped source, since
        the file states none) and ``dsr_qa``.

    Raises
    ------
    InputError
        If units are missing or wrong, months are missing, the year is not there, or the values cannot be irradiance in
        the units they claim.
    """
    monthly = _months(_in_watts(data), year)
    fine = regrid(monthly, clear_sky)
    if "month" not in fine.dims:
        lengths = month_lengths(clear_sky)
        mean = (clear_sky * lengths).sum("month") / lengths.sum()
        fine = fine * (clear_sky / mean.where(mean > 0)).fillna(0.0)
    fine = fine.transpose("month", "latitude", "longitude")
    _refuse_impossible(fine, clear_sky, data)
    return _as_product(fine, year)


def _in_watts(data: xr.DataArray) -> xr.DataArray:
    try:
        return convert(data, "W m-2")
    except InputError as error:
        raise InputError(
            f"dsr= cannot be used: {error} Irradiance needs units such as 'W m-2', 'MJ m-2 d-1' or 'kWh m-2 a-1' "
            "(dsr_units= gives them to the recipe where the file says none); an "
            "energy without its time (such as 'MJ m-2') does not say whether it is of a day, a month or a year."
        ) from error


def _months(data: xr.DataArray, year: int | None) -> xr.DataArray:
    if "time" in data.dims:
        if year is not None:
            years = sorted({int(y) for y in data["time"].dt.year.values})
            if year not in years:
                raise InputError(
                    f"dsr= has no data of {year}; it covers {years[0]} to {years[-1]}. Choose one of these."
                )
            data = data.sel(time=data["time"].dt.year == year)
        data = data.groupby("time.month").mean("time")
    elif year is not None:
        raise InputError(f"year={year} was asked for, but dsr= has no time axis. Leave year= out.")
    if "month" in data.dims and sorted(data["month"].values.tolist()) != list(range(1, 13)):
        raise InputError(
            f"dsr= has the months {sorted(data['month'].values.tolist())}; all of 1 to 12 are needed for a year."
        )
    return data.sortby("month") if "month" in data.dims else data


def _refuse_impossible(fine: xr.DataArray, clear_sky: xr.DataArray, given: xr.DataArray) -> None:
    bright = clear_sky.values > 50.0
    ratio = fine.values[bright] / clear_sky.values[bright]
    ratio = ratio[np.isfinite(ratio)]
    if not ratio.size:
        raise InputError("dsr= has no valid value on the grid. Check its coordinates and its fill value.")
    middle = float(np.median(ratio))
    low, high = _POSSIBLE_INDEX
    if not low < middle < high:
        raise InputError(
            f"dsr= says {given.attrs.get('units')!r}, but its median is {100 * middle:.0f} % of the irradiance without "
            "clouds, which is not possible. Correct its units (or its scale factor)."
        )


def _as_product(fine: xr.DataArray, year: int | None) -> xr.Dataset:
    variable = DSR_SPEC.variable("dsr")
    low, high = variable.valid_range
    values = fine.where((fine >= low) & (fine <= high)).astype(np.float32)
    out = xr.Dataset({"dsr": values.assign_attrs(variable_attributes(variable, DSR_SPEC.qa_name))})
    sigma = values * np.float32(constant("ghi_common_relative_sigma").value)
    out["dsr_uncertainty"] = sigma.assign_attrs(uncertainty_attributes(variable))
    qa = (values.isnull() * INPUT_MISSING.mask).astype(QA_DTYPE)
    out[DSR_SPEC.qa_name] = qa.assign_attrs(quality_attributes(DSR_SPEC))
    history = history_line("solar.own_dsr", {"year": year})
    out.attrs = global_attributes(DSR_SPEC, method="given by the user", history=history)
    return out
