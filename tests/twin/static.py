"""Small synthetic worlds: flat or sloping fields with the variables of ``World.static`` and of the canopy."""

import numpy as np
import xarray as xr

from musyq_lab.twin.grid import WorldGrid, local_grid

CLIMATE = {
    "elevation": 500.0,
    "slope": 0.0,
    "aspect": 0.0,
    "wetness": 0.4,
    "land_cover": 12,
    "temperature_mean": 284.0,
    "temperature_amplitude": 13.0,
    "diurnal_amplitude": 6.0,
    "humidity_mean": 0.55,
    "cloud_fraction_mean": 0.5,
    "precipitation": 600.0,
    "aod_mean": 0.25,
}
CANOPY = {
    "lai": 3.0,
    "greenness": 1.0,
    "fraction_vegetation_cover": 0.78,
    "canopy_height": 0.8,
    "mean_leaf_angle": 57.0,
    "hotspot": 0.1,
    "clumping_index": 1.0,
}
PLACE = (115.79, 40.35)


def grid(size: float = 2.56, resolution: float = 20.0, place: tuple[float, float] = PLACE) -> WorldGrid:
    """Square UTM cells, 128 x 128 by default."""
    return local_grid(*place, size, resolution)


def fields(on: WorldGrid, defaults: dict[str, float], **changes: object) -> xr.Dataset:
    """Constant fields, some of them replaced by other numbers or arrays."""
    values = {**defaults, **changes}
    kinds = {"land_cover": np.uint8}
    return xr.Dataset(
        {k: (("y", "x"), np.broadcast_to(v, on.shape).astype(kinds.get(k, np.float32))) for k, v in values.items()}
    )


def static(on: WorldGrid, **changes: object) -> xr.Dataset:
    """What does not change."""
    return fields(on, CLIMATE, **changes)


def canopy(on: WorldGrid, **changes: object) -> xr.Dataset:
    """Canopy of a day."""
    return fields(on, CANOPY, **changes)
