"""MODIS on Terra and Aqua: Level-1B swaths with their geolocation, and daily and 8-day surface reflectance."""

from __future__ import annotations

from collections.abc import Iterator

import xarray as xr

from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._modis import files_by_kind
from musyq_lab.sensors._modis_l1b import IMAGES, open_swath
from musyq_lab.sensors._modis_surface import LAYOUTS, open_grid

# Role, native name, grids (m), centre, width (um) and E0 (W m-2 um-1) on Terra and on Aqua; SNR, NEdT (K) as specified.
# Bands 17 to 36 and 26: middle and width of the specified interval, no E0 (no measured response at hand).
_ROWS = (
    ("red", "1", (250, 500, 1000), (0.6458, 0.0475, 1592.3), (0.6458, 0.0475, 1592.3), 128, None),
    ("nir", "2", (250, 500, 1000), (0.8569, 0.0382, 971.1), (0.8569, 0.0382, 971.1), 201, None),
    ("blue", "3", (500, 1000), (0.4661, 0.0189, 2062.5), (0.4661, 0.0189, 2062.5), 243, None),
    ("green", "4", (500, 1000), (0.5539, 0.0198, 1879.0), (0.5539, 0.0198, 1879.0), 228, None),
    ("nir_1240", "5", (500, 1000), (1.2415, 0.0234, 451.0), (1.2415, 0.0234, 451.0), 74, None),
    ("swir1", "6", (500, 1000), (1.6281, 0.0276, 232.5), (1.6281, 0.0276, 232.5), 275, None),
    ("swir2", "7", (500, 1000), (2.1140, 0.0531, 93.7), (2.1140, 0.0531, 93.7), 110, None),
    ("coastal", "8", (1000,), (0.4129, 0.0146, 1747.1), (0.4158, 0.0145, 1753.3), 880, None),
    ("b9", "9", (1000,), (0.4421, 0.0097, 1888.5), (0.4421, 0.0097, 1889.0), 838, None),
    ("b10", "10", (1000,), (0.4864, 0.0106, 1964.4), (0.4871, 0.0107, 1961.9), 802, None),
    ("b11", "11", (1000,), (0.5298, 0.0120, 1910.0), (0.5301, 0.0120, 1910.2), 754, None),
    ("b12", "12", (1000,), (0.5468, 0.0103, 1896.6), (0.5472, 0.0104, 1896.9), 750, None),
    ("b13lo", "13lo", (1000,), (0.6685, 0.0101, 1535.2), (0.6660, 0.0100, 1544.4), 910, None),
    ("b13hi", "13hi", (1000,), (0.6685, 0.0101, 1535.2), (0.6660, 0.0100, 1544.4), 910, None),
    ("b14lo", "14lo", (1000,), (0.6799, 0.0114, 1500.9), (0.6776, 0.0114, 1507.9), 1087, None),
    ("b14hi", "14hi", (1000,), (0.6799, 0.0114, 1500.9), (0.6776, 0.0114, 1507.9), 1087, None),
    ("b15", "15", (1000,), (0.7462, 0.0100, 1273.7), (0.7459, 0.0098, 1275.4), 586, None),
    ("nir_narrow", "16", (1000,), (0.8664, 0.0156, 948.8), (0.8669, 0.0156, 948.1), 516, None),
    ("b17", "17", (1000,), (0.905, 0.03, None), (0.905, 0.03, None), 167, None),
    ("b18", "18", (1000,), (0.936, 0.01, None), (0.936, 0.01, None), 57, None),
    ("water_vapour", "19", (1000,), (0.94, 0.05, None), (0.94, 0.05, None), 250, None),
    ("cirrus", "26", (1000,), (1.375, 0.03, None), (1.375, 0.03, None), 150, None),
    ("mir", "20", (1000,), (3.75, 0.18, None), (3.75, 0.18, None), None, 0.05),
    ("b21", "21", (1000,), (3.959, 0.06, None), (3.959, 0.06, None), None, 2.0),
    ("b22", "22", (1000,), (3.959, 0.06, None), (3.959, 0.06, None), None, 0.07),
    ("b23", "23", (1000,), (4.05, 0.06, None), (4.05, 0.06, None), None, 0.07),
    ("b24", "24", (1000,), (4.4655, 0.065, None), (4.4655, 0.065, None), None, 0.25),
    ("b25", "25", (1000,), (4.5155, 0.067, None), (4.5155, 0.067, None), None, 0.25),
    ("b27", "27", (1000,), (6.715, 0.36, None), (6.715, 0.36, None), None, 0.25),
    ("vapour_lower", "28", (1000,), (7.325, 0.3, None), (7.325, 0.3, None), None, 0.25),
    ("tir_8_6", "29", (1000,), (8.55, 0.3, None), (8.55, 0.3, None), None, 0.05),
    ("ozone", "30", (1000,), (9.73, 0.3, None), (9.73, 0.3, None), None, 0.25),
    ("tir1", "31", (1000,), (11.03, 0.5, None), (11.03, 0.5, None), None, 0.05),
    ("tir2", "32", (1000,), (12.02, 0.5, None), (12.02, 0.5, None), None, 0.05),
    ("carbon_dioxide", "33", (1000,), (13.335, 0.3, None), (13.335, 0.3, None), None, 0.25),
    ("b34", "34", (1000,), (13.635, 0.3, None), (13.635, 0.3, None), None, 0.25),
    ("b35", "35", (1000,), (13.935, 0.3, None), (13.935, 0.3, None), None, 0.25),
    ("b36", "36", (1000,), (14.235, 0.3, None), (14.235, 0.3, None), None, 0.35),
)


def _bands() -> Iterator[Band]:
    for platform in ("Terra", "Aqua"):
        for role, native, grids, terra, aqua, snr, nedt in _ROWS:
            centre, width, e0 = terra if platform == "Terra" else aqua
            for grid in grids:
                yield Band(role, native, centre, width, grid, e0, snr=snr, nedt=nedt, variant=platform)


_SHORT_NAME = r'SHORTNAME\b[^"]{0,300}"M[OY]D0(?:21KM|2HKM|2QKM|3|9GA|9GQ|9A1|9Q1)"'

SPEC = Sensor(
    key="modis",
    title="MODIS",
    platforms=("Terra", "Aqua"),
    resolution=1000,
    swath=2330,
    years=(2000, None),
    bands=tuple(_bands()),
    patterns=(
        r"(?P<platform>M[OY]D)(?:021KM|02HKM|02QKM|03)\.(?P<granule>A\d{7}\.\d{4})\.\d{3}\.(?:\d{13}(?:\.NRT)?|NRT)\.hdf",
        r"(?P<granule>M[OY]D09(?:GA|GQ|A1|Q1)\.A\d{7}\.h\d\dv\d\d)\.\d{3}\.(?:\d{13}(?:\.NRT)?|NRT)\.hdf",
    ),
    # Subsets made by the data centres keep the original metadata under the second name.
    marks=(Mark("hdf4", _SHORT_NAME, "CoreMetadata.0"), Mark("hdf4", _SHORT_NAME, "OldCoreMetadata.0")),
    reader="pyhdf",
    quirks=(
        "Scans overlap away from nadir (bow-tie): neighbouring rows of two scans see the same ground.",
        "Bands 1 to 7 exist on several grids; those of 1 km and 500 m are averages of the finer ones.",
        "Without MOD03 beside it, an image of 1 km is placed by the positions of every fifth pixel in it; those of 500 "
        "and 250 m need MOD03.",
        "Bands 13 and 14 come in low (lo) and high gain (hi); 21 is 22 with low gain, for fires.",
        "Aqua's band 6 (swir1) has lost most of its detectors; Terra's bands 27 to 30 have drifted by crosstalk.",
        "Surface reflectance (MOD09) opens on its own grid of 500 or 250 m; the 1 km layers of MOD09GA are repeated.",
        "No solar irradiance is given here for bands 17, 18, 19 and 26: the files hold reflectance and radiance of "
        "their own.",
        "MOD09A1 gives the azimuth of the sensor relative to the Sun only, in relative_azimuth.",
    ),
    references=(
        "MODIS Level 1B Product User's Guide, MCST document M1054E",
        "L1B EV 1km, 500m and 250m File Specification, V6.1.8; MOD03 file specification, V6.0.3",
        "MODIS Technical Specifications (SNR and NEdT as required), modis.gsfc.nasa.gov/about/specifications.php",
        "MODIS Surface Reflectance User's Guide, Collection 6: Vermote, Roger and Ray 2015",
    ),
)


def grids(granule: Granule) -> dict[float, list[str]]:
    """Return the grids that the files of a granule hold: sampling distance (m) -> bands, finest first."""
    files = files_by_kind(granule)
    held = {LAYOUTS[kind].resolution for kind in files if kind in LAYOUTS}
    held |= {metres for metres, kind in IMAGES.items() if kind in files}
    platform = next(iter(files.values())).platform
    return {r: [b.name for b in SPEC.bands_of(platform) if b.resolution == r] for r in sorted(held)}


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a scene lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    files = files_by_kind(granule)
    for kind, file in files.items():
        if kind in LAYOUTS:
            return open_grid(granule, file, calibration=calibration)
    return open_swath(granule, files, resolution=resolution, calibration=calibration)
