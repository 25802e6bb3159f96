"""The skeleton of a product file: dimensions, coordinates, grid mapping and attributes as netCDF-4 readers expect."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np
import xarray as xr

from musyq_lab.archive import encode
from musyq_lab.archive._chunks import filters
from musyq_lab.archive._outline import extent_attributes
from musyq_lab.archive.encode import GRANULE, Layer
from musyq_lab.archive.naming import FileName
from musyq_lab.core.attributes import global_attributes as product_attributes
from musyq_lab.core.attributes import history_line
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import CRS_ATTRIBUTES, LATITUDE, LONGITUDE, PROJECTED_X, PROJECTED_Y
from musyq_lab.core.spec import Product

LIBVER = ("v108", "v110")
"""Versions of the format that a file may use: fixed, so that the bytes do not follow a later HDF5's defaults."""
GRID_MAPPING = "crs"
_STANDARD = {"latitude": LATITUDE, "longitude": LONGITUDE}
_PROJECTED = {"y": PROJECTED_Y, "x": PROJECTED_X}
_TIME_UNITS = "seconds since 1970-01-01 00:00:00"
_NO_COORDINATE = "This is a netCDF dimension but not a netCDF variable. {:9d}"


def prepare(ds: xr.Dataset, layers: Sequence[Layer]) -> xr.Dataset:
    """Return the layers to write, the map's dimensions last, after the coordinates have been checked.

    Parameters
    ----------
    ds : xarray.Dataset
        As given by the user.
    layers : sequence of Layer
        What to keep of it, besides coordinates.

    Raises
    ------
    InputError
        If latitude does not descend, longitude does not ascend, or either leaves the globe.
    """
    ds = _with_granules(ds[[layer.name for layer in layers]], ds)
    if empty := [str(name) for name, size in ds.sizes.items() if size == 0]:
        raise InputError(f"The dimension {empty[0]!r} is empty, so there is nothing to write.")
    if pair := encode.spatial(ds):
        ds = ds.transpose(..., *pair)
        if pair[0] == "latitude":
            _check_axis(ds, "latitude", -1, -90.0, 90.0)
            _check_axis(ds, "longitude", 1, -180.0, 540.0)
    return ds


def _with_granules(kept: xr.Dataset, ds: xr.Dataset) -> xr.Dataset:
    """Return the Dataset with the names of its granules, which no layer has as a dimension."""
    if "lineage" not in kept.data_vars:
        return kept
    if GRANULE in ds.coords and ds[GRANULE].ndim == 1:  # of one period of a cube
        ds = ds.swap_dims({ds[GRANULE].dims[0]: GRANULE})
    if GRANULE not in ds.coords or ds[GRANULE].dims != (GRANULE,):
        raise InputError(
            "'lineage' says by bits which granules made a pixel, and the Dataset does not name them: "
            "keep the coordinate 'granule' of the composite, or drop 'lineage'."
        )
    return kept.assign_coords({n: c.variable for n, c in ds.coords.items() if c.dims == (GRANULE,)})


def _check_axis(ds: xr.Dataset, name: str, sign: int, low: float, high: float) -> None:
    values = np.asarray(ds[name].values, dtype=np.float64)
    order = "from north to south" if sign < 0 else "from west to east"
    if not (np.all(np.isfinite(values)) and values.min() >= low and values.max() <= high):
        raise InputError(
            f"{name} must lie between {low:g} and {high:g} degrees; it goes from {values[0]:g} to {values[-1]:g}."
        )
    if np.any(sign * np.diff(values) <= 0):
        raise InputError(f"{name} must run {order}. Sort it first: ds.sortby({name!r}, ascending={sign > 0}).")


def global_attributes(ds: xr.Dataset, spec: Product, name: FileName) -> dict[str, Any]:
    """Return the file's attributes: CF and ACDD, the Dataset's own over the standard ones, fields of the name last.

    Parameters
    ----------
    ds : xarray.Dataset
        From :func:`prepare`, with the user's attributes.
    spec : Product
        What it holds.
    name : FileName
        Of the file; what it says of the period counts where the Dataset says nothing.
    """
    attributes = {**product_attributes(spec), **{str(key): value for key, value in ds.attrs.items()}}
    attributes |= {
        "product": spec.key,
        "id": name.stem,
        "edition": name.edition,
        "tile": name.tile,
        "period": name.period,
        "product_version": name.version,
    }
    if not {"time_coverage_start", "time_coverage_end"} & attributes.keys():
        # Both or none: a start alone would pass for the instant of a granule.
        attributes |= name.span.coverage if name.span else {}
    if not attributes.get("history"):
        fields = {"edition": name.edition, "period": name.period, "tile": name.tile, "version": name.version}
        attributes["history"] = history_line("write_product", fields)
    if encode.spatial(ds) == ("latitude", "longitude"):
        attributes |= _extent(ds)
    elif encode.spatial(ds) == ("y", "x") and {"y", "x"} <= set(ds.coords) and (own := _own_mapping(ds)) is not None:
        attributes |= extent_attributes(own.attrs, ds["x"].values, ds["y"].values)
    return attributes


def _extent(ds: xr.Dataset) -> dict[str, Any]:
    """Return the ACDD box: outer edges of the outer cells."""
    found: dict[str, Any] = {}
    for axis, short, units in (("latitude", "lat", "degrees_north"), ("longitude", "lon", "degrees_east")):
        values = np.asarray(ds[axis].values, dtype=np.float64)
        step = abs(float(values[-1] - values[0])) / (values.size - 1) if values.size > 1 else 0.0
        limit = 90.0 if short == "lat" else math.inf
        # Ten decimals (10 micrometres) remove the rounding of centre plus half a step.
        found[f"geospatial_{short}_min"] = round(max(float(values.min()) - step / 2, -limit), 10)
        found[f"geospatial_{short}_max"] = round(min(float(values.max()) + step / 2, limit), 10)
        found[f"geospatial_{short}_units"] = units
        if step:
            found[f"geospatial_{short}_resolution"] = round(step, 10)
    return found


def create(
    file: h5py.Group,
    ds: xr.Dataset,
    layers: Sequence[Layer],
    attributes: dict[str, Any],
    maps: set[str],
    tile_shape: tuple[int, int],
    compression: str = "gzip",
) -> dict[str, h5py.Dataset]:
    """Make every dataset of a file or group and return those of the layers, still without data.

    Parameters
    ----------
    file : h5py.File or h5py.Group
        Open for writing, empty.
    ds : xarray.Dataset
        From :func:`prepare`.
    layers : sequence of Layer
        What to make.
    attributes : dict
        Of the file.
    maps : set of str
        Names of the layers that are chunked and compressed; the others are small.
    tile_shape : tuple of int
        Rows and columns of a chunk.
    compression : str
        See :func:`musyq_lab.archive._chunks.filters`.
    """
    packed = filters(compression)
    set_attributes(file, attributes)
    _dimensions(file, ds)
    mapping = _grid_mapping(file, ds)
    stored = {}
    for layer in layers:
        array = ds[layer.name]
        options: dict[str, Any] = {}
        if layer.name in maps:
            options = {"chunks": encode.chunk(array.shape, tile_shape), **packed}
        fill = layer.dtype.type(0 if layer.fill is None else layer.fill)
        stored[layer.name] = file.create_dataset(
            layer.name, array.shape, layer.dtype, fillvalue=fill, track_times=False, **options
        )
        extra = {} if layer.fill is None else {"_FillValue": fill}
        extra |= {"grid_mapping": mapping} if mapping and layer.name in maps else {}
        extra |= _coordinates_attribute(array)
        set_attributes(stored[layer.name], {**layer.attributes, **extra})
        _attach(file, stored[layer.name], array.dims)
    return stored


def _coordinates_attribute(array: xr.DataArray) -> dict[str, str]:
    names = sorted(str(n) for n in array.coords if n not in array.dims and not _is_grid_mapping(array[n]))
    return {"coordinates": " ".join(names)} if names else {}


def _is_grid_mapping(array: xr.DataArray) -> bool:
    return array.ndim == 0 and ("grid_mapping_name" in array.attrs or "crs_wkt" in array.attrs)


def _own_mapping(ds: xr.Dataset) -> xr.DataArray | None:
    return next((ds[n] for n in ds.coords if _is_grid_mapping(ds[n])), None)


def _dimensions(file: h5py.Group, ds: xr.Dataset) -> None:
    """Make a dimension scale for every dimension, then the other coordinates on them."""
    for name in sorted(str(n) for n in ds.dims):
        if name in ds.coords:
            _coordinate(file, ds[name], _standard(ds, name)).make_scale(name)
        else:
            unlabelled(file, name, ds.sizes[name])
    for name in sorted(str(n) for n in ds.coords if n not in ds.dims):
        if not _is_grid_mapping(ds[name]):
            _attach(file, _coordinate(file, ds[name], _standard(ds, name)), ds[name].dims)


def _standard(ds: xr.Dataset, name: str) -> Mapping[str, Any]:
    """Return what CF calls a coordinate; x and y without a projection may be anything."""
    names = {**_STANDARD, **(_PROJECTED if _own_mapping(ds) is not None else {})}
    return names.get(name, {})


def unlabelled(group: h5py.Group, name: str, size: int) -> h5py.Dataset:
    """Make and return a dimension that has a size and no coordinate, as netCDF does."""
    made = group.create_dataset(name, (size,), "f4", track_times=False)
    made.make_scale(_NO_COORDINATE.format(size))
    return made


def _coordinate(file: h5py.Group, array: xr.DataArray, standard: Mapping[str, Any]) -> h5py.Dataset:
    variable = array.variable.copy(deep=False)
    if variable.dtype.kind == "M":
        variable.encoding = {"units": _time_units(variable), "dtype": "int64", "calendar": "proleptic_gregorian"}
        variable = xr.conventions.encode_cf_variable(variable)
    values: Any = np.asarray(variable.values)
    dtype: Any = {"f": "f8", "i": "i4", "u": "i4", "b": "i4"}.get(values.dtype.kind)
    if variable.dtype == np.int64 and array.dtype.kind == "M":
        dtype = "i8"
    if dtype is None:
        values, dtype = np.asarray(values, dtype=object), h5py.string_dtype()
    elif dtype == "i4" and values.size and np.any(values.astype("i4") != values):
        raise InputError(f"The coordinate {array.name!r} holds whole numbers beyond 32 bits. Make it float64.")
    stored = file.create_dataset(
        str(array.name),
        data=values.astype(dtype) if dtype in ("f8", "i4", "i8") else values,
        dtype=dtype,
        track_times=False,
    )
    attributes = {**standard, **variable.attrs}
    set_attributes(stored, attributes)
    return stored


def _time_units(variable: xr.Variable) -> str:
    """Return seconds, or the unit that keeps the instants of a granule's start, which have fractions of them."""
    instants = np.asarray(variable.values)
    whole = bool(np.all(instants == instants.astype("datetime64[s]")))  # NaT equals nothing: the finer unit holds it
    return _TIME_UNITS if whole else _TIME_UNITS.replace("seconds", "microseconds")


def _grid_mapping(file: h5py.Group, ds: xr.Dataset) -> str:
    """Store the coordinate reference system and return its name, nothing for a projected map that carries none."""
    own = _own_mapping(ds)
    if encode.spatial(ds) == ("latitude", "longitude"):
        attributes: dict[str, Any] = {"long_name": "WGS 84", **CRS_ATTRIBUTES}
    elif own is not None:
        attributes = own.attrs
    else:
        return ""
    set_attributes(file.create_dataset(GRID_MAPPING, data=np.int32(0), track_times=False), attributes)
    return GRID_MAPPING


def _attach(file: h5py.Group, stored: h5py.Dataset, dimensions: Sequence[Any]) -> None:
    for index, name in enumerate(dimensions):
        stored.dims[index].attach_scale(file[str(name)])


def set_attributes(target: Any, attributes: dict[str, Any]) -> None:
    """Write attributes in the order of their names, each in a type that every HDF5 reader knows.

    Parameters
    ----------
    target : h5py.File or h5py.Dataset
        What they belong to.
    attributes : dict
        Texts, numbers, lists of numbers; None and empty texts are left out, anything else becomes JSON.
    """
    for name in sorted(attributes):
        value = _plain(attributes[name])
        if isinstance(value, str):
            # Of fixed length, as netCDF writes them: texts of variable length lie in HDF5's global heap, which has no
            # checksum, and one flipped bit there can make the library loop for ever.
            data = value.encode()
            if data:
                target.attrs.create(name, data, dtype=h5py.string_dtype("utf-8", len(data)))
        elif value is not None:
            target.attrs[name] = value


def _plain(value: Any) -> Any:
    if isinstance(value, (bool, np.bool_)):
        return np.int8(value)
    if isinstance(value, int):
        return np.int32(value) if -(2**31) <= value < 2**31 else np.int64(value)
    if value is None or isinstance(value, (str, float)):
        return value
    if isinstance(value, (np.number, np.ndarray, list, tuple)) and np.size(value):
        array = np.asarray(value)
        if array.dtype.kind in "iuf":
            return array
    return json.dumps(value, default=str, sort_keys=True, ensure_ascii=False)
