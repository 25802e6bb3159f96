"""How bright the dry soil is: texture differs between plains and slopes, and from field to field."""

from __future__ import annotations

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.twin._fields import fractal, noise
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.random import stream

LIMITS = (0.5, 1.5)
"""Range of the brightness."""
_MEMBERS = {"training": 1.0, "scored": 0.92}
_FARMLAND = (12, 14)


def soil(grid: WorldGrid, static: xr.Dataset, seed: int, members: str = "training") -> xr.Dataset:
    """Return the brightness of the dry soil.

    Parameters
    ----------
    grid
        Cells.
    static
        ``wetness``, ``land_cover`` and ``parcel`` of the world.
    seed
        Seed of the world.
    members
        ``"training"`` or ``"scored"``: the latter's soil is 8 % darker and 1.3 times as varied, so that an algorithm
        trained on the former meets soil it has not seen.

    Returns
    -------
    Dataset, dims (y, x)
        ``soil_brightness`` (float32, 0.5-1.5): factor of the dry soil spectrum. Bottoms of valleys, rich in clay and
        humus, are darker (Stoner & Baumgardner 1981, doi 10.2136/sssaj1981.03615995004500060031x); the sizes are ours.
    """
    if members not in _MEMBERS:
        raise InputError(f"members={members!r}: expected 'training' or 'scored'.")
    rng = stream(seed, "soil")
    texture = fractal(grid.shape, 3.2, rng, outer=3000 / grid.metres, periodic=True)
    grain = noise(grid.shape, 1.0, rng, periodic=True)
    parcel = static["parcel"].values
    tilled = rng.normal(0, 0.06, int(parcel.max()) + 1).astype(np.float32)[parcel]
    tilled = np.where(np.isin(static["land_cover"].values, _FARMLAND), tilled, 0.3 * tilled)
    varied = 0.11 * texture + 0.015 * grain + tilled - 0.16 * (static["wetness"].values - 0.5)
    factor = 1.3 if members == "scored" else 1.0
    bright = np.clip(_MEMBERS[members] * (1.0 + factor * varied), *LIMITS).astype(np.float32)
    attributes = {"units": "1", "long_name": "brightness of the dry soil relative to its mean spectrum"}
    return xr.Dataset({"soil_brightness": (("y", "x"), bright, attributes)})
