"""What a learner hands in, made comparable, or told in plain words why it cannot be."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.units import convert, convertible
from musyq_lab.training._words import say

LARGEST = 1 << 30
"""Bytes of an answer beyond which it is not computed: exercises have small squares, and Binder 2 GB."""

Array = NDArray[np.float64]


class Unfit(Exception):  # noqa: N818  (no error of the program: something to tell the learner)
    """An answer that cannot be judged; ``key`` and ``values`` are those of the table of words."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values

    def told(self, language: str) -> str:
        """Return it in a language."""
        return say(self.key, language, **{k: v(language) if callable(v) else v for k, v in self.values.items()})


def number(answer: Any, units: str) -> float:
    """Return an answer as one finite number in a unit; a DataArray may say another of the same kind."""
    value = _in_units(_whole(answer), units)
    try:
        array = np.asarray(value)
        if array.size != 1 or array.dtype.kind not in "iuf":
            raise Unfit("type_number", what=_named(answer))
    except (TypeError, ValueError):
        raise Unfit("type_number", what=_named(answer)) from None
    found = float(array.reshape(()))
    if not np.isfinite(found):
        raise Unfit("nan" if np.isnan(found) else "infinite")
    return found


def choice(answer: Any, options: Collection[Any]) -> Any:
    """Return an answer as one of the options, whatever its spelling (``" MODIS"``, ``np.int64(12)``)."""
    value = _plain(_whole(answer))
    if isinstance(value, float) and np.isnan(value):
        raise Unfit("nan")
    if isinstance(value, Collection) and not isinstance(value, str):
        raise Unfit("type_choice", what=_named(answer))
    found = {_key(option): option for option in options}
    if options and _key(value) not in found:
        raise Unfit("no_option", answer=value, options=", ".join(map(str, options)))
    return found.get(_key(value), value)


def several(answer: Any, options: Collection[Any]) -> dict[str, Any]:
    """Return an answer as spelling -> one of the options."""
    value = _whole(answer)
    value = value.values if isinstance(value, xr.DataArray) else value
    if isinstance(value, str) or not isinstance(value, Collection | np.ndarray):
        raise Unfit("type_set", what=_named(answer))
    chosen = [choice(item, options) for item in (value.ravel() if isinstance(value, np.ndarray) else value)]
    return {_key(item): item for item in chosen}


def layers(answer: Any, truth: Mapping[str, xr.DataArray], units: str) -> dict[str, tuple[Array, Array]]:
    """Return an answer beside the truth: name of a layer -> values of both, of one shape and orientation.

    Parameters
    ----------
    answer
        Numpy array, DataArray or Dataset; dimensions of a DataArray may stand in any order.
    truth
        Name of a layer -> its truth in ``units``; the name of the only one does not matter.
    units
        Of the truth; an answer that says another of the same kind is turned into it.
    """
    value = _whole(answer)
    if isinstance(value, xr.Dataset):
        value = next(iter(value.data_vars.values())) if len(value) == len(truth) == 1 else value
    given = dict(value.data_vars) if isinstance(value, xr.Dataset) else split(value)
    if len(given) == len(truth) == 1:
        given = dict(zip(truth, given.values(), strict=True))
    for name in truth:
        if name not in given:
            raise Unfit("no_layer", name=name, names=", ".join(truth))
    return {name: (_placed(_in_units(given[name], units), known), _floats(known)) for name, known in truth.items()}


def split(data: Any) -> dict[str, Any]:
    """Return the layers of an array: those of its dimension ``band``, or all of it as one."""
    if isinstance(data, xr.DataArray) and "band" in data.dims and "band" in data.coords and data.ndim > 1:
        return {str(band): data.sel(band=band, drop=True) for band in data["band"].values}
    return {str(getattr(data, "name", None) or "answer"): data}


def _whole(answer: Any) -> Any:
    """Return an answer in memory."""
    if answer is None:
        raise Unfit("none")
    size = int(getattr(answer, "nbytes", 0) or 0)
    if size > LARGEST:
        raise Unfit("too_large", size=f"{size / 1e9:.1f} GB")
    if not hasattr(answer, "compute"):
        return answer
    try:
        return answer.compute()
    except Exception as error:
        raise Unfit("not_computed", error=f"{type(error).__name__}: {error}") from error


def _in_units(data: Any, units: str) -> Any:
    if not isinstance(data, xr.DataArray) or "units" not in data.attrs or data.dtype.kind not in "iuf":
        return data
    given = str(data.attrs["units"])
    try:
        same_kind = convertible(given, units)
    except InputError:
        return data  # words that are no unit say nothing about the numbers
    if not same_kind:
        raise Unfit("wrong_units", given=given, units=units)
    return convert(data, units)


def _placed(data: Any, truth: xr.DataArray) -> Array:
    """Return values in the order of the truth's dimensions and coordinates."""
    if not isinstance(data, xr.DataArray):
        values = _floats(data)
        if values.shape != truth.shape:
            raise Unfit("shape", given=_shaped(values.shape), wanted=_shaped(truth.shape))
        return values
    extra = [dim for dim in data.dims if dim not in truth.dims and data.sizes[dim] == 1]
    data = data.squeeze(extra, drop=True)
    if set(data.dims) != set(truth.dims) or any(data.sizes[dim] != truth.sizes[dim] for dim in truth.dims):
        raise Unfit("shape", given=_sizes(data), wanted=_sizes(truth))
    data = data.transpose(*truth.dims)
    for dim in truth.dims:
        if dim in data.coords and dim in truth.coords:
            data = _oriented(data, truth, dim)
    return _floats(data)


def _oriented(data: xr.DataArray, truth: xr.DataArray, dim: Any) -> xr.DataArray:
    """Return data whose coordinate runs as that of the truth."""
    ours, theirs = truth[dim].values, data[dim].values
    if ours.dtype.kind not in "iuf" or theirs.dtype.kind not in "iuf":
        same = [np.array_equal(ours, values) for values in (theirs, theirs[::-1])]
    else:
        step = abs(float(ours[1]) - float(ours[0])) if ours.size > 1 else 1.0
        same = [bool(np.all(np.abs(ours - values) <= 0.01 * step)) for values in (theirs, theirs[::-1])]
    if not any(same):
        ends = {"first": theirs[0], "last": theirs[-1], "from_": ours[0], "to": ours[-1]}
        raise Unfit("other_grid", dim=dim, **ends)
    return data if same[0] else data.isel({dim: slice(None, None, -1)})


def _floats(data: Any) -> Array:
    values = np.asarray(data)
    if values.dtype.kind not in "iufb" or values.ndim == 0:
        raise Unfit("type_array", what=_named(data))
    return values.astype(np.float64)


def _plain(value: Any) -> Any:
    """Return a lone value of an array as Python's own."""
    array = value.values if isinstance(value, xr.DataArray) else value
    if isinstance(array, np.ndarray | np.generic):
        return array.item() if array.size == 1 else array.tolist()
    return array


def _key(value: Any) -> str:
    """Return a spelling that does not tell 12 from 12.0 or "MODIS" from " modis"."""
    value = _plain(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().casefold()


def _named(value: Any) -> Any:
    """Return what a thing is called, in any language: a function of the language."""
    key, values = _kind(value)
    return lambda language: say(key, language, **values)


def _kind(value: Any) -> tuple[str, dict[str, object]]:
    simple = {str: "a_text", bool: "a_truth_value", np.bool_: "a_truth_value", complex: "a_complex"}
    if type(value) in simple:
        return simple[type(value)], {}
    if isinstance(value, xr.Dataset):
        return "a_dataset", {"names": ", ".join(map(str, value.data_vars)) or "-"}
    if getattr(value, "ndim", 0) and hasattr(value, "dtype"):
        if value.dtype.kind not in "iufb":
            return "no_numbers", {"dtype": value.dtype}
        return "an_array", {"shape": _shaped(value.shape)}
    return ("a_function", {}) if callable(value) else ("a_thing", {"type": type(value).__name__})


def _shaped(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "1"


def _sizes(data: xr.DataArray) -> str:
    return ", ".join(f"{size} {dim}" for dim, size in data.sizes.items()) or "1"
