r"""Errors of the fields that carbon accounts are made from: stated sizes, and what they share.

Each is a sum of standard normal parts with the shares of :data:`LEAVES` or :data:`AIR`: one number for all of the
Earth and all times, one of each land cover class, one that goes with the distance (Gaussian, :data:`LENGTH` km) and
lasts, one of the same width that is of the step, and one of each cell and step. A multiplicative error is
:math:`\exp(\sigma z - \sigma^2 / 2)`, so that it has no bias over worlds.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.twin._synoptic import Lattice
from musyq_lab.twin._years_weather import Field, wide
from musyq_lab.twin.random import stream

LEAVES = MappingProxyType({"all": 0.15, "class": 0.25, "distance": 0.25, "step": 0.15, "cell": 0.20})
"""Shares of the variance of errors of leaf area and of the light it absorbs, which are the same errors; chosen."""
AIR = MappingProxyType({"all": 0.10, "class": 0.0, "distance": 0.40, "step": 0.30, "cell": 0.20})
"""Shares of the variance of errors of weather and radiation; chosen."""
LENGTH = 1000.0
"""Distance (km) L over which errors are alike, correlation exp(-d^2 / (2 L^2)); chosen."""


class Error(NamedTuple):
    """Error of one quantity."""

    sigma: float
    """One standard deviation: of the logarithm, or in the quantity's units."""
    relative: bool
    """Whether it multiplies."""
    group: str
    """Quantities of one group have the same error but for the part of cells."""
    limits: tuple[float, float]
    """Values that are possible."""


ERRORS = MappingProxyType(
    {
        "lai": Error(0.15, True, "leaves", (0.0, 15.0)),
        "fpar": Error(0.07, True, "leaves", (0.0, 0.99)),
        "downward_shortwave": Error(0.05, True, "light", (0.0, 600.0)),
        "downward_par": Error(0.06, True, "light", (0.0, 300.0)),
        "air_temperature": Error(0.7, False, "temperature", (180.0, 335.0)),
        "air_temperature_min": Error(0.9, False, "temperature", (180.0, 335.0)),
        "air_temperature_day": Error(0.8, False, "temperature", (180.0, 335.0)),
        "vapour_pressure_deficit": Error(0.12, True, "humidity", (0.0, 12000.0)),
        "precipitation": Error(0.15, True, "rain", (0.0, 300.0)),
    }
)
"""Errors of the fields: about those of monthly products and reanalyses; chosen, not measured."""


class Drawn:
    """Errors of one world.

    Parameters
    ----------
    seed
        Of the errors.
    points
        Lattice of the grid.
    cover
        Land cover, shape (y, x).
    """

    def __init__(self, seed: int, points: Lattice, cover: NDArray[np.uint8]) -> None:
        self._seed, self._points, self._cover = seed, points, cover

    def __call__(self, name: str, label: str) -> Field:
        """Return the error of a quantity at a step, in standard deviations, shape (y, x).

        Parameters
        ----------
        name
            Of the quantity.
        label
            Of the step.
        """
        group = ERRORS[name].group
        shares = LEAVES if group == "leaves" else AIR
        rng = stream(self._seed, "errors of all", group)
        parts = {
            "all": rng.standard_normal(),
            "class": rng.standard_normal(256)[self._cover],
            "distance": self._points.fill(wide(self._seed, self._points, LENGTH, "errors", group)),
            "step": self._points.fill(wide(self._seed, self._points, LENGTH, "errors", group, label)),
            "cell": stream(self._seed, "errors", name, label).standard_normal(self._cover.shape, np.float32),
        }
        return np.asarray(sum(np.sqrt(shares[part]) * field for part, field in parts.items()), np.float32)

    def observed(self, name: str, true: Field, label: str, size: float = 1.0) -> tuple[Field, Field]:
        """Return a quantity with its error, and the one-sigma uncertainty a user is told, shape (y, x).

        Parameters
        ----------
        name
            Of the quantity.
        true
            Its truth, shape (y, x).
        label
            Of the step.
        size
            Factor on all errors; 0 for none.
        """
        kind = ERRORS[name]
        sigma = np.float32(kind.sigma * size)
        wrong = sigma * self(name, label)
        seen = true * np.exp(wrong - sigma**2 / 2) if kind.relative else true + wrong
        seen = np.clip(seen, *kind.limits).astype(np.float32)
        return seen, np.asarray(sigma * seen if kind.relative else np.where(np.isnan(seen), np.nan, sigma), np.float32)
