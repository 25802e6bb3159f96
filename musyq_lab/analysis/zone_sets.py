"""Zones of any regular grid, geographic or projected: countries, regions, classes of a map, polygons, with true areas.

On longitude and latitude the share of a cell in a country or polygon is exact (:mod:`musyq_lab.analysis.coverage`). On
a projected grid a cell belongs to the zone in which its centre lies, and its area is that of the plane divided by the
projection's own scale there (Snyder 1987; pyproj).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import csr_array

from musyq_lab.analysis.area import cell_area
from musyq_lab.analysis.regions import countries, region_keys, resolve_region
from musyq_lab.analysis.reporting import country_zones, region_zones
from musyq_lab.analysis.zonal import ZoneFractions, zone_fractions
from musyq_lab.core.errors import InputError
from musyq_lab.standard._warp_frames import GEOGRAPHIC, crs_of, transformer
from musyq_lab.standard.cells import authalic_measure, edges

__all__ = ["ZoneSet", "by_class", "by_country", "by_polygon", "by_region", "zone_means"]

Floats = NDArray[np.float64]
_GEOGRAPHIC = (("latitude", "longitude"), ("lat", "lon"))
_EXACT = "Shares of cells on borders are exact; areas are those on the WGS 84 ellipsoid."
_CENTRES = "A cell belongs to the zone in which its centre lies; areas are those on the ellipsoid."


@dataclass(frozen=True, eq=False)
class ZoneSet:
    """Which share of which cell lies in which zone."""

    names: tuple[str, ...]
    """In plain words."""
    shares: csr_array
    """Share of the cell's area, shape (zones, cells), cells row by row."""
    area: Floats
    """Area of each cell, m2, shape (rows, columns)."""
    rule: str
    """How cells on borders count, as a sentence."""

    @property
    def areas(self) -> Floats:
        """Area of each zone on the grid, m2."""
        return np.asarray(self.shares @ self.area.ravel(), np.float64)


@dataclass(frozen=True, eq=False)
class _Frame:
    """The grid of a field."""

    y: str
    """Dimension of rows."""
    x: str
    """Dimension of columns."""
    down: Floats
    """Centres of rows."""
    across: Floats
    """Centres of columns."""
    system: str | None
    """Coordinate system of a projected grid, None for longitude and latitude."""

    @property
    def template(self) -> xr.Dataset:
        """The axes as a geographic grid."""
        return xr.Dataset(coords={"latitude": self.down, "longitude": self.across})

    def degrees(self) -> tuple[Floats, Floats]:
        """Return longitude and latitude of each centre, shape (rows, columns)."""
        x, y = np.meshgrid(self.across, self.down)
        link = None if self.system is None else transformer(self.system, GEOGRAPHIC)
        return (x, y) if link is None else link.transform(x, y)

    def area(self) -> Floats:
        """Return the area of each cell, m2."""
        if self.system is None:
            return np.asarray(cell_area(self.down, self.across).values, np.float64)
        if min(self.down.size, self.across.size) < 2:
            raise InputError("The area of cells needs at least two rows and two columns of them.")
        unit = pyproj.CRS(self.system).axis_info[0].unit_conversion_factor
        steps = [np.abs(np.gradient(axis)) * unit for axis in (self.down, self.across)]
        longitude, latitude = self.degrees()
        scale = pyproj.Proj(self.system).get_factors(longitude, latitude).areal_scale
        return np.asarray(np.outer(*steps) / scale, np.float64)


def _frame(da: xr.DataArray | xr.Dataset) -> _Frame:
    """Return the grid of a field.

    Raises
    ------
    InputError
        If it has none, or a projected one without a coordinate system.
    """
    for y, x in (*_GEOGRAPHIC, ("y", "x")):
        if {y, x} <= set(da.dims):
            system = None if (y, x) in _GEOGRAPHIC else crs_of(da, "map")
            if system is not None and pyproj.CRS(system).is_geographic:
                system = None
            down, across = (np.asarray(da[name].values, np.float64) for name in (y, x))
            return _Frame(y, x, down, across, system)
    raise InputError(f"Zones need a map along latitude and longitude, or y and x; got {tuple(map(str, da.dims))}.")


def by_country(da: xr.DataArray | xr.Dataset, place: str = "globe") -> ZoneSet:
    """Return the countries of a field's grid, by English name.

    Parameters
    ----------
    da : DataArray or Dataset
        On a regular grid.
    place : str
        Only countries of this region, country or box (:func:`musyq_lab.analysis.regions.resolve_region`).
    """
    frame = _frame(da)
    if frame.system is None:
        return _exact(country_zones(frame.template, place), frame)
    found = resolve_region(place)
    every = found.countries or countries()
    return _of_centres({country.name: country.geometry for country in every}, frame)


def by_region(da: xr.DataArray | xr.Dataset) -> ZoneSet:
    """Return the regions of ``catalogs/regions.yml`` on a field's grid; their union is one of them, so they overlap."""
    frame = _frame(da)
    if frame.system is None:
        return _exact(region_zones(frame.template), frame)
    places = [resolve_region(key) for key in region_keys()]
    outlines = {p.name: shapely.union_all([c.geometry for c in p.countries]) for p in places}
    return _of_centres(outlines, frame)


def by_polygon(da: xr.DataArray | xr.Dataset, polygons: Mapping[str, Any]) -> ZoneSet:
    """Return polygons on a field's grid.

    Parameters
    ----------
    da : DataArray or Dataset
        On a regular grid.
    polygons : mapping of str to shapely geometry
        In the coordinates of the grid; they do not overlap.
    """
    frame = _frame(da)
    if frame.system is None:
        return _exact(zone_fractions(polygons, frame.template), frame)
    x, y = np.meshgrid(frame.across, frame.down)
    return _in_polygons(polygons, x, y, frame)


def by_class(da: xr.DataArray | xr.Dataset, classes: xr.DataArray) -> ZoneSet:
    """Return the classes of another map on a field's grid.

    Parameters
    ----------
    da : DataArray or Dataset
        On a regular grid.
    classes : DataArray, dims (latitude, longitude)
        Codes with ``flag_values`` and ``flag_meanings``. Where cells of the grid are twice as large or more, the shares
        of classes in each are counted; else a cell has the class at its centre.
    """
    frame = _frame(da)
    words = str(classes.attrs["flag_meanings"]).split()
    codes = np.atleast_1d(classes.attrs["flag_values"]).astype(np.int64)
    table = np.full(int(codes.max()) + 2, codes.size, np.int64)
    table[codes] = np.arange(codes.size)
    step = abs(float(classes.latitude[1] - classes.latitude[0]))
    coarse = (
        frame.system is None and min(np.abs(np.diff(axis)).min() for axis in (frame.down, frame.across)) >= 2 * step
    )
    shares = _counted(frame, classes, table, codes.size) if coarse else _nearest(frame, classes, table, codes.size)
    rule = (
        f"Classes of cells of {step:g}° are counted in each cell." if coarse else "A cell has the class at its centre."
    )
    return _used(tuple(word.replace("_", " ") for word in words), shares, frame.area(), rule)


def _codes(values: NDArray[Any], table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions of codes, the number of classes for what is none."""
    known = np.isfinite(values) & (values >= 0) & (values < table.size - 1)
    return np.asarray(table[np.where(known, values, table.size - 1).astype(np.int64)], np.int64)


def _nearest(frame: _Frame, classes: xr.DataArray, table: NDArray[np.int64], count: int) -> csr_array:
    longitude, latitude = (axis.ravel() for axis in frame.degrees())
    at = [
        _place(classes[n].values, v) for n, v in (("latitude", latitude), ("longitude", (longitude + 180) % 360 - 180))
    ]
    inside = (at[0] >= 0) & (at[1] >= 0)
    found = np.full(latitude.size, count)
    rows, columns = at[0][inside], at[1][inside]
    found[inside] = _codes(classes.transpose("latitude", "longitude").values[rows, columns], table)
    cell = np.flatnonzero(found < count)
    return csr_array((np.ones(cell.size), (found[cell], cell)), shape=(count, latitude.size))


def _place(axis: Floats, values: Floats) -> NDArray[np.int64]:
    """Return the position of the cell that holds each value, -1 for none."""
    low, high = edges(np.asarray(axis, np.float64), "longitude")
    order = np.argsort(low)
    at = np.searchsorted(low[order], values, side="right") - 1
    inside = (at >= 0) & (values <= high[order][np.maximum(at, 0)])
    return np.where(inside, order[np.maximum(at, 0)], -1)


def _counted(frame: _Frame, classes: xr.DataArray, table: NDArray[np.int64], count: int) -> csr_array:
    """Return the share of each class in each cell, by the area of the cells of the classes."""
    fine = np.asarray(classes.longitude.values, np.float64)
    turned = (fine - frame.across.min() + 180.0) % 360.0 + frame.across.min() - 180.0
    row, column = _place(frame.down, classes.latitude.values.astype(float)), _place(frame.across, turned)
    rows, columns = np.flatnonzero(row >= 0), np.flatnonzero(column >= 0)
    codes = _codes(classes.transpose("latitude", "longitude").values[np.ix_(rows, columns)], table)
    south, north = edges(np.asarray(classes.latitude.values, np.float64), "latitude")
    weight = np.broadcast_to((authalic_measure(north) - authalic_measure(south))[rows][:, None], codes.shape)
    cell = row[rows][:, None] * frame.across.size + column[columns][None, :]
    size = frame.down.size * frame.across.size
    total = np.bincount(cell.ravel(), weight.ravel(), minlength=size)
    sums = np.bincount((codes * size + cell).ravel(), weight.ravel(), minlength=(count + 1) * size)[: count * size]
    shares = sums.reshape(count, size) / np.where(total > 0, total, 1.0)
    return csr_array(shares)


def _exact(fractions: ZoneFractions, frame: _Frame) -> ZoneSet:
    names = tuple(str(getattr(zone, "name", zone)) for zone in fractions.zones)
    size = frame.down.size * frame.across.size
    shares = csr_array((fractions.fraction, (fractions.zone, fractions.cell)), shape=(len(names), size))
    return _used(names, shares, frame.area(), _EXACT)


def _of_centres(outlines: Mapping[str, Any], frame: _Frame) -> ZoneSet:
    longitude, latitude = frame.degrees()
    seen = shapely.box(longitude.min(), latitude.min(), longitude.max(), latitude.max())
    near = {name: outline for name, outline in outlines.items() if shapely.intersects(outline, seen)}
    return _in_polygons(near, longitude, latitude, frame)


def _in_polygons(polygons: Mapping[str, Any], x: Floats, y: Floats, frame: _Frame) -> ZoneSet:
    zone, cell = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for number, outline in enumerate(polygons.values()):
        shapely.prepare(outline)
        inside = np.flatnonzero(shapely.contains_xy(outline, x.ravel(), y.ravel()))
        zone.append(np.full(inside.size, number))
        cell.append(inside)
    at = np.concatenate(zone), np.concatenate(cell)
    return _used(
        tuple(polygons), csr_array((np.ones(at[0].size), at), shape=(len(polygons), x.size)), frame.area(), _CENTRES
    )


def _used(names: tuple[str, ...], shares: csr_array, area: Floats, rule: str) -> ZoneSet:
    """Leave out zones without a cell."""
    used = np.flatnonzero(np.asarray(shares.sum(axis=1)).ravel() > 0)
    return ZoneSet(tuple(names[k] for k in used), csr_array(shares[used]), area, rule)


def zone_means(da: xr.DataArray, zones: ZoneSet) -> xr.Dataset:
    """Return the area-weighted mean of each zone, step by step.

    Parameters
    ----------
    da : DataArray
        On the grid of the zones, numpy or dask; NaN is left out.
    zones : ZoneSet
        Zones.

    Returns
    -------
    Dataset
        Along ``zone`` and the further dimensions: ``mean`` (units of ``da``; NaN without data) and ``share`` of the
        zone's area that has data.

    Raises
    ------
    InputError
        If the grid is another.
    """
    frame = _frame(da)
    if (da.sizes[frame.y], da.sizes[frame.x]) != zones.area.shape:
        shape = (da.sizes[frame.y], da.sizes[frame.x])
        raise InputError(f"The field has the shape {shape}, the zones {zones.area.shape}. Make them of the same field.")
    made = xr.apply_ufunc(
        _weighted,
        da.chunk({frame.y: -1, frame.x: -1}) if da.chunks is not None else da,
        kwargs={"weights": csr_array(zones.shares.multiply(zones.area.ravel()[None, :]))},
        input_core_dims=[[frame.y, frame.x]],
        output_core_dims=[["zone"], ["zone"]],
        dask="parallelized",
        output_dtypes=[np.float64, np.float64],
        dask_gufunc_kwargs={"output_sizes": {"zone": len(zones.names)}},
    )
    units = {key: da.attrs[key] for key in ("units",) if key in da.attrs}
    mean = made[0].assign_attrs(long_name="area-weighted mean of the zone", **units)
    share = made[1].assign_attrs(long_name="share of the zone's area with data", units="1")
    return xr.Dataset({"mean": mean, "share": share}).assign_coords(zone=("zone", np.asarray(zones.names, object)))


def _weighted(values: NDArray[Any], *, weights: csr_array) -> tuple[Floats, Floats]:
    flat = values.reshape(-1, weights.shape[1])
    with np.errstate(invalid="ignore"):
        known = np.isfinite(flat)
    valid = np.asarray((weights @ known.T.astype(np.float64)).T)
    total = np.asarray((weights @ np.where(known, flat, 0.0).T).T)
    whole = np.asarray(weights.sum(axis=1)).ravel()
    mean = np.divide(total, valid, out=np.full(total.shape, np.nan), where=valid > 0)
    shape = (*values.shape[:-2], weights.shape[0])
    return mean.reshape(shape), (valid / np.where(whole > 0, whole, 1.0)).reshape(shape)
