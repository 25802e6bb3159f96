"""The photovoltaic technical potential of land: irradiance, suitability, yield, potential, tables.

::

    from musyq_lab.applications import solar

    clear = solar.clear_sky_shortwave("0p25deg")
    index = solar.clear_sky_index(solar.ghi_climatology(), clear)
    dsr = solar.climatology(retrieve("dsr", index.assign(clear_sky_shortwave=clear)))
    shares = solar.suitable_shares(land_cover, solar.terrain_altitude(), dsr["dsr_annual"])
    potential = solar.technical_potential(dsr, clear, shares, altitude=solar.terrain_altitude(clear), index=index)
    solar.region_table(dsr, potential, shares)
"""

from __future__ import annotations

from typing import Any

from musyq_lab.core.lazy import attribute

_PUBLIC = {
    "CLIMATOLOGY_SPEC": "potential",
    "POTENTIAL_SPEC": "potential",
    "air_temperature": "yields",
    "check_year": "inputs",
    "clear_sky_index": "irradiance",
    "clear_sky_shortwave": "irradiance",
    "climatology": "potential",
    "constants_table": "constants",
    "country_table": "tables",
    "ghi_climatology": "irradiance",
    "ground_cover": "suitability",
    "land_cover_factor": "suitability",
    "optimum_tilt": "yields",
    "own_dsr": "inputs",
    "technical_potential": "potential",
    "published_comparison": "comparison",
    "pv_yield": "yields",
    "region_table": "tables",
    "seasonal_cycle": "regional",
    "slope_share": "suitability",
    "source_comparison": "regional",
    "station_comparison": "comparison",
    "suitable_shares": "potential",
    "summary_text": "summary",
    "terrain_altitude": "irradiance",
}

__all__ = sorted(_PUBLIC)  # noqa: PLE0605  (a computed list: names live in one place)


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that the command line starts fast."""
    value = attribute(__name__, _PUBLIC, name)
    globals()[name] = value
    return value
