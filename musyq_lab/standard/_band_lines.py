"""Published lines between the bands of two sensors: one slope and one offset for every spectrum.

HLS: Sentinel-2 to Landsat 8, user guide 1.4 (Claverie et al. 2018, doi:10.1016/j.rse.2018.09.002), numbers as in
``S2L_Sbaf.py`` of senbox-org/sen2like; the guide itself was not opened. Roy et al. (2016,
doi:10.1016/j.rse.2015.12.024, table 2, surface reflectance, ordinary least squares): Landsat 7 to Landsat 8, numbers as
handed down in two public codes, the table not opened. These come from pairs of images a day apart and hold differences
of angle, atmosphere and date as well.
"""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """A reference band as ``slope * source + offset``."""

    source: str
    """Role of the band it is computed from."""
    slope: float
    """1."""
    offset: float
    """Reflectance (1)."""


_OLI = "landsat_oli"
# Role of OLI's band, role of the other sensor's, slope, offset.
_S2A = (
    ("coastal", "coastal", 0.9959, -0.0002),
    ("blue", "blue", 0.9778, -0.0040),
    ("green", "green", 1.0053, -0.0009),
    ("red", "red", 0.9765, 0.0009),
    ("nir", "nir_narrow", 0.9983, -0.0001),
    ("swir1", "swir1", 0.9987, -0.0011),
    ("swir2", "swir2", 1.0030, -0.0012),
)
_S2B = (
    ("coastal", "coastal", 0.9959, -0.0002),
    ("blue", "blue", 0.9778, -0.0040),
    ("green", "green", 1.0075, -0.0008),
    ("red", "red", 0.9761, 0.0010),
    ("nir", "nir_narrow", 0.9966, 0.0000),
    ("swir1", "swir1", 1.0000, -0.0003),
    ("swir2", "swir2", 0.9867, 0.0004),
)
_ETM = (
    ("blue", "blue", 0.8474, 0.0003),
    ("green", "green", 0.8483, 0.0088),
    ("red", "red", 0.9047, 0.0061),
    ("nir", "nir", 0.8462, 0.0412),
    ("swir1", "swir1", 0.8937, 0.0254),
    ("swir2", "swir2", 0.9071, 0.0172),
)
_TO_OLI = {
    ("sentinel2_msi", "Sentinel-2A"): _S2A,
    ("sentinel2_msi", "Sentinel-2B"): _S2B,
    ("landsat_etm", ""): _ETM,
}

PAIRS = "Sentinel-2A and -2B to landsat_oli and back, landsat_etm to landsat_oli"
"""What :func:`lines` knows, in words."""


def lines(sensor: str, variant: str, to: str, to_variant: str) -> dict[str, Line]:
    """Return the published line of each reference band by role; none where nothing is published.

    Parameters
    ----------
    sensor, variant : str
        Where the bands come from.
    to, to_variant : str
        Reference. From OLI to Sentinel-2 the lines are turned round, as sen2like does.
    """
    if to == _OLI:
        return {role: Line(source, slope, offset) for role, source, slope, offset in _TO_OLI.get((sensor, variant), ())}
    if sensor == _OLI and to == "sentinel2_msi":
        rows = _TO_OLI.get((to, to_variant), ())
        return {source: Line(role, 1.0 / slope, -offset / slope) for role, source, slope, offset in rows}
    return {}
