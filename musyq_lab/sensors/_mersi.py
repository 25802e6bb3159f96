"""What MERSI-1 and MERSI-2 Level-1 files share: images, calibration, and the geolocation of two grids."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration
from musyq_lab.sensors._angles import line_times, sun_angles
from musyq_lab.sensors._calibrate import Planck
from musyq_lab.sensors._fy3 import (
    CMACAST,
    SATURATED,
    TWELVE_BITS,
    acquisition,
    complete,
    distance_factor,
    global_attributes,
    irradiance,
    locate,
    numbers,
    packing,
    per_micrometre,
    percent,
)
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._planes import members, metadata, plane, table
from musyq_lab.sensors._polar import Geolocation, Layer, missing_bands, polynomial, same_shape, scene, temperature
from musyq_lab.sensors._scene import ANGLES, Acquisition

EMISSIVE_COUNTS = (1.0, 25000.0)
"""Stored radiances that are measurements: the attribute valid_range of the 250 m bands says 4095, which would lose all
above about 220 K (satpy mends the same); the first columns of some files hold 0."""

REFLECTIVE = 19
"""Reflective bands of either instrument, all calibrated from one table in the order of the bands."""

PATTERNS = (
    r"{cmacast}(?P<granule>{platforms}_MERSI_GBAL_L1_\d{{8}}_\d{{4}})_(?:1000M|0250M|GEO1K|GEOQK|GEOXX)_MS\.(?:HDF|h5)",
    r"(?P<granule>tf\d{{13}}\.{platforms}-[A-Z])_MERSI_(?:1000M|0250M|GEO1K|GEOQK|GEOXX)_L1B\.(?:HDF|h5)",
    r"(?P<granule>{platforms}_\d{{8}}_\d{{6}}_\d{{6}}_\w+?)_MERSI_(?:1000M|0250M|GEO1K|GEOQK|GEOXX)_L1B\.(?:HDF|h5)",
)
"""Names of NSMC's archive (and CMACast), of NSMC's real-time service and of direct readout."""


def patterns(platforms: str) -> tuple[str, ...]:
    """Return the patterns of names for some platforms, such as ``"FY3[ABC]"``."""
    return tuple(pattern.format(platforms=platforms, cmacast=CMACAST) for pattern in PATTERNS)


@dataclass(frozen=True, slots=True)
class Image:
    """Where a band is stored."""

    native: str
    """Number of the band."""
    dataset: str
    """Name, without the group ``Data``."""
    index: int | None
    """Which image of a three-dimensional dataset."""
    order: int
    """Row of the calibration table (reflective), or number among the thermal bands."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """What differs between the two instruments."""

    images: Mapping[float, Sequence[Image]]
    """Grid (m) -> where its bands are stored."""
    thermal: Callable[[Mapping[str, Any], Image], tuple[float, Planck]]
    """Global attributes, image -> wave number (cm-1) and constants of a thermal band."""
    irradiance: Callable[[str], Sequence[float]]
    """Platform -> the producer's solar irradiance (W m-2 um-1), where the file gives none."""
    slope: float | None = None
    """Slope of the thermal band where the file's is wrong."""


def open_mersi(granule: Granule, instrument: Instrument, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a granule on one of its grids.

    Parameters
    ----------
    granule : Granule
        Band and geolocation files.
    instrument : Instrument
        What differs.
    resolution : {250, 1000}
        Grid (m).
    calibration : {"counts", "radiance", "reflectance"}
        What to make.
    """
    path = _band_file(granule, resolution)
    attrs = global_attributes(path)
    acquired = acquisition(granule, attrs, path)
    wanted = [b for b in granule.sensor.bands_of(acquired.platform) if b.resolution == resolution]
    stored = _stored(path, instrument.images[resolution])
    if not stored:
        raise SceneError(f"{path} holds none of the bands of {resolution:g} m. It is of another kind, or damaged.")
    first = next(iter(stored.values()))[1]
    geo = _geolocation(granule, path, first, acquired, resolution)
    same_shape(geo, first, granule, "its geolocation")
    calibrate = _Calibrate(path, attrs, acquired, instrument, calibration, geo)
    layers = [calibrate(band, *stored[band.native]) for band in wanted if band.native in stored]
    extra = {**missing_bands(wanted, layers), **calibrate.notes()}
    return scene(
        granule,
        Acquisition(acquired.platform, acquired.start, acquired.end, "L1", extra),
        layers,
        geo,
        calibration=calibration,
        flags=[(layer.raw, SATURATED) for layer in layers if layer.raw.dtype.kind == "u"],
    )


def _band_file(granule: Granule, resolution: float) -> Path:
    tag = "1000M" if resolution == 1000 else "0250M"
    if not granule.match(rf".*_{tag}_.*") and len(granule.files) == 1 and not _tagged(granule.files[0]):
        return granule.files[0]  # found by content: its name says nothing
    other = "0250M" if resolution == 1000 else "1000M"
    there = (
        f"; it has the one of {int(other[:4])} m: resolution={int(other[:4])}"
        if granule.match(rf".*_{other}_.*")
        else ""
    )
    return granule.one(rf".*_{tag}_.*", f"the band file of {resolution:g} m (*_{tag}_*.HDF){there}")


def _tagged(path: Path) -> bool:
    return re.search(r"_(?:1000M|0250M|GEO1K|GEOQK|GEOXX)_", path.name, re.IGNORECASE) is not None


def _stored(path: Path, images: Sequence[Image]) -> dict[str, tuple[Image, xr.DataArray]]:
    """Return the images that the file has, in the group Data (FY-3C, FY-3D) or at the root (FY-3A, FY-3B)."""
    inside = {**{name: name for name in members(path)}, **{name: f"Data/{name}" for name in members(path, "/Data")}}
    return {
        image.native: (image, plane(path, inside[image.dataset], image.index))
        for image in images
        if image.dataset in inside
    }


def _geolocation(
    granule: Granule, path: Path, first: xr.DataArray, acquired: Acquisition, resolution: float
) -> Geolocation:
    fine = resolution == 250
    tags = ("GEOQK", "GEOXX") if fine else ("GEO1K",)  # GEOXX of FY-3B is of the 250 m grid
    side = [file for tag in tags for file in granule.match(rf".*_{tag}_.*")][:1]
    layers: dict[str, xr.DataArray] = {}
    for source in [*side, path]:
        layers = {**locate(source), **layers}
    if fine:
        coarse = granule.match(r".*_(?:GEO1K|1000M)_.*")
        layers = _fine(layers, [locate(source, wanted=tuple(ANGLES)) for source in coarse], first, acquired)
    return complete(
        granule, layers, f"its geolocation file (*_{tags[0]}_*.HDF) is missing or empty. Put it beside {path.name}"
    )


def _fine(
    layers: dict[str, xr.DataArray],
    coarse: Sequence[Mapping[str, xr.DataArray]],
    first: xr.DataArray,
    acquired: Acquisition,
) -> dict[str, xr.DataArray]:
    """Return the geolocation of the 250 m grid with the angles of the 1 km pixels, or a computed Sun without them."""
    made = {name: layer for name, layer in layers.items() if layer.shape == first.shape or name not in ANGLES}
    for source in [layers, *coarse]:
        for name in (angle for angle in ANGLES if angle in source and angle not in made):
            if source[name].shape == (first.shape[0] // 4, first.shape[1] // 4):
                made[name] = _enlarged(source[name], first)
    if "sun_zenith" not in made and {"longitude", "latitude"} <= set(made):
        times = line_times(acquired.start, acquired.end, made["longitude"].shape[0])
        zenith, azimuth = sun_angles(
            times.chunk(y=made["longitude"].chunksizes["y"]), made["longitude"], made["latitude"]
        )
        made |= {"sun_zenith": zenith.drop_vars("y", errors="ignore"), "sun_azimuth": azimuth}
    return made


def _enlarged(layer: xr.DataArray, like: xr.DataArray) -> xr.DataArray:
    import dask.array as da

    # A 1 km pixel is 4 x 4 of 250 m; over one the Sun's zenith angle changes by less than 0.01 degree.
    large = da.repeat(da.repeat(layer.data, 4, axis=0), 4, axis=1).rechunk(like.chunks)
    return xr.DataArray(large, dims=("y", "x"))


class _Calibrate:
    """Makes of stored numbers what was asked for."""

    def __init__(
        self,
        path: Path,
        attrs: Mapping[str, Any],
        acquired: Acquisition,
        instrument: Instrument,
        calibration: Calibration,
        geo: Geolocation,
    ) -> None:
        self._attrs, self._instrument, self._calibration, self._geo = attrs, instrument, calibration, geo
        self._squared = distance_factor(attrs, acquired.start)
        default = instrument.irradiance(acquired.platform)
        self._e0 = irradiance(attrs, "Solar_Irradiance", REFLECTIVE, default)
        self._scaled = _scaled(acquired)
        self._table = None if calibration == "counts" or self._scaled else _coefficients(path, attrs)

    def notes(self) -> dict[str, str]:
        """Return attributes of the scene that tell how its counts were understood."""
        return {"counts_are": "1e4 x reflectance (FY-3B from 2013-03-06 00:15 UTC)"} if self._scaled else {}

    def __call__(self, band: Band, image: Image, raw: xr.DataArray) -> Layer:
        """Return one band."""
        if band.thermal:
            return self._thermal(band, image, raw)
        valid = (0.0, 10000.0) if self._scaled else TWELVE_BITS
        e0 = self._e0[image.order]
        layer = Layer(band, raw, raw, valid, valid[1], {} if e0 is None else {"solar_irradiance": e0})
        if self._calibration == "counts":
            return layer
        over = self._geo.cosine if self._calibration == "reflectance" else None
        terms = percent(self._percent(image, raw), self._calibration, e0, self._squared)
        values = polynomial(raw, terms, valid, over=over)
        return Layer(band, raw, values, valid, valid[1], layer.attributes)

    def _percent(self, image: Image, raw: xr.DataArray) -> list[float]:
        """Return the coefficients from stored numbers to percent."""
        if self._table is None:
            return [0.0, 0.01]
        c0, c1, c2 = (float(c) for c in self._table[image.order])
        slope, intercept = packing(raw.attrs, image.index or 0)
        full = c0 + c1 * TWELVE_BITS[1] + c2 * TWELVE_BITS[1] ** 2
        if not math.isfinite(full) or not 1.0 < full < 1000.0:
            raise SceneError(
                f"Band {image.native}: the calibration coefficients {c0:g}, {c1:g}, {c2:g} give {full:g} % for the "
                "largest count. The file is damaged or of a version this package does not know."
            )
        return [c0 + c1 * intercept + c2 * intercept**2, slope * (c1 + 2.0 * c2 * intercept), c2 * slope**2]

    def _thermal(self, band: Band, image: Image, raw: xr.DataArray) -> Layer:
        if self._calibration == "counts":
            return Layer(band, raw, raw, EMISSIVE_COUNTS)
        wave_number, planck = self._instrument.thermal(self._attrs, image)
        slope, intercept = packing(raw.attrs, image.index or 0)
        factor = per_micrometre(wave_number)
        line = [intercept * factor, (self._instrument.slope or slope) * factor]
        values = polynomial(raw, line, EMISSIVE_COUNTS)
        if self._calibration == "reflectance":
            values = temperature(values, planck)
        return Layer(band, raw, values, EMISSIVE_COUNTS)


def _scaled(acquired: Acquisition) -> bool:
    """Return whether counts are 1e4 x reflectance: FY-3B from 2013-03-06 00:15, by the matching code of CMA's users."""
    return acquired.platform == "FY-3B" and acquired.start.isoformat() > "2013-03-06T00:15:59"


def _coefficients(path: Path, attrs: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    """Return c0, c1, c2 (counts to percent) of the 19 reflective bands in the order of the bands."""
    name = "Calibration/VIS_Cal_Coeff"
    if "VIS_Cal_Coeff" not in members(path, "/Calibration"):
        return numbers(attrs, ("VIR_Cal_Coeff", "VIS_Cal_Coeff"), REFLECTIVE * 3, path).reshape(REFLECTIVE, 3)
    values = table(path, name)
    if values.shape != (REFLECTIVE, 3):
        raise SceneError(f"{path}: {name} has shape {values.shape}, not ({REFLECTIVE}, 3). The version is unknown.")
    packed = metadata(path, name)
    return np.array([row * slope + shift for row, (slope, shift) in zip(values, _packings(packed), strict=True)])


def _packings(packed: Mapping[str, Any]) -> list[tuple[float, float]]:
    return [packing(packed, index) for index in range(REFLECTIVE)]
