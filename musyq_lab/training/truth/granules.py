"""Exercises of the notebook *20_raw_granules*."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import xarray as xr

from musyq_lab.sensors._registry import SENSORS
from musyq_lab.training._truth import Truth


def pixel_reflectance(
    scene: xr.Dataset, where: Mapping[str, int], mtl: Mapping[str, str], number: str, count: int
) -> Truth:
    """Return the reflectance (1) of a pixel in the red band, as the reader of the sensor makes it.

    Parameters
    ----------
    scene
        Of Landsat, calibrated to reflectance.
    where
        Row and column of the pixel.
    mtl
        Metadata of the granule.
    number
        Native band.
    count
        Digital number of the pixel.
    """
    gain, offset = (float(mtl[f"REFLECTANCE_{name}_BAND_{number}"]) for name in ("MULT", "ADD"))
    height = float(mtl["SUN_ELEVATION"])
    bare = gain * count + offset
    wrong = {"no_sun": bare, "degrees": bare / math.sin(height), "cosine": bare / math.cos(math.radians(height))}
    wrong |= {"no_offset": gain * count / math.sin(math.radians(height))}
    wrong |= {"times_sun": bare * math.sin(math.radians(height))}
    return Truth(float(scene["red"].isel(where)), mistakes=wrong)


def split_window_sensors() -> Truth:
    """Return the keys of the sensors with two bands in the thermal window, for which a split window exists."""
    bands: dict[str, set[Any]] = {key: {band.name for band in sensor.bands} for key, sensor in SENSORS.items()}
    two = {key for key, names in bands.items() if {"tir1", "tir2"} <= names}
    one = {key for key, names in bands.items() if names & {"tir1", "tir2"}}
    return Truth(two, mistakes={"one_band": one}, options=tuple(SENSORS))
