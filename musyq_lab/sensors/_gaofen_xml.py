"""Metadata of the Chinese land satellites: two dialects of XML, times of unstated zone, angles under the wrong name.

What the producer's files are known to do (public readers and issues of Zhaoguanhua/AtmosphericCorrection, 10 and 18;
checked with the metadata of two real scenes):

- ``CenterTime`` is Beijing time in some and UTC in others. The orbits cross at about 10:30 local solar time, so that of
  both readings only one can lie in daytime.
- ``SolarZenith`` holds the elevation in many files until about 2022, the zenith angle in later ones.
- ``sunAzimuthElevation`` (HJ-1, CBERS) is the azimuth plus 180 degrees.
- ``SatelliteZenith`` holds the elevation in most.

Angles are therefore compared with the Sun's computed position and refused where neither reading fits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from musyq_lab.core.errors import SceneError
from musyq_lab.files.xml import MAX_BYTES, read_xml
from musyq_lab.sensors._calibrate import Linear
from musyq_lab.sensors._time import instant

TOLERANCE = 5.0
"""Largest difference (degree) of a Sun angle of the metadata, for the middle of the scene, from the computed one."""

BEIJING = timedelta(hours=8)
"""Beijing time less UTC."""

STEEPEST = 45.0
"""A view zenith angle (degree) above cannot be: GF-1 and GF-6 look at most 32 degrees off nadir, the wide cameras'
edges included about 40 at the ground."""

_DAY = (8.0, 16.0)  # local solar time (h)
_MAX_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the metadata of a family of satellites call things (names in lower case)."""

    centre: tuple[str, ...]
    """Time of the middle, best first."""
    start: str
    """First instant."""
    end: str
    """Last instant."""
    sun_zenith: str
    """Zenith angle of the Sun."""
    sun_elevation: str
    """Elevation of the Sun."""
    sun_azimuth: str
    """Azimuth of the Sun."""
    corners: tuple[str, ...]
    """Stems of the names of the corners, clockwise from the upper left."""
    latitude: str
    """What follows the stem for a latitude."""
    longitude: str
    """What follows the stem for a longitude."""
    utc: bool
    """Whether times are known to be UTC."""


GAOFEN = Dialect(
    ("centertime", "starttime", "receivetime"),
    "starttime",
    "endtime",
    "solarzenith",
    "solarelevation",
    "solarazimuth",
    ("topleft", "topright", "bottomright", "bottomleft"),
    "latitude",
    "longitude",
    utc=False,
)
"""GF-1 and GF-6 (root ``ProductMetaData``)."""

HUANJING = Dialect(
    ("scenedate", "imagingstarttime"),
    "imagingstarttime",
    "imagingstoptime",
    "sunzenith",
    "sunelevation",
    "sunazimuthelevation",
    ("dataupperleft", "dataupperright", "datalowerright", "datalowerleft"),
    "lat",
    "long",
    utc=True,
)
"""HJ-1 (and CBERS); the times of two real scenes are UTC by the Sun's elevation that they give."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Fields of one file of metadata."""

    path: Path
    """The file."""
    dialect: Dialect
    """How it calls things."""
    fields: Mapping[str, str]
    """Name in lower case -> text."""

    def text(self, name: str) -> str:
        """Return a field, empty where it is missing or says NULL."""
        value = self.fields.get(name, "")
        return "" if value.upper() == "NULL" else value

    def number(self, name: str) -> float:
        """Return a field as a number, NaN where it is none."""
        try:
            value = float(self.text(name))
        except ValueError:
            return math.nan
        return value if math.isfinite(value) else math.nan

    def corners(self) -> np.ndarray | None:
        """Return (latitude, longitude) of the corners, clockwise from the upper left, None where they are missing."""
        d = self.dialect
        found = np.array(
            [[self.number(stem + d.latitude), self.number(stem + d.longitude)] for stem in d.corners], dtype=float
        )
        inside = (np.abs(found[:, 0]) <= 90) & (np.abs(found[:, 1]) <= 360)
        return found if inside.all() else None

    def middle(self) -> tuple[float, float] | None:
        """Return latitude and longitude of the middle of the corners, None where they are missing."""
        corners = self.corners()
        if corners is None:
            return None
        longitude = corners[0, 1] + np.mean((corners[:, 1] - corners[0, 1] + 180) % 360 - 180)
        return float(corners[:, 0].mean()), float((longitude + 180) % 360 - 180)


def read(path: Path, dialect: Dialect) -> Metadata:
    """Read a file of metadata.

    Raises
    ------
    SceneError
        If it is no XML or does not name satellite and sensor.
    """
    fields: dict[str, str] = {}
    for element in _root(path).iter():
        name = str(element.tag).rpartition("}")[2].lower()
        fields.setdefault(name, (element.text or "").strip()[:_MAX_TEXT])
    for name in ("satelliteid", "sensorid"):
        if not fields.get(name):
            raise SceneError(f"{path} is no metadata of a Chinese land satellite: it lacks {name}.")
    return Metadata(path, dialect, fields)


def _root(path: Path) -> Element:
    """Return the root; a text in a Chinese encoding, which the parser does not know, is turned to UTF-8."""
    if path.is_file() and path.stat().st_size <= MAX_BYTES:
        data = path.read_bytes()
        if declared := re.match(rb"\s*<\?xml[^>]*?encoding=[\"'](gb[\w-]*)[\"'][^>]*\?>", data[:200], re.IGNORECASE):
            return read_xml(data[declared.end() :].decode("gb18030", "replace").encode(), str(path))
    return read_xml(path)


@dataclass(frozen=True, slots=True)
class Moment:
    """When a scene was taken (UTC)."""

    centre: datetime
    """Middle."""
    start: datetime
    """First instant, the middle where it is not given."""
    end: datetime
    """Last instant, likewise."""
    note: str
    """How the time was read."""


def moment(metadata: Metadata, longitude: float) -> Moment:
    """Return when a scene was taken, in UTC whatever the zone of the metadata.

    Parameters
    ----------
    metadata : Metadata
        The fields.
    longitude : float
        Of the middle of the scene (degrees east).

    Raises
    ------
    SceneError
        If there is no time.
    """
    d = metadata.dialect
    given = [(name, metadata.text(name)) for name in d.centre if re.match(r"\d{4}-", metadata.text(name))]
    if not given:
        raise SceneError(f"{metadata.path} lacks the time of the scene ({', '.join(d.centre)}).")
    name, text = given[0]
    stated = instant(text)
    if d.utc or _in_daytime(stated, longitude):
        shift, note = timedelta(), f"{name}, read as UTC"
    elif _in_daytime(stated - BEIJING, longitude):
        shift, note = BEIJING, f"{name}, read as Beijing time (as UTC it would not be daytime)"
    else:
        shift, note = timedelta(), f"{name}, taken as UTC (by no reading it is daytime)"
    ends = [metadata.text(n) for n in (d.start, d.end)]
    start, end = (instant(t) - shift if re.match(r"\d{4}-", t) else stated - shift for t in ends)
    return Moment(stated - shift, start, end, note)


def _in_daytime(when: datetime, longitude: float) -> bool:
    local = (when.hour + when.minute / 60 + longitude / 15) % 24
    return _DAY[0] <= local < _DAY[1]


@dataclass(frozen=True, slots=True)
class Sun:
    """The Sun over the middle of a scene."""

    zenith: float
    """Zenith angle (degree)."""
    azimuth: float
    """Azimuth (degree, clockwise from north)."""
    note: str
    """Where they come from."""
    contradiction: str = ""
    """What does not fit, empty where all does."""


def sun(metadata: Metadata, when: datetime, latitude: float, longitude: float) -> Sun:
    """Return the Sun's angles of the metadata in the reading that fits the computed position.

    Where the metadata have none, or the azimuth does not fit, they are the computed ones.

    Parameters
    ----------
    metadata : Metadata
        The fields.
    when : datetime
        UTC.
    latitude, longitude : float
        Middle of the scene (degree).
    """
    from musyq_lab.kernels.solar import zenith_azimuth

    expected = [float(value) for value in zenith_azimuth(np.datetime64(when), latitude, longitude)]
    zenith, said = _zenith(metadata, expected[0])
    azimuth, as_said = _azimuth(metadata, *expected)
    if math.isnan(zenith):
        return Sun(expected[0], azimuth, f"zenith computed from time and place (none given); {as_said}")
    if abs(zenith - expected[0]) > TOLERANCE:
        problem = (
            f"{metadata.path} gives a Sun angle of {said}, which is neither the zenith angle nor the elevation of the "
            f"Sun at its time ({when:%Y-%m-%d %H:%M} UTC) and place: its zenith angle was {expected[0]:.1f} degrees"
        )
        return Sun(expected[0], azimuth, f"zenith computed, the metadata contradict it; {as_said}", problem)
    return Sun(zenith, azimuth, f"zenith from {said}; {as_said}")


def _zenith(metadata: Metadata, expected: float) -> tuple[float, str]:
    d = metadata.dialect
    readings = []
    for name, declared in ((d.sun_zenith, "zenith"), (d.sun_elevation, "elevation")):
        value = metadata.number(name)
        swapped = {"zenith": "elevation", "elevation": "zenith"}[declared]
        for meaning in (declared, swapped):
            as_zenith = value if meaning == "zenith" else 90.0 - value
            readings.append((as_zenith, f"{name} {value:g} (its {meaning} angle)"))
    known = [r for r in readings if not math.isnan(r[0])]
    return min(known, key=lambda r: abs(r[0] - expected), default=(math.nan, ""))


def _azimuth(metadata: Metadata, zenith: float, expected: float) -> tuple[float, str]:
    name = metadata.dialect.sun_azimuth
    value = metadata.number(name)
    readings = [(value % 360, f"azimuth from {name}"), ((value + 180) % 360, f"azimuth from {name} less 180 degrees")]
    best = min(readings, key=lambda r: abs((r[0] - expected + 180) % 360 - 180))
    # Near the zenith the azimuth turns fast: what counts is the angle between the two directions.
    away = abs((best[0] - expected + 180) % 360 - 180) * math.sin(math.radians(zenith))
    if math.isnan(value) or away > 2 * TOLERANCE:
        return expected, "azimuth computed from time and place"
    return best


def view(metadata: Metadata) -> tuple[dict[str, float], str]:
    """Return the view angles of the middle of a GF scene and how they were read (none where it is ambiguous)."""
    value, azimuth = metadata.number("satellitezenith"), metadata.number("satelliteazimuth")
    if 0 <= value <= STEEPEST:
        zenith, note = value, "zenith from SatelliteZenith"
    elif 90 - STEEPEST < value <= 90:
        zenith, note = 90 - value, "zenith from SatelliteZenith, which holds the elevation"
    else:
        return {}, "not given"
    if not 0 <= azimuth <= 360:
        return {"view_zenith": zenith}, note
    return {
        "view_zenith": zenith,
        "view_azimuth": azimuth % 360,
    }, f"{note}; azimuth as given, its sense is undocumented"


_COEFFICIENT = re.compile(r"B0?(\d)\s*:\s*g?\s*([-+.\deE]+)(?:\s*[,;]\s*L0\s*([-+.\deE]+))?")


def stated_gains(metadata: Metadata) -> dict[str, Linear]:
    """Return the calibration that the metadata carry: band (number from 1) -> counts to radiance; empty where none.

    GF from about 2020: ``AbsCeof`` or ``AGain``, gains separated by commas. HJ-1: ``absCalibType``, such as
    ``(gain1,Fielddata,L=DN/g+L0,W*m^(-2)*sr^(-1)*um^(-1))B1:g 0.5329, L0 1.6146, B2:...`` or ``(...,L=DN*g,...)B1:
    0.62``.

    Raises
    ------
    SceneError
        If they are there in a form that is not known.
    """
    for name in ("absceof", "again"):
        parts = [part for part in metadata.text(name).split(",") if part.strip() and part.strip().upper() != "NULL"]
        if parts:
            return {str(i): Linear(_gain(part, metadata)) for i, part in enumerate(parts, 1)}
    text = metadata.text("abscalibtype")
    found = _COEFFICIENT.findall(text)
    if not found:
        return {}
    formula = re.split(r"B0?\d\s*:", text)[0].replace(" ", "")
    if "L=DN/g" in formula:
        return {n: Linear(1.0 / _gain(g, metadata), _finite(o, metadata) if o else 0.0) for n, g, o in found}
    if "L=DN*g" in formula:
        return {n: Linear(_gain(g, metadata), _finite(o, metadata) if o else 0.0) for n, g, o in found}
    raise SceneError(f"{metadata.path} gives its calibration in an unknown form: {text[:120]!r}.")


def gain_state(metadata: Metadata) -> str:
    """Return the gain setting that ``absCalibType`` names, empty where it names none."""
    match = re.search(r"gain\s*(\d)", metadata.text("abscalibtype"), re.IGNORECASE)
    return match[1] if match else ""


def _gain(text: str, metadata: Metadata) -> float:
    value = _finite(text, metadata)
    if value == 0:
        raise SceneError(f"{metadata.path} gives a band the gain 0, by which it has no radiance. It is damaged.")
    return value


def _finite(text: str, metadata: Metadata) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SceneError(f"{metadata.path} gives {text.strip()!r} as a calibration coefficient, which is none.")
    return value
