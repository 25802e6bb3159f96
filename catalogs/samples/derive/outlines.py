"""Land outlines and country polygons as GeoJSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shapely.geometry import mapping
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


def properties(item: dict[str, Any], known: dict[int, Territory]) -> dict[str, Any]:
    """Return M49 code, names and three-letter code; null where the outline has no code."""
    code = int(item["id"]) if "id" in item else None
    found = known.get(code) if code is not None else None
    return {
        "m49": code,
        "iso3": found.iso3 if found else None,
        "name": item["properties"]["name"],
        "name_zh": found.name_zh if found else None,
    }


def features(topology: dict[str, Any], name: str, grid: float, known: dict[int, Territory]) -> list[dict[str, Any]]:
    """Return the features of one TopoJSON object; land is one feature without properties."""
    arcs = decode_arcs(topology)
    items = topology["objects"][name]["geometries"]
    result = [
        {
            "type": "Feature",
            "properties": properties(item, known) if name == "countries" else {},
            "geometry": coordinates(geometry(item, arcs, grid)),
        }
        for item in items
    ]
    return sorted(
        result, key=lambda feature: (feature["properties"].get("m49") or 9999, feature["properties"].get("name", ""))
    )


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
                "areas below about 200 km2 to a tenth of that",
                "Outlines are those of Natural Earth (de facto lines) and state no position on boundaries; "
                "names are those "
                "of Natural Earth and CLDR. Not an approved map."
                if countries
                else "",
            )
        )
    return rows
