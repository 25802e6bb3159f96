"""Write netCDF-4 files whose bytes depend on the data alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

COMPRESSION = {"zlib": True, "complevel": 9, "shuffle": True}


def axis(first: float, step: float, count: int) -> np.ndarray:
    """Return evenly spaced cell centres, rounded so that 0.1 + 0.2 stays 0.3."""
    return np.round(first + step * np.arange(count), 6)


def grid_coordinates(latitude: np.ndarray, longitude: np.ndarray) -> dict[str, tuple[str, np.ndarray, dict[str, str]]]:
    """Return CF latitude (north to south) and longitude (west to east) of cell centres.

    Parameters
    ----------
    latitude : ndarray
        Cell centres, descending.
    longitude : ndarray
        Cell centres, ascending, -180 to 180.

    Returns
    -------
    dict
        Coordinates as `xarray.Dataset` takes them.
    """
    names = {"latitude": ("degrees_north", "Y"), "longitude": ("degrees_east", "X")}
    values = {"latitude": latitude, "longitude": longitude}
    return {
        name: (
            name,
            values[name],
            {"standard_name": name, "long_name": f"{name} of the cell centre", "units": u, "axis": a},
        )
        for name, (u, a) in names.items()
    }


def crs() -> xr.DataArray:
    """Return the grid mapping variable: geographic coordinates on WGS 84."""
    attributes = {
        "grid_mapping_name": "latitude_longitude",
        "long_name": "coordinate reference system: WGS 84 geographic (EPSG:4326)",
        "semi_major_axis": 6378137.0,
        "inverse_flattening": 298.257223563,
        "longitude_of_prime_meridian": 0.0,
        "epsg_code": "EPSG:4326",
    }
    return xr.DataArray(np.int32(0), attrs=attributes)


def packed(scale: float, dtype: str = "int16", fill: int = -32768) -> dict[str, Any]:
    """Return the encoding of a float variable packed into integers."""
    return {"dtype": dtype, "scale_factor": scale, "_FillValue": np.array(fill, dtype=dtype)[()]}


def write(dataset: xr.Dataset, path: Path, encoding: dict[str, dict[str, Any]], chunks: tuple[int, int]) -> None:
    """Write a Dataset with gzip and shuffle, chunked on its last two dimensions.

    Parameters
    ----------
    dataset : Dataset
        Data with all attributes set; nothing that depends on the clock is added.
    path : Path
        Target file.
    encoding : dict
        Encoding of each data variable; without ``_FillValue`` none is written.
    chunks : tuple of int
        Chunk shape of the last two dimensions.
    """
    dataset = dataset.assign_attrs({"Conventions": "CF-1.11", **dataset.attrs})
    complete: dict[str, dict[str, Any]] = {str(name): {"_FillValue": None} for name in dataset.variables}
    for name, choice in encoding.items():
        shape = dataset[name].shape
        chunk = (*shape[:-2], *(min(c, s) for c, s in zip(chunks, shape[-2:], strict=True)))
        complete[name] |= {**COMPRESSION, "chunksizes": chunk, **choice}
    path.unlink(missing_ok=True)
    dataset.to_netcdf(path, engine="h5netcdf", encoding=complete)
