"""How radiation of hours and days is made: scenes of geostationary images, the ground below, and means of a period.

The science is that of :mod:`musyq_lab.analysis.background`, :mod:`musyq_lab.products.dsr` and
:func:`musyq_lab.analysis.daytime.integrate`; here it is put in order, and its errors are carried on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.analysis.background import ground_through_air
from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import GAP_FILLED, INPUT_MISSING, QA_DTYPE, Flag
from musyq_lab.core.spec import Product, Variable
from musyq_lab.production.chain import _rules
from musyq_lab.production.chain._sky_means import index_of_night, mean_of, share_of
from musyq_lab.production.chain._sky_series import Series, air_at, blocks, for_atmosphere, images, joined
from musyq_lab.production.chain.reading import averaged, layers, merged
from musyq_lab.production.chain.sky import WEATHER, dark, ground_key, plain_grid
from musyq_lab.production.chain.task import Task
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.standard import layout, warp
from musyq_lab.standard.granule import open_granule
from musyq_lab.standard.pipeline import HIDDEN, standardize

Made = tuple[xr.Dataset, Product | None]

CLEAR = 0.3
"""Quantile of the clear looks that is taken for the ground: residual clouds brighten more looks than shadows darken."""
DARKEST = 0.1
"""Quantile of all looks where not one is clear."""
_LEAST_GROUND, _RELATIVE_GROUND, _NEVER_CLEAR = 0.005, 0.06, 0.04

NIGHT_CLOUDS = Flag(13, "clouds_of_daylight", "the Sun is down: clouds are those of the nearest images by day")
NIGHT_WEATHER = Flag(14, "clouds_of_weather", "the Sun is down: clouds are those of the weather in stock")


def ground_spec(sensor: str) -> Product:
    """Return the product of the ground that a sensor sees in the red band."""
    words = "reflectance of the surface in the red band, from clear looks"
    layer = Variable("reflectance_red", words, "1", valid_range=(0.0, 1.6), scale=1e-4)
    return Product(ground_key(sensor), f"Ground below the clouds, {sensor}", (layer,), ())


def scene(task: Task, _: Mapping[str, Path]) -> Made:
    """Bring the red band of an image to the grid twice: under all skies, and the mean of the clear pixels alone."""
    granule = task.reads[0]
    opened = open_granule(granule.path, resolution=_rules.cell_metres(task.tile.grid))
    # Clouds have to stay, saturated ones too: they are what is looked for.
    whole = standardize(opened, surface=False, mask=("no_data",), uncertainty=False)
    if "reflectance" not in whole or "red" not in whole["band"].values:
        raise InputError(f"{granule.name} has no reflectance in the red band, it was taken by night or lacks the band.")
    whole = whole.sel(band=["red"]).drop_dims("thermal_band", errors="ignore")
    clear = layout.hide(whole, [name for name in HIDDEN if name != "no_data"])
    all_skies, alone = (warp.to_grid(each, task.tile.grid) for each in (whole, clear))
    made = xr.Dataset(
        {
            "toa_reflectance_red": all_skies["reflectance"].sel(band="red", drop=True),
            "clear_reflectance_red": alone["reflectance"].sel(band="red", drop=True),
            "sun_zenith": all_skies["sun_zenith"],
            "view_zenith": all_skies["view_zenith"],
            "relative_azimuth": layout.relative_azimuth(all_skies),
        },
        attrs=all_skies.attrs,
    )
    bare = made.drop_vars([n for n, c in made.coords.items() if n not in layout.plane_of(all_skies)])
    if not np.isfinite(bare["toa_reflectance_red"].values).any():
        raise InputError(f"{granule.name} shows nothing of {task.tile.name}.")
    return bare, None


def ground(task: Task, needs: Mapping[str, Path]) -> Made:
    """Find the ground below the clouds: a quantile of its clear looks through the air of each, else of all looks."""
    sensor = task.option("sensor")
    looks = images(needs, sensor, task.tile.grid)
    if looks is None:
        raise InputError(f"not one image of {sensor} of {task.period.label} could be used.")
    air = air_at(task, looks["time"].values, looks)
    clear = looks.assign(toa_reflectance_red=looks["clear_reflectance_red"])
    found = _below(clear, sensor, CLEAR, air)
    low, other = _below(clear, sensor, DARKEST, air), _below(looks, sensor, DARKEST, air)
    least = (_RELATIVE_GROUND * found).clip(_LEAST_GROUND)
    spread: xr.DataArray = (((found - low) / 1.3) ** 2 + least**2) ** 0.5
    known = found.notnull()
    red = found.where(known, other).clip(0.0, 1.5).assign_attrs(units="1")
    sigma = spread.where(known, _NEVER_CLEAR).where(red.notnull()).assign_attrs(units="1")
    spec = ground_spec(sensor)
    bits = (red.isnull() * INPUT_MISSING.mask + (red.notnull() & ~known) * GAP_FILLED.mask).astype(QA_DTYPE)
    count = clear["toa_reflectance_red"].notnull().sum("time").astype(np.uint16)
    made = {"reflectance_red": red, "reflectance_red_uncertainty": sigma, spec.qa_name: bits.assign_attrs(units="1")}
    made["n_obs"] = count.assign_attrs(units="1", long_name="clear looks at the ground")
    out = xr.Dataset({n: a.drop_vars("time", errors="ignore") for n, a in made.items()})
    return out.assign_attrs(product=spec.key, sensor=sensor), spec


def _below(looks: xr.Dataset, sensor: str, quantile: float, air: xr.Dataset) -> xr.DataArray:
    found = ground_through_air(looks, sensor, quantile=quantile, **for_atmosphere(air))
    return found["surface_reflectance"].reset_coords(drop=True)


def shortwave(task: Task, needs: Mapping[str, Path]) -> Made:
    """Make the mean shortwave irradiance of a period."""
    series = joined(task, needs, task.option("method"))
    made = mean_of(series, task.period, ("dsr",), task.tile.grid)
    return _finished(made, series, task, RETRIEVALS["dsr"].spec, "dsr")


def active(task: Task, needs: Mapping[str, Path]) -> Made:
    """Make the mean photosynthetically active radiation of a period, from that of each image."""
    series = joined(task, needs, task.option("light"))
    given = series.layers.rename(dsr="downward_shortwave", dsr_uncertainty="downward_shortwave_uncertainty")
    own = {n: v for n, v in task.options if n != "light"}
    par = RETRIEVALS["par"](given.drop_vars("dsr_clear"), **own)
    names = ("par", "photon_flux")
    layers_of = {n: par[n] for name in names for n in (name, f"{name}_uncertainty")}
    made = mean_of(replace(series, layers=blocks(xr.Dataset(layers_of))), task.period, names, task.tile.grid)
    return _finished(made, series, task, RETRIEVALS["par"].spec, "par")


def longwave(task: Task, needs: Mapping[str, Path]) -> Made:
    """Make the mean longwave irradiance of a period from its weather and the clouds that the images show."""
    series = joined(task, needs, task.option("light"))
    weather = merged(averaged([(read, layers(read, task)) for read in task.reads if _of(read, task)], task.period))
    light = mean_of(series, task.period, ("dsr", "dsr_clear"), task.tile.grid)
    index, sigma, bits = index_of_night(series, light, weather, task)
    own = [n for name in WEATHER for n in (name, f"{name}_uncertainty") if n in weather]
    known = weather[own].assign(clear_sky_index=index, clear_sky_index_uncertainty=sigma)
    options = {n: v for n, v in task.options if n != "light"}
    retrieval = RETRIEVALS["dlr"]
    spec = replace(retrieval.spec, flags=(*retrieval.spec.flags, NIGHT_CLOUDS, NIGHT_WEATHER))
    made = retrieval(_named_units(known), **options)
    qa = (made["dlr_qa"] | bits).astype(QA_DTYPE).assign_attrs(made["dlr_qa"].attrs)
    light = light.assign({n: made[n] for n in ("dlr", "dlr_uncertainty")}).drop_vars(["dsr", "dsr_clear", "quality"])
    return _finished(light.assign(quality=qa), series, task, spec, "dlr", night=False)


def _of(read: Any, task: Task) -> bool:
    """Whether a file holds for a part of the period itself, not of what lies around it."""
    from musyq_lab.archive.naming import parse
    from musyq_lab.catalog.stock import period_of_label

    name = parse(read.name)
    own = period_of_label(name) if name else None
    return own is None or (own.start < task.period.end and task.period.start < own.end)


def _named_units(ds: xr.Dataset) -> xr.Dataset:
    from musyq_lab.core.variables import quantity

    units = {n: quantity(str(n).removesuffix("_uncertainty")).units for n in ds.data_vars}
    return ds.assign({n: ds[n].assign_attrs(units=units[n]) for n in ds.data_vars})


def _finished(made: xr.Dataset, series: Series, task: Task, spec: Product, key: str, *, night: bool = True) -> Made:
    """Give means the names, bits and attributes of their product."""
    bits = made["quality"].astype(QA_DTYPE)
    if night:
        mask = QA_DTYPE.type(next(flag.mask for flag in spec.flags if flag.name == "night"))
        down = xr.DataArray(dark(plain_grid(task.tile.grid), task.period), dims=bits.dims)
        bits = (bits | down.astype(QA_DTYPE) * mask).astype(QA_DTYPE)
    out = {str(n): made[n] for n in made.data_vars if str(n).startswith((key, "photon"))}
    out[spec.qa_name] = bits.assign_attrs(units="1")
    out["n_obs"] = made["n_obs"]
    if (share := share_of(series, task.period)) is not None:
        out["sensor_share"] = share
    ds = xr.Dataset(out, attrs={"product": spec.key, "period": task.period.label})
    ds = ds.assign_attrs(sensor=", ".join(series.sensors), time_coverage_images=series.said(task.period))
    return ds.drop_vars([n for n in ds.coords if n not in ds.dims]), spec


SKY_MAKERS: Mapping[str, Any] = {
    "sky_scene": scene,
    "sky_ground": ground,
    "sky_dsr": shortwave,
    "sky_par": active,
    "sky_dlr": longwave,
}
"""Name in the plan -> function."""
