"""What a scene says of its pixels, carried into the quality bits of what is retrieved from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr

from musyq_lab.core.quality import OF_SCENE, QA_DTYPE, SCENE_CLOUD

_LAYER = "qa"


def without_clouds(arrays: Mapping[str, xr.DataArray], dataset: xr.Dataset | None) -> dict[str, xr.DataArray]:
    """Return series with their cloudy dates left out, which would pass for seasons.

    Parameters
    ----------
    arrays : mapping of str to xarray.DataArray
        Inputs along ``time``.
    dataset : xarray.Dataset or None
        With a layer ``qa`` along ``time`` that names its bits; else nothing changes.
    """
    scene = None if dataset is None else dataset.get(_LAYER)
    if scene is None or scene.dtype.kind not in "iu" or "time" not in scene.dims:
        return dict(arrays)
    mask = _mask(scene, dict(OF_SCENE)[SCENE_CLOUD])
    clear = (_bare(scene) & mask) == 0
    return {name: a.where(clear) if set(clear.dims) <= set(a.dims) else a for name, a in arrays.items()}


def _mask(scene: xr.DataArray, names: Iterable[str]) -> int:
    """Return the bits that a layer has for flags of these names."""
    known = str(scene.attrs.get("flag_meanings", "")).split()
    masks = dict(zip(known, np.atleast_1d(scene.attrs.get("flag_masks", [])), strict=False))
    return sum(int(masks[name]) for name in names if name in masks)


def _bare(scene: xr.DataArray) -> xr.DataArray:
    return scene.drop_vars([c for c in scene.coords if c not in scene.dims]).drop_attrs(deep=False)


def with_scene_bits(bits: xr.DataArray, dataset: xr.Dataset | None) -> xr.DataArray:
    """Return quality bits with those of cloud, snow and doubt set where the scene has them.

    Parameters
    ----------
    bits : xarray.DataArray
        Of the product, uint16.
    dataset : xarray.Dataset or None
        What it was made from; without a layer ``qa`` that names its bits nothing changes.
    """
    scene = None if dataset is None else dataset.get(_LAYER)
    if scene is None or scene.dtype.kind not in "iu" or not set(scene.dims) <= set(bits.dims):
        return bits
    bare = _bare(scene)
    for flag, sources in OF_SCENE:
        if mask := _mask(scene, sources):
            bits = bits | ((bare & mask) > 0).astype(QA_DTYPE) * QA_DTYPE.type(flag.mask)
    return bits
