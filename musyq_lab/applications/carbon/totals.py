r"""Totals of carbon fluxes over zones with 95 % intervals, the errors of cells going together as stated.

A cell's variance is divided (shares in ``catalogs/carbon.yml``) into a part common to all cells, one common to the
cells of a class of land cover, and one alike over the correlation length
(:mod:`musyq_lab.analysis.correlated`). Errors of the years add up linearly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from musyq_lab.analysis.area import cell_area
from musyq_lab.analysis.correlated import ErrorPart, correlated_total
from musyq_lab.analysis.totals import Z95
from musyq_lab.analysis.zonal import ZoneFractions
from musyq_lab.applications.carbon.constants import constant
from musyq_lab.core.errors import InputError

GRAMS_PER_TERAGRAM = 1e12


def flux_totals(
    flux: xr.DataArray,
    sigma: xr.DataArray,
    zones: ZoneFractions,
    *,
    cover: xr.DataArray | None = None,
    land_share: xr.DataArray | None = None,
) -> pd.DataFrame:
    """Return the total of a flux over each zone.

    Parameters
    ----------
    flux, sigma : DataArray, dims (latitude, longitude)
        Mass of carbon per ground area (g m-2 over any time) and one sigma of it.
    zones : ZoneFractions
        On the grid of the flux.
    cover : DataArray, optional
        Classes of land cover, within which a part of the errors is shared; without them it is shared by all.
    land_share : DataArray, optional
        Share of each cell that the flux holds for; the whole cell by default.

    Returns
    -------
    DataFrame, one row a zone
        ``total``, ``low`` and ``high`` (95 % interval, normal), ``sigma`` and its parts ``sigma_common``,
        ``sigma_class``, ``sigma_regional``: Tg of carbon; ``valid_km2``, the area with a value.

    Raises
    ------
    InputError
        If a field is not on the grid of the zones.
    """
    weight = cell_mass_weight(flux, land_share)
    amount, error = (_values(field, zones) * weight for field in (flux, sigma))
    classes = None if cover is None else np.nan_to_num(_values(cover, zones), nan=-1.0)
    table = correlated_total(amount, zones, error_parts(error, classes))
    table["low"] = table["total"] - Z95 * table["sigma"]
    table["high"] = table["total"] + Z95 * table["sigma"]
    area = weight * GRAMS_PER_TERAGRAM * 1e-6
    table["valid_km2"] = zones.sums(np.where(np.isfinite(amount), area, 0.0))
    return table


def cell_mass_weight(flux: xr.DataArray, land_share: xr.DataArray | None = None) -> Any:
    """Return what turns g m-2 into Tg for each cell, shape (latitude, longitude)."""
    weight = cell_area(flux["latitude"], flux["longitude"]).values / GRAMS_PER_TERAGRAM
    return weight if land_share is None else weight * np.nan_to_num(np.asarray(land_share, float))


def error_parts(sigma: Any, classes: Any = None) -> tuple[ErrorPart, ...]:
    """Return the parts of the errors of cells.

    Parameters
    ----------
    sigma : array_like, shape (latitude, longitude)
        One sigma of each cell's amount.
    classes : array_like, optional
        Class of each cell.
    """
    common, of_class, regional = (np.sqrt(constant(f"{name}_share").value) for name in ("common", "class", "regional"))
    error = np.asarray(sigma, float)
    return (
        ErrorPart("common", common * error),
        ErrorPart("class", of_class * error, groups=classes),
        ErrorPart("regional", regional * error, constant("correlation_length").value),
    )


def _values(field: xr.DataArray, zones: ZoneFractions) -> Any:
    values = np.asarray(field.transpose("latitude", "longitude"), float)
    if values.shape != zones.shape:
        raise InputError(f"The field has the shape {values.shape}, the zones {zones.shape}. Regrid one of them.")
    return values
