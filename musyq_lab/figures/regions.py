"""What a map shows: the globe, a region of ``catalogs/regions.yml`` or a country, and its equal-area projection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import cartopy.crs as ccrs
import numpy as np
import shapely
import yaml
from shapely.geometry.base import BaseGeometry

from musyq_lab.analysis.regions import Region, resolve_region
from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.core.resources import resource
from musyq_lab.figures.outlines import Outline, countries, country_outline
from musyq_lab.figures.words import Language, degrees, say

CHINA = 156
# The extent is set by the main land: parts further away than this many radii of it (overseas territories) are drawn
# where they fall inside, but do not widen the map.
_FAR = 2.5
# Parts below this share of the region's area do not widen the map either (French Guiana beside the Belt and Road).
_SMALL = 1 / 800


@dataclass(frozen=True, slots=True)
class MapRegion:
    """A region and how it is projected."""

    key: str
    """Short name: ``"west_asia"``, ``"FJI"``."""
    names: Mapping[str, str]
    """Language -> name."""
    geometry: BaseGeometry
    """Union of its members, degrees, cut at 180; members touching the antimeridian are in two parts."""
    projection: str = "lambert"
    """``"lambert"`` (azimuthal equal-area about its centre) or ``"albers"`` (China)."""

    def name(self, language: Language = "en") -> str:
        """Return its name, in English where it has none in the language."""
        return self.names.get(language) or self.names["en"]


@cache
def _document() -> Mapping[str, Any]:
    document: Mapping[str, Any] = yaml.safe_load(resource("catalogs/regions.yml").read_text(encoding="utf-8"))
    return document


def _members(key: str) -> set[int]:
    row = _document()["regions"][key]
    return set(row.get("members", ())).union(*(_members(part) for part in row.get("union", ())))


def _outlines(codes: set[int], keys: set[str]) -> list[Outline]:
    """Return the outlines of M49 codes with the polygons that are reported under them."""
    rows = _document().get("attribution", ())
    extra = {row["name"] for row in rows if row.get("reported_as") in codes or row.get("region") in keys}
    return [outline for outline in countries() if outline.m49 in codes or outline.names["en"] in extra]


def _parts(key: str) -> set[str]:
    row = _document()["regions"][key]
    return {key}.union(*(_parts(part) for part in row.get("union", ())))


@cache
def named_region(key: str) -> MapRegion:
    """Return a region of ``catalogs/regions.yml``.

    Raises
    ------
    NotFoundError
        If there is no region of that name.
    """
    regions = _document()["regions"]
    if key not in regions:
        raise NotFoundError(f"There is no region {key!r}.{closest(key, regions)}")
    outlines = _outlines(_members(key), _parts(key))
    return MapRegion(key, dict(regions[key]["name"]), shapely.union_all([o.geometry for o in outlines]))


@cache
def country(code: int | str) -> MapRegion:
    """Return a country by M49 code, three-letter code or English name, with what is reported under it.

    Raises
    ------
    NotFoundError
        If the outlines have no such country.
    """
    main = country_outline(code)
    outlines = _outlines({main.m49}, set()) if main.m49 is not None else [main]
    geometry = shapely.union_all([outline.geometry for outline in outlines])
    projection = "albers" if main.m49 == CHINA else "lambert"
    return MapRegion(main.iso3 or main.names["en"], dict(main.names), geometry, projection)


def map_region(place: Region | str) -> MapRegion | None:
    """Return what a map of a place shows; None for the globe.

    Parameters
    ----------
    place : Region or str
        As :func:`~musyq_lab.analysis.regions.resolve_region` gives or understands it. A box shows the land in it.
    """
    found = place if isinstance(place, Region) else resolve_region(place)
    if found.key == "globe":
        return None
    if found.box is None:
        known = found.key in _document()["regions"]
        return named_region(found.key) if known else country(found.countries[0].m49 or found.countries[0].name)
    west, south, east, north = found.box
    spans = [(west, east)] if west < east else [(west, 180.0), (-180.0, east)]
    window = shapely.union_all([shapely.box(left, south, right, north) for left, right in spans])
    geometry = shapely.union_all([shapely.intersection(o.geometry, window) for o in countries()])
    return MapRegion("box", {"en": found.name}, geometry)


def centre_of(geometry: BaseGeometry) -> tuple[float, float]:
    """Return latitude and longitude of the middle of a geometry, whatever meridian it is cut at.

    The parts' centroids, weighted by area, are averaged as vectors from the centre of the Earth.
    """
    parts = [part for part in shapely.get_parts(geometry) if part.area > 0]
    if not parts:
        raise InputError("The region has no area, so no map can be centred on it.")
    xy = np.array([shapely.get_coordinates(shapely.centroid(part))[0] for part in parts])
    longitude, latitude = np.radians(xy).T
    weight = np.array([part.area for part in parts]) * np.cos(latitude)
    x, y, z = (
        float((weight * axis).sum())
        for axis in (np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude))
    )
    return float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x)))


def projection_of(region: MapRegion | None) -> ccrs.Projection:
    """Return the equal-area projection of a region, Equal Earth for the globe."""
    if region is None:
        return ccrs.EqualEarth(central_longitude=0)
    if region.projection == "albers":
        return ccrs.AlbersEqualArea(central_longitude=105, central_latitude=0, standard_parallels=(25, 47))
    latitude, longitude = centre_of(region.geometry)
    return ccrs.LambertAzimuthalEqualArea(central_longitude=round(longitude), central_latitude=round(latitude))


def projection_words(region: MapRegion | None, language: Language) -> str:
    """Return the projection in words for the caption."""
    if region is None:
        return say("equal_earth", language)
    if region.projection == "albers":
        return say("albers", language)
    latitude, longitude = (round(value) for value in centre_of(region.geometry))
    north, east = degrees(latitude, longitude, language, digits=0)
    return say("lambert", language, latitude=north, longitude=east)


def extent_of(region: MapRegion | None, projection: ccrs.Projection) -> tuple[float, float, float, float]:
    """Return (x0, x1, y0, y1) of a region in projected metres, with a margin of 4 %."""
    if region is None:
        return (*projection.x_limits, *projection.y_limits)
    points = _main_points(region.geometry, projection)
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    margin = 0.04 * max(x1 - x0, y1 - y0)
    return float(x0 - margin), float(x1 + margin), float(y0 - margin), float(y1 + margin)


def _main_points(geometry: BaseGeometry, projection: ccrs.Projection) -> np.ndarray:
    """Return the projected outline of the parts near the largest one."""
    degrees_crs = ccrs.PlateCarree()
    parts = sorted(shapely.get_parts(geometry), key=lambda part: part.area, reverse=True)
    outlines = []
    for part in (part for part in parts if part.area >= _SMALL * geometry.area):
        # Long straight edges bend when projected, so they are cut to 2 degrees first.
        lon, lat = shapely.get_coordinates(shapely.segmentize(part, 2.0)).T
        xy = projection.transform_points(degrees_crs, lon, lat)[:, :2]
        outlines.append(xy[np.isfinite(xy).all(axis=1)])
    centre = outlines[0].mean(axis=0)
    radius = float(np.hypot(*(outlines[0] - centre).T).max())
    near = [xy for xy in outlines if len(xy) and np.hypot(*(xy - centre).T).min() < _FAR * radius]
    return np.concatenate(near)
