"""What is computed from: data of the shelf under short names, cut to a region, lazily."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import xarray as xr

from musyq_lab.archive import encode
from musyq_lab.catalog.entry import Entry
from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.dashboards._shelf import Archive
from musyq_lab.production.download import place
from musyq_lab.production.download.region import Area, area
from musyq_lab.sensors._granule import Granule

ALIASES = "abcdefgh"
"""Short names of the data, in the order in which they were chosen."""
_CHUNK = 512
"""Cells along each side of a chunk of data that come in memory."""
_LONGEST = 100_000
"""Characters of a region."""


@dataclass(frozen=True)
class Source:
    """Some data under a short name."""

    alias: str
    """``a``, ``b``, ..."""
    title: str
    """Title on the shelf."""
    dataset: xr.Dataset
    """The data, lazily."""
    code: str
    """The line of Python that opens them as ``alias``."""
    edition: str
    """Grid, for the name of a result."""
    tile: str
    """Part of the grid, likewise."""


class Inputs:
    """The data chosen on a page.

    Parameters
    ----------
    offered : mapping of str to object
        Title -> :class:`Archive`, catalog entry, granule, or Dataset.
    """

    def __init__(self, offered: Mapping[str, Any]) -> None:
        self.offered = dict(offered)
        self.sources: tuple[Source, ...] = ()
        self.region = ""
        self._area: Area | None = None
        self._opened: dict[str, tuple[xr.Dataset, str]] = {}

    def choose(self, titles: list[str], region: str = "") -> None:
        """Open what is chosen; nothing changes where that fails.

        Raises
        ------
        NotFoundError
            If there is no such title, or no such region.
        InputError
            If it is too much, cannot be used, or has no cell in the region.
        """
        if len(titles) > len(ALIASES):
            raise InputError(f"{len(titles)} data are chosen; the most is {len(ALIASES)}.")
        asked = region_of(region)
        found = tuple(self._source(alias, title, asked) for alias, title in zip(ALIASES, titles, strict=False))
        self.sources, self.region, self._area = found, region.strip(), asked

    @property
    def area(self) -> Area | None:
        """The region, None for all."""
        return self._area

    def names(self) -> dict[str, Any]:
        """Return what an expression may name: the data by their short names, and variables that only one has."""
        found: dict[str, Any] = {source.alias: source.dataset for source in self.sources}
        owners: dict[str, list[xr.Dataset]] = {}
        for source in self.sources:
            for name in source.dataset.data_vars:
                owners.setdefault(str(name), []).append(source.dataset)
        for name, datasets in owners.items():
            if len(datasets) == 1 and name not in found:
                found[name] = datasets[0][name]
        return found

    def listed(self) -> list[tuple[str, str, str]]:
        """Return name, unit and meaning of each variable, as it is to be written."""
        plain = self.names()
        rows = []
        for source in self.sources:
            for name, array in source.dataset.data_vars.items():
                if array.dtype.kind in "fiub" and array.ndim >= 2 and not str(name).endswith("_uncertainty"):
                    written = str(name) if name in plain else f"{source.alias}.{name}"
                    rows.append((written, str(array.attrs.get("units", "")), str(array.attrs.get("long_name", ""))))
        return rows

    def _source(self, alias: str, title: str, asked: Area | None) -> Source:
        if title not in self.offered:
            raise NotFoundError(f"There are no data {title!r} here.{closest(title, self.offered)}")
        given = self.offered[title]
        if title not in self._opened:
            self._opened[title] = _opened(given)
        dataset, code = self._opened[title]
        edition, tile = (given.edition, given.tile) if isinstance(given, Archive) else (_edition(dataset), "global")
        if asked is not None:
            dataset, tile = cut(dataset, asked), asked.key
        return Source(alias, title, dataset, code, edition, tile)


def cut(dataset: xr.Dataset, asked: Area) -> xr.Dataset:
    """Return the part of a map in a region; beyond a polygon it is missing, whole numbers as they are.

    Raises
    ------
    InputError
        If the data have no place, or no cell in the region.
    """
    mapped, grid = place.on_map(dataset)
    part = place.cut(mapped, grid, asked)
    inside = place.inside(part, grid, asked)
    if inside is None:
        return part
    pair = {grid.rows, grid.columns}
    masked = {n: a.where(inside).assign_attrs(a.attrs) for n, a in part.data_vars.items() if pair <= set(a.dims)}
    return part.assign(masked)


def region_of(text: str) -> Area | None:
    """Return the region that a person wrote; None for all.

    Parameters
    ----------
    text : str
        A name, a box ``west, south, east, north``, or a polygon as WKT or GeoJSON. No file: the page may be served.

    Raises
    ------
    InputError, NotFoundError
        If it is none of these.
    """
    word = text.strip()
    if not word:
        return None
    if len(word) > _LONGEST:
        raise InputError(f"The region has {len(word):,} characters; the most is {_LONGEST:,}.")
    if word.startswith("{"):
        try:
            return area(json.loads(word))
        except (ValueError, RecursionError) as error:
            raise InputError(f"The region is no GeoJSON: {str(error)[:200]}") from None
    if word.upper().startswith(("POLYGON", "MULTIPOLYGON")):
        import shapely

        try:
            return area(shapely.from_wkt(word))
        except shapely.errors.ShapelyError as error:
            raise InputError(f"The region is no polygon: {str(error)[:200]}") from None
    if "/" in word or "\\" in word or word.lower().endswith("json"):
        raise InputError("A region is a name, a box 'west, south, east, north' or a polygon (WKT or GeoJSON), no file.")
    return area(word)


def _opened(given: Any) -> tuple[xr.Dataset, str]:
    """Return the data, backed by dask, and the line of Python that opens them."""
    if isinstance(given, Archive):
        return given.open(), given.code.partition("= ")[2]
    if isinstance(given, Entry):
        return _sample(given.name), f'ml.open_catalog()["{given.name}"].read()'
    if isinstance(given, Granule):
        return _scene(given)
    if isinstance(given, xr.DataArray):
        given = given.to_dataset(name=given.name or "value")
    if not isinstance(given, xr.Dataset):
        raise InputError(f"Nothing can be computed from {type(given).__name__}. Give a Dataset.")
    return _chunked(given), "...  # your Dataset"


@lru_cache(maxsize=8)
def _sample(name: str) -> xr.Dataset:
    from musyq_lab.catalog.open import open_catalog

    data: Any = open_catalog()[name]
    return _chunked(data.read())


def _scene(granule: Granule) -> tuple[xr.Dataset, str]:
    from musyq_lab.sensors._open import open_scene
    from musyq_lab.standard.pipeline import standardize

    path = granule.path
    return standardize(open_scene(path)), f'ml.standardize(ml.open_scene("{path}"))'


def _chunked(dataset: xr.Dataset) -> xr.Dataset:
    """Return data in memory in chunks, so that work on them has steps and can be stopped."""
    pair = encode.spatial(dataset) or ()
    sizes = {dim: min(_CHUNK, dataset.sizes[dim]) for dim in pair}
    return dataset.assign({n: a.chunk(sizes_of(a, sizes)) for n, a in dataset.data_vars.items() if a.chunks is None})


def sizes_of(array: xr.DataArray, sizes: Mapping[str, int]) -> dict[Any, Any]:
    """Return those chunk sizes whose dimensions an array has."""
    return {dim: size for dim, size in sizes.items() if dim in array.dims}


def _edition(dataset: xr.Dataset) -> str:
    """Return a name of a grid from its step, such as ``3deg`` or ``30m``."""
    pair = encode.spatial(dataset)
    if pair is None or pair[0] not in dataset.coords or dataset.sizes[pair[0]] < 2:
        return "own"
    axis = dataset[pair[0]].values
    step = abs(float(axis[-1] - axis[0])) / (axis.size - 1)
    return f"{step:.4g}".replace(".", "p").replace("+", "") + ("deg" if pair[0] == "latitude" else "m")
