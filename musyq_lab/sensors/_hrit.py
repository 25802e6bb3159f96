"""Segments of HRIT: header records and lines read inside the task.

CGMS 03, LRIT/HRIT Global Specification, issue 2.8, section 4: a file is a chain of header records (type, length), the
first of which gives the lengths of all headers (bytes) and of the data field (bits).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors._block import part
from musyq_lab.sensors._msg import unpack10

_LONGEST_HEADER = 1 << 22
_LONGEST_EDGE = 30_000


@dataclass(frozen=True, slots=True)
class HritFile:
    """One file."""

    path: Path
    """The file."""
    header: int
    """Bytes before the data."""
    records: Mapping[int, bytes]
    """Type of header record -> its content (the first of each type)."""

    def structure(self) -> tuple[int, int, int]:
        """Return bits of a pixel, columns and lines, checked against the length of the file.

        Raises
        ------
        SceneError
            If it is no image, is compressed, or too short.
        """
        if len(self.records.get(1, b"")) < 6:
            raise SceneError(f"{self.path} holds no image (header record 1). It is of another kind, or damaged.")
        bits, columns, lines, compressed = struct.unpack_from(">BHHB", self.records[1])
        if compressed:
            raise SceneError(
                f"{self.path} is compressed by wavelets. Unpack it with xRITDecompress of EUMETSAT, which makes files "
                "whose names end in -__ instead of -C_."
            )
        if bits not in (8, 10, 16) or not (0 < columns <= _LONGEST_EDGE and 0 < lines <= _LONGEST_EDGE):
            raise SceneError(f"{self.path} declares {lines} x {columns} pixels of {bits} bits. Its header is damaged.")
        needed = self.header + -(-bits * columns * lines // 8)
        if self.path.stat().st_size < needed:
            raise SceneError(f"{self.path} is cut short: {self.path.stat().st_size} of {needed} bytes are there.")
        return bits, columns, lines


def read_hrit(path: Path) -> HritFile:
    """Read the header records of a file and check its length against them.

    Raises
    ------
    SceneError
        If it is no HRIT file, or is cut short.
    """
    with path.open("rb") as file:
        begin = file.read(16)
        if len(begin) < 16 or begin[:3] != b"\0\0\x10":
            raise SceneError(f"{path} is no HRIT file: its primary header is missing. Fetch it again.")
        header, bits = struct.unpack_from(">IQ", begin, 4)
        if not 16 <= header <= _LONGEST_HEADER:
            raise SceneError(f"{path} says that its header has {header} bytes. It is damaged: fetch it again.")
        raw = begin + file.read(header - 16)
    needed = header + -(-bits // 8)
    if len(raw) < header or path.stat().st_size < needed:
        raise SceneError(f"{path} is cut short: {path.stat().st_size} of {needed} bytes are there. Fetch it again.")
    return HritFile(path, header, _records(path, raw))


def _records(path: Path, raw: bytes) -> dict[int, bytes]:
    records: dict[int, bytes] = {}
    at = 0
    while at + 3 <= len(raw):
        kind, length = struct.unpack_from(">BH", raw, at)
        if length < 3:
            raise SceneError(f"{path} has a damaged header record of type {kind}. Fetch it again.")
        records.setdefault(kind, raw[at + 3 : at + length])
        at += length
    return records


@dataclass(frozen=True, slots=True)
class HritLines:
    """The lines of one channel over the segments that are there, in the order of the files."""

    paths: tuple[str, ...]
    """Segments that are there."""
    offsets: tuple[int, ...]
    """Bytes before the data of each."""
    numbers: tuple[int, ...]
    """Place of each in the image, from 0."""
    lines: int
    """Lines of a segment."""
    columns: int
    """Columns."""
    bits: int
    """Bits of a pixel."""
    fill: int = 0
    """Count where a segment is missing."""

    def read(self, first: int, count: int) -> NDArray[np.uint16]:
        """Return lines of the whole image."""
        made = np.full((count, self.columns), self.fill, np.uint16)
        for path, offset, number in zip(self.paths, self.offsets, self.numbers, strict=True):
            begin, end = max(first, number * self.lines), min(first + count, (number + 1) * self.lines)
            if begin < end:
                made[begin - first : end - first] = self._part(path, offset, begin - number * self.lines, end - begin)
        return made

    def _part(self, path: str, offset: int, first: int, count: int) -> NDArray[np.uint16]:
        size = self.columns * self.bits // 8
        raw = read_bytes(path, offset + first * size, count * size)
        if self.bits == 16:
            return np.frombuffer(raw, ">u2").reshape(count, self.columns).astype(np.uint16)
        block = np.frombuffer(raw, np.uint8).reshape(count, size)
        return unpack10(block) if self.bits == 10 else block.astype(np.uint16)


@dataclass(frozen=True, slots=True)
class HritLayer:
    """One channel whose first line is the northernmost, as dask's ``from_array`` wants it."""

    lines: HritLines
    """Where they come from."""
    height: int
    """Lines of the whole image."""
    ndim: int = 2
    """Number of axes."""

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and columns."""
        return self.height, self.lines.columns

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the counts."""
        return np.dtype("uint16")

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part."""
        wanted = part(key, self.shape)
        return wanted.take_of_lines(self.lines.read(wanted.rows.start, len(wanted.rows)))


@contextmanager
def reading(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file; what cannot be read, or is shorter than when its header was checked, gives a plain error.

    Raises
    ------
    SceneError
        In place of OSError and ValueError.
    """
    try:
        with Path(path).open("rb") as file:
            yield file
    except SceneError:
        raise
    except (OSError, ValueError) as error:
        raise SceneError(f"{path} is cut short or cannot be read ({error}). Fetch it again.") from error


def read_bytes(path: str | Path, offset: int, count: int) -> bytes:
    """Return bytes of a file.

    Raises
    ------
    SceneError
        If the file is shorter.
    """
    with reading(path) as file:
        file.seek(offset)
        raw = file.read(count)
    if len(raw) < count:
        raise SceneError(f"{path} is cut short: {offset + count} bytes were expected. Fetch it again.")
    return raw


def text(raw: Any) -> str:
    """Return a header record that holds text."""
    return bytes(raw).decode("latin-1").strip("\0 ")
