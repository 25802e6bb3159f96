"""What a person types or draws: a place, a box, a polygon, a country or a station, in the map's own coordinates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from musyq_lab.analysis.regions import countries, region_keys, resolve_region
from musyq_lab.core.errors import InputError
from musyq_lab.core.resources import read_table
from musyq_lab.dashboards._data import Cube
from musyq_lab.standard._warp_frames import GEOGRAPHIC, crs_of, transformer

_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_LATITUDE = re.compile(rf"({_NUMBER})\s*°?\s*([NS])", re.IGNORECASE)
_LONGITUDE = re.compile(rf"({_NUMBER})\s*°?\s*([EW])", re.IGNORECASE)
_NUMBERS = re.compile(rf"\s*{_NUMBER}(?:\s*[,;\s]\s*{_NUMBER})*\s*")
_TOLERANCE = 1e-4  # of the map's width: vertices of a drawn outline closer than this tell nothing


@dataclass(frozen=True)
class Area:
    """A region on the map."""

    name: str
    """In words."""
    geometry: Any
    """shapely polygon or multipolygon in the coordinates of the map."""
    text: str
    """What is typed to choose it again."""

    @property
    def rings(self) -> list[NDArray[np.float64]]:
        """Outlines and holes, across and up in columns."""
        return [shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(self.geometry))]

    @property
    def wkt(self) -> str:
        """As well-known text."""
        return str(shapely.to_wkt(self.geometry, rounding_precision=6))


Place = tuple[float, float]


@cache
def stations() -> dict[str, Place]:
    """Return the shipped stations: ``name (code)`` -> longitude and latitude."""
    rows = read_table("catalogs/samples/towers.csv")
    found = {f"{row['name']} ({row['site']})": (float(row["longitude"]), float(row["latitude"])) for row in rows}
    return dict(sorted(found.items()))


@cache
def names() -> tuple[str, ...]:
    """Return all names of places: regions, countries and stations."""
    return (*region_keys(), *(country.name for country in countries()), *stations())


def understood(text: str, cube: Cube) -> Place | Area:
    """Return what a person's words mean on a map.

    Parameters
    ----------
    text : str
        ``"103.5, 36"`` (longitude, latitude; or x, y of a projected map), ``"36 N 103.5 E"``, a box
        ``"west,south,east,north"``, a polygon as WKT, a station, or a country or region by name or code.
    cube : Cube
        The map.

    Raises
    ------
    InputError, NotFoundError
        If the words mean nothing; the message names the nearest place.
    """
    word = text.strip()
    if not word:
        raise InputError("Type a place: longitude, latitude; or a box, a country, a region or a station.")
    if _NUMBERS.fullmatch(word):
        return _of_numbers([float(part) for part in re.split(r"[,;\s]+", word)], word)
    if word.upper().startswith(("POLYGON", "MULTIPOLYGON")):
        return _of_wkt(word)
    north, east = _LATITUDE.search(word), _LONGITUDE.search(word)
    if north and east:
        return _onto(cube, *(_signed(*found.groups()) for found in (east, north)))
    code = word.lower()
    for name, place in stations().items():
        if code in (name.lower(), name.rpartition(" (")[0].lower(), name.rpartition(" (")[2][:-1].lower()):
            return _onto(cube, *place)
    return _of_region(word, cube)


def _signed(number: str, letter: str) -> float:
    return float(number) * (-1 if letter.upper() in "SW" else 1)


def _of_numbers(numbers: list[float], word: str) -> Place | Area:
    if len(numbers) == 2:
        return numbers[0], numbers[1]
    if len(numbers) != 4:
        raise InputError(f"{word!r} are {len(numbers)} numbers. Give two (longitude, latitude) or four (a box).")
    return box(*numbers)


def box(west: float, south: float, east: float, north: float) -> Area:
    """Return a box in the coordinates of the map.

    Raises
    ------
    InputError
        If it has no area.
    """
    if not (west < east and south < north):
        raise InputError(f"The box {west:g},{south:g},{east:g},{north:g} is empty: give west < east and south < north.")
    text = ",".join(map(coordinate, (west, south, east, north)))
    return Area(f"box {text}", shapely.box(west, south, east, north), text)


def coordinate(value: float) -> str:
    """Return a coordinate as :func:`understood` reads it: never with an exponent, metres to the tenth."""
    if abs(value) >= 1000:
        return f"{value:.1f}"
    return str(np.format_float_positional(float(f"{value:.6g}"), trim="-"))


def polygon(points: NDArray[np.float64]) -> Area:
    """Return a drawn polygon.

    Parameters
    ----------
    points : numpy.ndarray, shape (n, 2)
        Its vertices, across and up.

    Raises
    ------
    InputError
        If it has no area.
    """
    if len(points) < 3:
        raise InputError("A polygon needs at least three corners. Draw around the region.")
    shape = shapely.make_valid(shapely.polygons(points))
    reach = float(np.ptp(points, axis=0).max())
    return _polygonal(shapely.simplify(shape, reach * _TOLERANCE))


def _of_wkt(word: str) -> Area:
    try:
        shape = shapely.from_wkt(word)
    except shapely.errors.GEOSException as error:
        raise InputError(f"This is no WKT polygon: {error}.") from None
    return _polygonal(shapely.make_valid(shape))


def _polygonal(shape: Any) -> Area:
    parts = [part for part in shapely.get_parts(shape) if part.geom_type in ("Polygon", "MultiPolygon")]
    joined = shapely.union_all(parts)
    if joined.is_empty or joined.area == 0:
        raise InputError("The polygon has no area. Draw around the region.")
    return Area("drawn polygon", joined, str(shapely.to_wkt(joined, rounding_precision=5)))


def _of_region(word: str, cube: Cube) -> Area:
    found = resolve_region(word)
    if found.box is not None:
        shape = shapely.box(*found.box)
    else:
        shape = shapely.union_all([country.geometry for country in found.countries])
    west, east = (float(edge(cube.dataset[cube.x].values)) for edge in (np.min, np.max))
    if not cube.geographic:
        return Area(found.name, _projected(shape, cube), word)
    if east > 180.5:  # a window across the antimeridian: the part beyond it is shifted
        shape = shapely.union_all([shape, shapely.transform(shape, lambda xy: xy + np.array([360.0, 0.0]))])
        shape = shapely.intersection(shape, shapely.box(west - 1, -90, east + 1, 90))
    return Area(found.name, shape, word)


def _onto(cube: Cube, longitude: float, latitude: float) -> Place:
    """Return a place in the coordinates of the map."""
    if cube.geographic:
        return (longitude + 360 if longitude < float(cube.dataset[cube.x].min()) - 180 else longitude), latitude
    link = transformer(GEOGRAPHIC, crs_of(cube.dataset, "map"))
    x, y = (longitude, latitude) if link is None else link.transform(longitude, latitude)
    return float(x), float(y)


def degrees_of(cube: Cube, place: Place) -> Place | None:
    """Return longitude and latitude of a place on the map; None where the map has no coordinate system."""
    if cube.geographic:
        return (place[0] + 180) % 360 - 180, place[1]
    try:
        link = transformer(crs_of(cube.dataset, "map"), GEOGRAPHIC)
    except InputError:
        return None
    longitude, latitude = place if link is None else link.transform(*place)
    return (float(longitude), float(latitude)) if np.isfinite([longitude, latitude]).all() else None


def _projected(shape: Any, cube: Cube) -> Any:
    """Return the part of a geometry near a projected map, in its coordinates."""
    system = crs_of(cube.dataset, "map")
    edges = [(float(axis.min()), float(axis.max())) for axis in (cube.dataset[cube.x], cube.dataset[cube.y])]
    (west, east), (south, north) = edges
    back, onto = transformer(system, GEOGRAPHIC), transformer(GEOGRAPHIC, system)
    if back is None:
        return shape
    frame = shapely.segmentize(shapely.box(west, south, east, north), max(east - west, north - south, 1) / 20)
    near = shapely.buffer(shapely.transform(frame, lambda xy: np.column_stack(back.transform(*xy.T))).envelope, 0.1)
    part = shapely.segmentize(shapely.intersection(shape, near), 0.02)
    return shapely.make_valid(shapely.transform(part, lambda xy: np.column_stack(onto.transform(*xy.T))))
