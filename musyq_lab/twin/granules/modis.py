"""MODIS on Terra and Aqua: Level 1B of 1 km, 500 m and 250 m (HDF4) with its geolocation file, of collection 6.1.

A granule is a short one: the scans that see the world, all 1354 frames of them, fill values where the world does not
reach. Its name carries the five minutes it belongs to, its metadata the true beginning and end. A world of cells wider
than a fine pixel gets no fine image. By night (the Sun below the horizon in the whole view) there are thermal bands
alone, in the file of 1 km, as in real granules. Bands 8 to 16, for the sea, are all fill values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from musyq_lab.sensors._time import sun_distance
from musyq_lab.sensors.modis import SPEC
from musyq_lab.twin.granules import _hdf4, _modis_bands
from musyq_lab.twin.granules._hdf4 import Layer
from musyq_lab.twin.granules._modis_files import File, image_attributes, place_layers, positions_5km, swath_table
from musyq_lab.twin.granules._modis_files import geolocation_file as write_geolocation
from musyq_lab.twin.granules._swath import Scanner, Window, covering, footprint, geolocation, window_of
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.instrument import Image, Instrument, Pixels
from musyq_lab.twin.orbit import Overpass, SunSynchronous

# 705 km, 98.2 deg, 233 orbits in 16 days, the grid of paths of Landsat (WRS-2); 10:30 descending and 13:30 ascending:
# MODIS specifications, modis.gsfc.nasa.gov/about/specifications.php; swath 2330 km. Terra follows Landsat 7's paths of
# the same day, eight days after Landsat 8's: path 16 (node at 64.6 + 15 x 360 / 233 deg west) on 2017-08-21, since
# Landsat 8 saw path 16 row 37 on 2017-08-13. The phase of Aqua is not verified.
_WRS_PATH_16 = -64.6 - 15 * 360 / 233

TERRA = SunSynchronous(
    altitude=705e3,
    inclination=98.2,
    node_time=10.5,
    descending=True,
    orbits=233,
    days=16,
    swath=1165.0,
    epoch=datetime(2017, 8, 21),
    node=_WRS_PATH_16,
)
"""The orbit of Terra."""
_AQUA = SunSynchronous(
    altitude=705e3,
    inclination=98.2,
    node_time=13.5,
    descending=False,
    orbits=233,
    days=16,
    swath=1165.0,
    epoch=datetime(2017, 8, 21),
    node=_WRS_PATH_16,
)

_NATIVES = (*(str(n) for n in range(1, 8)), *(str(n) for n in range(17, 37)))


def _roles(platform: str, metres: int) -> dict[str, str]:
    """Return native name -> role of the simulated bands of a grid, in the order of the sensor."""
    bands = SPEC.bands_of(platform)
    return {b.native: b.name for b in bands if b.resolution == metres and b.native in _NATIVES}


INSTRUMENT = Instrument("modis", "Terra", TERRA, "Terra", tuple(_roles("Terra", 1000).values()))
"""MODIS on Terra."""
AQUA = Instrument("modis", "Aqua", _AQUA, "Aqua", tuple(_roles("Aqua", 1000).values()))
"""MODIS on Aqua; this module writes both."""

# 1354 frames of 1 km at 705 km and 333.333 us apart, +-55 deg; a double-sided mirror at 20.3 turns a minute: Wolfe et
# al. 2002 (module _swath); samples of 500 and 250 m begin at the frame's centre: Nishihama et al. 1997, MODIS Level 1A
# Earth Location ATBD V3.0.
SCANNER = Scanner(
    lines=10,
    columns=1354,
    step=1.0 / 705.0,
    field=1.0 / 705.0,
    period=60.0 / 20.3 / 2,
    dwell=333.333e-6,
    centred=False,
)
"""How MODIS scans, on the grid of 1 km."""

_KINDS = {1000: "021KM", 500: "02HKM", 250: "02QKM"}
_TITLES = {1000: "1km", 500: "500m", 250: "250m"}


def pixels(overpass: Overpass, grid: WorldGrid) -> tuple[Pixels, ...]:
    """Return the pixels of 1 km, 500 m and 250 m in view of the world; none where the swath misses it.

    Parameters
    ----------
    overpass
        Of Terra or Aqua.
    grid
        The world; pixels narrower than half a cell are left out.
    """
    window = covering(overpass, SCANNER, grid)
    if window is None:
        return ()
    made = []
    for metres in _KINDS:
        if metres < 1000 and metres < grid.metres / 2:
            continue
        longitude, latitude = window.positions(1000 // metres)
        bands = tuple(_roles(overpass.platform, metres).values())
        width = footprint(overpass, SCANNER, grid, metres)
        made.append(Pixels(bands, float(metres), longitude, latitude, width, extra={"window": window}))
    return tuple(made)


def write(overpass: Overpass, images: Sequence[Image], folder: Path) -> Path:
    """Write the image files and the geolocation file of a granule; return the image file of 1 km.

    Parameters
    ----------
    overpass
        Of Terra or Aqua.
    images
        In the order of ``pixels``.
    folder
        Existing and empty.
    """
    window = window_of(images)
    file = _file(overpass, window, day=any(bool((image.sun_zenith < 90).any()) for image in images))
    place = geolocation(window, images[0])
    write_geolocation(file, folder, window, images[0], place)
    made = {}
    for image in images:
        metres = round(image.pixels.resolution)
        if not file.day and metres != 1000:
            continue
        layers = _band_layers(file, image, window, metres)
        if metres == 1000:
            layers = [*positions_5km(place, window, images[0]), *layers]
            maps = [("2*nscans", "10*nscans", 2, 5), ("1KM_geo_dim", "Max_EV_frames", 2, 5)]
        else:
            layers = [*place_layers(place), *layers]
            # Two samples of 500 m to a place: lines half a sample before it, columns at it.
            factor = 1000 // metres
            maps = [
                ("10*nscans", f"{10 * factor}*nscans", 0, factor),
                ("Max_EV_frames", f"{factor}*Max_EV_frames", 0, factor),
            ]
        short = f"{file.prefix}{_KINDS[metres]}"
        title = f"MODIS/{overpass.platform} Calibrated Radiances 5-Min L1B Swath {_TITLES[metres]}"
        made[metres] = folder / file.name(short)
        _hdf4.write(
            made[metres],
            {**file.texts(short, title, layers, maps, place), **image_attributes(file, window, 1000 // metres)},
            layers,
            swath="MODIS_SWATH_Type_L1B",
            tables=[swath_table(file, window, place)],
        )
    return made[1000]


def _file(overpass: Overpass, window: Window, *, day: bool) -> File:
    start = window.starts(0)[0]
    slot = start.replace(minute=start.minute // 5 * 5, second=0, microsecond=0)
    return File(
        platform=overpass.platform,
        start=start,
        end=window.end,
        slot=slot,
        # Collection 6.1 follows a day later; the files of a granule share the instant.
        made=slot + timedelta(days=1, hours=2),
        day=day,
        orbit=_orbit_number(overpass.details),
        distance=sun_distance(start),
    )


def _orbit_number(details: Mapping[str, object]) -> int:
    number = details.get("orbit_number", 0)
    return number if isinstance(number, int) else 0


def _band_layers(file: File, image: Image, window: Window, metres: int) -> list[Layer]:
    roles = _roles(file.platform, metres)
    made: list[Layer] = []
    for dataset in _modis_bands.DATASETS[metres]:
        if not file.day and not dataset.emissive:
            continue
        layers = _modis_bands.layers(dataset, image, window, roles, file.distance, file.platform)
        made += [*layers, _modis_bands.band_centres(dataset)]
        if dataset.name == "EV_1KM_RefSB":
            place = dataset.natives.index("26")
            made += _modis_bands.cirrus(layers[0].data[place], layers[1].data[place], file.distance)
    if metres == 1000 and not file.day:
        shape = (image.sun_zenith.shape[0], SCANNER.columns)
        empty = np.full(shape, _modis_bands.FILL, np.uint16)
        made += _modis_bands.cirrus(empty, np.full(shape, 255, np.uint8), file.distance)
    return made
