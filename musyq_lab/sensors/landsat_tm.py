"""Landsat-4 and -5 Thematic Mapper, Level-1 GeoTIFF with MTL metadata of any generation."""

from __future__ import annotations

import xarray as xr

from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._landsat import open_level1, patterns

SPEC = Sensor(
    key="landsat_tm",
    title="Landsat Thematic Mapper",
    platforms=("Landsat-5", "Landsat-4"),
    resolution=30,
    swath=185,
    years=(1982, 2013),
    bands=(
        Band("blue", "1", 0.4860, 0.0662, 30, 1996.6),
        Band("green", "2", 0.5712, 0.0806, 30, 1837.6),
        Band("red", "3", 0.6598, 0.0687, 30, 1553.6),
        Band("nir", "4", 0.8393, 0.1291, 30, 1028.4),
        Band("swir1", "5", 1.6776, 0.2170, 30, 211.5),
        Band("swir2", "7", 2.2170, 0.2502, 30, 79.6),
        Band("tir1", "6", 11.4573, 1.9792, 30),
    ),
    patterns=patterns("T04", "T05", before=r"(?P<granule>L[45]\d{6}_\d{11})"),
    marks=(Mark("text", r'SENSOR_ID\s*=\s*"TM"'),),
    reader="rasterio",
    geometry="projected",
    quirks=(
        "The thermal band was measured at 120 m and is delivered resampled to 30 m.",
        "Metadata before Collection 1 give three decimals of the gain (0.055 for band 6, an error of up to 0.7 %), no "
        "reflectance constants and no distance to the Sun.",
    ),
    references=(
        "Chander et al. 2009, doi:10.1016/j.rse.2009.01.007 (ESUN table 3, K1 and K2 table 5)",
        "Band limits: response-weighted from the spectral responses of Landsat-5, which stand for Landsat-4",
    ),
)

_BANDS = ("1", "2", "3", "4", "5", "7")
ESUN = {
    "Landsat-5": dict(zip(_BANDS, (1983.0, 1796.0, 1536.0, 1031.0, 220.0, 83.44), strict=True)),
    "Landsat-4": dict(zip(_BANDS, (1983.0, 1795.0, 1539.0, 1028.0, 219.8, 83.49), strict=True)),
}
"""Solar irradiance (W m-2 um-1), for metadata without reflectance constants; Chander et al. 2009, table 3 (ChKur)."""

PLANCK = {"Landsat-5": (607.76, 1260.56), "Landsat-4": (671.62, 1284.30)}
"""K1 (W m-2 sr-1 um-1) and K2 (K) of band 6; Chander et al. 2009, table 5."""


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a scene lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    return open_level1(granule, resolution=resolution, calibration=calibration, esun=ESUN, planck=PLANCK)
