"""Minimal AVHRR granules in their native layouts, octet by octet.

NOAA KLM User's Guide, tables 8.3.1.4.2 and 8.3.1.4.3 (GAC), 8.3.1.3.2 and 8.3.1.3.3 (LAC), whose octets count from 1;
EUMETSAT EPS.MIS.SPE.97231 for EPS. All numbers are big-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

GAC_NAME = "NSS.GHRR.NP.D09172.S1030.E1031.B0192021.GC"
LAC_NAME = "NSS.FRAC.M2.D09172.S1030.E1031.B0192021.SV"
EPS_NAME = "AVHR_xxx_1B_M01_20150621093003Z_20150621093004Z_N_O_20150621101500Z"

EARTH, HEIGHT = 6371.0, 833.0  # km
HALF_SWATH = 55.37  # degree, at the middle of the last of 2048 samples


@dataclass
class Swath:
    """A scan that is known everywhere: longitude, latitude and view of any sample of any line."""

    lines: int
    columns: int
    longitude: float = 10.0
    latitude: float = 48.0
    heading: float = 12.0
    """Of the satellite (degree, clockwise from north)."""
    spacing: float = 1.1
    """Of lines (km)."""

    def at(self, columns: np.ndarray) -> dict[str, np.ndarray]:
        """Return places and view angles (degree), shape (lines, columns)."""
        lac = columns * 5 + 3.5 if self.columns == 409 else columns
        scan = np.radians((lac - 1023.5) / 1023.5 * HALF_SWATH)
        zenith = np.arcsin((EARTH + HEIGHT) / EARTH * np.sin(scan))
        away = zenith - scan  # at the centre of the Earth, right of the track positive
        track = np.arange(self.lines)[:, None] * self.spacing / EARTH
        lon0, lat0 = _move(np.radians(self.longitude), np.radians(self.latitude), np.radians(self.heading), track)
        lon, lat = _move(lon0, lat0, np.radians(self.heading + 90.0), away[None, :])
        return {
            "longitude": (np.degrees(lon) + 180.0) % 360.0 - 180.0,
            "latitude": np.degrees(lat),
            "view_zenith": np.degrees(np.abs(zenith)) * np.ones((self.lines, 1)),
            "view_azimuth": _bearing(lon, lat, lon0, lat0),
        }


def _move(lon, lat, heading, distance):
    latitude = np.arcsin(np.sin(lat) * np.cos(distance) + np.cos(lat) * np.sin(distance) * np.cos(heading))
    east = np.sin(heading) * np.sin(distance) * np.cos(lat)
    return lon + np.arctan2(east, np.cos(distance) - np.sin(lat) * np.sin(latitude)), latitude


def _bearing(lon, lat, lon0, lat0):
    east = np.sin(lon0 - lon) * np.cos(lat0)
    north = np.cos(lat) * np.sin(lat0) - np.sin(lat) * np.cos(lat0) * np.cos(lon0 - lon)
    return np.degrees(np.arctan2(east, north)) % 360.0


def sun_zenith(lines: int, columns: np.ndarray, width: int) -> np.ndarray:
    """Return the slanting zenith angle of the Sun that is put in (degree)."""
    return 35.0 + 0.05 * np.arange(lines)[:, None] + 30.0 * columns / width


def counts(lines: int, columns: int) -> np.ndarray:
    """Return 10-bit counts of five channels, (lines, columns, 5): above and below where the two slopes meet."""
    line, column, channel = np.mgrid[:lines, :columns, :5]
    return (60 + (column * 7 + line * 31 + channel * 113) % 900).astype("u2")


# Coefficients of channels 1, 2, 3a as the records hold them: slope 1, intercept 1, slope 2, intercept 2, intersection.
VISIBLE = np.array(
    [
        [545_000, -2_110_000, 1_630_000, -55_870_000, 496],
        [580_000, -2_250_000, 1_740_000, -60_300_000, 500],
        [270_000, -1_100_000, 1_850_000, -79_000_000, 492],
    ]
)
# Of channels 3b, 4, 5: a0, a1, a2 (1e-6; a2 of 4 and 5 1e-7 since version 3).
INFRARED = np.array([[1_950_000, -1_960, 0], [172_500_000, -182_000, 120], [190_000_000, -198_000, 95]])
IRRADIANCE = np.array([1395, 2326, 140])  # 0.1 W m-2
WIDTH = np.array([84, 237, 58])  # 0.001 um
WAVENUMBER = np.array([267_020, 928_146, 833_253])  # 0.01 cm-1, 0.001 cm-1 twice: NOAA-19
CONSTANT = np.array([167_396, 55_126, 34_716])  # 1e-5 K
SLOPE = np.array([997_364, 998_534, 998_947])  # 1e-6


@dataclass
class Klm:
    """What goes into a data set of NOAA's archive."""

    swath: Swath
    name: str
    satellite: int
    record: int
    ties: np.ndarray
    version: int = 5
    switch: tuple[int, ...] = ()
    """Of each line: 0 channel 3b, 1 channel 3a, 2 neither."""
    quality: dict[int, int] = field(default_factory=dict)
    """Line -> quality indicator."""
    clavr: dict[tuple[int, int], int] = field(default_factory=dict)
    """Line, column -> cloud code."""

    @property
    def counts(self) -> np.ndarray:
        """Counts put in."""
        return counts(self.swath.lines, self.swath.columns)

    def header(self) -> bytes:
        """Return the header record."""
        raw = bytearray(self.record)
        put(raw, 1, "3s", b"NSS")
        put(raw, 5, "H", self.version)
        put(raw, 15, "H", 1)
        put(raw, 23, "42s", self.name.encode())
        put(raw, 73, "H", self.satellite)
        put(raw, 77, "H", 2 if self.swath.columns == 409 else 1)
        put(raw, 85, "HHI", 2009, 172, 37_800_000)  # 2009-06-21 10:30:00
        put(raw, 97, "HHI", 2009, 172, 37_800_000 + 500 * self.swath.lines)
        put(raw, 129, "H", self.swath.lines)
        for channel in range(3):
            put(raw, 257 + 8 * channel, "ii", int(IRRADIANCE[channel]), int(WIDTH[channel]))
            put(raw, 281 + 12 * channel, "iii", int(WAVENUMBER[channel]), int(CONSTANT[channel]), int(SLOPE[channel]))
        return bytes(raw)

    def lines(self) -> bytes:
        """Return the data records."""
        places = self.swath.at(self.ties)
        sun = sun_zenith(self.swath.lines, self.ties, self.swath.columns)
        return b"".join(self._line(n, places, sun) for n in range(self.swath.lines))

    def _line(self, number: int, places: dict[str, np.ndarray], sun: np.ndarray) -> bytes:
        raw = bytearray(self.record)
        put(raw, 1, "HHH", number + 1, 2009, 172)
        put(raw, 9, "I", 37_800_000 + 500 * number)
        put(raw, 13, "H", self.switch[number] if self.switch else 0)
        put(raw, 25, "I", self.quality.get(number, 0))
        for channel in range(3):
            put(raw, 49 + 60 * channel, "5i", *VISIBLE[channel])
            put(raw, 229 + 24 * channel, "3i", *INFRARED[channel])
        for tie in range(51):
            view = places["view_zenith"][number, tie]
            put(raw, 329 + 6 * tie, "hhh", round(sun[number, tie] * 100), round(view * 100), 9000)
            where = (places[key][number, tie] for key in ("latitude", "longitude"))
            put(raw, 641 + 8 * tie, "ii", *(round(value * 1e4) for value in where))
        samples = self.counts[number].ravel().astype(np.uint32)
        samples = np.concatenate([samples, np.zeros(-len(samples) % 3, np.uint32)]).reshape(-1, 3)
        words = samples[:, 0] << 20 | samples[:, 1] << 10 | samples[:, 2]
        raw[1264 : 1264 + 4 * len(words)] = words.astype(">u4").tobytes()
        self._clouds(raw, number)
        return bytes(raw)

    def _clouds(self, raw: bytearray, number: int) -> None:
        status, first = (4049, 4057) if self.swath.columns == 409 else (14977, 14985)
        put(raw, status, "I", int(bool(self.clavr)))
        for (line, column), code in self.clavr.items():
            if line == number:
                raw[first - 1 + column // 4] |= code << (6 - 2 * (column % 4))

    def write(self, path: Path, *, archive_header: bool = False) -> Path:
        """Write the data set, behind a header of the archive if wanted."""
        ahead = f"{'':30}{self.name:42}".encode().ljust(122) + b"" if archive_header else b""
        path.write_bytes(ahead.ljust(512 if archive_header else 0) + self.header() + self.lines())
        return path


def put(raw: bytearray, octet: int, form: str, *values) -> None:
    """Put big-endian numbers at an octet, counted from 1."""
    struct.pack_into(">" + form, raw, octet - 1, *(int(v) if not isinstance(v, bytes) else v for v in values))


def gac(lines: int = 6, **changes) -> Klm:
    """Return a GAC data set of NOAA-19: 3b, but for a line of 3a and one in between."""
    swath = changes.pop("swath", Swath(lines, 409, spacing=3.3))
    switch = changes.pop("switch", (0, 0, 2, 1, 0, 0)[:lines] + (0,) * (lines - 6))
    # The samples of the tie points: see musyq_lab.sensors._avhrr_klm.GAC.
    return Klm(swath, GAC_NAME, 8, 4608, 4.5 + 8.0 * np.arange(51), switch=switch, **changes)


def lac(lines: int = 4, **changes) -> Klm:
    """Return a FRAC data set of Metop-A."""
    return Klm(changes.pop("swath", Swath(lines, 2048)), LAC_NAME, 12, 15872, 24.0 + 40.0 * np.arange(51), **changes)


# EPS: the product's header texts, the constants and one record a line.

EPS_CONSTANT = np.array([-204_300, -54_000, -36_000])  # 1e-5 K: T = constant + slope T*
EPS_SLOPE = np.array([1_003_090, 1_001_500, 1_001_100])
EPS_WAVENUMBER = np.array([268_710, 927_200, 837_800])
EPS_TIES = np.concatenate([[0], 4 + 20 * np.arange(103), [2047]])
EPS_FILL = -32768


def record(kind: int, subclass: int, body: bytes) -> bytes:
    """Return a record with its generic header."""
    return struct.pack(">BBBBI", kind, 4, subclass, 1, 20 + len(body)) + bytes(12) + body


def _entries(pairs: dict[str, str]) -> bytes:
    return b"".join(f"{key:<30}= {value}\n".encode() for key, value in pairs.items())


# The main header's entries before and after those of interest have these lengths of their values in the format.
_MAIN = (
    *(("PRODUCT_NAME", 67), ("PARENT_PRODUCT_NAME_1", 67), ("PARENT_PRODUCT_NAME_2", 67)),
    *(("PARENT_PRODUCT_NAME_3", 67), ("PARENT_PRODUCT_NAME_4", 67), ("INSTRUMENT_ID", 4)),
    *(("INSTRUMENT_MODEL", 3), ("PRODUCT_TYPE", 3), ("PROCESSING_LEVEL", 2), ("SPACECRAFT_ID", 3)),
    *(("SENSING_START", 15), ("SENSING_END", 15)),
)


@dataclass
class Eps:
    """What goes into a product of EPS."""

    swath: Swath
    spacecraft: str = "M01"
    three_a: tuple[int, ...] = ()
    """Lines that hold channel 3a."""
    quality: dict[int, int] = field(default_factory=dict)
    """Line -> quality indicator."""
    degraded: tuple[int, ...] = ()
    """Lines marked as degraded."""
    clouds: dict[tuple[int, int], int] = field(default_factory=dict)
    """Line, column -> cloud word."""
    lost: tuple[int, ...] = ()
    """Lines before which a dummy record stands for a lost one."""
    views: int = 2048

    @property
    def radiances(self) -> np.ndarray:
        """Stored radiances, (lines, 5, columns)."""
        line, channel, column = np.mgrid[: self.swath.lines, :5, :2048]
        top = np.array([9_000, 14_000, 12_000, 11_000, 12_000])[None, :, None]
        stored = (top // 10 + (column * 5 + line * 17 + channel * 211) % (top * 8 // 10)).astype("i2")
        stored[0, :, 7] = EPS_FILL
        return stored

    def main_header(self) -> bytes:
        """Return the text of the main product header."""
        values = {
            "PRODUCT_NAME": EPS_NAME,
            "INSTRUMENT_ID": "AVHR",
            "INSTRUMENT_MODEL": "3",
            "PRODUCT_TYPE": "xxx",
            "PROCESSING_LEVEL": "1B",
            "SPACECRAFT_ID": self.spacecraft,
            "SENSING_START": "20150621093003Z",
            "SENSING_END": "20150621093004Z",
        }
        text = _entries({key: values.get(key, "").rjust(size) for key, size in _MAIN})
        total = _entries({"TOTAL_MDR": str(self.swath.lines).rjust(6)})
        # Entries in between are left out; readers by offset (satpy) find the count where the format has it.
        return (text.ljust(2935) + total).ljust(3287)

    def constants(self) -> bytes:
        """Return the body of the radiance constants."""
        raw = bytearray(110)
        for channel in range(3):
            put(raw, 63 + 4 * channel, "hh", IRRADIANCE[channel], WIDTH[channel])
            put(raw, 75 + 12 * channel, "iii", EPS_WAVENUMBER[channel], EPS_CONSTANT[channel], EPS_SLOPE[channel])
        return bytes(raw)

    def line(self, number: int) -> bytes:
        """Return the body of a line's record."""
        raw = bytearray(26640)
        put(raw, 1, "BB", number in self.degraded, 0)
        put(raw, 3, "h", 2048)
        raw[4 : 4 + 20480] = self.radiances[number].astype(">i2").tobytes()
        angles, places = self._ties(number)
        raw[20502:20518] = angles[[0, -1]].tobytes()
        raw[20518:20534] = places[[0, -1]].tobytes()
        put(raw, 20535, "h", 103)
        raw[20536:21360] = angles[1:-1].tobytes()
        raw[21360:22184] = places[1:-1].tobytes()
        put(raw, 22185, "I", self.quality.get(number, 0))
        clouds = np.zeros(2048, ">u2")
        for (line, column), word in self.clouds.items():
            clouds[column] = word if line == number else clouds[column]
        raw[22452:26548] = clouds.tobytes()
        put(raw, 26561, "I", (1 << 16) * (number in self.three_a))
        return bytes(raw)

    def _ties(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        known = self.swath.at(EPS_TIES.astype(float))
        sun = sun_zenith(self.swath.lines, EPS_TIES, 2048)[number]
        columns = [sun, known["view_zenith"][number], np.full(105, 160.0), known["view_azimuth"][number]]
        angles = np.round(np.stack(columns, axis=1) * 100)
        angles[:, 3] = np.where(angles[:, 3] > 18000, angles[:, 3] - 36000, angles[:, 3])  # 16 bits
        places = np.round(np.stack([known["latitude"][number], known["longitude"][number]], axis=1) * 1e4)
        return angles.astype(">i2"), places.astype(">i4")

    def write(self, path: Path) -> Path:
        """Write the product."""
        second = {"SRC_DATA_QUAL": "0" * 16, "EARTH_VIEWS_PER_SCANLINE": f"{self.views:5d}", "NAV_SAMPLE_RATE": " 20"}
        parts = [
            record(1, 0, self.main_header()),
            record(2, 0, _entries(second)),
            record(3, 0, bytes(7)),
            record(5, 1, self.constants()),
            record(5, 2, bytes(272)),
        ]
        for number in range(self.swath.lines):
            parts += [record(8, 13, bytes(1))] * (number in self.lost)
            parts.append(record(8, 2, self.line(number)))
        path.write_bytes(b"".join(parts))
        return path


def eps(lines: int = 4, **changes) -> Eps:
    """Return a product of Metop-B: channel 3b in its second line, 3a in the others."""
    three_a = changes.pop("three_a", tuple(n for n in range(lines) if n != 1))
    return Eps(changes.pop("swath", Swath(lines, 2048)), three_a=three_a, **changes)
