"""Small data that several tests of the explorer look at."""

from pathlib import Path

import numpy as np
import xarray as xr

from musyq_lab.archive.write import write_product
from musyq_lab.core.quality import COMMON_FLAGS, flag_attributes
from musyq_lab.core.spec import Product, Variable

SPEC = Product(
    "vi",
    "A series",
    (Variable("ndvi", "index", "1", "", (-0.2, 1.0), "int16", 1e-4),),
    (),
)
DIMS = ("latitude", "longitude")
PERIODS = ("2019001", "2019006", "2019011")


def axes(rows: int, columns: int) -> dict[str, np.ndarray]:
    return {"latitude": 40 - 0.5 * np.arange(rows), "longitude": 100 + 0.5 * np.arange(columns)}


def layered(rows: int = 6, columns: int = 8) -> xr.Dataset:
    """A map in three steps: values that tell step, row and column; one flagged cell; sigma that grows eastward."""
    steps = np.arange(3.0)[:, None, None] * 100
    values = steps + 10 * np.arange(rows)[:, None] + np.arange(columns) + 1
    qa = np.zeros(values.shape, "uint16")
    qa[:, 1:2, 2:3] = 16
    sigma = values * np.linspace(0, 1.2, columns)
    dims = ("time", *DIMS)
    times = np.array(["2019-01-01", "2019-01-06", "2019-01-11"], "datetime64[ns]")
    layers = {
        "a": (dims, values, {"units": "W m-2", "long_name": "a field"}),
        "a_uncertainty": (dims, sigma, {"units": "W m-2"}),
        "a_qa": (dims, qa, flag_attributes(COMMON_FLAGS)),
    }
    return xr.Dataset(layers, {"time": times, **axes(rows, columns)}, {"title": "Layered"})


def product_files(folder: Path, *, overviews: bool = True, size: int = 160) -> Path:
    """Three files of one product with the layers that tell their making; two granules, the second in the west only."""
    coords = axes(size, size)
    west = (np.arange(size) < size // 2)[None, :] * np.ones((size, 1), bool)
    for step, period in enumerate(PERIODS):
        values = 0.1 + 0.2 * step + 0.001 * np.arange(size)[:, None] * np.ones(size)
        layers = {
            "ndvi": (DIMS, values, {"units": "1"}),
            "n_obs": (DIMS, np.where(west, 2, 1).astype("uint8")),
            "sensor_share": (("sensor", *DIMS), np.stack([np.where(west, 0.75, 1.0), np.where(west, 0.25, 0.0)])),
            "lineage": (("word", *DIMS), np.where(west, 3, 1).astype("uint32")[None]),
        }
        names = {"sensor": ["MODIS", "VIIRS"], "granule": [f"MOD.{period}", f"VNP.{period}"]}
        data = xr.Dataset(layers, {**coords, **names})
        write_product(data, folder, spec=SPEC, edition="1km", tile="box", period=period, overviews=overviews)
    return folder


def projected(rows: int = 40, columns: int = 30, **layers: np.ndarray) -> xr.Dataset:
    """A raster of 30 m in UTM zone 50 north with its coordinate system."""
    from pyproj import CRS

    values = layers or {"a": np.arange(float(rows * columns)).reshape(rows, columns)}
    coords = {
        "y": 4_470_000.0 - 30 * np.arange(rows),
        "x": 500_000.0 + 30 * np.arange(columns),
        "spatial_ref": ((), 0, {"crs_wkt": CRS.from_epsg(32650).to_wkt()}),
    }
    return xr.Dataset({name: (("y", "x"), array, {"units": "1"}) for name, array in values.items()}, coords)
