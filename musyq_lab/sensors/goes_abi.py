"""GOES-16 to -19 ABI, Level-1b radiances (netCDF-4, a file a band): full disk, CONUS, mesoscale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.files.safety import check_hdf5, damage, opened
from musyq_lab.files.stored import attributes
from musyq_lab.sensors._angles import line_times
from musyq_lab.sensors._calibrate import Counts, Linear, Planck
from musyq_lab.sensors._disk import View, projection
from musyq_lab.sensors._geostationary import averaged, coarse, scene_of_counts, stored
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._scene import Acquisition, Rule
from musyq_lab.sensors._time import instant

SPEC = Sensor(
    key="goes_abi",
    title="GOES ABI",
    platforms=("GOES-16", "GOES-17", "GOES-18", "GOES-19"),
    resolution=2000,
    swath=12_000,
    years=(2017, None),
    bands=(
        Band("blue", "C01", 0.47, 0.04, 1000, snr=300),
        Band("blue", "C01", 0.47, 0.04, 2000, snr=300),
        Band("red", "C02", 0.64, 0.10, 500, snr=300),
        Band("red", "C02", 0.64, 0.10, 1000, snr=300),
        Band("red", "C02", 0.64, 0.10, 2000, snr=300),
        Band("nir", "C03", 0.865, 0.039, 1000, snr=300),
        Band("nir", "C03", 0.865, 0.039, 2000, snr=300),
        Band("cirrus", "C04", 1.378, 0.015, 2000, snr=300),
        Band("swir1", "C05", 1.61, 0.06, 1000, snr=300),
        Band("swir1", "C05", 1.61, 0.06, 2000, snr=300),
        Band("swir2", "C06", 2.25, 0.05, 2000, snr=300),
        Band("mir", "C07", 3.90, 0.20, 2000, nedt=0.1),
        Band("vapour_upper", "C08", 6.185, 0.83, 2000, nedt=0.1),
        Band("c09", "C09", 6.95, 0.40, 2000, nedt=0.1),
        Band("vapour_lower", "C10", 7.34, 0.20, 2000, nedt=0.1),
        Band("tir_8_6", "C11", 8.50, 0.40, 2000, nedt=0.1),
        Band("ozone", "C12", 9.61, 0.38, 2000, nedt=0.1),
        Band("tir_10_4", "C13", 10.35, 0.50, 2000, nedt=0.1),
        Band("tir1", "C14", 11.20, 0.80, 2000, nedt=0.1),
        Band("tir2", "C15", 12.30, 1.00, 2000, nedt=0.1),
        Band("carbon_dioxide", "C16", 13.30, 0.60, 2000, nedt=0.3),
    ),
    patterns=(
        r"\w\w_ABI-L1b-(?P<platform>Rad(?:F|C|M1|M2))-M\dC\d\d_(?P<granule>G1[6-9]_s\d{11})\d{3}_e\d{14}_c\d{14}\S*\.nc4?",
    ),
    marks=(Mark("hdf5", r"^ABI L1b Radiances", "title"),),
    reader="h5py",
    geometry="geostationary",
    quirks=(
        "Bands of 500 and 1000 m are means of radiance on coarser grids. Only bands of the grid itself have counts.",
        "A granule is one sector in the minute in which its scan began; two mesoscale images of one minute are told "
        "apart by giving their files as a list.",
        "Irradiance and distance of the Sun are those of each file (esun, kappa0); centres and widths are nominal.",
        "The loop heat pipe of GOES-17 fails to cool the thermal bands at some hours of the year.",
    ),
    references=(
        "GOES-R Product Definition and Users' Guide, volume 3: Level 1b, section 5 (not re-read)",
        "Schmit et al. 2017, doi:10.1175/BAMS-D-15-00230.1, (bands, SNR, NEdT as specified; not re-read)",
    ),
)

_DQF = (Rule("low_quality", 0, 8, (1, 4)), Rule("saturated", 0, 8, (2,)))
"""DQF of Rad by its own flag_meanings: 1 conditionally usable, 2 out of range, 3 no value, 4 focal plane too warm."""


@dataclass(frozen=True, slots=True)
class _File:
    """What a file says of its band."""

    path: Path
    attributes: Mapping[str, Any]
    native: str
    gain: Linear
    fill: float
    top: float
    resolution: float
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    numbers: Mapping[str, float]
    projection: Mapping[str, Any]

    @property
    def scene(self) -> tuple[str, str]:
        """Platform and sector."""
        return str(self.attributes.get("platform_ID", "")), str(self.attributes.get("scene_id", ""))


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open an image lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    files = _files(granule)
    counts, used, layers, missing = [], [], [], []
    for band in granule.sensor.bands_of():
        if band.resolution != resolution:
            continue
        file = files.get(band.native)
        if file is None or (calibration == "counts" and file.resolution != resolution):
            missing.append(band.name)
            continue
        counts.append(_counts(file, band))
        used.append(file)
        if file.resolution == resolution:
            layers.append((stored(file.path, "DQF").astype(np.uint8), _DQF))
    if not counts:
        raise SceneError(
            f"{granule.path}: granule {granule.name} has none of the bands of {resolution:g} m. It has "
            f"{', '.join(files)}."
        )
    acquisition = _acquisition(used, missing)
    view = _view(used[0], resolution, acquisition)
    return scene_of_counts(granule, acquisition, counts, view, calibration=calibration, layers=layers)


def _files(granule: Granule) -> dict[str, _File]:
    files = [_read(path) for path in granule.files]
    scenes = sorted({f.scene for f in files})
    natives = [f.native for f in files]
    if len(scenes) > 1 or len(set(natives)) < len(natives):
        raise SceneError(
            f"{granule.path}: {granule.name} holds several images ({', '.join(' '.join(s) for s in scenes)}; bands "
            f"{', '.join(sorted(natives))}). Give the files of one as a list."
        )
    return {f.native: f for f in sorted(files, key=lambda f: f.native)}


_NUMBERS = (
    "kappa0",
    "planck_fk1",
    "planck_fk2",
    "planck_bc1",
    "planck_bc2",
    "nominal_satellite_subpoint_lon",
    "nominal_satellite_subpoint_lat",
    "nominal_satellite_height",
)


def _read(path: Path) -> _File:
    check_hdf5(path)
    with opened(path) as file, damage(path):
        absent = [n for n in ("Rad", "DQF", "x", "y", "band_id", "goes_imager_projection") if n not in file]
        if absent:
            raise SceneError(f"{path} is no ABI Level-1b file: it lacks {', '.join(absent)}.")
        packing = attributes(file["Rad"])
        fill = int(packing["_FillValue"]) & 0xFFFF
        x, y = (_angles(file[name]) for name in "xy")
        return _File(
            path=path,
            attributes=attributes(file),
            native=f"C{int(np.ravel(file['band_id'][()])[0]):02d}",
            gain=Linear(float(packing["scale_factor"]), float(packing["add_offset"])),
            fill=float(fill),
            top=float(np.ravel(packing.get("valid_range", (0, fill - 1)))[-1]),
            resolution=_resolution(path, x),
            x=x,
            y=y,
            numbers={n: float(np.ravel(file[n][()])[0]) for n in _NUMBERS if n in file},
            projection=attributes(file["goes_imager_projection"]),
        )


def _angles(dataset: Any) -> NDArray[np.float64]:
    """Return scan angles (radian); scale and offset are float32 of numbers with six decimals."""
    attrs = attributes(dataset)
    scale, offset = (round(float(attrs[name]), 6) for name in ("scale_factor", "add_offset"))
    return np.asarray(dataset[()], np.float64) * scale + offset


def _resolution(path: Path, x: NDArray[np.float64]) -> float:
    """Return the sampling distance (m): 14, 28 or 56 microradian."""
    step = abs(x[1] - x[0]) if x.size > 1 else math.nan
    for angle, distance in ((14e-6, 500.0), (28e-6, 1000.0), (56e-6, 2000.0)):
        if abs(step / angle - 1.0) < 0.05:
            return distance
    raise SceneError(f"{path} has pixels of {step:g} rad, which no ABI band has. It is damaged or resampled.")


def _counts(file: _File, band: Band) -> Counts:
    data = stored(file.path, "Rad").astype(np.uint16)  # "_Unsigned": stored as int16
    radiance = file.gain
    reflectance = planck = None
    if band.thermal:
        factor = 10.0 / band.centre**2  # mW m-2 sr-1 (cm-1)-1 -> W m-2 sr-1 um-1
        radiance = Linear(radiance.gain * factor, radiance.offset * factor)
        fk1, fk2, bc1, bc2 = (_number(file, f"planck_{name}") for name in ("fk1", "fk2", "bc1", "bc2"))
        planck = Planck(fk1 * factor, fk2, bc2, bc1)
    else:
        kappa = _number(file, "kappa0")
        reflectance = Linear(radiance.gain * kappa, radiance.offset * kappa)
    counts = Counts(
        band,
        data,
        fills=(file.fill,),
        valid=(0.0, max(file.top, 0.0)),
        radiance=radiance,
        reflectance=reflectance,
        planck=planck,
    )
    factor = round(band.resolution / file.resolution)
    return averaged(counts, factor) if factor > 1 else counts


def _number(file: _File, name: str) -> float:
    value = file.numbers.get(name, math.nan)
    if not math.isfinite(value) or value == -999.0:
        raise SceneError(f"{file.path} lacks {name}, which its band needs. It is damaged.")
    return value


def _acquisition(files: list[_File], missing: list[str]) -> Acquisition:
    first = files[0].attributes
    platform = files[0].scene[0].replace("G", "GOES-")
    kept = {"area": files[0].scene[1], **({"bands_missing": ", ".join(missing)} if missing else {})}
    starts, ends = ([instant(str(f.attributes.get(f"time_coverage_{w}", ""))) for f in files] for w in ("start", "end"))
    return Acquisition(platform, min(starts), max(ends), str(first.get("processing_level", "L1b")), kept)


def _view(file: _File, resolution: float, acquisition: Acquisition) -> View:
    grid = file.projection
    height = float(grid["perspective_point_height"])
    axes = (float(grid["semi_major_axis"]), float(grid["semi_minor_axis"]))
    longitude = float(grid["longitude_of_projection_origin"])
    sweep = str(grid.get("sweep_angle_axis", "x"))
    factor = round(resolution / file.resolution)
    x, y = coarse(file.x, factor) * height, coarse(file.y, factor) * height
    place = file.numbers
    return View(
        x,
        y,
        projection(longitude, height, axes=axes, sweep=sweep, what=file.path),
        line_times(acquisition.start, acquisition.end, y.size).values,
        (
            place.get("nominal_satellite_subpoint_lon", longitude),
            place.get("nominal_satellite_subpoint_lat", 0.0),
            1000.0 * place.get("nominal_satellite_height", height / 1000.0),
        ),
    )
