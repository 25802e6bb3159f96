"""Exercises of the notebook *00_start*."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.training._truth import Truth


def regional_mean(annual: xr.DataArray, BOX: Sequence[float]) -> Truth:  # noqa: N803  (the notebook's parameter)
    """Return the mean of a region, with the exact area of a zone between two parallels (Archimedes).

    Parameters
    ----------
    annual
        Annual sum on longitude and latitude, rows from north to south.
    BOX
        West, south, east and north of the region (deg).
    """
    west, south, east, north = BOX
    box = annual.sel(longitude=slice(west, east), latitude=slice(north, south))
    half = abs(float(annual["latitude"][1] - annual["latitude"][0])) / 2

    def mean(data: xr.DataArray, weight: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> float:
        latitude = data["latitude"]
        return float(data.weighted(latitude.copy(data=weight(latitude.values))).mean())

    wrong = {
        "plain_mean": float(box.mean()),
        "sine": mean(box, lambda degrees: np.sin(np.deg2rad(degrees))),
        "degrees": mean(box, np.cos),
        "whole_map": mean(annual, lambda degrees: np.cos(np.deg2rad(degrees))),
    }
    zone = mean(box, lambda degrees: np.sin(np.deg2rad(degrees + half)) - np.sin(np.deg2rad(degrees - half)))
    return Truth(zone, mistakes=wrong)
