"""The stretch of time that a download asks for: a year, a month, a day, or from one to another."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import xarray as xr

from musyq_lab.archive.naming import FileName
from musyq_lab.core.errors import InputError, MusyqError
from musyq_lab.core.period import whole_period

_HOW = "Give '2015', '2015-07', '2015-07-01', 'START/END' with both ends included, or the label of a period."


def within(ds: xr.Dataset, period: str | None) -> xr.Dataset:
    """Return the times of a Dataset whose first instant lies in a period.

    Parameters
    ----------
    ds : xarray.Dataset
        With the dimension ``time`` (or ``period`` with labels), or of one period that its attribute names.
    period : str, optional
        As :func:`musyq_lab.core.period.whole_period` takes it, or the label of a period; None for all.

    Raises
    ------
    InputError
        If it is no period, or none of the times lies in it.
    """
    if period is None:
        return ds
    if not isinstance(period, str):
        raise InputError(f"The period is {period!r}, which is no text. {_HOW}")
    labels = _labels(ds)
    if labels is not None and period in labels:
        return ds.isel({labels.dims[0]: np.flatnonzero(labels.values == period)}) if labels.dims else ds
    asked = whole_period(period)
    start, end = asked.start, asked.end
    if "time" in ds.dims and ds["time"].dtype.kind == "M":
        times = ds["time"].values
        index = np.flatnonzero((times >= np.datetime64(start)) & (times < np.datetime64(end)))
        if index.size == 0:
            raise InputError(f"The product has no time in {period!r}. {_nearest(times, start, end)}")
        whole = bool(np.all(np.diff(index) == 1))
        return ds.isel(time=slice(int(index[0]), int(index[-1]) + 1) if whole else index)
    return _alone(ds, period, start, end)


def _labels(ds: xr.Dataset) -> xr.DataArray | None:
    """Return the labels of the periods: a coordinate, or the attribute of a single file."""
    if "period" in ds.coords and ds["period"].ndim <= 1:
        return ds["period"].astype(str)
    return xr.DataArray(str(ds.attrs["period"])) if "period" in ds.attrs else None


def _alone(ds: xr.Dataset, period: str, start: datetime, end: datetime) -> xr.Dataset:
    if "time" in ds.coords and ds["time"].ndim == 0 and ds["time"].dtype.kind == "M":
        moment = ds["time"].values.astype("datetime64[us]").item()
    else:
        moment = _moment(str(ds.attrs.get("period", "")))
    if moment is None:
        raise InputError(f"The product names no times, so {period!r} chooses nothing. Leave period out.")
    if not start <= moment < end:
        raise InputError(f"The product is of {moment:%Y-%m-%d %H:%M} and has no time in {period!r}.")
    return ds


def _moment(label: str) -> datetime | None:
    try:
        return FileName("any", "any", "any", label, "v1").start
    except MusyqError:
        return None


def _nearest(times: np.ndarray, start: datetime, end: datetime) -> str:
    before, after = times[times < np.datetime64(start)], times[times >= np.datetime64(end)]
    found = [f"the last before is {np.datetime_as_string(before.max(), 'm')}"] if before.size else []
    found += [f"the next is {np.datetime_as_string(after.min(), 'm')}"] if after.size else []
    text = "; ".join(found) or "it has none at all"
    return f"{text[0].upper()}{text[1:]} (first instants of the periods, UTC)."


def span(ds: xr.Dataset) -> str:
    """Return a word for the times of a Dataset that can be part of a file name, empty where it names none."""
    if "time" in ds.dims and ds["time"].dtype.kind == "M":
        first, last = (np.datetime_as_string(ds["time"].values[i], "D") for i in (0, -1))
        labels = [str(v) for v in ds["period"].values] if "period" in ds.coords and ds["period"].ndim == 1 else []
        if len(labels) == 1:
            return labels[0]
        return str(first) if first == last else f"{first}_{last}"
    found = _labels(ds)
    values = [] if found is None else [str(v) for v in np.atleast_1d(np.asarray(found))]
    if not values:
        return ""
    return values[0] if len(values) == 1 else f"{values[0]}_{values[-1]}"
