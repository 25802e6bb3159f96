"""Values of a recipe's stage as plain JSON and plain arrays, and back: no pickle, so that reading one runs no code.

A value is split into a tree, which JSON can hold, and a list of arrays, to which the tree points by number. Both ways
are exact: types, order, attributes, index names and the chunks of lazy arrays come back as they were. What xarray
calls ``encoding`` is dropped, since it may hold paths.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from musyq_lab.core.errors import InputError

Tree = Any
"""None, a bool, number or text as it is; a dict with ``kind`` for all else."""

_PLAIN = (bool, int, float, str, type(None))
_HELD = "held"
_HINT = "A stage returns Datasets, DataArrays, arrays, tables, numbers and texts, or tuples, lists and dicts of them"


def split(value: Any) -> tuple[Tree, list[Any]]:
    """Return a value as a tree and its arrays.

    Parameters
    ----------
    value : any of the types that :data:`_HINT` names
        What a stage returned.

    Returns
    -------
    tree : JSON value
        Its structure.
    arrays : list of numpy.ndarray or dask.array.Array
        Its data; numpy arrays are C-contiguous, because sums depend on the order in memory.

    Raises
    ------
    InputError
        If part of it has another type.
    """
    arrays: list[Any] = []
    return _split(value, arrays), arrays


def join(tree: Tree, arrays: Sequence[Any]) -> Any:
    """Return the value that :func:`split` took apart.

    Parameters
    ----------
    tree : JSON value
        Its structure.
    arrays : sequence of array
        Its data.
    """
    if not isinstance(tree, dict):
        return tree
    return _JOIN[tree["kind"]](tree, arrays)


def _split(value: Any, arrays: list[Any]) -> Tree:
    if type(value) in _PLAIN:
        return value
    for kind, splitter in _SPLIT.items():
        if isinstance(value, kind):
            return splitter(value, arrays)
    if is_lazy(value):
        return _split_array(value, arrays)
    raise InputError(f"A stage cannot keep {type(value).__module__}.{type(value).__qualname__}. {_HINT}")


def _split_array(value: Any, arrays: list[Any]) -> Tree:
    if isinstance(getattr(value, "_meta", value), np.ma.MaskedArray):  # a plain one would lose its mask, unseen
        raise InputError(f"A stage cannot keep a masked array; use filled(). {_HINT}")
    dtype = getattr(value, "dtype", None)
    if not isinstance(dtype, np.dtype):  # an extension array of pandas
        return _split_array(np.asarray(value, dtype=object), arrays)
    if dtype.kind == "O":
        items = value.compute() if is_lazy(value) else np.asarray(value)
        return {"kind": "objects", "shape": list(items.shape), "items": [_object(item) for item in items.ravel()]}
    if dtype.hasobject or dtype.kind == "T":
        raise InputError(f"A stage cannot keep an array of {dtype}. {_HINT}")
    arrays.append(value if is_lazy(value) else np.asarray(value, order="C"))
    return {"kind": "array", "array": len(arrays) - 1}


def _object(item: Any) -> Tree:
    if type(item) not in _PLAIN:
        kind = f"{type(item).__module__}.{type(item).__qualname__}"
        raise InputError(f"A stage cannot keep an array of objects that holds {kind}. {_HINT}")
    return item


def _join_objects(tree: Tree, _: Sequence[Any]) -> Any:
    found = np.empty(len(tree["items"]), dtype=object)
    found[:] = tree["items"]
    return found.reshape(tree["shape"])


def _split_scalar(value: np.generic, arrays: list[Any]) -> Tree:
    return {**_split_array(np.asarray(value), arrays), "kind": "scalar"}


def _split_items(value: Sequence[Any], arrays: list[Any]) -> Tree:
    if type(value) not in (list, tuple):  # a named tuple would come back as a plain one
        raise InputError(f"A stage cannot keep {type(value).__qualname__}. {_HINT}")
    return {"kind": type(value).__name__, "items": [_split(item, arrays) for item in value]}


def _split_mapping(value: Mapping[Any, Any], arrays: list[Any]) -> Tree:
    return {"kind": "dict", "items": [[_split(key, arrays), _split(item, arrays)] for key, item in value.items()]}


def _join_mapping(tree: Tree, arrays: Sequence[Any]) -> dict[Any, Any]:
    return {join(key, arrays): join(item, arrays) for key, item in tree["items"]}


def _split_dataset(value: xr.Dataset, arrays: list[Any]) -> Tree:
    for name, index in value.xindexes.items():
        if type(index) is not xr.indexes.PandasIndex or isinstance(value.indexes[name], pd.MultiIndex):
            raise InputError(f"A stage cannot keep the index {name!r} ({type(index).__name__}). Use reset_index first")
    return {
        "kind": "dataset",
        "coords": [[_split(k, arrays), _split_variable(v.variable, arrays)] for k, v in value.coords.items()],
        "data": [[_split(k, arrays), _split_variable(v.variable, arrays)] for k, v in value.data_vars.items()],
        "attrs": _split_mapping(value.attrs, arrays),
        "bare": [name for name in value.coords if name in value.dims and name not in value.xindexes],
    }


def _split_variable(value: xr.Variable, arrays: list[Any]) -> Tree:
    data = value.data if value.chunks or isinstance(value.data, np.ndarray) else value.to_numpy()
    attrs = _split_mapping(value.attrs, arrays)
    return {"dims": [_split(dim, arrays) for dim in value.dims], "data": _split_array(data, arrays), "attrs": attrs}


def _join_variable(tree: Tree, arrays: Sequence[Any]) -> xr.Variable:
    return xr.Variable(tree["dims"], join(tree["data"], arrays), _join_mapping(tree["attrs"], arrays))


def _join_dataset(tree: Tree, arrays: Sequence[Any]) -> xr.Dataset:
    data, coords = ({join(k, arrays): _join_variable(v, arrays) for k, v in tree[part]} for part in ("data", "coords"))
    found = xr.Dataset(data, coords, attrs=_join_mapping(tree["attrs"], arrays))
    return found.drop_indexes(tree["bare"]) if tree["bare"] else found


def _split_data_array(value: xr.DataArray, arrays: list[Any]) -> Tree:
    whole = _split_dataset(value.to_dataset(name=_HELD), arrays)
    return {"kind": "dataarray", "name": _split(value.name, arrays), "dataset": whole}


def _join_data_array(tree: Tree, arrays: Sequence[Any]) -> xr.DataArray:
    return _join_dataset(tree["dataset"], arrays)[_HELD].rename(join(tree["name"], arrays))


def _split_column(value: pd.Series[Any] | pd.Index[Any], arrays: list[Any]) -> Tree:
    name, dtype = _split(value.name, arrays), value.dtype
    if isinstance(value, pd.RangeIndex):
        return {"kind": "range", "name": name, "bounds": [value.start, value.stop, value.step]}
    if isinstance(value, pd.MultiIndex) or not isinstance(dtype, (np.dtype, pd.StringDtype)):
        raise InputError(f"A stage cannot keep the column {value.name!r} of {dtype}. Turn it into numbers or texts")
    return {"kind": "column", "name": name, "dtype": str(dtype), "data": _split_array(value.array, arrays)}


def _split_frame(value: pd.DataFrame, arrays: list[Any]) -> Tree:
    return {
        "kind": "frame",
        "labels": _split_column(value.columns, arrays),
        "columns": [_split_column(value.iloc[:, i], arrays) for i in range(value.shape[1])],
        "index": _split_column(value.index, arrays),
        "attrs": _split_mapping(value.attrs, arrays),
    }


def _join_frame(tree: Tree, arrays: Sequence[Any]) -> pd.DataFrame:
    index = _join_index(tree["index"], arrays)
    columns = [pd.Series(_join_data(part, arrays), index=index) for part in tree["columns"]]
    found = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=index)
    found.columns = _join_index(tree["labels"], arrays)
    found.attrs = _join_mapping(tree["attrs"], arrays)
    return found


def _split_series(value: pd.Series[Any], arrays: list[Any]) -> Tree:
    parts = {"column": _split_column(value, arrays), "index": _split_column(value.index, arrays)}
    return {"kind": "series", **parts, "attrs": _split_mapping(value.attrs, arrays)}


def _join_series(tree: Tree, arrays: Sequence[Any]) -> pd.Series[Any]:
    index, name = _join_index(tree["index"], arrays), join(tree["column"]["name"], arrays)
    found = pd.Series(_join_data(tree["column"], arrays), index=index, name=name)
    found.attrs = _join_mapping(tree["attrs"], arrays)
    return found


def _join_data(tree: Tree, arrays: Sequence[Any]) -> Any:
    return pd.array(join(tree["data"], arrays), dtype=tree["dtype"])


def _join_index(tree: Tree, arrays: Sequence[Any]) -> pd.Index[Any]:
    name = join(tree["name"], arrays)
    if tree["kind"] == "range":
        start, stop, step = tree["bounds"]
        return pd.RangeIndex(start, stop, step, name=name)
    found: pd.Index[Any] = pd.Index(_join_data(tree, arrays), name=name)
    return found


def is_lazy(value: Any) -> bool:
    """Whether a value is a dask array (told without importing dask)."""
    return hasattr(value, "dask") and hasattr(value, "chunks") and hasattr(value, "dtype")


_SPLIT: dict[Any, Callable[[Any, list[Any]], Tree]] = {
    xr.Dataset: _split_dataset,
    xr.DataArray: _split_data_array,
    pd.DataFrame: _split_frame,
    pd.Series: _split_series,
    pd.Index: lambda value, arrays: {"kind": "index", "index": _split_column(value, arrays)},
    np.ndarray: _split_array,
    np.generic: _split_scalar,
    (list, tuple): _split_items,
    dict: _split_mapping,
}
_JOIN: dict[str, Callable[[Tree, Sequence[Any]], Any]] = {
    "dataset": _join_dataset,
    "dataarray": _join_data_array,
    "frame": _join_frame,
    "series": _join_series,
    "index": lambda tree, arrays: _join_index(tree["index"], arrays),
    "array": lambda tree, arrays: arrays[tree["array"]],
    "objects": _join_objects,
    "scalar": lambda tree, arrays: arrays[tree["array"]][()],
    "list": lambda tree, arrays: [join(item, arrays) for item in tree["items"]],
    "tuple": lambda tree, arrays: tuple(join(item, arrays) for item in tree["items"]),
    "dict": _join_mapping,
}
