"""Fields of a metric grid on longitude and latitude, which regions, totals and maps are made on."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError

FEWEST_CELLS = 2
"""Rows and columns that tell how large a cell is."""


def geographic(ds: xr.Dataset) -> xr.Dataset:
    """Return fields of a metric grid (y, x) on longitude and latitude, each cell that of the nearest centre.

    Cells keep about their size, so that the area of each class stays to about one cell in the edge of the grid; values
    are not averaged. A grid of longitude and latitude is returned as it is, north up.

    Raises
    ------
    InputError
        If the grid is neither, or does not say its coordinate reference system.
    """
    if {"latitude", "longitude"} <= set(ds.dims):
        return ds.sortby("latitude", ascending=False) if ds["latitude"][0] < ds["latitude"][-1] else ds
    mapping = next((str(name) for name, field in ds.coords.items() if "crs_wkt" in field.attrs), "")
    if not {"y", "x"} <= set(ds.dims) or not mapping:
        raise InputError(f"The fields have the dims {tuple(map(str, ds.dims))}; latitude and longitude are needed, or "
                         "y, x and the grid mapping (crs_wkt) as a coordinate.")  # fmt: skip
    import pyproj

    crs = pyproj.CRS(ds[mapping].attrs["crs_wkt"])
    to_plane = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    latitude, longitude = _axes(ds, to_plane)
    x, y = to_plane.transform(*np.meshgrid(longitude, latitude))
    index = {axis: _nearest(ds[axis].values, place) for axis, place in (("y", y), ("x", x))}
    inside = xr.DataArray((index["y"] >= 0) & (index["x"] >= 0), dims=("latitude", "longitude"))
    picked = ds.drop_vars([mapping, "y", "x"]).isel(
        {axis: xr.DataArray(np.maximum(number, 0), dims=("latitude", "longitude")) for axis, number in index.items()}
    )
    kept = {name: field.where(inside) if field.dims[-1:] == ("longitude",) else field for name, field in picked.items()}
    out = xr.Dataset(kept, attrs=ds.attrs).assign_coords(latitude=latitude, longitude=longitude)
    out["latitude"].attrs, out["longitude"].attrs = {"units": "degrees_north"}, {"units": "degrees_east"}
    return out


def _axes(ds: xr.Dataset, to_plane: Any) -> tuple[Any, Any]:
    """Return latitudes and longitudes that cover the inside of a metric grid with cells of about its size."""
    x, y = ds["x"].values.astype(float), ds["y"].values.astype(float)
    if min(x.size, y.size) < FEWEST_CELLS:
        raise InputError(
            f"The grid has {y.size} x {x.size} cells; at least {FEWEST_CELLS} x {FEWEST_CELLS} are needed."
        )
    half = abs(x[1] - x[0]) / 2
    rim_x, rim_y = np.linspace(x.min() - half, x.max() + half, 33), np.linspace(y.min() - half, y.max() + half, 33)
    inverse = {"direction": "INVERSE"}
    west = max(to_plane.transform(np.full(33, rim_x[0]), rim_y, **inverse)[0])
    east = min(to_plane.transform(np.full(33, rim_x[-1]), rim_y, **inverse)[0])
    south = max(to_plane.transform(rim_x, np.full(33, rim_y[0]), **inverse)[1])
    north = min(to_plane.transform(rim_x, np.full(33, rim_y[-1]), **inverse)[1])
    rows, columns = y.size, x.size
    latitude = north - (np.arange(rows) + 0.5) * (north - south) / rows
    longitude = west + (np.arange(columns) + 0.5) * (east - west) / columns
    return latitude, longitude


def _nearest(centres: Any, places: Any) -> Any:
    """Return the number of the cell around each place along one axis, -1 outside."""
    step = (centres[-1] - centres[0]) / (centres.size - 1)
    number = np.floor((places - centres[0]) / step + 0.5).astype(np.int64)
    return np.where((number >= 0) & (number < centres.size), number, -1)
