"""Carbon sinks of land: gross, net and ecosystem production, trends, totals with intervals, towers.

::

    from musyq_lab.applications import carbon

    data = carbon.simulated("globe", (2013, 2014, 2015))
    steps = carbon.step_fluxes(data.fields)
    annual = carbon.annual_fluxes(carbon.monthly_fluxes(steps))
    budget = carbon.Budget(annual, steps["land_cover"], truth=data.annual_truth)
    carbon.country_table(budget)
"""

from __future__ import annotations

from typing import Any

from musyq_lab.core.lazy import attribute

_PUBLIC = {
    "Budget": "tables",
    "CARBON_SPEC": "archive",
    "CarbonData": "inputs",
    "METHODS": "fluxes",
    "SCENARIOS": "soil",
    "annual_fluxes": "fluxes",
    "balance": "soil",
    "carbon_products": "archive",
    "constants_table": "constants",
    "country_table": "tables",
    "cover_group": "towers",
    "flux_totals": "totals",
    "from_products": "inputs",
    "geographic": "grids",
    "heterotrophic": "soil",
    "is_whole": "fluxes",
    "load": "inputs",
    "map_layers": "regional",
    "mean_year": "towers",
    "monthly": "steps",
    "monthly_fluxes": "fluxes",
    "parse_years": "inputs",
    "place_of": "inputs",
    "published_comparison": "comparison",
    "region_table": "tables",
    "scenario_of": "soil",
    "scenario_table": "tables",
    "scenario_title": "soil",
    "seasonal_cycle": "regional",
    "simulated": "inputs",
    "simulated_towers": "towers",
    "site_comparison": "towers",
    "site_record": "towers",
    "site_series": "towers",
    "step_fluxes": "fluxes",
    "summary_text": "summary",
    "total_units": "regional",
    "tower_pairs": "towers",
    "trend_map": "regional",
    "truth_table": "tables",
    "unusual_year": "regional",
    "with_days": "steps",
    "years_of": "inputs",
    "year_anomaly": "regional",
    "year_table": "tables",
}

__all__ = sorted(_PUBLIC)  # noqa: PLE0605  (a computed list: names live in one place)


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that the command line starts fast."""
    value = attribute(__name__, _PUBLIC, name)
    globals()[name] = value
    return value
