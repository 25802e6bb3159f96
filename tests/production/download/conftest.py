"""Small products on every kind of map, and a home of one's own for registrations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from archive.samples import SPEC, dataset

from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.core.grid import GRIDS
from musyq_lab.production.download import registration

PERIODS = ("2015176", "2015181", "2015186", "2015191", "2015216", "2015221")


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """A registered person whose folder is gone after the test."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv(registration.HOME_VARIABLE, str(folder))
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    registration.register("Zhang San", "Institute", "zhang@example.org", "a test")
    return folder


def series(folder: Path, rows: int = 30, columns: int = 44, periods: tuple[str, ...] = PERIODS) -> xr.Dataset:
    """Product files of several periods, opened as a cube of values on the steps of their packing."""
    for number, period in enumerate(periods):
        ds = dataset(rows, columns, months=1, seed=number + 1).isel(month=0, drop=True)
        write_product(ds, folder, spec=SPEC, edition="0p25deg", period=period)
    return open_product(folder)


@pytest.fixture
def cube(tmp_path):
    """Six periods of flux with uncertainty and quality, 30 x 44 cells around 100 E 45 N."""
    return series(tmp_path / "archive")


def globe(every: int = 8) -> xr.Dataset:
    """A globe of 2-degree cells whose value tells the cell, longitudes from -180."""
    grid = GRIDS["0p25deg"]
    latitude, longitude = (a.reshape(-1, every).mean(axis=1) for a in (grid.latitude, grid.longitude))
    value = np.arange(latitude.size * longitude.size, dtype=np.float32).reshape(latitude.size, longitude.size)
    coords = {"latitude": latitude, "longitude": longitude}
    return xr.Dataset({"value": (("latitude", "longitude"), value, {"units": "1"})}, coords)


def utm(rows: int = 40, columns: int = 50, zone: int = 50, step: float = 300.0) -> xr.Dataset:
    """A map on UTM around 117 E 40 N with value, uncertainty and quality bits."""
    from pyproj import CRS

    x = 480_000 + step * (np.arange(columns) + 0.5)
    y = 4_440_000 - step * (np.arange(rows) + 0.5)
    random = np.random.default_rng(3)
    value = random.integers(0, 1000, (rows, columns)).astype(np.float32) / np.float32(100)
    qa = random.choice([0, 256], value.shape).astype(np.uint16)
    flags = {"flag_masks": np.array([1, 256], np.uint16), "flag_meanings": "input_missing own_bit"}
    dims = ("y", "x")
    return xr.Dataset(
        {
            "value": (dims, value, {"units": "W m-2", "long_name": "a value"}),
            "value_uncertainty": (dims, value / np.float32(8), {"units": "W m-2"}),
            "quality": (dims, qa, flags),
        },
        {"x": x, "y": y, "spatial_ref": ((), 0, CRS.from_epsg(32600 + zone).to_cf())},
        {"title": "A map", "licence": "CC-BY-4.0", "citation": "Somebody 2020"},
    ).chunk(y=16, x=20)
