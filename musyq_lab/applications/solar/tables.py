"""Tables of the solar potential: countries, regions, and the published numbers beside ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from musyq_lab.analysis.area import cell_area
from musyq_lab.analysis.regions import Region, region_keys, resolve_region
from musyq_lab.analysis.totals import Floats, interval, total
from musyq_lab.analysis.zonal import ZoneFractions, country_fractions, region_mask, zonal
from musyq_lab.applications.solar.constants import table
from musyq_lab.applications.solar.potential import KWH_PER_MJ, density_sigma, relative_sigmas

COLUMNS = (
    "area_km2",
    "mean_ghi_mj_m2",
    "mean_ghi_kwh_m2",
    "suitable_area_km2",
    "potential_twh",
    "potential_low_twh",
    "potential_high_twh",
)
"""Columns of numbers; the last two are the 95 % interval, energies and sums are per year."""
_CORRELATION_LENGTH = 3.0  # degrees: the cells of the source


def country_table(dsr: xr.Dataset, potential: xr.Dataset, shares: xr.Dataset, region: Any = "globe") -> pd.DataFrame:
    """Return one row a country, by falling potential.

    Parameters
    ----------
    dsr, potential, shares : Dataset
        Results of ``climatology``, ``technical_potential`` and ``suitable_shares`` on one grid.
    region : str, int or Region
        Countries of it; a box cuts the countries.

    Returns
    -------
    DataFrame
        ``m49``, ``iso3``, ``name``, ``name_zh``, ``region`` and :data:`COLUMNS`. ``attrs["remainder_twh"]`` is the
        potential of cells that no outline reaches.
    """
    place = region if isinstance(region, Region) else resolve_region(region)
    fractions = _within(country_fractions(potential["pv_potential"]), place, potential)
    numbers = _numbers(dsr, potential, shares, fractions)
    names = pd.DataFrame(
        [(c.m49, c.iso3, c.name, c.name_zh, c.region) for c in fractions.zones],
        columns=["m49", "iso3", "name", "name_zh", "region"],
    )
    out = pd.concat([names, numbers.reset_index(drop=True)], axis=1)
    out = out[out["area_km2"] > 0].sort_values("potential_twh", ascending=False, kind="stable").reset_index(drop=True)
    everything = float(_energy(potential).sum())
    out.attrs["remainder_twh"] = everything - float(out["potential_twh"].sum()) if place.key == "globe" else 0.0
    return out


def region_table(dsr: xr.Dataset, potential: xr.Dataset, shares: xr.Dataset) -> pd.DataFrame:
    """Return one row a region of ``catalogs/regions.yml`` and their union last; columns as in :func:`country_table`."""
    fractions = country_fractions(potential["pv_potential"])
    regions = [resolve_region(key) for key in region_keys()]
    rows = []
    for place in regions:
        merged = _merge(fractions, {c.name for c in place.countries})
        rows.append(_numbers(dsr, potential, shares, merged))
    names = pd.DataFrame([(r.key, r.name, r.name_zh) for r in regions], columns=["key", "name", "name_zh"])
    return pd.concat([names, pd.concat(rows, ignore_index=True)], axis=1)


def _within(fractions: ZoneFractions, place: Region, potential: xr.Dataset) -> ZoneFractions:
    """Keep the countries of a region, or cut all countries by a box."""
    if place.key == "globe":
        return fractions
    if place.box is not None:
        inside = region_mask(place, potential["pv_potential"]).values.ravel()
        return replace(fractions, fraction=fractions.fraction * inside[fractions.cell])
    keep = np.isin(fractions.zone, [i for i, c in enumerate(fractions.zones) if c in place.countries])
    return replace(fractions, fraction=np.where(keep, fractions.fraction, 0.0))


def _merge(fractions: ZoneFractions, names: set[str]) -> ZoneFractions:
    """Return the countries of these names as one zone."""
    keep = np.isin(fractions.zone, [i for i, c in enumerate(fractions.zones) if c.name in names])
    cell, number = np.unique(fractions.cell[keep], return_inverse=True)
    return ZoneFractions(
        ("region",), cell, np.zeros(cell.size, np.int64), np.bincount(number, fractions.fraction[keep]).astype(float),
        fractions.latitude, fractions.longitude,
    )  # fmt: skip


def _land_shares(fractions: ZoneFractions) -> ZoneFractions:
    """Divide each cell's shares by the land in it: suitable land is on land, never on the water of a coastal cell."""
    size = fractions.latitude.size * fractions.longitude.size
    everyone = country_fractions(xr.Dataset(coords={"latitude": fractions.latitude, "longitude": fractions.longitude}))
    land = np.bincount(everyone.cell, everyone.fraction, minlength=size)
    return replace(fractions, fraction=fractions.fraction / np.maximum(land[fractions.cell], 1e-12))


def _energy(potential: xr.Dataset) -> Floats:
    """Return the potential of each cell, TWh a-1."""
    area = cell_area(potential.latitude, potential.longitude).values * 1e-6
    energy: Floats = np.nan_to_num(potential["pv_potential"].values.astype(float)) * area * 1e-3
    return energy


def _numbers(dsr: xr.Dataset, potential: xr.Dataset, shares: xr.Dataset, fractions: ZoneFractions) -> pd.DataFrame:
    ghi = zonal(dsr["dsr_annual"], fractions)
    land = _land_shares(fractions)
    area = cell_area(potential.latitude, potential.longitude).values * 1e-6
    energy = _energy(potential)
    parts = relative_sigmas(dsr)
    slope = (shares["slope_share_uncertainty"] / shares["slope_share"].clip(min=0.05)).values
    shared = np.sqrt(
        parts["ghi"] ** 2 + parts["chain"] ** 2 + parts["temperature"] ** 2
        + density_sigma() ** 2 + np.nan_to_num(slope) ** 2
    )  # fmt: skip
    sums = total(
        energy, land, common=energy * shared, local=energy * np.nan_to_num(parts["local"].values),
        correlation_length=_CORRELATION_LENGTH,
    )  # fmt: skip
    moderate = shares["moderate"].values.astype(float)
    per_share = np.divide(energy, moderate, out=np.zeros_like(energy), where=moderate > 0)
    # Where the moderate reading leaves nothing (cropland may), the density of the neighbours in the zone is not known;
    # these cells count with the zone's own mean density.
    ends = {}
    for scenario in ("conservative", "liberal"):
        known = land.sums(per_share * shares[scenario].values)
        missed = land.sums(np.where(moderate > 0, 0.0, shares[scenario].values) * area)
        used = land.sums(moderate * area)
        density = np.divide(sums["total"].to_numpy(float), used, out=np.zeros_like(used), where=used > 0)
        ends[scenario] = known + missed * density
    low, high = interval(sums["total"], sums["sigma"], ends["conservative"], ends["liberal"])
    return pd.DataFrame(
        {
            "area_km2": ghi["area"].to_numpy(float) * 1e-6,
            "mean_ghi_mj_m2": ghi["mean"].values,
            "mean_ghi_kwh_m2": ghi["mean"].to_numpy(float) * KWH_PER_MJ,
            "suitable_area_km2": land.sums(moderate * area),
            "potential_twh": sums["total"].values,
            "potential_low_twh": low,
            "potential_high_twh": high,
        }
    )


def published_rows() -> list[dict[str, Any]]:
    """Return the published numbers of ``catalogs/solar.yml``."""
    return list(table()["published"])
