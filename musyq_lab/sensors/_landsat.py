"""What the Landsat Level-1 scenes share: GeoTIFF bands and a metadata text (MTL) of five generations."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import xarray as xr

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration
from musyq_lab.files.raster import open_band
from musyq_lab.sensors._calibrate import Counts, Illumination, Linear, Planck
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._grids import on_one_grid
from musyq_lab.sensors._scene import Acquisition, Rule, assemble, quality
from musyq_lab.sensors._time import instant, sun_distance

Metadata = Mapping[str, str]

COLLECTION_2 = (
    Rule("no_data", 0),
    Rule("cloud", 1),  # dilated cloud
    Rule("cirrus", 2),
    Rule("cloud", 3),
    Rule("cloud_shadow", 4),
    Rule("snow_ice", 5),
    Rule("water", 7),
    Rule("cloud_possible", 8, 2, (2,)),
)
"""QA_PIXEL: USGS LSDS-1619 (Landsat 8-9 C2 Level-2 Science Product Guide), table 6-3; LSDS-1618 for Landsat 4-7."""

COLLECTION_1 = (
    Rule("no_data", 0),
    Rule("terrain_shadow", 1),  # terrain occlusion for OLI, dropped pixel for TM and ETM+: in both no measurement
    Rule("saturated", 2, 2, (1, 2, 3)),
    Rule("cloud", 4),
    Rule("cloud_possible", 5, 2, (2,)),
    Rule("cloud_shadow", 7, 2, (3,)),
    Rule("snow_ice", 9, 2, (3,)),
    Rule("cirrus", 11, 2, (3,)),
)
"""BQA of Collection 1: USGS LSDS-1656 (Landsat 8 Collection 1 Data Format Control Book), table 3-3."""

PRE_COLLECTION = (
    Rule("no_data", 0),
    Rule("low_quality", 1),
    Rule("terrain_shadow", 2),
    Rule("water", 4, 2, (3,)),
    Rule("snow_ice", 10, 2, (3,)),
    Rule("cirrus", 12, 2, (3,)),
    Rule("cloud", 14, 2, (3,)),
    Rule("cloud_possible", 14, 2, (2,)),
)
"""BQA before the collections: USGS LSDS-809 (LDCM Level 1 Data Format Control Book), table 3-3. Not re-read: [K]."""

_RULES = {"02": ("QA_PIXEL", COLLECTION_2), "01": ("BQA", COLLECTION_1), "": ("BQA", PRE_COLLECTION)}


def patterns(*numbers: str) -> tuple[str, ...]:
    """Return the patterns of the files of some instruments, such as ``"C08"`` and ``"C09"``."""
    letters = "|".join(sorted({n[0] for n in numbers}))
    satellites = "".join(sorted({n[-1] for n in numbers}))
    return (
        rf"(?P<granule>L(?:{letters})0[{satellites}]_L1\w\w_\d{{6}}_\d{{8}}(?:_\d{{8}}_\d\d_\w\w)?)_.+\.(?:tif|txt|xml|json)",
        rf"(?P<granule>L(?:{letters})[{satellites}]\d{{13}}[A-Z]{{3}}\d\d)_.+\.(?:tif|txt)",
    )


def open_level1(
    granule: Granule,
    *,
    resolution: float,
    calibration: Calibration,
    esun: Mapping[str, Mapping[str, float]] | None = None,
    planck: Mapping[str, tuple[float, float]] | None = None,
) -> xr.Dataset:
    """Open a Level-1 scene: bands, scene-centre Sun angles and the producer's quality band.

    Parameters
    ----------
    granule : Granule
        GeoTIFF files and the MTL text.
    resolution : float
        Grid to open (m).
    calibration : {"counts", "radiance", "reflectance"}
        What to make.
    esun : mapping, optional
        Platform -> native band -> solar irradiance (W m-2 um-1), for metadata without reflectance constants.
    planck : mapping, optional
        Platform -> (K1, K2) of the thermal band, for metadata without.
    """
    metadata = read_mtl(granule.one(r".*MTL\.txt", "its metadata file (*_MTL.txt), which holds gains and Sun angles"))
    platform = _platform(granule, metadata)
    moment = _moment(metadata)
    distance = _number(metadata, "EARTH_SUN_DISTANCE", sun_distance(moment))
    wanted = [b for b in granule.sensor.bands_of(platform) if b.resolution == resolution]
    sources = {band: path for band in wanted if (path := _file(granule, band))}
    if not sources:
        raise SceneError(
            f"{granule.path}: granule {granule.name} has none of the band files of {resolution:g} m (*_B1.TIF ...)."
        )
    constants = _Constants(metadata, distance, (esun or {}).get(platform, {}), (planck or {}).get(platform))
    counts, left_out = on_one_grid([constants.counts(band, path) for band, path in sources.items()])
    zenith = 90.0 - _required(metadata, "SUN_ELEVATION")
    collection = f"{int(metadata.get('COLLECTION_NUMBER', '0')):02d}".replace("00", "")
    missing = [b.name for b in wanted if b not in sources] + left_out
    return assemble(
        granule,
        Acquisition(
            platform,
            moment,
            moment,
            metadata.get("PROCESSING_LEVEL", metadata.get("DATA_TYPE", "L1")),
            _kept(missing, collection),
        ),
        counts,
        calibration=calibration,
        sun=Illumination(zenith, distance),
        angles={"sun_zenith": zenith, "sun_azimuth": _required(metadata, "SUN_AZIMUTH") % 360.0},
        qa=_quality(granule, counts, collection),
    )


def _kept(missing: Sequence[str], collection: str) -> dict[str, str]:
    kept = {"collection": collection} if collection else {}
    return {**kept, "bands_missing": ", ".join(missing)} if missing else kept


def _quality(granule: Granule, counts: Sequence[Counts], collection: str) -> xr.DataArray:
    suffix, rules = _RULES.get(collection, _RULES["02"])
    files = granule.match(rf".*_{suffix}\.tiff?")
    layers = [open_band(file) for file in files]
    return quality(counts, [(layer, rules) for layer in layers if layer.shape == counts[0].data.shape])


def read_mtl(path: Path) -> Metadata:
    """Return the entries of an MTL text, those of the oldest generation under today's names.

    Raises
    ------
    SceneError
        If it is no such text.
    """
    text = path.read_bytes().replace(b"\0", b"").decode("latin-1")
    pairs = re.findall(r'^\s*(\w+)\s*=\s*"?([^"\r\n]*)"?\s*$', text, re.MULTILINE)
    entries: dict[str, str] = {}
    for name, value in pairs:
        entries.setdefault(_today(name), value.strip())
    if "SPACECRAFT_ID" not in entries:
        raise SceneError(
            f"{path} holds no Landsat metadata (SPACECRAFT_ID is missing). It is cut short or of another kind."
        )
    return entries


# Names before August 2012 -> since then.
_OLD = (
    (r"LMAX_BAND(\w+)", r"RADIANCE_MAXIMUM_BAND_\1"),
    (r"LMIN_BAND(\w+)", r"RADIANCE_MINIMUM_BAND_\1"),
    (r"QCALMAX_BAND(\w+)", r"QUANTIZE_CAL_MAX_BAND_\1"),
    (r"QCALMIN_BAND(\w+)", r"QUANTIZE_CAL_MIN_BAND_\1"),
    (r"ACQUISITION_DATE", "DATE_ACQUIRED"),
    (r"SCENE_CENTER_SCAN_TIME", "SCENE_CENTER_TIME"),
    (r"PRODUCT_TYPE", "DATA_TYPE"),
)


def _today(name: str) -> str:
    for old, new in _OLD:
        if re.fullmatch(old, name):
            return re.sub(r"_(\d)(\d)$", r"_\1_VCID_\2", re.sub(old, new, name))  # ETM+: BAND61 is B6_VCID_1
    return name


def _platform(granule: Granule, metadata: Metadata) -> str:
    digits = re.sub(r"\D", "", metadata["SPACECRAFT_ID"])
    name = f"Landsat-{digits}"
    if name not in granule.sensor.platforms:
        raise SceneError(
            f"{granule.path}: the metadata say {metadata['SPACECRAFT_ID']}, which does not carry "
            f"{granule.sensor.title}. Leave sensor= out, or check that the metadata belong to these files."
        )
    return name


def _moment(metadata: Metadata) -> datetime:
    for name in ("DATE_ACQUIRED", "SCENE_CENTER_TIME"):
        if name not in metadata:
            raise SceneError(f"The metadata lack {name}. The file is cut short.")
    return instant(f"{metadata['DATE_ACQUIRED']}T{metadata['SCENE_CENTER_TIME']}")


def _required(metadata: Metadata, name: str) -> float:
    value = _number(metadata, name, math.nan)
    if math.isnan(value):
        raise SceneError(f"The metadata lack {name} (a number). The file is cut short or damaged.")
    return value


def _number(metadata: Metadata, name: str, default: float) -> float:
    try:
        value = float(metadata[name])
    except KeyError:
        return default
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _file(granule: Granule, band: Band) -> Path | None:
    found = granule.match(rf"{re.escape(granule.name)}_(?:B|band){band.native}\.tiff?")
    return found[0] if len(found) == 1 else None


class _Constants:
    """Finds what turns the counts of a band into physical numbers."""

    def __init__(
        self, metadata: Metadata, distance: float, esun: Mapping[str, float], planck: tuple[float, float] | None
    ) -> None:
        self._metadata, self._distance, self._esun, self._planck = metadata, distance, esun, planck

    def counts(self, band: Band, path: Path) -> Counts:
        """Return the counts of a band with their constants."""
        return Counts(
            band,
            open_band(path),
            fills=(0.0,),
            saturation=_number(self._metadata, f"QUANTIZE_CAL_MAX_BAND_{band.native}", math.inf),
            radiance=self._radiance(band),
            reflectance=None if band.thermal else self._reflectance(band),
            planck=self._brightness(band) if band.thermal else None,
        )

    def _pair(self, quantity: str, band: Band) -> Linear | None:
        gain = _number(self._metadata, f"{quantity}_MULT_BAND_{band.native}", math.nan)
        offset = _number(self._metadata, f"{quantity}_ADD_BAND_{band.native}", math.nan)
        return Linear(gain, offset) if math.isfinite(gain) and math.isfinite(offset) else None

    def _radiance(self, band: Band) -> Linear:
        if line := self._pair("RADIANCE", band):
            return line
        # Metadata before August 2012: by the limits (Chander et al. 2009, eq. 1).
        names = ("RADIANCE_MAXIMUM", "RADIANCE_MINIMUM", "QUANTIZE_CAL_MAX", "QUANTIZE_CAL_MIN")
        highest, lowest, last, first = (_required(self._metadata, f"{name}_BAND_{band.native}") for name in names)
        gain = (highest - lowest) / (last - first)
        return Linear(gain, lowest - gain * first)

    def _reflectance(self, band: Band) -> Linear | None:
        if line := self._pair("REFLECTANCE", band):
            return line
        if band.native not in self._esun:
            return None
        factor = math.pi * self._distance**2 / self._esun[band.native]
        gain, offset = self._radiance(band)
        return Linear(gain * factor, offset * factor)

    def _brightness(self, band: Band) -> Planck | None:
        k1 = _number(self._metadata, f"K1_CONSTANT_BAND_{band.native}", math.nan)
        k2 = _number(self._metadata, f"K2_CONSTANT_BAND_{band.native}", math.nan)
        if math.isfinite(k1) and math.isfinite(k2):
            return Planck(k1, k2)
        return Planck(*self._planck) if self._planck else None
