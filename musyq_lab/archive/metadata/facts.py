"""What is known of a product file, or of all files of one product and edition, in one form for every kind of metadata.

All of it comes from the header, the small files beside it and the publisher's settings; nothing from the clock or the
place where the files lie, so that the same files give the same metadata.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from musyq_lab.archive._side import listed, record
from musyq_lab.archive.header import Header, LayerHeader, instant, read_header
from musyq_lab.archive.lineage import GROUP as PROVENANCE
from musyq_lab.archive.metadata.place import Place, place_of, union
from musyq_lab.archive.metadata.settings import Publisher
from musyq_lab.core.errors import InputError

_DOI = re.compile(r"10\.[0-9]{4,9}/[^\s\"<>]+")


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """One layer."""

    name: str
    """Name in the file."""
    title: str
    """Plain words."""
    standard_name: str
    """CF standard name, empty where there is none."""
    units: str
    """Units, empty where there are none."""
    dtype: str
    """Stored type, as numpy names it."""
    dims: tuple[str, ...]
    """Names of its dimensions."""
    shape: tuple[int, ...]
    """Sizes."""
    scale: float
    """value = stored x scale + offset."""
    offset: float
    """See ``scale``."""
    nodata: float | int | str | None
    """Stored value of no data (``"nan"`` for NaN), None where every value counts."""
    limits: tuple[float, float] | None
    """Closed interval of possible values."""
    kind: str
    """ISO 19115 kind of coverage content."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a file or a series of files."""

    id: str
    """Identifier."""
    product: str
    """Product key."""
    edition: str
    """Grid."""
    tile: str
    """Part of the grid; empty for a series of several."""
    period: str
    """Label of the period; empty for a series."""
    version: str
    """Version; the newest of a series."""
    title: str
    """Plain words."""
    summary: str
    """A sentence or two."""
    keywords: tuple[str, ...]
    """Words, Data-CORE tags among them."""
    terms: str
    """Terms of use in words, as the file says them."""
    references: tuple[str, ...]
    """Addresses of publications."""
    source: str
    """What made it."""
    history: tuple[str, ...]
    """Steps."""
    level: str
    """Level of processing."""
    method: str
    """Method and its title."""
    start: datetime | None
    """First instant (UTC)."""
    end: datetime | None
    """Last instant (UTC)."""
    place: Place | None
    """Where; None without a map."""
    layers: tuple[LayerFacts, ...]
    """Layers."""
    files: tuple[str, ...]
    """Names of the files."""
    sha256: str | None
    """Checksum of the one file."""
    size: int
    """Bytes of all files."""
    written: datetime | None
    """When the newest file was written, as its run record says."""
    provenance: bool
    """Whether every file holds its provenance."""
    publisher: Publisher
    """Settings of the publisher."""

    @property
    def doi(self) -> str:
        """The DOI, empty where there is none."""
        return self.publisher.doi_of(self.product)

    @property
    def licence(self) -> str:
        """Terms of use: the publisher's licence, else what the file says."""
        return self.publisher.licence or self.terms

    @property
    def year(self) -> int:
        """Year of publication: as the settings say, else in which the newest file was written.

        Raises
        ------
        InputError
            If neither is known.
        """
        if self.publisher.year:
            return self.publisher.year
        if self.written is None:
            raise InputError(
                f"{self.id} has no readable .run.json beside it, so its year is unknown. "
                "Set year in musyq-publisher.yml, or write the file again."
            )
        return self.written.year

    @property
    def links(self) -> tuple[str, ...]:
        """Address of each file, nothing where the publisher states none."""
        base = self.publisher.access_url.rstrip("/")
        return tuple(f"{base}/{name}" for name in self.files) if base else ()


def facts_of(path: str | Path, publisher: Publisher) -> Facts:
    """Return what is known of a product file.

    Parameters
    ----------
    path : str or pathlib.Path
        The file; no data of its layers are read.
    publisher : Publisher
        Settings.

    Raises
    ------
    NotFoundError, ArchiveError
        As :func:`musyq_lab.archive.header.read_header`.
    InputError
        If its name is no product's.
    """
    path = Path(path)
    header = read_header(path)
    if header.name is None:
        raise InputError(
            f"{path.name} is not named as a product (MuSyQ.<KEY>.<edition>.<tile>.<period>.<version>.h5), so there is "
            "nothing to describe it by. Write it with write_product."
        )
    name, (start, end) = header.name, header.coverage
    run = record(path)
    return Facts(
        id=name.stem,
        product=name.product,
        edition=name.edition,
        tile=name.tile,
        period=name.period,
        version=name.version,
        title=header.text("title") or name.product,
        summary=header.text("summary") or header.text("title"),
        keywords=_words(header.text("keywords")),
        terms=header.text("license"),
        references=_references(header),
        source=header.text("source"),
        history=tuple(line for line in header.text("history").splitlines() if line.strip()),
        level=header.text("processing_level"),
        method=": ".join(t for t in (header.text("method"), header.text("method_title")) if t),
        start=start,
        end=end,
        place=place_of(header),
        layers=tuple(_layer(layer) for layer in header.layers.values()),
        files=(path.name,),
        sha256=listed(path) or _text(run.get("sha256")),
        size=path.stat().st_size,
        written=instant(str(run.get("ended", ""))),
        provenance=PROVENANCE in header.groups,
        publisher=publisher,
    )


def series(members: Sequence[Facts]) -> Facts:
    """Return what is known of all files of one product and edition: the newest one's words, everybody's extent.

    Parameters
    ----------
    members : sequence of Facts
        At least one, of one product and edition.
    """
    newest = max(members, key=lambda f: (int(f.version[1:]), f.end or f.start or _EVER, f.id))
    starts = [f.start for f in members if f.start]
    ends = [moment for f in members if (moment := f.end or f.start)]
    return replace(
        newest,
        id=f"MuSyQ.{newest.product.upper()}.{newest.edition}",
        tile=_only({f.tile for f in members}),
        period="",
        keywords=_unique(word for f in members for word in f.keywords),
        references=_unique(word for f in members for word in f.references),
        start=min(starts, default=None),
        end=max(ends, default=None),
        place=union([f.place for f in members if f.place]),
        files=tuple(sorted(name for f in members for name in f.files)),
        sha256=None,
        size=sum(f.size for f in members),
        written=max((f.written for f in members if f.written), default=None),
        provenance=all(f.provenance for f in members),
    )


_EVER = datetime(1, 1, 1, tzinfo=UTC)


def _only(values: set[str]) -> str:
    return next(iter(values)) if len(values) == 1 else ""


def _unique(items: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def _words(text: str) -> tuple[str, ...]:
    return _unique(word.strip() for word in text.split(",") if word.strip())


def _references(header: Header) -> tuple[str, ...]:
    texts = [header.text("references"), *(str(v.attributes.get("references", "")) for v in header.values)]
    return _unique(word.rstrip(",;") for text in texts for word in text.split() if "://" in word or _DOI.match(word))


def dois(references: Sequence[str]) -> tuple[str, ...]:
    """Return the DOIs among addresses."""
    found = (_DOI.search(text) for text in references)
    return _unique(match[0] for match in found if match)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _layer(layer: LayerHeader) -> LayerFacts:
    said = layer.attributes
    scale, offset = _number(said.get("scale_factor"), 1.0), _number(said.get("add_offset"), 0.0)
    return LayerFacts(
        name=layer.name,
        title=str(said.get("long_name", layer.name)),
        standard_name=str(said.get("standard_name", "")),
        units=str(said.get("units", "")),
        dtype=layer.dtype.name if layer.dtype.kind in "iuf" else "other",
        dims=layer.dims,
        shape=layer.shape,
        scale=scale,
        offset=offset,
        nodata=_nodata(said.get("_FillValue")),
        limits=_limits(said.get("valid_range"), scale, offset),
        kind=str(said.get("coverage_content_type", "physicalMeasurement")),
    )


def _number(value: Any, default: float) -> float:
    number = isinstance(value, (int, float, np.number)) and np.isfinite(value)
    return float(value) if number else default


def _nodata(value: Any) -> float | int | str | None:
    if not isinstance(value, (int, float, np.number)):
        return None
    if np.isnan(value):
        return "nan"
    return int(value) if float(value).is_integer() else float(value)


def _limits(value: Any, scale: float, offset: float) -> tuple[float, float] | None:
    """Return the valid range as values; twelve digits remove what the multiplication left behind."""
    if not isinstance(value, np.ndarray) or value.size != 2 or value.dtype.kind not in "iuf":
        return None
    # A negative scale turns the interval round.
    low, high = sorted(float(f"{float(limit) * scale + offset:.12g}") for limit in value)
    return (low, high) if np.isfinite([low, high]).all() else None
