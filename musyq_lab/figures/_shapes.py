"""Outlines as they lie on a projected map.

A polygon is moved point by point. That is exact here and needs no repair of rings, because the projections of this
package break only at the far side of the Earth, which a region's frame does not show, and Equal Earth breaks where
the outlines are cut already. The two sides of the cut at 180 degrees meet again on the map and are joined there.
"""

from __future__ import annotations

import cartopy.crs as ccrs
import numpy as np
import shapely
from matplotlib.path import Path
from numpy.typing import NDArray
from shapely.geometry.polygon import orient

_PLAIN = ccrs.PlateCarree()
# Straight in degrees is curved on the map, so edges are cut to this length (degrees) first: their middle is then within
# 0.1 m of the curve, and the two sides of the cut at 180 degrees meet within the grid below.
_STEP = 0.1
_GRID = 1.0  # m; joins what rounding keeps apart


def projected(geometry: shapely.Geometry, projection: ccrs.Projection) -> shapely.Geometry:
    """Return polygons or lines in projected metres; what cannot be projected is left out.

    Parameters
    ----------
    geometry : shapely geometry
        Degrees, -180 to 180.
    projection : cartopy projection
        Of the map.
    """

    def move(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(projection.transform_points(_PLAIN, xy[:, 0], xy[:, 1])[:, :2])

    parts = [part for part in shapely.get_parts(geometry) if part.geom_type in {"Polygon", "LineString"}]
    # All at once: thousands of islands would cost a call each.
    moved = shapely.transform(shapely.segmentize(np.array(parts, dtype=object), _STEP), move) if parts else []
    shown = [part for part in moved if np.isfinite(part.bounds).all()]
    if not shown or shown[0].geom_type == "LineString":
        return shapely.geometrycollections(shown)
    return shapely.union_all(shapely.make_valid(np.array(shown, dtype=object)), grid_size=_GRID)


def path_of(geometry: shapely.Geometry) -> Path:
    """Return polygons as one path in which holes run against their shells."""
    parts = [orient(part) for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    rings = [ring for part in parts for ring in (part.exterior, *part.interiors)]
    paths = [Path(shapely.get_coordinates(ring), closed=True) for ring in rings]
    return Path.make_compound_path(*paths) if paths else Path(np.zeros((0, 2)))


def window_of(projection: ccrs.Projection, extent: tuple[float, float, float, float]) -> shapely.Geometry:
    """Return the longitudes and latitudes that a frame may show, as boxes, so that far outlines are not projected."""
    x0, x1, y0, y1 = extent
    x, y = np.meshgrid(np.linspace(x0, x1, 61), np.linspace(y0, y1, 61))
    lonlat = _PLAIN.transform_points(projection, x, y)
    lon, lat = lonlat[..., 0], lonlat[..., 1]
    if not np.isfinite(lon).all():
        return shapely.box(-180, -90, 180, 90)
    middle = float(_PLAIN.transform_point((x0 + x1) / 2, (y0 + y1) / 2, projection)[0])
    away = (lon - middle + 180) % 360 - 180
    south, north = max(-90.0, float(lat.min()) - 2), min(90.0, float(lat.max()) + 2)
    if south < -80 or north > 80 or np.ptp(away) > 300:
        return shapely.box(-180, south if north < 88 else -90, 180, 90 if north > 80 else north)
    west, east = middle + float(away.min()) - 2, middle + float(away.max()) + 2
    boxes = [shapely.box(max(west + d, -180), south, min(east + d, 180), north)
             for d in (-360, 0, 360) if west + d < 180 and east + d > -180]  # fmt: skip
    return shapely.union_all(boxes)
