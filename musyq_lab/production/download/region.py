"""The part of the globe that a download asks for: a box, a polygon, a named region or a point."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.analysis.regions import Country, Region, resolve_region
from musyq_lab.core.errors import InputError, NotFoundError

_SLACK = 1e-9  # degrees: a cell centre on the edge of a box is in it whatever the rounding
_MOST_BYTES = 64 * 2**20  # of a GeoJSON file: more is no outline of a region
_ADVICE = (
    "Give a box 'west,south,east,north', a point 'longitude,latitude', a region or country by name, or a polygon "
    "(GeoJSON or shapely), in degrees."
)


@dataclass(frozen=True, slots=True)
class Area:
    """A region in degrees; a cell belongs to it if its centre does."""

    key: str
    """Short name for files: letters, digits, ``_`` and ``-``."""
    name: str
    """Words for people."""
    west: float
    """Western limit, -180 to 180."""
    width: float
    """Degrees eastward from there, 0 to 360, so that a region may cross the antimeridian."""
    south: float
    """Southern limit."""
    north: float
    """Northern limit."""
    outline: bytes = b""
    """Polygon as WKB (longitude, latitude), empty for a box or a point."""

    @property
    def is_point(self) -> bool:
        """Whether it is a place and stands for the one cell that contains it."""
        return self.width == 0 and self.south == self.north and not self.outline

    @property
    def east(self) -> float:
        """Eastern limit; beyond 180 where the region crosses the antimeridian."""
        return self.west + self.width

    def contains(self, longitude: NDArray[Any], latitude: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which places lie in the region, its border included.

        Parameters
        ----------
        longitude, latitude : ndarray
            Degrees, shapes that broadcast; longitudes by any multiple of 360.
        """
        longitude, latitude = np.broadcast_arrays(np.asarray(longitude, float), np.asarray(latitude, float))
        across = (longitude - self.west + _SLACK) % 360.0 <= self.width + 2 * _SLACK
        inside = np.array(across & (latitude >= self.south - _SLACK) & (latitude <= self.north + _SLACK))
        if self.outline and inside.any():
            import shapely

            outline = _outline(self.outline)
            low, _, high, _ = outline.bounds
            x, y = longitude[inside], latitude[inside]
            # Only what lies beyond is wrapped: a longitude on the outline must keep its last digit.
            x = np.where(np.abs(x) > 180.0, (x + 180.0) % 360.0 - 180.0, x)
            found = np.zeros(x.shape, bool)
            for shift in (-360.0, 0.0, 360.0):
                if -180.0 + shift <= high and 180.0 + shift >= low:
                    found |= shapely.intersects_xy(outline, x + shift, y)
            inside[inside] = found
        return inside

    def polygon(self) -> Any:
        """Return it as a shapely geometry in degrees, longitudes of a box running beyond 180 where it crosses."""
        import shapely

        if self.outline:
            return _outline(self.outline)
        return shapely.box(self.west, self.south, self.east, self.north)

    def described(self) -> dict[str, Any]:
        """Return what identifies it, for records."""
        found: dict[str, Any] = {"name": self.name, "west": self.west, "south": self.south}
        found |= {"east": self.east, "north": self.north}
        return found | ({"outline_sha256": hashlib.sha256(self.outline).hexdigest()} if self.outline else {})


@lru_cache(maxsize=8)
def _outline(wkb: bytes) -> Any:
    import shapely

    found = shapely.from_wkb(wkb)
    shapely.prepare(found)
    return found


def area(region: Any) -> Area | None:
    """Return what a person's words, numbers or shapes for a place mean; None for the whole globe.

    Parameters
    ----------
    region : None, str, sequence of float, mapping, path, shapely geometry, Region, Country or Area
        ``(west, south, east, north)`` or its text (west > east crosses the antimeridian), ``(longitude, latitude)`` or
        its text for the cell that contains a place, a name that :func:`musyq_lab.analysis.regions.resolve_region`
        knows, a GeoJSON mapping or file (``.geojson``, ``.json``), or a polygon.

    Raises
    ------
    NotFoundError
        If there is no such region or file.
    InputError
        If it is no region in degrees.
    """
    if region is None or isinstance(region, Area):
        return region
    for kind, make in _KINDS:
        if isinstance(region, kind):
            return make(region)
    return _shape(region) if hasattr(region, "geom_type") else _numbers(region)


def _words(given: str | int) -> Area | None:
    word = str(given).strip()
    if word.lower().endswith((".geojson", ".json")):
        return _geojson(_loaded(Path(word)))
    if "," in word:
        try:
            numbers = [float(part) for part in word.split(",")]
        except ValueError:  # a name with a comma in it
            if word.count(",") >= 2:
                raise InputError(f"{word!r} is not a region. {_ADVICE}") from None
        else:
            return _numbers(numbers)
    return _named(resolve_region(word))


def _named(region: Region) -> Area | None:
    if region.key == "globe":
        return None
    if region.box is not None:
        return _numbers(region.box)
    import shapely

    return _polygon(shapely.union_all([c.geometry for c in region.countries]), region.key, region.name)


def _numbers(values: Sequence[float]) -> Area:
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        raise InputError(f"{values!r} is not a region. {_ADVICE}") from None
    if len(numbers) not in (2, 4) or not all(math.isfinite(number) for number in numbers):
        raise InputError(f"{values!r} is not a region: two numbers are a point, four a box. {_ADVICE}")
    if len(numbers) == 2:
        return _point(*numbers)
    west, south, east, north = numbers
    width = east - west + (360.0 if east < west else 0.0)
    if not (-90 <= south < north <= 90 and -180 <= west <= 360 and -180 <= east <= 360 and 0 < width <= 360):
        raise InputError(
            f"The box {west:g},{south:g},{east:g},{north:g} is empty or not on the globe. Give 'west,south,east,north' "
            "in degrees with south < north; west > east crosses the antimeridian."
        )
    key = "box_" + "_".join(_digits(number) for number in numbers)
    name = f"{west:.10g} to {east:.10g} E, {south:.10g} to {north:.10g} N"
    return Area(key, name, _wrapped(west), width, south, north)


def _point(longitude: float, latitude: float) -> Area:
    if not (-180 <= longitude <= 360 and -90 <= latitude <= 90):
        raise InputError(f"The point {longitude:g},{latitude:g} is not on the globe. {_ADVICE}")
    key = f"point_{_digits(longitude)}_{_digits(latitude)}"
    name = f"the cell at {longitude:.10g} E, {latitude:.10g} N"
    return Area(key, name, _wrapped(longitude), 0.0, latitude, latitude)


def _wrapped(longitude: float) -> float:
    return longitude - 360.0 if longitude > 180.0 else longitude


def _digits(number: float) -> str:
    return f"{number:.8g}".replace("-", "m").replace(".", "p").replace("+", "")


def _loaded(path: Path) -> Mapping[str, Any]:
    path = path.expanduser()
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}. {_ADVICE}")
    if path.stat().st_size > _MOST_BYTES:
        raise InputError(
            f"{path} has more than {_MOST_BYTES // 2**20} MiB, too much for an outline. Simplify it first."
        )
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not GeoJSON: {error}.") from None
    if not isinstance(loaded, Mapping):
        raise InputError(f"{path} is not GeoJSON: it holds no object.")
    return loaded


def _geojson(given: Mapping[str, Any]) -> Area:
    """Return the union of everything a GeoJSON object holds (RFC 7946: longitude, latitude on WGS 84)."""
    from shapely import union_all
    from shapely.errors import ShapelyError
    from shapely.geometry import shape

    said = json.dumps(given.get("crs", ""), default=str)
    if given.get("crs") and not any(word in said for word in ("CRS84", "4326")):
        raise InputError(f"The GeoJSON is in {said[:80]}; it must be in degrees (RFC 7946). Reproject it to EPSG:4326.")
    kind = given.get("type")
    if kind == "FeatureCollection":
        members = [feature.get("geometry") for feature in given.get("features") or () if isinstance(feature, Mapping)]
    else:
        members = [given.get("geometry") if kind == "Feature" else given]
    try:
        shapes = [shape(member) for member in members if member]
    except (ShapelyError, AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(f"The GeoJSON cannot be understood ({error}). {_ADVICE}") from None
    if not shapes:
        raise InputError(f"The GeoJSON holds no geometry. {_ADVICE}")
    if len(shapes) == 1:
        return _shape(shapes[0])
    for item in shapes:
        _check(item)
    return _shape(union_all(shapes))


def _shape(geometry: Any) -> Area:
    if geometry.geom_type == "Point" and not geometry.is_empty:
        return _point(geometry.x, geometry.y)
    _check(geometry)
    return _polygon(geometry, "", "")


def _check(geometry: Any) -> None:
    from shapely import is_valid_reason

    if geometry.geom_type not in ("Polygon", "MultiPolygon") or geometry.is_empty:
        raise InputError(f"A region is a polygon or a point; this is {geometry.geom_type} of no area. {_ADVICE}")
    west, south, east, north = geometry.bounds
    if not (west >= -360 and east <= 540 and south >= -90 and north <= 90 and east - west <= 360):
        raise InputError(
            f"The polygon reaches from {west:g},{south:g} to {east:g},{north:g}, which is not on the globe. "
            "Give degrees (EPSG:4326), longitude first."
        )
    if not geometry.is_valid:
        raise InputError(f"The polygon is not valid: {is_valid_reason(geometry)}. Mend it with shapely.make_valid.")


def _polygon(geometry: Any, key: str, name: str) -> Area:
    import shapely

    wkb: bytes = shapely.to_wkb(shapely.force_2d(shapely.normalize(geometry)), byte_order=1)
    west, width = _arc([part.bounds for part in shapely.get_parts(geometry)])
    _, south, _, north = geometry.bounds
    short = hashlib.sha256(wkb).hexdigest()[:8]
    key = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in key) or f"polygon_{short}"
    return Area(key, name or f"polygon {short}", west, width, float(south), float(north), wkb)


def _arc(boxes: Sequence[tuple[float, float, float, float]]) -> tuple[float, float]:
    """Return western end and length of the shortest arc of longitudes that holds all boxes.

    Countries on both sides of the antimeridian are cut there into parts at -180 and +180, and would otherwise span
    the globe.
    """
    stretches = sorted(((box[0] + 180.0) % 360.0, box[2] - box[0]) for box in boxes)
    # A stretch may go on beyond 360 and cover the first ones.
    reach, gaps = max(start + length for start, length in stretches) - 360.0, []
    for start, length in stretches:
        gaps.append((start - reach, start))
        reach = max(reach, start + length)
    gap, first = max(gaps)
    if gap <= 0:
        return -180.0, 360.0
    return first - 180.0, 360.0 - gap


_KINDS: tuple[tuple[Any, Callable[[Any], Area | None]], ...] = (
    (Region, _named),
    (Country, lambda country: _polygon(country.geometry, country.iso3.lower(), country.name)),
    (Mapping, _geojson),
    (Path, lambda path: _geojson(_loaded(path))),
    ((str, int), _words),
)
