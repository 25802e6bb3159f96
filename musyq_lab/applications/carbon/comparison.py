"""Our totals beside published ones, with a sentence on each difference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from musyq_lab.analysis.regions import Region, resolve_region
from musyq_lab.analysis.reporting import merged_zones
from musyq_lab.analysis.totals import Z95
from musyq_lab.analysis.zonal import ZoneFractions
from musyq_lab.applications.carbon.constants import table
from musyq_lab.applications.carbon.tables import Budget
from musyq_lab.applications.carbon.totals import cell_mass_weight

_WORDS = {
    "gpp": "gross primary production",
    "npp": "net primary production",
    "nep": "net ecosystem production",
    "rh": "heterotrophic respiration",
    "npp_over_gpp": "net over gross primary production",
}
_FULL = 0.9  # share of a place's land that the grid must cover to be compared with its published total
_PETAGRAM = 1000.0  # Tg


def published_comparison(budget: Budget, *, simulated: bool = False) -> pd.DataFrame:
    """Return the published numbers beside ours, for the places that the grid covers.

    Parameters
    ----------
    budget : Budget
        Annual fluxes; totals of the net balance are those of its scenario.
    simulated : bool
        Whether the fields are of the simulated Earth, which the remarks then say.

    Returns
    -------
    DataFrame
        ``quantity``, ``place``, ``units``, ``period``, ``published``, ``published_sigma``, ``ours``, ``ours_low`` and
        ``ours_high`` (95 % interval), ``ratio``, ``apart`` (difference in standard uncertainties of both), ``source``,
        ``verified`` (whether the number was read where it is cited) and ``remark``. Empty if neither the globe nor
        China is covered.
    """
    rows = []
    for key in dict.fromkeys(str(row["place"]) for row in table()["published"]):
        place = resolve_region(key)
        zone = merged_zones(budget.annual["gpp"], (place,))
        if _covered(zone, place):
            ours = _ours(budget, zone)
            facts = [row for row in table()["published"] if row["place"] == key]
            rows += [_row(fact, ours[str(fact["quantity"])], place, simulated) for fact in facts]
    columns = [
        *("quantity", "place", "units", "period", "published", "published_sigma", "ours", "ours_low", "ours_high"),
        *("ratio", "apart", "source", "verified", "remark"),
    ]
    return pd.DataFrame(rows, columns=columns)


def _covered(zone: ZoneFractions, place: Region) -> bool:
    """Return whether the grid holds nearly all of a place; of the globe all longitudes and 120 degrees of latitude."""
    if place.box is not None:
        return bool(np.ptp(zone.latitude) >= 120.0 and np.ptp(zone.longitude) >= 340.0)
    west, south, east, north = place.countries[0].geometry.bounds
    lat, lon = np.sort(zone.latitude), np.sort(zone.longitude)
    inside = [max(0.0, min(north, lat[-1]) - max(south, lat[0])) / (north - south),
              max(0.0, min(east, lon[-1]) - max(west, lon[0])) / (east - west)]  # fmt: skip
    return bool(min(inside) >= _FULL)


def _ours(budget: Budget, zone: ZoneFractions) -> dict[str, tuple[float, float]]:
    """Return total and sigma by quantity, Pg C a year."""
    found: dict[str, tuple[float, float]] = {}
    for name in ("gpp", "npp", "nep"):
        row = budget.totals(*budget.mean(name), zone).iloc[0]
        found[name] = (row["total"] / _PETAGRAM, row["sigma"] / _PETAGRAM)
    soil = budget.annual["heterotrophic_respiration"].sel(scenario=budget.scenario).mean("year", skipna=False)
    burnt = zone.sums(np.asarray(soil, float) * cell_mass_weight(soil, budget.land_share))[0] / _PETAGRAM
    found["rh"] = (burnt, table()["constants"]["respiration_relative_sigma"]["value"] * burnt)
    found["npp_over_gpp"] = (found["npp"][0] / found["gpp"][0] if found["gpp"][0] > 0 else np.nan, np.nan)
    return found


def _row(fact: dict[str, Any], ours: tuple[float, float], place: Region, simulated: bool) -> tuple[Any, ...]:
    value, sigma = ours
    theirs, spread = float(fact["value"]), float(fact.get("sigma", np.nan))
    apart = (value - theirs) / np.hypot(np.nan_to_num(sigma), np.nan_to_num(spread)) if sigma > 0 else np.nan
    quantity, units = str(fact["quantity"]), str(fact.get("units", "Pg C a-1"))
    ends = value - Z95 * sigma, value + Z95 * sigma
    words = f"{fact['about']}; {_remark(quantity, simulated)}"
    return (
        *(_WORDS[quantity], place.name, units, fact["period"], theirs, spread, value, *ends),
        *(value / theirs, apart, f"doi:{fact['doi']}", bool(fact["verified"]), words),
    )


def _remark(quantity: str, simulated: bool) -> str:
    made = {
        "gpp": "ours is a light-use efficiency model without carbon dioxide or soil water",
        "npp": "ours takes growth and maintenance respiration from the leaf area",
        "nep": "ours is one scenario, without fire, harvest or the history of the stocks",
        "rh": "ours is a formula of temperature and rain",
        "npp_over_gpp": "a ratio has no errors of light and FPAR",
    }[quantity]
    return f"{made}; the simulated Earth is like the Earth, not the Earth" if simulated else made
