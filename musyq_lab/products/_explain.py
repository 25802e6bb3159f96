"""``ml.explain``: what the quality bits of a pixel say, in sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import CAUSE_DTYPE, COMMON_FLAGS, FIRST_OWN_BIT, QA_DTYPE, Flag
from musyq_lab.core.quality import explain as sentences
from musyq_lab.core.variables import QUANTITIES
from musyq_lab.products._registry import PRODUCTS

_ALL_WELL = "No quality bit is set: the value is as good as its inputs."
_CAUSE = "_inputs_qa"
_AXES = (("longitude", "latitude"), ("x", "y"))


def explain(ds: xr.Dataset, x: float, y: float, **selection: object) -> list[str]:
    """Say what the quality bits mean at a place, and which inputs caused it.

    Parameters
    ----------
    ds : xarray.Dataset
        A product with a ``*_qa`` layer.
    x, y : float
        Longitude and latitude, or projected coordinates, of the place; the nearest pixel counts.
    **selection
        Labels of further dimensions, such as ``month=7``.

    Returns
    -------
    list of str
        One sentence per set bit and layer; a single reassuring one if none is set.

    Raises
    ------
    InputError
        If there is no quality layer, no coordinates, the place is not on the map, or a dimension is left open.
    """
    layers = [name for name in map(str, ds.data_vars) if name.endswith("_qa")]
    if not layers:
        raise InputError("The dataset has no '*_qa' layer, so there is nothing to explain.")
    across, down = _axes(ds)
    for name, place in ((across, x), (down, y)):
        _on_map(ds[name].values, name, place)
    point = ds[layers].sel({across: x, down: y}, method="nearest").sel(selection).compute()
    if point.sizes:
        raise InputError(f"Say which of {dict(point.sizes)} is meant, for example {next(iter(point.sizes))}=...")
    found = [line for name in layers for line in _sentences(point[name], flags_of(ds[name]))]
    return [f"{line[0].upper()}{line[1:]}." for line in found] or [_ALL_WELL]


def _sentences(layer: xr.DataArray, flags: list[Flag]) -> list[str]:
    return sentences(layer.item(), flags, CAUSE_DTYPE if _is_cause(layer) else QA_DTYPE)


def _is_cause(layer: xr.DataArray) -> bool:
    return str(layer.name).endswith(_CAUSE)


def flags_of(layer: xr.DataArray) -> list[Flag]:
    """Return the bits a quality layer declares in its CF attributes, with sentences where the registry knows them."""
    names = str(layer.attrs.get("flag_meanings", "")).split()
    masks = layer.attrs.get("flag_masks", [])
    if _is_cause(layer):
        key = str(layer.name).removesuffix(_CAUSE)
        words = {name: _fault(key, name) for name in names}
    else:
        common = {f.name: f.sentence for f in COMMON_FLAGS}
        words = {**_own_sentences(str(layer.name).removesuffix("_qa")), **common}
    return [
        Flag(int(mask).bit_length() - 1, name, words.get(name, name.replace("_", " ")))
        for name, mask in zip(names, np.atleast_1d(masks), strict=True)
    ]


def _fault(key: str, name: str) -> str:
    """Return what is wrong with an input of a product, with the range that it may have."""
    if name not in QUANTITIES:
        return f"the input {name} is missing or outside its possible range"
    item = QUANTITIES[name]
    own = {i.name: i.valid_range for i in PRODUCTS[key].inputs} if key in PRODUCTS else {}
    low, high = own.get(name, item.valid_range)
    unit = "" if item.units == "1" else f" {item.units}"
    return f"the input {name} ({item.meaning}) is missing, or not within {low:g} to {high:g}{unit}"


def _own_sentences(key: str) -> dict[str, str]:
    if key not in PRODUCTS:
        return {}
    return {f.name: f.sentence for f in PRODUCTS[key].flags if f.bit >= FIRST_OWN_BIT}


def _on_map(centres: NDArray[Any], name: str, place: float) -> None:
    """Refuse a place that is farther than a pixel beyond the outermost centres; one pixel alone tells no size."""
    if centres.ndim != 1 or centres.size < 2:
        return
    low, high, step = centres.min(), centres.max(), np.abs(np.diff(centres)).max()
    if not low - step <= place <= high + step:
        raise InputError(f"{name} = {place:g} is not on the map, whose pixels lie at {low:g} to {high:g}.")


def _axes(ds: xr.Dataset) -> tuple[str, str]:
    for across, down in _AXES:
        if across in ds.coords and down in ds.coords:
            return across, down
    raise InputError(f"The dataset has neither longitude/latitude nor x/y coordinates, only {list(ds.coords)}.")
