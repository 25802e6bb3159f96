"""Exercises of the notebook *87_own_algorithm*."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy import optimize

from musyq_lab.training._truth import Truth

SOIL = 0.1
"""NDVI of bare ground in the exercise (1)."""


def full_cover(scene: xr.Dataset, true: xr.DataArray) -> Truth:
    """Return the NDVI of full cover with which the square of scaled NDVI has the true mean (1).

    Parameters
    ----------
    scene
        Standard scene with the bands ``red`` and ``nir``.
    true
        Cover of each of its cells (1).
    """
    red, nir = (scene["reflectance"].sel(band=band).values.astype(np.float64) for band in ("red", "nir"))
    ndvi = (nir - red) / (nir + red)
    has = np.isfinite(ndvi)
    known = float(true.values[has].mean())

    def off(leaves: float, power: float) -> float:
        scaled = np.clip((ndvi[has] - SOIL) / (leaves - SOIL), 0.0, 1.0)
        return float((scaled**power).mean()) - known

    def root(power: float) -> float:
        low, high = SOIL + 0.02, 3.0
        return float(optimize.brentq(off, low, high, (power,))) if off(low, power) * off(high, power) < 0 else np.nan

    return Truth(root(2.0), mistakes={"greenest_pixel": float(ndvi[has].max()), "not_squared": root(1.0)})
