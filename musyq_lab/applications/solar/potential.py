r"""Photovoltaic technical potential of each cell, with uncertainty and quality bits.

.. math:: E = A\, s_{cover}\, s_{slope}\, [H > H_{min}]\, P\, Y

area A, share the land cover leaves, share flat enough, threshold of annual GHI (if the method has one), installed
power P per area of suitable ground, and yield Y per installed kilowatt. Per square kilometre it is a density in
GWh km-2 a-1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.applications.solar.constants import DAYS_OF_MONTH, constant, entry
from musyq_lab.applications.solar.irradiance import NIGHT
from musyq_lab.applications.solar.suitability import (
    SCENARIOS,
    ground_cover,
    land_cover_factor,
    land_share,
    slope,
    slope_share,
)
from musyq_lab.applications.solar.yields import pv_yield
from musyq_lab.core.attributes import (
    global_attributes,
    history_line,
    quality_attributes,
    uncertainty_attributes,
    variable_attributes,
)
from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import FIRST_OWN_BIT, INPUT_MISSING, QA_DTYPE, Flag
from musyq_lab.core.spec import Product, Variable
from musyq_lab.products.dsr import INDEX_FROM_NEIGHBOUR
from musyq_lab.products.dsr import POLAR_NIGHT as NIGHT_OF_MONTH
from musyq_lab.products.dsr import SPEC as DSR_SPEC

SLOPE_ESTIMATED = Flag(FIRST_OWN_BIT, "slope_estimated", "slopes were estimated from coarse terrain")
SOURCE_FILLED = Flag(
    FIRST_OWN_BIT + 1, "source_filled", "no source cell lies here, so the clear-sky index comes from the nearest one"
)
POLAR_NIGHT = Flag(FIRST_OWN_BIT + 2, "polar_night", "there is polar night in at least one month")
NOT_SUITABLE = Flag(
    FIRST_OWN_BIT + 3, "not_suitable", "land cover, slope or radiation leave no land, so the value is zero"
)
NO_LAND = Flag(FIRST_OWN_BIT + 4, "no_land", "the cell is water")

_JOULE = "10.1016/j.joule.2019.06.006"

POTENTIAL_SPEC = Product(
    key="pv_potential",
    title="Photovoltaic technical potential",
    variables=(
        Variable(
            "pv_potential", "photovoltaic technical potential", "GWh km-2 a-1",
            valid_range=(0.0, 600.0), dtype="float32", colour_map="inferno", references=(_JOULE,),
        ),
        Variable(
            "pv_yield", "yield of fixed photovoltaics at optimum tilt per installed kilowatt", "kWh kW-1 a-1",
            valid_range=(0.0, 3000.0), scale=0.1, colour_map="inferno", references=("10.1016/j.solener.2018.04.030",),
        ),
        Variable(
            "suitable_share", "share of the cell suitable for photovoltaics", "1",
            valid_range=(0.0, 1.0), scale=1e-4, colour_map="viridis", references=(_JOULE,),
        ),
    ),
    inputs=(),
    editions=("0p25deg",),
    stage="application",
    methods=("joule2019", "hoogwijk2004"),
    flags=(SLOPE_ESTIMATED, SOURCE_FILLED, POLAR_NIGHT, NOT_SUITABLE, NO_LAND),
    references=("10.3974/geodp.2017.04.04", _JOULE),
)  # fmt: skip

CLIMATOLOGY_SPEC = Product(
    key="dsr",
    title="Downward shortwave radiation, monthly and annual climatology",
    variables=(
        *DSR_SPEC.variables,
        Variable(
            "dsr_annual", "annual sum of downward shortwave radiation at the surface", "MJ m-2 a-1",
            standard_name="", valid_range=(0.0, 12000.0), scale=0.5, colour_map="inferno",
        ),
    ),
    inputs=DSR_SPEC.inputs,
    editions=("0p25deg",),
    stage="climatology",
    methods=DSR_SPEC.methods,
    flags=DSR_SPEC.flags,
    references=DSR_SPEC.references,
)  # fmt: skip

KWH_PER_MJ = 1.0 / 3.6
_HALF = 0.5  # share of an interpolation below which most of it is filled in


def month_lengths(data: xr.DataArray) -> xr.DataArray:
    """Return the mean length of the months of a climatology, seconds."""
    return xr.DataArray(np.array(DAYS_OF_MONTH)[data.month.values - 1] * 86400.0, coords={"month": data.month})


def annual_sum(monthly: xr.DataArray) -> xr.DataArray:
    """Return the annual sum (MJ m-2 a-1) of monthly mean irradiance (W m-2); NaN where a month is missing."""
    total = (monthly.astype(np.float64) * month_lengths(monthly)).sum("month", min_count=12) * 1e-6
    return total.assign_attrs(units="MJ m-2 a-1", long_name="annual sum of downward shortwave radiation")


def climatology(
    dsr: xr.Dataset, *, clear_sky: xr.DataArray | None = None, index: xr.Dataset | None = None
) -> xr.Dataset:
    """Return the archived product: monthly irradiance as retrieved and its annual sum, both with uncertainty.

    Parameters
    ----------
    dsr : Dataset
        ``dsr`` (month, latitude, longitude; W m-2), ``dsr_uncertainty``, ``dsr_qa``, as ``retrieve("dsr", ...)`` gives.
    clear_sky : DataArray, dims (month, latitude, longitude), optional
        Clear-sky irradiance, W m-2; where it vanishes the polar-night bit is set.
    index : Dataset, optional
        Result of :func:`~musyq_lab.applications.solar.irradiance.clear_sky_index`; where less than half of the
        interpolation rests on source cells, the bit of the neighbour's index is set.

    Notes
    -----
    The error is mostly common to all months (the source's bias), so the uncertainties of the months add linearly.
    """
    out = dsr[[n for n in ("dsr", "dsr_uncertainty", "dsr_qa") if n in dsr]].copy()
    if clear_sky is not None:
        out["dsr_qa"] = _flagged(out["dsr_qa"], clear_sky <= NIGHT, NIGHT_OF_MONTH)
    if index is not None:
        out["dsr_qa"] = _flagged(out["dsr_qa"], index["source_share"] < _HALF, INDEX_FROM_NEIGHBOUR)
    out["dsr_annual"] = annual_sum(dsr["dsr"]).astype(np.float32)
    out["dsr_annual_uncertainty"] = annual_sum(dsr["dsr_uncertainty"]).astype(np.float32)
    variable = CLIMATOLOGY_SPEC.variable("dsr_annual")
    out["dsr_annual"].attrs = variable_attributes(variable, CLIMATOLOGY_SPEC.qa_name)
    out["dsr_annual_uncertainty"].attrs = uncertainty_attributes(variable)
    out.attrs = {**dsr.attrs, "product": CLIMATOLOGY_SPEC.key, "title": CLIMATOLOGY_SPEC.title}
    return out


def _flagged(qa: xr.DataArray, where: xr.DataArray, flag: Flag) -> xr.DataArray:
    """Set a flag's bit where a condition holds."""
    bits = qa | where.astype(QA_DTYPE) * QA_DTYPE.type(flag.mask)
    flagged: xr.DataArray = bits.astype(QA_DTYPE).transpose(*qa.dims).assign_attrs(qa.attrs)
    return flagged


def suitable_shares(
    land_cover: xr.DataArray, altitude: xr.DataArray, annual: xr.DataArray, *, method: str = "joule2019"
) -> xr.Dataset:
    """Return the suitable share of each cell in the three scenarios of a method.

    Parameters
    ----------
    land_cover, altitude : DataArray, dims (latitude, longitude)
        IGBP classes; terrain in m, on grids of their own.
    annual : DataArray, dims (latitude, longitude)
        Annual GHI, MJ m-2 a-1; its grid is that of the result.
    method : str
        Row of ``suitability`` in ``catalogs/solar.yml``.

    Returns
    -------
    Dataset
        ``conservative``, ``moderate``, ``liberal`` (1); ``slope_share`` and ``slope_share_uncertainty`` of the moderate
        one; attributes ``method`` and ``relief_factor``.
    """
    rules = entry("suitability", method)
    enough = annual * KWH_PER_MJ > rules["ghi_threshold"]
    out = xr.Dataset()
    steepness = slope(altitude)
    for scenario in SCENARIOS:
        flat = slope_share(steepness, annual, rules["slope_limit"][scenario])
        cover = land_cover_factor(land_cover, annual, method, scenario)
        out[scenario] = (cover * flat["slope_share"]).where(enough, 0.0).where(cover.notnull() & annual.notnull())
        out[scenario].attrs = {"units": "1", "long_name": f"share of the cell suitable for photovoltaics, {scenario}"}
        if scenario == "moderate":
            out = out.assign(flat.data_vars)
            out.attrs = {"method": method, "relief_factor": flat.attrs["relief_factor"]}
    out["land_share"] = land_share(land_cover, annual)
    return out.astype(np.float32)


def technical_potential(
    dsr: xr.Dataset,
    clear_sky: xr.DataArray,
    shares: xr.Dataset,
    *,
    altitude: xr.DataArray,
    index: xr.Dataset | None = None,
    temperature: xr.DataArray | None = None,
    chain: str = "gsa",
    transposition: str = "haydavies",
    power_density: float | str | None = None,
) -> xr.Dataset:
    """Return yield, suitable share and technical potential of each cell.

    Parameters
    ----------
    dsr : Dataset
        Result of :func:`climatology`.
    clear_sky : DataArray, dims (month, latitude, longitude)
        Clear-sky irradiance, W m-2.
    shares : Dataset
        Result of :func:`suitable_shares`.
    altitude : DataArray, dims (latitude, longitude)
        Altitude on the same grid, m.
    index : Dataset, optional
        Result of :func:`~musyq_lab.applications.solar.irradiance.clear_sky_index` for the spread of the days and the
        cells without source.
    temperature, chain, transposition
        As in :func:`~musyq_lab.applications.solar.yields.pv_yield`.
    power_density : float or "rows", optional
        Installed power on suitable ground, W m-2; ``"rows"`` is module efficiency times the area that rows without
        mutual shade leave (:func:`~musyq_lab.applications.solar.suitability.ground_cover`); by default what the method
        of suitability states in ``catalogs/solar.yml``.

    Returns
    -------
    Dataset
        Layers of :data:`POTENTIAL_SPEC`.
    """
    share = shares["moderate"]
    spread = None if index is None else index.get("clear_sky_index_spread")
    monthly = pv_yield(
        dsr["dsr"], clear_sky, altitude=altitude, spread=spread, temperature=temperature, chain=chain,
        transposition=transposition, where=shares["land_share"] > 0,
    )  # fmt: skip
    out = xr.Dataset({"pv_yield": monthly.sum("month", min_count=12)})
    density = installed_density(share, shares.attrs.get("method", ""), power_density)
    # kWh kW-1 a-1 x kW m-2 of suitable ground x share = kWh m-2 a-1 = GWh km-2 a-1.
    land = shares["land_share"] > 0
    out["pv_potential"] = (out["pv_yield"].fillna(0.0) * density * 1e-3 * share).where(land & share.notnull())
    share = share.where(land)
    out["suitable_share"] = share
    _add_uncertainty(out, dsr, shares, temperature is not None)
    out[POTENTIAL_SPEC.qa_name] = _quality(out, dsr, shares, index, clear_sky)
    parameters = {"method": shares.attrs.get("method", ""), "chain": chain, "transposition": transposition,
                  "power_density": power_density or "method",
                  "relief_factor": shares.attrs.get("relief_factor", 1.0)}  # fmt: skip
    return _described(out.map(lambda layer: layer if layer.dtype == QA_DTYPE else layer.astype(np.float32)), parameters)


def installed_density(share: xr.DataArray, method: str, choice: float | str | None) -> xr.DataArray:
    """Return the power that suitable ground carries, W m-2 (see :func:`technical_potential`).

    Raises
    ------
    InputError
        If the choice is neither ``"rows"`` nor a positive number.
    """
    stated = entry("suitability", method).get("power_density") if method else None
    wanted = choice if choice is not None else (stated or "rows")
    if wanted == "rows":
        values = 1000.0 * constant("module_efficiency").value * ground_cover(share.latitude.values)
    elif isinstance(wanted, int | float) and wanted > 0:
        values = np.full(share.sizes["latitude"], float(wanted))
    else:
        raise InputError(f"power_density is {wanted!r}. Give W m-2 (such as 88), or 'rows'.")
    return xr.DataArray(values, coords={"latitude": share.latitude}, attrs={"units": "W m-2"})


def relative_sigmas(dsr: xr.Dataset, temperature_given: bool = False) -> dict[str, Any]:
    """Return the relative one-sigma errors of the yield by cause, each common to all cells but ``local``.

    ``ghi``: common error of the source (stations); ``local``: what the retrieval adds to it; ``chain``: transposition
    and module model; ``temperature``: 0.4 % a kelvin (crystalline silicon) of the zonal profile's error.
    """
    relative = dsr["dsr_annual_uncertainty"] / dsr["dsr_annual"].where(dsr["dsr_annual"] > 0)
    ghi = constant("ghi_common_relative_sigma").value
    kelvin = np.hypot(constant("air_temperature_profile_sigma").value, constant("air_temperature_excess").sigma)
    return {
        "ghi": ghi,
        "local": np.sqrt(np.maximum(relative**2 - ghi**2, 0.0)),
        "chain": constant("yield_model_relative_sigma").value,
        "temperature": 0.0 if temperature_given else 0.004 * float(kelvin),
    }


def density_sigma() -> float:
    """Return the relative one-sigma error of the installed power on suitable ground: efficiency and packing."""
    row = constant("module_efficiency")
    return float(np.hypot(row.sigma / row.value, constant("packing_relative_sigma").value))


def _add_uncertainty(out: xr.Dataset, dsr: xr.Dataset, shares: xr.Dataset, temperature_given: bool) -> None:
    parts = relative_sigmas(dsr, temperature_given)
    relative = np.sqrt(sum(value**2 for value in parts.values()))
    out["pv_yield_uncertainty"] = out["pv_yield"] * relative
    # The range of the scenarios is read as a 95 % interval of the share.
    scenario = (shares["liberal"] - shares["conservative"]) / (2 * 1.96)
    slope = out["suitable_share"] * shares["slope_share_uncertainty"] / shares["slope_share"].clip(min=0.05)
    out["suitable_share_uncertainty"] = np.hypot(scenario, slope)
    whole = np.hypot(relative, density_sigma())
    density = out["pv_potential"] / out["suitable_share"].where(out["suitable_share"] > 0)
    out["pv_potential_uncertainty"] = np.hypot(
        out["pv_potential"] * whole, (density * out["suitable_share_uncertainty"]).fillna(0.0)
    ).where(out["pv_potential"].notnull())


def _quality(
    out: xr.Dataset, dsr: xr.Dataset, shares: xr.Dataset, index: xr.Dataset | None, clear_sky: xr.DataArray
) -> xr.DataArray:
    conditions = {
        INPUT_MISSING: shares["moderate"].isnull(),
        NO_LAND: shares["land_share"] == 0,
        SLOPE_ESTIMATED: xr.full_like(out["pv_potential"], shares.attrs.get("relief_factor", 1.0) > 1.0, bool),
        POLAR_NIGHT: (clear_sky <= NIGHT).any("month"),
        NOT_SUITABLE: out["suitable_share"] == 0,
    }
    if index is not None and "source_share" in index:
        conditions[SOURCE_FILLED] = (index["source_share"] < _HALF).all("month")
    qa = xr.zeros_like(out["pv_potential"], QA_DTYPE)
    for flag, where in conditions.items():
        qa = qa | (where * flag.mask).astype(QA_DTYPE)
    return qa.astype(QA_DTYPE).transpose("latitude", "longitude").drop_vars("month", errors="ignore")


def _described(out: xr.Dataset, parameters: dict[str, Any]) -> xr.Dataset:
    for variable in POTENTIAL_SPEC.variables:
        out[variable.name].attrs = variable_attributes(variable, POTENTIAL_SPEC.qa_name)
        out[variable.uncertainty_name].attrs = uncertainty_attributes(variable)
    out[POTENTIAL_SPEC.qa_name].attrs = quality_attributes(POTENTIAL_SPEC)
    out.attrs = global_attributes(
        POTENTIAL_SPEC, method=str(parameters["method"]), history=history_line("solar.technical_potential", parameters)
    )
    return out
