"""Products of the looks of a period, scene by scene: kernels of directional reflectance, and surface temperature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import reduce
from operator import add, or_
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.composite import weight
from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import INPUT_MISSING, QA_DTYPE
from musyq_lab.core.spec import Product
from musyq_lab.production.chain import _kept
from musyq_lab.production.chain.reading import averaged, dated, from_product, layers, merged
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


def of_thermal_looks(task: Task, needs: Mapping[str, Path]) -> Made:
    """Retrieve surface temperature from each clear look by day, and take the mean of these.

    Looks count alike: their errors (emissivity, vapour, calibration) go together, so the one sigma is the mean of
    theirs. ``n_obs`` counts them, ``time_offset`` is their mean time in days from the middle of the period, and the
    attribute ``look_times`` lists when each was taken.
    """
    retrieval = RETRIEVALS[task.product]
    files = [path for key, path in needs.items() if not key.startswith("scene.")]
    upstream = [from_product(path, retrieval.spec) for path in files]
    stock = averaged([(read, layers(read, task)) for read in task.reads], task.period)
    ground = merged([*upstream, *stock])
    found: list[tuple[xr.Dataset, xr.Dataset]] = []
    for scene in _scenes(needs):
        if "brightness_temperature" in scene:
            found.append((scene, retrieval(_thermal_look(scene, ground), **dict(task.options))))
    if not found:
        raise InputError(f"{task.product}: no granule of {task.period.label} with thermal bands could be used.")
    return _mean_look(task, found, retrieval.spec), retrieval.spec


def _thermal_look(scene: xr.Dataset, ground: xr.Dataset) -> xr.Dataset:
    names = [n for n in scene.data_vars if "thermal_band" in scene[n].dims or n in ANGLES or n == "qa"]
    look = scene[names].drop_dims("band", errors="ignore").assign_attrs(scene.attrs)
    plane = layout.plane_of(scene)
    alike = ground.drop_vars(["qa"], errors="ignore").assign_coords({name: look[name] for name in plane})
    return look.assign({str(name): alike[name] for name in alike.data_vars})


def _mean_look(task: Task, found: list[tuple[xr.Dataset, xr.Dataset]], spec: Product) -> xr.Dataset:
    name, first = spec.key, found[0][1]
    clear = [_clear(scene) & made[name].notnull() for scene, made in found]
    times = [_when(scene) for scene, _ in found]
    days = [(t - task.period.middle).total_seconds() / 86400.0 for t in times]
    number = _total([c.astype(np.float32) for c in clear])
    some = number.where(number > 0)
    out = {
        layer: (_total([made[layer].where(c, 0.0) for c, (_, made) in zip(clear, found, strict=True)]) / some)
        for layer in (name, f"{name}_uncertainty")
    }
    offset = _total([c * np.float32(d) for c, d in zip(clear, days, strict=True)]) / some
    bits = [made[f"{name}_qa"].where(c, 0).astype(QA_DTYPE) for c, (_, made) in zip(clear, found, strict=True)]
    out[f"{name}_qa"] = reduce(or_, bits).where(number > 0, QA_DTYPE.type(INPUT_MISSING.mask)).astype(QA_DTYPE)
    out = {layer: data.assign_attrs(first[layer].attrs) for layer, data in out.items()}
    out["n_obs"] = number.astype(np.uint16).assign_attrs(long_name="clear looks by day", units="1")
    words = "mean time of the looks, from the middle of the period"
    out["time_offset"] = offset.astype(np.float32).assign_attrs(long_name=words, units="d")
    said = "; ".join(f"{t:%Y-%m-%dT%H:%M}Z {s.attrs['sensor']}" for t, (s, _) in zip(times, found, strict=True))
    one = ("sensor", "platform", "granule", "granule_sha256", "time_coverage_start", "time_coverage_end")
    return xr.Dataset(out, attrs={k: v for k, v in first.attrs.items() if k not in one}).assign_attrs(
        period=task.period.label, look_times=said, comment="mean of clear looks by day, not of all hours"
    )


def _total(layers: list[xr.DataArray]) -> xr.DataArray:
    return reduce(add, layers)
