r"""Angles of Sun and sensor over a Landsat scene: from the angle bands of Collection 2, else from the orbit.

Without angle bands the Sun's angles are those of the scene's centre, and the sensor's follow from the distance to the
ground track, which passes through the middle of the scene: across the track at distance :math:`d` the view zenith is

.. math:: \theta_v = \arctan\frac{R \sin\gamma}{h + R (1 - \cos\gamma)} + \gamma, \qquad \gamma = d / R,

with the altitude :math:`h` = 705 km (WRS-2, Landsat 4 to 9), in the direction of the track. The track's azimuth is that
of an orbit of inclination 98.2 degrees over the turning Earth. The ground track may leave the
middle by some km (half a degree of zenith), and the convergence of the meridians on the map is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
import xarray as xr

from musyq_lab.core.errors import MusyqError
from musyq_lab.files.raster import open_band
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._grids import placed, same_grid
from musyq_lab.sensors._mtl import Metadata

_BANDS = {"sun_zenith": "SZA", "sun_azimuth": "SAA", "view_zenith": "VZA", "view_azimuth": "VAA"}
"""Angle -> suffix of its file: USGS LSDS-1619, table 3-1; int16 in hundredths of a degree."""

_ALTITUDE = 705e3  # m
_RADIUS = 6.371e6  # m
_INCLINATION = math.radians(98.2)
_TURNS = 233 / 16
"""Orbits a day."""
_CORNERS = ("UL", "UR", "LL", "LR")


class Angles(NamedTuple):
    """Angles (degree), lazy with dims (y, x) or numbers, and where they come from."""

    values: dict[str, xr.DataArray | float]
    """By name; those of the sensor lack where nothing tells them."""
    note: str
    """In words."""


def angles(granule: Granule, stem: str, like: xr.DataArray, metadata: Metadata) -> Angles:
    """Return the angles over the pixels of a layer.

    Parameters
    ----------
    granule : Granule
        Of the scene.
    stem : str
        Regular expression of what the names of its files begin with.
    like : DataArray
        A band on the scene's grid.
    metadata : Metadata
        Of the scene.
    """
    if measured := _measured(granule, stem, like):
        return Angles({**measured}, "of each pixel, from the angle bands")
    zenith = 90.0 - metadata.number("SUN_ELEVATION", least=-90.0, most=90.0)
    centre: dict[str, xr.DataArray | float] = {
        "sun_zenith": zenith,
        "sun_azimuth": metadata.number("SUN_AZIMUTH", least=-360.0, most=360.0) % 360.0,
    }
    view = _from_orbit(like, metadata)
    if not view:
        return Angles(centre, "Sun: of the scene's centre; sensor: unknown")
    return Angles({**centre, **view}, "Sun: of the scene's centre; sensor: from the distance to the ground track")


def _measured(granule: Granule, stem: str, like: xr.DataArray) -> dict[str, xr.DataArray]:
    """Return the angle bands, none unless all four lie on the grid."""
    found = {}
    for name, suffix in _BANDS.items():
        files = granule.match(rf"{stem}_{suffix}\.tiff?")
        if len(files) != 1:
            return {}
        layer = open_band(files[0])
        if not same_grid(layer, like):
            return {}
        found[name] = placed(layer, like).astype(np.float32) * np.float32(0.01)
    # Zero is the fill value, and what a zenith of the sensor at nadir is too; that of the Sun is never zero.
    known = found["sun_zenith"] != 0
    return {name: (angle % 360 if name.endswith("azimuth") else angle).where(known) for name, angle in found.items()}


def _from_orbit(like: xr.DataArray, metadata: Metadata) -> dict[str, xr.DataArray]:
    """Return the sensor's angles by the distance to the ground track, none where the metadata lack the corners."""
    corners = _corners(metadata)
    if corners is None:
        return {}
    x, y = corners["x"], corners["y"]
    across, down = like["x"].values, like["y"].values
    if not (x[0] <= across.min() and across.max() <= x[1] and y[0] <= down.min() and down.max() <= y[1]):
        return {}  # metadata in another zone or of another product
    heading = _heading(corners["latitude"])
    east, north = (_lazy(like, axis) - sum(limits) / 2 for axis, limits in (("x", x), ("y", y)))
    right = east * math.cos(heading) - north * math.sin(heading)  # m, positive to the right of the flight
    ground = np.abs(right) / _RADIUS
    scan = np.arctan2(_RADIUS * np.sin(ground), _ALTITUDE + _RADIUS * (1 - np.cos(ground)))
    zenith = np.degrees(scan + ground).astype(np.float32)
    left, other = ((math.degrees(heading) + turn) % 360 for turn in (-90, 90))
    azimuth = xr.full_like(zenith, left).where(right > 0, np.float32(other))
    dims = like.dims
    place = {name: like[name] for name in like.coords}
    return {
        name: angle.transpose(*dims).assign_coords(place).drop_attrs(deep=False)
        for name, angle in (("view_zenith", zenith), ("view_azimuth", azimuth))
    }


def _lazy(like: xr.DataArray, axis: str) -> xr.DataArray:
    """Return the coordinates of an axis in the chunks of the layer."""
    chunks = dict(like.chunksizes).get(axis, (like.sizes[axis],))
    return xr.DataArray(da.from_array(like[axis].values, chunks=(chunks,)), dims=axis)


def _corners(metadata: Metadata) -> Mapping[str, Any] | None:
    """Return the limits of the whole product (m) and its middle latitude (degrees north)."""
    try:
        x, y, latitude = (
            [metadata.number(f"CORNER_{corner}_{what}_PRODUCT") for corner in _CORNERS]
            for what in ("PROJECTION_X", "PROJECTION_Y", "LAT")
        )
    except MusyqError:
        return None
    margin = 300.0  # m: corners are those of pixel centres, and overviews have coarse pixels
    return {
        "x": (min(x) - margin, max(x) + margin),
        "y": (min(y) - margin, max(y) + margin),
        "latitude": sum(latitude) / len(latitude),
    }


def _heading(latitude: float) -> float:
    """Return the azimuth of the descending ground track (rad, clockwise from north) over the turning Earth."""
    cosine = math.cos(math.radians(latitude))
    sine = max(-1.0, min(1.0, math.cos(_INCLINATION) / cosine))
    east = sine - cosine / _TURNS
    return math.atan2(east, -math.sqrt(1 - sine**2))
