"""Carbon sinks of land: gross, net and ecosystem production, trends, totals with intervals, towers.

::

    from musyq_lab.applications import carbon

    data = carbon.simulated("globe", (2013, 2014, 2015))
    steps = carbon.step_fluxes(data.fields)
    annual = carbon.annual_fluxes(carbon.monthly_fluxes(steps))
    carbon.country_table(annual, data.cover, scenario="raich2002")
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "METHODS": "fluxes",
    "SCENARIOS": "soil",
    "annual_fluxes": "fluxes",
    "balance": "soil",
    "constants_table": "constants",
    "heterotrophic": "soil",
    "monthly_fluxes": "fluxes",
    "scenario_title": "soil",
    "step_fluxes": "fluxes",
    "with_days": "steps",
}

__all__ = sorted(_PUBLIC)  # noqa: PLE0605  (a computed list: names live in one place)


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that the command line starts fast."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}. Public names: {', '.join(__all__)}")
    value = getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value
