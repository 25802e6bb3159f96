"""Exercises on simulated years of leaves and carbon: notebooks *10*, *75*, *80* and *85*."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from musyq_lab.analysis.area import cell_area
from musyq_lab.training._truth import Truth
from musyq_lab.twin.years import CarbonYears

CROPLAND = 12
"""Class of the IGBP legend."""


def yearly_uptake(years: CarbonYears, cube: xr.Dataset) -> Truth:
    """Return what plants really take up in a year (g m-2 a-1), over the land where the product has values all year.

    Parameters
    ----------
    years
        The simulated year.
    cube
        Product ``gpp`` of its months, (time, latitude, longitude), g m-2 d-1.
    """
    daily = cube["gpp"].values.astype(np.float64)
    has = np.isfinite(daily).all(axis=0)
    area = _area(cube)
    true = years.annual["gpp"].values[0]
    days = cube["time"].dt.days_in_month.values
    found = (daily * days[:, None, None]).sum(axis=0)
    return Truth(
        float(np.average(true[has], weights=area[has])),
        mistakes={
            "days_forgotten": float(np.average(daily.sum(axis=0)[has], weights=area[has])),
            "daily_mean": float(np.average(daily.mean(axis=0)[has], weights=area[has])),
            "plain_mean": float(found[has].mean()),
        },
    )


def cropland_greening(years: CarbonYears, growth: xr.DataArray, crops: xr.DataArray, found: xr.Dataset) -> Truth:
    """Return by how much leaf area of croplands really grows (a-1, relative).

    Parameters
    ----------
    years
        The simulated years.
    growth
        Relative trends of leafy cells, (latitude, longitude), a-1.
    crops
        True for cropland, as the notebook's land cover has it.
    found
        Result of ``ml.trend``: ``slope`` (m2 m-2 a-1) and ``p_value``.
    """
    where = np.isfinite(growth.values) & crops.values
    area = _area(growth)

    def mean(field: xr.DataArray, cells: Any = where) -> float:
        return float(np.average(field.values[cells], weights=area[cells])) if np.any(cells) else float("nan")

    sure = where & (found["p_value"].values < 0.05)
    return Truth(
        mean(years.trend["lai"]),
        mistakes={
            "not_relative": mean(found["slope"]),
            "all_land": mean(growth, np.isfinite(growth.values)),
            "significant_only": mean(growth, sure),
        },
    )


def share_kept(yearly: pd.DataFrame) -> Truth:
    """Return which share of their uptake plants really keep (1).

    Parameters
    ----------
    yearly
        Table of the years of a region, with the truth.
    """
    kept, taken = (float(yearly[f"{flux}_truth_tg"].sum()) for flux in ("npp", "gpp"))
    return Truth(kept / taken, mistakes={"upside_down": taken / kept})


def uptake_error(years: CarbonYears, gpp: xr.DataArray) -> Truth:
    """Return the root mean square error of gross production over months and cells (g m-2 d-1).

    Parameters
    ----------
    years
        The simulated years.
    gpp
        What was found, (time, latitude, longitude), g m-2 d-1.
    """
    squares, sums, count = 0.0, 0.0, 0
    true = years.truth["gpp"]
    for year in np.unique(gpp["time"].dt.year):
        own = (gpp["time"].dt.year == year).values
        error = gpp.isel(time=own).values.astype(np.float64) - true.isel(time=own).values
        squares, sums = squares + float(np.nansum(error**2)), sums + float(np.nansum(error))
        count += int(np.isfinite(error).sum())
    return Truth(
        (squares / count) ** 0.5,
        mistakes={"no_root": squares / count, "no_squares": sums / count},
    )


def _area(field: xr.DataArray | xr.Dataset) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the area of each cell on the ellipsoid (m2)."""
    return np.asarray(cell_area(field["latitude"].values, field["longitude"].values).values, np.float64)
