"""Tables of carbon fluxes: countries, regions, scenarios, years, and the simulated truth beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from musyq_lab.analysis.regions import Region, resolve_region
from musyq_lab.analysis.reporting import country_zones, merged_zones, region_zones
from musyq_lab.analysis.trend import trend
from musyq_lab.analysis.zonal import ZoneFractions, zonal
from musyq_lab.applications.carbon.constants import constant
from musyq_lab.applications.carbon.soil import scenario_title
from musyq_lab.applications.carbon.totals import cell_mass_weight, flux_totals
from musyq_lab.core.errors import InputError

_FEWEST_YEARS = 4  # below, no two-sided test at 5 % can say anything


@dataclass(frozen=True, eq=False)
class Budget:
    """The annual fluxes of a grid and what totals need beside them."""

    annual: xr.Dataset
    """Result of :func:`~musyq_lab.applications.carbon.fluxes.annual_fluxes`, dims (latitude, longitude) in space."""
    cover: xr.DataArray | None = None
    """Classes of land cover."""
    scenario: str = "raich2002"
    """Scenario of heterotrophic respiration that ``nep`` columns show; ``nep_least`` and ``nep_most`` span all."""
    land_share: xr.DataArray | None = None
    """Share of each cell that the fluxes hold for."""
    truth: xr.Dataset | None = None
    """Annual truth of a simulated Earth: ``gpp``, ``npp`` and perhaps ``nep``, dims (year, latitude, longitude)."""

    def __post_init__(self) -> None:
        """Refuse a scenario that was not made."""
        made = [str(name) for name in self.annual["scenario"].values]
        if self.scenario not in made:
            raise InputError(
                f"The scenario {self.scenario!r} needs air temperature and precipitation, which these fields lack. "
                f"Made are: {', '.join(made)}."
            )

    def mean(self, name: str) -> tuple[xr.DataArray, xr.DataArray]:
        """Return the mean of all years and its sigma, g m-2 a year, of gpp, npp or nep (of the scenario)."""
        flux, sigma = (self._one(self.annual[layer]) for layer in (name, f"{name}_uncertainty"))
        return flux.mean("year", skipna=False, keep_attrs=True), sigma.mean("year", skipna=False, keep_attrs=True)

    def _one(self, field: xr.DataArray) -> xr.DataArray:
        return field.sel(scenario=self.scenario, drop=True) if "scenario" in field.dims else field

    def totals(self, field: xr.DataArray, sigma: xr.DataArray, zones: ZoneFractions) -> pd.DataFrame:
        """Return totals over zones (Tg)."""
        return flux_totals(field, sigma, zones, cover=self.cover, land_share=self.land_share)

    def series(self, name: str, zones: ZoneFractions, *, truth: bool = False) -> pd.DataFrame:
        """Return the total of every year (rows: years, columns: zones; Tg)."""
        source = self.truth if truth else self.annual
        if source is None or name not in source:
            raise InputError(f"There is no {'truth of ' if truth else ''}{name}.")
        field = self._one(source[name]).transpose("year", "latitude", "longitude")
        weight = cell_mass_weight(field, self.land_share)
        sums = [zones.sums(np.asarray(layer, float) * weight) for layer in field.values]
        return pd.DataFrame(sums, index=pd.Index(field["year"].values, name="year"))


def country_table(budget: Budget, place: Region | str = "globe") -> pd.DataFrame:
    """Return one row a country, by falling net production.

    Parameters
    ----------
    budget : Budget
        Fluxes.
    place : Region or str
        Countries of it; a box cuts them.

    Returns
    -------
    DataFrame
        ``m49``, ``iso3``, ``name``, ``name_zh``, ``region``, ``area_km2`` and ``valid_km2`` (with a value), then for
        ``gpp``, ``npp`` and ``nep`` (of the scenario) ``<flux>_tg`` with ``_low`` and ``_high`` (95 % interval, Tg C a
        year), ``nep_least_tg`` and ``nep_most_tg`` (ends over all scenarios with their intervals), ``nep_mt_co2`` with
        ``_low`` and ``_high``, and of four years or more ``npp_trend_tg`` (Tg C a-2) and ``npp_trend_p``.
    """
    zones = country_zones(budget.annual["gpp"], place)
    names = pd.DataFrame(
        [(c.m49, c.iso3, c.name, c.name_zh, c.region) for c in zones.zones],
        columns=["m49", "iso3", "name", "name_zh", "region"],
    )
    table = pd.concat([names, _numbers(budget, zones)], axis=1)
    table = table[table["valid_km2"] > 0]
    return table.sort_values("npp_tg", ascending=False, kind="stable").reset_index(drop=True)


def region_table(budget: Budget, place: Region | str | None = None) -> pd.DataFrame:
    """Return one row a region and their union last, or the place alone; columns as in :func:`country_table`.

    Parameters
    ----------
    budget : Budget
        Fluxes.
    place : Region or str, optional
        A place of which only a part is covered by the regions, such as a country or a box.
    """
    if place is None:
        zones = region_zones(budget.annual["gpp"])
    else:
        found = place if isinstance(place, Region) else resolve_region(place)
        zones = merged_zones(budget.annual["gpp"], (found,))
    names = pd.DataFrame(
        [(r.key, r.name, r.name_zh or r.name) for r in zones.zones], columns=["key", "name", "name_zh"]
    )
    return pd.concat([names, _numbers(budget, zones)], axis=1)


def _numbers(budget: Budget, zones: ZoneFractions) -> pd.DataFrame:
    table = pd.DataFrame({"area_km2": zonal(budget.mean("gpp")[0], zones)["area"].to_numpy(float) * 1e-6})
    for name in ("gpp", "npp", "nep"):
        sums = budget.totals(*budget.mean(name), zones)
        if name == "gpp":
            table["valid_km2"] = sums["valid_km2"].to_numpy(float)
        low = sums["low"].to_numpy(float)
        table[f"{name}_tg"] = sums["total"].to_numpy(float)
        table[f"{name}_low_tg"] = low if name == "nep" else np.maximum(low, 0.0)
        table[f"{name}_high_tg"] = sums["high"].to_numpy(float)
    ends = [_scenario_totals(budget, name, zones) for name in budget.annual["scenario"].values]
    table["nep_least_tg"] = np.min([end["low"] for end in ends], axis=0)
    table["nep_most_tg"] = np.max([end["high"] for end in ends], axis=0)
    for end in ("", "_low", "_high"):
        table[f"nep{end}_mt_co2"] = constant("carbon_to_co2").value * table[f"nep{end}_tg"]
    return _with_trend(table, budget, zones)


def _scenario_totals(budget: Budget, name: str, zones: ZoneFractions) -> pd.DataFrame:
    flux, sigma = (
        budget.annual[layer].sel(scenario=name).mean("year", skipna=False) for layer in ("nep", "nep_uncertainty")
    )
    return budget.totals(flux, sigma, zones)


def _with_trend(table: pd.DataFrame, budget: Budget, zones: ZoneFractions) -> pd.DataFrame:
    if budget.annual.sizes["year"] < _FEWEST_YEARS:
        return table
    found = trend(xr.DataArray(budget.series("npp", zones), dims=("year", "zone")), "year")
    return table.assign(npp_trend_tg=found["slope"].values, npp_trend_p=found["p_value"].values)


def scenario_table(budget: Budget, places: tuple[Region, ...], language: str = "en") -> pd.DataFrame:
    """Return the total balance of each place by every scenario.

    Returns
    -------
    DataFrame
        ``region``, ``scenario``, ``title``, ``nep_tg`` with ``low_tg`` and ``high_tg``, ``nep_mt_co2``, and
        ``respiration_tg``.
    """
    zones = merged_zones(budget.annual["gpp"], places)
    rows = []
    for name in map(str, budget.annual["scenario"].values):
        soil = budget.annual["heterotrophic_respiration"].sel(scenario=name).mean("year", skipna=False)
        burnt = zones.sums(np.asarray(soil, float) * cell_mass_weight(soil, budget.land_share))
        sums = _scenario_totals(budget, name, zones)
        for place, number, row in zip(places, burnt, sums.to_dict("records"), strict=True):
            rows.append((_name(place, language), name, scenario_title(name, language), row["total"], row["low"],
                         row["high"], constant("carbon_to_co2").value * row["total"], number))  # fmt: skip
    columns = ["region", "scenario", "title", "nep_tg", "low_tg", "high_tg", "nep_mt_co2", "respiration_tg"]
    return pd.DataFrame(rows, columns=columns)


def year_table(budget: Budget, place: Region) -> pd.DataFrame:
    """Return the totals of a place year by year.

    Returns
    -------
    DataFrame
        ``year``, ``days`` covered, for ``gpp``, ``npp`` and ``nep`` (of the scenario) ``<flux>_tg`` with ``_low`` and
        ``_high``, ``npp_anomaly_tg`` against the mean of the years, and ``<flux>_truth_tg`` where the truth is known.
    """
    zones = merged_zones(budget.annual["gpp"], (place,))
    years = budget.annual["year"].values
    out = pd.DataFrame({"year": years, "days": budget.annual["days"].values})
    for name in ("gpp", "npp", "nep"):
        sums = pd.concat([_of_year(budget, name, int(year), zones) for year in years])
        for column, end in (("total", ""), ("low", "_low"), ("high", "_high")):
            sum_of_year = sums[column].to_numpy(float)
            clipped = end == "_low" and name != "nep"  # as in the table of countries
            out[f"{name}{end}_tg"] = np.maximum(sum_of_year, 0.0) if clipped else sum_of_year
        if budget.truth is not None and name in budget.truth:
            out[f"{name}_truth_tg"] = budget.series(name, zones, truth=True)[0].reindex(years).to_numpy(float)
    out["npp_anomaly_tg"] = out["npp_tg"] - out["npp_tg"].mean()
    return out


def _of_year(budget: Budget, name: str, year: int, zones: ZoneFractions) -> pd.DataFrame:
    chosen = budget.annual.sel(year=year)
    return budget.totals(budget._one(chosen[name]), budget._one(chosen[f"{name}_uncertainty"]), zones)


def truth_table(budget: Budget, places: tuple[Region, ...]) -> pd.DataFrame:
    """Return our totals beside those of the simulated truth, mean of the years.

    Only cells where both have a value count, so that what the method leaves out is no error of its numbers; the share
    of the truth that lies there is in ``covered``.

    Returns
    -------
    DataFrame
        ``key``, ``region``, ``flux``, ``ours_tg`` with ``low_tg`` and ``high_tg``, ``truth_tg``, ``ratio``, ``inside``
        and ``covered``; empty without a truth.
    """
    columns = ["key", "region", "flux", "ours_tg", "low_tg", "high_tg", "truth_tg", "ratio", "inside", "covered"]
    if budget.truth is None:
        return pd.DataFrame(columns=columns)
    zones = merged_zones(budget.annual["gpp"], places)
    rows: list[tuple[Any, ...]] = []
    for name in ("gpp", "npp"):
        ours, sigma = budget.mean(name)
        real = budget.truth[name].sel(year=budget.annual["year"]).mean("year")
        both = ours.notnull() & real.notnull()
        sums = budget.totals(ours.where(both), sigma, zones)
        weight = cell_mass_weight(ours, budget.land_share)
        true, whole = (zones.sums(np.asarray(field, float) * weight) for field in (real.where(both), real))
        for index, place in enumerate(places):
            row = sums.iloc[index]
            if row["total"] == 0:
                continue
            rows.append((place.key, place.name, name, row["total"], row["low"], row["high"], true[index],
                         row["total"] / true[index], bool(row["low"] <= true[index] <= row["high"]),
                         true[index] / whole[index]))  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _name(place: Region, language: str) -> str:
    return (place.name_zh or place.name) if language == "zh" else place.name
