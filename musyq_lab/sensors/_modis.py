"""What the MODIS files share: who they are, by the inventory metadata inside them, not by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from musyq_lab.core.errors import SceneError
from musyq_lab.files.hdf4 import core_metadata
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._time import instant

PLATFORMS = {"MOD": "Terra", "MYD": "Aqua"}
"""Beginning of a product's name -> satellite."""

COLLECTIONS = (5, 6, 61)
"""Versions whose layout is known."""

KINDS = ("021KM", "02HKM", "02QKM", "03", "09GA", "09GQ", "09A1", "09Q1")
"""Products that are read, without the beginning."""


@dataclass(frozen=True, slots=True)
class ModisFile:
    """One file and what it says of itself."""

    path: Path
    """The file."""
    short_name: str
    """Product, such as ``"MOD021KM"``."""
    collection: int
    """Version of the archive, 61 for 6.1."""
    start: datetime
    """First instant (UTC)."""
    end: datetime
    """Last instant (UTC)."""

    @property
    def kind(self) -> str:
        """Product without the satellite."""
        return self.short_name[3:]

    @property
    def platform(self) -> str:
        """Satellite."""
        return PLATFORMS[self.short_name[:3]]


def identify(path: Path) -> ModisFile:
    """Return what a file is.

    Raises
    ------
    SceneError
        If it does not say, or is of a product or collection that is not known.
    """
    metadata = core_metadata(path)
    name = str(_required(metadata, "SHORTNAME", path))
    if not re.fullmatch(f"M[OY]D(?:{'|'.join(KINDS)})", name):
        raise SceneError(f"{path} is of the product {name}, not of {', '.join('MOD' + kind for kind in KINDS)}.")
    collection = _collection(_required(metadata, "VERSIONID", path))
    if collection not in COLLECTIONS:
        raise SceneError(
            f"{path} is of collection {collection or metadata['VERSIONID']}, which this package does not know "
            f"({', '.join(map(str, COLLECTIONS))}). Fetch one of those."
        )
    start, end = (
        instant(f"{_required(metadata, f'RANGE{part}DATE', path)}T{_required(metadata, f'RANGE{part}TIME', path)}")
        for part in ("BEGINNING", "ENDING")
    )
    return ModisFile(path, name, collection, start, end)


def _collection(value: Any) -> int:
    text = str(value).strip()
    return int(text) if text.isdigit() else 0


def _required(metadata: Mapping[str, Any], name: str, path: Path) -> Any:
    if name not in metadata:
        raise SceneError(
            f"{path} lacks {name} in its inventory metadata (CoreMetadata.0). It is damaged: fetch it again."
        )
    return metadata[name]


def files_by_kind(granule: Granule) -> dict[str, ModisFile]:
    """Return the files of a granule by product.

    Raises
    ------
    SceneError
        If two are of one product, or of different satellites.
    """
    found: dict[str, ModisFile] = {}
    for path in granule.files:
        file = identify(path)
        if file.kind in found:
            raise SceneError(
                f"{granule.path}: granule {granule.name} has two files of {file.short_name}, "
                f"{found[file.kind].path.name} and {path.name}. Move one elsewhere, or give the files of one version "
                "as a list."
            )
        found[file.kind] = file
    if len({file.platform for file in found.values()}) > 1:
        names = ", ".join(file.path.name for file in found.values())
        raise SceneError(f"{granule.path}: the files {names} are of Terra and of Aqua. Give those of one satellite.")
    return found


def attribute(attributes: Mapping[str, Any], name: str, what: str) -> Any:
    """Return an attribute of a dataset.

    Raises
    ------
    SceneError
        If it is missing.
    """
    if name not in attributes:
        raise SceneError(f"{what} lacks the attribute {name}. It is damaged: fetch it again.")
    return attributes[name]


def limits(attributes: Mapping[str, Any], what: str) -> tuple[float, float]:
    """Return the valid range of a dataset.

    Raises
    ------
    SceneError
        If it has none that makes sense.
    """
    both = attribute(attributes, "valid_range", what)
    if not isinstance(both, (list, tuple)) or len(both) != 2 or not both[0] < both[1]:
        raise SceneError(f"{what} has the valid range {both}, which makes no sense. It is damaged: fetch it again.")
    return float(both[0]), float(both[1])
