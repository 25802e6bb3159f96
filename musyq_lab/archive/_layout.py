"""What lies in a product file or one of its groups: layers, coordinates and the names of their dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np
import xarray as xr

from musyq_lab.archive.encode import COMPANIONS, GRANULE
from musyq_lab.archive.structure import GRID_MAPPING
from musyq_lab.core.errors import ArchiveError
from musyq_lab.files import bounded
from musyq_lab.files.stored import attributes


def _order(name: str) -> tuple[bool, bool, str]:
    """Sort values and uncertainties first, then quality, then what they were made of."""
    return name in COMPANIONS, name.endswith("_qa"), name


def layer_names(group: h5py.Group, coords: Mapping[str, Any]) -> list[str]:
    """Return the names of the layers of a file or group in the order in which people look for them."""
    return sorted((name for name in group if _is_layer(group[name], coords)), key=_order)


def _is_layer(item: Any, coords: Mapping[str, Any]) -> bool:
    name = item.name.rpartition("/")[2]
    return isinstance(item, h5py.Dataset) and not item.is_scale and name not in coords


_AXES = ("latitude", "longitude", "y", "x", "month", "time", "band")


def dimension_names(dataset: h5py.Dataset) -> tuple[str, ...]:
    """Return the names of the dimensions of a dataset.

    Scales name them; where another program dropped these, a label, or the one axis of the file of that length.

    Raises
    ------
    ArchiveError
        If nothing tells which axis is which.
    """
    found: list[str] = []
    for dimension, size in zip(dataset.dims, dataset.shape, strict=True):
        if len(dimension):
            found.append(dimension[0].name.rpartition("/")[2])
        else:
            found.append(dimension.label or _axis_of(dataset, size, found))
    return tuple(found)


def _axis_of(dataset: h5py.Dataset, size: int, taken: Sequence[str]) -> str:
    own = str(dataset.name).rpartition("/")[2]
    if dataset.ndim == 1 and own in _AXES:
        return own
    axes = (name for name in _AXES if name not in taken and isinstance(dataset.parent.get(name), h5py.Dataset))
    fitting = [name for name in axes if dataset.parent[name].shape == (size,)]
    if len(fitting) != 1:
        raise ArchiveError(
            f"{dataset.name!r} of {dataset.file.filename} says by no dimension scale what its axis of {size} is. Open "
            "it as a raster of your own with foreign.open_field."
        )
    return str(fitting[0])


def coordinates(file: h5py.Group) -> dict[str, xr.Variable]:
    """Read the coordinates: dimension scales that hold values, those the layers name, and the grid mapping."""
    datasets = {name: item for name in sorted(file) if isinstance(item := file[name], h5py.Dataset)}
    named = " ".join(_text(item, "coordinates") for item in datasets.values()).split()
    found: dict[str, xr.Variable] = {}
    for name, item in datasets.items():
        if item.is_scale and _text(item, "NAME").startswith("This is a netCDF dimension but"):
            continue
        dims = (name,) if item.is_scale else dimension_names(item)
        if item.is_scale or name in named or name == GRID_MAPPING or dims in ((name,), (GRANULE,)):
            found[name] = _coordinate(name, item, dims)
    return found


def _text(item: h5py.Dataset, name: str) -> str:
    value = item.attrs.get(name, "")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _coordinate(name: str, item: h5py.Dataset, dims: tuple[str, ...]) -> xr.Variable:
    values = bounded.read(item)
    values = np.asarray(values, dtype=np.int64) if item.dtype == np.int32 else np.asarray(values)
    variable = xr.Variable(dims, values, attributes(item))
    return (
        xr.conventions.decode_cf_variable(name, variable) if "since" in str(variable.attrs.get("units")) else variable
    )
