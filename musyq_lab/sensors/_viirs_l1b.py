"""VIIRS Level 1B (NASA): netCDF-4 files VNP02MOD, VNP02IMG and their geolocation VNP03MOD, VNP03IMG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    by_block,
    decoded,
    geolocation,
    missing_bands,
    polynomial,
    same_shape,
    scene,
)
from musyq_lab.sensors._scene import Acquisition, Rule
from musyq_lab.sensors._time import instant

VALID = (0.0, 65527.0)
"""Stored integers that are measurements, where the file does not tell; above are fills (65533: bow-tie)."""

FLAGS = {
    "Substitute_Cal": ("low_quality", 0),
    "Out_of_Range": ("low_quality", 1),
    "Saturation": ("saturated", 2),
    "Temp_not_Nominal": ("low_quality", 3),
    "DG_Anomaly": ("low_quality", 6),
    "Some_Saturation": ("saturated", 7),
    "Missing_EV": ("low_quality", 9),
    "Cal_Fail": ("low_quality", 10),
    "Dead_Detector": ("low_quality", 11),
}
"""Flag of ``<band>_quality_flags`` -> our flag, bit where the file does not tell: NASA VIIRS Level-1B Product User
Guide (2018), appendix 1. Low and mixed gain, and deletion of bow-tie pixels, say nothing of the quality."""

PLATFORMS = {
    "Suomi-NPP": "Suomi-NPP",
    "SNPP": "Suomi-NPP",
    "JPSS-1": "NOAA-20",
    "NOAA-20": "NOAA-20",
    "JPSS-2": "NOAA-21",
    "NOAA-21": "NOAA-21",
}
"""Global attribute ``platform`` -> platform."""

_ANGLES = {
    "longitude": "longitude",
    "latitude": "latitude",
    "sun_zenith": "solar_zenith",
    "sun_azimuth": "solar_azimuth",
    "view_zenith": "sensor_zenith",
    "view_azimuth": "sensor_azimuth",
}


def open_l1b(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a granule of Level-1B files on the grid of the M or of the I bands.

    Parameters
    ----------
    granule : Granule
        Band and geolocation file.
    resolution : {375, 750}
        Grid (m).
    calibration : {"counts", "radiance", "reflectance"}
        What to make.
    """
    kind = "MOD" if resolution == 750 else "IMG"
    path = _holder(granule, "observation_data", kind, f"its band file (V??02{kind})")
    side = _holder(granule, "geolocation_data", kind, f"its geolocation file (V??03{kind})")
    acquired = _acquisition(path)
    wanted = [b for b in granule.sensor.bands if b.resolution == resolution]
    inside = members(path, "/observation_data")
    there = [b for b in wanted if _name(b) in inside]
    if not there:
        raise SceneError(f"{path} holds none of the {kind[0]} bands. It is of another kind, or damaged.")
    geo = _geolocation(side)
    layers = [_band(path, band, calibration, geo, granule) for band in there]
    flags = [item for band in there if (item := _flags(path, band, inside)) is not None]
    kept = Acquisition(
        acquired.platform, acquired.start, acquired.end, acquired.processing_level, missing_bands(wanted, layers)
    )
    return scene(granule, kept, layers, geo, calibration=calibration, flags=flags)


def _name(band: Band) -> str:
    return f"{band.native[0]}{int(band.native[1:]):02d}"


def _holder(granule: Granule, group: str, kind: str, what: str) -> Path:
    """Return the file that holds a group, of the M or I bands."""
    if len(granule.files) == 1:
        found = [file for file in granule.files if members(file, group)]
    else:
        number = "02" if group == "observation_data" else "03"
        short = "VL1B" if number == "02" else "VGEO"
        found = granule.match(rf"(?:V\w\w{number}{kind}|{short}{kind[0]}).*")
    if not found:
        raise SceneError(f"{granule.path}: granule {granule.name} lacks {what}. Put it beside the other file.")
    if len(found) > 1:
        names = ", ".join(file.name for file in found[:4])
        raise SceneError(
            f"{granule.path}: granule {granule.name} has {len(found)} candidates for {what}: {names}. They are of "
            "several platforms or versions: give the files of one as a list."
        )
    return found[0]


def _acquisition(path: Path) -> Acquisition:
    attrs = metadata(path)
    platform = PLATFORMS.get(str(attrs.get("platform", "")).strip())
    if platform is None or "VIIRS" not in str(attrs.get("instrument", "VIIRS")).upper():
        raise SceneError(
            f"{path}: platform is {attrs.get('platform')!r} and instrument {attrs.get('instrument')!r}. It is no VIIRS "
            "Level-1B file of a platform this package knows."
        )
    try:
        start, end = (instant(str(attrs[f"time_coverage_{which}"])) for which in ("start", "end"))
    except KeyError as error:
        raise SceneError(f"{path} lacks the attribute {error}. It is damaged.") from None
    return Acquisition(platform, start, end, str(attrs.get("processing_level", "L1B")))


def _band(path: Path, band: Band, calibration: Calibration, geo: Geolocation, granule: Granule) -> Layer:
    stored = plane(path, f"observation_data/{_name(band)}")
    attrs, raw = stored.attrs, stored.drop_attrs()
    same_shape(geo, raw, granule, "its geolocation")
    valid = (_number(attrs, "valid_min", path, VALID[0]), _number(attrs, "valid_max", path, VALID[1]))
    if calibration == "counts":
        return Layer(band, raw, raw, valid)
    if calibration == "reflectance" and band.thermal:
        return Layer(band, raw, _temperature(path, band, raw, valid), valid)
    if calibration == "reflectance":
        # The same counts and constant factors give radiance and this: it is not yet divided by the cosine.
        line = [_number(attrs, "add_offset", path), _number(attrs, "scale_factor", path)]
        return Layer(band, raw, polynomial(raw, line, valid, over=geo.cosine), valid)
    prefix = "" if band.thermal else "radiance_"
    line = [_number(attrs, f"{prefix}add_offset", path), _number(attrs, f"{prefix}scale_factor", path)]
    return Layer(band, raw, polynomial(raw, line, valid), valid)


def _number(attrs: Mapping[str, Any], name: str, path: Path, default: float | None = None) -> float:
    try:
        value = float(attrs[name] if default is None else attrs.get(name, default))
    except (KeyError, TypeError, ValueError):
        raise SceneError(f"{path} lacks the attribute {name!r} of a band, or it is no number. It is damaged.") from None
    return value


def _temperature(path: Path, band: Band, raw: xr.DataArray, valid: tuple[float, float]) -> xr.DataArray:
    """Return brightness temperature by the table of the file: one entry a stored number."""
    name = f"observation_data/{_name(band)}_brightness_temperature_lut"
    lut, attrs = table(path, name), metadata(path, name)
    if lut.ndim != 1 or lut.size <= valid[1]:
        raise SceneError(f"{path}: {name} has shape {lut.shape}, less than the numbers stored. It is damaged.")
    low, high = _number(attrs, "valid_min", path, 0.0), _number(attrs, "valid_max", path, np.inf)
    kelvin = np.where((lut >= low) & (lut <= high) & (lut > 0), lut, np.nan).astype(np.float32)
    return by_block(_look_up, raw, dtype=np.float32, kelvin=kelvin, valid=valid)


def _look_up(raw: NDArray[Any], kelvin: NDArray[np.float32], valid: tuple[float, float]) -> NDArray[np.float32]:
    inside = (raw >= valid[0]) & (raw <= valid[1])
    return np.where(inside, kelvin[np.where(inside, raw, 0)], np.float32(np.nan))


def _flags(path: Path, band: Band, inside: Sequence[str]) -> tuple[xr.DataArray, Sequence[Rule]] | None:
    """Return the quality layer of a band, by the meanings that the file writes beside it."""
    name = f"{_name(band)}_quality_flags"
    if name not in inside:
        return None
    layer = plane(path, f"observation_data/{name}")
    meanings = str(layer.attrs.get("flag_meanings", "")).split()
    masks = np.ravel(np.asarray(layer.attrs.get("flag_masks", [])))
    written = {}
    if meanings and len(meanings) == masks.size and masks.dtype.kind in "ui":
        written = {word: int(mask) for word, mask in zip(meanings, masks, strict=True) if int(mask).bit_count() == 1}
    rules = []
    for word, (flag, bit) in FLAGS.items():
        if word in written or not written:
            rules.append(Rule(flag, written[word].bit_length() - 1 if written else bit))
    return layer.drop_attrs(), tuple(rules)


def _geolocation(path: Path) -> Geolocation:
    layers = {}
    inside = members(path, "/geolocation_data")
    for key, name in _ANGLES.items():
        if name not in inside:
            raise SceneError(f"{path} lacks geolocation_data/{name}. It is of another kind, or damaged.")
        raw = plane(path, f"geolocation_data/{name}")
        scale = _number(raw.attrs, "scale_factor", path, 1.0)
        offset = _number(raw.attrs, "add_offset", path, 0.0)
        layers[key] = decoded(raw, key, scale=scale, offset=offset)
    return geolocation(layers)
