"""The records of Metop's AVHRR/3 Level 1B in EUMETSAT's EPS native format.

Layout: EUMETSAT, AVHRR/3 Level 1B Product Format Specification, EPS.MIS.SPE.97231 (and the generic one,
EPS.GGS.SPE.96167): records with a header of 20 bytes, numbers big-endian.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration
from musyq_lab.sensors._avhrr import (
    Direction,
    Floats,
    Records,
    Scan,
    ThermalBand,
    constants,
    directions,
    on_sphere,
    physical,
)
from musyq_lab.sensors._calibrate import Counts
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._scene import Acquisition, Rule, assemble, quality
from musyq_lab.sensors._time import sun_distance

PLATFORMS = {"M02": "Metop-A", "M01": "Metop-B", "M03": "Metop-C"}
"""Identifier in the main header -> satellite."""

COLUMNS = 2048
# First, every 20th from the fifth, and last sample of a line (Product Guide, appendix G.5).
TIES = (0.0, *(4.0 + 20.0 * i for i in range(103)), 2047.0)
_HEADER = np.dtype(
    [("class", "u1"), ("group", "u1"), ("subclass", "u1"), ("version", "u1"), ("size", ">u4"), ("times", "V12")]
)
_MPHR, _SPHR, _GIADR, _MDR = 1, 2, 5, 8
_RECORD_SIZE = 26660
_RECORD = np.dtype(
    {
        "names": [
            *("degraded", "views", "radiance", "angles_first", "angles_last", "place_first", "place_last", "points"),
            *("angles", "places", "quality", "clouds", "frame"),
        ],
        "formats": [
            *(("u1", 2), ">i2", (">i2", (5, COLUMNS)), (">i2", 4), (">i2", 4), (">i4", 2), (">i4", 2), ">i2"),
            *((">i2", (103, 4)), (">i4", (103, 2)), ">u4", (">u2", COLUMNS), ">u4"),
        ],
        "offsets": [20 + at for at in (0, 2, 4, 20502, 20510, 20518, 20526, 20534, 20536, 21360, 22184, 22452, 26560)],
        "itemsize": _RECORD_SIZE,
    }
)
_CONSTANTS = np.dtype(
    {
        "names": ["solar", "thermal"],
        "formats": [(">i2", (3, 2)), (">i4", (3, 3))],
        "offsets": [20 + 62, 20 + 74],
        "itemsize": 20 + 110,
    }
)

_CHANNEL = {"1": 0, "2": 1, "3a": 2, "3b": 2, "4": 3, "5": 4}
_SCALE = {"1": 1e-2, "2": 1e-2, "3a": 1e-4, "3b": 1e-4, "4": 1e-2, "5": 1e-2}
_FILL = -32768
_THREE_A = 1 << 16  # frame indicator: input of channel 3
_FATAL, _NO_PLACE = np.uint32(1 << 31), np.uint32(1 << 27)
_DOUBTFUL = np.uint32(1 << 30 | 1 << 28)  # time sequence error, insufficient data for calibration
_CLOUDY = np.uint16(0b1010_1010_1010_0000)  # the first bit of each of six pairs: cloudy (or snow) by that test
RULES = (Rule("no_data", 0), Rule("low_quality", 1), Rule("cloud_possible", 2))


@dataclass(frozen=True, slots=True)
class Product:
    """What the records before the lines say."""

    platform: str
    """Satellite."""
    start: datetime
    """First instant (UTC)."""
    end: datetime
    """Last instant (UTC)."""
    scan: Scan
    """Where the lines are."""
    solar: tuple[tuple[float, float], ...]
    """Irradiance (W m-2) and width (um) of channels 1, 2 and 3a."""
    thermal: tuple[ThermalBand, ...]
    """Of channels 3b, 4 and 5."""
    gaps: int
    """Dummy records that stand for lost lines."""


def open_eps(granule: Granule, calibration: Calibration) -> xr.Dataset:
    """Open a product lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    product = read_product(granule.path)
    scan, rows = product.scan, granule.sensor.bands_of(product.platform)
    counts = [Counts(b, scan.layer(partial(_stored, band=b.native), np.int16), fills=(float(_FILL),)) for b in rows]
    layers = {
        name: scan.layer(Direction(vectors, TIES, COLUMNS, wanted, points), dtype)
        for name, vectors, wanted, dtype, points in _DIRECTIONS
    }
    longitude, latitude = layers.pop("longitude"), layers.pop("latitude")
    attributes = {"lines_lost": product.gaps} if product.gaps else {}
    return assemble(
        granule,
        Acquisition(product.platform, product.start, product.end, "L1B", attributes),
        counts if calibration == "counts" else _physical(product, rows, calibration, layers["sun_zenith"]),
        calibration=calibration,
        angles=layers,
        qa=quality(counts, [(scan.layer(_flags, np.uint8), RULES)]),
        longitude=longitude,
        latitude=latitude,
    )


def read_product(path: Path) -> Product:
    """Return what the records say, without the lines.

    Raises
    ------
    SceneError
        If the file is no such product, is cut off, or lacks a record.
    """
    main, second, fixed, lines, gaps = b"", b"", b"", [], 0
    with path.open("rb") as file:
        for kind, subclass, offset, size in _records(path, file):
            if kind in (_MPHR, _SPHR) or (kind, subclass) == (_GIADR, 1):
                file.seek(offset)
                text = file.read(size)
                main, second = (text if kind == _MPHR else main), (text if kind == _SPHR else second)
                fixed = text if kind == _GIADR else fixed
            elif kind == _MDR and size == _RECORD_SIZE:
                lines.append(offset)
            elif kind == _MDR:
                gaps += 1
    _check(path, main, second, fixed, lines)
    solar, thermal = _constants(path, fixed)
    return Product(
        _platform(path, main),
        _instant(path, main, "SENSING_START"),
        _instant(path, main, "SENSING_END"),
        _Lines(str(path), lines[0], _RECORD, len(lines), COLUMNS, tuple(lines) if _scattered(lines) else ()),
        solar,
        thermal,
        gaps,
    )


def _records(path: Path, file: Any) -> Iterator[tuple[int, int, int, int]]:
    """Yield class, subclass, offset and size of every record."""
    end, offset = path.stat().st_size, 0
    while offset < end:
        file.seek(offset)
        raw = file.read(_HEADER.itemsize)
        if len(raw) < _HEADER.itemsize:
            raise SceneError(f"{path} is cut off within a record's header, {end} bytes in. Fetch it again.")
        header = np.frombuffer(raw, _HEADER)[0]
        size = int(header["size"])
        if not 1 <= header["class"] <= _MDR or size < _HEADER.itemsize:
            raise SceneError(f"{path} is damaged: there is no record at byte {offset}. Fetch it again.")
        if offset + size > end:
            raise SceneError(f"{path} is cut off: its record at byte {offset} has {size} bytes. Fetch it again.")
        yield int(header["class"]), int(header["subclass"]), offset, size
        offset += size


def _check(path: Path, main: bytes, second: bytes, fixed: bytes, lines: list[int]) -> None:
    if not re.search(rb"PRODUCT_NAME\s*=\s*AVHR_\w{3}_1B", main):
        raise SceneError(f"{path} is no AVHRR Level 1B product of EPS: its main header names another, or none.")
    for part, what in (
        (second, "secondary header (SPHR)"),
        (fixed, "radiance constants (GIADR)"),
        (lines, "lines"),
    ):
        if not part:
            raise SceneError(f"{path} lacks its {what}. It is incomplete, or was cut out of a product: fetch it again.")
    said = [_number(path, second, name) for name in ("EARTH_VIEWS_PER_SCANLINE", "NAV_SAMPLE_RATE")]
    if said != [COLUMNS, 20]:
        raise SceneError(
            f"{path} has {said[0]} samples a line and a tie point every {said[1]}; only full resolution (2048, 20) is "
            "read."
        )


def _entry(path: Path, text: bytes, name: str) -> str:
    found = re.search(rf"^{name}\s*=\s*(\S+)".encode(), text, re.MULTILINE)
    if not found:
        raise SceneError(f"{path}: its header lacks {name}. It is damaged: fetch it again.")
    return found[1].decode("latin-1")


def _number(path: Path, text: bytes, name: str) -> int:
    value = _entry(path, text, name)
    if not value.isdigit():
        raise SceneError(f"{path}: its header gives {name} = {value}, which is no number. It is damaged.")
    return int(value)


def _platform(path: Path, main: bytes) -> str:
    name = _entry(path, main, "SPACECRAFT_ID")
    if name not in PLATFORMS:
        raise SceneError(f"{path}: its header names the satellite {name}, not one of {', '.join(PLATFORMS)}.")
    return PLATFORMS[name]


def _instant(path: Path, main: bytes, name: str) -> datetime:
    text = _entry(path, main, name)
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%SZ")
    except ValueError:
        raise SceneError(f"{path}: its header gives {name} = {text}, which is no time. It is damaged.") from None


def _constants(path: Path, raw: bytes) -> tuple[tuple[tuple[float, float], ...], tuple[ThermalBand, ...]]:
    if len(raw) < _CONSTANTS.itemsize:
        raise SceneError(f"{path}: its radiance constants have {len(raw)} bytes, {_CONSTANTS.itemsize} were expected.")
    stored = np.frombuffer(raw[: _CONSTANTS.itemsize], _CONSTANTS)[0]
    numbers = constants(stored["solar"], stored["thermal"])
    if numbers is None:
        raise SceneError(f"{path}: its irradiances or wavenumbers are none of an AVHRR. The file is damaged.")
    return numbers


def _scattered(lines: list[int]) -> bool:
    return bool(np.any(np.diff(lines) != _RECORD_SIZE))


@dataclass(frozen=True)
class _Lines(Scan):
    """Records that need not follow one another: dummy records stand for lost lines."""

    offsets: tuple[int, ...] = ()
    """Of each record, empty where they follow one another."""

    def read(self, rows: range) -> Records:
        """Return some records (see :meth:`Scan.read`)."""
        if not self.offsets:
            return super().read(rows)
        parts = [Scan(self.path, self.offsets[row], self.record, 1, self.columns).read(range(1)) for row in rows]
        return np.concatenate(parts) if parts else np.empty(0, self.record)


def _stored(records: Records, band: str) -> NDArray[np.int16]:
    """Return scaled radiances, fill in lines that hold the other of 3a and 3b or that are not to be used."""
    stored = records["radiance"][:, _CHANNEL[band]].astype(np.int16)
    unusable = (records["quality"] & (_FATAL | _NO_PLACE)) != 0
    if band in ("3a", "3b"):
        unusable |= ((records["frame"] & np.uint32(_THREE_A)) != 0) != (band == "3a")
    stored[unusable] = _FILL
    return stored


@dataclass(frozen=True)
class _Radiance:
    """Radiance in the product's unit times a factor, or brightness temperature (K)."""

    band: str
    factor: float = 1.0
    thermal: ThermalBand | None = None

    def __call__(self, records: Records) -> Floats:
        stored = _stored(records, self.band)
        radiance = np.where(stored == _FILL, np.nan, stored * _SCALE[self.band])
        return self.thermal.temperature(radiance) if self.thermal else radiance * self.factor


def _physical(
    product: Product, rows: tuple[Band, ...], calibration: Calibration, zenith: xr.DataArray
) -> dict[str, xr.DataArray]:
    square = sun_distance(product.start) ** 2

    def decoder(band: Band) -> Callable[[Records], Floats]:
        if band.thermal:
            warm = product.thermal[("3b", "4", "5").index(band.native)]
            temperature = calibration == "reflectance"
            return _Radiance(band.native, thermal=warm) if temperature else _Radiance(band.native, warm.unit)
        irradiance, width = product.solar[_CHANNEL[band.native]]
        factor = math.pi * square / irradiance if calibration == "reflectance" else 1.0 / width
        return _Radiance(band.native, factor)

    return physical(product.scan, rows, calibration, zenith, decoder)


def _along(records: Records, names: tuple[str, str, str], column: int, scale: float) -> Floats:
    first, between, last = (records[name][..., column] for name in names)
    return np.asarray(np.concatenate([first[:, None], between, last[:, None]], axis=1) * scale)


_ANGLE_NAMES = ("angles_first", "angles", "angles_last")
_PLACE_NAMES = ("place_first", "places", "place_last")


def _places(records: Records) -> Floats:
    latitude, longitude = (_along(records, _PLACE_NAMES, column, 1e-4) for column in (0, 1))
    lost = ((records["quality"] & _NO_PLACE) != 0)[:, None]
    return on_sphere(np.where(lost, np.nan, longitude), latitude)


def _directions(records: Records, zenith: int, azimuth: int) -> Floats:
    return directions(*(_along(records, _ANGLE_NAMES, column, 1e-2) for column in (zenith, azimuth)))


_sun, _view = partial(_directions, zenith=0, azimuth=2), partial(_directions, zenith=1, azimuth=3)
_DIRECTIONS: tuple[tuple[str, Callable[[Records], Floats], str, Any, int], ...] = (
    ("longitude", _places, "longitude", np.float64, 6),
    ("latitude", _places, "latitude", np.float64, 6),
    ("sun_zenith", _sun, "zenith", np.float32, 4),
    ("sun_azimuth", _sun, "azimuth", np.float32, 4),
    ("view_zenith", _view, "zenith", np.float32, 4),
    ("view_azimuth", _view, "azimuth", np.float32, 4),
)


def _flags(records: Records) -> NDArray[np.uint8]:
    """Return bits: 0 line not to be used, 1 line doubtful, 2 a test says cloud (or snow)."""
    unusable = (records["quality"] & (_FATAL | _NO_PLACE)) != 0
    doubtful = ((records["quality"] & _DOUBTFUL) != 0) | (records["degraded"] != 0).any(axis=1)
    lines = unusable.astype(np.uint8) | doubtful.astype(np.uint8) << np.uint8(1)
    cloudy = (records["clouds"] & _CLOUDY) != 0
    return np.asarray(lines[:, None] | cloudy.astype(np.uint8) << np.uint8(2), np.uint8)
