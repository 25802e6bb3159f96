"""Himawari Standard Data written from the blocks of the user's guide, small: lines and columns are free in the headers.

JMA, Himawari-8/9 Himawari Standard Data User's Guide, version 1.3, tables 4 to 13 (numbers below: byte offsets there).
"""

from __future__ import annotations

import bz2
import struct
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

START = datetime(2015, 7, 7, 3, 0, 20)
LINE = timedelta(seconds=0.25)
WAVELENGTHS = {3: 0.6391, 1: 0.4706, 5: 1.6101, 14: 11.2395, 7: 3.8853}
NATIVE = {1: 1000, 2: 1000, 3: 500, 4: 1000}
GAIN, OFFSET, UPDATED_GAIN, UPDATED_OFFSET, ALBEDO = 0.37, -7.4, 0.40, -8.0, 0.0019
IR_GAIN, IR_OFFSET, TEMPERATURE = -0.0062, 25.4, (0.1239, 0.99935, -1.6e-06)
LIGHT, PLANCK, BOLTZMANN = 299792458.0, 6.62606957e-34, 1.3806488e-23
ERROR, OUTSIDE = 65535, 65534
LONGITUDE, POSITION = 140.7, (140.66, 0.03, 42166.2)


def mjd(moment: datetime) -> float:
    """Return the modified Julian day."""
    return (moment - datetime(1858, 11, 17)) / timedelta(days=1)


def segment(
    folder: Path,
    counts: np.ndarray,
    *,
    band: int,
    number: int = 1,
    total: int = 1,
    centre: float | None = None,
    order: str = "<",
    area: str = "FLDK",
    packed: bool = False,
    updated: bool = True,
) -> Path:
    """Write one segment and return its path.

    ``centre`` is the line and column, from 1, under the satellite (COFF = LOFF); the middle of the image by default.
    """
    lines, columns = counts.shape
    resolution = NATIVE.get(band, 2000)
    first = (number - 1) * lines + 1
    middle = (columns + 1) / 2 if centre is None else centre
    factor = round(2**16 / np.degrees(resolution / 35_786_000.0))
    data = counts.astype(order + "u2").tobytes()
    name = f"HS_H08_20150707_0300_B{band:02d}_{area}_R{resolution // 100:02d}_S{number:02d}{total:02d}.DAT"
    blocks = [
        _block2(order, lines, columns),
        _block3(order, factor, middle),
        _block(order, 4, 139, struct.pack(order + "d3d2d", mjd(START), *POSITION, *POSITION[:2])),
        _block5(order, band, updated),
        _block(order, 6, 259, b""),
        _block(order, 7, 47, struct.pack(order + "BBH", total, number, first)),
        _block(order, 8, 61, b""),
        _block9(order, first, lines),
        struct.pack(order + "BIH", 10, 47, 0) + bytes(40),
        _block(order, 11, 259, b""),
    ]
    header = 282 + sum(map(len, blocks))
    begin = _block1(
        order, area, START + (first - 1) * LINE, START + (first + lines - 1) * LINE, header, len(data), name
    )
    path = folder / (name + ".bz2" if packed else name)
    content = begin + b"".join(blocks) + data
    path.write_bytes(bz2.compress(content) if packed else content)
    return path


def _block(order: str, number: int, length: int, content: bytes) -> bytes:
    return (struct.pack(order + "BH", number, length) + content).ljust(length, b"\0")


def _block1(order: str, area: str, start: datetime, end: datetime, header: int, data: int, name: str) -> bytes:
    content = struct.pack(order + "HB16s16s4s2sH", 11, order == ">", b"Himawari-8", b"MSC", area.encode(), b"RT", 300)
    content += struct.pack(
        order + "3d2I4B32s128s", mjd(start), mjd(end), mjd(end), header, data, 0, 0, 77, 5, b"1.3", name.encode()
    )
    return _block(order, 1, 282, content)


def _block2(order: str, lines: int, columns: int) -> bytes:
    return _block(order, 2, 50, struct.pack(order + "HHHB", 16, columns, lines, 0))


def _block3(order: str, factor: int, middle: float) -> bytes:
    axes = (42164.0, 6378.137, 6356.7523)
    return _block(order, 3, 127, struct.pack(order + "dIIff3d", LONGITUDE, factor, factor, middle, middle, *axes))


def _block5(order: str, band: int, updated: bool) -> bytes:
    reflective = band < 7
    gain, offset = (GAIN, OFFSET) if reflective else (IR_GAIN, IR_OFFSET)
    bits = 11 if reflective else 12
    wavelength = WAVELENGTHS.get(band, 10.0)
    content = struct.pack(order + "HdHHHdd", band, wavelength, bits, ERROR, OUTSIDE, gain, offset)
    if reflective:
        newer = (UPDATED_GAIN, UPDATED_OFFSET) if updated else (0.0, 0.0)
        content += struct.pack(order + "4d", ALBEDO, mjd(START), *newer)
    else:
        content += struct.pack(order + "9d", *TEMPERATURE, 0.0, 1.0, 0.0, LIGHT, PLANCK, BOLTZMANN)
    return _block(order, 5, 147, content)


def _block9(order: str, first: int, lines: int) -> bytes:
    pairs = [(line, mjd(START + (line - 0.5) * LINE)) for line in (first, first + lines - 1)]
    content = struct.pack(order + "H", len(pairs)) + b"".join(struct.pack(order + "Hd", *p) for p in pairs)
    return struct.pack(order + "BH", 9, 5 + 10 * len(pairs) + 40) + content + bytes(40)
