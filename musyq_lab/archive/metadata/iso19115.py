"""ISO 19115 metadata as ISO 19139 XML, which catalogue services (CSW, GeoNetwork, the GEOSS portal) harvest.

Elements stand in the order of the schema. What nobody stated carries ``gco:nilReason="unknown"``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from xml.etree import ElementTree

from musyq_lab.archive.metadata.facts import Facts, LayerFacts
from musyq_lab.archive.metadata.settings import Creator
from musyq_lab.core.attributes import DATA_CORE

Element = ElementTree.Element

GMD = "http://www.isotc211.org/2005/gmd"
GCO = "http://www.isotc211.org/2005/gco"
GML = "http://www.opengis.net/gml/3.2"
XLINK = "http://www.w3.org/1999/xlink"
_PREFIXES = {"gmd": GMD, "gco": GCO, "gml": GML, "xlink": XLINK}
_LISTS = "http://www.isotc211.org/2005/resources/Codelist/gmxCodelists.xml"
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def iso19115(facts: Facts) -> str:
    """Return the XML of a file or a series.

    Parameters
    ----------
    facts : Facts
        Of a file or a series.
    """
    for prefix, address in _PREFIXES.items():
        ElementTree.register_namespace(prefix, address)
    level = "dataset" if facts.period else "series"
    root = _make(
        "MD_Metadata",
        _text("fileIdentifier", facts.id),
        _make("language", _code("LanguageCode", "eng", "http://www.loc.gov/standards/iso639-2/")),
        _make("characterSet", _code("MD_CharacterSetCode", "utf8")),
        _make("hierarchyLevel", _code("MD_ScopeCode", level)),
        _make("contact", _publisher(facts, "pointOfContact")),
        _date("dateStamp", facts.written),
        _text("metadataStandardName", "ISO 19115:2003/19139"),
        _text("metadataStandardVersion", "1.0"),
        *_grid(facts),
        *_reference_system(facts),
        _make("identificationInfo", _identification(facts)),
        _make("contentInfo", _content(facts)),
        _make("distributionInfo", _distribution(facts)),
        _make("dataQualityInfo", _quality(facts, level)),
    )
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _make(tag: str, *children: Element, space: str = GMD, text: str | None = None, **attributes: str) -> Element:
    element = Element(f"{{{space}}}{tag}", attributes)
    element.text = None if text is None else _NOT_XML.sub(" ", text)
    element.extend(children)
    return element


def _nil(tag: str) -> Element:
    element = _make(tag)
    element.set(f"{{{GCO}}}nilReason", "unknown")
    return element


def _text(tag: str, value: str) -> Element:
    return _make(tag, _make("CharacterString", space=GCO, text=value)) if value else _nil(tag)


def _value(tag: str, kind: str, value: object, **attributes: str) -> Element:
    return _make(tag, _make(kind, space=GCO, text=str(value), **attributes))


def _code(kind: str, value: str, address: str = "") -> Element:
    return _make(kind, text=value, codeList=address or f"{_LISTS}#{kind}", codeListValue=value)


def _date(tag: str, moment: datetime | None) -> Element:
    return _value(tag, "Date", moment.strftime("%Y-%m-%d")) if moment else _nil(tag)


def _publisher(facts: Facts, role: str) -> Element:
    publisher = facts.publisher
    return _party(publisher.publisher, "", role, publisher.contact, publisher.publisher_url)


def _party(organisation: str, person: str, role: str, mail: str = "", address: str = "") -> Element:
    parts = [_text("individualName", person)] if person else []
    parts += [_text("organisationName", organisation)] if organisation or not person else []
    contact = []
    if mail:
        contact.append(_make("address", _make("CI_Address", _text("electronicMailAddress", mail))))
    if address:
        contact.append(_make("onlineResource", _online(address, "page", "information")))
    if contact:
        parts.append(_make("contactInfo", _make("CI_Contact", *contact)))
    return _make("CI_ResponsibleParty", *parts, _make("role", _code("CI_RoleCode", role)))


def _creator(creator: Creator) -> Element:
    return _make("citedResponsibleParty", _party(creator.affiliation, creator.name, "originator"))


def _online(address: str, name: str, function: str) -> Element:
    return _make(
        "CI_OnlineResource",
        _make("linkage", _make("URL", text=address)),
        _text("protocol", "WWW:LINK-1.0-http--link"),
        _text("name", name),
        _make("function", _code("CI_OnLineFunctionCode", function)),
    )


def _grid(facts: Facts) -> list[Element]:
    place = facts.place
    if place is None or place.shape is None:
        return []
    unit = "degree" if not place.wkt else "m"
    axes = [
        _make(
            "axisDimensionProperties",
            _make(
                "MD_Dimension",
                _make("dimensionName", _code("MD_DimensionNameTypeCode", name)),
                _value("dimensionSize", "Integer", size),
                *([_value("resolution", "Measure", place.resolution, uom=unit)] if place.resolution else []),
            ),
        )
        for name, size in zip(("row", "column"), place.shape, strict=True)
    ]
    body = _make(
        "MD_GridSpatialRepresentation",
        _value("numberOfDimensions", "Integer", 2),
        *axes,
        _make("cellGeometry", _code("MD_CellGeometryCode", "area")),
        _value("transformationParameterAvailability", "Boolean", "false"),
    )
    return [_make("spatialRepresentationInfo", body)]


def _reference_system(facts: Facts) -> list[Element]:
    if facts.place is None:
        return []
    known = facts.place.epsg is not None
    code = str(facts.place.epsg) if known else facts.place.wkt
    parts = [_text("code", code), *([_text("codeSpace", "urn:ogc:def:crs:EPSG")] if known else [])]
    identifier = _make("referenceSystemIdentifier", _make("RS_Identifier", *parts))
    return [_make("referenceSystemInfo", _make("MD_ReferenceSystem", identifier))]


def _identification(facts: Facts) -> Element:
    return _make(
        "MD_DataIdentification",
        _make("citation", _citation(facts)),
        _text("abstract", facts.summary),
        _make("status", _code("MD_ProgressCode", "completed")),
        _make("pointOfContact", _publisher(facts, "publisher")),
        *_keywords(facts),
        _make("resourceConstraints", _constraints(facts)),
        _make("spatialRepresentationType", _code("MD_SpatialRepresentationTypeCode", "grid")),
        *_resolution(facts),
        _make("language", _code("LanguageCode", "eng", "http://www.loc.gov/standards/iso639-2/")),
        _make("topicCategory", _make("MD_TopicCategoryCode", text="imageryBaseMapsEarthCover")),
        *_extent(facts),
    )


def _citation(facts: Facts) -> Element:
    made = _make(
        "CI_Date",
        _date("date", facts.written),
        _make("dateType", _code("CI_DateTypeCode", "creation")),
    )
    identifiers = [facts.id, *([f"https://doi.org/{facts.doi}"] if facts.doi else [])]
    title = f"{facts.title}, {facts.edition}" + (f", {facts.period}" if facts.period else "")
    return _make(
        "CI_Citation",
        _text("title", title),
        _make("date", made),
        _text("edition", facts.version),
        *(_make("identifier", _make("MD_Identifier", _text("code", code))) for code in identifiers),
        *(_creator(creator) for creator in facts.publisher.creators),
    )


def _keywords(facts: Facts) -> list[Element]:
    tags = [word for word in facts.keywords if word in DATA_CORE]
    themes = [word for word in facts.keywords if word not in DATA_CORE]
    named = dict.fromkeys(v.standard_name.split()[0] for v in facts.layers if v.standard_name)
    groups = (
        (tags, "GEOSS Data-CORE"),
        (themes, ""),
        ([name for name in named if name != "quality_flag"], "CF Standard Name Table"),
    )
    return [_make("descriptiveKeywords", _keyword_list(words, title)) for words, title in groups if words]


def _keyword_list(words: Iterable[str], title: str) -> Element:
    parts = [_text("keyword", word) for word in words]
    parts.append(_make("type", _code("MD_KeywordTypeCode", "theme")))
    if title:
        body = _make("CI_Citation", _text("title", title), _nil("date"))
        parts.append(_make("thesaurusName", body))
    return _make("MD_Keywords", *parts)


def _constraints(facts: Facts) -> Element:
    publisher = facts.publisher
    texts = dict.fromkeys(t for t in (publisher.licence, publisher.licence_url, facts.terms) if t)
    return _make(
        "MD_LegalConstraints",
        _make("useConstraints", _code("MD_RestrictionCode", "otherRestrictions")),
        *([_text("otherConstraints", text) for text in texts] or [_nil("otherConstraints")]),
    )


def _resolution(facts: Facts) -> list[Element]:
    place = facts.place
    if place is None or not place.resolution:
        return []
    distance = _value("distance", "Distance", place.resolution, uom="m" if place.wkt else "degree")
    return [_make("spatialResolution", _make("MD_Resolution", distance))]


def _extent(facts: Facts) -> list[Element]:
    parts = [_make("geographicElement", box) for box in _boxes(facts)]
    if facts.start:
        begin, end = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else "" for moment in (facts.start, facts.end))
        last = _make("endPosition", space=GML, text=end)
        if not end:
            last.set("indeterminatePosition", "unknown")
        period = _make("TimePeriod", _make("beginPosition", space=GML, text=begin), last, space=GML)
        period.set(f"{{{GML}}}id", "period")
        temporal = _make("EX_TemporalExtent", _make("extent", period))
        parts.append(_make("temporalElement", temporal))
    return [_make("extent", _make("EX_Extent", *parts))] if parts else []


def _boxes(facts: Facts) -> list[Element]:
    """Return a box; one on either side of the antimeridian where it crosses that."""
    if facts.place is None:
        return []
    west, south, east, north = facts.place.box
    parts = [(west, east)] if west < east else [(west, 180.0), (-180.0, east)]
    return [
        _make(
            "EX_GeographicBoundingBox",
            _value("westBoundLongitude", "Decimal", left),
            _value("eastBoundLongitude", "Decimal", right),
            _value("southBoundLatitude", "Decimal", south),
            _value("northBoundLatitude", "Decimal", north),
        )
        for left, right in parts
    ]


def _content(facts: Facts) -> Element:
    kinds = dict.fromkeys(layer.kind for layer in facts.layers)
    return _make(
        "MD_CoverageDescription",
        _make("attributeDescription", _make("RecordType", space=GCO, text="layers of an HDF5 file")),
        _make("contentType", _code("MD_CoverageContentTypeCode", next(iter(kinds), "physicalMeasurement"))),
        *(_make("dimension", _band(layer)) for layer in facts.layers),
    )


def _band(layer: LayerFacts) -> Element:
    member = _make(
        "MemberName",
        _make("aName", _make("CharacterString", space=GCO, text=layer.name), space=GCO),
        _make(
            "attributeType",
            _make(
                "TypeName", _make("aName", _make("CharacterString", space=GCO, text=layer.dtype), space=GCO), space=GCO
            ),
            space=GCO,
        ),
        space=GCO,
    )
    limits = []
    if layer.limits:
        limits = [_value("maxValue", "Real", layer.limits[1]), _value("minValue", "Real", layer.limits[0])]
    unit = f" [{layer.units}]" if layer.units else ""
    return _make(
        "MD_Band",
        _make("sequenceIdentifier", member),
        _text("descriptor", f"{layer.title}{unit}"),
        *limits,
        _value("scaleFactor", "Real", layer.scale),
        _value("offset", "Real", layer.offset),
    )


def _distribution(facts: Facts) -> Element:
    links = [(address, name, "download") for address, name in zip(facts.links, facts.files, strict=False)]
    if facts.publisher.landing_page:
        links.insert(0, (facts.publisher.landing_page, "page about the data", "information"))
    transfer = [_make("onLine", _online(*link)) for link in links]
    options = _make("MD_DigitalTransferOptions", _value("transferSize", "Real", round(facts.size / 1e6, 6)), *transfer)
    body = _make("MD_Format", _text("name", "HDF5 (netCDF-4 dimensions, CF)"), _text("version", "1.8"))
    return _make("MD_Distribution", _make("distributionFormat", body), _make("transferOptions", options))


def _quality(facts: Facts, level: str) -> Element:
    steps = [line for line in (*facts.history, facts.method and f"Method: {facts.method}") if line]
    statement = " ".join(
        text for text in (facts.source, "Provenance (W3C PROV) is inside the file." if facts.provenance else "") if text
    )
    lineage = _make(
        "LI_Lineage",
        _text("statement", statement),
        *(_make("processStep", _make("LI_ProcessStep", _text("description", step))) for step in steps),
    )
    scope = _make("DQ_Scope", _make("level", _code("MD_ScopeCode", level)))
    return _make("DQ_DataQuality", _make("scope", scope), _make("lineage", lineage))
