r"""Position of the Sun, exact to a few millionths of a radian, at the speed of memory.

Everything that depends on time alone (declination, Greenwich hour angle, distance) is computed once for each time with
a short astronomical series; what is left for each pixel is

.. math:: \cos z = \sin\varphi \sin\delta + \cos\varphi \cos\delta \cos H, \qquad
          \cos z_t = \cos z - \pi_0 (1 - \cos^2 z)

the second being the parallax (8.8" at the horizon) of an observer on the surface. Angles are true, not refracted.

Time series: VSOP87 (Bretagnon & Francou 1988) as selected by Meeus (1998, Astronomical Algorithms, chapters 12, 22,
25) and Reda & Andreas (2004, doi 10.1016/j.solener.2003.12.003), nutation by its five largest terms. Against pvlib's
SPA the cosine of the zenith angle differs by less than 1e-6 in 1980-2050. Longitudes are positive eastward, latitudes
geodetic, times are UTC (taken as UT1: at most 0.9 s, or 7e-5 rad of hour angle, apart).
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from musyq_lab.kernels import _vsop87
from musyq_lab.kernels._compile import kernel, select
from musyq_lab.kernels._math import acos, atan2, sincos, sqrt

__all__ = [
    "SOLAR_CONSTANT", "SunPosition", "cos_zenith", "day_length", "delta_t", "equation_of_time",
    "extraterrestrial", "extraterrestrial_daily", "sun_position", "sunrise_hour_angle", "zenith_azimuth",
]  # fmt: skip

Floats = npt.NDArray[np.floating[Any]]
Times = npt.ArrayLike

SOLAR_CONSTANT = 1361.0
"""Total solar irradiance at 1 AU (W m-2): nominal value of IAU 2015 resolution B3 (doi 10.3847/0004-6256/152/2/41);
Kopp & Lean (2011, doi 10.1029/2010GL045777) measured 1360.8 +- 0.5."""

SOLAR_PARALLAX = np.radians(8.794 / 3600.0)
"""Horizontal parallax of the Sun at 1 AU (rad)."""

SUNRISE_ALTITUDE = -0.8333
"""True altitude of the Sun's centre when its upper limb appears on the horizon (degree): 34' refraction, 16' radius."""

PI = math.pi
DEGREE = PI / 180.0
_ARCSECOND = DEGREE / 3600.0
_J2000 = np.datetime64("2000-01-01T12:00:00", "ns")


class SunPosition(NamedTuple):
    """Apparent position of the Sun seen from the centre of the Earth."""

    declination: Floats
    """Declination (rad), positive north."""
    right_ascension: Floats
    """Right ascension (rad), 0 to 2 pi."""
    hour_angle: Floats
    """Hour angle at Greenwich (rad), 0 at noon there, positive in the afternoon, -pi to pi."""
    distance: Floats
    """Distance from the Earth (AU)."""


def delta_t(year: npt.ArrayLike) -> Floats:
    """Terrestrial time minus universal time (s) for decimal years 1941 to 2150.

    Polynomials of Espenak & Meeus (2006, NASA/TP-2006-214141). After 2005 they are a forecast that runs 2 to 3 s high
    today, 1e-6 of a radian in the Sun's place.
    """
    y = np.asarray(year, float)
    pieces = (
        (1961.0, 1950.0, (29.07, 0.407, -1.0 / 233.0, 1.0 / 2547.0)),
        (1986.0, 1975.0, (45.45, 1.067, -1.0 / 260.0, -1.0 / 718.0)),
        (2005.0, 2000.0, (63.86, 0.3345, -0.060374, 0.0017275, 0.000651814, 0.00002373599)),
        (2050.0, 2000.0, (62.92, 0.32217, 0.005589)),
    )
    value = -20.0 + 32.0 * ((y - 1820.0) / 100.0) ** 2 - 0.5628 * (2150.0 - y)
    for end, origin, coefficients in reversed(pieces):
        value = np.where(y < end, np.polynomial.polynomial.polyval(y - origin, coefficients), value)
    return np.asarray(value)


def sun_position(time: Times) -> SunPosition:
    """Apparent geocentric place of the Sun.

    Parameters
    ----------
    time : array_like of datetime64
        UTC, any shape.

    Returns
    -------
    SunPosition
        Declination, right ascension and Greenwich hour angle (rad) and distance (AU), of the shape of ``time``.
    """
    days = (np.asarray(time, "datetime64[ns]") - _J2000) / np.timedelta64(1, "D")
    centuries = (days + delta_t(2000.0 + days / 365.25) / 86400.0) / 36525.0
    distance = _series(_vsop87.RADIUS, centuries / 10.0)
    longitude = _series(_vsop87.LONGITUDE, centuries / 10.0) + np.pi
    latitude = -_series(_vsop87.LATITUDE, centuries / 10.0)
    in_longitude, in_obliquity = _nutation(centuries)
    obliquity = (84381.448 - 46.8150 * centuries - 0.00059 * centuries**2) * _ARCSECOND + in_obliquity
    # Aberration: the Sun is seen where it was 8.3 minutes ago (Meeus 25.10).
    apparent = longitude + in_longitude - 20.4898 * _ARCSECOND / distance
    x = np.cos(apparent) * np.cos(latitude)
    y = np.sin(apparent) * np.cos(latitude) * np.cos(obliquity) - np.sin(latitude) * np.sin(obliquity)
    z = np.sin(apparent) * np.cos(latitude) * np.sin(obliquity) + np.sin(latitude) * np.cos(obliquity)
    right_ascension = np.arctan2(y, x) % (2.0 * np.pi)
    sidereal = _mean_sidereal(days) + in_longitude * np.cos(obliquity)
    return SunPosition(np.arcsin(z), right_ascension, _wrap(sidereal - right_ascension), distance)


def equation_of_time(time: Times) -> Floats:
    """Apparent minus mean solar time (minutes)."""
    days = (np.asarray(time, "datetime64[ns]") - _J2000) / np.timedelta64(1, "D")
    return _wrap(sun_position(time).hour_angle - 2.0 * np.pi * (days % 1.0)) * (720.0 / np.pi)


def _series(tables: tuple[_vsop87.Table, ...], millennia: Floats) -> Floats:
    """Sum of periodic terms (1e-8 rad or AU) in powers of time."""
    total = np.zeros_like(millennia)
    for power, rows in enumerate(tables):
        amplitude, phase, rate = (np.array(column) for column in zip(*rows, strict=True))
        total += millennia**power * (amplitude * np.cos(phase + rate * millennia[..., np.newaxis])).sum(-1)
    return total * 1e-8


def _nutation(centuries: Floats) -> tuple[Floats, Floats]:
    """Nutation in longitude and obliquity (rad), Meeus chapter 22: largest terms, within 0.3" and 0.1"."""
    node = np.radians(125.04452 - 1934.136261 * centuries)
    sun = np.radians(280.4665 + 36000.7698 * centuries)
    moon = np.radians(218.3165 + 481267.8813 * centuries)
    anomaly = np.radians(357.5277 + 35999.0503 * centuries)
    longitude = (
        -17.1996 * np.sin(node) - 1.3187 * np.sin(2 * sun) - 0.2274 * np.sin(2 * moon)
        + 0.2062 * np.sin(2 * node) + 0.1426 * np.sin(anomaly)
    )  # fmt: skip
    obliquity = 9.2025 * np.cos(node) + 0.5736 * np.cos(2 * sun) + 0.0977 * np.cos(2 * moon) - 0.0895 * np.cos(2 * node)
    return longitude * _ARCSECOND, obliquity * _ARCSECOND


def _mean_sidereal(days: Floats) -> Floats:
    """Greenwich mean sidereal time (rad) from days of UT since J2000 (Meeus 12.4, IAU 1982)."""
    centuries = days / 36525.0
    turns = days % 1.0 * 360.0 + 0.98564736629 * days
    degrees: Floats = (280.46061837 + turns + 0.000387933 * centuries**2 - centuries**3 / 38710000.0) % 360.0
    return degrees * DEGREE


def _wrap(angle: Floats) -> Floats:
    """Angle in [-pi, pi)."""
    return (angle + np.pi) % (2.0 * np.pi) - np.pi


# ---- pixels ----------------------------------------------------------------------------------------------------------
@kernel("(),(),(),()->()")  # sin lat sin dec, cos lat cos dec, cos H, parallax (rad) -> cos of the topocentric zenith
def _separable(constant: float, swing: float, cos_hour: float, parallax: float, out: Floats) -> None:
    cosine = constant + swing * cos_hour
    out[0] = cosine - parallax * (1.0 - cosine * cosine)


@kernel("(),(),(),(),(),()->()")  # latitude, longitude (deg), Greenwich hour angle (rad), sin dec, cos dec, parallax
def _pointwise(
    latitude: float, longitude: float, hour_angle: float, sin_dec: float, cos_dec: float, parallax: float, out: Floats
) -> None:
    sin_lat, cos_lat = sincos(latitude * DEGREE)
    _, cos_hour = sincos(longitude * DEGREE + hour_angle)
    cosine = sin_lat * sin_dec + cos_lat * cos_dec * cos_hour
    out[0] = cosine - parallax * (1.0 - cosine * cosine)


@kernel("(),(),(),(),(),()->(),()")  # as _pointwise -> zenith, azimuth (deg)
def _angles(
    latitude: float,
    longitude: float,
    hour_angle: float,
    sin_dec: float,
    cos_dec: float,
    parallax: float,
    zenith: Floats,
    azimuth: Floats,
) -> None:
    sin_lat, cos_lat = sincos(latitude * DEGREE)
    sin_hour, cos_hour = sincos(longitude * DEGREE + hour_angle)
    up = sin_lat * sin_dec + cos_lat * cos_dec * cos_hour
    north = cos_lat * sin_dec - sin_lat * cos_dec * cos_hour
    east = -cos_dec * sin_hour
    level = sqrt(north * north + east * east)
    true = atan2(level, up)
    zenith[0] = (true + parallax * level) / DEGREE
    angle = atan2(east, north) / DEGREE
    azimuth[0] = select(angle < 0.0, angle + 360.0, angle)


def _float_type(latitude: npt.NDArray[Any], longitude: npt.NDArray[Any]) -> np.dtype[Any]:
    """Return float32 where both coordinates are arrays of it, else float64: whole degrees are numbers as well."""
    if not (latitude.ndim or longitude.ndim):
        return np.dtype(float)
    dtype = np.result_type(latitude, longitude)
    return dtype if dtype.kind == "f" else np.dtype(float)


def cos_zenith(time: Times, latitude: npt.ArrayLike, longitude: npt.ArrayLike, out: Any = None) -> Any:
    """Cosine of the true solar zenith angle, negative at night.

    Parameters
    ----------
    time : array_like of datetime64
        UTC; its shape broadcasts with the coordinates, for example ``(t, 1, 1)``.
    latitude, longitude : array_like
        Degrees. One row and one column, ``(y, 1)`` and ``(1, x)``, are fastest: one multiply-add for each pixel.
    out : array, optional
        Receives the result.

    Returns
    -------
    array
        float32 when both coordinates are float32 arrays, else float64. Error below 1e-6 (float64).
    """
    sun = sun_position(time)
    lat, lon = np.asarray(latitude), np.asarray(longitude)
    dtype = _float_type(lat, lon)
    parallax = SOLAR_PARALLAX / sun.distance
    shape = np.broadcast_shapes(sun.declination.shape, lat.shape, lon.shape)
    # A row and a column: the trigonometry is done on their few values, in float64.
    if 4 * (np.broadcast(lat, sun.declination).size + np.broadcast(lon, sun.declination).size) <= np.prod(shape):
        radians = np.radians(lat, dtype=float)
        terms = (
            np.sin(radians) * np.sin(sun.declination),
            np.cos(radians) * np.cos(sun.declination),
            np.cos(np.radians(lon, dtype=float) + sun.hour_angle),
            parallax,
        )
        return _separable(*(term.astype(dtype) for term in terms), out=out)
    terms = (sun.hour_angle, np.sin(sun.declination), np.cos(sun.declination), parallax)
    return _pointwise(lat, lon, *(np.asarray(term, dtype) for term in terms), out=out)


def zenith_azimuth(time: Times, latitude: npt.ArrayLike, longitude: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return true zenith angle and azimuth (degrees; azimuth 0 north, 90 east), parallax included, refraction not.

    Parameters are those of ``cos_zenith``.
    """
    sun = sun_position(time)
    lat, lon = np.asarray(latitude), np.asarray(longitude)
    dtype = _float_type(lat, lon)
    terms = (sun.hour_angle, np.sin(sun.declination), np.cos(sun.declination), SOLAR_PARALLAX / sun.distance)
    # A single place is not worth the seconds of compiling.
    single = np.broadcast(lat, lon, *terms).size == 1
    evaluate = _angles.python if single else _angles
    zenith, azimuth = evaluate(lat, lon, *(np.asarray(term, dtype) for term in terms))
    return zenith, azimuth


# ---- days ------------------------------------------------------------------------------------------------------------
@kernel("(),(),()->()")  # latitude (deg), declination (rad), sine of the altitude that counts as sunrise -> angle (rad)
def _sunrise(latitude: float, declination: float, sin_altitude: float, out: Floats) -> None:
    sin_lat, cos_lat = sincos(latitude * DEGREE)
    sin_dec, cos_dec = sincos(declination)
    swing = cos_lat * cos_dec
    cosine = (sin_altitude - sin_lat * sin_dec) / select(swing < 1e-12, 1e-12, swing)
    out[0] = acos(select(cosine > 1.0, 1.0, select(cosine < -1.0, -1.0, cosine)))


@kernel("(),(),()->()")  # latitude (deg), declination (rad), irradiance at this distance (W m-2) -> daily mean (W m-2)
def _daily(latitude: float, declination: float, irradiance: float, out: Floats) -> None:
    sin_lat, cos_lat = sincos(latitude * DEGREE)
    sin_dec, cos_dec = sincos(declination)
    swing = cos_lat * cos_dec
    cosine = -sin_lat * sin_dec / select(swing < 1e-12, 1e-12, swing)
    angle = acos(select(cosine > 1.0, 1.0, select(cosine < -1.0, -1.0, cosine)))
    out[0] = irradiance / PI * (angle * sin_lat * sin_dec + swing * sincos(angle)[0])


def sunrise_hour_angle(latitude: npt.ArrayLike, declination: npt.ArrayLike, altitude: float = 0.0) -> Any:
    """Hour angle of sunset (rad): half the day; 0 in the polar night, pi in the polar day.

    Parameters
    ----------
    latitude : array_like
        Degrees.
    declination : array_like
        Radians, see ``sun_position``.
    altitude : float
        True altitude of the Sun's centre at sunrise (degrees); ``SUNRISE_ALTITUDE`` for the visible upper limb.
    """
    return _sunrise(latitude, declination, np.sin(np.radians(altitude)))


def day_length(day: Times, latitude: npt.ArrayLike, altitude: float = SUNRISE_ALTITUDE) -> Any:
    """Time between sunrise and sunset (hours), with the declination of 12 UTC on each ``day`` (datetime64)."""
    return sunrise_hour_angle(latitude, _noon(day).declination, altitude) * (24.0 / np.pi)


def extraterrestrial(time: Times) -> Floats:
    """Irradiance on a plane facing the Sun above the atmosphere (W m-2)."""
    return SOLAR_CONSTANT / sun_position(time).distance ** 2


def extraterrestrial_daily(day: Times, latitude: npt.ArrayLike) -> Any:
    r"""Daily mean irradiance on a horizontal plane above the atmosphere (W m-2).

    .. math:: \overline{G} = \frac{S_0}{\pi r^2}
              (\omega \sin\varphi \sin\delta + \cos\varphi \cos\delta \sin\omega)

    with declination and distance of 12 UTC and omega the geometric sunrise hour angle (Iqbal 1983, eq. 4.2.17).

    Parameters
    ----------
    day : array_like of datetime64
        Any time of the day; broadcasts with ``latitude``.
    latitude : array_like
        Degrees.
    """
    sun = _noon(day)
    return _daily(latitude, sun.declination, SOLAR_CONSTANT / sun.distance**2)


def _noon(day: Times) -> SunPosition:
    return sun_position(np.asarray(day, "datetime64[D]").astype("datetime64[ns]") + np.timedelta64(12, "h"))
