"""How the globe is cut into files: one scheme of tiles for each edition.

=================  ============================================================================================
``0p25deg, 5km``   one tile, ``global``
``1km``            squares of 10 degrees (1000 x 1000 cells), ``h00v00`` in the north-west to ``h35v17``
``30m``            squares of 100 km of the military grid (MGRS) on UTM, such as ``50TMK``, from 80 S to 84 N
=================  ============================================================================================

The squares of 100 km are named as in the military grid, with one difference: a square that a limit of latitude bands
(every 8 degrees) cuts has two names there and one here, that of the band of its centre. Its 30 m cells have their edges
on whole multiples of 30 m and their centres in the square, so that squares that meet neither overlap nor leave a gap.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.grid import GRIDS, GeoGrid, ProjectedGrid, grid

GLOBAL = "global"
"""The tile that is the whole globe."""
DEGREES = 10
"""Edge of a tile of the 1 km edition."""
METRES = 100_000
"""Edge of a tile of the 30 m edition."""
CELL = 30
"""Edge of its cells (m)."""
SOUTH, NORTH = -80.0, 84.0
"""Latitudes between which there are UTM zones."""

_SQUARE = re.compile(r"h(\d{2})v(\d{2})", re.ASCII)
_MGRS = re.compile(r"(\d{2})([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])", re.ASCII)
_BANDS = "CDEFGHJKLMNPQRSTUVWX"
_COLUMNS = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
_ROWS = "ABCDEFGHJKLMNPQRSTUV"


class _Square(NamedTuple):
    """A square of 100 km: zone, hemisphere and numbers from the zone's origin."""

    zone: int
    north: bool
    column: int
    row: int


def tile_of(longitude: float, latitude: float, edition: str) -> str:
    """Return the tile of an edition that holds a place.

    A place on an edge belongs to the tile east of it, and south of it; for 30 m north of it, as in the military grid.

    Parameters
    ----------
    longitude, latitude : float
        Degrees; longitudes from -180 to 360.
    edition : str
        ``"1km"``, ``"5km"``, ``"0p25deg"`` or ``"30m"``.

    Raises
    ------
    InputError
        If the place is not on the globe, or beyond the UTM zones for 30 m.
    NotFoundError
        If there is no such edition.
    """
    if not (-180 <= longitude <= 360 and -90 <= latitude <= 90):
        raise InputError(f"({longitude}, {latitude}) is not on the globe. Give longitude and latitude in degrees.")
    longitude = (longitude + 180) % 360 - 180
    if _is_projected(edition):
        if not SOUTH <= latitude <= NORTH:
            raise InputError(f"The 30 m edition goes from {SOUTH:g} to {NORTH:g} degrees; latitude is {latitude}.")
        return _name(_square_of(longitude, latitude))
    if edition != "1km":
        return GLOBAL
    rows = 180 // DEGREES
    return _code(int((longitude + 180) // DEGREES), min(int((90 - latitude) // DEGREES), rows - 1))


def tile_grid(tile: str, edition: str) -> GeoGrid | ProjectedGrid:
    """Return the cells of a tile.

    Parameters
    ----------
    tile : str
        Name.
    edition : str
        See :func:`tile_of`.

    Raises
    ------
    NotFoundError
        If the edition has no such tile.
    """
    if _is_projected(edition):
        return _square_grid(_square(tile))
    if edition != "1km" or tile == GLOBAL:
        if tile != GLOBAL:
            raise NotFoundError(f"The edition {edition!r} has one tile, {GLOBAL!r}, and no {tile!r}.")
        return grid(edition)
    match = _SQUARE.fullmatch(tile)
    column, row = (int(text) for text in match.groups()) if match else (-1, -1)
    if not (0 <= column < 360 // DEGREES and 0 <= row < 180 // DEGREES):
        raise NotFoundError(f"The edition '1km' has no tile {tile!r}: they are h00v00 to h35v17, or {GLOBAL!r}.")
    n = GRIDS["1km"].cells_per_degree * DEGREES
    return GeoGrid("1km", GRIDS["1km"].cells_per_degree, row * n, column * n, n, n)


def tiles_touching(west: float, south: float, east: float, north: float, edition: str) -> list[str]:
    """Return the tiles of an edition that a box touches, in the order of their names.

    Parameters
    ----------
    west, south, east, north : float
        Degrees, longitudes from -180 to 360; ``west > east`` means a box across the antimeridian. For 30 m, what lies
        beyond the UTM zones is left out, and a corner of less than some hundred metres may be.
    edition : str
        See :func:`tile_of`.

    Raises
    ------
    InputError
        If the box is empty or not on the globe.
    NotFoundError
        If there is no such edition.
    """
    projected = _is_projected(edition)
    window = grid("1km" if projected else edition).window(west, south, east, north)  # refuses what is no box
    if projected:
        width = east - west + (360 if east < west else 0)
        start = (west + 180) % 360 - 180
        pieces = [(start, min(start + width, 180.0)), (-180.0, start + width - 360)]
        squares = {s for a, b in pieces if a < b for s in _squares_in(a, max(south, SOUTH), b, min(north, NORTH))}
        return sorted({_name(square) for square in squares})
    if edition != "1km":
        return [GLOBAL]
    n, across = window.cells_per_degree * DEGREES, 360 // DEGREES
    rows = range(window.row // n, (window.row + window.rows - 1) // n + 1)
    columns = {k % across for k in range(window.column // n, (window.column + window.columns - 1) // n + 1)}
    return sorted(_code(column, row) for row in rows for column in columns)


def _code(column: int, row: int) -> str:
    return f"h{column:02d}v{row:02d}"


def _is_projected(edition: str) -> bool:
    """Whether an edition is on UTM; an unknown one is refused."""
    if edition == "30m":
        return True
    grid(edition)
    return False


def _zone(longitude: float, latitude: float) -> int:
    """Return the UTM zone of a place, with the exceptions of south-west Norway and Svalbard."""
    zone = min(int((longitude + 180) // 6) + 1, 60)
    if 56 <= latitude < 64 and zone == 31 and longitude >= 3:
        return 32
    if latitude >= 72 and 0 <= longitude < 42:
        return 31 + 2 * int((longitude + 3) // 12) if longitude >= 9 else 31
    return zone


def _stretches(zone: int) -> Iterator[tuple[float, float, float, float]]:
    """Yield the boxes (west, south, east, north) that make up a zone."""
    west = 6.0 * zone - 186
    yield west, SOUTH, west + 6, 56.0
    yield {32: 3.0}.get(zone, west), 56.0, {31: 3.0}.get(zone, west + 6), 64.0
    yield west, 64.0, west + 6, 72.0
    if zone not in (32, 34, 36):
        limits = {31: (0.0, 9.0), 33: (9.0, 21.0), 35: (21.0, 33.0), 37: (33.0, 42.0)}
        yield limits.get(zone, (west, 0))[0], 72.0, limits.get(zone, (0, west + 6))[1], NORTH


@lru_cache(maxsize=128)
def _transformer(zone: int, north: bool) -> Any:
    from pyproj import Transformer

    return Transformer.from_crs("EPSG:4326", _crs(zone, north), always_xy=True)


def _crs(zone: int, north: bool) -> str:
    return f"EPSG:{(32600 if north else 32700) + zone}"


def _square_of(longitude: float, latitude: float) -> _Square:
    zone, north = _zone(longitude, latitude), latitude >= 0
    x, y = _transformer(zone, north).transform(longitude, latitude)
    # A place on an edge, such as on a central meridian, may come out some nanometres beside it.
    return _Square(zone, north, int((x + 1e-3) // METRES), int((y + 1e-3) // METRES))


def _name(square: _Square) -> str:
    """Return the name of a square, with the band of its centre."""
    column = _COLUMNS[(square.zone - 1) % 3][square.column - 1]
    row = _ROWS[(square.row + (0 if square.zone % 2 else 5)) % len(_ROWS)]
    return f"{square.zone:02d}{_band(square)}{column}{row}"


def _band(square: _Square) -> str:
    x, y = (METRES * (number + 0.5) for number in (square.column, square.row))
    _, latitude = _transformer(square.zone, square.north).transform(x, y, direction="INVERSE")
    band = int((latitude - SOUTH) // 8)
    return _BANDS[min(max(band, 0), len(_BANDS) - 1)]


def _square(tile: str) -> _Square:
    """Return the square of a name."""
    match = _MGRS.fullmatch(tile)
    if match and 1 <= int(match[1]) <= 60 and match[3] in _COLUMNS[(int(match[1]) - 1) % 3]:
        zone, north = int(match[1]), match[2] >= "N"
        column = _COLUMNS[(zone - 1) % 3].index(match[3]) + 1
        first = (_ROWS.index(match[4]) - (0 if zone % 2 else 5)) % len(_ROWS)
        for row in range(first, 100, len(_ROWS)):  # the letters of rows repeat every 2000 km
            if _name(square := _Square(zone, north, column, row)) == tile:
                return square
    raise NotFoundError(
        f"The edition '30m' has no tile {tile!r}. They are squares of the military grid such as '50TMK', each named "
        "after the latitude band of its centre; tile_of(longitude, latitude, '30m') gives the name."
    )


def _square_grid(square: _Square) -> ProjectedGrid:
    west, south = (METRES * number for number in (square.column, square.row))
    left, right = (math.ceil((edge - CELL / 2) / CELL) for edge in (west, west + METRES))
    bottom, top = (math.ceil((edge - CELL / 2) / CELL) for edge in (south, south + METRES))
    crs = _crs(square.zone, square.north)
    return ProjectedGrid("30m", crs, float(CELL * left), float(CELL * top), float(CELL), top - bottom, right - left)


def _squares_in(west: float, south: float, east: float, north: float) -> Iterator[_Square]:
    for zone in range(1, 61):
        for left, bottom, right, top in _stretches(zone):
            # Zones north and south of the equator count from origins of their own.
            for low, high, is_north in ((max(bottom, 0.0), top, True), (bottom, min(top, 0.0), False)):
                box = max(west, left), max(south, low), min(east, right), min(north, high)
                if box[0] < box[2] and box[1] < box[3]:
                    yield from _touched(zone, is_north, box)


_SAMPLES = 400  # of a degree: every 300 m


def _touched(zone: int, north: bool, box: tuple[float, float, float, float]) -> Iterator[_Square]:
    """Yield the squares that a box inside a zone touches: those its rim runs through, and those within."""
    west, south, east, up = box
    along = np.linspace(west, east, math.ceil(_SAMPLES * (east - west)) + 2)
    across = np.linspace(south, up, math.ceil(_SAMPLES * (up - south)) + 2)
    longitude = np.concatenate([along, along, np.full_like(across, west), np.full_like(across, east)])
    latitude = np.concatenate([np.full_like(along, south), np.full_like(along, up), across, across])
    transformer = _transformer(zone, north)
    x, y = (np.asarray(values) // METRES for values in transformer.transform(longitude, latitude))
    yield from (_Square(zone, north, int(a), int(b)) for a, b in set(zip(x.tolist(), y.tolist(), strict=True)))
    columns, rows = (part.ravel() for part in np.meshgrid(np.arange(x.min(), x.max()), np.arange(y.min(), y.max())))
    centre = transformer.transform(METRES * (columns + 0.5), METRES * (rows + 0.5), direction="INVERSE")
    inside = (centre[0] > west) & (centre[0] < east) & (centre[1] > south) & (centre[1] < up)
    for column, row in zip(columns[inside], rows[inside], strict=True):
        yield _Square(zone, north, int(column), int(row))
