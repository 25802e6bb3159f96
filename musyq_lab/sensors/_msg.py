"""What MSG Level 1.5 files say of an image, alike in native files and HRIT, and the placing of its lines.

Layout: EUMETSAT, MSG Level 1.5 Image Data Format Description, EUM/MSG/ICD/105, sections 7 and 8; lines are counted from
south to north and columns from east to west, both from 1 and in the full disk.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors._block import part

CHANNELS = (
    *("VIS006", "VIS008", "IR_016", "IR_039", "WV_062", "WV_073"),
    *("IR_087", "IR_097", "IR_108", "IR_120", "IR_134", "HRV"),
)
"""Names in the order of their numbers, from 1."""
EDGE = 3712
"""Lines and columns of the full disk on the 3 km grid; HRV has three times as many."""
HEIGHT = 35_785_831.0
"""Height of the projection above the ellipsoid (m): CGMS 03, section 4.4.3.2."""
HEADER, TRAILER = 445_248, 380_325
"""Bytes of header and trailer records."""

_EPOCH = datetime(1958, 1, 1)
_PLATFORMS = {321: "Meteosat-8", 322: "Meteosat-9", 323: "Meteosat-10", 324: "Meteosat-11"}
_ORBITS, _ORBIT = (
    100,
    np.dtype([("start", ">u2,>u4"), ("end", ">u2,>u4"), ("xyz", ">f8", (3, 8)), ("v", ">f8", (3, 8))]),
)


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says."""

    platform: str
    """Satellite."""
    longitude: float
    """Of the projection (degree)."""
    axes: tuple[float, float]
    """Half axes of the ellipsoid (m)."""
    steps: tuple[float, float]
    """Sampling distance of the 3 km and the HRV grid (m)."""
    shifted: bool
    """Whether the image lies 1.5 km north and west of its grid, as before December 2017."""
    radiance: tuple[tuple[float, float], ...]
    """Gain and offset of each channel (mW m-2 sr-1 (cm-1)-1)."""
    kinds: tuple[int, ...]
    """Radiance of each channel: 1 spectral, 2 effective, 0 none."""
    start: datetime
    """Planned begin of the scan (UTC)."""
    end: datetime
    """Planned end of the scan (UTC)."""
    satellite: tuple[float, float, float]
    """Longitude, latitude (degree) and height (m) of the satellite."""


@dataclass(frozen=True, slots=True)
class Trailer:
    """What the trailer says."""

    start: datetime | None
    """Begin of the scan (UTC)."""
    end: datetime | None
    """End of the scan (UTC)."""
    lines: tuple[int, int]
    """First and last line that was scanned, on the 3 km grid."""
    windows: tuple[tuple[int, int, int, int], ...]
    """South, north, east, west of the lower and upper HRV window."""


def parse_header(raw: bytes, path: Path, *, version: int) -> Header:
    """Return what a header says.

    Parameters
    ----------
    raw : bytes
        The record, from its first byte.
    path : pathlib.Path
        For messages.
    version : int
        Bytes of the version number in front: 1 in native files, 0 in an HRIT prologue.

    Raises
    ------
    SceneError
        If it is no header of Meteosat Second Generation.
    """
    if len(raw) < 408_170:
        raise SceneError(f"{path} is cut short: its header has {len(raw)} bytes. Fetch it again.")

    def get(kind: str, offset: int) -> Any:
        values = struct.unpack_from(">" + kind, raw, offset - 1 + version)
        return values[0] if len(values) == 1 else values

    number = get("H", 1)
    if number not in _PLATFORMS:
        raise SceneError(
            f"{path} is of satellite {number}, none of Meteosat-8 to -11. Its header is damaged, or newer."
        )
    kind, *radii = get("B3d", 408_145)
    grids = (get("iiffB", 386_898), get("iiffB", 386_915))
    if kind not in (1, 2) or any(grid[4] != 2 for grid in grids):
        raise SceneError(f"{path} has an Earth model {kind} or grid origin that MSG does not use. It is damaged.")
    start, end = _moment(raw, 60_134 + version), _moment(raw, 60_154 + version)
    if start is None or end is None:
        raise SceneError(f"{path} has no planned time of its scan. Its header is damaged.")
    axes = (radii[0] * 1e3, (radii[1] + radii[2]) * 500.0)
    longitude = float(get("f", 386_894))
    orbits = np.frombuffer(raw, _ORBIT, _ORBITS, 47 + version)
    nominal = (float(get("f", 3)), 0.0, HEIGHT)
    return Header(
        platform=_PLATFORMS[number],
        longitude=longitude,
        axes=axes,
        steps=(grids[0][3] * 1e3, grids[1][3] * 1e3),
        shifted=kind == 1,
        radiance=tuple(get("dd", 387_066 + 16 * i) for i in range(12)),
        kinds=get("12B", 386_982),
        start=start,
        end=end,
        satellite=_position(orbits, start, axes) or nominal,
    )


def parse_trailer(raw: bytes, path: Path) -> Trailer:
    """Return what a trailer says.

    Raises
    ------
    SceneError
        If it is cut short.
    """
    if len(raw) < 341:
        raise SceneError(f"{path} is cut short: its trailer is missing. Fetch it again.")
    south, north = struct.unpack_from(">ii", raw, 293)
    bounds = struct.unpack_from(">8i", raw, 309)
    windows = tuple((w[0], w[1], w[2], w[3]) for w in (bounds[:4], bounds[4:]) if 0 < w[0] <= w[1] and 0 < w[2] <= w[3])
    lines = (south, north) if 0 < south < north <= EDGE else (1, EDGE)
    return Trailer(_moment(raw, 5), _moment(raw, 11), lines, windows)


def _moment(raw: bytes, offset: int) -> datetime | None:
    days, milliseconds = struct.unpack_from(">HI", raw, offset)
    moment = _EPOCH + timedelta(days=days, milliseconds=milliseconds)
    return moment if 2000 < moment.year < 2060 else None


def _position(orbits: NDArray[Any], moment: datetime, axes: tuple[float, float]) -> tuple[float, float, float] | None:
    """Return where the satellite stood, by the Chebyshev polynomials of its orbit (the guide, section 7.2.1.4)."""
    now = (moment - _EPOCH) / timedelta(milliseconds=1)
    begin, end = (orbits[name]["f0"] * 86_400_000.0 + orbits[name]["f1"] for name in ("start", "end"))
    valid = np.flatnonzero((begin <= now) & (now < end))
    if not valid.size:
        return None
    one = valid[np.argmax(begin[valid])]
    place = 2.0 * (now - begin[one]) / (end[one] - begin[one]) - 1.0
    coefficients = np.array(orbits["xyz"][one], np.float64)
    coefficients[:, 0] /= 2.0  # the series counts its first term half
    x, y, z = (1e3 * np.polynomial.chebyshev.chebval(place, c) for c in coefficients)
    return _geodetic(float(x), float(y), float(z), axes)


def _geodetic(x: float, y: float, z: float, axes: tuple[float, float]) -> tuple[float, float, float] | None:
    """Return longitude, latitude (degree) and height (m) of a point far from the Earth and near its equator."""
    across = math.hypot(x, y)
    if not 4.0e7 < math.hypot(across, z) < 4.5e7:
        return None
    squared = 1.0 - (axes[1] / axes[0]) ** 2
    latitude = math.atan2(z, across)
    for _ in range(5):
        normal = axes[0] / math.sqrt(1.0 - squared * math.sin(latitude) ** 2)
        latitude = math.atan2(z + squared * normal * math.sin(latitude), across)
    height = across / math.cos(latitude) - normal
    return math.degrees(math.atan2(y, x)), math.degrees(latitude), height


class Lines(Protocol):
    """Where the lines of a channel come from."""

    def read(self, first: int, count: int) -> NDArray[np.uint16]:
        """Return lines from south to north, columns from east to west, 0 where there is nothing."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The part of the full disk that an image covers, on one grid."""

    south: int
    """First line."""
    north: int
    """Last line."""
    east: int
    """First column."""
    west: int
    """Last column."""

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and columns."""
        return self.north - self.south + 1, self.west - self.east + 1

    def coordinates(self, header: Header, *, hrv: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return x from west to east and y from north to south (m)."""
        centre, step = (5566, header.steps[1]) if hrv else (EDGE // 2, header.steps[0])
        shift = (1.5 if hrv else 0.5) if header.shifted else 0.0
        columns = np.arange(self.west, self.east - 1, -1, dtype=np.float64)
        lines = np.arange(self.north, self.south - 1, -1, dtype=np.float64)
        return (centre - columns + shift) * step, (lines - centre - shift) * step


@dataclass(frozen=True, slots=True)
class MsgLayer:
    """One channel with north up, as dask's ``from_array`` wants it."""

    lines: Lines
    """Where they come from."""
    canvas: Canvas
    """What they are put on."""
    windows: tuple[tuple[int, int, int, int], ...] = ()
    """South, north, east, west of the parts that lines belong to, where they are narrower than the canvas."""
    ndim: int = 2
    """Number of axes."""

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and columns."""
        return self.canvas.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the counts."""
        return np.dtype("uint16")

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part."""
        wanted = part(key, self.shape)
        first = self.shape[0] - wanted.rows.stop
        raw = self.lines.read(first, len(wanted.rows))
        raw = self._spread(raw, self.canvas.south + first) if self.windows else raw[:, : self.shape[1]]
        return np.ascontiguousarray(wanted.take_of_lines(raw[::-1, ::-1]))

    def _spread(self, raw: NDArray[np.uint16], line: int) -> NDArray[np.uint16]:
        """Put lines where their window lies."""
        made = np.zeros((raw.shape[0], self.shape[1]), raw.dtype)
        for south, north, east, _ in self.windows:
            begin, end = max(south - line, 0), min(north - line + 1, raw.shape[0])
            left = east - self.canvas.east
            width = min(raw.shape[1], self.shape[1] - left)
            if begin < end and width > 0 <= left:
                made[begin:end, left : left + width] = raw[begin:end, :width]
        return made


def unpack10(raw: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return 10-bit counts packed four in five bytes, along the last axis."""
    parts = raw.reshape(*raw.shape[:-1], -1, 5).astype(np.uint16)
    a, b, c, d, e = np.moveaxis(parts, -1, 0)
    counts = [a << 2 | b >> 6, (b & 63) << 4 | c >> 4, (c & 15) << 6 | d >> 2, (d & 3) << 8 | e]
    made: NDArray[np.uint16] = np.stack(counts, axis=-1).reshape(*raw.shape[:-1], -1)
    return made


def line_times(canvas: Canvas, header: Header, trailer: Trailer, *, hrv: bool) -> NDArray[np.datetime64]:
    """Return when each line was seen, from north to south: the scan goes evenly from south to north."""
    begin, end = trailer.start or header.start, trailer.end or header.end
    scale = 3 if hrv else 1
    south, north = trailer.lines[0] * scale - scale + 1, trailer.lines[1] * scale
    lines = np.arange(canvas.north, canvas.south - 1, -1)
    share = np.clip((lines - south + 0.5) / (north - south + 1), 0.0, 1.0)
    span = np.round(share * ((end - begin) / timedelta(milliseconds=1))).astype("timedelta64[ms]")
    return np.asarray(np.datetime64(begin, "ns") + span)
