"""What the scenes of GF-1, GF-6 and HJ-1 share: GeoTIFF images beside the producer's XML.

A scene is in sensor geometry with rational polynomials (L1A, L1B: no CRS, approximate longitude and latitude) or on a
map (L2A and orthorectified: with a CRS).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import xarray as xr

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration
from musyq_lab.files.raster import count, open_band
from musyq_lab.sensors import _gaofen_xml as xml
from musyq_lab.sensors._calibrate import Counts, Illumination, Linear
from musyq_lab.sensors._gaofen_files import ENDINGS, PLACE, Layout, images_of, metadata_file
from musyq_lab.sensors._gaofen_gains import Gains, check_plausible, published, years
from musyq_lab.sensors._gaofen_place import by_corners, by_rpc, read_rpb
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._grids import on_one_grid
from musyq_lab.sensors._scene import Acquisition, assemble
from musyq_lab.sensors._time import sun_distance

__all__ = ["ENDINGS", "PLACE", "Layout", "open_scene"]


def open_scene(granule: Granule, layout: Layout, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a scene: bands, Sun and view angles of its middle, and where it is.

    Parameters
    ----------
    granule : Granule
        Images and XML.
    layout : Layout
        How they are laid out.
    resolution : float
        Grid to open (m).
    calibration : {"counts", "radiance", "reflectance"}
        What to make.
    """
    images = images_of(granule, layout, resolution)
    metadata = xml.read(metadata_file(granule, images), layout.dialect)
    platform, camera = _who(granule, layout, metadata)
    bands = _bands(granule, platform, camera, resolution)
    place = _middle(granule, metadata)
    when = xml.moment(metadata, place[1])
    _check_same_scene(granule, metadata, when.centre)
    sun = xml.sun(metadata, when.centre, *place)
    if calibration == "reflectance" and sun.contradiction:
        raise SceneError(f'{sun.contradiction}. Check the file, or open it with calibration="radiance".')
    largest = _largest(metadata, layout.largest.get(platform, math.inf))
    gains = (
        Gains({}, {})
        if calibration == "counts"
        else _gains(layout, metadata, bands, (platform, camera, when.centre.year), largest)
    )
    counts, left_out = on_one_grid(_counts(granule, layout, images, bands, gains, largest, resolution))
    view, view_note = xml.view(metadata) if layout.dialect is xml.GAOFEN else ({}, "not given")
    longitude, latitude, located = _place(metadata, images, counts[0].data)
    missing = dict.fromkeys([b.name for b in bands if b not in {c.band for c in counts}] + left_out)
    notes = {
        "camera": camera,
        "time_note": when.note,
        "sun_angle_note": sun.note,
        "view_angle_note": view_note,
        "geolocation": located,
        **gains.attributes,
        **({"bands_missing": ", ".join(missing)} if missing else {}),
    }
    return assemble(
        granule,
        Acquisition(platform, when.start, when.end, metadata.text("productlevel") or "L1", notes),
        counts,
        calibration=calibration,
        sun=Illumination(sun.zenith, sun_distance(when.centre)),
        angles={**({} if sun.contradiction else {"sun_zenith": sun.zenith, "sun_azimuth": sun.azimuth}), **view},
        longitude=longitude,
        latitude=latitude,
    )


def _identifier(text: str) -> str:
    """Return a satellite's name as specs write it: GF1, GF-1A and hj1a become GF-1 and HJ-1A."""
    name = re.sub(r"[^A-Z0-9]", "", text.upper())
    name = re.sub(r"^(GF|HJ)(\d)", r"\1-\2", name)
    return "GF-1" if name == "GF-1A" else name


def _who(granule: Granule, layout: Layout, metadata: xml.Metadata) -> tuple[str, str]:
    """Return platform and camera, which the name and the XML must agree on."""
    satellite, camera = metadata.text("satelliteid"), metadata.text("sensorid").upper()
    platform = _identifier(satellite)
    if platform not in granule.sensor.platforms or not re.fullmatch(layout.cameras, camera):
        raise SceneError(
            f"{metadata.path} is of {satellite} {camera}, not of {granule.sensor.title}. Leave sensor= out, or put the "
            "scene's own metadata beside it."
        )
    named = re.match(r"(GF1[A-D]?|GF6|HJ1[AB])[-_]([A-Z]+\d?)[-_]", granule.name, re.IGNORECASE)
    if named and (_identifier(named[1]), named[2].upper()) != (platform, camera):
        raise SceneError(
            f"{metadata.path} is of {satellite} {camera}, but the scene is called {granule.name}. Put the scene's own "
            "metadata beside it."
        )
    return platform, camera


def _bands(granule: Granule, platform: str, camera: str, resolution: float) -> list[Band]:
    spec = granule.sensor
    variant = next((v for v in (camera, platform) if v in spec.variants), "")
    return [b for b in spec.bands_of(variant) if b.resolution == resolution]


def _middle(granule: Granule, metadata: xml.Metadata) -> tuple[float, float]:
    """Return latitude and longitude of the middle, from the corners, else from the name."""
    if (middle := metadata.middle()) is not None:
        return middle
    if (named := _named_place(granule)) is not None:
        return named
    raise SceneError(f"{metadata.path} lacks the corners of the scene, and its name does not tell where it is.")


def _named_place(granule: Granule) -> tuple[float, float] | None:
    found = re.search(r"_([EW])(\d+(?:\.\d+)?)_([NS])(\d+(?:\.\d+)?)_", granule.name, re.IGNORECASE)
    if not found:
        return None
    east = float(found[2]) * (1 if found[1].upper() == "E" else -1)
    return float(found[4]) * (1 if found[3].upper() == "N" else -1), east


def _near(a: tuple[float, float], b: tuple[float, float], degrees: float) -> bool:
    """Whether two places (latitude, longitude) are near one another, in degrees of latitude."""
    across = abs((a[1] - b[1] + 180) % 360 - 180) * math.cos(math.radians(b[0]))
    return max(abs(a[0] - b[0]), across) <= degrees


def _check_same_scene(granule: Granule, metadata: xml.Metadata, when: datetime) -> None:
    """Refuse metadata of another scene: date, place or path and row contradict the name."""
    differences = []
    if date := re.search(r"[-_](20\d{6})[-_]", granule.name):
        try:
            day = datetime.strptime(date[1], "%Y%m%d")  # of Beijing or of UTC
        except ValueError:
            raise SceneError(f"{granule.path}: {date[1]} in its name is no date.") from None
        if abs(when - day - timedelta(hours=12)) > timedelta(hours=36):
            differences.append(f"time {when:%Y-%m-%d}")
    named, middle = _named_place(granule), metadata.middle()
    if named and middle and not _near(named, middle, 1.0):
        differences.append(f"middle {middle[1]:.2f} E, {middle[0]:.2f} N")
    frame = re.match(r"HJ1[AB]-[A-Z]+\d?-(\d+)-(\d+)-", granule.name, re.IGNORECASE)
    for number, field in zip(frame.groups() if frame else (), ("scenepath", "scenerow"), strict=False):
        stated = metadata.number(field)
        if math.isfinite(stated) and int(number) != int(stated):
            differences.append(f"{field} {stated:g}")
    if differences:
        raise SceneError(
            f"{metadata.path} is of another scene than {granule.name}: it says {', '.join(differences)}. Put the "
            "scene's own metadata beside it."
        )


def _largest(metadata: xml.Metadata, otherwise: float) -> float:
    bits = metadata.number("validpixelbits")
    return float(2 ** int(bits) - 1) if bits in range(6, 17) else otherwise


def _gains(
    layout: Layout, metadata: xml.Metadata, bands: Sequence[Band], who: tuple[str, str, int], largest: float
) -> Gains:
    """Return the calibration that the XML carries, else the published one."""
    platform, camera, year = who
    natives = [b.native for b in bands]
    table = None
    if layout.table:
        state = xml.gain_state(metadata)
        table = published(
            layout.table, platform, camera, year, natives, gain_state=state, other_years=layout.other_years
        )
    if lines := _stated(metadata, bands, layout):
        for band in bands:
            check_plausible(str(metadata.path), band, lines[band.native], largest)
        return Gains(lines, _stated_attributes(metadata, lines, year, table, largest))
    if table is None:
        known = f"known for {years(layout.table, platform, camera)} only" if layout.table else "not known"
        raise SceneError(
            f"{metadata.path} carries no calibration, and published coefficients of {platform} {camera} are {known}, "
            f'so that {year} has none. Open it with calibration="counts".'
        )
    return table


def _stated(metadata: xml.Metadata, bands: Sequence[Band], layout: Layout) -> dict[str, Linear]:
    """Return what the XML states for the bands, by native name; empty where it does not state all of them."""
    stated = xml.stated_gains(metadata)
    numbers = [b.native if b.native.isdigit() else str(i) for i, b in enumerate(bands, 1)]
    if layout.dialect is xml.GAOFEN and len(stated) != len(bands):
        return {}  # gains without names: of another image of the scene
    if not all(n in stated for n in numbers):
        return {}
    return {b.native: stated[n] for b, n in zip(bands, numbers, strict=True)}


def _stated_attributes(
    metadata: xml.Metadata, lines: Mapping[str, Linear], year: int, table: Gains | None, largest: float
) -> dict[str, Any]:
    kind = re.search(r"\((gain[^,]*,[^,]*),", metadata.text("abscalibtype"), re.IGNORECASE)
    notes = [f"the metadata call it {kind[1]}"] if kind else []
    if table is not None:
        half = largest / 2 if math.isfinite(largest) else 500.0
        ratios = [(lines[n].gain * half + lines[n].offset) / (t.gain * half + t.offset) for n, t in table.lines.items()]
        notes.append(
            f"it gives {min(ratios):.2f} to {max(ratios):.2f} times the radiance of the published coefficients of "
            f"{table.attributes['calibration_year']}"
        )
    return {
        "calibration_source": f"metadata of the scene ({metadata.path.name})",
        "calibration_year": year,
        "calibration_status": "stated",
        **({"calibration_note": ". ".join(notes)} if notes else {}),
    }


def _counts(
    granule: Granule,
    layout: Layout,
    images: Mapping[str, Path],
    bands: Sequence[Band],
    gains: Gains,
    largest: float,
    resolution: float,
) -> list[Counts]:
    per_band = layout.per_band(resolution)
    for path in images.values():
        expected = 1 if per_band else len(bands)
        if (have := count(path)) != expected:
            raise SceneError(
                f"{path} has {have} bands, but an image of {granule.sensor.title} at {resolution:g} m has {expected}. "
                "It is of another kind, or was stacked or cut."
            )
    found = []
    for position, band in enumerate(bands, 1):
        file = images.get(band.native if per_band else "")
        if file is None:
            continue
        data = open_band(file, 1 if per_band else position)
        if data.dtype.kind not in "ui":
            raise SceneError(f"{file} holds {data.dtype} values, not counts. It was calibrated already: see its maker.")
        found.append(Counts(band, data, fills=(0.0,), saturation=largest, radiance=gains.lines.get(band.native)))
    return found


def _place(
    metadata: xml.Metadata, images: Mapping[str, Path], data: xr.DataArray
) -> tuple[xr.DataArray | None, xr.DataArray | None, str]:
    """Return longitude and latitude of an image without CRS, and in words how they were found."""
    if data.rio.crs is not None:
        return None, None, "on the map of the image's CRS"
    image = next(iter(images.values()))
    whole = _check_size(metadata, image, data.shape)
    beside = {path.name.lower(): path for path in image.parent.iterdir()}
    shape, chunks = (int(data.shape[0]), int(data.shape[1])), data.data.chunksize
    if rpb := beside.get(f"{image.stem}.rpb".lower()):
        rpc, middle = read_rpb(rpb), metadata.middle()
        if middle and not _near((float(rpc.offset[2]), float(rpc.offset[3])), middle, 5.0):  # a part is off the middle
            raise SceneError(f"{rpb} is of another place than {metadata.path}. Put the scene's own file beside it.")
        note = f"approximate: rational polynomials at the mean height of {rpc.offset[4]:g} m, terrain not considered"
        return *by_rpc(rpc, shape, chunks, rpb), note
    corners = metadata.corners()
    if corners is None or not whole:
        return None, None, "none: rational polynomials (.rpb) are missing"
    note = "approximate: bilinear between the corners (no .rpb), some 10 km off inside the outer WFV cameras"
    return *by_corners(corners, shape, chunks, metadata.path), note


def _check_size(metadata: xml.Metadata, image: Path, shape: Sequence[int]) -> bool:
    """Refuse metadata of an image of another size; return whether the image is all of the scene."""
    stated = (metadata.number("heightinpixels"), metadata.number("widthinpixels"))
    part = re.search(r"-[1-9]$", image.stem) is not None
    if part or not all(map(math.isfinite, stated)):
        return not part
    if tuple(map(int, stated)) != tuple(shape):
        raise SceneError(
            f"{metadata.path} describes an image of {stated[0]:g} x {stated[1]:g} pixels, but {image} has {shape[0]} x "
            f"{shape[1]}. They do not belong together, or the image was cut."
        )
    return True
