"""The ten GEO Data Management Principles, each scored from what files and side files show.

Wording: GEO, Data Management Principles Implementation Guidelines (2015; as listed at
http://geolabel.info/DMP_generation.htm), shortened. A score is ``full`` where everything that a program can see is
there, ``partial`` where some of it is, ``none`` where nothing is. What a program cannot see (whether an address
answers, whether copies exist) counts as stated in the settings of the publisher, and the evidence says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from musyq_lab.archive._side import sealed
from musyq_lab.archive.check.report import Principle, Score
from musyq_lab.archive.header import Header
from musyq_lab.archive.lineage import GROUP as PROVENANCE
from musyq_lab.archive.metadata.settings import NAME, Publisher


@dataclass(frozen=True)
class Evidence:
    """What the principles are scored from."""

    headers: Sequence[Header]
    """Headers that could be read."""
    files: int
    """Product files, readable or not."""
    publisher: Publisher = field(default_factory=Publisher)
    """Settings of the publisher."""
    intact: bool | None = None
    """Whether every checksum agrees, None where they were not compared."""
    conformant: bool | None = None
    """Whether no rule of CF is broken, None where none was tried."""
    records: frozenset[str] = frozenset()
    """Kinds of metadata records that lie with the files: stac, datacite, iso19115."""
    verifications: int = 0
    """Earlier checks that were recorded."""

    def share(self, has: Callable[[Header], bool]) -> float:
        """Return the share of all files of which something is true; a file that cannot be read has nothing."""
        return sum(has(header) for header in self.headers) / self.files if self.files else 0.0


@dataclass(frozen=True)
class _Scored:
    """Pairs of (what is asked, share of it that is there, how to get it)."""

    items: tuple[tuple[str, float, str], ...]
    evidence: str

    @property
    def score(self) -> Score:
        shares = [share for _, share, _ in self.items]
        if all(share >= 1 for share in shares):
            return "full"
        return "partial" if any(share > 0 for share in shares) else "none"

    @property
    def missing(self) -> str:
        parts = []
        for what, share, how in self.items:
            if share < 1:
                part = f" in {1 - share:.0%} of the files" if 0 < share < 1 else ""
                parts.append(f"{what}{part} ({how})")
        return "; ".join(parts)


def score(evidence: Evidence) -> tuple[Principle, ...]:
    """Return the ten principles with their scores.

    Parameters
    ----------
    evidence : Evidence
        What is known of the archive; without files every principle has the score none.
    """
    found = []
    for number, (group, title, wording, judge) in enumerate(_PRINCIPLES, 1):
        scored = judge(evidence)
        if not evidence.files:
            found.append(Principle(number, group, title, wording, "none", "There are no product files.", "everything"))
        else:
            found.append(Principle(number, group, title, wording, scored.score, scored.evidence, scored.missing))
    return tuple(found)


def records_of(folders: Iterable[Path]) -> frozenset[str]:
    """Return the kinds of metadata records that lie in some folders, as ``musyq describe`` writes them.

    Parameters
    ----------
    folders : iterable of pathlib.Path
        Folders to look in, not below.
    """
    marks = {"stac": "*.stac.json", "datacite": "*.datacite.json", "iso19115": "*.iso19115.xml"}
    known = list(folders)
    return frozenset(kind for kind, mark in marks.items() if any(any(folder.glob(mark)) for folder in known))


def _words(share: float) -> str:
    return "all" if share >= 1 else "none" if share <= 0 else f"{share:.0%}"


def _has(*names: str) -> Callable[[Header], bool]:
    return lambda header: all(header.text(name) for name in names)


def _set(name: str) -> str:
    return f"set {name} in {NAME}"


def _discovery(e: Evidence) -> _Scored:
    described = e.share(_has("title", "summary", "keywords"))
    place = e.share(_has("geospatial_lat_min", "geospatial_lon_min", "time_coverage_start"))
    licence = 1.0 if e.publisher.licence else e.share(_has("license"))
    catalogued = float(bool(e.records))
    return _Scored(
        (
            ("title, summary and keywords", described, "write_product sets them"),
            ("place and period", place, "ds.attrs['time_coverage_start'], ['time_coverage_end']"),
            ("terms of use", licence, _set("licence")),
            ("records for catalogues", catalogued, "musyq describe PATH --as stac --out PATH"),
        ),
        f"{_words(described)} of the files say what they are, {_words(place)} where and when, {_words(licence)} on "
        f"which terms; records beside them: {', '.join(sorted(e.records)) or 'none'}.",
    )


def _access(e: Evidence) -> _Scored:
    stated = [name for name in ("landing_page", "access_url") if getattr(e.publisher, name)]
    return _Scored(
        (
            ("address to download from", float(bool(e.publisher.access_url)), _set("access_url")),
            ("page about the data", float(bool(e.publisher.landing_page)), _set("landing_page")),
        ),
        f"Stated, not tried: {', '.join(stated)}." if stated else "No address is stated.",
    )


def _encoding(e: Evidence) -> _Scored:
    convention = e.share(lambda h: "CF-" in h.text("Conventions"))
    rules = 1.0 if e.conformant else 0.0
    tried = {True: "no rule is broken", False: "rules are broken", None: "rules were not tried"}[e.conformant]
    return _Scored(
        (
            ("CF conventions", convention, "write_product sets them"),
            ("conformity with CF", rules, "mend the errors above, or run the check with CF"),
        ),
        f"HDF5 with netCDF-4 dimensions; {_words(convention)} of the files follow a version of CF, {tried}.",
    )


def _documentation(e: Evidence) -> _Scored:
    layers = e.share(lambda h: bool(h.layers) and all(_documented(layer.attributes) for layer in h.layers.values()))
    papers = e.share(lambda h: bool(h.text("references")) or any("references" in v.attributes for v in h.values))
    formal = float("iso19115" in e.records)
    return _Scored(
        (
            ("names and units of every layer", layers, "write_product sets them"),
            ("publications behind the product", papers, "references of the Product or its variables"),
            ("formal metadata (ISO 19115)", formal, "musyq describe PATH --as iso19115 --out PATH"),
        ),
        f"{_words(layers)} of the files name every layer with its units, {_words(papers)} cite publications; "
        f"ISO 19115 beside them: {'yes' if formal else 'no'}.",
    )


def _documented(attributes: object) -> bool:
    keys = set(attributes)  # type: ignore[call-overload]
    return bool({"long_name", "standard_name"} & keys) and bool({"units", "flag_meanings"} & keys)


def _traceability(e: Evidence) -> _Scored:
    provenance = e.share(lambda h: PROVENANCE in h.groups)
    history = e.share(_has("history", "source"))
    runs = e.share(lambda h: sealed(h.path) is not False and sealed(h.path) is not None)
    return _Scored(
        (
            ("provenance (W3C PROV) inside the file", provenance, "musyq produce, or write_product(provenance=...)"),
            ("processing history", history, "ml.retrieve and write_product keep ds.attrs['history']"),
            ("record of the run", runs, "keep the .run.json beside the file"),
        ),
        f"{_words(provenance)} of the files hold PROV, {_words(history)} a history, {_words(runs)} their run record.",
    )


def _quality(e: Evidence) -> _Scored:
    bits = e.share(lambda h: any(name.endswith("_qa") for name in h.layers))
    sigma = e.share(lambda h: any(name.endswith("_uncertainty") for name in h.layers) or not _measures(h))
    return _Scored(
        (
            ("quality bits of each pixel", bits, "write the product as ml.retrieve returns it"),
            ("uncertainty of each pixel", sigma, "write the product as ml.retrieve returns it"),
            ("result of a validation", float(bool(e.publisher.validation)), _set("validation")),
        ),
        f"{_words(bits)} of the files hold quality bits with their meaning, {_words(sigma)} the uncertainty of values; "
        f"validation stated: {e.publisher.validation or 'none'}.",
    )


def _measures(header: Header) -> bool:
    """Whether a file holds numbers that can have an uncertainty; classes have none."""
    return any("flag_values" not in layer.attributes for layer in header.values)


def _preservation(e: Evidence) -> _Scored:
    sums = e.share(lambda h: sealed(h.path) is True)
    plan, copies = float(bool(e.publisher.retention)), float(e.publisher.copies >= 2)
    return _Scored(
        (
            ("checksums and records", sums, "write_product makes them"),
            ("plan for keeping, handing over and deleting", plan, _set("retention")),
            ("two copies in different places", copies, _set("copies")),
        ),
        f"{_words(sums)} of the files have a sealed record; stated: {'a plan' if plan else 'no plan'}, "
        f"{e.publisher.copies or 'no number of'} copies.",
    )


def _verification(e: Evidence) -> _Scored:
    now = 1.0 if e.intact else 0.0
    often = 1.0 if e.verifications >= 1 and e.intact is not None else 0.0
    told = {True: "everything is what was written", False: "something is not", None: "it was not compared"}[e.intact]
    return _Scored(
        (
            ("integrity of files and records", now, "mend the errors above, or run the check with fixity"),
            ("checks that are repeated", often, "musyq check PATH --record, now and then"),
        ),
        f"Now {told}; earlier checks on record: {e.verifications}.",
    )


def _review(e: Evidence) -> _Scored:
    versions = e.share(_has("product_version"))
    known = e.share(lambda h: sealed(h.path) is True)
    again = e.share(lambda h: PROVENANCE in h.groups)
    return _Scored(
        (
            ("version", versions, "write_product sets it"),
            ("record of what each version supersedes", known, "keep the .run.json beside the file"),
            ("what reprocessing needs", again, "provenance inside the file: musyq produce"),
        ),
        f"{_words(versions)} of the files say their version, {_words(known)} have a record of what they supersede, "
        f"{_words(again)} hold what it takes to make them again.",
    )


def _identifiers(e: Evidence) -> _Scored:
    own = e.share(_has("id"))
    resolvable = e.share(lambda h: bool(e.publisher.doi_of(h.text("product")) or h.text("doi")))
    return _Scored(
        (
            ("identifier", own, "write_product sets it"),
            (
                "persistent, resolvable identifier (DOI)",
                resolvable,
                f"register one (describe --as datacite), {_set('doi')}",
            ),
        ),
        f"{_words(own)} of the files have an identifier, {_words(resolvable)} a DOI (stated, not tried).",
    )


_PRINCIPLES: tuple[tuple[str, str, str, Callable[[Evidence], _Scored]], ...] = (
    (
        "Discoverability",
        "Metadata for discovery",
        "Data and metadata are discoverable through catalogues and search engines; conditions of access and use, "
        "including licences, are clearly indicated.",
        _discovery,
    ),
    (
        "Accessibility",
        "Online access",
        "Data are accessible via online services: at least direct download, preferably services for access, "
        "visualization and analysis that users can adapt.",
        _access,
    ),
    (
        "Usability",
        "Data encoding",
        "Data are structured in encodings that the user community widely accepts, preferably non-proprietary "
        "international standards.",
        _encoding,
    ),
    (
        "Usability",
        "Data documentation",
        "Data are comprehensively documented, with all that is needed to access, use, understand and process them, "
        "preferably by formal metadata; peer-reviewed publications are referenced.",
        _documentation,
    ),
    (
        "Usability",
        "Data traceability",
        "Data include provenance: origin and processing history of observations and derived products.",
        _traceability,
    ),
    (
        "Usability",
        "Data quality control",
        "Data are quality-controlled and metadata indicate the results; unchecked data are flagged as such.",
        _quality,
    ),
    (
        "Preservation",
        "Data preservation",
        "Data are protected from loss and preserved for future use, by a long-term plan for loss prevention, "
        "retention, and disposal or transfer.",
        _preservation,
    ),
    (
        "Preservation",
        "Data and metadata verification",
        "Data and metadata held are periodically verified to ensure integrity, authenticity and readability.",
        _verification,
    ),
    (
        "Curation",
        "Data review and reprocessing",
        "Data are managed to perform corrections and updates in accordance with reviews, and to enable reprocessing.",
        _review,
    ),
    (
        "Curation",
        "Persistent, resolvable identifiers",
        "Data have persistent, resolvable identifiers, so that documents can cite them and providers are acknowledged.",
        _identifiers,
    ),
)
