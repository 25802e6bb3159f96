"""What is decided before a pixel is read: the facts of every look, the layers of the result and their quality bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.composite.lineage import words_of
from musyq_lab.composite.weight import DROPPED, LOWERED
from musyq_lab.core.quality import FIRST_OWN_BIT, INPUT_MISSING, Flag

Array = NDArray[Any]

LONGER_WINDOW = Flag(FIRST_OWN_BIT, "longer_window", "looks from before or after the period were needed")
SINGLE_LOOK = Flag(FIRST_OWN_BIT + 1, "single_look", "the value comes from one look, which nothing could check")
INVERSION = Flag(FIRST_OWN_BIT + 2, "brdf_inversion", "the value comes from an inversion of reflectance kernels")
MAGNITUDE = Flag(FIRST_OWN_BIT + 3, "magnitude_inversion", "only the magnitude was inverted, the shape was assumed")
SNOW = Flag(FIRST_OWN_BIT + 4, "snow", "most looks show snow, and the value is that of snow")
DISAGREE = Flag(FIRST_OWN_BIT + 5, "sensors_disagree", "the means of two sensors differ by more than three sigma")
REMOVED = Flag(FIRST_OWN_BIT + 6, "looks_removed", "looks far from the others were left out")
DOUBTFUL = Flag(FIRST_OWN_BIT + 7, "doubtful", "every look is of lowered quality, such as possible cloud")
FLAGS = (INPUT_MISSING, LONGER_WINDOW, SINGLE_LOOK, INVERSION, MAGNITUDE, SNOW, DISAGREE, REMOVED, DOUBTFUL)


@dataclass(frozen=True, slots=True)
class Column:
    """What is known of a look before its pixels are read."""

    sensor: int
    """Number of its sensor."""
    rank: int
    """Number of the shortest window that holds it."""
    weight: float
    """Weight of its time and sensor."""
    days: float
    """Days from the middle of the period."""
    bands: tuple[int, ...]
    """Position of each band of the composite among its own, -1 where it has none."""
    directional: bool = True
    """Whether its angles are those it was seen at, not those it was normalised to."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the looks of every chunk are made into."""

    columns: tuple[Column, ...]
    """Looks in their order."""
    names: tuple[str, ...]
    """Roles of the bands."""
    wavelengths: tuple[float, ...]
    """Their centres (um)."""
    judged: tuple[int, int]
    """Bands that tell a clear look from a cloudy one."""
    sensors: int
    """Number of sensors."""
    windows: tuple[float, ...]
    """Lengths (days)."""
    enough: float
    """Looks that make a longer window needless."""
    method: str = "mean"
    """Name of the method."""
    normalize: bool = False
    """Whether looks are brought to one geometry before they are compared."""
    dropped: tuple[str, ...] = DROPPED
    """Flags whose pixels are not used."""
    lowered: tuple[tuple[str, float], ...] = tuple(LOWERED.items())
    """Factors of the weight of flagged pixels."""

    @property
    def bands(self) -> int:
        """Number of bands."""
        return len(self.names)

    @property
    def floats(self) -> int:
        """Layers of float32 that come first in a chunk's result: values, sigmas, shares, window, days."""
        return 2 * self.bands + self.sensors + 2

    @property
    def layers(self) -> int:
        """Layers of a chunk's result; the last are n_obs, quality bits and lineage, all of 32 bits."""
        return self.floats + 2 + words_of(len(self.columns))

    @property
    def sensor_of(self) -> Array:
        """Number of the sensor of each look, float32."""
        return np.array([column.sensor for column in self.columns], np.float32)

    @property
    def rank_of(self) -> Array:
        """Number of the window of each look, float32."""
        return np.array([column.rank for column in self.columns], np.float32)
