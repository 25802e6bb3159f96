"""Retrievals whose function works on the scene as a whole, lazily: neighbourhoods of kilometres, steps of a chain.

The function gets DataArrays and returns DataArrays; masking, ranges and quality bits are made here as
:mod:`musyq_lab.products._block` makes them for functions of numpy blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import MusyqError
from musyq_lab.core.quality import (
    CAUSE_DTYPE,
    INPUT_MISSING,
    INPUT_OUT_OF_RANGE,
    NOT_DEFINED,
    OUTPUT_OUT_OF_RANGE,
    QA_DTYPE,
)
from musyq_lab.core.spec import Variable
from musyq_lab.products._block import Block, Fault, call_with, float_type


@dataclass(frozen=True)
class Made:
    """What a retrieval gave, without attributes."""

    values: list[xr.DataArray]
    """Of the wanted variables, in order."""
    sigmas: list[xr.DataArray | None]
    """One sigma of each, where the function gave it."""
    qa: xr.DataArray
    """Quality bits."""
    cause: xr.DataArray
    """Bits of the faulty inputs."""


def apply_scene(block: Block, arrays: Mapping[str, xr.DataArray], scene: xr.Dataset | None) -> Made:
    """Run a retrieval's function over whole arrays.

    Parameters
    ----------
    block : Block
        The retrieval; its function takes the inputs by name, options, and ``scene``, and returns a mapping of names to
        arrays: the wanted variables, ``<variable>_uncertainty`` and, as booleans, its own flags.
    arrays : mapping of str to xarray.DataArray
        Inputs and their one sigma, aligned and in canonical units.
    scene : xarray.Dataset or None
        As the user gave it.

    Raises
    ------
    MusyqError
        If the function returns something else.
    """
    dtype = float_type([arrays[item.name].dtype for item in block.inputs])
    clean = {name: array.astype(dtype) for name, array in arrays.items()}
    clean |= {i.name: clean[i.name].where(_good(clean[i.name], i.valid_range)) for i in block.inputs}
    found = call_with(block.body, {**clean, **block.options, "scene": scene})
    _check(block, found)
    dims = found[block.variables[0].name].dims
    faults = {i.name: _fault(arrays[i.name], i.valid_range, dims) for i in block.inputs}
    qa, cause = _input_bits(block, faults, found)
    for flag in block.spec.flags:
        if flag.name in found:
            qa = _with(qa, found[flag.name], flag.mask)
    values, sigmas = [], []
    for variable in block.variables:
        value, qa = _finished(block, variable, found[variable.name].astype(dtype), faults, qa)
        sigma = found.get(variable.uncertainty_name)
        values.append(_bare(value.transpose(*dims)))
        sigmas.append(None if sigma is None else _bare(sigma.astype(dtype).where(value.notnull()).transpose(*dims)))
    return Made(values, sigmas, _bare(qa.transpose(*dims)), _bare(cause.transpose(*dims)))


def _good(array: xr.DataArray, limits: tuple[float, float]) -> xr.DataArray:
    return (array >= limits[0]) & (array <= limits[1])


def _bare(array: xr.DataArray) -> xr.DataArray:
    scalars = [name for name, coordinate in array.coords.items() if coordinate.ndim == 0]
    return array.drop_vars(scalars).drop_attrs()


def _check(block: Block, found: Any) -> None:
    known = {v.name for v in block.variables} | {v.uncertainty_name for v in block.variables}
    known |= {flag.name for flag in block.spec.flags}
    if not isinstance(found, Mapping) or set(found) - known or {v.name for v in block.variables} - set(found):
        got = sorted(found) if isinstance(found, Mapping) else type(found).__name__
        wanted = [v.name for v in block.variables]
        raise MusyqError(
            f"The retrieval {block.spec.key!r} returned {got} where {wanted} were wanted. Return a dict of DataArrays: "
            "each wanted variable, its uncertainty, and flags of its spec."
        )


def _fault(array: xr.DataArray, limits: tuple[float, float], dims: Iterable[Any]) -> Fault:
    """Return where an input is missing or impossible; for dims that the result lacks, where all of it is."""
    missing, good = array.isnull(), _good(array, limits)
    outside = ~(good | missing)
    if gone := [d for d in array.dims if d not in dims]:
        none = ~good.any(gone)
        missing = none & missing.any(gone)
        outside = none & outside.any(gone)
    return Fault(missing, outside)


def _with(bits: xr.DataArray, where: xr.DataArray, mask: int) -> xr.DataArray:
    marked: xr.DataArray = bits | where.astype(bits.dtype) * bits.dtype.type(mask)
    return marked


def _input_bits(
    block: Block, faults: Mapping[str, Fault], found: Mapping[str, xr.DataArray]
) -> tuple[xr.DataArray, xr.DataArray]:
    """Set the bits of faulty inputs; those it does without are to blame only where a value is lost."""
    like = found[block.variables[0].name]
    qa, cause = xr.zeros_like(like, QA_DTYPE), xr.zeros_like(like, CAUSE_DTYPE)
    for bit, item in enumerate(block.spec.inputs):
        if fault := faults.get(item.name):
            cause = _with(cause, fault.missing | fault.outside, 1 << bit)
            resting = [found[v.name].isnull() for v in block.variables if not v.inputs or item.name in v.inputs]
            lost = reduce(or_, resting) if item.optional and resting else True
            qa = _with(
                _with(qa, fault.missing & lost, INPUT_MISSING.mask), fault.outside & lost, INPUT_OUT_OF_RANGE.mask
            )
    return qa, cause


def _finished(
    block: Block, variable: Variable, value: xr.DataArray, faults: Mapping[str, Fault], qa: xr.DataArray
) -> tuple[xr.DataArray, xr.DataArray]:
    """Remove what lies outside the valid range or rests on a faulty input, and set the bits."""
    needed = variable.inputs or [i.name for i in block.inputs]
    required = [faults[i.name] for i in block.inputs if not i.optional and i.name in needed]
    usable = xr.ones_like(value, bool)
    for fault in required:
        usable = usable & ~(fault.missing | fault.outside)
    low, high = variable.valid_range
    beyond = (value < low) | (value > high)
    qa = _with(qa, beyond & usable, OUTPUT_OUT_OF_RANGE.mask)
    qa = _with(qa, value.isnull() & usable, NOT_DEFINED.mask)
    return value.where(usable & ~beyond, value.dtype.type(np.nan)), qa
