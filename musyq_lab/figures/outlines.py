"""Land and country outlines that ship with the package (Natural Earth, public domain), ready for any projection.

Natural Earth cuts land at 180 degrees. :func:`coast_lines` leaves the cut out of the lines, so that Russia and Fiji are
drawn whole; areas are joined again once they are projected (:mod:`musyq_lab.figures.maps`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from musyq_lab.core.errors import NotFoundError, closest
from musyq_lab.core.resources import resource
from musyq_lab.figures.words import Language

Scale = Literal["110m", "50m"]
_SEAM_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Outline:
    """One country or area of the outlines."""

    m49: int | None
    """UN M49 code, None where UN M49 lists none."""
    iso3: str
    """ISO 3166-1 code, empty where there is none."""
    names: Mapping[str, str]
    """Language -> name."""
    geometry: BaseGeometry
    """Degrees, cut at 180."""

    def name(self, language: Language = "en") -> str:
        """Return its name, in English where it has none in the language."""
        return self.names.get(language) or self.names["en"]


def _features(name: str) -> list[dict[str, Any]]:
    document = json.loads(resource(f"catalogs/samples/{name}.geojson").read_text(encoding="utf-8"))
    features: list[dict[str, Any]] = document["features"]
    return features


def _geometry(feature: Mapping[str, Any]) -> BaseGeometry:
    return shapely.make_valid(shapely.from_geojson(json.dumps(feature["geometry"])))


@cache
def land(scale: Scale = "50m") -> BaseGeometry:
    """Return all land, degrees, cut at 180."""
    return shapely.union_all([_geometry(feature) for feature in _features(f"land_{scale}")])


@cache
def countries(scale: Scale = "50m") -> tuple[Outline, ...]:
    """Return all countries and areas."""
    return tuple(_outline(feature) for feature in _features(f"countries_{scale}"))


def _outline(feature: Mapping[str, Any]) -> Outline:
    row = feature["properties"]
    names = {"en": str(row["name"]), "zh": str(row.get("name_zh") or "")}
    code = row.get("m49")
    return Outline(
        None if code is None else int(code), str(row.get("iso3") or ""), MappingProxyType(names), _geometry(feature)
    )


def country_outline(code: int | str) -> Outline:
    """Return one country by M49 code, three-letter code or English name.

    Raises
    ------
    NotFoundError
        If the outlines have no such country.
    """
    for outline in countries():
        if code in (outline.m49, outline.iso3, outline.names["en"]) and code:
            return outline
    known = [outline.names["en"] for outline in countries()] + [o.iso3 for o in countries() if o.iso3]
    raise NotFoundError(f"The outlines have no country {code!r}.{closest(str(code), known)}")


@cache
def coast_lines(scale: Scale = "50m") -> BaseGeometry:
    """Return the coast as lines, without the cut at 180 degrees and the edge of the map at the south pole."""
    return border_lines([land(scale)])


def border_lines(geometries: Iterable[BaseGeometry]) -> BaseGeometry:
    """Return the outlines of geometries as lines, without the cut at 180 degrees and the edge at the poles."""
    lines: list[np.ndarray] = []
    for geometry in geometries:
        for ring in shapely.get_parts(shapely.boundary(geometry)):
            lines.extend(_off_seam(shapely.get_coordinates(ring)))
    return shapely.multilinestrings([shapely.linestrings(line) for line in lines])


def _off_seam(points: np.ndarray) -> list[np.ndarray]:
    """Split a line where a segment runs along the seam."""
    seam = np.abs(np.abs(points[:, 0]) - 180.0) < _SEAM_TOLERANCE
    pole = np.abs(points[:, 1]) > 90.0 - 1e-3
    on_seam = (seam[:-1] & seam[1:]) | (pole[:-1] & pole[1:])
    cuts = np.flatnonzero(on_seam) + 1
    return [part for part in np.split(points, cuts) if len(part) > 1]


def place_name(latitude: float, longitude: float, language: Language = "en") -> str:
    """Return the name of the country a point lies in, empty at sea."""
    point = shapely.points((longitude + 180.0) % 360.0 - 180.0, latitude)
    for outline in countries():
        if outline.geometry.intersects(point):
            return outline.name(language)
    return ""
