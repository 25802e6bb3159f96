"""TopoJSON to planar polygons: decode arcs, walk rings, cut at the antimeridian, round, keep valid."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry

SMALL = 0.02  # square degrees, about 200 km2: below it 0.01 degree (1.1 km) would change the area by several per cent


def decode_arcs(topology: dict[str, Any]) -> list[np.ndarray]:
    """Return the arcs as degrees: quantized steps are summed, scaled and shifted."""
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
    return [np.cumsum(np.array(arc), axis=0) * scale + shift for arc in topology["arcs"]]


def ring(indices: list[int], arcs: list[np.ndarray]) -> np.ndarray:
    """Return the closed ring of arc indices; ``~i`` means arc i backwards, shared end points come once."""
    parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])


def unwrapped(points: np.ndarray) -> np.ndarray:
    """Return a ring with continuous longitudes; one that circles a pole is closed over that pole."""
    steps = np.diff(points[:, 0])
    longitude = points[0, 0] + np.concatenate([[0.0], np.cumsum(steps - 360 * np.round(steps / 360))])
    result = np.column_stack([longitude, points[:, 1]])
    if abs(longitude[-1] - longitude[0]) < 180:
        return result
    pole = np.copysign(90.0, points[:, 1].mean())
    return np.vstack([result, [longitude[-1], pole], [longitude[0], pole], result[:1]])


def cut(shape: BaseGeometry) -> BaseGeometry:
    """Return a shape with continuous longitudes cut into -180..180."""
    west, _, east, _ = shape.bounds
    if west >= -180 and east <= 180:
        return shape
    parts = [
        affinity.translate(shape.intersection(box(-180 + 360 * turn, -90, 180 + 360 * turn, 90)), -360 * turn)
        for turn in (-1, 0, 1)
    ]
    return shapely.union_all(parts)


def polygons_of(shape: BaseGeometry) -> list[Polygon]:
    """Return the polygons of any geometry; lines and points left by cutting or repairing are dropped."""
    parts = getattr(shape, "geoms", [shape])
    return [
        p
        for part in parts
        for p in ([part] if isinstance(part, Polygon) else polygons_of(part) if hasattr(part, "geoms") else [])
    ]


def rounded(polygon: Polygon, grid: float) -> list[Polygon]:
    """Return a polygon on a grid of `grid` degrees, valid; islets and city states on one ten times finer."""
    fine = grid / 10 if polygon.area < SMALL else grid
    return [part for part in polygons_of(shapely.set_precision(polygon, fine)) if not part.is_empty]


def planar(points: np.ndarray) -> BaseGeometry:
    """Return the inside of one ring as valid geometry in -180..180."""
    return cut(shapely.make_valid(Polygon(unwrapped(points))))


def circles_pole(points: np.ndarray) -> bool:
    """Tell whether a ring goes once around the globe."""
    steps = np.diff(points[:, 0])
    return bool(abs((steps - 360 * np.round(steps / 360)).sum()) > 180)


def polygon(rings: list[list[int]], arcs: list[np.ndarray], grid: float) -> list[Polygon]:
    """Return one TopoJSON polygon as valid planar polygons.

    A second ring around the pole bounds a zone, not a hole: Antarctica comes as its coast and a line at
    the pole, in either order, so these two caps are combined by their symmetric difference.
    """
    outer, *others = (ring(indices, arcs) for indices in rings)
    shape = planar(outer)
    for other in others:
        combine = shape.symmetric_difference if circles_pole(other) else shape.difference
        shape = combine(planar(other))
    return [small for part in polygons_of(shape) for small in rounded(part, grid)]


def geometry(item: dict[str, Any], arcs: list[np.ndarray], grid: float) -> BaseGeometry:
    """Return a TopoJSON geometry as one valid Polygon or MultiPolygon."""
    groups = item["arcs"] if item["type"] == "MultiPolygon" else [item["arcs"]]
    shape = shapely.union_all([part for group in groups for part in polygon(group, arcs, grid)], grid_size=None)
    parts = polygons_of(shapely.make_valid(shape))
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)
