"""What the MODIS files hold besides bands: metadata, places and angles, and the table of scans.

L1B EV 1km, 500m and 250m File Specification V6.1.8, sections I and IV; MOD03 file specification V6.0.3 (names by satpy
and by the reader of this package; the text was not at hand). Left out: what no reader of images needs, such as the
quality lists of the 490 detectors and the attitude of the satellite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musyq_lab.twin.granules import _hdf4
from musyq_lab.twin.granules._eos_text import Object, clock, day, inventory, structure
from musyq_lab.twin.granules._hdf4 import Layer, Table
from musyq_lab.twin.granules._modis_bands import swath_dims
from musyq_lab.twin.granules._swath import Geolocation, Window
from musyq_lab.twin.instrument import Image

_LEAPS = (
    *(datetime(1993, 7, 1), datetime(1994, 7, 1), datetime(1996, 1, 1), datetime(1997, 7, 1), datetime(1999, 1, 1)),
    *(datetime(2006, 1, 1), datetime(2009, 1, 1), datetime(2012, 7, 1), datetime(2015, 7, 1), datetime(2017, 1, 1)),
)  # leap seconds since 1993: IERS Bulletin C
_RANGE_STEP = 25.0  # m
_VERSION = 61


@dataclass(frozen=True)
class File:
    """What all files of a granule say of themselves."""

    platform: str
    """Terra or Aqua."""
    start: datetime
    """First instant (UTC)."""
    end: datetime
    """Last instant (UTC)."""
    slot: datetime
    """Beginning of the five minutes it belongs to (UTC), for the names."""
    made: datetime
    """When it was produced (UTC)."""
    day: bool
    """Whether reflective bands were measured."""
    orbit: int
    """Number of the orbit."""
    distance: float
    """To the Sun (AU)."""

    @property
    def prefix(self) -> str:
        """Beginning of the names of its products."""
        return {"Terra": "MOD", "Aqua": "MYD"}[self.platform]

    def name(self, short: str) -> str:
        """Return the name of a file of a product."""
        return f"{short}.A{self.slot:%Y%j.%H%M}.{_VERSION:03d}.{self.made:%Y%j%H%M%S}.hdf"

    def texts(
        self,
        short: str,
        title: str,
        layers: Sequence[Layer],
        maps: Sequence[tuple[str, str, int, int]],
        place: Geolocation,
    ) -> dict[str, str]:
        """Return the metadata texts of a file of a product."""
        swath = "MODIS_Swath_Type_GEO" if short.endswith("03") else "MODIS_SWATH_Type_L1B"
        return {
            "HDFEOSVersion": "HDFEOS_V2.19",
            "StructMetadata.0": structure(swath, layers, maps),
            "CoreMetadata.0": self._core(short, place),
            "ArchiveMetadata.0": self._archive(title, place),
        }

    def _core(self, short: str, place: Geolocation) -> str:
        corners = (0, 0, -1, -1), (0, -1, -1, 0)
        ring = {n: tuple(float(v) for v in getattr(place, n)[corners]) for n in ("longitude", "latitude")}
        granule: list[Object] = [
            ("REPROCESSINGPLANNED", "further update is anticipated", 0),
            ("LOCALGRANULEID", self.name(short), 0),
            ("DAYNIGHTFLAG", "Day" if self.day else "Night", 0),
            ("PRODUCTIONDATETIME", f"{self.made:%Y-%m-%dT%H:%M:%S}.000Z", 0),
            ("LOCALVERSIONID", "6.1", 0),
        ]
        range_: list[Object] = [
            ("RANGEENDINGDATE", day(self.end), 0),
            ("RANGEENDINGTIME", clock(self.end), 0),
            ("RANGEBEGINNINGDATE", day(self.start), 0),
            ("RANGEBEGINNINGTIME", clock(self.start), 0),
        ]
        polygon: list[Object] = [
            ("GRINGPOINTLONGITUDE", ring["longitude"], 1),
            ("GRINGPOINTLATITUDE", ring["latitude"], 1),
            ("GRINGPOINTSEQUENCENO", (1.0, 2.0, 3.0, 4.0), 1),
            ("EXCLUSIONGRINGFLAG", "N", 1),
        ]
        carrier: list[Object] = [
            ("ASSOCIATEDSENSORSHORTNAME", "MODIS", 1),
            ("ASSOCIATEDPLATFORMSHORTNAME", self.platform, 1),
            ("ASSOCIATEDINSTRUMENTSHORTNAME", "MODIS", 1),
        ]
        groups: dict[str, Sequence[Object] | Mapping[str, Sequence[Object]]] = {
            "ECSDATAGRANULE": granule,
            "ORBITCALCULATEDSPATIALDOMAIN": {"ORBITCALCULATEDSPATIALDOMAINCONTAINER": [("ORBITNUMBER", self.orbit, 1)]},
            "COLLECTIONDESCRIPTIONCLASS": [("SHORTNAME", short, 0), ("VERSIONID", _VERSION, 0)],
            "SPATIALDOMAINCONTAINER": {"GPOLYGONCONTAINER": polygon},
            "RANGEDATETIME": range_,
            "PGEVERSIONCLASS": [("PGEVERSION", "6.1.0", 0)],
            "ASSOCIATEDPLATFORMINSTRUMENTSENSOR": {"ASSOCIATEDPLATFORMINSTRUMENTSENSORCONTAINER": carrier},
        }
        return inventory("INVENTORYMETADATA", groups)

    def _archive(self, title: str, place: Geolocation) -> str:
        west, east = _bounds(place.longitude)
        objects: list[Object] = [
            ("ALGORITHMPACKAGENAME", "MODIS Level 1B Algorithm Package", 0),
            ("INSTRUMENTNAME", "Moderate-Resolution Imaging SpectroRadiometer", 0),
            ("PROCESSINGCENTER", "MuSyQ Lab, simulated Earth", 0),
            ("EASTBOUNDINGCOORDINATE", east, 0),
            ("WESTBOUNDINGCOORDINATE", west, 0),
            ("NORTHBOUNDINGCOORDINATE", float(place.latitude.max()), 0),
            ("SOUTHBOUNDINGCOORDINATE", float(place.latitude.min()), 0),
            ("LONGNAME", title, 0),
        ]
        return inventory("ARCHIVEDMETADATA", {"SIMULATION": objects})


def _bounds(longitude: NDArray[np.float64]) -> tuple[float, float]:
    """Return western and eastern bound (deg); over the antimeridian the western one is larger, as in real granules."""
    low, high = float(longitude.min()), float(longitude.max())
    turned = longitude % 360
    if low < 0 < high and np.ptp(turned) < high - low:
        low, high = float(turned.min()), float(turned.max())
    return low, high - 360 if high > 180 else high


def image_attributes(file: File, window: Window, factor: int) -> dict[str, object]:
    """Return the global attributes of an image file (sections 1.3, 1.4 and 1.7), ``factor`` times as fine as 1 km."""
    lines, frames = swath_dims(factor)
    counts = {
        "Number of Scans": window.scans,
        "Number of Day mode scans": window.scans if file.day else 0,
        "Number of Night mode scans": 0 if file.day else window.scans,
        "Incomplete Scans": 0,
        "Max Earth View Frames": window.scanner.columns,
    }
    return {
        **{name: np.int32(value) for name, value in counts.items()},
        "Earth-Sun Distance": np.float32(file.distance),
        # Where the centre of a 1 km pixel lies among the finer ones: between lines, at a sample.
        f"HDFEOS_FractionalOffset_{lines.replace(':', '_')}": np.float32((factor - 1) / 2),
        f"HDFEOS_FractionalOffset_{frames.replace(':', '_')}": np.float32(0.0),
    }


def _degrees(name: str, values: NDArray[np.floating], dims: tuple[str, str]) -> Layer:
    bound = 90.0 if name == "Latitude" else 180.0
    attributes = {
        "units": "degrees",
        "valid_range": np.array([-bound, bound], np.float32),
        "_FillValue": np.float32(-999.0),
    }
    return Layer(name, values.astype(np.float32), dims, attributes, geo=True)


def place_layers(place: Geolocation) -> list[Layer]:
    """Return the positions of the 1 km pixels, as the files of 500 and 250 m hold them."""
    dims = swath_dims(1)
    return [_degrees("Latitude", place.latitude, dims), _degrees("Longitude", place.longitude, dims)]


def positions_5km(place: Geolocation, window: Window, image: Image) -> list[Layer]:
    """Return the positions and angles of every fifth pixel and line, as the file of 1 km holds them."""
    dims = ("2*nscans:MODIS_SWATH_Type_L1B", "1KM_geo_dim:MODIS_SWATH_Type_L1B")
    return [
        Layer(layer.name, layer.data[2::5, 2::5].copy(), dims, layer.attributes, layer.geo)
        for layer in _all(place, window, image, dims)
        if layer.name not in ("Land/SeaMask", "WaterPresent")
    ]


def _all(place: Geolocation, window: Window, image: Image, dims: tuple[str, str]) -> list[Layer]:
    """Return every layer of places and angles at 1 km."""
    made = [_degrees("Latitude", place.latitude, dims), _degrees("Longitude", place.longitude, dims)]
    known = np.isfinite(image.elevation)
    height = np.where(known, np.rint(np.nan_to_num(image.elevation)), -32767).astype(np.int16)
    attributes: dict[str, object] = {
        "units": "meters",
        "valid_range": np.array([-400, 10000], np.int16),
        "_FillValue": np.int16(-32767),
    }
    made.append(Layer("Height", window.pasted(height, -32767), dims, attributes))
    made += [_angle("SensorZenith", place.view_zenith, dims), _angle("SensorAzimuth", place.view_azimuth, dims)]
    attributes = {
        "units": "meters",
        "scale_factor": np.float64(_RANGE_STEP),
        "valid_range": np.array([27000, 65535], np.uint16),
        "_FillValue": np.uint16(0),
    }
    made.append(Layer("Range", np.rint(place.range / _RANGE_STEP).astype(np.uint16), dims, attributes))
    made += [_angle("SolarZenith", place.sun_zenith, dims), _angle("SolarAzimuth", place.sun_azimuth, dims)]
    # 1 land, 3 water inland, of whatever depth.
    mask = np.where(known, np.where(image.water, 3, 1), 221).astype(np.uint8)
    attributes = {"valid_range": np.array([0, 7], np.uint8), "_FillValue": np.uint8(221)}
    made.append(Layer("Land/SeaMask", window.pasted(mask, 221), dims, attributes))
    water = np.where(known, np.where(image.water, 100, 0), 255).astype(np.uint8)
    attributes = {"units": "percent", "valid_range": np.array([0, 100], np.uint8), "_FillValue": np.uint8(255)}
    made.append(Layer("WaterPresent", window.pasted(water, 255), dims, attributes))
    flags = np.zeros(place.latitude.shape, np.uint8)
    made.append(Layer("gflags", flags, dims, {"_FillValue": np.uint8(255)}))
    return made


def _angle(name: str, degrees: NDArray[np.floating], dims: tuple[str, str]) -> Layer:
    low = -18000 if name.endswith("Azimuth") else 0
    attributes = {
        "units": "degrees",
        "valid_range": np.array([low, 18000], np.int16),
        "_FillValue": np.int16(-32767),
        "scale_factor": np.float64(0.01),
    }
    return Layer(name, np.rint(degrees * 100).astype(np.int16), dims, attributes)


def geolocation_file(file: File, folder: Path, window: Window, image: Image, place: Geolocation) -> None:
    """Write the file of places and angles of the 1 km pixels."""
    dims = ("nscans*10:MODIS_Swath_Type_GEO", "mframes:MODIS_Swath_Type_GEO")
    scan = ("nscans:MODIS_Swath_Type_GEO",)
    seconds = {"units": "seconds", "valid_range": np.array([0.0, 1e30]), "_FillValue": np.float64(-2e9)}
    numbers = np.arange(1, window.scans + 1, dtype=np.int16)
    middle, begin = (_atomic(window.starts(column)) for column in (window.scanner.middle, 0))
    layers = [
        Layer("Scan number", numbers, scan, {"valid_range": np.array([1, 204], np.int16)}),
        Layer("EV frames", np.full(window.scans, window.scanner.columns, np.int16), scan),
        Layer("EV center time", middle, scan, seconds),
        Layer("EV start time", begin, scan, seconds),
        Layer("Mirror side", _mirror(window).astype(np.uint16), scan, {"valid_range": np.array([0, 1], np.uint16)}),
        *_all(place, window, image, dims),
    ]
    short = f"{file.prefix}03"
    title = f"MODIS/{file.platform} Geolocation Fields 5-Min L1A Swath 1km"
    attributes = {
        **file.texts(short, title, layers, [], place),
        "Number of Scans": np.int32(window.scans),
        "Number of Day mode scans": np.int32(window.scans if file.day else 0),
        "Max Earth Frames": np.int32(window.scanner.columns),
    }
    _hdf4.write(folder / file.name(short), attributes, layers, swath="MODIS_Swath_Type_GEO")


def swath_table(file: File, window: Window, place: Geolocation) -> Table:
    """Return the table of scans of an image file (section 1.6)."""
    line, column = slice(4, None, window.scanner.lines), window.scanner.columns // 2 - 1

    def nadir(layer: NDArray[np.float64]) -> NDArray[np.float32]:
        return layer[line, column].astype(np.float32)

    same = np.ones(window.scans, np.int32)
    return Table(
        "Level 1B Swath Metadata",
        {
            "Scan Number": np.arange(1, window.scans + 1, dtype=np.int32),
            "Complete Scan Flag": same,
            "Scan Type": np.array([b"D   " if file.day else b"N   "] * window.scans),
            "Mirror Side": _mirror(window).astype(np.int32),
            "EV Sector Start Time": _atomic(window.starts(0)),
            "EV_Frames": same * np.int32(window.scanner.columns),
            "Nadir_Frame_Number": same * np.int32(column + 1),
            "Latitude of Nadir Frame": nadir(place.latitude),
            "Longitude of Nadir Frame": nadir(place.longitude),
            "Solar Azimuth of Nadir Frame": nadir(place.sun_azimuth),
            "Solar Zenith of Nadir Frame": nadir(place.sun_zenith),
            "No. OBC BB thermistor outliers": same * np.int32(0),
            "Bit QA Flags": np.zeros(window.scans, np.uint32),
            "Sector Rotation Angle": np.zeros(window.scans, np.float32),
        },
    )


def _mirror(window: Window) -> NDArray[np.int_]:
    """Return which side of the mirror makes each scan: they take turns."""
    return np.asarray(np.arange(window.first, window.first + window.scans) % 2)


def _atomic(times: Sequence[datetime]) -> NDArray[np.float64]:
    """Return seconds of atomic time since 1993-01-01."""
    epoch = datetime(1993, 1, 1)
    return np.array([(t - epoch) / timedelta(seconds=1) + sum(t >= leap for leap in _LEAPS) for t in times])
