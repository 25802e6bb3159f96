"""Two algorithms and a few layers for the mechanics of a production: no granules, a task takes hundredths of a second.

``glow`` is made of two layers in stock, ``glimmer`` of glow and one of them; each period has a file of each. The
functions do what the environment asks of them, so that workers in other processes do it too.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import xarray as xr

from musyq_lab.archive.naming import FileName
from musyq_lab.archive.write import write_product
from musyq_lab.catalog.stock import LayerFile, Stock
from musyq_lab.core.grid import grid as grid_of
from musyq_lab.core.period import pentads_of, whole_period
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.products._registry import PRODUCTS, RETRIEVALS
from musyq_lab.products._retrieval import retrieval

AIR = Variable("air_temperature", "air temperature", "K", valid_range=(180, 335), dtype="float32", uncertain=False)
WIND = Variable("wind_speed", "wind speed", "m s-1", valid_range=(0, 75), dtype="float32", uncertain=False)
WEATHER = Product("weather", "Weather", (AIR, WIND), ())
GLOW = Product(
    "glow",
    "Glow",
    (Variable("ndvi", "glow", "1", valid_range=(-1, 1), dtype="float32"),),
    (Input("air_temperature", uncertainty=(0.5, 0.0)), Input("wind_speed", uncertainty=(0.2, 0.0))),
)
GLIMMER = Product(
    "glimmer",
    "Glimmer",
    (Variable("glimmer", "glimmer", "1", valid_range=(-50, 50), dtype="float32"),),
    (Input("ndvi", source="product:glow"), Input("wind_speed", uncertainty=(0.2, 0.0))),
)
KEYS = ("glow", "glimmer")
PERIOD = "2019-07"


def _behave(name: str) -> None:
    """Do what a test asks for: be slow, raise, or take the process along."""
    time.sleep(float(os.environ.get("OWN_WORLD_SLOW", "0")))
    wish = os.environ.get(f"OWN_WORLD_{name.upper()}", "")
    if wish == "raise":
        raise ValueError(f"{name} cannot do it")
    if wish == "exit":
        os._exit(3)


@retrieval(GLOW)
def glow(*, air_temperature, wind_speed, gain=1.0):
    _behave("glow")
    return gain * air_temperature / 400.0 - wind_speed / 1000.0


@retrieval(GLIMMER)
def glimmer(*, ndvi, wind_speed):
    _behave("glimmer")
    return wind_speed * ndvi


OWN = {"glow": glow, "glimmer": glimmer}


def register() -> None:
    """Put the algorithms into the registries again, where a test has emptied them."""
    for key, made in OWN.items():
        PRODUCTS.add(key, made.spec)
        RETRIEVALS.add(key, made)


def layers(folder: Path, period: str = PERIOD, *, size: int = 12, chunks: int | None = None) -> Stock:
    """Write weather for each period, and return it as a stock."""
    files = []
    for index, each in enumerate(pentads_of(whole_period(period))):
        random = np.random.default_rng(index)
        grid = grid_of("1km").window(100.0, 39.0, 100.0 + size / 100, 39.0 + size / 100)
        shape, dims = grid.shape, ("latitude", "longitude")
        ds = xr.Dataset(
            {
                "air_temperature": (dims, random.uniform(250, 310, shape).astype("f4"), {"units": "K"}),
                "wind_speed": (dims, random.uniform(0, 20, shape).astype("f4"), {"units": "m s-1"}),
            },
            {"latitude": grid.latitude, "longitude": grid.longitude},
            {"product": "weather"},
        )
        ds = ds if chunks is None else ds.chunk(latitude=chunks)
        path = write_product(ds, folder, spec=WEATHER, edition="1km", tile="here", period=each.label)
        files.append(layer_file(path, each))
    return Stock(layers=tuple(files))


def layer_file(path: Path, period) -> LayerFile:
    name = FileName("weather", "1km", "here", period.label, "v1")
    return LayerFile(name, period, ("air_temperature", "wind_speed"), str(path))
