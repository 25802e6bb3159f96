"""Catalogs of simulated folders: ``catalogs/demo.yml`` for any of them, ``catalog.yml`` inside each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from musyq_lab.archive.draft import publish, write_text
from musyq_lab.core.spec import Product
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.twin import ancillary, truth

HERE = "{{ CATALOG_DIR }}"
ANY = "{{ root }}"
"""The folder as a parameter of the entry."""

ORIGIN = "simulated by MuSyQ Lab"

_ROOT = {"type": "folder", "default": "", "description": "folder that `musyq simulate` made"}
_GRANULE = {"type": "word", "default": "", "description": "name of one of several granules"}
_CALIBRATION = {
    "type": "str",
    "default": "reflectance",
    "allowed": ["reflectance", "radiance", "counts"],
    "description": "what the bands hold",
}


def catalog(sensors: Sequence[str], *, fixed: bool, three_hourly: bool = False) -> dict[str, Any]:
    """Return a catalog of granules, truth and ancillary data.

    Parameters
    ----------
    sensors
        Keys of the sensors.
    fixed
        Whether it lies in the folder it speaks of; else the folder is a parameter ``root``.
    three_hourly
        Whether there are products of three hours.
    """
    products = [(product, "truth") for product in (*truth.PRODUCTS, *(truth.ENERGY_3H,) * three_hourly)]
    products += [(product, "ancillary") for product in (*ancillary.PRODUCTS, *(ancillary.WEATHER_3H,) * three_hourly)]
    granules = {sensor: _granules(sensor, fixed) for sensor in sensors}
    return {
        "version": 1,
        "name": "demo",
        "description": "Simulated Earth: granules in the sensors' own files, truth, ancillary data (`musyq simulate`)",
        "metadata": {"title": "Simulated Earth", "keywords": ["demo", "simulated", "truth", "ancillary"]},
        "sources": granules | {product.key: _products(product, kind, fixed) for product, kind in products},
    }


def write(folder: Path, sensors: Sequence[str], *, three_hourly: bool = False) -> Path:
    """Write ``catalog.yml`` into a simulated folder and return its path."""
    target = folder / "catalog.yml"
    publish({write_text(target, text(catalog(sensors, fixed=True, three_hourly=three_hourly))): target})
    return target


def text(content: dict[str, Any]) -> str:
    """Return a catalog as YAML."""
    plain = json.loads(json.dumps(content))  # without shared objects, which YAML would write as aliases
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)


def _granules(sensor: str, fixed: bool) -> dict[str, Any]:
    spec = SENSORS[sensor]
    return {
        "driver": "musyq_scene",
        "description": f"Simulated granules of {spec.title}",
        "parameters": ({} if fixed else {"root": _ROOT}) | {"granule": _GRANULE, "calibration": _CALIBRATION},
        "args": {
            "sensor": sensor,
            "root": f"{HERE}/granules/{sensor}" if fixed else ANY,
            "granule": "{{ granule }}",
            "calibration": "{{ calibration }}",
        },
        "metadata": {
            "title": spec.title,
            "keywords": ["simulated", "granule", sensor, *spec.platforms],
            "variables": list(dict.fromkeys(band.name for band in spec.bands_of())),
            "resolution": ", ".join(f"{r:g} m" for r in spec.resolutions),
            "origin": ORIGIN,
        },
    }


def _products(product: Product, kind: str, fixed: bool) -> dict[str, Any]:
    return {
        "driver": "musyq_product",
        "description": product.title,
        "parameters": {} if fixed else {"root": _ROOT},
        "args": {"urlpath": f"{HERE}/{kind}" if fixed else ANY, "product": product.key},
        "metadata": {
            "title": product.title,
            "keywords": ["simulated", kind],
            "variables": [variable.name for variable in product.variables],
            "product": product.key,
            "origin": ORIGIN,
        },
    }
