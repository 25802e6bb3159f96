"""Yearly means that missing steps do not pull about, and two periods compared by them."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from musyq_lab.core.errors import InputError

__all__ = ["compare_periods", "yearly_means"]

Period = tuple[Any, Any]
Floats = NDArray[np.float64]


def yearly_means(da: xr.DataArray, dim: str = "time", *, least: float = 0.75) -> xr.DataArray:
    """Return the mean of each year.

    A winter that clouds hide would make a plain mean of the year too high. So steps are averaged by month, each month
    is compared with the mean of its own in all years, and the mean of these differences is added to that of the months.

    Parameters
    ----------
    da : xarray.DataArray
        Numpy or dask; NaN for gaps, as which infinite values count, too.
    dim : str
        Dimension of dates.
    least : float
        Share of the months that the data have in any year, which a year must have; else it is NaN.

    Returns
    -------
    xarray.DataArray
        Along ``year`` (rising integers) in the place of ``dim``; attributes as given.

    Raises
    ------
    InputError
        If the dimension is missing or holds no dates, or the share is not within (0, 1].
    """
    if dim not in da.dims or not np.issubdtype(da[dim].dtype, np.datetime64):
        raise InputError(f"yearly_means(dim={dim!r}) needs a dimension of dates, got {da.dims}. Name the one of time.")
    if not 0.0 < least <= 1.0:
        raise InputError(f"yearly_means(least={least}) needs a share within (0, 1].")
    years, months = da[dim].dt.year.values, da[dim].dt.month.values
    known, year = np.unique(years, return_inverse=True)
    present, month = np.unique(months, return_inverse=True)
    member = np.zeros((years.size, known.size, present.size))
    member[np.arange(years.size), year, month] = 1.0
    made: xr.DataArray = xr.apply_ufunc(
        _years,
        da.chunk({dim: -1}) if da.chunks is not None else da,
        kwargs={"member": member, "least": least},
        input_core_dims=[[dim]],
        output_core_dims=[["year"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"year": known.size}},
    )
    dims = ["year" if name == dim else name for name in da.dims]
    return made.assign_coords(year=known.astype(np.int64)).transpose(*dims).rename(da.name).assign_attrs(da.attrs)


def _years(values: NDArray[Any], *, member: Floats, least: float) -> Floats:
    """Return (..., year) from (..., time)."""
    times, years, months = member.shape
    with np.errstate(invalid="ignore"):
        known = np.isfinite(values)
    flat = member.reshape(times, -1)
    count = (known @ flat).reshape(*values.shape[:-1], years, months)
    total = (np.where(known, values, 0.0) @ flat).reshape(count.shape)
    there = count > 0
    mean = np.divide(total, count, out=np.zeros_like(total), where=there)
    climate = _mean(mean, there, -2)
    from_climate = _mean(mean - climate[..., None, :], there, -1)
    used = there.any(axis=-2)
    level = _mean(climate, used, -1)
    enough = there.sum(axis=-1) >= least * used.sum(axis=-1)[..., None]
    return np.where(enough & there.any(axis=-1), from_climate + level[..., None], np.nan)


def _mean(values: Floats, known: NDArray[np.bool_], axis: int) -> Floats:
    return np.asarray(np.where(known, values, 0.0).sum(axis=axis) / np.maximum(known.sum(axis=axis), 1))


def compare_periods(da: xr.DataArray, before: Period, after: Period, dim: str = "time") -> xr.Dataset:
    """Return the means of two periods and how they differ.

    Parameters
    ----------
    da : xarray.DataArray
        Numpy or dask; NaN for gaps.
    before, after : tuple
        First and last year of each period, both included.
    dim : str
        Dimension of dates, of which yearly means are compared, or of years.

    Returns
    -------
    xarray.Dataset
        ``before``, ``after``, ``difference`` (after less before) and its ``standard_error`` from the scatter of the
        years (units of ``da``; NaN with fewer than two years in either), and ``p_value``, the chance of so large a
        difference between two samples of one climate (Welch 1947, two sides; years taken as independent).

    Raises
    ------
    InputError
        If a period holds no year of the data or they overlap.
    """
    by_year = yearly_means(da, dim).rename({"year": dim}) if np.issubdtype(da[dim].dtype, np.datetime64) else da
    parts = [_period(by_year, dim, period) for period in (before, after)]
    if set(parts[0][dim].values.tolist()) & set(parts[1][dim].values.tolist()):
        raise InputError(f"The periods {before} and {after} have years in common. Give two that do not overlap.")
    mean = [part.mean(dim) for part in parts]
    count = [part.count(dim) for part in parts]
    square = [(p.var(dim, ddof=1) / n).where(n > 1) for p, n in zip(parts, count, strict=True)]
    error = np.sqrt(square[0] + square[1])
    difference = mean[1] - mean[0]
    free = error**4 / sum(s**2 / (n - 1) for s, n in zip(square, count, strict=True))
    chance = xr.apply_ufunc(
        _two_sides, difference / error, free, dask="parallelized", output_dtypes=[np.float64], keep_attrs=False
    )
    units = {key: da.attrs[key] for key in ("units",) if key in da.attrs}
    texts = {
        "before": (mean[0], f"mean of {before[0]} to {before[1]}", units),
        "after": (mean[1], f"mean of {after[0]} to {after[1]}", units),
        "difference": (difference, "difference of the means, after less before", units),
        "standard_error": (error, "standard error of the difference", units),
        "p_value": (chance, "chance of so large a difference in one climate (Welch, two sides)", {"units": "1"}),
    }
    layers = {}
    for name, (layer, text, own) in texts.items():
        layer.attrs = {"long_name": text, **own}
        layers[name] = layer.drop_vars([c for c in layer.coords if c not in layer.dims and c != "spatial_ref"])
    return xr.Dataset(layers)


def _period(by_year: xr.DataArray, dim: str, period: Period) -> xr.DataArray:
    years = by_year[dim].values
    inside = (years >= float(period[0])) & (years <= float(period[1]))
    if not inside.any():
        raise InputError(f"No year of the data lies in {period[0]} to {period[1]}. They run {years[0]} to {years[-1]}.")
    return by_year.isel({dim: np.flatnonzero(inside)})


def _two_sides(t: Floats, free: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(2.0 * special.stdtr(free, -np.abs(t)))
