"""Where a map lies: its box and outline on the globe, its grid on its own projection.

Boxes and outlines follow RFC 7946: a box across the antimeridian has its west east of its east, outlines are cut there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.archive._outline import Range, edges_of, outline
from musyq_lab.archive.header import Header

_DIGITS = 7  # of degrees: a centimetre

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Place:
    """Extent and grid of a map."""

    box: Box
    """West, south, east, north in degrees; west > east across the antimeridian."""
    rings: tuple[tuple[tuple[float, float], ...], ...]
    """Outlines (longitude, latitude), anticlockwise and closed; two where the antimeridian cuts the map."""
    shape: tuple[int, int] | None
    """Rows and columns; None for several maps."""
    transform: tuple[float, float, float, float, float, float] | None
    """(column step, 0, west edge, 0, row step, north edge) in the units of the projection."""
    epsg: int | None
    """EPSG number of the projection, None where it has none."""
    wkt: str
    """The projection as WKT 2, empty for longitude and latitude."""
    resolution: float | None
    """Size of a cell: degrees, or metres on a projection."""

    @property
    def geometry(self) -> dict[str, Any]:
        """The outline as GeoJSON."""
        polygons = [[[list(point) for point in ring]] for ring in self.rings]
        if len(polygons) == 1:
            return {"type": "Polygon", "coordinates": polygons[0]}
        return {"type": "MultiPolygon", "coordinates": polygons}


def place_of(header: Header) -> Place | None:
    """Return where the map of a file lies, None where it has none or does not say.

    Parameters
    ----------
    header : Header
        Of a product file.
    """
    plane = header.plane
    if plane is None or any(name not in header.coordinates for name in plane):
        return None
    y, x = (np.asarray(header.coordinates[name].values, np.float64) for name in plane)
    if y.ndim != 1 or x.ndim != 1 or not (y.size and x.size and np.isfinite(y).all() and np.isfinite(x).all()):
        return None
    steps = _step(x, header, "lon"), _step(y, header, "lat")
    edges = edges_of(x, steps[0]), edges_of(y, steps[1])
    grid = _grid(x, y, steps, edges)
    if plane == ("latitude", "longitude"):
        south, north = max(edges[1][0], -90.0), min(edges[1][1], 90.0)
        return _geographic(edges[0], (south, north), (y.size, x.size), grid, abs(steps[0]) or None)
    return _projected(header.crs_attributes, edges, (y.size, x.size), grid, abs(steps[0]) or None)


def union(places: Sequence[Place]) -> Place | None:
    """Return the smallest box around several maps; grid and outline of one where all are alike.

    Parameters
    ----------
    places : sequence of Place
        None or more.
    """
    if not places:
        return None
    first = places[0]
    if all(place == first for place in places):
        return first
    west, east = _span([(place.box[0], place.box[2]) for place in places])
    south, north = min(place.box[1] for place in places), max(place.box[3] for place in places)
    same = all((p.epsg, p.wkt, p.resolution) == (first.epsg, first.wkt, first.resolution) for p in places)
    found = _geographic((west, east), (south, north), None, None, first.resolution if same else None)
    return found if not same else Place(found.box, found.rings, None, None, first.epsg, first.wkt, first.resolution)


def _step(values: NDArray[np.float64], header: Header, short: str) -> float:
    """Return the step of an axis; of a single cell what the file says, else 0."""
    if values.size > 1:
        return float((values[-1] - values[0]) / (values.size - 1))
    said = header.attributes.get(f"geospatial_{short}_resolution", 0.0)
    size = float(said) if isinstance(said, (int, float, np.number)) else 0.0
    return size if short == "lon" else -size


def _grid(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    steps: tuple[float, float],
    edges: tuple[Range, Range],
) -> tuple[float, float, float, float, float, float] | None:
    """Return the affine transform of an even grid, None for an uneven or single-celled one."""
    for values, step in zip((x, y), steps, strict=True):
        if not step or np.abs(np.diff(values) - step).max(initial=0.0) > 1e-6 * abs(step):
            return None
    west = edges[0][0] if steps[0] > 0 else edges[0][1]
    north = edges[1][1] if steps[1] < 0 else edges[1][0]
    numbers = (steps[0], 0.0, west, 0.0, steps[1], north)
    return tuple(float(f"{number:.12g}") for number in numbers)  # type: ignore[return-value]


def _geographic(
    longitudes: tuple[float, float],
    latitudes: tuple[float, float],
    shape: tuple[int, int] | None,
    grid: tuple[float, float, float, float, float, float] | None,
    resolution: float | None,
) -> Place:
    west, east = _normal(*longitudes)
    south, north = latitudes
    parts = [(west, east)] if west < east else [(west, 180.0), (-180.0, east)]
    rings = tuple(_ring([(w, south), (e, south), (e, north), (w, north)]) for w, e in parts)
    box = _rounded((west, south, east, north))
    return Place(box, rings, shape, grid, 4326, "", resolution and float(f"{resolution:.12g}"))


def _normal(west: float, east: float) -> tuple[float, float]:
    """Return a stretch of longitudes between -180 and 180, its west east of its east across the antimeridian."""
    width = east - west
    if width >= 360.0 - 1e-9:
        return -180.0, 180.0
    start = (west + 180.0) % 360.0 - 180.0
    stop = start + width
    return start, stop if stop <= 180.0 + 1e-9 else stop - 360.0


def _span(stretches: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the shortest stretch of longitudes around several: all but the widest gap between them."""
    opened = sorted((w, e if e >= w else e + 360.0) for w, e in stretches)
    # One that goes around the end of the count covers what lies at its beginning.
    gaps, reach = [], max(opened[0][1], max(east for _, east in opened) - 360.0)
    for west, east in opened[1:]:
        gaps.append((west - reach, reach, west))
        reach = max(reach, east)
    gaps.append((opened[0][0] + 360.0 - reach, reach, opened[0][0] + 360.0))
    width, end, start = max(gaps)
    return (-180.0, 180.0) if width <= 0 else (start - 360.0, end)


def _projected(
    crs: Mapping[str, Any],
    edges: tuple[Range, Range],
    shape: tuple[int, int],
    grid: tuple[float, float, float, float, float, float] | None,
    resolution: float | None,
) -> Place | None:
    found = outline(crs, *edges)
    if found is None:
        return None
    projection, lon, lat = found
    if lon.max() > 180.0:  # across the antimeridian: an outline of boxes says it well enough
        boxes = _geographic((lon.min(), lon.max()), (lat.min(), lat.max()), None, None, None)
        box, rings = boxes.box, boxes.rings
    else:
        box = _rounded((lon.min(), lat.min(), lon.max(), lat.max()))
        rings = (_ring(list(zip(lon.tolist(), lat.tolist(), strict=True))),)
    return Place(box, rings, shape, grid, projection.to_epsg(), projection.to_wkt("WKT2_2019"), resolution)


def _rounded(box: Sequence[float]) -> Box:
    west, south, east, north = (round(float(value), _DIGITS) + 0.0 for value in box)
    return west, south, east, north


def _ring(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    rounded = [(round(lon, _DIGITS) + 0.0, round(lat, _DIGITS) + 0.0) for lon, lat in points]
    return (*rounded, rounded[0])
