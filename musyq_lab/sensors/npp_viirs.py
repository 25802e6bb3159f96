"""Suomi-NPP, NOAA-20 and NOAA-21 VIIRS: Sensor Data Records of NOAA (HDF5) and Level 1B of NASA (netCDF-4)."""

from __future__ import annotations

import xarray as xr

from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.sensors._granule import Granule

_SDR = r"(?:SV[MI]\d\d|GMTCO|GMODO|GITCO|GIMGO)"
_TIME = r"d\d{8}_t\d{7}_e\d{7}_b\d{5}"

SPEC = Sensor(
    key="npp_viirs",
    title="VIIRS",
    platforms=("Suomi-NPP", "NOAA-20", "NOAA-21"),
    resolution=750,
    swath=3060,
    years=(2011, None),
    bands=(
        Band("red", "I1", 0.6385, 0.0816, 375, 1624.8, snr=119),
        Band("nir", "I2", 0.8618, 0.0385, 375, 959.1, snr=150),
        Band("swir1", "I3", 1.6008, 0.0592, 375, 241.7, snr=6),
        Band("mir", "I4", 3.7486, 0.3868, 375, nedt=2.5),
        Band("tir1", "I5", 11.4986, 1.8804, 375, nedt=1.5),
        Band("m1", "M1", 0.4107, 0.0205, 750, 1732.6, snr=352),
        Band("coastal", "M2", 0.4436, 0.0152, 750, 1921.8, snr=380),
        Band("blue", "M3", 0.4863, 0.0193, 750, 2008.9, snr=416),
        Band("green", "M4", 0.5507, 0.0197, 750, 1885.0, snr=362),
        Band("red", "M5", 0.6715, 0.0188, 750, 1525.7, snr=242),
        Band("red_edge_2", "M6", 0.7454, 0.0139, 750, 1273.3, snr=199),
        Band("nir", "M7", 0.8620, 0.0380, 750, 958.5, snr=215),
        Band("nir_1240", "M8", 1.2385, 0.0263, 750, 453.4, snr=74),
        Band("cirrus", "M9", 1.3752, 0.0147, 750, 357.2, snr=83),
        Band("swir1", "M10", 1.6016, 0.0595, 750, 241.3, snr=342),
        Band("swir2", "M11", 2.2572, 0.0463, 750, 74.0, snr=10),
        Band("mir", "M12", 3.6965, 0.1932, 750, nedt=0.396),
        Band("m13", "M13", 4.0670, 0.1582, 750, nedt=0.107),
        Band("tir_8_6", "M14", 8.5806, 0.3411, 750, nedt=0.091),
        Band("tir1", "M15", 10.7384, 1.0145, 750, nedt=0.070),
        Band("tir2", "M16", 11.8563, 0.9168, 750, nedt=0.072),
    ),
    patterns=(
        rf"{_SDR}(?:-{_SDR})*_(?P<granule>(?:npp|j01|j02)_{_TIME})_c\d+_\w+_\w+\.h5",
        r"V(?:NP|J1|J2)0[23](?:MOD|IMG)(?:_NRT)?\.(?P<granule>A\d{7}\.\d{4})\.[\d.]*nc",
        r"V(?:L1B|GEO)[MI]_(?P<granule>\w+_d\d{8}_t\d{6})_c\d+\.nc",
    ),
    marks=(
        Mark("hdf5", r"^G(?:MTCO|MODO|ITCO|IMGO)_", "N_GEO_Ref"),
        Mark("hdf5", r"^V(?:NP|J1|J2)0[23](?:MOD|IMG)", "ShortName"),
    ),
    reader="h5py",
    quirks=(
        "Reflectance of the SDR files is divided by the cosine of the Sun's zenith angle already; that of NASA's Level "
        "1B is not, since it is the radiance times a constant, and is divided here.",
        "Lines at the edges of a scan overlap; those that the instrument deletes (bow-tie) hold no data.",
        "An SDR file pads a granule of fewer than 48 scans; the padding is cut off.",
        "Counts of an SDR file are its stored reflectance or temperature; M13 is stored as floats.",
        "NOAA-20 and NOAA-21 are given Suomi-NPP's centres, widths and solar irradiance, which enter no value: "
        "radiance, reflectance and temperature are all the file's.",
        "Night granules of Level 1B lack the reflective bands.",
    ),
    references=(
        "JPSS Common Data Format Control Book, 474-00001-03 (SDR), through satpy, readers/viirs_sdr.py; not read",
        "NASA VIIRS Level-1B Product User Guide, May 2018 (bands, flags, appendix 1), through public readers",
        "Signal-to-noise ratio and NEdT as specified: Cao et al. 2014, doi:10.1002/2013JD020418 (not re-read)",
    ),
)


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a granule lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    from musyq_lab.sensors._viirs_l1b import open_l1b
    from musyq_lab.sensors._viirs_sdr import is_sdr, open_sdr

    read = open_sdr if is_sdr(granule) else open_l1b
    return read(granule, resolution=resolution, calibration=calibration)
