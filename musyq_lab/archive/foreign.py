"""A user's own field, from HDF5, netCDF or GeoTIFF, in the conventions of this package.

Rows run from north to south, columns from -180 to 180 degrees, no data are NaN whatever the file calls its fill value,
and nothing is read before it is asked for. What cannot be understood for sure is refused with what to do: a guess
here would be a wrong map later.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.archive import readers
from musyq_lab.archive.readers import Field
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.core.grid import LATITUDE, LONGITUDE
from musyq_lab.core.units import same_units

_HDF5 = b"\x89HDF\r\n\x1a\n"
_NETCDF3 = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_SERIES = ("month", "time")
_UNITS_NAMES = ("units", "Units", "unit", "Unit", "UNITS")


def open_field(path: str | Path, variable: str | None = None, *, units: str | None = None) -> xr.DataArray:
    """Open one variable of a raster file on a longitude-latitude grid.

    Parameters
    ----------
    path : str or pathlib.Path
        HDF5, netCDF (classic or 4) or GeoTIFF, told by its first bytes and not by its name.
    variable : str, optional
        Name of the variable (``"group/name"`` inside a group), or the number of a GeoTIFF's band as text; needed where
        the file holds several.
    units : str, optional
        Units of a file that does not say them.

    Returns
    -------
    xarray.DataArray
        Lazy, dims ``([month | time,] latitude, longitude)``, latitude descending, longitude ascending in -180..180;
        float with NaN for no data, or the integers as stored where the file declares neither packing nor fill.
        ``attrs["units"]`` is absent where neither the file nor ``units`` says it. Twelve layers without a coordinate
        are taken for months.

    Raises
    ------
    NotFoundError
        If there is no such file or variable.
    InputError
        If several variables are there and none is named, the grid is not longitude-latitude, or ``units`` contradicts
        the file.
    ArchiveError
        If the file is empty, cut off, damaged, refused (:mod:`musyq_lab.files.safety`) or no raster.
    """
    path = Path(path)
    field = _reader(path)(path, variable)
    data = _oriented(_named(field, path), path)
    return _described(data, field, units, path)


def _reader(path: Path) -> Any:
    """Return the reader for a file's first bytes."""
    if not path.exists():
        raise NotFoundError(f"There is no file {path}.")
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not start:
        raise ArchiveError(f"{path} is empty (0 bytes). Fetch or write it again.")
    if start == _HDF5:
        return readers.hdf5
    if start[:4] in _NETCDF3:
        return readers.netcdf3
    if start[:4] in _TIFF:
        return readers.geotiff
    raise ArchiveError(f"{path} is not a raster this package reads. Give HDF5, netCDF or GeoTIFF.")


def _named(field: Field, path: Path) -> xr.DataArray:
    """Give the axes their names: latitude, longitude and at most one of month and time before them."""
    data = field.data
    extra = [str(dim) for dim in data.dims if dim not in ("latitude", "longitude")]
    for dim in [dim for dim in extra if data.sizes[dim] == 1]:
        data = data.isel({dim: 0}, drop=True)
        extra.remove(dim)
    if len(extra) > 1:
        raise InputError(
            f"{field.name!r} of {path} has the dimensions {dict(data.sizes)}; a field has latitude, longitude and at "
            "most one of month or time. Write the part you want to a file of its own."
        )
    if extra and extra[0] not in _SERIES:
        data = _series(data, extra[0], field, path)
    return data.transpose(..., "latitude", "longitude")


def _series(data: xr.DataArray, dim: str, field: Field, path: Path) -> xr.DataArray:
    if dim in data.coords and data[dim].dtype.kind == "M":
        return data.rename({dim: "time"})
    months = np.arange(1, 13)
    if data.sizes[dim] == 12 and (dim not in data.coords or np.array_equal(data[dim].values, months)):
        return data.drop_vars(dim, errors="ignore").rename({dim: "month"}).assign_coords(month=months)
    raise InputError(
        f"The axis {dim!r} of {field.name!r} in {path} has {data.sizes[dim]} layers, and nothing says whether they are "
        "months or times. Give 12 months, or a dimension 'month' or 'time' with its coordinate."
    )


def _oriented(data: xr.DataArray, path: Path) -> xr.DataArray:
    """Turn latitude north first, wrap longitude to -180..180 and sort it; refuse what is no such grid."""
    latitude = np.asarray(data["latitude"].values, dtype=np.float64)
    longitude = np.asarray(data["longitude"].values, dtype=np.float64)
    _check_axis(latitude, "latitude", -90.0, 90.0, path)
    _check_axis(longitude, "longitude", -180.0, 360.0, path)
    if longitude.max() > 180.0:
        longitude = (longitude + 180.0) % 360.0 - 180.0
    # unique sorts, and drops the second of 0 and 360 degrees.
    longitude, columns = np.unique(longitude, return_index=True)
    rows = slice(None, None, -1) if latitude.size > 1 and latitude[0] < latitude[-1] else slice(None)
    data = data.isel(latitude=rows)
    if not np.array_equal(columns, np.arange(data.sizes["longitude"])):
        data = _roll(data, columns)
    return data.assign_coords(
        latitude=("latitude", latitude[rows], dict(LATITUDE)), longitude=("longitude", longitude, dict(LONGITUDE))
    )


def _roll(data: xr.DataArray, columns: np.ndarray[Any, np.dtype[np.intp]]) -> xr.DataArray:
    """Bring columns in order by whole stretches, so that dask cuts twice and not at every column."""
    breaks = np.flatnonzero(np.abs(np.diff(columns)) != 1) + 1
    parts = []
    for run in np.split(columns, breaks):
        down = run.size > 1 and run[1] < run[0]
        stop = run[-1] - 1 if down else run[-1] + 1
        parts.append(data.isel(longitude=slice(run[0], None if stop < 0 else stop, -1 if down else 1)))
    return xr.concat([part.drop_vars("longitude") for part in parts], "longitude") if parts else data


def _check_axis(values: np.ndarray[Any, np.dtype[np.float64]], name: str, low: float, high: float, path: Path) -> None:
    # A hundredth of a degree beyond the end is the rounding of float32 axes, not another grid.
    if not np.all(np.isfinite(values)) or values.min() < low - 0.01 or values.max() > high + 0.01:
        raise InputError(
            f"The {name}s of {path} go from {values[0]:g} to {values[-1]:g}, which are not degrees on the globe. "
            "A projected raster must be brought to longitude and latitude first: gdalwarp -t_srs EPSG:4326 in out."
        )
    steps = np.diff(values)
    if steps.size and not (np.all(steps > 0) or np.all(steps < 0)) and not (name == "longitude" and _wraps(steps)):
        raise InputError(f"The {name}s of {path} are not in order. Sort the raster by {name} first.")


def _wraps(steps: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    """Whether longitudes ascend but for one step back across the antimeridian (175, 179, -177)."""
    return int(np.count_nonzero(steps <= 0)) == 1 and float(steps.min()) < -180.0


def _described(data: xr.DataArray, field: Field, units: str | None, path: Path) -> xr.DataArray:
    own = next((str(field.attrs[name]) for name in _UNITS_NAMES if str(field.attrs.get(name, "")).strip()), None)
    if units is not None and own is not None and not _same(own, units):
        raise InputError(
            f"{field.name!r} of {path} says it is in {own!r}; you gave units={units!r}. "
            "Leave units= out, or correct the file."
        )
    attrs = {key: value for key, value in field.attrs.items() if key in ("long_name", "standard_name")}
    if chosen := units or own:
        attrs["units"] = chosen
    data = data.copy(deep=False)
    data.attrs = attrs
    return data.rename(field.name.rpartition("/")[2])


def _same(left: str, right: str) -> bool:
    try:
        return same_units(left, right)
    except InputError:  # the file's own text is no unit ("Watts per m2"): the user's word stands
        return True
