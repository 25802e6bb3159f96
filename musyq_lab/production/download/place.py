"""Where the cells of a product lie: which of them a region takes, and their outlines in longitude and latitude."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.archive import encode
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import CRS_ATTRIBUTES
from musyq_lab.production.download.region import Area

Floats = NDArray[np.float64]

_PERIMETER = 64  # points on each side of a projected grid when its outline is compared with a region
_SAMPLE = 1_000_000  # most cells that are tested for an estimate
_ALIASES = (("lat", "latitude"), ("lon", "longitude"))


@dataclass(frozen=True, slots=True)
class Grid:
    """A map's axes and the way from them to longitude and latitude."""

    rows: str
    """Dimension of the rows."""
    columns: str
    """Dimension of the columns."""
    wkt: str = ""
    """Coordinate reference system of a projected map, empty for one in degrees."""
    steps: tuple[float, float] = (0.0, 0.0)
    """Height and width of a cell, 0 where the map has one row or column only."""

    def lonlat(self, y: Any, x: Any) -> tuple[Floats, Floats]:
        """Return longitude and latitude of places on the map.

        Parameters
        ----------
        y, x : array_like
            In the map's units, shapes that broadcast.
        """
        rows, columns = np.broadcast_arrays(np.asarray(y, float), np.asarray(x, float))
        if not self.wkt:
            return columns, rows
        longitude, latitude = _transformer(self.wkt, False).transform(columns, rows)
        return np.asarray(longitude), np.asarray(latitude)

    def crs(self) -> Any:
        """Return the pyproj CRS."""
        from pyproj import CRS

        return CRS.from_wkt(self.wkt) if self.wkt else CRS.from_epsg(4326)


@lru_cache(maxsize=16)
def _transformer(wkt: str, inverse: bool) -> Any:
    from pyproj import CRS, Transformer

    pair = (CRS.from_wkt(wkt), CRS.from_epsg(4326))
    return Transformer.from_crs(*(pair[::-1] if inverse else pair), always_xy=True)


def on_map(ds: xr.Dataset) -> tuple[xr.Dataset, Grid]:
    """Return a Dataset with its map's dimensions last and under their standard names, and its grid.

    Parameters
    ----------
    ds : xarray.Dataset
        On latitude and longitude (also lat and lon), or on y and x with a CRS among its coordinates.

    Raises
    ------
    InputError
        If it is no map, or the cells of a projected one have no place.
    """
    ds = ds.rename({short: name for short, name in _ALIASES if short in ds.dims and name not in ds.variables})
    pair = encode.spatial(ds)
    if pair is None:
        raise InputError(
            f"The data have the dimensions {', '.join(map(str, ds.dims)) or 'none'} and no map. A download needs "
            "latitude and longitude, or y and x; bring a swath to a grid first with ml.standardize(scene, grid=...)."
        )
    ds = ds.transpose(..., *pair)
    for name in pair:
        if name not in ds.coords:
            raise InputError(f"The dimension {name!r} has no coordinates, so its cells have no place. Add them.")
        values = np.asarray(ds[name].values, float)
        steps = np.diff(values)
        if not (np.all(np.isfinite(values)) and (np.all(steps > 0) or np.all(steps < 0))):
            raise InputError(f"{name} must rise or fall all along and be finite. Sort it first: ds.sortby({name!r}).")
    height, width = (_step(np.asarray(ds[name].values, float)) for name in pair)
    return ds, Grid(*pair, "" if pair[0] == "latitude" else _wkt(ds), (height, width))


def _wkt(ds: xr.Dataset) -> str:
    """Return the CRS of y and x, empty where they are degrees."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    for name in ds.coords:
        attrs = ds[name].attrs
        if ds[name].ndim == 0 and {"crs_wkt", "spatial_ref", "grid_mapping_name"} & set(attrs):
            text = attrs.get("crs_wkt") or attrs.get("spatial_ref")
            try:
                crs = CRS.from_wkt(str(text)) if text else CRS.from_cf(dict(attrs))
            except (CRSError, KeyError, ValueError) as error:
                raise InputError(f"The CRS in the coordinate {name!r} cannot be understood: {error}.") from None
            return "" if crs.is_geographic else str(crs.to_wkt())
    raise InputError(
        "The map has y and x but no CRS, so its cells have no place. Say it: ds.rio.write_crs('EPSG:...')."
    )


def mapping_attributes(grid: Grid) -> dict[str, Any]:
    """Return the CF grid mapping of a grid, with its WKT."""
    if not grid.wkt:
        return {"long_name": "WGS 84", **CRS_ATTRIBUTES, "crs_wkt": grid.crs().to_wkt()}
    return {key: value for key, value in grid.crs().to_cf().items() if value is not None}


def cut(ds: xr.Dataset, grid: Grid, area: Area | None) -> xr.Dataset:
    """Return the window of a map that holds a region; cells of it outside the region are still there.

    Parameters
    ----------
    ds : xarray.Dataset
        From :func:`on_map`.
    grid : Grid
        Likewise.
    area : Area or None
        None for all of it.

    Raises
    ------
    InputError
        If the region takes no cell.
    """
    if area is None:
        return ds
    if area.is_point:
        return _cell(ds, grid, area)
    if grid.wkt:
        rows, columns, shifted = *_projected(ds, grid, area), None
    else:
        latitude = np.asarray(ds[grid.rows].values, float)
        slack = 1e-9
        rows = np.flatnonzero((latitude >= area.south - slack) & (latitude <= area.north + slack))
        columns, shifted = _columns(np.asarray(ds[grid.columns].values, float), area)
    if rows.size == 0 or columns.size == 0:
        raise _nothing(ds, grid, area)
    ds = ds.isel({grid.rows: _range(rows), grid.columns: _range(columns)})
    if shifted is not None:
        ds = ds.assign_coords({grid.columns: (grid.columns, shifted, ds[grid.columns].attrs)})
    if count(ds, grid, area) == (0, True):
        raise _nothing(ds, grid, area)
    return ds


def _range(index: NDArray[np.intp]) -> slice | NDArray[np.intp]:
    """Return a slice where the indices are a stretch, which keeps reading lazy and cheap."""
    whole = bool(np.all(np.diff(index) == 1))
    return slice(int(index[0]), int(index[-1]) + 1) if whole else index


def _columns(longitude: Floats, area: Area) -> tuple[NDArray[np.intp], Floats | None]:
    """Return the columns in the order west to east of the region, with new longitudes where they cross the seam."""
    ahead = (longitude - area.west + 1e-9) % 360.0
    index = np.flatnonzero(ahead <= area.width + 2e-9)
    if index.size < 2 or area.width >= 360.0 or bool(np.all(np.diff(index) == 1)):
        return index, None
    order = index[np.argsort(ahead[index], kind="stable")]
    if longitude[0] > longitude[-1]:
        order = order[::-1]
    # Whole turns are added, so that a longitude keeps its last digit.
    turns = np.round((area.west + ahead[order] - 1e-9 - longitude[order]) / 360.0)
    return order, longitude[order] + 360.0 * turns


def _projected(ds: xr.Dataset, grid: Grid, area: Area) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of a window that holds the region: what of it lies in the outline of the grid."""
    y, x = (np.asarray(ds[name].values, float) for name in (grid.rows, grid.columns))
    everything = np.arange(y.size), np.arange(x.size)
    near = _overlap(grid, y, x, area)
    if near is None:
        return everything
    if near.is_empty:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    import shapely

    points = shapely.get_coordinates(near)
    east, north = _transformer(grid.wkt, True).transform(points[:, 0], points[:, 1])
    if not (np.all(np.isfinite(east)) and np.all(np.isfinite(north))):
        return everything
    steps = 2 * _step(y), 2 * _step(x)
    rows = np.flatnonzero((y >= np.min(north) - steps[0]) & (y <= np.max(north) + steps[0]))
    columns = np.flatnonzero((x >= np.min(east) - steps[1]) & (x <= np.max(east) + steps[1]))
    return rows, columns


def _overlap(grid: Grid, y: Floats, x: Floats, area: Area) -> Any:
    """Return the part of a region in the outline of a projected grid, None where that outline leaves the globe."""
    import shapely

    half = _step(y) / 2, _step(x) / 2
    ys = np.linspace(
        y[0] + math.copysign(half[0], y[0] - y[-1]), y[-1] - math.copysign(half[0], y[0] - y[-1]), _PERIMETER
    )
    xs = np.linspace(
        x[0] - math.copysign(half[1], x[-1] - x[0]), x[-1] + math.copysign(half[1], x[-1] - x[0]), _PERIMETER
    )
    around_y = np.concatenate([np.full(_PERIMETER, ys[0]), ys, np.full(_PERIMETER, ys[-1]), ys[::-1]])
    around_x = np.concatenate([xs, np.full(_PERIMETER, xs[-1]), xs[::-1], np.full(_PERIMETER, xs[0])])
    longitude, latitude = grid.lonlat(around_y, around_x)
    if not (np.all(np.isfinite(longitude)) and np.all(np.isfinite(latitude))):
        return None
    centre = longitude[0]
    longitude = centre + (longitude - centre + 180.0) % 360.0 - 180.0
    outline = shapely.Polygon(np.column_stack([longitude, latitude])).buffer(0.01)
    if not outline.is_valid or np.ptp(longitude) > 180 or np.max(np.abs(latitude)) > 89:
        return None  # a pole inside, where an outline in degrees says nothing
    # Sides get vertices, because a straight line in degrees is none on the map.
    region = shapely.segmentize(area.polygon(), max(0.1, area.width / 1000))
    moved = [shapely.transform(region, lambda p, s=shift: p + np.array([s, 0.0])) for shift in (-360.0, 0.0, 360.0)]
    return shapely.union_all([shapely.intersection(outline, part) for part in moved])


def _step(axis: Floats) -> float:
    return abs(float(axis[-1] - axis[0])) / (axis.size - 1) if axis.size > 1 else 0.0


def _cell(ds: xr.Dataset, grid: Grid, area: Area) -> xr.Dataset:
    """Return the one cell that contains a point."""
    longitude, latitude = area.west, area.south
    y, x = (np.asarray(ds[name].values, float) for name in (grid.rows, grid.columns))
    if grid.wkt:
        px, py = _transformer(grid.wkt, True).transform(longitude, latitude)
        across = np.abs(x - px)
    else:
        px, py = longitude, latitude
        across = np.abs((x - px + 180.0) % 360.0 - 180.0)
    row, column = int(np.argmin(np.abs(y - py))), int(np.argmin(across))
    half = tuple(step / 2 or math.inf for step in grid.steps)
    if not (abs(y[row] - py) <= half[0] + 1e-9 and across[column] <= half[1] + 1e-9):
        raise _nothing(ds, grid, area)
    return ds.isel({grid.rows: slice(row, row + 1), grid.columns: slice(column, column + 1)})


def _nothing(ds: xr.Dataset, grid: Grid, area: Area) -> InputError:
    y, x = (np.asarray(ds[name].values, float) for name in (grid.rows, grid.columns))
    longitude, latitude = grid.lonlat(y[[0, 0, -1, -1]], x[[0, -1, 0, -1]])
    unit = "m" if grid.wkt else "degrees"
    axes = [f"longitude {longitude.min():.6g} to {longitude.max():.6g}"]
    axes += [f"latitude {latitude.min():.6g} to {latitude.max():.6g} in cells of {grid.steps[0]:.4g} {unit}"]
    return InputError(
        f"No cell of the product has its centre in {area.name}. The product has {' and '.join(axes)}. Choose a region "
        "in it; for the one cell that contains a place give a point 'longitude,latitude'."
    )


def inside(ds: xr.Dataset, grid: Grid, area: Area | None) -> xr.DataArray | None:
    """Return which cells of a window lie in the region, lazily and in the chunks of the data; None for all of them.

    Parameters
    ----------
    ds : xarray.Dataset
        From :func:`cut`.
    grid : Grid
        Of it.
    area : Area or None
        The region.
    """
    if area is None or area.is_point or not (grid.wkt or area.outline):
        return None
    sizes = {name: ds.chunks.get(name) or (ds.sizes[name],) for name in (grid.rows, grid.columns)}
    y = xr.DataArray(np.asarray(ds[grid.rows].values, float), dims=grid.rows).chunk({grid.rows: sizes[grid.rows]})
    x = xr.DataArray(np.asarray(ds[grid.columns].values, float), dims=grid.columns)
    x = x.chunk({grid.columns: sizes[grid.columns]})
    found: xr.DataArray = xr.apply_ufunc(
        _contains, y, x, kwargs={"grid": grid, "area": area}, dask="parallelized", output_dtypes=[bool]
    )
    return found


def _contains(y: Floats, x: Floats, *, grid: Grid, area: Area) -> NDArray[np.bool_]:
    # apply_ufunc hands both already broadcast against each other: (rows, 1) and (columns,).
    return area.contains(*grid.lonlat(y, x))


def count(ds: xr.Dataset, grid: Grid, area: Area | None) -> tuple[int, bool]:
    """Return how many cells of a window lie in the region, and whether all were tested (else every n-th).

    Parameters
    ----------
    ds, grid, area
        As for :func:`inside`.
    """
    height, width = ds.sizes[grid.rows], ds.sizes[grid.columns]
    if area is None or area.is_point or not (grid.wkt or area.outline):
        return height * width, True
    every = max(1, math.ceil(math.sqrt(height * width / _SAMPLE)))
    y = np.asarray(ds[grid.rows].values, float)[every // 2 :: every]
    x = np.asarray(ds[grid.columns].values, float)[every // 2 :: every]
    share = float(np.mean(_contains(y[:, None], x[None, :], grid=grid, area=area)))
    return round(share * height * width), every == 1


def edges(axis: Floats, step: float) -> Floats:
    """Return the borders of the cells of an axis, one more than cells: half-way between centres.

    Parameters
    ----------
    axis : ndarray, shape (n,)
        Centres, in order.
    step : float
        Size of a cell, for an axis of one.
    """
    steps = np.diff(axis) if axis.size > 1 else np.array([step])
    middle = (axis[1:] + axis[:-1]) / 2
    found: Floats = np.concatenate([[axis[0] - steps[0] / 2], middle, [axis[-1] + steps[-1] / 2]])
    return found
