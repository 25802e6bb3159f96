"""HJ-1B infrared camera (IRS), a GeoTIFF for each band with the producer's XML."""

from __future__ import annotations

import xarray as xr

from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.sensors._gaofen import ENDINGS, Layout, open_scene
from musyq_lab.sensors._gaofen_xml import HUANJING
from musyq_lab.sensors._granule import Granule

SPEC = Sensor(
    key="hj1_irs",
    title="HJ-1B IRS",
    platforms=("HJ-1B",),
    resolution=150,
    swath=720,
    years=(2008, None),
    bands=(
        Band("b05", "5", 0.925, 0.35, 150, 873.9),
        Band("swir1", "6", 1.65, 0.2, 150, 222.7),
        Band("mir", "7", 3.7, 0.4, 150),
        Band("tir1", "8", 11.5, 2.0, 300),
    ),
    patterns=(rf"(?P<granule>HJ1B-IRS-\d+-\d+-(?:[AB]\d-)?\d{{8}}-L\d+)(?:-[1-8])?{ENDINGS}",),
    marks=(Mark("text", r"<satelliteId>\s*HJ-?1B\s*</satelliteId>[\s\S]*?<sensorId>\s*IRS"),),
    reader="rasterio",
    geometry="projected",
    quirks=(
        "No published coefficients were found: without absCalibType in the XML only counts open.",
        "The thermal band is a grid of its own: resolution=300.",
        "Bands are the nominal limits; brightness temperature is that of the middle of the thermal band (11.5 um), "
        "which is 2 um wide.",
        "Files are numbered -1 to -4 or -5 to -8: both are taken. The depth of the counts is not known: saturation is "
        "marked only where the XML gives ValidPixelBits.",
    ),
    references=(
        "Nominal bands 0.75-1.10, 1.55-1.75, 3.50-3.90, 10.5-12.5 um; solar irradiance: Thuillier et al. 2003 over "
        "them, carried to TSIS-1 HSRS by the ratio of both in bands of like wavelength",
    ),
)

LAYOUT = Layout(HUANJING, {150: "-(?:{native}|{position})", 300: "-(?:{native}|{position})"}, {}, "IRS")


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a scene lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    return open_scene(granule, LAYOUT, resolution=resolution, calibration=calibration)
