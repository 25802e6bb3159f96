"""AVHRR/3 of NOAA-15 to -19 and Metop, Global Area Coverage (GAC), Level 1b."""

from __future__ import annotations

import xarray as xr

from musyq_lab.core.sensor import Calibration, Mark, Sensor
from musyq_lab.sensors._avhrr import CALIBRATION_QUIRK, RESPONSE_QUIRK, SUN_QUIRK, SWITCH_QUIRK, bands
from musyq_lab.sensors._avhrr_klm import GAC, LETTERS, OLDER, PLATFORMS, open_klm
from musyq_lab.sensors._granule import Granule

SPEC = Sensor(
    key="avhrr_gac",
    title="AVHRR/3 GAC",
    platforms=tuple(PLATFORMS.values()),
    resolution=4000,
    swath=2900,
    years=(1998, None),
    bands=bands(4000, PLATFORMS.values()),
    patterns=(
        rf"(?P<granule>\w{{3}}\.GHRR\.(?:{LETTERS}|{OLDER})\.D\d{{5}}\.S\d{{4}}\.E\d{{4}}\.B\d{{7}}\.\w\w)(?:\.l1b)?",
    ),
    marks=(Mark("bytes", rf"(?s)\A(?:.{{512}})?.{{22}}\w{{3}}\.GHRR\.(?:{LETTERS})\."),),
    reader="numpy",
    quirks=(
        "A GAC sample is the mean of 4 of 5 pixels along every third line: 1.1 km by 4.4 km, 3.3 km apart along track.",
        SWITCH_QUIRK,
        SUN_QUIRK,
        RESPONSE_QUIRK,
        CALIBRATION_QUIRK,
        "Data of NOAA-7 to -14 (POD format) are not read.",
    ),
    references=("NOAA KLM User's Guide (2014 revision), sections 7.1 and 8.3.1.4",),
)


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a data set lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    return open_klm(granule, GAC, calibration)
