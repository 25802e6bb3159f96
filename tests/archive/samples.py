"""A small product of our own and data for it, shared by the archive's tests."""

from __future__ import annotations

import numpy as np
import xarray as xr

from musyq_lab.core.grid import GeoGrid
from musyq_lab.core.quality import Flag
from musyq_lab.core.spec import Product, Variable

SPEC = Product(
    "demo",
    "Demonstration",
    (
        Variable("flux", "mean flux", "W m-2", "surface_downwelling_shortwave_flux_in_air", (0, 600), "int16", 0.02),
        Variable("cover", "share of cover", "1", "", (0, 1), "uint8", 0.004, fill=255),
        Variable("ratio", "a ratio", "1", "", (-2, 2), "float32"),
        Variable("kind", "class", "1", "", (0, 16), "uint8", fill=255),
        Variable("free", "without a range", "K", dtype="int16", scale=0.01, offset=273.15),
    ),
    (),
    flags=(Flag(8, "own_bit", "a bit of its own"),),
)
NAME = {"edition": "0p25deg", "period": "2015001"}


def dataset(rows: int = 40, columns: int = 60, months: int = 12, seed: int = 1) -> xr.Dataset:
    """Monthly flux with uncertainty and quality, a fifth of it missing, around 100 E 40 N."""
    grid = GeoGrid("0p25deg", 4, 160, 1100, rows, columns) if rows < 500 else GeoGrid("0p25deg", 4)
    random = np.random.default_rng(seed)
    shape, dims = (months, *grid.shape), ("month", "latitude", "longitude")
    flux = random.uniform(0, 600, shape)
    missing = random.random(shape) < 0.2
    flux[missing] = np.nan
    qa = np.where(missing, 1, random.choice([0, 256], shape)).astype(np.uint16)
    return xr.Dataset(
        {
            "flux": (dims, flux, {"units": "W m-2", "comment": "made up"}),
            "flux_uncertainty": (dims, flux * 0.05),
            "demo_qa": (dims, qa),
        },
        {"month": np.arange(1, months + 1), "latitude": grid.latitude, "longitude": grid.longitude},
        {"product": "demo", "history": "made by a test", "title": "A title of its own"},
    )


def one(name: str, values: object, units: str = "1") -> xr.Dataset:
    """A Dataset with a single layer of values on a grid of 0.25 degree at the equator."""
    array = np.asarray(values)
    grid = GeoGrid("0p25deg", 4, 360, 720, *array.shape)
    coords = {"latitude": grid.latitude, "longitude": grid.longitude}
    return xr.Dataset({name: (("latitude", "longitude"), array, {"units": units})}, coords)
