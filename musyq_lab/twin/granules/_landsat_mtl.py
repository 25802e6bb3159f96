"""The metadata (MTL) of a Landsat 8 or 9 Level-1 scene of Collection 2, and the numbers it holds.

Groups, names and formats: the MTL of two real scenes, LC08_L1GT_001062_20201031 (within the Level-2 text) and
LC09_L1TP_029030_20240616; USGS LSDS-1822, Landsat 8-9 Level 1 Data Format Control Book.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from musyq_lab.twin.granules._map import Frame

SOLAR = tuple(map(str, range(1, 10)))
"""Reflective bands."""
THERMAL = ("10", "11")
"""Thermal bands."""
GREATEST = 65535
"""Largest count, which stands for saturation too; 0 is fill."""
REFLECTANCE = (2e-5, -0.1)
"""Gain and offset to reflectance times the cosine of the Sun's zenith angle, of all bands and scenes."""


@dataclass(frozen=True)
class Constants:
    """Calibration of one satellite."""

    unit_radiance: tuple[float, ...]
    """Radiance (W m-2 sr-1 um-1) of bands 1 to 9 that stands for a reflectance of 1 at 1 AU: E0 / pi."""
    thermal: tuple[tuple[float, float, float, float], ...]
    """Of bands 10 and 11: gain and offset to radiance, K1 (W m-2 sr-1 um-1) and K2 (K)."""


# E0 / pi: RADIANCE_MAXIMUM / REFLECTANCE_MAXIMUM x EARTH_SUN_DISTANCE^2 of the two scenes above (d = 0.9925901 and
# 1.0158933); that of LC08_L1TP_016037_20170813 gives the same to 5 digits.
_AT_ONE_AU = 1.2107
_D8, _D9 = 0.9925901**2 / _AT_ONE_AU, 1.0158933**2 / _AT_ONE_AU
_MOST8 = (771.45312, 789.97742, 727.95740, 613.85468, 375.64847, 93.42036, 31.48766, 694.71460, 146.81194)
_MOST9 = (734.06683, 753.94604, 695.55688, 586.00403, 359.16302, 89.27634, 30.08380, 661.33466, 140.38083)

CONSTANTS = {
    "Landsat-8": Constants(
        tuple(value * _D8 for value in _MOST8),
        ((3.342e-4, 0.1, 774.8853, 1321.0789), (3.342e-4, 0.1, 480.8883, 1201.1442)),
    ),
    "Landsat-9": Constants(
        tuple(value * _D9 for value in _MOST9),
        ((3.8e-4, 0.1, 799.0284, 1329.2405), (3.49e-4, 0.1, 475.6581, 1198.3494)),
    ),
}


@dataclass(frozen=True)
class Scene:
    """What the text says of a scene."""

    name: str
    """Product identifier, LC08_L1TP_..."""
    platform: str
    """Satellite."""
    path: int
    """Of the Worldwide Reference System 2."""
    row: int
    """Likewise."""
    time: datetime
    """When its centre was seen (UTC)."""
    generated: datetime
    """When the product was made (UTC)."""
    frame: Frame
    """Outer edges of the pixels of 30 m."""
    sun_azimuth: float
    """Of the centre (deg)."""
    sun_elevation: float
    """Of the centre (deg)."""
    sun_distance: float
    """AU."""
    cloud_cover: float
    """Percent of the pixels that are not fill."""
    saturated: Mapping[str, bool]
    """Reflective band -> whether a pixel has the largest count."""


def metadata(scene: Scene) -> tuple[str, str]:
    """Return the metadata as text (MTL.txt) and as XML (MTL.xml)."""
    groups = {
        "PRODUCT_CONTENTS": _contents(scene),
        "IMAGE_ATTRIBUTES": _attributes(scene),
        "PROJECTION_ATTRIBUTES": _projection(scene),
        "LEVEL1_PROCESSING_RECORD": _record(scene),
        **_calibration(scene),
        "LEVEL1_PROJECTION_PARAMETERS": {
            **_utm(scene),
            "GRID_CELL_SIZE_PANCHROMATIC": "15.00",
            "GRID_CELL_SIZE_REFLECTIVE": "30.00",
            "GRID_CELL_SIZE_THERMAL": "30.00",
            "ORIENTATION": '"NORTH_UP"',
            "RESAMPLING_OPTION": '"CUBIC_CONVOLUTION"',
        },
    }
    text = ["GROUP = LANDSAT_METADATA_FILE"]
    xml = ['<?xml version="1.0" encoding="UTF-8"?>', "<LANDSAT_METADATA_FILE>"]
    for group, entries in groups.items():
        text += [f"  GROUP = {group}", *(f"    {k} = {v}" for k, v in entries.items()), f"  END_GROUP = {group}"]
        plain = (f"    <{k}>{v.strip(_QUOTE)}</{k}>" for k, v in entries.items())
        xml += [f"  <{group}>", *plain, f"  </{group}>"]
    text += ["END_GROUP = LANDSAT_METADATA_FILE", "END", ""]
    return "\n".join(text), "\n".join([*xml, "</LANDSAT_METADATA_FILE>", ""])


_QUOTE = '"'


def files(name: str) -> dict[str, str]:
    """Return the files of a scene: entry of the MTL -> name."""
    bands = {f"FILE_NAME_BAND_{b}": f"{name}_B{b}.TIF" for b in (*SOLAR, *THERMAL)}
    return bands | {
        "FILE_NAME_QUALITY_L1_PIXEL": f"{name}_QA_PIXEL.TIF",
        "FILE_NAME_QUALITY_L1_RADIOMETRIC_SATURATION": f"{name}_QA_RADSAT.TIF",
        "FILE_NAME_ANGLE_SENSOR_AZIMUTH_BAND_4": f"{name}_VAA.TIF",
        "FILE_NAME_ANGLE_SENSOR_ZENITH_BAND_4": f"{name}_VZA.TIF",
        "FILE_NAME_ANGLE_SOLAR_AZIMUTH_BAND_4": f"{name}_SAA.TIF",
        "FILE_NAME_ANGLE_SOLAR_ZENITH_BAND_4": f"{name}_SZA.TIF",
        "FILE_NAME_METADATA_ODL": f"{name}_MTL.txt",
        "FILE_NAME_METADATA_XML": f"{name}_MTL.xml",
    }


def _contents(scene: Scene) -> dict[str, str]:
    types = {k.replace("FILE_NAME", "DATA_TYPE"): '"UINT16"' for k in files(scene.name) if "_METADATA_" not in k}
    types |= {k: '"INT16"' for k in types if "_ANGLE_" in k}
    return {
        "ORIGIN": '"Simulated by MuSyQ Lab; no observation"',
        "DIGITAL_OBJECT_IDENTIFIER": '"https://doi.org/10.5066/P975CC9B"',
        "LANDSAT_PRODUCT_ID": f'"{scene.name}"',
        "PROCESSING_LEVEL": '"L1TP"',
        "COLLECTION_NUMBER": "02",
        "COLLECTION_CATEGORY": '"T1"',
        "OUTPUT_FORMAT": '"GEOTIFF"',
        **{k: f'"{v}"' for k, v in files(scene.name).items()},
        **types,
    }


def _attributes(scene: Scene) -> dict[str, str]:
    return {
        "SPACECRAFT_ID": f'"{scene.platform.upper().replace("-", "_")}"',
        "SENSOR_ID": '"OLI_TIRS"',
        "WRS_TYPE": "2",
        "WRS_PATH": str(scene.path),
        "WRS_ROW": str(scene.row),
        "NADIR_OFFNADIR": '"NADIR"',
        "TARGET_WRS_PATH": str(scene.path),
        "TARGET_WRS_ROW": str(scene.row),
        "DATE_ACQUIRED": f"{scene.time:%Y-%m-%d}",
        "SCENE_CENTER_TIME": f'"{scene.time:%H:%M:%S.%f}0Z"',
        "STATION_ID": '"LGN"',
        "CLOUD_COVER": f"{scene.cloud_cover:.2f}",
        "CLOUD_COVER_LAND": f"{scene.cloud_cover:.2f}",
        "IMAGE_QUALITY_OLI": "9",
        "IMAGE_QUALITY_TIRS": "9",
        **{f"SATURATION_BAND_{b}": f'"{"Y" if scene.saturated[b] else "N"}"' for b in SOLAR},
        "ROLL_ANGLE": "0.000",
        "SUN_AZIMUTH": f"{(scene.sun_azimuth + 180) % 360 - 180:.8f}",
        "SUN_ELEVATION": f"{scene.sun_elevation:.8f}",
        "EARTH_SUN_DISTANCE": f"{scene.sun_distance:.7f}",
        "TRUNCATION_OLI": '"UPPER"',
        "TIRS_SSM_MODEL": '"FINAL"',
        "TIRS_SSM_POSITION_STATUS": '"ESTIMATED"',
    }


def _utm(scene: Scene) -> dict[str, str]:
    named = {"MAP_PROJECTION": '"UTM"', "DATUM": '"WGS84"', "ELLIPSOID": '"WGS84"'}
    return {**named, "UTM_ZONE": str(scene.frame.zone)}


def _projection(scene: Scene) -> dict[str, str]:
    frame = scene.frame
    lines, samples = frame.shape(30)
    x = (frame.left + 15, frame.left + frame.width - 15)
    y = (frame.top - 15, frame.top - frame.height + 15)
    corners = {f"{v}{h}": (x[h == "R"], y[v == "L"]) for v in "UL" for h in "LR"}
    entries = {"GRID_CELL_SIZE_PANCHROMATIC": "15.00", "GRID_CELL_SIZE_REFLECTIVE": "30.00"}
    entries |= {"GRID_CELL_SIZE_THERMAL": "30.00"}
    sizes = (("PANCHROMATIC", 2 * lines - 1, 2 * samples - 1), ("REFLECTIVE", lines, samples))
    for name, down, across in (*sizes, ("THERMAL", lines, samples)):
        entries |= {f"{name}_LINES": str(down), f"{name}_SAMPLES": str(across)}
    entries["ORIENTATION"] = '"NORTH_UP"'
    for corner, (east, north) in corners.items():
        longitude, latitude = _geographic(frame, east, north)
        entries[f"CORNER_{corner}_LAT_PRODUCT"] = f"{latitude:.5f}"
        entries[f"CORNER_{corner}_LON_PRODUCT"] = f"{longitude:.5f}"
    for corner, (east, north) in corners.items():
        entries[f"CORNER_{corner}_PROJECTION_X_PRODUCT"] = f"{east:.3f}"
        entries[f"CORNER_{corner}_PROJECTION_Y_PRODUCT"] = f"{north:.3f}"
    return {**_utm(scene), **entries}


def _geographic(frame: Frame, x: float, y: float) -> tuple[float, float]:
    longitude, latitude = frame.geographic(np.array(x), np.array(y))
    return float(longitude), float(latitude)


def _record(scene: Scene) -> dict[str, str]:
    day = scene.time.timetuple().tm_yday
    scene_id = f"LC{scene.platform[-1]}{scene.path:03d}{scene.row:03d}{scene.time:%Y}{day:03d}LGN00"
    return {
        "ORIGIN": '"Simulated by MuSyQ Lab; no observation"',
        "DIGITAL_OBJECT_IDENTIFIER": '"https://doi.org/10.5066/P975CC9B"',
        "LANDSAT_SCENE_ID": f'"{scene_id}"',
        "LANDSAT_PRODUCT_ID": f'"{scene.name}"',
        "PROCESSING_LEVEL": '"L1TP"',
        "COLLECTION_CATEGORY": '"T1"',
        "OUTPUT_FORMAT": '"GEOTIFF"',
        "DATE_PRODUCT_GENERATED": f"{scene.generated:%Y-%m-%dT%H:%M:%SZ}",
        "PROCESSING_SOFTWARE_VERSION": '"MuSyQ_Lab_twin"',
        **{k: f'"{v}"' for k, v in files(scene.name).items()},
        "DATA_SOURCE_TIRS_STRAY_LIGHT_CORRECTION": '"TIRS"',
        "DATA_SOURCE_ELEVATION": '"GLS2000"',
    }


def radiance_lines(scene: Scene) -> dict[str, tuple[float, float]]:
    """Return gain and offset to radiance (W m-2 sr-1 um-1) of all bands."""
    constants = CONSTANTS[scene.platform]
    lines = {}
    for band, unit in zip(SOLAR, constants.unit_radiance, strict=True):
        factor = unit / scene.sun_distance**2
        lines[band] = (REFLECTANCE[0] * factor, REFLECTANCE[1] * factor)
    return lines | {b: (t[0], t[1]) for b, t in zip(THERMAL, constants.thermal, strict=True)}


def _calibration(scene: Scene) -> dict[str, dict[str, str]]:
    radiance = radiance_lines(scene)
    limits, shares, pixels = {}, {}, {}
    for band, (gain, offset) in radiance.items():
        limits[f"RADIANCE_MAXIMUM_BAND_{band}"] = f"{gain * GREATEST + offset:.5f}"
        limits[f"RADIANCE_MINIMUM_BAND_{band}"] = f"{gain + offset:.5f}"
        pixels[f"QUANTIZE_CAL_MAX_BAND_{band}"], pixels[f"QUANTIZE_CAL_MIN_BAND_{band}"] = str(GREATEST), "1"
    for band in SOLAR:
        shares[f"REFLECTANCE_MAXIMUM_BAND_{band}"] = f"{REFLECTANCE[0] * GREATEST + REFLECTANCE[1]:.6f}"
        shares[f"REFLECTANCE_MINIMUM_BAND_{band}"] = f"{REFLECTANCE[0] + REFLECTANCE[1]:.6f}"
    rescaling = {f"RADIANCE_MULT_BAND_{b}": f"{gain:.4E}" for b, (gain, _) in radiance.items()}
    rescaling |= {f"RADIANCE_ADD_BAND_{b}": f"{offset:.5f}" for b, (_, offset) in radiance.items()}
    rescaling |= {f"REFLECTANCE_MULT_BAND_{b}": f"{REFLECTANCE[0]:.4E}" for b in SOLAR}
    rescaling |= {f"REFLECTANCE_ADD_BAND_{b}": f"{REFLECTANCE[1]:.6f}" for b in SOLAR}
    planck = {}
    for band, (*_, k1, k2) in zip(THERMAL, CONSTANTS[scene.platform].thermal, strict=True):
        planck[f"K1_CONSTANT_BAND_{band}"], planck[f"K2_CONSTANT_BAND_{band}"] = f"{k1}", f"{k2}"
    return {
        "LEVEL1_MIN_MAX_RADIANCE": limits,
        "LEVEL1_MIN_MAX_REFLECTANCE": shares,
        "LEVEL1_MIN_MAX_PIXEL_VALUE": pixels,
        "LEVEL1_RADIOMETRIC_RESCALING": rescaling,
        "LEVEL1_THERMAL_CONSTANTS": planck,
    }
