"""Whether a raster file is shorter than its own header says: found when it is opened, not when a part is missed.

GDAL opens a file whose end is missing, since the header comes first. A block beyond the end is an error when it is
read at last, or, of a JPEG 2000 file, zeros.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

_MOST_BLOCKS = 65_536
"""Blocks of a TIFF that are looked up; of more, evenly spread ones and the last."""

_END_OF_CODESTREAM = b"\xff\xd9"


def missing_bytes(file: Any, path: Path, band: int) -> int:
    """Return how many bytes an open GeoTIFF or JPEG 2000 file lacks at its end, 0 for a whole one.

    Parameters
    ----------
    file : rasterio.DatasetReader
        The open file.
    path : pathlib.Path
        Where it lies on the local disk.
    band : int
        Band whose blocks are looked up, from 1.
    """
    size = path.stat().st_size
    if file.driver == "GTiff":
        # Where no block has a place at all, the list of places itself is cut off (or nothing was ever written).
        return max(0, max(_ends(file, band), default=size + 1) - size)
    with path.open("rb") as stored:
        return max(0, _end_of_boxes(stored, size) - size)


def _ends(file: Any, band: int) -> Iterator[int]:
    """Yield where the blocks of a band of a TIFF end."""
    rows, columns = (
        math.ceil(size / block) for size, block in zip(file.shape, file.block_shapes[band - 1], strict=True)
    )
    total = rows * columns
    for number in {*range(0, total, math.ceil(total / _MOST_BLOCKS)), total - 1}:
        row, column = divmod(number, columns)
        place = f"{column}_{row}"
        offset = file.get_tag_item(f"BLOCK_OFFSET_{place}", "TIFF", bidx=band)
        length = file.get_tag_item(f"BLOCK_SIZE_{place}", "TIFF", bidx=band)
        if offset and length:  # a sparse file leaves out blocks that are all fill
            yield int(offset) + int(length)


def _end_of_boxes(stored: BinaryIO, size: int) -> int:
    """Return where the boxes of a JPEG 2000 file end (ISO 15444-1, annex I.4), beyond its size if it is cut."""
    place = 0
    while place + 8 <= size:
        stored.seek(place)
        head = stored.read(16)
        length = int.from_bytes(head[:4], "big")
        if place == 0 and length != 12:
            break  # a bare codestream
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length == 0:
            break  # the last box reaches to the end of the file
        if length < 8:
            return size + 1
        place += length
    else:
        return place
    stored.seek(-2, 2)
    return size if stored.read(2) == _END_OF_CODESTREAM else size + 1
