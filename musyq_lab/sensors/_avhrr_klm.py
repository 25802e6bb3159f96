"""AVHRR/3 Level 1b of NOAA-15 to -19 and Metop as NOAA archives it (CLASS): one record a line, GAC, LAC, HRPT, FRAC.

Layout: NOAA KLM User's Guide, sections 8.3.1.3 (LAC, HRPT) and 8.3.1.4 (GAC); all numbers are big-endian integers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration
from musyq_lab.sensors._angles import sun_at
from musyq_lab.sensors._avhrr import (
    Direction,
    Floats,
    Records,
    Scan,
    ThermalBand,
    along,
    bearing,
    constants,
    directions,
    on_sphere,
    physical,
)
from musyq_lab.sensors._calibrate import Counts
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._scene import Acquisition, Rule, assemble, quality
from musyq_lab.sensors._time import sun_distance

PLATFORMS = {
    4: "NOAA-15",
    2: "NOAA-16",
    6: "NOAA-17",
    7: "NOAA-18",
    8: "NOAA-19",
    12: "Metop-A",
    11: "Metop-B",
    13: "Metop-C",
}
"""NOAA spacecraft identification code -> satellite (section 8.3.1.3.2.1, octets 73-74)."""

LETTERS = "NK|NL|NM|NN|NP|M[123]"
"""Letters of the satellites in names of data sets."""

OLDER = "N[ACDEFGHJ]|TN"
"""Letters of the satellites before: their data sets are known by name, and refused with the reason."""


@dataclass(frozen=True, slots=True)
class Form:
    """What GAC and LAC differ in."""

    modes: str
    """Transfer modes in names of data sets."""
    record: int
    """Bytes of a record; the header takes one too."""
    columns: int
    """Samples of a line."""
    ties: tuple[float, ...]
    """Columns of the 51 tie points, the first column being 0."""
    clavr: int
    """Byte of a record at which the cloud codes begin."""


# Tie points of GAC lie half a sample beyond what the guide's "5, 13, 21 ..." says: Merchant, University of Reading, in
# pytroll/pygac issue 88 and pull request 143, found from coastlines; pygac uses the same.
GAC = Form("GHRR", 4608, 409, tuple(4.5 + 8.0 * i for i in range(51)), 4056)
LAC = Form("LHRR|HRPT|FRAC", 15872, 2048, tuple(24.0 + 40.0 * i for i in range(51)), 14984)

_ARCHIVE_HEADER = 512  # put before the data set by CLASS, or not
_NAME = slice(22, 64)

_HEADER = np.dtype(
    {
        "names": ["version", "satellite", "start", "end", "lines", "solar", "thermal"],
        "formats": [
            ">u2",
            ">u2",
            [("year", ">u2"), ("day", ">u2"), ("ms", ">u4")],
            [("year", ">u2"), ("day", ">u2"), ("ms", ">u4")],
            ">u2",
            (">i4", (3, 2)),  # irradiance (0.1 W m-2), width (0.001 um)
            (">i4", (3, 3)),  # wavenumber, constant 1 (1e-5 K), constant 2 (1e-6)
        ],
        "offsets": [4, 72, 84, 96, 128, 256, 280],
        "itemsize": 424,
    }
)


def _record(form: Form) -> np.dtype[Any]:
    fields = {
        **{"year": (">u2", 2), "day": (">u2", 4), "ms": (">u4", 8)},
        **{"bits": (">u2", 12), "quality": (">u4", 24)},
        "visible": ((">i4", (3, 3, 5)), 48),  # channel; operational, test, prelaunch; slope 1, intercept 1, slope 2 ...
        "infrared": ((">i4", (3, 2, 3)), 228),  # channel; operational, test; coefficients
        "angles": ((">i2", (51, 3)), 328),  # Sun zenith, view zenith, relative azimuth (0.01 degree)
        "places": ((">i4", (51, 2)), 640),  # latitude, longitude (0.0001 degree)
        "samples": ((">u4", math.ceil(form.columns * 5 / 3)), 1264),
        "status": (">u4", form.clavr - 8),
        "clouds": (("u1", math.ceil(form.columns / 4)), form.clavr),
    }
    formats, offsets = zip(*fields.values(), strict=True)
    return np.dtype({"names": list(fields), "formats": formats, "offsets": offsets, "itemsize": form.record})


@dataclass(frozen=True, slots=True)
class Header:
    """What the first record says."""

    platform: str
    """Satellite."""
    version: int
    """Of the format."""
    start: datetime
    """First instant (UTC)."""
    end: datetime
    """Last instant (UTC)."""
    scan: Scan
    """Where the lines are."""
    solar: tuple[tuple[float, float], ...]
    """Irradiance (W m-2) and width (um) of channels 1, 2 and 3a."""
    thermal: tuple[ThermalBand, ...]
    """Of channels 3b, 4 and 5."""


def read_header(granule: Granule, form: Form) -> Header:
    """Return what the header says.

    Raises
    ------
    SceneError
        If the file is no such data set, is cut off, or of a satellite that is not of this series.
    """
    path = granule.path
    with path.open("rb") as file:
        head = file.read(_ARCHIVE_HEADER + _HEADER.itemsize)
    start = _start(path, head, form)
    raw = np.frombuffer(head[start : start + _HEADER.itemsize], _HEADER)[0]
    if int(raw["satellite"]) not in PLATFORMS:
        raise SceneError(
            f"{path}: the header names the satellite number {int(raw['satellite'])}, which is none of NOAA-15 to -19 "
            "and Metop. The file is damaged."
        )
    lines, rest = divmod(path.stat().st_size - start - form.record, form.record)
    if lines < 1 or rest:
        raise SceneError(
            f"{path} is cut off: {max(lines, 0)} whole lines of {form.record} bytes follow its header. Fetch it again."
        )
    numbers = constants(raw["solar"], raw["thermal"])
    if numbers is None:
        raise SceneError(f"{path}: irradiances or wavenumbers in the header are none of an AVHRR. The file is damaged.")
    return Header(
        PLATFORMS[int(raw["satellite"])],
        int(raw["version"]),
        _instant(path, raw["start"]),
        _instant(path, raw["end"]),
        Scan(str(path), start + form.record, _record(form), lines, form.columns),
        *numbers,
    )


def _start(path: Path, head: bytes, form: Form) -> int:
    """Return where the data set begins: at the file's beginning, or behind the archive's header."""
    for start in (0, _ARCHIVE_HEADER):
        name = head[start + _NAME.start : start + _NAME.stop].decode("latin-1")
        if found := re.match(rf"\w{{3}}\.(\w{{4}})\.({LETTERS})\.", name):
            if not re.fullmatch(form.modes, found[1]):
                raise SceneError(f"{path} is a data set of the kind {found[1]}, not {form.modes.replace('|', ', ')}.")
            return start if len(head) >= start + _HEADER.itemsize else _cut(path)
    raise SceneError(
        f"{path} holds no Level 1b data set of NOAA-15 to -19 or Metop (its header lacks the name of one). Data of "
        "NOAA-14 and before have another layout, which is not read."
    )


def _cut(path: Path) -> int:
    raise SceneError(f"{path} is cut off within its header. Fetch it again.")


def _instant(path: Path, raw: Any) -> datetime:
    year, day, milliseconds = int(raw["year"]), int(raw["day"]), int(raw["ms"])
    if not (1998 <= year <= 2100 and 1 <= day <= 366 and milliseconds < 86_400_000 + 1000):
        raise SceneError(f"{path}: the header gives the time {year}, day {day}, {milliseconds} ms. It is damaged.")
    return datetime(year, 1, 1) + timedelta(days=day - 1, milliseconds=milliseconds)


def open_klm(granule: Granule, form: Form, calibration: Calibration) -> xr.Dataset:
    """Open a data set lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    header = read_header(granule, form)
    scan = header.scan
    rows = granule.sensor.bands_of(header.platform)
    counts = [
        Counts(b, scan.layer(partial(_samples, band=b.native), np.uint16), (0.0,), saturation=_full(b)) for b in rows
    ]
    longitude, latitude = (
        scan.layer(Direction(_places, form.ties, form.columns, w, 6), np.float64) for w in ("longitude", "latitude")
    )
    angles = _angles(scan, form)
    flags = scan.layer(_flags, np.uint8)
    return assemble(
        granule,
        Acquisition(header.platform, header.start, header.end, "L1B", {"format_version": header.version}),
        counts if calibration == "counts" else _physical(header, rows, calibration, angles["sun_zenith"]),
        calibration=calibration,
        angles=angles,
        qa=quality(counts, [(flags, RULES)]),
        longitude=longitude,
        latitude=latitude,
    )


def _full(band: Band) -> float:
    return math.inf if band.thermal else 1023.0


_CHANNEL = {"1": 0, "2": 1, "3a": 2, "3b": 2, "4": 3, "5": 4}
_SWITCH = {"3a": 1, "3b": 0}  # bits 0-1 of the scan line bit field; 2 is the change from one to the other
_FATAL = np.uint32(1 << 31)
_NO_CALIBRATION = np.uint32(1 << 28)
_NO_PLACE = np.uint32(1 << 27)
_DOUBTFUL = np.uint32(1 << 30 | 1 << 28 | 1 << 20)  # time error, insufficient data for calibration, bit slippage


def _samples(records: Records, band: str) -> NDArray[np.uint16]:
    """Return the 10-bit counts of a band, 0 in lines that hold the other of 3a and 3b or that are not to be used."""
    words = records["samples"]
    three = np.stack([words >> 20 & 1023, words >> 10 & 1023, words & 1023], axis=-1)
    columns = words.shape[1] * 3 // 5  # three samples of 10 bits a word, five channels a column
    samples = three.reshape(len(records), -1)[:, : columns * 5].reshape(len(records), columns, 5)
    counts = samples[:, :, _CHANNEL[band]].astype(np.uint16)
    counts[~_usable(records, band)] = 0
    return counts


def _usable(records: Records, band: str) -> NDArray[np.bool_]:
    usable = (records["quality"] & (_FATAL | _NO_PLACE)) == 0
    if band in _SWITCH:
        usable &= (records["bits"] & 3) == _SWITCH[band]
    return np.asarray(usable)


def _albedo(records: Records, band: str) -> Floats:
    """Return pi L / E0 (1) by the operational coefficients: two lines that meet at a count."""
    samples = _samples(records, band)
    slope1, intercept1, slope2, intercept2, corner = records["visible"][:, _CHANNEL[band], 0].T[..., None].astype(float)
    low = slope1 * 1e-7 * samples + intercept1 * 1e-6
    high = slope2 * 1e-7 * samples + intercept2 * 1e-6
    percent = np.where(samples <= corner, low, high)
    percent[(samples == 0) | ((slope1 == 0) & (slope2 == 0))] = np.nan
    return np.asarray(percent * 0.01)


def _radiance(records: Records, band: str, version: int) -> Floats:
    """Return radiance (mW m-2 sr-1 (cm-1)-1) of a thermal band by the operational coefficients."""
    samples = _samples(records, band).astype(float)
    a0, a1, a2 = records["infrared"][:, ("3b", "4", "5").index(band), 0].T[..., None].astype(float)
    # Since version 3 (28 April 2005) the last coefficient of channels 4 and 5 has one digit more.
    last = 1e-7 if version >= 3 and band != "3b" else 1e-6
    radiance = a0 * 1e-6 + a1 * 1e-6 * samples + a2 * last * samples**2
    radiance[(samples == 0) | (a1 == 0)] = np.nan
    return np.asarray(radiance)


@dataclass(frozen=True)
class _Albedo:
    """Radiance (W m-2 sr-1 um-1), or reflectance before the division by the cosine."""

    band: str
    factor: float

    def __call__(self, records: Records) -> Floats:
        return _albedo(records, self.band) * self.factor


@dataclass(frozen=True)
class _Thermal:
    """Radiance (W m-2 sr-1 um-1) or brightness temperature (K)."""

    band: str
    version: int
    constants: ThermalBand
    temperature: bool

    def __call__(self, records: Records) -> Floats:
        radiance = _radiance(records, self.band, self.version)
        return self.constants.temperature(radiance) if self.temperature else radiance * self.constants.unit


def _physical(
    header: Header, rows: tuple[Band, ...], calibration: Calibration, zenith: xr.DataArray
) -> dict[str, xr.DataArray]:
    square = sun_distance(header.start) ** 2

    def decoder(band: Band) -> Callable[[Records], Floats]:
        if band.thermal:
            warm = header.thermal[("3b", "4", "5").index(band.native)]
            return _Thermal(band.native, header.version, warm, calibration == "reflectance")
        if calibration == "reflectance":
            return _Albedo(band.native, square)
        irradiance, width = header.solar[_CHANNEL[band.native]]
        return _Albedo(band.native, irradiance / (math.pi * width))

    return physical(header.scan, rows, calibration, zenith, decoder)


def _latlon(records: Records) -> tuple[Floats, Floats]:
    places = records["places"] * 1e-4
    latitude, longitude = places[..., 0], places[..., 1]
    lost = ((records["quality"] & _NO_PLACE) != 0)[:, None] | ((latitude == 0) & (longitude == 0))
    return np.where(lost, np.nan, latitude), np.where(lost, np.nan, longitude)


def _places(records: Records) -> Floats:
    latitude, longitude = _latlon(records)
    return on_sphere(longitude, latitude)


_MIDDLE = 25  # of 51 tie points


def _view(records: Records) -> Floats:
    """Return directions to the satellite: the zenith angle stored, the azimuth that of the line's middle.

    The records hold the azimuth relative to the Sun only, without its sign. The satellite stands over the middle of the
    line, so it is seen from a pixel in that direction on the sphere.
    """
    latitude, longitude = _latlon(records)
    # Nadir lies half a sample before the middle tie point (column 204 of 409, 1023.5 of 2048), which looks back.
    towards = np.full(latitude.shape[1], _MIDDLE)
    towards[_MIDDLE] -= 1
    azimuth = bearing(longitude, latitude, longitude[:, towards], latitude[:, towards])
    return directions(np.abs(records["angles"][..., 1] * 1e-2), azimuth)


def _sun(records: Records) -> Floats:
    """Return directions to the Sun at the instant of each line, for their azimuth; the zenith angle is stored."""
    latitude, longitude = _latlon(records)
    year, day, milliseconds = (records[name].astype(np.int64) for name in ("year", "day", "ms"))
    known = (year >= 1998) & (year <= 2100) & (day >= 1) & (day <= 366)
    begin = (np.where(known, year, 2000) - 1970).astype("datetime64[Y]").astype("datetime64[ns]")
    times = begin + (np.where(known, day, 1) - 1).astype("timedelta64[D]") + milliseconds.astype("timedelta64[ms]")
    return directions(*sun_at(times[:, None], np.where(known[:, None], longitude, np.nan), latitude))


@dataclass(frozen=True)
class _SunZenith:
    form: Form

    def __call__(self, records: Records) -> Floats:
        return along(records["angles"][..., 0] * 1e-2, self.form.ties, self.form.columns, 4)


def _angles(scan: Scan, form: Form) -> dict[str, xr.DataArray]:
    ties = (form.ties, form.columns)
    return {
        "sun_zenith": scan.layer(_SunZenith(form), np.float32),
        "sun_azimuth": scan.layer(Direction(_sun, *ties, "azimuth"), np.float32),
        "view_zenith": scan.layer(Direction(_view, *ties, "zenith"), np.float32),
        "view_azimuth": scan.layer(Direction(_view, *ties, "azimuth"), np.float32),
    }


RULES = (Rule("no_data", 0), Rule("low_quality", 1), Rule("cloud", 2, 2, (3,)), Rule("cloud_possible", 2, 2, (1, 2)))


def _flags(records: Records) -> NDArray[np.uint8]:
    """Return bits: 0 line not to be used, 1 line doubtful, 2-3 CLAVR code (0 clear ... 3 cloudy).

    CLAVR-x writes its code, 2 bits a sample, where the lowest bit of the status says so (version 4, since 2006).
    """
    columns = records["samples"].shape[1] * 3 // 5
    packed = records["clouds"]
    codes = np.stack([packed >> shift & 3 for shift in (6, 4, 2, 0)], axis=-1).reshape(len(records), -1)[:, :columns]
    codes = np.where((records["status"] & 1)[:, None] == 1, codes, 0)
    unusable = (records["quality"] & (_FATAL | _NO_PLACE)) != 0
    doubtful = (records["quality"] & _DOUBTFUL) != 0
    lines = unusable.astype(np.uint8) | doubtful.astype(np.uint8) << np.uint8(1)
    return np.asarray(lines[:, None] | codes.astype(np.uint8) << np.uint8(2), np.uint8)
