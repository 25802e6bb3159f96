"""Sentinel-2 Level-1C and Level-2A in SAFE layout: bands, angles, quality bits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import xarray as xr

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration
from musyq_lab.files.lazy import Layer, dask_array
from musyq_lab.files.raster import RasterLayer, open_band
from musyq_lab.sensors._calibrate import Counts, Illumination
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._grids import on_one_grid
from musyq_lab.sensors._scene import Acquisition, Rule, assemble, quality
from musyq_lab.sensors._sentinel2_layers import (
    AngleLayer,
    NearestLayer,
    Nodes,
    OutlineLayer,
    outlines,
    sun_nodes,
    view_nodes,
)
from musyq_lab.sensors._sentinel2_metadata import BAND_IDS, Metadata, Safe, safe_of
from musyq_lab.sensors._time import sun_distance

_SCENE_CLASSES = (
    Rule("no_data", 0, 8, (0,)),
    Rule("low_quality", 0, 8, (1,)),  # saturated or defective; the saturated bit itself comes from the bands
    Rule("cloud_shadow", 0, 8, (3,)),
    Rule("water", 0, 8, (6,)),
    Rule("cloud_possible", 0, 8, (8,)),
    Rule("cloud", 0, 8, (9,)),
    Rule("cirrus", 0, 8, (10,)),
    Rule("snow_ice", 0, 8, (11,)),
)
"""Scene classification of Level-2A: Sentinel-2 Products Specification Document, issue 14.9, section on L2A SCL."""

_TERRAIN_SHADOW = Rule("terrain_shadow", 0, 8, (2,))  # "dark features" of any kind before baseline 04.00

_SET = tuple(range(1, 256))
_CLASSI = (Rule("cloud", 0, 8, _SET), Rule("cirrus", 0, 8, _SET), Rule("snow_ice", 0, 8, _SET))
"""Bands of MSK_CLASSI_B00.jp2, 60 m, since baseline 04.00: opaque clouds, cirrus, snow and ice."""

_VIEWED = "B04"  # the band whose viewing angles stand for all (how far others differ: the quirks of the spec)

Masks = list[tuple[xr.DataArray, Sequence[Rule]]]


def open_tile(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a tile: the bands that have a file on the grid, angles by pixel, the producer's mask.

    Parameters
    ----------
    granule : Granule
        SAFE folder, any file of it, or a zip file of it.
    resolution : float
        Grid to open (m): a Level-1C product has each band on one grid, Level-2A most bands on several.
    calibration : {"counts", "radiance", "reflectance"}
        What to make.

    Raises
    ------
    SceneError
        If the SAFE is damaged or incomplete, or is asked for the radiance of Level-2A.
    """
    safe = safe_of(granule)
    metadata = Metadata(safe)
    level = metadata.level
    _check(granule, metadata, calibration)
    counts, missing = _counts(granule, safe, metadata, resolution)
    template = counts[0].data
    angles, said = _angles(metadata, template)
    layers, mask = _masks(safe, metadata, template, resolution)
    distance = metadata.sun_distance() or sun_distance(metadata.time)
    return assemble(
        granule,
        Acquisition(
            metadata.platform,
            metadata.time,
            metadata.time,
            level,
            {**_kept(metadata, missing), "angles": said, "cloud_mask": mask},
        ),
        counts,
        calibration=calibration,
        sun=Illumination(angles["sun_zenith"], distance),
        angles=angles,
        qa=quality([replace(c, valid=(-math.inf, math.inf)) for c in counts], layers),
        level="surface" if level == "L2A" else "toa",
    )


def tile_grids(granule: Granule) -> dict[float, list[str]]:
    """Return the grids of a tile, by the files that it has: sampling distance (m) -> bands, finest first.

    Parameters
    ----------
    granule : Granule
        As for :func:`open_tile`.
    """
    safe, spec = safe_of(granule), granule.sensor
    surface = bool(safe.find(r"(?!MSK_).*_\d0m\.jp2"))
    found = {r: [b.name for b in spec.bands_of() if _has(safe, b, r, surface=surface)] for r in spec.resolutions}
    return {resolution: bands for resolution, bands in found.items() if bands}


def _has(safe: Safe, band: Band, resolution: float, *, surface: bool) -> bool:
    there = surface or band.resolution == resolution
    return there and bool(safe.find(_file_pattern(band, resolution, surface=surface)))


def _check(granule: Granule, metadata: Metadata, calibration: Calibration) -> None:
    if metadata.platform not in granule.sensor.platforms:
        raise SceneError(
            f"{granule.path}: its metadata say {metadata.platform}, of which this package knows no bands. It knows "
            f"{', '.join(granule.sensor.platforms)}."
        )
    if metadata.level == "L2A" and calibration == "radiance":
        raise SceneError(
            f"{granule.path} is Level-2A, reflectance of the surface, which has no radiance at the top of the "
            'atmosphere. Open the Level-1C product, or this one with calibration="reflectance".'
        )


def _kept(metadata: Metadata, missing: Iterable[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {"processing_baseline": f"{metadata.baseline:05.2f}"}
    if metadata.tile_id:
        kept["tile"] = metadata.tile_id
    if names := ", ".join(missing):
        kept["bands_missing"] = names
    return kept


def _counts(granule: Granule, safe: Safe, metadata: Metadata, resolution: float) -> tuple[list[Counts], list[str]]:
    """Return the bands that have a file on the grid, and the names of those that should but do not."""
    surface = metadata.level == "L2A"
    counts, missing = [], []
    for band in granule.sensor.bands_of(metadata.platform):
        found = safe.find(_file_pattern(band, resolution, surface=surface))
        if found and (surface or band.resolution == resolution):
            counts.append(_band(band, safe.raster(found[0]), metadata))
        elif band.resolution == resolution and not (surface and band.native == "B10"):
            missing.append(band.name)
    if not counts:
        raise SceneError(
            f"{granule.path} has none of the band files of {resolution:g} m (*_B02*.jp2 ...). It is incomplete: fetch "
            "it again, or open another resolution."
        )
    kept, left_out = on_one_grid(counts)
    return kept, missing + left_out


def _file_pattern(band: Band, resolution: float, *, surface: bool) -> str:
    grid = f"_{resolution:g}m" if surface else ""
    return rf"(?!MSK_).*_{re.escape(band.native)}{grid}\.jp2"


def _band(band: Band, path: str, metadata: Metadata) -> Counts:
    """Return the counts of a band.

    The stored quantity is a reflectance factor that the producer made of radiance by the irradiance and the distance
    in the metadata; the way back to radiance must use the same two, not another solar spectrum.
    """
    saturated = metadata.special("SATURATED", 65535)
    return Counts(
        replace(band, e0=metadata.irradiance(band.native) or band.e0),
        _in_place(open_band(path), metadata, path),
        fills=(float(metadata.special("NODATA", 0)),),
        valid=(-math.inf, saturated - 1),  # the number is a mark, no measurement
        saturation=saturated,
        reflectance=metadata.reflectance(band.native),
        normalised=True,
    )


def _in_place(data: xr.DataArray, metadata: Metadata, path: str) -> xr.DataArray:
    """Refuse a band whose map coordinates are not those of its tile: JPEG 2000 has no checksum that would tell."""
    from rasterio.crs import CRS

    if "x" not in data.coords or min(data.shape) < 2:
        raise SceneError(f"{path} carries no map coordinates. It is damaged: fetch it again.")
    a, _, left, _, e, top = tuple(data.rio.transform())[:6]
    corner_x, corner_y = metadata.corner()
    right, bottom = (corner_x + metadata.extent[0], corner_y - metadata.extent[1])
    differences = (left - corner_x, top - corner_y, left + a * data.shape[1] - right, top + e * data.shape[0] - bottom)
    if max(map(abs, differences)) > a / 2 or e >= 0 or data.rio.crs != CRS.from_epsg(metadata.epsg):
        raise SceneError(
            f"{path} lies elsewhere than the metadata of its tile say (EPSG:{metadata.epsg}, from {corner_x:g}, "
            f"{corner_y:g} m). One of them is damaged or of another tile: fetch them again."
        )
    return data


def _angles(metadata: Metadata, template: xr.DataArray) -> tuple[dict[str, xr.DataArray | float], str]:
    """Return the angles of each pixel, or of the tile where they are given for it alone, and a sentence on them."""
    viewed = BAND_IDS.index(_VIEWED)
    mean = f".//Mean_Viewing_Incidence_Angle[@bandId='{viewed}']"
    angles: dict[str, xr.DataArray | float] = {}
    said = []
    for who, nodes, path in (
        ("sun", sun_nodes(metadata.tile), ".//Mean_Sun_Angle"),
        ("view", view_nodes(metadata.tile, viewed), mean),
    ):
        words = f"{who}: " + ("" if who == "sun" else f"band {_VIEWED}, ")
        if nodes is not None:
            angles |= _interpolated(who, nodes, metadata, template)
            said.append(words + "between the points given every 5 km")
        elif (found := metadata.tile.find(path)) is not None:
            angles[f"{who}_zenith"] = metadata.number(found, "ZENITH_ANGLE")
            angles[f"{who}_azimuth"] = metadata.number(found, "AZIMUTH_ANGLE") % 360.0
            said.append(words + "the mean of the tile, as the metadata lack the points")
    if "sun_zenith" not in angles:
        raise SceneError(f"{metadata.place}: the metadata of its tile lack the Sun's angles. They are damaged.")
    return angles, "; ".join(said)


def _interpolated(
    who: str, nodes: Nodes, metadata: Metadata, template: xr.DataArray
) -> Mapping[str, xr.DataArray | float]:
    a, _, left, _, e, top = tuple(template.rio.transform())[:6]
    corner_x, corner_y = metadata.corner()
    steps = (-e / nodes.steps[0], a / nodes.steps[1])
    starts = ((corner_y - top) / nodes.steps[0] + steps[0] / 2, (left - corner_x) / nodes.steps[1] + steps[1] / 2)
    made = {}
    for name, grids in (("zenith", (nodes.zenith,)), ("azimuth", (nodes.sine, nodes.cosine))):
        made[f"{who}_{name}"] = _like(template, AngleLayer(grids, starts, steps, _shape(template)), f"{who}-{name}")
    return made


def _shape(array: xr.DataArray) -> tuple[int, int]:
    return cast("tuple[int, int]", array.shape)


def _like(template: xr.DataArray, layer: Layer, label: str, paths: Sequence[str] = ()) -> xr.DataArray:
    """Return a layer with the coordinates and chunks of a band."""
    return template.drop_attrs().copy(data=dask_array(layer, template.data.chunksize, paths, label))


def _masks(safe: Safe, metadata: Metadata, template: xr.DataArray, resolution: float) -> tuple[Masks, str]:
    """Return the producer's masks on the grid, and a sentence on them."""
    if metadata.level == "L2A":
        return _scene_classes(safe, metadata, template, resolution)
    if found := safe.find(r"MSK_CLASSI_B00\.jp2"):
        layers = [(_nearest(safe, found[0], number, template), (rule,)) for number, rule in enumerate(_CLASSI, 1)]
        return list(layers), "MSK_CLASSI, 60 m"
    if found := safe.find(r"(?:S2[A-D]_OPER_)?MSK_CLOUDS_.*B00.*\.gml"):
        return _drawn(safe, found[0], template), "MSK_CLOUDS, outlines drawn on the grid; no snow"
    return [], "none in the granule"


def _scene_classes(safe: Safe, metadata: Metadata, template: xr.DataArray, resolution: float) -> tuple[Masks, str]:
    rules = (*_SCENE_CLASSES, _TERRAIN_SHADOW) if metadata.baseline >= 4.0 else _SCENE_CLASSES
    for grid in (60, 20) if resolution == 60 else (20, 60):
        if found := safe.find(rf".*_SCL_{grid}m\.jp2"):
            return [(_nearest(safe, found[0], 1, template), rules)], f"SCL, {grid} m"
    return [], "none in the granule"


def _nearest(safe: Safe, name: str, number: int, template: xr.DataArray) -> xr.DataArray:
    path = safe.raster(name)
    stored = open_band(path, number)
    source = RasterLayer(path, number, _shape(stored), stored.dtype)
    return _like(template, NearestLayer(source, _shape(template)), "mask", [str(safe.place)])


def _drawn(safe: Safe, name: str, template: xr.DataArray) -> Masks:
    root = safe.xml(name)
    transform = tuple(template.rio.transform())[:6]
    kinds = (("OPAQUE", "cloud"), ("CIRRUS", "cirrus"))
    drawn = [(OutlineLayer(outlines(root, kind), transform, _shape(template)), flag) for kind, flag in kinds]
    return [(_like(template, layer, "outlines"), (Rule(flag, 0, 8, (1,)),)) for layer, flag in drawn if layer.polygons]
