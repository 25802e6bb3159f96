"""GOES ABI Level-1b netCDF-4 files in small, as the GOES-R users' guide (volume 3) lays them out."""

from __future__ import annotations

import math
from pathlib import Path

import netCDF4
import numpy as np

HEIGHT, LONGITUDE, SUBPOINT = 35_786_023.0, -75.0, (-75.2, 0.05)
ANGLE = {500: 14e-6, 1000: 28e-6, 2000: 56e-6}
NATIVE = {1: 1000, 2: 500, 3: 1000, 5: 1000}
ESUN = {1: 2017.1648, 2: 1631.3351, 3: 957.06995, 4: 360.90353, 5: 242.54037, 6: 76.8999}
DISTANCE = 1.0126
PACKING = {"reflective": (0.8121, -25.9366, 1023), "thermal": (0.04572892, -1.6443, 4095)}
PLANCK = {"planck_fk1": 8510.22, "planck_fk2": 1286.67, "planck_bc1": 0.22516, "planck_bc2": 0.9992}


def band(
    folder: Path,
    counts: np.ndarray,
    *,
    number: int,
    dqf: np.ndarray | None = None,
    sector: str = "C",
    minute: str = "20191531801",
) -> Path:
    """Write one band; the pixels lie around the point below the projection's longitude."""
    kind = "reflective" if number < 7 else "thermal"
    resolution = NATIVE.get(number, 2000)
    name = f"OR_ABI-L1b-Rad{sector}-M6C{number:02d}_G16_s{minute}176_e20191531803549_c20191531803597.nc"
    path = folder / name
    lines, columns = counts.shape
    with netCDF4.Dataset(path, "w") as file:
        file.title, file.platform_ID, file.scene_id = "ABI L1b Radiances", "G16", "CONUS"
        file.time_coverage_start, file.time_coverage_end = "2019-06-02T18:01:17.6Z", "2019-06-02T18:03:54.9Z"
        file.processing_level = "National Aeronautics and Space Administration (NASA) L1b"
        file.createDimension("y", lines)
        file.createDimension("x", columns)
        file.createDimension("band", 1)
        _axes(file, lines, columns, ANGLE[resolution])
        _radiance(file, counts, *PACKING[kind])
        quality = file.createVariable("DQF", "i1", ("y", "x"), fill_value=np.int8(-1))
        quality.set_auto_maskandscale(False)
        quality[:] = np.zeros(counts.shape, "i1") if dqf is None else dqf
        _scalars(file, number)
    return path


def _axes(file: netCDF4.Dataset, lines: int, columns: int, angle: float) -> None:
    for name, size, step in (("x", columns, angle), ("y", lines, -angle)):
        axis = file.createVariable(name, "i2", (name,))
        axis.scale_factor, axis.add_offset = np.float32(step), np.float32(-step * (size - 1) / 2)
        axis.set_auto_maskandscale(False)
        axis[:] = np.arange(size)


def _radiance(file: netCDF4.Dataset, counts: np.ndarray, scale: float, offset: float, fill: int) -> None:
    rad = file.createVariable("Rad", "i2", ("y", "x"), fill_value=np.int16(fill), zlib=True)
    rad.setncattr("_Unsigned", "true")
    rad.units = "W m-2 sr-1 um-1" if fill == 1023 else "mW m-2 sr-1 (cm-1)-1"
    rad.scale_factor, rad.add_offset = np.float32(scale), np.float32(offset)
    rad.valid_range = np.array([0, fill - 1], "i2")
    rad.set_auto_maskandscale(False)
    rad[:] = counts


def _scalars(file: netCDF4.Dataset, number: int) -> None:
    file.createVariable("band_id", "i1", ("band",))[:] = number
    values = {
        "nominal_satellite_subpoint_lon": SUBPOINT[0],
        "nominal_satellite_subpoint_lat": SUBPOINT[1],
        "nominal_satellite_height": HEIGHT / 1000.0,
        "earth_sun_distance_anomaly_in_AU": DISTANCE,
        "yaw_flip_flag": 0,
    }
    if number < 7:
        values |= {"esun": ESUN[number], "kappa0": math.pi * DISTANCE**2 / ESUN[number]}
    else:
        values |= PLANCK
    for name, value in values.items():
        file.createVariable(name, "f4", ()).assignValue(value)
    grid = file.createVariable("goes_imager_projection", "i4", ())
    grid.perspective_point_height, grid.sweep_angle_axis = HEIGHT, "x"
    grid.semi_major_axis, grid.semi_minor_axis = 6378137.0, 6356752.31414
    grid.longitude_of_projection_origin, grid.latitude_of_projection_origin = LONGITUDE, 0.0
    grid.grid_mapping_name = "geostationary"
