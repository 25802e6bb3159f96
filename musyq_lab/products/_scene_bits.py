"""What a scene says of its pixels, carried into the quality bits of what is retrieved from it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from musyq_lab.core.quality import OF_SCENE, QA_DTYPE

_LAYER = "qa"


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
    names = str(scene.attrs.get("flag_meanings", "")).split()
    masks = dict(zip(names, np.atleast_1d(scene.attrs.get("flag_masks", [])), strict=False))
    bare = scene.drop_vars([c for c in scene.coords if c not in scene.dims]).drop_attrs()
    for flag, sources in OF_SCENE:
        mask = sum(int(masks[name]) for name in sources if name in masks)
        if mask:
            bits = bits | ((bare & mask) > 0).astype(QA_DTYPE) * QA_DTYPE.type(flag.mask)
    return bits
