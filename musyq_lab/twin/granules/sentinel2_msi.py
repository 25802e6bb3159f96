"""Sentinel-2A and -2B MSI: Level-1C tiles in SAFE layout, cut to the world.

Thirteen lossless JPEG 2000 images of 10, 20 and 60 m on the grid of the mission (corners on multiples of 60 m from the
equator and from the false easting of the UTM zone), the metadata of product and tile with angles every 5 km, and the
cloud mask of 60 m. Processing baseline 05.00: counts are 10 000 x reflectance + 1000. Tiles are ortho-rectified: a
pixel lies where the map says.

What differs from a real tile: it is as large as the world (40 km at most) instead of 109.8 km, and named after the
square of the military grid that holds its middle; one detector sees all of it, so that view angles do not jump; bands
see it at once. There is no datastrip, manifest, preview or true-colour image, and of the masks that of clouds alone,
whose flags come from a part of another producer's method (:mod:`musyq_lab.twin.granules._clouds`). Readers that stretch
the angle grid over the whole tile instead of taking points 5 km apart (satpy) misplace the angles of a cut tile: here
the grid reaches up to 5 km beyond it, in real tiles 0.2 km. Instruments saturate below the largest count: not made.
No tile at night.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels.solar import sun_position
from musyq_lab.sensors.sentinel2_msi import SPEC
from musyq_lab.twin.granules import _sentinel2_xml as xml
from musyq_lab.twin.granules._clouds import Marks, marks
from musyq_lab.twin.granules._map import Frame, across, frame_of, middle, seen, sunlit, track
from musyq_lab.twin.granules._raster import block_mean, counts, write_jp2
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.instrument import Image, Instrument, Pixels
from musyq_lab.twin.orbit import SPHERE, Overpass, SunSynchronous

Floats = NDArray[np.float64]

INSTRUMENT = Instrument(
    sensor="sentinel2_msi",
    platform="Sentinel-2A",
    variant="Sentinel-2A",
    orbit=SunSynchronous(
        # 786 km, 98.62 degrees, 143 orbits in 10 days, 290 km swath: Drusch et al. 2012,
        # doi 10.1016/j.rse.2011.11.026. Node and time: the view angles (within 0.25 degree) and the Sun's azimuth
        # (within 0.02 degree) of S2A_MSIL1C_20180629T000241_N0206_R030_T56JMM; nominal is 10:30.
        altitude=786_130.0,
        inclination=98.62,
        descending=True,
        orbits=143,
        days=10,
        swath=145.0,
        epoch=datetime(2018, 6, 28),
        node=158.40,
        node_time=10.55,
        # Sentinel-2B flies half a cycle later: its orbit 18789 of 11 October 2020 is relative orbit 30 too.
        satellites=(("Sentinel-2A", 0.0), ("Sentinel-2B", 5.0)),
    ),
)

LIMIT = 40_020.0
"""Longest edge of a tile (m)."""

_RELATIVE = 30  # of the node above
# Orbit since launch at the epoch of each satellite: tiles A015757 (29 June 2018) and A018789 (11 October 2020, 83
# cycles after its epoch) of Sentinel-2A and -2B.
_SINCE_LAUNCH = {"Sentinel-2A": 15757, "Sentinel-2B": 18789 - 83 * 143}
_DETECTORS = 12

# Point spread on the ground, full width at half maximum, in samples: a Gaussian whose modulation at half the sampling
# frequency is 0.25 (required: 0.15 to 0.30) or 0.45 at 60 m (required: below 0.45); Sentinel-2 mission requirements
# as quoted by the MSI data quality reports, assumed alike for all bands.
_SPREAD = {10: 1.25, 20: 1.25, 60: 0.95}


def pixels(overpass: Overpass, grid: WorldGrid) -> tuple[Pixels, ...]:
    """Return the pixel centres of an overpass at 10, 20 and 60 m.

    Parameters
    ----------
    overpass
        Of Sentinel-2A or -2B.
    grid
        The world.

    Returns
    -------
    tuple of Pixels
        NaN outside the swath; empty at night and where the swath misses the world.
    """
    if not sunlit(overpass.time, *middle(grid)):
        return ()
    frame = frame_of(grid, 60.0, limit=LIMIT)
    extra = {"frame": frame, "variant": overpass.platform}
    made = []
    for resolution, spread in _SPREAD.items():
        places = seen(overpass, *frame.places(resolution))
        if places is None:
            return ()
        names = tuple(b.name for b in SPEC.bands_of(overpass.platform) if b.resolution == resolution)
        made.append(Pixels(names, float(resolution), *places, spread * resolution, extra=extra))
    return tuple(made)


def write(overpass: Overpass, images: Sequence[Image], folder: Path) -> Path:
    """Write a tile.

    Parameters
    ----------
    overpass
        Of Sentinel-2A or -2B.
    images
        In the order of :func:`pixels`.
    folder
        Empty folder.

    Returns
    -------
    pathlib.Path
        The SAFE folder.
    """
    coarse = images[-1]
    frame = coarse.pixels.extra["frame"]
    assert isinstance(frame, Frame)
    gone = np.isnan(coarse.values["cirrus"])
    found = _found(images)
    tile = _tile(overpass, frame, coarse, found, gone)
    safe = folder / f"{tile.name}.SAFE"
    _write_bands(safe, tile, images)
    classes = np.stack([found.cloud, found.cirrus, found.snow]).astype(np.uint8)
    classes[:, gone] = 0
    mask = f"{tile.granule}/QI_DATA/MSK_CLASSI_B00.jp2"
    write_jp2(safe / mask, classes, frame, 60)
    (safe / tile.granule / "MTD_TL.xml").write_text(xml.tile_xml(tile, {"MSK_CLASSI": mask}), "utf-8")
    (safe / "MTD_MSIL1C.xml").write_text(xml.product_xml(tile), "utf-8")
    return safe


def _write_bands(safe: Path, tile: xml.Tile, images: Sequence[Image]) -> None:
    native = {b.name: b.native for b in SPEC.bands_of(tile.platform)}
    gain, offset = 1 / xml.QUANTIFICATION, xml.OFFSET / xml.QUANTIFICATION

    def one(task: tuple[str, NDArray[np.float32], float]) -> None:
        name, values, resolution = task
        data = counts(values, gain, offset, (xml.NO_DATA + 1, xml.SATURATED), fill=xml.NO_DATA)
        write_jp2(safe / f"{tile.image(native[name])}.jp2", data, tile.frame, resolution)

    tasks = [(name, values, i.pixels.resolution) for i in images for name, values in i.values.items()]
    (safe / tile.image("B01")).parent.mkdir(parents=True)
    with ThreadPoolExecutor(2) as pool:  # a file each: bytes do not depend on it
        list(pool.map(one, tasks))


def _found(images: Sequence[Image]) -> Marks:
    """Return clouds and snow on the grid of 60 m."""
    names = ("blue", "green", "red", "nir", "swir1", "swir2", "cirrus")
    values: dict[str, NDArray[np.float32]] = {}
    for image in images:
        factor = round(60 / image.pixels.resolution)
        values |= {n: block_mean(v, factor) for n, v in image.values.items() if n in names}
    return marks(values)


def _tile(overpass: Overpass, frame: Frame, image: Image, found: Marks, gone: NDArray[np.bool_]) -> xml.Tile:
    orbit = overpass.orbit
    assert isinstance(orbit, SunSynchronous)
    node, angle = track(overpass)
    relative = round((orbit.node - node) % 360 * orbit.orbits / 360) % orbit.orbits
    # Nodes of neighbouring numbers lie `days` steps of the comb apart, so that the number follows from the place.
    number = next(k for k in range(orbit.orbits) if k * orbit.days % orbit.orbits == relative)
    flown = overpass.time - timedelta(seconds=angle * orbit.period / (2 * math.pi))
    shift = dict(orbit.satellites).get(overpass.platform, 0.0)
    epoch = orbit.epoch + timedelta(days=shift, hours=(orbit.node_time - orbit.node / 15) % 24)
    since = _SINCE_LAUNCH.get(overpass.platform, 0) + round((flown - epoch).total_seconds() / orbit.period)
    place = tuple(map(np.array, frame.centre))
    detector = int(_DETECTORS * (0.5 - float(across(overpass, *place)) * SPHERE / 1000 / (2 * orbit.swath)))
    valid = max(int((~gone).sum()), 1)
    return xml.Tile(
        platform=overpass.platform,
        time=overpass.time,
        generated=(overpass.time + timedelta(hours=2)).replace(microsecond=0),
        relative_orbit=(number + _RELATIVE - 1) % orbit.orbits + 1,
        orbit=since,
        square=square(frame),
        frame=frame,
        detector=min(max(detector, 0), _DETECTORS - 1) + 1,  # numbered from west to east
        distance_factor=float(sun_position(np.datetime64(overpass.time)).distance) ** -2,
        sun=_nodes(image.sun_zenith, image.sun_azimuth, frame),
        view=_nodes(image.view_zenith, image.view_azimuth, frame),
        cloudy=100.0 * float(((found.cloud | found.cirrus) & ~gone).sum()) / valid,
        missing=100.0 * float(gone.mean()),
    )


_COLUMNS = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
_ROWS = "ABCDEFGHJKLMNPQRSTUV"
_BANDS = "CDEFGHJKLMNPQRSTUVWX"


def square(frame: Frame) -> str:
    """Return the name of the 100 km square of the military grid (MGRS) that holds the middle of a frame."""
    east, north = frame.left + frame.width / 2, frame.top - frame.height / 2
    column = _COLUMNS[(frame.zone - 1) % 3][int(east // 100_000) - 1]
    row = _ROWS[(int(north // 100_000) + (5 if frame.zone % 2 == 0 else 0)) % 20]
    band = _BANDS[min(max(int((frame.centre[1] + 80) // 8), 0), 19)]
    return f"{frame.zone:02d}{band}{column}{row}"


def _nodes(zenith: NDArray[Any], azimuth: NDArray[Any], frame: Frame) -> tuple[Floats, Floats]:
    """Return angles at points every 5 km from the corner to beyond the far edges, from those of the pixels of 60 m.

    The direction (tan z sin a, tan z cos a) is a surface of second order in map coordinates, fitted to the pixels: over
    40 km it follows the angles to some 1e-4 degree, also in the few km beyond the edge.
    """
    rows, columns = (math.ceil(size / xml.STEP) + 1 for size in (frame.height, frame.width))
    step = max(1, max(zenith.shape) // 32)
    down, right = np.meshgrid(*(np.arange(0, size, step) for size in zenith.shape), indexing="ij")
    z, a = (np.radians(part[::step, ::step].astype(np.float64)) for part in (zenith, azimuth))
    known = np.isfinite(z) & np.isfinite(a)
    design = _terms((right[known] + 0.5) * 60 / xml.STEP, (down[known] + 0.5) * 60 / xml.STEP)
    slant = np.tan(z[known])
    goal = np.stack([slant * np.sin(a[known]), slant * np.cos(a[known])], axis=1)
    fitted = np.linalg.lstsq(design, goal, rcond=None)[0]
    south, east = np.meshgrid(np.arange(rows, dtype=np.float64), np.arange(columns, dtype=np.float64), indexing="ij")
    x, y = np.moveaxis(_terms(east, south) @ fitted, -1, 0)
    return np.degrees(np.arctan(np.hypot(x, y))), np.degrees(np.arctan2(x, y)) % 360


def _terms(x: Floats, y: Floats) -> Floats:
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
