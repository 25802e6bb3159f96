"""AVHRR/3 of NOAA-15 to -19 and Metop at full resolution (LAC, HRPT, FRAC), Level 1b as NOAA archives it."""

from __future__ import annotations

import xarray as xr

from musyq_lab.core.sensor import Calibration, Mark, Sensor
from musyq_lab.sensors._avhrr import CALIBRATION_QUIRK, RESPONSE_QUIRK, SUN_QUIRK, SWITCH_QUIRK, bands
from musyq_lab.sensors._avhrr_klm import LAC, LETTERS, OLDER, PLATFORMS, open_klm
from musyq_lab.sensors._granule import Granule

_SETS = rf"\w{{3}}\.(?:{LAC.modes})\.(?:{LETTERS})\."

SPEC = Sensor(
    key="avhrr_lac",
    title="AVHRR/3 LAC, HRPT, FRAC",
    platforms=tuple(PLATFORMS.values()),
    resolution=1100,
    swath=2900,
    years=(1998, None),
    bands=bands(1100, PLATFORMS.values()),
    patterns=(
        rf"(?P<granule>\w{{3}}\.(?:{LAC.modes})\.(?:{LETTERS}|{OLDER})\.D\d{{5}}\.S\d{{4}}\.E\d{{4}}\.B\d{{7}}\.\w\w)(?:\.l1b)?",
    ),
    marks=(Mark("bytes", rf"(?s)\A(?:.{{512}})?.{{22}}{_SETS}"),),
    reader="numpy",
    quirks=(
        SWITCH_QUIRK,
        SUN_QUIRK,
        RESPONSE_QUIRK,
        CALIBRATION_QUIRK,
        "Data of NOAA-7 to -14 (POD format) and unpacked data sets are not read.",
    ),
    references=("NOAA KLM User's Guide (2014 revision), sections 7.1 and 8.3.1.3",),
)


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a data set lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    return open_klm(granule, LAC, calibration)
