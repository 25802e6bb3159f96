"""Gaofen-1 Wide Field of View cameras 1 to 4, GeoTIFF with the producer's XML and RPC."""

from __future__ import annotations

import xarray as xr

from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.sensors._gaofen import ENDINGS, PLACE, Layout, open_scene
from musyq_lab.sensors._gaofen_xml import GAOFEN
from musyq_lab.sensors._granule import Granule

SPEC = Sensor(
    key="gf1_wfv",
    title="GF-1 WFV",
    platforms=("GF-1",),
    resolution=16,
    swath=800,
    years=(2013, None),
    bands=(
        Band("blue", "B1", 0.4827, 0.0633, 16, 2008.6, variant="WFV1"),
        Band("green", "B2", 0.5539, 0.0707, 16, 1864.3, variant="WFV1"),
        Band("red", "B3", 0.6569, 0.0734, 16, 1563.7, variant="WFV1"),
        Band("nir", "B4", 0.8243, 0.1192, 16, 1065.6, variant="WFV1"),
        Band("blue", "B1", 0.4877, 0.0637, 16, 1994.5, variant="WFV2"),
        Band("green", "B2", 0.5581, 0.0693, 16, 1861.4, variant="WFV2"),
        Band("red", "B3", 0.6575, 0.0723, 16, 1561.8, variant="WFV2"),
        Band("nir", "B4", 0.8209, 0.1332, 16, 1075.3, variant="WFV2"),
        Band("blue", "B1", 0.4862, 0.0697, 16, 1994.8, variant="WFV3"),
        Band("green", "B2", 0.5637, 0.0735, 16, 1853.5, variant="WFV3"),
        Band("red", "B3", 0.6654, 0.0820, 16, 1536.5, variant="WFV3"),
        Band("nir", "B4", 0.8216, 0.1130, 16, 1070.8, variant="WFV3"),
        Band("blue", "B1", 0.4839, 0.0570, 16, 2009.4, variant="WFV4"),
        Band("green", "B2", 0.5591, 0.0832, 16, 1855.2, variant="WFV4"),
        Band("red", "B3", 0.6655, 0.0805, 16, 1535.9, variant="WFV4"),
        Band("nir", "B4", 0.8284, 0.1276, 16, 1056.0, variant="WFV4"),
    ),
    patterns=(rf"(?P<granule>GF1_WFV[1-4]_{PLACE}_\d{{8}}_L\d[A-Z]?\d+){ENDINGS}",),
    marks=(Mark("text", r"<SatelliteID>\s*GF-?1A?\s*</SatelliteID>[\s\S]*?<SensorID>\s*WFV"),),
    reader="rasterio",
    geometry="swath",
    quirks=(
        "Four cameras side by side, each with responses and coefficients of its own; the swath is that of all four.",
        "Coefficients are set once a year by field campaigns: tables disagree by up to 11 % in a band (spread), and "
        "between years by up to 30 %. Cross-calibrate where that matters.",
        "The tables of 2013 print counts per radiance: read as the inverse of the gain.",
        "SolarZenith and SatelliteZenith of the metadata hold elevations in many files: checked against the Sun.",
        "L1A and L1B have no map projection: longitude and latitude are approximate.",
    ),
    references=(
        "Band limits and solar irradiance from the spectral responses of ACOLITE (doi:10.1016/j.rse.2018.07.015) over "
        "TSIS-1 HSRS",
        "Calibration by year: sensors/tables/gf1_wfv.csv and sources.csv",
        "10 bits: as ValidPixelBits of the metadata; 1023 where it is missing is recalled, not read",
    ),
    response="measured",
)

LAYOUT = Layout(GAOFEN, {16: ""}, {"GF-1": 1023}, r"WFV[1-4]", table="gf1_wfv")


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a scene lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    return open_scene(granule, LAYOUT, resolution=resolution, calibration=calibration)
