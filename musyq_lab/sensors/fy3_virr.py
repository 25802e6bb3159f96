"""FY-3A, FY-3B and FY-3C VIRR, Level-1 HDF5: ten bands at 1.1 km."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.kernels.radiometry import planck_constants
from musyq_lab.sensors._calibrate import Planck
from musyq_lab.sensors._fy3 import (
    CMACAST,
    acquisition,
    complete,
    distance_factor,
    global_attributes,
    irradiance,
    locate,
    numbers,
    per_micrometre,
    percent,
)
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._planes import members, plane, table
from musyq_lab.sensors._polar import Geolocation, Layer, polynomial, same_shape, scene, temperature
from musyq_lab.sensors._scene import Acquisition

SPEC = Sensor(
    key="fy3_virr",
    title="FY-3A/B/C VIRR",
    platforms=("FY-3A", "FY-3B", "FY-3C"),
    resolution=1100,
    swath=2800,
    years=(2008, 2021),
    bands=(
        Band("red", "1", 0.630, 0.100, 1100),
        Band("nir", "2", 0.865, 0.050, 1100),
        Band("mir", "3", 3.740, 0.380, 1100),
        Band("tir1", "4", 10.800, 1.000, 1100),
        Band("tir2", "5", 12.000, 1.000, 1100),
        Band("swir1", "6", 1.595, 0.090, 1100),
        Band("blue", "7", 0.455, 0.050, 1100),
        Band("b8", "8", 0.505, 0.050, 1100),
        Band("green", "9", 0.555, 0.050, 1100),
        Band("cirrus", "10", 1.360, 0.070, 1100),
    ),
    patterns=(
        rf"{CMACAST}(?P<granule>FY3[ABC]_VIRRX_GBAL_L1_\d{{8}}_\d{{4}})_(?:1000M|GEOXX)_MS\.(?:HDF|h5)",
        r"(?P<granule>tf\d{13}\.FY3[ABC]-L)_VIRRX_(?:L1B|GEOXX)\.(?:HDF|h5)",
    ),
    marks=(Mark("hdf5", r"^VIRR", "Sensor Identification Code"), Mark("hdf5", r"^FY3[ABC]_VIRR", "File Name")),
    reader="h5py",
    quirks=(
        "FY-3A and FY-3B hold their geolocation in the band file, FY-3C in GEOXX.",
        "FY-3B's reflective coefficients are those that CMA published in 2015, not the file's.",
        "Thermal radiance is corrected for the detectors' non-linearity and brightness temperature for the width of "
        "the bands, T = (Te - A) / B; satpy 0.60 leaves out both, which for band 3 of FY-3A is 2 to 3 K.",
        "Radiance in reflective bands needs the solar irradiance of the file (FY-3C); FY-3A and FY-3B take Thuillier's "
        "over the nominal limits, unlike the other sensors.",
        "Centres and widths are nominal.",
    ),
    references=(
        "satpy, readers/virr_l1b.py and etc/readers/virr_l1b.yaml: names of datasets, limits of bands",
        "CMA 2015, nsmc.org.cn/en/NSMC/Contents/100089.html, as quoted by satpy: coefficients of FY-3B",
        "CMA's SMART projector (C#): non-linear and band corrections of the thermal bands",
    ),
)

FY3B = (
    *((0.1264, -1.4320), (0.1353, -1.6236), (0.0919, -2.4821), (0.0938, -1.1494)),
    *((0.0857, -1.0280), (0.0803, -0.9636), (0.0630, -0.7628)),
)
"""Slope and intercept, counts to percent, of bands 1, 2, 6, 7, 8, 9 and 10 of FY-3B: CMA 2015."""

ESUN = (1633.2, 956.9, 254.2, 1966.8, 1903.7, 1832.4, 375.6)
"""Solar irradiance (W m-2 um-1) of the same bands where the file lacks it: Thuillier et al. 2003
(doi:10.1023/A:1024048429145), mean over the nominal limits."""

REFLECTIVE = ("1", "2", "6", "7", "8", "9", "10")
"""Bands of EV_RefSB in order."""

EMISSIVE = ("3", "4", "5")
"""Bands of EV_Emissive in order."""

VALID = (0.0, 32767.0)
"""Stored numbers of the reflective bands that are measurements (the files' own limits)."""

LARGEST = 1023.0
"""Largest count of the ten bits of the reflective bands."""

EMISSIVE_COUNTS = (1.0, 50000.0)
"""Stored numbers of the thermal bands that are measurements."""


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a granule lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    path = _band_file(granule)
    attrs = global_attributes(path)
    acquired = acquisition(granule, attrs, path)
    group = "Data/" if "EV_RefSB" in members(path, "/Data") or "EV_Emissive" in members(path, "/Data") else ""
    side = granule.match(r".*_GEOXX_?.*")
    layers: dict[str, xr.DataArray] = {}
    for source in [*side[:1], path]:
        layers = {**locate(source), **layers}
    hint = "its geolocation file (*_GEOXX*.HDF) is missing or empty. Put it beside the band file"
    geo = complete(granule, layers, hint)
    calibrate = _Calibrate(path, group, attrs, acquired, calibration, geo)
    made = [calibrate(band) for band in granule.sensor.bands_of(acquired.platform)]
    same_shape(geo, made[0].raw, granule, "its geolocation")
    return scene(granule, acquired, made, geo, calibration=calibration)


def _band_file(granule: Granule) -> Path:
    pattern = r".*_(?:1000M_MS|L1B)\..*"
    if len(granule.files) == 1 and not granule.match(r".*_(?:1000M_MS|L1B|GEOXX\w*)\..*"):
        return granule.files[0]  # found by content: its name says nothing
    return granule.one(pattern, "the band file (*_1000M_MS.HDF or *_L1B.HDF)")


class _Calibrate:
    """Makes of stored numbers what was asked for."""

    def __init__(
        self,
        path: Path,
        group: str,
        attrs: Mapping[str, Any],
        acquired: Acquisition,
        calibration: Calibration,
        geo: Geolocation,
    ) -> None:
        self._path, self._group, self._attrs = path, group, attrs
        self._platform, self._calibration, self._geo = acquired.platform, calibration, geo
        self._squared = distance_factor(attrs, acquired.start)
        self._e0 = irradiance(attrs, "RefSB_Solar_Irradiance", len(REFLECTIVE), ESUN)

    def __call__(self, band: Band) -> Layer:
        """Return one band."""
        if band.thermal:
            return self._thermal(band, EMISSIVE.index(band.native))
        return self._reflective(band, REFLECTIVE.index(band.native))

    def _reflective(self, band: Band, order: int) -> Layer:
        raw = plane(self._path, f"{self._group}EV_RefSB", order)
        e0 = self._e0[order]
        values = raw
        if self._calibration != "counts":
            slope, intercept = self._coefficients(order)
            over = self._geo.cosine if self._calibration == "reflectance" else None
            values = polynomial(
                raw, percent([intercept, slope], self._calibration, e0, self._squared), VALID, over=over
            )
        return Layer(band, raw, values, VALID, LARGEST, {"solar_irradiance": e0})

    def _coefficients(self, order: int) -> tuple[float, float]:
        if self._platform == "FY-3B":
            return FY3B[order]
        pairs = numbers(self._attrs, ("RefSB_Cal_Coefficients",), 2 * len(REFLECTIVE), self._path)
        slope, intercept = float(pairs[2 * order]), float(pairs[2 * order + 1])
        full = slope * LARGEST + intercept
        if not 1.0 < full < 1000.0:
            raise SceneError(
                f"{self._path}: the coefficients {slope:g} and {intercept:g} of band {REFLECTIVE[order]} give {full:g} "
                "% for the largest count. The file is damaged or of a version this package does not know."
            )
        return slope, intercept

    def _thermal(self, band: Band, order: int) -> Layer:
        raw = plane(self._path, f"{self._group}EV_Emissive", order)
        if self._calibration == "counts":
            return Layer(band, raw, raw, EMISSIVE_COUNTS)
        number = self._wave_number(band, order)
        linear = polynomial(raw, [self._lines(name, raw, order) for name in ("Offsets", "Scales")], EMISSIVE_COUNTS)
        b0, b1, b2 = self._nonlinear(order)
        factor = per_micrometre(number)
        everything = (-math.inf, math.inf)
        values = polynomial(linear, [b0 * factor, (1.0 + b1) * factor, b2 * factor], everything)
        if self._calibration == "reflectance":
            values = temperature(values, self._planck(number, order))
        return Layer(band, raw, values, EMISSIVE_COUNTS)

    def _wave_number(self, band: Band, order: int) -> float:
        names = ("Emissive_Centroid_Wave_Number", "Emmisive_Centroid_Wave_Number")
        number = float(numbers(self._attrs, names, len(EMISSIVE), self._path)[order])
        if not abs(number * band.centre / 1e4 - 1.0) < 0.05:
            raise SceneError(f"{self._path}: {number:g} cm-1 is no wave number of band {band.native}. It is damaged.")
        return number

    def _lines(self, name: str, raw: xr.DataArray, order: int) -> Any:
        """Return the gain or offset of each line."""
        values = table(self._path, f"{self._group}Emissive_Radiance_{name}")
        if values.ndim != 2 or values.shape[0] != raw.shape[0] or values.shape[1] < len(EMISSIVE):
            raise SceneError(
                f"{self._path}: Emissive_Radiance_{name} has shape {values.shape}, not one row a line ({raw.shape[0]})."
            )
        return xr.DataArray(values[:, order], dims="y")

    def _nonlinear(self, order: int) -> tuple[float, float, float]:
        name = "Prelaunch_Nonlinear_Coefficients"
        if name not in self._attrs:
            return 0.0, 0.0, 0.0
        values = numbers(self._attrs, (name,), 9, self._path)
        # Public readers disagree on the order. Band 3 is linear: where its zeros stand tells.
        by_term = not values[[0, 3, 6]].any() and values[:3].any()
        b0, b1, b2 = values.reshape(3, 3)[:, order] if by_term else values.reshape(3, 3)[order]
        return float(b0), float(b1), float(b2)

    def _planck(self, number: float, order: int) -> Planck:
        k1, k2 = planck_constants(1e4 / number)
        names = ("Emissive_BT_Coefficients", "Emmisive_BT_Coefficients")
        if not any(name in self._attrs for name in names):
            return Planck(k1, k2)
        pairs = numbers(self._attrs, names, 2 * len(EMISSIVE), self._path)
        a, b = float(pairs[2 * order]), float(pairs[2 * order + 1])
        return Planck(k1, k2, b, a) if 0.9 < b < 1.1 else Planck(k1, k2)
