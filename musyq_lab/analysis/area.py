"""Areas of longitude-latitude cells on the WGS 84 ellipsoid, in closed form (:mod:`musyq_lab.standard.cells`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import LATITUDE, LONGITUDE, GeoGrid, grid
from musyq_lab.standard.cells import SEMI_MAJOR_AXIS, Floats, authalic_measure, edges


def cell_area(
    latitude: ArrayLike | GeoGrid | str | xr.DataArray,
    longitude: ArrayLike | None = None,
    *,
    latitude_bounds: ArrayLike | None = None,
    longitude_bounds: ArrayLike | None = None,
) -> xr.DataArray:
    """Return the area of each cell.

    Parameters
    ----------
    latitude : array_like, GeoGrid, str or DataArray
        Cell centres in degrees north; or a grid, its name, or a field, which then gives both axes.
    longitude : array_like, optional
        Cell centres in degrees east; they may run beyond 180.
    latitude_bounds, longitude_bounds : array_like, shape (n, 2), optional
        Edges of the cells; by default half-way between the centres, latitude stopping at the poles.

    Returns
    -------
    DataArray, dims (latitude, longitude)
        m2, exact on the ellipsoid to rounding.

    Raises
    ------
    InputError
        If an axis is missing or has no edges.
    """
    if longitude is None:
        holder: Any = grid(latitude) if isinstance(latitude, str) else latitude
        if not hasattr(holder, "latitude"):
            raise InputError("cell_area needs longitude= beside the latitudes, or a grid or field that has both.")
        latitude, longitude = holder.latitude, holder.longitude
    rows: Floats = np.asarray(latitude, float)
    columns: Floats = np.asarray(longitude, float)
    south, north = edges(rows, "latitude") if latitude_bounds is None else _pairs(latitude_bounds, rows.size)
    west, east = edges(columns, "longitude") if longitude_bounds is None else _pairs(longitude_bounds, columns.size)
    band = SEMI_MAJOR_AXIS**2 / 2 * (authalic_measure(north) - authalic_measure(south))
    return xr.DataArray(
        band[:, None] * np.radians(east - west)[None, :],
        dims=("latitude", "longitude"),
        coords={"latitude": ("latitude", rows, dict(LATITUDE)), "longitude": ("longitude", columns, dict(LONGITUDE))},
        name="cell_area",
        attrs={"standard_name": "cell_area", "long_name": "area of the cell on the WGS 84 ellipsoid", "units": "m2"},
    )


def _pairs(bounds: ArrayLike, size: int) -> tuple[Floats, Floats]:
    pairs = np.asarray(bounds, float)
    if pairs.shape != (size, 2):
        raise InputError(f"Bounds have the shape {pairs.shape}; expected ({size}, 2), one pair of edges a cell.")
    return pairs.min(axis=1), pairs.max(axis=1)
