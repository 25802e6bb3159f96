"""MODIS positions and angles on a finer grid than they are stored on, scan by scan and lazily.

MODIS sees ten lines of 1 km at once and scans overlap towards the edge of the swath, so positions are interpolated
within a scan, never across two. The scheme is that of the compact VIIRS format (Sørensen and Zinke 2020, doi
10.1016/j.acags.2020.100025) as python-geotiepoints has it for MODIS: positions as vectors, quadratic in the scan angle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError

ROWS = {5000: 2, 1000: 10, 500: 20, 250: 40}
"""Sampling distance (m) -> lines of one scan."""
COLUMNS = {5000: 271, 1000: 1354, 500: 2708, 250: 5416}
"""Sampling distance (m) -> columns. Those of 5 km are the columns 2, 7, 12 ... of 1 km (from 0), the lines 2 and 7."""


def check_scans(shape: Sequence[int], resolution: int, what: str) -> int:
    """Return how many scans a layer has.

    Parameters
    ----------
    shape : sequence of int
        Rows and columns.
    resolution : int
        Sampling distance (m), one of :data:`ROWS`.
    what : str
        The layer in words, for the message.

    Raises
    ------
    SceneError
        If the layer is not made of whole scans.
    """
    rows, columns = shape
    if columns != COLUMNS[resolution] or rows < ROWS[resolution] or rows % ROWS[resolution]:
        raise SceneError(
            f"{what} has {rows} x {columns} values, which are no whole scans of {ROWS[resolution]} x "
            f"{COLUMNS[resolution]}. The file is damaged, or only a part of a granule was ordered: get the whole one."
        )
    return rows // ROWS[resolution]


def positions(
    longitude: xr.DataArray, latitude: xr.DataArray, view_zenith: xr.DataArray, *, coarse: int, fine: int
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return longitude and latitude (degree, float32) on the finer grid, lazily.

    Parameters
    ----------
    longitude, latitude, view_zenith : DataArray, dims (y, x)
        Degrees, NaN where missing; whole scans, in dask chunks of whole scans.
    coarse, fine : int
        Sampling distances (m): 5000 -> 1000, 1000 -> 500 or 1000 -> 250.
    """
    return _interpolated(longitude, latitude, view_zenith, coarse, fine)


def directions(
    azimuth: xr.DataArray, zenith: xr.DataArray, view_zenith: xr.DataArray, *, coarse: int, fine: int
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return azimuth (0 to 360 degree) and zenith angle on the finer grid, lazily.

    A direction is interpolated as a point of the sphere, so that azimuths may pass from 360 to 0, and turn at once
    where the satellite looks straight down.

    Parameters
    ----------
    azimuth, zenith : DataArray, dims (y, x)
        Degrees.
    view_zenith, coarse, fine
        As for :func:`positions`.
    """
    turned, height = _interpolated(azimuth, zenith - np.float32(90.0), view_zenith, coarse, fine)
    return turned % np.float32(360.0), height + np.float32(90.0)


def _interpolated(
    first: xr.DataArray, second: xr.DataArray, view_zenith: xr.DataArray, coarse: int, fine: int
) -> tuple[xr.DataArray, xr.DataArray]:
    import dask.array as da

    check_scans(first.shape, coarse, "A layer of positions or angles")
    if not first.shape == second.shape == view_zenith.shape:
        raise SceneError("The layers of positions and angles differ in size. The file is damaged: fetch it again.")
    rows = tuple(n // ROWS[coarse] * ROWS[fine] for n in first.chunks[0]) if first.chunks else None
    parts = [layer.data for layer in (first, second, view_zenith)]
    both = da.map_blocks(
        _block,
        *parts,
        coarse=coarse,
        fine=fine,
        new_axis=0,
        chunks=((2,), rows, (COLUMNS[fine],)),
        dtype=np.float32,
        meta=np.empty((0, 0, 0), np.float32),
    )
    return xr.DataArray(both[0], dims=first.dims), xr.DataArray(both[1], dims=first.dims)


def _block(
    first: NDArray[Any], second: NDArray[Any], view_zenith: NDArray[Any], coarse: int, fine: int
) -> NDArray[np.float32]:
    """Interpolate a few scans at a time: the scheme needs some twenty arrays of the size of its result."""
    scans = first.shape[0] // ROWS[coarse]
    made = np.empty((2, scans * ROWS[fine], COLUMNS[fine]), np.float32)
    for start in range(0, scans, _SCANS):
        part = slice(start * ROWS[coarse], (start + _SCANS) * ROWS[coarse])
        layers = (first[part], second[part], view_zenith[part])
        made[:, start * ROWS[fine] : (start + _SCANS) * ROWS[fine]] = _scans(*layers, coarse, fine)
    return made


def _scans(
    first: NDArray[Any], second: NDArray[Any], view_zenith: NDArray[Any], coarse: int, fine: int
) -> NDArray[np.float32]:
    from geotiepoints import modisinterpolator

    function = getattr(modisinterpolator, f"modis_{coarse // 1000}km_to_{_NAMES[fine]}")
    missing = np.isnan(first) | np.isnan(second) | np.isnan(view_zenith)
    layers = (np.where(missing, np.float32(np.nan), layer).astype(np.float32) for layer in (first, second, view_zenith))
    made: NDArray[np.float32] = np.stack(function(*layers)).astype(np.float32, copy=False)
    made[:, np.isnan(made).any(axis=0)] = np.nan
    return made


_SCANS = 4
_NAMES = {1000: "1km", 500: "500m", 250: "250m"}
