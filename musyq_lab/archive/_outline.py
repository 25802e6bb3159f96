"""The outline of a map on a projection, in longitude and latitude."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ALONG = 8  # stretches of an edge between corners: a UTM tile's edge is straight to a metre at that

Range = tuple[float, float]


def edges_of(values: NDArray[np.float64], step: float) -> Range:
    """Return the outer edges of cells from their centres.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        Centres, n > 0.
    step : float
        Distance of two, of either sign.
    """
    half = abs(step) / 2
    return float(values.min()) - half, float(values.max()) + half


def outline(
    crs: Mapping[str, Any], x_edges: Range, y_edges: Range
) -> tuple[Any, NDArray[np.float64], NDArray[np.float64]] | None:
    """Return projection, longitudes and latitudes of the outline, anticlockwise, None where they cannot be told.

    Across the antimeridian longitudes go on beyond 180.

    Parameters
    ----------
    crs : mapping
        Attributes of the grid mapping: ``crs_wkt``, or those of CF.
    x_edges, y_edges : tuple of float
        Outer edges of the map in its own units.
    """
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError

    wkt = str(crs.get("crs_wkt") or crs.get("spatial_ref") or "")
    try:
        projection = CRS.from_wkt(wkt) if wkt else CRS.from_cf(dict(crs))
    except (CRSError, KeyError, ValueError):
        return None
    (left, right), (bottom, top) = x_edges, y_edges
    share, same = np.linspace(0, 1, _ALONG, endpoint=False), np.ones(_ALONG)
    across, up = left + (right - left) * share, bottom + (top - bottom) * share
    x = np.concatenate([across, right * same, left + right - across, left * same])
    y = np.concatenate([bottom * same, up, top * same, bottom + top - up])
    found = Transformer.from_crs(projection, 4326, always_xy=True).transform(x, y)
    lon, lat = (np.asarray(values, np.float64) for values in found)
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        return None
    return projection, np.where(lon < 0, lon + 360.0, lon) if np.ptp(lon) > 180.0 else lon, lat


def extent_attributes(crs: Mapping[str, Any], x: NDArray[Any], y: NDArray[Any]) -> dict[str, Any]:
    """Return the ACDD box of a map on a projection, nothing where it cannot be told.

    Parameters
    ----------
    crs : mapping
        Attributes of the grid mapping.
    x, y : numpy.ndarray
        Cell centres; one cell tells no size, and the box is its centre then.
    """
    steps = [(v[-1] - v[0]) / (v.size - 1) if v.size > 1 else 0.0 for v in (x, y)]
    found = outline(crs, *(edges_of(np.asarray(v, np.float64), s) for v, s in zip((x, y), steps, strict=True)))
    if found is None:
        return {}
    _, lon, lat = found
    west, east = float(lon.min()), float(lon.max())
    return {
        "geospatial_lat_min": round(float(lat.min()), 7),
        "geospatial_lat_max": round(float(lat.max()), 7),
        "geospatial_lat_units": "degrees_north",
        "geospatial_lon_min": round(west, 7),
        # ACDD: a minimum above the maximum means a box across the antimeridian.
        "geospatial_lon_max": round(east - 360.0 if east > 180.0 else east, 7),
        "geospatial_lon_units": "degrees_east",
    }
