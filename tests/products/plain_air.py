"""Air of three simple laws and cells without a scene, so that a test can write the answer down itself."""

import dask.array as da
import numpy as np
import xarray as xr

from musyq_lab.products._aerosol_look import Look
from musyq_lab.standard._aerosol_cells import Axis, Cells

SUN, VIEW, TURN = 35.0, 20.0, 120.0
BANDS = {"blue": (0.30, 0.20, 0.25), "red": (0.10, 0.10, 0.15), "nir": (0.04, 0.05, 0.08), "far": (0.0, 0.0, 0.0)}
"""Path reflectance, extinction and spherical albedo for an optical depth of 1: the less, the longer the wave."""


def laws(key, aod):
    """Return path reflectance, transmittance and spherical albedo of a band."""
    path, extinction, albedo = key
    return 0.02 + path * aod, 0.9 * np.exp(-extinction * aod), albedo * aod / (1.0 + aod)


def seen_through(surface, key, aod):
    """Return reflectance at the top of the atmosphere above a Lambertian surface."""
    path, through, albedo = laws(key, aod)
    return path + through * surface / (1.0 - albedo * surface)


def nodes(keys, sky, aod=None):
    """Stand in for the tables: shape (rows, columns, node, band)."""
    depth = sky[3][..., None] if aod is None else np.broadcast_to(aod, (*sky.shape[1:], aod.size))
    parts = zip(*(laws(key, depth.astype(np.float64)) for key in keys), strict=True)
    return tuple(np.stack(part, -1).astype(np.float32) for part in parts)


def cells(size, shape):
    """Return cells of ``size`` x ``size`` pixels, all of which are looked at."""
    rows, columns = (Axis.parted(size * count, float(size)) for count in shape)
    return Cells(xr.Dataset(), ("y", "x"), rows, columns, 1000.0)


def sky(shape):
    """Return the air of cells as the methods take it, shape (6, rows, columns)."""
    state = np.array([SUN, VIEW, TURN, 20.0, 300.0, 950.0], np.float32)
    return state[:, None, None] * np.ones((1, *shape), np.float32)


def look(light, roles, size, *, marked=None, prior=(0.2, 0.1), lazy=False):
    """Return a look at light of shape (band, y, x)."""
    shape = light.shape[1] // size, light.shape[2] // size
    marked = np.zeros((1, *light.shape[1:]), np.int8) if marked is None else marked
    before = np.stack([np.broadcast_to(part, shape) for part in prior]).astype(np.float32)
    if lazy:
        light, marked = (da.from_array(part, chunks=(-1, size, size)) for part in (light, marked))
    keys = [BANDS[role] for role in roles]
    return Look(cells(size, shape), keys, light, marked, sky(shape), before, np.float32(1.0))
