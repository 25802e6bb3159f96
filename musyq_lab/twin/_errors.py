r"""Errors of declared size that simulated observations carry: smooth in space, partly common to what belongs together.

.. math:: \hat x = x + \sigma(x)\, z, \qquad \sigma(x)^2 = a^2 + (r x)^2

with :math:`z` of mean 0 and variance 1 over worlds, made of four parts of declared variance (:data:`SHARES`): one that
a group of quantities shares and one of the quantity's own, both as wide as weather systems and so nearly constant over
a small world, and two of some kilometres, of which one stays for all times, as the errors of a coarse model in a valley
do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from musyq_lab.twin._fields import noise, turned
from musyq_lab.twin._synoptic import days, lattice
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.random import stream

Floats = NDArray[np.float32]

SHARES = MappingProxyType({"group": 0.3, "own": 0.3, "local": 0.2, "lasting": 0.2})
"""Shares of the variance, chosen: more than half of it does not average out over a small region."""

LENGTH = 4000.0
"""Correlation length (m) of the local parts, chosen: of the order of valleys. At least two
cells, and at most an eighth of the world."""

_MEMORY = 10.0  # days after which the wide parts are others, chosen


@dataclass(frozen=True, slots=True)
class Sigma:
    """One standard deviation of an error: ``hypot(absolute, relative * value)``."""

    absolute: float = 0.0
    """In the units of the quantity."""
    relative: float = 0.0
    """As a share of its value."""

    def of(self, value: ArrayLike) -> Floats:
        """Return one standard deviation at values."""
        field = np.asarray(value, np.float32)
        return np.asarray(np.hypot(np.float32(self.absolute), np.float32(self.relative) * field))


class Noise:
    """Standard normal fields of one world and time, by name.

    Parameters
    ----------
    grid
        Cells of the world.
    seed
        Of the world.
    time
        What the changing parts belong to (UTC).
    names
        All there will be, in their order: each gets another field.
    """

    def __init__(self, grid: WorldGrid, seed: int, time: datetime, names: Sequence[str]) -> None:
        self._points, self._seed, self._day = lattice(grid), seed, days(time)
        self._number = {name: number for number, name in enumerate(names)}
        # no longer than a small world has room for
        length = max(min(LENGTH / grid.metres, min(grid.shape) / 8), 2.0)
        local, lasting = stream(seed, "errors", time.isoformat()), stream(seed, "errors", "lasting")
        self._local = noise(grid.shape, length, local, periodic=True)
        self._lasting = noise(grid.shape, length, lasting, periodic=True)

    def __call__(self, name: str, group: str = "") -> Floats:
        """Return the field of a quantity, mean 0 and variance 1 over worlds.

        Parameters
        ----------
        name
            Of the quantity.
        group
            What it shares a part with; alone by default.
        """
        number = self._number[name]
        wide = np.sqrt(SHARES["group"]) * self._wide(group or f"{name} alone")
        wide = wide + np.sqrt(SHARES["own"]) * self._wide(name)
        near = np.float32(np.sqrt(SHARES["local"])) * turned(self._local, number)
        near = near + np.float32(np.sqrt(SHARES["lasting"])) * turned(self._lasting, number + 1)
        return np.asarray(self._points.fill(wide) + near, np.float32)

    def _wide(self, name: str) -> NDArray[np.float64]:
        return self._points.wander(self._seed, f"error of {name}", self._day, memory=_MEMORY)
