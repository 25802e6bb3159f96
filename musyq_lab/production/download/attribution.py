"""The text beside a download that says whose data they are, on what terms, and how to cite them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from musyq_lab.core.attributes import package_version
from musyq_lab.production.download.select import Selection

TERMS = "Free of charge, subject to registration and attribution"
"""Terms of the programme's data."""
DATA_CORE = ("geossDataCore", "geossNoMonetaryCharge", "geossUserRegistration", "geossAttribution")
"""Tags of the GEOSS Data Collection of Open Resources for Everyone."""


def terms(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return title, licence, citation and terms of data, from their attributes.

    Parameters
    ----------
    attributes : mapping
        Of the Dataset.
    """
    title = str(attributes.get("title") or attributes.get("product") or "Data").strip()
    licence = str(attributes.get("licence") or attributes.get("license") or "").strip()
    citation = str(attributes.get("citation") or "").strip()
    if not citation and attributes.get("product"):
        source = str(attributes.get("source", "")) or f"musyq-lab {package_version()}"
        version = str(attributes.get("product_version", ""))
        citation = f"MuSyQ product {title!r}{' ' + version if version else ''}, made by {source}"
    doi = str(attributes.get("doi", "")).strip()
    if doi and doi not in citation:
        citation = f"{citation}. doi:{doi}" if citation else f"doi:{doi}"
    tags = [tag for tag in DATA_CORE if tag in str(attributes.get("keywords", ""))]
    return {
        "title": title,
        "licence": licence or "not stated by the source",
        "citation": citation or "not stated by the source",
        "terms": TERMS if tags or not licence else "As the licence says",
        "tags": ", ".join(tags),
    }


def text(selection: Selection, format: str, name: str) -> str:
    """Return the attribution of a download.

    Parameters
    ----------
    selection : Selection
        What was downloaded.
    format : str
        In which format.
    name : str
        Name of the file or folder.
    """
    about = terms(selection.ds.attrs)
    lines = [name, about["title"], "", "How to cite", f"{about['citation'].rstrip('.')}."]
    lines += [f"Subset made with MuSyQ Lab {package_version()} ({format}).", ""]
    lines += ["Licence", about["licence"], "", "Terms", f"{about['terms']}."]
    if about["tags"]:
        lines.append(f"GEOSS Data-CORE: {about['tags']}")
    lines += ["", "Part", f"region: {selection.area.name if selection.area else 'all of the map'}"]
    lines += [f"period: {selection.request['period']}", f"variables: {', '.join(selection.request['variables'])}"]
    if references := str(selection.ds.attrs.get("references", "")).strip():
        lines += ["", "References", *references.split()] if "https://" in references else ["", "References", references]
    return "\n".join(lines) + "\n"
