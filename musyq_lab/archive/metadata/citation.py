"""How to cite data: a sentence as DataCite recommends it, BibTeX, and a CITATION.cff."""

from __future__ import annotations

import json
import re

from musyq_lab.archive.metadata.facts import Facts

_TEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def citation_text(facts: Facts) -> str:
    """Return the sentence, the publications and, where something is unknown, how to complete it.

    Parameters
    ----------
    facts : Facts
        Of a file or a series.

    Raises
    ------
    InputError
        If the year of publication is unknown.
    """
    lines = [_sentence(facts)]
    if facts.references:
        lines += ["", "Publications behind the data:", *(f"- {reference}" for reference in facts.references)]
    if facts.sha256:
        lines += ["", f"SHA-256 of {facts.files[0]}: {facts.sha256}"]
    if missing := _missing(facts):
        lines += ["", f"Not stated: {', '.join(missing)}. Set them in musyq-publisher.yml."]
    return "\n".join(lines) + "\n"


def bibtex(facts: Facts) -> str:
    """Return the BibTeX entry of the data.

    Parameters
    ----------
    facts : Facts
        Of a file or a series.
    """
    publisher = facts.publisher
    entries = {
        "title": "{" + _tex(_title(facts)) + "}",
        "author": " and ".join(_author(creator.name) for creator in publisher.creators),
        "publisher": _tex(publisher.publisher),
        "year": str(facts.year),
        "version": _tex(facts.version),
        "doi": facts.doi,
        "url": publisher.landing_page,
        "note": _tex(f"Data set {facts.id}"),
    }
    lines = [f"  {key:9} = {{{value}}}," for key, value in entries.items() if value]
    return "\n".join([f"@misc{{{re.sub(r'[^A-Za-z0-9.:-]', '-', facts.id)},", *lines, "}"]) + "\n"


def cff(facts: Facts) -> str:
    """Return a CITATION.cff (format 1.2.0) of type dataset.

    Parameters
    ----------
    facts : Facts
        Of a file or a series.
    """
    publisher = facts.publisher
    lines = [
        "cff-version: 1.2.0",
        "message: If you use these data, please cite them.",
        "type: dataset",
        f"title: {_quoted(_title(facts))}",
        f"version: {_quoted(facts.version)}",
        f"abstract: {_quoted(facts.summary)}",
        "authors:",
        *(line for creator in publisher.creators for line in _cff_author(creator.name, creator.orcid)),
    ]
    if not publisher.creators:
        lines.append(f"  - name: {_quoted('not stated')}")
    if facts.keywords:
        lines += ["keywords:", *(f"  - {_quoted(word)}" for word in facts.keywords)]
    lines += [f"doi: {facts.doi}"] if facts.doi else []
    lines += [f"license: {publisher.spdx}"] if publisher.spdx else []
    lines += [f"url: {_quoted(publisher.landing_page)}"] if publisher.landing_page else []
    lines += ["identifiers:", "  - type: other", f"    value: {_quoted(facts.id)}", "    description: MuSyQ identifier"]
    return "\n".join(lines) + "\n"


def _sentence(facts: Facts) -> str:
    publisher = facts.publisher
    creators = "; ".join(creator.name for creator in publisher.creators) or "[creator not stated]"
    address = f"https://doi.org/{facts.doi}" if facts.doi else publisher.landing_page or facts.id
    parts = [
        f"{creators} ({facts.year}): {_title(facts)}, version {facts.version}",
        publisher.publisher or "[publisher not stated]",
        f"[Data set]. {address}",
    ]
    return ". ".join(part.rstrip(".") for part in parts[:2]) + f" {parts[2]}"


def _title(facts: Facts) -> str:
    where = f", tile {facts.tile}" if facts.tile not in ("", "global") else ""
    when = f", {facts.period}" if facts.period else _years(facts)
    return f"{facts.title}, {facts.edition}{where}{when}"


def _years(facts: Facts) -> str:
    if facts.start is None:
        return ""
    last = facts.end or facts.start
    return f", {facts.start.year}" + (f"-{last.year}" if last.year != facts.start.year else "")


def _missing(facts: Facts) -> list[str]:
    publisher = facts.publisher
    known = {"creators": publisher.creators, "publisher": publisher.publisher, "doi": facts.doi}
    return [name for name, value in known.items() if not value]


def _tex(text: str) -> str:
    return "".join(_TEX.get(character, character) for character in text)


def _author(name: str) -> str:
    """Return a name for BibTeX; that of a group in braces, so that it is not taken apart."""
    return _tex(name) if "," in name else "{" + _tex(name) + "}"


def _cff_author(name: str, orcid: str) -> list[str]:
    family, comma, given = (part.strip() for part in name.partition(","))
    person = [f"  - family-names: {_quoted(family)}", f"    given-names: {_quoted(given)}"]
    lines = person if comma and given else [f"  - name: {_quoted(name)}"]
    return [*lines, f"    orcid: https://orcid.org/{orcid}"] if orcid else lines


def _quoted(text: str) -> str:
    """Return a text as YAML: JSON's form of it is one."""
    return json.dumps(text, ensure_ascii=False)
