"""How the values of a task are made: a granule standardized, scenes composed, a product retrieved.

Each maker takes a task and the paths of the files it needs and returns a lazy Dataset with the spec it is stored by.
They hold no science of their own: ``ml.standardize``, ``ml.composite`` and ``ml.retrieve`` do the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import xarray as xr

from musyq_lab.composite import _sun
from musyq_lab.composite._plan import FLAGS
from musyq_lab.composite.composite import composite
from musyq_lab.composite.report import ATTRIBUTE, with_aside
from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import FIRST_OWN_BIT
from musyq_lab.core.spec import Product, Variable
from musyq_lab.production.chain import _kept, _yearly
from musyq_lab.production.chain.looks import of_looks
from musyq_lab.production.chain.reading import averaged, dated, from_product, layers, merged
from musyq_lab.production.chain.sky_makers import SKY_MAKERS
from musyq_lab.production.chain.task import Task
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products.lsr import SPEC as REFLECTANCE
from musyq_lab.standard import layout
from musyq_lab.standard.pipeline import standardize

Made = tuple[xr.Dataset, Product | None]
Maker = Callable[[Task, Mapping[str, Path]], Made]

EXTRA = ("n_obs", "window_length", "time_offset", "sensor_share", "lineage")
"""Layers of a composite that go into its file as they are."""
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
    named: dict[str, Any] = {}
    for band in made["band"].values:
        one = made.sel(band=band, drop=True)
        named[f"reflectance_{band}"] = one["reflectance"]
        named[f"reflectance_{band}_uncertainty"] = one["reflectance_uncertainty"]
    named |= {name: made[name] for name in EXTRA}
    named[COMPOSITE.qa_name] = made["composite_qa"].assign_attrs(long_name="quality bits of the composite")
    plane = layout.plane_of(made)
    chunks = made["n_obs"].chunks
    angle = _sun.target(made, task.period.middle, None, chunks)
    named["sun_zenith"] = xr.DataArray(angle, dims=plane, attrs={"units": "degree"})
    out = xr.Dataset(named, attrs=made.attrs).drop_vars("band", errors="ignore")
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
    upstream = [from_product(path, retrieval.spec) for path in needs.values()]
    stock = averaged([(read, layers(read, task)) for read in task.reads], task.period)
    inputs = merged([*upstream, *stock])
    if "sun_zenith" in inputs:  # what a composite gives is seen from above
        straight = xr.zeros_like(inputs["sun_zenith"]).assign_attrs(units="degree")
        inputs = inputs.assign(view_zenith=straight, relative_azimuth=straight)
    made = retrieval(inputs, **dict(task.options))
    return made.assign_attrs(period=task.period.label), retrieval.spec


def series(task: Task, needs: Mapping[str, Path]) -> Made:
    """Retrieve a product of a year from the files of its periods, each dated with the middle of its own."""
    retrieval = RETRIEVALS[task.product]
    parts: dict[Any, list[xr.Dataset]] = {}
    for path in needs.values():
        parts.setdefault(_yearly.moment(path.name), []).append(from_product(path, retrieval.spec))
    for read in task.reads:
        parts.setdefault(_yearly.moment(read.name), []).append(layers(read, task))
    whole = [dated(merged(group), when) for when, group in sorted(parts.items())]
    inputs = xr.concat(
        whole, dim="time", join="exact", data_vars="all", coords="minimal", compat="override", combine_attrs="override"
    )
    made = retrieval(inputs, **dict(task.options))
    year = task.period.start.year
    if year not in made["year"].values:
        raise InputError(f"{task.product} has no result for {year}.")
    made = made.sel(year=year, drop=True)
    return made.assign_attrs(period=task.period.label, dates=len(whole)), retrieval.spec


MAKERS: Mapping[str, Maker] = {
    "standardize": scene,
    "composite": composed,
    "retrieve": retrieved,
    "series": series,
    "looks": of_looks,
    **SKY_MAKERS,
}
"""Name in the plan -> function."""
