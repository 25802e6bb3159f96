"""Himawari-8 AHI as Himawari Standard Data: the target area, one file a band, packed by bzip2.

JMA's target area (region 3: 1000 x 1000 km as seen from above the equator, every 2.5 minutes, files R301 to R304 of the
ten minutes) is laid around the world; pixels the world does not fill hold the count of pixels outside the scan. A full
disk would be 1.2 GB an image: a world wider than the target area is refused.

Every line bears the time of the overpass, which is one instant (:meth:`musyq_lab.twin.orbit.Overpass.seen_at`).

Not real: counts lie on the valid bits of JMA's guide (table 1) with gains that put albedo 1.2 or the temperatures below
at their ends (those of JMA's headers were not at hand), the update lowers gains by 1 %; c' holds the Sun's distance of
the day, so that radiance is that of the day; c0 to c2 are fitted to Planck's law over the band's response; positions of
Sun and Moon are zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.sensor import Band
from musyq_lab.kernels.solar import sun_position
from musyq_lab.sensors._response import response
from musyq_lab.sensors.himawari_ahi import SPEC
from musyq_lab.twin.granules import _hsd
from musyq_lab.twin.granules._disk import Disk, Window, albedo
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.instrument import Image, Instrument, Pixels
from musyq_lab.twin.orbit import Geostationary, Overpass

Floats = NDArray[np.float64]

INSTRUMENT = Instrument("himawari_ahi", "Himawari-8", Geostationary(140.7, cadence=10.0))

DISK = Disk("Himawari AHI", 140.7, {2000: 20_466_275, 1000: 40_932_549, 500: 81_865_099}, 5500)
"""Longitude, factors and size of the full disk as JMA's headers have them."""

_AREA = 500  # pixels of 2000 m along an edge of the target area
_NATIVE = {"B01": 1000, "B02": 1000, "B03": 500, "B04": 1000}
_BITS = {"B07": 14, "B08": 11, "B09": 11, "B16": 11}  # the guide, table 1; below B07 11, else 12
_DARK, _BRIGHT = 20, 1.2  # count without light; albedo at the highest count
_COLD, _HOT = 150.0, {"B07": 400.0}  # K at the ends of the counts
_WARM = 330.0
_AGEING = 0.99


def _native(resolution: int) -> tuple[Band, ...]:
    return tuple(b for b in SPEC.bands_of() if b.resolution == resolution and _NATIVE.get(b.native, 2000) == resolution)


def pixels(overpass: Overpass, grid: WorldGrid) -> tuple[Pixels, ...]:
    """Return the pixels that see the world on the grids of 2000, 1000 and 500 m."""
    window = DISK.window(grid)
    if max(window.lines, window.columns) > _AREA:
        raise InputError(
            f"The world spans {window.lines} x {window.columns} pixels of 2000 m of Himawari AHI; its target area has "
            f"{_AREA} x {_AREA} (1000 km), and full disks are not simulated. Choose a smaller world, or leave the "
            "sensor out."
        )
    names = {resolution: tuple(b.name for b in _native(resolution)) for resolution in DISK.factors}
    return DISK.pixels(overpass, grid, names)


def write(overpass: Overpass, images: Sequence[Image], folder: Path) -> Path:
    """Write a file a band into a folder and return the folder."""
    minutes = overpass.time.minute % 10 + overpass.time.second / 60
    slot = overpass.time.replace(second=0, microsecond=0) - timedelta(minutes=overpass.time.minute % 10)
    distance = float(sun_position(np.datetime64(overpass.time)).distance)
    for image in images:
        resolution = int(image.pixels.resolution)
        window = image.pixels.extra["window"]
        if not isinstance(window, Window):
            raise InputError("The pixels were not made by this module.")
        fine = DISK.coarsest // resolution
        area = _area(window)
        for band in _native(resolution):
            calibration, counts = _counts(image, band, distance)
            _hsd.Image(
                satellite=overpass.platform,
                area=f"R30{1 + int(minutes // 2.5)}",
                slot=slot,
                time=overpass.time,
                band=int(band.native[1:]),
                resolution=resolution,
                wavelength=band.centre,
                part=area.on(fine),
                factor=DISK.factors[resolution],
                centre=DISK.offset(resolution),
                longitude=DISK.longitude,
                calibration=calibration,
            ).write(folder, counts, window.on(fine))
    return folder


def _area(window: Window) -> Window:
    """Return the target area around a window, inside the disk."""
    top, left = (
        min(max(first + count // 2 - _AREA // 2, 0), DISK.edge - _AREA)
        for first, count in ((window.top, window.lines), (window.left, window.columns))
    )
    return Window(top, left, _AREA, _AREA)


def _counts(image: Image, band: Band, distance: float) -> tuple[_hsd.Calibration, NDArray[np.uint16]]:
    bits = _BITS.get(band.native, 12 if band.thermal else 11)
    if band.thermal:
        hot, cold = (_planck(band.centre, t) for t in (_HOT.get(band.native, _WARM), _COLD))
        gain, offset = float(cold - hot) / (2**bits - 1), float(hot)
        to_band, to_planck = _fits(band.name)
        constants = _hsd.LIGHT, _hsd.PLANCK, _hsd.BOLTZMANN
        calibration = _hsd.Calibration(bits, gain, offset, (*to_band, *to_planck, *constants))
        c0, c1, c2 = to_band
        seen = np.asarray(image.values[band.name], np.float64)
        effective = 2 * (seen - c0) / (c1 + np.sqrt(c1**2 + 4 * c2 * (seen - c0)))
        return calibration, calibration.counts(_planck(band.centre, effective), gain, offset)
    assert band.e0 is not None
    to_albedo = math.pi * distance**2 / band.e0
    launched = _BRIGHT / to_albedo / (2**bits - 1 - _DARK)
    day = (np.datetime64("2019-01-01") - np.datetime64("1858-11-17")).astype(float)
    gain, offset = (_AGEING * value for value in (launched, -_DARK * launched))
    tail = (to_albedo, float(day), gain, offset)
    calibration = _hsd.Calibration(bits, launched, -_DARK * launched, tail)
    return calibration, calibration.counts(albedo(image, band.name) / to_albedo, gain, offset)


def _planck(wavelength: Floats | float, temperature: Floats | float) -> Floats:
    metres = np.asarray(wavelength) * 1e-6
    exponent = _hsd.PLANCK * _hsd.LIGHT / (_hsd.BOLTZMANN * metres * temperature)
    return np.asarray(2e-6 * _hsd.PLANCK * _hsd.LIGHT**2 / metres**5 / np.expm1(exponent))


@lru_cache(maxsize=16)
def _fits(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the parabolas from the temperature at the central wavelength to that of the band, and back."""
    curve = response(SPEC.key, name)
    wavelength, weight = curve["wavelength"].values, curve.values
    of_band = np.arange(180.0, 331.0, 5.0)
    radiance = weight @ _planck(wavelength[:, np.newaxis], of_band) / weight.sum()
    metres = SPEC.band(name).centre * 1e-6
    unit = 2e-6 * _hsd.PLANCK * _hsd.LIGHT**2 / metres**5
    central = _hsd.PLANCK * _hsd.LIGHT / (_hsd.BOLTZMANN * metres) / np.log1p(unit / radiance)
    forth, back = (
        np.polynomial.Polynomial.fit(x, y, 2).convert().coef.tolist()
        for x, y in ((central, of_band), (of_band, central))
    )
    return tuple(forth), tuple(back)
