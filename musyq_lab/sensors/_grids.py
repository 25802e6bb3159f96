"""Keeping the bands of a scene on one grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import xarray as xr

from musyq_lab.sensors._calibrate import Counts

_TOLERANCE = 0.01
"""Of a pixel: how far the first pixels of two layers may lie apart."""


def on_one_grid(counts: Sequence[Counts]) -> tuple[list[Counts], list[str]]:
    """Return the bands on the grid that most of them share, and the names of those left out.

    Some producers resample thermal bands to the grid of the others and some do not. Bands that are kept get the same
    coordinates to the last digit, so that nothing aligns them anew.
    """
    groups: list[list[Counts]] = []
    for item in counts:
        home = next((group for group in groups if same_grid(group[0].data, item.data)), None)
        if home is None:
            groups.append([item])
        else:
            home.append(item)
    most = max(groups, key=len)
    kept = [replace(item, data=placed(item.data, most[0].data)) for item in most]
    return kept, [item.band.name for item in counts if not any(item is one for one in most)]


def same_grid(one: xr.DataArray, other: xr.DataArray) -> bool:
    """Whether two layers have the same pixels: shape, CRS and, to a hundredth of a pixel, place."""
    if one.shape != other.shape or _crs(one) != _crs(other):
        return False
    return all(_same_axis(one, other, axis) for axis in ("y", "x"))


def placed(layer: xr.DataArray, like: xr.DataArray) -> xr.DataArray:
    """Return a layer with the coordinates of another that lies on the same grid."""
    moved: xr.DataArray = layer.assign_coords({name: like[name] for name in like.coords if name in layer.coords})
    return moved


def _crs(layer: xr.DataArray) -> Any:
    return layer.coords["spatial_ref"].attrs.get("crs_wkt") if "spatial_ref" in layer.coords else None


def _same_axis(one: xr.DataArray, other: xr.DataArray, axis: str) -> bool:
    if axis not in one.coords or axis not in other.coords:
        return (axis in one.coords) == (axis in other.coords)
    first, second = one[axis].values, other[axis].values
    step = abs(first[1] - first[0]) if first.size > 1 else 1.0
    return bool(abs(first[0] - second[0]) <= _TOLERANCE * step and abs(first[-1] - second[-1]) <= _TOLERANCE * step)
