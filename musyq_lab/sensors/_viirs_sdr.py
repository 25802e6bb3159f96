"""VIIRS Sensor Data Records (NOAA): HDF5 of one or several collections, of one or several granules end to end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._planes import members, metadata, plane, table
from musyq_lab.sensors._polar import (
    Geolocation,
    Layer,
    decoded,
    geolocation,
    missing_bands,
    polynomial,
    same_shape,
    scene,
)
from musyq_lab.sensors._scene import Acquisition, Rule
from musyq_lab.sensors._time import instant

SCANS = 48
"""Scans of a granule as stored, whether all were taken or not."""

INTEGERS = (0.0, 65527.0)
"""Stored integers that are measurements: 65528 to 65535 tell why there is none (CDFCB-X volume I, table 3.5.6-1)."""

FLOATS = (-999.0, np.inf)
"""The same for floats: -999.2 to -999.9."""

QUALITY = (
    Rule("low_quality", 0, 2, (1, 2)),  # calibration poor, or none
    Rule("saturated", 2, 2, (1, 2)),  # some or all samples
    Rule("low_quality", 4, 2, (1, 2, 3)),  # data missing: Earth view, calibration, thermistor
    Rule("low_quality", 6, 2, (1, 2, 3)),  # radiance, reflectance or temperature, or both out of range
)
"""QF1_VIIRSMBANDSDR and QF1_VIIRSIBANDSDR: CDFCB-X volume III, VIIRS SDR quality flags (not re-read; the saturation
field as NASA's OCSSW writes it, viirs_sim_sdr/scan_cvt.c)."""

_GEO = {
    "M": ("VIIRS-MOD-GEO-TC", "VIIRS-MOD-GEO"),
    "I": ("VIIRS-IMG-GEO-TC", "VIIRS-IMG-GEO"),
}
_GEO_FILES = {"M": "GMTCO or GMODO", "I": "GITCO or GIMGO"}
_ANGLES = {
    "longitude": "Longitude",
    "latitude": "Latitude",
    "sun_zenith": "SolarZenithAngle",
    "sun_azimuth": "SolarAzimuthAngle",
    "view_zenith": "SatelliteZenithAngle",
    "view_azimuth": "SatelliteAzimuthAngle",
}
_DATASET = {"reflectance": "Reflectance", "temperature": "BrightnessTemperature", "radiance": "Radiance"}
PLATFORMS = {"NPP": "Suomi-NPP", "J01": "NOAA-20", "JPSS-1": "NOAA-20", "J02": "NOAA-21", "JPSS-2": "NOAA-21"}
"""Platform_Short_Name -> platform."""


def is_sdr(granule: Granule) -> bool:
    """Return whether the files are SDR (the other kind is NASA's Level 1B)."""
    return any(members(file, "/All_Data") for file in granule.files)


def open_sdr(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a granule of SDR files on the grid of the M or of the I bands.

    Parameters
    ----------
    granule : Granule
        Band and geolocation files, in whatever combination.
    resolution : {375, 750}
        Grid (m).
    calibration : {"counts", "radiance", "reflectance"}
        What to make.
    """
    kind = "M" if resolution == 750 else "I"
    collections = _collections(granule)
    geo_name = next((name for name in _GEO[kind] if name in collections), None)
    wanted = [b for b in granule.sensor.bands if b.resolution == resolution]
    there = [b for b in wanted if f"VIIRS-{b.native}-SDR" in collections]
    if not there:
        raise SceneError(f"{granule.path}: granule {granule.name} has none of the {kind} bands (SV{kind}01 ...).")
    if geo_name is None:
        files = _GEO_FILES[kind]
        raise SceneError(
            f"{granule.path}: granule {granule.name} lacks its geolocation file ({files}). Put it beside the others."
        )
    acquired = _acquisition(granule, collections, f"VIIRS-{there[0].native}-SDR")
    layers, flags = [], []
    for band in there:
        layer, quality = _band(collections, band, kind, calibration)
        layers.append(layer)
        flags += quality
    geo = _geolocation(collections[geo_name], geo_name, kind)
    for layer in layers:
        same_shape(geo, layer.raw, granule, "its geolocation")
    extra = Acquisition(acquired.platform, acquired.start, acquired.end, "SDR", missing_bands(wanted, layers))
    return scene(granule, extra, layers, geo, calibration=calibration, flags=flags)


def _collections(granule: Granule) -> dict[str, Path]:
    """Return collection (VIIRS-M5-SDR, VIIRS-MOD-GEO-TC ...) -> file."""
    found: dict[str, Path] = {}
    for file in [*granule.files, *_referred(granule)]:
        for name in members(file, "/All_Data"):
            found.setdefault(name.removesuffix("_All"), file)
    return found


def _referred(granule: Granule) -> list[Path]:
    """Return the geolocation files in the same folder that the band files name, for a granule without any."""
    if granule.match(r"G[MI](?:TCO|ODO|MGO).*"):
        return []
    found: list[Path] = []
    for file in granule.files:
        # The creation time at the end of the name is often another; 46 characters are what satpy compares.
        start = str(metadata(file).get("N_GEO_Ref", ""))[:46]
        if re.fullmatch(r"G[MI](?:TCO|ODO|MGO)_\w+", start):
            found += [p for p in sorted(file.parent.iterdir()) if p.name.startswith(start) and p not in found]
    return found


def _acquisition(granule: Granule, collections: Mapping[str, Path], name: str) -> Acquisition:
    path = collections[name]
    short = str(metadata(path).get("Platform_Short_Name", "")).strip().upper()
    platform = PLATFORMS.get(short)
    if platform is None:
        raise SceneError(
            f"{path}: Platform_Short_Name is {short!r}, which is none of {', '.join(PLATFORMS)}. It is no VIIRS SDR "
            "file of a platform this package knows."
        )
    attrs = metadata(path, f"Data_Products/{name}/{name}_Aggr")
    return Acquisition(platform, _moment(attrs, "Beginning", path), _moment(attrs, "Ending", path), "SDR")


def _moment(attrs: Mapping[str, Any], which: str, path: Path) -> datetime:
    day, clock = (str(attrs.get(f"Aggregate{which}{part}", "")).strip() for part in ("Date", "Time"))
    match = re.fullmatch(r"(\d{4})(\d\d)(\d\d)", day), re.fullmatch(r"(\d\d)(\d\d)(\d\d(?:\.\d+)?)Z?", clock)
    if not match[0] or not match[1] or day.startswith("1958"):
        raise SceneError(f"{path}: Aggregate{which}Date {day!r} and Time {clock!r} are no time. The file is damaged.")
    return instant(f"{'-'.join(match[0].groups())}T{':'.join(match[1].groups())}")


@dataclass(frozen=True, slots=True)
class _Rows:
    """Lines of a collection that were taken."""

    slices: tuple[slice, ...]
    """One a granule."""
    total: int
    """Lines as stored."""

    def cut(self, data: xr.DataArray) -> xr.DataArray:
        """Return the lines that were taken."""
        if sum(s.stop - s.start for s in self.slices) == self.total:
            return data
        return xr.concat([data.isel(y=s) for s in self.slices], dim="y", combine_attrs="override")

    def spread(self, values: NDArray[np.float64]) -> xr.DataArray:
        """Return one number a granule as one a line."""
        return xr.DataArray(np.repeat(values, [s.stop - s.start for s in self.slices]), dims="y")


def _rows(path: Path, name: str, lines: int, kind: str) -> _Rows:
    """Return which lines of a file were taken: granules lie end to end, padded to 48 scans or not."""
    per_scan = 16 if kind == "M" else 32
    scans = _scans(path, name)
    if not scans or sum(scans) * per_scan == lines:
        lengths = [n * per_scan for n in scans] or [lines]
        starts = np.cumsum([0, *lengths[:-1]])
    elif lines == len(scans) * SCANS * per_scan and max(scans) <= SCANS:
        lengths, starts = [n * per_scan for n in scans], np.arange(len(scans)) * SCANS * per_scan
    else:
        raise SceneError(f"{path}: {name} has {lines} lines for granules of {scans} scans. It is cut short or damaged.")
    return _Rows(tuple(slice(int(a), int(a) + n) for a, n in zip(starts, lengths, strict=True)), lines)


def _scans(path: Path, name: str) -> list[int]:
    """Return the number of scans of each granule, nothing where the file does not tell."""
    group = f"Data_Products/{name}"
    granules = [m for m in members(path, group) if re.fullmatch(rf"{re.escape(name)}_Gran_\d+", m)]
    granules.sort(key=lambda m: int(m.rpartition("_")[2]))
    counts = [metadata(path, f"{group}/{m}").get("N_Number_Of_Scans") for m in granules]
    known = [int(n) for n in counts if n is not None]
    if len(known) != len(counts) or any(n < 0 for n in known):
        raise SceneError(f"{path}: {name} lacks N_Number_Of_Scans of its {len(granules)} granules. It is damaged.")
    return known


def _band(
    collections: Mapping[str, Path], band: Band, kind: str, calibration: Calibration
) -> tuple[Layer, list[tuple[xr.DataArray, Sequence[Rule]]]]:
    name = f"VIIRS-{band.native}-SDR"
    path, group = collections[name], f"All_Data/{name}_All"
    what = "radiance" if calibration == "radiance" else ("temperature" if band.thermal else "reflectance")
    stored = plane(path, f"{group}/{_DATASET[what]}")
    rows = _rows(path, name, stored.shape[0], kind)
    raw = rows.cut(stored).drop_attrs()
    valid = FLOATS if raw.dtype.kind == "f" else INTEGERS
    values = raw
    if calibration != "counts":
        gain, offset = _factors(path, f"{group}/{_DATASET[what]}Factors", raw, rows)
        values = polynomial(raw, [offset, gain], valid)
    flag = f"QF1_VIIRS{kind}BANDSDR"
    quality: list[tuple[xr.DataArray, Sequence[Rule]]] = []
    if flag in members(path, group):
        quality.append((rows.cut(plane(path, f"{group}/{flag}")).drop_attrs(), QUALITY))
    return Layer(band, raw, values, valid), quality


def _factors(path: Path, name: str, raw: xr.DataArray, rows: _Rows) -> tuple[Any, Any]:
    """Return gain and offset, one a line; floats of the dual-gain bands need none."""
    if raw.dtype.kind == "f":
        return 1.0, 0.0
    pairs = table(path, name).reshape(-1)
    if pairs.size != 2 * len(rows.slices):
        raise SceneError(f"{path}: {name} holds {pairs.size} numbers for {len(rows.slices)} granules. It is damaged.")
    pairs = np.where(pairs > -999.0, pairs, np.nan)  # a granule without data
    return rows.spread(pairs[0::2]), rows.spread(pairs[1::2])


def _geolocation(path: Path, name: str, kind: str) -> Geolocation:
    layers: dict[str, xr.DataArray] = {}
    rows: _Rows | None = None
    for key, dataset in _ANGLES.items():
        stored = plane(path, f"All_Data/{name}_All/{dataset}")
        rows = rows or _rows(path, name, stored.shape[0], kind)
        layers[key] = decoded(rows.cut(stored), key)
    return geolocation(layers)
