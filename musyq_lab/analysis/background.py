r"""What a series of geostationary images shows of the ground without clouds, and of the brightest clouds.

Heliosat compares each image with two references (Cano et al. 1986, doi:10.1016/0038-092X(86)90104-0): the ground, which
is what remains dark at the same time of the day over some weeks, and a thick cloud. Ground is a low percentile over the
days, pixel by pixel and slot by slot: shadows of clouds make the lowest value darker than the ground, and a percentile
of 5 leaves out the darkest of 20 images. It takes a month of images, or wide slots: after five days with half the sky
under cloud, slots of half an hour hold ground that is a half too bright, which takes a tenth off the clouds; of three
hours, right to 0.02 (simulated Earth). Cloud is a high percentile of all pixels and images with the Sun at least
20 degrees high; where no cloud is bright enough the formula of
:func:`musyq_lab.kernels.heliosat.cloud_reflectance` is better, which :mod:`musyq_lab.products.dsr` takes by itself.
"""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError

BRIGHTEST = (0.0, 1.5, 1500)
"""Least and largest apparent reflectance, and number of bins, of the count from which the cloud is taken."""

_FEWEST = 0.5  # below this reflectance the bright end of a series is no thick cloud: 0.65 is the formula's least


def clear_background(
    reflectance: xr.DataArray,
    *,
    sun_zenith: xr.DataArray | None = None,
    ground: float = 0.05,
    cloud: float = 0.98,
    slot: str = "1h",
) -> xr.Dataset:
    """Return the apparent reflectance of the ground at each time of the day, and that of thick clouds.

    Parameters
    ----------
    reflectance : DataArray, dims (time, ...)
        Apparent reflectance (1) of a visible channel, NaN where not known; several days.
    sun_zenith : DataArray, optional
        Of the same dims (degrees): images with the Sun below 20 degrees do not count for clouds.
    ground, cloud : float
        Quantiles of the ground over days, and of the clouds over all pixels and images.
    slot : str
        Width of the times of the day that are taken together.

    Returns
    -------
    Dataset
        ``ground_reflectance`` (time, ...) at each image, from the days of its slot; ``cloud_reflectance`` (scalar, NaN
        where the series has no bright cloud); ``background_days`` (time), how many days its slot has. Lazy where the
        input is.

    Raises
    ------
    InputError
        If there is no ``time``, or a quantile is none.
    """
    if "time" not in reflectance.dims or reflectance["time"].dtype.kind != "M":
        raise InputError(
            f"clear_background needs a dimension 'time' with dates, got {list(map(str, reflectance.dims))}."
        )
    if not (0 <= ground < cloud <= 1):
        raise InputError(f"Quantiles must rise within 0 to 1, got ground={ground}, cloud={cloud}.")
    slots = _slots(reflectance["time"].values, slot)
    lazy = reflectance.chunks is not None
    series = reflectance.chunk(time=-1) if lazy else reflectance
    low = xr.apply_ufunc(
        _ground,
        series,
        kwargs={"slots": slots, "quantile": ground},
        input_core_dims=[["time"]],
        output_core_dims=[["time"]],
        dask="parallelized",
        output_dtypes=[reflectance.dtype],
    ).transpose(*reflectance.dims)
    high = reflectance if sun_zenith is None else reflectance.where(sun_zenith <= 70.0)
    days = pd.Series(slots).groupby(slots).transform("size").to_numpy()
    made = {
        "ground_reflectance": low.assign_attrs(
            units="1", long_name="apparent reflectance of the ground without clouds"
        ),
        "cloud_reflectance": _cloud(high, cloud),
        "background_days": ("time", days, {"units": "1", "long_name": "images of the slot"}),
    }
    return xr.Dataset(made)


def _slots(times: NDArray[Any], width: str) -> NDArray[np.int64]:
    """Return the number of the slot of the day of each time."""
    length = pd.Timedelta(width).value
    nanoseconds = np.asarray(times, "datetime64[ns]").astype(np.int64) % pd.Timedelta("1D").value
    return np.asarray((nanoseconds + length // 2) // length % (pd.Timedelta("1D").value // length), np.int64)


def _ground(series: NDArray[Any], *, slots: NDArray[np.int64], quantile: float) -> NDArray[Any]:
    """Return the low quantile over the days of each slot, dims (..., time)."""
    out = np.full_like(series, np.nan)
    for one in np.unique(slots):
        inside = slots == one
        part = series[..., inside]
        known = np.isfinite(part).any(axis=-1)
        low = np.full(part.shape[:-1], np.nan, series.dtype)
        low[known] = np.nanquantile(part[known], quantile, axis=-1)
        out[..., inside] = low[..., None]
    return out


def _cloud(reflectance: xr.DataArray, quantile: float) -> xr.DataArray:
    """Return a high quantile of all values, from exact counts: the same for any chunks."""
    data = reflectance.data
    lazy = hasattr(data, "dask")
    least, most, bins = BRIGHTEST
    if lazy:
        counts, edges = da.histogram(data.ravel(), bins=bins, range=(least, most))
        value = da.map_blocks(_from_counts, counts, edges, quantile, dtype=float, drop_axis=0)
    else:
        counts, edges = np.histogram(data[np.isfinite(data)], bins=bins, range=(least, most))
        value = _from_counts(counts, edges, quantile)
    return xr.DataArray(value, attrs={"units": "1", "long_name": "apparent reflectance of a thick cloud"})


def _from_counts(counts: NDArray[Any], edges: NDArray[Any], quantile: float) -> NDArray[np.float64]:
    total = counts.sum()
    if total == 0:
        return np.asarray(np.nan)
    at = int(np.searchsorted(np.cumsum(counts), quantile * total))
    value = 0.5 * (edges[at] + edges[at + 1])
    return np.asarray(value if value >= _FEWEST else np.nan)
