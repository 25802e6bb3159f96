"""Pixels of a strip whose kernels of directional reflectance are inverted: seen from enough directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.composite import _plan, multiangle
from musyq_lab.composite._plan import Plan
from musyq_lab.composite._strip import Pixels, line

Array = NDArray[Any]


def invert(out: Array, looks: Sequence[Pixels], shared: Sequence[Array], weight: Array, sun: Array, plan: Plan) -> None:
    """Put what an inversion gives over the means of a strip, where it can be done.

    Parameters
    ----------
    out : array (layer, pixel)
        Layers of the strip with the means; changed in place.
    looks : sequence of Pixels
        Pieces with joined rows and columns.
    shared : sequence of array (block, look, LANES)
        One sigma of each band that the looks of a sensor share.
    weight : array (block, look, LANES)
        Inverse variance of the looks.
    sun : array (pixel,)
        Zenith angle of the Sun (deg) that nadir reflectance is given for.
    plan : Plan
        ``"auto"`` takes full inversions only, ``"brdf"`` those of the magnitude too.
    """
    size = out.shape[1]
    directional = np.array([column.directional for column in plan.columns], np.float32)
    weight = weight * directional[:, np.newaxis]
    if plan.method == "auto" and np.count_nonzero(weight > 0, axis=1).max() < multiangle.FEWEST:
        return
    made = multiangle.invert(
        _reflectance(looks, plan, size),
        _layer([look.sun_zenith for look in looks]),
        _layer([look.view_zenith for look in looks]),
        _layer([look.relative_azimuth for look in looks]),
        _layer([line(np.ascontiguousarray(weight[:, i]), size) for i in range(len(looks))]),
        sun=xr.DataArray(sun[np.newaxis], dims=("y", "x")),
    )
    kind = made["inversion"].values[0]
    taken = kind == 2 if plan.method == "auto" else kind > 0
    floats = out[: plan.floats].view(np.float32)
    for b in range(plan.bands):
        value, noise = (made[name].values[b, 0] for name in ("nadir_reflectance", "nadir_uncertainty"))
        sigma = np.hypot(noise, line(_shift(shared[b], weight, plan), size))
        there = taken & np.isfinite(value)
        floats[b] = np.where(there, value, floats[b])
        floats[plan.bands + b] = np.where(there, sigma, floats[plan.bands + b])
    for flag, level in ((_plan.INVERSION, 2), (_plan.MAGNITUDE, 1)):
        out[plan.floats + 1] |= (taken & (kind == level)).astype(np.uint32) * np.uint32(flag.mask)


def _shift(sigma: Array, weight: Array, plan: Plan) -> Array:
    """Return the systematic part of a mean: common to the looks of a sensor, independent between sensors."""
    with np.errstate(invalid="ignore"):
        heavy = np.where(weight > 0, weight * sigma, np.float32(0))  # a look of no weight may have no sigma
    parts = [heavy[:, plan.sensor_of == s].sum(1) ** 2 for s in range(plan.sensors)]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sqrt(np.sum(parts, axis=0)) / weight.sum(1))


def _reflectance(looks: Sequence[Pixels], plan: Plan, size: int) -> xr.DataArray:
    stack = np.full((len(looks), plan.bands, 1, size), np.nan, np.float32)
    for i, (look, column) in enumerate(zip(looks, plan.columns, strict=True)):
        for b, at in enumerate(column.bands):
            if at >= 0:
                stack[i, b, 0] = look.reflectance[at]
    coords = {"band": list(plan.names), "wavelength": ("band", list(plan.wavelengths))}
    return xr.DataArray(stack, dims=("look", "band", "y", "x"), coords=coords)


def _layer(rows: Sequence[Array]) -> xr.DataArray:
    return xr.DataArray(np.stack(rows).astype(np.float32)[:, np.newaxis], dims=("look", "y", "x"))
