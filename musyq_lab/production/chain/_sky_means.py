"""Means of a period from a series of irradiance, its gaps filled from the nearest images, and clouds by night."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from musyq_lab.analysis.daytime import integrate
from musyq_lab.core.period import Period
from musyq_lab.core.quality import GAP_FILLED, INPUT_MISSING, QA_DTYPE
from musyq_lab.production.chain._sky_series import Series, blocks
from musyq_lab.production.chain.region import Grid
from musyq_lab.production.chain.sky import NEAR, dark, plain_grid
from musyq_lab.production.chain.task import Task

REACH = "2h"
"""How far from an image the light counts as seen."""
FAINT = 20.0
"""Irradiance of a clear sky (W m-2, mean of the period) below which the ratio to it tells no clouds."""
OF_NIGHT = 0.25
"""One sigma of a clear-sky index that is carried into the night: about the spread of the index itself; ours."""
OF_WEATHER = 0.15
"""One sigma of an index that follows from a cloud fraction: fraction is no optical depth; ours."""

MEMORY = 2.0
"""Hours within which the clouds of an image lose their weight for the night; ours."""

NIGHT_CLOUDS_BIT, NIGHT_WEATHER_BIT = 13, 14


def mean_of(series: Series, period: Period, names: Sequence[str], grid: Grid) -> xr.Dataset:
    """Return means over a period, with their one sigma, quality bits and the number of looks.

    Parameters
    ----------
    series : Series
        Irradiance at the looks near the period.
    period : Period
        Three hours or a day.
    names : sequence of str
        What to average.
    grid : GeoGrid
        Of the cells.

    Returns
    -------
    Dataset
        ``<name>``, ``<name>_uncertainty``, ``quality`` and ``n_obs``, dims (latitude, longitude). Where looks within
        two hours do not reach half of the light, those within six hours fill the gap: bit ``gap_filled``.
    """
    ends = np.array([period.start, period.end], "datetime64[ns]") - np.array([0, 1], "timedelta64[ns]")
    open_ends = [e for e in ends if e not in series.layers["time"].values]
    layers = series.layers[[n for name in names for n in (name, f"{name}_uncertainty") if n in series.layers]]
    whole = blocks(layers.reindex(time=np.sort(np.append(layers["time"].values, np.array(open_ends, ends.dtype)))))
    step = f"{round((period.end - period.start).total_seconds() / 3600)}h"
    seen, far = (
        integrate(whole, step, variables=list(names), reach=reach).sel(
            time=np.datetime64(period.start, "ns"), drop=True
        )
        for reach in (REACH, f"{round(NEAR.total_seconds() / 3600)}h")
    )
    filled = seen[names[0]].isnull() & far[names[0]].notnull()
    made = {n: seen[n].fillna(far[n]) for name in names for n in (name, f"{name}_uncertainty")}
    bits = seen["quality"].where(~filled, GAP_FILLED.mask)
    night = xr.DataArray(dark(plain_grid(grid), period), dims=bits.dims)
    bits = bits.where(~night, bits.astype(int) & ~GAP_FILLED.mask & ~INPUT_MISSING.mask).astype(QA_DTYPE)
    count = seen["instants"].where(seen["instants"] > 0, 0).astype(np.uint16)
    words = {"units": "1", "long_name": "images within the period, those of several sensors at one time as one"}
    return xr.Dataset({**made, "quality": bits, "n_obs": count.assign_attrs(words)})


def share_of(series: Series, period: Period) -> xr.DataArray | None:
    """Return the share of each sensor in the looks of a period; None where there is none."""
    if series.weights is None:
        return None
    inside = [t in period for t in series.weights["time"].values.astype("datetime64[us]").tolist()]
    chosen = series.weights.isel(time=np.flatnonzero(inside)) if any(inside) else series.weights
    total = chosen.sum(("time", "sensor"))
    share = (chosen.sum("time") / total.where(total > 0)).astype(np.float32)
    return share.assign_attrs(units="1", long_name="share of a sensor in the weight")


def index_of_night(
    series: Series, light: xr.Dataset, weather: xr.Dataset, task: Task
) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Return the clear-sky index of a period, its one sigma, and bits where the Sun did not tell it.

    By day it is the ratio of the means with and without clouds; where the clear sky gives less than :data:`FAINT`, it
    is 1 less the cloud fraction of the weather in stock, or else that of the nearest looks before and after.
    """
    clear = light["dsr_clear"]
    lit = clear > FAINT
    ratio = (light["dsr"] / clear.where(lit)).clip(0.0, 1.1)
    sigma = light["dsr_uncertainty"] / clear.where(lit)
    if "cloud_fraction" in weather:
        other, error = 1.0 - weather["cloud_fraction"].drop_attrs(), xr.full_like(ratio, OF_WEATHER)
        if "cloud_fraction_uncertainty" in weather:
            error = (error**2 + weather["cloud_fraction_uncertainty"].drop_attrs() ** 2) ** 0.5
        bit = NIGHT_WEATHER_BIT
    else:
        other, error = _nearest(series, task.period)
        bit = NIGHT_CLOUDS_BIT
    here = {n: ratio[n] for n in ratio.dims}
    other, error = (field.assign_coords(here) for field in (other, error))
    bits = ((ratio.isnull() & other.notnull()) * (1 << bit)).astype(QA_DTYPE)
    return ratio.fillna(other), sigma.fillna(error), bits


def _nearest(series: Series, period: Period) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the index of the looks around a period, the nearer the heavier, and its one sigma."""
    known = series.layers["dsr_clear"] > FAINT
    index = series.layers["clear_sky_index"].clip(0.0, 1.1).where(known)
    apart = abs((index["time"] - np.datetime64(period.middle, "ns")) / np.timedelta64(1, "h"))
    nearness: xr.DataArray = xr.ufuncs.exp(-apart / MEMORY)
    weight = nearness.astype(np.float32) * index.notnull()
    total = weight.sum("time")
    mean = (index.fillna(0.0) * weight).sum("time") / total.where(total > 0)
    return mean, xr.full_like(mean, OF_NIGHT).where(mean.notnull())
