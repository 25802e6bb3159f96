"""Exercises of the notebook *60_radiation*."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from musyq_lab.training._truth import Truth

_ERROR = 0.04
"""Of the light of all readings (1): no clear-sky model is better than 2 or 3 per cent."""


def dirty_dome(readings: NDArray[np.floating], at_station: NDArray[np.floating], seen: NDArray[np.floating]) -> Truth:
    """Return by how many per cent a pyranometer reads low.

    Parameters
    ----------
    readings
        Of the instrument (W m-2), one an image.
    at_station
        True irradiance at the same times (W m-2).
    seen
        What the images say of it (W m-2).
    """
    low = 100 * float(1 - np.nansum(readings) / np.nansum(at_station))
    of_all = float(np.nanmedian(readings[seen > 0] / seen[seen > 0]))
    wrong = {"all_moments": 100 * (1 - of_all), "sum_of_all": 100 * float(1 - np.nansum(readings) / np.nansum(seen))}
    return Truth(low, mistakes=wrong, allowed=_ERROR * (100 - low))
