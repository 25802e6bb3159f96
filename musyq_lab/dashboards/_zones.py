"""What is known of a region: its area-weighted mean, the spread within it, and the shares of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.analysis.area import cell_area
from musyq_lab.analysis.zonal import zone_fractions
from musyq_lab.core.errors import InputError
from musyq_lab.dashboards._data import Cube, limits
from musyq_lab.dashboards._places import Area
from musyq_lab.dashboards._series import Series, series_dimension
from musyq_lab.dashboards._window import BUDGET, Window, window

CELLS = 2**25
"""Most values of a region that are read for its series; beyond it an overview answers."""
_BLOCK = 2**22  # values read at once
_SPREAD = "spread within the region, one sigma"
_MARGIN = 3  # cells around a region, so that even a small one has neighbours to measure cells by


def region_window(cube: Cube, variable: str, area: Area, *, steps: int = 1) -> Window:
    """Return the cells of a region, from an overview where all of them would be too many.

    Raises
    ------
    InputError
        If the region lies outside the map.
    """
    west, south, east, north = area.geometry.bounds
    (left, right), (low, high) = (limits(cube, axis) for axis in (cube.x, cube.y))
    across, down = (_MARGIN * _step(cube, axis) for axis in (cube.x, cube.y))
    wide = ((west - across, east + across), (south - down, north + down))
    extent = shapely.box(left, low, right, high)
    if not shapely.intersects(extent, area.geometry):
        raise InputError(f"{area.name} lies outside the map, which covers {cube.extent()}. Choose a region inside.")
    return window(cube, variable, *wide, cells=max(CELLS // steps, 4096), budget=4 * BUDGET / steps)


def _step(cube: Cube, name: str) -> float:
    axis = cube.dataset[name].values
    return abs(float(axis[-1] - axis[0])) / max(axis.size - 1, 1)


def weights(part: Window, area: Area) -> NDArray[np.float64]:
    """Return the area of each cell that lies in a region.

    Parameters
    ----------
    part : Window
        From :func:`region_window`.
    area : Area
        The region.

    Returns
    -------
    numpy.ndarray, shape (rows, columns)
        m2 on the ellipsoid, or square units of a projected map.
    """
    x, y = part.across.astype(float), part.down.astype(float)
    if part.cube.geographic and x.size > 1 and y.size > 1:
        axes = xr.Dataset(coords={"latitude": y, "longitude": x})
        share = zone_fractions({0: area.geometry}, axes).mask().values
        return np.asarray(share * cell_area(y, x).values)
    return _planar(x, y, area.geometry)


def _planar(x: NDArray[np.float64], y: NDArray[np.float64], geometry: Any) -> NDArray[np.float64]:
    """Return the area of each cell in a polygon, in the plane of the map."""
    half = [abs(axis[-1] - axis[0]) / max(axis.size - 1, 1) / 2 or 0.5 for axis in (x, y)]
    shapely.prepare(geometry)
    left, down = np.meshgrid(x - half[0], y - half[1])
    cells = shapely.box(left, down, left + 2 * half[0], down + 2 * half[1])
    found = np.zeros(cells.shape)
    found[shapely.contains_properly(geometry, cells)] = 4 * half[0] * half[1]
    edge = shapely.intersects(geometry, cells) & (found == 0)
    found[edge] = shapely.area(shapely.intersection(cells[edge], geometry))
    return found


def region_series(cube: Cube, variable: str, chosen: Mapping[str, int], area: Area) -> Series:
    """Return mean, spread and count of a region for each step.

    Parameters
    ----------
    cube, variable, chosen
        As for :func:`musyq_lab.dashboards._series.series_at`.
    area : Area
        The region.

    Returns
    -------
    Series
        ``values`` the area-weighted mean, ``sigma`` the area-weighted spread, ``count`` the cells with a value.

    Raises
    ------
    InputError
        If the region lies outside the map, or the variable has named classes, which have no mean.
    """
    layer = cube.dataset[variable]
    if "flag_values" in layer.attrs:
        raise InputError(f"{variable} has named classes, which have no mean. The bars show their shares of the area.")
    dim = series_dimension(cube, variable)
    steps = layer.sizes[dim] if dim else 1
    part = region_window(cube, variable, area, steps=steps)
    weight = weights(part, area)
    if not weight.any():
        raise InputError(f"No cell of the map lies in {area.name}. Choose a larger region.")
    mean, spread, count = _moments(part, variable, chosen, dim, weight)
    sigma = _mean_sigma(part, variable, chosen, dim, weight)
    centre = shapely.centroid(area.geometry)
    coarse = part.cube.factor * part.stride
    scale = "" if coarse == 1 else f" (from cells of {coarse} × {coarse})"
    attrs = layer.attrs
    return Series(
        variable, str(attrs.get("long_name", variable)), str(attrs.get("units", "")), dim,
        cube.steps(variable)[dim] if dim else [""], mean, spread, _SPREAD, [""] * steps,
        float(centre.x), float(centre.y), f"{area.name}{scale}",
        count=count, mean_sigma=sigma, geometry=area.wkt, degrees=cube.geographic,
    )  # fmt: skip


def _moments(part: Window, variable: str, chosen: Mapping[str, int], dim: str, weight: NDArray[np.float64]) -> Any:
    """Return area-weighted mean and spread, and the count, of each step."""
    inside = weight > 0
    share = weight[inside]
    sums = []
    for block in _blocks(part, variable, chosen, dim, inside):
        valid = np.isfinite(block)
        total = valid @ share
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(valid, block, 0.0) @ share / total
            apart = np.where(valid, block - mean[:, None], 0.0) ** 2 @ share / total
        sums.append((mean, np.sqrt(apart), valid.sum(axis=1).astype(float)))
    return tuple(np.concatenate(column) for column in zip(*sums, strict=True))


def _mean_sigma(
    part: Window, variable: str, chosen: Mapping[str, int], dim: str, weight: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Return the area-weighted mean of sigma over the cells that have one."""
    layer, _ = part.cube.spread(variable)
    if layer is None or not str(layer.name).endswith("_uncertainty"):
        return None
    mean, _, _ = _moments(part, str(layer.name), chosen, dim if dim in layer.dims else "", weight)
    steps = part.cube.dataset[variable].sizes[dim] if dim else 1
    return np.broadcast_to(mean, (steps,)).copy()


def _blocks(part: Window, name: str, chosen: Mapping[str, int], dim: str, inside: NDArray[np.bool_]) -> Any:
    """Yield values (step, cell in the region), some steps at a time."""
    layer = part.cube.dataset[name]
    position = {d: at for d, at in chosen.items() if d in layer.dims and d != dim}
    cut = layer.isel({**position, **part.pieces})
    order = (part.cube.y, part.cube.x)
    if not dim:
        yield np.asarray(cut.transpose(*order).values, float)[inside][None]
        return
    many = max(1, _BLOCK // inside.size)
    for start in range(0, layer.sizes[dim], many):
        values = cut.isel({dim: slice(start, start + many)}).transpose(dim, *order).values
        yield np.asarray(values, float)[:, inside]
