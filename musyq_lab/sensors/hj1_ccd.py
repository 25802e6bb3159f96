"""HJ-1A and HJ-1B CCD cameras 1 and 2, a GeoTIFF for each band with the producer's XML."""

from __future__ import annotations

import xarray as xr

from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.sensors._gaofen import ENDINGS, Layout, open_scene
from musyq_lab.sensors._gaofen_xml import HUANJING
from musyq_lab.sensors._granule import Granule

SPEC = Sensor(
    key="hj1_ccd",
    title="HJ-1 CCD",
    platforms=("HJ-1A", "HJ-1B"),
    resolution=30,
    swath=360,
    years=(2008, None),
    bands=(
        Band("blue", "1", 0.475, 0.09, 30, 1958.2),
        Band("green", "2", 0.56, 0.08, 30, 1857.6),
        Band("red", "3", 0.66, 0.06, 30, 1552.8),
        Band("nir", "4", 0.83, 0.14, 30, 1051.6),
    ),
    patterns=(rf"(?P<granule>HJ1[AB]-CCD[12]-\d+-\d+-(?:[AB]\d-)?\d{{8}}-L\d+)(?:-[1-4])?{ENDINGS}",),
    marks=(Mark("text", r"<satelliteId>\s*HJ-?1[AB]\s*</satelliteId>[\s\S]*?<sensorId>\s*CCD"),),
    reader="rasterio",
    geometry="projected",
    quirks=(
        "No spectral response was found: bands are the nominal limits, their irradiance good to about 2 %.",
        "The XML states coefficients (absCalibType) that know the gain state; they are used, and compared with the "
        "official notices of 2013 and 2017 where these hold. Without them other years have no reflectance: the cameras "
        "lost 4 to 40 % of their response (Han et al. 2014, doi:10.3969/j.issn.1673-6141.2014.01.005).",
        "sunAzimuthElevation of the XML is the azimuth plus 180 degrees.",
    ),
    references=(
        "Nominal bands 0.43-0.52, 0.52-0.60, 0.63-0.69, 0.76-0.90 um; solar irradiance: Thuillier et al. 2003 over "
        "them, carried to TSIS-1 HSRS by the ratio of both in bands of like wavelength",
        "Calibration: sensors/tables/hj1_ccd.csv and sources.csv",
    ),
)

LAYOUT = Layout(
    HUANJING, {30: "-{native}"}, {"HJ-1A": 255, "HJ-1B": 255}, "CCD[12]", table="hj1_ccd", other_years=False
)


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a scene lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    return open_scene(granule, LAYOUT, resolution=resolution, calibration=calibration)
