"""Scenes under known air, for the tests of reflectance, aerosol and water vapour."""

import numpy as np
import xarray as xr

from musyq_lab.standard import atmosphere

SIZE, STEP = 48, 1000.0
ANGLES = {"sun_zenith": 35.0, "view_zenith": 20.0, "relative_azimuth": 60.0}
AIR = {"water_vapour": 20.0, "ozone": 300.0, "pressure": 950.0}
VARIANT = {"modis": "Terra", "landsat_oli": "Landsat-8", "gf1_wfv": "WFV1"}


def data(value, units, size=SIZE):
    """Return a field over the pixels."""
    field = np.broadcast_to(np.asarray(value, np.float32), (size, size)).copy()
    return xr.DataArray(field, dims=("y", "x"), attrs={"units": units})


def given(size=SIZE):
    """Return the air as inputs of a product."""
    return {
        "water_vapour": data(AIR["water_vapour"], "kg m-2", size),
        "ozone": data(AIR["ozone"], "DU", size),
        "surface_pressure": data(AIR["pressure"] * 100.0, "Pa", size),
    }


def scene(sensor, surface, aod, *, time="2019-07-01T03:00:00Z", vapour=AIR["water_vapour"], size=SIZE):
    """Return a standard scene at the top of the atmosphere.

    ``surface`` is a mapping from role to reflectance (number or field), ``aod`` and ``vapour`` numbers or fields.
    """
    toa = []
    column = {**AIR, **ANGLES, "aod": data(aod, "1", size).values, "water_vapour": data(vapour, "1", size).values}
    for role, reflectance in surface.items():
        sky = atmosphere.coefficients(sensor, role, VARIANT[sensor], **column)
        toa.append(atmosphere.toa_reflectance(np.broadcast_to(reflectance, (size, size)), sky))
    layers = {"reflectance": (("band", "y", "x"), np.array(toa, np.float32), {"units": "1"})}
    layers |= {name: data(value, "degree", size) for name, value in ANGLES.items()}
    layers["qa"] = (("y", "x"), np.zeros((size, size), np.uint16))
    north = 4e6 - STEP * np.arange(size)
    coords = {"band": list(surface), "y": north, "x": 5e5 + STEP * np.arange(size), **_places(size)}
    attrs = {"sensor": sensor, "platform": VARIANT[sensor], "camera": VARIANT[sensor], "time_coverage_start": time}
    return xr.Dataset(layers, coords, {**attrs, "reflectance_level": "top of atmosphere"})


def _places(size):
    down, across = np.meshgrid(np.linspace(40.5, 40.0, size), np.linspace(115.0, 115.6, size), indexing="ij")
    return {"latitude": (("y", "x"), down), "longitude": (("y", "x"), across)}


def draw(key=3):
    """Return a random generator."""
    return np.random.Generator(np.random.Philox(key))
