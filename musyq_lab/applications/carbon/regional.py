"""Regional means through the year, maps of the trend, and the years of a map beside their mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from musyq_lab.analysis.anomaly import anomaly, false_discovery
from musyq_lab.analysis.regions import Region
from musyq_lab.analysis.reporting import merged_zones
from musyq_lab.analysis.totals import Z95
from musyq_lab.analysis.trend import trend
from musyq_lab.applications.carbon.constants import constant
from musyq_lab.applications.carbon.fluxes import is_whole
from musyq_lab.applications.carbon.tables import Budget
from musyq_lab.applications.carbon.totals import cell_mass_weight, flux_totals
from musyq_lab.core.errors import InputError

_MOSTLY = 0.9  # share of a place's production on one side of the equator that makes it belong there


def seasonal_cycle(
    months: xr.Dataset, places: Iterable[Region], budget: Budget, *, flux: str = "gpp", language: str = "en"
) -> pd.DataFrame:
    """Return the mean daily flux of each calendar month and place.

    Parameters
    ----------
    months : Dataset
        Result of :func:`~musyq_lab.applications.carbon.fluxes.monthly_fluxes`.
    places : iterable of Region
        Regions, countries or boxes.
    budget : Budget
        Gives land cover and shares of land, for the errors.
    flux : {"gpp", "npp", "nep"}
        ``nep`` of the budget's scenario.
    language : {"en", "zh"}
        Of the names.

    Returns
    -------
    DataFrame
        ``region``, ``hemisphere`` ("north", "south", "both"), ``month``, ``value``, ``low`` and ``high`` (g m-2 d-1
        over the area with values; 95 % interval).

    Raises
    ------
    InputError
        If the months do not cover a whole year.
    """
    of_year = _climatology(months, flux, budget.scenario)
    chosen = tuple(places)
    zones = merged_zones(of_year["value"], chosen)
    tables = [
        flux_totals(step["value"], step["sigma"], zones, cover=budget.cover, land_share=budget.land_share)
        for step in (of_year.sel(month=month) for month in of_year["month"].values)
    ]
    rows = []
    for index, place in enumerate(chosen):
        weight = merged_zones(of_year["value"], (place,)).mask() * cell_mass_weight(of_year["value"])
        side = _hemisphere(of_year["value"].mean("month").fillna(0.0).clip(min=0.0) * weight)
        for month, sums in enumerate(tables, 1):
            row = sums.iloc[index]
            area = row["valid_km2"] * 1e-6  # Tg over 1e6 km2 is g m-2
            if area <= 0:
                continue
            mean, half = row["total"] / area, Z95 * row["sigma"] / area
            low = mean - half if flux == "nep" else max(mean - half, 0.0)
            name = (place.name_zh or place.name) if language == "zh" else place.name
            rows.append((name, side, month, mean, low, mean + half))
    return pd.DataFrame(rows, columns=["region", "hemisphere", "month", "value", "low", "high"])


def _climatology(months: xr.Dataset, flux: str, scenario: str) -> xr.Dataset:
    value = months[flux].sel(scenario=scenario, drop=True) if flux == "nep" else months[flux]
    sigma = months.get("npp_uncertainty" if flux == "nep" else f"{flux}_uncertainty")
    sigma = xr.zeros_like(value) if sigma is None else sigma
    both = xr.Dataset({"value": value, "sigma": sigma}).groupby("time.month").mean("time")
    if both.sizes["month"] != 12:
        have = ", ".join(str(int(m)) for m in both["month"].values)
        raise InputError(f"A seasonal cycle needs all twelve months; the fields have {have}.")
    return both


def _hemisphere(weight: xr.DataArray) -> str:
    total = float(weight.sum())
    north = float(weight.where(weight["latitude"] > 0, 0.0).sum()) / total if total > 0 else 0.5
    return "north" if north >= _MOSTLY else "south" if north <= 1 - _MOSTLY else "both"


def trend_map(annual: xr.Dataset, flux: str = "npp") -> xr.Dataset:
    """Return the trend of each cell and whether it is significant among all of them.

    Parameters
    ----------
    annual : Dataset
        Result of :func:`~musyq_lab.applications.carbon.fluxes.annual_fluxes`, four whole years or more.
    flux : str
        Layer without scenario.

    Returns
    -------
    Dataset
        Layers of :func:`musyq_lab.analysis.trend.trend`, and ``significant``
        (:func:`~musyq_lab.analysis.anomaly.false_discovery`).

    Raises
    ------
    InputError
        If there are fewer years.
    """
    years = annual.sizes["year"]
    if years < 4:
        raise InputError(f"A trend needs four years or more; the fields have {years}.")
    found = trend(annual[flux], "year").compute()
    rate = constant("false_discovery_rate").value
    return found.assign(significant=false_discovery(found["p_value"], rate))


def year_anomaly(annual: xr.Dataset, year: int, flux: str = "npp", *, relative: bool = False) -> xr.DataArray:
    """Return how far a year lies from the mean of all years, g m-2 a-1 or %.

    Raises
    ------
    InputError
        If the year is not there.
    """
    years = [int(y) for y in annual["year"].values]
    if year not in years:
        raise InputError(f"There is no year {year}; the fields have {', '.join(map(str, years))}.")
    found = anomaly(annual[flux], "year", kind="relative" if relative else "absolute").sel(year=year, drop=True)
    return (100.0 * found).assign_attrs(found.attrs, units="%") if relative else found


def unusual_year(annual: xr.Dataset, budget: Budget, place: Region, flux: str = "npp") -> int:
    """Return the year whose total lies farthest from the mean of the years."""
    series = budget.series(flux, merged_zones(annual[flux], (place,)))[0]
    return int(series.index[int(np.argmax(np.abs(series - series.mean())))])


@dataclass(frozen=True, eq=False)
class MapLayer:
    """A flux as a map shows it."""

    theme: str
    """Key of the words and of the class table."""
    value: xr.DataArray
    """Mean of the years, dims (latitude, longitude)."""
    sigma: xr.DataArray
    """One sigma of it."""


def map_layers(budget: Budget) -> dict[str, MapLayer]:
    """Return what maps of gpp, npp and nep show: the annual sum, or of parts of years the mean rate of a day."""
    whole = is_whole(budget.annual)
    layers = {}
    for name in ("gpp", "npp", "nep"):
        value, sigma = budget.mean(name)
        if not whole:
            days = float(budget.annual["days"].mean())
            value, sigma = ((field / days).assign_attrs(field.attrs, units="g m-2 d-1") for field in (value, sigma))
        layers[name] = MapLayer(f"{name}_{'annual' if whole else 'daily'}", value, sigma)
    return layers


def total_units(annual: xr.Dataset) -> str:
    """Return the unit of totals: of whole years, or of the days covered."""
    return "Tg C a-1" if is_whole(annual) else "Tg C"
