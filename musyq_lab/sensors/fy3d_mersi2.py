"""FY-3D MERSI-2, Level-1 HDF5: 25 bands at 1 km, six of them at 250 m, with geolocation files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.sensors._calibrate import Planck
from musyq_lab.sensors._fy3 import planck
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._mersi import Image, Instrument, open_mersi, patterns

SPEC = Sensor(
    key="fy3d_mersi2",
    title="FY-3D MERSI-2",
    platforms=("FY-3D",),
    resolution=1000,
    swath=2900,
    years=(2017, None),
    bands=(
        Band("blue", "1", 0.4708, 0.0438, 250),
        Band("green", "2", 0.5548, 0.0461, 250),
        Band("red", "3", 0.6535, 0.0468, 250),
        Band("nir", "4", 0.8687, 0.0500, 250),
        Band("tir1", "24", 10.7155, 0.9913, 250),
        Band("tir2", "25", 11.9537, 1.0036, 250),
        Band("blue", "1", 0.4708, 0.0438, 1000),
        Band("green", "2", 0.5548, 0.0461, 1000),
        Band("red", "3", 0.6535, 0.0468, 1000),
        Band("nir", "4", 0.8687, 0.0500, 1000),
        Band("cirrus", "5", 1.3815, 0.0328, 1000),
        Band("swir1", "6", 1.6456, 0.0584, 1000),
        Band("swir2", "7", 2.1255, 0.0517, 1000),
        Band("b8", "8", 0.4114, 0.0208, 1000),
        Band("coastal", "9", 0.4444, 0.0225, 1000),
        Band("b10", "10", 0.4909, 0.0207, 1000),
        Band("b11", "11", 0.5560, 0.0228, 1000),
        Band("b12", "12", 0.6703, 0.0211, 1000),
        Band("red_edge_1", "13", 0.7095, 0.0217, 1000),
        Band("red_edge_2", "14", 0.7466, 0.0218, 1000),
        Band("nir_narrow", "15", 0.8658, 0.0224, 1000),
        Band("b16", "16", 0.9061, 0.0206, 1000),
        Band("b17", "17", 0.9369, 0.0212, 1000),
        Band("water_vapour", "18", 0.9407, 0.0541, 1000),
        Band("b19", "19", 1.0302, 0.0191, 1000),
        Band("mir", "20", 3.7964, 0.1855, 1000),
        Band("b21", "21", 4.0461, 0.1672, 1000),
        Band("vapour_lower", "22", 7.2322, 0.5037, 1000),
        Band("tir_8_6", "23", 8.5597, 0.2768, 1000),
        Band("tir1", "24", 10.7155, 0.9913, 1000),
        Band("tir2", "25", 11.9537, 1.0036, 1000),
    ),
    patterns=patterns("FY3D"),
    marks=(Mark("hdf5", r"^FY3D_MERSI", "File Name"), Mark("hdf5", r"\d", "TBB_Trans_Coefficient_A")),
    reader="h5py",
    quirks=(
        "The 250 m grid needs the file GEOQK; its angles are those of the 1 km pixels (GEO1K), and without that file "
        "the Sun's are computed and the sensor's are missing.",
        "The coefficients of the bands that begin with 5 follow those of the 250 m bands in one table of 19 rows.",
        "Brightness temperature is A x Te + B with the file's coefficients: with the measured responses that is right "
        "to 0.1 K from 240 to 300 K, while (Te - B) / A of satpy 0.60 is wrong by up to 0.6 K, and its nominal "
        "wavelengths add up to 0.9 K.",
        "Radiance in reflective bands uses the file's own solar irradiance, which is not that of the other sensors.",
        "The centre of band 19 is 1.03 um, where some tables say 1.24 um.",
    ),
    references=(
        "Centres and widths: responses of NSMC as shipped by fypy (MIT), cut at 10 % of the peak",
        "NSMC, FY-3D_L1_Data_Instruction_MERSI-II(1KM): order of the coefficients (by pytroll/satpy#2959; not read)",
        "satpy, readers/mersi_l1b.py and etc/readers/mersi2_l1b.yaml: names of datasets and attributes",
    ),
    response="measured",
)

ESUN = (
    *(2017.963, 1828.387, 1554.807, 952.4935, 363.0785, 232.4188, 97.018, 1700.734, 1903.334, 1968.184),
    *(1830.053, 1504.914, 1399.233, 1277.788, 955.2415, 884.8099, 828.4215, 820.4936, 680.8728),
)
"""Solar irradiance (W m-2 um-1) of bands 1 to 19 where the file lacks it: fypy (MIT), RSDP/resp/FY."""

WAVE_NUMBERS = (2634.359, 2471.654, 1382.621, 1168.182, 933.364, 836.941)
"""Effective wave numbers (cm-1) of bands 20 to 25 where the file lacks them: NingAnMe/pb, DRC/pb_drc_MERSI.py."""

CORRECTION = (
    (1.00103, -0.4759),
    (1.00085, -0.3139),
    (1.00125, -0.2662),
    (1.0003, -0.0513),
    (1.00133, -0.0734),
    (1.00065, 0.0875),
)
"""A and B of bands 20 to 25 where the file lacks them: NingAnMe/pb, DRC/pb_drc_MERSI.py."""

_IMAGES = {
    1000.0: (
        *(Image(str(n), "EV_250_Aggr.1KM_RefSB", n - 1, n - 1) for n in range(1, 5)),
        *(Image(str(n), "EV_1KM_RefSB", n - 5, n - 1) for n in range(5, 20)),
        *(Image(str(n), "EV_1KM_Emissive", n - 20, n - 20) for n in range(20, 24)),
        *(Image(str(n), "EV_250_Aggr.1KM_Emissive", n - 24, n - 20) for n in (24, 25)),
    ),
    250.0: (
        *(Image(str(n), f"EV_250_RefSB_b{n}", None, n - 1) for n in range(1, 5)),
        *(Image(str(n), f"EV_250_Emissive_b{n}", None, n - 20) for n in (24, 25)),
    ),
}


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a granule lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    instrument = Instrument(_IMAGES, _thermal, _irradiance)
    return open_mersi(granule, instrument, resolution=resolution, calibration=calibration)


def _irradiance(platform: str) -> Sequence[float]:
    return ESUN


def _thermal(attrs: Mapping[str, Any], image: Image) -> tuple[float, Planck]:
    """Return wave number (cm-1) and constants of a thermal band, the file's where they are possible."""
    number = WAVE_NUMBERS[image.order]
    lengths = _listed(attrs, "Effect_Center_WaveLength", 25)
    if lengths is not None and abs(1e4 / lengths[19 + image.order] / number - 1.0) < 0.02:
        number = 1e4 / lengths[19 + image.order]
    a, b = CORRECTION[image.order]
    slopes, shifts = _listed(attrs, "TBB_Trans_Coefficient_A", 6), _listed(attrs, "TBB_Trans_Coefficient_B", 6)
    # The files of 250 m hold zeros.
    if slopes is not None and shifts is not None and abs(slopes[image.order] - 1.0) < 0.1:
        a, b = float(slopes[image.order]), float(shifts[image.order])
    return number, planck(number, a, b)


def _listed(attrs: Mapping[str, Any], name: str, count: int) -> Any:
    values = np.ravel(np.asarray(attrs.get(name, [])))
    return (
        values.astype(np.float64)
        if values.size == count and values.dtype.kind in "uif" and (values > -1e9).all()
        else None
    )
