"""Shares of cells in zones (:mod:`musyq_lab.analysis.coverage`), and statistics over zones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.analysis.area import cell_area
from musyq_lab.analysis.coverage import polygon_coverage
from musyq_lab.analysis.regions import Country, Region, countries, resolve_region
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import LATITUDE, LONGITUDE, GeoGrid
from musyq_lab.standard.cells import authalic_measure, edges
from musyq_lab.standard.regrid import target_axes

Floats = NDArray[np.float64]
Target = GeoGrid | str | xr.DataArray | xr.Dataset


@dataclass(frozen=True, eq=False)
class ZoneFractions:
    """Which share of which cell lies in which zone, sparse."""

    zones: tuple[Any, ...]
    """Labels, in the order of ``zone``."""
    cell: NDArray[np.int64]
    """Flat index (row by row) of a cell."""
    zone: NDArray[np.int64]
    """Index into ``zones``."""
    fraction: Floats
    """Share of the cell's area, 0 to 1."""
    latitude: Floats
    """Cell centres of the grid, degrees north."""
    longitude: Floats
    """Cell centres of the grid, degrees east."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return self.latitude.size, self.longitude.size

    def sums(self, values: NDArray[Any]) -> Floats:
        """Return sum of values x fraction for each zone; values have the grid's shape, NaN counts as nothing."""
        flat = np.nan_to_num(np.asarray(values, float)).ravel()
        sums: Floats = np.bincount(self.zone, self.fraction * flat[self.cell], minlength=len(self.zones)).astype(float)
        return sums

    def mask(self, zones: Any = None) -> xr.DataArray:
        """Return the share of each cell in any of the zones given (labels; all by default)."""
        chosen = slice(None) if zones is None else np.isin(self.zone, [self.zones.index(z) for z in zones])
        size = self.latitude.size * self.longitude.size
        total = np.bincount(self.cell[chosen], self.fraction[chosen], minlength=size)
        return _mask_array(np.minimum(total, 1.0).reshape(self.shape), self.latitude, self.longitude)


def _mask_array(values: Floats, latitude: Floats, longitude: Floats) -> xr.DataArray:
    return xr.DataArray(
        values,
        dims=("latitude", "longitude"),
        coords={
            "latitude": ("latitude", latitude, dict(LATITUDE)),
            "longitude": ("longitude", longitude, dict(LONGITUDE)),
        },
        name="zone_fraction",
        attrs={"units": "1", "long_name": "share of the cell's area in the zone"},
    )


def zone_fractions(polygons: Mapping[Any, Any], target: Target) -> ZoneFractions:
    """Return the share of each cell in each polygon.

    Parameters
    ----------
    polygons : mapping of label to shapely geometry
        Longitude and latitude in degrees; polygons do not overlap.
    target : GeoGrid, str, DataArray or Dataset
        Grid.

    Returns
    -------
    ZoneFractions
        Shares of one cell sum to at most 1: where outlines overlap by rounding they are scaled.
    """
    latitude, longitude = target_axes(target)
    x, y = _lines(longitude, "longitude"), authalic_measure(_lines(latitude, "latitude"))
    found = [polygon_coverage(geometry, x, y) for geometry in polygons.values()]
    zone = np.repeat(np.arange(len(found)), [part[0].size for part in found])
    row, column, fraction = (np.concatenate([part[i] for part in found] or [np.empty(0)]) for i in range(3))
    # _lines go upward; the grid may run from north to south or from east to west.
    row, column = (np.argsort(a)[k.astype(np.int64)] for a, k in ((latitude, row), (longitude, column)))
    cell = row * longitude.size + column
    total = np.bincount(cell, fraction, minlength=latitude.size * longitude.size)
    fraction = fraction / np.maximum(total[cell], 1.0)
    return ZoneFractions(tuple(polygons), cell, zone, fraction, latitude, longitude)


def _lines(centres: Floats, axis: str) -> Floats:
    low, high = edges(np.sort(centres), axis)
    return np.append(low, high[-1])


def country_fractions(target: Target, scale: str = "50m") -> ZoneFractions:
    """Return the share of each cell in each country; the labels are :class:`~musyq_lab.analysis.regions.Country`.

    The result is kept for the next call with the same grid.
    """
    latitude, longitude = target_axes(target)
    return _country_fractions(latitude.tobytes(), longitude.tobytes(), scale)


@lru_cache(maxsize=4)
def _country_fractions(latitude: bytes, longitude: bytes, scale: str) -> ZoneFractions:
    axes = {"latitude": np.frombuffer(latitude), "longitude": np.frombuffer(longitude)}
    template = xr.Dataset(coords=axes)
    all_countries = countries(scale)
    found = zone_fractions({i: c.geometry for i, c in enumerate(all_countries)}, template)
    return ZoneFractions(all_countries, found.cell, found.zone, found.fraction, found.latitude, found.longitude)


def region_mask(region: str | int | Region, target: Target, scale: str = "50m") -> xr.DataArray:
    """Return the share (0 to 1) of each cell in a region, a country or a box.

    Raises
    ------
    NotFoundError
        If there is no such region.
    """
    place = region if isinstance(region, Region) else resolve_region(region, scale)
    if place.box is None:
        return country_fractions(target, scale).mask(place.countries)
    import shapely

    west, south, east, north = place.box
    parts = [(west, east)] if west < east else [(west, 180.0), (-180.0, east)]
    outline = shapely.union_all([shapely.box(w, south, e, north) for w, e in parts])
    return zone_fractions({place.key: outline}, target).mask()


def zonal(values: xr.DataArray, fractions: ZoneFractions, *, sigma: xr.DataArray | None = None) -> pd.DataFrame:
    """Return area, area-weighted mean and area integral of each zone.

    Parameters
    ----------
    values : DataArray, dims (latitude, longitude)
        On the grid of the fractions; NaN is left out.
    fractions : ZoneFractions
        Zones.
    sigma : DataArray, optional
        One sigma of each cell; its area-weighted mean is the sigma of the mean if the errors go together.

    Returns
    -------
    DataFrame, one row a zone
        ``area`` and ``valid_area`` (m2), ``mean`` and ``sigma`` (units of the values), ``sum`` (units x m2).
    """
    if values.shape != fractions.shape:
        raise InputError(f"The values have the shape {values.shape}, the zones {fractions.shape}. Regrid one of them.")
    area = cell_area(fractions.latitude, fractions.longitude).values
    data = np.asarray(values, float)
    valid = np.isfinite(data)
    table = pd.DataFrame({"area": fractions.sums(area), "valid_area": fractions.sums(area * valid)})
    table["sum"] = fractions.sums(np.where(valid, data, 0.0) * area)
    table["mean"] = table["sum"] / table["valid_area"].where(table["valid_area"] > 0)
    if sigma is not None:
        spread = fractions.sums(np.where(valid, np.asarray(sigma, float), 0.0) * area)
        table["sigma"] = spread / table["valid_area"].where(table["valid_area"] > 0)
    table.index = pd.Index(fractions.zones, dtype=object)
    return table


def in_country(fractions: ZoneFractions, country: Country) -> xr.DataArray:
    """Return the share of each cell in one country of :func:`country_fractions`."""
    return fractions.mask([country])
