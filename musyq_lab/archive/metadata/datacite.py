"""DataCite metadata 4.5 as JSON, ready for registration: ``doi`` is left out where none is registered yet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from musyq_lab.archive.metadata.facts import Facts, dois
from musyq_lab.archive.metadata.settings import UNKNOWN, Creator

SCHEMA = "http://datacite.org/schema/kernel-4"
_CONVENTION = "CF Standard Name Table"


def datacite(facts: Facts) -> dict[str, Any]:
    """Return the DataCite record of a file or a series.

    Mandatory properties that nobody stated hold DataCite's own word for it, ``":unav"``.

    Parameters
    ----------
    facts : Facts
        Of a file or a series.

    Raises
    ------
    InputError
        If the year of publication is unknown.
    """
    publisher = facts.publisher
    found: dict[str, Any] = {
        "types": {"resourceType": "Gridded satellite product", "resourceTypeGeneral": "Dataset"},
        "creators": [_creator(creator) for creator in publisher.creators] or [{"name": UNKNOWN}],
        "titles": [{"title": _title(facts), "lang": "en"}],
        "publisher": {"name": publisher.publisher or UNKNOWN},
        "publicationYear": str(facts.year),
        "subjects": _subjects(facts),
        "dates": _dates(facts),
        "language": "en",
        "alternateIdentifiers": [{"alternateIdentifier": facts.id, "alternateIdentifierType": "MuSyQ identifier"}],
        "relatedIdentifiers": _related(facts.references),
        "sizes": [f"{facts.size} bytes", f"{len(facts.files)} file{'' if len(facts.files) == 1 else 's'}"],
        "formats": ["application/x-hdf5"],
        "version": facts.version,
        "rightsList": _rights(facts),
        "descriptions": _descriptions(facts),
        "geoLocations": _places(facts),
        "schemaVersion": SCHEMA,
    }
    if facts.doi:
        found["doi"] = facts.doi
    if publisher.landing_page:
        found["url"] = publisher.landing_page
    return {key: value for key, value in found.items() if value not in ([], "")}


def _title(facts: Facts) -> str:
    where = f", tile {facts.tile}" if facts.tile not in ("", "global") else ""
    when = f", {facts.period}" if facts.period else ""
    return f"{facts.title}, {facts.edition}{where}{when}"


def _creator(creator: Creator) -> dict[str, Any]:
    family, comma, given = (part.strip() for part in creator.name.partition(","))
    found: dict[str, Any] = {"name": creator.name}
    if comma and given:
        found |= {"nameType": "Personal", "familyName": family, "givenName": given}
    if creator.orcid:
        orcid = f"https://orcid.org/{creator.orcid}"
        scheme = {"nameIdentifierScheme": "ORCID", "schemeUri": "https://orcid.org"}
        found["nameIdentifiers"] = [{"nameIdentifier": orcid, **scheme}]
    if creator.affiliation:
        found["affiliation"] = [{"name": creator.affiliation}]
    return found


def _subjects(facts: Facts) -> list[dict[str, str]]:
    named = dict.fromkeys(layer.standard_name.split()[0] for layer in facts.layers if layer.standard_name)
    standard = [{"subject": name, "subjectScheme": _CONVENTION} for name in named if name != "quality_flag"]
    return [*({"subject": word} for word in facts.keywords), *standard]


def _dates(facts: Facts) -> list[dict[str, str]]:
    found = []
    if facts.start:
        covered = _day(facts.start) + (f"/{_day(facts.end)}" if facts.end else "")
        # Schema 4.5 has no type for the period that data cover (4.6 has Coverage).
        found.append({"date": covered, "dateType": "Other", "dateInformation": "Period that the data are of"})
    if facts.written:
        found.append({"date": _day(facts.written), "dateType": "Created"})
    return found


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d")


def _related(references: Sequence[str]) -> list[dict[str, str]]:
    found = [
        {"relatedIdentifier": doi, "relatedIdentifierType": "DOI", "relationType": "IsDescribedBy"}
        for doi in dois(references)
    ]
    pages = [r for r in references if not dois((r,)) and re.match(r"https?://", r)]
    return found + [
        {"relatedIdentifier": page, "relatedIdentifierType": "URL", "relationType": "IsDescribedBy"} for page in pages
    ]


def _rights(facts: Facts) -> list[dict[str, str]]:
    found = []
    publisher = facts.publisher
    if publisher.licence:
        rights = {"rights": publisher.licence}
        if publisher.licence_url:
            rights["rightsUri"] = publisher.licence_url
        if publisher.spdx:
            rights |= {"rightsIdentifier": publisher.spdx.lower(), "rightsIdentifierScheme": "SPDX"}
        found.append(rights)
    if facts.terms and facts.terms != publisher.licence:
        found.append({"rights": facts.terms})
    return found


def _descriptions(facts: Facts) -> list[dict[str, str]]:
    steps = [*facts.history, *([f"Method: {facts.method}"] if facts.method else []), facts.source]
    technical = "; ".join(f"{v.name}: {v.title} [{v.units or '1'}]" for v in facts.layers)
    texts = (
        (facts.summary, "Abstract"),
        ("\n".join(step for step in steps if step), "Methods"),
        (technical, "TechnicalInfo"),
    )
    return [{"description": text, "descriptionType": kind, "lang": "en"} for text, kind in texts if text]


def _places(facts: Facts) -> list[dict[str, Any]]:
    """Return a box; one on either side of the antimeridian where it crosses that."""
    if facts.place is None:
        return []
    west, south, east, north = facts.place.box
    parts = [(west, east)] if west < east else [(west, 180.0), (-180.0, east)]
    return [
        {
            "geoLocationBox": {
                "westBoundLongitude": left,
                "eastBoundLongitude": right,
                "southBoundLatitude": south,
                "northBoundLatitude": north,
            }
        }
        for left, right in parts
    ]
