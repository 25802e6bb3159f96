"""AVHRR/3 of Metop at full resolution, Level 1B in EUMETSAT's EPS native format."""

from __future__ import annotations

import xarray as xr

from musyq_lab.core.sensor import Calibration, Mark, Sensor
from musyq_lab.sensors._avhrr import RESPONSE_QUIRK, SUN_QUIRK, SWITCH_QUIRK, bands
from musyq_lab.sensors._avhrr_eps import PLATFORMS, open_eps
from musyq_lab.sensors._granule import Granule

SPEC = Sensor(
    key="avhrr_eps",
    title="AVHRR/3 EPS",
    platforms=tuple(PLATFORMS.values()),
    resolution=1100,
    swath=2900,
    years=(2006, None),
    bands=bands(1100, PLATFORMS.values()),
    patterns=(r"(?P<granule>AVHR_[Xx]{3}_1B_M0[123]_\d{14}Z_\d{14}Z_\w_\w_\d{14}Z)(?:\.nat)?",),
    marks=(Mark("bytes", r"PRODUCT_NAME\s*=\s*AVHR_xxx_1B"),),
    reader="numpy",
    quirks=(
        SWITCH_QUIRK,
        SUN_QUIRK,
        RESPONSE_QUIRK,
        "The counts of this product are scaled radiances (0.01 or, in channel 3, 0.0001 of their unit).",
        "The bit cloud_possible is set where any of the product's tests calls the pixel cloudy, or bright or cold as "
        "cloud and snow are.",
    ),
    references=(
        "EUMETSAT EPS.MIS.SPE.97231, AVHRR/3 Level 1B Product Format Specification",
        "EUMETSAT EUM/OPS-EPS/MAN/04/0029, AVHRR Level 1b Product Guide, section 6.3",
    ),
)


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a product lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    return open_eps(granule, calibration)
