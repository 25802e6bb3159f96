"""Landsat-8 and -9 OLI/TIRS: Level-1 scenes of Collection 2 as USGS delivers them, cut to the world.

GeoTIFF of 30 m (panchromatic 15 m) on the grid of USGS: pixel centres on multiples of 30 m in the northern zone of UTM
(negative northings in the south), the metadata as text and XML, the quality bands and the four angle bands (hundredths
of a degree, 0 as fill like the other bands; those of band 4, here of all). Scenes are terrain-corrected (L1TP): a pixel
lies where the map says.

What differs from a real scene: it is as large as the world (60 km at most) instead of 185 km; there are no angle
coefficients (``ANG.txt``); the clouds of ``QA_PIXEL`` come from a part of the producer's method
(:mod:`musyq_lab.twin.granules._clouds`). The satellites image the sunlit side: there is no scene of a night.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels.solar import sun_position, zenith_azimuth
from musyq_lab.sensors.landsat_oli import SPEC
from musyq_lab.twin.granules import _landsat_mtl as mtl
from musyq_lab.twin.granules._clouds import Marks, marks
from musyq_lab.twin.granules._map import Frame, frame_of, middle, seen, sunlit, track
from musyq_lab.twin.granules._raster import counts, write_tiff
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.instrument import Image, Instrument, Pixels
from musyq_lab.twin.orbit import Overpass, SunSynchronous

INSTRUMENT = Instrument(
    sensor="landsat_oli",
    platform="Landsat-8",
    variant="Landsat-8",
    orbit=SunSynchronous(
        # 705 km, 98.2 degrees, 233 orbits in 16 days, 185 km swath: Irons et al. 2012, doi 10.1016/j.rse.2011.08.026.
        altitude=705_000.0,
        inclination=98.2,
        descending=True,
        orbits=233,
        days=16,
        swath=92.5,
        # Path 1 of WRS-2 crosses the equator at 64.60 W (USGS); Landsat-8 flew it on 31 October 2020, and the time of
        # the centre of its row 62 (LC08_L1GT_001062_20201031, 14:31:47.8) less two rows of 23.92 s gives the node.
        epoch=datetime(2020, 10, 31),
        node=-64.6,
        node_time=10.21,
        # Landsat-9 follows half a cycle later: LC09_L1TP_029030_20240616.
        satellites=(("Landsat-8", 0.0), ("Landsat-9", 8.0)),
    ),
)

LIMIT = 60_000.0
"""Longest edge of a scene (m)."""
_FIRST = {"Landsat-8": datetime(2013, 4, 11), "Landsat-9": datetime(2021, 10, 31)}
"""First day of regular images."""
_ROW = 360 / 248  # degrees of the orbit; row 60 is the equator of the descending pass (WRS-2)
_PATH = 360 / 233
_SOLAR = ("coastal", "blue", "green", "red", "nir", "swir1", "swir2", "cirrus")
_NATIVE = {band.name: band.native for band in SPEC.bands_of("Landsat-8")}

# Point spread on the ground, full width at half maximum. OLI: assumed 1.1 samples (a Gaussian whose modulation is a
# third at half the sampling frequency; Knight and Kvaran 2014, doi 10.3390/rs61110286, show OLI better than its
# specification there). TIRS: samples of 100 m, widened alike.
_FOOTPRINT = {"30": 33.0, "15": 16.5, "thermal": 110.0}


def pixels(overpass: Overpass, grid: WorldGrid) -> tuple[Pixels, ...]:
    """Return the pixel centres of an overpass: reflective 30 m, panchromatic 15 m, thermal 30 m.

    Parameters
    ----------
    overpass
        Of Landsat-8 or -9.
    grid
        The world.

    Returns
    -------
    tuple of Pixels
        NaN outside the swath; empty at night, before the satellite's mission, and where the swath misses the world.
    """
    if overpass.time < _FIRST[overpass.platform] or not sunlit(overpass.time, *middle(grid)):
        return ()
    frame = frame_of(grid, 30.0, limit=LIMIT, offset=15.0, north_only=True)
    coarse, fine = seen(overpass, *frame.places(30.0)), seen(overpass, *frame.places(15.0, inset=7.5))
    if coarse is None or fine is None:
        return ()
    extra = {"frame": frame, "variant": overpass.platform}
    return (
        Pixels(_SOLAR, 30.0, *coarse, _FOOTPRINT["30"], extra=extra),
        Pixels(("pan",), 15.0, *fine, _FOOTPRINT["15"], extra=extra),
        Pixels(("tir1", "tir2"), 30.0, *coarse, _FOOTPRINT["thermal"], extra=extra),
    )


def write(overpass: Overpass, images: Sequence[Image], folder: Path) -> Path:
    """Write a scene.

    Parameters
    ----------
    overpass
        Of Landsat-8 or -9.
    images
        In the order of :func:`pixels`.
    folder
        Empty folder.

    Returns
    -------
    pathlib.Path
        The metadata text.
    """
    reflective, pan, thermal = images
    frame = reflective.pixels.extra["frame"]
    assert isinstance(frame, Frame)
    scene = _scene(overpass, frame)
    stored = {_NATIVE[n]: _reflected(v, reflective) for n, v in reflective.values.items()}
    stored |= {"8": _reflected(pan.values["pan"], pan)}
    for band, name, numbers in zip(mtl.THERMAL, ("tir1", "tir2"), mtl.CONSTANTS[scene.platform].thermal, strict=True):
        stored[band] = _emitted(thermal.values[name], *numbers)
    for band, data in stored.items():
        where = _inner(frame) if band == "8" else frame
        write_tiff(folder / f"{scene.name}_B{band}.TIF", data, where, 15 if band == "8" else 30, point=True, nodata=0)
    gone = np.isnan(reflective.values["green"])
    found = marks(reflective.values, thermal.values["tir1"])
    _layers(folder / scene.name, frame, reflective, stored, found, gone)
    scene = replace(
        scene,
        cloud_cover=100.0 * float(found.cloud.sum()) / max(int((~gone).sum()), 1),
        saturated={b: bool((stored[b] == mtl.GREATEST).any()) for b in mtl.SOLAR},
    )
    path = folder / f"{scene.name}_MTL.txt"
    for file, text in zip((path, path.with_suffix(".xml")), mtl.metadata(scene), strict=True):
        file.write_text(text, "ascii")
    return path


def _inner(frame: Frame) -> Frame:
    """Return the edges of the panchromatic pixels: their first centre is that of the first pixel of 30 m."""
    return Frame(frame.epsg, frame.left + 7.5, frame.top - 7.5, frame.width - 15, frame.height - 15)


def _scene(overpass: Overpass, frame: Frame) -> mtl.Scene:
    node, angle = track(overpass)
    path = round((-64.6 - node) / _PATH) % 233 + 1
    row = (round(60 + math.degrees(angle) / _ROW) - 1) % 248 + 1
    longitude, latitude = frame.centre
    zenith, azimuth = zenith_azimuth(np.datetime64(overpass.time), latitude, longitude)
    generated = datetime(overpass.time.year, overpass.time.month, overpass.time.day) + timedelta(days=14)
    number = overpass.platform[-1]
    return mtl.Scene(
        name=f"LC0{number}_L1TP_{path:03d}{row:03d}_{overpass.time:%Y%m%d}_{generated:%Y%m%d}_02_T1",
        platform=overpass.platform,
        path=path,
        row=row,
        time=overpass.time,
        generated=generated,
        frame=frame,
        sun_azimuth=float(azimuth),
        sun_elevation=90.0 - float(zenith),
        sun_distance=float(sun_position(np.datetime64(overpass.time)).distance),
        cloud_cover=0.0,
        saturated={},
    )


def _reflected(values: NDArray[np.float32], image: Image) -> NDArray[Any]:
    """Return counts of reflectance; the file holds it times the cosine of the Sun's zenith angle."""
    shade = np.cos(np.radians(image.sun_zenith, dtype=np.float32))
    return counts(values * shade, *mtl.REFLECTANCE, (1, mtl.GREATEST))


def _emitted(values: NDArray[np.float32], gain: float, offset: float, k1: float, k2: float) -> NDArray[Any]:
    radiance = k1 / np.expm1(k2 / values)
    return counts(radiance, gain, offset, (1, mtl.GREATEST))


def _layers(
    stem: Path, frame: Frame, image: Image, stored: dict[str, NDArray[Any]], found: Marks, gone: NDArray[np.bool_]
) -> None:
    """Write the quality and angle bands."""
    write_tiff(stem.with_name(f"{stem.name}_QA_PIXEL.TIF"), _quality(found, image.water, gone), frame, 30, point=True)
    saturation = np.zeros(gone.shape, np.uint16)
    for band in mtl.SOLAR:
        if band != "8":
            saturation |= (stored[band] == mtl.GREATEST).astype(np.uint16) << (int(band) - 1)
    write_tiff(stem.with_name(f"{stem.name}_QA_RADSAT.TIF"), saturation, frame, 30, point=True)
    angles = {"SZA": image.sun_zenith, "SAA": image.sun_azimuth, "VZA": image.view_zenith, "VAA": image.view_azimuth}
    for name, values in angles.items():
        degrees = np.where(gone, np.nan, (values + 180) % 360 - 180 if name[1] == "A" else values)
        data = counts(degrees, 0.01, 0.0, (-18000, 18000), dtype="int16")
        write_tiff(stem.with_name(f"{stem.name}_{name}.TIF"), data, frame, 30, point=True, nodata=0)


def _quality(found: Marks, water: NDArray[np.bool_], gone: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Return QA_PIXEL (USGS LSDS-1619, table 6-3): flags, and confidences of two bits, low where not high."""
    made = np.full(gone.shape, sum(1 << bit for bit in (8, 10, 12, 14)), np.uint16)
    made[~found.cloud] |= 1 << 6
    for flag, bits in ((found.cloud, (3, 9)), (found.cirrus, (2, 15)), (found.snow, (5, 13)), (water, (7,))):
        made[flag] |= sum(1 << bit for bit in bits)
    made[gone] = 1
    return made
