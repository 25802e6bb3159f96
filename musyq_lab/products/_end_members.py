r"""End members of the dimidiate pixel model: NDVI of bare ground and of full cover, by land cover.

Full cover is a high percentile of the annual maximum of NDVI among pixels of a class (Zeng et al. 2000), bare ground a
low percentile of the annual minimum, or any pair that the user names. :func:`end_members` finds them in a region;
``catalogs/biomes/end_members.csv`` holds global ones, found the same way in the samples that ship.

References
----------
Zeng, Dickinson, Walker, Shaikh, DeFries & Qi (2000), Derivation and evaluation of global 1-km fractional vegetation
cover data for land modeling, J. Appl. Meteorol. 39, 826-839 (recalled, not re-read).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.products._class_table import Floats, by_class

_TABLE = "end_members"


def end_members_of(land_cover: Any) -> tuple[Floats, Floats]:
    """Return NDVI of bare ground and of full cover for each pixel, NaN for snow, water and unknown classes.

    Parameters
    ----------
    land_cover : array_like
        IGBP classes, 1 to 17.
    """
    return by_class(_TABLE, "ndvi_soil", land_cover), by_class(_TABLE, "ndvi_vegetation", land_cover)


def end_members(
    ndvi: xr.DataArray,
    land_cover: xr.DataArray,
    *,
    region: xr.DataArray | None = None,
    percentiles: tuple[float, float] = (5.0, 95.0),
    minimum_count: int = 30,
) -> xr.Dataset:
    """Find the end members of each class of a region.

    Parameters
    ----------
    ndvi : xarray.DataArray
        NDVI composites (1): the annual maximum alone, or a series with dimension ``time``, of which the annual minimum
        serves for bare ground and the maximum for full cover. Read into memory.
    land_cover : xarray.DataArray
        Class of each pixel, on the same grid.
    region : xarray.DataArray, optional
        Number of the region of each pixel (climate zone, province, tile); one region by default.
    percentiles : (float, float), optional
        Of bare ground and of full cover.
    minimum_count : int, optional
        Pixels that a class must have in a region, else its end members are NaN.

    Returns
    -------
    xarray.Dataset
        ``ndvi_soil``, ``ndvi_vegetation`` (1) and ``count``, by ``region`` and ``land_cover``.

    Raises
    ------
    InputError
        If the grids differ or the percentiles do not rise from 0 to 100.
    """
    low, high = percentiles
    if not 0.0 <= low < high <= 100.0:
        raise InputError(f"percentiles={percentiles}: give two that rise, from 0 to 100, such as (5, 95).")
    lowest, highest = (ndvi, ndvi) if "time" not in ndvi.dims else (ndvi.min("time"), ndvi.max("time"))
    zone = xr.zeros_like(land_cover, dtype=int) if region is None else region
    try:
        lowest, highest, cover, zone = xr.align(lowest, highest, land_cover, zone, join="exact")
    except ValueError as error:
        raise InputError(f"NDVI, land cover and regions must lie on one grid. Regrid them first. ({error})") from error
    dims = cover.dims
    flat = np.stack([array.transpose(*dims).values.ravel() for array in (lowest, highest, cover, zone)])
    return _table(flat[:, np.isfinite(flat).all(axis=0)], (low, high), minimum_count)


def _table(pixels: Floats, wanted: tuple[float, float], least: int) -> xr.Dataset:
    """Take the percentiles group by group; the rows are lowest and highest NDVI, class and region."""
    lowest, highest, cover, zone = pixels
    classes, zones = np.unique(cover), np.unique(zone)
    pairs = np.full((2, zones.size, classes.size), np.nan)
    count = np.zeros(pairs.shape[1:], np.int64)
    for i, j in np.ndindex(count.shape):
        group = (zone == zones[i]) & (cover == classes[j])
        count[i, j] = group.sum()
        if count[i, j] >= max(least, 1):
            pairs[:, i, j] = np.percentile(lowest[group], wanted[0]), np.percentile(highest[group], wanted[1])
    dims = ("region", "land_cover")
    said = {"units": "1", "comment": f"percentiles {wanted[0]:g} and {wanted[1]:g} of {least} pixels and more"}
    return xr.Dataset(
        {
            "ndvi_soil": (dims, pairs[0], {"long_name": "NDVI of bare ground", **said}),
            "ndvi_vegetation": (dims, pairs[1], {"long_name": "NDVI of full vegetation cover", **said}),
            "count": (dims, count, {"long_name": "pixels of the class in the region", "units": "1"}),
        },
        {"region": zones, "land_cover": classes},
    )
