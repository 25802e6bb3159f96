r"""Clouds and snow as the producers of high-resolution images flag them: tests of top-of-atmosphere reflectance.

The potential cloud pixels of Fmask (Zhu and Woodcock 2012, doi 10.1016/j.rse.2011.10.028, eqs. 1 to 4) and its test of
snow; without the thermal tests for Sentinel-2 (Zhu et al. 2015, doi 10.1016/j.rse.2014.12.014): basic test, whiteness,
haze test and the ratio of near to shortwave infrared. Not made: the second pass over the statistics of the scene,
shadows, the rim around clouds. What the flags miss or take for cloud is theirs, not the truth of the world.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Marks:
    """What was found, shape (y, x)."""

    cloud: Flags
    """Opaque cloud."""
    cirrus: Flags
    """Thin high cloud."""
    snow: Flags
    """Snow or ice."""


def marks(bands: Mapping[str, Values], temperature: Values | None = None) -> Marks:
    """Return clouds, cirrus and snow.

    Parameters
    ----------
    bands
        Role -> reflectance (1), all on one grid: ``blue``, ``green``, ``red``, ``nir``, ``swir1``, ``swir2`` and
        ``cirrus``; NaN makes no mark.
    temperature
        Brightness temperature at 11 um (K), where there is one.
    """
    blue, green, red, nir, swir1, swir2 = (bands[n] for n in ("blue", "green", "red", "nir", "swir1", "swir2"))
    with np.errstate(all="ignore"):
        ndsi, ndvi = (green - swir1) / (green + swir1), (nir - red) / (nir + red)
        mean = (blue + green + red) / 3
        whiteness = (abs(blue - mean) + abs(green - mean) + abs(red - mean)) / mean
        cloud = (swir2 > 0.03) & (ndsi < 0.8) & (ndvi < 0.8) & (whiteness < 0.7)
        cloud &= (blue - 0.5 * red - 0.08 > 0) & (nir / swir1 > 0.75)
        snow = (ndsi > 0.15) & (nir > 0.11) & (green > 0.1)
        if temperature is not None:
            cloud &= ~(temperature >= 300.15)  # 27 C
            snow &= ~(temperature >= 276.95)  # 3.8 C
        cirrus = bands["cirrus"] > 0.01
    return Marks(np.asarray(cloud & ~snow), np.asarray(cirrus), np.asarray(snow))
