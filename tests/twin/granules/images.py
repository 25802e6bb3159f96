"""Made-up worlds, overpasses and images for the writers of granules: smooth fields of longitude and latitude."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels.solar import zenith_azimuth
from musyq_lab.twin.grid import WorldGrid, local_grid
from musyq_lab.twin.instrument import Image, Pixels
from musyq_lab.twin.orbit import Overpass, overpasses

PLACE = (116.0, 40.2)
"""Longitude and latitude of a world in the north."""
SOUTH = (151.2, -30.4)
"""And of one in the south."""


def world(place: tuple[float, float] = PLACE, cells: int = 64, resolution: float = 20.0) -> WorldGrid:
    """Return a small world around a place."""
    return local_grid(*place, cells * resolution / 1000, resolution)


def passes(
    module: ModuleType,
    place: tuple[float, float] = PLACE,
    start: datetime = datetime(2023, 6, 1),
    days: int = 16,
) -> list[Overpass]:
    """Return the overpasses of an instrument."""
    return list(_passes(module, place, start, days))


@lru_cache(maxsize=64)
def _passes(module: ModuleType, place: tuple[float, float], start: datetime, days: int) -> tuple[Overpass, ...]:
    instrument = module.INSTRUMENT
    return tuple(overpasses(instrument.sensor, instrument.platform, instrument.orbit, place, start, days))


def smooth(pixels: Pixels, phase: float) -> NDArray[np.float64]:
    """Return a field from 0 to 1 that depends on the place alone."""
    lon, lat = np.radians(pixels.longitude), np.radians(pixels.latitude)
    return 0.5 + 0.25 * np.sin(4000 * lon + phase) + 0.25 * np.cos(3000 * lat - 2 * phase)


def make(
    overpass: Overpass,
    pixels: Sequence[Pixels],
    *,
    thermal: Sequence[str] = (),
    constant: Mapping[str, float] | None = None,
) -> list[Image]:
    """Return an image for each grid: reflectance 0.02 to 0.6, brightness temperature 250 to 320 K.

    ``thermal`` names the bands that are temperatures; ``constant`` sets bands to one value.
    """
    return [_image(overpass, grid, thermal, constant or {}) for grid in pixels]


def _image(overpass: Overpass, grid: Pixels, thermal: Sequence[str], constant: Mapping[str, float]) -> Image:
    gone = np.isnan(grid.longitude)
    values = {}
    for band in grid.bands:
        field = smooth(grid, float(sum(map(ord, band)) % 7))
        made = 250 + 70 * field if band in thermal else 0.02 + 0.58 * field
        values[band] = np.where(gone, np.nan, constant.get(band, made)).astype(np.float32)
    sun = zenith_azimuth(overpass.seen_at(grid.longitude, grid.latitude), grid.latitude, grid.longitude)
    view = overpass.look(grid.longitude, grid.latitude)
    height = np.where(gone, np.nan, 50.0).astype(np.float32)
    angles = [np.asarray(a, np.float32) for a in (*sun, *view)]
    return Image(grid, values, *angles, height, smooth(grid, 0.5) > 0.9)
