"""How the values of a task are made: a granule standardized, scenes composed, a product retrieved.

Each maker takes a task and the paths of the files it needs and returns a lazy Dataset with the spec it is stored by.
They hold no science of their own: ``ml.standardize``, ``ml.composite`` and ``ml.retrieve`` do the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.archive.open import open_product
from musyq_lab.composite import _sun
from musyq_lab.composite._plan import FLAGS
from musyq_lab.composite.composite import composite
from musyq_lab.composite.report import ATTRIBUTE, with_aside
from musyq_lab.core.errors import ArchiveError, InputError
from musyq_lab.core.quality import FIRST_OWN_BIT
from musyq_lab.core.spec import Product, Variable
from musyq_lab.production.chain import _kept
from musyq_lab.production.chain.task import Read, Task
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._resolve import parts
from musyq_lab.products.lsr import SPEC as REFLECTANCE
from musyq_lab.standard import layout
from musyq_lab.standard.fields import on_grid
from musyq_lab.standard.pipeline import standardize

Made = tuple[xr.Dataset, Product | None]
Maker = Callable[[Task, Mapping[str, Path]], Made]

EXTRA = ("n_obs", "window_length", "time_offset", "sensor_share", "lineage")
"""Layers of a composite that go into its file as they are."""
CLASSES = frozenset({"land_cover", "climate_class"})
"""Layers that hold classes."""
FOOTPRINT = {"modis": 0.1, "fy3d_mersi2": 0.1, "npp_viirs": 0.1}
"""Weight of sensors whose pixels are as large as the cells, beside sensors that resolve them."""

SUN = Variable(
    "sun_zenith",
    "zenith angle of the Sun that reflectance was brought to",
    "degree",
    "solar_zenith_angle",
    valid_range=(0.0, 180.0),
    scale=0.01,
    uncertain=False,
)
COMPOSITE = replace(
    REFLECTANCE,
    title="Land surface reflectance, composite of several sensors",
    variables=(*REFLECTANCE.variables, SUN),
    flags=tuple(flag for flag in FLAGS if flag.bit >= FIRST_OWN_BIT),
    stage="composite",
)
"""The product of reflectance as composites make it: with their own bits, and seen from above."""


def scene(task: Task, _: Mapping[str, Path]) -> Made:
    """Standardize a granule on the grid, in the bands of the reference sensor."""
    granule = task.reads[0]
    whole = standardize(granule.path, grid=task.tile.grid, adjust_to=task.option("adjust_to"), aod=task.option("aod"))
    if "reflectance" not in whole:
        raise InputError(f"{granule.name} has no reflectance, it was taken by night or holds thermal bands alone.")
    roles = {v.name.removeprefix("reflectance_") for v in REFLECTANCE.variables}
    kept = whole.drop_dims("thermal_band", errors="ignore")
    return kept.sel(band=[band for band in kept["band"].values if str(band) in roles]), None


def composed(task: Task, needs: Mapping[str, Path]) -> Made:
    """Compose the scenes of a period; those that were set aside stand in its load report."""
    records = {path: _kept.read(path) for path in needs.values()}
    scenes = [_kept.opened(path) for path, record in records.items() if record and record.sha256]
    aside = [record.aside for record in records.values() if record and record.reason]
    fine = any(str(s.attrs["sensor"]) not in FOOTPRINT for s in scenes)
    windows = task.option("windows")
    made = composite(
        scenes,
        period=task.period,
        grid=task.tile.grid,
        windows=windows,
        sensor_weights=FOOTPRINT if fine and task.edition != "30m" else None,
    )
    made = made.assign_attrs({ATTRIBUTE: with_aside(made.attrs[ATTRIBUTE], aside)})
    return _as_product(made, scenes, task), COMPOSITE


def _as_product(made: xr.Dataset, scenes: Sequence[xr.Dataset], task: Task) -> xr.Dataset:
    """Give the layers of a composite the names of the product: one variable a band."""
    layers: dict[str, Any] = {}
    for band in made["band"].values:
        one = made.sel(band=band, drop=True)
        layers[f"reflectance_{band}"] = one["reflectance"]
        layers[f"reflectance_{band}_uncertainty"] = one["reflectance_uncertainty"]
    layers |= {name: made[name] for name in EXTRA}
    layers[COMPOSITE.qa_name] = made["composite_qa"].assign_attrs(long_name="quality bits of the composite")
    plane = layout.plane_of(made)
    chunks = made["n_obs"].chunks
    angle = _sun.target(made, task.period.middle, None, chunks)
    layers["sun_zenith"] = xr.DataArray(angle, dims=plane, attrs={"units": "degree"})
    out = xr.Dataset(layers, attrs=made.attrs).drop_vars("band", errors="ignore")
    out = out.assign_coords({name: made[name] for name in ("granule", "granule_time")})
    for name in out.data_vars:
        out[name].attrs.setdefault("units", "1")
    references = {(s.attrs.get("reference_sensor"), s.attrs.get("reference_platform")) for s in scenes}
    if len(references) == 1 and None not in (only := references.pop()):
        out = out.assign_attrs(reference_sensor=only[0], reference_platform=only[1])
    return out.assign_attrs(product=COMPOSITE.key, reflectance_direction="nadir")


def retrieved(task: Task, needs: Mapping[str, Path]) -> Made:
    """Retrieve a product from the files of others and from layers in stock."""
    retrieval = RETRIEVALS[task.product]
    upstream = [_from_product(path, retrieval.spec) for path in needs.values()]
    stock = [_layers(read, task) for read in task.reads]
    inputs = xr.merge([*upstream, *_averaged(stock)], join="exact", compat="override", combine_attrs="drop_conflicts")
    if "sun_zenith" in inputs:  # what a composite gives is seen from above
        straight = xr.zeros_like(inputs["sun_zenith"]).assign_attrs(units="degree")
        inputs = inputs.assign(view_zenith=straight, relative_azimuth=straight)
    made = retrieval(inputs, **dict(task.options))
    return made.assign_attrs(period=task.period.label), retrieval.spec


def _from_product(path: Path, spec: Product) -> xr.Dataset:
    """Return the inputs that a product file holds, under the names the retrieval gives them."""
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
        names = {v: i.name for i in spec.inputs for v in (key,) if _alias(i.name) == key}
    kept = ("reference_sensor", "reference_platform", "reflectance_level", "history")
    return (
        ds[list(names)]
        .rename(names)
        .assign_attrs({k: v for k, v in ds.attrs.items() if k in kept})[list(names.values())]
    )


def _alias(name: str) -> str:
    from musyq_lab.products._inputs import PRODUCT_OF

    return PRODUCT_OF.get(name, "")


def _layers(read: Read, task: Task) -> xr.Dataset:
    """Return layers in stock, with their one sigma, on the grid of the task."""
    ds = open_product(read.path)
    names = [n for name in read.role.split() for n in (name, f"{name}_uncertainty") if n in ds]
    if missing := [name for name in read.role.split() if name not in ds]:
        raise ArchiveError(f"{read.name} no longer holds {missing[0]!r}; it did when the plan was made. Plan again.")
    classes = [name for name in names if name in CLASSES]
    made = on_grid(ds[names], task.tile.grid, classes=classes)
    return made.drop_attrs(deep=False)


def _averaged(layers: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Return layers of which several files hold a part of the period as their mean."""
    groups: dict[frozenset[str], list[xr.Dataset]] = {}
    for ds in layers:
        groups.setdefault(frozenset(map(str, ds.data_vars)), []).append(ds)
    return [_mean(group) if len(group) > 1 else group[0] for group in groups.values()]


def _mean(group: Sequence[xr.Dataset]) -> xr.Dataset:
    attrs = {name: group[0][name].attrs for name in group[0].data_vars}
    total = group[0]
    for other in group[1:]:
        total = total + other
    mean = total / np.float32(len(group))
    return mean.assign({name: mean[name].assign_attrs(a) for name, a in attrs.items()})


MAKERS: Mapping[str, Maker] = {"standardize": scene, "composite": composed, "retrieve": retrieved}
"""Name in the plan -> function."""
