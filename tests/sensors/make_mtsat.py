"""JMA HRIT files of MTSAT-2 in small, header records as in JMA's HRIT Mission Specific Implementation."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

START = datetime(2012, 7, 1, 2, 32, 0)
FACTOR = {"VIS": 40932513, "IR1": 10233128, "IR2": 10233128, "IR3": 10233128, "IR4": 10233128}
TABLE = {"VIS": ((0, -0.1), (1023, 100.0)), "IR": ((0, 329.98), (400, 270.0), (1023, 130.02))}


def mjd(moment: datetime) -> float:
    """Return the modified Julian day."""
    return (moment - datetime(1858, 11, 17)) / timedelta(days=1)


def image(
    folder: Path,
    counts: np.ndarray,
    *,
    band: str,
    number: int = 0,
    total: int = 1,
    longitude: float = 145.0,
    area: int = 1,
    loff: int | None = None,
    compressed: bool = False,
) -> Path:
    """Write a file; ``number`` 0 is an image in one piece, else the segment from 1.

    LOFF is the middle of the whole, unless given; ``area`` is 1 for the full disk, 2 and 3 for its halves.
    """
    lines, columns = counts.shape
    suffix = f"_{number:03d}" if number else ""
    name = f"IMG_DK{area:02d}{band}_201207010230{suffix}"
    before = (max(number, 1) - 1) * lines
    whole = lines * (total if number else 1)
    records = [
        (1, struct.pack(">BHHB", 16, columns, lines, compressed)),
        (
            2,
            f"GEOS({longitude:.2f})".encode().ljust(32)
            + struct.pack(">4i", *[FACTOR[band]] * 2, columns // 2, whole // 2 if loff is None else loff),
        ),
        (3, _table(band)),
        (4, name.encode()),
        (5, bytes(7)),
        (128, struct.pack(">BBH", number, total, before + 1)),
        (131, _times(before + 1, lines)),
        (132, b"NO_ERROR\r"),
    ]
    headers = b"".join(struct.pack(">BH", kind, len(value) + 3) + value for kind, value in records)
    data = counts.astype(">u2").tobytes()
    path = folder / name
    path.write_bytes(struct.pack(">BHBIQ", 0, 16, 0, 16 + len(headers), 8 * len(data)) + headers + data)
    return path


def _table(band: str) -> bytes:
    unit = "ALBEDO(%)" if band == "VIS" else "KELVIN"
    pairs = TABLE["VIS" if band == "VIS" else "IR"]
    rows = [f"{k}:={v}" for k, v in (*pairs, (65535, pairs[-1][1]))]
    return "\r".join(["$HALFTONE:=16", f"_NAME:={band}", f"_UNIT:={unit}", *rows, ""]).encode()


def _times(first: int, lines: int) -> bytes:
    """Write the instants of the first and the last line: one second a line."""
    pairs = [(line, mjd(START + timedelta(seconds=line))) for line in (first, first + lines - 1)]
    return "".join(f"LINE:={line}\rTIME:={day:.8f}\r" for line, day in pairs).encode()
