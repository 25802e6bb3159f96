"""Exercises of the notebook *70_synergy*."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import xarray as xr

from musyq_lab.training._truth import Truth

_COARSE = ("modis", "fy3d_mersi2", "npp_viirs", "himawari_ahi", "fy4a_agri")


def drifted_sensor(scenes: Sequence[xr.Dataset], drifted: Sequence[xr.Dataset], keys: Collection[str]) -> Truth:
    """Return the key of the sensor whose scenes are brighter than they were.

    Parameters
    ----------
    scenes, drifted
        The same scenes before and after the drift, in one order.
    keys
        Of the sensors.
    """
    rise: dict[str, list[float]] = {}
    for before, after in zip(scenes, drifted, strict=True):
        ratio = float((after["reflectance"] / before["reflectance"]).median())
        rise.setdefault(str(before.attrs["sensor"]), []).append(ratio)
    planted = max(rise, key=lambda key: float(np.nanmedian(rise[key])))
    coarse = [key for key in keys if key in _COARSE and key != planted]
    return Truth(planted, mistakes={"coarse": coarse}, options=tuple(keys))
