"""Reading one variable of a foreign raster: HDF5 (and netCDF-4), classic netCDF, GeoTIFF.

Each reader returns a :class:`Field` whose axes ``latitude`` and ``longitude`` are found and whose values are decoded.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError, closest
from musyq_lab.files import bounded
from musyq_lab.files.safety import check_hdf5, damage, opened
from musyq_lab.files.stored import Packing, StoredLayer, attributes, lazy, packing

# Spellings met in published products; xarray decodes only the first and missing_value.
_FILL_NAMES = frozenset({"_fillvalue", "missing_value", "fillvalue", "fill", "fill_value", "nodata", "no_data"})
_AXES = {
    "latitude": (frozenset({"latitude", "lat", "lats", "nav_lat"}), ("degrees_north", "degree_north", "degreesn")),
    "longitude": (
        frozenset({"longitude", "lon", "lons", "long", "nav_lon"}),
        ("degrees_east", "degree_east", "degreese"),
    ),
}
_BLOCK = 1024
_PROJECTED = "Bring it to longitude and latitude first: gdalwarp -t_srs EPSG:4326 in out."


@dataclass(frozen=True, slots=True)
class Field:
    """A variable as found in a file."""

    name: str
    """Name, with its group."""
    data: xr.DataArray
    """Decoded, lazy, with dimensions ``latitude`` and ``longitude`` among others."""
    attrs: dict[str, Any]
    """Attributes of the file."""


def foreign_packing(attrs: Mapping[str, Any], stored: np.dtype[Any]) -> Packing:
    """Return the packing that attributes describe, fill values under any of their common names among it.

    Parameters
    ----------
    attrs : mapping
        Attributes of the variable.
    stored : numpy.dtype
        Stored type.

    Raises
    ------
    InputError
        If a fill value is text that is no number.
    """
    fills: list[float] = []
    for name, value in attrs.items():
        if name.lower() in _FILL_NAMES:
            try:
                fills += [float(item) for item in np.atleast_1d(value)]
            except (TypeError, ValueError):
                raise InputError(f"The attribute {name!r} is {value!r}, which is no fill value (a number).") from None
    limits = _limits(attrs, stored)
    basic = packing({key: value for key, value in attrs.items() if key != "_FillValue"})
    return Packing(basic.scale, basic.offset, tuple(sorted({f for f in fills if not math.isnan(f)})), limits)


def _limits(attrs: Mapping[str, Any], stored: np.dtype[Any]) -> tuple[float, float]:
    """Return the valid range in stored numbers; one of another type speaks of unpacked values (NUG) and is left."""
    pair = attrs.get("valid_range", ())
    low, high = pair if np.size(pair) == 2 else (attrs.get("valid_min"), attrs.get("valid_max"))
    plain = "scale_factor" not in attrs and "add_offset" not in attrs

    def limit(value: Any, default: float) -> float:
        kind = np.asarray(value).dtype
        return float(value) if kind == stored or (plain and kind.kind in "iuf") else default

    return limit(low, -np.inf), limit(high, np.inf)


def choose(names: Iterable[str], wanted: str | None, path: Path) -> str:
    """Return the variable to read.

    Raises
    ------
    NotFoundError
        If the wanted one is not there.
    InputError
        If there are several and none is wanted.
    ArchiveError
        If there is none at all.
    """
    known = sorted(names)
    if wanted is not None:
        matches = [n for n in known if n == wanted.strip("/")] or [n for n in known if n.rpartition("/")[2] == wanted]
        if len(matches) != 1:
            raise NotFoundError(f"{path} has no variable {wanted!r} on a grid.{closest(wanted, known)}")
        return matches[0]
    if not known:
        raise ArchiveError(f"{path} holds no variable with two or more dimensions.")
    if len(known) > 1:
        raise InputError(f"{path} holds several variables: {', '.join(known[:40])}. Name one by variable=.")
    return known[0]


def hdf5(path: Path, variable: str | None) -> Field:
    """Read from HDF5 or netCDF-4, with or without dimension scales, in any group."""
    check_hdf5(path)
    with opened(path) as file, damage(path):
        datasets = _datasets(file)
        name = choose([n for n, d in datasets.items() if _is_grid(n, d)], variable, path)
        dataset, attrs = datasets[name], attributes(datasets[name])
        dims = _dimensions(dataset, datasets, path)
        coords = {dim: _coordinate(source, dim) for dim, source in dims.items() if source is not None}
        how = foreign_packing(attrs, dataset.dtype)
        layer = StoredLayer((str(path.absolute()),), name, dataset.shape, dataset.dtype, how)
        return Field(name, xr.DataArray(lazy(layer, dataset.chunks), coords, list(dims)), attrs)


def _datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    found: dict[str, h5py.Dataset] = {}
    file.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    return found


def _is_grid(name: str, dataset: h5py.Dataset) -> bool:
    return dataset.ndim >= 2 and dataset.dtype.kind in "iuf" and _axis(name, attributes(dataset)) is None


def _axis(name: str, attrs: Mapping[str, Any]) -> str | None:
    """Return ``latitude`` or ``longitude`` for a coordinate by standard name, units or name."""
    for axis, (names, units) in _AXES.items():
        said = str(attrs.get("units", "")).lower().replace(" ", "_")
        if attrs.get("standard_name") == axis or said in units or name.rpartition("/")[2].lower() in names:
            return axis
    return None


def _dimensions(
    dataset: h5py.Dataset, datasets: Mapping[str, h5py.Dataset], path: Path
) -> dict[str, h5py.Dataset | None]:
    """Return the dimensions with their coordinates: by dimension scales, else by the length of the axes."""
    scales = [dimension[0] if len(dimension) else None for dimension in dataset.dims]
    if found := _by_scales(scales):
        return found
    group = dataset.name.lstrip("/").rpartition("/")[0]
    near = {n: d for n, d in datasets.items() if n.rpartition("/")[0] in (group, "") or n.startswith(f"{group}/")}
    axes: dict[str, h5py.Dataset] = {}
    for name, item in near.items():
        if axis := _axis(name, attributes(item)):
            axes.setdefault(axis, item)
    if len(axes) < 2:
        raise InputError(
            f"{dataset.name!r} of {path} has no latitude and longitude beside it, so its cells have no place. "
            f"Add 1-D variables 'latitude' and 'longitude'. If it is projected: {_PROJECTED}"
        )
    if any(item.ndim != 1 for item in axes.values()):
        raise InputError(
            f"{dataset.name!r} of {path} has 2-D latitude and longitude (a swath or a projected grid). {_PROJECTED}"
        )
    return _by_length(dataset, axes, path)


def _by_scales(scales: list[h5py.Dataset | None]) -> dict[str, h5py.Dataset | None] | None:
    found: dict[str, h5py.Dataset | None] = {}
    for index, scale in enumerate(scales):
        if scale is None:
            found[f"axis_{index}"] = None
            continue
        attrs = attributes(scale)
        empty = str(scale.attrs.get("NAME", b"")).find("This is a netCDF dimension but") >= 0
        found[_axis(scale.name, attrs) or scale.name.rpartition("/")[2]] = None if empty else scale
    complete = {"latitude", "longitude"} <= set(found) and len(found) == len(scales)
    return found if complete and found["latitude"] is not None and found["longitude"] is not None else None


def _by_length(dataset: h5py.Dataset, axes: Mapping[str, h5py.Dataset], path: Path) -> dict[str, h5py.Dataset | None]:
    """Place the axes by their lengths; latitude comes before longitude where both fit (a square grid)."""
    rows, columns = axes["latitude"].size, axes["longitude"].size
    shape = dataset.shape
    places = [(i, j) for i in range(len(shape)) for j in range(len(shape)) if i != j]
    fits = [(i, j) for i, j in places if (shape[i], shape[j]) == (rows, columns)]
    fits = [pair for pair in fits if pair[0] < pair[1]] or fits
    if len(fits) != 1:
        raise InputError(
            f"{dataset.name!r} of {path} has the shape {shape}, latitude has {rows} and longitude {columns} values: "
            "that does not say which axis is which. Add dimension scales (netCDF dimensions)."
        )
    names = {fits[0][0]: "latitude", fits[0][1]: "longitude"}
    return {names.get(i, f"axis_{i}"): axes.get(names.get(i, "")) for i in range(len(shape))}


def _coordinate(source: h5py.Dataset, dim: str) -> xr.Variable:
    if source.dtype.kind == "O":
        return xr.Variable((dim,), bounded.read(source))
    return _decoded_time(xr.Variable((dim,), bounded.read(source), attributes(source)), dim)


def _decoded_time(variable: xr.Variable, dim: str) -> xr.Variable:
    if " since " not in str(variable.attrs.get("units", "")):
        return variable
    try:
        return xr.conventions.decode_cf_variable(dim, variable)
    except ValueError as error:
        raise InputError(f"The times {dim!r} in {variable.attrs['units']!r} cannot be understood: {error}.") from error


def netcdf3(path: Path, variable: str | None) -> Field:
    """Read from classic netCDF (through scipy, lazily by xarray's file manager)."""
    with damage(path):
        ds = xr.open_dataset(path, engine="scipy", mask_and_scale=False, decode_times=False)
    grids = [str(n) for n, a in ds.data_vars.items() if a.ndim >= 2 and a.dtype.kind in "iuf"]
    array = ds[choose(grids, variable, path)]
    axes = {str(d): _axis(str(d), ds[d].attrs if d in ds.coords else {}) for d in array.dims}
    placed = sorted(axis for d, axis in axes.items() if axis and d in ds.coords)
    if placed != ["latitude", "longitude"]:
        raise InputError(f"{array.name!r} of {path} is not on 1-D latitude and longitude. {_PROJECTED}")
    names = {d: axes[d] or d for d in axes}
    coords = {names[d]: _decoded_time(ds[d].variable, d) for d in axes if d in ds.coords}
    renamed = {name: xr.Variable((name,), item.values, item.attrs) for name, item in coords.items()}
    return _decoded(str(array.name), array, list(names.values()), renamed, path)


def _decoded(name: str, array: xr.DataArray, dims: list[str], coords: Mapping[str, Any], path: Path) -> Field:
    """Return the field of a lazy array of stored numbers; its last cell is read, so that a cut-off file shows now."""
    with damage(path):
        np.asarray(array[(slice(-1, None),) * array.ndim].values)
    how = foreign_packing(array.attrs, array.dtype)
    lazily = array.chunk(dict.fromkeys(array.dims[-2:], _BLOCK) | dict.fromkeys(array.dims[:-2], 1))
    data = lazily.data.map_blocks(how.unpack, dtype=how.dtype(array.dtype))
    return Field(name, xr.DataArray(data, coords, dims), dict(array.attrs))


def geotiff(path: Path, variable: str | None) -> Field:
    """Read from GeoTIFF; bands are layers, or one of them is chosen by its number."""
    import rioxarray

    with damage(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no georeference is told below; the rest is between rioxarray and its parts
        array: Any = rioxarray.open_rasterio(path, mask_and_scale=False)
        _check_crs(array, path)
    array = _bands(array, variable, path)
    names = {"y": "latitude", "x": "longitude"}
    coords = {names[d]: ((names[d],), array[d].values) for d in names}
    return _decoded(path.stem, array, [names.get(str(d), str(d)) for d in array.dims], coords, path)


def _check_crs(array: xr.DataArray, path: Path) -> None:
    system = array.rio.crs
    if system is None:
        raise InputError(
            f"{path} has no coordinate reference system. Set it: gdal_edit.py -a_srs EPSG:4326 {path.name}"
        )
    if not system.is_geographic:
        raise InputError(f"{path} is projected ({system.to_string()[:60]}). {_PROJECTED}")
    if array["x"].ndim != 1 or array.rio.transform().b or array.rio.transform().d:
        raise InputError(f"{path} is rotated. {_PROJECTED}")


def _bands(array: xr.DataArray, variable: str | None, path: Path) -> xr.DataArray:
    count = array.sizes["band"]
    if variable is not None:
        if not (variable.isdigit() and 1 <= int(variable) <= count):
            raise NotFoundError(f"{path} has the bands 1 to {count} and no {variable!r}.")
        return array.isel(band=int(variable) - 1, drop=True)
    if count in (1, 12):
        return array.drop_vars("band")
    raise InputError(f"{path} holds {count} bands. Name one by variable='1' ... '{count}' (twelve would be months).")
