"""Images of geostationary sensors as one series of irradiance, on the grid of a production."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.analysis.background import ground_through_air
from musyq_lab.archive.naming import parse
from musyq_lab.archive.open import open_product
from musyq_lab.catalog.stock import period_of_label
from musyq_lab.core.period import Period, pentad
from musyq_lab.core.variables import quantity
from musyq_lab.kernels import solar
from musyq_lab.production.chain import _kept
from musyq_lab.production.chain.reading import layers
from musyq_lab.production.chain.region import Grid
from musyq_lab.production.chain.sky import AIR, ground_key, plain_grid
from musyq_lab.production.chain.task import Read, Task
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.sensors._time import instant
from musyq_lab.standard import climatology

ROWS = 64
"""Rows of a block: with all images of half a day it stays below some tens of megabytes."""
TOGETHER = np.timedelta64(5, "m")
"""Images of two sensors within this time are one look at the sky from two sides."""
IN_COMMON = 0.5
"""Correlation of the errors of two sensors at one time: the air and the clear sky are the same, the slants are not."""
LIGHT = ("dsr", "dsr_clear", "clear_sky_index")

_PLANE = ("latitude", "longitude")
_DIMS = ("time", *_PLANE)


@dataclass(frozen=True)
class Series:
    """What the images near a period show of the light."""

    layers: xr.Dataset
    """Irradiance with its one sigma, clear-sky index and the air, dims (time, latitude, longitude)."""
    sensors: tuple[str, ...]
    """Those that took part."""
    weights: xr.DataArray | None
    """Weight of each in each look, dims (sensor, time, latitude, longitude); None without images."""

    def said(self, period: Period) -> str:
        """Say when the looks within a period were."""
        times = [t for t in self.layers["time"].values.astype("datetime64[us]").tolist() if t in period]
        return ", ".join(f"{t:%Y-%m-%dT%H:%M}Z" for t in times) or "none"


def blocks(ds: xr.Dataset) -> xr.Dataset:
    """Return a series in blocks of whole columns of time."""
    return ds.chunk({"time": -1, "latitude": ROWS, "longitude": -1})


def images(needs: Mapping[str, Path], sensor: str, grid: Grid) -> xr.Dataset | None:
    """Return the scenes of a sensor that were not set aside, in order of time; None where there is none."""
    found: list[tuple[datetime, xr.Dataset]] = []
    for key, path in sorted(needs.items()):
        record = _kept.read(path) if key.startswith(f"scene.{sensor}.") else None
        if record and record.sha256:
            ds = xr.open_dataset(path, engine="h5netcdf", chunks={"latitude": ROWS})
            found.append((instant(str(ds.attrs["time_coverage_start"])), ds))
    if not found:
        return None
    found.sort(key=lambda pair: pair[0])
    times = np.array([when for when, _ in found], "datetime64[ns]")
    whole = xr.concat([ds.drop_attrs(deep=False) for _, ds in found], dim="time", join="exact", coords="minimal")
    here = plain_grid(grid)
    whole = whole.assign_coords(time=times, latitude=here.latitude, longitude=here.longitude)
    return blocks(whole.isel(time=np.unique(times, return_index=True)[1]))


def air_at(task: Task, times: NDArray[Any], like: xr.Dataset) -> xr.Dataset:
    """Return the air over cells at some times: of the layers in stock that hold then, else of the climatology.

    Parameters
    ----------
    task : Task
        Whose reads hold the layers.
    times : array of datetime64
        Times (UTC).
    like : Dataset
        With the cells and chunks.
    """
    made = {}
    opened: dict[str, xr.Dataset] = {}
    for name in AIR:
        reads = [read for read in task.reads if name in read.role.split()]
        for n in (name, f"{name}_uncertainty"):
            fields = _of_stock(n, reads, times, task, opened) if reads else None
            fields = _of_climate(n, times, like) if fields is None else fields
            units = quantity(name).units
            made[n] = xr.concat(fields, dim="time").assign_coords(time=times).assign_attrs(units=units)
    return blocks(xr.Dataset(made).transpose(*_DIMS))


def for_atmosphere(air: xr.Dataset) -> dict[str, Any]:
    """Return the air by the names and in the units that the tables of the atmosphere have."""
    state = {name: air[name] for name in ("aod", "water_vapour", "ozone")}
    return {**state, "pressure": (air["surface_pressure"] / 100.0).assign_attrs(units="hPa")}


def _of_stock(
    name: str, reads: Sequence[Read], times: NDArray[Any], task: Task, opened: dict[str, xr.Dataset]
) -> list[xr.DataArray] | None:
    fields = []
    for when in times.astype("datetime64[us]").tolist():
        read = min(reads, key=lambda r: (_apart(r.name, when), r.name))
        if read.path not in opened:
            opened[read.path] = layers(read, task)
        if name not in opened[read.path]:
            return None
        fields.append(opened[read.path][name].drop_vars("spatial_ref", errors="ignore"))
    return fields


def _apart(name: str, when: datetime) -> timedelta:
    """Return how far a moment lies from the middle of the time of a file."""
    parsed = parse(name)
    own = period_of_label(parsed) if parsed else None
    return abs(own.middle - when) if own else timedelta.max


def _of_climate(name: str, times: NDArray[Any], like: xr.Dataset) -> list[xr.DataArray]:
    """Return the air of the climatology in the middle of a series, once for each time."""
    own = name.removesuffix("_uncertainty")
    latitude, longitude = (like[n].reset_coords(drop=True) for n in _PLANE)
    time, height = times[len(times) // 2], climatology.elevation(latitude, longitude)
    found = {
        "aod": lambda: climatology.aod(latitude, longitude, time, elevation=height),
        "water_vapour": lambda: climatology.water_vapour(latitude, longitude, time, elevation=height),
        "ozone": lambda: climatology.ozone(latitude, longitude, time),
        "surface_pressure": lambda: climatology.pressure(height),
    }[own]()
    value = found.value if name == own else found.sigma
    factor = 100.0 if own == "surface_pressure" else 1.0  # hPa
    field = xr.DataArray(value) * factor
    field = field.broadcast_like(like["toa_reflectance_red"].isel(time=0, drop=True)).astype(np.float32)
    return [field.transpose(*_PLANE)] * len(times)


def joined(task: Task, needs: Mapping[str, Path], method: str | None) -> Series:
    """Return the irradiance that the images of all sensors show, those of one time joined by their errors."""
    found = {}
    for sensor in sorted({key.split(".")[1] for key in needs if key.startswith("scene.")}):
        looks = images(needs, sensor, task.tile.grid)
        if looks is not None:
            found[sensor] = _light(looks, sensor, task, needs, method or "cloud_depth")
    if not found:
        return Series(_nothing(task), (), None)
    return _merged(found)


def _light(looks: xr.Dataset, sensor: str, task: Task, needs: Mapping[str, Path], method: str) -> xr.Dataset:
    """Return the irradiance that the images of a sensor show, and the air it was made with."""
    air = air_at(task, looks["time"].values, looks)
    below = _surface(looks, sensor, needs)
    seen = ground_through_air(looks, sensor, surface=below["reflectance_red"], **for_atmosphere(air))
    sigma = below["reflectance_red_uncertainty"].broadcast_like(looks["toa_reflectance_red"])
    given = looks.drop_vars("clear_reflectance_red").assign(
        ground_reflectance=seen["ground_reflectance"], ground_reflectance_uncertainty=sigma.assign_attrs(units="1")
    )
    beyond = solar.extraterrestrial(looks["time"].values).astype(np.float32)
    full = xr.DataArray(beyond, dims="time").broadcast_like(looks["sun_zenith"]).transpose(*_DIMS)
    given["extraterrestrial_shortwave"] = full.assign_attrs(units="W m-2")
    given = blocks(given.assign({n: air[n] for n in air.data_vars}))
    made = RETRIEVALS["dsr"](given, method=method, variables=LIGHT)
    kept = [n for name in LIGHT for n in (name, f"{name}_uncertainty")]
    sun = ("sun_zenith", "extraterrestrial_shortwave")
    return made[kept].assign({n: given[n] for n in (*sun, *air.data_vars)}).drop_attrs(deep=False)


def _surface(looks: xr.Dataset, sensor: str, needs: Mapping[str, Path]) -> xr.Dataset:
    """Return the ground below each image: that of the five days that it lies in."""
    files = {key: path for key, path in needs.items() if key.startswith(f"{ground_key(sensor)}.")}
    grounds = {key.rpartition(".")[2]: open_product(path) for key, path in files.items()}
    names = ["reflectance_red", "reflectance_red_uncertainty"]
    parts = []
    for when in looks["time"].values:
        label = pentad(when.astype("datetime64[us]").item()).label
        part = grounds[label][names].drop_vars("spatial_ref", errors="ignore")
        parts.append(part.drop_attrs().assign_coords({n: looks[n] for n in _PLANE}))
    return blocks(xr.concat(parts, dim="time").assign_coords(time=looks["time"]))


def _merged(found: Mapping[str, xr.Dataset]) -> Series:
    sensors = tuple(found)
    rows = sorted((t, sensor) for sensor, ds in found.items() for t in ds["time"].values)
    groups: list[list[tuple[Any, str]]] = []
    for row in rows:
        last = groups[-1] if groups else None
        if last and row[0] - last[0][0] <= TOGETHER and row[1] not in {s for _, s in last}:
            last.append(row)
        else:
            groups.append([row])
    parts, shares = [], []
    for group in groups:
        looks = [found[sensor].sel(time=t, drop=True) for t, sensor in group]
        one, weights = _one(looks)
        parts.append(one)
        zero = xr.zeros_like(weights[0])
        by_sensor = dict(zip((s for _, s in group), weights, strict=True))
        shares.append(xr.concat([by_sensor.get(s, zero) for s in sensors], dim="sensor"))
    times = np.array([_middle([t for t, _ in group]) for group in groups], "datetime64[ns]")
    whole = xr.concat(parts, dim="time", coords="minimal").assign_coords(time=times)
    weight = xr.concat(shares, dim="time").assign_coords(time=times, sensor=list(sensors))
    units = {n: quantity(_quantity(str(n))).units for n in whole.data_vars}
    whole = whole.assign({n: whole[n].assign_attrs(units=units[n]) for n in whole.data_vars})
    return Series(blocks(whole.transpose(*_DIMS)), sensors, weight.chunk({"time": -1}))


def _quantity(name: str) -> str:
    own = name.removesuffix("_uncertainty")
    return {"dsr": "downward_shortwave", "dsr_clear": "clear_sky_shortwave"}.get(own, own)


def _middle(times: list[Any]) -> Any:
    return times[0] + (times[-1] - times[0]) // 2


def _one(looks: list[xr.Dataset]) -> tuple[xr.Dataset, list[xr.DataArray]]:
    """Join looks at one time by the inverse of their variances; return the weights too, zero where one is missing."""
    sigmas = [look["dsr_uncertainty"] for look in looks]
    raw = [(1.0 / s.clip(1.0) ** 2).where(look["dsr"].notnull(), 0.0) for s, look in zip(sigmas, looks, strict=True)]
    total = _sum(raw)
    weights = [(w / total).where(total > 0, 0.0) for w in raw]
    if len(looks) == 1:
        return looks[0], weights
    known = total > 0
    made = {}
    for name in looks[0].data_vars:
        values = [w * look[name].where(w > 0, 0.0) for w, look in zip(weights, looks, strict=True)]
        if str(name).endswith("_uncertainty"):
            linear, squares = _sum(values), _sum([v**2 for v in values])
            mean = (IN_COMMON * linear**2 + (1.0 - IN_COMMON) * squares) ** 0.5
        else:
            mean = _sum(values)
        made[name] = mean.where(known)
    return xr.Dataset(made), weights


def _sum(fields: Sequence[xr.DataArray]) -> xr.DataArray:
    total = fields[0]
    for field in fields[1:]:
        total = total + field
    return total


def _nothing(task: Task) -> xr.Dataset:
    """Return a series without a single value, for periods of night."""
    grid = plain_grid(task.tile.grid)
    place = {"latitude": grid.latitude, "longitude": grid.longitude}
    coords = {"time": [np.datetime64(task.period.start, "ns")], **place}
    empty = xr.DataArray(np.full((1, *grid.shape), np.nan, np.float32), coords, _DIMS)
    names = [n for name in LIGHT for n in (name, f"{name}_uncertainty")]
    names += ["sun_zenith", "extraterrestrial_shortwave", *(n for a in AIR for n in (a, f"{a}_uncertainty"))]
    return blocks(xr.Dataset({n: empty.assign_attrs(units=quantity(_quantity(n)).units) for n in names}))
