"""What a writer of native files is made of: instrument, pixels and images.

A module of :mod:`musyq_lab.twin.granules` holds

- ``INSTRUMENT``: an :class:`Instrument`,
- ``pixels(overpass, grid) -> tuple[Pixels, ...]``: the pixel centres of one overpass, one entry a native grid,
- ``write(overpass, images, folder) -> Path``: the files; ``images`` come in the order of ``pixels``.

The forward model lies between the two: it fills the pixels with what reaches the sensor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.orbit import Geostationary, Overpass, SunSynchronous


@dataclass(frozen=True)
class Instrument:
    """A sensor on a platform."""

    sensor: str
    """Key in ``ml.SENSORS``."""
    platform: str
    """Satellite."""
    orbit: SunSynchronous | Geostationary
    """Where it flies."""
    variant: str = ""
    """Platform or camera whose rows of the sensor's bands hold."""
    bands: tuple[str, ...] = ()
    """Roles it is simulated in; empty for all bands of the variant."""


@dataclass(frozen=True)
class Pixels:
    """Pixel centres of one native grid of one overpass, shape (row, column)."""

    bands: tuple[str, ...]
    """Names (roles) of the bands measured on this grid."""
    resolution: float
    """Sampling distance at nadir (m)."""
    longitude: NDArray[np.float64]
    """Degrees east, -180 to 180; NaN off the Earth."""
    latitude: NDArray[np.float64]
    """Geodetic, degrees north; NaN off the Earth."""
    footprint: float
    """Full width at half maximum of the point spread on the ground (m), that of the place in view."""
    elevation: NDArray[np.float64] | None = None
    """Height the pixel is placed at (m), None for the ellipsoid."""
    extra: Mapping[str, object] = field(default_factory=dict)
    """What the writer wants to find again; ``"variant"`` names the platform or camera whose rows of bands hold."""


@dataclass(frozen=True)
class Image:
    """What the sensor measures on one native grid."""

    pixels: Pixels
    """Where."""
    values: Mapping[str, NDArray[np.float32]]
    """Band name -> top-of-atmosphere reflectance pi L d2 / (E0 cos(sun zenith)), or brightness temperature (K) for
    bands from 3 um on, noise and point spread included, NaN where the world does not reach."""
    sun_zenith: NDArray[np.float32]
    """Degrees, shape (row, column)."""
    sun_azimuth: NDArray[np.float32]
    """Degrees clockwise from north."""
    view_zenith: NDArray[np.float32]
    """Degrees."""
    view_azimuth: NDArray[np.float32]
    """Degrees clockwise from north, from the pixel to the satellite."""
    elevation: NDArray[np.float32]
    """Surface height (m), NaN where the world does not reach."""
    water: NDArray[np.bool_]
    """Water surface, for the land masks some files carry."""


class Granule(Protocol):
    """A module of :mod:`musyq_lab.twin.granules`."""

    INSTRUMENT: Instrument

    @staticmethod
    def pixels(overpass: Overpass, grid: WorldGrid) -> tuple[Pixels, ...]:
        """Return the pixel centres that see the world (and the little around it that the layout needs)."""

    @staticmethod
    def write(overpass: Overpass, images: Sequence[Image], folder: Path) -> Path:
        """Write the granule into an empty folder and return what ``ml.open_scene`` takes."""
