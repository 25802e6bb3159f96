"""Regional means of the irradiance: through the year, and beside the source it was made from."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr

from musyq_lab.analysis.area import cell_area
from musyq_lab.analysis.regions import Region, region_keys, resolve_region
from musyq_lab.analysis.zonal import region_mask
from musyq_lab.applications.solar.irradiance import ghi_climatology
from musyq_lab.applications.solar.potential import annual_sum
from musyq_lab.standard.regrid import regrid

_KWH_PER_DAY = 0.024  # of a mean power of 1 W
_MOSTLY = 0.9  # share of a region's land on one side of the equator that makes it belong there
_WIDTH_95 = 1.96


def source_comparison(dsr: xr.Dataset, places: Iterable[Region] | None = None) -> pd.DataFrame:
    """Return annual GHI of each region from our field and from the coarse source itself.

    Parameters
    ----------
    dsr : Dataset
        Result of ``climatology`` for the shipped source.
    places : iterable of Region, optional
        The ten regions and their union by default.

    Returns
    -------
    DataFrame
        ``region``, ``source`` and ``ours`` (MJ m-2 a-1, area-weighted means over the land where the source has
        cells) and ``relative_difference``. Each cell of 3 degrees counts with its own value over its whole area, so the
        interpolation has no part in the source's mean.
    """
    ours = dsr["dsr_annual"].astype(float)
    source = regrid(annual_sum(ghi_climatology()["ghi"]), ours, "nearest")
    both = ours.notnull() & source.notnull()
    rows = []
    for place in places or map(resolve_region, region_keys()):
        weight = _weights(place, ours).where(both, 0.0)
        theirs, mine = (float(field.fillna(0.0).weighted(weight).mean()) for field in (source, ours))
        rows.append((place.name, theirs, mine, mine / theirs - 1.0))
    return pd.DataFrame(rows, columns=["region", "source", "ours", "relative_difference"])


def seasonal_cycle(dsr: xr.Dataset, places: Iterable[Region], language: str = "en") -> pd.DataFrame:
    """Return the mean daily irradiation of each month and region.

    Parameters
    ----------
    dsr : Dataset
        Result of ``climatology``.
    places : iterable of Region
        Regions or countries.
    language : {"en", "zh"}
        Of the names.

    Returns
    -------
    DataFrame
        ``region``, ``hemisphere`` ("north", "south", "both"), ``month``, ``value``, ``low`` and ``high``
        (kWh m-2 d-1; the ends of a 95 % interval whose error is common to the region).
    """
    rows = []
    for place in places:
        weight = _weights(place, dsr["dsr"])
        layers = (dsr["dsr"], dsr["dsr_uncertainty"])
        mean, sigma = (layer.weighted(weight).mean(["latitude", "longitude"]) for layer in layers)
        name = (place.name_zh or place.name) if language == "zh" else place.name
        for month in dsr["month"].values:
            value, half = (_KWH_PER_DAY * float(x.sel(month=month)) for x in (mean, _WIDTH_95 * sigma))
            rows.append((name, _hemisphere(weight), int(month), value, max(value - half, 0.0), value + half))
    return pd.DataFrame(rows, columns=["region", "hemisphere", "month", "value", "low", "high"])


def _weights(place: Region, field: xr.DataArray) -> xr.DataArray:
    """Return the area of each cell that lies in a region, m2."""
    return region_mask(place, field) * cell_area(field["latitude"], field["longitude"]).values


def _hemisphere(weight: xr.DataArray) -> str:
    north = float(weight.where(weight["latitude"] > 0, 0.0).sum() / np.maximum(weight.sum(), 1.0))
    return "north" if north > _MOSTLY else "south" if north < 1.0 - _MOSTLY else "both"
