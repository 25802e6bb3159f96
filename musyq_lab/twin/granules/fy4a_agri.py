"""FY-4A AGRI, Level 1 (HDF5): a region of the full disk, one image file a resolution and the angles beside them.

The files are those of NSMC's China region (REGC): whole lines of the full disk, numbered as there, of which only the
chunks that see the world are stored; all else is fill. The file of 4000 m holds all channels, that of 2000 m has C01 to
C07, that of 1000 m C01 to C03, that of 500 m C02; files finer than half a cell of the world are left out.

An image is one instant (:meth:`musyq_lab.twin.orbit.Overpass.seen_at`): it begins at the overpass and ends a second
later.

Not real: counts of 12 bits with SCALE and OFFSET that put reflectance 1.2 at the end, and look-up tables linear in
radiance between the temperatures below (NSMC's numbers were not at hand). As satpy's reader and the makers of FY-4
imagery take it, count x SCALE + OFFSET is reflectance times the cosine of the Sun's zenith angle.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.sensor import Band
from musyq_lab.kernels.radiometry import planck_constants, planck_radiance
from musyq_lab.sensors.fy4a_agri import SPEC
from musyq_lab.twin.granules import _agri
from musyq_lab.twin.granules._disk import Disk, Window, albedo
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.instrument import Image, Instrument, Pixels
from musyq_lab.twin.orbit import Geostationary, Overpass

INSTRUMENT = Instrument("fy4a_agri", "FY-4A", Geostationary(104.7, cadence=15.0))

DISK = Disk("FY-4A AGRI", 104.7, {4000: 10_233_137, 2000: 20_466_274, 1000: 40_932_549, 500: 81_865_099}, 2748)
"""Nominal grid of NSMC's data format (constants as satpy's reader, readers/core/fy4.py, has them)."""

_HIGHEST = 4095
_DARK, _BRIGHT = 20, 1.2  # count without light; reflectance at the highest count
_COLD, _WARM = 150.0, 330.0  # K at the ends of the look-up tables
_HOT = {"C07": 450.0, "C08": 350.0}
_LONG = {"C07": 65_536}  # entries of a table: that of C07 goes on past the fill value in NSMC's files


def _bands(resolution: int) -> tuple[Band, ...]:
    return tuple(b for b in SPEC.bands_of() if b.resolution == resolution)


def pixels(overpass: Overpass, grid: WorldGrid) -> tuple[Pixels, ...]:
    """Return the pixels that see the world on the grids of 4000, 2000, 1000 and 500 m."""
    worth = [r for r in DISK.factors if r == DISK.coarsest or r >= grid.metres / 2]
    return DISK.pixels(overpass, grid, {r: tuple(b.name for b in _bands(r)) for r in worth})


def write(overpass: Overpass, images: Sequence[Image], folder: Path) -> Path:
    """Write an image file a grid and a file of angles into a folder and return the folder."""
    end = overpass.time + timedelta(seconds=1)
    for image in images:
        resolution = int(image.pixels.resolution)
        window = image.pixels.extra["window"]
        if not isinstance(window, Window):
            raise InputError("The pixels were not made by this module.")
        width = DISK.edge * DISK.coarsest // resolution
        fine = window.on(DISK.coarsest // resolution)
        file = _agri.File(overpass.time, end, resolution, fine, width, DISK.longitude)
        file.write_images(folder, [_channel(image, band) for band in _bands(resolution)])
        if resolution == DISK.coarsest:
            file.write_angles(folder, image)
    return folder


def _channel(image: Image, band: Band) -> _agri.Channel:
    if band.thermal:
        cold, step = _line(band.native, band.centre)
        radiance = _radiance(image.values[band.name], band.centre)
        return _agri.Channel(band, _rounded((radiance - cold) / step), (0.0, 0.0), _table(band.native, band.centre))
    scale = np.float32(_BRIGHT / (_HIGHEST - _DARK))
    line = float(scale), float(np.float32(-_DARK * scale))
    counts = _rounded((albedo(image, band.name) - line[1]) / line[0])
    return _agri.Channel(band, counts, line, _reflectances(*line))


def _rounded(values: NDArray[np.float64]) -> NDArray[np.uint16]:
    counts = np.clip(np.rint(values), 0, _HIGHEST)
    return np.where(np.isnan(counts), _agri.FILL, counts).astype(np.uint16)


def _radiance(temperature: NDArray[np.float32], wavelength: float) -> NDArray[np.float64]:
    k1, k2 = planck_constants(wavelength)
    return np.asarray(k1 / np.expm1(k2 / temperature.astype(np.float64)))


def _line(native: str, wavelength: float) -> tuple[float, float]:
    """Return the radiance of count 0 and that of one count more."""
    cold, warm = (planck_radiance(t, wavelength) for t in (_COLD, _HOT.get(native, _WARM)))
    return cold, (warm - cold) / _HIGHEST


@lru_cache(maxsize=1)
def _reflectances(scale: float, offset: float) -> NDArray[np.float32]:
    """Return the reflectance of every count, not below 0."""
    exact = np.clip(np.arange(_HIGHEST + 1) * scale + offset, 0, None)
    return np.asarray(np.rint(exact * 2**16) / 2**16, np.float32)


@lru_cache(maxsize=16)
def _table(native: str, wavelength: float) -> NDArray[np.float32]:
    """Return the temperature (K) of every count."""
    cold, step = _line(native, wavelength)
    k1, k2 = planck_constants(wavelength)
    counts = np.minimum(np.arange(_LONG.get(native, _HIGHEST + 1)), _HIGHEST)
    # Steps of 1/256 K, a tenth of a count's, pack to a third.
    return (np.rint(k2 / np.log1p(k1 / (cold + step * counts)) * 256) / 256).astype(np.float32)
