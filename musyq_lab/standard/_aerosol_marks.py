"""Which pixels of a scene tell of its air: those that are clear and not beside a cloud; and their medians."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.standard import layout
from musyq_lab.standard._aerosol_cells import Cells

NEAR = 600.0
"""Distance (m) within which a pixel beside a cloud is not looked at."""

_CLOUDS = ("cloud", "cloud_shadow", "cirrus", "cloud_possible")
_OTHERS = ("no_data", "saturated", "snow_ice", "water", "terrain_shadow", "night", "sun_glint")

Floats = NDArray[Any]


def marks(scene: xr.Dataset, cells: Cells) -> Any:
    """Return 0 where a pixel may be looked at, 2 for clouds, 1 for what else is not, shape (1, y, x) of samples."""
    cloud, other = layout.flagged(scene, *_CLOUDS), layout.flagged(scene, *_OTHERS)
    found = other.astype(np.int8).where(~cloud, np.int8(2)).transpose(*cells.plane)
    return cells.sampled(found.data[None])


def clear(marked: Floats, rows: int, columns: int, *, halo: bool) -> NDArray[np.bool_]:
    """Return where pixels are clear and, with a halo, no pixel beside them in the same cell is a cloud.

    Parameters
    ----------
    marked : array, shape (y, x)
        From :func:`marks`.
    rows, columns : int
        Pixels of a cell.
    halo : bool
        Whether pixels lie so close together that a cloud spoils its neighbours.
    """
    if not halo:
        return np.asarray(marked == 0)
    y, x = marked.shape
    cloud = (marked == 2).reshape(y // rows, rows, x // columns, columns)
    for axis in (1, 3):
        wide = cloud.copy()
        first, last = (
            tuple(slice(*cut) if k == axis else slice(None) for k in range(4)) for cut in ((1, None), (0, -1))
        )
        wide[first] |= cloud[last]
        wide[last] |= cloud[first]
        cloud = wide
    near: NDArray[np.bool_] = cloud.reshape(y, x)
    return np.asarray((marked == 0) & ~near)


def median(values: Floats, count: NDArray[np.intp]) -> Floats:
    """Return the median of what is known along the last dimension, NaN where nothing is.

    Parameters
    ----------
    values : array, shape (..., n)
        With NaN.
    count : array, shape (...)
        How many are known.
    """
    ordered = np.sort(values, axis=-1)  # NaN last
    low, high = (np.maximum(at, 0)[..., None] for at in ((count - 1) // 2, count // 2))
    high = np.minimum(high, values.shape[-1] - 1)
    middle: Floats = 0.5 * (np.take_along_axis(ordered, low, -1) + np.take_along_axis(ordered, high, -1))[..., 0]
    return np.where(count > 0, middle, np.nan)
