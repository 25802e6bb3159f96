"""Sentinel-3A and -3B OLCI, Level-1 full (EFR) and reduced (ERR) resolution, SEN3 folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.files.stored import Packing
from musyq_lab.sensors._calibrate import Counts, cosine, physical
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._scene import Acquisition, Rule, assemble, quality
from musyq_lab.sensors._sentinel3 import (
    Floats,
    Folder,
    Grid,
    Stored,
    counts_of,
    global_attributes,
    look,
    open_folder,
    reflectance,
    values,
)
from musyq_lab.sensors._sentinel3_ties import TiePoints

SPEC = Sensor(
    key="s3_olci",
    title="Sentinel-3 OLCI",
    platforms=("Sentinel-3A", "Sentinel-3B", "Sentinel-3C", "Sentinel-3D"),
    resolution=300,
    swath=1270,
    years=(2016, None),
    bands=(
        Band("oa01", "Oa01", 0.4003, 0.0140, 300, 1457.5),
        Band("oa02", "Oa02", 0.4118, 0.0098, 300, 1763.7),
        Band("coastal", "Oa03", 0.4430, 0.0099, 300, 1896.9),
        Band("blue", "Oa04", 0.4905, 0.0100, 300, 1949.3),
        Band("oa05", "Oa05", 0.5105, 0.0100, 300, 1953.2),
        Band("green", "Oa06", 0.5605, 0.0100, 300, 1852.7),
        Band("oa07", "Oa07", 0.6204, 0.0099, 300, 1676.4),
        Band("red", "Oa08", 0.6653, 0.0100, 300, 1549.1),
        Band("oa09", "Oa09", 0.6740, 0.0075, 300, 1517.8),
        Band("oa10", "Oa10", 0.6816, 0.0075, 300, 1493.4),
        Band("red_edge_1", "Oa11", 0.7091, 0.0100, 300, 1397.8),
        Band("red_edge_2", "Oa12", 0.7542, 0.0075, 300, 1254.0),
        Band("oa13", "Oa13", 0.7617, 0.0026, 300, 1235.1),
        Band("oa14", "Oa14", 0.7648, 0.0037, 300, 1221.9),
        Band("oa15", "Oa15", 0.7679, 0.0026, 300, 1209.0),
        Band("red_edge_3", "Oa16", 0.7793, 0.0150, 300, 1185.9),
        Band("nir", "Oa17", 0.8654, 0.0199, 300, 954.5),
        Band("oa18", "Oa18", 0.8843, 0.0100, 300, 925.9),
        Band("oa19", "Oa19", 0.8993, 0.0100, 300, 896.7),
        Band("water_vapour", "Oa20", 0.9390, 0.0199, 300, 824.8),
        Band("oa21", "Oa21", 1.0158, 0.0270, 300, 702.7),
    ),
    # The name of a folder says it all; in a folder that was renamed this member tells OLCI from SLSTR.
    patterns=(r"(?P<granule>instrument_data)\.nc",),
    folders=(r"(?P<granule>S3[A-D]_OL_1_E[FR]R_{4}\d{8}T\d{6}_\w+?)(?:\.SEN3)?(?:\.zip)?",),
    marks=(Mark("hdf5", r"S3[A-D]_OL_[12]_", "product_name"),),
    reader="h5py",
    quirks=(
        "A reduced-resolution granule (ERR) opens on its own grid of 1200 m; the attribute `resolution` tells.",
        "Reflectance uses the file's solar irradiance of each detector for the day, not the E0 of the band's row.",
        "Level-1 has no cloud mask: its flag `bright` (cloud, snow, sand, glint) sets the bit cloud_possible.",
        "The five cameras see slightly different wavelengths: rows give the mean of Sentinel-3A.",
    ),
    references=(
        "Sentinel-3 OLCI Level-1 product data format specification, S3IPF.PDS.004.1 (layout, flags)",
        "Centroid, width and E0 from the mean spectral response of S3A (doi:10.1029/2022EA002637 for the Sun)",
    ),
)

_KEPT = 20  # bits 0 to 20 of quality_flags say which band is saturated: they become bit 0, the others follow
RULES = (
    Rule("saturated", 0),
    Rule("low_quality", 21 - _KEPT),  # dubious
    Rule("sun_glint", 22 - _KEPT),
    Rule("low_quality", 24 - _KEPT),  # cosmetic: filled in from its neighbours
    Rule("no_data", 25 - _KEPT),  # invalid
    Rule("cloud_possible", 27 - _KEPT),  # bright
    Rule("water", 29 - _KEPT),  # fresh inland water
    Rule("water", 31 - _KEPT, 1, (0,)),  # not land
)
"""quality_flags (S3IPF.PDS.004.1, and flag_masks of the files) as :func:`_condense` leaves them."""

_ANGLES = {
    "sun_zenith": ("SZA", "SAA", "zenith"),
    "sun_azimuth": ("SZA", "SAA", "azimuth"),
    "view_zenith": ("OZA", "OAA", "zenith"),
    "view_azimuth": ("OZA", "OAA", "azimuth"),
}


def grids(granule: Granule) -> dict[float, list[str]]:
    """Return the one grid of a granule: sampling distance (m) -> bands."""
    return {_metres(open_folder(granule, "OL_1_E[FR]R")): [band.name for band in SPEC.bands]}


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a granule lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    folder = open_folder(granule, "OL_1_E[FR]R")
    found = _bands(folder)
    grid = Grid.of(next(iter(found.values())))
    counts = [counts_of(grid, band, stored) for band, stored in found.items()]
    angles = _angles(folder, grid)
    (flags,) = look(folder.member("qualityFlags.nc", "the quality flags"), ["quality_flags"])
    where = look(folder.member("geo_coordinates.nc", "latitude and longitude"), ["longitude", "latitude"])
    longitude, latitude = (grid.layer(stored) for stored in where)
    return assemble(
        folder.granule,
        _acquisition(folder, found),
        counts if calibration == "counts" else _physical(folder, grid, counts, calibration, angles["sun_zenith"]),
        calibration=calibration,
        angles=angles,
        qa=quality(counts, [(_condensed(grid.layer(flags, Packing())), RULES)]),
        longitude=longitude,
        latitude=latitude,
    )


def _bands(folder: Folder) -> dict[Band, Stored]:
    """Return the bands that the folder has."""
    found = {}
    for band in SPEC.bands:
        name = f"{band.native}_radiance"
        if folder.has(f"{name}.nc"):
            (found[band],) = look(folder.place / f"{name}.nc", [name])
    if not found:
        raise SceneError(f"{folder.place} lacks Oa01_radiance.nc to Oa21_radiance.nc: there are no bands in it.")
    return found


def _acquisition(folder: Folder, found: dict[Band, Stored]) -> Acquisition:
    missing = [band.name for band in SPEC.bands if band not in found]
    attributes = {**folder.attributes, "resolution": _metres(folder)}
    if missing:
        attributes["bands_missing"] = ", ".join(missing)
    return Acquisition(folder.platform, folder.start, folder.end, "L1B", attributes)


def _metres(folder: Folder) -> float:
    """Return the sampling distance of a granule in full (EFR) or reduced resolution (ERR)."""
    return 1200.0 if "_ERR_" in folder.granule.name else 300.0


def _physical(
    folder: Folder, grid: Grid, counts: Sequence[Counts], calibration: Calibration, zenith: xr.DataArray
) -> dict[str, xr.DataArray]:
    radiance = {c.band.name: physical(c, "radiance", None) for c in counts}
    if calibration == "radiance":
        return radiance
    instrument = folder.member("instrument_data.nc", "the solar irradiance of each detector")
    flux = values(instrument, "solar_flux")
    if flux.ndim != 2 or flux.shape[0] < len(SPEC.bands):
        raise SceneError(f"{instrument}: solar_flux has shape {flux.shape}, not 21 bands by detectors.")
    (index,) = look(instrument, ["detector_index"])
    detector, cos = grid.layer(index, Packing()), cosine(zenith)
    order = {band.name: number for number, band in enumerate(SPEC.bands)}
    return {name: reflectance(data, flux[order[name]], detector, cos) for name, data in radiance.items()}


def _condensed(flags: xr.DataArray) -> xr.DataArray:
    made: xr.DataArray = xr.apply_ufunc(_condense, flags, dask="parallelized", output_dtypes=[np.uint16])
    return made


def _condense(block: NDArray[Any]) -> NDArray[np.uint16]:
    flags = block.astype(np.uint32)
    saturated = (flags & np.uint32((1 << _KEPT + 1) - 1)) != 0
    return np.asarray((flags >> np.uint32(_KEPT)) & np.uint32(0xFFFE) | saturated, np.uint16)


@dataclass(frozen=True)
class _Regular:
    """Tie points at every n-th row and column of the image, from its first."""

    along: int
    across: int

    def __call__(self, top: int, bottom: int, left: int, right: int) -> tuple[Floats, Floats]:
        rows, columns = np.arange(top, bottom) / self.along, np.arange(left, right) / self.across
        return rows[:, None], columns[None, :]


def _angles(folder: Folder, grid: Grid) -> dict[str, xr.DataArray]:
    path = folder.member("tie_geometries.nc", "the angles of Sun and view")
    tie = look(path, ["SZA", "SAA", "OZA", "OAA"])[0]
    if len(tie.shape) != 2:
        raise SceneError(f"{path}: SZA has shape {tie.shape}, not rows and columns.")
    said = global_attributes(path)
    steps = [said.get(f"{axis}_subsampling_factor") for axis in ("al", "ac")]
    along, across = (_step(n, ties, step, path) for n, ties, step in zip(grid.shape, tie.shape, steps, strict=True))
    place = _Regular(along, across)
    return {name: grid.lazily(TiePoints(str(path), *pair, grid.shape, place), [path]) for name, pair in _ANGLES.items()}


def _step(pixels: int, ties: int, said: Any, path: Path) -> int:
    """Return the pixels from one tie point to the next: what the file says, else so that both ends have one."""
    step = int(said) if said else max(1, (pixels - 1) // max(ties - 1, 1))
    if step < 1 or (ties - 1) * step < pixels - 1:
        raise SceneError(
            f"{path} has {ties} tie points, {step} pixels apart, for {pixels} pixels. The members do not belong "
            "together: fetch the granule again."
        )
    return step
