r"""Gross, net and ecosystem production of each month and year from fields of leaves, light, weather and land cover.

Net production of a year follows MOD17, growth respiration being taken from the sums of the year,

.. math:: NPP = K - g \max(K, 0), \qquad K = \sum (GPP - R_m)

with the largest leaf area of each calendar year for the wood. Errors of the months add up linearly: they come from the
method, the land cover and calibrations, which do not change from month to month.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.applications.carbon.constants import constant, table
from musyq_lab.applications.carbon.soil import SCENARIOS, balance
from musyq_lab.applications.carbon.steps import DAYS, days_in_year, monthly, with_days
from musyq_lab.core.errors import InputError
from musyq_lab.products._retrieve import retrieve

METHODS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"mod17": ("mod17", "mod17"), "musyq": ("musyq", "musyq"), "pmodel": ("pmodel", "mod17")}
)
"""Method of the job -> methods of gross and of net production."""
_FLUXES = ("gpp", "npp", "maintenance_respiration")
_WEATHER = ("air_temperature", "precipitation")
LEAST = 0.9
"""Share of a year's covered days that must have a value; fewer, and the cell has none."""


def step_fluxes(fields: xr.Dataset, *, method: str = "mod17") -> xr.Dataset:
    """Return gross and net production and maintenance respiration of each step.

    Parameters
    ----------
    fields : Dataset, dims (time, ...)
        Inputs of :mod:`~musyq_lab.products.gpp` and :mod:`~musyq_lab.products.npp` by name, with ``<name>_uncertainty``
        where known; ``gpp`` and ``npp`` themselves are taken as they are.
    method : {"mod17", "musyq", "pmodel"}
        ``"pmodel"`` has the respiration of MOD17.

    Returns
    -------
    Dataset
        ``gpp``, ``npp`` (g m-2 d-1, as mass of carbon) with ``_uncertainty`` and ``_qa``, ``maintenance_respiration``
        where it was made here, ``days``, and the ``land_cover`` used.

    Raises
    ------
    InputError
        If the method is unknown or an input is missing.
    """
    if method not in METHODS:
        raise InputError(f"method={method!r} is none of {', '.join(METHODS)}.")
    data = with_days(with_stand_ins(fields))
    gross, net = METHODS[method]
    if "gpp" not in data:
        data = data.assign(_layers(retrieve("gpp", data, method=gross, variables=["gpp"])))
    if "npp" not in data:
        ready = data.assign(lai_maximum=_largest(data["lai"])) if "lai" in data else data
        made = retrieve("npp", ready, method=net, variables=["npp", "maintenance_respiration"])
        data = data.assign(_layers(made))
    kept = [name for key in _FLUXES for name in (key, f"{key}_uncertainty", f"{key}_qa") if name in data]
    return data[[*kept, *(name for name in (*_WEATHER, "land_cover") if name in data)]]


def _layers(made: xr.Dataset) -> dict[str, Any]:
    return {str(name): layer for name, layer in made.data_vars.items()}


def with_stand_ins(fields: xr.Dataset) -> xr.Dataset:
    """Return the fields with classes of land cover that MOD17 has no parameters for taken for similar ones."""
    if "land_cover" not in fields:
        return fields
    cover = fields["land_cover"]
    for given, used in table()["stand_ins"].items():
        cover = cover.where(cover != given, used)
    return fields.assign(land_cover=cover.assign_attrs(fields["land_cover"].attrs))


def _largest(lai: xr.DataArray) -> xr.DataArray:
    """Return the largest leaf area of the calendar year at each step."""
    of_year = lai.groupby("time.year").max("time")
    years = lai["time"].dt.year
    return of_year.sel(year=years).drop_vars("year").transpose(*lai.dims).assign_attrs(lai.attrs)


def monthly_fluxes(steps: xr.Dataset, scenarios: tuple[str, ...] = SCENARIOS) -> xr.Dataset:
    """Return the means of calendar months with the scenarios of the balance.

    Parameters
    ----------
    steps : Dataset
        Result of :func:`step_fluxes`.
    scenarios : tuple of str
        See :func:`~musyq_lab.applications.carbon.soil.balance`.
    """
    fluxes = steps.drop_vars([name for name in steps.data_vars if str(name).endswith("_qa")])
    months = monthly(fluxes)
    return months.assign(balance(months, scenarios).data_vars)


def annual_fluxes(months: xr.Dataset, *, method: str = "mod17") -> xr.Dataset:
    """Return the sums of each year.

    Parameters
    ----------
    months : Dataset
        Result of :func:`monthly_fluxes`.
    method : str
        As for :func:`step_fluxes`: with ``"mod17"`` growth respiration is that of the year.

    Returns
    -------
    Dataset, dims (year, ...)
        ``gpp``, ``npp`` and ``nep`` (scenario, year, ...) with ``_uncertainty``, ``heterotrophic_respiration``
        (scenario, year, ...): g m-2 a-1 where all years are whole, else g m-2 over the days covered; ``days``, the
        coordinate, says how many.

    Notes
    -----
    Where up to a tenth of the days have no value, the others stand for them; where more lack, the year has none.
    """
    sums = _Sums(months)
    out = xr.Dataset({"gpp": sums.of(months["gpp"])})
    if "maintenance_respiration" in months and METHODS[method][1] == "mod17":
        left = sums.of(months["gpp"] - months["maintenance_respiration"])
        out["npp"] = left - constant("growth_share").value * left.clip(min=0.0)
    else:
        out["npp"] = sums.of(months["npp"])
    for name in ("gpp", "npp"):
        sigma = months.get(f"{name}_uncertainty")
        out[f"{name}_uncertainty"] = xr.zeros_like(out[name]) if sigma is None else sums.of(sigma)
    _add_balance(out, months, sums)
    return _dressed(out.astype(np.float32), sums.days)


class _Sums:
    """Sums over the years of monthly means."""

    def __init__(self, months: xr.Dataset) -> None:
        self.years: xr.DataArray = months["time"].dt.year
        self.length: xr.DataArray = months[DAYS]
        self.days: xr.DataArray = self.length.groupby(self.years).sum("time")

    def of(self, field: xr.DataArray) -> xr.DataArray:
        known = self.length.where(field.notnull(), 0.0).groupby(self.years).sum("time")
        summed = (field.fillna(0.0).astype(np.float64) * self.length).groupby(self.years).sum("time")
        made: xr.DataArray = (summed * self.days / known.where(known > 0)).where(known >= LEAST * self.days)
        dims = ["year" if dim == "time" else dim for dim in field.dims]
        return made.transpose(*dims)


def _add_balance(out: xr.Dataset, months: xr.Dataset, sums: _Sums) -> None:
    soil = sums.of(months["heterotrophic_respiration"])
    ratio = soil["scenario"] == "ratio"
    share = constant("sink_ratio")
    # The share is of the net production of the year, which is not the sum of the months' where growth is.
    kept = 1.0 - share.value
    soil = xr.where(ratio, kept * out["npp"], soil).transpose(*soil.dims)  # type: ignore[no-untyped-call]
    out["heterotrophic_respiration"] = soil
    out["nep"] = (out["npp"] - soil).transpose(*soil.dims)
    of_soil = constant("respiration_relative_sigma").value * soil
    by_ratio = np.hypot(share.value * out["npp_uncertainty"], share.sigma * np.abs(out["npp"]))
    other = np.hypot(out["npp_uncertainty"], of_soil)
    sigma = xr.where(ratio, by_ratio, other)  # type: ignore[no-untyped-call]
    out["nep_uncertainty"] = sigma.transpose(*soil.dims)


_NAMES = MappingProxyType(
    {
        "gpp": "gross primary production",
        "npp": "net primary production",
        "nep": "net ecosystem production by scenario, positive for a sink",
        "heterotrophic_respiration": "heterotrophic respiration by scenario",
    }
)


def _dressed(out: xr.Dataset, days: xr.DataArray) -> xr.Dataset:
    whole = all(int(days.sel(year=year)) == days_in_year(int(year)) for year in days["year"].values)
    units = "g m-2 a-1" if whole else "g m-2"
    for name, layer in out.data_vars.items():
        key = str(name).removesuffix("_uncertainty")
        sigma = "one standard uncertainty of " if key != name else ""
        layer.attrs = {"long_name": f"{sigma}{_NAMES[key]} as mass of carbon", "units": units}
    return out.assign_coords({DAYS: ("year", days.values, {"units": "d", "long_name": "days covered"})})


def is_whole(annual: xr.Dataset) -> bool:
    """Return whether all years of :func:`annual_fluxes` are covered from the first to the last day."""
    return str(annual["gpp"].attrs["units"]) == "g m-2 a-1"
