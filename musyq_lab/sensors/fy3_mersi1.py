"""FY-3A, FY-3B and FY-3C MERSI (the first generation), Level-1 HDF5: 20 bands at 1 km, five of them at 250 m."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.sensors._calibrate import Planck
from musyq_lab.sensors._fy3 import planck
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._mersi import Image, Instrument, open_mersi, patterns

SPEC = Sensor(
    key="fy3_mersi1",
    title="FY-3A/B/C MERSI",
    platforms=("FY-3A", "FY-3B", "FY-3C"),
    resolution=1000,
    swath=2900,
    years=(2008, 2020),
    bands=(
        Band("blue", "1", 0.470, 0.050, 250),
        Band("green", "2", 0.550, 0.050, 250),
        Band("red", "3", 0.650, 0.050, 250),
        Band("nir", "4", 0.865, 0.050, 250),
        Band("tir1", "5", 11.25, 2.5, 250),
        Band("blue", "1", 0.470, 0.050, 1000),
        Band("green", "2", 0.550, 0.050, 1000),
        Band("red", "3", 0.650, 0.050, 1000),
        Band("nir", "4", 0.865, 0.050, 1000),
        Band("tir1", "5", 11.25, 2.5, 1000),
        Band("swir1", "6", 1.640, 0.050, 1000),
        Band("swir2", "7", 2.130, 0.050, 1000),
        Band("b8", "8", 0.412, 0.020, 1000),
        Band("coastal", "9", 0.443, 0.020, 1000),
        Band("b10", "10", 0.490, 0.020, 1000),
        Band("b11", "11", 0.520, 0.020, 1000),
        Band("b12", "12", 0.565, 0.020, 1000),
        Band("b13", "13", 0.650, 0.020, 1000),
        Band("b14", "14", 0.685, 0.020, 1000),
        Band("red_edge_3", "15", 0.765, 0.020, 1000),
        Band("nir_narrow", "16", 0.865, 0.020, 1000),
        Band("b17", "17", 0.905, 0.020, 1000),
        Band("water_vapour", "18", 0.940, 0.020, 1000),
        Band("b19", "19", 0.980, 0.020, 1000),
        Band("b20", "20", 1.030, 0.020, 1000),
    ),
    patterns=patterns("FY3[ABC]"),
    marks=(
        Mark("hdf5", r"^FY3[ABC]_MERSI", "File Name"),
        Mark("hdf5", r"\d", "VIR_Cal_Coeff"),
        Mark("hdf5", r"\d", "VIS_Cal_Coeff"),
    ),
    reader="h5py",
    quirks=(
        "FY-3A holds its geolocation in the band files, FY-3B that of 250 m in GEOXX, FY-3C in GEO1K and GEOQK.",
        "The slope of the thermal band is 0.01, whatever its attribute says.",
        "FY-3B from 2013-03-06 00:15 UTC: counts are taken as 1e4 x reflectance, as public matching code of CMA's "
        "users does; this could not be checked against a document or a file.",
        "FY-3B has no solar irradiance of its own: radiance uses that of FY-3C.",
        "Brightness temperature uses the correction published for FY-3C on all three platforms.",
        "Centres and widths are nominal; FY-3A's measured centres are said to differ by up to 20 nm.",
    ),
    references=(
        "satpy, readers/mersi_l1b.py and etc/readers/fy3[abc]_mersi1_l1b.yaml: names, limits, thermal correction",
        "Solar irradiance: fypy (MIT), RSDP/resp/FY",
    ),
)

ESUN = {
    "FY-3A": (
        *(2007.95, 1741.58, 1558.31, 957.31, 233.65, 97.33, 1722.03, 1897.63, 1954.46, 1764.17),
        *(1759.01, 1565.39, 1458.94, 1234.98, 958.25, 922.54, 822.58, 766.38, 695.36),
    ),
    "FY-3C": (
        *(2010.62, 1830.38, 1565.96, 969.72, 234.11, 96.43, 1729.62, 1894.65, 1959.84, 1836.96),
        *(1801.52, 1556.46, 1469.66, 1240.46, 953.23, 890.83, 824.78, 759.26, 681.06),
    ),
}
"""Solar irradiance (W m-2 um-1) of the reflective bands in order, where the file lacks it: fypy (MIT), RSDP/resp/FY."""

WAVE_NUMBER = 1e4 / 11.25
"""Wave number (cm-1) that the thermal correction belongs to: satpy, etc/readers/fy3c_mersi1_l1b.yaml."""

CORRECTION = (1.0047, -0.8549)
"""T = 1.0047 Te - 0.8549 K: NSMC, FY3C_MERSI_SRF.rar, as quoted by satpy, readers/mersi_l1b.py (not read)."""

_IMAGES = {
    1000.0: (
        *(Image(str(n), "EV_250_Aggr.1KM_RefSB", n - 1, n - 1) for n in range(1, 5)),
        Image("5", "EV_250_Aggr.1KM_Emissive", None, 0),
        *(Image(str(n), "EV_1KM_RefSB", n - 6, n - 2) for n in range(6, 21)),
    ),
    250.0: (
        *(Image(str(n), f"EV_250_RefSB_b{n}", None, n - 1) for n in range(1, 5)),
        Image("5", "EV_250_Emissive", None, 0),
    ),
}


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a granule lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    instrument = Instrument(_IMAGES, _thermal, _irradiance, slope=0.01)
    return open_mersi(granule, instrument, resolution=resolution, calibration=calibration)


def _irradiance(platform: str) -> Sequence[float]:
    return ESUN.get(platform, ESUN["FY-3C"])


def _thermal(attrs: Mapping[str, Any], image: Image) -> tuple[float, Planck]:
    return WAVE_NUMBER, planck(WAVE_NUMBER, *CORRECTION)
