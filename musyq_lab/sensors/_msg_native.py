"""MSG Level 1.5 native files: the ASCII headers, and line records read inside the task.

EUMETSAT, MSG Level 1.5 Native Format File Definition, EUM/MSG/SPE/344: a main and a secondary product header (lines of
80 characters, the value from the 31st on), the Level 1.5 header in a packet, then for each line of the 3 km grid one
record a channel and three of HRV, then the trailer in a packet. Files straight from the archive have no ASCII headers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors._hrit import read_bytes, reading
from musyq_lab.sensors._msg import (
    CHANNELS,
    EDGE,
    HEADER,
    TRAILER,
    Canvas,
    Header,
    Trailer,
    parse_header,
    parse_trailer,
    unpack10,
)

_ASCII = b"FormatName                  : NATIVE"
_MAIN, _SECONDARY = 3674, 1440  # bytes of the ASCII headers
_PACKET = 38  # bytes of the headers of a packet
_LINE = _PACKET + 27  # bytes of a record before its pixels
_HRV = "HRV"


@dataclass(frozen=True, slots=True)
class Native:
    """One file."""

    path: Path
    """The file."""
    header: Header
    """What its header says."""
    trailer: Trailer
    """What its trailer says."""
    channels: tuple[str, ...]
    """Channels that it holds."""
    canvas: Canvas
    """What it covers on the 3 km grid."""
    columns: tuple[int, int]
    """Pixels of a line on the 3 km grid and of HRV, as stored."""
    begin: int
    """Bytes before the first line."""

    @property
    def record(self) -> int:
        """Bytes of all records of one line of the 3 km grid."""
        return _record(self.channels, self.columns)

    def lines(self, channel: str) -> NativeLines:
        """Return where the lines of a channel come from."""
        normal = [c for c in self.channels if c != _HRV]
        size = _LINE + self.columns[0] * 5 // 4
        place = len(normal) if channel == _HRV else normal.index(channel)
        return NativeLines(str(self.path), self.begin + place * size, self.record, self.columns, channel == _HRV)

    def placed(self, channel: str) -> tuple[Canvas, tuple[tuple[int, int, int, int], ...]]:
        """Return what a channel covers, and the windows of HRV."""
        if channel != _HRV:
            return self.canvas, ()
        south, north = 3 * self.canvas.south - 2, 3 * self.canvas.north
        if self.canvas.shape[1] < EDGE:
            east = 3 * self.canvas.east - 2
            return Canvas(south, north, east, east + self.columns[1] - 1), ()
        if not self.trailer.windows:
            raise SceneError(f"{self.path} does not say where its HRV lines lie. Its trailer is damaged.")
        return Canvas(south, north, 1, 3 * EDGE), self.trailer.windows


@dataclass(frozen=True, slots=True)
class NativeLines:
    """The lines of one channel."""

    path: str
    """The file."""
    begin: int
    """Bytes before the first record of the channel."""
    record: int
    """Bytes from one line of the 3 km grid to the next."""
    columns: tuple[int, int]
    """Pixels of a line on the 3 km grid and of HRV."""
    hrv: bool
    """Whether it is HRV, three lines of which follow one another."""

    def read(self, first: int, count: int) -> NDArray[np.uint16]:
        """Return lines from south to north, columns from east to west."""
        size = self.columns[self.hrv] * 5 // 4
        raw = np.empty((count, size), np.uint8)
        with reading(self.path) as file:
            for index in range(count):
                line, part = divmod(first + index, 3) if self.hrv else (first + index, 0)
                file.seek(self.begin + line * self.record + part * (_LINE + size) + _LINE)
                raw[index] = np.frombuffer(file.read(size), np.uint8)
        return unpack10(raw)


def read_native(path: Path) -> Native:
    """Read header and trailer of a file and check its length against them.

    Raises
    ------
    SceneError
        If it is no native file, or is cut short.
    """
    with path.open("rb") as file:
        ascii_headers = file.read(_MAIN + _SECONDARY)
    named = ascii_headers.startswith(_ASCII)
    at = _MAIN + _SECONDARY if named else 0
    entries = _entries(ascii_headers) if named else {}
    size = path.stat().st_size
    declared = int(entries.get("TotalFileSize", "0"))
    begin = at + _PACKET + HEADER
    if size < max(declared, begin):
        raise SceneError(f"{path} is cut short: {size} of {max(declared, begin)} bytes are there. Fetch it again.")
    header = parse_header(read_bytes(path, at + _PACKET, HEADER), path, version=1)
    channels, canvas, columns = _contents(entries, path)
    end = begin + _record(channels, columns) * canvas.shape[0]
    if size < end + _PACKET + TRAILER:
        raise SceneError(f"{path} is cut short: {size} of {end + _PACKET + TRAILER} bytes are there. Fetch it again.")
    trailer = parse_trailer(read_bytes(path, end + _PACKET, 400), path)
    return Native(path, header, trailer, channels, canvas, columns, begin)


def _record(channels: tuple[str, ...], columns: tuple[int, int]) -> int:
    hrv = _HRV in channels
    return (len(channels) - hrv) * (_LINE + columns[0] * 5 // 4) + 3 * hrv * (_LINE + columns[1] * 5 // 4)


def _entries(raw: bytes) -> dict[str, str]:
    """Return the ASCII headers: name (30 characters) and value (50)."""
    lines = [raw[i : i + 80] for start, stop in ((0, 480), (2154, _MAIN)) for i in range(start, stop, 80)]
    lines += [raw[i : i + 80] for i in range(_MAIN, len(raw) - 79, 80)]
    pairs = ((line[:28].decode("latin-1").strip(), line[30:].decode("latin-1")) for line in lines)
    return {name: value.strip("\0 \r\n") for name, value in pairs}


def _contents(entries: dict[str, str], path: Path) -> tuple[tuple[str, ...], Canvas, tuple[int, int]]:
    """Return the channels, what they cover, and the pixels of a line; all of the disk without ASCII headers."""
    if not entries:
        return CHANNELS, Canvas(1, EDGE, 1, EDGE), (EDGE, 3 * EDGE // 2)
    try:
        south, north, east, west = (
            int(entries[f"{side}SelectedRectangle"]) for side in ("SouthLine", "NorthLine", "EastColumn", "WestColumn")
        )
        hrv, lines = int(entries["NumberColumnsHRV"]), int(entries["NumberLinesVISIR"])
    except (KeyError, ValueError):
        raise SceneError(f"{path} has a damaged product header: what it covers is not told. Fetch it again.") from None
    inside = 1 <= south <= north <= EDGE and 1 <= east <= west <= EDGE
    picked = entries.get("SelectedBandIDs", "")
    if not inside or lines != north - south + 1 or not re.fullmatch(r"[X-]{12}", picked) or "X" not in picked:
        raise SceneError(f"{path} has a damaged product header: its lines and columns contradict each other.")
    channels = tuple(c for c, mark in zip(CHANNELS, picked, strict=True) if mark == "X")
    width = west - east + 1
    return channels, Canvas(south, north, east, west), (-(-width // 4) * 4, hrv if width < EDGE else hrv // 2)
