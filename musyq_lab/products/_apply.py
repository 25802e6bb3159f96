"""Applying a function of numpy blocks to DataArrays, lazily where they are lazy, by the product's support."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.spec import Support, Window

Arrays = tuple[xr.DataArray, ...]
Function = Callable[..., tuple[Any, ...]]

_TIME = "time"
_YEAR = "year"

# What becomes of the dimension of time.
_AFTER: dict[Support, list[str]] = {"series": [_TIME], "yearly": [_YEAR], "period": []}


def apply_block(
    function: Function,
    arrays: Sequence[xr.DataArray],
    support: Support,
    dtypes: Sequence[Any],
    years: Sequence[int] = (),
) -> Arrays:
    """Apply a function to every block of the arrays.

    Parameters
    ----------
    function : callable
        Numpy arrays in (broadcastable, in the order of ``arrays``), a tuple of arrays out.
    arrays : sequence of xarray.DataArray
        Aligned; dask-backed ones stay lazy.
    support : {"pixel", "series", "yearly", "period"} or Window
        What a value depends on: its own pixel, its series along ``time`` (kept in one chunk; yearly results have a
        dimension ``year`` in its place, those of a period none), or a window in the two trailing dimensions (chunks
        overlap by its margin; the rim of the array sees NaN beyond it).
    dtypes : sequence of dtype
        Of the outputs.
    years : sequence of int
        Labels of the yearly results.
    """
    if isinstance(support, Window):
        return _apply_window(function, arrays, support, dtypes)
    core = [_TIME] if support in _AFTER else []
    after = _AFTER.get(support, [])
    if support == "period":
        arrays = _looks(arrays)
    if core and any(_TIME not in a.dims for a in arrays):
        raise InputError("An algorithm that works on series needs every input to have a 'time' dimension.")
    if core:
        arrays = [a.chunk({_TIME: -1}) if a.chunks is not None else a for a in arrays]
    result = xr.apply_ufunc(
        partial(_unwrapped, function),
        *arrays,
        input_core_dims=[core for _ in arrays],
        output_core_dims=[after for _ in dtypes],
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": {_YEAR: len(years)}} if after == [_YEAR] else None,
        output_dtypes=list(dtypes),
        keep_attrs=False,
    )
    made = result if isinstance(result, tuple) else (result,)
    order = _order(arrays)
    if core != after:
        order = [d for dim in order for d in (after if dim == _TIME else [dim])]
    if after == [_YEAR]:
        made = tuple(a.assign_coords({_YEAR: (_YEAR, list(years), {"long_name": "calendar year"})}) for a in made)
    return tuple(a.transpose(*order) for a in made)


def _looks(arrays: Sequence[xr.DataArray]) -> list[xr.DataArray]:
    """Return arrays along ``time``: a lone scene is one look, and what does not change is that of every look."""
    number = next((a.sizes[_TIME] for a in arrays if _TIME in a.dims), 1)
    return [a if _TIME in a.dims else a.expand_dims({_TIME: number}) for a in arrays]


def _unwrapped(function: Function, *blocks: Any) -> Any:
    """Return a lone output bare, as ``apply_ufunc`` wants it."""
    outputs = function(*blocks)
    return outputs if len(outputs) > 1 else outputs[0]


def _order(arrays: Sequence[xr.DataArray]) -> list[Any]:
    """Return the dimensions in the order in which the inputs name them first."""
    widest = max(arrays, key=lambda a: a.ndim)
    return list(dict.fromkeys([*widest.dims, *(d for a in arrays for d in a.dims)]))


def _apply_window(function: Function, arrays: Sequence[xr.DataArray], window: Window, dtypes: Sequence[Any]) -> Arrays:
    first, *rest = xr.broadcast(*arrays)
    aligned = [first, *(a.transpose(*first.dims) for a in rest)]
    if first.ndim < 2:
        raise InputError(f"A window of {window.size} pixels needs two dimensions, got {first.dims}.")
    if all(a.chunks is None for a in aligned):
        return tuple(first.copy(data=o) for o in _padded(function, window.margin, *(a.values for a in aligned)))
    return tuple(first.copy(data=o) for o in _overlapped(function, window.margin, aligned, dtypes))


def _padded(function: Function, margin: int, *blocks: Any) -> tuple[Any, ...]:
    """Evaluate with a rim of NaN beyond the array, then cut the rim off."""
    width = [(0, 0)] * (blocks[0].ndim - 2) + [(margin, margin)] * 2
    rims = [np.pad(_holding_nan(b), width, constant_values=np.nan) for b in blocks]
    return tuple(_inner(o, margin) for o in function(*rims))


def _holding_nan(array: Any) -> Any:
    """Return integers as float64, so that the rim beyond the array can be NaN; floats stay as they are."""
    return array if array.dtype.kind == "f" else array.astype(float)


def _inner(array: Any, margin: int) -> Any:
    return np.asarray(array)[..., margin : array.shape[-2] - margin, margin : array.shape[-1] - margin]


def _overlapped(function: Function, margin: int, arrays: Sequence[xr.DataArray], dtypes: Sequence[Any]) -> list[Any]:
    """Evaluate dask blocks that overlap by the margin; outputs travel stacked as one array."""
    import dask.array as da

    dims = arrays[0].ndim
    # One dtype must hold every output on the way; the quality bits (uint16) are exact in either float.
    carrier = np.result_type(*([d for d in dtypes if np.dtype(d).kind == "f"] or [np.float64]))
    depth = {dims - 2: margin, dims - 1: margin}

    def stacked(*blocks: Any) -> Any:
        return np.stack([_inner(o, margin).astype(carrier) for o in function(*blocks)])

    pairs = [x for a in arrays for x in (_holding_nan(da.asarray(a.data)), tuple(range(dims)))]
    _, chunked = da.core.unify_chunks(*pairs)
    rims = [da.overlap.overlap(a, depth, np.nan) for a in chunked]
    kept = tuple(tuple(n - 2 * depth.get(axis, 0) for n in sizes) for axis, sizes in enumerate(rims[0].chunks))
    whole = da.map_blocks(
        stacked,
        *rims,
        dtype=carrier,
        new_axis=0,
        chunks=((len(dtypes),), *kept),
        meta=np.empty((0,) * (dims + 1), carrier),
    )
    return [whole[index].astype(dtype) for index, dtype in enumerate(dtypes)]
