"""Landsat-8 and -9 OLI and TIRS, Level-1 GeoTIFF with MTL metadata of any generation."""

from __future__ import annotations

import xarray as xr

from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._landsat import open_level1, patterns

SPEC = Sensor(
    key="landsat_oli",
    title="Landsat OLI/TIRS",
    platforms=("Landsat-8", "Landsat-9"),
    resolution=30,
    swath=185,
    years=(2013, None),
    bands=(
        Band("coastal", "1", 0.4430, 0.0160, 30, 1910.9, snr=130, variant="Landsat-8"),
        Band("blue", "2", 0.4826, 0.0601, 30, 2015.2, snr=130, variant="Landsat-8"),
        Band("green", "3", 0.5613, 0.0574, 30, 1865.5, snr=100, variant="Landsat-8"),
        Band("red", "4", 0.6546, 0.0375, 30, 1563.5, snr=90, variant="Landsat-8"),
        Band("nir", "5", 0.8646, 0.0282, 30, 947.7, snr=90, variant="Landsat-8"),
        Band("swir1", "6", 1.6091, 0.0847, 30, 238.5, snr=100, variant="Landsat-8"),
        Band("swir2", "7", 2.2012, 0.1867, 30, 81.3, snr=100, variant="Landsat-8"),
        Band("pan", "8", 0.5917, 0.1724, 15, 1756.3, snr=80, variant="Landsat-8"),
        Band("cirrus", "9", 1.3735, 0.0204, 30, 358.2, snr=50, variant="Landsat-8"),
        Band("tir1", "10", 10.9036, 0.5827, 30, nedt=0.4, variant="Landsat-8"),
        Band("tir2", "11", 12.0030, 0.9998, 30, nedt=0.4, variant="Landsat-8"),
        Band("coastal", "1", 0.4428, 0.0155, 30, 1905.9, snr=130, variant="Landsat-9"),
        Band("blue", "2", 0.4823, 0.0599, 30, 2015.6, snr=130, variant="Landsat-9"),
        Band("green", "3", 0.5609, 0.0563, 30, 1866.8, snr=100, variant="Landsat-9"),
        Band("red", "4", 0.6543, 0.0367, 30, 1564.4, snr=90, variant="Landsat-9"),
        Band("nir", "5", 0.8646, 0.0287, 30, 947.7, snr=90, variant="Landsat-9"),
        Band("swir1", "6", 1.6084, 0.0861, 30, 238.8, snr=100, variant="Landsat-9"),
        Band("swir2", "7", 2.2010, 0.1895, 30, 81.4, snr=100, variant="Landsat-9"),
        Band("pan", "8", 0.5939, 0.1726, 15, 1749.7, snr=80, variant="Landsat-9"),
        Band("cirrus", "9", 1.3740, 0.0208, 30, 357.9, snr=50, variant="Landsat-9"),
        Band("tir1", "10", 10.8372, 0.7463, 30, nedt=0.4, variant="Landsat-9"),
        Band("tir2", "11", 12.0253, 0.9182, 30, nedt=0.4, variant="Landsat-9"),
    ),
    patterns=patterns("C08", "C09", "O08", "O09", "T08", "T09"),
    marks=(Mark("text", r'SENSOR_ID\s*=\s*"(?:OLI|TIRS)'),),
    reader="rasterio",
    geometry="projected",
    quirks=(
        "The thermal bands were measured at 100 m and are delivered resampled to 30 m.",
        "Stray light disturbs band 11 (tir2) of Landsat-8: USGS advises against split-window methods with it.",
    ),
    references=(
        "USGS LSDS-1574, Landsat 8 Data Users Handbook (reflectance and brightness temperature, section 5)",
        "Signal-to-noise ratio and NEdT as specified: Irons et al. 2012, doi:10.1016/j.rse.2011.08.026",
    ),
)


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a scene lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    return open_level1(granule, resolution=resolution, calibration=calibration)
