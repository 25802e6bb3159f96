"""Landsat-7 Enhanced Thematic Mapper Plus, Level-1 GeoTIFF with MTL metadata of any generation."""

from __future__ import annotations

import xarray as xr

from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._landsat import open_level1, patterns

SPEC = Sensor(
    key="landsat_etm",
    title="Landsat Enhanced Thematic Mapper Plus",
    platforms=("Landsat-7",),
    resolution=30,
    swath=185,
    years=(1999, 2024),
    bands=(
        Band("blue", "1", 0.4787, 0.0727, 30, 2007.2),
        Band("green", "2", 0.5610, 0.0814, 30, 1856.7),
        Band("red", "3", 0.6614, 0.0614, 30, 1548.1),
        Band("nir", "4", 0.8346, 0.1264, 30, 1039.3),
        Band("swir1", "5", 1.6502, 0.2011, 30, 222.5),
        Band("swir2", "7", 2.2081, 0.2812, 30, 81.0),
        Band("pan", "8", 0.7199, 0.3810, 15, 1374.2),
        Band("tir1", "6_VCID_1", 11.2701, 2.0506, 30),
        Band("tir1_high_gain", "6_VCID_2", 11.2701, 2.0506, 30),
    ),
    patterns=patterns("E07", before=r"L7[12](?P<granule>\d{6}_\d{11})"),
    marks=(Mark("text", r'SENSOR_ID\s*=\s*"ETM'),),
    reader="rasterio",
    geometry="projected",
    quirks=(
        "The thermal band is delivered twice, with low gain (tir1) and high gain (tir1_high_gain), and was measured at "
        "60 m.",
        "Since 31 May 2003 the scan line corrector is off: wedges without data, marked no_data.",
    ),
    references=("Chander et al. 2009, doi:10.1016/j.rse.2009.01.007 (ESUN table 4, K1 and K2 table 5)",),
)

_BANDS = ("1", "2", "3", "4", "5", "7", "8")
ESUN = {"Landsat-7": dict(zip(_BANDS, (1997.0, 1812.0, 1533.0, 1039.0, 230.8, 84.90, 1362.0), strict=True))}
"""Solar irradiance (W m-2 um-1), for metadata without reflectance constants; Chander et al. 2009, table 4 (ChKur)."""

PLANCK = {"Landsat-7": (666.09, 1282.71)}
"""K1 (W m-2 sr-1 um-1) and K2 (K) of band 6; Chander et al. 2009, table 5."""


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a scene lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    return open_level1(granule, resolution=resolution, calibration=calibration, esun=ESUN, planck=PLANCK)
