"""Exercises of the notebook *90_products_gallery*."""

from __future__ import annotations

import xarray as xr

from musyq_lab.training._truth import Truth

CARBON_DIOXIDE = 44 / 12
"""Mass of carbon dioxide over that of its carbon (1)."""


def uptake_of_crops(day: xr.Dataset, crops: xr.DataArray, gpp: xr.Dataset, size: float) -> Truth:
    """Return how much carbon dioxide (t) the crops take up on a day.

    Parameters
    ----------
    day
        Truth of the day, with gross production ``gpp`` (g m-2 d-1 of carbon).
    crops
        Cells of crops.
    gpp
        Gross production as retrieved, with gaps under cloud.
    size
        Edge of a cell (m).
    """
    tonnes = CARBON_DIOXIDE * size**2 * 1e-6
    known = float(day["gpp"].where(crops).sum()) * tonnes
    seen = float(gpp["gpp"].where(crops).sum()) * tonnes
    everything = float(day["gpp"].sum()) * tonnes
    wrong = {"as_carbon": known / CARBON_DIOXIDE, "upside_down": known / CARBON_DIOXIDE**2, "gaps": seen}
    return Truth(known, mistakes=wrong | {"all_plants": everything})
