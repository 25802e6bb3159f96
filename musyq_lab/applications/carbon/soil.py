r"""Heterotrophic respiration and net ecosystem production as scenarios, none of which is the truth.

.. math:: NEP = NPP - R_h

``pei2009``
    Temperature and rain of the month (:func:`musyq_lab.kernels.respiration.pei`).
``raich2002``, ``raich2002_2010``
    Soil respiration :math:`R_s` from temperature and rain of the month; the heterotrophic share by a relation of annual
    sums, :math:`\ln R_h = a + b \ln R_s`, the months having the share of their year.
``ratio``
    :math:`NEP = r\,NPP` with a share r from published totals of the globe.

None knows fire, harvest or how much carbon a soil holds: where a stock is far from balance all of them are wrong.
Positive NEP is a sink.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from musyq_lab.applications.carbon.constants import constant, entry, table
from musyq_lab.applications.carbon.steps import DAYS
from musyq_lab.core.errors import InputError
from musyq_lab.kernels import respiration

SCENARIOS = ("pei2009", "raich2002", "raich2002_2010", "ratio")
"""In the order of tables and figures."""
_RELATIONS = {
    "raich2002": ("raich_intercept", "raich_slope"),
    "raich2002_2010": ("raich_2010_intercept", "raich_2010_slope"),
}
_FIRST = "raich2002"
_NEEDS = ("air_temperature", "precipitation")


def heterotrophic(monthly: xr.Dataset, scenario: str) -> xr.DataArray:
    """Return the heterotrophic respiration of each month.

    Parameters
    ----------
    monthly : Dataset, dims (time, ...)
        ``air_temperature`` (K) and ``precipitation`` (mm d-1), means of calendar months, and ``days``; for ``"ratio"``
        ``npp`` (g m-2 d-1) instead.
    scenario : str
        One of :data:`SCENARIOS`.

    Returns
    -------
    DataArray
        g m-2 d-1, as mass of carbon.

    Raises
    ------
    NotFoundError
        If there is no such scenario.
    InputError
        If what it needs is missing.
    """
    entry("scenarios", scenario)
    needs = ("npp",) if scenario == "ratio" else _NEEDS
    if missing := [name for name in needs if name not in monthly]:
        raise InputError(
            f"The scenario {scenario!r} needs {' and '.join(missing)}, which the fields lack. Add it, or choose "
            f"{'another scenario' if scenario == 'ratio' else repr('ratio')}."
        )
    if scenario == "ratio":
        made = (1.0 - constant("sink_ratio").value) * monthly["npp"]
    elif scenario == "pei2009":
        made = _kernel(respiration.pei, monthly)
    else:
        made = _of_year(_kernel(respiration.raich, monthly, 0.0, 1.0), monthly[DAYS], *_RELATIONS[scenario])
    attrs = {"long_name": f"heterotrophic respiration, scenario {scenario}", "units": "g m-2 d-1"}
    return made.astype(np.float32).rename("heterotrophic_respiration").assign_attrs(attrs)


def _kernel(kernel: object, monthly: xr.Dataset, *constants: float) -> xr.DataArray:
    fields = [monthly[name] for name in _NEEDS]
    made: xr.DataArray = xr.apply_ufunc(
        lambda *arrays: kernel(*arrays, *constants),  # type: ignore[operator]
        *fields,
        dask="parallelized",
        output_dtypes=[np.result_type(*(field.dtype for field in fields))],
    )
    return made


def _of_year(soil: xr.DataArray, days: xr.DataArray, intercept: str, slope: str) -> xr.DataArray:
    """Return the heterotrophic part of soil respiration by the relation of annual sums.

    With intercept 0 and slope 1 the kernel gives soil respiration itself. A year that is covered in part has the rate
    of its covered days.
    """
    a, b = constant(intercept).value, constant(slope).value
    years = soil["time"].dt.year
    weight = days.where(soil.notnull(), 0.0)
    covered = weight.groupby(years).sum("time")
    annual = 365.0 * (soil.fillna(0.0) * weight).groupby(years).sum("time") / covered.where(covered > 0)
    share = (np.exp(a) * annual**b / annual.where(annual > 0)).fillna(0.0)
    made: xr.DataArray = (soil.groupby(years) * share).drop_vars("year", errors="ignore")
    return made.transpose(*soil.dims)


def balance(monthly: xr.Dataset, scenarios: Sequence[str] = SCENARIOS) -> xr.Dataset:
    """Return the heterotrophic respiration and the net ecosystem production of each month and scenario.

    Parameters
    ----------
    monthly : Dataset, dims (time, ...)
        ``npp`` (g m-2 d-1) and what the scenarios need.
    scenarios : sequence of str
        Of :data:`SCENARIOS`; those whose inputs are missing are left out, unless none is left.

    Returns
    -------
    Dataset
        ``heterotrophic_respiration`` and ``nep`` (scenario, time, ...), g m-2 d-1. Respiration counts where net
        production is known.
    """
    able = [s for s in scenarios if s == "ratio" or all(name in monthly for name in _NEEDS)]
    if not able:
        raise InputError(f"None of the scenarios {', '.join(scenarios)} can be made without temperature and rain.")
    soil = xr.concat([heterotrophic(monthly, name) for name in able], "scenario")
    soil = soil.assign_coords(scenario=np.array(able, object)).where(monthly["npp"].notnull())
    nep = (monthly["npp"] - soil).transpose(*soil.dims)
    nep = nep.assign_attrs(long_name="net ecosystem production by scenario, positive for a sink", units="g m-2 d-1")
    soil = soil.assign_attrs(long_name="heterotrophic respiration by scenario", units="g m-2 d-1")
    return xr.Dataset({"heterotrophic_respiration": soil, "nep": nep.astype(np.float32)})


def scenario_of(annual: xr.Dataset, asked: str | None = None) -> str:
    """Return the scenario to show: what is asked for, else ``raich2002``, else the first that could be made.

    Parameters
    ----------
    annual : Dataset
        Annual fluxes along ``scenario``; without weather only ``ratio`` can be made.
    asked : str, optional
        Name.
    """
    made = [str(name) for name in annual["scenario"].values]
    return asked or (_FIRST if _FIRST in made else made[0])


def scenario_title(name: str, language: str = "en") -> str:
    """Return a scenario in words."""
    title: str = entry("scenarios", name)["title"][language]
    return title


def scenario_table() -> list[dict[str, object]]:
    """Return the scenarios with title, doi and whether the formula was read in its source."""
    return [{"scenario": key, **row, "title": row["title"]["en"]} for key, row in table()["scenarios"].items()]
