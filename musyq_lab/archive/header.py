"""What a product file says of itself: everything but its layers' data, in some milliseconds.

The check and every kind of metadata read this, so that all of them tell the same story of a file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from musyq_lab.archive._layout import coordinates, dimension_names, layer_names
from musyq_lab.archive.naming import FileName, parse
from musyq_lab.archive.structure import GRID_MAPPING
from musyq_lab.core.errors import ArchiveError
from musyq_lab.files.safety import check_hdf5, damage, opened
from musyq_lab.files.stored import attributes

_MOST_COORDINATES = 64 * 2**20
"""Bytes of all coordinates of a file; those of a map have less than a megabyte."""
_PAIRS = (("latitude", "longitude"), ("y", "x"))


@dataclass(frozen=True, slots=True)
class LayerHeader:
    """One layer as it is stored."""

    name: str
    """Name in the file."""
    dims: tuple[str, ...]
    """Names of its dimensions."""
    shape: tuple[int, ...]
    """Sizes."""
    dtype: np.dtype[Any]
    """Stored type."""
    attributes: Mapping[str, Any]
    """Attributes."""
    chunks: tuple[int, ...] | None = None
    """Shape of a chunk, None where it is stored in one piece."""
    compression: str = ""
    """Name of the compression, empty where there is none."""

    @property
    def is_quality(self) -> bool:
        """Whether it holds quality bits or an uncertainty, and not a value of its own."""
        return self.name.endswith(("_qa", "_uncertainty"))


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a product file."""

    path: Path
    """The file."""
    name: FileName | None
    """Fields of its name, None where it is no name of ours."""
    attributes: Mapping[str, Any] = field(repr=False)
    """Attributes of the file."""
    layers: Mapping[str, LayerHeader] = field(repr=False)
    """Layers by name."""
    coordinates: Mapping[str, xr.Variable] = field(repr=False)
    """Coordinates and grid mapping, with their values."""
    groups: tuple[str, ...] = ()
    """Names of the groups: provenance, overviews."""

    @property
    def values(self) -> tuple[LayerHeader, ...]:
        """The layers that hold values, without uncertainties and quality bits."""
        return tuple(layer for layer in self.layers.values() if not layer.is_quality)

    def text(self, name: str, default: str = "") -> str:
        """Return an attribute of the file as text."""
        value = self.attributes.get(name)
        return default if value is None else str(value).strip()

    @property
    def plane(self) -> tuple[str, str] | None:
        """Names of rows and columns of the map, None where there is none."""
        sizes = {dim for layer in self.layers.values() for dim in layer.dims}
        return next((pair for pair in _PAIRS if set(pair) <= sizes), None)

    @property
    def shape(self) -> tuple[int, int] | None:
        """Rows and columns of the map."""
        if self.plane is None:
            return None
        sizes = {d: n for layer in self.layers.values() for d, n in zip(layer.dims, layer.shape, strict=True)}
        return sizes[self.plane[0]], sizes[self.plane[1]]

    @property
    def crs_attributes(self) -> Mapping[str, Any]:
        """Attributes of the grid mapping, nothing where there is none."""
        mapping = self.coordinates.get(GRID_MAPPING)
        return {} if mapping is None else {str(key): value for key, value in mapping.attrs.items()}

    @property
    def coverage(self) -> tuple[datetime | None, datetime | None]:
        """First and last instant (UTC) as far as the file, or else the period in its name, tells."""
        first, last = (instant(self.text(f"time_coverage_{which}")) for which in ("start", "end"))
        if first is None and last is None and self.name:
            span, start = self.name.span, self.name.start
            return _utc(span.start if span else start), _utc(span.last if span else None)
        return first, last


def _utc(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(tzinfo=UTC)


def read_header(path: str | Path) -> Header:
    """Read the header of a product file, or of another HDF5 or netCDF-4 file with dimension scales.

    Parameters
    ----------
    path : str or pathlib.Path
        The file; no data of its layers are read.

    Raises
    ------
    NotFoundError
        If there is no such file.
    ArchiveError
        If it is damaged, refused (:mod:`musyq_lab.files.safety`) or not laid out as netCDF-4 is.
    """
    path = Path(path)
    check_hdf5(path)
    with opened(path) as file, damage(path):
        _refuse_huge_coordinates(file, path)
        _require_scales(file, path)
        found = coordinates(file)
        layers = {name: _layer(file[name]) for name in layer_names(file, found)}
        groups = tuple(name for name in sorted(file) if isinstance(file[name], h5py.Group))
        return Header(path, parse(path.name), attributes(file), layers, found, groups)


def instant(text: str) -> datetime | None:
    """Return an ISO 8601 instant in UTC (one without a zone is UTC), None where the text is none."""
    # Python 3.11 takes at most six digits of a second; granules give seven and nine.
    shorter = re.sub(r"(\.\d{6})\d+", r"\1", text.strip())
    try:
        found = datetime.fromisoformat(shorter)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _refuse_huge_coordinates(file: h5py.File, path: Path) -> None:
    scales = (item for item in file.values() if isinstance(item, h5py.Dataset) and item.is_scale)
    size = sum(math.prod(item.shape or ()) * item.dtype.itemsize for item in scales)
    if size > _MOST_COORDINATES:
        limit = _MOST_COORDINATES // 2**20
        raise ArchiveError(f"{path} is refused because its coordinates hold more than {limit} MiB.")


def _require_scales(file: h5py.File, path: Path) -> None:
    for name, item in file.items():
        if isinstance(item, h5py.Dataset) and not item.is_scale and not all(len(d) for d in item.dims):
            raise ArchiveError(
                f"{path} is not laid out as netCDF-4 is: {name!r} has dimensions without a scale, so nothing says what "
                "they are. Open it with the reader of its producer, or write it with write_product."
            )


def _layer(item: h5py.Dataset) -> LayerHeader:
    return LayerHeader(
        item.name.lstrip("/"),
        dimension_names(item),
        item.shape or (),
        item.dtype,
        attributes(item),
        item.chunks,
        _compression(item),
    )


def _compression(item: h5py.Dataset) -> str:
    """Return the name of the compression; h5py names its own three only."""
    if item.compression:
        return str(item.compression)
    plist = item.id.get_create_plist()
    numbers = [plist.get_filter(index)[0] for index in range(plist.get_nfilters())]
    return "zstd" if 32015 in numbers else ""
