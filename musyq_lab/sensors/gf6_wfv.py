"""Gaofen-6 Wide Field of View camera, GeoTIFF with the producer's XML and RPC."""

from __future__ import annotations

import xarray as xr

from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.sensors._gaofen import PLACE, Layout, open_scene
from musyq_lab.sensors._gaofen_xml import GAOFEN
from musyq_lab.sensors._granule import Granule

SPEC = Sensor(
    key="gf6_wfv",
    title="GF-6 WFV",
    platforms=("GF-6",),
    resolution=16,
    swath=800,
    years=(2018, None),
    bands=(
        Band("blue", "B1", 0.4882, 0.0780, 16, 1989.3),
        Band("green", "B2", 0.5577, 0.0801, 16, 1862.2),
        Band("red", "B3", 0.6593, 0.0582, 16, 1549.3),
        Band("nir", "B4", 0.8261, 0.1178, 16, 1059.5),
        Band("red_edge_1", "B5", 0.7005, 0.0382, 16, 1418.4),
        Band("red_edge_2", "B6", 0.7486, 0.0428, 16, 1265.0),
        Band("coastal", "B7", 0.4319, 0.0515, 16, 1817.6),
        Band("yellow", "B8", 0.6089, 0.0403, 16, 1730.0),
    ),
    # The XML is left out: three parts of a scene share it, and each part is a granule.
    patterns=(
        rf"(?P<granule>GF6_WFV_{PLACE}_\d{{8}}_L\d[A-Z]?\d+(?:-[1-9])?)\.(?:tiff?|rpb|tar\.gz|tgz|tar|zip|tiff?\.gz)",
    ),
    marks=(Mark("text", r"<SatelliteID>\s*GF-?6\s*</SatelliteID>[\s\S]*?<SensorID>\s*WFV"),),
    reader="rasterio",
    geometry="swath",
    quirks=(
        "An L1A scene comes as three images side by side (-1, -2, -3), each of all bands with rational polynomials of "
        "its own; each is a scene here, and they share one XML.",
        "The order of the bands is blue, green, red, nir, red edge 1 and 2, coastal, yellow.",
        "SolarZenith and SatelliteZenith of the metadata hold elevations in many files: checked against the Sun.",
        "L1A and L1B have no map projection: longitude and latitude are approximate.",
    ),
    references=(
        "Band limits and solar irradiance from the spectral responses of ACOLITE (doi:10.1016/j.rse.2018.07.015) over "
        "TSIS-1 HSRS",
        "Calibration by year: sensors/tables/gf6_wfv.csv and sources.csv",
        "12 bits: as ValidPixelBits of the metadata; 4095 where it is missing is recalled, not read",
    ),
    response="measured",
)

LAYOUT = Layout(GAOFEN, {16: "(?:-[1-9])?"}, {"GF-6": 4095}, "WFV", table="gf6_wfv")


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a scene lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    return open_scene(granule, LAYOUT, resolution=resolution, calibration=calibration)
