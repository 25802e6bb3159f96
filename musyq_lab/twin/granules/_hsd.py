"""Himawari Standard Data: header blocks and packed counts of one file.

Layout: JMA, Himawari-8/9 Himawari Standard Data User's Guide, version 1.3 (2017), tables 4 to 13.
"""

from __future__ import annotations

import bz2
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.twin.granules._disk import POLAR, Window
from musyq_lab.twin.orbit import EQUATOR, GEOSTATIONARY_RADIUS

ERROR, OUTSIDE = 65535, 65534
"""Counts of pixels in error, and of pixels outside the scan."""

LIGHT, PLANCK, BOLTZMANN = 299_792_458.0, 6.62607015e-34, 1.380649e-23
"""SI (2019)."""

_EPOCH = datetime(1858, 11, 17)  # of the modified Julian day
_LENGTHS = {1: 282, 2: 50, 3: 127, 4: 139, 5: 147, 6: 259, 7: 47, 8: 61, 11: 259}
_RUN = 32  # lines of fill that are packed at a time
_UNKNOWN = -1.0e10  # of inter-calibration


@dataclass(frozen=True)
class Calibration:
    """From counts to radiance (W m-2 sr-1 um-1) and on."""

    bits: int
    """Valid bits of a count."""
    gain: float
    """Per count, as launched."""
    offset: float
    """At count 0, as launched."""
    tail: tuple[float, ...]
    """Rest of block 5: c', day, gain and offset of the update (reflective); c0 to c2, C0 to C2, c, h, k (thermal)."""

    @property
    def highest(self) -> int:
        """The largest count."""
        return int(2**self.bits - 1)

    def counts(self, radiance: NDArray[np.float64], gain: float, offset: float) -> NDArray[np.uint16]:
        """Return the counts of radiance, :data:`OUTSIDE` for NaN."""
        found = np.clip(np.rint((radiance - offset) / gain), 0, self.highest)
        return np.where(np.isnan(found), OUTSIDE, found).astype(np.uint16)


@dataclass(frozen=True)
class Image:
    """What the header says of a band of an area that comes as one segment."""

    satellite: str
    """Name of the satellite."""
    area: str
    """Observation area, such as ``"R301"``."""
    slot: datetime
    """The ten minutes it belongs to."""
    time: datetime
    """When its lines were seen (UTC)."""
    band: int
    """Number of the band."""
    resolution: int
    """Pixel at nadir (m)."""
    wavelength: float
    """Central (um)."""
    part: Window
    """The area on the band's grid of the full disk."""
    factor: int
    """CFAC = LFAC."""
    centre: float
    """COFF = LOFF of the full disk, pixels counted from 0."""
    longitude: float
    """Of the satellite (deg)."""
    calibration: Calibration
    """Of the counts."""

    @property
    def name(self) -> str:
        """Name of the file before it is packed."""
        code = f"H{self.satellite[-1]:0>2}"
        when = f"{self.slot:%Y%m%d_%H%M}"
        return f"HS_{code}_{when}_B{self.band:02d}_{self.area}_R{self.resolution // 100:02d}_S0101.DAT"

    def write(self, folder: Path, counts: NDArray[np.uint16], window: Window) -> Path:
        """Write counts that fill a window (on the grid of the full disk); what is around it is outside the scan."""
        left, above = window.left - self.part.left, window.top - self.part.top
        below = self.part.lines - above - window.lines
        if min(left, above, below, self.part.columns - left - window.columns) < 0:
            raise InputError(f"The window {window} does not lie in the area {self.part}.")
        lines = np.full((window.lines, self.part.columns), OUTSIDE, "<u2")
        lines[:, left : left + window.columns] = counts
        pieces = [bz2.compress(self.header()), _fill(above, self.part.columns), bz2.compress(lines.tobytes())]
        path = folder / f"{self.name}.bz2"
        path.write_bytes(b"".join([*pieces, _fill(below, self.part.columns)]))
        return path

    def header(self) -> bytes:
        """Return blocks 1 to 11."""
        lines, columns = self.part.lines, self.part.columns
        thermal = self.band >= 7
        pairs = b"".join(struct.pack("<Hd", line, _day(self.time)) for line in (1, lines))
        axes = EQUATOR / 1e3, POLAR / 1e3
        distance = GEOSTATIONARY_RADIUS / 1e3
        ratio = (axes[1] / axes[0]) ** 2
        ratios = 1 - ratio, ratio, 1 / ratio, distance**2 - axes[0] ** 2
        offsets = self.centre - self.part.left + 1, self.centre - self.part.top + 1
        position = (self.longitude, 0.0, distance, self.longitude, 0.0)
        c = self.calibration
        line = ERROR, OUTSIDE, c.gain, c.offset
        rest = [
            _block(2, "HHHB", 16, columns, lines, 0),
            _block(3, "dIIff7dhh", self.longitude, self.factor, self.factor, *offsets, distance, *axes, *ratios, 0, 0),
            _block(4, "d5d", _day(self.time), *position),
            _block(5, f"HdHHHdd{len(c.tail)}d", self.band, self.wavelength, c.bits, *line, *c.tail),
            _block(6, "8d2f", *(_UNKNOWN,) * 10 if thermal else (0.0,) * 10),
            _block(7, "BBH", 1, 1, 1),
            _block(8, "ffdH", 0.0, 0.0, 0.0, 0),
            struct.pack("<BHH", 9, 45 + len(pairs), 2) + pairs + bytes(40),
            struct.pack("<BIH", 10, 47, 0) + bytes(40),
            _block(11, ""),
        ]
        length = _LENGTHS[1] + sum(map(len, rest))
        return b"".join([self._basic(length, 2 * lines * columns), *rest])

    def _basic(self, header: int, data: int) -> bytes:
        texts = self.satellite.encode(), b"MSC", self.area.encode(), b"RT"
        timeline = int(f"{self.slot:%H%M}")
        days = _day(self.time), _day(self.time + timedelta(seconds=1)), _day(self.time + timedelta(minutes=5))
        rest = header, data, 0, 0, 77, 5, b"1.3", self.name.encode()
        return _block(1, "HB16s16s4s2sH3d2I4B32s128s", 11, 0, *texts, timeline, *days, *rest)


def _block(number: int, layout: str, *values: object) -> bytes:
    length = _LENGTHS[number]
    return struct.pack(f"<BH{layout}", number, length, *values).ljust(length, b"\0")


def _day(moment: datetime) -> float:
    return (moment - _EPOCH) / timedelta(days=1)


def _fill(lines: int, columns: int) -> bytes:
    """Return packed lines outside the scan, as streams that follow one another (bzip2 lets them)."""
    whole, rest = divmod(lines, _RUN)
    parts = [_packed(1 << bit, columns) for bit in range(_RUN.bit_length() - 1) if rest >> bit & 1]
    return b"".join([_packed(_RUN, columns) * whole, *parts])


@lru_cache(maxsize=64)
def _packed(lines: int, columns: int) -> bytes:
    return bz2.compress(np.full(lines * columns, OUTSIDE, "<u2").tobytes())
