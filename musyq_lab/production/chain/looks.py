"""Products of the looks of a period, each with its own directions: kernels of directional reflectance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import xarray as xr

from musyq_lab.composite import weight
from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import QA_DTYPE
from musyq_lab.core.spec import Product
from musyq_lab.production.chain import _kept
from musyq_lab.production.chain.reading import dated
from musyq_lab.production.chain.task import Task
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.sensors._time import instant
from musyq_lab.standard import layout

ANGLES = ("sun_zenith", "view_zenith", "relative_azimuth")
REFLECTANCE = ("reflectance", *(name for name in layout.UNCERTAINTIES if name.startswith("reflectance")))

Made = tuple[xr.Dataset, Product | None]


def of_looks(task: Task, needs: Mapping[str, Path]) -> Made:
    """Retrieve a product from all clear looks, each with its own directions."""
    retrieval = RETRIEVALS[task.product]
    found = [_look(scene) for scene in _scenes(needs)]
    if not found:
        raise InputError(f"{task.product}: not one granule of {task.period.label} could be used.")
    looks = [each.drop_attrs() for each in found]
    whole = xr.concat(looks, dim="time", join="outer", data_vars="all", coords="minimal", compat="override")
    whole = whole.sortby("time").chunk({"time": -1})
    first = found[0]
    for name in whole.data_vars:
        whole[name].attrs = first[name].attrs if name in first else {"units": "1"}
    whole.attrs = _common([each.attrs for each in found])
    made = retrieval(whole, **dict(task.options))
    return made.assign_attrs(period=task.period.label, looks=len(looks)), retrieval.spec


def _scenes(needs: Mapping[str, Path]) -> Iterator[xr.Dataset]:
    """Yield the scenes among what a task needs that were not set aside, in order of their keys."""
    for key, path in sorted(needs.items()):
        record = _kept.read(path) if key.startswith("scene.") else None
        if record and record.sha256:
            yield _kept.opened(path)


def _common(attrs: list[Mapping[str, Any]]) -> dict[str, Any]:
    kept = ("reference_sensor", "reference_platform", "reflectance_level")
    return {name: attrs[0][name] for name in kept if all(a.get(name) == attrs[0].get(name) is not None for a in attrs)}


def _clear(scene: xr.Dataset) -> xr.DataArray:
    """Return where a look shows the ground: the rule of composites."""
    factors = weight.table()
    bits = weight.quality(scene).fillna(0).astype(QA_DTYPE)
    clear: xr.DataArray = xr.apply_ufunc(
        lambda b: factors[b] > 0, bits.drop_attrs(), dask="parallelized", output_dtypes=[bool]
    )
    return clear


def _when(scene: xr.Dataset) -> datetime:
    return instant(str(scene.attrs["time_coverage_start"]))


def _look(scene: xr.Dataset) -> xr.Dataset:
    """Return the clear reflectance and the directions of a scene as one date."""
    clear = _clear(scene)
    named: dict[str, xr.DataArray] = {name: scene[name].where(clear) for name in REFLECTANCE if name in scene}
    named |= {name: scene[name] for name in ANGLES if name in scene}
    if "relative_azimuth" not in named:
        between = layout.between_azimuths(scene["sun_azimuth"], scene["view_azimuth"])
        named["relative_azimuth"] = between.assign_attrs(units="degree")
    look = xr.Dataset(named, attrs=scene.attrs)
    plane = set(layout.plane_of(scene))
    look = look.drop_vars([n for n, c in look.coords.items() if c.ndim and n not in plane | {"band"}])
    return dated(look, _when(scene))
