"""Steps of a series (days, five or eight days, months): how long each is, and means of calendar months."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError

DAYS = "days"
"""Name of the coordinate with the length of each step."""
# Number of days between two starts -> what the step is: (least, most) of the median.
_DAILY, _PENTAD, _EIGHT, _MONTH = (0.9, 1.1), (4.4, 6.1), (7.4, 8.6), (27.0, 32.0)


def with_days(fields: xr.Dataset) -> xr.Dataset:
    """Return the fields with the length of each step (days) as coordinate ``days`` along ``time``.

    A coordinate ``days`` that is there is kept. Else the spacing tells what the steps are: days, five days (the last of
    a year takes what remains), eight days (likewise, as MODIS has them), or calendar months.

    Parameters
    ----------
    fields : Dataset
        With dates ``time``, any instant of a month, the first of days or pentads.

    Raises
    ------
    InputError
        If there is no such dimension, dates do not rise, or their spacing is none of these.
    """
    if "time" not in fields.dims:
        raise InputError(f"The fields have the dims {tuple(map(str, fields.dims))}; a series along 'time' is needed.")
    if DAYS in fields.coords:
        return fields
    time = pd.DatetimeIndex(np.asarray(fields["time"].values, "datetime64[ns]"))
    if time.size > 1 and not time.is_monotonic_increasing:
        raise InputError("The dates of the fields do not rise. Sort them with fields.sortby('time').")
    return fields.assign_coords({DAYS: ("time", _lengths(time), {"units": "d", "long_name": "length of the step"})})


def _lengths(time: pd.DatetimeIndex) -> NDArray[np.float64]:
    step = float(np.median(np.diff(time.to_numpy()) / np.timedelta64(1, "D"))) if time.size > 1 else np.nan
    year_end = (time + pd.offsets.YearBegin()).normalize()
    left = np.asarray((year_end - time) / pd.Timedelta(days=1), float)
    if _DAILY[0] <= step <= _DAILY[1]:
        return np.ones(time.size)
    if _MONTH[0] <= step <= _MONTH[1]:
        return np.asarray(time.days_in_month, float)
    for size, (least, most) in ((5.0, _PENTAD), (8.0, _EIGHT)):
        if least <= step <= most:
            # The last step of a year takes what is left of it: five or six days of pentads, five or six of 46 x 8.
            return np.where(left < size + 1.5, np.minimum(left, size + 1.0), size)
    told = "one date alone" if time.size == 1 else f"dates {step:g} days apart"
    raise InputError(
        f"The fields have {told}, so the length of a step is not known. Give it (days) as a coordinate: "
        "fields.assign_coords(days=('time', [...]))."
    )


def monthly(steps: xr.Dataset) -> xr.Dataset:
    """Return means over calendar months, weighted by the days of the steps, which belong to the month they begin in.

    Parameters
    ----------
    steps : Dataset
        Fields along ``time`` with ``days`` (:func:`with_days`); fields without time stay.

    Returns
    -------
    Dataset
        ``time`` is the first of each month; ``days`` the days covered. Gaps of single steps do not count, a month
        without any value is NaN.
    """
    first = steps["time"].values.astype("datetime64[M]").astype("datetime64[ns]")
    months, number = np.unique(first, return_inverse=True)
    if months.size == first.size:
        return steps.assign_coords(time=months)
    label = xr.DataArray(number, dims="time", name="month_number")
    days = steps[DAYS]

    def mean(field: xr.DataArray) -> xr.DataArray:
        weight = days.where(field.notnull(), 0.0)
        sums, weights = ((part.groupby(label).sum("time")) for part in (field.fillna(0.0) * weight, weight))
        made: xr.DataArray = (sums / weights.where(weights > 0)).rename(month_number="time")
        return made.transpose(*field.dims).astype(field.dtype).assign_attrs(field.attrs)

    timed = {name: mean(field) for name, field in steps.data_vars.items() if "time" in field.dims}
    rest = {name: field for name, field in steps.data_vars.items() if "time" not in field.dims}
    covered = days.groupby(label).sum().values
    out = xr.Dataset({**timed, **rest}, attrs=steps.attrs).assign_coords(time=months)
    return out.assign_coords({DAYS: ("time", covered, days.attrs)})


def days_in_year(year: int) -> int:
    """Return 365 or 366."""
    return 366 if pd.Timestamp(year, 1, 1).is_leap_year else 365
