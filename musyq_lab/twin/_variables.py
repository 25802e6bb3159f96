"""Names, units and meanings of the variables of the simulated atmosphere, surface energy and carbon."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import xarray as xr
from numpy.typing import NDArray

_FLUX = "W m-2"

MEANINGS = MappingProxyType(
    {
        "air_temperature": ("K", "air temperature at 2 m"),
        "vapour_pressure": ("hPa", "vapour pressure at 2 m"),
        "relative_humidity": ("1", "relative humidity at 2 m"),
        "wind_speed": ("m s-1", "wind speed 10 m above the canopy"),
        "surface_pressure": ("hPa", "air pressure at the surface"),
        "aod": ("1", "aerosol optical depth at 550 nm"),
        "water_vapour": ("kg m-2", "column of water vapour"),
        "ozone": ("DU", "column of ozone"),
        "soil_moisture": ("1", "soil moisture, share of saturation"),
        "snow_fraction": ("1", "share of the ground covered by snow"),
        "snow_grain": ("um", "effective radius of the snow grains"),
        "cloud_optical_depth": ("1", "optical depth of the clouds at 550 nm, 0 for none"),
        "cloud_top_height": ("m", "height of the cloud top above sea level, where there is none that of the layer"),
        "cloud_top_temperature": ("K", "temperature of the cloud top, where there is none that of the layer"),
        "cloud_ice": ("1", "1 for ice at the cloud top, 0 for water"),
        "cloud_transmittance": ("1", "shortwave transmittance of the clouds between ground and sun"),
        "clear_sky_downward_shortwave": (_FLUX, "downward shortwave irradiance without clouds"),
        "downward_shortwave": (_FLUX, "downward shortwave irradiance"),
        "direct_fraction": ("1", "share of the direct beam in the downward shortwave irradiance"),
        "downward_par": (_FLUX, "downward photosynthetically active radiation, 400 to 700 nm"),
        "downward_longwave": (_FLUX, "downward longwave irradiance"),
        "upward_longwave": (_FLUX, "upward longwave irradiance, emitted and reflected"),
        "net_radiation": (_FLUX, "net radiation"),
        "sensible_heat": (_FLUX, "sensible heat flux, upward"),
        "latent_heat": (_FLUX, "latent heat flux, upward"),
        "ground_heat": (_FLUX, "heat flux into the ground, the water or melting snow"),
        "surface_temperature": ("K", "radiometric surface temperature"),
        "albedo": ("1", "blue-sky shortwave albedo"),
        "broadband_emissivity": ("1", "broadband longwave emissivity"),
        "air_temperature_min": ("K", "lowest air temperature of the day"),
        "air_temperature_max": ("K", "highest air temperature of the day"),
        "air_temperature_day": ("K", "mean air temperature by day"),
        "air_temperature_night": ("K", "mean air temperature by night"),
        "vapour_pressure_deficit": ("Pa", "mean vapour pressure deficit by day"),
        "vapour_pressure_deficit_night": ("Pa", "mean vapour pressure deficit by night"),
        "net_radiation_day": (_FLUX, "mean net radiation by day"),
        "net_radiation_night": (_FLUX, "mean net radiation by night"),
        "diffuse_fraction": ("1", "diffuse over global irradiance on the horizontal"),
        "cloud_fraction": ("1", "share of the time with clouds above the cell"),
        "precipitation": ("mm d-1", "precipitation"),
        "fpar": ("1", "fraction of photosynthetically active radiation absorbed by the leaves"),
        "gpp": ("g m-2 d-1", "gross primary production (carbon)"),
        "npp": ("g m-2 d-1", "net primary production (carbon)"),
        "evapotranspiration": ("mm d-1", "evapotranspiration"),
    }
)
"""Units and meaning of each variable."""


def dataset(values: Mapping[str, NDArray[np.floating]], like: xr.Dataset) -> xr.Dataset:
    """Return fields as float32 variables with units and meaning.

    Parameters
    ----------
    values
        Name -> field, shape (y, x).
    like
        Dataset whose coordinates of y and x are kept.
    """
    coords = {name: coord for name, coord in like.coords.items() if set(coord.dims) <= {"y", "x"}}
    variables = {}
    for name, field in values.items():
        units, meaning = MEANINGS[name]
        variables[name] = (("y", "x"), np.asarray(field, np.float32), {"units": units, "long_name": meaning})
    return xr.Dataset(variables, coords=coords)
