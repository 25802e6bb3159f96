"""Land outlines and country polygons as GeoJSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shapely.geometry import MultiPolygon, box, mapping
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from .origins import CLDR_CORE, CLDR_NAMES, WORLD_ATLAS, Origins
from .sources import Row, keep_licence
from .territories import Territory, territories
from .topology import decode_arcs, geometry, polygons_of

# GeoJSON here: (TopoJSON of the package, object, grid in degrees, title)
FILES = {
    "land_110m.geojson": ("land-110m.json", "land", 0.01, "Land outline, 1:110 million"),
    "land_50m.geojson": ("land-50m.json", "land", 0.01, "Land outline, 1:50 million"),
    "countries_110m.geojson": ("countries-110m.json", "countries", 0.01, "Countries and areas, 1:110 million"),
    "countries_50m.geojson": ("countries-50m.json", "countries", 0.01, "Countries and areas, 1:50 million"),
}
# Areas with an M49 code of their own that Natural Earth draws inside another outline, often on another continent:
# (outline, M49 code, name, boxes west south east north that hold the parts).
DETACHED = (
    ("France", 254, "French Guiana", ((-55, 2, -51, 6),)),
    ("France", 312, "Guadeloupe", ((-62, 15.7, -60.9, 16.6),)),
    ("France", 474, "Martinique", ((-61.4, 14.3, -60.7, 15),)),
    ("France", 638, "Réunion", ((55, -21.6, 56, -20.7),)),
    ("France", 175, "Mayotte", ((44.9, -13.2, 45.5, -12.5),)),
    ("Norway", 744, "Svalbard and Jan Mayen", ((9, 74, 36, 81.5), (-9.5, 70.5, -7.5, 71.5))),
    ("Netherlands", 535, "Bonaire, Sint Eustatius and Saba", ((-69, 11.9, -68, 12.5), (-63.4, 17.3, -62.8, 17.8))),
    ("New Zealand", 772, "Tokelau", ((-173, -9.8, -171, -8.2),)),
    ("Indian Ocean Ter.", 162, "Christmas Island", ((105, -11, 106, -10),)),
    ("Indian Ocean Ter.", 166, "Cocos (Keeling) Islands", ((96, -13, 97.5, -11),)),
)
NATURAL_EARTH = "Made with Natural Earth 4.1.0, https://www.naturalearthdata.com"


def coordinates(shape: Any) -> dict[str, Any]:
    """Return a GeoJSON geometry with at most three decimals and rings by the right-hand rule."""
    parts = sorted((orient(part) for part in polygons_of(shape)), key=lambda part: (-part.area, part.bounds))
    body = [
        [[[round(x, 3), round(y, 3)] for x, y in loop] for loop in mapping(part.normalize())["coordinates"]]
        for part in map(orient, parts)
    ]
    if len(body) == 1:
        return {"type": "Polygon", "coordinates": body[0]}
    return {"type": "MultiPolygon", "coordinates": body}


def properties(code: int | None, name: str, known: dict[int, Territory]) -> dict[str, Any]:
    """Return M49 code, names and three-letter code; null where the outline has no code."""
    found = known.get(code) if code is not None else None
    return {
        "m49": code,
        "iso3": found.iso3 if found else None,
        "name": name,
        "name_zh": found.name_zh if found else None,
    }


def parts_of(name: str, shape: BaseGeometry) -> Iterator[tuple[int | None, str, BaseGeometry]]:
    """Yield the areas of `DETACHED` found in an outline (code, name, shape), then what is left (code None)."""
    rest = polygons_of(shape)
    for parent, code, own_name, boxes in DETACHED:
        found = [part for part in rest if parent == name and any(box(*edges).contains(part) for edges in boxes)]
        rest = [part for part in rest if part not in found]
        if found:
            yield code, own_name, MultiPolygon(found)
    if rest:
        yield None, name, MultiPolygon(rest)


def country_features(item: dict[str, Any], shape: BaseGeometry, known: dict[int, Territory]) -> list[dict[str, Any]]:
    """Return one feature for an outline, and one for each area in it that has an M49 code of its own."""
    own = int(item["id"]) if "id" in item else None
    return [
        {
            "type": "Feature",
            "properties": properties(own if code is None else code, name, known),
            "geometry": coordinates(part),
        }
        for code, name, part in parts_of(item["properties"]["name"], shape)
    ]


def features(topology: dict[str, Any], layer: str, grid: float, known: dict[int, Territory]) -> list[dict[str, Any]]:
    """Return the features of one TopoJSON object; land is one feature without properties."""
    arcs = decode_arcs(topology)
    items = topology["objects"][layer]["geometries"]
    shapes = [geometry(item, arcs, grid) for item in items]
    if layer != "countries":
        return [{"type": "Feature", "properties": {}, "geometry": coordinates(shape)} for shape in shapes]
    result = [part for item, shape in zip(items, shapes, strict=True) for part in country_features(item, shape, known)]
    return sorted(result, key=lambda part: (part["properties"]["m49"] or 9999, part["properties"]["name"]))


def derive_outlines(origins: Origins, out: Path) -> list[Row]:
    """Land outlines and country polygons of Natural Earth, from TopoJSON to GeoJSON."""
    known = territories(origins)
    texts = (
        keep_licence(origins, WORLD_ATLAS, "package/LICENSE", out, "world-atlas-LICENSE.txt"),
        keep_licence(origins, CLDR_CORE, "package/LICENSE", out, "cldr-LICENSE.txt"),
    )
    rows = []
    for name, (member, layer, grid, title) in FILES.items():
        topology = json.loads(origins.read(WORLD_ATLAS, f"package/{member}"))
        collection = {"type": "FeatureCollection", "features": features(topology, layer, grid, known)}
        (out / name).write_text(
            json.dumps(collection, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8"
        )
        countries = layer == "countries"
        rows.append(
            Row(
                name,
                title,
                (WORLD_ATLAS, CLDR_CORE, CLDR_NAMES) if countries else (WORLD_ATLAS,),
                "Natural Earth",
                "Natural Earth: public domain; world-atlas: ISC"
                + ("; names of CLDR: Unicode-3.0" if countries else ""),
                texts if countries else texts[:1],
                (NATURAL_EARTH,),
                f"arcs decoded, rings cut at the antimeridian and closed over the pole, snapped to {grid} "
                f"degree, made valid; "
                "areas below about 200 km2 to a tenth of that"
                + (
                    "; areas with an M49 code of their own inside another outline "
                    "(French Guiana, Svalbard ...) made features of their own"
                    if countries
                    else ""
                ),
                "Outlines are those of Natural Earth (de facto lines) and state no position on boundaries; "
                "names are those "
                "of Natural Earth and CLDR. Not an approved map."
                if countries
                else "",
            )
        )
    return rows
