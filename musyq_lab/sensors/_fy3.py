"""What the Level-1 files of the FY-3 imagers share: attributes, times, geolocation and the way to physical values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Calibration, Sensor
from musyq_lab.kernels.radiometry import planck_constants
from musyq_lab.sensors._calibrate import Planck
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._planes import members, metadata, plane
from musyq_lab.sensors._polar import Geolocation, decoded, geolocation
from musyq_lab.sensors._scene import Acquisition, Rule
from musyq_lab.sensors._time import instant, sun_distance

TWELVE_BITS = (0.0, 4095.0)
"""Counts of MERSI's reflective bands; 65535 no data, 65534 saturated, 65533 dead detector."""

SATURATED = (Rule("saturated", 0, 16, (65534,)),)
"""How MERSI writes a saturated pixel."""

CMACAST = r"(?:Z_SATE_C_BAWX_\d{14}_P_)?"
"""What CMA's broadcast (CMACast) and its archive put before the names of FY-3 and FY-4 files."""

_TIMES = ("Observing Beginning", "Observing Ending")
_NAMES = {
    "longitude": "Longitude",
    "latitude": "Latitude",
    "sun_zenith": "SolarZenith",
    "sun_azimuth": "SolarAzimuth",
    "view_zenith": "SensorZenith",
    "view_azimuth": "SensorAzimuth",
}
_GROUPS = ("Geolocation", "Data", "")


def acquisition(granule: Granule, attrs: Mapping[str, Any], path: Path) -> Acquisition:
    """Return platform and times of a file, after a check that it is of this sensor.

    Parameters
    ----------
    granule : Granule
        For its sensor.
    attrs : mapping
        Global attributes.
    path : pathlib.Path
        The file, for messages.

    Raises
    ------
    SceneError
        If platform, instrument or times are missing, or are of another sensor.
    """
    platform = _platform(attrs.get("Satellite Name"), path)
    instrument = str(attrs.get("Sensor Identification Code", "")).upper()
    spec = granule.sensor
    if platform not in spec.platforms or (instrument and not instrument.startswith(_instrument(spec))):
        raise SceneError(
            f"{path} says it is of {instrument or 'an instrument it does not name'} on {platform}, which is not "
            f"{spec.title} ({', '.join(spec.platforms)}). Leave sensor= out, or name the right one."
        )
    start, end = (_time(attrs, which, path) for which in _TIMES)
    return Acquisition(platform, start, end, "L1")


def _instrument(spec: Sensor) -> str:
    return "VIRR" if "virr" in spec.key else "MERSI"


def _platform(value: Any, path: Path) -> str:
    match = re.search(r"FY-?3([A-Z])", str(value or ""), re.IGNORECASE)
    if not match:
        raise SceneError(f"{path} lacks the attribute 'Satellite Name' (FY-3A ...). It is no FY-3 file, or damaged.")
    return f"FY-3{match[1].upper()}"


def _time(attrs: Mapping[str, Any], which: str, path: Path) -> datetime:
    day, clock = attrs.get(f"{which} Date"), attrs.get(f"{which} Time")
    if day is None or clock is None:
        raise SceneError(f"{path} lacks the attributes '{which} Date' and '{which} Time'. It is damaged.")
    try:
        return instant(f"{day}T{clock}")
    except SceneError as error:
        raise SceneError(f"{path}: {error}") from None


def distance_factor(attrs: Mapping[str, Any], moment: datetime) -> float:
    """Return d^2, the squared distance from the Earth to the Sun (AU): the file's, else computed.

    The coefficients of the files give pi L / E0 = rho cos(theta) / d^2: users of the files multiply by the attribute
    squared, and radiance = reflectance x E0 / pi without d (satpy, readers/mersi_l1b.py) holds for nothing else.
    """
    value = attrs.get("EarthSun Distance Ratio")
    try:
        distance = float(np.ravel(np.asarray(value, np.float64))[0])
    except (TypeError, ValueError, IndexError):
        distance = math.nan
    # Anything else is a fill value or a squared distance.
    return (distance if 0.98 < distance < 1.02 else sun_distance(moment)) ** 2


def locate(path: Path, *, wanted: Sequence[str] = tuple(_NAMES)) -> dict[str, xr.DataArray]:
    """Return decoded coordinates and angles of a file (degree), lazily; those it lacks are left out.

    Parameters
    ----------
    path : pathlib.Path
        Geolocation file, or a file that holds its geolocation itself.
    wanted : sequence of str
        Keys of :data:`musyq_lab.sensors._polar.LIMITS`.
    """
    present = {
        name: f"{group}/{name}".lstrip("/")
        for group in reversed(_GROUPS)
        for name in members(path, f"/{group}")
        if name in _NAMES.values()
    }
    found: dict[str, xr.DataArray] = {}
    for key in wanted:
        if name := present.get(_NAMES[key]):
            raw = plane(path, name)
            scale, offset = packing(raw.attrs)
            found[key] = decoded(raw, key, scale=scale, offset=offset)
    return found


def packing(attrs: Mapping[str, Any], index: int = 0) -> tuple[float, float]:
    """Return slope and intercept of a dataset, or of one of its images; a slope of 0 means none.

    Raises
    ------
    SceneError
        If they are no numbers, or fewer than images.
    """
    numbers = []
    for name, default in (("Slope", 1.0), ("Intercept", 0.0)):
        values = np.ravel(np.asarray(attrs.get(name, default)))
        if values.dtype.kind not in "uif" or not values.size or (values.size > 1 and index >= values.size):
            raise SceneError(f"{name} = {attrs.get(name)!r} holds no number for image {index}. The file is damaged.")
        numbers.append(float(values[index if values.size > 1 else 0]))
    return numbers[0] or 1.0, numbers[1]


def complete(granule: Granule, layers: dict[str, xr.DataArray], what: str) -> Geolocation:
    """Return the geolocation, after a check that nothing of it is missing.

    Raises
    ------
    SceneError
        If coordinates or the Sun's zenith angle are missing; ``what`` says which file should hold them.
    """
    if gone := [_NAMES[key] for key in ("longitude", "latitude", "sun_zenith") if key not in layers]:
        raise SceneError(f"{granule.path}: granule {granule.name} lacks {', '.join(gone)}: {what}.")
    return geolocation(layers)


def per_micrometre(wave_number: float) -> float:
    """Return what turns mW m-2 sr-1 (cm-1)-1 at a wave number (cm-1) into W m-2 sr-1 um-1."""
    return 1e-7 * wave_number**2


def planck(wave_number: float, slope: float, intercept: float) -> Planck:
    """Return constants for T = slope x Te + intercept, with Te the temperature at the wave number (cm-1)."""
    k1, k2 = planck_constants(1e4 / wave_number)
    return Planck(k1, k2, 1.0 / slope, -intercept / slope)


def percent(coefficients: Sequence[float], calibration: Calibration, e0: float | None, squared: float) -> list[float]:
    """Return coefficients of reflectance (before the division by the cosine) or radiance from those of percent.

    Parameters
    ----------
    coefficients : sequence of float
        From the constant upwards: counts to percent.
    calibration : {"radiance", "reflectance"}
        What to make.
    e0 : float or None
        Solar irradiance (W m-2 um-1).
    squared : float
        Squared distance to the Sun (AU2).

    Raises
    ------
    SceneError
        If radiance is asked for and no solar irradiance is known.
    """
    if calibration == "reflectance":
        factor = 0.01 * squared
    elif e0 is None:
        raise SceneError(
            'A band has no radiance: its file gives no solar irradiance. Open it with calibration="reflectance".'
        )
    else:
        factor = 0.01 * e0 / math.pi
    return [c * factor for c in coefficients]


def irradiance(attrs: Mapping[str, Any], name: str, count: int, default: Sequence[float] = ()) -> list[float | None]:
    """Return the solar irradiance (W m-2 um-1) of each reflective band: the file's, else the default, else None."""
    value = attrs.get(name)
    stored = np.ravel(np.asarray(value if value is not None else [], dtype=object))
    made: list[float | None] = []
    for index in range(count):
        number = _number(stored[index]) if stored.size >= count else math.nan
        fallback = default[index] if index < len(default) else None
        made.append(number if 1.0 < number < 3000.0 else fallback)
    return made


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def numbers(attrs: Mapping[str, Any], names: Sequence[str], count: int, path: Path) -> np.ndarray[Any, Any]:
    """Return a list of numbers from the first of some attributes that exists.

    Raises
    ------
    SceneError
        If none exists, or it holds another number of finite numbers.
    """
    for name in names:
        if name in attrs:
            values = np.ravel(np.asarray(attrs[name]))
            if values.size != count or values.dtype.kind not in "uif" or not np.isfinite(values).all():
                raise SceneError(f"{path}: attribute {name!r} should hold {count} numbers. The file is damaged.")
            return values.astype(np.float64)
    raise SceneError(f"{path} lacks the attribute {names[0]!r}, which calibrates its bands. The file is damaged.")


def global_attributes(path: Path) -> dict[str, Any]:
    """Return the global attributes of a file."""
    return metadata(path)
