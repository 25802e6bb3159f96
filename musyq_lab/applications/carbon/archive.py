"""The annual fluxes as product files: one a year, and one of the mean and the trend."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from musyq_lab.applications.carbon.steps import DAYS, days_in_year
from musyq_lab.core.attributes import (
    global_attributes,
    history_line,
    quality_attributes,
    uncertainty_attributes,
    variable_attributes,
)
from musyq_lab.core.quality import FIRST_OWN_BIT, INPUT_MISSING, QA_DTYPE, Flag
from musyq_lab.core.spec import Product, Variable

PARTLY_COVERED = Flag(FIRST_OWN_BIT, "partly_covered", "the sum is of a part of the year only")
SCENARIO = Flag(FIRST_OWN_BIT + 1, "scenario", "the balance rests on one scenario of heterotrophic respiration")


def _annual(name: str, long_name: str, low: float, colour_map: str) -> Variable:
    limits = (low, 8000.0)
    return Variable(name, long_name, "g m-2 a-1", valid_range=limits, dtype="float32", colour_map=colour_map)


CARBON_SPEC = Product(
    key="carbon",
    title="Annual carbon fluxes of land",
    variables=(
        _annual("gpp_annual", "annual gross primary production as mass of carbon", 0.0, "YlGn"),
        _annual("npp_annual", "annual net primary production as mass of carbon", -4000.0, "YlGn"),
        _annual(
            "nep_annual", "annual net ecosystem production as mass of carbon, positive for a sink", -8000.0, "BrBG"
        ),
    ),
    inputs=(),
    editions=("1km", "5km", "30m"),
    stage="application",
    methods=("mod17", "musyq", "pmodel"),
    flags=(PARTLY_COVERED, SCENARIO),
    references=("10.1016/j.rse.2004.12.011",),
)
"""Product of the job."""


def carbon_products(annual: xr.Dataset, *, scenario: str, method: str) -> Iterator[tuple[str, xr.Dataset]]:
    """Yield label and Dataset of each year's product.

    Parameters
    ----------
    annual : Dataset
        Result of :func:`~musyq_lab.applications.carbon.fluxes.annual_fluxes`.
    scenario : str
        Whose balance is written.
    method : str
        Method of the job.
    """
    for year in annual["year"].values:
        fluxes = annual.sel(year=year, scenario=scenario, drop=True)
        partly = int(annual[DAYS].sel(year=year)) < days_in_year(int(year))
        out = xr.Dataset()
        for variable in CARBON_SPEC.variables:
            name = variable.name.removesuffix("_annual")
            out[variable.name] = fluxes[name].assign_attrs(variable_attributes(variable, CARBON_SPEC.qa_name))
            sigma = fluxes[f"{name}_uncertainty"].where(fluxes[name].notnull())
            out[variable.uncertainty_name] = sigma.assign_attrs(uncertainty_attributes(variable))
        bits = fluxes["gpp"].isnull() * INPUT_MISSING.mask + SCENARIO.mask + partly * PARTLY_COVERED.mask
        out[CARBON_SPEC.qa_name] = bits.astype(QA_DTYPE).assign_attrs(quality_attributes(CARBON_SPEC))
        history = history_line("carbon.carbon_products", {"method": method, "scenario": scenario})
        out.attrs = global_attributes(CARBON_SPEC, method=method, history=history)
        plain = out.drop_vars([name for name in out.coords if name not in out.dims])
        yield (
            str(int(year)),
            plain.map(lambda layer: layer if layer.dtype == QA_DTYPE else layer.astype(np.float32), keep_attrs=True),
        )
