"""Synthetic fields for the tests of figures."""

import numpy as np
import xarray as xr


def make_field(cells_per_degree=1, value=None):
    rows, columns = 180 * cells_per_degree, 360 * cells_per_degree
    step = 1 / cells_per_degree
    latitude = 90 - step / 2 - step * np.arange(rows)
    longitude = -180 + step / 2 + step * np.arange(columns)
    lat, lon = np.meshgrid(latitude, longitude, indexing="ij")
    values = (
        900 + 1500 * np.cos(np.radians(lat)) + 40 * np.sin(np.radians(3 * lon)) if value is None else value(lat, lon)
    )
    coords = {"latitude": latitude, "longitude": longitude}
    attrs = {"units": "kWh m-2 a-1"}
    return xr.DataArray(values, dims=("latitude", "longitude"), coords=coords, name="dsr", attrs=attrs)
