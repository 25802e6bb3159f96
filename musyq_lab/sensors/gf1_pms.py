"""Gaofen-1 and Gaofen-1B, 1C, 1D panchromatic and multispectral cameras, GeoTIFF with the producer's XML and RPC."""

from __future__ import annotations

import xarray as xr

from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.sensors._gaofen import ENDINGS, PLACE, Layout, open_scene
from musyq_lab.sensors._gaofen_xml import GAOFEN
from musyq_lab.sensors._granule import Granule

SPEC = Sensor(
    key="gf1_pms",
    title="GF-1 PMS",
    platforms=("GF-1", "GF-1B", "GF-1C", "GF-1D"),
    resolution=8,
    swath=60,
    years=(2013, None),
    bands=(
        Band("blue", "MSS1", 0.4904, 0.0465, 8, 1993.6, variant="PMS1"),
        Band("green", "MSS2", 0.5540, 0.0695, 8, 1863.7, variant="PMS1"),
        Band("red", "MSS3", 0.6618, 0.0645, 8, 1548.6, variant="PMS1"),
        Band("nir", "MSS4", 0.8253, 0.1185, 8, 1060.4, variant="PMS1"),
        Band("pan", "PAN", 0.7207, 0.3105, 2, 1368.8, variant="PMS1"),
        Band("blue", "MSS1", 0.4902, 0.0470, 8, 1994.3, variant="PMS2"),
        Band("green", "MSS2", 0.5543, 0.0695, 8, 1863.3, variant="PMS2"),
        Band("red", "MSS3", 0.6617, 0.0650, 8, 1548.9, variant="PMS2"),
        Band("nir", "MSS4", 0.8250, 0.1185, 8, 1061.3, variant="PMS2"),
        Band("pan", "PAN", 0.7192, 0.3150, 2, 1373.4, variant="PMS2"),
        Band("blue", "MSS1", 0.4904, 0.0465, 8, 1993.6, variant="GF-1B"),
        Band("green", "MSS2", 0.5540, 0.0695, 8, 1863.7, variant="GF-1B"),
        Band("red", "MSS3", 0.6618, 0.0645, 8, 1548.6, variant="GF-1B"),
        Band("nir", "MSS4", 0.8253, 0.1185, 8, 1060.4, variant="GF-1B"),
        Band("pan", "PAN", 0.7207, 0.3105, 2, 1368.8, variant="GF-1B"),
        Band("blue", "MSS1", 0.4939, 0.0485, 8, 1969.9, variant="GF-1C"),
        Band("green", "MSS2", 0.5597, 0.0655, 8, 1858.1, variant="GF-1C"),
        Band("red", "MSS3", 0.6661, 0.0565, 8, 1534.2, variant="GF-1C"),
        Band("nir", "MSS4", 0.8308, 0.1175, 8, 1045.6, variant="GF-1C"),
        Band("pan", "PAN", 0.7167, 0.3375, 2, 1381.1, variant="GF-1C"),
        Band("blue", "MSS1", 0.4901, 0.0470, 8, 1986.7, variant="GF-1D"),
        Band("green", "MSS2", 0.5554, 0.0675, 8, 1861.7, variant="GF-1D"),
        Band("red", "MSS3", 0.6595, 0.0600, 8, 1555.1, variant="GF-1D"),
        Band("nir", "MSS4", 0.8285, 0.1205, 8, 1051.9, variant="GF-1D"),
        Band("pan", "PAN", 0.7128, 0.3270, 2, 1392.1, variant="GF-1D"),
    ),
    patterns=(rf"(?P<granule>GF1[A-D]?_PMS[12]?_{PLACE}_\d{{8}}_L\d[A-Z]?\d+)(?:-(?:MSS|MUX|PAN)[12]?)?{ENDINGS}",),
    marks=(Mark("text", r"<SatelliteID>\s*GF-?1[A-D]?\s*</SatelliteID>[\s\S]*?<SensorID>\s*PMS"),),
    reader="rasterio",
    geometry="swath",
    quirks=(
        "The panchromatic image is a grid of its own: resolution=2.",
        "Gains fall by 40 % from 2016 to 2017 (GF-1) and rise by as much or more from 2019 to 2020 (GF-1B, 1C, 1D) in "
        "every table, without a reason stated.",
        "The responses published for GF-1B equal those of PMS1 of GF-1 to six digits: probably copied.",
        "SolarZenith and SatelliteZenith of the metadata hold elevations in many files: checked against the Sun.",
        "L1A and L1B have no map projection: longitude and latitude are approximate.",
    ),
    references=(
        "Band limits from the measured responses in stealthier-ai/fypy (MIT), RSDP/resp/GF/GF.json, cut off there at a "
        "tenth of the largest response",
        "Solar irradiance: Thuillier et al. 2003 over these responses, carried to TSIS-1 HSRS by the ratio of both in "
        "bands of like wavelength; for the bands of WFV the same way gives TSIS-1 HSRS within 0.6 %",
        "Calibration by year: sensors/tables/gf1_pms.csv and sources.csv",
        "10 bits of GF-1: as ValidPixelBits of the metadata; 1023 where it is missing is recalled, not read",
    ),
    response="measured",
)

LAYOUT = Layout(GAOFEN, {8: "-(?:MSS|MUX)[12]?", 2: "-PAN[12]?"}, {"GF-1": 1023}, "PMS[12]?", table="gf1_pms")


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a scene lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    return open_scene(granule, LAYOUT, resolution=resolution, calibration=calibration)
