"""Small looks at uniform or random surfaces, for the tests of surface, light and the forward model."""

import numpy as np
import xarray as xr
from twin import static as fields

from musyq_lab.twin import surface

SOIL = {"soil_brightness": 1.0}
INSTANT = {
    "soil_moisture": 0.3,
    "snow_fraction": 0.0,
    "snow_grain": 200.0,
    "sun_zenith": 35.0,
    "sun_azimuth": 150.0,
}


def ground(on, **changes: object) -> xr.Dataset:
    """Static fields with a soil."""
    return fields.static(on, **{**SOIL, **changes})


def instant(on, **changes: object) -> xr.Dataset:
    """Canopy, soil water and sun of an instant."""
    return fields.canopy(on, **{**INSTANT, **changes})


def reflector(on, static, state, view=0.0, azimuth=0.0, sensor="landsat_oli", members="training") -> surface.Reflector:
    """Look at a world in one or more geometries."""
    angles = (np.broadcast_to(angle, on.shape).astype(np.float32) for angle in (view, azimuth))
    return surface.Reflector(static, state, *angles, surface.bands_of(sensor, ""), members)
