"""What the Landsat Level-1 scenes share: GeoTIFF bands and a metadata text (MTL) of any generation."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import xarray as xr

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration
from musyq_lab.files.raster import open_band
from musyq_lab.sensors._calibrate import Counts, Illumination, Linear, Planck
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._grids import on_one_grid, placed, same_grid
from musyq_lab.sensors._landsat_angles import angles
from musyq_lab.sensors._mtl import Metadata, read_mtl
from musyq_lab.sensors._scene import Acquisition, Rule, assemble, quality
from musyq_lab.sensors._time import sun_distance

_LEAST = 1e-9
"""A gain is positive."""
_ROUNDING = 0.025
"""How far a gain may lie from the one by its limits: metadata of 2012 to 2016 give three decimals (0.055 of 0.0554)."""

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
"""BQA before the collections: USGS LSDS-809 (LDCM Level 1 Data Format Control Book), table 3-3; the order of the fields
is that of RStoolbox's encodeQA (legacy = "pre_collection") too."""

_RULES = {"02": ("QA_PIXEL", COLLECTION_2), "01": ("BQA", COLLECTION_1), "": ("BQA", PRE_COLLECTION)}


def patterns(*numbers: str, before: str = "") -> tuple[str, ...]:
    """Return the patterns of the files of some instruments.

    Parameters
    ----------
    *numbers : str
        Letter and number of each in the names since the collections, such as ``"C08"`` and ``"C09"``.
    before : str
        Pattern, with the group ``granule``, of what the names before August 2012 share
        (``L5224063_06319880814_B10.TIF``).
    """
    letters = "|".join(sorted({n[0] for n in numbers}))
    satellites = "".join(sorted({n[-1] for n in numbers}))
    old = (rf"{before}_.+\.(?:tif|txt)",) if before else ()
    return (
        rf"(?P<granule>L(?:{letters})0[{satellites}]_L1\w\w_\d{{6}}_\d{{8}}(?:_\d{{8}}_\d\d_\w\w)?)_.+\.(?:tiff?|txt|xml|json)",
        rf"(?P<granule>L(?:{letters})[{satellites}]\d{{13}}[A-Z]{{3}}\d\d)_.+\.(?:tiff?|txt)",
        *old,
    )


def open_level1(
    granule: Granule,
    *,
    resolution: float,
    calibration: Calibration,
    esun: Mapping[str, Mapping[str, float]] | None = None,
    planck: Mapping[str, tuple[float, float]] | None = None,
) -> xr.Dataset:
    """Open a Level-1 scene: bands, angles and the producer's quality band.

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
    metadata, granule = _read(granule)
    platform = _platform(granule, metadata)
    collection = _collection(granule, metadata)
    moment = metadata.moment()
    distance = metadata.number("EARTH_SUN_DISTANCE", sun_distance(moment), least=0.98, most=1.02)
    wanted = [b for b in granule.sensor.bands_of(platform) if b.resolution == resolution]
    sources = {band: path for band in wanted if (path := _file(granule, band, metadata))}
    if not sources:
        raise SceneError(
            f"{granule.path}: granule {granule.name} has none of the band files of {resolution:g} m (*_B1.TIF ...)."
        )
    constants = _Constants(metadata, distance, (esun or {}).get(platform, {}), (planck or {}).get(platform))
    counts, left_out = on_one_grid([constants.counts(band, path) for band, path in sources.items()])
    seen = angles(granule, _stem(granule), counts[0].data, metadata)
    qa, layer = _quality(granule, counts, collection)
    level = metadata.text("PROCESSING_LEVEL", metadata.text("DATA_TYPE", "L1"))
    kept = {
        "quality_layer": layer,
        "angle_note": seen.note,
        **_kept([b.name for b in wanted if b not in sources] + left_out, collection),
    }
    scene = assemble(
        granule,
        Acquisition(platform, moment, moment, level, kept),
        counts,
        calibration=calibration,
        sun=Illumination(seen.values["sun_zenith"], distance),
        angles=seen.values,
        qa=qa,
    )
    scene.encoding["files"] = tuple(map(str, granule.files))
    return scene


def _read(granule: Granule) -> tuple[Metadata, Granule]:
    """Return the metadata, and the granule with all its files where only a renamed text of it is known."""
    what = "its metadata file (*_MTL.txt), which holds gains and Sun angles"
    if granule.match(r".*MTL\.txt") or granule.path.suffix.lower() != ".txt":
        metadata = read_mtl(granule.one(r".*MTL\.txt", what))
    else:
        metadata = read_mtl(granule.path)
    if granule.files == (metadata.path,):
        beside = sorted(file for file in metadata.path.parent.iterdir() if file.is_file())
        granule = replace(granule, files=tuple(beside), name=re.sub(r"_?MTL$", "", metadata.path.stem, flags=re.I))
        chosen = [_file(granule, band, metadata) for band in granule.sensor.bands] + [_quality_file(granule)]
        granule = replace(granule, files=tuple(sorted({metadata.path, *(c for c in chosen if c)})))
    _check_identity(granule, metadata)
    return metadata, granule


def _check_identity(granule: Granule, metadata: Metadata) -> None:
    """Refuse metadata of another scene, another instrument or another level."""
    names = [metadata.text(name, "") for name in ("LANDSAT_PRODUCT_ID", "LANDSAT_SCENE_ID")]
    ours = any(re.fullmatch(p, f"{granule.name}_B1.TIF", re.IGNORECASE) for p in granule.sensor.patterns[:2])
    if ours and any(names) and not any(name.upper().startswith(granule.name.upper()) for name in names):
        raise SceneError(
            f"{metadata.path} is of the scene {names[0] or names[1]}, not of {granule.name}. Put the metadata of these "
            "files beside them."
        )
    instrument = f'SENSOR_ID = "{metadata.text("SENSOR_ID")}"'
    if not any(re.search(mark.pattern, instrument, re.IGNORECASE) for mark in granule.sensor.marks):
        raise SceneError(
            f"{metadata.path} is of the instrument {metadata.text('SENSOR_ID')}, not of {granule.sensor.title}. "
            "Leave sensor= out, or check that the metadata belong to these files."
        )
    if (level := metadata.text("PROCESSING_LEVEL", "L1")).upper().startswith("L2"):
        raise SceneError(f"{metadata.path} is of a Level-2 product ({level}). Open it with ml.open_product.")


def _kept(missing: Sequence[str], collection: str) -> dict[str, str]:
    kept = {"collection": collection} if collection else {}
    return {**kept, "bands_missing": ", ".join(missing)} if missing else kept


def _collection(granule: Granule, metadata: Metadata) -> str:
    text = metadata.text("COLLECTION_NUMBER", "")
    collection = text.strip().zfill(2) if text else ""
    if collection not in _RULES:
        raise SceneError(
            f"{metadata.path} is of Collection {text}, which this package does not know. It knows 1, 2 and what was "
            "before."
        )
    return collection


def _quality_file(granule: Granule) -> Path | None:
    found = [file for suffix in ("QA_PIXEL", "BQA") for file in granule.match(rf"{_stem(granule)}_{suffix}\.tiff?")]
    return found[0] if found else None


def _quality(granule: Granule, counts: Sequence[Counts], collection: str) -> tuple[xr.DataArray, str]:
    """Return the quality bits and the name of the producer's layer in them, ``"none"`` where there is none."""
    suffix, rules = _RULES[collection]
    for file in granule.match(rf"{_stem(granule)}_{suffix}\.tiff?"):
        layer = open_band(file)
        if same_grid(layer, counts[0].data):
            return quality(counts, [(placed(layer, counts[0].data), rules)]), suffix
    return quality(counts), "none"


def _platform(granule: Granule, metadata: Metadata) -> str:
    spacecraft = metadata.text("SPACECRAFT_ID")
    name = f"Landsat-{re.sub(r'[^0-9]', '', spacecraft)}"
    if name not in granule.sensor.platforms:
        raise SceneError(
            f"{metadata.path} says {spacecraft}, which does not carry {granule.sensor.title}. Leave sensor= out, or "
            "check that the metadata belong to these files."
        )
    return name


def _stem(granule: Granule) -> str:
    return re.escape(granule.name)


def _file(granule: Granule, band: Band, metadata: Metadata) -> Path | None:
    """Return the file of a band: by the name of the granule, or by the name that the metadata give."""
    declared = metadata.text(f"FILE_NAME_BAND_{band.native}", "")
    for pattern in (rf"{_stem(granule)}_(?:B|band){band.native}\.tiff?", re.escape(declared)):
        found = granule.match(pattern)
        if len(found) > 1:
            names = ", ".join(file.name for file in found)
            raise SceneError(f"{granule.path} holds band {band.native} of {granule.name} more than once: {names}.")
        if found:
            return found[0]
    return None


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
            saturation=self._number("QUANTIZE_CAL_MAX", band, math.inf, least=1.0),
            radiance=self._radiance(band),
            reflectance=None if band.thermal else self._reflectance(band),
            planck=self._brightness(band) if band.thermal else None,
        )

    def _number(self, quantity: str, band: Band, default: float | None = None, *, least: float = -math.inf) -> float:
        return self._metadata.number(f"{quantity}_BAND_{band.native}", default, least=least)

    def _radiance(self, band: Band) -> Linear:
        return self._line("RADIANCE", band) or self._by_limits("RADIANCE", band)

    def _reflectance(self, band: Band) -> Linear | None:
        if line := self._line("REFLECTANCE", band):
            return line
        if band.native not in self._esun:
            return None
        factor = math.pi * self._distance**2 / self._esun[band.native]
        gain, offset = self._radiance(band)
        return Linear(gain * factor, offset * factor)

    def _line(self, quantity: str, band: Band) -> Linear | None:
        """Return the gain and offset that the metadata give, refused where they contradict the limits they give."""
        if not self._metadata.has(f"{quantity}_MULT_BAND_{band.native}"):
            return None
        line = Linear(self._number(f"{quantity}_MULT", band, least=_LEAST), self._number(f"{quantity}_ADD", band))
        if not self._metadata.has(f"{quantity}_MAXIMUM_BAND_{band.native}"):
            return line
        limits = self._by_limits(quantity, band)
        if abs(line.gain - limits.gain) > _ROUNDING * limits.gain:
            raise SceneError(
                f"{self._metadata.path} contradicts itself: the gain of band {band.native} to {quantity.lower()} is "
                f"{line.gain:g}, by its limits {limits.gain:g}. It is damaged: fetch it again."
            )
        return line

    def _by_limits(self, quantity: str, band: Band) -> Linear:
        """Return gain and offset by the limits (Chander et al. 2009, eq. 1), all there is before August 2012."""
        lowest, first = self._number(f"{quantity}_MINIMUM", band), self._number("QUANTIZE_CAL_MIN", band, least=0.0)
        highest = self._number(f"{quantity}_MAXIMUM", band, least=lowest + _LEAST)
        gain = (highest - lowest) / (self._number("QUANTIZE_CAL_MAX", band, least=first + 1.0) - first)
        return Linear(gain, lowest - gain * first)

    def _brightness(self, band: Band) -> Planck | None:
        if self._metadata.has(f"K1_CONSTANT_BAND_{band.native}"):
            return Planck(self._number("K1_CONSTANT", band, least=1.0), self._number("K2_CONSTANT", band, least=1.0))
        return Planck(*self._planck) if self._planck else None
