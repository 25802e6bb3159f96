r"""Angles that a granule does not store: the Sun's, and those of a geostationary satellite, for each pixel and lazily.

With :math:`\mathbf{p}` the pixel on the WGS 84 ellipsoid, :math:`\mathbf{s}` the satellite and :math:`\mathbf{u}` the
geodetic zenith, :math:`\cos\theta_v = \mathbf{u}\cdot(\mathbf{s}-\mathbf{p}) / |\mathbf{s}-\mathbf{p}|`.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.grid import CRS_ATTRIBUTES

Floats = NDArray[np.floating[Any]]

_SEMI_MAJOR = float(str(CRS_ATTRIBUTES["semi_major_axis"]))
_FLATTENING = 1.0 / float(str(CRS_ATTRIBUTES["inverse_flattening"]))
_ECCENTRICITY2 = _FLATTENING * (2.0 - _FLATTENING)


def sun_angles(
    time: datetime | xr.DataArray, longitude: xr.DataArray, latitude: xr.DataArray
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return zenith angle and azimuth of the Sun (degree, float32) for each pixel, lazily.

    Parameters
    ----------
    time : datetime or DataArray of datetime64, dims (y,)
        When the scene, or each of its lines, was seen (UTC).
    longitude, latitude : DataArray, dims (y, x)
        Degrees.
    """
    when = time if isinstance(time, xr.DataArray) else xr.DataArray(np.datetime64(time, "ns"))
    both = xr.apply_ufunc(
        sun_at,
        when,
        longitude,
        latitude,
        dask="parallelized",
        output_dtypes=[np.float32, np.float32],
        output_core_dims=[[], []],
    )
    return tuple(part.transpose("y", "x") for part in both)


def sun_at(time: Any, longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Return zenith angle and azimuth of the Sun (degree, float32) at instants and places that broadcast."""
    from musyq_lab.kernels.solar import zenith_azimuth

    zenith, azimuth = zenith_azimuth(np.asarray(time), np.asarray(latitude, float), np.asarray(longitude, float))
    return zenith.astype(np.float32), azimuth.astype(np.float32)


def view_angles(
    longitude: xr.DataArray,
    latitude: xr.DataArray,
    *,
    satellite_longitude: float,
    satellite_height: float,
    satellite_latitude: float = 0.0,
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return zenith angle and azimuth of a geostationary satellite (degree, float32) for each pixel, lazily.

    Parameters
    ----------
    longitude, latitude : DataArray, dims (y, x)
        Degrees.
    satellite_longitude : float
        Of the point below the satellite (degree).
    satellite_height : float
        Above the ellipsoid (m).
    satellite_latitude : float
        Of the point below the satellite (degree, geodetic): up to 2 for a satellite that is no longer held in place.
    """
    both = xr.apply_ufunc(
        view_of,
        longitude,
        latitude,
        kwargs={"satellite": (satellite_longitude, satellite_latitude, satellite_height)},
        dask="parallelized",
        output_dtypes=[np.float32, np.float32],
        output_core_dims=[[], []],
    )
    return tuple(part.transpose("y", "x") for part in both)


def view_of(longitude: Floats, latitude: Floats, satellite: tuple[float, float, float]) -> tuple[Any, Any]:
    """Return zenith angle and azimuth (degree, float32) of a satellite at longitude, latitude (degree), height (m)."""
    # The frame is turned so that the satellite stands over longitude 0.
    lon, lat = np.radians(longitude - satellite[0]), np.radians(latitude)
    sin_lat, cos_lat, sin_lon, cos_lon = np.sin(lat), np.cos(lat), np.sin(lon), np.cos(lon)
    normal = _SEMI_MAJOR / np.sqrt(1.0 - _ECCENTRICITY2 * sin_lat**2)
    above, north_of = _meridian(satellite[1], satellite[2])
    dx = above - normal * cos_lat * cos_lon
    dy = -normal * cos_lat * sin_lon
    dz = north_of - normal * (1.0 - _ECCENTRICITY2) * sin_lat
    up = cos_lat * cos_lon * dx + cos_lat * sin_lon * dy + sin_lat * dz
    east = -sin_lon * dx + cos_lon * dy
    north = -sin_lat * cos_lon * dx - sin_lat * sin_lon * dy + cos_lat * dz
    zenith = np.degrees(np.arctan2(np.hypot(east, north), up))
    azimuth = np.degrees(np.arctan2(east, north)) % 360.0
    return zenith.astype(np.float32), azimuth.astype(np.float32)


def _meridian(latitude: float, height: float) -> tuple[float, float]:
    """Return how far a point stands from the axis of the Earth and from the plane of the equator (m)."""
    sine, cosine = math.sin(math.radians(latitude)), math.cos(math.radians(latitude))
    normal = _SEMI_MAJOR / math.sqrt(1.0 - _ECCENTRICITY2 * sine**2)
    return (normal + height) * cosine, (normal * (1.0 - _ECCENTRICITY2) + height) * sine


def line_times(start: datetime, end: datetime, lines: int) -> xr.DataArray:
    """Return when each line of an image was seen, for a scan that goes evenly from the first line to the last.

    Parameters
    ----------
    start, end : datetime
        Of the first and the last line (UTC); give them exchanged for a scan from the last to the first.
    lines : int
        Number of lines.
    """
    first, last = np.datetime64(start, "ns"), np.datetime64(end, "ns")
    share = (np.arange(lines) + 0.5) / lines
    return xr.DataArray(first + (share * (last - first).astype(np.int64)).astype("timedelta64[ns]"), dims="y")
