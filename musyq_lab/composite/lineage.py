"""Which granules made a pixel: one bit for each granule, in words of 32."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError

WORD = 32
"""Granules in a word."""


def words_of(granules: int) -> int:
    """Return the number of words that hold so many bits, at least one."""
    return max(1, -(-granules // WORD))


def packed(used: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Return bit sets ``(word, ...)`` from masks ``(granule, ...)``; bit k of word j stands for granule 32 j + k."""
    words = np.zeros((words_of(len(used)), *used.shape[1:]), np.uint32)
    for k, mask in enumerate(used):
        words[k // WORD] |= mask.astype(np.uint32) << np.uint32(k % WORD)
    return words


def unpacked(words: xr.DataArray, granule: xr.DataArray) -> xr.DataArray:
    """Return where each granule took part, as a mask with the dimension ``granule`` first, lazily."""
    number = xr.DataArray(np.arange(granule.size), dims="granule", coords={"granule": granule.values})
    bits = words.isel(word=number // WORD) >> (number % WORD).astype(np.uint32) & np.uint32(1)
    return bits.astype(bool).transpose("granule", ...)


def granules_of(composite: xr.Dataset, x: float, y: float) -> list[str]:
    """Return the names of the granules that made the pixel nearest to a place, in the order of time.

    Parameters
    ----------
    composite : Dataset
        From :func:`musyq_lab.composite.composite.composite`.
    x, y : float
        Place in the units of the grid: x and y (m), or longitude and latitude (deg).

    Raises
    ------
    InputError
        If the Dataset has no lineage, holds several composites, or the place lies outside it.
    """
    if "lineage" not in composite:
        raise InputError(
            "granules_of() needs a composite with its layer `lineage`; make one with ml.composite(scenes)."
        )
    words = composite["lineage"]
    if words.ndim != 3:
        axis = str(words.dims[0])
        raise InputError(
            f"granules_of() asks one composite, and this holds {words.sizes[axis]} along {axis!r}, each with granules "
            f"of its own. Choose one first: granules_of(cube.isel({axis}=0), x, y)."
        )
    rows, columns = (str(dim) for dim in words.dims[1:])
    for dim, value in ((rows, y), (columns, x)):
        centres = composite[dim].values
        half = 0.5 * abs(float(centres[-1] - centres[0])) / max(centres.size - 1, 1)
        if not centres.min() - half <= value <= centres.max() + half:
            raise InputError(
                f"{dim} = {value} lies outside the composite, which has {centres.min():g} to {centres.max():g}."
            )
    bits = words.sel({rows: y, columns: x}, method="nearest").values
    names = composite["granule"].values
    return [str(name) for k, name in enumerate(names) if name and int(bits[k // WORD]) >> k % WORD & 1]
