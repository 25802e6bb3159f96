"""What a platform lays out: samples, product files, raw granules, and where results of its own are put."""

from __future__ import annotations

import json
import os
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import xarray as xr

from musyq_lab.archive.naming import FileName, parse
from musyq_lab.archive.open import open_product
from musyq_lab.catalog.open import Catalog, open_catalog
from musyq_lab.core.errors import InputError, MusyqError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.products._registry import PRODUCTS
from musyq_lab.sensors._granule import Granule, find_all

FOLDERS = ("musyq-output", "musyq-products", "musyq-simulation")
"""Folders that `musyq run`, `musyq produce` and `musyq simulate` write when they are not told others."""

RESULTS = "musyq-results"
"""Folder of what is computed on the pages."""

_MOST = 20_000
"""Files looked at in one folder, so that a page over a whole disk still opens."""

_MOST_FOLDERS = 400
"""Folders looked into for granules."""

_DEPTH = 5
"""Levels of folders looked into: `musyq simulate` writes granules/<sensor>/<time and platform>/."""

_GRANULES = "catalogs/samples/landsat"
"""Small real granules that ship."""


@dataclass(frozen=True, order=True)
class Archive:
    """The files of one product, edition and tile in one folder: a cube in time, or a single map."""

    folder: Path
    """Where they lie."""
    product: str
    """Product key."""
    edition: str
    """Grid."""
    tile: str
    """Part of the grid."""
    periods: tuple[str, ...]
    """Labels of the periods, in order."""

    @property
    def title(self) -> str:
        """What it is, in one line."""
        known = PRODUCTS[self.product].title if self.product in PRODUCTS else self.product
        span = self.periods[0] if len(self.periods) == 1 else f"{self.periods[0]} to {self.periods[-1]}"
        where = "" if self.tile == "global" else f" {self.tile}"
        return f"{known}, {self.edition}{where}, {span} ({self.folder.name})"

    @property
    def code(self) -> str:
        """The line of Python that opens it."""
        return f"data = ml.open_product({quoted(self.folder)}, {self._fields()})"

    def open(self, **options: Any) -> xr.Dataset:
        """Open it lazily; ``options`` are those of :func:`musyq_lab.open_product`, such as ``overview=8``."""
        return open_product(self.folder, self.product, edition=self.edition, tile=self.tile, **options)

    def _fields(self) -> str:
        return f'"{self.product}", edition="{self.edition}", tile="{self.tile}"'


class Shelf:
    """What pages may show; nothing else can be asked for by an address.

    Parameters
    ----------
    folders : iterable of path, optional
        Folders of product files and granules; those that the commands write in the working folder if not given.
    results : path, optional
        Where results of the pages are put; ``musyq-results`` in the working folder if not given.

    Raises
    ------
    InputError
        If a folder that was named does not exist.
    """

    def __init__(self, folders: Iterable[str | Path] | None = None, results: str | Path | None = None) -> None:
        named = [Path(folder) for folder in folders or ()]
        for folder in named:
            if not folder.is_dir():
                raise InputError(f"There is no folder {folder}. `musyq produce lai` makes one with products.")
        self.results = Path(results or RESULTS)
        self._folders = named or [Path(name) for name in FOLDERS]

    @property
    def looked_at(self) -> list[Path]:
        """Folders in which products and granules are looked for, there or not."""
        return list(self._folders)

    @property
    def folders(self) -> list[Path]:
        """Folders that exist now, that of the results last."""
        return [folder for folder in (*self._folders, self.results) if folder.is_dir()]

    def archives(self) -> dict[str, Archive]:
        """Return the products: title -> files. Looked up anew, since results join them."""
        groups: dict[tuple[Path, str, str, str], set[str]] = {}
        for path, name in self._files():
            groups.setdefault((path.parent, name.product, name.edition, name.tile), set()).add(name.period)
        found = [Archive(*group, tuple(sorted(periods))) for group, periods in sorted(groups.items())]
        titles: dict[str, Archive] = {}
        for archive in found:
            titles[_free(archive, titles)] = archive
        return titles

    def maps(self) -> dict[str, Any]:
        """Return all that is a map: title -> an :class:`Archive` or a catalog entry, products first."""
        entries = [entry for _, entry in samples()]
        return {**self.archives(), **{entry.title: entry for entry in entries}}

    def granules(self) -> dict[str, Granule]:
        """Return the raw granules, however deep they lie, in order of their names, then those that ship."""
        found: dict[str, Granule] = {}
        for folder in self._places():
            try:
                inside = find_all(folder)
            except (MusyqError, OSError):
                continue  # it was removed meanwhile, or cannot be looked into
            for granule in inside:
                found.setdefault(granule.name, granule)
        return {**dict(sorted(found.items())), **{g.name: g for g in _shipped_granules() if g.name not in found}}

    def _places(self) -> list[Path]:
        """Return the folders in which granules are looked for; such a search looks one level deeper by itself."""
        found = list(self.folders)
        for top in self.folders:
            for place, names, _ in os.walk(top):
                depth = len(Path(place).relative_to(top).parts)
                names[:] = sorted(n for n in names if not n.startswith(".")) if depth < _DEPTH else []
                if depth and depth % 2 == 0:
                    found.append(Path(place))
                if len(found) >= _MOST_FOLDERS:
                    return found
        return found

    def _files(self) -> Iterable[tuple[Path, FileName]]:
        for folder in self.folders:
            for count, path in enumerate(sorted(folder.rglob("*.h5"))):
                if count == _MOST:
                    break
                if name := parse(path.name):
                    yield path, name


def quoted(text: object) -> str:
    """Return a name or a path as a literal of Python, whatever quotes and backslashes it holds."""
    return json.dumps(str(text), ensure_ascii=False)


def _free(archive: Archive, taken: Container[str]) -> str:
    """Return a title that no other archive has: folders of one name in several places are told by what holds them."""
    title, place = archive.title, archive.folder
    while title in taken and place != place.parent:
        place = place.parent
        title = f"{title.removesuffix(')')} in {place.name})"
    return title


@cache
def _shipped_granules() -> tuple[Granule, ...]:
    try:
        return tuple(find_all(resource(_GRANULES)))
    except NotFoundError:
        return ()


def samples() -> list[tuple[str, Any]]:
    """Return name and entry of the shipped samples that are maps."""
    shipped = open_catalog()
    entries = [(name, shipped[name]) for name in shipped]
    return [(name, e) for name, e in entries if not isinstance(e, Catalog) and e.spec.driver != "musyq_table"]
