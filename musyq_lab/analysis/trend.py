r"""Trends of series of fields: Theil-Sen slope, its limits, and the Mann-Kendall test.

Rank statistics: one wild year moves them little, and nothing is assumed about the distribution. They do assume values
that are independent in time: positive autocorrelation makes the test find trends too often (Yue & Wang 2002,
doi:10.1029/2001WR000861), so give yearly means or anomalies, not every composite of a season.

.. math:: z = \frac{S - \mathrm{sgn}\,S}{\sqrt{\mathrm{var}\,S}}, \qquad p = 2 (1 - \Phi(|z|)), \qquad
          \tau_b = \frac{S}{\sqrt{N (N - N_t)}}

with N pairs of values, :math:`N_t` of them equal (:mod:`musyq_lab.kernels.trend` has S, its variance and the slope).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from musyq_lab.core.errors import InputError
from musyq_lab.kernels.trend import theil_sen

__all__ = ["trend"]

_DAYS_A_YEAR = 365.2425
_LAYERS = {
    "slope": "Theil-Sen slope",
    "slope_low": "lower limit of the slope",
    "slope_high": "upper limit of the slope",
    "intercept": "value of the trend line at the start",
    "p_value": "chance of so strong a trend in values without one (Mann-Kendall, two sides)",
    "tau": "Kendall's tau-b of values and time",
    "count": "values used",
}


def trend(da: xr.DataArray, dim: str = "time", *, confidence: float = 0.95, least: int = 4) -> xr.Dataset:
    """Return the trend of every series.

    Parameters
    ----------
    da : xarray.DataArray
        Numpy or dask; NaN for gaps, as which infinite values count, too.
    dim : str
        Dimension along which the trend is looked for: dates, or rising numbers such as years.
    confidence : float
        Of the limits of the slope, within (0, 1).
    least : int
        Series of fewer values get NaN. Below four values no two-sided test at 5 % can say anything (Kendall 1975).

    Returns
    -------
    xarray.Dataset
        ``slope`` (per year for dates, else per unit of ``dim``) with ``slope_low`` and ``slope_high``, ``intercept``
        (at the first coordinate for dates, at 0 for numbers), ``p_value``, ``tau``, ``count``; float64.

    Raises
    ------
    InputError
        If the dimension is missing, has fewer than two steps, or does not rise.
    """
    if dim not in da.dims:
        raise InputError(f"trend(dim={dim!r}) needs that dimension, got {da.dims}. Name the one of time.")
    if not 0.0 < confidence < 1.0 or least < 2:
        raise InputError(f"trend() needs confidence within (0, 1) and least >= 2, got {confidence} and {least}.")
    times, unit = _times(da, dim)
    lazy = da.chunk({dim: -1}) if da.chunks is not None else da
    made = xr.apply_ufunc(
        _fields,
        lazy,
        kwargs={"times": times, "z": float(special.ndtri(0.5 + 0.5 * confidence)), "least": least},
        input_core_dims=[[dim]],
        output_core_dims=[["layer"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"layer": len(_LAYERS)}},
    )
    return _dressed(made, str(da.attrs.get("units", "")), unit, confidence)


def _times(da: xr.DataArray, dim: str) -> tuple[NDArray[np.float64], str]:
    """Return the coordinate as numbers, dates as years since the first, and the unit of a step."""
    values = da[dim].values
    if np.issubdtype(values.dtype, np.datetime64):
        days = (values - values[:1]) / np.timedelta64(1, "D")
        times, unit = np.asarray(days / _DAYS_A_YEAR, np.float64), "year"
    else:
        times, unit = np.asarray(values, np.float64), "year" if dim == "year" else ""
    if times.size < 2 or not np.isfinite(times).all() or not (np.diff(times) > 0).all():
        raise InputError(f"trend() needs two or more {dim} that rise, got {values}. Sort with da.sortby({dim!r}).")
    return times, unit


def _fields(values: NDArray[Any], *, times: NDArray[np.float64], z: float, least: int) -> NDArray[np.float64]:
    """Return the layers, shape (..., layer)."""
    with np.errstate(invalid="ignore"):
        finite = np.where(np.isfinite(values), values, np.nan)
    found = theil_sen(finite, times, z=z, axis=-1)
    with np.errstate(all="ignore"):
        deviate = (np.abs(found.score) - 1.0).clip(0.0) / np.sqrt(found.variance)
        # A series of one value over and over has no variance and no trend.
        chance = np.where(found.variance > 0, special.erfc(deviate / np.sqrt(2.0)), 1.0)
        pairs = 0.5 * found.number * (found.number - 1.0)
        tau = found.score / np.sqrt(pairs * (pairs - found.ties))
    layers = [found.slope, found.low, found.high, found.intercept, chance, tau]
    enough = found.number >= least
    kept = [np.where(enough, layer, np.nan) for layer in layers]
    return np.stack([*kept, found.number], axis=-1)


def _dressed(made: xr.DataArray, units: str, unit: str, confidence: float) -> xr.Dataset:
    """Split the layers and describe them."""
    rate = " ".join(part for part in (units if units != "1" else "", f"{unit}-1" if unit else "") if part) or "1"
    own = {name: rate for name in ("slope", "slope_low", "slope_high")} | {"intercept": units}
    layers = {}
    for index, (name, text) in enumerate(_LAYERS.items()):
        attrs = {"long_name": text, "units": own.get(name, "1")}
        layers[name] = made.isel(layer=index, drop=True).assign_attrs({k: v for k, v in attrs.items() if v})
    for name in ("slope_low", "slope_high"):
        layers[name].attrs["confidence"] = confidence
    return xr.Dataset(layers)
