"""GEOSS Data-CORE: the tags of a data set, what they promise, and what is missing to keep the promise."""

from __future__ import annotations

from typing import Any

from musyq_lab.archive.metadata.facts import Facts
from musyq_lab.archive.metadata.settings import NAME
from musyq_lab.core.attributes import DATA_CORE

_MEANINGS = {
    "geossDataCore": "full and open: unrestricted access, at no more than the cost of reproduction",
    "geossNoMonetaryCharge": "free of charge",
    "geossUserRegistration": "users register (name and address) before they download",
    "geossAttribution": "users name the source",
}


def datacore(facts: Facts) -> dict[str, Any]:
    """Return the Data-CORE tags of a file or a series, with what stands behind each.

    Only tags that the files carry are given; none is added here.

    Parameters
    ----------
    facts : Facts
        Of a file or a series.
    """
    tags = [word for word in facts.keywords if word in DATA_CORE]
    publisher = facts.publisher
    missing = {
        "licence": not facts.licence and "terms of use",
        "landing_page": not publisher.landing_page and "a page where users find the data",
        "access_url": not publisher.access_url and "an address to download from",
        "contact": not publisher.contact and "an address for questions",
        "doi": not facts.doi and "a persistent identifier to attribute",
    }
    return {
        "identifier": facts.id,
        "title": facts.title,
        "dataCore": "geossDataCore" in tags,
        "tags": [{"tag": tag, "meaning": _MEANINGS[tag]} for tag in tags],
        "keywordsForCatalogues": tags,
        "termsOfUse": facts.licence,
        "termsAddress": publisher.licence_url,
        "registration": "geossUserRegistration" in tags,
        "attribution": "geossAttribution" in tags,
        "contact": publisher.contact,
        "missing": [f"{text} (set {name} in {NAME})" for name, text in missing.items() if text],
    }
