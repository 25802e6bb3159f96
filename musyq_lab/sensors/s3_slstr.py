"""Sentinel-3A and -3B SLSTR, Level-1 radiances and brightness temperatures (RBT), SEN3 folders, nadir view."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.files.stored import Packing, StoredLayer
from musyq_lab.kernels.radiometry import planck_constants
from musyq_lab.sensors._calibrate import Counts, Linear, cosine, physical
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._scene import Acquisition, Rule, assemble, quality
from musyq_lab.sensors._sentinel3 import (
    Floats,
    Folder,
    Grid,
    Stored,
    counts_of,
    look,
    open_folder,
    reflectance,
    values,
)
from musyq_lab.sensors._sentinel3_ties import TiePoints

SPEC = Sensor(
    key="s3_slstr",
    title="Sentinel-3 SLSTR",
    platforms=("Sentinel-3A", "Sentinel-3B", "Sentinel-3C", "Sentinel-3D"),
    resolution=500,
    swath=1400,
    years=(2016, None),
    bands=(
        Band("green", "S1", 0.5541, 0.0193, 500, 1879.1),
        Band("red", "S2", 0.6594, 0.0193, 500, 1538.6),
        Band("nir", "S3", 0.8678, 0.0206, 500, 949.6),
        Band("cirrus", "S4", 1.3749, 0.0205, 500, 357.5),
        Band("swir1", "S5", 1.6131, 0.0667, 500, 236.9),
        Band("swir2", "S6", 2.2558, 0.0514, 500, 74.3),
        Band("mir", "S7", 3.7422, 0.3978, 1000, nedt=0.08),
        Band("tir1", "S8", 10.8571, 0.7755, 1000, nedt=0.05),
        Band("tir2", "S9", 12.0321, 0.9068, 1000, nedt=0.05),
        # The fire channels share the filters of S7 and S8, at lower gain.
        Band("f1", "F1", 3.7422, 0.3978, 1000),
        Band("f2", "F2", 10.8571, 0.7755, 1000),
    ),
    # The name of a folder says it all; in a folder that was renamed this member tells SLSTR from OLCI.
    patterns=(r"(?P<granule>viscal)\.nc",),
    folders=(r"(?P<granule>S3[A-D]_SL_1_RBT_{4}\d{8}T\d{6}_\w+?)(?:\.SEN3)?(?:\.zip)?",),
    marks=(Mark("hdf5", r"S3[A-D]_SL_[12]_", "product_name"),),
    reader="h5py",
    quirks=(
        "The nadir view is opened, stripe A at 500 m; the oblique view and the stripes B and TDI lie in members of the "
        "same folder (*_ao.nc, *_io.nc, *_bn.nc, *_cn.nc) on grids of their own.",
        "Radiance is as the file stores it. EUMETSAT's product notice S3.PN-SLSTR-L1.10 recommends to multiply nadir "
        "radiance by 0.97 (S1), 0.98 (S2, S3), 1.11 (S5) and 1.13 (S6): see the attribute `recommended_factor`.",
        "Reflectance uses the file's solar irradiance of each detector for the day, not the E0 of the band's row.",
        "S7 to S9 are stored as brightness temperature; their radiance is the mean of Planck's over a flat band as "
        "wide as theirs (at the centre alone, that of S7 would be 4 % less at 250 K).",
        "F1 has a grid of its own since 2018 (F1_BT_fn.nc) and is left out then.",
        "Upper limit of S4 in satpy's table (1.36825 um) lies below its centre: the row here is the measured response.",
    ),
    references=(
        "Sentinel-3 SLSTR Level-1 product data format specification, S3IPF.PDS.005 (layout, flags)",
        "Calibrated reflectance and radiance are related by the seasonally adjusted solar irradiance: ESA SLSTR "
        "technical guide, Level-1, conversion to radiances",
        "NEdT as required at 270 K: Donlon et al. 2012, doi:10.1016/j.rse.2011.07.024 (not re-read)",
    ),
)

RECOMMENDED = {"S1": 0.97, "S2": 0.98, "S3": 0.98, "S5": 1.11, "S6": 1.13}
"""Factor on nadir radiance, EUMETSAT product notice S3.PN-SLSTR-L1.08 and .10. Never applied silently: which processing
baselines hold it already is not stated in the files."""

CONFIDENCE = (
    Rule("water", 1),  # ocean
    Rule("water", 4),  # inland water
    Rule("no_data", 5),  # unfilled
    Rule("night", 10, 2, (0,)),  # neither day nor twilight
    Rule("sun_glint", 12),
    Rule("snow_ice", 13),
    Rule("cloud", 14),
    Rule("low_quality", 15),  # pointing
)
"""confidence_in, confidence_an (S3IPF.PDS.005, and flag_masks of the files)."""
CLOUD = (Rule("cirrus", 8),)
"""cloud_in, cloud_an: thin cirrus (flag_masks and flag_meanings of the files; bit 7 is the gross cloud test)."""
EXCEPTION = (Rule("saturated", 0, 8, tuple(v for v in range(255) if v & 16)),)
"""Sn_exception_an: bit 4; 255 is the fill value."""

_STRIPES = {500: "a", 1000: "i"}
_ANGLES = {
    "sun_zenith": ("solar_zenith_tn", "solar_azimuth_tn", "zenith"),
    "sun_azimuth": ("solar_zenith_tn", "solar_azimuth_tn", "azimuth"),
    "view_zenith": ("sat_zenith_tn", "sat_azimuth_tn", "zenith"),
    "view_azimuth": ("sat_zenith_tn", "sat_azimuth_tn", "azimuth"),
}


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a granule lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    folder = open_folder(granule, "SL_1_RBT")
    suffix = _STRIPES[int(resolution)] + "n"
    found = _bands(folder, resolution, suffix)
    grid = Grid.of(next(iter(found.values())))
    counts = [counts_of(grid, band, stored) for band, stored in found.items()]
    angles = _angles(folder, grid, suffix)
    names = [f"longitude_{suffix}", f"latitude_{suffix}"]
    where = look(folder.member(f"geodetic_{suffix}.nc", "latitude and longitude"), names)
    longitude, latitude = (grid.layer(stored) for stored in where)
    scene = assemble(
        folder.granule,
        _acquisition(folder, resolution, found),
        counts if calibration == "counts" else _physical(folder, grid, counts, calibration, angles, suffix),
        calibration=calibration,
        angles=angles,
        qa=quality(counts, _flags(folder, grid, found, suffix)),
        longitude=longitude,
        latitude=latitude,
    )
    for counted in counts:
        if factor := RECOMMENDED.get(counted.band.native):
            scene[counted.band.name].attrs["recommended_factor"] = factor
    return scene


def _bands(folder: Folder, resolution: float, suffix: str) -> dict[Band, Stored]:
    """Return the bands of a grid that the folder has."""
    found = {}
    for band in (b for b in SPEC.bands if b.resolution == resolution):
        name = f"{band.native}_{'BT' if band.thermal else 'radiance'}_{suffix}"
        if folder.has(f"{name}.nc"):
            (found[band],) = look(folder.place / f"{name}.nc", [name])
    if not found:
        example = "S8_BT_in.nc" if suffix == "in" else "S3_radiance_an.nc"
        raise SceneError(f"{folder.place} lacks the bands of {resolution:g} m ({example} ...).")
    return found


def _acquisition(folder: Folder, resolution: float, found: Mapping[Band, Stored]) -> Acquisition:
    missing = [b.name for b in SPEC.bands if b.resolution == resolution and b not in found]
    attributes = {**folder.attributes, "view": "nadir"}
    if missing:
        attributes["bands_missing"] = ", ".join(missing)
    return Acquisition(folder.platform, folder.start, folder.end, "L1B", attributes)


def _physical(
    folder: Folder,
    grid: Grid,
    counts: Sequence[Counts],
    calibration: Calibration,
    angles: Mapping[str, xr.DataArray],
    suffix: str,
) -> dict[str, xr.DataArray]:
    if suffix == "in":
        return {c.band.name: _thermal(c, calibration) for c in counts}
    radiance = {c.band: physical(c, "radiance", None) for c in counts}
    if calibration == "radiance":
        return {band.name: data for band, data in radiance.items()}
    indices = folder.member(f"indices_{suffix}.nc", "the detector of each pixel")
    (index,) = look(indices, [f"detector_{suffix}"])
    detector, cos = grid.layer(index, Packing()), cosine(angles["sun_zenith"])
    made = {}
    for band, data in radiance.items():
        quality_file = folder.member(f"{band.native}_quality_{suffix}.nc", "the solar irradiance of each detector")
        flux = values(quality_file, f"{band.native}_solar_irradiance_{suffix}").ravel()
        made[band.name] = reflectance(data, flux, detector, cos)
    return made


def _thermal(counts: Counts, calibration: Calibration) -> xr.DataArray:
    """Return brightness temperature, which the file stores, or Planck's radiance of it over the band."""
    temperature = counts.linear(counts.radiance or Linear(1.0))
    if calibration == "reflectance":
        return temperature.assign_attrs(units="K", standard_name="toa_brightness_temperature")
    band = counts.band
    made: xr.DataArray = xr.apply_ufunc(
        _planck,
        temperature,
        kwargs={"centre": band.centre, "width": band.fwhm},
        dask="parallelized",
        output_dtypes=[np.float32],
    )
    return made.assign_attrs(units="W m-2 sr-1 um-1", standard_name="toa_outgoing_radiance_per_unit_wavelength")


def _planck(temperature: Floats, centre: float, width: float) -> Floats:
    """Return the mean of Planck's radiance over a flat band, by three points of Gauss."""
    mean = np.zeros(temperature.shape)
    for place, weight in ((-math.sqrt(0.6), 5.0 / 18.0), (0.0, 8.0 / 18.0), (math.sqrt(0.6), 5.0 / 18.0)):
        k1, k2 = planck_constants(centre + place * width / 2.0)
        mean += weight * k1 / np.expm1(k2 / np.asarray(temperature, np.float64))
    return np.asarray(mean, np.float32)


def _flags(
    folder: Folder, grid: Grid, found: Mapping[Band, Stored], suffix: str
) -> list[tuple[xr.DataArray, Sequence[Rule]]]:
    path = folder.member(f"flags_{suffix}.nc", "the quality flags")
    confidence, cloud = look(path, [f"confidence_{suffix}", f"cloud_{suffix}"])
    layers: list[tuple[xr.DataArray, Sequence[Rule]]] = [
        (grid.layer(confidence, Packing()), CONFIDENCE),
        (grid.layer(cloud, Packing()), CLOUD),
    ]
    for band, stored in found.items():
        (exception,) = look(stored.path, [f"{band.native}_exception_{suffix}"])
        layers.append((grid.layer(exception, Packing()), EXCEPTION))
    return layers


@dataclass(frozen=True)
class _Cartesian:
    """Tie points found by the coordinates across and along the track, which pixels and tie points both have (m)."""

    x: Stored
    y: Stored
    across: Stored
    along: Stored

    def __call__(self, top: int, bottom: int, left: int, right: int) -> tuple[Floats, Floats]:
        part = (slice(top, bottom), slice(left, right))
        row = _place(_read(self.along)[(slice(None), 0)], _read(self.y)[part])
        column = _place(_read(self.across)[(0, slice(None))], _read(self.x)[part])
        return row, column


def _read(stored: Stored) -> StoredLayer:
    return StoredLayer((str(stored.path),), stored.name, stored.shape, stored.dtype, stored.packing)


def _place(ties: Floats, wanted: Floats) -> Floats:
    """Return fractional places among evenly spaced tie points, rising or falling."""
    known = np.flatnonzero(np.isfinite(ties))
    if known.size < 2:
        return np.full(wanted.shape, np.nan)
    first, last = known[0], known[-1]
    step = (ties[last] - ties[first]) / (last - first)
    return np.asarray(first + (wanted - ties[first]) / step)


def _angles(folder: Folder, grid: Grid, suffix: str) -> dict[str, xr.DataArray]:
    path = folder.member("geometry_tn.nc", "the angles of Sun and view")
    ties = folder.member("cartesian_tx.nc", "where the tie points of the angles lie")
    pixels = folder.member(f"cartesian_{suffix}.nc", "where the pixels lie among the tie points")
    across, along = look(ties, ["x_tx", "y_tx"])
    x, y = look(pixels, [f"x_{suffix}", f"y_{suffix}"])
    angle = look(path, ["solar_zenith_tn", "solar_azimuth_tn", "sat_zenith_tn", "sat_azimuth_tn"])[0]
    if {across.shape, along.shape} != {angle.shape} or {x.shape, y.shape} != {grid.shape}:
        raise SceneError(
            f"{path}, {ties.name} and {pixels.name} are of different grids. The members do not belong together: fetch "
            "the granule again."
        )
    place = _Cartesian(x, y, across, along)
    used: list[Path] = [path, ties, pixels]
    return {name: grid.lazily(TiePoints(str(path), *pair, grid.shape, place), used) for name, pair in _ANGLES.items()}
