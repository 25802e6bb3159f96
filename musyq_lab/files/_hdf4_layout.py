"""What the headers of an HDF4 file say of where its data lie, read without the HDF4 library.

An HDF4 file is a list of data descriptors: tag, reference, offset and length of each element (HDF Specification and
Developer's Guide 4.2, chapters 2 and 10). It shows whether the file is complete, whether it leads out of itself, and
how datasets are cut into chunks.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError

MAGIC = b"\x0e\x03\x13\x01"

_DESCRIPTOR = np.dtype([("tag", ">u2"), ("ref", ">u2"), ("offset", ">u4"), ("length", ">u4")])
_NULL, _DATA, _GROUP = 1, 702, 720  # DFTAG_NULL, DFTAG_SD, DFTAG_NDG
_SPECIAL = 0x4000  # bit of the tag of an element that is linked, external, compressed or chunked
_EXTERNAL, _COMPRESSED, _CHUNKED = 2, 3, 5
_NOWHERE = 0xFFFFFFFF  # an element of which nothing was written
_MAX_DESCRIPTORS = 2_000_000
_MAX_GROUP = 4096  # bytes


@dataclass(frozen=True, slots=True)
class Storage:
    """How the data of one dataset are stored."""

    chunks: tuple[int, ...] | None = None
    """Shape of a chunk, None where there are none."""
    compressed: bool = False
    """Whether the whole dataset is one compressed stream, which must be unpacked from its beginning."""


class Layout:
    """The data descriptors of a file."""

    def __init__(self, path: str) -> None:
        """Read and check them.

        Raises
        ------
        SceneError
            If the file is not HDF4, is cut off, or keeps data in another file.
        """
        self._path = path
        with Path(path).open("rb") as file:
            self._size = os.fstat(file.fileno()).st_size
            self._descriptors = self._read(file)
            self._check_lengths()
            self._check_specials(file)

    def _read(self, file: BinaryIO) -> NDArray[Any]:
        start = file.read(4)
        if start != MAGIC:
            raise SceneError(_no_hdf4(self._path, start))
        blocks: list[NDArray[Any]] = []
        seen: set[int] = set()
        position = 4
        while position:
            if position in seen or len(seen) > _MAX_DESCRIPTORS // 16:
                raise self._damaged("its list of contents runs in a circle")
            seen.add(position)
            file.seek(position)
            head = file.read(6)
            count, following = struct.unpack(">HI", head) if len(head) == 6 else (0, 0)
            data = file.read(count * _DESCRIPTOR.itemsize)
            if len(head) < 6 or len(data) < count * _DESCRIPTOR.itemsize:
                raise self._cut_off("its list of contents")
            blocks.append(np.frombuffer(data, _DESCRIPTOR))
            position = following
        found = np.concatenate(blocks)
        kept: NDArray[Any] = found[found["tag"] != _NULL]
        return kept

    def _check_lengths(self) -> None:
        """Refuse an element that ends behind the end of the file: it was cut off, or its descriptor is damaged."""
        there = self._descriptors[self._descriptors["offset"] != _NOWHERE]
        ends = there["offset"].astype(np.int64) + there["length"]
        if len(ends) and (last := int(ends.max())) > self._size:
            raise self._cut_off(f"it lists contents up to byte {last}")

    def _check_specials(self, file: BinaryIO) -> None:
        tags = self._descriptors["tag"]
        for row in self._descriptors[((tags & _SPECIAL) != 0) & (tags < 0x8000)]:
            if _code(_element(file, row, 2)) == _EXTERNAL:
                raise SceneError(f"{self._path} is refused because some of its data lie in another file.")

    def storage(self, ref: int) -> Storage:
        """Return how a dataset is stored.

        Parameters
        ----------
        ref : int
            Reference of its group (``SDS.ref()``).
        """
        with Path(self._path).open("rb") as file:
            for row in self._rows(_GROUP, ref):
                members = np.frombuffer(_element(file, row, _MAX_GROUP)[: int(row["length"]) // 4 * 4], ">u2")
                for tag, member in members.reshape(-1, 2):
                    if tag == _DATA:
                        return self._special(file, int(member))
        return Storage()

    def _special(self, file: BinaryIO, ref: int) -> Storage:
        for row in self._rows(_DATA | _SPECIAL, ref):
            head = _element(file, row, 4096)
            if _code(head) == _COMPRESSED:
                return Storage(compressed=True)
            if _code(head) == _CHUNKED and (chunks := _chunks(head)):
                return Storage(chunks)
        return Storage()

    def _rows(self, tag: int, ref: int) -> NDArray[Any]:
        rows: NDArray[Any] = self._descriptors[(self._descriptors["tag"] == tag) & (self._descriptors["ref"] == ref)]
        return rows

    def _cut_off(self, what: str) -> SceneError:
        return SceneError(f"{self._path} is cut off: {what}, but it ends at byte {self._size}. Fetch it again.")

    def _damaged(self, what: str) -> SceneError:
        return SceneError(f"{self._path} is damaged: {what}. Fetch it again.")


def _no_hdf4(path: str, start: bytes) -> str:
    if not start:
        return f"{path} is empty (0 bytes). Fetch it again."
    return f"{path} is not an HDF4 file. It is of another kind, or damaged: fetch it again."


def _element(file: BinaryIO, row: Any, most: int) -> bytes:
    file.seek(int(row["offset"]))
    return file.read(min(most, int(row["length"])))


def _code(head: bytes) -> int:
    return int.from_bytes(head[:2], "big") if len(head) >= 2 else 0


def _chunks(head: bytes) -> tuple[int, ...] | None:
    """Return the shape of a chunk from the header of a chunked element (specification, figure 10f).

    After the code: length of the header (4 bytes), version (1), flags (4), lengths of the element, of a chunk and of a
    value (4 each), tag and reference of the table of chunks and of the special header (2 each), number of axes (4);
    then flags, length and length of the chunk (4 each) of each axis.
    """
    if len(head) < 35:
        return None
    (rank,) = struct.unpack(">i", head[31:35])
    if not 0 < rank <= 32 or len(head) < 35 + 12 * rank:
        return None
    axes = struct.unpack(f">{3 * rank}i", head[35 : 35 + 12 * rank])
    chunks = axes[2::3]
    return tuple(chunks) if min(chunks) > 0 else None


@lru_cache(maxsize=256)
def layout(path: str, state: tuple[int, ...]) -> Layout:
    """Return the checked layout of a file, once for each state of it."""
    return Layout(path)
