"""A longitude-latitude field as classes, areas and pixels of a projected map.

The field is never warped as quads: each pixel of the printed map asks the inverse projection for the cell it shows
(nearest neighbour), which costs the same for any grid and keeps class edges sharp at print resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import cartopy.crs as ccrs
import numpy as np
import shapely
import xarray as xr
from matplotlib.colors import to_rgba_array
from numpy.typing import NDArray

from musyq_lab.analysis.area import cell_area
from musyq_lab.core.errors import InputError
from musyq_lab.core.units import convert
from musyq_lab.figures.classes import ClassTable
from musyq_lab.figures.regions import MapRegion

# Hatch over uncertain cells: one dark line of 0.17 mm every 1.35 mm, on the pixel grid of 300 dpi.
HATCH_PERIOD, HATCH_WIDTH = 16, 2
_HATCH_INK = 0.45


@dataclass(frozen=True, slots=True)
class Classed:
    """A field sorted into classes; all arrays have its shape (latitude, longitude)."""

    field: xr.DataArray
    """Values in the table's units."""
    classes: NDArray[np.int8]
    """Class of each cell, -1 for no data."""
    uncertain: NDArray[np.bool_]
    """Whether one sigma exceeds the width of the cell's class."""
    area: NDArray[np.float64]
    """Cell areas on the ellipsoid, m2."""
    inside: NDArray[np.bool_]
    """Whether the cell's centre lies in the region."""

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Whether a cell of the region has data."""
        return self.inside & (self.classes >= 0)

    def shares(self, count: int) -> NDArray[np.float64]:
        """Return each class's share of the area that has data, summing to 1 (all 0 where nothing has)."""
        valid = self.valid
        sums = np.bincount(self.classes[valid], weights=self.area[valid], minlength=count)
        total = float(sums.sum())
        return np.asarray(sums / total if total > 0 else sums, np.float64)

    def mean(self) -> float:
        """Return the area-weighted mean of the field."""
        valid = self.valid
        return float(np.average(self.field.to_numpy()[valid], weights=self.area[valid])) if valid.any() else np.nan


def classed(
    field: xr.DataArray, table: ClassTable, region: MapRegion | None, uncertainty: xr.DataArray | None
) -> Classed:
    """Check a field and sort it into classes.

    Parameters
    ----------
    field : DataArray, dims (latitude, longitude)
        A regular grid of cell centres with ``units``.
    table : ClassTable
        Its classes; the field is converted to their units.
    region : MapRegion or None
        Shares and mean count the cells whose centre lies in it; None counts all.
    uncertainty : DataArray or None
        One sigma on the same grid, in units of its own.

    Raises
    ------
    InputError
        If dims, grid or units do not fit, or if no cell centre lies in the region.
    """
    values = _checked(field, table.units)
    for axis in ("latitude", "longitude"):
        _step(values, axis)
    member = np.ones(values.shape, bool) if region is None else inside(values, region)
    classes = table.classify(values.to_numpy())
    uncertain = np.zeros(classes.shape, bool)
    if uncertainty is not None:
        sigma = _checked(uncertainty, table.units)
        if sigma.shape != values.shape:
            raise InputError(f"The uncertainty has the shape {sigma.shape}, the field {values.shape}. Give one grid.")
        uncertain = (classes >= 0) & (sigma.to_numpy() > np.asarray(table.widths)[classes])
    return Classed(values, classes, uncertain, cell_area(values).to_numpy(), member)


def _checked(field: xr.DataArray, units: str) -> xr.DataArray:
    if set(field.dims) != {"latitude", "longitude"}:
        raise InputError(
            f"A map needs a field with the dims latitude and longitude, got {tuple(field.dims)}. "
            "Choose one month or one layer first, such as field.sel(month=7)."
        )
    if 0 in field.shape:
        raise InputError(f"The field {field.name!r} is empty: its shape is {field.shape}.")
    ordered = field.transpose("latitude", "longitude").astype(np.float64)
    return convert(ordered.assign_attrs(field.attrs).rename(field.name), units)


def _step(field: xr.DataArray, axis: str) -> float:
    """Return the signed spacing of an axis in degrees."""
    values = field[axis].to_numpy().astype(float)
    if values.size == 1:
        raise InputError(f"The field has a single {axis}, so the size of its cells is unknown. Give at least 2 x 2.")
    steps = np.diff(values)
    if not np.allclose(steps, steps[0], rtol=1e-3, atol=1e-9) or steps[0] == 0:
        raise InputError(f"The {axis} of the field is not evenly spaced. Regrid it to a regular grid first.")
    return float((values[-1] - values[0]) / (values.size - 1))


def inside(field: xr.DataArray, region: MapRegion) -> NDArray[np.bool_]:
    """Return which cell centres lie in a region, shape (latitude, longitude).

    Raises
    ------
    InputError
        If none does.
    """
    lon = (field["longitude"].to_numpy() + 180.0) % 360.0 - 180.0
    lat = field["latitude"].to_numpy()
    mask = np.zeros((lat.size, lon.size), bool)
    for part in shapely.get_parts(region.geometry):
        west, south, east, north = part.bounds
        rows, columns = np.flatnonzero((lat >= south) & (lat <= north)), np.flatnonzero((lon >= west) & (lon <= east))
        if not (rows.size and columns.size):
            continue
        shapely.prepare(part)
        x, y = np.meshgrid(lon[columns], lat[rows])
        mask[np.ix_(rows, columns)] |= shapely.contains_xy(part, x, y)
    if not mask.any():
        raise InputError(
            f"No cell of the field has its centre in {region.name()}. The field covers {lat.min():g} to {lat.max():g} "
            f"degrees north; give a field that covers the region, on a finer grid if the region is small."
        )
    return mask


def cells_of_pixels(
    field: xr.DataArray, projection: ccrs.Projection, extent: tuple[float, float, float, float], shape: tuple[int, int]
) -> NDArray[np.int32]:
    """Return for each pixel of a map the flat index of the cell it shows, -1 where there is none.

    Parameters
    ----------
    field : DataArray, dims (latitude, longitude)
        The grid.
    projection : cartopy projection
        Of the map.
    extent : tuple of float
        (x0, x1, y0, y1), projected metres.
    shape : tuple of int
        Rows and columns of pixels; row 0 is the top.
    """
    rows, columns = shape
    x0, x1, y0, y1 = extent
    x = x0 + (np.arange(columns) + 0.5) * (x1 - x0) / columns
    y = y1 - (np.arange(rows) + 0.5) * (y1 - y0) / rows
    index = np.full(shape, -1, np.int32)
    plain = ccrs.PlateCarree()
    for first in range(0, rows, 256):  # a band at a time keeps memory small
        band = slice(first, min(first + 256, rows))
        grid_x, grid_y = np.meshgrid(x, y[band])
        lonlat = plain.transform_points(projection, grid_x, grid_y)
        index[band] = _cells(field, lonlat[..., 0], lonlat[..., 1])
    return index


def _cells(field: xr.DataArray, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the flat index of the cell around each point, -1 outside the grid."""
    height, width = field.sizes["latitude"], field.sizes["longitude"]
    dlat, dlon = _step(field, "latitude"), _step(field, "longitude")
    known = np.isfinite(lon) & np.isfinite(lat)
    lon, lat = np.where(known, lon, 0.0), np.where(known, lat, 0.0)
    row = np.floor((lat - float(field["latitude"][0])) / dlat + 0.5).astype(np.int64)
    # Counted eastwards from the western edge of the first column, so that any window and any turn of 360 fits.
    edge = float(field["longitude"][0]) - dlon / 2
    column = np.floor(((lon - edge) * np.sign(dlon) % 360.0) / abs(dlon)).astype(np.int64)
    inside_grid = known & (row >= 0) & (row < height) & (column >= 0) & (column < width)
    return np.where(inside_grid, row * width + column, -1).astype(np.int32)


def image(data: Classed, table: ClassTable, cells: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return the map's pixels as RGBA: class colours, dark lines over uncertain cells, clear where no data."""
    palette = np.vstack([np.round(255 * to_rgba_array(table.colours)), np.zeros(4)]).astype(np.uint8)
    known = cells >= 0
    index = np.where(known, data.classes.ravel()[cells], -1)
    pixels = palette[index]
    if data.uncertain.any():
        diagonal = np.add.outer(np.arange(cells.shape[0]), np.arange(cells.shape[1]))
        lines = diagonal % HATCH_PERIOD < HATCH_WIDTH
        dark = known & data.uncertain.ravel()[cells] & lines
        pixels[dark, :3] = np.round(_HATCH_INK * pixels[dark, :3])
    return pixels
