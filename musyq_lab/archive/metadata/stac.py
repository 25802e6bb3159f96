"""STAC 1.1: an Item for each file, a Collection for each product and edition (by pystac).

Extensions: projection (grid), raster (packing), datacube (dimensions and variables), file (checksum and size),
scientific (DOI and publications).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from musyq_lab.archive.metadata.facts import Facts, LayerFacts, dois
from musyq_lab.core.errors import InputError, MusyqError

_EXTENSIONS = "https://stac-extensions.github.io"
_PROJECTION = f"{_EXTENSIONS}/projection/v2.0.0/schema.json"
_RASTER = f"{_EXTENSIONS}/raster/v2.0.0/schema.json"
_CUBE = f"{_EXTENSIONS}/datacube/v2.2.0/schema.json"
_FILE = f"{_EXTENSIONS}/file/v2.1.0/schema.json"
_SCIENTIFIC = f"{_EXTENSIONS}/scientific/v1.0.0/schema.json"

_MEDIA_TYPE = "application/x-hdf5"
_SHA256 = "1220"  # multihash: function sha2-256, 32 bytes
_AXES = {"longitude": "x", "x": "x", "latitude": "y", "y": "y"}
_TYPES = frozenset(
    ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64")
)


def collection_id(facts: Facts) -> str:
    """Return the identifier of the Collection that a file belongs to."""
    return f"musyq-{facts.product}-{facts.edition}".lower()


def item(facts: Facts, href: str) -> dict[str, Any]:
    """Return the Item of a file.

    Parameters
    ----------
    facts : Facts
        Of one file.
    href : str
        Where the file lies, seen from the record; the publisher's address of it goes before this.

    Raises
    ------
    InputError
        If the file tells no time, which every Item must have.
    MusyqError
        If pystac is not installed.
    """
    pystac = _pystac()
    place = facts.place
    require_time(facts)
    made = pystac.Item(
        id=facts.id,
        geometry=place.geometry if place else None,
        bbox=list(place.box) if place else None,
        datetime=facts.start,
        start_datetime=facts.start if facts.end else None,
        end_datetime=facts.end,
        properties=_properties(facts),
        collection=collection_id(facts),
    )
    made.add_asset("data", pystac.Asset.from_dict(_asset(facts, href)))
    made.stac_extensions = [_RASTER, _CUBE, _FILE, *([_PROJECTION] if place else [])]
    made.add_link(pystac.Link("collection", f"./{collection_file(facts)}", media_type="application/json"))
    found = made.to_dict(include_self_link=False, transform_hrefs=False)
    found["properties"] = {key: found["properties"][key] for key in sorted(found["properties"])}
    return _with_science(found, facts, found["properties"])


def require_time(facts: Facts) -> None:
    """Refuse a file that tells no time.

    Raises
    ------
    InputError
        If it states none and its name tells none.
    """
    if facts.start is None:
        raise InputError(
            f"{facts.id} states no time, which a STAC Item must have. Write it with ds.attrs['time_coverage_start'] "
            "and ['time_coverage_end'], or describe it in another form."
        )


def collection(whole: Facts, members: Sequence[Facts]) -> dict[str, Any]:
    """Return the Collection of a series of files, with a link to the Item of each.

    Parameters
    ----------
    whole : Facts
        Of the series.
    members : sequence of Facts
        Of each file.
    """
    pystac = _pystac()
    boxes = [list(whole.place.box)] if whole.place else [[-180.0, -90.0, 180.0, 90.0]]
    made = pystac.Collection(
        id=collection_id(whole),
        title=f"{whole.title} ({whole.edition})",
        description=whole.summary,
        license=whole.publisher.spdx or "other",
        keywords=list(whole.keywords),
        providers=_providers(whole),
        extent=pystac.Extent(pystac.SpatialExtent(boxes), pystac.TemporalExtent([[whole.start, whole.end]])),
        summaries=pystac.Summaries(_summaries(members)),
        stac_extensions=[],
    )
    if whole.publisher.licence_url:
        made.add_link(pystac.Link("license", whole.publisher.licence_url))
    if whole.publisher.landing_page:
        made.add_link(pystac.Link("about", whole.publisher.landing_page, media_type="text/html"))
    for member in sorted(members, key=lambda f: f.id):
        made.add_link(pystac.Link("item", f"./{item_file(member)}", media_type="application/geo+json"))
    found = made.to_dict(include_self_link=False, transform_hrefs=False)
    return _with_science(found, whole, found)


def item_file(facts: Facts) -> str:
    """Return the name of an Item's file."""
    return f"{facts.id}.stac.json"


def collection_file(facts: Facts) -> str:
    """Return the name of a Collection's file."""
    return f"MuSyQ.{facts.product.upper()}.{facts.edition}.stac.json"


def _pystac() -> Any:
    try:
        import pystac
    except ImportError:
        raise MusyqError("STAC records are made by pystac: python -m pip install pystac") from None
    return pystac


def _properties(facts: Facts) -> dict[str, Any]:
    found: dict[str, Any] = {
        "title": f"{facts.title}, {facts.period}",
        "description": facts.summary,
        "license": facts.publisher.spdx or "other",
        "version": facts.version,
        "musyq:product": facts.product,
        "musyq:edition": facts.edition,
        "musyq:tile": facts.tile,
        "musyq:period": facts.period,
        "cube:dimensions": _dimensions(facts),
        "cube:variables": {layer.name: _variable(layer) for layer in facts.layers},
    }
    if facts.level:
        found["musyq:processing_level"] = facts.level
    if facts.terms:
        found["musyq:terms"] = facts.terms
    if providers := _providers(facts):
        found["providers"] = [provider.to_dict() for provider in providers]
    if facts.place:
        found |= _projection(facts)
        if facts.place.epsg in (None, 4326) or facts.place.resolution is None:
            return found
        found["gsd"] = facts.place.resolution
    return found


def _projection(facts: Facts) -> dict[str, Any]:
    place = facts.place
    assert place is not None
    found: dict[str, Any] = {"proj:code": f"EPSG:{place.epsg}" if place.epsg else None}
    if place.epsg is None:
        found["proj:wkt2"] = place.wkt
    if place.shape:
        found["proj:shape"] = list(place.shape)
    if place.transform:
        step_x, _, west, _, step_y, north = place.transform
        found["proj:transform"] = list(place.transform)
        if place.shape:
            edges = sorted((west, west + step_x * place.shape[1])), sorted((north, north + step_y * place.shape[0]))
            bounds = (edges[0][0], edges[1][0], edges[0][1], edges[1][1])
            found["proj:bbox"] = [float(f"{edge:.12g}") for edge in bounds]
    return found


def _asset(facts: Facts, href: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "href": facts.links[0] if facts.links else href,
        "type": _MEDIA_TYPE,
        "title": facts.title,
        "roles": ["data"],
        "bands": [_band(layer) for layer in facts.layers],
        "file:size": facts.size,
    }
    if facts.sha256:
        found["file:checksum"] = _SHA256 + facts.sha256
    return found


def _band(layer: LayerFacts) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": layer.name,
        "description": layer.title,
        "data_type": layer.dtype if layer.dtype in _TYPES else "other",
    }
    if layer.nodata is not None:
        found["nodata"] = layer.nodata
    if layer.units:
        found["unit"] = layer.units
    if (layer.scale, layer.offset) != (1.0, 0.0):
        found |= {"raster:scale": layer.scale, "raster:offset": layer.offset}
    return found


def _dimensions(facts: Facts) -> dict[str, Any]:
    """Return the dimensions: horizontal ones with extent and step, others by their size."""
    sizes = {d: n for layer in facts.layers for d, n in zip(layer.dims, layer.shape, strict=True)}
    return {name: _dimension(name, size, facts) for name, size in sorted(sizes.items())}


def _dimension(name: str, size: int, facts: Facts) -> dict[str, Any]:
    place, axis = facts.place, _AXES.get(name)
    if axis is None or place is None or place.transform is None:
        return {"type": "ordinal", "description": name, "values": list(range(1, size + 1))}
    step = place.transform[0] if axis == "x" else place.transform[4]
    first = (place.transform[2] if axis == "x" else place.transform[5]) + step / 2
    extent = sorted((first, first + step * (size - 1)))
    return {
        "type": "spatial",
        "axis": axis,
        "extent": [float(f"{edge:.12g}") for edge in extent],
        "step": float(f"{step:.12g}"),
        "reference_system": place.epsg or place.wkt,
    }


def _variable(layer: LayerFacts) -> dict[str, Any]:
    auxiliary = layer.kind in ("qualityInformation", "auxiliaryInformation")
    found: dict[str, Any] = {
        "type": "auxiliary" if auxiliary else "data",
        "dimensions": list(layer.dims),
        "description": layer.title,
    }
    if layer.limits:
        found["extent"] = list(layer.limits)
    if layer.units:
        found["unit"] = layer.units
    return found


def _summaries(members: Sequence[Facts]) -> dict[str, Any]:
    return {
        "version": sorted({f.version for f in members}),
        "musyq:tile": sorted({f.tile for f in members}),
        "musyq:variable": sorted({layer.name for f in members for layer in f.layers}),
    }


def _providers(facts: Facts) -> list[Any]:
    """Return who is known: creators as producers, the publisher as host."""
    pystac, publisher = _pystac(), facts.publisher
    found = [pystac.Provider(creator.name, roles=["producer"]) for creator in publisher.creators]
    if publisher.publisher:
        url = publisher.publisher_url or None
        found.append(pystac.Provider(publisher.publisher, roles=["licensor", "host"], url=url))
    return found


def _with_science(record: dict[str, Any], facts: Facts, target: dict[str, Any]) -> dict[str, Any]:
    """Add the DOI of the data and those of the publications."""
    publications = [{"doi": doi} for doi in dois(facts.references)]
    if facts.doi or publications:
        record["stac_extensions"] = sorted({*record.get("stac_extensions", []), _SCIENTIFIC})
        target |= {"sci:publications": publications} if publications else {}
        target |= {"sci:doi": facts.doi} if facts.doi else {}
    for doi in (facts.doi, *(item["doi"] for item in publications)):
        if doi:
            record["links"].append({"rel": "cite-as", "href": f"https://doi.org/{doi}"})
    return record
