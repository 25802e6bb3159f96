r"""Means over three hours or a day from instants, along the shape that a clear sky gives the light.

An instant says how much clouds and air weaken the light just then; between instants that ratio changes slowly while
the Sun moves. So the ratio :math:`K = G / S` to a clear sky :math:`S` is interpolated in time and the light put back,

.. math:: \bar G = \frac{1}{T} \int_T K(t)\,S(t)\,dt ,

and never a cosine or a straight line through :math:`G` itself. S is REST2 with constant air at the middles of short
pieces of time, zero while the Sun is down: K takes up what the air of the day differs. Quantities that do not follow
the Sun (longwave radiation, temperatures) have S = 1.

The error (:mod:`musyq_lab.kernels._clear_sky_daytime`) joins those of the instants, a share of whose variance is common
to the day (calibration, clear-sky model) while the rest fades within ``memory``, and what may happen between instants:
a sudden change at any moment. Steps of which the instants do not reach half of the light have no value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import GAP_FILLED, INPUT_MISSING, QA_DTYPE, flag_attributes
from musyq_lab.kernels import clear_sky, solar
from musyq_lab.kernels._clear_sky_daytime import combine, weights
from musyq_lab.kernels.weather import SEA_LEVEL

Array = NDArray[Any]

SUNLIT = (
    *("dsr", "par", "photon_flux", "downward_shortwave", "downward_par", "clear_sky_shortwave"),
    *("net_shortwave", "upward_shortwave"),
)
"""Beginnings of the names of quantities that follow the Sun."""

BALANCE = {"net_radiation": ("net_shortwave", "net_longwave")}
"""Quantities that follow the Sun in one of their parts: their means are those of the parts together."""

_AIR = (0.15, clear_sky.ANGSTROM, 15.0, 300.0, SEA_LEVEL, 0.2)  # of the shape; its level cancels
_FAINT = 20.0  # W m-2: under a weaker clear sky, about 3 degrees of height, the ratio to it is noise
_HALF, _MOST = 0.5, 0.9  # shares of the light within reach below which there is no value, and a bit
_BEYOND = 0.2  # of the clear sky: error of the ratio beyond the first and last instants; ours
_SLAB = 2_000_000  # numbers of the shape at a time
_DAY = np.timedelta64(1, "D")


def integrate(
    instants: xr.Dataset,
    step: str = "1D",
    *,
    variables: Sequence[str] | None = None,
    day: str = "utc",
    minutes: int = 10,
    reach: str = "2h",
    memory: str = "20min",
    common: float = 0.03,
) -> xr.Dataset:
    """Return means over steps of time of what was retrieved at instants.

    Parameters
    ----------
    instants : Dataset
        Variables with a dimension ``time`` (UTC), their ``<name>_uncertainty`` if known, and ``latitude`` and
        ``longitude`` (degrees) as coordinates of one or two dimensions. Lazy input gives a lazy result.
    step : str
        Length of the steps, a divisor of a day such as ``"3h"`` or ``"1D"``.
    variables : sequence of str, optional
        Which; by default all numbers with ``time`` that are no uncertainty and no quality bits.
    day : {"utc", "solar"}
        Whether steps are counted from midnight UTC, or from that of the nearest whole hour of local solar time; then
        each label is a local date.
    minutes : int
        Length of the pieces in which the shape is summed; 10 miss the daily mean by less than 0.1 %.
    reach : str
        How far from an instant the light counts as seen.
    memory : str
        Time within which the errors of instants forget one another.
    common : float
        Share of their variance that all instants have in common.

    Returns
    -------
    Dataset
        Means and ``<name>_uncertainty`` over ``time``, the start of each step; ``coverage`` (1), the share of the light
        within reach; ``instants``, their number; ``quality``: no value (bit ``input_missing``) where less than half of
        the light is covered, ``gap_filled`` below 0.9.

    Raises
    ------
    InputError
        If there is no ``time``, no place, no variable or no such step.
    """
    names = _names(instants, variables)
    latitude, longitude = _places(instants)
    plan = _Plan(instants["time"].values, step, day, minutes, _days(reach), _days(memory), common)
    made: dict[str, xr.DataArray] = {}
    for name in (n for n in names if n not in BALANCE):
        mean, sigma, covered, count = _one(instants, name, latitude, longitude, plan)
        known = covered >= _HALF
        attrs = {**instants[name].attrs, "cell_methods": "time: mean"}
        made[name] = mean.where(known).assign_attrs(attrs)
        made[f"{name}_uncertainty"] = sigma.where(known).assign_attrs(
            long_name=f"standard uncertainty of the mean {name}", units=instants[name].attrs.get("units", "")
        )
        if "coverage" not in made:
            made |= _quality(covered, count)
    for name in (n for n in names if n in BALANCE):
        made |= _balanced(instants[name], BALANCE[name], made)
    return xr.Dataset(made, attrs=instants.attrs).assign_coords(time=plan.starts)


def _balanced(values: xr.DataArray, parts: tuple[str, ...], made: dict[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    """Return the mean of a balance and its error from those of its parts."""
    first, second = (made[part] for part in parts)
    error = sum(made[f"{part}_uncertainty"] ** 2 for part in parts) ** 0.5
    attrs = {**values.attrs, "cell_methods": "time: mean"}
    name = str(values.name)
    return {
        name: (first + second).assign_attrs(attrs),
        f"{name}_uncertainty": error.assign_attrs(
            long_name=f"standard uncertainty of the mean {name}", units=values.attrs.get("units", "")
        ),
    }


class _Plan:
    """The steps, and the pieces of time in which the shape is summed."""

    def __init__(
        self, time: Array, step: str, day: str, minutes: int, reach: float, memory: float, common: float
    ) -> None:
        length = _timedelta(step)
        pieces = length / np.timedelta64(minutes, "m")
        if day not in ("utc", "solar"):
            raise InputError(f"day={day!r} is not known. Use 'utc' or 'solar'.")
        if length <= np.timedelta64(0) or length > _DAY or (_DAY / length) % 1 or pieces % 1 or pieces < 1:
            raise InputError(
                f"step={step!r} with minutes={minutes} does not divide a day. Use '1D', '3h' or '1h', and minutes that "
                "divide it."
            )
        if 60 % minutes and day == "solar":
            raise InputError(f"minutes={minutes} does not divide an hour, which day='solar' needs.")
        self.time = np.asarray(time, "datetime64[ns]")
        margin = _DAY if day == "solar" else np.timedelta64(0, "D")
        opening = self.time.min().astype("datetime64[D]")
        steps = int(np.ceil((self.time.max() + np.timedelta64(1, "ns") - opening) / length))
        self.starts = opening.astype("datetime64[ns]") + np.arange(steps) * length.astype("timedelta64[ns]")
        self.origin = (opening - margin).astype("datetime64[ns]")
        self.solar, self.minutes = day == "solar", minutes
        piece = np.timedelta64(minutes, "m")
        total = round((self.starts[-1] + length + margin - self.origin) / piece)
        self.middles = self.origin + (np.arange(total) * piece + piece // 2).astype("timedelta64[ns]")
        self.first = (self.starts - self.origin) / piece
        self.rules = np.array([pieces, minutes / 1440.0, reach])
        self.errors = np.array([memory, common, _BEYOND])

    def shift(self, longitude: Array) -> Array:
        """Return by how many pieces the steps of a place begin later than in UTC."""
        east = (longitude + 180.0) % 360.0 - 180.0
        hours = np.round(east / 15.0) if self.solar else np.zeros_like(longitude)
        return np.asarray(-hours * (60 // self.minutes))


def _names(ds: xr.Dataset, variables: Sequence[str] | None) -> list[str]:
    """Return the variables to integrate."""
    if "time" not in ds.dims or ds["time"].dtype.kind != "M":
        raise InputError(
            f"integrate needs instants along a dimension 'time' with dates, got {list(map(str, ds.dims))}. Join single "
            "scenes with xr.concat(scenes, dim='time')."
        )
    if not ds.sizes["time"]:
        raise InputError("integrate got no instant: the dimension 'time' is empty. Check what was selected.")
    if variables is None:
        found = [str(n) for n, a in ds.data_vars.items() if a.dtype.kind == "f" and "time" in a.dims]
        found = [n for n in found if not n.endswith("_uncertainty")]
    else:
        found = list(variables)
    missing = [n for n in found if n not in ds.data_vars or "time" not in ds[n].dims]
    if missing or not found:
        there = ", ".join(map(str, ds.data_vars)) or "nothing"
        raise InputError(f"integrate finds no {missing or 'numbers'} along time; the dataset holds {there}.")
    for name in found:
        if lacking := set(BALANCE.get(name, ())) - {*found}:
            raise InputError(
                f"{name} follows the Sun in part only, and {sorted(lacking)} is not among what is integrated. Make it "
                f"with variables=[{name!r}, {', '.join(map(repr, BALANCE[name]))}], or of the means of its parts."
            )
    return found


def _places(ds: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """Return latitude and longitude as bare arrays along the dimensions of space."""
    found = []
    for name in ("latitude", "longitude"):
        if name not in ds.coords and name not in ds.data_vars:
            raise InputError(f"integrate needs {name} (degrees) as a coordinate; add it with ds.assign_coords.")
        bare = ds[name].reset_coords(drop=True)
        # A coordinate that indexes its own dimension is lined up by position, like the data.
        found.append(xr.DataArray(bare.values, dims=bare.dims, coords=bare.coords))
    return found[0], found[1]


def _timedelta(text: str) -> np.timedelta64:
    """Return a length of time told as text, such as ``3h``."""
    try:
        return np.timedelta64(pd.Timedelta(text).value, "ns")
    except ValueError:
        raise InputError(f"{text!r} is no length of time. Write '3h', '1D' or '90min'.") from None


def _days(text: str) -> float:
    return float(_timedelta(text) / _DAY)


def _one(ds: xr.Dataset, name: str, latitude: xr.DataArray, longitude: xr.DataArray, plan: _Plan) -> Any:
    """Return mean, sigma, coverage and count of one variable."""
    values = ds[name]
    told = ds.get(f"{name}_uncertainty")
    sigma = xr.zeros_like(values) if told is None else told
    lazy = values.chunks is not None
    if lazy:
        values, sigma = values.chunk(time=-1), sigma.chunk(time=-1)
    sunlit = name.startswith(SUNLIT)
    found = xr.apply_ufunc(
        _block,
        values,
        sigma,
        latitude,
        longitude,
        kwargs={"plan": plan, "sunlit": sunlit},
        input_core_dims=[["time"], ["time"], [], []],
        output_core_dims=[["time_"]] * 4,
        dask="parallelized",
        output_dtypes=[values.dtype] * 4,
        dask_gufunc_kwargs={"output_sizes": {"time_": plan.starts.size}},
    )
    return tuple(one.rename(time_="time").transpose("time", ...) for one in found)


def _block(values: Array, sigma: Array, latitude: Array, longitude: Array, *, plan: _Plan, sunlit: bool) -> Any:
    """Integrate one block, dims (..., time), in slabs of places that keep the shape small."""
    shape, dtype = values.shape[:-1], values.dtype
    flat = [np.ascontiguousarray(a, float).reshape(-1, values.shape[-1]) for a in (values, sigma)]
    places = [np.broadcast_to(np.asarray(a, float), shape).ravel() for a in (latitude, longitude)]
    out = np.full((4, flat[0].shape[0], plan.starts.size), np.nan)
    size = max(1, _SLAB // plan.middles.size)
    for at in range(0, flat[0].shape[0], size):
        part = slice(at, at + size)
        given = flat[0][part], flat[1][part], places[0][part], places[1][part]
        out[:, part] = _slab(*given, plan, sunlit)
    return tuple(a.reshape(*shape, -1).astype(dtype) for a in out)


def _slab(values: Array, sigma: Array, latitude: Array, longitude: Array, plan: _Plan, sunlit: bool) -> Any:
    time = (plan.time - plan.origin) / _DAY
    if sunlit:
        at, along = (_light(t, latitude, longitude) for t in (plan.time, plan.middles))
        at = np.where(at > _FAINT, at, np.nan)
    else:
        at, along = np.ones_like(values), np.ones((values.shape[0], plan.middles.size))
    order = np.argsort(time, kind="stable")
    ratio, spread, time = (values / at)[:, order], np.nan_to_num(sigma / at)[:, order], time[order]
    shares, gaps, outside, covered, count = weights(ratio, time, along, plan.first, plan.shift(longitude), plan.rules)
    mean, error = combine(shares, gaps, ratio[:, None], spread[:, None], time, outside, plan.errors)
    return mean, error, covered, count


def _light(times: Array, latitude: Array, longitude: Array) -> Array:
    """Return the clear sky over places at times, dims (place, time); zero where the Sun is down or all but down."""
    mu = solar.cos_zenith(times[None, :], latitude[:, None], longitude[:, None])
    zenith = np.degrees(np.arccos(np.clip(mu, -1.0, 1.0)))
    beyond = np.broadcast_to(solar.extraterrestrial(times), zenith.shape)
    direct, diffuse = clear_sky.rest2(zenith, np.ascontiguousarray(beyond), *_AIR)
    return np.asarray(direct + diffuse)


def _quality(covered: xr.DataArray, count: xr.DataArray) -> dict[str, xr.DataArray]:
    some = (covered >= _HALF) & (covered < _MOST)
    bits = (covered < _HALF) * INPUT_MISSING.mask + some * GAP_FILLED.mask
    flags = (INPUT_MISSING, GAP_FILLED)
    return {
        "coverage": covered.assign_attrs(units="1", long_name="share of the light within reach of an instant"),
        "instants": count.assign_attrs(units="1", long_name="number of instants within the step"),
        "quality": bits.astype(QA_DTYPE).assign_attrs(long_name="quality bits", units="1", **flag_attributes(flags)),
    }
