"""Open plain raster and table files as lazy Datasets, with fill values decoded whatever their attribute is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import Any

import xarray as xr

from musyq_lab.core.errors import CatalogError, InputError, MusyqError
from musyq_lab.files.remote import is_remote, place
from musyq_lab.files.safety import check_hdf5

HDF = (".nc", ".nc4", ".h5", ".hdf5", ".he5")
TIFF = (".tif", ".tiff")
MAX_TABLE = 256 * 2**20
"""Bytes of a table, which is read whole."""
# Names other than _FillValue are not decoded by xarray, while scale_factor is: 32767 x 0.01 would look like a value.
_FILL_NAMES = frozenset({"fillvalue", "fill", "_fillvalue", "fill_value", "nodata", "no_data"})


def open_raster(path: str | Path, *, chunks: Any = None, group: str | None = None) -> xr.Dataset:
    """Return a NetCDF, HDF5 or GeoTIFF file as a lazy Dataset.

    Parameters
    ----------
    path : str or pathlib.Path
        File, or pattern that names exactly one; of NetCDF and HDF5 also an address (:mod:`musyq_lab.files.remote`).
    chunks : optional
        As in xarray: None for lazy reading without dask, ``{}`` for the file's own chunks.
    group : str, optional
        Group inside an HDF5 file.

    Raises
    ------
    InputError
        If there is no such file, it is of another kind, or it cannot be read.
    """
    file = find_file(path)
    suffix = file.suffix.lower()
    if suffix not in (*HDF, *TIFF):
        raise InputError(f"{file.name} is not a raster this driver reads. It reads {', '.join((*HDF, *TIFF))}.")
    try:
        return _open_tiff(file, chunks) if suffix in TIFF else _open_hdf(file, chunks, group)
    except MusyqError:
        raise
    except Exception as error:  # the readers raise a dozen unrelated types on a damaged file
        raise InputError(f"{file} cannot be read: {error}. The file may be cut short; fetch it again.") from error


def open_rasters(paths: Mapping[str, str], *, chunks: Any = None) -> xr.Dataset:
    """Return several one-band files of one grid as the variables of one Dataset.

    Raises
    ------
    InputError
        If a file has several variables or the grids differ.
    """
    layers = {}
    for name, path in paths.items():
        dataset = open_raster(path, chunks=chunks)
        fields = [key for key in dataset.data_vars if dataset[key].ndim >= 2]
        if len(fields) != 1:
            raise InputError(f"{path} holds {len(fields)} layers; the entry needs one file a layer for {name!r}.")
        layers[name] = dataset[fields[0]].rename(name)
    try:
        return xr.merge(layers.values(), join="exact", compat="equals", combine_attrs="drop_conflicts")
    except ValueError as error:
        raise InputError(f"The files of {', '.join(paths)} are not on one grid: {error}") from error


def open_table(
    path: str | Path, *, units: Mapping[str, str], meanings: Mapping[str, str], times: Sequence[str] = ()
) -> xr.Dataset:
    """Return a CSV file as a Dataset with the dimension ``row`` (``.to_dataframe()`` gives the table).

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    units, meanings : mapping of str to str
        Column -> its ``units`` and ``long_name``.
    times : sequence of str
        Columns that hold times (UTC).
    """
    import pandas as pd

    file = find_file(path)
    try:
        with file.open("rb") as stream:
            size = stream.seek(0, 2)
            if size > MAX_TABLE:
                raise InputError(f"{file} has {size} bytes; a table of at most {MAX_TABLE} is read. Cut it into parts.")
            stream.seek(0)
            # Not unpacked whatever its ending says: a small packed file may hold more than there is memory.
            table = pd.read_csv(stream, comment="#", parse_dates=list(times), compression=None)
    except MusyqError:
        raise
    except (ValueError, OSError) as error:
        raise InputError(f"{file} cannot be read as a table of comma-separated values: {error}") from error
    for column in times:
        table[column] = pd.to_datetime(table[column], utc=True).dt.tz_localize(None)
    dataset = table.rename_axis("row").to_xarray()
    for column, text in units.items():
        dataset[column].attrs["units"] = text
    for column, text in meanings.items():
        dataset[column].attrs["long_name"] = text
    return dataset


def find_file(path: str | Path) -> Path:
    """Return the one file a path or pattern names.

    Raises
    ------
    InputError
        If there is none, or several.
    """
    text = str(path)
    if is_remote(text):
        return _remote_file(text)
    found = sorted(glob(text)) if has_magic(text) else [text]  # noqa: PTH207  (the pattern may be absolute)
    files = [Path(name) for name in found if Path(name).exists()]
    if len(files) != 1:
        what = "does not exist" if not files else f"names {len(files)} files"
        raise InputError(f"{text} {what}. Give the path of one file.")
    if not files[0].is_file():  # a folder, or a device or pipe, which may never come to an end
        raise InputError(f"{text} is not a file. Give the path of one file.")
    return files[0]


def _remote_file(address: str) -> Path:
    file = place(address)
    if not file.exists():
        raise InputError(f"{address} does not exist. Give the address of one file.")
    return file


def check_files(pattern: str) -> None:
    """Refuse hostile HDF5 files among those a pattern names; of other kinds nothing is said.

    Parameters
    ----------
    pattern : str
        Path or pattern of this machine.

    Raises
    ------
    ArchiveError
        See :func:`musyq_lab.files.safety.check_hdf5`.
    """
    for name in sorted(glob(pattern)):  # noqa: PTH207  (the pattern may be absolute)
        file = find_file(name)
        with file.open("rb") as stream:
            classic = stream.read(3) == b"CDF"
        if not classic:  # HDF5 may begin anywhere in a file: what is not classic netCDF has to be it
            check_hdf5(file)


def simulated(folder: str | Path, part: str) -> Path:
    """Return a folder, or its part where it is one that ``musyq simulate`` made."""
    root = place(folder).expanduser()
    return root / part if (root / "simulation.json").is_file() else root


def choose_variables(dataset: xr.Dataset, variables: Sequence[str] | None, rename: Mapping[str, str]) -> xr.Dataset:
    """Return the variables asked for, under the names asked for."""
    missing = [name for name in (*(variables or ()), *rename) if name not in dataset.variables]
    if missing:
        has = ", ".join(map(str, dataset.data_vars))
        raise CatalogError(f"The file has no variable {missing[0]!r}. It has: {has}.")
    return (dataset[list(variables)] if variables else dataset).rename(dict(rename))


def _open_hdf(file: Path, chunks: Any, group: str | None) -> xr.Dataset:
    check_hdf5(file)
    source = file.open("rb") if is_remote(file) else file
    raw = xr.open_dataset(
        source, engine="h5netcdf", phony_dims="sort", decode_cf=False, chunks=chunks, group=group, cache=False
    )
    for variable in raw.variables.values():
        names = [name for name in variable.attrs if str(name).lower() in _FILL_NAMES]
        if names and "_FillValue" not in variable.attrs:
            variable.attrs["_FillValue"] = variable.attrs[names[0]]
    return xr.decode_cf(raw)


def _open_tiff(file: Path, chunks: Any) -> xr.Dataset:
    import rioxarray

    if is_remote(file):
        raise InputError(f"{file}: GeoTIFF files are read from this machine only. Fetch it and give its path.")
    # The driver is named: a .tif that is a VRT in disguise could name other files or addresses.
    opened = rioxarray.open_rasterio(file, driver="GTiff", masked=True, chunks=chunks, cache=False)
    if not isinstance(opened, xr.DataArray):
        raise InputError(f"{file} holds several grids, which this driver does not read.")
    name = str(opened.attrs.get("long_name") or file.stem)
    field = opened.squeeze("band", drop=True) if opened.sizes["band"] == 1 else opened
    return field.to_dataset(name=name)
