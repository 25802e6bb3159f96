r"""Regridding of longitude-latitude fields: conservative means, bilinear, nearest, and shares of classes.

All methods are the product of one sparse matrix along latitude and one along longitude,

.. math:: y = \frac{W_\varphi (x\,v) W_\lambda^T}{W_\varphi\,v\,W_\lambda^T}

with :math:`v` one where the data are valid. For means the weights are the overlaps of the cells, exact on the WGS 84
ellipsoid (:mod:`musyq_lab.standard.cells`) and periodic in longitude; missing data drop out of both sums. The work
goes through blocks of target rows, lazily for dask arrays, so memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import LATITUDE, LONGITUDE, GeoGrid, grid
from musyq_lab.standard.cells import authalic_measure, edges

Method = Literal["mean", "bilinear", "nearest"]
_METHODS = ("mean", "bilinear", "nearest", "fraction")
_BLOCK = 2_000_000  # source cells a block may hold: 16 MB in float64, a few such arrays at a time
_DIMS = ("latitude", "longitude")


def target_axes(target: GeoGrid | str | xr.DataArray | xr.Dataset) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return latitude and longitude of the cell centres of a grid, its name, or a field on it."""
    if isinstance(target, str):
        target = grid(target)
    return np.asarray(target.latitude, float), np.asarray(target.longitude, float)


def regrid(
    data: xr.DataArray,
    target: GeoGrid | str | xr.DataArray | xr.Dataset,
    method: str = "mean",
    *,
    min_valid: float = 0.0,
    classes: Sequence[int] | None = None,
) -> xr.DataArray:
    """Bring a field to another longitude-latitude grid.

    Parameters
    ----------
    data : DataArray, dims (..., latitude, longitude)
        Cell centres in degrees; missing is NaN. Further dimensions are kept.
    target : GeoGrid, str, DataArray or Dataset
        Grid, its name (``"0p25deg"``), or anything with ``latitude`` and ``longitude``.
    method : {"mean", "bilinear", "nearest", "fraction"}
        ``"mean"`` keeps the area integral; ``"fraction"`` gives the share of area of each class.
    min_valid : float
        Share of the target cell's weight that must be valid, else NaN.
    classes : sequence of int, optional
        Classes for ``"fraction"``.

    Returns
    -------
    DataArray
        Same dims on the target grid; ``"fraction"`` puts a dimension ``class`` in front. Its values are shares of
        the valid area and sum to at most 1 over the classes given.

    Raises
    ------
    InputError
        If the method is not known, an axis is missing, or no classes were given.
    """
    if method not in _METHODS:
        raise InputError(f"There is no regridding method {method!r}. Use one of {', '.join(_METHODS)}.")
    _check_dims(data)
    if method == "fraction":
        return _fractions(data, target, min_valid, classes)
    out, share = _weighted(data, target, method)
    keep = share >= min_valid if min_valid > 0 else share > 0
    return _labelled(out.where(keep), data)


def valid_share(data: xr.DataArray, target: GeoGrid | str | xr.DataArray | xr.Dataset) -> xr.DataArray:
    """Return the share (0 to 1) of each target cell's area that valid cells of the data cover."""
    _check_dims(data)
    _, share = _weighted(data, target, "mean")
    return share.rename("valid_share").assign_attrs(units="1", long_name="share of the cell's area with valid data")


def _check_dims(data: xr.DataArray) -> None:
    if missing := [d for d in _DIMS if d not in data.dims or d not in data.coords]:
        raise InputError(
            f"{data.name!r} has the dimensions {tuple(map(str, data.dims))} and lacks {' and '.join(missing)} with "
            "coordinates. Rename them, such as data.rename(lat='latitude', lon='longitude')."
        )


def _fractions(data: xr.DataArray, target: Any, min_valid: float, classes: Sequence[int] | None) -> xr.DataArray:
    if not classes:
        raise InputError("method='fraction' needs classes=, the class numbers to count.")
    valid = data.notnull()
    parts = [regrid((data == c).where(valid), target, "mean", min_valid=min_valid) for c in classes]
    out = xr.concat(parts, dim=xr.Variable("class", np.asarray(classes)))
    return out.assign_attrs(units="1", long_name="share of the cell's area")


def _weighted(data: xr.DataArray, target: Any, method: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the weighted mean of the valid cells and their share of the weight, block by block of target rows."""
    latitude, longitude = target_axes(target)
    rows = axis_weights(np.asarray(data.latitude), latitude, "latitude", method)
    columns = axis_weights(np.asarray(data.longitude), longitude, "longitude", method)
    parts = []
    for start, stop in _blocks(rows, data.sizes["longitude"]):
        used = np.unique(rows[start:stop].indices)
        first, last = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 1)
        parts.append(_block(data.isel(latitude=slice(first, last)), rows[start:stop, first:last], columns))
    both = xr.concat(parts, dim="latitude") if len(parts) > 1 else parts[0]
    both = both.assign_coords(
        latitude=("latitude", latitude, dict(LATITUDE)), longitude=("longitude", longitude, dict(LONGITUDE))
    )
    return both.isel(part=0), both.isel(part=1)


def _blocks(rows: Any, width: int) -> list[tuple[int, int]]:
    """Cut the target rows so that each block reads a bounded number of source cells."""
    per_row = max(1.0, rows.nnz / max(1, rows.shape[0])) * width
    size = max(1, int(_BLOCK / per_row))
    return [(start, min(start + size, rows.shape[0])) for start in range(0, rows.shape[0], size)]


def _block(data: xr.DataArray, rows: Any, columns: Any) -> xr.DataArray:
    sizes = {"part": 2, "latitude": rows.shape[0], "longitude": columns.shape[0]}
    block: xr.DataArray = xr.apply_ufunc(
        _apply,
        data.drop_vars([c for c in data.coords if c not in data.dims or c in _DIMS]),
        kwargs={"rows": rows, "columns": columns},
        input_core_dims=[list(_DIMS)],
        output_core_dims=[["part", *_DIMS]],
        exclude_dims=set(_DIMS),
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": sizes, "allow_rechunk": True},
    )
    return block


def _apply(values: NDArray[Any], *, rows: Any, columns: Any) -> NDArray[np.float64]:
    """Apply both matrices to (..., y, x); return (..., 2, Y, X): mean and share of the weight."""
    flat = values.reshape(-1, *values.shape[-2:])
    out = np.empty((flat.shape[0], 2, rows.shape[0], columns.shape[0]))
    for i, layer in enumerate(flat):
        field = layer.astype(np.float64)
        valid = np.isfinite(field)
        share = _both(valid.astype(np.float64), rows, columns)
        total = _both(np.where(valid, field, 0.0), rows, columns)
        out[i, 0] = np.divide(total, share, out=np.full_like(total, np.nan), where=share > 0)
        out[i, 1] = share
    return out.reshape(*values.shape[:-2], *out.shape[1:])


def _both(field: NDArray[np.float64], rows: Any, columns: Any) -> NDArray[np.float64]:
    narrow = rows @ field
    result: NDArray[np.float64] = (columns @ narrow.T).T
    return result


def axis_weights(source: ArrayLike, target: ArrayLike, axis: str, method: str = "mean") -> Any:
    """Return the sparse matrix (target, source) of one axis; a row covered in full sums to 1.

    Parameters
    ----------
    source, target : array_like
        Cell centres in degrees.
    axis : {"latitude", "longitude"}
        Longitude is periodic; latitude is measured by area.
    method : {"mean", "bilinear", "nearest"}
        Overlap of the cells, the two neighbouring centres, or the nearest centre.
    """
    here, there = np.asarray(source, float), np.asarray(target, float)
    if method == "mean":
        row, column, weight = _overlaps(here, there, axis)
    else:
        row, column, weight = _neighbours(here, there, axis)
        if method == "nearest":
            near = weight >= 0.5
            row, column, weight = row[near], column[near], np.ones(int(near.sum()))
            # A point half-way has two nearest cells: keep the first.
            _, first = np.unique(row, return_index=True)
            row, column, weight = row[first], column[first], weight[first]
    return csr_array((weight, (row, column)), shape=(there.size, here.size))


def _overlaps(source: NDArray[Any], target: NDArray[Any], axis: str) -> tuple[NDArray[Any], ...]:
    s_low, s_high = edges(source, axis)
    t_low, t_high = edges(target, axis)
    measure = authalic_measure if axis == "latitude" else np.asarray
    found = []
    for shift in (-720.0, -360.0, 0.0, 360.0, 720.0) if axis == "longitude" else (0.0,):
        low, high = s_low + shift, s_high + shift
        order = np.argsort(low)
        first = np.searchsorted(high[order], t_low, side="right")
        last = np.searchsorted(low[order], t_high, side="left")
        count = np.maximum(last - first, 0)
        row = np.repeat(np.arange(target.size), count)
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        column = order[np.repeat(first, count) + within]
        top, bottom = np.minimum(high[column], t_high[row]), np.maximum(low[column], t_low[row])
        whole = measure(t_high[row]) - measure(t_low[row])
        weight = (measure(top) - measure(bottom)) / whole
        keep = weight > 1e-12  # cells that only touch, or overlap by rounding
        found.append((row[keep], column[keep], weight[keep]))
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def _neighbours(source: NDArray[Any], target: NDArray[Any], axis: str) -> tuple[NDArray[Any], ...]:
    edges(source, axis)  # refuses an axis that is not in order
    order = np.argsort(source)
    line, column = source[order], order
    if axis == "longitude":
        middle = (line[0] + line[-1]) / 2
        target = (target - middle + 180.0) % 360.0 - 180.0 + middle
        # The last and the first column are neighbours only if the source goes round the globe.
        if line[0] + 360.0 - line[-1] < 1.5 * np.diff(line).max():
            line = np.concatenate([line[-1:] - 360.0, line, line[:1] + 360.0])
            column = np.concatenate([order[-1:], order, order[:1]])
    right = np.clip(np.searchsorted(line, target, side="left"), 1, line.size - 1)
    share = np.clip((target - line[right - 1]) / (line[right] - line[right - 1]), 0.0, 1.0)
    index = np.arange(target.size)
    row = np.concatenate([index, index])
    weight = np.concatenate([1.0 - share, share])
    chosen = np.concatenate([column[right - 1], column[right]])
    keep = weight > 0
    return row[keep], chosen[keep], weight[keep]


def _labelled(out: xr.DataArray, source: xr.DataArray) -> xr.DataArray:
    extra = [d for d in source.dims if d not in _DIMS]
    out = out.transpose(*extra, *_DIMS).assign_coords({d: source[d] for d in extra if d in source.coords})
    return out.rename(source.name).assign_attrs(source.attrs)
