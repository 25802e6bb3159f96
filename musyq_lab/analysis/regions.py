"""Countries and regions by name: what ``"belt_and_road"``, ``"China"``, ``"CHN"``, ``156`` or ``"70,15,140,55"`` means.

Countries are the polygons of Natural Earth with UN M49 codes, regions the lists of ``catalogs/regions.yml``. Polygons
that M49 does not list are reported under the code that file gives them. This follows M49 and states no position on
boundaries or on the status of any territory.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.core.resources import resource

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Country:
    """One reporting unit: a country or area with all its polygons."""

    m49: int
    """UN M49 code; 0 where none applies."""
    iso3: str
    """ISO 3166-1 alpha-3 code, empty where none applies."""
    name: str
    """English name of the map."""
    name_zh: str
    """Chinese name."""
    region: str
    """Key of the region it belongs to, empty outside the ten regions."""
    geometry: Any
    """shapely (multi)polygon, degrees."""


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the globe: countries, or a box."""

    key: str
    """Short name for files."""
    name: str
    """English name."""
    name_zh: str
    """Chinese name, empty for a box."""
    countries: tuple[Country, ...] = ()
    """Its countries."""
    box: Box | None = None
    """West, south, east, north in degrees."""


@cache
def countries(scale: str = "50m") -> tuple[Country, ...]:
    """Return all countries and areas, ordered by English name.

    Parameters
    ----------
    scale : {"50m", "110m"}
        Scale of the outlines (1:50 or 1:110 million).
    """
    from shapely import union_all
    from shapely.geometry import shape

    path = resource(f"catalogs/samples/countries_{scale}.geojson")
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    groups: dict[int | str, list[dict[str, Any]]] = {}
    for feature in features:
        groups.setdefault(_reported_as(feature["properties"]), []).append(feature)
    home = {code: key for key, row in _catalog()["regions"].items() for code in row.get("members", ())}
    found = []
    for code, members in groups.items():
        number = code if isinstance(code, int) else 0
        shapes = [shape(m["geometry"]) for m in members]
        # The polygon that carries the code itself, and of several the largest (Australia, not its islets), names it.
        ranks = [(m["properties"]["m49"] == code, s.area) for m, s in zip(members, shapes, strict=True)]
        main = members[ranks.index(max(ranks))]["properties"]
        area = home.get(number) or _attribution().get(main["name"], {}).get("region") or ""
        outline = shapes[0] if len(shapes) == 1 else union_all(shapes)
        found.append(Country(number, main["iso3"] or "", main["name"], main["name_zh"] or "", area, outline))
    return tuple(sorted(found, key=lambda c: c.name))


def _reported_as(properties: dict[str, Any]) -> int | str:
    row = _attribution().get(properties["name"])
    if row is not None:
        return row["reported_as"] if row["reported_as"] is not None else str(properties["name"])
    return int(properties["m49"]) if properties["m49"] else str(properties["name"])


@cache
def _catalog() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(resource("catalogs/regions.yml").read_text(encoding="utf-8"))
    return loaded


def _attribution() -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in _catalog().get("attribution", ())}


def region_keys() -> tuple[str, ...]:
    """Return the keys of the regions, the union of all last."""
    return tuple(_catalog()["regions"])


@cache
def resolve_region(region: str | int, scale: str = "50m") -> Region:
    """Return what a user's word for a place means.

    Parameters
    ----------
    region : str or int
        A region's key or name, ``"globe"``, a country by name (English or Chinese), ISO code or M49 number, or a box
        ``"west,south,east,north"`` in degrees (west > east crosses the antimeridian).
    scale : {"50m", "110m"}
        Scale of the outlines.

    Raises
    ------
    NotFoundError
        If there is no such place; the message names the nearest.
    InputError
        If the box is not one.
    """
    word = str(region).strip()
    if word.count(",") >= 2:
        return _box(word)
    wanted = word.lower()
    if wanted in {"globe", "global", "world"}:
        return Region("globe", "Globe", "全球", box=(-180.0, -90.0, 180.0, 90.0))
    for key, row in _catalog()["regions"].items():
        if wanted in {key, key.replace("_", " "), row["name"]["en"].lower(), row["name"]["zh"]}:
            return Region(key, row["name"]["en"], row["name"]["zh"], _members(row, scale))
    for country in countries(scale):
        if _names(country) & {wanted, wanted.lstrip("0")}:
            return Region((country.iso3 or country.name).lower(), country.name, country.name_zh, (country,))
    known = [*region_keys(), *(c.name for c in countries(scale)), *(c.iso3 for c in countries(scale) if c.iso3)]
    raise NotFoundError(
        f"There is no region {word!r}.{closest(word, known)} Give a region ({', '.join(region_keys())}), a country "
        "(name, ISO code or M49 number) or a box 'west,south,east,north'."
    )


def _names(country: Country) -> set[str]:
    names = {country.iso3.lower(), country.name.lower(), country.name_zh, str(country.m49) if country.m49 else ""}
    return names - {""}


def _members(row: dict[str, Any], scale: str) -> tuple[Country, ...]:
    if "union" in row:
        keys = set(row["union"])
        return tuple(c for c in countries(scale) if c.region in keys)
    key = next(k for k, v in _catalog()["regions"].items() if v is row)
    return tuple(c for c in countries(scale) if c.region == key)


def _box(word: str) -> Region:
    try:
        west, south, east, north = (float(part) for part in word.split(","))
    except ValueError:
        raise InputError(f"{word!r} is not a box. Give four numbers: 'west,south,east,north' in degrees.") from None
    if not (-90 <= south < north <= 90 and -180 <= west <= 180 and -180 <= east <= 180 and west != east):
        raise InputError(
            f"The box {word!r} is not on the globe. Give 'west,south,east,north' in degrees with south < north; "
            "west > east crosses the antimeridian."
        )
    return Region("box", f"{west:g} to {east:g} E, {south:g} to {north:g} N", "", box=(west, south, east, north))
