"""Exercises of the notebook *40_vegetation*."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.training._truth import Truth


def wrong_clumping(
    hers: xr.DataArray,
    omega: xr.DataArray,
    land_cover: xr.DataArray,
    candidates: Sequence[int],
    ratio: Callable[[int], float],
    her_map: xr.DataArray,
    true: xr.DataArray,
) -> Truth:
    """Return the class whose clumping index is farthest below that of the simulated Earth.

    Parameters
    ----------
    hers, omega
        Clumping index of the colleague and of the truth (1), dims (y, x).
    land_cover
        IGBP classes.
    candidates
        Classes that may be at fault.
    ratio
        Class -> mean of her map over the mean of the plots.
    her_map, true
        Leaf area index (m2 m-2) made with her table, and the truth.
    """
    shares = {n: float((hers / omega).where(land_cover == n).median()) for n in candidates}
    planted = min(shares, key=lambda n: shares[n])
    # leaf area is effective leaf area over the index, so twice the index halves it
    mended = her_map.where(land_cover != planted, her_map / 2)
    before, after = (float(((m - true).where(land_cover != 17) ** 2).mean() ** 0.5) for m in (her_map, mended))
    note = f"With this class mended, the rms error falls from {before:.2f} to {after:.2f} m² m⁻²."
    return Truth(planted, mistakes={"lowest": min(candidates, key=ratio)}, options=tuple(candidates), note=note)


def map_of_leaf_area(
    true: xr.DataArray,
    omega: xr.DataArray,
    land_cover: xr.DataArray,
    good: NDArray[np.bool_],
    hidden: NDArray[np.bool_],
) -> Truth:
    """Return the leaf area index (m2 m-2) of the land.

    Parameters
    ----------
    true, omega
        Leaf area index and clumping index (1) of the truth, dims (y, x).
    land_cover
        IGBP classes.
    good, hidden
        Pixels of land that were seen, and pixels hidden by cloud or shadow; shape (y, x).
    """
    land = true.where(land_cover != 17)
    covered = xr.DataArray(hidden & ~good, dims=true.dims)
    return Truth(land.where(~covered.values), mistakes={"effective": land * omega}, hidden=covered)
