r"""The direction of the Sun that the looks of a composite are brought to.

By default it is that at 10:30 local solar time in the middle of the period, which by symmetry is that at 13:30:

.. math:: \cos\theta_s = \sin\varphi \sin\delta + \cos\varphi \cos\delta \cos 22.5^\circ

Most polar orbiters of the programme pass near one of these times, so the looks are changed little; and the angle
depends on latitude and date alone, never on which looks arrived, so that composites in a row are alike.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.kernels.solar import sun_position
from musyq_lab.standard import layout
from musyq_lab.standard.nadir import MAX_SUN

HOUR_ANGLE = 22.5
"""Hour angle of the Sun at 10:30 and 13:30 (deg)."""


def target(scene: xr.Dataset, moment: datetime, given: float | xr.DataArray | None, chunks: Any) -> Any:
    """Return the zenith angle of the Sun (deg) on the pixels of a scene, float32.

    Parameters
    ----------
    scene : Dataset
        Standard scene on a grid.
    moment : datetime
        Middle of the period (UTC).
    given : float, DataArray or None
        Number or field that is wanted instead of the default.
    chunks : tuple of tuple of int, or None
        Chunks along rows and columns of a lazy result, None for one in memory.

    Raises
    ------
    InputError
        If what is given is not on the pixels, or no angle that reflectance can be brought to.
    """
    rows, columns = layout.plane_of(scene)
    if isinstance(given, xr.DataArray):
        if set(given.dims) != {rows, columns} or any(given.sizes[d] != scene.sizes[d] for d in (rows, columns)):
            raise InputError(f"sun_zenith has {dict(given.sizes)}; it must lie on the pixels ({rows}, {columns}).")
        field = given.transpose(rows, columns).astype(np.float32).data
        return field if chunks is None else da.asarray(field).rechunk(chunks)
    if given is not None and not 0.0 <= given <= MAX_SUN:
        raise InputError(f"composite() takes a Sun zenith angle of 0 to {MAX_SUN:g} degrees, got {given}.")
    y, x = scene[rows].values[:, np.newaxis], scene[columns].values[np.newaxis]
    crs = "" if rows == "latitude" else str(scene["spatial_ref"].attrs["crs_wkt"])
    facts: dict[str, Any] = {"crs": crs, "moment": np.datetime64(moment), "given": given}
    if chunks is None:
        return zenith(y, x, **facts)
    lazy = [da.from_array(y, chunks=(chunks[0], 1)), da.from_array(x, chunks=(1, chunks[1]))]
    return da.map_blocks(zenith, *lazy, **facts, chunks=chunks, dtype=np.float32, meta=np.empty((0, 0), np.float32))


def zenith(y: Any, x: Any, *, crs: str, moment: np.datetime64, given: float | None) -> NDArray[np.float32]:
    """Return the zenith angle of the Sun (deg) for rows ``(y, 1)`` and columns ``(1, x)`` of a grid.

    Parameters
    ----------
    y, x : array
        Centres: latitude and longitude (deg), or on the map projection.
    crs : str
        The projection, empty for latitude and longitude.
    moment : datetime64
        UTC.
    given : float, optional
        The angle itself, where it is one for all.
    """
    shape = np.broadcast_shapes(np.shape(y), np.shape(x))
    if given is not None:
        return np.full(shape, given, np.float32)
    latitude = np.broadcast_to(np.radians(y if not crs else _latitude(y, x, crs)), shape)
    sun = float(sun_position(moment).declination)
    cosine = np.sin(latitude) * np.sin(sun) + np.cos(latitude) * np.cos(sun) * np.cos(np.radians(HOUR_ANGLE))
    angle = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    return np.asarray(np.minimum(angle, MAX_SUN), np.float32)


def _latitude(y: Any, x: Any, crs: str) -> Any:
    from pyproj import Transformer

    xs, ys = np.broadcast_arrays(x, y)
    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(xs, ys)[1]
