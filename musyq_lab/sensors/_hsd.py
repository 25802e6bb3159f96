"""Himawari Standard Data: the header blocks of a segment, and its counts read line by line inside the task.

Layout: JMA, Himawari-8/9 Himawari Standard Data User's Guide, version 1.3 (2017), tables 4 to 13.
"""

from __future__ import annotations

import bz2
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors._block import part
from musyq_lab.sensors._calibrate import Linear

_BLOCKS = 11
_LONGEST_HEADER = 1 << 20
_LONGEST_EDGE = 30_000
_HOUR = 1.0 / 24.0
_EPOCH = datetime(1858, 11, 17)  # of the modified Julian day
_BZ2, _BZ2_END = b"BZh", 0x177245385090


@dataclass(frozen=True, slots=True)
class Segment:
    """One file: the lines of one band that it holds, and what its header says."""

    path: Path
    """The file."""
    header: int
    """Bytes before the counts."""
    order: str
    """``"<"`` or ``">"``."""
    satellite: str
    """Name of the satellite."""
    area: str
    """Observation area, such as ``"FLDK"``."""
    start: datetime
    """First instant (UTC)."""
    end: datetime
    """Last instant (UTC)."""
    lines: int
    """Number of lines."""
    columns: int
    """Number of columns."""
    band: int
    """Number of the band, from 1."""
    grid: tuple[float, float, float, float]
    """CFAC, LFAC, COFF, LOFF."""
    projection: tuple[float, float, float, float]
    """Longitude (degree); distance from the Earth's centre, equatorial and polar half axis (m)."""
    satellite_position: tuple[float, float, float]
    """Longitude, latitude (degree) and distance from the Earth's centre (m)."""
    wavelength: float
    """Central wavelength (um)."""
    bits: int
    """Bits of a count."""
    fills: tuple[int, int]
    """Counts of pixels in error and outside the scan."""
    nominal: Linear
    """Counts to radiance (W m-2 sr-1 um-1), as launched."""
    updated: Linear
    """The same, updated; zero where there is none, and for thermal bands."""
    albedo: float
    """Radiance to reflectance (c'); NaN for thermal bands."""
    temperature: tuple[float, float, float]
    """c0, c1, c2 over the temperature of Planck's law; NaN for reflective bands."""
    constants: tuple[float, float, float]
    """Speed of light, Planck's and Boltzmann's constants (SI); NaN for reflective bands."""
    total: int
    """Segments of the whole image."""
    number: int
    """Which of them this is, from 1."""
    first: int
    """Line of the whole image, from 1, that this begins with."""
    times: tuple[tuple[int, float], ...]
    """(line of the whole image, modified Julian day) pairs."""

    @property
    def compressed(self) -> bool:
        """Whether it is packed by bzip2."""
        with self.path.open("rb") as file:
            return file.read(3) == _BZ2


def read_segment(path: Path) -> Segment:
    """Read the header of a segment and check the length of the file against it.

    Raises
    ------
    SceneError
        If it is no Himawari Standard Data, or is cut short.
    """
    head, size = _head(path)
    if len(head) < 282 or head[0] != 1 or b"imawari" not in head[6:22]:
        raise SceneError(f"{path} is no Himawari Standard Data: its first block is missing. Fetch it again.")
    order = ">" if head[5] == 1 else "<"
    header, data = struct.unpack_from(order + "II", head, 70)
    if size is not None and size < header + data:
        raise SceneError(f"{path} is cut short: {size} of {header + data} bytes are there. Fetch it again.")
    try:
        segment = _parse(path, head, order, header)
    except (struct.error, ValueError, OverflowError) as error:
        raise SceneError(f"{path} has a damaged header ({error}). Fetch it again.") from error
    if segment.lines * segment.columns * 2 > data or not 0 < segment.lines <= _LONGEST_EDGE >= segment.columns > 0:
        raise SceneError(
            f"{path} declares {segment.lines} x {segment.columns} pixels and {data} bytes of data, which contradict "
            "each other. Its header is damaged: fetch it again."
        )
    return segment


def _head(path: Path) -> tuple[bytes, int | None]:
    """Return the first bytes, unpacked, and the length of the file where that can be told without unpacking it all."""
    with path.open("rb") as file:
        packed = file.read(3) == _BZ2
    if not packed:
        with path.open("rb") as file:
            return file.read(_LONGEST_HEADER), path.stat().st_size
    if not _ended(path):
        raise SceneError(f"{path} is cut short: its bzip2 stream has no end. Fetch it again.")
    with bz2.open(path) as stream:
        try:
            return stream.read(4096), None
        except (OSError, EOFError, ValueError) as error:
            raise SceneError(f"{path} is a damaged bzip2 file ({error}). Fetch it again.") from error


def _ended(path: Path) -> bool:
    """Tell whether a bzip2 file has its end mark, which begins at any bit of the last bytes before the checksum."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 11))
        tail = int.from_bytes(file.read(11), "big")
    return any(tail >> shift & (1 << 48) - 1 == _BZ2_END for shift in range(32, 41))


def _parse(path: Path, head: bytes, order: str, header: int) -> Segment:
    blocks = _blocks(head, order)

    def get(block: int, offset: int, kind: str) -> Any:
        values = struct.unpack_from(order + kind, blocks[block - 1], offset)
        return values[0] if len(values) == 1 else values

    band = get(5, 3, "H")
    thermal = band >= 7
    nan3 = (float("nan"),) * 3
    kilometres = get(3, 27, "ddd")
    position = get(4, 11, "ddd")
    return Segment(
        path=path,
        header=header,
        order=order,
        satellite=_text(get(1, 6, "16s")),
        area=_text(get(1, 38, "4s")),
        start=_moment(get(1, 46, "d")),
        end=_moment(get(1, 54, "d")),
        lines=get(2, 7, "H"),
        columns=get(2, 5, "H"),
        band=band,
        grid=get(3, 11, "IIff"),
        projection=(get(3, 3, "d"), kilometres[0] * 1e3, kilometres[1] * 1e3, kilometres[2] * 1e3),
        satellite_position=(position[0], position[1], 1000.0 * position[2]),
        wavelength=get(5, 5, "d"),
        bits=get(5, 13, "H"),
        fills=get(5, 15, "HH"),
        nominal=Linear(*get(5, 19, "dd")),
        updated=Linear(0.0, 0.0) if thermal else Linear(*get(5, 51, "dd")),
        albedo=float("nan") if thermal else get(5, 35, "d"),
        temperature=get(5, 35, "ddd") if thermal else nan3,
        constants=get(5, 83, "ddd") if thermal else nan3,
        total=get(7, 3, "B"),
        number=get(7, 4, "B"),
        first=get(7, 5, "H"),
        times=tuple(get(9, 5 + 10 * i, "Hd") for i in range(get(9, 3, "H"))),
    )


def _blocks(head: bytes, order: str) -> list[bytes]:
    """Return the blocks of the header up to the ninth; each begins with its number and length."""
    blocks, at = [], 0
    for number in range(1, 10):
        if at + 3 > len(head) or head[at] != number:
            raise ValueError(f"block {number} of {_BLOCKS} is missing")
        (length,) = struct.unpack_from(order + "H", head, at + 1)
        if length < 3 or at + length > len(head):
            raise ValueError(f"block {number} is cut short")
        blocks.append(head[at : at + length])
        at += length
    return blocks


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("ascii", "replace").strip()


def _moment(day: float) -> datetime:
    if not 50_000.0 < day < 100_000.0:
        raise ValueError(f"{day:g} is no modified Julian day of our time")
    return _EPOCH + timedelta(days=day)


@dataclass(frozen=True, slots=True)
class SegmentedLayer:
    """The counts of one band over all segments that are there, as dask's ``from_array`` wants it."""

    segments: tuple[Segment, ...]
    """Those there."""
    lines: int
    """Lines of the whole image."""
    ndim: int = 2
    """Number of axes."""

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and columns."""
        return self.lines, self.segments[0].columns

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the counts."""
        return np.dtype("uint16")

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part; lines of segments that are not there hold the count of pixels outside the scan."""
        wanted = part(key, self.shape)
        start, stop = wanted.rows.start, wanted.rows.stop
        made = np.full((stop - start, self.shape[1]), self.segments[0].fills[1], self.dtype)
        for segment in self.segments:
            begin, end = max(start, segment.first - 1), min(stop, segment.first - 1 + segment.lines)
            if begin < end:
                made[begin - start : end - start] = _lines(segment, begin - segment.first + 1, end - begin)
        return wanted.take_of_lines(made)


def _lines(segment: Segment, first: int, count: int) -> NDArray[np.uint16]:
    size = 2 * segment.columns
    try:
        with _opened(segment) as stream:
            stream.seek(segment.header + first * size)
            raw = stream.read(count * size)
    except (OSError, EOFError, ValueError) as error:
        raise SceneError(f"{segment.path} is damaged ({error}). Fetch it again.") from error
    if len(raw) != count * size:
        raise SceneError(f"{segment.path} is cut short: line {first + count} is not there. Fetch it again.")
    return np.frombuffer(raw, segment.order + "u2").reshape(count, segment.columns).astype(np.uint16)


def _opened(segment: Segment) -> IO[bytes]:
    return bz2.open(segment.path) if segment.compressed else segment.path.open("rb")


def line_times(segments: Sequence[Segment], lines: int) -> NDArray[np.datetime64]:
    """Return when each line of the whole image was seen, between the instants that the headers give."""
    pairs = sorted({pair for segment in segments for pair in _absolute(segment)})
    days = np.interp(np.arange(1, lines + 1), [p[0] for p in pairs], [p[1] for p in pairs])
    nanoseconds = np.round(days * 86_400e6).astype(np.int64) * 1000
    return np.asarray(np.datetime64(_EPOCH, "ns") + nanoseconds.astype("timedelta64[ns]"))


def _absolute(segment: Segment) -> list[tuple[int, float]]:
    """Return (line of the whole image, day) pairs of one segment: those of its block 9, else its first and last."""
    begin, end = (_day(segment.start), _day(segment.end))
    pairs = [(line, day) for line, day in segment.times if begin - _HOUR <= day <= end + _HOUR]
    if not pairs:
        return [(segment.first, begin), (segment.first + segment.lines - 1, end)]
    # The guide counts lines in the whole image; some writers count them in the segment.
    shift = segment.first - 1 if max(line for line, _ in pairs) < segment.first else 0
    return [(line + shift, day) for line, day in pairs]


def _day(moment: datetime) -> float:
    return (moment - _EPOCH) / timedelta(days=1)
