"""Legends of land cover, and how classes of one become those of another (``catalogs/land_cover/*.csv``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.core.resources import read_table

__all__ = ["class_attributes", "crosswalk", "legend", "legends"]

_FOLDER = "catalogs/land_cover"
_BY_WAY_OF = "igbp"
_NUMBERS = 256  # what one byte can hold


def _rows(name: str) -> list[dict[str, str]]:
    return read_table(f"{_FOLDER}/{name}.csv")


@lru_cache(maxsize=1)
def legends() -> Mapping[str, Mapping[int, str]]:
    """Return all legends: name -> (number -> name of the class)."""
    found: dict[str, dict[int, str]] = {}
    for row in _rows("legends"):
        found.setdefault(row["legend"], {})[int(row["number"])] = row["name"]
    return MappingProxyType({name: MappingProxyType(classes) for name, classes in found.items()})


def legend(name: str) -> Mapping[int, str]:
    """Return the classes of a legend, number -> name.

    Parameters
    ----------
    name : str
        ``igbp``, ``umd``, ``ipcc``, ``lai_biomes`` or ``lccs``.

    Raises
    ------
    NotFoundError
        If there is no such legend.
    """
    known = legends()
    if name not in known:
        raise NotFoundError(f"There is no legend {name!r}.{closest(name, known)}")
    return known[name]


@lru_cache(maxsize=1)
def _steps() -> Mapping[tuple[str, str], Mapping[int, int]]:
    found: dict[tuple[str, str], dict[int, int]] = {}
    for row in _rows("crosswalk"):
        found.setdefault((row["from"], row["to"]), {})[int(row["number"])] = int(row["becomes"])
    return MappingProxyType({pair: MappingProxyType(step) for pair, step in found.items()})


def class_attributes(classes: Mapping[int, str]) -> dict[str, Any]:
    """Return CF's ``flag_values`` and ``flag_meanings`` of some classes."""
    words = (re.sub(r"[^\w.+@-]+", "_", name) for name in classes.values())
    return {"flag_values": np.array(list(classes), np.uint8), "flag_meanings": " ".join(words)}


def _table(source: str, target: str) -> NDArray[np.float64]:
    """Return what each number becomes, NaN for what is no class of the source."""
    known, steps = legend(source), _steps()
    legend(target)
    if source == target:
        route: list[Mapping[int, int]] = [{number: number for number in known}]
    elif (source, target) in steps:
        route = [steps[source, target]]
    elif (source, _BY_WAY_OF) in steps and (_BY_WAY_OF, target) in steps:
        route = [steps[source, _BY_WAY_OF], steps[_BY_WAY_OF, target]]
    else:
        ways = sorted({f"{a} to {b}" for a, b in steps})
        raise InputError(f"There is no way from {source} to {target}; there is {', '.join(ways)}.")
    row = np.full(_NUMBERS + 1, np.nan)
    for number in known:
        value = number
        for step in route:
            value = step[value]
        row[number] = value
    return row


def crosswalk(land_cover: xr.DataArray, source: str, target: str) -> xr.DataArray:
    """Translate a map of land cover into another legend.

    Parameters
    ----------
    land_cover : xarray.DataArray
        Class numbers of the legend ``source``; numpy or dask.
    source, target : str
        Names of legends: ``igbp``, ``umd``, ``ipcc``, ``lai_biomes``, ``lccs`` (the numbers of ESA CCI maps).

    Returns
    -------
    xarray.DataArray
        Class numbers of ``target`` with their names as CF flags; NaN for what is no class of ``source``. float32.

    Raises
    ------
    NotFoundError
        If there is no such legend.
    InputError
        If one cannot be made of the other: six categories do not tell seventeen classes.
    """
    row = _table(source, target).astype(np.float32)

    def translate(values: NDArray[Any]) -> NDArray[np.float32]:
        with np.errstate(invalid="ignore"):
            known = (values >= 0) & (values < _NUMBERS) & (values == np.floor(values))
        return np.asarray(row[np.where(known, values, _NUMBERS).astype(np.intp)])

    made: xr.DataArray = xr.apply_ufunc(
        translate, land_cover, dask="parallelized", output_dtypes=[np.float32], keep_attrs=False
    )
    attrs = {"long_name": f"land cover, legend {target}", "units": "1", **class_attributes(legend(target))}
    return made.rename("land_cover").assign_attrs(attrs)
