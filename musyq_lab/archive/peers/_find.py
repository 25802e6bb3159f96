"""Which product a path holds: by name first, by what the file says of itself where the name is lost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from musyq_lab.archive.peers._containers import READERS, exists
from musyq_lab.archive.peers._registry import LAYOUTS
from musyq_lab.archive.peers.layout import Layout
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError

_HEADS = {b"\x89HDF": "hdf5", b"\x0e\x03\x13\x01": "hdf4"}
_MOST_UNNAMED = 64  # files of a folder that are opened to see what they are, where no name tells
_DEPTH, _MOST_FOLDERS, _MOST_TOLD = 3, 200, 4  # of a tree that is looked through for a hint
_STORES = (".zgroup", ".zmetadata", "zarr.json")


@dataclass(frozen=True)
class PeerGranule:
    """Files of one product that belong to one instant and place."""

    layout: Layout
    """Rows."""
    name: str
    """What they share."""
    fields: Mapping[str, str]
    """Groups of the pattern."""
    files: Mapping[str, Path]
    """Layer -> file for GeoTIFF sets; "" -> the file else."""

    @property
    def path(self) -> Path:
        """One of the files."""
        return next(iter(self.files.values()))

    @property
    def date(self) -> datetime | None:
        """Date and time, by name."""
        text = self.fields.get("date", "")
        for form in self.layout.dates:
            try:
                return datetime.strptime(text, form)
            except ValueError:
                continue
        return None


def find(path: Path) -> list[PeerGranule]:
    """Return the granules at a path, in order of time; none where no layout knows it.

    Parameters
    ----------
    path : pathlib.Path
        A file, or a folder.

    Raises
    ------
    ArchiveError
        If a file is empty.
    """
    if path.is_dir() and not _is_store(path):
        return _grouped(sorted(path.iterdir())) or _unnamed(path)
    if not path.exists():
        return []
    exists(path)
    if layout := _named(path):
        found = _grouped(sorted(path.parent.iterdir()) if layout.container == "geotiff" else [path])
        return [granule for granule in found if path in granule.files.values()]
    return _by_content(path)


def _is_store(path: Path) -> bool:
    return any((path / name).exists() for name in _STORES)


def _named(path: Path) -> Layout | None:
    for layout in LAYOUTS:
        if layout.match(path.name) and (not layout.timeline or (path.parent / layout.timeline).exists()):
            return layout
    return None


def _grouped(paths: Iterable[Path]) -> list[PeerGranule]:
    groups: dict[tuple[int, str], tuple[dict[str, str], dict[str, Path]]] = {}
    for path in paths:
        layout = _named(path)
        match = layout.match(path.name) if layout else None
        if layout is None or match is None or path.is_dir() != (layout.container == "zarr"):
            continue
        fields = {name: text for name, text in match.groupdict().items() if text is not None}
        shared, files = groups.setdefault((LAYOUTS.index(layout), fields.pop("granule")), ({}, {}))
        files[fields.pop("layer", "")] = path
        shared.update(fields)
    found = [PeerGranule(LAYOUTS[index], name, *rest) for (index, name), rest in groups.items()]
    return sorted(found, key=lambda g: (g.date or datetime.max, g.name))


def _by_content(path: Path) -> list[PeerGranule]:
    kind = _kind(path)
    if kind is None:
        return []
    attributes = _identity(kind, str(path))
    for layout in LAYOUTS:
        if layout.container != kind:
            continue
        for name in ("LOCALGRANULEID", "LocalGranuleID", "identifier"):
            if match := layout.match(str(attributes.get(name, "")).strip()):
                fields = {key: text for key, text in match.groupdict().items() if text is not None}
                return [PeerGranule(layout, fields.pop("granule"), fields, {"": path})]
        if layout.marks and all(re.search(p, str(attributes.get(a, "")), re.IGNORECASE) for a, p in layout.marks):
            return [PeerGranule(layout, path.stem, {}, {"": path})]
    return []


def _unnamed(folder: Path) -> list[PeerGranule]:
    """Return the granules in a small folder whose files have lost their names."""
    files = sorted(file for file in folder.iterdir() if file.is_file())
    found: list[PeerGranule] = []
    for file in files if len(files) <= _MOST_UNNAMED else []:
        with suppress(ArchiveError):  # what is damaged is told when it is opened by itself
            found += _by_content(file)
    return found


def _kind(path: Path) -> str | None:
    if path.is_dir():
        return "zarr"
    with path.open("rb") as file:
        return _HEADS.get(file.read(4))


def _identity(kind: str, path: str) -> dict[str, Any]:
    attributes = READERS[kind].attributes(path)
    if kind == "hdf4":
        from musyq_lab.files.hdf4 import core_metadata

        attributes |= core_metadata(path)
    return attributes


def choose(found: Sequence[PeerGranule], path: Path, wanted: Mapping[str, str | None]) -> list[PeerGranule]:
    """Return the granules that are asked for; they are of one product, tile and version.

    Parameters
    ----------
    found : sequence of PeerGranule
        What is there.
    path : pathlib.Path
        Where, for messages.
    wanted : mapping
        ``product`` (or key of the layout), ``tile``, ``period`` (a date) and ``version``, None for any.

    Raises
    ------
    NotFoundError
        If none is left.
    InputError
        If several products, tiles or versions are left.
    """
    left = [g for g in found if all(_fits(g, name, value) for name, value in wanted.items() if value is not None)]
    if not left:
        there = ", ".join(sorted({label(g) for g in found}))
        asked = ", ".join(f"{name}={value!r}" for name, value in wanted.items() if value is not None)
        raise NotFoundError(f"{path} holds nothing with {asked}. It holds: {there}.")
    for name in ("product", "tile", "version"):
        values = sorted({str(g.fields.get(name, g.layout.key if name == "product" else "")) for g in left})
        if len(values) > 1:
            raise InputError(f"{path} holds several {name}s: {', '.join(values)}. Choose one by {name}=.")
    dates = [g.date for g in left]
    if len(left) > 1 and (None in dates or len(set(dates)) < len(dates)):
        names = ", ".join(g.name for g in left[:6])
        raise InputError(f"{path} holds {len(left)} files that form no series in time: {names}. Give one of them.")
    return left


def _fits(granule: PeerGranule, name: str, value: str) -> bool:
    if name == "product":
        return value.lower() in (granule.fields.get("product", "").lower(), granule.layout.key.lower())
    if name == "period":
        date = granule.date
        return value == granule.fields.get("date") or (date is not None and date.isoformat().startswith(value))
    if name == "edition":
        raise InputError("edition= chooses among MuSyQ products; files of other producers have none.")
    return value.lower() == granule.fields.get(name, "").lower()


def _below(folder: Path) -> list[tuple[Path, list[str]]]:
    """Return the folders below a folder that hold products, with what they hold."""
    found, level = [], [folder]
    for _ in range(_DEPTH):
        level = sorted(child for place in level[:_MOST_FOLDERS] for child in place.iterdir() if child.is_dir())
        holds = [(place, sorted({label(g) for g in _grouped(sorted(place.iterdir()))})) for place in level]
        found += [(place, labels) for place, labels in holds if labels]
    return found


def label(granule: PeerGranule) -> str:
    """Return product and tile of a granule, for messages."""
    parts = (granule.fields.get("product", granule.layout.key), granule.fields.get("tile", ""))
    return " ".join(part for part in parts if part)


def refuse(path: Path) -> None:
    """Say where a raw granule opens, which folders below hold products, and that a file is of no kind that is known.

    Raises
    ------
    InputError
        If folders below hold products.
    ArchiveError
        If a sensor knows the path by name, or it is a file other than HDF5.
    """
    if path.is_dir() and (below := _below(path)):
        told = [f"{place.relative_to(path)} ({', '.join(holds)})" for place, holds in below[:_MOST_TOLD]]
        more = " ..." if len(below) > _MOST_TOLD else ""
        raise InputError(
            f"{path} holds no product itself; folders below do: {'; '.join(told)}{more}. Open one of them."
        )
    from musyq_lab.sensors._granule import granule_name
    from musyq_lab.sensors._registry import SENSORS

    names = [path.name, *(p.name for p in sorted(path.iterdir())[:200])] if path.is_dir() else [path.name]
    for spec in (SENSORS[key] for key in SENSORS):
        if any(granule_name((*spec.patterns, *spec.folders), name) for name in names):
            raise ArchiveError(
                f"{path} is a raw granule of {spec.title}, not a product. Open it with ml.open_scene, and make "
                "products with ml.retrieve."
            )
    if path.is_file() and path.suffix.lower() != ".h5" and _kind(path) != "hdf5":
        raise ArchiveError(
            f"{path} is no product that MuSyQ Lab knows, neither by name nor by content. A raw granule opens with "
            "ml.open_scene; keep the name that the producer gave a file."
        )
