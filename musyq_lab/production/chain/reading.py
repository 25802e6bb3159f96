"""Reading what a task's files hold, as inputs of a retrieval: names, one sigma, and what they say of themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import numpy as np
import xarray as xr

from musyq_lab.archive.naming import parse
from musyq_lab.archive.open import open_product
from musyq_lab.catalog.stock import period_of_label
from musyq_lab.core.errors import ArchiveError
from musyq_lab.core.period import Period
from musyq_lab.core.quality import QA_DTYPE, SCENE_FLAG, SCENE_FLAGS, flag_attributes
from musyq_lab.core.spec import Product
from musyq_lab.production.chain.task import Read, Task
from musyq_lab.products._inputs import PRODUCT_OF
from musyq_lab.products._resolve import parts
from musyq_lab.standard.fields import on_grid

CLASSES = frozenset({"land_cover", "climate_class"})
"""Layers that hold classes."""
QA = "qa"
"""Layer in which a retrieval is told what its inputs say of a pixel."""

_KEPT = ("reference_sensor", "reference_platform", "reflectance_level", "history")
_SAID = MappingProxyType(
    {
        "scene_cloud": "cloud_possible",
        "snow": "snow_ice",
        "scene_snow": "snow_ice",
        "doubtful": "low_quality",
        "scene_doubtful": "low_quality",
    }
)
"""Quality flag of a file -> that of a scene which tells a retrieval the same."""


def merged(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return datasets on one grid as one; what they say of a pixel (``qa``) is what any of them says.

    Parameters
    ----------
    parts : sequence of Dataset
        On the same cells; of a variable that several have the first is taken.
    """
    said = [part[QA] for part in parts if QA in part]
    rest = [part.drop_vars(QA, errors="ignore") for part in parts]
    whole = xr.merge(rest, join="exact", compat="override", combine_attrs="drop_conflicts")
    if said:
        bits = said[0]
        for other in said[1:]:
            bits = bits | other.drop_vars([c for c in other.coords if c not in other.dims])
        whole[QA] = bits.assign_attrs(said[0].attrs)
    return whole


def from_product(path: Path, spec: Product) -> xr.Dataset:
    """Return the inputs that a product file holds, under the names the retrieval gives them.

    Parameters
    ----------
    path : Path
        File of the production.
    spec : Product
        What is to be retrieved.

    Returns
    -------
    Dataset
        Inputs, their one sigma, and ``qa`` where the file has quality bits that a scene could have.
    """
    ds = open_product(path)
    key = str(ds.attrs["product"])
    names: dict[str, str] = {}
    for item in spec.inputs:
        maker, variable = parts(item)
        own = variable if maker == key else item.name
        if own in ds:
            names[own] = item.name
            if f"{own}_uncertainty" in ds:
                names[f"{own}_uncertainty"] = item.uncertainty_name
    if key in ds and not names:  # the product calls it by its own name (par for downward_par)
        wanted = next((i for i in spec.inputs if PRODUCT_OF.get(i.name) == key), None)
        names = {key: wanted.name, f"{key}_uncertainty": wanted.uncertainty_name} if wanted else {}
        names = {own: name for own, name in names.items() if own in ds}
    made = ds[list(names)].rename(names)[list(names.values())]
    said = scene_bits(ds.get(f"{key}_qa"))
    made = made if said is None else made.assign({QA: said})
    return made.assign_attrs({k: v for k, v in ds.attrs.items() if k in _KEPT})


def scene_bits(qa: xr.DataArray | None) -> xr.DataArray | None:
    """Return the bits of a scene that a product's quality layer amounts to, None where it has none such."""
    if qa is None or qa.dtype.kind not in "iu":
        return None
    meanings = str(qa.attrs.get("flag_meanings", "")).split()
    masks = dict(zip(meanings, np.atleast_1d(qa.attrs.get("flag_masks", [])).tolist(), strict=False))
    told = {name: mask for name, mask in masks.items() if name in _SAID}
    if not told:
        return None
    bare = qa.drop_attrs(deep=False)
    bits = xr.zeros_like(bare, dtype=QA_DTYPE)
    for name, mask in told.items():
        bits = bits | ((bare & mask) > 0).astype(QA_DTYPE) * QA_DTYPE.type(SCENE_FLAG[_SAID[name]].mask)
    return bits.assign_attrs(units="1", **flag_attributes(SCENE_FLAGS))


def layers(read: Read, task: Task) -> xr.Dataset:
    """Return layers in stock, with their one sigma, on the grid of the task.

    Raises
    ------
    ArchiveError
        If the file has changed since the plan was made.
    """
    ds = open_product(read.path)
    names = [n for name in read.role.split() for n in (name, f"{name}_uncertainty") if n in ds]
    if missing := [name for name in read.role.split() if name not in ds]:
        raise ArchiveError(f"{read.name} no longer holds {missing[0]!r}; it did when the plan was made. Plan again.")
    classes = [name for name in names if name in CLASSES]
    made = on_grid(ds[names], task.tile.grid, classes=classes)
    return made.drop_attrs(deep=False)


def averaged(parts: Sequence[tuple[Read, xr.Dataset]], period: Period) -> list[xr.Dataset]:
    """Return layers of which several files hold a part of a period as their mean.

    Parameters
    ----------
    parts : sequence of (Read, Dataset)
        Layers on one grid, of any times.
    period : Period
        What the mean is of: each file counts by how much of it lies within.
    """
    groups: dict[frozenset[str], list[tuple[float, xr.Dataset]]] = {}
    for read, ds in parts:
        groups.setdefault(frozenset(map(str, ds.data_vars)), []).append((_overlap(read.name, period), ds))
    return [_mean(group) if len(group) > 1 else group[0][1] for group in groups.values()]


def _overlap(name: str, period: Period) -> float:
    """Return how many days of a period a file holds for: all of it where its name says no time."""
    parsed = parse(name)
    own = period_of_label(parsed) if parsed else None
    own = own or period
    common: timedelta = min(own.end, period.end) - max(own.start, period.start)
    return max(common.total_seconds(), 0.0) / 86400.0


def _mean(group: Sequence[tuple[float, xr.Dataset]]) -> xr.Dataset:
    """Return the mean by time of layers, of classes the longest; NaN where the longest part of a period has no value.

    One sigma is averaged as well: errors of weather do not average out within days.
    """
    longest = max(group, key=lambda part: part[0])[1]
    made: Mapping[str, xr.DataArray] = {str(n): longest[n] for n in longest.data_vars if n in CLASSES}
    rest = [str(n) for n in longest.data_vars if n not in CLASSES]
    total = longest[rest] * np.float32(0.0)
    weight = xr.zeros_like(longest[rest])
    for days, ds in group:
        there = ds[rest].notnull()
        total = total + ds[rest].where(there, 0.0) * np.float32(days)
        weight = weight + there * np.float32(days)
    mean = total / weight.where(weight > 0)
    mean = mean.assign({name: mean[name].assign_attrs(longest[name].attrs) for name in rest})
    return mean.assign(made)


def dated(ds: xr.Dataset, when: datetime) -> xr.Dataset:
    """Return layers as one date of a series."""
    return ds.expand_dims(time=[np.datetime64(when, "ns")])
