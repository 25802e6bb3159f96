"""Anomalies of series of fields against the mean of a baseline, and which of many tests stay significant together."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError

Kind = Literal["absolute", "relative", "standard"]
_WORDS = {
    "absolute": "difference from",
    "relative": "relative difference from",
    "standard": "standard deviations above",
}


def anomaly(
    da: xr.DataArray, dim: str = "time", *, kind: Kind = "absolute", baseline: tuple[Any, Any] | None = None
) -> xr.DataArray:
    """Return how far each step lies from the mean of the baseline; months are compared with their own month.

    Parameters
    ----------
    da : DataArray
        Numpy or dask. Along dates that fall in several months each step is compared with the same calendar month of
        the baseline; along years, or one date a year, with the mean of all.
    dim : str
        Dimension of dates or of years.
    kind : {"absolute", "relative", "standard"}
        Difference; over the mean (NaN where that is not positive); over the standard deviation of the baseline (with
        one degree of freedom taken away; NaN below three values or without any spread).
    baseline : tuple, optional
        First and last step of it, both included; all by default. A calendar month without any step in it is NaN.

    Returns
    -------
    DataArray
        Dimensions as given; units of ``da`` for ``"absolute"``, else 1.

    Raises
    ------
    InputError
        If the dimension or the kind is unknown, the baseline holds no step, or has ends that steps out of order do not.
    """
    if dim not in da.dims:
        raise InputError(f"anomaly(dim={dim!r}) needs that dimension, got {da.dims}. Name the one of time.")
    if kind not in get_args(Kind):
        raise InputError(f"anomaly(kind={kind!r}) is none. Use one of {', '.join(get_args(Kind))}.")
    past = da if baseline is None else _baseline(da, dim, baseline)
    if not past.sizes[dim]:
        raise InputError(f"The baseline {baseline} holds no {dim} of the data. They run {_span(da, dim)}.")
    seasonal = _several_months(da, dim)
    parted: Any = past.groupby(f"{dim}.month") if seasonal else past
    mean, spread = parted.mean(dim), _spread(parted, dim)
    found = (da.groupby(f"{dim}.month") if seasonal else da) - mean
    if kind != "absolute":
        scale = mean.where(mean > 0) if kind == "relative" else spread.where(spread > 0)
        found = (found.groupby(f"{dim}.month") if seasonal else found) / scale
    return _dressed(found.drop_vars("month", errors="ignore").transpose(*da.dims), da, kind, baseline)


def _baseline(da: xr.DataArray, dim: str, baseline: tuple[Any, Any]) -> xr.DataArray:
    try:
        return da.sel({dim: slice(*baseline)})
    except KeyError as error:
        raise InputError(
            f"The steps along {dim} do not rise, so the baseline {baseline} has no ends. Sort them: da.sortby({dim!r})."
        ) from error


def _several_months(da: xr.DataArray, dim: str) -> bool:
    dates = da[dim]
    return np.issubdtype(dates.dtype, np.datetime64) and np.unique(dates.dt.month).size > 1


def _spread(past: Any, dim: str) -> Any:
    enough = past.count(dim) >= 3
    return past.std(dim, ddof=1).where(enough)


def _span(da: xr.DataArray, dim: str) -> str:
    return f"from {da[dim].values[0]} to {da[dim].values[-1]}" if da.sizes[dim] else "nowhere: there are none"


def _dressed(found: xr.DataArray, da: xr.DataArray, kind: Kind, baseline: tuple[Any, Any] | None) -> xr.DataArray:
    of = str(da.attrs.get("long_name") or da.name or "value")
    span = "all steps" if baseline is None else f"{baseline[0]} to {baseline[1]}"
    attrs = {"long_name": f"{of}: {_WORDS[kind]} the mean of {span}", "units": "1"}
    if kind == "absolute":
        attrs["units"] = str(da.attrs.get("units", ""))
    # Limits, standard names and flags of the values do not hold for their anomalies.
    kept = {"grid_mapping": da.attrs["grid_mapping"]} if "grid_mapping" in da.attrs else {}
    found = found.rename(da.name)
    found.attrs = kept | {key: text for key, text in attrs.items() if text}
    return found


def false_discovery(p_value: xr.DataArray, rate: float = 0.1) -> xr.DataArray:
    r"""Return which of many tests are significant when the share of false ones among them is held down.

    Tests of every cell of a map at 5 % find "trends" in 5 % of the cells where there are none. Here the k smallest
    probabilities are significant with the largest k for which :math:`p_{(k)} \le \alpha k / N` (Benjamini and
    Hochberg 1995). For fields with the correlation of weather the rate may be twice the level that is wanted for the
    map as a whole (Wilks 2016, doi:10.1175/BAMS-D-15-00267.1), so that 0.1 stands for 5 %.

    Parameters
    ----------
    p_value : DataArray
        Probabilities; NaN are no tests.
    rate : float
        Largest expected share of false discoveries, within (0, 1).

    Returns
    -------
    DataArray of bool
        True where significant.

    Raises
    ------
    InputError
        If the rate is out of its range or a probability is.
    """
    if not 0.0 < rate < 1.0:
        raise InputError(f"false_discovery(rate={rate}) needs a share within (0, 1).")
    chances = np.asarray(p_value.values, float)
    tests = np.sort(chances[np.isfinite(chances)])
    if tests.size and (tests[0] < 0 or tests[-1] > 1):
        raise InputError(f"Probabilities lie within 0 and 1, got {tests[0]:g} to {tests[-1]:g}.")
    passed = np.flatnonzero(tests <= rate * np.arange(1, tests.size + 1) / max(tests.size, 1))
    limit = tests[passed[-1]] if passed.size else -1.0
    with np.errstate(invalid="ignore"):
        found = chances <= limit
    attrs = {"long_name": f"significant with at most {100 * rate:g} % false discoveries", "units": "1", "limit": limit}
    return p_value.copy(data=found).assign_attrs(attrs)
