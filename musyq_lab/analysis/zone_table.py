"""A table of zones: area, mean, trend with its interval, and the total where the unit is one of an amount by area."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from musyq_lab.analysis.anomaly import false_discovery
from musyq_lab.analysis.trend import trend
from musyq_lab.analysis.years import yearly_means
from musyq_lab.analysis.zone_sets import ZoneSet
from musyq_lab.core.units import convert

__all__ = ["total_units", "zone_table"]

_LEAST_YEARS = 4
# An amount by area, as a rate or not: "g m-2 d-1", "W m-2", "MJ m-2"; not "m2 m-2" or a radiance.
_BY_AREA = re.compile(r"(?P<amount>[kMGT]?(?:g|mol|W|J|Wh)|Mg|t) m-2(?P<rate>(?: (?:s|h|d|day|month|a|yr|year)-1)?)")
_SCALED = (("Wh", "TWh"), ("W", "TW"), ("J", "PJ"), ("mol", "Tmol"), ("g", "Tg"), ("t", "Tg"))


def total_units(units: str) -> str | None:
    """Return the unit of a sum over an area, None where the values are no amounts by area.

    Parameters
    ----------
    units : str
        Of the values.
    """
    found = _BY_AREA.fullmatch(units.strip())
    if found is None:
        return None
    scaled = next(text for ending, text in _SCALED if found["amount"].endswith(ending))
    return f"{scaled}{found['rate']}"


def zone_table(means: xr.Dataset, zones: ZoneSet, dim: str = "", *, rate: float = 0.1) -> pd.DataFrame:
    """Return what is known of each zone.

    Parameters
    ----------
    means : xarray.Dataset
        From :func:`musyq_lab.analysis.zone_sets.zone_means`, along ``zone`` and ``dim`` or ``zone`` alone.
    zones : ZoneSet
        The zones.
    dim : str
        Dimension of dates or of years; empty for a single map.
    rate : float
        Share of false discoveries among the trends called significant (Benjamini & Hochberg 1995).

    Returns
    -------
    pandas.DataFrame, one row a zone
        ``area`` and ``area_with_data`` (km2), ``mean`` (units of the values, of the years where there are dates),
        ``total`` (in ``attrs["total_units"]``, left out where there is no such unit: the mean times the area with data)
        and, from four years on, ``trend`` (units a year, of yearly means) with ``trend_low`` and ``trend_high`` (95 %),
        ``p_value`` and ``significant``. ``attrs``: ``units``, ``trend_units``, ``total_units``.
    """
    mean, units = means["mean"], str(means["mean"].attrs.get("units", ""))
    dates = bool(dim) and np.issubdtype(mean[dim].dtype, np.datetime64)
    by_year = yearly_means(mean, dim) if dates else mean
    along = "year" if dates else dim
    level = by_year.mean(along) if along else by_year
    # The usual step counts: one lost scene is no loss of area.
    share = means["share"].median(dim) if dim else means["share"]
    area = zones.areas / 1e6
    table = pd.DataFrame({"area": area, "area_with_data": area * share.values, "mean": level.values})
    table.attrs = {"units": units, "total_units": total_units(units), "trend_units": f"{units} year-1".strip()}
    if table.attrs["total_units"]:
        table["total"] = _total(table["mean"] * table["area_with_data"] * 1e6, units, table.attrs["total_units"])
    if along and by_year.sizes[along] >= _LEAST_YEARS and (dates or along == "year"):
        _add_trend(table, by_year, along, rate)
    table.index = pd.Index(zones.names, name="zone")
    return table


def _total(sums: pd.Series, units: str, wanted: str) -> Any:
    """Return sums over areas in the unit wanted; ``units`` are those by area (m-2)."""
    amount = xr.DataArray(sums.to_numpy(float), attrs={"units": units.replace(" m-2", "")})
    return convert(amount, wanted).values


def _add_trend(table: pd.DataFrame, by_year: xr.DataArray, along: str, rate: float) -> None:
    found = trend(by_year, along)
    for column, name in (("trend", "slope"), ("trend_low", "slope_low"), ("trend_high", "slope_high")):
        table[column] = found[name].values
    table["p_value"] = found["p_value"].values
    table["significant"] = false_discovery(found["p_value"], rate).values
